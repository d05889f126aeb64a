"""The back check is proven by filling it in the phone's own engine, and stays beside the form that it repeats."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pyxform.xls2xform import convert

from laktasi.back_checks import read_back_checks
from tests.engine import jvm
from tests.engine.engine import Form
from tests.engine.interview import Value
from tests.engine.interviews import CODE
from tests.engine.preload import Meta

HOUSE = Path(__file__).parents[2]
WORKBOOK = HOUSE / "xlsforms" / "back_check.xlsx"
MAIN = HOUSE / "xlsforms" / "postpartum_visit.xlsx"
INDONESIAN, ENGLISH = "Bahasa Indonesia (id)", "English (en)"
PRIVACY = "{urn:laktasi:privacy}privacy"

DONE: dict[str, Value] = {
    "visit/date": "2026-11-21",
    "visit/checker": "S01",
    "visit/way": "visit",
    "mother/code_entry": "type",
    "mother/code_typed": CODE,
    "mother/code_scanned": CODE,
    "mother/found": "yes",
    "consent/agreed": "yes",
    "facts/interviewed": "yes",
    "facts/age": 27,
    "facts/gravida": 2,
    "facts/parity": 2,
    "facts/sex": "female",
    "massage/performed": "yes",
    "massage/provider": "midwife",
    "massage/frequency": "daily",
    "infant/weight": 3100,
    "infant/feeding": "breast_only",
    "closing/comment": "Tidak ada",
}
NOT_FOUND: dict[str, Value] = {**DONE, "mother/found": "no", "mother/not_found_reason": "moved"}


@pytest.fixture(scope="module")
def xform(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = convert(xlsform=WORKBOOK)
    assert result.warnings == []
    path = tmp_path_factory.mktemp("form") / "back_check.xml"
    path.write_text(result.xform, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def form(xform: Path) -> Form:
    return Form.load(xform)


def sheet(workbook: Path, name: str) -> list[dict[str, str]]:
    rows = load_workbook(workbook, read_only=True)[name].iter_rows(values_only=True)
    header = [str(cell) for cell in next(rows)]
    return [{key: str(cell or "") for key, cell in zip(header, row, strict=True)} for row in rows if any(row)]


# --- what the workbook says


def test_odk_validate_accepts_it(xform: Path) -> None:
    command = [str(jvm.java_executable()), "-Djava.awt.headless=true", "-jar", str(jvm.validator_jar()), str(xform)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert told.returncode == 0, told.stderr
    assert "Xform is valid" in told.stdout + told.stderr


def test_every_text_is_there_in_both_languages() -> None:
    for row in [*sheet(WORKBOOK, "survey"), *sheet(WORKBOOK, "choices")]:
        for text in ("label", "hint", "required_message", "constraint_message"):
            if f"{text}::{INDONESIAN}" in row:
                assert bool(row[f"{text}::{INDONESIAN}"]) == bool(row[f"{text}::{ENGLISH}"]), (row["name"], text)
    for row in sheet(WORKBOOK, "survey"):
        if row["type"] not in ("start", "end", "today", "deviceid", "audit", "calculate", "end group"):
            assert row[f"label::{INDONESIAN}"], row["name"]
        assert bool(row["constraint"]) == bool(row[f"constraint_message::{INDONESIAN}"]), row["name"]
        assert bool(row["required"]) == bool(row[f"required_message::{INDONESIAN}"]), row["name"]


def test_every_question_says_how_private_it_is_and_no_less_than_in_the_main_form(form: Form) -> None:
    questions = [row for row in sheet(WORKBOOK, "survey") if not row["type"].startswith(("begin", "end "))]
    declared = {path: bind[PRIVACY] for path, bind in form.binds.items() if PRIVACY in bind}
    assert len(declared) == len(questions)
    main = {row["name"]: row["bind::laktasi:privacy"] for row in sheet(MAIN, "survey") if "group" not in row["type"]}
    for row in questions:
        assert row["bind::laktasi:privacy"] == main.get(row["name"], row["bind::laktasi:privacy"]), row["name"]
    assert {path for path, privacy in declared.items() if privacy == "direct"} == {"closing/comment", "meta/audit"}
    assert declared["visit/checker"] == "quasi"


def test_names_are_one_per_form() -> None:
    names = [row["name"] for row in sheet(WORKBOOK, "survey") if not row["type"].startswith("end ")]
    assert len(names) == len(set(names))


def test_the_study_code_is_entered_and_checked_as_in_the_main_form() -> None:
    rows = {workbook: {row["name"]: row for row in sheet(workbook, "survey")} for workbook in (WORKBOOK, MAIN)}
    for name in ("code_entry", "code_scanned", "code_typed", "study_code", "age", "gravida", "parity", "weight"):
        again, main = rows[WORKBOOK][name], rows[MAIN][name]
        for column in ("type", "constraint", f"constraint_message::{INDONESIAN}", "calculation", "required"):
            assert again[column] == main[column], (name, column)


def test_it_offers_what_the_main_form_offers_and_that_a_mother_does_not_remember() -> None:
    lists: dict[Path, dict[str, list[tuple[str, str]]]] = {WORKBOOK: {}, MAIN: {}}
    for workbook, offered in lists.items():
        for row in sheet(workbook, "choices"):
            offered.setdefault(row["list_name"], []).append((row["name"], row[f"label::{ENGLISH}"]))
    for name in ("providers", "frequencies", "feedings"):
        assert lists[WORKBOOK][name] == [*lists[MAIN][name], ("unknown", "Does not remember")]
    assert lists[WORKBOOK]["sexes"] == lists[MAIN]["sexes"]


def test_what_back_checks_yml_compares_is_asked(form: Form) -> None:
    declared = read_back_checks(HOUSE / "schemas" / "back_checks.yml")
    assert declared is not None
    shown = {*form.fill(DONE).shown, "mother/study_code"}
    assert {item.back_check for item in declared.variables.values()} | set(declared.back_check.match) <= shown
    assert {item.type for item in declared.variables.values()} == {1, 2, 3}


# --- what the phone takes and refuses


@pytest.mark.parametrize("answers", [DONE, NOT_FOUND, {**DONE, "consent/agreed": "no"}], ids=["done", "not", "no"])
@pytest.mark.parametrize("language", [INDONESIAN, ENGLISH])
def test_a_whole_back_check_is_taken(form: Form, answers: dict[str, Value], language: str) -> None:
    filled = form.fill(answers, language=language)
    assert filled.refusals == ()
    assert all(question.label for question in filled.questions)


def test_it_is_short(form: Form) -> None:
    asked = [path for path in form.fill(DONE).shown if path not in ("visit/purpose", "consent/information")]
    assert len(asked) <= 20


@pytest.mark.parametrize("answers", [NOT_FOUND, {**DONE, "consent/agreed": "no"}], ids=["not_found", "refused"])
def test_an_attempt_says_whose_and_by_whom_and_repeats_nothing(form: Form, answers: dict[str, Value]) -> None:
    filled = form.fill(answers)
    assert f"<study_code>{CODE}</study_code>".encode() in filled.xml
    assert b"<checker>S01</checker>" in filled.xml
    assert not [path for path in filled.shown if path.startswith(("facts", "massage", "infant"))]


@dataclass(frozen=True)
class Refused:
    path: str
    answer: Value
    indonesian: str
    english: str
    more: tuple[tuple[str, Value], ...] = ()


REFUSED = [
    Refused("visit/date", "2026-09-30", "sebelum 1 Oktober", "before 1 October"),
    Refused("visit/date", "2026-11-22", "sesudah hari ini", "after today"),
    Refused("mother/code_typed", "0000000196", "angka pemeriksa", "check digits"),
    Refused("mother/code_scanned", "ABC0000195", "Kode studi", "study code", (("mother/code_entry", "scan"),)),
    Refused("facts/age", 9, "antara 10 dan 60", "between 10 and 60"),
    Refused("facts/gravida", 21, "antara 1 dan 20", "between 1 and 20"),
    Refused("facts/parity", 3, "tidak lebih dari gravida", "no more than gravida"),
    Refused("infant/weight", 499, "500 dan 20.000", "500 and 20,000"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.path}={case.answer}")
def test_a_wrong_answer_is_refused_in_both_languages(form: Form, case: Refused) -> None:
    answers = {**DONE, **dict(case.more), case.path: case.answer}
    for language, words in ((INDONESIAN, case.indonesian), (ENGLISH, case.english)):
        first = form.fill(answers, language=language).refusals[0]
        assert (first.path, first.kind) == (case.path, "constraint")
        assert words in first.message


def test_no_constraint_is_left_untried(form: Form) -> None:
    assert {case.path for case in REFUSED} == {path for path, bind in form.binds.items() if "constraint" in bind}


def test_every_required_question_is_demanded(form: Form) -> None:
    required = {path for path, bind in form.binds.items() if "required" in bind}
    demanded: set[str] = set()
    for answers in (DONE, {**DONE, "mother/code_entry": "scan"}, NOT_FOUND):
        for path in (required - demanded) & set(form.fill(answers).shown):
            refusals = form.fill({**answers, path: ""}).refusals
            assert (path, "required") in {(item.path, item.kind) for item in refusals}
            demanded.add(path)
    assert demanded == required


def test_without_a_massage_nothing_more_is_asked_about_it(form: Form) -> None:
    for answer in ("no", "unknown"):
        shown = form.fill({**DONE, "massage/performed": answer}).shown
        assert [path for path in shown if path.startswith("massage/")] == ["massage/performed"]


def test_a_wrong_clock_does_not_stop_the_work(form: Form) -> None:
    reset = Meta(start="1970-01-01T08:00:00.000+08:00", today="1970-01-01")
    assert form.fill(DONE, meta=reset).refusals == ()
