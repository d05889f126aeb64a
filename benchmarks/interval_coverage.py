"""What the intervals of laktasi.analysis cover: the simulation behind docs/decisions/0006-kendall.md.

Run ``python benchmarks/interval_coverage.py``: some half a minute, the same numbers every time. Records are drawn from
populations whose tau_b is known; a 95 % interval should hold it in 95 % of the draws that have a tau_b.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, norm

from laktasi.analysis.heterogeneity import MIN_N
from laktasi.analysis.interval import NORMAL_QUANTILE, PSEUDO_RECORDS, sampling_variance, score_interval
from laktasi.analysis.kendall import from_pairs
from laktasi.analysis.pairs import count_pairs
from laktasi.analysis.pooled import stratified

Floats = NDArray[np.float64]

SEED = 20260301
DRAWS = 10_000
POOLED_DRAWS = 1_000
SIZES = (5, 10, 25, 80)


def latent(correlation: float, rows: tuple[float, ...], columns: tuple[float, ...]) -> Floats:
    """Return the cells of a bivariate normal cut so that its margins are those given."""
    edges = [np.concatenate(([-9], norm.ppf(np.cumsum(margin)[:-1]), [9])) for margin in (rows, columns)]
    normal = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    below = np.array([[normal.cdf([x, y]) for y in edges[1]] for x in edges[0]])
    cells = np.clip(np.diff(np.diff(below, axis=0), axis=1), 0, None)
    shares: Floats = cells / cells.sum()
    return shares


MOPUYA_MARGINS = ((0.44, 0.56), (0.28, 0.48, 0.24))
POPULATIONS: dict[str, Floats] = {
    "Mopuya's own table": np.array([[7, 4, 0], [0, 8, 6]]) / 25,
    **{f"2 × 3, Mopuya's margins, r = {r}": latent(r, *MOPUYA_MARGINS) for r in (0, 0.3, 0.6, 0.8, 0.95)},
    **{f"2 × 3, skewed margins, r = {r}": latent(r, (0.15, 0.85), (0.1, 0.3, 0.6)) for r in (0, 0.5, 0.9)},
    **{f"2 × 2, r = {r}": latent(r, (0.4, 0.6), (0.5, 0.5)) for r in (0, 0.5, 0.9)},
    **{f"4 × 3, r = {r}": latent(r, (0.1, 0.3, 0.4, 0.2), (0.28, 0.48, 0.24)) for r in (0, 0.5, 0.9)},
    **{f"5 × 5, r = {r}": latent(r, (0.2,) * 5, (0.2,) * 5) for r in (0, 0.5, 0.9)},
    "2 × 3, dependent without a trend": np.array([[0.22, 0.06, 0.22], [0.06, 0.38, 0.06]]),
    "3 × 3, near perfect": np.array([[0.3, 0.03, 0], [0.03, 0.3, 0.02], [0, 0.02, 0.3]]),
}


def population_pairs(cells: Floats) -> Floats:
    """Return the chances that a pair counts in S, is untied in rows, and is untied in columns."""
    # A very large table stands for the population.
    pairs = count_pairs(np.round(cells * 1e9).astype(np.int64)[None])
    all_pairs = float(pairs.n[0]) ** 2 / 2
    return np.array([pairs.s[0], pairs.untied_rows[0], pairs.untied_columns[0]]) / all_pairs


def draw(rng: np.random.Generator, cells: Floats, n: int, draws: int) -> NDArray[np.int64]:
    """Draw tables of n records."""
    return rng.multinomial(n, cells.ravel() / cells.sum(), draws).reshape(draws, *cells.shape).astype(np.int64)


def single_centres(rng: np.random.Generator) -> None:
    """Print the coverage for one centre: before and after the cut, and of the plain Wald interval."""
    print(
        "| population | tau_b | n | has a tau_b | tau_b attainable | Wald | score | score, cut | cut, if attainable |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, cells in POPULATIONS.items():
        s, untied_rows, untied_columns = population_pairs(cells)
        true = s / np.sqrt(untied_rows * untied_columns)
        for n in SIZES:
            tables = draw(rng, cells, n, DRAWS)
            pairs = count_pairs(tables)
            usable = (pairs.untied_rows > 0) & (pairs.untied_columns > 0)
            pairs = count_pairs(tables[usable])
            result = from_pairs(pairs)
            scale = pairs.untied_rows * pairs.untied_columns
            at, variance = sampling_variance(pairs, PSEUDO_RECORDS)
            whole = np.ones(len(scale))
            low, high = score_interval(
                result.tau_b, variance * n / (n - 1), at, pairs.var0 / scale, pairs.n, -whole, whole
            )
            attainable = (result.tau_b_min <= true) & (true <= result.tau_b_max)
            wald = np.abs(result.tau_b - true) <= NORMAL_QUANTILE * result.ase1
            cut = (result.ci_low <= true) & (true <= result.ci_high)
            shares = (usable, attainable, wald, (low <= true) & (true <= high), cut, cut[attainable])
            print(f"| {name} | {true:.3f} | {n} | " + " | ".join(f"{np.mean(share):.3f}" for share in shares) + " |")


def many_centres(rng: np.random.Generator) -> None:
    """Print bias, coverage and the false alarms of Q for the stratified coefficient."""
    print("| centres | population | tau_b | mean | spread | mean SE | coverage | Q: p < .05 |")
    print("|---|---|---|---|---|---|---|---|")
    sizes = {"5 of 10 to 80": 5, "40 of 10 to 80": 40, "40 of 10": 40, "60 of 2 to 6": 60}
    populations: dict[str, list[Floats]] = {
        f"the same everywhere, r = {r}": [latent(r, *MOPUYA_MARGINS)] for r in (0, 0.4, 0.8, 0.95)
    }
    spread = np.clip(rng.normal(0.5, 0.25, 40), -0.9, 0.95)
    populations["r from centre to centre 0.5 ± 0.25"] = [latent(float(r), *MOPUYA_MARGINS) for r in spread]
    for label, centres in sizes.items():
        low, high = {"of 10 to 80": (10, 81), "of 10": (10, 11), "of 2 to 6": (2, 7)}[label.split(" ", 1)[1]]
        n = rng.integers(low, high, centres)
        for name, cells in populations.items():
            every = [cells[k % len(cells)] for k in range(centres)]
            sums = sum(size * (size - 1) * population_pairs(one) for size, one in zip(n, every, strict=True))
            true = sums[0] / np.sqrt(sums[1] * sums[2])
            draws = [draw(rng, one, int(size), POOLED_DRAWS) for size, one in zip(n, every, strict=True)]
            results = [stratified(stack) for stack in np.stack(draws, axis=1)]
            tau = np.array([r.tau_b for r in results if r.tau_b is not None])
            se = np.mean([r.se for r in results if r.se is not None])
            held = np.mean([r.ci_low <= true <= r.ci_high for r in results if r.ci_low is not None and r.ci_high])
            alarms = [r.q_p_value < 0.05 for r in results if r.q_p_value is not None]
            q = f"{np.mean(alarms):.3f}" if alarms else f"none of {MIN_N} or more"
            print(
                f"| {label} | {name} | {true:.3f} | {tau.mean():.3f} | {tau.std():.3f} | {se:.3f} | {held:.3f} | {q} |"
            )


def main() -> None:
    """Run both simulations and print their tables as Markdown."""
    rng = np.random.default_rng(SEED)
    print(f"{DRAWS:,} draws each: coverage is known to {np.sqrt(0.95 * 0.05 / DRAWS):.1%}\n")
    single_centres(rng)
    print(f"\n{POOLED_DRAWS:,} draws each: coverage is known to {np.sqrt(0.95 * 0.05 / POOLED_DRAWS):.1%}\n")
    many_centres(rng)


if __name__ == "__main__":
    main()
