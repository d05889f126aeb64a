"""How much of a group gives one answer: the share of records for which an expression holds."""

from __future__ import annotations

from laktasi.quality.kinds.groups import AT_LEAST_ROWS, BY, grouped, one_limit, rate
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, questions_in, text
from laktasi.quality.scene import Scene, questions_by


def _measure(check: DeclaredCheck, scene: Scene) -> str:
    side = "low" if check.parameters["at_most"] is not None else "high"
    counted = scene.holds(check, check.parameters["of"])
    return rate(check, grouped(check, scene, counted=counted, among="true"), side=side)


KINDS = (
    Kind(
        name="share",
        level="group",
        parameters=(
            Parameter("of", text, required=True),
            BY,
            Parameter("at_most", number(low=0, high=1)),
            Parameter("at_least", number(low=0, high=1)),
            AT_LEAST_ROWS,
        ),
        names=lambda check: (*questions_in(check.parameters["of"]), *questions_by(check.parameters["by"])),
        measure=_measure,
        limits=lambda check: (check.parameters["at_least"], check.parameters["at_most"]),
        verify=one_limit,
    ),
)
