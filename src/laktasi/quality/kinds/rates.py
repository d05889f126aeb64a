"""How often a group gives no answer, or one of some answers: missing, "don't know", refused, "other"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from laktasi.errors import CheckError
from laktasi.quality.asked import NUMBERS, Asked
from laktasi.quality.kinds.groups import AT_LEAST_ROWS, BY, SHARE_AT_MOST, group_of, grouped, one_limit, rate
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, text, texts, whole
from laktasi.quality.scene import Scene, questions_by
from laktasi.questionnaire.asked import asked_rows
from laktasi.questionnaire.model import ValueType
from laktasi.store.answered import is_put_to_people
from laktasi.store.sql import literal

_NOT_WORDS = (ValueType.DATE, ValueType.DATETIME, ValueType.TIME, ValueType.BOOLEAN, ValueType.GEOPOINT)

BY_QUESTION = "question"
"""Groups are the questions themselves: one row for each."""


def _answers(value: Any) -> tuple[str, ...]:
    """Read a list of answers as the form stores them: words, or the numbers that stand for them."""
    if not (isinstance(value, list) and value) or any(
        isinstance(item, bool) or not isinstance(item, str | int | float) for item in value
    ):
        raise ValueError('must be a list of answers, such as [unknown, -99]; yes and no in quotes: "yes"')
    return tuple(str(item) for item in value)


def _missing(check: DeclaredCheck, scene: Scene) -> str:
    """Count the records that lack an answer to any of the questions, among those in which any of them was asked.

    Asked means relevant by the form's own words, so a skip is no missing answer. With ``by: question`` each question
    is a group. An answer that is not of its type stands nowhere in staging, and counts as missing.
    """
    if check.parameters["by"] == BY_QUESTION:
        return rate(check, _by_question(check, scene, lambda sql, was: f"count(*) filter ({was} and {sql} is null)"))
    table, joined, both = _one_table(check, scene)
    return rate(
        check,
        grouped(
            check,
            scene,
            counted="(" + " or ".join(f"{was} and {sql} is null" for sql, was in both) + ")",
            among="(" + " or ".join(was for _sql, was in both) + ")",
            table=table,
            joined=joined,
        ),
    )


def _distinct(check: DeclaredCheck, scene: Scene) -> str:
    """Count the different answers in each group, no further than asked. Of several questions, the fewest."""
    low, wanted = check.parameters["at_least_rows"], check.parameters["at_least"]

    def different(sql: str, was: str) -> str:
        if wanted > 2:
            return f"count(distinct {sql}) filter ({was})"
        # A set of all answers for each of many questions would take much time and memory to know as little.
        first, last = (f"{end}({sql}) filter ({was})" for end in ("min", "max"))
        return f"case when {first} is null then 0 when {first} = {last} then 1 else 2 end"

    if check.parameters["by"] == BY_QUESTION:
        counts = _by_question(check, scene, different)
        return f"select _row, case when n >= {low} then k end::double as value, n from ({counts})"
    table, joined, both = _one_table(check, scene)
    group, name = group_of(check, scene, table)
    fewest = ", ".join(different(sql, was) for sql, was in both)
    return f"""
        select concat({name}, _code) as _row, case when n >= {low} then k end::double as value, n
        from (
            select {group} as _code, least({fewest}) as k, count(*) as n
            from {scene.rows(table)} {joined}
            where {scene.where(check, table)} and {group} is not null and ({" or ".join(was for _sql, was in both)})
            group by all
        )
    """


def _value(check: DeclaredCheck, scene: Scene) -> str:
    """Count the records that give one of the values, among those that answer the question."""
    asked = scene.question(check.parameters["question"])
    side = "low" if check.parameters["at_most"] is not None else "high"
    counted = _is_one_of(check, scene, asked)
    return rate(
        check, grouped(check, scene, counted=counted, among=f"{asked.sql} is not null", table=asked.table), side=side
    )


def _is_one_of(check: DeclaredCheck, scene: Scene, asked: Asked) -> str:
    values = check.parameters["values"]
    fields = [item for version in scene.versions for item in version.fields if item.path == asked.field.path]
    lists = [
        version.choice_lists[item.list_name]
        for version in scene.versions
        for item in version.fields
        if item.path == asked.field.path and item.list_name is not None
    ]
    offered = {choice.value for listed in lists for choice in listed.choices}
    if offered and len(lists) == len(fields) and (foreign := [value for value in values if value not in offered]):
        raise CheckError(
            f"checks.yml: check {check.id!r} counts the answer {foreign[0]!r}, and no form version offers it",
            why="Such a check would count nothing and seem to pass.",
            next_step="write the answer as in the choices sheet (its name, not its label), in schemas/checks.yml",
        )
    if asked.type in _NOT_WORDS:
        raise CheckError(
            f"checks.yml: check {check.id!r}: {asked.field.path!r} is of type {asked.type.value}, of which no word or"
            " number can be counted",
            next_step="count with kind share and an expression, in schemas/checks.yml",
        )
    listed = ", ".join(literal(value) for value in values)
    if asked.type in (ValueType.SELECT_MULTIPLE, ValueType.RANK):
        return f"list_has_any({asked.sql}, [{listed}])"
    if asked.type in NUMBERS:
        try:
            listed = ", ".join(repr(float(value)) for value in values)
        except ValueError:
            raise CheckError(
                f"checks.yml: check {check.id!r}: its 'values' are not all numbers",
                next_step="write the numbers that stand for these answers in schemas/checks.yml",
            ) from None
    return f"{asked.sql} in ({listed})"


# Which questions, and where they were asked.


def _named(check: DeclaredCheck, scene: Scene) -> list[Asked]:
    """Give the questions that a check names; where it names none, all that a person is asked."""
    if check.parameters["questions"]:
        return [scene.question(name) for name in check.parameters["questions"]]
    return scene.where_they_stayed(item.path for item in scene.versions[-1].fields if is_put_to_people(item))


def _answer(asked: Asked) -> str:
    """Give SQL that is NULL where there is no answer: staging keeps a place in several columns."""
    return asked.part("__lat") if asked.type is ValueType.GEOPOINT else asked.sql


def _join_asked(scene: Scene, table: str, asked: Sequence[Asked]) -> tuple[str, set[str]]:
    """Give the join (alias ``a``) that says which questions were asked in a row, and those that it cannot tell of."""
    found = [asked_rows(version, table, [item.field.path for item in asked]) for version in scene.versions]
    selects = " union all ".join(f"({item.select})" for item in found)
    joined = f"inner join ({selects}) as a on r._submission_id = a._submission_id and r._row = a._row"
    return joined, {path for item in found for path in item.unknown}


def _one_table(check: DeclaredCheck, scene: Scene) -> tuple[str, str, list[tuple[str, str]]]:
    """Give the table of the questions, the join, and for each SQL of its answer and of whether it was asked."""
    asked = _named(check, scene)
    tables = {item.table for item in asked}
    if len(tables) > 1:
        raise CheckError(
            f"checks.yml: check {check.id!r} counts questions of different tables: {', '.join(sorted(tables))}",
            next_step=f"name questions of the form itself, or of one repeat, or say by: {BY_QUESTION}",
        )
    (table,) = tables
    joined, unknown = _join_asked(scene, table, asked)
    if unknown:
        raise CheckError(
            f"checks.yml: check {check.id!r}: whether {sorted(unknown)[0]!r} was asked cannot be told afterwards",
            next_step="take that question out of the check in schemas/checks.yml",
        )
    return table, joined, [(_answer(item), f"a.q{number}") for number, item in enumerate(asked)]


def _by_question(check: DeclaredCheck, scene: Scene, counted: Callable[[str, str], str]) -> str:
    """Count by question: ``_row``, ``k`` and ``n``, the records in which it was asked; 0 where that cannot be told."""
    tables: dict[str, list[Asked]] = {}
    for item in _named(check, scene):
        tables.setdefault(item.table, []).append(item)
    selects = []
    for table, asked in tables.items():
        joined, unknown = _join_asked(scene, table, asked)
        told = [
            f"{{'_row': {literal(f'{BY_QUESTION}:{item.field.path}')}, 'k': {counted(_answer(item), was)},"
            f" 'n': {'0' if item.field.path in unknown else f'count(*) filter ({was})'}}}"
            for number, item in enumerate(asked)
            for was in (f"a.q{number}",)
        ]
        selects.append(
            f"select unnest([{', '.join(told)}], max_depth := 2)"
            f" from {scene.rows(table)} {joined} where {scene.where(check, table)}"
        )
    return " union all ".join(selects)


def _names(check: DeclaredCheck) -> tuple[str, ...]:
    by = check.parameters["by"]
    return (*(check.parameters["questions"] or ()), *(() if by == BY_QUESTION else questions_by(by)))


def _needs_questions(check: DeclaredCheck) -> None:
    if not check.parameters["questions"] and check.parameters["by"] != BY_QUESTION:
        raise ValueError(f"needs 'questions', or by: {BY_QUESTION} for every question of the form")


KINDS = (
    Kind(
        name="missing_rate",
        level="group",
        parameters=(Parameter("questions", texts), BY, SHARE_AT_MOST, AT_LEAST_ROWS),
        names=_names,
        measure=_missing,
        limits=lambda check: (None, check.parameters["at_most"]),
        verify=_needs_questions,
    ),
    Kind(
        name="distinct",
        level="group",
        parameters=(Parameter("questions", texts), BY, Parameter("at_least", whole(low=1), default=2), AT_LEAST_ROWS),
        names=_names,
        measure=_distinct,
        limits=lambda check: (check.parameters["at_least"], None),
        verify=_needs_questions,
    ),
    Kind(
        name="value_rate",
        level="group",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("values", _answers, required=True),
            BY,
            Parameter("at_most", number(low=0, high=1)),
            Parameter("at_least", number(low=0, high=1)),
            AT_LEAST_ROWS,
        ),
        names=lambda check: (check.parameters["question"], *questions_by(check.parameters["by"])),
        measure=_value,
        limits=lambda check: (check.parameters["at_least"], check.parameters["at_most"]),
        verify=one_limit,
    ),
)
