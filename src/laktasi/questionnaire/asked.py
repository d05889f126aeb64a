"""Which questions were asked in which row: what a share of missing answers is a share of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from laktasi.questionnaire.layers import Column, Frame, put_together
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.plan import Plan
from laktasi.questionnaire.values import Unsupported


@dataclass(frozen=True, slots=True)
class AskedRows:
    """The rows of one table of one form version, and which questions were relevant there."""

    select: str
    """``_submission_id, _row``, and a BOOLEAN for each question, ``q0``, ``q1`` … in the order they were named."""
    unknown: tuple[str, ...]
    """Paths of the questions of which it cannot be told after the interview; FALSE in every row."""


def asked_rows(questionnaire: Questionnaire, table: str, paths: Sequence[str]) -> AskedRows:
    """Say in which rows of a table questions were relevant, by the form's own words.

    Parameters
    ----------
    questionnaire
        The form version; only its rows are looked at.
    table
        One of its tables.
    paths
        Questions of that table. One that this version does not have was asked nowhere.
    """
    plan = Plan(questionnaire)
    there = {item.path for item in questionnaire.fields_of(table)}
    columns: list[Column] = []
    unknown: list[str] = []
    for number, path in enumerate(paths):
        scope, frame = plan.scope(path, plan.tables.by_name[table]), Frame()
        condition = "FALSE"
        if path in there:
            try:
                condition = plan.relevance(path, scope.alias_of, frame)
            except Unsupported:
                unknown.append(path)
        columns.append(plan.column(f"q{number}", condition, scope, frame))
    return AskedRows(put_together(plan.tables, plan.tables.by_name[table], columns), tuple(unknown))
