"""The body of an XForm: what is shown, in which order, with which choices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from laktasi.questionnaire.lists import Item, local

_CONTROLS = {"input", "select1", "select", "rank", "upload", "trigger", "range", "secret"}
_INSTANCE = re.compile(r"""instance\(\s*['"]([^'"]+)['"]\s*\)\s*/root/item""")


@dataclass(slots=True)
class Itemset:
    """Where the choices of a select come from."""

    instance: str | None
    """Name of the secondary instance; None where earlier answers (a repeat) are the choices."""
    filter: str | None
    value: str
    label: str | None


@dataclass(slots=True)
class Control:
    """A question, a group or a repeat of the body."""

    kind: str
    place: str
    element: Element
    appearance: str | None = None
    label: Element | None = None
    hint: Element | None = None
    itemset: Itemset | None = None
    items: tuple[Item, ...] = ()
    """Choices written inside the control itself."""
    triggers: list[tuple[str, str]] = field(default_factory=list)
    """Nodes filled when this answer changes: (place, expression)."""


@dataclass(slots=True)
class Body:
    """Everything in the body, by place below the root."""

    questions: dict[str, Control]
    groups: dict[str, Control]
    repeats: list[str]
    """Places of repeats, in the order of the form, outer before inner."""


def read_body(body: Element, prefix: str) -> Body:
    """Read the body; `prefix` is ``/`` and the root node's name."""
    result = Body({}, {}, [])
    for element in body.iter():
        kind = local(element)
        reference = element.get("nodeset") if kind == "repeat" else element.get("ref")
        if kind not in _CONTROLS | {"group", "repeat"} or not reference:
            continue
        place = below(reference, prefix)
        control = Control(
            kind,
            place,
            element,
            appearance=element.get("appearance"),
            label=_child(element, "label"),
            hint=_child(element, "hint"),
            triggers=[
                (below(action.get("ref", ""), prefix), action.get("value") or action.text or "")
                for action in element
                if local(action) in ("setvalue", "setgeopoint")
            ],
        )
        if kind == "repeat":
            result.repeats.append(place)
        elif kind == "group":
            result.groups.setdefault(place, control)
        else:
            control.itemset = _itemset(element)
            control.items = _items(element)
            result.questions.setdefault(place, control)
    return result


def below(reference: str, prefix: str) -> str:
    """Turn an absolute path into the place below the root."""
    return reference.strip().removeprefix(prefix).strip("/")


def _child(element: Element, name: str) -> Element | None:
    return next((item for item in element if local(item) == name), None)


def _itemset(element: Element) -> Itemset | None:
    itemset = _child(element, "itemset")
    if itemset is None:
        return None
    value, label = _child(itemset, "value"), _child(itemset, "label")
    nodeset = itemset.get("nodeset", "")
    found = _INSTANCE.search(nodeset)
    predicates = list(_predicates(nodeset[found.end() if found else 0 :]))
    return Itemset(
        instance=found.group(1) if found else None,
        filter=" and ".join(f"({item})" for item in predicates) if len(predicates) > 1 else "".join(predicates) or None,
        value=value.get("ref", "name") if value is not None else "name",
        label=label.get("ref") if label is not None else None,
    )


def _predicates(text: str) -> Iterator[str]:
    """Give the contents of the brackets that follow each other at the start of `text`."""
    depth, start, quote = 0, 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "[":
            start = position + 1 if depth == 0 else start
            depth += 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                yield text[start:position].strip()
        elif depth == 0 and character == ",":
            return


def _items(element: Element) -> tuple[Item, ...]:
    found = []
    for item in element:
        if local(item) == "item":
            value, label = _child(item, "value"), _child(item, "label")
            found.append(
                {
                    "name": (value.text or "").strip() if value is not None else "",
                    "itextId": (label.get("ref") or "") if label is not None else "",
                    "label": (label.text or "").strip() if label is not None else "",
                }
            )
    return tuple(found)
