"""From a file to a lake that several workers share, and back: all rows, and proof that they arrived."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from laktasi.durable import write_whole
from laktasi.errors import SettingsError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.settings import Settings
from laktasi.store.moving import Moved, bring_file, write_file
from laktasi.workplace import alone, opened


def move_to_lake(settings: Settings) -> Moved:
    """Copy the warehouse of the data folder into the lake of the settings, which is empty.

    Attachments, refused files and secret.key are copied to where all workers see them, if that is elsewhere. What was
    copied is put aside, into a folder by itself: left in its place it would be taken for what is in use.

    Raises
    ------
    SettingsError
        The settings name no lake.
    WarehouseError
        There is no file to move, the lake has rows already, or not all of them arrived.
    """
    folder = _with_lake(settings)
    file = replace(folder, lake=None)
    file.check_own()
    if folder.before_lake.exists():
        with alone(folder):
            _stop_or_finish(file, folder)
    if not file.warehouse.exists():
        raise WarehouseError(
            f"there is no {file.warehouse.name} in {folder.root} that could be moved",
            next_step="laktasi run: the lake begins empty, and takes in the phones' folders and Central",
        )
    with alone(folder):
        with opened(file):
            pass  # brought up to date
        _share(file, folder)
        with opened(folder) as con:
            moved = bring_file(con, file)
        _put_aside(file, folder)
    return moved


def save_lake(settings: Settings, path: Path) -> Moved:
    """Write all rows of the lake into a DuckDB file, encrypted if the data folder has a key.

    Raises
    ------
    SettingsError
        The settings name no lake.
    WarehouseError
        The file exists, cannot be written, or not all rows arrived.
    """
    folder = _with_lake(settings)
    if path.exists():
        raise WarehouseError(f"{path.name} exists already", next_step="name another file, or take that one away")
    try:
        with alone(folder), opened(folder) as con:
            return write_file(con, path, folder.key)
    except OSError as error:
        raise WarehouseError(
            f"{path.name} cannot be written ({error.strerror})", next_step="name a file in a folder with room"
        ) from None


def _with_lake(settings: Settings) -> DataFolder:
    folder = settings.data_folder
    if folder.lake is None:
        raise SettingsError(
            "the settings name no lake",
            next_step='set warehouse = "ducklake" and [lake] in laktasi.toml: see docs/ducklake.md',
        )
    return folder


def _share(before: DataFolder, now: DataFolder) -> None:
    """Copy what there must be once only to where all workers see it. What is there already is left."""
    if before.shared == now.shared:
        return
    try:
        now.shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old, new in ((before.attachments, now.attachments), (before.refused, now.refused)):
            if old.exists():
                shutil.copytree(old, new, dirs_exist_ok=True)
        if before.secret.exists():
            if now.secret.exists() and now.secret.read_bytes() != before.secret.read_bytes():
                raise WarehouseError(
                    f"in lake.files there is another {now.secret.name}",
                    why="Hashes made with one agree with nothing made with the other. Nothing was moved.",
                    next_step="put the one of this data folder there, unless the other one has been used",
                )
            write_whole(now.secret, before.secret.read_bytes())
    except OSError as error:
        raise WarehouseError(
            f"attachments, refused files and secret.key cannot be copied to lake.files ({error.strerror})",
            why="Nothing was moved.",
            next_step="see that the folder is there and has room, then run the same command again",
        ) from None


def _stop_or_finish(before: DataFolder, now: DataFolder) -> NoReturn:
    """Finish a move that was broken off once all had arrived; refuse another one while the first one's rest is there.

    Raises
    ------
    WarehouseError
        Always: nothing more is to be moved.
    """
    if before.warehouse.exists() and (now.before_lake / before.warehouse.name).exists():
        raise WarehouseError(
            f"{now.before_lake} is there, from an earlier move into a lake",
            why="What is moved now would take its place.",
            next_step="delete it, or keep it elsewhere, then run the same command again",
        )
    _put_aside(before, now)
    raise WarehouseError(
        "the warehouse of this data folder has been moved into the lake already",
        why=f"All of it arrived. What stood here is in {now.before_lake}.",
        next_step="laktasi run",
    )


def _put_aside(before: DataFolder, now: DataFolder) -> None:
    """Move what was copied out of its place; the warehouse last, so that what broke off is known by it."""
    log = before.warehouse.with_name(f"{before.warehouse.name}.wal")
    shared = [] if before.shared == now.shared else [before.attachments, before.refused, before.secret]
    now.before_lake.mkdir(mode=0o700, exist_ok=True)
    for path in (*shared, log, before.warehouse):
        if path.exists():
            path.rename(now.before_lake / path.name)
