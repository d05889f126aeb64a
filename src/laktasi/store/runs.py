"""meta.runs: what each run did. A run that was killed cannot say so itself; the next one does."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from laktasi.store.sql import identifier, scalar, transaction

if TYPE_CHECKING:
    from laktasi.store.turns import Hold

COUNTS = (
    "landed",
    "refused",
    "staged",
    "drafts",
    "waiting",
    "open_errors",
    "open_warnings",
    "analysed_rows",
    "analysed_hash",
)
"""Columns of meta.runs that :func:`finish` fills."""


def begin(
    con: duckdb.DuckDBPyConnection,
    door: str,
    *,
    laktasi_version: str | None = None,
    code_version: str | None = None,
    hold: Hold | None = None,
) -> str:
    """Write down that a run starts. Only the holder of the data folder's lock may call this.

    Any run that still stands as running was killed, and is marked ``interrupted``; but for those of other workers that
    share the warehouse and live.

    Parameters
    ----------
    door
        ``cli``, ``prefect``, or ``import`` for a run that only lands.
    hold
        What this process holds of the data folder: it knows which runs live, and lets others know of this one.

    Returns
    -------
    str
        The run's id: its start in UTC to the millisecond and a random part, so that ids sort by time.
    """
    with transaction(con):
        now = _moment(con)
        run_id = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"
        running = con.execute("select run_id from meta.runs where status = 'running'").fetchall()
        killed = [number for (number,) in running if hold is None or not hold.is_at_work(number)]
        if killed:
            con.execute("update meta.runs set status = 'interrupted' where run_id in (select unnest(?))", [killed])
        con.execute(
            """
            insert into meta.runs (run_id, started_at, status, laktasi_version, code_version, door)
            values (?, ?, 'running', ?, ?, ?)
            """,
            [run_id, now, laktasi_version, code_version, door],
        )
        if hold is not None:
            hold.keep(run_id)
    return run_id


def finish(
    con: duckdb.DuckDBPyConnection, run_id: str, counts: Mapping[str, int | str | None], manifest: Mapping[str, Any]
) -> None:
    """Write down that a run ended well. Before the research copy is published, so that it names this run.

    Parameters
    ----------
    counts
        Values for any of :data:`COUNTS`.
    manifest
        What the run read and used. It is published: no paths, no answers.

    Raises
    ------
    ValueError
        A count that meta.runs does not have.
    """
    if unknown := sorted(set(counts) - set(COUNTS)):
        raise ValueError(f"meta.runs has no column {unknown[0]!r}")
    sets = "".join(f", {identifier(name)} = ?" for name in counts)
    con.execute(
        f"update meta.runs set status = 'finished', finished_at = ?, manifest = ?{sets} where run_id = ?",
        [_moment(con), json.dumps(manifest, ensure_ascii=False, sort_keys=True), *counts.values(), run_id],
    )


def published(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Write down that the research copy is that of a run: it stays finished, whatever fails after that.

    Later than any published before, even where the clock was set back.
    """
    con.execute(
        """
        update meta.runs
        set published_at = greatest(?, (select max(published_at) from meta.runs) + interval 1 microsecond)
        where run_id = ?
        """,
        [datetime.now(UTC), run_id],
    )


def fail(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Write down that a run ended with an error. What it had committed stays; the next run goes on from there."""
    with transaction(con):
        con.execute(
            "update meta.runs set status = 'failed', finished_at = ? where run_id = ? and published_at is null",
            [_moment(con), run_id],
        )


def _moment(con: duckdb.DuckDBPyConnection) -> datetime:
    """Give the time, but later than any that a run wrote down, even where the clock was set back.

    The latest run is found by its id and by when it finished: one that came later must be later.
    """
    last = scalar(con, "select max(greatest(started_at, finished_at)) from meta.runs")
    now = datetime.now(UTC)
    # Ids tell milliseconds.
    return now if last is None else max(now, last.astimezone(UTC) + timedelta(milliseconds=1))
