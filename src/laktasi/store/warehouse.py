"""Opening the private warehouse and the research copy; migrations.

The private file has one writer or many readers, so only runs open it, each step for as long as it works.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.store.sql import migrations, scalar, transaction

MEMORY_LIMIT = "2GiB"
"""What DuckDB may hold before it spills to disk beside the file; leaves room for Python on a 4 GiB laptop."""

_IN_USE = ("Could not set lock", "Conflicting lock", "used by another process")
"""How DuckDB says so on Linux and macOS, and on Windows. A torn file's "block" is not a lock."""

POINTER_SUFFIX = ".latest"
"""``research.duckdb.latest`` holds the name of the newest copy where a system forbids renaming over an open file."""


@contextmanager
def open_warehouse(folder: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the private warehouse for writing, bring it up to date, and close it again.

    The data folder is made with mode 0700 where it does not exist, the file has mode 0600.

    Raises
    ------
    WarehouseError
        Another process has the file open, the file is torn or no DuckDB file, or newer code has written it.
    """
    path = folder.warehouse
    _make(folder)
    con = _connect(path, made_anew=folder.made_anew)
    try:
        # No extension is ever fetched at run time; times are UTC whatever the machine says. GLOBAL: for cursors too.
        con.execute(
            f"""
            set global autoinstall_known_extensions = false;
            set global autoload_known_extensions = false;
            set global TimeZone = 'UTC';
            set global memory_limit = '{MEMORY_LIMIT}';
            set global preserve_insertion_order = false;
            """
        )
        _migrate(con, path)
        yield con
    finally:
        con.close()


@contextmanager
def open_research(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the research copy, read-only.

    Parameters
    ----------
    path
        Where it is published; a pointer beside it (see :func:`newest_research`) is followed.

    Raises
    ------
    WarehouseError
        It has not been published yet, another process writes to it, or it is no DuckDB file.
    """
    path = newest_research(path)
    if not path.exists():
        raise WarehouseError(
            f"{path.name} does not exist",
            why="The research copy is published at the end of a run, and no run has ended here yet.",
            next_step="laktasi run",
        )
    con = _connect(path, read_only=True)
    try:
        con.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


@contextmanager
def told_by_an_earlier_laktasi(lacks: str) -> Iterator[None]:
    """Say of a research copy without the tables or columns that are read here who made it.

    Parameters
    ----------
    lacks
        What is wrong with it, after "what was published last".

    Raises
    ------
    WarehouseError
        It has not what the block reads.
    """
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException):
        raise WarehouseError(
            f"what was published last {lacks}: an earlier laktasi made it", next_step="laktasi run"
        ) from None


def newest_research(path: Path) -> Path:
    """Give the file that holds the newest research copy: `path`, or what the pointer beside it names."""
    pointer = path.with_name(path.name + POINTER_SUFFIX)
    if pointer.exists():
        named = path.with_name(Path(pointer.read_text(encoding="utf-8").strip()).name)
        if named.exists():
            return named
    return path


def _make(folder: DataFolder) -> None:
    """Make the data folder and an empty warehouse, if there is none."""
    folder.make()
    path = folder.warehouse
    if path.exists():
        path.chmod(0o600)
        return
    # Under another name first: a process killed while DuckDB writes its header would leave a file nobody can open.
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    _write_empty(new)
    new.chmod(0o600)
    new.replace(path)


def _write_empty(path: Path) -> None:
    duckdb.connect(str(path)).close()


def _connect(path: Path, *, read_only: bool = False, made_anew: str | None = None) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        said = str(error).splitlines()[0].replace(str(path), path.name)
        if any(phrase in said for phrase in _IN_USE):
            # Not in DuckDB's words: it would go on to recommend opening the file read-only.
            raise WarehouseError(
                f"{path.name} is in use by another process",
                why="One process at a time may write to it, and none may read it meanwhile.",
                next_step="wait for the other run, or close the program that has the file open; then try again",
            ) from error
        if "version number" in said or "newer version" in said:
            raise WarehouseError(
                f"{path.name} was written by a newer DuckDB",
                why=f"DuckDB says: {said}",
                next_step="update laktasi to the version that wrote it",
            ) from error
        raise WarehouseError(
            f"{path.name} cannot be opened: it is torn, or no DuckDB file",
            why=f"DuckDB says: {said}",
            next_step=made_anew
            or (
                "delete it and run again: laktasi run"
                if read_only
                else f"put back a backup of {path.name}, or move it away and import the phones' folders again"
            ),
        ) from error


def _migrate(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Apply the migrations that the file has not seen, each in one transaction."""
    con.execute(
        """
        begin;
        create schema if not exists meta;
        create table if not exists meta.migrations (number integer, name varchar, applied_at timestamptz);
        commit;
        """
    )
    applied = {number for (number,) in con.execute("select number from meta.migrations").fetchall()}
    known = migrations()
    if newer := applied - {number for number, _, _ in known}:
        name = scalar(con, "select name from meta.migrations where number = ?", [max(newer)])
        raise WarehouseError(
            f"{path.name} was written by a newer laktasi",
            why=f"It has seen migration {name}, which this code does not know.",
            next_step="update laktasi, then run the command again",
        )
    for number, name, file in known:
        if number in applied:
            continue
        with transaction(con):
            con.execute(file.read_text(encoding="utf-8"))
            con.execute("insert into meta.migrations values (?, ?, now())", [number, name])
