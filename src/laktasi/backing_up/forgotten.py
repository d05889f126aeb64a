"""Whom no backup may bring back: tombstones beside the backups, newer than what lies in an older one of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi import durable
from laktasi.backing_up.shape import FORGOTTEN, moment
from laktasi.errors import BackupError

if TYPE_CHECKING:
    import duckdb

Tombstone = Mapping[str, Any]
"""As :mod:`laktasi.store.leaving.tombstones` gives it: ids, keyed hashes, times and codes, never an answer."""

_WAREHOUSE = "warehouse"
"""What a tombstone has beside: first run of the warehouse that it was made in, as a backup's listing has it."""
_NAMES = "erased_by"
"""What the list does not have: it lies in plain, beside backups that may be encrypted."""


def tombstones_of(con: duckdb.DuckDBPyConnection) -> tuple[Tombstone, ...]:
    """Give the tombstones of a warehouse, each with the warehouse that it is of."""
    from laktasi.store.leaving.tombstones import tombstones
    from laktasi.store.sql import scalar

    first_run = scalar(con, "select min(run_id) from meta.runs")
    return tuple({**one, _WAREHOUSE: first_run} for one in tombstones(con))


def last_of(tombstones: Iterable[Tombstone]) -> str | None:
    """Give when something was erased last: what was only turned away stands in no backup."""
    erased = (str(one["landed_at"]) for one in tombstones if any(rows["n"] for rows in one["erased"]))
    return max(erased, key=moment, default=None)


def lacking(
    con: duckdb.DuckDBPyConnection, tombstones: Iterable[Tombstone], first_run: str | None
) -> tuple[Tombstone, ...]:
    """Give those of some tombstones that are of a warehouse, and that it does not have yet.

    Parameters
    ----------
    con
        In use in the warehouse.
    tombstones
        As they lie beside backups. One that does not say which warehouse it is of is taken to be of this one: rather
        is somebody's erasure told of twice than that she comes back.
    first_run
        Of the warehouse.
    """
    known = {_identity(one) for one in tombstones_of(con)}
    return tuple(
        one for one in tombstones if one.get(_WAREHOUSE, first_run) == first_run and _identity(one) not in known
    )


def _identity(one: Tombstone) -> tuple[Any, ...]:
    names = ("subject_hash", "kind", "form_id", "why", "run_id")
    return (*(one[name] for name in names), *one["ids"], moment(str(one["landed_at"])))


def read_tombstones(target: Path) -> list[Tombstone]:
    """Give the tombstones that lie in a folder of backups, of whatever warehouse; none where there is no such list.

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

    Parameters
    ----------
    tombstones
        Of :func:`tombstones_of`. Who gave the command is left out.

    Raises
    ------
    BackupError
        What is there cannot be read.
    OSError
        It cannot be written.
    """
    there = read_tombstones(target)
    listed: dict[str, Tombstone] = {}
    for one in (*there, *tombstones):
        nameless = {name: value for name, value in one.items() if name != _NAMES}
        listed.setdefault(json.dumps(nameless, sort_keys=True), nameless)
    new = list(listed.values())
    if new == there:
        return
    durable.write_whole(target / FORGOTTEN, json.dumps(new, indent=1) + "\n")
