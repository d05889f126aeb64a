"""The page of one health centre, for those who work there: their tables, their place among others, what to mend."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from laktasi.report import bars, caterpillar, drawings
from laktasi.report.analysis_page import between, quantity
from laktasi.report.centre_rows import CentreRows
from laktasi.report.html import STYLE, Site, templates
from laktasi.report.measures import kendall_rows
from laktasi.report.model import MAIN, PairAtPlace, Place, Report, Tables
from laktasi.report.page import tools
from laktasi.report.texts import LANGUAGES, READING
from laktasi.report.words import Words

UP = "../"


class CentrePages:
    """Makes the pages of all centres; what they share is made once."""

    def __init__(self, report: Report, site: Site) -> None:
        self._report, self._site = report, site
        self._environment = templates()
        self._body = self._environment.get_template("centre.html")
        self._others: Mapping[int, caterpillar.Drawing] = {
            # Of the first question: the page is read by people who have other work to do.
            pair.number: drawings.some_centres(pair)
            for pair in report.pairs[:1]
            if pair.estimates
        }
        self._order: Mapping[int, Mapping[str | None, int]] = {
            pair.number: {place.code: index for index, (place, _) in enumerate(pair.estimates)} for pair in report.pairs
        }
        self._pairs = {pair.number: pair for pair in report.pairs}
        self._shared = {name: self._common(Words(name)) for name in LANGUAGES}

    def _common(self, words: Words) -> Mapping[str, Any]:
        site = self._site
        shared = site.context("centres", words, up=UP)
        measures = {item.name: item.labels for item in (site.study.paired if site.study else ())}
        return {
            **shared,
            **tools(words),
            "populations": (MAIN,),
            "words": words,
            "study_title": words.label(site.study.title, site.study.name) if site.study else "",
            "kendall_rows": lambda pair: kendall_rows(pair, words),
            "legend": functools.cache(lambda number: drawings.legend(self._pairs[number], words)),
            "reading": READING[words.language][:2],
            "direction": _direction,
            "unit": lambda value: words.label(self._report.unit(value), value),
            "measure_name": lambda name: words.label(measures.get(name), name),
            "quantity": lambda value: quantity(value, words.language),
            "between": lambda low, high: between(low, high, words.language),
        }

    def pages(self, centres: Iterator[tuple[str, CentreRows]]) -> Iterator[tuple[str, str]]:
        """Give the file name and the page of each centre, one after the other."""
        places = {place.code: place for place in self._report.centres}
        for code, rows in centres:
            place = places[code]
            yield place.file, self.render(place, self._report.tables(rows))

    def render(self, place: Place, tables: Tables) -> str:
        """Make the page of one centre."""
        # Nothing is read into the counts of a small centre.
        shown = [] if place.is_small else tables.pairs
        shares = {pair.number: drawings.bars_of(pair) for pair in shown if pair.joint.at()}
        among = {
            pair.number: drawings.with_own(
                self._pairs[pair.number], self._others[pair.number], self._order[pair.number][place.code], pair.kendall
            )
            for pair in shown[:1]
            if pair.kendall is not None and place.code in self._order[pair.number]
        }
        bodies = {
            name: self._body.render(self._of(place, tables, shares, among, self._shared[name])) for name in LANGUAGES
        }
        return self._site.framed(
            self._environment,
            {name: Words(name).place(place) for name in LANGUAGES},
            bodies,
            styles=("alone.css",),
            shapes="".join(
                [bar.definition for bar in shares.values()] + [other.definition for other in among.values()]
            ),
            linked=UP + STYLE,
            script="centre.js",
        )

    def _of(
        self,
        place: Place,
        tables: Tables,
        shares: Mapping[int, bars.Drawing],
        among: Mapping[int, caterpillar.Drawing],
        shared: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        words: Words = shared["words"]
        note = words.plain("synthetic") if shared["notice"] else ""
        return {
            **shared,
            "title": words.place(place),
            "place": place,
            "tables": tables,
            "pictures": {
                pair.number: drawings.picture(pair, shares[pair.number], words, here=True, note=note)
                for pair in tables.pairs
                if pair.number in shares
            },
            "among": {
                pair.number: drawings.among(
                    self._pairs[pair.number], among[pair.number], pair.kendall, words, note=note
                )
                for pair in tables.pairs
                if pair.number in among and pair.kendall is not None
            },
            "others": {number: (self._others[number].rows, len(self._order[number])) for number in among},
        }


def _direction(pair: PairAtPlace) -> str:
    """Name the sentence that says where the centre's interval lies."""
    return {"above": "positive", "below": "negative"}.get(drawings.kind(pair.kendall), "unclear")
