"""`laktasi check`: every planted error is found in every kind of file, none is invented; what is not asked is said."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from click.testing import CliRunner, Result

from laktasi.anyfile.checkup import Checkup, check_file
from laktasi.cli import main
from laktasi.errors import CheckError
from laktasi.questionnaire.xlsform import convert_markdown

pytestmark = pytest.mark.slow

FORM = """
| survey |
| | type | name | label::English (en)|required|relevant|constraint|calculation|choice_filter|bind::type|bind::p:privacy|
| | start | start | | | | | | | | |
| | end | end | | | | | | | | |
| | today | today | | | | | | | | |
| | text | enumerator | Who asks? | yes | | | | | | none |
| | text | code | Code | yes | | | | | | |
| | begin_group | mother | Mother | | | | | | | |
| | integer | age | Age | yes | | . >= 10 and . <= 60 | | | | |
| | date | born | Born | | | . <= today() | | | | |
| | text | job | Job | | ${age} > 17 | | | | | |
| | calculate | double | | | | | ${age} * 2 | | | |
| | calculate | adult | | | | | ${age} > 17 | | | |
| | calculate | years | | | | | int((today() - ${born}) div 365.25) | | | |
| | end_group | | | | | | | | | |
| | select_one yn | milk | Milk? | yes | | | | | | |
| | select_one region | region | Region | yes | | | | | | |
| | select_one town | town | Town | | | | | region = ${region} | | |
| | select_multiple harm | harm | Harm? | | ${milk} = '1' | | | | | |
| | decimal | weight | Weight | | | . < 20 | | | | |
| | decimal | later | Weight later | | | | | | | |
| | note | thanks | Thanks | | | | | | | |
| | begin_repeat | visit | Visit | | | | | | | |
| | integer | number | Number | yes | | | | | | |
| | end_repeat | | | | | | | | | |
| | calculate | visits | | | | | count(${visit}) | | | |
| choices |
| | list_name | name | label::English (en) | region |
| | yn | 1 | Yes | |
| | yn | 0 | No | |
| | region | north | North | |
| | region | south | South | |
| | town | mopolo | Mopolo | north |
| | town | langagon | Langagon | south |
| | harm | pain | It hurts | |
| | harm | bruise | A bruise | |
| settings |
| | form_id | version | default_language | namespaces |
| | visits | 7 | English (en) | p="urn:laktasi:privacy" |
"""
CHECKS = """
checks:
  - {id: code_once, kind: unique, questions: [code], severity: error, message: {id: Ganda., en: Twice.}}
  - {id: known_code, kind: listed, question: code, list: codes.csv, severity: error,
     message: {id: Asing., en: Strange.}}
  - {id: young_and_light, kind: row, expression: "${age} > 14 or ${weight} < 5", severity: warning,
     message: {id: Aneh., en: Odd.}}
  - {id: heavy, kind: range, question: weight, max: 5.5, severity: warning, message: {id: Berat., en: Heavy.}}
  - {id: grows, kind: in_order, questions: [weight, later], severity: error, message: {id: Susut., en: Shrinks.}}
  - {id: town_answered, kind: answered, questions: [town], severity: warning, message: {id: Kosong., en: Empty.}}
  - {id: far_out, kind: outlier, question: later, severity: warning, message: {id: Jauh., en: Far.}}
  - {id: milk_rate, kind: value_rate, question: milk, values: ["0"], by: enumerator, at_most: 0.4, at_least_rows: 5,
     severity: warning, message: {id: Selalu., en: Always no.}}
  - {id: too_fast, kind: duration, form: visits, at_least: 5, severity: warning, message: {id: Cepat., en: Fast.}}
"""
RECORDS = 60
DAY = dt.date(2026, 10, 5)

Record = dict[str, Any]
Wanted = set[tuple[str, str]]

PLANTED: tuple[tuple[str, Mapping[str, Any], tuple[str, ...]], ...] = (
    ("type", {"mother/age": 27.5, "mother/double": None, "mother/job": None, "mother/adult": 0}, ("mother__age.type",)),
    ("required", {"mother/age": None, "mother/double": None, "mother/job": None, "mother/adult": 0},
     ("mother__age.required",)),
    ("required, empty text", {"enumerator": ""}, ("enumerator.required",)),
    ("relevant", {"mother/age": 16, "mother/double": 32, "mother/adult": 0}, ("mother__job.relevant",)),
    ("constraint", {"mother/age": 61, "mother/double": 122}, ("mother__age.constraint",)),
    ("constraint of the day", {"mother/born": dt.date(2026, 10, 6), "mother/years": 0}, ("mother__born.constraint",)),
    ("choice", {"milk": 7, "harm": None}, ("milk.choice",)),
    ("choice filter", {"town": "langagon"}, ("town.choice",)),
    ("calculation", {"mother/double": 51}, ("mother__double.calculation",)),
    ("calculation, a condition", {"mother/adult": 0}, ("mother__adult.calculation",)),
    ("calculation of the day", {"mother/years": 27}, ("mother__years.calculation",)),
    ("unique", {"code": "007"}, ("code_once",)),
    ("listed", {"code": "999"}, ("known_code",)),
    ("row", {"mother/age": 13, "mother/double": 26, "mother/adult": 0, "mother/job": None, "weight": 5.25,
             "later": 5.75}, ("young_and_light",)),
    ("range", {"weight": 5.75, "later": 6.0}, ("heavy",)),
    ("in order", {"weight": 5.5, "later": 5.25}, ("grows",)),
    ("answered", {"town": None}, ("town_answered",)),
    ("outlier", {"later": 19.0}, ("far_out",)),
    ("duration", {"end": dt.datetime(2026, 10, 5, 8, 1)}, ("too_fast",)),
)  # fmt: skip
"""Kind of error, what is planted, and the rules that must find it in that record: nothing else may."""
RATE = ("enumerator:e9", "milk_rate")
"""Enumerator e9 never sees milk."""


def record(number: int) -> Record:
    """Make a record that breaks nothing."""
    age = 20 + number % 30
    return {
        "KEY": f"uuid:{number}",
        "start": dt.datetime(2026, 10, 5, 8),
        "end": dt.datetime(2026, 10, 5, 8, 30),
        "today": DAY,
        "enumerator": f"e{number % 3}",
        "code": f"{number:03d}",
        "mother/age": age,
        "mother/born": dt.date(2000, 1, 1),
        "mother/job": "works",
        "mother/double": age * 2,
        "mother/adult": 1,
        "mother/years": 26,
        "milk": 1,
        "region": "north",
        "town": "mopolo",
        "harm": ("pain", "pain bruise", "bruise", None)[number % 4],
        "weight": 3 + number % 7 * 0.25,
        "later": 5 + number % 5 * 0.25,
        "visits": 3,
    }


def records() -> tuple[list[Record], Wanted]:
    """Make all records, and say what must be found."""
    made = [record(number) for number in range(RECORDS)]
    wanted: Wanted = set()
    for at, (_, planted, rules) in enumerate(PLANTED):
        number = 20 + at
        made[number] |= planted
        wanted |= {(f"uuid:{number}", rule) for rule in rules}
    wanted.add(("uuid:7", "code_once"))  # the other one with this code
    for number in range(50, RECORDS):
        made[number] |= {"enumerator": "e9", "milk": 0, "harm": None}
    wanted.add(RATE)
    return made, wanted


def flags(made: list[Record], sign: str) -> list[Record]:
    """Write the choice of several as one column for each choice."""
    return [
        {key: value for key, value in item.items() if key != "harm"}
        | {
            f"harm{sign}{choice}": None if item["milk"] == 0 else int(choice in (item["harm"] or ""))
            for choice in ("bruise", "pain")
        }
        for item in made
    ]


def write_csv(made: list[Record], path: Path) -> None:
    """Write as Central does, and with numbers as pandas breaks them where a column has a gap."""
    rows = [{key.replace("/", "-"): value for key, value in item.items()} for item in flags(made, "/")]
    for row in rows:
        row |= {name: f"{row[name]:%Y-%m-%dT%H:%M:%S.000+08:00}" for name in ("start", "end")}
        row["mother-age"] = row["mother-age"] if row["mother-age"] is None else float(row["mother-age"])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(made: list[Record], path: Path) -> None:
    """Write as Kobo names it, with types of its own."""
    plain = [{**item, "mother/adult": bool(item["mother/adult"])} for item in made]
    columns = {name: [item[name] for item in plain] for name in plain[0]}
    kinds = {"start": pa.timestamp("ms", "Asia/Makassar"), "end": pa.timestamp("ms", "Asia/Makassar")}
    for name in kinds:
        columns[name] = [at.replace(tzinfo=dt.timezone(dt.timedelta(hours=8))) for at in columns[name]]
    columns["harm"] = [words.split() if words else None for words in columns["harm"]]
    pq.write_table(pa.table({name: pa.array(values, kinds.get(name)) for name, values in columns.items()}), path)


def _frame(made: list[Record]) -> pd.DataFrame:
    rows = [{key.replace("/", "_"): value for key, value in item.items()} for item in made]
    return pd.DataFrame(rows).astype({"start": "datetime64[ms]", "end": "datetime64[ms]"})


def write_sav(made: list[Record], path: Path) -> None:
    """Write with labels, codes for the regions, and a user-missing value in place of a gap."""
    rows = [{**item, "region": 1.0 if item["region"] == "north" else 2.0} for item in flags(made, "_")]
    rows[0] |= {"later": 99.0}
    labels = {"region": {1.0: "North", 2.0: "South"}, "milk": {1.0: "Yes", 0.0: "No"}}
    pyreadstat.write_sav(_frame(rows), path, variable_value_labels=labels, missing_ranges={"later": [99.0]})


def write_dta(made: list[Record], path: Path) -> None:
    """Write with value labels and one of Stata's own missing values."""
    frame = _frame(made).rename(columns={"mother_age": "age", "mother_double": "DOUBLE"})
    frame["later"] = frame["later"].astype(object)
    frame.loc[0, "later"] = "a"
    labels: dict[str, dict[int | float, str]] = {"milk": {1: "Yes", 0: "No"}}
    pyreadstat.write_dta(frame, path, variable_value_labels=labels, missing_user_values={"later": ["a"]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the form and the declared checks."""
    folder = tmp_path_factory.mktemp("check")
    (folder / "visits.xml").write_bytes(convert_markdown(FORM).xform)
    (folder / "checks.yml").write_text(CHECKS, encoding="utf-8")
    codes = "".join(f"{number:03d}\n" for number in range(RECORDS))
    (folder / "codes.csv").write_text(f"code\n{codes}", encoding="utf-8")
    return folder


def found_in(found: Checkup) -> Wanted:
    return {(problem.record or problem.group, problem.rule) for problem in found.problems}


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", write_csv),
        pytest.param("a.parquet", write_parquet, marks=pytest.mark.slow),
        ("a.sav", write_sav),
        pytest.param("a.dta", write_dta, marks=pytest.mark.slow),
    ],
)
def test_every_planted_error_is_found_and_none_invented(
    folder: Path, name: str, write: Callable[[list[Record], Path], None]
) -> None:
    made, wanted = records()
    write(made, folder / name)
    found = check_file(folder / name, folder / "visits.xml", checks=folder / "checks.yml")
    assert found_in(found) == wanted
    assert len(found.problems) == len(wanted)
    assert (found.rows, found.id_column) == (RECORDS, "KEY")
    assert (found.not_found, found.unknown, found.claimed, found.unsure, found.computed) == ((), (), (), (), ())
    # what reads a repeat cannot be told from a file
    assert found.repeats == ("visit",)
    assert [(item.rule, item.kind) for item in found.not_checked] == [("visits", "calculation")]
    assert found.not_checked[0].reason == "it depends on what is not there: visit"
    lines = {problem.record: problem.line for problem in found.problems if problem.record}
    first = 2 if name == "a.csv" else 1
    assert lines["uuid:20"] == 20 + first


SMALL = """
| survey |
| | type | name | label::English (en) | label::Indonesia (id) | required | relevant | constraint | calculation |
| | today | today | | | | | | |
| | select_one yn | agrees | Agrees? | Setuju? | yes | | | |
| | text | name | Name | Nama | yes | ${agrees} = 'yes' | | |
| | integer | age | Age | Umur | | ${agrees} = 'yes' | . < 100 | |
| | calculate | months | | | | | | ${age} * 12 |
| | calculate | old | | | | | | ${months} > 600 |
| | date | born | Born | Lahir | | | . <= today() | |
| | text | home | Home | Rumah | yes | ${old} | | |
| choices |
| | list_name | name | label::English (en) | label::Indonesia (id) |
| | yn | yes | Yes | Ya |
| | yn | no | No | Tidak |
| settings |
| | form_id | version | default_language |
| | small | 1 | English (en) |
"""
SECRET = "Siti Rahasia Sekali"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small form, as an XForm."""
    path = tmp_path_factory.mktemp("small") / "small.xml"
    path.write_bytes(convert_markdown(SMALL).xform)
    return path


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, words)])


def test_the_command_tells_findings_and_no_answer(tmp_path: Path, small: Path) -> None:
    data = table(
        tmp_path / "a.csv",
        "KEY,agrees,name,age,months,born,home,_tags,more,today",
        f"k1,yes,{SECRET},40,480,2000-01-01,,,z,2026-11-21",
        f"k2,yes,{SECRET},140,1680,2000-01-01,{SECRET},,z,2026-11-21",
        f"k2,no,{SECRET},,,2000-01-01,,,z,2026-11-21",
        "k4,no,,,,2027-01-01,,,z,2026-11-21",
    )
    told = call(data, "--form", small, "--language", "id")
    assert told.exit_code == 1
    assert SECRET not in told.output
    lines = [line.split("\t") for line in told.stdout.splitlines()]
    assert lines[0] == ["record", "line", "group", "field", "rule", "kind", "severity", "message"]
    assert {(line[0], line[1], line[3], line[4]) for line in lines[1:]} == {
        ("k2", "3", "age", "age.constraint"),
        ("k2", "4", "name", "name.relevant"),
        ("k4", "5", "born", "born.constraint"),
        ("k2", "3", "", "record_id.unique"),
        ("k2", "4", "", "record_id.unique"),
    }
    assert {line[7] for line in lines if line[4] == "record_id.unique"} == {
        "Pengenal ini dipakai oleh lebih dari satu baris."
    }
    said = told.stderr
    assert "4 records by" in said
    assert "Records are told apart by KEY." in said
    assert "No question of the form: more" in said
    assert "Not in the file, and computed: old" in said
    everything = json.loads(call(data, "--form", small, "--json").stdout)
    assert (everything["rows"], everything["errors"], everything["warnings"]) == (4, 5, 0)
    assert everything["columns_unknown"] == ["more"]
    assert everything["computed"] == ["old"]
    assert [item["line"] for item in everything["findings"]].count(4) == 2
    assert SECRET not in json.dumps(everything)


def test_an_error_of_duckdb_is_told_without_the_answer_that_it_quotes(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(con: duckdb.DuckDBPyConnection, *_: object, **__: object) -> None:
        con.execute("select cast(name as integer) from answers.small")

    monkeypatch.setattr("laktasi.quality.check", check)
    told = call(table(tmp_path / "a.csv", "agrees,name", f"yes,{SECRET}"), "--form", small)
    assert (told.exit_code, isinstance(told.exception, SystemExit)) == (5, True)
    assert SECRET not in told.output


def test_nothing_is_left_behind_where_it_is_ended(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = tmp_path / "temporary"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    there: list[Path] = []

    def check(*_: object, **__: object) -> None:
        there.extend(copies.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("laktasi.quality.check", check)
    ends_nothing = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # not these tests, whatever the command does
    try:
        told = call(table(tmp_path / "a.csv", "agrees,name", f"yes,{SECRET}"), "--form", small)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, ends_nothing)
    assert (told.exit_code, len(there), list(copies.iterdir())) == (143, 1, [])


def test_an_id_is_no_formula_in_a_spreadsheet_and_itself_in_json(tmp_path: Path, small: Path) -> None:
    data = table(tmp_path / "a.csv", "KEY,agrees,name,age", "=1+1,no,A,", "-2,no,A,", "k3,no,A,")
    told = [line.split("\t")[0] for line in call(data, "--form", small).stdout.splitlines()[1:]]
    assert told == ["'=1+1", "'-2", "k3"]
    found = json.loads(call(data, "--form", small, "--json").stdout)["findings"]
    assert [item["record"] for item in found] == ["=1+1", "-2", "k3"]


def test_a_clean_file_passes(tmp_path: Path, small: Path) -> None:
    data = table(tmp_path / "a.csv", "agrees;name;age;home;born", "yes;A;60;B;2000-01-01", "no;;;;")
    told = call(data, "--form", small, "--json")
    found = json.loads(told.stdout)
    assert (told.exit_code, found["findings"], found["id_column"]) == (0, [], None)
    # nobody knows what day it was, and `months` and `old` follow from the age
    assert found["columns_not_found"] == ["today"]
    assert found["computed"] == ["months", "old"]
    assert found["not_checked"] == [
        {
            "rule": "born",
            "kind": "constraint",
            "reason": "it depends on the day, and what is not there tells it: today",
        }
    ]


def test_what_is_not_there_is_not_taken_for_empty(tmp_path: Path, small: Path) -> None:
    checks = tmp_path / "checks.yml"
    checks.write_text(
        """
checks:
  - {id: of_names, kind: unique, questions: [name], severity: error, message: {id: Ganda., en: Twice.}}
  - {id: of_all, kind: row, expression: "${age} < 90", severity: error, message: {id: Tua., en: Old.}}
  - {id: of_homes, kind: row, expression: "${home} != 'x'", where: "${agrees} = 'yes'", severity: error,
     message: {id: Mana., en: Where.}}
  - {id: of_centres, kind: value_rate, question: age, values: ["1"], by: centre, at_most: 0.1, severity: error,
     message: {id: Satu., en: One.}}
  - {id: of_targets, kind: target, form: small, severity: error, message: {id: Kurang., en: Less.}}
  - {id: of_arrival, kind: late, form: small, at_most: 5, severity: error, message: {id: Lama., en: Late.}}
  - {id: of_births, kind: not_future, question: age, severity: error, message: {id: Nanti., en: Later.}}
  - {id: elsewhere, kind: unique, form: other, questions: [x], severity: error, message: {id: Ganda., en: Twice.}}
""",
        encoding="utf-8",
    )
    data = table(tmp_path / "a.csv", "age,home,NAME,Name", "95,x,a,b", "12,x,a,b")
    found = check_file(data, small, checks=checks)
    assert found.not_found == ("today", "agrees", "name", "born")
    assert found.claimed == (("name", ("NAME", "Name")),)
    # the second lives at home although the form asks nobody younger than 51
    assert found_in(found) == {("", "home.relevant"), ("", "of_all")}
    assert [(problem.line, problem.rule) for problem in found.problems] == [(2, "of_all"), (3, "home.relevant")]
    reasons = {(item.rule, item.kind): item.reason for item in found.not_checked}
    assert reasons == {
        ("age", "relevant"): "it depends on what is not there: agrees",
        ("of_names", "declared"): "it asks for what is not there: name",
        ("of_homes", "declared"): "it asks for what is not there: agrees",
        ("of_centres", "declared"): (
            "no question of the form is called centre, and a file has no study that says which one it is"
        ),
        ("of_targets", "declared"): "targets are a project's",
        ("of_arrival", "declared"): "a file does not tell when a record arrived",
        ("of_births", "declared"): "a file does not tell when a record arrived",
        ("elsewhere", "declared"): "it is about the form other",
    }


def test_nothing_is_invented_where_columns_are_missing(folder: Path) -> None:
    gone = ("mother/age", "mother/adult", "milk", "today", "start", "end", "region")
    made = [{key: value for key, value in record(number).items() if key not in gone} for number in range(9)]
    made[3]["code"] = None
    write_csv_as_it_is(made, folder / "part.csv")
    found = check_file(folder / "part.csv", folder / "visits.xml", checks=folder / "checks.yml")
    assert found_in(found) == {("uuid:3", "code.required")}
    assert found.not_found == ("start", "end", "today", "mother/age", "mother/adult", "milk", "region")
    assert found.computed == ()
    assert {item.rule for item in found.not_checked} == {
        *("mother/born", "mother/job", "mother/double", "mother/years", "town", "harm", "visits"),
        # of nine numbers none is far out: that is too few to say so
        *("young_and_light", "milk_rate", "too_fast", "far_out"),
    }


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        (["age,home"], [], "has no record"),
        (["one,two", "1,2"], [], "is a question of form 'small'"),
        (["age,home", "1,2"], ["--id", "number"], "has no column 'number'"),
        (["age,home", "1,2"], ["--checks", "nowhere.yml"], "there is no such file"),
    ],
)
def test_nothing_to_check_is_an_error(
    tmp_path: Path, small: Path, lines: list[str], options: list[str], said: str
) -> None:
    told = call(table(tmp_path / "a.csv", *lines), "--form", small, *options)
    assert told.exit_code == CheckError.exit_code
    assert said in told.stderr


@pytest.mark.parametrize("options", [[], ["--id", "number"], ["--json"]])
def test_a_file_without_a_header_tells_no_answer(tmp_path: Path, small: Path, options: list[str]) -> None:
    told = call(table(tmp_path / "a.csv", "Siti,K7,1", "Ani,K8,2"), "--form", small, *options)
    assert (told.exit_code, told.stdout) == (CheckError.exit_code, "")
    assert "It has 3 columns" in told.stderr
    assert "Siti" not in told.output
    assert "K7" not in told.output


@pytest.mark.parametrize(
    ("data", "form", "code"),
    [("no.csv", "small.xml", 4), ("a.csv", "no.xml", 3), ("a.csv", "no.xlsx", 3), ("a.csv", "small.csv", 3)],
)
def test_files_that_are_not_there(tmp_path: Path, small: Path, data: str, form: str, code: int) -> None:
    table(tmp_path / "a.csv", "age", "1")
    table(small.parent / "small.csv", "age", "1")
    told = call(tmp_path / data, "--form", small.parent / form)
    assert (told.exit_code, told.stdout) == (code, "")


def test_a_declared_check_of_what_the_form_has_not_stops(tmp_path: Path, small: Path) -> None:
    checks = tmp_path / "checks.yml"
    checks.write_text(
        "checks: [{id: wrong, kind: unique, questions: [nothing], severity: error, message: {id: Ganda., en: Twice.}}]"
    )
    with pytest.raises(CheckError, match="nothing"):
        check_file(table(tmp_path / "a.csv", "age", "1"), small, checks=checks)


def test_a_check_that_looks_at_nothing_is_said(tmp_path: Path, small: Path) -> None:
    checks = tmp_path / "checks.yml"
    checks.write_text(
        "checks: [{id: few, kind: value_rate, question: age, values: ['1'], at_most: 0.1, severity: error,"
        " message: {id: Satu., en: One.}}]"
    )
    found = check_file(table(tmp_path / "a.csv", "age", "1"), small, checks=checks)
    assert ("few", "no record, or too few, could be compared") in {
        (item.rule, item.reason) for item in found.not_checked
    }


def test_numbers_of_32_bits_are_no_wrong_calculations(tmp_path: Path) -> None:
    form = tmp_path / "third.xml"
    form.write_bytes(
        convert_markdown(
            """
            | survey |
            | | type | name | label | calculation |
            | | decimal | n | N | |
            | | calculate | third | | ${n} div 3 |
            | settings |
            | | form_id | version |
            | | third | 1 |
            """
        ).xform
    )
    frame = pd.DataFrame({"n": [0.1, 2.5, 7.0], "third": [0.1 / 3, 2.5 / 3, 2.3333]}).astype("float32")
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    pyreadstat.write_sav(frame, tmp_path / "a.sav")
    for name in ("a.dta", "a.parquet", "a.sav"):
        found = check_file(tmp_path / name, form)
        assert [(problem.line, problem.rule) for problem in found.problems] == [(3, "third.calculation")]


def test_flags_that_are_none_are_found(folder: Path) -> None:
    made = flags([record(number) for number in range(2)], "/")
    made[1]["harm/pain"] = 2
    write_csv_as_it_is(made, folder / "flags.csv")
    found = check_file(folder / "flags.csv", folder / "visits.xml")
    assert [(problem.record, problem.field, problem.rule) for problem in found.problems] == [
        ("uuid:1", "harm", "harm.flag")
    ]


def write_csv_as_it_is(made: list[Record], path: Path) -> None:
    pd.DataFrame(made).to_csv(path, index=False)
