"""The codebook unites the versions of each form, in the words of the newest."""

from __future__ import annotations

from laktasi.questionnaire import codebook
from tests.questionnaire_fixture import read, survey


def version(number: int, *rows: str, form_id: str = "small") -> str:
    text = survey(*rows, columns=" relevant | required | constraint |", choices=("yn | yes | Yes |",))
    return text.replace("| small | 1 |", f"| {form_id} | {number} |")


def test_one_entry_for_each_column_of_any_version() -> None:
    old = read(version(1, "text | gone | Gone |", "integer | age | Age then | | | . > 3"))
    new = read(version(2, "integer | age | Age now | ${s} = 'yes' | yes | . > 4", "select_one yn | s | Sure? |"))
    entries = codebook.entries([old, new])
    shown = [entry for entry in entries if not entry.path.startswith("meta")]
    assert [(entry.column_name, entry.versions) for entry in shown] == [
        ("age", ("1", "2")),
        ("s", ("2",)),
        ("gone", ("1",)),
    ]
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    age = shown[0]
    assert (age.form_id, age.table_name, age.path, age.type, age.privacy) == (
        "small",
        "small",
        "age",
        "integer",
        "direct",
    )
    assert (age.labels, age.relevant, age.required, age.constraint_expr, age.calculate) == (
        {"default": "Age now"},
        "/data/s  = 'yes'",
        "true()",
        ". > 4",
        None,
    )
    assert shown[1].list_name == "yn"


def test_forms_stand_apart_and_repeats_have_their_table() -> None:
    first = read(version(1, "begin_repeat | kid | Kid |", "text | name | Name |", "end_repeat | |"))
    second = read(version(1, "text | name | Name |", form_id="other"))
    entries = codebook.entries([first, second])
    assert [
        (entry.form_id, entry.table_name, entry.column_name) for entry in entries if entry.column_name == "name"
    ] == [
        ("small", "small__kid", "name"),
        ("other", "other", "name"),
    ]
