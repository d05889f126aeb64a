"""Privacy: said in the form, direct where nothing is said, and flowing into what is made of it."""

from __future__ import annotations

import pytest

from laktasi.questionnaire.model import Privacy
from laktasi.questionnaire.privacy import flow
from tests.questionnaire_fixture import read

HEAD = (
    "| survey |\n| | type | name | label | calculation | {prefix}:privacy | hint | constraint | constraint_message |\n"
)
TAIL = "| settings |\n| | form_id | version | namespaces | instance_name |\n| | small | 1 | {namespaces} | {name} |\n"
OURS = 'laktasi="urn:laktasi:privacy"'


def privacies(*rows: str, prefix: str = "bind::laktasi", namespaces: str = OURS, name: str = "") -> dict[str, str]:
    body = "".join(f"| | {row} |\n" for row in rows)
    form = read(HEAD.format(prefix=prefix) + body + TAIL.format(namespaces=namespaces, name=name))
    return {item.path: item.privacy.value for item in form.fields}


def test_what_is_said_counts_and_silence_is_direct() -> None:
    found = privacies("text | a | A | | none", "text | b | B | | quasi", "text | c | C | | direct", "text | d | D | |")
    assert {name: found[name] for name in "abcd"} == {"a": "none", "b": "quasi", "c": "direct", "d": "direct"}


def test_a_word_that_is_none_of_ours_counts_as_direct() -> None:
    assert privacies("text | a | A | | public")["a"] == "direct"


def test_any_prefix_will_do_but_only_our_namespace() -> None:
    assert privacies("text | a | A | | none", prefix="bind::p", namespaces='p="urn:laktasi:privacy"')["a"] == "none"
    assert privacies("text | a | A | | none", prefix="bind::p", namespaces='p="urn:other"')["a"] == "direct"


def test_a_calculation_is_as_private_as_what_it_is_made_of() -> None:
    found = privacies(
        "text | name | N | | direct",
        "integer | age | A | | quasi",
        "calculate | tag | | concat(${age}, ${name}) | none",
        "calculate | group | | if(${age} > 30, 'b', 'a') | none",
        "calculate | tagged | | string-length(${tag}) | none",
        "calculate | plain | | 1 + 1 | none",
        name="${group}",
    )
    assert found["tag"] == found["tagged"] == "direct"
    assert found["group"] == "quasi"
    assert found["plain"] == "none"
    assert found["meta/instanceName"] == "direct"


def test_text_that_shows_an_answer_is_as_private_as_the_answer() -> None:
    found = privacies(
        "text | name | N | | direct",
        "integer | age | A | | quasi",
        "text | greeted | Hello ${name} | | none",
        "text | hinted | H | | none | you said ${age}",
        "text | told | T | | none | | . != '' | not ${age}",
        "text | plain | P | | none | | . != ${name} | wrong",
    )
    assert found["greeted"] == "direct"
    assert found["hinted"] == found["told"] == "quasi"
    assert found["plain"] == "none"


def test_the_audit_log_is_as_private_as_the_most_private_answer() -> None:
    assert (
        privacies("audit | audit | | | none", "text | a | A | | none", "text | b | B | | quasi")["meta/audit"]
        == "direct"
    )


def test_flow_goes_on_to_the_end_and_round_in_circles() -> None:
    own = {"a": Privacy.DIRECT, "b": Privacy.NONE, "c": Privacy.NONE, "d": Privacy.NONE}
    made_of = {"b": ["/data/c"], "c": ["/data/b", "/data/a"], "d": ["1"]}
    assert flow(own, made_of, "data") == {**dict.fromkeys("abc", Privacy.DIRECT), "d": Privacy.NONE}


@pytest.mark.parametrize("expression", ["sum(/data/kid/*)", "not xpath (", "/data", "/elsewhere/x"])
def test_what_cannot_be_told_may_be_anything(expression: str) -> None:
    own = {"kid/a": Privacy.QUASI, "b": Privacy.NONE}
    assert flow(own, {"b": [expression]}, "data")["b"] is Privacy.QUASI


def test_a_group_stands_for_all_it_holds() -> None:
    own = {"g/a": Privacy.QUASI, "ga": Privacy.DIRECT, "b": Privacy.NONE}
    assert flow(own, {"b": ["string(/data/g)"]}, "data")["b"] is Privacy.QUASI
