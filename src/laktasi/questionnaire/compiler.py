"""The rules of a form version, derived from the form and compiled to SQL over the text layer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from laktasi.questionnaire import messages
from laktasi.questionnaire.calculations import agrees
from laktasi.questionnaire.expressions import Compiler
from laktasi.questionnaire.functions import tokens
from laktasi.questionnaire.layers import ROW, Column, Frame, put_together
from laktasi.questionnaire.model import Field, Questionnaire, Table, Texts, ValueType
from laktasi.questionnaire.names import sanitise
from laktasi.questionnaire.plan import Plan, parsed, reads_moment
from laktasi.questionnaire.predicates import with_paths
from laktasi.questionnaire.types import is_of_type
from laktasi.questionnaire.values import Unsupported, quote

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class DeclaredRule:
    """A rule about one row that schemas/checks.yml declares, in the form's own words.

    `expression` is true of a good row; ``${name}`` names a question by path, column, or its last part where unique.
    """

    id: str
    expression: str
    severity: Severity
    messages: Texts


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of one row, compiled."""

    rule_id: str
    """``mother__age.constraint``; of a question in a repeat the path of the repeat comes first."""
    kind: str
    """type, required, relevant, constraint, choice, calculation or declared."""
    field: str | None
    """Column of the field it is about; None for a declared rule."""
    table: str
    severity: Severity
    messages: Texts
    """By language: the form's own words, and where it has none a general sentence in ``id`` and ``en``."""
    expression: str
    """As XPath; for type and choice the type and the list."""
    column: str
    """Boolean column in the checks select."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """What cannot be checked after the interview, and why."""

    field: str
    """Column of the field, in a repeat after the path of the repeat; of a declared rule its id."""
    kind: str
    expression: str
    reason: str


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """The rules of one form version, and the SQL that asks them."""

    form_id: str
    version: str
    rules: tuple[Rule, ...]
    unverified: tuple[Unverified, ...]
    selects: Mapping[str, str]

    def checks_sql(self, table: str) -> str:
        """Give the SELECT that asks every rule of one table.

        Returns
        -------
        str
            A select over ``answers`` and ``staging.choices``: one row per row of that table with this form version,
            ``_submission_id``, ``_row`` and one BOOLEAN per rule, TRUE where the row is good; never NULL.
        """
        return self.selects[table]


def compile_form(
    questionnaire: Questionnaire, declared: Sequence[DeclaredRule] = (), only: str | None = None
) -> CompiledForm:
    """Derive and compile the rules of a form version.

    Parameters
    ----------
    questionnaire
        The form version.
    declared
        Rules about one row that a project adds. One that names a question this version lacks is listed as unverified.
    only
        SQL name of a relation whose column ``_submission_id`` says which submissions are asked; all by default.

    Returns
    -------
    CompiledForm
        Every rule that can be asked, and by name every one that cannot.
    """
    derived = _Derived(Plan(questionnaire))
    for item in questionnaire.fields:
        derived.add_field(item)
    for rule in declared:
        derived.add_declared(rule)
    selects = {
        table.name: put_together(derived.plan.tables, table, derived.columns[table.name], only)
        for table in questionnaire.tables
    }
    return CompiledForm(
        questionnaire.form_id, questionnaire.version, tuple(derived.rules), tuple(derived.unverified), selects
    )


class _Derived:
    """Rules as they are derived, field by field."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rules: list[Rule] = []
        self.unverified: list[Unverified] = []
        self.columns: dict[str, list[Column]] = {table.name: [] for table in plan.questionnaire.tables}
        self._taken: set[str] = set()

    def add_field(self, item: Field) -> None:
        """Derive the rules of one field."""
        self._type(item)
        self._choice(item)
        self._relevant(item)
        if item.is_question:
            self._required(item)
            self._constraint(item)
        if item.calculate is not None:
            self._calculation(item)

    def _rule(
        self,
        item: Field,
        kind: str,
        expression: str,
        texts: Texts,
        compile_good: Callable[[Compiler, str], str],
        severity: Severity = "error",
    ) -> None:
        """Compile one rule of a field, or list it as unverified."""
        scope, frame = self.plan.scope(item.path, shared=kind), Frame()
        name = f"{_prefix(self.plan.tables.by_name[item.table])}{item.column}"
        try:
            good = compile_good(Compiler(self.plan, scope, frame), f"{ROW}.{quote(item.column)}")
        except Unsupported as reason:
            self.unverified.append(Unverified(name, kind, expression, str(reason)))
            return
        except RecursionError:
            # Single expressions are limited when they are parsed, not how many read each other in a row.
            self.unverified.append(Unverified(name, kind, expression, "too many calculations read each other in a row"))
            return
        rule_id = self._free(f"{name}.{kind}", item.path)
        column = self.plan.column(rule_id.replace(".", "__"), f"coalesce({good}, FALSE)", scope, frame)
        self.columns[item.table].append(column)
        self.rules.append(
            Rule(rule_id, kind, item.column, item.table, severity, texts, expression, rule_id.replace(".", "__"))
        )

    def _free(self, rule_id: str, place: str) -> str:
        # Case counts for nothing in a column's name, and ``a__b`` may stand for two places.
        if rule_id.replace(".", "__").lower() in self._taken:
            rule_id = f"{rule_id}_{hashlib.sha256(place.encode()).hexdigest()[:4]}"
        self._taken.add(rule_id.replace(".", "__").lower())
        return rule_id

    def _type(self, item: Field) -> None:
        check = is_of_type(item.type, f"{ROW}.{quote(item.column)}")
        if check is None:
            return

        def good(compiler: Compiler, raw: str) -> str:
            typed = self.plan.typed(item, ROW, compiler.frame)
            # What others read as its type is of its type; only the rest is looked at closely.
            fine = f"{raw} IS NULL" + (f" OR {typed} IS NOT NULL" if typed else "")
            return f"CASE WHEN {fine} THEN TRUE ELSE {check} END"

        self._rule(item, "type", item.type.value, messages.of_type(item.type), good)

    def _choice(self, item: Field) -> None:
        if item.type not in (ValueType.SELECT_ONE, ValueType.SELECT_MULTIPLE, ValueType.RANK) or not item.is_question:
            return
        listed = self.plan.questionnaire.choice_lists.get(item.list_name or "")
        expression = f"{item.list_name or ''}{f'[{item.choice_filter}]' if item.choice_filter else ''}"

        def good(compiler: Compiler, raw: str) -> str:
            if listed is None:
                raise Unsupported("its choices come from other answers, not from a list")
            alias = self.plan.new_alias()
            predicates = (parsed(item.choice_filter),) if item.choice_filter else ()
            rows = compiler.item_rows(listed, alias, predicates)
            if item.type is ValueType.SELECT_ONE:
                return f"{raw} IS NULL OR {raw} IN (SELECT {alias}.value {rows})"
            offered = f"coalesce((SELECT list({alias}.value) {rows}), [])"
            return f"{raw} IS NULL OR list_has_all({offered}, {tokens(raw)})"

        self._rule(item, "choice", expression, messages.CHOICE, good)

    def _relevant(self, item: Field) -> None:
        conditions = [
            (group.path, group.relevant)
            for group in self.plan.questionnaire.groups
            if group.relevant and f"{item.path}/".startswith(f"{group.path}/")
        ]
        if item.relevant:
            conditions.append((item.path, item.relevant))
        if not conditions:
            return
        expression = conditions[0][1] if len(conditions) == 1 else " and ".join(f"({text})" for _, text in conditions)

        def good(compiler: Compiler, raw: str) -> str:
            relevant = self.plan.relevance(item.path, compiler.scope.alias_of, compiler.frame)
            return self._settled(compiler, f"{raw} IS NULL OR {relevant}")

        self._rule(item, "relevant", expression, messages.RELEVANT, good)

    def _settled(self, compiler: Compiler, good: str) -> str:
        """Ask what depends on the day only of interviews that begin and end on one day."""
        if not compiler.frame.clock:
            return good
        settled = self.plan.clock("settled", compiler.scope.alias_of, compiler.frame)
        return f"(NOT coalesce({settled}, FALSE)) OR ({good})"

    def _required(self, item: Field) -> None:
        required = item.required
        if required is None or item.readonly or re.sub(r"\s", "", required) == "false()":
            return

        def good(compiler: Compiler, raw: str) -> str:
            condition = compiler.condition(parsed(required))
            try:
                relevant = self.plan.relevance(item.path, compiler.scope.alias_of, compiler.frame)
            except Unsupported as reason:
                raise Unsupported(f"whether it was asked cannot be told: {reason}") from None
            return self._settled(compiler, f"{raw} IS NOT NULL OR NOT ({relevant} AND {condition})")

        texts = messages.in_own_words(item.required_messages, messages.REQUIRED)
        self._rule(item, "required", required, texts, good)

    def _constraint(self, item: Field) -> None:
        constraint = item.constraint
        if constraint is None:
            return

        def good(compiler: Compiler, raw: str) -> str:
            condition = compiler.condition(parsed(constraint))
            if typed := self.plan.typed(item, ROW, compiler.frame):
                return f"{typed} IS NULL OR {condition}"
            try:
                relevant = self.plan.relevance(item.path, compiler.scope.alias_of, compiler.frame)
            except Unsupported:
                relevant = "TRUE"
            check = is_of_type(item.type, raw)
            # An answer that is not of its type is a finding of its own, and nothing can be asked of it.
            asked = f"{raw} IS NOT NULL AND {relevant}" + (f" AND {check}" if check else "")
            return f"NOT ({asked}) OR {condition}"

        texts = messages.in_own_words(item.constraint_messages, messages.CONSTRAINT)
        self._rule(item, "constraint", constraint, texts, good)

    def _calculation(self, item: Field) -> None:
        assert item.calculate is not None

        def good(compiler: Compiler, raw: str) -> str:
            made = self.plan.recomputed(item)
            if isinstance(made, Unsupported):
                raise made
            compiler.scope.joins |= made.joins
            compiler.frame.columns |= made.frame.columns
            compiler.frame.clock = made.frame.clock
            if made.frame.clock and reads_moment(made.frame):
                raise Unsupported("now() was another moment when it was computed")
            same = agrees(made.value, raw)
            try:
                relevant = self.plan.relevance(item.path, compiler.scope.alias_of, compiler.frame)
            except Unsupported:
                # What is not sent was not relevant.
                relevant = f"{raw} IS NOT NULL"
            return self._settled(compiler, f"NOT ({relevant}) OR {same}")

        severity: Severity = "warning" if item.path.startswith("meta/") else "error"
        self._rule(item, "calculation", item.calculate, messages.CALCULATION, good, severity)

    def add_declared(self, rule: DeclaredRule) -> None:
        """Compile a rule that the project declares."""
        try:
            written, fields = with_paths(self.plan.questionnaire, rule.expression)
            table = self._deepest(fields)
            scope, frame = self.plan.scope(table.path, table), Frame()
            condition = Compiler(self.plan, scope, frame).condition(parsed(written))
        except Unsupported as reason:
            self.unverified.append(Unverified(rule.id, "declared", rule.expression, str(reason)))
            return
        rule_id = self._free(rule.id, rule.id)
        name = sanitise(rule_id)
        self.columns[table.name].append(self.plan.column(name, f"coalesce({condition}, FALSE)", scope, frame))
        self.rules.append(
            Rule(rule_id, "declared", None, table.name, rule.severity, rule.messages, rule.expression, name)
        )

    def _deepest(self, fields: list[Field]) -> Table:
        """Give the table whose rows a declared rule is asked of: the innermost repeat it names."""
        named = {item.table for item in fields}
        tables = [table for table in self.plan.questionnaire.tables if table.name in named]
        deepest = max(tables, key=lambda table: len(table.path), default=self.plan.tables.form)
        around = {deepest.name, *(table.name for table in self.plan.tables.upwards(deepest))}
        if not named <= around:
            raise Unsupported("it names questions of two repeats that do not stand inside each other")
        return deepest


def _prefix(table: Table) -> str:
    return "".join(f"{sanitise(part)}__" for part in table.path.split("/")) if table.path else ""
