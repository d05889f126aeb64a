"""Where backups are written to."""

from __future__ import annotations

from pathlib import Path

from laktasi.backing_up import files
from laktasi.backing_up.sources import folders_of
from laktasi.errors import BackupError, SettingsError
from laktasi.settings import Settings


def place_of(settings: Settings, to: Path | None) -> Path:
    """Give the folder that backups are written to.

    Raises
    ------
    SettingsError
        None is named.
    BackupError
        It does not exist, is no folder, is one of those that are backed up, or holds the key.
    """
    named = to or settings.backup.folder
    if named is None:
        raise SettingsError(
            "no folder for backups is named",
            why="A backup belongs on another disk: a memory stick, a second computer, the office's server.",
            next_step='laktasi backup --to FOLDER; or write folder = "…" below [backup] in laktasi.toml, for every day',
        )
    target = (settings.project / named.expanduser()) if to is None else Path.cwd() / to.expanduser()
    if not target.is_dir():
        is_file = target.exists()
        raise BackupError(
            f"{target} is {'a file' if is_file else 'not there'}",
            why="" if is_file else "Is the disk or memory stick plugged in? It is not made, since it might be a slip.",
            next_step="name a folder" if is_file else "plug it in, or make the folder; then run the command again",
        )
    target = target.resolve()
    for source in folders_of(settings.data_folder, settings.folders):
        if target.is_relative_to(source.resolve()):
            raise BackupError(
                f"{target} lies in {source}, which is backed up",
                why="What takes that folder away would take the backup with it.",
                next_step="name a folder on another disk: --to FOLDER, or backup.folder in laktasi.toml",
            )
    key_file = settings.key_file.expanduser().resolve() if settings.key_file else None
    if key_file and key_file.is_relative_to(target):
        raise BackupError(
            f"the key lies in {target}, where the backups go",
            why="Whoever finds that disk would have both.",
            next_step=f"move {key_file.name} to another place, and correct key_file in laktasi.toml",
        )
    return target


def can_link(part: Path) -> bool:
    """Say whether the file system lets one file have two names."""
    first, second = part / "one", part / "two"
    files.write(first, b"")
    try:
        return files.link(first, second)
    finally:
        for path in (first, second):
            path.unlink(missing_ok=True)
