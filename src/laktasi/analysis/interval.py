"""The interval around a tau_b: a score interval that cannot leave the range the margins allow.

docs/decisions/0006-kendall.md says why this one, and what coverage benchmarks/interval_coverage.py finds for it.
"""

from __future__ import annotations

import numpy as np

from laktasi.analysis.pairs import Floats, Ints, PairCounts, add_cells

LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054
"""At (1 + LEVEL) / 2."""
CI_METHOD = "smoothed score interval, cut to the attainable range"

PSEUDO_RECORDS = 2.0
"""Records of "no association" that smooth a table before its variance is taken, so that a perfect table has one."""
NULL_RECORDS = 20.0
"""Records that the null variance is worth, against the n of the table, where it is the larger of the two."""


def influence(pairs: PairCounts, pseudo: float = 0.0) -> tuple[Floats, Floats, Floats]:
    """Estimate tau_b and the influence of one record of each cell on it, in the table as it is or smoothed.

    Parameters
    ----------
    pairs
        The pairs of each table. Where a margin has one level only, the results are nan.
    pseudo
        Records to add to each table, spread over its cells as independence would with the same margins. The null
        variance and the attainable range do not depend on it.

    Returns
    -------
    tau, weights, influence : ndarray
        tau_b, shape (tables,); the (smoothed) table and the influence, shape (rows, columns, tables). The sum of
        influences over records is 0, and the sum of their squares is ASE1² of Brown and Benedetti (1977).
    """
    n = pairs.n.astype(np.float64)
    table, dominance = pairs.table.astype(np.float64), pairs.dominance.astype(np.float64)
    # Proportions of the margins stay, so pairs untied on x grow by f² and records untied with one record by f.
    f = np.ones_like(n)
    if pseudo:
        f = 1 + pseudo / n
        share = pseudo / (n * n)
        g_rows, g_columns = _below_minus_above(pairs.rows), _below_minus_above(pairs.columns)
        table += pairs.rows[:, None] * pairs.columns[None, :] * share
        dominance += g_rows[:, None] * g_columns[None, :] * share
    untied_rows = 2.0 * pairs.untied_rows * f
    untied_columns = 2.0 * pairs.untied_columns * f
    scale = np.sqrt(untied_rows * untied_columns)
    tau = add_cells(table * dominance) / (scale * f)
    dominance *= 2 / (scale * f)
    dominance -= ((pairs.n - pairs.rows) * (tau / untied_rows))[:, None]
    dominance -= ((pairs.n - pairs.columns) * (tau / untied_columns))[None, :]
    return tau, table, dominance


def score_interval(
    tau: Floats, variance: Floats, at: Floats, null_variance: Floats, n: Ints, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Return the 95 % score interval of a tau_b, cut to the range that the margins allow.

    Parameters
    ----------
    tau
        The estimate.
    variance, at
        A sampling variance, and the tau_b (of the smoothed table) that it belongs to; |at| < 1.
    null_variance
        Var0 of S in units of tau_b²: the variance of tau_b when there is no association, margins as observed.
    n
        Records.
    low, high
        The attainable range; low <= tau <= high.

    Notes
    -----
    The limits are the t with (tau − t)² = z² κ (1 − t²): as in Wilson's interval for a proportion, the variance is
    taken at the limit and not at the estimate, so that it shrinks towards ±1 and the interval stays inside. κ is
    variance / (1 − at²), raised towards the null variance by 20 / (n + 20) of the way where that is larger.
    """
    kappa: Floats = variance / (1 - at * at)
    kappa += NULL_RECORDS / (n + NULL_RECORDS) * np.maximum(null_variance - kappa, 0)
    q: Floats = NORMAL_QUANTILE * NORMAL_QUANTILE * kappa
    half: Floats = np.sqrt(q * (1 + q - tau * tau))
    return np.maximum((tau - half) / (1 + q), low), np.minimum((tau + half) / (1 + q), high)


def _below_minus_above(totals: Ints) -> Ints:
    cumulated = np.cumsum(totals, axis=0)
    balance: Ints = 2 * cumulated - totals - cumulated[-1]
    return balance
