"""The joiner of back checks: schemas/back_checks.yml and the questionnaires become marts, tests and a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from laktasi.back_checks import read_back_checks
from laktasi.errors import CheckError, LaktasiError, WarehouseError
from laktasi.forms import known_forms
from laktasi.study import read_study

if TYPE_CHECKING:
    import duckdb

    from laktasi.paths import Project
    from laktasi.settings import Settings
    from laktasi.store.asked_twice import Twice
    from laktasi.store.back_checks import Comparison
    from laktasi.store.forms import Questionnaires


def comparison_of(project: Project, questionnaires: Questionnaires) -> Comparison | None:
    """Find what schemas/back_checks.yml names in the questionnaires; None where there is no such file.

    Raises
    ------
    CheckError
        The file has a slip, or does not fit the study or the questionnaires.
    """
    from laktasi.store.back_checks import find_back_checks

    declared = read_back_checks(project.back_checks)
    if declared is None:
        return None
    found = find_back_checks(declared, read_study(project.study), questionnaires)
    return replace(
        found,
        original_where=_where(questionnaires, declared.original.form_id, declared.original.where, "original"),
        back_check_where=_where(questionnaires, declared.back_check.form_id, declared.back_check.where, "back_check"),
    )


def _where(questionnaires: Questionnaires, form_id: str, expression: str | None, side: str) -> str | None:
    """Give the select of the records for which an expression is true, each by the words of its own form version."""
    from laktasi.questionnaire.predicates import predicate_over
    from laktasi.store.forms import versions_of

    if expression is None:
        return None
    try:
        return predicate_over(versions_of(questionnaires, form_id), expression)
    except LaktasiError as error:
        raise CheckError(
            f"back_checks.yml: 'where' of {side!r} cannot be used: {error.what}",
            why=error.why,
            next_step="correct the expression in schemas/back_checks.yml",
        ) from error


def left_out(project: Project, questionnaires: Questionnaires) -> list[str]:
    """Name the form versions without a record that takes part, since they lack a question of its side's `where`."""
    from laktasi.questionnaire.predicates import lacking
    from laktasi.store.forms import versions_of

    declared = read_back_checks(project.back_checks)
    sides = (declared.original, declared.back_check) if declared else ()
    return [
        f"{item.form_id} {item.version} ('where' in back_checks.yml asks for {names[0]})"
        for side in sides
        for item in versions_of(questionnaires, side.form_id)
        if (names := lacking(item, side.where or ""))
    ]


def compare(con: duckdb.DuckDBPyConnection, project: Project, questionnaires: Questionnaires) -> Mapping[str, int]:
    """Match and compare the back checks anew; give how many there are by state (see marts.back_checks)."""
    from laktasi.store.back_checks import build_back_checks

    return build_back_checks(con, comparison_of(project, questionnaires))


def measure(con: duckdb.DuckDBPyConnection, project: Project, questionnaires: Questionnaires) -> None:
    """Test whether answers moved between interview and back check, and keep the results in marts.back_check_tests."""
    from laktasi.store.back_checks import answers_twice, write_tests

    comparison = comparison_of(project, questionnaires)
    if comparison is not None:
        found = answers_twice(con, comparison)
        write_tests(con, (row for twice, answers in found for row in _tests(twice, answers)))


def _tests(twice: Twice, answers: list[tuple[Any, Any]]) -> Iterator[dict[str, Any]]:
    import numpy as np

    from laktasi.analysis import agreement

    named = {"variable": twice.variable.name, "type": twice.variable.type}
    original, repeated = np.array([row[0] for row in answers]), np.array([row[1] for row in answers])
    if twice.kind == "choice":
        for level in sorted({*twice.original.offered, *original, *repeated}):
            chosen = original == level, repeated == level
            for name, compare in agreement.CHOICE_TESTS.items():
                yield {**named, "level": level, "test": name, **asdict(compare(*chosen))}
        return
    for name, measure in agreement.NUMBER_TESTS.items():
        result = measure(original.astype(float), repeated.astype(float))
        yield {**named, "level": None, "test": name, **asdict(result)}


@dataclass(frozen=True, slots=True)
class Repeats:
    """The interviews that are to be repeated."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    drawn: int
    """How many were drawn just now; the others had been drawn before."""


COLUMNS = ("study_code", "centre", "enumerator", "day", "why", "drawn_on", "submission_id")


def sample(
    settings: Settings, *, share: float | None = None, seed: str | None = None, with_contacts: bool = False
) -> Repeats:
    """Draw the interviews that are still wanted, and list all that have been drawn and nobody tried to repeat yet.

    Parameters
    ----------
    share, seed
        In the place of those in schemas/back_checks.yml.
    with_contacts
        With the answers to the questions that back_checks.yml names as contacts.

    Raises
    ------
    CheckError
        The project has no back checks, or names no contacts and they are wanted; or the file has a slip.
    WarehouseError
        A run is at work, or none has finished here.
    """
    from laktasi.store.append import last_landed
    from laktasi.store.back_check_sample import draw, to_repeat, with_sample
    from laktasi.store.sql import scalar
    from laktasi.workplace import RUN_FIRST, alone, check_begun, opened

    folder = settings.data_folder
    folder.check_own()
    check_begun(folder)
    with alone(folder), opened(folder) as con:
        comparison = comparison_of(settings.folders, known_forms(con).questionnaires)
        if comparison is None:
            raise CheckError(
                "this project has no back checks",
                next_step="write schemas/back_checks.yml, see docs/back-checks.md",
            )
        if with_contacts and not comparison.contacts:
            raise CheckError(
                "back_checks.yml names no contacts",
                next_step="add 'contacts' to 'sample' in schemas/back_checks.yml",
            )
        if not scalar(con, "select count(*) from marts.back_check_variables"):
            raise WarehouseError(f"no run has compared back checks in {folder.root}", next_step=RUN_FIRST)
        # Never before what has landed, though a clock was set back: what was known at a moment stays what was known.
        at = max(filter(None, (datetime.now(UTC), last_landed(con))))
        drawn = draw(con, with_sample(comparison, share=share, seed=seed), at)
        found = to_repeat(con, comparison, with_contacts=with_contacts)
    names = tuple(item.path for item in comparison.contacts) if with_contacts else ()
    rows = tuple(
        (
            item.study_code,
            item.centre,
            item.enumerator,
            item.day,
            item.why,
            item.drawn_at.date(),
            item.submission_id,
            *item.contacts,
        )
        for item in found
    )
    return Repeats((*COLUMNS, *names), rows, drawn)
