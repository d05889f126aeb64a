"""The rule for cells, and attacks on it: what margins, sums and coefficients give back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import log2, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from laktasi.errors import ReleaseError
from laktasi.release.cells import blurs, hidden_bits, passes, tells_a_group
from laktasi.release.places import Places, Whereabouts, decide_places, says_where
from laktasi.release.rule import BITS
from laktasi.release.suppress import WITHHELD
from laktasi.study import Pair

Counts = NDArray[np.int64]
PAIR = Pair("milk", "cups")


def tau_b(table: Counts) -> float:
    """Compute Kendall's tau_b by its definition."""
    s = sum(
        int(table[i, j]) * (int(table[i + 1 :, j + 1 :].sum()) - int(table[i + 1 :, :j].sum()))
        for i, j in np.ndindex(*table.shape)
    )
    n = int(table.sum())
    tied = [sum(int(m) * (int(m) - 1) / 2 for m in table.sum(axis=axis)) for axis in (0, 1)]
    untied = [n * (n - 1) / 2 - pairs for pairs in tied]
    return s / sqrt(untied[0] * untied[1]) if untied[0] * untied[1] else 0.0


def tables_with(margins: Counts) -> Iterator[Counts]:
    """Give every 2 × 3 table with the margins of one."""
    rows, columns = margins.sum(axis=1), margins.sum(axis=0)
    for first in product(*(range(int(most) + 1) for most in columns)):
        if sum(first) == rows[0]:
            yield np.array([first, columns - np.array(first)])


def test_margins_and_tau_b_give_back_the_table_of_the_paper() -> None:
    """Why a coefficient is under the rule: one of 53 tables fits the margins and the three digits that were printed."""
    true = np.array([[0, 4, 7], [6, 8, 0]])
    fitting = [table for table in tables_with(true) if abs(abs(tau_b(table)) - 0.699) < 0.0005]
    assert len(list(tables_with(true))) == 53
    assert [table.tolist() for table in fitting] == [true.tolist()]
    assert not passes(true, 5)
    assert passes(true, 4, 25)
    assert not passes(true, 4, 26)
    assert tells_a_group(true)


def test_a_group_is_told_where_one_answer_follows_from_the_other() -> None:
    assert not tells_a_group(np.array([[5, 6, 7], [8, 9, 5]]))
    assert tells_a_group(np.array([[5, 6, 7], [0, 9, 0]]))
    assert tells_a_group(np.array([[5, 6], [8, 0]]))
    assert tells_a_group(np.array([[0, 0], [8, 9]]))


def test_a_sum_hides_its_parts_only_where_the_others_are_enough() -> None:
    assert blurs(np.array([0, 0]), 3)
    assert not blurs(np.array([50, 0]), 3)
    assert not blurs(np.array([50, 2]), 3)
    assert blurs(np.array([50, 2, 1]), 3)
    assert blurs(np.array([50, 2, 50, 3, 0, 0]), 3, np.array([0, 2, 4])).tolist() == [False, True, True]


def ways(total: Counts, sizes: tuple[int, int]) -> list[Counts]:
    """Give every table of the first of two centres that the sum allows."""
    found = product(*(range(int(cell) + 1) for cell in total.ravel()))
    return [np.array(first).reshape(total.shape) for first in found if sum(first) == sizes[0]]


def test_a_pooled_estimate_gives_two_withheld_centres_back_and_the_rule_knows_it() -> None:
    """The attack that a cell rule alone does not stop: try every way to share the known sum."""
    one, other = np.array([[3, 1, 0], [1, 2, 4]]), np.array([[2, 2, 1], [0, 1, 3]])
    total = one + other
    published = [tau_b(one) + tau_b(other), tau_b(one) * tau_b(other)]  # say, a mean and a measure of spread
    allowed = ways(total, (int(one.sum()), int(other.sum())))
    fitting = [
        table
        for table in allowed
        if abs(tau_b(table) + tau_b(total - table) - published[0]) < 5e-4
        and abs(tau_b(table) * tau_b(total - table) - published[1]) < 5e-4
    ]
    # few enough to be tried by hand, among hundreds
    assert len(fitting) < 10 < len(allowed)
    assert len(allowed) > 300
    assert hidden_bits(total, 2) <= log2(len(allowed)) + 1e-9
    assert hidden_bits(total, 2) < 2 * BITS


def test_bits_are_those_of_all_ways_to_share_given_the_most_frequent_sizes() -> None:
    total = np.array([[2, 3], [1, 2]])
    everything = np.prod([cell + 1 for cell in total.ravel()])
    assert hidden_bits(total, 2) == pytest.approx(log2(everything) - log2(total.sum() + 1))
    assert hidden_bits(total, 1) == 0
    assert hidden_bits(total * 20, 10) > 10 * hidden_bits(total, 2)


def decide(sizes: dict[str, Counts], areas: dict[str, int], k: int = 3, at_least: int = 6) -> Places:
    """Decide over centres with the given tables, each in an area that the rows name beside the centre."""
    names = sorted(sizes)
    centre_codes = [name for name in names for _ in range(int(sizes[name].sum()))]
    codes = np.array([[names.index(name), areas[name]] for name in centre_codes])
    present = np.ones(len(centre_codes), dtype=bool)
    tables = {PAIR: {name: sizes[name] for name in names}}
    return decide_places(Whereabouts(codes, 0, centre_codes, tables, {PAIR: present}), k=k, at_least=at_least)


LARGE, SMALL = np.array([[4, 5], [6, 7]]), np.array([[1, 0], [2, 1]])


def test_a_single_withheld_centre_takes_the_smallest_shown_one_along() -> None:
    made = decide({"a": LARGE, "b": LARGE * 2, "c": LARGE * 3, "d": SMALL}, dict.fromkeys("abcd", 0))
    assert made.shown[PAIR] == {"b", "c"}
    assert made.withheld[PAIR] == {"a", "d"}


def test_an_area_that_is_one_withheld_centre_is_not_named() -> None:
    made = decide({"a": LARGE, "b": SMALL, "c": SMALL, "d": SMALL}, {"a": 0, "b": 1, "c": 2, "d": 2})
    areas = made.codes[:, 1]
    centres = np.repeat(list("abcd"), [22, 4, 4, 4])
    assert (areas[centres == "b"] == WITHHELD).all()
    assert (areas[centres == "a"] == 0).all()


def test_all_records_of_one_centre_whose_table_may_not_go_out_are_refused() -> None:
    with pytest.raises(ReleaseError, match="as good as one health centre's") as refused:
        decide({"a": SMALL}, {"a": 0})
    assert refused.value.exit_code == 11
    assert decide({"a": LARGE}, {"a": 0}).shown[PAIR] == {"a"}


def test_a_centre_whose_records_disagree_about_their_area_is_withheld() -> None:
    names = ["a"] * 22 + ["b"] * 22 + ["c"] * 22
    codes = np.array([[ord(name) - ord("a"), 0] for name in names])
    codes[0, 1] = 1
    tables = {PAIR: dict.fromkeys("abc", LARGE)}
    where = Whereabouts(codes, 0, names, tables, {PAIR: np.ones(66, dtype=bool)})
    made = decide_places(where, k=3, at_least=6)
    assert "a" in made.withheld[PAIR]
    assert (made.codes[0] == WITHHELD).all()


tables = st.lists(st.integers(0, 9), min_size=4, max_size=4).map(lambda cells: np.array(cells).reshape(2, 2))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(tables, st.integers(0, 2)), min_size=2, max_size=7))
def test_no_subtraction_leaves_a_withheld_centre_alone(drawn: list[tuple[Counts, int]]) -> None:
    sizes = {f"c{at}": table for at, (table, _) in enumerate(drawn) if table.sum()}
    areas = {f"c{at}": area for at, (_, area) in enumerate(drawn)}
    if not sizes:
        return
    try:
        made = decide(sizes, areas)
    except ReleaseError:
        whole = np.array([int(table.sum()) for table in sizes.values()])
        assert whole.sum() - whole.max() < 3
        return
    shown = made.shown[PAIR]
    assert all(passes(sizes[name], 3, 6) and not tells_a_group(sizes[name]) for name in shown)
    centres = np.array([name for name in sorted(sizes) for _ in range(int(sizes[name].sum()))])
    for group in np.unique(made.codes, axis=0):
        here = centres[(made.codes == group).all(axis=1)]
        hidden = [int((here == name).sum()) for name in set(here.tolist()) - shown]
        assert not hidden or (len(hidden) > 1 and sum(hidden) - max(hidden) >= 3)
        if group[0] != WITHHELD:
            assert set(here.tolist()) <= shown


def test_an_answer_that_all_at_a_centre_share_says_where_it_is() -> None:
    centres = np.repeat(np.arange(6), 10)
    district = centres // 2
    assert says_where(district, centres)
    slip = district.copy()
    slip[0] = 2
    assert says_where(slip, centres)
    assert not says_where(np.arange(60) % 2, centres)
    assert not says_where(np.zeros(60, dtype=np.int64), centres)
    assert not says_where(np.full(60, -1), centres)
    # who says yes nearly always says nothing about where
    mostly = np.zeros(60, dtype=np.int64)
    mostly[::20] = 1
    assert not says_where(mostly, centres)


def test_what_is_withheld_in_one_district_costs_the_others_nothing() -> None:
    sizes = {f"c{at}": LARGE * (1 + at % 3) for at in range(9)} | {"c4": SMALL}
    made = decide(sizes, {name: at // 3 for at, name in enumerate(sizes)})
    # the sum over c4 alone would be its table, so the smallest of all goes with it
    assert made.withheld[PAIR] == {"c0", "c4"}
    centres = np.repeat(sorted(sizes), [int(sizes[name].sum()) for name in sorted(sizes)])
    assert set(centres[made.codes[:, 1] == WITHHELD].tolist()) == {"c0", "c4"}


def test_an_answer_that_nobody_else_gave_does_not_say_where() -> None:
    centres = np.arange(3000) % 500
    assert not says_where(np.arange(3000), centres // 250)
    assert says_where(centres // 2, centres)
