"""Backups: nothing that came in is lost, nothing that is torn looks whole, and nothing leaves that must not."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from filelock import FileLock
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.backing_up import BackedUp, back_up, files, newest_backup, restore, shape
from laktasi.cli import main
from laktasi.cli.backup import lines_of_restored
from laktasi.errors import BackupError, SettingsError, WarehouseError
from laktasi.paths import HOUSE, DataFolder
from laktasi.reproducing import verify
from laktasi.service.place import Place
from laktasi.settings import Settings, read_settings
from laktasi.store.row_hashes import hash_rows
from laktasi.workplace import alone, apart_from_backups, opened
from tests import mini
from tests.integration.kill_driver import contents as contents_of

KEY = "of-a-key-that-nobody-guesses-0123456789abcdef"
KILLS = int(os.environ.get("LAKTASI_TEST_KILLS", "2"))


def run_in(root: Path, steps: Sequence[pipeline.Step] = pipeline.WAY, **given: Any) -> Settings:
    """Run the study once, with a decision, a refused file and something printed for the field."""
    phone = mini.fill_phone(root / "phone", 12)
    (phone / "instances" / "torn.xml").write_text("<data id='tea' version='1'><today>20", encoding="utf-8")
    project = mini.make_project(root / "survey")
    (project / "laktasi.toml").write_text('language = "id"\n[backup]\nfolder = "../stick"\n', encoding="utf-8")
    corrections = project / "schemas" / "corrections"
    corrections.mkdir()
    (corrections / "some.yml").write_text(
        "decisions:\n  - {id: b, action: drop, form: tea, submission: 'uuid:tea-0001', expected: 'uuid:tea-0001',\n"
        "     reason: r, reporter: Ani, date: 2026-11-21}\n",
        encoding="utf-8",
    )
    settings = read_settings(project, phones=(phone,), **given)
    pipeline.walk(settings, steps, door="cli")
    printed = settings.data_folder.fieldwork / "todo" / "Ani: lembar?.html"
    printed.parent.mkdir(parents=True)
    printed.write_text(f"<p>{mini.SECRET}", encoding="utf-8")
    return settings


@pytest.fixture(scope="module")
def ran_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BackedUp]:
    """A study that has landed, and a backup of it."""
    root = tmp_path_factory.mktemp("plain")
    (root / "stick").mkdir()
    return root, back_up(run_in(root, pipeline.IMPORTING))


@pytest.fixture
def ran(ran_once: tuple[Path, BackedUp], tmp_path: Path) -> Settings:
    """A copy of that study, in which a test may break what it likes; its stick is empty."""
    return copied(ran_once[0], tmp_path)


@pytest.fixture(scope="module")
def whole_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has a report and a manifest, too: that takes long, so only slow tests want it."""
    root = tmp_path_factory.mktemp("whole")
    run_in(root)
    return root


@pytest.fixture
def whole(whole_once: Path, tmp_path: Path) -> Settings:
    return copied(whole_once, tmp_path)


def copied(root: Path, tmp_path: Path) -> Settings:
    shutil.copytree(root / "survey", tmp_path / "survey")
    (tmp_path / "stick").mkdir()
    return read_settings(tmp_path / "survey", phones=(root / "phone",))


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "stick"


@pytest.fixture
def made(ran_once: tuple[Path, BackedUp], stick: Path) -> BackedUp:
    """A copy of its backup, on the stick."""
    _, first = ran_once
    path = stick / first.path.name
    shutil.copytree(first.path, path)
    return replace(first, path=path)


def rows(settings: Settings) -> object:
    """Give a hash over each table that nothing can be derived without."""
    with opened(settings.data_folder) as con:
        return hash_rows(con)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lose_everything(settings: Settings) -> None:
    shutil.rmtree(settings.project)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def backed_up_before(stick: Path, made: BackedUp, **ago: float) -> Path:
    """Pretend that a backup was made earlier: a copy of it with another time."""
    at = datetime.fromisoformat(made.listing.made_at) - timedelta(**ago)
    path = stick / shape.name_of("survey", at)
    shutil.copytree(made.path, path)
    text = (path / shape.LISTING).read_text(encoding="utf-8")
    (path / shape.LISTING).write_text(text.replace(made.listing.made_at, at.isoformat()), encoding="utf-8")
    return path


# There and back


def test_what_is_lost_is_there_again(ran: Settings) -> None:
    before, kept = rows(ran), contents(ran.project)
    made = back_up(ran)
    lose_everything(ran)
    done = restore(made.path, read_settings(ran.project))
    assert done.kept == ()
    now = contents(ran.project)
    same = {name for name in kept if not name.startswith(("data/warehouse.duckdb", "data/last_backup"))}
    same = {name for name in same if not name.endswith(".lock")}
    assert {name: now.get(name) for name in same} == {name: kept[name] for name in same}
    assert {"attachments", "refused", "fieldwork", "corrections"} <= {part for name in same for part in name.split("/")}
    assert rows(ran) == before


@pytest.mark.slow
def test_what_is_lost_of_a_whole_study_is_there_again_and_its_manifest_holds(whole: Settings) -> None:
    ran = whole
    before, kept = rows(ran), contents(ran.project)
    made = back_up(ran)
    assert made.listing.tables["quality.decisions"] == 1
    lose_everything(ran)
    done = restore(made.path, read_settings(ran.project))
    assert done.kept == ()
    assert done.manifest is not None
    assert verify(read_settings(ran.project), done.manifest).wrong == ()
    assert rows(ran) == before
    now = contents(ran.project)
    made_again = ("data/report/", "data/as-of/", "data/research.duckdb", "data/warehouse.duckdb", "data/last_backup")
    same = {name for name in kept if not name.startswith(made_again) and not name.endswith(".lock")}
    assert {name: now.get(name) for name in same} == {name: kept[name] for name in same}
    assert {name.split("/")[1] for name in same if name.startswith("data/")} >= {
        *("attachments", "refused", "manifests", "fieldwork")
    }
    assert {"laktasi.toml", "schemas/corrections/some.yml", "xlsforms/fielded/tea-1.xml"} <= same


def test_a_backup_says_what_it_is_and_no_answer(ran: Settings, stick: Path) -> None:
    made = back_up(ran)
    assert names(stick) == [made.path.name]
    assert shape.made_at(made.path.name)
    text = (made.path / shape.LISTING).read_text(encoding="utf-8")
    assert mini.SECRET not in text
    told = json.loads(text)
    assert told["tables"]["raw.submissions"] == 12
    assert told["is_encrypted"] is False
    on_disk = set(contents(made.path)) - {shape.LISTING}
    assert set(told["files"]) == on_disk
    assert "NOT encrypted" in (made.path / shape.README).read_text(encoding="utf-8")
    assert all(":" not in name and "?" not in name for name in on_disk)
    assert newest_backup(ran.data_folder) == (datetime.fromisoformat(made.listing.made_at), made.path)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_backup_is_for_its_owner_alone(ran: Settings) -> None:
    path = back_up(ran).path
    modes = {stat.S_IMODE(one.stat().st_mode) for one in (path, *path.rglob("*"))}
    assert modes == {0o700, 0o600}


@pytest.mark.slow
def test_sessions_the_report_and_locks_stay_here(whole: Settings) -> None:
    folder = whole.data_folder
    folder.tokens.mkdir()
    (folder.tokens / "session.json").write_text("token", encoding="utf-8")
    (folder.root / "up").mkdir()
    (folder.root / "up" / "laktasi.log").write_text("log", encoding="utf-8")
    kept = set(contents(back_up(whole).path / "data"))
    assert folder.report.exists()
    assert {name.split("/")[0] for name in kept} == {
        *("warehouse.duckdb", "attachments", "refused", "manifests", "fieldwork", "secret.key")
    }


@pytest.mark.slow
def test_what_nobody_knows_is_kept_and_what_is_no_file_is_said(ran: Settings) -> None:
    root = ran.data_folder.root
    (root / "notes.txt").write_text("mine", encoding="utf-8")
    (root / "lost").symlink_to(root / "nowhere")
    (root / "round").symlink_to(root)
    made = back_up(ran)
    assert (made.path / "data" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert made.notes == ("not kept: data/lost (no plain file)", "not kept: data/round (a link back)")


# With a key


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, BackedUp]:
    """A study that has landed with a key, and a backup of it."""
    root = tmp_path_factory.mktemp("sealed")
    (root / "stick").mkdir()
    settings = run_in(root, pipeline.IMPORTING, key=KEY)
    return settings, back_up(settings)


def test_an_encrypted_backup_shows_nothing_and_comes_back(sealed: tuple[Settings, BackedUp], tmp_path: Path) -> None:
    settings, made = sealed
    plain = [mini.SECRET, "lembar", "Tea_0003", "uuid:tea-0003", "Susu", KEY, "one_code_once"]
    for name, data in contents(made.path).items():
        assert [text for text in plain if text.encode() in data or text in name] == []
    assert made.listing.is_encrypted
    there = read_settings(tmp_path / "elsewhere", key=SecretStr(KEY))
    restore(made.path, there)
    there = read_settings(tmp_path / "elsewhere", key=SecretStr(KEY))
    assert rows(there) == rows(settings)
    assert (there.project / "schemas" / "study.yml").read_text(encoding="utf-8") == mini.STUDY
    printed = "fieldwork/todo/Ani: lembar?.html"
    assert contents(there.data_folder.root)[printed] == contents(settings.data_folder.root)[printed]


@pytest.mark.parametrize(
    ("key", "said"), [(None, "is encrypted, and no key is given"), ("another" * 5, "was encrypted with another key")]
)
def test_without_its_key_a_backup_stays_shut(
    sealed: tuple[Settings, BackedUp], tmp_path: Path, key: str | None, said: str
) -> None:
    _, made = sealed
    with pytest.raises(BackupError, match=said) as caught:
        restore(made.path, read_settings(tmp_path / "elsewhere", key=key))
    assert "--key-file" in caught.value.next_step
    assert not (tmp_path / "elsewhere").exists()


def test_a_torn_file_of_an_encrypted_backup_is_named(sealed: tuple[Settings, BackedUp], tmp_path: Path) -> None:
    _, made = sealed
    copy = tmp_path / "stick" / made.path.name
    shutil.copytree(made.path, copy)
    flip(copy / "sealed" / "000001")
    with pytest.raises(BackupError, match=r"sealed/000001 is not what it was"):
        restore(copy, read_settings(tmp_path / "elsewhere", key=KEY))


def test_the_key_is_never_in_a_backup(ran: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (ran.folders.study.parent / "key.txt").write_text(f"{KEY}\n", encoding="utf-8")
    left_out: list[str] = []
    from laktasi.backing_up.sources import sources

    found = sources(DataFolder(ran.data_folder.root, key=SecretStr(KEY)), ran.folders, left_out)
    assert left_out == ["project/schemas/key.txt (it holds the key)"]
    assert [one.place for one in found if KEY.encode() in one.path.read_bytes()] == []


# While others are at work


@pytest.mark.slow
def test_a_backup_waits_for_the_step_at_work_and_the_next_step_for_the_backup(
    ran: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Each event is only waited for, so that nothing rests on how long something takes."""
    waits, copies, step_waits = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            step_waits.set()

    def progress(what: str, done: int, _total: int | None) -> None:
        if what.startswith("waiting"):
            waits.set()
        if what == "copying the warehouse" and not done:
            order.append("copies")
            copies.set()
            assert step_waits.wait(60)

    made: list[BackedUp] = []
    backup = threading.Thread(target=lambda: made.append(back_up(ran, progress=progress)))

    def first(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        with opened(ran.data_folder) as con:
            backup.start()
            assert waits.wait(60)
            con.execute("update meta.runs set door = 'first'")
            order.append("first")
        assert copies.wait(60)
        return {}

    def second(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        with opened(ran.data_folder) as con:
            order.append("second")
            con.execute("update meta.runs set door = 'second'")
        return {}

    heard = Heard()
    logging.getLogger("laktasi.workplace").addHandler(heard)
    try:
        pipeline.walk(ran, [pipeline.Step("first", first), pipeline.Step("second", second)], door="cli")
    finally:
        logging.getLogger("laktasi.workplace").removeHandler(heard)
    backup.join(60)
    assert order == ["first", "copies", "second"]
    with opened(ran.data_folder) as con:
        assert con.execute("select distinct door from meta.runs").fetchall() == [("second",)]
    done = restore(made[0].path, ran, to=ran.project.parent / "back")
    with opened(ran.model_copy(update={"data": done.data}).data_folder) as con:
        assert con.execute("select distinct door from meta.runs").fetchall() == [("first",)]


@pytest.mark.slow
def test_a_backup_of_a_running_pipeline_is_finished_by_the_next_run(ran: Settings, tmp_path: Path) -> None:
    """Made between two steps, put back and run, it gives what the run itself gave."""
    phone = mini.fill_phone(tmp_path / "phone", 15)
    settings = ran.model_copy(update={"phones": (phone,)})
    made: list[BackedUp] = []

    def look(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        made.append(back_up(settings))
        return {}

    steps = list(pipeline.WAY)
    steps.insert(steps.index(pipeline.STAND), pipeline.Step("backup", look))
    pipeline.walk(settings, steps, door="cli")
    done = restore(made[0].path, settings, to=tmp_path / "back")
    back = settings.model_copy(update={"data": done.data})
    with opened(back.data_folder) as con:
        assert con.execute("select status from meta.runs order by run_id").fetchall() == [("finished",), ("running",)]
    pipeline.walk(back, pipeline.WAY, door="cli")
    assert contents_of(back.data_folder.warehouse) == contents_of(settings.data_folder.warehouse)


TAKE_LOCK = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'rb+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_nobody_has_the_warehouse_open_while_it_is_copied(ran: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows would refuse to read it; elsewhere reading it would take DuckDB's lock away, without a word."""
    copy, told = files.copy, []

    def locked_by_somebody(source: Path, target: Path, *given: Any) -> shape.Written:
        if source == ran.data_folder.warehouse:
            take = [sys.executable, "-S", "-c", TAKE_LOCK, str(source)]
            told.append(subprocess.run(take, check=False, capture_output=True, timeout=60).returncode)
        return copy(source, target, *given)

    monkeypatch.setattr(files, "copy", locked_by_somebody)
    back_up(ran)
    assert told == [0]


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 100])
def test_what_another_program_writes_meanwhile_is_copied_anew_or_said(
    ran: Settings, stick: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    copy = files.copy
    written: list[Path] = []

    def written_to_by_somebody(source: Path, target: Path, *given: Any) -> shape.Written:
        done = copy(source, target, *given)
        if source == ran.data_folder.warehouse and len(written) < times:
            with duckdb.connect(str(source)) as con:  # which takes no turns
                con.execute(f"update meta.runs set door = 'somebody {len(written)}'")
            written.append(source)
        return done

    monkeypatch.setattr(files, "copy", written_to_by_somebody)
    if times > 1:
        with pytest.raises(WarehouseError, match="was changed by another program each time"):
            back_up(ran)
        assert names(stick) == []
        return
    path = back_up(ran).path
    with duckdb.connect(str(path / shape.WAREHOUSE), read_only=True) as con:
        assert con.execute("select door from meta.runs").fetchall() == [("somebody 0",)]


@pytest.mark.slow
def test_two_backups_at_once_and_files_taken_away_meanwhile_are_refused(ran: Settings) -> None:
    with apart_from_backups(ran.data_folder), pytest.raises(WarehouseError, match=r"a backup of .* is being made"):
        back_up(ran)


def test_a_step_that_does_not_end_is_said(ran: Settings, stick: Path) -> None:
    with opened(ran.data_folder), pytest.raises(WarehouseError, match="in use by another process"):
        back_up(ran, patience_seconds=0.3)
    assert names(stick) == []
    with opened(ran.data_folder):
        pass  # the turn is free again


def test_nothing_is_backed_up_while_some_of_it_may_need_another_key(ran: Settings, stick: Path) -> None:
    ran.data_folder.key_change.write_text("begun", encoding="utf-8")
    with pytest.raises(WarehouseError, match=r"a change of the key of .* was broken off"):
        back_up(ran)
    assert names(stick) == []


# Killed, torn, full


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of itself: needs Linux or macOS")
def test_a_killed_backup_never_looks_finished_and_is_swept(ran: Settings, tmp_path: Path) -> None:
    driver = Path(__file__).with_name("backup_kill_driver.py")
    done = subprocess.run(
        [sys.executable, str(driver), str(ran.project), str(tmp_path / "kills"), str(KILLS)],
        capture_output=True,
        text=True,
        cwd=HOUSE,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert min(told["total"]) > 40, "the points are counted by the profiling hook; too few means that it sees nothing"
    assert told["killed"] == [True] * 2 * KILLS
    assert told["wrong"] == []


def rewrite(backup: Path, change: Callable[[str], str]) -> None:
    """Change what contents.json says, and let the listing fit it."""
    path = backup / shape.CONTENTS
    before = files.read_back(path)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    now = files.read_back(path)
    listing = backup / shape.LISTING
    text = listing.read_text(encoding="utf-8").replace(before.sha256, now.sha256)
    listing.write_text(text, encoding="utf-8")


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_stick_is_no_backup_and_the_newest_on_it_is_named(ran: Settings, made: BackedUp, stick: Path) -> None:
    newest = backed_up_before(stick, made, days=-1)
    with pytest.raises(BackupError) as caught:
        restore(stick, ran)
    assert newest.name in caught.value.next_step


@pytest.mark.parametrize(
    ("tear", "named"),
    [
        (lambda path: flip(path / "data" / "warehouse.duckdb"), "data/warehouse.duckdb is not what it was"),
        (lambda path: flip(next(path.glob("data/attachments/*/*"))), "data/attachments/.* is not what it was"),
        (lambda path: next(path.glob("data/attachments/*/*")).unlink(), "data/attachments/.* is missing"),
        (lambda path: flip(path / "project" / "schemas" / "study.yml"), "project/schemas/study.yml is not what it was"),
        (lambda path: flip(path / "contents.json"), "contents.json is not what it was"),
        (lambda path: rewrite(path, lambda _: "{}"), "contents.json is torn"),
        (lambda path: (path / "contents.json").unlink(), "contents.json is missing"),
        (lambda path: os.truncate(path / "backup.json", 500), "backup.json is torn"),
        (lambda path: (path / "backup.json").unlink(), "is no backup"),
    ],
)  # fmt: skip
def test_a_torn_backup_is_refused_by_the_name_of_the_file(
    ran: Settings, made: BackedUp, tear: Callable[[Path], object], named: str
) -> None:
    tear(made.path)
    there = ran.project.parent / "there"
    with pytest.raises(BackupError, match=named):
        restore(made.path, read_settings(there))
    assert not there.exists()


def test_a_backup_that_leads_elsewhere_is_refused(ran: Settings, made: BackedUp) -> None:
    rewrite(made.path, lambda text: text.replace('"project/schemas/study.yml"', '"project/../../outside"'))
    with pytest.raises(BackupError, match=r"contents\.json is torn"):
        restore(made.path, read_settings(ran.project.parent / "there"))
    assert not (ran.project.parent / "outside").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with less room than the warehouse takes."""
    yield from disk(tmp_path / "small", "4m")


@pytest.fixture
def big_disk(tmp_path: Path) -> Iterator[Path]:
    yield from disk(tmp_path / "big", "64m")


def disk(place: Path, size: str) -> Iterator[Path]:
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


LEAVE_A_LOG = """
import os, sys
from pathlib import Path
from laktasi.paths import DataFolder
from laktasi.store.warehouse import open_warehouse

with open_warehouse(DataFolder(Path(sys.argv[1]))) as con:
    con.execute("update meta.runs set door = 'last'")
    os._exit(9)
"""


@pytest.mark.slow
def test_a_disk_that_may_only_be_read_is_backed_up(ran: Settings, stick: Path, big_disk: Path) -> None:
    """Systems make a dying disk so; what was committed last stands in DuckDB's log beside the file."""
    shutil.copytree(ran.data_folder.root, big_disk / "data")
    settings = ran.model_copy(update={"data": big_disk / "data"})
    subprocess.run([sys.executable, "-c", LEAVE_A_LOG, str(big_disk / "data")], check=False, timeout=60)
    assert (big_disk / "data" / "warehouse.duckdb.wal").stat().st_size
    subprocess.run(["mount", "-o", "remount,ro", str(big_disk)], check=True)
    done = restore(back_up(settings).path, ran, to=ran.project.parent / "back")
    with opened(ran.model_copy(update={"data": done.data}).data_folder) as con:
        assert con.execute("select door from meta.runs").fetchall() == [("last",)]


def test_a_full_disk_is_said_before_anything_is_written(ran: Settings, small_disk: Path) -> None:
    with pytest.raises(BackupError, match=r"has room for 4\.\d MB, and the backup needs"):
        back_up(ran, to=small_disk)
    assert names(small_disk) == []


@pytest.mark.slow
def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    ran: Settings, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "free_bytes", lambda _folder: 2**40)
    with pytest.raises(BackupError, match=r"the disk of .*small is full"):
        back_up(ran, to=small_disk)
    assert names(small_disk) == []
    with pytest.raises(BackupError, match=r"the disk of .*small is full"):
        restore(back_up(ran).path, ran, to=small_disk / "data")
    assert names(small_disk) == []


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (OSError(errno.EFBIG, "File too large"), "FAT32"),
        (OSError(errno.EIO, "Input/output error"), "disk is well"),
    ],
)
def test_trouble_with_a_stick_is_said_in_words(
    ran: Settings, stick: Path, monkeypatch: pytest.MonkeyPatch, trouble: OSError, said: str
) -> None:
    def fail(*_given: object) -> None:
        raise trouble

    monkeypatch.setattr(files, "copy", fail)
    with pytest.raises(BackupError) as caught:
        back_up(ran)
    assert said in str(caught.value)
    assert names(stick) == []


def test_a_stick_that_loses_what_is_written_is_found_out(
    ran: Settings, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = files.copy

    def lose(source: Path, target: Path, *given: Any) -> shape.Written:
        written = copy(source, target, *given)
        if source.suffix == ".yml":
            flip(target)
        return written

    monkeypatch.setattr(files, "copy", lose)
    with pytest.raises(BackupError, match=r"project/schemas/.*, read back from .*stick, is not what was written"):
        back_up(ran)
    assert names(stick) == []


@pytest.mark.slow
def test_a_warehouse_that_no_longer_holds_what_landed_removes_no_older_backup(
    ran: Settings, made: BackedUp, stick: Path
) -> None:
    backed_up_before(stick, made, days=1)
    with opened(ran.data_folder) as con:
        con.execute("update raw.submissions set payload = 'x'::blob where instance_id = 'uuid:tea-0002'")
    second = back_up(ran.model_copy(update={"backup": ran.backup.model_copy(update={"keep": 1})}))
    assert second.removed == ()
    assert second.kept == 3
    assert "1 rows of raw.submissions no longer hold what landed" in second.notes[0]


@pytest.mark.slow
def test_a_row_that_is_another_is_found_though_the_file_is_whole(ran: Settings, made: BackedUp) -> None:
    """The listing is made to fit the file, as if the backup had been copied from a warehouse that changed meanwhile."""
    there = json.loads((made.path / shape.CONTENTS).read_text(encoding="utf-8"))["tables"]["raw.submissions"]["hash"]
    rewrite(made.path, lambda text: text.replace(there, "1"))
    with pytest.raises(BackupError, match=r"raw\.submissions in its warehouse are not what they were"):
        restore(made.path, read_settings(ran.project.parent / "there"))
    assert not (ran.project.parent / "there" / "data").exists()


# Where to


def test_no_folder_named_is_one_clear_error(ran: Settings) -> None:
    settings = ran.model_copy(update={"backup": ran.backup.model_copy(update={"folder": None})})
    with pytest.raises(SettingsError) as caught:
        back_up(settings)
    assert "--to FOLDER" in caught.value.next_step
    assert "[backup]" in caught.value.next_step


def test_a_stick_that_is_not_plugged_in_is_said_and_not_made(ran: Settings, stick: Path) -> None:
    stick.rmdir()
    with pytest.raises(BackupError, match="is not there") as caught:
        back_up(ran)
    assert "plugged in" in caught.value.why
    assert not stick.exists()


@pytest.mark.parametrize("inside", ["data", "data/attachments", "schemas", "xlsforms/fielded"])
def test_a_folder_that_is_backed_up_takes_no_backup(ran: Settings, inside: str) -> None:
    link = ran.project.parent / "link"
    link.symlink_to(ran.project / inside)
    for target in (ran.project / inside, link):
        with pytest.raises(BackupError, match="which is backed up"):
            back_up(ran, to=target)


@pytest.mark.slow
def test_a_stick_without_links_gets_copies(ran: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert back_up(ran).linked == 0
    second = back_up(ran)
    assert second.linked == len(second.listing.files) - 3  # the warehouse, contents.json, READ-ME.txt

    def refuse(*_given: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    third = back_up(ran)
    assert third.linked == 0
    assert set(third.listing.files) == set(second.listing.files)


@pytest.mark.slow
def test_what_rotted_in_the_backup_before_is_not_taken_over(ran: Settings) -> None:
    first = back_up(ran)
    rotten = next(first.path.glob("data/attachments/*/*"))
    flip(rotten)
    second = back_up(ran)
    assert len(second.notes) == 1
    assert "was damaged in the backups before" in second.notes[0]
    restore(second.path, ran, to=ran.project.parent / "back")


@pytest.mark.slow
def test_a_lake_is_backed_up_as_a_file(tmp_path: Path) -> None:
    """Put back, it is a warehouse that needs nothing but the backup."""
    (tmp_path / "stick").mkdir()
    project = mini.make_project(tmp_path / "survey")
    lake = {"catalog": "data/lake.duckdb", "data": "data/lake", "name": "tea"}
    phone = mini.fill_phone(tmp_path / "phone", 4)
    settings = read_settings(project, phones=(phone,), warehouse="ducklake", lake=lake)
    pipeline.walk(settings, pipeline.IMPORTING, door="import")
    made = back_up(settings, to=tmp_path / "stick")
    assert made.listing.tables["raw.submissions"] == 4
    assert [name for name in made.listing.files if "lake" in name or name.endswith(".parquet")] == []
    done = restore(made.path, read_settings(project), to=tmp_path / "back")
    back = read_settings(project, data=done.data)
    assert rows(back) == rows(settings)


# Which stay


def test_older_ones_make_room_for_a_new_one(ran: Settings, made: BackedUp, stick: Path) -> None:
    """Which ones stays to be seen in test_backup_rotation.py; one of these two may be the last of another month."""
    older = {backed_up_before(stick, made, minutes=minutes).name for minutes in (1, 2)}
    second = back_up(ran.model_copy(update={"backup": ran.backup.model_copy(update={"keep": 2})}))
    assert second.removed
    assert older >= set(second.removed)
    assert set(names(stick)) == {made.path.name, second.path.name, *older} - set(second.removed)


@pytest.mark.slow
def test_who_left_since_is_not_brought_back(ran: Settings, made: BackedUp, stick: Path) -> None:
    from laktasi.store.leaving.erasing import Hers, forget
    from laktasi.store.leaving.tombstones import Person

    with opened(ran.data_folder) as con:
        run_id = con.execute("select max(run_id) from meta.runs").fetchone()
        assert run_id is not None
        her = Person(f"hmac:{'0' * 64}", "withdrew", run_id[0])
        forget(con, her, Hers({("tea", "uuid:tea-0004"): ["uuid:tea-0004"]}))
    second = back_up(ran)
    assert mini.SECRET not in (stick / shape.FORGOTTEN).read_text(encoding="utf-8")
    assert any("still hold answers of people who left" in note for note in second.notes)
    done = restore(made.path, ran, to=ran.project.parent / "back")
    assert done.forgotten == 1
    *_, traces, run, _passwords = lines_of_restored(done, ran)
    assert traces.startswith("Traces of people who left")
    assert run.startswith("Next: laktasi run")
    # Her rows were gone when the second one was made; what is left to be done with files was not done yet.
    done = restore(second.path, ran, to=ran.project.parent / "second")
    assert (done.forgotten, done.has_traces) == (0, True)
    with opened(ran.model_copy(update={"data": done.data}).data_folder) as con:
        left = con.execute("select count(*), count(*) filter (instance_id = 'uuid:tea-0004') from raw.submissions")
        assert left.fetchall() == [(11, 0)]
    (stick / shape.FORGOTTEN).write_text("[{", encoding="utf-8")
    with pytest.raises(BackupError, match=r"forgotten\.json cannot be read"):
        restore(made.path, ran, to=ran.project.parent / "again")
    assert not (ran.project.parent / "again").exists()


# Into what is there


def test_a_data_folder_that_is_there_is_refused_or_moved_aside(ran: Settings, made: BackedUp) -> None:
    before = contents(ran.data_folder.root)
    with pytest.raises(BackupError, match="is there, and not empty") as caught:
        restore(made.path, ran)
    assert "--aside" in caught.value.next_step
    assert contents(ran.data_folder.root) == before
    done = restore(made.path, ran, is_aside=True)
    assert done.aside is not None
    assert {name: data for name, data in contents(done.aside).items() if name in before} == before


NO = OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("error", [NO, KeyboardInterrupt()])
def test_what_was_moved_aside_stands_in_its_place_again_where_the_backup_cannot(
    ran: Settings, made: BackedUp, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    before = contents(ran.data_folder.root)
    beside = names(ran.project)
    built = ran.data_folder.being_restored / "data"
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self == built:
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(BackupError if error is NO else KeyboardInterrupt):
        restore(made.path, ran, is_aside=True)
    assert contents(ran.data_folder.root).items() >= before.items()
    assert names(ran.project) == beside


def test_where_nothing_can_be_moved_back_the_error_says_where_it_is(
    ran: Settings, made: BackedUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target == ran.data_folder.root:
            raise NO
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(BackupError) as caught:
        restore(made.path, ran, is_aside=True)
    (aside,) = ran.project.glob("data-before-restore-*")
    assert str(aside) in caught.value.why
    assert (aside / "warehouse.duckdb").exists()


def test_a_restore_killed_between_its_two_moves_is_told_by_the_next_command_and_taken_up(
    ran: Settings, made: BackedUp
) -> None:
    folder = ran.data_folder
    before = contents(folder.root)
    aside = folder.root.rename(ran.project / "data-before-restore-20261120T050000Z")
    shutil.copytree(made.path / "data", folder.being_restored / "data")
    for command in ("run", "status", "backup", "doctor"):
        said = " ".join(laktasi(command, "--project", ran.project).split())
        assert "laktasi restore was broken off" in said
        assert aside.name in said
    assert not folder.root.exists()
    with pytest.raises(BackupError, match="is there, and not empty"):
        restore(made.path, ran)
    assert contents(folder.root) == before
    assert names(ran.project) == ["data", "laktasi.toml", "schemas", "xlsforms"]


def test_what_was_put_aside_once_and_stays_there_hinders_nobody(ran: Settings) -> None:
    ran.data_folder.root.rename(ran.project / "data-before-restore-20261120T050000Z")
    assert ran.data_folder.put_aside is None
    ran.data_folder.check_own()


def test_a_data_folder_in_which_laktasi_up_is_at_work_is_not_moved(ran: Settings, made: BackedUp) -> None:
    place = Place(ran.data_folder)
    place.make()
    with FileLock(place.lock), pytest.raises(BackupError, match="laktasi up is at work"):
        restore(made.path, ran, is_aside=True)
    assert ran.data_folder.warehouse.exists()
    assert list(ran.project.glob("data-*")) == []


@pytest.mark.slow
def test_a_data_folder_in_which_a_run_is_at_work_is_not_moved(ran: Settings, made: BackedUp) -> None:
    with alone(ran.data_folder), pytest.raises(WarehouseError, match="another run is working"):
        restore(made.path, ran, is_aside=True)
    assert ran.data_folder.warehouse.exists()


@pytest.mark.slow
def test_the_project_s_own_files_are_left_unless_asked(ran: Settings, made: BackedUp) -> None:
    study = ran.folders.study
    study.write_text(mini.STUDY + "# newer\n", encoding="utf-8")
    ran.folders.checks.unlink()
    done = restore(made.path, ran, to=ran.project.parent / "one")
    assert done.put_back == ("schemas/checks.yml",)
    assert done.kept == ("schemas/study.yml",)
    assert study.read_text(encoding="utf-8").endswith("# newer\n")
    done = restore(made.path, ran, to=ran.project.parent / "two", replace_project=True)
    assert done.put_back == ("schemas/study.yml",)
    assert study.read_text(encoding="utf-8") == mini.STUDY


@pytest.mark.slow
def test_a_data_folder_elsewhere_is_found_by_the_settings_in_the_backup(ran: Settings) -> None:
    (ran.project / "laktasi.toml").write_text('data = "../elsewhere"\n', encoding="utf-8")
    ran.data_folder.root.rename(ran.project.parent / "elsewhere")
    settings = read_settings(ran.project)
    made = back_up(settings, to=ran.project.parent / "stick")
    shutil.rmtree(settings.data_folder.root)
    lose_everything(ran)
    done = restore(made.path, read_settings(ran.project))
    assert done.data == ran.project.parent / "elsewhere"


# The commands


def laktasi(*words: object) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert mini.SECRET not in result.output
    return result.output


@pytest.mark.slow
def test_the_commands_say_what_matters(whole: Settings, stick: Path) -> None:
    ran = whole
    said = laktasi("backup", "--project", ran.project)
    assert "12 versions of submissions" in said
    assert "It is NOT encrypted" in said
    assert "laktasi key change" in said
    (path,) = stick.iterdir()
    assert str(path) in said
    assert "is there, and not empty" in laktasi("restore", path, "--project", ran.project)
    lose_everything(ran)
    said = laktasi("restore", path, "--project", ran.project)
    assert "rows of raw.submissions: 12, the same" in said
    assert "Traces" not in said
    command = next(line for line in said.splitlines() if line.startswith("Next: laktasi verify"))
    (manifest,) = ran.data_folder.manifests.glob("*.json")
    assert command.split()[3:] == [str(manifest), "--project", str(ran.project)]


@pytest.mark.slow
def test_an_encrypted_backup_is_put_back_with_the_file_that_has_its_key(
    sealed: tuple[Settings, BackedUp], tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n", encoding="ascii")
    key_file.chmod(0o600)
    there = tmp_path / "there"
    said = laktasi("restore", sealed[1].path, "--project", there, "--key-file", key_file)
    assert "rows of raw.submissions: 12, the same" in said
    assert "NOT encrypted" not in said
    assert KEY not in said


def test_a_key_beside_the_backups_is_refused(ran: Settings, stick: Path) -> None:
    key_file = stick / "secrets" / "key"
    key_file.parent.mkdir()
    key_file.write_text(f"{KEY}\n", encoding="ascii")
    with pytest.raises(BackupError, match="the key lies in"):
        back_up(ran.model_copy(update={"key_file": key_file}))
    assert names(stick) == ["secrets"]


def test_an_encrypted_backup_says_where_its_key_is_not(sealed: tuple[Settings, BackedUp]) -> None:
    from laktasi.cli.backup import lines_of

    assert "The key is not in it" in lines_of(sealed[1])[-1]
