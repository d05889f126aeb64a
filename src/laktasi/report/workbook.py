"""A workbook of open findings for a health centre's coordinator: what is wrong where, and room for what was done.

A spreadsheet, since that is what people sort, filter, print and write into. It holds no answer but the study code.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import LaktasiError
from laktasi.report import todo
from laktasi.report.cells import put

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One open finding, in words."""

    finding_id: str
    record: str
    """Id of the submission; empty for a finding about a group."""
    subject: str | None
    """Study code of the respondent."""
    enumerator: str | None
    day: date | None
    """Of the interview."""
    question: str
    """Label of the question; empty where the rule is about several."""
    row: str
    """Position in a repeat, ``2``; of a finding about a group, kind and code of the group, ``centre:c1``."""
    message: str
    severity: str
    since: date


@dataclass(frozen=True, slots=True)
class Book:
    """What is open in one health centre."""

    centre: str | None
    """Its name; None for findings without a centre."""
    entries: tuple[Entry, ...]
    as_of: date | None = None
    """Day of the checks."""


WORDS: Mapping[str, Text] = {
    "title": {"id": "Temuan yang perlu diperiksa", "en": "Findings to look at"},
    "counts": {"id": "Ringkasan", "en": "Summary"},
    "findings": {"id": "Temuan", "en": "Findings"},
    "no_centre": {"id": "Tanpa puskesmas", "en": "Without a health centre"},
    "as_of": {"id": "Menurut pemeriksaan", "en": "As checked on"},
    "open": {"id": "Temuan terbuka", "en": "Open findings"},
    "nothing": {"id": "Tidak ada yang perlu diperiksa.", "en": "There is nothing to look at."},
    "errors": {"id": "Kesalahan", "en": "Errors"},
    "warnings": {"id": "Peringatan", "en": "Warnings"},
    "how": {
        "id": "Lembar kedua memuat satu baris untuk setiap temuan. Tulis di dua kolom terakhir apa yang ditemukan, dan"
        " kapan selesai. Jawaban diperbaiki di HP atau di Central, bukan di berkas ini.",
        "en": "The second sheet has one row for each finding. Write into its last two columns what was found, and when"
        " it was done. Answers are corrected on the phone or on Central, not in this file.",
    },
    "record": {"id": "Kiriman", "en": "Record"},
    "subject": {"id": "Kode studi", "en": "Study code"},
    "enumerator": {"id": "Petugas", "en": "Enumerator"},
    "day": {"id": "Tanggal", "en": "Day"},
    "question": {"id": "Pertanyaan", "en": "Question"},
    "message": {"id": "Apa yang salah", "en": "What is wrong"},
    "severity": {"id": "Jenis", "en": "Severity"},
    "since": {"id": "Sejak", "en": "Since"},
    "finding": {"id": "Nomor temuan", "en": "Finding"},
    "found": {"id": "Apa yang ditemukan", "en": "What was found"},
    "done": {"id": "Selesai", "en": "Done"},
    "error": {"id": "kesalahan", "en": "error"},
    "warning": {"id": "peringatan", "en": "warning"},
    "row": {"id": "ke-{}", "en": "no. {}"},
    "page": {"id": "Halaman &P dari &N", "en": "Page &P of &N"},
    "nobody": {"id": "tanpa kode petugas", "en": "no enumerator's code"},
}
GROUPS: Mapping[str, Text] = {
    "centre": {"id": "seluruh puskesmas {}", "en": "the whole health centre {}"},
    "enumerator": {"id": "semua kiriman petugas {}", "en": "all records of the enumerator {}"},
    "device": {"id": "semua kiriman HP {}", "en": "all records of the phone {}"},
    "form_version": {"id": "semua kiriman versi {}", "en": "all records of the version {}"},
    "subject": {"id": "semua kiriman kode studi {}", "en": "all records of the study code {}"},
    "day": {"id": "semua kiriman tanggal {}", "en": "all records of the day {}"},
    "week": {"id": "semua kiriman minggu {}", "en": "all records of the week {}"},
    "month": {"id": "semua kiriman bulan {}", "en": "all records of the month {}"},
    "all": {"id": "semua kiriman", "en": "all records"},
}
"""What a finding about a group is about, by kind of group."""
WIDTHS: Mapping[str, int] = {
    "record": 42,
    "subject": 14,
    "enumerator": 12,
    "day": 12,
    "question": 34,
    "message": 52,
    "severity": 12,
    "since": 12,
    "finding": 19,
    "found": 34,
    "done": 14,
}
"""Columns of the list, and how many letters wide each is."""
WITHOUT_CENTRE = "findings_without_centre.xlsx"


def file_names(centres: Sequence[str | None]) -> dict[str | None, str]:
    """Give each health centre's code a file name of its own; None stands for findings without one."""
    return {**todo.file_names([code for code in centres if code], "findings-{}.xlsx"), None: WITHOUT_CENTRE}


def write_books(folder: Path, books: Mapping[str, Book], language: str, *, force: bool = False) -> list[Path]:
    """Write workbooks, by file name.

    Parameters
    ----------
    language
        ``id`` or ``en``.
    force
        Put them in the place of files that are there.

    Raises
    ------
    LaktasiError
        A file is there already, and nothing has been written; or one cannot be written.
    """
    there = [name for name in books if (folder / name).exists()]
    if there and not force:
        raise LaktasiError(
            f"{folder / there[0]} is there already",
            why="Somebody may have written into it." + (f" So are {len(there) - 1} more." if there[1:] else ""),
            next_step="name another folder, or add --force to write over what is there",
        )
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, book in sorted(books.items()):
            draft = folder / f".{name}.{os.getpid()}"
            try:
                make_book(book, language).save(draft)
                draft.replace(folder / name)
            finally:
                draft.unlink(missing_ok=True)
            written.append(folder / name)
    except OSError as error:
        raise LaktasiError(
            f"the workbooks in {folder} cannot be written: {error.strerror or error}",
            next_step="close the workbook if it is open, check the folder, then run the same command again",
        ) from error
    return written


def make_book(book: Book, language: str) -> Workbook:
    """Make the workbook of one health centre: a sheet with counts, and a sheet with a row for each finding."""
    from openpyxl import Workbook

    made = Workbook()
    made.properties.creator = "laktasi"
    counts = made.worksheets[0]
    _fill_counts(counts, book, language)
    _fill_list(made.create_sheet(WORDS["findings"][language]), book, language)
    return made


def _fill_counts(sheet: Worksheet, book: Book, language: str) -> None:
    from openpyxl.styles import Alignment, Font

    def word(name: str) -> str:
        return WORDS[name][language]

    sheet.title = word("counts")
    by_severity = Counter(entry.severity for entry in book.entries)
    lines: list[tuple[Any, ...]] = [(word("title"),), (book.centre or word("no_centre"),)]
    if book.as_of:
        lines.append((word("as_of"), book.as_of))
    lines += [
        (),
        (word("open"), len(book.entries)),
        (word("errors"), by_severity["error"]),
        (word("warnings"), by_severity["warning"]),
        (),
        (word("how") if book.entries else word("nothing"),),
    ]
    headings = [1, 2]
    tables = {
        "enumerator": [(entry.enumerator or word("nobody"), entry.severity) for entry in book.entries],
        "message": [(entry.message, entry.severity) for entry in book.entries],
    }
    for name, pairs in tables.items():
        if pairs:
            lines += [(), (word(name), word("errors"), word("warnings"))]
            headings.append(len(lines))
            found = Counter(pairs)
            totals = Counter(key for key, _ in pairs)
            order = sorted(totals, key=lambda key: (-totals[key], key)) if name == "message" else sorted(totals)
            lines += [(key, found[key, "error"], found[key, "warning"]) for key in order]
    aligned = Alignment(vertical="top", wrap_text=True)
    for number, line in enumerate(lines, 1):
        for column, value in enumerate(line, 1):
            cell = put(sheet, number, column, value)
            cell.alignment = aligned
            if number in headings:
                cell.font = Font(bold=True, size=14 if number == 1 else 11)
    for letter, width in {"A": 72, "B": 14, "C": 14}.items():
        sheet.column_dimensions[letter].width = width
    _for_print(sheet, book, language, is_landscape=False)


def _fill_list(sheet: Worksheet, book: Book, language: str) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    aligned = Alignment(vertical="top", wrap_text=True)
    for column, (name, width) in enumerate(WIDTHS.items(), 1):
        cell = put(sheet, 1, column, WORDS[name][language])
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="E7EEF4")
        cell.alignment = aligned
        sheet.column_dimensions[get_column_letter(column)].width = width
    for number, entry in enumerate(sorted(book.entries, key=_in_order), 2):
        values = _values(entry, language)
        for column, name in enumerate(WIDTHS, 1):
            cell = put(sheet, number, column, values.get(name))
            cell.alignment = aligned
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(WIDTHS))}{len(book.entries) + 1}"
    sheet.print_title_rows = "1:1"
    _for_print(sheet, book, language, is_landscape=True)


def _in_order(entry: Entry) -> tuple[Any, ...]:
    day = entry.day or date.max
    return (entry.enumerator is None, entry.enumerator or "", day, entry.record, entry.severity, entry.finding_id)


def _values(entry: Entry, language: str) -> dict[str, Any]:
    record, question = entry.record, entry.question
    if not record:
        kind, _, code = entry.row.partition(":")
        record = GROUPS.get(kind, {language: f"{kind} {{}}"})[language].format(code).strip()
    elif entry.row:
        place = WORDS["row"][language].format(entry.row)
        question = f"{question} ({place})" if question else place
    return {
        "record": record,
        "subject": entry.subject,
        "enumerator": entry.enumerator,
        "day": entry.day,
        "question": question,
        "message": entry.message,
        "severity": WORDS[entry.severity][language],
        "since": entry.since,
        "finding": entry.finding_id,
    }


def _for_print(sheet: Worksheet, book: Book, language: str, *, is_landscape: bool) -> None:
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.page_setup.orientation = "landscape" if is_landscape else "portrait"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    assert sheet.oddHeader is not None
    assert sheet.oddFooter is not None
    # & begins a code in headers and footers
    sheet.oddHeader.left.text = (book.centre or WORDS["no_centre"][language]).replace("&", "&&")
    sheet.oddFooter.right.text = WORDS["page"][language]
