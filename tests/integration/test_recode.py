"""Texts under "other": counted without being shown, handed out in a workbook, taken back as decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook, load_workbook

from laktasi.cli import main
from laktasi.quality.decisions import Decision, read_decisions
from laktasi.store.warehouse import WAREHOUSE, attach
from tests.garden import Desk, answers, fielded, record
from tests.warehouse_fixture import warehouse

pytestmark = pytest.mark.slow

TEXTS = ("Padi Bu Siti", "=1+1", "0012")
SPADE = "sekop Pak Budi"


@dataclass
class Place:
    """A project whose latest run has read some gardens."""

    desk: Desk
    root: Path

    def laktasi(self, *words: object) -> Result:
        """Call the command, which opens the warehouse: it must not be open here meanwhile."""
        given = ["recode", "--project", str(self.root), "--data", str(self.root / "data"), *map(str, words)]
        house = self.desk.house
        house.con.execute(f"use memory; detach {WAREHOUSE}")
        try:
            return CliRunner().invoke(main, given)
        finally:
            attach(house.con, house.folder)
            house.con.execute(f"use {WAREHOUSE}")

    def hand_out(self) -> tuple[Path, Workbook]:
        """Write the workbook, and open it."""
        path = self.root / "other.xlsx"
        path.unlink(missing_ok=True)
        result = self.laktasi("--to", path)
        assert result.exit_code == 0, result.output
        return path, load_workbook(path)

    def take_back(self, choices: dict[str, str], *words: str, **further: str) -> Result:
        """Choose for some texts, and take the workbook back."""
        path, book = self.hand_out()
        fill(book, choices, **further)
        book.save(path)
        return self.laktasi("--from", path, *words)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What stands in schemas/corrections/."""
        return read_decisions(self.root / "schemas" / "corrections")


def fill(book: Any, choices: dict[str, str], **further: str) -> None:
    """Choose in a workbook, as a person would."""
    sheet = book["Texts"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        if choice := choices.get(sheet.cell(row, columns["text"]).value):
            for name, value in {"choice": choice, **further}.items():
                sheet.cell(row, columns[name]).value = value


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Three texts of one question in four records, one of a direct identifier, and one that nobody asked for."""
    with warehouse(tmp_path / "data", fielded()) as house:
        desk = Desk(house, tmp_path / "schemas" / "corrections")
        given = [TEXTS[0], TEXTS[0], TEXTS[1], TEXTS[2]]
        desk.take(
            *(record(f"r{number}", answers(crop="other", crop_other=text)) for number, text in enumerate(given)),
            record("s", answers(tools={"tool": "hoe other", "tool_other": SPADE})),
            record("n", answers(crop="maize", crop_other=TEXTS[0])),
        )
        yield Place(desk, tmp_path)


def test_open_texts_are_counted_and_not_shown(place: Place) -> None:
    result = place.laktasi()
    assert [line.split("\t") for line in result.stdout.splitlines()] == [
        ["form", "question", "parent", "texts", "records", "frequencies"],
        ["garden", "crop_other", "crop", "3", "4", "rice 1, maize 1, other 4"],
        ["garden", "tools/tool_other", "tools/tool", "1", "1", "hoe 1, knife 0, other 1"],
        ["garden", "plot/what_other", "plot/what", "0", "0", "rice 0, maize 0, other 0"],
    ]
    assert not [text for text in (*TEXTS, SPADE) if text in result.output]
    assert not place.desk.folder.exists()


def test_the_workbook_is_private_and_offers_the_choices_of_the_form(place: Place) -> None:
    path, book = place.hand_out()
    assert path.stat().st_mode & 0o077 == 0
    rows = list(book["Texts"].values)
    assert [row[:6] for row in rows[1:]] == [
        ("garden", "crop_other", "Which?", "crop", "Padi Bu Siti", 2),
        ("garden", "crop_other", "Which?", "crop", "0012", 1),
        ("garden", "crop_other", "Which?", "crop", "=1+1", 1),
        ("garden", "tools/tool_other", "Which?", "tools/tool", SPADE, 1),
    ]
    assert {cell.data_type for cell in book["Texts"]["E"]} == {"s"}
    assert [row[2:] for row in list(book["Choices"].values)[1:]] == [
        ("rice", "Rice", 1),
        ("maize", "Maize", 1),
        ("other", "Other", 4),
        ("hoe", "Hoe", 1),
        ("knife", "Knife", 0),
        ("other", "Other", 1),
    ]
    listed = {str(item.sqref): item.formula1 for item in book["Texts"].data_validations.dataValidation}
    assert listed == {"G2:G4": "'Choices'!$C$2:$C$3", "G5": "'Choices'!$C$5:$C$6"}


def test_a_workbook_is_not_written_over(place: Place) -> None:
    path = place.root / "other.xlsx"
    path.write_text("what somebody wrote")
    result = place.laktasi("--to", path)
    assert result.exit_code == 1
    assert "other.xlsx is there already" in result.output
    assert path.read_text() == "what somebody wrote"


def test_each_filled_row_becomes_a_decision_that_the_next_run_applies(place: Place) -> None:
    chosen = {TEXTS[0]: "rice", TEXTS[2]: "maize", SPADE: "knife"}
    result = place.take_back(chosen, "--reporter", "Ani", "--why", "local names")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 decisions written, 0 known before, 1 texts still open")
    assert {(item.action, item.reporter, item.reason, item.value) for item in place.decisions} == {
        ("recode", "Ani", "local names", value) for value in chosen.values()
    }
    written = "".join(path.read_text(encoding="utf-8") for path in place.desk.folder.iterdir())
    assert SPADE not in written + result.output, "it is a direct identifier"
    made = place.desk.run()
    assert (made.records, made.decisions) == (4, {"applied": 3})
    assert place.desk.house.rows("select crop, count(*)::int from answers.garden group by all order by all") == [
        ("maize", 2), ("other", 1), ("rice", 3),
    ]  # fmt: skip
    assert place.desk.answer("s", "tools__tool") == "hoe knife"
    assert "\t1\t1\trice 3, maize 2, other 1" in place.laktasi().stdout


def test_a_row_can_say_itself_who_and_why(place: Place) -> None:
    result = place.take_back({TEXTS[0]: "rice"}, "--reporter", "Ani", who="Budi", why="asked him")
    assert result.exit_code == 0, result.output
    assert [(item.reporter, item.reason) for item in place.decisions] == [("Budi", "asked him")]


def test_the_same_workbook_again_decides_nothing_new(place: Place) -> None:
    words = ("--reporter", "Ani", "--why", "local names")
    place.take_back({SPADE: "knife"}, *words)
    again = place.take_back({SPADE: "knife", TEXTS[0]: "rice"}, *words)
    assert again.stdout.startswith("1 decisions written, 1 known before, 2 texts still open")
    place.desk.run()
    path, book = place.root / "again.xlsx", place.hand_out()[1]
    assert [row[4] for row in list(book["Texts"].values)[1:]] == ["0012", "=1+1"]
    book["Texts"]["B2"], book["Texts"]["D2"] = "tools/tool_other", "tools/tool"
    book["Texts"]["E2"], book["Texts"]["G2"] = SPADE, "knife"
    book.save(path)
    assert place.laktasi("--from", path, *words).stdout.startswith("0 decisions written, 1 known before")
    assert len(place.decisions) == 2


@pytest.mark.parametrize(
    ("choices", "words", "says"),
    [
        ({TEXTS[0]: "tea"}, (), "other.xlsx, row 2: a choice that the form does not offer"),
        ({TEXTS[0]: "other"}, (), "row 2: a choice that the form does not offer"),
        ({SPADE: "rice"}, (), "row 5: a choice that the form does not offer"),
        ({TEXTS[0]: "rice"}, ("--reporter", ""), "row 2: nobody is named who decided"),
        ({TEXTS[0]: "rice", TEXTS[2]: "rice"}, ("--why", ""), "rows 2, 3: no reason is given"),
    ],
)
def test_a_row_that_is_not_understood_stops_all(
    place: Place, choices: dict[str, str], words: tuple[str, ...], says: str
) -> None:
    result = place.take_back(choices, "--reporter", "Ani", "--why", "w", *words)
    assert result.exit_code == 6
    assert says in result.output
    assert not [text for text in (*TEXTS, SPADE) if text in result.output]
    assert place.decisions == ()


def altered(book: Any, cell: str, value: Any) -> None:
    sheet = book["Texts"]
    sheet["G2"] = "rice"
    sheet[cell] = value


@pytest.mark.parametrize(
    ("cell", "value", "says"),
    [
        ("E2", "Padi bu siti", "row 2: no record has this text"),
        ("E2", 12, "row 2: form, question, parent and text are not as they were written"),
        ("B2", "crop_others", "row 2: not a question of the form"),
        ("A1", "Form", "has no sheet 'Texts' with the columns"),
    ],
)
def test_a_workbook_that_was_altered_is_refused(place: Place, cell: str, value: Any, says: str) -> None:
    path, book = place.hand_out()
    altered(book, cell, value)
    book.save(path)
    result = place.laktasi("--from", path, "--reporter", "Ani", "--why", "w")
    assert (result.exit_code, says in result.output) == (6, True), result.output
    assert "Padi" not in result.output


def test_what_was_decided_otherwise_is_not_decided_again(place: Place) -> None:
    words = ("--reporter", "Ani", "--why", "w")
    place.take_back({TEXTS[0]: "rice"}, *words)
    result = place.take_back({TEXTS[0]: "maize"}, *words)
    assert "row 2: something else was decided before; withdraw that decision first" in result.output
    place.desk.decide("withdraw", withdraws=place.decisions[0].id)
    assert place.take_back({TEXTS[0]: "maize"}, *words).exit_code == 0


def test_two_meanings_of_one_text_are_refused(place: Place) -> None:
    path, book = place.hand_out()
    sheet = book["Texts"]
    sheet.append([cell.value for cell in sheet[2]][:6])
    sheet["G2"], sheet["G6"] = "rice", "maize"
    book.save(path)
    result = place.laktasi("--from", path, "--reporter", "Ani", "--why", "w")
    assert "row 6: a text is given two meanings" in result.output


def test_a_lost_key_is_not_made_anew(place: Place) -> None:
    said = ("--reporter", "Sari", "--why", "Known")
    assert place.take_back({SPADE: "hoe"}, *said).exit_code == 0
    key = place.desk.house.folder.secret
    for is_there, code in ((True, 0), (False, 5)):
        if not is_there:
            key.unlink()
        result = place.take_back({SPADE: "hoe"}, *said)
        assert result.exit_code == code, result.output
        assert key.exists() == is_there
    assert "secret.key is not in the data folder" in result.stderr
    assert len(place.decisions) == 1


def test_what_is_no_workbook_is_said(place: Place) -> None:
    path = place.root / "texts.xlsx"
    path.write_text("text")
    result = place.laktasi("--from", path)
    assert (result.exit_code, "texts.xlsx cannot be read as an XLSX workbook" in result.output) == (6, True)
    assert place.laktasi("--from", path, "--to", path).exit_code == 2


def test_where_nothing_is_open_there_is_no_workbook(tmp_path: Path) -> None:
    with warehouse(tmp_path / "data", fielded()) as house:
        place = Place(Desk(house, tmp_path / "schemas" / "corrections"), tmp_path)
        place.desk.take(record("a", answers()))
        result = place.laktasi("--to", tmp_path / "other.xlsx")
        assert (result.exit_code, "there is nothing to recode" in result.output) == (6, True)
        assert "there is no warehouse in" in Place(place.desk, tmp_path / "data").laktasi().output
    assert not (tmp_path / "other.xlsx").exists()
