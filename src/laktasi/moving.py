"""From a file to a lake that several workers share, and back: all rows, and proof that they arrived."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from laktasi.errors import SettingsError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.settings import Settings
from laktasi.store.moving import Moved, bring_file, write_file
from laktasi.workplace import alone, opened


def move_to_lake(settings: Settings) -> Moved:
    """Copy the warehouse of the data folder into the lake of the settings, which is empty; nothing is taken away.

    Attachments and secret.key are copied to where all workers see them, if that is elsewhere.

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
    if not file.warehouse.exists():
        raise WarehouseError(
            f"there is no {file.warehouse.name} in {folder.root} that could be moved",
            next_step="laktasi run: the lake begins empty, and takes in the phones' folders and Central",
        )
    with alone(folder):
        with opened(file):
            pass  # brought up to date
        with opened(folder) as con:
            moved = bring_file(con, file)
        _share(file, folder)
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
    """Copy what there must be once only to where all workers see it."""
    if before.shared == now.shared:
        return
    try:
        now.shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        if before.attachments.exists():
            shutil.copytree(before.attachments, now.attachments, dirs_exist_ok=True)
        if before.secret.exists():
            if now.secret.exists() and now.secret.read_bytes() != before.secret.read_bytes():
                raise WarehouseError(
                    f"in lake.files there is another {now.secret.name}",
                    why="Hashes made with one agree with nothing made with the other.",
                    next_step="put the one of this data folder there, unless the other one has been used",
                )
            shutil.copy2(before.secret, now.secret)
    except OSError as error:
        raise WarehouseError(
            f"attachments and secret.key cannot be copied to lake.files ({error.strerror})",
            next_step="copy both there by hand; the rows have been moved",
        ) from None
