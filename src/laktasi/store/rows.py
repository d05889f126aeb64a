"""Rows made in Python, into tables: by column, without a statement for each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

TEXTS = pa.map_(pa.string(), pa.string())
"""A text in several languages: ``map(varchar, varchar)``."""


def append(con: duckdb.DuckDBPyConnection, place: str, rows: pa.Table) -> None:
    """Append rows to a table, column by name. `place` is quoted already."""
    con.register("rows_to_append", rows)
    con.execute(f"insert into {place} by name select * from rows_to_append")
    con.unregister("rows_to_append")


def by_column(columns: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Turn rows into columns.

    Parameters
    ----------
    columns
        Arrow type by name of column.
    """
    return pa.table({name: pa.array([_arrow(row[name]) for row in rows], kind) for name, kind in columns.items()})


def _arrow(value: Any) -> Any:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(value) if isinstance(value, tuple) else value
