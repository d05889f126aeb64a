"""To-do lists: in both languages, for one enumerator each, private, and nothing in them but what was given."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from laktasi.errors import LaktasiError
from laktasi.report.todo import HOW, STEPS, WORDS, Item, Record, TodoList, file_names, render, render_index, write_todo

DAY = date(2026, 11, 21)
AGE = Item({"id": "Umur", "en": "Age"}, {"id": "Tidak cocok.", "en": "It does not fit."})
CENTRE = {"id": "Puskesmas Satu", "en": "Health Centre One"}


def record(
    code: str | None = "K1", *, day: date | None = DAY, is_editable: bool = True, items: tuple[Item, ...] = (AGE,)
) -> Record:
    return Record(code, day, CENTRE, "Kunjungan", is_editable, items)


def cells(page: str) -> list[tuple[str, str]]:
    """Give language and text of the cells that say what is wrong."""
    found = re.findall(r'<td lang="(\w+)"[^>]*>(.*?)</td>', page, re.DOTALL)
    return [(language, " ".join(re.sub(r"<[^>]+>", "", text).split())) for language, text in found]


def test_both_languages_stand_beside_each_other_the_projects_first() -> None:
    todo = TodoList("E1", (record(),))
    assert cells(render(todo, as_of=DAY, language="id")) == [
        ("id", "Umur Tidak cocok."),
        ("en", "Age It does not fit."),
    ]
    assert [language for language, _ in cells(render(todo, as_of=DAY, language="en"))] == ["en", "id"]


def test_a_form_in_one_language_is_shown_in_it() -> None:
    items = (Item({"default": "Âge"}, {"fr": "Ne va pas."}, "2"), Item({}, {"en": "Twice."}))
    assert cells(render(TodoList("E1", (record(items=items),)), as_of=DAY)) == [
        ("id", "Âge (ke-2) Ne va pas."),
        ("en", "Âge (no. 2) Ne va pas."),
        ("id", "Seluruh formulir Twice."),
        ("en", "The form as a whole Twice."),
    ]


def test_records_stand_in_the_order_of_their_days() -> None:
    records = (record("K3", day=None), record("K2"), record("K1", day=date(2026, 10, 2)))
    page = render(TodoList("E1", records), as_of=DAY)
    assert re.findall(r"<b>(K\d)</b>", page) == ["K1", "K2", "K3"]
    assert "2 Okt 2026 · 2 Oct 2026" in page
    assert page.count("21 Nov 2026 · 21 Nov 2026") == 0  # said once where both say the same


@pytest.mark.parametrize("is_editable", [True, False])
def test_it_says_what_to_do(is_editable: bool) -> None:
    page = " ".join(re.sub(r"</?b>", "", render(TodoList("E1", (record(is_editable=is_editable),)), as_of=DAY)).split())
    for language in ("id", "en"):
        assert HOW[is_editable][language].replace("**", "") in page
        assert HOW[not is_editable][language].replace("**", "") not in page
        for step in STEPS:
            assert step[language] in page


def test_every_sentence_is_there_in_both_languages() -> None:
    for text in (*WORDS.values(), *STEPS, *HOW.values()):
        assert set(text) == {"id", "en"}
        assert all(text.values())


def test_what_forms_and_phones_write_cannot_become_markup() -> None:
    hostile = "<script>alert(1)</script>\"'&"
    item = Item({"id": hostile, "en": hostile}, {"id": hostile, "en": hostile}, hostile)
    todo = TodoList(hostile, (Record(hostile, DAY, {"id": hostile}, hostile, True, (item,)),))
    for page in (render(todo, as_of=DAY), render_index({"todo-x.html": todo}, as_of=DAY)):
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = render(TodoList("E1", (record(),)), as_of=DAY)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert not re.search(r"https?://|url\(|\ssrc=|\sstyle=", page)
    assert "size: A4" in style


def test_the_page_is_well_formed() -> None:
    for page in (render(TodoList(None, (record(None, day=None),)), as_of=DAY), render_index({}, as_of=DAY)):
        body = page[page.index("<body>") : page.index("</body>") + len("</body>")].replace("<br>", "<br/>")
        assert ElementTree.fromstring(body).find("main") is not None


def test_each_code_has_a_file_of_its_own_whatever_it_holds() -> None:
    codes = ["E1", "e1", "../../etc", "index", "E 1", "E/1", "", "E" * 200, None, "Ü"]
    names = file_names(codes)
    assert set(names) == set(codes)
    assert len({name.casefold() for name in names.values()}) == len(codes)
    assert all(re.fullmatch(r"todo-[A-Za-z0-9_-]{0,60}\.html", name) for name in names.values())
    assert names["E1"] == "todo-E1.html"


def test_only_their_owner_can_read_them_and_old_ones_go(tmp_path: Path) -> None:
    folder = tmp_path / "fieldwork" / "todo"
    write_todo(folder, [TodoList("E1", (record(),)), TodoList(None, (record(None),))], as_of=DAY)
    (folder / "note.txt").touch()
    index = write_todo(folder, [TodoList("E2", (record("K2"), record("K3")))], as_of=DAY)
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "note.txt", "todo-E2.html"]
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.html")} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    page = index.read_text(encoding="utf-8")
    assert re.findall(r'href="([^"]+)"', page) == ["todo-E2.html"]
    assert re.findall(r'<td class="n">(\d+)</td>', page) == ["2", "2"]


def test_what_a_killed_process_left_is_not_written_into(tmp_path: Path) -> None:
    left = tmp_path / f".index.html.{os.getpid()}"
    elsewhere = tmp_path / "elsewhere"
    left.symlink_to(elsewhere)
    assert write_todo(tmp_path, [], as_of=DAY).stat().st_mode & 0o777 == 0o600
    assert not elsewhere.exists()
    assert not left.is_symlink()


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    page = write_todo(tmp_path / "todo", [], as_of=DAY).read_text(encoding="utf-8")
    assert WORDS["nothing"]["id"] in page
    assert WORDS["nothing"]["en"] in page


def test_the_same_list_gives_the_same_bytes() -> None:
    one, other = record("K1"), record("K2")
    pages = {render(TodoList("E1", records), as_of=DAY) for records in ((one, other), (other, one))}
    assert len(pages) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "todo").touch()
    with pytest.raises(LaktasiError, match="cannot be written"):
        write_todo(tmp_path / "todo", [], as_of=DAY)
