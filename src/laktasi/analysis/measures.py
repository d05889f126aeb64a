"""Measures of association between two ordered variables, for many tables at once, each with its standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laktasi.analysis.interval import PSEUDO_RECORDS, score_interval, spread, tau_b_interval
from laktasi.analysis.pairs import Floats, Ints, PairCounts, add_cells
from laktasi.analysis.two_sided import normal_p


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

    has_any = (pairs.untied_rows > 0) & (pairs.untied_columns > 0)
    observed, smoothed = _Table.of(pairs, 0.0), _Table.of(pairs, PSEUDO_RECORDS)
    found = {}
    # Divisions by zero belong to tables without a measure; they are overwritten by nan.
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in ("tau_b", "tau_c", "gamma", "somers_d_yx", "somers_d_xy"):
            one = _measure(pairs, name, observed, smoothed)
            found[name] = Measure(*(np.where(has_any, values, np.nan) for values in one))
        approx_t = np.where(found["tau_b"].ase0 > 0, found["tau_b"].value / found["tau_b"].ase0, np.nan)
    return Measures(**found, approx_t=approx_t, approx_p=normal_p(approx_t))


def _measure(
    pairs: PairCounts, name: str, observed: _Table, smoothed: _Table
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return value, ase1, ase0 and both limits."""
    below, adds = observed.below_the_line(name)
    value = 2 * pairs.s / below
    # d minus its mean, in integers up to the division: exactly 0 where all records stand alike
    from_mean = (pairs.n * pairs.dominance - 2 * pairs.s) / pairs.n
    ase1, ase0 = (
        2 / below * np.sqrt(add_cells(observed.cells * each * each))
        for each in (observed.dominance - value * adds, from_mean)
    )
    if name == "tau_b":
        return value, ase1, ase0, *tau_b_interval(pairs)
    smoothed_below, adds = smoothed.below_the_line(name)
    at = add_cells(smoothed.cells * smoothed.dominance) / smoothed_below
    influence = (smoothed.dominance - at * adds) * (2 / smoothed_below)
    variance = add_cells(smoothed.cells * influence * influence) * smoothed.n / (pairs.n - 1)
    whole = np.ones(len(pairs.n))
    limits = score_interval(value, variance, at, 4 * pairs.var0 / (below * below), pairs.n, -whole, whole)
    return value, ase1, ase0, *limits


@dataclass(frozen=True, slots=True)
class _Table:
    """The tables as they are, or with records added that are spread evenly; counts need not be whole."""

    cells: Floats
    """Shape (rows, columns, tables)."""
    dominance: Floats
    """As in `PairCounts`."""
    other_rows: Floats
    """For a record in each row: records in another one, shape (rows, 1, tables)."""
    other_columns: Floats
    """Likewise, shape (1, columns, tables)."""
    n: Floats

    fewest_levels: Ints
    """Levels that somebody has, of the variable that has fewer."""

    @classmethod
    def of(cls, pairs: PairCounts, pseudo: float) -> _Table:
        """Take the tables with `pseudo` records added, as many to each cell of the levels that somebody has."""
        has_rows, has_columns = (pairs.rows > 0).astype(np.int64), (pairs.columns > 0).astype(np.int64)
        row_levels, column_levels = has_rows.sum(axis=0), has_columns.sum(axis=0)
        cells, dominance = spread(pairs, has_rows, has_columns, pseudo)
        return cls(
            cells=cells,
            dominance=dominance,
            other_rows=(pairs.n - pairs.rows + pseudo * (1 - has_rows / np.maximum(row_levels, 1)))[:, None],
            other_columns=(pairs.n - pairs.columns + pseudo * (1 - has_columns / np.maximum(column_levels, 1)))[None],
            n=pairs.n.astype(np.float64) + pseudo,
            fewest_levels=np.minimum(row_levels, column_levels),
        )

    def below_the_line(self, name: str) -> tuple[Floats, Floats]:
        """Return Δ, and for a record in each cell what it adds to Δ/2 to first order."""
        untied_rows = add_cells(self.cells * self.other_rows)
        untied_columns = add_cells(self.cells * self.other_columns)
        match name:
            case "somers_d_yx":
                return untied_rows, self.other_rows
            case "somers_d_xy":
                return untied_columns, self.other_columns
            case "gamma":
                other_in_both = self.other_rows + self.other_columns - (self.n - self.cells)
                return add_cells(self.cells * other_in_both), other_in_both
            case "tau_b":
                ratio = np.sqrt(untied_columns / untied_rows)
                return np.sqrt(untied_rows * untied_columns), (self.other_rows * ratio + self.other_columns / ratio) / 2
            case "tau_c":
                share = 1 - 1 / self.fewest_levels
                return self.n * self.n * share, (self.n * share)[None, None]
        raise ValueError(f"there is no measure {name!r}")
