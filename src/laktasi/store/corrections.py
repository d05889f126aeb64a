"""People's decisions, applied to schema ``answers``: answers replaced, texts recoded, and what follows computed anew.

Only records of which the decisions or the payload have changed are worked on: those that stand corrected by other
decisions than now hold are read anew from raw (:func:`set_back`, before the answers are loaded), and what is freshly
read is corrected (:func:`correct`, after). A correction, the states of its decisions and the mark that it was made are
one transaction. Raw is never touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import duckdb
import pyarrow as pa

from laktasi import __version__
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.others import find_others
from laktasi.store.applying import Applied, Cell, Record, Rules
from laktasi.store.decision_states import forget_states, other_states, write_states
from laktasi.store.decisions import Decision, State, decisions_in_force
from laktasi.store.forms import Questionnaires
from laktasi.store.places import find_places, read_texts
from laktasi.store.sql import identifier, transaction

CORRECTED = "corrected_submissions"
"""Temporary: the submissions of one form whose answers people have changed."""

Submission = tuple[str, str]
"""Form id and submission id."""


class Recomputed(Protocol):
    """What ``questionnaire.recompute`` gives for one table of a form version."""

    @property
    def select(self) -> str | None: ...  # noqa: D102
    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def left(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102


Recompute = Callable[[Questionnaire, str, str], Recomputed]
"""``questionnaire.recompute.recompute_sql``: form version, table, relation of submissions."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What :func:`correct` did; counts and ids, never an answer."""

    records: int
    """Records whose answers were changed in this run."""
    decisions: Mapping[str, int]
    """Decisions in force by state: applied, settled, stale, waiting, expired."""
    stale_decisions: tuple[str, ...]
    waiting_decisions: tuple[str, ...]
    not_recomputed: tuple[str, ...]
    """Calculations of the records changed in this run that keep what the phone stored, with the reason."""


def set_back(con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, key: bytes | None) -> int:
    """Have those submissions read anew from raw that stand corrected by other decisions than now hold.

    To be called before :func:`laktasi.store.answers.load_answers`, which does the reading.

    Parameters
    ----------
    questionnaires
        The same that it is told of.
    key
        The project's key, if there is one.

    Returns
    -------
    int
        How many they are.
    """
    marked = {
        (form_id, submission_id): (mark, version)
        for form_id, submission_id, mark, version in con.execute(
            "select form_id, _submission_id, decisions, form_version from answers.loaded_submissions"
            " where decisions is not null"
        ).fetchall()
    }
    if not marked:
        return 0
    desk = _Desk(con, questionnaires, key)
    recoded: dict[Submission, list[str]] = {}
    for form_id, submission_id, decision_id in con.execute(
        """
        select distinct form_id, submission_id, decision_id from quality.decision_states
        where "action" = 'recode' and submission_id is not null order by all
        """
    ).fetchall():
        if decision_id in desk.recode_ids:
            recoded.setdefault((form_id, submission_id), []).append(decision_id)
    to_recode = desk.to_recode()
    changed = [
        record
        for record, (mark, version) in marked.items()
        if record in to_recode or mark != desk.mark(record, version, recoded.get(record, ()))
    ]
    with transaction(con):
        con.register("set_back_records", _columns(("form_id", "submission_id"), changed))
        # No layout is called so: what was read by another one is read anew.
        con.execute(
            """
            update answers.loaded_submissions as loaded set layout = 'decisions have changed'
            from set_back_records as changed
            where loaded.form_id = changed.form_id and loaded._submission_id = changed.submission_id
            """
        )
        con.unregister("set_back_records")
    return len(changed)


def correct(
    con: duckdb.DuckDBPyConnection,
    questionnaires: Questionnaires,
    recompute: Recompute,
    key: bytes | None,
    today: date | None = None,
) -> Corrected:
    """Apply the decisions in force to what is freshly read, and say how every decision stands; in one transaction.

    Parameters
    ----------
    con
        The warehouse. Answers are loaded, staging.choices is made.
    recompute
        ``questionnaire.recompute.recompute_sql``.
    key
        The project's key, if there is one.
    today
        The day that an okay's last day is compared with; now, if left out.

    Raises
    ------
    WarehouseError
        A decision expects a keyed hash, and there is no key. Nothing has changed.
    """
    desk = _Desk(con, questionnaires, key)
    with transaction(con):
        records = desk.due()
        applied = {
            at: desk.rules.apply(record, desk.replaces.get(at, ())) for at, record in _read(con, desk, records).items()
        }
        _change(con, {at: made.changes for at, made in applied.items()})
        left = _recompute(con, desk, records, {at for at, made in applied.items() if made.changes}, recompute)
        _hold(con, applied)
        forget_states(con)
        _mark(con, [(*at, desk.mark(at, records[at], made.decision_ids)) for at, made in applied.items()])
        write_states(con, [state for made in applied.values() for state in made.states])
        write_states(con, other_states(con, desk.decisions, desk.rules.places, key, today or date.today()))
    return _told(con, sum(bool(made.changes) for made in applied.values()), left)


class _Desk:
    """The decisions in force, the records that they are about, and the rules by which they are applied."""

    def __init__(self, con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, key: bytes | None) -> None:
        self.con = con
        self.questionnaires = questionnaires
        self.decisions = decisions_in_force(con)
        recodes = [decision for decision in self.decisions if decision.action == "recode"]
        others = find_others(questionnaires.values()) if recodes else {}
        self.rules = Rules(find_places(questionnaires) if self.decisions else {}, others, key, recodes)
        self.recode_ids = {decision.decision_id for decision in recodes}
        self.replaces: dict[Submission, list[Decision]] = {}
        for decision in self.decisions:
            is_known = (decision.form_id, decision.question) in self.rules.places
            if decision.action == "replace" and decision.record is not None and is_known:
                self.replaces.setdefault((decision.form_id, decision.record), []).append(decision)

    def mark(self, record: Submission, version: str, decision_ids: Iterable[str]) -> str:
        """Give the mark of a record that stands corrected by its replacements and some recodes."""
        questionnaire = self.questionnaires.get((record[0], version))
        # What follows from the answers follows from the form, its media and our code, too.
        form = (questionnaire.sha256, sorted(questionnaire.media.items()), __version__) if questionnaire else ()
        ids = {*decision_ids, *(decision.decision_id for decision in self.replaces.get(record, ()))}
        return hashlib.sha256(repr((form, sorted(ids))).encode()).hexdigest()

    def to_recode(self) -> set[Submission]:
        """Give the records in which a recode in force finds its text, under the form's "other"."""
        query = "select lower(table_name), lower(column_name) from duckdb_columns() where schema_name = 'answers'"
        known = set(self.con.execute(query).fetchall())
        found: set[Submission] = set()
        for form_id, question in self.rules.recoded:
            place = self.rules.places[form_id, question]
            columns = dict.fromkeys(parent.column for parent in self.rules.parents(form_id, question))
            if (place.table.lower(), place.column.lower()) not in known:
                continue  # the first submission of this version is still to be read
            table, column = identifier("answers", place.table), identifier(place.column)
            texts = self.con.execute(f"select distinct {column} from {table} where {column} is not null").fetchall()
            hits = [text for (text,) in texts if self.rules.recodes_of(form_id, question, text)]
            chosen = "".join(f", {identifier(name)}" for name in columns)
            for submission_id, text, *answers in self.con.execute(
                f"select _submission_id, {column}{chosen} from {table} where {column} in (select unnest(?))", [hits]
            ).fetchall():
                answer_of = dict(zip(columns, answers, strict=True))
                if any(
                    self.rules.recoded_answer(decision, answer_of[self.rules.places[form_id, decision.parent].column])
                    is not None
                    for decision in self.rules.recodes_of(form_id, question, text)
                ):
                    found.add((form_id, submission_id))
        return found

    def due(self) -> dict[Submission, str]:
        """Give the freshly read records that decisions are about, with their form version."""
        wanted = {*self.replaces, *self.to_recode()}
        fresh = (
            self.con.execute(
                "select form_id, _submission_id, form_version from answers.loaded_submissions where decisions is null"
            ).fetchall()
            if wanted
            else []
        )
        return {
            (form_id, submission): version for form_id, submission, version in fresh if (form_id, submission) in wanted
        }


def _read(con: duckdb.DuckDBPyConnection, desk: _Desk, records: Mapping[Submission, str]) -> dict[Submission, Record]:
    """Read the answers that decisions are about."""
    found = {at: Record(*at, version) for at, version in records.items()}
    columns: dict[tuple[str, str], list[str]] = {}
    for decision in desk.decisions:
        if decision.action in ("replace", "recode"):
            for path in (decision.question, decision.parent):
                if place := desk.rules.places.get((decision.form_id, path)):
                    columns.setdefault((decision.form_id, place.table), []).append(place.column)
    for (form_id, table), names in columns.items():
        submissions = [submission for form, submission in found if form == form_id]
        for (submission, row), texts in read_texts(con, table, names, submissions).items() if submissions else ():
            found[form_id, submission].rows[table, row] = texts
    return found


def _change(con: duckdb.DuckDBPyConnection, changes: Mapping[Submission, Mapping[Cell, str | None]]) -> None:
    """Write changed answers into schema ``answers``, one statement for each column."""
    by_column: dict[tuple[str, str], list[tuple[str, str, str | None]]] = {}
    for (_, submission), cells in changes.items():
        for (table, row, column), text in cells.items():
            by_column.setdefault((table, column), []).append((submission, row, text))
    for (table, column), rows in by_column.items():
        con.register("changed_answers", _columns(("submission_id", "row", "answer"), rows))
        con.execute(
            f"""
            update {identifier("answers", table)} as answers set {identifier(column)} = changed.answer
            from changed_answers as changed
            where answers._submission_id = changed.submission_id and answers._row = changed."row"
            """
        )
        con.unregister("changed_answers")


def _recompute(
    con: duckdb.DuckDBPyConnection,
    desk: _Desk,
    versions: Mapping[Submission, str],
    changed: Iterable[Submission],
    recompute: Recompute,
) -> tuple[str, ...]:
    """Compute anew what follows from the answers of changed records; give what could not be."""
    by_version: dict[tuple[str, str], list[str]] = {}
    for form_id, submission in changed:
        by_version.setdefault((form_id, versions[form_id, submission]), []).append(submission)
    left: dict[str, None] = {}
    for key, submissions in sorted(by_version.items()):
        con.register("to_compute", _columns(("_submission_id",), [(submission,) for submission in submissions]))
        con.execute(f"create or replace temp table {CORRECTED} as from to_compute")
        con.unregister("to_compute")
        computed = []
        # A calculation of one table may read another, so all of them are asked before any is changed.
        for number, table in enumerate(desk.questionnaires[key].tables):
            told = recompute(desk.questionnaires[key], table.name, CORRECTED)
            left |= dict.fromkeys(f"{' '.join(key)}: {table.name}.{column} ({why})" for column, why in told.left)
            if told.select is not None:
                con.execute(f"create or replace temp table computed_{number} as {told.select}")
                computed.append((number, table.name, told.columns))
        for number, table_name, columns in computed:
            sets = ", ".join(f"{identifier(column)} = computed.{identifier(column)}" for column in columns)
            con.execute(
                f"""
                update {identifier("answers", table_name)} as answers set {sets} from computed_{number} as computed
                where answers._submission_id = computed._submission_id and answers._row = computed._row
                """
            )
            con.execute(f"drop table computed_{number}")
        con.execute(f"drop table {CORRECTED}")
    return tuple(left)


def _hold(con: duckdb.DuckDBPyConnection, applied: Mapping[Submission, Applied]) -> None:
    """Make those replacements stale whose answer the form does not keep: it computes it, or does not ask for it."""
    by_table: dict[str, list[tuple[str, Cell, State, str | None]]] = {}
    for (_, submission), made in applied.items():
        if made.changes:
            for cell, (state, text) in made.holders.items():
                by_table.setdefault(cell[0], []).append((submission, cell, state, text))
    for table, held in by_table.items():
        texts = read_texts(con, table, (cell[2] for _, cell, _, _ in held), {submission for submission, *_ in held})
        for submission, (_, row, column), state, text in held:
            if texts[submission, row][column] != text:
                state.state = "stale"


def _mark(con: duckdb.DuckDBPyConnection, marks: Sequence[tuple[str, str, str]]) -> None:
    con.register("new_marks", _columns(("form_id", "submission_id", "mark"), marks))
    con.execute(
        """
        update answers.loaded_submissions as loaded set decisions = new_marks.mark
        from new_marks
        where loaded.form_id = new_marks.form_id and loaded._submission_id = new_marks.submission_id
        """
    )
    con.unregister("new_marks")


def _columns(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pa.Table:
    """Turn rows of text into columns."""
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})


def _told(con: duckdb.DuckDBPyConnection, records: int, left: tuple[str, ...]) -> Corrected:
    by_state: dict[str, list[str]] = {}
    for decision_id, state in con.execute(
        """
        select distinct decision_id, state from quality.decision_states
        where "action" <> 'withdraw' and state <> 'withdrawn' order by all
        """
    ).fetchall():
        by_state.setdefault(state, []).append(decision_id)
    return Corrected(
        records=records,
        decisions={state: len(ids) for state, ids in by_state.items()},
        stale_decisions=tuple(by_state.get("stale", ())),
        waiting_decisions=tuple(by_state.get("waiting", ())),
        not_recomputed=left,
    )
