"""To-do lists: what each enumerator should look at again, on paper, since Collect shows neither state nor comment.

They hold study codes, days, questions and rules; no answer and no name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from laktasi.errors import LaktasiError
from laktasi.paths import keep_private
from laktasi.report.html import emphasised, hash_of, read_beside, templates, write_privately
from laktasi.report.numbers import MONTHS

Text = Mapping[str, str]
LANGUAGES = ("id", "en")
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at in a record."""

    question: Text
    """The question's label by language; empty where the rule is about several."""
    message: Text
    row: str = ""
    """Which one, in a repeat: ``2``."""
    is_computed: bool = False
    """The form fills it in by itself: nobody can correct it but by what it is made of."""


@dataclass(frozen=True, slots=True)
class Record:
    """One filled-in form that has something to look at."""

    code: str | None
    """The respondent's study code."""
    day: date | None
    centre: Text
    """Name of the health centre by language; empty where it is not known."""
    form: str
    """The form's title, as the phone shows it."""
    is_editable: bool
    """What was sent may be changed on the phone, and the server would take it."""
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class TodoList:
    """What one enumerator should look at."""

    enumerator: str | None
    """The enumerator's code; None: records that name nobody."""
    records: tuple[Record, ...]

    @property
    def items(self) -> int:
        """Count the things to look at."""
        return sum(len(record.items) for record in self.records)


WORDS: Mapping[str, Text] = {
    "title": {"id": "Daftar perbaikan", "en": "To-do list"},
    "index": {"id": "Daftar perbaikan semua petugas", "en": "To-do lists of all enumerators"},
    "enumerator": {"id": "Petugas", "en": "Enumerator"},
    "nobody": {"id": "tanpa kode petugas", "en": "no enumerator's code"},
    "as_of": {"id": "menurut pemeriksaan", "en": "as checked on"},
    "records": {"id": "Formulir", "en": "Forms"},
    "items": {"id": "Hal", "en": "Things"},
    "centres": {"id": "Tempat", "en": "Places"},
    "code": {"id": "Kode studi", "en": "Study code"},
    "no_day": {"id": "tanpa tanggal", "en": "no day"},
    "several": {"id": "Seluruh formulir", "en": "The form as a whole"},
    "row": {"id": "ke-", "en": "no. "},
    "nothing": {
        "id": "Tidak ada yang perlu diperiksa. Terima kasih!",
        "en": "There is nothing to look at. Thank you!",
    },
    "private": {
        "id": "Hanya untuk petugas ini dan pengelola data. Musnahkan setelah selesai.",
        "en": "For this enumerator and the data manager only. Destroy it when done.",
    },
    "manager": {"id": "Pengelola data", "en": "Data manager"},
    "phone": {"id": "Nomor HP", "en": "Phone"},
}
STEPS: tuple[Text, ...] = (
    {
        "id": "Setiap kotak adalah satu formulir. Carilah di HP menurut kode studi dan tanggalnya.",
        "en": "Each box is one form. Find it on the phone by its study code and day.",
    },
    {
        "id": "Lihat lagi catatan Anda, atau tanyakan lagi. Jangan mengarang jawaban.",
        "en": "Look at your notes, or ask again. Never invent an answer.",
    },
    {
        "id": "Isinya memang sudah benar? Jangan diubah; beri tahu pengelola data.",
        "en": "Is it right as it stands? Do not change it; tell the data manager.",
    },
    {
        "id": "Jangan mengisi formulir baru untuk orang yang sama.",
        "en": "Do not fill in a new form for the same person.",
    },
)
HOW: Mapping[bool, Text] = {
    True: {
        "id": "Buka formulir ini di **Terkirim** atau **Siap kirim**, tekan lambang pensil, perbaiki, kirim lagi.",
        "en": "Open this form in **Sent** or **Ready to send**, tap the pencil, correct it, send it again.",
    },
    False: {
        "id": "Jangan mengubah formulir ini di HP: **beri tahu pengelola data** isi yang benar.",
        "en": "Do not change this form on the phone: **tell the data manager** what is right.",
    },
}


COMPUTED: Mapping[bool, Text] = {
    True: {
        "id": "Ini terisi sendiri. Periksa jawaban yang menjadi asalnya: buka formulirnya, lanjutkan sampai halaman "
        "akhir, kirim lagi. Masih ada di daftar berikutnya? Beri tahu pengelola data.",
        "en": "This fills itself in. Check the answers that it comes from: open the form, go on to the last page, send "
        "it again. Still on the next list? Tell the data manager.",
    },
    False: {
        "id": "Ini terisi sendiri; beri tahu pengelola data.",
        "en": "This fills itself in; tell the data manager.",
    },
}
"""Of a computed value, by whether the form may be changed on the phone."""


def write_todo(folder: Path, lists: Sequence[TodoList], *, as_of: date, language: str = "id") -> Path:
    """Write one page for each enumerator, and one that leads to them; pages of an earlier time go.

    Parameters
    ----------
    folder
        Belongs to these lists alone. It and its files can be read by their owner only.
    as_of
        Day of the checks.
    language
        ``id`` or ``en``: what stands on the left. The other stands beside it.

    Returns
    -------
    Path
        The page that leads to all of them.

    Raises
    ------
    LaktasiError
        A file cannot be written.
    """
    names = file_names([item.enumerator for item in lists])
    named = {names[item.enumerator]: item for item in lists}
    pages = {name: render(item, as_of=as_of, language=language) for name, item in named.items()}
    pages[INDEX] = render_index(named, as_of=as_of, language=language)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep_private(folder)
        for name, page in pages.items():
            write_privately(folder / name, page)
        for stale in folder.glob("*.html"):
            if stale.name not in pages:
                stale.unlink()
    except OSError as error:
        raise LaktasiError(
            f"the to-do lists in {folder} cannot be written: {error.strerror or error}",
            next_step="free the folder, then run the same command again",
        ) from error
    return folder / INDEX


def file_names(codes: Sequence[str | None], pattern: str = "todo-{}.html") -> dict[str | None, str]:
    """Give each code of a person or place, which is an answer and may hold anything, a file name of its own."""
    names: dict[str | None, str] = {}
    taken: set[str] = set()
    for code in sorted(codes, key=lambda item: item or ""):
        safe = re.sub(r"[^A-Za-z0-9-]+", "-", code or "")[:40]
        # Not told apart by capitals alone: some systems do not see them.
        if (safe != code and code is not None) or safe.casefold() in taken:
            safe += f"_{hashlib.sha256((code or '').encode()).hexdigest()[:8]}"
        taken.add(safe.casefold())
        names[code] = pattern.format(safe)
    return names


def render(todo: TodoList, *, as_of: date, language: str = "id") -> str:
    """Make the page of one enumerator. The same list gives the same bytes."""
    records = sorted(todo.records, key=lambda record: (record.day or date.max, record.code or "", record.form))
    return _page("list", language, todo=todo, records=records, as_of=as_of)


def render_index(lists: Mapping[str, TodoList], *, as_of: date, language: str = "id") -> str:
    """Make the page that leads to the lists, by file name."""
    ordered = sorted(lists.items(), key=lambda item: (item[1].enumerator is None, item[1].enumerator or ""))
    return _page("index", language, lists=ordered, as_of=as_of)


def _page(kind: str, language: str, **given: Any) -> str:
    from markupsafe import Markup

    environment = templates()
    environment.filters["day_of"] = lambda language, value: _day(value, language)
    style = read_beside(environment, "todo.css")
    return environment.get_template("todo.html").render(
        kind=kind,
        languages=sorted(LANGUAGES, key=lambda item: item != language),
        words=WORDS,
        steps=STEPS,
        computed=COMPUTED,
        how={is_editable: emphasised(text) for is_editable, text in HOW.items()},
        in_language=_in_language,
        places=_places,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=hash_of(style),
        **given,
    )


def _day(value: date, language: str) -> str:
    return f"{value.day} {MONTHS[language].split()[value.month - 1]} {value.year}"


def _in_language(text: Text, language: str) -> str:
    for candidate in (language, "default", *LANGUAGES, *sorted(text)):
        if text.get(candidate):
            return text[candidate]
    return ""


def _places(todo: TodoList, language: str) -> list[str]:
    return sorted({place for record in todo.records if (place := _in_language(record.centre, language))})
