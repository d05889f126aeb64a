"""A small form in two versions, its submissions, and a warehouse to put them in: for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape

import duckdb

from laktasi.paths import DataFolder, Lake
from laktasi.questionnaire.codebook import entries
from laktasi.questionnaire.lists import condition
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.records import FieldedForm, Status, Submission
from laktasi.store import raw, runs
from laktasi.store.answers import Loaded, load_answers
from laktasi.store.forms import load_questionnaires
from laktasi.store.marts import Marts, build_interviews, build_marts
from laktasi.store.staging import Stood, stand, stand_lists
from laktasi.store.submissions import resolve
from laktasi.store.warehouse import open_warehouse
from laktasi.study import Pair, Roles, Study, Variable

FORM = "visit"
SETTINGS = """
| settings |
| | form_id | version | form_title | default_language | namespaces |
| | visit | {version} | Kunjungan | Indonesia (id) | laktasi="urn:laktasi:privacy" |
"""
CHOICES = """
| choices |
| | list_name | name | label::Indonesia (id) | label::English (en) |
| | centre | c1 | Mopuya | Mopuya |
| | centre | c2 | Pusian | Pusian |
| | yes_no | no | Tidak | No |
| | yes_no | yes | Ya | Yes |
| | milk | poor | Kurang | Not enough |
| | milk | fair | Cukup | Enough |
| | milk | good | Baik | Good |
| | sign | wet | Popok basah | Wet nappies |
| | sign | calm | Bayi tenang | Calm infant |
"""
SURVEY = """
| survey |
| | type | name | label::Indonesia (id) | label::English (en) | bind::laktasi:privacy | calculation |
| | start | start | | | none | |
| | today | today | | | none | |
| | select_one yes_no | consent | Setuju? | Consent? | none | |
| | select_one centre | centre | Puskesmas | Health centre | none | |
| | text | enumerator | Petugas | Enumerator | none | |
| | begin_group | mother | Ibu | Mother | | |
| | text | name | Nama ibu | Mother's name | direct | |
| | text | nickname | Panggilan | Nickname | | |
| | integer | age | Umur | Age | quasi | |
| | end_group | | | | | |
| | select_one yes_no | massage | Pijat? | Massage? | none | |
| | select_one milk | observed | ASI | Milk | none | |
| | calculate | milk | | | none | string(${{observed}}) |
| | select_multiple sign | signs | Tanda | Signs | none | |
| | decimal | weight | Berat | Weight | none | |
| | geopoint | place | Tempat | Place | quasi | |
| | begin_repeat | infants | Bayi | Infants | | |
| | text | infant_name | Nama bayi | Infant's name | direct | |
| | decimal | infant_weight | Berat bayi | Infant's weight | none | |
| | begin_repeat | feeds | Menyusu | Feeds | | |
| | time | at | Jam | At | none | |
| | end_repeat | | | | | |
| | end_repeat | | | | | |
{more}
"""
MORE = """| | text | remark | Catatan | Remark | direct | |"""

STUDY = Study(
    name="example",
    title={"en": "Massage and milk"},
    form_id=FORM,
    roles=Roles(centre="centre", enumerator="enumerator", consent="consent"),
    consent_value="yes",
    include=None,
    variables={
        "massage": Variable("massage", "massage", ("no", "yes"), {}),
        "milk": Variable("milk", "milk", ("poor", "fair", "good"), {"en": "Milk production"}),
    },
    analyses=(Pair("massage", "milk"),),
    tables=("massage", "milk"),
)


def form(version: str = "1", *, more: str = "", change: Mapping[str, str] | None = None) -> FieldedForm:
    """Make a version of the form; `change` replaces texts of its XLSForm."""
    text = SURVEY.format(more=more) + CHOICES + SETTINGS.format(version=version)
    for old, new in (change or {}).items():
        assert old in text
        text = text.replace(old, new)
    return FieldedForm(_convert(text), {}, "project")


@cache
def _convert(text: str) -> bytes:
    return convert_markdown(text).xform


def payload(answers: str, *, instance: str, version: str = "1", deprecated: str | None = None) -> bytes:
    """Write a submission's XML around its answers."""
    old = f"<orx:deprecatedID>{deprecated}</orx:deprecatedID>" if deprecated else ""
    return (
        f'<?xml version=\'1.0\' ?><data id="{FORM}" version="{version}" xmlns:orx="http://openrosa.org/xforms">'
        f"{answers}<orx:meta><orx:instanceID>{instance}</orx:instanceID>{old}</orx:meta></data>"
    ).encode()


def submission(
    instance: str,
    answers: str | Mapping[str, str] = "",
    *,
    version: str = "1",
    deprecated: str | None = None,
    status: Status = Status.FINALISED,
    changed: int | None = None,
) -> Submission:
    """Make a version of a submission; `changed` is a minute of the day on which all happens."""
    if not isinstance(answers, str):
        answers = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in answers.items())
    at = datetime(2026, 11, 20, 8, changed, tzinfo=UTC) if changed is not None else None
    xml = payload(answers, instance=instance, version=version, deprecated=deprecated)
    return Submission(FORM, version, instance, deprecated, xml, status, "phones", at)


@dataclass
class Warehouse:
    """An open warehouse, and the steps up to staging in one call."""

    con: duckdb.DuckDBPyConnection
    folder: DataFolder
    run_id: str
    stood: Stood | None = None
    loaded: Loaded | None = None

    def take(self, *items: Submission | FieldedForm) -> Warehouse:
        """Land, resolve, read and stand."""
        raw.land(self.con, self.folder, items, self.run_id)
        return self.stand()

    def stand(self) -> Warehouse:
        """Resolve, read and stand what has landed."""
        questionnaires = self.questionnaires
        resolve(self.con, questionnaires)
        self.loaded = load_answers(self.con, questionnaires)
        stand_lists(self.con, questionnaires, entries(list(questionnaires.values())))
        self.stood = stand(self.con, questionnaires)
        return self

    def marts(self, study: Study | None = STUDY, include: str | None = None) -> Marts:
        """Make the marts."""
        build_interviews(self.con, study, include, self.questionnaires)
        return build_marts(self.con, study, self.questionnaires)

    @property
    def questionnaires(self) -> dict[tuple[str, str], Questionnaire]:
        """All form versions that have landed."""
        return load_questionnaires(self.con, parse, condition).questionnaires

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Answer a query."""
        return self.con.execute(query).fetchall()

    def error(self, submission_id: str, rule_id: str = "mother__age.constraint", severity: str = "error") -> None:
        """Open a finding."""
        if not self.rows(f"from quality.rules where rule_id = '{rule_id}'"):
            self.con.execute(
                """
                insert into quality.rules
                values (?, '1', ?, ?, 'constraint', 'mother/age', ?, map {'en': 'Age?'}, '', ?, false)
                """,
                [FORM, FORM, rule_id, severity, severity == "error"],
            )
        self.event(submission_id, rule_id, "opened")

    def event(self, submission_id: str, rule_id: str, event: str) -> None:
        """Write an event of a finding."""
        self.con.execute(
            """
            insert into quality.finding_events (finding_id, run_id, event, "at", form_id, submission_id, "row", rule_id)
            values (?, ?, ?, now(), ?, ?, '', ?)
            """,
            [
                sha256(f"{submission_id} {rule_id}".encode()).hexdigest()[:16],
                self.run_id,
                event,
                FORM,
                submission_id,
                rule_id,
            ],
        )


@cache
def _warehouse_of(xform: bytes) -> bytes:
    with TemporaryDirectory() as name, warehouse(Path(name)) as opened:
        opened.take(FieldedForm(xform, {}, "project"))
        opened.con.execute("checkpoint")
        return opened.folder.warehouse.read_bytes()


@contextmanager
def warehouse(root: Path, first: FieldedForm | None = None, lake: Lake | None = None) -> Iterator[Warehouse]:
    """Open a warehouse and begin a run in it; `first`, without media, has landed and stands there already."""
    folder = DataFolder(root, lake=lake)
    if first is not None and folder.lake is None:
        folder.make()
        folder.warehouse.write_bytes(_warehouse_of(first.xform))
    with open_warehouse(folder) as con:
        opened = Warehouse(con, folder, runs.begin(con, "cli"))
        if first is not None and folder.lake is not None:
            opened.take(first)
        yield opened


def contents(con: duckdb.DuckDBPyConnection, *, without: Iterable[str] = ("meta.runs",)) -> dict[str, str]:
    """Give a hash over the rows of every table, whatever their order."""
    hashes = {}
    for schema, table in con.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database() and not internal and not temporary"
    ).fetchall():
        if f"{schema}.{table}" not in without:
            found = con.execute(
                f'select count(*) || coalesce(bit_xor(hash(t)), 0)::varchar from "{schema}"."{table}" as t'
            ).fetchone()
            assert found is not None
            hashes[f"{schema}.{table}"] = found[0]
    return hashes
