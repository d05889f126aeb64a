"""What the analysis is given: tables by centre, covariate and period, values before and after, and positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from laktasi.errors import StudyError
from laktasi.store.counts import by_period, contingency, paired_values, unit_of_trend
from laktasi.study import PairedMeasure, Roles, Study, Variable
from tests.warehouse_fixture import STUDY, Warehouse, form, submission, warehouse

MEASURE = PairedMeasure("hormone", "before", "after", "unit", {})
LARGER = replace(
    STUDY,
    roles=Roles(centre="centre", consent="consent", position="place"),
    variables={**STUDY.variables, "observed": Variable("observed", "observed", ("poor", "fair", "good"), {})},
    paired=(MEASURE,),
)
(PAIR,) = STUDY.analyses
MORE = """
| | decimal | before | Sebelum | Before | none | |
| | decimal | after | Sesudah | After | none | |
| | text | unit | Satuan | Unit | none | |
| | text | secret | Rahasia | Secret | direct | |
""".strip()
PEOPLE = [
    # id, day, centre, massage, milk, before, after, unit, place
    ("u1", "2026-10-05", "c1", "yes", "good", "10", "12.5", "pg", "-1.5 124 0 5"),
    ("u2", "2026-10-11", "c1", "no", "poor", "11", "", "pg", "-1.7 124.2 0 5"),
    ("u3", "2026-10-12", "c1", "no", "fair", "9", "9", "ng", "-1.6 126 0 5"),
    ("u4", "2026-10-12", "c2", "yes", "good", "8", "7", "pg", ""),
    ("u5", "2199-01-01", "c2", "no", "good", "8", "9", "", ""),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    names = ("today", "centre", "massage", "observed", "before", "after", "unit", "place")
    with warehouse(tmp_path_factory.mktemp("house")) as opened:
        filled = []
        for name, day, *answers in PEOPLE:
            given = dict(zip(names, [day, *answers], strict=True))
            filled.append(submission(name, {"consent": "yes", **given, "milk": given["observed"]}))
        opened.take(form(more=MORE), *filled)
        opened.error("u4")
        opened.marts(LARGER)
        yield opened


def test_a_covariate_is_the_fourth_axis(house: Warehouse) -> None:
    counted = contingency(house.con, LARGER, PAIR, "all", "observed")
    assert counted.counts.shape == (2, 2, 3, 3)
    assert (counted.counts.sum(axis=3) == contingency(house.con, LARGER, PAIR, "all").counts).all()
    # who has the outcome at a level has the covariate, which is the same question, there too
    assert all(counted.counts[..., at, other].sum() == 0 for at in range(3) for other in range(3) if at != other)


def test_periods_begin_on_mondays_and_leave_wrong_clocks_out(house: Warehouse) -> None:
    periods = list(by_period(house.con, LARGER, PAIR, "all", "week"))
    assert [period.first_day for period in periods] == [date(2026, 10, 5), date(2026, 10, 12)]
    assert [period.counts.sum() for period in periods] == [2, 2]
    assert [len(period.counts) for period in periods] == [1, 2]
    accepted = list(by_period(house.con, LARGER, PAIR, "accepted", "month"))
    assert [(period.first_day, period.counts.sum()) for period in accepted] == [(date(2026, 10, 1), 3)]


@pytest.mark.parametrize(
    ("days", "unit"), [(0, "week"), (120, "week"), (121, "month"), (1099, "quarter"), (9000, "year")]
)
def test_the_longer_the_fieldwork_the_longer_the_periods(house: Warehouse, days: int, unit: str) -> None:
    house.con.begin()
    try:
        house.con.execute("delete from marts.analysed where submission_id not in ('u1', 'u3')")
        house.con.execute(
            "update marts.interviews set day = date '2000-01-01' + if(submission_id = 'u3', ?, 0)", [days]
        )
        assert unit_of_trend(house.con, LARGER) == unit
    finally:
        house.con.rollback()


def test_values_before_and_after_go_by_unit(house: Warehouse) -> None:
    found = {values.unit: values for values in paired_values(house.con, LARGER, MEASURE, house.questionnaires)}
    assert set(found) == {"", "ng", "pg"}
    assert found["pg"].before.tolist() == [10, 8]
    assert found["pg"].after.tolist() == [12.5, 7]
    assert found["pg"].is_accepted.tolist() == [True, False]
    assert found["pg"].centre_codes.tolist() == ["c1", "c2"]
    (together,) = paired_values(house.con, LARGER, replace(MEASURE, unit=None), house.questionnaires)
    assert together.unit == ""
    assert len(together.before) == 4


def test_a_measure_that_nobody_has_is_there_without_people(house: Warehouse) -> None:
    (nobody,) = paired_values(house.con, LARGER, replace(MEASURE, after="unit"), house.questionnaires)
    assert (nobody.unit, len(nobody.before), len(nobody.centre_codes)) == ("", 0, 0)


def test_a_centre_lies_in_the_middle_of_its_interviews(house: Warehouse) -> None:
    assert house.rows("select centre_code, latitude, longitude, n::int from marts.centre_positions") == [
        ("c1", -1.6, 124.2, 3)
    ]


def broken(**roles: str) -> Study:
    return replace(LARGER, roles=replace(LARGER.roles, **roles))


def test_a_position_must_be_one(house: Warehouse) -> None:
    with pytest.raises(StudyError, match=r"role position: 'massage' is no position \(select_one\)"):
        house.marts(broken(position="massage"))
    with pytest.raises(StudyError, match="role centre: 'place' has several values at once"):
        house.marts(broken(centre="place"))


def test_what_identifies_is_not_measured_in_pairs(house: Warehouse) -> None:
    measure = replace(MEASURE, after="secret")
    with pytest.raises(StudyError, match="'secret' is marked as a direct identifier"):
        paired_values(house.con, LARGER, measure, house.questionnaires)
