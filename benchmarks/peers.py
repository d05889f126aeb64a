"""Other ways to the numbers of the analysis: scipy's, R's, and formulae as they are printed, table by table.

`benchmarks.analyses` runs them beside ours and compares what both give.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from laktasi.analysis.exact import DRAWS
from laktasi.analysis.signed_ranks import EXACT_PAIRS

SEED = 20260301

METAFOR = """
suppressMessages(library(metafor))
centres <- read.csv(commandArgs(TRUE)[1])
seconds <- system.time(found <- rma(centres$tau_b, centres$variance, method = "PM", test = "adhoc",
                                    control = list(tol = 1e-12, maxiter = 1000)))[["elapsed"]]
cat(format(c(seconds, found$b, found$ci.lb, found$ci.ub, found$tau2), digits = 17), "\\n")
"""

Tables = NDArray[np.int64]
Floats = NDArray[np.float64]


def rows_of(table: Tables) -> tuple[Tables, Tables]:
    """Return exposure and outcome of each record of a table."""
    cells = np.argwhere(table >= 0)
    found = np.repeat(cells, table.ravel(), axis=0)
    return found[:, 0], found[:, 1]


def by_scipy(tables: Tables) -> Floats:
    """Compute tau_b and its p table by table."""
    found = [stats.kendalltau(*rows_of(table), method="asymptotic") for table in tables]
    return np.array([(one.statistic, one.pvalue) for one in found])


def by_formula(table: Tables) -> tuple[float, ...]:
    """Compute tau_b, gamma and Somers' d with their standard errors as their formulae are printed, cell by cell."""
    n, rows, columns = int(table.sum()), table.sum(axis=1), table.sum(axis=0)
    wr, wc = n * n - float((rows**2).sum()), n * n - float((columns**2).sum())
    if wr == 0 or wc == 0:
        return (np.nan,) * 8
    agree, differ = np.zeros(table.shape), np.zeros(table.shape)
    for i, j in np.ndindex(*table.shape):
        agree[i, j] = table[:i, :j].sum() + table[i + 1 :, j + 1 :].sum()
        differ[i, j] = table[:i, j + 1 :].sum() + table[i + 1 :, :j].sum()
    p, q = float((table * agree).sum()), float((table * differ).sum())
    w, stand = np.sqrt(wr * wc), agree - differ
    tau, gamma, d = (p - q) / w, (p - q) / (p + q), (p - q) / wr
    v = rows[:, None] * wc + columns[None, :] * wr
    tau_1 = np.sqrt(max(0.0, (table * (2 * w * stand + tau * v) ** 2).sum() - n**3 * tau**2 * (wr + wc) ** 2)) / w**2
    spread = np.sqrt(max(0.0, (table * stand**2).sum() - (p - q) ** 2 / n))
    gamma_1 = 4 / (p + q) ** 2 * np.sqrt((table * (q * agree - p * differ) ** 2).sum())
    d_1 = 2 / wr**2 * np.sqrt((table * (wr * stand - (p - q) * (n - rows[:, None])) ** 2).sum())
    return tau, tau_1, 2 * spread / w, gamma, gamma_1, d, d_1, 2 * spread / wr


def by_arrangements(table: Tables) -> float:
    """Compute the exact p of a table with two rows by listing all tables with its margins."""
    columns, first = table.sum(axis=0), int(table[0].sum())
    if first in (0, table.sum()) or (columns > 0).sum() < 2:
        return np.nan
    sides = [np.arange(total + 1) for total in columns]
    listed = np.stack([side.ravel() for side in np.meshgrid(*sides, indexing="ij")], axis=1)
    listed = listed[listed.sum(axis=1) == first]
    sizes = np.abs(size_of(np.stack([listed, columns - listed], axis=1)))
    chances = stats.multivariate_hypergeom.pmf(listed, columns, first)
    return float(chances[sizes >= abs(int(size_of(table[None])[0]))].sum())


def size_of(tables: Tables) -> Tables:
    """Return S of each table."""
    s = np.zeros(len(tables), dtype=np.int64)
    for i, j in np.ndindex(*tables.shape[1:]):
        s += tables[:, i, j] * (tables[:, i + 1 :, j + 1 :].sum((1, 2)) - tables[:, i + 1 :, :j].sum((1, 2)))
    return s


def by_random_tables(table: Tables) -> float:
    """Estimate the exact p from scipy's random tables with these margins."""
    drawn = stats.random_table(table.sum(axis=1), table.sum(axis=0), seed=SEED).rvs(DRAWS)
    found = np.abs(size_of(drawn.astype(np.int64))) >= abs(int(size_of(table[None])[0]))
    return (int(found.sum()) + 1) / (DRAWS + 1)


def by_permutation(table: Tables, draws: int) -> float:
    """Estimate the exact p with scipy's general permutation test."""
    x, y = rows_of(table)
    found = stats.permutation_test(
        (x,), lambda shuffled: abs(stats.kendalltau(shuffled, y, method="asymptotic").statistic), alternative="greater",
        permutation_type="pairings", n_resamples=draws, rng=np.random.default_rng(SEED),
    )  # fmt: skip
    return float(found.pvalue)


def pair_sums(table: Tables) -> tuple[int, int, int]:
    """Return S and the pairs that differ in exposure and in outcome, of one table."""
    n, rows, columns = int(table.sum()), table.sum(axis=1), table.sum(axis=0)
    return (
        int(size_of(table[None])[0]),
        (n * n - int((rows**2).sum())) // 2,
        (n * n - int((columns**2).sum())) // 2,
    )


def within_by_loop(tables: Iterator[Tables]) -> float:
    """Compute tau_b of the pairs within tables, one table after the other."""
    s, x, y = np.sum([pair_sums(table) for table in tables], axis=0)
    return float(s / np.sqrt(float(x) * float(y))) if x and y else np.nan


def partial_by_scipy(table: Tables) -> float:
    """Compute the partial tau of one centre from three coefficients of scipy's."""
    cells = np.repeat(np.argwhere(table >= 0), table.ravel(), axis=0)
    xy, xz, yz = (
        stats.kendalltau(cells[:, i], cells[:, j], method="asymptotic").statistic for i, j in ((0, 1), (0, 2), (1, 2))
    )
    return float((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))


def in_r(tau: Floats, variance: Floats) -> list[float] | None:
    """Run metafor; return its seconds, mean, interval and tau². None where it is not there."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "centres.csv"
        np.savetxt(given, np.stack([tau, variance], axis=1), "%.17g", ",", header="tau_b,variance", comments="")
        done = subprocess.run(  # noqa: S603
            [rscript, "--vanilla", "-e", METAFOR, str(given)], capture_output=True, text=True, check=False
        )
    return [float(word) for word in done.stdout.split()] if done.returncode == 0 else None


def changes_by_scipy(before: Floats, after: Floats) -> tuple[float, float]:
    """Test and estimate a change with scipy's test and all averages of two changes."""
    change = after - before
    averages = np.add.outer(change, change)[np.triu_indices(len(change))] / 2
    how: dict[str, Any] = {"method": "exact"} if len(change) <= EXACT_PAIRS else {"correction": True}
    return float(stats.wilcoxon(change, **how).pvalue), float(np.median(averages))
