"""The checks end to end on a DuckDB file: what fails is found, all of it and nothing else, and its life is kept.

The rules of most tests are written here as SQL, so that what must fail can be read off the page.
"""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi import pipeline, quality
from laktasi.errors import CheckError
from laktasi.paths import HOUSE, DataFolder
from laktasi.quality import plan as plan_module
from laktasi.quality.declared import DeclaredCheck, make_check
from laktasi.quality.engine import Engine, Verdict, engine_on
from laktasi.quality.plan import Batch, make_plan
from laktasi.quality.suites import BROKEN, COMPLETE, row_suite, unique_suite
from laktasi.quality.validate import SCHEMA, room_for_verdicts, validate
from laktasi.questionnaire.compiler import CompiledForm, DeclaredRule, Rule, Unverified
from laktasi.questionnaire.model import Field, Privacy, Questionnaire, Table, ValueType
from laktasi.settings import read_settings
from laktasi.store.warehouse import open_warehouse

SAMPLE = HOUSE / "xlsforms" / "sample"
FORM = "visit"
MARKER = "Siti-ANSWER-7731"
"""Stands among the answers of every warehouse here, and must stand in nothing that a person or a log reads."""

MESSAGES = {"id": "Perlu diperiksa.", "en": "Please check."}


def rule(
    rule_id: str, *, column: str = "", kind: str = "constraint", severity: Any = "error", table: str = FORM
) -> Rule:
    return Rule(rule_id, kind, rule_id.split(".")[0], table, severity, MESSAGES, ". > 0", column or rule_id)


def unique(check_id: str, *questions: str, **more: str) -> DeclaredCheck:
    entry = {"id": check_id, "kind": "unique", "severity": "error", "message": MESSAGES, "questions": list(questions)}
    return make_check(entry | more)


def suite_json(suite: Any) -> str:
    """Write a suite as JSON: the same rules give the same text, byte for byte."""
    told = [configuration.to_json_dict() for configuration in suite.expectation_configurations]
    kept = [{key: item.get(key) for key in ("type", "kwargs", "meta", "severity")} for item in told]
    return json.dumps({"name": suite.name, "expectations": kept}, ensure_ascii=False, sort_keys=True)


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
            INSERT INTO answers.loaded_submissions
            SELECT '{FORM}', _submission_id, _form_version, md5(_submission_id), '', NULL FROM answers.{FORM};
            """
        )
        yield connection


def edit(con: duckdb.DuckDBPyConnection, submission_id: str, **changed: str) -> None:
    """Change answers as another version of the submission does: its payload is another one, too."""
    answers = ", ".join(f"{name} = '{value}'" for name, value in changed.items())
    con.execute(f"UPDATE answers.{FORM} SET {answers} WHERE _submission_id = ?", [submission_id])
    con.execute(
        "UPDATE answers.loaded_submissions SET payload_sha256 = md5(payload_sha256) WHERE _submission_id = ?",
        [submission_id],
    )


def remove(con: duckdb.DuckDBPyConnection, condition: str) -> None:
    """Take submissions out of the answers, as a deletion or a decision does."""
    gone = f"_submission_id IN (SELECT _submission_id FROM answers.{FORM} WHERE {condition})"
    con.execute(f"DELETE FROM answers.loaded_submissions WHERE {gone}")
    con.execute(f"DELETE FROM answers.{FORM} WHERE {gone}")


TWO_VERSIONS = {
    (FORM, "1"): questionnaire("1", "name", "age", "code"),
    (FORM, "2"): questionnaire("2", "name", "age", "code"),
}


@pytest.fixture
def rules_of(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, CompiledForm]:
    """What the compiler gives for each version, to be filled by the test."""
    forms = {
        version: compiled(
            version, {"age.constraint": "CAST(age AS INTEGER) >= 0", "code.choice": "coalesce(code, '') <> 'M8'"}
        )
        for version in ("1", "2")
    }

    def compile_form(
        form: Questionnaire, declared: Sequence[DeclaredRule] = (), only: str | None = None
    ) -> CompiledForm:
        its = forms[form.version]
        limit = f" AND _submission_id IN (SELECT _submission_id FROM {only})" if only else ""
        return replace(its, selects={table: select + limit for table, select in its.selects.items()})

    monkeypatch.setattr(plan_module, "compile_form", compile_form)
    return forms


def open_now(con: duckdb.DuckDBPyConnection) -> set[tuple[str, ...]]:
    return set(con.execute('SELECT submission_id, "row", rule_id FROM quality.findings WHERE is_open').fetchall())


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
        rows_checked=10,
        rows_asked=10,
        rules=8,
        opened=3,
        mended=0,
        open_errors=2,
        open_warnings=1,
        unverified=0,
        empty=(),
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
    edit(con, "uuid:2", age="25")
    mended = quality.check(con, "run-2", TWO_VERSIONS, [])
    assert (mended.opened, mended.mended, mended.open_errors) == (0, 1, 1)
    assert ("uuid:2", "", "age.constraint") not in open_now(con)
    # A laptop whose clock was set back must not turn the life of a finding round.
    con.execute('UPDATE quality.finding_events SET "at" = "at" + INTERVAL 400 DAY')
    edit(con, "uuid:2", age="-3")
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
    with room_for_verdicts(con), engine_on(con, SCHEMA) as engine:
        result = validate(con, engine, batch)
    found: dict[str, set[tuple[str, str]]] = {item.rule_id: set() for item in rules}
    for item in result.failing.to_pylist():
        found[item["rule_id"]].add((item["submission_id"], item["row"]))
    for i in range(len(rates)):
        expected = con.execute(f"SELECT _submission_id, _row FROM answers.big WHERE NOT c{i}").fetchall()
        assert found[f"c{i}"] == set(expected)
        assert (result.results[i].asked, result.results[i].failed) == (600, len(expected))
    assert len(found["c3"]) > 200  # GX keeps 20 ids by default, and 200 values at most
    assert result.failing.num_rows == sum(map(len, found.values()))


def test_a_rule_that_is_null_is_an_error(con: duckdb.DuckDBPyConnection, rules_of: dict[str, CompiledForm]) -> None:
    rules_of["2"] = compiled("2", {"age.constraint": "CASE WHEN code = 'M9' THEN NULL ELSE true END"})
    with pytest.raises(CheckError, match=r"check 'age\.constraint' of suite") as raised:
        quality.check(con, "run-1", TWO_VERSIONS, [])
    assert "NULL in 1 rows" in raised.value.why
    assert events(con) == []


def test_great_expectations_itself_refuses_a_row_without_a_verdict(con: duckdb.DuckDBPyConnection) -> None:
    with room_for_verdicts(con), engine_on(con, SCHEMA) as engine:
        con.execute(
            "CREATE TABLE verdicts.t AS"
            f" SELECT 'a' AS _submission_id, '' AS _row, NULL::BOOLEAN AS c, false AS {COMPLETE}"
        )
        verdicts = engine.validate("t", row_suite("t", [rule("r", column="c")]), [COMPLETE])
    assert verdicts["r"].holds  # what makes the other expectation needed
    assert verdicts[COMPLETE].failing["_submission_id"] == ["a"]


def test_a_missing_column_is_an_error(con: duckdb.DuckDBPyConnection) -> None:
    with room_for_verdicts(con), engine_on(con, SCHEMA) as engine:
        con.execute(f"CREATE TABLE verdicts.t AS SELECT 'a' AS _submission_id, '' AS _row, true AS {COMPLETE}")
        for ids_of in (["gone"], []):
            with pytest.raises(CheckError, match=r"check 'gone' of suite 't\d' could not be run") as raised:
                engine.validate("t", row_suite(f"t{len(ids_of)}", [rule("gone")]), ids_of)
            assert '"gone"' in raised.value.why
        with pytest.raises(CheckError, match="suite 'absent' could not be run"):
            engine.validate("absent", row_suite("absent", [rule("gone")]), [])
    assert con.execute("SELECT 1").fetchone() == (1,)


def says(verdicts: Mapping[str, Verdict], rule_id: str, **changed: Any) -> Mapping[str, Verdict]:
    return {**verdicts, rule_id: replace(verdicts[rule_id], **changed)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda told: says(told, "age.constraint", holds=True), "says that it holds, with 1 ids, and SQL counts 1"),
        (lambda told: says(told, "code.choice", holds=False), "says that it fails, with 0 ids, and SQL counts 0"),
        (
            lambda told: says(told, BROKEN, failing={name: ids[1:] for name, ids in told[BROKEN].failing.items()}),
            "says that it fails, with 0 ids, and SQL counts 1",
        ),
        # the row is right, and the rule is not
        (
            lambda told: says(told, BROKEN, failing={**told[BROKEN].failing, BROKEN: ["1"]}),
            "says that it fails, with 0 ids, and SQL counts 1",
        ),
        (lambda told: says(told, COMPLETE, holds=False), "A rule gives no verdict in some row."),
    ],
)
def test_a_second_opinion_that_differs_is_an_error(
    con: duckdb.DuckDBPyConnection,
    rules_of: Mapping[str, CompiledForm],
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[Mapping[str, Verdict]], Mapping[str, Verdict]],
    said: str,
) -> None:
    quality.check(con, "run-1", TWO_VERSIONS, [])
    before = events(con), con.execute("FROM quality.failing ORDER BY ALL").fetchall()
    answered = Engine.validate

    def mistaken(self: Engine, *arguments: Any) -> Mapping[str, Verdict]:
        return wrong(answered(self, *arguments))

    monkeypatch.setattr(Engine, "validate", mistaken)
    for submission_id in ("uuid:2", "uuid:3"):
        edit(con, submission_id, name=MARKER)
    with pytest.raises(CheckError) as raised:
        quality.check(con, "run-2", TWO_VERSIONS, [])
    assert said in raised.value.why
    assert (events(con), con.execute("FROM quality.failing ORDER BY ALL").fetchall()) == before


def test_a_row_that_breaks_a_rule_only_for_great_expectations_is_an_error(
    con: duckdb.DuckDBPyConnection, rules_of: dict[str, CompiledForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Engine.validate
    monkeypatch.setattr(
        Engine, "validate", lambda self, *arguments: says(answered(self, *arguments), BROKEN, holds=False)
    )
    for version in rules_of:
        rules_of[version] = compiled(version, {"age.constraint": "true"})
    with pytest.raises(CheckError) as raised:
        quality.check(con, "run-1", TWO_VERSIONS, [])
    assert raised.value.why == "Great Expectations finds rows that break a rule, and SQL counts none."


def test_fewer_answers_than_expectations_are_an_error(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch as GxBatch

    answered = GxBatch.validate

    def lossy(self: Any, *arguments: Any, **options: Any) -> Any:
        outcome = answered(self, *arguments, **options)
        outcome.results = outcome.results[1:]
        return outcome

    monkeypatch.setattr(GxBatch, "validate", lossy)
    with room_for_verdicts(con), engine_on(con, SCHEMA) as engine:
        con.execute(
            f"CREATE TABLE verdicts.t AS SELECT 'a' AS _submission_id, '' AS _row, true AS c, true AS {COMPLETE}"
        )
        with pytest.raises(CheckError) as raised:
            engine.validate("t", row_suite("t", [rule("r", column="c")]), [])
    assert raised.value.why == "2 checks were asked and 1 answered"


def test_rows_that_no_rule_would_look_at_are_an_error(
    con: duckdb.DuckDBPyConnection, rules_of: dict[str, CompiledForm]
) -> None:
    with pytest.raises(
        CheckError, match="form 'visit', version '2': its answers are staged, but the form is not at hand"
    ):
        quality.check(con, "run-1", {(FORM, "1"): TWO_VERSIONS[FORM, "1"]}, [])
    quality.check(con, "run-1", TWO_VERSIONS, [])
    lost = rules_of["2"].selects[FORM] + " AND code <> 'M9'"
    rules_of["2"] = CompiledForm(FORM, "2", rules_of["2"].rules, (), {FORM: lost})
    with pytest.raises(CheckError) as raised:
        quality.check(con, "run-2", TWO_VERSIONS, [])
    assert raised.value.why == "4 rows are to be checked, and its rules give 3 verdicts."
    # Nothing is taken for checked, and the verdicts are gone.
    assert con.execute("SELECT count(*) FROM quality.checked").fetchone() == (10,)
    assert con.execute("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'verdicts'").fetchone() == (0,)


@pytest.mark.usefixtures("rules_of")
def test_a_suite_without_rows_says_so(con: duckdb.DuckDBPyConnection) -> None:
    remove(con, "_form_version = '1'")
    told: list[tuple[str, int, int | None]] = []
    summary = quality.check(
        con, "run-1", TWO_VERSIONS, [], progress=lambda what, done, total: told.append((what, done, total))
    )
    assert [name.rpartition("__")[0] for name in summary.empty] == [FORM]
    assert summary.rows_checked == 4
    assert [item[1:] for item in told] == [(0, 2), (1, 2)]


@pytest.mark.usefixtures("rules_of")
@pytest.mark.parametrize("questions", [("name", "code"), ("code",)])
def test_what_must_not_come_twice_is_compared_across_form_versions(
    con: duckdb.DuckDBPyConnection, questions: tuple[str, ...]
) -> None:
    con.execute(
        f"""
        UPDATE answers.{FORM} SET code = 'M1' WHERE _submission_id IN ('uuid:4', 'uuid:9');  -- version 1 twice, and 2
        UPDATE answers.{FORM} SET code = 'M5' WHERE _submission_id = 'uuid:2';  -- its age is not > 0
        UPDATE answers.{FORM} SET code = NULL WHERE _submission_id IN ('uuid:0', 'uuid:3');  -- nothing to compare
        """
    )
    once = unique("one_visit", *questions, where="${age} > 0")
    quality.check(con, "run-1", TWO_VERSIONS, [once])
    assert {item for item in open_now(con) if item[2] == "one_visit"} == {
        ("uuid:1", "", "one_visit"),
        ("uuid:4", "", "one_visit"),
        ("uuid:9", "", "one_visit"),
    }
    rules = "SELECT form_version, table_name, severity, messages FROM quality.rules WHERE rule_id = 'one_visit'"
    assert con.execute(rules).fetchall() == [(None, FORM, "error", MESSAGES)]


@pytest.mark.usefixtures("rules_of")
def test_what_the_form_does_not_have_is_a_warning_at_its_place(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "INSERT INTO answers.unknown_nodes VALUES"
        " ('uuid:1', 'visit', '1', 'extra/node'), ('uuid:1', 'visit', '1', 'other'), ('uuid:9', 'visit', '2', 'other')"
    )
    summary = quality.check(con, "run-1", TWO_VERSIONS, [])
    assert {item for item in open_now(con) if item[2].endswith("unknown_node")} == {
        ("uuid:1", "extra/node", "visit.unknown_node"),
        ("uuid:1", "other", "visit.unknown_node"),
        ("uuid:9", "other", "visit.unknown_node"),
    }
    assert summary.open_warnings == 4
    con.execute("DELETE FROM answers.unknown_nodes WHERE path = 'other'")
    assert quality.check(con, "run-2", TWO_VERSIONS, []).mended == 2


def test_a_finding_is_worded_in_both_languages_and_names_what_cannot_be_checked(
    con: duckdb.DuckDBPyConnection, rules_of: dict[str, CompiledForm]
) -> None:
    gap = Unverified("place", "constraint", "pulldata(…)", "reads a file that is not at hand")
    rules_of["2"] = compiled("2", {"age.constraint": "CAST(age AS INTEGER) >= 0"}, unverified=[gap])
    assert quality.check(con, "run-1", TWO_VERSIONS, []).unverified == 1
    assert con.execute("SELECT form_version, field, reason FROM quality.unverified").fetchall() == [
        ("2", "place", "reads a file that is not at hand")
    ]
    found = con.execute(
        "SELECT DISTINCT kind, field, severity, messages FROM quality.findings WHERE rule_id = 'age.constraint'"
    ).fetchall()
    assert found == [("constraint", "age", "error", MESSAGES)]
    assert [item.message for item in quality.list_findings(con, language="id")] == ["Perlu diperiksa."] * 2


@pytest.mark.usefixtures("rules_of")
def test_no_answer_reaches_a_suite_a_log_or_the_ledger(
    con: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch as GxBatch

    caplog.set_level(logging.DEBUG)
    answered, written = GxBatch.validate, []

    def listening(self: Any, suite: Any, **options: Any) -> Any:
        outcome = answered(self, suite, **options)
        written.extend([suite_json(suite), json.dumps(outcome.to_json_dict(), default=str)])
        return outcome

    monkeypatch.setattr(GxBatch, "validate", listening)
    once = unique("one_name", "name")
    summary = quality.check(con, "run-1", TWO_VERSIONS, [once])
    assert summary.open_errors == 12  # all ten have the same name
    assert len(written) == 12  # three suites, each asked in two parts
    written += [str(summary), str(quality.list_findings(con)), caplog.text, *capfd.readouterr()]
    for table in ("quality.rules", "quality.unverified", "quality.finding_events", "quality.findings"):
        written.append(str(con.execute(f"SELECT * FROM {table}").fetchall()))
    for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'checks'").fetchall():
        written.append(str(con.execute(f'SELECT * FROM checks."{name}"').fetchall()))
    assert not [text for text in written if MARKER in text]
    assert con.execute(f"SELECT count(*) FROM answers.{FORM} WHERE name = '{MARKER}'").fetchone() == (10,)


def test_an_error_of_the_database_does_not_quote_the_answer_it_choked_on(
    con: duckdb.DuckDBPyConnection, rules_of: dict[str, CompiledForm]
) -> None:
    rules_of["1"] = compiled("1", {"name.type": "CAST(name AS INTEGER) > 0"})
    with pytest.raises(CheckError) as raised:
        quality.check(con, "run-1", TWO_VERSIONS, [])
    assert "ConversionException" in raised.value.why
    assert MARKER not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.usefixtures("rules_of")
def test_nothing_is_opened_written_or_sent_besides_the_warehouse(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **_options: object) -> None:
        raise AssertionError(f"not allowed here: {arguments}")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setenv("HOME", str(elsewhere))
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    monkeypatch.setattr(duckdb, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    held: list[int] = []

    def look(_what: str, _done: int, _total: int | None) -> None:
        if sys.platform == "linux":
            descriptors = Path("/proc/self/fd").iterdir()
            held.append(sum(os.path.realpath(item).endswith("warehouse.duckdb") for item in descriptors))

    assert quality.check(con, "run-1", TWO_VERSIONS, [], progress=look).opened == 3
    assert set(held) <= {1}
    assert list(elsewhere.iterdir()) == []
    # The connection that was lent still works, and still writes.
    con.execute("CREATE TABLE meta.after_checks AS SELECT 1 AS one")


def test_suites_are_json_and_the_same_every_time() -> None:
    def written() -> str:
        rules = [rule("age.constraint"), rule("code.choice", severity="warning")]
        return suite_json(row_suite("visit__1", rules)) + suite_json(
            unique_suite("set__once", rule("once", column="_key"))
        )

    assert written() == written()
    suite = json.loads(suite_json(row_suite("visit__1", [rule("age.constraint")])))
    assert suite["expectations"][0] == {
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": "age.constraint", "value_set": [True]},
        "meta": {"rule_id": "age.constraint", "kind": "constraint", "field": "age", "messages": MESSAGES},
        "severity": "critical",
    }


@pytest.mark.usefixtures("rules_of")
def test_a_repeat_is_checked_row_by_row(con: duckdb.DuckDBPyConnection, rules_of: dict[str, CompiledForm]) -> None:
    con.execute(
        f"""
        CREATE TABLE answers.{FORM}__infants AS
        SELECT 'uuid:' || i AS _submission_id, CAST(j AS VARCHAR) AS _row, '' AS _parent_row,
            CASE WHEN i < 6 THEN '1' ELSE '2' END AS _form_version,
            CASE WHEN i = 3 AND j = 2 THEN 'no' ELSE 'yes' END AS alive
        FROM range(10) AS submissions(i), range(1, 3) AS rows(j);
        """
    )
    for version, form in list(rules_of.items()):
        select = (
            f"SELECT _submission_id, _row, alive = 'yes' AS \"alive.constraint\""
            f" FROM answers.{FORM}__infants WHERE _form_version = '{version}'"
        )
        infants = rule("alive.constraint", table=f"{FORM}__infants")
        rules_of[version] = CompiledForm(
            FORM, version, (*form.rules, infants), (), {**form.selects, f"{FORM}__infants": select}
        )
    forms = {(FORM, v): questionnaire(v, "name", "age", "code", repeat=["alive"]) for v in ("1", "2")}
    assert len(make_plan(forms, []).batches) == 4
    assert quality.check(con, "run-1", forms, []).rows_checked == 30
    assert ("uuid:3", "2", "alive.constraint") in open_now(con)
    assert len(open_now(con)) == 4


def test_the_shipped_sample_has_the_planted_faults_and_no_others(tmp_path: Path) -> None:
    """The real form, its compiled rules and schemas/checks.yml, against the list that the sample's maker kept."""
    settings = read_settings(HOUSE, data=tmp_path / "data", phones=(SAMPLE / "postpartum_visit.zip",))
    this = pipeline.Run("run-1", "cli", settings)
    for step in (pipeline.FORMS, pipeline.PHONES, *pipeline.WORK):
        this.told[step.name] = step.work(this, pipeline.silent)
        if step.name == "check":
            break
    summary = this.told["check"]
    planted = json.loads((SAMPLE / "planted.json").read_text(encoding="utf-8"))
    expected = {(item["submission"], item["kind"], place_of(item)) for item in planted["findings"]}
    with duckdb.connect(settings.data_folder.warehouse, read_only=True) as con:
        found = con.execute(
            """
            SELECT submission_id, kind,
                CASE WHEN kind IN ('declared', 'set') THEN rule_id WHEN kind = 'unknown_node' THEN "row" ELSE field END
            FROM quality.findings WHERE is_open
            """
        ).fetchall()
    assert set(found) == expected
    assert len(found) == len(expected) == summary["open_errors"] + summary["open_warnings"]
    assert summary["rows_checked"] == planted["counts"]["staged"]
    assert {kind for _, kind, _ in expected} == {
        *("type", "required", "relevant", "constraint", "choice", "calculation", "declared", "set", "unknown_node")
    }


def place_of(planted: Mapping[str, str]) -> str:
    """Say where a planted fault is found, as the ledger says it."""
    if planted["kind"] in ("declared", "set"):
        return planted["fault"]
    return planted["field"] if planted["kind"] == "unknown_node" else planted["field"].replace("/", "__")
