"""schemas/back_checks.yml: what it may say, and that every slip in it is told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from laktasi.back_checks import Range, read_back_checks
from laktasi.errors import CheckError
from laktasi.paths import HOUSE
from tests.back_checks_fixture import YML, read, variables


def test_a_project_may_have_none(tmp_path: Path) -> None:
    assert read_back_checks(tmp_path / "back_checks.yml") is None


def test_the_shipped_one_is_read() -> None:
    found = read_back_checks(HOUSE / "schemas" / "back_checks.yml")
    assert found is not None
    assert found.original.match == found.back_check.match == ("mother/study_code",)
    assert found.variables["infant_weight"].ok_range == Range(-5, 5, is_percent=True)
    assert found.variables["feeding"].not_counted == ("unknown",)
    assert found.alarms == {1: 0.1, 2: 0.2, 3: 0.3}
    assert (found.sample.seed, found.sample.at_least, found.sample.contacts) == (
        "2026",
        2,
        ("mother/name", "mother/phone"),
    )


@pytest.mark.parametrize(
    ("given", "low", "high", "is_percent", "words"),
    [
        (1, -1, 1, False, "±1"),
        (0.5, -0.5, 0.5, False, "±0.5"),
        ("5%", -5, 5, True, "±5%"),
        ([-1, 2], -1, 2, False, "−1 to +2"),
        ([0, 3], 0, 3, False, "+0 to +3"),
        (["-5%", "10 %"], -5, 10, True, "−5% to +10%"),
    ],
)
def test_a_range(tmp_path: Path, given: Any, low: float, high: float, is_percent: bool, words: str) -> None:
    found = read(tmp_path, variables=variables(age={"ok_range": given})).variables["age"].ok_range
    assert found == Range(low, high, is_percent)
    assert str(found) == words


def side(name: str, **changed: Any) -> dict[str, Any]:
    return {name: {key: value for key, value in (YML[name] | changed).items() if value is not None}}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"variable": {}}, "unknown key 'variable'; known are original, back_check, variables, alarms, sample"),
        ({"original": None}, "'original' is missing"),
        ({"sample": None}, "'sample' is missing"),
        (side("original", forms="x"), "'original': unknown key 'forms'; known are form, match, where"),
        (side("original", form=None), "'original': 'form' is missing"),
        (side("original", match="code"), "'match' of 'original' must be a list"),
        (side("original", match=[]), "'match' of 'original' must name at least one question"),
        (side("original", match=["code"]), "as many questions of the back check as of the original"),
        (side("original", match=["code", "code"]), "'match' of 'original' stands there twice"),
        (side("original", where=True), "'where' of 'original' must be text"),
        (side("back_check", checker=None), "'back_check': 'checker' is missing"),
        (side("back_check", form="talk"), "are two forms"),
        ({"variables": {}}, "'variables' must be a mapping"),
        ({"variables": {"Age!": {}}}, "variable 'Age!': a name is of lower-case letters"),
        ({"variables": variables(age={"kind": 1})}, "variable 'age': unknown key 'kind'"),
        ({"variables": {"age": {"original": "age", "type": 1}}}, "variable 'age': 'back_check' is missing"),
        ({"variables": variables(age={"original": 5})}, "'original' of variable 'age' must be text"),
        ({"variables": variables(age={"type": 4})}, "variable 'age': unknown type 4; known are 1, 2 and 3"),
        ({"variables": variables(age={"type": True})}, "unknown type True"),
        ({"variables": variables(age={"type": "1"})}, "unknown type '1'"),
        ({"variables": variables(age={"ok_range": "some"})}, "'ok_range' of variable 'age' must be a number above 0"),
        ({"variables": variables(age={"ok_range": 0})}, "'ok_range' of variable 'age'"),
        ({"variables": variables(age={"ok_range": -1})}, "'ok_range' of variable 'age'"),
        ({"variables": variables(age={"ok_range": [1, 2]})}, "'ok_range' of variable 'age'"),
        ({"variables": variables(age={"ok_range": [-1, "5%"]})}, "'ok_range' of variable 'age'"),
        ({"variables": variables(age={"ok_range": [-1, 0, 1]})}, "'ok_range' of variable 'age'"),
        ({"variables": variables(age={"not_counted": "x"})}, "'not_counted' of variable 'age' must be a list"),
        (
            {"variables": variables(age={"not_counted": [9]})},
            "an entry of 'not_counted' of variable 'age'",
        ),
        ({"variables": variables(age={"empty_differs": "yes"})}, "'empty_differs' must be true or false"),
        ({"alarms": {4: 0.1}}, "'alarms': unknown type 4"),
        ({"alarms": {1: 10}}, "'alarms': the rate of type 1 must be a number between 0 and 1"),
        ({"alarms": [0.1]}, "'alarms' must be a mapping"),
        ({"sample": {"share": 0.1}}, "'sample': 'seed' is missing"),
        ({"sample": {"share": 10, "seed": 1}}, "'share' of 'sample' must be a number between 0 and 1"),
        ({"sample": {"share": 0.1, "seed": True}}, "'seed' of 'sample' must be a number or text"),
        ({"sample": {"share": 0.1, "seed": 1, "at_least": 1.5}}, "'at_least' of 'sample' must be a whole number"),
        ({"sample": {"share": 0.1, "seed": 1, "strata": ["day"]}}, "'strata' of 'sample': unknown 'day'"),
        ({"sample": {"share": 0.1, "seed": 1, "flags_first": 1}}, "'flags_first' of 'sample' must be true or false"),
        ({"sample": {"share": 0.1, "seed": 1, "size": 5}}, "'sample': unknown key 'size'"),
    ],
)
def test_a_slip_is_told_in_words(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(CheckError) as caught:
        read(tmp_path, **changed)
    assert told in caught.value.what
    assert caught.value.what.startswith("back_checks.yml: ")
    assert "run the command again" in caught.value.next_step


@pytest.mark.parametrize("text", ["- a list", "original: [", "original: {}\noriginal: {}", ""])
def test_what_is_no_mapping_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "back_checks.yml"
    path.write_text(text)
    with pytest.raises(CheckError, match=r"^back_checks\.yml: "):
        read_back_checks(path)
