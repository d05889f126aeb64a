"""Whom no backup may bring back: tombstones beside the backups, newer than what lies in an older one of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.backing_up import files
from laktasi.backing_up.shape import FORGOTTEN, moment
from laktasi.errors import BackupError

if TYPE_CHECKING:
    import duckdb

Tombstone = Mapping[str, Any]
"""As :func:`laktasi.store.forgetting.tombstones` gives it: ids, keyed hashes, times and codes, never an answer."""


def tombstones_of(con: duckdb.DuckDBPyConnection) -> tuple[Tombstone, ...]:
    """Give the tombstones of a warehouse."""
    from laktasi.store.forgetting import tombstones

    return tuple(tombstones(con))


def last_of(tombstones: Sequence[Tombstone]) -> str | None:
    """Give when somebody was erased last."""
    return max((str(one["landed_at"]) for one in tombstones), key=moment, default=None)


def read_tombstones(target: Path) -> list[Tombstone]:
    """Give the tombstones that lie in a folder of backups; none where there is no such list.

    Raises
    ------
    BackupError
        The list cannot be read: nobody could say whom a backup would bring back.
    """
    path = target / FORGOTTEN
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        told = None
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise BackupError(
            f"{path} cannot be read",
            why="It lists the people who left the study, whom no backup may bring back.",
            next_step="take it from another disk with backups of this study, or make a backup there anew",
        )
    return told


def write_tombstones(target: Path, tombstones: Sequence[Tombstone]) -> None:
    """Add tombstones to the list in a folder of backups; those of other warehouses stay.

    Raises
    ------
    BackupError
        What is there cannot be read.
    OSError
        It cannot be written.
    """
    there = read_tombstones(target)
    known = {json.dumps(one, sort_keys=True) for one in there}
    new = [one for one in tombstones if json.dumps(one, sort_keys=True) not in known]
    if not new:
        return
    path, part = target / FORGOTTEN, target / f".{FORGOTTEN}.part"
    part.unlink(missing_ok=True)
    files.write(part, (json.dumps([*there, *new], indent=1) + "\n").encode())
    files.read_back(part)
    part.replace(path)
    files.sync_folder(target)
