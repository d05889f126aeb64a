"""The test of Kendall's S given both margins, for tables too small for the normal distribution.

With no association, every way to match the records' exposures with their outcomes is equally likely. The p is the
share of matchings whose S is at least as far from 0 as the one observed, on either side: two-sided as P(|S| >= |s|),
not the doubled smaller tail. S is an integer, so "at least as far" has no tolerance.

docs/decisions/0014-measures-and-exact.md says why it is computed this way, and what it costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from math import prod
from operator import mul

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.pairs import Floats, Ints, PairCounts, count_pairs
from laktasi.analysis.two_sided import SMALLEST

MAX_N = 30
"""Records up to which all arrangements are counted unless they are very many (`MOST_STEPS`)."""
FEW_STEPS = 200_000
"""Steps up to which all arrangements are counted whatever the number of records: no more work than sampling them."""
MOST_STEPS = 10_000_000
"""Steps beyond which arrangements are sampled whatever the number of records: some tenths of a second."""
STEPS_AT_A_TIME = 20_000
DRAWS = 10_000
"""Arrangements to sample where not all are counted."""
SEED = 20260301
LARGEST_KEY = 2**62
"""States are told apart by one integer where it has room for them."""
LARGEST_SAMPLED = 999_999_999
"""Records beyond which numpy does not sample arrangements."""

EXACT = "exact"

Margin = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConditionalP:
    """Results of `conditional_p`, arrays of shape (tables,)."""

    p: Floats
    """P(|S| >= |s|) given both margins; nan where a table has no tau_b."""
    method: NDArray[np.object_]
    """Where p comes from: ``exact``, or ``Monte Carlo, 10000 draws``; None where there is none."""
    error: Floats
    """Standard error of p as an estimate of the exact one; 0 where it is exact, nan where there is none."""


def conditional_p(
    counts: NDArray[np.integer], *, max_n: int = MAX_N, draws: int = DRAWS, seed: int = SEED
) -> ConditionalP:
    """Compute P(|S| >= |s|) given both margins, in each of many contingency tables.

    Parameters
    ----------
    counts : ndarray of int, shape (tables, exposure levels, outcome levels)
        Records in each cell, levels lowest first.
    max_n
        Records up to which p is exact, if that takes no more than `MOST_STEPS`. A larger table gets an exact p where
        it takes no more than `FEW_STEPS`, so that no table costs more than sampling it would: with even margins, two by
        three levels up to 740 records, three by three up to 84.
    draws
        Arrangements to sample where p is not exact.
    seed
        A whole number. A table's sample rests on it and on the table's own margins, and on nothing else: neither
        other tables nor their order change a p.

    Raises
    ------
    ValueError
        `counts` cannot be a stack of tables.

    Notes
    -----
    **Exact.** Arrangements are counted column by column; what is kept of those before is how many records of each row
    they use up, and their S. A step is one such state with one way to fill the next column; how many there are follows
    from the margins before anything is counted. Probabilities are only multiplied and added, never subtracted.

    **Monte Carlo.** With k of B sampled arrangements at least as far from 0, p = (k + 1)/(B + 1): the observed one
    counts as one of them, so that p is never 0 and a test at any level holds it [2]_. Its standard error is
    √(p (1 − p) / B).

    Tables with equal margins, in either direction and with rows and columns exchanged, share one distribution.

    References
    ----------
    .. [1] Agresti A. (2010), Analysis of Ordinal Categorical Data, 2nd edition, Wiley, section 7.5: exact tests given
       both margins.
    .. [2] Phipson B., Smyth G. K. (2010), Permutation p-values should never be zero, Statistical Applications in
       Genetics and Molecular Biology 9, article 39.

    Examples
    --------
    >>> import numpy as np
    >>> found = conditional_p(np.array([[[7, 4, 0], [0, 8, 6]]]))
    >>> f"{found.p[0]:.6f} ({found.method[0]})"
    '0.000111 (exact)'
    """
    pairs = count_pairs(counts)
    p = np.full(pairs.n.shape, np.nan)
    error = np.full(pairs.n.shape, np.nan)
    method = np.full(pairs.n.shape, None, dtype=object)
    for (short, long), same in _by_margins(pairs).items():
        s = np.abs(pairs.s[same])
        if is_exact(short, long, max_n):
            p[same], error[same], method[same] = _exact_p(short, long, s), 0.0, EXACT
        elif sum(short) <= LARGEST_SAMPLED:
            reached = _sampled_sizes(short, long, draws, seed)
            p[same] = (len(reached) - np.searchsorted(reached, s) + 1) / (draws + 1)
            error[same] = np.sqrt(p[same] * (1 - p[same]) / draws)
            method[same] = f"Monte Carlo, {draws} draws"
    return ConditionalP(p, method, error)


def exact_p_values(counts: NDArray[np.integer], *, max_n: int = MAX_N) -> Floats:
    """Compute the exact P(|S| >= |s|) where `conditional_p` does; nan elsewhere."""
    pairs = count_pairs(counts)
    p = np.full(pairs.n.shape, np.nan)
    for (short, long), same in _by_margins(pairs).items():
        if is_exact(short, long, max_n):
            p[same] = _exact_p(short, long, np.abs(pairs.s[same]))
    return p


def cells_to_sample(counts: NDArray[np.integer], *, max_n: int = MAX_N) -> Ints:
    """Say how much `conditional_p` has to sample: time and memory grow with these cells times the draws.

    Returns
    -------
    ndarray of int, shape (margins,)
        For each different pair of margins whose p is not exact, the cells of an arrangement: levels times levels.
    """
    sampled = [
        len(short) * len(long)
        for short, long in _by_margins(count_pairs(counts))
        if sum(short) <= LARGEST_SAMPLED and not is_exact(short, long, max_n)
    ]
    return np.array(sampled, dtype=np.int64)


def _exact_p(rows: Margin, columns: Margin, s: Ints) -> Floats:
    """Return P(|S| >= s) given these margins."""
    sizes, tail = _tail(rows, columns)
    p = np.append(tail, 0.0)[np.searchsorted(sizes, s)]
    shown: Floats = np.maximum(p, SMALLEST)
    return shown


def is_exact(rows: Margin, columns: Margin, max_n: int) -> bool:
    """Say whether tables with these margins get an exact p."""
    most = MOST_STEPS if sum(rows) <= max_n else FEW_STEPS
    return steps(rows, columns, most) <= most


def steps(rows: Margin, columns: Margin, most: int = MOST_STEPS) -> int:
    """Say how many steps it takes to count all arrangements; once it is more than `most`, some number above that.

    A bound, from the margins alone: each column but the last is filled in all ways it has room for by itself, from
    all states that there can be; and each |S| that there can be is a step.
    """
    total = _largest_size(rows) + 1
    states = 1
    for column, used in zip(columns[:-1], np.cumsum(columns[:-1]), strict=True):
        if total > most:
            break
        step = states * _ways(rows, column)
        total += step
        states = min(step, _ways(rows, int(used)) * (int(used) ** 2 // 2 + 1))
    return total


def _largest_size(rows: Margin) -> int:
    """Bound |S|: only pairs that differ in their row count in it."""
    return (sum(rows) ** 2 - sum(row * row for row in rows)) // 2


def _ways(rows: Margin, column: int) -> int:
    """Count the ways to share a column's records among rows with so much room."""
    if len(rows) == 2:
        return min(rows[0], column) - max(0, column - rows[1]) + 1
    ways = np.zeros(column + 1, dtype=object)
    ways[0] = 1
    for room in rows:
        sums = np.cumsum(ways)
        ways = sums - np.concatenate((np.zeros(min(room + 1, column + 1), dtype=object), sums[: -room - 1]))
    return int(ways[column])


def _by_margins(pairs: PairCounts) -> dict[tuple[Margin, Margin], Ints]:
    """Group the tables that have a tau_b by their margins: without empty levels, in the one form that |S| allows."""
    groups: dict[tuple[Margin, Margin], list[int]] = {}
    for index in np.flatnonzero((pairs.untied_rows > 0) & (pairs.untied_columns > 0)):
        groups.setdefault(_canonical(pairs.rows[:, index], pairs.columns[:, index]), []).append(int(index))
    return {margins: np.array(same) for margins, same in groups.items()}


def _canonical(rows: Ints, columns: Ints) -> tuple[Margin, Margin]:
    """Return the margins without empty levels, each in the direction that comes first, then the shorter first.

    |S| depends on neither. Turned before they are ordered: two margins of one length would else change places.
    """
    margins = [tuple(int(total) for total in margin if total) for margin in (rows, columns)]
    short, long = sorted((min(margin, margin[::-1]) for margin in margins), key=lambda margin: (len(margin), margin))
    return short, long


def _tail(rows: Margin, columns: Margin) -> tuple[Ints, Floats]:
    """Return every |S| that these margins allow, in order, and P(|S| >= it)."""
    states = _States(np.array(rows)[:, None], np.zeros(1, dtype=np.int64), np.ones(1))
    for at, total in enumerate(columns[:-2]):
        parts = list(_fill(rows, states, total))
        if at > 0:  # after one column all states differ
            parts = [_merged(rows, some) for some in parts]
        states = parts[0] if len(parts) == 1 else _merged(rows, _joined(parts))
    likely = _cells(rows, columns[-1])
    by_size = np.zeros(_largest_size(rows) + 1)
    for some in _fill(rows, states, columns[-2]):
        # The last column takes what is left.
        s, chance = some.s, some.chance
        for gain, left, by_left in zip(_gains(rows, some.room), some.room, likely, strict=True):
            s = s + gain * left
            chance = chance * by_left[left]
        found = np.bincount(np.abs(s), weights=chance)
        by_size[: len(found)] += found
    sizes = np.flatnonzero(by_size)
    upwards = np.cumsum(by_size[sizes][::-1])[::-1]  # smallest numbers first
    return sizes, upwards / upwards[0]


@dataclass(frozen=True, slots=True)
class _States:
    """What there can be after some columns."""

    room: Ints
    """What is left in each row for the columns to come, shape (rows, states)."""
    s: Ints
    """S so far, shape (states,)."""
    chance: Floats
    """How likely, but for a factor that all states share, shape (states,)."""


def _fill(rows: Margin, states: _States, total: int) -> Iterator[_States]:
    """Fill one more column in every way, some states at a time: small arrays stay near the processor."""
    ways = _fillings(total, rows)
    likely = np.ones(ways.shape[1])
    for take, by_take in zip(ways, _cells(rows, total), strict=True):
        likely *= by_take[take]
    at_a_time = max(1, STEPS_AT_A_TIME // ways.shape[1])
    for first in range(0, len(states.s), at_a_time):
        some = slice(first, first + at_a_time)
        room = states.room[:, some]
        fits = np.ones((room.shape[1], ways.shape[1]), dtype=bool)
        for left, take in zip(room, ways, strict=True):
            fits &= left[:, None] >= take
        state, way = np.nonzero(fits)
        yield _States(
            room=room[:, state] - ways[:, way],
            s=states.s[some][state] + (_gains(rows, room).T @ ways)[state, way],
            chance=states.chance[some][state] * likely[way],
        )


def _joined(parts: list[_States]) -> _States:
    return _States(*(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in _States.__slots__))


def _merged(rows: Margin, states: _States) -> _States:
    """Add up the states that leave the same room and have the same S."""
    parts = [states.s - states.s.min(), *states.room[:-1]]  # the last row's room follows from the others
    spans = [int(parts[0].max()) + 1, *(row + 1 for row in rows[:-1])]
    if prod(spans) < LARGEST_KEY:
        key = parts[0]
        for place, part in zip(accumulate(spans, mul), parts[1:], strict=False):
            key = key + place * part
        _, first, same = np.unique(key, return_index=True, return_inverse=True)
    else:
        _, first, same = np.unique(np.array(parts), axis=1, return_index=True, return_inverse=True)
    chance = np.bincount(same.ravel(), weights=states.chance).astype(np.float64)
    return _States(states.room[:, first], states.s[first], chance)


def _gains(rows: Margin, room: Ints) -> Ints:
    """Return what a record in each row adds to S: records used up below its row, minus those above."""
    used = np.array(rows)[:, None] - room
    upto = np.cumsum(used, axis=0)
    gains: Ints = 2 * upto - used - upto[-1]
    return gains


def _cells(rows: Margin, column: int) -> list[Floats]:
    """Return how likely each count is in each cell of a column, see `_poisson`."""
    return [_poisson(row * column / sum(rows), min(row, column)) for row in rows]


def _poisson(mean: float, most: int) -> Floats:
    """Return mean^k / k! for k = 0 … most, as shares of the largest.

    A table is as likely as the product of this over its cells, but for a factor that all tables of the same margins
    share; with the cell's mean n_i n_j / n the product stays in the range of a float.
    """
    ways = np.empty(most + 1)
    peak = int(mean)
    ways[peak] = 1.0
    ways[peak + 1 :] = np.cumprod(mean / np.arange(peak + 1, most + 1))
    ways[:peak] = np.cumprod(np.arange(peak, 0, -1) / mean)[::-1]
    return ways


def _fillings(total: int, rows: Margin) -> Ints:
    """Return every way to share `total` records among rows with so much room, shape (rows, ways)."""
    if len(rows) == 2:
        first = np.arange(max(0, total - rows[1]), min(total, rows[0]) + 1)
        return np.array((first, total - first))
    ways = np.zeros((0, 1), dtype=np.int64)
    left = np.array([total])
    for row, below in zip(rows, np.cumsum(rows[::-1])[::-1] - rows, strict=True):
        # At least what the rows below have no room for.
        fewest, most = np.maximum(left - below, 0), np.minimum(left, row)
        counts = most - fewest + 1
        way = np.repeat(np.arange(len(left)), counts)
        take = np.arange(len(way)) - np.repeat(np.cumsum(counts) - counts, counts) + fewest[way]
        ways, left = np.vstack((ways[:, way], take)), left[way] - take
    return ways


def _sampled_sizes(rows: Margin, columns: Margin, draws: int, seed: int) -> Ints:
    """Sample arrangements with these margins; return |S| of each, in order."""
    told = sha256(repr((seed, rows, columns)).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(told[:16]))
    room = np.tile(np.array(rows)[:, None], draws)
    s = np.zeros(draws, dtype=np.int64)
    for total in columns[:-1]:
        wanted, others, gains = np.full(draws, total), room.sum(axis=0), _gains(rows, room)
        for row in range(len(rows)):
            others = others - room[row]
            take = rng.hypergeometric(room[row], others, wanted) if row < len(rows) - 1 else wanted
            s += take * gains[row]
            wanted = wanted - take
            room[row] -= take
    s += (room * _gains(rows, room)).sum(axis=0)
    return np.sort(np.abs(s))
