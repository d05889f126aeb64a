"""A process of its own: kills the forgetting of somebody at many points, and tells what the next run leaves of her."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from tests.integration.kill_driver import count_points, in_fork


def main(project: Path, code: str, points: int, words: list[str]) -> None:
    """Forget her in a copy of the project, killed before one of the calls that leave a trace; then run."""
    # Imported before the forks, so that each costs milliseconds.
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401

    from laktasi import pipeline
    from laktasi.forgetting import find
    from laktasi.forgetting import forget as erase
    from laktasi.settings import read_settings

    def forget(root: Path, kill_at: int | None) -> int:
        def work() -> None:
            settings = read_settings(root)
            erase(settings, code, find(settings, code), why="withdrew", erased_by="Ani")

        return count_points(work, kill_at)

    def run(root: Path) -> int:
        pipeline.walk(read_settings(root), pipeline.WAY, door="cli")
        return 0

    told: dict[str, Any] = {"killed": [], "left": {}, "erased": []}
    with tempfile.TemporaryDirectory() as scratch:

        def begun(name: str) -> Path:
            return shutil.copytree(project, Path(scratch, name))

        _, total = in_fork(partial(forget, begun("clean"), None))
        told["total"] = total
        for point in range(points):
            # Closer together at the beginning: there rows and files go; what follows is an ordinary analysis.
            kill_at = 1 + int((total - 1) * ((2 * point + 1) / (2 * points)) ** 2)
            root = begun(f"killed-{kill_at}")
            ended_by, _ = in_fork(partial(forget, root, kill_at))
            told["killed"].append(ended_by == signal.SIGKILL)
            in_fork(partial(run, root))
            with duckdb.connect(str(root / "data" / "warehouse.duckdb"), read_only=True) as con:
                (buried,) = con.execute("select count(*) from raw.forgotten").fetchone() or (0,)
                (left,) = con.execute("select count(*) from meta.forgetting").fetchone() or (0,)
            told["erased"].append(bool(buried))
            held = [
                path.relative_to(root).as_posix()
                for path in (root / "data").rglob("*")
                if path.is_file() and any(word.encode() in path.read_bytes() for word in words)
            ]
            if buried and (held or left):
                told["left"][f"point {kill_at} of {total}"] = held or ["meta.forgetting"]
            shutil.rmtree(root)
        print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
