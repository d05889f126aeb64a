"""What a Central is known to have: of each submission the last state that landed from there, and living entities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

import duckdb

from laktasi.records import ListedRow, SubmissionState

_STATE = tuple(field.name for field in fields(SubmissionState))

ARRIVED = """
-- Answers are known by the time at which the server took them in: after a purge the same id may come with others.
payloads as (
    select distinct instance_id, changed_at as created_at
    from raw.submissions
    where source = $source and form_id = $form_id
),
refusals as (
    select instance_id, max(landed_at) as landed_at
    from raw.refused
    where source = $source and form_id = $form_id and instance_id is not null
    group by instance_id
),
last_states as (
    select submission_id, max(landed_at) as landed_at
    from raw.submission_states
    where source = $source and form_id = $form_id
    group by submission_id
),
arrived as (
    select
        versions.submission_id,
        versions.instance_id,
        versions.created_at,
        payloads.instance_id is not null as has_landed
    from raw.submission_versions as versions
    left join payloads using (instance_id, created_at)
    left join refusals using (instance_id)
    left join last_states using (submission_id)
    where versions.source = $source and versions.form_id = $form_id
        and (
            payloads.instance_id is not null
            -- The same bytes are refused in one row, so a refusal may be older than a version that was sent again; then
            -- the state that follows says that this one was read too.
            or (refusals.instance_id is not null
                and greatest(refusals.landed_at, last_states.landed_at) > versions.landed_at)
        )
)
"""
"""Versions whose answers are here (``has_landed``), or were refused, by submission, instance and the server's time.

One that was taken in before the submission is of a submission that was purged, and sent again under the same id."""

HERE = f"""
{ARRIVED},
latest as (
    select * from raw.latest_submission_states where source = $source and form_id = $form_id
),
here as (
    select
        latest.*,
        latest.deleted_at is null and not latest.is_purged as is_live,
        coalesce(current_ones.has_landed, false) as has_landed,
        coalesce(not current_ones.has_landed, false) as is_refused
    from latest
    left join (
        select latest.submission_id, bool_or(arrived.has_landed) as has_landed
        from latest
        inner join arrived
            on latest.submission_id = arrived.submission_id and latest.instance_id = arrived.instance_id
            and latest.submitted_at <= arrived.created_at
        group by latest.submission_id
    ) as current_ones using (submission_id)
)
"""
"""Latest state of each submission of a form, whether it is live, and whether its current payload is here or refused."""

KNOWN = f"""
{HERE},
stated as (
    select submission_id as instance_id from last_states
    union
    select versions.instance_id
    from raw.submission_versions as versions
    semi join last_states using (submission_id)
    where versions.source = $source and versions.form_id = $form_id
),
loose as (
    select
        instance_id,
        min(deprecated_id) as deprecated_id,
        min(coalesce(changed_at, landed_at)) as submitted_at
    from raw.submissions
    anti join stated using (instance_id)
    where source = $source and form_id = $form_id
    group by instance_id
),
-- union, not union all: a ring of edits ends when it has come round
climbs (instance_id, ancestor_id) as (
    select instance_id, instance_id from loose
    union
    select climbs.instance_id, loose.deprecated_id
    from climbs
    inner join loose on climbs.ancestor_id = loose.instance_id
    where loose.deprecated_id is not null
),
-- Each with the first of its chain that has landed, which is what the server calls it.
chains as (
    select
        climbs.instance_id,
        coalesce(
            min(ancestors.instance_id) filter (parents.instance_id is null), min(ancestors.instance_id)
        ) as submission_id
    from climbs
    left join loose as ancestors on climbs.ancestor_id = ancestors.instance_id
    left join loose as parents on ancestors.deprecated_id = parents.instance_id
    left join stated on climbs.ancestor_id = stated.instance_id
    group by climbs.instance_id
    having count(stated.instance_id) = 0
),
strays as (
    select
        $source as source,
        $form_id as form_id,
        chains.submission_id,
        count(*) - 1 as edits,
        min(loose.submitted_at) as submitted_at,
        false as is_purged,
        0 as attachments_present,
        0 as attachments_expected,
        true as is_live,
        true as has_landed,
        false as is_refused
    from chains
    inner join loose using (instance_id)
    group by chains.submission_id
),
known as (
    select * from here
    union all by name
    select * from strays
)
"""
"""As :data:`HERE`, and as live too what has landed without any state: by a version of laktasi that knew of none, or in
a run that was killed. Read ``with recursive``."""

LISTED_ENTITIES = """
here as (
    select entity_id, version
    from raw.entities
    where source = $source and list_name = $list_name
    qualify row_number() over (partition by entity_id order by landed_at desc) = 1
        and deleted_at is null and not is_purged
),
entities as (
    select
        entity_id,
        listed.version is not null as is_listed,
        here.version is not null as is_here,
        coalesce(listed.version = here.version, false) as is_same
    from here
    full join listed using (entity_id)
)
"""
"""Entities of a list that live here or (``listed``, see :func:`entities_table`) on the server, each with what is so."""


def states(
    con: duckdb.DuckDBPyConnection,
    source: str,
    form_id: str,
    condition: str,
    *,
    limit: int | None = None,
    stateless: bool = False,
    **given: Any,
) -> list[SubmissionState]:
    """Give the latest states that fulfil a condition on :data:`HERE`, in the order of their ids.

    Parameters
    ----------
    stateless
        On :data:`KNOWN` instead: of what has landed without a state, one is made of what is known of it.
    """
    among, table = (f"recursive {KNOWN}", "known") if stateless else (HERE, "here")
    found = con.execute(
        f"with {among} select {', '.join(_STATE)} from {table} where {condition} order by submission_id limit $limit",
        {"source": source, "form_id": form_id, "limit": limit, **given},
    ).fetchall()
    return [SubmissionState(*row) for row in found]


def has_states(con: duckdb.DuckDBPyConnection, source: str, form_id: str) -> bool:
    """Say whether anything is known of the form's submissions on a source, the deleted ones included."""
    found = con.execute(
        "select 1 from raw.submission_states where source = ? and form_id = ? limit 1", [source, form_id]
    ).fetchone()
    return found is not None


def mirrored_forms(con: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    """Give the forms of a source with submissions that are live here, or that have no state at all, in order."""
    found = con.execute(
        """
        select form_id from raw.latest_submission_states
        where source = $source and deleted_at is null and not is_purged
        union
        select form_id from raw.submissions
        where source = $source
            and form_id not in (select form_id from raw.submission_states where source = $source)
        order by form_id
        """,
        {"source": source},
    ).fetchall()
    return [form_id for (form_id,) in found]


def mirrored_lists(con: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    """Give the entity lists of a source with entities that are live here, in order."""
    found = con.execute(
        """
        select distinct list_name
        from (
            select list_name, deleted_at is null and not is_purged as is_live
            from raw.entities
            where source = ?
            qualify row_number() over (partition by list_name, entity_id order by landed_at desc) = 1
        ) as latest
        where is_live
        order by list_name
        """,
        [source],
    ).fetchall()
    return [list_name for (list_name,) in found]


def ids_table(ids: Iterable[str]) -> Any:
    """Make an Arrow table of ids, each once: its column is ``submission_id``."""
    import pyarrow as pa

    return pa.table({"submission_id": pa.array(list(dict.fromkeys(ids)), pa.string())})


def listing_table(listing: Collection[ListedRow]) -> Any:
    """Make an Arrow table of a server's listing, each submission once."""
    import pyarrow as pa

    rows = list({row.submission_id: row for row in listing}.values())
    return pa.table(
        {
            "submission_id": pa.array([row.submission_id for row in rows], pa.string()),
            "instance_id": pa.array([row.instance_id for row in rows], pa.string()),
            "submitted_at": moments(row.submitted_at for row in rows),
            "updated_at": moments(row.updated_at for row in rows),
            "review_state": pa.array([row.review_state for row in rows], pa.string()),
        }
    )


def entities_table(live: Mapping[str, int]) -> Any:
    """Make an Arrow table of a server's live entities and their versions."""
    import pyarrow as pa

    return pa.table({"entity_id": pa.array(live, pa.string()), "version": pa.array(live.values(), pa.int64())})


def moments(times: Iterable[datetime | None]) -> Any:
    """Make an Arrow column of times."""
    import pyarrow as pa

    return pa.array(list(times), pa.timestamp("us", tz="UTC"))
