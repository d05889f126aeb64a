"""What is to be checked: the rules of every form version and the declared checks, as batches of rows with verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from laktasi.errors import CheckError
from laktasi.quality.kinds import KINDS
from laktasi.quality.kinds.model import DeclaredCheck
from laktasi.quality.scene import Scene
from laktasi.quality.suites import COMPARED, COMPLETE, Rule
from laktasi.quality.where import find_field, holding, refuse_foreign_choices
from laktasi.questionnaire.compiler import DeclaredRule, compile_form
from laktasi.questionnaire.compiler import Rule as CompiledRule
from laktasi.questionnaire.model import Field, Questionnaire, ValueType
from laktasi.questionnaire.predicates import predicates_sql
from laktasi.store.casts import casts
from laktasi.store.forms import version_key
from laktasi.store.sql import identifier, literal
from laktasi.study import Study

if TYPE_CHECKING:
    import duckdb

Shape = Literal["rows", "unique", "verdicts", "measures"]

KEY = "_key"
GOOD = "is_good"
VALUE = "value"
_SEPARATOR = 31  # U+001F, which no XML document can hold: joined answers cannot be mistaken for others

Questionnaires = Mapping[tuple[str, str], Questionnaire]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that one suite looks at, and the rules it asks of them."""

    name: str
    """Of the table in memory that its verdicts stand in, and of its suite."""
    form_id: str
    version: str | None
    """Form version; None for a check over the set, which looks at all of them."""
    table: str
    """The table in `answers` whose rows these are; of measures, the form's own."""
    select: str
    """Gives ``_submission_id, _row`` and, by shape,

    - *rows*: a BOOLEAN per rule, true where the row is good, and ``_is_complete``: none of them is NULL. A row for each
      row of the table with this form version (of the submissions in `only`, where make_plan was given it);
    - *unique*: ``_is_compared`` and ``_key``, which must come once among the rows compared;
    - *verdicts*: ``is_good`` and ``_is_complete``, of the rows that take part;
    - *measures*: ``value`` (NULL: not compared), ``n`` and ``_is_complete``; a row per group, ``_submission_id`` is
      empty and ``_row`` names the group, as in ``centre:c1``. What ``value`` must lie between: `low` and `high`.

    The column of a rule is ``rule.column``. Row batches come first; a select of measures may read what they left in
    quality.failing.
    """
    rules: tuple[Rule, ...]
    """One, but for the shape *rows*."""
    shape: Shape = "rows"
    low: float | None = None
    high: float | None = None
    among: str | None = None
    """Of the shape *rows*: a select of how many rows the ``where`` of its checks let in, one column for each check that
    has one, called by its rule_id; None where none has."""

    @property
    def is_set(self) -> bool:
        """It compares rows with each other, whatever their version."""
        return self.shape != "rows"


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


def make_plan(
    questionnaires: Questionnaires,
    checks: Sequence[DeclaredCheck],
    *,
    con: duckdb.DuckDBPyConnection | None = None,
    study: Study | None = None,
    schemas: Path | None = None,
    only: str | None = None,
) -> Plan:
    """Derive the batches of all form versions.

    A declared check is asked of every form version that has all of its questions (of its own form, where it names one).

    Parameters
    ----------
    con
        The warehouse, for checks that look at it before they are asked.
    study
        Says which questions are the centre, the enumerator and the subject.
    schemas
        The folder of checks.yml, where its lists stand.
    only
        SQL name of a relation whose column ``_submission_id`` says which submissions the row suites ask; all by
        default. Checks over the set always look at all.

    Raises
    ------
    CheckError
        A declared check names a form that is none of those at hand, fits no form version or compiles for none, one of
        its names could be any of several questions, or it does not fit the questions or lists that it names.
    """
    gaps: list[Gap] = []
    fitting = {check.id: _fitting(check, questionnaires, gaps) for check in checks}
    for check in checks:
        for expression in (check.where, *(check.parameters.get(name) for name in _EXPRESSIONS)):
            refuse_foreign_choices(check, [questionnaires[key] for key in fitting[check.id]], expression or "")
    batches: list[Batch] = []
    uncompiled: dict[str, list[str]] = {}
    for (form_id, version), questionnaire in questionnaires.items():
        declared = [check for check in checks if _level(check) == "row" and (form_id, version) in fitting[check.id]]
        asked = {check.id: check for check in declared}
        compiled = compile_form(questionnaire, [_declared_rule(check, questionnaire) for check in declared], only)
        gaps += [
            Gap(form_id, version, item.field, item.kind, item.expression, item.reason) for item in compiled.unverified
        ]
        for item in compiled.unverified:
            if item.kind == "declared":
                uncompiled.setdefault(item.field, []).append(item.reason)
        for table in questionnaire.tables:
            rules = tuple(_about(rule, asked, questionnaire) for rule in compiled.rules if rule.table == table.name)
            if rules:
                name = f"{table.name}__{hashlib.sha256(version.encode()).hexdigest()[:8]}"
                select = _with_complete(compiled.checks_sql(table.name), rules)
                among = _among(rules, asked, questionnaire, table.name)
                batches.append(Batch(name, form_id, version, table.name, select, rules, among=among))
    for check in checks:
        if _level(check) == "row":
            _refuse_uncompiled(check, fitting[check.id], uncompiled.get(check.id, []))
            continue
        for form in dict.fromkeys(form_id for form_id, _version in fitting[check.id]):
            versions = [questionnaires[key] for key in fitting[check.id] if key[0] == form]
            versions.sort(key=lambda item: version_key(item.version))
            errors = _error_rules(batches, form)
            scene = Scene(con, form, versions, study, schemas, questionnaires, errors)
            batches.append(_over_the_set(check, scene))
            gaps += _left_out(check, scene, gaps)
    return Plan(tuple(sorted(batches, key=lambda batch: _ORDER[batch.shape])), tuple(gaps))


_EXPRESSIONS = ("expression", "of", "earlier")
"""Parameters of any kind that are XPath over the check's own form."""
_ORDER: Mapping[Shape, int] = {"rows": 0, "unique": 1, "verdicts": 1, "measures": 2}
_KINDS = {"row": "declared", "set": "set", "group": "group"}
"""Kind of a rule, by the level of its check's kind."""


def _level(check: DeclaredCheck) -> str:
    return KINDS[check.kind].level


def _fitting(check: DeclaredCheck, questionnaires: Questionnaires, gaps: list[Gap]) -> list[tuple[str, str]]:
    """Give the form versions that have all questions of a check; the other versions of those forms become gaps."""
    kind = _KINDS[_level(check)]
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
        gaps.append(Gap(check.form, None, check.id, kind, check.expression, reason))
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
        Gap(form_id, version, check.id, kind, check.expression, f"this version does not ask {names[0]!r}")
        for (form_id, version), names in absent.items()
        if names and form_id in fitted
    ]
    return fitting


def _left_out(check: DeclaredCheck, scene: Scene, known: Sequence[Gap]) -> list[Gap]:
    """Give what a check met that it could not look into; those not said before."""
    said = {(gap.form_id, gap.version) for gap in known if gap.field == check.id}
    kind = _KINDS[_level(check)]
    return [
        Gap(one.form_id, one.version, check.id, kind, check.expression, one.reason)
        for one in scene.left_out
        if (one.form_id, one.version) not in said
    ]


def _refuse_uncompiled(check: DeclaredCheck, fitting: Sequence[tuple[str, str]], reasons: Sequence[str]) -> None:
    """Refuse a check of ours that compiles for no version; what a *form* says and cannot be checked is a gap."""
    if fitting and len(reasons) == len(fitting):
        raise CheckError(
            f"checks.yml: check {check.id!r} cannot be asked: {reasons[-1]}",
            why="Such a check would look at nothing and seem to pass.",
            next_step="correct its expression in schemas/checks.yml",
        )


def _absent(check: DeclaredCheck, questionnaire: Questionnaire) -> list[str]:
    return [name for name in check.names if find_field(questionnaire, name, check) is None]


def _declared_rule(check: DeclaredCheck, questionnaire: Questionnaire) -> DeclaredRule:
    make = KINDS[check.kind].expression
    assert make is not None
    expression = make(check, questionnaire)
    if check.where is not None:
        expression = f"not({check.where}) or ({expression})"
    return DeclaredRule(check.id, expression, check.severity, check.messages)


def _among(
    rules: Iterable[Rule], declared: Mapping[str, DeclaredCheck], questionnaire: Questionnaire, table: str
) -> str | None:
    """Count the rows that each ``where`` lets in: a row left out is good, so the verdicts do not tell."""
    wheres = {
        rule.rule_id: where
        for rule in rules
        if rule.rule_id in declared and (where := declared[rule.rule_id].where) is not None
    }
    if not wheres:
        return None
    counts = ", ".join(f"count(*) FILTER ({identifier(rule_id)}) AS {identifier(rule_id)}" for rule_id in wheres)
    return f"SELECT {counts} FROM ({predicates_sql(questionnaire, table, wheres)})"


def _error_rules(batches: Iterable[Batch], form_id: str) -> frozenset[str]:
    return frozenset(
        rule.rule_id
        for batch in batches
        if batch.shape == "rows" and batch.form_id == form_id
        for rule in batch.rules
        if rule.severity == "error"
    )


def _about(rule: CompiledRule, declared: Mapping[str, DeclaredCheck], questionnaire: Questionnaire) -> CompiledRule:
    """Let a rule say which question it is about, where its check is about one."""
    check = declared.get(rule.rule_id)
    if check is None or "question" not in check.parameters:
        return rule
    return replace(rule, field=questionnaire.find(check.parameters["question"]).column)


def _with_complete(select: str, rules: Iterable[Rule]) -> str:
    known = " AND ".join(f"{identifier(rule.column)} IS NOT NULL" for rule in rules)
    return f"SELECT verdicts.*, {known} AS {identifier(COMPLETE)} FROM ({select}) AS verdicts"


def _over_the_set(check: DeclaredCheck, scene: Scene) -> Batch:
    """Make the batch of a check that compares rows with each other, or measures groups of them."""
    kind = KINDS[check.kind]
    try:
        if kind.key is not None:
            return _unique(check, kind.key(check), scene.versions)
        if kind.verdicts is not None:
            return _verdicts(check, kind.verdicts(check, scene), scene)
        assert kind.measure is not None
        assert kind.limits is not None
        return _measures(check, kind.measure(check, scene), kind.limits(check), scene)
    except CheckError as error:
        if repr(check.id) in error.what:
            raise
        # The scene knows files and questions, not who asks for them.
        what = error.what.removeprefix("checks.yml: ")
        raise CheckError(f"checks.yml: check {check.id!r}: {what}", why=error.why, next_step=error.next_step) from error


def _verdicts(check: DeclaredCheck, select: str, scene: Scene) -> Batch:
    select = f"SELECT _submission_id, _row, {GOOD}, {GOOD} IS NOT NULL AS {identifier(COMPLETE)} FROM ({select})"
    rule = _rule(check, *_place(check, scene), GOOD)
    return Batch(f"set__{check.id}__{scene.form_id}", scene.form_id, None, rule.table, select, (rule,), "verdicts")


def _measures(check: DeclaredCheck, select: str, limits: tuple[float | None, float | None], scene: Scene) -> Batch:
    # Each group once, each with a name: a measure that breaks this must not pass.
    complete = "_row IS NOT NULL AND count(*) OVER (PARTITION BY _row) = 1"
    select = f"SELECT '' AS _submission_id, _row, {VALUE}, n, {complete} AS {identifier(COMPLETE)} FROM ({select})"
    rule = _rule(check, *_place(check, scene), VALUE)
    name = f"group__{check.id}__{scene.form_id}"
    return Batch(name, scene.form_id, None, rule.table, select, (rule,), "measures", *limits)


def _place(check: DeclaredCheck, scene: Scene) -> tuple[str, str | None]:
    """Give the table and the column that a check is about; the form's and none where it is about several questions."""
    if "question" not in check.parameters:
        return scene.form_table, None
    asked = scene.question(check.parameters["question"])
    return asked.table, asked.column


def _rule(check: DeclaredCheck, table: str, field: str | None, column: str) -> CompiledRule:
    return CompiledRule(
        rule_id=check.id,
        kind=_KINDS[_level(check)],
        field=field,
        table=table,
        severity=check.severity,
        messages=check.messages,
        expression=check.expression,
        column=column,
    )


def _unique(check: DeclaredCheck, questions: Sequence[str], versions: Sequence[Questionnaire]) -> Batch:
    """Give all rows of one form, whatever the version, with a key made of the answers that must not come twice.

    The key is a hash, so that no answer reaches what GX returns, or says when it fails.
    """
    found = {
        questionnaire.version: [
            item for name in questions if (item := find_field(questionnaire, name, check)) is not None
        ]
        for questionnaire in versions
    }
    tables = {item.table for fields in found.values() for item in fields}
    if len(tables) != 1:
        raise CheckError(
            f"checks.yml: check {check.id!r} compares questions of different tables: {', '.join(sorted(tables))}",
            why="Answers can only be compared together where they stand in one row.",
            next_step="name questions of the form itself, or of one repeat, in schemas/checks.yml",
        )
    (table,) = tables
    selects = []
    for questionnaire in versions:
        columns = [_as_key(item) for item in found[questionnaire.version]]
        missing = " OR ".join(f"{column} IS NULL" for column in columns)
        compared = "true" if check.where is None else holding(check, [questionnaire], check.where, table)
        selects.append(
            f"SELECT _submission_id, _row, {compared} AS {identifier(COMPARED)},"
            f" CASE WHEN {missing} THEN NULL ELSE md5(concat_ws(chr({_SEPARATOR}), {', '.join(columns)})) END"
            f" AS {identifier(KEY)}"
            f" FROM {identifier('answers', table)} WHERE _form_version = {literal(questionnaire.version)}"
        )
    rule = _rule(check, table, None, KEY)
    name = f"set__{check.id}__{table}"
    return Batch(name, versions[0].form_id, None, table, " UNION ALL ".join(selects), (rule,), "unique")


def _as_key(item: Field) -> str:
    """Give SQL of an answer as it is compared: 007 is 7, and the order of ticks means nothing."""
    text = identifier(item.column)
    if item.type is ValueType.SELECT_MULTIPLE:
        return f"array_to_string(list_sort({casts(item.type, text)['']}), ' ')"
    if item.type not in (ValueType.INTEGER, ValueType.DECIMAL):
        return text
    # Whole numbers as such, since a decimal has no room for long ones; what is no number stays what was written.
    whole, number = casts(ValueType.INTEGER, text)[""], casts(ValueType.DECIMAL, text)[""]
    of_number = f"case when {number} = floor({number}) and abs({number}) < 1e15 then cast({number} as bigint) end"
    return f"coalesce(cast(coalesce({whole}, {of_number}) as varchar), cast({number} as varchar), {text})"
