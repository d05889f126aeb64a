"""Answers that look invented: digits that people like too much, and one answer given over and over."""

from __future__ import annotations

from typing import Any

from laktasi.quality.kinds.groups import AT_LEAST_ROWS, BY, SHARE_AT_MOST, group_of, grouped, rate
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, text
from laktasi.quality.scene import Scene, questions_by


def _digits(value: Any) -> tuple[int, ...]:
    """Read a list of different digits."""
    if (
        not (isinstance(value, list) and value)
        or any(isinstance(item, bool) or item not in range(10) for item in value)
        or len(set(value)) != len(value)
    ):
        raise ValueError("must be a list of digits, each once, such as [0, 5]")
    return tuple(int(item) for item in value)


def _unit(value: Any) -> float:
    """Read what the digit counts: 1, 10, 0.1 …"""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1e-6 <= value <= 1e9:
        raise ValueError("must be a number above 0, such as 1, 10 or 0.1")
    return float(value)


def _digit_preference(check: DeclaredCheck, scene: Scene) -> str:
    """Count the numbers whose digit at `unit` is one of those that people round to.

    Each digit ends one number in ten where nobody rounds, so the share that chance gives is a tenth for each; Wilson's
    interval says whether more than `at_most` can still be chance. The idea is that of Whipple's and Myers' indices of
    age heaping, for one group at a time.
    """
    asked = scene.question(check.parameters["question"], numbers=True)
    # Rounded first: 0.3 / 0.1 is a little less than 3.
    digit = f"floor(round(abs({asked.sql}) / {check.parameters['unit']!r}, 6)) % 10"
    wanted = ", ".join(map(str, check.parameters["digits"]))
    return rate(
        check,
        grouped(check, scene, counted=f"{digit} in ({wanted})", among=f"{asked.sql} is not null", table=asked.table),
    )


def _too_frequent(check: DeclaredCheck, scene: Scene) -> str:
    """Count the answer that a group gives most often, among its answers. Which one it is, no finding says."""
    asked = scene.question(check.parameters["question"])
    group, name = group_of(check, scene, asked.table)
    return rate(
        check,
        f"""
        select concat({name}, _code) as _row, max(times) as k, sum(times)::bigint as n
        from (
            select {group} as _code, {asked.sql} as _answer, count(*) as times
            from {scene.rows(asked.table)}
            where {scene.where(check, asked.table)} and {group} is not null and {asked.sql} is not null
            group by all
        )
        group by all
        """,
    )


def _above_chance(check: DeclaredCheck) -> None:
    chance = len(check.parameters["digits"]) / 10
    if check.parameters["at_most"] < chance:
        raise ValueError(f"has an 'at_most' below {chance:g}, the share of these digits where nobody rounds")


KINDS = (
    Kind(
        name="digit_preference",
        level="group",
        parameters=(
            Parameter("question", text, required=True),
            BY,
            Parameter("digits", _digits, default=(0, 5)),
            Parameter("unit", _unit, default=1.0),
            SHARE_AT_MOST,
            AT_LEAST_ROWS,
        ),
        names=lambda check: (check.parameters["question"], *questions_by(check.parameters["by"])),
        measure=_digit_preference,
        limits=lambda check: (None, check.parameters["at_most"]),
        verify=_above_chance,
    ),
    Kind(
        name="too_frequent",
        level="group",
        parameters=(
            Parameter("question", text, required=True),
            BY,
            Parameter("at_most", number(low=0, high=1), required=True),
            AT_LEAST_ROWS,
        ),
        names=lambda check: (check.parameters["question"], *questions_by(check.parameters["by"])),
        measure=_too_frequent,
        limits=lambda check: (None, check.parameters["at_most"]),
    ),
)
