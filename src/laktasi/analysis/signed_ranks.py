"""Wilcoxon's signed ranks: ranks of sizes, the distribution of W+ over all signs, and what is nothing beside noise."""

from __future__ import annotations

import numpy as np

from laktasi.analysis.pairs import Floats, Ints
from laktasi.analysis.two_sided import normal_p

EXACT_PAIRS = 50
"""Up to so many differences the distribution of W+ is exact."""


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


def are_too_large(*values: Floats) -> bool:
    """Say whether a number is beyond `LARGEST`."""
    return any(float(np.abs(some).max(initial=0)) > LARGEST for some in values)


def ranks_of(sizes: Floats, within: Floats) -> Floats:
    """Give ranks from 1; sizes that are alike within the larger `noise` of the two share the mean of theirs."""
    order = np.argsort(sizes, kind="stable")
    tolerance = within[order]
    starts = np.concatenate(([True], np.diff(sizes[order]) > np.maximum(tolerance[1:], tolerance[:-1])))
    group = np.cumsum(starts) - 1
    counts = np.bincount(group)
    shared = np.cumsum(counts) - (counts - 1) / 2
    ranks = np.empty(len(sizes))
    ranks[order] = shared[group]
    return ranks


def two_sided_p(ranks: Floats, above: float) -> float:
    """Give the p of W+ = `above`: exact given the ranks, ties too, up to `EXACT_PAIRS` of them; beyond, normal.

    Exact: twice the smaller tail over all 2^m signs, at most 1. Normal: with the variance Σ rank² / 4, which takes
    ties into account, and a continuity correction of ½.
    """
    return _exact_p(ranks, above) if len(ranks) <= EXACT_PAIRS else _normal_p(ranks, above)


def sign_chances(halves: Ints) -> Floats:
    """Give the chance of each W+, counted in halves from 0, when every sign is as likely as the other.

    Parameters
    ----------
    halves
        Twice the ranks: tied ranks may be halves.
    """
    chances = np.zeros(halves.sum() + 1)
    chances[0] = 1.0
    for half in halves:
        shifted = np.zeros_like(chances)
        shifted[half:] = chances[: len(chances) - half]
        chances = (chances + shifted) / 2
    return chances


def _exact_p(ranks: Floats, above: float) -> float:
    chances = sign_chances(np.rint(2 * ranks).astype(np.int64))
    at = round(2 * above)
    return min(1.0, 2 * float(min(chances[: at + 1].sum(), chances[at:].sum())))


def _normal_p(ranks: Floats, above: float) -> float:
    away = above - ranks.sum() / 2
    z = (away - np.sign(away) / 2) / np.sqrt((ranks * ranks).sum() / 4)
    return float(normal_p(np.array(z)))
