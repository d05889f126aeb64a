"""The ledger of findings on its own: events only where something changed, and lists that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from laktasi.errors import CheckError
from laktasi.paths import DataFolder
from laktasi.quality.findings import Changes, RuleRow, record_findings
from laktasi.quality.listing import list_findings
from laktasi.quality.plan import Gap
from laktasi.quality.validate import failing_table
from laktasi.store.warehouse import open_warehouse

MESSAGES = {"id": "Umur di luar batas.", "en": "Age is out of range."}
AGE = RuleRow("visit", "1", "visit", "age.constraint", "constraint", "age", "error", MESSAGES, ". > 9")
CODE = RuleRow("visit", None, "visit", "one_visit", "set", None, "warning", {"id": "Kode ganda."}, "unique(code)")
GAP = Gap("visit", "1", "place", "constraint", "pulldata('x')", "no file")


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(DataFolder(tmp_path)) as connection:
        yield connection


def failing(*where: tuple[str, str, str]) -> pa.Table:
    tables = [failing_table("visit", rule, "error", [submission], [row]) for submission, row, rule in where]
    return pa.concat_tables([failing_table("", "", "", [], []), *tables])


def test_events_are_written_only_where_something_changed(con: duckdb.DuckDBPyConnection) -> None:
    one, two = ("a", "", "age.constraint"), ("a", "2", "age.constraint")
    lives = [
        ([one, two], Changes(2, 0)),
        ([one, two], Changes(0, 0)),
        ([two], Changes(0, 1)),
        ([two], Changes(0, 0)),
        ([one], Changes(1, 1)),
        ([], Changes(0, 1)),
        ([], Changes(0, 0)),
    ]
    for number, (now, expected) in enumerate(lives):
        assert record_findings(con, f"run-{number}", failing(*now), [AGE], []) == expected
    events = con.execute('SELECT run_id, "row", event FROM quality.finding_events ORDER BY "at", "row"').fetchall()
    assert events == [
        ("run-0", "", "opened"),
        ("run-0", "2", "opened"),
        ("run-2", "", "mended"),
        ("run-4", "", "reopened"),
        ("run-4", "2", "mended"),
        ("run-5", "", "mended"),
    ]
    assert con.execute("SELECT count(DISTINCT finding_id) FROM quality.finding_events").fetchone() == (2,)


def test_rules_and_gaps_are_replaced_and_what_stays_is_left_alone(con: duckdb.DuckDBPyConnection) -> None:
    record_findings(con, "run-1", failing(), [AGE, CODE], [GAP])
    rules = "SELECT rule_id, form_version, severity, messages FROM quality.rules ORDER BY 1"
    assert con.execute(rules).fetchall() == [
        ("age.constraint", "1", "error", MESSAGES),
        ("one_visit", None, "warning", {"id": "Kode ganda."}),
    ]
    assert con.execute("SELECT * FROM quality.unverified").fetchall() == [
        ("visit", "1", "place", "constraint", "pulldata('x')", "no file")
    ]
    kept = con.execute("SELECT rowid FROM quality.rules WHERE rule_id = 'one_visit'").fetchall()
    record_findings(con, "run-2", failing(), [CODE], [])
    assert con.execute(rules).fetchall() == [("one_visit", None, "warning", {"id": "Kode ganda."})]
    assert con.execute("SELECT rowid FROM quality.rules").fetchall() == kept
    assert con.execute("SELECT count(*) FROM quality.unverified").fetchone() == (0,)


def test_a_run_that_fails_leaves_the_ledger_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    record_findings(con, "run-1", failing(("a", "", "age.constraint")), [AGE], [GAP])
    nothing = failing().drop_columns(["rule_id"])
    with pytest.raises(duckdb.Error):
        record_findings(con, "run-2", nothing, [], [])
    assert con.execute("SELECT count(*) FROM quality.rules").fetchone() == (1,)
    assert con.execute("SELECT count(*) FROM quality.finding_events").fetchone() == (1,)
    assert record_findings(con, "run-3", failing(), [AGE], [GAP]) == Changes(0, 1)


def test_a_list_says_where_which_rule_and_what_in_the_language_asked_for(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    with open_warehouse(folder) as con:
        now = failing(("a", "", "age.constraint"), ("b", "", "age.constraint"), ("b", "", "one_visit"))
        record_findings(con, "run-1", now, [AGE, CODE], [])
        record_findings(con, "run-2", now.slice(1), [AGE, CODE], [])
        con.execute(
            "INSERT INTO marts.interviews (form_id, submission_id, form_version, centre_code, enumerator_code, status,"
            " landed_at) VALUES ('visit', 'a', '1', 'C1', 'E1', 'finalised', now()),"
            " ('visit', 'b', '1', 'C2', 'E2', 'finalised', now())"
        )
    listed = list_findings(folder.warehouse, language="id")
    assert [(item.submission_id, item.rule_id, item.severity, item.message) for item in listed] == [
        ("b", "age.constraint", "error", "Umur di luar batas."),
        ("b", "one_visit", "warning", "Kode ganda."),
    ]
    assert {(item.centre_code, item.enumerator_code, item.status) for item in listed} == {("C2", "E2", "open")}
    # A message that a language lacks is given in another one, never left out.
    assert [item.message for item in list_findings(folder.warehouse)] == ["Age is out of range.", "Kode ganda."]
    with duckdb.connect(folder.warehouse, read_only=True) as con:
        assert {item.submission_id for item in list_findings(con, status=None)} == {"a", "b"}
        assert [item.submission_id for item in list_findings(con, status="mended")] == ["a"]
        assert [item.submission_id for item in list_findings(con, status=None, centre="C1")] == ["a"]
        assert [item.rule_id for item in list_findings(con, enumerator="E2", severity="warning")] == ["one_visit"]
        assert [item.rule_id for item in list_findings(con, rule="age.constraint")] == ["age.constraint"]
        assert list_findings(con, centre="C9") == []
        with pytest.raises(CheckError, match="unknown status 'closed'"):
            list_findings(con, status="closed")
        with pytest.raises(CheckError, match="unknown severity 'fatal'"):
            list_findings(con, severity="fatal")
