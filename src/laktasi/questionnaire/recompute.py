"""Calculations and relevance anew, for records of which people have corrected answers.

What comes out is what the phone would store if it opened the record with the corrected answers and finalised it: the
text of each calculation, and nothing where a node is not relevant. The day is that of the interview, not of the
correction. What cannot be repeated keeps its text, and is said.
"""

from __future__ import annotations

from dataclasses import dataclass

from laktasi.questionnaire.calculations import written
from laktasi.questionnaire.layers import ROW, Column, Frame, put_together
from laktasi.questionnaire.model import Field, Questionnaire
from laktasi.questionnaire.plan import Plan, reads_moment
from laktasi.questionnaire.plan import Recomputed as Calculated
from laktasi.questionnaire.scope import Scope
from laktasi.questionnaire.values import Unsupported, quote


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What follows from the answers in one table."""

    select: str | None
    """``_submission_id``, ``_row`` and `columns` as text, NULL for nothing; None where nothing can change."""
    columns: tuple[str, ...]
    """Those with a calculation or a relevance, in the order of the form."""
    left: tuple[tuple[str, str], ...]
    """Column and reason of what keeps its stored text, in every record or in some."""


def recompute_sql(questionnaire: Questionnaire, table: str, only: str) -> Recomputed:
    """Compute anew what follows from the answers, in the text layer.

    Parameters
    ----------
    questionnaire
        The form version; only its rows are looked at.
    table
        Name of the form's table or of one of its repeats.
    only
        SQL name of a relation whose column ``_submission_id`` says which submissions are read.

    Returns
    -------
    Recomputed
        All of it follows from the answers as they stand, so it is applied once, in any order of the tables, after all
        of them have been read.
    """
    renewed = _Renewed(Plan(questionnaire, renews=True))
    columns = [column for item in questionnaire.fields_of(table) if (column := renewed.column(item)) is not None]
    plan = renewed.plan
    select = put_together(plan.tables, plan.tables.by_name[table], columns, only) if columns else None
    return Recomputed(select, tuple(column.name for column in columns), tuple(renewed.left))


class _Renewed:
    """Computed columns as they are made, field by field."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.left: list[tuple[str, str]] = []
        form = plan.questionnaire
        self._conditional = {group.path for group in form.groups if group.relevant}
        self._conditional |= {item.path for item in form.fields if item.relevant}

    def column(self, item: Field) -> Column | None:
        """Give the column of a field; None where its text cannot change."""
        raw = f"{ROW}.{quote(item.column)}"
        scope, frame = self.plan.scope(item.path), Frame()
        text = self._calculated(item, raw, scope, frame)
        relevant = self._relevant(item, scope, frame)
        if text is None and not relevant:
            return None
        if text is not None and relevant == "":
            # Whether it is relevant cannot be told, and what was not sent was not.
            text = f"(CASE WHEN {raw} IS NOT NULL THEN {text} END)"
        sql = text or raw
        if relevant:
            sql = f"(CASE WHEN {relevant} THEN {sql} END)"
        if frame.clock:
            settled = self.plan.clock("settled", scope.alias_of, frame)
            sql = f"(CASE WHEN {settled} THEN {sql} ELSE {raw} END)"
            self._leave(item, "it depends on the day, which is beyond doubt only where start and end are of one day")
        return self.plan.column(item.column, sql, scope, frame)

    def _leave(self, item: Field, reason: str) -> None:
        self.left.append((item.column, reason))

    def _calculated(self, item: Field, raw: str, scope: Scope, frame: Frame) -> str | None:
        """Give SQL of the text of a calculation; None where there is none, or none that can be repeated."""
        if item.calculate is None:
            return None
        try:
            made = self.plan.recomputed(item)
            if isinstance(made, Unsupported):
                raise made
            if reads_moment(made.frame):
                raise Unsupported("now() was another moment when it was computed")
            return self._written(item, made, raw, scope, frame)
        except Unsupported as reason:
            self._leave(item, str(reason))
        except RecursionError:
            # Single expressions are limited when they are parsed, not how many read each other in a row.
            self._leave(item, "too many calculations read each other in a row")
        return None

    def _written(self, item: Field, made: Calculated, raw: str, scope: Scope, frame: Frame) -> str:
        clock = Frame()

        def offset() -> str:
            return self.plan.clock("offset", scope.alias_of, clock)

        text = written(made.result, item.type, raw, offset)
        scope.joins |= made.joins
        frame.columns |= made.frame.columns | clock.columns
        frame.clock = made.frame.clock
        return text

    def _relevant(self, item: Field, scope: Scope, frame: Frame) -> str | None:
        """Give the condition that a field is relevant; None where it always is, empty where it cannot be told."""
        parts = item.path.split("/")
        if self._conditional.isdisjoint("/".join(parts[:end]) for end in range(1, len(parts) + 1)):
            return None
        try:
            return self.plan.relevance(item.path, scope.alias_of, frame)
        except Unsupported as reason:
            self._leave(item, f"whether it is relevant cannot be told: {reason}")
        return ""
