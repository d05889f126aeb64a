"""The doctor's look at the warehouse and its runs: each fault is made in a real file, and told with what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from pydantic import SecretStr

from laktasi.doctor import Finding, warehouse
from laktasi.paths import DataFolder
from laktasi.store import runs
from laktasi.store.warehouse import open_warehouse
from tests.doctored import looked, project, states, the_one

__all__ = ["project"]
KEY = "k" * 40


@pytest.fixture
def data(project: Path) -> DataFolder:
    """Give a data folder with a warehouse in which one run ended well."""
    folder = DataFolder(project / "data")
    with open_warehouse(folder) as con:
        run_id = runs.begin(con, "cli")
        runs.finish(con, run_id, {}, {"unreached": {}})
    return folder


def look(project: Path, now: datetime | None = None) -> list[Finding]:
    return looked(warehouse.look_at_warehouse, project, now=now)


def change(data: DataFolder, *statements: str) -> None:
    with open_warehouse(data) as con:
        for statement in statements:
            con.execute(statement)


@contextmanager
def another_process(code: str, *words: object) -> Iterator[subprocess.Popen[str]]:
    """Let another process do something and hold on to it until the block ends."""
    held = f"import sys\n{code}\nprint('ready', flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", held, *map(str, words)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


HOLD_IT = "from filelock import FileLock\nlock = FileLock(sys.argv[1])\nlock.acquire()"
OPEN_IT = "import duckdb\ncon = duckdb.connect(sys.argv[1], read_only=len(sys.argv) > 2)"


# The file


def test_before_the_first_run_nothing_is_wrong_and_nothing_is_made(project: Path) -> None:
    assert states(look(project)) == ["ok"]
    assert not (project / "data").exists()


def test_a_good_warehouse_is_left_as_it_is(project: Path, data: DataFolder) -> None:
    before = sorted(data.root.rglob("*"))
    found = look(project)
    assert set(states(found)) == {"ok"}
    assert {one.name for one in found} == {"warehouse", "runs", "gate"}
    assert sorted(data.root.rglob("*")) == before


def test_a_torn_file_is_wrong(project: Path, data: DataFolder) -> None:
    data.warehouse.write_bytes(data.warehouse.read_bytes()[:5000])
    the_one(look(project), "wrong", "torn", "backup")


def test_no_duckdb_file_is_wrong(project: Path, data: DataFolder) -> None:
    data.warehouse.write_bytes(b"my shopping list\n" * 1000)
    the_one(look(project), "wrong", "cannot be opened")


def test_one_of_a_newer_laktasi_is_wrong(project: Path, data: DataFolder) -> None:
    change(data, "insert into meta.migrations values (9999, '9999_of_next_year', now())")
    the_one(look(project), "wrong", "newer laktasi", "update laktasi")


def test_one_of_an_older_laktasi_is_a_warning_and_stays_as_it_is(project: Path, data: DataFolder) -> None:
    change(data, "delete from meta.migrations where number = (select max(number) from meta.migrations)")
    for _ in range(2):  # it was not brought up to date by the first look
        the_one(look(project), "warning", "1 migrations are to come", "laktasi backup")


@pytest.mark.parametrize(
    ("sealed_by", "given", "state", "said"),
    [
        (None, KEY, "wrong", "not encrypted, and a key is given"),
        (KEY, None, "wrong", "encrypted, and no key is given"),
        (KEY, "another" + KEY, "wrong", "encrypted with another key"),
    ],
)
def test_a_key_that_does_not_fit_is_wrong_and_not_shown(
    project: Path, sealed_by: str | None, given: str | None, state: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_warehouse(DataFolder(project / "data", key=SecretStr(sealed_by) if sealed_by else None)):
        pass
    if given:
        monkeypatch.setenv("LAKTASI_KEY", given)
    found = the_one(look(project), state, said)
    assert KEY not in found.sentence + found.next_step


def test_the_right_key_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTASI_KEY", KEY)
    with open_warehouse(DataFolder(project / "data", key=SecretStr(KEY))):
        pass
    assert "the key is the right one" in look(project)[0].sentence


# Who holds it


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells who has a file open")
def test_a_program_that_holds_the_warehouse_is_named(project: Path, data: DataFolder) -> None:
    with another_process(OPEN_IT, data.warehouse) as process:
        found = the_one(look(project), "wrong", "in use by another process", f"process {process.pid} (python")
        assert "close it" in found.next_step
    assert set(states(look(project))) == {"ok"}


def test_a_run_at_work_is_left_alone(project: Path, data: DataFolder) -> None:
    with another_process(HOLD_IT, data.lock) as process:
        (found,) = look(project)
        assert (found.name, found.state) == ("lock", "ok")
        assert "a run is working now" in found.sentence
        assert not sys.platform.startswith("linux") or f"process {process.pid} " in found.sentence
    assert "lock" not in [one.name for one in look(project)]  # the lock died with its process


def test_a_backup_at_work_is_left_alone(project: Path, data: DataFolder) -> None:
    with FileLock(data.turn):
        (found,) = look(project)
    assert "a backup is being made" in found.sentence


def test_temporary_files_of_a_killed_run_are_told(project: Path, data: DataFolder) -> None:
    data.scratch.mkdir(mode=0o700)
    assert set(states(look(project))) == {"ok"}
    (data.scratch / "left").touch()
    the_one(look(project), "warning", "temporary files", "laktasi run")
    assert (data.scratch / "left").exists()


def test_the_research_copy_may_be_open_elsewhere_and_must_not_be_torn(project: Path, data: DataFolder) -> None:
    assert looked(warehouse.look_at_research, project) == []
    change(data, f"attach '{data.research}' as copy", "create schema copy.meta", "create table copy.meta.runs (a int)")
    with another_process(OPEN_IT, data.research, "read only") as process:
        (found,) = looked(warehouse.look_at_research, project)
        assert found.state == "ok"
        assert not sys.platform.startswith("linux") or f"process {process.pid} " in found.sentence
    data.research.write_bytes(data.research.read_bytes()[:5000])
    the_one(looked(warehouse.look_at_research, project), "wrong", "research.duckdb", "laktasi run")


# The runs


def test_a_run_in_the_future_says_that_the_clock_was_set_back(project: Path, data: DataFolder) -> None:
    found = look(project, now=datetime.now(UTC) - timedelta(days=30))
    the_one(found, "wrong", "still to come", "set back")


def test_a_long_silence_is_a_warning(project: Path, data: DataFolder) -> None:
    the_one(look(project, now=datetime.now(UTC) + timedelta(days=10)), "warning", "10 days ago", "laktasi run")


def test_a_failed_run_is_wrong_and_a_killed_one_a_warning(project: Path, data: DataFolder) -> None:
    with open_warehouse(data) as con:
        runs.begin(con, "cli")
    the_one(look(project), "warning", "was killed", "laktasi run")
    with open_warehouse(data) as con:
        runs.fail(con, runs.begin(con, "cli"))
    the_one(look(project), "wrong", "ended with an error", "laktasi run")


def test_runs_that_are_killed_again_and_again_are_told(project: Path, data: DataFolder) -> None:
    with open_warehouse(data) as con:
        for _ in range(3):
            run_id = runs.begin(con, "prefect")
        runs.finish(con, run_id, {}, {"unreached": {}})
    the_one(look(project), "warning", "2 of the latest 4 were killed", "memory")


def test_a_source_that_was_not_reached_is_a_warning(project: Path, data: DataFolder) -> None:
    with open_warehouse(data) as con:
        runs.finish(con, runs.begin(con, "cli"), {}, {"unreached": {"north": "no network", "phones/usb": "gone"}})
    the_one(look(project), "warning", "did not reach north, phones/usb")


def test_a_closed_gate_is_told_with_its_rules_and_since_when(project: Path, data: DataFolder) -> None:
    change(
        data,
        """
        insert into quality.rules by name
        select 'visit' as form_id, 'twice' as rule_id, 'set' as kind, 'error' as severity, true as stops,
            true as keeps_out
        """,
        """
        insert into quality.finding_events by name
        select 'f1' as finding_id, 'visit' as form_id, '' as submission_id, '' as "row", 'twice' as rule_id,
            'opened' as event, timestamptz '2026-03-04 12:00:00+00' as "at", 'r1' as run_id
        """,
    )
    the_one(look(project), "wrong", "closed since 2026-03-04", "1 findings", "twice", "laktasi findings --stops")
