"""Opening the private warehouse and the research copy; migrations.

The private file has one writer or many readers, so only runs open it, each step for as long as it works.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder, keep_private
from laktasi.store.lake import attach_lake
from laktasi.store.migrating import apply_lacking, lacking, replacing
from laktasi.store.sealing import database_key, is_encrypted
from laktasi.store.sql import identifier, literal

if TYPE_CHECKING:
    from pydantic import SecretStr

MEMORY_LIMIT = 2 * 2**30
"""Bytes that DuckDB may hold before it spills to disk beside the file; leaves room for Python on a 4 GiB laptop."""

WAREHOUSE = "warehouse"
"""What the private warehouse is called in its connection, whatever kind it is."""

_IN_USE = ("Could not set lock", "Conflicting lock", "used by another process", "Unique file handle conflict")
"""How DuckDB says so on Linux and macOS, on Windows, and of another connection of this process. A torn file's "block"
is not a lock."""

POINTER_SUFFIX = ".latest"
"""``research.duckdb.latest`` holds the name of the newest copy where a system forbids renaming over an open file."""
OF_A_RUN = "[0-9]" * 8 + "T*Z-*"
"""What the name of a run looks like in the name of such a copy; a file that somebody else put there has another."""


class WrongKeyError(WarehouseError):
    """The warehouse is encrypted with another key than the one that is given."""


@contextmanager
def open_warehouse(folder: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the private warehouse for writing, bring it up to date, and close it again.

    The data folder is made with mode 0700 where it does not exist, the file has mode 0600. The connection is one of its
    own in memory, to which the warehouse is attached and in which it is used. A cursor of it does not inherit that: it
    begins with ``use`` and the connection's ``current_database()``.

    Raises
    ------
    WarehouseError
        Another process has the file open, the file is torn or no DuckDB file, or newer code has written it; or it is
        encrypted and the folder has no key or another one, or it is plain and the folder has a key.
    """
    check_key_settled(folder)
    _make(folder)
    with session(folder) as con:
        attach(con, folder)
        con.execute(f"use {WAREHOUSE}")
        # Under the lock of the file: what lies there was left by a process that was killed.
        shutil.rmtree(spill_of(folder), ignore_errors=True)
        _migrate(con, folder)
        yield con


def check_key_settled(folder: DataFolder) -> None:
    """Refuse a data folder of which some may need one key and some another.

    Raises
    ------
    WarehouseError
        A change of its key has begun, and not ended.
    """
    if folder.key_change.exists():
        raise WarehouseError(
            f"a change of the key of {folder.root} was broken off",
            why="Nothing is lost; but until it has ended, some of the folder needs the old key and some the new one.",
            next_step="run it again as it was typed: laktasi key change --to FILE",
        )


@contextmanager
def session(folder: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection to nothing yet, set up as every one that touches private data is; close it again.

    What it attaches is written back and closed with it.
    """
    con = duckdb.connect()
    try:
        # No extension is ever fetched at run time; times are UTC whatever the machine says. GLOBAL: for cursors too.
        # What does not fit into memory spills beside the file, and never in plain: it is of answers.
        con.execute(
            f"""
            set global autoinstall_known_extensions = false;
            set global autoload_known_extensions = false;
            set global TimeZone = 'UTC';
            set global memory_limit = '{_memory_limit()}B';
            set global preserve_insertion_order = false;
            set global temp_directory = {literal(str(spill_of(folder)))};
            set global temp_file_encryption = {literal(folder.key is not None)};
            """
        )
        if folder.key is not None:
            load_extension(con, "httpfs")  # DuckDB writes encrypted files by what httpfs brings
        yield con
    finally:
        con.close()


def _memory_limit() -> int:
    """Give the limit in bytes: half of what a smaller machine has."""
    try:
        return min(MEMORY_LIMIT, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    except (AttributeError, ValueError, OSError):  # Windows does not say it so
        return MEMORY_LIMIT


def attach(con: duckdb.DuckDBPyConnection, folder: DataFolder, name: str = WAREHOUSE) -> None:
    """Attach the warehouse of a data folder, as the folder says: the only place that knows what kind it is.

    Parameters
    ----------
    con
        Of :func:`session`.
    name
        Under which it is attached. Only as :data:`WAREHOUSE` its views are written as they are made.

    Raises
    ------
    WarehouseError
        As :func:`open_warehouse`.
    """
    if folder.lake is not None:
        attach_lake(con, folder, name)
        return
    attach_file(con, folder.warehouse, folder.key, name, made_anew=folder.made_anew)


def attach_file(
    con: duckdb.DuckDBPyConnection, path: Path, key: SecretStr | None, name: str, *, made_anew: str | None = None
) -> None:
    """Attach a private DuckDB file, made where it does not exist.

    Parameters
    ----------
    key
        It is encrypted with this one; None: it is plain.
    made_anew
        What to do where it is spoiled, if that is not to put back a backup.

    Raises
    ------
    WarehouseError
        As :func:`open_warehouse`.
    """
    statement = f"attach {literal(str(path))} as {identifier(name)}"
    try:
        if key is None:
            con.execute(f"{statement} (type duckdb)")
        else:
            # A parameter, so that the key stands in no statement: errors and logs quote these.
            con.execute(f"{statement} (type duckdb, encryption_key ?)", [database_key(key)])
    except duckdb.Error as error:
        # `from None`: what DuckDB says is said here, as far as it may be.
        raise _other_key(path, key, str(error)) or _not_opened(path, error, made_anew) from None


def load_extension(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load a DuckDB extension from the package that brings it; nothing is fetched.

    Raises
    ------
    WarehouseError
        The package is not installed, or is of another DuckDB.
    """
    package = f"duckdb_extension_{name}"
    try:
        (folder,) = import_module(package).__path__
        path = Path(folder, "extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension")
        con.execute(f"load {literal(str(path))}")
    except (ImportError, duckdb.Error):
        raise WarehouseError(
            f"DuckDB's extension {name} is not installed, or is of another DuckDB than {duckdb.__version__}",
            next_step="install what requirements.lock names: make setup",
        ) from None


def spill_of(folder: DataFolder) -> Path:
    """Give where DuckDB puts what does not fit into memory."""
    return folder.warehouse.with_name(f"{folder.warehouse.name}.tmp")


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
    con = _connect(path)
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
    if pointer.exists() and (name := Path(pointer.read_text(encoding="utf-8", errors="replace").strip()).name):
        named = path.with_name(name)
        if named.exists():
            return named
    return path


def _make(folder: DataFolder) -> None:
    """Make the data folder and an empty warehouse, if there is none."""
    folder.make()
    if folder.lake is not None:
        return  # attaching makes it
    path = folder.warehouse
    if path.exists():
        keep_private(path)
        return
    # Under another name first: a process killed while DuckDB writes its header would leave a file nobody can open.
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    _write_empty(folder, new)
    keep_private(new)
    new.replace(path)


def _write_empty(folder: DataFolder, path: Path) -> None:
    with session(folder) as con:
        attach_file(con, path, folder.key, WAREHOUSE)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a file that is not private, read-only."""
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise _not_opened(path, error, "delete it and run again: laktasi run") from error


def _other_key(path: Path, key: SecretStr | None, said: str) -> WarehouseError | None:
    """Say that a file is not encrypted as it should be; None where that is not what is wrong with it."""
    if "Wrong encryption key" in said:
        return WrongKeyError(
            f"{path.name} is encrypted with another key",
            why="Without that one, nobody can read it.",
            next_step="give the key it was encrypted with (LAKTASI_KEY, or key_file in laktasi.toml)",
        )
    if key is None and path.is_file() and os.access(path, os.R_OK) and is_encrypted(path):
        return WarehouseError(
            f"{path.name} is encrypted, and no key is given",
            next_step="set key_file in laktasi.toml to the file with the key, or LAKTASI_KEY in the environment",
        )
    if key is not None and "is not encrypted" in said:
        return WarehouseError(
            f"{path.name} is not encrypted, and a key is given",
            next_step="encrypt the data folder with it: laktasi key change --to FILE, the file that holds the key",
        )
    return None


def _not_opened(path: Path, error: duckdb.Error, next_step: str | None) -> WarehouseError:
    said = str(error).splitlines()[0].replace(str(path), path.name)
    if any(phrase in said for phrase in _IN_USE):
        # Not in DuckDB's words: it would go on to recommend opening the file read-only.
        return WarehouseError(
            f"{path.name} is in use by another process",
            why="One process at a time may write to it, and none may read it meanwhile.",
            next_step="wait for the other run, or close the program that has the file open; then try again",
        )
    if "No space left" in said or "not enough space" in said.lower():
        return WarehouseError(
            f"the disk of {path.name} is full",
            why="What had been written before stays as it was.",
            next_step="free some space, then run the command again",
        )
    if "Permission denied" in said or "Read-only file system" in said:
        return WarehouseError(
            f"{path.name} may not be written to: it is somebody else's, or its disk is write-protected",
            why="Nothing was changed.",
            next_step="work as the user who made the data folder, or correct its rights, then run the command again",
        )
    if "version number" in said or "newer version" in said:
        return WarehouseError(
            f"{path.name} was written by a newer DuckDB",
            why=f"DuckDB says: {said}",
            next_step="update laktasi to the version that wrote it",
        )
    return WarehouseError(
        f"{path.name} cannot be opened: it is torn, or no DuckDB file",
        why=f"DuckDB says: {said}",
        next_step=next_step
        or f"put back a backup of {path.name}, or move it away and import the phones' folders again",
    )


def _migrate(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> None:
    """Bring the warehouse in use up to date: a lake in a transaction, a file in a copy that takes its place."""
    name = folder.warehouse.name if folder.lake is None else folder.lake.name
    if not lacking(con, name):
        return
    if folder.lake is not None:
        apply_lacking(con, name)
        return
    # Detached, so that the copy is of all that is in it, and systems that guard open files let it be replaced.
    con.execute(f"checkpoint {WAREHOUSE}; use memory; detach {WAREHOUSE}")
    with replacing(folder.warehouse) as copy:
        attach_file(con, copy, folder.key, WAREHOUSE)
        try:
            con.execute(f"use {WAREHOUSE}")
            apply_lacking(con, name)
            con.execute("checkpoint")
        finally:
            con.execute(f"use memory; detach {WAREHOUSE}")
    attach(con, folder)
    con.execute(f"use {WAREHOUSE}")
