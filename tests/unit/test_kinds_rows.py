"""The kinds of checks that look at one record: ranges, order, what must be answered, how well a place is known."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality.declared import make_check
from tests.answers_fixture import Answered
from tests.kinds_fixture import MESSAGES, batches_of, failing, house, ids, opened

__all__ = ["house", "opened"]  # fixtures


def test_a_range_includes_its_ends_and_accuses_nothing_that_is_empty_or_no_number(house: Answered) -> None:
    house.take(*[{"mother__age": age} for age in ("14", "15", "49", "50", "", "dua puluh")])
    assert failing(house, kind="range", question="mother/age", min=15, max=49) == ids(0, 3)
    assert failing(house, kind="range", question="mother/age", min=14.5) == ids(0)
    assert failing(house, kind="range", question="mother/age", max=49, where="${age} < 60") == ids(3)


def test_a_range_is_asked_of_each_version(house: Answered) -> None:
    house.take({"mother__age": "9"})
    house.take({"mother__age": "9"}, version="2")
    assert failing(house, kind="range", question="mother/age", min=15) == ids(0, 1)


@pytest.mark.parametrize("day", ["2026-10-01", date(2026, 10, 1)])
def test_a_day_limits_dates_and_moments(house: Answered, day: Any) -> None:
    house.take({"today": "1970-01-01"}, {"today": "2026-09-30"}, {"today": "2026-10-01"})
    assert failing(house, kind="range", question="today", min=day) == ids(0, 1)
    house.emptied().take(
        {"end": "2026-10-01T00:30:00.000+08:00"}, {"end": "2026-09-30T23:59:00.000+08:00"}, {"end": ""}
    )
    assert failing(house, kind="range", question="end", min=day) == ids(1)
    assert failing(house, kind="range", question="end", max="2026-09-30") == ids(0)


def test_another_question_can_be_the_limit_where_it_is_answered(house: Answered) -> None:
    house.take(
        {"mother__age": "20", "weight": "21"},
        {"mother__age": "20", "weight": "19.5"},
        {"mother__age": "20", "weight": ""},
    )
    assert failing(house, kind="range", question="mother/age", min="${weight}") == ids(0)
    house.emptied().take(
        {"today": "2026-11-02", "end": "2026-11-02T00:10:00.000+08:00"},
        {"today": "2026-11-02", "end": "2026-11-01T23:59:00.000+08:00"},
        {"today": "2026-11-02", "end": ""},
    )
    assert failing(house, kind="range", question="today", max="${end}") == ids(1)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"question": "mother/age", "min": "2026-10-01"}, "'mother/age' is a number, and 'min' is a date"),
        ({"question": "today", "max": 5}, "'today' is a date, and 'max' is a number"),
        ({"question": "today", "max": "${age}"}, "today, age are numbers and dates"),
        ({"question": "signs", "min": 1}, "'signs' is of type select_multiple"),
        ({"question": "mother/age", "max": "${place}"}, "'place' is of type geopoint"),
        ({"question": "agee", "max": 3}, "asks for 'agee'"),
    ],
)
def test_a_range_that_cannot_tell_good_from_bad_is_an_error(house: Answered, declared: Any, said: str) -> None:
    with pytest.raises(CheckError) as raised:
        batches_of(house, kind="range", **declared)
    assert raised.value.what.startswith("checks.yml: check 'x'")
    assert said in raised.value.what


@pytest.mark.parametrize("limit", ["ten", True, [1], datetime(2026, 1, 1), float("nan"), float("inf"), "${a} + 1"])
def test_a_limit_is_a_number_a_day_or_a_question(limit: Any) -> None:
    with pytest.raises(ValueError, match="'min' must be a number, a date such as"):
        make_check(
            {"id": "x", "kind": "range", "severity": "error", "message": MESSAGES, "question": "q", "min": limit}
        )


def test_a_range_without_limits_says_nothing() -> None:
    with pytest.raises(ValueError, match="needs 'min' or 'max'"):
        make_check({"id": "x", "kind": "range", "severity": "error", "message": MESSAGES, "question": "q"})


def test_all_of_the_questions_must_be_answered_where_they_should_be(house: Answered) -> None:
    house.take({"mother__age": "20", "observed": "good"}, {"mother__age": "20"}, {"observed": "good", "massage": "no"})
    assert failing(house, kind="answered", questions=["mother/age", "observed"]) == ids(1, 2)
    assert failing(house, kind="answered", questions=["mother/age", "observed"], where="${massage} = 'yes'") == ids(1)


def test_order_is_that_of_moments_to_the_second_and_looks_past_what_is_empty(house: Answered) -> None:
    moments = ("08:00:00", "08:00:01")
    one, two = (f"2026-11-02T{moment}.000+08:00" for moment in moments)
    house.take({"start": one, "end": two}, {"start": two, "end": one}, {"start": one, "end": one}, {"end": one})
    assert failing(house, kind="in_order", questions=["start", "end"]) == ids(1)
    assert failing(house, kind="in_order", questions=["start", "end"], strict=True) == ids(1, 2)
    house.emptied().take(
        {"start": two, "today": "2026-11-02", "end": one},
        {"start": two, "end": one},
        {"start": one, "today": "2026-11-02", "end": two},
    )
    # a day among them: then all are compared as days
    assert failing(house, kind="in_order", questions=["start", "today", "end"]) == set()
    house.emptied().take({"mother__age": "5", "weight": "4"}, {"mother__age": "5", "weight": "6"})
    assert failing(house, kind="in_order", questions=["mother/age", "weight"]) == ids(0)


def test_numbers_and_dates_have_no_order(house: Answered) -> None:
    with pytest.raises(CheckError, match="today, age are numbers and dates"):
        batches_of(house, kind="in_order", questions=["today", "age"])
    with pytest.raises(ValueError, match="'questions' must be two or more"):
        batches_of(house, kind="in_order", questions=["today"])


def test_a_place_is_known_well_enough(house: Answered) -> None:
    places = ("0.7 124.3 10 20", "0.7 124.3 10 20.5", "0.7 124.3 10 0", "0.7 124.3", "")
    house.take(*[{"place": place} for place in places])
    assert failing(house, kind="accuracy", question="place", at_most=20) == ids(1, 3)
    with pytest.raises(CheckError, match="'weight' is no geopoint"):
        batches_of(house, kind="accuracy", question="weight", at_most=20)


def test_a_finding_about_one_question_says_which(house: Answered) -> None:
    (batch, *_) = batches_of(house, kind="range", question="mother/age", min=15)
    assert [(rule.field, rule.kind) for rule in batch.rules if rule.rule_id == "x"] == [("mother__age", "declared")]
    (batch, *_) = batches_of(house, kind="in_order", questions=["start", "end"])
    assert [rule.field for rule in batch.rules if rule.rule_id == "x"] == [None]


def test_a_row_of_a_repeat_is_checked_by_itself(house: Answered) -> None:
    house.take({}, infants=("3.1", "9"))
    assert failing(house, kind="range", question="infants/infant_weight", max=6) == {"uuid:0 2"}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"min": 15, "max": 14.5}, "has a 'min' above its 'max'"),
        ({"min": 10, "max": 9}, "has a 'min' above its 'max'"),
        ({"min": "2026-10-02", "max": "2026-10-01"}, "has a 'min' above its 'max'"),
        ({"min": 9, "max": "2026-10-01"}, "a number and a date"),
        ({"min": float("-inf")}, "must be a number, a date"),
    ],
)
def test_limits_that_nothing_can_keep_are_refused(limits: dict[str, Any], said: str) -> None:
    entry = {"id": "x", "kind": "range", "severity": "error", "message": MESSAGES, "question": "q"}
    with pytest.raises(ValueError, match=said):
        make_check(entry | limits)
    for fine in ({"min": 9, "max": 10}, {"min": -2, "max": -1}, {"min": 3, "max": 3}, {"min": "${q}", "max": 3}):
        make_check(entry | fine)


def test_a_text_that_people_write_has_no_range(house: Answered) -> None:
    with pytest.raises(CheckError, match="check 'x': 'nickname' is a text that people write"):
        batches_of(house, kind="range", question="nickname", min=1)
    with pytest.raises(CheckError, match="check 'x': 'nickname' is a text that people write"):
        batches_of(house, kind="in_order", questions=["nickname", "weight"])
