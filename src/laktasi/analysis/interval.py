"""The interval around a tau_b: a score interval that stays between −1 and 1, and can be cut to what margins allow.

docs/decisions/0006-kendall.md says why this one, and what coverage benchmarks/interval_coverage.py finds for it.
"""

from __future__ import annotations

import numpy as np

from laktasi.analysis.pairs import Floats, Ints, PairCounts, add_cells

LEVEL = 0.95
NORMAL_QUANTILE = 1.959963984540054
"""At (1 + LEVEL) / 2."""
CI_METHOD = "smoothed score interval"
CI_METHOD_CUT = "smoothed score interval, cut to the attainable range"

PSEUDO_RECORDS = 2.0
"""Records of "no association" that smooth a table before its variance is taken, so that a perfect table has one."""
NULL_RECORDS = 20.0
"""Records that the null variance is worth, against the n of the table, where it is the larger of the two."""


def smooth(pairs: PairCounts, pseudo: float | Floats) -> tuple[Floats, Floats]:
    """Add records to each table as independence would spread them, its margins' proportions kept.

    Parameters
    ----------
    pairs
        The pairs of each table.
    pseudo
        Records to add to each table; they need not be whole.

    Returns
    -------
    table, dominance : ndarray, shape (rows, columns, tables)
        As in `PairCounts`, of the smoothed table. Pairs untied on a variable grow by the factor (1 + pseudo/n)², and
        the records that differ from one record by (1 + pseudo/n).
    """
    return spread(pairs, pairs.rows, pairs.columns, pseudo)


def spread(pairs: PairCounts, rows: Ints, columns: Ints, pseudo: float | Floats) -> tuple[Floats, Floats]:
    """Add records to each table without association, spread over its levels by weights.

    Parameters
    ----------
    pairs
        The pairs of each table.
    rows, columns
        Weight of each level, shape (levels, tables): the records go to each cell as the product of its two.
    pseudo
        Records to add to each table; they need not be whole.

    Returns
    -------
    table, dominance : ndarray, shape (rows, columns, tables)
        As in `PairCounts`, with these records.
    """
    table, dominance = pairs.table.astype(np.float64), pairs.dominance.astype(np.float64)
    share = pseudo / np.maximum(rows.sum(axis=0) * columns.sum(axis=0), 1)
    table += rows[:, None] * columns[None, :] * share
    dominance += _below_minus_above(rows)[:, None] * _below_minus_above(columns)[None, :] * share
    return table, dominance


def sampling_variance(pairs: PairCounts, pseudo: float) -> tuple[Floats, Floats]:
    """Return tau_b and the sum of squared influences of the records on it, in the table smoothed by `pseudo` records.

    The influence of a record is what it adds to tau_b to first order. With no smoothing the sum is ASE1² of Brown and
    Benedetti (1977), here without the difference of large terms that their formula takes. With smoothing it is scaled
    to the n records that were observed. nan where a margin has one level only.
    """
    table, dominance = smooth(pairs, pseudo)
    f = 1 + pseudo / pairs.n
    untied_rows, untied_columns = 2.0 * pairs.untied_rows * f, 2.0 * pairs.untied_columns * f
    scale = np.sqrt(untied_rows * untied_columns) * f
    tau = add_cells(table * dominance) / scale
    influence = dominance * (2 / scale)
    influence -= ((pairs.n - pairs.rows) * (tau / untied_rows))[:, None]
    influence -= ((pairs.n - pairs.columns) * (tau / untied_columns))[None, :]
    return tau, add_cells(table * influence * influence) * f


def score_interval(
    tau: Floats, variance: Floats, at: Floats, null_variance: Floats, n: Ints, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Return the 95 % score interval of a tau_b, cut to a range.

    Parameters
    ----------
    tau
        The estimate.
    variance, at
        The sampling variance, and the tau_b (of the smoothed table) that it belongs to; |at| < 1.
    null_variance
        Var0 of S in units of tau_b²: the variance of tau_b when there is no association, margins as observed.
    n
        Records.
    low, high
        The range to cut to: the one that the margins allow, or −1 and 1, which cuts nothing; low <= tau <= high.

    Notes
    -----
    The limits are the t with (tau − t)² = z² κ (1 − t²), κ of `score_kappa`: as in Wilson's interval for a proportion,
    the variance is taken at the limit and not at the estimate, so that it shrinks towards ±1 and the interval stays
    inside.
    """
    q: Floats = NORMAL_QUANTILE * NORMAL_QUANTILE * score_kappa(variance, at, null_variance, n)
    half: Floats = np.sqrt(q * (1 + q - tau * tau))
    return np.maximum((tau - half) / (1 + q), low), np.minimum((tau + half) / (1 + q), high)


def score_kappa(variance: Floats, at: Floats, null_variance: Floats, n: Ints) -> Floats:
    """Return κ, the variance that tau_b would have at 0: the score interval holds 0 where tau² <= z² κ.

    Parameters are those of `score_interval`. κ is variance / (1 − at²), raised towards the null variance by
    20 / (n + 20) of the way where that is larger.
    """
    kappa: Floats = variance / (1 - at * at)
    kappa += NULL_RECORDS / (n + NULL_RECORDS) * np.maximum(null_variance - kappa, 0)
    return kappa


def tau_b_interval(pairs: PairCounts) -> tuple[Floats, Floats]:
    """Return the 95 % interval of tau_b in each table, cut to what its margins allow; nan where it has no tau_b."""
    # Divisions by zero belong to tables without a tau_b.
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(pairs.untied_rows.astype(np.float64) * pairs.untied_columns)
        tau, low, high = pairs.s / scale, pairs.s_min / scale, pairs.s_max / scale
        at, variance = sampling_variance(pairs, PSEUDO_RECORDS)
        variance *= pairs.n / (pairs.n - 1)
        return score_interval(tau, variance, at, pairs.var0 / (scale * scale), pairs.n, low, high)


def _below_minus_above(totals: Ints) -> Ints:
    cumulated = np.cumsum(totals, axis=0)
    balance: Ints = 2 * cumulated - totals - cumulated[-1]
    return balance
