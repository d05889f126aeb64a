"""The full pull from Central, against a small server that speaks the handful of endpoints it needs."""

import json
import logging
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest
from pydantic import SecretStr

from laktasi.errors import SourceError
from laktasi.odk import central
from laktasi.odk.central import fetch_all, source_of
from laktasi.odk.instances import read_folder
from laktasi.paths import HOUSE, DataFolder
from laktasi.records import FieldedForm, Refused, Status, Submission
from laktasi.settings import CentralSettings
from laktasi.store.raw import land
from tests.phones import fill, list_instances, payload, xform

EMAIL, PASSWORD = "manager@example.org", "s3cret-never-said"
BASE = "/v1/projects/7/forms/visit"


@dataclass
class FakeCentral:
    """What the server answers, by path: status, content type, body."""

    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    logins: int = 0
    ends_session_after: int | None = None
    """Requests after which the first session is over."""
    cut: str | None = None
    """Path whose answer breaks off in the middle."""
    url: str = ""

    def json(self, path: str, value: Any, status: int = 200) -> None:
        self.answers[path] = (status, "application/json; charset=utf-8", json.dumps(value).encode())

    def xml(self, path: str, content: bytes) -> None:
        self.answers[path] = (200, "application/xml; charset=utf-8", content)

    def submission(self, versions: list[tuple[str, bytes]], files: dict[str, bytes] | None = None) -> dict[str, Any]:
        """Serve a submission, its versions the oldest first; give its row of the table."""
        root = versions[0][0]
        place = f"{BASE}/submissions/{root}/versions"
        listed: list[dict[str, Any]] = []
        for day, (instance_id, content) in enumerate(versions, start=1):
            self.xml(f"{place}/{instance_id}.xml", content)
            listed.insert(
                0, {"instanceId": instance_id, "createdAt": f"2026-10-0{day}T06:00:00.123Z", "current": False}
            )
            self.json(f"{place}/{instance_id}/attachments", [{"name": name, "exists": True} for name in files or {}])
            for name, data in (files or {}).items():
                self.answers[f"{place}/{instance_id}/attachments/{name}"] = (200, "image/jpeg", data)
        self.json(place, listed)
        return {
            "__id": root,
            "__system": {
                "submissionDate": "2026-10-01T06:00:00.123Z",
                "edits": len(versions) - 1,
                "attachmentsPresent": len(files or {}),
                "attachmentsExpected": 2,
            },
        }

    def table(self, rows: list[dict[str, Any]]) -> None:
        # Central gives the newest first.
        self.json(f"{BASE}.svc/Submissions", {"@odata.context": "x", "value": rows[::-1]})


class Handler(BaseHTTPRequestHandler):
    server: "Server"

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "/v1/sessions" in self.server.central.answers:
            self.answer(*self.server.central.answers["/v1/sessions"])
        elif self.path == "/v1/sessions" and given == {"email": EMAIL, "password": PASSWORD}:
            self.server.central.logins += 1
            token = json.dumps({"token": f"t{self.server.central.logins}"}).encode()
            self.answer(200, "application/json", token)
        else:
            # Central repeats what it was given in some of its answers to a bad login.
            self.answer(401, "application/json", json.dumps({"code": 401.2, "details": given}).encode())

    def do_GET(self) -> None:
        fake = self.server.central
        path = unquote(urlsplit(self.path).path)
        fake.asked.append(path)
        is_over = fake.ends_session_after is not None and len(fake.asked) > fake.ends_session_after and fake.logins < 2
        if self.headers["Authorization"] != f"Bearer t{fake.logins}" or is_over:
            self.answer(401, "application/json", b'{"code": 401.2}')
        elif path in fake.answers:
            self.answer(*fake.answers[path], is_cut=path == fake.cut)
        else:
            self.answer(404, "application/json", b'{"code": 404.1}')

    def answer(self, status: int, kind: str, body: bytes, *, is_cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class Server(ThreadingHTTPServer):
    central: FakeCentral


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCentral]:
    monkeypatch.setattr(central, "RETRIES", 0)
    monkeypatch.setenv("PYODK_CONFIG_FILE", str(tmp_path / "pyodk_config.toml"))
    monkeypatch.setenv("PYODK_CACHE_FILE", str(tmp_path / "pyodk_cache.toml"))
    server = Server(("127.0.0.1", 0), Handler)
    server.central = FakeCentral(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    whole(server.central)
    yield server.central
    server.shutdown()
    thread.join()
    server.server_close()


def whole(fake: FakeCentral) -> None:
    """Serve a form of two versions, a submission edited twice, one with a photo, and one without an instanceID."""
    fake.json(f"{BASE}/versions", [{"version": "3"}, {"version": ""}])
    fake.xml(f"{BASE}/versions/3.xml", xform())
    fake.xml(f"{BASE}/versions/___.xml", xform(version=""))
    fake.json(
        f"{BASE}/versions/3/attachments", [{"name": "centres.csv", "exists": True}, {"name": "b.csv", "exists": False}]
    )
    fake.json(f"{BASE}/versions/___/attachments", [])
    fake.answers[f"{BASE}/versions/3/attachments/centres.csv"] = (200, "text/csv", b"name,label")
    edited = [
        ("uuid:1", payload("uuid:1")),
        ("uuid:1b", payload("uuid:1b", deprecated_id="uuid:1", body="<age>32</age>")),
        ("uuid:1c", payload("uuid:1c", deprecated_id="uuid:1b", body="<age>33</age>")),
    ]
    photo = [("uuid:2", payload("uuid:2", body="<photo>a b.jpg</photo>"))]
    nameless = [("0af1", b'<data id="visit" version="3"><age>40</age></data>')]
    fake.table([fake.submission(edited), fake.submission(photo, {"a b.jpg": b"photo"}), fake.submission(nameless)])


def settings(fake: FakeCentral, **given: Any) -> CentralSettings:
    known = {"url": fake.url, "project": 7, "form": "visit", "email": EMAIL, "password": SecretStr(PASSWORD)}
    return CentralSettings(**{**known, **given})


def test_pulls_forms_then_every_version_of_every_submission(fake: FakeCentral) -> None:
    source = f"central:{urlsplit(fake.url).netloc}/7"
    forms: list[FieldedForm] = []
    submissions: list[tuple[Submission, list[tuple[str, bytes]]]] = []
    for item in fetch_all(settings(fake)):
        if isinstance(item, FieldedForm):
            assert not submissions
            forms.append(item)
        else:
            assert isinstance(item, Submission)
            submissions.append((item, [(file.name, file.path.read_bytes()) for file in item.attachments]))
    assert forms == [
        FieldedForm(xform(version=""), {}, source),
        FieldedForm(xform(), {"centres.csv": b"name,label"}, source),
    ]
    assert [(item.instance_id, item.deprecated_id) for item, _ in submissions] == [
        ("uuid:1", None),
        ("uuid:1b", "uuid:1"),
        ("uuid:1c", "uuid:1b"),
        ("uuid:2", None),
        ("0af1", None),
    ]
    assert {(item.status, item.source) for item, _ in submissions} == {(Status.FINALISED, source)}
    assert [files for _, files in submissions] == [[], [], [], [("a b.jpg", b"photo")], []]
    assert submissions[1][0].payload == payload("uuid:1b", deprecated_id="uuid:1", body="<age>32</age>")
    assert submissions[1][0].changed_at == datetime(2026, 10, 2, 6, 0, 0, 123000, UTC)
    # A submission that nobody edited and that has no files costs one request.
    assert [path for path in fake.asked if "0af1" in path] == [f"{BASE}/submissions/0af1/versions/0af1.xml"]


def test_names_the_source_by_host_and_project(fake: FakeCentral) -> None:
    assert source_of(settings(fake, url="https://User:pw@ODK.example.org/v1/")) == "central:odk.example.org/7"


def test_leaves_no_token_behind(fake: FakeCentral, tmp_path: Path) -> None:
    list(fetch_all(settings(fake)))
    assert fake.logins == 1
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_ends_is_renewed(fake: FakeCentral) -> None:
    fake.ends_session_after = 5
    assert len(list(fetch_all(settings(fake)))) == 7
    assert fake.logins == 2


def test_uses_pyodks_configuration_only_for_its_own_server(fake: FakeCentral, tmp_path: Path) -> None:
    without = settings(fake, email=None, password=None)
    with pytest.raises(SourceError, match="no user name and password for 127"):
        next(fetch_all(without))
    text = f'[central]\nbase_url = "{{}}"\nusername = "{EMAIL}"\npassword = "{PASSWORD}"\n'
    (tmp_path / "pyodk_config.toml").write_text(text.format("https://odk.example.org"))
    with pytest.raises(SourceError, match="no user name and password for 127"):
        next(fetch_all(without))
    assert fake.asked == []
    (tmp_path / "pyodk_config.toml").write_text(text.format(fake.url))
    assert len(list(fetch_all(without))) == 7


def test_a_wrong_password_is_said_without_it(fake: FakeCentral, caplog: pytest.LogCaptureFixture) -> None:
    wrong = "wr0ng-never-said"
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceError, match="does not accept") as caught:
        next(fetch_all(settings(fake, password=SecretStr(wrong))))
    assert caught.value.exit_code == 4
    assert "LAKTASI_CENTRAL__PASSWORD" in caught.value.next_step
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert wrong not in told


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{BASE}/versions", 404, "has no form 'visit' in project 7"),
        (f"{BASE}/versions", 403, "may not read project 7"),
        (f"{BASE}.svc/Submissions", 500, "answers with HTTP status 500"),
        (f"{BASE}.svc/Submissions", 503, "cannot be reached, or broke off"),
        ("/v1/sessions", 404, "does not answer as ODK Central does"),
        ("/v1/sessions", 500, "answers with HTTP status 500"),
    ],
)
def test_says_what_a_status_means(fake: FakeCentral, path: str, status: int, said: str) -> None:
    fake.json(path, {"code": status + 0.1, "message": "a mother's name"}, status)
    with pytest.raises(SourceError, match=said) as caught:
        list(fetch_all(settings(fake)))
    assert caught.value.next_step
    assert "mother" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "path",
    ["/v1/sessions", f"{BASE}/versions", f"{BASE}/versions/3.xml", f"{BASE}/submissions/uuid:2/versions/uuid:2.xml"],
)
def test_a_web_page_with_status_200_is_no_central(fake: FakeCentral, path: str) -> None:
    fake.answers[path] = (200, "text/html", b"<!doctype html><html><body>Log in to the hotel's network</body></html>")
    with pytest.raises(SourceError, match="does not answer as ODK Central does"):
        list(fetch_all(settings(fake)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{BASE}/versions", {"items": []}),
        (f"{BASE}/versions", [{"name": "3"}]),
        (f"{BASE}.svc/Submissions", [1]),
        (f"{BASE}.svc/Submissions", {"value": [{"__id": "x"}]}),
        (f"{BASE}.svc/Submissions", {"value": [{"__id": "x", "__system": None}]}),
        # A page with more to come, taken for the whole, would lose data.
        (f"{BASE}.svc/Submissions", {"value": [], "@odata.nextLink": "more"}),
    ],
)
def test_json_of_another_shape_is_no_central(fake: FakeCentral, path: str, value: Any) -> None:
    fake.json(path, value)
    with pytest.raises(SourceError, match="does not answer as ODK Central does"):
        list(fetch_all(settings(fake)))


@pytest.mark.parametrize(
    "path", [f"{BASE}.svc/Submissions", f"{BASE}/submissions/uuid:2/versions/uuid:2/attachments/a b.jpg"]
)
def test_an_answer_that_breaks_off_is_not_taken_for_whole(fake: FakeCentral, path: str) -> None:
    fake.cut = path
    with pytest.raises(SourceError, match="broke off"):
        list(fetch_all(settings(fake)))


def test_says_that_nobody_answers(fake: FakeCentral) -> None:
    unused = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = unused.server_port
    unused.server_close()
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        next(fetch_all(settings(fake, url=f"http://127.0.0.1:{port}")))
    assert "laktasi run" in caught.value.next_step


def test_a_server_that_hangs_is_given_up(fake: FakeCentral, monkeypatch: pytest.MonkeyPatch) -> None:
    # pyodk itself has no timeout for http.
    release = threading.Event()
    monkeypatch.setattr(central, "TIMEOUT", (1, 0.2))
    monkeypatch.setattr(Handler, "do_GET", lambda _self: release.wait(20))
    try:
        with pytest.raises(SourceError, match="cannot be reached"):
            next(fetch_all(settings(fake)))
    finally:
        release.set()


@pytest.mark.parametrize("url", ["central.example.org", "ftp://central.example.org"])
def test_says_that_the_address_is_none(fake: FakeCentral, url: str) -> None:
    with pytest.raises(SourceError, match="no address of a server"):
        next(fetch_all(settings(fake, url=url)))


def test_what_was_deleted_meanwhile_or_cannot_be_read_does_not_stop_the_rest(fake: FakeCentral) -> None:
    del fake.answers[f"{BASE}/submissions/uuid:2/versions/uuid:2.xml"]
    encrypted = payload("uuid:1b").replace(b'id="visit"', b'id="visit" encrypted="yes"')
    fake.xml(f"{BASE}/submissions/uuid:1/versions/uuid:1b.xml", encrypted)
    given = []
    for item in fetch_all(settings(fake)):
        if isinstance(item, Refused):
            assert item.path.read_bytes() == encrypted
            assert "encrypted" in item.reason
            given.append(item.name.rsplit("/", 1)[-1])
        elif isinstance(item, Submission):
            given.append(item.instance_id)
    assert given == ["uuid:1", "uuid:1b.xml", "uuid:1c", "0af1"]


def test_attachment_names_that_are_paths_are_refused(fake: FakeCentral) -> None:
    place = f"{BASE}/submissions/uuid:2/versions/uuid:2/attachments"
    fake.json(place, [{"name": "../../up.jpg", "exists": True}, {"name": "a b.jpg", "exists": True}])
    items = list(fetch_all(settings(fake)))
    assert [item.reason for item in items if isinstance(item, Refused)] == [
        "its name is a path, which may be an attack"
    ]
    assert [[file.name for file in item.attachments] for item in items if isinstance(item, Submission)][3] == [
        "a b.jpg"
    ]


def test_both_doors_give_the_same_payloads_by_the_same_ids(fake: FakeCentral, tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    fill(phone, "V1", payload("uuid:1"))
    fill(phone, "V2", payload("uuid:2", body="<photo>a b.jpg</photo>"), files={"a b.jpg": b"photo"})
    list_instances(phone, {"V1": ("submitted", 1), "V2": ("submitted", 1)})
    data = DataFolder(tmp_path / "data")
    con = duckdb.connect()
    con.execute((HOUSE / "warehouse/migrations/0001_raw.sql").read_text(encoding="utf-8"))
    land(con, data, read_folder(phone), "r1")
    pulled = land(con, data, fetch_all(settings(fake)), "r2", source=source_of(settings(fake)))
    assert (pulled.new, pulled.forms, pulled.attachments) == (5, 2, 1)
    doors = con.execute(
        """
        select instance_id, count(distinct payload_sha256), count(distinct status), count(*)
        from raw.submissions group by all having count(*) > 1 order by all
        """
    ).fetchall()
    assert doors == [("uuid:1", 1, 1, 2), ("uuid:2", 1, 1, 2)]
    assert con.execute("select count(*), count(distinct sha256) from raw.attachments").fetchone() == (2, 1)
    again = land(con, data, fetch_all(settings(fake)), "r3")
    assert (again.new, again.known, again.forms, again.attachments) == (0, 5, 0, 0)
