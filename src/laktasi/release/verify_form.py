"""The second opinion on what the form ties together: who was asked, what was computed, and the lists of values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any

import duckdb

from laktasi.release import readback
from laktasi.release.depends import Depends
from laktasi.release.documents import PACKAGE
from laktasi.release.files import CSV, DTA, DUCKDB, SAV
from laktasi.release.rule import CATEGORY, CHANCE, ENOUGH, LAMBDA, TRUNCATE, Rule
from laktasi.release.verify_results import refused

Columns = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A shifted date of one record, in days since 1970; None where there is none."""

    true: int | None
    shown: int | None
    is_withheld: bool
    whose: str


@dataclass(frozen=True, slots=True)
class FormVerifier:
    """Holds the columns of a release against the form's own words."""

    folder: Path
    depends: Depends
    rule: Rule

    def untreated(self, columns: Columns) -> set[str]:
        """Name the questions that go out as they are."""
        paths = {column["question"].partition("#")[0] for column in columns.values()}
        return paths - {readback.RECORD, readback.WITHHELD} - set(self.rule.treat)

    def is_known(self, path: str, out: set[str], seen: frozenset[str] = frozenset()) -> bool:
        """Say whether a question goes out as it is, or follows from such."""
        if path in out:
            return True
        return (
            path in self.depends.computed
            and path not in seen
            and all(self.is_known(item, out, seen | {path}) for item in self.depends.on(path))
        )

    def columns(self, columns: Columns) -> None:
        """See that nothing that goes out as it is was asked, offered or computed by what does not."""
        out = self.untreated(columns)
        for name, column in columns.items():
            path = column["question"].partition("#")[0]
            on = sorted(self.depends.on(path)) if path in out else []
            if path in self.rule.treat and not column["is_quasi"]:
                on = sorted(self.depends.asked.get(path, ()))
            if unknown := [item for item in on if not self.is_known(item, out)]:
                raise refused(f"{CSV}, column {name}: it depends on {unknown[0]}, which does not go out as it is")

    def is_counted(self, path: str, columns: Columns) -> bool:
        """Say whether a computed text is a quasi-identifier: it is, unless it follows from what goes out."""
        return not self.is_known(path, self.untreated(columns))

    def levels(self, columns: Columns, records: readback.Records) -> None:
        """See that no list of values, in any file, has one that no record has, where the values come of the data."""
        import pyreadstat

        listed = {name: dict[str, set[str]]() for name in (DUCKDB, PACKAGE)}
        with duckdb.connect(str(self.folder / DUCKDB), read_only=True) as con:
            for name, value in con.execute("select name, value from choices").fetchall():
                listed[DUCKDB].setdefault(name, set()).add(value)
        package = json.loads((self.folder / PACKAGE).read_text(encoding="utf-8"))
        for resource in package["resources"]:
            for field in resource.get("schema", {}).get("fields", []) if resource["path"] == CSV else []:
                listed[PACKAGE][field["name"]] = set(field.get("constraints", {}).get("enum", []))
        labels = {
            file: read(self.folder / file, metadataonly=True)[1].variable_value_labels
            for file, read in ((SAV, pyreadstat.read_sav), (DTA, pyreadstat.read_dta))
        }
        for name, column in columns.items():
            treatment = self.rule.treat.get(column["question"])
            if not column["is_place"] and (treatment is None or treatment.kind not in (TRUNCATE, CATEGORY)):
                continue
            there = {value for value in records[name] if value}
            for file, known in listed.items():
                if known.get(name, set()) != there:
                    raise refused(f"{file}, column {name}: values are listed that no record has")
            for file, worded in labels.items():
                if len(worded.get(name, {})) > len(there):
                    raise refused(f"{file}, column {name}: values are listed that no record has")

    def one_centre(
        self, columns: Columns, records: readback.Records, centres: Sequence[str], places: Iterable[Any]
    ) -> None:
        """See that no answer is given at one health centre only, within a place that goes out."""
        here = list(zip(places, centres, strict=True))
        of_centre, of_place = Counter(here), Counter(place for place, _ in here)
        for name, column in columns.items():
            if column["is_quasi"] or name in (readback.RECORD, readback.WITHHELD):
                continue
            is_other = column["kind"] in ("date", "moment", "text")
            values = [bool(value) if is_other else value for value in records[name]]
            both = Counter(zip(here, values, strict=True))
            of_value: Counter[Any] = Counter()
            for ((place, _), value), times in both.items():
                of_value[place, value] += times
            for ((place, centre), value), times in both.items():
                total, own, whole = of_value[place, value], of_centre[place, centre], of_place[place]
                usual = total * own / whole
                if total < ENOUGH or own == whole or times - usual < LAMBDA * (total - usual):
                    continue
                ways = sum(comb(own, at) * comb(whole - own, total - at) for at in range(times, min(total, own) + 1))
                if ways / comb(whole, total) < CHANCE:
                    raise refused(f"{CSV}, column {name}: an answer is given at one health centre of a place only")

    def days(self, name: str, dates: Sequence[Shown], classes: Sequence[Any], days: int) -> None:
        """See that who knows the true day of a shifted date still has k people of a class to choose from."""
        members: dict[Any, list[Shown]] = {}
        for group, date in zip(classes, dates, strict=True):
            members.setdefault(group, []).append(date)
        for here in members.values():
            for day in {date.true for date in here}:
                fitting = {date.whose for date in here if date.is_withheld or _fits(date.shown, day, days)}
                if len(fitting) < self.rule.k:
                    raise refused(f"{CSV}, column {name}: fewer than {self.rule.k} people could have a true day")


def _fits(shown: int | None, true: int | None, days: int) -> bool:
    if shown is None or true is None:
        return shown is true
    return abs(shown - true) <= days
