"""Which texts are of a type. tests/unit/test_store_casts.py holds this against what typed staging makes NULL."""

from __future__ import annotations

import duckdb
import pytest

from laktasi.questionnaire.model import ValueType
from laktasi.questionnaire.types import is_of_type

POINT = "0.76 124.05 12.0 4.5"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            ValueType.INTEGER,
            ("0", "-3", "+3", "007", "9223372036854775807"),
            ("12.0", "1_000", "0x1F", "1e3", " 1", ""),
        ),
        (ValueType.INTEGER, (), ("9223372036854775808", "x")),
        (ValueType.DECIMAL, ("1.5", ".5", "5.", "-1e3", "1.0E7", "3"), ("NaN", "Infinity", "1e999", "1,5", "1_0", "")),
        (ValueType.BOOLEAN, ("true", "false", "1", "0"), ("TRUE", "yes", "")),
        (ValueType.DATE, ("2024-02-29",), ("2023-02-29", "2024-2-9", "2024-02-29T10:00:00Z", "soon", "")),
        (ValueType.TIME, ("10:20:30.400+08:00", "10:20", "23:59:59Z"), ("24:00", "9:00", "10:60", "")),
        (
            ValueType.DATETIME,
            ("2024-02-29T10:00:00.000+08:00", "2024-02-29T10:00:00Z"),
            ("2024-02-29T10:00:00", "2023-02-29T10:00:00Z", "2024-02-29", "2024-02-29T10:00:00+15:00", ""),
        ),
        (ValueType.GEOPOINT, (POINT, "0.76 124.05"), ("91 0", "0 181", "1", "a b", "1 2 3 4 5", "")),
        (ValueType.GEOTRACE, (POINT, f"{POINT};{POINT}", f"{POINT}; {POINT};"), ("here", f"{POINT},{POINT}")),
        (ValueType.GEOSHAPE, (f"{POINT};{POINT};{POINT}",), ("1",)),
    ],
)
def test_texts(kind: ValueType, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    condition = is_of_type(kind, "text")
    with duckdb.connect() as con:
        con.execute("create table texts as select unnest(?) as text", [[*good, *bad]])
        passed = {row[0] for row in con.execute(f"select text from texts where {condition}").fetchall()}
    assert passed == set(good)


def test_any_text_will_do_for_the_rest() -> None:
    typed = {ValueType.TEXT, ValueType.SELECT_ONE, ValueType.SELECT_MULTIPLE, ValueType.RANK, ValueType.MEDIA}
    assert {kind for kind in ValueType if is_of_type(kind, "text") is None} == typed
