"""Tables whose rows are measures and whose columns are the two populations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from laktasi.report import numbers
from laktasi.report.model import Pair, PairAtPlace
from laktasi.report.read import POPULATIONS, Kendall, Pooled
from laktasi.report.words import Words

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: a name, and a cell for each population."""

    name: str
    cells: tuple[str, ...]
    kind: str = ""
    """``main``, ``comparison`` or ``reason``; says only how the row looks."""


def kendall_rows(pair: PairAtPlace, words: Words) -> list[Measure]:
    """Give the rows of one centre's Kendall table."""
    language = words.language

    def row(key: str, write: Callable[[Kendall], str], kind: str = "") -> Measure:
        return Measure(words.text(key), _cells([pair.kendall.get(name) for name in POPULATIONS], write), kind)

    rows = [
        row("n", lambda result: numbers.whole(result.n, language)),
        row("tau_b", lambda result: numbers.coefficient(result.tau_b, language), "main"),
        row("interval", lambda result: words.interval(result.ci_low, result.ci_high)),
        row("attainable", lambda result: words.interval(result.tau_b_min, result.tau_b_max)),
        row("share_attainable", lambda result: numbers.percent(share_attained(result), language)),
        row("p_asymptotic", lambda result: numbers.p_value(result.p_value, language)),
        row("p_exact", lambda result: numbers.p_value(result.p_exact, language)),
    ]
    if any(result.tau_b is None for result in pair.kendall.values()):
        rows.append(
            row("no_tau", lambda result: words.reason(result.reason, pair) if result.tau_b is None else "", "reason")
        )
    return rows


def pooled_rows(pair: Pair, words: Words) -> list[Measure]:
    """Give the rows of the table across centres: the stratified result first, the naive one as a comparison."""
    language = words.language

    def row(key: str, write: Callable[[Pooled], str], kind: str = "", method: str = "stratified") -> Measure:
        results = [pair.pooled.get((name, method)) for name in POPULATIONS]
        return Measure(words.text(key), _cells(results, write), kind)

    def used(result: Pooled) -> str:
        counts = [numbers.whole(count, language) for count in (result.centres_used, result.centres)]
        return f" {words.text('of')} ".join(counts)

    def q_test(result: Pooled) -> str:
        if result.q is None:
            return numbers.NOT_AVAILABLE
        return f"{numbers.decimal(result.q, language, 1)} ({numbers.whole(result.q_df, language)})"

    rows = [
        row("pooled_tau", lambda result: numbers.coefficient(result.tau_b, language), "main"),
        row("interval", lambda result: words.interval(result.ci_low, result.ci_high)),
        row("p", lambda result: numbers.p_value(result.p_value, language)),
        row("n", lambda result: numbers.whole(result.n, language)),
        row("centres_used", used),
        row("q", q_test),
        row("q_p", lambda result: numbers.p_value(result.q_p_value, language)),
        row("i2", lambda result: numbers.percent(None if result.i2 is None else 100 * result.i2, language)),
    ]
    stratified = [pair.pooled.get((name, "stratified")) for name in POPULATIONS]
    if any(result is not None and result.tau_b is None for result in stratified):
        rows.append(
            row("no_tau", lambda result: words.reason(result.reason, pair) if result.tau_b is None else "", "reason")
        )
    rows.append(
        row(
            "naive",
            lambda result: words.estimate(result.tau_b, result.ci_low, result.ci_high),
            "comparison",
            method="naive",
        )
    )
    return rows


def share_attained(result: Kendall) -> float | None:
    """Give tau_b in percent of the farthest value on its side of zero that the margins allow."""
    if result.tau_b is None or result.tau_b_min is None or result.tau_b_max is None:
        return None
    limit = result.tau_b_max if result.tau_b >= 0 else result.tau_b_min
    return 100 * result.tau_b / limit if limit else None


def _cells(results: list[Result | None], write: Callable[[Result], str]) -> tuple[str, ...]:
    return tuple(numbers.NOT_AVAILABLE if result is None else write(result) for result in results)
