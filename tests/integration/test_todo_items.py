"""What a to-do list says of values that fill themselves in, and of questions without a label of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from laktasi.feedback import _todo_lists
from laktasi.quality.messages import Problem, place_of
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.report.todo import COMPUTED, Item, Record, TodoList, render
from laktasi.settings import read_settings
from tests.warehouse_fixture import FORM, Warehouse, form, submission, warehouse

DAY = date(2026, 11, 21)
NESTED = parse(
    convert_markdown(
        """
| survey |
| | type | name | label::I (id) | label::E (en) | calculation |
| | begin_group | outer | **Ibu** ${age} | Mother | |
| | begin_group | inner | | | |
| | integer | age | Umur | Age | |
| | calculate | doubled | | | ${age} * 2 |
| | end_group | | | | |
| | end_group | | | | |
| | begin_group | out | Luar | Outside | |
| | text | words | Kata | Words | |
| | end_group | | | | |
| | calculate | alone | | | 1 + 1 |
| settings |
| | form_id | version |
| | nested | 1 |
"""
    ).xform
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path) as opened:
        opened.take(form(), submission("s1", "<consent>yes</consent><mother><age>7</age></mother>"))
        yield opened


def problem(path: str, question: dict[str, str] | None = None) -> Problem:
    return Problem("nested", "s1", "rule", "", question or {}, {"en": "Wrong."}, "calculation", path)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param("outer/inner/doubled", {"id": "Ibu …", "en": "Mother"}, id="the nearest group with a label"),
        pytest.param("alone", {"default": "alone"}, id="no group"),
        pytest.param("outer/gone", {"id": "Ibu …", "en": "Mother"}, id="another version's question"),
        pytest.param("outermost/gone", {"default": "gone"}, id="a group that only begins alike"),
        pytest.param("", {}, id="several questions"),
    ],
)
def test_a_question_without_a_label_goes_by_its_group_or_its_name(path: str, place: dict[str, str]) -> None:
    assert place_of(problem(path), NESTED) == place


def test_a_label_comes_first_and_a_form_that_cannot_be_read_leaves_the_name() -> None:
    assert place_of(problem("outer/inner/age", {"en": "Age"}), NESTED) == {"en": "Age"}
    assert place_of(problem("outer/inner/doubled"), None) == {"default": "doubled"}


def test_lists_tell_computed_values_from_others_and_name_what_has_no_label(house: Warehouse) -> None:
    for rule_id, kind, field in (
        ("milk.calculation", "calculation", "milk"),
        ("mother__nickname.required", "required", "mother__nickname"),
        ("one_form", "declared", None),
    ):
        house.con.execute(
            "insert into quality.rules values (?, '1', ?, ?, ?, ?, 'error', map {'en': 'Wrong.'}, '', true, false)",
            [FORM, FORM, rule_id, kind, field],
        )
        house.event("s1", rule_id, "opened")
    house.con.execute("update staging.codebook set labels = map {} where column_name = 'mother__nickname'")
    house.marts()
    (todo,) = _todo_lists(house.con, read_settings(house.folder.root))
    (record,) = todo.records
    assert {(item.question.get("en", item.question.get("default")), item.is_computed) for item in record.items} == {
        ("milk", True),
        ("Mother", False),
        (None, False),
    }


@pytest.mark.parametrize("is_editable", [True, False])
def test_what_fills_itself_in_is_not_to_be_corrected_itself(is_editable: bool) -> None:
    items = (
        Item({"id": "Nilai", "en": "Score"}, {"id": "Beda.", "en": "It differs."}, is_computed=True),
        Item({"id": "Umur", "en": "Age"}, {"id": "Salah.", "en": "Wrong."}),
    )
    page = render(TodoList("E1", (Record("K1", DAY, {}, "Form", is_editable, items),)), as_of=DAY)
    cells = re.findall(r'<td lang="(\w+)"[^>]*>(.*?)</td>', page, re.DOTALL)
    found = [" ".join(re.sub(r"<[^>]+>", "", text).split()) for _, text in cells]
    advice = COMPUTED[is_editable]
    assert found == [
        f"Nilai Beda. {advice['id']}",
        f"Score It differs. {advice['en']}",
        "Umur Salah.",
        "Age Wrong.",
    ]
