"""Tombstones (``raw.forgotten``): what stays of people who left, ids and a keyed hash, never an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from laktasi.store.append import last_landed

COLUMNS = ("subject_hash", "kind", "form_id", "ids", "erased", "why", "erased_by", "landed_at", "run_id")
"""Of raw.forgotten."""

Record = tuple[str, str]
"""Form id and submission id; of an entity its list and its id."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is forgotten, and by whom."""

    subject_hash: str
    """Keyed hash of the study code, see :func:`laktasi.store.leaving.subjects.hash_of`."""
    why: str
    """One of the codes of raw.forgotten."""
    run_id: str
    erased_by: str | None = None


def bury(
    con: duckdb.DuckDBPyConnection,
    person: Person,
    rows: Iterable[tuple[str, str | None, Sequence[str], Sequence[Mapping[str, Any]]]],
) -> None:
    """Write tombstones: kind, form, ids and what was erased of each. In the caller's transaction."""
    now = datetime.now(UTC)
    last = last_landed(con)
    at = max(now, last + timedelta(microseconds=1)) if last else now
    for kind, form_id, ids, erased in rows:
        given = (person.subject_hash, kind, form_id, list(ids), list(erased), person.why, person.erased_by)
        con.execute(
            f"insert into raw.forgotten ({', '.join(COLUMNS)}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*given, at, person.run_id],
        )


def tombstones(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Give every tombstone, as it can be written as JSON, in the order in which they were made.

    They hold ids, keyed hashes, times and codes: nothing of what anybody answered.
    """
    found = con.execute(
        f"select to_json(struct_pack({', '.join(COLUMNS)})) from raw.forgotten order by landed_at, kind, form_id, ids"
    ).fetchall()
    return [json.loads(text) for (text,) in found]


def forgotten_records(con: duckdb.DuckDBPyConnection) -> set[Record]:
    """Give form and id of everything in tombstones that is a version of a submission, or what one is called."""
    return set(
        con.execute("select distinct form_id, unnest(ids) from raw.forgotten where kind = 'submission'").fetchall()
    )


def forgotten_decisions(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Give the ids of people's decisions about records that were erased."""
    found = con.execute("select distinct unnest(ids) from raw.forgotten where kind = 'decision'").fetchall()
    return {name for (name,) in found}


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of what a run knew, since then."""

    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many rows, by table and source."""
    records: Mapping[str, int] = field(default_factory=dict)
    """How many records, by form."""


def erased_since(con: duckdb.DuckDBPyConnection, run_id: str, started_at: datetime, until: datetime) -> Erased:
    """Say how many rows that a run knew are gone since, because their people left.

    Parameters
    ----------
    started_at
        When the run started: what was erased before, or by the run itself, it did not count.
    until
        The moment up to which it knew what had landed.
    """
    given = {"run_id": run_id, "started_at": started_at, "until": until}
    parts = """
        select kind, form_id, ids, unnest(erased) as part from raw.forgotten
        where run_id <> $run_id and landed_at > $started_at
    """
    rows: dict[str, dict[str, int]] = {}
    for place, source, n in con.execute(
        f"""
        select part.place, part.source, sum(part.n)::bigint from ({parts})
        where part.n > 0 and part.landed_at <= $until group by all
        """,
        given,
    ).fetchall():
        rows.setdefault(place, {})[source] = n
    records = con.execute(
        f"""
        select form_id, count(distinct ids) from ({parts})
        where kind = 'submission' and part.place = 'raw.submissions' and part.n > 0 and part.landed_at <= $until
        group by form_id
        """,
        given,
    ).fetchall()
    return Erased(rows, dict(records))
