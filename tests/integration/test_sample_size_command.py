"""laktasi sample-size: from a table that is typed, from the latest run, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner, Result

from laktasi.analysis.power import MAX_CENTRES, MAX_N, MIN_N, next_round, sample_size
from laktasi.cli import main
from laktasi.cli import sample_size as command
from laktasi.store import warehouse
from laktasi.store.warehouse import open_research
from tests import mini

MOPUYA = np.array([[7, 4, 0], [0, 8, 6]])
TABLE = ("--table", "7,4,0;0,8,6")


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, ["sample-size", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows(*words: object) -> list[dict[str, Any]]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr

    def never(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(result.stdout, parse_constant=never)
    assert isinstance(found, list)
    return found


def test_a_typed_table_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = rows(*TABLE, "--tau-b", 0.3)
    assert [(row["basis"], row["power"], row["n"]) for row in found] == [
        ("given", power, sample_size(MOPUYA, tau_b=0.3, power=power).n) for power in (0.8, 0.9)
    ]
    assert tuple(found[0]) == command.COLUMNS
    assert rows(*TABLE)[0]["basis"] == "table"
    (one,) = rows(*TABLE, "--tau-b", 0.2, "--power", 0.95, "--alpha", 0.01, "--centres", 12)
    planned = sample_size(MOPUYA, tau_b=0.2, power=0.95, alpha=0.01, centres=12)
    assert (one["n"], one["total"], one["half_width"]) == (planned.n, planned.total, planned.half_width)


def test_it_says_what_so_many_records_can_find() -> None:
    (row,) = rows(*TABLE, "--tau-b", 0.3, "--records", 76)
    assert (row["n"], row["total"]) == (76, 76)
    assert row["power"] == pytest.approx(0.79, abs=0.015)
    assert rows(*TABLE, "--tau-b", 0.3, "--records", 2, "--centres", 2)[0]["power"] < 0.3
    assert (command.MIN_RECORDS, command.MAX_RECORDS, command.MAX_CENTRES) == (MIN_N, MAX_N, MAX_CENTRES)
    # The powers that are asked for where none is given play no part.
    assert rows(*TABLE, "--records", 50, "--alpha", 0.85)[0]["power"] > 0.85


def test_into_a_pipe_it_is_a_line_for_each_answer_in_full() -> None:
    result = run(*TABLE, "--tau-b", 0.3)
    lines = list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t"))
    assert [float(line["half_width"]) for line in lines] == [row["half_width"] for row in rows(*TABLE, "--tau-b", 0.3)]


def test_on_a_terminal_it_is_rounded_and_says_why_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    said = run(*TABLE, "--tau-b", 0.3).stdout
    assert [line for line in said.splitlines() if len(line) > 80] == []
    assert "records per centre" in said
    assert "exact test" not in said
    assert run(*TABLE).stdout.count("in one centre: report its exact test") == 1
    assert "exact test" not in run(*TABLE, "--centres", 3).stdout
    beyond = run(*TABLE, "--tau-b", 0.8)
    assert beyond.exit_code == 0
    assert beyond.stdout.count("given: the assumed tau_b is beyond what these margins allow (-0.681 to 0.699)") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*TABLE, "--power", "0.04"), 2, "--power 0.04 is no more than --alpha 0.05"),
        ((*TABLE, "--power", "nan"), 2, "--power nan"),
        ((*TABLE, "--tau-b", "nan"), 2, "--tau-b is no number"),
        ((*TABLE, "--tau-b", "2"), 2, "2.0 is not in the range"),
        ((*TABLE, "--records", "3"), 2, "fewer than 4 records in all"),
        ((*TABLE, "--centres", "0"), 2, "0 is not in the range"),
        ((*TABLE, "--centres", "1" + 29 * "0"), 2, "1<=x<=10000"),
        ((*TABLE, "--records", "10000001"), 2, "2<=x<=10000000"),
        ((*TABLE, "--records", "50", "--power", "0.99"), 2, "--records asks for the power"),
        ((*TABLE, "--population", "all"), 2, "and the population"),
        ((*TABLE, "--exposure", "milk"), 2, "leave out the project"),
        (("--table", "7,4;1"), 1, "is ragged: row 1 has 2 cells, row 2 has 1"),
        (("--table", "7,x;1,2"), 1, "row 1, cell 2 is no number"),
    ],
)
def test_what_cannot_be_planned_is_one_clear_error(words: tuple[str, ...], code: int, said: str) -> None:
    result = run(*words, "--json")
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample_size")
    made = mini.make_project(root / "project")
    mini.fill_phone(root / "phone", 45)
    for words in (["import", root / "phone"], ["run", "--no-prefect"]):
        result = CliRunner().invoke(main, [*map(str, words), "--project", str(made)])
        assert result.exit_code == 0, result.output
    return made


@pytest.mark.slow
def test_the_latest_run_is_planned_from(project: Path) -> None:
    found = rows("--project", project)
    with open_research(project / "data" / "research.duckdb") as con:
        cells = con.execute(
            """
            select exposure_rank, outcome_rank, sum(n)::bigint from analysis.contingency_latest
            where population = 'accepted' group by all order by all
            """
        ).fetchall()
        pooled = con.execute(
            """
            select tau_b, ci_low, ci_high from analysis.pooled_latest
            where population = 'accepted' and method = 'stratified'
            """
        ).fetchone()
    assert pooled
    table = np.array([n for _, _, n in cells]).reshape(2, 3)
    assert table.sum() == 45
    expected = next_round(table, *pooled)
    assert len(found) == len(expected) == 4
    for row, other in zip(found, expected, strict=True):
        assert {name: row[name] for name in other} == other
        assert (row["exposure"], row["outcome"], row["population"]) == ("milk", "cups", "accepted")
    assert found[0]["n"] is not None


def test_of_the_latest_run_one_question_can_be_chosen(project: Path) -> None:
    chosen = rows("--project", project, "--exposure", "milk", "--outcome", "cups", "--population", "all")
    assert {row["population"] for row in chosen} == {"all"}
    given = rows("--project", project, "--tau-b", 0.25, "--centres", 3)
    assert {(row["basis"], row["tau_b"], row["centres"]) for row in given} == {("given", 0.25, 3)}
    nothing = run("--project", project, "--exposure", "sugar")
    assert nothing.exit_code == 1
    assert "no result for --exposure sugar" in nothing.stderr


def test_without_a_run_it_says_what_to_do(tmp_path: Path) -> None:
    result = run("--project", mini.make_project(tmp_path / "project"))
    assert result.exit_code == 5
    assert "Next: " in result.stderr


def test_a_run_without_analyses_has_nothing_to_plan_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def without_results(_path: Path) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect()
        con.execute("create schema analysis")
        for view, columns in (
            ("contingency_latest", "exposure_rank integer, outcome_rank integer, n bigint"),
            ("pooled_latest", "method varchar, tau_b double, ci_low double, ci_high double"),
        ):
            con.execute(
                f"create table analysis.{view} (exposure varchar, outcome varchar, population varchar, {columns})"
            )
        return con

    monkeypatch.setattr(warehouse, "open_research", without_results)
    result = run("--project", mini.make_project(tmp_path / "project"))
    assert result.exit_code == 1
    assert "laktasi sample-size --table" in result.stderr
