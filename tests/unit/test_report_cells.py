"""Cells of the three workbooks that people get: whatever an answer holds, it stands there as a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from laktasi.report.drawn import write_list
from laktasi.report.recode_book import Offered, Open, write_book

ODD = "=1+1 a\x0bb"


def recode_book(path: Path) -> None:
    choice = Offered("rice", "Rice", 1)
    write_book(path, [Open("garden", "crop_other", "Which?", "crop", (choice,), (), ((ODD, 1),))])


def sample_list(path: Path) -> None:
    write_list(path, ["name"], [[ODD]])


@pytest.mark.parametrize("write", [recode_book, sample_list])
def test_what_a_workbook_cannot_hold_is_left_out_of_a_text(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "book.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx").worksheets[0]
    types = {cell.value: (cell.data_type, cell.number_format) for row in sheet.iter_rows() for cell in row}
    assert types["=1+1 ab"] == ("s", "@")
