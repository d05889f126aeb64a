"""One form on ODK Central: its versions, what changed in its table, its listing, and its submissions.

No state of its own, and no clock: what is known already is told by the caller, all times are the server's. Rows are
read without answers (the OData table with ``$select=__id,__system``, or the plain listing); answers are read only from
each version's exact XML, since OData rounds and cuts them.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi import scratch as scratch_files
from laktasi.errors import SourceError
from laktasi.odk import odata, submissions
from laktasi.odk.envelope import RefusedError
from laktasi.odk.files import check_name, printable
from laktasi.records import AttachmentEvent, FieldedForm, ListedRow, Refused, ServerRow, Wanted

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection

Progress = Callable[[str, int, int | None], None]

MAX_MEDIA_BYTES = 64 * 2**20
NO_VERSION = "___"
"""How Central's addresses write a form version that is empty."""
IDS_AT_ONCE = 40
"""Ids in one filter: an address of some kilobytes passes every proxy."""
PLAIN_ID = re.compile(r"[A-Za-z0-9:._-]+")
EVENTS_AT_ONCE = 1000
FILE_EVENTS = "submission.attachment.update"
TRUSTED = ('W/"eventhash:', '"eventhash:')
"""ETags that name the state of the rows. What else a server sends says nothing of edits and reviews for certain."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The live submissions of a form."""

    rows: list[ListedRow]
    etag: str | None
    """Proves later that nothing changed, given to :meth:`CentralForm.listing`; None where the server has no such."""


def forms_of(connection: Connection, wanted: tuple[str, ...]) -> list[str]:
    """Give the published forms of the project, or those of them that are wanted.

    Raises
    ------
    SourceError
        A wanted one does not exist or is not published, or the project cannot be read.
    """
    listed = connection.json(f"{connection.project}/forms")
    with connection.expecting():
        published = {str(form["xmlFormId"]): form["publishedAt"] is not None for form in listed}
    for name in wanted:
        if not published.get(name):
            state = "published form" if name in published else "form"
            raise SourceError(
                f"{connection.source} has no {state} {name!r}",
                next_step="check central.forms in laktasi.toml; laktasi forms publish puts a form there",
            )
    return list(wanted) or sorted(name for name, is_published in published.items() if is_published)


class CentralForm:
    """One form of the project. Every method raises :class:`SourceError` as :class:`Connection` does."""

    def __init__(self, connection: Connection, form_id: str) -> None:
        self.form_id = form_id
        self._connection = connection
        self._place = f"{connection.project}/forms/{connection.quote(form_id)}"
        self._table = f"{self._place}.svc/Submissions"

    def versions(
        self, known_sha256: Collection[str], known_media: Mapping[tuple[str, str], str]
    ) -> Iterator[FieldedForm | Refused]:
        """Give the published versions that are new, the oldest first, with their media; and new media of the last one.

        Media of older versions never change. Those of the last do where they are an entity list.

        Parameters
        ----------
        known_sha256
            XForms that have landed.
        known_media
            By SHA-256 of the XForm and name of the file: MD5 of the content that landed last.
        """
        listed = self._objects(f"{self._place}/versions", "version", "sha256", "publishedAt")
        ordered = sorted(listed, key=lambda version: str(version["publishedAt"]))
        for version in ordered:
            sha256 = str(version["sha256"])
            is_new = sha256 not in known_sha256
            if not is_new and version is not ordered[-1]:
                continue
            place = f"{self._place}/versions/{self._connection.quote(str(version['version'] or NO_VERSION))}"
            media: dict[str, bytes] = {}
            for file in self._objects(f"{place}/attachments", "name", "exists"):
                name = str(file["name"])
                known = known_media.get((sha256, name))
                if not file["exists"] or (known is not None and known == file.get("hash")):
                    continue
                try:
                    content = self._media(f"{place}/attachments/{self._connection.quote(name)}", name)
                except RefusedError as refusal:
                    yield Refused(Path(), f"{self._connection.source}/{printable(name)}", refusal.reason)
                    continue
                # An entity list has no hash until it is read.
                if content is not None and _md5(content) != known:
                    media[name] = content
            xform = self._connection.document(f"{place}.xml") if is_new or media else None
            if xform is not None:
                yield FieldedForm(xform=xform, media=media, source=self._connection.source)

    def _media(self, path: str, name: str) -> bytes | None:
        check_name(name)
        with tempfile.TemporaryDirectory(prefix="laktasi-") as scratch:  # mode 0700
            target = Path(scratch) / "media"
            if self._connection.download(path, target).status == "gone":
                return None
            if scratch_files.size_of(target) > MAX_MEDIA_BYTES:
                raise RefusedError(f"larger than {MAX_MEDIA_BYTES >> 20} MB")
            return scratch_files.read(target)

    def changed_since(self, moment: datetime | None) -> list[ServerRow]:
        """Give the rows that came, were edited, reviewed or deleted after a moment of the server's, the oldest first.

        Deleted ones are included. A restored one is not, and neither is one whose files changed: no time says so.
        A row may become visible after one with a later time, so ask from some minutes before the newest that is known.

        Parameters
        ----------
        moment
            Aware; None for all rows.
        """
        return self._rows(odata.changed_since(moment, "submissionDate"))

    def rows(self, ids: Iterable[str]) -> list[ServerRow]:
        """Give the rows with these ids, as far as the server still has them, the deleted ones included."""
        ids = list(dict.fromkeys(ids))
        if not all(PLAIN_ID.fullmatch(name) for name in ids):
            # Central's filter has no way to write some characters, and phones name their submissions as they like.
            return [row for row in self.changed_since(None) if row.submission_id in set(ids)]
        found = []
        for start in range(0, len(ids), IDS_AT_ONCE):
            found += self._rows(odata.any_of(ids[start : start + IDS_AT_ONCE]))
        return found

    def _rows(self, which: str) -> list[ServerRow]:
        rows = odata.read_table(self._connection, self._table, {"$select": "__id,__system", "$filter": which})
        with self._connection.expecting():
            return [_server_row(row) for row in reversed(rows)]  # Central gives the newest first

    def listing(self, etag: str | None) -> Listing | None:
        """Give the live submissions; None where `etag`, of an earlier listing, proves that nothing changed.

        What it proves: no submission came, was edited, reviewed, deleted or restored. Files may have changed.
        """
        rows, answered = self._connection.listing(f"{self._place}/submissions", etag=etag)
        if rows is None:
            return None
        with self._connection.expecting():
            listed = [
                ListedRow(
                    submission_id=str(row["instanceId"]),
                    instance_id=submissions.current_instance_id(row),
                    submitted_at=odata.read_time(row["createdAt"]),
                    updated_at=odata.read_time_or_none(row["updatedAt"]),
                    review_state=row["reviewState"],
                )
                for row in rows
            ]
        return Listing(listed, answered if answered and answered.startswith(TRUSTED) else None)

    def deleted(self) -> dict[str, datetime]:
        """Give the deleted submissions that the server still has, and when each was deleted."""
        rows, _ = self._connection.listing(f"{self._place}/submissions", {"deleted": "true"})
        with self._connection.expecting():
            return {str(row["instanceId"]): odata.read_time(row["deletedAt"]) for row in rows or []}

    def count(self) -> int:
        """Count the live submissions."""
        answer = self._connection.json(self._table, {"$top": "0", "$count": "true"})
        with self._connection.expecting():
            return int(answer["@odata.count"])

    def fetch(self, wanted: Iterable[Wanted], progress: Progress | None = None) -> Iterator[submissions.Item]:
        """Read what is wanted; see :func:`laktasi.odk.submissions.fetch`."""
        return submissions.fetch(self._connection, self.form_id, wanted, progress)

    def _objects(self, path: str, *keys: str) -> list[dict[str, Any]]:
        return self._connection.objects(self._connection.json(path), *keys)


def attachment_events(connection: Connection, since: datetime) -> list[AttachmentEvent] | None:
    """Read the server's log of files that came late, were replaced or removed, since a moment of the server's.

    Returns
    -------
    list of AttachmentEvent
        Of all projects and forms: an entry names nothing but the submission. None where this account may not read it.
    """
    events: list[AttachmentEvent] = []
    while True:
        # The newest come first, so that an entry written between two pages moves known ones into the next, and no
        # unknown one past it.
        asked = {"action": FILE_EVENTS, "start": odata.time_text(since)}
        page = connection.may("audits", {**asked, "limit": str(EVENTS_AT_ONCE), "offset": str(len(events))})
        if page is None:
            return None
        with connection.expecting():
            events += [
                AttachmentEvent(str(entry["details"]["instanceId"]), odata.read_time(entry["loggedAt"]))
                for entry in page
            ]
        if len(page) < EVENTS_AT_ONCE:
            return events


def latest_event(connection: Connection) -> datetime | None:
    """Give the time of the newest entry of the server's log; None where this account may not read it."""
    page = connection.may("audits", {"limit": "1"})
    if not page:
        return None
    with connection.expecting():
        return odata.read_time(page[0]["loggedAt"])


def _server_row(row: dict[str, Any]) -> ServerRow:
    system = row["__system"]
    return ServerRow(
        submission_id=str(row["__id"]),
        edits=int(system["edits"]),
        submitted_at=odata.read_time(system["submissionDate"]),
        updated_at=odata.read_time_or_none(system["updatedAt"]),
        deleted_at=odata.read_time_or_none(system["deletedAt"]),
        review_state=system["reviewState"],
        attachments_present=int(system["attachmentsPresent"]),
        attachments_expected=int(system["attachmentsExpected"]),
        submitter_id=system["submitterId"],
        submitter_name=system["submitterName"],
        device_id=system["deviceId"],
    )


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
