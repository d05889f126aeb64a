"""Whom the study counts: `include` of study.yml, by the words of each form version."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from laktasi.store.forms import Questionnaires
    from laktasi.study import Study


def included(study: Study | None, questionnaires: Questionnaires) -> str | None:
    """Give the select of the submissions that the study counts, each by the words of its own form version."""
    from laktasi.questionnaire.predicates import predicate_over
    from laktasi.store.forms import versions_of

    if study is None or study.include is None:
        return None
    return predicate_over(versions_of(questionnaires, study.form_id), study.include)


def left_out(study: Study | None, questionnaires: Questionnaires) -> list[str]:
    """Name the form versions of which no record counts, since they lack a question of the study's `include`."""
    from laktasi.questionnaire.predicates import lacking
    from laktasi.store.forms import versions_of

    if study is None or study.include is None:
        return []
    return [
        f"{item.form_id} {item.version} ('include' in study.yml asks for {names[0]})"
        for item in versions_of(questionnaires, study.form_id)
        if (names := lacking(item, study.include))
    ]
