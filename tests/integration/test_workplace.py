"""Where a run works: what goes wrong in the warehouse is told without answers, and faults of ours are not hidden."""

from pathlib import Path

import duckdb
import pytest

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.workplace import opened
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
