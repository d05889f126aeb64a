"""How much longer the same way takes on a lake than on a file, and how much room each takes.

Run ``python -m benchmarks.lake --rows 20000``. The catalogue is a DuckDB file, unless ``--catalog`` or
``LAKTASI_TEST_LAKE`` names a PostgreSQL database (``postgres://user@host/database``; the password from PGPASSWORD).
Times depend on the machine: read ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROWS = 20_000
STEPS = ("read", "stand", "check", "mart", "analyse", "close", "publish")
"""Steps that are told apart; the others are told together."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Walk the way twice on a file and twice on a lake, each time in a process of its own, and print ratios.

    Exits with 1 if both do not give the same results.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lake", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="synthetic submissions (%(default)s)")
    parser.add_argument("--catalog", default=_named(), help="of the lake (a file, if not given)")
    parser.add_argument("--walk", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.walk is not None:
        print(json.dumps(walk(given.walk)))
        return
    with tempfile.TemporaryDirectory(prefix="laktasi-bench-") as folder:
        sys.exit(measure(Path(folder), given.rows, given.catalog))


def _named() -> str | None:
    named = os.environ.get("LAKTASI_TEST_LAKE", "")
    return named if named.startswith("postgres") else None


def walk(given: dict[str, Any]) -> dict[str, Any]:
    """Move the warehouse where that is asked for, and walk the way; give seconds by step and what was found."""
    from laktasi import pipeline
    from laktasi.moving import move_to_lake
    from laktasi.settings import Settings

    seconds: dict[str, float] = {}

    def timed(step: pipeline.Step, run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
        start = time.perf_counter()
        try:
            return pipeline.directly(step, run, progress)
        finally:
            seconds[step.name] = time.perf_counter() - start

    is_moved = given.pop("move", False)
    settings = Settings(**given)
    start = time.perf_counter()
    if is_moved:
        move_to_lake(settings)
    moving = time.perf_counter() - start
    run = pipeline.walk(settings, pipeline.ANALYSING, door="cli", call=timed)
    found = {"analysed_hash": run.told["analyse"]["analysed_hash"], **run.told["check"]}
    return {"seconds": seconds, "moving": moving, "found": found}


def measure(folder: Path, rows: int, catalog: str | None) -> int:
    """Make the project, walk it on both, compare and print; give the exit code."""
    from benchmarks.synthetic import make

    make(folder, rows)
    lake = {
        "catalog": catalog or str(folder / "lake.catalogue"),
        "name": f"bench_{secrets.token_hex(4)}",
        "data": str(folder / "lake"),
    }
    on_lake = {"project": str(folder), "data": "data-lake", "warehouse": "ducklake", "lake": lake}
    shutil.copytree(folder / "data", folder / "data-lake")
    on_file = {"project": str(folder), "data": "data"}
    try:
        walks = {
            "file": [_walk(on_file), _walk(on_file)],
            "lake": [_walk({**on_lake, "move": True}), _walk(on_lake)],
        }
    finally:
        if catalog:
            _drop(on_lake, lake["name"])
    _tell(walks, rows, "PostgreSQL" if catalog else "a DuckDB file")
    file = folder / "data" / "warehouse.duckdb"
    parquet = list((folder / "lake").rglob("*.parquet"))
    print(f"  file: {file.stat().st_size / 2**20:,.1f} MiB", end="")
    print(f"; lake: {sum(path.stat().st_size for path in parquet) / 2**20:,.1f} MiB in {len(parquet)} Parquet files")
    wrong = {
        name
        for file_run, lake_run in zip(walks["file"], walks["lake"], strict=True)
        for name, value in file_run["found"].items()
        if lake_run["found"][name] != value
    }
    if wrong:
        print(f"  WRONG: a file and a lake do not give the same {', '.join(sorted(wrong))}")
        return 1
    print("  both found the same: every count of findings, and the hash over the rows analysed")
    return 0


def _tell(walks: dict[str, list[dict[str, Any]]], rows: int, catalogue: str) -> None:
    print(f"The same way on a file and on a lake (catalogue in {catalogue}): {rows:,} submissions")
    print(f"  {'':<10}{'file':>8}{'lake / file':>14}{'second run':>12}")
    for name in (*STEPS, "others", "together"):
        spent = {
            kind: [
                sum(
                    seconds
                    for step, seconds in one["seconds"].items()
                    if name in (step, "together") or (name == "others" and step not in STEPS)
                )
                for one in both
            ]
            for kind, both in walks.items()
        }
        first, second = (spent["lake"][at] / spent["file"][at] for at in (0, 1))
        print(f"  {name:<10}{spent['file'][0]:7.1f}s{first:>8.1f} times{second:>6.1f} times")
    whole = sum(walks["file"][0]["seconds"].values())
    print(
        f"  moving the landed file into the lake: {walks['lake'][0]['moving'] / whole:.2f} of a first run on the file"
    )


def _walk(given: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.lake", "--walk", json.dumps(given)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _drop(given: dict[str, Any], name: str) -> None:
    import duckdb

    from laktasi.settings import Settings
    from laktasi.store.lake import attach_catalogue

    lake = Settings(**given).data_folder.lake
    assert lake is not None
    with duckdb.connect() as con:
        attach_catalogue(con, lake, "there")
        con.execute(f"call postgres_execute('there', 'drop schema if exists {name} cascade')")


if __name__ == "__main__":
    main()
