"""Schema ``labelled`` of the research copy: the typed tables with choices in words, one view for each language."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from laktasi.store.sql import identifier, literal


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    sql_type: str
    comment: str | None
    type: str | None
    list_name: str | None
    labels: dict[str, str]


def labelled_views(copy: duckdb.DuckDBPyConnection) -> None:
    """Make ``labelled.<table>_<language>`` for every typed table, commented in that language.

    A value is worded as in the form version of its row; where that version offers no such choice, the value stands.
    """
    copy.execute("create schema if not exists labelled")
    tables = copy.execute(
        """
        select codebook.form_id, codebook.table_name, any_value(tables.comment)
        from staging.codebook as codebook
        inner join duckdb_tables() as tables
            on tables.schema_name = 'staging' and codebook.table_name = tables.table_name
        group by codebook.form_id, codebook.table_name order by codebook.table_name
        """
    ).fetchall()
    for form_id, table, comment in tables:
        columns = _columns(copy, table)
        for language in _languages(copy, form_id):
            view = identifier("labelled", f"{table}_{language}")
            copy.execute(f"create view {view} as {_select(form_id, table, columns, language)}")
            copy.execute(f"comment on view {view} is {literal(f'Choices in words ({language}). {comment or table}')}")
            for column in columns:
                words = column.labels.get(language) or column.comment
                copy.execute(f"comment on column {view}.{identifier(column.name)} is {literal(words)}")


def _columns(copy: duckdb.DuckDBPyConnection, table: str) -> list[_Column]:
    found = copy.execute(
        """
        select columns.column_name, columns.data_type, columns.comment, codebook.type, codebook.list_name,
            coalesce(codebook.labels, map {})
        from duckdb_columns() as columns
        left join staging.codebook as codebook
            on columns.table_name = codebook.table_name and columns.column_name = codebook.column_name
        where columns.schema_name = 'staging' and columns.table_name = ?
        order by columns.column_index
        """,
        [table],
    ).fetchall()
    return [_Column(*row) for row in found]


def _languages(copy: duckdb.DuckDBPyConnection, form_id: str) -> list[str]:
    """Give the languages of a form's questions and choices; ``default`` only where it has no other."""
    found = copy.execute(
        """
        select distinct unnest(map_keys(labels)) as language from (
            select form_id, labels from staging.codebook union all select form_id, labels from staging.choices
        ) where form_id = ? order by language
        """,
        [form_id],
    ).fetchall()
    languages = [language for (language,) in found if language != "default"]
    return languages or ["default"]


def _select(form_id: str, table: str, columns: list[_Column], language: str) -> str:
    selected, joins = [], []
    for number, column in enumerate(columns):
        name = identifier(column.name)
        if column.list_name is None or column.type not in ("select_one", "select_multiple", "rank"):
            selected.append(f"answers.{name}")
            continue
        choices = f"choices_{number}"
        joined = f"{choices}.form_version = answers._form_version and {choices}.list_name = {literal(column.list_name)}"
        if column.sql_type == "VARCHAR":
            joins.append(f"left join labels as {choices} on {joined} and {choices}.value = answers.{name}")
            selected.append(f"coalesce({choices}.label, answers.{name}) as {name}")
        else:
            joins.append(f"left join label_maps as {choices} on {joined}")
            worded = f"list_transform(answers.{name}, lambda token: coalesce({choices}.labels[token], token))"
            selected.append(f"{worded} as {name}")
    return f"""
        with
        labels as (
            select form_version, list_name, value,
                arg_min(coalesce(labels[{literal(language)}], labels['default'], value), position) as label
            from staging.choices where form_id = {literal(form_id)}
            group by form_version, list_name, value
        ),
        label_maps as (
            select form_version, list_name, map(list(value), list(label)) as labels from labels
            group by form_version, list_name
        )
        select {", ".join(selected)}
        from {identifier("staging", table)} as answers
        {" ".join(joins)}
    """
