"""Compiled rules and the phone's own engine give the same answer, for awkward expressions and awkward records.

Records are made without the engine: every node may hold anything, whether it is relevant or not. Each is opened in the
engine, which computes relevance and calculations anew; then both are asked the same questions about every node.
"""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb
import pytest

from laktasi.questionnaire import xform, xlsform
from laktasi.questionnaire.compiler import CompiledForm, Rule, compile_form
from laktasi.questionnaire.model import Field, Questionnaire, Table, ValueType
from tests.engine import sample
from tests.engine.engine import Form, Record
from tests.integration.awkward_form import CENTRES, CONSTRAINTS, POOLS, QUESTIONS, awkward_form
from tests.questionnaire_fixture import Row, fill

XLSFORMS = Path(__file__).parents[2] / "xlsforms"


@dataclass(slots=True)
class Made:
    """A record as it is made: values by table and row, and by column."""

    rows: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)


class Maker:
    """Makes records of a form with a seeded generator."""

    def __init__(self, questionnaire: Questionnaire, pools: Mapping[str, tuple[str, ...]], seed: int) -> None:
        self.questionnaire = questionnaire
        self.pools = pools
        self.random = random.Random(seed)
        self.children = {
            table.name: [item for item in questionnaire.tables if item.parent == table.name]
            for table in questionnaire.tables
        }

    def record(self, today: str) -> Made:
        made = Made()
        self._fill(made, self.questionnaire.tables[0], "", today)
        return made

    def _fill(self, made: Made, table: Table, row: str, today: str) -> None:
        values = {}
        for item in self.questionnaire.fields_of(table.name):
            if item.preload in ("start", "end"):
                values[item.column] = f"{today}T08:00:00.000+08:00"
            elif item.preload == "today":
                values[item.column] = today
            elif item.calculate is None and item.is_question:
                pool = self.pools[item.path] if item.path in self.pools else self._offered(item)
                values[item.column] = self.random.choice(pool)
        made.rows[table.name, row] = values
        for child in self.children[table.name]:
            for number in range(1, self.random.choice((1, 1, 2, 3)) + 1):
                self._fill(made, child, f"{row}.{number}" if row else str(number), today)

    def _offered(self, item: Field) -> tuple[str, ...]:
        listed = self.questionnaire.choice_lists.get(item.list_name or "")
        return ("", *(choice.value for choice in listed.choices), "nowhere") if listed else ("", "x")


def write_xml(questionnaire: Questionnaire, made: Made) -> bytes:
    """Write a record as a submission."""
    column_of = {item.path: (item.table, item.column) for item in questionnaire.fields}
    table_of = {table.path: table.name for table in questionnaire.tables if table.path}
    inside: dict[str, list[str]] = {}
    for place in dict.fromkeys([*(group.path for group in questionnaire.groups), *column_of]):
        inside.setdefault(place.rpartition("/")[0], []).append(place)

    def content(place: str, row: str) -> str:
        return "".join(node(child, row) for child in inside.get(place, ()))

    def node(place: str, row: str) -> str:
        name = place.rpartition("/")[2]
        if place in table_of:
            rows = [key for table, key in made.rows if table == table_of[place] and key.rpartition(".")[0] == row]
            return "".join(f"<{name}>{content(place, key)}</{name}>" for key in rows)
        if place in column_of:
            table, column = column_of[place]
            return f"<{name}>{escape(made.rows[table, row].get(column, ''))}</{name}>"
        return f"<{name}>{content(place, row)}</{name}>"

    root = (
        f'<data xmlns="http://www.w3.org/2002/xforms" id="{questionnaire.form_id}" version="{questionnaire.version}">'
    )
    return f"{root}{content('', '')}</data>".encode()


def engine_path(item: Field, table: Table, row: str, tables: Mapping[str, Table]) -> str:
    """Give the engine's path of a field in one row: ``kid[2]/toy[1]/price``."""
    numbers = row.split(".") if row else []
    repeats: list[str] = []
    around: Table | None = table
    while around is not None and around.path:
        repeats.insert(0, around.path)
        around = tables[around.parent] if around.parent else None
    parts = item.path.split("/")
    for repeat, number in zip(repeats, numbers, strict=True):
        at = len(repeat.split("/")) - 1
        parts[at] = f"{parts[at]}[{number}]"
    return "/".join(parts)


class Bench:
    """A form in the engine and in DuckDB, side by side."""

    def __init__(self, form: Form, questionnaire: Questionnaire) -> None:
        self.form = form
        self.questionnaire = questionnaire
        self.tables = {table.name: table for table in questionnaire.tables}
        self.by_column = {(item.table, item.column): item for item in questionnaire.fields}
        self.compiled: CompiledForm = compile_form(questionnaire)
        self.expected: dict[tuple[str, str, str, str], bool] = {}
        self.answers: dict[str, list[Row]] = {table.name: [] for table in questionnaire.tables}

    def add(self, number: int, made: Made, corrupt: random.Random) -> None:
        """Ask the engine everything about a record, and keep it for DuckDB."""
        record = self.form.open(write_xml(self.questionnaire, made))
        submission = f"uuid:{number}"
        for (name, row), values in made.rows.items():
            table = self.tables[name]
            paths = {}
            for item in self.questionnaire.fields_of(name):
                paths[item.column] = engine_path(item, table, row, self.tables)
                if item.calculate is not None:
                    given = record.value(paths[item.column]) if record.is_relevant(paths[item.column]) else ""
                    values[item.column] = corrupt.choice(("", "7", f"{given}9")) if corrupt.random() < 0.1 else given
            stored = {column: text or None for column, text in values.items()}
            self.answers[name].append({"_submission_id": submission, "_row": row, **stored})
            for rule in self.compiled.rules:
                if rule.table == name and rule.field is not None:
                    item = self.by_column[name, rule.field]
                    good = _engine_says(record, rule, item, paths[rule.field], values.get(rule.field) or "")
                    if good is not None:
                        self.expected[submission, name, row, rule.column] = good

    def judged(self) -> dict[tuple[str, str, str, str], bool]:
        """Ask DuckDB."""
        found = {}
        with duckdb.connect() as con:
            fill(con, self.questionnaire, self.answers)
            for table in self.questionnaire.tables:
                result = con.execute(self.compiled.checks_sql(table.name))
                names = [column[0] for column in result.description]
                for line in result.fetchall():
                    for name, value in zip(names[2:], line[2:], strict=True):
                        found[line[0], table.name, line[1], name] = value
        return found


def _engine_says(record: Record, rule: Rule, item: Field, path: str, value: str) -> bool | None:
    """Say whether the row is good by the engine's answers; None where the engine is not asked."""
    relevant = record.is_relevant(path)
    held = record.value(path)
    if rule.kind == "relevant":
        return not value or relevant
    if rule.kind == "required":
        return bool(value) or not (relevant and record.is_required(path))
    if rule.kind == "constraint":
        return not (value and held and relevant) or record.constraint_holds(path)
    if rule.kind == "choice":
        return set(value.split()) <= set(record.choices(path))
    if rule.kind == "calculation":
        return not relevant or _same(value, held, item)
    return None


def _same(stored: str, computed: str, item: Field) -> bool:
    if item.type in (ValueType.INTEGER, ValueType.DECIMAL) or re.fullmatch(r"-?[\d.]+(E-?\d+)?", computed):
        try:
            one, other = float(stored), float(computed)
        except ValueError:
            return stored == computed
        return one == other or abs(one - other) <= 1e-9 * max(abs(other), 1e-3)
    return stored.strip() == computed.strip()


def disagreements(bench: Bench) -> Iterator[str]:
    """Give one line for each rule of which the two say different things."""
    judged = bench.judged()
    rules = {(rule.table, rule.column): rule for rule in bench.compiled.rules}
    for key, good in bench.expected.items():
        if judged[key] is not good:
            submission, table, row, column = key
            rule = rules[table, column]
            yield f"{submission} {row} {rule.rule_id} {rule.expression!r}: engine {good}, SQL {judged[key]}"


def load(folder: Path, xform_bytes: bytes, media: dict[str, bytes]) -> Bench:
    """Give a form to the engine and to the compiler."""
    for name, content in media.items():
        (folder / name).write_bytes(content)
    (folder / "form.xml").write_bytes(xform_bytes)
    return Bench(Form.load(folder / "form.xml", folder), xform.parse(xform_bytes, media))


def todays(bench: Bench, xml: bytes) -> str:
    """Ask the engine what day it is: its today() cannot be fixed, so records are made today."""
    return str(bench.form.open(xml).evaluate("string(today())"))


@pytest.mark.slow
def test_awkward_expressions(tmp_path: Path) -> None:
    converted = xlsform.convert_markdown(awkward_form(), {"centres.csv": CENTRES.encode()})
    bench = load(tmp_path, converted.xform, converted.media)
    kinds = {**QUESTIONS, "gated": "integer", "kid/w": "decimal", "kid/k": "text", "kid/toy/price": "integer"}
    kinds |= {f"k{at}": kind for at, (kind, _) in enumerate(CONSTRAINTS)}
    maker = Maker(bench.questionnaire, {name: POOLS[kind] for name, kind in kinds.items()}, seed=20261121)
    today = todays(bench, write_xml(bench.questionnaire, Made({("awkward", ""): {}})))
    for number in range(60):
        bench.add(number, maker.record(today), random.Random(number))
    assert [item.expression for item in bench.compiled.unverified] == ["once( ../w )"]
    assert list(disagreements(bench)) == []
    assert len(bench.expected) > 20_000
    # both answers are given many times, or the agreement would say little
    assert sum(bench.expected.values()) < 0.97 * len(bench.expected)


@pytest.mark.slow
def test_the_questionnaire_of_the_study(tmp_path: Path) -> None:
    converted = xlsform.convert(XLSFORMS / "postpartum_visit.xlsx")
    bench = load(tmp_path, converted.xform, converted.media)
    assert bench.compiled.unverified == ()
    assert [table.path for table in bench.questionnaire.tables] == [""]
    rng = random.Random(20261121)
    records = list(sample_records(bench.questionnaire.version, rng, 80))
    today = todays(bench, records[0])
    columns = {item.path: item.column for item in bench.questionnaire.fields}
    askable = [item for item in bench.questionnaire.fields if item.is_question and not item.readonly]
    for number, xml in enumerate(records):
        leaves = {path: text for path, text in _leaves(ET.fromstring(xml), "") if path in columns}
        values = {columns[path]: text for path, text in leaves.items()}
        values |= {"start": f"{today}T08:00:00.000+08:00", "end": f"{today}T08:30:00.000+08:00", "today": today}
        for item in rng.sample(askable, rng.choice((0, 1, 2, 4))):
            values[item.column] = rng.choice(mutations(bench.questionnaire, item, today))
        made = Made({(bench.questionnaire.tables[0].name, ""): values})
        bench.add(number, made, random.Random(number))
    assert list(disagreements(bench)) == []
    assert len(bench.expected) > 10_000
    assert sum(not good for good in bench.expected.values()) > 200


def sample_records(version: str, rng: random.Random, count: int) -> Iterator[bytes]:
    """Take submissions of one form version from the shipped sample."""
    with zipfile.ZipFile(sample.ARCHIVE) as archive:
        names = sorted(name for name in archive.namelist() if "/instances/" in name and name.endswith(".xml"))
        rng.shuffle(names)
        for name in names:
            xml = archive.read(name)
            if f'version="{version}"'.encode() in xml and xml.rstrip().endswith(b"</data>"):
                yield xml
                count -= 1
            if count == 0:
                return


def mutations(questionnaire: Questionnaire, item: Field, today: str) -> tuple[str, ...]:
    """Give other answers to a question, right ones and wrong ones."""
    listed = questionnaire.choice_lists.get(item.list_name or "")
    if listed is not None:
        return ("", "nowhere", *(choice.value for choice in listed.choices[:12]))
    if item.type in (ValueType.INTEGER, ValueType.DECIMAL):
        return ("", "0", "1", "2", "7", "15", "42", "60", "2500", "-1", "99999", "x")
    if item.type is ValueType.DATE:
        return ("", today, "2026-10-01", "2026-09-20", "2024-02-29", "2031-01-01", "soon")
    return ("", "A", "080000000001", "12345", "Mopuya", "x y")


def _leaves(element: ET.Element, path: str) -> Iterator[tuple[str, str]]:
    for child in element:
        place = f"{path}/{child.tag.rpartition('}')[2]}".strip("/")
        if len(child):
            yield from _leaves(child, place)
        else:
            yield place, (child.text or "")
