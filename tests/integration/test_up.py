"""`laktasi up` as a data manager has it: in a fresh home without a network, its processes killed one after another."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from laktasi.paths import DataFolder
from laktasi.service import processes
from laktasi.service.place import Place
from tests import mini

pytestmark = pytest.mark.slow

PREFECT_YAML = """
name: laktasi
pull:
  - prefect.deployments.steps.set_working_directory:
      directory: "{{ $LAKTASI_CHECKOUT }}"
deployments:
  - name: daily
    tags: [caught up]
    entrypoint: flows/study_flow.py:study
    work_pool: {name: laktasi}
    concurrency_limit: {limit: 1, collision_strategy: CANCEL_NEW}
    schedules: [{cron: "0 0 1 1 *", timezone: Asia/Makassar}]
  - name: hourly
    entrypoint: flows/study_flow.py:land
    work_pool: {name: laktasi}
    concurrency_limit: {limit: 1, collision_strategy: CANCEL_NEW}
    schedules: [{cron: "* * * * *", timezone: Asia/Makassar}]
"""
"""The daily run is due once a year, so it is made up for at the start and then only after a kill."""
WITHOUT_NETWORK = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
LAKTASI = ("-c", "from laktasi.cli import main; main(prog_name='laktasi')")
MINUTES = 60


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(what: str, holds: Callable[[], Any], seconds: float = 5 * MINUTES) -> Any:
    until = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.5)
    return value


def words_of(process: psutil.Process) -> list[str]:
    """Give the command line of a process; nothing of one that is gone meanwhile."""
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words


class Upped:
    """A project with `laktasi up` at work in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = mini.make_project(root / "project")
        (self.project / "prefect.yaml").write_text(PREFECT_YAML, encoding="utf-8")
        self.phone = mini.fill_phone(root / "phone", 12)
        self.place = Place(DataFolder(self.project / "data"))
        self.port = a_free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> list[str]:
        """Give a command line of laktasi, on a machine without a network where that can be had."""
        unshare = shutil.which("unshare")
        there = [sys.executable, *LAKTASI, *words]
        if unshare is None or subprocess.run([unshare, "-n", "true"], capture_output=True, check=False).returncode:
            return there
        return [unshare, "-n", sys.executable, "-c", WITHOUT_NETWORK, *LAKTASI, *words]

    def start(self, *, with_prefect: bool = True) -> None:
        """Start it.

        Parameters
        ----------
        with_prefect
            Wait until it is of use, on a machine without a network. Otherwise on this one, whose port is taken.
        """
        words = ("up", "--project", str(self.project), "--phones", str(self.phone), "--port", str(self.port))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "LAKTASI"))}
        with (self.root / "said").open("ab") as said:
            self.process = subprocess.Popen(
                self.command(*words) if with_prefect else [sys.executable, *LAKTASI, *words],
                stdout=said,
                stderr=said,
                env=environment | {"HOME": str(self.root)},
            )
        if with_prefect:
            eventually("laktasi up is of use", lambda: self.is_useful)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(2 * MINUTES)

    @property
    def is_useful(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said
        state = self.place.read_state()
        return bool(state.get("is_useful") and state["pid"] == self.process.pid)

    @property
    def said(self) -> str:
        return (self.root / "said").read_text(encoding="utf-8")

    @property
    def processes(self) -> list[psutil.Process]:
        return processes.served(self.place)

    def one(self, *words: str) -> psutil.Process:
        """Give the process that has these words in its command line."""

        def found() -> list[psutil.Process]:
            return [one for one in self.processes if not set(words) - set(words_of(one))]

        return eventually(f"a process with {words}", found)[0]

    def runs(self, deployment: str) -> list[str]:
        """Give the states of the runs of a deployment, the oldest first; those that are only planned left out."""
        with closing(
            sqlite3.connect(f"file:{self.place.data.prefect}/prefect.db?mode=ro", uri=True, timeout=30)
        ) as con:
            return [
                state
                for (state,) in con.execute(
                    """
                    select state_type from flow_run join deployment on deployment_id = deployment.id
                    where deployment.name = ? and state_type != 'SCHEDULED' order by expected_start_time
                    """,
                    [deployment],
                )
            ]


@pytest.fixture(scope="module")
def upped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upped]:
    upped = Upped(tmp_path_factory.mktemp("upped"))
    upped.start()
    yield upped
    if upped.process is not None and upped.process.poll() is None:
        upped.stop()
    processes.end(upped.processes, 1)


def test_a_run_whose_process_is_killed_is_closed_and_done_again(upped: Upped) -> None:
    eventually("a daily run at work", lambda: upped.runs("daily") == ["RUNNING"])
    for process in upped.processes:
        if "prefect.engine" in words_of(process):
            process.kill()
    eventually("two runs, the first one killed", lambda: upped.runs("daily") == ["CRASHED", "COMPLETED"])
    assert (upped.place.data.root / "report" / "index.html").exists()


def test_what_stands_by_the_timetable_runs_without_a_network(upped: Upped) -> None:
    eventually("an hourly run", lambda: "COMPLETED" in upped.runs("hourly"))


@pytest.mark.parametrize("words", [("prefect", "server", "start"), ("prefect", "worker", "start")])
def test_a_server_or_worker_that_is_killed_comes_back(upped: Upped, words: tuple[str, ...]) -> None:
    done = upped.runs("hourly").count("COMPLETED")
    upped.one(*words).kill()
    eventually("another one", lambda: upped.one(*words).is_running())
    eventually("a run that completes", lambda: upped.runs("hourly").count("COMPLETED") > done)


def test_a_second_one_is_told_in_one_sentence(upped: Upped) -> None:
    words = ("up", "--project", str(upped.project), "--port", str(upped.port))
    done = subprocess.run([sys.executable, *LAKTASI, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert upped.process is not None
    assert f"laktasi up is at work in {upped.place.data.root} already (process {upped.process.pid})" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_killed_supervisor_leaves_is_ended_by_the_next_one(upped: Upped) -> None:
    assert upped.process is not None
    left = {process.pid for process in upped.processes}
    upped.process.kill()
    upped.process.wait()
    assert left
    upped.start()
    assert not left & {process.pid for process in upped.processes}
    done = upped.runs("hourly").count("COMPLETED")
    eventually("a run that completes", lambda: upped.runs("hourly").count("COMPLETED") > done)


def test_a_torn_database_of_prefect_is_made_anew(upped: Upped) -> None:
    assert upped.stop() == 0
    database = upped.place.data.prefect / "prefect.db"
    for ending in ("-wal", "-shm"):
        Path(f"{database}{ending}").unlink(missing_ok=True)
    database.write_bytes(b"torn" * 1000)
    upped.start()
    assert "Prefect's database was torn" in upped.said
    assert list(upped.place.data.prefect.glob("prefect.db.broken-*"))
    assert upped.runs("daily") == []  # by hand or by Prefect, the daily run was done: it is not done again


def test_the_end_leaves_no_process_and_nothing_at_work(upped: Upped) -> None:
    eventually("a run at work", lambda: "RUNNING" in upped.runs("hourly"))
    assert upped.stop() == 0
    assert upped.processes == []
    assert not {"RUNNING", "PENDING", "CANCELLING"} & {*upped.runs("hourly"), *upped.runs("daily")}
    assert mini.SECRET not in upped.said
    written = [path for folder in (upped.place.root, upped.place.data.prefect) for path in folder.rglob("*")]
    assert not [path for path in written if path.is_file() and mini.SECRET.encode() in path.read_bytes()]
    # Prefect's server speaks at length, and apart from what runs say.
    assert "Check out the dashboard" in upped.place.prefect_log.read_text(encoding="utf-8")
    assert "Check out the dashboard" not in upped.place.log.read_text(encoding="utf-8")
    assert upped.place.log.stat().st_mode & 0o077 == upped.place.root.stat().st_mode & 0o077 == 0


def test_without_prefect_the_daily_run_happens_once_and_says_so(tmp_path: Path) -> None:
    upped = Upped(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", upped.port))
        other.listen()
        upped.start(with_prefect=False)
        try:
            eventually(
                "the end of the daily run", lambda: "the daily run without Prefect has ended (well)" in upped.said
            )
            assert f"port {upped.port} of this machine is taken by another program" in upped.said
            status = [sys.executable, *LAKTASI, "status", "--project", str(upped.project)]
            told = subprocess.run(status, capture_output=True, text=True, check=True, timeout=MINUTES)
            assert "laktasi up is at work without Prefect" in told.stderr
            assert "\tfinished\t" in told.stdout
            # A while later it is still the only one.
            time.sleep(3)
            assert upped.said.count("the daily run starts without Prefect") == 1
        finally:
            assert upped.stop() == 0
    assert upped.processes == []


def test_a_slip_in_prefect_yaml_does_not_keep_the_daily_run_from_happening(tmp_path: Path) -> None:
    upped = Upped(tmp_path)
    (upped.project / "prefect.yaml").write_text(PREFECT_YAML.replace('"0 0 1 1 *"', '"5 o\'clock"'), encoding="utf-8")
    upped.start(with_prefect=False)
    try:
        eventually("the end of the daily run", lambda: "the daily run without Prefect has ended (well)" in upped.said)
        assert "the times of daily cannot be read" in upped.said
    finally:
        assert upped.stop() == 0
