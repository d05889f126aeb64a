"""What random effects over centres find when the truth is known: the simulation behind docs/decisions/0015.

Run ``python -m benchmarks.random_effects_coverage``: some five minutes, the same numbers every time. Each draw takes
new centres, of new sizes, from a distribution of centres, and new records in each. Beside what is shipped stands the
same estimator with each centre's own standard error (ASE1) in place of c/n, and the small-study check on that error in
place of 1/√n: what one would do with a package for meta-analysis.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from benchmarks.interval_coverage import MOPUYA_MARGINS, Floats, latent, population_pairs
from laktasi.analysis import heterogeneity
from laktasi.analysis.heterogeneity import MIN_N
from laktasi.analysis.kendall import kendall
from laktasi.analysis.paule_mandel import fit
from laktasi.analysis.random_effects import RandomEffects, random_effects

SEED = 20260301
DRAWS = 2_000
CENTRES = (40, 10, 5, 3)
SKEWED_MARGINS = ((0.15, 0.85), (0.1, 0.3, 0.6))


@dataclass(frozen=True, slots=True)
class Population:
    """A distribution of centres: each kind of centre with its cells, its tau_b and how common it is."""

    cells: Floats
    """Shape (kinds, rows, columns)."""
    tau_b: Floats
    share: Floats

    @property
    def mean(self) -> float:
        """Mean tau_b over centres."""
        return float(self.share @ self.tau_b)

    @property
    def sd(self) -> float:
        """Standard deviation of tau_b between centres."""
        return sqrt(float(self.share @ (self.tau_b - self.mean) ** 2))

    def draw(self, rng: np.random.Generator, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw a centre for each size, and its records."""
        kinds = rng.choice(len(self.share), len(sizes), p=self.share)
        flat = self.cells.reshape(len(self.share), -1)
        tables = rng.multinomial(sizes, flat[kinds])
        return tables.reshape(len(sizes), *self.cells.shape[1:]).astype(np.int64)


def population(cells: list[Floats], share: Floats | None = None) -> Population:
    """Work out the tau_b of each kind of centre; all equally common unless told."""
    pairs = np.array([population_pairs(one) for one in cells])
    tau = pairs[:, 0] / np.sqrt(pairs[:, 1] * pairs[:, 2])
    weight = np.ones(len(cells)) if share is None else share
    stacked = np.array(cells)
    return Population(stacked / stacked.sum(axis=(1, 2), keepdims=True), tau, weight / weight.sum())


def alike(correlation: float, margins: tuple[tuple[float, ...], tuple[float, ...]] = MOPUYA_MARGINS) -> Population:
    """Return centres that are all the same."""
    return population([latent(correlation, *margins)])


def differing(mean: float, sd: float) -> Population:
    """Return centres whose latent correlation is normal, cut to −.9 and .99, on a grid."""
    grid = np.arange(-0.9, 0.991, 0.03)
    return population([latent(float(r), *MOPUYA_MARGINS) for r in grid], np.exp(-(((grid - mean) / sd) ** 2) / 2))


def unlike(rng: np.random.Generator, kinds: int = 60) -> Population:
    """Return centres that differ in their margins as well as in their latent correlation, .6 ± .15."""
    cells = []
    for r in np.clip(rng.normal(0.6, 0.15, kinds), -0.9, 0.95):
        rows, columns = rng.dirichlet((8, 10)), rng.dirichlet((6, 10, 5))
        cells.append(latent(float(r), tuple(rows.tolist()), tuple(columns.tolist())))
    return population(cells)


def simulate(
    truth: Population, centres: int, sizes: tuple[int, int], draws: int, rng: np.random.Generator
) -> dict[str, float]:
    """Draw centres with sizes between two limits, both included, and return means over the draws, by name.

    Of what is shipped and of `_by_own_error`; nan where no draw has one. Their names say what is counted: shares of
    intervals that hold the truth (``… held``), of p below .05 (``… alarms``), or plain means.
    """
    rows = []
    for _ in range(draws):
        counts = truth.draw(rng, rng.integers(sizes[0], sizes[1] + 1, centres))
        result = random_effects(counts)
        if result.tau_b is not None:
            rows.append(_shipped(truth, result) | _by_own_error(truth, counts))
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    means = {name: float(np.nanmean(each)) if not np.isnan(each).all() else nan for name, each in found.items()}
    return means | {"spread": float(found["mean"].std())}


def _shipped(truth: Population, result: RandomEffects) -> dict[str, float]:
    assert result.tau_b is not None
    assert result.se is not None
    assert result.df is not None
    assert result.tau2 is not None
    assert result.q is not None
    factor = min(1.0, result.q / result.df) if result.tau2 == 0 else 1.0
    error, reach = abs(result.tau_b - truth.mean), stdtrit(result.df, 0.975)
    is_short = reach * sqrt(factor) < 1.96  # shorter than chance within centres alone makes it when c is known
    held_unfloored = float(error <= reach * sqrt(factor) * result.se)

    distance, next_se = np.abs(truth.tau_b - result.tau_b), sqrt(result.tau2 + result.se**2)

    def holds_next(df: int) -> float:
        return float(truth.share @ (distance <= stdtrit(df, 0.975) * next_se)) if df else nan

    return {
        "mean": result.tau_b,
        "mean SE": result.se,
        "mean held": _within(result.ci_low, truth.mean, result.ci_high),
        "no floor: mean held": held_unfloored,
        "no floor: short": float(is_short),
        "short: mean held": held_unfloored if is_short else nan,
        "next held": holds_next(result.df - 1),
        "k − 1 df: next held": holds_next(result.df),
        "tau² held": _within(result.tau2_low, truth.sd**2, result.tau2_high),
        "small alarms": nan if result.small_study_p is None else float(result.small_study_p < 0.05),
    }


def _by_own_error(truth: Population, counts: NDArray[np.int64]) -> dict[str, float]:
    """Do the same with ASE1² for a centre's variance; centres whose ASE1 is 0 cannot take part."""
    own = kendall(counts)
    usable = own.ase1 > 0
    tau, error = own.tau_b[usable], own.ase1[usable]
    k = len(tau)
    if k < 3:
        return {"ASE1: mean": nan, "ASE1: mean held": nan, "ASE1: alarms": nan}
    ones = np.ones(k)
    mean = fit(ones[:, None], tau, error**-2, 1.0)
    se = sqrt(mean.covariance[0, 0] * max(1.0, mean.factor))
    line = fit(np.stack([ones, error], axis=1), tau, error**-2, 1.0)
    t = line.coefficients[1] / sqrt(line.covariance[1, 1] * max(1.0, line.factor))
    return {
        "ASE1: mean": float(mean.coefficients[0]),
        "ASE1: mean held": float(abs(mean.coefficients[0] - truth.mean) <= stdtrit(k - 1, 0.975) * se),
        "ASE1: alarms": float(2 * stdtr(k - 2, -abs(t)) < 0.05),
    }


def _within(low: float | None, value: float, high: float | None) -> float:
    assert low is not None
    assert high is not None
    # An interval that ends at 0 holds a 0 that was worked out.
    return float(low - 1e-12 <= value <= high + 1e-12)


def main() -> None:
    """Run all simulations and print their tables as Markdown."""
    rng = np.random.default_rng(SEED)
    print(f"{DRAWS:,} draws each: a share of .95 is known to {sqrt(0.95 * 0.05 / DRAWS):.1%}\n")
    truths = {
        "alike, r = 0": alike(0),
        "alike, r = .7": alike(0.7),
        "alike, near the ceiling, r = .95": alike(0.95),
        "alike, skewed margins, r = .7": alike(0.7, SKEWED_MARGINS),
        "r = .6 ± .1": differing(0.6, 0.1),
        "r = .5 ± .25": differing(0.5, 0.25),
        "r = .85 ± .1, near the ceiling": differing(0.85, 0.1),
        "margins differ too": unlike(rng),
    }
    shared = ["mean", "mean held", "next held", "small alarms", "ASE1: mean", "ASE1: mean held", "ASE1: alarms"]
    detail = ["spread", "mean SE", "tau² held", "k − 1 df: next held"]
    detail += ["no floor: mean held", "no floor: short", "short: mean held"]
    print("Centres of 10 to 80 records\n")
    _table(truths, [(k, (10, 80)) for k in CENTRES], shared + detail, rng)
    small = {name: truths[name] for name in ("alike, r = .7", "r = .5 ± .25", "alike, skewed margins, r = .7")}
    small["alike, skewed margins, r = .95"] = alike(0.95, SKEWED_MARGINS)
    print("\n40 small centres\n")
    _table(small, [(40, size) for size in ((10, 11), (15, 16), (20, 21))], shared, rng)
    for least in (2, 5, 10, 15):
        print(f"\n40 small centres, if {least} records were enough to take part\n")
        heterogeneity.MIN_N = least
        _table(small, [(40, size) for size in ((2, 6), (2, 30)) if size[1] > least], shared, rng)
    heterogeneity.MIN_N = MIN_N


def _table(
    truths: dict[str, Population],
    designs: list[tuple[int, tuple[int, int]]],
    columns: list[str],
    rng: np.random.Generator,
) -> None:
    print("| centres | of | population | tau_b | SD | " + " | ".join(columns) + " |")
    print("|---|---|---|---|---|" + "---|" * len(columns))
    for centres, sizes in designs:
        for name, truth in truths.items():
            found = simulate(truth, centres, sizes, DRAWS, rng)
            of = f"{centres} | {sizes[0]} to {sizes[1]} | {name} | {truth.mean:.3f} | {truth.sd:.3f}"
            print(f"| {of} | " + " | ".join(f"{found[column]:.3f}" for column in columns) + " |", flush=True)


if __name__ == "__main__":
    main()
