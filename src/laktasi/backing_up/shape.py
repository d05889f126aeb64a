"""What a backup looks like: its name, its listing, and what it says of its rows.

``backup.json`` can be read by anybody and has no answer: the backup's files with sizes and hashes, versions, counts.
``contents.json`` is private, as what it speaks of is: where each file belongs, and a hash over the rows of each table.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from laktasi.errors import BackupError

FORMAT = "laktasi backup"
FORMAT_VERSION = 1
LISTING = "backup.json"
CONTENTS = "contents.json"
README = "READ-ME.txt"
WAREHOUSE = "data/warehouse.duckdb"
"""Where the warehouse belongs, and stands in every backup."""

DATA, PROJECT = "data", "project"
"""What a place begins with: the data folder, or the project's folder."""

NOTHING_DONE = "Nothing was put back, and what stood there before is as it was."

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"laktasi-(?P<project>.+)-(?P<stamp>\d{8}T\d{6}Z)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
FORGOTTEN = "forgotten.json"
"""Beside the backups: whom none of them may bring back."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file as it stands in a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a file of a backup belongs."""

    place: str
    """``data/…`` or ``project/…``."""
    content: str
    """SHA-256 of the file that it was made of: another one than that of the backup's file where it is sealed."""
    is_sealed: bool
    """The backup sealed it, so that it is unsealed when it is put back; else it is put back as it lies."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a table of the warehouse holds."""

    rows: int
    columns: tuple[str, ...]
    """That the hash is over."""
    hash: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What backup.json says."""

    project: str
    warehouse: str | None
    """First run of the warehouse that it is of, which tells warehouses apart; None where none had begun."""
    made_at: str
    versions: Mapping[str, str | None]
    is_encrypted: bool
    tables: Mapping[str, int]
    """Rows of each table that nothing can be derived without."""
    latest_run: str | None
    files: Mapping[str, Written]


@dataclass(frozen=True, slots=True)
class Contents:
    """What contents.json says."""

    pieces: Mapping[str, Piece]
    """By file of the backup."""
    tables: Mapping[str, Rows]


def name_of(project: str, made_at: datetime) -> str:
    """Give the name of a backup: a memory stick takes no colon, and wants no blank or other letters."""
    return f"laktasi-{plain_name(project)}-{made_at.astimezone(UTC):{_STAMP}}"


def plain_name(project: str) -> str:
    """Give a project's name in letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", project).strip("-") or "project"


def made_at(name: str) -> datetime | None:
    """Give when a backup of this name was made; None where it is no backup's name."""
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def moment(text: str) -> datetime:
    """Read a time; one without an offset is in UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def is_of(name: str, project: str) -> bool:
    """Say whether a name is that of a backup of this project."""
    found = _NAME.fullmatch(name)
    return found is not None and found["project"] == plain_name(project)


def purpose_of(place: str) -> str:
    """Give what a file is sealed for: one cannot be put in another one's place."""
    return f"backup {place}"


def listing_text(listing: Listing) -> str:
    """Write backup.json."""
    return _text({"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(listing)})


def contents_text(contents: Contents) -> str:
    """Write contents.json."""
    return _text(asdict(contents))


def read_listing(folder: Path) -> Listing:
    """Read backup.json of a backup.

    Raises
    ------
    BackupError
        The folder is no backup, or its listing cannot be read, is torn, or was written by newer code.
    """
    path = folder / LISTING
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _no_backup(folder) from None
    except (OSError, ValueError) as error:
        raise _torn(folder) from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BackupError(f"{folder} is no backup: its {LISTING} says something else", next_step="name another folder")
    if told.get("format_version") != FORMAT_VERSION:
        raise BackupError(
            f"{folder.name} was made by a newer laktasi", next_step="update laktasi, then run the command again"
        )
    try:
        files = {
            _checked(name): Written(int(one["bytes"]), _hash(one["sha256"])) for name, one in told["files"].items()
        }
        if not {CONTENTS, WAREHOUSE} <= files.keys():
            raise ValueError("files")
        return Listing(
            project=str(told["project"]),
            warehouse=told["warehouse"],
            made_at=str(told["made_at"]),
            versions=dict(told["versions"]),
            is_encrypted=bool(told["is_encrypted"]),
            tables={str(name): int(rows) for name, rows in told["tables"].items()},
            latest_run=told["latest_run"],
            files=files,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _torn(folder) from error


def parse_contents(folder: Path, text: bytes) -> Contents:
    """Read contents.json.

    Raises
    ------
    BackupError
        It is not what this code writes.
    """
    try:
        told = json.loads(text)
        return Contents(
            {
                _checked(file): Piece(_place(one["place"]), _hash(one["content"]), bool(one["is_sealed"]))
                for file, one in told["pieces"].items()
            },
            {
                name: Rows(int(one["rows"]), tuple(map(str, one["columns"])), str(one["hash"]))
                for name, one in told["tables"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _torn(folder, CONTENTS) from error


def _no_backup(folder: Path) -> BackupError:
    found = sorted(
        (at, path) for path in folder.glob("laktasi-*") if (at := made_at(path.name)) and (path / LISTING).exists()
    )
    return BackupError(
        f"{folder} is no backup: it has no {LISTING}",
        why="" if folder.is_dir() else "There is no such folder. Is the disk or memory stick plugged in?",
        next_step=f"the newest in it is {found[-1][1].name}: name that folder"
        if found
        else "name a folder laktasi-…, with a time",
    )


def torn(backup: Path, name: str) -> BackupError:
    """Make the error of a backup of which a file is not what it should be."""
    state = "is not what it was when the backup was made" if (backup / name).exists() else "is missing"
    return BackupError(
        f"{backup.name}: {name} {state}",
        why=f"The disk or stick has lost it, or somebody changed it. {NOTHING_DONE}",
        next_step="take another backup: an older one may be whole",
    )


def _torn(folder: Path, name: str = LISTING) -> BackupError:
    return BackupError(
        f"{folder.name}: its {name} is torn, or was changed", next_step="take another backup: an older one may be whole"
    )


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def _checked(name: str) -> str:
    """Refuse a name that would lead out of the folder it belongs into."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or (os.name == "nt" and re.search(r"[\\:]", name)):
        raise ValueError("a name")
    return name


def _place(name: str) -> str:
    if PurePosixPath(_checked(name)).parts[0] not in (DATA, PROJECT) or "/" not in name:
        raise ValueError("a place")
    return name


def _hash(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError("a hash")
    return text
