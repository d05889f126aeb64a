"""Small drawings and arrangements of the page about people: calendars, bars, intervals, who is shown and marked."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from laktasi.report import strips
from laktasi.report.people import SHOWN, Group, Rate, Unit, Work

MONDAY = date(2026, 10, 5)


def work(code: str, **changed: Any) -> Work:
    given: dict[str, Any] = dict.fromkeys(Work.__slots__)
    counts = ("records", "included", "accepted", "days_worked", "without_day", "open_errors", "open_warnings")
    return Work(
        **(given | dict.fromkeys((*counts, "open_group_findings"), 0) | {"kind": "centre", "code": code} | changed)
    )


def unit(code: str, differs: str | None = None, low: float | None = 0.1, **changed: Any) -> Unit:
    rate = Rate("centre", code, "error", 3, 10, 0.3, 0.05, low, None if low is None else 0.6, differs)
    return Unit(work(code, **changed), {}, {"error": rate}, [], MONDAY)


@pytest.mark.parametrize(
    ("days", "period", "length"),
    [(1, "day", 1), (120, "day", 120), (121, "week", 18), (7 * 119, "week", 119), (7 * 121, "month", 28)],
)
def test_long_surveys_are_shown_by_week_or_month(days: int, period: str, length: int) -> None:
    calendar = strips.calendar(MONDAY, MONDAY + timedelta(days=days - 1))
    assert (calendar.period, calendar.length) == (period, length)
    everything = [(MONDAY + timedelta(days=number), 1) for number in range(days)]
    heights = calendar.heights(everything)
    assert len(heights) == length
    assert sum(heights) == days
    assert min(heights) >= 1


def test_weeks_begin_on_monday() -> None:
    calendar = strips.calendar(MONDAY + timedelta(days=2), MONDAY + timedelta(days=300))
    assert calendar.first == MONDAY
    assert calendar.heights([(MONDAY + timedelta(days=6), 1), (MONDAY + timedelta(days=7), 5)])[:2] == [1, 5]


def test_bars_are_as_high_as_their_counts_and_none_stands_where_nothing_was() -> None:
    drawn = ElementTree.fromstring(strips.bars([4, 0, 2], 'Records "a" & b'))
    assert drawn.attrib["aria-label"] == 'Records "a" & b'
    assert drawn.attrib["viewBox"] == "0 0 3 24"
    path = drawn.find("path")
    assert path is not None
    assert re.findall(r"M([\d.]+) 24v-([\d.]+)", path.attrib["d"]) == [("0.5", "24"), ("2.5", "12")]
    assert "aria-hidden" in ElementTree.fromstring(strips.bars([])).attrib


def test_an_interval_stands_where_it_belongs_and_stays_within_the_drawing() -> None:
    drawn = ElementTree.fromstring(strips.interval(0.2, 0.1, 0.9, 0.05, 0.5, "above"))
    paths = {path.attrib["class"]: path.attrib["d"] for path in drawn}
    assert paths == {"all": "M10 0v10", "range": "M20 5H100", "dot": "M40 2v6"}
    assert drawn.attrib["class"] == "interval above"


def test_progress_ends_at_the_target() -> None:
    drawn = ElementTree.fromstring(strips.progress(60, 10, 40))
    assert [path.attrib["d"] for path in drawn] == ["M0 4H100", "M0 4H100", "M0 4H25"]


def test_of_too_many_those_are_shown_that_stand_out_in_the_order_of_their_codes() -> None:
    few = Group("centre", [unit("a"), unit("b", "above")])
    assert [item.work.code for item in few.shown] == ["a", "b"]
    late: dict[str, Any] = {"target": 5, "until": MONDAY - timedelta(days=1)}
    crowd = [unit(f"c{number:05}") for number in range(SHOWN)]
    out = [
        unit("d1", "above"),
        unit("d2", "below"),
        unit("d3", open_group_findings=1),
        unit("d4", **late),
        unit("d5", **late, included=5),
        unit("d6", target=5, until=MONDAY),
    ]
    assert [item.work.code for item in Group("centre", crowd + out).shown] == ["d1", "d2", "d3", "d4"]
    assert len(Group("centre", [unit(f"{number:05}", "above") for number in range(SHOWN + 5)]).shown) == SHOWN


def test_it_says_how_many_marks_chance_alone_would_make() -> None:
    group = Group("centre", [*(unit(f"c{number}") for number in range(30)), unit("x", "above"), unit("few", low=None)])
    assert (group.compared, group.by_chance) == (31, 2)
    assert [(line.measure, line.differs, line.size) for line in group.marked] == [("error", "above", 1)]
    assert group.limit("error") == 0.6
