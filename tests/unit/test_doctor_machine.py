"""The doctor's look at the machine: clock, disks, rights, locks. Each fault is made, and told with what to do."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from laktasi.doctor import machine
from laktasi.paths import DataFolder
from tests.doctored import looked, project, states, the_one

__all__ = ["project"]
fcntl = pytest.importorskip("fcntl", reason="faults are made here as they come up on POSIX")
GIB = 2**30


@pytest.fixture
def data(project: Path) -> DataFolder:
    folder = DataFolder(project / "data")
    folder.make()
    return folder


def test_a_clock_that_was_set_back_is_seen_by_what_was_written_before(project: Path, data: DataFolder) -> None:
    data.research.write_bytes(b"")
    assert states(looked(machine.look_at_clock, project)) == ["ok"]
    earlier = datetime.now(UTC) - timedelta(days=400)
    the_one(looked(machine.look_at_clock, project, now=earlier), "wrong", "400 days", "set back", "nothing is lost")
    earlier = datetime.now(UTC) - timedelta(minutes=20)
    the_one(looked(machine.look_at_clock, project, now=earlier), "wrong", "20 minutes")


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as patched:
        yield patched
    time.tzset()


@pytest.mark.parametrize(("name", "state", "said"), [("Asia/Makassar", "ok", "UTC+08:00"), ("UTC", "warning", "UTC")])
def test_the_time_zone_is_told_and_none_is_a_warning(
    project: Path, zone: pytest.MonkeyPatch, name: str, state: str, said: str
) -> None:
    zone.setenv("TZ", name)
    time.tzset()
    (found,) = looked(machine.look_at_time_zone, project)
    assert (found.state, said in found.sentence) == (state, True)


@pytest.mark.parametrize(
    ("free", "size", "state"), [(100, 0, "ok"), (1.9, 0, "warning"), (0.2, 0, "wrong"), (5, 2 * GIB, "warning")]
)
def test_too_little_room_is_told_by_how_much_a_run_wants(
    project: Path, data: DataFolder, monkeypatch: pytest.MonkeyPatch, free: float, size: int, state: str
) -> None:
    with data.warehouse.open("wb") as file:
        file.truncate(size)  # sparse: it takes no room
    elsewhere = shutil.disk_usage(project)

    def usage(place: Path) -> Any:
        return SimpleNamespace(free=free * GIB) if str(place).startswith(str(data.root)) else elsewhere

    monkeypatch.setattr(shutil, "disk_usage", usage)
    (found,) = [one for one in looked(machine.look_at_room, project) if one.name == "disk: data folder"]
    assert found.state == state, found
    assert bool(found.next_step) is (state != "ok")


def test_the_disk_of_backups_is_looked_at_where_it_is_plugged_in(project: Path, tmp_path: Path) -> None:
    (project / "laktasi.toml").write_text(f'[backup]\nfolder = "{tmp_path.as_posix()}/disk"\n', encoding="utf-8")
    assert "disk: backups" not in [one.name for one in looked(machine.look_at_room, project)]
    (tmp_path / "disk").mkdir()
    assert "disk: backups" in [one.name for one in looked(machine.look_at_room, project)]


def test_a_data_folder_that_is_not_there_yet_is_no_fault_and_is_not_made(project: Path) -> None:
    assert states(looked(machine.look_at_data_folder, project)) == ["ok"]
    assert not (project / "data").exists()


def test_a_good_data_folder_is_left_as_it_is(project: Path, data: DataFolder) -> None:
    data.warehouse.touch(0o600)
    assert states(looked(machine.look_at_data_folder, project)) == ["ok"]
    assert [path.name for path in data.root.iterdir()] == ["warehouse.duckdb"]


def test_a_folder_that_a_run_makes_is_private_and_so_are_those_above(project: Path) -> None:
    """`laktasi demo` makes data/demo; data/ may hold the study itself tomorrow."""
    DataFolder(project / "data" / "demo").make()
    for folder in (project / "data", project / "data" / "demo"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert states(looked(machine.look_at_data_folder, project)) == ["ok"]


def test_a_file_in_its_place_is_wrong(project: Path) -> None:
    (project / "data").write_text("mine", encoding="utf-8")
    the_one(looked(machine.look_at_data_folder, project), "wrong", "is a file", "--data")


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EROFS, "write-protected"), (errno.EACCES, "yours"), (errno.ENOSPC, "free some space")]
)
def test_a_folder_that_cannot_be_written_is_wrong(
    project: Path, data: DataFolder, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    the_one(looked(machine.look_at_data_folder, project), "wrong", os.strerror(number), said)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where nobody may")
def test_a_folder_without_the_right_to_write_is_wrong(project: Path, data: DataFolder) -> None:
    data.root.chmod(0o500)
    try:
        the_one(looked(machine.look_at_data_folder, project), "wrong", "nothing can be written")
    finally:
        data.root.chmod(0o700)


def test_a_file_system_that_gives_a_lock_to_two_is_wrong(
    project: Path, data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)  # as some network disks do
    the_one(looked(machine.look_at_data_folder, project), "wrong", "given to two at once", "disk of this machine")


def test_a_file_system_without_locks_is_wrong(project: Path, data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    the_one(looked(machine.look_at_data_folder, project), "wrong", "has no locks")


def test_what_others_may_read_is_wrong(project: Path, data: DataFolder) -> None:
    data.root.chmod(0o755)  # there is nothing in it yet
    the_one(looked(machine.look_at_data_folder, project), "warning", "others may read", "chmod")
    data.root.chmod(0o700)
    data.warehouse.touch(0o644)
    assert states(looked(machine.look_at_data_folder, project)) == ["ok"]  # nobody can come to it
    data.root.chmod(0o755)
    found = the_one(looked(machine.look_at_data_folder, project), "wrong", "others may read", "warehouse.duckdb")
    assert found.next_step == f"chmod -R go-rwx {data.root}"


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Puskesmas", "Google Drive", "Nextcloud2"])
def test_a_folder_that_a_cloud_copies_is_a_warning(project: Path, tmp_path: Path, name: str) -> None:
    assert looked(machine.look_at_cloud, project) == []
    folder = tmp_path / name / "study"
    the_one(looked(machine.look_at_cloud, project, data=folder), "warning", name, "data =")
