"""Commands that need a run before them say so, and make nothing in a folder whose name is a slip."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from laktasi.cli import main
from laktasi.paths import DataFolder
from laktasi.store import runs
from laktasi.store.warehouse import open_warehouse

CENTRAL = '[central]\nurl = "https://central.example.org"\nproject = 1\n'
AFTER_A_RUN = (["feedback"], ["feedback", "--send"], ["enumerators", "todo"], ["arrivals"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "laktasi.toml").write_text(CENTRAL, encoding="utf-8")
    return tmp_path


def told(project: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--project", str(project), "--data", str(project / "dat")])


@pytest.mark.parametrize("words", [*AFTER_A_RUN, ["status"]], ids=" ".join)
def test_a_mistyped_data_folder_is_not_made(project: Path, words: list[str]) -> None:
    result = told(project, *words)
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.splitlines()[0] == f"Error: there is no warehouse in {project / 'dat'}"
    assert "--data FOLDER" in result.stderr
    assert not (project / "dat").exists()


@pytest.mark.parametrize("words", [*AFTER_A_RUN, ["status"]], ids=" ".join)
def test_a_folder_that_no_run_began_in_is_told_in_words(project: Path, words: list[str]) -> None:
    with open_warehouse(DataFolder(project / "dat")):
        pass
    result = told(project, *words)
    assert (result.exit_code, result.stdout) == (5, "")
    assert "laktasi run" in result.stderr


@pytest.mark.parametrize("how", ["import", "failed"])
def test_a_folder_without_a_finished_run_has_no_arrivals_and_a_status(project: Path, how: str) -> None:
    folder = DataFolder(project / "dat")
    with open_warehouse(folder) as con:
        run_id = runs.begin(con, "import" if how == "import" else "cli", laktasi_version="0", code_version=None)
        if how == "import":
            runs.finish(con, run_id, {"landed": 1}, {"steps": {}, "unreached": {}, "forms": {}})
        else:
            runs.fail(con, run_id)
    result = told(project, "arrivals")
    assert (result.exit_code, result.stdout) == (5, "")
    assert f"no run has finished in {folder.root}" in result.stderr
    status = told(project, "status")
    assert status.exit_code == 0
    assert len(status.stdout.splitlines()) == 2


def test_a_finished_run_has_arrivals_though_nobody_was_heard_of(project: Path) -> None:
    with open_warehouse(DataFolder(project / "dat")) as con:
        run_id = runs.begin(con, "cli", laktasi_version="0", code_version=None)
        runs.finish(con, run_id, {"staged": 0}, {"steps": {}, "unreached": {}, "forms": {}})
    result = told(project, "arrivals")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
