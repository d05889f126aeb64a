"""An estimate with its interval as a cell of a table: the table is the forest plot, and can be read without seeing it.

They carry classes only, as `laktasi.report.strips`; the numbers stand in the cell beside.
"""

from __future__ import annotations

import math

AXIS = 100
"""From 0 to 1."""


def cell(
    tau_b: float,
    interval: tuple[float, float] | None,
    *,
    share: float = 0.3,
    attainable: tuple[float, float] | None = None,
    pooled: float | None = None,
    diamond: bool = False,
) -> str:
    """Draw one row.

    Parameters
    ----------
    share
        Of the largest N in the table: the area of the square goes with it.
    attainable
        What the margins allow: a faint line behind the interval.
    pooled
        A dashed line through all rows.
    diamond
        Draw an estimate over several centres: its interval is a diamond, its `attainable` where the next may lie.
    """
    parts = ['<path class="zero" d="M0 0v20"/>']
    if pooled is not None:
        parts.append(f'<path class="pooled" d="M{_at(pooled)} 0v20"/>')
    if attainable is not None:
        parts.append(f'<path class="range" d="M{_at(attainable[0])} 10H{_at(attainable[1])}"/>')
    if diamond:
        low, high = interval or (tau_b - 0.01, tau_b + 0.01)
        parts.append(f'<path class="mean" d="M{_at(low)} 10L{_at(tau_b)} 4L{_at(high)} 10L{_at(tau_b)} 16z"/>')
    else:
        if interval is not None:
            parts.append(f'<path class="line" d="M{_at(interval[0])} 10H{_at(interval[1])}"/>')
        half = math.sqrt(10 + 70 * share) / 2
        parts.append(
            f'<path class="dot" d="M{_at(tau_b)} {10 - half:.3g}v{2 * half:.3g}" stroke-width="{2 * half:.3g}"/>'
        )
    return f'<svg class="estimate" viewBox="-104 0 208 20" aria-hidden="true">{"".join(parts)}</svg>'


def axis(ticks: dict[float, str]) -> str:
    """Draw the axis, to stand in the head of the column."""
    anchors = {-1.0: "start", 1.0: "end"}
    words = "".join(
        f'<text x="{_at(value) if value not in anchors else 104 * value:}" y="15"'
        f' text-anchor="{anchors.get(value, "middle")}">{text}</text>'
        for value, text in ticks.items()
    )
    return f'<svg class="estimate" viewBox="-104 0 208 20" aria-hidden="true">{words}</svg>'


def _at(value: float) -> str:
    return f"{AXIS * max(-1.0, min(1.0, value)):.3g}"
