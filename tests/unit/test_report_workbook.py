"""The workbook of a health centre: read back, it says what is to be looked at, and can be filtered and printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from laktasi.errors import LaktasiError
from laktasi.report.workbook import WIDTHS, WORDS, Book, Entry, file_names, write_books

ENTRY = Entry(
    finding_id="0123456789abcdef",
    record="uuid:a",
    subject="0012",
    enumerator="P03",
    day=date(2026, 11, 2),
    question="Umur",
    row="",
    message="Umur di luar batas.",
    severity="error",
    since=date(2026, 11, 3),
)
GROUP = replace(ENTRY, finding_id="9", record="", subject=None, enumerator=None, day=None, question="")


def read_back(tmp_path: Path, book: Book, language: str = "id") -> openpyxl.Workbook:
    [path] = write_books(tmp_path, {"book.xlsx": book}, language)
    assert path == tmp_path / "book.xlsx"
    return openpyxl.load_workbook(path)


def rows(sheet: Any) -> list[dict[str, Any]]:
    names = list(WIDTHS)
    return [{name: cell.value for name, cell in zip(names, row, strict=True)} for row in sheet.iter_rows(min_row=2)]


def test_a_row_says_where_and_what_and_leaves_room(tmp_path: Path) -> None:
    made = read_back(tmp_path, Book("Rumah Satu", (ENTRY,), date(2026, 11, 21)))
    assert made.sheetnames == ["Ringkasan", "Temuan"]
    sheet = made["Temuan"]
    assert [cell.value for cell in sheet[1]] == [
        "Kiriman", "Kode studi", "Petugas", "Tanggal", "Pertanyaan", "Apa yang salah", "Jenis", "Sejak",
        "Nomor temuan", "Apa yang ditemukan", "Selesai",
    ]  # fmt: skip
    assert rows(sheet) == [
        {
            "record": "uuid:a",
            "subject": "0012",
            "enumerator": "P03",
            "day": datetime(2026, 11, 2),
            "question": "Umur",
            "message": "Umur di luar batas.",
            "severity": "kesalahan",
            "since": datetime(2026, 11, 3),
            "finding": "0123456789abcdef",
            "found": None,
            "done": None,
        }
    ]


def test_the_list_is_sorted_by_enumerator_and_day_and_names_no_one_last(tmp_path: Path) -> None:
    entries = (
        replace(ENTRY, finding_id="4", enumerator=None),
        replace(ENTRY, finding_id="3", enumerator="P04"),
        replace(ENTRY, finding_id="2", day=None),
        replace(ENTRY, finding_id="1"),
        replace(ENTRY, finding_id="0", day=date(2026, 11, 1)),
    )
    found = rows(read_back(tmp_path, Book("x", entries))["Temuan"])
    assert [row["finding"] for row in found] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("row", "language", "said"),
    [
        ("centre:c1", "en", "the whole health centre c1"),
        ("enumerator:P03 2026-10-02", "id", "semua kiriman petugas P03 2026-10-02"),
        ("all:", "en", "all records"),
        ("shift:night", "id", "shift night"),
    ],
)
def test_a_finding_about_a_group_says_which(tmp_path: Path, row: str, language: str, said: str) -> None:
    made = read_back(tmp_path, Book(None, (replace(GROUP, row=row),)), language)
    [found] = rows(made.worksheets[1])
    assert (found["record"], found["question"]) == (said, None)


def test_a_repeat_says_which_one(tmp_path: Path) -> None:
    entries = (replace(ENTRY, row="2.1"), replace(ENTRY, row="3", question="", finding_id="f"))
    found = rows(read_back(tmp_path, Book("x", entries), "en")["Findings"])
    assert [row["question"] for row in found] == ["Umur (no. 2.1)", "no. 3"]


def test_texts_stay_texts_whatever_they_begin_with(tmp_path: Path) -> None:
    # A study code is an answer: opened in a spreadsheet it must not begin to compute, or lose its zeros.
    odd = replace(ENTRY, subject='=HYPERLINK("http://x")', enumerator="+1", message="=1+1", question="a\x0bb")
    made = read_back(tmp_path, Book("=1", (odd,)))
    cells = {cell.value: cell.data_type for row in made["Temuan"].iter_rows(min_row=2) for cell in row if cell.value}
    assert cells['=HYPERLINK("http://x")'] == cells["=1+1"] == cells["+1"] == "s"
    assert "ab" in cells
    assert {cell.data_type for row in made["Ringkasan"].iter_rows() for cell in row if cell.value == "=1"} == {"s"}


def test_it_can_be_filtered_scrolled_and_printed(tmp_path: Path) -> None:
    book = Book("Satu & Dua", tuple(replace(ENTRY, finding_id=str(number)) for number in range(4)))
    made = read_back(tmp_path, book)
    sheet = made["Temuan"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:K5"
    assert sheet.print_title_rows == "$1:$1"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (
        "landscape", 1, 0,
    )  # fmt: skip
    fitting, header = sheet.sheet_properties.pageSetUpPr, sheet.oddHeader
    assert fitting is not None
    assert header is not None
    assert fitting.fitToPage
    assert [sheet.column_dimensions[letter].width for letter in "ABCDEFGHIJK"] == list(WIDTHS.values())
    assert all(cell.alignment.wrap_text for cell in sheet[2])
    assert sheet["D2"].number_format == "yyyy-mm-dd"
    assert header.left.text == "Satu && Dua"


def test_the_first_sheet_counts(tmp_path: Path) -> None:
    entries = (
        ENTRY,
        replace(ENTRY, finding_id="2", enumerator=None, severity="warning", message="Lama sekali."),
        replace(ENTRY, finding_id="3", enumerator="P01"),
    )
    sheet = read_back(tmp_path, Book("Rumah Satu", entries, date(2026, 11, 21)), "en")["Summary"]
    lines = [tuple(cell.value for cell in row if cell.value is not None) for row in sheet.iter_rows()]
    assert lines[:3] == [("Findings to look at",), ("Rumah Satu",), ("As checked on", datetime(2026, 11, 21))]
    assert lines[4:7] == [("Open findings", 3), ("Errors", 2), ("Warnings", 1)]
    at = lines.index(("Enumerator", "Errors", "Warnings"))
    assert lines[at + 1 : at + 4] == [("P01", 1, 0), ("P03", 1, 0), ("no enumerator's code", 0, 1)]
    at = lines.index(("What is wrong", "Errors", "Warnings"))
    assert lines[at + 1 : at + 3] == [("Umur di luar batas.", 2, 0), ("Lama sekali.", 0, 1)]


def test_a_centre_without_findings_is_told_so(tmp_path: Path) -> None:
    made = read_back(tmp_path, Book("Rumah Satu", ()), "en")
    told = [cell.value for row in made["Summary"].iter_rows() for cell in row]
    assert "There is nothing to look at." in told
    assert rows(made["Findings"]) == []


def test_both_languages_have_every_word() -> None:
    assert {frozenset(texts) for texts in WORDS.values()} == {frozenset({"id", "en"})}


def test_what_is_there_is_not_written_over_unless_asked(tmp_path: Path) -> None:
    there = tmp_path / "b.xlsx"
    there.write_bytes(b"somebody's notes")
    books = {"a.xlsx": Book("a", ()), "b.xlsx": Book("b", (ENTRY,))}
    with pytest.raises(LaktasiError, match=r"b\.xlsx is there already"):
        write_books(tmp_path, books, "id")
    assert {path.name: path.read_bytes()[:4] for path in tmp_path.iterdir()} == {"b.xlsx": b"some"}
    assert write_books(tmp_path, books, "id", force=True) == [tmp_path / "a.xlsx", there]
    assert len(rows(openpyxl.load_workbook(there)["Temuan"])) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LaktasiError, match="cannot be written"):
        write_books(tmp_path / "file", {"a.xlsx": Book("a", ())}, "id")


def test_file_names_are_safe_and_differ() -> None:
    names = file_names(["c1", "C1", "../x", None])
    assert names["c1"] != names["C1"]
    assert names[None] == "findings_without_centre.xlsx"
    assert len({name.casefold() for name in names.values()}) == 4
    assert not [name for name in names.values() if "/" in name or not name.endswith(".xlsx")]
