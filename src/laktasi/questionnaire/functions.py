"""The functions of XForms, each with JavaRosa's meaning."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import cache

from laktasi.questionnaire import values, xpath
from laktasi.questionnaire.arithmetic import extreme, guarded, logarithm, of_two, rounded, whole
from laktasi.questionnaire.dates import (
    as_date,
    decimal_date_time,
    decimal_time,
    format_date_time,
)
from laktasi.questionnaire.expressions import Compiler
from laktasi.questionnaire.lookups import choice_name, pulldata
from laktasi.questionnaire.scope import Nodes
from laktasi.questionnaire.values import Kind, Leaf, Unsupported, Value, text_literal

Arguments = tuple[xpath.Expression, ...]

_GONE = {
    "once": "once() keeps the first value, and what it was made of is gone",
    "random": "random() cannot be repeated",
    "uuid": "uuid() cannot be repeated",
    "property": "property() is a setting of the phone",
    "randomize": "the order that randomize() made is not kept",
    "base64-decode": "base64-decode() is not compiled",
    "extract-signed": "extract-signed() is not compiled",
    "area": "areas and distances on the map are not compiled",
    "enclosed-area": "areas and distances on the map are not compiled",
    "distance": "areas and distances on the map are not compiled",
    "geofence": "areas and distances on the map are not compiled",
}


def call(compiler: Compiler, name: str, arguments: Arguments) -> Value:
    """Compile a function call.

    Raises
    ------
    Unsupported
        The function is unknown, cannot be verified afterwards, or has arguments that the phone's engine refuses.
    """
    if name in _GONE:
        raise Unsupported(_GONE[name])
    if name not in _FUNCTIONS:
        raise Unsupported(f"the function {name}() is unknown")
    least, most, function = _FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        raise Unsupported(f"{name}() has {len(arguments)} arguments")
    return function(compiler, arguments)


def _if(compiler: Compiler, arguments: Arguments) -> Value:
    condition = compiler.condition(arguments[0])
    return values.choose(condition, compiler.value(arguments[1]), compiler.value(arguments[2]))


def _coalesce(compiler: Compiler, arguments: Arguments) -> Value:
    first, second = compiler.value(arguments[0]), compiler.value(arguments[1])
    if isinstance(first, Leaf) and first.kind is Kind.NUMBER:
        empty = values.is_empty(first)
        first = values.number(first.sql, integral=first.integral)
        if isinstance(second, Leaf) and second.kind is Kind.NUMBER:
            sql = f"coalesce({first.sql}, {second.sql})"
            integral = first.integral and second.integral
            return Leaf(Kind.NUMBER, sql, may_be_empty=second.may_be_empty, integral=integral)
        return values.choose(f"NOT {empty}", first, second)
    return values.choose(f"NOT {values.is_empty(first)}", first, second)


def _selected(compiler: Compiler, arguments: Arguments) -> Value:
    chosen = values.only_text(compiler.value(arguments[0]))
    wanted = compiler.value(arguments[1])
    if isinstance(wanted, Leaf) and isinstance(wanted.literal, str):
        token = text_literal(f" {wanted.literal.strip()} ")
    else:
        token = f"(' ' || trim({values.only_text(wanted)}, {values.SPACES}) || ' ')"
    return values.truth(f"contains(' ' || {chosen} || ' ', {token})")


def tokens(sql: str) -> str:
    """Split a multiple choice into its tokens."""
    return f"list_filter(string_split({sql}, ' '), lambda token: token <> '')"


def _count_selected(compiler: Compiler, arguments: Arguments) -> Value:
    chosen = values.only_text(compiler.value(arguments[0]))
    return values.number(f"len({tokens(chosen)})::DOUBLE", integral=True)


def _selected_at(compiler: Compiler, arguments: Arguments) -> Value:
    chosen = values.only_text(compiler.value(arguments[0]))
    index = f"CAST(trunc(coalesce({compiler.number(arguments[1])}, 0)) AS BIGINT)"
    return values.text(f"(CASE WHEN {index} >= 0 THEN coalesce({tokens(chosen)}[{index} + 1], '') ELSE '' END)")


def _nodes(compiler: Compiler, argument: xpath.Expression) -> Nodes:
    if not isinstance(argument, xpath.Path):
        raise Unsupported("the phone's engine takes only a path here")
    return compiler.nodes(argument)


def _count(compiler: Compiler, arguments: Arguments) -> Value:
    nodes = _nodes(compiler, arguments[0])
    if nodes.single:
        return values.number(f"(CASE WHEN {nodes.relevant} THEN 1.0::DOUBLE ELSE 0.0::DOUBLE END)", integral=True)
    return values.number(f"coalesce({nodes.aggregate('count(*)')}, 0)::DOUBLE", integral=True)


def _count_non_empty(compiler: Compiler, arguments: Arguments) -> Value:
    nodes = _nodes(compiler, arguments[0])
    filled = f"(NOT {values.is_empty(nodes.value())})"
    if nodes.single:
        return values.number(f"(CASE WHEN {filled} THEN 1.0::DOUBLE ELSE 0.0::DOUBLE END)", integral=True)
    return values.number(f"coalesce({nodes.aggregate(f'count_if({filled})')}, 0)::DOUBLE", integral=True)


def _sum(compiler: Compiler, arguments: Arguments) -> Value:
    nodes = _nodes(compiler, arguments[0])
    sql = values.as_number(nodes.value())
    return values.number(f"coalesce({sql if nodes.single else nodes.aggregate(f'sum({sql})')}, 0.0::DOUBLE)")


def _join(compiler: Compiler, separator: str, arguments: Arguments) -> Value:
    if len(arguments) == 1 and isinstance(arguments[0], xpath.Path):
        nodes = compiler.nodes(arguments[0])
        sql = values.as_text(nodes.value())
        if nodes.single:
            return values.text(sql)
        return values.text(f"coalesce({nodes.aggregate(f'string_agg({sql}, {separator} ORDER BY {nodes.order})')}, '')")
    if not arguments:
        return values.EMPTY
    return values.text(f"({f' || {separator} || '.join(compiler.text(item) for item in arguments)})")


def _concat(compiler: Compiler, arguments: Arguments) -> Value:
    return _join(compiler, "''", arguments)


def _join_with(compiler: Compiler, arguments: Arguments) -> Value:
    return _join(compiler, compiler.text(arguments[0]), arguments[1:])


def _index(compiler: Compiler, argument: xpath.Expression) -> tuple[str, int | None]:
    if isinstance(argument, xpath.Number):
        return str(int(argument.value)), int(argument.value)
    sql = compiler.number(argument)
    return f"CAST(trunc(least(greatest(coalesce({sql}, 0), -1e9), 1e9)) AS INTEGER)", None


def _substr(compiler: Compiler, arguments: Arguments) -> Value:
    whole = compiler.text(arguments[0])
    start, fixed_start = _index(compiler, arguments[1])
    if len(arguments) == 2 and fixed_start is not None:
        return values.text(f"substring({whole}, {fixed_start + 1})")
    end, fixed_end = _index(compiler, arguments[2]) if len(arguments) == 3 else (None, None)
    if fixed_start is not None and fixed_end is not None:
        return values.text(f"substring({whole}, {fixed_start + 1}, {max(fixed_end - fixed_start, 0)})")

    def part(it: str) -> str:
        first = _clamped(start, it)
        last = _clamped(end, it) if end is not None else f"length({it})"
        return f"substring({it}, {first} + 1, greatest({last} - {first}, 0))"

    return values.text(values.let(whole, part))


def _clamped(index: str, whole: str) -> str:
    # A negative index counts from the end.
    length = f"length({whole})"
    return f"least(greatest((CASE WHEN {index} < 0 THEN {length} + {index} ELSE {index} END), 0), {length})"


def _before(compiler: Compiler, arguments: Arguments) -> Value:
    whole, part = map(compiler.text, arguments)

    def before(it: str) -> str:
        return f"(CASE WHEN instr({it}, {part}) > 1 THEN substring({it}, 1, instr({it}, {part}) - 1) ELSE '' END)"

    return values.text(values.let(whole, before))


def _after(compiler: Compiler, arguments: Arguments) -> Value:
    whole, part = map(compiler.text, arguments)

    def after(it: str) -> str:
        rest = f"substring({it}, instr({it}, {part}) + length({part}))"
        return f"(CASE WHEN {part} = '' THEN {it} WHEN instr({it}, {part}) > 0 THEN {rest} ELSE '' END)"

    return values.text(values.let(whole, after))


def _of_texts(sql: str, *, condition: bool) -> Callable[[Compiler, Arguments], Value]:
    def function(compiler: Compiler, arguments: Arguments) -> Value:
        body = sql.format(*map(compiler.text, arguments))
        return values.truth(body) if condition else values.text(body)

    return function


def _string_length(compiler: Compiler, arguments: Arguments) -> Value:
    whole = compiler.text(arguments[0] if arguments else xpath.Path("relative", (xpath.Step("self"),)))

    # Java counts a character beyond the basic plane, such as an emoji, as two.
    def length(it: str) -> str:
        return rf"(length({it}) + length(regexp_replace({it}, '[^\x{{10000}}-\x{{10FFFF}}]', '', 'g')))::DOUBLE"

    return values.number(values.let(whole, length), integral=True)


def _normalize_space(compiler: Compiler, arguments: Arguments) -> Value:
    whole = compiler.text(arguments[0] if arguments else xpath.Path("relative", (xpath.Step("self"),)))
    return values.text(rf"regexp_replace(trim({whole}, {values.SPACES}), '[ \t\n\x0B\f\r]+', ' ', 'g')")


# Java joins the classes of [a[b]]; RE2 reads the inner bracket as itself, and [[:alpha:]] as POSIX does.
_CLASS_IN_CLASS = re.compile(r"(?<!\\)\[[^\]]*(?<!\\)\[")


def _regex(compiler: Compiler, arguments: Arguments) -> Value:
    pattern = compiler.value(arguments[1])
    if not isinstance(pattern, Leaf) or not isinstance(pattern.literal, str):
        raise Unsupported("a regular expression that is not fixed")
    if "&&" in pattern.literal or _CLASS_IN_CLASS.search(pattern.literal) or not accepts_pattern(pattern.literal):
        raise Unsupported("the regular expression uses what only Java's engine has, such as a look-ahead")
    return values.truth(f"regexp_full_match({compiler.text(arguments[0])}, {pattern.sql})")


@cache
def accepts_pattern(pattern: str) -> bool:
    """Tell whether DuckDB's engine (RE2) can read a regular expression."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern])
        except duckdb.Error:
            return False
    return True


def _digest(compiler: Compiler, arguments: Arguments) -> Value:
    kinds = [item.value if isinstance(item, xpath.Text) else "" for item in arguments[1:]]
    function = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}.get(kinds[0])
    encoding = kinds[1] if len(kinds) > 1 else "base64"
    if function is None or encoding not in ("hex", "base64"):
        raise Unsupported("a digest() other than MD5, SHA-1 and SHA-256 in hex or base64")
    sql = f"{function}({compiler.text(arguments[0])})"
    return values.text(sql if encoding == "hex" else f"to_base64(from_hex({sql}))")


def _true_factors(compiler: Compiler, factors: Sequence[xpath.Expression]) -> str:
    return " + ".join(f"CAST({compiler.condition(item)} AS INTEGER)" for item in factors) or "0"


def _checklist(compiler: Compiler, arguments: Arguments) -> Value:
    factors = arguments[2:]
    if len(factors) == 1 and isinstance(factors[0], xpath.Path):
        nodes = compiler.nodes(factors[0])
        condition = values.as_truth(nodes.value())
        total = f"CAST({condition} AS INTEGER)" if nodes.single else nodes.aggregate(f"count_if({condition})")
    else:
        total = f"({_true_factors(compiler, factors)})"
    least, most = (_index(compiler, item)[0] for item in arguments[:2])
    return values.truth(f"(({least} < 0 OR {total} >= {least}) AND ({most} < 0 OR {total} <= {most}))")


def _weighted_checklist(compiler: Compiler, arguments: Arguments) -> Value:
    if len(arguments) % 2:
        raise Unsupported("weighted-checklist() needs a weight for each factor")
    pairs = list(zip(arguments[2::2], arguments[3::2], strict=True))
    if any(isinstance(item, xpath.Path) and not compiler.nodes(item).single for pair in pairs for item in pair):
        raise Unsupported("weighted-checklist() over a repeat is not compiled")
    total = " + ".join(
        f"(CASE WHEN {compiler.condition(flag)} THEN {compiler.number(weight)} ELSE 0.0::DOUBLE END)"
        for flag, weight in pairs
    )
    least, most = map(compiler.number, arguments[:2])
    return values.truth(f"coalesce(({total}) >= {least} AND ({total}) <= {most}, FALSE)")


def _position(compiler: Compiler, arguments: Arguments) -> Value:
    node = arguments[0] if arguments else xpath.Path("relative", (xpath.Step("self"),))
    if not isinstance(node, xpath.Path):
        raise Unsupported("the phone's engine takes only a path here")
    return compiler.position(node)


def _indexed_repeat(compiler: Compiler, arguments: Arguments) -> Value:
    if len(arguments) % 2 == 0 or not all(isinstance(item, xpath.Path) for item in (arguments[0], *arguments[1::2])):
        raise Unsupported("indexed-repeat() needs a question, and a repeat and a number for each step")
    return compiler.indexed(arguments[0], list(zip(arguments[1::2], arguments[2::2], strict=True)))


def _today(compiler: Compiler, _: Arguments) -> Value:
    return values.date(compiler.form.clock("day", compiler.scope.alias_of, compiler.frame))


def _now(compiler: Compiler, _: Arguments) -> Value:
    return values.date(compiler.form.clock("moment", compiler.scope.alias_of, compiler.frame))


def _boolean_from_string(compiler: Compiler, arguments: Arguments) -> Value:
    sql = compiler.text(arguments[0])
    return values.truth(f"(lower({sql}) = 'true' OR {sql} = '1')")


_MANY = 1000
_FUNCTIONS: dict[str, tuple[int, int, Callable[[Compiler, Arguments], Value]]] = {
    "if": (3, 3, _if),
    "coalesce": (2, 2, _coalesce),
    "true": (0, 0, lambda _, __: values.truth("TRUE")),
    "false": (0, 0, lambda _, __: values.truth("FALSE")),
    "boolean": (1, 1, lambda c, a: values.truth(c.condition(a[0]))),
    "not": (1, 1, lambda c, a: values.truth(f"(NOT {c.condition(a[0])})")),
    "boolean-from-string": (1, 1, _boolean_from_string),
    "number": (1, 1, lambda c, a: values.number(c.number(a[0]))),
    "int": (1, 1, whole),
    "round": (1, 2, rounded),
    "string": (1, 1, lambda c, a: values.text(c.text(a[0]))),
    "abs": (1, 1, guarded("", "abs({x})")),
    "sqrt": (1, 1, guarded("{x} >= 0", "sqrt({x})")),
    "exp": (1, 1, guarded("", "exp({x})")),
    "exp10": (1, 1, guarded("", "pow(10.0, {x})")),
    "log": (1, 1, logarithm("ln")),
    "log10": (1, 1, logarithm("log10")),
    "sin": (1, 1, guarded("isfinite({x})", "sin({x})")),
    "cos": (1, 1, guarded("isfinite({x})", "cos({x})")),
    "tan": (1, 1, guarded("isfinite({x})", "tan({x})")),
    "asin": (1, 1, guarded("abs({x}) <= 1", "asin({x})")),
    "acos": (1, 1, guarded("abs({x}) <= 1", "acos({x})")),
    "atan": (1, 1, guarded("", "atan({x})")),
    "atan2": (2, 2, of_two("atan2({x}, {y})")),
    "pow": (2, 2, of_two("pow({x}, {y})")),
    "pi": (0, 0, lambda _, __: values.number_literal(math.pi)),
    "selected": (2, 2, _selected),
    "is-selected": (2, 2, _selected),
    "count-selected": (1, 1, _count_selected),
    "selected-at": (2, 2, _selected_at),
    "count": (1, 1, _count),
    "count-non-empty": (1, 1, _count_non_empty),
    "sum": (1, 1, _sum),
    "min": (1, _MANY, extreme("min")),
    "max": (1, _MANY, extreme("max")),
    "concat": (0, _MANY, _concat),
    "join": (1, _MANY, _join_with),
    "substr": (2, 3, _substr),
    "substring-before": (2, 2, _before),
    "substring-after": (2, 2, _after),
    "translate": (3, 3, _of_texts("translate({}, {}, {})", condition=False)),
    "contains": (2, 2, _of_texts("contains({}, {})", condition=True)),
    "starts-with": (2, 2, _of_texts("starts_with({}, {})", condition=True)),
    "ends-with": (2, 2, _of_texts("ends_with({}, {})", condition=True)),
    "string-length": (0, 1, _string_length),
    "normalize-space": (0, 1, _normalize_space),
    "regex": (2, 2, _regex),
    "digest": (2, 3, _digest),
    "checklist": (2, _MANY, _checklist),
    "weighted-checklist": (4, _MANY, _weighted_checklist),
    "position": (0, 1, _position),
    "indexed-repeat": (3, 11, _indexed_repeat),
    "jr:choice-name": (2, 2, choice_name),
    "pulldata": (4, 4, pulldata),
    "today": (0, 0, _today),
    "now": (0, 0, _now),
    "date": (1, 1, lambda c, a: as_date(c, c.value(a[0]), keep_time=False)),
    "date-time": (1, 1, lambda c, a: as_date(c, c.value(a[0]), keep_time=True)),
    "decimal-date-time": (1, 1, lambda c, a: decimal_date_time(c, c.value(a[0]))),
    "decimal-time": (1, 1, lambda c, a: decimal_time(c.value(a[0]))),
    "format-date": (2, 2, lambda c, a: format_date_time(c, c.value(a[0]), c.value(a[1]))),
    "format-date-time": (2, 2, lambda c, a: format_date_time(c, c.value(a[0]), c.value(a[1]))),
    "depend": (1, _MANY, lambda c, a: c.value(a[0])),
    "version": (0, 0, lambda c, _: values.constant(c.form.questionnaire.version)),
}
