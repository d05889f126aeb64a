"""The questions of the study's form, as staging.codebook has them, and which of them a name in study.yml means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from laktasi.questionnaire.model import Texts, ValueType


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the form's own table, as staging.codebook has it."""

    path: str
    column: str
    type: ValueType
    privacy: str
    labels: Texts
    list_name: str | None
    calculate: str | None
    versions: tuple[str, ...]


def read_questions(con: duckdb.DuckDBPyConnection, form_id: str) -> tuple[str, tuple[Question, ...], int]:
    """Read the questions of a form that stand outside of repeats.

    Returns
    -------
    str
        Name of the form's own table in staging; empty where there is no such form.
    tuple of Question
        Its questions, in the order of the form.
    int
        Tables of repeats beside it.
    """
    found = con.execute(
        """
        select table_name, path, column_name, type, privacy, labels, list_name, calculate, versions
        from staging.codebook where form_id = ? order by position
        """,
        [form_id],
    ).fetchall()
    tables = {row[0] for row in found}
    root = min(tables, key=len, default="")  # those of repeats are called <form>__<repeat>
    questions = tuple(
        Question(path, name, ValueType(kind), privacy, labels or {}, listed, calculate, tuple(versions))
        for table, path, name, kind, privacy, labels, listed, calculate, versions in found
        if table == root
    )
    return root, questions, max(len(tables) - 1, 0)


def questions_of(questions: Sequence[Question], name: str) -> tuple[Question, ...]:
    """Give what a name in study.yml means: a path, a column, or the last part of a path.

    It is the rule of :meth:`laktasi.questionnaire.model.Questionnaire.find`, version by version: a question that moved
    into another group has a path before and another one after, and its answers stand in both. Where the rule would
    refuse a name that fits several, all are given: what holds for one must hold for each of them.
    """
    found: dict[str, Question] = {}
    for version in {version for question in questions for version in question.versions}:
        here = [question for question in questions if version in question.versions]
        exact = [question for question in here if name in (question.path, question.column)]
        for question in exact or [question for question in here if question.path.rsplit("/", 1)[-1] == name]:
            found[question.path] = question
    return tuple(question for question in questions if question.path in found)
