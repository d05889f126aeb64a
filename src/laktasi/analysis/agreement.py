"""Whether the same people answer the same when asked again: tests of a change between two rounds of paired answers.

Every function takes two arrays of one length, the first and the second answer of each person, and gives a `Tested`.
Where there is no result it says why in `reason`; fewer than `MIN_PAIRS` pairs are not tested.

References
----------
- Student (1908), The probable error of a mean, *Biometrika* 6, 1–25. (Paired t; its example is R's data set ``sleep``.)
- Wilcoxon F. (1945), Individual comparisons by ranking methods, *Biometrics Bulletin* 1, 80–83.
- Hollander M., Wolfe D. A. (1999), *Nonparametric Statistical Methods*, 2nd edition, Wiley. (Ties and zeros.)
- McNemar Q. (1947), Note on the sampling error of the difference between correlated proportions or percentages,
  *Psychometrika* 12, 153–157.
- Hansen M. H., Hurwitz W. N., Bershad M. A. (1961), Measurement errors in censuses and surveys, *Bulletin of the
  International Statistical Institute* 38, 359–374. (Simple response variance.)
- The reliability ratio is that of IPA's Stata command ``bcstats``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import Floats
from laktasi.analysis.signed_ranks import DIGITS, LARGEST, are_too_large, noise, ranks_of, two_sided_p
from laktasi.analysis.two_sided import normal_p, t_p

Truths = NDArray[np.bool_]

MIN_PAIRS = 10
"""Fewer pairs are not tested: a mean of few answers would say little of the question and much of the people."""
QUANTILE = 0.975

TOO_FEW = "fewer than 10 pairs"
NO_CHANGE = "no answer moved"
SAME_CHANGE = "all answers moved by as much"
NO_VARIANCE = "all answered alike when asked again"
NONE_CHOSE = "all or none chose it both times"
TOO_LARGE = f"an answer is larger than {LARGEST:.0e}".replace("e+", "e")
REASONS = (TOO_FEW, NO_CHANGE, SAME_CHANGE, NO_VARIANCE, NONE_CHOSE, TOO_LARGE)


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test gave."""

    n: int
    """Pairs."""
    original: float | None = None
    """Mean of the first answers, or share of those that are true."""
    back_check: float | None = None
    """The same of the second."""
    estimate: float | None = None
    ci_low: float | None = None
    """Lower end of a 95 % interval for the estimate, where the test gives one."""
    ci_high: float | None = None
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    """Two-sided."""
    reason: str | None = None
    """Why there is no result; one of `REASONS`."""


def paired_t(original: Floats, back_check: Floats) -> Tested:
    """Test whether the mean has moved, by Student's t of the differences.

    Parameters
    ----------
    original, back_check : ndarray of float, shape (pairs,)
        No nan.

    Returns
    -------
    Tested
        ``estimate`` is the mean of d = back check − original, ``statistic`` t = mean(d) / (sd(d) / √n), ``df`` n − 1.
    """
    if reason := _why_not(original, back_check):
        return Tested(len(original), reason=reason)
    n, d, within = len(original), back_check - original, noise(original, back_check)
    mean, spread = float(d.mean()), float(d.std(ddof=1))
    found = replace(_means(original, back_check), estimate=mean)
    if spread <= within.max():
        return replace(found, reason=SAME_CHANGE if (np.abs(d) > within).any() else NO_CHANGE)
    from scipy.special import stdtrit

    error = spread / np.sqrt(n)
    t, half = mean / error, float(stdtrit(n - 1, QUANTILE)) * error
    return replace(
        found,
        ci_low=float(mean - half),
        ci_high=float(mean + half),
        statistic=float(t),
        df=n - 1,
        p_value=t_p(t, n - 1),
    )


def signed_rank(original: Floats, back_check: Floats) -> Tested:
    """Test whether answers moved in one direction, by Wilcoxon's signed ranks.

    Pairs that did not move are left out, as Wilcoxon did; those that moved by as much share the mean of their ranks.

    Parameters
    ----------
    original, back_check : ndarray of float, shape (pairs,)
        No nan.

    Returns
    -------
    Tested
        ``statistic`` is W+, the sum of the ranks of |d| where d = back check − original > 0; ``df`` is how many pairs
        moved; ``estimate`` is the median of d over all pairs. p: see `laktasi.analysis.signed_ranks.two_sided_p`.
    """
    if reason := _why_not(original, back_check):
        return Tested(len(original), reason=reason)
    d, within = back_check - original, noise(original, back_check)
    found = replace(_means(original, back_check), estimate=float(np.median(d)))
    changes = np.where(np.abs(d) > within, d, 0.0)
    moved = int((changes != 0).sum())
    if moved == 0:
        return replace(found, reason=NO_CHANGE)
    ranks = ranks_of(changes[None], within[None])
    above = ranks[:, changes > 0].sum(axis=1)
    return replace(found, statistic=float(above[0]), df=moved, p_value=float(two_sided_p(ranks, above)[0]))


def proportions(original: Truths, back_check: Truths) -> Tested:
    """Test whether a share has moved, by the two-sample z of proportions, as field teams do.

    It takes the two rounds for independent samples. Asked of the same people they are not, so its p is too large
    where people mostly repeat themselves; :func:`mcnemar` is made for pairs.

    Parameters
    ----------
    original, back_check : ndarray of bool, shape (pairs,)
        Whether each gave the answer.

    Returns
    -------
    Tested
        ``estimate`` is p2 − p1, ``statistic`` z = (p2 − p1) / √(p(1 − p) · 2/n) with p of both rounds together; the
        interval takes each round's own variance, p1(1 − p1)/n + p2(1 − p2)/n.
    """
    n = len(original)
    if n < MIN_PAIRS:
        return Tested(n, reason=TOO_FEW)
    first, second = float(original.mean()), float(back_check.mean())
    change, both = second - first, (first + second) / 2
    found = replace(_means(original, back_check), estimate=change)
    if both in (0, 1):
        return replace(found, reason=NONE_CHOSE)
    from scipy.special import ndtri

    z = change / np.sqrt(2 * both * (1 - both) / n)
    half = float(ndtri(QUANTILE)) * np.sqrt((first * (1 - first) + second * (1 - second)) / n)
    return replace(
        found,
        ci_low=float(change - half),
        ci_high=float(change + half),
        statistic=float(z),
        p_value=float(normal_p(np.array(z))),
    )


def mcnemar(original: Truths, back_check: Truths) -> Tested:
    """Test whether a share has moved among the same people, by the exact test of those who changed their answer.

    Parameters
    ----------
    original, back_check : ndarray of bool, shape (pairs,)
        Whether each gave the answer.

    Returns
    -------
    Tested
        ``statistic`` is how many gave the answer only when asked again, ``df`` how many gave it only once; p is
        P(at least so uneven) if either way were as likely: twice the smaller tail of the binomial with ½, at most 1.
    """
    n = len(original)
    if n < MIN_PAIRS:
        return Tested(n, reason=TOO_FEW)
    found = replace(_means(original, back_check), estimate=float(back_check.mean() - original.mean()))
    to, away = int((~original & back_check).sum()), int((original & ~back_check).sum())
    if to + away == 0:
        return replace(found, reason=NO_CHANGE)
    from scipy.special import bdtr

    p_value = min(1.0, 2 * float(bdtr(min(to, away), to + away, 0.5)))
    return replace(found, statistic=to, df=to + away, p_value=p_value)


def reliability_ratio(original: Floats, back_check: Floats) -> Tested:
    """Measure which share of the variance between people is not noise of asking.

    Parameters
    ----------
    original, back_check : ndarray of float, shape (pairs,)
        No nan.

    Returns
    -------
    Tested
        ``estimate`` is 1 − SRV / s², where SRV = var(back check − original) / 2 is the simple response variance and s²
        the variance of the back checks, which are taken for the better answers (both with n − 1). 1: everybody
        answers as before, but for a shift that all share; 0 or less: the answers of the same person differ as much as
        those of two people.
    """
    if reason := _why_not(original, back_check):
        return Tested(len(original), reason=reason)
    d = back_check - original
    found = _means(original, back_check)
    variance = float(back_check.var(ddof=1))
    if np.sqrt(variance) <= DIGITS * np.abs(back_check).max():
        return replace(found, reason=NO_VARIANCE)
    return replace(found, estimate=1 - float(d.var(ddof=1)) / 2 / variance)


NUMBER_TESTS: Mapping[str, Callable[[Floats, Floats], Tested]] = {
    "paired_t": paired_t,
    "signed_rank": signed_rank,
    "reliability": reliability_ratio,
}
CHOICE_TESTS: Mapping[str, Callable[[Truths, Truths], Tested]] = {"proportions": proportions, "mcnemar": mcnemar}


def _means(original: Floats | Truths, back_check: Floats | Truths) -> Tested:
    return Tested(len(original), original=float(original.mean()), back_check=float(back_check.mean()))


def _why_not(original: Floats, back_check: Floats) -> str | None:
    """Say why numbers are not tested at all."""
    if len(original) < MIN_PAIRS:
        return TOO_FEW
    return TOO_LARGE if are_too_large(original, back_check) else None
