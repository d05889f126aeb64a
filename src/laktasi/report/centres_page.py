"""The list of health centres: what came in from each, where they lie, and the way to the page of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from laktasi.report import chart_map, drawings
from laktasi.report.centre_files import FOLDER
from laktasi.report.html import Site, templates
from laktasi.report.model import Place, Report
from laktasi.report.page import tools
from laktasi.report.results import Position
from laktasi.report.texts import LANGUAGES
from laktasi.report.words import Words

HERE = "centres"
PART = 100
"""More centres stand in parts of so many, each under its first and last name, that open when they are asked for."""


def render(report: Report, site: Site) -> str:
    """Make the page."""
    environment = templates()
    body = environment.get_template("centres.html")
    places = {place.code: place for place in report.centres}
    positions = [
        (places[spot.centre_code], spot) for spot in report.content.results.positions if spot.centre_code in places
    ]
    results = {result.centre_code: result for _, result in report.pairs[0].estimates} if report.pairs else {}
    points = {name: drawings.points_of(positions, results, Words(name)) for name in LANGUAGES}
    return site.framed(
        environment,
        {name: site.title(HERE, Words(name)) for name in LANGUAGES},
        {
            name: body.render(
                _context(report, site, Words(name)) | _map(report, site, positions, points[name], Words(name))
            )
            for name in LANGUAGES
        },
        shapes=chart_map.definition(points[LANGUAGES[0]]),
    )


def _context(report: Report, site: Site, words: Words) -> dict[str, Any]:
    ordered = in_order(report.centres, words)
    return {
        **site.context(HERE, words),
        **tools(words),
        "report": report,
        "content": report.content,
        "title": site.title(HERE, words),
        "folder": FOLDER,
        "parts": [ordered[start : start + PART] for start in range(0, len(ordered), PART)],
    }


def _map(
    report: Report,
    site: Site,
    positions: Sequence[tuple[Place, Position]],
    points: Sequence[chart_map.Point],
    words: Words,
) -> dict[str, Any]:
    note = words.plain("synthetic") if site.study and site.study.synthetic else ""
    return {
        "positions": positions,
        "map": drawings.on_map(points, words, note=note) if points else "",
        "map_key": drawings.map_key((point.kind for point in points), words),
        "map_pair": report.pairs[0] if report.pairs else None,
        "map_listed": len(points) <= chart_map.SINGLE,
        "degrees": lambda value, axis: drawings.degrees(value, axis, words, digits=3),
    }


def in_order(places: Sequence[Place], words: Words) -> list[Place]:
    """Sort centres by name, numbers in names by their size."""

    def key(place: Place) -> tuple[list[tuple[int, int, str]], str]:
        parts = re.split(r"(\d+)", words.place(place).casefold())
        return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts], place.code or ""

    return sorted(places, key=key)
