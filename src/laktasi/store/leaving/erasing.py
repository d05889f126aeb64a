"""People who left the study: their rows are erased from every table, and tombstones keep them away.

A tombstone (``raw.forgotten``) is written in the transaction that erases rows: ids and a keyed hash, never an answer.
All that is left to be done after it, with files, follows from what stands in the warehouse (``meta.forgetting``), so a
run that is killed is finished by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from laktasi.store.as_of import sources
from laktasi.store.leaving.tombstones import COLUMNS, Person, Record, bury
from laktasi.store.sql import identifier, literal, scalar, transaction

FILES = "files"
"""The piece of work that is left after every erasure: the warehouse's own file is to be written anew, and what was
derived from it is to go. ``attachment <sha256>`` and ``refused <sha256>`` are others: a file that is to go."""

SHELVES = {"attachment": "attachments", "refused": "refused"}
"""Kinds of kept files, and the table of raw that speaks of each."""

_SHAPE = json.dumps(
    [
        dict.fromkeys(("subject_hash", "kind", "form_id", "why", "erased_by", "run_id"), "VARCHAR")
        | {"ids": ["VARCHAR"], "landed_at": "TIMESTAMPTZ"}
        | {"erased": [{"place": "VARCHAR", "source": "VARCHAR", "landed_at": "TIMESTAMPTZ", "n": "BIGINT"}]}
    ]
)
"""Of a list of tombstones as JSON."""

_NAMES_A_RECORD = ("submission_id", "_submission_id", "original_id", "instance_id")
"""Columns that say whose a row is, in whatever table."""

_KEPT = {("raw", "forgotten"), ("meta", "analysed_rows")}
"""Tables whose rows of her stay: the tombstones, and what the next run compares with, emptied of what it says."""

_GONE, _GONE_ENTITIES, _GONE_DECISIONS = (f"_laktasi_gone_{name}" for name in ("ids", "entities", "decisions"))


@dataclass(frozen=True, slots=True)
class Hers:
    """What is hers in the warehouse: ids alone."""

    submissions: Mapping[Record, Sequence[str]] = field(default_factory=dict)
    """All ids of the chain of edits of each, and what a Central calls it."""
    entities: Sequence[Record] = ()
    decisions: Sequence[str] = ()
    """Of people, about her records."""
    refused: Sequence[str] = ()
    """SHA-256 of refused files that hold what is hers."""

    def __bool__(self) -> bool:
        return bool(self.submissions or self.entities or self.decisions)


def forget(con: duckdb.DuckDBPyConnection, person: Person, hers: Hers) -> None:
    """Write tombstones and erase what is hers from every table, in one transaction.

    With nothing of hers here, one tombstone says that whatever comes under her study code is to be turned away.

    Parameters
    ----------
    con
        The private warehouse, outside a transaction.
    """
    with transaction(con):
        rows = [
            *(("submission", form_id, ids) for (form_id, _), ids in hers.submissions.items()),
            *(("entity", list_name, [entity_id]) for list_name, entity_id in hers.entities),
            *(("decision", None, [decision_id]) for decision_id in hers.decisions),
        ]
        graves = [(*row, _rows_of(con, *row)) for row in rows]
        refused = _refused(con, hers.refused)
        bury(con, person, [*graves, ("subject", None, [], refused)] if refused or not graves else graves)
        drop_refused(con, person.run_id, hers.refused)
        erase(con, person.run_id)


def drop_refused(con: duckdb.DuckDBPyConnection, run_id: str, hashes: Sequence[str]) -> None:
    """Erase the rows of refused files, and leave the files to be removed. In the caller's transaction."""
    _leave(con, run_id, ((f"refused {sha256}",) for sha256 in hashes))
    con.execute("delete from raw.refused where sha256 in (select unnest(?))", [list(hashes)])


def apply(con: duckdb.DuckDBPyConnection, tombstones: Iterable[Mapping[str, Any]]) -> int:
    """Take in tombstones that were made elsewhere, and erase what they are about: for a backup that is put back.

    Idempotent. What is left to be done with files is done by the next run.

    Parameters
    ----------
    con
        The private warehouse, outside a transaction.
    tombstones
        As :func:`tombstones` gives them.

    Returns
    -------
    int
        How many versions of submissions were still here, and are not any more.
    """
    same = " and ".join(f"known.{name} is not distinct from given.{name}" for name in COLUMNS if name != "erased")
    with transaction(con):
        new: int = scalar(
            con,
            f"""
            insert into raw.forgotten by name
            select distinct given.* from (select unnest(from_json(?, {literal(_SHAPE)}), max_depth := 2)) as given
            where not exists (select 1 from raw.forgotten as known where {same})
            """,
            [json.dumps(list(tombstones), default=str)],
        )
        run_id = scalar(con, "select arg_max(run_id, landed_at) from raw.forgotten") or ""
        if new:
            # Though no row of hers be here: a refused file may be.
            _leave(con, run_id, [(FILES,)])
        return erase(con, run_id)


def is_unfinished(con: duckdb.DuckDBPyConnection) -> bool:
    """Say whether something is left to be done with files after rows were erased."""
    return bool(scalar(con, "select exists(from meta.forgetting)"))


def erase(con: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """Erase from every table what tombstones are about, in the caller's transaction; say how many versions it was."""
    _follow_edits(con)
    con.execute(
        f"""
        create or replace temp table {_GONE} as
        select distinct form_id, unnest(ids) as id from raw.forgotten where kind = 'submission';
        create or replace temp table {_GONE_ENTITIES} as
        select distinct form_id, unnest(ids) as id from raw.forgotten where kind = 'entity';
        create or replace temp table {_GONE_DECISIONS} as
        select distinct unnest(ids) as id from raw.forgotten where kind = 'decision';
        """
    )
    records: int = scalar(
        con,
        "select count(distinct (form_id, instance_id)) from raw.submissions"
        f" where (form_id, instance_id) in (from {_GONE})",
    )
    files = con.execute(
        f"""
        select distinct 'attachment ' || sha256 from raw.attachments
        where sha256 is not null and (form_id, instance_id) in (from {_GONE})
        union
        select distinct 'refused ' || sha256 from raw.refused
        where sha256 is not null and (form_id, instance_id) in (from {_GONE})
        """
    ).fetchall()
    erased = 0
    columns = _columns(con)
    for (schema, table), names in columns.items():
        if (schema, table) not in _KEPT and (condition := _is_hers(schema, names)):
            counted = con.execute(f"delete from {identifier(schema, table)} where {condition}").fetchone()
            erased += counted[0] if counted else 0
    _read_anew(con)
    _empty_comparison(con)
    con.execute(f"drop table {_GONE}; drop table {_GONE_ENTITIES}; drop table {_GONE_DECISIONS}")
    _leave(con, run_id, [*files, *([(FILES,)] if erased else [])])
    return records


def _leave(con: duckdb.DuckDBPyConnection, run_id: str, works: Iterable[tuple[str]]) -> None:
    """Write down what is left to be done."""
    for (work,) in works:
        con.execute("delete from meta.forgetting where work = ?", [work])
        con.execute("insert into meta.forgetting values (?, ?, ?)", [work, datetime.now(UTC), run_id])


def _follow_edits(con: duckdb.DuckDBPyConnection) -> None:
    """Write tombstones for versions that have landed of chains that are forgotten, by whatever link they are known."""
    while True:
        found = con.execute(
            """
            with gone as (
                select distinct form_id, unnest(ids) as id, subject_hash from raw.forgotten where kind = 'submission'
            ),
            links (form_id, one, other) as (
                select form_id, deprecated_id, instance_id from raw.submissions where deprecated_id <> ''
                union
                select form_id, submission_id, instance_id from raw.submission_versions
                union
                select form_id, submission_id, instance_id from raw.submission_states where instance_id is not null
            ),
            both_ways as (
                select form_id, one, other from links
                union
                select form_id, other, one from links
            )
            select gone.subject_hash, form_id, list(distinct other)
            from both_ways
            inner join gone using (form_id)
            where both_ways.one = gone.id and (form_id, other) not in (select (form_id, id) from gone)
            group by all
            """
        ).fetchall()
        if not found:
            return
        run_id = scalar(con, "select arg_max(run_id, landed_at) from raw.forgotten")
        for subject_hash, form_id, ids in found:
            erased = _rows_of(con, "submission", form_id, ids)
            bury(con, Person(subject_hash, "came_again", run_id), [("submission", form_id, ids, erased)])


def _columns(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], set[str]]:
    """Give the columns of every table of the warehouse."""
    columns: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in con.execute(
        """
        select schema_name, table_name, column_name from duckdb_columns()
        inner join (select database_name, schema_name, table_name from duckdb_tables() where not temporary)
            using (database_name, schema_name, table_name)
        where database_name = current_database() and not internal
        """
    ).fetchall():
        columns.setdefault((schema, table), set()).add(column)
    return columns


def _is_hers(schema: str, names: set[str]) -> str:
    """Give the SQL that says whether a row of a table with these columns is hers; empty where no row can be."""
    ids = [name for name in _NAMES_A_RECORD if name in names]
    if "form_id" in names:
        found = [f"(form_id, {name}) in (from {_GONE})" for name in ids]
    else:
        # A table of one form, or of a study: an instanceID is one of a kind.
        found = [f"{name} in (select id from {_GONE})" for name in ids]
    if schema == "entities" or {"list_name", "entity_id"} <= names:
        found.append(
            f"(list_name, entity_id) in (from {_GONE_ENTITIES})"
            if "list_name" in names
            else f"entity_id in (select id from {_GONE_ENTITIES})"
        )
    if schema == "quality" and "decision_id" in names and "event" not in names:
        found.append(f"decision_id in (from {_GONE_DECISIONS})")
    return " or ".join(found)


def _read_anew(con: duckdb.DuckDBPyConnection) -> None:
    """Have another form's record of the same id read anew from raw: its answers went with hers."""
    con.execute(
        f"""
        update answers.loaded_submissions set layout = 'rows were erased'
        where _submission_id in (select id from {_GONE})
        """
    )


def _empty_comparison(con: duckdb.DuckDBPyConnection) -> None:
    """Keep that there was a row, so that the next run can say that it is gone; not what it said."""
    con.execute(
        f"""
        update meta.analysed_rows
        set payload_sha256 = '', row_hash = null, decisions = [], kept_out_by = []
        where (form_id, submission_id) in (from {_GONE}) or (form_id, instance_id) in (from {_GONE})
        """
    )


def _refused(con: duckdb.DuckDBPyConnection, hashes: Sequence[str]) -> list[dict[str, Any]]:
    """Say how many rows speak of some refused files, and when they landed."""
    found = con.execute(
        """
        select 'raw.refused', source, landed_at, count(*)
        from raw.refused where sha256 in (select unnest(?)) group by all order by all
        """,
        [list(hashes)],
    ).fetchall()
    return [dict(zip(("place", "source", "landed_at", "n"), row, strict=True)) for row in found]


def _rows_of(
    con: duckdb.DuckDBPyConnection, kind: str, form_id: str | None, ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Say how many rows of each source table are about a record, an entity or a decision, and when they landed."""
    columns = _columns(con)
    selects = []
    for place, came in sources(con).items():
        names = columns[place]
        about = {
            "submission": [name for name in _NAMES_A_RECORD if name in names and "form_id" in names],
            "entity": ["entity_id"] if "entity_id" in names else [],
            "decision": ["decision_id"] if "decision_id" in names else [],
        }[kind]
        if not about or (kind == "submission" and place == ("quality", "decisions")):
            continue  # decisions have tombstones of their own
        of_form = {"submission": "form_id = $form_id", "entity": "list_name = $form_id", "decision": "true"}[kind]
        is_one = " or ".join(f"{name} in (select unnest($ids))" for name in about)
        source = "source" if "source" in names else "'people'"
        selects.append(
            f"select {literal('.'.join(place))} as place, {source} as source, {came} as landed_at, count(*) as n"
            f" from {identifier(*place)} where {of_form} and ({is_one}) group by all"
        )
    found = con.execute(
        f"from ({' union all '.join(selects)}) order by all",
        {"ids": list(ids)} | ({} if kind == "decision" else {"form_id": form_id}),
    )
    return [dict(zip(("place", "source", "landed_at", "n"), row, strict=True)) for row in found.fetchall()]
