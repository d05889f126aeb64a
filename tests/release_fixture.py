"""The made-up study of tests/release_world.py, brought in once for all tests of releases, and released once."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from laktasi import releasing
from laktasi.settings import Settings
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


def with_rule(world: Settings, tmp_path: Path, rule: str) -> Settings:
    """Give the same data under another rule."""
    project = Path(shutil.copytree(world.project, tmp_path / "project"))
    (project / "schemas" / "release.yml").write_text(rule, encoding="utf-8")
    return world.model_copy(update={"project": project, "data": world.data_folder.root})


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
