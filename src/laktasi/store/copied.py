"""A copy of a warehouse file: read as it is, nothing brought up to date; and held against what it was copied from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from laktasi.errors import WarehouseError
from laktasi.store.sealing import database_key
from laktasi.store.sql import identifier, literal

if TYPE_CHECKING:
    from pydantic import SecretStr

COPY = "copied"
"""Name under which it is attached."""
SHAPE = {
    "duckdb_tables": "schema_name, table_name, comment, sql",
    "duckdb_views": "schema_name, view_name, comment",
    "duckdb_columns": "schema_name, table_name, column_name, column_index, comment, data_type",
    "duckdb_sequences": "schema_name, sequence_name, start_value, increment_by, last_value",
    "duckdb_indexes": "schema_name, index_name, sql",
    "duckdb_functions": "schema_name, function_name, macro_definition, comment",
}
"""What a warehouse is beside its rows, by DuckDB's lists of it. A view's text is written otherwise once it has been on
disk (a cross join as a comma); that it can be read is tried."""


def attach_copy(con: duckdb.DuckDBPyConnection, path: Path, key: SecretStr | None) -> None:
    """Attach a copy of a warehouse, read-only, and use it.

    Parameters
    ----------
    con
        Of :func:`laktasi.store.warehouse.session`.

    Raises
    ------
    WarehouseError
        It cannot be opened, or not with this key.
    """
    try:
        if key is None:
            con.execute(f"attach {literal(str(path))} as {COPY} (type duckdb, read_only)")
        else:
            # A parameter: errors quote statements.
            con.execute(
                f"attach {literal(str(path))} as {COPY} (type duckdb, read_only, encryption_key ?)", [database_key(key)]
            )
    except duckdb.Error as error:
        raise WarehouseError(
            f"the copy of the warehouse, {path.name}, cannot be opened ({type(error).__name__})",
            why="It is torn, was written by a newer DuckDB, or the key is another one.",
            next_step="take another backup, or update laktasi",
        ) from None
    con.execute(f"use {COPY}")


def contents(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[object, ...]]:
    """Give what an attached warehouse holds: of each table its rows and hashes over them, and what else there is."""
    con.execute(f"use {identifier(database)}")
    found: dict[str, tuple[object, ...]] = {}
    for schema, table in con.execute(
        f"select schema_name, table_name from duckdb_tables() where database_name = '{database}'"
    ).fetchall():
        place = identifier(schema, table)
        row = con.execute(
            f"select count(*), coalesce(bit_xor(hash(t)), 0), coalesce(sum(hash(t)::hugeint), 0) from {place} as t"
        ).fetchone()
        assert row is not None
        found[f"{schema}.{table}"] = row
    for name, columns in SHAPE.items():
        listed = con.execute(f"select {columns} from {name}() where database_name = '{database}'").fetchall()
        found[name] = tuple(sorted(map(str, listed)))
        if name == "duckdb_views":
            for schema, view, _ in listed:
                con.execute(f"from {identifier(schema, view)} limit 0")
    con.execute("use memory")
    return found
