"""The page of the analysis in full: every table across centres, each estimate with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laktasi.report import bars, drawings, numbers
from laktasi.report.html import Site, templates
from laktasi.report.measures import exact_p, pooled_rows
from laktasi.report.model import Pair, Report
from laktasi.report.page import heterogeneity, tools
from laktasi.report.results import Paired
from laktasi.report.texts import LANGUAGES
from laktasi.report.texts_reasons import BASES, P_METHODS
from laktasi.report.words import Words

HERE = "analysis"


def render(report: Report, site: Site) -> str:
    """Make the page."""
    environment = templates()
    body = environment.get_template("analysis.html")
    shares = {pair.number: drawings.bars_of(pair) for pair in report.pairs}
    return site.framed(
        environment,
        {name: site.title(HERE, Words(name)) for name in LANGUAGES},
        {name: body.render(_context(report, site, shares, Words(name))) for name in LANGUAGES},
        shapes="".join(drawing.definition for drawing in shares.values()),
    )


def _context(report: Report, site: Site, shares: Mapping[int, bars.Drawing], words: Words) -> Mapping[str, Any]:
    shared = site.context(HERE, words)
    note = words.plain("synthetic") if shared["notice"] else ""
    results = report.content.results
    pairs = {pair.number: pair for pair in report.pairs}
    places = {place.code: place for place in report.centres}
    measures = {item.name: item.labels for item in (site.study.paired if site.study else ())}
    return {
        **shared,
        **tools(words),
        "legend": lambda number: drawings.legend(pairs[number], words),
        "report": report,
        "content": report.content,
        "title": site.title(HERE, words),
        "pooled_rows": lambda pair: pooled_rows(pair, words),
        "pictures": {
            pair.number: drawings.picture(pair, shares[pair.number], words, note=note) for pair in report.pairs
        },
        "trends": {pair.number: drawings.over_time(pair, words, note=note) for pair in report.pairs if pair.trend},
        "told": lambda pair: heterogeneity(pair, words),
        "axis": drawings.axis(words),
        "cell": drawings.cell,
        "share": _share,
        "exact": lambda result: exact_p(result, words.language),
        "variable": lambda name: words.label(report.variables[name].labels, name) if name in report.variables else name,
        "basis": lambda name: words.known(BASES, name),
        "p_method": lambda name: words.known(P_METHODS, name) if name else "",
        "period": lambda item: drawings.period_name(item, words),
        "paired": _paired(results.paired, lambda item: item.centre_code is None),
        "paired_centres": _paired(results.paired, lambda item: item.centre_code is not None),
        "unit": lambda value: words.label(report.unit(value), value),
        "measure_name": lambda name: words.label(measures.get(name), name),
        "centre_name": lambda code: words.place(places[code]) if code in places else code,
        "quantity": lambda value: quantity(value, words.language),
        "between": lambda low, high: between(low, high, words.language),
        "centre_files": {place.code: f"centres/{place.file}" for place in report.centres},
    }


def _share(pair: Pair, n: int) -> float:
    """Give N as a share of the largest of the pair's centres."""
    return n / max(result.n for _, result in pair.estimates)


def _paired(rows: Sequence[Paired], wanted: Any) -> list[Paired]:
    return [row for row in rows if wanted(row)]


def quantity(value: float | None, language: str) -> str:
    """Write a measured quantity with the digits that matter: three, and no more decimals than two."""
    if value is None:
        return numbers.NOT_AVAILABLE
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return numbers.decimal(value, language, digits)


def between(low: float | None, high: float | None, language: str) -> str:
    """Write an interval of a quantity."""
    if low is None or high is None:
        return numbers.NOT_AVAILABLE
    mark = "; " if language == "id" else ", "
    return f"[{mark.join(quantity(end, language) for end in (low, high))}]"
