"""The checks end to end on a DuckDB file: what fails is found, all of it and nothing else, and its life is kept.

The rules of most tests are written here as SQL, so that what must fail can be read off the page.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi import quality
from laktasi.errors import CheckError
from laktasi.paths import DataFolder
from laktasi.quality import plan as plan_module
from laktasi.quality.engine import engine_on
from laktasi.quality.plan import Batch
from laktasi.quality.suites import COMPLETE, row_suite
from laktasi.quality.validate import materialise, validate
from laktasi.questionnaire.compiler import CompiledForm, DeclaredRule, Rule, Unverified
from laktasi.questionnaire.model import Field, Privacy, Questionnaire, Table, ValueType
from laktasi.store.warehouse import open_warehouse

FORM = "visit"
MARKER = "Siti-ANSWER-7731"
"""Stands among the answers of every warehouse here, and must stand in nothing that a person or a log reads."""

MESSAGES = {"id": "Perlu diperiksa.", "en": "Please check."}


def rule(
    rule_id: str, *, column: str = "", kind: str = "constraint", severity: Any = "error", table: str = FORM
) -> Rule:
    return Rule(rule_id, kind, rule_id.split(".")[0], table, severity, MESSAGES, ". > 0", column or rule_id)


def question(path: str, table: str = FORM) -> Field:
    column = path.replace("/", "__")
    return Field(path, column, table, ValueType.TEXT, {}, {}, Privacy.DIRECT)


def questionnaire(version: str, *names: str, form: str = FORM, repeat: Sequence[str] = ()) -> Questionnaire:
    tables = [Table(form, "", None)] + ([Table(f"{form}__infants", "infants", form)] if repeat else [])
    fields = [question(name, form) for name in names]
    fields += [question(name, f"{form}__infants") for name in repeat]
    return Questionnaire(form, version, "", ("id", "en"), "", "data", tuple(fields), (), tuple(tables), {}, {})


def compiled(version: str, conditions: Mapping[str, str], *, unverified: Sequence[Unverified] = ()) -> CompiledForm:
    """Rules of the form's own table, as SQL by rule id."""
    columns = "".join(f', ({sql}) AS "{rule_id}"' for rule_id, sql in conditions.items())
    select = f"SELECT _submission_id, _row{columns} FROM answers.{FORM} WHERE _form_version = '{version}'"
    rules = tuple(
        rule(rule_id, severity="warning" if rule_id.endswith("choice") else "error") for rule_id in conditions
    )
    return CompiledForm(FORM, version, rules, tuple(unverified), {FORM: select})


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse whose form table holds ten records of two versions; `name` is always the marker."""
    with open_warehouse(DataFolder(tmp_path / "data")) as connection:
        connection.execute(
            f"""
            CREATE TABLE answers.{FORM} (
                _submission_id VARCHAR, _row VARCHAR, _form_version VARCHAR, name VARCHAR, age VARCHAR, code VARCHAR
            );
            INSERT INTO answers.{FORM}
            SELECT
                'uuid:' || i, '', CASE WHEN i < 6 THEN '1' ELSE '2' END, '{MARKER}',
                CASE WHEN i IN (2, 7) THEN '-1' ELSE '30' END, 'M' || i
            FROM range(10) AS numbers(i);
            """
        )
        yield connection


TWO_VERSIONS = {
    (FORM, "1"): questionnaire("1", "name", "age", "code"),
    (FORM, "2"): questionnaire("2", "name", "age", "code"),
}


@pytest.fixture
def rules_of(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, CompiledForm]:
    """What the compiler gives for each version, to be filled by the test."""
    forms = {
        version: compiled(version, {"age.constraint": "CAST(age AS INTEGER) >= 0", "code.choice": "code <> 'M8'"})
        for version in ("1", "2")
    }

    def compile_form(form: Questionnaire, declared: Sequence[DeclaredRule] = ()) -> CompiledForm:
        return forms[form.version]

    monkeypatch.setattr(plan_module, "compile_form", compile_form)
    return forms


def open_now(con: duckdb.DuckDBPyConnection) -> set[tuple[str, ...]]:
    return set(
        con.execute("SELECT submission_id, \"row\", rule_id FROM quality.findings WHERE status = 'open'").fetchall()
    )


def events(con: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    return con.execute(
        'SELECT run_id, event, submission_id, rule_id FROM quality.finding_events ORDER BY "at", submission_id, rule_id'
    ).fetchall()


@pytest.mark.usefixtures("rules_of")
def test_every_planted_fault_becomes_a_finding_and_nothing_else(con: duckdb.DuckDBPyConnection) -> None:
    summary = quality.check(con, "run-1", TWO_VERSIONS, [])
    assert open_now(con) == {
        ("uuid:2", "", "age.constraint"),
        ("uuid:7", "", "age.constraint"),
        ("uuid:8", "", "code.choice"),
    }
    assert summary == quality.CheckSummary(
        rows_checked=10, rules=3, opened=3, mended=0, open_errors=2, open_warnings=1, unverified=0, empty=()
    )


@pytest.mark.usefixtures("rules_of")
def test_a_second_run_over_the_same_data_adds_no_event_and_changes_no_rule(con: duckdb.DuckDBPyConnection) -> None:
    quality.check(con, "run-1", TWO_VERSIONS, [])
    before = events(con), con.execute("SELECT * FROM quality.rules ORDER BY ALL").fetchall()
    again = quality.check(con, "run-2", TWO_VERSIONS, [])
    assert (events(con), con.execute("SELECT * FROM quality.rules ORDER BY ALL").fetchall()) == before
    assert (again.opened, again.mended, again.open_errors, again.open_warnings) == (0, 0, 2, 1)


@pytest.mark.usefixtures("rules_of")
def test_a_finding_is_opened_mended_and_reopened_under_one_id(con: duckdb.DuckDBPyConnection) -> None:
    quality.check(con, "run-1", TWO_VERSIONS, [])
    con.execute(f"UPDATE answers.{FORM} SET age = '25' WHERE _submission_id = 'uuid:2'")
    mended = quality.check(con, "run-2", TWO_VERSIONS, [])
    assert (mended.opened, mended.mended, mended.open_errors) == (0, 1, 1)
    assert ("uuid:2", "", "age.constraint") not in open_now(con)
    # A laptop whose clock was set back must not turn the life of a finding round.
    con.execute('UPDATE quality.finding_events SET "at" = "at" + INTERVAL 400 DAY')
    con.execute(f"UPDATE answers.{FORM} SET age = '-3' WHERE _submission_id = 'uuid:2'")
    assert quality.check(con, "run-3", TWO_VERSIONS, []).opened == 1
    assert ("uuid:2", "", "age.constraint") in open_now(con)
    life = con.execute(
        "SELECT finding_id, event, run_id FROM quality.finding_events WHERE submission_id = 'uuid:2' ORDER BY \"at\""
    ).fetchall()
    assert [row[1:] for row in life] == [("opened", "run-1"), ("mended", "run-2"), ("reopened", "run-3")]
    # The id by its definition, computed by another program: printf 'visit\037uuid:2\037\037age.constraint' | sha256sum
    assert {row[0] for row in life} == {"f085e59ca74e413b"}


def test_ids_from_great_expectations_equal_plain_sql_beyond_its_default_of_twenty(
    con: duckdb.DuckDBPyConnection,
) -> None:
    draw = random.Random(20261121)
    rates = [0.0, 0.02, 0.1, 0.5, 0.9, 1.0]
    con.execute(
        f"CREATE TABLE answers.big (_submission_id VARCHAR, _row VARCHAR, _form_version VARCHAR,"
        f" {', '.join(f'c{i} BOOLEAN' for i in range(len(rates)))})"
    )
    rows = [(f"uuid:{i // 3}", str(i % 3 + 1), "1", *(draw.random() >= rate for rate in rates)) for i in range(600)]
    con.executemany(f"INSERT INTO answers.big VALUES ({', '.join('?' * (3 + len(rates)))})", rows)
    rules = tuple(rule(f"c{i}", table="big") for i in range(len(rates)))
    select = f"SELECT *, true AS {COMPLETE} FROM answers.big"
    batch = Batch("big", "big", "1", "big", select, rules)
    materialise(con, [batch], {("big", "1"): questionnaire("1", form="big")})
    result = validate(con, [batch])
    found: dict[str, set[tuple[str, str]]] = {item.rule_id: set() for item in rules}
    for item in result.failing.to_pylist():
        found[item["rule_id"]].add((item["submission_id"], item["row"]))
    for i in range(len(rates)):
        expected = con.execute(f"SELECT _submission_id, _row FROM answers.big WHERE NOT c{i}").fetchall()
        assert found[f"c{i}"] == set(expected)
    assert len(found["c3"]) > 200  # GX keeps 20 ids by default, and 200 values at most
    assert result.failing.num_rows == sum(map(len, found.values()))


def test_a_rule_that_is_null_is_an_error(con: duckdb.DuckDBPyConnection, rules_of: dict[str, CompiledForm]) -> None:
    rules_of["2"] = compiled("2", {"age.constraint": "CASE WHEN code = 'M9' THEN NULL ELSE true END"})
    with pytest.raises(CheckError, match=r"check 'age\.constraint' of suite") as raised:
        quality.check(con, "run-1", TWO_VERSIONS, [])
    assert "NULL in 1 rows" in raised.value.why
    assert events(con) == []


def test_great_expectations_itself_refuses_a_row_without_a_verdict(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"CREATE TABLE checks.t AS SELECT 'a' AS _submission_id, '' AS _row, NULL::BOOLEAN AS c, false AS {COMPLETE}"
    )
    with engine_on(con, "checks") as engine:
        verdicts = engine.validate("t", row_suite("t", [rule("r", column="c")]))
    assert verdicts["r"].rows == []  # what makes the other expectation needed
    assert verdicts[COMPLETE].submission_ids == ["a"]


def test_a_missing_column_is_an_error(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE TABLE checks.t AS SELECT 'a' AS _submission_id, '' AS _row, true AS {COMPLETE}")
    with engine_on(con, "checks") as engine:
        with pytest.raises(CheckError, match="check 'gone' of suite 't' could not be run") as raised:
            engine.validate("t", row_suite("t", [rule("gone")]))
        assert '"gone"' in raised.value.why
        with pytest.raises(CheckError, match="suite 'absent' could not be run"):
            engine.validate("absent", row_suite("absent", [rule("gone")]))
    assert con.execute("SELECT 1").fetchone() == (1,)
