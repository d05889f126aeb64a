"""Dates as JavaRosa has them: moments shown in the phone's own time, which turn into days when they become numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laktasi.questionnaire import values
from laktasi.questionnaire.values import Kind, Leaf, Unsupported, Value

if TYPE_CHECKING:
    from laktasi.questionnaire.expressions import Compiler

_DAY = r"\d{1,4}-\d{1,2}-\d{1,2}"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?"
_SPELLING = {
    "Y": "%Y",
    "y": "%y",
    "m": "%m",
    "n": "%-m",
    "d": "%d",
    "e": "%-d",
    "H": "%H",
    "h": "%-H",
    "M": "%M",
    "S": "%S",
    "3": "%g",
    "%": "%%",
}
_OF_THE_CLOCK = set("HhMS3%")


def moment(sql: str) -> str:
    """Give the local TIMESTAMP of a day or a moment, leaving the offset aside; NULL where there is none."""
    return f"TRY_CAST(nullif(regexp_extract({sql}, '^{_DAY}(T{_CLOCK})?'), '') AS TIMESTAMP)"


def time_of_day(sql: str) -> str:
    """Give the local time of day as a TIMESTAMP of 1970-01-01."""
    return f"TRY_CAST('1970-01-01T' || nullif(regexp_extract({sql}, '^{_CLOCK}'), '') AS TIMESTAMP)"


def offset_minutes(sql: str) -> str:
    """Give the minutes ahead of UTC that a moment's text ends with; NULL where it says nothing."""
    found = f"regexp_extract({sql}, 'T.*([+-]\\d{{2}}:?\\d{{2}})$', 1)"
    hours = f"CAST(substr({found}, 2, 2) AS INTEGER) * 60 + CAST(right({found}, 2) AS INTEGER)"
    return (
        f"(CASE WHEN ends_with({sql}, 'Z') THEN 0 WHEN {found} = '' THEN NULL "
        f"WHEN starts_with({found}, '-') THEN -({hours}) ELSE {hours} END)"
    )


def _phone_offset(compiler: Compiler) -> str:
    return compiler.form.clock("offset", compiler.scope.alias_of, compiler.frame)


def as_date(compiler: Compiler, value: Value, *, keep_time: bool) -> Value:
    """Compile ``date()`` and ``date-time()``. Text that is no date stops the phone, so it is empty here."""

    def convert(leaf: Leaf) -> Value:
        match leaf.kind:
            case Kind.DATE:
                if keep_time:
                    return leaf
                return values.date(f"date_trunc('day', {leaf.sql})")
            case Kind.TEXT:
                return values.date(moment(leaf.sql), offset_minutes(leaf.sql) if leaf.literal is None else None)
            case Kind.NUMBER:
                return _of_number(compiler, leaf, keep_time)
        raise Unsupported(f"the phone's engine makes no date of a {leaf.kind}")

    return values.each(value, convert)


def _of_number(compiler: Compiler, leaf: Leaf, keep_time: bool) -> Value:
    # Beyond these days the phone has no dates; least() and greatest() would pass over a NULL.
    days = f"(CASE WHEN abs({leaf.sql}) < 700000 THEN {leaf.sql} END)"
    if keep_time:
        shift = f" + to_minutes(CAST({_phone_offset(compiler)} AS BIGINT))"
        sql = f"(TIMESTAMP '1970-01-01' + to_milliseconds(CAST(trunc({days} * 86400000) AS BIGINT)){shift})"
    else:
        sql = f"(TIMESTAMP '1970-01-01' + to_days(CAST(trunc({days}) AS INTEGER)))"
    if leaf.may_be_empty:
        return values.date(sql)
    return values.choose(f"({leaf.sql} IS NOT NULL)", values.date(sql), leaf)


def decimal_date_time(compiler: Compiler, value: Value) -> Value:
    """Compile ``decimal-date-time()``: days since 1970 in UTC, with their fraction."""

    def convert(leaf: Leaf) -> Value:
        if leaf.kind is Kind.NUMBER:
            return leaf
        if leaf.kind not in (Kind.DATE, Kind.TEXT):
            raise Unsupported(f"the phone's engine makes no date of a {leaf.kind}")
        local = leaf.sql if leaf.kind is Kind.DATE else moment(leaf.sql)
        own = leaf.offset if leaf.kind is Kind.DATE else None
        offset = f"coalesce({own}, {_phone_offset(compiler)})" if own else _phone_offset(compiler)
        sql = f"((epoch_ms({local}) - 60000 * {offset}) / 86400000.0::DOUBLE)"
        return Leaf(Kind.NUMBER, sql, may_be_empty=True)

    return values.each(value, convert)


def decimal_time(value: Value) -> Value:
    """Compile ``decimal-time()``: the fraction of the local day."""

    def convert(leaf: Leaf) -> Value:
        if leaf.kind is Kind.NUMBER:
            return values.number(f"({leaf.sql} - floor({leaf.sql}))", finite=leaf.finite)
        if leaf.kind is Kind.TRUTH:
            raise Unsupported("the phone's engine makes no time of a condition")
        local = moment(leaf.sql) if leaf.kind is Kind.TEXT else leaf.sql
        sql = f"(date_diff('millisecond', date_trunc('day', {local}), {local}) / 86400000.0::DOUBLE)"
        return Leaf(Kind.NUMBER, sql, may_be_empty=True)

    return values.each(value, convert)


def format_date_time(compiler: Compiler, value: Value, pattern: Value) -> Value:
    """Compile ``format-date()`` and ``format-date-time()``, which mean the same."""
    if not isinstance(pattern, Leaf) or not isinstance(pattern.literal, str):
        raise Unsupported("a date format that is not fixed")
    spelled, codes = _spelled(pattern.literal)

    def convert(leaf: Leaf) -> Value:
        if leaf.kind is Kind.TIME:
            if not codes <= _OF_THE_CLOCK:
                raise Unsupported("the phone's engine writes a time of day with the day it is read on")
            moments: Value = Leaf(Kind.DATE, leaf.sql, may_be_empty=True)
        else:
            moments = as_date(compiler, leaf, keep_time=True)
        return values.each(moments, lambda found: _formatted(found, spelled))

    return values.each(value, convert)


def _formatted(leaf: Leaf, spelled: str) -> Value:
    if leaf.kind is not Kind.DATE:
        return values.EMPTY
    return values.text(f"coalesce(strftime({leaf.sql}, {values.text_literal(spelled)}), '')")


def _spelled(pattern: str) -> tuple[str, set[str]]:
    parts, codes = [], set()
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "%":
            position += 1
            code = pattern[position : position + 1]
            if code in ("a", "b", "W"):
                raise Unsupported(f"%{code} is written in the phone's own language")
            if code not in _SPELLING:
                raise Unsupported(f"the date format %{code} is unknown")
            codes.add(code)
            parts.append(_SPELLING[code])
        else:
            parts.append(character)
        position += 1
    return "".join(parts), codes
