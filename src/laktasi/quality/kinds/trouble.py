"""How much of a group is in trouble, so that a pass rate over all cannot hide one broken site."""

from __future__ import annotations

from laktasi.quality.kinds.groups import AT_LEAST_ROWS, BY, SHARE_AT_MOST, grouped, rate
from laktasi.quality.kinds.model import DeclaredCheck, Kind
from laktasi.quality.scene import Scene, questions_by
from laktasi.store.sql import literal


def _error_rate(check: DeclaredCheck, scene: Scene) -> str:
    """Count the records in which a row check of severity error fails, and nobody has accepted that."""
    errors = ", ".join(literal(rule_id) for rule_id in sorted(scene.error_rules))
    form = literal(scene.form_id)
    broken = f"""
        select submission_id from quality.failing as failing
        where form_id = {form} and rule_id in ({errors or "null"})
        and not exists (
            from quality.decisions as okay
            inner join quality.decision_states as states on okay.decision_id = states.decision_id
            where okay.action = 'okay' and okay.rule_id = failing.rule_id and states.state = 'applied'
            and states.form_id = {form} and states.submission_id = failing.submission_id
            and states.row = failing.row
        )
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
