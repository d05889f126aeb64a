"""The store's half of the mirror: what must be read, what differs from the server, and the line that proves it."""

import hashlib
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi.paths import DataFolder
from laktasi.records import (
    Attachment,
    Attachments,
    Entity,
    FieldedForm,
    ListedRow,
    Refused,
    ServerRow,
    Status,
    Submission,
    SubmissionState,
    SubmissionVersion,
    Wanted,
)
from laktasi.store import mirror, runs
from laktasi.store.raw import Landed, land
from laktasi.store.warehouse import open_warehouse
from tests.phones import xform

pytestmark = pytest.mark.slow

CENTRAL, OTHER, FORM = "central:odk.example.org/1", "central:odk.example.org/2", "visit"
T0 = datetime(2026, 11, 20, 8, tzinfo=UTC)


def minute(number: int) -> datetime:
    return T0 + timedelta(minutes=number)


@pytest.fixture(scope="module")
def migrated() -> bytes:
    """Give an empty warehouse's file: made once, since migrating takes longer than most of these tests."""
    with tempfile.TemporaryDirectory() as place:
        folder = DataFolder(Path(place))
        with open_warehouse(folder):
            pass
        return b"" if folder.lake else folder.warehouse.read_bytes()


@dataclass
class House:
    """An open warehouse, and what the tests say in one word."""

    con: duckdb.DuckDBPyConnection
    folder: DataFolder
    scratch: Path
    run_id: str

    def land(self, *items: Any, source: str = CENTRAL, **given: Any) -> Landed:
        return land(self.con, self.folder, items, self.run_id, source=source, **given)

    def file(self, name: str, content: bytes) -> Attachment:
        etag = hashlib.md5(content).hexdigest()
        path = self.scratch / etag
        path.write_bytes(content)
        return Attachment(name, path, etag)

    def wanted(self, *rows: ServerRow) -> list[Wanted]:
        return mirror.wanted(self.con, CENTRAL, FORM, rows)

    def one(self, row: ServerRow) -> Wanted:
        (wanted,) = self.wanted(row)
        return wanted

    def whole(self, row: ServerRow, *files: Attachment, versions: tuple[str, ...] = ()) -> None:
        """Land a submission as odk gives it: versions, payloads, files of the last, state."""
        names = (row.submission_id, *versions)
        self.land(
            *(made(row.submission_id, name) for name in names),
            *(submission(name, *(files if name == names[-1] else ())) for name in names),
            state(row, names[-1]),
        )


@pytest.fixture
def house(tmp_path: Path, migrated: bytes) -> Iterator[House]:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    if folder.lake is None:
        folder.warehouse.write_bytes(migrated)
    (tmp_path / "files").mkdir()
    with open_warehouse(folder) as con:
        yield House(con, folder, tmp_path / "files", runs.begin(con, "cli"))


def row(name: str = "a", **said: Any) -> ServerRow:
    first = ServerRow(
        submission_id=name,
        edits=0,
        submitted_at=T0,
        updated_at=None,
        deleted_at=None,
        review_state=None,
        attachments_present=0,
        attachments_expected=0,
        submitter_id="7",
        submitter_name="Phone 7",
        device_id="d",
    )
    return replace(first, **said)


def state(said: ServerRow, instance: str | None, *, source: str = CENTRAL, form_id: str = FORM) -> SubmissionState:
    known = {name: getattr(said, name) for name in ServerRow.__slots__}
    return SubmissionState(source=source, form_id=form_id, instance_id=instance, is_purged=False, **known)


def made(name: str, instance: str, number: int = 0) -> SubmissionVersion:
    return SubmissionVersion(CENTRAL, FORM, name, instance, minute(number), "7", "Phone 7", "d", None)


def submission(
    instance: str, *files: Attachment, source: str = CENTRAL, number: int = 0, content: str = ""
) -> Submission:
    """Give a version's answers; `number` is that of :func:`made`."""
    answers = f"<data>{content or instance}</data>".encode()
    return Submission(FORM, "1", instance, None, answers, Status.FINALISED, source, minute(number), files)


def listed(name: str, instance: str | None = None, **said: Any) -> ListedRow:
    return replace(ListedRow(name, instance or name, T0, None, None), **said)


# Positions and forms


def test_a_position_is_one_row_that_is_replaced(house: House) -> None:
    empty = mirror.position(house.con, CENTRAL, "submissions", FORM)
    assert empty == mirror.Position(CENTRAL, "submissions", FORM)
    full = replace(
        empty, seen_until=minute(1), etag='W/"x"', swept_until="b", sweep_began_at=minute(2), swept_at=minute(3)
    )
    others = [
        mirror.Position(CENTRAL, "entities", FORM, minute(7)),
        mirror.Position(OTHER, "submissions", FORM, minute(8)),
        mirror.Position(CENTRAL, "submissions", "other", minute(9)),
    ]
    for position in (*others, replace(full, etag=None), full):
        mirror.save_position(house.con, position, house.run_id)
    assert mirror.position(house.con, CENTRAL, "submissions", FORM) == full
    assert [mirror.position(house.con, it.source, it.kind, it.name) for it in others] == others
    assert house.con.execute("select count(*), any_value(run_id) from meta.positions").fetchall() == [(4, house.run_id)]


def test_known_forms_are_those_of_the_source_with_the_media_that_stand(house: House) -> None:
    form, sha256 = xform("visit", "1"), hashlib.sha256(xform("visit", "1")).hexdigest()
    assert mirror.known_forms(house.con, CENTRAL) == (set(), {})
    for content in (b"1", b"2", b"1"):
        house.land(FieldedForm(form, {"c.csv": content, "d.csv": b"d"}, CENTRAL))
    house.land(FieldedForm(form, {"c.csv": b"3"}, OTHER), FieldedForm(xform("visit", "2"), {}, "project"))
    forms, media = mirror.known_forms(house.con, CENTRAL)
    assert forms == {sha256}
    assert media == {
        (sha256, "c.csv"): hashlib.md5(b"1").hexdigest(),
        (sha256, "d.csv"): hashlib.md5(b"d").hexdigest(),
    }


# What must be read


def test_nothing_is_wanted_of_nothing(house: House) -> None:
    assert house.wanted() == []


def test_an_unknown_row_is_read_with_its_files_where_it_has_some(house: House) -> None:
    assert house.wanted(row("a", attachments_present=1), row("b")) == [
        Wanted(row("a", attachments_present=1), frozenset(), "a", True, True, {}),
        Wanted(row("b"), frozenset(), "b", True, False, {}),
    ]


def test_a_known_row_is_not_wanted_and_order_is_kept(house: House) -> None:
    house.whole(row("b"))
    assert [wanted.row.submission_id for wanted in house.wanted(row("c"), row("b"), row("a"))] == ["c", "a"]


def test_another_review_needs_no_reading_at_all(house: House) -> None:
    house.whole(row(attachments_present=1), house.file("p.jpg", b"p"))
    reviewed = row(attachments_present=1, review_state="approved", updated_at=minute(1))
    wanted = house.one(reviewed)
    assert (wanted.read_versions, wanted.read_attachments) == (False, False)
    assert (wanted.current_instance_id, wanted.known_instance_ids) == ("a", frozenset("a"))
    assert wanted.etags == {"p.jpg": hashlib.md5(b"p").hexdigest()}


@pytest.mark.parametrize(
    "said",
    [
        {"edits": 1},
        {"submitted_at": minute(1)},
        {"updated_at": minute(1)},
        {"deleted_at": minute(1)},
        {"review_state": "edited"},
        {"attachments_present": 1},
        {"attachments_expected": 1},
        {"submitter_id": None},
        {"submitter_name": "Another"},
        {"device_id": None},
    ],
    ids=lambda said: next(iter(said)),
)
def test_whatever_differs_is_wanted_until_it_has_landed(house: House, said: dict[str, Any]) -> None:
    house.whole(row())
    changed = row(**said)
    assert len(house.wanted(changed)) == 1
    number = 1 if "submitted_at" in said else 0
    house.land(made("a", "a", number), submission("a", number=number), state(changed, "a"))
    assert house.wanted(changed) == []
    assert len(house.wanted(row())) == 1


def test_an_edit_is_read_without_the_versions_that_are_here(house: House) -> None:
    house.whole(row(attachments_present=1), house.file("p.jpg", b"p"))
    wanted = house.one(row(edits=1, attachments_present=2))
    assert (wanted.read_versions, wanted.read_attachments) == (True, True)
    assert (wanted.current_instance_id, wanted.known_instance_ids, wanted.etags) == (None, frozenset("a"), {})


def test_an_edit_without_files_is_read_for_those_that_an_earlier_version_had(house: House) -> None:
    house.whole(row(attachments_present=1), house.file("p.jpg", b"p"))
    assert house.one(row(edits=1)).read_attachments
    house.whole(row("b"))
    assert not house.one(row("b", edits=1)).read_attachments


def test_files_are_read_where_their_number_changed(house: House) -> None:
    house.whole(row(attachments_present=1, attachments_expected=2), house.file("p.jpg", b"p"))
    for present, read in ((2, True), (0, True), (1, False)):
        wanted = house.one(row(attachments_present=present, attachments_expected=2, review_state="edited"))
        assert (wanted.read_versions, wanted.read_attachments) == (False, read)


def test_etags_are_those_of_the_current_version_and_of_files_that_are_there(house: House) -> None:
    house.whole(row(edits=1), house.file("p.jpg", b"1"), house.file("q.jpg", b"q"), versions=("a2",))
    house.land(Attachments(CENTRAL, FORM, "a", (house.file("old.jpg", b"old"),)))
    for content in (b"2", b"1", b"3"):
        house.land(Attachments(CENTRAL, FORM, "a2", (house.file("p.jpg", content),)))
    gone = Attachment("q.jpg", None)
    house.land(Attachments(CENTRAL, FORM, "a2", (gone, replace(house.file("r.jpg", b"r"), etag=None))))
    wanted = house.one(row(edits=1, attachments_present=2))
    assert wanted.etags == {"p.jpg": hashlib.md5(b"3").hexdigest(), "r.jpg": None}
    assert wanted.known_instance_ids == {"a", "a2"}


def test_a_run_killed_between_payload_and_state_reads_nothing_twice(house: House) -> None:
    house.land(made("a", "a"), submission("a", house.file("p.jpg", b"p")))
    wanted = house.one(row(attachments_present=1))
    assert wanted.known_instance_ids == {"a"}
    assert wanted.current_instance_id == "a"
    assert wanted.etags == {"p.jpg": hashlib.md5(b"p").hexdigest()}


def test_after_a_kill_in_an_edit_its_files_are_known(house: House) -> None:
    house.whole(row())
    house.land(made("a", "a2", 1), submission("a2", house.file("p.jpg", b"p"), number=1))
    wanted = house.one(row(edits=1))  # the file was removed meanwhile
    assert wanted.known_instance_ids == {"a", "a2"}
    assert (wanted.current_instance_id, wanted.read_attachments) == ("a2", True)
    assert wanted.etags == {"p.jpg": hashlib.md5(b"p").hexdigest()}
    assert house.one(row(edits=2)).current_instance_id is None


def test_a_refused_version_is_not_read_again(house: House) -> None:
    torn = house.file("torn", b"torn").path
    assert torn is not None
    house.land(made("a", "a"), Refused(torn, "a.xml", "torn", FORM, "a"), state(row(), "a"))
    assert house.wanted(row()) == []
    assert house.one(row(edits=1)).known_instance_ids == {"a"}
    # Refused in another form, or from another server, it is news here.
    house.land(made("b", "b"), Refused(torn, "b.xml", "torn", "other", "b"), state(row("b"), "b"))
    house.land(Refused(torn, "b.xml", "torn", FORM, "b"), source=OTHER)
    assert house.one(row("b")).read_versions
    assert line(house, "a", "b") == (2, 0, 1, 1, 0)


def test_what_was_purged_and_sent_again_under_its_id_is_read_anew(house: House) -> None:
    """Its row may look the same but for the time at which it was taken in."""
    house.whole(row(attachments_present=1), house.file("p.jpg", b"p"))
    again = row(submitted_at=minute(5))
    assert gap(house, [listed("a", submitted_at=minute(5))]) == {"changed": ["a"]}
    assert line(house, listed("a", submitted_at=minute(5))) == (1, 1, 0, 1, 0)
    wanted = house.one(again)
    assert (wanted.known_instance_ids, wanted.read_versions, wanted.current_instance_id) == (frozenset(), True, "a")
    assert wanted.etags == {}
    # Killed after the version: with it, the files of before are told to be no more.
    house.land(made("a", "a", 5))
    assert house.one(again).known_instance_ids == frozenset()
    assert files(house, ["a"]) == {}
    # Killed after its answers.
    house.land(submission("a", number=5, content="another"))
    assert (house.one(again).known_instance_ids, house.one(again).read_versions) == (frozenset("a"), True)
    house.land(state(again, "a"))
    assert house.wanted(again) == []
    assert line(house, listed("a", submitted_at=minute(5))) == (1, 1, 0, 0, 0)
    assert gap(house, [listed("a", submitted_at=minute(5))]) == {}
    # And once more, with the answers of the first time.
    third = row(submitted_at=minute(9))
    assert house.one(third).read_versions
    house.land(made("a", "a", 9), submission("a", number=9), state(third, "a"))
    assert house.wanted(third) == []
    landed = house.con.execute("select payload from raw.submissions order by landed_at").fetchall()
    assert [payload for (payload,) in landed] == [b"<data>a</data>", b"<data>another</data>", b"<data>a</data>"]


def test_as_many_edits_are_not_the_same_ones(house: House) -> None:
    """A server was restored from a backup: the edit that was read is lost, and another was made."""
    told = row(edits=1, updated_at=minute(1), attachments_present=1)
    house.land(made("a", "a"), made("a", "y", 1), submission("a"))
    house.land(submission("y", house.file("p.jpg", b"p"), number=1), state(told, "y"))
    other = replace(told, updated_at=minute(5))
    now = listed("a", "y2", updated_at=minute(5))
    assert line(house, now) == (1, 1, 0, 1, 0)
    wanted = house.one(other)
    assert (wanted.read_versions, wanted.known_instance_ids) == (True, frozenset("ay"))
    # What was taken to be current in spite of that is missing, and is read where the listing names another.
    house.land(made("a", "y2", 5), submission("y2", number=5), state(other, "y"))
    assert line(house, now) == (1, 1, 0, 1, 0)
    assert gap(house, [now]) == {"changed": ["a"]}
    assert house.wanted(other) == []
    (again,) = mirror.wanted(house.con, CENTRAL, FORM, [other], [now, listed("never asked for")])
    assert (again.read_versions, again.known_instance_ids) == (True, frozenset(["a", "y", "y2"]))
    house.land(state(other, "y2"))
    assert mirror.wanted(house.con, CENTRAL, FORM, [other], [now]) == []
    assert (line(house, now), gap(house, [now])) == ((1, 1, 0, 0, 0), {})


def test_of_one_that_was_deleted_with_another_edit_nobody_guesses_the_version(house: House) -> None:
    house.land(made("a", "a"), made("a", "y", 1), submission("a"), submission("y", number=1))
    house.land(state(row(edits=1, updated_at=minute(1)), "y"))
    gone = row(edits=1, updated_at=minute(5), deleted_at=minute(6))
    assert house.one(gone).current_instance_id is None
    house.land(state(gone, None))
    assert house.one(replace(gone, deleted_at=None)).read_versions


def test_edits_of_what_was_purged_are_not_those_of_what_was_sent_again(house: House) -> None:
    house.land(made("a", "a"), made("a", "b", 1), submission("a"), submission("b", number=1), state(row(edits=1), "b"))
    again = row(submitted_at=minute(5), edits=1)
    wanted = house.one(again)
    assert (wanted.known_instance_ids, wanted.current_instance_id, wanted.etags) == (frozenset(), None, {})
    house.land(made("a", "a", 5), submission("a", number=5))
    assert (house.one(again).known_instance_ids, house.one(again).current_instance_id) == (frozenset("a"), None)
    house.land(made("a", "b", 6), submission("b", number=6))
    assert (house.one(again).known_instance_ids, house.one(again).current_instance_id) == (frozenset("ab"), "b")


def test_a_refusal_of_what_was_purged_is_none_of_what_was_sent_again(house: House) -> None:
    torn, worse = house.file("torn", b"torn").path, house.file("worse", b"worse").path
    assert torn is not None
    assert worse is not None
    refused = Refused(torn, "a.xml", "torn", FORM, "a")
    house.land(made("a", "a"), refused, state(row(), "a"))
    again = row(submitted_at=minute(5))
    house.land(made("a", "a", 5))  # killed before it was read
    assert house.one(again).known_instance_ids == frozenset()
    assert line(house, listed("a", submitted_at=minute(5))) == (1, 0, 1, 1, 0)
    # The same bytes are refused in one row; that they were read again is known by the state alone.
    assert house.land(refused).new_refused == 0
    assert house.one(again).known_instance_ids == frozenset()
    house.land(state(again, "a"))
    assert house.wanted(again) == []
    assert line(house, listed("a", submitted_at=minute(5))) == (1, 0, 1, 0, 0)
    third = row(submitted_at=minute(9))
    house.land(made("a", "a", 9), replace(refused, path=worse))
    assert house.one(third).known_instance_ids == frozenset("a")


def test_answers_that_were_purged_do_not_stand_for_a_refused_one_that_was_sent_again(house: House) -> None:
    torn = house.file("torn", b"torn").path
    assert torn is not None
    house.whole(row())
    again = row(submitted_at=minute(5))
    house.land(made("a", "a", 5), Refused(torn, "a.xml", "torn", FORM, "a"), state(again, "a"))
    assert house.wanted(again) == []
    assert line(house, listed("a", submitted_at=minute(5))) == (1, 0, 1, 0, 0)


@pytest.mark.parametrize("door", ["phones", OTHER])
def test_a_payload_from_elsewhere_is_not_this_servers(house: House, door: str) -> None:
    house.land(submission("a", source=door), state(row(), "a"))
    wanted = house.one(row())
    assert (wanted.read_versions, wanted.known_instance_ids) == (True, frozenset())


def test_of_a_deleted_row_nothing_is_read(house: House) -> None:
    unseen = house.one(row(deleted_at=minute(1), attachments_present=1))
    assert (unseen.read_versions, unseen.read_attachments, unseen.known_instance_ids) == (False, False, frozenset())
    house.whole(row(attachments_present=1))
    wanted = house.one(row(deleted_at=minute(1), edits=1, attachments_present=2))
    assert (wanted.read_versions, wanted.read_attachments) == (False, False)


def test_a_restored_row_is_read_for_what_happened_before_it_was_deleted(house: House) -> None:
    # Edited and deleted before anyone looked: the state has landed, the version has not.
    house.whole(row())
    house.land(state(row(edits=1, deleted_at=minute(1)), None))
    wanted = house.one(row(edits=1))
    assert wanted.known_instance_ids == {"a"}
    assert (wanted.read_versions, wanted.current_instance_id) == (True, None)
    # A late file, and deleted.
    house.whole(row("b"))
    house.land(state(row("b", attachments_present=1, deleted_at=minute(1)), "b"))
    wanted = house.one(row("b", attachments_present=1))
    assert (wanted.read_versions, wanted.read_attachments) == (False, True)


def test_histories_of_other_servers_and_forms_are_not_looked_at(house: House) -> None:
    house.whole(row())
    house.land(state(row(edits=5), "x", source=OTHER), state(row(edits=6), "y", form_id="other"))
    assert house.wanted(row()) == []


# Files that leave no trace in the rows


def test_files_of_an_event_are_found_by_submission_or_by_version(house: House) -> None:
    house.whole(row("a", attachments_present=1), house.file("p.jpg", b"p"))
    house.whole(row("b", edits=1), versions=("b2",))
    house.whole(row("c", deleted_at=minute(1)))
    house.land(state(row("z"), "z", form_id="other"))
    found = mirror.files_of(house.con, CENTRAL, FORM, ["b2", "a", "c", "z", "never", "b"])
    assert found == [
        Wanted(
            row("a", attachments_present=1), frozenset("a"), "a", False, True, {"p.jpg": hashlib.md5(b"p").hexdigest()}
        ),
        Wanted(row("b", edits=1), frozenset({"b", "b2"}), "b2", False, True, {}),
    ]
    assert mirror.files_of(house.con, CENTRAL, FORM, []) == []


def test_incomplete_are_live_ones_that_lack_files_the_newest_first(house: House) -> None:
    lacking = {"attachments_present": 1, "attachments_expected": 2}
    house.land(
        state(row("old", **lacking), "old"),
        state(row("deleted", **lacking, deleted_at=minute(1)), "deleted"),
        state(row("filled", **lacking), "filled"),
        state(row("new", **lacking), "new"),
        state(row("filled", attachments_present=2, attachments_expected=2), "filled"),
        state(row("z", **lacking), "z", source=OTHER),
    )
    assert mirror.incomplete(house.con, CENTRAL, FORM) == ["new", "old"]


def test_a_sweep_comes_by_every_live_submission_with_files_once(house: House) -> None:
    for name in "edcba":
        house.whole(row(name, attachments_expected=1))
    house.whole(row("without"))
    house.whole(row("bb", attachments_present=1, attachments_expected=1, deleted_at=minute(1)))
    seen: list[list[str]] = []
    after = None
    while len(seen) < 5:
        batch = mirror.sweep(house.con, CENTRAL, FORM, after, 2)
        assert all(wanted.read_attachments and not wanted.read_versions for wanted in batch)
        seen.append([wanted.row.submission_id for wanted in batch])
        if len(batch) < 2:
            break
        after = batch[-1].row.submission_id
    assert seen == [["a", "b"], ["c", "d"], ["e"]]


# Whether anything differs


def gap(house: House, listing: list[ListedRow], deleted: dict[str, datetime] | None = None) -> dict[str, list[str]]:
    found = mirror.compare(house.con, CENTRAL, FORM, listing, deleted or {})
    return {name: ids for name in mirror.Gap.__slots__ if (ids := getattr(found, name))}


def test_nothing_differs_where_all_is_as_listed(house: House) -> None:
    assert gap(house, []) == {}
    house.whole(row("a", review_state="approved", updated_at=minute(1)))
    house.whole(row("b", edits=1), versions=("b2",))
    house.whole(row("c", deleted_at=minute(2)))
    said = [listed("a", review_state="approved", updated_at=minute(1)), listed("b", "b2")]
    assert gap(house, said, {"c": minute(2), "never seen": minute(3)}) == {}


def test_what_is_listed_and_not_live_here_is_unknown(house: House) -> None:
    house.whole(row("deleted", deleted_at=minute(1)))
    house.whole(row("purged"))
    house.land(*mirror.purged_states(house.con, CENTRAL, FORM, ["purged"]))
    house.land(state(row("elsewhere"), "elsewhere", source=OTHER), state(row("elsewhere"), "elsewhere", form_id="o"))
    ids = ["deleted", "elsewhere", "new", "purged"]
    assert gap(house, [listed(name) for name in reversed(ids)]) == {"unknown": ids}


@pytest.mark.parametrize(
    "said",
    [{"instance_id": "a2"}, {"submitted_at": minute(1)}, {"updated_at": minute(1)}, {"review_state": "edited"}],
    ids=str,
)
def test_what_is_listed_otherwise_has_changed(house: House, said: dict[str, Any]) -> None:
    house.whole(row())
    assert gap(house, [listed("a", **said)]) == {"changed": ["a"]}
    house.land(made("b", "b"), submission("b", source="phones"), state(row("b"), "b"))
    assert gap(house, [listed("a"), listed("b")]) == {"changed": ["b"]}  # its payload is not from there


def test_what_is_live_only_here_is_gone_and_what_was_deleted_may_be_purged(house: House) -> None:
    house.whole(row("a"))
    house.whole(row("b"))
    house.whole(row("c", deleted_at=minute(1)))
    house.whole(row("d", deleted_at=minute(1)))
    deleted = {"b": minute(1), "c": minute(1)}
    assert gap(house, [], deleted) == {"gone": ["a", "b"], "purged": ["d"]}
    purged = mirror.purged_states(house.con, CENTRAL, FORM, ["d", "a", "never"])
    assert [(item.submission_id, item.is_purged, item.deleted_at) for item in purged] == [
        ("a", True, None),
        ("d", True, minute(1)),
    ]
    house.land(*purged)
    assert mirror.purged_states(house.con, CENTRAL, FORM, ["d", "a"]) == []
    assert gap(house, [], deleted) == {"gone": ["b"]}


def test_what_was_purged_is_found_without_a_listing(house: House) -> None:
    house.whole(row("live"))
    for name in "cba":
        house.whole(row(name, deleted_at=minute(1)))
    house.land(state(row("z", deleted_at=minute(1)), "z", source=OTHER))
    found = mirror.no_longer_deleted(house.con, CENTRAL, FORM, ["b", "never seen"])
    assert found == ["a", "c"]
    house.land(*mirror.purged_states(house.con, CENTRAL, FORM, found))
    assert mirror.no_longer_deleted(house.con, CENTRAL, FORM, ["b"]) == []


def test_what_was_deleted_again_or_came_back_as_deleted_has_changed(house: House) -> None:
    house.whole(row("again", deleted_at=minute(1)))
    house.whole(row("back", deleted_at=minute(1)))
    house.land(*mirror.purged_states(house.con, CENTRAL, FORM, ["back"]))
    deleted = {"again": minute(2), "back": minute(1)}
    assert gap(house, [], deleted) == {"changed": ["again", "back"]}
    came = house.one(row("back", deleted_at=minute(1)))
    house.land(state(came.row, "back"), state(row("again", deleted_at=minute(2)), "again"))
    assert gap(house, [], deleted) == {}


# The line


def told(found: mirror.Line) -> tuple[int, ...]:
    return found.server, found.warehouse, found.refused, found.missing, found.extra


def line(house: House, *live: str | ListedRow) -> tuple[int, ...]:
    rows = [listed(one) if isinstance(one, str) else one for one in live]
    return told(mirror.line(house.con, CENTRAL, FORM, rows))


def test_the_line_counts_each_side_by_ids(house: House) -> None:
    assert line(house) == (0, 0, 0, 0, 0)
    house.whole(row("a"))
    house.whole(row("b", edits=1), versions=("b2",))
    house.whole(row("deleted", deleted_at=minute(1)))
    torn = house.file("torn", b"torn").path
    assert torn is not None
    house.land(made("c", "c"), Refused(torn, "c.xml", "torn", FORM, "c"), state(row("c"), "c"))
    house.land(Refused(torn, "photo", "a bad name"))  # no version of anything
    house.land(state(row("z"), "z", source=OTHER))
    b = listed("b", "b2")
    assert line(house, "a", b, "c") == (3, 2, 1, 0, 0)
    # As many on both sides, and yet not the same.
    assert line(house, "a", "c", "d") == (3, 2, 1, 1, 1)
    assert line(house, "a", b, "c", "deleted") == (4, 2, 1, 1, 0)
    assert line(house, "a", "a", b, "c") == (3, 2, 1, 0, 0)
    for rows, is_true in (("ac", True), ("a", False), ("acd", False)):
        found = mirror.line(house.con, CENTRAL, FORM, [b, *(listed(name) for name in rows)])
        assert found.is_true is is_true


def test_an_edit_that_was_not_read_is_missing_though_an_earlier_version_is_here(house: House) -> None:
    house.whole(row("a"))
    edited = listed("a", "a2", updated_at=minute(1))
    assert line(house, edited) == (1, 1, 0, 1, 0)
    # Named, and not read; read by a phone; read from there.
    house.land(made("a", "a2", 1), submission("a2", source="phones", number=1))
    assert line(house, edited) == (1, 1, 0, 1, 0)
    house.land(submission("a2", number=1), state(row("a", edits=1, updated_at=minute(1)), "a2"))
    assert line(house, edited) == (1, 1, 0, 0, 0)
    # What came since the listing was taken is no fault.
    house.land(made("a", "a3", 2), submission("a3", number=2), state(row("a", edits=2, updated_at=minute(2)), "a3"))
    assert line(house, edited) == (1, 1, 0, 0, 0)


def test_where_the_server_is_proven_unchanged_both_sides_are_what_is_live_here(house: House) -> None:
    assert told(mirror.line(house.con, CENTRAL, FORM, None)) == (0, 0, 0, 0, 0)
    house.whole(row("a"))
    house.whole(row("deleted", deleted_at=minute(1)))
    torn = house.file("torn", b"torn").path
    assert torn is not None
    house.land(made("c", "c"), Refused(torn, "c.xml", "torn", FORM, "c"), state(row("c"), "c"))
    house.land(state(row("z"), "z", source=OTHER))
    assert told(mirror.line(house.con, CENTRAL, FORM, None)) == (2, 1, 1, 0, 0)
    house.land(state(row("lost"), "lost"))
    assert told(mirror.line(house.con, CENTRAL, FORM, None)) == (3, 1, 1, 1, 0)


def test_a_live_row_without_the_payload_of_its_current_version_is_missing(house: House) -> None:
    house.whole(row("a"))
    house.land(made("a", "a2", 1), submission("a2", source="phones", number=1), state(row("a", edits=1), "a2"))
    assert line(house, listed("a", "a2")) == (1, 0, 0, 1, 0)


def before_states(house: House, instance: str, replaces: str | None = None, *, number: int = 0, **where: str) -> None:
    """Let answers have landed by a version of laktasi that knew of no states; `number` is that of :func:`made`."""
    found = {"form_id": FORM, "source": CENTRAL, **where}
    house.con.execute(
        """
        insert into raw.submissions by name
        select $form_id as form_id, '1' as form_version, $instance as instance_id, $replaces as deprecated_id,
            sha256($instance) as payload_sha256, $instance::blob as payload, 'finalised' as status, $source as source,
            $at as changed_at, now() as landed_at, 'r0' as run_id
        """,
        {**found, "instance": instance, "replaces": replaces, "at": minute(number)},
    )


def test_what_landed_without_a_state_and_is_not_on_the_server_is_too_much(house: House) -> None:
    before_states(house, "a", number=3)
    before_states(house, "a2", "a", number=4)
    before_states(house, "a3", "a2", number=5)
    before_states(house, "b2", "b")  # the first was refused then
    before_states(house, "r1", "r2")  # a ring
    before_states(house, "r2", "r1")
    before_states(house, "self", "self")
    before_states(house, "elsewhere", source=OTHER)
    before_states(house, "other", form_id="other")
    house.land(submission("phone", source="phones"), source="phones")
    strays = ["a", "b2", "r1", "self"]
    assert gap(house, []) == {"gone": strays}
    assert line(house) == (0, 4, 0, 0, 4)
    assert told(mirror.line(house.con, CENTRAL, FORM, None)) == (4, 4, 0, 0, 0)
    assert told(mirror.gone_line(house.con, CENTRAL, FORM, "submissions")) == (0, 4, 0, 0, 4)
    assert mirror.mirrored_forms(house.con, CENTRAL) == ["other", FORM]
    # Deleted, the server still has it, and may be asked.
    assert gap(house, [], {"a": minute(9)})["gone"] == strays
    purged = mirror.purged_states(house.con, CENTRAL, FORM, [*strays, "never"])
    assert [(item.submission_id, item.edits, item.submitted_at, item.is_purged) for item in purged] == [
        ("a", 2, minute(3), True),
        ("b2", 0, T0, True),
        ("r1", 1, T0, True),
        ("self", 0, T0, True),
    ]
    house.land(*purged)
    assert gap(house, []) == {}
    assert line(house) == (0, 0, 0, 0, 0)
    assert mirror.mirrored_forms(house.con, CENTRAL) == ["other"]


def test_what_landed_without_a_state_and_is_on_the_server_is_read(house: House) -> None:
    before_states(house, "a")
    before_states(house, "a2", "a")
    before_states(house, "x2", "x")
    assert gap(house, [listed("a", "a2")]) == {"changed": ["a"], "gone": ["x2"]}
    assert house.one(row("a", edits=1)).read_versions
    # With the state of its submission, by whatever it is known: by its version, by what it replaces.
    house.whole(row("a", edits=1), versions=("a2",))
    house.land(state(row("x"), "x"))
    assert gap(house, [listed("a", "a2"), listed("x")]) == {"changed": ["x"]}
    before_states(house, "a3", "a2")
    assert line(house, listed("a", "a2")) == (1, 1, 0, 0, 1)  # x, of which there is a state and nothing else
    house.land(made("k", "k"), submission("k"))  # killed before the state, and purged before the next run
    assert gap(house, [listed("a", "a2")])["gone"] == ["k", "x"]
    house.land(*mirror.purged_states(house.con, CENTRAL, FORM, ["k"]))
    # Sent again.
    assert house.one(row("k", submitted_at=minute(9))).read_versions


def test_what_the_server_no_longer_has_is_told_and_is_no_fault(house: House) -> None:
    house.whole(row("a"))
    house.whole(row("deleted", deleted_at=minute(1)))
    house.land(entity("a"), entity("b", version=2), entity("c", deleted_at=minute(1)))
    form = mirror.gone_line(house.con, CENTRAL, FORM, "submissions")
    assert (form.kind, told(form), form.is_true) == ("gone", (0, 1, 0, 0, 1), True)
    assert form.note == "no longer on the server; what has landed stays"
    people = mirror.gone_line(house.con, CENTRAL, "mothers", "entities")
    assert (people.kind, told(people), people.is_true) == ("gone", (0, 2, 0, 0, 2), True)


def test_a_form_and_a_list_of_one_name_that_are_gone_are_two_lines(house: House) -> None:
    house.whole(row("a"))
    house.land(replace(entity("a"), list_name=FORM), replace(entity("b"), list_name=FORM))
    kinds = ("submissions", "entities")
    mirror.write_lines(house.con, house.run_id, [mirror.gone_line(house.con, CENTRAL, FORM, kind) for kind in kinds])
    assert house.con.execute("select extra from meta.reconciliations order by all").fetchall() == [(1,), (2,)]


def test_what_is_mirrored_is_known_by_what_has_landed(house: House) -> None:
    assert mirror.mirrored_forms(house.con, CENTRAL) == mirror.mirrored_lists(house.con, CENTRAL) == []
    house.whole(row("a", deleted_at=minute(1)))
    house.land(state(row("z"), "z", form_id="other"), state(row("y"), "y", form_id="its", source=OTHER))
    house.land(entity("a"), replace(entity("b", deleted_at=minute(1)), list_name="centres"))
    house.land(replace(entity("c"), list_name="its", source=OTHER), source=OTHER)
    assert mirror.mirrored_forms(house.con, CENTRAL) == ["other"]
    assert mirror.mirrored_lists(house.con, CENTRAL) == ["mothers"]
    known = [mirror.has_states(house.con, CENTRAL, name) for name in (FORM, "other", "its")]
    assert known == [True, True, False]
    house.land(entity("a", deleted_at=minute(2)), state(row("z", deleted_at=minute(1)), "z", form_id="other"))
    assert mirror.mirrored_forms(house.con, CENTRAL) == mirror.mirrored_lists(house.con, CENTRAL) == []


def test_a_version_that_was_refused_and_has_landed_since_is_counted_once(house: House) -> None:
    torn = house.file("torn", b"torn").path
    assert torn is not None
    house.land(Refused(torn, "a.xml", "torn", FORM, "a"))
    house.whole(row("a"))
    assert line(house, "a") == (1, 1, 0, 0, 0)


def test_lines_stand_with_their_run_though_it_failed(house: House) -> None:
    first = mirror.Line(CENTRAL, FORM, 3, 2, 0, 1, 0, "files: swept")
    same_name = mirror.Line(CENTRAL, FORM, 5, 5, 0, 0, 0, kind="entities")
    other = mirror.Line(OTHER, FORM, 1, 1, 0, 0, 0)
    mirror.write_lines(house.con, house.run_id, [first, same_name])
    mirror.write_lines(house.con, house.run_id, [other])
    mirror.write_lines(house.con, house.run_id, [replace(first, warehouse=3, missing=0, note=None)])
    runs.fail(house.con, house.run_id)
    found = house.con.execute("select * exclude (run_id, started_at) from meta.reconciliations order by all").fetchall()
    assert found == [
        (CENTRAL, "entities", FORM, 5, 5, 0, 0, 0, 0, None),
        (CENTRAL, "submissions", FORM, 3, 3, 0, 0, 0, 0, None),
        (OTHER, "submissions", FORM, 1, 1, 0, 0, 0, 0, None),
    ]
    again = runs.begin(house.con, "cli")
    mirror.write_lines(house.con, again, [other])
    runs.finish(house.con, again, {}, {})
    assert house.con.execute("select count(*) from meta.reconciliations").fetchone() == (4,)


# Entities


def entity(name: str, *, version: int = 1, deleted_at: datetime | None = None) -> Entity:
    properties: dict[str, str | None] = {"age": "30", "b": None}
    return Entity(CENTRAL, "mothers", name, version, name, properties, T0, None, deleted_at, False, "admin")


def test_entities_are_compared_by_id_and_version(house: House) -> None:
    house.land(entity("a"), entity("b"), entity("c", deleted_at=minute(1)), replace(entity("z"), list_name="other"))

    def compared(**live: int) -> tuple[list[str], list[str], tuple[int, ...]]:
        found = mirror.compare_entities(house.con, CENTRAL, "mothers", live)
        return found.changed, found.gone, told(mirror.entity_line(house.con, CENTRAL, "mothers", live))

    assert compared(a=1, b=1) == ([], [], (2, 2, 0, 0, 0))
    assert compared(d=1, c=1, a=1) == (["c", "d"], ["b"], (3, 2, 0, 2, 1))
    # An update that became visible late: its time is before what was asked for, so nothing else tells.
    assert compared(b=2, a=1) == (["b"], [], (2, 2, 0, 1, 0))
    house.land(entity("b", version=2))
    assert compared(b=2, a=1) == ([], [], (2, 2, 0, 0, 0))
    house.land(entity("b"))  # the last that landed is what is known
    assert mirror.entity_line(house.con, CENTRAL, "mothers", {}) == mirror.Line(
        CENTRAL, "mothers", 0, 2, 0, 0, 2, kind="entities"
    )
    purged = mirror.purged_entities(house.con, CENTRAL, "mothers", ["b", "never"])
    assert purged == [replace(entity("b"), is_purged=True)]
    house.land(*purged)
    assert mirror.purged_entities(house.con, CENTRAL, "mothers", ["b"]) == []
    assert mirror.entity_line(house.con, CENTRAL, "mothers", {"a": 1}).is_true


# Random histories against a small server


@dataclass
class Held:
    """A submission on the server: its row, its versions, and the files of the current one."""

    row: ServerRow
    versions: dict[str, int]
    """Their ids, and when each was made."""
    files: dict[str, bytes] = field(default_factory=dict)


class Server:
    """As much of a Central as the store's half can tell."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.held: dict[str, Held] = {}
        self.events: list[str] = []
        self.clock = 0
        self.made = 0
        self.purged: list[str] = []

    def tick(self) -> datetime:
        self.clock += 1
        return minute(self.clock)

    def act(self) -> None:
        acts = [self.submit, self.submit, self.edit, self.review, self.delete, self.restore, self.purge, self.upload]
        self.chance.choice([*acts, self.upload, self.remove, self.restore_backup])()

    def pick(self, *, is_deleted: bool = False) -> Held | None:
        among = [held for held in self.held.values() if (held.row.deleted_at is not None) is is_deleted]
        return self.chance.choice(among) if among else None

    def submit(self) -> None:
        if self.purged and self.chance.random() < 0.5:
            # A phone sends it anew, under the id that it has.
            name = self.purged.pop()
        else:
            self.made += 1
            name = f"s{self.made}"
        submitted_at = self.tick()
        self.held[name] = Held(row(name, submitted_at=submitted_at, attachments_expected=2), {name: self.clock})

    def edit(self) -> None:
        if held := self.pick():
            updated_at = self.tick()
            held.versions[f"{held.row.submission_id}e{len(held.versions)}"] = self.clock
            held.row = replace(held.row, edits=held.row.edits + 1, updated_at=updated_at, review_state="edited")

    def restore_backup(self) -> None:
        """The last edit is lost, and another is made in its place."""
        if (held := self.pick()) and held.row.edits:
            held.versions.popitem()
            held.row = replace(held.row, updated_at=self.tick())
            held.versions[f"{held.row.submission_id}b{self.clock}"] = self.clock

    def review(self) -> None:
        if held := self.pick():
            review = self.chance.choice([None, "approved", "hasIssues"])
            held.row = replace(held.row, updated_at=self.tick(), review_state=review)

    def delete(self) -> None:
        if held := self.pick():
            held.row = replace(held.row, deleted_at=self.tick())

    def restore(self) -> None:
        if held := self.pick(is_deleted=True):
            held.row = replace(held.row, deleted_at=None)

    def purge(self) -> None:
        if held := self.pick(is_deleted=True):
            del self.held[held.row.submission_id]
            self.purged.append(held.row.submission_id)

    def upload(self) -> None:
        if held := self.pick():
            held.files[self.chance.choice(["p.jpg", "q.jpg"])] = b"%d" % self.chance.randrange(3)
            self.log(held)

    def remove(self) -> None:
        if (held := self.pick()) and held.files:
            del held.files[self.chance.choice(sorted(held.files))]
            self.log(held)

    def log(self, held: Held) -> None:
        held.row = replace(held.row, attachments_present=len(held.files))
        # As Central does, by the id of the submission or of its version.
        self.events.append(self.chance.choice([held.row.submission_id, last(held)]))

    def rows(self) -> list[ServerRow]:
        return [held.row for held in self.held.values()]

    def live(self) -> list[Held]:
        return [held for held in self.held.values() if held.row.deleted_at is None]


def last(held: Held) -> str:
    return list(held.versions)[-1]


Read = list[tuple[str, int]]
"""Ids of versions that were read, and when each was made."""


def fetch(house: House, server: Server, wanted: list[Wanted], read: Read) -> Iterator[Any]:
    """Give the items that odk gives for what is wanted, and note which payloads were read for it."""
    for want in wanted:
        held, name = server.held[want.row.submission_id], want.row.submission_id
        if want.row.deleted_at is not None:
            current = want.current_instance_id
            yield state(want.row, current if current in want.known_instance_ids else None)
            continue
        new = [it for it in held.versions if want.read_versions and it not in want.known_instance_ids]
        current = last(held)
        assert want.read_versions or want.current_instance_id == current
        yield from (made(name, it, held.versions[it]) for it in new)
        files = held.files if want.read_attachments else {}
        etags = want.etags if current == want.current_instance_id and current not in new else {}
        gone = [Attachment(it, None) for it in etags if it not in held.files] if want.read_attachments else []
        given = [house.file(it, content) for it, content in files.items()]
        given = [it for it in given if etags.get(it.name) != it.etag]
        for it in new:
            read.append((it, held.versions[it]))
            number = held.versions[it]
            yield submission(it, *(given if it == current else ()), number=number, content=f"{it} {number % 2}")
        if want.read_attachments and current not in new:
            yield Attachments(CENTRAL, FORM, current, (*given, *gone))
        yield state(want.row, current)


def listing(server: Server) -> list[ListedRow]:
    return [
        ListedRow(held.row.submission_id, last(held), held.row.submitted_at, held.row.updated_at, held.row.review_state)
        for held in server.live()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_after_any_history_and_any_kills_the_mirror_equals_the_server(house: House, seed: int) -> None:
    chance = random.Random(seed)
    server, read = Server(chance), Read()
    for _ in range(8):
        for _ in range(chance.randrange(1, 9)):
            server.act()
        deleted = {it.submission_id: it.deleted_at for it in server.rows() if it.deleted_at is not None}
        rows = server.rows()
        chance.shuffle(rows)
        items = fetch(house, server, mirror.wanted(house.con, CENTRAL, FORM, rows), read)
        if chance.random() < 0.5:
            # Killed: of what came, only whole batches stand.
            kept = list(islice(items, chance.randrange(6)))
            house.land(*kept)
            found = house.con.execute("select instance_id, changed_at from raw.submissions").fetchall()
            read[:] = [(it, int((changed_at - T0) / timedelta(minutes=1))) for it, changed_at in found]
            continue
        house.land(*items, batch=chance.choice([1, 2, 5, 100]))
        differs = mirror.compare(house.con, CENTRAL, FORM, listing(server), deleted)
        assert (differs.unknown, differs.changed) == ([], [])
        house.land(*mirror.purged_states(house.con, CENTRAL, FORM, [*differs.gone, *differs.purged]))

        again = mirror.files_of(house.con, CENTRAL, FORM, server.events)
        house.land(*fetch(house, server, again, read))
        server.events.clear()

        live = sorted(held.row.submission_id for held in server.live())
        expected = mirror.Line(CENTRAL, FORM, len(live), len(live), 0, 0, 0)
        assert mirror.line(house.con, CENTRAL, FORM, listing(server)) == expected
        assert mirror.line(house.con, CENTRAL, FORM, None) == expected
        assert mirror.wanted(house.con, CENTRAL, FORM, server.rows()) == []
        assert gap(house, listing(server), deleted) == {}
        assert files(house, live) == {
            (last(held), name): content for held in server.live() for name, content in held.files.items()
        }
        versions = [version for held in server.live() for version in held.versions.items()]
        assert set(versions) <= set(read)
    assert len(read) == len(set(read)), "a version was read twice"


def files(house: House, live: list[str]) -> dict[tuple[str, str], bytes]:
    """Give the files that stand of the current versions of live submissions, as the warehouse knows them."""
    found = house.con.execute(
        """
        select instance_id, name, arg_max({sha256: sha256}, landed_at).sha256 as sha256
        from raw.attachments
        where instance_id in (
            select instance_id from raw.latest_submission_states where submission_id in (select unnest(?))
        )
        group by all
        having sha256 is not null
        """,
        [live],
    ).fetchall()
    return {
        (instance_id, name): (house.folder.attachments / sha256[:2] / sha256).read_bytes()
        for instance_id, name, sha256 in found
    }
