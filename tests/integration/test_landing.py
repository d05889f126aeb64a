"""Landing: the same rows whatever the order, however often, and wherever a run is killed."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi.errors import WarehouseError
from laktasi.odk.instances import Item, read_folder
from laktasi.paths import DataFolder
from laktasi.records import (
    Attachment,
    Attachments,
    Entity,
    FieldedForm,
    Refused,
    Status,
    Submission,
    SubmissionState,
    SubmissionVersion,
)
from laktasi.store.append import TABLES
from laktasi.store.raw import Landed, land
from laktasi.store.warehouse import open_warehouse
from tests.lakes import of_files
from tests.phones import fill, list_instances, payload, xform

pytestmark = pytest.mark.slow

CENTRAL = "central:odk.example.org/1"
T0 = datetime(2026, 11, 20, 8, tzinfo=UTC)
NOT_COMPARED = {"landed_at", "run_id"}


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@cache
def migrated() -> bytes:
    """Give an empty warehouse's file: made once, since migrating takes longer than most of these tests."""
    with tempfile.TemporaryDirectory() as place:
        folder = DataFolder(Path(place))
        with open_warehouse(folder):
            pass
        return folder.warehouse.read_bytes()


def opened(folder: DataFolder) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    if folder.lake is not None:
        return open_warehouse(folder)
    if not folder.warehouse.exists():
        folder.root.mkdir(parents=True, exist_ok=True)
        folder.warehouse.write_bytes(migrated())
    return duckdb.connect(str(folder.warehouse))


def landed(folder: DataFolder, items: Any, run_id: str = "r1", **given: Any) -> Landed:
    with opened(folder) as con:
        return land(con, folder, items, run_id, **given)


def rows(folder: DataFolder, *, without: set[str] = NOT_COMPARED) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of raw without what differs from run to run."""
    with opened(folder) as con:
        return {
            table: con.execute(
                f"select columns(c -> c not in {tuple(without)}) from raw.{table} order by all"
            ).fetchall()
            for table in TABLES
        }


def files(folder: DataFolder) -> dict[str, bytes]:
    return {
        path.relative_to(folder.root).as_posix(): path.read_bytes()
        for shelf in (folder.attachments, folder.refused)
        for path in sorted(shelf.rglob("*"))
        if path.is_file()
    }


def assert_every_row_has_its_file(folder: DataFolder) -> None:
    kept = files(folder)
    with opened(folder) as con:
        attachments = con.execute("select sha256, size_bytes from raw.attachments where sha256 is not null").fetchall()
        refused = con.execute("select sha256, size_bytes from raw.refused where sha256 is not null").fetchall()
    places = [(f"attachments/{sha256[:2]}/{sha256}", size) for sha256, size in attachments]
    places += [(f"refused/{sha256}", size) for sha256, size in refused]
    for place, size in places:
        assert len(kept[place]) == size
        assert hashlib.sha256(kept[place]).hexdigest() == place.rsplit("/", 1)[-1]


def submission(number: int, *, status: Status = Status.FINALISED, source: str = "phones", age: int = 30) -> Submission:
    content = payload(f"uuid:{number}", body=f"<age>{age}</age>")
    return Submission("visit", "3", f"uuid:{number}", None, content, status, source, None)


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    """Give two phones that share a mother's record, with an edit, a draft, attachments, a form, and faults."""
    first, second = tmp_path / "phones" / "a", tmp_path / "phones" / "b"
    for number in range(12):
        fill(first, f"V{number}", payload(f"uuid:a{number}"), files={"audit.csv": b"event %d" % (number % 3)})
    fill(first, "V12", payload("uuid:a12", deprecated_id="uuid:a0"), files={"photo.jpg": b"photo"})
    fill(second, "V0", payload("uuid:a0"), files={"audit.csv": b"event 0"})
    fill(second, "V1", payload("uuid:b1"))
    fill(second, "torn", payload("uuid:b2")[:60])
    fill(second, "also torn", payload("uuid:b2")[:60])
    list_instances(first, {f"V{number}": ("complete", 1_700_000_000_000 + number) for number in range(12)})
    forms = second / "forms"
    (forms / "Visit-media").mkdir(parents=True)
    (forms / "Visit.xml").write_bytes(xform())
    (forms / "Visit-media" / "centres.csv").write_bytes(b"name,label\nmopuya,Mopuya\n")
    return tmp_path / "phones"


def test_lands_each_thing_once_with_its_run(phones: Path, data: DataFolder) -> None:
    told = landed(data, read_folder(phones))
    # 13 of phone a and 2 of phone b; V0 is on both, finalised on one and unknown on the other.
    assert (told.new, told.known, told.unknown_status, told.drafts) == (15, 0, 3, 0)
    assert (told.attachments, told.refused, told.new_refused, told.forms) == (13, 2, 2, 1)
    assert [name for name, _ in told.refusals] == ["b/instances/also torn/also torn.xml", "b/instances/torn/torn.xml"]
    assert told.conflicts == ()
    with opened(data) as con:
        edit = con.execute(
            "select form_version, deprecated_id, payload, payload_sha256, status, source, run_id from raw.submissions"
            " where instance_id = 'uuid:a12'"
        ).fetchall()
        times = con.execute("select count(distinct landed_at), min(changed_at) from raw.submissions").fetchone()
    exact = payload("uuid:a12", deprecated_id="uuid:a0")
    assert edit == [("3", "uuid:a0", exact, hashlib.sha256(exact).hexdigest(), "unknown", "phones", "r1")]
    assert times is not None
    assert times[0] == 15
    assert times[1].timestamp() == 1_700_000_000
    assert_every_row_has_its_file(data)
    # Three different audit logs, one photo, one torn payload in two places.
    assert sorted(path.split("/")[0] for path in files(data)) == ["attachments"] * 4 + ["refused"]


@pytest.mark.parametrize("batch", [1, 4, 2000])
def test_a_second_import_changes_nothing(phones: Path, data: DataFolder, batch: int) -> None:
    landed(data, read_folder(phones), batch=batch)
    before = rows(data, without={"nothing"}), files(data)
    again = landed(data, read_folder(phones), "r2", batch=batch)
    assert (again.new, again.known, again.attachments, again.new_refused, again.forms) == (0, 15, 0, 0, 0)
    assert again.refused == 2  # said again, not kept again
    assert (rows(data, without={"nothing"}), files(data)) == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_any_order_any_copy_and_any_batch_give_the_same_rows(phones: Path, tmp_path: Path, seed: int) -> None:
    plain, mixed = DataFolder(tmp_path / "plain"), DataFolder(tmp_path / "mixed")
    landed(plain, read_folder(phones))
    chance = random.Random(seed)
    items = list(read_folder(phones)) * 2
    chance.shuffle(items)
    for number, part in enumerate((items[:9], items[9:], items[: chance.randrange(20)])):
        landed(mixed, part, f"r{number}", batch=chance.choice((1, 3, 7, 100)))
    assert rows(mixed) == rows(plain)
    assert files(mixed) == files(plain)


def test_a_finalised_draft_lands_even_where_no_answer_changed(tmp_path: Path, data: DataFolder) -> None:
    phone = tmp_path / "phone"
    fill(phone, "V", payload("uuid:1"))
    list_instances(phone, {"V": ("incomplete", 1_700_000_000_000)})
    assert landed(data, read_folder(phone)).drafts == 1
    list_instances(phone, {"V": ("complete", 1_700_000_060_000)})
    assert landed(data, read_folder(phone), "r2").new == 1
    with opened(data) as con:
        states = con.execute("select status, run_id from raw.submissions order by changed_at").fetchall()
    assert states == [("draft", "r1"), ("finalised", "r2")]


def test_the_same_bytes_through_two_doors_are_two_rows(data: DataFolder) -> None:
    assert landed(data, [submission(1), submission(1, source=CENTRAL), submission(1)]).new == 2


def test_the_first_of_equal_rows_stays(data: DataFolder) -> None:
    landed(data, [submission(1), submission(1, age=31), submission(1)])
    with opened(data) as con:
        ages = con.execute("select payload from raw.submissions order by landed_at").fetchall()
    assert [b"<age>30<" in payload for (payload,) in ages] == [True, False]


def test_two_forms_that_claim_one_version_are_kept_and_said(data: DataFolder) -> None:
    other = xform(title="Another")
    first = landed(data, [FieldedForm(xform(), {"centres.csv": b"1"}, "phones")])
    second = landed(data, [FieldedForm(other, {}, "phones"), FieldedForm(xform(version="4"), {}, "phones")], "r2")
    assert (first.conflicts, second.conflicts) == ((), (("visit", "3"),))
    with opened(data) as con:
        kept = con.execute("select form_version, xform from raw.forms order by landed_at").fetchall()
        media = con.execute("select form_sha256, name, content from raw.form_media").fetchall()
    assert kept == [("3", xform()), ("3", other), ("4", xform(version="4"))]
    assert media == [(hashlib.sha256(xform()).hexdigest(), "centres.csv", b"1")]


def test_media_that_come_later_or_change_are_added_to_their_form(data: DataFolder) -> None:
    for content in ({}, {"centres.csv": b"1"}, {"centres.csv": b"2"}, {"centres.csv": b"1"}):
        landed(data, [FieldedForm(xform(), content, "phones")])
    with opened(data) as con:
        media = con.execute("select name, content from raw.form_media order by landed_at").fetchall()
    assert media == [("centres.csv", b"1"), ("centres.csv", b"2")]
    assert len(rows(data)["forms"]) == 1


@pytest.mark.parametrize(("source", "contents"), [("project", "ABA"), ("central:x/1", "ABA"), ("phones", "AB")])
def test_going_back_to_earlier_media_is_news_except_from_phones(data: DataFolder, source: str, contents: str) -> None:
    form = xform("visit", "1")
    for run, content in enumerate("AABAA"):
        landed(data, [FieldedForm(form, {"c.csv": content.encode()}, source)], run_id=f"r{run}")
    with opened(data) as con:
        kept = con.execute("select content from raw.form_media order by landed_at").fetchall()
    assert b"".join(content for (content,) in kept).decode() == contents


@pytest.mark.parametrize("broken", [b"<a/>", b"not xml", xform().replace(b' id="visit"', b"")])
def test_a_form_that_says_not_what_it_is_goes_aside(data: DataFolder, broken: bytes) -> None:
    told = landed(data, [FieldedForm(broken, {}, "phones"), submission(1)])
    assert (told.forms, told.refused, told.new) == (0, 1, 1)
    assert list(files(data).values()) == [broken]


def test_what_cannot_be_kept_leaves_only_its_row(tmp_path: Path, data: DataFolder) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "link").symlink_to(secret)
    with_files = Submission(
        **{name: getattr(submission(1), name) for name in Submission.__slots__ if name != "attachments"},
        attachments=(Attachment("link.jpg", tmp_path / "link"), Attachment("gone.jpg", tmp_path / "gone")),
    )
    items = [Refused(tmp_path / "link", "a/link", "a link"), Refused(tmp_path, "a", "no"), with_files]
    told = landed(data, items)
    assert (told.new, told.attachments, told.new_refused) == (1, 0, 4)
    assert landed(data, items, "r2").new_refused == 0
    assert files(data) == {}
    assert [row[0] for row in rows(data)["refused"]] == [None] * 4


def test_everything_is_private(phones: Path, data: DataFolder) -> None:
    landed(data, read_folder(phones))
    for shelf in (data.attachments, data.refused):
        for path in (shelf, *shelf.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_a_full_batch_counts_bytes_too(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.store.raw.BATCH_BYTES", 1000)
    told: list[int] = []
    landed(data, [submission(number) for number in range(20)], progress=lambda _what, done, _total: told.append(done))
    assert len(told) > 2
    assert told[-1] == 20
    assert len(rows(data)["submissions"]) == 20


def test_files_of_a_zip_are_there_when_they_are_copied(phones: Path, tmp_path: Path, data: DataFolder) -> None:
    archive = shutil.make_archive(str(tmp_path / "phones"), "zip", phones)
    landed(data, read_folder(Path(archive)))
    plain = DataFolder(tmp_path / "plain")
    landed(plain, read_folder(phones))
    assert rows(data) == rows(plain)
    assert files(data) == files(plain)


def test_a_source_that_fails_leaves_whole_batches(data: DataFolder) -> None:
    def failing() -> Iterator[Item]:
        yield from (submission(number) for number in range(5))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        landed(data, failing(), batch=2)
    assert len(rows(data)["submissions"]) == 4


def test_a_batch_that_fails_leaves_nothing_of_itself(phones: Path, data: DataFolder) -> None:
    with opened(data) as con:
        con.execute("alter table raw.form_media rename column content to away")  # written after the submissions
        with pytest.raises(duckdb.Error):
            land(con, data, read_folder(phones), "r1")
        assert con.execute("select count(*) from raw.submissions").fetchone() == (0,)


def test_says_that_the_data_folder_cannot_be_written(phones: Path, data: DataFolder) -> None:
    data.root.mkdir()
    data.attachments.write_bytes(b"a file where a folder should be")
    with pytest.raises(WarehouseError, match="cannot write"):
        landed(data, read_folder(phones))


# What a Central says


def state(number: int = 1, **said: Any) -> SubmissionState:
    first = SubmissionState(
        source=CENTRAL,
        form_id="visit",
        submission_id=f"uuid:{number}",
        instance_id=f"uuid:{number}",
        edits=0,
        submitted_at=T0,
        updated_at=None,
        deleted_at=None,
        is_purged=False,
        review_state=None,
        attachments_present=0,
        attachments_expected=0,
        submitter_id="7",
        submitter_name="Phone 7",
        device_id=None,
    )
    return replace(first, **said)


def version(number: int = 1, instance: str | None = None) -> SubmissionVersion:
    named = instance or f"uuid:{number}"
    return SubmissionVersion(CENTRAL, "visit", f"uuid:{number}", named, T0, "7", "Phone 7", None, "Collect")


def entity(**said: Any) -> Entity:
    first = Entity(CENTRAL, "mothers", "e1", 1, "M1", {"a": "1", "b": None}, T0, None, None, False, "admin")
    return replace(first, **said)


def files_item(*files: Attachment, instance: str = "uuid:1", source: str = CENTRAL) -> Attachments:
    return Attachments(source, "visit", instance, files)


@pytest.fixture
def photo(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / hashlib.md5(content).hexdigest()
        path.write_bytes(content)
        return path

    return write


def history(folder: DataFolder, table: str, columns: str) -> list[tuple[Any, ...]]:
    with opened(folder) as con:
        return con.execute(f"select {columns} from raw.{table} order by landed_at, {columns}").fetchall()


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_state_lands_where_it_differs_from_the_last_one(data: DataFolder, batch: int) -> None:
    approved = state(review_state="approved")
    items = [state(), state(2), state(), approved, approved, state(), state(2), approved]
    told = landed(data, items, batch=batch)
    assert told.states == 5
    reviews = [review for name, review in history(data, "submission_states", "submission_id, review_state")]
    assert reviews == [None, None, "approved", None, "approved"]
    assert landed(data, [state(2), approved], "r2").states == 0
    assert landed(data, [state(), state(2, edits=1)], "r3").states == 2


@pytest.mark.parametrize(
    "said",
    [
        {"instance_id": None},
        {"edits": 1},
        {"submitted_at": T0 + timedelta(milliseconds=1)},
        {"updated_at": T0},
        {"deleted_at": T0},
        {"is_purged": True},
        {"review_state": "hasIssues"},
        {"attachments_present": 1},
        {"attachments_expected": 1},
        {"submitter_id": None},
        {"submitter_name": "Another"},
        {"device_id": "d"},
    ],
    ids=lambda said: next(iter(said)),
)
def test_whatever_differs_in_a_state_is_news(data: DataFolder, said: dict[str, Any]) -> None:
    assert landed(data, [state(), state(**said)]).states == 2
    assert landed(data, [state()], "r2").states == 1
    assert landed(data, [state()], "r3").states == 0


@pytest.mark.parametrize(
    "other", [{"source": "central:other/1"}, {"form_id": "other"}, {"submission_id": "uuid:9"}], ids=str
)
def test_histories_of_different_things_do_not_meet(data: DataFolder, other: dict[str, Any]) -> None:
    landed(data, [state(), state(**other, edits=1)])
    assert landed(data, [state(), state(**other, edits=1)], "r2").states == 0


def test_what_landed_last_stands_though_this_machines_clock_was_set_back(data: DataFolder) -> None:
    landed(data, [state()])
    with opened(data) as con:
        con.execute("update raw.submission_states set landed_at = '2099-01-01'")
    for run in ("r2", "r3"):
        landed(data, [state(edits=1)], run)
    with opened(data) as con:
        edits = con.execute("select edits from raw.latest_submission_states").fetchall()
    assert edits == [(1,)]
    assert len(rows(data)["submission_states"]) == 2


def test_answers_that_were_sent_again_after_a_purge_are_news_by_their_time(data: DataFolder) -> None:
    first = replace(submission(1, source=CENTRAL), changed_at=T0)
    other = replace(submission(1, source=CENTRAL, age=31), changed_at=T0 + timedelta(minutes=1))
    third = replace(first, changed_at=T0 + timedelta(minutes=2))
    assert landed(data, [first, first, other, third, third]).new == 3
    assert landed(data, [third], "r2").new == 0
    again = replace(version(), created_at=T0 + timedelta(minutes=1))
    landed(data, [version(), again, again, version()])
    assert len(history(data, "submission_versions", "created_at")) == 2
    # A phone's folder says when a file was last touched, which is no news.
    phones = [replace(submission(2), changed_at=T0 + timedelta(minutes=minute)) for minute in range(2)]
    assert landed(data, phones).new == 1


def test_a_version_lands_once(data: DataFolder) -> None:
    landed(data, [version(), version(), version(1, "uuid:edit")])
    landed(data, [version(1, "uuid:edit"), version()], "r2")
    assert history(data, "submission_versions", "instance_id, user_agent") == [
        ("uuid:1", "Collect"),
        ("uuid:edit", "Collect"),
    ]


def test_an_entity_lands_where_it_differs_from_the_last_one(data: DataFolder) -> None:
    turned, emptied = {"b": None, "a": "1"}, {"a": "1", "b": ""}
    items = [entity(), entity(properties=turned), entity(version=2, properties=emptied), entity(), entity()]
    assert landed(data, items).entities == 3
    assert landed(data, [entity(properties=turned)], "r2").entities == 0
    assert landed(data, [entity(deleted_at=T0)], "r3").entities == 1
    assert history(data, "entities", "version, properties") == [
        (1, {"a": "1", "b": None}),
        (2, {"a": "1", "b": ""}),
        (1, {"a": "1", "b": None}),
        (1, {"a": "1", "b": None}),
    ]


def test_the_last_content_of_a_file_on_central_stands(data: DataFolder, photo: Callable[[bytes], Path]) -> None:
    first, second = photo(b"first"), photo(b"second")
    with_file = replace(submission(1, source=CENTRAL), attachments=(Attachment("p.jpg", first, "e1"),))
    assert landed(data, [with_file]).attachments == 1
    items = [
        files_item(Attachment("p.jpg", first, "e1")),
        files_item(Attachment("p.jpg", second, "e2")),
        files_item(Attachment("p.jpg", first, "e1"), Attachment("q.jpg", second, "e2")),
        files_item(Attachment("p.jpg", None)),
        files_item(Attachment("p.jpg", None), Attachment("never.jpg", None)),
        files_item(Attachment("p.jpg", first, "e1")),
        files_item(Attachment("p.jpg", first, "e1"), instance="uuid:2"),
    ]
    assert landed(data, items, "r2").attachments == 6
    assert landed(data, items[-2:], "r3").attachments == 0
    sha = {content: hashlib.sha256(content).hexdigest() for content in (b"first", b"second")}
    assert history(data, "attachments", "instance_id, name, sha256, size_bytes, etag") == [
        ("uuid:1", "p.jpg", sha[b"first"], 5, "e1"),
        ("uuid:1", "p.jpg", sha[b"second"], 6, "e2"),
        ("uuid:1", "p.jpg", sha[b"first"], 5, "e1"),
        ("uuid:1", "q.jpg", sha[b"second"], 6, "e2"),
        ("uuid:1", "p.jpg", None, None, None),
        ("uuid:1", "p.jpg", sha[b"first"], 5, "e1"),
        ("uuid:2", "p.jpg", sha[b"first"], 5, "e1"),
    ]
    assert_every_row_has_its_file(data)


def test_another_etag_of_the_same_content_is_remembered(data: DataFolder, photo: Callable[[bytes], Path]) -> None:
    for etag in ("old", "new", "new"):
        landed(data, [files_item(Attachment("p.jpg", photo(b"p"), etag))])
    assert history(data, "attachments", "etag") == [("old",), ("new",)]


@pytest.mark.parametrize("batch", [1, 100])
def test_files_of_what_was_purged_and_sent_again_are_those_that_came_with_it(
    data: DataFolder, photo: Callable[[bytes], Path], batch: int
) -> None:
    same, old = Attachment("same.jpg", photo(b"same"), "s"), Attachment("old.jpg", photo(b"old"), "o")
    other = version(1, "uuid:other")
    first = [version(), other, files_item(same, old), files_item(old, instance="uuid:other"), state()]
    again = replace(version(), created_at=T0 + timedelta(minutes=1))
    landed(data, first, batch=batch)
    for run in ("r2", "r3"):
        landed(data, [version(), again, files_item(same), again, other], run, batch=batch)
    assert history(data, "attachments", "instance_id, name, sha256 is null") == [
        ("uuid:1", "same.jpg", False),
        ("uuid:1", "old.jpg", False),
        ("uuid:other", "old.jpg", False),
        ("uuid:1", "old.jpg", True),
        ("uuid:1", "same.jpg", True),
        ("uuid:1", "same.jpg", False),
    ]


def test_of_phones_all_contents_are_known(data: DataFolder, photo: Callable[[bytes], Path]) -> None:
    for content in (b"first", b"second", b"first"):
        landed(data, [files_item(Attachment("p.jpg", photo(content)), source="phones")])
    assert len(rows(data)["attachments"]) == 2


def test_a_refusal_says_which_version_it_is_of(data: DataFolder, photo: Callable[[bytes], Path]) -> None:
    torn = photo(b"torn")
    items = [
        Refused(torn, "x.xml", "torn", "visit", "uuid:1"),
        Refused(torn, "x.xml", "torn", "other", "uuid:1"),
        Refused(torn, "x.xml", "torn"),
    ]
    assert landed(data, [*items, *items], source=CENTRAL).new_refused == 3
    assert landed(data, items, "r2", source=CENTRAL).new_refused == 0
    assert landed(data, items[2:], "r3").new_refused == 1  # another source
    told = history(data, "refused", "form_id, instance_id, source")
    assert told == [
        ("visit", "uuid:1", CENTRAL),
        ("other", "uuid:1", CENTRAL),
        (None, None, CENTRAL),
        (None, None, "phones"),
    ]


def pulled(count: int) -> Iterator[Any]:
    for number in range(count):
        yield version(number)
        yield submission(number, source=CENTRAL)
        yield state(number)


@pytest.mark.slow
@pytest.mark.parametrize("stop", range(0, 19, 2))
def test_what_has_landed_is_always_the_beginning_of_what_came(data: DataFolder, stop: int) -> None:
    def failing() -> Iterator[Any]:
        yield from islice(pulled(6), stop)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        landed(data, failing(), batch=4)
    found = rows(data)
    whole = stop // 4 * 4
    counts = [len(found[table]) for table in ("submission_versions", "submissions", "submission_states")]
    assert counts == [(whole + 2) // 3, (whole + 1) // 3, whole // 3]
    landed(data, pulled(6), "r2", batch=4)
    again = landed(data, pulled(6), "r3")
    assert (again.new, again.states) == (0, 0)
    assert [len(rows(data)[table]) for table in ("submission_versions", "submissions", "submission_states")] == [6] * 3


@pytest.mark.parametrize(
    ("source", "patience", "kept"), [(CENTRAL, 1e9, 10), (CENTRAL, 0, 12), ("phones", 0, 0)], ids=str
)
def test_a_kill_loses_little_of_what_a_central_sent(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, source: str, patience: float, kept: int
) -> None:
    monkeypatch.setattr("laktasi.store.raw.PATIENCE", patience)
    monkeypatch.setattr("laktasi.store.raw.CENTRAL_BATCH", 10)

    def failing() -> Iterator[Any]:
        yield from (state(number) for number in range(12))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        landed(data, failing(), source=source)
    assert len(rows(data)["submission_states"]) == kept


KILLED = """
    import os, signal, sys
    from pathlib import Path
    import duckdb
    from laktasi.odk.instances import read_folder
    from laktasi.paths import DataFolder
    from laktasi.store import raw, shelf

    point, count = sys.argv[3], int(sys.argv[4])

    def dying(work):
        def call(*given):
            global count
            count -= 1
            if count < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return work(*given)
        return call

    class Connection:
        def __init__(self, con):
            self.con = con
        def __getattr__(self, name):
            work = getattr(self.con, name)
            return dying(work) if name == point else work

    if point == "_sync":
        shelf.sync = dying(shelf.sync)
    elif point == "append":
        raw.append = dying(raw.append)
    folder = DataFolder(Path(sys.argv[2]))
    con = Connection(duckdb.connect(str(folder.warehouse)))
    raw.land(con, folder, read_folder(Path(sys.argv[1])), "killed", batch=4)
"""


@of_files  # the process that is killed knows of no lake
@pytest.mark.parametrize(
    ("point", "count"),
    [
        ("_sync", 0),
        ("_sync", 3),
        ("begin", 0),
        ("begin", 2),
        ("append", 1),
        ("append", 8),
        ("commit", 0),
        ("commit", 3),
    ],
)
def test_a_killed_landing_is_finished_by_the_next(
    phones: Path, tmp_path: Path, data: DataFolder, point: str, count: int
) -> None:
    with opened(data):
        pass
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(phones), str(data.root), point, str(count)]
    died = subprocess.run(command, check=False, timeout=60, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert_every_row_has_its_file(data)
    for left in (path for shelf in (data.attachments, data.refused) for path in shelf.glob(".part-*")):
        os.utime(left, (0, 0))  # killed long ago: a younger one may be another worker's
    landed(data, read_folder(phones), "next")
    assert_every_row_has_its_file(data)
    clean = DataFolder(tmp_path / "clean")
    landed(clean, read_folder(phones))
    assert rows(data) == rows(clean)
    assert files(data) == files(clean)  # nothing half-copied is left either


def test_raw_is_documented(data: DataFolder) -> None:
    with opened(data) as con:
        tables = con.execute("select comment from duckdb_tables() where schema_name = 'raw'").fetchall()
        columns = con.execute(
            "select comment from duckdb_columns() where schema_name = 'raw' and table_name = any (?)", [list(TABLES)]
        ).fetchall()
    assert len(tables) == len(TABLES) + 1  # the tombstones, which nobody brings
    assert all("One row per " in comment for (comment,) in tables)
    assert all(comment for (comment,) in columns)
