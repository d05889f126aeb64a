"""Forgetting where workers share a lake: what each of them keeps by itself is freed of her, too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from laktasi import moving
from laktasi.settings import Settings, read_settings
from tests import mini
from tests.integration.test_forget import CODE, IDS, NAME, WORDS, files_with, forget, hers, run, type_in
from tests.lakes import of_files

pytestmark = [of_files, pytest.mark.slow]

ON_A_LAKE = 'warehouse = "ducklake"\n[lake]\ncatalog = "catalogue.duckdb"\ndata = "lake"\nfiles = "shared"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a phone on which she is, once whole and once torn; no lake yet."""
    project = mini.make_project(tmp_path / "project")
    phone = mini.fill_phone(project / "phone", 40)
    mini.put(phone, "Tea_0005", mini.xml(hers(), "uuid:tea-0005"))
    torn = mini.xml(hers(), "uuid:torn").partition("<milk>")[0]
    (phone / "instances" / "torn").mkdir()
    (phone / "instances" / "torn" / "torn.xml").write_text(torn, encoding="utf-8")
    return project


def put_on_lake(project: Path) -> None:
    (project / "laktasi.toml").write_text(ON_A_LAKE, encoding="utf-8")


def worker(project: Path, data: str) -> Settings:
    """One of several workers: the project's folder is the same, the data folder its own."""
    return read_settings(project, data=project / data, phones=(project / "phone",))


def test_each_worker_frees_its_own_files(project: Path) -> None:
    put_on_lake(project)
    one, other = worker(project, "data"), worker(project, "other")
    run(other)  # brings her in: what it could not read lies where all see it
    run(one)
    for settings in (one, other):
        assert "research.duckdb" in files_with(settings.data_folder.root, *IDS)
    (other.data_folder.as_of / "2026-11-21").mkdir(parents=True)
    (other.data_folder.as_of / "2026-11-21" / "list.csv").write_text(CODE, encoding="utf-8")
    shared = one.data_folder.shared
    assert len(files_with(shared, NAME)) == 1
    forget(one)
    assert files_with(shared, *WORDS) == files_with(one.data_folder.root, *WORDS, *IDS) == {}
    assert "as-of/2026-11-21/list.csv" in files_with(other.data_folder.root, *WORDS)
    assert run(other).told["clean"] == {"forgetting": "finished"}
    assert files_with(other.data_folder.root, *WORDS, *IDS) == {}
    assert not (other.data_folder.as_of / "2026-11-21").exists()
    assert "Nothing is left" in type_in(other, "forget", "--data", str(other.data_folder.root)).output


def test_the_warehouse_of_before_a_lake_goes_first(project: Path) -> None:
    run(worker(project, "data"))
    put_on_lake(project)
    settings = worker(project, "data")
    moving.move_to_lake(settings)
    run(settings)
    done = type_in(settings, "forget", CODE, "--yes")
    assert done.exit_code != 0
    assert "before-lake" in done.output
    assert "delete it" in done.output
    assert len(files_with(settings.data_folder.shared, NAME)) == 1  # nothing was erased
    shutil.rmtree(settings.data_folder.before_lake)
    forget(settings)
    assert files_with(settings.data_folder.root, *WORDS) == files_with(settings.data_folder.shared, *WORDS) == {}
