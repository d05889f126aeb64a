"""Two-sided p values. None is 0, which would read as impossible: one too small for a float is the smallest there is."""

from __future__ import annotations

import numpy as np

from laktasi.analysis.pairs import Floats

SMALLEST = float(np.finfo(np.float64).tiny)


def normal_p(z: Floats) -> Floats:
    """Return P(|Z| >= |z|) of the normal distribution; nan stays nan."""
    from scipy.special import ndtr

    p: Floats = np.maximum(2 * ndtr(-np.abs(z)), SMALLEST)
    return p


def t_p(t: float, df: float) -> float:
    """Return P(|T| >= |t|) of Student's distribution."""
    from scipy.special import stdtr

    return max(2 * float(stdtr(df, -abs(t))), SMALLEST)
