"""The phone's engine, driven from Python, does what a phone does."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from pyxform.xls2xform import convert

from tests.engine.engine import Form
from tests.engine.interview import Value
from tests.engine.judge import judge
from tests.engine.preload import Meta

SURVEY = """
| survey |
| | type | name | label | required | required_message | constraint | constraint_message | relevant | calculation |
| | start | start |
| | today | today |
| | begin group | mother | Mother |
| | integer | age | Age | yes | How old? | . < 60 | Too old |
| | select_one s | adult | Adult | | | | | ${age} > 17 |
| | end group |
| | begin repeat | infant | Infant |
| | text | called | Name |
| | integer | weight | Weight | | | . < 9000 | Too heavy |
| | end repeat |
| | calculate | total | | | | | | | sum(${weight}) |
| choices |
| | list_name | name | label |
| | s | yes | Yes |
| | s | no | No |
| settings |
| | form_id | version |
| | small | 1 |
"""


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Form:
    path = tmp_path_factory.mktemp("small") / "small.xml"
    path.write_text(convert(xlsform=SURVEY).xform, encoding="utf-8")
    return Form.load(path)


def test_answers_metadata_and_calculations_are_written(form: Form) -> None:
    meta = Meta(start="2026-10-05T09:00:00.000+08:00", today="2026-10-05", instance_id="uuid:1")
    filled = form.fill({"mother/age": 30, "mother/adult": "yes", "infant[1]/weight": 3000}, meta=meta)
    assert filled.refusals == ()
    xml = filled.xml.decode()
    assert "<start>2026-10-05T09:00:00.000+08:00</start><today>2026-10-05</today>" in xml
    assert "<age>30</age><adult>yes</adult>" in xml
    assert "<total>3000</total><meta><instanceID>uuid:1</instanceID></meta>" in xml


def test_the_language_of_one_interview_is_not_that_of_the_next(tmp_path: Path) -> None:
    survey = "| survey |\n| | type | name | label::A (a) | label::B (b) |\n| | text | q | in a | in b |\n"
    path = tmp_path / "languages.xml"
    path.write_text(convert(xlsform=f"{survey}| settings |\n| | default_language |\n| | A (a) |\n").xform)
    form = Form.load(path)
    assert form.languages == ("A (a)", "B (b)")
    assert [form.fill({}, language=name).questions[0].label for name in ("B (b)", None)] == ["in b", "in a"]


def test_a_refused_answer_is_told_and_not_written(form: Form) -> None:
    filled = form.fill({"mother/age": 61, "infant[1]/weight": 1})
    assert [(item.path, item.kind, item.message) for item in filled.refusals] == [
        ("mother/age", "constraint", "Too old")
    ]
    assert b"<age />" in filled.xml
    assert [(item.path, item.kind, item.message) for item in form.fill({}).refusals] == [
        ("mother/age", "required", "How old?")
    ]


def test_what_cannot_be_typed_or_chosen_is_refused(form: Form) -> None:
    filled = form.fill({"mother/age": "thirty"})
    assert [(item.path, item.kind) for item in filled.refusals] == [("mother/age", "type")]
    filled = form.fill({"mother/age": 30, "mother/adult": "perhaps"})
    assert [(item.path, item.kind) for item in filled.refusals] == [("mother/adult", "choice")]


def test_an_irrelevant_question_is_neither_shown_nor_written(form: Form) -> None:
    filled = form.fill({"mother/age": 17, "mother/adult": "yes"})
    assert "mother/adult" not in filled.shown
    assert b"<adult" not in filled.xml


def test_repeats_have_as_many_instances_as_answers(form: Form) -> None:
    two = form.fill({"mother/age": 17, "infant[1]/weight": 3000, "infant[2]/weight": 2500, "infant[2]/called": "B"})
    assert two.xml.count(b"<infant>") == 2
    assert b"<total>5500</total>" in two.xml
    assert b"<infant>" not in form.fill({"mother/age": 17}).xml


def test_a_function_may_answer(form: Form) -> None:
    given: dict[str, Value] = {"mother/age": 40, "mother/adult": "no"}
    filled = form.fill(lambda path, question: given.get(path))
    assert filled.refusals == ()
    assert filled.shown == ("mother/age", "mother/adult", "infant[1]/called", "infant[1]/weight")


def test_an_existing_submission_can_be_asked(form: Form) -> None:
    whole = form.fill({"mother/age": 30, "mother/adult": "yes", "infant[1]/weight": 3000}).xml
    record = form.open(whole.replace(b"<age>30<", b"<age>17<").replace(b"<weight>3000<", b"<weight>9500<"))
    assert record.value("mother/adult") == "yes"
    assert not record.is_relevant("mother/adult")
    assert record.is_required("mother/age")
    assert not record.is_required("infant[1]/weight")
    assert not record.constraint_holds("infant[1]/weight")
    assert record.constraint_holds("mother/age")
    assert record.calculated("total") == "9500"
    assert record.choices("mother/adult") == ("yes", "no")
    assert record.evaluate("../age + 1", "mother/adult") == 18
    assert record.evaluate("/data/mother/adult = 'yes'") is False  # irrelevant: empty
    assert record.evaluate("string(/data/today)") == "2026-11-21"
    assert record.exists("infant[1]")
    assert not record.exists("infant[2]")


def test_opened_as_it_stands_nothing_is_computed_anew(form: Form) -> None:
    whole = form.fill({"mother/age": 30, "mother/adult": "yes", "infant[1]/weight": 3000}).xml
    record = form.open(whole.replace(b"<age>30<", b"<age>17<").replace(b"<total>3000<", b"<total>7<"), recompute=False)
    assert record.is_relevant("mother/adult")
    assert record.value("total") == "7"
    assert record.calculated("total") == "3000"
    assert form.open(whole.replace(b"<total>3000<", b"<total>7<")).value("total") == "3000"


def test_a_node_that_is_missing_counts_as_empty(form: Form) -> None:
    whole = form.fill({"mother/age": 30, "mother/adult": "yes"}).xml
    record = form.open(whole.replace(b"<age>30</age>", b""))
    assert record.value("mother/age") == ""
    assert record.is_relevant("mother/age")
    assert record.is_required("mother/age")


def test_another_form_is_not_opened(form: Form) -> None:
    with pytest.raises(ValueError, match="not a submission"):
        form.open(b"<other id='small' version='1'/>")


def test_missing_media_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    survey = "| survey |\n| | type | name | label |\n| | select_one_from_file a.csv | a | A |\n"
    path = tmp_path / "media.xml"
    path.write_text(convert(xlsform=survey).xform, encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"a\.csv"):
        Form.load(path, tmp_path)
    (tmp_path / "a.csv").write_text("name,label\nx,X\n", encoding="utf-8")
    assert Form.load(path, tmp_path).fill({"a": "x"}).questions[0].choices == (("x", "X"),)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b"<age>30<", b"<age>61<", {("constraint", "mother/age")}),
        (b"<age>30<", b"<age><", {("required", "mother/age"), ("relevant", "mother/adult")}),
        (b"<age>30<", b"<age>3o<", {("type", "mother/age"), ("relevant", "mother/adult")}),
        (b"<adult>yes<", b"<adult>maybe<", {("choice", "mother/adult")}),
        (b"<total>5500<", b"<total>1<", {("calculation", "total")}),
        (b"<weight>3000<", b"<weight>9001<", {("constraint", "infant[1]/weight"), ("calculation", "total")}),
        (b"<adult>", b"<child>1</child><adult>", {("unknown_node", "mother/child")}),
        (b"nothing", b"changed", set()),
    ],
)
def test_the_judge_names_what_is_wrong(form: Form, old: bytes, new: bytes, found: set[tuple[str, str]]) -> None:
    answers: dict[str, Value] = {
        "mother/age": 30,
        "mother/adult": "yes",
        "infant[1]/weight": 3000,
        "infant[2]/weight": 2500,
    }
    whole = form.fill(answers).xml
    assert judge(form, whole.replace(old, new)) == found


def test_dates_and_times_are_taken_as_python_has_them(tmp_path: Path) -> None:
    survey = (
        "| survey |\n| | type | name | label |\n| | date | d | D |\n| | dateTime | t | T |\n| | geopoint | g | G |\n"
    )
    path = tmp_path / "times.xml"
    path.write_text(convert(xlsform=survey).xform, encoding="utf-8")
    moment = datetime.fromisoformat("2026-10-05T09:00:00+08:00")
    xml = Form.load(path).fill({"d": date(2026, 10, 5), "t": moment, "g": (0.5, 124.0, 10.0, 5.0)}).xml
    assert b"<d>2026-10-05</d><t>2026-10-05T09:00:00.000+08:00</t><g>0.5 124.0 10.0 5.0</g>" in xml
