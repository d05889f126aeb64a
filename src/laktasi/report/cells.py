"""Cells of workbooks, and of files that are opened as such."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet


def harmless(text: str) -> str:
    """Put a ``'`` before a text of a CSV or TSV file that a spreadsheet program would take for a formula."""
    return f"'{text}" if text.startswith(("=", "@", "+", "-", "\t", "\r")) else text


def put(sheet: Worksheet, row: int, column: int, value: Any) -> Cell:
    """Write a cell. A text stays one: a code that begins with = is no formula, and 0012 no number.

    Parameters
    ----------
    value
        A text, number or day, or None. Control characters, which a workbook cannot hold, are left out of a text.
    """
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell

    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.data_type = "s"
        cell.number_format = "@"
    else:
        cell.value = value
        if isinstance(value, date):
            cell.number_format = "yyyy-mm-dd"
    return cell
