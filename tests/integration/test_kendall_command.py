"""laktasi kendall of tables that a person gives: without a project, all of it as JSON, one clear error per mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner, Result

from laktasi.analysis.pooled import naive, stratified
from laktasi.analysis.random_effects import leave_one_out, random_effects
from laktasi.analysis.tables import analyse_tables
from laktasi.cli import main
from laktasi.errors import LaktasiError, WarehouseError

MOPUYA = "7,4,0;0,8,6"
CELLS = {
    "north": [[7, 4, 0], [0, 8, 6]],
    "south": [[5, 9, 1], [0, 8, 3]],
    "west": [[0, 0, 0], [0, 6, 6]],
    "east": [[6, 6, 0], [3, 6, 4]],
    "few": [[1, 0, 1], [0, 1, 1]],
}
HEADING = "stratum,x,y,count\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def kendall(*words: object) -> Result:
    result = CliRunner().invoke(main, ["kendall", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def as_json(*words: object) -> Any:
    result = kendall(*words, "--json")
    assert result.exit_code == 0, result.stderr

    def never(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(result.stdout, parse_constant=never)


def write(text: str, name: str = "cells.csv") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def cells_file(separator: str = ",", *, order: Callable[[list[str]], list[str]] = list) -> Path:
    lines = [
        separator.join(map(str, (name, x, y, count)))
        for name, table in CELLS.items()
        for x, row in enumerate(table)
        for y, count in enumerate(row, 1)
        if count
    ]
    return write("\n".join([separator.join(("stratum", "x", "y", "count")), *order(lines)]) + "\n")


def test_one_table_as_json() -> None:
    found = as_json("--table", MOPUYA)
    assert found["n"] == 25
    printed = {name: f"{found[name]:.4f}" for name in ("tau_b", "tau_b_max", "z", "approx_t", "tau_c", "gamma")}
    assert printed == {
        "tau_b": "0.6987",
        "tau_b_max": "0.6987",
        "z": "3.6115",
        "approx_t": "7.6768",
        "tau_c": "0.7808",
        "gamma": "1.0000",
    }
    assert found["p_exact"] == pytest.approx(0.00011105128550276, rel=1e-12)
    assert (found["p_exact_method"], found["ci_level"], found["reason"]) == ("exact", 0.95, None)
    assert set(found) == set(analyse_tables(np.array([CELLS["north"]])))


def test_rows_are_the_exposure() -> None:
    found, turned = as_json("--table", MOPUYA), as_json("--table", "7,0;4,8;0,6")
    assert found["somers_d_yx"] == pytest.approx(0.79220779)
    assert (turned["somers_d_yx"], turned["somers_d_xy"]) == (found["somers_d_xy"], found["somers_d_yx"])


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("0,0;0,0", "no records"),
        ("1,0;0,0", "only one record"),
        ("3,2", "all gave the same exposure"),
        ("3;2", "all gave the same outcome"),
        ("5", "all gave the same exposure and the same outcome"),
    ],
)
def test_a_table_without_a_coefficient_says_why_and_has_null(table: str, reason: str) -> None:
    found = as_json("--table", table)
    assert found.pop("reason") == reason
    assert {name for name, value in found.items() if value is not None} == {"n", "s"}


def test_seed_and_draws_are_the_persons() -> None:
    table = "14,14,12,8;15,13,14,9;13,12,13,11;8,9,12,13"
    first = as_json("--table", table, "--draws", 2000, "--seed", 4)
    assert first["p_exact_method"] == "Monte Carlo, 2000 draws"
    assert first["p_exact_error"] > 0
    assert as_json("--table", table, "--draws", 2000, "--seed", 4) == first
    assert as_json("--table", table, "--draws", 2000, "--seed", 5)["p_exact"] != first["p_exact"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_many_tables_are_analysed_by_themselves_and_together(separator: str) -> None:
    counts = np.array(list(CELLS.values()))
    found = as_json("--tables", cells_file(separator))
    assert found["levels"] == {"x": ["0", "1"], "y": ["1", "2", "3"]}
    assert [stratum["stratum"] for stratum in found["strata"]] == list(CELLS)
    expected = analyse_tables(counts)
    for index, stratum in enumerate(found["strata"]):
        for name, value in stratum.items():
            if name != "stratum":
                own = expected[name][index]
                assert value == (None if own is None or own != own else own), name
    pooled = found["pooled"]
    for name, result in (("stratified", stratified(counts)), ("naive", naive(counts))):
        assert pooled[name]["tau_b"] == result.tau_b
        assert pooled[name]["q"] == result.q
    mean = random_effects(counts)
    for name in ("tau_b", "q", "i2", "tau2", "pi_low", "pi_high", "ci_low", "ci_high"):
        assert pooled["random_effects"][name] == getattr(mean, name)
    assert pooled["random_effects"]["left_out"] == {"same_exposure": 1, "too_few_records": 1}
    without = leave_one_out(counts)
    assert [one["stratum"] for one in pooled["leave_one_out"]] == list(CELLS)
    assert pooled["leave_one_out"][0]["tau_b"] == without.tau_b[0]
    assert [one["reason"] for one in pooled["leave_one_out"]] == [
        None,
        None,
        "not used: all gave the same exposure",
        None,
        "not used: fewer than 10 records",
    ]


def test_one_stratum_is_no_sample_of_strata() -> None:
    found = as_json("--tables", write("stratum,x,y,count\na,0,0,9\na,0,1,4\na,1,0,3\na,1,1,8\n"))
    assert found["pooled"]["stratified"]["tau_b"] == pytest.approx(found["strata"][0]["tau_b"])
    assert found["pooled"]["random_effects"]["q"] is None
    assert found["pooled"]["random_effects"]["reason"]
    assert found["pooled"]["leave_one_out"][0]["reason"]


def strata_of(*tables: str) -> Any:
    cells = [(s, x, y, n) for s, table in zip("abcd", tables, strict=False) for x, row in enumerate(table.split(";"))
             for y, n in enumerate(row.split(","))]  # fmt: skip
    return as_json("--tables", write(HEADING + "".join(f"{s},{x},{y},{n}\n" for s, x, y, n in cells)))["pooled"]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (("10,0;0,10", "12,0;0,10", "9,5;3,8"), [None, None, "no centre's coefficient changes"]),
        (("10,1;0,10", "12,0;0,10"), ["only one centre can be used"] * 2),
        (("10,1;0,10", "2,1;0,2"), ["no centre that has a coefficient", "not used: fewer than 10 records"]),
        (("10,1;0,10", "9,9;0,0"), ["no centre has a coefficient", "not used: all gave the same exposure"]),
    ],
)
def test_without_each_stratum_it_says_what_is_missing(tables: tuple[str, ...], said: list[str | None]) -> None:
    for one, why in zip(strata_of(*tables)["leave_one_out"], said, strict=True):
        assert (one["reason"] is None) == (why is None) == (one["tau_b"] is not None)
        assert (one["reason"] or "").startswith(why or "")


def test_a_part_that_is_missing_is_told_beside_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    two = strata_of("9,5;3,8", "8,3;4,9")["random_effects"]
    assert two["tau_b"] is not None
    assert (two["pi_low"], two["small_study_p"]) == (None, None)
    assert two["reason"].startswith("two centres only: a prediction interval and a check of small centres")
    perfect = strata_of("10,0;0,10", "12,0;0,10")["stratified"]
    assert (perfect["tau_b"], perfect["q"], perfect["i2"]) == (1, None, None)
    assert perfect["reason"].endswith("there is no Q and no I²")
    monkeypatch.setattr("laktasi.cli.kendall.is_terminal", lambda: True)
    told = " ".join(kendall("--tables", "cells.csv").stdout.split())
    assert "stratified: no centre's coefficient changes" in told


def test_numbers_sort_as_numbers_whatever_the_order_of_the_lines() -> None:
    lines = ["a,10,2,4", "a,9,10,3", "a,10,10,8", "a,9,2,9"]
    heading = "stratum,x,y,count\n"
    first, second = (as_json("--tables", write(heading + "\n".join(some))) for some in (lines, lines[::-1]))
    assert first["levels"] == second["levels"] == {"x": ["9", "10"], "y": ["2", "10"]}
    assert first["strata"] == second["strata"]
    assert first["strata"][0]["tau_b"] == as_json("--table", "9,3;4,8")["tau_b"]


def test_texts_keep_the_order_in_which_they_come() -> None:
    lines = ["a,not yet,poor,9", "a,not yet,good,3", "a,performed,poor,4", "a,performed,good,8"]
    found = as_json("--tables", write("stratum,x,y,count\n" + "\n".join(lines)))
    assert found["levels"] == {"x": ["not yet", "performed"], "y": ["poor", "good"]}
    assert found["strata"][0]["tau_b"] == as_json("--table", "9,3;4,8")["tau_b"]


def test_spreadsheets_ways_are_read() -> None:
    text = '\ufeffCount;Y;X;Stratum\r\n9.0;1;1;"a; b"\r\n3;2;1;"a; b"\r\n;;;\r\n4;1;2;"a; b"\r\n8;2;2;"a; b"\r\n'
    path = Path("cells.csv")
    path.write_bytes(text.encode("utf-8"))
    stratum = as_json("--tables", path)["strata"][0]
    assert (stratum["stratum"], stratum["n"], stratum["s"]) == ("a; b", 24, 60)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("7,4;0,8,6", "--table is ragged: row 1 has 2 cells, row 2 has 3"),
        ("7,,0;0,8,6", "--table: row 1, cell 2 is empty"),
        ("", "--table: row 1, cell 1 is empty"),
        ("7,-4;1,2", "--table: row 1, cell 2 is negative"),
        ("1.5,2;3,4", "--table: row 1, cell 1 is no whole number of records"),
        ("a,2;3,4", "--table: row 1, cell 1 is no number"),
        ("nan,2;3,4", "--table: row 1, cell 1 is no number"),
        ("1000000000,2;3,4", "--table: row 1, cell 1 is more than 999,999,999 records"),
        ("9" * 5000 + ",2;3,4", "--table: row 1, cell 1 is more than 999,999,999 records"),
        ("900000000,900000000;3,4", "a table holds more than 999,999,999 records"),
        ("1.000,2;3,4", "--table: row 1, cell 1 has a point or a comma before three digits"),
        ("2.500.000,2;3,4", "--table: row 1, cell 1 has a point or a comma before three digits"),
        ("1e3,2;3,4", "--table: row 1, cell 1 is no number"),
        ("1_0,2;3,4", "--table: row 1, cell 1 is no number"),
        ("٣,2;3,4", "--table: row 1, cell 1 is no number"),
        ("0x3,2;3,4", "--table: row 1, cell 1 is no number"),
        (",".join(["1"] * 101), "--table has more than 100 levels on a side"),
    ],
)
def test_what_is_no_table_is_one_error(table: str, said: str) -> None:
    result = kendall("--table", table, "--json")
    assert (result.exit_code, result.stdout) == (LaktasiError.exit_code, "")
    lines = result.stderr.splitlines()
    assert lines[0] == f"Error: {said}"
    assert lines[-1].startswith("Next: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stratum,x,y\na,1,2\n", "column count is missing"),
        ("", "column stratum, x, y, count is missing"),
        ("stratum,x,y,count,region\na,1,2,3,4\n", "columns other than stratum, x, y, count, each once"),
        ("stratum,x,y,count,count\na,1,2,3,4\n", "columns other than stratum, x, y, count, each once"),
        (HEADING, "holds no cell"),
        (HEADING + "a,1,2\n", "line 2: 3 fields instead of 4"),
        (HEADING + "a,1,2,3,4\n", "line 2: 5 fields instead of 4"),
        (HEADING + "a,1,,3\n", "line 2: y is empty"),
        (HEADING + ",1,1,3\n", "line 2: stratum is empty"),
        (HEADING + "a,1,2,\n", "line 2: count is empty"),
        (HEADING + "a,1,2,3\na,1,2,4\n", "line 3: the same cell as in line 2"),
        (HEADING + "a,1,2,3\na,1.0,2,4\n", "line 3: the same cell as in line 2"),
        (HEADING + "a,1,2,-3\n", "line 2: count is negative"),
        (HEADING + "a,1,2,3.5\n", "line 2: count is no whole number of records"),
        (HEADING + "a,1,2,many\n", "line 2: count is no number"),
        (HEADING + "a,1,2,1.000\n", "line 2: count has a point or a comma before three digits"),
        (HEADING + 'a,1,2,"1,000"\n', "line 2: count has a point or a comma before three digits"),
        (HEADING + 'a,1,2,"1,5"\n', "line 2: count is no whole number of records"),
        (HEADING + "a,900,2,3\na,1.000,2,3\n", "levels of x have a point before three digits"),
        (HEADING + "a,1,2,3\na,1_0,2,3\n", "some levels of x are numbers and some are texts"),
        ("\n\n" + HEADING + "a,1,2,many\n", "line 4: count is no number"),
        (HEADING + '"a\nb",1,2,3\n\n"c\nd",1,2,many\n', "line 5: count is no number"),
        (HEADING + '"a\nb",1,2,3\n"a\nb",1,2,4\n', "line 4: the same cell as in line 2"),
        ("\n\n", "column stratum, x, y, count is missing"),
        (HEADING + "".join(f"{s},1,1,900000000\n" for s in "abc"), "all tables together hold more than 2,000,000,000"),
        (HEADING + "a,1,2,3\na,1,high,4\n", "some levels of y are numbers and some are texts"),
        (HEADING + "".join(f"a,{i},1,1\n" for i in range(101)), "x has more than 100 levels"),
        (HEADING + "".join(f"a,l{i},1,1\n" for i in range(101)), "x has more than 100 levels"),
        (HEADING + "a" * 140_000 + ",1,2,3\n", "not a CSV file"),
    ],
)
def test_what_is_no_file_of_tables_is_one_error(text: str, said: str) -> None:
    result = kendall("--tables", write(text), "--json")
    assert (result.exit_code, result.stdout) == (LaktasiError.exit_code, "")
    lines = result.stderr.splitlines()
    assert lines[0].startswith(("Error: cells.csv", "Error: all tables together"))
    assert said in lines[0]
    assert lines[-1].startswith("Next: ")


def test_blank_lines_and_whole_numbers_of_spreadsheets_are_read() -> None:
    found = as_json(
        "--tables", write("\n;;;\nstratum;x;y;count\na;0.5;1;9\na;1.250;1;3.0\n\na;0.5;2;04\na;1.250;2;8.00\n")
    )
    assert found["levels"]["x"] == ["0.5", "1.250"]
    assert found["strata"][0]["tau_b"] == as_json("--table", "9,4;3,8")["tau_b"]


def test_what_is_refused_as_a_count_is_explained() -> None:
    assert "It may stand for a thousand or for a decimal." in kendall("--table", "1.000,2;3,4").stderr
    assert "digits 0 to 9 and nothing else" in kendall("--table", "1e3,2;3,4").stderr


def test_large_tables_together_have_results() -> None:
    cells = [(s, x, y, 480_000_000 if x == y else 5) for s in "ab" for x in (1, 2) for y in (1, 2)]
    found = as_json("--tables", write(HEADING + "".join(f"{s},{x},{y},{n}\n" for s, x, y, n in cells)))
    for pooled in ("stratified", "naive", "random_effects"):
        assert 0.99 < found["pooled"][pooled]["tau_b"] <= 1


def test_what_would_be_sampled_for_hours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ",".join(["3"] * 20)
    result = kendall("--table", ";".join([row] * 20), "--draws", 1_000_000)
    assert result.stderr.splitlines()[0] == (
        "Error: 1,000,000 draws of a table are 400,000,000 cells to sample, more than 200,000,000"
    )
    four = "14,14,12,8;15,13,14,9;13,12,13,11;8,9,12,13"
    monkeypatch.setattr("laktasi.cli.given_tables.LONG_SAMPLED", 16 * 2000 - 1)
    assert "… sampling 2,000 arrangements" in kendall("--table", four, "--draws", 2000).stderr
    assert kendall("--table", MOPUYA, "--draws", 1_000_000).stderr == ""
    monkeypatch.setattr("laktasi.cli.given_tables.MOST_SAMPLED_TOGETHER", 16 * 2000 - 1)
    assert "2,000 draws of all tables are 32,000 cells" in kendall("--table", four, "--draws", 2000).stderr


def test_control_characters_do_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(HEADING + "".join(f'"\x1b[31mr\x9bed",l\x1b{x},{y},0\n' for x in (1, 2) for y in (1, 2)))
    piped, as_object = kendall("--tables", path), kendall("--tables", path, "--json")
    assert json.loads(as_object.stdout)["strata"][0]["stratum"] == "\x1b[31mr\x9bed"
    monkeypatch.setattr("laktasi.cli.kendall.is_terminal", lambda: True)
    for result in (piped, as_object, kendall("--tables", path)):
        assert "31mr" in result.stdout
        assert "\x1b" not in result.stdout
        assert "\x9b" not in result.stdout


def test_files_that_cannot_be_read_are_errors() -> None:
    assert "Error: nowhere.csv: cannot be opened" in kendall("--tables", "nowhere.csv").stderr
    assert "Error: .: cannot be opened" in kendall("--tables", ".").stderr
    Path("latin.csv").write_bytes("stratum,x,y,count\né,1,2,3\n".encode("latin-1"))
    assert "Error: latin.csv: not UTF-8 text" in kendall("--tables", "latin.csv").stderr


def test_a_file_too_large_for_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.cli.given_tables.MOST_CELLS", 10)
    result = kendall("--tables", cells_file())
    assert "more than 10 lines" in result.stderr
    sparse = write(HEADING + "".join(f"s{i},{i},{i},1\n" for i in range(5)))
    assert "5 strata of 5 × 5 levels are more than 10 cells" in kendall("--tables", sparse).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--table", MOPUYA, "--tables", "x.csv"), "--table and --tables at once"),
        (("--table", MOPUYA, "--centre", "h1"), "a table is analysed by itself, not for --centre h1"),
        (("--table", MOPUYA, "--population", "all"), "a table is analysed by itself, not for --population all"),
        (("--seed", "3"), "a run has its settings, and none for --seed 3"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...], said: str) -> None:
    result = kendall(*words)
    assert result.exit_code == LaktasiError.exit_code
    assert result.stderr.splitlines()[0] == f"Error: {said}"


def test_into_a_pipe_it_is_whole_and_tab_separated() -> None:
    names, values = (line.split("\t") for line in kendall("--table", MOPUYA).stdout.splitlines())
    told = dict(zip(names, values, strict=True))
    assert float(told["tau_b"]) == as_json("--table", MOPUYA)["tau_b"]
    result = kendall("--tables", cells_file())
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["stratum", *CELLS]
    assert "--json" in result.stderr


def test_on_a_terminal_it_is_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.cli.kendall.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    one = kendall("--table", MOPUYA).stdout
    assert "tau_b        0.699  0.065  0.091  0.414 to 0.699" in one
    assert "z = 3.612, p < .001" in one
    assert "approx. T = 7.677" in one
    assert "(exact)" in one
    assert kendall("--table", "3,2").stdout == "n = 5: all gave the same exposure\n"
    assert "there is no approx_t" in " ".join(kendall("--table", "5,0;0,5").stdout.split())
    many = kendall("--tables", cells_file()).stdout
    assert "west: all gave the same exposure" in many
    assert "exposure 0 < 1; outcome 1 < 2 < 3" in many
    assert "Q = " in many
    assert [line for line in (one + many).splitlines() if len(line) > 80] == []


def test_a_copy_of_an_earlier_laktasi_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with duckdb.connect(str(tmp_path / "data" / "research.duckdb")) as con:
        con.execute("create schema analysis; create table analysis.kendall_latest (centre_code varchar)")
    result = CliRunner().invoke(main, ["kendall", "--project", str(tmp_path)])
    assert result.exit_code == WarehouseError.exit_code
    assert "an earlier laktasi made it" in result.stderr
    assert result.stderr.endswith("Next: laktasi run\n")
