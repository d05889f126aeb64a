"""What is to be checked: the rules of every form version and the declared checks, as batches of rows with verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from laktasi.errors import CheckError, LaktasiError
from laktasi.quality.declared import DeclaredCheck
from laktasi.quality.suites import COMPARED, COMPLETE, Rule
from laktasi.questionnaire.compiler import DeclaredRule, compile_form, predicate_sql
from laktasi.questionnaire.compiler import Rule as CompiledRule
from laktasi.questionnaire.model import Field, Questionnaire
from laktasi.store.sql import identifier, literal

KEY = "_key"
_SEPARATOR = 31  # U+001F, which no XML document can hold: joined answers cannot be mistaken for others

Questionnaires = Mapping[tuple[str, str], Questionnaire]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that one suite looks at, and the rules it asks of them."""

    name: str
    """Of its table in the schema `checks`, and of its suite."""
    form_id: str
    version: str | None
    """Form version; None for a check over the set, which looks at all of them."""
    table: str
    """The table in `answers` whose rows these are."""
    select: str
    """Gives ``_submission_id, _row``, then a BOOLEAN per rule, or for a check over the set ``_is_compared, _key``."""
    rules: tuple[Rule, ...]

    @property
    def is_set(self) -> bool:
        """It compares rows with each other."""
        return self.version is None


@dataclass(frozen=True, slots=True)
class Gap:
    """A rule that is not checked for one form version, and why; a row of `quality.unverified`."""

    form_id: str
    version: str | None
    field: str
    kind: str
    expression: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one run checks, and what it cannot."""

    batches: tuple[Batch, ...]
    gaps: tuple[Gap, ...]


def make_plan(questionnaires: Questionnaires, checks: Sequence[DeclaredCheck]) -> Plan:
    """Derive the batches of all form versions.

    A declared check is asked of every form version that has all of its questions (of its own form, where it names one).

    Raises
    ------
    CheckError
        A declared check names a form that is none of those at hand, fits no form version or compiles for none, or one
        of its names could be any of several questions.
    """
    gaps: list[Gap] = []
    fitting = {check.id: _fitting(check, questionnaires, gaps) for check in checks}
    batches: list[Batch] = []
    uncompiled: dict[str, list[str]] = {}
    for (form_id, version), questionnaire in questionnaires.items():
        declared = [check for check in checks if check.kind == "row" and (form_id, version) in fitting[check.id]]
        compiled = compile_form(questionnaire, [_declared_rule(check) for check in declared])
        gaps += [
            Gap(form_id, version, item.field, item.kind, item.expression, item.reason) for item in compiled.unverified
        ]
        for item in compiled.unverified:
            if item.kind == "declared":
                uncompiled.setdefault(item.field, []).append(item.reason)
        for table in questionnaire.tables:
            rules = tuple(rule for rule in compiled.rules if rule.table == table.name)
            if rules:
                name = f"{table.name}__{hashlib.sha256(version.encode()).hexdigest()[:8]}"
                select = _with_complete(compiled.checks_sql(table.name), rules)
                batches.append(Batch(name, form_id, version, table.name, select, rules))
    for check in checks:
        if check.kind == "row":
            _refuse_uncompiled(check, fitting[check.id], uncompiled.get(check.id, []))
        else:
            versions = [questionnaires[key] for key in fitting[check.id]]
            forms = dict.fromkeys(item.form_id for item in versions)
            batches += [_unique(check, [item for item in versions if item.form_id == form]) for form in forms]
    return Plan(tuple(batches), tuple(gaps))


def _fitting(check: DeclaredCheck, questionnaires: Questionnaires, gaps: list[Gap]) -> list[tuple[str, str]]:
    """Give the form versions that have all questions of a check; the other versions of those forms become gaps."""
    kind = "declared" if check.kind == "row" else "set"
    wanted = [key for key in questionnaires if check.form in (None, key[0])]
    if check.form is not None and not wanted and questionnaires:
        forms = ", ".join(sorted({form_id for form_id, _version in questionnaires}))
        raise CheckError(
            f"checks.yml: check {check.id!r} is about the form {check.form!r}, of which no version is known",
            why=f"Such a check would look at nothing and seem to pass. Known are: {forms}.",
            next_step="correct the form in schemas/checks.yml, or put its XLSForm into xlsforms/",
        )
    if check.form is not None and not wanted:
        reason = "no version of this form is known yet"
        gaps.append(Gap(check.form, None, check.id, kind, _expression(check), reason))
        return []
    absent = {key: _absent(check, questionnaires[key]) for key in wanted}
    fitting = [key for key in wanted if not absent[key]]
    if wanted and not fitting:
        raise CheckError(
            f"checks.yml: check {check.id!r} asks for {absent[wanted[-1]][0]!r}, and no form version has that question",
            why="Such a check would look at nothing and seem to pass.",
            next_step="correct the name in schemas/checks.yml, or take the check out",
        )
    fitted = {form_id for form_id, _version in fitting}
    gaps += [
        Gap(form_id, version, check.id, kind, _expression(check), f"this version does not ask {names[0]!r}")
        for (form_id, version), names in absent.items()
        if names and form_id in fitted
    ]
    return fitting


def _refuse_uncompiled(check: DeclaredCheck, fitting: Sequence[tuple[str, str]], reasons: Sequence[str]) -> None:
    """Refuse a check of ours that compiles for no version; what a *form* says and cannot be checked is a gap."""
    if fitting and len(reasons) == len(fitting):
        raise CheckError(
            f"checks.yml: check {check.id!r} cannot be asked: {reasons[-1]}",
            why="Such a check would look at nothing and seem to pass.",
            next_step="correct its expression in schemas/checks.yml",
        )


def _absent(check: DeclaredCheck, questionnaire: Questionnaire) -> list[str]:
    return [name for name in check.names if _find(check, questionnaire, name) is None]


def _find(check: DeclaredCheck, questionnaire: Questionnaire, name: str) -> Field | None:
    try:
        return questionnaire.find(name)
    except KeyError as error:
        if any(item.path.rsplit("/", 1)[-1] == name for item in questionnaire.fields):
            raise CheckError(
                f"checks.yml: check {check.id!r}: {error.args[0]}",
                next_step="write the whole path of the question in schemas/checks.yml",
            ) from None
        return None


def _declared_rule(check: DeclaredCheck) -> DeclaredRule:
    assert check.expression is not None
    return DeclaredRule(check.id, check.expression, check.severity, check.messages)


def _expression(check: DeclaredCheck) -> str:
    if check.expression is not None:
        return check.expression
    unique = f"unique({', '.join(check.questions)})"
    return f"{unique} where {check.where}" if check.where else unique


def _with_complete(select: str, rules: Iterable[Rule]) -> str:
    known = " AND ".join(f"{identifier(rule.column)} IS NOT NULL" for rule in rules)
    return f"SELECT verdicts.*, {known} AS {identifier(COMPLETE)} FROM ({select}) AS verdicts"


def _unique(check: DeclaredCheck, versions: Sequence[Questionnaire]) -> Batch:
    """Give all rows of one form, whatever the version, with a key made of the answers that must not come twice.

    The key is a hash, so that no answer reaches what GX returns, or says when it fails.
    """
    selects, tables = [], set()
    for questionnaire in versions:
        fields = [item for name in check.questions if (item := _find(check, questionnaire, name)) is not None]
        tables |= {item.table for item in fields}
        columns = [identifier(item.column) for item in fields]
        missing = " OR ".join(f"{column} IS NULL" for column in columns)
        selects.append(
            f"SELECT _submission_id, _row, {_compared(check, questionnaire)} AS {identifier(COMPARED)},"
            f" CASE WHEN {missing} THEN NULL ELSE md5(concat_ws(chr({_SEPARATOR}), {', '.join(columns)})) END"
            f" AS {identifier(KEY)}"
            f" FROM {identifier('answers', fields[0].table)} WHERE _form_version = {literal(questionnaire.version)}"
        )
    if len(tables) != 1:
        raise CheckError(
            f"checks.yml: check {check.id!r} compares questions of different tables: {', '.join(sorted(tables))}",
            why="Answers can only be compared together where they stand in one row.",
            next_step="name questions of the form itself, or of one repeat, in schemas/checks.yml",
        )
    (table,) = tables
    rule = CompiledRule(
        rule_id=check.id,
        kind="set",
        field=None,
        table=table,
        severity=check.severity,
        messages=check.messages,
        expression=_expression(check),
        column=KEY,
    )
    name = f"set__{check.id}__{table}"
    return Batch(name, versions[0].form_id, None, table, " UNION ALL ".join(selects), (rule,))


def _compared(check: DeclaredCheck, questionnaire: Questionnaire) -> str:
    if check.where is None:
        return "true"
    try:
        good = predicate_sql(questionnaire, check.where)
    except LaktasiError as error:
        raise CheckError(
            f"checks.yml: check {check.id!r}: its 'where' cannot be used: {error.what}",
            why=error.why,
            next_step="correct the expression in schemas/checks.yml",
        ) from error
    return f"_submission_id IN ({good})"
