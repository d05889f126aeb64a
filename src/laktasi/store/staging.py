"""Schema ``staging``: choices, codebook, and the typed tables, all made from the questionnaires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from laktasi.questionnaire.model import Privacy, ValueType
from laktasi.store.casts import GEOPOINT_PARTS, OFFSET_ENDING, SQL_TYPES, casts
from laktasi.store.columns import (
    SYSTEM_COLUMNS,
    Column,
    UnitedTable,
    describe,
    fixed_columns,
    text_in,
    united_tables,
)
from laktasi.store.forms import Questionnaires
from laktasi.store.rows import TEXTS, append, by_column
from laktasi.store.sql import identifier, literal, scalar, transaction


class CodebookEntry(Protocol):
    """What the codebook says of one column; ``questionnaire.codebook`` makes these. Fields as in staging.codebook."""

    @property
    def form_id(self) -> str: ...  # noqa: D102
    @property
    def table_name(self) -> str: ...  # noqa: D102
    @property
    def column_name(self) -> str: ...  # noqa: D102


CODEBOOK_COLUMNS: Mapping[str, Any] = {
    "form_id": pa.string(),
    "table_name": pa.string(),
    "column_name": pa.string(),
    "path": pa.string(),
    "position": pa.int32(),
    "type": pa.string(),
    "privacy": pa.string(),
    "labels": TEXTS,
    "hints": TEXTS,
    "list_name": pa.string(),
    "relevant": pa.string(),
    "required": pa.string(),
    "constraint_expr": pa.string(),
    "calculate": pa.string(),
    "versions": pa.list_(pa.string()),
}
CHOICE_COLUMNS: Mapping[str, Any] = {
    "form_id": pa.string(),
    "form_version": pa.string(),
    "list_name": pa.string(),
    "position": pa.int32(),
    "value": pa.string(),
    "labels": TEXTS,
    "properties": TEXTS,
}


@dataclass(frozen=True, slots=True)
class TypeChange:
    """A column whose type is not the same in all form versions. It stays text, which can hold them all."""

    form_id: str
    table_name: str
    column_name: str
    types: Mapping[str, str]
    """Type by form version."""


@dataclass(frozen=True, slots=True)
class Stood:
    """What :func:`stand` made."""

    rows: Mapping[str, int]
    """Rows of each typed table."""
    type_changes: tuple[TypeChange, ...]


def stand_lists(
    con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, codebook: Iterable[CodebookEntry]
) -> None:
    """Make staging.choices and staging.codebook anew, in one transaction. What the form computes reads the choices.

    Parameters
    ----------
    codebook
        Entries of all forms, from ``questionnaire.codebook``.
    """
    tables = united_tables(questionnaires)
    privacies = {(table.name, column.name): column.privacy for table in tables for column in table.columns}
    with transaction(con):
        _fill(con, "codebook", CODEBOOK_COLUMNS, [_plain(entry, privacies) for entry in codebook])
        _fill(con, "choices", CHOICE_COLUMNS, list(_choices(questionnaires)))


def stand(con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires) -> Stood:
    """Make the typed tables of schema ``staging`` anew from schema ``answers``, in one transaction."""
    tables = united_tables(questionnaires)
    with transaction(con):
        changes: list[TypeChange] = []
        for table in tables:
            changes += _stand_table(con, table)
    rows = {table.name: scalar(con, f"select count(*) from {identifier('staging', table.name)}") for table in tables}
    return Stood(rows, tuple(changes))


def type_of(column: Column) -> ValueType:
    """Give the type of a column: that of its fields, or text where versions disagree on what can be stored."""
    kinds = {field.type for field in column.fields.values()}
    return column.newest.type if len({_stored(kind) for kind in kinds}) == 1 else ValueType.TEXT


def _stored(kind: ValueType) -> str:
    # select_one, media and text are all kept as text: a change between them changes no column
    return "geopoint" if kind is ValueType.GEOPOINT else SQL_TYPES.get(kind, "varchar")


def _stand_table(con: duckdb.DuckDBPyConnection, table: UnitedTable) -> list[TypeChange]:
    place = identifier("staging", table.name)
    changes = []
    comments = {name: SYSTEM_COLUMNS[name] for name in (*fixed_columns(table), "_status")}
    selected = [f"answers.{identifier(name)}" for name in fixed_columns(table)] + ["submissions.status as _status"]
    for column in table.columns:
        kind = type_of(column)
        if len({_stored(field.type) for field in column.fields.values()}) > 1:
            types = {version: field.type.value for version, field in column.fields.items()}
            changes.append(TypeChange(table.form_id, table.name, column.name, types))
        for ending, value in casts(kind, f"answers.{identifier(column.name)}").items():
            selected.append(f"{value} as {identifier(column.name + ending)}")
            comments[column.name + ending] = _comment(column, ending, table.languages)
    con.execute(
        f"""
        create or replace table {place} as
        select {", ".join(selected)}
        from {identifier("answers", table.name)} as answers
        inner join staging.submissions as submissions
            on submissions.form_id = {literal(table.form_id)} and answers._submission_id = submissions.submission_id
        """
    )
    title = text_in(table.title, table.languages) or table.name
    per = "row of the repeat" if table.parent else "submission"
    con.execute(f"comment on table {place} is {literal(f'{title}. One row per {per}.')}")
    for name, comment in comments.items():
        con.execute(f"comment on column {place}.{identifier(name)} is {literal(comment)}")
    return changes


def _comment(column: Column, ending: str, languages: tuple[str, ...]) -> str:
    what = describe(column, languages)
    if ending == OFFSET_ENDING:
        return f"{what}: minutes that the phone's clock was ahead of UTC"
    if ending:
        return f"{what}: {GEOPOINT_PARTS[ending]}"
    return what


def _choices(questionnaires: Questionnaires) -> Iterable[dict[str, Any]]:
    for (form_id, version), questionnaire in questionnaires.items():
        for offered in questionnaire.choice_lists.values():
            for position, choice in enumerate(offered.choices, start=1):
                yield {
                    "form_id": form_id,
                    "form_version": version,
                    "list_name": offered.name,
                    "position": position,
                    "value": choice.value,
                    "labels": choice.labels,
                    "properties": choice.properties,
                }


def _plain(entry: CodebookEntry, privacies: Mapping[tuple[str, str], Privacy]) -> dict[str, Any]:
    # what is published follows this column: the strictest of all versions, and direct where nothing is known
    privacy = privacies.get((entry.table_name, entry.column_name), Privacy.DIRECT)
    return {name: getattr(entry, name) for name in CODEBOOK_COLUMNS} | {"privacy": privacy}


def _fill(
    con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Replace all rows of a table of schema staging."""
    con.execute(f"delete from staging.{table}")
    append(con, f"staging.{table}", by_column(columns, rows))
