"""What is due, which runs of the past are dropped, and which are closed. Pure: nothing here asks or does anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

ACTIVE = ("PENDING", "RUNNING", "CANCELLING")
"""States that a run only has while a process works on it."""
PAUSES = (timedelta(0), timedelta(minutes=5))
"""How long after it was killed a run is started again: once, and once more; then the next one by the timetable."""
GRACE = timedelta(minutes=2)
"""How long a run may be between being taken and having a process, and back."""

Standing = Literal["due", "waiting", "settled"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a deployment as Prefect knows it, or one that the supervisor did without Prefect."""

    run_id: str
    state: str
    """Prefect's type of state: SCHEDULED, PENDING, RUNNING, COMPLETED, FAILED, CRASHED, CANCELLED, …."""
    due_at: datetime
    """When it was to start."""
    since: datetime
    """When it came into that state."""
    deployment_id: str | None = None
    tags: tuple[str, ...] = ()
    is_planned: bool = False
    """Not started by a person."""
    is_stopped: bool = False
    """A person cancelled it."""


def standing(
    now: datetime, last_due: datetime | None, attempts: Iterable[Attempt], done_at: datetime | None
) -> Standing:
    """Say whether a run is to be started now, because the last one by the timetable never came to its end.

    However many days were missed, one run makes up for them. One that failed is not repeated: it was told, and would
    fail again. One that was killed is.

    Parameters
    ----------
    last_due
        When the timetable last asked for a run; None for a deployment without one.
    attempts
        Runs of this deployment, in any order.
    done_at
        When everything that it does was last done in any other way, by hand for example.

    Returns
    -------
    str
        ``due``; ``waiting`` for a run that is at work or about to start, or after a kill; ``settled`` until the
        timetable asks again.
    """
    if last_due is None or (done_at is not None and done_at >= last_due):
        return "settled"
    killed_at = []
    is_at_work = is_settled = False
    for attempt in attempts:
        if attempt.state in ACTIVE or (attempt.state == "SCHEDULED" and last_due <= attempt.due_at <= now):
            is_at_work = True
        elif max(attempt.since, attempt.due_at) >= last_due:
            if attempt.state == "CRASHED":
                killed_at.append(attempt.since)
            elif attempt.state in ("COMPLETED", "FAILED") or attempt.is_stopped:
                is_settled = True
    if is_at_work:
        return "waiting"
    if is_settled or len(killed_at) > len(PAUSES):
        return "settled"
    if killed_at and now < max(killed_at) + PAUSES[len(killed_at) - 1]:
        return "waiting"
    return "due"


def late(now: datetime, runs: Iterable[Attempt]) -> list[Attempt]:
    """Give the planned runs whose time went by while no worker was there: what is due is decided anew."""
    return [run for run in runs if run.state == "SCHEDULED" and run.is_planned and run.due_at < now]


def out_of_plan(now: datetime, next_due: datetime | None, runs: Iterable[Attempt]) -> list[Attempt]:
    """Give the planned runs of a deployment that no longer are what the timetable asks for next.

    Parameters
    ----------
    next_due
        None where none is wanted.
    """
    return [
        run
        for run in runs
        if run.state == "SCHEDULED" and run.is_planned and run.due_at >= now and run.due_at != next_due
    ]


def killed(now: datetime, attempts: Iterable[Attempt], living: Collection[str], *, at_start: bool) -> list[Attempt]:
    """Give the runs that stand as running, and of which no process is left.

    Parameters
    ----------
    living
        Ids of the runs that a process of this machine works on.
    at_start
        No worker is at work yet, so none of them is just being taken up.
    """
    return [
        attempt
        for attempt in attempts
        if attempt.state in ACTIVE and attempt.run_id not in living and (at_start or now - attempt.since > GRACE)
    ]
