"""Whether a rule looks at one answer alone, so that what was accepted is what stands there and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from laktasi.questionnaire import xpath
from laktasi.questionnaire.model import Field, Questionnaire
from laktasi.questionnaire.predicates import NAME

if TYPE_CHECKING:
    import duckdb

    from laktasi.store.forms import Questionnaires


def reads_one_answer(
    con: duckdb.DuckDBPyConnection, questionnaires: Questionnaires, form_id: str, rule_id: str
) -> bool:
    """Say whether a rule reads the answer that it is about, and no other, in any form version.

    Parameters
    ----------
    con
        The warehouse: its rules are those of the latest run.
    questionnaires
        Every form version that can be read.
    """
    rules = con.execute(
        "select form_version, table_name, field, kind, expression from quality.rules where form_id = ? and rule_id = ?",
        [form_id, rule_id],
    ).fetchall()
    for version, table, column, kind, expression in rules:
        form = questionnaires.get((form_id, version))
        asked = [item for item in form.fields_of(table) if item.column == column] if form is not None else []
        if form is None or not asked:
            return False
        if any(place != asked[0].path for place in _read(form, asked[0], kind, expression)):
            return False
    return bool(rules)


def _read(form: Questionnaire, item: Field, kind: str, expression: str) -> Iterator[str | None]:
    """Give the places of the form that a rule reads; None for one that cannot be told."""
    match kind:
        case "type":
            return
        case "constraint":
            yield from _named(form, expression, item.path)
        case "required":
            # That an answer is missing depends on its being asked for.
            yield from _named(form, expression, item.path)
            around = [group for group in form.groups if f"{item.path}/".startswith(f"{group.path}/")]
            for place, relevant in ((item.path, item.relevant), *((group.path, group.relevant) for group in around)):
                yield from _named(form, relevant, place)
        case "choice":
            yield from _named(form, item.choice_filter, item.path, in_list=True)
        case "declared":
            yield from _declared(form, item, expression)
        case _:
            yield None  # relevance and calculations are about other answers, the rest about other records


def _declared(form: Questionnaire, item: Field, expression: str) -> Iterator[str | None]:
    for name in NAME.findall(expression):
        try:
            yield form.find(name).path
        except KeyError:
            yield None
    yield from _named(form, NAME.sub("''", expression), item.path)


def _named(form: Questionnaire, expression: str | None, place: str, *, in_list: bool = False) -> Iterator[str | None]:
    if expression is None:
        return
    try:
        tree = xpath.parse(expression)
    except xpath.XPathSyntaxError:
        yield None
        return
    parts: Iterable[xpath.Expression] = [tree]
    if in_list:
        # There a relative path is a column of the list.
        parts = [
            part for part in xpath.walk(tree) if isinstance(part, xpath.Path) and part.origin in ("absolute", "current")
        ]
    for part in parts:
        yield from xpath.references(part, place, form.root)
