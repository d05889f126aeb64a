"""Where a run works: what goes wrong in the warehouse is told without answers, and faults of ours are not hidden."""

import threading
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.workplace import alone, opened
from tests import mini


def test_an_error_of_duckdb_that_quotes_an_answer_is_told_without_it(tmp_path: Path) -> None:
    with pytest.raises(duckdb.ConversionException, match=mini.SECRET):
        duckdb.execute("select cast(? as integer)", [mini.SECRET])
    with pytest.raises(WarehouseError) as caught, opened(DataFolder(tmp_path)) as con:
        con.execute("select cast(? as integer)", [mini.SECRET])
    assert mini.SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_statement_of_ours_that_is_wrong_keeps_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(duckdb.BinderException, match="no_such_column"), opened(DataFolder(tmp_path)) as con:
        con.execute("select no_such_column from meta.runs")


def test_a_scheduled_run_waits_for_one_that_is_at_work(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    order: list[str] = []
    lock = FileLock(folder.lock, thread_local=False)
    lock.acquire()

    def wait() -> None:
        with alone(folder, patience_seconds=30):
            order.append("scheduled")

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    order.append("by hand")
    lock.release()
    waiting.join(30)
    assert order == ["by hand", "scheduled"]
