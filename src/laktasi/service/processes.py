"""Processes of this machine: those that a supervisor started, wherever they hang now, and how they are ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from laktasi.service.log import Log
from laktasi.service.place import MARK, Place, mark_of

FLOW_RUN = "PREFECT__FLOW_RUN_ID"
"""Variable of a process that works on a flow run."""
BY_HAND = "process:"
"""Beginning of the tag by which a run that was started by hand names its process."""
END_SECONDS = 20
"""How long a process has to come to its end by itself."""
LONGEST_PAUSE_SECONDS = 60


@dataclass(slots=True)
class Child:
    """One child of the supervisor, started again whenever it has ended."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Log
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    """How often in a row it ended before it was of use."""
    not_before: float = field(default=0.0)
    """On the monotonic clock."""
    started: float = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether it is at work."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it; what it says goes to its log."""
        self.started = time.monotonic()
        with self.log.opened() as file:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                **_apart(),
            )

    def has_ended(self) -> int | None:
        """Give the exit code of a child that has just ended, once; None otherwise. It is due again after a while."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        self.failures += 1
        self.not_before = time.monotonic() + min(2 ** (self.failures - 1), LONGEST_PAUSE_SECONDS)
        return code

    def end(self, patience: float = END_SECONDS) -> None:
        """End it, and whatever it started."""
        if self.process is None:
            return
        try:
            whole = psutil.Process(self.process.pid)
            end([whole, *whole.children(recursive=True)], patience)
        except psutil.NoSuchProcess:
            pass
        self.process.wait()
        self.process = None


def served(place: Place) -> list[Any]:
    """Give the processes that a supervisor of this data folder started, and those that these started."""
    mark = mark_of(place)
    return [process for process, given in _ours() if given.get(MARK) == mark and process.pid != os.getpid()]


def left_servers(home: Path) -> list[Any]:
    """Give servers that a run by hand started for itself, and that outlived it: it was killed.

    Parameters
    ----------
    home
        Prefect's home in the data folder.
    """
    return [
        process
        for process, given in _ours()
        if given.get("PREFECT_HOME") == str(home)
        and any("prefect.server.api.server" in word for word in process.info["cmdline"] or ())
        and _is_orphan(process)
    ]


def worked_on(place: Place) -> set[str]:
    """Give the ids of the flow runs that a process of this machine works on."""
    mark = mark_of(place)
    return {given[FLOW_RUN] for _, given in _ours() if given.get(MARK) == mark and FLOW_RUN in given}


def tag_of_this_process() -> str:
    """Give the tag by which a run that is started by hand names its process, and when that was born."""
    return f"{BY_HAND}{os.getpid()}:{born():.2f}"


def is_worked_on_by_hand(tags: Iterable[str]) -> bool:
    """Say whether the process that a run's tags name is still there, and not another one that got its number."""
    found = map(_TAG.fullmatch, tags)
    return any(is_alive(int(named["number"]), float(named["born"])) for named in found if named)


def born() -> float:
    """Give when this process was born: with its number that names it, as :func:`is_alive` takes it."""
    return _born(psutil.Process())


def is_alive(number: int, born: float) -> bool:
    """Say whether a process is still there, and not another one that got its number."""
    try:
        process = psutil.Process(number)
        return abs(_born(process) - born) < _TICK and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OverflowError):  # gone, or a number that no process can have
        return False


_TAG = re.compile(rf"{BY_HAND}(?P<number>\d+):(?P<born>\d+\.\d+)")
_TICK = 3.0
"""Seconds that two answers about the birth of one process may differ by: Linux gives its own start in whole ones."""


def _born(process: Any) -> float:
    """Give when a process was born, in seconds; where Linux reckons it from the clock, from the machine's start.

    A clock that is set right while a run is at work would otherwise make another process of it.
    """
    born: float = process.create_time()
    return born - psutil.boot_time() if psutil.LINUX else born


def end(processes: Iterable[Any], patience: float = END_SECONDS) -> int:
    """End processes: they are asked first, and killed where they do not follow. Give how many there were."""
    there = list(processes)
    for process in there:
        _try(process.terminate)
    _, alive = psutil.wait_procs(there, timeout=patience)
    for process in alive:
        _try(process.kill)
    psutil.wait_procs(alive, timeout=END_SECONDS)
    return len(there)


def _try(act: Any) -> None:
    try:
        act()
    except psutil.Error:
        return


def _apart() -> dict[str, Any]:
    """Keep the terminal's Ctrl-C from children: the supervisor ends them in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _ours() -> Iterator[tuple[Any, Mapping[str, str]]]:
    """Give the processes of this user that run Python, each with its environment."""
    for process in psutil.process_iter(["name", "cmdline"]):
        try:
            if "python" in (process.info["name"] or "").lower() and process.status() != psutil.STATUS_ZOMBIE:
                yield process, process.environ()
        except (psutil.Error, OSError):  # another user's, or gone meanwhile
            continue


def _is_orphan(process: Any) -> bool:
    try:
        parent = process.parent()
        return parent is None or parent.exe() != process.exe()
    except psutil.Error:
        return True
