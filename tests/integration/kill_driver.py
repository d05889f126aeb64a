"""A process of its own: kills a run at many points, lets another finish it, and tells what the warehouse then holds.

A point is a call of something that leaves a trace: a statement, a commit, a rename, a sync. They are counted by
Python's profiling hook, so the code under test knows nothing of it. The heavy imports happen once; each run is a fork.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb

TRACES = {"execute", "commit", "begin", "rename", "replace", "fsync", "unlink", "register", "write"}
# What names a run, its times or its code differs from run to run; everything else must not.
FLEETING = {"run_id", "started_at", "finished_at", "landed_at", "first_landed_at", "changed_at", "at"}
FLEETING |= {
    "first_seen_at",
    "last_seen_at",
    "last_landed_at",
    "first_seen_run",
    "changed_run",
    "door",
    "manifest",
    "applied_at",
}
FLEETING |= {"change", "cause"}  # of meta.analysed_rows: since the run before
FLEETING |= {"asked", "failed"}  # of quality.results: only what is new is asked again
ABOUT_RUNS = (
    *("meta.runs", "meta.migrations", "meta.latest_run", "quality.check_runs"),
    *("meta.changes", "meta.result_changes"),
)


def count_points(work: Callable[[], None], kill_at: int | None) -> int:
    """Do the work; kill this process with SIGKILL just before point `kill_at`. Give the number of points passed."""
    passed = 0

    def look(_frame: FrameType, event: str, called: Any) -> None:
        nonlocal passed
        if event == "c_call" and getattr(called, "__name__", None) in TRACES:
            passed += 1
            if passed == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return passed


def in_fork(work: Callable[[], int]) -> tuple[int | None, int]:
    """Do the work in a fork; give the signal that ended it (or None) and what it returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, str(work()).encode())
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    os.close(writing)
    told = b"".join(iter(lambda: os.read(reading, 64), b""))
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status), 0
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("a run ended with an error, see above")
    return None, int(told)


def contents(path: Path) -> dict[str, str]:
    """Give a hash of the rows of every table, without what names a run; results of the latest run only."""
    con = duckdb.connect(str(path), read_only=True)
    latest = con.execute("select max(run_id) from meta.runs where status = 'finished' and door <> 'import'").fetchone()
    found = {}
    tables = con.execute(
        "select schema_name, table_name from duckdb_tables() where not temporary order by all"
    ).fetchall()
    for schema, table in tables:
        name = f"{schema}.{table}"
        if name in ABOUT_RUNS:
            continue
        columns = [row[0] for row in con.execute(f'describe "{schema}"."{table}"').fetchall() if row[0] not in FLEETING]
        chosen = ", ".join(f'"{column}"' for column in columns)
        where = "where run_id = ?" if schema == "analysis" else "where ? is not null"
        rows = con.execute(f'select {chosen} from "{schema}"."{table}" {where} order by all', [latest and latest[0]])
        found[name] = hashlib.sha256(repr(rows.fetchall()).encode()).hexdigest()
    con.close()
    return found


def main(project: Path, phone: Path, later: Path, points: int) -> None:
    """Kill half of the runs as the first in an empty folder; the others as the second, with decisions that are new."""
    # Imported before the forks, so that each costs milliseconds.
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401

    from laktasi import pipeline
    from laktasi.settings import read_settings

    def run(data: Path, kill_at: int | None) -> int:
        settings = read_settings(project, data=data, phones=(phone,))
        return count_points(lambda: void(pipeline.walk(settings, pipeline.WAY, door="cli")), kill_at)

    told: dict[str, Any] = {"total": [], "killed": [], "differs": {}}
    with tempfile.TemporaryDirectory() as scratch:

        def kill(before: Path | None, number: int, points: int) -> Path:
            """Run whole, then anew and killed `points` times from the same beginnings; give the folder of the first."""

            def begun(name: str) -> Path:
                data = Path(scratch, f"{number}-{name}")
                if before is not None:
                    shutil.copytree(before, data)
                return data

            clean = begun("clean")
            _, total = in_fork(partial(run, clean, None))
            told["total"].append(total)
            expected = {name: contents(clean / f"{name}.duckdb") for name in ("warehouse", "research")}
            for point in range(points):
                kill_at = 1 + (2 * point + 1) * (total - 1) // (2 * points)  # the middle of each part
                data = begun(f"killed-{kill_at}")
                ended_by, _ = in_fork(partial(run, data, kill_at))
                told["killed"].append(ended_by == signal.SIGKILL)
                in_fork(partial(run, data, None))
                at = f"run {number}, point {kill_at} of {total}"
                for name, tables in expected.items():
                    now = contents(data / f"{name}.duckdb")
                    if wrong := sorted(key for key in tables.keys() | now.keys() if tables.get(key) != now.get(key)):
                        told["differs"][f"{at}, {name}"] = wrong
                if left := sorted(str(path.relative_to(data)) for path in data.rglob("*") if is_scrap(path)):
                    told["differs"][f"{at}, files"] = left
            return clean

        first = kill(None, 1, points - points // 2)
        shutil.copytree(later, project / "schemas" / "corrections", dirs_exist_ok=True)
        kill(first, 2, points // 2)
        print(json.dumps(told))


def is_scrap(path: Path) -> bool:
    return path.is_file() and any(part in path.name for part in (".tmp", ".part", ".new"))


def void(_value: object) -> None:
    """Take a value and give none."""


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
