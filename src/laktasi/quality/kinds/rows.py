"""Kinds that look at one row: they become XPath, and stand in the suite of each form version."""

from __future__ import annotations

from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, questions_in, text
from laktasi.questionnaire.model import Questionnaire


def _row(check: DeclaredCheck, _questionnaire: Questionnaire) -> str:
    return str(check.parameters["expression"])


KINDS = (
    Kind(
        name="row",
        level="row",
        parameters=(Parameter("expression", text, required=True),),
        names=lambda check: questions_in(check.parameters["expression"]),
        expression=_row,
    ),
)
