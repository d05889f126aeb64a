"""What the intervals of every measure cover: the simulation behind docs/decisions/0014-measures-and-exact.md.

Run ``python -m benchmarks.measures_coverage``: some seconds, the same numbers every time. Records are drawn
from the populations of `benchmarks.interval_coverage`, whose measures are known; a 95 % interval should hold them in
95 % of the draws that have a tau_b. The interval of tau_b is taken before it is cut to the attainable range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.interval_coverage import DRAWS, POPULATIONS, SEED, SIZES, draw
from laktasi.analysis.interval import NORMAL_QUANTILE, PSEUDO_RECORDS, sampling_variance, score_interval
from laktasi.analysis.measures import Measure, measures
from laktasi.analysis.pairs import PairCounts, count_pairs

Floats = NDArray[np.float64]

NAMES = ("tau_b", "tau_c", "gamma", "somers_d_yx", "somers_d_xy")
ROUNDING = 1e-12


def uncut_tau_b(pairs: PairCounts, tau: Floats) -> tuple[Floats, Floats]:
    """Return the interval of tau_b before it is cut."""
    at, variance = sampling_variance(pairs, PSEUDO_RECORDS)
    untied = pairs.untied_rows.astype(np.float64) * pairs.untied_columns
    whole = np.ones(len(tau))
    factor = pairs.n / (pairs.n - 1)
    return score_interval(tau, variance * factor, at, pairs.var0 / untied, pairs.n, -whole, whole)


def covered(low: Floats, high: Floats, true: float) -> float:
    """Return the share of intervals that hold the true value, rounding aside."""
    return float(np.mean((low <= true + ROUNDING) & (true - ROUNDING <= high)))


def main() -> None:
    """Draw, print the coverage in each population as Markdown, and what it comes to for each measure."""
    rng = np.random.default_rng(SEED)
    print(f"{DRAWS:,} draws each: coverage is known to {np.sqrt(0.95 * 0.05 / DRAWS):.1%}\n")
    print("| population | measure | true | " + " | ".join(f"n = {n}: Wald, ours" for n in SIZES) + " |")
    print("|---|---|---|" + "---|" * len(SIZES))
    found: dict[tuple[str, int, str], dict[str, float]] = {}
    for population, cells in POPULATIONS.items():
        large = measures(count_pairs(np.round(cells / cells.sum() * 1e9).astype(np.int64)[None]))
        by_size: list[dict[str, tuple[float, float]]] = []
        for n in SIZES:
            pairs = count_pairs(draw(rng, cells, n, DRAWS))
            results = measures(pairs)
            usable = ~np.isnan(results.tau_b.value)
            by_size.append({})
            for name in NAMES:
                one: Measure = getattr(results, name)
                true = float(getattr(large, name).value[0])
                low, high = (one.ci_low, one.ci_high)
                if name == "tau_b":
                    with np.errstate(divide="ignore", invalid="ignore"):
                        low, high = uncut_tau_b(pairs, one.value)
                half = NORMAL_QUANTILE * one.ase1
                wald = covered((one.value - half)[usable], (one.value + half)[usable], true)
                ours = covered(low[usable], high[usable], true)
                by_size[-1][name] = wald, ours
                found.setdefault((name, n, "Wald"), {})[population] = wald
                found.setdefault((name, n, "ours"), {})[population] = ours
        for name in NAMES:
            shown = " | ".join(f"{at[name][0]:.3f}, {at[name][1]:.3f}" for at in by_size)
            print(f"| {population} | {name} | {float(getattr(large, name).value[0]):.3f} | {shown} |")
    print("\n| measure | interval | " + " | ".join(f"n = {n}: mean, lowest" for n in SIZES) + " |")
    print("|---|---|" + "---|" * len(SIZES))
    for name in NAMES:
        for interval in ("Wald", "ours"):
            shares = [list(found[name, n, interval].values()) for n in SIZES]
            shown = " | ".join(f"{np.mean(each):.3f}, {min(each):.3f}" for each in shares)
            print(f"| {name} | {interval} | {shown} |")


if __name__ == "__main__":
    main()
