"""Kinds that look at one row: they become XPath, and stand in the suite of each form version."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from itertools import combinations
from typing import Any

from laktasi.errors import CheckError
from laktasi.quality.kinds.model import (
    NAME,
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
    parts = []
    for key, sign in (("min", ">="), ("max", "<=")):
        limit = check.parameters[key]
        if limit is None:
            continue
        others = questions_in(limit)
        if limit.startswith("date(") and _type(check, questionnaire, name) in _NUMBERS:
            raise _unfit(check, f"{name!r} is a number, and {key!r} is a date")
        if not others and not limit.startswith("date(") and _type(check, questionnaire, name) in _DAYS:
            raise _unfit(check, f"{name!r} is a date, and {key!r} is a number")
        wrap = limit.startswith("date(") or _mixed(check, questionnaire, (name, *others))
        left, right = (f"date({item})" if wrap else item for item in (f"${{{name}}}", limit))
        right = limit if limit.startswith("date(") else right
        empty = "".join(f"{limit} = '' or " for _ in others)
        parts.append(f"({empty}{left} {sign} {right})")
    return f"${{{name}}} = '' or ({' and '.join(parts)})"


def _verify_range(check: DeclaredCheck) -> None:
    if check.parameters["min"] is None and check.parameters["max"] is None:
        raise ValueError("needs 'min' or 'max', or both")


def _answered(check: DeclaredCheck, _questionnaire: Questionnaire) -> str:
    return " and ".join(f"${{{name}}} != ''" for name in check.parameters["questions"])


def _in_order(check: DeclaredCheck, questionnaire: Questionnaire) -> str:
    names = check.parameters["questions"]
    sign = "<" if check.parameters["strict"] else "<="
    wrap = "date({})" if _mixed(check, questionnaire, names) else "{}"
    return " and ".join(
        f"({first} = '' or {second} = '' or {wrap.format(first)} {sign} {wrap.format(second)})"
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


def _mixed(check: DeclaredCheck, questionnaire: Questionnaire, names: Sequence[str]) -> bool:
    """Say whether days and moments are held against each other: then the days count.

    Raises
    ------
    CheckError
        One of the questions is neither a number nor a time, or numbers and times are held against each other.
    """
    types = {name: _type(check, questionnaire, name) for name in names}
    for name, kind in types.items():
        if kind not in (*_NUMBERS, *_DAYS, *_UNKNOWN):
            raise _unfit(check, f"{name!r} is of type {kind.value}, and a number or a date is needed")
    if any(kind in _NUMBERS for kind in types.values()) and any(kind in _DAYS for kind in types.values()):
        raise _unfit(check, f"{', '.join(names)} are numbers and dates, which cannot be compared")
    return len({kind for kind in types.values() if kind in _DAYS}) > 1


def _type(check: DeclaredCheck, questionnaire: Questionnaire, name: str) -> ValueType:
    kind = questionnaire.find(name).type
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
