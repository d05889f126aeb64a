"""The page of the data: what came in, why records are set aside, what people decided, and the codebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laktasi.report.html import Site, templates
from laktasi.report.model import Report
from laktasi.report.page import tools
from laktasi.report.texts import LANGUAGES
from laktasi.report.words import Words

HERE = "data"
CHOICES_SHOWN = 15
"""Of a longer list (health centres, districts) the codebook shows this many."""


def render(report: Report, site: Site) -> str:
    """Make the page."""
    environment = templates()
    body = environment.get_template("data.html")
    return site.framed(
        environment,
        {name: site.title(HERE, Words(name)) for name in LANGUAGES},
        {name: body.render(_context(report, site, Words(name))) for name in LANGUAGES},
    )


def _context(report: Report, site: Site, words: Words) -> Mapping[str, Any]:
    return {
        **site.context(HERE, words),
        **tools(words),
        "report": report,
        "content": report.content,
        "study": site.study,
        "title": site.title(HERE, words),
        "choices_shown": CHOICES_SHOWN,
        "in_order": words.in_order,
    }
