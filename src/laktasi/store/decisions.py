"""quality.decisions: what people decided, kept for ever; which of it is in force, and what it accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from laktasi.errors import CheckError
from laktasi.store.append import last_landed
from laktasi.store.rows import append, by_column
from laktasi.store.sql import scalar, transaction
from laktasi.store.submissions import select_versions

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


def has_decisions(con: duckdb.DuckDBPyConnection) -> bool:
    """Say whether anybody has ever decided anything."""
    return bool(scalar(con, "select count(*) from (from quality.decisions limit 1)"))


def land_decisions(con: duckdb.DuckDBPyConnection, run_id: str, rows: Sequence[Row]) -> None:
    """Keep new decisions, all of them or none."""
    if rows:
        # Never before what has landed, though a clock was set back: what was known at a moment stays what was known.
        last = last_landed(con)
        now = datetime.now(UTC)
        fixed = {"run_id": run_id, "landed_at": max(now, last + timedelta(microseconds=1)) if last else now}
        kinds = {**COLUMNS, "run_id": pa.string(), "landed_at": pa.timestamp("us", tz="UTC")}
        with transaction(con):
            append(con, "quality.decisions", by_column(kinds, [{**row, **fixed} for row in rows]))


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision in force, and the record that it is about as it is staged now."""

    decision_id: str
    action: str
    form_id: str
    submission_id: str | None
    """As the decision names it: by its first instanceID, or by any other that its chain has had."""
    row: str
    question: str
    """Path, empty where it names none; as is `parent`."""
    expected: str | None
    value: str | None
    parent: str
    decided_on: date
    until: date | None
    record: str | None
    """Submission in staging.submissions; None where it has none."""
    record_state: str | None
    """Its state there."""
    instance_id: str | None
    """Its current version."""

    @property
    def is_gone(self) -> bool:
        """The record is deleted, or people have dropped it."""
        return self.record_state in ("deleted", "dropped")


@dataclass(slots=True)
class State:
    """A row of quality.decision_states."""

    decision_id: str
    action: str
    form_id: str | None
    submission_id: str | None
    row: str
    column_name: str | None
    state: str

    @classmethod
    def of(
        cls, decision: Decision, state: str, submission_id: str | None, row: str = "", column: str | None = None
    ) -> State:
        """Say how a decision stands."""
        return cls(decision.decision_id, decision.action, decision.form_id, submission_id, row, column, state)


def decisions_in_force(con: duckdb.DuckDBPyConnection) -> list[Decision]:
    """Give the decisions that have not been withdrawn, in the order in which they are applied."""
    found = con.execute(
        f"""
        select decided.decision_id, decided."action", decided.form_id, decided.submission_id, decided."row",
            coalesce(decided.question, ''), decided.expected, decided."value", coalesce(decided.parent, ''),
            decided.decided_on, decided.until
        from ({IN_FORCE}) as decided
        order by decided.decided_on, decided.decision_id
        """
    ).fetchall()
    records = _records(con, {(row[2], row[3]) for row in found if row[3] is not None})
    nowhere: tuple[Any, ...] = (None, None, None)
    return [Decision(*row, *records.get((row[2], row[3]), nowhere)) for row in found]


def _records(con: duckdb.DuckDBPyConnection, named: set[tuple[str, str]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Give submission, state and current version of the records that decisions name."""
    staged = "select form_id, {called}, submission_id, state, instance_id from staging.submissions"
    found = _asked(con, staged.format(called="submission_id"), named)
    if unknown := named - found.keys():
        # A chain is called by its first instanceID that is known: by another one once an older link has landed.
        versions = f"select distinct form_id, instance_id as called, submission_id from ({select_versions()})"
        query = (
            "select form_id, called, submission_id, state, current.instance_id"
            f" from ({versions}) inner join staging.submissions as current using (form_id, submission_id)"
        )
        found |= _asked(con, query, unknown)
    return found


def _asked(
    con: duckdb.DuckDBPyConnection, query: str, named: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Any, ...]]:
    if not (listed := sorted(named)):
        return {}
    forms, submissions = zip(*listed, strict=True)
    rows = con.execute(
        f"""
        with found (form_id, called, submission_id, state, instance_id) as ({query})
        from found where (form_id, called) in (select (unnest($forms), unnest($submissions)))
        """,
        {"forms": list(forms), "submissions": list(submissions)},
    ).fetchall()
    return {row[:2]: row[2:] for row in rows}


def accepted() -> str:
    """Give the SQL of the findings that people accept now.

    Returns
    -------
    str
        A select of ``form_id, submission_id, "row", rule_id, decision_id``, one row for each okay that has neither been
        withdrawn nor expired, and whose expectation held when :func:`laktasi.store.corrections.correct` last ran.
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
