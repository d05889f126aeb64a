"""Every check of schemas/checks.yml is proven to fire by a planted fault, and to stay quiet where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.paths import HOUSE
from laktasi.quality import read_checks
from tests.integration import shipped

CHECKS = [
    check.id
    for check in read_checks(HOUSE / "schemas" / "checks.yml")
    if check.kind not in shipped.KINDS_OF_GROUPS  # see test_shipped_groups.py
    and check.id not in shipped.OF_BACK_CHECKS
]


def test_every_check_has_a_fault_and_every_fault_a_check() -> None:
    assert sorted(shipped.FAULTS) == sorted(CHECKS)


@pytest.mark.slow
def test_all_is_quiet_where_nothing_is_planted(tmp_path: Path) -> None:
    assert shipped.check(shipped.clean(), tmp_path / "data") == {}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Where each check must fire and where it does, in a world with all faults."""
    world = shipped.clean()
    expected = {check_id: set(plant(world)) for check_id, plant in shipped.FAULTS.items()}
    for check_id, places in world.also.items():
        expected[check_id] |= places
    return expected, shipped.check(world, tmp_path_factory.mktemp("spoilt") / "data")


@pytest.mark.slow
@pytest.mark.parametrize("check_id", CHECKS)
def test_a_check_fires_on_its_fault_and_on_no_other(
    check_id: str, spoilt: tuple[dict[str, set[str]], dict[str, set[str]]]
) -> None:
    expected, found = spoilt
    assert expected[check_id]
    assert found.get(check_id, set()) == expected[check_id]
