"""What follows from an erasure with files: done by the command, and by every run that finds something left.

Each part may be done twice and broken off anywhere. The warehouse is written anew last: what says that something is
left to be done is gone with that, and not before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.durable import write_whole
from laktasi.errors import LaktasiError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.settings import Settings
from laktasi.workplace import alone, apart_from_backups, in_our_words, in_turn, opened

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int, int | None], None]

TOMBSTONES = "forgotten.json"
"""In the folder of manifests: which rows are gone, so that whoever has these alone can tell."""


def check_finishable(folder: DataFolder) -> None:
    """Refuse where a warehouse that no run keeps up would keep what is to be erased.

    Raises
    ------
    WarehouseError
        The data folder's own, from before it was moved into a lake, is still there.
    """
    if folder.lake is None:
        return
    for left in (folder.before_lake, replace(folder, lake=None).warehouse):
        if left.exists():
            raise WarehouseError(
                f"{left} holds what stood here before it was moved into the lake, everybody's answers among it",
                why="Nobody can be forgotten while it is there.",
                next_step="see that a run on the lake and a backup ended well, delete it, then run the command again",
            )


def is_left(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> bool:
    """Say whether something is left to be done with files, be it with those of this folder alone."""
    from laktasi.store.leaving.erasing import is_unfinished

    return is_unfinished(con) or _is_behind(con, folder)


def finish(settings: Settings, progress: Progress, *, is_last: bool = True) -> tuple[str, ...]:
    """Do all that follows with files. The data folder is held by the caller.

    Parameters
    ----------
    is_last
        All that is derived has been made anew. Else the warehouse is not written anew yet: tables over all records
        still have what only she had said.

    Returns
    -------
    tuple of str
        What could not be done, and is done later.

    Raises
    ------
    WarehouseError
        A backup is being made; somebody works in a folder of an earlier day; what stood here before a lake is there
        still; the disk has no room for the warehouse written anew; or a file cannot be removed. What was done before
        that stays done.
    """
    from laktasi.store.leaving.erasing import is_unfinished

    folder = settings.data_folder
    check_finishable(folder)
    with apart_from_backups(folder), _in_words(folder):
        notes = _tell_backups(settings)
        with opened(folder) as con:
            progress("removing files of hers", 0, None)
            _empty_shelves(con, folder)
            ids = _all_ids(con)
            newest = _newest(con)
            is_unwritten = is_unfinished(con)
            _write_beside_manifests(con, folder)
        _remove_as_of(folder)
        _remove_lists(folder)
        progress("taking her out of what is published", 0, None)
        _redact(folder, ids)
        if folder.lake is not None:
            write_whole(folder.without_forgotten, newest)
        if is_last and is_unwritten:
            progress("writing the warehouse anew", 0, None)
            _rewrite(folder)
    return tuple(notes)


def _is_behind(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> bool:
    """Say whether somebody was forgotten by another worker of a lake, while files here may still have her."""
    if folder.lake is None:
        return False
    done = folder.without_forgotten.read_text(encoding="utf-8") if folder.without_forgotten.exists() else ""
    return _newest(con) != done


def _newest(con: duckdb.DuckDBPyConnection) -> str:
    """Name the newest tombstone by its time; empty where there is none."""
    from laktasi.store.sql import scalar

    return str(scalar(con, "select coalesce(max(epoch_us(landed_at))::varchar, '') from raw.forgotten"))


def _in_words(folder: DataFolder) -> Any:
    from laktasi.store.shelf import writing

    return writing(folder.root)


def _empty_shelves(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> None:
    from laktasi.store.leaving.scrubbing import empty_shelves
    from laktasi.store.leaving.seeking import drop_refused_of_forgotten

    drop_refused_of_forgotten(con, folder)
    empty_shelves(con, folder)


def _all_ids(con: duckdb.DuckDBPyConnection) -> set[str]:
    from laktasi.store.leaving.tombstones import forgotten_records

    return {name for _, name in forgotten_records(con)}


def _redact(folder: DataFolder, ids: set[str]) -> None:
    from laktasi.store.leaving.scrubbing import redact_research

    with in_our_words(folder):
        redact_research(folder, ids)


def _rewrite(folder: DataFolder) -> None:
    from laktasi.store.leaving.scrubbing import rewrite_warehouse

    with in_our_words(folder), in_turn(folder):
        rewrite_warehouse(folder)


def _tell_backups(settings: Settings) -> list[str]:
    """Lay the tombstones beside the backups, so that one of them put back does not bring her back."""
    from laktasi.backing_up.forgotten import tombstones_of, write_tombstones

    target = settings.backup.folder
    if target is None:
        return []
    place = settings.project / target.expanduser()
    if not place.is_dir():
        return [f"{place} is not there: the next backup says to the older ones beside it whom they may not bring back"]
    with opened(settings.data_folder) as con:
        found = tombstones_of(con)
    try:
        write_tombstones(place, found)
    except (LaktasiError, OSError) as error:
        why = error.what if isinstance(error, LaktasiError) else error.strerror
        return [f"the list of who left could not be written into {place} ({why}): the next backup does it"]
    return []


def _write_beside_manifests(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> None:
    """Say beside the manifests which rows are gone that they count: numbers and times, no ids."""
    from laktasi.store.leaving.tombstones import tombstones

    if not folder.manifests.is_dir():
        return
    told = [
        {"forgotten_at": one["landed_at"], "why": one["why"], "rows": one["erased"]}
        for one in tombstones(con)
        if any(rows["n"] for rows in one["erased"])
    ]
    write_whole(folder.manifests / TOMBSTONES, json.dumps(told, indent=1) + "\n")


def _remove_as_of(folder: DataFolder) -> None:
    """Remove the analyses of earlier days: they can be made again, without her."""
    if not folder.as_of.is_dir():
        return
    for path in sorted(path for path in folder.as_of.iterdir() if path.is_dir()):
        try:
            with alone(DataFolder(path)):
                pass
        except WarehouseError:
            raise WarehouseError(
                f"somebody works in {path}, where rows of hers are",
                next_step="wait until that has ended, then finish: laktasi forget",
            ) from None
        shutil.rmtree(path)


def _remove_lists(folder: DataFolder) -> None:
    """Remove lists of records that are made again by the commands that made them."""
    shutil.rmtree(folder.fieldwork / "todo", ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.report.with_name("findings.csv").unlink()


def records_folder(folder: DataFolder) -> Path:
    """Give where the records for the ethics file lie."""
    return folder.root / "forgotten"
