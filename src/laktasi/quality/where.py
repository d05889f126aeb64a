"""The words of checks.yml in a form version: which question a name means, and where an expression is true."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from laktasi.errors import CheckError, LaktasiError
from laktasi.questionnaire.model import Field, Questionnaire, ValueType
from laktasi.questionnaire.predicates import NAME, choices_named, predicate_sql, predicates_sql

if TYPE_CHECKING:
    from laktasi.quality.kinds.model import DeclaredCheck

_SELECTS = (ValueType.SELECT_ONE, ValueType.SELECT_MULTIPLE)
_TOGETHER = re.compile(r"\b(?:count|count-non-empty|sum|min|max)\(\s*\$\{[^}]+\}\s*\)")
"""What takes all answers in a repeat together."""


def find_field(questionnaire: Questionnaire, name: str, check: DeclaredCheck | None = None) -> Field | None:
    """Give the question that a name of checks.yml means; None where a form version has none.

    Raises
    ------
    CheckError
        It could be any of several; names `check`, where it is known.
    """
    try:
        return questionnaire.find(name)
    except KeyError as error:
        if any(item.path.rsplit("/", 1)[-1] == name for item in questionnaire.fields):
            raise CheckError(
                f"checks.yml: {f'check {check.id!r}: ' if check else ''}{error.args[0]}",
                next_step="write the whole path of the question in schemas/checks.yml",
            ) from None
        return None


def refuse_foreign_choices(check: DeclaredCheck, versions: Sequence[Questionnaire], expression: str) -> None:
    """Refuse an expression that holds a select against a choice which no form version offers.

    Raises
    ------
    CheckError
        Such a comparison is never true, or always, so a slip in the choice's name would seem to pass.
    """
    offered: dict[tuple[str, str], bool] = {}
    for questionnaire in versions:
        for item, told in choices_named(questionnaire, expression):
            listed = questionnaire.choice_lists.get(item.list_name or "")
            # of a list in a file that is not at hand, or of other answers, nobody knows what it offers
            known = {choice.value for choice in listed.choices} if listed else set()
            words = told.split() if item.type is ValueType.SELECT_MULTIPLE else [told] if told else []
            for word in words if item.type in _SELECTS else ():
                is_one = not known or word in known
                offered[item.path, word] = offered.get((item.path, word), False) or is_one
    if foreign := [key for key, is_one in offered.items() if not is_one]:
        path, word = foreign[0]
        raise CheckError(
            f"checks.yml: check {check.id!r} compares {path!r} with {word!r}, and no form version offers that choice",
            why="Such a comparison is never true, so the check would seem to pass, or accuse all.",
            next_step="write the choice as in the choices sheet (its name, not its label), in schemas/checks.yml",
        )


def holding(
    check: DeclaredCheck, versions: Sequence[Questionnaire], expression: str, table: str, alias: str = ""
) -> str:
    """Give the SQL condition that an expression of a check is true of a row of a table.

    Where it names a question of a repeat it is true or not of each row of that repeat, so the rows must be those; of
    the record as a whole only what takes all of them together can be asked, as ``sum(${weight})``.

    Raises
    ------
    CheckError
        The expression cannot be asked of a version, or names a question of a repeat whose rows these are not.
    """
    names = NAME.findall(_TOGETHER.sub("", expression))
    inner = False
    for questionnaire in versions:
        above, tables = table, {item.name: item for item in questionnaire.tables}
        around = {above}
        while above in tables and (parent := tables[above].parent) is not None:
            around.add(above := parent)
        for name in names:
            item = find_field(questionnaire, name, check)
            if item is None or item.table == questionnaire.tables[0].name:
                continue
            inner = True
            if item.table not in around:
                raise CheckError(
                    f"checks.yml: check {check.id!r}: {expression!r} names {name!r}, which stands in a repeat, and the"
                    " rows that are looked at do not",
                    why="A record has several answers to it, so the expression is neither true nor false of it.",
                    next_step="ask for all of them together, as in count(), sum() or max(), in schemas/checks.yml",
                )
    selects = (_select(check, item, expression, table if inner else None) for item in versions)
    columns = f"({alias}_submission_id, {alias}_row)" if inner else f"{alias}_submission_id"
    return f"{columns} in ({' union all '.join(selects)})"


def _select(check: DeclaredCheck, questionnaire: Questionnaire, expression: str, table: str | None) -> str:
    """Give a select of the records of a form version for which it is true; of a table, of its rows."""
    try:
        if table is None:
            return predicate_sql(questionnaire, expression)
        rows = predicates_sql(questionnaire, table, {"included": expression})
        return f"select _submission_id, _row from ({rows}) where included"
    except LaktasiError as error:
        part = "'where'" if expression == check.where else "expression"
        raise CheckError(
            f"checks.yml: check {check.id!r}: its {part} cannot be used: {error.what}",
            why=error.why,
            next_step="correct the expression in schemas/checks.yml",
        ) from error
