"""Where a run works: the data folder held alone, temporary files in it, and its warehouse opened."""

from __future__ import annotations

import errno
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from laktasi.errors import WarehouseError
from laktasi.paths import HOUSE, DataFolder

if TYPE_CHECKING:
    import duckdb

    from laktasi.store.turns import Hold

PATIENCE_SECONDS = 2
"""How long a run waits for the data folder: ``laktasi status`` holds it for less than that."""

BACKUP_PATIENCE_SECONDS = 60 * 60
"""How long a step waits for a backup that copies the warehouse, to a slow memory stick perhaps."""

OF_THE_DISK = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EIO", "EROFS", "ENODEV", "ENXIO", "ESTALE")
    if hasattr(errno, name)
)
"""Errors of the system that a disk makes: it is full, failing, write-protected or plugged out."""

_FULL = ("no space left", "not enough space", "disk full", "quota exceeded")

RUN_FIRST = "laktasi run, or --data FOLDER for another data folder"


@contextmanager
def alone(folder: DataFolder, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Hold]:
    """Hold the data folder: the lock is the operating system's, and dies with the process that holds it.

    Of a lake, which other workers reach by data folders of their own, the turn to write is held too.

    Parameters
    ----------
    patience_seconds
        How long to wait for a run that holds it.

    Returns
    -------
    Hold
        What gives the turn up and takes it again. Of a warehouse that is a file there are no turns: it does nothing.

    Raises
    ------
    WarehouseError
        It is held for longer than that, or cannot be used.
    """
    from filelock import FileLock, Timeout

    from laktasi.store.turns import holding

    lock = FileLock(folder.lock)
    try:
        folder.make()
        lock.acquire(timeout=patience_seconds)
    except Timeout:
        raise WarehouseError(
            f"another run is working in {folder.root}",
            why="Two runs in one data folder would get into each other's way.",
            next_step="wait until it has ended; laktasi status shows the latest runs",
        ) from None
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        with _scratch(folder), holding(folder) as hold:
            hold.take(patience_seconds)
            yield hold
    finally:
        lock.release()


@contextmanager
def in_turn(folder: DataFolder) -> Iterator[None]:
    """Hold the turn to open the warehouse: who holds it is the next one who does.

    A step of a run holds it only while it opens the warehouse; a backup as long as it copies it, so that it comes in
    between two steps, however soon one follows the other, and the next one waits instead of failing.

    Raises
    ------
    WarehouseError
        A backup holds it for longer than :data:`BACKUP_PATIENCE_SECONDS`.
    OSError
        The data folder cannot be written.
    """
    from filelock import FileLock, Timeout

    folder.make()
    lock = FileLock(folder.turn)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logging.getLogger(__name__).warning("waiting for a backup, or for what writes the warehouse anew")
        try:
            lock.acquire(timeout=BACKUP_PATIENCE_SECONDS)
        except Timeout:
            raise WarehouseError(
                f"something has been copying the warehouse in {folder.root} for an hour: a backup, or another key",
                next_step="see whether it still goes on, and end it if it does not; then run the command again",
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def apart_from_backups(folder: DataFolder) -> Iterator[None]:
    """Let no backup be made meanwhile: for what takes files away or writes them anew, and for a backup itself.

    Raises
    ------
    WarehouseError
        One is being made, or the data folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder.backup_lock)
    try:
        folder.make()
        lock.acquire(timeout=PATIENCE_SECONDS)
    except Timeout:
        raise WarehouseError(
            f"a backup of {folder.root} is being made", next_step="wait until it has ended, then run the command again"
        ) from None
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _unusable(folder: DataFolder, error: OSError) -> WarehouseError:
    return WarehouseError(
        f"the data folder {folder.root} cannot be used ({error.strerror})",
        next_step="check that it is yours and that the disk has room; --data FOLDER names another",
    )


@contextmanager
def _scratch(folder: DataFolder) -> Iterator[None]:
    """Let temporary files lie in the private data folder: a killed run leaves them there, and the next one sweeps."""
    shutil.rmtree(folder.scratch, ignore_errors=True)
    try:
        folder.scratch.mkdir(mode=0o700)
    except OSError as error:
        raise _unusable(folder, error) from error
    before, tempfile.tempdir = tempfile.tempdir, str(folder.scratch)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder.scratch, ignore_errors=True)


def check_begun(folder: DataFolder) -> None:
    """Refuse a data folder that no run has begun in, before anything is made in it: its name may be a slip.

    Raises
    ------
    WarehouseError
        There is no warehouse; or a restore that was broken off has put the folder aside.
    """
    if not folder.has_begun:
        folder.check_in_place()
        raise WarehouseError(
            f"there is no warehouse in {folder.root}", why="No run has begun here yet.", next_step=RUN_FIRST
        )


def code_version() -> str | None:
    """Give the commit of this checkout, with ``+`` where files differ from it; None where git does not say."""
    import subprocess

    git = shutil.which("git")
    if git is None or not (HOUSE / ".git").exists():
        return None

    def ask(*words: str) -> str:
        told = subprocess.run([git, "-C", str(HOUSE), *words], capture_output=True, text=True, check=True)  # noqa: S603
        return told.stdout.strip()

    try:
        return ask("rev-parse", "--short=12", "HEAD") + ("+" if ask("status", "--porcelain", "-uno") else "")
    except subprocess.CalledProcessError:
        return None


@contextmanager
def opened(folder: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the private warehouse, once a backup that is copying it has ended; see :func:`in_our_words`."""
    from laktasi.store.warehouse import open_warehouse

    with in_our_words(folder), ExitStack() as stack:
        with in_turn(folder):
            con = stack.enter_context(open_warehouse(folder))
        yield con


@contextmanager
def in_our_words(folder: DataFolder) -> Iterator[None]:
    """Tell what goes wrong in a warehouse without DuckDB's words, which can quote answers.

    Raises
    ------
    WarehouseError
        Instead of DuckDB's error, unless that speaks of a fault of ours.
    """
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # a fault of ours in a statement; such an error speaks of names, not of values
    except duckdb.Error as error:
        # `from None`: Prefect logs what an error came from.
        raise _in_our_words(folder, error) from None
    except MemoryError as error:
        raise _in_our_words(folder, error) from None
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            raise
        raise _in_our_words(folder, error) from None


def _in_our_words(folder: DataFolder, error: Exception) -> WarehouseError:
    import duckdb

    said = str(error).lower()
    if any(words in said for words in _FULL):
        return WarehouseError(
            f"the disk of {folder.root} is full",
            why="What had been written before stays as it was.",
            next_step="free some space, then run the command again",
        )
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return WarehouseError(
            "this machine's memory did not suffice",
            why="What had been written before stays as it was.",
            next_step="close other programs, then run the command again; a large study wants 4 GiB",
        )
    if isinstance(error, OSError):
        return WarehouseError(
            f"the disk of {folder.root} cannot be written to ({error.strerror})",
            why="What had been written before stays as it was.",
            next_step="see that it is plugged in and not write-protected, then run the command again",
        )
    return WarehouseError(
        f"the warehouse in {folder.root} could not be worked on ({type(error).__name__})",
        why="DuckDB's own words are not shown, since they can quote answers. What had been written before stays.",
        next_step="check the disk and the rights of the folder; if the error stays, "
        + (folder.made_anew or "put back a backup of the folder"),
    )
