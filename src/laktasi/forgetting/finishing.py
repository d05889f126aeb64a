"""What follows from an erasure with files: done by the command, and by every run that finds something left.

Each part may be done twice and broken off anywhere. The warehouse is written anew last: what says that something is
left to be done is gone with that, and not before.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import LaktasiError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.settings import Settings
from laktasi.workplace import alone, apart_from_backups, in_our_words, in_turn, opened

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int, int | None], None]

TOMBSTONES = "forgotten.json"
"""In the folder of manifests: which rows are gone, so that whoever has these alone can tell."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What was done with files."""

    kept_files: int
    """Attachments and refused files that were removed."""
    as_of: tuple[str, ...]
    """Folders of earlier days that were removed."""
    published_rows: int
    """Rows that were taken out of the research copy."""
    notes: tuple[str, ...]
    """What could not be done, and is done later."""


def finish(settings: Settings, progress: Progress, *, is_last: bool = True) -> Finished:
    """Do all that follows with files. The data folder is held by the caller.

    Parameters
    ----------
    is_last
        All that is derived has been made anew. Else the warehouse is not written anew yet: tables over all records
        still have what only she had said.

    Raises
    ------
    WarehouseError
        A backup is being made; somebody works in a folder of an earlier day; the disk has no room for the warehouse
        written anew; or a file cannot be removed. What was done before that stays done.
    """
    folder = settings.data_folder
    with apart_from_backups(folder), _in_words(folder):
        notes = _tell_backups(settings)
        with opened(folder) as con:
            progress("removing files of hers", 0, None)
            kept_files = _empty_shelves(con, folder)
            ids = _all_ids(con)
            _write_beside_manifests(con, folder)
        as_of = _remove_as_of(folder)
        _remove_lists(folder)
        progress("taking her out of what is published", 0, None)
        taken = _redact(folder, ids)
        if is_last:
            progress("writing the warehouse anew", 0, None)
            _rewrite(folder)
    return Finished(kept_files, as_of, taken, tuple(notes))


def _in_words(folder: DataFolder) -> Any:
    from laktasi.store.shelf import writing

    return writing(folder.root)


def _empty_shelves(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> int:
    from laktasi.store.scrubbing import empty_shelves
    from laktasi.store.seeking import drop_refused_of_forgotten

    drop_refused_of_forgotten(con, folder)
    return empty_shelves(con, folder)


def _all_ids(con: duckdb.DuckDBPyConnection) -> set[str]:
    from laktasi.store.forgetting import forgotten_records

    return {name for _, name in forgotten_records(con)}


def _redact(folder: DataFolder, ids: set[str]) -> int:
    from laktasi.store.scrubbing import redact_research

    with in_our_words(folder):
        return redact_research(folder, ids)


def _rewrite(folder: DataFolder) -> None:
    from laktasi.store.scrubbing import rewrite_warehouse

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
    from laktasi.store.forgetting import tombstones

    if not folder.manifests.is_dir():
        return
    told = [
        {"forgotten_at": one["landed_at"], "why": one["why"], "rows": one["erased"]}
        for one in tombstones(con)
        if any(rows["n"] for rows in one["erased"])
    ]
    place = folder.manifests / TOMBSTONES
    new = place.with_name(f".{place.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    new.replace(place)


def _remove_as_of(folder: DataFolder) -> tuple[str, ...]:
    """Remove the analyses of earlier days: they can be made again, without her."""
    if not folder.as_of.is_dir():
        return ()
    removed = []
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
        removed.append(path.name)
    return tuple(removed)


def _remove_lists(folder: DataFolder) -> None:
    """Remove lists of records that are made again by the commands that made them."""
    shutil.rmtree(folder.fieldwork / "todo", ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.report.with_name("findings.csv").unlink()


def records_folder(folder: DataFolder) -> Path:
    """Give where the records for the ethics file lie."""
    return folder.root / "forgotten"
