"""The XPath of XForms becomes a tree, and paths find their place."""

from __future__ import annotations

import pytest

from laktasi.questionnaire.xpath import (
    Call,
    Negation,
    NestedTooDeepError,
    Number,
    Operation,
    Path,
    Step,
    Text,
    XPathSyntaxError,
    parse,
    references,
    resolve,
)


def child(name: str) -> Path:
    return Path("relative", (Step("child", name),))


A, B = child("a"), child("b")


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        (". >= 1", Operation(">=", Path("relative", (Step("self"),)), Number(1))),
        ("../a", Path("relative", (Step("parent"), Step("child", "a")))),
        ("/data/a-b - 1", Operation("-", Path("absolute", (Step("child", "data"), Step("child", "a-b"))), Number(1))),
        ("a and (b or 'x')", Operation("and", A, Operation("or", B, Text("x")))),
        ("-a * 2", Operation("*", Negation(A), Number(2))),
        ("a div b mod 2", Operation("mod", Operation("div", A, B), Number(2))),
        ("1 - 2 - 3", Operation("-", Operation("-", Number(1), Number(2)), Number(3))),
        (
            "div div mod",
            Operation("div", child("div"), child("mod")),
        ),
        ("jr:choice-name(a, 'b(c')", Call("jr:choice-name", (A, Text("b(c")))),
        ("round(a, 2)", Call("round", (A, Number(2)))),
        ("position(..)", Call("position", (Path("relative", (Step("parent"),)),))),
        ("today()", Call("today", ())),
        ("no-such-function(a)", Call("no-such-function", (A,))),
        ("current()/../a", Path("current", (Step("parent"), Step("child", "a")))),
        ("current()", Path("current", ())),
        (
            "instance('x')/root/item[a = 1][b]/c",
            Path(
                "instance",
                (
                    Step("child", "root"),
                    Step("child", "item", (Operation("=", A, Number(1)), B)),
                    Step("child", "c"),
                ),
                "x",
            ),
        ),
        ("a/@b", Path("relative", (Step("child", "a"), Step("attribute", "b")))),
        ("a/*", Path("relative", (Step("child", "a"), Step("child", "*")))),
    ],
)
def test_parse(expression: str, tree: object) -> None:
    assert parse(expression) == tree


@pytest.mark.parametrize("expression", ["", "1 +", "f((", "a b", "a//b", "text()", "$a", "instance(a)/b", "'open"])
def test_what_is_not_xpath_of_a_form_is_refused(expression: str) -> None:
    with pytest.raises(XPathSyntaxError):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("/data/g/a", "g/a"),
        ("../a", "g/kid/a"),
        ("../../a", "g/a"),
        (".", "g/kid/q"),
        ("current()/../a", "g/kid/a"),
        ("/data", ""),
        ("/other/a", None),
        ("../../../../../a", None),
        ("../*", None),
        ("../a/@x", None),
    ],
)
def test_resolve_from_a_node_in_a_repeat(expression: str, place: str | None) -> None:
    path = parse(expression)
    assert isinstance(path, Path)
    assert resolve(path, "g/kid/q", "data") == place


def test_references_inside_predicates_start_from_the_node_they_filter() -> None:
    tree = parse(
        "sum(/data/kid[w > ../limit and k = current()/../name]/price) + instance('x')/root/item[a = /data/z]/b"
    )
    # the last two belong to a list: its own column `a` is no place in the form
    assert set(references(tree, "q", "data")) == {"kid/price", "kid/w", "limit", "kid/k", "name", "z"}


@pytest.mark.parametrize(
    "expression",
    [" or ".join(["1"] * 102), "not(" * 101 + "1" + ")" * 101, "(" * 3000 + "1" + ")" * 3000, "-" * 400 + "1"],
)
def test_what_is_nested_too_deeply_is_told_as_such(expression: str) -> None:
    with pytest.raises(NestedTooDeepError, match="nested too deeply"):
        parse(expression)


@pytest.mark.parametrize(
    "expression", [" or ".join(["1"] * 100), "(1 + " * 90 + "1" + ")" * 90, "not(" * 99 + "1" + ")" * 99]
)
def test_what_people_write_is_not_nested_too_deeply(expression: str) -> None:
    assert parse(expression)
