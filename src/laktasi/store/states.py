"""The latest states of a form's submissions on a Central: of each, the last that landed from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

import duckdb

from laktasi.records import SubmissionState

_STATE = tuple(field.name for field in fields(SubmissionState))

HERE = """
here as (
    select
        *,
        deleted_at is null and not is_purged as is_live,
        coalesce(instance_id in (
            select instance_id from raw.submissions where source = $source and form_id = $form_id
        ), false) as has_landed,
        coalesce(instance_id in (
            select instance_id from raw.refused
            where source = $source and form_id = $form_id and instance_id is not null
        ), false) as is_refused
    from raw.latest_submission_states
    where source = $source and form_id = $form_id
)
"""
"""Latest state of each submission of a form, whether it is live, and whether its current payload is here or refused."""


def states(
    con: duckdb.DuckDBPyConnection, source: str, form_id: str, condition: str, *, limit: int | None = None, **given: Any
) -> list[SubmissionState]:
    """Give the latest states that fulfil a condition on :data:`HERE`, in the order of their ids."""
    found = con.execute(
        f"with {HERE} select {', '.join(_STATE)} from here where {condition} order by submission_id limit $limit",
        {"source": source, "form_id": form_id, "limit": limit, **given},
    ).fetchall()
    return [SubmissionState(*row) for row in found]


def live_ids(con: duckdb.DuckDBPyConnection, source: str, form_id: str) -> list[str]:
    """Give the ids of the submissions that are live here, in order."""
    found = con.execute(
        """
        select submission_id from raw.latest_submission_states
        where source = ? and form_id = ? and deleted_at is null and not is_purged
        order by submission_id
        """,
        [source, form_id],
    ).fetchall()
    return [submission_id for (submission_id,) in found]


def ids_table(ids: Iterable[str]) -> Any:
    """Make an Arrow table of ids, each once: its column is ``submission_id``."""
    import pyarrow as pa

    return pa.table({"submission_id": pa.array(list(dict.fromkeys(ids)), pa.string())})


def moments(times: Iterable[datetime | None]) -> Any:
    """Make an Arrow column of times."""
    import pyarrow as pa

    return pa.array(list(times), pa.timestamp("us", tz="UTC"))
