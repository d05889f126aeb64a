"""Every measure of a table by its definition, its standard errors by the printed formulas, and degenerate cases."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from laktasi.analysis.kendall import kendall
from laktasi.analysis.measures import Measure, Measures, measures
from laktasi.analysis.pairs import count_pairs

Table = NDArray[np.int64]
Stack = NDArray[np.int64]

NAMES = ("tau_b", "tau_c", "gamma", "somers_d_yx", "somers_d_xy")
FIELDS = ("value", "ase1", "ase0", "ci_low", "ci_high")


def tables(largest_cell: int = 6) -> st.SearchStrategy[Table]:
    shapes = st.tuples(st.integers(1, 5), st.integers(1, 5))
    cells = st.one_of(st.integers(0, 1), st.integers(0, largest_cell))
    return shapes.flatmap(lambda shape: npst.arrays(np.int64, shape, elements=cells))


def of(table: Table) -> Measures:
    return measures(count_pairs(table[None]))


def varies(table: Table) -> bool:
    return bool(table.any(axis=1).sum() > 1 and table.any(axis=0).sum() > 1)


def by_definition(table: Table) -> dict[str, float]:
    """Compare every record with every other."""
    x, y = np.indices(table.shape)
    xs, ys = np.repeat(x.ravel(), table.ravel()), np.repeat(y.ravel(), table.ravel())
    pairs = [(np.sign(xs[a] - xs[b]), np.sign(ys[a] - ys[b])) for a, b in itertools.combinations(range(len(xs)), 2)]
    s = sum(dx * dy for dx, dy in pairs)
    in_x, in_y = sum(dx != 0 for dx, _ in pairs), sum(dy != 0 for _, dy in pairs)
    in_both = sum(dx != 0 and dy != 0 for dx, dy in pairs)
    m = min(table.any(axis=1).sum(), table.any(axis=0).sum())
    return {
        "tau_b": s / math.sqrt(in_x * in_y),
        "tau_c": 2 * s / (len(xs) ** 2 * (m - 1) / m),
        "gamma": s / in_both,
        "somers_d_yx": s / in_x,
        "somers_d_xy": s / in_y,
    }


def printed_formulas(table: Table) -> dict[str, tuple[float, float]]:
    """Return ASE1 and ASE0 as Brown and Benedetti, and the manuals after them, print them: P and Q counted twice."""
    n = table.sum()
    rows, columns = table.sum(axis=1, keepdims=True), table.sum(axis=0, keepdims=True)
    c, d = np.zeros(table.shape), np.zeros(table.shape)
    for i, j in np.ndindex(table.shape):
        c[i, j] = table[:i, :j].sum() + table[i + 1 :, j + 1 :].sum()
        d[i, j] = table[:i, j + 1 :].sum() + table[i + 1 :, :j].sum()
    p, q = (table * c).sum(), (table * d).sum()
    d_r, d_c = n**2 - (rows**2).sum(), n**2 - (columns**2).sum()
    m = min((rows > 0).sum(), (columns > 0).sum())
    null = (table * (c - d) ** 2).sum() - (p - q) ** 2 / n
    tau_b = (p - q) / math.sqrt(d_r * d_c)
    v = rows * d_c + columns * d_r
    inner = (table * (2 * math.sqrt(d_r * d_c) * (c - d) + tau_b * v) ** 2).sum()
    inner -= n**3 * tau_b**2 * (d_r + d_c) ** 2
    ase1 = {
        "tau_b": math.sqrt(max(inner, 0)) / (d_r * d_c),
        "tau_c": 2 * m / ((m - 1) * n**2) * math.sqrt(max(null, 0)),
        "gamma": 4 / (p + q) ** 2 * math.sqrt((table * (q * c - p * d) ** 2).sum()),
        "somers_d_yx": 2 / d_r**2 * math.sqrt((table * (d_r * (c - d) - (p - q) * (n - rows)) ** 2).sum()),
        "somers_d_xy": 2 / d_c**2 * math.sqrt((table * (d_c * (c - d) - (p - q) * (n - columns)) ** 2).sum()),
    }
    below = {
        "tau_b": math.sqrt(d_r * d_c),
        "tau_c": (m - 1) * n**2 / m,
        "gamma": p + q,
        "somers_d_yx": d_r,
        "somers_d_xy": d_c,
    }
    return {name: (ase1[name], 2 / below[name] * math.sqrt(max(null, 0))) for name in NAMES}


@settings(deadline=None, max_examples=60)
@given(tables(largest_cell=4))
def test_values_are_as_defined_pair_by_pair(table: Table) -> None:
    ours = of(table)
    if not varies(table):
        return
    expected = by_definition(table)
    for name in NAMES:
        assert getattr(ours, name).value[0] == pytest.approx(expected[name], abs=1e-14), name


@settings(deadline=None)
@given(tables(largest_cell=40))
def test_standard_errors_are_those_of_the_printed_formulas(table: Table) -> None:
    ours = of(table)
    if not varies(table):
        return
    for name, (ase1, ase0) in printed_formulas(table).items():
        one: Measure = getattr(ours, name)
        # The printed formulas take differences of large terms: no digits are left near 0.
        assert one.ase1[0] == pytest.approx(ase1, rel=1e-6, abs=1e-6), name
        assert one.ase0[0] == pytest.approx(ase0, rel=1e-6, abs=1e-6), name


@settings(deadline=None)
@given(tables(largest_cell=40))
def test_where_tau_b_is_all_are_and_their_intervals_hold_them(table: Table) -> None:
    ours = of(table)
    for name, field in itertools.product(NAMES, FIELDS):
        assert math.isnan(getattr(getattr(ours, name), field)[0]) is not varies(table), (name, field)
    if varies(table):
        for name in NAMES:
            one: Measure = getattr(ours, name)
            assert -1 <= one.ci_low[0] <= one.value[0] <= one.ci_high[0] <= 1
            assert one.ci_low[0] < one.ci_high[0]


def test_every_measure_has_the_same_approximate_t() -> None:
    ours = of(np.array([[10, 4, 2], [5, 9, 4], [1, 6, 11]]))
    for name in NAMES:
        one: Measure = getattr(ours, name)
        assert one.value[0] / one.ase0[0] == pytest.approx(ours.approx_t[0], rel=1e-13)


@pytest.mark.parametrize("table", [[[5, 0], [0, 5]], [[1, 0], [0, 1]], [[2, 0, 0], [0, 2, 0], [0, 0, 2]]])
def test_where_all_records_stand_alike_there_is_no_approximate_t(table: list[list[int]]) -> None:
    ours = of(np.array(table))
    assert ours.tau_b.ase0[0] == 0
    assert math.isnan(ours.approx_t[0])
    assert math.isnan(ours.approx_p[0])
    assert not math.isnan(ours.tau_b.value[0])


def test_a_perfect_table_has_no_standard_error_but_an_interval() -> None:
    ours = of(np.array([[8, 0, 0], [0, 3, 0], [0, 0, 5]]))
    for name in ("tau_b", "gamma", "somers_d_yx", "somers_d_xy"):
        one: Measure = getattr(ours, name)
        assert (one.value[0], one.ase1[0], one.ci_high[0]) == (1, 0, 1), name
        assert 0.3 < one.ci_low[0] < 0.9
    assert ours.approx_t[0] > 0


def test_levels_that_nobody_has_change_nothing() -> None:
    table = np.array([[6, 3], [2, 7], [1, 5]])
    wide = np.zeros((5, 4), dtype=np.int64)
    wide[np.ix_([0, 2, 4], [1, 3])] = table
    for name, field in itertools.product(NAMES, FIELDS):
        narrow, with_empty = (getattr(getattr(of(each), name), field)[0] for each in (table, wide))
        assert with_empty == pytest.approx(narrow, rel=1e-13), (name, field)


@settings(deadline=None, max_examples=50)
@given(tables(largest_cell=20))
def test_exchanging_the_variables_exchanges_somers_d(table: Table) -> None:
    ours, turned = of(table), of(table.T)
    for name, other in (("tau_b",) * 2, ("tau_c",) * 2, ("gamma",) * 2, ("somers_d_yx", "somers_d_xy")):
        for field in FIELDS:
            np.testing.assert_allclose(
                getattr(getattr(ours, name), field), getattr(getattr(turned, other), field), rtol=1e-9, atol=1e-9
            )


def test_reversing_a_variable_mirrors_everything() -> None:
    table = np.array([[10, 4, 2], [5, 9, 4], [1, 6, 11]])
    ours, mirrored = of(table), of(table[:, ::-1])
    for name in NAMES:
        one, other = getattr(ours, name), getattr(mirrored, name)
        assert other.value[0] == pytest.approx(-one.value[0])
        assert (other.ci_low[0], other.ci_high[0]) == pytest.approx((-one.ci_high[0], -one.ci_low[0]))
        assert other.ase1[0] == pytest.approx(one.ase1[0])


def test_a_table_does_not_depend_on_the_others() -> None:
    rng = np.random.default_rng(20260301)
    stack = rng.integers(0, 9, (50, 3, 4))
    together = measures(count_pairs(stack))
    for index in (0, 17, 49):
        alone = of(stack[index])
        for name, field in itertools.product(NAMES, FIELDS):
            # To the last digit: a centre's numbers do not change when another joins.
            assert getattr(getattr(together, name), field)[index] == getattr(getattr(alone, name), field)[0]


def test_tau_b_is_that_of_kendall() -> None:
    stack = np.random.default_rng(1).integers(0, 9, (50, 2, 3))
    ours, theirs = measures(count_pairs(stack)).tau_b, kendall(stack)
    np.testing.assert_array_equal(ours.value, theirs.tau_b)
    np.testing.assert_array_equal(ours.ci_low, theirs.ci_low)
    np.testing.assert_array_equal(ours.ci_high, theirs.ci_high)
    np.testing.assert_allclose(ours.ase1, theirs.ase1, rtol=1e-12, atol=1e-15)


def test_a_million_records_keep_their_digits() -> None:
    """In steps of a million the standard errors fall by the root of a million, and the measures stay."""
    table = np.array([[10, 4, 2], [5, 9, 4], [1, 6, 11]])
    few, many = of(table), of(table * 1_000_000)
    for name in NAMES:
        one, other = getattr(few, name), getattr(many, name)
        assert other.value[0] == pytest.approx(one.value[0], rel=1e-13)
        assert other.ase1[0] * 1000 == pytest.approx(one.ase1[0], rel=1e-12)
        assert other.ase0[0] * 1000 == pytest.approx(one.ase0[0], rel=1e-12)


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("n", [10, 40])
def test_intervals_cover_what_they_say(name: str, n: int) -> None:
    cells = np.array([[0.25, 0.15, 0.05], [0.05, 0.25, 0.25]])
    true = getattr(of(np.round(cells * 1e8).astype(np.int64)), name).value[0]
    rng = np.random.default_rng(20260301)
    one: Measure = getattr(measures(count_pairs(rng.multinomial(n, cells.ravel(), 4000).reshape(-1, 2, 3))), name)
    has_one = ~np.isnan(one.value)
    held = (one.ci_low <= true) & (true <= one.ci_high)
    assert 0.93 < held[has_one].mean() < 0.99  # benchmarks/measures_coverage.py has the whole picture
