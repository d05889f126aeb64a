"""The page about people and places, from its content: words, numbers and small drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laktasi.report import numbers, people, strips
from laktasi.report.html import Site, templates
from laktasi.report.texts import LANGUAGES, TEXTS
from laktasi.report.words import Words

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = "people"
FEWEST = 10
"""As the warehouse has it: below so many records there is no interval."""


def render(content: people.Content, site: Site) -> str:
    """Make the page.

    Parameters
    ----------
    content
        What :func:`laktasi.report.people.read` gave.
    site
        The run it tells, its study, and the pages that lie beside it.
    """
    environment = templates()
    body = environment.get_template("people.html")
    return site.framed(
        environment,
        {name: site.title(HERE, Words(name)) for name in LANGUAGES},
        {name: body.render(_context(content, site, Words(name))) for name in LANGUAGES},
        styles=("report.css", "people.css"),
    )


def _context(content: people.Content, site: Site, words: Words) -> Mapping[str, Any]:
    language = words.language
    calendar = strips.calendar(content.days[0][0], content.days[-1][0]) if content.days else None

    def name(unit: people.Unit) -> str:
        return words.label(unit.labels, unit.work.code)

    def names(units: Sequence[people.Unit]) -> str:
        listed = ", ".join(name(unit) for unit in units[: people.NAMED])
        more = len(units) - people.NAMED
        return f"{listed} {words.text('marked_more', n=more)}" if more > 0 else listed

    def strip() -> Markup:
        assert calendar is not None
        heights = calendar.heights(content.days)
        # An alternative text is escaped where the SVG is written, so it is plain here.
        alt = TEXTS["strip_alt"][language].format(
            what=TEXTS[f"period_{calendar.period}"][language],
            first=numbers.day(content.days[0][0], language),
            last=numbers.day(content.days[-1][0], language),
            most=max(heights),
        )
        return _drawn(strips.bars(heights, alt))

    def spark(unit: people.Unit) -> Markup:
        return _drawn(strips.bars(calendar.heights(unit.days), kind="spark") if calendar else "")

    limits = {(group.kind, measure): group.limit(measure) for group in content.groups for measure in group.measures}

    def interval(rate: people.Rate) -> Markup:
        if rate.low is None or rate.high is None:
            return _drawn("")
        limit = limits[rate.kind, rate.measure]
        return _drawn(strips.interval(rate.rate, rate.low, rate.high, rate.overall, limit, rate.differs))

    def share(value: float | None) -> str:
        return numbers.percent(None if value is None else 100 * value, language)

    def between(low: float, high: float) -> str:
        """Write two shares as a range of percentages, the unit once."""
        return f"{share(low).removesuffix('%')}–{share(high)}"

    return {
        **site.context(HERE, words),
        "title": site.title(HERE, words),
        "content": content,
        "groups": [(group, group.shown) for group in content.groups],
        "calendar": calendar,
        "most": max(calendar.heights(content.days)) if calendar else 0,
        "name": name,
        "names": names,
        "reached": lambda units: sum(unit.work.included >= unit.work.target for unit in units),
        "strip": strip,
        "spark": spark,
        "interval_of": interval,
        "between": between,
        "progress": lambda work: _drawn(strips.progress(work.included, work.accepted, work.target)),
        "share": share,
        "day": words.number(numbers.day),
        "question": lambda item: words.label(content.questions.get((item.table_name, item.column_name))),
        "choice": lambda item: words.label(
            content.choices.get((item.table_name, item.column_name, item.value)), item.value
        ),
        "p": words.number(numbers.p_value),
        "few": FEWEST,
        "listed": people.LISTED,
    }


def _drawn(svg: str) -> Markup:
    from markupsafe import Markup

    return Markup(svg)  # noqa: S704 - our own drawing
