"""Kinds about keys and IDs: once only, on a list, in a range, in another form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laktasi.errors import CheckError
from laktasi.quality.asked import as_code, same_as
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, csv_file, questions_in, text, texts
from laktasi.quality.scene import Scene, questions_by
from laktasi.quality.where import refuse_foreign_choices
from laktasi.store.sql import identifier, literal


def mapping(value: Any) -> dict[str, str]:
    """Read names by question."""
    if not (
        isinstance(value, Mapping)
        and value
        and all(isinstance(item, str) and item.strip() for pair in value.items() for item in pair)
    ):
        raise ValueError("must name a column for each question, such as {visit/centre: centre}")
    return {key.strip(): item.strip() for key, item in value.items()}


def last_part(name: str) -> str:
    """Give the last part of a question's path, which is what people call a column after."""
    return name.rpartition("/")[2]


def _listed(check: DeclaredCheck, scene: Scene) -> str:
    """Hold an answer against a column of a list, and others of the record against the same row of it."""
    held = {check.parameters["question"]: check.parameters["column"] or last_part(check.parameters["question"])}
    held |= check.parameters["same"] or {}
    listed = scene.listed(check.parameters["list"], tuple(held.values()))
    asked = scene.questions(tuple(held))
    table = next((item.table for item in asked if item.table != scene.form_table), scene.form_table)
    columns = tuple(dict.fromkeys(held.values()))
    match = " and ".join(
        same_as(item, f"listed.{identifier(column)}") for item, column in zip(asked, held.values(), strict=True)
    )
    return f"""
        with listed as materialized ({listed.sql(columns)})
        select r._submission_id, r._row, exists (select 1 from listed where {match}) as is_good
        from {scene.rows(table)}
        where {scene.where(check, table)} and {asked[0].sql} is not null
    """


def _allotted(check: DeclaredCheck, scene: Scene) -> str:
    """Hold a code against the ranges that were handed out to whoever used it."""
    by, file = check.parameters["by"], check.parameters["list"]
    column = check.parameters["column"] or last_part(by)
    columns = ("from", "to") if by == "all" else (column, "from", "to")
    listed = scene.listed(file, columns)
    asked = scene.question(check.parameters["question"])
    code, value = scene.by(by, asked.table)[0], as_code(asked)
    ranges: dict[str, list[str]] = {}
    for number, row in enumerate(listed.rows, start=2):
        cells = dict(zip(listed.columns, row, strict=True))
        whose = "" if by == "all" else cells[column]
        ranges.setdefault(whose, []).append(_inside(file, number, cells["from"], cells["to"], value))
    whens = " ".join(f"when {literal(whose)} then {' or '.join(inside)}" for whose, inside in ranges.items())
    return f"""
        -- to whom nothing was handed out, no code belongs
        select r._submission_id, r._row, coalesce(case {code} {whens} else false end, false) as is_good
        from {scene.rows(asked.table)}
        where {scene.where(check, asked.table)} and {asked.sql} is not null
    """


def _inside(file: str, number: int, first: str, last: str, value: str) -> str:
    """Give SQL of a code that lies in one range: as text where both ends are as long, else as numbers."""
    if len(first) == len(last) and first and first <= last:
        return f"(length({value}) = {len(first)} and {value} between {literal(first)} and {literal(last)})"
    if first.isascii() and first.isdecimal() and last.isascii() and last.isdecimal() and int(first) <= int(last):
        # a cast alone would round what is no whole number
        code = f"case when regexp_full_match({value}, '[+-]?[0-9]+') then try_cast({value} as hugeint) end"
        return f"coalesce({code} between {int(first)} and {int(last)}, false)"
    raise CheckError(
        f"schemas/{file}: row {number}: 'from' and 'to' must be codes of the same length or whole numbers, in order",
        next_step=f"mend schemas/{file}, and run again",
    )


def _matches(check: DeclaredCheck, scene: Scene) -> str:
    """Look for an ID among the records of another form, or among the other records of this one."""
    asked = scene.question(check.parameters["question"])
    other = scene.other(check, check.parameters["in_form"] or scene.form_id, check.parameters["in_where"])
    sought = other.question(check.parameters["in_question"] or check.parameters["question"])
    condition = ""
    if check.parameters["in_where"] is not None:
        refuse_foreign_choices(check, other.versions, check.parameters["in_where"])
        condition = f"and {other.holds(check, check.parameters['in_where'], sought.table)}"
    itself = "and known._submission_id <> r._submission_id" if other.form_id == scene.form_id else ""
    return f"""
        with known as materialized (
            select r._submission_id, {as_code(sought)} as code
            from {other.rows(sought.table)}
            where {sought.sql} is not null {condition}
        )
        select
            r._submission_id,
            r._row,
            exists (select 1 from known where known.code = {as_code(asked)} {itself}) as is_good
        from {scene.rows(asked.table)}
        where {scene.where(check, asked.table)} and {asked.sql} is not null
    """


KINDS = (
    Kind(
        name="unique",
        level="set",
        parameters=(Parameter("questions", texts, required=True),),
        names=lambda check: check.parameters["questions"],
        key=lambda check: check.parameters["questions"],
    ),
    Kind(
        name="listed",
        level="set",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("list", csv_file, required=True),
            Parameter("column", text),
            Parameter("same", mapping),
        ),
        names=lambda check: (check.parameters["question"], *(check.parameters["same"] or {})),
        verdicts=_listed,
    ),
    Kind(
        name="allotted",
        level="set",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("list", csv_file, required=True),
            Parameter("by", text, default="enumerator"),
            Parameter("column", text),
        ),
        names=lambda check: (check.parameters["question"], *questions_by(check.parameters["by"])),
        verdicts=_allotted,
    ),
    Kind(
        name="matches",
        level="set",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("in_form", text),
            Parameter("in_question", text),
            Parameter("in_where", text),
        ),
        names=lambda check: (
            check.parameters["question"],
            # In another form they are the other form's.
            *(questions_in(check.parameters["in_where"] or "") if check.parameters["in_form"] is None else ()),
        ),
        verdicts=_matches,
    ),
)
