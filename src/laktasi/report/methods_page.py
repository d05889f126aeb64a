"""The page that says how each number is made; headings of numbers lead to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laktasi.report.formulae import FORMULAE
from laktasi.report.html import Site, templates
from laktasi.report.model import Report
from laktasi.report.references import REFERENCES
from laktasi.report.texts import LANGUAGES, READING
from laktasi.report.texts_methods import SECTIONS
from laktasi.report.words import Words

HERE = "methods"


def render(report: Report, site: Site) -> str:
    """Make the page."""
    environment = templates()
    body = environment.get_template("methods.html")
    return site.framed(
        environment,
        {name: site.title(HERE, Words(name)) for name in LANGUAGES},
        {name: body.render(_context(report, site, Words(name))) for name in LANGUAGES},
    )


def _context(report: Report, site: Site, words: Words) -> Mapping[str, Any]:
    from markupsafe import Markup

    content = report.content
    return {
        **site.context(HERE, words),
        "title": site.title(HERE, words),
        "study": site.study,
        "reading": READING[words.language],
        "sections": [
            (
                section,
                [
                    (Markup(formula), spoken[words.language])  # noqa: S704 - our own formula
                    for formula, spoken in zip(FORMULAE.get(section.key, ()), section.spoken, strict=True)
                ],
            )
            for section in SECTIONS
        ],
        "references": REFERENCES,
        "by_centre": words.methods(result.ci_method for result in content.kendall),
        "across": words.methods(
            [row.ci_method for row in content.pooled] + [row.ci_method for row in content.results.random_effects]
        ),
    }
