"""What the interval of laktasi.analysis.paired covers: the simulation behind docs/decisions/0016.

Run ``python benchmarks/paired_coverage.py``: some half a minute, the same numbers every time. Changes are drawn from
populations whose centre (the median of the average of two changes) is known.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.paired import before_after

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

SEED = 20260301
DRAWS = 4_000
SIZES = (6, 10, 25, 60)
MANY = 4_000_000

POPULATIONS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(0, 1.5, n),
    "Laplace": lambda rng, n: rng.laplace(0, 1, n),
    "Student's t, 2 df": lambda rng, n: rng.standard_t(2, n),
    "normal, rounded to whole numbers": lambda rng, n: rng.normal(0, 1.5, n).round(),
    "normal, two in three rounded to 0": lambda rng, n: rng.normal(0, 0.5, n).round(),
    "exponential: skewed": lambda rng, n: rng.exponential(1, n),
    "log-normal: very skewed": lambda rng, n: rng.lognormal(0, 1, n),
}


def centre(rng: np.random.Generator, draw: Draw) -> float:
    """Return the median of the average of two changes: 0 where they are symmetric about it."""
    return float(np.median((draw(rng, MANY) + draw(rng, MANY)) / 2))


def main() -> None:
    """Run the simulation and print its table as Markdown."""
    rng = np.random.default_rng(SEED)
    print(f"{DRAWS:,} draws each: coverage is known to {np.sqrt(0.95 * 0.05 / DRAWS):.1%}\n")
    print("| changes | n | coverage | mean estimate − centre | median width | p < .05 at the centre |")
    print("|---|---|---|---|---|---|")
    for name, draw in POPULATIONS.items():
        true = centre(rng, draw) if "skewed" in name else 0.0
        for n in SIZES:
            held, away, widths, alarms = [], [], [], []
            for _ in range(DRAWS):
                changes = draw(rng, n) - true
                found = before_after(np.zeros(n), changes)
                if found.estimate is None or found.ci_low is None or found.ci_high is None:
                    held.append(True)  # nobody changed: what is said is just that
                    continue
                held.append(found.ci_low <= 1e-9 and found.ci_high >= -1e-9)
                away.append(found.estimate)
                widths.append(found.ci_high - found.ci_low)
                alarms.append(found.p_value is not None and found.p_value < 0.05)
            numbers = np.mean(held), np.mean(away), np.median(widths), np.mean(alarms)
            print(f"| {name} | {n} | " + " | ".join(f"{value:.3f}" for value in numbers) + " |")


if __name__ == "__main__":
    main()
