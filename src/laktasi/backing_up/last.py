"""When the newest backup was made, and where: the data folder remembers, since the place may be unplugged."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from laktasi import durable
from laktasi.backing_up import files
from laktasi.paths import DataFolder


def remember(folder: DataFolder, path: Path, made_at: str) -> None:
    """Note in the data folder when a backup was made, and where; a full disk does not make the backup a bad one."""
    new = folder.last_backup.with_name(f".{folder.last_backup.name}")
    with suppress(OSError):
        new.unlink(missing_ok=True)
        files.write(new, (json.dumps({"made_at": made_at, "path": str(path)}) + "\n").encode())
        durable.sync(new)
        new.replace(folder.last_backup)
        durable.sync_folder(folder.root)


def newest_backup(folder: DataFolder) -> tuple[datetime, Path] | None:
    """Give when and where the newest backup of a data folder was made; None where none is known."""
    try:
        told = json.loads(folder.last_backup.read_text(encoding="utf-8"))
        return datetime.fromisoformat(told["made_at"]), Path(told["path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
