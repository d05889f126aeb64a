"""When a table may be known: the rule for cells, and what others give back by subtraction."""

from __future__ import annotations

from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
_FIRST: Counts = np.zeros(1, dtype=np.int64)


def passes(table: Counts, k: int, at_least: int = 0) -> bool:
    """Say whether a table of counts may go out: enough records, and no cell of fewer than `k` but empty ones."""
    return bool(table.sum() >= at_least and table[table > 0].min(initial=k) >= k)


def tells_a_group(table: Counts) -> bool:
    """Say whether one answer follows from the other: all records of a row, or of a column, stand in one cell.

    Whoever knows a respondent's one answer then knows the other, however many share it.
    """
    return any(bool(((table > 0).sum(axis=axis) == 1).any()) for axis in (0, 1))


def blurs(sizes: Counts, k: int, starts: Counts = _FIRST) -> NDArray[np.bool_]:
    """Say of each group of health centres whether their sum leaves each of them unknown.

    There are none, or at least two, and all but the largest together have `k` records: else who takes the others'
    few away, or has a table of his own centre, is left with one centre's.

    Parameters
    ----------
    sizes
        Records of each centre, group after group.
    starts
        Where each group begins. One group, if nothing is said.
    """
    total, most = np.add.reduceat(sizes, starts), np.maximum.reduceat(sizes, starts)
    is_blurred: NDArray[np.bool_] = (total == 0) | ((np.add.reduceat(sizes > 0, starts) > 1) & (total - most >= k))
    return is_blurred


def hidden_bits(total: Counts, centres: int) -> float:
    """Give the logarithm (base 2) of the number of ways in which a known sum can be shared among some centres.

    Each cell can be shared in C(t + h - 1, h - 1) ways; of these, as many as there are ways to share the number of
    records are taken off, for somebody who knows how many each centre has.

    Parameters
    ----------
    total
        The sum of the centres' tables.
    centres
        How many they are.
    """
    if centres < 2:
        return 0.0
    ways = sum(_log_ways(int(cell), centres) for cell in total.ravel()) - _log_ways(int(total.sum()), centres)
    return max(ways, 0.0)


def _log_ways(number: int, centres: int) -> float:
    return (lgamma(number + centres) - lgamma(centres) - lgamma(number + 1)) / log(2)
