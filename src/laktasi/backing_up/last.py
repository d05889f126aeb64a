"""When the newest backup was made, and where: the data folder remembers, since the place may be unplugged."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from laktasi import durable
from laktasi.paths import DataFolder


def remember(folder: DataFolder, path: Path, made_at: str) -> None:
    """Note in the data folder when a backup was made, and where; a full disk does not make the backup a bad one."""
    with suppress(OSError):
        durable.write_whole(folder.last_backup, json.dumps({"made_at": made_at, "path": str(path)}) + "\n")


def newest_backup(folder: DataFolder) -> tuple[datetime, Path] | None:
    """Give when and where the newest backup of a data folder was made; None where none is known."""
    try:
        told = json.loads(folder.last_backup.read_text(encoding="utf-8"))
        return datetime.fromisoformat(told["made_at"]), Path(told["path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
