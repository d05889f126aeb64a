"""docs/researchers.md answers what it asks: each block runs, and SQL, Python and R give the same numbers.

On some centres of the shipped sample, with decisions of people beside them. The SQL goes through `laktasi sql`, as the
page says; Python and R compute again from the records, so that the page also judges the pipeline.
"""

from __future__ import annotations

import csv
import json
import math
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner

from laktasi import pipeline
from laktasi.cli import main
from laktasi.paths import HOUSE
from laktasi.settings import read_settings
from tests.engine import back_checks, sample
from tests.engine.visits import VERSION

pytestmark = pytest.mark.slow

PAGE = (HOUSE / "docs" / "researchers.md").read_text(encoding="utf-8")
RSCRIPT = shutil.which("Rscript")

CENTRES = ("mopuya", *(f"contoh_{number:02}" for number in (1, 2, 3, 7, 18, 21, 23, 30, 36, 38, 39)))
"""Among them: one where all mothers were massaged (38), one with two mothers (39), three that measured the hormone."""
DECISIONS = """
decisions:
  - id: age-on-the-card
    action: replace
    form: postpartum_visit
    submission: uuid:01aaa35e-8287-4752-b4ea-8a4c96fbbef2
    question: mother/age
    expected: 7
    value: 27
    reason: The card says 27
    reporter: Budi
    date: 2026-11-21
  - id: practice
    action: drop
    form: postpartum_visit
    submission: uuid:c76b73ac-c9b3-47e7-b0ae-26dbc5855ae4
    expected: uuid:c76b73ac-c9b3-47e7-b0ae-26dbc5855ae4
    reason: A practice interview
    reporter: Budi
    date: 2026-11-21
  - id: seen-with-her
    action: okay
    form: postpartum_visit
    submission: uuid:73ba948f-402f-4a28-8667-01a4c6dc84c4
    rule: contraindicated_massage
    expected: uuid:73ba948f-402f-4a28-8667-01a4c6dc84c4
    reason: The wound came later
    reporter: Sari
    date: 2026-11-22
"""

Row = dict[str, Any]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.M | re.S)


PARTS: dict[str, str] = dict(re.findall(r"^##+ (.+)\n((?:(?!^##).*\n)*)", PAGE, flags=re.M))
QUESTIONS = [title for title in PARTS if re.match(r"\d+\. ", title)]
BEGIN = PARTS["Questions, and their answers"]
CODEBOOK = PARTS["The codebook, and a file for SPSS"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a few of the shipped sample's centres, run once; no report, which nothing here reads."""
    root = tmp_path_factory.mktemp("researcher")
    project = root / "project"
    for folder in ("xlsforms", "schemas"):
        shutil.copytree(HOUSE / folder, project / folder, ignore=shutil.ignore_patterns("sample"))
    (project / "schemas" / "corrections" / "decided.yml").write_text(DECISIONS, encoding="utf-8")
    settings = read_settings(project, phones=(interviews(root / "phones.zip"), back_checks.ARCHIVE))
    pipeline.walk(settings, [step for step in pipeline.WAY if step.name != "report"], door="cli")
    return project


def interviews(target: Path) -> Path:
    """Take from the sample what was asked in these centres with the newest form."""
    wanted = re.compile(rb"<centre>(%s)</centre>" % b"|".join(centre.encode() for centre in CENTRES))
    with zipfile.ZipFile(sample.ARCHIVE) as archive, zipfile.ZipFile(target, "w") as chosen:
        for name in archive.namelist():
            if name.endswith(".xml") and "/instances/" in name:
                xml = archive.read(name)
                if wanted.search(xml) and f'version="{VERSION}"'.encode() in xml:
                    chosen.writestr(name, xml)
    return target


def laktasi(*words: str | Path) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def in_sql(query: str, project: Path) -> list[Row]:
    rows: list[Row] = json.loads(laktasi("sql", "--format", "json", query, "--project", project))
    return rows


@pytest.fixture(scope="module")
def in_python(project: Path) -> Mapping[str, list[Row]]:
    """The page's Python, block after block as a reader would paste it; each question's `answer`."""
    names: dict[str, Any] = {}
    answers = {}
    with pytest.MonkeyPatch.context() as here:
        here.chdir(project)
        for part in (BEGIN, *(PARTS[title] for title in QUESTIONS), CODEBOOK):
            (code,) = blocks(part, "python")
            names.pop("answer", None)
            exec(compile(code, "docs/researchers.md", "exec"), names)  # the page of this repository
            if isinstance(names.get("answer"), pd.DataFrame):
                answers[part] = names["answer"].to_dict("records")
    names["con"].close()
    return {title: answers[PARTS[title]] for title in QUESTIONS}


@pytest.fixture(scope="module")
def in_r(project: Path) -> Mapping[str, list[Row]]:
    """The page's R, in one session of base R, on the tables that its shell block writes."""
    if RSCRIPT is None:
        pytest.skip("no Rscript here, so the R of the page is not run; with Debian's r-base-core, make test runs it")
    folder = project / "r"
    folder.mkdir()
    (shell,) = blocks(BEGIN, "sh")
    for line in shell.splitlines():
        command, _, file = line.partition(" > ")
        (folder / file).write_text(laktasi(*shlex.split(command)[1:], "--project", project), encoding="utf-8")
    script = blocks(BEGIN, "r")
    for number, title in enumerate(QUESTIONS):
        (code,) = blocks(PARTS[title], "r")
        script += [code, f'write.csv(answer, "answer-{number}.csv", row.names = FALSE, na = "")', "rm(answer)"]
    (folder / "page.R").write_text("\n".join(script), encoding="utf-8")
    done = subprocess.run(
        [RSCRIPT, "--vanilla", "page.R"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = {}
    for number, title in enumerate(QUESTIONS):
        with (folder / f"answer-{number}.csv").open(encoding="utf-8", newline="") as written:
            answers[title] = list(csv.DictReader(written))
    return answers


def plain(value: Any) -> Any:
    """Give a value as number, text or None, whatever brought it: JSON, pandas or a CSV of R's."""
    if value is None or value is pd.NaT or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def assert_same(told: Sequence[Row], expected: Sequence[Row], *, exactly: float) -> None:
    assert [list(row) for row in told[:1]] == [list(row) for row in expected[:1]]
    assert len(told) == len(expected)
    for row, other in zip(told, expected, strict=True):
        for name, value in row.items():
            one, two = plain(value), plain(other[name])
            if isinstance(one, float) and isinstance(two, float):
                two = pytest.approx(two, rel=exactly, abs=exactly)
            assert one == two, (name, row, other)


def test_there_are_ten_questions_each_answered_in_three_languages() -> None:
    assert len(QUESTIONS) >= 10
    for title in QUESTIONS:
        assert [len(blocks(PARTS[title], language)) for language in ("sql", "python", "r")] == [1, 1, 1], title
    in_parts = sum(len(blocks(PARTS[title], "\\w+")) for title in QUESTIONS) + len(blocks(BEGIN, "\\w+"))
    assert len(blocks(PAGE, "\\w+")) == in_parts + len(blocks(CODEBOOK, "\\w+")), "a block that nothing here runs"


@pytest.mark.parametrize("title", QUESTIONS)
def test_sql_and_python_give_the_same_answer(title: str, project: Path, in_python: Mapping[str, list[Row]]) -> None:
    (query,) = blocks(PARTS[title], "sql")
    told = in_sql(query, project)
    assert told
    assert_same(in_python[title], told, exactly=1e-9)


@pytest.mark.parametrize("title", QUESTIONS)
def test_r_gives_the_same_answer(title: str, in_python: Mapping[str, list[Row]], in_r: Mapping[str, list[Row]]) -> None:
    assert_same(in_r[title], in_python[title], exactly=1e-9)


def answer(number: int, in_python: Mapping[str, list[Row]]) -> list[Row]:
    return in_python[QUESTIONS[number - 1]]


def test_the_answer_for_mopuya_is_the_papers(in_python: Mapping[str, list[Row]]) -> None:
    (found,) = answer(3, in_python)
    assert found["n"] == 25
    assert found["tau_b"] == pytest.approx(0.698661601623117, abs=1e-14)
    assert found["tau_b_max"] == pytest.approx(found["tau_b"], abs=1e-14)
    assert found["z"] == pytest.approx(3.6115, abs=5e-5)
    assert found["p_value"] == pytest.approx(0.00030440426405303, abs=1e-15)
    assert found["p_exact"] == pytest.approx(0.00011105128550276, abs=1e-15)
    assert found["approx_t"] == pytest.approx(7.677, abs=5e-4)  # as SPSS and PSPP CROSSTABS print it


def test_the_answers_show_what_they_are_about(in_python: Mapping[str, list[Row]]) -> None:
    (counts,) = answer(1, in_python)
    assert counts["came_in"] > counts["agreed"] > counts["counted"] > counts["accepted"] > 200
    assert {"infant__days_postpartum.calculation", "massage__minutes.type"} <= {
        row["rule_id"] for row in answer(2, in_python)
    }
    by_centre = {row["centre_code"]: row for row in answer(4, in_python)}
    assert set(by_centre) == set(CENTRES)
    assert math.isnan(by_centre["contoh_38"]["tau_b"])
    assert sorted(row["action"] for row in answer(13, in_python)) == ["drop", "okay", "replace"]
    (changed,) = answer(9, in_python)
    assert changed["n"] > 20
    (pooled,) = answer(5, in_python)
    assert pooled["tau2"] > 0
    assert pooled["pi_low"] < pooled["ci_low"] < pooled["mean"] < pooled["ci_high"] < pooled["pi_high"]
    accepted, everybody = answer(6, in_python)
    assert accepted["n"] < everybody["n"]
    (alike,) = answer(7, in_python)
    assert alike["tau_b"] != pytest.approx(accepted["tau_b"], abs=1e-6)
    assert len(answer(8, in_python)) > 1
    assert {row["missing"] > 0 for row in answer(12, in_python)} == {True, False}


def test_the_codebook_is_worded(project: Path) -> None:
    (query,) = blocks(CODEBOOK, "sql")
    book = {row["column_name"]: row for row in in_sql(query, project)}
    assert book["massage__performed"]["question"]
    assert [choice.partition(" = ")[0] for choice in book["massage__performed"]["choices"]] == ["yes", "no"]
    assert "mother__name" not in book


@pytest.mark.usefixtures("in_python")
def test_the_file_for_spss_has_its_labels(project: Path) -> None:
    frame, meta = pyreadstat.read_sav(project / "analysed.sav")
    assert meta.column_names_to_labels["massage_performed"] == "Oxytocin massage"
    assert list(meta.variable_value_labels["milk_production"]) == [1, 2, 3]
    mopuya = frame[frame["centre_code"] == "mopuya"]
    assert pd.crosstab(mopuya["massage_performed"], mopuya["milk_production"]).to_numpy().tolist() == [
        [7, 4, 0],
        [0, 8, 6],
    ]


# The notebook

NOTEBOOK = HOUSE / "docs" / "notebook" / "explore.py"


def test_the_notebook_is_one_that_marimo_opens() -> None:
    words = [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_notebook_computes_what_the_pipeline_did_and_asks_nobody(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("socket.socket.connect", lambda _, address: asked.append(address))
    monkeypatch.setattr("socket.getaddrinfo", lambda *address, **_: asked.append(address))
    monkeypatch.setattr(sys, "argv", [str(NOTEBOOK), "--research", str(project / "data" / "research.duckdb")])
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": tmp_path, "USERPROFILE": tmp_path, "MPLBACKEND": "agg"}.items():
        monkeypatch.setenv(name, str(value))
    _, found = runpy.run_path(str(NOTEBOOK))["app"].run()
    assert asked == []
    assert found["tau"].statistic == pytest.approx(found["told"]["tau_b"], abs=1e-12)
    assert found["joint"].to_numpy().sum() == found["told"]["n"] == len(found["answers"])
    assert set(found["centres"]["centre_code"]) == set(CENTRES)
    labels = [label.get_text() for label in found["forest"].axes[0].get_yticklabels()]
    assert len(labels) == found["centres"]["tau_b"].notna().sum() + len(found["pooled"])
    assert len(found["pooled"]) == 2
    assert found["paired"].iloc[0]["centre"] == "all centres"
    assert found["paired"].iloc[0]["n"] == found["paired"].iloc[1:]["n"].sum() > 20
