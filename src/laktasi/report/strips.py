"""Small drawings of our own, as inline SVG: bars over time, and a rate with its interval.

They carry classes only, so a page's content security policy needs no exception, and no text: words and numbers stand
beside them in the page, where they keep their size on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from xml.sax.saxutils import quoteattr

MOST_BARS = 120
"""With more days, bars are weeks; with more weeks, months."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The bars of a page: one for each day, week or month, from the first to the last."""

    period: str
    """``day``, ``week`` or ``month``."""
    first: date
    last: date

    def position(self, day: date) -> int:
        """Say which bar a day belongs to."""
        if self.period == "month":
            return 12 * (day.year - self.first.year) + day.month - self.first.month
        days = (day - self.first).days
        return days // 7 if self.period == "week" else days

    @property
    def length(self) -> int:
        """The number of bars."""
        return self.position(self.last) + 1

    def heights(self, counts: Sequence[tuple[date, int]]) -> list[int]:
        """Add up counts by bar."""
        heights = [0] * self.length
        for day, count in counts:
            heights[self.position(day)] += count
        return heights


def calendar(first: date, last: date) -> Calendar:
    """Choose the period in which the days from first to last are not too many bars. Weeks begin on Monday."""
    if (last - first).days < MOST_BARS:
        return Calendar("day", first, last)
    monday = first - timedelta(days=first.weekday())
    weeks = Calendar("week", monday, last)
    return weeks if weeks.length <= MOST_BARS else Calendar("month", first.replace(day=1), last)


def bars(heights: Sequence[int], label: str = "", *, kind: str = "strip") -> str:
    """Draw bars, as high as the highest.

    Parameters
    ----------
    label
        What a reader who sees nothing is told; without one it is decoration beside the same facts in words.
    kind
        Class of the drawing.
    """
    most = max(heights, default=0) or 1
    # One path of upright strokes is a fraction of as many rectangles; a stretched stroke stays within its bar.
    strokes = "".join(
        f"M{position}.5 24v-{max(24 * height / most, 0.5):.3g}" for position, height in enumerate(heights) if height
    )
    about = f'role="img" aria-label={quoteattr(label)}' if label else 'aria-hidden="true"'
    return (
        f'<svg class="{kind}" viewBox="0 0 {max(len(heights), 1)} 24" preserveAspectRatio="none" {about}>'
        f'<path d="{strokes}"/></svg>'
    )


def interval(rate: float, low: float, high: float, overall: float, limit: float, differs: str | None) -> str:
    """Draw a rate with its interval, and the overall rate as an upright line; decoration beside the numbers.

    Parameters
    ----------
    limit
        The rate at the right edge.
    differs
        ``above``, ``below`` or None.
    """
    at = [f"{100 * min(value / limit, 1):.3g}" for value in (low, high, rate, overall)]
    mark = f" {differs}" if differs else ""
    return (
        f'<svg class="interval{mark}" viewBox="-2 0 104 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="all" d="M{at[3]} 0v10"/><path class="range" d="M{at[0]} 5H{at[1]}"/>'
        f'<path class="dot" d="M{at[2]} 2v6"/></svg>'
    )


def progress(done: int, accepted: int, target: int) -> str:
    """Draw how far a target is reached: the accepted part strong, the rest of what is done pale; decoration."""
    shares = [f"{100 * min(count / target, 1):.3g}" for count in (done, accepted)]
    return (
        '<svg class="progress" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="whole" d="M0 4H100"/><path class="done" d="M0 4H{shares[0]}"/>'
        f'<path class="accepted" d="M0 4H{shares[1]}"/></svg>'
    )
