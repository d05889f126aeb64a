"""Before and after against R's wilcox.test and coin, on the same pairs; paired.R says how the numbers were made."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from laktasi.analysis.paired import BeforeAfter, before_after

GOLDEN: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "paired.json").read_text(encoding="utf-8"))[
    "results"
]


def found(name: str) -> BeforeAfter:
    return before_after(np.array(GOLDEN[name]["before"]), np.array(GOLDEN[name]["after"]))


@pytest.mark.parametrize("name", GOLDEN)
def test_what_r_computes_from_its_own_parts(name: str) -> None:
    result, golden = found(name), GOLDEN[name]
    names = {"n", "n_changed", "median_before", "median_after", "estimate", "statistic", "ci_low", "ci_high"}
    compared = names & set(golden)
    assert compared == names - ({"ci_low", "ci_high"} if golden["n"] > 50 else set())
    for field in compared:
        assert getattr(result, field) == pytest.approx(golden[field], abs=1e-9), field


@pytest.mark.parametrize("name", [name for name, golden in GOLDEN.items() if "p_exact" in golden])
def test_the_exact_p_is_coin_s_with_ties_and_zeros(name: str) -> None:
    assert found(name).p_value == pytest.approx(GOLDEN[name]["p_exact"], rel=1e-8)


@pytest.mark.parametrize("name", [name for name, golden in GOLDEN.items() if golden["wilcox_test"]["is_exact"]])
def test_without_ties_and_zeros_all_is_wilcox_test_s(name: str) -> None:
    result, golden = found(name), GOLDEN[name]["wilcox_test"]
    for field in ("p_value", "estimate", "ci_low", "ci_high"):
        assert getattr(result, field) == pytest.approx(golden[field], rel=1e-8), field


@pytest.mark.parametrize("name", ["large", "large_ties"])
def test_many_pairs_are_near_what_wilcox_test_searches_for(name: str) -> None:
    """R looks for the shifts at which the normal p is .05, to 1e-4; here they are averages of two changes."""
    result, golden = found(name), GOLDEN[name]["wilcox_test"]
    assert GOLDEN[name]["n"] > 100
    for field in ("estimate", "ci_low", "ci_high"):
        assert getattr(result, field) == pytest.approx(golden[field], abs=0.02), field
    if not golden["has_zeros"]:
        assert result.p_value == pytest.approx(golden["p_value"], rel=1e-8)


def test_the_published_example() -> None:
    """Hollander and Wolfe (1973), page 29 to 33: V = 40, p = 2 · .0195 from their tables."""
    result = found("depression")
    assert result.p_value is not None
    assert (result.statistic, round(result.p_value / 2, 4)) == (5, 0.0195)  # 40 of 45 are decreases
