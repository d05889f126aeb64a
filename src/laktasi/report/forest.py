"""The forest plot of tau_b by centre, as inline SVG that needs no style attributes, fonts or files.

Matplotlib draws it; what it writes is then thinned for a page with a strict content security policy: style attributes
become plain SVG attributes, text takes the page's own font, and ids (which would clash) go with what refers to them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS_PER_FIGURE = 45
"""So that a figure and its heading fit a printed page."""

INK = "#1d2b2f"
FAINT = "#bccacd"
GRID = "#dfe7e8"
ACCENT = "#0f5f6b"
POOLED = "#a3480f"

SVG = "http://www.w3.org/2000/svg"
POINTS = 72


@dataclass(frozen=True, slots=True)
class Line:
    """One centre: its name, and what is drawn and printed of it."""

    name: str
    n: int
    n_text: str
    estimate_text: str
    tau_b: float
    ci: tuple[float, float] | None
    attainable: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The pooled estimate."""

    name: str
    n_text: str
    estimate_text: str
    tau_b: float
    ci: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Words:
    """The words of the plot."""

    alt: str
    axis: str
    n: str
    estimate: str
    note: str
    """Printed below the axis, so that it goes along when the figure is copied; may be empty."""
    tick: Callable[[float], str]


def draw(lines: Sequence[Line], pooled: Summary | None, words: Words, *, narrow: bool) -> list[str]:
    """Draw the plot, on several figures where there are many centres.

    Parameters
    ----------
    lines
        Centres with a tau_b, in the order from top to bottom.
    pooled
        Drawn as a diamond at the foot of the last figure, and as a dashed line through each.
    words
        Texts, already in the reader's language.
    narrow
        Draw for a phone: the name above its interval instead of beside it.

    Returns
    -------
    list of str
        One ``<svg>`` element per figure, without width and height: the page decides.
    """
    chunks = [lines[start : start + ROWS_PER_FIGURE] for start in range(0, len(lines), ROWS_PER_FIGURE)]
    largest = max((line.n for line in lines), default=1)
    return [
        _thin(
            _figure(chunk, pooled, words, narrow=narrow, largest=largest, is_last=index == len(chunks) - 1),
            words.alt,
        )
        for index, chunk in enumerate(chunks)
    ]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Measures of one way of drawing, in points."""

    width: float
    row: float
    left: float
    """From the left edge to the axis at −1."""
    right: float
    """From the axis at 1 to the right edge."""
    font: float
    name_rise: float
    """How far above its interval a name stands."""


WIDE = _Layout(width=560, row=12, left=190, right=160, font=8.5, name_rise=0)
NARROW = _Layout(width=250, row=30, left=8, right=8, font=8.5, name_rise=13)
HEAD, FOOT = 18, 40


def _figure(
    lines: Sequence[Line], pooled: Summary | None, words: Words, *, narrow: bool, largest: int, is_last: bool
) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    layout = NARROW if narrow else WIDE
    has_summary = pooled is not None and is_last
    height = HEAD + FOOT + layout.row * (len(lines) + 1.3 * has_summary)
    options = {"svg.fonttype": "none", "svg.hashsalt": "laktasi", "font.size": layout.font, "text.parse_math": False}
    # The style that a user keeps for matplotlib must not change a report.
    with mpl.rc_context({**mpl.rcParamsDefault, **options}):
        figure = Figure(figsize=(layout.width / POINTS, height / POINTS))
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        axes = figure.add_axes(
            (
                layout.left / layout.width,
                FOOT / height,
                (layout.width - layout.left - layout.right) / layout.width,
                (height - HEAD - FOOT) / height,
            )
        )
        # Rows are counted in points from the top, so that text and intervals keep their distances.
        axes.set_xlim(-1.02, 1.02)
        axes.set_ylim(height - HEAD - FOOT, 0)
        _frame(axes, layout, words, pooled, len(lines) + has_summary, height - HEAD - FOOT)
        _rows(axes, layout, lines, largest)
        _head(axes, layout, words)
        if has_summary:
            assert pooled is not None
            _diamond(axes, layout, pooled, len(lines))
        if words.note:
            axes.text(0, height - HEAD - FOOT + FOOT - 5, words.note, ha="center", va="center", color=POOLED)
        out = io.BytesIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return out.getvalue().decode("utf-8")


def _frame(axes: Axes, layout: _Layout, words: Words, pooled: Summary | None, rows: int, bottom: float) -> None:
    ticks = [-1.0, -0.5, 0.0, 0.5, 1.0]
    # Where names stand above their intervals, lines keep to the intervals and leave the names readable.
    bands = [(0.0, bottom)]
    if layout.name_rise:
        bands = [(y - 7, y + 7) for y in (_place(layout, index) for index in range(rows))]

    def upright(places: Sequence[float], **how: Any) -> None:
        # One collection for all: matplotlib's cost is per artist.
        axes.vlines(*zip(*((x, low, high) for low, high in bands for x in places), strict=True), **how)

    upright(ticks, color=GRID, linewidth=0.7, zorder=0)
    upright([0.0], color=INK, linewidth=0.8, zorder=1)
    if pooled is not None:
        upright([pooled.tau_b], color=POOLED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    axes.set_axis_off()
    for tick in ticks:
        align = {-1.0: "left", 1.0: "right"}.get(tick, "center") if layout.name_rise else "center"
        axes.text(tick, bottom + 10, words.tick(tick), ha=align, va="center", color=INK)
    axes.text(0, bottom + 23, words.axis, ha="center", va="center", color=INK)


def _place(layout: _Layout, index: int) -> float:
    return (index + 0.5) * layout.row + layout.name_rise / 2


def _head(axes: Axes, layout: _Layout, words: Words) -> None:
    if layout.name_rise:
        axes.text(1.02, -9, f"{words.n} · {words.estimate}", ha="right", va="center", color=INK, weight="bold")
        return
    n_at, estimate_at = _columns(layout)
    axes.text(n_at, -9, words.n, ha="right", va="center", color=INK, weight="bold")
    axes.text(estimate_at, -9, words.estimate, ha="right", va="center", color=INK, weight="bold")


def _columns(layout: _Layout) -> tuple[float, float]:
    """Return where the columns right of the axis end, in units of the axis."""
    unit = _unit(layout)
    return 1.02 + 32 * unit, 1.02 + (layout.right - 2) * unit


def _unit(layout: _Layout) -> float:
    """Return how much of the axis is one point wide."""
    return 2.04 / (layout.width - layout.left - layout.right)


def _rows(axes: Axes, layout: _Layout, lines: Sequence[Line], largest: int) -> None:
    from matplotlib.collections import PolyCollection

    placed = [(_place(layout, index), line) for index, line in enumerate(lines)]
    ranges = [(y, *line.attainable) for y, line in placed if line.attainable is not None]
    intervals = [(y, *line.ci) for y, line in placed if line.ci is not None]
    for spans, color, width in ((ranges, FAINT, 1.0), (intervals, ACCENT, 2.0)):
        if spans:
            axes.hlines(*zip(*spans, strict=True), color=color, linewidth=width, zorder=2)
    squares = []
    for y, line in placed:
        # The area of a square goes with N.
        half = math.sqrt(10 + 38 * line.n / largest) / 2
        wide = half * _unit(layout)
        left, right = line.tau_b - wide, line.tau_b + wide
        squares.append([(left, y - half), (right, y - half), (right, y + half), (left, y + half)])
        _label(axes, layout, y, line.name, line.n_text, line.estimate_text)
    axes.add_collection(PolyCollection(squares, facecolor=ACCENT, linewidth=0, zorder=4), autolim=False)


def _diamond(axes: Axes, layout: _Layout, pooled: Summary, rows: int) -> None:
    y = _place(layout, rows) + (0 if layout.name_rise else 0.3 * layout.row)
    low, high = pooled.ci or (pooled.tau_b - 0.01, pooled.tau_b + 0.01)
    axes.fill([low, pooled.tau_b, high, pooled.tau_b], [y, y - 5, y, y + 5], color=POOLED, lw=0, zorder=4)
    _label(axes, layout, y, pooled.name, pooled.n_text, pooled.estimate_text, weight="bold")


def _label(axes: Axes, layout: _Layout, y: float, name: str, n: str, estimate: str, weight: str = "normal") -> None:
    font: dict[str, Any] = {"va": "center", "color": INK, "weight": weight}
    if layout.name_rise:
        axes.text(-1.02, y - layout.name_rise, _short(name, 22), ha="left", **font)
        axes.text(1.02, y - layout.name_rise, f"{n} · {estimate}", ha="right", **font)
        return
    n_at, estimate_at = _columns(layout)
    axes.text(-1.06, y, _short(name, 36), ha="right", **font)
    axes.text(n_at, y, n, ha="right", **font)
    axes.text(estimate_at, y, estimate, ha="right", **font)


def _short(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"


def _thin(svg: str, alt: str) -> str:
    """Make matplotlib's document an element of the page, with a title for those who cannot see it."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own, from matplotlib a moment ago
    view = root.get("viewBox", "")
    for element in root.iter():
        for child in list(element):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}defs"):
                element.remove(child)
        for declaration in element.attrib.pop("style", "").split(";"):
            key, _, value = declaration.partition(":")
            if key.strip() and key.strip() != "font-family":
                element.set(key.strip(), value.strip().removesuffix("px"))
        for name in ("id", "clip-path"):
            element.attrib.pop(name, None)
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        if "d" in element.attrib:
            element.set("d", " ".join(element.attrib["d"].split()))
        # Space between elements is only indentation.
        if element.tag != f"{{{SVG}}}text":
            element.text = None
        element.tail = None
    root.attrib = {"viewBox": view, "role": "img", "aria-label": alt}
    title = ElementTree.Element(f"{{{SVG}}}title")
    title.text = alt
    root.insert(0, title)
    return ElementTree.tostring(root, encoding="unicode")
