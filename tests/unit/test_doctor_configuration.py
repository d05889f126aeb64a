"""The doctor's look at what people write. Each fault is made, told with what to do, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.doctor import configuration
from laktasi.settings.private_file import private_environment, write_private_environment
from tests import mini
from tests.doctored import looked, project, states, the_one

__all__ = ["project"]
SECRET = "correct-horse-battery-staple-1234567890"


def write(project: Path, text: str) -> None:
    (project / "laktasi.toml").write_text(text, encoding="utf-8")


# Settings


def test_settings_are_told_with_their_place(project: Path) -> None:
    the_one(looked(configuration.look_at_settings, project), "warning", "no laktasi.toml", "laktasi init")
    write(project, 'language = "id"\n')
    (found,) = looked(configuration.look_at_settings, project)
    assert (found.state, found.sentence) == ("ok", str(project / "laktasi.toml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [("language = \n", "not TOML"), ('langauge = "id"\n', "langauge"), ('[central]\nurl = "x"\nproject = 1\n', "url")],
)
def test_settings_that_cannot_be_read_are_the_finding(project: Path, text: str, said: str) -> None:
    write(project, text)
    the_one(looked(configuration.look_at_settings, project), "wrong", said)


# Secrets


@pytest.mark.parametrize(
    "line",
    [
        f'password = "{SECRET}"',
        f'"password"="{SECRET}"',
        f'   api_key = "{SECRET}"',
        f"smtp_password = '{SECRET}'",
        f'key = "{SECRET}"',
        f'to = "mailto://{SECRET}"',
        f'#password = "{SECRET}"',
        f'url = "https://me:{SECRET}@central.example.org"',
        f'proxy = "http://me:{SECRET}@proxy"  # why',
    ],
)
def test_a_secret_in_the_settings_file_is_found_even_where_it_cannot_be_read(project: Path, line: str) -> None:
    write(project, f"this is no TOML\n{line}\n")
    found = the_one(looked(configuration.look_at_secrets, project), "wrong", "line 2 of laktasi.toml")
    assert str(private_environment(project)) in found.next_step
    assert SECRET not in found.sentence + found.next_step


def test_what_is_no_secret_is_none(project: Path) -> None:
    from laktasi.setting_up.template import settings_text

    write(project, settings_text({"key_file": "/media/stick/key", "central": {"url": "https://x.org", "project": 1}}))
    assert states(looked(configuration.look_at_secrets, project)) == ["ok"]
    (project / "laktasi.toml").unlink()
    assert looked(configuration.look_at_secrets, project) == []


# The private file


def test_the_private_file_is_named(project: Path) -> None:
    assert looked(configuration.look_at_private_file, project) == []
    path = write_private_environment(project, {"LAKTASI_LANGUAGE": "id"})
    (found,) = looked(configuration.look_at_private_file, project)
    assert (found.state, found.sentence) == ("ok", str(path))


def test_a_private_file_that_others_may_read_keeps_the_settings_from_being_read(project: Path) -> None:
    path = write_private_environment(project, {"LAKTASI_LANGUAGE": "id"})
    path.chmod(0o644)
    the_one(looked(configuration.look_at_settings, project), "wrong", "can be read or written by others", "chmod 600")


def test_a_folder_that_others_may_write_into_is_wrong(project: Path) -> None:
    path = write_private_environment(project, {"LAKTASI_LANGUAGE": "id"})
    path.parent.chmod(0o777)
    the_one(looked(configuration.look_at_private_file, project), "wrong", "others may put files", "chmod 700")


def test_a_project_that_was_moved_finds_its_private_file_again(project: Path) -> None:
    before = write_private_environment(project, {"LAKTASI_LANGUAGE": "id"})
    moved = project.parent / "elsewhere" / project.name
    moved.parent.mkdir()
    project.rename(moved)
    found = the_one(looked(configuration.look_at_private_file, moved), "warning", "moved", str(before))
    before.rename(before.with_name(private_environment(moved).name))
    assert private_environment(moved).name in found.next_step
    assert states(looked(configuration.look_at_private_file, moved)) == ["ok"]


# The key


def test_without_a_key_nothing_is_wrong(project: Path) -> None:
    assert states(looked(configuration.look_at_key, project)) == ["ok"]


def test_a_key_of_the_environment_is_told_and_not_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTASI_KEY", SECRET)
    (found,) = looked(configuration.look_at_key, project)
    assert (found.state, SECRET in found.sentence) == ("ok", False)


def test_a_key_file_is_there_private_and_apart(project: Path, tmp_path: Path) -> None:
    from laktasi.settings.key_file import make_key_file

    write(project, f'key_file = "{tmp_path.as_posix()}/study.key"\n')
    the_one(looked(configuration.look_at_key, project), "wrong", "study.key")
    assert states(looked(configuration.look_at_settings, project)) == ["ok"]  # it is the key that lacks
    path = make_key_file(tmp_path / "study.key", project / "data", project)
    assert states(looked(configuration.look_at_key, project)) == ["ok"]
    path.chmod(0o644)
    the_one(looked(configuration.look_at_key, project), "wrong", "chmod")
    path.chmod(0o600)
    (project / "data").mkdir()
    path.rename(project / "data" / "study.key")
    write(project, 'key_file = "data/study.key"\n')
    the_one(looked(configuration.look_at_key, project), "wrong", "data folder")


# Messages, phones


def test_addresses_are_counted_and_not_shown(project: Path) -> None:
    the_one(looked(configuration.look_at_messages, project), "warning", "nobody is told", "LAKTASI_NOTIFY__TO")
    write_private_environment(project, {"LAKTASI_NOTIFY__TO": f"mailto://me:{SECRET}@example.org json://localhost"})
    (found,) = looked(configuration.look_at_messages, project)
    assert (found.state, SECRET in found.sentence) == ("ok", False)


def test_a_stick_that_is_not_plugged_in_is_a_warning(project: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    write(project, f'phones = ["{tmp_path.as_posix()}/here", "{tmp_path.as_posix()}/stick"]\n')
    the_one(looked(configuration.look_at_phones, project), "warning", f"{tmp_path / 'stick'} is not there", "plug in")


# The project's own files


def test_a_whole_project_is_told_by_its_forms(project: Path) -> None:
    the_one(looked(configuration.look_at_project, project), "warning", "no XLSForm")
    mini.make_project(project)
    (found,) = looked(configuration.look_at_project, project)
    assert (found.state, "tea (1)" in found.sentence) == ("ok", True)


def test_a_slip_in_the_projects_files_is_told(project: Path) -> None:
    mini.make_project(project)
    study = project / "schemas" / "study.yml"
    study.write_text(mini.STUDY.replace("roles:", "rolls:"), encoding="utf-8")
    the_one(looked(configuration.look_at_project, project), "wrong", "study.yml", "rolls")
    study.write_text(mini.STUDY, encoding="utf-8")
    (project / "xlsforms" / "torn.xlsx").write_bytes(b"PK no workbook")
    the_one(looked(configuration.look_at_project, project), "wrong", "torn.xlsx")


def test_where_settings_cannot_be_read_the_other_looks_follow(project: Path) -> None:
    write(project, "language = \n")
    for look in (
        configuration.look_at_key,
        configuration.look_at_messages,
        configuration.look_at_phones,
        configuration.look_at_project,
        configuration.look_at_centrals,
    ):
        assert looked(look, project) == []


def test_no_central_is_no_fault(project: Path) -> None:
    assert states(looked(configuration.look_at_centrals, project)) == ["ok"]
