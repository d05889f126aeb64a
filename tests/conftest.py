"""What tests of several folders share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest

from laktasi.paths import DataFolder
from laktasi.store import warehouse

pytest_plugins = ("tests.central.fixtures", "tests.history", "tests.release_fixture", "tests.lakes")

# Tests side by side already use every core: threads within each cost more than they bring for a few hundred rows. And a
# process has one instance of a file: all who open it must ask for the same.
setattr(duckdb, "connect", partial(duckdb.connect, config={"threads": 1}))  # noqa: B010 - for the whole run

_write_empty: Callable[[DataFolder, Path], None] = warehouse._write_empty


@pytest.fixture(scope="session", autouse=True)
def _migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let new warehouses start as copies of one that has all migrations: making them takes longer than most tests.

    What migrations do is tested with `from_nothing`.
    """
    folder = DataFolder(tmp_path_factory.mktemp("migrated"))

    def write(wanted: DataFolder, path: Path) -> None:
        if not folder.warehouse.exists():
            _write_empty(folder, folder.warehouse)
            with warehouse.open_warehouse(folder):
                pass
        if wanted.key is None:
            shutil.copyfile(folder.warehouse, path)
        else:
            _write_empty(wanted, path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(warehouse, "_write_empty", write)
        yield


@pytest.fixture
def from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make new warehouses by their migrations, as users do."""
    monkeypatch.setattr(warehouse, "_write_empty", _write_empty)
    monkeypatch.setattr("tests.lakes.FROM_NOTHING", True)
