"""Planning a round: the population that is assumed, power against draws, and what cannot be planned."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.stats import norm

from laktasi.analysis import drawn_rounds
from laktasi.analysis import power as planning
from laktasi.analysis.exact import exact_p_values
from laktasi.analysis.kendall import kendall
from laktasi.analysis.pairs import count_pairs
from laktasi.analysis.population import Population
from laktasi.analysis.power import next_round, power_of, sample_size

Table = NDArray[np.int64]

MOPUYA = np.array([[7, 4, 0], [0, 8, 6]])
SKEWED = np.array([[2, 1, 1], [5, 20, 40]])
WIDE = np.array([[5, 3, 1], [8, 10, 5], [6, 12, 14], [2, 6, 12]])


def some(value: float | None) -> float:
    assert value is not None
    return value


def tables() -> st.SearchStrategy[Table]:
    shapes = st.tuples(st.integers(2, 4), st.integers(2, 4))
    return shapes.flatmap(lambda shape: npst.arrays(np.int64, shape, elements=st.integers(0, 9)))


@settings(deadline=None, max_examples=60)
@given(tables(), st.floats(-0.9, 0.9))
def test_the_population_has_the_margins_and_the_tau_b_that_are_asked_for(table: Table, tau_b: float) -> None:
    result = kendall(table[None])
    if np.isnan(result.tau_b[0]):
        return
    observed = Population(table.astype(float))
    assert observed.tau_b == pytest.approx(result.tau_b[0], abs=1e-12)
    assert observed.extreme(1).tau_b == pytest.approx(result.tau_b_max[0], abs=1e-12)
    assert observed.extreme(-1).tau_b == pytest.approx(result.tau_b_min[0], abs=1e-12)
    if not result.tau_b_min[0] < tau_b < result.tau_b_max[0] or abs(tau_b) < 1e-6:
        return
    assumed = observed.with_tau_b(tau_b)
    assert assumed.tau_b == pytest.approx(tau_b, abs=1e-9)
    assert (assumed.cells >= -1e-15).all()
    assert assumed.x == pytest.approx(table.sum(axis=1) / table.sum())
    assert assumed.y == pytest.approx(table.sum(axis=0) / table.sum())


def test_the_table_s_own_tau_b_is_the_table_itself() -> None:
    for table in (MOPUYA, SKEWED, WIDE):
        observed = Population(table.astype(float))
        assert observed.with_tau_b(observed.tau_b).cells == pytest.approx(table / table.sum(), abs=1e-9)


def test_without_an_association_power_is_the_level() -> None:
    independent = Population(np.outer([4.0, 6], [3, 5, 2]))
    for alpha in (0.01, 0.05, 0.2):
        assert independent.normal_power(50, alpha) == pytest.approx(alpha)


def test_the_null_variance_is_the_expected_one() -> None:
    cells = np.outer([0.4, 0.6], [0.3, 0.5, 0.2])
    draws = np.random.default_rng(1).multinomial(15, cells.ravel(), 40_000).reshape(-1, 2, 3)
    pairs = count_pairs(draws)
    assert Population(cells)._null_variance(15) == pytest.approx(pairs.var0.mean(), rel=0.005)
    assert Population(cells)._null_variance(15) == pytest.approx(pairs.s.var(), rel=0.02)


@pytest.mark.parametrize(
    ("table", "tau_b", "n", "centres"),
    [(MOPUYA, 0.3, 70, 1), (MOPUYA, 0.6, 16, 1), (SKEWED, 0.25, 90, 1), (WIDE, -0.3, 70, 1), (WIDE, 0.2, 12, 15)],
)
def test_power_and_width_are_those_of_draws(table: Table, tau_b: float, n: int, centres: int) -> None:
    planned = power_of(table, n, tau_b=tau_b, centres=centres)
    cells = Population(table.astype(float)).with_tau_b(tau_b).cells
    draws = np.random.default_rng(2).multinomial(n, cells.ravel(), 4000 * centres).reshape(-1, *table.shape)
    pairs = count_pairs(draws)
    s, x, y, var0 = (
        values.reshape(4000, centres).sum(axis=1)
        for values in (pairs.s, pairs.untied_rows, pairs.untied_columns, pairs.var0)
    )
    found = np.abs(s) > norm.isf(0.025) * np.sqrt(var0)
    if centres == 1:
        found = exact_p_values(draws) <= 0.05 if n <= 30 else found
    assert planned.power == pytest.approx(found.mean(), abs=0.03)  # Monte Carlo error .008
    if n * centres > 30:
        usable = var0 > 0
        spread = np.std(s[usable] / np.sqrt(1.0 * x[usable] * y[usable]))
        assert planned.half_width == pytest.approx(1.96 * spread, rel=0.1)


def test_it_is_the_smallest_number_with_that_power() -> None:
    for table, tau_b, power, centres in ((MOPUYA, 0.3, 0.8, 1), (WIDE, 0.15, 0.95, 1), (MOPUYA, 0.2, 0.8, 12)):
        n = int(some(sample_size(table, tau_b=tau_b, power=power, centres=centres).n))
        assert some(power_of(table, n, tau_b=tau_b, centres=centres).power) >= power
        assert some(power_of(table, n - 1, tau_b=tau_b, centres=centres).power) < power


def test_without_ties_and_near_zero_it_is_noether_s_formula() -> None:
    """N = 4 (z_alpha/2 + z_beta)² / (9 tau²), Noether (1987), here two-sided; tau = tau_b · 79/80 with 80 levels."""
    ranks = np.linspace(-1, 1, 80)
    untied = 1 + 0.9 * np.outer(ranks, ranks)  # Farlie, Gumbel and Morgenstern's: tau is near .2
    for power in (0.8, 0.9):
        expected = 4 * (norm.isf(0.025) + norm.isf(1 - power)) ** 2 / (9 * (0.05 * 79 / 80) ** 2)
        assert sample_size(untied, tau_b=0.05, power=power).n == pytest.approx(expected, rel=0.005)


def test_more_is_needed_for_less() -> None:
    def needed(tau_b: float, **given: float) -> int:
        return int(some(sample_size(MOPUYA, tau_b=tau_b, **given).n))  # type: ignore[arg-type]

    assert needed(0.2) > needed(0.3) > needed(0.6)
    assert needed(0.3, power=0.9) > needed(0.3)
    assert needed(0.3, alpha=0.01) > needed(0.3)
    many = sample_size(MOPUYA, tau_b=0.3, centres=10)
    assert some(many.n) < needed(0.3)
    assert many.total == some(many.n) * 10
    # Compared within centres only, more records in all are needed.
    assert many.total >= needed(0.3)
    widths = [some(power_of(MOPUYA, n, tau_b=0.3).half_width) for n in (20, 80, 320)]
    assert widths == sorted(widths, reverse=True)
    assert widths[1] / widths[2] == pytest.approx(2, rel=0.1)


def test_shares_serve_as_well_as_records() -> None:
    assert sample_size(MOPUYA / 25, tau_b=0.3) == sample_size(MOPUYA * 40, tau_b=0.3)


def test_a_perfect_association_needs_few() -> None:
    planned = sample_size(np.array([[5, 0], [0, 5]]))
    assert (planned.tau_b, planned.tau_b_max) == (1, 1)
    assert 7 <= some(planned.n) <= 8


PERFECT_BUT_RARE = np.array([[95, 0], [0, 5]])
RARE = np.array([[90, 3], [2, 5]])


@pytest.mark.parametrize(
    ("table", "tau_b", "power"),
    [
        (PERFECT_BUT_RARE, None, 0.8),
        (np.array([[99, 0], [0, 1]]), None, 0.8),
        (np.array([[1, 0, 0], [0, 1, 0], [0, 0, 98]]), None, 0.8),
        (PERFECT_BUT_RARE, 0.8, 0.9),
        (RARE, None, 0.9),
        (MOPUYA, None, 0.9),
        (np.array([[5, 0], [0, 5]]), None, 0.99),
    ],
)
def test_a_planned_round_finds_by_the_exact_test_what_it_was_planned_for(
    table: Table, tau_b: float | None, power: float
) -> None:
    planned = sample_size(table, tau_b=tau_b, power=power)
    assert planned.method == planning.DRAWN_EXACT
    cells = Population(table.astype(float)).with_tau_b(some(planned.tau_b)).cells.clip(min=0)
    draws = np.random.default_rng(3).multinomial(int(some(planned.n)), cells.ravel(), 3000)
    found = np.mean(exact_p_values(draws.reshape(-1, *table.shape)) <= 0.05)  # a round without a tau_b is none found
    assert found > power - 0.03
    short = power_of(table, int(some(planned.n)) - 1, tau_b=tau_b)
    assert some(short.power) < power


def test_the_tables_that_are_not_in_doubt_are_judged_alike_by_the_exact_test(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_rounds._found_share.cache_clear()
    monkeypatch.setattr(drawn_rounds, "MOST_MARGINS", drawn_rounds.DRAWS)
    monkeypatch.setattr(drawn_rounds, "EXACT_DRAWS", drawn_rounds.DRAWS)
    for table, tau_b, n in ((MOPUYA, 0.65, 14), (RARE, 0.6, 60), (np.array([[97, 1], [1, 1]]), 0.4, 300)):
        population = Population(table.astype(float)).with_tau_b(tau_b)
        draws = np.random.default_rng(drawn_rounds.SEED).multinomial(n, population.cells.ravel(), drawn_rounds.DRAWS)
        every = np.mean(exact_p_values(draws.reshape(-1, *table.shape)) <= 0.05)
        assert drawn_rounds.found_share(population, n, 0.05) == pytest.approx(every, abs=1e-12)
    drawn_rounds._found_share.cache_clear()


def test_rounds_of_which_only_some_are_counted_are_all_spoken_for(monkeypatch: pytest.MonkeyPatch) -> None:
    population = Population(MOPUYA.astype(float)).with_tau_b(0.65)
    drawn_rounds._found_share.cache_clear()
    monkeypatch.setattr(drawn_rounds, "MOST_MARGINS", drawn_rounds.DRAWS)
    monkeypatch.setattr(drawn_rounds, "EXACT_DRAWS", drawn_rounds.DRAWS)
    everything = drawn_rounds.found_share(population, 15, 0.05)
    drawn_rounds._found_share.cache_clear()
    monkeypatch.setattr(drawn_rounds, "MOST_MARGINS", 100)
    some_of_them = drawn_rounds.found_share(population, 15, 0.05)
    monkeypatch.setattr(drawn_rounds, "STEPS_TWO_LEVELS", 0)
    drawn_rounds._found_share.cache_clear()
    by_z = drawn_rounds.found_share(population, 15, 0.05)
    drawn_rounds._found_share.cache_clear()
    assert by_z > everything + 0.04
    assert some_of_them == pytest.approx(everything, abs=0.03)
    assert some_of_them != everything


def test_centres_in_which_nothing_varies_have_found_nothing() -> None:
    # Two records differ in a tenth of the centres, and one such pair makes z = 1: four are needed.
    assert 0 < some(power_of(PERFECT_BUT_RARE, 2, centres=10).power) < 0.03
    planned = sample_size(RARE, centres=10)
    assert planned.method == planning.DRAWN_Z
    assert some(planned.n) >= 5
    few = some(power_of(RARE, 4, centres=10).power)
    assert few == pytest.approx(0.48, abs=0.03)


def test_a_large_round_of_common_levels_is_planned_by_the_formula() -> None:
    assert sample_size(MOPUYA, tau_b=0.1).method == planning.NORMAL
    assert sample_size(np.array([[9999, 0], [0, 1]])).method == planning.DRAWN_EXACT
    assert some(sample_size(np.array([[9999, 0], [0, 1]])).n) == pytest.approx(
        math.log(0.2) / math.log(0.9999), rel=0.05
    )


def test_a_tau_b_is_never_beyond_one() -> None:
    planned = sample_size(PERFECT_BUT_RARE)
    assert some(planned.tau_b_max) <= 1
    assert some(planned.tau_b) <= 1
    assert Population(np.array([[0.0, 5], [95, 0]])).tau_b >= -1


@pytest.mark.parametrize(
    ("table", "tau_b", "said"),
    [
        (MOPUYA, 0.7, "beyond what these margins allow"),
        (MOPUYA, -0.7, "beyond what these margins allow"),
        (MOPUYA, 0.0, "no number of records would find it"),
        (np.array([[5, 5], [5, 5]]), None, "no number of records would find it"),
        (np.array([[5, 5], [0, 0]]), 0.3, "one level only"),
        (np.array([[5, 0], [5, 0]]), 0.3, "one level only"),
        (np.array([[5]]), 0.3, "one level only"),
        (np.zeros((2, 3)), 0.3, "no records"),
        (MOPUYA, 0.0001, "more than 10,000,000 records"),
    ],
)
def test_what_cannot_be_planned_says_why(table: Table, tau_b: float | None, said: str) -> None:
    planned = sample_size(table, tau_b=tau_b)
    assert said in some_text(planned.reason)
    assert (planned.n, planned.total, planned.half_width) == (None, None, None)
    if "more than" not in said:
        assert power_of(table, 50, tau_b=tau_b).power is None


def some_text(value: str | None) -> str:
    assert value
    return value


def test_what_is_no_plan_is_refused() -> None:
    for wrong, said in (
        ({"power": 0.05}, "power is"),
        ({"power": 1.0}, "power is"),
        ({"alpha": 0.0}, "alpha is"),
        ({"centres": 0}, "centres are"),
        ({"centres": planning.MAX_CENTRES + 1}, "centres are"),
    ):
        with pytest.raises(ValueError, match=said):
            sample_size(MOPUYA, tau_b=0.3, **wrong)
    with pytest.raises(ValueError, match="expected two"):
        sample_size(MOPUYA[None])
    with pytest.raises(ValueError, match="negative"):
        sample_size(-MOPUYA)
    with pytest.raises(ValueError, match="from 4 records"):
        power_of(MOPUYA, 3)
    with pytest.raises(ValueError, match="up to"):
        power_of(MOPUYA, planning.MAX_N + 1)
    assert power_of(MOPUYA, 3, centres=10).power is not None


def test_the_next_round_is_planned_from_the_estimate_and_from_the_careful_limit() -> None:
    rows = next_round(MOPUYA, 0.4, 0.2, 0.55)
    assert [(row["basis"], row["tau_b"], row["power"]) for row in rows] == [
        ("estimate", 0.4, 0.8),
        ("estimate", 0.4, 0.9),
        ("nearer limit", 0.2, 0.8),
        ("nearer limit", 0.2, 0.9),
    ]
    assert [row["n"] for row in rows] == sorted(row["n"] for row in rows)
    assert rows[0]["n"] == sample_size(MOPUYA, tau_b=0.4).n
    assert set(rows[0]) == {"basis", "tau_b", "alpha", "power", "n", "half_width", "method", "reason"}
    negative = next_round(MOPUYA, -0.4, -0.55, -0.2)
    assert [row["tau_b"] for row in negative] == [-0.4, -0.4, -0.2, -0.2]


def test_the_next_round_says_why_it_cannot_be_planned() -> None:
    around_zero = next_round(MOPUYA, 0.1, -0.1, 0.3)
    assert around_zero[0]["n"] > 100
    assert {row["reason"] for row in around_zero[2:]} == {planning.REASONS[planning.HOLDS_ZERO]["en"]}
    assert {row["n"] for row in around_zero[2:]} == {None}
    nothing = next_round(np.zeros((2, 3), dtype=np.int64), None, None, None)
    assert len(nothing) == 4
    assert {row["reason"] for row in nothing} == {"there is no estimate to assume"}
    beyond = next_round(MOPUYA, 0.9, 0.8, 0.95)
    assert {row["reason"] for row in beyond} == {"the assumed tau_b is beyond what these margins allow"}
    assert all(set(words) == {"en", "id"} for words in planning.REASONS.values())
    assert math.isclose(nothing[0]["alpha"], 0.05)
