"""What the node of a calculation holds: as a value, as text, and whether a stored text is that value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from laktasi.questionnaire.dates import moment
from laktasi.questionnaire.model import ValueType
from laktasi.questionnaire.types import is_of_type
from laktasi.questionnaire.values import (
    EMPTY,
    SPACES,
    Kind,
    Leaf,
    Unsupported,
    Value,
    as_text,
    as_truth,
    choose,
    date,
    leaves,
    let,
    number_text,
    truth,
)

TOLERANCE = 1e-9
"""Relative, of numbers: another engine may add in another order."""


def as_stored(leaf: Leaf, kind: ValueType) -> Value:
    """Turn the result of a calculation into what its node of this type holds, as JavaRosa does; NaN into nothing."""
    match leaf.kind:
        case Kind.NUMBER if kind is ValueType.BOOLEAN:
            return choose(f"({leaf.sql} IS NOT NULL)", truth(as_truth(leaf)), EMPTY)
        case Kind.NUMBER if kind is ValueType.INTEGER:
            sql = leaf.sql if leaf.integral else let(leaf.sql, _of_32_bits)
            return Leaf(Kind.NUMBER, sql, may_be_empty=True, integral=True)
        case Kind.NUMBER if leaf.integral:
            return Leaf(Kind.NUMBER, leaf.sql, may_be_empty=True, integral=True)
        case Kind.NUMBER:
            # The engine keeps a number within a billionth of a whole one as the whole one.
            sql = let(leaf.sql, lambda it: f"(CASE WHEN abs({it} - trunc({it})) < 1e-9 THEN trunc({it}) ELSE {it} END)")
            return Leaf(Kind.NUMBER, sql, may_be_empty=True, finite=leaf.finite)
        case Kind.TEXT if kind is ValueType.BOOLEAN and leaf.literal != "":
            return choose(f"({leaf.sql} <> '')", truth("TRUE"), EMPTY)
        case Kind.TEXT if kind in (ValueType.DATE, ValueType.DATETIME) and leaf.literal != "":
            return date(moment(leaf.sql))
        case Kind.DATE if kind is ValueType.DATE:
            return date(f"date_trunc('day', {leaf.sql})")
        case Kind.DATE if kind is ValueType.BOOLEAN:
            raise Unsupported("the phone's engine makes no truth value of a date")
        case Kind.TIME:
            raise Unsupported("the phone's engine copies a time of day with the day it is read on")
    return leaf


def _of_32_bits(number: str) -> str:
    most, least = "2147483647.0::DOUBLE", "-2147483648.0::DOUBLE"
    return f"(CASE WHEN {number} > {most} THEN {most} WHEN {number} < {least} THEN {least} ELSE trunc({number}) END)"


def agrees(value: Value, raw: str) -> str:
    """Give the condition that the stored text is the value; never NULL.

    Parameters
    ----------
    value
        The calculation as it would be stored.
    raw
        SQL of the stored text; NULL where nothing is stored.
    """
    branches = leaves(value)
    if len(branches) == 1:
        return _same(branches[0][1], raw)
    cases = " ".join(f"WHEN {condition} THEN {_same(leaf, raw)}" for condition, leaf in branches)
    return f"(CASE {cases} ELSE FALSE END)"


def written(result: Value, kind: ValueType, raw: str, offset: Callable[[], str]) -> str:
    """Give SQL of the text that JavaRosa stores for the result of a calculation; NULL for nothing.

    Parameters
    ----------
    result
        What the expression gives.
    kind
        Type of the node.
    raw
        SQL of the stored text. It stays where only the last digits of a number differ, as they do from
        one engine to the next.
    offset
        Gives SQL of the phone's minutes ahead of UTC; raises Unsupported where the form cannot tell them.
    """
    branches = [
        (_both(outer, inner), stored, leaf)
        for outer, leaf in leaves(result)
        for inner, stored in leaves(as_stored(leaf, kind))
    ]
    texts = [(condition, _written(stored, leaf, kind, raw, offset)) for condition, stored, leaf in branches]
    if len(texts) == 1:
        return texts[0][1]
    return f"(CASE {' '.join(f'WHEN {condition} THEN {text}' for condition, text in texts)} END)"


def _written(stored: Leaf, result: Leaf, kind: ValueType, raw: str, offset: Callable[[], str]) -> str:
    if stored.literal == "":
        return "NULL"
    if result.kind is Kind.TEXT and kind is not ValueType.BOOLEAN:
        # Text stays text, in the node of a date too.
        return f"nullif({result.sql}, '')"
    match stored.kind:
        case Kind.NUMBER:
            return let(stored.sql, lambda it: _written_number(replace(stored, sql=it), raw))
        case Kind.TRUTH:
            return f"(CASE WHEN {stored.sql} THEN '1' ELSE '0' END)"
        case Kind.DATE if kind is ValueType.DATE:
            return f"strftime({stored.sql}, '%Y-%m-%d')"
        case Kind.DATE:
            ahead = f"coalesce({stored.offset}, {offset()})" if stored.offset else offset()
            return let(stored.sql, lambda it: _written_moment(it, ahead, raw))
    raise Unsupported(f"what the phone stores of a {stored.kind} is not known")


def _written_number(leaf: Leaf, raw: str) -> str:
    if leaf.integral:
        return number_text(leaf)
    stored = f"TRY_CAST({raw} AS DOUBLE)"
    whole = f"{leaf.sql} = trunc({leaf.sql}) AND abs({leaf.sql}) < 9.2e18"
    return (
        f"(CASE WHEN {leaf.sql} IS NULL THEN NULL "
        f"WHEN {whole} THEN CAST(CAST({leaf.sql} AS BIGINT) AS VARCHAR) "
        f"WHEN coalesce({stored} <> {leaf.sql} AND {_near(leaf.sql, stored)}, FALSE) THEN {raw} "
        f"ELSE {number_text(leaf)} END)"
    )


def _written_moment(moment: str, ahead: str, raw: str) -> str:
    text = f"strftime({moment}, '%Y-%m-%dT%H:%M:%S.%g') || {_offset_text(ahead)}"
    # Without an offset it would have no place in time.
    return f"(CASE WHEN {moment} IS NULL THEN NULL WHEN {ahead} IS NULL THEN {raw} ELSE {text} END)"


def _offset_text(minutes: str) -> str:
    return (
        f"(CASE WHEN {minutes} = 0 THEN 'Z' ELSE (CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END) || "
        f"printf('%02d:%02d', abs({minutes}) // 60, abs({minutes}) % 60) END)"
    )


def _both(first: str, second: str) -> str:
    conditions = [condition for condition in (first, second) if condition != "TRUE"]
    return f"({' AND '.join(conditions)})" if conditions else "TRUE"


def _same(leaf: Leaf, raw: str) -> str:
    if leaf.literal == "":
        return f"({raw} IS NULL)"
    match leaf.kind:
        case Kind.NUMBER:
            return let(leaf.sql, lambda it: _same_or_nothing(it, raw, _near(it, f"TRY_CAST({raw} AS DOUBLE)")))
        case Kind.TRUTH:
            return f"coalesce({raw} IN (CASE WHEN {leaf.sql} THEN '1' ELSE '0' END, {as_text(leaf)}), FALSE)"
        case Kind.DATE:
            written = f"({is_of_type(ValueType.DATE, raw)} OR {is_of_type(ValueType.DATETIME, raw)})"
            return let(leaf.sql, lambda it: _same_or_nothing(it, raw, f"{written} AND {moment(raw)} = {it}"))
    # Spaces at the ends do not survive a phone that opens a saved form.
    return f"(trim(coalesce({raw}, ''), {SPACES}) = trim({leaf.sql}, {SPACES}))"


def _near(computed: str, stored: str) -> str:
    allowed = f"{TOLERANCE!r} * greatest(abs({computed}), 1e-3)"
    # Infinity is near everything, so it must be met exactly.
    return f"({stored} = {computed} OR (isfinite({computed}) AND abs({stored} - {computed}) <= {allowed}))"


def _same_or_nothing(computed: str, raw: str, same: str) -> str:
    return f"(CASE WHEN {computed} IS NULL THEN {raw} IS NULL ELSE coalesce({same}, FALSE) END)"
