"""A process of its own: kills backups, and what puts them back, at many points, and tells what is left then."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from laktasi.backing_up import back_up, restore, shape
from laktasi.errors import BackupError
from laktasi.settings import read_settings
from tests.integration.kill_driver import count_points, in_fork

Work = Callable[[], object]


def count(work: Work) -> int:
    """Give the number of points of a piece of work that is done in a fork."""
    _, passed = in_fork(lambda: count_points(lambda: _void(work()), None))
    return passed


def is_killed(work: Work, kill_at: int) -> bool:
    """Do a piece of work in a fork that is killed at a point."""
    ended_by, _ = in_fork(lambda: count_points(lambda: _void(work()), kill_at))
    return ended_by == signal.SIGKILL


def spread(total: int, points: int) -> Iterable[int]:
    """Give the middle of each part."""
    return (1 + (2 * point + 1) * (total - 1) // (2 * points) for point in range(points))


def main(project: Path, work: Path, points: int) -> dict[str, Any]:
    """Kill a second backup, and a restore of the first, `points` times each."""
    settings = read_settings(project)
    told: dict[str, Any] = {"total": [], "killed": [], "wrong": []}

    def begun(name: str) -> Path:
        """Give a folder with one backup in it."""
        target = work / name
        target.mkdir(parents=True)
        count(lambda: back_up(settings, to=target))
        return target

    counted = begun("counted")
    total = count(lambda: back_up(settings, to=counted))
    told["total"].append(total)
    for kill_at in spread(total, points):
        target = begun(f"at-{kill_at}")
        told["killed"].append(is_killed(lambda to=target: back_up(settings, to=to), kill_at))  # type: ignore[misc]
        for path in target.glob("laktasi-*"):
            if wrong := not_whole(path):
                told["wrong"].append(f"backup killed at {kill_at}: {wrong}")
        count(lambda to=target: back_up(settings, to=to))  # type: ignore[misc]
        if left := [path.name for path in target.iterdir() if not shape.made_at(path.name)]:
            told["wrong"].append(f"backup killed at {kill_at}: left {left}")
        shutil.rmtree(target)
    (backup, _) = sorted(counted.iterdir())
    data = work / "restored" / "data"
    total = count(lambda: restore(backup, settings, to=data))
    told["total"].append(total)
    expected = names(data)
    for kill_at in spread(total, points):
        shutil.rmtree(data.parent)
        told["killed"].append(is_killed(lambda: restore(backup, settings, to=data), kill_at))
        if not data.exists():
            count(lambda: restore(backup, settings, to=data))
        if names(data) != expected:
            told["wrong"].append(f"restore killed at {kill_at}: {sorted(names(data) ^ expected)}")
    return told


def names(folder: Path) -> set[str]:
    """Name the files in a data folder; locks come and go."""
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"
    }


def not_whole(backup: Path) -> str | None:
    """Say what is wrong with a folder that is called like a finished backup."""
    from laktasi.backing_up import files

    try:
        listing = shape.read_listing(backup)
    except BackupError as error:
        return error.what
    wrong = [name for name, written in listing.files.items() if files.read_back(backup / name) != written]
    return f"{wrong[0]} is torn" if wrong else None


def _void(_value: object) -> None:
    """Take a value and give none."""


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
