"""How numbers are written in each language of the report.

Coefficients keep their leading zero and three decimals. Probabilities follow the custom of the journals of each
language: English drops the zero before the point (``< .001``), Indonesian keeps it (``< 0,001``). A p value is never
printed as zero: below one thousandth it says so.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

MINUS = "−"
NOT_AVAILABLE = "–"
SMALLEST_P = 0.001

MONTHS = {
    "id": "Jan Feb Mar Apr Mei Jun Jul Agu Sep Okt Nov Des",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}


def whole(value: int | None, language: str) -> str:
    """Write a count: ``1.234`` in Indonesian, ``1,234`` in English."""
    if value is None:
        return NOT_AVAILABLE
    grouped = f"{value:,}"
    return grouped.replace(",", ".") if language == "id" else grouped


def decimal(value: float | None, language: str, digits: int) -> str:
    """Write a number with a fixed count of decimals, a true minus sign, and the decimal mark of the language."""
    if value is None:
        return NOT_AVAILABLE
    # Adding 0.0 turns the negative zero that rounding can leave into a plain zero.
    text = f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)
    return text.replace(".", ",") if language == "id" else text


def coefficient(value: float | None, language: str) -> str:
    """Write a coefficient between -1 and 1 with three decimals."""
    return decimal(value, language, 3)


def percent(value: float | None, language: str) -> str:
    """Write a percentage (given in percent, not as a share) with one decimal."""
    return NOT_AVAILABLE if value is None else f"{decimal(value, language, 1)}%"


def p_value(value: float | None, language: str, *, relation: bool = False) -> str:
    """Write a probability with three decimals, or as below one thousandth.

    Parameters
    ----------
    value
        The probability; None where there is none.
    language
        ``id`` or ``en``.
    relation
        Write ``= .034`` rather than ``.034``, to stand behind the letter p in a sentence.
    """
    if value is None:
        return NOT_AVAILABLE
    sign = "= " if relation else ""
    if value < SMALLEST_P:
        sign, value = "< ", SMALLEST_P
    text = decimal(value, language, 3)
    # In English only, and never of 1.000.
    return sign + (text.removeprefix("0") if language == "en" else text)


def moment(value: datetime | None, language: str) -> str:
    """Write a time in UTC, to the minute: ``21 Nov 2026 12:14 UTC``, in Indonesian ``12.14``."""
    if value is None:
        return NOT_AVAILABLE
    utc = value.astimezone(UTC)
    clock = f"{utc:%H.%M}" if language == "id" else f"{utc:%H:%M}"
    return f"{day(utc, language)} {clock} UTC"


def day(value: date | None, language: str) -> str:
    """Write a day: ``21 Nov 2026``."""
    if value is None:
        return NOT_AVAILABLE
    return f"{value.day} {MONTHS[language].split()[value.month - 1]} {value.year}"


def month(value: date, language: str) -> str:
    """Write a month: ``Nov 2026``."""
    return f"{MONTHS[language].split()[value.month - 1]} {value.year}"
