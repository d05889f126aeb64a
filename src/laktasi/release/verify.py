"""The second opinion: a release is read back, file by file, and held against the rule and the private values.

Nothing here comes from how the release was made: only the files, the rule, the study and the research copy. A fault in
the making is to be found here, and what is found is told by file, column and rule, never by the value.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from laktasi.errors import ReleaseError
from laktasi.release import readback
from laktasi.release.documents import DISCLOSURE, MANIFEST, README, SUMS, files_of, sha256
from laktasi.release.files import CSV, RESULTS
from laktasi.release.rule import BAND, CATEGORY, ENOUGH, KEPT, LAMBDA, PSEUDONYM, SHIFT, TRUNCATE, Rule
from laktasi.store.sql import identifier
from laktasi.study import Study

_NEVER = ("geopoint", "geotrace", "geoshape", "media", "rank")
_PSEUDONYM = re.compile(r"[a-z]-[a-z2-7]{8,}")
_TRUNCATED = {"month": r"\d{4}-\d{2}", "quarter": r"\d{4}-Q[1-4]", "year": r"\d{4}"}
_TABLES = ("kendall", "contingency", "pooled", "random_effects", "leave_one_out", "frequencies")
_OF_CENTRES = ("kendall", "contingency", "leave_one_out")


def verify(
    folder: Path,
    con: duckdb.DuckDBPyConnection,
    study: Study,
    rule: Rule,
    *,
    whose: Mapping[str, str],
    key: bytes,
) -> None:
    """See that a release keeps its rule.

    Parameters
    ----------
    con
        The research copy that it was made from.
    whose
        Submission of each record's pseudonym. Private.
    key
        The project's secret: it must be in no file.

    Raises
    ------
    ReleaseError
        It does not; says which file, column or rule.
    """
    _Verifier(folder, con, study, rule, whose).verify(key)


def refused(what: str, why: str = "") -> ReleaseError:
    """Make the error of a release that breaks its rule."""
    return ReleaseError(
        f"the release was refused: {what}",
        why=why or "Nothing was written: what stood there before is as it was.",
        next_step="correct schemas/release.yml; if the rule is right, report this as a fault of laktasi",
    )


@dataclass(frozen=True, slots=True)
class _Verifier:
    folder: Path
    con: duckdb.DuckDBPyConnection
    study: Study
    rule: Rule
    whose: Mapping[str, str]

    def verify(self, key: bytes) -> None:
        self.sums()
        manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        told = manifest["disclosure"]["rule"]
        if (told["k"], told["at_least"]) != (self.rule.k, self.rule.at_least):
            raise refused(f"{MANIFEST} tells another rule than schemas/release.yml")
        columns = {column["name"]: column for column in manifest["columns"]}
        records = readback.same_in_all(self.folder, columns)
        self.allowed(columns)
        self.texts(columns, records)
        self.dates(columns, records)
        self.classes(columns, records)
        telling = self.telling(columns, records)
        quasi = self.quasi(columns)
        if untreated := [name for name in telling if name not in quasi]:
            raise refused(f"{CSV}, column {untreated[0]}: its answers tell the health centre, or what lies around it")
        self.results(columns, records, [name for name in quasi if name in telling or columns[name]["is_place"]])
        self.notice(manifest)
        private = readback.private_values(self.con, self.study, self.rule)
        readback.search(self.folder, private, key)

    def sums(self) -> None:
        """See that the checksums are those of the files, and that no file is without one."""
        lines = (self.folder / SUMS).read_text(encoding="utf-8").splitlines()
        told = {line[66:]: line[:64] for line in lines}
        there = {path.relative_to(self.folder).as_posix(): sha256(path) for path in files_of(self.folder)}
        if told != there:
            raise refused(f"{SUMS} does not fit the files")

    def allowed(self, columns: Mapping[str, Mapping[str, Any]]) -> None:
        """See that no column is of a question that must not go out."""
        known = {
            path: (kind, privacy)
            for path, kind, privacy in self.con.execute(
                "select path, type, privacy from staging.codebook where form_id = ?", [self.study.form_id]
            ).fetchall()
        }
        for name, column in columns.items():
            path = column["question"].partition("#")[0]
            if path not in known:
                if name not in (readback.RECORD, readback.WITHHELD):
                    raise refused(f"{CSV}, column {name}: no question of the form is called so")
                continue
            kind, privacy = known[path]
            treatment = self.rule.treat.get(path)
            if privacy == "direct" or kind in _NEVER or (treatment and treatment.kind == "drop"):
                raise refused(f"{CSV}, column {name}: {path} must not go out")
            if treatment is None and (privacy != "none" or kind in ("text", "date", "datetime", "time")):
                raise refused(f"{CSV}, column {name}: the rule does not say what is done to {path}")

    def texts(self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records) -> None:
        """See that texts are pseudonyms or names of columns, and that the order of records tells nothing."""
        for name, column in columns.items():
            if column["kind"] != "text":
                continue
            for value in records[name]:
                if name == readback.WITHHELD:
                    if value and not set(value.split(" ")) <= set(columns):
                        raise refused(f"{CSV}, column {name}: it holds something else than names of columns")
                elif value and not _PSEUDONYM.fullmatch(value):
                    raise refused(f"{CSV}, column {name}: a text that is no pseudonym")
        if list(records[readback.RECORD]) != sorted(set(records[readback.RECORD])):
            raise refused(f"{CSV}: records do not come once each, in the order of their pseudonyms")
        if set(records[readback.RECORD]) != set(self.whose):
            raise refused(f"{CSV}: it does not have the accepted records, once each")

    def dates(self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records) -> None:
        """See that no true date stands there, and that one respondent's dates moved together."""
        moved: dict[str, set[int]] = {}
        for name, column in columns.items():
            treatment = self.rule.treat.get(column["question"])
            if column["kind"] in ("date", "moment") and (treatment is None or treatment.kind != SHIFT):
                raise refused(f"{CSV}, column {name}: a date that is neither shifted nor truncated")
            if treatment is None:
                continue
            if treatment.kind == TRUNCATE and not all(
                re.fullmatch(_TRUNCATED[treatment.unit], value) for value in records[name] if value
            ):
                raise refused(f"{CSV}, column {name}: more of a date than its {treatment.unit}")
            if treatment.kind != SHIFT:
                continue
            truth = self.true_days(column["question"])
            for record, value in zip(records[readback.RECORD], records[name], strict=True):
                if value:
                    days = readback.day_number(value) - truth[self.whose[record]]
                    moved.setdefault(f"{treatment.days} {record}", set()).add(days)
                    if not 0 < abs(days) <= treatment.days:
                        raise refused(f"{CSV}, column {name}: a date that did not move, or too far")
        if any(len(days) > 1 for days in moved.values()):
            raise refused(f"{CSV}: dates of one record moved by different numbers of days")

    def true_days(self, path: str) -> dict[str, int]:
        """Give the day, as a number, that a date question was answered with in each submission."""
        table, column, kind = self.place(path)
        answer = identifier(column)
        if kind == "datetime":
            offset = identifier(f"{column}__offset")
            answer = f"({answer} at time zone 'UTC') + to_minutes({offset})"
        found = self.con.execute(
            f"select _submission_id, cast(cast({answer} as date) - date '1970-01-01' as integer)"
            f" from {identifier('staging', table)}"
        ).fetchall()
        return dict(found)

    def place(self, path: str) -> tuple[str, str, str]:
        found = self.con.execute(
            "select table_name, column_name, type from staging.codebook where form_id = ? and path = ?",
            [self.study.form_id, path],
        ).fetchone()
        if found is None:
            raise refused(f"the form has no question {path}")
        table, column, kind = found
        return table, column, kind

    def quasi(self, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Name the quasi-identifiers by the rule; a computed category is one where the manifest counts it."""
        found = []
        for name, column in columns.items():
            treatment = self.rule.treat.get(column["question"])
            if treatment and (
                treatment.kind in (KEPT, BAND, TRUNCATE) or (treatment.kind == CATEGORY and column["is_quasi"])
            ):
                found.append(name)
        return found

    def telling(self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records) -> list[str]:
        """Name the columns whose answers give the health centre away, or what lies around it, whatever they are for."""
        centre = dict(
            self.con.execute(
                "select submission_id, centre_code from marts.submissions where form_id = ?", [self.study.form_id]
            ).fetchall()
        )
        centres = [centre[self.whose[record]] for record in records[readback.RECORD]]
        return [name for name, column in columns.items() if column["kind"] != "text" and _tells(records[name], centres)]

    def classes(self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records) -> None:
        """See that nobody stands out."""
        quasi = self.quasi(columns)
        subjects = dict(
            self.con.execute(
                "select submission_id, coalesce(subject_code, submission_id) from marts.submissions where form_id = ?",
                [self.study.form_id],
            ).fetchall()
        )
        people: dict[tuple[Any, ...], set[str]] = {}
        for at, record in enumerate(records[readback.RECORD]):
            people.setdefault(_class(records, quasi, at), set()).add(subjects[self.whose[record]])
        if any(len(members) < self.rule.k for members in people.values()):
            raise refused(
                f"{CSV}: fewer than {self.rule.k} people share a combination of quasi-identifiers",
                f"They are {', '.join(quasi)}." if quasi else "",
            )
        for name, column in columns.items():
            treatment = self.rule.treat.get(column["question"])
            if treatment and treatment.kind == PSEUDONYM:
                given = [value for value in records[name] if value]
                if len(set(given)) < len(given):
                    raise refused(f"{CSV}, column {name}: several records share a pseudonym")

    def results(
        self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records, places: Sequence[str]
    ) -> None:
        """See that no result gives the table of a centre that is withheld."""
        tables = self.result_tables()
        for line in tables.get("frequencies", []):
            if "centre_code" in line or 0 < int(line["n"]) < self.rule.k:
                raise refused(f"{RESULTS}/frequencies.csv: a count of fewer than {self.rule.k}, or by centre")
        group = {self.whose[record]: _class(records, places, at) for at, record in enumerate(records[readback.RECORD])}
        shown_by: dict[tuple[str, str], set[str]] = {}
        for pair in self.study.analyses:
            names = (pair.exposure, pair.outcome)
            shown = shown_by[names] = {
                line["centre_code"]
                for table in _OF_CENTRES
                for line in tables.get(table, [])
                if (line["exposure"], line["outcome"]) == names
            }
            self.cells(names, shown, tables.get("contingency", []))
            self.complement(names, shown, group)
        self.named_places(columns, records, shown_by)

    def result_tables(self) -> dict[str, list[dict[str, str]]]:
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

    def counts(self, names: tuple[str, str]) -> list[tuple[str, str, int, int]]:
        """Give centre, submission and both levels of every accepted record that has them, counted anew."""
        x, y = (identifier(name) for name in names)
        return self.con.execute(
            f"select centre_code, submission_id, {x}, {y} from marts.analysed"
            f" where is_accepted and {x} is not null and {y} is not null"
        ).fetchall()

    def cells(self, names: tuple[str, str], shown: set[str], lines: Iterable[Mapping[str, str]]) -> None:
        """See that each table shown may be, and is the true one."""
        true: dict[str, dict[tuple[int, int], int]] = {centre: {} for centre in shown}
        for centre, _, x, y in self.counts(names):
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
            if (line["exposure"], line["outcome"]) == names and int(line["n"]):
                cell = int(line["exposure_rank"]), int(line["outcome_rank"])
                told.setdefault(line["centre_code"], {})[cell] = int(line["n"])
        if told and told != true:
            raise refused(f"{RESULTS}/contingency.csv: {names[0]} × {names[1]} is not what the records give")

    def complement(self, names: tuple[str, str], shown: set[str], group: Mapping[str, tuple[Any, ...]]) -> None:
        """See that subtraction leaves no centre alone: in all records, and among those with the same places."""
        hidden: dict[Any, dict[str, int]] = {}
        for centre, submission, _, _ in self.counts(names):
            if centre not in shown:
                for whom in ("all", group[submission]):
                    sizes = hidden.setdefault(whom, {})
                    sizes[centre] = sizes.get(centre, 0) + 1
        for sizes in hidden.values():
            if len(sizes) < 2 or sum(sizes.values()) - max(sizes.values()) < self.rule.k:
                raise refused(f"{RESULTS}: {names[0]} × {names[1]}: a centre that is withheld is found by subtraction")

    def named_places(
        self,
        columns: Mapping[str, Mapping[str, Any]],
        records: readback.Records,
        shown_by: Mapping[tuple[str, str], set[str]],
    ) -> None:
        """See that rows name only those centres whose tables may all be known."""
        path = self.study.roles.centre
        for name, column in columns.items():
            if path in (column["question"], column["question"].rsplit("/", 1)[-1]):
                named = {value for value in records[name] if value}
                if any(named - shown for shown in shown_by.values()):
                    raise refused(f"{CSV}, column {name}: a centre whose results are withheld could be counted there")

    def notice(self, manifest: Mapping[str, Any]) -> None:
        """See that synthetic data say so wherever a person begins to read."""
        if bool(self.study.synthetic) != bool(manifest["is_synthetic"]):
            raise refused(f"{MANIFEST} is wrong about whether the data are synthetic")
        for name in (README, DISCLOSURE):
            if self.study.synthetic and "SYNTHETIC" not in (self.folder / name).read_text(encoding="utf-8"):
                raise refused(f"{name} does not say that the data are synthetic")


def _class(records: readback.Records, columns: Sequence[str], at: int) -> tuple[Any, ...]:
    """Give the values of some columns in one record; a withheld one differs from an empty one."""
    withheld = (records[readback.WITHHELD][at] or "").split(" ")
    return tuple((records[name][at], name in withheld) for name in columns)


def _tells(answers: Iterable[str], centres: Iterable[str]) -> bool:
    """Say whether the answer is as good as known where the health centre is."""
    by_centre: dict[str, Counter[str]] = {}
    for where, value in zip(centres, answers, strict=True):
        if value:
            by_centre.setdefault(where, Counter())[value] += 1
    large = [counted for counted in by_centre.values() if counted.total() >= ENOUGH]
    overall = sum(large, Counter())
    most = max(overall.values(), default=0)
    right = sum(max(counted.values()) for counted in large)
    return overall.total() > most and right - most >= LAMBDA * (overall.total() - most)
