"""After rows were erased: files on the shelves, the bytes that DuckDB leaves behind, and what was published.

DuckDB wipes neither the blocks of rows that are deleted nor its log. So the warehouse is copied, row by row, into a new
file that takes its place in one move; the mark that this is still to be done is missing in the copy alone.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb

from laktasi.durable import sync, sync_folder
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.store.copied import contents
from laktasi.store.lake import tidy
from laktasi.store.leaving.erasing import FILES, SHELVES
from laktasi.store.room import ask_for_room
from laktasi.store.shelf import attachment_place, refused_place
from laktasi.store.sql import identifier, literal, scalar
from laktasi.store.warehouse import OF_A_RUN, WAREHOUSE, attach, attach_file, newest_research, session

SUFFIX = ".scrubbed.new"
"""Of a copy. One that a killed process left is swept by the next."""
COPY = "scrubbed"


def left_to_do(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Give what is left to be done since rows were erased, see :data:`laktasi.store.leaving.erasing.FILES`."""
    return [work for (work,) in con.execute("select work from meta.forgetting order by work").fetchall()]


def empty_shelves(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> int:
    """Remove the kept files of rows that were erased, where no other row speaks of the same content.

    Returns
    -------
    int
        How many were removed.

    Raises
    ------
    OSError
        One of them cannot be removed.
    """
    removed = 0
    for work in left_to_do(con):
        kind, _, sha256 = work.partition(" ")
        if kind not in SHELVES:
            continue
        if not scalar(con, f"select exists(from raw.{SHELVES[kind]} where sha256 = ?)", [sha256]):
            place = (attachment_place if kind == "attachment" else refused_place)(folder, sha256)
            with suppress(FileNotFoundError):
                place.unlink()
                removed += 1
        con.execute("delete from meta.forgetting where work = ?", [work])
    return removed


def rewrite_warehouse(folder: DataFolder) -> None:
    """Write the warehouse anew, so that none of its bytes is of a row that was erased. Nobody has it open meanwhile.

    Of a lake the files that have such rows are written anew, and earlier states go.

    Raises
    ------
    WarehouseError
        It cannot be opened, or the disk has no room for a copy.
    """
    if folder.lake is not None:
        with session(folder) as con:
            attach(con, folder)
            con.execute(f"use {WAREHOUSE}")
            tidy(con, folder.lake, 0)
            con.execute("delete from meta.forgetting where work = ?", [FILES])
        return
    path = folder.warehouse
    new = path.with_name(path.name + SUFFIX)
    _remove(new)
    ask_for_room(
        path.parent,
        path.stat().st_size,
        f"{path.name} cannot be written anew",
        why="Rows were erased, and their bytes may still be in the file. They are gone once it is written anew.",
        then="laktasi forget",
    )
    try:
        with session(folder) as con:
            attach(con, folder)
            con.execute(f"checkpoint {WAREHOUSE}")
            new.touch(mode=0o600)  # private before there is anything in it
            new.unlink()
            attach_file(con, new, folder.key, COPY)
            new.chmod(0o600)
            con.execute(f"copy from database {WAREHOUSE} to {COPY}")
            con.execute(f"checkpoint {COPY}")
            before = contents(con, WAREHOUSE)
        with session(folder) as con:  # from the disk
            attach_file(con, new, folder.key, COPY)
            if contents(con, COPY) != before:
                raise WarehouseError(
                    f"the copy of {path.name} does not hold what it should",
                    why="What was there is there still; bytes of rows that were erased may be in it.",
                    next_step="check the disk, then: laktasi forget",
                )
            con.execute(f"delete from {COPY}.meta.forgetting where work = ?", [FILES])
            con.execute(f"checkpoint {COPY}")
        sync(new)
        # What the log beside the old file held is in the copy.
        Path(f"{path}.wal").unlink(missing_ok=True)
        new.replace(path)
        sync_folder(path.parent)
    finally:
        _remove(new)


def redact_research(folder: DataFolder, ids: set[str]) -> int:
    """Take the rows of some submissions out of the research copy, which is written anew; older copies go.

    Results in it stay as they were computed: the next publication replaces them.

    Parameters
    ----------
    ids
        Of submissions and their versions.

    Returns
    -------
    int
        How many rows were taken out.
    """
    target = newest_research(folder.research)
    for old in (*folder.research.parent.glob(f"{folder.research.stem}-{OF_A_RUN}.duckdb"), folder.research):
        if old != target:
            with suppress(FileNotFoundError):
                old.unlink()
    if not target.exists():
        return 0
    new = target.with_name(f"{target.name}.tmp-{COPY}")
    _remove(new)
    try:
        with session(folder) as con:
            con.execute(f"attach {literal(str(target))} as published (type duckdb, read_only)")
            taken = {place: count for place, count in _about(con, "published", ids).items() if count}
            if not taken:
                return 0
            con.execute(f"attach {literal(str(new))} as {COPY} (type duckdb)")
            con.execute(f"copy from database published to {COPY} (schema)")
            for place, condition in _conditions(con, "published").items():
                rows = f"from {identifier('published', *place)}"
                if condition:
                    rows += f" where not coalesce({condition}, false)"
                con.execute(f"insert into {identifier(COPY, *place)} {rows}", {"ids": list(ids)} if condition else {})
            con.execute(f"checkpoint {COPY}")
        sync(new)
        new.chmod(target.stat().st_mode & 0o777)
        new.replace(target)
    finally:
        _remove(new)
    return sum(taken.values())


def _about(con: duckdb.DuckDBPyConnection, database: str, ids: set[str]) -> dict[tuple[str, str], int]:
    return {
        place: scalar(con, f"select count(*) from {identifier(database, *place)} where {condition}", [list(ids)])
        for place, condition in _conditions(con, database, "?").items()
        if condition
    }


def _conditions(con: duckdb.DuckDBPyConnection, database: str, ids: str = "$ids") -> dict[tuple[str, str], str]:
    """Give for each table the SQL that says whether a row is of one of the submissions; empty where none can be."""
    found: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in con.execute(
        """
        select schema_name, table_name, column_name from duckdb_columns()
        inner join (from duckdb_tables() select database_name, schema_name, table_name)
            using (database_name, schema_name, table_name)
        where database_name = ? and not internal
        """,
        [database],
    ).fetchall():
        names = found.setdefault((schema, table), [])
        if column in ("submission_id", "_submission_id", "original_id", "instance_id"):
            names.append(identifier(column))
    return {
        place: f"list_has_any([{', '.join(names)}], {ids})" if names else "" for place, names in sorted(found.items())
    }


def _remove(copy: Path) -> None:
    for left in (Path(f"{copy}.wal"), copy):
        with suppress(FileNotFoundError):
            left.unlink()
