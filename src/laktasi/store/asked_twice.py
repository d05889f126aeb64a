"""Questions that are asked twice: found in both forms, and SQL that says whether their answers agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from laktasi.back_checks import Variable
from laktasi.errors import CheckError
from laktasi.questionnaire.model import Field, Privacy, Texts, ValueType
from laktasi.store.casts import SQL_TYPES
from laktasi.store.columns import Column
from laktasi.store.forms import Questionnaires, versions_of
from laktasi.store.sql import identifier, literal
from laktasi.store.staging import type_of

Kind = Literal["number", "day", "choice", "choices", "text"]

KINDS: Mapping[ValueType, Kind] = {
    ValueType.INTEGER: "number",
    ValueType.DECIMAL: "number",
    ValueType.DATE: "day",
    ValueType.SELECT_ONE: "choice",
    ValueType.SELECT_MULTIPLE: "choices",
    ValueType.TEXT: "text",
}
"""How answers are compared, by their type; answers of other types are not."""

_TINY = "1e-9"
"""Numbers nearer than this share of their size are the same number."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in all versions of its form."""

    form_id: str
    path: str
    """In the newest version."""
    column: str
    table: str
    type: ValueType
    """What staging keeps it as."""
    columns: tuple[str, ...]
    """SQL of its columns over alias ``answers``: several where it has moved between versions."""
    labels: Texts
    is_private: bool
    """A direct identifier in one of the versions."""
    offered: frozenset[str]
    """Choices that any version offers; empty where it has no list."""

    @property
    def sql(self) -> str:
        """SQL of its answer, ready to be compared: DOUBLE for numbers and days, else text or a sorted list."""
        kind = KINDS.get(self.type)
        if kind == "number":
            parts = [f"cast({column} as double)" for column in self.columns]
        elif kind == "day":
            parts = [f"cast(date_diff('day', date '1970-01-01', {column}) as double)" for column in self.columns]
        elif kind == "choices":
            parts = [f"list_sort(list_distinct({column}))" for column in self.columns]
        else:
            parts = [f"nullif(trim({column}), '')" for column in self.columns]
        return f"coalesce({', '.join(parts)})" if len(parts) > 1 else parts[0]

    @property
    def text(self) -> str:
        """SQL of its answer as text."""
        parts = [f"cast({column} as varchar)" for column in self.columns]
        return f"coalesce({', '.join(parts)})" if len(parts) > 1 else parts[0]


@dataclass(frozen=True, slots=True)
class Twice:
    """A variable of back_checks.yml, found in both forms. Methods take the SQL of both answers."""

    variable: Variable
    original: Asked
    back_check: Asked
    kind: Kind

    @property
    def is_private(self) -> bool:
        """A direct identifier in one of the forms."""
        return self.original.is_private or self.back_check.is_private

    def is_compared(self, one: str, other: str) -> str:
        """Say whether there is something to compare."""
        there = "or" if self.variable.empty_differs else "and"
        told = f"({one} is not null {there} {other} is not null)"
        return " and ".join([told, *(f"not {self._is_uncounted(item)}" for item in (one, other) if self._uncounted)])

    def is_different(self, one: str, other: str) -> str:
        """Say whether the answers are not the same; one that is missing is not the same as any."""
        match self.kind:
            case "number" | "day":
                differs = f"abs({one} - {other}) > {_TINY} * greatest(1, abs({one}), abs({other}))"
            case "text":
                plain = [f"lower(regexp_replace({item}, '\\s+', ' ', 'g'))" for item in (one, other)]
                differs = f"{plain[0]} <> {plain[1]}"
            case _:
                differs = f"{one} <> {other}"
        return f"coalesce({differs}, true)"

    def is_within(self, one: str, other: str) -> str:
        """Say whether the back check is no further from the original than the ok range allows."""
        if (allowed := self.variable.ok_range) is None:
            return "false"
        unit = f"abs({one}) / 100" if allowed.is_percent else "1"
        slack = f"{_TINY} * greatest(1, abs({one}))"
        difference = f"({other} - {one})"
        low, high = f"({allowed.low!r}) * {unit} - {slack}", f"{allowed.high!r} * {unit} + {slack}"
        return f"coalesce({difference} between {low} and {high}, false)"

    @property
    def _uncounted(self) -> str:
        """SQL of the list of answers that do not count; empty where all do."""
        values = self.variable.not_counted
        texts = [repr(float(value)) for value in values] if self.kind == "number" else [literal(v) for v in values]
        return f"[{', '.join(texts)}]" if texts else ""

    def _is_uncounted(self, answer: str) -> str:
        contains = "list_has_any" if self.kind == "choices" else "list_contains"
        return f"coalesce({contains}({self._uncounted}, {answer}), false)"


def find_question(questionnaires: Questionnaires, form_id: str, name: str, part: str) -> Asked:
    """Find a question of one of the two forms.

    Parameters
    ----------
    name
        Its path, its column, or the last part of its path where that is unique.
    part
        What it is in back_checks.yml, for the error.

    Raises
    ------
    CheckError
        No version of the form is known or has it, several questions are called so, or it stands in a repeat.
    """
    versions = versions_of(questionnaires, form_id)
    if not versions:
        raise CheckError(
            f"back_checks.yml names the form {form_id!r}, and no version of it is known",
            next_step="put its XLSForm into xlsforms/, or correct 'form' in schemas/back_checks.yml",
        )
    fields: dict[str, Field] = {}
    offered: set[str] = set()
    said = ""
    for questionnaire in versions:
        try:
            field = questionnaire.find(name)
        except KeyError as error:
            said = str(error.args[0])
            continue
        if field.table != questionnaire.tables[0].name:
            raise CheckError(
                f"back_checks.yml: {part}: {field.path!r} stands in a repeat",
                why="An interview and its repeat are compared answer by answer, each given once.",
                next_step="name a question outside of repeats, in schemas/back_checks.yml",
            )
        fields[questionnaire.version] = field
        if field.list_name is not None:
            offered |= {choice.value for choice in questionnaire.choice_lists[field.list_name].choices}
    if not fields:
        raise CheckError(
            f"back_checks.yml: {part}: {said}",
            why=f"No known version of {form_id!r} has such a question.",
            next_step="name the question by its path in the form, in schemas/back_checks.yml",
        )
    columns: dict[str, dict[str, Field]] = {}
    for version, field in fields.items():
        columns.setdefault(field.column.lower(), {})[version] = field
    united = [Column(list(of.values())[-1].column, of) for of in columns.values()]
    types = {type_of(column) for column in united}
    if len({SQL_TYPES.get(item) for item in types}) > 1:
        raise CheckError(
            f"back_checks.yml: {part}: {name!r} is not of the same type in all versions of {form_id!r}",
            next_step="name a question that has stayed as it was, in schemas/back_checks.yml",
        )
    newest = list(fields.values())[-1]
    return Asked(
        form_id=form_id,
        path=newest.path,
        column=newest.column,
        table=newest.table,
        type=type_of(united[-1]) if len(united) == 1 else newest.type,
        columns=tuple(f"answers.{identifier(column.name)}" for column in united),
        labels=newest.labels,
        is_private=any(field.privacy is Privacy.DIRECT for field in fields.values()),
        offered=frozenset(offered),
    )


def find_variable(questionnaires: Questionnaires, variable: Variable, forms: tuple[str, str]) -> Twice:
    """Find a variable in both forms, and see that its answers can be compared.

    Parameters
    ----------
    forms
        Ids of the original form and of the back check.

    Raises
    ------
    CheckError
        See :func:`find_question`; or the two are of kinds that cannot be compared, the ok range or an answer that does
        not count makes no sense for them, or the back check offers a choice that the original does not.
    """
    what = f"variable {variable.name!r}"
    original = find_question(questionnaires, forms[0], variable.original, what)
    again = find_question(questionnaires, forms[1], variable.back_check, what)
    kinds = {KINDS.get(asked.type) for asked in (original, again)}
    kind = KINDS.get(original.type)
    if kinds == {"choice", "text"}:  # such as a category that one of the forms computes
        kind = "choice"
    elif kind is None or len(kinds) > 1:
        raise _wrong(
            f"{what}: answers of type {original.type.value} and {again.type.value} cannot be compared",
            "compare numbers, days, choices or texts with their like, in schemas/back_checks.yml",
        )
    if variable.ok_range and kind not in ("number", "day"):
        raise _wrong(
            f"{what}: 'ok_range' is for numbers and days, and the question is of type {original.type.value}",
            "take it out of schemas/back_checks.yml",
        )
    if variable.ok_range and variable.ok_range.is_percent and kind == "day":
        raise _wrong(f"{what}: 'ok_range' of a day is a number of days", "correct it in schemas/back_checks.yml")
    if variable.not_counted and (
        kind == "day" or (kind == "number" and not all(map(_is_number, variable.not_counted)))
    ):
        raise _wrong(
            f"{what}: 'not_counted' must be answers that the question can have",
            "write numbers for a number, choices for a choice, and nothing for a day, in schemas/back_checks.yml",
        )
    if original.offered and again.offered:
        known = original.offered | set(variable.not_counted)
        if strange := sorted(again.offered - known):
            raise _wrong(
                f"{what}: the back check offers {strange[0]!r}, which the original form never does",
                "offer the same choices in both forms, or name it under 'not_counted' in schemas/back_checks.yml",
            )
        if unknown := sorted(set(variable.not_counted) - original.offered - again.offered):
            raise _wrong(
                f"{what}: 'not_counted': no choice is called {unknown[0]!r}", "correct it in schemas/back_checks.yml"
            )
    return Twice(variable, original, again, kind)


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


def _wrong(what: str, next_step: str) -> CheckError:
    return CheckError(f"back_checks.yml: {what}", next_step=next_step)
