"""One HTML page from the report's content: the templates, the words of each language, and the plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laktasi.report import forest, numbers
from laktasi.report.html import hash_of, read_beside, templates
from laktasi.report.measures import kendall_rows, pooled_rows
from laktasi.report.model import FEW_RECORDS, MAIN, Pair, Report
from laktasi.report.read import POPULATIONS
from laktasi.report.texts import LANGUAGES, NAMES, READING, TEXTS
from laktasi.report.words import Words

if TYPE_CHECKING:
    from laktasi.study import Study

CHOICES_SHOWN = 15
"""Of a longer list (health centres, districts) the codebook shows this many."""


def render(report: Report, study: Study | None, language: str) -> str:
    """Make the page.

    Parameters
    ----------
    report
        The content.
    study
        Its title, its citation, and the notice that the data are synthetic.
    language
        The language that is shown until the reader chooses another.
    """
    from markupsafe import Markup

    environment = templates()
    # Both go into the page as they are, and their hashes into its content security policy: nothing else may run.
    style, script = read_beside(environment, "report.css"), read_beside(environment, "report.js")
    body = environment.get_template("body.html")
    return environment.get_template("page.html").render(
        language=language,
        languages=NAMES,
        synthetic=bool(study and study.synthetic),
        titles={name: _title(report, study, Words(name)) for name in LANGUAGES},
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=hash_of(style),
        script_hash=hash_of(script),
        bodies={name: Markup(body.render(_context(report, study, Words(name)))) for name in LANGUAGES},  # noqa: S704
    )


def _title(report: Report, study: Study | None, words: Words) -> str:
    if study is not None:
        return words.label(study.title, study.name)
    forms = sorted({table.form_id for table in report.codebook})
    return ": ".join([str(words.text("report_of")), *([", ".join(forms)] if forms else [])])


def _context(report: Report, study: Study | None, words: Words) -> Mapping[str, Any]:
    from markupsafe import Markup

    notice = words.label(study.synthetic) if study and study.synthetic else ""
    return {
        "lang": words.language,
        "report": report,
        "content": report.content,
        "study": study,
        "title": _title(report, study, words),
        "notice": notice,
        "plots": {
            pair.number: {
                layout: [Markup(svg) for svg in plot(pair, words, bool(notice), narrow=layout == "narrow")]  # noqa: S704
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
        "t": words.text,
        "label": words.label,
        "in_order": words.in_order,
        "place_name": words.place,
        "reason": words.reason,
        "methods": words.methods,
        "kendall_rows": lambda pair: kendall_rows(pair, words),
        "pooled_rows": lambda pair: pooled_rows(pair, words),
        "interval": words.interval,
        "estimate": words.estimate,
        "whole": words.number(numbers.whole),
        "decimal": words.number(numbers.decimal),
        "coefficient": words.number(numbers.coefficient),
        "percent": words.number(numbers.percent),
        "p": words.number(numbers.p_value),
        "moment": words.number(numbers.moment),
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
