"""The list of interviews to be repeated, as a workbook or CSV that only its owner can read."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from laktasi.errors import LaktasiError
from laktasi.report.cells import harmless, put

SUFFIXES = (".xlsx", ".csv")


def write_list(target: Path, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write the list, whole or not at all.

    Parameters
    ----------
    target
        Ends in one of `SUFFIXES`. What stands there is replaced. A workbook keeps the zeros that codes begin with; a
        spreadsheet program that opens a CSV takes them away.
    rows
        Texts, days, or None.

    Raises
    ------
    LaktasiError
        It cannot be written.
    """
    content = _workbook(headings, rows) if target.suffix == ".xlsx" else _csv(headings, rows)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)  # of a process that was killed and had the same number
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise LaktasiError(
            f"{target} cannot be written: {error.strerror or error}",
            next_step="close the file if it is open, check its folder, then run the same command again",
        ) from error


def _csv(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([["" if value is None else harmless(str(value)) for value in row] for row in rows])
    return text.getvalue().encode("utf-8-sig")


def _workbook(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    made = Workbook()
    made.properties.creator = "laktasi"
    sheet = made.worksheets[0]
    for number, row in enumerate([headings, *rows], 1):
        for column, value in enumerate(row, 1):
            cell = put(sheet, number, column, value)
            if number == 1:
                cell.font = Font(bold=True)
    for column, heading in enumerate(headings, 1):
        widest = max([len(heading), *(len(str(row[column - 1] or "")) for row in rows)])
        sheet.column_dimensions[get_column_letter(column)].width = min(widest + 2, 42)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()
