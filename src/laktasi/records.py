"""What the outside (odk) and the store share: submissions and files, what a server says of them, what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Status(StrEnum):
    """What is known of how far a submission was filled."""

    FINALISED = "finalised"
    DRAFT = "draft"
    UNKNOWN = "unknown"
    """Found in a folder without the metadata that says so."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that belongs to a submission: a photo, or Collect's audit log.

    `path` is where its bytes lie now; the store copies them into its own content-addressed folder.
    """

    name: str
    path: Path | None
    """None: the server no longer has it. What had landed stays, and is no longer current."""
    etag: str | None = None
    """What the server calls this content, where it says so: asked with it, it need not send the file again."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One version of one submission, exactly as it arrived.

    An edit in Collect or in Central makes a new version with its own `instance_id` that names the one it replaces as
    `deprecated_id`. The identity of the submission is the form id and the *first* instance id of that chain, whichever
    door a version came through.
    """

    form_id: str
    form_version: str
    instance_id: str
    deprecated_id: str | None
    payload: bytes
    """The submission XML, byte for byte."""
    status: Status
    source: str
    """``phones``, or ``central:<host>/<project id>``: never a path: a moved folder is the same source."""
    changed_at: datetime | None
    """When the source says this version was last changed (UTC), if it says so."""
    attachments: tuple[Attachment, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that cannot be a submission (torn, empty, foreign, hostile). It is kept aside, never dropped."""

    path: Path
    name: str
    """The file's place below the imported folder, for people to find it again."""
    reason: str
    """One line, in words, without any content of the file."""
    form_id: str | None = None
    instance_id: str | None = None
    """Of the version of a submission whose payload this is, where a server says so: it is not asked for it again. None
    for every other file."""


@dataclass(frozen=True, slots=True)
class FieldedForm:
    """A form as it was fielded: the XForm and its media, from the project, a phone, or Central."""

    xform: bytes
    media: dict[str, bytes]
    source: str


# What a server says of its rows. All times are the server's own, in UTC: the clock of this machine is never compared.


@dataclass(frozen=True, slots=True)
class Attachments:
    """The files that one version of a submission has now, where that version itself landed earlier."""

    source: str
    form_id: str
    instance_id: str
    files: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class SubmissionState:
    """What Central says of a submission beside its answers. Landed after the version it speaks of, so that a state
    that is known means a payload that is here (or was refused)."""

    source: str
    form_id: str
    submission_id: str
    """Central's ``__id``: the first instanceID, for ever."""
    instance_id: str | None
    """Of its current version; None for one that was deleted before anyone saw it."""
    edits: int
    submitted_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None
    is_purged: bool
    """It was deleted, and is no longer even among the deleted."""
    review_state: str | None
    """``hasIssues``, ``edited``, ``approved``, ``rejected``; None for received."""
    attachments_present: int
    attachments_expected: int
    submitter_id: str | None
    submitter_name: str | None
    device_id: str | None


@dataclass(frozen=True, slots=True)
class SubmissionVersion:
    """Who made a version of a submission on Central, and when."""

    source: str
    form_id: str
    submission_id: str
    instance_id: str
    created_at: datetime
    submitter_id: str | None
    submitter_name: str | None
    device_id: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Entity:
    """One version of an entity, exactly as Central has it: every property is text."""

    source: str
    list_name: str
    entity_id: str
    version: int
    label: str | None
    properties: dict[str, str | None]
    """None where Central has none; that is not the same as an empty text."""
    created_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None
    is_purged: bool
    creator_name: str | None


# Between the mirror's two halves: what odk read of a server's table, and what store then wants of it.


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A submission in Central's OData table: everything about it but its answers and its current instanceID."""

    submission_id: str
    edits: int
    submitted_at: datetime
    updated_at: datetime | None
    deleted_at: datetime | None
    review_state: str | None
    attachments_present: int
    attachments_expected: int
    submitter_id: str | None
    submitter_name: str | None
    device_id: str | None


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A live submission in Central's plain listing, which is cheap and names the current version."""

    submission_id: str
    instance_id: str
    submitted_at: datetime
    """One that was purged and sent again has its id from before, and another time."""
    updated_at: datetime | None
    review_state: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row whose state is news, and what must be read before it may land."""

    row: ServerRow
    known_instance_ids: frozenset[str]
    """Versions that have landed from this source (or were refused): they are not read again."""
    current_instance_id: str | None
    """The current version, where the warehouse knows it already; None asks odk to find out."""
    read_versions: bool
    """There are versions that have not landed."""
    read_attachments: bool
    """The files of the current version are news, or may be."""
    etags: dict[str, str | None]
    """Files of the current version that have landed: what the server called their content."""


@dataclass(frozen=True, slots=True)
class AttachmentEvent:
    """An entry of the server's log: a file was uploaded, replaced or removed."""

    instance_id: str
    """Of the version, or of the submission: Central writes either."""
    logged_at: datetime
