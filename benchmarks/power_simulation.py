"""Whether a planned round finds what it was planned for: the simulation behind docs/decisions/0016.

Run ``python benchmarks/power_simulation.py``: some two minutes, the same numbers every time. Rounds of the planned size
are drawn from the assumed population and tested.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from laktasi.analysis.exact import exact_p_values
from laktasi.analysis.kendall import from_pairs
from laktasi.analysis.pairs import count_pairs
from laktasi.analysis.population import Population
from laktasi.analysis.power import sample_size

Counts = NDArray[np.int64]

SEED = 20260301
DRAWS = 10_000
EXACT_DRAWS = 2_000
EXACT_N, EXACT_LEVELS = 30, 3
"""Records up to which the exact test is asked too, and levels of the variable that has the fewer."""
ALPHA = 0.05

TABLES = {
    "2 × 3, Mopuya's": np.array([[7, 4, 0], [0, 8, 6]]),
    "2 × 3, skewed": np.array([[2, 1, 1], [5, 20, 40]]),
    "2 × 2": np.array([[10, 5], [5, 10]]),
    "4 × 3": np.array([[5, 3, 1], [8, 10, 5], [6, 12, 14], [2, 6, 12]]),
    "5 × 5": np.eye(5, dtype=np.int64) * 4 + 1,
}
RARE: tuple[tuple[str, float | None], ...] = (
    *(("95,0;0,5", None), ("99,0;0,1", None), ("1,0,0;0,1,0;0,0,98", None), ("95,0;0,5", 0.8), ("90,5;0,5", None)),
    *(("90,3;2,5", None), ("97,1;1,1", 0.4), ("7,4,0;0,8,6", None), ("5,0;0,5", None)),
)
"""Tables with rare levels, or an association at its ceiling, and the tau_b assumed (None: the table's own)."""
ASSUMED = (0.15, 0.3, 0.5, 0.65, -0.4)


def one_centre(rng: np.random.Generator) -> Iterator[str]:
    """Yield the lines of the table of rounds in one centre."""
    yield "| margins | tau_b | power asked | n | found by z | found by the exact test | half width | of the draws |"
    yield "|" + "---|" * 8
    for (name, table), tau_b, power in itertools.product(TABLES.items(), ASSUMED, (0.8, 0.9)):
        planned = sample_size(table, tau_b=tau_b, power=power)
        if planned.n is None or planned.half_width is None:
            yield f"| {name} | {tau_b} | {power} | {planned.reason} | | | | |"
            continue
        cells = Population(table.astype(float)).with_tau_b(tau_b).cells
        draws = rng.multinomial(planned.n, cells.ravel(), DRAWS).reshape(-1, *table.shape).astype(np.int64)
        found = from_pairs(count_pairs(draws))
        exact = ""
        if planned.n <= EXACT_N and min(table.shape) <= EXACT_LEVELS:
            exact = f"{np.mean(exact_p_values(draws[:EXACT_DRAWS], max_n=EXACT_N) <= ALPHA):.3f}"
        by_z, width = np.mean(found.p_value <= ALPHA), np.nanmean(found.ci_high - found.ci_low) / 2
        widths = f"{planned.half_width:.3f} | {width:.3f}"
        yield f"| {name} | {tau_b} | {power} | {planned.n} | {by_z:.3f} | {exact} | {widths} |"


def rare_levels(rng: np.random.Generator) -> Iterator[str]:
    """Yield the lines of the table of rounds in one centre where levels are rare; the exact test judges them all."""
    yield "| table | tau_b | power asked | n | by the normal formula | found by the exact test | without any tau_b |"
    yield "|" + "---|" * 7
    for (text, tau_b), power in itertools.product(RARE, (0.8, 0.9)):
        table = np.array([[int(cell) for cell in row.split(",")] for row in text.split(";")])
        planned = sample_size(table, tau_b=tau_b, power=power)
        if planned.n is None or planned.tau_b is None:
            continue
        population = Population(table.astype(float)).with_tau_b(planned.tau_b)
        draws = rng.multinomial(planned.n, population.cells.clip(min=0).ravel(), DRAWS).reshape(-1, *table.shape)
        p = exact_p_values(draws)
        by_formula = population.normal_power(planned.n, ALPHA)
        found = f"{by_formula:.3f} | {np.mean(p <= ALPHA):.3f} | {np.mean(np.isnan(p)):.3f}"
        yield f"| {text} | {planned.tau_b:.2f} | {power} | {planned.n} | {found} |"


def many_centres(rng: np.random.Generator) -> Iterator[str]:
    """Yield the lines of the table of rounds in several centres, tested by the stratified z."""
    yield "| margins | tau_b | centres | n of each | in all | found | half width | 1.96 spread of tau_b |"
    yield "|" + "---|" * 8
    critical = norm.isf(ALPHA / 2)
    for (name, table), tau_b, centres in itertools.product(TABLES.items(), (0.1, 0.2), (5, 20, 60)):
        planned = sample_size(table, tau_b=tau_b, centres=centres)
        if planned.n is None or planned.half_width is None:
            continue
        cells = Population(table.astype(float)).with_tau_b(tau_b).cells
        draws = rng.multinomial(planned.n, cells.ravel(), DRAWS * centres // 4)
        pairs = count_pairs(draws.reshape(-1, *table.shape))
        s, x, y, var0 = (
            values.reshape(-1, centres).sum(axis=1).astype(np.float64)
            for values in (pairs.s, pairs.untied_rows, pairs.untied_columns, pairs.var0)
        )
        usable = var0 > 0
        found = np.sum(np.abs(s[usable]) >= critical * np.sqrt(var0[usable])) / len(s)
        spread = critical * np.std(s[usable] / np.sqrt(x[usable] * y[usable]))
        sizes = f"{centres} | {planned.n} | {planned.total}"
        yield f"| {name} | {tau_b} | {sizes} | {found:.3f} | {planned.half_width:.3f} | {spread:.3f} |"


def main() -> None:
    """Run the three simulations and print their tables as Markdown."""
    rng = np.random.default_rng(SEED)
    known = f"power is known to {np.sqrt(0.8 * 0.2 / DRAWS):.1%}"
    print(f"{DRAWS:,} draws each: {known}; {EXACT_DRAWS:,} for the exact test\n")
    for line in one_centre(rng):
        print(line)
    print(f"\n{DRAWS:,} draws each\n")
    for line in rare_levels(rng):
        print(line)
    print(f"\n{DRAWS // 4:,} draws each, power asked .8\n")
    for line in many_centres(rng):
        print(line)


if __name__ == "__main__":
    main()
