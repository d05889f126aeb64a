"""Schema ``answers``: every answer of the current version of each submission, as text.

Only what is new or changed is read. A batch is one transaction, so a run that is killed leaves whole submissions, and
the next one reads what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from laktasi.store.columns import SYSTEM_COLUMNS, UnitedTable, describe, fixed_columns, text_in, united_tables
from laktasi.store.forms import Questionnaires
from laktasi.store.payloads import Layout, Rows, layout_of, read_payloads
from laktasi.store.rows import append
from laktasi.store.sql import identifier, literal, scalar, transaction, values

Progress = Callable[[str, int, int | None], None]

BATCH = 10_000
"""Submissions in one transaction: some 100 MB of Python at a kilobyte or three a payload."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What :func:`load_answers` did."""

    read: int
    """Submissions whose answers were read: new ones and changed ones."""
    removed: int
    """Submissions whose answers were removed: their chain now has another first instance, or cannot be read."""


def load_answers(
    con: duckdb.DuckDBPyConnection,
    questionnaires: Questionnaires,
    *,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Loaded:
    """Bring schema ``answers`` in line with staging.submissions.

    Parameters
    ----------
    questionnaires
        The same that :func:`laktasi.store.submissions.resolve` was told of.
    batch
        Submissions in one transaction.
    """
    # With every checkpoint the last rows of a table, up to 122,880 of them, are compressed anew. DuckDB's own 16 MiB of
    # log would mean one with every batch.
    con.execute("set wal_autocheckpoint = '256MiB'")
    tables = united_tables(questionnaires)
    _make_tables(con, tables)
    layouts = {key: layout_of(questionnaire) for key, questionnaire in questionnaires.items()}
    removed = _remove_superfluous(con, tables)
    total = _plan(con, layouts, batch)
    done = 0
    for number in range(-(-total // batch)):
        done += _load_batch(con, number, layouts, tables)
        if progress:
            progress("reading answers", done, total)
    con.execute("drop table planned_reads")
    return Loaded(done, removed)


def _make_tables(con: duckdb.DuckDBPyConnection, tables: list[UnitedTable]) -> None:
    """Make what tables and columns are missing. None is ever dropped."""
    existing: dict[str, set[str]] = {}
    for name, column in con.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'answers'"
    ).fetchall():
        existing.setdefault(name.lower(), set()).add(column.lower())
    with transaction(con):
        for table in tables:
            place = identifier("answers", table.name)
            fixed = fixed_columns(table)
            if table.name.lower() not in existing:
                columns = ", ".join(f"{identifier(name)} varchar not null" for name in fixed)
                con.execute(f"create table {place} ({columns})")
                title = text_in(table.title, table.languages) or table.name
                per = "row of the repeat" if table.parent else "submission"
                con.execute(f"comment on table {place} is {literal(f'{title}: answers as text. One row per {per}.')}")
                for name in fixed:
                    con.execute(f"comment on column {place}.{identifier(name)} is {literal(SYSTEM_COLUMNS[name])}")
            for column in table.columns:
                if column.name.lower() not in existing.get(table.name.lower(), ()):
                    con.execute(f"alter table {place} add column {identifier(column.name)} varchar")
                    comment = literal(describe(column, table.languages))
                    con.execute(f"comment on column {place}.{identifier(column.name)} is {comment}")


def _remove_superfluous(con: duckdb.DuckDBPyConnection, tables: list[UnitedTable]) -> int:
    with transaction(con):
        con.execute(
            """
            create or replace temp table superfluous as
            select loaded.form_id, loaded._submission_id
            from answers.loaded_submissions as loaded
            anti join (select * from staging.submissions where state = 'staged') as staged
                on loaded.form_id = staged.form_id and loaded._submission_id = staged.submission_id
            """
        )
        removed: int = scalar(con, "select count(*) from superfluous")
        if removed:
            _delete(con, "superfluous", tables)
        con.execute("drop table superfluous")
    return removed


def _delete(con: duckdb.DuckDBPyConnection, which: str, tables: list[UnitedTable]) -> None:
    """Delete all rows of the submissions named in the temporary table `which`, children with their parents."""
    for table in tables:
        con.execute(
            f"""
            delete from {identifier("answers", table.name)} where _submission_id in (
                select _submission_id from {which} where form_id = {literal(table.form_id)}
            )
            """
        )
    for name in ("unknown_nodes", "loaded_submissions"):
        con.execute(
            f"""
            delete from answers.{name}
            where (form_id, _submission_id) in (select form_id, _submission_id from {which})
            """
        )


def _plan(con: duckdb.DuckDBPyConnection, layouts: Mapping[tuple[str, str], Layout], batch: int) -> int:
    """List what must be read, in the order in which raw holds it, so that a batch reads one stretch of the file."""
    known = values(("form_id", "form_version", "layout"), [(*key, layout.digest) for key, layout in layouts.items()])
    con.execute(
        f"""
        create or replace temp table planned_reads as
        with
        wanted as (
            select staged.form_id, staged.submission_id, staged.instance_id, staged.form_version, staged.payload_sha256,
                known.layout, loaded._submission_id is not null as is_loaded
            from staging.submissions as staged
            inner join ({known}) as known using (form_id, form_version)
            left join answers.loaded_submissions as loaded
                on staged.form_id = loaded.form_id and staged.submission_id = loaded._submission_id
            where staged.state = 'staged'
                and (staged.payload_sha256, known.layout) is distinct from (loaded.payload_sha256, loaded.layout)
        ),
        located as (
            select wanted.*, min(submissions.rowid) as raw_rowid
            from wanted
            inner join raw.submissions as submissions using (form_id, instance_id, payload_sha256)
            group by all
        )
        select *, (row_number() over (order by raw_rowid) - 1) // {batch} as batch from located
        """
    )
    total: int = scalar(con, "select count(*) from planned_reads")
    return total


def _load_batch(
    con: duckdb.DuckDBPyConnection,
    number: int,
    layouts: Mapping[tuple[str, str], Layout],
    tables: list[UnitedTable],
) -> int:
    with transaction(con):
        con.execute(f"create or replace temp table batch_reads as select * from planned_reads where batch = {number}")
        if scalar(con, "select bool_or(is_loaded) from batch_reads"):
            _delete(con, "(select form_id, submission_id as _submission_id from batch_reads where is_loaded)", tables)
        low, high = con.execute("select min(raw_rowid), max(raw_rowid) from batch_reads").fetchone() or (0, -1)
        found = con.execute(
            f"""
            select batch_reads.form_id, batch_reads.form_version, batch_reads.submission_id, submissions.payload
            from batch_reads
            inner join raw.submissions as submissions on submissions.rowid = batch_reads.raw_rowid
            where submissions.rowid between {low} and {high}
            """
        ).fetchall()
        assert len(found) == scalar(con, "select count(*) from batch_reads"), "a planned payload is not in raw"
        by_version: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
        for form_id, form_version, submission_id, payload in found:
            by_version.setdefault((form_id, form_version), []).append((submission_id, payload))
        for key, payloads in by_version.items():
            _insert(con, layouts[key], read_payloads(layouts[key], payloads))
        con.execute(
            """
            insert into answers.loaded_submissions by name
            select form_id, submission_id as _submission_id, form_version, payload_sha256, layout from batch_reads
            """
        )
        con.execute("drop table batch_reads")
    return len(found)


def _insert(con: duckdb.DuckDBPyConnection, layout: Layout, rows: Rows) -> None:
    for table, its_rows in zip(layout.tables, rows.tables, strict=True):
        if its_rows:
            columns = [pa.array(column, pa.string()) for column in zip(*its_rows, strict=True)]
            append(con, identifier("answers", table.name), pa.table(dict(zip(table.columns, columns, strict=True))))
    if rows.unknown:
        submission_ids, paths = zip(*rows.unknown, strict=True)
        same = {"form_id": layout.form_id, "form_version": layout.form_version}
        constant = {name: pa.array([value] * len(paths), pa.string()) for name, value in same.items()}
        append(
            con,
            "answers.unknown_nodes",
            pa.table({"_submission_id": pa.array(submission_ids), "path": pa.array(paths), **constant}),
        )
