"""Two manifests compared: what a run had found, and what the same data give now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from laktasi.store.manifests import Manifest, digest_of

TOLERANCE = 1e-9
"""Relative difference that a result may have where another version of a library, or another machine, computed it."""
SHOWN = 5
"""Differences named of one part; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of two manifests: the same, or what differs."""

    name: str
    how_much: str
    """What was compared, in a few words; empty where that says nothing."""
    differences: tuple[str, ...]
    """In words, with results but without any answer."""

    def lines(self) -> Iterator[str]:
        """Tell it."""
        if not self.differences:
            yield f"{self.name}: same{self.how_much and f' ({self.how_much})'}"
            return
        yield f"{self.name}: not the same"
        yield from (f"  {line}" for line in self.differences[:SHOWN])
        if (more := len(self.differences) - SHOWN) > 0:
            yield f"  and {more} more"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing two manifests gave."""

    parts: tuple[Part, ...]
    """What must be the same."""
    around: tuple[str, ...]
    """What is otherwise around it, and may explain a difference: files of schemas/, code, versions, settings."""

    @property
    def wrong(self) -> list[str]:
        """Names of the parts that are not the same."""
        return [part.name for part in self.parts if part.differences]


def compare(then: Manifest, now: Manifest) -> Comparison:
    """Compare what a run had found with what the same data give now.

    Numbers must be equal to the last digit; where other versions of what computes made them, to :data:`TOLERANCE`.
    """
    is_other = any(then["versions"].get(name) != value for name, value in now["versions"].items())
    results = _Results(TOLERANCE if is_other else 0.0)
    tables = [
        Part(
            f"analysis.{name}",
            f"{len(table['rows'])} rows",
            tuple(results.differences(table, now["results"].get(name))),
        )
        for name, table in then["results"].items()
    ]
    parts = (
        Part("the file itself", "", () if then.get("sha256") == digest_of(then) else (_CHANGED_BY_HAND,)),
        Part(
            "analysed rows", f"{then['analysed'].get('rows')} rows", tuple(_analysed(then["analysed"], now["analysed"]))
        ),
        Part("forms", _count(then["forms"]), tuple(_entries(then["forms"], now["forms"]))),
        Part("media of forms", _count(then["media"]), tuple(_entries(then["media"], now["media"]))),
        Part("decisions of people", f"{then['decisions'].get('count')}", tuple(_decisions(then, now))),
        *tables,
    )
    return Comparison(parts, (*_around(then, now), *results.told()))


_CHANGED_BY_HAND = "its contents are not what the run wrote: it was changed since"


class _Results:
    """Compares tables of results, and remembers how far numbers lay apart."""

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.largest = 0.0

    def told(self) -> Iterator[str]:
        if self.tolerance:
            yield (
                f"numbers may differ by {self.tolerance:g} of their size, as other versions computed them;"
                f" the largest difference is {self.largest:.2g}"
            )

    def differences(self, then: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterator[str]:
        if now is None:
            yield "there is no such table any more"
            return
        if gone := [name for name in then["columns"] if name not in now["columns"]]:
            yield f"there is no column {gone[0]} any more"
            return
        names = then["columns"][: then["key"]]
        places = [now["columns"].index(name) for name in then["columns"]]
        found = _by_key(([row[place] for place in places] for row in now["rows"]), len(names))
        for key, rows in _by_key(then["rows"], len(names)).items():
            others = found.pop(key, [])
            called = " ".join("all" if value is None else str(value) for value in key)
            if len(rows) != len(others):
                yield f"{called}: {len(rows)} rows then, {len(others)} now"
                continue
            for row, other in zip(rows, others, strict=True):
                for name, before, after in zip(then["columns"], row, other, strict=True):
                    if not self._is_same(before, after):
                        yield f"{called}: {name} {_words(before)} then, {_words(after)} now"
        yield from (f"{' '.join(map(str, key))}: not there then, now it is" for key in found)

    def _is_same(self, before: Any, after: Any) -> bool:
        if before == after:
            return True
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, after))
        if not (numbers and self.tolerance):
            return False
        apart: float = abs(before - after) / max(abs(before), abs(after))
        self.largest = max(self.largest, apart)
        return apart <= self.tolerance


def _by_key(rows: Any, length: int) -> dict[tuple[Any, ...], list[Sequence[Any]]]:
    found: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[:length]), []).append(row)
    return found


def _words(value: Any) -> str:
    return "none" if value is None else repr(value) if isinstance(value, float) else str(value)


def _count(entries: Mapping[str, Any]) -> str:
    return str(len(entries))


def _analysed(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then.get("rows") != now.get("rows"):
        yield f"{then.get('rows')} rows then, {now.get('rows')} now"
    elif then.get("sha256") != now.get("sha256"):
        yield f"as many rows ({now.get('rows')}), and not what stood in them"


def _decisions(then: Manifest, now: Manifest) -> Iterator[str]:
    before, after = then["decisions"], now["decisions"]
    if before.get("count") != after.get("count"):
        yield f"{before.get('count')} then, {after.get('count')} now"
    elif before.get("sha256") != after.get("sha256"):
        yield "as many, and not the same"


def _entries(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Tell which entries were changed, are gone or are new."""
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            yield f"{name}: {'new since' if name not in then else 'gone' if name not in now else 'changed'}"


def _around(then: Manifest, now: Manifest) -> Iterator[str]:
    for what, name in (("schemas", "schemas"), ("suites of checks", "suites")):
        if changed := list(_entries(then[name], now[name])):
            more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            yield f"{what} since: {'; '.join(changed[:SHOWN])}{more}"
    if then["code"] != now["code"]:
        yield f"code: {_code(then)} then, {_code(now)} now"
    others = [
        f"{name} {then['versions'].get(name, 'unknown')} then, {value} now"
        for name, value in now["versions"].items()
        if then["versions"].get(name) != value
    ]
    yield from others
    rows, rows_now = then["known"].get("rows", {}), now["known"]["rows"]
    for place in sorted(rows.keys() | rows_now.keys()):
        before, after = rows.get(place, {}), rows_now.get(place, {})
        for source in sorted(before.keys() | after.keys()):
            if (n := before.get(source, 0)) != (n_now := after.get(source, 0)):
                yield f"{place} from {source}: {n} rows had landed then, {n_now} of that time are here"


def _code(manifest: Manifest) -> str:
    return " ".join(str(part) for part in manifest["code"].values() if part)
