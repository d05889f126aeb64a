"""Disks that are full, write-protected, failing or without rights: it is said, and the next run completes.

Real small disks where the system lets this process mount them (Linux, as root); faults injected everywhere.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi import pipeline
from laktasi.errors import LaktasiError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.settings import Settings, read_settings
from laktasi.store import migrating, publish
from laktasi.store.warehouse import open_research, open_warehouse
from laktasi.workplace import opened
from tests import mini
from tests.history import checking_nothing
from tests.integration.test_upgrades import unpack

pytestmark = pytest.mark.slow

SIZE = "160m"


class Disk:
    """A small disk of its own in memory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ballast = root / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017 - any other would be the test's own fault

    def free(self) -> None:
        self._ballast.unlink()

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.root)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    root = tmp_path / "disk"
    root.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounts a disk: needs Linux, and root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(root)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounts a disk: not allowed here")
    yield Disk(root)
    subprocess.run(["umount", "-l", str(root)], check=True)


@pytest.fixture(autouse=True)
def _unchecked() -> Iterator[None]:
    with checking_nothing():
        yield


def settings_on(root: Path, tmp_path: Path) -> Settings:
    """Give a project whose data folder lies somewhere, and a phone with a large photo."""
    phone = mini.fill_phone(tmp_path / "phone", 12)
    big = mini.put(phone, "big", mini.xml(mini.person(50), "uuid:big"))
    (big / "photo.jpg").write_bytes(os.urandom(1 << 18))
    return read_settings(mini.make_project(tmp_path / "project"), data=root / "data", phones=(phone,))


def run(settings: Settings, before: str | None = None, trouble: Callable[[], Any] | None = None) -> pipeline.Run:
    """Walk the whole way; let something happen before a step."""

    def call(step: pipeline.Step, run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
        if trouble is not None and step.name == before:
            trouble()
        return pipeline.directly(step, run, progress)

    return pipeline.walk(settings, pipeline.WAY, door="cli", call=call)


def assert_whole(settings: Settings) -> None:
    """See that a whole run has published all that is on the phone, and left nothing lying about."""
    folder = settings.data_folder
    with open_research(folder.research) as con:
        assert con.execute("select count(*) from staging.tea").fetchall() == [(13,)]
        assert con.execute("select count(*) from marts.analysed").fetchall() == [(13,)]
    with duckdb.connect(str(folder.warehouse), read_only=True) as con:
        assert con.execute("select count(*), count(distinct payload_sha256) from raw.submissions").fetchall() == [
            (13, 13)
        ]
        assert con.execute("select status from meta.runs order by run_id desc limit 1").fetchall() == [("finished",)]
    assert folder.report.read_text(encoding="utf-8").rstrip().endswith("</html>")
    scrap = (".tmp", ".part", ".new", ".wal", ".draft")
    assert [path.name for path in folder.root.rglob("*") if any(part in path.name for part in scrap)] == []


QUICK = ("publish",)
STEPS = [
    pytest.param(step.name, marks=() if step.name in QUICK else pytest.mark.slow)
    for step in pipeline.WAY
    if step.name not in ("central", "reconcile")
]


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_is_full_from_a_step_on_loses_nothing(step: str, disk: Disk, tmp_path: Path) -> None:
    settings = settings_on(disk.root, tmp_path)
    with pytest.raises(LaktasiError, match=r"disk of .* is full|No space left") as caught:
        run(settings, step, disk.fill)
    assert caught.value.next_step
    assert mini.SECRET not in str(caught.value)
    disk.free()
    run(settings)
    assert_whole(settings)


@pytest.mark.parametrize("step", ["publish", pytest.param("report", marks=pytest.mark.slow)])
def test_what_was_published_last_stays_while_the_disk_is_full(step: str, disk: Disk, tmp_path: Path) -> None:
    settings = settings_on(disk.root, tmp_path)
    first = run(settings)
    pages = {path: path.read_bytes() for path in settings.data_folder.report.parent.rglob("*.html")}
    assert len(pages) > 5
    mini.put(tmp_path / "phone", "later", mini.xml(mini.person(60), "uuid:later"))
    with pytest.raises(LaktasiError):
        run(settings, step, disk.fill)
    now = {path: path.read_bytes() for path in settings.data_folder.report.parent.rglob("*") if path.is_file()}
    assert {path: now[path] for path in pages} == pages
    assert not [path for path in now if ".draft" in path.name]
    assert not list(settings.data_folder.root.glob("research.duckdb.tmp*"))
    if step == "publish":
        with open_research(settings.data_folder.research) as con:
            assert con.execute("from meta.latest_run").fetchall() == [(first.run_id,)]


@pytest.mark.slow
def test_a_write_protected_disk_is_said_and_what_was_published_can_be_read(disk: Disk, tmp_path: Path) -> None:
    settings = settings_on(disk.root, tmp_path)
    run(settings)
    disk.remount("ro")
    try:
        with pytest.raises(WarehouseError, match=r"cannot be used \(Read-only file system\)"):
            run(settings)
        with open_research(settings.data_folder.research) as con:
            assert con.execute("select count(*) from staging.tea").fetchall() == [(13,)]
    finally:
        disk.remount("rw")
    run(settings)
    assert_whole(settings)


@pytest.mark.parametrize("is_room_asked", [True, False])
def test_a_disk_too_full_for_an_upgrade_leaves_the_file_byte_for_byte(
    is_room_asked: bool, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpack("main-job", disk.root).data_folder
    before = folder.warehouse.read_bytes()
    disk.fill()
    if not is_room_asked:
        monkeypatch.setattr(migrating, "ask_for_room", lambda *_, **__: None)
    with pytest.raises(WarehouseError, match=r"is full|MiB are needed"), opened(folder):
        pass
    assert folder.warehouse.read_bytes() == before
    assert not list(folder.root.glob(f"*{migrating.SUFFIX}*"))
    disk.free()
    with open_warehouse(folder) as con:
        assert con.execute("select count(*) > 10 from raw.submissions").fetchall() == [(True,)]


FAULTS = {
    errno.ENOSPC: r"the disk of .* is full",
    errno.EIO: r"cannot be written to \(Input/output error\)",
    errno.EROFS: r"cannot be written to \(Read-only file system\)",
    errno.ENODEV: r"cannot be written to",
}


@pytest.mark.slow
@pytest.mark.parametrize("number", FAULTS)
def test_a_disk_that_fails_while_the_research_copy_is_made_is_said(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_on(tmp_path, tmp_path)
    run(settings)
    before = settings.data_folder.research.read_bytes()

    def fails(_path: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(publish, "sync", fails)
    with pytest.raises(WarehouseError, match=FAULTS[number]):
        run(settings)
    assert settings.data_folder.research.read_bytes() == before
    assert not list(settings.data_folder.root.glob("research.duckdb.tmp*"))
    monkeypatch.undo()
    with checking_nothing():
        run(settings)
    assert_whole(settings)


def test_a_disk_that_fails_while_the_report_is_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_on(tmp_path, tmp_path)
    run(settings)
    before = {path: path.read_bytes() for path in settings.data_folder.report.parent.rglob("*") if path.is_file()}
    mini.put(tmp_path / "phone", "later", mini.xml(mini.person(60), "uuid:later"))

    def fails(_paths: list[Path]) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("laktasi.report.write.sync_all", fails)
    with pytest.raises(LaktasiError, match="cannot be written: Input/output error") as caught:
        run(settings)
    assert "as it was" in caught.value.why
    now = {path: path.read_bytes() for path in settings.data_folder.report.parent.rglob("*") if path.is_file()}
    assert now == before


def test_a_data_folder_on_a_disk_without_rights_is_worked_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory stick with FAT says EPERM to chmod."""

    def refused(*_given: object, **_options: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    for name in ("chmod", "fchmod"):
        monkeypatch.setattr(os, name, refused)
    settings = settings_on(tmp_path, tmp_path)
    run(settings)
    run(settings)
    assert_whole(settings)


@pytest.mark.parametrize(
    "trouble",
    [MemoryError(), duckdb.OutOfMemoryException(f"failed to allocate {mini.SECRET}")],
    ids=["python", "duckdb"],
)
def test_too_little_memory_is_said(trouble: Exception, tmp_path: Path) -> None:
    def stumble(run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        with run.warehouse():
            raise trouble

    settings = read_settings(mini.make_project(tmp_path / "project"), data=tmp_path / "data")
    with pytest.raises(WarehouseError, match="memory did not suffice") as caught:
        pipeline.walk(settings, [pipeline.Step("stumble", stumble)], door="cli")
    assert mini.SECRET not in str(caught.value)


def test_a_smaller_machine_lets_the_warehouse_hold_half_of_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(os, "sysconf"):
        pytest.skip("this system does not say how much memory it has")
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**18}.get)  # 1 GiB
    with open_warehouse(DataFolder(tmp_path)) as con:
        assert con.execute("select current_setting('memory_limit')").fetchall() == [("512.0 MiB",)]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="becomes another user: needs root")
def test_a_warehouse_of_another_user_is_not_called_torn(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    with open_warehouse(folder):
        pass
    for place in (tmp_path, *tmp_path.parents):
        if place.owner() == "root" and place != Path(place.anchor) and "pytest" in str(place):
            place.chmod(0o755)
    folder.root.chmod(0o755)
    code = (
        "import os, sys; from pathlib import Path; from laktasi.paths import DataFolder;"
        "from laktasi.store.warehouse import open_warehouse; os.setuid(65534)\n"
        f"try:\n    open_warehouse(DataFolder(Path({str(folder.root)!r}))).__enter__()\n"
        "except Exception as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "may not be written to: it is somebody else's" in told.stdout, told.stderr
