"""Kinds about the values of one question, row against row."""

from __future__ import annotations

from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, one_of, text, whole
from laktasi.quality.scene import NUMBERS, Scene, day_of, questions_by

_FACTOR = {"iqr": 1.5, "sd": 3.0}


def _outlier(check: DeclaredCheck, scene: Scene) -> str:
    """Hold each number against the spread of its group; a group with few numbers has none to speak of.

    Quartiles as R's type 7 (``quantile_cont``); the standard deviation is that of a sample.
    """
    asked = scene.question(check.parameters["question"], numbers=True)
    group, _ = scene.by(check.parameters["by"], asked.table)
    factor = check.parameters["factor"] or _FACTOR[check.parameters["method"]]
    if check.parameters["method"] == "iqr":
        first, third = (f"quantile_cont(value, {share}) over one" for share in (0.25, 0.75))
        low, high = f"{first} - {factor} * ({third} - {first})", f"{third} + {factor} * ({third} - {first})"
    else:
        mean, deviation = "avg(value) over one", "stddev_samp(value) over one"
        low, high = f"{mean} - {factor} * {deviation}", f"{mean} + {factor} * {deviation}"
    return f"""
        select
            _submission_id,
            _row,
            n < {check.parameters["at_least"]} or coalesce(value between low and high, true) as is_good
        from (
            select *, {low} as low, {high} as high, count(*) over one as n
            from (
                select r._submission_id, r._row, cast({asked.sql} as double) as value, {group} as code
                from {scene.rows(asked.table)}
                where {scene.where(check)} and {asked.sql} is not null and {group} is not null
            )
            window one as (partition by code)
        )
    """


def _near_others(check: DeclaredCheck, scene: Scene) -> str:
    """Hold each number or day against the median of its group."""
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
            n < {check.parameters["at_least"]} or abs(value - middle) <= {check.parameters["at_most"]} as is_good
        from (
            select *, median(value) over one as middle, count(*) over one as n
            from (
                select r._submission_id, r._row, {value} as value, {group} as code
                from {scene.rows(asked.table)}
                where {scene.where(check)} and {asked.sql} is not null and {group} is not null
            )
            window one as (partition by code)
        )
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
            Parameter("at_least", whole(low=4), default=20),
        ),
        names=lambda check: (check.parameters["question"], *questions_by(check.parameters["by"])),
        verdicts=_outlier,
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
