"""The front page: what was asked and found in a minute, then each analysis in a picture and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.report import bars, caterpillar, drawings, numbers
from laktasi.report.html import Site, templates
from laktasi.report.model import FEW_RECORDS, MAIN, Pair, Report
from laktasi.report.read import POPULATIONS, Kendall
from laktasi.report.results import Change, ResultChange
from laktasi.report.texts import LANGUAGES
from laktasi.report.texts_reasons import CODES
from laktasi.report.words import Words

if TYPE_CHECKING:
    from markupsafe import Markup

SIZES = ((1, 9), (10, 19), (20, 49), (50, 99), (100, None))
"""Centres by number of records, in the table beside the drawing of all of them."""
LEVEL = 0.05
"""A p below it is said to be more than chance."""


@dataclass(frozen=True, slots=True)
class SizeClass:
    """How many centres of one size have their interval where."""

    name: str
    above: int
    unclear: int
    below: int
    none: int

    @property
    def centres(self) -> int:
        """All of them."""
        return self.above + self.unclear + self.below + self.none


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
    body = environment.get_template("front.html")
    centres = {pair.number: drawings.all_centres(pair) for pair in report.pairs if pair.estimates}
    shares = {pair.number: drawings.bars_of(pair) for pair in report.pairs}
    return site.framed(
        environment,
        {name: _title(report, site, Words(name)) for name in LANGUAGES},
        {name: body.render(_context(report, site, centres, shares, Words(name))) for name in LANGUAGES},
        shapes="".join(
            [drawing.definition for drawing in shares.values()] + [each.definition for each in centres.values()]
        ),
    )


def _title(report: Report, site: Site, words: Words) -> str:
    if site.study is not None:
        return words.label(site.study.title, site.study.name)
    forms = sorted({table.form_id for table in report.codebook})
    return ": ".join([str(words.text("report_of")), *([", ".join(forms)] if forms else [])])


def _context(
    report: Report,
    site: Site,
    centres: Mapping[int, caterpillar.Drawing],
    shares: Mapping[int, bars.Drawing],
    words: Words,
) -> Mapping[str, Any]:
    shared = site.context("index", words)
    note = words.plain("synthetic") if shared["notice"] else ""
    pairs = {pair.number: pair for pair in report.pairs}
    return {
        **shared,
        **tools(words),
        "legend": lambda number: drawings.legend(pairs[number], words),
        "report": report,
        "content": report.content,
        "study": site.study,
        "title": _title(report, site, words),
        "pictures": {
            pair.number: drawings.picture(pair, shares[pair.number], words, note=note) for pair in report.pairs
        },
        "caterpillars": {
            pair.number: drawings.overall(pair, centres[pair.number], words, note=note)
            for pair in report.pairs
            if pair.number in centres
        },
        "sizes": lambda pair: by_size(pair, words),
        "told": lambda pair: heterogeneity(pair, words),
        "changes": [_change(change, words) for change in report.content.results.changes]
        + [_result(change, report, words) for change in report.content.results.result_changes if _moved(change)],
        "without": len({place.code for pair in report.pairs[:1] for place, _ in pair.without}),
    }


def tools(words: Words) -> Mapping[str, Any]:
    """Give what templates about results write with, in one language."""
    return {
        "populations": POPULATIONS,
        "main": MAIN,
        "few_records": FEW_RECORDS,
        "place_name": words.place,
        "reason": words.reason,
        "names": lambda pair: drawings.names(pair, words),
        "interval": words.interval,
        "estimate": words.estimate,
        "coefficient": words.number(numbers.coefficient),
        "p": words.number(numbers.p_value),
    }


def by_size(pair: Pair, words: Words) -> list[SizeClass]:
    """Count the centres of each size by where their interval lies."""
    every: list[Kendall] = [result for _, result in (*pair.estimates, *pair.without)]
    classes = []
    for low, high in SIZES:
        kinds = [drawings.kind(result) for result in every if low <= result.n and (high is None or result.n <= high)]
        ends = [numbers.whole(end, words.language) for end in (low, high) if end is not None]
        name = "–".join(ends) if high is not None else f"≥ {ends[0]}"
        if kinds:
            classes.append(SizeClass(name, *(kinds.count(kind) for kind in ("above", "unclear", "below", "none"))))
    return classes


def heterogeneity(pair: Pair, words: Words) -> Sequence[Markup]:
    """Say in sentences how the centres differ, and what that means for the mean and for other centres."""
    language = words.language
    pooled, mean = pair.main, pair.mean
    told = []

    def write(value: float | None) -> str:
        return numbers.coefficient(value, language)

    if pair.estimates:
        counts = {name: numbers.whole(getattr(pair, name), language) for name in ("above", "below", "unclear")}
        told.append(words.text("centres_split", used=numbers.whole(len(pair.estimates), language), **counts))
    if mean is not None:
        used = numbers.whole(mean.centres_used, language)
        told.append(
            words.text(
                "mean_sentence", tau=write(mean.tau_b), low=write(mean.ci_low), high=write(mean.ci_high), used=used
            )
        )
    q_p = mean.q_p_value if mean is not None else pooled.q_p_value if pooled is not None else None
    if q_p is not None:
        p = numbers.p_value(q_p, language, relation=True)
        told.append(words.text("differ_yes" if q_p < LEVEL else "differ_no", p=p))
    if mean is None:
        return told
    if mean.i2:
        told.append(words.text("share_beyond", i2=numbers.percent(100 * mean.i2, language)))
    if mean.pi_low is not None and mean.pi_high is not None:
        one_side = mean.pi_low > 0 or mean.pi_high < 0
        told.append(
            words.text("next_same" if one_side else "next_either", low=write(mean.pi_low), high=write(mean.pi_high))
        )
    if pair.farthest is not None:
        told.append(_without_one(pair, words))
    if mean.small_study_p is not None:
        p = numbers.p_value(mean.small_study_p, language, relation=True)
        told.append(words.text("small_differ" if mean.small_study_p < LEVEL else "small_alike", p=p))
    if mean.left_out_by_reason:
        listed = [
            f"{numbers.whole(n, language)} ({words.reason(CODES.get(code, code), pair)})"
            for code, n in sorted(mean.left_out_by_reason.items(), key=lambda item: (-item[1], item[0]))
        ]
        told.append(words.text("not_used", list="; ".join(listed)))
    return told


def _without_one(pair: Pair, words: Words) -> Markup:
    assert pair.farthest is not None
    assert pair.mean is not None
    (_, least), (_, most) = pair.farthest

    def is_clear(low: float | None, high: float | None) -> bool:
        return low is not None and high is not None and (low > 0 or high < 0)

    carried = is_clear(pair.mean.ci_low, pair.mean.ci_high) and not all(
        is_clear(item.ci_low, item.ci_high) for _, item in pair.left_out
    )
    return words.text(
        "without_one",
        low=numbers.coefficient(least.tau_b, words.language),
        high=numbers.coefficient(most.tau_b, words.language),
        judged=words.text("carried_yes" if carried else "carried_no"),
    )


def _change(change: Change, words: Words) -> Markup:
    cause = words.text(f"cause_{change.cause.replace(' ', '_')}")
    return words.text(f"change_{change.change}", n=numbers.whole(change.n, words.language), cause=cause)


def _moved(change: ResultChange) -> bool:
    """Say whether a result is another one to three decimals, or of another number of records."""
    before, now = (None if tau is None else round(tau, 3) for tau in (change.tau_b_before, change.tau_b))
    return (before, change.n_before) != (now, change.n)


def _result(change: ResultChange, report: Report, words: Words) -> Markup:
    def name(variable: str) -> str:
        known = report.variables.get(variable)
        return words.label(known.labels, variable) if known else variable

    return words.text(
        "change_result",
        exposure=name(change.exposure),
        outcome=name(change.outcome),
        before=numbers.coefficient(change.tau_b_before, words.language),
        after=numbers.coefficient(change.tau_b, words.language),
        n_before=numbers.whole(change.n_before, words.language),
        n=numbers.whole(change.n, words.language),
    )
