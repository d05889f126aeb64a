"""The kinds of checks about days, clocks, form versions and places on the map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality.declared import make_check
from laktasi.quality.plan import make_plan
from tests.answers_fixture import Answered
from tests.kinds_fixture import MESSAGES, asked, batches_of, failing, house, ids, opened
from tests.questionnaire_fixture import read

__all__ = ["house", "opened"]  # fixtures


# Days and clocks


def land(house: Answered, moment: str) -> None:
    """Let all records have landed at a moment."""
    house.con.execute("delete from raw.submissions")
    house.con.execute(
        f"""
        insert into raw.submissions by name
        select form_id, form_version, instance_id, payload_sha256, ''::blob as payload, status, 'phones' as source,
            timestamptz '{moment}' as landed_at, 'run' as run_id
        from staging.submissions
        """
    )


def test_a_day_after_the_record_landed_is_in_the_future(house: Answered) -> None:
    house.take({"today": "2026-11-02"}, {"today": "2026-11-03"}, {"today": "2026-11-04"}, {"today": ""})
    land(house, "2026-11-02 23:00:00+00")
    assert asked(house, kind="not_future", question="today") == {"uuid:0": True, "uuid:1": True, "uuid:2": False}
    assert failing(house, kind="not_future", question="today", days=0) == ids(1, 2)
    # of what an edit brings, its own landing counts
    land(house, "2026-11-04 01:00:00+00")
    assert failing(house, kind="not_future", question="today") == set()
    with pytest.raises(CheckError, match="check 'x': 'massage' is of type select_one, and a date is needed"):
        batches_of(house, kind="not_future", question="massage")


def test_a_clock_that_cannot_be_right_is_found(house: Answered) -> None:
    good = {"start": "2026-11-02T08:00:00.000+08:00", "end": "2026-11-02T08:20:00.000+08:00"}
    house.take(good, {**good, "start": "1970-01-01T08:00:00.000+08:00"}, {"start": good["end"], "end": good["start"]})
    house.take({"start": "", "end": ""})
    assert asked(house, kind="clock", form="visit") == {"uuid:0": True, "uuid:1": False, "uuid:2": False}


def test_a_version_is_outdated_by_the_day_on_which_it_was_used(house: Answered) -> None:
    house.take(*[{"today": f"2026-11-{day}"} for day in ("05", "17", "18", "30")])
    for day in ("10", "01", "12", "11", "20"):
        house.take({"today": f"2026-11-{day}", "centre": "c2"}, version="2")
    # version 2 is in use from its third day in order, the 11th
    check: dict[str, Any] = {"kind": "outdated_version", "form": "visit"}
    assert failing(house, **check, grace_days=6) == ids(2, 3)
    assert failing(house, **check) == ids(3)
    assert failing(house, **check, grace_days=0, at_least=1) == ids(0, 1, 2, 3)
    assert failing(house, **check, at_least=6) == set()
    assert failing(house, **check, where="${centre} = 'c2'") == set()


def test_a_phone_whose_clock_cannot_be_right_makes_no_version_old(house: Answered) -> None:
    house.take({"today": "2026-11-05"})
    wrong = {"today": "1970-01-02", "start": "1970-01-02T08:00:00.000+08:00", "end": "1970-01-02T08:20:00.000+08:00"}
    house.take(wrong, wrong, wrong, version="2")
    assert failing(house, kind="outdated_version", form="visit") == set()


# Places

PLACES = "name,lat,lon\nc1,0.70,124.30\nc2,0.70,124.40\nc3,,\n"


def test_the_stated_place_is_the_nearest(house: Answered, tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text(PLACES, encoding="utf-8")
    cases = [("c1", "0.70 124.31"), ("c2", "0.70 124.31"), ("c1", "0.70 124.351"), ("c3", "0.7 124.3"), ("c1", "")]
    house.take(*[{"centre": centre, "place": f"{place} 0 5" if place else ""} for centre, place in cases])
    check: dict[str, Any] = {"kind": "nearest", "question": "place", "place": "centre", "list": "places.csv"}
    assert asked(house, tmp_path, **check) == {"uuid:0": True, "uuid:1": False, "uuid:2": False}
    # 0.002 degrees of longitude, so near the equator, are 222 metres
    assert failing(house, tmp_path, **check, farther_by=223) == ids(1)
    assert failing(house, tmp_path, **check, farther_by=221) == ids(1, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,lat,lon\nc1,0.7,124.3\n", "gives the position of fewer than two places"),
        ("name,lat,lon\nc1,0.7,124.3\nc2,0.7,\n", "the position of 'c2' in schemas/places.csv is not in degrees"),
        ("name,lat,lon\nc1,0.7,124.3\nc2,124.3,0.7\n", "the position of 'c2' in schemas/places.csv is not in degrees"),
        ("name,lat,lon\nc1,0.7,124.3\nc2,nan,0.7\n", "the position of 'c2' in schemas/places.csv is not in degrees"),
        ("name,lat\nc1,0.7\n", "it has no column 'lon'"),
    ],
)
def test_places_that_nobody_could_measure_to_are_an_error(
    house: Answered, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "places.csv").write_text(text, encoding="utf-8")
    with pytest.raises(CheckError) as raised:
        batches_of(house, tmp_path, kind="nearest", question="place", place="centre", list="places.csv")
    assert "check 'x'" in raised.value.what
    assert said in raised.value.what


def test_the_form_s_own_choices_can_say_where_places_are() -> None:
    questionnaire = read(
        """
        | survey |
        | | type | name | label |
        | | select_one centres | centre | Centre |
        | | geopoint | place | Place |
        | choices |
        | | list_name | name | label | lat | lon |
        | | centres | c1 | One | 0.7 | 124.3 |
        | | centres | c2 | Two | 0.8 | 124.4 |
        | | centres | c3 | Three | | |
        | settings |
        | | form_id | version |
        | | small | 1 |
        """
    )
    entry = {"id": "x", "kind": "nearest", "question": "place", "place": "centre", "severity": "error"}
    plan = make_plan({("small", "1"): questionnaire}, [make_check(entry | {"message": MESSAGES})])
    (batch,) = [item for item in plan.batches if item.shape == "verdicts"]
    assert "('c1', 0.7::double, 124.3::double), ('c2', 0.8::double, 124.4::double))" in batch.select


def test_choices_without_positions_are_an_error(house: Answered) -> None:
    with pytest.raises(CheckError, match="the choices of 'centre' gives the position of fewer than two places"):
        batches_of(house, kind="nearest", question="place", place="centre")
    with pytest.raises(CheckError, match="'weight' is no geopoint"):
        batches_of(house, kind="nearest", question="weight", place="centre")
