"""What our drawings share: colours, the frame of a figure, and numbers short enough for ten thousand marks.

Drawings carry presentation attributes, no styles: a page's content security policy needs no exception, and a page that
is sent without its style sheet still shows them. Each is drawn for the width of a phone, and not enlarged by much on a
desk, so that its letters have one size everywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

INK = "#1d2b2f"
SOFT = "#4c5d61"
FAINT = "#bccacd"
GRID = "#dfe7e8"
ACCENT = "#0f5f6b"
PALE = "#b5d0d3"
POOLED = "#a3480f"
MEAN = "#6b4fa0"

WIDTH = 360
FONT = 12
LOW, MIDDLE, HIGH = (240, 184, 135), (231, 236, 236), (111, 184, 189)
"""Of the lowest, a middle and the highest level; ink on each passes WCAG AA."""


def number(value: float) -> str:
    """Write a coordinate with one decimal at most."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def figure(name: str, title: str, about: str, height: float, parts: Sequence[str], note: str = "") -> str:
    """Put parts into a figure that says what it shows.

    Parameters
    ----------
    name
        Unique on the page: title and description are referred to by it.
    title, about
        What the figure is, and what it shows: read out in its place.
    note
        Printed below, so that it goes along when the figure is copied; may be empty.
    """
    if note:
        height += 18
        parts = [*parts, text(WIDTH / 2, height - 4, note, anchor="middle", fill=POOLED)]
    return (
        f'<svg viewBox="0 0 {WIDTH} {number(height)}" role="img" aria-labelledby="{name}-t {name}-d"'
        f' font-size="{FONT}" font-family="system-ui,sans-serif" fill="{INK}">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(about)}</desc>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, *, anchor: str = "", fill: str = "", weight: str = "") -> str:
    """Write words; x is where they begin, or as the anchor says."""
    given = {"text-anchor": anchor, "fill": fill, "font-weight": weight}
    more = "".join(f" {key}={quoteattr(value)}" for key, value in given.items() if value)
    return f'<text x="{number(x)}" y="{number(y)}"{more}>{escape(words)}</text>'


def path(d: str, stroke: str, width: float, *, dash: str = "", more: str = "") -> str:
    """Draw strokes that keep their width however the figure is stretched."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:.2g}"{dashed}'
        f' vector-effect="non-scaling-stroke"{more}/>'
    )


def short(words: str, length: int) -> str:
    """Cut words that do not fit their place; the table beside a figure has them whole."""
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


@functools.cache
def shades(levels: int) -> Sequence[str]:
    """Give the colours of ordered levels, lowest first; those who do not tell red from green tell them apart too."""
    if levels == 1:
        return [_hex(HIGH)]
    found = []
    for level in range(levels):
        place = 2 * level / (levels - 1)
        start, end, part = (LOW, MIDDLE, place) if place < 1 else (MIDDLE, HIGH, place - 1)
        found.append(_hex(tuple(round(a + (b - a) * part) for a, b in zip(start, end, strict=True))))
    return found


def _hex(color: tuple[int, ...]) -> str:
    return "#" + "".join(f"{part:02x}" for part in color)
