"""The research copy: nothing that identifies a person, everything commented, and readers undisturbed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from laktasi.store import runs
from laktasi.store.publish import publish_research
from laktasi.store.results import write_results
from laktasi.store.warehouse import newest_research, open_research
from tests.warehouse_fixture import STUDY, Warehouse, form, submission, warehouse

NAME, NICKNAME, INFANT = "Xq7NamaIbuXq7", "Xq7PanggilanXq7", "Xq7NamaBayiXq7"
PUBLIC = "Xq7PetugasXq7"
ANSWERS = (
    f"<consent>yes</consent><centre>c1</centre><enumerator>{PUBLIC}</enumerator>"
    f"<mother><name>{NAME}</name><nickname>{NICKNAME}</nickname><age>25</age></mother>"
    "<massage>yes</massage><observed>good</observed><milk>good</milk><signs>wet other</signs>"
    f"<infants><infant_name>{INFANT}</infant_name><infant_weight>3.1</infant_weight></infants>"
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path) as opened:
        opened.take(form(), submission("uuid:1", ANSWERS), submission("uuid:2", {"consent": "yes", "centre": "c9"}))
        opened.error("uuid:1")
        yield opened


def publish(house: Warehouse) -> Path:
    """Do what the end of a run does."""
    house.marts()
    kendall = [{"centre_code": "c1", "exposure": "massage", "outcome": "milk", "population": "all", "n": 1}]
    write_results(house.con, house.run_id, STUDY, {"kendall": kendall})
    runs.finish(house.con, house.run_id, {"staged": 2, "analysed_rows": 2}, {"forms": ["visit 1"]})
    return publish_research(house.con, house.folder, house.questionnaires).path


def test_no_direct_answer_is_in_the_file(house: Warehouse) -> None:
    path = publish(house)
    house.con.execute("checkpoint")
    private, public = house.folder.warehouse.read_bytes(), path.read_bytes()
    for marker in (NAME, NICKNAME, INFANT):
        assert marker.encode() in private  # the search would find it
        assert marker.encode() not in public
    assert PUBLIC.encode() in public
    with open_research(path) as con:
        text = everything(con)
    for marker in (NAME, NICKNAME, INFANT):
        assert marker not in text
    assert PUBLIC in text


@pytest.mark.slow
def test_results_are_those_of_the_two_latest_runs(house: Warehouse) -> None:
    published = []
    for _ in range(3):
        path = publish(house)
        published.append(house.run_id)
        house.run_id = runs.begin(house.con, "cli")
    failed = house.run_id
    write_results(house.con, failed, STUDY, {})
    runs.fail(house.con, failed)
    path = publish_research(house.con, house.folder, house.questionnaires).path
    for table in ("kendall", "contingency", "frequencies"):
        asked = f"select distinct run_id from analysis.{table} order by 1"
        with open_research(path) as con:
            assert con.execute(asked).fetchall() == [(run_id,) for run_id in published[-2:]]
        kept = [run_id for (run_id,) in house.rows(asked)]
        assert kept[:3] == published
    with open_research(path) as con:
        assert con.execute("select distinct run_id from analysis.kendall_latest").fetchall() == [(published[-1],)]
        assert con.execute("select count(*) from meta.runs").fetchall() == [(4,)]


def everything(con: duckdb.DuckDBPyConnection) -> str:
    """Give all rows of all tables and views: what compression may hide from a search in the bytes."""
    relations = con.execute(
        "select distinct schema_name, table_name from duckdb_columns() where not internal"
    ).fetchall()
    return "\n".join(str(con.execute(f'from "{schema}"."{table}"').fetchall()) for schema, table in relations)


def test_no_column_marked_direct_is_there_and_the_codebook_says_so(house: Warehouse) -> None:
    published = publish(house)
    with open_research(published) as con:
        columns = {
            (table, column)
            for table, column in con.execute(
                "select table_name, column_name from duckdb_columns() where schema_name in ('staging', 'labelled')"
            ).fetchall()
        }
        codebook = con.execute("select table_name, column_name, privacy, is_left_out from staging.codebook").fetchall()
    left_out = {(table, column) for table, column, _, is_left_out in codebook if is_left_out}
    assert left_out == {
        ("visit", "mother__name"),
        ("visit", "mother__nickname"),  # not marked, so direct
        ("visit", "meta__instanceID"),
        ("visit__infants", "infant_name"),
    }
    for table, column, privacy, is_left_out in codebook:
        assert is_left_out == (privacy == "direct")
        if privacy == "direct":
            assert not any(name == column and place.startswith(table) for place, name in columns)
    assert ("visit", "mother__age") in columns
    assert ("submissions", "payload_sha256") not in columns


def test_a_column_that_the_codebook_does_not_know_is_left_out(house: Warehouse) -> None:
    house.con.execute("delete from staging.codebook where column_name = 'enumerator'")
    house.marts(None)
    with open_research(publish_research(house.con, house.folder, house.questionnaires).path) as con:
        assert PUBLIC not in everything(con)


STAFF = """| | select_one staff | helper | Bidan | Midwife | direct | |"""
ROSTER = "| | staff | s1 | Xq7BidanXq7 | Xq7MidwifeXq7 |\n"


def test_a_list_that_only_direct_questions_offer_stays_private(house: Warehouse) -> None:
    # version 2 asks which midwife helped, and offers the names; version 3 offers the same list where it may be read
    last = "| | sign | calm | Bayi tenang | Calm infant |\n"
    staff = form("2", more=STAFF, change={last: last + ROSTER})
    shown = {"| | select_one yes_no | massage": "| | select_one staff | massage", last: last + ROSTER}
    house.take(staff, form("3", change=shown))
    with open_research(publish(house)) as con:
        lists = con.execute("select distinct form_version, list_name from staging.choices order by all").fetchall()
        columns = [name for (name,) in con.execute("select column_name from (describe staging.choices)").fetchall()]
        labels = con.execute("select labels from staging.choices where list_name = 'staff'").fetchall()
    everyday = [(version, name) for version in "123" for name in ("centre", "milk", "sign", "yes_no")]
    assert lists == sorted([*everyday, ("3", "staff")])
    assert "properties" not in columns
    assert len(labels) == 1


def test_other_columns_of_a_list_stay_private(house: Warehouse) -> None:
    house.con.execute("update staging.choices set properties = map {'phone': 'Xq70812Xq7'} where list_name = 'yes_no'")
    with open_research(publish(house)) as con:
        assert "Xq70812Xq7" not in everything(con)


def test_everything_is_commented(house: Warehouse) -> None:
    with open_research(publish(house)) as con:
        bare = con.execute(
            """
            select schema_name, table_name, column_name from duckdb_columns() where not internal and comment is null
            union all
            select schema_name, table_name, null from duckdb_tables()
            where comment is null or not contains(comment, 'One row per')
            union all
            select schema_name, view_name, null from duckdb_views()
            where not internal and (comment is null or not contains(comment, 'One row'))
            """
        ).fetchall()
    assert bare == []


def test_choices_are_readable_in_each_language(house: Warehouse) -> None:
    with open_research(publish(house)) as con:
        query = "select centre, massage, milk, signs from labelled.visit_{} where _submission_id = 'uuid:1'"
        # a value that the version does not offer stands as it is; a calculate offers nothing
        assert con.execute(query.format("id")).fetchall() == [("Mopuya", "Ya", "good", ["Popok basah", "other"])]
        assert con.execute(query.format("en")).fetchall() == [("Mopuya", "Yes", "good", ["Wet nappies", "other"])]
        assert con.execute("select count(*) from labelled.visit__infants_en").fetchall() == [(1,)]
        assert con.execute("select centre from labelled.visit_en where _submission_id = 'uuid:2'").fetchall() == [
            ("c9",)
        ]
        comments = con.execute(
            "select comment from duckdb_columns() where table_name = 'visit_en' and column_name = 'massage'"
        )
        assert comments.fetchall() == [("Massage?",)]


def test_results_findings_and_runs_are_there(house: Warehouse) -> None:
    with open_research(publish(house)) as con:
        assert con.execute("select run_id, centre_code from analysis.kendall_latest").fetchall() == [
            (house.run_id, "c1")
        ]
        assert con.execute("select rule_id, centre_code, enumerator_code from quality.findings").fetchall() == [
            ("mother__age.constraint", "c1", PUBLIC)
        ]
        assert con.execute("select status, manifest from meta.runs").fetchall() == [
            ("finished", '{"forms": ["visit 1"]}')
        ]
        assert con.execute("select count(*) from marts.analysed").fetchall() == [(2,)]
        assert not any(
            str(house.folder.root) in row[0] for row in con.execute("select sql from duckdb_views()").fetchall()
        )
        with pytest.raises(duckdb.InvalidInputException):
            con.execute("delete from meta.runs")


def test_a_finding_is_published_without_what_people_wrote_and_none_about_a_phone(house: Warehouse) -> None:
    for group in ("device:collect:AbC", "centre:c1"):
        house.con.execute(
            """
            insert into quality.finding_events by name
            select ? as finding_id, 'r' as run_id, 'opened' as event, now() as "at", 'visit' as form_id,
                '' as submission_id, ? as "row", 'silent' as rule_id
            """,
            [group, group],
        )
        # Somebody has accepted it.
        house.con.execute(
            "insert into quality.decision_states values (?, 'okay', 'visit', null, ?, null, 'applied')",
            [group[:6], group],
        )
    with open_research(publish(house)) as con:
        assert con.execute('select "row" from quality.decision_states').fetchall() == [("centre:c1",)]
        found = con.execute("select \"row\" from quality.findings where submission_id = ''").fetchall()
        assert found == [("centre:c1",)]
        columns = {name for name, *_ in con.execute("describe quality.findings").fetchall()}
        assert {"reviewer", "reason"} & columns == set()
        assert "AbC" not in everything(con)


def test_stale_files_are_removed_and_none_is_left(house: Warehouse) -> None:
    old = "research-20261120T050000123Z-a1b2c3.duckdb"
    for name in ("research.duckdb.tmp-killed", "research.duckdb.tmp-killed.wal", old, "research-mine.duckdb"):
        (house.folder.root / name).write_bytes(b"half")
    publish(house)
    left = sorted(path.name for path in house.folder.root.glob("research*"))
    assert left == ["research-mine.duckdb", "research.duckdb"], "what somebody put there stays"


@pytest.mark.skipif(os.name == "nt", reason="Windows forbids renaming over an open file; the pointer is tested below")
def test_an_open_reader_keeps_the_old_file(house: Warehouse) -> None:
    path = publish(house)
    with open_research(path) as reader:
        house.take(submission("uuid:3", {"consent": "yes", "centre": "c1"}))
        assert publish(house) == path
        assert reader.execute("select count(*) from staging.visit").fetchall() == [(2,)]
        assert len(reader.execute("select * from labelled.visit_en").fetchall()) == 2
    with open_research(path) as reader:
        assert reader.execute("select count(*) from staging.visit").fetchall() == [(3,)]


@pytest.mark.slow
def test_where_an_open_file_cannot_be_replaced_a_pointer_leads(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = publish(house)
    replace = Path.replace

    def forbidden(self: Path, target: Path) -> Path:
        if Path(target) == house.folder.research:
            raise PermissionError("in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", forbidden)
    house.take(submission("uuid:3", {"consent": "yes", "centre": "c1"}))
    versioned = publish(house)
    assert versioned != plain
    assert newest_research(plain) == versioned
    assert newest_research(versioned) == versioned
    with open_research(plain) as con:
        assert con.execute("select count(*) from staging.visit").fetchall() == [(3,)]
    monkeypatch.undo()
    # the next run may replace it again: the pointer goes, and with the run after it the versioned file
    assert publish(house) == plain
    assert newest_research(plain) == plain
    publish(house)
    assert sorted(path.name for path in house.folder.root.glob("research*")) == ["research.duckdb"]


def test_publishing_twice_gives_the_same(house: Warehouse) -> None:
    with open_research(publish(house)) as con:
        first = sorted(everything(con).splitlines())
    with open_research(publish_research(house.con, house.folder, house.questionnaires).path) as con:
        assert sorted(everything(con).splitlines()) == first


def test_a_warehouse_without_submissions_is_published_too(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.stand()
        house.marts(None)
        with open_research(publish_research(house.con, house.folder, house.questionnaires).path) as con:
            assert con.execute("select count(*) from marts.submissions").fetchall() == [(0,)]
