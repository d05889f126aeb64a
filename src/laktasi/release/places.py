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
from laktasi.study import Pair

Codes = NDArray[np.int64]
WITHHELD = -2

LAMBDA = 0.8
"""From which share on a centre says what an answer is (Goodman and Kruskal's lambda), the answer says where it is."""
ENOUGH = 5
"""Records of a centre from which what its records have in common is looked at."""


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
    table = np.zeros((int(centres.max()) + 1, int(codes[has].max()) + 1), dtype=np.int64)
    np.add.at(table, (centres[has], codes[has]), 1)
    overall = int(table.sum(axis=0).max())
    total = int(table.sum())
    return total > overall and (int(table.max(axis=1).sum()) - overall) / (total - overall) >= LAMBDA


def decide_places(
    codes: Codes,
    centre_column: int | None,
    centre_codes: Sequence[str],
    tables: Mapping[Pair, Mapping[str, Counts]],
    present: Mapping[Pair, NDArray[np.bool_]],
    *,
    k: int,
    at_least: int,
) -> Places:
    """Decide which centres' results may go out, and withhold places until no other centre can be found.

    Parameters
    ----------
    codes
        Places of each record, shape (records, columns), finest first; -1 where there is none. May have no column.
    centre_column
        Which of the columns is the centre itself.
    centre_codes
        Of each record.
    tables
        Joint table of each centre, by pair.
    present
        By pair, whether a record is in its table.

    Raises
    ------
    ReleaseError
        All records together are as good as one centre's, whose table may not go out.
    """
    return _Decision(codes, centre_column, centre_codes, tables, present, k, at_least).made()


class _Decision:
    """What is shown and withheld so far. Both only ever change one way, so it comes to an end."""

    def __init__(
        self,
        codes: Codes,
        centre_column: int | None,
        centre_codes: Sequence[str],
        tables: Mapping[Pair, Mapping[str, Counts]],
        present: Mapping[Pair, NDArray[np.bool_]],
        k: int,
        at_least: int,
    ) -> None:
        self.codes = codes.copy()
        self.centre_column = centre_column
        self.names, self.centres = np.unique(np.asarray(centre_codes, dtype=str), return_inverse=True)
        self.tables, self.k, self.at_least = tables, k, at_least
        everybody = np.ones(len(codes), dtype=bool)
        self.present: dict[Pair | None, NDArray[np.bool_]] = {None: everybody}
        self.present |= dict(present.items())
        torn = self.torn()
        self.shown = {
            pair: np.array([name not in torn and self.may_show(by_centre[name]) for name in self.names.tolist()])
            for pair, by_centre in tables.items()
        }

    def may_show(self, table: Counts) -> bool:
        return passes(table, self.k, self.at_least) and not tells_a_group(table)

    def torn(self) -> set[str]:
        """Withhold the places of records that disagree with the others of their centre, and name such centres.

        A slip in the district would else put a part of a centre into another group.
        """
        others = np.array([at for at in range(self.codes.shape[1]) if at != self.centre_column], dtype=np.int64)
        torn = set()
        for centre, name in enumerate(self.names.tolist()):
            here = np.flatnonzero(self.centres == centre)
            places = self.codes[here][:, others]
            found, at, sizes = np.unique(places, axis=0, return_inverse=True, return_counts=True)
            if len(found) > 1:
                torn.add(name)
                self.codes[here[at.reshape(-1) != int(sizes.argmax())]] = WITHHELD
        return torn

    def made(self) -> Places:
        while self.step():
            pass
        names = self.names.tolist()
        shown = {pair: frozenset(np.array(names)[is_shown].tolist()) for pair, is_shown in self.shown.items()}
        withheld = {
            pair: frozenset(name for name in names if by_centre[name].sum() and name not in shown[pair])
            for pair, by_centre in self.tables.items()
        }
        return Places(self.codes, shown, withheld)

    def step(self) -> bool:
        """Hide one centre or withhold one place more, where something can still be found; say whether it was so."""
        self.name_only_shown()
        for pair, by_centre in self.tables.items():
            hidden = sum(
                (by_centre[name] for name in self.names[~self.shown[pair]].tolist()), start=np.zeros((), np.int64)
            )
            if hidden.sum() and not passes(hidden, self.k) and self.hide_smallest(pair, np.ones(len(self.names), bool)):
                return True
        groups = self.groups()
        for group in range(int(groups.max(initial=-1)) + 1):
            rows = groups == group
            for question, present in self.present.items():
                sizes = np.bincount(self.centres[rows & present], minlength=len(self.names))
                hidden = np.where(self.known() if question is None else self.shown[question], 0, sizes)
                if not blurs(hidden, self.k):
                    self.widen(rows, question, sizes)
                    return True
        return False

    def groups(self) -> Codes:
        if not self.codes.shape[1]:
            return np.zeros(len(self.codes), dtype=np.int64)
        return np.unique(self.codes, axis=0, return_inverse=True)[1].reshape(-1)

    def known(self) -> NDArray[np.bool_]:
        """Say of each centre whether all its tables may be known: only then may rows name it."""
        known = np.ones(len(self.names), dtype=bool)
        for shown in self.shown.values():
            known &= shown
        return known

    def name_only_shown(self) -> None:
        if self.centre_column is not None:
            self.codes[~self.known()[self.centres], self.centre_column] = WITHHELD

    def widen(self, rows: NDArray[np.bool_], pair: Pair | None, sizes: Counts) -> None:
        """Let more centres disappear in a group that leaves one of them to be found."""
        here = sizes > 0
        if pair is None:
            here &= self.known()
        pairs = self.shown if pair is None else [pair]
        if sum(self.hide_smallest(one, here) for one in pairs):
            return
        for column in range(self.codes.shape[1]):
            if (self.codes[rows, column] != WITHHELD).any():
                self.codes[rows, column] = WITHHELD
                return
        # Nothing is left to be withheld in this group: the smallest other one joins it.
        others = np.bincount(self.groups()[~rows], minlength=1)
        if not (~rows).any():
            self.refuse()
        smallest = int(np.where(others > 0, others, len(rows) + 1).argmin())
        self.codes[self.groups() == smallest] = WITHHELD

    def hide_smallest(self, pair: Pair, here: NDArray[np.bool_]) -> bool:
        candidates = np.flatnonzero(self.shown[pair] & here)
        if not len(candidates):
            return False
        sizes = [int(self.tables[pair][name].sum()) for name in self.names[candidates].tolist()]
        self.shown[pair][candidates[int(np.argmin(sizes))]] = False
        return True

    def refuse(self) -> None:
        raise ReleaseError(
            "all records together are as good as one health centre's, and its table may not go out",
            why=f"A cell has fewer than {self.k} records, or there are fewer than {self.at_least} in all.",
            next_step="wait for more records, or choose another k in schemas/release.yml",
        )
