"""Schema ``marts``: what the analysis and the report read, made anew from warehouse/marts/*.sql."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from laktasi.errors import StudyError
from laktasi.questionnaire.model import ValueType
from laktasi.store.columns import UnitedTable, united_tables
from laktasi.store.forms import Questionnaires
from laktasi.store.roles import Found, check_levels, day_of_interview, find_question, level_choices
from laktasi.store.rows import TEXTS, append, by_column
from laktasi.store.sql import identifier, literal, scalar, select_from_file, transaction, values
from laktasi.store.staging import type_of
from laktasi.study import Study, Variable

NO_ROLES = values(("form_id", "submission_id", "centre_code", "enumerator_code", "subject_code", "is_consented"), ())

TABLES = ("submissions", "centres", "centre_positions", "arrivals", "variables", "set_aside", "last_seen")
"""Marts whose columns are the same for every study; marts.analysed is made whole."""

ANALYSED_COLUMNS = {
    "submission_id": "Submission, see marts.submissions",
    "centre_code": "Health centre, see marts.centres",
    "is_accepted": "Has no open finding that keeps a record out",
}
"""Columns of marts.analysed beside the study's variables."""

PRELOADS = {"start": "started_at", "end": "finished_at", "deviceid": "device"}
"""What a phone fills by itself: what marts.interviews calls it."""


@dataclass(frozen=True, slots=True)
class Marts:
    """What :func:`build_marts` made. Counts, never answers."""

    submissions: int
    included: int
    accepted: int
    """Of the included: without an open finding that keeps a record out."""
    unranked: Mapping[str, int]
    """Included submissions, by variable, whose answer is none of the levels in study.yml; they do not count there."""


def build_interviews(
    con: duckdb.DuckDBPyConnection, study: Study | None, include_sql: str | None, questionnaires: Questionnaires
) -> None:
    """Make marts.interviews anew: who was asked by whom, where and when. The checks over the set read it.

    Parameters
    ----------
    study
        None: with what can be known without roles.
    include_sql
        A select of ``_submission_id``: what the study's `include` counts, consent aside. None counts every submission.

    Raises
    ------
    StudyError
        A role or variable does not fit the questionnaires, or would publish a direct identifier.
    """
    parts = _Study(study, questionnaires) if study else None
    with transaction(con):
        con.execute("delete from marts.interviews")
        _insert(
            con,
            "interviews",
            roles=parts.roles() if parts else NO_ROLES,
            counted=parts.counted(include_sql) if parts else values(("form_id", "submission_id"), ()),
            days=_days(questionnaires),
            metadata=_metadata(questionnaires),
        )


def build_marts(con: duckdb.DuckDBPyConnection, study: Study | None, questionnaires: Questionnaires) -> Marts:
    """Make all other marts anew from marts.interviews and the findings, in one transaction.

    Parameters
    ----------
    study
        None: only those that need none.

    Raises
    ------
    StudyError
        A role or variable does not fit the questionnaires, or would publish a direct identifier.
    """
    parts = _Study(study, questionnaires) if study else None
    with transaction(con):
        for table in TABLES:
            con.execute(f"delete from marts.{table}")
        con.execute("drop table if exists marts.analysed")
        _insert(con, "submissions")
        _insert(con, "set_aside")
        unranked = parts.build(con) if parts else {}
        _insert(con, "last_seen")
    counted = con.execute(
        "select count(*), count(*) filter (is_included), count(*) filter (is_included and is_accepted)"
        " from marts.submissions"
    ).fetchone()
    assert counted is not None
    submissions, included, accepted = counted
    return Marts(submissions, included, accepted, unranked)


def _insert(con: duckdb.DuckDBPyConnection, table: str, **placeholders: str) -> None:
    con.execute(f"insert into marts.{table} by name {select_from_file('marts', table, **placeholders)}")


def _days(questionnaires: Questionnaires) -> str:
    selects = [
        f"select {literal(form_id)} as form_id, _submission_id as submission_id, {day} as day"
        f" from {identifier('staging', table)}"
        for form_id, table, day in day_of_interview(questionnaires)
    ]
    return " union all ".join(selects) or values(("form_id", "submission_id", "day"), ())


def _metadata(questionnaires: Questionnaires) -> str:
    """Give what phones wrote down by themselves, of the forms that ask for any of it."""
    columns = ("form_id", "submission_id", *PRELOADS.values())
    selects = []
    for table in united_tables(questionnaires):
        found = _preloaded(table) if table.parent is None else {}
        if found:
            kept = ", ".join(f"{found.get(name, 'null')} as {name}" for name in PRELOADS.values())
            selects.append(
                f"select {literal(table.form_id)} as form_id, _submission_id as submission_id, {kept}"
                f" from {identifier('staging', table.name)}"
            )
    return " union all ".join(selects) or values(columns, ())


def _preloaded(table: UnitedTable) -> dict[str, str]:
    """Give SQL by name of what is kept; a question may have moved between versions."""
    found: dict[str, list[str]] = {}
    for column in table.columns:
        name = PRELOADS.get(column.newest.preload or "")
        # a time that some version keeps as text is none to reckon with
        if name and (name == "device" or type_of(column) is ValueType.DATETIME):
            found.setdefault(name, []).append(identifier(column.name))
    return {name: f"coalesce({', '.join(columns)})" for name, columns in found.items()}


class _Study:
    """The study's part of the marts: what stands where in its form's table."""

    def __init__(self, study: Study, questionnaires: Questionnaires) -> None:
        def find(name: str, part: str, *, published: bool = True, position: bool = False) -> Found:
            return find_question(study, questionnaires, name, part, published=published, position=position)

        roles = study.roles
        self.study = study
        self.form_id = literal(study.form_id)
        self.centre = find(roles.centre, "role centre")
        self.enumerator = find(roles.enumerator, "role enumerator") if roles.enumerator else None
        self.subject = find(roles.subject, "role subject") if roles.subject else None
        self.consent = find(roles.consent, "role consent", published=False) if roles.consent else None
        self.position = find(roles.position, "role position", position=True) if roles.position else None
        self.variables: dict[str, tuple[Variable, Found]] = {}
        for name, variable in study.variables.items():
            if name in ANALYSED_COLUMNS:
                raise StudyError(
                    f"study.yml: a variable cannot be called {name!r}: marts.analysed has that column already",
                    next_step="give the variable another name in schemas/study.yml",
                )
            found = find(variable.question, f"variable {name!r}")
            check_levels(variable, found)
            self.variables[name] = (variable, found)
        questionnaire, _ = self.centre.fields[0]
        self.answers = identifier("staging", questionnaire.tables[0].name)

    def roles(self) -> str:
        """Give who asked whom and where, and whether consent was given, of every submission of the study's form."""
        consented = "true"
        if self.consent:
            consented = f"coalesce({self.consent.sql} = {literal(self.study.consent_value)}, false)"
        return (
            f"select {self.form_id} as form_id, _submission_id as submission_id, {self.centre.sql} as centre_code,"
            f" {self.enumerator.sql if self.enumerator else 'null'} as enumerator_code,"
            f" {self.subject.sql if self.subject else 'null'} as subject_code,"
            f" {consented} as is_consented from {self.answers}"
        )

    def counted(self, include_sql: str | None) -> str:
        """Give the submissions that the population rule counts."""
        source = f"({include_sql})" if include_sql else self.answers
        return f"select distinct {self.form_id} as form_id, _submission_id as submission_id from {source} as counted"

    def build(self, con: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """Make the marts that only a study has; give the unranked answers by variable."""
        lists = values(("form_version", "list_name", "age"), self.centre.lists)
        _insert(con, "centres", form_id=self.form_id, lists=lists)
        _insert(con, "arrivals", form_id=self.form_id)
        if self.position:
            _insert(
                con,
                "centre_positions",
                form_id=self.form_id,
                answers=self.answers,
                latitude=self.position.part("lat"),
                longitude=self.position.part("lon"),
            )
        append(con, "marts.variables", self._variables())
        columns = ",\n        ".join(
            f"{_rank(variable, found)} as {identifier(name)}" for name, (variable, found) in self.variables.items()
        )
        query = select_from_file("marts", "analysed", form_id=self.form_id, answers=self.answers, levels=columns)
        con.execute(f"create table marts.analysed as {query}")
        self._comment(con)
        return self._unranked(con)

    def _variables(self) -> pa.Table:
        columns = {
            "variable": pa.string(),
            "position": pa.int32(),
            "level": pa.string(),
            "level_rank": pa.int32(),
            "labels": TEXTS,
            "level_labels": TEXTS,
        }
        rows = []
        for position, (name, (variable, found)) in enumerate(self.variables.items(), start=1):
            choices = level_choices(variable, found)
            for rank, level in enumerate(variable.levels, start=1):
                rows.append(
                    {
                        "variable": name,
                        "position": position,
                        "level": level,
                        "level_rank": rank,
                        "labels": variable.labels or found.fields[0][1].labels,
                        "level_labels": choices[level].labels if level in choices else {},
                    }
                )
        return by_column(columns, rows)

    def _comment(self, con: duckdb.DuckDBPyConnection) -> None:
        comments = dict(ANALYSED_COLUMNS)
        for name, (variable, _) in self.variables.items():
            comments[name] = f"Level of {variable.question}, 1 is the lowest, see marts.variables; empty: none of them"
        con.execute(
            "comment on table marts.analysed is"
            " 'What the analysis counts: the level of each variable of the study. One row per included submission.'"
        )
        for column, comment in comments.items():
            con.execute(f"comment on column marts.analysed.{identifier(column)} is {literal(comment)}")

    def _unranked(self, con: duckdb.DuckDBPyConnection) -> dict[str, int]:
        found = {}
        for name, (_, question) in self.variables.items():
            query = f"""
                select count(*) from marts.analysed
                semi join (select _submission_id from {self.answers} where {question.sql} is not null) as answered
                    on analysed.submission_id = answered._submission_id
                where analysed.{identifier(name)} is null
            """
            if count := scalar(con, query):
                found[name] = count
        return found


def _rank(variable: Variable, found: Found) -> str:
    levels = " ".join(f"when {literal(level)} then {rank}" for rank, level in enumerate(variable.levels, start=1))
    return f"cast(case {found.sql} {levels} end as integer)"
