"""A number measured before and after in the same person: how much it changed, and whether it did.

Wilcoxon's signed-rank test, with Hodges and Lehmann's estimate of the change and the interval that belongs to both.

References
----------
- Wilcoxon F. (1945), Individual comparisons by ranking methods, *Biometrics Bulletin* 1, 80–83.
- Hodges J. L., Lehmann E. L. (1963), Estimates of location based on rank tests, *Annals of Mathematical Statistics* 34,
  598–611.
- Tukey J. W. (1949), The simplest signed-rank tests, Memorandum Report 17, Statistical Research Group, Princeton. (The
  interval.)
- Noether G. E. (1967), Wilcoxon confidence intervals for location parameters in the discrete case, *Journal of the
  American Statistical Association* 62, 184–188. (Ties and zeros only make it cover more.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import floor, sqrt

import numpy as np

from laktasi.analysis.interval import LEVEL, NORMAL_QUANTILE
from laktasi.analysis.pairs import Floats, Ints
from laktasi.analysis.signed_ranks import (
    CELLS_AT_A_TIME,
    EXACT_PAIRS,
    LARGEST,
    are_too_large,
    noise,
    ranks_of,
    sign_chances,
    two_sided_p,
)

MIN_PAIRS = 6
"""Fewer pairs have no 95 % interval: even if all changed in one direction, chance alone does that in 1 of 16 samples
of five. And a median of so few would be somebody's answer."""
ALL_AVERAGES = 200
"""Pairs up to which all averages of two changes are formed; beyond, they are counted without being kept."""

EXACT, NORMAL = "exact, over all signs of the ranks", "normal distribution, corrected for ties and continuity"
CI_EXACT = "signed-rank test inverted, exact"
CI_NORMAL = "signed-rank test inverted, normal distribution"

TOO_FEW = "too_few_pairs"
NO_CHANGE = "no_change"
TOO_LARGE = "too_large"
REASONS: Mapping[str, Mapping[str, str]] = {
    TOO_FEW: {"en": f"fewer than {MIN_PAIRS} pairs", "id": f"kurang dari {MIN_PAIRS} pasang nilai"},
    NO_CHANGE: {"en": "no value changed", "id": "tidak ada nilai yang berubah"},
    TOO_LARGE: {
        "en": f"a value is larger than {LARGEST:.0e}".replace("e+", "e"),
        "id": f"ada nilai yang lebih besar dari {LARGEST:.0e}".replace("e+", "e"),
    },
}
"""Words for each reason code, by language."""


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """What changed; None where there is no result (`reason` then says why)."""

    n: int
    """People with both values."""
    n_changed: int
    """Of these, with a difference."""
    median_before: float | None = None
    median_after: float | None = None
    estimate: float | None = None
    """Median of the averages of every two changes, each with itself too; a change is after minus before."""
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float | None = None
    ci_method: str | None = None
    statistic: float | None = None
    """W+: sum of the ranks of the increases, among the changes by size."""
    p_value: float | None = None
    """Two-sided p of no change."""
    p_method: str | None = None
    reason_code: str | None = None
    """Why there is no result, a key of `REASONS`."""

    @property
    def reason(self) -> str | None:
        """Why there is no result, in English words."""
        return REASONS[self.reason_code]["en"] if self.reason_code else None


def before_after(before: Floats, after: Floats) -> BeforeAfter:
    """Estimate how much a number changed in the same people, and test whether it did.

    Parameters
    ----------
    before, after : ndarray of float, shape (people,)
        In the same unit, finite; both known of everybody.

    Raises
    ------
    ValueError
        The two differ in length, or a value is nan or infinite.

    Notes
    -----
    **Who changed.** A difference below the twelfth digit of the two values that make it is none. The pair alone
    decides: in another unit, or beside somebody with a mistyped value, the same people have changed.

    **Test.** Changes of 0 are left out, as Wilcoxon did; those of one size share the mean of their ranks. p is exact
    over all signs of these ranks up to `EXACT_PAIRS` changes (R's ``coin::wilcoxsign_test(zero.method = "Wilcoxon",
    distribution = "exact")``; R's ``wilcox.test`` gives up exactness where there are ties or zeros), normal beyond.

    **Estimate and interval** take *all* pairs: somebody who did not change is evidence too. (R leaves zeros out here
    as well, which moves its estimate away from 0.) The interval lies between the k-th smallest and the k-th largest
    of the n(n + 1)/2 averages, with the largest k for which W+ without ties is below k with a chance of at most
    2.5 %. Its ends belong to it; then it covers 95 % or more, also where there are ties [Noether 1967]. It
    speaks of the centre of a distribution of changes that is symmetric, or else of the median of the average of two
    people's changes.

    Examples
    --------
    >>> import numpy as np
    >>> before = np.array([10.0, 12, 9, 11, 14, 8, 13])
    >>> found = before_after(before, before + np.array([2.0, 1, 3, -1, 4, 2.5, 0]))
    >>> f"{found.estimate:.2f} ({found.ci_low:.2f} to {found.ci_high:.2f}), p = {found.p_value:.3f}, n = {found.n}"
    '1.62 (0.00 to 3.25), p = 0.094, n = 7'
    """
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"before and after have the shapes {before.shape} and {after.shape}; expected one length")
    return before_after_in_groups(before[None], after[None])[0]


def before_after_in_groups(before: Floats, after: Floats) -> list[BeforeAfter]:
    """Do what `before_after` does, in many groups of as many people each, at once.

    Parameters
    ----------
    before, after : ndarray of float, shape (groups, people)
        As of `before_after`. A group's result does not depend on the others.

    Raises
    ------
    ValueError
        The two differ in shape, or a value is nan or infinite.
    """
    if before.shape != after.shape or before.ndim != 2:
        raise ValueError(f"before and after have the shapes {before.shape} and {after.shape}; expected groups × people")
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise ValueError("a value is nan or infinite")
    groups, n = before.shape
    within = noise(before, after)
    with np.errstate(over="ignore"):  # of numbers that are too large, which are only counted
        d = after - before
    d[np.abs(d) <= within] = 0
    moved = (d != 0).sum(axis=1)
    if n < MIN_PAIRS:
        return [BeforeAfter(n, int(changed), reason_code=TOO_FEW) for changed in moved]
    too_large = are_too_large(before, after)
    usable = ~too_large & (moved > 0)
    medians = np.full((2, groups), np.nan)
    medians[:, ~too_large] = [np.median(side[~too_large], axis=1) for side in (before, after)]
    estimate, low, high, above, p = (np.full(groups, np.nan) for _ in range(5))
    ranks = ranks_of(d[usable], within[usable])
    above[usable] = np.where(d[usable] > 0, ranks, 0.0).sum(axis=1)
    p[usable] = two_sided_p(ranks, above[usable])
    averages, k = n * (n + 1) // 2, _outside(n)
    places = (k, averages + 1 - k, (averages + 1) // 2, averages // 2 + 1)
    low[usable], high[usable], *middle = _averages_at(d[usable], places).T
    estimate[usable] = sum(middle) / 2

    def result(at: int) -> BeforeAfter:
        changed = int(moved[at])
        if too_large[at]:
            return BeforeAfter(n, changed, reason_code=TOO_LARGE)
        middles = (float(medians[0, at]), float(medians[1, at]))
        if not changed:
            return BeforeAfter(n, changed, *middles, reason_code=NO_CHANGE)
        return BeforeAfter(
            n,
            changed,
            *middles,
            estimate=float(estimate[at]),
            ci_low=float(low[at]),
            ci_high=float(high[at]),
            ci_level=LEVEL,
            ci_method=CI_EXACT if n <= EXACT_PAIRS else CI_NORMAL,
            statistic=float(above[at]),
            p_value=float(p[at]),
            p_method=EXACT if changed <= EXACT_PAIRS else NORMAL,
        )

    return [result(at) for at in range(groups)]


@cache
def _outside(n: int) -> int:
    """Give the largest k with P(W+ < k) <= 2.5 %, n untied changes."""
    if n <= EXACT_PAIRS:
        below = np.cumsum(sign_chances(2 * np.arange(1, n + 1)[None])[0, ::2])
        return int((below <= (1 - LEVEL) / 2).sum())
    mean, spread = n * (n + 1) / 4, sqrt(n * (n + 1) * (2 * n + 1) / 24)
    return floor(mean + 0.5 - NORMAL_QUANTILE * spread)


def _averages_at(d: Floats, places: tuple[int, ...]) -> Floats:
    """Give the averages of two changes (each with itself too) that stand at these places, counted from 1, in each row.

    Returns
    -------
    ndarray of float, shape (rows, places)
    """
    rows, n = d.shape
    if n > ALL_AVERAGES:
        ordered = np.sort(d, axis=1)
        return np.array([[_average_at(row, place) for place in places] for row in ordered]).reshape(rows, len(places))
    first, second = np.triu_indices(n)
    at = [place - 1 for place in places]
    found = np.empty((rows, len(places)))
    at_a_time = max(1, CELLS_AT_A_TIME // len(first))
    for start in range(0, rows, at_a_time):
        some = d[start : start + at_a_time]
        averages = (some[:, first] + some[:, second]) / 2
        averages.partition(at, axis=1)
        found[start : start + at_a_time] = averages[:, at]
    return found


def _average_at(d: Floats, place: int) -> float:
    """Find one such average among sorted changes by halving, in memory for n and not n² of them."""

    own = np.arange(len(d))

    def partners(limit: float) -> Ints:
        """For each change, how many at or above its own place make an average of at most `limit` with it."""
        up_to: Ints = np.searchsorted(d, 2 * limit - d, side="right") - own
        return np.maximum(up_to, 0)

    low, high = float(d[0]), float(d[-1])  # the average is in (low, high], or it is low
    if partners(low).sum() >= place:
        return low
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if partners(middle).sum() >= place else (middle, high)
    return high
