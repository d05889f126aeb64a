"""Records that share a key, side by side: which questions they answer differently, and never what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from laktasi.quality.kinds.model import DeclaredCheck
from laktasi.quality.plan import KEY, make_plan
from laktasi.quality.suites import COMPARED
from laktasi.questionnaire.model import Questionnaire
from laktasi.store.sql import identifier

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Difference:
    """Records of one key."""

    form_id: str
    submissions: tuple[str, ...]
    """Sorted; of a repeat each once, however many of its rows share the key."""
    questions: tuple[str, ...]
    """Paths of the questions that they do not all answer the same, in the order of the form; an answer and none differ
    too. None or few: probably sent twice. Nearly all: probably two under one key."""


def differences(
    con: duckdb.DuckDBPyConnection,
    questionnaires: Mapping[tuple[str, str], Questionnaire],
    check: DeclaredCheck,
    submission_id: str,
) -> tuple[Difference, ...]:
    """Tell the records apart that share a key with one, by a check of kind ``unique``.

    Parameters
    ----------
    con
        The warehouse, after its answers were read.
    questionnaires
        Its form versions, by form id and version.
    submission_id
        The record whose keys are looked at.

    Returns
    -------
    tuple of Difference
        One for each of its keys that others have too (in a repeat it can have several), by first submission.

    Raises
    ------
    CheckError
        The check fits no form version.
    """
    found = []
    for batch in make_plan(questionnaires, [check]).batches:
        if batch.shape != "unique":
            continue
        paths = {
            item.column.lower(): item.path
            for (form_id, _version), questionnaire in questionnaires.items()
            if form_id == batch.form_id
            for item in questionnaire.fields_of(batch.table)
            if item.is_question
        }
        rows = con.execute(
            f"""
            with twice as (
                select _submission_id, _row, {KEY} from ({batch.select})
                where {COMPARED} and {KEY} is not null
                qualify count(*) over (partition by {KEY}) > 1
                    and bool_or(_submission_id = ?) over (partition by {KEY})
            )
            select twice.{KEY}, answers.*
            from {identifier("answers", batch.table)} as answers
            inner join twice using (_submission_id, _row)
            order by answers._submission_id, answers._row
            """,
            [submission_id],
        )
        columns = [column[0].lower() for column in rows.description]
        by_key: dict[str, list[dict[str, str | None]]] = {}
        for row in rows.fetchall():
            by_key.setdefault(row[0], []).append(dict(zip(columns, row, strict=True)))
        for records in by_key.values():
            differ = [path for column, path in paths.items() if len({record.get(column) for record in records}) > 1]
            submissions = sorted({str(record["_submission_id"]) for record in records})
            found.append(Difference(batch.form_id, tuple(submissions), tuple(differ)))
    return tuple(sorted(found, key=lambda item: item.submissions))
