"""What people decide about findings, written down as decisions: accepted as they are, corrected, or the record dropped.

Nothing is changed here. A decision says what stood there when it was made, and the next run applies it if that is still
so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.desk.known import key_for, questionnaires_of
from laktasi.errors import CheckError
from laktasi.settings import Settings
from laktasi.workplace import alone, check_begun, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.quality import Finding
    from laktasi.quality.decisions import Decision
    from laktasi.store.forms import Questionnaires

LIST = "laktasi findings lists those that are open"


@dataclass(frozen=True, slots=True)
class Question:
    """Where the answer to a question stands."""

    form_id: str
    table: str
    column: str
    path: str
    """Below the root node of the form."""
    is_direct: bool
    """It is a direct identifier: a keyed hash stands for its answers."""


def accept_findings(
    settings: Settings, finding_ids: Sequence[str], *, reason: str, reviewer: str, until: date | None = None
) -> Path:
    """Write down that open findings are to stand as they are, all of them or none.

    Parameters
    ----------
    until
        Last day on which that holds; None: as long as the answer stays. A finding about a group needs it.

    Returns
    -------
    Path
        The file in schemas/corrections/.

    Raises
    ------
    CheckError
        A finding is not known, or not open, has been accepted already, or is about a group and `until` is missing.
    WarehouseError
        A run is at work.
    """
    from laktasi.quality.decisions import Decision, new_id, read_decisions, write_decisions

    _check_said(reason, reviewer, "reviewer")
    if until is not None and until < date.today():
        raise CheckError("--until is a day that has passed", next_step="name the last day on which it shall hold")
    folder = settings.folders.corrections
    settings.data_folder.check_own()
    check_begun(settings.data_folder)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        found = [_open_finding(con, finding_id) for finding_id in dict.fromkeys(finding_ids)]
        questionnaires = questionnaires_of(con)
        standing = _standing(read_decisions(folder))
        decisions = []
        for finding in found:
            if not finding.submission_id and until is None:
                raise CheckError(
                    f"finding {finding.finding_id} is about a group ({finding.row}), and --until is missing",
                    why="A group has no version to hold it by, so that is accepted for a time only.",
                    next_step="add --until DATE",
                )
            question, expected = _expectation(con, settings, questionnaires, finding, standing)
            decisions.append(
                Decision(
                    id=new_id(),
                    action="okay",
                    reason=reason,
                    reporter=reviewer,
                    date=date.today(),
                    form=finding.form_id,
                    submission=finding.submission_id or None,
                    row=finding.row,
                    question=question.path if question else None,
                    rule=finding.rule_id,
                    finding=finding.finding_id,
                    expected=expected,
                    until=until,
                )
            )
    for decision in decisions:
        for other in standing:
            same = (other.action, other.finding, other.expected) == ("okay", decision.finding, decision.expected)
            if same and (other.until is None or (until is not None and other.until >= until)):
                raise _decided(other, "accepted")
    return write_decisions(folder, decisions)


def correct_finding(
    settings: Settings,
    finding_id: str,
    *,
    reason: str,
    reporter: str,
    value: str | None,
    question: str | None = None,
    row: str | None = None,
) -> Path:
    """Write down that another answer is to stand where a finding is open, or that its record is to be left out.

    Parameters
    ----------
    value
        The answer that is to stand, empty for none. None: the record is dropped.
    question
        Path, column or name of the question; None: the one that the rule is about.
    row
        Row of the repeat that the question stands in; None: that of the finding.

    Returns
    -------
    Path
        The file in schemas/corrections/.

    Raises
    ------
    CheckError
        The finding is not known, not open or about a group; there is no such question or row, or it is not clear which
        one is meant; the question can have no such answer, has it already, or that was decided before.
    WarehouseError
        A run is at work.
    """
    from laktasi.quality.decisions import Decision, new_id, read_decisions, write_decision

    _check_said(reason, reporter, "reporter")
    folder = settings.folders.corrections
    settings.data_folder.check_own()
    check_begun(settings.data_folder)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        finding = _open_finding(con, finding_id)
        if not finding.submission_id:
            raise CheckError(
                f"finding {finding.finding_id} is about a group ({finding.row}), which holds no answer to correct",
                next_step="correct its records, or accept it: laktasi findings accept",
            )
        decision = Decision(
            id=new_id(),
            action="drop" if value is None else "replace",
            reason=reason,
            reporter=reporter,
            date=date.today(),
            form=finding.form_id,
            submission=finding.submission_id,
            finding=finding.finding_id,
        )
        standing = _standing(read_decisions(folder))
        decision = (
            _dropping(con, decision)
            if value is None
            else _replacing(con, settings, decision, finding, value, question, row, standing)
        )
        _check_applicable(con, decision, standing)
    keys = ("action", "form", "submission", "row", "question", "expected", "value")
    for other in standing:
        if all(getattr(other, key) == getattr(decision, key) for key in keys):
            raise _decided(other, "dropped" if value is None else "corrected so")
    return write_decision(folder, decision)


def _dropping(con: duckdb.DuckDBPyConnection, decision: Decision) -> Decision:
    from dataclasses import replace

    return replace(decision, expected=_instance_of(con, decision.form, decision.submission))


def _replacing(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    decision: Decision,
    finding: Finding,
    value: str,
    name: str | None,
    row: str | None,
    standing: Sequence[Decision],
) -> Decision:
    from dataclasses import replace

    own = _question_of(con, finding)
    asked = _find(con, finding, name) if name else own
    if asked is None:
        raise CheckError(
            f"the rule {finding.rule_id!r} is about several questions, or a whole record",
            next_step="say which answer is wrong: --question PATH",
        )
    if _is_computed(con, asked):
        raise CheckError(
            f"the form computes {asked.path!r} by itself, and would do so again",
            next_step="say which of the answers that it is made of is wrong: --question PATH",
        )
    if row is None:
        row = finding.row if own is None or asked.table == own.table else ""
    text, earlier = _text_to_be(con, asked, finding.submission_id, row, standing)
    if text == value and earlier is not None:
        raise _decided(earlier, "corrected so")
    if text == value:
        raise CheckError(
            f"{asked.path!r} has that answer already", next_step="laktasi findings show ID says what the rule asks"
        )
    return replace(decision, row=row, question=asked.path, expected=_kept(con, settings, asked, text), value=value)


def _check_applicable(con: duckdb.DuckDBPyConnection, decision: Decision, standing: Sequence[Decision]) -> None:
    """Refuse what the next run would refuse, before it is written."""
    from laktasi.quality.decision_checks import check_decisions

    try:
        check_decisions(con, {decision.id}, (*standing, decision), questionnaires_of(con))
    except CheckError as error:
        raise CheckError(
            error.what.removeprefix(f"decision {decision.id!r}: "),
            why="The next run would stop at such a decision, so none has been written.",
            next_step="write --value as the phone does: the name of a choice, 12 or 2.5, 2026-11-21, '' for no answer",
        ) from None


def _expectation(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    questionnaires: Questionnaires,
    finding: Finding,
    standing: Sequence[Decision],
) -> tuple[Question | None, str | None]:
    """Give the question that a finding is about and what must still stand there for it to be accepted.

    Where its rule reads other questions too the answer alone does not say that: nothing in the record may change.
    """
    from laktasi.desk.reads import reads_one_answer

    if not finding.submission_id:
        return None, None
    question = _question_of(con, finding)
    if question is None or not reads_one_answer(con, questionnaires, finding.form_id, finding.rule_id):
        return None, _instance_of(con, finding.form_id, finding.submission_id)
    text, _ = _text_to_be(con, question, finding.submission_id, finding.row, standing)
    return question, _kept(con, settings, question, text)


def _kept(con: duckdb.DuckDBPyConnection, settings: Settings, question: Question, text: str) -> str:
    """Give what is written down of an answer; what names a person stays in the warehouse."""
    from laktasi.secret import keyed

    if not text or not question.is_direct:
        return text
    return keyed(key_for(con, settings), question.form_id, question.path, text)


def _open_finding(con: duckdb.DuckDBPyConnection, finding_id: str) -> Finding:
    from laktasi.quality import list_findings

    found = list_findings(con, finding_id=finding_id, status=None)
    if not found:
        raise CheckError(f"there is no finding {finding_id!r}", next_step=LIST)
    if not found[0].is_open:
        raise CheckError(
            f"finding {finding_id} is {found[0].status}: there is nothing to decide",
            next_step=f"laktasi findings show {finding_id} says since when and why",
        )
    return found[0]


_QUESTIONS = """
    select form_id, table_name, column_name, path, privacy not in ('none', 'quasi')
    from staging.codebook where form_id = ?
"""


def _question_of(con: duckdb.DuckDBPyConnection, finding: Finding) -> Question | None:
    """Give the one question that a finding's rule is about, if there is one."""
    found = con.execute(
        f"""
        {_QUESTIONS} and (table_name, column_name) in (
            select (table_name, field) from quality.rules where form_id = ? and rule_id = ?
        )
        """,
        [finding.form_id, finding.form_id, finding.rule_id],
    ).fetchall()
    return Question(*found[0]) if len(found) == 1 else None


def _find(con: duckdb.DuckDBPyConnection, finding: Finding, name: str) -> Question:
    """Give the question that a person means: by its path, its column, or the last part of its path."""
    questions = [Question(*row) for row in con.execute(_QUESTIONS, [finding.form_id]).fetchall()]
    exact = [item for item in questions if name in (item.path, item.column)]
    found = exact or [item for item in questions if item.path.rpartition("/")[2] == name]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CheckError(
            f"the form {finding.form_id!r} asks no question {name!r}",
            next_step=f"laktasi sql \"select path from staging.codebook where form_id = '{finding.form_id}'\"",
        )
    raise CheckError(
        f"{name!r} could be any of {', '.join(item.path for item in found)}", next_step="give --question its whole path"
    )


def _is_computed(con: duckdb.DuckDBPyConnection, question: Question) -> bool:
    """Say whether the form's own calculation decides what stands there."""
    found = con.execute(
        "select 1 from quality.rules where form_id = ? and table_name = ? and field = ? and kind = 'calculation'",
        [question.form_id, question.table, question.column],
    ).fetchone()
    return found is not None


def _text(con: duckdb.DuckDBPyConnection, question: Question, submission_id: str, row: str) -> str:
    """Give the answer as it stands, empty for none. It goes into no message."""
    from laktasi.store.sql import identifier

    found = con.execute(
        f"""
        select coalesce({identifier(question.column)}, '') from {identifier("answers", question.table)}
        where _submission_id = ? and _row = ?
        """,
        [submission_id, row],
    ).fetchone()
    if found is None:
        raise CheckError(
            f"the record has no row {row!r} of {question.path!r}",
            next_step="say which row of the repeat is meant: --row 2, or --row 2.1 for a repeat in a repeat",
        )
    return str(found[0])


def _text_to_be(
    con: duckdb.DuckDBPyConnection, question: Question, submission_id: str, row: str, standing: Sequence[Decision]
) -> tuple[str, Decision | None]:
    """Give the answer as it will stand once decisions are applied that no run has seen, and the last of these."""
    text = _text(con, question, submission_id, row)
    landed = {name for (name,) in con.execute("select decision_id from quality.decisions").fetchall()}
    place = ("replace", question.form_id, submission_id, row, question.path)
    earlier = [
        item
        for item in standing
        if item.id not in landed and (item.action, item.form, item.submission, item.row, item.question) == place
    ]
    return (earlier[-1].value or "", earlier[-1]) if earlier else (text, None)


def _instance_of(con: duckdb.DuckDBPyConnection, form_id: str | None, submission_id: str | None) -> str:
    found = con.execute(
        "select instance_id from staging.submissions where form_id = ? and submission_id = ?", [form_id, submission_id]
    ).fetchone()
    if found is None:
        raise CheckError(f"the record {submission_id} is no longer there", next_step="laktasi run")
    return str(found[0])


def _standing(decisions: Sequence[Decision]) -> list[Decision]:
    withdrawn = {decision.withdraws for decision in decisions}
    return [decision for decision in decisions if decision.id not in withdrawn]


def _decided(other: Decision, what: str) -> CheckError:
    return CheckError(
        f"finding {other.finding} has been {what} already, by the decision {other.id}",
        why="It is applied by the next run.",
        next_step="laktasi run",
    )


def _check_said(reason: str, who: str, option: str) -> None:
    for name, text in (("reason", reason), (option, who)):
        if not text.strip():
            raise CheckError(f"--{name} is empty", next_step="say why, and who decided: both are kept")
