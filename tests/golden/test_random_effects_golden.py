"""Random effects against metafor, from the same tables; random_effects.R says how its numbers were made."""

import csv
import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from laktasi.analysis.kendall import kendall
from laktasi.analysis.random_effects import RandomEffects, leave_one_out, random_effects

HERE = Path(__file__).parent
GOLDEN: dict[str, dict[str, Any]] = json.loads((HERE / "random_effects.json").read_text(encoding="utf-8"))["results"]
RANGES = {"ci_low": (-1, 1), "ci_high": (-1, 1), "pi_low": (-1, 1), "pi_high": (-1, 1), "tau2_high": (0, 1)}
"""What laktasi cuts to what can be, and metafor does not."""
BY_ITSELF = {"n", "tau_b_of_centres", "plain_se", "without"}


def tables(dataset: str) -> NDArray[np.int64]:
    """Return the tables of a dataset, shape (centres, x, y)."""
    with (HERE / "random_effects.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            [int(row[name]) for name in ("centre", "x", "y", "count")]
            for row in csv.DictReader(file)
            if row["dataset"] == dataset
        ]
    cells = np.array(rows)
    counts = np.zeros(cells[:, :3].max(axis=0), dtype=np.int64)
    counts[tuple(cells[:, :3].T - 1)] = cells[:, 3]
    return counts


def close(value: float | NDArray[np.float64] | None, golden: Any, name: str) -> None:
    expected = np.clip(golden, *RANGES.get(name, (-np.inf, np.inf)))
    assert value == pytest.approx(expected, rel=1e-8, abs=1e-8), name


@pytest.mark.parametrize("dataset", GOLDEN)
def test_as_metafor_has_it(dataset: str) -> None:
    counts, golden = tables(dataset), GOLDEN[dataset]
    result = random_effects(counts)
    names = set(golden) - BY_ITSELF
    assert len(names) >= 14
    for name in names:
        close(getattr(result, name), golden[name], name)
    results = {name for name in RandomEffects.__slots__ if isinstance(getattr(result, name), float)}
    assert results - names == {"ci_level"}, "nothing that metafor has not"
    assert result.centres_used == len(golden["n"])
    assert result.n == sum(golden["n"])
    own = kendall(counts)
    used = (own.n >= 10) & ~np.isnan(own.tau_b)
    assert own.tau_b[used] == pytest.approx(golden["tau_b_of_centres"], abs=1e-12)


@pytest.mark.parametrize("dataset", GOLDEN)
def test_the_interval_of_hartung_and_knapp_is_floored(dataset: str) -> None:
    """Without the floor the standard error is metafor's ``test="knha"``."""
    result = random_effects(tables(dataset))
    assert result.se is not None
    assert result.q is not None
    assert result.q_df is not None
    factor = min(1, result.q / result.q_df) if result.tau2 == 0 else 1
    close(result.se * sqrt(factor), GOLDEN[dataset]["plain_se"], "plain_se")


@pytest.mark.parametrize("dataset", [name for name, golden in GOLDEN.items() if "without" in golden])
def test_without_each_centre_as_metafor_has_it(dataset: str) -> None:
    result = leave_one_out(tables(dataset))
    used = ~np.isnan(result.tau_b)
    for name, golden in GOLDEN[dataset]["without"].items():
        close(getattr(result, name)[used], golden, name)


def test_the_datasets_show_both_sides_of_every_turn() -> None:
    results = {dataset: random_effects(tables(dataset)) for dataset in GOLDEN}
    assert {"two", "three", "ceiling", "one size"} < set(results)
    assert {result.tau2 == 0 for result in results.values()} == {True, False}
    assert {result.tau2_low == 0 for result in results.values()} == {True, False}
    assert results["too alike"].tau2_high == 0
    assert set(results["many"].left_out) == {"too_few_records", "same_exposure", "no_records"}
