"""The exact p given both margins, against every table with those margins, counted in fractions."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from laktasi.analysis.exact import ConditionalP, Margin, conditional_p, exact_p_values, steps
from laktasi.analysis.exact import _canonical as canonical
from laktasi.analysis.exact import _fill as fill
from laktasi.analysis.exact import _sampled_sizes as sampled_sizes
from laktasi.analysis.exact import _States as States
from laktasi.analysis.pairs import count_pairs

Table = NDArray[np.int64]


def every_table(rows: tuple[int, ...], columns: tuple[int, ...]) -> list[tuple[tuple[int, ...], ...]]:
    if len(rows) == 1:
        return [(columns,)]
    found = []
    for first in itertools.product(*(range(min(rows[0], total) + 1) for total in columns)):
        if sum(first) == rows[0]:
            left = tuple(total - taken for total, taken in zip(columns, first, strict=True))
            found += [(first, *rest) for rest in every_table(rows[1:], left)]
    return found


def brute_force(rows: tuple[int, ...], columns: tuple[int, ...]) -> tuple[Table, list[Fraction]]:
    """Return all tables with these margins, and P(|S| >= |s|) of each, exactly."""
    tables = every_table(rows, columns)
    sizes = [abs(s_of(table)) for table in tables]
    weights = [
        Fraction(
            math.prod(map(math.factorial, (*rows, *columns))),
            math.factorial(sum(rows)) * math.prod(math.factorial(count) for row in table for count in row),
        )
        for table in tables
    ]
    assert sum(weights) == 1
    by_size: defaultdict[int, Fraction] = defaultdict(Fraction)
    for size, weight in zip(sizes, weights, strict=True):
        by_size[size] += weight
    return np.array(tables), [sum((by_size[other] for other in by_size if other >= size), Fraction()) for size in sizes]


def s_of(table: tuple[tuple[int, ...], ...]) -> int:
    cells = [(i, j, count) for i, row in enumerate(table) for j, count in enumerate(row) if count]
    return sum(
        a * b * (1 if (i - k) * (j - m) > 0 else -1 if (i - k) * (j - m) < 0 else 0)
        for (i, j, a), (k, m, b) in itertools.combinations(cells, 2)
    )


def margins(total: int, levels: int) -> list[tuple[int, ...]]:
    return [m for m in itertools.product(range(1, total + 1), repeat=levels) if sum(m) == total]


@pytest.mark.parametrize(("n", "row_levels", "column_levels"), [(2, 2, 2), (5, 2, 2), (6, 2, 3), (5, 3, 3), (5, 2, 4)])
def test_all_tables_of_small_margins(n: int, row_levels: int, column_levels: int) -> None:
    for rows, columns in itertools.product(margins(n, row_levels), margins(n, column_levels)):
        tables, expected = brute_force(rows, columns)
        np.testing.assert_allclose(exact_p_values(tables), [float(p) for p in expected], rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ((11, 14), (7, 12, 6)),
        ((3, 27), (10, 5, 15)),
        ((15, 15), (15, 15)),
        ((7, 5, 3), (4, 6, 5)),
        ((9, 1, 4), (3, 11)),
        ((3, 2, 4, 2), (5, 3, 3)),
        ((2, 3, 2, 2), (3, 2, 3, 1)),
    ],
)
def test_larger_margins_with_ties_of_every_kind(rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
    tables, expected = brute_force(rows, columns)
    np.testing.assert_allclose(exact_p_values(tables), [float(p) for p in expected], rtol=1e-12, atol=0)


@settings(max_examples=30, deadline=None)
@given(npst.arrays(np.int64, npst.array_shapes(min_dims=2, max_dims=2, max_side=4), elements=st.integers(0, 2)))
def test_random_tables_with_empty_levels(table: Table) -> None:
    rows, columns = tuple(map(int, table.sum(axis=1))), tuple(map(int, table.sum(axis=0)))
    if sum(rows) > 9:
        return
    p_value = exact_p_values(table[None])[0]
    pairs = count_pairs(table[None])
    if pairs.untied_rows[0] == 0 or pairs.untied_columns[0] == 0:
        assert math.isnan(p_value)
        return
    tables, expected = brute_force(rows, columns)
    own = next(p for other, p in zip(tables, expected, strict=True) if np.array_equal(other, table))
    assert p_value == pytest.approx(float(own), rel=1e-12)


def test_without_ties_it_is_kendalls_own_table() -> None:
    """Kendall (1970), appendix table 1: of the 24 orders of 4, two reach |S| = 6 and eight reach |S| >= 4."""
    perfect = np.eye(4, dtype=np.int64)
    one_swap = perfect[[1, 0, 2, 3]]
    np.testing.assert_allclose(exact_p_values(np.array([perfect, one_swap])), [2 / 24, 8 / 24], rtol=1e-14)


def test_direction_order_and_empty_levels_do_not_matter() -> None:
    table = np.array([[5, 2, 0, 1], [1, 0, 3, 4], [0, 0, 0, 0]])
    others = [table[::-1], table[:, ::-1], table[::-1, ::-1]]
    expected = exact_p_values(table[None])
    for other in others:
        np.testing.assert_array_equal(exact_p_values(other[None]), expected)
    np.testing.assert_array_equal(exact_p_values(table.T[None]), expected)


def test_turned_and_exchanged_tables_get_the_same_sample() -> None:
    """With as many rows as columns, too, whose margins could change places."""
    rng = np.random.default_rng(3)
    tables = [rng.poisson(1 + 30 * rng.random((4, 4))) for _ in range(8)]
    tables.append(np.array([[30, 20, 9, 1], [3, 20, 9, 1], [2, 9, 9, 1], [1, 2, 9, 30]]))
    for table in tables:
        turned = [table, table[::-1], table[:, ::-1], table[::-1, ::-1]]
        found = conditional_p(np.array([*turned, *(other.T for other in turned)]), draws=1000)
        assert found.method[0] == "Monte Carlo, 1000 draws"
        assert len(set(found.p)) == 1


def test_beyond_max_n_it_is_exact_only_where_that_is_cheap() -> None:
    small, large = np.full((1, 4, 4), 1), np.full((1, 4, 4), 4)
    assert conditional_p(small, max_n=16).method[0] == "exact"
    assert conditional_p(small, max_n=3).method[0] == "exact"  # few records are always cheap
    assert conditional_p(large, max_n=30).method[0] == "Monte Carlo, 10000 draws"
    assert math.isnan(exact_p_values(large)[0])
    assert conditional_p(np.array([[[150, 100, 50], [100, 150, 50]]])).method[0] == "exact"


def test_a_hundred_records_are_fishers_test() -> None:
    a_hundred = exact_p_values(np.array([[[30, 20], [20, 30]]]))
    # With two levels each way and equal halves, Fisher's exact test is the same test.
    assert a_hundred[0] == pytest.approx(fisher_exact([[30, 20], [20, 30]]).pvalue, rel=1e-11)


def shuffled_p(table: Table, draws: int) -> float:
    """Match the records of both margins at random, one by one: another way than the code's own."""
    x, y = np.indices(table.shape)
    xs, ys = np.repeat(x.ravel(), table.ravel()), np.repeat(y.ravel(), table.ravel())
    rng = np.random.default_rng(7)
    found = np.zeros((draws, *table.shape), dtype=np.int64)
    for draw in range(draws):
        np.add.at(found[draw], (xs, rng.permutation(ys)), 1)
    return float((np.abs(count_pairs(found).s) >= abs(count_pairs(table[None]).s[0])).mean())


@pytest.mark.parametrize("table", [[[9, 4, 2], [5, 9, 4], [3, 6, 9]], [[9, 4], [5, 9], [3, 6], [4, 8]]])
def test_the_sample_is_one_of_arrangements(table: list[list[int]]) -> None:
    """Every arrangement is as likely: against the exact p, and against records that are shuffled."""
    counts = np.array([table])
    rows, columns = (tuple(map(int, counts[0].sum(axis=axis))) for axis in (1, 0))
    exact = conditional_p(counts).p[0]
    reached = sampled_sizes(rows, columns, 200_000, 1)
    sampled = float((reached >= abs(count_pairs(counts).s[0])).mean())
    spread = math.sqrt(exact * (1 - exact) / 200_000)
    assert abs(sampled - exact) < 4 * spread
    assert abs(shuffled_p(counts[0], 3000) - exact) < 4 * math.sqrt(exact * (1 - exact) / 3000)


def sampled(table: Table, **given: int) -> ConditionalP:
    found = conditional_p(table[None], **given)
    assert str(found.method[0]).startswith("Monte Carlo")
    return found


LARGE = np.array([[14, 14, 12, 8], [15, 13, 14, 9], [13, 12, 13, 11], [8, 9, 12, 13]])


def test_the_sample_rests_on_seed_and_margins_alone() -> None:
    mirrored, other = LARGE[::-1], LARGE[:3, :] * 2
    alone = sampled(LARGE)
    for stack in ([LARGE, mirrored, other], [other, mirrored, LARGE]):
        among = conditional_p(np.array([np.pad(one, ((0, 4 - len(one)), (0, 0))) for one in stack]))
        at = next(index for index, one in enumerate(stack) if one is LARGE)
        assert (among.p[at], among.error[at]) == (alone.p[0], alone.error[0])
        assert among.p[1] == alone.p[0]  # S of the mirrored one is −S
    assert sampled(LARGE, seed=5).p[0] != sampled(LARGE, seed=6).p[0]


def test_the_error_is_that_of_a_share_and_p_is_never_0() -> None:
    found = sampled(LARGE, draws=4000)
    p = found.p[0]
    assert 0.01 < p < 0.5
    k = p * 4001 - 1
    assert k == pytest.approx(round(k), abs=1e-9)
    assert found.error[0] == pytest.approx(math.sqrt(p * (1 - p) / 4000))
    perfect = 40 * np.eye(4, dtype=np.int64)
    assert sampled(perfect, draws=4000).p[0] == pytest.approx(1 / 4001)


def test_sampled_and_exact_p_agree_where_both_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = np.random.default_rng(3).integers(0, 6, (20, 3, 3))
    exact = conditional_p(stack)
    monkeypatch.setattr("laktasi.analysis.exact.is_exact", lambda *_: False)
    by_chance = conditional_p(stack)
    assert set(by_chance.method) == {"Monte Carlo, 10000 draws"}
    apart = np.abs(by_chance.p - exact.p)
    assert (apart < 4.5 * by_chance.error + 2e-4).all()
    assert (apart > 0).any()


def test_steps_told_beforehand_bound_those_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    def counting(rows: Margin, states: States, total: int) -> Iterator[States]:
        nonlocal taken
        for some in fill(rows, states, total):
            taken += len(some.s)
            yield some

    monkeypatch.setattr("laktasi.analysis.exact._fill", counting)
    for rows, columns in [((9, 9), (6, 6, 6)), ((5, 6, 7), (4, 9, 5)), ((3, 8, 4), (2, 5, 4, 4)), ((2, 12), (7, 3, 4))]:
        taken = 0
        table = np.array(every_table(rows, columns)[0])
        conditional_p(table[None], max_n=60)
        assert 0 < taken <= steps(*canonical(np.array(rows), np.array(columns)))


def test_large_tables_are_not_attempted() -> None:
    """One that would take all of the memory there is, were it tried."""
    even = np.full((1, 2, 3), 10_000_000)
    assert steps((30_000_000,) * 2, (20_000_000,) * 3) > 10**6
    assert conditional_p(even).method[0] == "Monte Carlo, 10000 draws"
    beyond = conditional_p(np.full((1, 2, 2), 400_000_000))
    assert beyond.method[0] is None
    assert math.isnan(beyond.p[0])


def test_a_p_too_small_for_a_float_is_not_0() -> None:
    p = conditional_p(np.array([[[700, 0], [0, 700]]]), max_n=2000).p[0]
    assert 0 < p < 1e-300


def test_states_filled_some_at_a_time_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array([[[5, 2, 1, 1], [1, 4, 3, 4], [2, 2, 6, 1]]])
    at_once = conditional_p(table).p[0]
    monkeypatch.setattr("laktasi.analysis.exact.STEPS_AT_A_TIME", 50)
    assert conditional_p(table).p[0] == pytest.approx(at_once, rel=1e-13)


def test_states_that_one_integer_cannot_tell_apart_are_told_apart_too(monkeypatch: pytest.MonkeyPatch) -> None:
    small = np.array([[[5, 2, 1, 1], [1, 4, 3, 4], [2, 2, 6, 1]]])
    by_key = conditional_p(small).p[0]
    monkeypatch.setattr("laktasi.analysis.exact.LARGEST_KEY", 1)
    assert conditional_p(small).p[0] == pytest.approx(by_key, rel=1e-13)
