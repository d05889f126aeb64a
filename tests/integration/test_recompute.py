"""Calculations and relevance computed anew are what the phone's engine stores when it opens and finalises the record.

A record is finalised by the engine; some of its answers are then changed in the text layer, as a correction does. The
engine opens and finalises the record with the changed answers; what is computed anew in SQL must be the same text in
every node.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from laktasi.questionnaire import xform, xlsform
from laktasi.questionnaire.compiler import compile_form
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.recompute import recompute_sql
from laktasi.store.payloads import layout_of, read_payloads
from tests.engine.engine import Form, Record
from tests.engine.preload import Meta
from tests.integration.awkward_form import CENTRES, CONSTRAINTS, POOLS, QUESTIONS, awkward_form
from tests.integration.test_engine_agreement import (
    XLSFORMS,
    Made,
    Maker,
    engine_path,
    mutations,
    sample_records,
    write_xml,
)
from tests.questionnaire_fixture import Row, fill, read, survey

Texts = dict[tuple[str, str], dict[str, str | None]]
"""The text layer of one record: by table and row, by column."""
DAY = "it depends on the day"
COLUMNS = " required | relevant | constraint | calculation | trigger | readonly | bind::type |"


class Twin:
    """A form in the engine and in DuckDB, with records that are changed in both."""

    def __init__(self, folder: Path, xform_bytes: bytes, media: Mapping[str, bytes]) -> None:
        for name, content in media.items():
            (folder / name).write_bytes(content)
        (folder / "form.xml").write_bytes(xform_bytes)
        self.form = Form.load(folder / "form.xml", folder)
        self.questionnaire = xform.parse(xform_bytes, media)
        self.layout = layout_of(self.questionnaire)
        self.today = self._day()
        self.changed: dict[str, Texts] = {}
        self.wanted: dict[str, Texts] = {}

    def _day(self) -> str:
        # The engine's today() cannot be fixed, so records are made today.
        first = self.questionnaire.tables[0].name
        return str(self.form.open(write_xml(self.questionnaire, Made({(first, ""): {}}))).evaluate("string(today())"))

    @property
    def meta(self) -> Meta:
        at = f"{self.today}T08:00:00.000+08:00"
        return Meta(at, at, self.today)

    def finalised(self, made: Made) -> Texts:
        """Let the engine open and finalise a record."""
        return self.texts(self.form.finalise_again(write_xml(self.questionnaire, made), meta=self.meta))

    def texts(self, xml: bytes) -> Texts:
        """Read a submission as the warehouse does."""
        rows = read_payloads(self.layout, [("", xml)]).tables
        found: Texts = {}
        for table, lines in zip(self.layout.tables, rows, strict=True):
            for line in lines:
                named = dict(zip(table.columns, line, strict=True))
                found[table.name, named["_row"] or ""] = {
                    name: text for name, text in named.items() if not name.startswith("_")
                }
        return found

    def add(self, before: Made, after: Made) -> None:
        """Take a record with the same rows before and after its answers are changed."""
        stored = self.finalised(before)
        wanted = self.finalised(after)
        record = Record(self.form)
        text: Texts = {}
        tables = {table.name: table for table in self.questionnaire.tables}
        for (table, row), answers in after.rows.items():
            held = stored.get((table, row), {})
            line: dict[str, str | None] = {}
            for item in self.questionnaire.fields_of(table):
                path = engine_path(item, tables[table], row, tables)
                if item.column in answers:
                    line[item.column] = answers[item.column] or None
                    # What is no answer of its type stays as it is: the phone would lose it.
                    new = wanted.setdefault((table, row), {})
                    new[item.column] = line[item.column] if record.is_relevant(path) else None
                else:
                    line[item.column] = held.get(item.column)
            text[table, row] = line
        self.changed[str(len(self.changed))] = text
        self.wanted[str(len(self.wanted))] = wanted

    def differences(self) -> tuple[list[str], int, int]:
        """Give a line for each node that differs, how many were compared, and how many had to change."""
        lines: list[str] = []
        compared = moved = 0
        with duckdb.connect() as con:
            rows = {
                table.name: [
                    {"_submission_id": record, "_row": row, **line}
                    for record, texts in self.changed.items()
                    for (name, row), line in texts.items()
                    if name == table.name
                ]
                for table in self.questionnaire.tables
            }
            fill(con, self.questionnaire, rows)
            con.execute(
                f"create table wanted as select distinct _submission_id from answers.{self.layout.tables[0].name}"
            )
            for table in self.questionnaire.tables:
                made = recompute_sql(self.questionnaire, table.name, "wanted")
                calculations = {item.column: item.calculate for item in self.questionnaire.fields_of(table.name)}
                assert made.select is not None
                result = con.execute(made.select)
                assert [column[0] for column in result.description] == ["_submission_id", "_row", *made.columns]
                for record, row, *texts in result.fetchall():
                    for column, text in zip(made.columns, texts, strict=True):
                        if not dict(made.left).get(column, DAY).startswith(DAY):
                            continue
                        wanted = self.wanted[record].get((table.name, row), {}).get(column)
                        compared += 1
                        moved += wanted != self.changed[record][table.name, row][column]
                        if not same(text, wanted):
                            lines.append(f"{record} {row} {column} {calculations[column]!r}: {text!r}, not {wanted!r}")
            lines += settled(con, self.questionnaire)
        return lines, compared, moved


def apply(con: duckdb.DuckDBPyConnection, questionnaire: Questionnaire, only: str) -> None:
    """Put what is computed anew into the text layer: first all of it is read, then it is written."""
    made = {table.name: recompute_sql(questionnaire, table.name, only) for table in questionnaire.tables}
    for name, renewed in made.items():
        con.execute(f'create or replace temp table "new {name}" as {renewed.select}')
    for name, renewed in made.items():
        columns = ", ".join(f'"{column}" = n."{column}"' for column in renewed.columns)
        con.execute(
            f'update answers."{name}" as t set {columns} from "new {name}" as n '
            "where t._submission_id = n._submission_id and t._row = n._row"
        )


def settled(con: duckdb.DuckDBPyConnection, questionnaire: Questionnaire) -> list[str]:
    """Apply it, and give the rules about relevance and calculations that are broken all the same."""
    apply(con, questionnaire, "wanted")
    compiled = compile_form(questionnaire)
    broken = []
    for table in questionnaire.tables:
        rules = {rule.column: rule for rule in compiled.rules if rule.kind in ("relevant", "calculation")}
        result = con.execute(compiled.checks_sql(table.name))
        names = [column[0] for column in result.description]
        for line in result.fetchall():
            broken += [
                f"{line[:2]} {rules[name].rule_id} {rules[name].expression!r}"
                for name, good in zip(names, line, strict=True)
                if name in rules and not good
            ]
    return broken


def same(one: str | None, other: str | None) -> bool:
    """Tell whether two texts are the same, the last digits of a broken number aside."""
    if one is None or other is None or not re.fullmatch(r"-?\d+\.\d{6,}(E-?\d+)?", other):
        return one == other
    return abs(float(one) - float(other)) <= 1e-9 * abs(float(other))


@pytest.mark.slow
def test_awkward_expressions(tmp_path: Path) -> None:
    converted = xlsform.convert_markdown(awkward_form(), {"centres.csv": CENTRES.encode()})
    twin = Twin(tmp_path, converted.xform, converted.media)
    kinds = {**QUESTIONS, "gated": "integer", "kid/w": "decimal", "kid/k": "text", "kid/toy/price": "integer"}
    kinds |= {f"k{at}": kind for at, (kind, _) in enumerate(CONSTRAINTS)}
    pools = {name: POOLS[kind] for name, kind in kinds.items()}
    maker = Maker(twin.questionnaire, pools, seed=20261122)
    paths = {(item.table, item.column): item.path for item in twin.questionnaire.fields}
    for number in range(40):
        rng = random.Random(number)
        before = maker.record(twin.today)
        after = copy.deepcopy(before)
        for (table, _), answers in after.rows.items():
            known = [column for column in answers if paths[table, column] in pools]
            for column in rng.sample(known, min(len(known), 3)):
                answers[column] = rng.choice(pools[paths[table, column]])
        twin.add(before, after)
    lines, compared, moved = twin.differences()
    assert lines == []
    assert compared > 8000
    assert moved > 1000


@pytest.mark.slow
def test_the_questionnaire_of_the_study(tmp_path: Path) -> None:
    converted = xlsform.convert(XLSFORMS / "postpartum_visit.xlsx")
    twin = Twin(tmp_path, converted.xform, converted.media)
    rng = random.Random(20261122)
    form = twin.questionnaire.tables[0].name
    askable = [item for item in twin.questionnaire.fields if item.is_question and not item.readonly]
    calculated = {item.column for item in twin.questionnaire.fields if item.calculate is not None}
    for xml in sample_records(twin.questionnaire.version, rng, 60):
        texts = twin.texts(xml)[form, ""]
        answers = {column: text or "" for column, text in texts.items() if column not in calculated}
        answers |= {"start": twin.meta.start, "end": twin.meta.end, "today": twin.today}
        before, after = Made({(form, ""): answers}), Made({(form, ""): dict(answers)})
        for item in rng.sample(askable, 3):
            after.rows[form, ""][item.column] = rng.choice(mutations(twin.questionnaire, item, twin.today))
        twin.add(before, after)
    lines, compared, moved = twin.differences()
    assert lines == []
    assert compared > 2000
    assert moved > 100
    assert recompute_sql(twin.questionnaire, form, "wanted").left == ()


# Kinds of node that the awkward form has not: what the phone stores of them, and what cannot be repeated.
STORED = (
    ("dateTime", "if(${n} > 1, ${dt}, '2024-04-01')"),
    ("date", "if(${n} > 1, ${d}, '2024-04-01')"),
    ("date", "${n}"),
    ("string", "${n} * 1000000007"),
    ("decimal", "${n} * 4000000000.5"),
    ("int", "${n} * 4000000000.5"),
    ("string", "concat(' ', ${t}, ' ')"),
    ("boolean", "${n} - 2"),
    ("string", "date(${d} + 1)"),
    ("string", "int((today() - ${d}) div 365.25)"),
    ("string", "if(${v9} > 1, 'old', 'new')"),
    ("string", "concat(${v10}, '/', ${v9} * 2)"),
    ("string", "${v9} > 1"),
    ("string", "${n} * 99999999999 * 999999999"),
)


def stored_form() -> str:
    rows = [
        "start | start | |",
        "end | end | |",
        "today | today | |",
        "integer | n | n |",
        "text | t | t |",
        "date | d | d |",
        "dateTime | dt | dt |",
        *(f"calculate | v{at} | | | | | {said} | | | {kind}" for at, (kind, said) in enumerate(STORED)),
        "note | shown | Of ${n} | | ${v9} > 1 | | concat('n', ${n}) | | |",
        "begin_group | grown | Grown | | ${v9} >= 2",
        "text | job | Job |",
        "calculate | both | | | | | concat(${v9}, ${n})",
        "end_group | |",
    ]
    return survey(*rows, columns=COLUMNS)


def test_what_the_phone_stores_of_each_type(tmp_path: Path) -> None:
    converted = xlsform.convert_markdown(stored_form())
    twin = Twin(tmp_path, converted.xform, converted.media)
    pools = {name: POOLS[name_of] for name, name_of in (("n", "integer"), ("t", "text"), ("d", "date"))}
    pools |= {"dt": POOLS["dateTime"], "grown/job": ("x",)}
    maker = Maker(twin.questionnaire, pools, seed=3)
    for _ in range(40):
        before, after = maker.record(twin.today), maker.record(twin.today)
        twin.add(before, after)
    lines, compared, moved = twin.differences()
    assert lines == []
    assert compared > 500
    assert moved > 200


def renewed(questionnaire: Questionnaire, rows: Mapping[str, list[Row]]) -> dict[tuple[str, str, str], dict[str, str]]:
    """Apply it to the submissions `one` and `two`, and give all that is not empty, by table, submission and row."""
    found = {}
    with duckdb.connect() as con:
        fill(con, questionnaire, rows)
        con.execute("create table wanted as select unnest(['one', 'two']) as _submission_id")
        apply(con, questionnaire, "wanted")
        for table in questionnaire.tables:
            result = con.execute(f'select * from answers."{table.name}"')
            names = [column[0] for column in result.description]
            for line in result.fetchall():
                named = dict(zip(names, line, strict=True))
                found[table.name, named["_submission_id"], named["_row"]] = {
                    name: text for name, text in named.items() if text is not None and not name.startswith("_")
                }
    return found


def test_what_cannot_be_repeated_stays() -> None:
    form = read(
        survey(
            "integer | n | n |",
            "calculate | luck | | | | | once(random() + ${n})",
            "calculate | moment | | | | | now()",
            "calculate | counted | | | | | ${n} + 1 | ${n}",
            "integer | offered | Offered | | | | ${n} * 2",
            "calculate | after | | | | | ${offered} + ${luck}",
            "calculate | strange | | | ${n} > 1 | | pulldata('x', 'a', 'b', ${n})",
            "text | hidden | h | | random() > ${n}",
            "calculate | sure | | | | | ${n} * 3",
            columns=COLUMNS,
        )
    )
    made = recompute_sql(form, "small", "wanted")
    assert made.columns == ("after", "strange", "sure")
    left = dict(made.left)
    assert sorted(left) == ["counted", "hidden", "luck", "moment", "offered", "strange"]
    assert left["counted"] == "it is computed only when another answer changes"
    assert left["offered"] == "the interviewer may overwrite it"
    assert left["hidden"].startswith("whether it is relevant cannot be told")
    stored = {
        "n": "2", "luck": "0.5", "moment": "2020-01-01T00:00:00.000+08:00", "counted": "9", "offered": "8",
        "after": "1", "strange": "s", "hidden": "h", "sure": "1",
    }  # fmt: skip
    found = renewed(
        form, {"small": [{"_submission_id": "one", **stored}, {"_submission_id": "two", **stored, "n": "1"}]}
    )
    assert found["small", "one", ""] == {**stored, "after": "8.5", "sure": "6"}
    # what cannot be computed is still not there where it is not relevant
    del stored["strange"]
    assert found["small", "two", ""] == {**stored, "n": "1", "after": "8.5", "sure": "3"}


def test_the_day_is_that_of_the_interview() -> None:
    form = read(
        survey(
            "start | start | |",
            "end | end | |",
            "date | born | Born |",
            "calculate | age | | | | | int((today() - ${born}) div 365.25)",
            "text | job | Job | | ${age} > 17",
            "text | new | New | | today() > '2020-01-01'",
            "begin_repeat | kid | Kid |",
            "text | name | Name | | ${age} > 17",
            "calculate | twice | | | | | ${age} * 2",
            "end_repeat | |",
            columns=COLUMNS,
        )
    )
    made = recompute_sql(form, "small", "wanted")
    assert made.columns == ("age", "job", "new")
    assert [column for column, _ in made.left] == ["age", "new"]
    answers: Row = {"born": "2000-01-01", "age": "9", "job": "j", "new": "n"}
    same_day: Row = {"start": "2019-06-01T08:00:00.000+08:00", "end": "2019-06-01T09:00:00.000+08:00"}
    midnight: Row = {"start": "2019-06-01T23:00:00.000+08:00", "end": "2019-06-02T01:00:00.000+08:00"}
    kids: list[Row] = [
        {"_submission_id": record, "_row": "1", "name": "k", "twice": "0"} for record in ("one", "two", "three")
    ]
    rows: list[Row] = [
        {"_submission_id": "one", **answers, **same_day},
        {"_submission_id": "two", **answers, **midnight},
        {"_submission_id": "three", **answers, **same_day},
    ]
    found = renewed(form, {"small": rows, "small__kid": kids})
    assert found["small", "one", ""] == {"born": "2000-01-01", "age": "19", "job": "j", **same_day}
    assert found["small__kid", "one", "1"] == {"name": "k", "twice": "38"}
    # over midnight the age and what is asked by the day alone stay, and what hangs on the age follows it
    assert found["small", "two", ""] == {"born": "2000-01-01", "age": "9", "new": "n", **midnight}
    assert found["small__kid", "two", "1"] == {"twice": "18"}
    # a submission that is not named stays as it is
    assert found["small", "three", ""] == {**answers, **same_day}
    assert found["small__kid", "three", "1"] == {"name": "k", "twice": "0"}


def test_nothing_can_change() -> None:
    form = read(survey("integer | n | n |", "text | t | t | yes | | . != 'x'", columns=COLUMNS))
    assert recompute_sql(form, "small", "wanted").select is None


def test_a_moment_is_written_with_the_offset_of_the_phone() -> None:
    form = read(survey("end | end | |", "integer | n | n |", "calculate | day | | | | | date(${n})", columns=COLUMNS))
    stored: Row = {"n": "19000", "day": "as it was"}
    rows: list[Row] = [
        {"_submission_id": "one", **stored, "end": "2026-06-01T09:00:00.000-03:30"},
        {"_submission_id": "two", **stored},
    ]
    found = renewed(form, {"small": rows})
    assert found["small", "one", ""]["day"] == "2022-01-08T00:00:00.000-03:30"
    # where the record does not say, what is stored is better than nothing
    assert found["small", "two", ""]["day"] == "as it was"


def test_a_moment_without_a_place_in_time_stays() -> None:
    form = read(survey("dateTime | at | At |", "calculate | copy | | | | | ${at} | | | dateTime", columns=COLUMNS))
    made = recompute_sql(form, "small", "wanted")
    assert made.columns == ()
    assert made.left == (("copy", "the form keeps no time of its interviews (no start, end or today)"),)
