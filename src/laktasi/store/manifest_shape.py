"""Of what shape a manifest is: what is not so was damaged, since a run never writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Test = Callable[[Any], bool]


def damaged_parts(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Name the parts of a manifest that are missing, or not of the shape in which a run writes them."""
    for name, is_so in _PARTS.items():
        if not is_so(manifest.get(name)):
            yield name
            return
    for name, table in manifest["results"].items():
        if not _is_table(table):
            yield f"results.{name}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_id(value: Any) -> bool:
    """Say whether it can name a file, and nothing but a file beside the manifest."""
    return isinstance(value, str) and re.fullmatch(r"[\w-]+", value) is not None


def _or_none(is_so: Test) -> Test:
    return lambda value: value is None or is_so(value)


def _each(is_so: Test) -> Test:
    """Give the test of a mapping of which every value is so."""
    return lambda value: isinstance(value, dict) and all(map(is_so, value.values()))


def _with(**parts: Test) -> Test:
    """Give the test of a mapping that has these parts; it may have more."""
    return lambda value: isinstance(value, dict) and all(is_so(value.get(name)) for name, is_so in parts.items())


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _is_table(table: Any) -> bool:
    """Say whether it is a table of results: rows as long as its columns, named by values that can be compared."""
    if not _with(rows=_is_count, sha256=_is_text, key=_is_count)(table):
        return False
    columns, across, key = table.get("columns"), table.get("across"), table["key"]
    if not (isinstance(columns, list) and all(map(_is_text, columns)) and isinstance(across, list)):
        return False
    return (
        key <= len(columns) == len(set(columns))
        and len(across) <= table["rows"]
        and all(isinstance(row, list) and len(row) == len(columns) for row in across)
        and all(_is_scalar(value) for row in across for value in row[:key])
    )


_PARTS: Mapping[str, Test] = {
    "run_id": _is_id,
    "started_at": _is_text,
    "study": _or_none(_is_text),
    "known": _with(rows=_each(_each(_is_count))),
    "analysed": _with(rows=_or_none(_is_count), sha256=_or_none(_is_text)),
    "decisions": _with(count=_is_count, sha256=_is_text),
    "forms": _each(_is_text),
    "media": _each(_each(_is_text)),
    "suites": _each(_is_text),
    "rules": _each(_is_text),
    "schemas": _each(_is_text),
    "settings": _each(_is_count),
    "code": _each(_or_none(_is_text)),
    "versions": _each(_is_text),
    "results": _each(lambda value: isinstance(value, dict)),
    "by_centre": _with(rows=_is_count, sha256=_or_none(_is_text)),
    "sha256": _is_text,
}
