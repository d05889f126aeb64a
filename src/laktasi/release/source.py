"""What the research copy has to release from: the questions of the study's form, and its accepted records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from laktasi.errors import ReleaseError
from laktasi.questionnaire.model import Questionnaire, Texts
from laktasi.release.depends import Depends, depends
from laktasi.release.questions import Question, questions_of, read_questions
from laktasi.store.sql import identifier
from laktasi.study import Pair, Study

Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Run:
    """The run whose research copy this is."""

    run_id: str
    finished_at: datetime
    laktasi_version: str
    code_version: str | None
    analysed_rows: int | None
    analysed_hash: str | None
    forms: Mapping[str, str]
    """SHA-256 of each version of the study's form, by version."""


@dataclass(frozen=True, slots=True)
class Source:
    """The accepted records of the study, in the order of their ids, and what their form asks."""

    con: duckdb.DuckDBPyConnection
    study: Study
    run: Run
    table: str
    """Name of the form's own table in staging."""
    questions: tuple[Question, ...]
    centres: tuple[Question, ...]
    """What the study's centre role names: more than one where it moved in the form from version to version."""
    submission_ids: Values
    persons: NDArray[np.int64]
    """Number of the respondent of each record: records of one have the same."""
    centre_codes: Values
    offered: Mapping[str, Mapping[str, Texts]]
    """Choices by list, in the order of the newest version that has each; labels by value."""
    centre_labels: Mapping[str, Texts]
    repeats: int
    """Tables of repeats: they are not released."""
    depends: Depends
    """What one answer tells of another, by the form."""
    ranks: Mapping[str, Values] = field(default_factory=dict)
    """Level of each of the study's variables, 1 is the lowest; 0 where there is none."""

    @property
    def size(self) -> int:
        """Give the number of records."""
        return len(self.submission_ids)

    def asked(self, variable: str) -> frozenset[str]:
        """Give the paths of the questions that a variable of the study is made of."""
        return frozenset(item.path for item in questions_of(self.questions, self.study.variables[variable].question))

    def levels(self, question: Question) -> tuple[str, ...]:
        """Give the levels of a question that is a variable of the study, lowest first; none of another."""
        variables = self.study.variables.items()
        return next((item.levels for name, item in variables if question.path in self.asked(name)), ())

    def choices(self, question: Question) -> dict[str, Texts]:
        """Give what a question offers; of a variable of the study in the order of its levels."""
        offered = self.offered.get(question.list_name or "", {})
        first = {value: offered[value] for value in self.levels(question) if value in offered}
        return {**first, **offered}

    def column(self, sql: str) -> Values:
        """Give an expression over the form's table for each record; nothing is None, nan or NaT."""
        return column(self.con, self.study.form_id, self.table, sql)


def column(con: duckdb.DuckDBPyConnection, form_id: str, table: str, sql: str) -> Values:
    """Give an expression over a form's table (``answers``) or marts.submissions (``submissions``), record by record."""
    found = con.execute(
        f"""
        select {sql} as value from marts.submissions as submissions
        inner join {identifier("staging", table)} as answers on submissions.submission_id = answers._submission_id
        where submissions.form_id = ? and submissions.is_included and submissions.is_accepted
        order by submissions.submission_id
        """,
        [form_id],
    ).fetchnumpy()["value"]
    return unmasked(found)


def unmasked(found: Any) -> Values:
    """Give what DuckDB gave as an array without a mask: None, nan or NaT where there is nothing."""
    if not isinstance(found, np.ma.MaskedArray):
        return np.asarray(found)
    mask, values = np.ma.getmaskarray(found), np.asarray(found.data)
    if not mask.any():
        return values
    values = values.astype(np.float64) if values.dtype.kind in "iub" else values.copy()
    values[mask] = np.datetime64("NaT") if values.dtype.kind == "M" else None if values.dtype == object else np.nan
    return values


def read_source(con: duckdb.DuckDBPyConnection, study: Study, versions: Sequence[Questionnaire]) -> Source:
    """Read what there is to release.

    Parameters
    ----------
    versions
        All versions of the study's form: the research copy does not have all that they say of who is asked what.

    Raises
    ------
    ReleaseError
        The form has no table, one of its versions is not there, or no record is accepted.
    """
    root, questions, repeats = read_questions(con, study.form_id)
    if not questions:
        raise ReleaseError(f"the research copy has no form {study.form_id!r}", next_step="laktasi run")
    if unread := {name for item in questions for name in item.versions} - {item.version for item in versions}:
        raise ReleaseError(
            f"the warehouse has no form {study.form_id!r} of version {min(unread)}",
            why="The research copy has records of it; only the form says who was asked what.",
            next_step="run the command where the research copy was made",
        )

    def records(sql: str) -> Values:
        return column(con, study.form_id, root, sql)

    submission_ids = records("submissions.submission_id")
    if not len(submission_ids):
        raise ReleaseError(
            "no record is accepted, so there is nothing to release",
            next_step="laktasi findings show, or laktasi run where none has come in yet",
        )
    subjects = records("submissions.subject_code")
    whose = {text: number for number, text in enumerate(sorted({str(code) for code in subjects if code is not None}))}
    persons = np.array(
        [len(whose) + at if code is None else whose[str(code)] for at, code in enumerate(subjects)], dtype=np.int64
    )
    return Source(
        con=con,
        study=study,
        run=_run(con, study),
        table=root,
        questions=questions,
        centres=questions_of(questions, study.roles.centre),
        submission_ids=submission_ids,
        persons=persons,
        centre_codes=records("submissions.centre_code"),
        offered=_offered(con, study.form_id),
        centre_labels=dict(con.execute("select centre_code, labels from marts.centres").fetchall()),
        repeats=repeats,
        depends=depends(versions),
        ranks=_ranks(con, study),
    )


def _run(con: duckdb.DuckDBPyConnection, study: Study) -> Run:
    row = con.execute(
        """
        select run_id, finished_at, laktasi_version, code_version, analysed_rows, analysed_hash,
            json_extract(manifest, '$.forms')
        from meta.runs semi join meta.latest_run using (run_id)
        """
    ).fetchone()
    if row is None:
        raise ReleaseError("no run has ended here yet", next_step="laktasi run")
    run_id, finished_at, version, code, rows, digest, manifest = row
    forms = json.loads(manifest or "{}")
    prefix = f"{study.form_id} "
    own = {name.removeprefix(prefix): digest for name, digest in forms.items() if name.startswith(prefix)}
    return Run(run_id, finished_at, version, code, rows, digest, own)


def _offered(con: duckdb.DuckDBPyConnection, form_id: str) -> dict[str, dict[str, Texts]]:
    """Give the choices of each list: those of the newest version first, then what only older ones offer."""
    lists: dict[str, dict[str, Texts]] = {}
    for name, value, labels in con.execute(
        """
        select list_name, value, labels from staging.choices where form_id = ?
        order by list_name, form_version desc, position
        """,
        [form_id],
    ).fetchall():
        lists.setdefault(name, {}).setdefault(value, labels or {})
    return lists


def _ranks(con: duckdb.DuckDBPyConnection, study: Study) -> dict[str, Values]:
    names = list(study.variables)
    columns = ", ".join(f"coalesce({identifier(name)}, 0)::integer as {identifier(name)}" for name in names)
    found = con.execute(f"select {columns} from marts.analysed where is_accepted order by submission_id").fetchnumpy()
    return {name: unmasked(found[name]) for name in names}


def joint_tables(source: Source) -> dict[Pair, dict[str, NDArray[np.int64]]]:
    """Count the accepted records of each centre by exposure and outcome, levels lowest first."""
    tables: dict[Pair, dict[str, NDArray[np.int64]]] = {}
    codes, at = np.unique(source.centre_codes.astype(str), return_inverse=True)
    for pair in source.study.analyses:
        x, y = source.ranks[pair.exposure], source.ranks[pair.outcome]
        shape = tuple(len(source.study.variables[name].levels) for name in (pair.exposure, pair.outcome))
        has = (x > 0) & (y > 0)
        counts = np.zeros((len(codes), *shape), dtype=np.int64)
        np.add.at(counts, (at[has], x[has] - 1, y[has] - 1), 1)
        tables[pair] = dict(zip(codes.tolist(), counts, strict=True))
    return tables
