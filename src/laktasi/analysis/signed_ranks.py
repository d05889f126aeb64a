"""Wilcoxon's signed ranks: ranks of sizes, the distribution of W+ over all signs, and what is nothing beside noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import Floats, Ints
from laktasi.analysis.two_sided import normal_p

EXACT_PAIRS = 50
"""Up to so many differences the distribution of W+ is exact."""
CELLS_AT_A_TIME = 1 << 20
"""Numbers held at once for all rows together: some megabytes."""

DIGITS = 1e-12
"""Decimals are told apart to twelve digits: a computer keeps fifteen, and what a form calculates costs some."""
LARGEST = 1e150
"""Larger numbers are not computed with: their squares leave what a computer can hold."""


def noise(before: Floats, after: Floats) -> Floats:
    """Give, for each pair, the size of a difference that is only the noise of subtracting decimals.

    It rests on the pair alone: neither a unit nor somebody else's value decides whether a person changed.
    """
    larger: Floats = DIGITS * np.maximum(np.abs(before), np.abs(after))
    return larger


def are_too_large(*values: Floats) -> NDArray[np.bool_]:
    """Say of each row whether a number in it is beyond `LARGEST`."""
    largest = np.max([np.abs(some).max(axis=-1, initial=0) for some in values], axis=0)
    return np.asarray(largest > LARGEST)


def ranks_of(changes: Floats, within: Floats) -> Floats:
    """Rank the sizes of the changes in each row.

    Parameters
    ----------
    changes, within : ndarray of float, shape (rows, changes)
        Changes, and the `noise` of each.

    Returns
    -------
    ndarray of float, shape (rows, changes)
        Ranks from 1; sizes that are alike within the larger noise of the two share the mean of theirs. A change of 0
        has the rank 0 and is not counted.
    """
    rows, n = changes.shape
    order = np.argsort(np.abs(changes), axis=1, kind="stable")
    sizes, tolerance = (np.take_along_axis(some, order, axis=1) for some in (np.abs(changes), within))
    starts = np.ones((rows, n), dtype=bool)
    is_new = np.diff(sizes, axis=1) > np.maximum(tolerance[:, 1:], tolerance[:, :-1])
    starts[:, 1:] = is_new | ((sizes[:, 1:] > 0) & (sizes[:, :-1] == 0))
    group = np.cumsum(starts, axis=1) - 1
    counts = np.bincount((group + n * np.arange(rows)[:, None]).ravel(), minlength=rows * n).reshape(rows, n)
    zeros = (sizes == 0).sum(axis=1, keepdims=True)
    shared = np.cumsum(counts, axis=1) - zeros - (counts - 1) / 2
    ranks = np.empty((rows, n))
    np.put_along_axis(ranks, order, np.take_along_axis(shared, group, axis=1), axis=1)
    return np.where(changes == 0, 0.0, ranks)


def two_sided_p(ranks: Floats, above: Floats) -> Floats:
    """Give the p of W+ = `above` in each row: exact given its ranks, ties too, up to `EXACT_PAIRS` of them.

    Exact: twice the smaller tail over all 2^m signs, at most 1. Beyond, normal: with the variance Σ rank² / 4, which
    takes ties into account, and a continuity correction of ½.

    Parameters
    ----------
    ranks : ndarray of float, shape (rows, changes)
        As of `ranks_of`; 0 where there is no change.
    above : ndarray of float, shape (rows,)
        Sum of the ranks of the increases.
    """
    few = (ranks > 0).sum(axis=1) <= EXACT_PAIRS
    p = np.empty(len(ranks))
    p[few] = _exact_p(ranks[few], above[few])
    p[~few] = _normal_p(ranks[~few], above[~few])
    return p


def sign_chances(halves: Ints) -> Floats:
    """Give the chance of each W+, counted in halves from 0, when every sign is as likely as the other.

    Exact up to `EXACT_PAIRS` ranks: multiples of 2^-m, which a float holds, in whatever order they are added.

    Parameters
    ----------
    halves : ndarray of int, shape (rows, ranks)
        Twice the ranks: tied ranks may be halves. 0 counts for nothing.

    Returns
    -------
    ndarray of float, shape (rows, largest sum of a row + 1)
    """
    places = np.arange(int(halves.sum(axis=1).max(initial=0)) + 1)
    chances = np.zeros((len(halves), len(places)))
    chances[:, 0] = 1.0
    for half in halves.T:
        before = places - half[:, None]
        shifted = np.take_along_axis(chances, np.maximum(before, 0), axis=1)
        shifted[before < 0] = 0
        chances = (chances + shifted) / 2
    return chances


def _exact_p(ranks: Floats, above: Floats) -> Floats:
    halves = np.sort(np.rint(2 * ranks).astype(np.int64), axis=1)[:, -EXACT_PAIRS:]  # others are 0
    # Rows with the same ranks share one distribution: without ties that is most of them.
    patterns, pattern_of = np.unique(halves, axis=0, return_inverse=True)
    pattern_of, at = pattern_of.ravel(), np.rint(2 * above).astype(np.int64)
    p = np.empty(len(ranks))
    at_a_time = max(1, CELLS_AT_A_TIME // (int(halves.sum(axis=1).max(initial=0)) + 1))
    for first in range(0, len(patterns), at_a_time):
        here = np.flatnonzero((pattern_of >= first) & (pattern_of < first + at_a_time))
        chances = sign_chances(patterns[first : first + at_a_time])
        up_to = np.cumsum(chances, axis=1)
        row = pattern_of[here] - first
        lower = up_to[row, at[here]]
        p[here] = np.minimum(1.0, 2 * np.minimum(lower, 1.0 - lower + chances[row, at[here]]))
    return p


def _normal_p(ranks: Floats, above: Floats) -> Floats:
    away = above - ranks.sum(axis=1) / 2
    return normal_p((away - np.sign(away) / 2) / np.sqrt((ranks * ranks).sum(axis=1) / 4))
