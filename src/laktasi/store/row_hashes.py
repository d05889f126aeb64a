"""A hash over the rows of a table that any later DuckDB computes alike: to see whether a copy holds what it should."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from laktasi.store.as_of import BESIDE_RAW, HASHED, Table
from laktasi.store.sql import identifier, literal


@dataclass(frozen=True, slots=True)
class TableHash:
    """What a table holds, whatever the order of its rows."""

    rows: int
    columns: tuple[str, ...]
    """That the hash is over: contents are left out that have a column with their own SHA-256."""
    hash: str


def hash_rows(
    con: duckdb.DuckDBPyConnection, columns: Mapping[str, Collection[str]] | None = None
) -> dict[str, TableHash]:
    """Give what each table holds that nothing can be derived without: all of ``raw``, and what came from people.

    Each row is hashed as JSON by MD5, and the hashes are added up: DuckDB's own ``hash`` is another one in each of its
    versions. An older warehouse may lack some of the tables.

    Parameters
    ----------
    con
        A warehouse, used in UTC.
    columns
        By table, those to hash; tables that are not named are left out, and columns that the warehouse has not are left
        out of the hash. None: all tables, all columns.
    """
    contents = {content for content, _ in HASHED.values()}
    there: dict[Table, list[str]] = {}
    for schema, table, column in con.execute(
        """
        select schema_name, table_name, column_name
        from duckdb_columns() semi join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name = current_database()
        order by schema_name, table_name, column_index
        """
    ).fetchall():
        if schema == "raw" or (schema, table) in BESIDE_RAW:
            there.setdefault((schema, table), []).append(column)
    found = {}
    for key, all_columns in there.items():
        name = ".".join(key)
        if columns is None:
            found[name] = _hash(con, key, [one for one in all_columns if one not in contents])
        elif name in columns:
            found[name] = _hash(con, key, [one for one in all_columns if one in columns[name]])
    return found


def _hash(con: duckdb.DuckDBPyConnection, table: Table, columns: list[str]) -> TableHash:
    row = ", ".join(f"{literal(column)}, {identifier(column)}" for column in columns)
    found = con.execute(
        f"select count(*), coalesce(sum(md5_number_lower(json_object({row})::varchar)), 0) from {identifier(*table)}"
    ).fetchone()
    assert found is not None
    return TableHash(found[0], tuple(columns), str(found[1]))
