"""A log of the supervisor and its children, in a private file that does not grow for ever.

Children write into the file themselves, so one that outlives its supervisor can go on writing. That is why the file is
copied and emptied instead of being renamed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

LARGEST = 2_000_000
"""Bytes after which a part is closed."""
PARTS = 5
"""Older parts that are kept."""


@dataclass(frozen=True, slots=True)
class Log:
    """The log file, and who reads along."""

    path: Path
    show: Callable[[str], None]
    """Called with what a person who started the supervisor is to see."""

    def say(self, line: str) -> None:
        """Write a line, and show it."""
        self.note(line)
        self.show(line)

    def note(self, line: str) -> None:
        """Write a line; a full disk must not end the supervisor."""
        with suppress(OSError), self.opened() as file:
            file.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} | laktasi | {line}\n".encode())

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open the file to write at its end; it is readable by its owner alone."""
        with open(self.path, "ab", buffering=0, opener=_private) as file:
            yield file

    def turn(self) -> None:
        """Close a part that has grown large: what it holds moves to ``.1``, and so on."""
        if not self.path.exists() or self.path.stat().st_size < LARGEST:
            return
        parts = [self.path.with_name(f"{self.path.name}.{number}") for number in range(1, PARTS + 1)]
        for older, newer in zip(reversed(parts), reversed(parts[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        with self.path.open("rb") as whole, open(parts[0], "wb", opener=_private) as copy:
            shutil.copyfileobj(whole, copy)
        os.truncate(self.path, 0)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
