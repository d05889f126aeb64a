"""The functions of XForms, each with JavaRosa's meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from laktasi.questionnaire import values, xpath
from laktasi.questionnaire.dates import (
    as_date,
    decimal_date_time,
    decimal_time,
    format_date_time,
)
from laktasi.questionnaire.expressions import Compiler, Nodes, item_column
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
_SMALLEST = "4.9406564584124654e-324::DOUBLE"  # Java's Double.MIN_VALUE, where JavaRosa's max() starts


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


def _int(compiler: Compiler, arguments: Arguments) -> Value:
    value = compiler.value(arguments[0])
    return values.number(f"trunc({values.as_number(value)})", finite=values.is_finite(value))


def _round(compiler: Compiler, arguments: Arguments) -> Value:
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


def _guarded(allowed: str, sql: str) -> Callable[[Compiler, Arguments], Value]:
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


def _log(base: str) -> Callable[[Compiler, Arguments], Value]:
    def function(compiler: Compiler, arguments: Arguments) -> Value:
        x = _double(compiler, arguments[0])
        sql = values.let(
            x, lambda it: f"(CASE WHEN {it} > 0 THEN {base}({it}) WHEN {it} = 0 THEN '-Infinity'::DOUBLE END)"
        )
        return values.number(sql, finite=False)

    return function


def _two(sql: str) -> Callable[[Compiler, Arguments], Value]:
    def function(compiler: Compiler, arguments: Arguments) -> Value:
        x, y = _double(compiler, arguments[0]), _double(compiler, arguments[1])
        return values.number(sql.format(x=x, y=y), finite=False)

    return function


def _text_of(value: Value) -> str:
    """Give what JavaRosa casts to text without converting: it stops at anything else."""
    if any(leaf.kind is not Kind.TEXT for _, leaf in values.leaves(value)):
        raise Unsupported("the phone's engine takes only text here, not a number or a date")
    return values.as_text(value)


def _selected(compiler: Compiler, arguments: Arguments) -> Value:
    chosen = _text_of(compiler.value(arguments[0]))
    wanted = compiler.value(arguments[1])
    if isinstance(wanted, Leaf) and isinstance(wanted.literal, str):
        token = text_literal(f" {wanted.literal.strip()} ")
    else:
        token = f"(' ' || trim({_text_of(wanted)}, {values.SPACES}) || ' ')"
    return values.truth(f"contains(' ' || {chosen} || ' ', {token})")


def tokens(sql: str) -> str:
    """Split a multiple choice into its tokens."""
    return f"list_filter(string_split({sql}, ' '), lambda token: token <> '')"


def _count_selected(compiler: Compiler, arguments: Arguments) -> Value:
    chosen = _text_of(compiler.value(arguments[0]))
    return values.number(f"len({tokens(chosen)})::DOUBLE", integral=True)


def _selected_at(compiler: Compiler, arguments: Arguments) -> Value:
    chosen = _text_of(compiler.value(arguments[0]))
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


def _extreme(name: str) -> Callable[[Compiler, Arguments], Value]:
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


def _regex(compiler: Compiler, arguments: Arguments) -> Value:
    pattern = compiler.value(arguments[1])
    if not isinstance(pattern, Leaf) or not isinstance(pattern.literal, str):
        raise Unsupported("a regular expression that is not fixed")
    if "&&" in pattern.literal or not accepts_pattern(pattern.literal):
        raise Unsupported("the regular expression uses what only Java's engine has, such as a look-ahead")
    return values.truth(f"regexp_full_match({compiler.text(arguments[0])}, {pattern.sql})")


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
    scope = compiler.scope
    if arguments:
        if arguments[0] != xpath.Path("relative", (xpath.Step("parent"),)):
            raise Unsupported("position() of something other than '..'")
        place = (scope.place or "").rpartition("/")[0]
    else:
        place = scope.place or ""
        if scope.item is not None:
            raise Unsupported("the position of an item in its list")
    table = compiler.form.tables.at(place)
    if table.path != place or not place:
        raise Unsupported("the position of a node that is not a repeat")
    row = f"{scope.alias_of(table.name)}._row"
    return values.number(f"CAST(split_part({row}, '.', -1) AS DOUBLE)", integral=True)


def _indexed_repeat(compiler: Compiler, arguments: Arguments) -> Value:
    if len(arguments) % 2 == 0 or not all(isinstance(item, xpath.Path) for item in (arguments[0], *arguments[1::2])):
        raise Unsupported("indexed-repeat() needs a question, and a repeat and a number for each step")
    return compiler.indexed(arguments[0], list(zip(arguments[1::2], arguments[2::2], strict=True)))


def _choice_name(compiler: Compiler, arguments: Arguments) -> Value:
    questionnaire = compiler.form.questionnaire
    named = arguments[1]
    if not isinstance(named, xpath.Text):
        raise Unsupported("jr:choice-name() of a question that is not named in quotes")
    try:
        path = xpath.parse(named.value.strip())
    except xpath.XPathSyntaxError:
        path = named
    place = (
        xpath.resolve(path, compiler.scope.place or "", questionnaire.root) if isinstance(path, xpath.Path) else None
    )
    item = next((item for item in questionnaire.fields if item.path == place), None)
    listed = questionnaire.choice_lists.get(item.list_name or "") if item is not None else None
    if item is None or listed is None:
        raise Unsupported("jr:choice-name() of a question without a list")
    if item.choice_filter is not None:
        raise Unsupported("jr:choice-name() of a list with a choice filter is not compiled")
    if any(len(set(choice.labels.values())) > 1 for choice in listed.choices):
        raise Unsupported("jr:choice-name() follows the language of the interview, which is not kept")
    if any("${" in label for choice in listed.choices for label in choice.labels.values()):
        raise Unsupported("jr:choice-name() of choices whose labels show other answers")
    alias = compiler.form.new_alias()
    rows = compiler.item_rows(listed, alias, ())
    label = f"coalesce(map_values({alias}.labels)[1], '')"
    sought = f"{rows} AND {alias}.value = {_text_of(compiler.value(arguments[0]))}"
    return values.text(f"coalesce((SELECT first({label} ORDER BY {alias}.position) {sought}), '')")


def _pulldata(compiler: Compiler, arguments: Arguments) -> Value:
    names = [item.value if isinstance(item, xpath.Text) else None for item in arguments[:3]]
    file, column, key = names
    if file is None or column is None or key is None:
        raise Unsupported("pulldata() with names that are not in quotes")
    lists = compiler.form.questionnaire.choice_lists
    media = f"{file.removesuffix('.csv')}.csv"
    listed = next((item for item in lists.values() if item.media == media), None)
    if listed is None:
        raise Unsupported(f"the file {media} of this form version is not at hand")
    alias = compiler.form.new_alias()
    rows = compiler.item_rows(listed, alias, ())
    sought = f"{rows} AND {item_column(listed, alias, key)} = {compiler.text(arguments[3])}"
    found = f"first({item_column(listed, alias, column)} ORDER BY {alias}.position)"
    return values.text(f"coalesce((SELECT {found} {sought}), '')")


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
    "int": (1, 1, _int),
    "round": (1, 2, _round),
    "string": (1, 1, lambda c, a: values.text(c.text(a[0]))),
    "abs": (1, 1, _guarded("", "abs({x})")),
    "sqrt": (1, 1, _guarded("{x} >= 0", "sqrt({x})")),
    "exp": (1, 1, _guarded("", "exp({x})")),
    "exp10": (1, 1, _guarded("", "pow(10.0, {x})")),
    "log": (1, 1, _log("ln")),
    "log10": (1, 1, _log("log10")),
    "sin": (1, 1, _guarded("isfinite({x})", "sin({x})")),
    "cos": (1, 1, _guarded("isfinite({x})", "cos({x})")),
    "tan": (1, 1, _guarded("isfinite({x})", "tan({x})")),
    "asin": (1, 1, _guarded("abs({x}) <= 1", "asin({x})")),
    "acos": (1, 1, _guarded("abs({x}) <= 1", "acos({x})")),
    "atan": (1, 1, _guarded("", "atan({x})")),
    "atan2": (2, 2, _two("atan2({x}, {y})")),
    "pow": (2, 2, _two("pow({x}, {y})")),
    "pi": (0, 0, lambda _, __: values.number_literal(math.pi)),
    "selected": (2, 2, _selected),
    "is-selected": (2, 2, _selected),
    "count-selected": (1, 1, _count_selected),
    "selected-at": (2, 2, _selected_at),
    "count": (1, 1, _count),
    "count-non-empty": (1, 1, _count_non_empty),
    "sum": (1, 1, _sum),
    "min": (1, _MANY, _extreme("min")),
    "max": (1, _MANY, _extreme("max")),
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
    "jr:choice-name": (2, 2, _choice_name),
    "pulldata": (4, 4, _pulldata),
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
