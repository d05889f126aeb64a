"""HTTP for the stand-in: requests in, answers out, and what goes wrong in between."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.central import entities, forms, managing, media, odata, people, reading, submissions
from tests.central.faults import Fault, Faults
from tests.central.problems import FaultOfOursError, Problem, no_login, no_rights, not_found
from tests.central.state import State
from tests.central.web import Answer, Request, Route, Style, etag_of_content

ROUTES: list[Route] = [
    route
    for module in (people, odata, entities, submissions, managing, reading, media, forms)
    for route in module.route.all
]
KEYED = re.compile(r"key/([^/]*)/(.*)")
TOKEN = re.compile(r"[A-Za-z0-9!$]{64}")
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Wi-Fi</title></head><body>Please log in.</body></html>"
JSON = "application/json; charset=utf-8"
DRIPS = 8


@dataclass(frozen=True)
class Seen:
    """A request as it came: path and query below ``/v1/``, unquoted, and the status it was answered with.

    A fault that gave no answer has status 0.
    """

    method: str
    path: str
    query: dict[str, str]
    status: int
    has_etag: bool
    """It came with ``If-None-Match``."""


class Server(ThreadingHTTPServer):
    """Serves one state; one thread per connection."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, state: State, faults: Faults, seen: list[Seen], domain: str | None) -> None:
        self.state, self.faults, self.seen = state, faults, seen
        self.is_closing = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        self.domain = domain or f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hung up: many tests make them."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  (the base class's names)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        below = parts.path.removeprefix("/v1/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = unquote(below)
        asked = path + "".join(
            f"{'&' if index else '?'}{key}={value}" for index, (key, value) in enumerate(query.items())
        )
        fault = self.server.faults.take(self.command, asked)
        answer: Answer | None = None
        if fault is None or fault.when == "after" or fault.kind in ("truncated", "slow"):
            request = Request(
                self.server.state, self.command, below, self.path, self.server.domain, query, self.headers, body
            )
            with self.server.state.lock:
                answer = answer_to(request)
        if fault is not None and fault.kind not in ("truncated", "slow"):
            answer = failure(fault)
        seen = Seen(self.command, path, query, answer.status if answer else 0, "If-None-Match" in self.headers)
        self.server.seen.append(seen)
        if answer is None:
            assert fault is not None
            self._break_off(fault)
        else:
            self._send(answer, fault)

    def _break_off(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.kind == "hang":
            self.server.is_closing.wait(600)
            return
        # Closing with nothing lingering sends a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        content = answer.content()
        self.send_response(answer.status)
        has_body = answer.status not in (204, 304)
        if has_body:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(content)))
        if answer.etag:
            self.send_header("ETag", answer.etag)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD" or not has_body:
            return
        if fault is not None and fault.kind == "truncated":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
        elif fault is not None and fault.kind == "slow":
            step = len(content) // DRIPS + 1
            for begin in range(0, len(content), step):
                self.wfile.write(content[begin : begin + step])
                self.wfile.flush()
                time.sleep(fault.seconds / DRIPS)
        else:
            self.wfile.write(content)


def failure(fault: Fault) -> Answer | None:
    """Give what a fault answers with; None where nothing comes."""
    if fault.kind == "html":
        return Answer(LOGIN_PAGE, 200, "text/html; charset=utf-8", etag="")
    if fault.kind == "401":
        return Answer(no_login().as_json(), 401, etag="")
    if fault.kind == "404":
        return Answer(not_found().as_json(), 404, etag="")
    if fault.kind == "429":
        return Answer(b"Too many requests", 429, "text/plain", {"Retry-After": f"{fault.seconds:g}"}, etag="")
    if fault.kind == "500":
        return Answer({"message": "Internal Server Error"}, 500, etag="")
    if fault.kind in ("502", "503"):
        return Answer(b"<html><body>nginx</body></html>", int(fault.kind), "text/html", etag="")
    return None


def answer_to(request: Request) -> Answer:
    """Find who answers, see that the request may be made, and write refusals as that part of Central writes them."""
    style: Style = "json"
    try:
        if match := KEYED.fullmatch(request.path):
            request.is_keyed, request.path = True, match[2]
            style = "openrosa" if request.path.endswith("/submission") else "json"
            know_key(request, unquote(match[1]))
        route = find(request)
        style = route.style
        if not route.is_open and not request.is_keyed:
            know_session(request)
        if style == "openrosa" and request.headers.get("X-OpenRosa-Version") != "1.0":
            said = "An expected header field (X-OpenRosa-Version) did not match the expected format."
            raise Problem(400.6, said, {"field": "X-OpenRosa-Version"})
        given = route.handler(request)
        answer = given if isinstance(given, Answer) else Answer(given)
    except Problem as problem:
        answer = refusal(problem, style)
    except FaultOfOursError:
        answer = Answer({"message": "Internal Server Error"}, 500)
    if style == "openrosa" and request.actor:
        answer.headers["X-OpenRosa-Version"] = "1.0"
    elif style == "odata":
        answer.headers["OData-Version"] = "4.0"
    if answer.etag is None:
        answer.etag = etag_of_content(answer.content())
    if request.method == "GET" and answer.status == 200 and answer.etag and request.matches(answer.etag):
        return Answer(b"", 304, etag=answer.etag)
    return answer


def refusal(problem: Problem, style: Style) -> Answer:
    if style == "openrosa":
        said = escape(problem.message, {"'": "&#39;", '"': "&quot;"})
        return submissions.message(problem.status, "error", said)
    return Answer(problem.as_json(), problem.status)


def find(request: Request) -> Route:
    for route in ROUTES:
        if route.method == request.method and (match := route.pattern.fullmatch(request.path)):
            request.args = {name: unquote(value) for name, value in match.groupdict().items()}
            return route
    raise not_found()


def know_key(request: Request, key: str) -> None:
    if not TOKEN.fullmatch(key):
        raise no_login()
    for actor in request.state.actors.values():
        if actor.token == key and not actor.deleted_at:
            request.actor = actor
            return
    raise no_rights()


def know_session(request: Request) -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    session = request.state.sessions.get(token) if kind == "Bearer" else None
    if session is None or session.expires_at <= request.state.clock.now():
        raise no_login()
    request.session, request.actor = session, session.actor
