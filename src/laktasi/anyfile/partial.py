"""What of a form can be asked of records that lack some of its questions.

A question that is not there is not an empty one: taken for empty, it would break rules that hold. So everything that
reads it is left unasked, and is said with what it lacks. A calculation that is not there is computed, where it can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from laktasi.questionnaire import xpath
from laktasi.questionnaire.model import Field, Group, Questionnaire, Table
from laktasi.questionnaire.recompute import recompute_sql

_MARK = re.compile(r"absent-(\d+)\(\)")
_ID = "meta/instanceID"


@dataclass(frozen=True, slots=True)
class Partial:
    """A form without what the records lack."""

    questionnaire: Questionnaire
    absent: tuple[Field, ...]
    """Questions of the form's own table that the records lack, and that cannot be computed; notes are none."""
    computed: tuple[Field, ...]
    """Calculations that the records lack and that are computed from what is there."""
    repeats: tuple[Table, ...]
    """Repeats, whose rows the records lack."""
    lacking: tuple[tuple[str, tuple[str, ...]], ...]
    """Expressions that read what is not there, as the form has them, and what that is; by their mark."""

    def expression(self, text: str) -> str:
        """Put the form's own expressions back where marks stand."""
        return _MARK.sub(lambda found: self.lacking[int(found[1])][0], text)

    def reason(self, text: str) -> str:
        """Say in words why a rule is not asked."""
        if found := _MARK.search(text):
            return f"it depends on what is not there: {', '.join(self.lacking[int(found[1])][1])}"
        clocks = [item.path for item in self.absent if item.preload in ("start", "end", "today")]
        if clocks and "keeps no time of its interviews" in text:
            return f"it depends on the day, and what is not there tells it: {', '.join(clocks)}"
        return text


def partial(questionnaire: Questionnaire, present: Iterable[str]) -> Partial:
    """Leave out of a form what its records lack.

    Parameters
    ----------
    present
        Paths of the questions that the records have; none of a repeat.
    """
    there = set(present)
    form = questionnaire.tables[0]
    own = list(questionnaire.fields_of(form.name))
    # Nothing is ever stored in a note, so it lacks nothing.
    there |= {item.path for item in own if item.is_question and item.readonly and item.calculate is None}
    maybe = {item.path for item in own if item.path not in there and item.calculate is not None}
    while True:
        cut, lacking = _without(questionnaire, there | maybe)
        left = {column for column, _ in recompute_sql(cut, form.name, "nothing").left}
        cannot = {item.path for item in own if item.path in maybe and item.column in left}
        if not cannot:
            break
        maybe -= cannot
    return Partial(
        questionnaire=cut,
        absent=tuple(item for item in own if item.path not in there | maybe and item.path != _ID),
        computed=tuple(item for item in own if item.path in maybe),
        repeats=questionnaire.tables[1:],
        lacking=tuple(lacking),
    )


def _without(questionnaire: Questionnaire, kept: set[str]) -> tuple[Questionnaire, list[tuple[str, tuple[str, ...]]]]:
    """Leave all other fields out, and mark the expressions that read one."""
    repeats = tuple(table.path for table in questionnaire.tables if table.path)
    absent = {item.path for item in questionnaire.fields} - kept
    lacking: list[tuple[str, tuple[str, ...]]] = []

    def marked(expression: str | None, place: str, *, in_list: bool = False) -> str | None:
        if expression is None:
            return None
        names = _absent_in(expression, place, questionnaire.root, absent, repeats, in_list=in_list)
        if not names:
            return expression
        lacking.append((expression, names))
        return f"absent-{len(lacking) - 1}()"

    def field(item: Field) -> Field:
        return replace(
            item,
            required=marked(item.required, item.path),
            relevant=marked(item.relevant, item.path),
            constraint=marked(item.constraint, item.path),
            calculate=marked(item.calculate, item.path),
            choice_filter=marked(item.choice_filter, item.path, in_list=True),
        )

    def group(item: Group) -> Group:
        return replace(item, relevant=marked(item.relevant, item.path))

    return (
        replace(
            questionnaire,
            fields=tuple(field(item) for item in questionnaire.fields if item.path in kept),
            groups=tuple(group(item) for item in questionnaire.groups if not _inside(item.path, repeats)),
            tables=questionnaire.tables[:1],
        ),
        lacking,
    )


def _absent_in(
    expression: str, place: str, root: str, absent: set[str], repeats: tuple[str, ...], *, in_list: bool
) -> tuple[str, ...]:
    try:
        tree = xpath.parse(expression)
    except (xpath.XPathSyntaxError, xpath.NestedTooDeepError):
        return ()
    parts: Iterable[xpath.Expression] = [tree]
    if in_list:
        # There a relative path is a column of the list.
        parts = [
            part for part in xpath.walk(tree) if isinstance(part, xpath.Path) and part.origin in ("absolute", "current")
        ]
    read = {found for part in parts for found in xpath.references(part, place, root) if found is not None}
    return tuple(sorted(found for found in read if found in absent or _inside(found, repeats)))


def _inside(place: str, repeats: tuple[str, ...]) -> bool:
    return any(f"{place}/".startswith(f"{repeat}/") for repeat in repeats)


def lacks(form: Questionnaire, cut: Questionnaire, wanted: Iterable[str]) -> tuple[str, ...]:
    """Give those of the questions a check names that the form has and the records lack."""
    return tuple(name for name in wanted if names(form, name) and not names(cut, name))


def names(questionnaire: Questionnaire, name: str) -> bool:
    """Say whether a form has a question or a group of this name."""
    groups: Mapping[str, Group] = {group.path: group for group in questionnaire.groups}
    try:
        questionnaire.find(name)
    except KeyError:
        return name in groups or any(path.rpartition("/")[2] == name for path in groups)
    return True
