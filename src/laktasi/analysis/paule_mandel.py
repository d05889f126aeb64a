"""The variance between centres by Paule and Mandel, for a mean or a line, where a centre of n records has variance c/n.

Everything is in units of c: a centre's variance is c (rho + 1/n), with rho = tau²/c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import Floats

ROUNDS = 100
"""More steps than any of the searches takes: each is Newton's, and goes up to its solution from below."""
TOLERANCE = 1e-13
"""A search is over when its last step was smaller than this, relative to where it stands."""

AT_ONCE = 4_000_000
"""Weights formed at once, 32 MB."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients fitted by weighted least squares, the variance between centres estimated along with them."""

    coefficients: Floats
    """One for each column of the design."""
    covariance: Floats
    """Their variances and covariances, without Hartung and Knapp's factor."""
    tau2: float
    """Variance between centres; 0 where the centres differ no more than chance would have it."""
    factor: float
    """Hartung and Knapp's: Q at tau2 over its degrees of freedom. 1 where tau2 > 0, below 1 where it was cut to 0."""


def fit(design: Floats, y: Floats, n: Floats, c: float) -> Fit:
    """Fit a mean or a line through the centres.

    Parameters
    ----------
    design : shape (centres, coefficients)
        A column of ones; for a line, a second column. Fewer columns than centres, and none a sum of the others.
    y, n : shape (centres,)
        Each centre's estimate, and its records.
    c
        Variance of an estimate from one record; above 0.

    Notes
    -----
    tau2 is the one at which Q, the weighted sum of squared residuals, is what it is expected to be: centres less
    coefficients [1]_. With P the matrix that takes y to its weighted residuals, the derivatives of Q = y'Py by tau2 are
    −y'P²y and 2 y'P³y; by Cauchy and Schwarz 1/Q is then concave, and Newton's steps on 1/Q never pass the solution.

    References
    ----------
    .. [1] Paule R. C., Mandel J. (1982), Consensus values and weighting factors, Journal of Research of the National
       Bureau of Standards 87, 377–385.
    """
    df = len(y) - design.shape[1]
    rho = solve(design, y, n, df * c)
    weights = 1 / (rho + 1 / n)
    coefficients, residuals = _least_squares(design, y, weights)
    q = float((weights * residuals * residuals).sum()) / c
    information = design.T @ (design * weights[:, None])
    covariance = np.asarray(c * np.linalg.inv(information), dtype=np.float64)
    return Fit(coefficients, covariance, rho * c, q / df)


def solve(design: Floats, y: Floats, n: Floats, target: float) -> float:
    """Return the rho at which c Q is `target`, or 0 where it is less even there."""
    rho = 0.0
    for _ in range(ROUNDS):
        weights = 1 / (rho + 1 / n)
        residuals = _least_squares(design, y, weights)[1]
        q, slope = (float((weights**power * residuals * residuals).sum()) for power in (1, 2))
        if q <= target:
            break
        step = q * (q - target) / (target * slope)
        rho += step
        if step <= TOLERANCE * rho:
            break
    return rho


def solve_without_one(y: Floats, n: Floats, c: Floats, start: float) -> tuple[Floats, Floats, Floats]:
    """Fit a mean without each centre in turn.

    Parameters
    ----------
    y, n : shape (centres,)
        Each centre's estimate, and its records.
    c : shape (centres,)
        Variance of an estimate from one record, as the other centres have it; above 0.
    start
        Where to begin to look for rho: that of all centres.

    Returns
    -------
    mean, variance, rho : ndarray, shape (centres,)
        Of the other centres: their mean, its variance (without Hartung and Knapp's factor), and their tau²/c.

    Notes
    -----
    Sums over all centres less the one that is left out. Centres of one size share their weight, so the sums have as
    many terms as there are sizes: fewer than √(2N) for N records in all.
    """
    inverse, group = np.unique(1 / n, return_inverse=True)
    centred = y - np.average(y, weights=n)  # so that the sums do not cancel
    moments: Floats = np.stack([np.bincount(group, centred**power, len(inverse)) for power in range(3)], axis=1)
    own = np.stack([np.ones_like(y), centred, centred * centred], axis=1)
    target = (len(y) - 2) * c
    # Where the others differ no more than chance even at 0, that is the solution. It is asked for by itself: where they
    # agree, Q and its slope are nothing but what rounding makes of them, and no step leads there from `start`.
    rho = np.zeros_like(y)
    first = _sums(rho, inverse, group, moments, own)[0]
    mean = first[:, 1] / first[:, 0]
    variance = c / first[:, 0]
    moving = np.flatnonzero(first[:, 2] - mean * first[:, 1] > target)
    rho[moving] = start
    for _ in range(ROUNDS):
        if not len(moving):
            break
        first, second = _sums(rho[moving], inverse, group[moving], moments, own[moving])
        mean[moving] = at = first[:, 1] / first[:, 0]
        variance[moving] = c[moving] / first[:, 0]
        q = np.maximum(first[:, 2] - at * first[:, 1], 0)
        slope = second[:, 2] - 2 * at * second[:, 1] + at * at * second[:, 0]
        wanted = target[moving]
        step = np.divide(q * (q - wanted), wanted * slope, out=-rho[moving], where=slope > 0)
        step = np.maximum(step, -rho[moving])
        going = np.abs(step) > TOLERANCE * rho[moving]
        moving = moving[going]
        rho[moving] += step[going]
    return mean + np.average(y, weights=n), variance, rho


def _least_squares(design: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and residuals; by roots of the weights, so that nothing is squared before it is solved."""
    root = np.sqrt(weights)
    coefficients = np.asarray(np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0], dtype=np.float64)
    return coefficients, y - design @ coefficients


def _sums(rho: Floats, inverse: Floats, group: NDArray[np.intp], moments: Floats, own: Floats) -> tuple[Floats, Floats]:
    """Return Σ w, Σ w y and Σ w y² over the other centres, shape (centres, 3), and the same with w² for w."""
    first, second = np.empty((len(rho), 3)), np.empty((len(rho), 3))
    step = max(1, AT_ONCE // len(inverse))
    for begin in range(0, len(rho), step):
        part = slice(begin, begin + step)
        weights = 1 / (rho[part, None] + inverse)
        first[part] = weights @ moments
        weights *= weights
        second[part] = weights @ moments
    weight = 1 / (rho + inverse[group])[:, None]
    return first - weight * own, second - weight * weight * own
