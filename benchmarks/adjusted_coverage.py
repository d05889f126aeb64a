"""What the intervals of laktasi.analysis.adjusted cover: the simulation behind docs/decisions/0016.

Run ``python benchmarks/adjusted_coverage.py``: some five minutes, the same numbers every time. Three variables are
drawn from populations whose partial and stratified tau_b are known; a 95 % interval should hold them in 95 % of draws.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm

from laktasi.analysis.adjusted import Adjusted, partial_tau, stratified_tau
from laktasi.analysis.interval import NORMAL_QUANTILE
from laktasi.analysis.pairs import PairCounts, count_pairs
from laktasi.analysis.strata import pairs_in_strata, split_tables

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SEED = 20260301
DRAWS = 4_000
TOGETHER_DRAWS = 400
SIZES = (10, 25, 80)

EXPOSURE, OUTCOME = (0.44, 0.56), (0.28, 0.48, 0.24)
COVARIATES = {"age": (0.12, 0.8, 0.08), "gravida": (0.44, 0.56), "education": (0.08, 0.32, 0.48, 0.12)}
"""Margins as in the paper's tables 1 to 5."""
CORRELATIONS = ((0.0, 0.0, 0.0), (0.42, 0.6, 0.7), (0.6, 0.3, 0.3), (0.8, 0.6, 0.5))
"""Of what is latent: exposure with outcome, exposure with covariate, outcome with covariate. In the second the latent
covariate explains all; its few classes do not."""


def latent(correlations: tuple[float, float, float], covariate: tuple[float, ...]) -> Floats:
    """Return the cells of a trivariate normal cut so that its margins are those given."""
    xy, xz, yz = correlations
    edges = [np.concatenate(([-9], norm.ppf(np.cumsum(margin)[:-1]), [9])) for margin in (EXPOSURE, OUTCOME, covariate)]
    normal = multivariate_normal([0, 0, 0], [[1, xy, xz], [xy, 1, yz], [xz, yz, 1]], seed=SEED)
    below = normal.cdf(np.array(list(itertools.product(*edges)))).reshape([len(edge) for edge in edges])
    cells = np.clip(np.diff(np.diff(np.diff(below, axis=0), axis=1), axis=2), 0, None)
    shares: Floats = cells / cells.sum()
    return shares


def independent_given(covariate: tuple[float, ...]) -> Floats:
    """Return cells in which exposure and outcome depend on the covariate's class, and on nothing else."""
    ways = np.linspace(0.1, 0.9, len(covariate))
    cells = [
        share * np.outer([1 - way, way], [(1 - way) ** 2, 2 * way * (1 - way), way**2])
        for share, way in zip(covariate, ways, strict=True)
    ]
    return np.stack(cells, axis=2)


POPULATIONS: dict[str, Floats] = {
    f"{name}, r = {', '.join(map(str, given))}": latent(given, margin)
    for (name, margin), given in itertools.product(COVARIATES.items(), CORRELATIONS)
} | {f"{name}, nothing beside it": independent_given(margin) for name, margin in COVARIATES.items()}


def truth(method: str, cells: Floats) -> float:
    """Return the population's coefficient; a very large table stands for it."""
    return float(of(method, np.round(cells * 1e9).astype(np.int64)[None]).by_centre.tau_b[0])


def of(method: str, counts: Counts) -> Adjusted:
    """Compute one of the two coefficients."""
    return partial_tau(counts) if method == "partial" else stratified_tau(counts)


def draw(rng: np.random.Generator, cells: Floats, n: int, draws: int) -> Counts:
    """Draw tables of n records."""
    drawn = rng.multinomial(n, cells.ravel() / cells.sum(), draws)
    return drawn.reshape(draws, *cells.shape).astype(np.int64)


def jackknife(method: str, counts: Counts) -> Floats:
    """Return the standard error by leaving out one record in turn."""
    if method == "partial":
        two = [without_one(split_tables(count_pairs(counts.sum(axis=axis))))[:, :, 0] for axis in (3, 2, 1)]
        a, b, c = two[0][:, :, None], two[1][:, None], two[2][None]
        with np.errstate(divide="ignore", invalid="ignore"):
            tau = (a - b * c) / np.sqrt((1 - b * b) * (1 - c * c))
    else:
        tau = without_one(pairs_in_strata(counts))
    # A record without which there is no coefficient is left out of the mean and of the sum.
    weights = np.where(np.isfinite(tau), np.moveaxis(counts, 0, -1), 0)
    tau = np.where(np.isfinite(tau), tau, 0)
    records = np.maximum(weights.sum(axis=(0, 1, 2)), 1)
    mean = (weights * tau).sum(axis=(0, 1, 2)) / records
    error: Floats = np.sqrt((weights * (tau - mean) ** 2).sum(axis=(0, 1, 2)) * (records - 1) / records)
    return error


def without_one(pairs: PairCounts) -> Floats:
    """Return the tau_b of each group of strata without one record of each cell."""
    rows = pairs.untied_rows.sum(axis=0) - (pairs.n - pairs.rows)[:, None]
    columns = pairs.untied_columns.sum(axis=0) - (pairs.n - pairs.columns)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        tau: Floats = (pairs.s.sum(axis=0) - pairs.dominance) / np.sqrt(1.0 * rows * columns)
    return tau


def single_centres(rng: np.random.Generator) -> Iterator[str]:
    """Yield the lines of the table of one centre."""
    yield "| population | method | true | n | has one | mean | spread | mean SE | Wald | jackknife | score | p < .05 |"
    yield "|" + "---|" * 12
    for (name, cells), method in itertools.product(POPULATIONS.items(), ("partial", "stratified")):
        true = truth(method, cells)
        for n in SIZES:
            counts = draw(rng, cells, n, DRAWS)
            found = of(method, counts).by_centre
            has = ~np.isnan(found.tau_b)
            away = np.abs(found.tau_b - true)[has]
            numbers = (
                has.mean(),
                found.tau_b[has].mean(),
                found.tau_b[has].std(),
                found.se[has].mean(),
                np.mean(away <= NORMAL_QUANTILE * found.se[has]),
                np.mean(away <= NORMAL_QUANTILE * jackknife(method, counts)[has]),
                np.mean((found.ci_low[has] <= true) & (true <= found.ci_high[has])),
                np.mean(found.p_value[has] < 0.05),
            )
            yield f"| {name} | {method} | {true:.3f} | {n} | " + " | ".join(f"{value:.3f}" for value in numbers) + " |"


def many_centres(rng: np.random.Generator) -> Iterator[str]:
    """Yield the lines of the table of all centres together."""
    yield "| centres | population | method | true | mean | spread | mean SE | score | p < .05 |"
    yield "|" + "---|" * 9
    for (low, high, centres), (name, cells) in itertools.product(((10, 81, 5), (4, 13, 40)), POPULATIONS.items()):
        sizes = rng.integers(low, high, centres)
        drawn = np.stack([draw(rng, cells, int(size), TOGETHER_DRAWS) for size in sizes], axis=1)
        for method in ("partial", "stratified"):
            true = truth(method, cells)
            found = [of(method, counts).together for counts in drawn]
            tau, error, low_end, high_end, p_value = (
                np.array([getattr(one, field)[0] for one in found])
                for field in ("tau_b", "se", "ci_low", "ci_high", "p_value")
            )
            covered, alarms = np.mean((low_end <= true) & (true <= high_end)), np.mean(p_value < 0.05)
            numbers = (true, tau.mean(), tau.std(), error.mean(), covered, alarms)
            label = f"{centres} of {low} to {high - 1}"
            yield f"| {label} | {name} | {method} | " + " | ".join(f"{value:.3f}" for value in numbers) + " |"


def main() -> None:
    """Run both simulations and print their tables as Markdown."""
    rng = np.random.default_rng(SEED)
    print(f"{DRAWS:,} draws each: coverage is known to {np.sqrt(0.95 * 0.05 / DRAWS):.1%}\n")
    for line in single_centres(rng):
        print(line)
    print(f"\n{TOGETHER_DRAWS:,} draws each: coverage is known to {np.sqrt(0.95 * 0.05 / TOGETHER_DRAWS):.1%}\n")
    for line in many_centres(rng):
        print(line)


if __name__ == "__main__":
    main()
