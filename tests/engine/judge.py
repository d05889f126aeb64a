"""What the phone's engine finds wrong in a submission: the judgement that compiled checks are held against."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime

from tests.engine.engine import Form, Record, plain

INTEGER = re.compile(r"-?[0-9]+")
EDITED = "meta/deprecatedID"
"""Comes with an edit; no form declares it."""
METADATA = "{http://openrosa.org/javarosa}preload"


def judge(form: Form, xml: bytes) -> set[tuple[str, str]]:
    """Hold every answer of a submission against its form.

    Returns
    -------
    set of (kind, path)
        Kinds are type, required, relevant, constraint, choice, calculation and unknown_node. Where a value has the
        wrong type, nothing else is asked of it.
    """
    root = ET.fromstring(xml)
    stored = dict(_leaves(form, root, ""))
    record = form.open(xml)
    found = {("unknown_node", path) for path in stored if plain(path) not in form.nodes and path != EDITED}
    for path in form.binds:
        # groups and repeats hold no value; the phone fills metadata and asks nothing of it
        if path in form.leaves and path.split("/")[0] != "meta" and METADATA not in form.binds[path]:
            for instance in _instances(form, root, path):
                found |= {(kind, instance) for kind in _of_field(form, record, instance, stored.get(instance, ""))}
    return found


def _of_field(form: Form, record: Record, path: str, value: str) -> Iterator[str]:
    bind = form.binds[plain(path)]
    if not record.is_relevant(path):
        if value:
            yield "relevant"
        return
    if not _has_type(value, bind.get("type", "string")):
        yield "type"
        return
    if not value and record.is_required(path):
        yield "required"
    if "calculate" in bind:
        if not _same(value, record.value(path)):
            yield "calculation"
    elif value and not record.constraint_holds(path):
        yield "constraint"
    if value and plain(path) in form.selects and not set(value.split()) <= set(record.choices(path)):
        yield "choice"


def _has_type(value: str, kind: str) -> bool:
    if not value:
        return True
    try:
        if kind == "int":
            return INTEGER.fullmatch(value) is not None
        if kind == "decimal":
            float(value)
        if kind == "date":
            date.fromisoformat(value)
        if kind == "dateTime":
            datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _same(one: str, other: str) -> bool:
    try:
        return abs(float(one) - float(other)) <= 1e-9 * max(1.0, abs(float(one)))
    except ValueError:
        return one == other


def _leaves(form: Form, element: ET.Element, path: str) -> Iterator[tuple[str, str]]:
    counts: Counter[str] = Counter()
    for child in element:
        counts[child.tag] += 1
        below = f"{path}/{child.tag}".lstrip("/")
        if plain(below) in form.repeats:
            below = f"{below}[{counts[child.tag]}]"
        if len(child):
            yield from _leaves(form, child, below)
        else:
            yield below, (child.text or "").strip()


def _instances(form: Form, root: ET.Element, path: str) -> Iterator[str]:
    """Give the path once for each instance of the repeats around it."""
    found: list[tuple[str, ET.Element | None]] = [("", root)]
    for step in path.split("/"):
        below: list[tuple[str, ET.Element | None]] = []
        for around, element in found:
            name = f"{around}/{step}".lstrip("/")
            children = element.findall(step) if element is not None else []
            if plain(name) in form.repeats:
                below += [(f"{name}[{number}]", child) for number, child in enumerate(children, start=1)]
            else:
                below.append((name, children[0] if children else None))
        found = below
    yield from (name for name, _ in found)
