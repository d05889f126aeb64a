"""Answers that say where somebody is, or when she was there: value by value, within what is known of the place."""

from __future__ import annotations

from math import exp, lgamma

import numpy as np
from numpy.typing import NDArray

from laktasi.release.rule import CHANCE, ENOUGH, LAMBDA

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


def one_centre(codes: Codes, centres: Codes, groups: Codes) -> bool:
    """Say whether some answer is given, within some published place, at one health centre and nearly nowhere else.

    The share of the centre among the records with this answer is held against its share of all records there: it must
    be beyond :data:`LAMBDA` of the way to all of them, over :data:`ENOUGH` records, and more than chance
    (:data:`CHANCE`) would have it.

    Parameters
    ----------
    codes
        Answer of each record; an empty one is an answer too.
    centres
        Number of the health centre of each record.
    groups
        Number of the published place of each record.
    """
    answers = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    many, all_centres = int(answers.max(initial=0)) + 1, int(centres.max(initial=0)) + 1
    here, records = np.unique(groups * all_centres + centres, return_counts=True)
    in_group = np.bincount(groups)
    given, times = np.unique(groups * many + answers, return_counts=True)
    cells, both = np.unique((groups * many + answers) * all_centres + centres, return_counts=True)
    of_answer, centre = cells // all_centres, cells % all_centres
    group = of_answer // many
    total = times[np.searchsorted(given, of_answer)]
    of_centre, of_group = records[np.searchsorted(here, group * all_centres + centre)], in_group[group]
    usual = total * of_centre / of_group
    is_there = (total >= ENOUGH) & (of_centre < of_group) & (both - usual >= LAMBDA * (total - usual))
    found = zip(*(values[is_there].tolist() for values in (both, total, of_centre, of_group)), strict=True)
    return any(_chance(*numbers) < CHANCE for numbers in found)


def _chance(both: int, total: int, of_centre: int, of_group: int) -> float:
    """Give the probability that so many of some records, or more, are of one centre (hypergeometric)."""
    whole = _log_ways(of_group, total)
    return sum(
        exp(_log_ways(of_centre, at) + _log_ways(of_group - of_centre, total - at) - whole)
        for at in range(both, min(total, of_centre) + 1)
        if total - at <= of_group - of_centre
    )


def _log_ways(number: int, taken: int) -> float:
    return lgamma(number + 1) - lgamma(taken + 1) - lgamma(number - taken + 1)


def hide_days(true: Codes, shown: Codes, days: int, persons: Codes, groups: Codes, k: int) -> Mask:
    """Say whose shifted date is withheld, so that who knows the true day has `k` people to choose from.

    A record could be hers if its date is no further than `days` from her true day, or is withheld. So each withheld
    date helps the others of its class.

    Parameters
    ----------
    true, shown
        Day of each record, as a number, before and after the shift; nothing is the lowest number there is.
    persons
        Whose each record is: one person's records count once.
    groups
        Number of the class of each record by its quasi-identifiers. Each must have `k` people.
    """
    hidden = np.zeros(len(true), dtype=bool)
    order = np.argsort(groups, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        first = members[np.unique(persons[members], return_index=True)[1]]
        few = _fitting(true[members], shown[first], days) < k
        hidden[members[few]] = True
        left = first[~hidden[first]]
        alone = len(first) - len(left)
        if (_fitting(true[members], shown[left], days) + alone < k).any():
            # A few others lose theirs as well: then k people's dates are withheld, and fit any day.
            hidden[left[: k - alone]] = True
    return hidden


def _fitting(true: Codes, shown: Codes, days: int) -> Codes:
    """Count, for each true day, the shown ones that could be it; nothing fits nothing only."""
    shown = np.sort(shown)
    most = np.iinfo(np.int64).max - days
    low, high = np.where(true < -most, true, true - days), np.where(true < -most, true, true + days)
    return np.searchsorted(shown, high, side="right") - np.searchsorted(shown, low, side="left")
