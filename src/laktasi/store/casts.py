"""From an answer's text to its type, strictly: a text that is not exactly of the type becomes NULL.

DuckDB's own casts are kinder than a form (``5.5`` rounds to 6, ``1e3`` and ``0x1F`` are integers, ``2024-1-5`` is a
date), so each is asked only where the text has the written form of its type. ``questionnaire.types`` says the same as a
rule: what becomes NULL here is a finding there, so nothing becomes NULL in silence. A test holds the two together.
"""

from __future__ import annotations

from laktasi.questionnaire.model import ValueType

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DATE = r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
_SPACE = r"[ \t\r\n]+"

SQL_TYPES = {
    ValueType.INTEGER: "bigint",
    ValueType.DECIMAL: "double",
    ValueType.BOOLEAN: "boolean",
    ValueType.DATE: "date",
    ValueType.TIME: "time",
    ValueType.DATETIME: "timestamptz",
    ValueType.SELECT_MULTIPLE: "varchar[]",
    ValueType.RANK: "varchar[]",
}
"""Types in staging; every other value stays text. A geopoint becomes four columns, see :data:`GEOPOINT_PARTS`."""

GEOPOINT_PARTS = {
    "__lat": "Latitude, degrees",
    "__lon": "Longitude, degrees",
    "__alt": "Altitude, metres",
    "__acc": "Accuracy, metres",
}
OFFSET_ENDING = "__offset"


def casts(kind: ValueType, text: str) -> dict[str, str]:
    """Give the typed columns of an answer.

    Parameters
    ----------
    text
        SQL of the text.

    Returns
    -------
    dict
        SQL by the ending of the column's name: ``""`` for the column itself, ``__offset``, ``__lat`` …
    """
    if kind is ValueType.GEOPOINT:
        return _geopoint(text)
    if kind is ValueType.DATETIME:
        return {"": _value(kind, text), OFFSET_ENDING: _offset(text)}
    return {"": _value(kind, text)}


def _value(kind: ValueType, text: str) -> str:
    match kind:
        case ValueType.INTEGER:
            return _where(text, "[+-]?[0-9]+", f"try_cast({text} as bigint)")
        case ValueType.DECIMAL:
            number = f"try_cast({text} as double)"
            return f"case when regexp_full_match({text}, '{_NUMBER}') and isfinite({number}) then {number} end"
        case ValueType.BOOLEAN:
            return f"case when {text} in ('true', '1') then true when {text} in ('false', '0') then false end"
        case ValueType.DATE:
            return _where(text, _DATE, f"try_cast({text} as date)")
        case ValueType.TIME:
            # the clock on the wall: the offset stays in the text
            clock = f"try_cast(regexp_extract({text}, '^{_TIME}') as time)"
            return _where(text, f"{_TIME}{_OFFSET}?", clock)
        case ValueType.DATETIME:
            # without an offset a moment has no place in UTC
            return _where(text, f"{_DATE}T{_TIME}{_OFFSET}", f"try_cast({text} as timestamptz)")
        case ValueType.SELECT_MULTIPLE | ValueType.RANK:
            return f"list_filter(string_split_regex({text}, '{_SPACE}'), lambda token: token <> '')"
        case _:
            return text


def _where(text: str, pattern: str, value: str) -> str:
    return f"case when regexp_full_match({text}, '{pattern}') then {value} end"


def _offset(text: str) -> str:
    """Minutes that the phone's clock was ahead of UTC."""
    sign = f"case when regexp_matches({text}, '-[0-9]{{2}}(?::?[0-9]{{2}})?$') then -1 else 1 end"
    part = "[+-]([0-9]{2}):?([0-9]{2})?$"
    hours = f"coalesce(try_cast(regexp_extract({text}, '{part}', 1) as integer), 0)"
    minutes = f"coalesce(try_cast(regexp_extract({text}, '{part}', 2) as integer), 0)"
    return f"case when {_value(ValueType.DATETIME, text)} is not null then ({sign}) * ({hours} * 60 + {minutes}) end"


def _geopoint(text: str) -> dict[str, str]:
    """Latitude and longitude, then altitude and accuracy where they are given."""
    parts = f"string_split_regex({text}, '{_SPACE}')"
    lat, lon, alt, acc = (f"try_cast({parts}[{place}] as double)" for place in range(1, 5))
    is_point = (
        f"regexp_full_match({text}, '{_NUMBER}(?:{_SPACE}{_NUMBER}){{1,3}}') and abs({lat}) <= 90 and abs({lon}) <= 180"
    )
    return {
        ending: f"case when {is_point} then {value} end"
        for ending, value in zip(GEOPOINT_PARTS, (lat, lon, alt, acc), strict=True)
    }
