"""The XPath of an XForm as a small tree.

`elementpath` tokenises and parses; its evaluation is never used, since JavaRosa (the engine in ODK Collect) differs
from it. What is added here is what an XForm has and XPath 1.0 has not: functions of its own with any number of
arguments, prefixed ones (``jr:choice-name``), and paths that start at ``current()`` or ``instance('…')``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from elementpath.exceptions import ElementPathError
from elementpath.xpath1 import XPath1Parser

_LITERAL_OR_CALL = re.compile(r"""'[^']*'|"[^"]*"|([^\W\d][\w.\-]*)(:[^\W\d][\w.\-]*)?(?=\s*\()""")
_PREFIX_MARK = "\u00b7"  # a character that elementpath allows inside a name and XForms do not use
_OPERATORS = {"or", "and", "=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "|"}
_NODE_TESTS = {"node", "text", "comment", "processing-instruction"}


class XPathSyntaxError(Exception):
    """An expression that is not XPath; the message says why, in the parser's words."""


class NestedTooDeepError(XPathSyntaxError):
    """It is XPath, and nested more than :data:`DEEPEST` deep."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function call, with its prefix if it has one (``jr:choice-name``)."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A binary operator, spelled as in XPath."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Negation:
    """A number with its sign turned."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path; `name` is empty for ``.`` and ``..``, and ``*`` for a wildcard."""

    axis: Literal["child", "self", "parent", "attribute"]
    name: str = ""
    predicates: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """A path into the form (`absolute`, `relative`, from `current()`) or into a list (`instance('…')`)."""

    origin: Literal["absolute", "relative", "current", "instance"]
    steps: tuple[Step, ...]
    instance: str | None = None


Expression = Number | Text | Call | Operation | Negation | Path


def _make_parser() -> Any:
    # Built by calling the metaclass: elementpath is untyped here, and a class statement would subclass Any.
    return type(XPath1Parser)(
        "XFormParser",
        (XPath1Parser,),
        {
            "__module__": __name__,
            "PATH_STEP_LABELS": ("axis", "kind test", "function"),
            "parse_only": lambda self, source: super(XPath1Parser, self).parse(source),
        },
    )


DEEPEST = 100
"""How deep an expression may be nested, operators in a row too: all that read one call themselves at each level."""

_Parser = _make_parser()
_known_functions: set[str] = set()


@lru_cache(maxsize=4096)
def parse(expression: str) -> Expression:
    """Parse an expression.

    Raises
    ------
    XPathSyntaxError
        It is not XPath 1.0 as XForms use it, or nested more than :data:`DEEPEST` deep.
    """
    calls: set[str] = set()

    def mark(match: re.Match[str]) -> str:
        name, suffix = match.group(1), match.group(2)
        if name is None:
            return match.group(0)
        whole: str = name + (suffix.replace(":", _PREFIX_MARK) if suffix else "")
        calls.add(whole)
        return whole

    marked = _LITERAL_OR_CALL.sub(mark, expression)
    new = calls - _known_functions - _NODE_TESTS - {"and", "or", "div", "mod"}
    for name in new:
        _Parser.symbol_table.pop(name, None)  # XPath 1.0's own round() takes one argument, position() none
        _Parser.function(name, nargs=(0, None))
    if new or _Parser.tokenizer is None:
        _known_functions.update(new)
        _Parser.tokenizer = _Parser.create_tokenizer(_Parser.symbol_table)
    try:
        token = _Parser().parse_only(marked)
    except ElementPathError as error:
        raise XPathSyntaxError(str(error).replace(_PREFIX_MARK, ":")) from error
    except RecursionError:
        raise NestedTooDeepError("it is nested too deeply") from None
    _measure(token)
    return _expression(token)


def _measure(token: Any) -> None:
    """Refuse what is nested too deeply, in a loop: a fixed limit gives the same rules wherever it is compiled."""
    level = [_unwrapped(token)]
    for _ in range(DEEPEST):
        level = [_unwrapped(inner) for outer in level for inner in outer]
        if not level:
            return
    raise NestedTooDeepError("it is nested too deeply")


def _unwrapped(token: Any) -> Any:
    while token.symbol == "(" and len(token) == 1:
        token = token[0]
    return token


def _expression(token: Any) -> Expression:
    symbol = str(token.symbol)
    if symbol in ("(integer)", "(float)", "(decimal)"):
        return Number(float(token.value))
    if symbol == "(string)":
        return Text(str(token.value))
    if symbol == "(":
        return _expression(_unwrapped(token))
    if symbol == "-" and len(token) == 1:
        return Negation(_expression(token[0]))
    if symbol in _OPERATORS and len(token) == 2:
        return Operation(symbol, _expression(token[0]), _expression(token[1]))
    if token.label == "function":
        return _call(token)
    return _path(token)


def _call(token: Any) -> Expression:
    name = str(token.symbol).replace(_PREFIX_MARK, ":")
    if name == "current":
        return Path("current", ())
    return Call(name, tuple(_expression(item) for item in token))


def _path(token: Any) -> Path:
    symbol = str(token.symbol)
    if symbol == "/":
        if len(token) == 0:
            return Path("absolute", ())
        if len(token) == 1:
            return Path("absolute", (_step(token[0]),))
        left = token[0]
        if left.label == "function" and left.symbol == "instance":
            return Path("instance", (_step(token[1]),), _instance_name(left))
        if left.label == "function" and left.symbol == "current":
            return Path("current", (_step(token[1]),))
        before = _path(left)
        return Path(before.origin, (*before.steps, _step(token[1])), before.instance)
    if symbol == "[" and str(token[0].symbol) == "/":
        # a predicate that elementpath binds to the whole path belongs to its last step
        before = _path(token[0])
        last = before.steps[-1]
        step = Step(last.axis, last.name, (*last.predicates, _expression(token[1])))
        return Path(before.origin, (*before.steps[:-1], step), before.instance)
    return Path("relative", (_step(token),))


def _instance_name(token: Any) -> str:
    if len(token) != 1 or token[0].symbol != "(string)":
        raise XPathSyntaxError("instance() needs one name in quotes")
    return str(token[0].value)


def _step(token: Any) -> Step:
    symbol = str(token.symbol)
    if symbol == "(name)":
        return Step("child", str(token.value))
    if symbol == "*":
        return Step("child", "*")
    if symbol == ".":
        return Step("self")
    if symbol == "..":
        return Step("parent")
    if symbol == "@":
        return Step("attribute", str(token[0].value))
    if symbol == ":":
        return Step("child", str(token[1].value))
    if symbol == "[":
        inner = _step(token[0])
        return Step(inner.axis, inner.name, (*inner.predicates, _expression(token[1])))
    raise XPathSyntaxError(f"a path with {symbol!r} is not one that XForms use")


def walk(expression: Expression) -> Iterator[Expression]:
    """Give an expression and everything inside it, predicates too."""
    yield expression
    children: tuple[Expression, ...] = ()
    match expression:
        case Call(_, arguments):
            children = arguments
        case Operation(_, left, right):
            children = (left, right)
        case Negation(operand):
            children = (operand,)
        case Path(_, steps, _):
            children = tuple(item for step in steps for item in step.predicates)
    for child in children:
        yield from walk(child)


def resolve(path: Path, context: str, root: str) -> str | None:
    """Say which place of the form a path means, without its predicates.

    Parameters
    ----------
    path
        A path into the form (not into an instance).
    context
        Place (below the root, ``a/b``) of the node that the expression belongs to.
    root
        Name of the form's root node, the first step of absolute paths.

    Returns
    -------
    str or None
        The place below the root, ``""`` for the root itself; None where the path leaves the form or uses a wildcard
        or an attribute.
    """
    if path.origin == "instance":
        return None
    steps = list(path.steps)
    if path.origin == "absolute":
        if not steps or steps[0].name != root:
            return None
        place: list[str] = []
        steps = steps[1:]
    else:
        place = context.split("/") if context else []
    for step in steps:
        if step.axis == "parent":
            if not place:
                return None
            place.pop()
        elif step.axis == "child":
            if step.name == "*":
                return None
            place.append(step.name)
        elif step.axis == "attribute":
            return None
    return "/".join(place)


def references(expression: Expression, context: str, root: str) -> Iterator[str | None]:
    """Give every place of the form an expression reads, those inside predicates too; None for one that cannot be told.

    Parameters are those of :func:`resolve`.
    """
    match expression:
        case Path(origin, steps, _):
            if origin != "instance":
                yield resolve(expression, context, root)
            for position, step in enumerate(steps):
                place = None if origin == "instance" else resolve(Path(origin, steps[: position + 1]), context, root)
                for predicate in step.predicates:
                    for part in _rooted(predicate, place):
                        yield from references(part, context if place is None else place, root)
        case Call(_, arguments):
            for argument in arguments:
                yield from references(argument, context, root)
        case Operation(_, left, right):
            yield from references(left, context, root)
            yield from references(right, context, root)
        case Negation(operand):
            yield from references(operand, context, root)


def _rooted(predicate: Expression, place: str | None) -> Iterator[Expression]:
    # Inside a list's predicate a relative path means a column of the list, not a place in the form.
    if place is not None:
        yield predicate
        return
    for part in walk(predicate):
        if isinstance(part, Path) and part.origin in ("absolute", "current"):
            yield part
