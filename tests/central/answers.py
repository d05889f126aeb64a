"""A submission's answers as OData has them: typed by JavaScript, repeats named by their position."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

from tests.central.xform import Field, Node, Schema, parse

INTEGER = re.compile(r"\s*([+-]?\d+)")
DECIMAL = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
EXACT = 2**53


def identifier(name: str) -> str:
    """Write a name as OData allows it: ``note-1`` is ``note_1``."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", re.sub(r"^([^A-Za-z_])", r"_\1", name))


def integer(text: str) -> int | None:
    """Read as JavaScript's parseInt does: ``12.7`` is 12, and past 2⁵³ the digits are not all kept."""
    match = INTEGER.match(text)
    if not match:
        return None
    number = int(match[1])
    return number if abs(number) <= EXACT else int(float(number))


def decimal(text: str) -> float | int | None:
    match = DECIMAL.match(text)
    if not match:
        return None
    number = float(match[1])
    return int(number) if number.is_integer() and abs(number) < EXACT else number


def point(text: str, *, wkt: bool) -> Any:
    given = [decimal(part) for part in text.split()]
    if len(given) < 2 or given[0] is None or given[1] is None:
        return None
    coordinates = [given[1], given[0], *(item for item in given[2:3] if item is not None)]
    if wkt:
        return f"POINT ({' '.join(str(item) for item in coordinates)})"
    accuracy = given[3] if len(given) > 3 else None
    return {"type": "Point", "coordinates": coordinates} | (
        {"properties": {"accuracy": accuracy}} if accuracy is not None else {}
    )


def typed(field: Field, text: str, *, wkt: bool) -> Any:
    if text == "":
        return None
    if field.type == "int":
        return integer(text)
    if field.type == "decimal":
        return decimal(text)
    if field.type == "geopoint":
        return point(text, wkt=wkt)
    if field.type == "dateTime":
        trimmed = text.strip()
        return f"{trimmed}:00" if re.search(r"[+-]\d\d$", trimmed) else trimmed
    return text


class Answers:
    """One submission's answers, read against a form.

    Parameters
    ----------
    schema
        The form's current version: what it no longer asks is not shown.
    instance_id
        The first instanceID.
    xml
        The current version.
    expand
        Put repeats into the rows they belong to.
    wkt
        Write places as well-known text, without their accuracy.
    """

    def __init__(self, schema: Schema, instance_id: str, xml: bytes, *, expand: bool, wkt: bool) -> None:
        self._schema, self._id, self._expand, self._wkt = schema, instance_id, expand, wkt
        self.tables: dict[str, list[dict[str, Any]]] = {}
        """By table's name, below ``Submissions``, its rows."""
        root = parse(xml)
        self.row = self._frame("")
        if root is not None:
            self._fill(self.row, root, "", "", [], [], instance_id, "Submissions")

    def _frame(self, path: str) -> dict[str, Any]:
        """Make a row whose answers are all missing."""
        frame: dict[str, Any] = {}
        for field in self._schema.children(path):
            if field.type == "structure":
                frame[identifier(field.name)] = self._frame(field.path)
            elif field.type != "repeat":
                frame[identifier(field.name)] = None
        return frame

    def _fill(
        self,
        row: dict[str, Any],
        node: Node,
        path: str,
        table: str,
        hashed: list[str],
        link: list[str],
        parent_id: str,
        parent_name: str,
    ) -> None:
        """Put the answers below a node into a row.

        `hashed` and `link` are the way to it, as a repeat's id and as a repeat's link write it; `parent_id` and
        `parent_name` belong to the nearest row above.
        """
        counts: dict[str, int] = {}
        for child in node.children:
            field = self._schema.fields.get(f"{path}/{child.name}")
            if field is None:
                continue
            name = identifier(field.name)
            inner_table = f"{table}.{name}" if table else name
            if field.type == "structure":
                self._fill(
                    row[name],
                    child,
                    field.path,
                    inner_table,
                    [*hashed, f"{field.name}#"],
                    [*link, name],
                    parent_id,
                    parent_name,
                )
            elif field.type == "repeat":
                position = counts.get(field.path, -1) + 1
                counts[field.path] = position
                way = [*hashed, f"{field.name}#{position}"]
                own = hashlib.sha1(
                    "%%".join([f"Submissions#{self._id}", *way]).encode(), usedforsecurity=False
                ).hexdigest()
                bag = self._frame(field.path) | {"__id": own}
                place = "/".join([f"Submissions('{quote(self._id, safe='')}')", *link, name])
                row[f"{name}@odata.navigationLink"] = place
                as_row = bag | {f"__{parent_name}-id": parent_id}
                self.tables.setdefault(inner_table, []).append(as_row)
                self._fill(
                    bag,
                    child,
                    field.path,
                    inner_table,
                    way,
                    [*link, f"{name}('{own}')"],
                    own,
                    f"{parent_name}-{name}",
                )
                as_row |= {key: value for key, value in bag.items() if self._expand or not _is_inner(key, bag)}
                if self._expand:
                    row.setdefault(name, []).append(bag)
                else:
                    bag.clear()
            else:
                row[name] = typed(field, child.text, wkt=self._wkt)


def _is_inner(key: str, bag: dict[str, Any]) -> bool:
    return f"{key}@odata.navigationLink" in bag
