"""schemas/back_checks.yml: which interviews are repeated, and how both sets of answers are compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from laktasi.errors import CheckError
from laktasi.yamlfile import read_yaml

TYPES = (1, 2, 3)
"""1: never changes, so a difference is the enumerator's fault; 2: may differ by skill; 3: by the instrument."""

STRATA = ("enumerator", "centre")
"""What the sample can be spread over."""

_TOP = ("original", "back_check", "variables", "alarms", "sample")
_ORIGINAL = ("form", "match", "where")
_BACK_CHECK = ("form", "match", "where", "checker")
_VARIABLE = ("original", "back_check", "type", "ok_range", "not_counted", "empty_differs")
_SAMPLE = ("share", "at_least", "seed", "strata", "flags_first", "contacts")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PERCENT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*%\s*")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two forms: its records that take part, and the questions that name the interview."""

    form_id: str
    match: tuple[str, ...]
    """Questions whose answers together name an interview: the study code, the round."""
    where: str | None = None
    """XPath with ``${question}``; only records for which it is true take part."""


@dataclass(frozen=True, slots=True)
class Range:
    """How far the back check may lie from the original answer before the difference is an error."""

    low: float
    """At most this far below; 0 or less."""
    high: float
    """At most this far above; 0 or more."""
    is_percent: bool = False
    """Both are percent of the original answer."""

    def __str__(self) -> str:
        mark = "%" if self.is_percent else ""
        if self.low == -self.high:
            return f"±{self.high:g}{mark}"
        return f"{self.low:+g}{mark} to {self.high:+g}{mark}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class Variable:
    """A question that is asked twice."""

    name: str
    original: str
    """The question of the original form."""
    back_check: str
    """The question of the back check."""
    type: int
    """One of `TYPES`."""
    ok_range: Range | None = None
    not_counted: tuple[str, ...] = ()
    """Answers with which, on either side, there is nothing to compare."""
    empty_differs: bool = False
    """An answer on one side only is a difference; else it is not compared."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Which interviews are drawn to be repeated."""

    share: float
    """Of the interviews of each stratum."""
    seed: str
    at_least: int = 0
    """Interviews of each stratum, where there are so many."""
    strata: tuple[str, ...] = ("enumerator",)
    flags_first: bool = False
    """Interviews with open findings are drawn before the others."""
    contacts: tuple[str, ...] = ()
    """Questions of the original form that help to find the respondent again; never in a list unless asked for."""


@dataclass(frozen=True, slots=True)
class BackChecks:
    """What schemas/back_checks.yml says, read and checked for its own consistency."""

    original: Side
    back_check: Side
    checker: str
    """The question of the back check that says who did it."""
    variables: Mapping[str, Variable]
    alarms: Mapping[int, float]
    """By type: the error rate above which somebody should look."""
    sample: Sample


def read_back_checks(path: Path) -> BackChecks | None:
    """Read back_checks.yml.

    Returns
    -------
    BackChecks or None
        None where there is no such file: the project then has no back checks.

    Raises
    ------
    CheckError
        The file is not YAML, a key is unknown or missing, or a value has the wrong shape. A variable that is not
        understood must not look like one that never differs.
    """
    if not path.exists():
        return None
    return _Reader(path).back_checks(read_yaml(path, _wrong))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes what YAML gave apart, and says of each value that does not fit where it stands."""

    path: Path

    def back_checks(self, value: Any) -> BackChecks:
        data = self.mapping("it", value, _TOP, needed=("original", "back_check", "variables", "sample"))
        original = self.mapping("'original'", data["original"], _ORIGINAL, needed=("form", "match"))
        again = self.mapping("'back_check'", data["back_check"], _BACK_CHECK, needed=("form", "match", "checker"))
        sides = [self.side(name, side) for name, side in (("original", original), ("back_check", again))]
        if len(sides[0].match) != len(sides[1].match):
            raise self.wrong("'match' names as many questions of the back check as of the original, in the same order")
        if sides[0].form_id == sides[1].form_id:
            raise self.wrong("the original and the back check are two forms; both are called " + repr(sides[0].form_id))
        return BackChecks(
            original=sides[0],
            back_check=sides[1],
            checker=self.text("'checker' of 'back_check'", again["checker"]),
            variables=self.variables(data["variables"]),
            alarms=self.alarms(data.get("alarms")),
            sample=self.sample(data["sample"]),
        )

    def side(self, name: str, given: Mapping[str, Any]) -> Side:
        where = self.text(f"'where' of {name!r}", given["where"]) if given.get("where") is not None else None
        match = self.names(f"'match' of {name!r}", given["match"])
        if not match:
            raise self.wrong(f"'match' of {name!r} must name at least one question")
        return Side(self.text(f"'form' of {name!r}", given["form"]), match, where)

    def variables(self, value: Any) -> dict[str, Variable]:
        if not isinstance(value, dict) or not value:
            raise self.wrong("'variables' must be a mapping of names to what is compared")
        variables = {}
        for name, given in value.items():
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise self.wrong(f"variable {name!r}: a name is of lower-case letters, digits and _")
            what = f"variable {name!r}"
            entry = self.mapping(what, given, _VARIABLE, needed=("original", "back_check", "type"))
            if isinstance(entry["type"], bool) or entry["type"] not in TYPES:
                raise self.wrong(f"{what}: unknown type {entry['type']!r}; known are 1, 2 and 3")
            is_differing = entry.get("empty_differs", False)
            if not isinstance(is_differing, bool):
                raise self.wrong(f"{what}: 'empty_differs' must be true or false")
            variables[name] = Variable(
                name=name,
                original=self.text(f"'original' of {what}", entry["original"]),
                back_check=self.text(f"'back_check' of {what}", entry["back_check"]),
                type=entry["type"],
                ok_range=self.range(what, entry["ok_range"]) if entry.get("ok_range") is not None else None,
                not_counted=self.names(f"'not_counted' of {what}", entry.get("not_counted") or []),
                empty_differs=is_differing,
            )
        return variables

    def range(self, what: str, value: Any) -> Range:
        """Read ``1``, ``5%``, ``[-1, 2]`` or ``[-5%, 10%]``."""
        limits = value if isinstance(value, list) else [value]
        read = [self.limit(limit) for limit in limits]
        if len(read) in (1, 2) and None not in read:
            numbers = [number for number, _ in filter(None, read)]
            units = {is_percent for _, is_percent in filter(None, read)}
            low, high = (-numbers[0], numbers[0]) if len(numbers) == 1 else numbers
            if low <= 0 <= high and low != high and len(units) == 1:
                return Range(low, high, units.pop())
        raise self.wrong(
            f"'ok_range' of {what} must be a number above 0 (1), a share of the answer (5%), or how far below and above"
            " ([-1, 2] or [-5%, 10%])"
        )

    def limit(self, value: Any) -> tuple[float, bool] | None:
        if isinstance(value, str) and (found := _PERCENT.fullmatch(value)):
            return float(found[1]), True
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return float(value), False
        return None

    def alarms(self, value: Any) -> dict[int, float]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong("'alarms' must be a mapping of types to rates, such as {1: 0.1}")
        for kind, rate in value.items():
            if isinstance(kind, bool) or kind not in TYPES:
                raise self.wrong(f"'alarms': unknown type {kind!r}; known are 1, 2 and 3")
            if not self.is_share(rate):
                raise self.wrong(f"'alarms': the rate of type {kind} must be a number between 0 and 1")
        return {kind: float(rate) for kind, rate in value.items()}

    def sample(self, value: Any) -> Sample:
        given = self.mapping("'sample'", value, _SAMPLE, needed=("share", "seed"))
        if not self.is_share(given["share"]):
            raise self.wrong("'share' of 'sample' must be a number between 0 and 1")
        seed = given["seed"]
        if isinstance(seed, bool) or not isinstance(seed, int | str) or seed == "":
            raise self.wrong("'seed' of 'sample' must be a number or text")
        at_least = given.get("at_least", 0)
        if isinstance(at_least, bool) or not isinstance(at_least, int) or at_least < 0:
            raise self.wrong("'at_least' of 'sample' must be a whole number, 0 or more")
        strata = self.names("'strata' of 'sample'", given.get("strata", ["enumerator"]))
        if unknown := [name for name in strata if name not in STRATA]:
            raise self.wrong(f"'strata' of 'sample': unknown {unknown[0]!r}; known are {', '.join(STRATA)}")
        flags_first = given.get("flags_first", False)
        if not isinstance(flags_first, bool):
            raise self.wrong("'flags_first' of 'sample' must be true or false")
        contacts = self.names("'contacts' of 'sample'", given.get("contacts") or [])
        return Sample(float(given["share"]), str(seed), at_least, strata, flags_first, contacts)

    @staticmethod
    def is_share(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1

    def mapping(self, what: str, value: Any, known: Collection[str], *, needed: Collection[str]) -> dict[str, Any]:
        of = "" if what == "it" else f"{what}: "
        if not isinstance(value, dict):
            raise self.wrong(f"{what} must be a mapping of keys to values")
        if unknown := sorted(set(map(str, value)) - set(known)):
            raise self.wrong(f"{of}unknown key {unknown[0]!r}; known are {', '.join(known)}")
        if missing := [key for key in needed if value.get(key) is None]:
            raise self.wrong(f"{of}{missing[0]!r} is missing")
        return value

    def names(self, what: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self.wrong(f"{what} must be a list, such as [one, another]")
        names = tuple(self.text(f"an entry of {what}", item) for item in value)
        if len(set(names)) != len(names):
            raise self.wrong(f"an entry of {what} stands there twice")
        return names

    def text(self, what: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{what} must be text: write numbers, 'yes' and 'no' in quotes")
        return value.strip()

    def wrong(self, what: str) -> CheckError:
        return _wrong(self.path, what)


def _wrong(path: Path, what: str) -> CheckError:
    return CheckError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")
