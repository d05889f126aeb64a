"""What is said back to Central about a record: ``hasIssues`` and one comment, taken back when all is mended.

The server's own log is the record of what was done: our writes carry a note, our comments a mark. So a warehouse that
was lost, or a run that was killed between two requests, can neither repeat a comment nor forget what a state was
before. :func:`decide` is pure; :func:`send` looks, decides, writes one thing, and looks again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from laktasi.errors import SourceError

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection

NOTE = "laktasi"
"""Header ``X-Action-Notes`` of our writes: Central keeps it with the event, whoever's account we work under."""
HAS_ISSUES, EDITED, APPROVED, REJECTED = "hasIssues", "edited", "approved", "rejected"
DECIDED = (APPROVED, REJECTED)
"""What only people say, and what is never written over."""
SECONDS_BETWEEN_WRITES = 0.3
MAY_REVIEW = "submission.update"
"""What Central calls the right to review; Project Managers have it, Project Viewers do not."""
_MARK = re.compile(r"`laktasi((?: [0-9a-f]{8})+)`\s*\Z")
_ROUNDS = 4
"""Of writing one thing and looking again: two do for a comment and a state, more only while people write too."""


class Kind(StrEnum):
    """What comes of looking at a record."""

    FLAGGED = "flagged"
    """Its state becomes ``hasIssues``."""
    SAID = "said"
    """It has issues already; a comment says which."""
    MENDED = "mended"
    """Its state goes back to what it was before ours."""
    LEFT_ALONE = "left_alone"
    """There would be something to say, but a person has decided."""
    WAITS = "waits"
    """The server has another version than the one that was checked."""
    NOTHING = "nothing"
    GONE = "gone"
    """It is no longer on the server."""


class By(StrEnum):
    """Who set a state."""

    US = "us"
    PERSON = "person"
    EDIT = "edit"
    """Nobody: Central calls a record ``edited`` whenever it is."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the warehouse has to say about one record."""

    form_id: str
    submission_id: str
    instance_id: str
    """The version that was checked: of any other nothing is known."""
    rules: tuple[str, ...]
    """Of its open findings; empty where all is mended."""
    text: str | None
    """The comment that names them; None where all is mended."""


@dataclass(frozen=True, slots=True)
class StateEvent:
    """A review state was set."""

    state: str | None
    """None for received."""
    by: By
    at: datetime


@dataclass(frozen=True, slots=True)
class OurComment:
    """A comment of ours, and the marks of the rules that it speaks of."""

    marks: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """What the server says of one record."""

    state: str | None
    instance_id: str
    updated_at: datetime | None
    events: tuple[StateEvent, ...]
    """The oldest first."""
    comments: tuple[OurComment, ...]
    """The oldest first; people's own are not among them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one record, and why."""

    kind: Kind
    reason: str
    state_before: str | None
    state_after: str | None
    comment: str | None = None

    @property
    def writes(self) -> bool:
        """It asks for a request that changes something."""
        return self.comment is not None or self.state_after != self.state_before


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done about one record; in a dry run, what would be."""

    wish: Wish
    decision: Decision
    is_settled: bool
    """The server was looked at afterwards, and there is nothing left to do."""
    updated_at: datetime | None
    """When the server then said that the record had last changed."""


def marks(rules: Iterable[str]) -> frozenset[str]:
    """Give the short marks by which rules are known again in a comment."""
    return frozenset(sha256(rule.encode()).hexdigest()[:8] for rule in rules)


def with_mark(text: str, rules: Iterable[str]) -> str:
    """Put below a comment the line that names all its rules, also those for which the text has no room."""
    return f"{text}\n\n`{NOTE} {' '.join(sorted(marks(rules)))}`"


def decide(wish: Wish, seen: Situation) -> Decision:
    """Say what to do about a record.

    Idempotent: once it is done, the same wish asks for nothing more. What a person approved or rejected is left as it
    is; so is what a person, having been told of these very rules, set to anything but an issue.

    Parameters
    ----------
    wish
        What the warehouse has to say.
    seen
        What the server says.
    """
    if seen.instance_id != wish.instance_id:
        return _stays(seen, Kind.WAITS, "the server has another version than the one that was checked")
    if seen.events and seen.events[-1].state != seen.state:
        return _stays(seen, Kind.WAITS, "somebody is reviewing it right now")
    return _flag(wish, seen) if wish.rules else _mend(seen)


def _flag(wish: Wish, seen: Situation) -> Decision:
    if seen.state in DECIDED:
        return _stays(seen, Kind.LEFT_ALONE, f"a person {seen.state} it")
    comment = with_mark(wish.text or "", wish.rules) if _is_news(wish, seen) else None
    if seen.state == HAS_ISSUES:
        if (before := _before_ours(seen)) is not None and before.state in DECIDED:
            return _stays(seen, Kind.LEFT_ALONE, _collided(before))
        if comment is None:
            return _stays(seen, Kind.NOTHING, "said before")
        reason = "open findings that were not named yet"
        return Decision(Kind.SAID, reason, seen.state, seen.state, comment)
    if marks(wish.rules) <= _waved_off(seen):
        return _stays(seen, Kind.LEFT_ALONE, "a person has seen these rules, and took the flag away")
    reason = "still open after an edit" if seen.state == EDITED and seen.comments else "open findings"
    return Decision(Kind.FLAGGED, reason, seen.state, HAS_ISSUES, comment)


def _mend(seen: Situation) -> Decision:
    if not _is_ours(seen):
        return _stays(seen, Kind.NOTHING, "no flag of ours to take away")
    before = _before_ours(seen)
    state = None if before is None else before.state
    if before is not None and state in DECIDED:
        return _stays(seen, Kind.LEFT_ALONE, _collided(before))
    if state == HAS_ISSUES:
        return _stays(seen, Kind.NOTHING, "all is mended, but a person had set hasIssues too")
    return Decision(Kind.MENDED, "all is mended", seen.state, state)


def _stays(seen: Situation, kind: Kind, reason: str) -> Decision:
    return Decision(kind, reason, seen.state, seen.state)


def _collided(before: StateEvent) -> str:
    return f"a person {before.state} it while we wrote hasIssues; set it again on Central"


def _is_ours(seen: Situation) -> bool:
    return seen.state == HAS_ISSUES and bool(seen.events) and seen.events[-1].by is By.US


def _before_ours(seen: Situation) -> StateEvent | None:
    """Give the event before our flag, whose state it took; None where there was none, or the flag is not ours."""
    if not _is_ours(seen):
        return None
    others = [event for event in seen.events if not (event.by is By.US and event.state == HAS_ISSUES)]
    return others[-1] if others else None


def _is_news(wish: Wish, seen: Situation) -> bool:
    """Say whether a comment tells something that the newest of ours does not.

    Once all was mended and the flag taken away, what comes back is new. After an edit that mended some of it, a comment
    says what remains.
    """
    taken_back = [event.at for event in seen.events if event.by is By.US and event.state != HAS_ISSUES]
    said = [comment for comment in seen.comments if not taken_back or comment.at > taken_back[-1]]
    open_now = marks(wish.rules)
    if not open_now <= _together(said):
        return True
    was_edited = any(event.by is By.EDIT and event.at > said[-1].at for event in seen.events)
    return was_edited and said[-1].marks != open_now


def _waved_off(seen: Situation) -> frozenset[str]:
    """Give the rules that a person had been told of when setting the record to anything but an issue."""
    cleared = [event.at for event in seen.events if event.by is By.PERSON and event.state in (None, EDITED, APPROVED)]
    return _together(comment for comment in seen.comments if cleared and comment.at < cleared[-1])


def _together(comments: Iterable[OurComment]) -> frozenset[str]:
    return frozenset().union(*(comment.marks for comment in comments))


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
        yield Outcome(wish, step, not decision.writes, seen.updated_at)
        if not decision.writes:
            break
    if decision.kind is not Kind.NOTHING:
        yield _seen(wish, seen, decision)


def _first_of(decision: Decision) -> Decision:
    """Give the one thing to write now: of a comment and a state, the comment."""
    if decision.comment is not None and decision.kind is Kind.FLAGGED:
        return replace(decision, kind=Kind.SAID, state_after=decision.state_before)
    return decision


def _seen(wish: Wish, seen: Situation, decision: Decision) -> Outcome:
    return Outcome(wish, decision, not decision.writes, seen.updated_at)


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
    try:
        return Situation(
            state=record["reviewState"],
            instance_id=record["currentVersion"]["instanceId"],
            updated_at=_moment(record["updatedAt"]) if record["updatedAt"] else None,
            events=tuple(sorted(filter(None, map(_event, reversed(audits))), key=lambda event: event.at)),
            comments=tuple(sorted(filter(None, map(_comment, reversed(comments))), key=lambda comment: comment.at)),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SourceError(
            f"{connection.host} does not answer as ODK Central does",
            why="What it says of a submission's reviews cannot be read.",
            next_step="open the server's address in a browser and look; check central.url in laktasi.toml",
        ) from None


def _event(audit: Any) -> StateEvent | None:
    details = audit["details"] or {}
    at = _moment(audit["loggedAt"])
    if audit["action"] == "submission.update.version":
        return StateEvent(EDITED, By.EDIT, at)
    if audit["action"] == "submission.update" and "reviewState" in details:
        return StateEvent(details["reviewState"], By.US if audit["notes"] == NOTE else By.PERSON, at)
    return None


def _comment(comment: Any) -> OurComment | None:
    found = _MARK.search(comment["body"])
    return OurComment(frozenset(found.group(1).split()), _moment(comment["createdAt"])) if found else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


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
