"""Power against draws that R made and tested; power.R says how."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from laktasi.analysis import drawn_rounds
from laktasi.analysis.population import Population

GOLDEN: list[dict[str, Any]] = json.loads((Path(__file__).parent / "power.json").read_text(encoding="utf-8"))["results"]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"tau_b {golden['tau_b']}, n {golden['n']}")
def test_power_of_z_is_the_share_of_draws_that_are_found(golden: dict[str, Any]) -> None:
    population = Population(np.array(golden["table"], dtype=float)).with_tau_b(golden["tau_b"])
    # Two standard errors of 10,000 draws are .008; the rest is what a normal approximation leaves.
    assert population.normal_power(golden["n"], 0.05) == pytest.approx(golden["power"], abs=0.025)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"tau_b {golden['tau_b']}, n {golden['n']}")
def test_rounds_drawn_here_and_judged_by_z_alone_are_found_as_often(
    golden: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("STEPS", "STEPS_TWO_LEVELS", "STEPS_2X2"):
        monkeypatch.setattr(drawn_rounds, limit, 0)
    population = Population(np.array(golden["table"], dtype=float)).with_tau_b(golden["tau_b"])
    drawn_rounds._found_share.cache_clear()
    found = drawn_rounds.found_share(population, golden["n"], 0.05)
    drawn_rounds._found_share.cache_clear()
    assert found == pytest.approx(golden["power"], abs=0.02)  # two standard errors of the difference: .015


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"tau_b {golden['tau_b']}, n {golden['n']}")
def test_the_population_is_the_same(golden: dict[str, Any]) -> None:
    population = Population(np.array(golden["table"], dtype=float)).with_tau_b(golden["tau_b"])
    assert population.cells == pytest.approx(np.array(golden["cells"]), abs=1e-9)
    assert population.tau_b == pytest.approx(golden["tau_b"], abs=1e-12)
    ceiling = population.extreme(1 if golden["tau_b"] > 0 else -1).tau_b
    assert ceiling == pytest.approx(golden["tau_b_max"], abs=1e-12)
