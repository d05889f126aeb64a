"""The made-up study of tests/release_world.py, brought in once for all tests of releases, and released once."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from laktasi import releasing
from laktasi.release import verify as verifying
from laktasi.release.documents import SUMS, files_of, sha256
from laktasi.release.pseudonyms import pseudonyms
from laktasi.release.rule import read_rule
from laktasi.secret import key_of
from laktasi.settings import Settings
from laktasi.store.warehouse import open_research
from laktasi.study import read_study
from tests import release_world


@pytest.fixture(scope="session")
def released_world(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give the project and its data. No test changes them."""
    settings = release_world.settings_of(tmp_path_factory.mktemp("world"))
    release_world.run(settings)
    return settings


@pytest.fixture(scope="session")
def released(released_world: Settings) -> Path:
    """Give a release of it, in English. No test changes it."""
    made = releasing.release(released_world, language="en").path
    assert made is not None
    return made


@pytest.fixture
def copied(released: Path, tmp_path: Path) -> Path:
    """Give a copy of it that may be changed."""
    return Path(shutil.copytree(released, tmp_path / "copied"))


def with_rule(world: Settings, tmp_path: Path, rule: str) -> Settings:
    """Give the same data under another rule."""
    project = Path(shutil.copytree(world.project, tmp_path / "project"))
    (project / "schemas" / "release.yml").write_text(rule, encoding="utf-8")
    return world.model_copy(update={"project": project, "data": world.data_folder.root})


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check(world: Settings, folder: Path, change: dict[str, Any] | None = None) -> None:
    """Verify a folder after its sums were written anew, as a faulty maker would."""
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files_of(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
    study, rule = read_study(world.folders.study), read_rule(world.folders.release)
    assert study is not None
    assert rule is not None
    key = key_of(world.data_folder)
    instances = [person.instance for person in release_world.people()]
    named = pseudonyms(key, release_world.salt(world, rule), "record", instances)
    whose = {name or "": instance for name, instance in zip(named, instances, strict=True)}
    with open_research(world.data_folder.research) as con:
        verifying.verify(
            folder, con, study, replace(rule, **(change or {})), whose=whose, key=key, versions=release_world.versions()
        )
