"""The kind of check that asks for error rates of back checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality.declared import make_check
from laktasi.quality.plan import Batch, make_plan
from tests.back_checks_fixture import House, house, variables

TWO = variables(age={}, weight={"type": 2}, village={"type": 2})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Ten interviews of P1 in which all ages are wrong, ten of P2 in which nothing is, four of P3 with wrong ages."""
    with house(tmp_path_factory.mktemp("kind")) as opened:
        for number in range(24):
            who = ("P1", "P2", "P3")[number // 10]
            opened.interview(f"K{number}", who=who, centre=("c1", "c2")[number % 2])
            opened.back_check(f"K{number}", age="27" if who == "P2" else "99", weight="9" if number == 0 else "3.5")
        opened.compare(variables=TWO)
        yield opened


def batch_of(home: House, schemas: Path | None = None, **declared: Any) -> Batch:
    entry = {"id": "x", "kind": "back_check_rate", "form": "talk", "severity": "warning", "at_most": 0.1}
    check = make_check(entry | {"message": {"id": "a", "en": "b"}} | declared)
    schemas = schemas or home.project.back_checks.parent
    plan = make_plan(home.inner.questionnaires, [check], con=home.inner.con, study=home.study, schemas=schemas)
    (batch,) = [item for item in plan.batches if item.rules[0].rule_id == "x"]
    return batch


def measured(home: House, **declared: Any) -> dict[str, tuple[float | None, int]]:
    """Give value and interviews of every group."""
    found = home.rows(f'select "_row", value, n from ({batch_of(home, **declared).select})')
    return {row: (value, n) for row, value, n in found}


def test_it_gives_the_lower_end_of_the_interval_of_each_group(home: House) -> None:
    rates = home.rows(
        "select code, ci_low from marts.back_check_rates where kind = 'enumerator' and type = 1 and variable is null"
    )
    low = dict(rates)
    assert measured(home, type=1) == {
        "enumerator:P1": (low["P1"], 10),
        "enumerator:P2": (0, 10),
        "enumerator:P3": (None, 4),  # too few
    }
    assert low["P1"] == pytest.approx(10 / (10 + 1.959963984540054**2))
    assert measured(home, type=1, at_least_interviews=4)["enumerator:P3"][0] == pytest.approx(low["P3"])
    batch = batch_of(home, type=1)
    assert (batch.low, batch.high) == (None, 0.1)


def test_groups_types_and_variables(home: House) -> None:
    assert set(measured(home, type=1, by="checker")) == {"checker:S1"}
    assert set(measured(home, type=1, by="centre")) == {"centre:c1", "centre:c2"}
    assert set(measured(home, type=1, by="all")) == {"all:"}
    assert measured(home, type=2, by="all")["all:"] == (measured(home, type=2, by="all")["all:"][0], 24)
    assert measured(home, variable="village", by="all") == {"all:": (0, 24)}
    assert (measured(home, variable="weight", by="all")["all:"][0] or 0) > 0


def test_only_the_interviews_of_where_take_part(home: House) -> None:
    found = measured(home, type=1, where="${centre} = 'c1'")
    assert {row: n for row, (_, n) in found.items()} == {"enumerator:P1": 5, "enumerator:P2": 5, "enumerator:P3": 2}


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({}, "needs 'type' or 'variable'"),
        ({"type": 4}, "'type' must be a whole number between 1 and 3"),
        ({"type": 1, "by": "day"}, "'by' must be one of enumerator, checker, centre, all"),
        ({"type": 1, "at_most": 5}, "'at_most' must be a number between 0 and 1"),
        ({"variable": "height"}, "back_checks.yml compares no variable 'height'"),
        ({"variable": "age", "type": 2}, "compares no variable 'age' of type 2"),
        ({"type": 1, "form": "again"}, "back checks are of the form 'talk'"),
    ],
)
def test_a_slip_is_told(home: House, declared: dict[str, Any], told: str) -> None:
    with pytest.raises((CheckError, ValueError)) as caught:  # read_checks makes the one of the other
        batch_of(home, **declared)
    assert told in str(caught.value)


def test_without_back_checks_it_stops_and_does_not_pass(home: House, tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="is about back checks, and the project has none"):
        batch_of(home, tmp_path, type=1)
