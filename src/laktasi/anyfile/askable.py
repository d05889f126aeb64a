"""Which declared checks can be asked of records that lack some of the form's questions.

A check that a project is free to declare of a form is no mistake only because a file lacks a column: it is said and not
asked. What is wrong with the whole form at hand as well is a mistake, and stays one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.anyfile.partial import Partial, lacks, names
from laktasi.errors import CheckError, LaktasiError
from laktasi.questionnaire.model import Questionnaire

if TYPE_CHECKING:
    import duckdb

    from laktasi.quality import DeclaredCheck

_REASONS = {
    "outdated_version": "a file is checked by one form version",
    "version_share": "a file is checked by one form version",
    "target": "targets are a project's",
    "back_check_rate": "back checks are a project's",
    "not_future": "a file does not tell when a record arrived",
    "late": "a file does not tell when a record arrived",
}
"""Kinds that no file can answer."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A rule that could not be asked, and why."""

    rule: str
    """Path of the question, or id of the declared check."""
    kind: str
    reason: str


def part(
    con: duckdb.DuckDBPyConnection,
    declared: Iterable[DeclaredCheck],
    questionnaire: Questionnaire,
    cut: Partial,
    schemas: Path | None,
) -> tuple[list[DeclaredCheck], list[NotChecked]]:
    """Part declared checks into those to ask and those that cannot be asked of these records.

    Parameters
    ----------
    con
        The warehouse, the records staged in it.
    questionnaire, cut
        The form, and what of it can be asked.
    schemas
        Folder of the files that checks name.
    """
    asked: list[DeclaredCheck] = []
    unasked: list[NotChecked] = []
    for check in declared:
        reason = _reason(con, check, questionnaire, cut, schemas)
        if reason is None:
            asked.append(check)
        else:
            unasked.append(NotChecked(check.id, "declared", reason))
    return asked, unasked


def looked_at_nothing(con: duckdb.DuckDBPyConnection) -> list[NotChecked]:
    """Give the checks that were asked and had no record or group to look at, which must not look like passing."""
    found = con.execute('select distinct rule_id from quality.results where "rows" = 0 order by 1').fetchall()
    return [NotChecked(rule, "declared", "no record, or too few, could be compared") for (rule,) in found]


def _reason(
    con: duckdb.DuckDBPyConnection,
    check: DeclaredCheck,
    questionnaire: Questionnaire,
    cut: Partial,
    schemas: Path | None,
) -> str | None:
    from laktasi.quality.scene import ROLES

    if check.form not in (None, questionnaire.form_id):
        return f"it is about the form {check.form}"
    other = check.parameters.get("in_form")
    if other not in (None, questionnaire.form_id):
        return f"it compares with the form {other}"
    if check.kind in _REASONS:
        return _REASONS[check.kind]
    # Without a study a role is the question that is called so.
    roles = [role for key in ("by", "subject") if (role := check.parameters.get(key)) in ROLES]
    if nobody := [role for role in roles if not names(questionnaire, role)]:
        return f"no question of the form is called {nobody[0]}, and a file has no study that says which one it is"
    if lacking := lacks(questionnaire, cut.questionnaire, [*check.names, *roles]):
        return f"it asks for what is not there: {', '.join(lacking)}"
    wrong = _wrong(con, check, cut.questionnaire, schemas)
    if wrong is None or _wrong(con, check, questionnaire, schemas) is not None:
        return None
    return cut.reason(wrong)


def _wrong(
    con: duckdb.DuckDBPyConnection, check: DeclaredCheck, questionnaire: Questionnaire, schemas: Path | None
) -> str | None:
    """Say why a check cannot be asked of a form; None where it can."""
    import duckdb

    from laktasi.quality.kinds import KINDS
    from laktasi.quality.scene import Scene
    from laktasi.questionnaire.predicates import predicate_sql

    kind = KINDS[check.kind]
    make = kind.verdicts or kind.measure
    try:
        for expression in (check.where, kind.expression(check, questionnaire) if kind.expression else None):
            if expression is not None:
                predicate_sql(questionnaire, expression)
        if make is not None:
            forms = {(questionnaire.form_id, questionnaire.version): questionnaire}
            make(check, Scene(con, questionnaire.form_id, [questionnaire], None, schemas, forms))
    except CheckError as error:
        return error.what.removeprefix(f"checks.yml: check {check.id!r}").removeprefix(": ").strip()
    except LaktasiError as error:
        return error.what
    except duckdb.Error:
        return None  # the staged tables have not all that the whole form has
    return None
