"""Measures of association between two ordered variables, for many tables at once, each with its standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laktasi.analysis.interval import PSEUDO_RECORDS, score_interval, smooth
from laktasi.analysis.pairs import Floats, Ints, PairCounts, add_cells


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure in each table, arrays of shape (tables,); nan where there is none."""

    value: Floats
    """The measure, from −1 to 1."""
    ase1: Floats
    """Asymptotic standard error. 0 where all pairs that count agree, where it says nothing."""
    ase0: Floats
    """The same under the hypothesis of no association."""
    ci_low: Floats
    """Lower limit of the 95 % interval."""
    ci_high: Floats
    """Upper limit of the 95 % interval."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Results of `measures`: one entry per table in each array."""

    tau_b: Measure
    tau_c: Measure
    gamma: Measure
    somers_d_yx: Measure
    """Of the outcome (columns) given the exposure (rows)."""
    somers_d_xy: Measure
    """Of the exposure given the outcome."""
    approx_t: Floats
    """tau_b / ase0, and the same for every other measure. nan where ase0 is 0."""
    approx_p: Floats
    """Two-sided p of `approx_t`, from the normal distribution."""


def measures(pairs: PairCounts) -> Measures:
    """Compute tau_b, tau_c, gamma and Somers' d, their standard errors and intervals, in each of many tables.

    Parameters
    ----------
    pairs
        The pairs of each table, rows the exposure and columns the outcome, levels lowest first.

    Returns
    -------
    Measures
        Arrays of shape (tables,); nan where a margin has one level only. Where both have two or more, all five
        measures exist: were there no pair that differs in both, all records that differ in one would be alike in the
        other, and the other could not vary.

    Notes
    -----
    All have 2 S, concordant minus discordant ordered pairs, above the line, and below it the pairs that count:

    =============  ==========================================================================
    gamma          untied on both
    Somers' d      untied on the given variable
    tau_b          the geometric mean of those untied on rows and those untied on columns
    tau_c          n² (m − 1) / m, m the smaller number of levels that somebody has [2]_
    =============  ==========================================================================

    With Δ the number below the line, d a record's concordant minus discordant partners, and u what it adds to Δ to
    first order,

        ase1 = (2/Δ) √Σ (d − value·u)²,   ase0 = (2/Δ) √(Σ d² − (Σ d)²/n)

    over records: the standard errors of Brown and Benedetti [1]_, as SPSS and PSPP CROSSTABS print them, written
    without the difference of large terms. value / ase0 is the same for all five: "Approx. T" there. It is not the z of
    S (see `laktasi.analysis.kendall`): z takes the variance over all matchings of the margins, ase0 that of the
    records as they are, which is small where they agree. For tests z and the exact p are the ones to use.

    The intervals are described in `laktasi.analysis.interval`; what they cover stands in
    docs/decisions/0014-measures-and-exact.md.

    References
    ----------
    .. [1] Brown M. B., Benedetti J. K. (1977), Sampling behavior of tests for correlation in two-way contingency
       tables, Journal of the American Statistical Association 72, 309–315.
    .. [2] Stuart A. (1953), The estimation and comparison of strengths of association in contingency tables,
       Biometrika 40, 105–110.
    .. [3] Goodman L. A., Kruskal W. H. (1963), Measures of association for cross classifications III, Journal of the
       American Statistical Association 58, 310–364.
    .. [4] Somers R. H. (1962), A new asymmetric measure of association for ordinal variables, American Sociological
       Review 27, 799–811.
    """
    from scipy.special import ndtr

    has_any = (pairs.untied_rows > 0) & (pairs.untied_columns > 0)
    shares = _Shares.of(pairs)
    found = {}
    for name in ("tau_b", "tau_c", "gamma", "somers_d_yx", "somers_d_xy"):
        one = _measure(pairs, name, shares)
        found[name] = Measure(*(np.where(has_any, values, np.nan) for values in one))
    with np.errstate(divide="ignore", invalid="ignore"):
        tau_b = found["tau_b"]
        approx_t = np.where(tau_b.ase0 > 0, tau_b.value / tau_b.ase0, np.nan)
    return Measures(**found, approx_t=approx_t, approx_p=2 * ndtr(-np.abs(approx_t)))


@dataclass(frozen=True, slots=True)
class _Shares:
    """A table as it is, and with records of no association added, and how far from each other its records stand."""

    table: Floats
    dominance: Floats
    smoothed_table: Floats
    smoothed_dominance: Floats
    f: Floats
    """By how much smoothing multiplies n."""
    scatter: Floats
    """√(Σ d² − (Σ d)²/n) over records."""

    @classmethod
    def of(cls, pairs: PairCounts) -> _Shares:
        n = np.maximum(pairs.n, 1)
        # d − mean(d) in integers up to the division: exactly 0 where all records stand alike
        from_mean = (n * pairs.dominance - 2 * pairs.s) / n
        table = pairs.table.astype(np.float64)
        smoothed, dominance = smooth(pairs, PSEUDO_RECORDS)
        return cls(
            table=table,
            dominance=pairs.dominance.astype(np.float64),
            smoothed_table=smoothed,
            smoothed_dominance=dominance,
            f=1 + PSEUDO_RECORDS / n,
            scatter=np.sqrt(add_cells(table * from_mean * from_mean)),
        )


def _measure(pairs: PairCounts, name: str, shares: _Shares) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    # Divisions by zero belong to tables without a measure; the caller overwrites them by nan.
    with np.errstate(divide="ignore", invalid="ignore"):
        below, partners = _below_the_line(pairs, name, shares.table, np.ones(len(pairs.n)))
        value, variance = _variance(shares.table, shares.dominance, below, partners)
        value = 2 * pairs.s / below
        smoothed_below, smoothed_partners = _below_the_line(pairs, name, shares.smoothed_table, shares.f)
        at, smoothed_variance = _variance(
            shares.smoothed_table, shares.smoothed_dominance, smoothed_below, smoothed_partners
        )
        smoothed_variance *= shares.f * pairs.n / (pairs.n - 1)
        # No margins keep gamma from −1 or 1: the table that is sorted best has no discordant pair at all.
        low, high = (-1.0, 1.0) if name == "gamma" else (2 * pairs.s_min / below, 2 * pairs.s_max / below)
        ci_low, ci_high = score_interval(
            value,
            smoothed_variance,
            at,
            4 * pairs.var0 / (below * below),
            pairs.n,
            np.broadcast_to(low, value.shape),
            np.broadcast_to(high, value.shape),
        )
        return value, np.sqrt(variance), 2 * shares.scatter / below, ci_low, ci_high


def _variance(table: Floats, dominance: Floats, below: Floats, partners: Floats) -> tuple[Floats, Floats]:
    value = add_cells(table * dominance) / below
    influence = (dominance - value * partners) * (2 / below)
    return value, add_cells(table * influence * influence)


def _below_the_line(pairs: PairCounts, name: str, table: Floats, f: Floats) -> tuple[Floats, Floats]:
    """Return Δ, and by how much one record more in each cell changes half of it, where n is multiplied by `f`."""
    untied_rows, untied_columns = 2.0 * pairs.untied_rows * f * f, 2.0 * pairs.untied_columns * f * f
    other_rows = ((pairs.n - pairs.rows) * f)[:, None] + np.zeros(table.shape)
    other_columns = ((pairs.n - pairs.columns) * f)[None, :] + np.zeros(table.shape)
    match name:
        case "somers_d_yx":
            return untied_rows, other_rows
        case "somers_d_xy":
            return untied_columns, other_columns
        case "gamma":
            other_in_both = other_rows + other_columns - (pairs.n * f - table)
            return add_cells(table * other_in_both), other_in_both
        case "tau_b":
            ratio = np.sqrt(untied_columns / untied_rows)
            return np.sqrt(untied_rows * untied_columns), (other_rows * ratio + other_columns / ratio) / 2
        case _:
            n = pairs.n * f
            share = 1 - 1 / _fewest_levels(pairs)
            return n * n * share, np.broadcast_to(n * share, table.shape)


def _fewest_levels(pairs: PairCounts) -> Ints:
    """Count the levels that somebody has, of the variable that has fewer."""
    fewest: Ints = np.minimum((pairs.rows > 0).sum(axis=0), (pairs.columns > 0).sum(axis=0))
    return fewest
