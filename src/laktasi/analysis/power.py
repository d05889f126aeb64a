"""How many records the next round needs: power and sample size of the test of tau_b, given the margins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.population import Population

ALPHA = 0.05
POWERS = (0.8, 0.9)
ESTIMATE, NEARER_LIMIT = "estimate", "nearer limit"
"""Which tau_b is assumed."""
MIN_N = 4
"""Records of all centres together below which the test in the normal distribution means nothing."""
MAX_N = 10_000_000
"""Records beyond which no round goes."""
ROUNDING = 1e-9
"""Less than that is no difference between two tau_b."""

NO_RECORDS = "no_records"
NO_TABLE = "no_margins"
NO_ESTIMATE = "no_estimate"
NO_ASSOCIATION = "no_association"
HOLDS_ZERO = "interval_holds_zero"
BEYOND_CEILING = "beyond_ceiling"
TOO_MANY = "too_many"
REASONS: Mapping[str, Mapping[str, str]] = {
    NO_RECORDS: {"en": "no records", "id": "tidak ada data"},
    NO_TABLE: {
        "en": "exposure or outcome has one level only",
        "id": "paparan atau hasil hanya memiliki satu tingkat",
    },
    NO_ESTIMATE: {"en": "there is no estimate to assume", "id": "tidak ada taksiran untuk diandaikan"},
    NO_ASSOCIATION: {
        "en": "a tau_b of 0 is assumed: no number of records would find it",
        "id": "tau_b diandaikan 0: berapa pun datanya tidak akan menemukannya",
    },
    HOLDS_ZERO: {
        "en": "the interval holds 0: no number of records is enough for all that it allows",
        "id": "selang memuat 0: berapa pun datanya belum tentu cukup untuk semua nilai di dalamnya",
    },
    BEYOND_CEILING: {
        "en": "the assumed tau_b is beyond what these margins allow",
        "id": "tau_b yang diandaikan melampaui yang dimungkinkan oleh kedua sebaran ini",
    },
    TOO_MANY: {
        "en": f"more than {MAX_N:,} records",
        "id": f"lebih dari {MAX_N:,} data".replace(",", "."),
    },
}
"""Words for each reason code, by language."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A round of so many records; None where there is no answer (`reason` then says why)."""

    tau_b: float | None
    """The assumed tau_b."""
    alpha: float
    """Level of the two-sided test."""
    centres: int
    power: float | None = None
    """Chance to find it: as asked for, or of the records given."""
    n: int | None = None
    """Records in each centre."""
    half_width: float | None = None
    """Half the width of the 95 % interval, if tau_b then comes out as assumed."""
    tau_b_min: float | None = None
    """Smallest tau_b that the margins allow."""
    tau_b_max: float | None = None
    """Largest tau_b that the margins allow."""
    reason_code: str | None = None
    """Why there is no answer, a key of `REASONS`."""

    @property
    def reason(self) -> str | None:
        """Why there is no answer, in English words."""
        return REASONS[self.reason_code]["en"] if self.reason_code else None

    @property
    def total(self) -> int | None:
        """Records of all centres."""
        return None if self.n is None else self.n * self.centres


def sample_size(
    table: NDArray[Any], *, tau_b: float | None = None, alpha: float = ALPHA, power: float = 0.8, centres: int = 1
) -> Planned:
    """Find the smallest number of records in each centre with which the test has the power asked for.

    Parameters
    ----------
    table : ndarray, shape (exposure levels, outcome levels)
        Records or shares, levels lowest first: its margins are those that the round is expected to have, and its
        pattern is kept as far as the assumed tau_b allows.
    tau_b
        The association to be found; that of the table if None.
    alpha
        Level of the two-sided test.
    power
        Chance to find it, between `alpha` and 1.
    centres
        How many centres bring that many records each; only records of the same centre are compared.

    Raises
    ------
    ValueError
        `table` has not two axes, or holds a negative number; a share is out of its range; `centres` is below 1.

    Notes
    -----
    **The population.** The margins of `table`, and of the tables that have them one with the assumed tau_b: between
    independence and the table itself for a weaker association, between the table and the arrangement without any
    discordant (for a negative tau_b: concordant) pair for a stronger one, straight from one to the other. An assumed
    tau_b beyond that arrangement is none that data with these margins can have.

    **The test** is z = S/√Var0 (for several centres ΣS/√ΣVar0). In a sample of n its mean is taken as
    E S/√(E Var0), both exactly, and its variance to first order (as ASE1 is made, but of z: the margins vary too);
    power is the chance that a normal variable so distributed is beyond the two-sided critical value. With no
    association that is alpha. docs/decisions/0016-held-equal-before-after-next-round.md holds it against draws.

    **Half width**: the score interval of `laktasi.analysis.interval`, uncut, for that population and n.

    References
    ----------
    .. [1] Noether G. E. (1987), Sample size determination for some common nonparametric tests, Journal of the American
       Statistical Association 82, 645–647. (tau without ties, and the variance under H0 for both.)
    .. [2] Agresti A. (2010), Analysis of Ordinal Categorical Data, 2nd edition, Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> mopuya = np.array([[7, 4, 0], [0, 8, 6]])
    >>> sample_size(mopuya, tau_b=0.3).n
    76
    >>> sample_size(mopuya, tau_b=0.8).reason
    'the assumed tau_b is beyond what these margins allow'
    """
    if not alpha < power < 1:
        raise ValueError(f"power is {power}; expected a share between alpha and 1")
    asked, population = _assume(table, tau_b, alpha, centres)
    asked = replace(asked, power=power)
    if population is None:
        return asked
    enough = _fewest(centres)
    short = enough - 1
    while population.power(enough, alpha, centres) < power:
        enough, short = 2 * enough, enough
        if enough > MAX_N:
            return replace(asked, reason_code=TOO_MANY)
    while enough - short > 1:
        middle = (enough + short) // 2
        enough, short = (middle, short) if population.power(middle, alpha, centres) >= power else (enough, middle)
    return replace(asked, n=enough, half_width=population.half_width(enough, centres))


def power_of(
    table: NDArray[Any], n: int, *, tau_b: float | None = None, alpha: float = ALPHA, centres: int = 1
) -> Planned:
    """Compute the chance that the test finds the association with `n` records in each centre.

    Parameters, Raises and Notes are those of `sample_size`; `n` below 2, or with fewer than `MIN_N` records
    in all, is a ValueError too.

    Examples
    --------
    >>> import numpy as np
    >>> f"{power_of(np.array([[7, 4, 0], [0, 8, 6]]), 25, tau_b=0.5).power:.2f}"
    '0.79'
    """
    asked, population = _assume(table, tau_b, alpha, centres)
    if n < _fewest(centres):
        raise ValueError(f"n is {n}; power is computed from {_fewest(centres)} records in a centre on")
    if population is None:
        return asked
    return replace(asked, n=n, power=population.power(n, alpha, centres), half_width=population.half_width(n, centres))


def next_round(
    table: NDArray[Any],
    estimate: float | None,
    ci_low: float | None,
    ci_high: float | None,
    *,
    alpha: float = ALPHA,
    powers: tuple[float, ...] = POWERS,
) -> list[dict[str, Any]]:
    """Plan the next round from the results of this one: rows of analysis.next_round, from basis to reason.

    Parameters
    ----------
    table : ndarray, shape (exposure levels, outcome levels)
        Records of all centres together, for the margins and the pattern.
    estimate, ci_low, ci_high
        tau_b of this round with its interval (of all centres: the stratified one); None where there is none.
    """
    rows = []
    for basis, (tau_b, why_not) in assumptions(estimate, ci_low, ci_high).items():
        for power in powers:
            if why_not is None:
                plan = sample_size(table, tau_b=tau_b, alpha=alpha, power=power)
            else:
                plan = Planned(tau_b, alpha, 1, power, reason_code=why_not)
            rows.append(
                {
                    "basis": basis,
                    "tau_b": plan.tau_b,
                    "alpha": plan.alpha,
                    "power": plan.power,
                    "n": plan.n,
                    "half_width": plan.half_width,
                    "reason": plan.reason,
                }
            )
    return rows


def assumptions(
    estimate: float | None, ci_low: float | None, ci_high: float | None
) -> dict[str, tuple[float | None, str | None]]:
    """Give which tau_b to assume for the next round: by basis; and a reason code where that leads nowhere.

    The limit nearer to 0 is the careful choice: estimates that were worth reporting tend to be too large.
    """
    if estimate is None or ci_low is None or ci_high is None:
        return {ESTIMATE: (None, NO_ESTIMATE), NEARER_LIMIT: (None, NO_ESTIMATE)}
    nearer = (0.0, HOLDS_ZERO) if ci_low <= 0 <= ci_high else (min(ci_low, ci_high, key=abs), None)
    return {ESTIMATE: (estimate, None), NEARER_LIMIT: nearer}


def _fewest(centres: int) -> int:
    return max(2, -(-MIN_N // centres))


def _assume(table: NDArray[Any], tau_b: float | None, alpha: float, centres: int) -> tuple[Planned, Population | None]:
    """Give the frame of the answer, and the population with the assumed tau_b unless the frame says why not."""
    cells = np.asarray(table, dtype=np.float64)
    if cells.ndim != 2:
        raise ValueError(f"the table has {cells.ndim} axes; expected two: exposure and outcome")
    if not (np.isfinite(cells).all() and (cells >= 0).all()):
        raise ValueError("the table holds a negative number, or none")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected a share between 0 and 1")
    if centres < 1:
        raise ValueError(f"centres are {centres}; expected 1 or more")
    frame = Planned(tau_b, alpha, centres)
    if cells.sum() == 0:
        return replace(frame, reason_code=NO_RECORDS), None
    observed = Population(cells)
    if observed.untied_x <= 0 or observed.untied_y <= 0:
        return replace(frame, reason_code=NO_TABLE), None
    lowest, highest = observed.extreme(-1), observed.extreme(1)
    assumed = observed.tau_b if tau_b is None else tau_b
    frame = replace(frame, tau_b=assumed, tau_b_min=lowest.tau_b, tau_b_max=highest.tau_b)
    if not lowest.tau_b - ROUNDING <= assumed <= highest.tau_b + ROUNDING:
        return replace(frame, reason_code=BEYOND_CEILING), None
    if abs(assumed) < ROUNDING:
        return replace(frame, reason_code=NO_ASSOCIATION), None
    return frame, observed.with_tau_b(assumed)
