"""A server that answers what a test tells it to, faults included: for what lies below Central's own behaviour."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

EMAIL, PASSWORD = "manager@example.org", "s3cret-never-said"
HTML = b"<!doctype html><html><body>Log in to the hotel's network</body></html>"


@dataclass(frozen=True)
class Answer:
    """One answer, or one way not to give it."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    """``reset``: the connection ends without a word; ``cut``: in the middle of the body; ``hang``: nothing comes."""


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Script:
    """What the server answers, by path below ``/v1/``: the answers one after the other, the last again and again."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    logins: int = 0
    ended: set[str] = field(default_factory=set)
    """Tokens whose sessions are over."""
    release: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def json(self, path: str, *values: Any) -> None:
        self.say(path, *(Answer(body=json.dumps(value).encode()) for value in values))

    def xml(self, path: str, content: bytes) -> None:
        self.say(path, Answer(body=content, kind="application/xml; charset=utf-8"))

    def file(self, path: str, content: bytes, **headers: str) -> None:
        self.say(path, Answer(body=content, kind="image/jpeg", headers=headers))

    def paths(self) -> list[str]:
        """What was asked for, logging in aside."""
        return [one.path for one in self.asked if one.path != "sessions"]

    def answer(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            if asked.path == "sessions" and asked.path not in self.answers:
                return self._session(json.loads(asked.body))
            token = asked.headers.get("authorization", "").removeprefix("Bearer ")
            is_known = token in {f"t{number + 1}" for number in range(self.logins)}
            if asked.path != "sessions" and (not is_known or token in self.ended):
                return Answer(401, b'{"code": 401.2}')
            script = self.answers.get(asked.path)
            if script is None:
                return Answer(404, b'{"code": 404.1, "message": "a mother\'s name"}')
            return script.pop(0) if len(script) > 1 else script[0]

    def _session(self, given: dict[str, str]) -> Answer:
        if given != {"email": EMAIL, "password": PASSWORD}:
            # Central repeats what it was given in some of its answers to a bad login.
            return Answer(401, json.dumps({"code": 401.2, "details": given}).encode())
        self.logins += 1
        return Answer(body=json.dumps({"token": f"t{self.logins}"}).encode())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: in two, each answer waits for the other side

    def _any(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(
            method=self.command,
            path=unquote(parts.path).removeprefix("/v1/"),
            query={name: values[0] for name, values in parse_qs(parts.query).items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        answer = self.server.script.answer(asked)
        if answer.fault in ("reset", "hang"):
            if answer.fault == "hang":
                self.server.script.release.wait(20)
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        headers = {
            "Date": self.date_time_string(),
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        is_cut = answer.fault == "cut"
        self.wfile.write(answer.body[: len(answer.body) // 2] if is_cut else answer.body)
        # An answer without a length ends where the connection does.
        self.close_connection = is_cut or not headers["Content-Length"]

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    script: Script


@contextmanager
def scripted_server() -> Iterator[Script]:
    """Run such a server on this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.script = Script(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.script
    finally:
        server.script.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def nobody_answers() -> str:
    """Give an address at which nobody answers."""
    unused = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    unused.server_close()
    return f"http://127.0.0.1:{unused.server_port}"
