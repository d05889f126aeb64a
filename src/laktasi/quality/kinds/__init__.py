"""The kinds of declared checks: one small module for each family."""

from __future__ import annotations

from collections.abc import Mapping

from laktasi.quality.kinds import (
    back_checks,
    completion,
    dates,
    duplicates,
    keys,
    patterns,
    place,
    rates,
    rounds,
    rows,
    share,
    timing,
    trouble,
    values,
    versions,
)
from laktasi.quality.kinds.model import Kind

_FAMILIES = (
    *(rows, keys, values, dates, duplicates, rounds, place),
    *(share, rates, patterns, timing, completion, versions, trouble, back_checks),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for module in _FAMILIES for kind in module.KINDS}
"""Every kind that checks.yml can name, by its name."""
