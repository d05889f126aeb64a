"""Kendall's tau_b from the pairs of records that are alike in something: the same centre, or also the same stratum.

What pooling over centres (`laktasi.analysis.pooled`) and holding a third variable equal (`laktasi.analysis.adjusted`)
share. Arrays with levels keep two axes last: strata within a centre, and centres.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.interval import PSEUDO_RECORDS, score_interval, smooth
from laktasi.analysis.pairs import MAX_N, Floats, Ints, PairCounts, add_cells, count_pairs
from laktasi.analysis.two_sided import normal_p


def pairs_in_strata(counts: NDArray[np.integer]) -> PairCounts:
    """Count the pairs of records of each stratum of each centre.

    Parameters
    ----------
    counts : ndarray of int, shape (centres, exposure levels, outcome levels, strata)

    Returns
    -------
    PairCounts
        Its arrays have the axes (strata, centres) where otherwise there is one of tables.
    """
    centres, rows, columns, strata = counts.shape
    return split_tables(count_pairs(counts.transpose(3, 0, 1, 2).reshape(strata * centres, rows, columns)), strata)


def split_tables(pairs: PairCounts, strata: int = 1) -> PairCounts:
    """Split the axis of tables into (strata, centres)."""
    arrays = {field.name: getattr(pairs, field.name) for field in fields(pairs)}
    return PairCounts(**{name: array.reshape(*array.shape[:-1], strata, -1) for name, array in arrays.items()})


@dataclass(frozen=True, slots=True)
class WithinTau:
    """tau_b of the pairs within strata, by group: each centre, or all of them together as the only group."""

    n: Ints
    """Records, shape (groups,); so are all that follow but the last two."""
    s: Ints
    s_min: Ints
    """Smallest S that the strata's margins allow together."""
    s_max: Ints
    untied_rows: Ints
    """Pairs that differ in their row: ΣDx."""
    untied_columns: Ints
    """Pairs that differ in their column: ΣDy."""
    var0: Floats
    scale: Floats
    """√(ΣDx ΣDy)."""
    smoothed: Floats
    """ΣS / √(ΣDx ΣDy) of the smoothed tables; nan where that is 0/0."""
    table: Floats
    """The smoothed tables, shape (rows, columns, strata, centres)."""
    influence: Floats
    """What a record in each cell adds to `smoothed`, to first order; shape of `table`."""


def within_tau(pairs: PairCounts, *, together: bool, pseudo: float = PSEUDO_RECORDS) -> WithinTau:
    """Compute tau_b = ΣS / √(ΣDx ΣDy) over strata, and over centres too if `together`.

    Parameters
    ----------
    pairs
        As `pairs_in_strata` counts them.
    pseudo
        Records that smooth each group: spread over its strata by their size, in each as independence would.

    Raises
    ------
    ValueError
        More than `laktasi.analysis.pairs.MAX_N` records in a group: sums over its strata would overflow, as n² does.
    """

    def total(values: Ints) -> Ints:
        summed: Ints = values.sum(axis=0)
        return summed.sum(keepdims=True) if together else summed

    n = total(pairs.n)
    if n.size and int(n.max()) > MAX_N:
        raise ValueError(f"the tables hold {int(n.max())} records together; pairs are counted for up to {MAX_N}")
    untied_rows, untied_columns = total(pairs.untied_rows), total(pairs.untied_columns)
    f = 1 + pseudo / np.maximum(n, 1)
    table, dominance = smooth(pairs, (f - 1) * pairs.n)
    # Divisions by zero belong to groups without a tau: nan.
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(untied_rows.astype(np.float64) * untied_columns)
        smoothed = add_centres(add_cells(table * dominance) / 2, together=together) / (scale * f * f)
        # dS/scale - tau/2 dDx/Dx - tau/2 dDy/Dy, for one record more
        influence = dominance / (scale * f * f)
        influence -= (smoothed / (2 * f * untied_rows)) * (pairs.n - pairs.rows)[:, None]
        influence -= (smoothed / (2 * f * untied_columns)) * (pairs.n - pairs.columns)[None, :]
    return WithinTau(
        n=n,
        s=total(pairs.s),
        s_min=total(pairs.s_min),
        s_max=total(pairs.s_max),
        untied_rows=untied_rows,
        untied_columns=untied_columns,
        var0=add_centres(add_cells(pairs.var0), together=together),
        scale=scale,
        smoothed=smoothed,
        table=table,
        influence=influence,
    )


def add_centres(values: Floats, *, together: bool) -> Floats:
    """Add over the last axis, the centres, if they are one group; it stays, of length one."""
    summed: Floats = values.sum(axis=-1, keepdims=True) if together else values
    return summed


def variance_within(table: Floats, influence: Floats, n: Ints, *, together: bool) -> Floats:
    """Return the variance, by group, of an estimate whose records are drawn anew within each centre.

    Parameters
    ----------
    table, influence : ndarray, shape (…, centres)
        Records in each cell, and what one of them adds to the estimate; a table may be smoothed.
    n : ndarray of int, shape (centres,)
        Records that were observed.

    Notes
    -----
    The squared influences about the centre's mean, times n/(n − 1): a centre's size is given, which of its records
    fall into which stratum is not. Smoothing is scaled back to the records that were observed.
    """
    records = add_cells(table)
    mean = add_cells(table * influence) / np.maximum(records, 1)
    squares = add_cells(table * (influence - mean) ** 2) * n / np.maximum(n - 1, 1)
    observed = np.maximum(add_centres(n.astype(np.float64), together=together), 1)
    variance: Floats = add_centres(squares, together=together) * add_centres(records, together=together) / observed
    return variance


@dataclass(frozen=True, slots=True)
class StratifiedTau:
    """The coefficient, test and interval of each group; nan where ΣVar0 is 0."""

    within: WithinTau
    tau: Floats
    se: Floats
    z: Floats
    p_value: Floats
    ci_low: Floats
    ci_high: Floats


def stratified_estimate(pairs: PairCounts, *, together: bool) -> StratifiedTau:
    """Compute tau_b = ΣS / √(ΣDx ΣDy) over strata (and centres, if `together`), with its test and score interval.

    Notes
    -----
    z = ΣS / √ΣVar0. The variance is to first order, of records drawn anew within the same centres; the interval is not
    cut to anything.
    """

    sizes = pairs.n.sum(axis=0)
    raw, smoothed = (within_tau(pairs, together=together, pseudo=pseudo) for pseudo in (0.0, PSEUDO_RECORDS))
    var0 = np.where(raw.var0 > 0, raw.var0, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = np.where(raw.var0 > 0, raw.s / raw.scale, np.nan)
        z = raw.s / np.sqrt(var0)
        se = np.sqrt(variance_within(raw.table, raw.influence, sizes, together=together))
        variance = variance_within(smoothed.table, smoothed.influence, sizes, together=together)
        edge = np.ones(len(tau))
        low, high = score_interval(tau, variance, smoothed.smoothed, var0 / raw.scale**2, raw.n, -edge, edge)
    return StratifiedTau(raw, tau, se, z, normal_p(z), low, high)
