"""XLSForms are converted by pyxform, with the media beside them, and refused in its words."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire import xform, xlsform


def workbook(path: Path, *rows: tuple[str, str, str]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "survey"
    for row in (("type", "name", "label"), *rows):
        sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_and_its_media(tmp_path: Path) -> None:
    path = workbook(tmp_path / "visit.xlsx", ("select_one_from_file c.csv", "c", "Centre"))
    (tmp_path / "visit-media").mkdir()
    (tmp_path / "visit-media" / "c.csv").write_bytes(b"name,label\nx,X\n")
    converted = xlsform.convert(path)
    assert converted.media == {"c.csv": b"name,label\nx,X\n"}
    # a form that does not say what it is called is called as its file
    assert xform.parse(converted.xform, converted.media).form_id == "visit"


def test_no_media_folder_is_no_media(tmp_path: Path) -> None:
    assert xlsform.convert(workbook(tmp_path / "visit.xlsx", ("text", "a", "A"))).media == {}


def test_a_row_that_pyxform_refuses_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "visit.xlsx", ("text", "a", "A"), ("text", "b c", "B"))
    with pytest.raises(QuestionnaireError, match=r"visit\.xlsx: .*row : 3.*'survey'.*name") as caught:
        xlsform.convert(path)
    assert caught.value.next_step == "correct visit.xlsx and run the command again"


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "visit.xlsx"
    path.write_bytes(content)
    with pytest.raises(QuestionnaireError, match=r"visit\.xlsx"):
        xlsform.convert(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(QuestionnaireError, match="no such file"):
        xlsform.convert(tmp_path / "visit.xlsx")


def test_markdown_says_the_same_as_a_workbook(tmp_path: Path) -> None:
    markdown = "| survey |\n| | type | name | label |\n| | text | a | A |\n"
    path = tmp_path / "visit.md"
    path.write_text(markdown, encoding="utf-8")
    of_file = xlsform.convert(path).xform
    assert b"<a/>" in of_file
    of_text = xlsform.convert_markdown(
        markdown.replace("| a | A |", "| a | A |\n| settings |\n| | form_id |\n| | visit |")
    )
    assert xform.parse(of_file).fields == xform.parse(of_text.xform).fields


def test_a_file_that_is_no_workbook_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "form.xlsx"
    path.write_bytes(b"survey;type;name")
    with pytest.raises(QuestionnaireError, match=r"form\.xlsx: not an XLSX workbook"):
        xlsform.convert(path)
