"""Every function and operator means in SQL what JavaRosa means by it.

Expected values are JavaRosa 5.1's: those that a whole interview can show are held against the engine itself in
tests/integration/test_engine_agreement.py; here each stands by itself, with its source where it surprises.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from laktasi.questionnaire import values
from laktasi.questionnaire.expressions import Compiler
from laktasi.questionnaire.layers import Frame, put_together
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.plan import Plan, parsed
from tests.questionnaire_fixture import Row, fill, read, survey

CSV = b"name;label;beds\nc1;One;3\nc2;Two;10\nc2;Again;11\n"
FORM = survey(
    "start | start | |",
    "end | end | |",
    "today | today | |",
    "integer | n | n |",
    "integer | none | none |",
    "decimal | m | m |",
    "text | t | t |",
    "text | gap | gap |",
    "date | d | d |",
    "dateTime | dt | dt |",
    "time | tm | tm |",
    "select_one yn | s | s |",
    "select_multiple yn | many | many |",
    "select_one_from_file centres.csv | centre | centre |",
    "begin_repeat | kid | kid |",
    "decimal | w | w |",
    "text | k | k |",
    "end_repeat | |",
    choices=("yn | yes | Yes |", "yn | no | No |", "yn | unsure | Unsure |"),
)
ANSWERS: Row = {
    "start": "2026-11-20T23:00:00.000+08:00",
    "end": "2026-11-21T08:30:00.000+08:00",
    "today": "2026-11-20",
    "n": "7",
    "m": "-2.5",
    "t": "abc-def",
    "d": "2024-02-29",
    "dt": "2024-02-29T18:00:00.000+07:00",
    "tm": "06:00:00.000+08:00",
    "s": "yes",
    "many": "yes  unsure",
    "centre": "c2",
}
KIDS: tuple[Row, ...] = (
    {"_row": "1", "w": "2.5", "k": "x"},
    {"_row": "2", "k": "y"},
    {"_row": "10", "w": "4", "k": "z"},
)


@pytest.fixture(scope="module")
def form() -> Questionnaire:
    return read(FORM, {"centres.csv": CSV})


def select(form: Questionnaire, expression: str) -> str:
    plan = Plan(form)
    scope, frame = plan.scope("t"), Frame()
    value = values.as_text(Compiler(plan, scope, frame).value(parsed(expression)))
    return put_together(plan.tables, plan.tables.form, [plan.column("found", value, scope, frame)])


@pytest.fixture(scope="module")
def con(form: Questionnaire) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        fill(opened, form, {"small": [ANSWERS], "small__kid": KIDS})
        yield opened


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # arithmetic: doubles, NaN where something is not a number
        ("/data/n + 1", "8"),
        ("/data/n - /data/m", "9.5"),
        ("1.1 * 3", "3.3000000000000003"),
        ("/data/n div 2", "3.5"),
        ("-7 mod 3", "-1"),
        ("/data/none + 1", "NaN"),
        ("/data/t * 2", "NaN"),
        ("1 div 0", "Infinity"),
        ("-1 div 0", "-Infinity"),
        ("0 div 0", "NaN"),
        ("(1 div 0) - (1 div 0)", "NaN"),
        ("(0 div 0) > 5", "false"),
        ("-/data/m", "2.5"),
        ("int(-2.9)", "-2"),
        ("int('')", "NaN"),
        ("round(-2.5)", "-2"),
        ("round(2.5)", "3"),
        ("round(0.49999999999999994)", "0"),
        ("round(2.675, 2)", "2.68"),
        ("round(-2.675, 2)", "-2.67"),
        ("round(1234.5, -2)", "1200"),
        ("abs(/data/m)", "2.5"),
        ("sqrt(/data/m)", "NaN"),
        ("sqrt(16)", "4"),
        ("pow(2, 10)", "1024"),
        ("log(1)", "0"),
        ("log(0)", "-Infinity"),
        ("log10(1000)", "3"),
        ("log10(-1)", "NaN"),
        ("exp(0)", "1"),
        ("exp10(2)", "100"),
        ("sin(0)", "0"),
        ("cos(0)", "1"),
        ("tan(0)", "0"),
        ("asin(2)", "NaN"),
        ("acos(1)", "0"),
        ("atan(0)", "0"),
        ("atan2(0, 1)", "0"),
        ("pi()", "3.141592653589793"),
        ("min(3, '', 2)", "2"),
        ("max(3, 'x', 2)", "3"),
        ("max(-5, -3) = 0", "true"),  # max() starts from Java's smallest positive double
        ("min('')", "NaN"),
        # number to text, as Java writes doubles
        ("string(100 * 1.1)", "110"),  # whole within 1e-12
        ("string(1.1 * 3)", "3.3000000000000003"),
        ("string(12345678.5)", "1.23456785E7"),
        ("string(0.000125)", "1.25E-4"),
        ("string(3000000000)", "3.0E9"),  # whole, but not of 32 bits
        ("string(2147483647)", "2147483647"),
        ("string(-0.5)", "-0.5"),
        ("string(true())", "true"),
        ("number(true())", "1"),
        ("number('1,5')", "1.5"),
        ("number(' 3 ')", "3"),
        ("number('1e3')", "NaN"),
        ("number('+4')", "NaN"),
        ("number('5.')", "5"),
        ("number('.5')", "0.5"),
        ("number('.')", "NaN"),
        # equality: numbers when one side is a number, truths when one is a truth, else text
        ("'01' = 1", "true"),
        ("'01' = '1'", "false"),
        ("/data/n = '7.0'", "true"),
        ("/data/none = ''", "true"),
        ("/data/none != 5", "true"),
        ("/data/none = /data/gap", "true"),
        ("/data/none = number('')", "false"),
        ("/data/gap != 'no'", "true"),
        ("not(/data/none = 5)", "true"),
        ("true() = 'anything'", "true"),
        ("true() = ''", "false"),
        ("0.1 + 0.2 = 0.3", "true"),
        ("/data/t = 'abc-def'", "true"),
        ("/data/none < 5", "false"),
        ("/data/none >= 0", "false"),
        ("/data/n >= 7", "true"),
        ("'a' < 'b'", "false"),
        # conditions
        ("/data/n > 1 and /data/t", "true"),
        ("/data/n > 9 or /data/gap", "false"),
        ("boolean(0)", "false"),
        ("boolean('0')", "true"),
        ("boolean(number('x'))", "false"),
        ("boolean(/data/d)", "true"),
        ("not(false())", "true"),
        ("boolean-from-string('TRUE')", "true"),
        ("boolean-from-string('yes')", "false"),
        ("if(/data/n > 1, 'big', 5)", "big"),
        ("if(/data/none, 'big', 5)", "5"),
        ("if(/data/none = '', '', 1) = ''", "true"),
        ("coalesce(/data/none, /data/n)", "7"),
        ("coalesce('', '')", ""),
        ("coalesce(number('x'), 'no number')", "no number"),
        ("checklist(2, -1, /data/n > 1, /data/t, /data/gap)", "true"),
        ("checklist(-1, 1, /data/n > 1, /data/t, /data/gap)", "false"),
        ("weighted-checklist(3, 4, /data/n > 1, 1.5, /data/t, 2, /data/gap, 9)", "true"),
        # text
        ("concat(/data/t, 1, true())", "abc-def1true"),
        ("join(', ', 'a', '', 2)", "a, , 2"),
        ("substr(/data/t, 2)", "c-def"),
        ("substr(/data/t, 1, 3)", "bc"),
        ("substr(/data/t, -3)", "def"),
        ("substr(/data/t, 0, -4)", "abc"),
        ("substr(/data/t, 5, 2)", ""),
        ("substr(/data/t, /data/none, /data/n - 5)", "ab"),
        ("substring-before(/data/t, '-')", "abc"),
        ("substring-before(/data/t, '+')", ""),
        ("substring-after(/data/t, '-')", "def"),
        ("substring-after(/data/t, '')", "abc-def"),
        ("translate(/data/t, 'ad-', 'AD')", "AbcDef"),
        ("contains(/data/t, 'c-d')", "true"),
        ("starts-with(/data/t, '')", "true"),
        ("ends-with(/data/t, 'de')", "false"),
        ("string-length(/data/t)", "7"),
        ("string-length()", "7"),
        ("string-length('a😀')", "3"),  # Java counts in units of 16 bits
        ("string-length(/data/none)", "0"),
        ("normalize-space('  a   b ')", "a b"),
        ("regex(/data/t, '[a-c]+')", "false"),  # the whole text must match
        ("regex(/data/t, '[a-c]+-.*')", "true"),
        ("digest('abc', 'MD5', 'hex')", "900150983cd24fb0d6963f7d28e17f72"),  # RFC 1321, A.5
        ("digest('abc', 'SHA-1', 'hex')", "a9993e364706816aba3e25717850c26c9cd0d89d"),  # FIPS 180-4 examples
        ("digest('abc', 'MD5')", "kAFQmDzST7DWlj99KOF/cg=="),
        ("version()", "1"),
        ("depend(/data/n, /data/t)", "7"),
        # choices
        ("selected(/data/many, 'unsure')", "true"),
        ("selected(/data/many, 'uns')", "false"),
        ("selected(/data/many, ' yes ')", "true"),
        ("selected(/data/gap, '')", "true"),
        ("is-selected(/data/s, 'no')", "false"),
        ("count-selected(/data/many)", "2"),
        ("selected-at(/data/many, 1)", "unsure"),
        ("selected-at(/data/many, 2)", ""),
        ("jr:choice-name(/data/s, '/data/s')", "Yes"),
        ("jr:choice-name('gone', ' /data/s ')", ""),
        ("instance('yn')/root/item[name = /data/s]/label", "Yes"),
        ("count(instance('yn')/root/item[name != 'no'])", "2"),
        ("join(' ', instance('centres')/root/item[beds > 3]/name)", "c2 c2"),
        ("pulldata('centres', 'beds', 'name', /data/centre)", "10"),
        ("pulldata('centres', 'beds', 'name', 'c9')", ""),
        # dates: day numbers when they become numbers, days when they become text
        ("/data/d", "2024-02-29"),
        ("/data/d + 1", "19783"),
        ("date(/data/d + 1)", "2024-03-01"),
        ("date(-1)", "1969-12-31"),
        ("date('2024-02-29') = /data/d", "true"),
        ("/data/d > '2024-01-01'", "false"),  # the text is no number
        ("/data/d > date('2024-01-01')", "true"),
        ("/data/dt = /data/d", "true"),
        ("date('') = ''", "true"),
        ("date(number('x'))", "NaN"),
        ("format-date(/data/d, '%Y-%n-%e %y %%')", "2024-2-29 24 %"),
        ("format-date-time(/data/dt, '%H:%M:%S.%3')", "18:00:00.000"),
        ("format-date-time(/data/tm, '%h.%M')", "6.00"),
        ("format-date('', '%Y')", ""),
        ("decimal-date-time(/data/dt)", "19782.458333333332"),  # 11:00 UTC
        ("decimal-date-time(date('1970-01-02'))", "0.6666666666666666"),  # midnight eight hours ahead of UTC
        ("decimal-time(/data/tm)", "0.25"),
        ("decimal-time(1.75)", "0.75"),
        ("date-time(0.5) = date('1970-01-01')", "true"),
        ("format-date-time(date-time(0.5), '%H')", "20"),
        ("today()", "2026-11-21"),  # the day the interview ended
        ("today() - date('2026-11-01')", "20"),
        ("now() >= today()", "true"),
        ("/data/tm = ''", "false"),
        # repeats
        ("count(/data/kid)", "3"),
        ("count(/data/kid[w > 3])", "1"),
        ("sum(/data/kid/w)", "6.5"),
        ("sum(/data/kid[k = 'gone']/w)", "0"),
        ("min(/data/kid/w)", "2.5"),
        ("max(/data/kid/w)", "4"),
        ("join(',', /data/kid/k)", "x,y,z"),
        ("concat(/data/kid/k)", "xyz"),
        ("count-non-empty(/data/kid/w)", "2"),
        ("indexed-repeat(/data/kid/k, /data/kid, 2)", "y"),
        ("indexed-repeat(/data/kid/k, /data/kid, 0)", "x"),
        ("indexed-repeat(/data/kid/k, /data/kid, 5)", ""),
        ("/data/kid[position() = 2]/k", "y"),
        ("/data/kid[k = 'z']/w", "4"),
        ("count(/data/n)", "1"),
        ("sum(/data/none)", "0"),
    ],
)
def test_value(con: duckdb.DuckDBPyConnection, form: Questionnaire, expression: str, expected: str) -> None:
    # as string() gives it, which shows NaN, emptiness and truth apart
    assert con.execute(select(form, expression)).fetchall() == [("uuid:1", "", expected)]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("once(/data/n)", "once() keeps"),
        ("random()", "cannot be repeated"),
        ("uuid()", "cannot be repeated"),
        ("property('deviceid')", "setting of the phone"),
        ("no-such(1)", "unknown"),
        ("if(1, 2)", "has 2 arguments"),
        ("regex(/data/t, '(?=a)b')", "look-ahead"),
        ("regex(/data/t, '^[[:alpha:]]+$')", "only Java"),
        ("regex(/data/t, '[a-c[x]]')", "only Java"),
        ("regex(/data/t, /data/gap)", "not fixed"),
        ("round(1, /data/n)", "not fixed"),
        ("selected(/data/n, '7')", "only text"),
        ("format-date(/data/d, '%b')", "own language"),
        ("format-date-time(/data/tm, '%d')", "the day it is read on"),
        ("/data/tm > /data/tm", "compares times"),
        ("/data/kid[2]/k", "not a condition"),
        ("/data/kid/../n", "leading '..'"),
        ("/data/nowhere", "no question 'nowhere'"),
        ("/other/n", "not in this form"),
        ("/data/n | /data/m", "union"),
        ("sum(1 + 2)", "only a path"),
        ("instance('gone')/root/item/x", "not part of the form"),
        ("pulldata('gone', 'a', 'b', 'c')", "gone.csv"),
        ("distance(/data/t)", "not compiled"),
        ("1 +", "not XPath"),
    ],
)
def test_what_cannot_be_verified_says_why(form: Questionnaire, expression: str, reason: str) -> None:
    with pytest.raises(values.Unsupported, match=reason.replace("(", r"\(").replace(")", r"\)")):
        select(form, expression)


def test_the_sql_of_nested_functions_does_not_explode(form: Questionnaire) -> None:
    expression = "/data/m"
    for _ in range(8):
        expression = (
            f"round(if({expression} > 1, {expression}, 2), 1)" if len(expression) < 200 else f"round({expression}, 1)"
        )
    assert len(select(form, f"concat({expression}, 1)")) < 60_000


def test_regular_expressions_of_both_engines_are_told_apart() -> None:
    from laktasi.questionnaire.functions import accepts_pattern

    assert accepts_pattern(r"^[A-Z]{2}\d+$")
    assert not accepts_pattern("(?<!a)b")
    assert not accepts_pattern(r"(a)\1")
