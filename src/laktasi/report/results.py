"""What is computed beyond one centre's table, as the research copy holds it; columns are those of the migrations.

Only accepted rows are read, but for where both populations are shown beside each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from laktasi.report.rows import Reader, Source

ACCEPTED = "population = 'accepted'"


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """The centres of one question taken for a sample of centres."""

    exposure: str
    outcome: str
    population: str
    method: str
    centres: int
    centres_used: int
    left_out: str
    """JSON: how many centres are not used, by reason code."""
    n: int
    tau_b: float | None
    se: float | None
    df: int | None
    t: float | None
    p_value: float | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str | None
    pi_low: float | None
    pi_high: float | None
    tau2: float | None
    tau2_low: float | None
    tau2_high: float | None
    i2: float | None
    q: float | None
    q_df: int | None
    q_p_value: float | None
    small_study_slope: float | None
    small_study_se: float | None
    small_study_p: float | None
    reason: str | None

    @property
    def left_out_by_reason(self) -> Mapping[str, int]:
        """How many centres are not used, by reason code."""
        found: dict[str, int] = json.loads(self.left_out or "{}")
        return found


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The mean over centres without one of them."""

    exposure: str
    outcome: str
    centre_code: str
    tau_b: float
    ci_low: float | None
    ci_high: float | None
    tau2: float | None
    i2: float | None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The same question among records alike in a third variable, over all centres."""

    exposure: str
    outcome: str
    covariate: str
    method: str
    """``partial`` or ``stratified``."""
    n: int
    strata: int | None
    tau_b: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Paired:
    """Before and after of the same person; the code is None for all centres together."""

    centre_code: str | None
    measure: str
    unit: str
    n: int
    n_changed: int | None
    median_before: float | None
    median_after: float | None
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    p_method: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Period:
    """The association within centres in one period of time."""

    exposure: str
    outcome: str
    period: date
    unit: str
    """``week``, ``month``, ``quarter`` or ``year``."""
    n: int
    centres: int
    tau_b: float | None
    ci_low: float | None
    ci_high: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class NextRound:
    """How many records the next round needs."""

    exposure: str
    outcome: str
    basis: str
    tau_b: float | None
    alpha: float | None
    power: float | None
    n: int | None
    half_width: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a health centre lies."""

    centre_code: str
    latitude: float
    longitude: float
    n: int


@dataclass(frozen=True, slots=True)
class Change:
    """How many analysed rows are new, gone or changed since the run before, for one reason."""

    change: str
    cause: str
    n: int


@dataclass(frozen=True, slots=True)
class ResultChange:
    """A main result beside that of the run before."""

    exposure: str
    outcome: str
    n_before: int | None
    n: int | None
    tau_b_before: float | None
    tau_b: float | None


@dataclass(frozen=True, slots=True)
class Results:
    """All of them; each is empty where the run has none."""

    random_effects: Sequence[RandomEffects]
    leave_one_out: Sequence[LeftOut]
    adjusted: Sequence[Adjusted]
    paired: Sequence[Paired]
    trend: Sequence[Period]
    next_round: Sequence[NextRound]
    positions: Sequence[Position]
    changes: Sequence[Change]
    result_changes: Sequence[ResultChange]


LATEST = """run_id in (
    select run_id from meta.runs semi join meta.latest_run using (run_id) where compared_with is not null
)"""
"""Of the latest run, where it is compared with one before."""
PAIR = "exposure, outcome"
SOURCES: Mapping[type[Any], Source] = {
    RandomEffects: Source("analysis.random_effects_latest", f"{PAIR}, population"),
    LeftOut: Source(
        "analysis.leave_one_out_latest", f"{PAIR}, centre_code", f"{ACCEPTED} and tau_b is not null and isfinite(tau_b)"
    ),
    Adjusted: Source("analysis.adjusted_latest", f"{PAIR}, covariate, method", f"{ACCEPTED} and centre_code is null"),
    Paired: Source("analysis.paired_latest", "measure, unit, centre_code nulls first", f"{ACCEPTED} and n > 0"),
    Period: Source("analysis.trend_latest", f"{PAIR}, period", ACCEPTED),
    NextRound: Source("analysis.next_round_latest", f"{PAIR}, power, basis", ACCEPTED),
    Position: Source("marts.centre_positions", "centre_code"),
    Change: Source("meta.changes", "n desc, change, cause", LATEST),
    ResultChange: Source("meta.result_changes", PAIR, f"{LATEST} and {ACCEPTED} and result = 'stratified'"),
}


def read_results(reader: Reader) -> Results:
    """Read all of them."""
    return Results(*(reader.rows(kind, source) for kind, source in SOURCES.items()))
