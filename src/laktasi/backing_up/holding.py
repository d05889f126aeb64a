"""The warehouse while it is backed up: held between two steps of a run, and its copy looked into."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from laktasi.backing_up.shape import Rows
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.pipeline import Progress
from laktasi.store.sql import identifier
from laktasi.workplace import alone, apart_from_backups, in_our_words, in_turn

if TYPE_CHECKING:
    import duckdb

_AGAIN_SECONDS = 0.1
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Held:
    """A warehouse that nobody writes to."""

    con: duckdb.DuckDBPyConnection
    """In use in it."""
    path: Path
    """The file that has all of it; but for what stands in the log beside it, on a disk that may only be read."""

    def let_go(self) -> None:
        """Close the file, before it is read otherwise than by DuckDB; it is asked nothing any more.

        Windows forbids reading what DuckDB has open. Elsewhere DuckDB's lock would be lost with the first reader in
        this process that closes it. Who holds the turn still keeps other commands out.
        """
        name = self.con.execute("select current_database()").fetchone()
        assert name is not None
        self.con.execute("use memory")
        self.con.execute(f"detach {identifier(*name)}")

    def as_it_is(self) -> tuple[tuple[int, int] | None, ...]:
        """Give what shows that somebody wrote to the file, or to the log beside it."""
        return tuple(_size_and_time(path) for path in (self.path, log_of(self.path)))


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


@contextmanager
def held_between_steps(folder: DataFolder, patience_seconds: float, progress: Progress) -> Iterator[Held]:
    """Hold the warehouse as it is, migrated or not, with all that was committed in the file itself.

    The turn is taken first: the step that is at work ends, and the next one waits. On a disk that may only be read,
    nobody is at work, and what was committed last may stand in the log beside the file (:func:`log_of`). A lake is
    copied into a file, while no worker writes.

    Raises
    ------
    WarehouseError
        The step does not end within `patience_seconds`, or the warehouse cannot be opened.
    """
    from laktasi.store.copied import attach_copy
    from laktasi.store.warehouse import WAREHOUSE, check_key_settled, session

    check_key_settled(folder)
    if folder.lake is not None:
        with alone(folder, patience_seconds), _written_out(folder, progress) as held:
            yield held
    elif is_read_only(folder):
        with session(folder) as con:
            attach_copy(con, folder.warehouse, folder.key)
            yield Held(con, folder.warehouse)
    else:
        with in_turn(folder), session(folder) as con:
            _attach(con, folder, patience_seconds, progress)
            con.execute(f"use {WAREHOUSE}")
            con.execute(f"checkpoint {WAREHOUSE}")
            yield Held(con, folder.warehouse)


def _attach(con: duckdb.DuckDBPyConnection, folder: DataFolder, patience_seconds: float, progress: Progress) -> None:
    """Attach the warehouse once nobody else has it open."""
    from laktasi.store.warehouse import attach

    until = time.monotonic() + patience_seconds
    while True:
        try:
            attach(con, folder)
        except WarehouseError as error:
            if "in use by another process" not in error.what or time.monotonic() >= until:
                raise
            progress("waiting for the step that is at work", 0, None)
            time.sleep(_AGAIN_SECONDS)
        else:
            return


@contextmanager
def _written_out(folder: DataFolder, progress: Progress) -> Iterator[Held]:
    """Write a lake into a file of the data folder's temporary ones."""
    from laktasi.store.copied import attach_copy
    from laktasi.store.moving import write_file
    from laktasi.store.warehouse import open_warehouse, session

    progress("copying the lake into a file", 0, None)
    path = folder.scratch / "lake" / folder.warehouse.name
    path.parent.mkdir(mode=0o700)
    with open_warehouse(folder) as con:
        write_file(con, path, folder.key)
    with session(replace(folder, root=path.parent, lake=None)) as con:
        attach_copy(con, path, folder.key)
        yield Held(con, path)


def is_read_only(folder: DataFolder) -> bool:
    """Say whether the data folder may only be read: systems make a disk so that is dying."""
    return not os.access(folder.root, os.W_OK)


def log_of(file: Path) -> Path:
    """Give where DuckDB keeps what was committed since it wrote to the warehouse's own file."""
    return file.with_name(f"{file.name}.wal")


def undisturbed(folder: DataFolder) -> AbstractContextManager[None]:
    """Let nothing that is to be copied go away or be written anew meanwhile."""
    return nullcontext() if is_read_only(folder) else apart_from_backups(folder)


def ask_copy(folder: DataFolder, path: Path, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
    """Ask a copy of the warehouse, which is read and not changed; what DuckDB spills lies beside it, and goes.

    Raises
    ------
    WarehouseError
        It cannot be opened.
    """
    from laktasi.store.copied import attach_copy
    from laktasi.store.warehouse import session

    beside = replace(folder, root=path.with_name("spill"))
    try:
        with in_our_words(folder), session(beside) as con:
            attach_copy(con, path, folder.key)
            return ask(con)
    finally:
        shutil.rmtree(beside.root, ignore_errors=True)


def rows_of(con: duckdb.DuckDBPyConnection) -> dict[str, Rows]:
    """Give what the tables hold that nothing can be derived without."""
    from laktasi.store.row_hashes import hash_rows

    return {name: Rows(one.rows, one.columns, one.hash) for name, one in hash_rows(con).items()}
