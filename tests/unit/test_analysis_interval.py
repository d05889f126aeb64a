"""The interval of a centre's tau_b: inside its range, sensible where Wald's is not, and covering what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from laktasi.analysis.interval import (
    CI_METHOD_CUT,
    NORMAL_QUANTILE,
    NULL_RECORDS,
    sampling_variance,
    score_interval,
    smooth,
)
from laktasi.analysis.kendall import kendall
from laktasi.analysis.pairs import count_pairs

Stack = NDArray[np.int64]
MOPUYA = np.array([[[7, 4, 0], [0, 8, 6]]])


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 6), st.integers(2, 4), st.integers(2, 4)).flatmap(
        lambda shape: npst.arrays(np.int64, shape, elements=st.one_of(st.integers(0, 1), st.integers(0, 30)))
    )
)
def test_it_holds_tau_b_and_never_leaves_the_attainable_range(stack: Stack) -> None:
    result = kendall(stack)
    has_tau = ~np.isnan(result.tau_b)
    assert (result.ci_method[has_tau] == CI_METHOD_CUT).all()
    low, tau, high = result.ci_low[has_tau], result.tau_b[has_tau], result.ci_high[has_tau]
    assert (result.tau_b_min[has_tau] <= low).all()
    assert (low <= tau).all()
    assert (tau <= high).all()
    assert (high <= result.tau_b_max[has_tau]).all()
    assert (low < high).all()


@pytest.mark.parametrize("n", [2, 10, 50, 1000])
def test_a_perfect_table_has_an_interval_that_narrows_with_n(n: int) -> None:
    result = kendall(np.array([[[n // 2, 0], [0, n // 2]], [[0, n // 2], [n // 2, 0]]]))
    np.testing.assert_array_equal(result.ase1, 0)
    assert result.ci_high[0] == 1
    assert result.ci_low[1] == -1
    assert result.ci_low[0] == pytest.approx(-result.ci_high[1])
    expected = {2: (-1, 0), 10: (0.3, 0.5), 50: (0.75, 0.9), 1000: (0.98, 0.999)}[n]
    assert expected[0] < result.ci_low[0] < expected[1]


def test_the_limits_solve_the_score_equation() -> None:
    pairs = count_pairs(np.array([[[12, 9, 4], [5, 11, 9]]]))
    result = kendall(np.array([[[12, 9, 4], [5, 11, 9]]]))
    n, scale = 50, pairs.untied_rows * pairs.untied_columns
    at, variance = sampling_variance(pairs, 2.0)
    kappa = variance * n / (n - 1) / (1 - at**2)
    null = pairs.var0 / scale
    assert null > kappa  # so that the raise towards the null variance is part of what is checked
    kappa += NULL_RECORDS / (n + NULL_RECORDS) * (null - kappa)
    for limit in (result.ci_low, result.ci_high):
        assert (result.tau_b - limit) ** 2 == pytest.approx(NORMAL_QUANTILE**2 * kappa * (1 - limit**2))
    assert result.ci_low[0] < result.tau_b[0] < result.ci_high[0]


def test_a_null_variance_below_the_sampling_variance_changes_nothing() -> None:
    one = np.ones(1)
    tau, n = 0.2 * one, np.array([30])
    without = score_interval(tau, 0.02 * one, tau, 0 * one, n, -one, one)
    below = score_interval(tau, 0.02 * one, tau, 0.015 * one, n, -one, one)
    above = score_interval(tau, 0.02 * one, tau, 0.03 * one, n, -one, one)
    assert below == without
    assert above[0] < without[0]
    assert above[1] > without[1]


def test_with_many_records_it_is_walds() -> None:
    table = MOPUYA * 4000 + 300
    result = kendall(table)
    assert result.ci_low[0] == pytest.approx(result.tau_b[0] - NORMAL_QUANTILE * result.ase1[0], abs=2e-5)
    assert result.ci_high[0] == pytest.approx(result.tau_b[0] + NORMAL_QUANTILE * result.ase1[0], abs=2e-5)


def test_smoothing_is_adding_records_of_no_association() -> None:
    """Against a table that really holds them: margins 6, 4 and 5, 5, and 10 records spread as their product."""
    table = np.array([[[5, 1], [0, 4]]])
    added = table + np.array([[[3, 3], [2, 2]]])
    smoothed, dominance = smooth(count_pairs(table), 10.0)
    pairs = count_pairs(added)
    np.testing.assert_allclose(smoothed, pairs.table)
    np.testing.assert_allclose(dominance, pairs.dominance)
    tau, variance = sampling_variance(count_pairs(table), 10.0)
    assert tau[0] == pytest.approx(kendall(added).tau_b[0])
    assert variance[0] == pytest.approx(kendall(added).ase1[0] ** 2 * 20 / 10)


@pytest.mark.parametrize(
    ("cells", "tau"),
    [
        ([[0.1232, 0.2112, 0.1056], [0.1568, 0.2688, 0.1344]], 0.0),  # independent, Mopuya's margins
        ([[0.25, 0.15, 0.05], [0.05, 0.25, 0.25]], None),
    ],
)
@pytest.mark.parametrize("n", [10, 25, 80])
def test_it_covers_what_it_says(cells: list[list[float]], tau: float | None, n: int) -> None:
    share = np.array(cells)
    if tau is None:
        large = np.round(share * 1e8).astype(np.int64)[None]
        tau = float(kendall(large).tau_b[0])
    draws = np.random.default_rng(20260301).multinomial(n, share.ravel(), 4000).reshape(-1, 2, 3).astype(np.int64)
    result = kendall(draws)
    has_tau = ~np.isnan(result.tau_b)
    held = (result.ci_low <= tau) & (tau <= result.ci_high)
    attainable = (result.tau_b_min <= tau) & (tau <= result.tau_b_max)
    assert 0.92 < held[has_tau & attainable].mean() < 0.995  # benchmarks/interval_coverage.py has the whole picture
