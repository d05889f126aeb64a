"""How much of a group gives one answer: the share of records for which an expression holds."""

from __future__ import annotations

from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, questions_in, text, whole
from laktasi.quality.scene import Scene, questions_by, wilson


def _measure(check: DeclaredCheck, scene: Scene) -> str:
    group, kind = scene.by(check.parameters["by"], named=True)
    side = "low" if check.parameters["at_most"] is not None else "high"
    return f"""
        select
            concat('{kind}:', code) as _row,
            case when n >= {check.parameters["at_least_rows"]} then {wilson("k", "n", side)} end as value,
            n
        from (
            select {group} as code, count(*) filter ({scene.holds(check, check.parameters["of"])}) as k, count(*) as n
            from {scene.rows()}
            where {scene.where(check)} and {group} is not null
            group by code
        )
    """


def _verify(check: DeclaredCheck) -> None:
    if (check.parameters["at_most"] is None) == (check.parameters["at_least"] is None):
        raise ValueError("needs either 'at_most' or 'at_least'")


KINDS = (
    Kind(
        name="share",
        level="group",
        parameters=(
            Parameter("of", text, required=True),
            Parameter("by", text, default="all"),
            Parameter("at_most", number(low=0, high=1)),
            Parameter("at_least", number(low=0, high=1)),
            Parameter("at_least_rows", whole(low=1), default=20),
        ),
        names=lambda check: (*questions_in(check.parameters["of"]), *questions_by(check.parameters["by"])),
        measure=_measure,
        limits=lambda check: (check.parameters["at_least"], check.parameters["at_most"]),
        verify=_verify,
    ),
)
