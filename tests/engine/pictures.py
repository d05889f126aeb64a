"""Draw the form's screens for docs/enumerators.md: ``python -m tests.engine.pictures`` writes docs/pictures/ anew.

What stands on a screen (questions, hints, choices, messages) comes from the phone's own form engine, in the language of
the interview. How Collect draws it (colours, letters, buttons) is imitated, and simpler.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

from tests.engine.engine import Filled, Form
from tests.engine.interview import Question, Value
from tests.engine.preload import Meta
from tests.engine.sample import centres, fielded_forms
from tests.engine.visits import VERSION, schedule

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
LANGUAGES = {"id": "Bahasa Indonesia (id)", "en": "English (en)"}
TICK = "OK"
TITLE = "Kunjungan ibu nifas"
WIDTH, MARGIN, LINE = 360, 18, 19
INK, SOFT, ACCENT, RULE, ALERT = "#1a1a1a", "#5c5c5c", "#1f6f8b", "#c9ced2", "#8c1d18"

WORDS = {
    "id": {"next": "Selanjutnya", "back": "Kembali", "say": "Pesan dari HP"},
    "en": {"next": "Next", "back": "Back", "say": "Message on the phone"},
}


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen: which questions stand on it, and what has been answered until then."""

    name: str
    caption: Mapping[str, str]
    paths: tuple[str, ...]
    answers: Mapping[str, Value]
    """What differs from a usual first visit."""


SCREENS = (
    Screen(
        "consent",
        {"id": "Persetujuan: bacakan, lalu catat jawaban ibu", "en": "Consent: read it out, then record the answer"},
        ("consent/information", "consent/given"),
        {},
    ),
    Screen(
        "visit",
        {"id": "Kunjungan: tanggal, puskesmas, kode petugas", "en": "The visit: date, health centre, your code"},
        ("visit/date", "visit/centre", "visit/enumerator", "visit/round"),
        {},
    ),
    Screen(
        "code",
        {"id": "Dua angka kode studi tertukar: HP menolaknya", "en": "Two digits swapped: the phone refuses the code"},
        ("mother/code_entry", "mother/code_typed"),
        {"mother/code_entry": "type", "mother/code_typed": "0000000159"},
    ),
    Screen(
        "required",
        {"id": "Pertanyaan wajib yang masih kosong", "en": "A required question left empty"},
        ("obstetric/gravida", "obstetric/parity"),
        {"obstetric/gravida": ""},
    ),
    Screen(
        "stop",
        {"id": "BERHENTI: ibu ini tidak dipijat hari ini", "en": "STOP: no massage for this mother today"},
        ("screening/stop", "screening/stop_read"),
        {
            "screening/open_wound": "no",
            "screening/blood_disorder": "unknown",
            "screening/medication": "no",
            "screening/stop_read": TICK,
            "massage/taught_today": None,
        },
    ),
    Screen(
        "milk",
        {"id": "Produksi ASI: nilai dulu menurut pengamatan", "en": "Milk production: first judge by observation"},
        ("milk/observed",),
        {},
    ),
    Screen(
        "signs",
        {"id": "Sepuluh tanda, satu per satu", "en": "The ten signs, one by one"},
        ("milk/signs/breasts_full", "milk/signs/leaking", "milk/signs/let_down"),
        {},
    ),
)


def usual_answers() -> dict[str, Value]:
    """Give the answers of one synthetic first visit with nothing wrong in it."""
    visit = next(
        visit
        for visit in schedule(centres())
        if visit.version == VERSION
        and visit.answers.get("visit/round") == "first"
        and visit.answers.get("consent/given") == "yes"
        and visit.answers.get("visit/centre") != "mopuya"  # the one real name
        and not visit.faults
    )
    return dict(visit.answers)


def interview(form: Form, screen: Screen, language: str, usual: Mapping[str, Value]) -> Filled:
    """Fill the form up to its end with the answers of this screen."""
    meta = Meta(today=f"{usual.get('visit/date') or date(2026, 10, 20)}")
    return form.fill({**usual, **screen.answers}, language=LANGUAGES[language], meta=meta)


class Drawing:
    """Lines of SVG from top to bottom."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 0.0

    def text(self, words: str, *, size: int = 15, colour: str = INK, weight: str = "400", indent: int = 0) -> None:
        """Write words, broken where the screen ends."""
        letters = int((WIDTH - 2 * MARGIN - 2 * indent) / (size * (0.5 if weight == "400" else 0.53)))
        for line in textwrap.wrap(words, letters) or [""]:
            self.y += LINE if size >= 14 else LINE - 3
            self.parts.append(
                f'<text x="{MARGIN + indent}" y="{self.y:.0f}" font-size="{size}" font-weight="{weight}"'
                f' fill="{colour}">{escape(line)}</text>'
            )

    def box(self, words: str) -> None:
        """Draw what is typed into a question."""
        top = self.y + 8
        self.parts.append(
            f'<rect x="{MARGIN}" y="{top:.0f}" width="{WIDTH - 2 * MARGIN}" height="30" rx="4" fill="#fff"'
            f' stroke="{RULE}"/>'
        )
        self.parts.append(
            f'<text x="{MARGIN + 10}" y="{top + 20:.0f}" font-size="15" fill="{INK}">{escape(words)}</text>'
        )
        self.y = top + 34

    def choice(self, words: str, *, is_chosen: bool) -> None:
        """Draw a choice of a select question."""
        middle = self.y + 15
        dot = f'<circle cx="{MARGIN + 9}" cy="{middle:.0f}" r="4" fill="{ACCENT}"/>' if is_chosen else ""
        self.parts.append(
            f'<circle cx="{MARGIN + 9}" cy="{middle:.0f}" r="8" fill="none" stroke="{ACCENT}" stroke-width="1.6"/>{dot}'
        )
        self.text(words, indent=28)
        self.y += 4

    def tick(self) -> None:
        """Draw a ticked box: an acknowledgement that was given."""
        top = self.y + 8
        self.parts.append(
            f'<rect x="{MARGIN}" y="{top:.0f}" width="18" height="18" rx="3" fill="{ACCENT}"/>'
            f'<path d="M{MARGIN + 4} {top + 9:.0f}l4 4 7-8" fill="none" stroke="#fff" stroke-width="2"/>'
            f'<text x="{MARGIN + 28}" y="{top + 14:.0f}" font-size="15" fill="{INK}">{TICK}</text>'
        )
        self.y = top + 22

    def space(self, height: float) -> None:
        """Leave some room."""
        self.y += height


def draw(screen: Screen, filled: Filled, language: str, answers: Mapping[str, Value]) -> str:
    """Draw a screen as SVG, with its caption as title for those who cannot see it."""
    by_path = {question.path: question for question in filled.questions}
    shown = [by_path[path] for path in screen.paths if path in by_path]
    assert [question.path for question in shown] == list(screen.paths), (screen.name, sorted(by_path))
    said = [refusal.message for refusal in filled.refusals if refusal.path in screen.paths]
    drawing = Drawing()
    drawing.y = 58
    for question in shown:
        _question(drawing, question, {**answers, **screen.answers}.get(question.path))
    words = WORDS[language]
    if said:
        drawing.space(6)
        top = drawing.y
        drawing.text(words["say"], size=12, colour=ALERT, indent=10)
        drawing.text(said[0], size=14, colour=ALERT, weight="600", indent=10)
        drawing.parts.insert(
            0,
            f'<rect x="{MARGIN}" y="{top:.0f}" width="{WIDTH - 2 * MARGIN}" height="{drawing.y - top + 10:.0f}" rx="6"'
            f' fill="#fdecea" stroke="{ALERT}"/>',
        )
        drawing.space(12)
    height = drawing.y + 64
    bar = (
        f'<rect width="{WIDTH}" height="46" fill="{ACCENT}"/>'
        f'<text x="{MARGIN}" y="29" font-size="17" font-weight="600" fill="#fff">{escape(TITLE)}</text>'
    )
    foot = (
        f'<line x1="0" x2="{WIDTH}" y1="{height - 42:.0f}" y2="{height - 42:.0f}" stroke="{RULE}"/>'
        f'<text x="{MARGIN}" y="{height - 16:.0f}" font-size="14" fill="{ACCENT}">‹ {words["back"]}</text>'
        f'<text x="{WIDTH - MARGIN}" y="{height - 16:.0f}" font-size="14" fill="{ACCENT}"'
        f' text-anchor="end">{words["next"]} ›</text>'
    )
    caption = escape(screen.caption[language])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {WIDTH + 8} {height + 8:.0f}" width="300" role="img"'
        f' aria-labelledby="t" lang="{language}" font-family="Roboto, \'Noto Sans\', Arial, sans-serif">'
        f'<title id="t">{caption}</title>'
        f'<rect x="-2" y="-2" width="{WIDTH + 4}" height="{height + 4:.0f}" rx="14" fill="#fbfbfb" stroke="#2b2b2b"'
        f' stroke-width="3"/>{bar}\n' + "\n".join(drawing.parts) + f"\n{foot}</svg>\n"
    )


def _question(drawing: Drawing, question: Question, answer: Value) -> None:
    drawing.text(("* " if question.is_required else "") + question.label, weight="600")
    if question.hint:
        drawing.text(question.hint, size=13, colour=SOFT)
    drawing.space(4)
    chosen = str(answer).split() if answer is not None else []
    if question.choices and len(question.choices) <= 6:
        for value, label in question.choices:
            drawing.choice(label, is_chosen=value in chosen)
    elif question.choices:
        drawing.box("▾ " + next((label for value, label in question.choices if value in chosen), ""))
    elif answer == TICK:
        drawing.tick()
    elif not question.is_readonly:
        drawing.box("" if answer is None else str(answer))
    drawing.space(14)


def draw_all() -> dict[str, str]:
    """Give every picture by the name of its file."""
    form = fielded_forms().loaded[VERSION]
    usual = usual_answers()
    return {
        f"{screen.name}-{language}.svg": draw(screen, interview(form, screen, language, usual), language, usual)
        for screen in SCREENS
        for language in LANGUAGES
    }


def write() -> None:
    """Write the pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name, picture in draw_all().items():
        (PICTURES / name).write_text(picture, encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    write()
