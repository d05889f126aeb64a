"""Where a record comes from: which health centres may be recognised, in the rows and in the results.

Everything a reader can count by place are the tables of groups of records with the same published places, and the
tables of the centres whose results are shown. Places are withheld for whole centres, so the groups share no centre,
and what can be found by subtraction is one sum for each group: that of its centres which are not shown. This must
leave each of them unknown (`cells.blurs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laktasi.errors import ReleaseError
from laktasi.release.cells import Counts, blurs, passes, tells_a_group
from laktasi.release.rule import ENOUGH, LAMBDA
from laktasi.release.suppress import WITHHELD, classes
from laktasi.study import Pair

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where records come from, and what is counted of each health centre."""

    codes: Codes
    """Places of each record, shape (records, columns), finest first; -1 where there is none. May have no column."""
    centre_column: int | None
    """Which of the columns is the centre itself."""
    centre_codes: Sequence[str]
    """Of each record."""
    tables: Mapping[Pair, Mapping[str, Counts]]
    """Joint table of each centre, by pair."""
    present: Mapping[Pair, Mask]
    """By pair, whether a record is in its table."""


@dataclass(frozen=True, slots=True)
class Places:
    """What may be known about where records come from."""

    codes: Codes
    """Of the place columns, shape (records, places): -2 where the place is withheld."""
    shown: Mapping[Pair, frozenset[str]]
    """Centres whose results may go out."""
    withheld: Mapping[Pair, frozenset[str]]
    """Centres with records of a pair whose results may not."""


def says_where(codes: Codes, centres: Codes) -> bool:
    """Say whether the answers to a question give the health centre, or the district it lies in, away.

    Parameters
    ----------
    codes
        Answer of each record; -1 where there is none.
    centres
        Number of the centre of each record.
    """
    has = codes >= 0
    sizes = np.bincount(centres[has], minlength=int(centres.max(initial=0)) + 1)
    has &= sizes[centres] >= ENOUGH
    if not has.any():
        return False
    overall, total = int(np.bincount(codes[has]).max()), int(has.sum())
    # Only the combinations that there are: a weight has nearly as many answers as there are records.
    width = int(codes.max()) + 1
    found, counts = np.unique(centres[has] * width + codes[has], return_counts=True)
    most = np.zeros(len(sizes), dtype=np.int64)
    np.maximum.at(most, found // width, counts)
    return total > overall and (int(most.sum()) - overall) / (total - overall) >= LAMBDA


def decide_places(where: Whereabouts, *, k: int, at_least: int) -> Places:
    """Decide which centres' results may go out, and withhold places until no other centre can be found.

    Raises
    ------
    ReleaseError
        All records together are as good as one centre's, whose table may not go out.
    """
    return _Decision(where, k, at_least).made()


class _Decision:
    """What is shown and withheld so far. Both only ever change one way, so it comes to an end.

    It works on units: all records of one centre with the same places. They are told apart once; what is withheld
    later is withheld for whole units.
    """

    def __init__(self, where: Whereabouts, k: int, at_least: int) -> None:
        self.centre_column, self.k, self.at_least = where.centre_column, k, at_least
        self.names, centres = np.unique(np.asarray(where.centre_codes, dtype=str), return_inverse=True)
        codes, torn = self.torn(where.codes, centres.astype(np.int64))
        self.unit_of, _ = classes(np.column_stack([centres, codes]))
        first = np.unique(self.unit_of, return_index=True)[1]
        self.codes, self.centres = codes[first], centres[first].astype(np.int64)
        everybody = np.ones(len(codes), dtype=bool)
        self.sizes: dict[Pair | None, Counts] = {
            question: np.bincount(self.unit_of[present], minlength=len(first))
            for question, present in ((None, everybody), *where.present.items())
        }
        names = self.names.tolist()
        self.tables = {pair: np.stack([by_centre[name] for name in names]) for pair, by_centre in where.tables.items()}
        self.totals = {pair: tables.reshape(len(names), -1).sum(axis=1) for pair, tables in self.tables.items()}
        self.shown = {
            pair: ~torn & np.array([passes(table, k, at_least) and not tells_a_group(table) for table in tables])
            for pair, tables in self.tables.items()
        }

    def torn(self, codes: Codes, centres: Codes) -> tuple[Codes, Mask]:
        """Withhold the places of records that disagree with the others of their centre, and mark such centres.

        A slip in the district would else put a part of a centre into another group.
        """
        others = [at for at in range(codes.shape[1]) if at != self.centre_column]
        number, count = classes(np.column_stack([centres, codes[:, others]]))
        first = np.unique(number, return_index=True)[1]
        whose, sizes = centres[first], np.bincount(number, minlength=count)
        order = np.lexsort((np.arange(count), -sizes, whose))
        is_main = np.zeros(count, dtype=bool)
        is_main[order[np.unique(whose[order], return_index=True)[1]]] = True
        kept = codes.copy()
        kept[~is_main[number]] = WITHHELD
        return kept, np.bincount(whose, minlength=len(self.names)) > 1

    def made(self) -> Places:
        while self.step():
            pass
        shown = {pair: frozenset(self.names[is_shown].tolist()) for pair, is_shown in self.shown.items()}
        withheld = {
            pair: frozenset(self.names[~is_shown & (self.totals[pair] > 0)].tolist())
            for pair, is_shown in self.shown.items()
        }
        return Places(self.codes[self.unit_of], shown, withheld)

    def step(self) -> bool:
        """Hide centres or withhold places where something can still be found; say whether it was so."""
        self.name_only_shown()
        for pair, tables in self.tables.items():
            hidden = tables[~self.shown[pair]].sum(axis=0)
            if hidden.sum() and not passes(hidden, self.k) and self.hide_smallest(pair, np.arange(len(self.names))):
                return True
        groups, _ = classes(self.codes)
        found = self.found(groups)
        is_withheld = (self.codes == WITHHELD).all(axis=1)
        for group, (question, centres) in found.items():
            rows = groups == group
            if not is_withheld[rows].all():
                self.widen(rows, question, centres)
        if len(found) == 1 and is_withheld[groups == next(iter(found))].all():
            ((group, (question, centres)),) = found.items()
            if not self.hide_some(question, centres):
                self.join(groups, group)
        return bool(found)

    def found(self, groups: Codes) -> dict[int, tuple[Pair | None, Codes]]:
        """Name the groups that leave a centre to be found (see `cells.blurs`): by which question, and their centres."""
        width = len(self.names)
        cells, at = np.unique(groups * width + self.centres, return_inverse=True)
        of_group, centres = cells // width, cells % width
        starts = np.unique(of_group, return_index=True)[1]
        found: dict[int, tuple[Pair | None, Codes]] = {}
        for question, by_unit in self.sizes.items():
            sizes = np.bincount(at, weights=by_unit, minlength=len(cells)).astype(np.int64)
            is_shown = self.known() if question is None else self.shown[question]
            hidden = np.where(is_shown[centres], 0, sizes)
            for group in np.flatnonzero(~blurs(hidden, self.k, starts)).tolist():
                found.setdefault(group, (question, centres[(of_group == group) & (sizes > 0)]))
        return found

    def known(self) -> Mask:
        """Say of each centre whether all its tables may be known: only then may rows name it."""
        known = np.ones(len(self.names), dtype=bool)
        for shown in self.shown.values():
            known &= shown
        return known

    def name_only_shown(self) -> None:
        if self.centre_column is not None:
            self.codes[~self.known()[self.centres], self.centre_column] = WITHHELD

    def widen(self, rows: Mask, question: Pair | None, centres: Codes) -> None:
        """Let more centres disappear in a group that leaves one of them to be found; else its finest place."""
        if not self.hide_some(question, centres):
            column = int((self.codes[rows] != WITHHELD).any(axis=0).argmax())
            self.codes[rows, column] = WITHHELD

    def hide_some(self, question: Pair | None, centres: Codes) -> bool:
        if question is not None:
            return self.hide_smallest(question, centres)
        centres = centres[self.known()[centres]]
        return sum(self.hide_smallest(pair, centres) for pair in self.shown) > 0  # in every question, not in the first

    def hide_smallest(self, pair: Pair, centres: Codes) -> bool:
        candidates = centres[self.shown[pair][centres]]
        if not len(candidates):
            return False
        self.shown[pair][candidates[int(self.totals[pair][candidates].argmin())]] = False
        return True

    def join(self, groups: Codes, group: int) -> None:
        """Let the smallest other group join one in which nothing is left to be withheld."""
        sizes = np.bincount(groups, weights=self.sizes[None])
        if len(sizes) == 1:
            self.refuse()
        sizes[group] = np.inf
        self.codes[groups == int(sizes.argmin())] = WITHHELD

    def refuse(self) -> None:
        raise ReleaseError(
            "all records together are as good as one health centre's, and its table may not go out",
            why=f"A cell has fewer than {self.k} records, or there are fewer than {self.at_least} in all.",
            next_step="wait for more records, or choose another k in schemas/release.yml",
        )
