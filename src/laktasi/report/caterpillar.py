"""All centres' intervals in one drawing, those with most records on top: no names, no ranking, and light for thousands.

What is drawn holds no words, so that both languages of a page share it; each adds its own. A centre's own page shows it
among a part of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from laktasi.report import svg

ROW, TALLEST = 9.0, 400.0
TOP, LEFT = 6.0, 12.0
SCALE = (svg.WIDTH - 2 * LEFT) / 400
"""Units of a drawing for one of a path, in which 400 make the way from -1 to 1."""
SUMMARY = 34.0
AXIS = 34.0
OTHERS = 60
"""On a page of its own, a centre stands among so many others at most."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A tau_b and its interval."""

    tau_b: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One estimate over all centres, drawn below them; its wider interval is where the next centre may lie."""

    color: str
    mark: Mark
    wider: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """What both languages share."""

    key: str
    """Names it on the page."""
    rows: int
    summaries: Sequence[Summary]
    shapes: str

    @property
    def pitch(self) -> float:
        """How far a row is from the next."""
        return min(ROW, TALLEST / max(self.rows, 1))

    @property
    def bottom(self) -> float:
        """Where the centres end and the estimates over all of them begin."""
        return TOP + self.pitch * self.rows + 4

    @property
    def end(self) -> float:
        """Where the axis stands."""
        return self.bottom + SUMMARY * len(self.summaries)

    @property
    def definition(self) -> str:
        """The shapes, to be defined once on a page."""
        return f'<g id="{self.key}">{self.shapes}</g>'

    def of(self, place: float, mark: Mark) -> Drawing:
        """Add the centre that a page is about.

        Parameters
        ----------
        place
            Where it stands among the rows; the first is 0.
        """
        y = svg.number(TOP + self.pitch * (place + 0.5))
        parts = []
        if mark.low is not None and mark.high is not None:
            line = f"M{_at(mark.low)} {y}H{_at(mark.high)}"
            parts = [svg.path(line, "#fff", 9), svg.path(line, svg.ACCENT, 5)]
        parts.append(f'<circle cx="{_at(mark.tau_b)}" cy="{y}" r="6" fill="{svg.ACCENT}" stroke="#fff"/>')
        return replace(self, shapes=self.shapes + "".join(parts))


def sample(marks: Sequence[Mark]) -> list[Mark]:
    """Choose at most `OTHERS` centres, evenly from the first to the last."""
    if len(marks) <= OTHERS:
        return list(marks)
    return [marks[round(step * (len(marks) - 1) / (OTHERS - 1))] for step in range(OTHERS)]


def prepare(key: str, marks: Sequence[Mark], summaries: Sequence[Summary], *, faint: bool = False) -> Drawing:
    """Draw centres from top to bottom, without words.

    Parameters
    ----------
    faint
        The centres are the ground for one that is added.
    """
    drawing = Drawing(key, len(marks), summaries, "")
    pitch, end = drawing.pitch, svg.number(drawing.end)
    grid = "".join(f"M{_at(t)} {TOP:g}V{end}" for t in (-1, -0.5, 0.5, 1))
    parts = [svg.path(grid, svg.GRID, 1), svg.path(f"M{_at(0)} {TOP:g}V{end}", svg.INK, 1)]
    intervals, dots = _Pen(), _Pen()
    for row, mark in enumerate(marks):
        if mark.low is not None and mark.high is not None:
            intervals.stroke(_units(mark.low), row, _units(mark.high) - _units(mark.low))
        dots.stroke(_units(mark.tau_b), row, 0)
    # Of very many, lines lie closer than they are wide; thin ones still let the densest part show.
    wide = max(min(0.5 * pitch, 2.5), 0.35)
    place = f'transform="translate({LEFT:g} {svg.number(TOP + pitch / 2)}) scale({SCALE:.4g} {pitch:.4g})"'
    # Where lines melt into a ground, the dots are what is seen.
    colors = (svg.FAINT, svg.SOFT) if faint else (svg.PALE, svg.ACCENT) if pitch < 1 else (svg.ACCENT, svg.INK)
    line = svg.path(str(intervals), colors[0], wide)
    dot = svg.path(str(dots), colors[1], max(1.6 * wide, 1), more=' stroke-linecap="round"')
    parts.append(f"<g {place}>{line}{dot}</g>")
    for summary in summaries:
        parts.append(svg.path(f"M{_at(summary.mark.tau_b)} {TOP:g}V{end}", summary.color, 1, dash="4 3"))
    for number, summary in enumerate(summaries):
        parts.append(_summary(summary, drawing.bottom + SUMMARY * number))
    return replace(drawing, shapes="".join(parts))


def draw(
    name: str,
    title: str,
    about: str,
    drawing: Drawing,
    summaries: Sequence[str],
    tick: Callable[[float], str],
    *,
    note: str = "",
) -> str:
    """Show a drawing whose definition is on the page, with the words of one language.

    Parameters
    ----------
    summaries
        Names of the estimates over all centres.
    """
    parts = [f'<use href="#{drawing.key}"/>']
    for number, (summary, words) in enumerate(zip(drawing.summaries, summaries, strict=True)):
        y = drawing.bottom + SUMMARY * number + 14
        ground = f'<rect y="{svg.number(y - 11)}" width="{7 * len(words)}" height="15" fill="#fff"/>'
        parts += [ground, svg.text(0, y, words, fill=summary.color, weight="600")]
    for value in (-1.0, -0.5, 0.0, 0.5, 1.0):
        anchor = {-1.0: "", 1.0: "end"}.get(value, "middle")
        x = {-1.0: 0.0, 1.0: float(svg.WIDTH)}.get(value, LEFT + (value + 1) * 200 * SCALE)
        parts.append(svg.text(x, drawing.end + 14, tick(value), anchor=anchor))
    parts.append(svg.text(svg.WIDTH / 2, drawing.end + 29, "tau_b", anchor="middle", fill=svg.SOFT))
    return svg.figure(name, title, about, drawing.end + AXIS, parts, note)


def _summary(summary: Summary, top: float) -> str:
    y, mark = top + 25, summary.mark
    low, high = (mark.tau_b if end is None else end for end in (mark.low, mark.high))
    wider = ""
    if summary.wider is not None:
        ends = [_at(max(-1.0, min(1.0, end))) for end in summary.wider]
        wider = svg.path(f"M{ends[0]} {svg.number(y)}H{ends[1]}", summary.color, 2)
    above, level, below = (svg.number(y + shift) for shift in (-5, 0, 5))
    # A very narrow interval is still to be seen.
    d = f"M{_at(low, -1)} {level}L{_at(mark.tau_b)} {above}L{_at(high, 1)} {level}L{_at(mark.tau_b)} {below}z"
    return f'{wider}<path d="{d}" fill="{summary.color}"/>'


def _at(value: float, shift: float = 0) -> str:
    return svg.number(LEFT + (value + 1) * 200 * SCALE + shift)


def _units(value: float) -> int:
    return round((value + 1) * 200)


class _Pen:
    """Writes level strokes with moves from one to the next: a fraction of the length of coordinates."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._x = self._y = 0

    def stroke(self, x: int, y: int, length: int) -> None:
        across, down = x - self._x, y - self._y
        self._parts.append(f"m{across}{'' if down < 0 else ' '}{down}h{length}")
        self._x, self._y = x + length, y

    def __str__(self) -> str:
        return "".join(self._parts)
