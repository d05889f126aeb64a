"""The Markdown beside each XLSForm says what the workbook says."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire.markdown import render

XLSFORMS = Path(__file__).parents[2] / "xlsforms"


@pytest.mark.parametrize("workbook", sorted(XLSFORMS.glob("*.xlsx")), ids=lambda path: path.name)
def test_the_rendering_beside_a_workbook_is_up_to_date(workbook: Path) -> None:
    beside = workbook.with_suffix(".md")
    assert beside.read_text(encoding="utf-8") == render(workbook), (
        f'make it anew: python -c "from pathlib import Path; from laktasi.questionnaire.markdown import render; '
        f"Path('xlsforms/{beside.name}').write_text(render(Path('xlsforms/{workbook.name}')), encoding='utf-8')\""
    )


def small_workbook(folder: Path, **sheets: list[list[object]]) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = folder / "small.xlsx"
    workbook.save(path)
    return path


def test_every_cell_is_shown_and_nothing_breaks_the_table(tmp_path: Path) -> None:
    path = small_workbook(
        tmp_path,
        settings=[["form_id", "version"], ["small", 2026112101.0]],
        survey=[
            ["type", "name", None, "constraint"],
            ["text", "a", None, "regex(., '^(x|y)$')"],
            [None, None, None, None],
            ["integer", "b", None, ". < 5\nand . > 1"],
        ],
    )
    assert render(path).split("## ")[1:] == [
        "survey\n\n"
        "| type | name | constraint |\n"
        "| --- | --- | --- |\n"
        "| text | a | regex(., '^(x\\|y)$') |\n"
        "| integer | b | . &lt; 5<br>and . > 1 |\n\n",
        "settings\n\n| form_id | version |\n| --- | --- |\n| small | 2026112101 |\n",
    ]


def test_a_changed_cell_changes_the_rendering(tmp_path: Path) -> None:
    before = render(small_workbook(tmp_path, survey=[["type", "name"], ["text", "a"]]))
    after = render(small_workbook(tmp_path, survey=[["type", "name"], ["text", "b"]]))
    assert before != after


def test_what_is_not_a_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.xlsx"
    path.write_bytes(b"not a workbook")
    with pytest.raises(QuestionnaireError, match=r"broken\.xlsx cannot be opened"):
        render(path)
    with pytest.raises(QuestionnaireError, match="no sheet called survey"):
        render(small_workbook(tmp_path, choices=[["list_name"]]))
