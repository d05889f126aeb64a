"""Pooling over centres: the sums of its definition, its interval and Q, and what degenerate centres do."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from laktasi.analysis.heterogeneity import MIN_N, heterogeneity
from laktasi.analysis.kendall import kendall
from laktasi.analysis.pairs import count_pairs
from laktasi.analysis.pooled import LABELS, PooledResult, naive, stratified

Stack = NDArray[np.int64]
MOPUYA = np.array([[7, 4, 0], [0, 8, 6]])
FLAT = np.array([[5, 5, 5], [5, 5, 5]])
ONE_EXPOSURE = np.array([[0, 0, 0], [4, 3, 2]])
ONE_OUTCOME = np.array([[3, 0, 0], [4, 0, 0]])
EMPTY = np.zeros((2, 3), dtype=np.int64)


def stacks() -> st.SearchStrategy[Stack]:
    shapes = st.tuples(st.integers(1, 5), st.integers(2, 3), st.integers(2, 4))
    return shapes.flatmap(lambda shape: npst.arrays(np.int64, shape, elements=st.integers(0, 4)))


def drawn(seed: int, centres: int, size: int, cells: NDArray[np.float64]) -> Stack:
    draws = np.random.default_rng(seed).multinomial(size, cells.ravel() / cells.sum(), centres)
    return draws.reshape(centres, *cells.shape).astype(np.int64)


def some(value: float | None) -> float:
    assert value is not None
    return value


def numbers(result: PooledResult) -> dict[str, float]:
    return {name: value for name in result.__slots__ if isinstance(value := getattr(result, name), float)}


def within_pairs(stack: Stack) -> tuple[int, int, int]:
    """Return S, Dx and Dy by looking at every pair of records of the same centre."""
    s = untied_x = untied_y = 0
    for table in stack:
        x, y = (np.repeat(level.ravel(), table.ravel()) for level in np.indices(table.shape))
        for a, b in itertools.combinations(range(len(x)), 2):
            dx, dy = int(np.sign(x[a] - x[b])), int(np.sign(y[a] - y[b]))
            s, untied_x, untied_y = s + dx * dy, untied_x + abs(dx), untied_y + abs(dy)
    return s, untied_x, untied_y


@settings(deadline=None)
@given(stacks())
def test_stratified_is_tau_b_of_the_pairs_within_centres(stack: Stack) -> None:
    result = stratified(stack)
    s, untied_x, untied_y = within_pairs(stack)
    if result.tau_b is None:
        assert np.isnan(kendall(stack).tau_b).all()
        return
    assert result.tau_b == pytest.approx(s / math.sqrt(untied_x * untied_y), abs=1e-12)
    z = s / math.sqrt(np.nansum(kendall(stack).var0))
    assert result.z == pytest.approx(z, abs=1e-9)
    assert result.p_value == pytest.approx(2 * norm.sf(abs(z)), abs=1e-12)


@settings(deadline=None)
@given(stacks())
def test_the_interval_holds_the_estimate_and_stays_between_minus_one_and_one(stack: Stack) -> None:
    for result in (stratified(stack), naive(stack)):
        if result.tau_b is not None:
            assert -1 <= some(result.ci_low) <= result.tau_b <= some(result.ci_high) <= 1
            assert some(result.ci_low) < some(result.ci_high)
            assert -1 <= some(result.tau_b_min) <= result.tau_b <= some(result.tau_b_max) <= 1


@pytest.mark.parametrize("table", [MOPUYA, FLAT, np.array([[5, 0], [0, 5]]), np.array([[1, 0], [0, 1]])])
def test_one_centre_is_pooled_to_its_own_result(table: Stack) -> None:
    own = kendall(table[None])
    for result in (stratified(table[None]), naive(table[None])):
        for name in ("tau_b", "z", "p_value", "tau_b_min", "tau_b_max"):
            assert getattr(result, name) == pytest.approx(getattr(own, name)[0], abs=1e-12), name
        # The centre's own interval is the pooled one, cut to what its margins allow.
        assert max(some(result.ci_low), own.tau_b_min[0]) == pytest.approx(own.ci_low[0], abs=1e-12)
        assert min(some(result.ci_high), own.tau_b_max[0]) == pytest.approx(own.ci_high[0], abs=1e-12)
        n = int(table.sum())
        assert result.se == pytest.approx(own.ase1[0] * math.sqrt(n / (n - 1)), abs=1e-12)
        assert own.ci_method[0] == f"{result.ci_method}, cut to the attainable range"


def test_differences_between_centres_do_not_enter_the_stratified_coefficient() -> None:
    """Two centres without any association, one with little massage and little milk, one with much of both."""
    little, much = np.array([[36, 12], [12, 4]]), np.array([[4, 12], [12, 36]])
    both = np.array([little, much])
    assert stratified(both).tau_b == 0
    assert naive(both).tau_b == pytest.approx(0.25)  # 80, 48 against 48, 80 by hand: phi = 0.25
    assert stratified(both).method == "stratified"
    assert naive(both).method == "naive"
    assert set(LABELS) == {"stratified", "naive"}


def test_centres_without_a_tau_are_counted_and_said_and_stay_in_the_sums() -> None:
    stack = np.array([MOPUYA, ONE_EXPOSURE, ONE_OUTCOME, EMPTY, FLAT])
    result = stratified(stack)
    assert (result.centres, result.centres_used) == (5, 2)
    assert result.without_tau == {"same_exposure": 1, "same_outcome": 1, "no_records": 1}
    assert result.n == stack.sum()
    s, untied_x, untied_y = within_pairs(stack)
    assert result.tau_b == pytest.approx(s / math.sqrt(untied_x * untied_y))
    informative = stratified(np.array([MOPUYA, FLAT]))
    assert result.z == informative.z
    assert 0 < some(result.tau_b) < some(informative.tau_b)
    assert (naive(stack).centres, naive(stack).centres_used) == (5, 4)


def test_keeping_them_leaves_the_sums_unbiased() -> None:
    """Centres of three mothers: mostly without a tau of their own, and together still right."""
    cells = np.array([[7.0, 4, 0], [0, 8, 6]]) / 25
    stack = drawn(3, 40_000, 3, cells)
    with_tau = ~np.isnan(kendall(stack).tau_b)
    assert 0.3 < with_tau.mean() < 0.8
    # In the population the two probabilities of being untied, and of concordance, are those of a table of any size.
    large = count_pairs(np.round(cells * 1e7).astype(np.int64)[None])
    true = large.s[0] / math.sqrt(float(large.untied_rows[0]) * float(large.untied_columns[0]))
    assert stratified(stack).tau_b == pytest.approx(true, abs=0.01)
    assert some(stratified(stack[with_tau]).tau_b) > true + 0.05


@pytest.mark.parametrize(
    ("stack", "stratified_reason", "naive_reason"),
    [
        (np.array([ONE_EXPOSURE]), "no centre has a coefficient of its own", "all gave the same exposure"),
        (np.array([ONE_OUTCOME, EMPTY]), "no centre has a coefficient of its own", "all gave the same outcome"),
        (np.zeros((0, 2, 3), dtype=np.int64), "no centre has a coefficient of its own", "no records"),
        (np.array([ONE_EXPOSURE, ONE_OUTCOME]), "no centre has a coefficient of its own", None),
    ],
)
def test_nothing_to_pool_says_why(stack: Stack, stratified_reason: str, naive_reason: str | None) -> None:
    result = stratified(stack)
    assert result.reason == stratified_reason
    assert numbers(result) == {}
    assert naive(stack).reason == naive_reason
    assert (naive(stack).tau_b is None) == (naive_reason is not None)


def test_the_standard_error_is_what_resampling_within_centres_gives() -> None:
    """The centres disagree, so that what lies between them would show if it entered."""
    cells = np.array([[[8.0, 5, 1], [1, 6, 9]], [[1, 6, 9], [8, 5, 1]], [[9, 3, 1], [4, 6, 2]]])
    sizes = (40, 25, 60)
    rng = np.random.default_rng(20260301)
    draws = np.stack(
        [
            rng.multinomial(size, table.ravel() / table.sum(), 2000).reshape(-1, 2, 3)
            for size, table in zip(sizes, cells, strict=True)
        ],
        axis=1,
    )
    results = [stratified(stack) for stack in draws]
    spread = np.std([result.tau_b for result in results if result.tau_b is not None])
    mean_se = np.mean([result.se for result in results if result.se is not None])
    assert mean_se == pytest.approx(spread, rel=0.06)  # Monte Carlo error of a spread over 2,000 draws: 1.6 %


def test_q_by_its_definition() -> None:
    stack = np.array([MOPUYA, FLAT, [[6, 5, 4], [3, 5, 9]]])
    tau, n = kendall(stack).tau_b, stack.sum(axis=(1, 2)).astype(float)
    jackknife = []
    for table in stack:
        without_one = [
            kendall((table - np.eye(table.size, dtype=np.int64)[cell].reshape(table.shape))[None]).tau_b[0]
            for cell, count in enumerate(table.ravel())
            for _ in range(count)
        ]
        size = len(without_one)
        jackknife.append((size - 1) / size * np.sum((np.array(without_one) - np.mean(without_one)) ** 2))
    weights = n / (np.sum(n * n * np.array(jackknife)) / n.sum())
    q = np.sum(weights * (tau - np.average(tau, weights=weights)) ** 2)
    result = stratified(stack)
    assert result.q == pytest.approx(q, rel=1e-10)
    assert result.q_df == 2
    assert result.q_p_value == pytest.approx(chi2.sf(q, 2), rel=1e-10)
    assert result.i2 == pytest.approx(max(0, (q - 2) / q), rel=1e-10)
    assert naive(stack).q is None


def test_q_is_chi_squared_when_centres_do_not_differ() -> None:
    cells = np.array([[7.0, 5, 2], [2, 6, 8]])
    p_values = [heterogeneity(count_pairs(drawn(seed, 40, 30, cells))).p_value for seed in range(400)]
    rejected = np.mean([p is not None and p < 0.05 for p in p_values])
    assert 0.01 < rejected < 0.09  # Monte Carlo error 1.1 %


def test_q_finds_centres_that_differ_and_leaves_out_the_smallest() -> None:
    stack = np.array([MOPUYA, MOPUYA[::-1], FLAT])
    result = stratified(stack)
    assert some(result.q_p_value) < 1e-6
    assert 0.9 < some(result.i2) < 1
    tiny = np.array([[MIN_N - 2, 0, 0], [0, 0, 1]])
    alone = stratified(np.array([MOPUYA, tiny]))
    assert (alone.q, alone.i2, alone.reason_code) == (None, None, "not_compared")
    assert some(alone.tau_b) > 0
    assert (result.reason, naive(stack).reason) == (None, None)
    assert stratified(np.array([*stack, tiny])).q == result.q


def test_sums_over_centres_do_not_overflow() -> None:
    """Each centre may hold two thousand million records, and so may all of them together."""
    near = np.array([[[490_000_000, 9_000_000], [1_000_000, 490_000_000]]] * 2)
    for found in (stratified(near), naive(near)):
        assert found.tau_b == pytest.approx(kendall(near).tau_b[0])
        assert found.n == 1_980_000_000
    for many in (np.repeat(near, 2, axis=0), np.repeat(near, 60, axis=0)):
        for pool in (stratified, naive):
            with pytest.raises(ValueError, match="pairs are counted for up to 2000000000"):
                pool(many)


def test_perfect_centres_have_no_variance_to_compare_with() -> None:
    perfect = np.array([[20, 0], [0, 20]])
    result = stratified(np.array([perfect, perfect]))
    assert result.tau_b == 1
    assert (result.q, result.i2, result.q_p_value) == (None, None, None)
    assert "there is no Q and no I²" in (result.reason or "")
    assert 0.8 < some(result.ci_low) < 0.95
    assert result.ci_high == 1
