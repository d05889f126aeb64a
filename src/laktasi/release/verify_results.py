"""The second opinion on results: that neither a table, nor subtraction, nor a number across centres tells too much."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from math import comb, log2
from pathlib import Path
from typing import Any

import duckdb

from laktasi.errors import ReleaseError
from laktasi.release import readback
from laktasi.release.files import CSV, DUCKDB, RESULTS
from laktasi.release.questions import Question, questions_of
from laktasi.release.rule import BITS, DIGITS, Rule
from laktasi.store.sql import identifier
from laktasi.study import Study

_OF_CENTRES = ("kendall", "contingency", "leave_one_out")
_ACROSS = ("pooled", "random_effects", "leave_one_out")
_TABLES = (*_OF_CENTRES, *_ACROSS, "frequencies")
_OF_ALL = ("p_holm", "p_bh", "left_out")
"""Columns that rest on the results of all centres, also where a row is of one."""

Lines = list[dict[str, str]]
Names = tuple[str, str]


def refused(what: str, why: str = "") -> ReleaseError:
    """Make the error of a release that breaks its rule."""
    return ReleaseError(
        f"the release was refused: {what}",
        why=why or "Nothing was written: what stood there before is as it was.",
        next_step="correct schemas/release.yml; if the rule is right, report this as a fault of laktasi",
    )


@dataclass(frozen=True, slots=True)
class ResultsVerifier:
    """What is needed to see that results keep the rule."""

    folder: Path
    con: duckdb.DuckDBPyConnection
    study: Study
    rule: Rule
    questions: tuple[Question, ...]
    columns: Mapping[str, Mapping[str, Any]]
    """Of the records, by name, as the manifest tells them."""
    records: readback.Records
    group: Mapping[str, Any]
    """By submission, what the records tell of where it comes from."""

    def verify(self) -> None:
        """See that no result gives a withheld answer, or the table of a centre that is withheld.

        Raises
        ------
        ReleaseError
            One does; says which table or question.
        """
        tables = self.tables()
        for line in tables.get("frequencies", []):
            if "centre_code" in line or 0 < int(line["n"]) < self.rule.k:
                raise refused(f"{RESULTS}/frequencies.csv: a count of fewer than {self.rule.k}, or by centre")
        self.masked(tables)
        numbers = self.numbers()
        shown_by: dict[Names, set[str]] = {}
        for pair in self.study.analyses:
            names = (pair.exposure, pair.outcome)
            own = {
                table: [line for line in lines if (line.get("exposure"), line.get("outcome")) == names]
                for table, lines in tables.items()
            }
            shown = shown_by[names] = {line["centre_code"] for table in _OF_CENTRES for line in own.get(table, [])}
            counts = self.counts(names)
            self.cells(names, shown, counts, own.get("contingency", []))
            hidden = [row for row in counts if row[0] not in shown]
            if hidden:
                self.complement(names, hidden)
                self.across(names, hidden, own, numbers)
        self.named_places(shown_by)

    def tables(self) -> dict[str, Lines]:
        """Read every table of results; none but those that may go out is there."""
        tables = {}
        for path in sorted((self.folder / RESULTS).iterdir()):
            with path.open(encoding="utf-8", newline="") as file:
                tables[path.stem] = list(csv.DictReader(file))
        if unknown := sorted(set(tables) - set(_TABLES)):
            raise refused(f"{RESULTS}/{unknown[0]}.csv is no table that may go out")
        for name in ("pooled", "random_effects"):
            if any("centre_code" in line for line in tables.get(name, [])):
                raise refused(f"{RESULTS}/{name}.csv tells of single centres")
        return tables

    def numbers(self) -> dict[str, list[str]]:
        """Name the columns of each table that hold numbers which are no counts."""
        with duckdb.connect(str(self.folder / DUCKDB), read_only=True) as con:
            found: dict[str, list[str]] = {}
            for table, column in con.execute(
                "select table_name, column_name from duckdb_columns() where schema_name = ? and data_type = 'DOUBLE'",
                [RESULTS],
            ).fetchall():
                found.setdefault(table, []).append(column)
        return found

    def masked(self, tables: Mapping[str, Lines]) -> None:
        """See that there is no result of a question of which an answer is withheld: a count of all would give it."""
        marked = set(chain.from_iterable(value.split(" ") for value in self.records[readback.WITHHELD] if value))
        paths = {self.columns[name]["question"].partition("#")[0] for name in marked}
        for name in self.study.variables:
            if self.asked(name) & paths:
                for table, lines in tables.items():
                    if any(name in (line.get("exposure"), line.get("outcome"), line.get("variable")) for line in lines):
                        raise refused(f"{RESULTS}/{table}.csv: {name}: some of its answers are withheld in the records")

    def asked(self, variable: str) -> set[str]:
        """Give the paths of the questions that a variable is made of."""
        return {item.path for item in questions_of(self.questions, self.study.variables[variable].question)}

    def counts(self, names: Names) -> list[tuple[str, str, int, int]]:
        """Give centre, submission and both levels of every accepted record that has them, counted anew."""
        x, y = (identifier(name) for name in names)
        return self.con.execute(
            f"select centre_code, submission_id, {x}, {y} from marts.analysed"
            f" where is_accepted and {x} is not null and {y} is not null"
        ).fetchall()

    def cells(
        self, names: Names, shown: set[str], counts: Iterable[tuple[str, str, int, int]], lines: Iterable[Any]
    ) -> None:
        """See that each table shown may be, and is the true one."""
        true: dict[str, dict[tuple[int, int], int]] = {centre: {} for centre in shown}
        for centre, _, x, y in counts:
            if centre in true:
                true[centre][x, y] = true[centre].get((x, y), 0) + 1
        for table in true.values():
            if sum(table.values()) < self.rule.at_least or min(table.values(), default=0) < self.rule.k:
                raise refused(f"{RESULTS}: {names[0]} × {names[1]}: a centre's table that the rule for cells withholds")
            for side in (0, 1):
                levels = [cell[side] for cell in table]
                if any(levels.count(level) == 1 for level in levels):
                    raise refused(f"{RESULTS}: {names[0]} × {names[1]}: at a centre one answer tells the other")
        told: dict[str, dict[tuple[int, int], int]] = {}
        for line in lines:
            if int(line["n"]):
                cell = int(line["exposure_rank"]), int(line["outcome_rank"])
                told.setdefault(line["centre_code"], {})[cell] = int(line["n"])
        if told and told != true:
            raise refused(f"{RESULTS}/contingency.csv: {names[0]} × {names[1]} is not what the records give")

    def complement(self, names: Names, hidden: Iterable[tuple[str, str, int, int]]) -> None:
        """See that subtraction leaves no centre alone: in all records, and among those with the same places."""
        found: dict[Any, dict[str, int]] = {}
        for centre, submission, _, _ in hidden:
            for whom in ("all", self.group[submission]):
                sizes = found.setdefault(whom, {})
                sizes[centre] = sizes.get(centre, 0) + 1
        for sizes in found.values():
            if len(sizes) < 2 or sum(sizes.values()) - max(sizes.values()) < self.rule.k:
                raise refused(f"{RESULTS}: {names[0]} × {names[1]}: a centre that is withheld is found by subtraction")

    def across(
        self,
        names: Names,
        hidden: Iterable[tuple[str, str, int, int]],
        tables: Mapping[str, Lines],
        numbers: Mapping[str, Iterable[str]],
    ) -> None:
        """See that numbers across centres, some of them withheld, are rounded, and too few to single these out."""
        of = f"{names[0]} × {names[1]}"
        for table, lines in tables.items():
            if any(line.get(name) for name in _OF_ALL for line in lines):
                raise refused(f"{RESULTS}/{table}.csv: {of}: a column that rests on all centres, withheld ones too")
        told = 0
        for table in _ACROSS:
            for text in (line[name] for line in tables.get(table, []) for name in numbers.get(table, ())):
                if text and float(f"{float(text):.{DIGITS}g}") != float(text):
                    raise refused(f"{RESULTS}/{table}.csv: {of}: more than {DIGITS} digits")
                told += bool(text)
        is_naive = {line.get("method") for table in _ACROSS for line in tables.get(table, [])} <= {"naive"}
        if is_naive and self.may_be_counted(names):
            return
        if BITS * told > _hidden_bits(hidden, self.group) + 1e-6:
            raise refused(f"{RESULTS}: {of}: so many numbers across centres single a withheld one out")

    def may_be_counted(self, names: Names) -> bool:
        """Say whether the table of all records may be known: both answers stand in the rows, or no cell is small."""
        as_given = {
            column["question"]
            for column in self.columns.values()
            if column["kind"] == "category" and column["question"] not in self.rule.treat
        }
        if self.asked(names[0]) | self.asked(names[1]) <= as_given:
            return True
        cells: dict[tuple[int, int], int] = {}
        for _, _, x, y in self.counts(names):
            cells[x, y] = cells.get((x, y), 0) + 1
        return sum(cells.values()) >= self.rule.at_least and min(cells.values()) >= self.rule.k

    def named_places(self, shown_by: Mapping[Names, set[str]]) -> None:
        """See that rows name only those centres whose tables may all be known."""
        paths = {item.path for item in questions_of(self.questions, self.study.roles.centre)}
        for name, column in self.columns.items():
            if column["question"] in paths:
                named = {value for value in self.records[name] if value}
                if any(named - shown for shown in shown_by.values()):
                    raise refused(f"{CSV}, column {name}: a centre whose results are withheld could be counted there")


def _hidden_bits(hidden: Iterable[tuple[str, str, int, int]], group: Mapping[str, Any]) -> float:
    """Give the logarithm of the number of ways to share out what subtraction finds, group by group.

    Counted with whole numbers, as the ways to put equal things into distinct boxes; those for the sizes of the centres
    are taken off.
    """
    cells: dict[Any, dict[tuple[int, int], int]] = {}
    centres: dict[Any, set[str]] = {}
    for centre, submission, x, y in hidden:
        own = cells.setdefault(group[submission], {})
        own[x, y] = own.get((x, y), 0) + 1
        centres.setdefault(group[submission], set()).add(centre)
    bits = 0.0
    for whom, own in cells.items():
        boxes = len(centres[whom]) - 1
        ways = sum(log2(comb(n + boxes, boxes)) for n in own.values())
        bits += max(ways - log2(comb(sum(own.values()) + boxes, boxes)), 0.0)
    return bits
