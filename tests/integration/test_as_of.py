"""What was known by a day, analysed again with today's code: the same pipeline over what had landed by then."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from filelock import FileLock

from laktasi.cli import main
from laktasi.errors import LaktasiError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.records import Attachment, Attachments, Refused
from laktasi.reproducing import analyse_as_of, moment_of
from laktasi.secret import key_of
from laktasi.settings import Settings
from laktasi.store import answers, as_of, raw
from laktasi.store.as_of import bring_known, has_submissions, marks, sources
from laktasi.store.comparing import compare
from laktasi.store.decisions import land_decisions
from laktasi.store.manifests import read_manifest
from laktasi.store.warehouse import open_warehouse
from laktasi.workplace import opened
from tests import mini
from tests.history import FIRST, checking_nothing, history, manifests, put
from tests.integration.kill_driver import contents
from tests.warehouse_fixture import Warehouse, form, submission, warehouse

pytestmark = pytest.mark.slow


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def settings(past: Settings) -> Settings:
    return past


@pytest.fixture(scope="module")
def there(settings: Settings) -> Settings:
    """The analysis of the first day, begun by a call that broke off, and finished by the next."""
    moment = moment_of("2026-02-01")
    before = contents(settings.data_folder.warehouse), settings.data_folder.research.read_bytes()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(answers, "load_answers", None)
        with pytest.raises(TypeError):
            analyse_as_of(settings, moment)
    folder = DataFolder(settings.data_folder.as_of / "2026-02-01")
    assert folder.warehouse.exists()
    assert not folder.research.exists()
    with checking_nothing():
        found = analyse_as_of(settings, moment).settings
    assert (contents(settings.data_folder.warehouse), settings.data_folder.research.read_bytes()) == before
    return found


def test_the_analysis_of_a_day_is_that_of_the_run_on_that_day(settings: Settings, there: Settings) -> None:
    of_that_day, today = manifests(settings)
    (again,) = manifests(there)
    assert compare(read_manifest(of_that_day), read_manifest(again)).wrong == []
    assert len(compare(read_manifest(today), read_manifest(again)).wrong) > 3
    assert read_manifest(again)["known"] == read_manifest(of_that_day)["known"] | {
        "until": read_manifest(again)["known"]["until"],
        "last_landing_run": read_manifest(again)["known"]["last_landing_run"],
    }


def test_records_edits_deletions_and_decisions_are_those_known_then(settings: Settings, there: Settings) -> None:
    def level(of: Settings, submission_id: str) -> Any:
        query = f"select cups from marts.analysed where submission_id = 'uuid:{submission_id}'"
        return next(iter(ask(of.data_folder.research, query)), None)

    named = ("new", "tea-0001", "tea-0002", "tea-0003", "tea-0004")
    assert {name: level(settings, name) for name in named} == {
        "new": (2,),
        "tea-0001": (1,),  # its correction was withdrawn
        "tea-0002": (2,),
        "tea-0003": (3,),
        "tea-0004": None,
    }
    assert {name: level(there, name) for name in named} == {
        "new": None,
        "tea-0001": (3,),
        "tea-0002": (1,),
        "tea-0003": (2,),
        "tea-0004": (2,),
    }


def test_a_decision_holds_until_its_own_last_day(settings: Settings, there: Settings) -> None:
    query = "select state from quality.decision_states where decision_id = 'b'"
    assert ask(there.data_folder.research, query) == [("applied",)]
    assert ask(settings.data_folder.research, query) == [("expired",)]


def test_a_record_is_accepted_while_its_okay_holds(tmp_path: Path) -> None:
    settings = history(tmp_path, checked=True)
    there = analyse_as_of(settings, moment_of("2026-02-01")).settings
    query = "select is_accepted from marts.submissions where submission_id = 'uuid:bad'"
    assert ask(there.data_folder.research, query) == [(True,)]
    assert ask(settings.data_folder.research, query) == [(False,)]
    of_that_day, _ = manifests(settings)
    (again,) = manifests(there)
    assert compare(read_manifest(of_that_day), read_manifest(again)).wrong == []


def test_nothing_private_is_doubled_but_the_warehouse(settings: Settings, there: Settings) -> None:
    folder = there.data_folder
    assert stat.S_IMODE(settings.data_folder.as_of.stat().st_mode) == stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.warehouse.stat().st_mode) == 0o600
    assert {path.name for path in folder.root.iterdir()} == {
        *("warehouse.duckdb", "research.duckdb", "report", "manifests", "run.lock", "turn.lock", "DERIVED.txt"),
    }
    assert folder.attachments == settings.data_folder.attachments
    secret = mini.SECRET.encode()
    holds = {path.name for path in folder.root.rglob("*") if path.is_file() and secret in path.read_bytes()}
    assert holds == {"warehouse.duckdb"}


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--no-prefect"],
        ["run"],
        ["import", "."],
        ["analyse"],
        ["analyse", "--as-of", "2026-02-01"],
        ["release"],
        ["findings", "accept", "x", "--reason", "r", "--reviewer", "Ani"],
        ["findings", "correct", "x", "--value", "y", "--reason", "r", "--reporter", "Ani"],
        ["back-checks", "sample"],
        ["feedback"],
    ],
    ids=" ".join,
)
def test_nothing_is_written_in_a_derived_folder_as_if_it_were_a_data_folder(
    settings: Settings, there: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = there.data_folder.root
    before = sorted(folder.rglob("*"))
    told = CliRunner().invoke(main, [*words, "--project", str(settings.project), "--data", str(folder)])
    assert told.exit_code == WarehouseError.exit_code, told.output
    assert "holds an analysis of what was known by then" in told.output
    assert "Next: work in the data folder that it was made from" in told.output
    assert sorted(folder.rglob("*")) == before


def test_a_derived_folder_has_no_key_of_its_own_wherever_it_is_moved_to(there: Settings, tmp_path: Path) -> None:
    moved = DataFolder(tmp_path / "moved")
    shutil.copytree(there.data_folder.root, moved.root)
    for is_there in (False, True):
        if is_there:  # made before such folders were marked
            moved.secret.write_text("0" * 64, encoding="ascii")
        with pytest.raises(WarehouseError, match="holds an analysis of what was known by then"):
            key_of(moved)
        assert moved.secret.exists() is is_there


def test_a_derived_folder_is_read(settings: Settings, there: Settings) -> None:
    for words in (["status"], ["findings"], ["changes"], ["changes", "--rows"], ["sql", "from marts.analysed"]):
        told = CliRunner().invoke(
            main, [*words, "--project", str(settings.project), "--data", str(there.data_folder.root)]
        )
        assert told.exit_code == 0, told.output


@pytest.mark.usefixtures("unchecked")
def test_the_same_again_adds_a_run_and_what_was_erased_since_is_gone(own: Settings) -> None:
    there = analyse_as_of(own, moment_of("2026-02-01")).settings
    before = contents(there.data_folder.warehouse), contents(there.data_folder.research)
    words = ["analyse", "--as-of", "2026-02-01", "--project", str(own.project)]
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 0, again.output
    assert "What had landed by 2026-02-01 23:59:59 UTC" in again.output
    assert f"Report: {there.data_folder.report}\n" in again.output
    assert (contents(there.data_folder.warehouse), contents(there.data_folder.research)) == before
    runs = len(manifests(there))
    with duckdb.connect(str(own.data_folder.warehouse)) as con:
        con.execute("delete from raw.submissions where instance_id = 'uuid:tea-0007'")
    analyse_as_of(own, moment_of("2026-02-01T23:00:00Z"))  # another folder
    assert ask(there.data_folder.research, "select count(*) from staging.tea") == [(13,)]
    analyse_as_of(own, moment_of("2026-02-01"))
    assert ask(there.data_folder.research, "select count(*) from staging.tea") == [(12,)]
    assert ask(there.data_folder.warehouse, "select count(*) from raw.submissions") == [(12,)]
    assert len(manifests(there)) == runs + 1


def test_before_anything_was_known_there_is_one_clear_error(settings: Settings) -> None:
    words = ["analyse", "--as-of", "2026-01-31", "--project", str(settings.project)]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == WarehouseError.exit_code
    assert "nothing had come in by 2026-01-31 23:59:59 UTC" in told.output
    assert "The first submission landed by 2026-02-01 09:00:0" in told.output
    assert not (settings.data_folder.as_of / "2026-01-31").exists()


def test_the_moment_at_which_the_first_was_known_is_named_so_that_it_is_enough(settings: Settings) -> None:
    (landed,) = ask(settings.data_folder.warehouse, "select min(landed_at) from raw.submissions")[0]
    just_before = landed.astimezone(UTC) - timedelta(microseconds=1)
    with pytest.raises(WarehouseError, match="nothing had come in by") as told:
        analyse_as_of(settings, moment_of(just_before.isoformat()))
    named = told.value.why.removeprefix("The first submission landed by ").removesuffix(" UTC.")
    assert landed <= moment_of(named).until < landed + timedelta(seconds=1)


@pytest.mark.parametrize("name", ["as-of", "as-of/2026-02-01"])
def test_a_file_in_the_place_of_a_folder_is_one_clear_error(own: Settings, name: str) -> None:
    place = own.data_folder.root / name
    place.parent.mkdir(exist_ok=True)
    place.touch()
    with pytest.raises(WarehouseError, match=r"cannot be made \(File exists\)"):
        analyse_as_of(own, moment_of("2026-02-01"))


def test_a_run_at_work_is_not_disturbed(settings: Settings) -> None:
    with FileLock(settings.data_folder.lock), pytest.raises(WarehouseError, match="another run is working"):
        analyse_as_of(settings, moment_of("2026-02-02"))


@pytest.mark.usefixtures("unchecked")
def test_without_a_day_what_has_landed_is_analysed(own: Settings) -> None:
    settings = own
    put(settings.project.parent / "phone", "later", 30)
    (settings.data_folder.manifests / "29990101T000000000Z-000000.json").touch()  # the clock was set back since
    ran = CliRunner().invoke(main, ["analyse", "--project", str(settings.project)])
    assert ran.exit_code == 0, ran.output
    # The phone's folder was not asked. The okay's last day has passed by now, as it had in the run before.
    assert "no row of the analysis has changed" in ran.output
    assert len(manifests(settings)) == 4
    assert f"Manifest: {manifests(settings)[-2]}\n" in ran.output


# Moments


def test_a_day_is_whole_and_in_utc_and_a_time_has_its_offset() -> None:
    day = moment_of("2026-02-01")
    assert (day.until, day.day, day.name) == (
        datetime(2026, 2, 1, 23, 59, 59, 999999, UTC),
        date(2026, 2, 1),
        "2026-02-01",
    )
    time = moment_of("2026-02-01T03:30+07:00")
    assert (time.until, time.day, time.name) == (
        datetime(2026, 1, 31, 20, 30, tzinfo=UTC),
        date(2026, 2, 1),
        "2026-01-31T203000Z",
    )
    assert moment_of("2026-02-01T03:30").until == datetime(2026, 2, 1, 3, 30, tzinfo=UTC)


def test_today_is_not_over_and_tomorrow_is_refused() -> None:
    now = datetime.now(UTC)
    assert "the day is not over" in moment_of(now.date().isoformat()).told
    with pytest.raises(LaktasiError, match="lies ahead"):
        moment_of((now + timedelta(days=2)).date().isoformat())
    with pytest.raises(LaktasiError, match="lies ahead"):
        moment_of((now + timedelta(hours=1)).isoformat())


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-13-01", "01/02/2026", "2026-02-01T25:00"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(LaktasiError, match="is no day and no time"):
        moment_of(text)


# What is brought


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path / "data") as opened:
        yield opened


def fill(house: Warehouse, number: int, photo: Path) -> datetime:
    """Let something land of every kind that changes what is derived; give when the last of it did."""
    items = (
        form(str(number)),
        submission(f"u{number}"),
        submission(f"v{number}"),
        Attachments("phones", "visit", f"u{number}", (Attachment("photo.jpg", photo),)),
        Refused(photo, f"torn{number}.xml", "torn"),
    )
    raw.land(house.con, house.folder, items, house.run_id)
    row = dict.fromkeys(
        ("form_id", "submission_id", "question", "rule_id", "finding_id", "expected", "value", "parent")
    )
    decided = {**row, "decision_id": f"d{number}", "action": "withdraw", "row": "", "withdraws": "x", "reason": "r"}
    decided |= {"reporter": "Ani", "decided_on": date(2026, 11, 20), "until": None}
    land_decisions(house.con, house.run_id, [decided])
    found: datetime = house.rows("select max(landed_at) from quality.decisions")[0][0]
    return found


def test_every_source_is_brought_up_to_the_moment_and_no_further(house: Warehouse, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"x")
    moments = [fill(house, number, photo) for number in (1, 2, 3)]
    assert sorted(moments) == moments
    for number, moment in enumerate(moments, 1):
        folder = DataFolder(tmp_path / str(number))
        assert bring_known(house.con, moment, folder)
        assert not bring_known(house.con, moment, folder)
        with open_warehouse(folder) as con:
            counts = {table: count for table, (count, _) in marks(con).items() if count}
            assert marks(con) == marks(house.con, moment)
        assert counts == {
            ("raw", "forms"): number,
            ("raw", "submissions"): 2 * number,
            ("raw", "attachments"): number,
            ("raw", "refused"): number,
            ("quality", "decisions"): number,
        }
    # to the microsecond
    assert marks(house.con, moments[1] - timedelta(microseconds=1))["quality", "decisions"][0] == 1
    assert not has_submissions(house.con, FIRST)


def test_every_table_of_raw_says_when_its_rows_came(house: Warehouse) -> None:
    tables = {name for (name,) in house.rows("select table_name from duckdb_tables() where schema_name = 'raw'")}
    # A tombstone is no source: of whom it tells nothing is here.
    assert tables - {"forgotten"} == {table for schema, table in sources(house.con) if schema == "raw"}
    for (schema, table), came in sources(house.con).items():
        house.rows(f'select {came} from {schema}."{table}"')


@pytest.mark.parametrize("broken", ["fsync", "replace", "marks"])
def test_a_warehouse_has_its_name_only_when_it_is_whole(
    house: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"x")
    moments = [fill(house, number, photo) for number in (1, 2)]
    folder = DataFolder(tmp_path / "there")
    bring_known(house.con, moments[0], folder)
    before = folder.warehouse.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("the plug was pulled")

    with monkeypatch.context() as patched:
        match broken:
            case "fsync":
                patched.setattr(os, "fsync", fail)
            case "replace":
                patched.setattr(Path, "replace", fail)
            case "marks":
                patched.setattr(as_of, "sources", fail)
        with pytest.raises(OSError, match="plug"):
            bring_known(house.con, moments[1], folder)
    assert folder.warehouse.read_bytes() == before
    assert bring_known(house.con, moments[1], folder)
    with open_warehouse(folder) as con:
        assert marks(con) == marks(house.con)
    assert {path.name for path in folder.root.iterdir()} == {"warehouse.duckdb"}


@pytest.mark.parametrize("torn", ["empty", "noise", "zeros", "half"])
def test_a_copy_that_cannot_be_read_is_made_anew(house: Warehouse, tmp_path: Path, torn: str) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"x")
    moment = fill(house, 1, photo)
    folder = DataFolder(tmp_path / "there")
    bring_known(house.con, moment, folder)
    whole = folder.warehouse.read_bytes()
    spoiled = bytearray(whole)
    for start in range(20_000, len(whole), 40_000):
        spoiled[start : start + 64] = bytes(64)
    folder.warehouse.write_bytes(
        {"empty": b"", "noise": os.urandom(5000), "zeros": bytes(spoiled), "half": whole[: len(whole) // 2]}[torn]
    )
    assert bring_known(house.con, moment, folder)
    with open_warehouse(folder) as con:
        assert marks(con) == marks(house.con, moment)


def test_a_spoiled_copy_is_told_to_be_deleted_and_no_backup_to_be_put_back(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "2026-02-01")
    folder.mark_derived()
    folder.warehouse.write_bytes(b"noise" * 1000)
    with pytest.raises(WarehouseError, match="is torn") as told, opened(folder):
        pass
    assert told.value.next_step.startswith(f"delete {folder.root}, then run the command again: it is a copy")
    folder.warehouse.unlink()
    with pytest.raises(WarehouseError, match="could not be worked on") as told, opened(folder) as con:
        con.execute("select cast('x' as integer)")
    assert f"delete {folder.root}" in told.value.next_step


def test_what_lands_after_a_decision_is_later_though_the_clock_was_set_back(house: Warehouse, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"x")
    fill(house, 1, photo)
    ahead = datetime(2090, 1, 1, tzinfo=UTC)
    house.con.execute("update quality.decisions set landed_at = ?", [ahead])
    last = fill(house, 2, photo)
    assert last > ahead
    assert marks(house.con, ahead)["raw", "submissions"][0] == 2
    assert marks(house.con)["raw", "submissions"][0] == 4
