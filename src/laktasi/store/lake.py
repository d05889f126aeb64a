"""The private warehouse as a lake: DuckLake, a catalogue in PostgreSQL and Parquet files in a folder or on S3.

The pipeline's SQL is the same for both. What DuckLake lacks, and what stands in for it, is said here and nowhere else:

- ``check`` constraints are left out of migrations (:func:`portable`); :func:`check_constraints` asks before a run is
  published whether the rows are as the constraints would have them.
- Comments on columns of views are left out; :func:`declared_comments` has them.
- Writers do not wait for each other: see :mod:`laktasi.store.turns`.
- What is deleted or replaced stays in older files until :func:`tidy` takes these away.

Primary keys, indexes, sequences, enums and ``returning`` are lacking too, and the warehouse uses none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder, Lake
from laktasi.store.sql import identifier, literal, migrations, scalar
from laktasi.store.turns import is_held_for, take_turns

if TYPE_CHECKING:
    from pydantic import SecretStr

_COMMENT_ON_COLUMN = re.compile(r"comment\s+on\s+column\s+(\w+)\.(\w+)\.", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CHECK = re.compile(r"\bcheck\s*\(", re.IGNORECASE)

S3 = "s3://"
_WIDEST = {
    "varchar": ("", "\U0010ffff" * 4),
    "blob": ("", "FF" * 64),
    "float64": ("-1.7976931348623157e308", "1.7976931348623157e308"),
}
"""By DuckLake's name of a type, bounds that every value is within, as the catalogue writes them."""


def attach_lake(con: duckdb.DuckDBPyConnection, folder: DataFolder, name: str) -> None:
    """Attach the lake of a data folder; its catalogue is made where there is none.

    Parameters
    ----------
    con
        Of :func:`laktasi.store.warehouse.session`.

    Raises
    ------
    WarehouseError
        The catalogue or the files cannot be reached, or it is encrypted and the folder has no key, or the reverse.
    """
    lake = folder.lake
    assert lake is not None
    _load(con, lake)
    if not lake.data.startswith(S3):
        try:
            Path(lake.data).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise WarehouseError(
                f"the folder of {lake.name} cannot be made ({error.strerror})",
                next_step="correct lake.data in laktasi.toml, or the rights of the folder it lies in",
            ) from error
    catalogue = _catalogue(name)
    options = [
        f"data_path {literal(lake.data)}",
        # No row stands in the catalogue itself: what lies there is not encrypted.
        "data_inlining_row_limit 0",
        f"metadata_catalog {literal(catalogue)}",
    ]
    given: list[Any] = []
    if folder.key is not None:
        options.append("encrypted true")
    if lake.is_postgres:
        options += [f"metadata_schema {literal(lake.schema)}", "meta_secret 'lake_catalogue'"]
    elif folder.key is not None:
        from laktasi.store.sealing import database_key

        options.append("metadata_parameters map {'encryption_key': ?}")
        given.append(database_key(folder.key))
    place = ("postgres:" if lake.is_postgres else "") + lake.catalog
    try:
        con.execute(f"attach {literal(f'ducklake:{place}')} as {identifier(name)} ({', '.join(options)})", given)
        is_encrypted = con.execute(
            "select value from ducklake_options(?) where option_name = 'encrypted'", [name]
        ).fetchone()
    except duckdb.Error as error:
        raise _not_opened(lake, error) from None
    if is_encrypted != ("true" if folder.key is not None else "false",):
        raise WarehouseError(
            f"{lake.name} is {'not ' if folder.key is not None else ''}encrypted",
            why="Whether its files are encrypted is settled when a lake is made.",
            next_step="take the key out of the settings, or move to a new lake: see docs/ducklake.md"
            if folder.key is not None
            else "set key_file in laktasi.toml to the file with the key, or LAKTASI_KEY in the environment",
        )
    if not lake.is_postgres:
        Path(lake.catalog).chmod(0o600)
    _check_own_files(con, lake, name)
    if lake.is_postgres and not is_held_for(folder):
        take_turns(con, catalogue, lake)


def _check_own_files(con: duckdb.DuckDBPyConnection, lake: Lake, name: str) -> None:
    """See that a new lake does not lie where another one does: tidying takes away files that are not its own.

    Raises
    ------
    WarehouseError
        There are Parquet files, and this lake knows of none.
    """
    if scalar(con, "select id from ducklake_current_snapshot(?)", [name]) == 0 and scalar(
        con, f"select count(*) from glob({literal(lake.data + '/**/*.parquet')})"
    ):
        raise WarehouseError(
            f"where {lake.name} is to lie there are the files of another one",
            why="The catalogue knows nothing of them: it is not the one that they belong to, or it was lost.",
            next_step="name another place (lake.data), or put back a backup of the catalogue",
        )


def attach_catalogue(con: duckdb.DuckDBPyConnection, lake: Lake, name: str) -> None:
    """Attach the PostgreSQL database of a lake's catalogue itself.

    Raises
    ------
    WarehouseError
        It cannot be reached.
    """
    con.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    _load(con, lake)
    try:
        con.execute(f"attach {literal(lake.catalog)} as {identifier(name)} (type postgres, secret lake_catalogue)")
    except duckdb.Error as error:
        raise _not_opened(lake, error) from None


def is_lake(con: duckdb.DuckDBPyConnection) -> bool:
    """Say whether the warehouse of a connection is a lake."""
    found = con.execute("select type from duckdb_databases() where database_name = current_database()").fetchone()
    return found == ("ducklake",)


def portable(con: duckdb.DuckDBPyConnection, migration: str) -> Iterator[str]:
    """Give the statements of a migration as the warehouse of a connection can do them.

    Parameters
    ----------
    con
        Where those given before have been done: what is a view is asked there.
    """
    if not is_lake(con):
        yield migration
        return
    for statement in duckdb.extract_statements(migration):
        text = without_checks(statement.query)
        commented = _COMMENT_ON_COLUMN.match(_without_comments(text).lstrip())
        if (
            commented
            and con.execute(
                """
            select 1 from duckdb_views()
            where database_name = current_database() and schema_name = ? and view_name = ?
            """,
                [commented[1], commented[2]],
            ).fetchone()
        ):
            continue
        yield text


def without_checks(statement: str) -> str:
    """Leave the ``check (…)`` constraints out of a statement."""
    # Of what is quoted only the length counts.
    plain = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), statement)
    kept, end = [], 0
    for found in _CHECK.finditer(plain):
        if found.start() < end:
            continue
        kept.append(statement[end : found.start()].rstrip())
        end, depth = found.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(plain[end], 0)
            end += 1
    return "".join((*kept, statement[end:]))


def tidy(con: duckdb.DuckDBPyConnection, lake: Lake, keep_days: int) -> None:
    """Keep a lake small: let go of what was replaced some days ago, and join small files.

    DuckLake keeps every earlier state and the files of it until it is told otherwise. Nobody else writes meanwhile.

    Parameters
    ----------
    con
        Uses the lake.
    keep_days
        Earlier states of the last so many days stay. With 0 none stays, and no file of deleted rows either: for what
        must be gone. A worker that reads an older state then breaks off, and succeeds when it is run again.
    """
    name = scalar(con, "select current_database()")
    before = f"now() - interval {keep_days:d} days"
    # Files with any deleted row are written anew where these must be gone; else those that are mostly deleted.
    threshold = 0.5 if keep_days else 0.0
    which = f"older_than => {before}" if keep_days else "cleanup_all => true"
    for call in (
        f"ducklake_rewrite_data_files('{name}', delete_threshold => {threshold})",
        f"ducklake_merge_adjacent_files('{name}')",
        f"ducklake_expire_snapshots('{name}', older_than => {before})",
        f"ducklake_cleanup_old_files('{name}', {which})",
        # What a killed run wrote and never committed. Nobody else is about to commit any: that takes the turn.
        f"ducklake_delete_orphaned_files('{name}', {which})",
    ):
        con.execute(f"call {call}")
    _hide_bounds(con, identifier(_catalogue(name), lake.schema if lake.is_postgres else "main"))


def _hide_bounds(con: duckdb.DuckDBPyConnection, metadata: str) -> None:
    """Take answers out of the catalogue: of each column it notes the smallest and the largest value.

    DuckLake reads them as bounds, and widens those of a table for ever; so wider ones are as true, and say nothing.
    """
    cases = " ".join(f"when {literal(kind)} then {{}}" for kind in _WIDEST)
    lowest = cases.format(*(literal(low) for low, _ in _WIDEST.values()))
    highest = cases.format(*(literal(high) for _, high in _WIDEST.values()))
    for table in ("ducklake_table_column_stats", "ducklake_file_column_stats"):
        con.execute(
            f"""
            update {metadata}.{table} as stats
            set min_value = case column_type {lowest} end, max_value = case column_type {highest} end
            from (select distinct table_id, column_id, column_type from {metadata}.ducklake_column) as columns
            where columns.table_id = stats.table_id and columns.column_id = stats.column_id
                and column_type in ({", ".join(map(literal, _WIDEST))}) and min_value is not null
                and min_value <> case column_type {lowest} end
            """
        )


def check_constraints(con: duckdb.DuckDBPyConnection) -> None:
    """See that every row of a lake is as its table's check constraints would have it; a file holds them itself.

    Raises
    ------
    WarehouseError
        Some are not: a fault of ours, or rows that somebody else wrote.
    """
    if not is_lake(con):
        return
    counts = [
        f"select {literal(f'{schema}.{table}')} as place, count(*) as n"
        f" from {identifier(schema, table)} where not ({condition})"
        for schema, table, condition in _declared()[0]
    ]
    query = (
        f"select place, sum(n)::bigint from ({' union all '.join(counts)}) where n > 0 group by place order by place"
    )
    if found := con.execute(query).fetchall():
        raise WarehouseError(
            f"rows that may not be: {', '.join(f'{place} has {count}' for place, count in found)}",
            why="A column has a word that is none of those its table knows. Nothing was published.",
            next_step="tell those who maintain laktasi; if rows were written by hand, take them away",
        )


def declared_comments(con: duckdb.DuckDBPyConnection) -> Mapping[tuple[str, str, str | None], str]:
    """Give the comments that the warehouse of a connection cannot hold: by schema, view and column; none of a file."""
    return _declared()[1] if is_lake(con) else {}


@cache
def _declared() -> tuple[list[tuple[str, str, str]], dict[tuple[str, str, str | None], str]]:
    """Read off a warehouse in memory what migrations declare and a lake cannot hold: checks, and comments of views."""
    with duckdb.connect() as con:
        con.execute(
            "create schema meta; create table meta.migrations (number integer, name varchar, applied_at timestamptz)"
        )
        for _, _, file in migrations():
            con.execute(file.read_text(encoding="utf-8"))
        checks = con.execute(
            "select schema_name, table_name, expression from duckdb_constraints() where constraint_type = 'CHECK'"
        ).fetchall()
        comments = con.execute(
            """
            select columns.schema_name, columns.table_name, columns.column_name, columns.comment
            from duckdb_columns() as columns
            semi join duckdb_views() as views
                on columns.schema_name = views.schema_name and columns.table_name = views.view_name
            where columns.comment is not null
            """
        ).fetchall()
    return checks, {(schema, view, column): comment for schema, view, column, comment in comments}


def _catalogue(name: str) -> str:
    """Give the name under which the database of the catalogue is attached beside the lake itself."""
    return f"__ducklake_metadata_{name}"


def _without_comments(statement: str) -> str:
    return re.sub(r"^(\s*--[^\n]*\n)*", "", statement)


def _load(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    from laktasi.store.warehouse import load_extension

    load_extension(con, "ducklake")
    if lake.is_postgres:
        load_extension(con, "postgres_scanner")
        # Without a password libpq looks for one itself: PGPASSWORD, PGPASSFILE, the server's trust.
        given = [] if lake.password is None else [lake.password.get_secret_value()]
        con.execute(f"create or replace secret lake_catalogue (type postgres{', password ?' if given else ''})", given)
    if lake.data.startswith(S3):
        load_extension(con, "httpfs")
        names = ", ".join(f"{name} ?" for name in lake.s3)
        con.execute(
            f"create or replace secret lake_files (type s3, scope {literal(lake.data)}{', ' if names else ''}{names})",
            [_plain(value) for value in lake.s3.values()],
        )


def _plain(value: str | bool | SecretStr) -> str | bool:
    return value if isinstance(value, str | bool) else value.get_secret_value()


def _not_opened(lake: Lake, error: duckdb.Error) -> WarehouseError:
    said = str(error).splitlines()[0].replace(lake.catalog, "…").replace(lake.data, "…")
    if any(phrase in said for phrase in ("Could not set lock", "Conflicting lock", "used by another process")):
        return WarehouseError(
            f"{lake.name} is in use by another process",
            why="Its catalogue is a file, which one process at a time may open.",
            next_step="wait for the other run; for several workers the catalogue must be in PostgreSQL",
        )
    return WarehouseError(
        f"{lake.name} cannot be opened",
        why=f"DuckDB says: {said}",
        next_step="see that the catalogue's database is up and lets you in, and that lake.data is there:"
        " docs/ducklake.md",
    )
