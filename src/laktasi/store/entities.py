"""Schema ``entities``: a table for each entity list of the Centrals, with what lives in it now."""

from __future__ import annotations

import duckdb

from laktasi.questionnaire.names import column_names
from laktasi.store.sql import identifier, literal, scalar, transaction

SCHEMA = "entities"

COLUMNS = {
    "entity_id": "The entity's UUID",
    "label": "Its label",
    "version": "Its version, 1 is the first",
    "created_at": "When it was made",
    "updated_at": "When it was last changed; empty before the first time",
    "creator_name": "The account that made it",
    "source": "The server and project: central:<host>/<project>",
}
"""Columns of every list's table beside its properties."""


def stand_entities(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Make schema ``entities`` anew from ``raw.entities``, in one transaction.

    A table holds the living entities of one list, each in the last version that was seen, every property as text. Two
    sources with a list of the same name share its table, told apart by ``source``; a property that only one of them has
    is empty in the rows of the other.

    Names are made safe as those of forms are: what is no letter, digit or ``_`` becomes ``_``. Of two lists (or two
    properties of a list) that would be called the same, the one that landed first has the name, and the other an ending
    made of its own name, the same in every run.

    Returns
    -------
    dict
        Rows by name of table.
    """
    with transaction(con):
        for (table,) in con.execute(
            "select table_name from duckdb_tables() where database_name = current_database() and schema_name = ?",
            [SCHEMA],
        ).fetchall():
            con.execute(f"drop table {identifier(SCHEMA, table)}")
        tables = _table_names(con)
        for list_name, table in tables.items():
            _stand(con, list_name, table)
    return {table: scalar(con, f"select count(*) from {identifier(SCHEMA, table)}") for table in tables.values()}


def _table_names(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    found = con.execute("select list_name from raw.entities group by 1 order by min(landed_at), 1").fetchall()
    return column_names((list_name, list_name, ()) for (list_name,) in found)


def _properties(con: duckdb.DuckDBPyConnection, list_name: str) -> dict[str, str]:
    """Give column by property, of all that any entity of the list ever had."""
    found = con.execute(
        """
        select name
        from (select unnest(map_keys(properties)) as name, landed_at from raw.entities where list_name = ?)
        group by 1 order by min(landed_at), 1
        """,
        [list_name],
    ).fetchall()
    # Ours claim their names first. No property begins with a space, so the two cannot be taken for each other.
    ours = [(f" {name}", name, ()) for name in COLUMNS]
    names = column_names([*ours, *((name, name, ()) for (name,) in found)])
    return {name: names[name] for (name,) in found}


def _stand(con: duckdb.DuckDBPyConnection, list_name: str, table: str) -> None:
    properties = _properties(con, list_name)
    place = identifier(SCHEMA, table)
    selected = ", ".join(
        [
            *(identifier(name) for name in COLUMNS),
            *(f"properties[{literal(name)}] as {identifier(column)}" for name, column in properties.items()),
        ]
    )
    con.execute(
        f"""
        create table {place} as
        select {selected}
        from (
            select *
            from raw.entities
            where list_name = {literal(list_name)}
            qualify row_number() over (partition by source, entity_id order by landed_at desc) = 1
        ) as newest
        where deleted_at is null and not is_purged
        order by source, created_at, entity_id
        """
    )
    comment = (
        f"What lives in the entity list {list_name}, every property as text. Private. One row per source and entity."
    )
    con.execute(f"comment on table {place} is {literal(comment)}")
    comments = COLUMNS | {column: f"Property {name}" for name, column in properties.items()}
    for column, text in comments.items():
        con.execute(f"comment on column {place}.{identifier(column)} is {literal(text)}")
