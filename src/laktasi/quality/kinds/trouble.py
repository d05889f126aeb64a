"""How much of a group is in trouble, so that a pass rate over all cannot hide one broken site."""

from __future__ import annotations

from laktasi.quality.kinds.groups import AT_LEAST_ROWS, BY, SHARE_AT_MOST, grouped, rate
from laktasi.quality.kinds.model import DeclaredCheck, Kind
from laktasi.quality.scene import Scene, questions_by
from laktasi.store.decisions import accepted
from laktasi.store.sql import literal


def _error_rate(check: DeclaredCheck, scene: Scene) -> str:
    """Count the records in which a row check of severity error fails, and nobody has accepted that."""
    errors = ", ".join(literal(rule_id) for rule_id in sorted(scene.error_rules))
    broken = f"""
        select submission_id from quality.failing
        anti join ({accepted()}) as okays using (form_id, submission_id, "row", rule_id)
        where form_id = {literal(scene.form_id)} and rule_id in ({errors or "null"})
    """
    counted = f"r._submission_id in ({broken})"
    return rate(check, grouped(check, scene, counted=counted, among="true"))


KINDS = (
    Kind(
        name="error_rate",
        level="group",
        parameters=(BY, SHARE_AT_MOST, AT_LEAST_ROWS),
        names=lambda check: questions_by(check.parameters["by"]),
        measure=_error_rate,
        limits=lambda check: (None, check.parameters["at_most"]),
    ),
)
