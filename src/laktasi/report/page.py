"""One HTML page from the report's content: the templates, the words of each language, and the plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laktasi.report import forest, numbers
from laktasi.report.html import Site, templates
from laktasi.report.measures import kendall_rows, pooled_rows
from laktasi.report.model import FEW_RECORDS, MAIN, Pair, Report
from laktasi.report.read import POPULATIONS
from laktasi.report.texts import LANGUAGES, READING, TEXTS
from laktasi.report.words import Words

if TYPE_CHECKING:
    from laktasi.study import Study

CHOICES_SHOWN = 15
"""Of a longer list (health centres, districts) the codebook shows this many."""


def render(report: Report, site: Site) -> str:
    """Make the front page.

    Parameters
    ----------
    report
        The content.
    site
        The run it tells, its study, and the pages that lie beside it.
    """
    environment = templates()
    body = environment.get_template("body.html")
    return site.framed(
        environment,
        {name: _title(report, site.study, Words(name)) for name in LANGUAGES},
        {name: body.render(_context(report, site, Words(name))) for name in LANGUAGES},
    )


def _title(report: Report, study: Study | None, words: Words) -> str:
    if study is not None:
        return words.label(study.title, study.name)
    forms = sorted({table.form_id for table in report.codebook})
    return ": ".join([str(words.text("report_of")), *([", ".join(forms)] if forms else [])])


def _context(report: Report, site: Site, words: Words) -> Mapping[str, Any]:
    from markupsafe import Markup

    shared = site.context("index", words)
    return {
        **shared,
        "report": report,
        "content": report.content,
        "study": site.study,
        "title": _title(report, site.study, words),
        "plots": {
            pair.number: {
                layout: [Markup(svg) for svg in plot(pair, words, bool(shared["notice"]), narrow=layout == "narrow")]  # noqa: S704
                for layout in ("wide", "narrow")
            }
            for pair in report.pairs
            if pair.estimates and report.shows_centres
        },
        "populations": POPULATIONS,
        "main": MAIN,
        "few_records": FEW_RECORDS,
        "choices_shown": CHOICES_SHOWN,
        "reading": READING[words.language],
        "in_order": words.in_order,
        "place_name": words.place,
        "reason": words.reason,
        "methods": words.methods,
        "kendall_rows": lambda pair: kendall_rows(pair, words),
        "pooled_rows": lambda pair: pooled_rows(pair, words),
        "interval": words.interval,
        "estimate": words.estimate,
        "coefficient": words.number(numbers.coefficient),
        "p": words.number(numbers.p_value),
    }


def plot(pair: Pair, words: Words, is_synthetic: bool, *, narrow: bool) -> Sequence[str]:
    """Draw the forest plot of one pair, see :func:`laktasi.report.forest.draw`."""
    language = words.language
    pooled = pair.main
    summary = None
    if pooled is not None and pooled.tau_b is not None:
        summary = forest.Summary(
            name=str(words.text("forest_pooled")),
            n_text=numbers.whole(pooled.n, language),
            estimate_text=words.estimate(pooled.tau_b, pooled.ci_low, pooled.ci_high),
            tau_b=pooled.tau_b,
            ci=_range(pooled.ci_low, pooled.ci_high),
        )
    lines = [
        forest.Line(
            name=words.place(place),
            n=result.n,
            n_text=numbers.whole(result.n, language),
            estimate_text=words.estimate(result.tau_b, result.ci_low, result.ci_high),
            tau_b=result.tau_b,
            ci=_range(result.ci_low, result.ci_high),
            attainable=_range(result.tau_b_min, result.tau_b_max),
        )
        for place, result in pair.estimates
        if result.tau_b is not None
    ]
    # Alternative texts are escaped where the SVG is written, so they are plain here.
    alt = TEXTS["forest_alt"][language].format(
        used=len(lines),
        tau=numbers.coefficient(pooled.tau_b if pooled else None, language),
        low=numbers.coefficient(pooled.ci_low if pooled else None, language),
        high=numbers.coefficient(pooled.ci_high if pooled else None, language),
    )
    return forest.draw(
        lines,
        summary,
        forest.Words(
            alt=alt,
            axis=TEXTS["forest_axis"][language],
            n=TEXTS["n"][language],
            estimate=f"tau_b [{TEXTS['interval_short'][language]}]",
            note=TEXTS["synthetic"][language] if is_synthetic else "",
            tick=lambda value: numbers.decimal(value, language, digits=1),
        ),
        narrow=narrow,
    )


def _range(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
