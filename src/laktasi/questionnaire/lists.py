"""The lists a form carries or comes with: inline secondary instances, CSV, GeoJSON and XML media."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from laktasi.errors import QuestionnaireError

Item = Mapping[str, str]
"""One item of a list: column name to text."""


class Condition(IntEnum):
    """How much of a media file is there, best first."""

    WHOLE = 0
    TORN = 1
    """It can be read, and looks like a copy that broke off."""
    UNREADABLE = 2


def local(element: Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def inline_items(instance: Element) -> tuple[Item, ...]:
    """Read ``<root><item>…`` of a secondary instance."""
    return tuple(
        {local(child): "".join(child.itertext()).strip() for child in item}
        for root in instance
        for item in root
        if local(item) == "item"
    )


def media_items(name: str, content: bytes) -> tuple[Item, ...]:
    """Read a media file the way JavaRosa does.

    CSV: the first line names the columns; a semicolon anywhere in it makes the semicolon the delimiter. GeoJSON: the
    properties of each feature, its ``id`` and its ``geometry`` as ODK writes it. XML: ``<root><item>…``.

    Raises
    ------
    QuestionnaireError
        The file is not what its name says.
    """
    kind = name.rpartition(".")[2].lower()
    try:
        if kind == "csv":
            return _csv_items(content)
        if kind == "geojson":
            return _geojson_items(content)
        if kind == "xml":
            return inline_items(_wrapped(fromstring(content)))
    except (
        csv.Error,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        ParseError,
        DefusedXmlException,
    ) as error:
        raise QuestionnaireError(
            f"media {name!r} cannot be read: {type(error).__name__}",
            why="The choices of a question come from it.",
            next_step=f"save {name} again as {kind.upper()} in UTF-8",
        ) from error
    return ()


def condition(name: str, content: bytes) -> Condition:
    """Say whether a media file came whole, as far as it shows.

    A CSV is torn where it ends inside quotes, or in a row with fewer cells than the header, and unreadable where it has
    no row. Of other kinds it can only be said whether they can be read.
    """
    try:
        items = media_items(name, content)
    except QuestionnaireError:
        return Condition.UNREADABLE
    if not name.lower().endswith(".csv"):
        return Condition.WHOLE if content else Condition.UNREADABLE
    if not items:
        return Condition.UNREADABLE
    text = content.decode("utf-8-sig")
    names, *rows = [row for row in _csv_rows(text) if any(row)]
    return Condition.TORN if _ends_in_quotes(text) or len(rows[-1]) < len(names) else Condition.WHOLE


def _ends_in_quotes(text: str) -> bool:
    try:
        list(_csv_rows(text, strict=True))
    except csv.Error as error:
        # strict minds other quotes too, which phones read without a word
        return "unexpected end" in str(error)
    return False


def _wrapped(root: Element) -> Element:
    instance = Element("instance")
    instance.append(root)
    return instance


def _csv_rows(text: str, *, strict: bool = False) -> Iterator[list[str]]:
    header = text.split("\n", 1)[0]
    return csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ",", strict=strict)


def _csv_items(content: bytes) -> tuple[Item, ...]:
    rows = _csv_rows(content.decode("utf-8-sig"))
    names = [name.strip() for name in next(rows, [])]
    return tuple(
        {name: row[position] if position < len(row) else "" for position, name in enumerate(names) if name}
        for row in rows
        if any(row)
    )


def _geojson_items(content: bytes) -> tuple[Item, ...]:
    document = json.loads(content)
    if document.get("type") != "FeatureCollection":
        raise ValueError("not a FeatureCollection")
    items = []
    for feature in document["features"]:
        item = {"geometry": _odk_coordinates(feature["geometry"])}
        for key, value in (feature.get("properties") or {}).items():
            item[key] = _as_text(value)
        if feature.get("id") is not None:
            item["id"] = _as_text(feature["id"])
        items.append(item)
    return tuple(items)


def _odk_coordinates(geometry: Mapping[str, Any]) -> str:
    coordinates = geometry["coordinates"]
    if geometry["type"] == "Point":
        points: Iterable[Any] = [coordinates]
    elif geometry["type"] == "Polygon":
        points = coordinates[0] if coordinates else []
    else:
        points = coordinates
    return "; ".join(f"{point[1]} {point[0]} 0 0" for point in points)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
