"""Many tests at once: p values corrected for how many there are."""

from __future__ import annotations

import numpy as np

from laktasi.analysis.pairs import Floats, Ints


def holm(p: Floats) -> Floats:
    """Correct p values so that one false alarm among all of them is as rare as a test's level says (Holm 1979).

    Parameters
    ----------
    p : ndarray of float, shape (tests,)
        nan where nothing was tested; such a test is left out of the count, and stays nan.

    Returns
    -------
    ndarray of float, shape (tests,)
        In order of p, the i-th smallest of m times m − i + 1; never below a smaller one's, never above 1.

    Notes
    -----
    Holds whatever the tests have to do with each other. As R's ``p.adjust(p, "holm")``.

    References
    ----------
    .. [1] Holm S. (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
       6, 65–70.

    Examples
    --------
    >>> import numpy as np
    >>> [round(float(p), 4) for p in holm(np.array([0.01, 0.04, np.nan, 0.03]))]
    [0.03, 0.06, nan, 0.06]
    """
    order = _smallest_first(p)
    factors = np.arange(len(order), 0, -1)
    corrected = np.full(p.shape, np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1.0)
    return corrected


def benjamini_hochberg(p: Floats) -> Floats:
    """Correct p values so that among the alarms the expected share of false ones is what the level says.

    Parameters
    ----------
    p : ndarray of float, shape (tests,)
        nan where nothing was tested; such a test is left out of the count, and stays nan.

    Returns
    -------
    ndarray of float, shape (tests,)
        The i-th smallest of m times m/i; never above a larger one's, never above 1.

    Notes
    -----
    Holds where tests are independent, as those of different people are. As R's ``p.adjust(p, "BH")``.

    References
    ----------
    .. [1] Benjamini Y., Hochberg Y. (1995), Controlling the false discovery rate, Journal of the Royal Statistical
       Society B 57, 289–300.

    Examples
    --------
    >>> import numpy as np
    >>> [round(float(p), 4) for p in benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.03]))]
    [0.03, 0.04, nan, 0.04]
    """
    order = _smallest_first(p)
    m = len(order)
    factors = m / np.arange(1, m + 1)
    corrected = np.full(p.shape, np.nan)
    corrected[order] = np.minimum(np.minimum.accumulate((factors * p[order])[::-1])[::-1], 1.0)
    return corrected


def _smallest_first(p: Floats) -> Ints:
    """Return where the p values stand, from the smallest to the largest, without those that are nan."""
    tested = np.flatnonzero(~np.isnan(p))
    order: Ints = tested[np.argsort(p[tested], kind="stable")]
    return order
