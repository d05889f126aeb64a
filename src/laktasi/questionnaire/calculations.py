"""Whether a stored calculation is what the answers give."""

from __future__ import annotations

from laktasi.questionnaire.dates import moment
from laktasi.questionnaire.model import ValueType
from laktasi.questionnaire.types import is_of_type
from laktasi.questionnaire.values import SPACES, Kind, Leaf, Value, as_text, leaves, let

TOLERANCE = 1e-9
"""Relative, of numbers: another engine may add in another order."""


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
