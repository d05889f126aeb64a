"""What Collect knows of its instances: ``metadata/instances.db``, the only place that tells a draft."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from laktasi.odk.envelope import RefusedError
from laktasi.odk.files import check_plain
from laktasi.records import Status
from laktasi.scratch import plainly

MAX_BYTES = 512 * 2**20
MAX_STEPS = 500
"""Of 100,000 SQLite instructions each: a phone's list needs a handful, a view without end is stopped."""

# Collect's Instance.java, and what each means for whether the enumerator has said "done".
STATUSES = {
    "incomplete": Status.DRAFT,
    "invalid": Status.DRAFT,
    "valid": Status.DRAFT,  # a draft in which Collect found no error
    "newEdit": Status.DRAFT,
    "complete": Status.FINALISED,
    "submitted": Status.FINALISED,
    "submissionFailed": Status.FINALISED,
}


@dataclass(frozen=True, slots=True)
class State:
    """What Collect says of one instance."""

    status: Status
    changed_at: datetime | None


NOTHING_KNOWN = State(Status.UNKNOWN, None)


def read_states(database: Path) -> Mapping[str, State]:
    """Read the state of each instance by ``<folder>/<file>`` below ``instances/``.

    The database is copied first, with its journal: it may be in the middle of a change, and opening it would finish
    that change in the folder that is only to be read.

    Raises
    ------
    RefusedError
        It is torn, no SQLite file, or of a version of Collect that keeps its list differently.
    """
    with tempfile.TemporaryDirectory(prefix="laktasi-") as scratch:
        copy = Path(scratch) / "instances.db"
        try:
            check_plain(database)
            _copy(database, copy)
            for suffix in ("-wal", "-journal"):
                beside = database.with_name(database.name + suffix)
                if beside.is_file() and not beside.is_symlink():
                    _copy(beside, copy.with_name(copy.name + suffix))
            if copy.stat().st_size > MAX_BYTES:
                raise RefusedError(f"larger than {MAX_BYTES >> 20} MB: no phone's list is")
        except OSError as error:
            raise RefusedError(f"it cannot be read ({error.strerror})") from None
        try:
            with closing(sqlite3.connect(copy)) as con:
                return _read(con)
        except (sqlite3.Error, UnicodeDecodeError):
            raise RefusedError("torn, or not the list that Collect keeps") from None


def _copy(path: Path, target: Path) -> None:
    with path.open("rb") as file, target.open("wb") as copy:
        shutil.copyfileobj(plainly(file), copy)


def _read(con: sqlite3.Connection) -> Mapping[str, State]:
    steps = 0

    def is_endless() -> bool:
        nonlocal steps
        steps += 1
        return steps > MAX_STEPS

    con.set_progress_handler(is_endless, 100_000)
    con.execute("pragma trusted_schema = off")
    rows = con.execute("select instanceFilePath, status, date from instances order by date").fetchall()
    states = {}
    for path, status, date in rows:
        if not isinstance(path, str):
            continue
        # Older versions keep the phone's absolute path, newer ones the path below instances/.
        key = "/".join(path.replace("\\", "/").split("/")[-2:])
        states[key] = State(STATUSES.get(status, Status.UNKNOWN), _time(date))
    return states


def _time(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int) or milliseconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
