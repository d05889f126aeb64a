"""OData's ``$filter``, as far as Central reads it; the rest is refused as it does."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.central.problems import FaultOfOursError, Problem

Value = Any
Test = Callable[[Any], bool | None]
"""Of a row; None is SQL's unknown."""
TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?(?![\w:.]))"
    r"|(?P<text>'(?:[\w ~!$&=@:;,.()*+-]|'')*')|(?P<number>-?\d+(?:\.\d+)?)(?![\w:.-])"
    r"|(?P<name>\$?[A-Za-z_][\w/]*))"
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


class Filter:
    """A filter that has been read.

    Parameters
    ----------
    text
        What the client wrote.
    columns
        What may be named, and how a row is asked for it.
    """

    def __init__(self, text: str, columns: Mapping[str, Callable[[Any], Value]]) -> None:
        self._text = text
        self._columns = columns
        self._at = 0
        self.names: set[str] = set()
        self._test = self._either()
        if self._text[self._at :].strip():
            raise self._unreadable()

    def __call__(self, row: Any) -> bool:
        return self._test(row) is True

    def _peek(self) -> tuple[str, str] | None:
        match = TOKEN.match(self._text, self._at)
        return (str(match.lastgroup), match[0].strip()) if match else None

    def _next(self) -> tuple[str, str]:
        match = TOKEN.match(self._text, self._at)
        if match is None:
            raise self._unreadable()
        self._at = match.end()
        return str(match.lastgroup), match[0].strip()

    def _takes(self, word: str) -> bool:
        if self._peek() != ("name", word):
            return False
        self._next()
        return True

    def _unreadable(self) -> Problem:
        reason = f"Unexpected character at {self._at}"
        said = f"The OData filter expression you provided could not be parsed: {reason}"
        return Problem(400.18, said, {"reason": reason})

    def _either(self) -> Test:
        left = self._both()
        while self._takes("or"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Test:
        left = self._one()
        while self._takes("and"):
            left = _and(left, self._one())
        return left

    def _one(self) -> Test:
        if self._takes("not"):
            inner = self._one()
            return lambda row: None if (said := inner(row)) is None else not said
        if (token := self._peek()) and token[0] == "open":
            self._next()
            inner = self._either()
            if self._next()[0] != "close":
                raise self._unreadable()
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        began = self._at
        left, left_kind = self._operand()
        token = self._peek()
        if token is None and not self._text[self._at :].strip():
            raise self._unsupported("CommonExpression", began)
        kind, word = self._next()
        if kind != "name" or word not in (*COMPARISONS, "eq", "ne"):
            raise self._unreadable()
        right, right_kind = self._operand()
        if {left_kind, right_kind} == {"moment", "text"}:
            raise FaultOfOursError  # the database refuses it, and nobody catches that
        if word in ("eq", "ne"):
            wanted = word == "eq"
            return lambda row: (_same(left(row), right(row))) is wanted
        compare = COMPARISONS[word]

        def test(row: Any) -> bool | None:
            a, b = left(row), right(row)
            if a is None or b is None:
                return None
            return compare(a, b)

        return test

    def _operand(self) -> tuple[Callable[[Any], Value], str]:
        """Read a name or a value; give how a row is asked for it, and its kind."""
        began = self._at + len(self._text[self._at :]) - len(self._text[self._at :].lstrip())
        kind, word = self._next()
        if kind == "moment":
            try:
                moment = datetime.fromisoformat(word)
            except ValueError:
                raise self._unreadable() from None
            known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return (lambda _row: known), kind
        if kind == "text":
            return (lambda _row: word[1:-1]), kind
        if kind == "number":
            number = int(word) if word.lstrip("-").isdecimal() else float(word)
            return (lambda _row: number), kind
        if kind != "name":
            raise self._unreadable()
        if word == "null":
            return (lambda _row: None), kind
        if self._text[self._at :].startswith("("):
            if word == "now":
                raise FaultOfOursError
            self._at = (self._text.find(")", self._at) + 1) or len(self._text)
            raise self._unsupported("MethodCallExpression", began)
        if word not in self._columns:
            said = (
                f"The given OData filter expression references fields not supported by this server: {word} at {began}"
            )
            raise Problem(501.5, said, {"at": began, "text": word})
        self.names.add(word)
        return self._columns[word], "moment" if word.endswith(("Date", "At")) else kind

    def _unsupported(self, kind: str, at: int) -> Problem:
        text = self._text[at : self._at].strip()
        said = (
            f'The given OData filter expression uses features not supported by this server: {kind} at {at} ("{text}")'
        )
        return Problem(501.4, said, {"at": at, "type": kind, "text": text})


def _same(a: Value, b: Value) -> bool:
    return bool(a == b)


def _or(left: Test, right: Test) -> Test:
    def test(row: Any) -> bool | None:
        a, b = left(row), right(row)
        return True if a or b else None if a is None or b is None else False

    return test


def _and(left: Test, right: Test) -> Test:
    def test(row: Any) -> bool | None:
        a, b = left(row), right(row)
        return False if a is False or b is False else None if a is None or b is None else True

    return test
