"""What was known at a moment: the rows that had landed by then, in a warehouse of their own.

Everything after ``raw`` and people's decisions is derived, so these rows are enough to have any earlier state again.
Both only grow, and what lands later is later (``laktasi.store.append.last_landed``), so a moment is a watermark.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb

from laktasi.durable import sync
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.store.sql import identifier, scalar, transaction
from laktasi.store.warehouse import attach, open_warehouse

COPY = "known_by_then"
"""Name under which the other warehouse is attached."""

BESIDE_RAW = {("quality", "decisions"): "landed_at", ("quality", "back_check_draws"): "drawn_at"}
"""What came from people and is derived from nothing, and when each row came; as every table of ``raw`` says itself."""

HASHED = {
    "submissions": ("payload", "payload_sha256"),
    "forms": ("xform", "sha256"),
    "form_media": ("content", "sha256"),
}
"""Of tables of ``raw``: contents, and the column with their SHA-256."""

Table = tuple[str, str]
"""Schema and name."""


def sources(con: duckdb.DuckDBPyConnection) -> dict[Table, str]:
    """Give the tables that nothing can be derived without, and the column that says when each row came."""
    raw = con.execute(
        """
        select table_name from duckdb_tables()
        where database_name = current_database() and schema_name = 'raw' and table_name <> 'forgotten'
        order by table_name
        """
    ).fetchall()
    return {("raw", name): "landed_at" for (name,) in raw} | BESIDE_RAW


def first_landed(con: duckdb.DuckDBPyConnection) -> datetime | None:
    """Give when the first submission landed; None where none has."""
    found: datetime | None = scalar(con, "select min(landed_at) from raw.submissions")
    return found


def has_submissions(con: duckdb.DuckDBPyConnection, until: datetime) -> bool:
    """Say whether any submission had landed by a moment."""
    return bool(scalar(con, "select exists(from raw.submissions where landed_at <= ?)", [until]))


def bring_known(con: duckdb.DuckDBPyConnection, until: datetime, folder: DataFolder) -> bool:
    """Make the warehouse of a folder hold what had landed by a moment, and no other source row.

    The file gets its name only when it is whole. One that holds just these rows already is left as it is: what had been
    derived in it need not be derived again. One that cannot be read is made anew: nothing is lost with it.

    Parameters
    ----------
    con
        The warehouse itself, outside a transaction. Nothing in it changes.
    until
        Rows that landed later are left out.
    folder
        Where the other warehouse stands, or is made.

    Returns
    -------
    bool
        Whether it was made anew.
    """
    folder.make()
    if folder.warehouse.exists() and _marks_of(folder) == marks(con, until):
        return False
    building = DataFolder(folder.root / "building", key=folder.key)
    shutil.rmtree(building.root, ignore_errors=True)  # of a run that was killed
    with open_warehouse(building):
        pass
    attach(con, building, COPY)
    try:
        with transaction(con):
            for (schema, table), came in sources(con).items():
                place = identifier(schema, table)
                con.execute(f"insert into {COPY}.{place} by name from {place} where {came} <= ?", [until])
    finally:
        con.execute(f"detach {COPY}")
    sync(building.warehouse)
    # A log of changes that a killed run left beside the old file is not the new one's.
    Path(f"{folder.warehouse}.wal").unlink(missing_ok=True)
    building.warehouse.replace(folder.warehouse)
    shutil.rmtree(building.root)
    return True


def _marks_of(folder: DataFolder) -> Mapping[Table, tuple[int, int]] | None:
    """Give what the warehouse of a derived folder holds; None where it cannot be read."""
    try:
        with open_warehouse(folder) as con:
            return marks(con)
    except (WarehouseError, duckdb.Error):
        return None


def marks(con: duckdb.DuckDBPyConnection, until: datetime | None = None) -> Mapping[Table, tuple[int, int]]:
    """Give the number of rows of each source table and a hash over them, whatever their order.

    Parameters
    ----------
    until
        Of the rows that had landed by then; None: of all.
    """
    found = {}
    contents = {content for content, _ in HASHED.values()}
    for (schema, table), came in sources(con).items():
        place = identifier(schema, table)
        names = [name for (name, *_) in con.execute(f"describe {place}").fetchall() if name not in contents]
        row = con.execute(
            f"""
            select count(*), coalesce(bit_xor(hash({", ".join(map(identifier, names))})), 0)
            from {place} where {came} <= coalesce($until, {came})
            """,
            {"until": until},
        ).fetchone()
        assert row is not None
        found[schema, table] = row
    return found


def altered(con: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Give how many rows of each table of ``raw`` no longer hold what their hash says, of tables that have any."""
    counted = {
        f"raw.{table}": scalar(con, f"select count(*) from raw.{table} where sha256({content}) <> {digest}")
        for table, (content, digest) in HASHED.items()
    }
    return {place: count for place, count in counted.items() if count}
