"""What is done about a record on Central: every situation by name, then thousands of histories that people make."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from laktasi.odk.decisions import (
    APPROVED,
    EDITED,
    HAS_ISSUES,
    REJECTED,
    By,
    Decision,
    Kind,
    OurComment,
    Situation,
    StateEvent,
    Wish,
    decide,
    marks,
    with_mark,
)

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
A, B, C = "age.constraint", "code.required", "one_code_once"


def wish(*rules: str, version: str = "v1") -> Wish:
    return Wish("tea", "uuid:1", version, tuple(sorted(rules)), f"laktasi: {len(rules)}" if rules else None)


@dataclass
class Record:
    """A record on a Central that only this test knows, and what happens to it: one thing after the other."""

    state: str | None = None
    version: int = 1
    events: list[StateEvent] = field(default_factory=list)
    comments: list[OurComment] = field(default_factory=list)
    now: datetime = BEGAN

    def _at(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def set(self, state: str | None, by: By) -> Record:
        self.state = state
        self.events.append(StateEvent(state, by, self._at()))
        return self

    def we(self, state: str | None) -> Record:
        return self.set(state, By.US)

    def person(self, state: str | None) -> Record:
        return self.set(state, By.PERSON)

    def edit(self) -> Record:
        self.version += 1
        return self.set(EDITED, By.EDIT)

    def say(self, *rules: str) -> Record:
        self.comments.append(OurComment(marks(rules), self._at()))
        return self

    @property
    def seen(self) -> Situation:
        return Situation(self.state, f"v{self.version}", self.now, tuple(self.events), tuple(self.comments))

    def decide(self, *rules: str) -> Decision:
        return decide(wish(*rules, version=f"v{self.version}"), self.seen)


def flagged(*rules: str, before: str | None = None) -> Record:
    """Give what a finished round leaves behind."""
    record = Record()
    if before == EDITED:
        record.edit()
    return record.say(*rules).we(HAS_ISSUES)


# Something is open.


@pytest.mark.parametrize(
    ("record", "rules", "kind", "state", "speaks"),
    [
        pytest.param(Record(), (A,), Kind.FLAGGED, HAS_ISSUES, True, id="a received one is flagged"),
        pytest.param(Record().edit(), (A,), Kind.FLAGGED, HAS_ISSUES, True, id="an edited one too"),
        pytest.param(Record().person(APPROVED), (A,), Kind.LEFT_ALONE, APPROVED, False, id="an approved one is left"),
        pytest.param(Record().person(REJECTED), (A,), Kind.LEFT_ALONE, REJECTED, False, id="a rejected one is left"),
        pytest.param(
            Record().person(HAS_ISSUES), (A,), Kind.SAID, HAS_ISSUES, True, id="a person's flag gets our comment"
        ),
        pytest.param(Record().person(HAS_ISSUES).say(A), (A,), Kind.NOTHING, HAS_ISSUES, False, id="and only one"),
        pytest.param(flagged(A), (A,), Kind.NOTHING, HAS_ISSUES, False, id="our own round changes nothing"),
        pytest.param(flagged(A, B), (A,), Kind.NOTHING, HAS_ISSUES, False, id="one of two mended: all was said"),
        pytest.param(flagged(A), (A, B), Kind.SAID, HAS_ISSUES, True, id="a new rule is said"),
        pytest.param(flagged(A), (B,), Kind.SAID, HAS_ISSUES, True, id="another rule is said"),
        pytest.param(Record().say(A), (A,), Kind.FLAGGED, HAS_ISSUES, False, id="killed between comment and state"),
        pytest.param(Record().we(HAS_ISSUES), (A,), Kind.SAID, HAS_ISSUES, True, id="a flag without a comment"),
        pytest.param(flagged(A).edit(), (A,), Kind.FLAGGED, HAS_ISSUES, False, id="an edit that mended nothing"),
        pytest.param(flagged(A, B).edit(), (B,), Kind.FLAGGED, HAS_ISSUES, True, id="an edit that mended a part"),
        pytest.param(flagged(A, B).edit().say(B), (B,), Kind.FLAGGED, HAS_ISSUES, False, id="the same, killed"),
        pytest.param(flagged(A).edit(), (B,), Kind.FLAGGED, HAS_ISSUES, True, id="an edit that broke another rule"),
        pytest.param(flagged(A).person(None), (A,), Kind.LEFT_ALONE, None, False, id="a person took it away"),
        pytest.param(flagged(A).person(EDITED), (A,), Kind.LEFT_ALONE, EDITED, False, id="to edited, likewise"),
        pytest.param(flagged(A).person(None), (A, B), Kind.FLAGGED, HAS_ISSUES, True, id="but not for a new rule"),
        pytest.param(
            flagged(A).person(None).edit(), (A,), Kind.LEFT_ALONE, EDITED, False, id="taken away, then edited"
        ),
        pytest.param(
            flagged(A).person(APPROVED).edit(), (A,), Kind.LEFT_ALONE, EDITED, False, id="approved all the same, edited"
        ),
        pytest.param(
            flagged(A).person(REJECTED).edit(), (A,), Kind.FLAGGED, HAS_ISSUES, False, id="rejected, then edited"
        ),
        pytest.param(
            flagged(A).person(None).say(A, B).we(HAS_ISSUES).edit(),
            (A,),
            Kind.LEFT_ALONE,
            EDITED,
            False,
            id="taken away for A, flagged for B, B mended",
        ),
        pytest.param(Record().person(None), (A,), Kind.FLAGGED, HAS_ISSUES, True, id="received by a person untold"),
        pytest.param(
            Record().person(APPROVED).edit(), (A,), Kind.FLAGGED, HAS_ISSUES, True, id="approved untold, then edited"
        ),
        pytest.param(flagged(A).we(None), (A,), Kind.FLAGGED, HAS_ISSUES, True, id="mended once, and back: said again"),
        pytest.param(
            Record().person(APPROVED).we(HAS_ISSUES), (A,), Kind.LEFT_ALONE, HAS_ISSUES, False, id="approved in a race"
        ),
    ],
)
def test_open_findings(record: Record, rules: tuple[str, ...], kind: Kind, state: str | None, speaks: bool) -> None:
    decision = record.decide(*rules)
    assert (decision.kind, decision.state_after, decision.comment is not None) == (kind, state, speaks)
    assert decision.state_before == record.state
    assert decision.reason


# Nothing is open.


@pytest.mark.parametrize(
    ("record", "kind", "state"),
    [
        pytest.param(Record(), Kind.NOTHING, None, id="nothing was ever said"),
        pytest.param(flagged(A), Kind.MENDED, None, id="back to received"),
        pytest.param(flagged(A, before=EDITED), Kind.MENDED, EDITED, id="back to edited"),
        pytest.param(flagged(A).we(HAS_ISSUES), Kind.MENDED, None, id="flagged twice, when an answer was lost"),
        pytest.param(flagged(A).edit(), Kind.NOTHING, EDITED, id="the edit undid the flag"),
        pytest.param(flagged(A).edit().we(HAS_ISSUES), Kind.MENDED, EDITED, id="flagged again after an edit"),
        pytest.param(Record().person(HAS_ISSUES), Kind.NOTHING, HAS_ISSUES, id="a person's flag stays"),
        pytest.param(Record().person(HAS_ISSUES).say(A), Kind.NOTHING, HAS_ISSUES, id="with our comment, too"),
        pytest.param(flagged(A).person(HAS_ISSUES), Kind.NOTHING, HAS_ISSUES, id="a person flagged it once more"),
        pytest.param(flagged(A).person(APPROVED), Kind.NOTHING, APPROVED, id="a person approved it"),
        pytest.param(flagged(A).we(None), Kind.NOTHING, None, id="taken back already"),
        pytest.param(
            Record().person(HAS_ISSUES).we(HAS_ISSUES), Kind.NOTHING, HAS_ISSUES, id="flagged by both in a race"
        ),
        pytest.param(
            Record().person(APPROVED).we(HAS_ISSUES), Kind.LEFT_ALONE, HAS_ISSUES, id="never approved by machine"
        ),
        pytest.param(Record(state=HAS_ISSUES), Kind.NOTHING, HAS_ISSUES, id="from before the server had a log"),
    ],
)
def test_all_is_mended(record: Record, kind: Kind, state: str | None) -> None:
    decision = record.decide()
    assert (decision.kind, decision.state_after, decision.comment) == (kind, state, None)


@pytest.mark.parametrize("rules", [(A,), ()])
@pytest.mark.parametrize("record", [Record(), flagged(A), flagged(A).edit()])
def test_what_was_not_checked_is_not_judged(record: Record, rules: tuple[str, ...]) -> None:
    decision = decide(wish(*rules, version="another"), record.seen)
    assert decision.kind is Kind.WAITS
    assert not decision.writes


def test_a_review_that_is_under_way_is_waited_for() -> None:
    seen = replace(flagged(A).seen, state=APPROVED)
    assert decide(wish(A, B), seen).kind is Kind.WAITS


def test_a_comment_ends_in_the_marks_of_all_its_rules_and_of_no_other() -> None:
    text = with_mark("laktasi: to be looked at", [B, A])
    assert text.startswith("laktasi: to be looked at\n")
    last = text.splitlines()[-1].strip("`").split()
    assert last[0] == "laktasi"
    assert frozenset(last[1:]) == marks([A, B])
    assert not marks([A]) & marks([B, C])


# Histories: whatever people do, and wherever a run is killed.


def run(record: Record, rules: tuple[str, ...], random_: random.Random, *, checked: int | None = None) -> list[str]:
    """Do what is decided, one request at a time, until nothing is left; killed here and there. Give what was said."""
    said: list[str] = []
    known = wish(*rules, version=f"v{record.version if checked is None else checked}")
    for _ in range(10):
        decision = decide(known, record.seen)
        if not decision.writes:
            return said
        if random_.random() < 0.2:
            continue  # killed before the request, or its answer lost; the next run looks again
        if decision.comment is not None:
            said.append(decision.comment)
            record.say(*rules)
            continue
        assert record.state not in (APPROVED, REJECTED), "a person's judgement was written over"
        assert decision.state_after in (None, EDITED, HAS_ISSUES), "a machine judged"
        record.we(decision.state_after)
    raise AssertionError("it never comes to rest")


@pytest.mark.parametrize("seed", range(300))
def test_histories_come_to_rest_and_repeat_nothing(seed: int) -> None:
    random_ = random.Random(seed)
    record = Record()
    rules: tuple[str, ...] = (A,)
    for _ in range(30):
        act = random_.choice(("run", "run", "rules", "edit", "person", "stale"))
        if act == "rules":
            rules = tuple(rule for rule in (A, B, C) if random_.random() < 0.5)
        elif act == "edit":
            record.edit()
        elif act == "person":
            record.person(random_.choice((None, EDITED, HAS_ISSUES, APPROVED, REJECTED)))
        elif act == "stale" and record.version > 1:
            assert run(record, rules, random_, checked=record.version - 1) == []
        else:
            events, said = len(record.events), run(record, rules, random_)
            assert len(said) <= 1
            assert len(record.events) - events <= 1
            settled = (record.state, len(record.events), len(record.comments))
            assert run(record, rules, random_) == []
            assert (record.state, len(record.events), len(record.comments)) == settled
            if not rules and record.state == HAS_ISSUES:
                assert record.events[-1].by is By.PERSON, "a flag of ours was forgotten"
    # Two comments in a row that say the same: only with an edit, or a flag taken back, between them.
    for one, other in pairwise(record.comments):
        between = [event for event in record.events if one.at < event.at < other.at]
        undone = any(event.by is By.EDIT or (event.by is By.US and event.state != HAS_ISSUES) for event in between)
        assert one.marks != other.marks or undone
