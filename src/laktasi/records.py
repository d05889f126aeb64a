"""What the outside (odk) and the store share: one submission, its attachments, and what was refused."""

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
    path: Path


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


@dataclass(frozen=True, slots=True)
class FieldedForm:
    """A form as it was fielded: the XForm and its media, from the project, a phone, or Central."""

    xform: bytes
    media: dict[str, bytes]
    source: str
