"""Requests and answers of the stand-in for Central: routes, rights, and how things are written as JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from typing import Any, Literal
from urllib.parse import quote, unquote

from tests.central.problems import Problem, missing, no_rights, not_found, wrong_type
from tests.central.state import VERBS, Actor, Blob, Dataset, Form, Project, Session, State

Style = Literal["json", "openrosa", "odata"]


@dataclass
class Answer:
    """What is sent back. A body that is no bytes is JSON."""

    body: Any
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = None
    """As the header has it. None: named after the content, as the real one's web framework does; empty: none at all."""

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


@dataclass
class Request:
    """A request, and who sends it."""

    state: State
    method: str
    path: str
    """Below ``/v1/``, without an app user's key, still quoted."""
    target: str
    """The whole address after the host, as it was sent."""
    domain: str
    query: dict[str, str]
    headers: Message[str, str]
    body: bytes
    actor: Actor | None = None
    session: Session | None = None
    is_keyed: bool = False
    """Sent with an app user's key in its address."""
    args: dict[str, str] = field(default_factory=dict)

    # who

    def who(self) -> Actor:
        assert self.actor is not None
        return self.actor

    def may(self, verb: str, project: Project | None = None, form: Form | None = None) -> bool:
        """Tell whether this actor may do something there."""
        return verb in self.verbs(project, form)

    def verbs(self, project: Project | None = None, form: Form | None = None) -> set[str]:
        places = ["*"]
        places += [f"project {project.id}"] if project else []
        places += [f"form {form.id}"] if form else []
        given = self.actor.roles if self.actor else {}
        return {verb for place in places for role in given.get(place, ()) for verb in VERBS[role]}

    def require(self, verb: str, project: Project | None = None, form: Form | None = None) -> None:
        if not self.may(verb, project, form):
            raise no_rights()

    # where

    def project(self) -> Project:
        given = self.args["project"]
        if not given.isdecimal():
            details = {"value": given, "expected": "type integer"}
            raise Problem(400.11, f'Invalid input data type: expected "{given}" to be (type integer)', details)
        project = self.state.projects.get(int(given))
        if project is None:
            raise not_found()
        return project

    def live_project(self) -> Project:
        """Give a project that is not deleted. (What is below a deleted one still answers to who may read it.)"""
        project = self.project()
        if project.deleted_at:
            raise not_found()
        return project

    def form(self) -> Form:
        form = self.project().forms.get(self.args["form"])
        if form is None:
            raise not_found()
        return form

    def dataset(self) -> Dataset:
        dataset = self.project().datasets.get(self.args["dataset"])
        if dataset is None:
            raise not_found()
        return dataset

    # what

    def json(self) -> dict[str, Any]:
        try:
            said = json.loads(self.body or b"{}")
        except ValueError:
            details = {"format": "json", "rawLength": len(self.body)}
            raise Problem(400.1, f"Could not parse the given data ({len(self.body)} chars) as json.", details) from None
        return said if isinstance(said, dict) else {}

    def given(self, name: str) -> Any:
        value = self.json().get(name)
        if value is None or value == "":
            raise missing(name)
        return value

    def number(self, name: str) -> int | None:
        if name not in self.query:
            return None
        match = re.match(r"\s*[+-]?\d+", self.query[name])
        if not match:
            raise wrong_type(name, "integer")
        return int(match[0])

    @property
    def is_extended(self) -> bool:
        return self.headers.get("X-Extended-Metadata", "").lower() == "true"

    @property
    def notes(self) -> str | None:
        """What the client wants noted beside the events that it causes."""
        given = self.headers.get("X-Action-Notes")
        if given is None:
            return None
        try:
            return unquote(given, errors="strict")
        except UnicodeDecodeError:
            said = "An expected header field (x-action-notes) did not match the expected format."
            raise Problem(400.6, said, {"field": "x-action-notes"}) from None

    def matches(self, etag: str) -> bool:
        """Tell whether the client already has what this ETag names, weak or not."""
        given = self.headers.get("If-None-Match", "")
        return given.removeprefix("W/") == etag.removeprefix("W/")

    def log(self, action: str, actee_id: str | None, details: dict[str, Any]) -> None:
        self.state.log(self.actor, action, actee_id, details, self.notes)


Handler = Callable[[Request], Any]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    style: Style
    is_open: bool
    """Nobody needs to have logged in."""


class Routes:
    """A list of routes, filled by decorating their handlers. The first that fits is taken."""

    def __init__(self) -> None:
        self.all: list[Route] = []

    def __call__(
        self, method: str, path: str, *, style: Style = "json", is_open: bool = False
    ) -> Callable[[Handler], Handler]:
        pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))

        def keep(handler: Handler) -> Handler:
            self.all.append(Route(method, pattern, handler, style, is_open))
            return handler

        return keep


SUCCESS = {"success": True}


def stamp(moment: datetime | None) -> str | None:
    """Write a time as Central does."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def actor_json(actor: Actor) -> dict[str, Any]:
    return {
        "id": actor.id,
        "type": actor.type,
        "displayName": actor.display_name,
        "createdAt": stamp(actor.created_at),
        "updatedAt": None,
        "deletedAt": stamp(actor.deleted_at),
    }


def etag_of_content(content: bytes) -> str:
    """Name an answer after its content, as the real one's web framework does."""
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()[:27]
    return f'W/"{len(content):x}-{digest}"'


def blob_answer(blob: Blob, name: str, *, is_shown: bool = False) -> Answer:
    """Send a file; its ETag is the MD5 of its bytes."""
    kind, quoted = "inline" if is_shown else "attachment", quote(name)
    headers = {"Content-Disposition": f"{kind}; filename=\"{quoted}\"; filename*=UTF-8''{quoted}"}
    text = "; charset=utf-8" if blob.content_type == "text/csv" else ""
    return Answer(blob.content, content_type=blob.content_type + text, headers=headers, etag=f'"{blob.md5}"')
