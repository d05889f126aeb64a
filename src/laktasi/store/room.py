"""Room on the disk, asked for before a copy is begun that would fill it."""

from __future__ import annotations

import shutil
from pathlib import Path

from laktasi.errors import WarehouseError

SPARE = 16 * 2**20
"""Bytes that are to be free beside what is written."""


def ask_for_room(folder: Path, size: int, what: str, *, why: str, then: str) -> None:
    """Refuse to begin what the disk of a folder has no room for.

    Parameters
    ----------
    size
        Bytes that will be written.
    what
        What cannot be done then, as a sentence without its end.
    why, then
        See :class:`laktasi.errors.LaktasiError`.

    Raises
    ------
    WarehouseError
        There is too little room.
    """
    wanted, free = size + SPARE, shutil.disk_usage(folder).free
    if free < wanted:
        raise WarehouseError(
            f"{what}: the disk has {free / 2**20:,.0f} MiB left, and {wanted / 2**20:,.0f} MiB are needed",
            why=why,
            next_step=f"free some space, then {then}",
        )
