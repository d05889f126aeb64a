"""The way back: what the warehouse found is said on Central, and listed for the people who can mend it.

Joins quality (what is wrong), odk (saying it), store (the log of it) and report (the lists), as the pipeline joins the
rooms for a record's way in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import SourceError, WarehouseError
from laktasi.forms import known_forms
from laktasi.settings import CentralSettings, Settings
from laktasi.workplace import PATIENCE_SECONDS, alone, check_begun, code_version, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.odk.decisions import Wish
    from laktasi.odk.feedback import Outcome
    from laktasi.report.todo import TodoList
    from laktasi.store.feedback_log import Said

Progress = Callable[[str, int, int | None], None]

DOOR = "feedback"
"""Of a run in meta.runs that only says things back."""
COLUMNS = ("source", "form_id", "submission_id", "state", "then", "what", "comment", "rules", "why")
TO_DO = {"flagged": "to flag", "said": "to tell", "mended": "to take back"}
"""What a dry run calls that which would be written."""


@dataclass(frozen=True, slots=True)
class RecordLine:
    """What was done about one record, or would be. Ids, states and rules; never an answer."""

    source: str
    """Its name in laktasi.toml."""
    form_id: str
    submission_id: str
    kind: str
    """See :class:`laktasi.odk.decisions.Kind`."""
    state_before: str | None
    """None for received."""
    state_after: str | None
    rule_ids: tuple[str, ...]
    has_comment: bool
    reason: str

    def row(self, *, is_sent: bool) -> tuple[str, ...]:
        """Give it as a row of a table with :data:`COLUMNS`; where nothing was sent, it says what is to be done."""
        kind = self.kind if is_sent else TO_DO.get(self.kind, self.kind)
        states = (self.state_before or "received", self.state_after or "received")
        what = (kind.replace("_", " "), "yes" if self.has_comment else "")
        return (self.source, self.form_id, self.submission_id, *states, *what, " ".join(self.rule_ids), self.reason)


@dataclass(slots=True)
class Told:
    """What a round of feedback has to tell."""

    is_sent: bool = False
    """It was written; otherwise it is what would be."""
    lines: list[RecordLine] = field(default_factory=list)
    """Records that were written to (in a dry run: would be), wait, or were left alone."""
    as_before: int = 0
    """Records about which there is nothing new."""
    postponed: int = 0
    """Records that wait for the next run: this one has written to as many as it may, or could not go on."""
    broken_off: dict[str, SourceError] = field(default_factory=dict)
    """Sources that could not be reached, or refused, and why."""

    def count(self, *kinds: str) -> int:
        """Count lines of some kinds."""
        return sum(line.kind in kinds for line in self.lines)

    def counts(self) -> dict[str, Any]:
        """Give what a run's manifest says of it."""
        kinds = sorted({line.kind for line in self.lines})
        return {**{kind: self.count(kind) for kind in kinds}, "as_before": self.as_before, "postponed": self.postponed}


def summary_of(told: Told) -> str:
    """Say in a sentence how many records had what done to them, or would."""
    counts = {
        "flagged" if told.is_sent else "to flag": told.count("flagged"),
        "told" if told.is_sent else "to tell": told.count("said"),
        "taken back" if told.is_sent else "to take back": told.count("mended"),
        "left to people": told.count("left_alone"),
        "changed on the server since they were checked": told.count("waits"),
        "gone from the server": told.count("gone"),
        "for the next run": told.postponed,
        "with nothing new": told.as_before,
    }
    said = ", ".join(f"{count} {words}" for words, count in counts.items() if count) or "nothing to say"
    if not told.is_sent and told.count("flagged", "said", "mended"):
        said += "\nNothing was written. Next: laktasi feedback --send"
    return said


def lines_of(told: Told) -> list[str]:
    """Tell a round of feedback in lines: record by record, then in a sentence, then what could not be reached."""
    records = []
    for line in told.lines:
        source, form_id, submission_id, before, after, what, _, rules, why = line.row(is_sent=told.is_sent)
        about = f" [{rules}]" if rules else ""
        records.append(f"{submission_id} ({form_id}, {source}): {before} → {after}, {what}: {why}{about}")
    broken_off = [f"{name}: {error.what}" for name, error in told.broken_off.items()]
    return [*records, *summary_of(told).splitlines(), *broken_off]


def give_feedback(
    settings: Settings,
    *,
    send: bool,
    source: str | None = None,
    progress: Progress | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Told:
    """Say back to Central what is wrong with which record, as a run of its own.

    Parameters
    ----------
    send
        Write. Otherwise only look, and tell what would be written.
    source
        Name of one Central in laktasi.toml; None takes all.
    patience_seconds
        How long to wait for a run that is at work in the same data folder.

    Raises
    ------
    SettingsError
        There is no Central, or none of that name.
    WarehouseError
        Another run is at work, or the findings may be older than the records.
    """
    from laktasi import __version__
    from laktasi.store import runs

    settings.data_folder.check_own()
    centrals = settings.centrals(source)
    check_begun(settings.data_folder)
    with alone(settings.data_folder, patience_seconds), opened(settings.data_folder) as con:
        _check_age(con)
        if not send:
            return say(con, settings, centrals, run_id=None, progress=progress)
        run_id = runs.begin(con, DOOR, laktasi_version=__version__, code_version=code_version())
        try:
            told = say(con, settings, centrals, run_id=run_id, progress=progress)
        except BaseException:
            runs.fail(con, run_id)
            raise
        unreached = {name: error.what for name, error in told.broken_off.items()}
        runs.finish(con, run_id, {}, {"steps": {DOOR: told.counts()}, "unreached": unreached, "forms": {}})
    return told


def say(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    centrals: Mapping[str, CentralSettings],
    *,
    run_id: str | None,
    progress: Progress | None = None,
) -> Told:
    """Say back what the checks of this warehouse found; to be called after they have run.

    A Central that cannot be reached does not keep the others from being told.

    Parameters
    ----------
    con
        The warehouse, outside a transaction.
    run_id
        The run that the log names; None: a dry run, nothing is written, on Central or here.
    """
    from laktasi.odk.connection import source_of
    from laktasi.odk.decisions import Kind

    told = Told(is_sent=run_id is not None)
    for name, central in centrals.items():
        wishes: dict[Wish, Said | None] = {}
        for wish, last, updated_at in _wishes(con, settings, source_of(central)):
            if last is None or not last.holds(wish.instance_id, wish.rules, updated_at):
                wishes[wish] = last
            elif last.action == Kind.LEFT_ALONE:
                told.lines.append(_line(name, last, None))
            else:
                told.as_before += 1
        try:
            _say_to(con, settings, name, wishes, run_id, told, progress)
        except SourceError as error:
            told.broken_off[name] = error
    return told


def write_todo_lists(settings: Settings) -> Path:
    """Write what each enumerator should look at again, as pages for paper; give the page that leads to them.

    Findings of the severities that are sent to Central, whether or not there is one. What a person on Central has
    decided about is left out: an edit from the phone would undo the decision.

    Raises
    ------
    WarehouseError
        Another run is at work, or the findings may be older than the records.
    LaktasiError
        A page cannot be written.
    """
    from laktasi.report.todo import write_todo

    settings.data_folder.check_own()
    check_begun(settings.data_folder)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        checked_at = _check_age(con)
        lists = _todo_lists(con, settings)
    folder = settings.data_folder.fieldwork / "todo"
    return write_todo(folder, lists, as_of=checked_at.astimezone().date(), language=settings.language)


def _todo_lists(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[TodoList]:
    from laktasi.quality.messages import place_of, problems, whose
    from laktasi.report.todo import Item, Record, TodoList

    owners, forms = whose(con), _forms_on_phones(con)
    found_problems = problems(con, settings.feedback.severities)
    has_no_label = any(problem.path and not problem.question for problem in found_problems)
    questionnaires = known_forms(con).questionnaires if has_no_label else {}
    items: dict[tuple[str, str], list[Item]] = {}
    for problem in found_problems:
        message = problem.message or {"default": problem.rule_id}
        version = owners[problem.form_id, problem.submission_id].form_version
        place = place_of(problem, questionnaires.get((problem.form_id, version)))
        item = Item(place, message, problem.row, is_computed=problem.kind == "calculation")
        found = items.setdefault((problem.form_id, problem.submission_id), [])
        if item not in found:
            found.append(item)
    records: dict[str | None, list[Record]] = {}
    for (form_id, submission_id), found in items.items():
        owner = owners[form_id, submission_id]
        if owner.is_decided:
            continue
        title, is_editable = forms.get((form_id, owner.form_version), (form_id, False))
        is_editable = is_editable and not owner.is_edited_on_server
        record = Record(owner.subject_code, owner.day, owner.centre, title, is_editable, tuple(found))
        records.setdefault(owner.enumerator_code, []).append(record)
    return [TodoList(enumerator, tuple(found)) for enumerator, found in records.items()]


def _forms_on_phones(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[str, bool]]:
    """Give the title of each form version, and whether Collect lets people edit what they have sent of it."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError

    from laktasi.odk.publish import is_editable, title_of

    found: dict[tuple[str, str], tuple[str, bool]] = {}
    for form_id, version, xform in con.execute(
        "select form_id, form_version, xform from raw.forms order by landed_at desc"
    ).fetchall():
        try:
            title, can_edit = title_of(xform), is_editable(xform)
        except (ParseError, DefusedXmlException):
            continue
        _, before = found.get((form_id, version), ("", True))
        found[form_id, version] = (title or form_id, can_edit and before)
    return found


def _wishes(con: duckdb.DuckDBPyConnection, settings: Settings, source: str) -> list[tuple[Wish, Said | None, Any]]:
    """Give what may have to be said or taken back, with what was said last and the record's last change.

    What is to be taken back comes first: it is what people wait for.
    """
    from laktasi.odk.decisions import HAS_ISSUES, Wish
    from laktasi.quality.messages import messages
    from laktasi.store.feedback_log import candidates

    found = {
        (item.form_id, item.submission_id): item
        for item in messages(con, source, settings.feedback.severities, settings.language)
    }
    given = []
    for record in candidates(con, source):
        message = found.get((record.form_id, record.submission_id))
        if message is None and HAS_ISSUES not in (record.state, record.last and record.last.state_after):
            continue  # nothing to say, and nothing of ours to take back
        rules, text = (message.rule_ids, message.text) if message else ((), None)
        wish = Wish(record.form_id, record.submission_id, record.checked_instance_id, rules, text)
        given.append((wish, record.last, record.updated_at))
    return sorted(given, key=lambda item: bool(item[0].rules))


def _say_to(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    name: str,
    wishes: Mapping[Wish, Said | None],
    run_id: str | None,
    told: Told,
    progress: Progress | None,
) -> None:
    """Say some things on one Central, and write each down as soon as it is done."""
    from laktasi.odk.connection import connect
    from laktasi.odk.decisions import Kind
    from laktasi.odk.feedback import send
    from laktasi.store.feedback_log import write_said

    if not wishes:
        return
    lines: dict[Wish, RecordLine] = {}
    try:
        with connect(settings.central[name], settings.data_folder.tokens) as connection:
            at_most = settings.feedback.at_most
            for outcome in send(connection, list(wishes), at_most=at_most, dry_run=run_id is None):
                wish, said = outcome.wish, _said(connection.source, outcome)
                if run_id is not None and said != wishes[wish] and said.action not in (Kind.GONE, Kind.WAITS):
                    write_said(con, run_id, said)
                lines[wish] = _line(name, said, lines.get(wish))
                if progress:
                    progress(f"telling {connection.host}", len(lines), len(wishes))
    finally:
        told.lines += [line for line in lines.values() if line.kind != Kind.NOTHING]
        told.as_before += sum(line.kind == Kind.NOTHING for line in lines.values())
        told.postponed += len(wishes) - len(lines)


def _said(source: str, outcome: Outcome) -> Said:
    from laktasi.store.feedback_log import Said

    wish, decision = outcome.wish, outcome.decision
    return Said(
        source=source,
        form_id=wish.form_id,
        submission_id=wish.submission_id,
        instance_id=wish.instance_id,
        action=decision.kind.value,
        state_before=decision.state_before,
        state_after=decision.state_after,
        rule_ids=wish.rules,
        comment=decision.comment,
        reason=decision.reason,
        is_settled=outcome.is_settled,
        updated_at=outcome.updated_at,
    )


def _line(name: str, said: Said, earlier: RecordLine | None) -> RecordLine:
    """Make one line of what is told of a record; `earlier` is the line of what was done to it just before."""
    return RecordLine(
        source=name,
        form_id=said.form_id,
        submission_id=said.submission_id,
        kind=said.action,
        state_before=earlier.state_before if earlier else said.state_before,
        state_after=said.state_after,
        rule_ids=said.rule_ids,
        has_comment=said.comment is not None or (earlier is not None and earlier.has_comment),
        reason=said.reason,
    )


def _check_age(con: duckdb.DuckDBPyConnection) -> datetime:
    """Give when the records were checked; refuse where a run that failed may have left newer ones without checks."""
    found = con.execute(
        """
        select status, finished_at from meta.runs
        where door not in ('import', ?) and (status <> 'finished' or staged is not null)
        order by run_id desc limit 1
        """,
        [DOOR],
    ).fetchone()
    if found is None:
        raise WarehouseError("no run has checked anything here yet", next_step="laktasi run")
    status, finished_at = found
    if status != "finished":
        raise WarehouseError(
            "the latest run did not end well, so findings may be older than the records they are about",
            why="What people are told must be true of what stands there.",
            next_step="laktasi run, then this command again",
        )
    assert isinstance(finished_at, datetime)
    return finished_at
