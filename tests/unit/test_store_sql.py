"""Names and texts from questionnaires enter SQL only quoted."""

from __future__ import annotations

import duckdb
import pytest

from laktasi.store.sql import identifier, literal, migrations, select_from_file, values

HOSTILE = 'x"; drop table t; --'


def test_names_are_quoted() -> None:
    con = duckdb.connect()
    con.execute(f"create table t ({identifier(HOSTILE)} integer)")
    assert [row[0] for row in con.execute("describe t").fetchall()] == [HOSTILE]
    assert identifier("staging", "visit") == '"staging"."visit"'


@pytest.mark.parametrize("value", ["it's", "'; drop table t; --", "", "\\", None, 7, True])
def test_values_survive(value: str | int | bool | None) -> None:
    assert duckdb.connect().execute(f"select {literal(value)}").fetchone() == (value,)


def test_a_relation_without_rows_has_its_columns() -> None:
    con = duckdb.connect()
    assert con.execute(values(("a", "b"), [("x", 1), (None, 2)])).fetchall() == [("x", 1), (None, 2)]
    empty = con.execute(values(("a", "b"), []))
    assert [column[0] for column in empty.description or ()] == ["a", "b"]
    assert empty.fetchall() == []


def test_a_forgotten_placeholder_is_an_error() -> None:
    with pytest.raises(KeyError):
        select_from_file("marts", "analysed", form_id="'x'")


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [number for number, _, _ in migrations()] == list(range(1, len(migrations()) + 1))
