"""Two small forms, an interview and its back check, in a warehouse: for tests of what is asked twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape

import yaml

from laktasi.back_checking import comparison_of, measure
from laktasi.back_checks import BackChecks, read_back_checks
from laktasi.paths import DataFolder, Project
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.records import FieldedForm, Status, Submission
from laktasi.store.back_checks import Comparison, build_back_checks
from laktasi.store.marts import build_interviews
from laktasi.study import Study, read_study
from tests.warehouse_fixture import Warehouse, warehouse

SECRET = "Siti Rahasia Sekali"
INTERVIEW = """
| survey | | | | |
| | type | name | label::English (en) | bind::laktasi:privacy |
| | today | today | | none |
| | select_one yes_no | consent | Consent? | none |
| | select_one centre | centre | Centre | none |
| | text | who | Enumerator | none |
| | text | code | Code | quasi |
| | text | round | Round | none |
| | text | name | Name | direct |
| | integer | phone | Phone | direct |
| | integer | age | Age | quasi |
| | decimal | weight | Weight | none |
| | date | born | Born | quasi |
| | select_one crop | crop | Crop | none |
| | select_multiple crop | crops | Crops | none |
| | text | village | Village | none |
| | time | at | At | none |
| | begin_repeat | beds | Beds | |
| | integer | size | Size | none |
| | end_repeat | | | |
| choices | | | |
| | list_name | name | label::English (en) |
| | yes_no | yes | Yes |
| | yes_no | no | No |
| | centre | c1 | One |
| | centre | c2 | Two |
| | crop | rice | Rice |
| | crop | maize | Maize |
| | crop | beans | Beans |
{more}
| settings | | | |
| | form_id | version | default_language | namespaces |
| | {form_id} | 1 | English (en) | laktasi="urn:laktasi:privacy" |
"""
CHECKER = ("| | text | who | Enumerator | none |", "| | text | who | Checker | none |")
UNKNOWN = "| | crop | unknown | Does not know |"

STUDY = """
study: garden
title: {en: Garden}
form: talk
roles: {centre: centre, enumerator: who, subject: code, consent: {question: consent, value: "yes"}}
variables: {}
analyses: []
"""
YML: Mapping[str, Any] = {
    "original": {"form": "talk", "match": ["code", "round"]},
    "back_check": {"form": "again", "match": ["code", "round"], "checker": "who", "where": "${consent} = 'yes'"},
    "variables": {"age": {"original": "age", "back_check": "age", "type": 1}},
    "alarms": {1: 0.1},
    "sample": {"share": 0.2, "seed": 1},
}
GOOD = {
    "today": "2026-11-02",
    "consent": "yes",
    "centre": "c1",
    "who": "P1",
    "round": "first",
    "name": SECRET,
    "phone": "81234567",
    "age": "27",
    "weight": "3.5",
    "born": "2026-10-01",
    "crop": "rice",
    "crops": "rice maize",
    "village": "Mopuya",
}


def form(form_id: str, *, change: tuple[str, str] | None = None, more: str = "") -> FieldedForm:
    """Make one of the two forms."""
    text = INTERVIEW.format(form_id=form_id, more=more)
    if change:
        assert change[0] in text
        text = text.replace(*change)
    return FieldedForm(convert_markdown(text.replace("\n\n", "\n")).xform, {}, "project")


def read(folder: Path, **changed: Any) -> BackChecks:
    """Read a back_checks.yml in which some keys are others; None takes one away."""
    path = folder / "back_checks.yml"
    kept = {key: value for key, value in {**YML, **changed}.items() if value is not None}
    path.write_text(yaml.safe_dump(kept), encoding="utf-8")
    found = read_back_checks(path)
    assert found is not None
    return found


def variables(**given: Mapping[str, Any]) -> dict[str, Any]:
    """Give variables for back_checks.yml, each of type 1 and about the questions called like it."""
    return {name: {"original": name, "back_check": name, "type": 1} | dict(of) for name, of in given.items()}


@dataclass
class House:
    """A warehouse that both forms stand in."""

    inner: Warehouse
    folder: Path
    taken: int = 0

    def __post_init__(self) -> None:
        self._waiting: list[Submission] = []
        self.project.study.parent.mkdir(parents=True)
        self.declare_study()

    @property
    def project(self) -> Project:
        """Give the project folder."""
        return Project(self.folder / "project")

    @property
    def study(self) -> Study | None:
        """Give the study that the project declares."""
        return read_study(self.project.study)

    def declare_study(self, old: str = "", new: str = "") -> None:
        """Write study.yml, a text in it replaced."""
        assert old in STUDY
        self.project.study.write_text(STUDY.replace(old, new) if old else STUDY, encoding="utf-8")

    def interview(self, code: str, **answers: str) -> str:
        """Take an interview in; '' takes an answer away."""
        return self._take("talk", {"code": code, **answers})

    def back_check(self, code: str, **answers: str) -> str:
        """Take a back check in, two days later and by S1 if nothing else is said."""
        return self._take("again", {"code": code, "today": "2026-11-04", "who": "S1", **answers})

    def _take(self, form_id: str, answers: Mapping[str, str]) -> str:
        self.taken += 1
        instance = f"uuid:{form_id}-{self.taken:04d}"
        nodes = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in (GOOD | dict(answers)).items() if text)
        xml = (
            f'<?xml version="1.0"?><data id="{form_id}" version="1" xmlns:orx="http://openrosa.org/xforms">{nodes}'
            f"<orx:meta><orx:instanceID>{instance}</orx:instanceID></orx:meta></data>"
        )
        self._waiting.append(Submission(form_id, "1", instance, None, xml.encode(), Status.FINALISED, "phones", None))
        return instance

    def find(self, **changed: Any) -> Comparison:
        """Find what back_checks.yml names."""
        read(self.project.back_checks.parent, **changed)
        found = comparison_of(self.project, self.inner.questionnaires)
        assert found is not None
        return found

    def compare(self, **changed: Any) -> Comparison:
        """Let what has been taken in stand, and make the marts of the back checks."""
        self.inner.take(*self._waiting)
        self._waiting.clear()
        build_interviews(self.inner.con, self.study, None, self.inner.questionnaires)
        found = self.find(**changed)
        build_back_checks(self.inner.con, found)
        return found

    def test(self) -> None:
        """Make marts.back_check_tests, as a run does."""
        measure(self.inner.con, self.project, self.inner.questionnaires)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Answer a query."""
        return self.inner.rows(query)


@cache
def _standing() -> bytes:
    """Make a warehouse in which both forms stand: once, since that takes longer than most tests."""
    with TemporaryDirectory() as name, warehouse(Path(name), form("talk")) as opened:
        opened.take(form("again", change=CHECKER, more=UNKNOWN))
        opened.con.execute("checkpoint")
        return opened.folder.warehouse.read_bytes()


@contextmanager
def house(root: Path) -> Iterator[House]:
    """Open a warehouse that both forms stand in."""
    folder = DataFolder(root / "data")
    folder.make()
    folder.warehouse.write_bytes(_standing())
    with warehouse(folder.root) as inner:
        yield House(inner, root)
