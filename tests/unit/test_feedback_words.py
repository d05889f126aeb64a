"""What a round of feedback tells people of a record is true of it: what was found, and whether it was done yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from laktasi.feedback import RecordLine, Told, lines_of
from laktasi.odk.decisions import EDITED, HAS_ISSUES, By, OurComment, Situation, StateEvent, Wish, decide, marks

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
RULE = "age.constraint"


def reason(*history: str) -> str:
    """Give the reason for flagging an edited record with an open finding, after a history of words, in order."""
    events, comments, state = [], [], None
    for number, what in enumerate(history):
        at = BEGAN + timedelta(seconds=number)
        if what == "comment":
            comments.append(OurComment(marks([RULE]), at))
            continue
        state, by = {
            "edit": (EDITED, By.EDIT),
            "flag": (HAS_ISSUES, By.US),
            "mend": (EDITED, By.US),
            "person": (EDITED, By.PERSON),
        }[what]
        events.append(StateEvent(state, by, at))
    seen = Situation(state, "v2", BEGAN, tuple(events), tuple(comments))
    return decide(Wish("tea", "uuid:1", "v2", (RULE,), "laktasi: 1"), seen).reason


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(("edit",), id="edited, and nothing was said yet"),
        pytest.param(("edit", "comment"), id="our own comment of just now"),
        pytest.param(("comment", "flag", "edit", "flag", "mend", "edit"), id="it was mended between"),
    ],
)
def test_what_was_not_said_before_the_edit_is_not_called_still_open(history: tuple[str, ...]) -> None:
    assert reason(*history) == "open findings"


@pytest.mark.parametrize(
    "history",
    [
        ("comment", "flag", "edit"),
        ("comment", "edit"),
        ("comment", "flag", "edit", "comment"),
        ("edit", "comment", "flag", "edit"),
    ],
)
def test_what_was_said_before_the_edit_is_called_still_open(history: tuple[str, ...]) -> None:
    assert reason(*history) == "still open after an edit"


@pytest.mark.parametrize(
    ("kind", "planned", "done"),
    [
        ("flagged", "to flag", "flagged"),
        ("said", "to tell", "said"),
        ("mended", "to take back", "mended"),
        ("left_alone", "left alone", "left alone"),
        ("waits", "waits", "waits"),
    ],
)
def test_a_dry_run_does_not_say_that_anything_was_done(kind: str, planned: str, done: str) -> None:
    line = RecordLine("central", "tea", "uuid:1", kind, None, "hasIssues", (RULE,), has_comment=True, reason="why")
    for is_sent, word in ((False, planned), (True, done)):
        assert word in line.row(is_sent=is_sent)
        assert lines_of(Told(is_sent, [line]))[0] == (
            f"uuid:1 (tea, central): received → hasIssues, {word}: why [age.constraint]"
        )
