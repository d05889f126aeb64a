"""Silent centres, silent phones, and clocks that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from laktasi.records import Submission, SubmissionState, SubmissionVersion
from laktasi.store import raw
from laktasi.store.publish import publish_research
from laktasi.study import Study
from tests.warehouse_fixture import FORM, STUDY, Warehouse, contents, form, submission, warehouse

pytestmark = pytest.mark.slow

CENTRAL = "central:odk.example.org/1"
MORE = "| | end | end | | | none | |\n| | deviceid | deviceid | | | none | |"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path, form(more=MORE)) as opened:
        yield opened


def hours(count: float) -> datetime:
    return NOON + timedelta(hours=count)


def filled(
    name: str,
    *,
    finished: float | None = 0,
    started: float | None = None,
    centre: str = "c1",
    phone: str = "",
    deprecated: str | None = None,
    version: str = "1",
) -> Submission:
    """Make a submission that was finished so many hours after noon, by the phone's clock."""
    answers = {"consent": "yes", "centre": centre, "enumerator": "E1", "deviceid": phone}
    for node, at in (("start", started), ("end", finished)):
        if at is not None:
            # as phones in Central Indonesia write it
            answers[node] = f"{hours(at + 8):%Y-%m-%dT%H:%M:%S}.000+08:00"
    given = {node: value for node, value in answers.items() if value}
    return replace(submission(name, given, deprecated=deprecated, version=version), source=CENTRAL)


def land(house: Warehouse, *items: Submission | SubmissionVersion | SubmissionState) -> None:
    raw.land(house.con, house.folder, items, house.run_id, source=CENTRAL)


def arrived(
    house: Warehouse,
    item: Submission,
    received: float,
    *,
    device: str | None = None,
    first: str | None = None,
    deleted: bool = False,
) -> None:
    """Let a version arrive on Central so many hours after noon."""
    submission_id = first or item.instance_id
    land(
        house,
        SubmissionVersion(CENTRAL, FORM, submission_id, item.instance_id, hours(received), "5", "Eny", device, None),
        item,
        SubmissionState(
            source=CENTRAL,
            form_id=FORM,
            submission_id=submission_id,
            instance_id=item.instance_id,
            edits=int(first is not None),
            submitted_at=hours(1 if first else received),
            updated_at=hours(received) if first else None,
            deleted_at=hours(received) if deleted else None,
            is_purged=False,
            review_state=None,
            attachments_present=0,
            attachments_expected=0,
            submitter_id="5",
            submitter_name="Eny",
            device_id=device,
        ),
    )


def build(house: Warehouse, study: Study | None = STUDY) -> None:
    house.stand()
    house.marts(study)


def times(house: Warehouse, columns: str) -> list[tuple[object, ...]]:
    return house.rows(f"select submission_id, {columns} from marts.interviews order by 1")


def test_lag_is_between_finishing_and_arriving(house: Warehouse) -> None:
    arrived(house, filled("a", started=-1, finished=0, phone="another name"), 2.5, device="collect:1")
    arrived(house, filled("b", finished=None, phone="collect:2"), 3)
    land(house, replace(filled("p", phone="collect:3"), source="phones"))
    arrived(house, filled("gone"), 3, deleted=True)
    build(house)
    assert times(house, "centre_code, enumerator_code, device, started_at, finished_at, received_at, lag_hours") == [
        ("a", "c1", "E1", "collect:1", hours(-1), hours(0), hours(2.5), 2.5),
        ("b", "c1", "E1", "collect:2", None, None, hours(3), None),
        ("p", "c1", "E1", "collect:3", None, hours(0), None, None),
    ]
    assert times(house, "is_clock_ahead, is_clock_behind") == [
        ("a", False, False),
        ("b", None, None),
        ("p", None, False),
    ]
    assert house.rows("select count(*) from marts.interviews where landed_at is null") == [(0,)]


@pytest.mark.parametrize(
    ("started", "finished", "received", "ahead", "behind"),
    [
        (-1, 0, 0, False, False),
        (-1, 0.16, 0, False, False),  # not quite ten minutes: no clock is exact
        (-1, 0.18, 0, True, False),
        (None, 24 * 365, 0, True, False),
        (0.5, 0, 1, False, True),
        (None, -24 * 365 * 56, 0, False, True),
        (-24 * 365 * 56, 0, 0, False, True),  # its day came back while the form was open
        (0, None, 1, None, False),
    ],
)
def test_a_clock_that_cannot_be_right(
    house: Warehouse, started: float | None, finished: float | None, received: float, ahead: bool | None, behind: bool
) -> None:
    arrived(house, filled("a", started=started, finished=finished), received)
    build(house)
    assert times(house, "is_clock_ahead, is_clock_behind") == [("a", ahead, behind)]


def test_a_clock_is_held_against_ours_where_central_knows_nothing(house: Warehouse) -> None:
    now = (datetime.now(UTC) - hours(0)).total_seconds() / 3600
    for name, finished in (("ahead", now + 25), ("grace", now + 23), ("right", 0)):
        land(house, replace(filled(name, finished=finished), source="phones"))
    # an edit comes later than the record: it is its own landing that counts
    land(house, replace(filled("first", finished=0), source="phones"))
    land(house, replace(filled("edit", finished=now, deprecated="first"), source="phones"))
    house.con.execute("update raw.submissions set landed_at = ? where instance_id = 'first'", [hours(0)])
    build(house)
    assert times(house, "is_clock_ahead") == [("ahead", True), ("first", None), ("grace", None), ("right", None)]


def test_an_edit_is_held_against_its_own_arrival(house: Warehouse) -> None:
    arrived(house, filled("a", finished=0), 1)
    arrived(house, filled("b", finished=30, deprecated="a"), 31, first="a")
    arrived(house, filled("c", finished=0), 1)
    arrived(house, filled("d", finished=40, deprecated="c"), 31, first="c")
    # a phone's edit that Central does not have: when it arrived is not known
    arrived(house, filled("e", finished=0), 1)
    land(house, replace(filled("f", finished=50, deprecated="e"), source="phones"))
    build(house)
    assert times(house, "received_at, finished_at, lag_hours, is_clock_ahead") == [
        ("a", hours(1), hours(30), None, False),
        ("c", hours(1), hours(40), None, True),
        ("e", hours(1), hours(50), None, None),
    ]


def test_who_was_last_seen(house: Warehouse) -> None:
    arrived(house, filled("a", finished=0), 1, device="collect:1")
    arrived(house, filled("b", finished=2), 12, device="collect:1")
    arrived(house, filled("c", finished=3, centre="c9"), 5, device="collect:2")
    # a clock a year ahead says nothing of when a form was finished, or of how long it took to come
    arrived(house, filled("d", finished=24 * 365), 4, device="collect:2")
    arrived(house, filled("e", finished=None, centre=""), 4)
    build(house)
    seen = house.rows(
        "select kind, code, submissions, last_received_at, last_finished_at, median_lag_hours, max_lag_hours,"
        " clock_errors from marts.last_seen order by all"
    )
    assert seen == [
        ("centre", "c1", 3, hours(12), hours(2), 5.5, 10, 1),
        ("centre", "c2", 0, None, None, None, None, 0),
        ("centre", "c9", 1, hours(5), hours(3), 2, 2, 0),
        ("device", "collect:1", 2, hours(12), hours(2), 5.5, 10, 0),
        ("device", "collect:2", 2, hours(5), hours(3), 2, 2, 1),
        ("enumerator", "E1", 5, hours(12), hours(3), 2, 10, 1),
    ]
    landed = dict(house.rows("select code, last_landed_at is not null from marts.last_seen"))
    assert {code for code, is_known in landed.items() if not is_known} == {"c2"}


def test_without_a_study_or_without_times_what_is_known_stands(house: Warehouse) -> None:
    arrived(house, filled("a"), 1, device="collect:1")
    build(house, None)
    assert times(house, "centre_code, lag_hours") == [("a", None, 1.0)]
    assert house.rows("select kind, code, submissions from marts.last_seen") == [("device", "collect:1", 1)]
    before = contents(house.con)
    build(house, None)
    assert contents(house.con) == before


def test_a_form_that_keeps_no_times_has_none(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form(change={"| | start | start | | | none | |\n": ""}))
        arrived(house, submission("a", {"centre": "c1"}), 1)
        build(house)
        assert times(
            house, "device, started_at, finished_at, received_at, lag_hours, is_clock_ahead, is_clock_behind"
        ) == [("a", None, None, None, hours(1), None, None, None)]


def test_a_time_that_moved_between_versions_is_found_and_one_kept_as_text_is_not(house: Warehouse) -> None:
    moved = "| | end | finished | | | none | |"
    house.take(form("2", more=moved))
    arrived(house, filled("a", finished=0), 1)
    other = replace(
        submission("b", {"finished": "2026-11-20T12:00:00.000Z", "start": "2026-11-20T11:00:00.000Z"}, version="2"),
        source=CENTRAL,
    )
    arrived(house, other, 1)
    build(house)
    assert times(house, "lag_hours") == [("a", 1.0), ("b", 1.0)]
    house.take(form("3", more=moved, change={"| | start | start | | |": "| | text | start | A | B |"}))
    build(house)
    assert times(house, "started_at, lag_hours") == [("a", None, 1.0), ("b", None, 1.0)]


def test_no_phone_and_no_time_reaches_the_research_copy(house: Warehouse) -> None:
    arrived(house, filled("a"), 1, device="collect:1")
    build(house)
    published = publish_research(house.con, house.folder, house.questionnaires)
    with duckdb.connect(str(published.path), read_only=True) as copy:
        found = copy.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    assert ("arrivals",) in found
    assert not {("arrival_times",), ("last_seen",)} & set(found)
