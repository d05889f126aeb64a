"""How long the whole local way takes, from landed submissions to the report, and how much memory.

Run ``python -m benchmarks.pipeline --rows 100000``. Times depend on the machine: read shares, ratios and memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROWS = 1_000_000
GIB = 1 << 30
MOST_MEMORY = 4 * GIB
PARTS = {"make": "Making the synthetic project", "walk": "Walking the way"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the synthetic project, walk the way twice, each time in a process of its own, and print what it took.

    Exits with 1 if the results are not those that were planted, or if more than 4 GiB of memory were used.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="synthetic submissions (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work; kept, and used again if it holds such a project")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.part == "make":
        make(given.folder, given.rows)
    elif given.part == "walk":
        print(json.dumps(walk(given.folder)))
    elif given.folder:
        sys.exit(measure(given.folder, given.rows))
    else:
        with tempfile.TemporaryDirectory(prefix="laktasi-bench-") as folder:
            sys.exit(measure(Path(folder), given.rows))


def make(folder: Path, rows: int) -> None:
    """Make the project."""
    from benchmarks.synthetic import make

    make(folder, rows)


def walk(folder: Path) -> dict[str, Any]:
    """Walk the way from landed submissions on; give seconds and peak memory by step, and what the steps told."""
    from laktasi import pipeline
    from laktasi.settings import Settings

    seconds: dict[str, float] = {}
    peaks: dict[str, int] = {}

    def timed(step: pipeline.Step, run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
        start = time.perf_counter()
        try:
            return pipeline.directly(step, run, progress)
        finally:
            seconds[step.name] = time.perf_counter() - start
            peaks[step.name] = peak_memory()

    run = pipeline.walk(Settings(project=folder), pipeline.ANALYSING, door="cli", call=timed)
    return {"seconds": seconds, "peaks": peaks, "told": run.told}


def peak_memory() -> int:
    """Give the most memory that this process has held so far, in bytes."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def measure(folder: Path, rows: int) -> int:
    """Make, walk twice, check and print; give the exit code."""
    if not (folder / "planted.parquet").exists():
        _part("make", folder, rows)
    first = _part("walk", folder, rows)
    second = _part("walk", folder, rows)
    problems = check(folder, rows)

    seconds, again = first["seconds"], second["seconds"]
    whole, whole_again = sum(seconds.values()), sum(again.values())
    peak = max(first["peaks"].values())
    peak_again = max(second["peaks"].values())
    told = first["told"]
    print(f"The way from landed submissions to the report: {rows:,} submissions")
    print(f"  {'':<10}{'seconds':>10}{'share':>8}{'peak so far':>14}{'second run':>14}")
    for name, spent in seconds.items():
        peak_so_far = f"{first['peaks'][name] / GIB:.2f} GiB"
        ratio = f"{again[name] / spent:.2f} times"
        print(f"  {name:<10}{spent:10.1f}{spent / whole:8.0%}{peak_so_far:>14}{ratio:>14}")
    ratio = f"{whole_again / whole:.2f} times"
    print(f"  {'together':<10}{whole:10.1f}{1:8.0%}{f'{peak / GIB:.2f} GiB':>14}{ratio:>14}")
    print(f"  {rows / whole:,.0f} submissions a second")
    print(f"  peak memory: {peak / GIB:.2f} GiB, in the second run {peak_again / GIB:.2f} GiB (expected: under 4 GiB)")
    print(f"  findings: {told['check']['open_errors']:,} errors, {told['check']['open_warnings']:,} warnings")
    data = folder / "data"
    for name in ("warehouse.duckdb", "research.duckdb", "report/index.html"):
        print(f"  {name}: {(data / name).stat().st_size / 2**20:,.1f} MiB")
    if max(peak, peak_again) >= MOST_MEMORY:
        problems.append("more than 4 GiB of memory were used")
    for problem in problems:
        print(f"  WRONG: {problem}")
    return 1 if problems else 0


def _part(part: str, folder: Path, rows: int) -> Any:
    """Do a part in a process of its own, so that its peak memory is its own."""
    print(f"{PARTS[part]} ({rows:,} submissions) ...", file=sys.stderr)
    command = [
        sys.executable,
        "-m",
        "benchmarks.pipeline",
        "--part",
        part,
        "--folder",
        str(folder),
        "--rows",
        str(rows),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own command
    return json.loads(done.stdout) if done.stdout else None


def check(folder: Path, rows: int) -> list[str]:
    """Say what in the warehouse is not as it was planted; nothing, if all is well."""
    import duckdb

    with duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute(
            """
            with
            planted as (select submission_id, rule_id from read_parquet($planted)),
            -- of what compares and counts records only duplicates are planted: the rest is as chance has it
            found as (
                select submission_id, rule_id from quality.findings
                where is_open and (kind not in ('set', 'group') or rule_id in (select rule_id from planted))
            )
            select
                (select count(*) from staging.postpartum_visit),
                (select count(*) from marts.analysed),
                (select count(*) from (from planted except all from found)),
                (select count(*) from (from found except all from planted)),
                (select count(*) from planted)
            """,
            {"planted": str(folder / "planted.parquet")},
        ).fetchone()
    assert found is not None
    staged, analysed, missed, invented, planted = found
    problems = []
    if (staged, analysed) != (rows, rows):
        problems.append(f"{rows:,} submissions landed, {staged:,} stand in staging, {analysed:,} are analysed")
    if missed or invented or not planted:
        problems.append(
            f"of {planted:,} planted faults {missed:,} were not found; {invented:,} findings are of nothing"
        )
    return problems


if __name__ == "__main__":
    main()
