"""What must outlive a power cut: first a file's bytes, then its name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

MANY = 32
"""Files from which on everything is written back at once: each by itself would wait for the disk each time."""


def sync(path: Path) -> None:
    """See that the bytes of a file are on the disk: else a name that was given to it before could outlive them.

    Raises
    ------
    OSError
        The disk does not take them.
    """
    descriptor = os.open(path, os.O_RDWR)  # Windows writes back only what may be written
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Sequence[Path]) -> None:
    """The same for several files; many of them are written back together with all else that waits for the disk."""
    if len(paths) >= MANY and hasattr(os, "sync"):
        os.sync()
        return
    for path in paths:
        sync(path)


def sync_folder(folder: Path) -> None:
    """See that the names in a folder are on the disk, where the system can do that.

    Without it, a power cut can bring back the names of before: what they name is whole, too.
    """
    if os.name == "nt":
        return  # a folder cannot be opened there; NTFS journals renames by itself
    with suppress(OSError):  # some file systems cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(path: Path, content: bytes | str, mode: int = 0o600) -> None:
    """Write a file so that it is there whole or not at all, whatever befalls the machine.

    Parameters
    ----------
    content
        A text is written as UTF-8, with the line ends that it has.
    mode
        Who may read it; until it has its name, its owner alone.

    Raises
    ------
    OSError
        It cannot be written; what was there stays, and nothing is left of the new one.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if mode != 0o600:
            Path(name).chmod(mode)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    sync_folder(path.parent)
