"""What one answer tells of another, by the form's own words: who is asked, what is offered, what is computed.

A question is asked, or not, by the answers to others; so its empty cells tell of these. What a list offers, and what
the form computes, tell of them too. Every version of the form is read: each record was made by one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from laktasi.questionnaire import xpath
from laktasi.questionnaire.model import Field, Questionnaire, ValueType

ANYTHING = "*"
"""Stands for what an expression reads and cannot be told."""
CLOCK = "today()"
"""Stands for the day on which a record was made."""

_CLOCKS = ("today", "now")
_SAFE = frozenset(
    [
        "true",
        "false",
        "boolean",
        "not",
        "selected",
        "regex",
        "contains",
        "starts-with",
        "ends-with",
        "string-length",
        "count",
        "count-non-empty",
        "count-selected",
        "checklist",
        "weighted-checklist",
        "boolean-from-string",
        "jr:choice-name",
    ]
)
"""Functions whose value holds nothing of a text that was typed."""
_PASSING = frozenset(
    [
        "if",
        "coalesce",
        "concat",
        "join",
        "string",
        "number",
        "int",
        "round",
        "floor",
        "ceiling",
        "abs",
        "min",
        "max",
        "sum",
        "substr",
        "substring",
        "substring-before",
        "substring-after",
        "translate",
        "normalize-space",
        "upper-case",
        "lower-case",
        "selected-at",
    ]
)
"""Functions whose value can hold what is given to them."""
_COMPARING = frozenset(("=", "!=", "<", "<=", ">", ">=", "and", "or"))
_CHOSEN = (ValueType.SELECT_ONE, ValueType.SELECT_MULTIPLE, ValueType.BOOLEAN, ValueType.INTEGER, ValueType.DECIMAL)


@dataclass(frozen=True, slots=True)
class Depends:
    """By path of a question, the paths of those that it depends on; all versions taken together."""

    asked: Mapping[str, set[str]] = field(default_factory=dict)
    """Whether it is asked: its own relevance and that of the groups around it."""
    filled: Mapping[str, set[str]] = field(default_factory=dict)
    """What it can be answered with: its choices, its calculation, what stands there beforehand."""
    typed: frozenset[str] = frozenset()
    """Calculations that can give a text that somebody typed or scanned, a position, a phone's id or the like."""

    computed: frozenset[str] = frozenset()
    """Calculations that follow from what they depend on, and from nothing else: nobody can type over them."""

    def on(self, path: str) -> set[str]:
        """Give everything that a question depends on."""
        return self.asked.get(path, set()) | self.filled.get(path, set())

    def made_of(self, path: str) -> set[str]:
        """Give everything that a question is computed from, whatever lies between."""
        found: set[str] = set()
        waiting = [path]
        while waiting:
            new = self.filled.get(waiting.pop(), set()) - found
            found |= new
            waiting.extend(new)
        return found

    def as_they_are(self, candidates: Iterable[str]) -> set[str]:
        """Give those questions that can go out as they are: all that they depend on goes out as it is, too."""
        left = set(candidates)
        while lost := {path for path in left if not self.on(path) <= left}:
            left -= lost
        return left


def depends(versions: Sequence[Questionnaire]) -> Depends:
    """Read what depends on what in all versions of a form."""
    asked: dict[str, set[str]] = {}
    filled: dict[str, set[str]] = {}
    typed: set[str] = set()
    free: set[str] = set()
    for form in versions:
        reader = _Reader(form)
        for item in form.fields:
            asked.setdefault(item.path, set()).update(reader.asked(item))
            filled.setdefault(item.path, set()).update(reader.filled(item))
        typed |= {item.path for item in form.fields if item.calculate and reader.is_typed(item.path)}
        free |= {item.path for item in form.fields if not reader.is_computed(item)}
    return Depends(asked, filled, frozenset(typed), frozenset(set(filled) - free))


class _Reader:
    """Reads the expressions of one version."""

    def __init__(self, form: Questionnaire) -> None:
        self.form = form
        self.fields = {item.path: item for item in form.fields}

    def asked(self, item: Field) -> set[str]:
        found = self.places(item.relevant, item.path)
        for group in self.form.groups:
            if item.path.startswith(f"{group.path}/"):
                found |= self.places(group.relevant, group.path)
        return found - {item.path}

    def filled(self, item: Field) -> set[str]:
        offered = f"instance('list')/root/item[{item.choice_filter}]" if item.choice_filter else None
        found = self.places(offered, item.path) | self.places(item.calculate, item.path)
        # What stands there beforehand may be plain words, which read nothing.
        found |= self.places(item.default, item.path) - {ANYTHING}
        if item.trigger:
            found |= self.below(item.trigger)
        return found - {item.path}

    def places(self, expression: str | None, context: str) -> set[str]:
        """Give the questions that an expression reads."""
        if not expression:
            return set()
        try:
            parsed = xpath.parse(expression)
        except xpath.XPathSyntaxError:
            return {ANYTHING}
        found = {
            CLOCK for part in xpath.walk(parsed) if isinstance(part, xpath.Call) and part.name.split(":")[-1] in _CLOCKS
        }
        for place in xpath.references(parsed, context, self.form.root):
            found |= {ANYTHING} if place is None else self.below(place)
        return found

    def below(self, place: str) -> set[str]:
        """Give the question at a place, or all that a group there holds."""
        if place in self.fields:
            return {place}
        return {path for path in self.fields if path.startswith(f"{place}/")} or {ANYTHING}

    def is_computed(self, item: Field) -> bool:
        """Say whether the value of a question follows from what its calculation reads."""
        if not item.calculate or item.trigger or item.preload or (item.is_question and not item.readonly):
            return False
        try:
            parts = list(xpath.walk(xpath.parse(item.calculate)))
        except xpath.XPathSyntaxError:
            return False
        return all(part.name in _SAFE | _PASSING for part in parts if isinstance(part, xpath.Call))

    def is_typed(self, path: str, seen: frozenset[str] = frozenset()) -> bool:
        """Say whether the value of a question can hold what somebody typed elsewhere.

        What was computed on a screen can be typed over, but then it does not follow from what is known, so it is
        counted: what fewer than k people have is withheld.
        """
        item = self.fields.get(path)
        if item is None:
            return True
        if path in seen or item.type in _CHOSEN:
            return False
        if item.type is not ValueType.TEXT or not item.calculate or item.preload:
            return True
        try:
            parsed = xpath.parse(item.calculate)
        except xpath.XPathSyntaxError:
            return True
        return any(self.passes(part, path, seen | {path}) for part in (parsed, *self.beforehand(item)))

    def beforehand(self, item: Field) -> Iterator[xpath.Expression]:
        if item.default and any(mark in item.default for mark in "/("):  # else it is plain words
            try:
                yield xpath.parse(item.default)
            except xpath.XPathSyntaxError:
                return

    def passes(self, part: xpath.Expression, context: str, seen: frozenset[str]) -> bool:
        """Say whether the value of an expression can hold what somebody typed."""
        match part:
            case xpath.Operation(operator, left, right):
                return operator not in _COMPARING and any(self.passes(item, context, seen) for item in (left, right))
            case xpath.Negation(operand):
                return self.passes(operand, context, seen)
            case xpath.Call("if", (_, *given)):
                return any(self.passes(item, context, seen) for item in given)
            case xpath.Call(name, arguments):
                return name not in _SAFE and (
                    name not in _PASSING or any(self.passes(item, context, seen) for item in arguments)
                )
            case xpath.Path("instance", _, _):
                return False  # what a list of the form itself holds
            case xpath.Path():
                place = xpath.resolve(part, context, self.form.root)
                return place is None or self.is_typed(place, seen)
        return False
