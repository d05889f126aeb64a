"""Versions of a form are ordered as people count: 10 comes after 9, wherever the newest one words something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi.paths import DataFolder
from laktasi.report import back_checks, checks, people, read
from laktasi.store.warehouse import open_warehouse

OLD, NEW = "9", "10"
FORM, OTHER = "visit", "another"


def put(con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    con.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values()))


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Two versions of a form, each with words of its own, and another form with a column called the same."""
    with open_warehouse(DataFolder(tmp_path)) as con:
        for form, versions in ((FORM, [OLD, NEW]), (OTHER, ["99"])):
            place = {"form_id": form, "table_name": form, "column_name": "milk", "path": "milk", "position": 1}
            about = {"type": "select_one", "privacy": "none", "labels": {}, "list_name": "milk", "versions": versions}
            put(con, "staging.codebook", place | about)
            for version in versions:
                word = {"en": f"Good in {form} {version}"}
                choice = {"form_id": form, "form_version": version, "list_name": "milk", "position": 1}
                put(con, "staging.choices", choice | {"value": "good", "labels": word})
                rule = {"form_id": form, "form_version": version, "table_name": form, "rule_id": "milk.required"}
                put(
                    con,
                    "quality.rules",
                    rule | {"kind": "required", "field": "milk", "severity": "error", "messages": word},
                )
        for number, version in enumerate([NEW, OLD]):
            result = {"run_id": "r", "suite": f"s{version}", "form_id": FORM, "form_version": version}
            counts = {"asked": 1, "failed": 0, "rows": 5, "failing": 1, "is_met": False}
            rule = {"rule_id": "milk.required", "expectation": "e"}
            put(con, "quality.results", result | rule | counts)
            gap = {"form_id": FORM, "form_version": version, "field": "f", "kind": "calculation", "reason": "why"}
            put(con, "quality.unverified", gap)
            event = {"finding_id": f"f{number}", "run_id": "r", "event": "opened", "at": "2026-11-21", "form_id": FORM}
            put(
                con,
                "quality.finding_events",
                event | {"submission_id": f"uuid:{number}", "row": "", "rule_id": "milk.required"},
            )
        put(con, "quality.check_runs", {"run_id": "r", "at": "2026-11-21"})
        yield con


def test_a_rule_is_worded_as_in_the_newest_version(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("select distinct messages['en'] from quality.findings").fetchall() == [("Good in visit 10",)]


def test_choices_are_worded_as_in_the_newest_version(con: duckdb.DuckDBPyConnection) -> None:
    found = {row[0]: row[3] for row in con.execute(read.CHOICES).fetchall()}
    assert found == {FORM: {"en": "Good in visit 10"}, OTHER: {"en": "Good in another 99"}}


def test_the_page_of_checks_shows_the_newest_version_first(con: duckdb.DuckDBPyConnection) -> None:
    content = checks.read(con)
    assert content is not None
    assert [version.form_version for version in content.forms[FORM]] == [NEW, OLD]
    assert content.broken[0].rule.form_version == NEW
    assert content.unverified[0].versions == [OLD, NEW]


def test_frequent_values_are_worded_as_in_the_newest_version(con: duckdb.DuckDBPyConnection) -> None:
    value = {
        "enumerator_code": "P",
        "form_id": FORM,
        "table_name": FORM,
        "column_name": "milk",
        "value": "good",
        "k": 5,
    }
    rest = ("n", "share", "low", "high", "others_n", "expected", "p_adjusted")
    put(con, "marts.frequent_values", value | dict.fromkeys(rest, 0.01) | {"comparisons": 1})
    assert people._choices(con) == [(FORM, "milk", "good", {"en": "Good in visit 10"})]


def test_back_checks_word_choices_as_the_newest_version_of_the_original_form(con: duckdb.DuckDBPyConnection) -> None:
    place = {"form_id": FORM, "table_name": FORM, "column_name": "milk"}
    rest = {"variable": "milk", "position": 1, "type": 2, "kind": "choice", "is_private": False, "labels": {}}
    put(con, "marts.back_check_variables", place | rest)
    content = back_checks.read(con)
    assert content is not None
    assert content.levels == {("milk", "good"): {"en": "Good in visit 10"}}
