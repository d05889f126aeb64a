"""The functions of numbers, with JavaRosa's meaning; NULL for NaN, and nothing that DuckDB would refuse."""

from __future__ import annotations

from collections.abc import Callable

from laktasi.questionnaire import values, xpath
from laktasi.questionnaire.expressions import Compiler
from laktasi.questionnaire.values import Kind, Leaf, Unsupported, Value

Arguments = tuple[xpath.Expression, ...]
_SMALLEST = "4.9406564584124654e-324::DOUBLE"  # Java's Double.MIN_VALUE, where JavaRosa's max() starts


def whole(compiler: Compiler, arguments: Arguments) -> Value:
    """Compile ``int()``: cut off the fraction."""
    value = compiler.value(arguments[0])
    return values.number(f"trunc({values.as_number(value)})", finite=values.is_finite(value))


def rounded(compiler: Compiler, arguments: Arguments) -> Value:
    """Compile ``round()`` to a fixed number of places."""
    value = compiler.value(arguments[0])
    places = 0
    if len(arguments) == 2:
        fixed = compiler.value(arguments[1])
        if not isinstance(fixed, Leaf) or not isinstance(fixed.literal, float):
            negative = arguments[1]
            if not (isinstance(negative, xpath.Negation) and isinstance(negative.operand, xpath.Number)):
                raise Unsupported("round() to a number of places that is not fixed")
            places = -int(negative.operand.value)
        else:
            places = int(fixed.literal)
    if not -15 <= places <= 15:
        raise Unsupported("round() to so many places")
    sql = values.let(values.as_number(value), lambda it: _rounded(it, places))
    return values.number(sql, finite=values.is_finite(value))


def _rounded(number: str, places: int) -> str:
    if places < 0:
        unit = f"1e{-places}::DOUBLE"
        return f"(trunc({number} / {unit} + 0.5) * {unit})"
    if places == 0:
        # Adding a half first would lift 0.49999999999999994 to 1.
        whole, step, half = f"floor(abs({number}))", "1", "0.5"
        rest = f"(abs({number}) - {whole})"
    else:
        # Java rounds the number as it is written, not as it is stored: 2.675 to two places is 2.68.
        written = f"TRY_CAST(CAST(abs({number}) AS VARCHAR) AS DECIMAL(38, 18))"
        whole = f"CAST(trunc({written}, {places}) AS DECIMAL(38, 18))"
        rest = f"({written} - {whole})"
        step, half = f"0.{'0' * (places - 1)}1", f"0.{'0' * places}5"
    # Halves go up, so those below zero go towards it: -2.5 becomes -2.
    up = f"(CASE WHEN {number} < 0 THEN {rest} > {half} ELSE {rest} >= {half} END)"
    rounded = f"CAST({whole} + (CASE WHEN {up} THEN {step} ELSE 0 END) AS DOUBLE)"
    return f"(CASE WHEN {number} < 0 THEN -{rounded} ELSE {rounded} END)"


def guarded(allowed: str, sql: str) -> Callable[[Compiler, Arguments], Value]:
    """Make a function of one number ``{x}``; NaN where `allowed` is not met, since DuckDB would stop there."""

    def function(compiler: Compiler, arguments: Arguments) -> Value:
        x = _double(compiler, arguments[0])
        body = values.let(x, lambda it: f"(CASE WHEN {allowed.format(x=it)} THEN {sql.format(x=it)} END)")
        return values.number(body if allowed else sql.format(x=x), finite=False)

    return function


def _double(compiler: Compiler, argument: xpath.Expression) -> str:
    value = compiler.value(argument)
    if any(leaf.kind is Kind.DATE for _, leaf in values.leaves(value)):
        raise Unsupported("a function of numbers asked of a date")
    return values.as_number(value)


def logarithm(base: str) -> Callable[[Compiler, Arguments], Value]:
    """Make ``log()`` or ``log10()`` of DuckDB's function."""

    def function(compiler: Compiler, arguments: Arguments) -> Value:
        x = _double(compiler, arguments[0])
        sql = values.let(
            x, lambda it: f"(CASE WHEN {it} > 0 THEN {base}({it}) WHEN {it} = 0 THEN '-Infinity'::DOUBLE END)"
        )
        return values.number(sql, finite=False)

    return function


def of_two(sql: str) -> Callable[[Compiler, Arguments], Value]:
    """Make a function of two numbers ``{x}`` and ``{y}``."""

    def function(compiler: Compiler, arguments: Arguments) -> Value:
        x, y = _double(compiler, arguments[0]), _double(compiler, arguments[1])
        return values.number(sql.format(x=x, y=y), finite=False)

    return function


def extreme(name: str) -> Callable[[Compiler, Arguments], Value]:
    """Make ``min()`` or ``max()``, of many nodes or of several values; what is not a number is passed over."""

    def function(compiler: Compiler, arguments: Arguments) -> Value:
        if len(arguments) == 1 and isinstance(arguments[0], xpath.Path):
            nodes = compiler.nodes(arguments[0])
            sql = values.as_number(nodes.value())
            found = sql if nodes.single else nodes.aggregate(f"{name}({sql})")
        else:
            found = f"{'greatest' if name == 'max' else 'least'}({', '.join(map(compiler.number, arguments))})"
        if name == "max":
            # JavaRosa's max() never goes below the smallest positive double: of -5 and -3 it gives that.
            found = values.let(found, lambda it: f"(CASE WHEN {it} IS NOT NULL THEN greatest({it}, {_SMALLEST}) END)")
        return values.number(found)

    return function
