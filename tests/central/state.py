"""What the stand-in for Central knows: people, projects, forms, submissions, entities, the log."""

from __future__ import annotations

import copy
import hashlib
import random
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tests.central.xform import Schema

MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)
FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
NEVER = "0" * 32

VERBS: dict[str, set[str]] = {
    "app-user": {"open_form.read", "submission.create"},
    "formfill": {"open_form.list", "open_form.read", "project.read", "submission.create"},
    "viewer": {
        *("project.read", "form.list", "form.read", "submission.list", "submission.read"),
        *("dataset.list", "dataset.read", "entity.list", "entity.read"),
    },
}
VERBS["manager"] = VERBS["viewer"] | {
    *("project.update", "project.delete", "session.end", "assignment.list", "assignment.create", "assignment.delete"),
    *("form.create", "form.update", "form.delete", "form.restore"),
    *("submission.create", "submission.update", "submission.delete", "submission.restore"),
    *("field_key.list", "field_key.create", "field_key.update", "field_key.delete"),
    *("dataset.create", "dataset.update", "dataset.delete"),
    *("entity.create", "entity.update", "entity.delete", "entity.restore"),
}
VERBS["admin"] = VERBS["manager"] | {
    *("project.create", "audit.read", "config.read", "config.set"),
    *("user.list", "user.read", "user.create", "user.update", "user.delete", "user.password.invalidate"),
}
"""What each role may, where it was given: everywhere, in a project, with a form."""
ROLE_IDS = {"admin": 1, "app-user": 2, "manager": 5, "viewer": 6, "formfill": 8}


class Clock:
    """The server's own clock, in UTC and milliseconds, as its database keeps times.

    It runs beside this machine's clock until it is set; then it stands, and each look moves it by `tick`, so that no
    two things happen at once.
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._stands_at: datetime | None = None
        self._tick = MILLISECOND

    def now(self) -> datetime:
        if self._stands_at is None:
            now = datetime.now(UTC) + self._offset
            return now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._stands_at += self._tick
        return self._stands_at

    def set(self, moment: datetime, *, tick: timedelta = MILLISECOND) -> None:
        """Let it stand at a moment."""
        self._stands_at, self._tick = moment, tick

    def advance(self, by: timedelta) -> None:
        """Move it; one that runs beside this machine's clock goes on so, shifted: a server whose clock is wrong."""
        if self._stands_at is None:
            self._offset += by
        else:
            self._stands_at += by


@dataclass
class Actor:
    id: int
    type: str
    display_name: str
    created_at: datetime
    email: str | None = None
    password: str | None = None
    token: str | None = None
    project_id: int | None = None
    created_by: Actor | None = None
    deleted_at: datetime | None = None
    last_login_at: datetime | None = None
    roles: dict[str, set[str]] = field(default_factory=dict)
    """Where (``*``, ``project 3``, ``form 7``) to which roles."""


@dataclass
class Session:
    token: str
    actor: Actor
    created_at: datetime
    expires_at: datetime


@dataclass
class Blob:
    id: int
    content: bytes
    content_type: str
    md5: str


@dataclass
class FormVersion:
    schema: Schema
    xml: bytes
    draft_token: str | None
    published_at: datetime | None
    media: dict[str, Media]


@dataclass(frozen=True)
class Media:
    """What a form has under the name of a file that it needs: a file, an entity list, or nothing yet."""

    source: Blob | Dataset | None = None
    updated_at: datetime | None = None


@dataclass
class Version:
    """One version of a submission."""

    id: int
    instance_id: str
    instance_name: str | None
    xml: bytes
    form_version: FormVersion
    created_at: datetime
    submitter: Actor
    device_id: str | None
    user_agent: str | None
    files: dict[str, Blob | None]
    is_encrypted: bool = False


@dataclass
class Row:
    """Something that a transaction may hold back: readers see it as it was `before`, until it is committed."""

    is_held: bool = field(default=False, kw_only=True)
    before: Any = field(default=None, kw_only=True)


@dataclass
class Comment:
    body: str
    actor: Actor
    created_at: datetime


@dataclass
class Submission(Row):
    id: int
    instance_id: str
    """The first version's, for ever: OData's ``__id``."""
    created_at: datetime
    submitter: Actor
    device_id: str | None
    versions: list[Version]
    """The oldest first; the last one is the current one."""
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    review_state: str | None = None
    comments: list[Comment] = field(default_factory=list)
    event: int = 0
    """A stamp that each change of the row, but not of its files and comments, makes anew."""

    @property
    def current(self) -> Version:
        return self.versions[-1]


@dataclass
class Form:
    id: int
    actee_id: str
    form_id: str
    created_at: datetime
    state: str = "open"
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    draft: FormVersion | None = None
    versions: list[FormVersion] = field(default_factory=list)
    """Published ones, the oldest first."""
    submissions: dict[str, Submission] = field(default_factory=dict)
    owners: dict[str, Submission] = field(default_factory=dict)
    """Which submission each version belongs to, by the version's instanceID."""

    def version(self, name: str) -> FormVersion | None:
        wanted = "" if name == "___" else name
        return next((item for item in self.versions if item.schema.version == wanted), None)


@dataclass
class EntityVersion:
    version: int
    label: str
    data: dict[str, str]
    received: dict[str, str]
    base_version: int | None
    creator: Actor
    created_at: datetime
    user_agent: str | None


@dataclass
class Entity(Row):
    id: int
    uuid: str
    creator: Actor
    created_at: datetime
    versions: list[EntityVersion]
    updated_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def current(self) -> EntityVersion:
        return self.versions[-1]


@dataclass
class Dataset:
    id: int
    actee_id: str
    name: str
    created_at: datetime
    properties: dict[str, datetime] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)


@dataclass
class Project:
    id: int
    actee_id: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None
    forms: dict[str, Form] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    trash: list[Form] = field(default_factory=list)


@dataclass
class Audit(Row):
    actor: Actor | None
    action: str
    actee_id: str | None
    details: dict[str, Any]
    logged_at: datetime
    notes: str | None


R = TypeVar("R", bound=Row)


class State:
    """All of it, and the transactions that are held back."""

    def __init__(self, email: str, password: str) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.random = random.Random(1)
        self.ids = 0
        self.events = 0
        self.is_holding = False
        self.held: list[Row] = []
        self.actors: dict[int, Actor] = {}
        self.sessions: dict[str, Session] = {}
        self.projects: dict[int, Project] = {}
        self.blobs: dict[str, Blob] = {}
        self.audits: list[Audit] = []
        admin = self.add_actor("user", email, email=email, password=password)
        admin.roles["*"] = {"admin"}

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    def token(self) -> str:
        # The characters that Central's tokens have: the last two are awkward in addresses and QR codes.
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$"
        return "".join(self.random.choices(letters, k=62)) + "!$"

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def add_actor(self, kind: str, name: str, **given: Any) -> Actor:
        actor = Actor(self.next_id(), kind, name, self.clock.now(), **given)
        self.actors[actor.id] = actor
        return actor

    def begin_session(self, actor: Actor) -> Session:
        now = self.clock.now()
        session = Session(self.token(), actor, now, now + DAY)
        self.sessions[session.token] = session
        actor.last_login_at = now
        return session

    def blob(self, content: bytes, content_type: str | None) -> Blob:
        """Keep content once, however often it comes."""
        sha = hashlib.sha256(content).hexdigest()
        if sha not in self.blobs:
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            self.blobs[sha] = Blob(self.next_id(), content, content_type or "application/octet-stream", md5)
        return self.blobs[sha]

    # transactions

    def change(self, row: R) -> R:
        """Begin to change a row that is there. Call it before the change."""
        if self.is_holding and not row.is_held:
            row.before = copy.copy(row)
            for name in ("versions", "comments"):
                if hasattr(row, name):
                    setattr(row.before, name, [copy.copy(item) for item in getattr(row, name)])
            for version in getattr(row.before, "versions", ()):
                if isinstance(version, Version):
                    version.files = dict(version.files)
            self._hold(row)
        return row

    def add(self, row: R) -> R:
        """Take in a new row."""
        if self.is_holding:
            self._hold(row)
        return row

    def _hold(self, row: Row) -> None:
        row.is_held = True
        self.held.append(row)

    def stamp(self, submission: Submission) -> None:
        """Give a changed row a new stamp; Central does so at the commit."""
        self.events += 1
        submission.event = self.events

    def release(self) -> None:
        """Commit what was held back: it keeps its times."""
        for row in self.held:
            row.is_held, row.before = False, None
            if isinstance(row, Submission):
                self.stamp(row)
        self.held.clear()

    @staticmethod
    def visible(rows: Iterable[R]) -> list[R]:
        """Give rows as a reader sees them."""
        seen = (row.before if row.is_held else row for row in rows)
        return [row for row in seen if row is not None]

    # the log

    def log(
        self, actor: Actor | None, action: str, actee_id: str | None, details: dict[str, Any], notes: str | None = None
    ) -> None:
        self.audits.append(self.add(Audit(actor, action, actee_id, details, self.clock.now(), notes)))


def etag_of(events: Iterable[int]) -> str:
    """Name a selection of submissions by the stamps of its rows, in their order."""
    stamps = ",".join(str(event) for event in events)
    return f"eventhash:{hashlib.md5(stamps.encode(), usedforsecurity=False).hexdigest() if stamps else NEVER}"
