"""What a kind of declared check is: its parameters, and how it becomes an expression or a select."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from laktasi.questionnaire.model import Questionnaire, Texts
from laktasi.questionnaire.predicates import NAME

if TYPE_CHECKING:
    from laktasi.quality.scene import Scene

Severity = Literal["error", "warning"]
Level = Literal["row", "set", "group"]


@dataclass(frozen=True, slots=True)
class DeclaredCheck:
    """One check of checks.yml; :func:`laktasi.quality.declared.make_check` makes it from what stands there."""

    id: str
    """Lower-case letters, digits and ``_``; findings are known by it, so it must never be used again for another."""
    kind: str
    """Name of its kind, a key of :data:`laktasi.quality.kinds.KINDS`."""
    severity: Severity
    """Where gates.yml says nothing else, an open error keeps the record out of the accepted population."""
    messages: Texts
    """What a person should know or do, by language; never an answer."""
    form: str | None = None
    """The form it is about; None means every form that asks these questions."""
    where: str | None = None
    """XPath with ``${question}``; only records for which it is true take part."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What its kind needs to know, every parameter of the kind by name, as its reader gives it."""
    names: tuple[str, ...] = ()
    """The questions of its own form that it needs, each once, in the order in which they are named."""
    is_adverse_event: bool = False
    """A record that does not pass tells of harm, or of danger: people are told at once, see docs/notifications.md."""

    @property
    def expression(self) -> str:
        """What it asks, in one line, for people who look at the rule."""
        if self.kind == "row":
            told = str(self.parameters["expression"])
        else:
            told = f"{self.kind}({', '.join(_told(*item) for item in self.parameters.items() if item[1] is not None)})"
        return f"{told} where {self.where}" if self.where else told


def _told(name: str, value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{name}: {' '.join(map(str, value))}"
    if isinstance(value, Mapping):
        return f"{name}: {' '.join(f'{key}={item}' for key, item in value.items())}"
    return f"{name}: {value}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One key of a check that only some kinds have."""

    name: str
    read: Callable[[Any], Any]
    """Gives the value from what YAML gave; raises ValueError("must be …") for what it cannot be. Readers are below."""
    required: bool = False
    default: Any = None
    """As `read` gives it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of check. It has one of `expression`, `key`, `verdicts` and `measure`, which goes with its level."""

    name: str
    level: Level
    parameters: tuple[Parameter, ...]
    names: Callable[[DeclaredCheck], Sequence[str]]
    """The questions that it needs beside those in `where`. A check that names none must name its form."""
    expression: Callable[[DeclaredCheck, Questionnaire], str] | None = None
    """Row level: XPath with ``${question}`` that is true of a good row (`where` aside)."""
    key: Callable[[DeclaredCheck], Sequence[str]] | None = None
    """Set level: the questions whose answers, taken together, must stand in one row only."""
    verdicts: Callable[[DeclaredCheck, Scene], str] | None = None
    """Set level: SELECT ``_submission_id, _row, is_good`` (BOOLEAN, never NULL) of the rows that take part."""
    measure: Callable[[DeclaredCheck, Scene], str] | None = None
    """Group level: SELECT ``_row`` (as in ``centre:c1``, each once), ``value`` DOUBLE (NULL: too few to compare) and
    ``n`` BIGINT (rows behind it)."""
    limits: Callable[[DeclaredCheck], tuple[float | None, float | None]] | None = None
    """Group level: what `value` must lie between, both inclusive."""
    verify: Callable[[DeclaredCheck], None] | None = None
    """Raises ValueError("…") where the parameters do not go together."""


# Readers of parameters: each gives the value that the code uses, or raises ValueError("must be …").


def text(value: Any) -> str:
    """Read a text that is not empty: the name of a question or a column, an expression."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text")
    return value.strip()


def texts(value: Any) -> tuple[str, ...]:
    """Read a list of one or more texts, each once."""
    if not (isinstance(value, list) and value and all(isinstance(item, str) and item.strip() for item in value)):
        raise ValueError("must be a list of one or more names, such as [one, another]")
    if len(set(value)) != len(value):
        raise ValueError("must name each once")
    return tuple(item.strip() for item in value)


def number(*, low: float | None = None, high: float | None = None) -> Callable[[Any], float]:
    """Give a reader of numbers between `low` and `high`, both inclusive."""

    def read(value: Any) -> float:
        told = _between(low, high)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"must be a number{told}")
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"must be a number{told}")
        return value

    return read


def whole(*, low: int | None = None, high: int | None = None) -> Callable[[Any], int]:
    """Give a reader of whole numbers between `low` and `high`, both inclusive."""

    def read(value: Any) -> int:
        told = _between(low, high)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be a whole number{told}")
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"must be a whole number{told}")
        return value

    return read


def truth(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def one_of(*known: str) -> Callable[[Any], str]:
    """Give a reader of one of these words."""

    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return str(value)

    return read


def csv_file(value: Any) -> str:
    """Read the name of a CSV file beside checks.yml."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w.-]+\.csv", value):
        raise ValueError("must be the name of a CSV file in schemas/, such as master_list.csv")
    return value


def questions_in(expression: str) -> tuple[str, ...]:
    """Give the questions that an expression names, in order."""
    return tuple(NAME.findall(expression))


def _between(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" between {low:g} and {high:g}"
    return f" of at least {low:g}" if low is not None else f" of at most {high:g}" if high is not None else ""
