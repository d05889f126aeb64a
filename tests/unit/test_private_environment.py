"""A project's passwords stand in a private file outside it; the environment wins over that."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from laktasi.errors import SettingsError
from laktasi.settings import read_settings
from laktasi.settings.private_file import private_environment, write_private_environment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
CENTRAL = '[central]\nurl = "https://central.example.org"\nproject = 1\nemail = "me@example.org"\n'
PASSWORD = "LAKTASI_CENTRAL__PASSWORD"
AWKWARD = ("correct horse", 'a"b', "a\\b\\", "$HOME ${HOME} `ls`", "it's", "#x # y", " edges ", "é\\n", "a=b")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(PASSWORD, raising=False)
    root = tmp_path / "My study"
    root.mkdir()
    (root / "laktasi.toml").write_text(CENTRAL, encoding="utf-8")
    return root


def password_of(project: Path) -> str | None:
    password = read_settings(project).central["central"].password
    return None if password is None else password.get_secret_value()


def test_it_lies_outside_the_project_and_each_project_has_its_own(project: Path, tmp_path: Path) -> None:
    path = private_environment(project)
    assert path.parent == tmp_path / "config" / "laktasi"
    assert path.name.startswith("My-study-")
    assert private_environment(project / ".." / project.name) == path
    assert private_environment(tmp_path / "other" / "My study") != path
    assert password_of(project) is None


@pytest.mark.parametrize("value", AWKWARD)
def test_what_is_written_is_read_back_whatever_is_in_it(project: Path, value: str) -> None:
    path = write_private_environment(project, {PASSWORD: value})
    assert path == private_environment(project)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert password_of(project) == value
    assert list(path.parent.iterdir()) == [path]


def test_systemd_reads_the_same(project: Path) -> None:
    """By the rules of systemd.exec(5): in double quotes a backslash escapes itself and a quote, nothing expands."""
    for value in AWKWARD:
        text = write_private_environment(project, {PASSWORD: value}).read_text(encoding="utf-8").splitlines()[-1]
        assert shlex.split(text) == [f"{PASSWORD}={value}"]


def test_the_environment_wins_and_a_second_value_leaves_the_first_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private_environment(project, {PASSWORD: "one"})
    write_private_environment(project, {"LAKTASI_LANGUAGE": "id"})
    assert (password_of(project), read_settings(project).language) == ("one", "id")
    write_private_environment(project, {PASSWORD: "two"})
    assert password_of(project) == "two"
    monkeypatch.setenv(PASSWORD, "three")
    assert password_of(project) == "three"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(project: Path, mode: int) -> None:
    path = write_private_environment(project, {PASSWORD: "correct horse"})
    path.chmod(mode)
    with pytest.raises(SettingsError, match="can be read or written by others") as caught:
        read_settings(project)
    subprocess.run(shlex.split(caught.value.next_step), check=True)
    assert password_of(project) == "correct horse"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("PASSWORD=secret\n", "PASSWORD in {} is no setting"),
        ("LAKTASI_CENTRAL__PASWORD=secret\n", "did you mean LAKTASI_CENTRAL__PASSWORD? Else take"),
        ("secret\n", "not every line is a NAME and a value"),
        (f"{PASSWORD}=secret\n{PASSWORD}=secret2\n", "or one stands twice"),
        (f'{PASSWORD}="secret\nand more"\n', "not every line"),
        (f'{PASSWORD}="secret', "not every line"),
        ("LAKTASI_LANGUAGE=secret\n", "LAKTASI_LANGUAGE"),
    ],
)
def test_a_mistake_in_it_is_one_clear_error_without_the_value(project: Path, text: str, said: str) -> None:
    path = write_private_environment(project, {})
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_settings(project)
    assert said.format(path.name) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_line_break_is_refused_before_anything_is_written(project: Path) -> None:
    with pytest.raises(SettingsError, match=f"{PASSWORD} holds a line break"):
        write_private_environment(project, {PASSWORD: "one\nLAKTASI_LANGUAGE=id"})
    assert not private_environment(project).exists()


def test_without_a_home_there_is_no_private_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setattr(Path, "expanduser", lambda self: (_ for _ in ()).throw(RuntimeError("no home")))
    assert password_of(project) is None


def test_a_password_that_outlived_its_project_keeps_no_backup_from_coming_back(project: Path) -> None:
    write_private_environment(
        project, {"LAKTASI_CENTRAL__PASSWORD": "word", "LAKTASI_CENTRAL__NORTH__EMAIL": "a@b.org"}
    )
    (project / "laktasi.toml").unlink(missing_ok=True)
    assert read_settings(project).central == {}
    (project / "laktasi.toml").write_text("")
    with pytest.raises(SettingsError, match="central"):
        read_settings(project)


def test_its_place_is_known_where_pydantic_cannot_be_loaded() -> None:
    """The doctor names it there."""
    code = "import sys; sys.modules['pydantic'] = None; import laktasi.settings.private_file"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
