"""p values corrected for how many tests there are: as R's p.adjust, and with tests that gave nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from laktasi.analysis.multiplicity import benjamini_hochberg, holm
from laktasi.analysis.pairs import Floats

Correction = Callable[[Floats], Floats]
P = np.array([0.01, 0.04, 0.03, 0.005, 0.6, 0.04])


def test_holm_by_hand() -> None:
    # Sorted: .005×6, .01×5, .03×4, .04×3, .04×2 and .6×1; .08 is raised to the .12 before it.
    np.testing.assert_allclose(holm(P), [0.05, 0.12, 0.12, 0.03, 0.6, 0.12])


def test_benjamini_and_hochberg_by_hand() -> None:
    # Sorted: .005×6/1, .01×6/2, .03×6/3, .04×6/4, .04×6/5 and .6; each at most what comes after it.
    np.testing.assert_allclose(benjamini_hochberg(P), [0.03, 0.048, 0.048, 0.03, 0.6, 0.048])


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_what_was_not_tested_is_not_counted(correct: Correction) -> None:
    with_gaps = np.array([np.nan, *P, np.nan])
    corrected = correct(with_gaps)
    assert np.isnan(corrected[[0, -1]]).all()
    np.testing.assert_array_equal(corrected[1:-1], correct(P))
    assert np.isnan(correct(np.array([np.nan, np.nan]))).all()
    assert correct(np.array([])).shape == (0,)


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_order_does_not_matter_and_one_test_stays_as_it_is(correct: Correction) -> None:
    order = np.array([3, 0, 5, 1, 4, 2])
    np.testing.assert_allclose(correct(P[order]), correct(P)[order])
    assert correct(np.array([0.2]))[0] == 0.2
    assert correct(np.array([0.9, 0.8])).max() <= 1
