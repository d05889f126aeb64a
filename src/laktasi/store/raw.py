"""Taking in: what the outside brought becomes rows of schema ``raw``, once, however often it is brought.

Append only. A batch is one transaction, and the files that its rows speak of are on disk before it commits: a run
killed anywhere leaves no row without its file, and the next import adds just what is missing. Batches keep the order in
which items come, so what has landed is always the beginning of what came: a state that is known means that the payload
given before it is here, or was refused.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from laktasi.paths import DataFolder
from laktasi.records import (
    Attachment,
    Attachments,
    Entity,
    FieldedForm,
    Refused,
    Status,
    Submission,
    SubmissionState,
    SubmissionVersion,
)
from laktasi.store.append import TABLES, append, last_landed
from laktasi.store.leaving.erasing import erase
from laktasi.store.leaving.turned_away import Gate
from laktasi.store.shelf import ATTACHMENT_DIGITS, Shelf, UnreadableError, open_plain, writing
from laktasi.store.sql import transaction

Item = FieldedForm | Submission | SubmissionVersion | Attachments | SubmissionState | Entity | Refused

BATCH = 2000
"""Items of one transaction, at most; fewer from a Central, whose items are slow to come by a second time."""
CENTRAL_BATCH = 500
PATIENCE = 5.0
"""Seconds after which a batch from a Central is full, so that a kill loses little over a slow line too."""
BATCH_BYTES = 64 * 2**20
"""A batch is also full when it holds this much, so that memory is bounded whatever a payload weighs."""
TOLD = 100
"""Refusals that are handed back in words; all of them are in ``raw.refused``."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What came of one call of :func:`land`. Counts and names of files, never an answer."""

    new: int = 0
    """Versions of submissions that were not known before."""
    known: int = 0
    """Versions that had landed before, or came twice."""
    drafts: int = 0
    """Of all that came, how many are drafts."""
    unknown_status: int = 0
    """Of all that came, how many came without the metadata that says whether they are drafts."""
    attachments: int = 0
    """New attachments, other contents of known ones, and those that a server no longer has."""
    refused: int = 0
    """Files refused, known ones too."""
    new_refused: int = 0
    forms: int = 0
    """New XForms."""
    states: int = 0
    """Submissions of which a Central says something else than before, each time it did."""
    entities: int = 0
    """Entities of which a Central says something else than before, each time it did."""
    refusals: tuple[tuple[str, str], ...] = ()
    """Name and reason of the first hundred refused files, in the order they came."""
    conflicts: tuple[tuple[str, str], ...] = ()
    """Form id and version of forms that came, of which more than one content is now known."""
    forgotten: int = 0
    """Versions of submissions of people who left the study: turned away, and nothing of them is kept."""


def land(
    con: duckdb.DuckDBPyConnection,
    folder: DataFolder,
    items: Iterable[Item],
    run_id: str,
    *,
    source: str = "phones",
    batch: int | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Landed:
    """Append what is new of `items` to ``raw``.

    A submission is appended once per source, form, instance, payload and status; so a draft that was finalised without
    a change is a second row, and the same folder imported again is none. What a Central says of a submission, an entity
    or an attachment is appended where it differs from what it said last: going back to an earlier state is news.
    Files of an item are read before the next item is asked for, so a source may delete them then.

    Parameters
    ----------
    con
        The private warehouse, migrated, outside a transaction.
    folder
        Attachments and refused files are copied into it, by hash.
    items
        What a source gives; consumed one by one.
    run_id
        The run that lands them.
    source
        Where refused files came from: they do not say so themselves.
    batch
        Items of one transaction, at most; by default :data:`BATCH`, or less from a Central.
    progress
        Called with what is being done, and how many items are landed.

    Raises
    ------
    WarehouseError
        The data folder cannot be written.
    """
    landing = _Landing(con, folder, run_id, source)
    is_central = source.startswith("central:")
    batch = batch or (CENTRAL_BATCH if is_central else BATCH)
    done, began = 0, time.monotonic()
    with landing.dropped_if_broken_off():
        for item in items:
            landing.take(item)
            done += 1
            is_late = is_central and time.monotonic() - began >= PATIENCE
            if landing.size >= batch or landing.bytes >= BATCH_BYTES or is_late:
                landing.commit()
                began = time.monotonic()
                if progress:
                    progress("landing", done, None)
        landing.commit()
    if progress:
        progress("landing", done, done)
    return landing.landed()


class _Landing:
    """One call of :func:`land`: the batch being gathered, and the counts so far."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: DataFolder, run_id: str, source: str) -> None:
        self.size = 0
        self.bytes = 0
        self._con = con
        self._run_id = run_id
        self._source = source
        self._gate = Gate(con, folder, run_id, source)
        with writing(folder.root):
            is_shared = folder.lake is not None
            self._attachments = Shelf(folder.attachments, ATTACHMENT_DIGITS, folder.key, is_shared)
            self._aside = Shelf(folder.refused, key=folder.key, is_shared=is_shared)
        self._rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
        self._in_order: list[dict[str, Any]] = []
        self._counts = dict.fromkeys(("came", "drafts", "unknown", "refused"), 0)
        self._new = dict.fromkeys(TABLES, 0)
        self._refusals: list[tuple[str, str]] = []
        self._forms: set[str] = set()

    @contextmanager
    def dropped_if_broken_off(self) -> Iterator[None]:
        """Leave no files of a batch that does not land."""
        try:
            yield
        except BaseException:
            self._attachments.drop()
            self._aside.drop()
            raise

    def take(self, item: Item) -> None:
        """Add an item to the batch, and copy its files beside their place; unless it is of somebody who left."""
        self.size += 1
        if not self._gate.passes(item):
            return
        match item:
            case Submission():
                self._take_submission(item)
            case FieldedForm():
                self._take_form(item)
            case Attachments():
                self._take_files(item, item.files)
            case SubmissionVersion():
                self._add("submission_versions", **_fields(item))
            case SubmissionState():
                self._add("submission_states", **_fields(item))
            case Entity():
                # Sorted: the order in which a server writes properties says nothing.
                self._add("entities", **(_fields(item) | {"properties": sorted(item.properties.items())}))
            case Refused():
                self._refuse(item)

    def commit(self) -> None:
        """Make the batch durable: its files first, then its rows, in one transaction."""
        if not self.size:
            return
        with transaction(self._con):
            self._say_when()
            is_news = self._gate.settle()
            kept = {table: [row for row in rows if self._gate.keeps(row)] for table, rows in self._rows.items()}
            with writing(self._attachments.root):  # files of rows that are not kept never get their place
                self._attachments.settle({row["sha256"] for row in kept["attachments"]})
                self._aside.settle({row["sha256"] for row in kept["refused"]})
            for table, rows in kept.items():
                self._new[table] += append(self._con, table, rows)
            if is_news:
                erase(self._con, self._run_id)
        self._rows, self._in_order = {table: [] for table in TABLES}, []
        self.size = self.bytes = 0

    def landed(self) -> Landed:
        """Give the counts."""
        conflicts = self._con.execute(
            """
            select form_id, form_version from raw.forms
            group by all
            having count(distinct sha256) > 1 and bool_or(sha256 in (select unnest(?)))
            order by all
            """,
            [sorted(self._forms)],
        ).fetchall()
        return Landed(
            new=self._new["submissions"],
            known=self._counts["came"] - self._new["submissions"],
            drafts=self._counts["drafts"],
            unknown_status=self._counts["unknown"],
            attachments=self._new["attachments"],
            refused=self._counts["refused"],
            new_refused=self._new["refused"],
            forms=self._new["forms"],
            states=self._new["submission_states"],
            entities=self._new["entities"],
            refusals=tuple(self._refusals),
            conflicts=tuple((form_id, version) for form_id, version in conflicts),
            forgotten=self._gate.turned_away,
        )

    def _take_submission(self, item: Submission) -> None:
        self._counts["came"] += 1
        self._counts["drafts"] += item.status is Status.DRAFT
        self._counts["unknown"] += item.status is Status.UNKNOWN
        self.bytes += len(item.payload)
        self._add(
            "submissions",
            source=item.source,
            form_id=item.form_id,
            form_version=item.form_version,
            instance_id=item.instance_id,
            deprecated_id=item.deprecated_id,
            payload_sha256=hashlib.sha256(item.payload).hexdigest(),
            payload=item.payload,
            status=item.status.value,
            changed_at=item.changed_at,
        )
        self._take_files(item, item.attachments)

    def _take_files(self, item: Submission | Attachments, files: Iterable[Attachment]) -> None:
        for attachment in files:
            sha256: str | None = None
            size: int | None = None
            try:
                if attachment.path is not None:
                    with open_plain(attachment.path) as file:
                        sha256, size = self._attachments.keep(file)
            except UnreadableError as error:
                why = f"attachment of {item.instance_id}: {error}"
                self._add_refused(attachment.name, why, item.source, None, None)
                continue
            self._add(
                "attachments",
                source=item.source,
                form_id=item.form_id,
                instance_id=item.instance_id,
                name=attachment.name,
                sha256=sha256,
                size_bytes=size,
                etag=attachment.etag if attachment.path is not None else None,
            )

    def _take_form(self, item: FieldedForm) -> None:
        sha256 = hashlib.sha256(item.xform).hexdigest()
        head = _form_head(item.xform)
        if head is None:
            kept = self._aside.keep(io.BytesIO(item.xform))
            self._add_refused(f"form {sha256}", "a form without an id, or not an XForm", item.source, *kept)
            return
        self._forms.add(sha256)
        self.bytes += len(item.xform)
        self._add("forms", source=item.source, form_id=head[0], form_version=head[1], sha256=sha256, xform=item.xform)
        for name, content in sorted(item.media.items()):
            self.bytes += len(content)
            self._add(
                "form_media",
                source=item.source,
                form_sha256=sha256,
                name=name,
                sha256=hashlib.sha256(content).hexdigest(),
                content=content,
            )

    def _refuse(self, item: Refused) -> None:
        """Keep a file aside; a link, a folder or an unreadable file leaves only its row."""
        kept: tuple[str | None, int | None] = (None, None)
        with suppress(UnreadableError), open_plain(item.path) as file:
            kept = self._aside.keep(file)
        self._add_refused(item.name, item.reason, self._source, *kept, item.form_id, item.instance_id)

    def _add_refused(
        self,
        name: str,
        reason: str,
        source: str,
        sha256: str | None,
        size: int | None,
        form_id: str | None = None,
        instance_id: str | None = None,
    ) -> None:
        self._counts["refused"] += 1
        if len(self._refusals) < TOLD:
            self._refusals.append((name, reason))
        self._add(
            "refused",
            source=source,
            form_id=form_id,
            instance_id=instance_id,
            sha256=sha256,
            name=name,
            size_bytes=size,
            reason=reason,
        )

    def _add(self, table: str, **row: Any) -> None:
        self._rows[table].append({**row, "run_id": self._run_id})
        self._in_order.append(self._rows[table][-1])

    def _say_when(self) -> None:
        """Give each row of the batch its time, inside the transaction: nobody else lands before it has ended.

        Later rows are later even where the clock stands or was set back, or where another machine's was ahead: of what
        is said of a thing the last one landed stands, and that must be one row.
        """
        last = last_landed(self._con) or datetime.min.replace(tzinfo=UTC)
        for row in self._in_order:
            last = row["landed_at"] = max(datetime.now(UTC), last + timedelta(microseconds=1))


def _fields(item: SubmissionVersion | SubmissionState | Entity) -> dict[str, Any]:
    """Give what an item says by name: its names are those of the table's columns."""
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _form_head(xform: bytes) -> tuple[str, str] | None:
    """Read form id and version off the primary instance; None where there is none."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(xform, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return None
    for primary in root.iterfind("./{*}head/{*}model/{*}instance[1]/*[1]"):
        form_id = primary.get("id", "").strip()
        return (form_id, primary.get("version", "").strip()) if form_id else None
    return None
