"""From landed payloads to text and typed tables: versions united, changes followed, a rerun changing nothing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from laktasi.records import Status
from laktasi.store import answers as answers_module
from laktasi.store import raw
from laktasi.store import rows as rows_module
from laktasi.store.answers import load_answers
from laktasi.store.submissions import resolve
from tests.warehouse_fixture import MORE, Warehouse, contents, form, submission, warehouse

INFANTS = (
    "<infants><infant_name>Adi</infant_name><feeds><at>07:00</at></feeds><feeds><at>08:00</at></feeds></infants>"
    "<infants><infant_name>Budi</infant_name></infants>"
)


def filled(house: Warehouse, count: int = 5) -> Warehouse:
    """Take the form and some submissions with repeats."""
    return house.take(
        form(), *(submission(f"uuid:{number}", f"<weight>{number}</weight>{INFANTS}") for number in range(count))
    )


def test_typed_tables_hold_what_was_written(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(
            form(),
            submission(
                "uuid:1",
                "<start>2026-11-20T07:30:00.000+08:00</start><today>2026-11-20</today><mother><age>25</age></mother>"
                f"<signs>wet calm</signs><place>-0.5 124.25 10 4.5</place><weight>3.25</weight>{INFANTS}",
                status=Status.UNKNOWN,
            ),
        )
        assert house.rows(
            """
            select strftime(start, '%Y-%m-%d %H:%M %z'), start__offset, today::varchar, mother__age, signs, place__lat,
                place__lon, place__alt, place__acc, weight, _row, _form_version, _status
            from staging.visit
            """
        ) == [
            (
                "2026-11-19 23:30 +00",
                480,
                "2026-11-20",
                25,
                ["wet", "calm"],
                -0.5,
                124.25,
                10,
                4.5,
                3.25,
                "",
                "1",
                "unknown",
            )
        ]
        assert house.rows(
            'select _row, _parent_row, "at"::varchar from staging.visit__infants__feeds order by _row'
        ) == [
            ("1.1", "1", "07:00:00"),
            ("1.2", "1", "08:00:00"),
        ]
        assert house.rows("select mother__age from answers.visit") == [("25",)]


def test_what_cannot_be_cast_is_null_and_its_text_stays(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form(), submission("uuid:1", "<mother><age>25.7</age></mother>"))
        assert house.rows("select mother__age from staging.visit") == [(None,)]
        assert house.rows("select mother__age from answers.visit") == [("25.7",)]


def test_versions_are_united(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form("1"), submission("uuid:1", {"weight": "1"}))
        house.take(
            form("2", more=MORE, change={"Umur": "Usia"}),
            submission("uuid:2", {"weight": "2", "remark": "later"}, version="2"),
        )
        assert house.rows("select _submission_id, _form_version, remark, weight from staging.visit order by 1") == [
            ("uuid:1", "1", None, 1.0),
            ("uuid:2", "2", "later", 2.0),
        ]
        assert house.loaded == answers_module.Loaded(read=1, removed=0)
        comments = dict(
            house.rows(
                """
                select column_name, comment from duckdb_columns()
                where schema_name = 'staging' and table_name = 'visit'
                """
            )
        )
        assert comments["mother__age"] == "Usia (privacy: quasi)"
        assert comments["remark"] == "Catatan (privacy: direct)"
        assert house.rows("select form_version, count(*) from staging.choices group by all order by 1") == [
            ("1", 9),
            ("2", 9),
        ]


@pytest.mark.parametrize("newer", ["text", "integer", "date", "geopoint"])
def test_a_changed_type_becomes_text_and_is_reported(tmp_path: Path, newer: str) -> None:
    changed = form("2", change={"decimal | weight": f"{newer} | weight"})
    with warehouse(tmp_path) as house:
        house.take(form("1"), submission("uuid:1", {"weight": "1.50"}))
        house.take(changed, submission("uuid:2", {"weight": "x"}, version="2"))
        assert house.stood is not None
        (change,) = house.stood.type_changes
        assert (change.table_name, change.column_name) == ("visit", "weight")
        assert dict(change.types) == {"1": "decimal", "2": newer}
        assert house.rows("select weight from staging.visit order by 1") == [("1.50",), ("x",)]


def test_a_change_that_columns_do_not_feel_is_none(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form("1"), form("2", change={"text | enumerator": "select_one centre | enumerator"}))
        assert house.stood is not None
        assert house.stood.type_changes == ()


def test_upper_and_lower_case_are_one_column(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form("1"), submission("uuid:1", {"weight": "1"}))
        house.take(
            form("2", change={"decimal | weight": "decimal | Weight"}),
            submission("uuid:2", {"Weight": "2"}, version="2"),
        )
        assert house.rows("select weight from staging.visit order by 1") == [(1.0,), (2.0,)]


def test_the_strictest_privacy_of_all_versions_counts(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form("1", change={"Berat | Weight | none": "Berat | Weight | direct"}), form("2"))
        assert house.rows("select privacy from staging.codebook where column_name = 'weight'") == [("direct",)]


def test_a_rerun_changes_nothing(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        before = contents(filled(house).con)
        filled(house)
        assert house.loaded == answers_module.Loaded(read=0, removed=0)
        assert contents(house.con) == before
    with warehouse(tmp_path) as house:
        assert contents(house.stand().con) == before
    assert before["answers.visit__infants"].startswith("10")


def test_an_edit_replaces_the_parent_and_its_children(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        filled(house, 2)
        edit = "<weight>99</weight><odd>1</odd><infants><infant_name>Citra</infant_name></infants>"
        house.take(submission("uuid:edit", edit, deprecated="uuid:1"))
        assert house.loaded == answers_module.Loaded(read=1, removed=0)
        assert house.rows("select _submission_id, weight from answers.visit order by 1") == [
            ("uuid:0", "0"),
            ("uuid:1", "99"),
        ]
        assert house.rows("select _row, infant_name from answers.visit__infants where _submission_id = 'uuid:1'") == [
            ("1", "Citra")
        ]
        assert house.rows("select _submission_id from answers.visit__infants__feeds") == [("uuid:0",), ("uuid:0",)]
        assert house.rows("select _submission_id, path from answers.unknown_nodes") == [("uuid:1", "odd")]
        house.take(submission("uuid:edit2", "<weight>100</weight>", deprecated="uuid:edit"))
        assert house.rows("from answers.unknown_nodes") == []


def test_what_is_no_longer_staged_is_removed(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form(), submission("b", f"<odd>1</odd>{INFANTS}", status=Status.UNKNOWN, changed=1))
        assert house.rows("select count(*) from answers.visit__infants") == [(2,)]
        # its metadata turn up: it is a draft
        house.take(submission("b", f"<odd>1</odd>{INFANTS}", status=Status.DRAFT, changed=1))
        assert house.loaded == answers_module.Loaded(read=0, removed=1)
        for table in ("visit", "visit__infants", "visit__infants__feeds", "unknown_nodes", "loaded_submissions"):
            assert house.rows(f"from answers.{table}") == []
        assert house.rows("from staging.visit") == []


def test_an_ancestor_that_lands_late_renames_the_submission(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form(), submission("c", {"weight": "3"}, deprecated="b"))
        assert house.rows("select _submission_id from answers.visit") == [("b",)]
        house.take(submission("b", {"weight": "2"}, deprecated="a"))
        assert house.rows("select _submission_id, weight from answers.visit") == [("a", "3")]
        assert house.loaded == answers_module.Loaded(read=1, removed=1)


def test_a_run_killed_between_batches_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is all or nothing, whatever instruction it dies at; what was committed is not read again."""
    with warehouse(tmp_path / "clean") as house:
        clean = contents(filled(house, 7).con, without=("meta.runs", "meta.migrations", *RUN_TABLES))
    with warehouse(tmp_path / "killed") as house:
        items = [submission(f"uuid:{number}", f"<weight>{number}</weight>{INFANTS}") for number in range(7)]
        raw.land(house.con, house.folder, [form(), *items], house.run_id)
        questionnaires = house.questionnaires
        resolve(house.con, questionnaires)
        appended = 0

        def dies_in_the_second_batch(con: duckdb.DuckDBPyConnection, place: str, rows: object) -> None:
            nonlocal appended
            appended += 1
            if appended == 5:  # three tables a batch: in the middle of the second
                raise KeyboardInterrupt
            rows_module.append(con, place, rows)

        monkeypatch.setattr("laktasi.store.answers.append", dies_in_the_second_batch)
        with pytest.raises(KeyboardInterrupt):
            load_answers(house.con, questionnaires, batch=2)
        monkeypatch.undo()
    with warehouse(tmp_path / "killed") as house:
        assert house.rows("select count(*) from answers.visit") == [(2,)]
        assert house.rows("select count(*) from answers.visit__infants") == [(4,)]
        house.stand()
        assert house.loaded == answers_module.Loaded(read=5, removed=0)
        assert contents(house.con, without=("meta.runs", "meta.migrations", *RUN_TABLES)) == clean


RUN_TABLES = ("raw.submissions", "raw.forms", "staging.submissions")
"""These hold times of landing and run ids."""


def test_another_layout_is_read_anew(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        filled(house, 3)
        house.con.execute(
            "update answers.loaded_submissions set layout = 'of older code' where _submission_id <> 'uuid:0'"
        )
        before = contents(filled(house, 3).con)
        assert house.loaded == answers_module.Loaded(read=2, removed=0)
        assert contents(filled(house, 3).con) == before


def test_a_hundred_batches_read_each_submission_once(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        items = [submission(f"uuid:{number}", {"weight": str(number)}) for number in range(300)]
        raw.land(house.con, house.folder, [form(), *items], house.run_id)
        resolve(house.con, house.questionnaires)
        told: list[tuple[int, int | None]] = []
        loaded = load_answers(
            house.con, house.questionnaires, batch=3, progress=lambda _, done, total: told.append((done, total))
        )
        assert loaded.read == 300
        assert told[-1] == (300, 300)
        assert house.rows("select count(*), count(distinct weight) from answers.visit") == [(300, 300)]
