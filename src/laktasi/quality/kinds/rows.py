"""Kinds that look at one row: they become XPath, and stand in the suite of each form version."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from itertools import combinations
from typing import Any

from laktasi.errors import CheckError
from laktasi.quality.kinds.model import (
    DeclaredCheck,
    Kind,
    Parameter,
    number,
    questions_in,
    text,
    texts,
    truth,
)
from laktasi.questionnaire.model import Questionnaire, ValueType
from laktasi.questionnaire.predicates import NAME

_NUMBERS = (ValueType.INTEGER, ValueType.DECIMAL)
_DAYS = (ValueType.DATE, ValueType.DATETIME)
_UNKNOWN = (ValueType.TEXT,)
"""A calculate without `bind::type` is text, whatever it computes."""


def _row(check: DeclaredCheck, _questionnaire: Questionnaire) -> str:
    return str(check.parameters["expression"])


def bound(value: Any) -> str:
    """Read a number, a day, or another question as ``${name}``; gives XPath."""
    if isinstance(value, str) and NAME.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        return f"date('{value.isoformat()}')"
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return str(int(value)) if value == int(value) else f"{value:.10f}".rstrip("0")
    raise ValueError("must be a number, a date such as 2026-10-01, or a question such as ${weight}")


def _range(check: DeclaredCheck, questionnaire: Questionnaire) -> str:
    name = check.parameters["question"]
    kind = _type(check, questionnaire, name)
    parts = []
    for key, beyond in (("min", "<"), ("max", ">")):
        limit = check.parameters[key]
        if limit is None:
            continue
        others, is_day = questions_in(limit), limit.startswith("date(")
        if is_day and kind in _NUMBERS:
            raise _unfit(check, f"{name!r} is a number, and {key!r} is a date")
        if not others and not is_day and kind in _DAYS:
            raise _unfit(check, f"{name!r} is a date, and {key!r} is a number")
        asked = f"${{{name}}}"
        if is_day:
            asked = f"date({asked})"
        elif others:
            comparable = _as(check, questionnaire, (name, *others))
            asked, limit = comparable.format(asked), comparable.format(limit)
        empty = "".join(f"${{{other}}} = '' or " for other in others)
        # What is no number at all is beyond nothing, and another finding.
        parts.append(f"({empty}not({asked} {beyond} {limit}))")
    return f"${{{name}}} = '' or ({' and '.join(parts)})"


def _verify_range(check: DeclaredCheck) -> None:
    if check.parameters["min"] is None and check.parameters["max"] is None:
        raise ValueError("needs 'min' or 'max', or both")
    low, high = check.parameters["min"], check.parameters["max"]
    # of questions only their answers tell
    if low is None or high is None or questions_in(low) or questions_in(high):
        return
    days = [limit.startswith("date(") for limit in (low, high)]
    if days[0] != days[1]:
        raise ValueError("has a number and a date for its 'min' and 'max'")
    if (low > high) if days[0] else (float(low) > float(high)):
        raise ValueError("has a 'min' above its 'max'")


def _answered(check: DeclaredCheck, _questionnaire: Questionnaire) -> str:
    return " and ".join(f"${{{name}}} != ''" for name in check.parameters["questions"])


def _in_order(check: DeclaredCheck, questionnaire: Questionnaire) -> str:
    names = check.parameters["questions"]
    wrong = ">=" if check.parameters["strict"] else ">"
    comparable = _as(check, questionnaire, names)
    return " and ".join(
        f"({first} = '' or {second} = '' or not({comparable.format(first)} {wrong} {comparable.format(second)}))"
        # Each with each, so that one that is empty hides no disorder.
        for first, second in combinations([f"${{{name}}}" for name in names], 2)
    )


def _verify_order(check: DeclaredCheck) -> None:
    if len(check.parameters["questions"]) < 2:
        raise ValueError("'questions' must be two or more, the earliest or smallest first")


def _accuracy(check: DeclaredCheck, questionnaire: Questionnaire) -> str:
    name = check.parameters["question"]
    if _type(check, questionnaire, name) is not ValueType.GEOPOINT:
        raise _unfit(check, f"{name!r} is no geopoint")
    # Latitude, longitude, altitude, accuracy: a point without the last says nothing of how good it is.
    asked = f"${{{name}}}"
    return f"{asked} = '' or number(selected-at({asked}, 3)) <= {bound(check.parameters['at_most'])}"


def _as(check: DeclaredCheck, questionnaire: Questionnaire, names: Sequence[str]) -> str:
    """Give what makes answers comparable, with {} for the answer.

    As numbers XPath sees whole days, so moments need decimals; a moment and a day are compared as days.

    Raises
    ------
    CheckError
        One of the questions is neither a number nor a time, or numbers and times are held against each other.
    """
    types = {name: _type(check, questionnaire, name) for name in names}
    for name, kind in types.items():
        if kind not in (*_NUMBERS, *_DAYS, *_UNKNOWN):
            raise _unfit(check, f"{name!r} is of type {kind.value}, and a number or a date is needed")
    times = {kind for kind in types.values() if kind in _DAYS}
    if times and any(kind in _NUMBERS for kind in types.values()):
        raise _unfit(check, f"{', '.join(names)} are numbers and dates, which cannot be compared")
    if times == {ValueType.DATETIME}:
        return "decimal-date-time({})"
    return "date({})" if len(times) > 1 else "{}"


def _type(check: DeclaredCheck, questionnaire: Questionnaire, name: str) -> ValueType:
    item = questionnaire.find(name)
    kind = item.type
    if kind in _UNKNOWN and item.calculate is None:
        raise _unfit(check, f"{name!r} is a text that people write, and a number or a date is needed")
    if kind not in (*_NUMBERS, *_DAYS, *_UNKNOWN, ValueType.GEOPOINT):
        raise _unfit(check, f"{name!r} is of type {kind.value}, and a number or a date is needed")
    return kind


def _unfit(check: DeclaredCheck, what: str) -> CheckError:
    return CheckError(
        f"checks.yml: check {check.id!r}: {what}",
        why="Such a check could not tell good from bad.",
        next_step="correct the check in schemas/checks.yml",
    )


KINDS = (
    Kind(
        name="row",
        level="row",
        parameters=(Parameter("expression", text, required=True),),
        names=lambda check: questions_in(check.parameters["expression"]),
        expression=_row,
    ),
    Kind(
        name="range",
        level="row",
        parameters=(Parameter("question", text, required=True), Parameter("min", bound), Parameter("max", bound)),
        names=lambda check: (
            check.parameters["question"],
            *(name for key in ("min", "max") for name in questions_in(check.parameters[key] or "")),
        ),
        expression=_range,
        verify=_verify_range,
    ),
    Kind(
        name="answered",
        level="row",
        parameters=(Parameter("questions", texts, required=True),),
        names=lambda check: check.parameters["questions"],
        expression=_answered,
    ),
    Kind(
        name="in_order",
        level="row",
        parameters=(Parameter("questions", texts, required=True), Parameter("strict", truth, default=False)),
        names=lambda check: check.parameters["questions"],
        expression=_in_order,
        verify=_verify_order,
    ),
    Kind(
        name="accuracy",
        level="row",
        parameters=(Parameter("question", text, required=True), Parameter("at_most", number(low=1), required=True)),
        names=lambda check: (check.parameters["question"],),
        expression=_accuracy,
    ),
)
