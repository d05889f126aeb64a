"""What it costs to check records row by row with Great Expectations, beside plain SQL that asks the same.

Run ``python -m benchmarks.checks --rows 100000``. Both begin with the answers as text and end with the ids that fail
and their rules, and must name the same. Seconds depend on the machine: read the ratios and the memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pipeline import GIB, peak_memory

ROWS = 1_000_000
TIMES = 5
MOST_RATIO = 8
MOST_MEMORY = 2 * GIB
PLAIN = "plain.parquet"
READ = "SELECT bit_xor(hash(answers)) FROM answers.checked AS answers"
"""Before either is timed, so that neither pays for the disk."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the records, let both ways look at them in turns, and print what it took.

    Exits with 1 if both do not name the same ids and rules, or if ratio or memory are above what is expected.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="synthetic records (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work; kept, and used again if it holds such records")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.part:
        print(json.dumps(PARTS[given.part](given.folder, given.rows)))
    elif given.folder:
        sys.exit(measure(given.folder, given.rows))
    else:
        with tempfile.TemporaryDirectory(prefix="laktasi-bench-") as folder:
            sys.exit(measure(Path(folder), given.rows))


def make(folder: Path, rows: int) -> None:
    """Make the warehouse."""
    from benchmarks.checked_form import fill
    from laktasi.paths import DataFolder
    from laktasi.store.warehouse import open_warehouse

    with open_warehouse(DataFolder(folder)) as con:
        fill(con, rows)


def plain(folder: Path, _rows: int) -> dict[str, Any]:
    """Ask plain SQL, in a connection with the same settings."""
    from benchmarks.checked_form import plain_sql
    from laktasi.paths import DataFolder
    from laktasi.store.warehouse import open_warehouse

    with open_warehouse(DataFolder(folder)) as con:
        con.execute(READ).fetchall()
        start = time.perf_counter()
        con.execute(f"CREATE TEMP TABLE found AS {plain_sql()}")
        seconds = time.perf_counter() - start
        con.execute(f"COPY found TO '{folder / PLAIN}' (FORMAT parquet)")
    return {"seconds": seconds, "peak": peak_memory()}


def check(folder: Path, _rows: int) -> dict[str, Any]:
    """Check everything as if for the first time, and hold what fails against plain SQL's."""
    from benchmarks.checked_form import QUESTIONNAIRES
    from laktasi import quality
    from laktasi.paths import DataFolder
    from laktasi.store.warehouse import open_warehouse

    start = time.perf_counter()
    import great_expectations  # noqa: F401 - measured apart: once per process, whatever is checked

    loading = time.perf_counter() - start
    with open_warehouse(DataFolder(folder)) as con:
        for table in ("checked", "failing", "finding_events", "check_runs"):
            con.execute(f"DELETE FROM quality.{table}")
        con.execute("CHECKPOINT")
        con.execute(READ).fetchall()
        start = time.perf_counter()
        told = quality.check(con, "first", QUESTIONNAIRES, [])
        seconds = time.perf_counter() - start
        peak = peak_memory()
        return {"seconds": seconds, "peak": peak, "loading": loading, **_compare(con, folder), "asked": told.rows_asked}


def again(folder: Path, _rows: int) -> dict[str, Any]:
    """Check once more after some records changed, then with nothing changed; hold the result against plain SQL's."""
    import great_expectations  # noqa: F401 - as above

    from benchmarks.checked_form import QUESTIONNAIRES, change, plain_sql
    from laktasi import quality
    from laktasi.paths import DataFolder
    from laktasi.store.warehouse import open_warehouse

    timed: dict[str, list[float]] = {"after_change": [], "unchanged": []}
    with open_warehouse(DataFolder(folder)) as con:
        for turn in range(TIMES):
            changed = change(con)
            asked = []
            for name, seconds in timed.items():
                start = time.perf_counter()
                asked.append(quality.check(con, f"{name} {turn}", QUESTIONNAIRES, []).rows_asked)
                seconds.append(time.perf_counter() - start)
            assert asked == [changed, 0], "not exactly the changed records were asked"
        con.execute(f"COPY ({plain_sql()}) TO '{folder / PLAIN}' (FORMAT parquet)")
        same = _compare(con, folder)
    least = {name: min(seconds) for name, seconds in timed.items()}
    return {**least, "peak": peak_memory(), "changed": changed, **same}


def _compare(con: Any, folder: Path) -> dict[str, int]:
    found = con.execute(
        f"""
        WITH plain AS (SELECT _submission_id, rule_id FROM '{folder / PLAIN}'),
        ours AS (SELECT submission_id, rule_id FROM quality.findings WHERE is_open)
        SELECT
            (SELECT count(*) FROM (FROM plain EXCEPT ALL FROM ours)),
            (SELECT count(*) FROM (FROM ours EXCEPT ALL FROM plain)),
            (SELECT count(*) FROM plain),
            (SELECT count(DISTINCT _submission_id) FROM plain)
        """
    ).fetchone()
    return dict(zip(("missed", "invented", "pairs", "failing_rows"), found, strict=True))


PARTS: dict[str, Callable[[Path, int], Any]] = {"make": make, "plain": plain, "check": check, "again": again}


def measure(folder: Path, rows: int) -> int:
    """Make, ask both in turns, compare and print; give the exit code."""
    if not (folder / "warehouse.duckdb").exists():
        _part("make", folder, rows)
    # In turns, so that what else the machine does falls on both.
    plainly, checked = [], []
    for _ in range(TIMES):
        plainly.append(_part("plain", folder, rows))
        checked.append(_part("check", folder, rows))
    second = _part("again", folder, rows)
    # Of each the time that was disturbed least.
    bare, whole = (min(one["seconds"] for one in times) for times in (plainly, checked))
    ratio = whole / bare
    peak = max(one["peak"] for one in (*checked, second))
    first = checked[-1]
    print(f"Row checks: {rows:,} records × 60 questions × 80 rules, {first['failing_rows']:,} records fail")
    print(f"  plain SQL, one scan: {_seconds(plainly)}")
    print(f"  Great Expectations, from answers to findings: {_seconds(checked)}")
    print(f"  ratio of the shortest: {ratio:.1f} times plain SQL (expected: within {MOST_RATIO})")
    print(f"  loading Great Expectations, once per process, besides: {first['loading']:.1f} s")
    print(f"  peak memory: {peak / GIB:.2f} GiB (expected: under 2 GiB); plain SQL {plainly[-1]['peak'] / GIB:.2f} GiB")
    print(f"  failing ids and rules: {first['pairs']:,}, the same from both")
    print(
        f"  after {second['changed']:,} records changed, these alone asked:"
        f" {second['after_change'] / whole:.2f} times the first run; none changed, none asked:"
        f" {second['unchanged'] / whole:.2f} times"
    )
    problems = [
        f"{name}: of {one['pairs']:,} ids and rules {one['missed']:,} are missed, {one['invented']:,} invented"
        for name, one in (*(("first run", one) for one in checked), ("second run", second))
        if one["missed"] or one["invented"] or not one["pairs"]
    ]
    if any(one["asked"] != rows for one in checked):
        problems.append("not all records were asked")
    if ratio > MOST_RATIO:
        problems.append(f"more than {MOST_RATIO} times plain SQL")
    if peak >= MOST_MEMORY:
        problems.append("more than 2 GiB of memory were used")
    for problem in problems:
        print(f"  WRONG: {problem}")
    return 1 if problems else 0


def _seconds(times: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['seconds']:.1f}" for one in sorted(times, key=lambda one: one["seconds"])) + " s"


def _part(part: str, folder: Path, rows: int) -> Any:
    """Do a part in a process of its own, so that its peak memory is its own."""
    print(f"{part} ({rows:,} records) ...", file=sys.stderr)
    command = [sys.executable, "-m", "benchmarks.checks", "--part", part, "--folder", str(folder), "--rows", str(rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own command
    return json.loads(done.stdout) if done.stdout else None


if __name__ == "__main__":
    main()
