"""The second opinion: a release is read back, file by file, and held against the rule and the private values.

Quasi-identifiers, places, classes, cells, sums and bits are found anew here, from the files, the rule, the study, the
form and the research copy. Believed is what the manifest says of a column's question and kind, and whose each pseudonym
is (`whose`); shared with the making are the names of files, the limits in rule.py, what a name in study.yml means
(questions.py), and what the form ties together (depends.py). A fault in these is not found here. What is found is told
by file, column and rule, never by the value.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from laktasi.questionnaire.model import Questionnaire, ValueType
from laktasi.release import readback
from laktasi.release.depends import depends
from laktasi.release.documents import DISCLOSURE, MANIFEST, README, SUMS, files_of, sha256
from laktasi.release.files import CSV
from laktasi.release.questions import Question, read_questions
from laktasi.release.rule import CATEGORY, COUNTED, ENOUGH, LAMBDA, PSEUDONYM, SHIFT, TRUNCATE, Rule
from laktasi.release.verify_form import FormVerifier, Shown
from laktasi.release.verify_results import ResultsVerifier, refused
from laktasi.store.sql import identifier
from laktasi.study import Study

_NEVER = ("geopoint", "geotrace", "geoshape", "media", "rank")
_MARK = "\0"
"""Stands for a withheld answer: no file can hold it."""
_PSEUDONYM = re.compile(r"[a-z]-[a-z2-7]{8,}")
_TRUNCATED = {"month": r"\d{4}-\d{2}", "quarter": r"\d{4}-Q[1-4]", "year": r"\d{4}"}


def verify(
    folder: Path,
    con: duckdb.DuckDBPyConnection,
    study: Study,
    rule: Rule,
    *,
    whose: Mapping[str, str],
    key: bytes,
    versions: Sequence[Questionnaire],
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
    versions
        All versions of the study's form.

    Raises
    ------
    ReleaseError
        It does not; says which file, column or rule.
    """
    table, questions, _ = read_questions(con, study.form_id)
    form = FormVerifier(folder, depends(versions), rule)
    _Verifier(folder, con, study, rule, whose, table, questions, form).verify(key)


@dataclass(frozen=True, slots=True)
class _Verifier:
    folder: Path
    con: duckdb.DuckDBPyConnection
    study: Study
    rule: Rule
    whose: Mapping[str, str]
    table: str
    """Of the form, in staging."""
    questions: tuple[Question, ...]
    form: FormVerifier

    def verify(self, key: bytes) -> None:
        self.sums()
        manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        told = manifest["disclosure"]["rule"]
        if (told["k"], told["at_least"]) != (self.rule.k, self.rule.at_least):
            raise refused(f"{MANIFEST} tells another rule than schemas/release.yml")
        columns = {column["name"]: column for column in manifest["columns"]}
        records = readback.same_in_all(self.folder, columns)
        self.allowed(columns)
        self.form.columns(columns)
        self.form.levels(columns, records)
        self.texts(columns, records, manifest)
        self.dates(columns, records)
        telling = self.telling(columns, records)
        quasi = self.quasi(columns, telling)
        if untreated := [name for name in telling if name not in quasi]:
            raise refused(f"{CSV}, column {untreated[0]}: its answers tell the health centre, or what lies around it")
        self.classes(columns, records, quasi)
        if unnamed := [name for name in quasi if not columns[name]["is_quasi"]]:
            raise refused(f"{MANIFEST} does not count {unnamed[0]} among the quasi-identifiers")
        places = [name for name in quasi if name in telling]
        where = [_class(records, places, at) for at in range(len(records[readback.RECORD]))]
        self.form.one_centre(columns, records, self.centres(records), where)
        self.shifted(columns, records, quasi)
        group = {self.whose[record]: place for record, place in zip(records[readback.RECORD], where, strict=True)}
        ResultsVerifier(self.folder, self.con, self.study, self.rule, self.questions, columns, records, group).verify()
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
        known = {item.path: (item.type.value, item.privacy) for item in self.questions}
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

    def texts(
        self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records, manifest: Mapping[str, Any]
    ) -> None:
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
        accepted = {
            submission
            for (submission,) in self.con.execute(
                "select submission_id from marts.submissions where form_id = ? and is_included and is_accepted",
                [self.study.form_id],
            ).fetchall()
        }
        told = manifest["disclosure"]
        if (told["accepted"], told["records"]) != (len(accepted), len(records[readback.RECORD])):
            raise refused(f"{MANIFEST} tells another number of records than there are")
        if {self.whose.get(record) for record in records[readback.RECORD]} != accepted:
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
        (question,) = (item for item in self.questions if item.path == path)
        answer = identifier(question.column)
        if question.type is ValueType.DATETIME:
            offset = identifier(f"{question.column}__offset")
            answer = f"({answer} at time zone 'UTC') + to_minutes({offset})"
        found = self.con.execute(
            f"select _submission_id, cast(cast({answer} as date) - date '1970-01-01' as integer)"
            f" from {identifier('staging', self.table)}"
        ).fetchall()
        return dict(found)

    def quasi(self, columns: Mapping[str, Mapping[str, Any]], telling: Sequence[str]) -> list[str]:
        """Name the quasi-identifiers: what the rule names, and computed texts that do not follow from what goes out."""
        found = []
        for name, column in columns.items():
            treatment = self.rule.treat.get(column["question"])
            if treatment and (
                treatment.kind in COUNTED
                or (
                    treatment.kind == CATEGORY
                    and (name in telling or self.form.is_counted(column["question"], columns))
                )
            ):
                found.append(name)
        return found

    def telling(self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records) -> list[str]:
        """Name the columns whose answers give the health centre away, or what lies around it, whatever they are for."""
        centres = self.centres(records)
        withheld = [(marks or "").split(" ") for marks in records[readback.WITHHELD]]
        found = []
        for name, column in columns.items():
            if column["kind"] != "text":
                # Places are withheld for whole centres: where one district is left, the marks tell it apart.
                marked = [
                    _MARK if name in marks else value for value, marks in zip(records[name], withheld, strict=True)
                ]
                if _tells(records[name], centres) or _tells(marked, centres):
                    found.append(name)
        return found

    def centres(self, records: readback.Records) -> list[str]:
        """Give the health centre of each record."""
        centre = dict(
            self.con.execute(
                "select submission_id, centre_code from marts.submissions where form_id = ?", [self.study.form_id]
            ).fetchall()
        )
        return [centre[self.whose[record]] for record in records[readback.RECORD]]

    def subjects(self) -> dict[str, str]:
        """Give the respondent of each submission."""
        return dict(
            self.con.execute(
                "select submission_id, coalesce(subject_code, submission_id) from marts.submissions where form_id = ?",
                [self.study.form_id],
            ).fetchall()
        )

    def shifted(
        self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records, quasi: Sequence[str]
    ) -> None:
        """See that no true day of a shifted date leaves fewer than k people of a class to choose from."""
        subjects, ids = self.subjects(), [self.whose[record] for record in records[readback.RECORD]]
        classes = [_class(records, quasi, at) for at in range(len(ids))]
        for name, column in columns.items():
            treatment = self.rule.treat.get(column["question"])
            if treatment is None or treatment.kind != SHIFT:
                continue
            truth = self.true_days(column["question"])
            dates = [
                Shown(
                    truth[submission],
                    readback.day_number(value) if value else None,
                    name in (marks or "").split(" "),
                    subjects[submission],
                )
                for submission, value, marks in zip(ids, records[name], records[readback.WITHHELD], strict=True)
            ]
            self.form.days(name, dates, classes, treatment.days)

    def classes(
        self, columns: Mapping[str, Mapping[str, Any]], records: readback.Records, quasi: Sequence[str]
    ) -> None:
        """See that nobody stands out."""
        subjects = self.subjects()
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
