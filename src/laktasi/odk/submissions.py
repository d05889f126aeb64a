"""Reading submissions from Central: versions, exact XML, files, and what the server says of each.

Some at once, given in the order in which they were wanted. The items of one submission come in an order that makes a
landed prefix of them sound: its versions, their payloads with their files, and at last its state.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi import scratch as scratch_files
from laktasi.errors import SourceError
from laktasi.odk import odata
from laktasi.odk.envelope import RefusedError, read_envelope
from laktasi.odk.files import check_name, printable
from laktasi.odk.refusals import AnsweredError
from laktasi.records import (
    Attachment,
    Attachments,
    Refused,
    ServerRow,
    Status,
    Submission,
    SubmissionState,
    SubmissionVersion,
    Wanted,
)

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection

Item = SubmissionVersion | Submission | Refused | Attachments | SubmissionState
Progress = Callable[[str, int, int | None], None]

AT_ONCE = 4
"""More do not make Central faster."""
AHEAD = 16
"""Submissions that are read before the first of them is taken, so that one large file does not stop the others."""
TRIES = 3
NO_ADDRESS = (".", "..")
"""Central takes them for instanceIDs, and every client takes them for the folder itself and the one above."""


class _GoneError(Exception):
    """Something of the submission is not there, or no longer: nothing is given of it.

    It may have been deleted while it was read. Whether it was is for the next listing to say: where the submission
    still stands, what was not read is missing in the line.
    """


@dataclass(frozen=True, slots=True)
class _Version:
    instance_id: str
    created_at: datetime
    submitter_id: str | None
    submitter_name: str | None
    device_id: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class _Files:
    given: tuple[Attachment, ...]
    refused: tuple[Refused, ...]
    present: int
    expected: int

    def counted(self, row: ServerRow) -> ServerRow:
        """Give the row with the counts as they are now: a late file changes nothing else of it."""
        return replace(row, attachments_present=self.present, attachments_expected=self.expected)


def fetch(
    connection: Connection, form_id: str, wanted: Iterable[Wanted], progress: Progress | None = None
) -> Iterator[Item]:
    """Read what is wanted of the submissions of one form.

    Files of an item are there until the next item is asked for. Of a submission that is deleted while it is read
    nothing is given: no state, so that it is asked for again.

    Parameters
    ----------
    wanted
        Asked for one by one, in the thread that takes the items.
    progress
        Called with what is being done, how many submissions were read, and how many there are.

    Raises
    ------
    SourceError
        The server cannot be read any more. What was given before stands.
    OSError
        A file cannot be written: the disk is full.
    """
    total = len(wanted) if isinstance(wanted, list) else None
    reader = _Reader(connection, form_id)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="laktasi-fetch")
    begun: deque[tuple[Future[list[Item]], Path]] = deque()
    done = 0

    def oldest() -> Iterator[Item]:
        nonlocal done
        future, folder = begun.popleft()
        yield from future.result()
        shutil.rmtree(folder)
        done += 1
        if progress:
            progress(f"pulling from {connection.host}", done, total)

    with tempfile.TemporaryDirectory(prefix="laktasi-", ignore_cleanup_errors=True) as scratch:  # mode 0700
        try:
            for one in wanted:
                folder = Path(tempfile.mkdtemp(dir=scratch))
                begun.append((pool.submit(reader.read, one, folder), folder))
                if len(begun) >= AHEAD:
                    yield from oldest()
            while begun:
                yield from oldest()
        finally:
            # Also where the taker stops, or one could not be read: what is under way ends, what is not is never begun.
            reader.stop = True
            pool.shutdown(wait=True, cancel_futures=True)


class _Reader:
    """Reads one submission after the other; several threads use it."""

    def __init__(self, connection: Connection, form_id: str) -> None:
        self.stop = False
        self._connection = connection
        self._form_id = form_id
        self._place = f"{connection.project}/forms/{connection.quote(form_id)}/submissions"

    def read(self, wanted: Wanted, scratch: Path) -> list[Item]:
        """Read a submission, its files into `scratch`; nothing where something of it is gone."""
        try:
            return list(self._items(wanted, scratch))
        except _GoneError:
            return []
        except AnsweredError as error:
            if error.status != 404:
                raise
            return []

    def _items(self, wanted: Wanted, scratch: Path) -> Iterator[Item]:
        row = wanted.row
        if row.deleted_at is not None:
            # Nothing of it can be read: what its current version is can be told only where that has been seen.
            current = wanted.current_instance_id
            yield self._state(row, current if current in wanted.known_instance_ids else None)
            return
        if row.submission_id in NO_ADDRESS:
            name = f"{self._name(row.submission_id)}.xml"
            yield self._version(row, _first(row))
            yield Refused(Path(), name, "its instanceID cannot stand in an address", self._form_id, row.submission_id)
            yield self._state(row, row.submission_id)
            return
        if wanted.current_instance_id is not None and not wanted.read_versions:
            current, new = wanted.current_instance_id, []
        else:
            versions = self._versions(row)
            current = versions[-1].instance_id
            new = [version for version in versions if version.instance_id not in wanted.known_instance_ids]
        yield from (self._version(row, version) for version in new)
        has_files = False
        for version in new:
            payload = self._payload(row, version, scratch)
            if isinstance(payload, Refused):
                yield payload
                continue
            if version.instance_id == current and (wanted.read_attachments or row.attachments_present > 0):
                has_files = True
                files = self._files(row.submission_id, current, {}, scratch)
                yield from files.refused
                payload = replace(payload, attachments=files.given)
                row = files.counted(row)
            yield payload
        if wanted.read_attachments and not has_files:
            # What is known of files is of the version that was taken for the current one.
            etags = wanted.etags if wanted.current_instance_id == current else {}
            files = self._files(row.submission_id, current, etags, scratch)
            yield from files.refused
            yield Attachments(self._connection.source, self._form_id, current, files.given)
            row = files.counted(row)
        yield self._state(row, current)

    def _versions(self, row: ServerRow) -> list[_Version]:
        """Give the versions that the row speaks of, the oldest first; one that came since is for the next time."""
        if row.edits == 0:
            # The usual case: what the row says is enough, and saves a request.
            return [_first(row)]
        connection = self._connection
        place = f"{self._place}/{connection.quote(row.submission_id)}/versions"
        listed = connection.json(place, extended=True)
        with connection.expecting():
            versions = [
                _Version(
                    instance_id=str(version["instanceId"]),
                    # Never before the submission, whatever the server's clock did: by that, versions of one that was
                    # purged and sent again are told from those of before.
                    created_at=max(odata.read_time(version["createdAt"]), row.submitted_at),
                    submitter_id=_text(version["submitterId"]),
                    submitter_name=_text((version.get("submitter") or {}).get("displayName")),
                    device_id=_text(version["deviceId"]),
                    user_agent=_text(version["userAgent"]),
                )
                for version in reversed(listed)  # Central gives the newest first
            ]
            # Not a slice from the first on: no versions at all are no answer of a Central, and an error here.
            return [versions[0], *versions[1 : row.edits + 1]]

    def _payload(self, row: ServerRow, version: _Version, scratch: Path) -> Submission | Refused:
        connection = self._connection
        place = f"{self._place}/{connection.quote(row.submission_id)}/versions/{connection.quote(version.instance_id)}"
        name = f"{self._name(version.instance_id)}.xml"
        before: bytes | None = None
        for _ in range(TRIES):
            payload = connection.document(f"{place}.xml")
            if payload is None or self.stop:
                raise _GoneError
            try:
                envelope = read_envelope(payload, known_as=version.instance_id)
            except RefusedError as refusal:
                # What is refused is never asked for again, and what stands before a server may answer in its place: so
                # only what comes twice is the server's.
                if payload == before:
                    path = Path(tempfile.mkdtemp(dir=scratch), "payload")
                    scratch_files.write(path, payload)
                    return Refused(path, name, refusal.reason, self._form_id, version.instance_id)
                before = payload
                continue
            # Keyed by the server's own ids, as all that it says of the submission is.
            return Submission(
                form_id=self._form_id,
                form_version=envelope.form_version,
                instance_id=version.instance_id,
                deprecated_id=envelope.deprecated_id,
                payload=payload,
                status=Status.FINALISED,  # Central takes in nothing else
                source=connection.source,
                changed_at=version.created_at,
            )
        raise SourceError(
            f"{connection.host} gives other content each time for one version of a submission, and none can be read",
            why=f"Asked {TRIES} times for {name}.",
            next_step="run the same command again later; if it stays so, see what stands between here and the server",
        )

    def _files(self, submission_id: str, instance_id: str, etags: Mapping[str, str | None], scratch: Path) -> _Files:
        """Read the files of a version that are not as `etags` says: new, other, or no longer there."""
        for _ in range(TRIES):
            found = self._files_once(submission_id, instance_id, etags, scratch)
            if found is not None:
                return found
        connection = self._connection
        if connection.may(f"{self._place}/{connection.quote(submission_id)}") is None:
            raise _GoneError
        raise SourceError(
            f"{connection.host} lists a file of a submission, and does not give it",
            why=f"Asked {TRIES} times for {self._name(instance_id)}, it says that there is no such file.",
            next_step="run again later: laktasi run; if it stays so, the server's store of files has lost it",
        )

    def _files_once(
        self, submission_id: str, instance_id: str, etags: Mapping[str, str | None], scratch: Path
    ) -> _Files | None:
        connection = self._connection
        place = f"{self._place}/{connection.quote(submission_id)}/versions/{connection.quote(instance_id)}/attachments"
        listed = connection.objects(connection.json(place), "name", "exists")
        present = [str(file["name"]) for file in listed if file["exists"]]
        given = [Attachment(name, None) for name in etags if name not in present]
        refused = []
        for number, name in enumerate(present):
            if self.stop:
                raise _GoneError
            try:
                check_name(name)
            except RefusedError as refusal:
                refused.append(Refused(Path(), f"{self._name(instance_id)}/{printable(name)}", refusal.reason))
                continue
            # A neutral name on this disk, whatever the file is called.
            path = scratch / str(number)
            got = connection.download(f"{place}/{connection.quote(name)}", path, etags.get(name))
            if got.status == "gone":
                return None  # removed since it was listed, or the whole submission: the next listing tells which
            if got.status == "new":
                given.append(Attachment(name, path, got.etag))
        return _Files(tuple(given), tuple(refused), len(present), len(listed))

    def _version(self, row: ServerRow, version: _Version) -> SubmissionVersion:
        return SubmissionVersion(
            source=self._connection.source,
            form_id=self._form_id,
            submission_id=row.submission_id,
            instance_id=version.instance_id,
            created_at=version.created_at,
            submitter_id=version.submitter_id,
            submitter_name=version.submitter_name,
            device_id=version.device_id,
            user_agent=version.user_agent,
        )

    def _state(self, row: ServerRow, instance_id: str | None) -> SubmissionState:
        return SubmissionState(
            source=self._connection.source,
            form_id=self._form_id,
            submission_id=row.submission_id,
            instance_id=instance_id,
            edits=row.edits,
            submitted_at=row.submitted_at,
            updated_at=row.updated_at,
            deleted_at=row.deleted_at,
            is_purged=False,
            review_state=row.review_state,
            attachments_present=row.attachments_present,
            attachments_expected=row.attachments_expected,
            submitter_id=row.submitter_id,
            submitter_name=row.submitter_name,
            device_id=row.device_id,
        )

    def _name(self, instance_id: str) -> str:
        return f"{self._connection.source}/{self._form_id}/{printable(instance_id)}"


def current_instance_id(listed: dict[str, Any]) -> str:
    """Give the current version's id of a row of the plain listing, as :func:`fetch` names it.

    The versions of a submission that has no address cannot be asked for; so only its first one is known here.
    """
    submission_id = str(listed["instanceId"])
    current = str(listed["currentVersion"]["instanceId"])
    return submission_id if submission_id in NO_ADDRESS else current


def _first(row: ServerRow) -> _Version:
    """Give the first version as the row has it."""
    return _Version(row.submission_id, row.submitted_at, row.submitter_id, row.submitter_name, row.device_id, None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
