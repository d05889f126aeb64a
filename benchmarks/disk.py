"""How much disk a data folder takes while something works in it, looked at again and again."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

PAUSE = 0.5
"""Seconds between two looks: what comes and goes within it is not seen."""

PARTS = ("warehouse", "its log", "spilled", "scratch", "research copy", "report", "manifests", "attachments", "others")


class DiskWatch:
    """Watches a data folder. Use it in a ``with``.

    Parameters
    ----------
    root
        The data folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.most: dict[str, int] = {}
        """The most that each part has taken, in bytes."""
        self._most_together = 0

    def __enter__(self) -> DiskWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def take_most(self) -> int:
        """Give the most that all parts took together since this was asked last, in bytes."""
        self._look()
        with self._lock:
            most, self._most_together = self._most_together, 0
        return most

    def _watch(self) -> None:
        while not self._is_over.wait(PAUSE):
            self._look()

    def _look(self) -> None:
        now = sizes(self._root)
        with self._lock:
            for part, size in now.items():
                self.most[part] = max(size, self.most.get(part, 0))
            self._most_together = max(self._most_together, sum(now.values()))


def sizes(root: Path) -> Mapping[str, int]:
    """Give what each part of a data folder takes now, in bytes."""
    found = dict.fromkeys(PARTS, 0)
    for entry in _entries(root):
        found[_part_of(entry.name)] += _size(entry)
    return found


def _part_of(name: str) -> str:
    if name == "warehouse.duckdb.wal":
        return "its log"
    if name == "warehouse.duckdb.tmp":
        return "spilled"
    for beginning, part in (("warehouse.duckdb", "warehouse"), ("research", "research copy")):
        if name.startswith(beginning):
            return part
    return name if name in PARTS else "others"


def _size(entry: os.DirEntry[str]) -> int:
    try:
        if entry.is_dir(follow_symlinks=False):
            return sum(map(_size, _entries(Path(entry.path))))
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # gone since it was listed
        return 0


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
