"""The tables of schema ``raw``, and what makes a row of each new. All comparing is done by the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb

PHONES = "phones"
"""Source of what was copied from phones."""

# A row is new where no row of the table has the same key.
KEYS = {
    "submissions": ("source", "form_id", "instance_id", "payload_sha256", "status"),
    # With its time: one that was purged and sent again under the same id is another.
    "submission_versions": ("source", "form_id", "submission_id", "instance_id", "created_at"),
    "attachments": ("source", "form_id", "instance_id", "name", "sha256"),
    "refused": ("source", "form_id", "instance_id", "sha256", "name"),
    "forms": ("source", "sha256"),
    "form_media": ("source", "form_sha256", "name", "sha256"),
}
# Whose row is the thing's history: a row is new where the last one of the same thing says something else, so that going
# back to an earlier state is news. For each table what names the thing, and what is said of it. Phones have no order
# among them, so all that they brought is known, and the keys above hold.
HISTORIES = {
    # By its time, which is the version's, the answers of one that was purged and sent again are told from those before.
    "submissions": (("source", "form_id", "instance_id"), ("payload_sha256", "status", "changed_at")),
    "attachments": (("source", "form_id", "instance_id", "name"), ("sha256", "etag")),
    "form_media": (("source", "form_sha256", "name"), ("sha256",)),
    "submission_states": (
        ("source", "form_id", "submission_id"),
        (
            "instance_id",
            "edits",
            "submitted_at",
            "updated_at",
            "deleted_at",
            "is_purged",
            "review_state",
            "attachments_present",
            "attachments_expected",
            "submitter_id",
            "submitter_name",
            "device_id",
        ),
    ),
    "entities": (
        ("source", "list_name", "entity_id"),
        (
            "version",
            "label",
            "properties",
            "created_at",
            "updated_at",
            "deleted_at",
            "is_purged",
            "creator_name",
        ),
    ),
}
# That a file is not there is no news where it never was.
ABSENT = {"attachments": "{sha256: null, etag: null}"}
TABLES = tuple(dict.fromkeys((*KEYS, *HISTORIES)))


# A version that was purged and sent again under the same id: its files of before are not those that it has now.
_END_FILES = """
insert into raw.attachments by name
with begun as (
    select landing.source, landing.form_id, landing.instance_id, landing.landed_at, landing.run_id
    from landing
    semi join raw.submission_versions as before
        on before.source = landing.source and before.form_id = landing.form_id
        and before.submission_id = landing.submission_id and before.instance_id = landing.instance_id
        and before.created_at < landing.created_at
    anti join raw.submission_versions as known
        on known.source = landing.source and known.form_id = landing.form_id
        and known.submission_id = landing.submission_id and known.instance_id = landing.instance_id
        and known.created_at = landing.created_at
),
files as (
    select source, form_id, instance_id, name, sha256
    from raw.attachments
    where (source, form_id, instance_id) in (select (source, form_id, instance_id) from begun)
    qualify row_number() over (partition by source, form_id, instance_id, name order by landed_at desc) = 1
)
select begun.*, files.name
from begun
inner join files using (source, form_id, instance_id)
where files.sha256 is not null
"""


def append(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, Any]]) -> int:
    """Append the rows that are new to a table of ``raw``.

    Parameters
    ----------
    rows
        In the order in which they came; ``landed_at`` grows with it.

    Returns
    -------
    int
        How many were new.
    """
    history = [row for row in rows if table in HISTORIES and row["source"] != PHONES]
    others = [row for row in rows if table not in HISTORIES or row["source"] == PHONES]
    return (_append_changes(con, table, history) if history else 0) + (
        _append_keys(con, table, others) if others else 0
    )


def last_landed(con: duckdb.DuckDBPyConnection) -> Any:
    """Give the newest ``landed_at`` of ``raw`` and of people's decisions; None where nothing has landed.

    Tombstones are later than the rows that went, which had been the newest perhaps.
    """
    places = (*(f"raw.{table}" for table in TABLES), "raw.forgotten", "quality.decisions")
    tables = " union all ".join(f"select max(landed_at) as landed_at from {place}" for place in places)
    found = con.execute(f"select max(landed_at) from ({tables})").fetchone()
    assert found is not None
    return found[0]


@contextmanager
def registered(con: duckdb.DuckDBPyConnection, name: str, table: Any) -> Iterator[None]:
    """Let statements read an Arrow table by a name."""
    con.register(name, table)
    try:
        yield
    finally:
        con.unregister(name)


def _append_keys(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, Any]]) -> int:
    import pyarrow as pa

    key = KEYS[table]
    # The first of equal rows counts, as it does across batches.
    unique = {tuple(row[name] for name in key): row for row in reversed(rows)}
    same = " and ".join(f"known.{name} is not distinct from landing.{name}" for name in key)
    with registered(con, "landing", pa.Table.from_pylist(list(unique.values()), schema=_schemas()[table])):
        if table == "submission_versions":
            con.execute(_END_FILES)
        counted = con.execute(
            f"""
            insert into raw.{table} by name
            select * from landing
            where not exists (select 1 from raw.{table} as known where {same})
            """
        ).fetchone()
    assert counted is not None
    return int(counted[0])


def _append_changes(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, Any]]) -> int:
    import pyarrow as pa

    thing, said = (", ".join(names) for names in HISTORIES[table])
    state = "{" + ", ".join(f"{name}: {name}" for name in HISTORIES[table][1]) + "}"
    with registered(con, "landing", pa.Table.from_pylist(list(rows), schema=_schemas()[table])):
        counted = con.execute(
            f"""
            insert into raw.{table} by name
            with known as (
                select {thing}, {said}, landed_at
                from raw.{table}
                where ({thing}) in (select ({thing}) from landing)
                qualify row_number() over (partition by {thing} order by landed_at desc) = 1
            ),
            together as (
                select *, true as is_landing from landing
                union all by name
                select *, false as is_landing from known
            )
            select * exclude (is_landing)
            from together
            qualify is_landing and {state} is distinct from lag({state}, 1, {ABSENT.get(table, "null")}) over (
                partition by {thing} order by is_landing, landed_at
            )
            """
        ).fetchone()
    assert counted is not None
    return int(counted[0])


@cache
def _schemas() -> dict[str, Any]:
    """Arrow schemas of the rows; spelled out because a column of None has no type of its own."""
    import pyarrow as pa

    text, number, content, moment = pa.string(), pa.int64(), pa.binary(), pa.timestamp("us", tz="UTC")
    landed = {"source": text, "landed_at": moment, "run_id": text}
    file = {"name": text, "sha256": text}
    times = dict.fromkeys(("updated_at", "deleted_at"), moment)
    version = dict.fromkeys(("form_id", "submission_id", "instance_id"), text)
    sender = dict.fromkeys(("submitter_id", "submitter_name", "device_id"), text)
    columns = {
        "submissions": dict.fromkeys(
            ("form_id", "form_version", "instance_id", "deprecated_id", "payload_sha256"), text
        )
        | {"payload": content, "status": text, "changed_at": moment},
        "attachments": {"form_id": text, "instance_id": text, **file, "size_bytes": number, "etag": text},
        "refused": {"form_id": text, "instance_id": text, **file, "size_bytes": number, "reason": text},
        "forms": {"form_id": text, "form_version": text, "sha256": text, "xform": content},
        "form_media": {"form_sha256": text, **file, "content": content},
        "submission_versions": version | sender | {"created_at": moment, "user_agent": text},
        "submission_states": version
        | sender
        | times
        | dict.fromkeys(("edits", "attachments_present", "attachments_expected"), number)
        | {"submitted_at": moment, "is_purged": pa.bool_(), "review_state": text},
        "entities": dict.fromkeys(("list_name", "entity_id", "label", "creator_name"), text)
        | times
        | {"version": number, "created_at": moment, "is_purged": pa.bool_(), "properties": pa.map_(text, text)},
    }
    return {table: pa.schema(list((own | landed).items())) for table, own in columns.items()}
