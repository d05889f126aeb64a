"""Centres taken for a sample of centres: the mean of their tau_b, how much they differ, and where the next one may lie.

docs/decisions/0015-random-effects.md says why it is done this way, and what the simulation in
benchmarks/random_effects_coverage.py finds for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.heterogeneity import Compared, cochran, compare
from laktasi.analysis.interval import LEVEL
from laktasi.analysis.pairs import Floats, count_pairs
from laktasi.analysis.paule_mandel import fit, solve, solve_without_one
from laktasi.analysis.reasons import (
    NO_CENTRE,
    NO_LARGE_CENTRE,
    NO_VARIANCE,
    ONE_CENTRE,
    ONE_SIZE,
    REASONS,
    TOO_FEW,
    TWO_CENTRES,
    reason_codes,
)
from laktasi.analysis.two_sided import t_p

METHOD = "Paule-Mandel, Hartung-Knapp"
CI_METHOD = "t with (centres used - 1) degrees of freedom, Hartung-Knapp factor of at least 1"


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """The result of `random_effects`; None where there is none (`reason` then says why)."""

    method: str
    """Estimator of the variance between centres, and of the interval."""
    centres: int
    """Centres given."""
    centres_used: int
    """Centres that have a tau_b of their own and `laktasi.analysis.heterogeneity.MIN_N` records or more."""
    left_out: Mapping[str, int]
    """How many centres are not used, by reason code."""
    n: int
    """Records of the centres used."""
    tau_b: float | None = None
    """Mean tau_b over centres."""
    se: float | None = None
    """Its standard error."""
    df: int | None = None
    """Centres used, less one."""
    t: float | None = None
    """tau_b / se."""
    p_value: float | None = None
    """Two-sided, from t with df degrees of freedom."""
    ci_low: float | None = None
    """Lower limit of the interval of the mean, −1 or more."""
    ci_high: float | None = None
    """Upper limit of the interval of the mean, 1 or less."""
    ci_level: float | None = None
    """Level of all intervals of this result."""
    ci_method: str | None = None
    """Name of the interval's method."""
    pi_low: float | None = None
    """Lower limit for the tau_b that the population of one more such centre has, −1 or more; None for two centres."""
    pi_high: float | None = None
    """Its upper limit, 1 or less."""
    tau2: float | None = None
    """Variance between centres of their true tau_b."""
    tau2_low: float | None = None
    """Lower limit of its Q-profile interval."""
    tau2_high: float | None = None
    """Upper limit. 0 where the centres are more alike than chance would have it."""
    i2: float | None = None
    """Share of the differences between centres that is more than chance, from 0 to 1: max(0, (Q − df) / Q)."""
    q: float | None = None
    """Cochran's Q."""
    q_df: int | None = None
    """Its degrees of freedom."""
    q_p_value: float | None = None
    """P(chi-squared with q_df degrees of freedom >= Q)."""
    c: float | None = None
    """Variance of tau_b for one record, pooled over the centres used; a centre of n records has c/n."""
    small_study_slope: float | None = None
    """Slope of tau_b on 1/√n; None where `small_study_reason_code` says why."""
    small_study_se: float | None = None
    """Its standard error."""
    small_study_p: float | None = None
    """Its two-sided p, from t with two degrees of freedom less than there are centres."""
    reason_code: str | None = None
    """Why there is no mean, a key of `laktasi.analysis.reasons.REASONS`."""

    @property
    def reason(self) -> str | None:
        """Why there is no mean, or else no prediction interval or no check of small centres, in English words."""
        # Where there is no prediction interval, there is no check of small centres, for the same reason.
        code = self.small_study_reason_code
        return REASONS[code]["en"] if code else None

    @property
    def pi_reason_code(self) -> str | None:
        """Why there is no prediction interval, a key of `laktasi.analysis.reasons.REASONS`."""
        if self.reason_code is not None or self.pi_low is not None:
            return self.reason_code
        return TWO_CENTRES

    @property
    def small_study_reason_code(self) -> str | None:
        """Why there is no check of small centres, a key of `laktasi.analysis.reasons.REASONS`."""
        if self.reason_code is not None or self.small_study_slope is not None:
            return self.reason_code
        return TWO_CENTRES if self.centres_used < 3 else ONE_SIZE


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """What `random_effects` finds without each centre in turn, shape (centres,); nan for a centre that is not used."""

    tau_b: Floats
    """Mean tau_b over the other centres."""
    ci_low: Floats
    """Lower limit of its interval."""
    ci_high: Floats
    """Upper limit of its interval."""
    tau2: Floats
    """Variance between the other centres."""
    i2: Floats
    """Share of their differences that is more than chance, from 0 to 1."""


def random_effects(counts: NDArray[np.integer]) -> RandomEffects:
    """Estimate the mean tau_b of centres of which those given are a sample, and how much such centres differ.

    Parameters
    ----------
    counts : ndarray of int, shape (centres, exposure levels, outcome levels)
        Records in each cell, levels lowest first.

    Raises
    ------
    ValueError
        As `laktasi.analysis.kendall.kendall`.

    See Also
    --------
    laktasi.analysis.pooled.stratified : one coefficient for the centres that were visited.

    Notes
    -----
    **The model.** Centre i has a tau_b of its own in its population, drawn from a distribution of centres with mean
    `tau_b` and variance `tau2`; its n_i records add chance with variance c/n_i. It counts by 1/(tau2 + c/n_i). A
    centre's own standard error has no part in that: it is small where tau_b happens to be large, which pulls the mean
    up and makes chance look like disagreement.

    **tau2** is Paule and Mandel's, see `laktasi.analysis.paule_mandel.fit`; its interval holds the values at which Q is
    no smaller and no larger than chance would have it (Q profile [1]_). It is 0 to 0 where Q is smaller even at 0: the
    centres are then more alike than chance would have it, which does not prove them equal.

    **The interval of the mean** is from t [2]_. Hartung and Knapp's factor is 1 wherever Paule and Mandel's tau2 is
    above 0; where it was cut to 0 the factor is below 1, and 1 is taken: that centres happen to agree does not make
    their records less variable than they are.

    **The prediction interval** has t with one degree of freedom less [3]_.

    **Small centres**: the same model with a line over 1/√n in place of a mean.

    All intervals are cut to what can be: −1 to 1 for a tau_b, at most 1 for its variance.

    References
    ----------
    .. [1] Viechtbauer W. (2007), Confidence intervals for the amount of heterogeneity in meta-analysis, Statistics in
       Medicine 26, 37–52.
    .. [2] Hartung J., Knapp G. (2001), A refined method for the meta-analysis of controlled clinical trials with binary
       outcome, Statistics in Medicine 20, 3875–3889.
    .. [3] Higgins J. P. T., Thompson S. G., Spiegelhalter D. J. (2009), A re-evaluation of random-effects
       meta-analysis, Journal of the Royal Statistical Society A 172, 137–159.

    Examples
    --------
    >>> import numpy as np
    >>> three = np.array([[[7, 4, 0], [0, 8, 6]], [[5, 5, 5], [5, 5, 5]], [[6, 5, 2], [2, 5, 6]]])
    >>> result = random_effects(three)
    >>> f"{result.tau_b:.2f} ({result.ci_low:.2f} to {result.ci_high:.2f}), tau2 = {result.tau2:.3f}"
    '0.35 (-0.52 to 1.00), tau2 = 0.098'
    """
    pairs = count_pairs(counts)
    compared = compare(pairs)
    codes = reason_codes(pairs)
    has_tau = codes == np.array(None)
    codes[has_tau & ~compared.used] = TOO_FEW
    frame = RandomEffects(
        method=METHOD,
        centres=len(pairs.n),
        centres_used=len(compared.n),
        left_out=dict(Counter(str(code) for code in codes if code is not None)),
        n=int(compared.n.sum()),
    )
    if not has_tau.any():
        return replace(frame, reason_code=NO_CENTRE)
    if len(compared.n) < 2:
        return replace(frame, reason_code=ONE_CENTRE if len(compared.n) else NO_LARGE_CENTRE)
    if compared.c == 0:
        return replace(frame, reason_code=NO_VARIANCE)
    return _estimate(frame, compared)


def leave_one_out(counts: NDArray[np.integer]) -> LeaveOneOut:
    """Do `random_effects` without each centre in turn: does one of them carry the result?

    Parameters and Raises are those of `random_effects`. c is pooled without the centre too, so that each entry is what
    `random_effects` finds in the other centres; nan where that is nothing.
    """
    compared = compare(count_pairs(counts))
    centres = len(compared.used)
    result = LeaveOneOut(*(np.full(centres, np.nan) for _ in range(5)))
    k = len(compared.n)
    if k < 3:
        return result
    from scipy.special import stdtrit

    c = _sum_of_others(compared.spread) / _sum_of_others(compared.n)
    n, tau = compared.n, compared.tau_b
    start = solve(np.ones((k, 1)), tau, n, (k - 1) * compared.c) if compared.c > 0 else 0.0
    some = c > 0
    c = np.where(some, c, 1.0)
    mean, variance, rho = solve_without_one(tau, n, c, start)
    half = stdtrit(k - 2, (1 + LEVEL) / 2) * np.sqrt(variance)
    q = _q_of_others(tau, n) / c
    i2 = np.divide(np.maximum(q - (k - 2), 0), q, out=np.zeros_like(q), where=q > 0)
    at = np.flatnonzero(compared.used)
    for into, values in (
        (result.tau_b, mean),
        (result.ci_low, np.maximum(mean - half, -1)),
        (result.ci_high, np.minimum(mean + half, 1)),
        (result.tau2, rho * c),
        (result.i2, i2),
    ):
        into[at[some]] = values[some]
    return result


def _estimate(frame: RandomEffects, compared: Compared) -> RandomEffects:
    from scipy.special import chdtri, stdtrit

    n, tau, c = compared.n, compared.tau_b, compared.c
    df = len(n) - 1
    ones = np.ones((len(n), 1))
    mean = fit(ones, tau, n, c)
    tau_b, se = float(mean.coefficients[0]), sqrt(float(mean.covariance[0, 0]) * max(1.0, mean.factor))
    tails = (1 - LEVEL) / 2
    reach = float(stdtrit(df, 1 - tails))
    half = reach * se
    # One degree of freedom less than for the mean; two centres leave none.
    further = float(stdtrit(df - 1, 1 - tails)) * sqrt(mean.tau2 + se * se) if df > 1 else None
    spread = cochran(compared)
    slope, slope_se, slope_p = _small_study(compared)
    return replace(
        frame,
        tau_b=tau_b,
        se=se,
        df=df,
        t=tau_b / se,
        p_value=t_p(tau_b / se, df),
        ci_low=max(tau_b - half, -1.0),
        ci_high=min(tau_b + half, 1.0),
        ci_level=LEVEL,
        ci_method=CI_METHOD,
        pi_low=None if further is None else max(tau_b - further, -1.0),
        pi_high=None if further is None else min(tau_b + further, 1.0),
        tau2=mean.tau2,
        tau2_low=c * solve(ones, tau, n, c * float(chdtri(df, tails))),
        tau2_high=max(min(c * solve(ones, tau, n, c * float(chdtri(df, 1 - tails))), 1.0), mean.tau2),
        i2=spread.i2,
        q=spread.q,
        q_df=spread.df,
        q_p_value=spread.p_value,
        c=c,
        small_study_slope=slope,
        small_study_se=slope_se,
        small_study_p=slope_p,
    )


def _small_study(compared: Compared) -> tuple[float | None, float | None, float | None]:
    """Return slope, standard error and p of tau_b on 1/√n; None for fewer than three centres or centres of one size."""

    n = compared.n
    if len(n) < 3 or n.min() == n.max():
        return None, None, None
    line = fit(np.stack([np.ones_like(n), 1 / np.sqrt(n)], axis=1), compared.tau_b, n, compared.c)
    slope, se = float(line.coefficients[1]), sqrt(float(line.covariance[1, 1]) * max(1.0, line.factor))
    return slope, se, t_p(slope / se, len(n) - 2)


def _sum_of_others(values: Floats) -> Floats:
    """Return for each entry the sum of all others, from both sides, so that nothing is taken away again."""
    before = np.concatenate(([0.0], np.cumsum(values[:-1])))
    after = np.concatenate((np.cumsum(values[:0:-1])[::-1], [0.0]))
    others: Floats = before + after
    return others


def _q_of_others(tau: Floats, n: Floats) -> Floats:
    """Return c Q of all centres but one, for each of them."""
    centred = tau - np.average(tau, weights=n)
    mean = _sum_of_others(n * centred) / _sum_of_others(n)
    q: Floats = np.maximum(_sum_of_others(n * centred * centred) - mean * _sum_of_others(n * centred), 0)
    return q
