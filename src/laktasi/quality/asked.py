"""A question as its answers stand in staging: as one type over all form versions, as a day, a code, a number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from laktasi.errors import CheckError
from laktasi.questionnaire.model import Field, ValueType
from laktasi.store.casts import SQL_TYPES, casts

NUMBERS = (ValueType.INTEGER, ValueType.DECIMAL)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as its answers stand in staging."""

    table: str
    column: str
    """In the newest version that asks it."""
    field: Field
    """In the newest version that asks it."""
    type: ValueType
    """What `sql` gives: wide enough for all versions that ask it, so a decimal where some have an integer."""
    sql: str
    """Its typed answer over alias ``r`` (``f`` where the question is the form's and the rows are a repeat's). Of a
    geopoint latitude and longitude in one text, see also :meth:`part`; of a select_multiple the choices in order of
    their names, since the order of the ticks means nothing."""
    columns: tuple[str, ...]
    """Quoted, with their alias: one, unless the question has moved between versions."""

    def part(self, ending: str) -> str:
        """Give SQL of a further column that staging keeps of an answer: ``__lat``, ``__offset`` …"""
        parts = [with_ending(column, ending) for column in self.columns]
        return f"coalesce({', '.join(parts)})" if len(parts) > 1 else parts[0]


def day_of(asked: Asked) -> str:
    """Give SQL of the day of a date, or of a moment by the clock that wrote it.

    Raises
    ------
    CheckError
        It is neither.
    """
    match asked.type:
        case ValueType.DATE:
            return asked.sql
        case ValueType.DATETIME:
            return f"cast(({asked.sql} at time zone 'UTC') + to_minutes({asked.part('__offset')}) as date)"
        case _:
            raise CheckError(
                f"checks.yml: {asked.field.path!r} is of type {asked.type.value}, and a date is needed",
                next_step="name a date or a dateTime in schemas/checks.yml",
            )


def same_as(asked: Asked, text: str) -> str:
    """Give the SQL condition that an answer is what a text says: numbers as numbers, all else as it is written."""
    one_value(asked)
    if asked.type in NUMBERS:
        return f"{asked.sql} = {casts(asked.type, text)['']}"
    return f"cast({asked.sql} as varchar) = {text}"


def as_code(asked: Asked) -> str:
    """Give SQL of an answer as people write a code: a whole number without a point, whatever type it has."""
    one_value(asked)
    text = f"cast({asked.sql} as varchar)"
    return f"regexp_replace({text}, '\\.0$', '')" if asked.type is ValueType.DECIMAL else text


def one_value(asked: Asked) -> None:
    """Refuse a question whose answer is several values at once."""
    if asked.type in (ValueType.GEOPOINT, ValueType.SELECT_MULTIPLE, ValueType.RANK):
        raise CheckError(
            f"checks.yml: {asked.field.path!r} is of type {asked.type.value}, which has several values at once",
            next_step="name a question with one value in schemas/checks.yml",
        )


def widened(types: Sequence[ValueType], stored: Collection[ValueType]) -> ValueType:
    """Give the type that the answers of all versions fit, the newest last; text where there is no other."""
    if len({SQL_TYPES.get(kind, kind if kind is ValueType.GEOPOINT else None) for kind in types}) == 1:
        kind = types[-1]
    elif set(types) <= set(NUMBERS):
        kind = ValueType.DECIMAL
    elif set(types) <= {ValueType.DATE, ValueType.DATETIME}:
        kind = ValueType.DATE
    else:
        kind = ValueType.TEXT
    # Text in staging has no further columns, of a moment's offset or a place's latitude.
    if kind is ValueType.DATETIME and set(stored) != {kind}:
        return ValueType.DATE
    return ValueType.TEXT if kind is ValueType.GEOPOINT and set(stored) != {kind} else kind


def as_type(part: str, stored: ValueType, kind: ValueType) -> str:
    """Give SQL of a column of staging as another type; what is not of that type is NULL, as in staging."""
    if SQL_TYPES.get(stored) == SQL_TYPES.get(kind):
        return f"list_sort({part})" if kind is ValueType.SELECT_MULTIPLE else part
    if kind is ValueType.DATE:
        if stored is ValueType.DATETIME:
            return f"cast(({part} at time zone 'UTC') + to_minutes({with_ending(part, '__offset')}) as date)"
        day, moment = casts(kind, part)[""], casts(ValueType.DATETIME, part)[""]
        # The first ten characters of a moment are the day by the clock that wrote it.
        return f"coalesce({day}, case when {moment} is not null then {casts(kind, f'left({part}, 10)')['']} end)"
    if SQL_TYPES.get(stored) is None and kind in SQL_TYPES:
        typed = casts(kind, part)[""]
        return f"list_sort({typed})" if kind is ValueType.SELECT_MULTIPLE else typed
    return f"cast({part} as {SQL_TYPES.get(kind, 'varchar')})"


def with_ending(column: str, ending: str) -> str:
    """Name a further column that staging keeps of an answer beside the quoted one: ``__lat``, ``__offset`` …"""
    return f'{column[:-1]}{ending}"'
