"""What to do about a record on Central that has open findings, or had: a pure function of what both sides say.

The server's own log is the record of what was done: our writes carry a note, our comments a mark. So a warehouse that
was lost, or a run that was killed between two requests, can neither repeat a comment nor forget what a state was
before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

NOTE = "laktasi"
"""Header ``X-Action-Notes`` of our writes: Central keeps it with the event, whoever's account we work under."""
HAS_ISSUES, EDITED, APPROVED, REJECTED = "hasIssues", "edited", "approved", "rejected"
DECIDED = (APPROVED, REJECTED)
"""What only people say, and what is never written over."""
_MARK = re.compile(r"`laktasi((?: [0-9a-f]{8})+)`\s*\Z")


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


def marks(rules: Iterable[str]) -> frozenset[str]:
    """Give the short marks by which rules are known again in a comment."""
    return frozenset(sha256(rule.encode()).hexdigest()[:8] for rule in rules)


def with_mark(text: str, rules: Iterable[str]) -> str:
    """Put below a comment the line that names all its rules, also those for which the text has no room."""
    return f"{text}\n\n`{NOTE} {' '.join(sorted(marks(rules)))}`"


def marks_in(text: str) -> frozenset[str] | None:
    """Read the marks in a comment; None where it is not one of ours."""
    found = _MARK.search(text)
    return frozenset(found.group(1).split()) if found else None


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
    said = _said(seen)
    was_told = seen.state == EDITED and bool(said) and _was_edited(seen, after=said[0].at)
    reason = "still open after an edit" if was_told else "open findings"
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
    said = _said(seen)
    open_now = marks(wish.rules)
    if not open_now <= _together(said):
        return True
    return _was_edited(seen, after=said[-1].at) and said[-1].marks != open_now


def _said(seen: Situation) -> list[OurComment]:
    """Give our comments since all was mended and the flag taken away for the last time."""
    taken_back = [event.at for event in seen.events if event.by is By.US and event.state != HAS_ISSUES]
    return [comment for comment in seen.comments if not taken_back or comment.at > taken_back[-1]]


def _was_edited(seen: Situation, *, after: datetime) -> bool:
    return any(event.by is By.EDIT and event.at > after for event in seen.events)


def _waved_off(seen: Situation) -> frozenset[str]:
    """Give the rules that a person had been told of when setting the record to anything but an issue."""
    cleared = [event.at for event in seen.events if event.by is By.PERSON and event.state in (None, EDITED, APPROVED)]
    return _together(comment for comment in seen.comments if cleared and comment.at < cleared[-1])


def _together(comments: Iterable[OurComment]) -> frozenset[str]:
    return frozenset().union(*(comment.marks for comment in comments))
