"""Reading a form of a Central that answers oddly, half, or no more: the double of Central is too good for that."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from laktasi import scratch as scratch_files
from laktasi.errors import SourceError
from laktasi.odk import odata, submissions
from laktasi.odk.central import CentralForm, attachment_events, forms_of, latest_event
from laktasi.odk.connection import Connection, connect
from laktasi.odk.entities import changed_entities, lists_of, live_entities
from laktasi.records import (
    Attachment,
    Attachments,
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
from laktasi.settings import CentralSettings
from tests.phones import payload, xform
from tests.scripted_server import EMAIL, HTML, PASSWORD, Answer, Script, scripted_server

BASE = "projects/7/forms/visit"
TABLE = f"{BASE}.svc/Submissions"
AT = "2026-10-01T06:00:00.123Z"
GONE = Answer(404, b'{"code": 404.1}')
Items = list[Any]


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def central(server: Script, tmp_path: Path) -> Iterator[Connection]:
    settings = CentralSettings(url=server.url, project=7, email=EMAIL, password=SecretStr(PASSWORD))
    with connect(settings, tmp_path / "tokens", patience=0) as connection:
        yield connection


@pytest.fixture
def form(central: Connection) -> CentralForm:
    return CentralForm(central, "visit")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def row(name: str, **system: Any) -> dict[str, Any]:
    known = {
        "submissionDate": AT,
        "updatedAt": None,
        "deletedAt": None,
        "submitterId": "5",
        "submitterName": "Phone 5",
        "attachmentsPresent": 0,
        "attachmentsExpected": 0,
        "reviewState": None,
        "deviceId": "collect:x",
        "edits": 0,
    }
    return {"__id": name, "__system": known | system}


def table(*rows: dict[str, Any], count: int | None = None, link: str | None = None) -> dict[str, Any]:
    """Write an answer of OData; Central gives the newest first."""
    more = {"@odata.nextLink": link} if link else {}
    return {"value": list(rows), "@odata.count": len(rows) if count is None else count, **more}


def server_row(name: str, **changed: Any) -> ServerRow:
    at = datetime(2026, 10, 1, 6, 0, 0, 123000, UTC)
    return replace(ServerRow(name, 0, at, None, None, None, 0, 0, "5", "Phone 5", "collect:x"), **changed)


def wanted(name: str, **changed: Any) -> Wanted:
    of_row = {key: value for key, value in changed.items() if key in ServerRow.__dataclass_fields__}
    of_wanted = {key: value for key, value in changed.items() if key not in of_row}
    return replace(Wanted(server_row(name, **of_row), frozenset(), None, True, False, {}), **of_wanted)


def listed(name: str, current: str) -> dict[str, Any]:
    """Write a row of the plain listing."""
    said = {"instanceId": name, "currentVersion": {"instanceId": current}, "createdAt": AT, "updatedAt": AT}
    return {**said, "reviewState": "approved"}


def serve(
    server: Script,
    name: str,
    versions: list[tuple[str, bytes]] | None = None,
    files: dict[str, bytes] | None = None,
) -> None:
    """Serve a submission, its versions the oldest first, the files with the last of them."""
    versions = versions or [(name, payload(name))]
    place = f"{BASE}/submissions/{name}/versions"
    for instance_id, content in versions:
        server.xml(f"{place}/{instance_id}.xml", content)
    listed = [
        {
            "instanceId": instance_id,
            "createdAt": f"2026-10-0{day}T06:00:00.123Z",
            "submitterId": day,
            "submitter": {"displayName": f"Person {day}"},
            "deviceId": None,
            "userAgent": "Enketo",
        }
        for day, (instance_id, _) in enumerate(versions, start=1)
    ]
    server.json(place, listed[::-1])
    last = f"{place}/{versions[-1][0]}/attachments"
    server.json(last, [{"name": file, "exists": True} for file in files or {}])
    for file, content in (files or {}).items():
        server.file(f"{last}/{file}", content, ETag=f'"{hashlib.md5(content).hexdigest()}"')


def kinds(items: Items) -> list[str]:
    return [type(item).__name__ for item in items]


# Forms.


def test_gives_published_forms_and_says_which_is_missing(server: Script, central: Connection) -> None:
    names = {"visit": AT, "draft": None, "birth": AT}
    server.json("projects/7/forms", [{"xmlFormId": name, "publishedAt": time} for name, time in names.items()])
    assert forms_of(central, ()) == ["birth", "visit"]
    assert forms_of(central, ("visit",)) == ["visit"]
    with pytest.raises(SourceError, match="no published form 'draft'"):
        forms_of(central, ("visit", "draft"))
    with pytest.raises(SourceError, match="no form 'nothing'"):
        forms_of(central, ("nothing",))


def test_reads_of_forms_only_what_is_new(server: Script, form: CentralForm) -> None:
    old, new = xform(version=""), xform(version="3")
    sums = [hashlib.sha256(content).hexdigest() for content in (old, new)]
    centres = b"name,label"
    # Not in the order of their versions, which are no numbers.
    listed = [
        {"version": "3", "sha256": sums[1], "publishedAt": "2026-10-02T00:00:00.000Z"},
        {"version": "", "sha256": sums[0], "publishedAt": "2026-10-01T00:00:00.000Z"},
    ]
    server.json(f"{BASE}/versions", listed)
    server.xml(f"{BASE}/versions/___.xml", old)
    server.xml(f"{BASE}/versions/3.xml", new)
    server.json(f"{BASE}/versions/___/attachments", [])
    files = [
        {"name": "centres.csv", "exists": True, "hash": hashlib.md5(centres).hexdigest()},
        {"name": "people.csv", "exists": True, "hash": None},  # an entity list
        {"name": "missing.csv", "exists": False, "hash": None},
        {"name": "../up.csv", "exists": True, "hash": "0"},
    ]
    server.json(f"{BASE}/versions/3/attachments", files)
    server.file(f"{BASE}/versions/3/attachments/centres.csv", centres)
    server.file(f"{BASE}/versions/3/attachments/people.csv", b"one")
    source = f"central:{server.url.removeprefix('http://')}/7"
    media = {"centres.csv": centres, "people.csv": b"one"}
    first, refused, second = form.versions((), {})
    assert (first, second) == (FieldedForm(old, {}, source), FieldedForm(new, media, source))
    assert isinstance(refused, Refused)
    assert "is a path" in refused.reason
    known = {(sums[1], name): hashlib.md5(content).hexdigest() for name, content in media.items()}
    server.asked.clear()
    assert kinds(list(form.versions(set(sums), known))) == ["Refused"]
    assert server.paths() == [
        f"{BASE}/versions",
        f"{BASE}/versions/3/attachments",
        f"{BASE}/versions/3/attachments/people.csv",
    ]
    server.file(f"{BASE}/versions/3/attachments/people.csv", b"two")
    assert list(form.versions(set(sums), known))[-1] == FieldedForm(new, {"people.csv": b"two"}, source)


# The table.


def test_asks_for_what_changed_with_the_deleted_ones(server: Script, form: CentralForm) -> None:
    server.json(TABLE, table(row("uuid:2", updatedAt=AT, edits=1, reviewState="edited"), row("uuid:1")))
    rows = form.changed_since(datetime.fromisoformat("2026-10-01T09:00:00.123999+07:00"))
    at = rows[0].submitted_at
    assert rows == [
        server_row("uuid:1"),
        server_row("uuid:2", updated_at=at, edits=1, review_state="edited"),
    ]
    asked = server.asked[-1].query
    assert asked["$select"] == "__id,__system"
    after = "gt 2026-10-01T02:00:00.123Z"
    assert asked["$filter"] == (
        f"__system/submissionDate {after} or __system/updatedAt {after} or __system/deletedAt {after}"
    )
    form.changed_since(None)
    assert server.asked[-1].query["$filter"] == odata.EVERYTHING


def test_pages_are_followed_at_the_address_that_we_know(server: Script, form: CentralForm) -> None:
    link = "https://central.example.org/v1/elsewhere?%24skiptoken=01a%2Bb%3D%3D"
    server.json(TABLE, table(row("uuid:3"), row("uuid:2"), count=3, link=link), table(row("uuid:1"), count=3))
    assert [item.submission_id for item in form.changed_since(None)] == ["uuid:1", "uuid:2", "uuid:3"]
    assert [one.query.get("$skiptoken") for one in server.asked[1:]] == [None, "01a+b=="]


def test_an_end_that_is_not_the_end_is_seen(server: Script, form: CentralForm) -> None:
    # A skiptoken whose row was purged is answered like this.
    link = "https://central.example.org/v1/x?%24skiptoken=01a"
    cut = (table(row("uuid:3"), count=3, link=link), table(count=3))
    whole = table(row("uuid:3"), row("uuid:2"), row("uuid:1"))
    server.json(TABLE, *cut, whole)
    assert len(form.changed_since(None)) == 3
    server.json(TABLE, *cut, *cut, *cut, whole)
    with pytest.raises(SourceError, match="fewer rows than it says"):
        form.changed_since(None)


def test_a_page_that_comes_again_does_not_go_on_for_ever(server: Script, form: CentralForm) -> None:
    link = "https://central.example.org/v1/x?%24skiptoken=01a"
    server.json(TABLE, table(row("uuid:1"), count=1, link=link))
    assert len(form.changed_since(None)) == 1


def test_rows_that_came_while_they_were_counted_are_no_fault(server: Script, form: CentralForm) -> None:
    server.json(TABLE, table(row("uuid:2"), row("uuid:1"), count=1))
    assert len(form.changed_since(None)) == 2


def test_rows_are_asked_for_by_name_as_far_as_a_filter_can_say_it(server: Script, form: CentralForm) -> None:
    server.json(TABLE, table(row("uuid:1")))
    assert [item.submission_id for item in form.rows(["uuid:1", "uuid:1"])] == ["uuid:1"]
    asked = server.asked[-1].query["$filter"]
    assert asked == f"(__id eq 'uuid:1') and ({odata.EVERYTHING})"
    many = [f"uuid:{number}" for number in range(90)]
    server.asked.clear()
    form.rows(many)
    assert sorted(one.query["$filter"].count("__id eq") for one in server.asked) == [10, 40, 40]
    server.json(TABLE, table(row("it's"), row("uuid:1")))
    assert [item.submission_id for item in form.rows(["it's"])] == ["it's"]
    assert server.asked[-1].query["$filter"] == odata.EVERYTHING
    server.asked.clear()
    assert form.rows([]) == []
    assert server.asked == []


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"value": [1], "@odata.count": 1},
        {"value": [{"__id": "x"}], "@odata.count": 1},
        {"value": [{"__id": "x", "__system": None}], "@odata.count": 1},
        table(row("x", submissionDate=None)),
        table(row("x", submissionDate="yesterday")),
        table(row("x", edits="many")),
        {"value": []},
        table(row("x"), count=2, link="https://central.example.org/no-token"),
    ],
)
def test_json_of_another_shape_is_no_central(server: Script, form: CentralForm, value: Any) -> None:
    server.json(TABLE, value)
    with pytest.raises(SourceError, match="does not answer as ODK Central does"):
        form.changed_since(None)


# The listing.


def test_an_etag_proves_only_where_it_names_the_rows_state(server: Script, form: CentralForm) -> None:
    body = json.dumps([listed("a", "b")]).encode()
    for etag, kept in (('W/"eventhash:1"', True), ('"eventhash:1"', True), ('W/"1a8-Zt4"', False), ("", False)):
        server.say(f"{BASE}/submissions", Answer(body=body, headers={"ETag": etag}))
        listing = form.listing(None)
        assert listing is not None
        assert listing.etag == (etag if kept else None)
        at = server_row("a").submitted_at
        assert listing.rows == [ListedRow("a", "b", at, at, "approved")]
    server.say(f"{BASE}/submissions", Answer(304, headers={"ETag": 'W/"eventhash:1"', "Content-Length": ""}))
    assert form.listing('W/"eventhash:1"') is None


@pytest.mark.parametrize("name", [".", ".."])
def test_an_edited_one_without_an_address_is_listed_as_it_is_known(
    server: Script, form: CentralForm, name: str
) -> None:
    server.json(f"{BASE}/submissions", [listed(name, "b"), listed("...", "c")])
    listing = form.listing(None)
    assert listing is not None
    *_, state = form.fetch([wanted(name, edits=1)])
    assert [row.instance_id for row in listing.rows] == [state.instance_id, "c"] == [name, "c"]


def test_deleted_and_count(server: Script, form: CentralForm) -> None:
    server.json(f"{BASE}/submissions", [{"instanceId": "a", "deletedAt": AT}])
    assert form.deleted() == {"a": datetime(2026, 10, 1, 6, 0, 0, 123000, UTC)}
    assert server.asked[-1].query == {"deleted": "true"}
    server.json(TABLE, {"value": [], "@odata.count": 12})
    assert form.count() == 12


# Submissions.


def test_gives_versions_payloads_files_and_at_last_the_state(server: Script, form: CentralForm) -> None:
    chain = [
        ("uuid:1", payload("uuid:1")),
        ("uuid:1b", payload("uuid:1b", deprecated_id="uuid:1")),
        ("uuid:1c", payload("uuid:1c", deprecated_id="uuid:1b", body="<photo>a b.jpg</photo>")),
    ]
    serve(server, "uuid:1", chain, {"a b.jpg": b"photo"})
    one = wanted("uuid:1", edits=2, attachments_present=1, attachments_expected=1)
    known = replace(one, known_instance_ids=frozenset(["uuid:1"]))
    items: Items = []
    files: list[bytes] = []
    for item in form.fetch([known]):
        items.append(item)
        if isinstance(item, Submission):
            files += [scratch_files.read(file.path) for file in item.attachments if file.path]
    *versions, first, second, state = items
    assert [(item.instance_id, item.submitter_name, item.created_at.day) for item in versions] == [
        ("uuid:1b", "Person 2", 2),
        ("uuid:1c", "Person 3", 3),
    ]
    assert (first.instance_id, first.deprecated_id, first.attachments) == ("uuid:1b", "uuid:1", ())
    assert (second.payload, second.status, second.changed_at.day) == (chain[2][1], Status.FINALISED, 3)
    assert files == [b"photo"]
    assert (state.submission_id, state.instance_id, state.edits) == ("uuid:1", "uuid:1c", 2)
    assert f"{BASE}/submissions/uuid:1/versions/uuid:1.xml" not in server.paths()


def test_an_unedited_one_without_files_costs_one_request(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1")
    items = list(form.fetch([wanted("uuid:1", attachments_expected=1, read_attachments=False)]))
    assert kinds(items) == ["SubmissionVersion", "Submission", "SubmissionState"]
    assert server.paths() == [f"{BASE}/submissions/uuid:1/versions/uuid:1.xml"]
    version = items[0]
    assert isinstance(version, SubmissionVersion)
    assert (version.submitter_name, version.device_id) == ("Phone 5", "collect:x")


def test_the_files_of_a_new_version_come_with_it_and_not_again(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1", None, {"a.jpg": b"photo"})
    # The row does not speak of them yet, since they came late; what another version had is no reason to leave them out.
    one = wanted("uuid:1", read_attachments=True, etags={"a.jpg": f'"{hashlib.md5(b"photo").hexdigest()}"'})
    _, submission, state = form.fetch([one])
    assert isinstance(submission, Submission)
    assert [file.name for file in submission.attachments] == ["a.jpg"]
    assert isinstance(state, SubmissionState)
    assert state.attachments_present == 1


def test_files_of_another_version_than_was_thought_are_read_whole(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1", [("uuid:1", payload("uuid:1")), ("b", payload("b"))], {"a.jpg": b"photo"})
    server.say(f"{BASE}/submissions/uuid:1/versions/b/attachments/a.jpg", Answer(body=b"photo", kind="image/jpeg"))
    known = frozenset(["uuid:1", "b", "lost"])
    one = wanted("uuid:1", edits=1, read_attachments=True, current_instance_id="lost", etags={"x.jpg": '"1"'})
    given, state = form.fetch([replace(one, known_instance_ids=known)])
    assert isinstance(given, Attachments)
    assert (given.instance_id, [file.name for file in given.files]) == ("b", ["a.jpg"])
    assert isinstance(state, SubmissionState)
    assert state.instance_id == "b"
    assert "if-none-match" not in server.asked[-1].headers


def test_a_version_is_never_older_than_its_submission(server: Script, form: CentralForm) -> None:
    # The server's clock was set back between: else what was edited then would count as purged.
    serve(server, "uuid:1", [("uuid:1", payload("uuid:1")), ("b", payload("b"))])
    taken = datetime(2026, 10, 9, tzinfo=UTC)
    items = list(form.fetch([wanted("uuid:1", edits=1, submitted_at=taken)]))
    assert [item.created_at for item in items if isinstance(item, SubmissionVersion)] == [taken, taken]
    assert [item.changed_at for item in items if isinstance(item, Submission)] == [taken, taken]


def test_no_versions_are_no_answer_of_a_central(server: Script, form: CentralForm) -> None:
    server.json(f"{BASE}/submissions/uuid:1/versions", [])
    with pytest.raises(SourceError, match="does not answer as ODK Central does"):
        list(form.fetch([wanted("uuid:1", edits=1)]))


def test_versions_that_came_since_the_row_was_read_wait_for_their_own_row(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1", [("uuid:1", payload("uuid:1")), ("b", payload("b")), ("c", payload("c"))])
    items = list(form.fetch([wanted("uuid:1", edits=1)]))
    assert [item.instance_id for item in items if isinstance(item, Submission)] == ["uuid:1", "b"]
    assert isinstance(items[-1], SubmissionState)
    assert items[-1].instance_id == "b"


def test_files_alone_are_asked_for_by_what_is_known_of_them(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1", None, {"same.jpg": b"1", "other.jpg": b"2", "new.jpg": b"3"})
    place = f"{BASE}/submissions/uuid:1/versions/uuid:1/attachments"
    server.say(f"{place}/same.jpg", Answer(304, headers={"Content-Length": ""}))
    present = {"same": True, "other": True, "new": True, "lost": False, "never": False}
    files = [{"name": f"{name}.jpg", "exists": exists} for name, exists in present.items()]
    server.json(place, files)
    etags = {"same.jpg": '"1"', "other.jpg": '"0"', "lost.jpg": '"9"', "unheard.jpg": None}
    one = wanted(
        "uuid:1",
        read_versions=False,
        read_attachments=True,
        current_instance_id="uuid:1",
        known_instance_ids=frozenset(["uuid:1"]),
        etags=etags,
    )
    given, state = form.fetch([one])
    assert isinstance(given, Attachments)
    assert {file.name: file.path is not None for file in given.files} == {
        "other.jpg": True,
        "new.jpg": True,
        "lost.jpg": False,
        "unheard.jpg": False,
    }
    assert isinstance(state, SubmissionState)
    # A late file changes nothing of the row, so that what is counted here is the only news of it.
    assert (state.attachments_present, state.attachments_expected) == (3, 5)
    assert not [path for path in server.paths() if path.endswith(".xml")]


def test_what_is_deleted_needs_nothing_but_its_state(server: Script, form: CentralForm) -> None:
    at = datetime(2026, 10, 3, tzinfo=UTC)
    seen = wanted("uuid:1", deleted_at=at, current_instance_id="uuid:1", known_instance_ids=frozenset(["uuid:1"]))
    never = wanted("uuid:2", deleted_at=at, current_instance_id="uuid:2")
    items = list(form.fetch([seen, never]))
    assert [item.instance_id for item in items if isinstance(item, SubmissionState)] == ["uuid:1", None]
    assert len(items) == 2
    assert server.paths() == []


@pytest.mark.parametrize("what", [".xml", "/attachments", "/attachments/a.jpg"])
def test_of_what_vanishes_while_it_is_read_nothing_is_given(server: Script, form: CentralForm, what: str) -> None:
    serve(server, "uuid:1", None, {"a.jpg": b"photo"})
    serve(server, "uuid:2")
    server.say(f"{BASE}/submissions/uuid:1/versions/uuid:1{what}", GONE)
    items = list(form.fetch([wanted("uuid:1", attachments_present=1), wanted("uuid:2")]))
    assert {item.instance_id for item in items if not isinstance(item, Refused)} == {"uuid:2"}


def test_a_file_that_is_removed_while_it_is_read_is_looked_for_again(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1", None, {"a.jpg": b"photo"})
    place = f"{BASE}/submissions/uuid:1/versions/uuid:1/attachments"
    server.say(f"{place}/a.jpg", GONE)
    server.json(place, [{"name": "a.jpg", "exists": True}], [{"name": "a.jpg", "exists": False}])
    items = list(form.fetch([wanted("uuid:1", attachments_present=1)]))
    assert isinstance(items[1], Submission)
    assert items[1].attachments == ()
    assert isinstance(items[2], SubmissionState)
    assert (items[2].attachments_present, items[2].attachments_expected) == (0, 1)


def test_a_file_that_stays_away_while_its_submission_stands_is_an_error(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1", None, {"a.jpg": b"photo"})
    serve(server, "uuid:2")
    server.say(f"{BASE}/submissions/uuid:1/versions/uuid:1/attachments/a.jpg", GONE)
    server.json(f"{BASE}/submissions/uuid:1", {"instanceId": "uuid:1"})
    with pytest.raises(SourceError, match="lists a file of a submission, and does not give it") as error:
        list(form.fetch([wanted("uuid:1", attachments_present=1), wanted("uuid:2")]))
    assert "visit/uuid:1" in str(error.value)
    assert "a.jpg" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (payload("uuid:1").replace(b'id="visit"', b'id="visit" encrypted="yes"'), "encrypted on the phone"),
        (payload("uuid:1")[:-9], "torn"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + payload("uuid:1"), "entities"),
    ],
)
def test_what_cannot_be_read_is_refused_and_does_not_stop_the_rest(
    server: Script, form: CentralForm, content: bytes, said: str
) -> None:
    serve(server, "uuid:1", [("uuid:1", content)])
    serve(server, "uuid:2")
    items: Items = []
    for item in form.fetch([wanted("uuid:1"), wanted("uuid:2")]):
        items.append(item)
        if isinstance(item, Refused):
            assert scratch_files.read(item.path) == content
            assert (item.form_id, item.instance_id) == ("visit", "uuid:1")
            assert said in item.reason
    assert kinds(items[:3]) == ["SubmissionVersion", "Refused", "SubmissionState"]
    assert kinds(items[3:]) == ["SubmissionVersion", "Submission", "SubmissionState"]


TORN = payload("uuid:1")[:-9]
BUSY = Answer(body=b"<error>busy</error>", kind="text/xml")


@pytest.mark.parametrize(
    "garbage",
    [
        Answer(body=b"upstream busy, try again", kind="text/plain"),
        Answer(body=payload("uuid:1"), kind="text/plain"),
        Answer(body=b"", kind="application/xml"),
        Answer(body=b"\n", kind="application/xml"),
        Answer(body=TORN, kind="application/xml"),
        BUSY,
    ],
)
def test_one_answer_of_something_in_between_refuses_nothing(server: Script, form: CentralForm, garbage: Answer) -> None:
    serve(server, "uuid:1")
    place = f"{BASE}/submissions/uuid:1/versions/uuid:1.xml"
    (whole,) = server.answers[place]
    server.say(place, garbage, whole)
    _, submission, _ = form.fetch([wanted("uuid:1")])
    assert isinstance(submission, Submission)
    assert submission.payload == payload("uuid:1")
    # What comes twice is the server's own.
    server.say(place, BUSY, Answer(body=TORN, kind="application/xml"))
    _, refused, _ = form.fetch([wanted("uuid:1")])
    assert isinstance(refused, Refused)
    assert "torn" in refused.reason
    server.say(place, *(replace(BUSY, body=b"<error>%d</error>" % number) for number in range(9)))
    with pytest.raises(SourceError, match="gives other content each time"):
        list(form.fetch([wanted("uuid:1")]))


def test_a_name_that_is_a_path_is_refused_and_its_neighbour_taken(server: Script, form: CentralForm) -> None:
    serve(server, "uuid:1", None, {"a.jpg": b"photo"})
    listed = [{"name": "../../up.jpg", "exists": True}, {"name": "a.jpg", "exists": True}]
    server.json(f"{BASE}/submissions/uuid:1/versions/uuid:1/attachments", listed)
    _, refused, submission, _ = form.fetch([wanted("uuid:1", attachments_present=2)])
    assert isinstance(refused, Refused)
    assert refused.instance_id is None  # the payload itself is fine
    assert isinstance(submission, Submission)
    assert [file.name for file in submission.attachments] == ["a.jpg"]


@pytest.mark.parametrize("name", [".", ".."])
def test_an_id_that_no_address_can_hold_is_refused(server: Script, form: CentralForm, name: str) -> None:
    version, refused, state = form.fetch([wanted(name, edits=1)])
    assert isinstance(version, SubmissionVersion)
    assert isinstance(refused, Refused)
    assert refused.instance_id == name
    assert isinstance(state, SubmissionState)
    assert (state.instance_id, state.edits) == (name, 1)
    assert server.paths() == []


def test_the_servers_id_stands_where_the_payload_says_it_otherwise(server: Script, form: CentralForm) -> None:
    # Central takes the blank for a part of it; and where there is none in the payload it makes one up.
    serve(server, "uuid:1 ", [("uuid:1 ", payload("uuid:1 "))])
    serve(server, "0af1", [("0af1", b'<data id="visit" version="3"><age>40</age></data>')])
    items = form.fetch([wanted("uuid:1 "), wanted("0af1")])
    assert [item.instance_id for item in items if isinstance(item, Submission)] == ["uuid:1 ", "0af1"]


# Several at once.


def test_gives_them_in_order_and_leaves_nothing_behind(server: Script, form: CentralForm, scratch: Path) -> None:
    names = [f"uuid:{number:02d}" for number in range(40)]
    for name in names:
        serve(server, name, None, {"a.jpg": name.encode()})
    told: list[tuple[str, int, int | None]] = []
    seen: list[str] = []
    for item in form.fetch([wanted(name, attachments_present=1) for name in names], lambda *said: told.append(said)):
        if isinstance(item, Submission):
            (file,) = item.attachments
            assert isinstance(file, Attachment)
            assert file.path is not None
            assert scratch_files.read(file.path) == item.instance_id.encode()
            assert file.path.parent.stat().st_mode & 0o077 == 0
            seen.append(item.instance_id)
            # Not more than may be read ahead lies on the disk.
            assert len([path for path in scratch.rglob("*") if path.is_file()]) <= submissions.AHEAD
    assert seen == names
    assert told == [("pulling from 127.0.0.1", number, 40) for number in range(1, 41)]
    assert list(scratch.iterdir()) == []


def test_one_that_cannot_be_read_stops_all_after_those_before_it(
    server: Script, form: CentralForm, scratch: Path
) -> None:
    names = [f"uuid:{number:02d}" for number in range(60)]
    for name in names:
        serve(server, name)
    server.say(f"{BASE}/submissions/uuid:05/versions/uuid:05.xml", Answer(500))
    given: Items = []
    with pytest.raises(SourceError, match="HTTP status 500"):  # noqa: PT012 - what came before the error counts
        for item in form.fetch(wanted(name) for name in names):
            given.append(item)
    assert [item.submission_id for item in given if isinstance(item, SubmissionState)] == names[:5]
    assert isinstance(given[-1], SubmissionState)
    assert len(server.paths()) < len(names)
    assert list(scratch.iterdir()) == []
    assert [thread.name for thread in threading.enumerate() if "laktasi-fetch" in thread.name] == []


def test_whoever_stops_taking_stops_the_reading(server: Script, form: CentralForm, scratch: Path) -> None:
    names = [f"uuid:{number:02d}" for number in range(60)]
    for name in names:
        serve(server, name)
        if name != names[0]:
            server.say(f"{BASE}/submissions/{name}/versions/{name}.xml", Answer(fault="hang"))
    items = form.fetch(wanted(name) for name in names)
    next(items)
    threading.Timer(0.2, server.release.set).start()
    items.close()  # type: ignore[attr-defined]  # it is a generator, and says no more than Iterator
    # The first, and what was under way; what waited for its turn is never asked for.
    assert len(set(server.paths())) <= 1 + submissions.AT_ONCE
    assert list(scratch.iterdir()) == []
    assert [thread.name for thread in threading.enumerate() if "laktasi-fetch" in thread.name] == []


def test_a_full_disk_is_not_taken_for_the_servers_fault(
    server: Script, form: CentralForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(server, "uuid:1", None, {"a.jpg": b"photo"})

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        list(form.fetch([wanted("uuid:1", attachments_present=1)]))


# The log, and entity lists.


def test_the_log_is_read_to_its_end_or_not_at_all(
    server: Script, central: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laktasi.odk.central.EVENTS_AT_ONCE", 2)
    entry = {"loggedAt": AT, "details": {"instanceId": "uuid:1", "name": "a.jpg"}}
    server.json("audits", [entry, entry], [entry])
    events = attachment_events(central, datetime(2026, 9, 1, tzinfo=UTC))
    assert events is not None
    assert [event.instance_id for event in events] == ["uuid:1"] * 3
    assert [one.query["offset"] for one in server.asked[1:]] == ["0", "2"]
    assert server.asked[-1].query["start"] == "2026-09-01T00:00:00.000Z"
    assert latest_event(central) == datetime(2026, 10, 1, 6, 0, 0, 123000, UTC)
    server.say("audits", Answer(403, b'{"code": 403.1}'))
    assert attachment_events(central, datetime(2026, 9, 1, tzinfo=UTC)) is None
    assert latest_event(central) is None
    server.say("audits", Answer(200, HTML, "text/html"))
    with pytest.raises(SourceError):
        latest_event(central)


def entity(name: str, **properties: str) -> dict[str, Any]:
    # The feed gives deleted ones without saying so.
    system = {"createdAt": AT, "updatedAt": None, "version": 1, "creatorName": "Manager"}
    return {"__id": name, "label": name.upper(), "__system": system, **properties}


def test_entities_have_their_properties_own_names_and_are_deleted_where_the_listing_says_so(
    server: Script, central: Connection
) -> None:
    server.json("projects/7/datasets", [{"name": "people"}])
    assert lists_of(central) == ["people"]
    place = "projects/7/datasets/people"
    server.json(f"{place}.svc/Entities", table(entity("b", big_name="2", data=""), entity("a", big_name="1", data="x")))
    named = [{"name": "big-name", "odataName": "big_name"}, {"name": "data", "odataName": "data"}]
    server.json(place, {"properties": named})
    server.json(f"{place}/entities", [{"uuid": "b", "deletedAt": AT}])
    first, second = changed_entities(central, "people", datetime(2026, 10, 1, tzinfo=UTC))
    assert (first.entity_id, first.properties, first.deleted_at) == ("a", {"big-name": "1", "data": "x"}, None)
    assert (second.entity_id, second.properties) == ("b", {"big-name": "2", "data": ""})
    assert second.deleted_at == datetime(2026, 10, 1, 6, 0, 0, 123000, UTC)
    assert "__system/createdAt gt 2026-10-01T00:00:00.000Z" in server.asked[2].query["$filter"]


def test_properties_that_the_feed_cannot_tell_apart_are_read_one_by_one(server: Script, central: Connection) -> None:
    place = "projects/7/datasets/people"
    server.json(f"{place}.svc/Entities", table(entity("gone", a_b="?"), entity("b", a_b="?"), entity("a", a_b="?")))
    server.json(place, {"properties": [{"name": name, "odataName": "a_b"} for name in ("a.b", "a_b")]})
    server.json(f"{place}/entities", [{"uuid": "b", "deletedAt": AT}])
    for name, data in (("a", {"a.b": "dot", "a_b": "line"}), ("b", {"a.b": "dot"})):
        version = {"version": 2, "label": "newer", "data": data}
        server.json(f"{place}/entities/{name}", {"updatedAt": AT, "currentVersion": version})
    first, second = changed_entities(central, "people", None)
    assert (first.properties, first.version, first.label) == ({"a.b": "dot", "a_b": "line"}, 2, "newer")
    assert second.properties == {"a.b": "dot", "a_b": ""}
    assert [one.query for one in server.asked if one.path == f"{place}/entities/b"] == [{"deleted": "true"}]


def test_living_entities_are_listed_with_their_versions(server: Script, central: Connection) -> None:
    place = "projects/7/datasets/people/entities"
    server.json(
        place, [{"uuid": "a", "currentVersion": {"version": 3}}, {"uuid": "b", "currentVersion": {"version": 1}}]
    )
    assert live_entities(central, "people") == {"a": 3, "b": 1}
    assert server.asked[-1].query == {}
    server.json(place, [{"uuid": "a"}])
    with pytest.raises(SourceError, match="does not answer as ODK Central does"):
        live_entities(central, "people")


def test_a_server_without_entities_has_none(server: Script, central: Connection) -> None:
    assert lists_of(central) == []
    server.say("projects/7/datasets", Answer(403, b'{"code": 403.1}'))
    with pytest.raises(SourceError, match="may not read project 7"):
        lists_of(central)
