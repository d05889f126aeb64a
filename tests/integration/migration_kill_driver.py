"""A process of its own: opens an older warehouse again and again, each time killed at a later point.

Prints the newest migration that the file has seen after each kill; then it is opened once more, which mends it. A point
is as in `kill_driver`, and each opening is a fork.
"""

from __future__ import annotations

import shutil
import signal
import sys
from functools import partial
from pathlib import Path

import duckdb

from laktasi.paths import DataFolder
from laktasi.store.warehouse import open_warehouse
from tests.integration.kill_driver import count_points, in_fork, is_scrap

LAST = 12
"""Points at the end that are all tried: there the copy takes its place."""
EARLIER = 12
"""Points that are tried of those before."""


def main(older: Path, killed: Path) -> None:
    """Kill it at many points."""

    def work(kill_at: int | None = None) -> int:
        def migrate() -> None:
            with open_warehouse(DataFolder(killed)):
                pass

        return count_points(migrate, kill_at)

    def seen() -> int:
        with duckdb.connect(str(killed / "warehouse.duckdb"), read_only=True) as con:
            (newest,) = con.execute("select max(number) from meta.migrations").fetchall()
        return int(newest[0])

    shutil.copytree(older, killed)
    _, total = in_fork(work)
    whole = seen()
    earlier = total - LAST
    for point in (*range(1, earlier, max(1, earlier // EARLIER)), *range(earlier, total + 1)):
        shutil.rmtree(killed)
        shutil.copytree(older, killed)
        ended_by, _ = in_fork(partial(work, point))
        if ended_by != signal.SIGKILL:
            raise SystemExit(f"point {point} of {total} was not reached")
        _, newest = in_fork(seen)
        print(newest)
        in_fork(work)
        if in_fork(seen)[1] != whole or any(is_scrap(path) for path in killed.rglob("*")):
            raise SystemExit(f"what was killed at point {point} of {total} was not mended")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
