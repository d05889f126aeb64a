"""quality.feedback: what was said back to Central about which record, and which records may have something new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

import duckdb


@dataclass(frozen=True, slots=True)
class Said:
    """A row of quality.feedback: what was done about a record, or why nothing was."""

    source: str
    form_id: str
    submission_id: str
    instance_id: str
    """The version that had been checked."""
    action: str
    state_before: str | None
    state_after: str | None
    rule_ids: tuple[str, ...]
    """Rules with open findings; empty: all is mended."""
    comment: str | None
    reason: str
    is_settled: bool
    """While neither the record nor its findings change, there is nothing to do."""
    updated_at: datetime | None
    """The record's last change, as the server gave it then."""

    def holds(self, instance_id: str, rule_ids: tuple[str, ...], updated_at: datetime | None) -> bool:
        """Say whether neither a record nor what is wrong with it changed since this was written down.

        What the warehouse knows of the record may be older than this, since our own writes change it: it then holds.
        """
        is_unchanged = updated_at is None or (self.updated_at is not None and updated_at <= self.updated_at)
        return self.is_settled and is_unchanged and (self.instance_id, self.rule_ids) == (instance_id, rule_ids)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live, staged record of one Central that has open findings or issues, as the warehouse knows it."""

    form_id: str
    submission_id: str
    state: str | None
    """Review state; None for received."""
    updated_at: datetime | None
    checked_instance_id: str
    """The version that was checked."""
    last: Said | None
    """What was last said about it."""


COLUMNS = tuple(item.name for item in fields(Said))


def write_said(con: duckdb.DuckDBPyConnection, run_id: str, said: Said) -> None:
    """Append a row. Later than all that stands there, even where the clock of a laptop was set back."""
    con.execute(
        f"""
        insert into quality.feedback (run_id, "at", {", ".join(COLUMNS)})
        select ?, greatest(now(), max("at") + interval 1 microsecond), {", ".join("?" * len(COLUMNS))}
        from quality.feedback
        """,
        [run_id, *(list(value) if isinstance(value, tuple) else value for value in astuple(said))],
    )


def candidates(con: duckdb.DuckDBPyConnection, source: str) -> list[Candidate]:
    """Give the records about which something may have to be said or taken back, the longest waiting first.

    Of a record whose form version is not known here nothing can be said.

    Parameters
    ----------
    source
        ``central:<host>/<project>``, as raw has it.
    """
    rows = con.execute(
        f"""
        with
        open_records as (
            select distinct form_id, submission_id from quality.findings where is_open and submission_id <> ''
        ),

        lasts as (
            select * from quality.latest_feedback where source = $source
        )

        select
            states.form_id,
            states.submission_id,
            states.review_state,
            states.updated_at,
            submissions.instance_id,
            {", ".join(f"lasts.{name}" for name in COLUMNS)}
        from raw.latest_submission_states as states
        inner join staging.submissions as submissions
            on states.form_id = submissions.form_id
            and states.submission_id = submissions.submission_id
            and submissions.state = 'staged'
        left join open_records
            on states.form_id = open_records.form_id and states.submission_id = open_records.submission_id
        left join lasts on states.form_id = lasts.form_id and states.submission_id = lasts.submission_id
        where states.source = $source
            and states.deleted_at is null
            and not states.is_purged
            and (
                open_records.form_id is not null
                or states.review_state = 'hasIssues'
                or lasts.state_after = 'hasIssues'
            )
        order by states.submitted_at, states.form_id, states.submission_id
        """,
        {"source": source},
    ).fetchall()
    return [
        Candidate(form_id, submission_id, state, updated_at, checked, _last(last))
        for form_id, submission_id, state, updated_at, checked, *last in rows
    ]


def _last(row: Sequence[Any]) -> Said | None:
    given: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    return None if given["source"] is None else Said(**{**given, "rule_ids": tuple(given["rule_ids"])})
