"""A warehouse moved whole: every row of a file into a lake, or of a lake into a file, and proof that all arrived."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from laktasi.durable import sync
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.store.sql import identifier, literal, transaction
from laktasi.store.warehouse import WAREHOUSE, attach, open_warehouse

if TYPE_CHECKING:
    from pydantic import SecretStr

_OTHER = "other"
"""Name under which the file is attached beside the warehouse in use."""

Table = tuple[str, str]
"""Schema and name."""

OF_THE_PLACE = ("meta", "migrations")
"""The one table that says something of the place and not of the data: both have their own."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What :func:`move_rows` moved, and proved to be there."""

    tables: int
    rows: int


def move_rows(con: duckdb.DuckDBPyConnection, source: str, target: str) -> Moved:
    """Copy every table of one attached warehouse into another one, in one transaction, and compare both.

    Tables of the forms are made; those of migrations are there already, and empty. Nothing in the source changes.

    Parameters
    ----------
    con
        Both are attached to it, and have seen all migrations. Outside a transaction.

    Raises
    ------
    WarehouseError
        The target is not empty, or what arrived is not what was there; then nothing has arrived.
    """
    tables, there = _tables(con, source), _tables(con, target)
    for table in there:
        if table != OF_THE_PLACE and con.execute(f"select 1 from {identifier(target, *table)} limit 1").fetchone():
            raise WarehouseError(
                f"there is something in {'.'.join(table)} already",
                why="Rows are moved only into a warehouse that is empty, so that none can come twice.",
                next_step="name another lake (lake.name in laktasi.toml); or run with the one that is there",
            )
    with transaction(con):
        for table in tables:
            if table not in there:
                _make(con, source, target, table)
            con.execute(f"insert into {identifier(target, *table)} by name from {identifier(source, *table)}")
    rows = 0
    for table in tables:
        before, after = (_digest(con, database, table, tables[table]) for database in (source, target))
        if before != after:
            raise WarehouseError(
                f"{'.'.join(table)} did not arrive as it was: {before[0]} rows there, {after[0]} here, or others",
                why="What was there stays as it was.",
                next_step="take the new place away, and try again; if it stays, tell those who maintain laktasi",
            )
        rows += before[0]
    return Moved(len(tables), rows)


def bring_file(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> Moved:
    """Copy every row of the file in a data folder into the warehouse in use, which is empty.

    Parameters
    ----------
    folder
        Without a lake. Its file has seen all migrations.

    Raises
    ------
    WarehouseError
        As :func:`move_rows`, or the file cannot be opened.
    """
    attach(con, folder, _OTHER)
    try:
        return move_rows(con, _OTHER, WAREHOUSE)
    finally:
        con.execute(f"detach {_OTHER}")


def write_file(con: duckdb.DuckDBPyConnection, path: Path, key: SecretStr | None) -> Moved:
    """Write every row of the warehouse in use into a file that is one by itself: in a data folder it can be run with.

    Parameters
    ----------
    path
        Of the new file. It gets its name when it is whole and durable.
    key
        What it is encrypted with.

    Raises
    ------
    WarehouseError
        As :func:`move_rows`.
    OSError
        It cannot be written.
    """
    building = DataFolder(path.with_name(f"{path.name}.part"), key=key)
    shutil.rmtree(building.root, ignore_errors=True)  # of a process that was killed
    try:
        with open_warehouse(building):
            pass
        attach(con, building, _OTHER)
        try:
            moved = move_rows(con, WAREHOUSE, _OTHER)
        finally:
            con.execute(f"detach {_OTHER}")
        sync(building.warehouse)
        building.warehouse.replace(path)
    finally:
        shutil.rmtree(building.root, ignore_errors=True)
    return moved


def _tables(con: duckdb.DuckDBPyConnection, database: str) -> Mapping[Table, list[str]]:
    """Give the tables of a warehouse, with their columns; not its views."""
    found: dict[Table, list[str]] = {}
    for schema, table, column in con.execute(
        """
        select columns.schema_name, columns.table_name, columns.column_name
        from duckdb_columns() as columns
        anti join duckdb_views() as views
            on columns.database_name = views.database_name and columns.schema_name = views.schema_name
            and columns.table_name = views.view_name
        where columns.database_name = ? and not columns.internal
        order by columns.schema_name, columns.table_name, columns.column_index
        """,
        [database],
    ).fetchall():
        if (schema, table) != OF_THE_PLACE:
            found.setdefault((schema, table), []).append(column)
    return found


def _make(con: duckdb.DuckDBPyConnection, source: str, target: str, table: Table) -> None:
    """Make a table as it is in the source: types, what must not be null, and comments."""
    place = identifier(target, *table)
    columns = con.execute(
        """
        select column_name, data_type, is_nullable, comment from duckdb_columns()
        where database_name = ? and schema_name = ? and table_name = ? order by column_index
        """,
        [source, *table],
    ).fetchall()
    told = con.execute(
        "select comment from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
        [source, *table],
    ).fetchone()
    listed = ", ".join(
        f"{identifier(name)} {kind}{'' if is_nullable else ' not null'}" for name, kind, is_nullable, _ in columns
    )
    con.execute(f"create schema if not exists {identifier(target, table[0])}")
    con.execute(f"create table {place} ({listed})")
    if told and told[0]:
        con.execute(f"comment on table {place} is {literal(told[0])}")
    for name, _, _, comment in columns:
        if comment:
            con.execute(f"comment on column {place}.{identifier(name)} is {literal(comment)}")


def _digest(con: duckdb.DuckDBPyConnection, database: str, table: Table, columns: list[str]) -> tuple[int, int]:
    """Give how many rows a table has, and a sum of hashes over them, whatever their order."""
    names = ", ".join(map(identifier, columns))
    found = con.execute(
        f"select count(*), coalesce(sum(hash({names})), 0) from {identifier(database, *table)}"
    ).fetchone()
    assert found is not None
    return found[0], found[1]
