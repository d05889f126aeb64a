"""Bringing a warehouse up to date: by all migrations that it lacks, or by none of them.

A file is migrated in a copy beside it, which takes its place when it is whole and durable; a lake in one transaction.
So whatever happens on the way (a migration that fails, a full disk, a power cut), the file is as it was. A transaction
would not do for files: what a process that was killed after its commit leaves in the log beside the file is applied by
whoever opens the file next, and DuckDB cannot apply every change of a table again (decision 0027).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from laktasi.durable import sync, sync_folder
from laktasi.errors import WarehouseError
from laktasi.store.lake import portable
from laktasi.store.room import ask_for_room
from laktasi.store.sql import migrations, transaction

Migration = tuple[int, str, Path]
"""Number, name and file."""

SUFFIX = ".migrating.new"
"""Of the copy. One that a killed process left is swept by the next."""


def lacking(con: duckdb.DuckDBPyConnection, name: str) -> list[Migration]:
    """Give the migrations that the warehouse in use has not seen, in order. Nothing is written.

    Parameters
    ----------
    name
        What the warehouse is called in sentences.

    Raises
    ------
    WarehouseError
        Newer code has written it, or what is no laktasi.
    """
    known = migrations()
    tables = con.execute(
        # Columns, since DuckLake asks its catalogue about the size of each table that duckdb_tables() lists.
        "select distinct schema_name, table_name from duckdb_columns() where database_name = current_database()"
    ).fetchall()
    if not tables:
        return known
    if ("meta", "migrations") not in tables:
        raise WarehouseError(
            f"{name} holds tables, and none of them says that it is a warehouse of laktasi",
            why="Nothing in it was changed.",
            next_step="move it away; then put back a backup of the warehouse, or import the phones' folders again",
        )
    seen = dict(con.execute("select number, name from meta.migrations").fetchall())
    ours = {number: migration for number, migration, _ in known}
    # By number and name: what was written by a branch of the code that went another way is not ours either.
    if foreign := [number for number, migration in seen.items() if ours.get(number) != migration]:
        raise WarehouseError(
            f"{name} was written by a newer laktasi",
            why=f"It has seen migration {seen[max(foreign)]}, which this code does not know. Nothing was changed.",
            next_step="update laktasi, then run the command again",
        )
    return [migration for migration in known if migration[0] not in seen]


def apply_lacking(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Apply the migrations that the warehouse in use lacks, in one transaction.

    Parameters
    ----------
    name
        What the warehouse is called in sentences.

    Raises
    ------
    WarehouseError
        One of them fails.
    """
    with transaction(con):
        # Asked within it: of several workers at one warehouse, another may have come first.
        wanted = lacking(con, name)
        con.execute("create schema if not exists meta")
        con.execute("create table if not exists meta.migrations (number integer, name varchar, applied_at timestamptz)")
        for number, migration, file in wanted:
            try:
                for statement in portable(con, file.read_text(encoding="utf-8")):
                    con.execute(statement)
            except (duckdb.IOException, duckdb.OutOfMemoryException):
                raise  # of the disk or the memory, not of the migration
            except duckdb.Error as error:
                raise _failed(name, migration, error) from _harmless(error)
            con.execute("insert into meta.migrations values (?, ?, now())", [number, migration])


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a copy of a file that takes the file's place at the end of the block; where the block breaks off, it goes.

    Nobody has the file open meanwhile, and the log beside it is written back into it.

    Raises
    ------
    WarehouseError
        The disk has no room for a copy, or the file was changed meanwhile by somebody else.
    OSError
        The copy cannot be written.
    """
    copy = path.with_name(path.name + SUFFIX)
    _remove(copy)
    ask_for_room(
        path.parent,
        path.stat().st_size,
        f"{path.name} cannot be brought up to date",
        why="A newer laktasi lays out some tables otherwise. It does so in a copy, so that nothing can get lost; the"
        " file is as it was.",
        then="run the command again",
    )
    before = _state(path)
    try:
        copy.touch(mode=0o600)  # private before there is anything in it
        shutil.copyfile(path, copy)
        yield copy
        sync(copy)
        if _state(path) != before:
            raise WarehouseError(
                f"{path.name} was changed by another process while it was brought up to date",
                why="That process's changes stay, and what was done here is dropped.",
                next_step="close the program that has the file open, then run the command again",
            )
        copy.replace(path)
        sync_folder(path.parent)
    finally:
        _remove(copy)


def _failed(name: str, migration: str, error: duckdb.Error) -> WarehouseError:
    return WarehouseError(
        f"{name} could not be brought up to date: migration {migration} failed ({type(error).__name__})",
        why="The file is as it was before, and nothing is lost.",
        next_step="go on with the laktasi that you had, and tell those who maintain it",
    )


def _harmless(error: duckdb.Error) -> duckdb.Error | None:
    """Give an error that speaks of names alone; other words of DuckDB's can quote answers, and are not kept."""
    of_names = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
    return error if isinstance(error, of_names) else None


def _state(path: Path) -> tuple[int, int, bool]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, Path(f"{path}.wal").exists()


def _remove(copy: Path) -> None:
    for left in (Path(f"{copy}.wal"), copy):
        with suppress(FileNotFoundError):
            left.unlink()
