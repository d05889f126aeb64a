"""The lists a form carries or comes with: inline secondary instances, CSV, GeoJSON and XML media."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from laktasi.errors import QuestionnaireError

Item = Mapping[str, str]
"""One item of a list: column name to text."""


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
    except (UnicodeDecodeError, csv.Error, ValueError, KeyError, TypeError, ParseError, DefusedXmlException) as error:
        raise QuestionnaireError(
            f"media {name!r} cannot be read: {type(error).__name__}",
            why="The choices of a question come from it.",
            next_step=f"save {name} again as {kind.upper()} in UTF-8",
        ) from error
    return ()


def _wrapped(root: Element) -> Element:
    instance = Element("instance")
    instance.append(root)
    return instance


def _csv_items(content: bytes) -> tuple[Item, ...]:
    text = content.decode("utf-8-sig")
    header = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ",")
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
