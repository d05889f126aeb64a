"""Others at the same files: a second run, a program with the warehouse open, a researcher, somebody who tidies up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from laktasi import pipeline
from laktasi.cli import main
from laktasi.doctor import Finding
from laktasi.doctor.patient import admit
from laktasi.doctor.warehouse import look_at_warehouse
from laktasi.errors import WarehouseError
from laktasi.settings import Settings, read_settings
from laktasi.store.warehouse import newest_research, open_research, open_warehouse
from tests import mini
from tests.history import checking_nothing

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project and a phone, and what a whole run has made of them: to be copied."""
    root = tmp_path_factory.mktemp("world")
    settings = settings_in(root)
    with checking_nothing():
        run(settings)
    return root


@pytest.fixture
def settings(world: Path, tmp_path: Path) -> Iterator[Settings]:
    """A copy of it."""
    shutil.copytree(world, tmp_path, dirs_exist_ok=True)
    with checking_nothing():
        yield settings_in(tmp_path)


def settings_in(root: Path) -> Settings:
    project, phone = root / "project", root / "phone"
    if not project.exists():
        mini.fill_phone(phone, 3)
        mini.make_project(project)
    (project / "laktasi.toml").write_text(f"phones = [{str(phone)!r}]\n", encoding="utf-8")
    return read_settings(project)


def run(settings: Settings) -> str:
    return pipeline.walk(settings, pipeline.WAY, door="cli").run_id


def typed(settings: Settings) -> Result:
    """Give what a person sees who types laktasi run."""
    return CliRunner().invoke(main, ["run", "--no-prefect", "--project", str(settings.project)])


@contextmanager
def elsewhere(code: str) -> Iterator[None]:
    """Let another process do something, and keep it until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}\nprint('held', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.communicate("\n")


def staged(settings: Settings) -> int:
    with open_research(settings.data_folder.research) as con:
        (found,) = con.execute("select count(*) from staging.tea").fetchall()
    return int(found[0])


def test_a_second_run_says_that_one_is_at_work(settings: Settings) -> None:
    lock = f"from filelock import FileLock; lock = FileLock({str(settings.data_folder.lock)!r}); lock.acquire()"
    with elsewhere(lock):
        told = typed(settings)
    assert told.exit_code == WarehouseError.exit_code
    assert "another run is working" in told.output
    assert "wait until it has ended" in told.output
    assert typed(settings).exit_code == 0
    assert staged(settings) == 3


def test_a_warehouse_that_another_program_has_open_is_said_and_nothing_is_lost(settings: Settings) -> None:
    with elsewhere(f"import duckdb; con = duckdb.connect({str(settings.data_folder.warehouse)!r})"):
        told = typed(settings)
    assert told.exit_code == WarehouseError.exit_code
    assert "warehouse.duckdb is in use by another process" in told.output
    assert "close the program that has the file open" in told.output
    assert typed(settings).exit_code == 0
    assert staged(settings) == 3


@pytest.mark.slow
def test_a_program_that_opens_the_warehouse_in_the_middle_of_a_run_stops_it_at_a_step(
    settings: Settings, tmp_path: Path
) -> None:
    mini.put(tmp_path / "phone", "new", mini.xml(mini.person(7), "uuid:new"))

    def call(step: pipeline.Step, run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
        if step is not pipeline.STAND:
            return pipeline.directly(step, run, progress)
        with elsewhere(f"import duckdb; con = duckdb.connect({str(settings.data_folder.warehouse)!r})"):
            return pipeline.directly(step, run, progress)

    with pytest.raises(WarehouseError, match="in use by another process"):
        pipeline.walk(settings, pipeline.WAY, door="cli", call=call)
    assert staged(settings) == 3, "people have what was published before"
    run(settings)
    assert staged(settings) == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows forbids renaming over an open file; that is tried below")
@pytest.mark.slow
def test_a_researcher_may_keep_the_research_copy_open(settings: Settings, tmp_path: Path) -> None:
    mini.put(tmp_path / "phone", "new", mini.xml(mini.person(7), "uuid:new"))
    with elsewhere(f"import duckdb; con = duckdb.connect({str(settings.data_folder.research)!r}, read_only=True)"):
        run(settings)
        assert staged(settings) == 4


@pytest.mark.slow
def test_where_an_open_file_cannot_be_replaced_all_that_reads_finds_the_new_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Windows does while a researcher has research.duckdb open."""
    before = settings.data_folder.research.read_bytes()
    mini.put(tmp_path / "phone", "new", mini.xml(mini.person(7), "uuid:new"))
    replace = Path.replace

    def forbidden(self: Path, target: Path) -> Path:
        if Path(target) == settings.data_folder.research:
            raise PermissionError("in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", forbidden)
    second = run(settings)
    assert settings.data_folder.research.read_bytes() == before
    assert staged(settings) == 4
    shown = CliRunner().invoke(main, ["sql", "from meta.latest_run", "--project", str(settings.project)])
    assert second in shown.output
    monkeypatch.undo()
    with checking_nothing():
        run(settings)
    assert newest_research(settings.data_folder.research) == settings.data_folder.research
    assert staged(settings) == 4


def look(settings: Settings) -> list[Finding]:
    """Give what the doctor says of files of submissions."""
    found = look_at_warehouse(admit(settings.project, settings.data_folder.root))
    return [finding for finding in found if finding.name == "attachments"]


def test_files_that_somebody_took_away_are_said_and_come_back_with_the_phones_folder(settings: Settings) -> None:
    assert look(settings) == []
    attachments = settings.data_folder.attachments
    there = {path.relative_to(attachments): path.read_bytes() for path in attachments.rglob("*") if path.is_file()}
    shutil.rmtree(attachments)
    run(settings)  # goes on without them, and has brought back what the phones' folders still have
    assert look(settings) == []
    assert {path.relative_to(attachments): path.read_bytes() for path in attachments.rglob("*") if path.is_file()} == (
        there
    )
    next(path for path in attachments.rglob("*") if path.is_file()).unlink()
    (said,) = look(settings)
    assert said.state == "wrong"
    assert said.sentence.startswith("1 files of submissions are gone")
    assert "laktasi restore" in said.next_step


@pytest.mark.slow
def test_a_folder_of_which_all_but_the_warehouse_is_gone_is_worked_in(settings: Settings) -> None:
    for path in settings.data_folder.root.iterdir():
        if path.name == "warehouse.duckdb":
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    run(settings)
    assert staged(settings) == 3
    assert settings.data_folder.report.exists()


def test_a_torn_warehouse_is_said_and_left_as_it_is(settings: Settings) -> None:
    whole = settings.data_folder.warehouse.read_bytes()
    torn = whole[: len(whole) // 2]
    settings.data_folder.warehouse.write_bytes(torn)
    told = typed(settings)
    assert told.exit_code == WarehouseError.exit_code
    assert "warehouse.duckdb cannot be opened: it is torn" in told.output
    assert "put back a backup" in told.output
    assert settings.data_folder.warehouse.read_bytes() == torn
    assert staged(settings) == 3, "what was published can still be read"
    settings.data_folder.warehouse.write_bytes(whole)
    with open_warehouse(settings.data_folder) as con:
        assert con.execute("select count(*) from raw.submissions").fetchall() == [(3,)]


def test_the_warehouse_is_never_left_open(settings: Settings) -> None:
    """Between two runs anybody may open the file: it holds all of what was written, and no log lies beside it."""
    assert not Path(f"{settings.data_folder.warehouse}.wal").exists()
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        assert con.execute("select status from meta.runs").fetchall() == [("finished",)]
