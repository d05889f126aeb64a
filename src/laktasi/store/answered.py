"""What people were asked and what became of it, as selects over the answers of one form, for rates and comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from laktasi.questionnaire.asked import asked_rows
from laktasi.questionnaire.model import Field, Privacy, Questionnaire, ValueType
from laktasi.store.columns import Column, UnitedTable, united_tables
from laktasi.store.forms import Questionnaires, versions_of
from laktasi.store.roles import find_question
from laktasi.store.sql import identifier, literal, values
from laktasi.study import SPECIAL, Study

MOST_CHOICES = 50
"""A question with a longer list (villages, people) has no choice that could be too frequent."""

NUMBERS = (ValueType.INTEGER, ValueType.DECIMAL)
SEVERAL = (ValueType.SELECT_MULTIPLE, ValueType.RANK)


def answered(study: Study, questionnaires: Questionnaires) -> str:
    """Give a select of what can be missing or special in each submission of the study's form.

    Returns
    -------
    str
        Select of ``submission_id``, ``measure`` (missing, dont_know, refused, other), ``k`` (how often) and ``n`` (how
        often it could have been), each submission and measure once.
    """
    selects: list[str] = []
    for questionnaire in versions_of(questionnaires, study.form_id):
        for table in questionnaire.tables:
            selects += _missing(questionnaire, table.name)
            selects += _special(study, questionnaire, table.name)
    columns = ("submission_id", "measure", "k", "n")
    listed = " union all ".join(f"({select})" for select in selects) or values(columns, ())
    return (
        "select submission_id, measure, cast(sum(k) as bigint) as k, cast(sum(n) as bigint) as n"
        f" from ({listed}) as parts group by submission_id, measure"
    )


def _missing(questionnaire: Questionnaire, table: str) -> Iterator[str]:
    """Count questions that were asked, as far as that can be told, and those of them that are empty."""
    asked = [item for item in questionnaire.fields_of(table) if is_put_to_people(item)]
    if not asked:
        return
    rows = asked_rows(questionnaire, table, [item.path for item in asked])
    told = [(number, item) for number, item in enumerate(asked) if item.path not in rows.unknown]
    if not told:
        return
    was = " + ".join(f"cast(asked.q{number} as integer)" for number, _ in told)
    empty = " + ".join(
        f"cast(asked.q{number} and given.{identifier(item.column)} is null as integer)" for number, item in told
    )
    yield (
        f"select asked._submission_id as submission_id, 'missing' as measure, {empty} as k, {was} as n"
        f" from ({rows.select}) as asked inner join answers.{identifier(table)} as given"
        " on asked._submission_id = given._submission_id and asked._row = given._row"
    )


def _special(study: Study, questionnaire: Questionnaire, table: str) -> Iterator[str]:
    """Count answers to questions that offer a special choice, and those of them that are it."""
    counts: list[tuple[str, str, str]] = []
    for meaning in SPECIAL:
        choices = study.special.get(meaning, ())
        k, n = [], []
        for item in questionnaire.fields_of(table):
            listed = questionnaire.choice_lists.get(item.list_name or "")
            offered = {choice.value for choice in listed.choices} if listed and item.is_question else set()
            if found := [choice for choice in choices if choice in offered]:
                answer = identifier(item.column)
                n.append(f"cast({answer} is not null as integer)")
                k.append(f"cast(coalesce({_is_one_of(item, answer, found)}, false) as integer)")
        if n:
            counts.append((meaning, " + ".join(k), " + ".join(n)))
    if counts:
        told = ", ".join(f"{{'measure': {literal(meaning)}, 'k': {k}, 'n': {n}}}" for meaning, k, n in counts)
        yield (
            f"select _submission_id as submission_id, unnest([{told}], max_depth := 2) from answers.{identifier(table)}"
            f" where _form_version = {literal(questionnaire.version)}"
        )


def _is_one_of(item: Field, answer: str, choices: list[str]) -> str:
    listed = ", ".join(literal(choice) for choice in choices)
    if item.type in SEVERAL:
        return f"list_has_any(string_split({answer}, ' '), [{listed}])"
    return f"{answer} in ({listed})"


@dataclass(frozen=True, slots=True)
class Given:
    """The answers to one question, counted. One by one: all at once do not fit into memory where centres are many."""

    question: str
    """Select of ``question`` (a number), ``table_name``, ``column_name``."""
    counts: str
    """Select of ``question``, ``enumerator_code``, ``centre_code``, ``answer``, and how often it was given, ``k``."""


def numbers_given(study: Study, questionnaires: Questionnaires) -> list[Given]:
    """Give the numbers that were asked for and may be published, as typed."""
    parts = [
        (table, column, "true")
        for table, column in _comparable(study, questionnaires)
        if all(field.type in NUMBERS for field in column.fields.values())
    ]
    return _given(study, parts)


def choices_given(study: Study, questionnaires: Questionnaires) -> list[Given]:
    """Give the single choices that may be published, of those that a form version offers: another could be any text."""
    versions = {item.version: item for item in versions_of(questionnaires, study.form_id)}
    parts: list[tuple[UnitedTable, Column, str]] = []
    for table, column in _comparable(study, questionnaires):
        if all(field.type is ValueType.SELECT_ONE for field in column.fields.values()):
            offered = {
                choice.value
                for version, field in column.fields.items()
                if (listed := versions[version].choice_lists.get(field.list_name or "")) is not None
                for choice in listed.choices
            }
            if 2 <= len(offered) <= MOST_CHOICES:
                chosen = ", ".join(literal(value) for value in sorted(offered))
                parts.append((table, column, f"answers.{identifier(column.name)} in ({chosen})"))
    return _given(study, parts)


def _comparable(study: Study, questionnaires: Questionnaires) -> Iterator[tuple[UnitedTable, Column]]:
    """Give the questions that may be published, without those that say who asks, and where."""
    names = [name for name in (study.roles.centre, study.roles.enumerator) if name]
    roles = {
        field.path
        for name in names
        for _, field in find_question(study, questionnaires, name, "role", published=True).fields
    }
    for table in united_tables(questionnaires):
        if table.form_id == study.form_id:
            for column in table.columns:
                if (
                    column.privacy is not Privacy.DIRECT
                    and all(is_put_to_people(field) for field in column.fields.values())
                    and column.newest.path not in roles
                ):
                    yield table, column


def _given(study: Study, parts: Sequence[tuple[UnitedTable, Column, str]]) -> list[Given]:
    """Count the answers to each question, with the condition on the answers that count."""
    given = []
    for number, (table, column, only) in enumerate(parts):
        name = identifier(column.name)
        counts = (
            f"select {number} as question, whose.enumerator_code, whose.centre_code, answers.{name} as answer,"
            f" count(*) as k from answers.{identifier(table.name)} as answers inner join marts.interviews as whose"
            f" on whose.form_id = {literal(study.form_id)} and answers._submission_id = whose.submission_id"
            " where whose.enumerator_code is not null and whose.centre_code is not null"
            f" and answers.{name} is not null and {only} group by all"
        )
        question = values(("question", "table_name", "column_name"), ((number, table.name, column.name),))
        given.append(Given(question, counts))
    return given


def is_put_to_people(item: Field) -> bool:
    """Say whether a person is asked it: a note is only read, a calculation not asked, and a file no answer in words."""
    return item.is_question and not item.readonly and item.calculate is None and item.type is not ValueType.MEDIA
