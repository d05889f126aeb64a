"""What was done to the data, in counts: for the disclosure report, the manifest and the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from laktasi.release import rule as treatments
from laktasi.release.prepare import Prepared
from laktasi.release.results import Results
from laktasi.release.rule import Rule
from laktasi.release.source import Source
from laktasi.release.suppress import classes

STEPS = (10, 20, 50, 100, 1000)
"""Where the sizes of classes are cut for the table of their distribution, beside the rule's own k."""


def tell(source: Source, prepared: Prepared, results: Results, rule: Rule) -> dict[str, Any]:
    """Tell what was done. Nothing in it is private: it is part of the release."""
    touched = prepared.withheld.any(axis=1)
    quasi, other, untouched = [], [], []
    for at, column in enumerate(prepared.columns):
        line = {
            "name": column.name,
            "path": column.path,
            "treatment": column.treatment,
            "is_place": column.is_place,
            "withheld": int(prepared.withheld[:, at].sum()),
        }
        if column.is_quasi:
            quasi.append(line)
        elif column.treatment:
            other.append(line)
        else:
            untouched.append({"name": column.name, "path": column.path})
    is_shifted = any(column.treatment.startswith(treatments.SHIFT) for column in prepared.columns)
    left_out: dict[str, list[str]] = {}
    for path, why in prepared.left_out.items():
        left_out.setdefault(why, []).append(path)
    return {
        "run_id": source.run.run_id,
        "accepted": source.size,
        "records": len(prepared.records),
        "records_touched": int(touched.sum()),
        "borrowed": prepared.borrowed,
        "rule": {
            "k": rule.k,
            "at_least": rule.at_least,
            "treat": {path: str(treatment) for path, treatment in rule.treat.items()},
            "suppress": list(rule.suppress),
        },
        "quasi": quasi,
        "other": other,
        "untouched": untouched,
        "shifted": is_shifted,
        "unique_intervals": _unique_intervals(prepared) if is_shifted else 0,
        "class_sizes": _distribution(prepared.sizes.tolist(), rule.k),
        "left_out": left_out,
        "repeats": source.repeats,
        "pairs": [
            {
                "exposure": line.pair.exposure,
                "outcome": line.pair.outcome,
                "shown": line.shown,
                "withheld": line.withheld,
                "across": line.across,
                "why": line.why,
            }
            for line in results.pairs
        ],
        "frequencies_withheld": list(results.frequencies_withheld),
    }


def _distribution(sizes: Iterable[int], k: int) -> list[tuple[str, int]]:
    """Count records by the size of their class, in a few steps from k on."""
    starts = [1, k, *(step for step in STEPS if step > k)]
    counted = Counter(max(start for start in starts if start <= size) for size in sizes)
    ends = [*(start - 1 for start in starts[1:]), None]
    return [
        (f"{start}–{end}" if end and end > start else f"{start}" if end else f"≥ {start}", counted[start])
        for start, end in zip(starts, ends, strict=True)
        if counted[start]
    ]


def _unique_intervals(prepared: Prepared) -> int:
    """Count the records that nobody else of their class shares all days between shifted dates with."""
    dates = [
        column.data.astype("datetime64[D]")
        for column in prepared.columns
        if column.treatment.startswith(treatments.SHIFT)
    ]
    if len(dates) < 2:
        return 0
    known = [np.where(prepared.withheld[:, at], -2, prepared.columns[at].codes()) for at in prepared.quasi]
    between = [later - dates[0] for later in dates[1:]]
    is_known = ~np.any([np.isnat(days) for days in between], axis=0)
    days = [np.unique(days, return_inverse=True)[1] for days in between]
    number, count = classes(np.stack([*known, *days], axis=1))
    return int((is_known & (np.bincount(number, minlength=count)[number] == 1)).sum())
