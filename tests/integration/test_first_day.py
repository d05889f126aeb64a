"""docs/first-day.md, walked: every command on the page, in its order, by somebody who has a Central and a phone."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from laktasi.cli import main
from laktasi.paths import HOUSE
from tests import mini
from tests.central import Acts, Double

pytestmark = pytest.mark.slow

PAGE = (HOUSE / "docs" / "first-day.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    laktasi (.+)$", PAGE, flags=re.M)
STUDY, OTHER = "my-study", "my-other-study"


def write_xlsform(path: Path) -> None:
    """Write the small form as a workbook: what a data manager brings along."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    sheet = None
    for line in mini.FORM.replace("{extra}\n", "").replace("{version}", "1").strip().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0]:
            sheet = book.create_sheet(cells[0])
            continue
        assert sheet is not None
        sheet.append([cell or None for cell in cells[1:]])
    book.save(path)


def test_the_page_has_the_steps_of_a_day() -> None:
    named = [command.split()[0] for command in COMMANDS]
    assert named[:2] == ["doctor", "demo"]
    assert {"init", "forms", "run", "import", "report", "findings", "status", "backup", "service"} <= set(named)


def test_the_lines_that_install_are_those_of_the_readme() -> None:
    readme = (HOUSE / "README.md").read_text(encoding="utf-8")
    windows = re.findall(r"^```powershell\n(.*?)^```", PAGE, flags=re.M | re.S)[0].splitlines()[:3]
    assert [line for line in windows if f"`{line}`" not in readme] == []
    linux = re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.M | re.S)[0].splitlines()[1:3]
    assert linux == [line.replace("\\", "/").replace("/Scripts/", "/bin/") for line in windows[1:]]
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    for option in ("--require-hashes -r requirements.lock", "--no-build-isolation --no-deps"):
        assert option in makefile
        assert option in "".join(windows)


@pytest.mark.slow  # two whole runs
def test_every_command_of_the_page_works_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("LAKTASI_", "PREFECT_")) and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYODK_CONFIG_FILE", str(tmp_path / "pyodk_config.toml"))
    monkeypatch.chdir(tmp_path)
    mini.fill_phone(tmp_path / "phones", 9)
    (tmp_path / "backups").mkdir()
    with Double() as double:
        admin = Acts(double.url, double.email, double.password)
        number = admin.make_project()
        (tmp_path / "password.txt").write_text(double.password, encoding="utf-8")
        asked = ["en", f"{double.url}/#/projects/{number}", double.email, double.password, "", "", "", "", ""]
        of_the_page = {
            "https://central.example.org": double.url,
            "manager@example.org": double.email,
            "3": str(number),
        }
        done = []
        for command in COMMANDS:
            words = [of_the_page.get(word, word) for word in shlex.split(re.split(r" {2,}", command)[0])]
            if words == ["demo"]:
                continue  # tried elsewhere, and long
            if words[0] == "init":
                is_first = len(words) == 2
                monkeypatch.setattr("laktasi.cli.init.is_somebody_there", lambda is_first=is_first: is_first)
                words = words if is_first else [OTHER if word == STUDY else word for word in words]
            if words[0] == "forms":
                write_xlsform(Path(words[-1]))
            if words[0] == "import":
                write_study(tmp_path / STUDY / "schemas")
            words += {"run": ["--no-prefect"], "service": ["--print"]}.get(words[0], [])
            typed = "".join(f"{answer}\n" for answer in asked) if words == ["init", STUDY] else None
            result = CliRunner().invoke(main, words, input=typed)
            assert result.exit_code == 0, f"{command}\n{result.output}"
            assert mini.SECRET not in result.output
            done.append(words[0])
        admin.close()
    assert done.count("run") == 2
    assert (tmp_path / STUDY / "data" / "report" / "index.html").exists()
    assert list((tmp_path / "backups").iterdir())


def write_study(schemas: Path) -> None:
    """Do as the page says: the form's names into the example, saved as study.yml."""
    assert (schemas / "study.yml.example").exists()
    (schemas / "study.yml").write_text(mini.STUDY, encoding="utf-8")
