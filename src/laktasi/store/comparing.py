"""Two manifests compared: what a run had found, and what the same data give now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from laktasi.store.comparing_centres import CentreResults
from laktasi.store.leaving.tombstones import Erased
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
    further: int = 0
    """Differences that were counted and are not among these."""
    is_without: bool = False
    """It was made with records of people who have left since, so nobody can say whether it would be the same."""

    def lines(self) -> Iterator[str]:
        """Tell it."""
        if not self.differences:
            yield f"{self.name}: same{self.how_much and f' ({self.how_much})'}"
            return
        if self.is_without:
            # No numbers: those of then beside those of now would tell the answers of whoever left.
            yield f"{self.name}: not to be told, since it counts people who have left"
            return
        yield f"{self.name}: not the same"
        yield from (f"  {line}" for line in self.differences[:SHOWN])
        if (more := max(len(self.differences) - SHOWN, 0) + self.further) > 0:
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
        """Names of the parts that are not the same, for another reason than that people left."""
        return [part.name for part in self.parts if part.differences and not part.is_without]

    @property
    def without(self) -> list[str]:
        """Names of the parts that cannot be compared, since people whose records they count have left."""
        return [part.name for part in self.parts if part.differences and part.is_without]


def compare(
    then: Manifest,
    now: Manifest,
    centres: CentreResults | None = None,
    altered: Sequence[str] = (),
    erased: Erased | None = None,
    form_id: str | None = None,
) -> Comparison:
    """Compare what a run had found with what the same data give now.

    Numbers must be equal to the last digit; where other versions of what computes made them, to :data:`TOLERANCE`.

    Parameters
    ----------
    now
        Gathered to be compared with `then`: its results are of the columns that those had.
    centres
        Results of single centres, then and now. Without them, or where the file of then is not whole, they are compared
        by their hash alone.
    altered
        In words: which rows no longer hold what landed.
    erased
        What had landed by then, and is gone because people left the study. So much may be missing; and where so many
        rows of the analysis are, its results cannot be compared.
    form_id
        Form of the study.
    """
    erased = erased or Erased()
    records = erased.records.get(form_id or "", 0)
    is_other = any(then["versions"].get(name) != value for name, value in now["versions"].items())
    is_as_written = then["sha256"] == digest_of(then)
    # What was changed by hand may name columns that the file beside it never had.
    results = _Results(TOLERANCE if is_other else 0.0, centres if is_as_written else None)
    rows = Part(
        "analysed rows",
        f"{then['analysed'].get('rows')} rows",
        tuple(_analysed(then["analysed"], now["analysed"])),
        is_without=0 <= (then["analysed"].get("rows") or 0) - (now["analysed"].get("rows") or 0) <= records > 0,
    )
    found = (results.part(name, table, now["results"].get(name)) for name, table in then["results"].items())
    parts = (
        Part("the file itself", "", () if is_as_written else (_CHANGED_BY_HAND,)),
        *_beside(centres),
        rows,
        Part("forms", _count(then["forms"]), tuple(_entries(then["forms"], now["forms"]))),
        Part("media of forms", _count(then["media"]), tuple(_entries(then["media"], now["media"]))),
        _decided(then, now, erased.rows.get("quality.decisions", {}).get("people", 0)),
        # Of the same rows the same results are due; of others nobody can say.
        *(replace(part, is_without=rows.is_without and bool(rows.differences)) for part in found),
        Part("what landed", "", (*altered, *_lost_rows(then["known"]["rows"], now["known"]["rows"], erased.rows))),
    )
    return Comparison(parts, (*_gone(erased), *_around(then, now), *_lost(centres), *results.told()))


_CHANGED_BY_HAND = "its contents are not what the run wrote: it was changed since"


def _beside(centres: CentreResults | None) -> Iterator[Part]:
    if centres is not None and centres.state in ("whole", "changed"):
        yield Part(f"the file {centres.file.name}", "", (_CHANGED_BY_HAND,) if centres.state == "changed" else ())


def _lost(centres: CentreResults | None) -> Iterator[str]:
    if centres is not None and centres.state == "lost":
        yield f"{centres.file.name} is not there: results by centre were compared by their hash alone"


class _Results:
    """Compares tables of results, and remembers how far numbers lay apart."""

    def __init__(self, tolerance: float, centres: CentreResults | None) -> None:
        self.tolerance = tolerance
        self.centres = centres
        self.largest = 0.0

    def told(self) -> Iterator[str]:
        if self.tolerance:
            yield (
                f"numbers may differ by {self.tolerance:g} of their size, as other versions computed them;"
                f" the largest difference is {self.largest:.2g}"
            )

    def part(self, name: str, then: Mapping[str, Any], now: Mapping[str, Any] | None) -> Part:
        called, how_much = f"analysis.{name}", f"{then['rows']} rows"
        if now is None:
            return Part(called, how_much, ("there is no such table any more",))
        if gone := [column for column in then["columns"] if column not in now["columns"]]:
            return Part(called, how_much, (f"there is no column {gone[0]} any more",))
        across = tuple(self._across(then, now))
        if then["sha256"] == now["sha256"]:
            return Part(called, how_much, across)
        has_centres = then["rows"] > len(then["across"]) or now["rows"] > len(now["across"])
        if has_centres and self.centres is not None and self.centres.state == "whole":
            found = self.centres.differing(name, then, self.tolerance, SHOWN)
            self.largest = max(self.largest, found.largest)
            if found.centres:
                more = f" and {found.centres - len(found.named)} more" if found.centres > len(found.named) else ""
                centres = "1 centre" if found.centres == 1 else f"{found.centres} centres"
                where = f"at {centres}: {', '.join(found.named)}{more}"
                shown = (*across, where, *found.examples)
                return Part(called, how_much, shown, found.differences - len(found.examples))
        elif has_centres:
            rows = f"{then['rows']} rows then, {now['rows']} now; " if then["rows"] != now["rows"] else ""
            return Part(called, how_much, (*across, f"{rows}{_BY_HASH}"))
        if not across and not self.tolerance:
            return Part(called, how_much, (f"{_BY_HASH}, though no row that can be looked at differs",))
        return Part(called, how_much, across)

    def _across(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
        """Tell what differs in the rows that are not of one centre: there are few."""
        names = then["columns"][: then["key"]]
        places = [now["columns"].index(name) for name in then["columns"]]
        found = _by_key(([row[place] for place in places] for row in now["across"]), len(names))
        for key, rows in _by_key(then["across"], len(names)).items():
            others = found.pop(key, [])
            called = " ".join("all" if value is None else str(value) for value in key)
            if len(rows) != len(others):
                yield f"{called}: {len(rows)} rows then, {len(others)} now"
                continue
            for row, other in zip(rows, others, strict=True):
                for name, before, after in zip(then["columns"], row, other, strict=True):
                    if not self._is_same(before, after):
                        yield f"{called}: {name} {_words(before)} then, {_words(after)} now"
        for key in found:
            yield f"{' '.join('all' if value is None else str(value) for value in key)}: not there then, now it is"

    def _is_same(self, before: Any, after: Any) -> bool:
        if before == after:
            return True
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, after))
        if not (numbers and self.tolerance):
            return False
        try:
            apart = float(abs(before - after) / max(abs(before), abs(after)))
        except OverflowError:  # a whole number of more digits than any result has
            return False
        self.largest = max(self.largest, apart)
        return apart <= self.tolerance


_BY_HASH = "by their hash the rows are not the same"


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


def _decided(then: Manifest, now: Manifest, erased: int) -> Part:
    found = tuple(_decisions(then, now))
    gone = (then["decisions"].get("count") or 0) - (now["decisions"].get("count") or 0)
    return Part("decisions of people", f"{then['decisions'].get('count')}", found, is_without=0 < gone == erased)


def _gone(erased: Erased) -> Iterator[str]:
    """Tell what is missing because people left."""
    for form_id, count in sorted(erased.records.items()):
        yield f"forgotten since: {count} records of {form_id}, of people who left the study (laktasi forget)"
    for place, by_source in sorted(erased.rows.items()):
        for source, count in sorted(by_source.items()):
            yield f"  {place} from {source}: {count} rows"


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


def _lost_rows(then: Mapping[str, Any], now: Mapping[str, Any], erased: Mapping[str, Any]) -> Iterator[str]:
    for place in sorted(then.keys() | now.keys()):
        before, after = then.get(place, {}), now.get(place, {})
        for source in sorted(before.keys() | after.keys()):
            gone = erased.get(place, {}).get(source, 0)
            if (n := before.get(source, 0)) != (n_now := after.get(source, 0)) + gone:
                left = f", {gone} were forgotten" if gone else ""
                yield f"{place} from {source}: {n} rows had landed then, {n_now} of that time are here{left}"


def _code(manifest: Manifest) -> str:
    return " ".join(str(part) for part in manifest["code"].values() if part)
