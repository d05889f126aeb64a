"""A person who leaves is erased wherever laktasi has put her, and nothing brings her back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from laktasi import pipeline
from laktasi.cli import main
from laktasi.errors import GateError, WarehouseError
from laktasi.forgetting import erasing, finishing
from laktasi.paths import HOUSE
from laktasi.settings import Settings, read_settings
from laktasi.store.leaving import scrubbing
from laktasi.store.warehouse import open_warehouse
from laktasi.summary import summary
from tests import mini

pytestmark = pytest.mark.slow

CODE = "K0005"
NAME = "Zubaidah Mokoginta"
IDS = ("uuid:tea-0005", "uuid:edit", "uuid:later", "uuid:draft-of-later")
TASTER = "t-of-hers"
"""What stands in tables over all records, too: nobody else has it."""
WORDS = (NAME, CODE, TASTER, "Zubaidah-was-here")
"""What no file may hold once she is forgotten."""
CORRECTIONS = """
decisions:
  # about her
  - {id: hers, action: replace, form: tea, submission: 'uuid:edit', question: age, expected: 44, value: 45,
     reason: Zubaidah-was-here, reporter: Ani, date: 2026-11-21}
  - {id: another, action: replace, form: tea, submission: 'uuid:tea-0007', question: age, expected: 27, value: 28,
     reason: r, reporter: Ani, date: 2026-11-21}
"""


def hers(number: int = 5, **changed: object) -> dict[str, object]:
    return mini.person(number, **({"code": CODE, "name": NAME, "age": 44} | changed))


def settings_of(project: Path, **given: Any) -> Settings:
    return read_settings(project, **given)


def run(settings: Settings) -> pipeline.Run:
    return pipeline.walk(settings, pipeline.WAY, door="cli")


def type_in(settings: Settings, *words: str, **given: Any) -> Result:
    return CliRunner().invoke(main, [*words, "--project", str(settings.project)], **given)


def forget(settings: Settings, *words: str) -> Result:
    done = type_in(settings, "forget", CODE, "--yes", *words)
    assert done.exit_code == 0, done.output
    return done


def ask(settings: Settings, query: str, *given: Any) -> list[tuple[Any, ...]]:
    with open_warehouse(settings.data_folder) as con:
        return con.execute(query, list(given)).fetchall()


def files_with(folder: Path, *words: str) -> dict[str, list[str]]:
    """Give the files below a folder that hold one of some words, as bytes, and which."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if held := [word for word in words if word.encode() in content]:
                found[path.relative_to(folder).as_posix()] = held
    return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with forty people; one came with an edit, a second record, a draft, decisions, files, and torn ones."""
    root = tmp_path_factory.mktemp("forget") / "project"
    project = mini.make_project(root)
    phone = mini.fill_phone(root / "phone", 40)
    mini.put(phone, "Tea_0005", mini.xml(hers(), "uuid:tea-0005"))
    mini.put(phone, "edit", mini.xml(hers(taster=TASTER), "uuid:edit", deprecated_id="uuid:tea-0005"))
    mini.put(phone, "later", mini.xml(hers(6, code=f" {CODE.lower()}"), "uuid:later"))
    (phone / "instances" / "later" / "own.txt").write_text(NAME, encoding="utf-8")
    torn = mini.xml(hers(), "uuid:torn").partition("<milk>")[0]
    (phone / "instances" / "torn").mkdir()
    (phone / "instances" / "torn" / "torn.xml").write_text(torn, encoding="utf-8")
    (phone / "instances" / "torn" / "voice.txt").write_text(NAME, encoding="utf-8")
    other = mini.xml(mini.person(60), "uuid:other-torn").partition("<milk>")[0]
    (phone / "instances" / "other").mkdir()
    (phone / "instances" / "other" / "other.xml").write_text(other, encoding="utf-8")
    (project / "schemas" / "corrections").mkdir()
    (project / "schemas" / "corrections" / "some.yml").write_text(CORRECTIONS, encoding="utf-8")
    (root / "backups").mkdir()
    (project / "laktasi.toml").write_text('phones = ["phone"]\n[backup]\nfolder = "backups"\n', encoding="utf-8")
    settings = settings_of(project)
    run(settings)
    return project


@pytest.fixture
def settings(template: Path, tmp_path: Path) -> Settings:
    """The project before she left."""
    shutil.copytree(template, tmp_path / "project")
    return settings_of(tmp_path / "project")


@dataclass(frozen=True)
class Left:
    """The project after she left, to be looked at; and what had been there."""

    settings: Settings
    told: str
    before: dict[str, list[str]]
    attachments: set[Path]


@pytest.fixture(scope="module")
def left(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    root = tmp_path_factory.mktemp("left")
    shutil.copytree(template, root / "project")
    settings = settings_of(root / "project")
    data = settings.data_folder.root
    shutil.copytree(data / "attachments", data / "as-of" / "2026-11-21" / "attachments")
    (data / "fieldwork" / "todo").mkdir(parents=True)
    (data / "fieldwork" / "todo" / "todo-t1.html").write_text(CODE, encoding="utf-8")
    before = files_with(data, *WORDS)
    attachments = {path for path in (data / "attachments").rglob("*") if path.is_file()}
    return Left(settings, forget(settings, "--by", "Dr. Sari").output, before, attachments)


@pytest.fixture
def after(left: Left, tmp_path: Path) -> Settings:
    """A copy of the project after she left."""
    shutil.copytree(left.settings.project, tmp_path / "project")
    return settings_of(tmp_path / "project")


def test_nothing_of_her_is_left_in_any_file(left: Left) -> None:
    assert {*left.before["warehouse.duckdb"]} == {*WORDS}  # else nothing would be shown by looking for them
    assert any(name.startswith("attachments/") for name in left.before)
    assert sum(name.startswith("refused/") for name in left.before) == 2
    data = left.settings.data_folder.root
    assert files_with(data, *WORDS) == {}
    # Ids stand in the tombstones alone, and the page that people sign has none.
    assert set(files_with(data, *IDS)) <= {"warehouse.duckdb"}
    assert not (data / "as-of" / "2026-11-21").exists()
    kept = {path for path in left.attachments if path.exists()}
    assert len(left.attachments) - len(kept) == 4
    assert len(kept) > 35


def test_decisions_about_her_are_taken_out_of_the_files(left: Left) -> None:
    corrections = left.settings.folders.corrections
    assert files_with(corrections, "Zubaidah", "uuid:edit", "about her") == {}
    assert "another" in (corrections / "some.yml").read_text(encoding="utf-8")
    assert ask(left.settings, "select decision_id from quality.decisions") == [("another",)]


def test_the_record_says_what_was_erased_and_not_whose(left: Left) -> None:
    assert "2 records of the form tea" in left.told
    assert f"Study code: {CODE}" in left.told
    (page,) = (left.settings.data_folder.root / "forgotten").glob("*.html")
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text(encoding="utf-8")
    for words in ("Dr. Sari", "Yang dihapus", "What was erased", "hmac:", "files that had been refused"):
        assert words in text


def test_no_table_names_her_but_the_tombstones(left: Left) -> None:
    with open_warehouse(left.settings.data_folder) as con:
        columns = con.execute(
            """
            select schema_name, table_name, column_name from duckdb_columns()
            where database_name = current_database() and not internal and table_name <> 'forgotten'
            """
        ).fetchall()
        assert len(columns) > 500
        for schema, table, column in columns:
            held = con.execute(
                f"""
                select count(*) from "{schema}"."{table}" as rows
                where len(list_filter(?, lambda word: contains(rows."{column}"::varchar, word))) > 0
                """,
                [[*WORDS, *IDS]],
            ).fetchone()
            # That there was a row is known until the next run has said that it is gone.
            is_kept = (schema, table) == ("meta", "analysed_rows") and column in ("submission_id", "instance_id")
            assert held == (0,) or is_kept, f"{schema}.{table}.{column}"


def test_what_is_published_is_published_without_her(left: Left) -> None:
    with duckdb.connect(str(left.settings.data_folder.research), read_only=True) as con:
        assert con.execute("select count(*) from staging.submissions").fetchone() == (39,)
        assert con.execute("select count(*) from marts.submissions").fetchone() == (39,)
        gone = con.execute("select cause, n from meta.changes where change = 'gone'").fetchall()
        assert gone == [("withdrew", 2)]


def test_a_phone_cannot_bring_her_back(after: Settings) -> None:
    settings = after
    phone = settings.project / "phone"
    mini.put(phone, "edit2", mini.xml(hers(age=50), "uuid:edit2", deprecated_id="uuid:edit"))
    mini.put(phone, "no-code", mini.xml(hers(code=None), "uuid:edit3", deprecated_id="uuid:edit2"))
    mini.put(phone, "visit", mini.xml(hers(8), "uuid:next-year"))
    mini.put(phone, "somebody", mini.xml(mini.person(90), "uuid:somebody"))
    told = run(settings).told["phones"]
    # The two of before with their edit, and three that are new.
    assert (told["new"], told["forgotten"], told["refused"]) == (1, 6, 1)
    assert files_with(settings.data_folder.root, *WORDS) == {}
    assert ask(settings, "select count(*) from raw.submissions where instance_id like 'uuid:edit%'") == [(0,)]
    ids = {name for (name,) in ask(settings, "select unnest(ids) from raw.forgotten where kind = 'submission'")}
    assert {"uuid:edit2", "uuid:edit3", "uuid:next-year"} <= ids
    before = ask(settings, "select count(*) from raw.forgotten")
    assert run(settings).told["phones"]["forgotten"] == 6
    assert ask(settings, "select count(*) from raw.forgotten") == before  # known by now
    assert ask(settings, "from meta.forgetting") == []


@pytest.mark.slow
def test_a_correction_that_makes_a_record_hers_erases_it(after: Settings) -> None:
    settings = after
    (settings.folders.corrections / "hers.yml").write_text(
        f"decisions:\n  - {{id: mistyped, action: replace, form: tea, submission: 'uuid:tea-0009', question: code,"
        f" expected: K0009, value: {CODE}, reason: r, reporter: Ani, date: 2026-11-22}}\n",
        encoding="utf-8",
    )
    told = run(settings).told
    assert told["forget"]["forgotten_again"] == 1
    assert told["clean"]["forgetting"] == "finished"
    assert ask(settings, "select count(*) from raw.submissions where instance_id = 'uuid:tea-0009'") == [(0,)]
    assert ask(settings, "select count(*) from staging.tea") == [(38,)]
    assert ask(settings, "select count(*) from quality.decisions where decision_id = 'mistyped'") == [(0,)]
    # The file is a person's: a run passes over what stands in it, and the command takes it out.
    assert files_with(settings.data_folder.root, CODE) == {}
    assert run(settings).told["decide"]["forgotten_decisions"] == 1
    assert type_in(settings, "forget").exit_code == 0
    assert not (settings.folders.corrections / "hers.yml").exists()


@pytest.mark.slow
def test_a_record_that_a_correction_says_is_somebody_elses_stays(settings: Settings) -> None:
    (settings.folders.corrections / "not_hers.yml").write_text(
        f"decisions:\n  - {{id: mistyped, action: replace, form: tea, submission: 'uuid:later', question: code,"
        f" expected: ' {CODE.lower()}', value: K0099, reason: r, reporter: Ani, date: 2026-11-22}}\n",
        encoding="utf-8",
    )
    run(settings)
    assert "1 records of the form tea" in forget(settings).output
    assert ask(settings, "select count(*) from raw.submissions where instance_id = 'uuid:later'") == [(1,)]
    # An edit of it still has the code as it was typed: let in, since it is known whose record it is.
    mini.put(
        settings.project / "phone",
        "later-edit",
        mini.xml(hers(6, code=CODE, age=31), "uuid:later-edit", deprecated_id="uuid:later"),
    )
    told = run(settings).told
    assert told["phones"]["new"] == 1
    # The correction is stale: it expected what the phone had sent before. So the record is hers by all that is known.
    assert told["forget"]["forgotten_again"] == 1


@pytest.mark.slow
def test_verify_tells_which_rows_are_gone(after: Settings) -> None:
    settings = after
    before, since = sorted(settings.data_folder.manifests.glob("*Z-??????.json"))
    told = type_in(settings, "verify", str(before))
    assert told.exit_code == 14, told.output
    assert "what landed: same" in told.output
    assert "forms: same" in told.output
    assert "forgotten since: 2 records of tea" in told.output
    assert "analysed rows: not to be told" in told.output
    assert not re.search(r"\d then, \d+ now", told.output)  # which would tell her answers
    assert type_in(settings, "verify", str(since)).exit_code == 0
    assert type_in(settings, "analyse", "--as-of", f"{datetime.now(UTC):%Y-%m-%d}").exit_code == 0
    (day,) = (path for path in settings.data_folder.as_of.iterdir() if path.name[0].isdigit())
    assert files_with(day, *WORDS) == {}
    # More than was forgotten is something else.
    with open_warehouse(settings.data_folder) as con:
        con.execute("delete from raw.submissions where instance_id = 'uuid:tea-0011'")
    told = type_in(settings, "verify", str(before))
    assert told.exit_code == 10, told.output
    assert "were forgotten" in told.output
    rows = json.loads((settings.data_folder.manifests / "forgotten.json").read_text(encoding="utf-8"))
    assert sum(part["n"] for one in rows for part in one["rows"] if part["place"] == "raw.submissions") == 3


@pytest.mark.slow
def test_backups_are_told(settings: Settings) -> None:
    assert type_in(settings, "backup").exit_code == 0
    told = forget(settings).output
    assert "1 backups" in told
    (backup,) = (settings.project / "backups").glob("laktasi-*")
    shutil.rmtree(settings.data_folder.root)
    assert type_in(settings, "restore", str(backup)).exit_code == 0
    assert ask(settings, "select count(*) from raw.submissions") == [(39,)]
    run(settings)
    assert files_with(settings.data_folder.root, *WORDS) == {}


def test_an_unknown_code_is_an_error_and_leaves_nothing(settings: Settings) -> None:
    told = type_in(settings, "forget", "K9999", "--yes")
    assert told.exit_code == 5
    assert "no record here has this study code" in told.output
    assert ask(settings, "from raw.forgotten") == []


@pytest.mark.slow
def test_who_may_yet_come_is_turned_away_where_that_is_meant(settings: Settings) -> None:
    done = type_in(settings, "forget", "K9999", "--yes", "--also-future")
    assert done.exit_code == 0, done.output
    assert ask(settings, "select kind, ids from raw.forgotten") == [("subject", [])]
    mini.put(settings.project / "phone", "future", mini.xml(mini.person(70, code="k 9999"), "uuid:apart"))
    mini.put(settings.project / "phone", "future2", mini.xml(mini.person(71, code="k9999"), "uuid:future"))
    told = run(settings).told["phones"]
    assert (told["new"], told["forgotten"]) == (1, 1)


def test_it_asks_and_does_nothing_without_a_yes(settings: Settings) -> None:
    told = type_in(settings, "forget", CODE, input="n\n")
    assert told.exit_code == 1
    assert told.stdout.splitlines()[-1] == "Nothing was erased."
    assert "some.yml, lines 4 to 5 (hers)" in told.output
    assert "uuid:tea-0005 (staged, 2 versions, h3, 2026-11-02)" in told.output
    assert ask(settings, "from raw.forgotten") == []
    assert "uuid:edit" in (settings.folders.corrections / "some.yml").read_text(encoding="utf-8")


def test_where_nobody_can_be_asked_it_says_what_to_do(settings: Settings) -> None:
    told = type_in(settings, "forget", CODE, input="")
    assert told.exit_code == 1
    assert told.stderr.splitlines()[-3:] == [
        "Error: nobody answered the question",
        "Nothing was erased.",
        "Next: type it in a terminal; or add --yes, which does not ask",
    ]
    assert ask(settings, "from raw.forgotten") == []


@pytest.mark.slow
def test_what_was_agreed_to_is_what_is_erased(settings: Settings) -> None:
    from laktasi.forgetting import find
    from laktasi.forgetting import forget as erase

    agreed = find(settings, CODE)
    mini.put(settings.project / "phone", "new", mini.xml(hers(8), "uuid:new"))
    run(settings)
    with pytest.raises(WarehouseError, match="not what it was when you agreed"):
        erase(settings, CODE, agreed, why="withdrew", erased_by="Ani")
    assert ask(settings, "from raw.forgotten") == []


@pytest.mark.slow
def test_a_second_time_changes_nothing_and_writes_the_record_again(after: Settings) -> None:
    settings = after
    forget(settings)  # the record names folders, and these are a copy's
    before = ask(settings, "from raw.forgotten order by all")
    (page,) = (settings.data_folder.root / "forgotten").glob("*.html")
    text = page.read_text(encoding="utf-8")
    page.unlink()
    assert "She was forgotten on" in forget(settings).output
    assert ask(settings, "from raw.forgotten order by all") == before
    assert page.read_text(encoding="utf-8") == text


@pytest.mark.slow
def test_where_a_gate_stops_the_publication_she_is_taken_out_of_it_all_the_same(settings: Settings) -> None:
    research = settings.data_folder.research
    with duckdb.connect(str(research), read_only=True) as con:
        views = con.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall()
        comments = con.execute("select count(*) from duckdb_columns() where comment is not null").fetchone()

    def stop(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
        raise GateError("stopped")

    with pytest.MonkeyPatch.context() as patched:
        steps = tuple(pipeline.Step("gate", stop) if step is pipeline.GATE else step for step in pipeline.ANALYSING)
        patched.setattr(pipeline, "ANALYSING", steps)
        told = type_in(settings, "forget", CODE, "--yes")
    assert told.exit_code == 9, told.output
    assert "computed with her" in told.output
    # What only she had said may be in tables over all records, until these can be published anew.
    assert files_with(settings.data_folder.root, NAME, CODE, "Zubaidah-was-here") == {}
    with duckdb.connect(str(research), read_only=True) as con:
        assert con.execute("select count(*) from staging.submissions").fetchone() == (39,)
        assert con.execute("select count(*) from staging.tea").fetchone() == (39,)
        assert con.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall() == views
        assert con.execute("select count(*) from duckdb_columns() where comment is not null").fetchone() == comments


slow = pytest.mark.slow
STOPS = [
    pytest.param(erasing, "finish", marks=slow),
    pytest.param(finishing, "_empty_shelves", marks=slow),
    pytest.param(finishing, "_remove_as_of", marks=slow),
    pytest.param(finishing, "_redact", marks=slow),
    pytest.param(finishing, "_rewrite"),
    pytest.param(scrubbing, "sync", marks=slow),
    pytest.param(erasing, "write_record", marks=slow),
    pytest.param(pipeline, "walk", marks=slow),
]


@pytest.mark.parametrize(("module", "name"), STOPS, ids=lambda value: getattr(value, "__name__", value))
def test_broken_off_anywhere_the_next_run_finishes(settings: Settings, module: Any, name: str) -> None:
    class PowerCutError(BaseException):
        pass

    def stop(*_args: Any, **_given: Any) -> None:
        raise PowerCutError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, name, stop)
        with pytest.raises(PowerCutError):
            type_in(settings, "forget", CODE, "--yes")
    run(settings)
    assert files_with(settings.data_folder.root, *WORDS) == {}
    assert ask(settings, "select count(*) from raw.submissions") == [(39,)]
    assert ask(settings, "from meta.forgetting") == []
    assert not [path for path in settings.data_folder.root.rglob("*") if ".new" in path.name or ".tmp-" in path.name]
    forget(settings)
    assert len(list((settings.data_folder.root / "forgotten").glob("*.html"))) == 1
    assert files_with(settings.folders.corrections, "uuid:edit") == {}


def test_rows_and_tombstone_go_and_come_together(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from laktasi.store.leaving import erasing as erased_rows

    def stop(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(erased_rows, "_empty_comparison", stop)
    assert type_in(settings, "forget", CODE, "--yes").exit_code == 5
    assert ask(settings, "from raw.forgotten") == []
    assert ask(settings, "select count(*) from raw.submissions where instance_id = 'uuid:edit'") == [(1,)]


@pytest.mark.slow
def test_no_room_for_the_new_file_is_said_and_made_up_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("laktasi.store.room.SPARE", 2**62)
        told = type_in(settings, "forget", CODE, "--yes")
        assert told.exit_code == 5
        assert "cannot be written anew" in told.output
        assert "cannot be written anew" in run(settings).told["clean"]["forgetting"]
    assert type_in(settings, "forget").exit_code == 0
    assert files_with(settings.data_folder.root, *WORDS) == {}


@pytest.mark.slow
def test_an_encrypted_warehouse_is_written_anew_encrypted(template: Path, tmp_path: Path) -> None:
    shutil.copytree(template, tmp_path / "project", ignore=shutil.ignore_patterns("data"))
    settings = settings_of(tmp_path / "project", key=SecretStr("k" * 40))
    run(settings)
    from laktasi.forgetting import find
    from laktasi.forgetting import forget as erase
    from laktasi.store.sealing import is_encrypted

    erase(settings, CODE, find(settings, CODE), why="withdrew", erased_by="Ani")
    assert is_encrypted(settings.data_folder.warehouse)
    assert settings.data_folder.warehouse.stat().st_mode & 0o777 == 0o600
    assert ask(settings, "select count(*) from raw.submissions") == [(39,)]
    assert ask(settings, "select count(*) from raw.refused") == [(1,)]
    assert len(list(settings.data_folder.refused.iterdir())) == 1
    kept = {path.name for path in settings.data_folder.attachments.rglob("*") if path.is_file()}
    assert len(kept) == ask(settings, "select count(distinct sha256) from raw.attachments")[0][0]


def test_a_study_without_study_codes_says_so(tmp_path: Path) -> None:
    study = mini.STUDY.replace("subject: code, ", "")
    settings = settings_of(mini.make_project(tmp_path / "project", study=study))
    with open_warehouse(settings.data_folder):
        pass
    told = type_in(settings, "forget", CODE, "--yes")
    assert told.exit_code == 7
    assert "does not say which question" in told.output


def test_a_file_that_cannot_be_taken_apart_stops_before_anything_is_erased(settings: Settings) -> None:
    path = settings.folders.corrections / "some.yml"
    entries = [line.strip() for line in CORRECTIONS.splitlines() if line.strip() and "decisions" not in line]
    path.write_text("decisions: [" + " ".join(entries[1:]).replace("- {", "{").replace("} {", "}, {") + "]\n")
    told = type_in(settings, "forget", CODE, "--yes")
    assert told.exit_code == 6, told.output
    assert "some.yml (hers: lines 1 to 1)" in told.output
    assert ask(settings, "from raw.forgotten") == []


@pytest.mark.slow
def test_without_the_key_she_is_known_by_her_records_alone(after: Settings) -> None:
    settings = after
    settings.data_folder.secret.unlink()
    mini.put(settings.project / "phone", "edit2", mini.xml(hers(), "uuid:edit2", deprecated_id="uuid:edit"))
    mini.put(settings.project / "phone", "visit", mini.xml(hers(8), "uuid:next-year"))
    done = run(settings)
    assert (done.told["phones"]["new"], done.told["phones"]["forgotten"]) == (1, 4)
    assert any("secret.key is not in the data folder" in line for line in summary(settings))
    assert not settings.data_folder.secret.exists()  # another key would know nobody
    assert "another one was made" in forget(settings).output
    assert files_with(settings.data_folder.root, *WORDS) == {}
    assert run(settings).told["phones"]["new"] == 0


def test_the_key_is_made_before_anybody_leaves(settings: Settings) -> None:
    assert settings.data_folder.secret.exists()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of itself: needs Linux or macOS")
def test_killed_anywhere_the_next_run_leaves_nothing_of_her(settings: Settings) -> None:
    driver = Path(__file__).with_name("forget_kill_driver.py")
    points = os.environ.get("LAKTASI_TEST_KILLS", "6")
    done = subprocess.run(
        [sys.executable, str(driver), str(settings.project), CODE, points, *WORDS],
        capture_output=True,
        text=True,
        cwd=HOUSE,
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(told["killed"])
    assert any(told["erased"])
    assert told["left"] == {}
