"""Say back to Central what is wrong with a record: ``hasIssues`` and one comment, taken back when all is mended.

:mod:`laktasi.odk.decisions` says what is to be done; here the server is looked at, one thing is written, and the server
is looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from laktasi.errors import SourceError
from laktasi.odk.decisions import (
    EDITED,
    NOTE,
    By,
    Decision,
    Kind,
    OurComment,
    Situation,
    StateEvent,
    Wish,
    decide,
    marks_in,
)
from laktasi.odk.odata import read_time, read_time_or_none

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection

SECONDS_BETWEEN_WRITES = 0.3
MAY_REVIEW = "submission.update"
"""What Central calls the right to review; Project Managers have it, Project Viewers do not."""
_ROUNDS = 4
"""Of writing one thing and looking again: two do for a comment and a state, more only while people write too."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done about one record; in a dry run, what would be."""

    wish: Wish
    decision: Decision
    is_settled: bool
    """The server was looked at afterwards, and there is nothing left to do."""
    updated_at: datetime | None
    """When the server then said that the record had last changed."""


def send(
    connection: Connection,
    wishes: Sequence[Wish],
    *,
    at_most: int,
    dry_run: bool,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Outcome]:
    """Look at each record on the server and do what :func:`decide` says.

    One thing is written at a time, and the server looked at again before the next. The comment goes before the state:
    a flag then always has its comment, and what people decide meanwhile is seen. A run that is killed anywhere is
    finished by the next one.

    Parameters
    ----------
    at_most
        Records to write to. When so many were written to, the rest is left for the next run and not given.
    dry_run
        Look and decide only.
    pause
        Called with seconds after each write.

    Returns
    -------
    iterator of Outcome
        One for each thing that was written, as soon as it was, and one for each record that needed nothing or was left
        alone. In a dry run one for each record.

    Raises
    ------
    SourceError
        The server cannot be reached, or the account may not review. What was given before is done.
    """
    if not dry_run and wishes:
        _check_rights(connection)
    written = 0
    for wish in wishes:
        if written == at_most:
            return
        is_written = False
        for outcome in _look_at(connection, wish) if dry_run else _act_on(connection, wish, pause):
            is_written = is_written or outcome.decision.writes
            yield outcome
        written += is_written


def _look_at(connection: Connection, wish: Wish) -> Iterator[Outcome]:
    seen = look(connection, wish)
    yield _gone(wish, None) if seen is None else _seen(wish, seen, decide(wish, seen))


def _act_on(connection: Connection, wish: Wish, pause: Callable[[float], None]) -> Iterator[Outcome]:
    seen = look(connection, wish)
    if seen is None:
        yield _gone(wish, None)
        return
    decision = decide(wish, seen)
    if not decision.writes:
        yield _seen(wish, seen, decision)
        return
    for _ in range(_ROUNDS):
        step = _first_of(decision)
        if not _write(connection, wish, step):
            yield _gone(wish, seen.state)
            return
        try:
            pause(SECONDS_BETWEEN_WRITES)
            after = look(connection, wish)
        except SourceError:
            yield Outcome(wish, step, is_settled=False, updated_at=None)
            raise
        if after is None:
            yield Outcome(wish, step, is_settled=False, updated_at=None)
            yield _gone(wish, step.state_after)
            return
        seen, decision = after, decide(wish, after)
        yield Outcome(wish, step, _is_settled(decision), seen.updated_at)
        if not decision.writes:
            break
    if decision.kind is not Kind.NOTHING:
        yield _seen(wish, seen, decision)


def _first_of(decision: Decision) -> Decision:
    """Give the one thing to write now: of a comment and a state, the comment."""
    if decision.comment is not None and decision.kind is Kind.FLAGGED:
        return replace(decision, kind=Kind.SAID, state_after=decision.state_before)
    return decision


def _is_settled(decision: Decision) -> bool:
    return not decision.writes and decision.kind is not Kind.WAITS


def _seen(wish: Wish, seen: Situation, decision: Decision) -> Outcome:
    return Outcome(wish, decision, _is_settled(decision), seen.updated_at)


def _gone(wish: Wish, state: str | None) -> Outcome:
    decision = Decision(Kind.GONE, "no longer on the server", state, state)
    return Outcome(wish, decision, is_settled=False, updated_at=None)


def look(connection: Connection, wish: Wish) -> Situation | None:
    """Read what the server says of a record; None where it is gone.

    Its state is read last: what was decided on meanwhile is then seen.
    """
    from laktasi.odk.connection import AnsweredError

    place = _place(connection, wish)
    try:
        audits = connection.json(f"{place}/audits")
        comments = connection.json(f"{place}/comments")
        record = connection.json(place)
    except AnsweredError as error:
        if error.status == 404:
            return None
        raise
    with connection.expecting():
        return Situation(
            state=record["reviewState"],
            instance_id=record["currentVersion"]["instanceId"],
            updated_at=read_time_or_none(record["updatedAt"]),
            events=tuple(sorted(filter(None, map(_event, reversed(audits))), key=lambda event: event.at)),
            comments=tuple(sorted(filter(None, map(_comment, reversed(comments))), key=lambda comment: comment.at)),
        )


def _event(audit: Any) -> StateEvent | None:
    details = audit["details"] or {}
    at = read_time(audit["loggedAt"])
    if audit["action"] == "submission.update.version":
        return StateEvent(EDITED, By.EDIT, at)
    if audit["action"] == "submission.update" and "reviewState" in details:
        return StateEvent(details["reviewState"], By.US if audit["notes"] == NOTE else By.PERSON, at)
    return None


def _comment(comment: Any) -> OurComment | None:
    found = marks_in(comment["body"])
    return None if found is None else OurComment(found, read_time(comment["createdAt"]))


def _place(connection: Connection, wish: Wish) -> str:
    form, record = connection.quote(wish.form_id), connection.quote(wish.submission_id)
    return f"{connection.project}/forms/{form}/submissions/{record}"


def _write(connection: Connection, wish: Wish, decision: Decision) -> bool:
    """Write one thing, the comment first; False where the record is gone."""
    from laktasi.odk.connection import AnsweredError

    place = _place(connection, wish)
    try:
        if decision.comment is not None:
            connection.send("POST", f"{place}/comments", json={"body": decision.comment})
        else:
            change = {"reviewState": decision.state_after}
            connection.send("PATCH", place, json=change, headers={"X-Action-Notes": NOTE})
    except AnsweredError as error:
        if error.status == 404:
            return False
        if error.status == 403:
            raise _refused(connection) from None
        raise
    return True


def _check_rights(connection: Connection) -> None:
    """See that the account may review before anything is written: a comment alone may be made by a viewer, too."""
    project = connection.json(connection.project, extended=True)
    if MAY_REVIEW not in (project.get("verbs") or [MAY_REVIEW]):
        raise _refused(connection)


def _refused(connection: Connection) -> SourceError:
    return SourceError(
        f"this account may read {connection.project} on {connection.host}, and not review its submissions",
        why="Setting a review state needs the role Project Manager; Project Viewer is enough for everything else.",
        next_step="ask the server's administrator for the role Project Manager in this project, or leave out --send",
    )
