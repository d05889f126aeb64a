"""How long the whole local way takes, from submissions at the door to the report, and how much memory and disk.

Run ``python -m benchmarks.pipeline --rows 100000``. Times depend on the machine: read shares, ratios, memory and disk.
Reading phones' folders is measured apart, on some of the submissions: a million of them are as many folders.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.disk import DiskWatch, sizes

if TYPE_CHECKING:
    from laktasi import pipeline
    from laktasi.records import Submission

ROWS = 1_000_000
GIB = 1 << 30
MOST_MEMORY = 4 * GIB
PARTS = {
    "make": "Making the synthetic project",
    "first": "Walking the way",
    "second": "Walking it again, with nothing new",
    "read": "Reading phones' folders",
    "release": "Writing a release",
}
MADE = "made"
"""Folder below the project whose warehouse holds the submissions that are to come in."""
READ = 20_000
"""Submissions that are read from folders, at most."""
FETCHED = 2_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the synthetic project, walk the way twice, each time in a process of its own, and print what it took.

    Exits with 1 if the results are not those that were planted, or if more than 4 GiB of memory were used.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="synthetic submissions (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work; kept, and used again if it holds such a project")
    parser.add_argument("--release", action="store_true", help="write a release at the end, too")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.part == "make":
        make(given.folder, given.rows)
    elif given.part:
        work = {"first": walk, "second": walk_again, "read": read, "release": release}[given.part]
        print(json.dumps(work(given.folder)))
    elif given.folder:
        sys.exit(measure(given.folder, given.rows, is_released=given.release))
    else:
        with tempfile.TemporaryDirectory(prefix="laktasi-bench-") as folder:
            sys.exit(measure(Path(folder), given.rows, is_released=given.release))


def make(folder: Path, rows: int) -> None:
    """Make the project, and a warehouse with the submissions that are to come in."""
    from benchmarks.synthetic import make

    settings = make(folder, rows)
    settings.data_folder.root.rename(folder / MADE)


def walk(folder: Path) -> dict[str, Any]:
    """Walk the whole way; give seconds, peak memory and peak disk by step, and what the steps told."""
    from laktasi import pipeline

    return _timed(folder, (pipeline.FORMS, pipeline.Step("phones", _land), *pipeline.ANALYSING))


def walk_again(folder: Path) -> dict[str, Any]:
    """Walk it again where nothing new has come in."""
    from laktasi import pipeline

    return _timed(folder, (pipeline.FORMS, *pipeline.ANALYSING))


def _timed(folder: Path, steps: Sequence[pipeline.Step]) -> dict[str, Any]:
    from laktasi import pipeline
    from laktasi.settings import Settings

    seconds: dict[str, float] = {}
    peaks: dict[str, int] = {}
    disk: dict[str, int] = {}

    def timed(step: pipeline.Step, run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
        start = time.perf_counter()
        try:
            return pipeline.directly(step, run, progress)
        finally:
            seconds[step.name] = time.perf_counter() - start
            peaks[step.name] = peak_memory()
            disk[step.name] = watch.take_most()

    settings = Settings(project=folder)
    with DiskWatch(settings.data_folder.root) as watch:
        run = pipeline.walk(settings, steps, door="cli", call=timed)
    return {"seconds": seconds, "peaks": peaks, "disk": disk, "most": watch.most, "told": run.told}


def _land(run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
    """Take in what was made, as if phones had brought it."""
    from laktasi.store.raw import land
    from laktasi.workplace import opened

    with opened(run.settings.data_folder) as con:
        items = _submissions(run.settings.project)
        return asdict(land(con, run.settings.data_folder, items, run.run_id, progress=progress))


def _submissions(folder: Path) -> Iterator[Submission]:
    import duckdb

    from laktasi.records import Status, Submission

    # By row, so that what is handed over is never in this process as a whole: it would count as the pipeline's memory.
    query = "select form_id, form_version, instance_id, payload from raw.submissions where rowid >= ? and rowid < ?"
    with duckdb.connect(str(folder / MADE / "warehouse.duckdb"), read_only=True) as con:
        con.execute("set memory_limit = '200MB'")
        first = 0
        while rows := con.execute(query, [first, first + FETCHED]).fetchall():
            first += FETCHED
            for form_id, version, instance_id, payload in rows:
                yield Submission(form_id, version, instance_id, None, payload, Status.FINALISED, "phones", None)


def read(folder: Path) -> dict[str, Any]:
    """Write some of the submissions as a phone's folder, and read it; give how many there were, and the seconds."""
    from itertools import islice

    from laktasi.odk.instances import read_folder

    with tempfile.TemporaryDirectory(prefix="laktasi-bench-") as scratch:
        instances = Path(scratch) / "instances"
        for number, submission in enumerate(islice(_submissions(folder), READ)):
            place = instances / f"Visit_{number}"
            place.mkdir(parents=True)
            (place / f"{place.name}.xml").write_bytes(submission.payload)
        start = time.perf_counter()
        count = sum(1 for _ in read_folder(Path(scratch)))
        return {"count": count, "seconds": time.perf_counter() - start}


def release(folder: Path) -> dict[str, Any]:
    """Write a release; give seconds, peak memory, and the disk that it takes."""
    from laktasi.releasing import release
    from laktasi.settings import Settings

    settings = Settings(project=folder)
    start = time.perf_counter()
    release(settings)
    seconds = time.perf_counter() - start
    size = sum(path.stat().st_size for path in settings.data_folder.release.rglob("*") if path.is_file())
    return {"seconds": seconds, "peak": peak_memory(), "size": size}


def peak_memory() -> int:
    """Give the most memory that this process has held so far, in bytes."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def measure(folder: Path, rows: int, *, is_released: bool) -> int:
    """Make, walk twice, check and print; give the exit code."""
    if not (folder / MADE).exists():
        _part("make", folder, rows)
    shutil.rmtree(folder / "data", ignore_errors=True)  # what an earlier call walked to
    # Each part is printed when it is done: what breaks off later takes nothing of it along.
    print(f"The whole way, from submissions at the door to the report: {rows:,} submissions, {_cores()} cores")
    first = _part("first", folder, rows)
    _print_steps(first)
    print(f"  {rows / sum(first['seconds'].values()):,.0f} submissions a second")
    second = _part("second", folder, rows)
    _print_again(first["seconds"], second["seconds"])
    peaks = [max(one["peaks"].values()) for one in (first, second)]
    print(f"  peak memory: {_gib(peaks[0])}, in the second run {_gib(peaks[1])} (expected: under 4 GiB)")
    told = first["told"]
    print(f"  findings: {told['check']['open_errors']:,} errors, {told['check']['open_warnings']:,} warnings")
    _print_disk(folder / "data", first["most"], second["most"])
    problems = check(folder, rows)
    reading = _part("read", folder, rows)
    print(f"  reading phones' folders: {reading['count'] / reading['seconds']:,.0f} submissions a second", end="")
    print(f" (of {reading['count']:,})", flush=True)
    if is_released:
        released = _part("release", folder, rows)
        print(f"  release: {released['seconds']:.1f} s, peak memory {_gib(released['peak'])}, {_mib(released['size'])}")
        peaks.append(released["peak"])
    if max(peaks) >= MOST_MEMORY:
        problems.append("more than 4 GiB of memory were used")
    for problem in problems:
        print(f"  WRONG: {problem}")
    return 1 if problems else 0


def _print_steps(first: dict[str, Any]) -> None:
    seconds, peaks, disks = first["seconds"], first["peaks"], first["disk"]
    rows = [(name, seconds[name], peaks[name], disks[name]) for name in seconds]
    whole, most = sum(seconds.values()), (max(peaks.values()), max(disks.values()))
    print(f"  {'':<10}{'seconds':>10}{'share':>8}{'memory so far':>15}{'disk at most':>14}")
    for name, spent, memory, disk in (*rows, ("together", whole, *most)):
        print(f"  {name:<10}{spent:10.1f}{spent / whole:8.0%}{_gib(memory):>15}{_gib(disk):>14}", flush=True)


def _print_again(first: dict[str, float], second: dict[str, float]) -> None:
    print("  a second run, nothing new, against the first:")
    for name, spent in second.items():
        print(f"  {name:<10}{spent:10.1f}{spent / first[name]:8.2f} times")
    print(
        f"  {'together':<10}{sum(second.values()):10.1f}{sum(second.values()) / sum(first.values()):8.2f} times",
        flush=True,
    )


def _print_disk(data: Path, *most: dict[str, int]) -> None:
    now = sizes(data)
    print(f"  {'disk':<16}{'in the end':>14}{'at most':>14}{'in the 2nd run':>16}")
    for part, size in now.items():
        peaks = [one.get(part, 0) for one in most]
        if size or any(peaks):
            print(f"  {part:<16}{_mib(size):>14}{_mib(peaks[0]):>14}{_mib(peaks[1]):>16}")
    print(f"  {'together':<16}{_mib(sum(now.values())):>14}")


def _gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
