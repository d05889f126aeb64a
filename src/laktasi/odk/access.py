"""What a Central lets an account do, and what time it is there: looked at before anything is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import SourceError
from laktasi.odk import refusals
from laktasi.settings import CentralSettings

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection

TIMEOUT = 10
"""Seconds to connect, and to wait for an answer: somebody sits before the screen."""
TO_READ = frozenset({"project.read", "form.list", "form.read", "submission.list", "submission.read"})
"""What a Project Viewer may."""
TO_MANAGE = frozenset({"form.create", "form.update", "submission.update", "field_key.create", "assignment.create"})
"""What a Project Manager may beyond that: publish forms, give access, write feedback."""


@dataclass(frozen=True, slots=True)
class Access:
    """What an account sees of a project."""

    name: str
    """The project's."""
    may: frozenset[str]
    """Central's verbs for this account in this project."""
    is_encrypted: bool
    """Central puts a key into every form, and submissions come encrypted."""
    forms: dict[str, str]
    """Published forms: id to the version that phones get now."""

    @property
    def lacks_to_read(self) -> frozenset[str]:
        """What reading needs and is not allowed; nothing where the server does not tell."""
        return TO_READ - self.may if self.may else frozenset()

    @property
    def manages(self) -> bool:
        """Whether this account may publish, give access and write feedback."""
        return self.may >= TO_MANAGE


def server_time(central: CentralSettings) -> datetime | None:
    """Ask a server for the time, without an account; None where it does not tell.

    Raises
    ------
    SourceError
        It cannot be reached, cannot prove who it is, or is no Central: in words.
    """
    from pyodk.errors import PyODKError
    from requests import get

    words = refusals.Words(central.host, central.project)
    with refusals.in_words(words, _as_told):
        # Without a session Central refuses this, as JSON: a web page is somebody else's answer.
        found = get(f"{central.url}/v1/users/current", timeout=TIMEOUT, allow_redirects=False)
        if found.status_code >= 500 or found.status_code == 429:
            raise words.unwell(found.status_code)
        if found.status_code not in (401, 403, 404) or "json" not in found.headers.get("Content-Type", ""):
            raise PyODKError("no Central")
    try:
        return parsedate_to_datetime(found.headers["Date"])
    except (KeyError, ValueError):
        return None


def projects_of(connection: Connection) -> dict[int, str]:
    """Give the projects that an account sees: number to name."""
    listed = connection.objects(connection.json("projects"), "id", "name")
    with connection.expecting():
        return {int(row["id"]): str(row["name"]) for row in listed if not row.get("archived")}


def access_to(connection: Connection) -> Access:
    """See what an account may do in its project.

    Raises
    ------
    SourceError
        The project is not there, or not for this account; or as :class:`Connection`.
    """
    project: dict[str, Any] = connection.json(connection.project, extended=True)
    with connection.expecting():
        name, verbs = str(project["name"]), frozenset(map(str, project.get("verbs") or ()))
        is_encrypted = project.get("keyId") is not None
    listed = connection.may(f"{connection.project}/forms") or []
    rows = connection.objects(listed, "xmlFormId", "version", "publishedAt")
    forms = {str(row["xmlFormId"]): str(row["version"] or "") for row in rows if row["publishedAt"] is not None}
    return Access(name, verbs, is_encrypted, forms)


@contextmanager
def signed_in(central: CentralSettings) -> Iterator[Connection]:
    """Sign in as if for the first time: a session that is kept elsewhere proves no password. It ends here, too.

    Raises
    ------
    SourceError
        The account is refused or missing, or as :class:`Connection`; at once, since somebody waits.
    """
    from laktasi.odk.connection import connect

    with (
        tempfile.TemporaryDirectory(prefix="laktasi-") as tokens,
        connect(central, Path(tokens), patience=0) as connection,
    ):
        try:
            yield connection
        finally:
            with suppress(SourceError):
                connection.send("DELETE", "sessions/current")


def _as_told(told: SourceError, **_: Any) -> SourceError:
    return told
