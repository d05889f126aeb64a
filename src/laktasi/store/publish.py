"""The research copy: what people may open. A new file takes the old one's place in one move; open readers keep theirs.

Columns of answers are copied one by one, and only those whose privacy in staging.codebook is none or quasi; a column
that the codebook does not know is left out. Of lists, only those are copied that such a column offers: a roster of
mothers or staff is a list too. The file is always made anew, so nothing deleted lingers in its pages.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from laktasi.durable import sync, sync_folder
from laktasi.paths import DataFolder
from laktasi.store.columns import SYSTEM_COLUMNS, united_tables
from laktasi.store.forms import Questionnaires
from laktasi.store.labelled import labelled_views
from laktasi.store.lake import declared_comments
from laktasi.store.sql import identifier, literal, scalar, transaction, values
from laktasi.store.warehouse import OF_A_RUN, POINTER_SUFFIX

COPY = "research_copy"
"""Name under which the new file is attached while it is filled."""

PUBLIC = ("none", "quasi")

WHOLE = {
    "quality": ("rules", "unverified", "findings", "results", "decision_states"),
    "marts": (
        *("submissions", "analysed", "centres", "arrivals", "variables", "set_aside", "targets", "centre_positions"),
        *("people", "people_rates", "daily", "digit_preference", "frequent_values"),
        *(f"back_check{of}" for of in ("_variables", "s", "_pairs", "_rates", "_coverage", "_tests")),
    ),
    "analysis": (
        *("kendall", "pooled", "random_effects", "leave_one_out", "adjusted", "paired", "trend", "next_round"),
        *("contingency", "frequencies"),
    ),
    "meta": ("runs", "changes", "result_changes"),
}
"""What is copied whole: it holds no answer, or (marts) only of questions that the study may publish. Results (schema
analysis) only of the two latest runs: with runs times centres the copy would grow without end."""

_NOT_ABOUT_A_PHONE = """coalesce(submission_id, '') <> '' or not starts_with("row", 'device:')"""

PARTLY = {
    ("quality", "findings"): (f"select * exclude (reviewer, reason) from quality.findings where {_NOT_ABOUT_A_PHONE}"),
    ("quality", "decision_states"): f"from quality.decision_states where {_NOT_ABOUT_A_PHONE}",
    ("meta", "runs"): "select * exclude (published_at) from meta.runs",
}
"""Of these a part stays private: people write reasons in words of their own, and phones are known by their ids;
when the copy was published is known only after it was."""

_LATEST_RUNS = """
    select run_id from meta.runs where status = 'finished' and staged is not null
    order by finished_at desc, run_id desc limit 2
"""
"""The run of meta.latest_run, and the one before."""

SUBMISSION_COLUMNS = (
    "form_id",
    "submission_id",
    "instance_id",
    "form_version",
    "status",
    "state",
    "version_count",
    "first_landed_at",
    "changed_at",
)
"""Of staging.submissions. A payload's hash stays private: with a guess of the answers one could prove the guess."""

CHOICE_COLUMNS = ("form_id", "form_version", "list_name", "position", "value", "labels")
"""Of staging.choices. A list's other columns serve the form's own filters, and may say anything of a person."""


ABOUT = (
    "For the team of the study, not for the public: no direct identifier is in it, but people at small health centres"
    " can be recognised. Unless the data are synthetic, give to others only what laktasi release writes."
)
"""What meta.about says to whoever opens the copy."""


@dataclass(frozen=True, slots=True)
class Published:
    """What :func:`publish_research` made."""

    path: Path
    left_out: int
    """Columns of answers that were left out as direct identifiers."""


def publish_research(con: duckdb.DuckDBPyConnection, folder: DataFolder, questionnaires: Questionnaires) -> Published:
    """Write the research copy anew and put it in the place of the last one.

    To be called after :func:`laktasi.store.runs.finish`, so that the ``*_latest`` views show that run's results.

    Parameters
    ----------
    questionnaires
        Those that staging was made of: they say which list each column offers in each form version.

    Returns
    -------
    Published
        Its `path` is ``folder.research``, or, where a system forbids renaming over an open file, a name with the run
        in it, to which a pointer beside it leads (:func:`laktasi.store.warehouse.newest_research`).
    """
    target = folder.research
    _remove_stale(target)
    run_id = scalar(con, "select run_id from meta.latest_run") or secrets.token_hex(3)
    new = target.with_name(f"{target.name}.tmp-{run_id}")
    try:
        left_out = _copy(con, new, questionnaires)
        _finish(con, new)
        sync(new)  # before the name: a power cut must not leave an empty file in its place
        return Published(_move(new, target, run_id), left_out)
    finally:
        # What could not be finished must not hold the room that a full disk lacks.
        for left in (Path(f"{new}.wal"), new):
            with contextlib.suppress(OSError):
                left.unlink()


def _remove_stale(target: Path) -> None:
    """Remove what a killed run left, and older copies that a reader had kept open."""
    pointer = target.with_name(target.name + POINTER_SUFFIX)
    current = pointer.read_text(encoding="utf-8").strip() if pointer.exists() else ""
    for stale in (*target.parent.glob(f"{target.name}.tmp-*"), *target.parent.glob(f"{target.stem}-{OF_A_RUN}.duckdb")):
        if stale.name != current:
            with contextlib.suppress(PermissionError):
                stale.unlink()


def _copy(con: duckdb.DuckDBPyConnection, new: Path, questionnaires: Questionnaires) -> int:
    con.execute(f"attach {literal(str(new))} as {COPY}")
    try:
        existing = _columns(con)
        left_out = 0
        # One transaction: a commit for each table would cost more than most tables do.
        with transaction(con):
            for schema in ("staging", *WHOLE):
                con.execute(f"create schema if not exists {COPY}.{schema}")
            for schema, tables in WHOLE.items():
                for table in tables:
                    if (schema, table) in existing:
                        whole = f"from {schema}.{table}"
                        if schema == "analysis":
                            whole += f" where run_id in ({_LATEST_RUNS})"
                        select = PARTLY.get((schema, table), whole)
                        con.execute(f"create table {COPY}.{schema}.{table} as {select}")
            con.execute(f"create table {COPY}.meta.about as select {literal(ABOUT)} as note")
            names = ", ".join(SUBMISSION_COLUMNS)
            con.execute(f"create table {COPY}.staging.submissions as select {names} from staging.submissions")
            con.execute(
                f"create table {COPY}.staging.codebook as select *, privacy not in {PUBLIC} as is_left_out"
                " from staging.codebook order by form_id, position"
            )
            con.execute(f"create table {COPY}.staging.choices as {_public_choices(questionnaires)}")
            for table, kept, omitted in _answer_tables(con, existing):
                columns = ", ".join(identifier(column) for column in kept)
                place = identifier("staging", table)
                con.execute(f"create table {COPY}.{place} as select {columns} from {place}")
                left_out += omitted
    finally:
        con.execute(f"detach {COPY}")
    return left_out


def _public_choices(questionnaires: Questionnaires) -> str:
    """Give the select of the lists that a published column offers, version by version."""
    offered = values(
        ("form_id", "table_name", "column_name", "form_version", "list_name"),
        (
            (table.form_id, table.name, column.name, version, field.list_name)
            for table in united_tables(questionnaires)
            for column in table.columns
            for version, field in column.fields.items()
            if field.list_name is not None
        ),
    )
    return f"""
        select {", ".join(CHOICE_COLUMNS)} from staging.choices
        semi join (
            select offered.form_id, offered.form_version, offered.list_name
            from ({offered}) as offered
            inner join staging.codebook as codebook using (form_id, table_name, column_name)
            where codebook.privacy in {PUBLIC}
        ) as public using (form_id, form_version, list_name)
        order by form_id, form_version, list_name, position
    """


def _columns(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[str]]:
    """Give the columns of every table and view of the warehouse itself."""
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in con.execute(
        """
        select schema_name, table_name, column_name from duckdb_columns()
        where database_name = current_database() and not internal
        order by schema_name, table_name, column_index
        """
    ).fetchall():
        columns.setdefault((schema, table), []).append(column)
    return columns


def _answer_tables(
    con: duckdb.DuckDBPyConnection, existing: Mapping[tuple[str, str], list[str]]
) -> Iterator[tuple[str, list[str], int]]:
    """Give the name, the columns to keep and the number of questions left out, of each typed table."""
    known: dict[str, dict[str, str]] = {}
    for table, column, kind, privacy in con.execute(
        "select table_name, column_name, type, privacy from staging.codebook"
    ).fetchall():
        endings = {"geopoint": ("", "__lat", "__lon", "__alt", "__acc"), "datetime": ("", "__offset")}.get(kind, ("",))
        known.setdefault(table, {}).update({column + ending: privacy for ending in endings})
    for (schema, table), columns in existing.items():
        if schema == "staging" and table in known:
            kept = [name for name in columns if name in SYSTEM_COLUMNS or known[table].get(name) in PUBLIC]
            yield table, kept, sum(privacy not in PUBLIC for privacy in known[table].values())


def _finish(con: duckdb.DuckDBPyConnection, new: Path) -> None:
    """Give the copy its views and comments. In a connection of its own, so that its views know no other file."""
    views = con.execute(
        """
        select schema_name, sql from duckdb_views()
        where database_name = current_database() and schema_name in ('meta', 'analysis') and not internal
        order by schema_name = 'analysis'
        """
    ).fetchall()
    comments = _comments(con)
    with duckdb.connect(str(new)) as copy:
        copy.execute("set TimeZone = 'UTC'")
        comments |= {
            ("staging", "codebook", "is_left_out"): "It is a direct identifier: its answers stay in the warehouse",
            ("meta", "about", None): "Whom this file is for. One row per note.",
            ("meta", "about", "note"): "What to know before anything of it is passed on",
        }
        with transaction(copy):
            for schema, statement in views:
                copy.execute(f"set schema = {literal(schema)}")  # a lake's statements leave the view's own out
                copy.execute(statement)
            copy.execute("set schema = 'main'")
            _comment(copy, comments)
            labelled_views(copy)
        copy.execute("checkpoint")


def _comments(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str | None], str]:
    """Give every comment of the warehouse, by schema, table and column (None: the table's own)."""
    found = con.execute(
        """
        select schema_name, table_name, null, comment from duckdb_tables() where not internal
        union all
        select schema_name, view_name, null, comment from duckdb_views() where not internal
        union all
        select schema_name, table_name, column_name, comment from duckdb_columns() where not internal
        """
    ).fetchall()
    told = {(schema, table, column): comment for schema, table, column, comment in found if comment}
    return {**told, **declared_comments(con)}


def _comment(copy: duckdb.DuckDBPyConnection, comments: Mapping[tuple[str, str, str | None], str]) -> None:
    views = set(copy.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall())
    for (schema, table), columns in _columns(copy).items():
        kind = "view" if (schema, table) in views else "table"
        place = identifier(schema, table)
        if comment := comments.get((schema, table, None)):
            copy.execute(f"comment on {kind} {place} is {literal(comment)}")
        for column in columns:
            if comment := comments.get((schema, table, column)):
                copy.execute(f"comment on column {place}.{identifier(column)} is {literal(comment)}")


def _move(new: Path, target: Path, run_id: str) -> Path:
    pointer = target.with_name(target.name + POINTER_SUFFIX)
    try:
        new.replace(target)
    except PermissionError:
        # Windows, and somebody has the file open
        versioned = target.with_name(f"{target.stem}-{run_id}.duckdb")
        new.replace(versioned)
        named = pointer.with_name(f"{pointer.name}.tmp")
        named.write_text(versioned.name, encoding="utf-8")
        sync(named)
        named.replace(pointer)
        return versioned
    pointer.unlink(missing_ok=True)
    sync_folder(target.parent)
    return target
