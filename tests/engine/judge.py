"""What the phone's engine finds wrong in a submission: the judgement that compiled checks are held against."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, datetime

from tests.engine.engine import Form, Record

INTEGER = re.compile(r"-?[0-9]+")
METADATA = "{http://openrosa.org/javarosa}preload"


def judge(form: Form, xml: bytes) -> set[tuple[str, str]]:
    """Hold every answer of a submission against its form.

    Returns
    -------
    set of (kind, path)
        Kinds are type, required, relevant, constraint, choice, calculation and unknown_node. Where a value has the
        wrong type, nothing else is asked of it.
    """
    stored = dict(_leaves(ET.fromstring(xml), ""))
    record = form.open(xml)
    found = {("unknown_node", path) for path in stored if _plain(path) not in form.nodes}
    for path in form.binds:
        # groups and repeats hold no value; the phone fills metadata and asks nothing of it
        if path in form.leaves and path.split("/")[0] != "meta" and METADATA not in form.binds[path]:
            found |= {(kind, path) for kind in _of_field(form, record, path, stored.get(path, ""))}
    return found


def _of_field(form: Form, record: Record, path: str, value: str) -> Iterator[str]:
    bind = form.binds[path]
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
    if value and path in form.selects and not set(value.split()) <= set(record.choices(path)):
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


def _leaves(element: ET.Element, path: str) -> Iterator[tuple[str, str]]:
    for child in element:
        below = f"{path}/{child.tag}".lstrip("/")
        if len(child):
            yield from _leaves(child, below)
        else:
            yield below, (child.text or "").strip()


def _plain(path: str) -> str:
    # deprecatedID comes with an edit; no form declares it
    return path.replace("meta/deprecatedID", "meta/instanceID")
