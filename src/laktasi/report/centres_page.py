"""The list of health centres: what came in from each, where they lie, and the way to the page of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from laktasi.report import drawings
from laktasi.report.centre_files import FOLDER
from laktasi.report.chart_map import SINGLE
from laktasi.report.html import Site, templates
from laktasi.report.model import Place, Report
from laktasi.report.page import tools
from laktasi.report.texts import LANGUAGES
from laktasi.report.words import Words

HERE = "centres"
PART = 100
"""More centres stand in parts of so many, each under its first and last name, that open when they are asked for."""


def render(report: Report, site: Site) -> str:
    """Make the page."""
    environment = templates()
    body = environment.get_template("centres.html")
    return site.framed(
        environment,
        {name: site.title(HERE, Words(name)) for name in LANGUAGES},
        {name: body.render(_context(report, site, Words(name))) for name in LANGUAGES},
    )


def _context(report: Report, site: Site, words: Words) -> Mapping[str, Any]:
    shared = site.context(HERE, words)
    places = {place.code: place for place in report.centres}
    positions = [
        (places[spot.centre_code], spot) for spot in report.content.results.positions if spot.centre_code in places
    ]
    first = report.pairs[0] if report.pairs else None
    results = {result.centre_code: result for _, result in first.estimates} if first else {}
    kinds = {drawings.kind(results.get(place.code or "")) for place, _ in positions}
    ordered = in_order(report.centres, words)
    note = words.plain("synthetic") if shared["notice"] else ""
    return {
        **shared,
        **tools(words),
        "report": report,
        "content": report.content,
        "title": site.title(HERE, words),
        "folder": FOLDER,
        "parts": [ordered[start : start + PART] for start in range(0, len(ordered), PART)],
        "positions": positions,
        "map": drawings.on_map(positions, results, words, note=note) if positions else "",
        "map_key": drawings.map_key(kinds, words),
        "map_pair": first,
        "map_listed": len(positions) <= SINGLE,
        "degrees": lambda value, axis: drawings.degrees(value, axis, words, digits=3),
    }


def in_order(places: Sequence[Place], words: Words) -> list[Place]:
    """Sort centres by name, numbers in names by their size."""

    def key(place: Place) -> tuple[list[tuple[int, int, str]], str]:
        parts = re.split(r"(\d+)", words.place(place).casefold())
        return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts], place.code or ""

    return sorted(places, key=key)
