"""The association among records that are alike in a third variable: stratified tau_b, and Kendall's partial tau."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis import reasons
from laktasi.analysis.interval import CI_METHOD, LEVEL, PSEUDO_RECORDS, score_interval, score_kappa
from laktasi.analysis.pairs import Floats, Ints, PairCounts, count_pairs
from laktasi.analysis.strata import (
    WithinTau,
    add_centres,
    pairs_in_strata,
    split_tables,
    stratified_estimate,
    variance_within,
    within_tau,
)
from laktasi.analysis.two_sided import normal_p

PARTIAL, STRATIFIED = "partial", "stratified"

Codes = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class AdjustedTau:
    """Estimates, one entry for each centre (or for all together) in each array; nan or None where there is none."""

    n: Ints
    """Records that have all three variables."""
    strata: Floats
    """Strata that have a tau_b of their own; nan for the partial tau."""
    tau_b: Floats
    se: Floats
    """Standard error of tau_b to first order, when records are drawn anew within the same centres."""
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    """Two-sided p of no association."""
    reason_code: Codes
    """Why there is no tau_b: a key of `laktasi.analysis.reasons.REASONS`; None where there is one."""

    def columns(self) -> Mapping[str, NDArray[np.generic]]:
        """Give the results by the columns of analysis.adjusted, from n to reason."""
        has_tau = ~np.isnan(self.tau_b)
        method: NDArray[np.object_] = np.full(len(self.n), None, dtype=object)
        method[has_tau] = CI_METHOD
        return {
            "n": self.n,
            "strata": self.strata,
            "tau_b": self.tau_b,
            "se": self.se,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "ci_level": np.where(has_tau, LEVEL, np.nan),
            "ci_method": method,
            "p_value": self.p_value,
            "reason": reasons.in_words(self.reason_code),
        }


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What one way of holding a variable equal gives."""

    method: str
    """``partial`` or ``stratified``."""
    by_centre: AdjustedTau
    """Arrays of shape (centres,)."""
    together: AdjustedTau
    """Arrays of shape (1,): all centres, from the pairs of records of the same centre."""


def stratified_tau(counts: NDArray[np.integer]) -> Adjusted:
    """Compute tau_b of the pairs of records that are alike in a third variable, and of the same centre.

    Parameters
    ----------
    counts : ndarray of int, shape (centres, exposure levels, outcome levels, covariate levels)
        Records in each cell, levels lowest first. The covariate's levels need no order here.

    Raises
    ------
    ValueError
        `counts` has not four axes, holds no integers, or one that is negative.

    Notes
    -----
    tau_b = ΣS / √(ΣDx ΣDy) over strata, as `laktasi.analysis.pooled.stratified` over centres; strata without a tau_b
    of their own stay in the sums for the same reason. z = ΣS / √ΣVar0 tests that there is no association within any
    stratum [1]_. The interval is the score interval of single tables, with the variance to first order of records
    drawn anew within the same centres (into whichever stratum they then fall).

    References
    ----------
    .. [1] Taylor J. M. G. (1987), Kendall's and Spearman's correlation coefficients in the presence of a blocking
       variable, Biometrics 43, 409–416.

    Examples
    --------
    Two kinds of records without an association in either, which together would show one:

    >>> import numpy as np
    >>> counts = np.array([[[[36, 4], [12, 12]], [[12, 12], [4, 36]]]])
    >>> f"{stratified_tau(counts).by_centre.tau_b[0]:.3f}"
    '0.000'
    """
    _check(counts)
    pairs = pairs_in_strata(counts)
    informing = ((pairs.untied_rows > 0) & (pairs.untied_columns > 0)).sum(axis=0)

    def estimate(together: bool) -> AdjustedTau:
        found = stratified_estimate(pairs, together=together)
        codes = _why_not(within_tau(_pairs_of(counts, 3), together=together), together=together)
        _say(codes, found.within.var0 == 0, reasons.NO_STRATUM)
        strata = (informing.sum(keepdims=True) if together else informing).astype(np.float64)
        limits = found.ci_low, found.ci_high
        return _results(found.within.n, strata, found.tau, found.se, limits, found.p_value, codes)

    return Adjusted(STRATIFIED, estimate(together=False), estimate(together=True))


def partial_tau(counts: NDArray[np.integer]) -> Adjusted:
    """Compute Kendall's partial tau of exposure and outcome given a third ordered variable.

    Parameters and Raises are those of `stratified_tau`; here the covariate's levels count as ordered.

    Notes
    -----
    With tau_b of each two of the three variables,

        τxy·z = (τxy − τxz τyz) / √((1 − τxz²)(1 − τyz²)),

    each over all centres together from the pairs of records of the same centre. tau_b is the correlation of the signs
    of pairs, so this is their partial correlation [1]_, and lies between −1 and 1.

    **What it is worth.** It is not 0 wherever exposure and outcome are independent given the covariate: with a coarse
    covariate a part of what it explains is left in [2]_, as in any adjustment for a variable in few classes. It uses
    all pairs, also those that differ in the covariate, where `stratified_tau` needs strata with enough records. Its p
    tests that τxy·z itself is 0, with the variance of the interval: p < .05 where the 95 % interval leaves 0 out.

    The variance is to first order (delta method over the cells of the three-way table), the interval the score
    interval of single tables. docs/decisions/0016-held-equal-before-after-next-round.md says what it covers.

    References
    ----------
    .. [1] Kendall M. G. (1942), Partial rank correlation, Biometrika 32, 277–283.
    .. [2] Korn E. L. (1984), The ranges of limiting values of some partial correlations under conditional
       independence, The American Statistician 38, 61–62.
    """
    _check(counts)
    sizes = counts.sum(axis=(1, 2, 3), dtype=np.int64)

    def estimate(together: bool) -> AdjustedTau:

        raw, smooth = (_partial(counts, together=together, pseudo=pseudo) for pseudo in (0.0, PSEUDO_RECORDS))
        codes = _why_not(raw.xy, together=together)
        _say(codes, raw.xz.untied_columns == 0, reasons.SAME_COVARIATE)
        _say(codes, _is_perfect(raw.xz), reasons.COVARIATE_IS_EXPOSURE)
        _say(codes, _is_perfect(raw.yz), reasons.COVARIATE_IS_OUTCOME)
        se = np.sqrt(variance_within(raw.table, raw.influence, sizes, together=together))
        variance = variance_within(smooth.table, smooth.influence, sizes, together=together)
        limits, kappa = _limits(raw.tau, smooth.tau, variance, raw.xy)
        with np.errstate(divide="ignore", invalid="ignore"):
            p_value = normal_p(raw.tau / np.sqrt(kappa))
        return _results(raw.xy.n, np.full(len(raw.tau), np.nan), raw.tau, se, limits, p_value, codes)

    return Adjusted(PARTIAL, estimate(together=False), estimate(together=True))


@dataclass(frozen=True, slots=True)
class _Partial:
    xy: WithinTau
    xz: WithinTau
    yz: WithinTau
    tau: Floats
    table: Floats
    """Of all three variables, shape (exposure, outcome, covariate, centres)."""
    influence: Floats


def _partial(counts: NDArray[np.integer], *, together: bool, pseudo: float) -> _Partial:
    xy, xz, yz = (within_tau(_pairs_of(counts, axis), together=together, pseudo=pseudo) for axis in (3, 2, 1))
    a, b, c = xy.smoothed, xz.smoothed, yz.smoothed
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt((1 - b * b) * (1 - c * c))
        tau = np.clip((a - b * c) / scale, -1, 1)
        influence = xy.influence[:, :, None, 0] / scale
        influence = influence + (tau * b / (1 - b * b) - c / scale) * xz.influence[:, None, :, 0]
        influence += (tau * c / (1 - c * c) - b / scale) * yz.influence[None, :, :, 0]
    return _Partial(xy, xz, yz, tau, _smoothed_table(counts, pseudo, together=together), influence)


def _smoothed_table(counts: NDArray[np.integer], pseudo: float, *, together: bool) -> Floats:
    """Add records to the three-way table of each centre as independence of all three would spread them."""
    table = np.ascontiguousarray(np.moveaxis(counts, 0, -1), dtype=np.float64)
    n = table.sum(axis=(0, 1, 2))
    added = pseudo / np.maximum(add_centres(n, together=together), 1)
    x, y, z = (table.sum(axis=axes) for axes in ((1, 2), (0, 2), (0, 1)))
    table += x[:, None, None] * y[None, :, None] * z[None, None, :] * (added / np.maximum(n * n, 1))
    return table


def _pairs_of(counts: NDArray[np.integer], without: int) -> PairCounts:
    """Count the pairs of each centre in the table of two variables; the third, an axis of `counts`, is added up."""
    return split_tables(count_pairs(counts.sum(axis=without)))


def _is_perfect(two: WithinTau) -> NDArray[np.bool_]:
    perfect: NDArray[np.bool_] = (np.abs(two.s) == two.untied_rows) & (two.untied_rows == two.untied_columns)
    return perfect


def _limits(tau: Floats, at: Floats, variance: Floats, null: WithinTau) -> tuple[tuple[Floats, Floats], Floats]:
    """Return the score interval and its κ."""
    edge = np.ones(len(tau))
    with np.errstate(divide="ignore", invalid="ignore"):
        null_variance = null.var0 / null.scale**2
        limits = score_interval(tau, variance, at, null_variance, null.n, -edge, edge)
        return limits, score_kappa(variance, at, null_variance, null.n)


def _why_not(plain: WithinTau, *, together: bool) -> Codes:
    """Say which groups have no tau_b even where nothing is held equal."""
    codes: Codes = np.full(len(plain.n), None, dtype=object)
    same_rows, same_columns = plain.untied_rows == 0, plain.untied_columns == 0
    _say(codes, plain.n == 0, reasons.NO_RECORDS)
    if together:
        _say(codes, plain.var0 == 0, reasons.NO_CENTRE)
        return codes
    _say(codes, plain.n == 1, reasons.ONE_RECORD)
    _say(codes, same_rows & same_columns, reasons.SAME_BOTH)
    _say(codes, same_rows, reasons.SAME_EXPOSURE)
    _say(codes, same_columns, reasons.SAME_OUTCOME)
    return codes


def _say(codes: Codes, where: NDArray[np.bool_], code: str) -> None:
    """Note a reason where there is none yet."""
    codes[where & ~codes.astype(bool)] = code


def _results(
    n: Ints, strata: Floats, tau: Floats, se: Floats, limits: tuple[Floats, Floats], p_value: Floats, codes: Codes
) -> AdjustedTau:
    has_tau = ~codes.astype(bool)
    low, high = limits
    tau, se, low, high, p_value = (np.where(has_tau, values, np.nan) for values in (tau, se, low, high, p_value))
    return AdjustedTau(n, strata, tau, se, low, high, p_value, codes)


def _check(counts: NDArray[np.integer]) -> None:
    if counts.ndim != 4:
        raise ValueError(f"counts have {counts.ndim} axes; expected four: centres, exposure, outcome, covariate")
