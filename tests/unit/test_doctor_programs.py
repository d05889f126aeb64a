"""The doctor's look at the programs: each fault is made, and told with what to do."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from laktasi.doctor import programs
from tests.doctored import looked, project, states, the_one

__all__ = ["project"]


def lock(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "requirements.lock").write_text(text, encoding="utf-8")
    monkeypatch.setattr(programs, "LOCK", folder / "requirements.lock")


HASH = " \\\n    --hash=sha256:00\n    # via laktasi\n"


def test_this_python_is_one_of_those_that_work(project: Path) -> None:
    assert states(looked(programs.look_at_python, project)) == ["ok"]


@pytest.mark.parametrize("found", [(3, 10, 9), (3, 14, 0)])
def test_another_python_is_wrong(project: Path, monkeypatch: pytest.MonkeyPatch, found: tuple[int, ...]) -> None:
    here = SimpleNamespace(version_info=found, version="another one")
    monkeypatch.setattr(programs, "sys", here)
    the_one(looked(programs.look_at_python, project), "wrong", "3.11, 3.12, 3.13", ".venv")


def test_what_is_installed_is_what_the_lock_file_names(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(tmp_path, f"click=={version('click')}{HASH}never-for-us==1.0 ; python_version < '3'{HASH}", monkeypatch)
    (found,) = looked(programs.look_at_packages, project)
    assert (found.state, "all 1 " in found.sentence) == ("ok", True)


def test_a_package_that_lacks_is_wrong_and_another_version_a_warning(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(tmp_path, f"laktasi-never-was==1.0{HASH}click==0.1{HASH}", monkeypatch)
    absent, other = looked(programs.look_at_packages, project)
    assert (absent.state, other.state) == ("wrong", "warning")
    assert "laktasi-never-was" in absent.sentence
    assert f"click {version('click')} (not 0.1)" in other.sentence
    assert "requirements.lock" in absent.next_step


def test_many_packages_that_lack_are_counted(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock(tmp_path, "".join(f"laktasi-never-{number}==1{HASH}" for number in range(8)), monkeypatch)
    the_one(looked(programs.look_at_packages, project), "wrong", "laktasi-never-4 and 3 more")


def test_without_a_lock_file_the_checkout_is_not_whole(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "LOCK", tmp_path / "requirements.lock")
    the_one(looked(programs.look_at_packages, project), "wrong", "requirements.lock")


def test_the_lock_file_of_this_project_is_understood() -> None:
    pinned = dict(programs.pinned(programs.LOCK))
    assert {"duckdb", "click", "numpy"} <= set(pinned)
    text = programs.LOCK.read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if "==" in line and not line.startswith(" ")]) >= len(pinned) > 100


def test_an_extension_that_lacks_is_wrong(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(looked(programs.look_at_extensions, project)) == ["ok"]
    monkeypatch.setitem(sys.modules, "duckdb_extension_httpfs", None)
    the_one(looked(programs.look_at_extensions, project), "wrong", "httpfs", "requirements.lock")


@pytest.mark.parametrize("place", ["WAREHOUSE_SQL", "FLOWS"])
def test_a_checkout_that_is_not_whole_is_wrong(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    assert states(looked(programs.look_at_checkout, project)) == ["ok"]
    monkeypatch.setattr(programs, place, tmp_path / "gone")
    the_one(looked(programs.look_at_checkout, project), "wrong", "gone/")
