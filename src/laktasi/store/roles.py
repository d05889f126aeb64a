"""The study's roles and variables, found in the questionnaires: where in staging each of them stands."""

from __future__ import annotations

from dataclasses import dataclass

from laktasi.errors import StudyError
from laktasi.questionnaire.model import Choice, Field, Privacy, Questionnaire, ValueType
from laktasi.store.columns import UnitedTable, united_tables
from laktasi.store.forms import Questionnaires, versions_of
from laktasi.store.sql import identifier
from laktasi.store.staging import type_of
from laktasi.study import Study, Variable


@dataclass(frozen=True, slots=True)
class Found:
    """A question that plays a part in the study, in every form version that has it."""

    fields: tuple[tuple[Questionnaire, Field], ...]
    """Newest version first."""

    @property
    def sql(self) -> str:
        """SQL of its answer as text, over the form's table in staging; a question may have moved between versions."""
        columns = dict.fromkeys(field.column for _, field in self.fields)
        texts = ", ".join(f"cast({identifier(column)} as varchar)" for column in columns)
        return f"coalesce({texts})" if len(columns) > 1 else texts

    def part(self, name: str) -> str:
        """SQL of one part of a position: ``lat`` or ``lon``, in degrees."""
        columns = dict.fromkeys(identifier(f"{field.column}__{name}") for _, field in self.fields)
        return f"coalesce({', '.join(columns)}, null)"

    @property
    def lists(self) -> list[tuple[str, str, int]]:
        """Form version, list name and age (0 is the newest version) of every list that offers its answers."""
        return [
            (questionnaire.version, field.list_name, age)
            for age, (questionnaire, field) in enumerate(self.fields)
            if field.list_name is not None
        ]


SEVERAL_VALUES = (ValueType.SELECT_MULTIPLE, ValueType.RANK, ValueType.GEOPOINT)
CATEGORIES = (ValueType.SELECT_ONE, ValueType.TEXT)
"""Types whose answers can be levels: a choice, or text such as a calculate gives."""


def find_question(
    study: Study, questionnaires: Questionnaires, name: str, part: str, *, published: bool, position: bool = False
) -> Found:
    """Find a question of the study.

    Parameters
    ----------
    name
        As study.yml has it.
    part
        What it is in the study, for the error.
    published
        Its answers, or codes made of them, go into the research copy.
    position
        It is to be a geopoint; else to have one value.

    Raises
    ------
    StudyError
        No form version has it, several questions are called so, it stands in a repeat, it would be published and is
        marked as a direct identifier, or it asks for consent and offers no such answer as means yes.
    """
    versions = versions_of(questionnaires, study.form_id)[::-1]
    if not versions:
        raise StudyError(
            f"study.yml names the form {study.form_id!r}, and no version of it is known",
            next_step="put its XLSForm into xlsforms/, or correct 'form' in schemas/study.yml",
        )
    found: list[tuple[Questionnaire, Field]] = []
    said = ""
    for questionnaire in versions:
        try:
            found.append((questionnaire, questionnaire.find(name)))
        except KeyError as error:
            said = said or str(error.args[0])
    if not found:
        raise StudyError(
            f"study.yml: {part}: {said}",
            why=f"No known version of {study.form_id!r} has such a question.",
            next_step="name the question by its path in the form, in schemas/study.yml",
        )
    for questionnaire, field in found:
        if field.table != questionnaire.tables[0].name:
            raise StudyError(
                f"study.yml: {part}: {field.path!r} stands in a repeat",
                why="A part in the study is played once in each submission.",
                next_step="name a question outside of repeats, in schemas/study.yml",
            )
        if position and field.type is not ValueType.GEOPOINT:
            raise StudyError(
                f"study.yml: {part}: {field.path!r} is no position ({field.type.value})",
                next_step="name a question of type geopoint, in schemas/study.yml",
            )
        if field.type in SEVERAL_VALUES and not position:
            raise StudyError(
                f"study.yml: {part}: {field.path!r} has several values at once ({field.type.value})",
                next_step="name a question with one value, in schemas/study.yml",
            )
        if published and field.privacy is Privacy.DIRECT:
            raise StudyError(
                f"study.yml: {part}: {field.path!r} is marked as a direct identifier, or not marked at all",
                why="Its codes stand in the results, which go into the research copy; direct identifiers never do.",
                next_step="mark it quasi or none in the column bind::laktasi:privacy of the XLSForm, if that is true",
            )
    everywhere = Found(tuple(found))
    if name == study.roles.consent:
        _check_consent(study, everywhere)
    return everywhere


def _check_consent(study: Study, found: Found) -> None:
    """See that the answer that means yes is offered; misspelt, it would count nobody."""
    offered = _offered(found)
    if offered and study.consent_value not in offered:
        raise StudyError(
            f"study.yml: role consent: no choice is called {study.consent_value!r}",
            why=f"Its question offers: {', '.join(sorted(offered))}.",
            next_step="correct the value of 'consent' in schemas/study.yml",
        )


def _offered(found: Found) -> set[str]:
    """Give the choices of a question, of all versions together; none where it has no list."""
    return {
        choice.value
        for questionnaire, field in found.fields
        if field.list_name is not None
        for choice in questionnaire.choice_lists[field.list_name].choices
    }


def check_levels(variable: Variable, found: Found) -> None:
    """See that the levels of a variable can be answers to its question; a level misspelt would count nobody.

    Raises
    ------
    StudyError
        The question is of a type without categories in every version, or a level is in no version's list. A question
        without a list, such as a calculate, cannot be held to one.
    """
    if not any(field.type in CATEGORIES for _, field in found.fields):
        _, field = found.fields[0]
        raise StudyError(
            f"study.yml: variable {variable.name!r}: {field.path!r} is of type {field.type.value}",
            why="Levels can be the answers of a select_one, or of a text that the form computes, only.",
            next_step="compute its classes in the form by a calculate, and name that in schemas/study.yml",
        )
    offered = _offered(found)
    if offered and (unknown := [level for level in variable.levels if level not in offered]):
        raise StudyError(
            f"study.yml: variable {variable.name!r}: no choice is called {unknown[0]!r}",
            why=f"Its question offers: {', '.join(sorted(offered))}.",
            next_step="correct the levels in schemas/study.yml",
        )


def level_choices(variable: Variable, found: Found) -> dict[str, Choice]:
    """Give the choices that word the levels of a variable, by level.

    A calculate offers nothing itself: its levels are worded as in the one list of the form that has them all.
    """
    for questionnaire, field in found.fields:
        lists = questionnaire.choice_lists
        offering = [lists[field.list_name]] if field.list_name else list(lists.values())
        wordings = []
        for offered in offering:
            choices = {choice.value: choice for choice in offered.choices}
            if set(variable.levels) <= set(choices):
                wordings.append({level: choices[level] for level in variable.levels})
        if wordings and all(_labels(wording) == _labels(wordings[0]) for wording in wordings):
            return wordings[0]
    return {}


def _labels(wording: dict[str, Choice]) -> list[object]:
    return [choice.labels for choice in wording.values()]


def day_of_interview(questionnaires: Questionnaires) -> list[tuple[str, str, str]]:
    """Find the day of the interview in every form that has one and does not mark it as a direct identifier.

    Returns
    -------
    list
        Form id, name of its table, and SQL of the day by the phone's clock.
    """
    days = []
    for table in united_tables(questionnaires):
        if table.parent is None and (sql := _day(table)):
            days.append((table.form_id, table.name, sql))
    return days


def _day(table: UnitedTable) -> str | None:
    days = {}
    for column in table.columns:
        if column.privacy is not Privacy.DIRECT and (preload := column.newest.preload):
            match type_of(column):
                case ValueType.DATE:
                    days[preload] = identifier(column.name)
                case ValueType.DATETIME:
                    at, offset = identifier(column.name), identifier(f"{column.name}__offset")
                    days[preload] = f"cast(({at} at time zone 'UTC') + to_minutes({offset}) as date)"
    known = [days[preload] for preload in ("today", "start", "end") if preload in days]
    return f"coalesce({', '.join(known)})" if known else None
