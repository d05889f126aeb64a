"""Wilcoxon's signed ranks: ranks of sizes, the distribution of W+ over all signs, and what is nothing beside noise."""

from __future__ import annotations

import numpy as np

from laktasi.analysis.pairs import Floats, Ints

EXACT_PAIRS = 50
"""Up to so many differences the distribution of W+ is exact."""


def slack(values: Floats) -> float:
    """Give what is nothing beside these values: the noise of subtracting decimals."""
    return 1e-9 * max(1.0, float(np.abs(values).max(initial=0)))


def ranks_of(sizes: Floats) -> Floats:
    """Give ranks from 1; those alike within the noise of subtracting decimals share the mean of theirs."""
    order = np.argsort(sizes, kind="stable")
    starts = np.concatenate(([True], np.diff(sizes[order]) > slack(sizes)))
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
    from scipy.special import ndtr

    away = above - ranks.sum() / 2
    z = (away - np.sign(away) / 2) / np.sqrt((ranks * ranks).sum() / 4)
    return float(2 * ndtr(-abs(z)))
