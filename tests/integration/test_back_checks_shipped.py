"""The shipped study's back checks, from the checkers' phones to the report: what was planted is found, nothing else.

Of the main sample only the interviews that were repeated take part, and a few more.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from click.testing import CliRunner, Result

from laktasi import pipeline
from laktasi.cli import main
from laktasi.paths import HOUSE
from laktasi.quality import read_checks
from laktasi.quality.plan import Batch, make_plan
from laktasi.questionnaire.lists import condition
from laktasi.questionnaire.xform import parse
from laktasi.report.drawn import write_list
from laktasi.settings import Settings, read_settings
from laktasi.store.forms import load_questionnaires
from laktasi.study import read_study
from tests.back_checks_fixture import house
from tests.engine import back_checks, sample
from tests.integration.shipped import OF_BACK_CHECKS
from tests.integration.test_report import Page

pytestmark = pytest.mark.slow

FURTHER = 60
"""Interviews that nobody repeated."""


@pytest.fixture(scope="module")
def planted() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(back_checks.PLANTED.read_text(encoding="utf-8"))
    return found


def interviews(target: Path) -> Path:
    """Take from the main sample the interviews that were repeated, and some others."""
    with zipfile.ZipFile(back_checks.ARCHIVE) as archive:
        texts = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".xml"))
    wanted = set(re.findall(rb"<study_code>([0-9]{10})</study_code>", texts))
    further = FURTHER
    with zipfile.ZipFile(sample.ARCHIVE) as archive, zipfile.ZipFile(target, "w") as chosen:
        for name in archive.namelist():
            if name.endswith(".xml") and "/instances/" in name:
                xml = archive.read(name)
                code = re.search(rb"<study_code>([0-9]{10})</study_code>", xml)
                is_further = further > 0 and b"<given>yes</given>" in xml and b"</phone>" in xml
                if code and (code[1] in wanted or is_further):
                    further -= code[1] not in wanted
                    chosen.writestr(name, xml)
    return target


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("shipped")
    phones = (interviews(root / "interviews.zip"), back_checks.ARCHIVE)
    settings = read_settings(HOUSE, data=root / "data", phones=phones)
    # The checks of the main form take most of a run's time, and have tests of their own.
    pipeline.walk(settings, [step for step in pipeline.WAY if step.name != "check"], door="cli")
    return settings


@pytest.fixture(scope="module")
def research(ran: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(ran.data_folder.research), read_only=True) as con:
        yield con


def laktasi(ran: Settings, *words: str) -> Result:
    result = CliRunner().invoke(main, [*words, "--data", str(ran.data_folder.root)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Ibu Contoh" not in result.output
    return result


def test_the_sample_is_the_one_that_its_plan_makes(planted: dict[str, Any]) -> None:
    items = back_checks.make_plan()
    assert back_checks.manifest(items) == planted
    xform, form = back_checks.loaded_form()
    with zipfile.ZipFile(back_checks.ARCHIVE) as archive:
        made = dict(back_checks.files_of(items[::6], xform, form))
        assert {name for name in made if not name.endswith(".db")} <= set(archive.namelist())
        assert [name for name in made if not name.endswith(".db") and archive.read(name) != made[name]] == []


def test_every_back_check_is_matched_as_planted(research: duckdb.DuckDBPyConnection, planted: dict[str, Any]) -> None:
    found = dict(research.execute("select submission_id, state from marts.back_checks").fetchall())
    assert found == planted["states"]
    assert set(planted["states"].values()) == {"compared", "attempted", "no_original", "several_originals", "repeated"}


def test_what_differs_is_what_was_planted(research: duckdb.DuckDBPyConnection, planted: dict[str, Any]) -> None:
    found = research.execute(
        "select back_check_id, variable, is_within_ok_range from marts.back_check_pairs where is_different"
    ).fetchall()
    expected = {(item["back_check"], item["variable"], item["is_within_ok_range"]) for item in planted["differences"]}
    assert set(found) == expected
    assert len(found) == len(expected)
    types = research.execute(
        "select type, count(*) filter (is_error) > 0, count(*) filter (is_within_ok_range) > 0"
        " from marts.back_check_pairs group by type order by type"
    ).fetchall()
    assert types == [(1, True, True), (2, True, False), (3, True, True)]
    compared = research.execute(
        "select variable, count(*) filter (is_compared) from marts.back_check_pairs group by variable"
    ).fetchall()
    assert dict(compared) == planted["compared"]


def test_the_careless_enumerator_alarms_and_nobody_else(
    research: duckdb.DuckDBPyConnection, planted: dict[str, Any]
) -> None:
    found = research.execute(
        "select distinct code from marts.back_check_rates where is_alarming and kind = 'enumerator'"
    ).fetchall()
    assert [code for (code,) in found] == planted["alarming"]


@pytest.fixture(scope="module")
def batches(
    ran: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Batch]]]:
    """What is asked of the back checks: by suite for what their form says, by id for the declared checks."""
    # A copy: commands of other tests open the warehouse itself, in this process and with settings of their own.
    copied = shutil.copy(ran.data_folder.warehouse, tmp_path_factory.mktemp("copied"))
    with duckdb.connect(str(copied)) as con:
        questionnaires = load_questionnaires(con, parse, condition).questionnaires
        declared = [check for check in read_checks(ran.folders.checks) if check.id in OF_BACK_CHECKS]
        study, schemas = read_study(ran.folders.study), ran.folders.checks.parent
        plan = make_plan(questionnaires, declared, con=con, study=study, schemas=schemas)
        yield (
            con,
            {
                item.rules[0].rule_id if item.shape != "rows" else item.form_id: item
                for item in plan.batches
                if item.form_id == back_checks.FORM_ID or item.shape != "rows"
            },
        )


def test_the_check_of_error_rates_accuses_the_careless_enumerator_only(
    batches: tuple[duckdb.DuckDBPyConnection, dict[str, Batch]], planted: dict[str, Any]
) -> None:
    con, by_name = batches
    batch = by_name["facts_differ_in_back_checks"]
    found = con.execute(f'select "_row", value, n from ({batch.select})').fetchall()
    assert len(found) == 24
    assert {(row, n) for row, value, n in found if value is not None} == {(f"enumerator:{back_checks.CARELESS}", 8)}
    assert batch.high is not None
    assert [row for row, value, _ in found if value is not None and value > batch.high] == [
        f"enumerator:{code}" for code in planted["alarming"]
    ]


def test_the_back_checks_break_no_rule_but_the_planted_one(
    batches: tuple[duckdb.DuckDBPyConnection, dict[str, Batch]], planted: dict[str, Any]
) -> None:
    con, by_name = batches
    batch = by_name[back_checks.FORM_ID]
    assert len(batch.rules) > 50
    failing = ", ".join(f'list(_submission_id) filter ("{rule.column}" is not true)' for rule in batch.rules)
    (lists,) = con.execute(f"select {failing} from ({batch.select})").fetchall()
    broken = {rule.rule_id: keys for rule, keys in zip(batch.rules, lists, strict=True) if keys}
    assert broken == {"never_interviewed": planted["never_interviewed"]}


def test_answers_of_types_2_and_3_have_been_tested(research: duckdb.DuckDBPyConnection) -> None:
    found = dict(
        research.execute(
            "select variable, count(*) filter (p_value is not null or test = 'reliability')"
            " from marts.back_check_tests group by variable"
        ).fetchall()
    )
    assert set(found) == {"massage_performed", "massage_provider", "massage_frequency", "feeding", "infant_weight"}
    assert all(found.values())


def test_the_page_tells_it_in_both_languages(ran: Settings) -> None:
    page = Page(ran.data_folder.report.with_name("back-checks.html").read_text(encoding="utf-8"))
    assert "attempted, not completed (nobody found, or no consent) 3" in page.text("en")
    assert "dicoba, tidak selesai (tidak bertemu atau menolak) 3" in page.text("id")
    assert "19 of 216 answers differ by more than is allowed: 8.8% (95% interval 4.3% to 17.2%), in 54" in page.text(
        "en"
    )
    assert "19 dari 216 jawaban berbeda melebihi batas: 8,8%" in page.text("id")
    assert "E05 ALARM few 8 32 18 56.2% 25.9%–82.6%" in page.text("en")
    assert "Mother's age (completed years) (range ±1)" in page.text("en")
    assert "How often in a week?: Once or less" in page.text("en")
    assert "tidak ada jawaban yang bergeser" in page.text("id")
    assert page.html.count('class="notice"') == 2
    index = ran.data_folder.report.read_text(encoding="utf-8")
    assert 'href="back-checks.html"' in index
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert len(page.all("table")) == page.html.count("<caption>")
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


# --- the command


def test_rates_go_into_a_pipe_in_full(ran: Settings, research: duckdb.DuckDBPyConnection) -> None:
    for by in ("enumerator", "checker", "centre"):
        result = laktasi(ran, "back-checks", "--by", by)
        rows = list(csv.DictReader(result.stdout.splitlines(), delimiter="\t"))
        query = "select count(*) from marts.back_check_rates where kind in ('all', ?)"
        assert research.execute(query, [by]).fetchall() == [(len(rows),)]
        assert {row["kind"] for row in rows} == {"all", by}
    careless = [row for row in rows if row["is_alarming"] == "True"]
    assert all(float(row["ci_low"]) > float(row["alarm_rate"]) for row in careless)
    assert "54 compared, 3 attempted, not completed, 1 without an interview" in result.stderr


def test_on_a_terminal_coverage_comes_first_and_fits(ran: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.cli.back_checks.is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = laktasi(ran, "back-checks").stdout.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    words = [line.split() for line in lines]
    assert words.index(["Type", "1"]) > next(at for at, line in enumerate(words) if line[:1] == ["all"])
    assert ["E05", "8", "32", "18", "56.2%", "25.9%", "to", "82.6%", "ALARM"] in words
    assert "─ 1 of" not in "".join(lines)


def test_a_sample_is_drawn_once_and_its_list_written_privately(ran: Settings, tmp_path: Path) -> None:
    first = laktasi(ran, "back-checks", "sample")
    rows = list(csv.DictReader(first.stdout.splitlines(), delimiter="\t"))
    assert rows
    assert list(rows[0]) == ["study_code", "centre", "enumerator", "day", "why", "drawn_on", "submission_id"]
    assert laktasi(ran, "back-checks", "sample").stdout == first.stdout
    book, text = tmp_path / "list.xlsx", tmp_path / "list.csv"
    for target in (book, text):
        told = laktasi(ran, "back-checks", "sample", "--with-contacts", "--to", str(target))
        assert told.exit_code == 0
        assert f"{len(rows)} interviews to repeat, 0 of them drawn now, in {target}" in told.stderr
        assert target.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    sheet = list(openpyxl.load_workbook(book).worksheets[0].iter_rows(values_only=True))
    lines = list(csv.reader(text.read_text(encoding="utf-8-sig").splitlines()))
    assert list(sheet[0]) == lines[0] == [*rows[0], "mother/name", "mother/phone"]
    assert [row[0] for row in sheet[1:]] == [line[0] for line in lines[1:]] == [row["study_code"] for row in rows]
    assert all(str(row[-2]).startswith("Ibu Contoh") for row in sheet[1:])
    assert str(sheet[1][0]).startswith("0")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--with-contacts"], "--with-contacts needs --to FILE"),
        (["--to", "list.txt"], "--to needs a file that ends in .xlsx or .csv"),
        (["--share", "5"], "is not in the range 0<=x<=1"),
    ],
)
def test_a_slip_is_told(ran: Settings, words: list[str], told: str) -> None:
    result = laktasi(ran, "back-checks", "sample", *words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_list_that_cannot_be_written_is_one_error(ran: Settings, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "list.csv"
    result = laktasi(ran, "back-checks", "sample", "--to", str(target))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_a_formula_in_an_answer_stays_a_text(tmp_path: Path) -> None:
    for name in ("list.xlsx", "list.csv"):
        write_list(tmp_path / name, ["name", "phone"], [["=1+1", "+6281"], [None, "0812"]])
    (_, first, second) = openpyxl.load_workbook(tmp_path / "list.xlsx").worksheets[0].iter_rows()
    assert [(cell.value, cell.data_type) for cell in first] == [("=1+1", "s"), ("+6281", "s")]
    assert second[1].value == "0812"
    lines = list(csv.reader((tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert lines[1:] == [["'=1+1", "'+6281"], ["", "0812"]]


def test_a_project_without_back_checks_is_told_so(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.interview("K1")
        home.compare()
    options = ["--project", str(home.project.root), "--data", str(home.inner.folder.root)]
    told = CliRunner().invoke(main, ["back-checks", "sample", *options])
    assert (told.exit_code, told.stdout.count("K1")) == (0, 1)
    wanting = CliRunner().invoke(main, ["back-checks", "sample", "--with-contacts", "--to", "x.csv", *options])
    assert wanting.exit_code == 6
    assert "back_checks.yml names no contacts" in wanting.stderr
    home.project.back_checks.unlink()
    result = CliRunner().invoke(main, ["back-checks", "sample", *options])
    assert result.exit_code == 6
    assert "this project has no back checks" in result.stderr
