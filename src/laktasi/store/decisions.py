"""quality.decisions: what people decided, kept for ever; which of it is in force, and what it accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from laktasi.errors import CheckError
from laktasi.store.rows import append, by_column
from laktasi.store.sql import transaction

COLUMNS: Mapping[str, Any] = {
    "decision_id": pa.string(),
    "action": pa.string(),
    "form_id": pa.string(),
    "submission_id": pa.string(),
    "row": pa.string(),
    "question": pa.string(),
    "rule_id": pa.string(),
    "finding_id": pa.string(),
    "expected": pa.string(),
    "value": pa.string(),
    "parent": pa.string(),
    "withdraws": pa.string(),
    "reason": pa.string(),
    "reporter": pa.string(),
    "decided_on": pa.date32(),
    "until": pa.date32(),
}
"""Columns of quality.decisions that a decision itself fills."""

IN_FORCE = """
    select * from quality.decisions
    where action <> 'withdraw'
        and decision_id not in (select withdraws from quality.decisions where action = 'withdraw')
"""
"""Decisions that have not been withdrawn."""

Row = Mapping[str, str | date | None]
"""A decision: a value for each of :data:`COLUMNS`."""


def not_landed(con: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> list[Row]:
    """Give those that quality.decisions does not have yet.

    Parameters
    ----------
    rows
        Every decision that schemas/corrections/ has.

    Raises
    ------
    CheckError
        One that has landed reads otherwise now, or is gone: records stand corrected by it, and nobody would know why.
    """
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    landed = {row[0]: row for row in con.execute(f"select {names} from quality.decisions").fetchall()}
    given = {str(row["decision_id"]): tuple(row[name] for name in COLUMNS) for row in rows}
    if gone := sorted(landed.keys() - given.keys()):
        raise CheckError(
            f"corrections: {len(gone)} decisions that earlier runs have seen are gone from schemas/corrections/,"
            f" such as {gone[0]!r}",
            why="Decisions are never removed: what was done to a record must stay known.",
            next_step="put the file back, and take a decision back by a new one: action: withdraw",
        )
    if changed := sorted(name for name, row in landed.items() if given[name] != row):
        raise CheckError(
            f"corrections: decision {changed[0]!r} is not what it was when an earlier run saw it",
            why="Decisions are never changed: what was done to a record must stay known.",
            next_step="write it as it was, and a new decision that withdraws it: action: withdraw",
        )
    return [row for row in rows if row["decision_id"] not in landed]


def land_decisions(con: duckdb.DuckDBPyConnection, run_id: str, rows: Sequence[Row]) -> None:
    """Keep new decisions, all of them or none."""
    if rows:
        fixed = {"run_id": run_id, "landed_at": datetime.now(UTC)}
        kinds = {**COLUMNS, "run_id": pa.string(), "landed_at": pa.timestamp("us", tz="UTC")}
        with transaction(con):
            append(con, "quality.decisions", by_column(kinds, [{**row, **fixed} for row in rows]))


def accepted() -> str:
    """Give the SQL of the findings that people accept now.

    Returns
    -------
    str
        A select of ``form_id, submission_id, "row", rule_id, decision_id``, one row per okay that has not
        been withdrawn or expired, and whose expectation held when :func:`laktasi.store.corrections.correct` last ran.
        ``submission_id`` is empty for a finding about a group.
    """
    return """
        select
            states.form_id,
            coalesce(states.submission_id, '') as submission_id,
            states."row",
            decisions.rule_id,
            states.decision_id
        from quality.decision_states as states
        inner join quality.decisions as decisions using (decision_id)
        where states.action = 'okay' and states.state = 'applied'
    """
