"""Taking in: what the outside brought becomes rows of schema ``raw``, once, however often it is brought.

Append only. A batch is one transaction, and the files that its rows speak of are on disk before it commits: a run
killed anywhere leaves no row without its file, and the next import adds just what is missing.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from laktasi.paths import DataFolder
from laktasi.records import FieldedForm, Refused, Status, Submission
from laktasi.store.shelf import Shelf, UnreadableError, open_plain, writing

BATCH_BYTES = 64 * 2**20
"""A batch is also full when it holds this much, so that memory is bounded whatever a payload weighs."""
TOLD = 100
"""Refusals that are handed back in words; all of them are in ``raw.refused``."""

# A row is new where no row of the table has the same key.
KEYS = {
    "submissions": ("source", "form_id", "instance_id", "payload_sha256", "status"),
    "attachments": ("source", "form_id", "instance_id", "name", "sha256"),
    "refused": ("sha256", "name"),
    "forms": ("source", "sha256"),
    "form_media": ("source", "form_sha256", "name", "sha256"),
}
# Of the project and of Central the last content of a file stands: going back to an earlier one is news. Phones have no
# order among them, and all that they brought is known.
KNOWN = {
    "form_media": """(
        from raw.form_media
        qualify source = 'phones'
            or row_number() over (partition by source, form_sha256, name order by landed_at desc) = 1
    )""",
}


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
    """New attachments."""
    refused: int = 0
    """Files refused, known ones too."""
    new_refused: int = 0
    forms: int = 0
    """New XForms."""
    refusals: tuple[tuple[str, str], ...] = ()
    """Name and reason of the first hundred refused files, in the order they came."""
    conflicts: tuple[tuple[str, str], ...] = ()
    """Form id and version of forms that came, of which more than one content is now known."""


def land(
    con: duckdb.DuckDBPyConnection,
    folder: DataFolder,
    items: Iterable[Submission | Refused | FieldedForm],
    run_id: str,
    *,
    source: str = "phones",
    batch: int = 2000,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Landed:
    """Append what is new of `items` to ``raw``.

    A submission is appended once per source, form, instance, payload and status; so a draft that was finalised without
    a change is a second row, and the same folder imported again is none. Files of an item are read before the next item
    is asked for, so a source may delete them then.

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
        Items of one transaction, at most.
    progress
        Called with what is being done, and how many items are landed.

    Raises
    ------
    WarehouseError
        The data folder cannot be written.
    """
    landing = _Landing(con, folder, run_id, source)
    done = 0
    for item in items:
        landing.take(item)
        done += 1
        if landing.size >= batch or landing.bytes >= BATCH_BYTES:
            landing.commit()
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
        with writing(folder.root):
            self._attachments = Shelf(folder.attachments, digits=2)
            self._aside = Shelf(folder.refused)
        self._rows: dict[str, list[dict[str, Any]]] = {table: [] for table in KEYS}
        self._counts = dict.fromkeys(("came", "drafts", "unknown", "refused"), 0)
        self._new = dict.fromkeys(KEYS, 0)
        self._refusals: list[tuple[str, str]] = []
        self._forms: set[str] = set()
        self._clock = datetime.min.replace(tzinfo=UTC)

    def take(self, item: Submission | Refused | FieldedForm) -> None:
        """Add an item to the batch, and copy its files beside their place."""
        self.size += 1
        if isinstance(item, Submission):
            self._take_submission(item)
        elif isinstance(item, FieldedForm):
            self._take_form(item)
        else:
            self._refuse(item.path, item.name, item.reason)

    def commit(self) -> None:
        """Make the batch durable: its files first, then its rows, in one transaction."""
        if not self.size:
            return
        with writing(self._attachments.root):
            self._attachments.settle()
            self._aside.settle()
        self._con.begin()
        try:
            for table, rows in self._rows.items():
                self._new[table] += _append(self._con, table, rows)
        except BaseException:
            self._con.rollback()
            raise
        self._con.commit()
        self._rows = {table: [] for table in KEYS}
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
            refusals=tuple(self._refusals),
            conflicts=tuple((form_id, version) for form_id, version in conflicts),
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
        for attachment in item.attachments:
            try:
                with open_plain(attachment.path) as file:
                    sha256, size = self._attachments.keep(file)
            except UnreadableError as error:
                self._refuse(None, attachment.name, f"attachment of {item.instance_id}: {error}")
                continue
            self._add(
                "attachments",
                source=item.source,
                form_id=item.form_id,
                instance_id=item.instance_id,
                name=attachment.name,
                sha256=sha256,
                size_bytes=size,
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

    def _refuse(self, path: Path | None, name: str, reason: str) -> None:
        """Keep a file aside; a link, a folder or an unreadable file leaves only its row."""
        kept: tuple[str | None, int | None] = (None, None)
        if path is not None:
            with suppress(UnreadableError), open_plain(path) as file:
                kept = self._aside.keep(file)
        self._add_refused(name, reason, self._source, *kept)

    def _add_refused(self, name: str, reason: str, source: str, sha256: str | None, size: int | None) -> None:
        self._counts["refused"] += 1
        if len(self._refusals) < TOLD:
            self._refusals.append((name, reason))
        self._add("refused", source=source, sha256=sha256, name=name, size_bytes=size, reason=reason)

    def _add(self, table: str, **row: Any) -> None:
        self._rows[table].append({**row, "landed_at": self._now(), "run_id": self._run_id})

    def _now(self) -> datetime:
        # Later rows are later even where the clock stands or was set back: "the last one landed" must mean one row.
        self._clock = max(datetime.now(UTC), self._clock + timedelta(microseconds=1))
        return self._clock


def _append(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, Any]]) -> int:
    """Append the rows whose key the table does not hold, each key once; give how many."""
    import pyarrow as pa

    if not rows:
        return 0
    key = KEYS[table]
    # The first of equal rows counts, as it does across batches.
    unique = {tuple(row[name] for name in key): row for row in reversed(rows)}
    con.register("landing", pa.Table.from_pylist(list(unique.values()), schema=_schemas()[table]))
    try:
        same = " and ".join(f"known.{name} is not distinct from landing.{name}" for name in key)
        counted = con.execute(
            f"""
            insert into raw.{table} by name
            select * from landing
            where not exists (select 1 from {KNOWN.get(table, f"raw.{table}")} as known where {same})
            """
        ).fetchone()
    finally:
        con.unregister("landing")
    assert counted is not None
    return int(counted[0])


@cache
def _schemas() -> dict[str, Any]:
    """Arrow schemas of the rows; spelled out because a column of None has no type of its own."""
    import pyarrow as pa

    landed = {"source": pa.string(), "landed_at": pa.timestamp("us", tz="UTC"), "run_id": pa.string()}
    texts = dict.fromkeys(("form_id", "form_version", "instance_id", "deprecated_id", "payload_sha256"), pa.string())
    file = {"name": pa.string(), "sha256": pa.string()}
    submission = {"payload": pa.binary(), "status": pa.string(), "changed_at": pa.timestamp("us", tz="UTC")}
    instance = {"form_id": pa.string(), "instance_id": pa.string()}
    form = {"form_id": pa.string(), "form_version": pa.string(), "sha256": pa.string(), "xform": pa.binary()}
    columns = {
        "submissions": texts | submission,
        "attachments": instance | file | {"size_bytes": pa.int64()},
        "refused": file | {"size_bytes": pa.int64(), "reason": pa.string()},
        "forms": form,
        "form_media": {"form_sha256": pa.string(), **file, "content": pa.binary()},
    }
    return {table: pa.schema(list((own | landed).items())) for table, own in columns.items()}


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
