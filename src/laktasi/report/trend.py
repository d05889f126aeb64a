"""An estimate with its interval, period by period."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from laktasi.report import svg

TALL, LEFT, TOP, FOOT = 200.0, 34.0, 8.0, 22.0
LETTER = 7.5
"""Room for one in the name of a period."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One period; without an estimate it is a gap."""

    name: str
    tau_b: float | None
    low: float | None
    high: float | None


def draw(
    name: str,
    title: str,
    about: str,
    moments: Sequence[Moment],
    tick: Callable[[float], str],
    *,
    note: str = "",
) -> str:
    """Draw the periods from left to right, on an axis from -1 to 1."""
    right = svg.WIDTH - 6
    step = (right - LEFT) / max(len(moments), 1)
    parts = [
        svg.path("".join(f"M{LEFT:g} {_at(t)}H{svg.number(right)}" for t in (-1, -0.5, 0.5, 1)), svg.GRID, 1),
        svg.path(f"M{LEFT:g} {_at(0)}H{svg.number(right)}", svg.INK, 1),
    ]
    for value in (-1.0, -0.5, 0.0, 0.5, 1.0):
        parts.append(svg.text(LEFT - 6, float(_at(value)) + 4, tick(value), anchor="end"))
    lines: list[str] = []
    for index, moment in enumerate(moments):
        x = LEFT + step * (index + 0.5)
        if moment.tau_b is not None:
            if moment.low is not None and moment.high is not None:
                parts.append(svg.path(f"M{svg.number(x)} {_at(moment.low)}V{_at(moment.high)}", svg.ACCENT, 2.5))
            parts.append(f'<circle cx="{svg.number(x)}" cy="{_at(moment.tau_b)}" r="4" fill="{svg.ACCENT}"/>')
        joined = moment.tau_b is not None and index > 0 and moments[index - 1].tau_b is not None
        if moment.tau_b is not None:
            lines.append(f"{'L' if joined else 'M'}{svg.number(x)} {_at(moment.tau_b)}")
    parts.append(svg.path("".join(lines), svg.ACCENT, 1))
    # Names from the last one backwards, which is asked for first: as many as there is room for.
    free = float(svg.WIDTH)
    for index in reversed(range(len(moments))):
        half = LETTER * len(moments[index].name) / 2
        middle = min(LEFT + step * (index + 0.5), svg.WIDTH - half)
        if middle + half <= free:
            parts.append(svg.text(middle, TOP + TALL + 16, moments[index].name, anchor="middle", fill=svg.SOFT))
            free = middle - half - LETTER
    return svg.figure(name, title, about, TOP + TALL + FOOT, parts, note)


def _at(value: float) -> str:
    return svg.number(TOP + (1 - max(-1.0, min(1.0, value))) * TALL / 2)
