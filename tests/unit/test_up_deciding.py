"""What `laktasi up` starts, drops and closes."""

from datetime import UTC, datetime, timedelta

import pytest

from laktasi.service.deciding import GRACE, PAUSES, Attempt, killed, late, out_of_plan, standing

DUE = datetime(2026, 11, 22, 5, tzinfo=UTC)
NOW = DUE + timedelta(hours=3)
HOUR = timedelta(hours=1)


def attempt(
    state: str,
    since: datetime = NOW - HOUR,
    due_at: datetime | None = None,
    is_planned: bool = False,
    is_stopped: bool = False,
) -> Attempt:
    return Attempt("run", state, due_at or since, since, is_planned=is_planned, is_stopped=is_stopped)


def test_on_a_new_data_folder_a_run_is_due_at_once() -> None:
    assert standing(NOW, DUE, [], None) == "due"


def test_a_week_without_the_machine_is_made_up_for_by_one_run() -> None:
    week = [attempt("COMPLETED", DUE - timedelta(days=day)) for day in range(7, 30)]
    assert standing(NOW, DUE, week, None) == "due"
    assert standing(NOW, DUE, [*week, attempt("COMPLETED")], None) == "settled"


@pytest.mark.parametrize(
    ("attempts", "stands"),
    [
        ([attempt("COMPLETED")], "settled"),
        ([attempt("FAILED")], "settled"),
        ([attempt("COMPLETED", DUE - HOUR)], "due"),
        ([attempt("COMPLETED", DUE + HOUR, due_at=DUE - HOUR)], "settled"),  # began before, ended after
        ([attempt("COMPLETED", DUE - timedelta(seconds=2), due_at=DUE)], "settled"),  # by a clock that was set back
        ([attempt("RUNNING", DUE - HOUR)], "waiting"),
        ([attempt("PENDING")], "waiting"),
        ([attempt("SCHEDULED", DUE - timedelta(days=1), due_at=DUE)], "waiting"),  # the worker is about to take it
        ([attempt("SCHEDULED", DUE, due_at=NOW + HOUR)], "due"),  # tomorrow's
        ([attempt("CANCELLED")], "due"),  # in the way of another, or late
        ([attempt("CANCELLED", is_stopped=True)], "settled"),
        ([attempt("CRASHED")], "due"),
        ([attempt("CRASHED"), attempt("RUNNING")], "waiting"),
        ([attempt("CRASHED"), attempt("COMPLETED")], "settled"),
        ([attempt("CRASHED"), attempt("CRASHED", NOW - PAUSES[1] / 2)], "waiting"),
        ([attempt("CRASHED"), attempt("CRASHED", NOW - PAUSES[1])], "due"),
        ([attempt("CRASHED")] * 3, "settled"),
        ([attempt("CRASHED", DUE - HOUR)] * 3, "due"),
    ],
)
def test_what_became_of_the_last_time(attempts: list[Attempt], stands: str) -> None:
    assert standing(NOW, DUE, attempts, None) == stands
    assert standing(NOW, DUE, attempts[::-1], None) == stands


def test_what_was_done_by_hand_counts() -> None:
    assert standing(NOW, DUE, [], DUE) == "settled"
    assert standing(NOW, DUE, [], DUE - timedelta(seconds=1)) == "due"


def test_what_has_no_times_is_never_due() -> None:
    assert standing(NOW, None, [], None) == "settled"


def test_only_what_was_planned_and_never_began_is_late() -> None:
    planned = attempt("SCHEDULED", DUE, is_planned=True)
    by_a_person = attempt("SCHEDULED", DUE)
    coming = attempt("SCHEDULED", NOW + HOUR, is_planned=True)
    done = attempt("COMPLETED", DUE, is_planned=True)
    assert late(NOW, [planned, by_a_person, coming, done]) == [planned]


def test_what_the_timetable_no_longer_asks_for_is_out_of_plan() -> None:
    next_due = NOW + HOUR
    right = attempt("SCHEDULED", next_due, is_planned=True)
    of_yesterdays_timetable = attempt("SCHEDULED", next_due + HOUR, is_planned=True)
    by_a_person = attempt("SCHEDULED", next_due + HOUR)
    about_to_start = attempt("SCHEDULED", NOW - timedelta(seconds=1), is_planned=True)
    runs = [right, of_yesterdays_timetable, by_a_person, about_to_start]
    assert out_of_plan(NOW, next_due, runs) == [of_yesterdays_timetable]
    assert out_of_plan(NOW, None, runs) == [right, of_yesterdays_timetable]


def test_a_run_without_a_process_was_killed() -> None:
    old, new = NOW - GRACE - HOUR, NOW - GRACE / 2
    for state in ("PENDING", "RUNNING", "CANCELLING"):
        lost, lives, fresh = (
            Attempt(run_id, state, since, since) for run_id, since in (("lost", old), ("lives", old), ("fresh", new))
        )
        assert killed(NOW, [lost, lives, fresh], {"lives"}, at_start=False) == [lost]
        assert killed(NOW, [lost, lives, fresh], {"lives"}, at_start=True) == [lost, fresh]
    assert killed(NOW, [attempt("COMPLETED", old), attempt("SCHEDULED", old)], set(), at_start=True) == []
