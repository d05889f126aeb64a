"""The exact test of Kendall's S given both margins, for tables too small for the normal distribution."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import comb, gcd

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import Floats, Ints, count_pairs

MAX_N = 30
"""Records up to which the exact p is computed when nothing else is said: beyond, the asymptotic p serves."""
LARGEST_N = 100
"""Records beyond which the number of arrangements would leave the range of a float."""

Margin = tuple[int, ...]


def exact_p_values(counts: NDArray[np.integer], *, max_n: int = MAX_N) -> Floats:
    """Compute P(|S| >= |s|) given both margins, in each of many contingency tables.

    Parameters
    ----------
    counts : ndarray of int, shape (tables, exposure levels, outcome levels)
        Records in each cell, levels lowest first.
    max_n
        Records up to which a table gets an exact p.

    Returns
    -------
    ndarray of float, shape (tables,)
        nan where a table has more than `max_n` records, or no tau_b.

    Raises
    ------
    ValueError
        `counts` cannot be a stack of tables, or `max_n` is beyond 100.

    Notes
    -----
    With no association, every way to match the records' exposures with their outcomes is equally likely. The p is the
    share of matchings whose S is at least as far from 0 as the one observed, on either side: two-sided as
    P(|S| >= |s|), not the doubled smaller tail. S is an integer, so "at least as far" has no tolerance.

    The distribution of S is built column by column (or row by row, whichever leaves the fewer rows to keep track of):
    the state is how many records of each row are used up, and each column adds to S what its records make with those
    before it. The numbers of matchings are only ever added and multiplied, never subtracted, so that floats keep them
    to about n units of their last digit; the tests hold p against all tables enumerated in fractions, to 1e-12.

    Cost: tables with equal margins share one distribution. Two rows or two columns take well under a millisecond at
    n = 30; three by three some ten milliseconds; each further level on the shorter side costs about ten times more.

    References
    ----------
    .. [1] Kendall M. G. (1970), Rank Correlation Methods, 4th edition, Griffin, London, chapter 1 and 4.
    .. [2] Agresti A. (2010), Analysis of Ordinal Categorical Data, 2nd edition, Wiley, section 7.5: exact tests given
       both margins.

    Examples
    --------
    >>> import numpy as np
    >>> f"{exact_p_values(np.array([[[7, 4, 0], [0, 8, 6]]]))[0]:.6f}"
    '0.000111'
    """
    if max_n > LARGEST_N:
        raise ValueError(f"max_n is {max_n}; exact p values are computed for up to {LARGEST_N} records")
    pairs = count_pairs(counts)
    p_values = np.full(pairs.n.shape, np.nan)
    wanted = (pairs.n <= max_n) & (pairs.untied_rows > 0) & (pairs.untied_columns > 0)
    tails: dict[tuple[Margin, Margin], Floats] = {}
    for index in np.flatnonzero(wanted):
        margins = _canonical(pairs.rows[:, index], pairs.columns[:, index])
        if margins not in tails:
            tails[margins] = _tail(*margins)
        p_values[index] = tails[margins][abs(int(pairs.s[index]))]
    return p_values


def _canonical(rows: Ints, columns: Ints) -> tuple[Margin, Margin]:
    """Return the margins without empty levels, the shorter first, in the one direction that |S| does not depend on."""
    short, long = sorted(
        (tuple(int(total) for total in margin if total) for margin in (rows, columns)), key=lambda m: (len(m), m)
    )
    return min(short, short[::-1]), min(long, long[::-1])


def _tail(short: Margin, long: Margin) -> Floats:
    """Return P(|S| >= s) for s = 0, 1, … up to a bound of |S|."""
    ways = _two_levels(short, long) if len(short) == 2 else _many_levels(short, long)
    middle = len(ways) // 2
    by_size = ways[middle:].copy()
    by_size[1:] += ways[:middle][::-1]
    upwards = np.cumsum(by_size[::-1])[::-1]  # smallest numbers first
    tail: Floats = upwards / upwards[0]
    return tail


def _bound(short: Margin) -> int:
    # Only pairs that differ in the shorter margin count in S.
    return (sum(short) ** 2 - sum(total * total for total in short)) // 2


def _two_levels(short: Margin, long: Margin) -> Floats:
    """Count the matchings by S or by −S, from −bound to bound, where one margin has two levels.

    S is then a sum over the records of one level, the upper one (−S: the lower one): each adds the records below it
    minus those above it in the other variable, where its own level cancels out (a rank sum). So the state is how many
    of them are placed.
    """
    placed = min(short)
    edges = np.cumsum((0, *long))
    scores = [int(low + high - edges[-1]) for low, high in pairwise(edges)]
    step = gcd(*(score - scores[0] for score in scores))
    heights = [(score - scores[0]) // step for score in scores]
    ways = np.zeros((placed + 1, placed * heights[-1] + 1))
    ways[0, 0] = 1
    for total, height in zip(long, heights, strict=True):
        before, ways = ways, np.zeros_like(ways)
        for chosen in range(min(total, placed) + 1):
            shift = chosen * height
            ways[chosen:, shift:] += comb(total, chosen) * before[: placed + 1 - chosen, : ways.shape[1] - shift]
    bound = _bound(short)
    result = np.zeros(2 * bound + 1)
    reached = np.flatnonzero(ways[placed])
    result[bound + placed * scores[0] + step * reached] = ways[placed, reached]
    return result


def _many_levels(short: Margin, long: Margin) -> Floats:
    """Count the matchings by S, from −bound to bound, for any number of levels."""
    bound = _bound(short)
    start = np.zeros(2 * bound + 1)
    start[bound] = 1
    states: dict[Margin, Floats] = {tuple(0 for _ in short): start}
    for total in long:
        after: dict[Margin, Floats] = {}
        for used, ways in states.items():
            free = tuple(size - taken for size, taken in zip(short, used, strict=True))
            gains = [sum(used[:level]) - sum(used[level + 1 :]) for level in range(len(short))]
            for chosen, arrangements in _shares(total, free):
                key = tuple(taken + more for taken, more in zip(used, chosen, strict=True))
                shift = sum(more * gain for more, gain in zip(chosen, gains, strict=True))
                target = after.setdefault(key, np.zeros_like(start))
                # What the shift pushes over the edge is zero: no partial table reaches beyond the bound.
                if shift >= 0:
                    target[shift:] += arrangements * ways[: len(ways) - shift]
                else:
                    target[:shift] += arrangements * ways[-shift:]
        states = after
    return states[short]


def _shares(total: int, free: Margin) -> Iterator[tuple[Margin, int]]:
    """Yield every way to share `total` records among levels with so much room, and the arrangements it stands for."""
    if len(free) == 1:
        if total <= free[0]:
            yield (total,), 1
        return
    for first in range(min(total, free[0]) + 1):
        for rest, arrangements in _shares(total - first, free[1:]):
            yield (first, *rest), comb(total, first) * arrangements
