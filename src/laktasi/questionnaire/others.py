"""Questions that ask for words where a choice means something else: "other, which?" and the select it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from laktasi.questionnaire.model import Field, Questionnaire, ValueType
from laktasi.questionnaire.xpath import Call, Expression, Operation, Path, Text, XPathSyntaxError, parse, resolve

SELECTS = (ValueType.SELECT_ONE, ValueType.SELECT_MULTIPLE)


@dataclass(frozen=True, slots=True)
class Other:
    """A text question that is asked where a select has a certain answer."""

    form_id: str
    question: Field
    """As in the newest version, as is `parent`."""
    parent: Field
    choices: frozenset[str]
    """The choices of the parent for which it is asked, in any version."""
    specifies: bool
    """It is asked by this choice alone, and the parent offers at least two others: what it says could be one of them.
    A name that is asked where consent is "yes" specifies nothing."""


Others = Mapping[tuple[str, str, str], Other]
"""By form id, path of the text question, path of its parent."""


def find_others(questionnaires: Iterable[Questionnaire]) -> Others:
    """Find them in all versions of all forms.

    A pair is told from the relevance of the text question or of a group around it: ``${parent} = 'x'`` or
    ``selected(${parent}, 'x')``, alone or joined to more by ``and``. Both stand in one table.

    Parameters
    ----------
    questionnaires
        Those of one form oldest first.
    """
    found: dict[tuple[str, str, str], Other] = {}
    for questionnaire in questionnaires:
        for item in questionnaire.fields:
            if item.type is not ValueType.TEXT or not item.is_question or item.readonly:
                continue
            for parent, choice, is_alone in _pairs(questionnaire, item):
                key = (questionnaire.form_id, item.path, parent.path)
                known = found.get(key)
                choices = (known.choices if known else frozenset()) | {choice}
                listed = questionnaire.choice_lists.get(parent.list_name or "")
                besides = {offered.value for offered in listed.choices} - choices if listed else set()
                found[key] = Other(questionnaire.form_id, item, parent, choices, is_alone and len(besides) > 1)
    return found


def _pairs(questionnaire: Questionnaire, item: Field) -> Iterator[tuple[Field, str, bool]]:
    """Give the selects that a text question hangs on, the answer for which it is asked, and whether by that alone."""
    fields = {field.path: field for field in questionnaire.fields}
    around = [group for group in questionnaire.groups if item.path.startswith(f"{group.path}/")]
    for context, relevant in ((item.path, item.relevant), *((group.path, group.relevant) for group in around)):
        if not relevant:
            continue
        try:
            written = parse(relevant)
        except XPathSyntaxError:
            continue
        conditions = list(_conditions(written))
        for path, choice in conditions:
            place = resolve(path, context, questionnaire.root)
            parent = fields.get(place) if place is not None else None
            if parent is not None and parent.type in SELECTS and parent.table == item.table:
                yield parent, choice, context == item.path and not _is_joined(written)


def _is_joined(expression: Expression) -> bool:
    return isinstance(expression, Operation) and expression.operator == "and"


def _conditions(expression: Expression) -> Iterator[tuple[Path, str]]:
    """Give the questions that must have a certain choice for an expression to be true."""
    match expression:
        case Operation("and", left, right):
            yield from _conditions(left)
            yield from _conditions(right)
        case Operation("=", Path() as path, Text(choice)) | Operation("=", Text(choice), Path() as path):
            yield path, choice
        case Call("selected", (Path() as path, Text(choice))):
            yield path, choice
