"""A population with two ordered variables, and what samples from it give: for planning, where no records are yet."""

from __future__ import annotations

from math import sqrt

import numpy as np

from laktasi.analysis.interval import PSEUDO_RECORDS, score_interval
from laktasi.analysis.pairs import Floats

HALVINGS = 60
"""Of the stretch on which a population is looked for: more than the digits of a float."""


class Population:
    """Shares of a two-way table, levels lowest first.

    Parameters
    ----------
    cells
        Records or shares; they are scaled to 1.
    """

    def __init__(self, cells: Floats) -> None:
        self.cells: Floats = cells / cells.sum()
        self.x: Floats = self.cells.sum(axis=1)
        self.y: Floats = self.cells.sum(axis=0)
        self.dominance: Floats = _signs(len(self.x)) @ self.cells @ _signs(len(self.y)).T
        """For a record in each cell: the share concordant with it, less the share discordant with it."""
        self.surplus = float((self.cells * self.dominance).sum())
        """Chance that two records are concordant, less that they are discordant."""
        self.untied_x, self.untied_y = (1 - float((margin * margin).sum()) for margin in (self.x, self.y))
        """Chances that two records differ in the exposure, and in the outcome."""

    @property
    def tau_b(self) -> float:
        """tau_b of the population; its margins must not be single levels."""
        return max(-1.0, min(1.0, self.surplus / sqrt(self.untied_x * self.untied_y)))

    def extreme(self, direction: int) -> Population:
        """Give the population of the same margins with the largest tau_b (direction 1), or the smallest (−1)."""
        y = self.y[::direction]
        below = np.minimum.outer(np.append(0, np.cumsum(self.x)), np.append(0, np.cumsum(y)))
        return Population(np.diff(np.diff(below, axis=0), axis=1).clip(min=0)[:, ::direction])

    def with_tau_b(self, tau_b: float) -> Population:
        """Give the population of the same margins that has this tau_b, as near to this one's pattern as it can be.

        It lies on the straight line from independence to this population, or beyond it on the one to the extreme;
        where this one's association is of the other sign, on the line from independence to the extreme.
        """
        direction = 1 if tau_b > 0 else -1
        start, end = np.outer(self.x, self.y), self.extreme(direction).cells
        if direction * self.tau_b > 0:
            start, end = (start, self.cells) if abs(tau_b) <= abs(self.tau_b) else (self.cells, end)
        near, far = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            reaches = direction * Population((1 - middle) * start + middle * end).tau_b >= direction * tau_b
            near, far = (near, middle) if reaches else (middle, far)
        return Population((1 - far) * start + far * end)

    def normal_power(self, n: int, alpha: float, centres: int = 1) -> float:
        """Return the chance that the two-sided test of z = ΣS/√ΣVar0 rejects, with n records in each centre.

        To first order, z taken as normally distributed: too much where n is small or a level is rare.
        """
        from scipy.special import ndtr, ndtri

        mean = abs(self.surplus) * n * (n - 1) / 2 / sqrt(self._null_variance(n)) * sqrt(centres)
        critical = -float(ndtri(alpha / 2))
        spread = max(self._spread_of_z(), 1e-9)  # a perfect 2 × 2 table gives the same z every time
        return float(ndtr((mean - critical) / spread) + ndtr((-mean - critical) / spread))

    def half_width(self, n: int, centres: int = 1) -> float:
        """Return half the width of the uncut score interval around this population's tau_b, for so many records."""
        records = n * centres
        smooth = Population((records * self.cells + PSEUDO_RECORDS * np.outer(self.x, self.y)) / records)
        untied = n * (n - 1) / 2 * sqrt(self.untied_x * self.untied_y)
        variance = smooth._variance_of_tau() / records * n / (n - 1)
        null_variance = self._null_variance(n) / untied**2 / centres
        tau, spread, at, null, least, most = np.array(
            [self.tau_b, variance, smooth.tau_b, null_variance, -1.0, 1.0]
        ).reshape(6, 1)
        low, high = score_interval(tau, spread, at, null, np.array([records]), least, most)
        return float(high[0] - low[0]) / 2

    def _null_variance(self, n: int) -> float:
        """Return E Var0 of n records: the variance of S, had they no association."""
        (_, shared_x), (_, shared_y) = _ridits(self.x), _ridits(self.y)
        return n * (n - 1) * ((n - 2) * shared_x * shared_y + self.untied_x * self.untied_y / 2)

    def _variance_of_tau(self) -> float:
        """Return the variance of tau_b to first order, times the number of records."""
        influence = 2 * self.dominance / sqrt(self.untied_x * self.untied_y)
        influence -= self.tau_b * ((1 - self.x) / self.untied_x)[:, None]
        influence -= self.tau_b * ((1 - self.y) / self.untied_y)[None, :]
        return float((self.cells * influence**2).sum())

    def _spread_of_z(self) -> float:
        """Return the standard deviation of z to first order: its denominator varies with the margins too."""
        (x, shared_x), (y, shared_y) = _ridits(self.x), _ridits(self.y)
        scale = 2 * sqrt(shared_x * shared_y)
        influence = 2 * (self.dominance - self.surplus)
        for ridits, shared, margin, shape in ((x, shared_x, self.x, (-1, 1)), (y, shared_y, self.y, (1, -1))):
            own = ridits**2 + 2 * _signs(len(margin)).T @ (margin * ridits) - 3 * shared
            influence -= (self.surplus / 2 * own / shared).reshape(shape)
        return sqrt(float((self.cells * influence**2).sum())) / scale


def _signs(levels: int) -> Floats:
    """Return 1 where the row's level is the higher one, −1 where the column's is."""
    at = np.arange(levels)
    signs: Floats = np.sign(np.subtract.outer(at, at)).astype(np.float64)
    return signs


def _ridits(margin: Floats) -> tuple[Floats, float]:
    """Return the share below each level less the share above, and the mean of its square."""
    ridits = _signs(len(margin)) @ margin
    return ridits, float((margin * ridits * ridits).sum())
