"""The doctor's look at what runs by itself, and at backups: each fault is made, and told with what to do."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from laktasi.backing_up.last import remember
from laktasi.doctor import Finding, care, service
from laktasi.paths import DataFolder
from laktasi.service.place import MARK, Place, mark_of
from laktasi.store.warehouse import open_warehouse
from tests.doctored import looked, project, states, the_one
from tests.scripted_server import nobody_answers

__all__ = ["project"]
GOOD = {"pid": 4242, "address": "http://127.0.0.1:4200", "is_useful": True, "trouble": "", "next": []}


@pytest.fixture
def place(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Give the place of a laktasi up, in a home without services, with a port that is free."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    free = nobody_answers().rpartition(":")[2]
    (project / "laktasi.toml").write_text(f"[up]\nport = {free}\n", encoding="utf-8")
    given = Place(DataFolder(project / "data"))
    given.make()
    return given


@pytest.fixture
def at_work(place: Place) -> Iterator[Place]:
    with FileLock(place.lock):
        yield place


def look(project: Path) -> list[Finding]:
    return looked(service.look_at_service, project)


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def test_what_was_never_set_up_is_no_fault(project: Path, place: Place) -> None:
    (found,) = look(project)
    assert found.state == "ok"
    assert "laktasi service install" in found.sentence


def test_one_at_work_is_told_with_its_page(project: Path, at_work: Place) -> None:
    at_work.write_state(GOOD | {"written_at": ago(seconds=5)})
    (found,) = look(project)
    assert (found.state, "http://127.0.0.1:4200" in found.sentence) == ("ok", True)


@pytest.mark.parametrize(
    ("changed", "state", "said"),
    [
        ({"trouble": "another program has the port"}, "warning", "without Prefect: another program has the port"),
        ({"is_useful": False}, "warning", "is starting"),
        ({"written_at": ago(hours=3)}, "wrong", "process 4242) has not moved"),
    ],
)
def test_one_in_trouble_is_told(
    project: Path, at_work: Place, changed: dict[str, object], state: str, said: str
) -> None:
    at_work.write_state(GOOD | {"written_at": ago(seconds=5)} | changed)
    found = the_one(look(project), state, said)
    assert str(at_work.log) in found.next_step


def test_one_that_died_is_told(project: Path, place: Place) -> None:
    place.write_state(GOOD | {"written_at": ago(days=2)})
    the_one(look(project), "warning", "has not been at work since", "laktasi service install")
    place.state.write_text("torn {", encoding="utf-8")
    assert states(look(project)) == ["ok"]  # nothing is known of it


def test_a_service_that_is_installed_and_not_at_work_is_wrong(
    project: Path, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = tmp_path / "laktasi.service"
    unit.touch()
    monkeypatch.setattr("laktasi.service.installing.text_of", lambda *_: (unit, ""))
    the_one(look(project), "wrong", str(unit), "laktasi service status")


def test_processes_that_outlived_their_supervisor_are_named(project: Path, place: Place) -> None:
    given = os.environ | {MARK: mark_of(place)}
    command = [sys.executable, "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(command, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as left:
        assert left.stdout is not None
        left.stdout.readline()
        the_one(look(project), "wrong", "are still there", str(left.pid), "laktasi up")
        left.kill()


def test_a_port_that_another_program_has_is_a_warning(project: Path, place: Place) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (project / "laktasi.toml").write_text(f"[up]\nport = {port}\n", encoding="utf-8")
        the_one(look(project), "warning", f"port {port}", "[up] port")


# Prefect


def database(place: Place, *states_of_runs: str) -> None:
    with closing(sqlite3.connect(place.data.prefect / "prefect.db")) as con, con:
        con.execute("create table flow_run (state_type varchar)")
        con.executemany("insert into flow_run values (?)", [(state,) for state in states_of_runs])


def prefect(project: Path) -> list[Finding]:
    return looked(service.look_at_prefect, project)


def test_runs_that_stand_as_running_while_nothing_runs_are_told(project: Path, place: Place) -> None:
    assert prefect(project) == []
    database(place, "RUNNING", "PENDING", "COMPLETED", "SCHEDULED")
    the_one(prefect(project), "warning", "2 runs stand as running", "laktasi up")
    with FileLock(place.data.lock):  # one is at work
        assert prefect(project) == []
    with FileLock(place.lock):  # laktasi up looks after them
        assert prefect(project) == []


def test_a_torn_database_of_prefect_is_told(project: Path, place: Place) -> None:
    database(place, *["RUNNING"] * 5000)
    path = place.data.prefect / "prefect.db"
    path.write_bytes(b"x" * 4096 + path.read_bytes()[4096:])
    the_one(prefect(project), "warning", "torn", "laktasi up")


def test_a_server_that_the_environment_names_and_that_is_away_is_wrong(
    project: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", nobody_answers().replace("://", "://me:secret@"))
    found = the_one(prefect(project), "wrong", "PREFECT_API_URL", "--no-prefect")
    assert "secret" not in found.sentence + found.next_step


# Backups


def backups(project: Path, now: datetime | None = None) -> list[Finding]:
    looks = (care.look_at_backup_folder, care.look_at_backups)
    return [finding for look in looks for finding in looked(look, project, now=now)]


@pytest.fixture
def data(project: Path) -> DataFolder:
    folder = DataFolder(project / "data")
    with open_warehouse(folder):
        pass
    return folder


def test_no_backup_is_a_warning_once_there_is_something_to_lose(project: Path) -> None:
    assert backups(project) == []
    with open_warehouse(DataFolder(project / "data")):
        pass
    the_one(backups(project), "warning", "there is none", "laktasi backup --to FOLDER")


def test_an_old_backup_is_a_warning(project: Path, data: DataFolder, tmp_path: Path) -> None:
    remember(data, tmp_path, datetime.now(UTC).isoformat())
    assert states(backups(project)) == ["ok"]
    the_one(backups(project, datetime.now(UTC) + timedelta(days=9)), "warning", "9 days old", "laktasi backup")
    remember(data, tmp_path / "unplugged", datetime.now(UTC).isoformat())
    (found,) = backups(project)
    assert (found.state, "not plugged in" in found.sentence) == ("ok", True)


def test_a_disk_for_backups_that_is_not_there_is_a_warning(project: Path, data: DataFolder, tmp_path: Path) -> None:
    remember(data, tmp_path, datetime.now(UTC).isoformat())
    (project / "laktasi.toml").write_text('[backup]\nfolder = "../disk"\n', encoding="utf-8")
    the_one(backups(project), "warning", "there is no folder", "plug in")
    (tmp_path / "disk").mkdir()
    assert states(backups(project)) == ["ok"]
