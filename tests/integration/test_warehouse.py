"""The private warehouse: opening it, its migrations, runs, and which version of a submission is current."""

from __future__ import annotations

import itertools
import random
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.questionnaire.lists import condition
from laktasi.questionnaire.names import RESERVED_TABLES
from laktasi.questionnaire.xform import parse
from laktasi.records import FieldedForm, Status, Submission
from laktasi.store import raw, runs
from laktasi.store.forms import load_questionnaires, version_key
from laktasi.store.submissions import resolve
from laktasi.store.warehouse import open_research, open_warehouse
from tests.lakes import of_files
from tests.warehouse_fixture import Warehouse, form, submission, warehouse

KNOWN = [("visit", "1")]


@of_files
@pytest.mark.usefixtures("from_nothing")
def test_folder_and_file_are_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "deep" / "data")
    with open_warehouse(folder):
        pass
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.warehouse.stat().st_mode) == 0o600


@pytest.mark.usefixtures("from_nothing")
def test_opening_again_applies_nothing_twice(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with open_warehouse(folder) as con:
        first = con.execute("from meta.migrations").fetchall()
    with open_warehouse(folder) as con:
        assert con.execute("from meta.migrations").fetchall() == first
        assert con.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
        assert con.cursor().execute("select current_setting('autoload_known_extensions')").fetchone() == (False,)


@of_files
@pytest.mark.usefixtures("from_nothing")
def test_every_table_and_column_is_commented(tmp_path: Path) -> None:
    with open_warehouse(DataFolder(tmp_path)) as con:
        bare = con.execute(
            """
            select table_name, comment from duckdb_tables()
            where schema_name <> 'raw' and (comment is null or not contains(comment, 'One row'))
            union all
            select view_name, comment from duckdb_views()
            where not internal and (comment is null or not contains(comment, 'One row'))
            union all
            select table_name, column_name from duckdb_columns() where not internal and comment is null
            """
        ).fetchall()
    assert bare == []


def test_a_file_of_newer_code_is_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with open_warehouse(folder) as con:
        con.execute("insert into meta.migrations values (9999, '9999_from_the_future', now())")
    with pytest.raises(WarehouseError, match="newer laktasi") as caught, open_warehouse(folder):
        pass
    assert "9999_from_the_future" in caught.value.why


@pytest.mark.usefixtures("from_nothing")
def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "0001_broken.sql"
    broken.write_text("create table half (a integer); create table half (a integer);")
    monkeypatch.setattr("laktasi.store.migrating.migrations", lambda: [(1, "0001_broken", broken)])
    folder = DataFolder(tmp_path / "data")
    with pytest.raises(WarehouseError, match=r"0001_broken failed \(CatalogException\)"), open_warehouse(folder):
        pass
    monkeypatch.undo()
    with open_warehouse(folder) as con:
        assert con.execute("select count(*) from duckdb_tables() where table_name = 'half'").fetchone() == (0,)


@of_files
def test_a_busy_file_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with open_warehouse(folder):
        code = f"import duckdb; duckdb.connect({str(folder.warehouse)!r})"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{code}; c = duckdb.connect({str(folder.warehouse)!r}); print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        with pytest.raises(WarehouseError, match=r"warehouse\.duckdb is in use") as caught, open_warehouse(folder):
            pass
        assert caught.value.next_step
        assert "read-only" not in str(caught.value)
    finally:
        holder.communicate(b"\n")


@of_files
def test_a_torn_block_is_not_taken_for_a_lock(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with open_warehouse(folder) as con:
        con.execute("create table big as select range as a from range(100000)")
    held = bytearray(folder.warehouse.read_bytes())
    held[4096:4146] = b"X" * 50
    held[8192:8242] = b"X" * 50
    folder.warehouse.write_bytes(held)
    with pytest.raises(WarehouseError, match=r"cannot be opened(.|\n)*block"), open_warehouse(folder):
        pass


@of_files
@pytest.mark.parametrize("size", [0, 100, 5000, 100_000])
def test_a_torn_file_is_told_and_left_as_it_is(tmp_path: Path, size: int) -> None:
    folder = DataFolder(tmp_path)
    with open_warehouse(folder) as con:
        con.execute("create table big as select range as a from range(100000)")
    torn = folder.warehouse.read_bytes()[:size]
    folder.warehouse.write_bytes(torn)
    with pytest.raises(WarehouseError, match="cannot be opened") as caught, open_warehouse(folder):
        pass
    assert str(tmp_path) not in str(caught.value)
    assert folder.warehouse.read_bytes() == torn


@of_files
@pytest.mark.usefixtures("from_nothing")
def test_a_file_half_made_by_a_killed_run_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb.new").write_bytes(b"half")
    with open_warehouse(DataFolder(tmp_path)) as con:
        assert con.execute("select count(*) from meta.runs").fetchone() == (0,)


def test_no_research_copy_yet(tmp_path: Path) -> None:
    with (
        pytest.raises(WarehouseError, match=r"research\.duckdb does not exist"),
        open_research(tmp_path / "research.duckdb"),
    ):
        pass


def test_a_killed_run_is_marked_by_the_next_one(tmp_path: Path) -> None:
    with open_warehouse(DataFolder(tmp_path)) as con:
        killed = runs.begin(con, "cli")
        failed = runs.begin(con, "prefect", laktasi_version="0.1.0", code_version="abc")
        runs.fail(con, failed)
        finished = runs.begin(con, "cli")
        runs.finish(con, finished, {"landed": 3, "staged": 0}, {"forms": ["visit"]})
        landed = runs.begin(con, "import")
        runs.finish(con, landed, {"landed": 4}, {})
        told = con.execute("select run_id, status, landed, door from meta.runs order by run_id").fetchall()
        assert con.execute("from meta.latest_run").fetchall() == [(finished,)]
        with pytest.raises(ValueError, match="no column"):
            runs.finish(con, finished, {"nonsense": 1}, {})
    assert sorted(told) == sorted(
        [
            (killed, "interrupted", None, "cli"),
            (failed, "failed", None, "prefect"),
            (finished, "finished", 3, "cli"),
            (landed, "finished", 4, "import"),
        ]
    )


# --- forms ---------------------------------------------------------------------------------------------------------


def test_one_definition_stands_for_each_version(tmp_path: Path) -> None:
    first, second = form("1"), form("2")
    other = form("1", change={"Umur": "Usia"})
    respaced = FieldedForm(first.xform.replace(b"</h:html>", b"\n</h:html>"), {}, "phones")
    assert respaced.xform != first.xform
    with warehouse(tmp_path) as house:
        raw.land(house.con, house.folder, [second, first, respaced, other], house.run_id)
        forms = load_questionnaires(house.con, parse, condition)
    assert list(forms.questionnaires) == [("visit", "1"), ("visit", "2")]
    assert forms.questionnaires["visit", "1"] == parse(first.xform, {})
    assert [(c.form_id, c.form_version, c.other_source) for c in forms.conflicts] == [("visit", "1", "project")]


def test_two_forms_never_share_a_table(tmp_path: Path) -> None:
    own = form("2")
    twin = FieldedForm(form().xform.replace(b'id="visit"', b'id="Visit"'), {}, "phones")
    with warehouse(tmp_path) as house:
        raw.land(house.con, house.folder, [twin, own], house.run_id)
        forms = load_questionnaires(house.con, parse, condition)
    # the project's own form has the table, though the phone's landed first
    assert list(forms.questionnaires) == [("visit", "2")]
    assert forms.set_aside == (("Visit", "1", "it would share the table 'visit' with the form 'visit'"),)


@pytest.mark.parametrize("form_id", ["submissions", "Choices", "codebook", "unknown_nodes"])
def test_a_form_called_as_one_of_our_tables_stands_beside_it(tmp_path: Path, form_id: str) -> None:
    def renamed(xml: bytes) -> bytes:
        return xml.replace(b'id="visit"', f'id="{form_id}"'.encode())

    sent = submission("uuid:1", {"massage": "yes"})
    with warehouse(tmp_path) as house:
        house.take(
            FieldedForm(renamed(form().xform), {}, "phones"),
            replace(sent, form_id=form_id, payload=renamed(sent.payload)),
        )
        (questionnaire,) = house.questionnaires.values()
        table = questionnaire.tables[0].name
        assert table.startswith(f"{form_id}_")
        assert house.rows(f'select massage from staging."{table}"') == [("yes",)]


def test_every_table_of_our_own_is_reserved(tmp_path: Path) -> None:
    with open_warehouse(DataFolder(tmp_path)) as con:
        ours = con.execute(
            "select table_name from duckdb_tables() where schema_name in ('answers', 'staging')"
        ).fetchall()
    assert {name for (name,) in ours} == set(RESERVED_TABLES)


@pytest.mark.parametrize(
    "broken",
    [
        form("2").xform.replace(b"h:body", b"h:trunk"),
        b"<html><head><model><instance><data id='deep' version='2'>" + b"<a>" * 2000 + b"</a>" * 2000
        + b"</data></instance></model></head><body/></html>",
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_read_is_set_aside_and_its_submissions_wait(tmp_path: Path, broken: bytes) -> None:
    with warehouse(tmp_path) as house:
        house.take(form("1"), submission("uuid:1"), submission("uuid:2", version="2"))
        raw.land(house.con, house.folder, [FieldedForm(broken, {}, "phones")], house.run_id)
        house.stand()
        forms = load_questionnaires(house.con, parse, condition)
        assert house.rows("select submission_id, state from staging.submissions order by all") == [
            ("uuid:1", "staged"),
            ("uuid:2", "waiting"),
        ]
    assert list(forms.questionnaires) == [("visit", "1")]
    (aside,) = forms.set_aside
    assert aside.form_version == "2"
    assert "not an XForm" in aside.why


# --- media of forms ------------------------------------------------------------------------------------------------

WHOLE = b"name,label\nc1,Mopuya\nc2,Pusian\nc3,Poigar\n"
OTHER = b"name,label\nc1,Mopuya\nc2,Pusian\nc9,Tungoi\n"
TORN = b"name,label\nc1,Mopuya\nc2,Pus"
"""Whole by itself: only beside the other does it show that it broke off."""
IN_QUOTES = b'name,label\nc1,Mopuya\nc5,"Puskes'
SHORT = b"name,label\nc1,Mopuya\nc2"
LATIN = "name,label\nc1,Élan\n".encode("latin-1")


@pytest.mark.parametrize(
    ("brought", "standing", "differ"),
    [
        ([("phones", WHOLE), ("phones", OTHER)], WHOLE, True),
        ([("phones", WHOLE), ("phones", TORN)], WHOLE, True),
        ([("phones", TORN), ("phones", WHOLE)], WHOLE, True),
        ([("phones", IN_QUOTES), ("phones", WHOLE)], WHOLE, True),
        ([("phones", SHORT), ("phones", OTHER)], OTHER, True),
        ([("phones", LATIN), ("phones", WHOLE)], WHOLE, True),
        ([("phones", b""), ("phones", IN_QUOTES)], IN_QUOTES, True),
        ([("phones", SHORT)], SHORT, False),
        ([("phones", LATIN)], None, False),
        ([("phones", b"")], None, False),
        ([("phones", WHOLE), ("central:odk.example.org/1", OTHER)], OTHER, True),
        ([("central:odk.example.org/1", OTHER), ("project", WHOLE), ("phones", OTHER)], WHOLE, True),
        # the project's own file is mended in its place
        ([("project", WHOLE), ("project", OTHER), ("phones", WHOLE)], OTHER, True),
        # the same bytes through both doors are the project's
        ([("phones", WHOLE), ("phones", OTHER), ("project", OTHER)], OTHER, True),
        ([("phones", WHOLE), ("project", WHOLE)], WHOLE, False),
    ],
)
def test_one_content_of_a_media_file_stands(
    tmp_path: Path, brought: list[tuple[str, bytes]], standing: bytes | None, differ: bool
) -> None:
    asked = "| | select_one_from_file centres.csv | place2 | Tempat | Place | none | |"
    xform = form(more=asked).xform
    with warehouse(tmp_path) as house:
        for source, content in brought:
            raw.land(house.con, house.folder, [FieldedForm(xform, {"centres.csv": content}, source)], house.run_id)
        forms = load_questionnaires(house.con, parse, condition)
    questionnaire = forms.questionnaires["visit", "1"]
    assert not forms.conflicts
    assert not forms.set_aside
    assert forms.media_conflicts == ((("visit", "1", "centres.csv"),) if differ else ())
    if standing is None:
        assert questionnaire.missing_media == ("centres.csv",)
    else:
        assert questionnaire.media == {"centres.csv": sha256(standing).hexdigest()}


def test_versions_are_ordered_as_people_count() -> None:
    versions = ["10", "9", "2026110102", "2026110101", "", "v2", "v10", "1.10", "1.9"]
    assert sorted(versions, key=version_key) == ["", "v2", "v10", "1.9", "1.10", "9", "10", "2026110101", "2026110102"]


# --- chains of edits -----------------------------------------------------------------------------------------------


def land_and_resolve(root: Path, versions: Sequence[Submission]) -> list[tuple[object, ...]]:
    """Land one by one, and give what is current; times of landing aside."""
    with warehouse(root) as house:
        return land_anew(house, versions)


def land_anew(house: Warehouse, versions: Sequence[Submission]) -> list[tuple[object, ...]]:
    house.con.execute("delete from raw.submissions")
    for version in versions:
        raw.land(house.con, house.folder, [version], house.run_id)
    resolve(house.con, KNOWN)
    return current(house)


def current(house: Warehouse) -> list[tuple[object, ...]]:
    return house.rows(
        "select submission_id, instance_id, status, state, version_count from staging.submissions order by all"
    )


def draft(instance: str, answers: str = "", *, changed: int | None = None, deprecated: str | None = None) -> Submission:
    return submission(instance, answers, changed=changed, deprecated=deprecated, status=Status.DRAFT)


def unknown(instance: str, answers: str = "", *, changed: int | None = None) -> Submission:
    return submission(instance, answers, changed=changed, status=Status.UNKNOWN)


A, B, C = submission("a"), submission("b", deprecated="a"), submission("c", deprecated="b")


def test_an_edited_submission_is_one_whatever_lands_first(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        for order in itertools.permutations([A, B, C]):
            assert land_anew(house, order) == [("a", "c", "finalised", "staged", 3)]


def test_chains_give_the_same_in_any_order(tmp_path: Path) -> None:
    """Chains of random length, forked and with gaps, landed in random orders, some versions never."""
    chance = random.Random(20261121)
    with warehouse(tmp_path) as house:
        for _ in range(10):
            versions = []
            for number in range(8):
                parent = chance.choice([None, *(f"n{earlier}" for earlier in range(number)), f"never{number}"])
                kind = chance.choice([Status.FINALISED, Status.UNKNOWN, Status.DRAFT])
                versions.append(submission(f"n{number}", deprecated=parent, status=kind, changed=number))
            landed = chance.sample(versions, 6)
            first, second = (land_anew(house, chance.sample(landed, len(landed))) for _ in range(2))
            assert first == second
            assert sum(int(str(row[4])) for row in first) == len(landed)


def test_the_named_ancestor_is_the_identity(tmp_path: Path) -> None:
    assert land_and_resolve(tmp_path, [C]) == [("b", "c", "finalised", "staged", 1)]


def test_rings_of_edits_end(tmp_path: Path) -> None:
    ring = [submission("x", deprecated="z"), submission("y", deprecated="x"), submission("z", deprecated="y")]
    tail = submission("t", deprecated="z", changed=5)
    itself = submission("s", deprecated="s")
    found = land_and_resolve(tmp_path, [tail, *ring, itself])
    assert [(row[0], row[4]) for row in found] == [("s", 1), ("x", 4)]


@pytest.mark.parametrize(
    ("versions", "instance", "status", "state"),
    [
        ([draft("a")], "a", "draft", "draft"),
        ([draft("a", "<weight>1</weight>"), A], "a", "finalised", "staged"),
        ([A, draft("a", "<weight>1</weight>", changed=59)], "a", "finalised", "staged"),
        ([A, draft("b", deprecated="a")], "a", "finalised", "staged"),
        ([A, draft("b", deprecated="a"), submission("b", "<weight>2</weight>", deprecated="a")], "b", None, "staged"),
        ([unknown("a", changed=1), draft("a", "<weight>1</weight>", changed=2)], "a", "draft", "draft"),
        ([draft("a", "<weight>1</weight>", changed=1), unknown("a", changed=2)], "a", "unknown", "staged"),
        # the same payload, seen again where the metadata say what it is
        ([unknown("a"), draft("a")], "a", "draft", "draft"),
        ([unknown("a"), draft("a"), A], "a", "finalised", "staged"),
    ],
)
def test_drafts_and_edits(
    tmp_path: Path, versions: list[Submission], instance: str, status: str | None, state: str
) -> None:
    ((submission_id, found, found_status, found_state, _),) = land_and_resolve(tmp_path, versions)
    assert (submission_id, found, found_state) == ("a", instance, state)
    assert status in (None, found_status)


def test_later_content_of_an_unknown_status_supersedes(tmp_path: Path) -> None:
    first, second = unknown("a", "<weight>1</weight>"), unknown("a", "<weight>2</weight>")
    with warehouse(tmp_path) as house:
        house.take(form(), first, second)
        assert house.rows("select weight from staging.visit") == [(2.0,)]
        house.take(first)
        assert house.rows("select weight from staging.visit") == [(2.0,)]


def test_an_unknown_form_version_waits_until_its_form_lands(tmp_path: Path) -> None:
    with warehouse(tmp_path) as house:
        house.take(form("1"), submission("a", {"weight": "1"}), submission("b", {"weight": "2"}, version="2"))
        assert current(house) == [("a", "a", "finalised", "staged", 1), ("b", "b", "finalised", "waiting", 1)]
        assert house.rows("select weight from staging.visit") == [(1.0,)]
        house.take(form("2"))
        assert house.rows("select weight from staging.visit order by 1") == [(1.0,), (2.0,)]
