"""Turns: what several workers write into one lake is written by one of them at a time.

DuckLake lets transactions run side by side and refuses only those whose changes collide. That is too little here: two
workers that bring the same submission would both see that it is new, and what lands later must be later
(:func:`laktasi.store.append.last_landed`). So a transaction waits for the turn, and who computes keeps it until
the end. The turn is an advisory lock of the catalogue's PostgreSQL: it ends with the connection of the process that
holds it. It belongs to a transaction there, so a pool of connections between here and the server does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder, Lake

PATIENCE_SECONDS = 60 * 60
"""How long what lands waits for who computes."""

CATALOGUE = "catalogue"
"""Name under which a :class:`Hold` attaches the catalogue's database."""

_SLICE_SECONDS = 1
"""How long PostgreSQL is asked to wait at a time, so that an interrupt is heard."""

_TURN = "turn"

_held: set[Path] = set()
"""Roots of the data folders for which this process holds the turn."""


def is_held_for(folder: DataFolder) -> bool:
    """Say whether this process holds the turn already, so that its transactions need not wait for it."""
    return folder.root in _held


def take_turns(con: duckdb.DuckDBPyConnection, catalogue: str, lake: Lake) -> None:
    """Let the transactions of a connection take turns.

    Parameters
    ----------
    catalogue
        Name under which the lake's PostgreSQL database is attached to it.
    """
    con.execute("set variable turns_by = ?", [[catalogue, _key(lake, _TURN), lake.name]])


@contextmanager
def turn(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Wait for the turn, where a connection takes turns, and give it up again.

    Raises
    ------
    WarehouseError
        It did not come within :data:`PATIENCE_SECONDS`.
    """
    found = con.execute("select getvariable('turns_by')").fetchone()
    if found is None or found[0] is None:
        yield
        return
    catalogue, key, name = found[0]
    with con.cursor() as waiting:
        _wait(waiting, catalogue, key, name, PATIENCE_SECONDS)
        try:
            yield
        finally:
            # Whether it was still ours does not matter any more.
            with suppress(duckdb.Error):
                waiting.rollback()


class Hold:
    """What a process holds of a lake for as long as a command works: nothing, where the warehouse is a file."""

    def __init__(self, folder: DataFolder) -> None:
        self._root = folder.root
        self._lake = folder.lake if folder.lake is not None and folder.lake.is_postgres else None
        self._con: duckdb.DuckDBPyConnection | None = None
        self._turn: duckdb.DuckDBPyConnection | None = None
        self._runs: list[duckdb.DuckDBPyConnection] = []
        """Each in a transaction that holds the lock of a run."""

    def take(self, patience_seconds: float) -> None:
        """Take the turn, and keep it until :meth:`give` or :meth:`close`; where it is held, see that it still is.

        Raises
        ------
        WarehouseError
            It did not come, or was lost with the connection to the catalogue.
        """
        if self._lake is None:
            return
        if self._turn is None:
            cursor = self._cursor(self._lake)
            _wait(cursor, CATALOGUE, _key(self._lake, _TURN), self._lake.name, patience_seconds)
            self._turn = cursor
            _held.add(self._root)
            return
        try:
            self._turn.execute(f"from postgres_query('{CATALOGUE}', 'select 1')").fetchall()
        except duckdb.Error:
            raise WarehouseError(
                f"the connection to the catalogue of {self._lake.name} was lost",
                why="Another worker may have begun meanwhile, so this run stops. What it had committed stays.",
                next_step="run again",
            ) from None

    def give(self) -> None:
        """Give the turn up, if it is held."""
        _held.discard(self._root)
        if self._turn is not None:
            with suppress(duckdb.Error):
                self._turn.rollback()
            self._turn = None

    def keep(self, run_id: str) -> None:
        """Let other workers see that a run is at work, for as long as this process lives."""
        if self._lake is not None:
            cursor = self._cursor(self._lake)
            _try(cursor, _key(self._lake, run_id))
            self._runs.append(cursor)

    def is_at_work(self, run_id: str) -> bool:
        """Say whether the process of a run lives, on whatever machine."""
        if self._lake is None:
            return False
        with self._cursor(self._lake) as cursor:
            try:
                return not _try(cursor, _key(self._lake, run_id))
            finally:
                cursor.rollback()

    def close(self) -> None:
        """Give up all that is held."""
        self.give()
        self._runs.clear()
        if self._con is not None:
            self._con.close()
            self._con = None

    def _cursor(self, lake: Lake) -> duckdb.DuckDBPyConnection:
        from laktasi.store.lake import attach_catalogue

        if self._con is None:
            con = duckdb.connect()
            try:
                attach_catalogue(con, lake, CATALOGUE)
            except BaseException:
                con.close()
                raise
            self._con = con
        return self._con.cursor()


@contextmanager
def holding(folder: DataFolder) -> Iterator[Hold]:
    """Give what can hold the turn of a folder's lake; at the end it lets go of it."""
    hold = Hold(folder)
    try:
        yield hold
    finally:
        hold.close()


def _key(lake: Lake, name: str) -> str:
    """Give an advisory lock's number, as SQL. Lakes of one database have locks of their own."""
    text = f"laktasi {lake.schema} {name}".replace("'", "''")
    return f"hashtextextended('{text}', 0)"


def _wait(cursor: duckdb.DuckDBPyConnection, catalogue: str, key: str, name: str, patience_seconds: float) -> None:
    """Begin a transaction that holds the lock. PostgreSQL serves who came first."""
    until = time.monotonic() + patience_seconds
    while True:
        _begin(cursor, catalogue)
        try:
            _tell(
                cursor, catalogue, f"set local lock_timeout = '{_SLICE_SECONDS}s'; select pg_advisory_xact_lock({key})"
            )
        except BaseException as error:
            cursor.rollback()
            if not (isinstance(error, duckdb.Error) and "lock timeout" in str(error)):
                raise
            if time.monotonic() >= until:
                raise WarehouseError(
                    f"another worker is at work in {name}",
                    why="Workers land side by side, but one computes at a time, and nobody else writes meanwhile.",
                    next_step="wait until it has ended; laktasi status shows the latest runs",
                ) from None
        else:
            return


def _try(cursor: duckdb.DuckDBPyConnection, key: str) -> bool:
    """Begin a transaction, and say whether it got the lock."""
    _begin(cursor, CATALOGUE)
    asked = f"select pg_try_advisory_xact_lock({key})".replace("'", "''")
    found = cursor.execute(f"from postgres_query('{CATALOGUE}', '{asked}')").fetchone()
    return found is not None and bool(found[0])


def _begin(cursor: duckdb.DuckDBPyConnection, catalogue: str) -> None:
    cursor.begin()
    # A run may take hours: a server that ends transactions in which nothing happens leaves this one alone.
    _tell(cursor, catalogue, "set local idle_in_transaction_session_timeout = 0")


def _tell(cursor: duckdb.DuckDBPyConnection, catalogue: str, statement: str) -> None:
    cursor.execute(f"call postgres_execute('{catalogue}', '{statement.replace(chr(39), chr(39) * 2)}')")
