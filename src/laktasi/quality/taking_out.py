"""Decisions taken out of the files in schemas/corrections/: those about people who left, whose answers they may hold.

Only lines that are about them go, comments above them included: the rest of a file stays as somebody wrote it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laktasi.durable import write_whole
from laktasi.errors import CheckError
from laktasi.quality.decisions import Decision, files_of, read_decisions


@dataclass(frozen=True, slots=True)
class Lines:
    """Where a decision stands."""

    file: str
    """Below the folder."""
    first: int
    """Its first line, from 1."""
    last: int
    decision_id: str


def find_lines(folder: Path, is_theirs: Callable[[Decision], bool]) -> list[Lines]:
    """Say where decisions stand, in the order of files and lines.

    Parameters
    ----------
    folder
        As :func:`laktasi.quality.decisions.read_decisions` reads it.
    is_theirs
        Which decisions are meant. A withdrawal of one of them is meant, too.

    Raises
    ------
    CheckError
        As :func:`laktasi.quality.decisions.read_decisions`.
    """
    ids = _ids(folder, is_theirs)
    return [
        Lines(path.relative_to(folder).as_posix(), place.first + 1, place.end, place.decision_id)
        for path in files_of(folder)
        for place in _places(path)
        if place.decision_id in ids
    ]


def take_out(folder: Path, is_theirs: Callable[[Decision], bool], *, is_trial: bool = False) -> tuple[str, ...]:
    """Take decisions out of their files; a file that has no other goes. Each file is replaced in one move.

    Parameters
    ----------
    folder, is_theirs
        As :func:`find_lines`.
    is_trial
        Only see whether it can be done.

    Returns
    -------
    tuple of str
        Their ids, withdrawals of them included.

    Raises
    ------
    CheckError
        They stand in a way that cannot be taken apart (several on one line): says in which lines. Then no file was
        changed.
    OSError
        A file cannot be written.
    """
    ids = _ids(folder, is_theirs)
    if not ids:
        return ()
    texts: dict[Path, str | None] = {}
    for path in files_of(folder):
        found = list(_places(path))
        theirs = [place for place in found if place.decision_id in ids]
        if theirs:
            texts[path] = None if len(theirs) == len(found) else "".join(_without(_lines(path), theirs))
    _check(folder, texts, ids)
    for path, text in texts.items() if not is_trial else ():
        if text is None:
            path.unlink()
        else:
            write_whole(path, text, path.stat().st_mode & 0o777)
    return tuple(sorted(ids))


def _ids(folder: Path, is_theirs: Callable[[Decision], bool]) -> set[str]:
    decisions = read_decisions(folder)
    ids = {decision.id for decision in decisions if is_theirs(decision)}
    return ids | {decision.id for decision in decisions if decision.withdraws in ids}


@dataclass(frozen=True, slots=True)
class _Place:
    decision_id: str
    first: int
    """Its first line, from 0."""
    end: int
    """The line after its last."""
    indent: int
    """Columns before its keys: a comment that stands so far in is about it, one further out about what follows."""


def _places(path: Path) -> Iterator[_Place]:
    """Say where each decision of a file stands."""
    import yaml

    root: Any = yaml.compose("".join(_lines(path)), yaml.BaseLoader)
    for key, listed in root.value if root is not None else ():
        if key.value != "decisions":
            continue
        for entry in listed.value if isinstance(listed, yaml.SequenceNode) else ():
            (name,) = (value.value for its_key, value in entry.value if its_key.value == "id")
            end = max(node.end_mark.line + (node.end_mark.column > 0) for pair in entry.value for node in pair)
            start = entry.start_mark
            yield _Place(name, start.line, max(end, start.line + 1), start.column)


def _lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:  # line ends stay as they are
        return file.read().splitlines(keepends=True)


def _without(lines: list[str], gone: list[_Place]) -> list[str]:
    """Give the lines without some decisions, and without the comments that are about these."""

    def is_comment(number: int) -> bool:
        return 0 <= number < len(lines) and lines[number].lstrip().startswith("#")

    def indent(number: int) -> int:
        return len(lines[number]) - len(lines[number].lstrip())

    left_out: set[int] = set()
    for place in gone:
        first, end = place.first, place.end
        while is_comment(first - 1) and indent(first - 1) < place.indent:
            first -= 1
        while is_comment(end) and indent(end) >= place.indent:
            end += 1
        left_out |= set(range(first, end))
    return [line for number, line in enumerate(lines) if number not in left_out]


def _check(folder: Path, texts: dict[Path, str | None], ids: set[str]) -> None:
    """See that what is left is what was there, without the decisions that go; no file is touched yet."""
    expected = [decision for decision in read_decisions(folder) if decision.id not in ids]
    with tempfile.TemporaryDirectory() as scratch:  # mode 0700
        for path in files_of(folder):
            text = texts[path] if path in texts else "".join(_lines(path))
            if text is not None:
                place = Path(scratch, path.relative_to(folder))
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding="utf-8", newline="")
        try:
            left = list(read_decisions(Path(scratch)))
        except CheckError:
            left = []
    if left != expected:
        where = ", ".join(
            f"{path.relative_to(folder).as_posix()} ({place.decision_id}: lines {place.first + 1} to {place.end})"
            for path in texts
            for place in _places(path)
            if place.decision_id in ids
        )
        raise CheckError(
            f"corrections: decisions about the person cannot be taken out of {where} without harm to others",
            why="Several decisions share a line, or are written inside brackets.",
            next_step="delete them there by hand, then run the command again",
        )
