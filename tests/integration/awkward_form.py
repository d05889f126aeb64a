"""A form of awkward expressions, each in a node of its own, and awkward answers to its questions."""

from __future__ import annotations

from collections.abc import Mapping

CALCULATIONS = (
    # numbers
    "${n} + 1", "${n} * ${m} - 2", "${n} div ${m}", "${n} mod 3", "-${m}", "${n} mod ${m}", "1.1 * 3", "${m} * 1.1",
    "int(${m})", "int(-2.5)", "round(${m})", "round(-2.5)", "round(2.675, 2)", "round(${m}, 1)", "round(${m}, -1)",
    "round(${m} * 1.005, 2)", "abs(${m})", "number(${t})", "number(${t}) + number(${u})", "sqrt(${m})", "log(${m})",
    "log10(${m})", "pow(${m}, 2)", "exp(${m})", "exp10(${n})", "sin(${m})", "cos(${m})", "tan(${m})", "atan(${m})",
    "asin(${m})", "acos(${m})", "atan2(${m}, ${n})", "pi()", "${n} div 0", "0 div 0", "min(${n}, ${m}, 3)",
    "max(${n}, ${m})", "max(-5, -3)", "min(${n})", "${n} > 2", "${n} + (${m} > 1)", "number(true())",
    # text
    "string(${n})", "string(${m})", "string(${m} * 1000003.7)", "string(${m} div 77777)", "concat(${n}, '-', ${m})",
    "concat(${t}, ${d}, ${n} > 1)", "string-length(${t})", "substr(${t}, 1)", "substr(${t}, 1, 3)",
    "substr(${t}, -2)", "substr(${t}, -3, -1)", "substr(${t}, ${n}, ${m})", "substring-before(${t}, '-')",
    "substring-after(${t}, '-')", "substring-after(${t}, '')", "translate(${t}, 'abc-', 'xy')", "normalize-space(${t})",
    "join(',', ${n}, ${t}, '')", "string(${s} = 'yes')", "string(1 = 1)",
    "concat(1 div 0, ' ', -1 div 0, ' ', 0 div 0)",
    "string(1234567.5)", "string(12345678.5)", "string(0.000125)", "string(3000000000)", "string(100 * 1.1)",
    "digest(${t}, 'SHA-256', 'hex')", "digest(${t}, 'MD5')", "digest(${u}, 'SHA-1', 'base64')", "version()",
    # conditions and emptiness
    "if(${n} > 2, 'big', 'small')", "if(${t} = '', '', ${n} + 1)", "if(${n} = '', 'none', ${n})",
    "coalesce(${n}, ${m})", "coalesce(${t}, 'nothing')", "coalesce(${n}, 'nothing')", "coalesce(${d}, ${t})",
    "boolean(${n})", "boolean(${t})", "not(${n})", "not(${t} = 5)", "${t} != 'a'", "${n} != 5", "${n} = ${m}",
    "${n} = ''", "${n} = ${t}", "${t} = ${u}", "${d} = ''", "${n} < ${t}", "${t} <= ${u}", "'01' = 1", "'01' = '1'",
    "boolean-from-string(${t})", "true() and ${n} > 1", "false() or ${t} = 'a' and ${m} < 3",
    "if(${n} > 1, if(${m} > 1, 'both', 'n'), if(${m} > 1, 'm', ''))", "if(${n} > 1, ${n}, ${t}) = ${u}",
    "checklist(1, 2, ${n} > 1, ${m} > 1, ${t} = 'a')", "weighted-checklist(1, 3, ${n} > 1, 1, ${m} > 1, ${n})",
    # choices
    "selected(${s}, 'yes')", "selected(${many}, 'b')", "selected(${many}, ' a ')", "count-selected(${many})",
    "selected-at(${many}, 0)", "selected-at(${many}, 1)", "selected-at(${many}, -1)", "selected-at(${many}, ${n})",
    "instance('town')/root/item[name = ${town}]/region", "count(instance('town')/root/item[region = ${s}])",
    "instance('centres')/root/item[name = ${centre}]/beds",
    "sum(instance('centres')/root/item[region = ${s} and beds > 3]/beds)", "jr:choice-name(${plain}, '${plain}')",
    # dates
    "${d} + 1", "${d} - date('2024-02-28')", "int((date('2026-11-21') - ${d}) div 365.25)", "string(${d})",
    "format-date(${d}, '%Y/%m/%d %n %e %y')", "format-date-time(${dt}, '%H:%M:%S.%3 %h')", "date(${d} + 30)",
    "date(${n})", "${dt}", "${d} < ${dt}", "${d} = ${dt}", "${d} > '2024-01-01'", "${d} >= date('2024-02-29')",
    "decimal-date-time(${dt})", "decimal-date-time(${d})", "decimal-time(${dt})", "decimal-time(${tm})",
    "format-date-time(${tm}, '%H:%M')", "${tm} = ''", "format-date(${d} - 7, '%Y-%m-%d')", "date-time(${n} + 0.25)",
    "today() - ${d}", "int(today() - 1) > ${d}",
    # repeats
    "count(${kid})", "sum(${w})", "min(${w})", "max(${w})", "join('/', ${k})", "concat(${k})", "count-non-empty(${k})",
    "indexed-repeat(${w}, ${kid}, 1)", "indexed-repeat(${k}, ${kid}, ${n})", "indexed-repeat(${k}, ${kid}, 0)",
    "count(${toy})", "sum(${price})", "indexed-repeat(${price}, ${kid}, 2, ${toy}, 1)",
    "count(/data/kid[w > 2])", "sum(/data/kid[k = 'a' or w > 3]/w)", "/data/kid[position() = 2]/k",
    "count(/data/kid[toys = 1])", "sum(/data/kid[w > /data/n]/toy/price)", "count(/data/kid/toy[price > ../w])",
    # calculations of calculations
    "${half} * 2", "if(${half}, 'some', 'none')", "concat(${half}, ${flag})", "${flag} = 1", "${label} = 3",
    "${half} = '1.5'", "${whole} + 0.5",
)  # fmt: skip
TYPED = (
    ("int", "${m} * 2"), ("decimal", "${m} div 3"), ("int", "if(${t} = '', '', ${n})"), ("date", "${d} + 1"),
    ("date", "if(${n} > 1, date('2024-03-01'), '2024-04-01')"), ("dateTime", "${dt}"), ("boolean", "${n}"),
    ("boolean", "${t}"), ("decimal", "${t}"), ("int", "round(${m})"),
)  # fmt: skip
CONDITIONS = (
    "${n} > 2", "${m} < 1.5 or ${t} = 'a'", "${s} = 'yes' and ${n} != ''", "${n}", "${t}", "${m}", "not(${n})",
    "selected(${many}, 'a') and not(selected(${many}, 'b'))", "count(${kid}) > 1", "sum(${w}) >= ${n}",
    "${d} > date('2024-02-01')", "string-length(${t}) > 3", "regex(${t}, '[a-z]+')", "contains(${t}, 'b')",
    "starts-with(${t}, 'a')", "ends-with(${t}, 'c')", "${half} > 1", "${flag}", "${r0} = 'x'", "${gated} > 1",
    "${town} != '' and ${centre} = 'c1'", "${ghost} = ''",
)  # fmt: skip
CONSTRAINTS = (
    ("integer", ". >= 0 and . <= 10"), ("integer", ". > ${n}"), ("integer", ". != ${m}"), ("decimal", ". < 2.5"),
    ("decimal", "round(.) = int(.)"), ("decimal", ". * 10 mod 5 = 0"), ("text", "regex(., '^[A-Z]{2}[0-9]+$')"),
    ("text", "string-length(.) = 3"), ("text", ". != ${t}"), ("text", ". > 5"), ("text", "not(contains(., ' '))"),
    ("text", "."), ("date", ". <= today()"), ("date", ". > ${d}"), ("date", "format-date(., '%Y') = '2024'"),
    ("dateTime", ". < ${d} + 1"), ("select_multiple letters", "count-selected(.) < 3"),
    ("select_multiple letters", "not(selected(., 'c') and count-selected(.) > 1)"), ("integer", "${s} = 'yes'"),
    ("text", "coalesce(number(.), 0) < 4"),
)  # fmt: skip
IN_KID = (
    "position(..)", "${w} * 2", "../w + ${n}", "sum(${price})", "count(${toy})", "concat(${k}, position(..))",
    "indexed-repeat(${k}, ${kid}, position(..) - 1)", "sum(/data/kid/w)", "sum(../../kid/w)", "count(../../kid)",
    "count(/data/kid)", "count(/data/kid) * 1", "sum(/data/kid/w) - 1",
    "max(${price})", "${half} + ${w}", "current()/../w", "join(' ', ${price})",
    "count(../../kid[w > current()/../w])", "if(${w} > 1, ${k}, '')", "once(${w})",
)  # fmt: skip
POOLS: Mapping[str, tuple[str, ...]] = {
    "integer": ("", "0", "1", "2", "3", "-2", "5", "11", "007", "x"),
    "decimal": ("", "0", "0.5", "1.5", "-2.5", "2.5", "3", "1e1", "1000000.25", "0.005", "1.005", "-0.4"),
    "text": (
        "", "a", "b", "abc", "a-b-c", "-", "3", "01", "1.5", "1,5", "true", "TRUE", "1", "AB12", "Añé",
        "2024-02-29", "a  b", "1e3", "+4", "5.", ".5", "3.0",
    ),
    "date": ("", "2024-02-29", "1969-12-31", "2024-12-31", "2026-11-21", "2024-02-30", "2024-03-01"),
    "dateTime": ("", "2024-02-29T23:59:59.123+08:00", "1970-01-01T00:00:00.000+08:00", "2025-06-01T06:00:00.000+08:00"),
    "time": ("", "00:00:00.000+08:00", "13:45:30.500+08:00"),
    "select_one yn": ("", "yes", "no", "maybe"),
    "select_one town": ("", "a", "b", "c"),
    "select_one_from_file centres.csv": ("", "c1", "c2", "c3", "c9"),
    "select_one letters": ("", "a", "b", "c"),
    "select_multiple letters": ("", "a", "b", "a b", "c b a", "b c", "d"),
}  # fmt: skip
QUESTIONS = {
    "n": "integer", "m": "decimal", "t": "text", "u": "text", "d": "date", "dt": "dateTime", "tm": "time",
    "s": "select_one yn", "town": "select_one town", "centre": "select_one_from_file centres.csv",
    "many": "select_multiple letters", "plain": "select_one letters",
}  # fmt: skip
FILTERS = {"town": "region = ${s}", "centre": "beds >= ${n} and (region = ${s} or ${t} = '')"}
CENTRES = "name,label,region,beds\nc1,One,yes,3\nc2,Two,no,10\nc3,Three,yes,5\n"


def _row(kind: str, name: str, **cells: str) -> str:
    columns = ("required", "relevant", "constraint", "calculation", "choice_filter", "bind::type")
    return "| | " + " | ".join([kind, name, name, *(cells.get(column, "") for column in columns)]) + " |"


def awkward_form() -> str:
    """Write the form: questions of every type, then one node for each expression."""
    rows = [
        "| survey |",
        "| | type | name | label | required | relevant | constraint | calculation | choice_filter | bind::type |",
    ]
    rows += [_row("start", "start"), _row("end", "end"), _row("today", "today")]
    for name, kind in QUESTIONS.items():
        required = {"n": "${s} = 'yes'", "t": "yes", "d": "not(${n} > 1)"}.get(name, "")
        rows.append(_row(kind, name, required=required, choice_filter=FILTERS.get(name, "")))
    rows += [
        _row("calculate", "half", calculation="${m} div 2"),
        _row("calculate", "flag", calculation="${n} > 1"),
        _row("calculate", "label", calculation="if(${n} = '', 'none', ${n})"),
        _row("calculate", "whole", calculation="${m}", **{"bind::type": "int"}),
        _row("text", "ghost", relevant="1 = 2"),
        _row("begin_group", "outer", relevant="${n} > 0"),
        _row("begin_group", "inner", relevant="${m} > 0"),
        _row("integer", "gated", required="yes", constraint=". < ${n} + 3"),
        _row("calculate", "gated_sum", calculation="${gated} + ${n}"),
        _row("calculate", "gated_twice", calculation="${n} * 2"),
        _row("calculate", "gated_text", calculation="concat(${n}, '!')"),
        _row("end_group", ""),
        _row("end_group", ""),
        _row("calculate", "after_gate", calculation="concat(${gated}, '/', ${gated_sum})"),
        _row("calculate", "after_gates", calculation="concat(${gated_twice}, '/', ${gated_text})"),
    ]
    rows += [_row("text", f"r{at}", relevant=item, required="yes") for at, item in enumerate(CONDITIONS)]
    rows += [_row(kind, f"k{at}", constraint=item) for at, (kind, item) in enumerate(CONSTRAINTS)]
    rows += [
        _row("begin_repeat", "kid", relevant="${s} != 'no'"),
        _row("decimal", "w", constraint=". > 0 and . != ${m}", required="${t} = 'a'"),
        _row("text", "k", relevant="${w} > 1 or ${n} > 2"),
        _row("begin_repeat", "toy"),
        _row("integer", "price", relevant="${w} > 0", constraint=". < ${w} + ${n}"),
        _row("calculate", "dear", calculation="concat(${price}, '/', ${w}, '/', position(..), '/', position(../..))"),
        _row("end_repeat", ""),
        _row("calculate", "toys", calculation="count(${toy})"),
    ]
    rows += [_row("calculate", f"q{at}", calculation=item) for at, item in enumerate(IN_KID)]
    rows.append(_row("end_repeat", ""))
    rows += [_row("calculate", f"c{at}", calculation=item) for at, item in enumerate(CALCULATIONS)]
    rows += [
        _row("calculate", f"y{at}", calculation=item, **{"bind::type": kind}) for at, (kind, item) in enumerate(TYPED)
    ]
    rows += ["| choices |", "| | list_name | name | label | region |"]
    rows += [
        f"| | {item} |" for item in ("yn | yes | Yes |", "yn | no | No |", "town | a | A | yes", "town | b | B | no")
    ]
    rows += [f"| | letters | {item} | Letter {item} | |" for item in "abc"]
    rows += ["| settings |", "| | form_id | version |", "| | awkward | 1 |"]
    return "\n".join(rows)
