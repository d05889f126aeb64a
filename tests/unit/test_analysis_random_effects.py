"""Random effects over centres: who takes part, what degenerate centres do, and what a known truth shows."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from benchmarks.random_effects_coverage import alike, differing, simulate
from laktasi.analysis import paule_mandel
from laktasi.analysis.heterogeneity import MIN_N
from laktasi.analysis.pooled import stratified
from laktasi.analysis.random_effects import LeaveOneOut, RandomEffects, leave_one_out, random_effects
from laktasi.analysis.reasons import REASONS

Stack = NDArray[np.int64]
MOPUYA = np.array([[7, 4, 0], [0, 8, 6]])
FLAT = np.array([[5, 5, 5], [5, 5, 5]])
MIDDLING = np.array([[6, 5, 2], [2, 5, 6]])
ONE_EXPOSURE = np.array([[0, 0, 0], [4, 3, 9]])
ONE_OUTCOME = np.array([[8, 0, 0], [4, 0, 0]])
EMPTY = np.zeros((2, 3), dtype=np.int64)
NINE = np.array([[3, 1, 0], [0, 2, 3]])
PERFECT = np.array([[10, 0, 0], [0, 0, 10]])
SWAPPED = np.array([[0, 25, 0, 0], [25, 0, 0, 0], [0, 0, 0, 25], [0, 0, 25, 0]])
"""Every record agrees with as many others; rounding alone makes a variance of 1e-29."""
CROSS = np.array([[[0, 4, 0], [4, 0, 4], [0, 4, 0]], 5 * np.eye(3, dtype=np.int64)])


def drawn(seed: int, centres: int, low: int = 2, high: int = 60) -> Stack:
    """Draw centres that differ."""
    rng = np.random.default_rng(seed)
    mixed = [share * MOPUYA / 25 + (1 - share) * FLAT / 30 for share in rng.uniform(0, 1, centres)]
    sizes = rng.integers(low, high, centres)
    return np.stack([rng.multinomial(n, cells.ravel()).reshape(2, 3) for n, cells in zip(sizes, mixed, strict=True)])


def some(value: float | None) -> float:
    assert value is not None
    return value


def numbers(result: RandomEffects) -> set[str]:
    counted = {"centres", "centres_used", "n"}
    return {f.name for f in fields(result) if isinstance(getattr(result, f.name), int | float)} - counted


def same(result: LeaveOneOut, centre: int, others: RandomEffects) -> None:
    for field in fields(result):
        value, expected = getattr(result, field.name)[centre], getattr(others, field.name)
        assert value == pytest.approx(np.nan if expected is None else expected, abs=1e-9, nan_ok=True), field.name


def test_who_does_not_take_part_is_counted_by_why() -> None:
    used = [MOPUYA, FLAT, MIDDLING]
    result = random_effects(np.array([EMPTY, NINE, *used, ONE_EXPOSURE, ONE_OUTCOME, NINE]))
    assert result.left_out == {"no_records": 1, "too_few_records": 2, "same_exposure": 1, "same_outcome": 1}
    assert (result.centres, result.centres_used, result.n) == (8, 3, 81)
    assert replace(result, centres=3, left_out={}) == random_effects(np.array(used))
    assert set(result.left_out) <= set(REASONS)
    assert str(MIN_N) in REASONS["too_few_records"]["en"]
    assert str(MIN_N) in REASONS["no_large_centre"]["id"]


@pytest.mark.parametrize(
    ("stack", "code"),
    [
        (np.zeros((0, 2, 3), dtype=np.int64), "no_centre"),
        (np.array([ONE_EXPOSURE, EMPTY]), "no_centre"),
        (np.array([NINE, NINE, EMPTY]), "no_large_centre"),
        (np.array([MOPUYA, NINE]), "one_centre"),
        (np.array([PERFECT, PERFECT]), "no_variance"),
        (CROSS, "no_variance"),
        (np.array([SWAPPED, 2 * SWAPPED, SWAPPED[::-1]]), "no_variance"),
    ],
)
def test_nothing_to_estimate_says_why(stack: Stack, code: str) -> None:
    result = random_effects(stack)
    assert (result.reason_code, result.pi_reason_code, result.small_study_reason_code) == (code, code, code)
    assert result.reason == REASONS[code]["en"]
    assert REASONS[code]["id"] != REASONS[code]["en"]
    assert numbers(result) == set()
    assert sum(result.left_out.values()) == result.centres - result.centres_used
    for field in fields(LeaveOneOut):
        assert np.isnan(getattr(leave_one_out(stack), field.name)).all()


def test_two_centres_have_a_wide_interval_and_say_what_they_lack() -> None:
    result = random_effects(np.array([MOPUYA, FLAT]))
    assert result.df == 1
    assert result.reason == "two centres only: a prediction interval and a check of small centres take three or more"
    assert (result.ci_low, result.ci_high) == (-1, 1)
    assert 0 < some(result.tau_b) < 0.7
    assert (result.pi_low, result.small_study_slope) == (None, None)
    assert (result.pi_reason_code, result.small_study_reason_code) == ("two_centres", "two_centres")
    assert some(result.tau2_low) < some(result.tau2) <= some(result.tau2_high) <= 1


def test_centres_of_one_size_say_that_there_is_no_check_of_small_ones() -> None:
    result = random_effects(np.array([MOPUYA, MOPUYA[::-1], MOPUYA]))
    assert (result.small_study_p, result.small_study_reason_code) == (None, "one_size")
    assert result.pi_reason_code is None
    assert some(result.pi_high) > some(result.tau_b)
    assert result.reason == "all centres used have the same number of records: there is no check of small centres"
    assert random_effects(np.array([MOPUYA, MIDDLING, FLAT])).reason is None


def test_centres_that_agree_have_no_shorter_interval_than_their_records_make() -> None:
    """Without a floor the interval of these would be of no length at all."""
    result = random_effects(np.array([MIDDLING] * 3))
    assert result.q == pytest.approx(0)
    assert (result.tau2, result.tau2_high) == (0, 0)
    assert result.se == pytest.approx((some(result.c) / result.n) ** 0.5)
    assert some(result.ci_high) - some(result.ci_low) > 0.5


def test_opposite_large_centres_keep_their_variance_within_its_interval() -> None:
    result = random_effects(np.array([[[500, 1], [0, 500]], [[1, 500], [500, 0]]]))
    assert some(result.tau2) > 1
    assert result.tau2_high == result.tau2


def test_q_and_i2_are_those_of_the_stratified_result() -> None:
    stack = drawn(5, 20)
    random, fixed = random_effects(stack), stratified(stack)
    for name in ("q", "q_df", "q_p_value", "i2"):
        assert getattr(random, name) == getattr(fixed, name)


def test_nearly_perfect_tables_of_any_size_have_a_variance() -> None:
    """Only what is rounding is taken for 0."""
    for size in (10, 10_000, 400_000_000):
        result = random_effects(np.array([[[size, 1], [0, size]], [[size, 0], [1, size]]]))
        assert some(result.c) * size == pytest.approx(2, rel=0.2), size


def test_p_and_interval_agree() -> None:
    for seed in range(10):
        result = random_effects(drawn(seed, 4))
        if result.tau_b is not None:
            holds_0 = some(result.ci_low) <= 0 <= some(result.ci_high)
            assert holds_0 == (some(result.p_value) >= 0.05)
            assert result.t == pytest.approx(some(result.tau_b) / some(result.se))


def test_the_other_direction_has_the_other_sign() -> None:
    stack = drawn(6, 15)
    there, back = random_effects(stack), random_effects(stack[:, ::-1])
    assert back.tau_b == pytest.approx(-some(there.tau_b))
    assert back.pi_low == pytest.approx(-some(there.pi_high))
    assert back.small_study_slope == pytest.approx(-some(there.small_study_slope))
    assert back.tau2 == pytest.approx(there.tau2)


@settings(deadline=None, max_examples=60)
@given(
    npst.arrays(np.int64, st.tuples(st.integers(0, 7), st.just(2), st.integers(2, 3)), elements=st.integers(0, 9)),
)
def test_without_one_centre_is_the_result_of_the_others(stack: Stack) -> None:
    everyone, result = random_effects(stack), leave_one_out(stack)
    for centre in range(len(stack)):
        others = random_effects(np.delete(stack, centre, axis=0))
        if others.centres_used < everyone.centres_used:
            same(result, centre, others)
        else:
            assert np.isnan([getattr(result, field.name)[centre] for field in fields(result)]).all()


@pytest.mark.parametrize("others", [[[8, 8], [8, 8]], [[9, 3], [2, 7]], [[0, 9], [9, 9]]])
def test_others_that_agree_leave_no_variance(others: list[list[int]]) -> None:
    """No step of a search ends there: of Q and its slope nothing is left but what rounding makes of them."""
    stack = np.array([[[0, 8], [8, 8]], others, others])
    result = leave_one_out(stack)
    same(result, 0, random_effects(stack[1:]))
    assert result.tau2[0] == 0


def test_without_a_centre_that_dwarfs_all_others() -> None:
    stack = np.concatenate([drawn(7, 12, 10, 30), 1_000_000 * MOPUYA[None]])
    result = leave_one_out(stack)
    for centre in (0, 12):
        same(result, centre, random_effects(np.delete(stack, centre, axis=0)))


def test_without_the_only_centre_that_is_not_perfect_there_is_nothing() -> None:
    result = leave_one_out(np.array([PERFECT, PERFECT, MIDDLING]))
    assert np.isnan(result.tau_b).tolist() == [False, False, True]


def test_many_centres_without_one_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = drawn(8, 300)
    whole = leave_one_out(stack)
    assert np.isnan(whole.tau_b).sum() == random_effects(stack).centres - random_effects(stack).centres_used
    monkeypatch.setattr(paule_mandel, "AT_ONCE", 500)
    parts = leave_one_out(stack)
    for field in fields(whole):
        np.testing.assert_allclose(getattr(parts, field.name), getattr(whole, field.name), rtol=1e-10)
    for centre in (0, 150, 299):
        if not np.isnan(whole.tau_b[centre]):
            same(whole, centre, random_effects(np.delete(stack, centre, axis=0)))


def test_mean_and_intervals_hold_a_known_truth() -> None:
    """The whole picture is in benchmarks/random_effects_coverage.py."""
    rng = np.random.default_rng(20260301)
    truth = alike(0.7)
    found = simulate(truth, 40, (10, 80), 200, rng)
    assert found["mean"] == pytest.approx(truth.mean, abs=0.005)
    assert 0.92 < found["mean held"] <= 1
    assert found["small alarms"] < 0.1
    # Why a centre's own standard error is no weight, and no yardstick for small centres.
    assert found["ASE1: mean"] > truth.mean + 0.02
    assert found["ASE1: mean held"] < 0.75
    assert found["ASE1: alarms"] > 0.9


def test_the_next_centre_lies_where_the_prediction_interval_says() -> None:
    truth = differing(0.5, 0.25)
    found = simulate(truth, 40, (10, 80), 150, np.random.default_rng(20260301))
    assert truth.sd > 0.15
    assert found["mean"] == pytest.approx(truth.mean, abs=0.01)
    assert 0.9 < found["mean held"] <= 1
    assert 0.9 < found["next held"] < 0.98
    assert 0.88 < found["tau² held"] <= 1


def test_the_check_of_small_centres_finds_that_they_differ() -> None:
    """Small centres that have the association, large ones that have none."""
    rng = np.random.default_rng(1)
    small = rng.multinomial(12, MOPUYA.ravel() / 25, 20).reshape(-1, 2, 3)
    large = rng.multinomial(80, FLAT.ravel() / 30, 20).reshape(-1, 2, 3)
    sizes = np.concatenate([small, large, drawn(3, 4, 30, 50)])
    result = random_effects(sizes)
    assert some(result.small_study_slope) > 1
    assert some(result.small_study_p) < 1e-4
