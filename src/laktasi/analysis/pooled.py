"""One coefficient for all centres: from the pairs within centres, and, kept apart, from one table of everyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.heterogeneity import heterogeneity
from laktasi.analysis.interval import CI_METHOD
from laktasi.analysis.pairs import PairCounts, count_pairs
from laktasi.analysis.reasons import NO_CENTRE, REASONS, reason_codes
from laktasi.analysis.strata import split_tables, stratified_estimate

STRATIFIED, NAIVE = "stratified", "naive"

LABELS: Mapping[str, Mapping[str, str]] = {
    STRATIFIED: {
        "en": "Within centres (stratified): only records of the same centre are compared",
        "id": "Di dalam puskesmas (terstratifikasi): hanya data dari puskesmas yang sama yang dibandingkan",
    },
    NAIVE: {
        "en": "Naive: everyone in one table, so that differences between centres enter the coefficient",
        "id": "Naif: semua data dalam satu tabel, sehingga perbedaan antarpuskesmas ikut masuk ke dalam koefisien",
    },
}
"""What each way of pooling is, in words to print beside it."""


@dataclass(frozen=True, slots=True)
class PooledResult:
    """One coefficient over centres; None where there is none (`reason` then says why).

    The naive pooling has no Q at all: there is nothing to say why.
    """

    method: str
    """``stratified`` or ``naive``, see `LABELS`."""
    centres: int
    """Centres given."""
    centres_used: int
    """Stratified: centres that have a tau_b of their own. Naive: centres with a record."""
    without_tau: Mapping[str, int]
    """How many centres have no tau_b of their own, by reason code."""
    n: int
    """Records, of all centres."""
    tau_b: float | None = None
    se: float | None = None
    """Standard error of tau_b when records are drawn anew within the same centres."""
    z: float | None = None
    """ΣS / √ΣVar0: the test of no association within any centre."""
    p_value: float | None = None
    """Two-sided, from the normal distribution of z."""
    ci_low: float | None = None
    """Lower limit of the 95 % interval."""
    ci_high: float | None = None
    """Upper limit of the 95 % interval."""
    ci_method: str | None = None
    """Name of the interval's method."""
    tau_b_min: float | None = None
    """Smallest tau_b that the margins of the centres allow together."""
    tau_b_max: float | None = None
    """Largest tau_b that the margins of the centres allow together."""
    q: float | None = None
    """Cochran's Q over centres, see `laktasi.analysis.heterogeneity`; None for the naive pooling."""
    q_df: int | None = None
    """Centres compared by Q, less one."""
    q_p_value: float | None = None
    """P(chi-squared with q_df degrees of freedom >= Q)."""
    i2: float | None = None
    """Share of the differences between centres that is more than chance, from 0 to 1."""
    reason_code: str | None = None
    """Why there is no tau_b, or else no Q, a key of `laktasi.analysis.reasons.REASONS`."""

    @property
    def reason(self) -> str | None:
        """Why there is no tau_b, or else no Q, in English words."""
        return REASONS[self.reason_code]["en"] if self.reason_code else None


def stratified(counts: NDArray[np.integer]) -> PooledResult:
    """Compute the within-centre tau_b over all centres, with its test, interval and heterogeneity.

    Parameters
    ----------
    counts : ndarray of int, shape (centres, exposure levels, outcome levels)
        Records in each cell, levels lowest first.

    Raises
    ------
    ValueError
        As `laktasi.analysis.kendall.kendall`; or more than two thousand million records in all centres together.

    Notes
    -----
    tau_b = ΣS / √(ΣDx ΣDy): the tau_b of all pairs of records *of the same centre*. S, Dx and Dy are sums over centres
    of concordant minus discordant pairs, pairs untied on exposure, and pairs untied on outcome. A centre counts by
    its pairs, so a large one counts more than in proportion to its records.

    **Centres without a tau_b of their own** have S = 0, and still bring the pairs that differ in the one variable that
    varies. They are counted in `without_tau` and stay in the sums: each sum is then an unbiased estimate of what it
    would be in the population, however small the centres; dropping the ones where nothing happened to vary would push
    the coefficient away from 0.

    **The test** is z = ΣS / √ΣVar0, with each centre's tie-corrected null variance [1]_.

    **The interval** is the score interval of single centres, with the variance of tau_b to first order (delta method)
    when records are drawn anew within the same centres: the squared influences of records about their centre's mean,
    times n/(n − 1). It is not cut to what the margins allow together: with many records a population at its ceiling
    would fall outside as often as not. It needs no minimum of centres, and speaks of the centres that were visited. A
    jackknife over centres would speak of centres like them, and covers too little with few; the spread between centres
    is told by Q and I² instead.

    References
    ----------
    .. [1] Taylor J. M. G. (1987), Kendall's and Spearman's correlation coefficients in the presence of a blocking
       variable, Biometrics 43, 409–416.

    Examples
    --------
    >>> import numpy as np
    >>> two = stratified(np.array([[[7, 4, 0], [0, 8, 6]], [[5, 5, 5], [5, 5, 5]]]))
    >>> f"{two.tau_b:.3f} from {two.n} records of {two.centres_used} centres"
    '0.281 from 55 records of 2 centres'
    """
    pairs = count_pairs(counts)
    spread = heterogeneity(pairs)
    without = _without_tau(pairs)
    frame = PooledResult(
        method=STRATIFIED,
        centres=len(pairs.n),
        centres_used=len(pairs.n) - sum(without.values()),
        without_tau=without,
        n=int(pairs.n.sum()),
        q=spread.q,
        q_df=spread.df,
        q_p_value=spread.p_value,
        i2=spread.i2,
    )
    return _estimate(frame, pairs, NO_CENTRE, spread.reason_code)


def naive(counts: NDArray[np.integer]) -> PooledResult:
    """Compute tau_b in one table of everyone, as if there were no centres.

    Parameters, Raises and Examples are those of `stratified`. Two centres that differ in how common the exposure and
    how common the outcome is make an association here that neither of them has (Simpson's paradox), or hide one: show
    it only beside the stratified coefficient, with its label from `LABELS`. It has no heterogeneity.
    """
    centres, everyone = count_pairs(counts), count_pairs(counts.sum(axis=0, keepdims=True, dtype=np.int64))
    frame = PooledResult(
        method=NAIVE,
        centres=len(centres.n),
        centres_used=int((centres.n > 0).sum()),
        without_tau=_without_tau(centres),
        n=int(everyone.n[0]),
    )
    return _estimate(frame, everyone, reason_codes(everyone)[0], None)


def _without_tau(pairs: PairCounts) -> dict[str, int]:
    return dict(Counter(str(code) for code in reason_codes(pairs) if code is not None))


def _estimate(frame: PooledResult, pairs: PairCounts, without_tau: str | None, without_q: str | None) -> PooledResult:
    """Add the coefficient, its test and its interval to what is known already, and the reason for what there is not."""
    found = stratified_estimate(split_tables(pairs), together=True)
    within = found.within
    if within.var0[0] == 0:
        return replace(frame, reason_code=without_tau)
    return replace(
        frame,
        tau_b=float(found.tau[0]),
        se=float(found.se[0]),
        z=float(found.z[0]),
        p_value=float(found.p_value[0]),
        ci_low=float(found.ci_low[0]),
        ci_high=float(found.ci_high[0]),
        ci_method=CI_METHOD,
        tau_b_min=float(within.s_min[0] / within.scale[0]),
        tau_b_max=float(within.s_max[0] / within.scale[0]),
        reason_code=without_q,
    )
