"""schemas/release.yml: what may go out, and in what shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from laktasi.errors import ReleaseError
from laktasi.yamlfile import read_yaml

TOP_KEYS = ("k", "results", "treat", "suppress")
KEPT, DROPPED, PSEUDONYM, CATEGORY = "keep", "drop", "pseudonym", "category"
BAND, TRUNCATE, SHIFT = "band", "truncate", "shift"
COUNTED = (KEPT, BAND, TRUNCATE)
"""Treatments whose outcome is a quasi-identifier, whatever the questionnaire says of the question.

So is a category, where it does not follow from what goes out as it is."""
UNITS = ("month", "quarter", "year")
LEAST_K = 2
LEAST_DAYS, MOST_DAYS = 15, 3650
"""A shift by fewer days would tell the month after all; by more, programs cannot write every date."""

LAMBDA = 0.8
"""From which share on a centre says what an answer is (Goodman and Kruskal's lambda), the answer says where it is."""
ENOUGH = 5
"""Records of a centre from which what its records have in common is looked at."""
CHANCE = 0.001
"""Probability below which it is no chance that the records with one answer come from one centre."""
DIGITS = 3
"""Significant digits of what withheld centres take part in."""
BITS = 10
"""What a number of so many digits can tell, in bits (log2 of 900, and its sign)."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to the answers of one question before they go out."""

    kind: str
    """``keep``, ``drop``, ``pseudonym``, ``category``, ``band``, ``truncate`` or ``shift``."""
    points: tuple[float, ...] = ()
    """Of bands: where one ends and the next begins, which it belongs to; lowest first."""
    unit: str = ""
    """What a date is truncated to: one of :data:`UNITS`."""
    days: int = 0
    """How far dates are shifted at most, earlier or later."""

    def __str__(self) -> str:
        match self.kind:
            case "band":
                return f"band [{', '.join(f'{point:g}' for point in self.points)}]"
            case "truncate":
                return f"truncate: {self.unit}"
            case "shift":
                return f"shift: {self.days}"
        return self.kind


@dataclass(frozen=True, slots=True)
class Rule:
    """What schemas/release.yml says, read and checked for its own consistency."""

    k: int
    """Records that must share each combination of quasi-identifiers, and stand in each cell of a centre's table."""
    at_least: int
    """Records that a centre's table must have for its results to go out."""
    treat: Mapping[str, Treatment] = field(default_factory=dict)
    """By path of the question. A quasi-identifier that is not here is left out."""
    suppress: tuple[str, ...] = ()
    """Questions in the order in which their answers are withheld, where one of them has to be."""


def read_rule(path: Path) -> Rule | None:
    """Read release.yml.

    Returns
    -------
    Rule or None
        None where there is no such file: nothing can be released then.

    Raises
    ------
    ReleaseError
        The file is not YAML, a key is unknown or missing, or a value has the wrong shape.
    """
    if not path.exists():
        return None
    return _Reader(path).rule(read_yaml(path, _wrong))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes what YAML gave apart, and says of each value that does not fit where it stands."""

    path: Path

    def rule(self, value: Any) -> Rule:
        data = self.mapping("it", value, TOP_KEYS)
        if "k" not in data:
            raise self.wrong("'k' is missing")
        k = self.whole("'k'", data["k"], LEAST_K)
        results = self.mapping("'results'", data.get("results") or {}, ("at_least",))
        treat = data.get("treat") or {}
        if not isinstance(treat, dict) or not all(isinstance(name, str) for name in treat):
            raise self.wrong("'treat' must be a mapping of questions to treatments")
        suppress = data.get("suppress") or []
        if not isinstance(suppress, list) or not all(isinstance(name, str) for name in suppress):
            raise self.wrong("'suppress' must be a list of questions")
        if len(set(suppress)) != len(suppress):
            raise self.wrong("a question stands twice under 'suppress'")
        return Rule(
            k=k,
            at_least=self.whole("'at_least' of 'results'", results.get("at_least", 2 * k), k),
            treat={name: self.treatment(name, given) for name, given in treat.items()},
            suppress=tuple(suppress),
        )

    def treatment(self, name: str, value: Any) -> Treatment:
        plain = (KEPT, DROPPED, PSEUDONYM, CATEGORY)
        if isinstance(value, str) and value in plain:
            return Treatment(value)
        if isinstance(value, dict) and len(value) == 1:
            ((kind, given),) = value.items()
            if kind == BAND:
                return Treatment(BAND, points=self.points(name, given))
            if kind == TRUNCATE and given in UNITS:
                return Treatment(TRUNCATE, unit=given)
            if kind == TRUNCATE:
                raise self.wrong(f"{name}: dates are truncated to {', '.join(UNITS)}")
            if kind == SHIFT:
                return Treatment(SHIFT, days=self.whole(f"'shift' of {name}", given, LEAST_DAYS, MOST_DAYS))
        raise self.wrong(
            f"{name}: the treatment must be one of {', '.join(plain)}, or {{band: [20, 35]}}, {{truncate: month}},"
            " {shift: 60}"
        )

    def points(self, name: str, value: Any) -> tuple[float, ...]:
        numbers = [
            float(point)
            for point in (value if isinstance(value, list) else [])
            if isinstance(point, int | float) and not isinstance(point, bool) and isfinite(point)
        ]
        if not numbers or len(numbers) != len(value) or sorted(set(numbers)) != numbers:
            raise self.wrong(f"{name}: 'band' must be a list of numbers, lowest first, such as [20, 25, 35]")
        return tuple(numbers)

    def whole(self, what: str, value: Any, least: int, most: int | None = None) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(f"{what} must be a whole number, {least} or more")
        if most is not None and value > most:
            raise self.wrong(f"{what} must be {most} at most")
        return value

    def mapping(self, what: str, value: Any, known: Collection[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(f"{what} must be a mapping of keys to values")
        if unknown := sorted(set(map(str, value)) - set(known)):
            of = "" if what == "it" else f"{what}: "
            raise self.wrong(f"{of}unknown key {unknown[0]!r}; known are {', '.join(known)}")
        return value

    def wrong(self, what: str) -> ReleaseError:
        return _wrong(self.path, what)


def _wrong(path: Path, what: str) -> ReleaseError:
    return ReleaseError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")
