"""Several workers of one lake, each a process with a data folder of its own; needs a PostgreSQL to try in."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.settings import read_settings
from laktasi.store import runs
from laktasi.store.turns import holding
from laktasi.store.warehouse import open_warehouse
from tests import mini
from tests.lakes import WHERE, lake_at, needs_postgres, tell

pytestmark = [needs_postgres, pytest.mark.slow]

PEOPLE = 60
OVERLAPPING = ((0, 50), (10, 60), (0, 60), (0, 60))
"""Whom each worker's phone has: everybody is on three phones at least."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    lake = lake_at(tmp_path)
    place = f'catalog = "{WHERE}"\nname = "{lake.schema}"\ndata = "lake"\nfiles = "shared"\n'
    (tmp_path / "laktasi.toml").write_text(f'warehouse = "ducklake"\n[lake]\n{place}', encoding="utf-8")
    yield mini.make_project(tmp_path)
    tell(lake, f"drop schema if exists {lake.schema} cascade")


def phone_of(project: Path, number: int) -> Path:
    phone = project / f"phone-{number}"
    for person in range(*OVERLAPPING[number]):
        mini.put(phone, f"Tea_{person:04d}", mini.xml(mini.person(person), f"uuid:tea-{person:04d}"))
    return phone


def folder_of(project: Path, number: int) -> DataFolder:
    return read_settings(project, data=Path(f"data-{number}")).data_folder


@contextmanager
def worker(project: Path, number: int, steps: str) -> Iterator[subprocess.Popen[str]]:
    """Start a worker; it waits until it is told to go."""
    driver = Path(__file__).with_name("lake_worker.py")
    command = [sys.executable, str(driver), str(project), f"data-{number}", str(phone_of(project, number)), steps]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert told(process.stdout) == "ready"
        yield process
        process.kill()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def told(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def test_landing_at_once_loses_and_doubles_nothing(project: Path) -> None:
    numbers = range(len(OVERLAPPING))
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(project, number, "MEETING")) for number in numbers]
        for process in workers:
            go(process)
        assert [told(process.stdout) for process in workers] == ["landing"] * len(workers)
        for process in workers:
            go(process)
        said = [told(process.stdout) for process in workers]
    assert all(line.startswith("done") for line in said), said
    assert sum(int(line.split()[1]) for line in said) == PEOPLE
    with open_warehouse(folder_of(project, 0)) as con:
        row = con.execute(
            "select count(*), count(distinct instance_id), count(distinct landed_at) from raw.submissions"
        ).fetchone()
        assert row == (PEOPLE, PEOPLE, PEOPLE)
        assert con.execute("select count(*) from raw.forms").fetchone() == (1,)
        assert con.execute("select count(*), count(distinct sha256) from raw.attachments").fetchone() == (
            PEOPLE,
            PEOPLE,
        )
        kept = {sha256 for (sha256,) in con.execute("select sha256 from raw.attachments").fetchall()}
        assert con.execute("select status, count(*) from meta.runs group by all").fetchall() == [
            ("finished", len(numbers))
        ]
    assert kept == {path.name for path in (project / "shared" / "attachments").rglob("*") if path.is_file()}


def test_whole_runs_at_once_compute_one_after_the_other(project: Path) -> None:
    with worker(project, 0, "WAY") as first, worker(project, 3, "WAY") as second:
        go(first)
        go(second)
        assert [told(process.stdout).split()[0] for process in (first, second)] == ["done", "done"]
    with open_warehouse(folder_of(project, 0)) as con:
        found = con.execute("select staged, analysed_rows, status from meta.runs order by published_at").fetchall()
        # The second one computes after the first one, so it has seen what both have brought.
        assert found[-1] == (PEOPLE, PEOPLE, "finished")
        assert [status for _, _, status in found] == ["finished", "finished"]
        assert con.execute("select count(*) from raw.submissions").fetchone() == (PEOPLE,)
        assert con.execute("select count(*) from staging.tea").fetchone() == (PEOPLE,)


def test_a_run_is_interrupted_once_its_process_is_gone(project: Path) -> None:
    here = folder_of(project, 0)
    with open_warehouse(here) as con, worker(project, 1, "BEGIN") as other:
        go(other)
        assert told(other.stdout) == "begun"
        with holding(here) as hold:
            mine = runs.begin(con, "cli", hold=hold)
            assert con.execute("select count(*) from meta.runs where status = 'running'").fetchone() == (2,)
        other.kill()
        other.wait()
        with holding(here) as hold:
            last = runs.begin(con, "cli", hold=hold)
            found = dict(con.execute("select run_id, status from meta.runs").fetchall())
        assert found.pop(last) == "running"
        assert found.pop(mine) == "interrupted"
        assert list(found.values()) == ["interrupted"]


def test_a_worker_killed_while_it_computes_leaves_its_turn_and_loses_nothing(project: Path) -> None:
    here = folder_of(project, 0)
    with open_warehouse(here) as con:
        with worker(project, 3, "WAY") as first:
            go(first)
            while con.execute("select count(*) from staging.submissions").fetchone() == (0,):
                time.sleep(0.05)
            with holding(here) as hold, pytest.raises(WarehouseError, match="another worker is at work"):
                hold.take(0)
            first.kill()
            first.wait()
        with holding(here) as hold:
            hold.take(10)
    with worker(project, 3, "WAY") as second:
        go(second)
        assert told(second.stdout) == "done 0"
    with open_warehouse(here) as con:
        assert con.execute("select count(*), count(distinct instance_id) from raw.submissions").fetchone() == (
            PEOPLE,
            PEOPLE,
        )
        assert con.execute("select count(*) from staging.tea").fetchone() == (PEOPLE,)


def test_who_computes_keeps_the_others_waiting(project: Path) -> None:
    here, there = folder_of(project, 0), folder_of(project, 1)
    with open_warehouse(here):
        pass
    with holding(here) as first, holding(there) as second:
        first.take(1)
        with pytest.raises(WarehouseError, match="another worker is at work"):
            second.take(0)
        first.take(1)  # held already
        first.give()
        second.take(1)


def test_a_lost_connection_is_told(project: Path) -> None:
    here = folder_of(project, 0)
    with open_warehouse(here):
        pass
    assert here.lake is not None
    with holding(here) as hold:
        hold.take(1)
        tell(here.lake, "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted")
        with pytest.raises(WarehouseError, match="was lost"):
            hold.take(1)
