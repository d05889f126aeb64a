"""What changed since the run before, and why: every cause by itself, each row under one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.records import FieldedForm, Status, Submission
from laktasi.store import raw, runs
from laktasi.store.changes import Changes, changed_rows, published, read_changes, record_changes
from laktasi.store.results import write_results
from laktasi.store.sql import transaction
from laktasi.store.warehouse import open_warehouse
from laktasi.study import Study
from laktasi.summary import change_lines
from tests.warehouse_fixture import FORM, STUDY, Warehouse, form, submission, warehouse

pytestmark = pytest.mark.slow

GOOD = {"consent": "yes", "centre": "c1", "massage": "yes", "milk": "good"}
MANIFEST: dict[str, Any] = {
    "study": "example",
    "forms": {f"{FORM} 1": "a", "other 1": "b"},
    "media": {},
    "rules": {f"{FORM}: mother__age.constraint": "1", f"{FORM}: {FORM}.rejected": "2"},
    "schemas": {"study.yml": "1"},
    "code": {"laktasi": "0.1.0", "commit": "abc"},
}
RULE = "mother__age.constraint"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three included submissions, one that is not, and a run that has finished with them."""
    with warehouse(tmp_path_factory.mktemp("begun"), form()) as house:
        land(house, *(submission(name, GOOD) for name in ("u1", "u2", "u3")), submission("no", {"consent": "no"}))
        assert finish(house).since is None
        house.con.execute("checkpoint")
        return house.folder.warehouse.read_bytes()


@pytest.fixture
def house(tmp_path: Path, begun: bytes) -> Iterator[Warehouse]:
    folder = DataFolder(tmp_path)
    folder.warehouse.write_bytes(begun)
    with open_warehouse(folder) as con:
        yield Warehouse(con, folder, runs.begin(con, "cli"))


def land(house: Warehouse, *items: Submission | FieldedForm) -> None:
    raw.land(house.con, house.folder, items, house.run_id)


def finish(
    house: Warehouse, manifest: Mapping[str, Any] = MANIFEST, study: Study = STUDY, *, is_published: bool = True
) -> Changes:
    """End a run with what stands there, and begin the next one."""
    house.stand().marts(study)
    with transaction(house.con):
        runs.finish(house.con, house.run_id, {"staged": 1}, manifest)
        record_changes(house.con, house.run_id, FORM, manifest)
    if is_published:
        published(house.con, house.run_id)
    ended, house.run_id = house.run_id, runs.begin(house.con, "cli")
    return read_changes(house.con, ended)


def decide(house: Warehouse, decision: str, state: str, submission_id: str = "u1") -> None:
    house.con.execute("delete from quality.decision_states where decision_id = ?", [decision])
    house.con.execute(
        "insert into quality.decision_states values (?, 'replace', ?, ?, '', 'massage', ?)",
        [decision, FORM, submission_id, state],
    )


def test_the_first_run_has_nothing_to_be_compared_with(house: Warehouse) -> None:
    (first,) = house.rows("select run_id from meta.runs where status = 'finished'")
    told = read_changes(house.con, first[0])
    assert (told.since, told.rows, told.results, list(change_lines(told))) == (None, (), (), [])


def test_what_was_here_before_changes_were_kept_is_not_new(house: Warehouse) -> None:
    house.con.execute("delete from meta.analysed_rows; update meta.runs set manifest = '{}'")  # an earlier laktasi
    told = finish(house)
    assert (told.since, told.rows, told.results) == (None, (), ())
    assert house.rows("select count(*), count(cause) from meta.analysed_rows") == [(4, 0)]
    land(house, submission("u4", GOOD))
    assert finish(house).rows == (("new", "new submission", 1),)


def test_after_a_run_that_found_no_submission_all_are_new(tmp_path: Path) -> None:
    with warehouse(tmp_path, form()) as house:
        nothing = finish(house)
        land(house, submission("u1", GOOD))
        told = finish(house)
    assert nothing.since is None
    assert (told.since, told.rows) == (nothing.run_id, (("new", "new submission", 1),))


def test_nothing_changes_where_nothing_changes(house: Warehouse) -> None:
    (first,) = house.rows("select run_id from meta.runs where status = 'finished'")[0]
    told = finish(house)
    assert (told.since, told.rows) == (first, ())
    assert changed_rows(house.con) == []
    assert [line.partition(" UTC")[2] for line in change_lines(told)] == [" no row of the analysis has changed"]


def test_new_edited_and_deleted_submissions(house: Warehouse) -> None:
    land(
        house,
        submission("u4", GOOD),
        submission("u4b", GOOD | {"consent": "no"}),  # not a row of the analysis
        submission("e1", GOOD | {"massage": "no"}, deprecated="u1"),
        submission("e2", GOOD | {"consent": "no"}, deprecated="u2"),
        submission("e5", GOOD | {"mother": "x"}, deprecated="u3"),  # an edit that changes nothing that is analysed
        submission("e6", GOOD, deprecated="no"),
    )
    told = finish(house)
    assert told.rows == (
        ("changed", "edited submission", 1),
        ("gone", "edited submission", 1),
        ("new", "edited submission", 1),
        ("new", "new submission", 1),
    )
    assert changed_rows(house.con) == [
        ("u1", "changed", "edited submission"),
        ("u2", "gone", "edited submission"),
        ("no", "new", "edited submission"),
        ("u4", "new", "new submission"),
    ]
    house.con.execute(
        """
        insert into raw.submission_states by name
        select form_id, instance_id as submission_id, instance_id, 0 as edits, landed_at as submitted_at,
            now() as deleted_at, false as is_purged, 0 as attachments_present, 0 as attachments_expected,
            'central:x/1' as source, now() as landed_at, run_id
        from raw.submissions where instance_id = 'u4'
        """
    )
    assert finish(house).rows == (("gone", "deletion", 1),)
    house.con.execute("delete from raw.submissions where instance_id = 'u3' or deprecated_id = 'u3'")  # erased
    assert finish(house).rows == (("gone", "deletion", 1),)
    assert changed_rows(house.con) == []


def test_a_chain_that_is_called_otherwise_is_no_other_record(house: Warehouse) -> None:
    land(house, submission("late", GOOD, deprecated="first"))
    assert finish(house).rows == (("new", "new submission", 1),)
    land(house, submission("first", GOOD, deprecated="older"))  # the link before it: the chain is now called older
    assert finish(house).rows == (("gone", "edited submission", 1), ("new", "edited submission", 1))


def test_what_was_a_draft_or_waited_for_its_form(house: Warehouse) -> None:
    land(house, submission("d", GOOD, status=Status.DRAFT), submission("w", GOOD, version="2"))
    assert finish(house).rows == ()
    land(house, submission("d", GOOD), form("2"))
    assert finish(house, MANIFEST | {"forms": MANIFEST["forms"] | {f"{FORM} 2": "c"}}).rows == (
        ("new", "form version", 1),
        ("new", "new submission", 1),
    )


def test_decisions(house: Warehouse) -> None:
    house.error("u2")
    assert finish(house).rows == (("changed", "finding", 1),)
    decide(house, "d1", "applied")
    decide(house, "d2", "applied", "u2")  # an okay
    decide(house, "d3", "stale", "u3")
    house.con.execute("update answers.visit set massage = 'no' where _submission_id = 'u1'")
    house.event("u2", RULE, "accepted")
    house.con.execute("update quality.finding_events set decision_id = 'd2' where event = 'accepted'")
    assert finish(house).rows == (("changed", "decision", 2),)
    decide(house, "d1", "withdrawn")
    house.con.execute("update answers.visit set massage = 'yes' where _submission_id = 'u1'")
    assert finish(house).rows == (("changed", "decision", 1),)
    house.con.execute(
        """
        insert into quality.decisions by name
        select 'd4' as decision_id, 'drop' as action, form_id, instance_id as submission_id, '' as "row",
            instance_id as expected, 'r' as reason, 'Ani' as reporter, date '2026-11-20' as decided_on, run_id,
            landed_at
        from raw.submissions where instance_id = 'u3'
        """
    )
    assert finish(house).rows == (("gone", "decision", 1),)


def test_findings_and_reviews(house: Warehouse) -> None:
    house.error("u1")
    house.error("u2", f"{FORM}.rejected")
    assert finish(house).rows == (("changed", "finding", 1), ("changed", "review state", 1))
    house.event("u1", RULE, "mended")
    assert finish(house).rows == (("changed", "finding", 1),)
    assert house.rows("select kept_out_by from meta.analysed_rows where submission_id = 'u2'") == [
        ([f"{FORM}.rejected"],)
    ]


def test_a_rule_that_is_new_or_otherwise_is_a_change_of_what_declares_it(house: Warehouse) -> None:
    house.error("u1")
    changed = MANIFEST | {"schemas": {"study.yml": "1", "checks.yml": "2"}}
    rules = MANIFEST["rules"] | {f"{FORM}: {RULE}": "another"}
    assert finish(house, changed | {"rules": rules}).rows == (("changed", "schemas", 1),)
    house.event("u1", RULE, "mended")
    assert finish(house, changed | {"rules": rules}).rows == (("changed", "finding", 1),)


@pytest.mark.parametrize(
    ("differs", "cause"),
    [
        ({}, "unexplained"),
        ({"code": {"laktasi": "0.2.0"}}, "code"),
        ({"schemas": {"study.yml": "2"}, "code": {"laktasi": "0.2.0"}}, "schemas"),
        ({"forms": {f"{FORM} 1": "other"}, "schemas": {}}, "form version"),
        ({"media": {f"{FORM} 1": {"centres.csv": "c"}}}, "form version"),
        ({"forms": MANIFEST["forms"] | {"other 1": "c"}}, "unexplained"),  # another form's
    ],
)
def test_what_lies_around_a_record_explains_what_nothing_of_its_own_does(
    house: Warehouse, differs: dict[str, Any], cause: str
) -> None:
    milk = STUDY.variables["milk"]
    turned = replace(STUDY, variables={**STUDY.variables, "milk": replace(milk, levels=("good", "fair", "poor"))})
    assert finish(house, MANIFEST | differs, turned).rows == (("changed", cause, 3),)


def test_a_run_that_fails_is_not_compared_with(house: Warehouse) -> None:
    (first,) = house.rows("select run_id from meta.runs where status = 'finished'")[0]
    land(house, submission("u4", GOOD))
    house.stand().marts()
    house.con.begin()
    record_changes(house.con, house.run_id, FORM, MANIFEST)
    house.con.rollback()
    runs.fail(house.con, house.run_id)
    house.run_id = runs.begin(house.con, "cli")
    told = finish(house)
    assert (told.since, told.rows) == (first, (("new", "new submission", 1),))


def test_what_was_never_published_is_told_by_the_next_run(house: Warehouse) -> None:
    (first,) = house.rows("select run_id from meta.runs where status = 'finished'")[0]
    land(house, submission("u4", GOOD))
    never = finish(house, is_published=False)
    runs.fail(house.con, never.run_id)
    assert house.rows(f"select status from meta.runs where run_id = '{never.run_id}'") == [("failed",)]
    land(house, submission("u5", GOOD))
    for told in (finish(house, is_published=False), finish(house)):  # killed, and then published
        assert (told.since, told.rows) == (first, (("new", "new submission", 2),))
        assert [submission_id for submission_id, *_ in changed_rows(house.con)] == ["u4", "u5"]
    runs.fail(house.con, told.run_id)  # the report could not be written
    assert house.rows(f"select status from meta.runs where run_id = '{told.run_id}'") == [("finished",)]
    again = finish(house)
    assert (again.since, again.rows) == (told.run_id, ())
    assert house.rows("select distinct run_id from meta.analysed_rows") == [(again.run_id,)]


def test_after_a_run_that_found_none_and_one_that_was_not_published_all_are_new(tmp_path: Path) -> None:
    with warehouse(tmp_path, form()) as house:
        nothing = finish(house)
        land(house, submission("u1", GOOD))
        assert finish(house, is_published=False).since == nothing.run_id
        told = finish(house)
    assert (told.since, told.rows) == (nothing.run_id, (("new", "new submission", 1),))


def test_the_run_before_is_the_one_published_last_though_the_clock_was_set_back(house: Warehouse) -> None:
    house.con.execute("update meta.runs set published_at = '2090-01-01' where published_at is not null")
    second = finish(house)
    assert finish(house).since == second.run_id


def test_another_form_of_the_study_is_a_change_of_schemas(house: Warehouse) -> None:
    with transaction(house.con):
        runs.finish(house.con, house.run_id, {"staged": 1}, MANIFEST)
        record_changes(house.con, house.run_id, "other", MANIFEST)
    published(house.con, house.run_id)
    told, house.run_id = read_changes(house.con, house.run_id), runs.begin(house.con, "cli")
    assert told.rows == (("gone", "schemas", 3),)
    house.con.execute(
        "insert into meta.analysed_rows values (?, 'other', 'o1', 'o1', 'x', '1', 'live', false, null, null, [], [],"
        " null, null)",
        [told.run_id],
    )
    assert finish(house).rows == (("new", "schemas", 3),)


def test_a_run_without_a_study_says_so_and_names_no_rows_of_another(house: Warehouse) -> None:
    land(house, submission("u4", GOOD))
    with_study = finish(house)
    assert len(changed_rows(house.con)) == 1
    ended, house.run_id = house.run_id, runs.begin(house.con, "cli")
    runs.finish(house.con, ended, {"staged": 1}, MANIFEST | {"study": None})
    published(house.con, ended)
    told = read_changes(house.con)
    assert (told.run_id, told.has_study, told.since) == (ended, False, None)
    assert changed_rows(house.con) == []
    assert with_study.has_study
    assert finish(house).since == with_study.run_id


def test_results_stand_beside_those_of_the_run_before(house: Warehouse) -> None:
    def result(tau: float, n: int) -> None:
        question = {"exposure": "massage", "outcome": "milk", "population": "accepted", "centres": 1, "centres_used": 1}
        row = question | {"n": n, "tau_b": tau, "ci_low": tau - 0.1, "ci_high": np.nan}
        blocks = [row | {"method": "stratified"}, row | {"method": "naive"}]
        write_results(house.con, house.run_id, STUDY, {"pooled": blocks})

    result(0.25, 3)
    finish(house)
    result(0.5, 4)
    told = finish(house)
    assert [
        {name: row[name] for name in ("result", "n_before", "n", "tau_b_before", "tau_b")} for row in told.results
    ] == [{"result": "stratified", "n_before": 3, "n": 4, "tau_b_before": 0.25, "tau_b": 0.5}]
    assert list(change_lines(told, STUDY.analyses[0]))[1:] == [
        "  massage × milk, accepted records, within all: tau_b 0.250 (n = 3) → tau_b 0.500 (n = 4)"
    ]
    gone = finish(house)
    assert [(row["tau_b_before"], row["tau_b"]) for row in gone.results] == [(0.5, None)]


def test_a_run_that_is_not_there_is_an_error(house: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="no run x has finished"):
        read_changes(house.con, "x")
    house.con.execute("alter table meta.runs drop column compared_with")
    with pytest.raises(WarehouseError, match="does not say what changed"):
        read_changes(house.con)
