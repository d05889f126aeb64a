"""The parts of `laktasi up` that need no Prefect: processes, log, Prefect's database, what it writes down, units."""

import json
import os
import plistlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from defusedxml.ElementTree import fromstring
from filelock import FileLock

from laktasi import pipeline
from laktasi.errors import SettingsError
from laktasi.paths import DataFolder
from laktasi.pipeline import Step
from laktasi.service import database, deciding, log, processes, signs, telling, units
from laktasi.service.log import Log
from laktasi.service.place import MARK, Place, at_work, check_secrets, environment, mark_of, quiet
from laktasi.settings import read_settings
from laktasi.settings.private_file import write_private_environment

SLEEP = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{SLEEP}']); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(DataFolder(tmp_path / "data"))
    place.make()
    return place


def child(place: Place, code: str) -> processes.Child:
    environment_ = {**os.environ, MARK: mark_of(place)}
    return processes.Child(
        "child", (sys.executable, "-c", code), environment_, place.root, Log(place.log, lambda _: None)
    )


def soon(holds: object) -> None:
    assert callable(holds)
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


# Processes.


def test_what_a_child_started_is_found_and_ended_with_it(place: Place) -> None:
    parent = child(place, PARENT)
    parent.start()
    soon(lambda: len(processes.served(place)) == 2)
    parent.end()
    assert processes.served(place) == []


def test_what_outlives_its_parent_is_found(place: Place) -> None:
    parent = child(place, PARENT)
    parent.start()
    soon(lambda: len(processes.served(place)) == 2)
    assert parent.process is not None
    parent.process.kill()
    parent.process.wait()
    left = processes.served(place)
    assert len(left) == 1
    assert processes.end(left) == 1
    assert processes.served(place) == []


def test_what_does_not_follow_is_killed(place: Place) -> None:
    deaf = child(place, DEAF)
    deaf.start()
    soon(lambda: b"deaf" in place.log.read_bytes())
    deaf.end(patience=0.2)
    assert processes.served(place) == []


def test_another_data_folders_processes_are_left_alone(place: Place, tmp_path: Path) -> None:
    other = Place(DataFolder(tmp_path / "other"))
    other.make()
    its = child(other, SLEEP)
    its.start()
    try:
        soon(lambda: processes.served(other))
        assert processes.served(place) == []
    finally:
        its.end()


def test_a_child_that_ends_is_due_again_later_each_time(place: Place) -> None:
    ending = child(place, "raise SystemExit(3)")
    pauses = []
    for _ in range(3):
        ending.start()
        soon(lambda: not ending.is_alive)
        before = time.monotonic()
        assert ending.has_ended() == 3
        assert ending.has_ended() is None
        pauses.append(round(ending.not_before - before))
    assert pauses == [1, 2, 4]


def test_a_flow_run_is_worked_on_while_its_process_lives(place: Place) -> None:
    working = child(place, SLEEP)
    working.environment = {**working.environment, processes.FLOW_RUN: "a-run"}
    working.start()
    soon(lambda: processes.worked_on(place) == {"a-run"})
    working.end()
    assert processes.worked_on(place) == set()


def test_a_run_by_hand_names_its_process() -> None:
    code = f"from laktasi.service.processes import tag_of_this_process as tag; print(tag(), flush=True); {SLEEP}"
    laktasi = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert laktasi.stdout is not None
    with laktasi.stdout:
        tag = laktasi.stdout.readline().strip()
    assert tag.startswith(f"{processes.BY_HAND}{laktasi.pid}:")
    assert processes.is_worked_on_by_hand(["other", tag])
    laktasi.kill()
    laktasi.wait()
    assert not processes.is_worked_on_by_hand(["other", tag])


def test_who_got_the_number_of_a_dead_run_does_not_work_on_it() -> None:
    number, born = processes.tag_of_this_process().removeprefix(processes.BY_HAND).split(":")
    # This process runs laktasi's tests in its folder: neither makes it the run.
    for other in (f"{number}:{float(born) - 60:.2f}", number, f"{number}:", f"{'9' * 30}:{born}", "x:1.0"):
        assert not processes.is_worked_on_by_hand([f"{processes.BY_HAND}{other}"])
    assert processes.is_worked_on_by_hand([f"{processes.BY_HAND}{number}:{float(born) + 1:.2f}"])


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the system itself keeps when a process was born")
def test_a_clock_that_is_set_right_makes_no_other_process_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    tag = processes.tag_of_this_process()
    boot_time = psutil.boot_time() + 3600
    monkeypatch.setattr("psutil.boot_time", lambda: boot_time)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot_time)
    assert processes.is_worked_on_by_hand([tag])


def test_a_server_that_outlives_its_run_by_hand_is_found(place: Place) -> None:
    # Started by another program than the interpreter itself, it counts as left alone.
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("no sh")
    line = f"{sys.executable} -c '{SLEEP}' prefect.server.api.server:create_app & wait"
    given = {**os.environ, "PREFECT_HOME": str(place.data.prefect)}
    starter = subprocess.Popen([shell, "-c", line], env=given)
    try:
        soon(lambda: processes.left_servers(place.data.prefect))
        assert processes.left_servers(place.root) == []
    finally:
        processes.end(psutil.Process(starter.pid).children())
        starter.wait()


# The environment of the children.


def test_children_speak_to_their_own_server_and_to_nobody_else(place: Place) -> None:
    given = {"PREFECT_API_URL": "https://elsewhere.example.org", "NO_PROXY": "intranet", "LAKTASI_LANGUAGE": "id"}
    made = environment(place, 4321, given)
    assert made["PREFECT_API_URL"] == "http://127.0.0.1:4321/api"
    assert made["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert made["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4321,http://localhost:4321"
    assert made["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
    assert made["PREFECT_SERVER_ANALYTICS_ENABLED"] == made["PREFECT_SERVER_UI_V2_ENABLED"] == "false"
    assert made["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert made["LAKTASI_LANGUAGE"] == "id"
    assert not [name for name, value in made.items() if "elsewhere" in value]


def test_a_server_for_one_run_answers_no_page_of_another_site(place: Place) -> None:
    made = quiet(place.data.prefect)
    # Neither all, nor what a page without an origin of its own says of itself.
    assert made["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] not in ("*", "null")
    assert made["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"].endswith(".invalid")
    assert made["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == made["PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"] == "true"


# The log.


def test_a_log_does_not_grow_for_ever_and_is_private(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 1000)
    own = Log(place.log, lambda _: None)
    with own.opened() as of_a_child:
        for number in range(100):
            own.note(f"line {number:04d} " + "x" * 100)
            own.turn()
        of_a_child.write(b"still at the end\n")
    parts = [path.name for path in sorted(place.root.glob("laktasi.log*"))]
    assert parts == ["laktasi.log", *(f"laktasi.log.{number}" for number in range(1, log.PARTS + 1))]
    assert place.log.read_bytes().endswith(b"still at the end\n")
    assert b"line 0099" in place.log.read_bytes() + (place.root / "laktasi.log.1").read_bytes()
    assert {path.stat().st_mode & 0o077 for path in place.root.glob("laktasi.log*")} == {0}


def test_what_is_said_is_shown_and_what_is_noted_is_not(place: Place) -> None:
    shown: list[str] = []
    own = Log(place.log, shown.append)
    own.say("seen")
    own.note("unseen")
    assert shown == ["seen"]
    assert place.log.read_text(encoding="utf-8").count("| laktasi |") == 2


# Prefect's database.


def test_a_torn_database_is_told_from_a_whole_and_a_busy_one(place: Place) -> None:
    home = place.data.prefect
    assert not database.is_torn(home)
    with closing(sqlite3.connect(home / database.NAME)) as con:
        con.execute("create table run (id)")
        con.executemany("insert into run values (?)", [["x" * 500]] * 500)
        con.commit()
        con.execute("begin exclusive")
        assert not database.is_torn(home)
    assert not database.is_torn(home)
    whole = (home / database.NAME).read_bytes()
    (home / database.NAME).write_bytes(whole[: len(whole) // 2])
    assert database.is_torn(home)
    (home / database.NAME).write_bytes(b"no database" * 1000)
    assert database.is_torn(home)


def test_a_database_is_moved_aside_with_all_that_belongs_to_it(place: Place) -> None:
    home = place.data.prefect
    for ending in ("", "-wal", "-shm"):
        (home / f"{database.NAME}{ending}").write_text(ending)
    aside = database.move_aside(home)
    assert not list(home.glob(database.NAME)) + list(home.glob(f"{database.NAME}-*"))
    assert Path(f"{aside}-wal").read_text() == "-wal"


def test_only_a_few_broken_databases_are_kept(place: Place) -> None:
    home = place.data.prefect
    for day in range(1, 6):
        for ending in ("", "-wal"):
            (home / f"{database.NAME}.broken-2026010{day}-000000{ending}").touch()
    (home / database.NAME).touch()
    newest = database.move_aside(home)
    kept = sorted(path.name for path in home.glob("*.broken-*") if not path.name.endswith("-wal"))
    assert len(kept) == database.KEPT
    assert kept[-1] == newest.name
    assert len(list(home.glob("*-wal"))) == database.KEPT - 1


# What can be seen without Prefect.


def test_a_whole_run_is_one_whose_report_is_written(place: Place) -> None:
    folder = place.data
    since = datetime.fromtimestamp(900, UTC)
    assert signs.last_whole_run(folder, since) is None
    folder.manifests.mkdir()
    folder.report.parent.mkdir()
    manifest = folder.manifests / "20261122T050000000Z-abc.json"
    manifest.write_text('{"asked": ["forms", "phones", "central", "reconcile"]}')
    os.utime(manifest, (1000, 1000))
    assert signs.last_whole_run(folder, since) is None  # killed before the report
    folder.report.touch()
    os.utime(folder.report, (999, 999))
    assert signs.last_whole_run(folder, since) is None  # the report is that of the run before
    os.utime(folder.report, (1001, 1001))
    ended = signs.last_whole_run(folder, since)
    assert ended is not None
    assert ended.timestamp() == 1000
    assert signs.last_whole_run(folder, datetime.fromtimestamp(1001, UTC)) is None
    for torn in ("", "[]", "{}", '{"asked": 1}'):  # {}: of a laktasi that did not write it down yet
        manifest.write_text(torn)
        os.utime(manifest, (1000, 1000))
        assert signs.last_whole_run(folder, since) is None


def test_a_run_that_asked_no_source_leaves_the_daily_run_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is found is not the matter here, and takes most of a run's time.
    monkeypatch.setattr("laktasi.pipeline.ending.manifest_of", lambda _con, run: {"run_id": run.run_id})
    monkeypatch.setattr("laktasi.store.run_results.write_by_centre", lambda *_: {})
    (tmp_path / "project").mkdir()
    settings = read_settings(tmp_path / "project")
    folder = settings.data_folder
    named = {step.name: step for step in pipeline.WAY}
    assert named.keys() > signs.SOURCES

    def walk(steps: tuple[pipeline.Step, ...], hour: int) -> None:
        short = tuple(Step(step.name, lambda _run, _progress: {}) for step in steps if step != pipeline.CLOSE)
        before = set(folder.manifests.glob("*"))
        pipeline.walk(settings, (*short, pipeline.CLOSE), door="cli")
        (manifest,) = set(folder.manifests.glob("*")) - before
        folder.report.parent.mkdir(exist_ok=True)
        folder.report.touch()
        for path in (manifest, folder.report):
            os.utime(path, (at(hour).timestamp(),) * 2)

    def at(hour: int) -> datetime:
        return datetime(2026, 11, 22, hour, tzinfo=UTC)

    def stands() -> str:
        return deciding.standing(at(9), at(5), [], signs.last_whole_run(folder, at(5)))

    walk(pipeline.ANALYSING, 6)  # on-demand, and what forgetting does
    forgotten = folder.manifests / "forgotten.json"
    forgotten.write_text('{"asked": ["phones", "central"]}')
    assert stands() == "due"
    walk(pipeline.WAY, 7)
    assert stands() == "settled"
    walk(pipeline.ANALYSING, 8)
    assert stands() == "settled"


def test_a_port_that_another_program_has_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert signs.is_taken(port)
    assert not signs.is_taken(port)


# What it writes down, and how it is told.


def test_a_torn_state_is_no_state(place: Place) -> None:
    place.write_state({"pid": 1})
    assert place.read_state() == {"pid": 1}
    for torn in ("", "[]", '{"pid"'):
        place.state.write_text(torn)
        assert place.read_state() == {}


def test_how_it_is_in_words(place: Place) -> None:
    assert telling.lines_of(place.data) == []
    assert "has never been" in telling.lines_of(place.data, in_full=True)[0]
    state = {
        "address": "http://127.0.0.1:4200",
        "is_useful": True,
        "trouble": "",
        "next": ["daily 2026-11-23 05:00 (Asia/Makassar)", "backup 2026-11-23 21:00 (Asia/Makassar)"],
        "written_at": "2026-11-22T05:00:00+00:00",
        "without_prefect": [{"state": "FAILED", "at": "2026-11-22T05:00:00+00:00"}],
    }
    place.write_state(state)
    assert "is not at work" in telling.lines_of(place.data)[0]
    assert at_work(place) is None
    with FileLock(place.lock):
        # The lock of this process does not keep this process out.
        held = subprocess.run(
            [sys.executable, "-c", _TELL, str(place.data.root)], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert held == [
            "http://127.0.0.1:4200/api",
            "laktasi up is at work: http://127.0.0.1:4200",
            "  next: daily 2026-11-23 05:00 (Asia/Makassar)",
        ]
        place.write_state(
            state | {"trouble": "port 4200 of this machine is taken by another program", "is_useful": False}
        )
        troubled = subprocess.run(
            [sys.executable, "-c", _TELL, str(place.data.root)], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert troubled[:2] == [
            "None",
            "laktasi up is at work without Prefect: port 4200 of this machine is taken by another program",
        ]
        assert troubled[2].startswith("  the latest run without Prefect failed on 2026-11-22")


def test_a_second_one_names_who_is_at_work_only_where_that_is_true(place: Place, tmp_path: Path) -> None:
    """What is written down may be of one that was killed, whose number another program has now."""
    words = ("up", "--project", str(tmp_path), "--data", str(place.data.root))
    given = {name: value for name, value in os.environ.items() if not name.startswith("LAKTASI_")}

    def second(born: float) -> str:
        place.write_state({"pid": os.getpid(), "born": born, "address": "http://127.0.0.1:4200"})
        done = subprocess.run(
            [sys.executable, "-c", "from laktasi.cli import main; main()", *words],
            capture_output=True,
            text=True,
            check=False,
            env=given,
        )
        assert done.returncode == 1
        return done.stderr

    with FileLock(place.lock):
        said = second(processes.born())
        assert f"already (process {os.getpid()})" in said
        assert "look at http://127.0.0.1:4200" in said
        said = second(processes.born() - 60)
        assert f"laktasi up is at work in {place.data.root} already\n" in said
        assert "127.0.0.1" not in said
        assert "laktasi service status" in said


_TELL = """
import sys
from pathlib import Path
from laktasi.paths import DataFolder
from laktasi.service.place import Place, at_work
from laktasi.service.telling import lines_of
folder = DataFolder(Path(sys.argv[1]))
print(at_work(Place(folder)), *lines_of(folder), sep="\\n")
"""

# What is written for the system.

AWKWARD = Path('/data/ibu "Ani"/100%/$HOME/a & b\\c')


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = units.systemd_unit([sys.executable, "up", "--project", str(AWKWARD)], tmp_path)
    assert r'"/data/ibu \"Ani\"/100%%/$$HOME/a & b\\c"' in text
    assert "Restart=always" in text
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd here")
    unit = tmp_path / "laktasi.service"
    unit.write_text(text, encoding="utf-8")
    given = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([verify, "--user", "verify", unit], capture_output=True, text=True, env=given, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_launchd_agent_says_what_is_to_be_kept_alive() -> None:
    line = ["/usr/local/bin/laktasi", "up", "--project", str(AWKWARD)]
    agent = plistlib.loads(units.launchd_agent("laktasi", line, AWKWARD).encode())
    assert agent["ProgramArguments"] == line
    assert agent["KeepAlive"] is agent["RunAtLoad"] is True
    assert agent["WorkingDirectory"] == str(AWKWARD)


def test_the_windows_task_is_well_formed_and_never_ended_by_windows() -> None:
    line = [r"C:\laktasi\laktasi.exe", "up", "--project", r"C:\Data Ibu & Anak"]
    task = fromstring(units.windows_task(line, Path("p"), r"PC\ani").encode("utf-16"))
    found = {element.tag.rpartition("}")[2]: element.text for element in task.iter()}
    assert found["Command"] == line[0]
    assert found["Arguments"] == r'up --project "C:\Data Ibu & Anak"'
    assert found["ExecutionTimeLimit"] == "PT0S"
    assert found["StopIfGoingOnBatteries"] == found["DisallowStartIfOnBatteries"] == "false"


def test_a_unit_tells_which_data_folder_it_is_about(tmp_path: Path) -> None:
    for folder in (AWKWARD, tmp_path / "data"):
        line = units.command(tmp_path, folder, [], None)
        for text in (
            units.systemd_unit(line, tmp_path),
            units.launchd_agent("x", line, tmp_path),
            units.windows_task(line, tmp_path, "ani"),
        ):
            assert units.is_about(text, folder)
            assert not units.is_about(text, Path(f"{folder}2"))
            assert not units.is_about(text, Path(str(folder)[:-1]))


def test_no_unit_has_a_setting_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKTASI_NOTIFY__TO", "mailto://user:word@example.org")
    line = units.command(tmp_path, tmp_path / "data", [tmp_path / "phone"], 4201)
    assert line[-2:] == ["--port", "4201"]
    texts = units.systemd_unit(line, tmp_path), units.launchd_agent("x", line, tmp_path)
    assert "LAKTASI" not in json.dumps(texts)


def test_children_get_no_secret_and_one_that_only_the_environment_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect writes the environment of a run into a temporary file, which a killed run leaves."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    settings = read_settings(tmp_path)
    given = {"LAKTASI_KEY": "k" * 40, "LAKTASI_CENTRAL__NORTH__PASSWORD": "word", "HOME": "there"}
    kept = environment(Place(settings.data_folder), 4200, given)
    assert kept["HOME"] == "there"
    assert not [name for name in kept if name in given and name != "HOME"]
    with pytest.raises(SettingsError, match="LAKTASI_CENTRAL__NORTH__PASSWORD stands in the environment alone") as said:
        check_secrets(settings, given)
    assert "word" not in str(said.value).replace("password", "")
    write_private_environment(tmp_path, {name: value for name, value in given.items() if name != "HOME"})
    check_secrets(settings, given)
