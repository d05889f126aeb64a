"""What does not become a value in staging is what the rule of its type finds: nothing becomes NULL in silence."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import duckdb
import pytest

from laktasi.questionnaire.model import ValueType
from laktasi.questionnaire.types import is_of_type
from laktasi.store.casts import casts

GOOD: list[tuple[ValueType, str, list[Any]]] = [
    (ValueType.INTEGER, "5", [5]),
    (ValueType.INTEGER, "-007", [-7]),
    # a detour over DOUBLE would give …992
    (ValueType.INTEGER, "9007199254740993", [9007199254740993]),
    (ValueType.DECIMAL, "5", [5.0]),
    (ValueType.DECIMAL, "1.0E-5", [0.00001]),
    (ValueType.BOOLEAN, "true", [True]),
    (ValueType.BOOLEAN, "0", [False]),
    (ValueType.DATE, "2024-02-29", [date(2024, 2, 29)]),
    (ValueType.TIME, "07:30:00.000+08:00", [time(7, 30)]),
    (ValueType.DATETIME, "2026-11-20T07:30:00.000+08:00", [datetime(2026, 11, 19, 23, 30, tzinfo=UTC), 480]),
    (ValueType.DATETIME, "2026-11-20T07:30:00.000-03:30", [datetime(2026, 11, 20, 11, 0, tzinfo=UTC), -210]),
    (ValueType.DATETIME, "2026-11-20T07:30:00Z", [datetime(2026, 11, 20, 7, 30, tzinfo=UTC), 0]),
    (ValueType.GEOPOINT, "-0.5 124.25 10.0 4.5", [-0.5, 124.25, 10.0, 4.5]),
    (ValueType.GEOPOINT, "-0.5 124.25", [-0.5, 124.25, None, None]),
    (ValueType.SELECT_MULTIPLE, " wet  calm\n", [["wet", "calm"]]),
    (ValueType.RANK, "b a", [["b", "a"]]),
    (ValueType.SELECT_ONE, " yes", [" yes"]),
    (ValueType.TEXT, "5", ["5"]),
    (ValueType.MEDIA, "1.jpg", ["1.jpg"]),
]
BAD = [
    (ValueType.INTEGER, ["5.5", " 5", "5\n", "1e3", "0x1F", "1_000", "99999999999999999999", "lima", "5,0"]),
    (ValueType.DECIMAL, ["nan", "inf", "1e400", "1_0", "1,5", "--1", "."]),
    (ValueType.BOOLEAN, ["yes", "TRUE", "2"]),
    (ValueType.DATE, ["2023-02-29", "2024-1-5", "0000-01-01", "20240105", "2024-02-29T00:00:00Z"]),
    (ValueType.TIME, ["24:00", "7:30", "07:60"]),
    (
        ValueType.DATETIME,
        ["2026-11-20T07:30:00", "2026-11-20", "2026-11-20 07:30:00+08:00", "2026-11-20T07:30:00+99:00"],
    ),
    (ValueType.GEOPOINT, ["91 0 0 0", "0 181 0 0", "1", "1 2 3 4 5", "a b c d"]),
]


def ask(expression: str, text: str | None) -> Any:
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    row = con.execute(f"select {expression} from (select ?::varchar as answer)", [text]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("kind", "text", "expected"), GOOD)
def test_texts_of_the_type_are_cast(kind: ValueType, text: str, expected: list[Any]) -> None:
    assert [ask(sql, text) for sql in casts(kind, "answer").values()] == expected
    rule = is_of_type(kind, "answer")
    assert rule is None or ask(rule, text) is True


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in BAD for text in texts])
def test_other_texts_are_null_and_do_not_fit(kind: ValueType, text: str) -> None:
    assert {ask(sql, text) for sql in casts(kind, "answer").values()} == {None}
    rule = is_of_type(kind, "answer")
    assert rule is not None
    assert ask(rule, text) is False


@pytest.mark.parametrize("kind", list(ValueType))
def test_no_answer_is_null(kind: ValueType) -> None:
    assert {ask(sql, None) for sql in casts(kind, "answer").values()} == {None}
