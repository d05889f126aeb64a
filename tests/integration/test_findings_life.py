"""What settles a finding, told by what became of its record: over a real warehouse, with what fails given by hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from laktasi.paths import DataFolder
from laktasi.quality.findings import RuleRow, record_findings
from laktasi.quality.listing import life_of, list_findings
from laktasi.quality.validate import failing_table
from laktasi.store.warehouse import open_warehouse
from tests.warehouse_fixture import FORM, Warehouse, form, submission, warehouse

WORDS = {"id": "Umur?", "en": "Age?"}


def rule(rule_id: str, kind: str, *, version: str | None = "1", expression: str = ". > 9") -> RuleRow:
    field = "mother__age" if kind == "constraint" else None
    return RuleRow(FORM, version, FORM, rule_id, kind, field, "error", WORDS, expression)


AGE = rule("mother__age.constraint", "constraint")
TWICE = rule("one_code", "set", version=None)
SILENT = rule("silent", "group", version=None)
STALE = rule("visit.stale_decision", "decision")
RULES = [AGE, TWICE, SILENT, STALE]
GROUP = ("", "centre:c1", "silent")
RECORD = ("uuid:a", "", "mother__age.constraint")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record whose age has just been found wrong, among other findings."""
    root = tmp_path_factory.mktemp("life")
    prepare(root)
    return root


def prepare(root: Path) -> None:
    with warehouse(root, form()) as opened:
        opened.take(submission("uuid:a", {"centre": "c1"}))
        opened.marts()
        found = (RECORD, ("uuid:a", "", "one_code"), ("uuid:a", "", "visit.stale_decision"), GROUP)
        record(opened, "run-1", *found)


@pytest.fixture
def house(prepared: Path, tmp_path: Path) -> Iterator[Warehouse]:
    """The same in a copy of its own."""
    folder = DataFolder(tmp_path)
    if folder.lake is None:
        shutil.copy(DataFolder(prepared).warehouse, folder.warehouse)
    else:
        prepare(tmp_path)
    with open_warehouse(folder) as con:
        yield Warehouse(con, folder, "run")


def record(house: Warehouse, run_id: str, *failing: tuple[str, str, str], rules: list[RuleRow] | None = None) -> None:
    tables = [failing_table(FORM, rule_id, "error", [submission_id], [row]) for submission_id, row, rule_id in failing]
    everything = pa.concat_tables([failing_table("", "", "", [], []), *tables])
    record_findings(house.con, run_id, everything, RULES if rules is None else rules, [])


def settled(house: Warehouse, rules: list[RuleRow] | None = None) -> dict[str, str | None]:
    """Let all findings be mended in one more run, and give what settled each, by rule."""
    record(house, "run-2", rules=rules)
    rows = house.rows("select rule_id, settled_by, status from quality.findings")
    assert {status for _, _, status in rows} == {"mended"}
    return {rule_id: by for rule_id, by, _ in rows}


def test_nobody_touched_the_record(house: Warehouse) -> None:
    # A list of choices has changed, say, or another record.
    assert settled(house) == {
        "mother__age.constraint": "rule",
        "one_code": "set",
        "silent": "set",
        "visit.stale_decision": "correction",
    }


def test_an_edit(house: Warehouse) -> None:
    house.take(submission("uuid:b", {"centre": "c2"}, deprecated="uuid:a"))
    assert settled(house) == {
        "mother__age.constraint": "edit",
        "one_code": "edit",
        "silent": "set",
        "visit.stale_decision": "edit",
    }


def test_an_edit_with_a_version_that_has_no_such_rule(house: Warehouse) -> None:
    house.take(form("2"), submission("uuid:b", {"centre": "c2"}, deprecated="uuid:a", version="2"))
    assert settled(house)["mother__age.constraint"] == "edit"


def test_an_edit_that_waits_for_its_form(house: Warehouse) -> None:
    house.take(submission("uuid:b", {"centre": "c2"}, deprecated="uuid:a", version="9"))
    assert settled(house)["mother__age.constraint"] == "edit"


def test_a_correction(house: Warehouse) -> None:
    house.con.execute("update answers.loaded_submissions set decisions = 'of one decision'")
    assert settled(house)["mother__age.constraint"] == "correction"


@pytest.mark.parametrize(("column", "by"), [("mother__age", "correction"), ("centre", "edit")])
def test_of_an_edit_and_a_correction_the_one_about_the_question(house: Warehouse, column: str, by: str) -> None:
    house.take(submission("uuid:b", {"centre": "c2"}, deprecated="uuid:a"))
    house.con.execute("update answers.loaded_submissions set decisions = 'of one decision'")
    house.con.execute(
        "insert into quality.decision_states by name select 'd1' as decision_id, 'replace' as \"action\","
        " ? as form_id, 'uuid:a' as submission_id, '' as \"row\", ? as column_name, 'applied' as state",
        [FORM, column],
    )
    assert settled(house)["mother__age.constraint"] == by


@pytest.mark.parametrize(("state", "by"), [("dropped", "drop"), ("deleted", "deletion")])
def test_a_record_that_is_gone(house: Warehouse, state: str, by: str) -> None:
    house.con.execute("update staging.submissions set state = ?", [state])
    assert settled(house) == {
        "mother__age.constraint": by,
        "one_code": by,
        "silent": "set",
        "visit.stale_decision": by,
    }


def test_a_rule_that_asks_otherwise_or_no_more(house: Warehouse) -> None:
    changed = [
        rule("mother__age.constraint", "constraint", expression=". > 8"),
        rule("silent", "group", version=None, expression="14 days"),
        STALE,
    ]
    assert settled(house, changed) == {
        "mother__age.constraint": "rule",
        "one_code": "rule",
        "silent": "rule",
        "visit.stale_decision": "correction",
    }


def test_another_version_of_the_rule_is_not_that_of_the_record(house: Warehouse) -> None:
    newer = rule("mother__age.constraint", "constraint", version="2")
    record(house, "run-1b", RECORD, ("uuid:a", "", "one_code"), GROUP, rules=[*RULES, newer])
    house.con.execute("update answers.loaded_submissions set decisions = 'of one decision'")
    later = rule("mother__age.constraint", "constraint", version="2", expression=". > 7")
    assert settled(house, [*RULES, later])["mother__age.constraint"] == "correction"


def test_what_it_was_read_from_is_told_anew_when_it_comes_back(house: Warehouse) -> None:
    house.take(submission("uuid:b", {"centre": "c2"}, deprecated="uuid:a"))
    settled(house)
    record(house, "run-3", RECORD)
    house.con.execute("update answers.loaded_submissions set decisions = 'of one decision'")
    record(house, "run-4")
    finding = list_findings(house.con, rule="mother__age.constraint", status="mended")[0]
    life = [(event.event, event.run_id, event.settled_by) for event in life_of(house.con, finding.finding_id)]
    assert life == [
        ("opened", "run-1", None),
        ("mended", "run-2", "edit"),
        ("reopened", "run-3", None),
        ("mended", "run-4", "correction"),
    ]


def test_findings_from_before_this_was_kept_do_not_guess(house: Warehouse) -> None:
    house.con.execute("update quality.finding_events set payload_sha256 = null")
    assert settled(house)["mother__age.constraint"] is None


def test_last_seen_is_the_check_before_it_was_mended(house: Warehouse) -> None:
    for run_id in ("run-2", "run-3"):
        record(house, run_id, RECORD, GROUP)
    record(house, "run-4", GROUP)
    record(house, "run-5", GROUP)
    # A finding that is there was seen by the latest check; one that is mended, by the last one before.
    checks = dict(house.rows('select run_id, "at" from quality.check_runs'))
    seen = dict(house.rows("select rule_id, last_seen_at from quality.findings"))
    assert seen["silent"] == checks["run-5"]
    assert seen["mother__age.constraint"] == checks["run-3"]
    assert seen["one_code"] == checks["run-1"]
    assert sorted(checks.values()) == [checks[f"run-{number}"] for number in range(1, 6)]


def test_a_record_that_is_gone_keeps_its_last_owner(house: Warehouse) -> None:
    house.con.execute("update staging.submissions set state = 'dropped'; delete from marts.interviews")
    settled(house)
    found = list_findings(house.con, centre="c1", status="mended")
    assert sorted(item.rule_id for item in found) == ["mother__age.constraint", "one_code", "silent", STALE.rule_id]
    record(house, "run-3", RECORD)
    assert [item.centre_code for item in list_findings(house.con)] == ["c1"]


def test_a_finding_about_a_group_belongs_to_the_group(house: Warehouse) -> None:
    groups = ("enumerator:P03", "enumerator:P04 2026-10-02", "all:")
    record(house, "run-2", GROUP, *(("", row, "silent") for row in groups))
    owners = house.rows(
        'select "row", centre_code, enumerator_code from quality.findings where rule_id = \'silent\' order by "row"'
    )
    assert owners == [
        ("all:", None, None),
        ("centre:c1", "c1", None),
        ("enumerator:P03", None, "P03"),
        ("enumerator:P04 2026-10-02", None, "P04"),
    ]
    assert [item.row for item in list_findings(house.con, centre="c1", rule="silent")] == ["centre:c1"]
