"""Kendall's tau_b for many tables at once: estimate, test, interval and the range that the margins allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.interval import CI_METHOD_CUT, sampling_variance, tau_b_interval
from laktasi.analysis.pairs import Floats, Ints, PairCounts, count_pairs
from laktasi.analysis.reasons import in_words, reason_codes
from laktasi.analysis.two_sided import normal_p


@dataclass(frozen=True, slots=True)
class KendallResults:
    """Results of `kendall`: one entry per table in each array; nan (None in texts) where a table has no tau_b."""

    n: Ints
    """Records."""
    s: Ints
    """Kendall's S: concordant minus discordant pairs, exact."""
    tau_b: Floats
    """S / √(Dx Dy), with Dx and Dy the pairs untied on exposure and on outcome."""
    var0: Floats
    """Variance of S under no association, both margins as observed."""
    z: Floats
    """S / √var0, no continuity correction."""
    p_value: Floats
    """Two-sided, from the normal distribution of z."""
    ase1: Floats
    """Asymptotic standard error of tau_b (Brown and Benedetti 1977). 0 for a perfect table, where it says nothing."""
    ci_low: Floats
    """Lower limit of the 95 % interval."""
    ci_high: Floats
    """Upper limit of the 95 % interval."""
    ci_method: NDArray[np.object_]
    """Name of the interval's method."""
    tau_b_min: Floats
    """Smallest tau_b of any table with the same margins."""
    tau_b_max: Floats
    """Largest tau_b of any table with the same margins."""
    reason_code: NDArray[np.object_]
    """Why there is no tau_b: a key of `laktasi.analysis.reasons.REASONS`; None where there is one."""

    @property
    def reason(self) -> NDArray[np.object_]:
        """Why there is no tau_b, in English words; None where there is one."""
        return in_words(self.reason_code)


def kendall(counts: NDArray[np.integer]) -> KendallResults:
    """Compute Kendall's tau_b in each of many contingency tables.

    Parameters
    ----------
    counts : ndarray of int, shape (tables, exposure levels, outcome levels)
        Records in each cell, levels lowest first. Levels that nobody chose, and tables without a record, do no harm.

    Returns
    -------
    KendallResults
        Arrays of shape (tables,).

    Raises
    ------
    ValueError
        Not three axes, not integers, a negative count, or more than two thousand million records in a table.

    See Also
    --------
    laktasi.analysis.exact.conditional_p : the test given both margins, exact for small tables.
    laktasi.analysis.pooled.stratified : one coefficient for all tables.

    Notes
    -----
    A pair of records is concordant where the one with the higher exposure has the higher outcome, and discordant
    where it has the lower; a pair tied on either counts as neither, and is left out of the D of the variable it is
    tied on. With S the concordant minus the discordant pairs,

        tau_b = S / √(Dx Dy),   z = S / √Var0,

    where Var0 is the variance of S over all matchings of the two margins, corrected for ties [1]_. This z and its
    two-sided p are those of SPSS's nonparametric correlations and of ``scipy.stats.kendalltau(method="asymptotic")``;
    SPSS CROSSTABS prints another one under the same heading, tau_b over its standard error. Two records that differ
    in both make a tau_b of ±1 with z = ±1 (scipy divides by zero there).

    The interval is described in `laktasi.analysis.interval`, the range in `laktasi.analysis.pairs`. The range is a
    fact about the observed margins, the interval is about the population: where the association is near the ceiling,
    the population's tau_b may lie beyond what this sample's margins could show.

    References
    ----------
    .. [1] Kendall M. G. (1970), Rank Correlation Methods, 4th edition, Griffin, London.
    .. [2] Brown M. B., Benedetti J. K. (1977), Sampling behavior of tests for correlation in two-way contingency
       tables, Journal of the American Statistical Association 72, 309–315.

    Examples
    --------
    The published table of Mopuya: rows no massage and massage; columns not enough, enough and good milk.

    >>> import numpy as np
    >>> result = kendall(np.array([[[7, 4, 0], [0, 8, 6]]]))
    >>> f"{result.tau_b[0]:.3f} of at most {result.tau_b_max[0]:.3f}, p = {result.p_value[0]:.4f}"
    '0.699 of at most 0.699, p = 0.0003'
    """
    return from_pairs(count_pairs(counts))


def from_pairs(pairs: PairCounts) -> KendallResults:
    """Compute what `kendall` does, from pairs already counted."""

    has_tau = (pairs.untied_rows > 0) & (pairs.untied_columns > 0)
    method = np.full(pairs.n.shape, None, dtype=object)
    method[has_tau] = CI_METHOD_CUT
    # Divisions by zero belong to tables without a tau; they are overwritten by nan below.
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(pairs.untied_rows.astype(np.float64) * pairs.untied_columns)
        tau, low, high = pairs.s / scale, pairs.s_min / scale, pairs.s_max / scale
        z = pairs.s / np.sqrt(pairs.var0)
        ase1 = np.sqrt(sampling_variance(pairs, 0.0)[1])
    ci_low, ci_high = tau_b_interval(pairs)
    return KendallResults(
        n=pairs.n,
        s=pairs.s,
        tau_b=np.where(has_tau, tau, np.nan),
        var0=np.where(has_tau, pairs.var0, np.nan),
        z=np.where(has_tau, z, np.nan),
        p_value=np.where(has_tau, normal_p(z), np.nan),
        ase1=np.where(has_tau, ase1, np.nan),
        ci_low=np.where(has_tau, ci_low, np.nan),
        ci_high=np.where(has_tau, ci_high, np.nan),
        ci_method=method,
        tau_b_min=np.where(has_tau, low, np.nan),
        tau_b_max=np.where(has_tau, high, np.nan),
        reason_code=reason_codes(pairs),
    )
