"""Small questionnaires as Markdown tables, and the tables their compiled rules read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from laktasi.questionnaire import xform, xlsform
from laktasi.questionnaire.compiler import CompiledForm, compile_form
from laktasi.questionnaire.model import Questionnaire

Row = Mapping[str, str | None]
"""Answers by column; ``_row`` and ``_submission_id`` may be given too."""


def read(markdown: str, media: dict[str, bytes] | None = None) -> Questionnaire:
    """Read a form written as Markdown tables."""
    converted = xlsform.convert_markdown(markdown, media)
    return xform.parse(converted.xform, converted.media)


def survey(*rows: str, columns: str = "", choices: Sequence[str] = (), settings: str = "") -> str:
    """Write a form of rows ``type | name | label | …`` and of choices ``list | name | label``."""
    lines = ["| survey |", f"| | type | name | label |{columns}", *(f"| | {row} |" for row in rows)]
    if choices:
        lines += ["| choices |", "| | list_name | name | label | region |", *(f"| | {row} |" for row in choices)]
    return "\n".join([*lines, "| settings |", "| | form_id | version |", f"| | small | 1 | {settings}"])


def fill(con: duckdb.DuckDBPyConnection, questionnaire: Questionnaire, rows: Mapping[str, Iterable[Row]]) -> None:
    """Make the tables that compiled rules read.

    Parameters
    ----------
    rows
        By table. A row without ``_submission_id`` is the first submission's; its ``_parent_row`` follows from ``_row``.
    """
    con.execute("create schema if not exists answers")
    con.execute("create schema if not exists staging")
    con.execute(
        "create table if not exists staging.choices(form_id varchar, form_version varchar, list_name varchar, "
        "position integer, value varchar, labels map(varchar, varchar), properties map(varchar, varchar))"
    )
    for listed in questionnaire.choice_lists.values():
        for position, choice in enumerate(listed.choices, 1):
            con.execute(
                "insert into staging.choices values (?, ?, ?, ?, ?, map(?, ?), map(?, ?))",
                [
                    *(questionnaire.form_id, questionnaire.version, listed.name, position, choice.value),
                    *(list(choice.labels), list(choice.labels.values())),
                    *(list(choice.properties), list(choice.properties.values())),
                ],
            )
    for table in questionnaire.tables:
        names = ["_submission_id", "_row", *(["_parent_row"] if table.parent else []), "_form_version"]
        names += [item.column for item in questionnaire.fields_of(table.name)]
        columns = ", ".join(f'"{name}" varchar' for name in names)
        con.execute(f'create table if not exists answers."{table.name}" ({columns})')
        lines = [_line(row, names, questionnaire.version) for row in rows.get(table.name, ())]
        if lines:
            marks = ", ".join("?" * len(names))
            con.executemany(f'insert into answers."{table.name}" values ({marks})', lines)


def _line(row: Row, names: Sequence[str], version: str) -> list[str | None]:
    place = row.get("_row") or ""
    fixed: Row = {
        "_submission_id": "uuid:1",
        "_row": place,
        "_parent_row": place.rpartition(".")[0],
        "_form_version": version,
    }
    return [row[name] if name in row else fixed.get(name) for name in names]


def judge(
    questionnaire: Questionnaire,
    answers: Row | None = None,
    *,
    rows: Mapping[str, Iterable[Row]] | None = None,
    compiled: CompiledForm | None = None,
) -> dict[str, bool]:
    """Ask all rules of one submission.

    Returns
    -------
    dict
        By rule id, for a row of a repeat ``<rule id>@<row>``.
    """
    asked = compiled or compile_form(questionnaire)
    form = questionnaire.tables[0].name
    found: dict[str, bool] = {}
    with duckdb.connect() as con:
        fill(con, questionnaire, {form: [answers or {}], **(rows or {})})
        for table in questionnaire.tables:
            result = con.execute(asked.checks_sql(table.name))
            columns = [column[0] for column in result.description]
            for line in result.fetchall():
                named = dict(zip(columns, line, strict=True))
                for rule in asked.rules:
                    if rule.table == table.name:
                        found[rule.rule_id + (f"@{named['_row']}" if named["_row"] else "")] = named[rule.column]
    return found


def findings(questionnaire: Questionnaire, answers: Row | None = None, **more: Any) -> set[str]:
    """Give the rules that a submission breaks."""
    return {name for name, good in judge(questionnaire, answers, **more).items() if not good}
