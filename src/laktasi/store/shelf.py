"""Files kept by the hash of their content: attachments, and what was refused.

A file is first copied beside its place and has its place only when it is whole and durable. Modes are 0700 and 0600.
Where the data folder has a key, files are sealed, and their names are keyed hashes: with the plain one, whoever has a
photo could prove that it came in here.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, BinaryIO

from laktasi.durable import sync, sync_folder
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.scratch import plainly
from laktasi.sealing import Sealer, derive, unseal_stream

if TYPE_CHECKING:
    from pydantic import SecretStr

CHUNK = 1 << 20
PART = ".part-"
LEFT_SECONDS = 24 * 60 * 60
"""Age from which a file without its place belongs to nobody."""
PURPOSE = "kept file"
"""What files on a shelf are sealed for."""
ATTACHMENT_DIGITS = 2
"""Digits of the subfolder that an attachment stands in; what was refused stands in none."""


class UnreadableError(Exception):
    """A file of a source cannot be read; the message says why in words."""


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file for reading, as it came: never through a link, never a pipe or a device."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise UnreadableError("not a plain file")
        descriptor = os.open(path, flags)
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        yield plainly(file)


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Say in words that the data folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise WarehouseError(
            f"cannot write to {place.name} in the data folder: {error.strerror}",
            why="Nothing of the batch at hand has landed; what landed before stays.",
            next_step="free some space or correct the folder's rights, then run the command again",
        ) from error


def attachment_place(folder: DataFolder, sha256: str) -> Path:
    """Give where the attachment with this SHA-256 of its plain content lies, whether it is there or not."""
    return place_of(folder.attachments, sha256, ATTACHMENT_DIGITS, folder.key)


def refused_place(folder: DataFolder, sha256: str) -> Path:
    """Give where the refused file with this SHA-256 of its plain content lies, whether it is there or not."""
    return place_of(folder.refused, sha256, 0, folder.key)


def read_kept(path: Path, key: SecretStr | None) -> bytes:
    """Read a file of a shelf, as it came.

    Parameters
    ----------
    path
        Of :func:`attachment_place` or :func:`refused_place`.
    key
        The data folder's.

    Raises
    ------
    OSError
        It is not there, or cannot be read.
    WarehouseError
        It was sealed with another key, or is torn or changed.
    """
    plain = io.BytesIO()
    with path.open("rb") as file:
        copy_kept(file, plain, key)
    return plain.getvalue()


def copy_kept(file: BinaryIO, target: BinaryIO, key: SecretStr | None) -> None:
    """Write what a file of a shelf holds, as it came; errors as :func:`read_kept`."""
    if key is None:
        shutil.copyfileobj(file, target, CHUNK)
    else:
        unseal_stream(file, target, key, PURPOSE)


@dataclass(slots=True)
class Shelf:
    """A folder of files by the SHA-256 of their content; made where it does not exist."""

    root: Path
    digits: int = 0
    """Hexadecimal digits of the subfolder that a file stands in; none for 0."""
    key: SecretStr | None = field(default=None, repr=False)
    """Files are sealed with it; None: they are plain."""
    is_shared: bool = False
    """Workers of a lake fill it at once; else nobody but the holder of the data folder does."""
    _waiting: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self.root.glob(f"{PART}*"):
            # Of a run that was killed; what is young may be that of another worker.
            with suppress(OSError):
                if not self.is_shared or left.stat().st_mtime < time() - LEFT_SECONDS:
                    left.unlink()

    def keep(self, file: BinaryIO) -> tuple[str, int]:
        """Copy a file beside its place; give hash and size. It has its place after :meth:`settle`."""
        sha256, size = _digest(file)
        if sha256 in self._waiting or self._place(sha256).exists():
            return sha256, size
        file.seek(0)
        with writing(self.root):
            descriptor, name = tempfile.mkstemp(prefix=PART, dir=self.root)  # mode 0600
            self._waiting[name] = Path(name)  # until its hash is known: what breaks off is dropped, too
            with os.fdopen(descriptor, "wb") as copy:
                # Hashed again: the row names what was copied, even if the file changed in between.
                if self.key is None:
                    sha256, size = _digest(file, copy)
                else:
                    with Sealer(copy, self.key, PURPOSE) as sealer:
                        sha256, size = _digest(file, sealer)
            self._waiting[sha256] = self._waiting.pop(name)
        return sha256, size

    def drop(self) -> None:
        """Give up what was kept and has no place yet: on a full disk it would hold the room that is lacking."""
        for part in self._waiting.values():
            with suppress(OSError):
                part.unlink()
        self._waiting.clear()

    def settle(self, wanted: Collection[str]) -> None:
        """Make what was kept durable, and give it its place; what is not wanted after all goes.

        Parameters
        ----------
        wanted
            Hashes of contents.
        """
        folders = set()
        for sha256, part in self._waiting.items():
            if sha256 not in wanted:
                part.unlink()
                continue
            place = self._place(sha256)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            sync(part)
            part.replace(place)
            folders.add(place.parent)
        for folder in folders | ({self.root} if folders else set()):
            sync_folder(folder)
        self._waiting.clear()

    def _place(self, sha256: str) -> Path:
        return place_of(self.root, sha256, self.digits, self.key)


def place_of(root: Path, sha256: str, digits: int, key: SecretStr | None) -> Path:
    """Give where a file of a shelf lies, by the SHA-256 of its plain content."""
    name = sha256
    if key is not None:
        name = hmac.new(derive(key, "names of kept files"), sha256.encode(), hashlib.sha256).hexdigest()
    return root / name[:digits] / name


def _digest(file: BinaryIO, copy: BinaryIO | Sealer | None = None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while True:
        try:
            chunk = file.read(CHUNK)
        except OSError as error:
            raise UnreadableError(f"cannot be read ({error.strerror})") from error
        if not chunk:
            return digest.hexdigest(), size
        digest.update(chunk)
        size += len(chunk)
        if copy:
            copy.write(chunk)
