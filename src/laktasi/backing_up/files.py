"""Files of a backup: copied or sealed with their hash on the way, made durable, and read back.

A memory stick may know no links, no modes and no syncing of folders, and may take no file of 4 GiB: what it cannot do
is done without, or said.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from laktasi import durable
from laktasi.backing_up.shape import Written
from laktasi.errors import BackupError
from laktasi.pipeline import Progress

if TYPE_CHECKING:
    from pydantic import SecretStr
    from typing_extensions import Buffer

CHUNK = 1 << 20
Tell = Callable[[int], None]
"""Called with the bytes that were just dealt with."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._ ()+,=@-]")


def silent(_bytes: int) -> None:
    """Tell nobody."""


class _Hashed(BufferedIOBase):
    """A file that is written to, and the hash of all that was."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: Buffer) -> int:
        self._target.write(data)
        self._digest.update(data)
        self._size += memoryview(data).nbytes
        return memoryview(data).nbytes

    @property
    def written(self) -> Written:
        return Written(self._size, self._digest.hexdigest())


def copy(source: Path, target: Path, tell: Tell = silent) -> Written:
    """Copy a file as it lies; its hash is that of the bytes that were read."""
    with source.open("rb") as read, created(target) as new:
        hashed = _Hashed(new)
        for chunk in chunks(read):
            hashed.write(chunk)
            tell(len(chunk))
    return hashed.written


def copy_sealed(source: Path, target: Path, key: SecretStr, purpose: str, tell: Tell = silent) -> tuple[Written, str]:
    """Seal a file into another one; give what was written, and the hash of what was read."""
    from laktasi.sealing import Sealer

    content = hashlib.sha256()
    with source.open("rb") as read, created(target) as new:
        hashed = _Hashed(new)
        with Sealer(cast(BinaryIO, hashed), key, purpose) as sealer:
            for chunk in chunks(read):
                content.update(chunk)
                sealer.write(chunk)
                tell(len(chunk))
    return hashed.written, content.hexdigest()


def copy_unsealed(source: Path, target: Path, key: SecretStr, purpose: str, tell: Tell = silent) -> str:
    """Unseal a file into another one; give the hash of what was written.

    Raises
    ------
    WarehouseError
        It was sealed with another key, or is torn.
    """
    from laktasi.sealing import unseal_stream

    with source.open("rb") as read, created(target) as new:
        hashed = _Hashed(new)
        unseal_stream(read, cast(BinaryIO, hashed), key, purpose)
        tell(source.stat().st_size)
    return hashed.written.sha256


def write(target: Path, data: bytes) -> Written:
    """Write a new file."""
    with created(target) as new:
        new.write(data)
    return Written(len(data), hashlib.sha256(data).hexdigest())


def read_back(path: Path, tell: Tell = silent) -> Written:
    """Make a file durable, and hash it as the disk has it: not as the system still holds it in memory, if it can."""
    digest, size = hashlib.sha256(), 0
    with suppress(OSError):  # some disks cannot; whether they have it is seen by reading
        durable.sync(path)
    with path.open("rb") as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for chunk in chunks(file):
            digest.update(chunk)
            size += len(chunk)
            tell(len(chunk))
    return Written(size, digest.hexdigest())


def hash_of(path: Path, tell: Tell = silent) -> str:
    """Give the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in chunks(file):
            digest.update(chunk)
            tell(len(chunk))
    return digest.hexdigest()


def link(source: Path, target: Path) -> bool:
    """Let a second name stand for a file; say whether the file system could."""
    folder_of(target)
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """Give what a file holds, piece by piece."""
    while chunk := file.read(CHUNK):
        yield chunk


@contextmanager
def created(path: Path) -> Iterator[BinaryIO]:
    """Make a file that is not there yet, private to its owner from the beginning."""
    folder_of(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


def folder_of(path: Path) -> None:
    """Make the folder of a file, and those above it, each private to its owner."""
    missing = []
    folder = path.parent
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def sync_folders(root: Path) -> None:
    """Make the names in a folder, and in those below it, durable, where the system can."""
    for name, _, _ in os.walk(root):
        durable.sync_folder(Path(name))


def plainly(place: str, taken: set[str]) -> str:
    """Give a place a name that every file system takes, and that no other one in `taken` has; it is added to them.

    Sticks take no ``:?*"<>|`` and do not tell capital letters from small ones.
    """
    parts = []
    for part in place.split("/"):
        plain = _NOT_PLAIN.sub("_", part).rstrip(". ") or "_"
        parts.append(f"_{plain}" if _RESERVED.fullmatch(plain) else plain)
    name = chosen = "/".join(parts)
    number = 2
    while chosen.casefold() in taken:
        chosen, number = f"{name}~{number}", number + 1
    taken.add(chosen.casefold())
    return chosen


def free_bytes(folder: Path) -> int:
    """Give how much room there is."""
    return shutil.disk_usage(folder).free


@contextmanager
def told_in_words(doing: str, where: Path, source: Path) -> Iterator[None]:
    """Say in words that a file cannot be read or written.

    Parameters
    ----------
    doing
        What it was done for, such as "the backup cannot be written".
    where
        The folder that is written to.
    source
        The folder that is read.

    Raises
    ------
    BackupError
        Instead of what the system says.
    """
    try:
        yield
    except OSError as error:
        named = str(error.filename or "")
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise BackupError(
                f"{doing}: the disk of {where} is full",
                why="Nothing that was there before has been touched.",
                next_step="free some room there, or name another folder",
            ) from error
        if error.errno == errno.EFBIG:
            raise BackupError(
                f"{doing}: {where} takes no file as large as this one",
                why="Memory sticks formatted as FAT32 take none of 4 GiB or more.",
                next_step="use a stick or disk formatted as exFAT, NTFS or ext4",
            ) from error
        if error.errno == errno.ENOENT and not where.exists():
            raise BackupError(
                f"{doing}: {where} is gone", next_step="plug the disk or stick in again, and run the command again"
            ) from error
        place = source if named.startswith(str(source)) else where
        raise BackupError(
            f"{doing}: {named or place} ({error.strerror or error})",
            next_step=f"check that {place} is yours and that its disk is well; then run the command again",
        ) from error


def in_words(size: int) -> str:
    """Give a number of bytes as people say it."""
    for unit, below in (("kB", 10**6), ("MB", 10**9), ("GB", 10**12)):
        if size < below:
            return f"{size / (below / 1000):.1f} {unit}"
    return f"{size / 10**12:.1f} TB"


def telling(progress: Progress, what: str, total: int) -> Tell:
    """Give what tells how many bytes of how many are dealt with."""
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        progress(what, done, total)

    progress(what, 0, total)
    return tell
