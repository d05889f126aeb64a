"""Whether the centres' coefficients differ by more than chance: Cochran's Q and I²."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import Floats, PairCounts, add_cells
from laktasi.analysis.reasons import NO_VARIANCE_OF_Q, NOT_COMPARED

MIN_N = 10
"""Records below which a centre's tau_b has no usable variance, and stays out of Q."""
ROUNDING = 256 * float(np.finfo(np.float64).eps)
"""A tau_b that differs from the mean by less does not differ: 6e-14, and one record in 999,999,999 still makes 1e-9."""


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Cochran's Q over centres; None where centres cannot be compared (`reason_code` then says why)."""

    q: float | None = None
    df: int | None = None
    """Centres compared, less one."""
    p_value: float | None = None
    """P(chi-squared with df degrees of freedom >= Q)."""
    i2: float | None = None
    """Share of the differences that is more than chance, from 0 to 1: max(0, (Q − df) / Q)."""
    reason_code: str | None = None
    """Why there is none, a key of `laktasi.analysis.reasons.REASONS`."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The centres whose tau_b can be compared."""

    used: NDArray[np.bool_]
    """Which of the tables given they are, shape (tables,); the arrays below have one entry for each of them."""
    n: Floats
    """Records, at least `MIN_N`."""
    tau_b: Floats
    """Their coefficients."""
    spread: Floats
    """n² times the delete-one jackknife variance of tau_b: what each brings to the numerator of `c`."""

    @property
    def c(self) -> float:
        """Variance of tau_b for one record, pooled over the centres; 0 where every table is perfect."""
        return float(self.spread.sum() / self.n.sum()) if len(self.n) else 0.0


def heterogeneity(pairs: PairCounts) -> Heterogeneity:
    """Compare the tau_b of centres.

    Parameters
    ----------
    pairs
        The pairs of each centre's table. Centres without a tau_b, or with fewer than `MIN_N` records, are left out.

    Notes
    -----
    Q = Σ w (tau − Σ w tau / Σ w)² with weights w = n/c. A centre's own standard error is no weight: it is smallest
    where tau_b happens to be large, so that weighting by it pulls the mean away and makes chance look like
    disagreement. Instead one c, the variance of tau_b for one record, is pooled over the centres: the mean of n times
    each centre's delete-one jackknife variance, weighted by n.

    tau_b depends on the margins too: centres with the same association and other margins have other tau_b, and Q
    rightly counts that as a difference.

    References
    ----------
    .. [1] Cochran W. G. (1954), The combination of estimates from different experiments, Biometrics 10, 101–129.
    .. [2] Higgins J. P. T., Thompson S. G. (2002), Quantifying heterogeneity in a meta-analysis, Statistics in Medicine
       21, 1539–1558.
    """
    compared = compare(pairs)
    if len(compared.n) < 2:
        return Heterogeneity(reason_code=NOT_COMPARED)
    if compared.c == 0:
        return Heterogeneity(reason_code=NO_VARIANCE_OF_Q)
    return cochran(compared)


def compare(pairs: PairCounts) -> Compared:
    """Take from each table what comparing centres needs."""
    used = (pairs.untied_rows > 0) & (pairs.untied_columns > 0) & (pairs.n >= MIN_N)
    n = pairs.n[used].astype(np.float64)
    tau = pairs.s[used] / np.sqrt(pairs.untied_rows[used].astype(np.float64) * pairs.untied_columns[used])
    return Compared(used=used, n=n, tau_b=tau, spread=n * n * _jackknife_variance(pairs)[used])


def cochran(compared: Compared) -> Heterogeneity:
    """Compute Q of two centres or more whose c is not 0."""
    from scipy.special import chdtrc

    tau, weights, df = compared.tau_b, compared.n / compared.c, len(compared.n) - 1
    q = float((weights * (tau - (weights * tau).sum() / weights.sum()) ** 2).sum())
    return Heterogeneity(q, df, float(chdtrc(df, q)), max(0.0, (q - df) / q) if q > 0 else 0.0)


def _jackknife_variance(pairs: PairCounts) -> Floats:
    """Return the delete-one jackknife variance of tau_b in each table; 0 where it has no tau_b.

    A record without which the table has no tau_b is left out of the mean and of the sum. What is only rounding counts
    as 0: a variance of 1e-29 would make any difference between centres an enormous one.
    """
    s = (pairs.s - pairs.dominance).astype(np.float64)
    untied_rows = pairs.untied_rows - (pairs.n - pairs.rows)[:, None]
    untied_columns = pairs.untied_columns - (pairs.n - pairs.columns)[None, :]
    scale = np.sqrt(np.maximum(untied_rows, 0).astype(np.float64) * np.maximum(untied_columns, 0))
    tau = np.divide(s, scale, out=np.zeros_like(s), where=scale > 0)
    weights = np.where(scale > 0, pairs.table, 0).astype(np.float64)
    records = np.maximum(add_cells(weights), 1)
    mean = add_cells(weights * tau) / records
    away = tau - mean
    away[np.abs(away) <= ROUNDING] = 0
    variance: Floats = add_cells(weights * away**2) * (records - 1) / records
    return variance
