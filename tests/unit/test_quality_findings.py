"""The ledger of findings on its own: events only where something changed, and lists that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laktasi.errors import CheckError
from laktasi.paths import DataFolder
from laktasi.quality.findings import Changes, RuleRow, record_findings
from laktasi.quality.listing import Change, changes_since, life_of, list_findings
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


# A life with decisions


def accepting(*okays: tuple[tuple[str, str, str], str]) -> str | None:
    """Give the SQL of what decisions accept: finding and decision."""
    rows = ", ".join(
        f"('visit', '{submission}', '{row}', '{rule}', '{decision}')" for (submission, row, rule), decision in okays
    )
    columns = '(form_id, submission_id, "row", rule_id, decision_id)'
    return f"(SELECT * FROM (VALUES {rows}) AS okays {columns})" if rows else None


def events(con: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    return con.execute(
        "SELECT run_id, submission_id, event, coalesce(decision_id, '') FROM quality.finding_events ORDER BY \"at\""
    ).fetchall()


def test_a_decision_accepts_a_finding_while_it_holds(con: duckdb.DuckDBPyConnection) -> None:
    one = ("a", "", "age.constraint")
    lives = [
        ([one], accepting((one, "d1")), Changes(1, 0, 1)),  # opened and accepted at once
        ([one], accepting((one, "d1")), Changes(0, 0, 0)),
        ([one], accepting((one, "d2")), Changes(0, 0, 1)),  # by another decision
        ([one], None, Changes(1, 0, 0)),  # what it expected is no longer there
        ([one], accepting((one, "d3")), Changes(0, 0, 1)),
        ([], accepting((one, "d3")), Changes(0, 1, 0)),  # nothing fails: nothing is accepted
        ([], accepting((one, "d3")), Changes(0, 0, 0)),
        ([one], accepting((one, "d3")), Changes(1, 0, 1)),
    ]
    for number, (now, okays, expected) in enumerate(lives):
        assert record_findings(con, f"run-{number}", failing(*now), [AGE], [], accepted=okays) == expected
    assert events(con) == [
        ("run-0", "a", "opened", ""),
        ("run-0", "a", "accepted", "d1"),
        ("run-2", "a", "accepted", "d2"),
        ("run-3", "a", "reopened", ""),
        ("run-4", "a", "accepted", "d3"),
        ("run-5", "a", "mended", ""),
        ("run-7", "a", "reopened", ""),
        ("run-7", "a", "accepted", "d3"),
    ]


def test_an_accepted_finding_says_by_whom_and_is_not_open(con: duckdb.DuckDBPyConnection) -> None:
    group = ("", "centre:c1", "one_visit")
    con.execute(
        "INSERT INTO quality.decisions BY NAME SELECT 'd1' AS decision_id, 'okay' AS action, '' AS \"row\","
        " 'Checked on paper' AS reason, 'Ani' AS reporter, DATE '2026-11-21' AS decided_on,"
        " DATE '2026-12-31' AS until, 'run-1' AS run_id, now() AS landed_at"
    )
    record_findings(con, "run-1", failing(group), [CODE], [], accepted=accepting((group, "d1")))
    assert list_findings(con) == []
    found = list_findings(con, status="accepted")[0]
    assert (found.is_open, found.settled_by, found.reviewer, found.reason) == (
        False, "decision", "Ani", "Checked on paper",
    )  # fmt: skip
    opened, accepted = life_of(con, found.finding_id)
    assert (opened.event, opened.reviewer) == ("opened", None)
    assert (accepted.event, accepted.decision_id, accepted.reviewer, accepted.until) == (
        "accepted", "d1", "Ani", "2026-12-31",
    )  # fmt: skip
    record_findings(con, "run-2", failing(group), [CODE], [])
    again = list_findings(con)[0]
    # It came back, and nobody stands for it any more.
    assert (again.status, again.is_open, again.reviewer, again.settled_by) == ("reopened", True, None, None)
    assert list_findings(con, status="reopened") == [again]


def test_the_list_knows_what_stops_the_publication(con: duckdb.DuckDBPyConnection) -> None:
    stopping = replace(CODE, stops=True)
    record_findings(con, "run-1", failing(("a", "", "age.constraint"), ("a", "", "one_visit")), [AGE, stopping], [])
    assert [item.rule_id for item in list_findings(con, stops=True)] == ["one_visit"]
    assert [item.rule_id for item in list_findings(con, kind="constraint")] == ["age.constraint"]


def test_what_changed_since_a_run_or_a_moment(con: duckdb.DuckDBPyConnection) -> None:
    old, back, new, fleeting, fine = (("abcde"[number], "", "age.constraint") for number in range(5))
    record_findings(con, "run-1", failing(old, back, fine), [AGE], [])
    record_findings(con, "run-2", failing(old, fine), [AGE], [])
    con.execute('UPDATE quality.finding_events SET "at" = "at" - INTERVAL 3 DAY')
    record_findings(con, "run-3", failing(old, back, new, fleeting, fine), [AGE], [])
    record_findings(con, "run-4", failing(old, back, new, fine), [AGE], [], accepted=accepting((fine, "d1")))
    yesterday = con.execute("SELECT now() - INTERVAL 1 DAY").fetchall()[0][0]
    expected = [Change(None, "age.constraint", "error", opened=2, reopened=1, mended=1, accepted=1, open=3)]
    assert changes_since(con, yesterday) == expected
    assert changes_since(con, "run-2") == expected
    assert changes_since(con, "run-4") == []
    assert changes_since(con, "run-2", centre="c1") == []
    assert changes_since(con, "run-2", rule="one_visit") == []


PLACES = (("a", "", "age.constraint"), ("a", "2", "age.constraint"), ("", "centre:c1", "one_visit"))
RUNS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(PLACES)),
        st.dictionaries(st.sampled_from(PLACES), st.sampled_from(["d1", "d2"])),
    ),
    min_size=1,
    max_size=5,
)


@dataclass
class Life:
    """What a finding should be, in the simplest words."""

    status: str
    first_run: str
    decision: str | None = None
    events: int = 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=RUNS)
def test_any_history_is_what_a_tiny_model_says(
    con: duckdb.DuckDBPyConnection, history: list[tuple[set[Any], dict[Any, str]]]
) -> None:
    con.execute("DELETE FROM quality.finding_events; DELETE FROM quality.check_runs")
    model: dict[tuple[str, str, str], Life] = {}
    ids: dict[tuple[str, str, str], str] = {}
    before: list[Any] = []
    for number, (now, okays) in enumerate(history):
        run_id = f"run-{number}"
        record_findings(con, run_id, failing(*sorted(now)), [AGE, CODE], [], accepted=accepting(*sorted(okays.items())))
        for place in PLACES:
            life, decision = model.get(place), okays.get(place)
            if place not in now:
                if life and life.status != "mended":
                    model[place] = Life("mended", life.first_run, None, life.events + 1)
                continue
            if life is None:
                life = model[place] = Life("open", run_id)
            elif life.status == "mended" or (life.status == "accepted" and decision is None):
                life = model[place] = Life("reopened", life.first_run, None, life.events + 1)
            if decision is not None and decision != life.decision:
                model[place] = Life("accepted", life.first_run, decision, life.events + 1)
        rows = con.execute(
            'SELECT submission_id, "row", rule_id, status, first_seen_run, is_open, finding_id FROM quality.findings'
        ).fetchall()
        assert {tuple(row[:3]): tuple(row[3:6]) for row in rows} == {
            place: (life.status, life.first_run, life.status in ("open", "reopened")) for place, life in model.items()
        }
        # The same problem keeps its id, and nothing that stands in the ledger is ever touched.
        assert all(ids.setdefault(tuple(row[:3]), row[6]) == row[6] for row in rows)
        ledger = con.execute('SELECT * FROM quality.finding_events ORDER BY "at", finding_id').fetchall()
        assert ledger[: len(before)] == before
        assert len(ledger) == sum(life.events for life in model.values())
        before = ledger
