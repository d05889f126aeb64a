"""Decisions about one person are taken out of people's files, and nothing else in these changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.errors import CheckError
from laktasi.quality.decisions import Decision, read_decisions
from laktasi.quality.taking_out import Lines, find_lines, take_out

TEXT = """# of week 47
decisions:
  # about a
  - id: a
    action: replace
    form: tea
    submission: uuid:1
    question: age
    expected: '7'
    value: |
      27
      years
    reason: r
    reporter: x
    date: 2026-01-01
    # said by a's sister

  # about b
  - {id: b, action: drop, form: tea, submission: 'uuid:2', expected: 'uuid:2', reason: "long
      text", reporter: y, date: 2026-01-01}
  - {id: c, action: withdraw, withdraws: a, reason: r, reporter: x, date: 2026-01-02}
  - id: d
    action: drop
    form: tea
    submission: uuid:4
    expected: uuid:4
    reason: >-
      several
      lines
    reporter: y
    date: 2026-01-01
"""
ALONE = """decisions:
- {id: z, action: drop, form: tea, submission: 'uuid:1', expected: x, reason: r, reporter: x, date: 2026-01-01}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "some.yml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "alone.yml").write_text(ALONE, encoding="utf-8")
    return tmp_path


def is_of(submission: str, decision: Decision) -> bool:
    return decision.submission == submission


def test_lines_are_found_with_withdrawals(folder: Path) -> None:
    assert find_lines(folder, lambda decision: is_of("uuid:1", decision)) == [
        Lines("deep/alone.yml", 2, 2, "z"),
        Lines("some.yml", 4, 15, "a"),
        Lines("some.yml", 21, 21, "c"),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_one_persons_decisions_go_and_the_rest_stays_as_it_was_written(folder: Path, ending: str) -> None:
    (folder / "some.yml").write_text(TEXT, encoding="utf-8", newline=ending)
    before = {decision.id: decision for decision in read_decisions(folder)}
    assert take_out(folder, lambda decision: is_of("uuid:1", decision)) == ("a", "c", "z")
    assert not (folder / "deep" / "alone.yml").exists()
    with (folder / "some.yml").open(encoding="utf-8", newline="") as file:
        text = file.read()
    lines = TEXT.splitlines()
    assert text == ending.join([*lines[:2], *lines[16:20], *lines[21:]]) + ending
    assert {decision.id: decision for decision in read_decisions(folder)} == {name: before[name] for name in ("b", "d")}


def test_a_comment_that_stands_further_in_is_of_the_decision_above(folder: Path) -> None:
    take_out(folder, lambda decision: is_of("uuid:2", decision))
    text = (folder / "some.yml").read_text(encoding="utf-8")
    assert "# said by a's sister" in text
    assert "# about b" not in text
    assert [decision.id for decision in read_decisions(folder)] == ["a", "d", "z", "c"]


def test_where_nothing_is_theirs_no_file_is_touched(folder: Path) -> None:
    (folder / "some.yml").chmod(0o400)
    assert take_out(folder, lambda decision: is_of("uuid:9", decision)) == ()
    assert (folder / "some.yml").read_text(encoding="utf-8") == TEXT


def test_a_trial_changes_nothing(folder: Path) -> None:
    assert take_out(folder, lambda decision: is_of("uuid:1", decision), is_trial=True) == ("a", "c", "z")
    assert (folder / "some.yml").read_text(encoding="utf-8") == TEXT


def test_decisions_that_share_a_line_are_left_and_named(folder: Path) -> None:
    both = (
        "decisions: [{id: one, action: drop, form: tea, submission: 'uuid:8', expected: x, reason: Siti, reporter: x,"
        " date: 2026-01-01}, {id: two, action: drop, form: tea, submission: 'uuid:9', expected: x, reason: r,"
        " reporter: x, date: 2026-01-01}]\n"
    )
    (folder / "both.yml").write_text(both, encoding="utf-8")
    with pytest.raises(CheckError, match=r"both.yml \(one: lines 1 to 1\)") as caught:
        take_out(folder, lambda decision: decision.submission in ("uuid:8", "uuid:1"))
    assert "Siti" not in str(caught.value)
    assert (folder / "both.yml").read_text(encoding="utf-8") == both
    assert (folder / "some.yml").read_text(encoding="utf-8") == TEXT
