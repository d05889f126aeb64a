"""The workbook in which somebody says which choice each text of an "other, which?" question means. Private.

One sheet has a row for each text, with an empty column for the choice; the other lists the choices, how often each was
chosen, and serves the drop-down lists.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import CheckError, LaktasiError
from laktasi.report.cells import put

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

WIDTHS = {
    "form": 18,
    "question": 30,
    "asked": 34,
    "parent": 30,
    "text": 40,
    "records": 9,
    "choice": 24,
    "who": 20,
    "why": 34,
}
"""Columns of the texts, and how many letters wide each is. The last three are filled in by people."""
CHOICES = ("form", "parent", "choice", "label", "records")
TEXTS_SHEET, CHOICES_SHEET = "Texts", "Choices"
NEXT = "correct the workbook, save it, and run the same command again"


@dataclass(frozen=True, slots=True)
class Offered:
    """A choice of a select."""

    value: str
    label: str
    records: int
    """Rows in which it was chosen."""


@dataclass(frozen=True, slots=True)
class Open:
    """The texts of one question that nobody has said the meaning of."""

    form_id: str
    question: str
    """Path."""
    label: str
    parent: str
    """Path of the select that the texts specify."""
    choices: tuple[Offered, ...]
    """What a text can mean."""
    other: tuple[Offered, ...]
    """The choices for which the text is asked."""
    texts: tuple[tuple[str, int], ...]
    """Each text, and in how many rows it stands; the most frequent first."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A row of the workbook in which somebody has chosen."""

    number: int
    form_id: str
    question: str
    parent: str
    text: str
    choice: str
    who: str
    why: str


def write_book(path: Path, questions: Sequence[Open]) -> None:
    """Write the workbook, readable by its owner alone, where no file is.

    Raises
    ------
    LaktasiError
        There is a file already, or it cannot be written.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator = "laktasi"
    texts = book.worksheets[0]
    texts.title = TEXTS_SHEET
    ranges = _fill_choices(book.create_sheet(CHOICES_SHEET), questions)
    _fill_texts(texts, questions, ranges)
    _save(book, path)


def _save(book: Workbook, path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise LaktasiError(
            f"{path} is there already", why="Somebody may have written into it.", next_step="name another file"
        ) from None
    except OSError as error:
        raise LaktasiError(f"{path} cannot be written ({error.strerror})", next_step="name another file") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            book.save(file)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _fill_choices(sheet: Worksheet, questions: Sequence[Open]) -> dict[tuple[str, str, str], str]:
    """List the choices, and give the range of those that a text of each question can mean."""
    _head(sheet, dict(zip(CHOICES, (18, 30, 24, 40, 9), strict=True)))
    ranges = {}
    row = 2
    for item in questions:
        ranges[item.form_id, item.question, item.parent] = f"'{sheet.title}'!$C${row}:$C${row + len(item.choices) - 1}"
        for offered in (*item.choices, *item.other):
            values: tuple[str | int, ...] = (item.form_id, item.parent, offered.value, offered.label, offered.records)
            for column, value in enumerate(values, 1):
                put(sheet, row, column, value)
            row += 1
    return ranges


def _fill_texts(sheet: Worksheet, questions: Sequence[Open], ranges: dict[tuple[str, str, str], str]) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    _head(sheet, WIDTHS)
    letter = get_column_letter(list(WIDTHS).index("choice") + 1)
    row = 2
    for item in questions:
        first = row
        for text, records in item.texts:
            values: tuple[str | int, ...] = (item.form_id, item.question, item.label, item.parent, text, records)
            for column, value in enumerate(values, 1):
                put(sheet, row, column, value)
            row += 1
        if row > first:
            listed = DataValidation("list", ranges[item.form_id, item.question, item.parent], allow_blank=True)
            listed.add(f"{letter}{first}:{letter}{row - 1}")
            sheet.add_data_validation(listed)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(WIDTHS))}{max(row - 1, 1)}"


def _head(sheet: Worksheet, widths: dict[str, int]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for column, (name, width) in enumerate(widths.items(), 1):
        put(sheet, 1, column, name).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = "A2"


def read_book(path: Path) -> list[Filled]:
    """Read the rows in which somebody has chosen. No error quotes a text.

    Raises
    ------
    CheckError
        It is no such workbook, or a row is not whole.
    """
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError):
        raise CheckError(
            f"{path.name} cannot be read as an XLSX workbook",
            next_step="give the workbook that laktasi recode --to wrote, saved as XLSX",
        ) from None
    sheet = book[TEXTS_SHEET] if TEXTS_SHEET in book.sheetnames else None
    rows = list(sheet.iter_rows(values_only=True)) if sheet is not None else []
    if not rows or tuple(rows[0][: len(WIDTHS)]) != tuple(WIDTHS):
        raise CheckError(
            f"{path.name} has no sheet {TEXTS_SHEET!r} with the columns {', '.join(WIDTHS)}",
            next_step="give the workbook that laktasi recode --to wrote",
        )
    return list(_filled(path, rows))


def _filled(path: Path, rows: Sequence[Sequence[Any]]) -> Iterator[Filled]:
    for number, row in enumerate(rows[1:], start=2):
        given = dict(zip(WIDTHS, row, strict=False))
        choice = _said(given["choice"])
        if not choice:
            continue
        if not all(isinstance(given[name], str) and given[name] for name in ("form", "question", "parent", "text")):
            raise CheckError(
                f"{path.name}, row {number}: form, question, parent and text are not as they were written",
                next_step=f"put them back as laktasi recode --to wrote them; {NEXT}",
            )
        texts = {name: given[name] for name in ("question", "parent", "text")}
        who, why = _said(given["who"]), _said(given["why"])
        yield Filled(number, given["form"], **texts, choice=choice, who=who, why=why)


def _said(value: Any) -> str:
    """Give what somebody typed: a code that a spreadsheet took for a number is meant as it looks."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
