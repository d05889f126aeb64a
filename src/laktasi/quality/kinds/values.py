"""Kinds about the values of one question, row against row."""

from __future__ import annotations

import math

from laktasi.quality.asked import NUMBERS, day_of
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, one_of, text, whole
from laktasi.quality.scene import Scene, questions_by

_FACTOR = {"iqr": 1.5, "sd": 3.0}
_AT_LEAST = 20


def _outlier(check: DeclaredCheck, scene: Scene) -> str:
    """Hold each number against the spread of its group; a group of few numbers or without spread is not compared.

    Quartiles as R's type 7 (``quantile_cont``); the standard deviation is that of a sample. Where half of a group give
    one number, both quartiles are that number, and every other one would be accused.
    """
    asked = scene.question(check.parameters["question"], numbers=True)
    group, _ = scene.by(check.parameters["by"], asked.table)
    if check.parameters["method"] == "iqr":
        low, high = (f"quantile_cont(value, {share}) over one" for share in (0.25, 0.75))
        spread = f"{high} - {low}"
    else:
        low = high = "avg(value) over one"
        # the deviation of equal numbers can miss 0 by a rounding
        spread = "case when min(value) over one < max(value) over one then stddev_samp(value) over one else 0 end"
    return f"""
        select
            _submission_id,
            _row,
            value between low - {_factor(check)} * spread and high + {_factor(check)} * spread as is_good
        from (
            select *, {low} as low, {high} as high, {spread} as spread, count(*) over one as n
            from (
                select r._submission_id, r._row, cast({asked.sql} as double) as value, {group} as code
                from {scene.rows(asked.table)}
                where {scene.where(check, asked.table)} and {asked.sql} is not null and {group} is not null
            )
            window one as (partition by code)
        )
        where n >= {check.parameters["at_least"] or max(_AT_LEAST, _fewest(check))} and spread > 0
    """


def _factor(check: DeclaredCheck) -> float:
    return float(check.parameters["factor"] or _FACTOR[check.parameters["method"]])


def _fewest(check: DeclaredCheck) -> int:
    """Give how many numbers a group needs so that one of them can lie beyond the limits at all.

    No number lies more than (n - 1) / √n standard deviations from the mean of its sample (Samuelson 1968), which is
    solved for n.
    """
    if check.parameters["method"] == "iqr":
        return 4
    return math.floor(((_factor(check) + math.sqrt(_factor(check) ** 2 + 4)) / 2) ** 2 + 1e-9) + 1


def _can_fail(check: DeclaredCheck) -> None:
    given, fewest = check.parameters["at_least"], _fewest(check)
    if given is not None and given < fewest:
        raise ValueError(
            f"'at_least' must be at least {fewest}: of fewer numbers none can lie {_factor(check):g} standard"
            " deviations from their mean"
        )


def _near_others(check: DeclaredCheck, scene: Scene) -> str:
    """Hold each number or day against the median of its group; those of a small group are not compared."""
    asked = scene.question(check.parameters["question"])
    if asked.type in NUMBERS:
        value = f"cast({asked.sql} as double)"
    else:
        value = f"cast({day_of(asked)} - date '1970-01-01' as double)"
    group, _ = scene.by(check.parameters["by"], asked.table)
    return f"""
        select
            _submission_id,
            _row,
            abs(value - middle) <= {check.parameters["at_most"]} as is_good
        from (
            select *, median(value) over one as middle, count(*) over one as n
            from (
                select r._submission_id, r._row, {value} as value, {group} as code
                from {scene.rows(asked.table)}
                where {scene.where(check, asked.table)} and {asked.sql} is not null and {group} is not null
            )
            window one as (partition by code)
        )
        where n >= {check.parameters["at_least"]}
    """


KINDS = (
    Kind(
        name="outlier",
        level="set",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("method", one_of(*_FACTOR), default="iqr"),
            Parameter("factor", number(low=0.1)),
            Parameter("by", text, default="all"),
            Parameter("at_least", whole(low=4)),
        ),
        names=lambda check: (check.parameters["question"], *questions_by(check.parameters["by"])),
        verdicts=_outlier,
        verify=_can_fail,
    ),
    Kind(
        name="near_others",
        level="set",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("at_most", number(low=0), required=True),
            Parameter("by", text, default="centre"),
            Parameter("at_least", whole(low=2), default=5),
        ),
        names=lambda check: (check.parameters["question"], *questions_by(check.parameters["by"])),
        verdicts=_near_others,
    ),
)
