"""The connection to a Central, against a server that does what a bad line, a proxy or a tired server does."""

import errno
import logging
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from laktasi import scratch
from laktasi.errors import SourceError
from laktasi.odk import connection as module
from laktasi.odk.connection import AnsweredError, Connection, Downloaded, connect, source_of
from laktasi.settings import CentralSettings
from tests.scripted_server import EMAIL, HTML, PASSWORD, Answer, Script, nobody_answers, scripted_server

PAGE = Answer(body=HTML, kind="text/html")
GOOD = Answer(body=b'{"a": 1}')
RESET, CUT = Answer(fault="reset"), Answer(body=b'{"a": 1}', fault="cut")
FILE = "projects/7/forms/visit/submissions/uuid:1/attachments/a b.jpg"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Script]:
    monkeypatch.setenv("PYODK_CONFIG_FILE", str(tmp_path / "pyodk_config.toml"))
    monkeypatch.setenv("PYODK_CACHE_FILE", str(tmp_path / "pyodk_cache.toml"))
    with scripted_server() as script:
        yield script


@pytest.fixture
def central(server: Script, tmp_path: Path) -> Iterator[Connection]:
    with connect(settings(server), tmp_path / "tokens", patience=0) as connection:
        yield connection


def settings(server: Script, **given: Any) -> CentralSettings:
    return CentralSettings(
        **{"url": server.url, "project": 7, "email": EMAIL, "password": SecretStr(PASSWORD), **given}
    )


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


# Who it is, and what it is called.


def test_names_the_source_by_host_port_and_project(server: Script) -> None:
    assert source_of(settings(server, url="https://ODK.example.org/v1/")) == "central:odk.example.org/7"
    assert source_of(settings(server, url="http://10.0.0.5:8383")) == "central:10.0.0.5:8383/7"


def test_says_that_the_address_is_none_where_only_the_network_knows_it(server: Script, tmp_path: Path) -> None:
    with (
        pytest.raises(SourceError, match=r"^\*\.example\.org is no address of a server"),
        connect(settings(server, url="https://*.example.org"), tmp_path) as central,
    ):
        central.json("projects/7/forms")


def test_uses_pyodks_configuration_only_for_its_own_server(server: Script, tmp_path: Path) -> None:
    without = settings(server, email=None, password=None)
    text = f'[central]\nbase_url = "{{}}"\nusername = "{EMAIL}"\npassword = "{PASSWORD}"\n'
    port = int(server.url.rpartition(":")[2])
    for other in (None, "https://odk.example.org", f"http://127.0.0.1:{port + 1}"):
        if other:
            (tmp_path / "pyodk_config.toml").write_text(text.format(other))
        with (
            pytest.raises(SourceError, match=r"no user name and password for 127\.0\.0\.1") as caught,
            connect(without, tmp_path / "tokens"),
        ):
            pass
        assert "LAKTASI_CENTRAL__NAME__EMAIL" in caught.value.next_step
    assert server.asked == []
    (tmp_path / "pyodk_config.toml").write_text(text.format(server.url))
    for half in (settings(server, email="other@example.org", password=None), settings(server, email=None)):
        with pytest.raises(SourceError, match="no user name and password"), connect(half, tmp_path / "tokens"):
            pass
    encrypted = settings(server, url=server.url.replace("http:", "https:"), email=None, password=None)
    with pytest.raises(SourceError, match="no user name and password"), connect(encrypted, tmp_path / "tokens"):
        pass
    assert server.asked == []
    server.say("projects/7/forms", GOOD)
    with connect(settings(server, email=EMAIL.upper(), password=None), tmp_path / "other tokens") as central:
        assert central.json("projects/7/forms") == {"a": 1}
    with connect(without, tmp_path / "tokens") as central:
        assert central.json("projects/7/forms") == {"a": 1}


def test_a_wrong_password_is_said_without_it(server: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wrong = "wr0ng-never-said"
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(SourceError, match="does not accept") as caught,
        connect(settings(server, password=SecretStr(wrong)), tmp_path) as central,
    ):
        central.json("projects/7/forms")
    assert caught.value.exit_code == 4
    assert "LAKTASI_CENTRAL__PASSWORD" in caught.value.next_step
    assert wrong not in told(caught.value) + caplog.text


# Sessions.


def test_a_session_serves_the_next_run_too(server: Script, tmp_path: Path) -> None:
    server.say("projects/7/forms", GOOD)
    for _ in range(3):
        with connect(settings(server), tmp_path / "tokens") as central:
            central.json("projects/7/forms")
    assert server.logins == 1
    # pyodk's own cache, which is readable by everyone, is not used.
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]


def test_a_kept_session_never_serves_a_wrong_password(server: Script, tmp_path: Path) -> None:
    server.say("projects/7/forms", GOOD)
    with connect(settings(server), tmp_path) as central:
        central.json("projects/7/forms")
    with (
        pytest.raises(SourceError, match="does not accept"),
        connect(settings(server, password=SecretStr("wrong")), tmp_path) as central,
    ):
        central.json("projects/7/forms")


def test_a_stale_session_is_replaced_in_the_cache_and_in_mid_run(server: Script, tmp_path: Path) -> None:
    server.say("projects/7/forms", GOOD)
    with connect(settings(server), tmp_path) as central:
        central.json("projects/7/forms")
        server.ended.add("t1")
        assert central.json("projects/7/forms") == {"a": 1}
        assert server.logins == 2
    server.ended.add("t2")
    with connect(settings(server), tmp_path) as central:
        assert central.json("projects/7/forms") == {"a": 1}
    assert server.logins == 3
    with connect(settings(server), tmp_path) as central:
        central.json("projects/7/forms")
    assert server.logins == 3


def test_threads_that_find_the_session_ended_log_in_once(server: Script, central: Connection) -> None:
    server.say("projects/7/forms", GOOD)
    central.json("projects/7/forms")
    server.ended.add("t1")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: central.json("projects/7/forms"), range(20))) == [{"a": 1}] * 20
    assert server.logins == 2


def test_a_session_that_is_refused_at_once_is_not_asked_for_again_and_again(
    server: Script, central: Connection
) -> None:
    server.say("projects/7/forms", Answer(401, b'{"code": 401.2}'))
    with pytest.raises(AnsweredError) as caught:
        central.json("projects/7/forms")
    assert caught.value.status == 401
    assert server.logins == 2


def test_writing_too_goes_on_with_another_session(server: Script, central: Connection) -> None:
    server.say("projects/7/forms", GOOD)
    central.json("projects/7/forms")
    server.ended.add("t1")
    assert central.send("POST", "projects/7/forms", data=b"PK", content_type="x/y") == {"a": 1}
    assert [one.body for one in server.asked if one.method == "POST" and one.path != "sessions"] == [b"PK", b"PK"]
    assert server.asked[-1].headers["content-type"] == "x/y"


@pytest.mark.parametrize("body", [b"null", b"5", b"[]", b"{}", b'{"token": null}', HTML])
def test_an_answer_to_the_login_that_is_none(server: Script, central: Connection, body: bytes) -> None:
    server.say("sessions", Answer(body=body))
    with pytest.raises(SourceError, match="does not answer as ODK Central does"):
        central.json("projects/7/forms")


def test_cookies_are_not_kept(server: Script, central: Connection) -> None:
    server.say("projects/7/forms", Answer(body=b"{}", headers={"Set-Cookie": "session=t1; Path=/"}))
    central.json("projects/7/forms")
    central.json("projects/7/forms")
    assert "cookie" not in server.asked[-1].headers


# Faults that pass, and faults that stay.


@pytest.mark.parametrize(
    "fault",
    [
        RESET,
        CUT,
        PAGE,
        Answer(body=b'{"a": ', kind="application/json"),
        Answer(429),
        Answer(502, HTML, "text/html"),
        Answer(503, headers={"Retry-After": "0"}),
        Answer(504),
    ],
    ids=["reset", "cut", "html", "half json", "429", "502", "503", "504"],
)
def test_reading_tries_again_and_gives_up(server: Script, central: Connection, fault: Answer) -> None:
    server.say("projects/7/forms", fault, fault, GOOD)
    assert central.json("projects/7/forms") == {"a": 1}
    server.say("projects/7/forms", fault)
    server.asked.clear()
    with pytest.raises(SourceError) as caught:
        central.json("projects/7/forms")
    assert len(server.paths()) == module.TRIES
    assert caught.value.next_step
    assert "hotel" not in told(caught.value)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 501])
def test_what_asking_again_does_not_change_is_asked_once(server: Script, central: Connection, status: int) -> None:
    server.say("projects/7/forms/visit", Answer(status, b'{"code": 999.5, "message": "a mother\'s name"}'))
    with pytest.raises(SourceError) as caught:
        central.json("projects/7/forms/visit")
    assert len(server.paths()) == 1
    assert "mother" not in told(caught.value)
    if status < 500:
        assert isinstance(caught.value, AnsweredError)
        assert (caught.value.status, caught.value.code) == (status, 999.5)


@pytest.mark.parametrize(
    ("method", "status", "said"),
    [
        ("GET", 403, "may not read form 'visit' in project 7"),
        ("POST", 403, "may not change form 'visit' in project 7"),
        ("GET", 404, "has no form 'visit' in project 7"),
        ("GET", 500, "answers with HTTP status 500"),
        ("POST", 409, "refuses what was asked of form 'visit'"),
    ],
)
def test_says_what_a_status_means(server: Script, central: Connection, method: str, status: int, said: str) -> None:
    server.say("projects/7/forms/visit.svc/Submissions", Answer(status, HTML, "text/html"))
    with pytest.raises(SourceError, match=said):
        central.send(method, "projects/7/forms/visit.svc/Submissions")


def test_a_server_that_hangs_is_given_up(server: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pyodk itself has no timeout for http.
    monkeypatch.setattr(module, "TIMEOUT", (1, 0.1))
    server.say("projects/7/forms", Answer(fault="hang"))
    with (
        connect(settings(server), tmp_path, patience=0) as central,
        pytest.raises(SourceError, match="cannot be reached, or broke off"),
    ):
        central.json("projects/7/forms")
    assert len(server.paths()) == module.TRIES


def test_says_that_nobody_answers(server: Script, tmp_path: Path) -> None:
    with (
        connect(settings(server, url=nobody_answers()), tmp_path, patience=0) as central,
        pytest.raises(SourceError, match="cannot be reached") as caught,
    ):
        central.json("projects/7/forms")
    assert "connect to the network, then run the same command again" in caught.value.next_step


def test_a_login_that_is_put_off_is_tried_again_for_writing_too(server: Script, central: Connection) -> None:
    session = Answer(body=b'{"token": "t1"}')
    server.logins = 1
    server.say("sessions", Answer(503), Answer(429, headers={"Retry-After": "0"}), session)
    server.say("projects/7/forms", GOOD)
    assert central.send("POST", "projects/7/forms", json={}) == {"a": 1}


# How long to wait.


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("laktasi.odk.connection.time.sleep", slept.append)
    return slept


def test_waits_a_little_longer_each_time_and_never_longer_than_it_may(
    server: Script, tmp_path: Path, waits: list[float]
) -> None:
    server.say("projects/7/forms", RESET, RESET, GOOD)
    with connect(settings(server), tmp_path) as central:
        central.json("projects/7/forms")
    assert waits == list(module.PAUSES)
    server.say("projects/7/forms", RESET, RESET, GOOD)
    with connect(settings(server), tmp_path, patience=1.5) as central:
        central.json("projects/7/forms")
    assert waits[2:] == [1, 0.5]


def test_waits_as_long_as_the_server_asks(server: Script, tmp_path: Path, waits: list[float]) -> None:
    # By the server's own clock, which need not be ours.
    now = datetime(2020, 1, 1, tzinfo=UTC)
    later = {
        "Date": format_datetime(now, usegmt=True),
        "Retry-After": format_datetime(now + timedelta(seconds=8), usegmt=True),
    }
    with connect(settings(server), tmp_path) as central:
        server.say("projects/7/forms", Answer(429, headers={"Retry-After": "7"}), Answer(503, headers=later), GOOD)
        central.json("projects/7/forms")
        assert waits == [7, 8]
        server.say("projects/7/forms", Answer(429, headers={"Retry-After": "soon"}), GOOD)
        central.json("projects/7/forms")
        assert waits[2:] == [module.PAUSES[0]]


@pytest.mark.parametrize("asked", ["86400", "99999999999999999999"])
def test_an_absurd_wait_is_said_and_not_waited(server: Script, tmp_path: Path, waits: list[float], asked: str) -> None:
    server.say("projects/7/forms", Answer(429, headers={"Retry-After": asked}))
    with connect(settings(server), tmp_path) as central, pytest.raises(SourceError) as caught:
        central.json("projects/7/forms")
    assert waits == []
    tomorrow = f"{datetime.now().astimezone() + timedelta(days=1):%Y-%m-%d}"
    assert (tomorrow if asked == "86400" else "longer than there are years") in caught.value.what


# Writing.


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (RESET, 1),
        (PAGE, 1),
        (CUT, 1),
        (Answer(502), 1),
        (Answer(504), 1),
        (Answer(503), 1),
        (Answer(500), 1),
        (Answer(429, headers={"Retry-After": "0"}), 3),
        (Answer(503, headers={"Retry-After": "0"}), 3),
    ],
    ids=["reset", "html", "cut", "502", "504", "503", "500", "429 with a time", "503 with a time"],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_writing_is_tried_again_only_where_nothing_was_done(
    server: Script, central: Connection, fault: Answer, tries: int, method: str
) -> None:
    server.say("projects/7/forms/visit", fault)
    with pytest.raises(SourceError):
        central.send(method, "projects/7/forms/visit", json={"reviewState": None})
    assert len(server.paths()) == tries


def test_writing_is_tried_again_where_there_was_no_connection(server: Script, tmp_path: Path) -> None:
    calls: list[str] = []
    with connect(settings(server), tmp_path, patience=0) as central:
        server.say("projects/7/forms", GOOD)
        central.json("projects/7/forms")
        session = central._account.client.session
        real = session.request

        def request(method: str, url: str, **given: Any) -> Any:
            calls.append(method)
            # The first try finds nobody; the second finds the server.
            return real(method, url if len(calls) > 1 else f"{nobody_answers()}/", **given)

        session.request = request
        assert central.send("POST", "projects/7/forms", json={}) == {"a": 1}
    assert calls == ["POST", "POST"]


def test_sends_what_it_is_given(server: Script, central: Connection, tmp_path: Path) -> None:
    server.say("projects/7/x", GOOD)
    central.send("PATCH", "projects/7/x", json={"reviewState": None}, headers={"X-Action-Notes": "why"})
    assert (server.asked[-1].method, server.asked[-1].body) == ("PATCH", b'{"reviewState": null}')
    assert server.asked[-1].headers["x-action-notes"] == "why"
    central.send("POST", "projects/7/x", data=b"<x/>", content_type="application/xml", params={"a": "b c+"})
    assert (server.asked[-1].body, server.asked[-1].query) == (b"<x/>", {"a": "b c+"})
    assert server.asked[-1].headers["content-type"] == "application/xml"
    server.say("projects/7/x", Answer(204, headers={"Content-Length": "0"}))
    assert central.send("DELETE", "projects/7/x") is None


def test_a_post_is_not_sent_elsewhere_as_a_get(server: Script, central: Connection) -> None:
    server.say("projects/7/x", Answer(301, headers={"Location": "/v1/projects/7/y"}))
    with pytest.raises(SourceError, match="does not answer as"):
        central.send("POST", "projects/7/x", json={})
    assert server.paths() == ["projects/7/x"]


# What answers hold.


def test_may_gives_none_for_what_is_not_ours(server: Script, central: Connection) -> None:
    server.say("audits", Answer(403, b'{"code": 403.1}'))
    assert central.may("audits") is None
    assert central.may("projects/7/nothing") is None
    server.say("audits", Answer(500))
    with pytest.raises(SourceError):
        central.may("audits")


def test_a_listing_that_is_unchanged_is_not_sent_again(server: Script, central: Connection) -> None:
    tag = {"ETag": 'W/"eventhash:1"'}
    server.say("x", Answer(body=b'[{"a": 1}]', headers=tag), Answer(304, headers={**tag, "Content-Length": ""}))
    assert central.listing("x") == ([{"a": 1}], tag["ETag"])
    assert central.listing("x", etag=tag["ETag"]) == (None, tag["ETag"])
    assert server.asked[-1].headers["if-none-match"] == tag["ETag"]
    # Nobody asked whether it is unchanged: then that is no answer.
    with pytest.raises(SourceError, match="does not answer as"):
        central.listing("x")


@pytest.mark.parametrize("body", [b'{"items": []}', b"[1]", b"null", b'"x"'])
def test_a_listing_of_another_shape_is_no_centrals(server: Script, central: Connection, body: bytes) -> None:
    server.say("x", Answer(body=body))
    with pytest.raises(SourceError, match="does not answer as"):
        central.listing("x")


def test_asks_for_names_beside_numbers(server: Script, central: Connection) -> None:
    server.say("x", GOOD)
    central.json("x", {"$filter": "__id eq 'a+b'"}, extended=True)
    assert server.asked[-1].headers["x-extended-metadata"] == "true"
    assert server.asked[-1].query == {"$filter": "__id eq 'a+b'"}


def test_paths_are_quoted_as_central_reads_them() -> None:
    assert Connection.quote("uuid:1/é *'()") == "uuid%3A1%2F%C3%A9%20*'()"


# Documents and files.


def test_a_document_that_is_cut_or_a_web_page_is_not_taken_for_whole(server: Script, central: Connection) -> None:
    xml = Answer(body=b"<data/>", kind="application/xml")
    for fault in (
        Answer(body=b"<data/>", kind="application/xml", fault="cut"),
        PAGE,
        Answer(body=b"upstream busy", kind="text/plain"),
        Answer(body=b"{}"),
        Answer(kind="application/xml"),
        Answer(body=b" \n", kind="text/xml"),
        # It ends where the connection ends, so nobody can say whether that is its end.
        Answer(body=b"<data/>", kind="application/xml", headers={"Content-Length": ""}),
    ):
        server.say("x.xml", fault, xml)
        assert central.document("x.xml") == b"<data/>"
        server.say("x.xml", fault)
        with pytest.raises(SourceError):
            central.document("x.xml")
    assert central.document("gone.xml") is None


def test_of_a_huge_document_no_more_is_read_than_shows_that(
    server: Script, central: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    monkeypatch.setattr(module, "CHUNK", 4)
    server.say("x.xml", Answer(body=b"<data>" + b"x" * 5000, kind="application/xml"))
    content = central.document("x.xml")
    assert content is not None
    assert len(content) == 11


def test_a_file_is_written_whole_or_not_at_all(server: Script, central: Connection, tmp_path: Path) -> None:
    target = tmp_path / "files" / "0"
    target.parent.mkdir()
    server.file(FILE, b"photo", ETag='"abc"')
    assert central.download(FILE.replace(" ", "%20"), target) == Downloaded("new", '"abc"')
    assert scratch.read(target) == b"photo"
    target.unlink()
    for fault in ("cut", "reset"):
        server.say(FILE, Answer(body=b"photo", kind="image/jpeg", fault=fault))
        with pytest.raises(SourceError, match="broke off"):
            central.download(FILE.replace(" ", "%20"), target)
        assert list(target.parent.iterdir()) == []
    # One that is there already stays as it is.
    target.write_bytes(b"older")
    with pytest.raises(SourceError):
        central.download(FILE.replace(" ", "%20"), target)
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"older"]


def test_a_file_that_is_unchanged_or_gone_writes_nothing(server: Script, central: Connection, tmp_path: Path) -> None:
    target = tmp_path / "0"
    server.say("x", Answer(304, headers={"ETag": '"abc"', "Content-Length": ""}))
    assert central.download("x", target, '"abc"') == Downloaded("same", '"abc"')
    assert server.asked[-1].headers["if-none-match"] == '"abc"'
    assert central.download("gone", target, '"abc"') == Downloaded("gone", None)
    assert not target.exists()


def test_a_web_page_is_a_file_only_where_central_says_so(server: Script, central: Connection, tmp_path: Path) -> None:
    target = tmp_path / "0"
    server.say("x", PAGE)
    with pytest.raises(SourceError, match="does not answer as"):
        central.download("x", target)
    server.say("x", Answer(body=HTML, kind="text/html", headers={"Content-Disposition": "attachment"}))
    assert central.download("x", target).status == "new"
    assert scratch.read(target) == HTML


def ranged(content: bytes, etag: str) -> Callable[[Any], Answer]:
    def answer(asked: Any) -> Answer:
        start = int(asked.headers["range"].removeprefix("bytes=").removesuffix("-"))
        assert asked.headers["if-range"] == etag
        place = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}", "ETag": etag}
        return Answer(206, content[start:], "image/jpeg", place)

    return answer


def test_a_download_goes_on_where_it_broke_off_if_the_server_can(
    server: Script, central: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 1000)
    content = os.urandom(5000)
    cut = Answer(body=content, kind="image/jpeg", headers={"ETag": '"abc"'}, fault="cut")
    server.say("x", cut)
    real, answer = Script.answer, ranged(content, '"abc"')
    monkeypatch.setattr(
        Script, "answer", lambda self, asked: answer(asked) if "range" in asked.headers else real(self, asked)
    )
    assert central.download("x", tmp_path / "0") == Downloaded("new", '"abc"')
    assert scratch.read(tmp_path / "0") == content
    assert len(server.asked) == 2  # the session, and the first half


@pytest.mark.parametrize("etag", ['"abc"', 'W/"abc"', ""])
def test_a_download_begins_again_where_the_server_sends_the_whole(
    server: Script, central: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, etag: str
) -> None:
    monkeypatch.setattr(module, "CHUNK", 1000)
    # As Central itself does, whatever range it is asked for.
    content = os.urandom(5000)
    cut = Answer(body=content, kind="image/jpeg", headers={"ETag": etag}, fault="cut")
    server.say("x", cut, Answer(body=content, kind="image/jpeg", headers={"ETag": etag}))
    assert central.download("x", tmp_path / "0").status == "new"
    assert scratch.read(tmp_path / "0") == content
    assert ("range" in server.asked[-1].headers) is (etag == '"abc"')


def test_a_part_of_another_place_is_not_joined(
    server: Script, central: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 1000)
    content = os.urandom(5000)
    cut = Answer(body=content, kind="image/jpeg", headers={"ETag": '"abc"'}, fault="cut")
    odd = Answer(206, content[10:], "image/jpeg", {"Content-Range": "bytes 10-4999/5000", "ETag": '"abc"'})
    server.say("x", cut, odd, Answer(body=content, kind="image/jpeg"))
    assert central.download("x", tmp_path / "0").status == "new"
    assert scratch.read(tmp_path / "0") == content


def test_a_full_disk_is_said_as_what_it_is(
    server: Script, central: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.file("x", b"photo")

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = Path.open

    def opened(self: Path, *given: Any, **named: Any) -> Any:
        file = real(self, *given, **named)
        if self.suffix == ".part":
            return _Full(file)
        return file

    class _Full:
        def __init__(self, file: Any) -> None:
            self.file = file
            self.write = full

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(OSError, match="No space left") as caught:
        central.download("x", tmp_path / "0")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.glob("0*")) == []
    assert server.paths() == ["x"]


def test_several_threads_read_at_once(server: Script, central: Connection, tmp_path: Path) -> None:
    for number in range(20):
        server.file(str(number), str(number).encode())
    barrier = threading.Barrier(4, timeout=10)

    def get(number: int) -> bytes:
        if number < 4:
            barrier.wait()
        central.download(str(number), tmp_path / f"f{number}")
        return scratch.read(tmp_path / f"f{number}")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(get, range(20))) == [str(number).encode() for number in range(20)]
    assert server.logins == 1
