"""Before and after: the test over all signs, the estimate and interval that belong to it, and why there is none."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from laktasi.analysis import paired
from laktasi.analysis.paired import MIN_PAIRS, BeforeAfter, before_after, before_after_in_groups
from laktasi.analysis.signed_ranks import EXACT_PAIRS, sign_chances

Floats = NDArray[np.float64]


def of_changes(d: Floats, start: float = 100.0) -> BeforeAfter:
    return before_after(np.full(len(d), start), start + d)


def some(value: float | None) -> float:
    assert value is not None
    return value


changes = st.lists(st.integers(-4, 4).map(float), min_size=MIN_PAIRS, max_size=9).filter(any)


@settings(deadline=None, max_examples=40)
@given(changes)
def test_p_is_counted_over_all_signs_of_what_moved(given_changes: list[float]) -> None:
    d = np.array(given_changes)
    moved = d[d != 0]
    ranks = stats.rankdata(np.abs(moved))
    observed = ranks[moved > 0].sum()
    sums = np.array([(ranks * signs).sum() for signs in product((0, 1), repeat=len(ranks))])
    p = min(1, 2 * min((sums <= observed).mean(), (sums >= observed).mean()))
    found = of_changes(d)
    assert (found.n, found.n_changed, found.statistic) == (len(d), len(moved), observed)
    assert found.p_value == pytest.approx(p)
    assert found.p_method == paired.EXACT


@settings(deadline=None, max_examples=40)
@given(changes)
def test_the_estimate_is_the_median_of_the_averages_of_two_changes(given_changes: list[float]) -> None:
    d = np.array(given_changes)
    averages = [(d[i] + d[j]) / 2 for i in range(len(d)) for j in range(i, len(d))]
    found = of_changes(d)
    assert found.estimate == pytest.approx(np.median(averages))
    assert some(found.ci_low) <= some(found.estimate) <= some(found.ci_high)
    assert (found.ci_level, found.reason) == (0.95, None)


@pytest.mark.parametrize("n", [6, 7, 12, 30, EXACT_PAIRS, EXACT_PAIRS + 1, 90])
def test_the_interval_holds_what_the_test_does_not_reject(n: int) -> None:
    d = np.random.default_rng(n).normal(1, 2, n)
    found = of_changes(d, 0.0)
    for edge, outwards in ((some(found.ci_low), -1), (some(found.ci_high), 1)):
        inside, outside = (of_changes(d - (edge + sign * outwards * 1e-6), 0.0).p_value for sign in (-1, 1))
        assert some(inside) > 0.05 >= some(outside)
    assert found.ci_method == (paired.CI_EXACT if n <= EXACT_PAIRS else paired.CI_NORMAL)
    assert found.p_method == (paired.EXACT if n <= EXACT_PAIRS else paired.NORMAL)


def test_the_place_of_the_limits_is_that_of_the_published_tables() -> None:
    """Hollander and Wolfe (1999), table A.4: P(T+ >= 46) = .032 and P(T+ >= 47) = .024 for n = 10, so k = 9."""
    assert paired._outside(10) == 9
    assert [paired._outside(n) for n in (6, 7, 8, 20)] == [1, 3, 4, 53]
    # Beyond the exact ones the normal distribution gives the same place, or the next one.
    below = np.cumsum(sign_chances(2 * np.arange(1, 81)[None])[0, ::2])
    assert abs(paired._outside(80) - int((below <= 0.025).sum())) <= 1


@pytest.mark.parametrize("places", [0, 1, 6])
def test_many_pairs_are_halved_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    """With decimals rounded to few places, many averages are alike."""
    random = np.random.default_rng(places)
    before = random.normal(10, 3, 300).round(places)
    after = (before + random.normal(0.5, 2, 300)).round(places)
    halved = before_after(before, after)
    monkeypatch.setattr(paired, "ALL_AVERAGES", 1_000)
    formed = before_after(before, after)
    for name in ("estimate", "ci_low", "ci_high"):
        assert getattr(halved, name) == pytest.approx(getattr(formed, name), abs=1e-12), name


def test_memory_grows_with_people_and_not_with_their_square() -> None:
    d = np.random.default_rng(1).normal(0.1, 1, 20_000)
    tracemalloc.start()
    try:
        found = of_changes(d)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.estimate == pytest.approx(0.1, abs=0.03)
    assert peak < 20e6  # all averages would take 1.6e9 bytes


def test_the_noise_of_decimals_is_no_change() -> None:
    before = np.arange(1, 13) / 10
    assert before_after(before, (before + 0.3) - 0.3).reason == "no value changed"
    found = before_after(before, before + np.array([0.1, -0.1] * 6))  # 0.3 + 0.1 is not 0.4 to a computer
    assert (found.p_value, found.n_changed) == (1, 12)
    assert found.estimate == pytest.approx(0)


HORMONE = np.array([3.1, 4.2, 2.8, 5.0, 3.9, 4.4, 3.3, 2.9, 4.8, 3.6])
RISE = np.array([0.5, 0.7, 0.3, -0.9, 0.4, 0.6, 0.0, 0.2, 0.3, 0.35])
"""With a tie (0.3 twice) that subtraction hides, and a zero."""


@pytest.mark.parametrize("unit", [1e-12, 1e-9, 1e-3, 7.0, 1e9, 1e140])
def test_another_unit_changes_nothing(unit: float) -> None:
    plain, other = before_after(HORMONE, HORMONE + RISE), before_after(HORMONE * unit, (HORMONE + RISE) * unit)
    assert (plain.n_changed, plain.statistic) == (9, 36.0)
    for name in ("n_changed", "statistic", "p_value", "p_method"):
        assert getattr(other, name) == getattr(plain, name), name
    for name in ("median_before", "estimate", "ci_low", "ci_high"):
        assert getattr(other, name) == pytest.approx(getattr(plain, name) * unit, rel=1e-9, abs=0), name


@pytest.mark.parametrize("mistyped", [1e4, 5e8, 1e10, 1e100])
def test_somebodys_mistyped_value_leaves_the_others_as_they_are(mistyped: float) -> None:
    """Ranks know only that it is the largest change."""
    after, larger = HORMONE + RISE, HORMONE + RISE
    after[1], larger[1] = 50.0, mistyped
    plain, other = before_after(HORMONE, after), before_after(HORMONE, larger)
    for name in ("n_changed", "statistic", "p_value", "ci_low", "median_after"):
        assert getattr(other, name) == getattr(plain, name), name


def test_a_small_change_of_a_large_number_is_one() -> None:
    """Seconds since 1970, for example."""
    before = 1.7e9 + np.arange(8.0)
    assert before_after(before, before + 1).n_changed == 8


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1.5e308, 1e151])
def test_numbers_beyond_what_a_computer_squares_are_a_reason(value: float) -> None:
    found = before_after(np.full(8, -value), np.full(8, value))
    assert found == BeforeAfter(8, 8, reason_code="too_large")
    assert found.reason == "a value is larger than 1e150"
    assert before_after(np.full(8, -1e149), np.full(8, 1e149)).estimate == pytest.approx(2e149)


def test_people_who_did_not_change_pull_the_estimate_to_zero() -> None:
    up = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    without, with_them = of_changes(up), of_changes(np.append(up, np.zeros(8)))
    assert (without.p_value, without.statistic) == (with_them.p_value, with_them.statistic)
    assert some(with_them.estimate) < some(without.estimate)
    assert (some(without.ci_low), some(with_them.ci_low)) == (2, 0)


def test_what_cannot_be_computed_says_why() -> None:
    for n in range(MIN_PAIRS):
        found = of_changes(np.arange(1.0, n + 1))
        # The median of so few would be somebody's answer.
        assert found == BeforeAfter(n, n, reason_code="too_few_pairs")
        assert found.reason == "fewer than 6 pairs"
    unchanged = of_changes(np.zeros(8), 3.0)
    assert (unchanged.reason, unchanged.n, unchanged.n_changed) == ("no value changed", 8, 0)
    assert (unchanged.median_before, unchanged.median_after) == (3, 3)
    assert (unchanged.estimate, unchanged.ci_low, unchanged.p_value) == (None, None, None)
    assert set(paired.REASONS) == {"too_few_pairs", "no_change", "too_large"}
    assert all(set(words) == {"en", "id"} for words in paired.REASONS.values())


def test_six_who_all_changed_by_as_much_are_enough_for_a_statement() -> None:
    found = of_changes(np.full(6, 2.0))
    assert (found.estimate, found.ci_low, found.ci_high) == (2, 2, 2)
    assert found.p_value == pytest.approx(2 / 2**6)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (np.ones(8), np.ones(7), "expected one length"),
        (np.ones((4, 2)), np.ones((4, 2)), "expected one length"),
        (np.append(np.ones(7), np.nan), np.ones(8), "nan or infinite"),
        (np.ones(8), np.append(np.ones(7), np.inf), "nan or infinite"),
    ],
)
def test_what_is_no_pair_of_numbers_is_refused(before: Floats, after: Floats, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        before_after(before, after)


def test_nothing_given_is_changed() -> None:
    before, after = np.arange(8.0), np.arange(8.0) + 1e-12
    before_after(before, after)
    assert (after != before).any()


@pytest.mark.parametrize(("places", "n"), [(6, 12), (0, 12), (0, 60)])
def test_the_interval_holds_the_centre_in_95_of_100_samples(places: int, n: int) -> None:
    """Rounded to whole numbers, ties and zeros only make it hold the centre more often."""
    random = np.random.default_rng(7)
    held = []
    for _ in range(1_000):
        # Rounding halves to even keeps the distribution symmetric about 2.
        found = of_changes((random.normal(0, 1.5, n)).round(places) + 2.0)
        held.append(some(found.ci_low) - 1e-9 <= 2 <= some(found.ci_high) + 1e-9)
    assert np.mean(held) > 0.935  # Monte Carlo error .007
    if places:
        assert np.mean(held) < 0.975


@settings(deadline=None, max_examples=30)
@given(st.integers(MIN_PAIRS, 60), st.integers(0, 2**32))
def test_a_group_among_others_has_the_result_it_has_alone(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(50, 60, (9, n)) / 10
    after = before + rng.integers(-3, 5, (9, n)) / 10
    after[0] = before[0]
    after[1, 0] = 1e160
    assert before_after_in_groups(before, after) == [before_after(*both) for both in zip(before, after, strict=True)]
