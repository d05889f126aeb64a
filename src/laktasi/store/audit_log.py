"""Schema ``audit_log``: what ODK Collect wrote down of how each form was filled, read from its ``audit.csv``.

The format, as Collect writes it: a header ``event,node,start,end``, then, where the form asks for them, latitude,
longitude and accuracy; old-value and new-value; user; change-reason. Times are milliseconds since 1970. Each line ends
in a line feed, so a file without one at its end is torn. A line may have fewer fields than the header: Collect widens
the header of a log that an older Collect began, and leaves the user out of lines written before anybody said who they
are.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.store.rows import append
from laktasi.store.shelf import attachment_place, read_kept
from laktasi.store.sql import literal, scalar, transaction

Progress = Callable[[str, int, int | None], None]

FILE_NAME = "audit.csv"
"""Collect gives the audit log of every form this name."""
BATCH = 500
"""Files in one transaction."""

FIXED = ("event", "node", "start", "end")
GROUPS = (("latitude", "longitude", "accuracy"), ("old-value", "new-value"), ("user",), ("change-reason",))
"""Columns that come together or not at all, in their order."""
LAST_TIME = 253_402_300_799_999
"""The end of the year 9999, in milliseconds."""

ABSENT = "absent"
SPOILED = "torn or changed on the shelf"


@dataclass(frozen=True, slots=True)
class AuditLogs:
    """What :func:`load_audit_log` did and found. Counts, never an answer."""

    read: int
    """Logs that were read: new ones and changed ones."""
    removed: int
    """Logs whose events were removed: of a version that is no longer current, or of a submission no longer staged."""
    logs: int
    """Staged submissions that have a log."""
    unreadable: int
    """Of these: torn, foreign or absent; ``audit_log.files`` says which."""


class UnreadableLogError(Exception):
    """A file is not an audit log as Collect writes it; the message is ``torn`` or ``foreign``."""


class Event(NamedTuple):
    """One line of an audit log."""

    event: str
    node: str | None
    start: int
    """Milliseconds since 1970."""
    end: int | None
    latitude: float | None
    longitude: float | None
    accuracy: float | None
    old_value: str | None
    new_value: str | None
    user_name: str | None
    change_reason: str | None


def load_audit_log(
    con: duckdb.DuckDBPyConnection, folder: DataFolder, *, progress: Progress | None = None
) -> AuditLogs:
    """Bring schema ``audit_log`` in line with the current versions of the staged submissions.

    Only what is new or changed is read. Of several doors Central's file stands, then the phones'; a file that a server
    no longer has is none. A file that cannot be read is counted, and is no error: it is a witness, not an answer.

    Parameters
    ----------
    con
        The private warehouse, outside a transaction; staging.submissions is resolved.
    folder
        Where attachments are kept.
    """
    wanted = f"""
        select form_id, submission_id, instance_id, sha256
        from (
            select form_id, instance_id, source, sha256
            from raw.attachments
            where name = {literal(FILE_NAME)}
            qualify row_number() over (partition by source, form_id, instance_id order by landed_at desc) = 1
        ) as contents
        inner join (from staging.submissions where state = 'staged') as staged using (form_id, instance_id)
        where sha256 is not null
        qualify row_number() over (
            partition by form_id, submission_id order by starts_with(contents.source, 'central:') desc, contents.source
        ) = 1
    """
    same = "using (form_id, submission_id, instance_id, sha256)"
    with transaction(con):
        con.execute(f"create or replace temp table wanted_logs as {wanted}")
        superfluous = f"select form_id, submission_id from audit_log.files anti join wanted_logs {same}"
        removed: int = scalar(con, f"select count(*) from ({superfluous})")
        for table in ("events", "files"):
            con.execute(f"delete from audit_log.{table} where (form_id, submission_id) in ({superfluous})")
        # What was absent is looked for again in every run.
        con.execute("delete from audit_log.files where problem = ?", [ABSENT])
    missing = con.execute(
        f"""
        select form_id, submission_id, instance_id, sha256
        from wanted_logs anti join audit_log.files {same}
        order by all
        """
    ).fetchall()
    con.execute("drop table wanted_logs")
    read = 0
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        read += _load_batch(con, folder, batch)
        if progress:
            progress("reading audit logs", start + len(batch), len(missing))
    logs, unreadable = con.execute("select count(*), count(problem) from audit_log.files").fetchone() or (0, 0)
    return AuditLogs(read, removed, logs, unreadable)


def _load_batch(con: duckdb.DuckDBPyConnection, folder: DataFolder, batch: list[tuple[str, ...]]) -> int:
    """Read some logs; give how many there were to read."""
    files: list[tuple[str | None, ...]] = []
    owners: list[tuple[str, ...]] = []
    positions: list[int] = []
    events: list[Event] = []
    for form_id, submission_id, instance_id, sha256 in batch:
        problem = None
        try:
            log = read_audit_log(read_kept(attachment_place(folder, sha256), folder.key))
            owners += [(form_id, submission_id, instance_id)] * len(log)
            positions += range(1, len(log) + 1)
            events += log
        except OSError:
            problem = ABSENT
        except WarehouseError:
            problem = SPOILED
        except UnreadableLogError as error:
            problem = str(error)
        files.append((form_id, submission_id, instance_id, sha256, problem))
    with transaction(con):
        names = ("form_id", "submission_id", "instance_id", "sha256", "problem")
        append(con, "audit_log.files", _texts(names, files))
        if events:
            append(con, "audit_log.events", _events_table(owners, positions, events))
    return sum(problem != ABSENT for *_, problem in files)


def _texts(names: tuple[str, ...], rows: list[Any]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})


def _events_table(owners: list[tuple[str, ...]], positions: list[int], events: list[Event]) -> pa.Table:
    columns = dict(zip(Event._fields, zip(*events, strict=True), strict=True))
    starts, ends = columns.pop("start"), columns.pop("end")
    time = pa.timestamp("ms", tz="UTC")
    table = _texts(("form_id", "submission_id", "instance_id"), owners)
    typed = {
        "position": pa.array(positions, pa.int32()),
        "started_at": pa.array(starts, pa.int64()).cast(time),
        "ended_at": pa.array(ends, pa.int64()).cast(time),
        "seconds": pa.array(
            [None if end is None else (end - start) / 1000 for start, end in zip(starts, ends, strict=True)],
            pa.float64(),
        ),
    }
    for name, column in columns.items():
        typed[name] = pa.array(column, pa.float64() if name in GROUPS[0] else pa.string())
    for name, column in typed.items():
        table = table.append_column(name, column)
    return table


def read_audit_log(content: bytes) -> list[Event]:
    """Read an audit log of Collect.

    Raises
    ------
    UnreadableLogError
        It is ``torn`` (breaks off, or is empty) or ``foreign`` (Collect writes no such thing). No content is told.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise UnreadableLogError("foreign") from None
    if not text.endswith("\n"):
        raise UnreadableLogError("torn")
    lines = csv.reader((f"{line}\n" for line in text.split("\n")[:-1]), strict=True)
    try:
        groups = _groups_in(next(lines))
        return [_event(fields, groups) for fields in lines]
    except (csv.Error, ValueError):
        # A quote that never closes: the file broke off inside an answer that has several lines.
        raise UnreadableLogError("torn" if text.count('"') % 2 else "foreign") from None


def _groups_in(header: list[str]) -> tuple[int, ...]:
    """Give the optional groups of columns that a header names; ValueError where it names something else."""
    found = []
    rest = tuple(header[len(FIXED) :])
    for number, group in enumerate(GROUPS):
        if rest[: len(group)] == group:
            found.append(number)
            rest = rest[len(group) :]
    if tuple(header[: len(FIXED)]) != FIXED or rest:
        raise ValueError
    return tuple(found)


def _event(fields: list[str], groups: tuple[int, ...]) -> Event:
    """Make an event of a line; ValueError where it cannot be one."""
    event, node, start, end = fields[: len(FIXED)]
    if not event:
        raise ValueError
    for way in _ways(groups, len(fields) - len(FIXED)):
        given = iter(fields[len(FIXED) :])
        optional = [next(given) if number in way else "" for number, group in enumerate(GROUPS) for _ in group]
        try:
            latitude, longitude, accuracy = (_number(text) for text in optional[:3])
        except ValueError:
            continue
        old_value, new_value, user_name, change_reason = optional[3:]
        is_changed = bool(old_value or new_value)
        return Event(
            event=event,
            node=node or None,
            start=_time(start),
            end=_time(end) if end else None,
            latitude=latitude,
            longitude=longitude,
            accuracy=accuracy,
            old_value=old_value if is_changed else None,
            new_value=new_value if is_changed else None,
            user_name=user_name or None,
            change_reason=change_reason or None,
        )
    raise ValueError


@cache
def _ways(groups: tuple[int, ...], width: int) -> list[tuple[int, ...]]:
    """Give which groups a line of this width may have, the likeliest first.

    All that the header names; else the fewest missing, the user before others. The reason for a change may be there
    though the header does not name it: Collect does not widen a header for that alone.
    """
    user, reason = len(GROUPS) - 2, len(GROUPS) - 1
    known = sorted({*groups, reason})
    ways = [way for count in range(len(known) + 1) for way in itertools.combinations(known, count)]
    fitting = [way for way in ways if sum(len(GROUPS[number]) for number in way) == width]
    return sorted(fitting, key=lambda way: (len(set(groups) ^ set(way)), user in way))


def _number(text: str) -> float | None:
    if not text:
        return None
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _time(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > LAST_TIME:
        raise ValueError
    return int(text)
