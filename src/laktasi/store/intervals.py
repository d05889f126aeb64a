"""Intervals of shares, as SQL."""

from __future__ import annotations

_Z = 1.959963984540054
"""97.5 % point of the normal distribution."""


def wilson(k: str, n: str, side: str) -> str:
    """Give SQL of one end of Wilson's 95 % interval for a share of `k` in `n`; `side` is low or high.

    Source: Wilson (1927), as in Brown, Cai and DasGupta (2001), formula 4.
    """
    # Written as doubles: a count and 3.84 would make a decimal, which has room for few digits.
    square, half, quarter = (f"{_Z**2 / part!r}e0" for part in (1, 2, 4))
    spread = f"{_Z!r}e0 * sqrt({k} * ({n} - {k}) / {n}::double + {quarter})"
    # A share of none or all has an end at 0 or 1, which the square root would miss by a rounding.
    exact, sign = (f"{k} = 0 then 0", "-") if side == "low" else (f"{k} = {n} then 1", "+")
    return f"(case when {exact} else ({k} + {half} {sign} {spread}) / ({n} + {square}) end)"
