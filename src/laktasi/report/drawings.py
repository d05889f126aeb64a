"""From the content to its drawings: what is drawn, and in words what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from laktasi.report import bars, caterpillar, chart_map, intervals, numbers, svg, trend
from laktasi.report.caterpillar import Mark, Summary
from laktasi.report.model import Pair, PairAtPlace, Place
from laktasi.report.read import Kendall
from laktasi.report.results import Period, Position
from laktasi.report.words import Words

if TYPE_CHECKING:
    from markupsafe import Markup

TICKS = (-1.0, -0.5, 0.0, 0.5, 1.0)


def drawn(picture: str) -> Markup:
    """Take a drawing of ours into a page as it is."""
    from markupsafe import Markup

    return Markup(picture)  # noqa: S704 - our own drawing, its words escaped where it was made


def mark(result: Kendall) -> Mark:
    """Give what is drawn of a centre that has a tau_b."""
    assert result.tau_b is not None
    return Mark(result.tau_b, result.ci_low, result.ci_high)


def kind(result: Kendall | None) -> str:
    """Say where a centre's interval lies: ``above``, ``below`` or around zero (``unclear``), or nowhere (``none``)."""
    if result is None or result.tau_b is None:
        return "none"
    if result.ci_low is not None and result.ci_low > 0:
        return "above"
    return "below" if result.ci_high is not None and result.ci_high < 0 else "unclear"


def tick(words: Words, value: float) -> str:
    """Write a value on an axis."""
    return numbers.decimal(value, words.language, 1)


def bars_of(pair: Pair | PairAtPlace) -> bars.Drawing:
    """Draw the bars of a pair at one place, or over all centres."""
    ranks = [level.rank for level in pair.outcome.levels]
    return bars.prepare(
        f"bars-{pair.number}",
        [[pair.joint.at(level.rank, rank) for rank in ranks] for level in pair.exposure.levels],
    )


def picture(
    pair: Pair | PairAtPlace, drawing: bars.Drawing, words: Words, *, here: bool = False, note: str = ""
) -> Markup:
    """Show the bars of a pair, at one place (`here`) or over all centres."""
    exposure, outcome = names(pair, words)
    levels = [words.label(level.labels) for level in pair.exposure.levels]
    outcomes = [words.label(level.labels) for level in pair.outcome.levels]
    told = [_told(exposure, levels[level], counts, outcomes, words) for level, counts in drawing.bars]
    return drawn(
        bars.draw(
            f"{words.language}-bars-{pair.number}",
            words.plain("picture_at" if here else "picture", exposure=exposure, outcome=outcome),
            " ".join(told),
            drawing,
            levels,
            lambda n: f"{words.plain('n')} = {numbers.whole(n, words.language)}",
            note=note,
        )
    )


def _told(exposure: str, level: str, counts: Sequence[int], outcomes: Sequence[str], words: Words) -> str:
    total = sum(counts)
    parts = ", ".join(
        words.plain("bar_part", level=name, percent=numbers.percent(100 * n / total, words.language))
        for name, n in zip(outcomes, counts, strict=True)
    )
    n = numbers.whole(total, words.language)
    return words.plain("bar_alt", exposure=exposure, level=level, n=n, parts=parts)


def legend(pair: Pair | PairAtPlace, words: Words) -> list[tuple[Markup, str]]:
    """Give a swatch and a name for each level of the outcome, lowest first."""
    colors = svg.shades(len(pair.outcome.levels))
    return [
        (
            drawn(f'<svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill="{color}"/></svg>'),
            name,
        )
        for color, name in zip(colors, (words.label(level.labels) for level in pair.outcome.levels), strict=True)
    ]


def names(pair: Pair | PairAtPlace, words: Words) -> tuple[str, str]:
    """Name exposure and outcome."""
    return words.label(pair.exposure.labels, pair.exposure.name), words.label(pair.outcome.labels, pair.outcome.name)


def all_centres(pair: Pair) -> caterpillar.Drawing:
    """Draw all centres with a tau_b."""
    marks = [mark(result) for _, result in pair.estimates]
    return caterpillar.prepare(f"centres-{pair.number}", marks, summaries(pair))


def some_centres(pair: Pair) -> caterpillar.Drawing:
    """Draw as many centres as a centre's own page shows it among."""
    marks = caterpillar.sample([mark(result) for _, result in pair.estimates])
    return caterpillar.prepare(f"others-{pair.number}", marks, summaries(pair), faint=True)


def with_own(pair: Pair, drawing: caterpillar.Drawing, place: int, result: Kendall) -> caterpillar.Drawing:
    """Add a centre to the others.

    Parameters
    ----------
    place
        Its place among all centres with a tau_b, the one with most records first.
    """
    # Its own row among those that are drawn, which may be a part of all.
    row = place * max(drawing.rows - 1, 0) / max(len(pair.estimates) - 1, 1)
    return drawing.of(row, mark(result))


def overall(pair: Pair, drawing: caterpillar.Drawing, words: Words, *, note: str = "") -> Markup:
    """Show all centres of a pair."""
    exposure, outcome = names(pair, words)
    counts = {name: numbers.whole(getattr(pair, name), words.language) for name in ("above", "below", "unclear")}
    return drawn(
        caterpillar.draw(
            f"{words.language}-centres-{pair.number}",
            words.plain("caterpillar", exposure=exposure, outcome=outcome),
            words.plain("caterpillar_alt", used=numbers.whole(len(pair.estimates), words.language), **counts),
            drawing,
            summary_names(pair, words),
            lambda value: tick(words, value),
            note=note,
        )
    )


def among(pair: Pair, drawing: caterpillar.Drawing, result: Kendall, words: Words, *, note: str = "") -> Markup:
    """Show a centre among others."""
    pooled = pair.main
    return drawn(
        caterpillar.draw(
            f"{words.language}-among-{pair.number}",
            words.plain("place_among"),
            words.plain(
                "place_alt",
                tau=numbers.coefficient(result.tau_b, words.language),
                low=numbers.coefficient(result.ci_low, words.language),
                high=numbers.coefficient(result.ci_high, words.language),
                pooled=numbers.coefficient(pooled.tau_b if pooled else None, words.language),
            ),
            drawing,
            summary_names(pair, words),
            lambda value: tick(words, value),
            note=note,
        )
    )


def summaries(pair: Pair) -> list[Summary]:
    """Give the estimates over all centres: the mean of centres, and what is pooled within them."""
    found = []
    if pair.mean is not None and pair.mean.tau_b is not None:
        mean = Mark(pair.mean.tau_b, pair.mean.ci_low, pair.mean.ci_high)
        found.append(Summary(svg.MEAN, mean, _range(pair.mean.pi_low, pair.mean.pi_high)))
    if pair.main is not None and pair.main.tau_b is not None:
        found.append(Summary(svg.POOLED, Mark(pair.main.tau_b, pair.main.ci_low, pair.main.ci_high)))
    return found


def summary_names(pair: Pair, words: Words) -> list[str]:
    """Name the estimates of :func:`summaries`."""
    keys = {svg.MEAN: "summary_mean", svg.POOLED: "summary_pooled"}
    return [words.plain(keys[summary.color]) for summary in summaries(pair)]


def over_time(pair: Pair, words: Words, *, note: str = "") -> Markup:
    """Draw the estimates of a pair period by period."""
    found = [period.tau_b for period in pair.trend if period.tau_b is not None]
    unit = words.plain(f"unit_{pair.trend[0].unit}")
    return drawn(
        trend.draw(
            f"{words.language}-trend-{pair.number}",
            words.plain("trend_title", unit=unit),
            words.plain(
                "trend_alt",
                periods=len(pair.trend),
                first=period_name(pair.trend[0], words),
                last=period_name(pair.trend[-1], words),
                low=numbers.coefficient(min(found, default=None), words.language),
                high=numbers.coefficient(max(found, default=None), words.language),
            ),
            [trend.Moment(period_name(item, words), item.tau_b, item.ci_low, item.ci_high) for item in pair.trend],
            lambda value: tick(words, value),
            note=note,
        )
    )


def period_name(period: Period, words: Words) -> str:
    """Name a period: a day, month, quarter or year."""
    first = period.period
    if period.unit == "week":
        return numbers.day(first, words.language)
    if period.unit == "quarter":
        return f"{(first.month + 2) // 3}/{first.year}"
    return str(first.year) if period.unit == "year" else numbers.month(first, words.language)


def degrees(value: float, axis: str, words: Words, *, digits: int | None = None) -> str:
    """Write a latitude (``lat``) or longitude (``lon``)."""
    sides = {"lat": ("north", "south"), "lon": ("east", "west")}[axis]
    if digits is None:
        text = f"{abs(value):.2f}".rstrip("0").rstrip(".")
        text = text.replace(".", ",") if words.language == "id" else text
    else:
        text = numbers.decimal(abs(value), words.language, digits)
    return f"{text}°" if text == "0" else words.plain(sides[value < 0], n=text)


def points_of(
    positions: Sequence[tuple[Place, Position]], results: Mapping[str, Kendall], words: Words
) -> list[chart_map.Point]:
    """Give the points of the map.

    Parameters
    ----------
    results
        Of one pair, by centre.
    """
    return [
        chart_map.Point(
            words.place(place),
            spot.latitude,
            spot.longitude,
            place.arrivals.accepted,
            kind(results.get(spot.centre_code)),
        )
        for place, spot in positions
    ]


def on_map(points: Sequence[chart_map.Point], words: Words, *, note: str = "") -> Markup:
    """Draw where the centres lie."""
    latitudes, longitudes = [point.latitude for point in points], [point.longitude for point in points]
    ends = {
        "south": degrees(min(latitudes), "lat", words, digits=2),
        "north": degrees(max(latitudes), "lat", words, digits=2),
        "west": degrees(min(longitudes), "lon", words, digits=2),
        "east": degrees(max(longitudes), "lon", words, digits=2),
    }
    many = "_many" if len(points) > chart_map.SINGLE else ""
    return drawn(
        chart_map.draw(
            f"{words.language}-map",
            words.plain("map"),
            words.plain(f"map_alt{many}", n=numbers.whole(len(points), words.language), **ends),
            points,
            lambda value, axis: degrees(value, axis, words),
            note=note,
        )
    )


def map_key(used: Iterable[str], words: Words) -> list[tuple[Markup, str]]:
    """Give a swatch and a name for each kind of point that is on the map."""
    kinds = set(used)
    return [
        (
            drawn(
                '<svg viewBox="0 0 12 12" aria-hidden="true">'
                f'<circle cx="6" cy="6" r="5" fill="{fill}" stroke="{svg.INK}"/></svg>'
            ),
            words.plain(f"key_{name}"),
        )
        for name, fill in chart_map.FILLS.items()
        if name in kinds
    ]


def cell(
    tau_b: float | None,
    low: float | None,
    high: float | None,
    *,
    share: float = 0.3,
    attainable: tuple[float | None, float | None] = (None, None),
    pooled: float | None = None,
    diamond: bool = False,
) -> Markup:
    """Draw an estimate as the cell of a table, see :func:`laktasi.report.intervals.cell`."""
    if tau_b is None:
        return drawn("")
    return drawn(
        intervals.cell(
            tau_b,
            _range(low, high),
            share=share,
            attainable=_range(*attainable),
            pooled=pooled,
            diamond=diamond,
        )
    )


def axis(words: Words) -> Markup:
    """Draw the axis over a column of such cells."""
    return drawn(intervals.axis({value: tick(words, value) for value in TICKS}))


def _range(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
