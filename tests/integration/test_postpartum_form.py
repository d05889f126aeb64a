"""The postpartum visit is proven by filling it: in the phone's own engine, in both languages, on every branch."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pyxform.xls2xform import convert

from tests.engine import jvm
from tests.engine.engine import Form
from tests.engine.interview import Value
from tests.engine.interviews import CODE, FIRST, FOLLOW_UP, OTHERS
from tests.engine.mothers import SIGNS, study_code
from tests.engine.preload import Meta

XLSFORMS = Path(__file__).parents[2] / "xlsforms"
WORKBOOK = XLSFORMS / "postpartum_visit.xlsx"
MEDIA = XLSFORMS / "postpartum_visit-media"
INDONESIAN, ENGLISH = "Bahasa Indonesia (id)", "English (en)"
PRIVACY = "{urn:laktasi:privacy}privacy"
PRELOAD = "{http://openrosa.org/javarosa}preload"


@pytest.fixture(scope="module")
def xform(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = convert(xlsform=WORKBOOK)
    assert result.warnings == []
    path = tmp_path_factory.mktemp("form") / "postpartum_visit.xml"
    path.write_text(result.xform, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def form(xform: Path) -> Form:
    return Form.load(xform, MEDIA)


def sheet(name: str) -> list[dict[str, str]]:
    rows = load_workbook(WORKBOOK, read_only=True)[name].iter_rows(values_only=True)
    header = [str(cell) for cell in next(rows)]
    return [{key: str(cell or "") for key, cell in zip(header, row, strict=True)} for row in rows if any(row)]


def value_of(xml: bytes, node: str) -> str | None:
    found = xml.decode().split(f"<{node}>")
    return found[1].split("<")[0] if len(found) == 2 else None


# --- what the workbook says


@pytest.mark.parametrize("form_file", ["current", "fielded"])
def test_odk_validate_accepts_it(xform: Path, form_file: str) -> None:
    paths = [xform] if form_file == "current" else sorted((XLSFORMS / "fielded").glob("*.xml"))
    assert paths
    for path in paths:
        told = subprocess.run(
            [str(jvm.java_executable()), "-Djava.awt.headless=true", "-jar", str(jvm.validator_jar()), str(path)],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert told.returncode == 0, told.stderr
        assert "Xform is valid" in told.stdout + told.stderr


def test_every_text_is_there_in_both_languages() -> None:
    for row in [*sheet("survey"), *sheet("choices")]:
        for text in ("label", "hint", "required_message", "constraint_message"):
            if f"{text}::{INDONESIAN}" in row:
                assert bool(row[f"{text}::{INDONESIAN}"]) == bool(row[f"{text}::{ENGLISH}"]), (row["name"], text)
    for row in sheet("survey"):
        if row["type"] not in ("start", "end", "today", "deviceid", "audit", "calculate", "end group"):
            assert row[f"label::{INDONESIAN}"], row["name"]
        assert bool(row["constraint"]) == bool(row[f"constraint_message::{INDONESIAN}"]), row["name"]
        assert bool(row["required"]) == bool(row[f"required_message::{INDONESIAN}"]), row["name"]


def test_every_question_says_how_private_it_is(form: Form) -> None:
    questions = [row for row in sheet("survey") if not row["type"].startswith(("begin", "end "))]
    assert {row["bind::laktasi:privacy"] for row in questions} == {"direct", "quasi", "none"}
    # it survives into the XForm, and so reaches whoever has only that
    declared = {path: bind[PRIVACY] for path, bind in form.binds.items() if PRIVACY in bind}
    assert len(declared) == len(questions)
    assert declared["mother/name"] == declared["mother/phone"] == declared["closing/comment"] == "direct"
    assert declared["meta/audit"] == "direct"
    for path in ("visit/enumerator", "mother/study_code", "mother/age", "obstetric/parity", "infant/birth_date"):
        assert declared[path] == "quasi"
    assert {declared[path] for path in declared if path.startswith(("screening", "milk"))} == {"none"}
    free_texts = {row["name"] for row in questions if row["type"] == "text"} - {"code_typed"}
    assert {declared[path] for path in declared if path.split("/")[-1] in free_texts} == {"direct"}


def test_the_audit_log_names_no_user_no_place_and_no_answer(form: Form) -> None:
    assert not [key for key in form.binds["meta/audit"] if "opendatakit" in key]


def test_a_sent_submission_may_be_edited_on_the_phone(form: Form) -> None:
    # Collect reads the attribute by this name, and parses it as Java parses a boolean
    assert str(form.definition.getSubmissionProfile().getAttribute("client-editable")) == "true"


def test_a_correction_changes_nothing_by_itself_but_when_it_ended(form: Form) -> None:
    before = form.fill(FIRST).xml
    later = Meta(start="2026-12-01T09:00:00.000+08:00", end="2026-12-01T09:05:00.000+08:00", today="2026-12-01")
    after = form.finalise_again(before, meta=later)
    assert after == before.replace(f"<end>{Meta().end}<".encode(), f"<end>{later.end}<".encode())
    assert after != before


def test_an_older_version_stays_closed_to_edits() -> None:
    # Collect edits in the version that a form was filled with, so a change of the workbook opens nothing of before
    for path in sorted((XLSFORMS / "fielded").glob("*.xml")):
        assert "client-editable" not in path.read_text(encoding="utf-8"), path.name


def test_the_phone_records_clock_device_and_audit_log(form: Form) -> None:
    metadata = {"start": "timestamp", "end": "timestamp", "today": "date", "deviceid": "property"}
    assert {path: form.binds[path][PRELOAD] for path in metadata} == metadata
    assert {form.binds[path][PRIVACY] for path in metadata} == {"quasi"}
    assert "meta/audit" in form.nodes
    xml = form.fill(FIRST, meta=Meta()).xml
    assert value_of(xml, "start") == Meta().start
    assert value_of(xml, "end") == Meta().end
    assert value_of(xml, "deviceid") == Meta().device_id


def test_names_are_one_per_form() -> None:
    names = [row["name"] for row in sheet("survey") if not row["type"].startswith("end ")]
    assert len(names) == len(set(names))


def test_every_centre_but_mopuya_is_marked_as_sample() -> None:
    lines = (MEDIA / "health_centres.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "name,label,province,district,is_sample"
    assert lines[1] == "mopuya,Puskesmas Mopuya,sulawesi_utara,bolaang_mongondow,no"
    assert len(lines) == 41
    assert all("(contoh/sample)" in line and line.endswith(",yes") for line in lines[2:])


# --- what the phone takes and refuses


@pytest.mark.parametrize("answers", [FIRST, OTHERS, FOLLOW_UP], ids=["first", "others", "follow_up"])
@pytest.mark.parametrize("language", [INDONESIAN, ENGLISH])
def test_a_whole_interview_is_taken(form: Form, answers: dict[str, Value], language: str) -> None:
    filled = form.fill(answers, language=language)
    assert filled.refusals == ()
    assert all(question.label for question in filled.questions)


def test_indonesian_is_the_default_language(form: Form) -> None:
    assert form.fill(FIRST).questions == form.fill(FIRST, language=INDONESIAN).questions
    first, second = form.fill(FIRST, language=INDONESIAN).questions, form.fill(FIRST, language=ENGLISH).questions
    assert not {one.path for one, other in zip(first, second, strict=True) if one.label == other.label}


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
    Refused("mother/code_typed", "000000195", "10 angka", "10 digits"),
    Refused("mother/code_typed", "00 0000195", "tanpa spasi", "without spaces"),
    Refused("mother/code_scanned", "ABC0000195", "Kode studi", "study code", (("mother/code_entry", "scan"),)),
    Refused("mother/name", "I", "terlalu pendek", "too short"),
    Refused("mother/phone", "0411-123", "Nomor HP", "mobile number"),
    Refused("mother/phone", "12345678901", "Nomor HP", "mobile number"),
    Refused("mother/age", 9, "antara 10 dan 60", "between 10 and 60"),
    Refused("mother/age", 61, "antara 10 dan 60", "between 10 and 60"),
    Refused("obstetric/gravida", 0, "antara 1 dan 20", "between 1 and 20"),
    Refused("obstetric/gravida", 21, "antara 1 dan 20", "between 1 and 20"),
    Refused("obstetric/parity", 3, "tidak lebih dari gravida", "no more than gravida"),
    Refused("obstetric/parity", 0, "paling sedikit 1", "at least 1"),
    Refused("infant/birth_date", "2026-11-22", "sesudah tanggal kunjungan", "after the visit"),
    Refused("infant/birth_date", "2024-11-20", "dua tahun", "two years"),
    Refused("infant/weight", 499, "500 dan 20.000", "500 and 20,000"),
    Refused("infant/weight", 20001, "500 dan 20.000", "500 and 20,000"),
    Refused("massage/minutes", 0, "antara 1 dan 90", "between 1 and 90"),
    Refused("massage/minutes", 91, "antara 1 dan 90", "between 1 and 90"),
    Refused("massage/harm", ["none", "pain"], "tidak bisa dipilih bersama", "cannot be chosen together"),
    Refused("hormone/before_value", 0.0, "lebih dari 0", "above 0"),
    Refused("hormone/after_value", 10000.0, "kurang dari 10.000", "below 10,000"),
    Refused("hormone/after_at", "2026-11-21T08:10:00.000+08:00", "lebih lambat", "later than"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.path}={case.answer}")
def test_a_wrong_answer_is_refused_in_both_languages(form: Form, case: Refused) -> None:
    answers = {**FIRST, **dict(case.more), case.path: case.answer}
    for language, words in ((INDONESIAN, case.indonesian), (ENGLISH, case.english)):
        first = form.fill(answers, language=language).refusals[0]
        assert (first.path, first.kind) == (case.path, "constraint")
        assert words in first.message


def test_no_constraint_is_left_untried(form: Form) -> None:
    assert {case.path for case in REFUSED} == {path for path, bind in form.binds.items() if "constraint" in bind}


def test_answers_at_the_edge_are_taken(form: Form) -> None:
    for path, answer in (
        ("visit/date", "2026-11-21"),
        ("mother/code_typed", "0000000195"),
        ("mother/age", 10),
        ("mother/age", 60),
        ("obstetric/parity", 1),
        ("infant/birth_date", "2024-11-21"),
        ("infant/weight", 500),
        ("massage/minutes", 90),
        ("massage/harm", ["pain", "other"]),
        ("mother/phone", "+6280000000001"),
        ("mother/phone", None),
    ):
        assert form.fill({**FIRST, path: answer}).refusals == (), (path, answer)


def test_every_required_question_is_demanded_in_both_languages(form: Form) -> None:
    required = {path for path, bind in form.binds.items() if "required" in bind}
    demanded: set[str] = set()
    for answers in (FIRST, OTHERS):
        for path in (required - demanded) & set(form.fill(answers).shown):
            without = {**answers, path: ""}
            messages = []
            for language in (INDONESIAN, ENGLISH):
                refusals = [item for item in form.fill(without, language=language).refusals if item.path == path]
                assert [item.kind for item in refusals] == ["required"]
                messages.append(refusals[0].message)
            assert messages[0] != messages[1]
            assert all(messages)
            demanded.add(path)
    assert demanded == required


def test_a_check_digit_finds_every_single_slip_and_swap(form: Form) -> None:
    code = study_code(12_345_678)
    record = form.open(form.fill({**FIRST, "mother/code_typed": code}).xml)
    constraint = form.binds["mother/code_typed"]["constraint"]

    def is_taken(candidate: str) -> bool:
        return record.is_true(constraint.replace("(.,", f"('{candidate}',").replace(". mod", f"'{candidate}' mod"))

    assert is_taken(code)
    slips = {code[:i] + digit + code[i + 1 :] for i in range(10) for digit in "0123456789"} - {code}
    swaps = {code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(9)} - {code}
    assert len(slips) == 90
    assert not [wrong for wrong in slips | (swaps - {code}) if is_taken(wrong)]


# --- the branches


def test_a_refusal_ends_the_interview_politely_and_still_says_where(form: Form) -> None:
    filled = form.fill({**FIRST, "consent/given": "no"}, language=INDONESIAN)
    assert filled.refusals == ()
    assert filled.shown == (
        "consent/information",
        "consent/given",
        "consent/thanks",
        "visit/date",
        "visit/province",
        "visit/district",
        "visit/centre",
        "visit/enumerator",
    )
    assert "Terima kasih" in filled.questions[2].label
    assert value_of(filled.xml, "centre") == "mopuya"
    for group in (b"<mother>", b"<obstetric>", b"<infant>", b"<screening>", b"<massage>", b"<milk>"):
        assert group not in filled.xml


def test_consent_is_asked_before_anything_else(form: Form) -> None:
    assert form.fill(FIRST).shown[:2] == ("consent/information", "consent/given")


def test_screening_comes_before_anything_about_massage(form: Form) -> None:
    shown = form.fill(OTHERS).shown
    first_massage = next(position for position, path in enumerate(shown) if path.startswith("massage/"))
    assert max(position for position, path in enumerate(shown) if path.startswith("screening/")) < first_massage


@pytest.mark.parametrize("question", ["open_wound", "blood_disorder", "medication"])
@pytest.mark.parametrize("answer", ["yes", "unknown"])
def test_any_contraindication_shows_the_advice_and_forbids_teaching(form: Form, question: str, answer: str) -> None:
    answers = {**FIRST, f"screening/{question}": answer, "screening/stop_read": "OK"}
    for language, words in ((INDONESIAN, "BERHENTI"), (ENGLISH, "STOP")):
        filled = form.fill(answers, language=language)
        advice = [item.label for item in filled.questions if item.path == "screening/stop"]
        assert len(advice) == 1
        assert words in advice[0]
        assert "massage/taught_today" not in filled.shown
    assert value_of(filled.xml, "contraindicated") == "yes"


def test_without_a_contraindication_there_is_no_advice(form: Form) -> None:
    filled = form.fill(FIRST)
    assert "screening/stop" not in filled.shown
    assert "massage/taught_today" in filled.shown
    assert value_of(filled.xml, "contraindicated") == "no"


def test_without_a_massage_nothing_more_is_asked_about_it(form: Form) -> None:
    shown = form.fill({**FIRST, "massage/performed": "no"}).shown
    assert [path for path in shown if path.startswith("massage/")] == ["massage/performed", "massage/taught_today"]


def test_pain_or_a_bruise_shows_the_advice(form: Form) -> None:
    filled = form.fill({**FIRST, "massage/harm": ["bruise"]}, language=ENGLISH)
    advice = [item.label for item in filled.questions if item.path == "massage/harm_advice"]
    assert len(advice) == 1
    assert "STOP the massage" in advice[0]
    assert "massage/harm_advice" not in form.fill(FIRST).shown


def test_both_ways_of_reading_the_code_give_one_study_code(form: Form) -> None:
    typed = form.fill({**FIRST, "mother/code_entry": "type"})
    scanned = form.fill({**FIRST, "mother/code_entry": "scan"})
    assert value_of(typed.xml, "study_code") == value_of(scanned.xml, "study_code") == CODE
    assert "mother/code_scanned" not in typed.shown
    assert "mother/code_typed" not in scanned.shown


def test_without_a_measurement_its_questions_are_not_asked(form: Form) -> None:
    shown = form.fill({**FIRST, "hormone/measured": "no"}).shown
    assert [path for path in shown if path.startswith("hormone/")] == ["hormone/measured"]


def test_the_position_is_only_ever_that_of_the_health_centre(form: Form) -> None:
    assert "place/position" not in form.fill({**FIRST, "place/at_centre": "no"}).shown


def test_a_follow_up_asks_only_what_can_have_changed(form: Form) -> None:
    shown = set(form.fill(FOLLOW_UP).shown)
    assert not {path for path in shown if path.startswith("obstetric/")}
    assert not shown & {"mother/name", "mother/phone", "mother/age", "mother/education", "visit/recruitment"}
    assert shown >= {"mother/code_typed", "infant/weight", "infant/feeding", "massage/performed", "milk/observed"}


def test_districts_and_centres_follow_the_province(form: Form) -> None:
    by_path = {question.path: question for question in form.fill(FIRST).questions}
    assert [value for value, _ in by_path["visit/district"].choices] == ["bolaang_mongondow"]
    assert by_path["visit/centre"].choices == (("mopuya", "Puskesmas Mopuya"),)
    elsewhere = {**FIRST, "visit/province": "contoh_barat", "visit/district": "kabupaten_contoh_1"}
    refusals = form.fill(elsewhere).refusals
    assert ("visit/centre", "choice") in {(item.path, item.kind) for item in refusals}


def test_the_day_of_the_visit_is_filled_in_and_a_wrong_clock_does_not_stop_the_work(form: Form) -> None:
    without = {key: value for key, value in FIRST.items() if key != "visit/date"}
    assert value_of(form.fill(without, meta=Meta(today="2026-11-21")).xml, "date") == "2026-11-21"
    reset = Meta(start="1970-01-01T08:00:00.000+08:00", today="1970-01-01")
    assert form.fill(FIRST, meta=reset).refusals == ()
    assert {item.path for item in form.fill(without, meta=reset).refusals} >= {"visit/date"}


# --- what is computed


@pytest.mark.parametrize(
    ("age", "group"),
    [(19, "under_20"), (20, "from_20_to_35"), (35, "from_20_to_35"), (36, "over_35")],
)
def test_age_groups_are_those_of_the_paper(form: Form, age: int, group: str) -> None:
    assert value_of(form.fill({**FIRST, "mother/age": age}).xml, "age_group") == group


@pytest.mark.parametrize(("gravida", "group"), [(1, "primigravida"), (2, "multigravida")])
def test_gravida_groups(form: Form, gravida: int, group: str) -> None:
    answers = {**FIRST, "obstetric/gravida": gravida, "obstetric/parity": 1}
    assert value_of(form.fill(answers).xml, "gravida_group") == group


def test_days_after_the_birth_are_counted_and_shown(form: Form) -> None:
    filled = form.fill({**FIRST, "infant/birth_date": "2026-10-31"}, language=INDONESIAN)
    assert value_of(filled.xml, "days_postpartum") == "21"
    assert [item.label for item in filled.questions if item.path == "infant/days_shown"] == [
        "Hari ke-21 sesudah melahirkan"
    ]


def signs(present: int, absent: int) -> dict[str, Value]:
    marks = ["yes"] * present + ["no"] * absent
    marks += ["not_yet"] * (len(SIGNS) - len(marks))
    return {f"milk/signs/{sign}": mark for sign, mark in zip(SIGNS, marks, strict=True)}


@pytest.mark.parametrize(
    ("present", "absent", "percent", "level"),
    [
        (10, 0, "100", "good"),
        (8, 2, "80", "good"),
        (7, 3, "70", "enough"),
        (6, 4, "60", "enough"),
        (5, 5, "50", "not_enough"),
        (0, 10, "0", "not_enough"),
        (5, 4, "55.55555555555556", "not_enough"),  # 56 if it were rounded
        (4, 3, "57.142857142857146", "enough"),
        (6, 2, "75", "enough"),
        (7, 2, "77.77777777777777", "good"),
        (4, 2, "66.66666666666667", "enough"),
        (3, 2, None, None),  # five signs judged are too few
    ],
)
def test_the_score_counts_the_signs_that_could_be_judged(
    form: Form, present: int, absent: int, percent: str | None, level: str | None
) -> None:
    xml = form.fill({**FIRST, **signs(present, absent)}).xml
    assert value_of(xml, "score") == str(present)
    assert value_of(xml, "judged") == str(present + absent)
    found = value_of(xml, "percent")
    assert (found and float(found)) == (percent and pytest.approx(float(percent), rel=1e-15))
    assert value_of(xml, "production") == level
    assert value_of(xml, "rule") == "signs10-judged6-cut56-76-unrounded"


@pytest.mark.parametrize(
    ("percent", "level"),
    [
        ("0", "not_enough"),
        ("55.99999999999999", "not_enough"),
        ("56", "enough"),
        ("75.99999999999999", "enough"),
        ("76", "good"),
        ("100", "good"),
    ],
)
def test_the_cut_is_exact_and_unrounded(form: Form, percent: str, level: str) -> None:
    # no ten signs give 56 or 76 per cent, so the stored percentage is put there and the category asked for
    xml = form.fill(FIRST).xml.replace(b"<percent>100<", f"<percent>{percent}<".encode())
    record = form.open(xml, recompute=False)
    assert float(record.value("milk/percent")) == float(percent)
    assert record.calculated("milk/production") == level


def test_scores_are_numbers_and_not_text(form: Form) -> None:
    assert {form.binds[f"milk/{name}"]["type"] for name in ("score", "judged")} == {"int"}
    assert form.binds["milk/percent"]["type"] == "decimal"
    assert form.binds["infant/days_postpartum"]["type"] == "int"


def test_the_observer_judges_before_the_list_of_signs_tells(form: Form) -> None:
    shown = form.fill(FIRST).shown
    assert shown.index("milk/observed") < shown.index("milk/signs/breasts_full") < shown.index("milk/production")
