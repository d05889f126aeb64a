"""How many records the next round needs: power and sample size of the test of tau_b, given the margins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laktasi.analysis.drawn_rounds import found_share, is_drawn
from laktasi.analysis.population import Population

ALPHA = 0.05
POWERS = (0.8, 0.9)
ESTIMATE, NEARER_LIMIT = "estimate", "nearer limit"
"""Which tau_b is assumed."""
MIN_N = 4
"""Records of all centres together below which the test in the normal distribution means nothing."""
MAX_N = 10_000_000
"""Records of one centre beyond which no round goes."""
MAX_CENTRES = 10_000
"""Centres beyond which no round goes: Indonesia has about as many."""
SMALL_CENTRE = 30
"""Records of a single centre up to which results lead with the exact test (`laktasi.analysis.exact.MAX_N`)."""
GUESSES = 6
"""After so many sizes tried, halve what is left."""
ROUNDING = 1e-9
"""Less than that is no difference between two tau_b."""

DRAWN_EXACT, DRAWN_Z, NORMAL = "exact test, rounds drawn", "z, rounds drawn", "z, normal distribution"
"""Which test a power is that of, and how it was found."""

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
    method: str | None = None
    """Which test the power is that of and how it was found: `DRAWN_EXACT`, `DRAWN_Z` or `NORMAL`."""
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

    **The test** is the one that the results lead with: of a single centre the exact one, of several z = ΣS/√ΣVar0.
    Where n is small or a level rare, its power is the share of rounds found among rounds drawn from the population
    (`laktasi.analysis.drawn_rounds`); a round in which a variable has one level only has found nothing. The draws
    are the same every time.

    **Elsewhere** z is taken as normal: its mean as E S/√(E Var0), both exactly, and its variance to first order (as
    ASE1 is made, but of z: the margins vary too). Power of the exact test goes up and down by a little from one n to
    the next: n has the power asked for, and n − 1 has not.
    docs/decisions/0016-held-equal-before-after-next-round.md holds all of it against other draws.

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
    79
    >>> sample_size(mopuya, tau_b=0.8).reason
    'the assumed tau_b is beyond what these margins allow'
    """
    if not alpha < power < 1:
        raise ValueError(f"power is {power}; expected a share between alpha and 1")
    asked, population = _assume(table, tau_b, alpha, centres)
    asked = replace(asked, power=power)
    if population is None:
        return asked
    n = _smallest(
        lambda n: _power(population, n, alpha, centres)[0],
        power,
        alpha,
        fewest=_fewest(centres),
        start=_by_formula(population, power, alpha, centres),
    )
    if n is None:
        return replace(asked, reason_code=TOO_MANY)
    return replace(
        asked,
        n=n,
        half_width=population.half_width(n, centres),
        method=_power(population, n, alpha, centres)[1],
    )


def power_of(
    table: NDArray[Any], n: int, *, tau_b: float | None = None, alpha: float = ALPHA, centres: int = 1
) -> Planned:
    """Compute the chance that the test finds the association with `n` records in each centre.

    Parameters, Raises and Notes are those of `sample_size`; `n` below 2, or with fewer than `MIN_N` records
    in all, or above `MAX_N`, is a ValueError too.

    Examples
    --------
    >>> import numpy as np
    >>> f"{power_of(np.array([[7, 4, 0], [0, 8, 6]]), 25, tau_b=0.5).power:.2f}"
    '0.75'
    """
    asked, population = _assume(table, tau_b, alpha, centres)
    if n < _fewest(centres):
        raise ValueError(f"n is {n}; power is computed from {_fewest(centres)} records in a centre on")
    if n > MAX_N:
        raise ValueError(f"n is {n}; power is computed up to {MAX_N} records in a centre")
    if population is None:
        return asked
    power, method = _power(population, n, alpha, centres)
    return replace(asked, n=n, power=power, half_width=population.half_width(n, centres), method=method)


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
                    "method": plan.method,
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


def _power(population: Population, n: int, alpha: float, centres: int) -> tuple[float, str]:
    """Give the chance to find the association, and how it was found."""
    if is_drawn(population, n, centres):
        return found_share(population, n, alpha, centres), DRAWN_EXACT if centres == 1 else DRAWN_Z
    return population.normal_power(n, alpha, centres), NORMAL


def _smallest(power_of_n: Callable[[int], float], power: float, alpha: float, fewest: int, start: int) -> int | None:
    """Find a size that has the power while the one before has not; None beyond `MAX_N`.

    Each size that is tried tells the next, as if power were that of a normal z that grows with √n.
    """
    from scipy.special import ndtri

    critical = -float(ndtri(alpha / 2))
    wanted = critical + float(ndtri(power))
    short, enough, n, tried = fewest - 1, MAX_N + 1, start, 0
    while enough - short > 1:
        found = power_of_n(n)
        short, enough = (short, n) if found >= power else (n, enough)
        tried += 1
        if tried > GUESSES and enough <= MAX_N:
            guess = (short + enough) // 2
        else:
            reached = critical + float(ndtri(min(max(found, 0.001), 0.999)))
            growth = (wanted / max(reached, wanted / 4)) ** 2 if wanted > 0 else 2.0
            guess = round(n * growth) if tried <= GUESSES else 2 * n
        n = min(max(guess, short + 1), enough - 1)
    return enough if enough <= MAX_N else None


def _by_formula(population: Population, power: float, alpha: float, centres: int) -> int:
    """Give the smallest size with the power by the normal formula; `MAX_N` if that is not enough."""
    short, enough = _fewest(centres) - 1, MAX_N
    while enough - short > 1:
        middle = (enough + short) // 2
        found = population.normal_power(middle, alpha, centres)
        short, enough = (short, middle) if found >= power else (middle, enough)
    return enough


def _assume(table: NDArray[Any], tau_b: float | None, alpha: float, centres: int) -> tuple[Planned, Population | None]:
    """Give the frame of the answer, and the population with the assumed tau_b unless the frame says why not."""
    cells = np.asarray(table, dtype=np.float64)
    if cells.ndim != 2:
        raise ValueError(f"the table has {cells.ndim} axes; expected two: exposure and outcome")
    if not (np.isfinite(cells).all() and (cells >= 0).all()):
        raise ValueError("the table holds a negative number, or none")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected a share between 0 and 1")
    if not 1 <= centres <= MAX_CENTRES:
        raise ValueError(f"centres are {centres}; expected 1 to {MAX_CENTRES}")
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
