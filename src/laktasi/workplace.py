"""Where a run works: the data folder held alone, temporary files in it, and its warehouse opened."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from laktasi.errors import WarehouseError
from laktasi.paths import HOUSE, DataFolder

if TYPE_CHECKING:
    import duckdb

PATIENCE_SECONDS = 2
"""How long a run waits for the data folder: ``laktasi status`` holds it for less than that."""

RUN_FIRST = "laktasi run, or --data FOLDER for another data folder"


@contextmanager
def alone(folder: DataFolder, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the data folder: the lock is the operating system's, and dies with the process that holds it.

    Parameters
    ----------
    patience_seconds
        How long to wait for a run that holds it.

    Raises
    ------
    WarehouseError
        It is held for longer than that, or cannot be used.
    """
    from filelock import FileLock, Timeout

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
        raise WarehouseError(
            f"the data folder {folder.root} cannot be used ({error.strerror})",
            next_step="check that it is yours and that the disk has room; --data FOLDER names another",
        ) from error
    try:
        with _scratch(folder):
            yield
    finally:
        lock.release()


@contextmanager
def _scratch(folder: DataFolder) -> Iterator[None]:
    """Let temporary files lie in the private data folder: a killed run leaves them there, and the next one sweeps."""
    shutil.rmtree(folder.scratch, ignore_errors=True)
    folder.scratch.mkdir(mode=0o700)
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
        There is no warehouse.
    """
    if not folder.warehouse.exists():
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
    """Open the private warehouse; what goes wrong in it is told without DuckDB's words, which can quote answers."""
    import duckdb

    from laktasi.store.warehouse import open_warehouse

    try:
        with open_warehouse(folder) as con:
            yield con
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException):
        raise  # a fault of ours in a statement; such an error speaks of names, not of values
    except duckdb.Error as error:
        # `from None`: Prefect logs what an error came from.
        raise _in_our_words(folder, error) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _in_our_words(folder, error) from None


def _in_our_words(folder: DataFolder, error: Exception) -> WarehouseError:
    said = str(error)
    if any(words in said.lower() for words in ("no space left", "not enough space", "disk full")):
        return WarehouseError(
            f"the disk of {folder.root} is full",
            why="What had been written before stays as it was.",
            next_step="free some space, then run the command again",
        )
    return WarehouseError(
        f"the warehouse in {folder.root} could not be worked on ({type(error).__name__})",
        why="DuckDB's own words are not shown, since they can quote answers. What had been written before stays.",
        next_step="check the disk and the rights of the folder; if the error stays, "
        + (folder.made_anew or "put back a backup of the folder"),
    )
