"""Prefect's own database: one that is torn is moved aside, so that a new one is made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

NAME = "prefect.db"
BESIDE = ("", "-wal", "-shm", "-journal")
KEPT = 3
"""Databases that were moved aside and are kept."""


def is_torn(home: Path) -> bool:
    """Say whether the database is no longer one; one that is not there, or only busy, is not torn."""
    path = home / NAME
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=2)) as con:
            (said,) = con.execute("pragma quick_check(1)").fetchone()
            return bool(said != "ok")
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True


def move_aside(home: Path) -> Path:
    """Move the database and what belongs to it to a name of its own, which is given.

    Runs, logs and artifacts of Prefect's page are in it, and Secret blocks; nothing of the study.
    """
    aside = home / f"{NAME}.broken-{datetime.now():%Y%m%d-%H%M%S}"
    for ending in BESIDE:
        part = home / f"{NAME}{ending}"
        if part.exists():
            part.replace(Path(f"{aside}{ending}"))
    olds = sorted(path for path in home.glob(f"{NAME}.broken-*") if not path.name.endswith(BESIDE[1:]))
    for old in olds[:-KEPT]:
        for ending in BESIDE:
            Path(f"{old}{ending}").unlink(missing_ok=True)
    return aside
