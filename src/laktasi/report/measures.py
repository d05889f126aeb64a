"""Tables whose rows are measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from laktasi.report import numbers
from laktasi.report.model import Pair, PairAtPlace
from laktasi.report.read import POPULATIONS, Kendall, Pooled
from laktasi.report.results import RandomEffects
from laktasi.report.words import Words

Result = TypeVar("Result")
Estimate = TypeVar("Estimate", Pooled, RandomEffects)


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: a name, and a cell for each population."""

    name: str
    cells: tuple[str, ...]
    how: str
    """Where the method page says how it is made; empty for a row that is no number."""
    kind: str = ""
    """``main``, ``comparison`` or ``reason``; says only how the row looks."""


def kendall_rows(pair: PairAtPlace, words: Words) -> list[Measure]:
    """Give the rows of one centre's Kendall table: those of the paper's first, then what a careful reader asks for."""
    language, result = words.language, pair.kendall
    if result is None:
        return []

    def row(key: str, cell: str, how: str, kind: str = "") -> Measure:
        return Measure(words.text(key), (cell,), how, kind)

    rows = [
        row("tau_b", numbers.coefficient(result.tau_b, language), "tau_b", "main"),
        row("p_asymptotic", numbers.p_value(result.p_value, language), "p"),
        row("n", numbers.whole(result.n, language), "n"),
        row("interval", words.interval(result.ci_low, result.ci_high), "interval"),
        row("p_exact", exact_p(result, language), "exact"),
        row("attainable", words.interval(result.tau_b_min, result.tau_b_max), "attainable"),
        row("share_attainable", numbers.percent(share_attained(result), language), "attainable"),
    ]
    if result.p_holm is not None:
        rows.insert(5, row("p_holm", numbers.p_value(result.p_holm, language), "holm"))
    if result.tau_b is None:
        rows.append(row("no_tau", words.reason(result.reason, pair), "", "reason"))
    return rows


def pooled_rows(pair: Pair, words: Words) -> list[Measure]:
    """Give the rows of the table across centres: the stratified result, the mean over centres, the naive to compare."""
    language = words.language
    random_effects = [pair.random_effects.get(name) for name in POPULATIONS]

    def row(key: str, how: str, write: Callable[[Pooled], str], kind: str = "", method: str = "stratified") -> Measure:
        results = [pair.pooled.get((name, method)) for name in POPULATIONS]
        return Measure(words.text(key), _cells(results, write), how, kind)

    def mean(key: str, how: str, write: Callable[[RandomEffects], str], kind: str = "") -> Measure:
        return Measure(words.text(key), _cells(random_effects, write), how, kind)

    def used(result: Pooled | RandomEffects) -> str:
        counts = [numbers.whole(count, language) for count in (result.centres_used, result.centres)]
        return f" {words.text('of')} ".join(counts)

    def q_test(result: Pooled) -> str:
        if result.q is None:
            return numbers.NOT_AVAILABLE
        return f"{numbers.decimal(result.q, language, 1)} ({numbers.whole(result.q_df, language)})"

    def tau2(result: RandomEffects) -> str:
        value = numbers.coefficient(result.tau2, language)
        return value if result.tau2_low is None else f"{value} {words.interval(result.tau2_low, result.tau2_high)}"

    rows = [
        row("pooled_tau", "stratified", lambda result: numbers.coefficient(result.tau_b, language), "main"),
        row("interval", "stratified", lambda result: words.interval(result.ci_low, result.ci_high)),
        row("p", "stratified", lambda result: numbers.p_value(result.p_value, language)),
        row("n", "n", lambda result: numbers.whole(result.n, language)),
        row("centres_used", "stratified", used),
        row("q", "heterogeneity", q_test),
        row("q_p", "heterogeneity", lambda result: numbers.p_value(result.q_p_value, language)),
        row("i2", "heterogeneity", lambda result: numbers.percent(_hundredfold(result.i2), language)),
    ]
    rows += _reasons([pair.pooled.get((name, "stratified")) for name in POPULATIONS], pair, words)
    if any(random_effects):
        rows += [
            mean("mean_tau", "mean", lambda result: numbers.coefficient(result.tau_b, language), "main"),
            mean("interval", "mean", lambda result: words.interval(result.ci_low, result.ci_high)),
            mean("p", "mean", lambda result: numbers.p_value(result.p_value, language)),
            mean("prediction", "prediction", lambda result: words.interval(result.pi_low, result.pi_high)),
            mean("tau2", "heterogeneity", tau2),
            mean("mean_used", "mean", used),
            mean("small_slope", "leave_one_out", lambda result: _slope(result, language)),
        ]
        rows += _reasons(random_effects, pair, words)
    rows.append(
        row(
            "naive",
            "stratified",
            lambda result: words.estimate(result.tau_b, result.ci_low, result.ci_high),
            "comparison",
            method="naive",
        )
    )
    return rows


def exact_p(result: Kendall, language: str) -> str:
    """Write p given both margins; a sampled one, which another sample would change, as ``≈ .034``."""
    sampled = result.p_exact is not None and result.p_exact_method not in (None, "exact")
    p = numbers.p_value(result.p_exact, language)
    return f"≈ {p}" if sampled and not p.startswith("<") else p


def share_attained(result: Kendall) -> float | None:
    """Give tau_b in percent of the farthest value on its side of zero that the margins allow."""
    if result.tau_b is None or result.tau_b_min is None or result.tau_b_max is None:
        return None
    limit = result.tau_b_max if result.tau_b >= 0 else result.tau_b_min
    return 100 * result.tau_b / limit if limit else None


def _hundredfold(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _slope(result: RandomEffects, language: str) -> str:
    if result.small_study_slope is None:
        return numbers.NOT_AVAILABLE
    p = numbers.p_value(result.small_study_p, language, relation=True)
    return f"{numbers.decimal(result.small_study_slope, language, 2)} (p {p})"


def _reasons(results: Sequence[Estimate | None], pair: Pair, words: Words) -> list[Measure]:
    """Say why there is no estimate, or what else there is not; nothing where all is there."""
    if not any(result is not None and result.reason for result in results):
        return []
    key = "no_tau" if any(result is not None and result.tau_b is None for result in results) else "not_computed"

    def why(result: Estimate) -> str:
        return words.reason(result.reason, pair) if result.reason else ""

    cells = _cells(results, why)
    return [Measure(words.text(key), cells, "", "reason")]


def _cells(results: Sequence[Result | None], write: Callable[[Result], str]) -> tuple[str, ...]:
    return tuple(numbers.NOT_AVAILABLE if result is None else write(result) for result in results)
