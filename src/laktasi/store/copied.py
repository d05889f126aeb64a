"""A copy of a warehouse file, read as it is: nothing in it is brought up to date, and no byte of it changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from laktasi.errors import WarehouseError
from laktasi.store.sealing import database_key
from laktasi.store.sql import literal

if TYPE_CHECKING:
    from pydantic import SecretStr

COPY = "copied"
"""Name under which it is attached."""


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
