"""A file in schemas/ that nothing reads stops a run: what it declares would be missing without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi import pipeline
from laktasi.errors import CheckError
from laktasi.settings import read_settings
from laktasi.yamlfile import refuse_unread
from tests import mini

KNOWN = ("study.yml", "checks.yml", "gates.yml", "back_checks.yml", "targets.csv")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("checks.yaml", "checks.yml"),
        ("check.yml", "checks.yml"),
        ("gates.YAML", "gates.yml"),
        ("Study.yml", "study.yml"),
        ("targets.yml", "targets.csv"),
    ],
)
def test_the_file_that_may_be_meant_is_named(tmp_path: Path, name: str, meant: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(CheckError, match=f"/{name} is read by nothing") as caught:
        refuse_unread(tmp_path, KNOWN)
    assert f"rename it ({meant}?)" in str(caught.value)


def test_what_is_read_and_what_an_editor_leaves_is_fine(tmp_path: Path) -> None:
    for name in (*KNOWN, ".checks.yml", "~checks.yml", "checks.yml.bak", "cards.csv"):
        (tmp_path / name).touch()
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections" / "any.yaml").touch()
    refuse_unread(tmp_path, KNOWN)


def test_a_run_stops_at_it_before_the_long_work(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project")
    (project / "schemas" / "checks.yml").rename(project / "schemas" / "checks.yaml")
    settings = read_settings(project, phones=(mini.fill_phone(tmp_path / "phone", 1),))
    with pytest.raises(CheckError, match=r"schemas/checks\.yaml is read by nothing"):
        pipeline.walk(settings, pipeline.WAY, door="cli")
