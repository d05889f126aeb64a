"""Tombstones: whose rows go, what is known by them at the door, and how they travel with a backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.records import Attachment, Refused, Status, Submission
from laktasi.secret import key_of
from laktasi.store import raw, runs
from laktasi.store.leaving.erasing import Hers, apply, erase, forget
from laktasi.store.leaving.scrubbing import empty_shelves, left_to_do, rewrite_warehouse
from laktasi.store.leaving.seeking import refused_of
from laktasi.store.leaving.subjects import (
    code_in,
    find_records,
    find_staged,
    hash_of,
    ids_of,
    keep_places,
    normalised,
    subject_places,
)
from laktasi.store.leaving.tombstones import Person, tombstones
from laktasi.store.sql import transaction
from laktasi.store.warehouse import open_warehouse
from laktasi.study import Roles
from tests import lakes
from tests.warehouse_fixture import FORM, STUDY, Warehouse, form, payload, submission, warehouse

pytestmark = pytest.mark.slow

CODE = "MPY-7"
PLACES = {FORM: ("mother/nickname",)}
"""The form has no study code; its answer to this question does for one."""


def of(instance: str, code: str | None = CODE, *, answers: str = "", **given: object) -> Submission:
    """Make a version of a record; of a code None it names nobody."""
    named = f"<mother><nickname>{code}</nickname></mother>" if code is not None else ""
    return submission(instance, f"<consent>yes</consent><centre>c1</centre>{named}{answers}", **given)  # type: ignore[arg-type]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path, form()) as house:
        keep_places(house.con, PLACES)
        yield house


def is_hers(text: str) -> bool:
    return normalised(text) == normalised(CODE)


def person(house: Warehouse) -> Person:
    return Person(hash_of(key_of(house.folder), CODE), "withdrew", house.run_id, "Ani")


def leave(house: Warehouse) -> Hers:
    """Find and forget, as the command does."""
    found = find_records(house.con, house.questionnaires, PLACES, is_hers)
    hers = Hers(found.hers, (), (), tuple(refused_of(house.con, house.folder, {"nickname"}, {
        name for ids in found.hers.values() for name in ids
    }, is_hers)))  # fmt: skip
    forget(house.con, person(house), hers)
    return hers


def landed(house: Warehouse) -> set[str]:
    return {name for (name,) in house.rows("select instance_id from raw.submissions")}


def bring(house: Warehouse, *items: Submission | Refused) -> raw.Landed:
    return raw.land(house.con, house.folder, items, house.run_id)


# Which records are hers


def test_codes_are_compared_without_spaces_and_capitals() -> None:
    assert normalised(" mpy-7\n") == normalised("MPY-7") == normalised("ＭＰＹ-7")
    assert normalised("MPY 7") != normalised("MPY-7")
    key = b"k" * 32
    assert hash_of(key, "mpy-7 ") == hash_of(key, CODE) != hash_of(b"x" * 32, CODE)
    assert CODE not in hash_of(key, CODE)


@pytest.mark.parametrize(
    ("xml", "found"),
    [
        ("<data><mother><nickname>x y</nickname></mother></data>", "x y"),
        ("<d:data xmlns:d='u'><d:mother><d:nickname>x</d:nickname></d:mother></d:data>", "x"),
        ("<data><sister><nickname>x</nickname></sister></data>", None),
        ("<data><mother><nickname> </nickname></mother></data>", None),
        ("<data><mother><nickname>x", None),
        ("", None),
    ],
)
def test_the_code_is_read_where_the_form_asks_for_it(xml: str, found: str | None) -> None:
    assert code_in(xml.encode(), ("mother/nickname",)) == found


def test_places_are_those_of_the_role_of_back_checks_and_of_a_question_called_the_same(house: Warehouse) -> None:
    from dataclasses import replace

    study = replace(STUDY, roles=Roles(centre="centre", subject="mother/nickname"))
    assert subject_places(study, house.questionnaires) == PLACES
    assert subject_places(STUDY, house.questionnaires) == {}
    assert subject_places(None, house.questionnaires) == {}


def test_records_of_every_state_are_found(house: Warehouse) -> None:
    house.take(
        of("staged"),
        of("edited"),
        of("edited2", deprecated="edited", answers="<observed>good</observed>"),
        of("draft", status=Status.DRAFT),
        of("waits", version="9"),
        of("other", "MPY-8"),
        # She withdrew her consent, and the answers are empty.
        of("emptied"),
        of("emptied2", None, deprecated="emptied"),
        # It was mistyped, and an edit says that it is another's.
        of("mistyped"),
        of("mistyped2", "MPY-9", deprecated="mistyped"),
        # An edit whose first version never came.
        of("loose", deprecated="never-came"),
    )
    found = find_records(house.con, house.questionnaires, PLACES, is_hers)
    assert {name for _, name in found.hers} == {"staged", "edited", "draft", "waits", "emptied", "never-came"}
    assert found.hers[FORM, "edited"] == ("edited", "edited2")
    assert found.hers[FORM, "never-came"] == ("never-came", "loose")
    assert found.others == ((FORM, "mistyped"),)
    staged = find_staged(house.con, house.questionnaires, PLACES, is_hers)
    assert {name for _, name in staged} == {"staged", "edited", "never-came"}


# What is erased


def test_the_whole_chain_goes_from_every_table_and_others_stay(house: Warehouse) -> None:
    house.take(of("a"), of("b", deprecated="a", answers="<milk>x</milk>"), of("other", "MPY-8")).marts()
    house.error("a")
    house.error("other")
    leave(house)
    assert landed(house) == {"other"}
    for table in ("staging.submissions", "staging.visit", "answers.visit", "answers.loaded_submissions"):
        assert house.rows(f"select count(*) from {table}") == [(1,)], table
    assert house.rows("select submission_id from quality.finding_events") == [("other",)]
    assert house.rows("select submission_id from marts.analysed") in ([("other",)], [])
    assert left_to_do(house.con) == ["files"]
    house.stand()
    assert house.rows("select _submission_id from staging.visit") == [("other",)]


def test_another_forms_record_of_the_same_id_is_read_anew(house: Warehouse, tmp_path: Path) -> None:
    other = form(change={"| | visit |": "| | revisit |"})
    house.take(other, of("a"))
    twin = payload("<consent>no</consent>", instance="a").replace(b'id="visit"', b'id="revisit"')
    house.take(Submission("revisit", "1", "a", None, twin, Status.FINALISED, "phones", None))
    leave(house)
    house.stand()
    assert house.rows("select form_id from raw.submissions") == [("revisit",)]
    assert house.rows("select consent from answers.revisit") == [("no",)]
    assert house.rows("select count(*) from answers.visit") == [(0,)]


def test_files_go_where_no_other_record_has_the_same_content(house: Warehouse, tmp_path: Path) -> None:
    def file(name: str, content: bytes) -> Attachment:
        path = tmp_path / f"brought-{name}"
        path.write_bytes(content)
        return Attachment(name, path)

    from dataclasses import replace

    shared, own = file("p.jpg", b"the same photo"), file("q.jpg", b"hers")
    bring(house, replace(of("a"), attachments=(shared, own)), replace(of("o", "MPY-8"), attachments=(shared,)))
    house.stand()
    leave(house)
    assert len(left_to_do(house.con)) == 3
    assert empty_shelves(house.con, house.folder) == 1
    assert [path.read_bytes() for path in house.folder.attachments.rglob("*") if path.is_file()] == [b"the same photo"]
    assert left_to_do(house.con) == ["files"]
    assert empty_shelves(house.con, house.folder) == 0


def test_a_refused_file_that_names_her_goes_with_what_came_beside_it(house: Warehouse, tmp_path: Path) -> None:
    def refused(name: str, content: bytes) -> Refused:
        path = tmp_path / name.replace("/", "-")
        path.write_bytes(content)
        return Refused(path, name, "torn")

    whole = payload(f"<mother><nickname>{CODE}</nickname></mother>", instance="torn")
    others = payload("<mother><nickname>MPY-8</nickname></mother>", instance="else")
    files = [
        refused("instances/x/x.xml", whole[:-30]),
        refused("instances/x/photo.jpg", b"of her"),
        refused("instances/y/y.xml", others[:-30]),
        refused("instances/lone.xml", whole[:-25].decode().encode("utf-16")),
        refused("instances/beside.jpg", b"of somebody"),
    ]
    bring(house, *files)
    leave(house)
    assert house.rows("select name from raw.refused order by 1") == [("instances/beside.jpg",), ("instances/y/y.xml",)]
    assert empty_shelves(house.con, house.folder) == 3
    done = bring(house, *files)
    assert (done.refused, done.new_refused) == (2, 0)
    assert len(list(house.folder.refused.iterdir())) == 2


def test_nothing_is_erased_and_nothing_buried_where_it_breaks_off(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.take(of("a"))

    def stop(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("laktasi.store.leaving.erasing._empty_comparison", stop)
    with pytest.raises(KeyboardInterrupt):
        leave(house)
    assert landed(house) == {"a"}
    assert tombstones(house.con) == []


# What is known at the door


def test_what_comes_again_is_turned_away_by_id_link_and_code(house: Warehouse) -> None:
    house.take(of("a"), of("other", "MPY-8"))
    leave(house)
    done = bring(
        house,
        of("a"),
        of("a", "MPY-1", answers="<milk>another content</milk>"),
        of("b", "MPY-1", deprecated="a"),
        of("c", None, deprecated="b"),
        of("next-year", " mpy-7"),
        of("next-year-edit", None, deprecated="next-year"),
        of("draft", status=Status.DRAFT),
        of("fine", "MPY-70"),
    )
    assert (done.new, done.forgotten, done.known) == (1, 7, 0)
    assert landed(house) == {"other", "fine"}
    assert bring(house, of("next-year-edit", None)).forgotten == 1  # known by its own id since
    assert left_to_do(house.con) == ["files"]  # of the erasure itself: what was turned away left nothing


def test_an_edit_that_came_before_its_link_goes_once_the_link_is_known(house: Warehouse) -> None:
    house.take(of("a"))
    leave(house)
    assert bring(house, of("c", None, deprecated="b")).new == 1  # nothing says yet whose it is
    assert bring(house, of("b", None, deprecated="a")).forgotten == 1
    assert landed(house) == set()
    assert house.rows("select count(*) from raw.forgotten where list_contains(ids, 'c')") == [(1,)]


def test_what_edits_a_record_that_stayed_is_let_in(house: Warehouse) -> None:
    house.take(of("a"), of("other", "MPY-8"))
    leave(house)
    assert bring(house, of("other2", CODE, deprecated="other")).new == 1


def test_nobody_has_left_and_everything_passes(house: Warehouse) -> None:
    assert bring(house, of("a"), of("b", deprecated="a")).forgotten == 0
    assert landed(house) == {"a", "b"}


# With a backup


def test_tombstones_travel_and_are_applied_once(house: Warehouse, tmp_path: Path) -> None:
    house.take(of("a"), of("a2", deprecated="a"), of("other", "MPY-8"))
    leave(house)
    told = tombstones(house.con)
    with warehouse(tmp_path / "older", form()) as older:
        older.take(of("a"), of("other", "MPY-8"), of("a3", None, deprecated="a2"))
        assert apply(older.con, told) == 2
        assert landed(older) == {"other"}
        assert left_to_do(older.con) == ["files"]
        buried = tombstones(older.con)
        assert [one for one in buried if one in told] == told
        assert [one["ids"] for one in buried if one not in told] == [["a3"]]  # known by its link to the chain
        assert apply(older.con, told) == 0
        assert tombstones(older.con) == buried
        assert apply(older.con, []) == 0


def test_tombstones_alone_have_the_files_looked_through(house: Warehouse, tmp_path: Path) -> None:
    house.take(of("a"))
    leave(house)
    with warehouse(tmp_path / "older", form()) as older:  # no row of hers; a refused file may name her
        assert apply(older.con, tombstones(house.con)) == 0
        assert left_to_do(older.con) == ["files"]


# Bytes

of_a_file = pytest.mark.skipif(lakes.WHERE is not None, reason="of a warehouse that is a file")


@pytest.mark.slow
def test_of_a_lake_no_parquet_file_has_her(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data", lake=lakes.lake_at(tmp_path, "file"))
    assert folder.lake is not None
    files = f"{folder.lake.data}/**/submissions/*.parquet"
    with open_warehouse(folder) as con:
        house = Warehouse(con, folder, runs.begin(con, "cli"))
        house.take(form(), of("a"), of("other", "MPY-8"))
        forget(con, Person("hmac:0", "withdrew", house.run_id), Hers(ids_of(con, [(FORM, "a")])))
    held = f"select distinct instance_id from read_parquet('{files}', union_by_name := true)"
    with duckdb.connect() as con:
        assert ("a",) in con.execute(held).fetchall()  # a lake keeps what was deleted
        rewrite_warehouse(folder)
        assert con.execute(held).fetchall() == [("other",)]
    with open_warehouse(folder) as con:
        assert left_to_do(con) == []
        assert con.execute("select instance_id from raw.submissions").fetchall() == [("other",)]


@of_a_file
def test_the_file_is_written_anew_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with warehouse(tmp_path, form()) as house:
        keep_places(house.con, PLACES)
        house.take(of("a", answers="<enumerator>Zubaidah</enumerator>"), of("other", "MPY-8"))
        forget(house.con, person(house), Hers(ids_of(house.con, [(FORM, "a")])))
        house.con.execute("checkpoint")
        kept = house.rows(
            "select table_name, column_name, comment from duckdb_columns() where not internal order by all"
        )
        views = house.rows("select view_name, sql from duckdb_views() where not internal order by all")
    assert b"Zubaidah" in folder.warehouse.read_bytes()  # DuckDB wipes nothing
    rewrite_warehouse(folder)
    assert b"Zubaidah" not in folder.warehouse.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("warehouse*")) == ["warehouse.duckdb"]
    with open_warehouse(folder) as con:
        assert left_to_do(con) == []
        query = "select table_name, column_name, comment from duckdb_columns() where not internal order by all"
        assert con.execute(query).fetchall() == kept
        query = "select view_name, sql from duckdb_views() where not internal order by all"
        assert len(con.execute(query).fetchall()) == len(views)
        assert con.execute("select instance_id from raw.submissions").fetchall() == [("other",)]
        with transaction(con):
            assert erase(con, "again") == 0
    rewrite_warehouse(folder)


@of_a_file
def test_where_the_file_cannot_be_written_anew_it_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    with warehouse(tmp_path, form()) as house:
        keep_places(house.con, PLACES)
        house.take(of("a"))
        leave(house)
    before = folder.warehouse.read_bytes()
    monkeypatch.setattr("laktasi.store.room.SPARE", 2**62)
    with pytest.raises(WarehouseError, match="cannot be written anew: the disk has"):
        rewrite_warehouse(folder)
    assert folder.warehouse.read_bytes() == before
    with open_warehouse(folder) as con:
        assert left_to_do(con) == ["files"]
