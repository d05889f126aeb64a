"""Partial and stratified tau_b against R, from the same records; adjusted.R says how the numbers were made."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from laktasi.analysis.adjusted import partial_tau, stratified_tau

GOLDEN: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "adjusted.json").read_text(encoding="utf-8"))[
    "results"
]


def tables(name: str) -> NDArray[np.int64]:
    golden = GOLDEN[name]
    cells = np.array([golden[variable] for variable in ("centre", "x", "y", "z")]) - 1
    counts = np.zeros((cells[0].max() + 1, *golden["levels"]), dtype=np.int64)
    np.add.at(counts, tuple(cells), 1)
    return counts


@pytest.mark.parametrize("name", GOLDEN)
def test_the_partial_tau(name: str) -> None:
    found, golden = partial_tau(tables(name)), GOLDEN[name]
    assert found.by_centre.tau_b == pytest.approx(golden["partial"], abs=1e-12)
    assert found.by_centre.tau_b == pytest.approx(golden["partial_by_inverse"], abs=1e-12)
    assert found.together.tau_b == pytest.approx([golden["partial_together"]], abs=1e-12)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_stratified_tau_and_its_test(name: str) -> None:
    found, golden = stratified_tau(tables(name)), GOLDEN[name]
    for result, expected in (
        (found.by_centre, golden["stratified"]),
        (found.together, [golden["stratified_together"]]),
    ):
        for field, tolerance in (("tau_b", 1e-12), ("strata", 0), ("p_value", 1e-10)):
            assert getattr(result, field) == pytest.approx([one[field] for one in expected], abs=tolerance), field
