"""Power by drawing: how many rounds of a given size, drawn from a population, the test finds.

The normal formula of `laktasi.analysis.population` fails where a round is small or a level is rare: a sample may have
no tau_b at all, and the exact test, which is the one to prefer for a single centre, finds less than z.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.exact import exact_p_values, steps
from laktasi.analysis.pairs import Floats, Ints, PairCounts, count_pairs
from laktasi.analysis.population import Population
from laktasi.analysis.two_sided import normal_p

DRAWS = 10_000
"""Rounds to draw: a power of .8 is then known to .004 (one standard error)."""
EXACT_DRAWS = 4_000
"""Rounds of these to test exactly, at most."""
FEWEST_DRAWS = 500
"""Rounds to draw where each consists of very many centres."""
MOST_TABLES = 1_000_000
"""Tables to draw for one number, of all rounds and centres, as long as that leaves `FEWEST_DRAWS` rounds."""
TABLES_AT_A_TIME = 200_000
SEED = 20260301
"""The same for every population and size: neighbouring sizes then share their luck, and a plan is made again alike."""
SMALL_ROUND = 200
"""Records of one centre up to which rounds are drawn in any case."""
SMALL_ROUND_2X2 = 400
"""The same for two by two levels, where the exact test finds less than z for longest."""
SMALL_CENTRE, SEVERAL_CENTRES = 30, 2000
"""Records in each of several centres, and centres, up to which rounds are drawn in any case."""
EXPECTED = 5
"""Rounds are drawn as long as fewer records, with no association, are expected outside both commonest levels."""
STEPS = 1_000
"""Steps (see `laktasi.analysis.exact.steps`) up to which a drawn table is tested exactly; beyond, z finds as much."""
STEPS_TWO_LEVELS, STEPS_2X2 = 5_000, 100_000
"""The same where one variable has two levels, or both have: steps are cheaper, and distributions coarser."""
MOST_MARGINS = 150
"""Different margins for which arrangements are counted, for one number: some hundredths of a second."""
DOUBT = 3.0
"""A p of z further from alpha than by this factor is not doubted, unless the table is sparse."""
SPARSE = 2
"""A table is where fewer records, with no association, are expected to be outside both commonest levels."""


def is_drawn(population: Population, n: int, centres: int) -> bool:
    """Say whether the power of so many records in each centre is to be found by drawing."""
    outside = [1 - margin.max() for margin in (population.x, population.y)]
    if n * centres * outside[0] * outside[1] < EXPECTED:
        return True
    if centres > 1:
        return n <= SMALL_CENTRE and centres <= SEVERAL_CENTRES
    two_by_two = all((margin > 0).sum() == 2 for margin in (population.x, population.y))
    return n <= (SMALL_ROUND_2X2 if two_by_two else SMALL_ROUND)


def found_share(population: Population, n: int, alpha: float, centres: int = 1) -> float:
    """Draw rounds of `n` records in each centre; return the share in which the two-sided test finds the association.

    Notes
    -----
    One centre is tested exactly; by z where counting takes more than `STEPS`, and where z leaves no doubt. Where the
    tables in doubt have more than `MOST_MARGINS` different margins, only the first rounds are tested exactly: what that
    changes there is taken to change everywhere. Several centres are tested by z = ΣS/√ΣVar0. A round in which exposure
    or outcome has one level only finds nothing.
    """
    cells = np.ascontiguousarray(population.cells.clip(min=0))
    return _found_share(cells.tobytes(), cells.shape, n, alpha, centres)


@lru_cache(maxsize=4096)
def _found_share(cells: bytes, shape: tuple[int, int], n: int, alpha: float, centres: int) -> float:
    """As `found_share`; remembered, since two powers, or two sets of records that are the same, ask for the same."""
    shares, rng = np.frombuffer(cells), np.random.default_rng(SEED)
    if centres == 1:
        return _one_centre(count_pairs(rng.multinomial(n, shares, DRAWS).reshape(-1, *shape)), alpha)
    rounds = max(FEWEST_DRAWS, min(DRAWS, MOST_TABLES // centres))
    at_a_time = max(1, TABLES_AT_A_TIME // centres)
    found = 0
    for first in range(0, rounds, at_a_time):
        some = min(at_a_time, rounds - first) * centres
        pairs = count_pairs(rng.multinomial(n, shares, some).reshape(-1, *shape))
        s, var0 = (values.reshape(-1, centres).sum(axis=1) for values in (pairs.s, pairs.var0))
        found += int((_p_of_z(s, var0) <= alpha).sum())
    return found / rounds


def _p_of_z(s: Ints, var0: Floats) -> Floats:
    """Return the two-sided p of S/√Var0; 1 where S cannot vary."""
    return normal_p(s / np.sqrt(np.where(var0 > 0, var0, 1)))


def _one_centre(pairs: PairCounts, alpha: float) -> float:
    """Return the share of the tables in which the test that is to be preferred finds the association."""
    by_z = _p_of_z(pairs.s, pairs.var0)
    tables = min(len(by_z), EXACT_DRAWS)
    asked = np.flatnonzero(_in_doubt(pairs, by_z, alpha)[:tables])
    margins = np.concatenate((pairs.rows, pairs.columns))[:, asked].T
    different, first, same = np.unique(margins, axis=0, return_index=True, return_inverse=True)
    if len(first) > MOST_MARGINS:
        tables = int(asked[np.sort(first)[MOST_MARGINS]])  # the first table with one margin too many
    countable = np.zeros(len(first), dtype=bool)
    for group in np.flatnonzero(asked[first] < tables):
        countable[group] = _is_countable(*np.split(different[group], [len(pairs.rows)]))
    asked = asked[(asked < tables) & countable[same.ravel()]]
    exact = exact_p_values(np.moveaxis(pairs.table[:, :, asked], 2, 0))
    gained = int((exact <= alpha).sum()) - int((by_z[asked] <= alpha).sum())
    return float((by_z <= alpha).mean()) + gained / tables


def _in_doubt(pairs: PairCounts, p: Floats, alpha: float) -> NDArray[np.bool_]:
    """Say which tables the exact test may judge otherwise than z: those near alpha, and all where z means little."""
    outside = [pairs.n - margin.max(axis=0) for margin in (pairs.rows, pairs.columns)]
    sparse = outside[0] * outside[1] < SPARSE * pairs.n
    doubted: NDArray[np.bool_] = (pairs.var0 > 0) & (sparse | ((p > alpha / DOUBT) & (p < alpha * DOUBT)))
    return doubted


def _is_countable(rows: Ints, columns: Ints) -> bool:
    short, long = sorted((tuple(int(total) for total in margin if total) for margin in (rows, columns)), key=len)
    most = STEPS_2X2 if len(long) == 2 else STEPS_TWO_LEVELS if len(short) == 2 else STEPS
    return steps(short, long, most) <= most
