"""Whether an answer's text is what its type says.

As strict as typed staging: what becomes NULL there is a finding here (a test holds the two together).
"""

from __future__ import annotations

from laktasi.questionnaire.model import ValueType

_NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
_DAY = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
_OFFSET = "(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_SPACE = "[ \\t\\r\\n]+"
_POINT = f"{_NUMBER}({_SPACE}{_NUMBER}){{1,3}}"


def is_of_type(kind: ValueType, sql: str) -> str | None:
    """Give the condition that an answer's text is of a type.

    Parameters
    ----------
    sql
        SQL of the text; where it is NULL, so may the condition be.

    Returns
    -------
    str or None
        None where any text is of the type.
    """
    match kind:
        case ValueType.INTEGER:
            # The written form first: it is nearly always met, and cheaper than the pattern.
            cast = f"TRY_CAST({sql} AS BIGINT)"
            return (
                f"(CASE WHEN coalesce(CAST({cast} AS VARCHAR) = {sql}, FALSE) THEN TRUE "
                f"ELSE regexp_full_match({sql}, '[+-]?[0-9]+') AND {cast} IS NOT NULL END)"
            )
        case ValueType.DECIMAL:
            finite = f"coalesce(isfinite(TRY_CAST({sql} AS DOUBLE)), FALSE)"
            return f"(regexp_full_match({sql}, '{_NUMBER}') AND {finite})"
        case ValueType.BOOLEAN:
            return f"({sql} IN ('true', 'false', '1', '0'))"
        case ValueType.DATE:
            return f"(regexp_full_match({sql}, '{_DAY}') AND TRY_CAST({sql} AS DATE) IS NOT NULL)"
        case ValueType.TIME:
            return f"regexp_full_match({sql}, '{_CLOCK}{_OFFSET}?')"
        case ValueType.DATETIME:
            # Without an offset a moment has no place in UTC.
            cast = f"TRY_CAST({sql} AS TIMESTAMPTZ)"
            return f"(regexp_full_match({sql}, '{_DAY}T{_CLOCK}{_OFFSET}') AND {cast} IS NOT NULL)"
        case ValueType.GEOPOINT:
            part = f"string_split_regex({sql}, '{_SPACE}')"
            inside = " AND ".join(
                f"abs(TRY_CAST({part}[{place}] AS DOUBLE)) <= {most}" for place, most in ((1, 90), (2, 180))
            )
            return f"(regexp_full_match({sql}, '{_POINT}') AND coalesce({inside}, FALSE))"
        case ValueType.GEOTRACE | ValueType.GEOSHAPE:
            return f"regexp_full_match({sql}, '{_POINT}( *; *{_POINT})*[ ;]*')"
    return None
