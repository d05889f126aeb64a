"""k-anonymity: answers are withheld until nobody stands out, as few of them as can be.

A record's class is every record with the same quasi-identifiers. An empty answer is a value of its own, and so is a
withheld one. The method is local suppression by the smallest number of cells, in the sense of Sweeney (2002) and
Meyerson and Williams (2004): the best solution is NP-hard, this one is greedy and the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

WITHHELD = -2
"""Code of a withheld answer; -1 is an empty one."""
MOST_COLUMNS = 12
"""Quasi-identifiers whose combinations can be tried in a moment."""

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What was withheld."""

    mask: Mask
    """True where an answer is withheld; shape of the codes."""
    borrowed: int
    """Records that were in no small class and lost answers, so that a few others are not alone without theirs."""


def classes(codes: Codes) -> tuple[NDArray[np.int64], int]:
    """Number the classes of some records, and say how many there are."""
    number = np.zeros(len(codes), dtype=np.int64)
    count = min(len(codes), 1)
    for column in codes.T:
        # Numbered anew after each column, so that no product of levels runs over.
        lowest = column.min(initial=0)
        both = number * (column.max(initial=0) - lowest + 1) + (column - lowest)
        found, number = np.unique(both, return_inverse=True)
        count = len(found)
    return number, count


def class_sizes(codes: Codes, persons: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the number of people in the class of each record.

    Parameters
    ----------
    codes
        Shape (records, quasi-identifiers).
    persons
        Whose each record is: one person's records count once.
    """
    number, count = classes(codes)
    pairs = np.unique(number * (persons.max(initial=0) + 1) + persons)
    return np.bincount(pairs // (persons.max(initial=0) + 1), minlength=count)[number]


def suppress(codes: Codes, fixed: Codes, persons: NDArray[np.int64], k: int, order: Sequence[int]) -> Suppressed:
    """Withhold answers until every class has `k` people.

    Parameters
    ----------
    codes
        Quasi-identifiers that may be withheld: shape (records, columns), -1 where there is no answer.
    fixed
        Others, which are part of the class and stay: shape (records, columns). Each class of these alone must have
        `k` people.
    order
        Columns of `codes`, those to be withheld first in front; the others follow.

    Returns
    -------
    Suppressed
        Records whose class has `k` people lose nothing, unless they are borrowed: where so few records of one class
        of `fixed` are left that they would stand out by having lost everything, others lose everything too.

    Raises
    ------
    ValueError
        A class of `fixed` has fewer than `k` people, or there are more columns than :data:`MOST_COLUMNS`.
    """
    if codes.shape[1] > MOST_COLUMNS:
        raise ValueError(f"more than {MOST_COLUMNS} quasi-identifiers")
    if len(codes) and class_sizes(fixed, persons).min() < k:
        raise ValueError("a class of what stays has too few people")
    mask = np.zeros(codes.shape, dtype=bool)
    small = np.arange(len(codes))
    for columns in _subsets(codes.shape[1], order):
        tried = np.array(columns, dtype=np.int64)
        withheld = codes[small].copy()
        withheld[:, tried] = WITHHELD
        sizes = class_sizes(np.hstack([withheld, fixed[small]]), persons[small])
        done = small[sizes >= k]
        mask[np.ix_(done, tried)] = True
        small = small[sizes < k]
        if not len(small):
            return Suppressed(mask, 0)
    borrowed = 0
    mask[small] = True
    groups, _ = classes(fixed)
    for group in np.unique(groups[small]).tolist():
        here = np.flatnonzero(groups == group)
        borrowed += _borrow(mask, np.where(mask, WITHHELD, codes), here, persons, k)
    return Suppressed(mask, borrowed)


def _subsets(count: int, order: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Give the sets of columns to withhold, the smallest first, and of these what is to be withheld first."""
    ranked = [*order, *(column for column in range(count) if column not in order)]
    for size in range(count + 1):
        yield from combinations(ranked, size)


def _borrow(mask: Mask, released: Codes, here: NDArray[np.int64], persons: NDArray[np.int64], k: int) -> int:
    """Withhold everything of further records of a group until `k` people have nothing left to be told apart by."""
    alone = here[mask[here].all(axis=1)]
    others = here[~mask[here].all(axis=1)]
    lost = 0
    while len(np.unique(persons[alone])) < k:
        sizes = class_sizes(released[others], persons[others])
        number, _ = classes(released[others])
        donors = others[number == number[int(sizes.argmax())]]
        for taken in range(1, len(donors) + 1):
            rest = donors[taken:]
            is_enough = len(np.unique(persons[np.concatenate([alone, donors[:taken]])])) >= k
            if not len(rest) or (is_enough and len(np.unique(persons[rest])) >= k):
                break
        mask[donors[:taken]] = True
        lost += taken
        alone = np.concatenate([alone, donors[:taken]])
        others = np.setdiff1d(others, donors[:taken])
    return lost
