"""Older backups: which one the next builds on, which stay, and what a killed backup left."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.backing_up import shape
from laktasi.backing_up.shape import Contents, Listing, Piece, Written, moment
from laktasi.errors import BackupError, LaktasiError

if TYPE_CHECKING:
    from pydantic import SecretStr

MONTHS = 12
"""Of so many months that have backups the newest one stays."""

_JUNK = {".ds_store", "thumbs.db", "desktop.ini"}
"""What systems leave in every folder that somebody looks into."""


@dataclass(frozen=True, slots=True)
class Known:
    """A file of an earlier backup."""

    name: str
    written: Written
    piece: Piece


@dataclass(frozen=True, slots=True)
class Earlier:
    """The newest backup of the same warehouse, and its files by their place."""

    path: Path
    files: Mapping[str, Known]


def part_name(name: str, first_run: str | None) -> str:
    """Give the name of a backup that is not finished, or no longer whole; each warehouse sweeps its own."""
    return f".{name}.{(first_run or 'new')[-6:]}.part"


def sweep(target: Path, project: str, first_run: str | None) -> None:
    """Remove what backups of this warehouse left that were killed; none is being made now."""
    ending = part_name("", first_run).removeprefix(".")
    for path in target.glob(f".laktasi-{shape.plain_name(project)}-*{ending}"):
        if shape.is_of(path.name.removeprefix(".").removesuffix(ending), project):
            shutil.rmtree(path, ignore_errors=True)


def earlier(
    target: Path, project: str, first_run: str | None, key: SecretStr | None, notes: list[str]
) -> Earlier | None:
    """Give the newest backup of this warehouse that is readable as the new one will be; None where there is none."""
    for path, listing in reversed(list(_ours(target, project, first_run, notes))):
        if listing.is_encrypted != (key is not None):
            continue
        with suppress(LaktasiError, OSError):
            contents = read_contents(path, listing, key)
            found = {
                piece.place: Known(name, listing.files[name], piece)
                for name, piece in contents.pieces.items()
                if name in listing.files
            }
            return Earlier(path, found)
    return None


def read_contents(path: Path, listing: Listing, key: SecretStr | None) -> Contents:
    """Read contents.json of a backup.

    Raises
    ------
    BackupError
        It is torn; or it is encrypted, and the key is missing or another one.
    OSError
        It cannot be read.
    """
    try:
        text = (path / shape.CONTENTS).read_bytes()
    except FileNotFoundError:
        raise shape.torn(path, shape.CONTENTS) from None
    if hashlib.sha256(text).hexdigest() != listing.files[shape.CONTENTS].sha256:
        raise shape.torn(path, shape.CONTENTS)
    if listing.is_encrypted:
        text = _unsealed(path, text, key)
    return shape.parse_contents(path, text)


def _unsealed(path: Path, text: bytes, key: SecretStr | None) -> bytes:
    from laktasi.sealing import is_sealed, is_sealed_by, unseal

    if key is None:
        raise BackupError(
            f"{path.name} is encrypted, and no key is given",
            why="The key is never in a backup.",
            next_step="name the file with the key: --key-file FILE, or set LAKTASI_KEY in the environment",
        )
    if is_sealed(text) and not is_sealed_by(text, key):
        raise BackupError(
            f"{path.name} was encrypted with another key",
            why="Nobody can read it without the key that the project had when the backup was made.",
            next_step="name the file with that key: --key-file FILE, or set LAKTASI_KEY in the environment",
        )
    return unseal(text, key, shape.purpose_of(shape.CONTENTS))


def rotate(
    target: Path, newest: Listing, keep: int | None, notes: list[str], *, forgotten_at: str | None = None
) -> tuple[tuple[str, ...], int]:
    """Remove backups of the same warehouse beyond the newest, but one of each month; give their names, and the rest.

    Another warehouse's stay, though the project be called the same: somebody who began anew after a loss needs them
    most. So do folders that hold anything else than what a backup wrote there.

    Parameters
    ----------
    newest
        Of the backup that was just made and verified.
    keep
        How many of the newest stay; None: all.
    notes
        What a person should know is added.
    forgotten_at
        When somebody who left the study was erased last: earlier backups still hold answers that are to go, so that
        none of them stays for its month.
    """
    by_age = sorted(
        _ours(target, newest.project, newest.warehouse, notes), key=lambda one: moment(one[1].made_at), reverse=True
    )
    if keep is None:
        return (), len(by_age)
    stay = {path for path, listing in by_age if listing.made_at == newest.made_at}
    stay |= {path for path, _ in by_age[:keep]} | _of_months(by_age, forgotten_at)
    removed = []
    for path, listing in by_age:
        if path in stay:
            continue
        if foreign := next(_foreign(path, listing), None):
            notes.append(f"{path.name} is older, and stays: {foreign} in it is not of the backup")
            continue
        gone = target / part_name(path.name, newest.warehouse)
        try:
            path.rename(gone)  # half of a backup must not look like one
            shutil.rmtree(gone)
        except OSError as error:
            notes.append(f"{path.name} is older, and cannot be removed ({error.strerror})")
            continue
        removed.append(path.name)
    before = [path for path, listing in by_age if path.name not in removed and _is_before(listing, forgotten_at)]
    if before:
        notes.append(
            f"{len(before)} older backups still hold answers of people who left since. They are not put back, and go"
            " with the next backups, or when you delete their folders"
        )
    return tuple(sorted(removed)), len(by_age) - len(removed)


def _is_before(listing: Listing, at: str | None) -> bool:
    return at is not None and moment(listing.made_at) < moment(at)


def _of_months(by_age: Sequence[tuple[Path, Listing]], forgotten_at: str | None) -> set[Path]:
    """Give the newest of each month, of the latest months that have one.

    Months are counted that have a backup, not those since: a clock that was wrong once takes one of them, not all.
    """
    found: dict[tuple[int, int], Path] = {}
    for path, listing in by_age:
        at = moment(listing.made_at)
        if not _is_before(listing, forgotten_at):
            found.setdefault((at.year, at.month), path)
    return set(list(found.values())[:MONTHS])


def _ours(target: Path, project: str, first_run: str | None, notes: list[str]) -> Iterator[tuple[Path, Listing]]:
    """Give the backups of this warehouse, oldest first."""
    if first_run is None:
        return
    for path in sorted(target.glob("laktasi-*")):
        if not shape.is_of(path.name, project) or not path.is_dir() or path.is_symlink():
            continue
        try:
            listing = shape.read_listing(path)
        except BackupError as error:
            if (said := f"not counted as a backup: {error.what}") not in notes:
                notes.append(said)
            continue
        if listing.warehouse == first_run:
            yield path, listing


def _foreign(path: Path, listing: Listing) -> Iterator[str]:
    """Name what lies in a backup's folder and is not of the backup."""
    for root, _, names in os.walk(path):
        for name in names:
            place = Path(root, name).relative_to(path).as_posix()
            if place != shape.LISTING and place not in listing.files and name.lower() not in _JUNK:
                yield place
