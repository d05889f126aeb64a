"""Holding a third variable equal: its definition pair by pair, what the interval covers, and why there is none."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from laktasi.analysis import adjusted, reasons
from laktasi.analysis.adjusted import Adjusted, AdjustedTau, partial_tau, stratified_tau
from laktasi.analysis.kendall import kendall
from laktasi.analysis.pooled import stratified

Counts = NDArray[np.int64]
Sums = tuple[float, float, float]


def stacks() -> st.SearchStrategy[Counts]:
    shapes = st.tuples(st.integers(1, 3), st.integers(2, 3), st.integers(2, 3), st.integers(1, 3))
    return shapes.flatmap(lambda shape: npst.arrays(np.int64, shape, elements=st.integers(0, 2)))


def records(table: Counts) -> list[tuple[int, ...]]:
    """Write a table of three variables out, record by record."""
    return [cell for cell in np.ndindex(table.shape) for _ in range(table[cell])]


def sums(stack: Counts, first: int, second: int, *, alike: int | None = None) -> Sums:
    """Return S and the untied pairs of two variables, by looking at every pair of records of the same centre."""
    s = x = y = 0
    for table in stack:
        for a, b in itertools.combinations(records(table), 2):
            if alike is None or a[alike] == b[alike]:
                dx, dy = int(np.sign(a[first] - b[first])), int(np.sign(a[second] - b[second]))
                s, x, y = s + dx * dy, x + abs(dx), y + abs(dy)
    return s, x, y


def tau_of(found: Sums) -> float:
    s, x, y = found
    return s / math.sqrt(x * y) if x and y else math.nan


def partial_by_definition(stack: Counts) -> float:
    a, b, c = (tau_of(sums(stack, *pair)) for pair in ((0, 1), (0, 2), (1, 2)))
    return (a - b * c) / math.sqrt((1 - b * b) * (1 - c * c)) if abs(b) < 1 and abs(c) < 1 else math.nan


def groups(stack: Counts, found: Adjusted) -> list[tuple[Counts, AdjustedTau, int]]:
    """Give each centre by itself, and all together: the counts, the results, and the place among them."""
    centres = [(stack[at : at + 1], found.by_centre, at) for at in range(len(stack))]
    return [*centres, (stack, found.together, 0)]


@settings(deadline=None, max_examples=40)
@given(stacks())
def test_both_are_what_their_definitions_count(stack: Counts) -> None:
    for counts, result, at in groups(stack, stratified_tau(stack)):
        if result.reason_code[at] is None:
            assert result.tau_b[at] == pytest.approx(tau_of(sums(counts, 0, 1, alike=2)), abs=1e-12)
    for counts, result, at in groups(stack, partial_tau(stack)):
        if result.reason_code[at] is None:
            assert result.tau_b[at] == pytest.approx(partial_by_definition(counts), abs=1e-9)
        elif result.reason_code[at] != reasons.NO_CENTRE:
            assert math.isnan(partial_by_definition(counts))


@settings(deadline=None, max_examples=40)
@given(stacks())
def test_a_result_is_whole_or_says_why_there_is_none(stack: Counts) -> None:
    for found in (partial_tau(stack), stratified_tau(stack)):
        for _, result, at in groups(stack, found):
            values = np.array([getattr(result, name)[at] for name in ("tau_b", "se", "ci_low", "ci_high", "p_value")])
            if result.reason_code[at] is not None:
                assert np.isnan(values).all()
                continue
            tau, se, low, high, p = values
            assert -1 <= low <= tau <= high <= 1
            assert low < high
            assert se >= 0
            assert 0 <= p <= 1
            if found.method == adjusted.PARTIAL and abs(p - 0.05) > 1e-9:
                assert (p < 0.05) == (low > 0 or high < 0)


@settings(deadline=None, max_examples=40)
@given(stacks())
def test_with_nothing_to_hold_equal_the_stratified_one_is_the_pooled_one(stack: Counts) -> None:
    plain = stack.sum(axis=3)
    found, pooled, single = stratified_tau(plain[..., None]), stratified(plain), kendall(plain)
    assert found.by_centre.tau_b == pytest.approx(single.tau_b, nan_ok=True, abs=1e-12)
    assert found.by_centre.p_value == pytest.approx(single.p_value, nan_ok=True, abs=1e-12)
    for name in ("tau_b", "se", "p_value", "ci_low", "ci_high"):
        value = getattr(pooled, name)
        assert getattr(found.together, name)[0] == pytest.approx(math.nan if value is None else value, nan_ok=True)
    # Strata of one centre are to it what centres are to all of them: but that sizes of centres are given.
    as_strata = stratified_tau(np.moveaxis(plain, 0, -1)[None]).by_centre
    assert as_strata.tau_b[0] == pytest.approx(found.together.tau_b[0], nan_ok=True, abs=1e-12)
    assert as_strata.p_value[0] == pytest.approx(found.together.p_value[0], nan_ok=True, abs=1e-12)


def drawn(seed: int, centres: int, n: int, shape: tuple[int, ...]) -> Counts:
    rng = np.random.default_rng(seed)
    cells = rng.dirichlet(np.ones(math.prod(shape)) * 2)
    return rng.multinomial(n, cells, centres).reshape(centres, *shape).astype(np.int64)


@pytest.mark.parametrize("compute", [partial_tau, stratified_tau])
def test_a_centre_s_digits_do_not_depend_on_the_others(compute: object) -> None:
    assert callable(compute)
    stack = drawn(1, 40, 30, (2, 3, 4))
    every = compute(stack).by_centre.columns()
    for at in (0, 17, 39):
        alone = compute(stack[at : at + 1]).by_centre.columns()
        assert all(np.array_equal(alone[name], every[name][at : at + 1]) for name in alone if name != "strata")


def test_the_order_of_the_covariate_matters_to_neither_but_its_levels_do_to_the_partial_one() -> None:
    stack = drawn(2, 5, 40, (3, 3, 3))
    for compute in (partial_tau, stratified_tau):
        turned = compute(stack[..., ::-1]).by_centre
        assert turned.tau_b == pytest.approx(compute(stack).by_centre.tau_b, abs=1e-12)
        assert turned.ci_low == pytest.approx(compute(stack).by_centre.ci_low, abs=1e-12)
    mixed = stack[..., [1, 0, 2]]
    assert stratified_tau(mixed).together.tau_b == pytest.approx(stratified_tau(stack).together.tau_b, abs=1e-12)
    assert abs(partial_tau(mixed).together.tau_b - partial_tau(stack).together.tau_b)[0] > 1e-3


def fractional(stack: NDArray[np.float64], method: str) -> float:
    """Return the coefficient of tables whose cells need not be whole."""

    def parts(table: NDArray[np.float64]) -> NDArray[np.float64]:
        n = table.sum()
        signs = [np.sign(np.subtract.outer(np.arange(size), np.arange(size))) for size in table.shape]
        s = (table * (signs[0] @ table @ signs[1].T)).sum()
        return np.array([s, n * n - (table.sum(axis=1) ** 2).sum(), n * n - (table.sum(axis=0) ** 2).sum()])

    if method == "stratified":
        s, x, y = np.sum([parts(table[:, :, z]) for table in stack for z in range(table.shape[2])], axis=0)
        return float(s / math.sqrt(x * y))
    found = [np.sum([parts(table.sum(axis=axis)) for table in stack], axis=0) for axis in (2, 1, 0)]
    a, b, c = (float(s / math.sqrt(x * y)) for s, x, y in found)
    return (a - b * c) / math.sqrt((1 - b * b) * (1 - c * c))


@pytest.mark.parametrize("method", ["partial", "stratified"])
def test_the_standard_error_is_that_of_the_derivative_in_each_cell(method: str) -> None:
    stack = drawn(3, 3, 35, (2, 3, 3))
    found = partial_tau(stack) if method == "partial" else stratified_tau(stack)
    for counts, result, at in groups(stack, found):
        variance, step = 0.0, 1e-5
        for centre, table in enumerate(counts):
            slopes = np.zeros(table.shape)
            for cell in np.ndindex(table.shape):
                more, less = counts.astype(float), counts.astype(float)
                more[(centre, *cell)] += step
                less[(centre, *cell)] -= step
                slopes[cell] = (fractional(more, method) - fractional(less, method)) / (2 * step)
            n = table.sum()
            mean = (table * slopes).sum() / n
            variance += (table * (slopes - mean) ** 2).sum() * n / (n - 1)
        assert result.se[at] == pytest.approx(math.sqrt(variance), rel=1e-5)


def test_what_only_the_covariate_makes_is_gone_within_strata() -> None:
    """Two kinds of mothers, one with little massage and milk, one with much of both; no association in either."""
    little, much = np.array([[36, 12], [12, 4]]), np.array([[4, 12], [12, 36]])
    stack = np.stack([little, much], axis=2)[None]
    assert kendall(stack.sum(axis=3)).tau_b[0] == pytest.approx(0.25)
    found = stratified_tau(stack)
    assert found.by_centre.tau_b[0] == found.together.tau_b[0] == 0
    assert found.by_centre.strata[0] == 2
    assert found.together.p_value[0] == 1
    # τxz = τyz = .5: what the formula takes away is all there was, since classes of two leave no order to miss.
    assert partial_tau(stack).by_centre.tau_b[0] == pytest.approx(0)


def test_the_partial_tau_leaves_a_part_of_what_a_covariate_in_classes_explains() -> None:
    shares = [0.1, 0.35, 0.6, 0.9]
    strata = [np.outer([1 - q, q], [(1 - q) ** 2, 2 * q * (1 - q), q * q]) for q in shares]
    stack = np.round(np.stack(strata, axis=2) * 1e6).astype(np.int64)[None]
    assert abs(stratified_tau(stack).by_centre.tau_b[0]) < 1e-5
    assert partial_tau(stack).by_centre.tau_b[0] > 0.04


@pytest.mark.parametrize(("method", "n"), [("partial", 10), ("partial", 40), ("stratified", 10), ("stratified", 40)])
def test_the_interval_holds_the_population_s_value_in_95_of_100_samples(method: str, n: int) -> None:
    cells = np.zeros((2, 3, 3))
    for z, (weight, lean) in enumerate(((0.3, -0.15), (0.4, 0.0), (0.3, 0.15))):
        pattern = np.array([[0.22, 0.2, 0.08], [0.08, 0.2, 0.22]]) + lean * np.array([[-1, 0, -1], [1, 0, 1]]) / 3
        cells[:, :, z] = weight * pattern
    compute = partial_tau if method == "partial" else stratified_tau
    true = fractional(cells[None], method)
    assert true > 0.2
    draws = np.random.default_rng(4).multinomial(n, cells.ravel(), 4000).reshape(-1, 2, 3, 3)
    found = compute(draws).by_centre
    usable = ~np.isnan(found.tau_b)
    held = (found.ci_low <= true) & (true <= found.ci_high)
    assert 0.93 < held[usable].mean() < 0.98  # Monte Carlo error .003


def test_the_stratified_p_is_uniform_without_an_association() -> None:
    x, y, z = np.array([0.4, 0.6]), np.array([0.3, 0.45, 0.25]), np.array([0.5, 0.3, 0.2])
    cells = x[:, None, None] * y[None, :, None] * z
    draws = np.random.default_rng(5).multinomial(40, cells.ravel(), 4000).reshape(-1, 2, 3, 3)
    p = stratified_tau(draws).by_centre.p_value
    for level in (0.05, 0.2, 0.5):
        assert (p < level).mean() == pytest.approx(level, abs=0.02)


FULL = np.array([[[5, 1], [3, 2], [1, 4]], [[1, 4], [2, 3], [4, 5]]])
Z_IS_X = np.array([[[5, 0], [3, 0], [1, 0]], [[0, 2], [0, 3], [0, 6]]])
Z_IS_Y = np.array([[[5, 0, 0], [0, 3, 0], [0, 0, 1]], [[1, 0, 0], [0, 4, 0], [0, 0, 6]]])


@pytest.mark.parametrize(
    ("table", "partial", "within"),
    [
        (np.zeros_like(FULL), "no records", "no records"),
        (np.eye(12, dtype=np.int64)[3].reshape(2, 3, 2), "only one record", "only one record"),
        (FULL * np.array([1, 0])[:, None, None], "all gave the same exposure", "all gave the same exposure"),
        (FULL * np.array([1, 0, 0])[None, :, None], "all gave the same outcome", "all gave the same outcome"),
        (FULL * np.array([0, 1]), "all are alike in the variable held equal", None),
        (Z_IS_X, "exposure and the variable held equal order all records alike", "do not both differ among"),
        (Z_IS_X[:, :, ::-1], "exposure and the variable held equal order all records alike", "do not both differ"),
        (Z_IS_Y, "outcome and the variable held equal order all records alike", "do not both differ among"),
    ],
)
def test_what_cannot_be_computed_says_why(table: Counts, partial: str, within: str | None) -> None:
    # Beside an ordinary centre: its neighbour's trouble is not its own.
    ordinary = np.zeros_like(table) + 2
    ordinary[0, 0, 0] = 9
    stack = np.stack([table, ordinary])
    for found, said in ((partial_tau(stack), partial), (stratified_tau(stack), within)):
        for result in (found.by_centre.columns(), found.together.columns()):
            assert result["reason"][-1] is None
            assert result["ci_method"][-1] == "smoothed score interval"
            assert result["ci_level"][-1] == 0.95
        reason = found.by_centre.columns()["reason"][0]
        assert (said is None and reason is None) or (said is not None and said in reason)
        if said:
            assert np.isnan(found.by_centre.columns()["ci_level"][0])


def test_all_together_says_why_too() -> None:
    same_exposure, same_outcome = FULL * np.array([1, 0])[:, None, None], FULL * np.array([1, 0, 0])[None, :, None]
    for stack, said in (
        (np.zeros((0, 2, 3, 2), dtype=np.int64), "no records"),
        (np.zeros((3, 2, 3, 2), dtype=np.int64), "no records"),
        (np.stack([same_exposure, same_outcome]), "no centre has a coefficient of its own"),
    ):
        for compute in (partial_tau, stratified_tau):
            assert list(compute(stack).together.columns()["reason"]) == [said]
            assert len(compute(stack).by_centre.n) == len(stack)
    assert reasons.in_words(partial_tau(Z_IS_X[None]).together.reason_code, "id")[0].startswith("paparan dan variabel")


def test_columns_are_those_of_the_table_of_results() -> None:
    found = stratified_tau(FULL[None]).by_centre.columns()
    assert list(found) == [
        *("n", "strata", "tau_b", "se", "ci_low", "ci_high", "ci_level", "ci_method", "p_value", "reason"),
    ]
    assert (found["n"][0], found["strata"][0]) == (35, 2)
    assert np.isnan(partial_tau(FULL[None]).by_centre.strata[0])


def test_counts_must_have_four_axes() -> None:
    for compute in (partial_tau, stratified_tau):
        with pytest.raises(ValueError, match="expected four"):
            compute(FULL)
        with pytest.raises(ValueError, match="negative"):
            compute(FULL[None] - 10)
