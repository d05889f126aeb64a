"""`laktasi doctor` as people call it: what it prints, how it ends, and that it works where nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import laktasi.doctor
from laktasi.cli import main
from laktasi.doctor import LOOKS, Finding, Patient
from laktasi.paths import DataFolder
from laktasi.settings.private_file import private_environment, write_private_environment
from laktasi.store.warehouse import open_warehouse
from tests import mini
from tests.doctored import project
from tests.scripted_server import nobody_answers

__all__ = ["project"]
SECRET = "correct-horse-battery-staple-1234567890"


def doctor(project: Path, *words: object) -> Result:
    """Run the command. It never shows a secret, and never ends with a traceback."""
    result = CliRunner().invoke(main, ["doctor", "--project", str(project), *map(str, words)])
    assert SECRET not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def everything_below(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mode, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def sound(project: Path) -> Path:
    """Give a project with a warehouse, in which nothing is wrong."""
    mini.make_project(project)
    (project / "laktasi.toml").write_text('language = "id"\n', encoding="utf-8")
    with open_warehouse(DataFolder(project / "data")):
        pass
    return project


def test_where_nothing_is_wrong_it_ends_with_0_and_has_changed_nothing(sound: Path) -> None:
    before = everything_below(sound)
    result = doctor(sound, "--json")
    found = json.loads(result.stdout)
    assert [one for one in found if one["state"] == "wrong"] == []
    assert result.exit_code == 0
    assert {"python", "packages", "settings", "warehouse", "data folder", "project", "backup"} <= {
        one["name"] for one in found
    }
    assert [one for one in found if (one["state"] == "ok") == bool(one["next_step"])] == []
    assert everything_below(sound) == before


def test_into_a_pipe_it_prints_a_line_for_each_thing(sound: Path) -> None:
    lines = doctor(sound).stdout.splitlines()
    assert lines[0].split("\t") == ["state", "name", "sentence", "next_step"]
    assert {line.split("\t")[0] for line in lines[1:]} <= {"ok", "warning", "wrong"}
    assert {len(line.split("\t")) for line in lines} == {4}


def test_on_a_terminal_each_thing_is_shown_with_what_to_do(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.cli.doctor.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    shown = doctor(sound).stdout
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    assert "✓ python" in shown
    assert "! backup" in shown
    assert "Next: laktasi backup --to FOLDER" in " ".join(shown.split())
    assert "0 wrong" in shown


def test_what_is_wrong_is_named_and_has_its_exit_code(sound: Path) -> None:
    (sound / "data" / "warehouse.duckdb").write_bytes(b"torn")
    result = doctor(sound)
    assert result.exit_code == 12
    assert "something is wrong: warehouse" in result.stderr


def test_where_everything_is_broken_every_look_still_has_its_say(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "laktasi.toml").write_text(f'language = \npassword = "{SECRET}"\n', encoding="utf-8")
    write_private_environment(project, {"LAKTASI_CENTRAL__PASSWORD": SECRET}).chmod(0o644)
    (project / "data").write_text("a file in its place", encoding="utf-8")
    (project / "xlsforms").write_text("another", encoding="utf-8")
    monkeypatch.setenv("LAKTASI_KEY", SECRET)
    monkeypatch.setenv("LAKTASI_LANGAUGE", SECRET)
    monkeypatch.setenv("PREFECT_API_URL", f"http://me:{SECRET}@127.0.0.1:1/api")
    result = doctor(project, "--json")
    assert result.exit_code == 12
    found = json.loads(result.stdout)
    assert {"settings", "secrets", "data folder", "prefect"} <= {
        one["name"] for one in found if one["state"] == "wrong"
    }
    assert [one for one in found if "could not be looked at" in one["sentence"]] == []


def test_a_sick_project_with_readable_settings_still_gets_every_look(project: Path) -> None:
    mini.make_project(project, study="rolls: {}")
    away = nobody_answers()
    (project / "laktasi.toml").write_text(
        f'phones = ["gone"]\nkey_file = "gone.key"\n[central]\nurl = "{away}"\nproject = 1\nemail = "me@example.org"\n'
        '[backup]\nfolder = "gone"\n',
        encoding="utf-8",
    )
    write_private_environment(project, {"LAKTASI_CENTRAL__PASSWORD": SECRET, "LAKTASI_NOTIFY__TO": f"json://{SECRET}"})
    (project / "data").mkdir(mode=0o755)
    (project / "data" / "warehouse.duckdb").write_bytes(b"torn")
    (project / "data" / "research.duckdb").write_bytes(b"torn")
    found = json.loads(doctor(project, "--json").stdout)
    wrong = {one["name"] for one in found if one["state"] == "wrong"}
    assert {"key", "data folder", "warehouse", "research copy", "project", "central"} <= wrong
    assert {"phones", "backup"} <= {one["name"] for one in found if one["state"] == "warning"}
    assert [one for one in found if "could not be looked at" in one["sentence"]] == []


def test_a_look_that_breaks_is_itself_a_finding(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_at_the_stars(_: Patient) -> Iterator[Finding]:
        raise RuntimeError(SECRET)
        yield

    def look_at_a_package(_: Patient) -> Iterator[Finding]:
        raise ImportError(SECRET, name="stars")
        yield

    monkeypatch.setattr(laktasi.doctor, "LOOKS", (look_at_the_stars, look_at_a_package, LOOKS[0]))
    found: list[dict[str, Any]] = json.loads(doctor(sound, "--json").stdout)
    assert [(one["name"], one["state"]) for one in found] == [
        ("the stars", "wrong"),
        ("a package", "wrong"),
        ("python", "ok"),
    ]
    assert "RuntimeError" in found[0]["sentence"]
    assert "stars" in found[1]["sentence"]


def test_a_package_that_is_broken_leaves_the_other_looks(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise NameError("of another version")

    monkeypatch.setattr("laktasi.settings.read_settings", broken)
    found = json.loads(doctor(sound, "--json").stdout)
    assert {one["name"] for one in found if one["state"] == "wrong"} == {"settings"}
    assert "packages" in {one["name"] for one in found}


def test_another_data_folder_is_looked_at(sound: Path, tmp_path: Path) -> None:
    found = json.loads(doctor(sound, "--json", "--data", tmp_path / "elsewhere").stdout)
    assert str(tmp_path / "elsewhere") in {one["name"]: one["sentence"] for one in found}["data folder"]
    assert not private_environment(sound).exists()
