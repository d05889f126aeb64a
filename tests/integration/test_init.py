"""`laktasi init` as a data manager meets it: on a terminal, by options, against a Central, and again."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from laktasi import pipeline
from laktasi.cli import main
from laktasi.quality import read_checks
from laktasi.setting_up.writing import STUDY_EXAMPLE
from laktasi.settings import read_settings
from laktasi.settings.private_file import private_environment
from laktasi.store.sealing import is_encrypted
from laktasi.store.warehouse import open_warehouse
from laktasi.study import read_study
from tests import mini
from tests.central import Acts, Double
from tests.scripted_server import nobody_answers

PASSWORD = "correct horse battery"
EMAIL = "manager@example.org"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing of the developer's own be read or written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYODK_CONFIG_FILE", str(tmp_path / "pyodk_config.toml"))
    for name in [name for name in os.environ if name.startswith("LAKTASI_") and "TEST" not in name]:
        monkeypatch.delenv(name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "study"


@pytest.fixture
def central() -> Iterator[Acts]:
    """A Central with a project, one published form in it, and a manager's account."""
    with Double() as double:
        admin = Acts(double.url, double.email, double.password)
        admin.make_project("Nifas 2026")
        admin.publish(questionnaire_xform())
        manager = admin.make_account(EMAIL, PASSWORD, "manager")
        yield manager
        manager.close()
        admin.close()


def questionnaire_xform() -> bytes:
    from laktasi.questionnaire.xlsform import convert_markdown

    return convert_markdown(mini.FORM.replace("{extra}\n", "").replace("{version}", mini.VERSION)).xform


def init(*words: object, typed: str | None = None) -> Result:
    """Run the command. The password is never printed, whatever happens."""
    result = CliRunner().invoke(main, ["init", *map(str, words)], input=typed)
    assert PASSWORD not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr("laktasi.cli.init.is_somebody_there", lambda: True)

    def answer(root: Path, *answers: object, options: tuple[object, ...] = ()) -> Result:
        return init(root, *options, typed="".join(f"{answer}\n" for answer in answers))

    return answer


def of_central(acts: Acts, tmp_path: Path, password: str = PASSWORD) -> list[object]:
    """Give the options that a Central needs."""
    (tmp_path / "password").write_text(f"{password}\n", encoding="utf-8")
    where = ["--url", acts.url, "--project-id", acts.project, "--email", EMAIL]
    return [*where, "--password-file", tmp_path / "password"]


def password_of(root: Path) -> str | None:
    password = read_settings(root).central["central"].password
    return None if password is None else password.get_secret_value()


def everything_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} if folder.exists() else {}


# By options


def test_without_a_terminal_nothing_is_asked_and_what_lacks_is_named(root: Path) -> None:
    result = init(root)
    assert result.exit_code == 2
    assert "--url or --phones" in result.stderr
    result = init(root, "--url", "https://central.example.org", "--language", "id")
    assert result.exit_code == 2
    assert [option for option in ("--project-id", "--email", "--password-file") if option not in result.stderr] == []
    assert "LAKTASI_CENTRAL__PASSWORD" in result.stderr
    assert not root.exists()


def test_options_make_a_project_that_central_answers_for(root: Path, tmp_path: Path, central: Acts) -> None:
    backups = tmp_path / "backups"
    options = ["--forms", "tea, coffee", "--language", "id", "--phones", tmp_path / "usb", "--backup-folder", backups]
    result = init(root, *of_central(central, tmp_path), *options)
    assert result.exit_code == 12  # there is no form coffee
    assert "no published form coffee" in result.output
    settings = read_settings(root)
    assert settings.language == "id"
    assert settings.phones == (tmp_path / "usb",)
    assert settings.backup.folder == backups
    assert settings.central["central"].forms == ("tea", "coffee")
    result = init(root, "--yes", "--forms", "tea")
    assert result.exit_code == 0, result.output
    assert f"{EMAIL} may read and manage project {central.project}" in result.output
    assert "tea (version 1)" in result.output


def test_folders_that_are_not_there_are_said_and_kept(root: Path, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    options = ["--phones", tmp_path / "usb", "--phones", tmp_path / "card", "--backup-folder", tmp_path / "stick"]
    result = init(root, *options)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert f"ok       phones: {tmp_path / 'usb'}" in lines
    phones, backup = f"phones: {tmp_path / 'card'} is not there", f"backup: there is no folder {tmp_path / 'stick'}"
    for said in (f"warning  {phones}", f"warning  {backup}"):
        (at,) = [number for number, line in enumerate(lines) if said in line]
        assert "plug in" in lines[at + 1]
    assert read_settings(root).phones == (tmp_path / "usb", tmp_path / "card")
    assert read_settings(root).backup.folder == tmp_path / "stick"


def test_the_password_is_in_the_private_file_alone(root: Path, tmp_path: Path, central: Acts) -> None:
    assert init(root, *of_central(central, tmp_path)).exit_code == 0
    (tmp_path / "password").unlink()
    (holder,) = [path for path, content in everything_below(tmp_path).items() if PASSWORD.encode() in content]
    assert holder == private_environment(root)
    assert not holder.is_relative_to(root)
    assert holder.stat().st_mode & 0o777 == 0o600
    assert password_of(root) == PASSWORD


def test_the_password_may_come_from_standard_input_or_the_environment(
    root: Path, tmp_path: Path, central: Acts, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = of_central(central, tmp_path)[:-1]
    assert init(root, *options, "-", typed=PASSWORD).exit_code == 0
    assert password_of(root) == PASSWORD
    private_environment(root).unlink()
    monkeypatch.setenv("LAKTASI_CENTRAL__PASSWORD", PASSWORD)
    assert init(root, "--yes").exit_code == 0
    assert not private_environment(root).exists()  # it is known from elsewhere


def test_a_wrong_password_is_said_and_the_settings_are_kept(root: Path, tmp_path: Path, central: Acts) -> None:
    result = init(root, *of_central(central, tmp_path, "another-password"))
    assert result.exit_code == 12
    assert "does not accept the user name or password" in result.output
    assert read_settings(root).central["central"].email == EMAIL


@pytest.mark.parametrize(("role", "said"), [("formfill", "may not read submissions"), (None, "may not read project")])
def test_an_account_that_may_too_little_is_said(
    root: Path, tmp_path: Path, central: Acts, role: str | None, said: str
) -> None:
    admin = Acts(central.url, "admin@example.org", "a-long-password", central.project)
    other = admin.make_account("other@example.org", PASSWORD, role)
    result = init(root, *of_central(central, tmp_path), "--email", other.email)
    assert result.exit_code == 12
    assert said in result.output


def test_without_a_network_the_settings_are_kept_for_later(root: Path, tmp_path: Path, central: Acts) -> None:
    options = [nobody_answers() if word == central.url else word for word in of_central(central, tmp_path)]
    result = init(root, *options)
    assert result.exit_code == 0
    assert "cannot be reached" in result.output
    assert "laktasi doctor" in result.output
    assert password_of(root) == PASSWORD


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--url", "https://central.example.org/projects/3", "address of a page"),
        ("--url", "central.example.org", "no address of a server"),
        ("--language", "fr", "'fr' is not one of"),
        ("--project-id", "0", "0 is not in the range"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_made(
    root: Path, tmp_path: Path, central: Acts, option: str, value: str, said: str
) -> None:
    result = init(root, *of_central(central, tmp_path), option, value)
    assert result.exit_code == 2
    assert said in result.output
    assert not root.exists()
    assert not private_environment(root).exists()


# Again


def test_a_file_that_is_there_is_kept_and_its_settings_are_taken_over(root: Path) -> None:
    root.mkdir()
    before = (
        '# mine\nseed = 7\nphones = ["usb"]\n[central]\nemail = "me@example.org"\n'
        '[central.north]\nurl = "https://north.invalid"\nproject = 2\nform = "tea"\n[feedback]\nsend = true\n'
    )
    (root / "laktasi.toml").write_text(before, encoding="utf-8")
    refused = init(root, "--language", "id")
    assert refused.exit_code == 2
    assert "add --yes" in refused.stderr
    assert (root / "laktasi.toml").read_text(encoding="utf-8") == before
    given = tomllib.loads(before)
    for number in (1, 2):  # the second time it is taken from what the first one wrote
        assert f"as it was: laktasi.old-{number}.toml" in init(root, "--language", "id", "--yes").output
        assert (root / f"laktasi.old-{number}.toml").exists()
        now = tomllib.loads((root / "laktasi.toml").read_text(encoding="utf-8"))
        assert {name: value for name, value in now.items() if value != {}} == given | {"language": "id"}
    assert (root / "laktasi.old-1.toml").read_text(encoding="utf-8") == before


def test_options_of_one_central_are_refused_where_there_are_several(root: Path) -> None:
    root.mkdir()
    (root / "laktasi.toml").write_text(
        '[central.north]\nurl = "https://north.invalid"\nproject = 2\n', encoding="utf-8"
    )
    result = init(root, "--yes", "--email", EMAIL)
    assert result.exit_code == 2
    assert "several Centrals" in result.stderr


def test_a_file_that_cannot_be_read_is_not_replaced(root: Path) -> None:
    root.mkdir()
    (root / "laktasi.toml").write_text("language = \n", encoding="utf-8")
    result = init(root, "--yes")
    assert result.exit_code == 2
    assert "not TOML" in result.stderr
    assert [path.name for path in root.iterdir()] == ["laktasi.toml"]


def test_a_project_that_is_there_keeps_its_files(root: Path) -> None:
    mini.make_project(root)
    before = everything_below(root)
    assert init(root, "--yes").exit_code == 0
    after = everything_below(root)
    assert {path: after[path] for path in before} == before
    assert {path.name for path in after.keys() - before.keys()} == {"laktasi.toml", ".gitignore"}


def test_a_file_in_the_place_of_a_folder_is_one_clear_error(root: Path) -> None:
    root.write_text("mine", encoding="utf-8")
    result = init(root, "--yes")
    assert result.exit_code == 2
    assert f"{root} is a file" in result.stderr
    root.unlink()
    root.mkdir()
    (root / "xlsforms").write_text("mine", encoding="utf-8")
    result = init(root, "--yes")
    assert result.exit_code == 2
    assert "cannot be made into a project" in result.stderr


# On a terminal


def test_questions_lead_to_a_project_that_works(
    root: Path, central: Acts, tmp_path: Path, on_terminal: Callable[..., Result]
) -> None:
    page = f"{central.url}/#/projects/{central.project}"
    key = tmp_path / "stick" / "study.key"
    signing_in = ("nonsense", page, EMAIL, "wrong-password", "y", EMAIL, PASSWORD)
    result = on_terminal(root, "id", *signing_in, "", "tea", "", tmp_path / "disk", key)
    assert result.exit_code == 0, result.output
    for said in ("no address of a server", "does not accept the user name", "Nifas 2026", "published: tea"):
        assert said in result.output
    values = tomllib.loads((root / "laktasi.toml").read_text(encoding="utf-8"))
    assert values["language"] == "id"
    assert values["central"] == {"url": central.url, "project": central.project, "email": EMAIL, "forms": ["tea"]}
    assert values["backup"] == {"folder": (tmp_path / "disk").as_posix()}
    assert values["key_file"] == key.as_posix()
    assert "phones" not in values
    assert f"laktasi key make {key}" in result.output
    assert f"laktasi run --project {root}" in result.output


def test_enter_keeps_what_was_there(
    root: Path, central: Acts, tmp_path: Path, on_terminal: Callable[..., Result]
) -> None:
    init(
        root,
        "--yes",
        *of_central(central, tmp_path),
        "--forms",
        "tea",
        "--language",
        "id",
        "--phones",
        tmp_path / "usb",
    )
    before = (root / "laktasi.toml").read_text(encoding="utf-8")
    result = on_terminal(root, "y", *[""] * 9)
    assert result.exit_code == 0, result.output
    assert (root / "laktasi.toml").read_text(encoding="utf-8") == before
    assert password_of(root) == PASSWORD


def test_a_dash_takes_away(root: Path, central: Acts, tmp_path: Path, on_terminal: Callable[..., Result]) -> None:
    init(
        root,
        "--yes",
        *of_central(central, tmp_path),
        "--phones",
        tmp_path / "usb",
        "--backup-folder",
        tmp_path / "disk",
    )
    result = on_terminal(root, "y", "", "-", "-", "-", "-")
    assert result.exit_code == 0, result.output
    assert PASSWORD not in private_environment(root).read_text(encoding="utf-8")
    settings = read_settings(root)
    assert settings.central == {}
    assert settings.phones == ()
    assert settings.backup.folder is None


def test_no_is_no(root: Path, on_terminal: Callable[..., Result]) -> None:
    root.mkdir()
    (root / "laktasi.toml").write_text("seed = 7\n", encoding="utf-8")
    result = on_terminal(root, "n")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "Nothing was written."
    assert result.stderr == ""
    assert everything_below(root) == {root / "laktasi.toml": b"seed = 7\n"}


def test_breaking_off_writes_nothing(root: Path, on_terminal: Callable[..., Result]) -> None:
    result = on_terminal(root, "id")  # and then the terminal is closed
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: nobody answered the question\nNothing was written.\nNext: type it in a term"
    )
    assert not root.exists()


def test_a_central_that_is_away_is_asked_for_by_number(root: Path, on_terminal: Callable[..., Result]) -> None:
    result = on_terminal(root, "", nobody_answers(), EMAIL, PASSWORD, "", 3, "", "", "", "")
    assert result.exit_code == 0, result.output
    assert "cannot be reached" in result.output
    assert read_settings(root).central["central"].project == 3
    assert password_of(root) == PASSWORD


def test_a_key_that_comes_later_encrypts_what_is_there_by_the_commands_that_are_named(
    root: Path, tmp_path: Path
) -> None:
    assert "laktasi key" not in init(root, "--yes").output
    settings = read_settings(root)
    with open_warehouse(settings.data_folder):
        pass
    result = init(root, "--yes", "--key-file", tmp_path / "study.key")
    commands = re.findall(r"\d\. laktasi (key .*?) {2}", result.output)
    assert [command.split()[:2] for command in commands] == [["key", "make"], ["key", "change"]]
    for command in commands:
        assert CliRunner().invoke(main, command.split()).exit_code == 0
    assert is_encrypted(settings.data_folder.warehouse)
    assert "laktasi key" not in init(root, "--yes").output


# What it makes


def test_a_new_project_takes_in_what_phones_hold(root: Path, tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 3)
    assert init(root, "--phones", phone).exit_code == 0
    (root / "xlsforms" / "fielded").mkdir()
    (root / "xlsforms" / "fielded" / "tea.xml").write_bytes(questionnaire_xform())
    settings = read_settings(root)
    declaring = next(step for step in pipeline.WORK if step.name == "declare")
    run = pipeline.walk(settings, (*pipeline.IMPORTING[:-1], declaring, pipeline.CLOSE), door="import")
    assert run.told["phones"]["new"] == 3
    with open_warehouse(settings.data_folder) as con:
        assert con.execute("select status from meta.runs").fetchall() == [("finished",)]
    assert (root / ".gitignore").read_text(encoding="utf-8").splitlines() == ["data/", "*.env"]


def test_the_files_to_begin_from_can_be_read(root: Path) -> None:
    assert init(root, "--yes").exit_code == 0
    assert read_checks(root / "schemas" / "checks.yml") == ()
    assert read_study(root / "schemas" / "study.yml") is None
    study = read_study(root / "schemas" / "study.yml.example")
    assert study is not None
    assert (root / "schemas" / "study.yml.example").read_text(encoding="utf-8") == STUDY_EXAMPLE
