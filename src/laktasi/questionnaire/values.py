"""Values of an expression, as SQL that means what the phone's engine means.

JavaRosa computes with five kinds of value, and an empty node is the empty *text* whatever its type. So a number read
from a question is either a number or the empty text, and NaN is a third thing. SQL has one NULL; which of the two it
stands for is known when the expression is compiled, and kept in :class:`Leaf`. A value whose kind depends on the
record (``if(a, '', 5)``) is a tree of :class:`Either`, and what consumes it looks into both branches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

EPSILON = "1e-12"
"""JavaRosa calls two numbers equal, and a number zero, within this."""
SPACES = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)"
NAN = "'NaN'::DOUBLE"


class Unsupported(Exception):  # noqa: N818 - it is a reason, not a fault
    """Why an expression cannot be verified after the interview; the message is for people."""


class Kind(StrEnum):
    """What an expression can be."""

    NUMBER = "number"
    TEXT = "text"
    TRUTH = "truth"
    DATE = "date"
    """A day or a moment, as a TIMESTAMP in the phone's own time."""
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Leaf:
    """SQL of one kind.

    NULL means: for TEXT and TRUTH, never; for a NUMBER, the empty text if `may_be_empty`, otherwise NaN; for a DATE or
    TIME, the empty text. A real NaN never occurs in the SQL: DuckDB would call it the greatest number.
    """

    kind: Kind
    sql: str
    may_be_empty: bool = False
    literal: str | float | None = None
    integral: bool = False
    """A NUMBER that is a whole one of 32 bits, so that its text is simple."""
    finite: bool = True
    """A NUMBER that cannot be infinite; what may be is checked for NaN after each step."""
    offset: str | None = None
    """Of a DATE: minutes ahead of UTC, as SQL; None where the phone's own is meant."""


@dataclass(frozen=True, slots=True)
class Either:
    """One value or the other, by a condition that is never NULL."""

    condition: str
    yes: Value
    no: Value


Value = Leaf | Either

EMPTY = Leaf(Kind.TEXT, "''", literal="")


def quote(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Write a text literal."""
    return "'" + text.replace("'", "''") + "'"


def text(sql: str) -> Leaf:
    """Make a TEXT of SQL that is never NULL."""
    return Leaf(Kind.TEXT, sql)


def constant(value: str) -> Leaf:
    """Make a TEXT of a literal."""
    return Leaf(Kind.TEXT, text_literal(value), literal=value)


def number(sql: str, *, integral: bool = False, finite: bool = True) -> Leaf:
    """Make a NUMBER whose NULL is NaN."""
    return Leaf(Kind.NUMBER, sql if finite else f"nullif({sql}, {NAN})", integral=integral, finite=finite)


def number_literal(value: float) -> Leaf:
    """Make a NUMBER of a literal."""
    return Leaf(Kind.NUMBER, f"{value!r}::DOUBLE", literal=value, integral=value.is_integer() and abs(value) < 2**31)


def truth(sql: str) -> Leaf:
    """Make a TRUTH of SQL that is never NULL."""
    return Leaf(Kind.TRUTH, sql)


def date(sql: str, offset: str | None = None) -> Leaf:
    """Make a DATE, NULL meaning empty."""
    return Leaf(Kind.DATE, sql, may_be_empty=True, offset=offset)


def each(value: Value, function: Callable[[Leaf], Value]) -> Value:
    """Apply a function to every branch."""
    if isinstance(value, Leaf):
        return function(value)
    return choose(value.condition, each(value.yes, function), each(value.no, function))


def choose(condition: str, yes: Value, no: Value) -> Value:
    """Make one value of two, a single leaf where both mean the same by NULL."""
    if isinstance(yes, Leaf) and isinstance(no, Leaf) and yes.kind is no.kind:
        same_null = yes.may_be_empty == no.may_be_empty or yes.kind in (Kind.TEXT, Kind.TRUTH)
        if same_null and yes.offset == no.offset:
            return replace(
                yes,
                sql=f"(CASE WHEN {condition} THEN {yes.sql} ELSE {no.sql} END)",
                literal=None,
                integral=yes.integral and no.integral,
                finite=yes.finite and no.finite,
            )
    return Either(condition, yes, no)


def let(sql: str, body: Callable[[str], str]) -> str:
    """Write SQL that reads another piece of SQL several times, so that it is written and computed once.

    Without this, rounding a rounded sum would repeat the sum dozens of times.
    """
    if len(sql) < 60 and "(" not in sql:
        return body(sql)
    return f"(list_transform([{sql}], lambda it: {body('it')}))[1]"


def _sql(value: Value, function: Callable[[Leaf], str]) -> str:
    if isinstance(value, Leaf):
        return function(value)
    yes, no = _sql(value.yes, function), _sql(value.no, function)
    return yes if yes == no else f"(CASE WHEN {value.condition} THEN {yes} ELSE {no} END)"


def as_number(value: Value) -> str:
    """Give SQL of the value as a number; NULL for NaN."""
    return _sql(value, _leaf_number)


def _leaf_number(leaf: Leaf) -> str:
    match leaf.kind:
        case Kind.NUMBER:
            return leaf.sql
        case Kind.TRUTH:
            return f"(CASE WHEN {leaf.sql} THEN 1.0::DOUBLE ELSE 0.0::DOUBLE END)"
        case Kind.DATE:
            return f"date_diff('day', DATE '1970-01-01', CAST({leaf.sql} AS DATE))::DOUBLE"
        case Kind.TIME:
            raise Unsupported("the phone's engine compares times of day by the day they are read on")
    # Scientific notation and +5 are not numbers to XPath, and a comma counts as a point.
    return let(
        f"trim(replace({leaf.sql}, ',', '.'), {SPACES})",
        lambda it: (
            f"(CASE WHEN regexp_full_match({it}, '-?([0-9]+[.]?[0-9]*|[.][0-9]+)') THEN TRY_CAST({it} AS DOUBLE) END)"
        ),
    )


def as_truth(value: Value) -> str:
    """Give SQL of the value as a condition; never NULL."""
    return _sql(value, _leaf_truth)


def _leaf_truth(leaf: Leaf) -> str:
    match leaf.kind:
        case Kind.TRUTH:
            return leaf.sql
        case Kind.NUMBER:
            return f"coalesce(abs({leaf.sql}) > {EPSILON}, FALSE)"
        case Kind.TEXT:
            if leaf.literal is not None:
                return "TRUE" if leaf.literal else "FALSE"
            return f"({leaf.sql} <> '')"
    return f"({leaf.sql} IS NOT NULL)"


def as_text(value: Value) -> str:
    """Give SQL of the value as text; never NULL."""
    return _sql(value, _leaf_text)


def _leaf_text(leaf: Leaf) -> str:
    match leaf.kind:
        case Kind.TEXT:
            return leaf.sql
        case Kind.TRUTH:
            return f"(CASE WHEN {leaf.sql} THEN 'true' ELSE 'false' END)"
        case Kind.DATE:
            return f"coalesce(strftime({leaf.sql}, '%Y-%m-%d'), '')"
        case Kind.TIME:
            raise Unsupported("the phone's engine writes a time of day as the day it is read on")
    null = "''" if leaf.may_be_empty else "'NaN'"
    return f"coalesce({number_text(leaf)}, {null})"


def only_text(value: Value) -> str:
    """Give SQL of what JavaRosa casts to text without converting it: it stops at anything else."""
    if any(leaf.kind is not Kind.TEXT for _, leaf in leaves(value)):
        raise Unsupported("the phone's engine takes only text here, not a number or a date")
    return as_text(value)


def number_text(leaf: Leaf) -> str:
    """Write a number as JavaRosa does: whole ones of 32 bits plainly, the rest as Java writes a double."""
    if isinstance(leaf.literal, float) and leaf.integral:
        return text_literal(str(int(leaf.literal)))
    if leaf.integral:
        return f"CAST(CAST({leaf.sql} AS BIGINT) AS VARCHAR)"
    return let(leaf.sql, _double_text)


def _double_text(value: str) -> str:
    plain = f"CAST(abs({value}) AS VARCHAR)"
    digits = f"rtrim(ltrim(replace(split_part({plain}, 'e', 1), '.', ''), '0'), '0')"
    mantissa = f"{digits}[1] || '.' || (CASE WHEN length({digits}) > 1 THEN {digits}[2:] ELSE '0' END)"
    exponent = (
        f"(CASE WHEN contains({plain}, 'e') THEN CAST(split_part({plain}, 'e', 2) AS INTEGER) "
        f"WHEN abs({value}) >= 1 THEN length(split_part({plain}, '.', 1)) - 1 "
        f"ELSE length(regexp_extract(split_part({plain}, '.', 2), '^0*')) * -1 - 1 END)"
    )
    sign = f"(CASE WHEN {value} < 0 THEN '-' ELSE '' END)"
    return (
        f"(CASE WHEN abs({value}) < {EPSILON} THEN '0' "
        f"WHEN NOT isfinite({value}) THEN {sign} || 'Infinity' "
        f"WHEN abs({value}) < 2147483648 AND abs({value} - trunc({value})) < {EPSILON} THEN "
        f"CAST(CAST(trunc({value}) AS BIGINT) AS VARCHAR) "
        f"WHEN abs({value}) >= 1e-3 AND abs({value}) < 1e7 THEN {sign} || {plain} "
        f"ELSE {sign} || {mantissa} || 'E' || {exponent} END)"
    )


def is_empty(value: Value) -> str:
    """Give SQL that tells whether the value is the empty text or NaN, what ``coalesce()`` passes over."""
    return _sql(value, _leaf_empty)


def _leaf_empty(leaf: Leaf) -> str:
    match leaf.kind:
        case Kind.TRUTH:
            return "FALSE"
        case Kind.TEXT:
            return f"({leaf.sql} = '')"
    return f"({leaf.sql} IS NULL)"


def equal(left: Value, right: Value) -> str:
    """Give SQL of ``=``; never NULL."""
    if isinstance(left, Either):
        yes, no = equal(left.yes, right), equal(left.no, right)
        return f"(CASE WHEN {left.condition} THEN {yes} ELSE {no} END)"
    if isinstance(right, Either):
        return equal(right, left)
    if Kind.TRUTH in (left.kind, right.kind):
        return f"({_leaf_truth(left)} = {_leaf_truth(right)})"
    if Kind.TIME in (left.kind, right.kind):
        return _equal_time(left, right)
    if Kind.NUMBER not in (left.kind, right.kind):
        return f"({_leaf_text(left)} = {_leaf_text(right)})"
    if left.kind is not Kind.NUMBER or (right.kind is Kind.NUMBER and left.may_be_empty and not right.may_be_empty):
        left, right = right, left
    same = f"coalesce(abs({left.sql} - {_leaf_number(right)}) < {EPSILON}, FALSE)"
    if not left.may_be_empty:
        return same
    if right.literal == "":
        return f"({left.sql} IS NULL)"
    if right.literal is not None:
        return same
    # The empty text equals only the empty text; two empty nodes are equal.
    return f"(CASE WHEN {left.sql} IS NULL THEN {_leaf_empty(right)} ELSE {same} END)"


def _equal_time(left: Leaf, right: Leaf) -> str:
    for time, other in ((left, right), (right, left)):
        if other.literal == "":
            return f"({time.sql} IS NULL)"
    raise Unsupported("the phone's engine compares times of day by the day they are read on")


def compare(operator: str, left: Value, right: Value) -> str:
    """Give SQL of ``<``, ``<=``, ``>`` or ``>=``; never NULL: what is not a number is neither less nor more."""
    return f"coalesce({as_number(left)} {operator} {as_number(right)}, FALSE)"


def arithmetic(operator: str, left: Value, right: Value) -> Leaf:
    """Give SQL of ``+``, ``-``, ``*``, ``div`` or ``mod``."""
    symbol = {"div": "/", "mod": "%"}.get(operator, operator)
    finite = operator in ("+", "-", "*") and is_finite(left) and is_finite(right)
    return number(f"({as_number(left)} {symbol} {as_number(right)})", finite=finite)


def is_finite(value: Value) -> bool:
    """Tell whether a value, as a number, cannot be infinite."""
    if isinstance(value, Leaf):
        return value.kind is not Kind.NUMBER or value.finite
    return is_finite(value.yes) and is_finite(value.no)


def leaves(value: Value) -> list[tuple[str, Leaf]]:
    """Give (condition, leaf) of every branch, the conditions in full."""
    if isinstance(value, Leaf):
        return [("TRUE", value)]
    yes = [(_both(value.condition, condition), leaf) for condition, leaf in leaves(value.yes)]
    no = [(_both(f"NOT {value.condition}", condition), leaf) for condition, leaf in leaves(value.no)]
    return yes + no


def _both(first: str, second: str) -> str:
    return first if second == "TRUE" else f"({first} AND {second})"


def substitute(value: Value, old: str, new: str) -> Value:
    """Replace a marker in all SQL of a value."""
    if isinstance(value, Either):
        return Either(
            value.condition.replace(old, new), substitute(value.yes, old, new), substitute(value.no, old, new)
        )
    offset = value.offset.replace(old, new) if value.offset else value.offset
    return replace(value, sql=value.sql.replace(old, new), offset=offset)
