"""What a run found, for its manifest: each table of results by count and hash, with its rows across centres.

Rows of single centres grow with their number, so they lie beside the manifest, in one Parquet file for each run.
Nothing here holds more than a few thousand rows at a time: DuckDB sorts, and writes to disk what memory does not hold.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from laktasi.store.sql import identifier, literal, scalar

CENTRE = "centre_code"
"""Column of the tables of results that have rows of single centres; empty in a row of all together."""
TABLE = "table"
"""Column of the Parquet file that says from which table of results a row is."""
ENDING = ".results.parquet"
"""After the run's id: name of the file with the results by centre."""

_AT_ONCE = 4096
"""Rows that are taken from DuckDB at a time."""


def tables_of_results(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Give columns and their types of every table of results, without the run."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        """
        select table_name, column_name, data_type
        from duckdb_columns() inner join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name = current_database() and schema_name = 'analysis'
        order by table_name, column_index
        """
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return {
        table: {name: kind for name, kind in types.items() if name != "run_id"}
        for table, types in found.items()
        if "run_id" in types
    }


def results_of(
    con: duckdb.DuckDBPyConnection, run_id: str, like: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Say what a run found, by table of schema analysis.

    Parameters
    ----------
    like
        What this gave of another run: of a table that both have, the hash is over the columns that it had then, so that
        columns of newer code do not count.

    Returns
    -------
    dict
        By table: ``columns``; ``key``, how many of them name a row; ``rows``, how many there are; ``sha256`` over them,
        whatever their order; and ``across``, those that are not of one centre, as lists.
    """
    found: dict[str, dict[str, Any]] = {}
    for table, has in tables_of_results(con).items():
        asked = like.get(table, {}).get("columns") if like else None
        types = {name: has[name] for name in asked if name in has} if asked else has
        select = f"select {', '.join(map(identifier, types))} from {identifier('analysis', table)} where run_id = ?"
        rows, digest = digest_of_rows(con, select, [run_id])
        across = f"{select} and {CENTRE} is null" if CENTRE in has else select
        kinds = list(types.values())
        found[table] = {
            "columns": list(types),
            "key": _key_length(types),
            "rows": rows,
            "sha256": digest,
            "across": [
                [plain(value, kind) for value, kind in zip(row, kinds, strict=True)]
                for row in con.execute(f"{across} order by all", [run_id]).fetchall()
            ],
        }
    return found


def digest_of_rows(con: duckdb.DuckDBPyConnection, select: str, parameters: Sequence[Any] = ()) -> tuple[int, str]:
    """Give the number of rows of a select and a SHA-256 over them, each as JSON on a line, sorted as text."""
    digest, count = hashlib.sha256(), 0
    found = con.execute(
        f'select to_json(listed)::varchar as "row" from ({select}) as listed order by 1', list(parameters)
    )
    while rows := found.fetchmany(_AT_ONCE):
        digest.update("".join(f"{row}\n" for (row,) in rows).encode())
        count += len(rows)
    return count, digest.hexdigest()


def by_centre_of(manifest: Path, run_id: str) -> Path:
    """Give the place of the results by centre that belong to a manifest."""
    return manifest.with_name(run_id + ENDING)


def write_by_centre(con: duckdb.DuckDBPyConnection, run_id: str, folder: Path) -> dict[str, Any]:
    """Write the rows of single centres that a run found into one Parquet file, whole and durable.

    Returns
    -------
    dict
        ``rows``, and the ``sha256`` of the file; None where there is no such row, and so no file.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    selects = [
        f"select {literal(table)} as {identifier(TABLE)}, * exclude (run_id) from {identifier('analysis', table)}"
        f" where run_id = {literal(run_id)} and {CENTRE} is not null"
        for table, types in tables_of_results(con).items()
        if CENTRE in types
    ]
    united = " union all by name ".join(selects)
    if not (rows := scalar(con, f"select count(*) from ({united})")):
        return {"rows": 0, "sha256": None}
    descriptor, name = tempfile.mkstemp()  # in the scratch folder of the run; mode 0600
    os.close(descriptor)
    con.execute(
        f"copy (from ({united}) order by all) to {literal(name)} (format parquet, compression zstd, use_tmp_file false)"
    )
    with Path(name).open("rb+") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    Path(name).replace(folder / (run_id + ENDING))
    return {"rows": rows, "sha256": digest}


def plain(value: Any, kind: str = "") -> Any:
    """Give a value as JSON can hold it, every digit of a number kept."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case str() if kind == "JSON":
            return json.loads(value)
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return moment(value)
        case _:
            return str(value)


def moment(value: datetime | None) -> str | None:
    """Write a moment in UTC, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds") if value is not None else None


def _key_length(types: Mapping[str, str]) -> int:
    """Give how many of the first columns name a row: texts, days and levels; the first of another kind is a result."""
    length = 0
    for name, kind in types.items():
        if kind not in ("VARCHAR", "DATE") and not name.endswith("_rank"):
            break
        length += 1
    return length
