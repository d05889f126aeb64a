"""Kendall's tau_b from counts: against scipy, against the definition, and in its degenerate cases."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.stats import kendalltau

from laktasi.analysis.kendall import kendall
from laktasi.analysis.pairs import MAX_N, count_pairs
from laktasi.analysis.reasons import REASONS, in_words

Table = NDArray[np.int64]
MOPUYA = np.array([[7, 4, 0], [0, 8, 6]])
FIELDS = ("n", "s", "tau_b", "var0", "z", "p_value", "ase1", "ci_low", "ci_high", "tau_b_min", "tau_b_max")


def tables(largest_cell: int = 6) -> st.SearchStrategy[Table]:
    shapes = st.tuples(st.integers(1, 5), st.integers(1, 5))
    # Small cells make ties and empty levels; large ones make long sums.
    cells = st.one_of(st.integers(0, 1), st.integers(0, largest_cell))
    return shapes.flatmap(lambda shape: npst.arrays(np.int64, shape, elements=cells))


def records(table: Table) -> tuple[Table, Table]:
    x, y = np.indices(table.shape)
    return np.repeat(x.ravel(), table.ravel()), np.repeat(y.ravel(), table.ravel())


def s_by_definition(table: Table) -> int:
    x, y = records(table)
    return int(sum(np.sign(x[a] - x[b]) * np.sign(y[a] - y[b]) for a, b in itertools.combinations(range(len(x)), 2)))


def tables_with_margins(rows: tuple[int, ...], columns: tuple[int, ...]) -> list[Table]:
    """Return every table with these margins, found row by row."""
    if len(rows) == 1:
        return [np.array([columns])]
    found = []
    for first in itertools.product(*(range(min(rows[0], total) + 1) for total in columns)):
        if sum(first) == rows[0]:
            left = tuple(total - taken for total, taken in zip(columns, first, strict=True))
            found += [np.vstack([first, rest]) for rest in tables_with_margins(rows[1:], left)]
    return found


@settings(deadline=None)
@given(tables(largest_cell=40))
def test_tau_z_and_p_are_scipys(table: Table) -> None:
    ours = kendall(table[None])
    x, y = records(table)
    if len(x) < 3:
        return  # scipy divides by zero at two records
    theirs = kendalltau(x, y, method="asymptotic")
    if math.isnan(theirs.statistic):
        assert math.isnan(ours.tau_b[0])
        assert ours.reason_code[0] is not None
    else:
        assert ours.tau_b[0] == pytest.approx(theirs.statistic, abs=1e-12)
        assert ours.p_value[0] == pytest.approx(theirs.pvalue, abs=1e-12)
        assert ours.reason_code[0] is None


@settings(deadline=None)
@given(tables(largest_cell=3))
def test_s_is_counted_as_defined(table: Table) -> None:
    assert kendall(table[None]).s[0] == s_by_definition(table)


@settings(deadline=None)
@given(tables())
def test_reversing_a_variable_changes_the_sign_only(table: Table) -> None:
    ours, mirrored = kendall(table[None]), kendall(table[None, :, ::-1])
    for name, other, sign in (
        ("tau_b", "tau_b", -1),
        ("z", "z", -1),
        ("p_value", "p_value", 1),
        ("ase1", "ase1", 1),
        ("tau_b_min", "tau_b_max", -1),
        ("tau_b_max", "tau_b_min", -1),
        ("ci_low", "ci_high", -1),
        ("ci_high", "ci_low", -1),
    ):
        np.testing.assert_allclose(getattr(ours, name), sign * getattr(mirrored, other), atol=1e-12)


@settings(deadline=None)
@given(tables(), st.integers(0, 4), st.integers(0, 4))
def test_levels_that_nobody_chose_change_nothing(table: Table, row: int, column: int) -> None:
    wider = np.insert(np.insert(table, min(row, table.shape[0]), 0, axis=0), min(column, table.shape[1]), 0, axis=1)
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(kendall(table[None]), name), getattr(kendall(wider[None]), name), atol=1e-12, err_msg=name
        )


@settings(deadline=None)
@given(tables())
def test_exposure_and_outcome_may_change_places(table: Table) -> None:
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(kendall(table[None]), name), getattr(kendall(table.T[None]), name), atol=1e-12, err_msg=name
        )


@settings(deadline=None)
@given(st.lists(npst.arrays(np.int64, (3, 3), elements=st.integers(0, 4)), min_size=1, max_size=6))
def test_tables_do_not_touch_each_other(stack: list[Table]) -> None:
    together = kendall(np.array(stack))
    for index, table in enumerate(stack):
        alone = kendall(table[None])
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(together, name)[index], getattr(alone, name)[0], err_msg=name)
        assert together.reason_code[index] == alone.reason_code[0]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ((1, 1), (1, 1)),
        ((11, 14), (7, 12, 6)),
        ((3, 4), (1, 5, 1)),
        ((6, 1), (2, 3, 2)),
        ((2, 3, 4), (4, 1, 4)),
        ((1, 5, 2), (3, 3, 2)),
        ((2, 2, 2, 2), (1, 3, 4)),
        ((3, 2, 1, 2), (2, 2, 2, 2)),
    ],
)
def test_attainable_range_is_that_of_all_tables_with_the_same_margins(
    rows: tuple[int, ...], columns: tuple[int, ...]
) -> None:
    every = np.array(tables_with_margins(rows, columns))
    results = kendall(every)
    assert len(np.unique(results.tau_b_max)) == 1
    assert results.tau_b_max[0] == results.tau_b.max()
    assert results.tau_b_min[0] == results.tau_b.min()


@settings(deadline=None)
@given(tables())
def test_ase1_is_the_published_formula(table: Table) -> None:
    """Against Brown and Benedetti's formula as they print it, cell by cell, with its two cancelling terms."""
    ours = kendall(table[None])
    if ours.reason_code[0] is not None:
        return
    n, rows, columns = table.sum(), table.sum(axis=1), table.sum(axis=0)
    d_rows, d_columns = n**2 - (rows**2).sum(), n**2 - (columns**2).sum()
    w, tau = math.sqrt(d_rows * d_columns), ours.tau_b[0]
    total = 0.0
    for (i, j), count in np.ndenumerate(table):
        concordant = table[:i, :j].sum() + table[i + 1 :, j + 1 :].sum()
        discordant = table[:i, j + 1 :].sum() + table[i + 1 :, :j].sum()
        v = rows[i] * d_columns + columns[j] * d_rows
        total += count * (2 * w * (concordant - discordant) + tau * v) ** 2
    variance = (total - float(n) ** 3 * tau**2 * float(d_rows + d_columns) ** 2) / w**4
    assert ours.ase1[0] ** 2 == pytest.approx(variance, abs=1e-9)


def test_large_tables_keep_their_digits() -> None:
    table = np.array([[400_000, 90_000, 10_000], [30_000, 200_000, 270_000]])
    x, y = records(table)
    theirs = kendalltau(x, y, method="asymptotic")
    ours = kendall(table[None])
    assert ours.n[0] == 1_000_000
    assert ours.tau_b[0] == pytest.approx(theirs.statistic, abs=1e-12)
    # Far out in the tail p is 0 for both; a million records with hardly any association show the variance.
    flat = np.array([[166_000, 166_700, 166_900], [166_500, 166_700, 167_200]])
    x, y = records(flat)
    theirs = kendalltau(x, y, method="asymptotic")
    assert 0.0001 < theirs.pvalue < 0.9
    assert kendall(flat[None]).p_value[0] == pytest.approx(theirs.pvalue, rel=1e-9)


def test_one_record_in_the_rare_level_of_a_million_keeps_its_variance() -> None:
    """Two levels each way, one record apart: Var0 is Dx Dy / (n − 1) exactly, which a difference of n³ terms loses."""
    n = 1_000_000
    pairs = count_pairs(np.array([[[0, 1], [n - 1, 0]]]))
    assert pairs.var0[0] == pytest.approx((n - 1) ** 2 / (n - 1), rel=1e-14)


def test_two_records_that_differ_in_both_have_a_tau() -> None:
    result = kendall(np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]))
    assert list(result.tau_b) == [1, -1]
    assert list(result.z) == [1, -1]
    np.testing.assert_allclose(result.p_value, 0.31731050786291415)  # 2 Φ(−1)


@pytest.mark.parametrize(
    ("table", "code", "words"),
    [
        ([[0, 0], [0, 0]], "no_records", "no records"),
        ([[0, 1], [0, 0]], "one_record", "only one record"),
        ([[2, 3], [0, 0]], "same_exposure", "all gave the same exposure"),
        ([[0, 3], [0, 4]], "same_outcome", "all gave the same outcome"),
        ([[0, 0], [0, 9]], "same_both", "all gave the same exposure and the same outcome"),
    ],
)
def test_no_tau_says_why_and_nothing_else(table: list[list[int]], code: str, words: str) -> None:
    both = kendall(np.array([table, [[1, 0], [0, 1]]]))
    assert list(both.reason_code) == [code, None]
    assert list(both.reason) == [words, None]
    assert in_words(both.reason_code, "id")[0] == REASONS[code]["id"]
    assert both.ci_method[0] is None
    assert both.n[0] == np.sum(table)
    for name in set(FIELDS) - {"n", "s"}:
        assert math.isnan(getattr(both, name)[0]), name
        assert not math.isnan(getattr(both, name)[1]), name


def test_every_reason_is_said_in_both_languages() -> None:
    assert all(set(words) == {"en", "id"} and all(words.values()) for words in REASONS.values())


def test_no_tables_give_no_results() -> None:
    assert kendall(np.zeros((0, 2, 3), dtype=np.int64)).tau_b.shape == (0,)


@pytest.mark.parametrize(
    ("counts", "what"),
    [
        (np.zeros((2, 3), dtype=np.int64), "2 axes"),
        (np.zeros((1, 2, 3)), "float64"),
        (np.array([[[1, -1], [1, 1]]]), "negative"),
        (np.array([[[MAX_N, 1], [1, 1]]]), str(MAX_N + 3)),
    ],
)
def test_what_is_not_a_stack_of_tables_is_refused(counts: NDArray[np.integer], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        kendall(counts)


def test_no_p_is_printed_as_impossible() -> None:
    found = kendall(np.array([[[5000, 100], [100, 5000]]]))
    assert found.p_value[0] == np.finfo(np.float64).tiny
