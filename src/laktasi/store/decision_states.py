"""quality.decision_states: how each decision stands, made anew in every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import pyarrow as pa

from laktasi.store.decisions import IN_FORCE, Decision, State
from laktasi.store.places import Place, Places, is_expected, read_texts
from laktasi.store.rows import append

COLUMNS = ("decision_id", "action", "form_id", "submission_id", "row", "column_name", "state")
NOT_STAGED = ("draft", "waiting", None)
"""States of a record that is not there yet."""


def forget_states(con: duckdb.DuckDBPyConnection) -> None:
    """Forget how decisions stood, but for corrections of records that nothing has happened to since.

    To be called before fresh records are marked as corrected.
    """
    con.execute(
        f"""
        delete from quality.decision_states as states where not (
            "action" in ('replace', 'recode') and state in ('applied', 'settled', 'stale')
            and decision_id in (select decision_id from ({IN_FORCE}))
            and exists (
                select 1 from answers.loaded_submissions as loaded
                where loaded.form_id = states.form_id and loaded._submission_id = states.submission_id
                    and loaded.decisions is not null
            )
        )
        """
    )


def write_states(con: duckdb.DuckDBPyConnection, states: Sequence[State]) -> None:
    """Add to quality.decision_states."""
    if states:
        columns = {name: pa.array([getattr(state, name) for state in states], pa.string()) for name in COLUMNS}
        append(con, "quality.decision_states", pa.table(columns))


def other_states(
    con: duckdb.DuckDBPyConnection,
    decisions: Sequence[Decision],
    places: Places,
    key: bytes | None,
    today: date,
) -> list[State]:
    """Say how those decisions stand that change no answer, or have found no record to change.

    Parameters
    ----------
    decisions
        All in force.
    places
        Where questions stand.
    key
        The project's key, if there is one.
    today
        The day that an okay's last day is compared with.
    """
    told = {name for (name,) in con.execute("select distinct decision_id from quality.decision_states").fetchall()}
    withdrawn = con.execute(
        f"""
        select decision_id, "action", form_id, submission_id, "row", null,
            case "action" when 'withdraw' then 'applied' else 'withdrawn' end
        from quality.decisions anti join ({IN_FORCE}) using (decision_id) order by decision_id
        """
    ).fetchall()
    states = [State(*row) for row in withdrawn]
    okays = _Okays(con, [decision for decision in decisions if decision.action == "okay"], places, key)
    for decision in decisions:
        if decision.decision_id in told:
            continue
        place = places.get((decision.form_id, decision.question))
        column = place.column if place else None
        match decision.action:
            case "okay":
                state = okays.state(decision, today)
            case "drop":
                state = _of_drop(decision)
            case _:
                # Of a record that is staged every replacement has been told, unless the form has no such question yet.
                state = "settled" if decision.is_gone else "waiting"
        submission = decision.record or decision.submission_id
        states.append(State.of(decision, state, submission, decision.row, column))
    return states


def _of_drop(decision: Decision) -> str:
    if decision.record_state == "deleted":
        return "settled"
    if decision.record is None:
        return "waiting"
    if decision.instance_id == decision.expected:
        return "applied"
    # Of several, the one that fits has dropped it.
    return "settled" if decision.record_state == "dropped" else "stale"


class _Okays:
    """What okays expect, compared with what stands there after all corrections."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, okays: Sequence[Decision], places: Places, key: bytes | None
    ) -> None:
        self._places = places
        self._key = key
        by_table: dict[str, list[tuple[Place, str]]] = {}
        for decision in okays:
            place = places.get((decision.form_id, decision.question))
            if place is not None and decision.record is not None and decision.record_state == "staged":
                by_table.setdefault(place.table, []).append((place, decision.record))
        self._texts: Mapping[str, Mapping[tuple[str, str], Mapping[str, str | None]]] = {
            table: read_texts(con, table, (place.column for place, _ in asked), {record for _, record in asked})
            for table, asked in by_table.items()
        }

    def state(self, decision: Decision, today: date) -> str:
        """Say how an okay stands."""
        if decision.until is not None and decision.until < today:
            return "expired"
        if decision.submission_id is None:
            return "applied"
        if decision.is_gone:
            return "settled"
        if decision.record is None or decision.record_state in NOT_STAGED:
            return "waiting"
        return "applied" if self._holds(decision, decision.record) else "stale"

    def _holds(self, decision: Decision, record: str) -> bool:
        expected = decision.expected or ""
        if not decision.question:
            return decision.instance_id == expected
        place = self._places.get((decision.form_id, decision.question))
        if place is None:
            return False
        texts = self._texts[place.table].get((record, decision.row if place.in_repeat else ""))
        if texts is None:
            return False
        return is_expected(expected, texts[place.column], decision.form_id, decision.question, self._key)
