"""Bars of one variable's shares by the levels of another: what a table of counts looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laktasi.report import svg

BAR, LABEL, GAP = 26, 18, 10
FITS = 38
"""A share is written into its part of the bar where this is wide enough."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One bar for each level of the exposure that anybody has, parted by the levels of the outcome, lowest first.

    Holds no words but for round shares, so that both languages of a page share it.
    """

    key: str
    """Names it on the page."""
    bars: Sequence[tuple[int, Sequence[int]]]
    """Which level of the exposure, counted from 0, and how many of its records have each level of the outcome."""

    @property
    def definition(self) -> str:
        """The shapes, to be defined once on a page."""
        return f'<g id="{self.key}">{"".join(self._bar(row, counts) for row, (_, counts) in enumerate(self.bars))}</g>'

    def _bar(self, row: int, counts: Sequence[int]) -> str:
        total, left = sum(counts), 0.0
        top = row * (LABEL + BAR + GAP) + LABEL
        rectangles, shares = "", ""
        for n, color in zip(counts, svg.shades(len(counts)), strict=True):
            wide = svg.WIDTH * n / total
            if n:
                across = svg.number(wide)
                rectangles += f'<path d="M{svg.number(left)} {top}h{across}v{BAR}h-{across}z" fill="{color}"/>'
            if wide >= FITS:
                shares += svg.text(left + wide / 2, top + BAR / 2 + 4, f"{100 * n / total:.0f}%")
            left += wide
        return f'<g stroke="#fff" stroke-width="1.5">{rectangles}</g><g text-anchor="middle">{shares}</g>'


def prepare(key: str, counts: Sequence[Sequence[int]]) -> Drawing:
    """Draw the bars of a table of counts, by level of the exposure and of the outcome."""
    return Drawing(key, [(level, row) for level, row in enumerate(counts) if sum(row)])


def draw(
    name: str,
    title: str,
    about: str,
    drawing: Drawing,
    labels: Sequence[str],
    count: Callable[[int], str],
    *,
    note: str = "",
) -> str:
    """Show bars whose definition is on the page, with the words of one language.

    Parameters
    ----------
    labels
        Of the levels of the exposure.
    count
        Writes how many records a bar stands for.
    """
    names, totals = "", ""
    for row, (level, counts) in enumerate(drawing.bars):
        y = row * (LABEL + BAR + GAP) + 13
        names += svg.text(0, y, svg.short(labels[level], 42))
        totals += svg.text(svg.WIDTH, y, count(sum(counts)))
    parts = [
        f'<use href="#{drawing.key}"/>',
        f'<g font-weight="600">{names}</g><g text-anchor="end" fill="{svg.SOFT}">{totals}</g>',
    ]
    return svg.figure(name, title, about, len(drawing.bars) * (LABEL + BAR + GAP), parts, note)
