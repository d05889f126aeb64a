"""The analysis as a whole: every question of the study, for each centre and across them, from the marts to results.

A joiner: what is counted comes from the store, what is computed from the analysis, and goes back into the store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from laktasi.settings import Settings
from laktasi.study import Pair, Study

if TYPE_CHECKING:
    import duckdb

    from laktasi.analysis.paired import BeforeAfter
    from laktasi.analysis.pairs import Floats
    from laktasi.store.counts import Population
    from laktasi.store.forms import Questionnaires
    from laktasi.store.results import Block

Progress = Callable[[str, int, int | None], None]

LIMITS = ("ci_low", "ci_high")
INTERVAL = (*LIMITS, "ci_method")
HETEROGENEITY = ("q", "q_df", "q_p_value", "i2")
RESULT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "pooled": (
        *("method", "centres", "centres_used", "n", "tau_b", "se", "z", "p_value"),
        *(*INTERVAL, *HETEROGENEITY, "reason"),
    ),
    "random_effects": (
        *("method", "centres", "centres_used", "left_out", "n", "tau_b", "se", "df", "t", "p_value"),
        *(*INTERVAL, "ci_level", "pi_low", "pi_high", "tau2", "tau2_low", "tau2_high", *HETEROGENEITY, "c"),
        *("small_study_slope", "small_study_se", "small_study_p", "reason"),
    ),
    "leave_one_out": ("tau_b", *LIMITS, "tau2", "i2"),
    "paired": (
        *("n", "n_changed", "median_before", "median_after", "estimate", *INTERVAL, "ci_level"),
        *("statistic", "p_value", "p_method", "reason"),
    ),
}
"""What is kept of each result: columns of its table in schema ``analysis``, and fields of what the analysis returns."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the analysis of one run works with."""

    con: duckdb.DuckDBPyConnection
    study: Study
    settings: Settings


def analyse(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    study: Study,
    questionnaires: Questionnaires,
    settings: Settings,
    progress: Progress,
) -> None:
    """Compute all results of a study from its marts and write them, in one transaction, as those of a run.

    Raises
    ------
    StudyError
        A paired measure does not fit the questionnaires.
    """
    from laktasi.store.counts import POPULATIONS, unit_of_trend
    from laktasi.store.results import TABLES, write_results

    work = Analysis(con, study, settings)
    found: dict[str, list[Block]] = {table: [] for table in TABLES}
    unit = unit_of_trend(con, study)
    steps = [(population, pair) for population in POPULATIONS for pair in study.analyses]
    for done, (population, pair) in enumerate(steps):
        progress(f"analysing {pair.exposure} × {pair.outcome}", done, len(steps))
        question = {"exposure": pair.exposure, "outcome": pair.outcome, "population": population}
        for results in (
            _tables(work, pair, population),
            _adjusted(work, pair, population),
            _trend(work, pair, population, unit),
        ):
            for table, block in results:
                found[table].append({**question, **block})
    found["paired"] += _paired(work, questionnaires)
    write_results(con, run_id, study, found)


Results = Iterator[tuple[str, Mapping[str, Any]]]
"""Table and block of results."""


def _tables(work: Analysis, pair: Pair, population: Population) -> Results:
    """Give the results of each centre by itself, and of all together."""
    from laktasi.analysis.pooled import naive, stratified
    from laktasi.analysis.power import next_round
    from laktasi.analysis.random_effects import leave_one_out, random_effects
    from laktasi.analysis.tables import analyse_tables
    from laktasi.store.counts import contingency

    settings = work.settings
    counted = contingency(work.con, work.study, pair, population)
    centres = {"centre_code": counted.centre_codes}
    found = analyse_tables(
        counted.counts, max_n=settings.exact_max_n, draws=settings.monte_carlo_draws, seed=settings.seed
    )
    yield "kendall", {**centres, **found}
    within = stratified(counted.counts)
    for pooled in (within, naive(counted.counts)):
        yield "pooled", _fields(pooled, "pooled")
    mean = _fields(random_effects(counted.counts), "random_effects")
    yield "random_effects", mean | {"left_out": json.dumps(mean["left_out"], sort_keys=True)}
    yield "leave_one_out", {**centres, **_fields(leave_one_out(counted.counts), "leave_one_out")}
    for row in next_round(counted.counts.sum(axis=0), within.tau_b, within.ci_low, within.ci_high):
        yield "next_round", row


def _adjusted(work: Analysis, pair: Pair, population: Population) -> Results:
    """Give the same question among people alike in a third variable."""
    from laktasi.analysis.adjusted import partial_tau, stratified_tau
    from laktasi.store.counts import contingency

    for covariate in work.study.covariates(pair):
        counted = contingency(work.con, work.study, pair, population, covariate)
        for compute in (partial_tau, stratified_tau):
            found = compute(counted.counts)
            about = {"covariate": covariate, "method": found.method}
            yield "adjusted", {**about, "centre_code": counted.centre_codes, **found.by_centre.columns()}
            yield "adjusted", {**about, **found.together.columns()}


def _trend(work: Analysis, pair: Pair, population: Population, unit: Any) -> Results:
    """Give the association within centres, period by period."""
    from laktasi.analysis.pooled import stratified
    from laktasi.store.counts import by_period

    for period in by_period(work.con, work.study, pair, population, unit):
        found = stratified(period.counts)
        yield (
            "trend",
            {
                "period": period.first_day,
                "unit": unit,
                "n": found.n,
                "centres": found.centres_used,
                "tau_b": found.tau_b,
                "ci_low": found.ci_low,
                "ci_high": found.ci_high,
                "reason": found.reason if found.tau_b is None else None,  # a trend has no Q
            },
        )


def _paired(work: Analysis, questionnaires: Questionnaires) -> Iterator[Block]:
    """Give before and after, for each centre and over all."""
    from laktasi.store.counts import POPULATIONS, paired_values

    for measure in work.study.paired:
        for values in paired_values(work.con, work.study, measure, questionnaires):
            places = [(None, slice(None)), *_by_centre(values.centre_codes)]
            for population in POPULATIONS:
                taken = values.is_accepted if population == "accepted" else np.ones_like(values.is_accepted)
                sides = (values.before, values.after)
                found = _before_after([tuple(side[here][taken[here]] for side in sides) for _, here in places])
                about = {"measure": measure.name, "unit": values.unit, "population": population}
                names = RESULT_FIELDS["paired"]
                columns = {name: [getattr(result, name) for result in found] for name in names}
                yield {**about, "centre_code": [centre for centre, _ in places], **columns}


def _before_after(places: list[tuple[Floats, ...]]) -> list[BeforeAfter]:
    """Give before and after of each place; those with as many people are computed together."""
    from laktasi.analysis.paired import before_after_in_groups

    by_size: dict[int, list[int]] = {}
    for at, (before, _) in enumerate(places):
        by_size.setdefault(len(before), []).append(at)
    found: dict[int, BeforeAfter] = {}
    for same in by_size.values():
        stacked = (np.stack([places[at][side] for at in same]) for side in (0, 1))
        found |= zip(same, before_after_in_groups(*stacked), strict=True)
    return [found[at] for at in range(len(places))]


def _by_centre(codes: NDArray[np.object_]) -> Iterator[tuple[str, slice]]:
    """Give where each centre's people stand, who stand together."""
    if not len(codes):
        return
    starts = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1), len(codes)]
    for start, end in pairwise(starts):
        yield codes[start], slice(start, end)


def _fields(result: Any, table: str) -> dict[str, Any]:
    """Give what a result has to say in the columns of its table."""
    return {name: getattr(result, name) for name in RESULT_FIELDS[table]}
