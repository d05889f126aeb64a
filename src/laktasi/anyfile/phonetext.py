"""Answers from a data file as the text that a phone would have written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from laktasi.anyfile.columns import Target
from laktasi.anyfile.reading import DataColumn, mapped
from laktasi.questionnaire.model import ChoiceList, Field, ValueType

if TYPE_CHECKING:
    import pyarrow as pa

_WHOLE = re.compile(r"([+-]?[0-9]+)[.]0+")
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MIDNIGHT = re.compile(rf"({_DAY})[T ]00:00(:00([.]0+)?)?(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?")
_CLOCK = "[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?"
_MOMENT = re.compile(rf"({_DAY})[T ]({_CLOCK})(Z|[+-][0-9]{{2}}:?[0-9]{{0,2}})?")
_UTC = ("Z", "+00", "+00:00", "+0000")
_TRUTHS = {"true": "true", "false": "false"}
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Written:
    """Answers to one question."""

    values: pa.Array
    remarks: tuple[str, ...] = ()
    """What people should know about how they were read; never an answer."""
    wrong: tuple[int, ...] = ()
    """Rows whose value means nothing here, such as a 2 where only 0 and 1 say whether a choice was taken."""
    is_single: bool = False
    """Its numbers have lost all but the first seven digits or so."""


def whole(item: Field, choices: ChoiceList | None, column: DataColumn) -> Written:
    """Write the answers that stand in one column.

    Parameters
    ----------
    choices
        The list that the question offers, if it does.
    """
    remarks = [f"{column.declared_missing} values are missing by the file's own word"] * bool(column.declared_missing)
    values = column.values
    if item.type is ValueType.INTEGER:
        values = mapped(values, _integer)
    elif item.type is ValueType.DATE:
        values = mapped(values, _day)
    elif item.type is ValueType.DATETIME:
        offsets = _offsets(values)
        if None in offsets:
            remarks.append("its moments have no offset, so they are taken as the phone's own time")
        if not offsets.isdisjoint(_UTC):
            remarks.append("its moments are in UTC, so rules about the day go by the day there")
        values = mapped(values, _moment)
    elif item.type in (ValueType.SELECT_ONE, ValueType.SELECT_MULTIPLE, ValueType.RANK) and choices is not None:
        offered = {choice.value for choice in choices.choices}
        meant = _by_label(choices, column.labels)
        if any(code in offered and value != code for code, value in meant.items()):
            remarks.append(
                "the file calls its codes what the form calls other choices; the codes count, not the labels"
            )
        values = mapped(
            values, lambda word: " ".join(_choice(part, offered, meant) for part in _split(item, word)) or None
        )
    elif item.type is ValueType.BOOLEAN or (item.calculate is not None and _only_truths(values)):
        values = mapped(values, lambda word: _TRUTHS.get(word.lower(), word))
    return Written(values, tuple(remarks), is_single=column.is_single)


def from_flags(choices: ChoiceList, flags: Mapping[Target, DataColumn]) -> Written:
    """Put a choice of several together from one column for each choice.

    Parameters
    ----------
    flags
        By choice: 1 where it was taken, 0 where not. A row with nothing in any of them has no answer.
    """
    import pyarrow as pa

    by_choice = {target.choice: column for target, column in flags.items()}
    known = [choice.value for choice in choices.choices if choice.value in by_choice]
    columns = [mapped(by_choice[value].values, _integer).to_pylist() for value in known]
    values: list[str | None] = []
    wrong = []
    for row, said in enumerate(zip(*columns, strict=True)):
        taken = [_FLAGS.get(word.lower()) if word is not None else False for word in said]
        if None in taken:
            wrong.append(row)
        values.append(" ".join(value for value, is_taken in zip(known, taken, strict=True) if is_taken) or None)
    absent = [choice.value for choice in choices.choices if choice.value not in by_choice]
    remarks = (f"no column for {', '.join(absent)}, so nobody counts as having chosen that",) if absent else ()
    return Written(pa.array(values, pa.string()), remarks, tuple(wrong))


def from_parts(parts: Mapping[Target, DataColumn]) -> Written:
    """Put a place together from its latitude, longitude, altitude and accuracy; the last two may be absent."""
    import pyarrow as pa

    columns = {target.part: column.values.to_pylist() for target, column in parts.items()}
    nothing = [None] * len(columns[0])
    lines = zip(*(columns.get(part, nothing) for part in range(4)), strict=True)
    values = []
    for line in lines:
        # Half a place is none, and a finding; a phone that knows neither altitude nor accuracy writes 0.
        said = [word if word is not None else unknown for word, unknown in zip(line, "??00", strict=True)]
        values.append(" ".join(said) if any(word is not None for word in line) else None)
    return Written(pa.array(values, pa.string()))


def with_offset(moments: Written, offset: DataColumn) -> Written:
    """Move moments in UTC to the phone's own time, by the minutes that it was ahead."""
    import pyarrow as pa

    moved = [
        _moved(moment, minutes)
        for moment, minutes in zip(moments.values.to_pylist(), offset.values.to_pylist(), strict=True)
    ]
    return Written(pa.array(moved, pa.string()))


def _moved(moment: str | None, minutes: str | None) -> str | None:
    if moment is None or minutes is None or not re.fullmatch(r"-?[0-9]{1,3}([.]0+)?", minutes):
        return moment
    try:
        there = datetime.fromisoformat(moment).astimezone(timezone(timedelta(minutes=float(minutes))))
    except ValueError:
        return moment
    return there.isoformat(timespec="milliseconds")


def _offsets(values: pa.Array) -> set[str | None]:
    """Give the offsets that moments end with; None among them where one has none."""
    import pyarrow.compute as pc

    found = (_MOMENT.fullmatch(word) for word in pc.unique(values).to_pylist() if word is not None)
    return {moment[3] for moment in found if moment}


def _integer(word: str) -> str:
    found = _WHOLE.fullmatch(word)
    return found[1] if found else word


def _day(word: str) -> str:
    found = _MIDNIGHT.fullmatch(word)
    return found[1] if found else word


def _moment(word: str) -> str:
    found = _MOMENT.fullmatch(word)
    if found is None:
        return word
    # Seconds and an offset must be there; the form's expressions leave the offset aside.
    clock = found[2] if found[2].count(":") > 1 else f"{found[2]}:00.000"
    return f"{found[1]}T{clock}{found[3] or 'Z'}"


def _only_truths(values: pa.Array) -> bool:
    import pyarrow.compute as pc

    words = {word.lower() for word in pc.unique(values).to_pylist() if word is not None}
    return bool(words) and words <= set(_TRUTHS)


def _split(item: Field, word: str) -> list[str]:
    return [word] if item.type is ValueType.SELECT_ONE else word.split()


def _choice(word: str, offered: set[str], meant: Mapping[str, str]) -> str:
    """Give the choice that a word is: itself, a code that became a broken number, or what its label says."""
    if word in offered:
        return word
    if (code := _integer(word)) in offered:
        return code
    return meant.get(code, word)


def _by_label(choices: ChoiceList, labels: Mapping[str, str]) -> dict[str, str]:
    """Give the choice that each code of the file means by its label, where only one choice is called so."""
    called: dict[str, set[str]] = {}
    for choice in choices.choices:
        for text in (choice.value, *choice.labels.values()):
            called.setdefault(" ".join(text.split()).casefold(), set()).add(choice.value)
    found = {code: called.get(" ".join(label.split()).casefold(), set()) for code, label in labels.items()}
    return {code: next(iter(values)) for code, values in found.items() if len(values) == 1}
