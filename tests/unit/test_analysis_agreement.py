"""Tests of paired answers against R's documented examples, scipy, and arithmetic by hand."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import stats

from laktasi.analysis.agreement import (
    CHOICE_TESTS,
    MIN_PAIRS,
    NO_CHANGE,
    NO_VARIANCE,
    NONE_CHOSE,
    NUMBER_TESTS,
    SAME_CHANGE,
    TOO_FEW,
    TOO_LARGE,
    mcnemar,
    paired_t,
    proportions,
    reliability_ratio,
    signed_rank,
)
from laktasi.analysis.pairs import Floats
from laktasi.analysis.signed_ranks import EXACT_PAIRS

# R's data set `sleep` (Student 1908): hours of extra sleep of ten patients with each of two drugs. help(t.test) in R 4
# prints for t.test(Pair(extra.1, extra.2) ~ 1, data = sleep2): t = -4.0621, df = 9, p-value = 0.002833, 95 percent
# confidence interval -2.4598858 -0.7001142, mean difference -1.58.
DRUG_1 = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
DRUG_2 = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])

# Hollander & Wolfe (1973), depression scores, help(wilcox.test) in R: V = 40, p-value = 0.01953 (greater).
# A tenth patient, who did not change, is added here: Wilcoxon leaves him out, so V and p are the same.
BEFORE = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30, 2.00])
AFTER = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29, 2.00])


def normal(seed: int, n: int, digits: int = 6) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    first = random.normal(50, 10, n)
    return np.round(first, digits), np.round(first + random.normal(0.8, 3, n), digits)


def test_the_paired_t_is_that_of_r() -> None:
    found = paired_t(DRUG_2, DRUG_1)
    assert (round(found.statistic or 0, 4), found.df, round(found.p_value or 0, 6)) == (-4.0621, 9, 0.002833)
    assert (round(found.ci_low or 0, 7), round(found.ci_high or 0, 7)) == (-2.4598858, -0.7001142)
    assert found.estimate == pytest.approx(-1.58)
    assert (found.original, found.back_check) == pytest.approx((2.33, 0.75))


@pytest.mark.parametrize("n", [10, 37, 400])
def test_the_paired_t_is_that_of_scipy(n: int) -> None:
    first, second = normal(n, n)
    found, other = paired_t(first, second), stats.ttest_rel(second, first)
    assert (found.statistic, found.p_value) == pytest.approx((other.statistic, other.pvalue), rel=1e-9)
    interval = other.confidence_interval()
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_the_signed_rank_test_is_that_of_r() -> None:
    found = signed_rank(AFTER, BEFORE)
    assert (found.n, found.df, found.statistic) == (10, 9, 40)
    assert found.p_value == pytest.approx(2 * 0.01953, abs=1e-5)
    assert signed_rank(BEFORE, AFTER).statistic == 45 - 40


@pytest.mark.parametrize("n", [10, 33, EXACT_PAIRS])
def test_the_exact_signed_rank_test_is_that_of_scipy(n: int) -> None:
    first, second = normal(n, n)
    other = stats.wilcoxon(second - first, method="exact")
    assert signed_rank(first, second).p_value == pytest.approx(other.pvalue, rel=1e-9)


@pytest.mark.parametrize("n", [EXACT_PAIRS + 20, 300])
def test_with_many_pairs_it_is_the_normal_one_with_ties_and_continuity(n: int) -> None:
    first, second = normal(n, n, digits=0)
    d = (second - first)[second != first]
    assert len(d) > EXACT_PAIRS
    assert len(set(np.abs(d))) < len(d)
    other = stats.wilcoxon(d, method="asymptotic", correction=True)
    assert signed_rank(first, second).p_value == pytest.approx(other.pvalue, rel=1e-9)


def test_with_ties_the_exact_p_is_counted_over_all_signs() -> None:
    d = np.array([1, 1, 1, -1, 2, 2, -3, 5, 5, 5, 0, 0], dtype=float)
    ranks = stats.rankdata(np.abs(d[d != 0]))
    observed = ranks[d[d != 0] > 0].sum()
    sums = [float((ranks * signs).sum()) for signs in product((0, 1), repeat=len(ranks))]
    tails = sum(value <= observed for value in sums), sum(value >= observed for value in sums)
    found = signed_rank(np.zeros(12), d)
    assert found.statistic == observed
    assert found.p_value == pytest.approx(2 * min(tails) / len(sums))


def test_the_noise_of_decimals_is_no_change_and_breaks_no_tie() -> None:
    first = np.arange(1, 13) / 10
    assert signed_rank(first, (first + 0.3) - 0.3).reason == NO_CHANGE
    second = first + np.array([0.1, -0.1] * 6)  # 0.3 + 0.1 is not 0.4 to a computer
    assert signed_rank(first, second).p_value == 1


@pytest.mark.parametrize("name", NUMBER_TESTS)
@pytest.mark.parametrize("unit", [1e-12, 1e6, 1e100])
def test_another_unit_changes_no_test(name: str, unit: float) -> None:
    plain, other = NUMBER_TESTS[name](BEFORE, AFTER), NUMBER_TESTS[name](BEFORE * unit, AFTER * unit)
    assert (other.n, other.df, other.reason) == (plain.n, plain.df, None)
    if name == "reliability":
        assert other.estimate == pytest.approx(plain.estimate, rel=1e-9)
    else:
        assert (other.statistic, other.p_value) == pytest.approx((plain.statistic, plain.p_value), rel=1e-9)


def test_somebodys_mistyped_answer_leaves_the_other_ranks_as_they_are() -> None:
    plain, mistyped = AFTER.copy(), AFTER.copy()
    plain[7], mistyped[7] = 99.0, 1e12
    first, second = signed_rank(BEFORE, plain), signed_rank(BEFORE, mistyped)
    assert (first.df, first.statistic, first.p_value) == (second.df, second.statistic, second.p_value)
    assert first.df == 9


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NUMBER_TESTS)
def test_numbers_that_cannot_be_squared_are_not_tested(name: str) -> None:
    found = NUMBER_TESTS[name](np.full(12, -1.5e308), np.full(12, 1.5e308))
    assert (found.n, found.reason, found.p_value) == (12, TOO_LARGE, None)


def truths(yes_yes: int, yes_no: int, no_yes: int, no_no: int) -> tuple[np.ndarray, np.ndarray]:
    first = [True] * (yes_yes + yes_no) + [False] * (no_yes + no_no)
    second = [True] * yes_yes + [False] * yes_no + [True] * no_yes + [False] * no_no
    return np.array(first), np.array(second)


def test_the_two_sample_z_of_proportions_by_hand() -> None:
    # p1 = .6, p2 = .5, both .55: z = -.1 / sqrt(2 · .55 · .45 / 50) = -1.00504
    found = proportions(*truths(20, 10, 5, 15))
    assert (found.original, found.back_check) == (0.6, 0.5)
    assert found.statistic == pytest.approx(-0.1 / np.sqrt(2 * 0.55 * 0.45 / 50))
    assert found.p_value == pytest.approx(2 * stats.norm.sf(1.00503782))
    half = 1.959963984540054 * np.sqrt((0.6 * 0.4 + 0.5 * 0.5) / 50)
    assert (found.ci_low, found.ci_high) == pytest.approx((-0.1 - half, -0.1 + half))


def test_its_square_is_the_chi_square_of_the_two_by_two_table() -> None:
    first, second = truths(40, 25, 9, 31)
    table = [[int(item.sum()), int((~item).sum())] for item in (first, second)]
    chi2 = stats.chi2_contingency(table, correction=False)
    found = proportions(first, second)
    assert (found.statistic or 0) ** 2 == pytest.approx(chi2.statistic)
    assert found.p_value == pytest.approx(chi2.pvalue)


def test_mcnemar_counts_only_those_who_changed() -> None:
    found = mcnemar(*truths(20, 10, 2, 18))
    assert (found.statistic, found.df) == (2, 12)
    assert found.p_value == pytest.approx(2 * sum(comb(12, k) for k in range(3)) / 2**12)
    assert mcnemar(*truths(0, 10, 2, 0)).p_value == found.p_value
    assert mcnemar(*truths(5, 4, 4, 5)).p_value == 1


def test_mcnemar_is_the_exact_test_of_those_who_changed() -> None:
    # Agresti (1990), approval ratings, the example of help(mcnemar.test) in R: 150 and 86 of 1600 changed.
    assert mcnemar(*truths(794, 150, 86, 570)).p_value == pytest.approx(stats.binomtest(86, 236).pvalue)


def test_the_reliability_ratio_by_hand() -> None:
    # d = ±2 in turn: var(d) = 40/9, SRV = 20/9; back checks 2, 0, 4, 2, 6, 4, 8, 6, 10, 8: their variance is 10.
    first = np.array([0, 2, 2, 4, 4, 6, 6, 8, 8, 10], dtype=float)
    second = first + np.array([2, -2] * 5)
    assert second.var(ddof=1) == pytest.approx(10)
    found = reliability_ratio(first, second)
    assert found.estimate == pytest.approx(1 - (40 / 9) / 2 / 10)


def test_the_reliability_ratio_is_one_for_a_shift_and_can_be_below_zero() -> None:
    first = np.arange(10, dtype=float)
    assert reliability_ratio(first, first + 5).estimate == pytest.approx(1)
    random = np.random.default_rng(1)
    assert (reliability_ratio(random.normal(0, 9, 50), random.normal(0, 1, 50)).estimate or 0) < 0


@pytest.mark.parametrize("name", [*NUMBER_TESTS, *CHOICE_TESTS])
def test_fewer_than_ten_pairs_are_not_tested(name: str) -> None:
    for n, is_few in ((0, True), (MIN_PAIRS - 1, True), (MIN_PAIRS, False)):
        first, second = np.arange(n) % 2 == 1, np.arange(n) % 3 == 1
        if name in CHOICE_TESTS:
            found = CHOICE_TESTS[name](first, second)
        else:
            found = NUMBER_TESTS[name](first.astype(float), second.astype(float))
        assert (found.reason == TOO_FEW) == is_few
        assert (found.original is None) == is_few
        assert found.n == n


def test_what_cannot_be_computed_says_why() -> None:
    same = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert paired_t(same, same).reason == NO_CHANGE
    assert paired_t(same, same + 1).reason == SAME_CHANGE
    assert paired_t(same, same + 1).estimate == 1
    assert signed_rank(same, same).reason == NO_CHANGE
    assert reliability_ratio(same, np.ones(10)).reason == NO_VARIANCE
    assert proportions(*truths(10, 0, 0, 0)).reason == NONE_CHOSE
    assert proportions(*truths(0, 0, 0, 10)).reason == NONE_CHOSE
    assert mcnemar(*truths(4, 0, 0, 6)).reason == NO_CHANGE
    for found in (paired_t(same, same + 1), mcnemar(*truths(4, 0, 0, 6))):
        assert found.p_value is None
