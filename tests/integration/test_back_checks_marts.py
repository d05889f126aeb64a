"""Interviews and back checks in the warehouse: matched, compared, counted and tested."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from laktasi.back_checking import comparison_of
from laktasi.errors import CheckError
from laktasi.store.back_checks import TABLES, build_back_checks
from tests.back_checks_fixture import SECRET, YML, House, house, variables

pytestmark = pytest.mark.slow

Z = 1.959963984540054


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened:
        yield opened


def states(home: House) -> dict[str, str]:
    return dict(home.rows("select submission_id, state from marts.back_checks"))


# --- which interview a back check repeats


def test_a_back_check_is_matched_by_all_that_names_the_interview(home: House) -> None:
    first = home.interview("K1", round="first")
    second = home.interview("K1", round="second", who="P2", centre="c2", today="2026-11-03")
    again = home.back_check("K1", round="second")
    home.compare()
    assert home.rows("from marts.back_checks") == [
        (again, second, "compared", "S1", "P2", "c2", home.rows("select date '2026-11-04'")[0][0], 1)
    ]
    assert first not in states(home)


def test_spaces_around_a_code_do_not_matter_and_capitals_do(home: House) -> None:
    home.interview("K1")
    spaced, small = home.back_check(" K1 "), home.back_check("k1")
    home.compare()
    assert states(home) == {spaced: "compared", small: "no_original"}


def test_what_cannot_be_compared_is_told(home: House) -> None:
    home.interview("K1")
    for _ in range(2):
        home.interview("K2")
    home.interview("K3", who="S1")
    home.interview("K4", consent="no")
    expected = {
        home.back_check("K1", consent="no"): "attempted",
        home.back_check("K1", today="2026-11-05"): "compared",
        home.back_check("K1", today="2026-11-06"): "repeated",
        home.back_check("K2"): "several_originals",
        home.back_check("K3"): "same_person",
        home.back_check("K4"): "no_original",
        home.back_check("K9"): "no_original",
        home.back_check("", round="first"): "unnamed",
        home.back_check("K1", round=""): "unnamed",
    }
    home.compare()
    assert states(home) == expected
    assert {row[0] for row in home.rows("select distinct original_id from marts.back_check_pairs")} == {
        "uuid:talk-0001"
    }


def test_only_the_interviews_that_may_be_repeated_take_part(home: House) -> None:
    home.interview("K1", round="second")
    again = home.back_check("K1", round="second")
    home.compare(original={**YML["original"], "where": "${round} = 'first'"})
    assert states(home) == {again: "no_original"}
    assert home.rows("select count(*) from marts.back_check_coverage") == [(0,)]


def test_without_back_checks_yml_everything_is_empty(home: House) -> None:
    home.interview("K1")
    home.back_check("K1")
    home.compare()
    assert home.rows("select count(*) from marts.back_check_pairs") == [(1,)]
    home.project.back_checks.unlink()
    assert comparison_of(home.project, home.inner.questionnaires) is None
    assert build_back_checks(home.inner.con, None) == {}
    for table in TABLES:
        assert home.rows(f"select count(*) from marts.{table}") == [(0,)], table


# --- when answers differ

SAME = (True, False, False, False)
DIFFERENT = (True, True, False, True)
WITHIN = (True, True, True, False)
NOT_COMPARED = (False, None, None, None)


CASES: list[tuple[str, dict[str, Any], str, str, tuple[bool | None, ...]]] = [
    ("age", {}, "27", "27", SAME),
    ("age", {}, "27", "28", DIFFERENT),
    ("age", {"ok_range": 1}, "27", "27", SAME),
    ("age", {"ok_range": 1}, "27", "28", WITHIN),
    ("age", {"ok_range": 1}, "27", "26", WITHIN),
    ("age", {"ok_range": 1}, "27", "29", DIFFERENT),
    ("age", {"ok_range": [0, 2]}, "27", "29", WITHIN),
    ("age", {"ok_range": [0, 2]}, "27", "26", DIFFERENT),
    ("age", {"not_counted": ["99"]}, "27", "99", NOT_COMPARED),
    ("age", {"not_counted": ["99"]}, "99", "27", NOT_COMPARED),
    ("age", {"not_counted": ["99.0"]}, "99", "27", NOT_COMPARED),
    ("age", {}, "27", "", NOT_COMPARED),
    ("age", {}, "", "", NOT_COMPARED),
    ("age", {"empty_differs": True}, "27", "", DIFFERENT),
    ("age", {"empty_differs": True}, "", "27", DIFFERENT),
    ("age", {"empty_differs": True}, "", "", NOT_COMPARED),
    ("age", {"empty_differs": True, "ok_range": 5}, "27", "", DIFFERENT),
    ("age", {"empty_differs": True, "not_counted": ["99"]}, "99", "", NOT_COMPARED),
    ("weight", {}, "3.50", "3.5", SAME),
    ("weight", {"ok_range": 0.1}, "3.3", "3.4", WITHIN),  # 3.4 - 3.3 is more than 0.1 to a computer
    ("weight", {"ok_range": "10%"}, "3.0", "3.3", WITHIN),
    ("weight", {"ok_range": "10%"}, "3.0", "2.7", WITHIN),
    ("weight", {"ok_range": "10%"}, "3.3", "3.0", WITHIN),
    ("weight", {"ok_range": "10%"}, "3.0", "3.31", DIFFERENT),
    ("weight", {"ok_range": "10%"}, "-10", "-10.9", WITHIN),
    ("weight", {"ok_range": "10%"}, "0", "0.1", DIFFERENT),
    ("born", {}, "2026-10-01", "2026-10-01", SAME),
    ("born", {"ok_range": 3}, "2026-09-29", "2026-10-02", WITHIN),
    ("born", {"ok_range": 3}, "2026-09-29", "2026-10-03", DIFFERENT),
    ("crop", {"not_counted": ["unknown"]}, "rice", "rice", SAME),
    ("crop", {"not_counted": ["unknown"]}, "rice", "maize", DIFFERENT),
    ("crop", {"not_counted": ["unknown"]}, "rice", "unknown", NOT_COMPARED),
    ("crops", {"not_counted": ["unknown"]}, "rice maize", "maize rice", SAME),
    ("crops", {"not_counted": ["unknown"]}, "rice maize", "rice", DIFFERENT),
    ("crops", {"not_counted": ["unknown"]}, "rice maize", "rice unknown", NOT_COMPARED),
    ("village", {}, "Mopuya  Utara", " mopuya utara ", SAME),
    ("village", {}, "Mopuya", "Mopuyo", DIFFERENT),
    ("name", {}, SECRET, "Ani", DIFFERENT),
]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """All cases at once: each is an interview, its back check, and a variable of its own."""
    with house(tmp_path_factory.mktemp("compared")) as opened:
        for number, (name, _, original, again, _) in enumerate(CASES):
            opened.interview(f"K{number}", **{name: original})
            opened.back_check(f"K{number}", **{name: again})
        asked = [{"original": name, "back_check": name, **declared} for name, declared, *_ in CASES]
        opened.compare(variables=variables(**{f"case_{number}": case for number, case in enumerate(asked)}))
        yield opened


@pytest.mark.parametrize("number", range(len(CASES)), ids=[" ".join(map(str, case[:4])) for case in CASES])
def test_answers_are_compared(compared: House, number: int) -> None:
    found = compared.rows(
        f"""
        select is_compared, is_different, is_within_ok_range, is_error from marts.back_check_pairs
        where variable = 'case_{number}' and original_id = 'uuid:talk-{2 * number + 1:04d}'
        """
    )
    assert found == [CASES[number][-1]]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Nothing has been asked yet."""
    with house(tmp_path_factory.mktemp("forms")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (variables(nobody={}), "variable 'nobody': no question is called 'nobody'"),
        (variables(size={}), "variable 'size': 'beds/size' stands in a repeat"),
        (variables(at={}), "answers of type time and time cannot be compared"),
        (variables(age={"back_check": "crop"}), "answers of type integer and select_one cannot be compared"),
        (variables(crop={"ok_range": 1, "not_counted": ["unknown"]}), "'ok_range' is for numbers and days"),
        (variables(born={"ok_range": "5%"}), "'ok_range' of a day is a number of days"),
        (variables(age={"not_counted": ["none"]}), "'not_counted' must be answers that the question can have"),
        (variables(born={"not_counted": ["2026-01-01"]}), "'not_counted' must be answers"),
        (variables(crop={}), "the back check offers 'unknown', which the original form never does"),
        (variables(crop={"not_counted": ["unknown", "wheat"]}), "no choice is called 'wheat'"),
    ],
)
def test_what_cannot_be_compared_is_an_error(forms: House, declared: dict[str, Any], told: str) -> None:
    with pytest.raises(CheckError) as caught:
        forms.find(variables=declared)
    assert told in caught.value.what
    assert caught.value.what.startswith("back_checks.yml: ")
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"original": {"form": "song", "match": ["code", "round"]}}, "the original form is 'song', and the study's"),
        ({"back_check": {**YML["back_check"], "form": "song"}}, "names the form 'song', and no version of it is known"),
        ({"back_check": {**YML["back_check"], "checker": "name"}}, "'checker': 'name' is a direct identifier"),
        ({"original": {**YML["original"], "where": "${nobody} = 'x'"}}, "'where' of 'original' cannot be used"),
        ({"back_check": {**YML["back_check"], "where": "${"}}, "'where' of 'back_check' cannot be used"),
        ({"sample": {"share": 0.1, "seed": 1, "contacts": ["mobile"]}}, "'contacts': no question is called 'mobile'"),
    ],
)
def test_what_is_not_in_the_forms_is_an_error(forms: House, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(CheckError) as caught:
        forms.find(**changed)
    assert told in caught.value.what


def test_there_must_be_a_study_that_names_the_enumerators(home: House) -> None:
    home.declare_study("enumerator: who, ", "")
    with pytest.raises(CheckError, match="with the role enumerator"):
        home.find()
    home.project.study.unlink()
    with pytest.raises(CheckError, match="with the role enumerator"):
        home.find()


# --- error rates


def wilson(rate: float, n: float) -> tuple[float, float]:
    """Wilson (1927), written down by hand."""
    middle, half = rate + Z * Z / (2 * n), Z * sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n))
    return (middle - half) / (1 + Z * Z / n), (middle + half) / (1 + Z * Z / n)


def test_rates_by_enumerator_checker_and_centre(home: House) -> None:
    for number in range(12):
        home.interview(f"K{number}", who=("P1", "P2")[number % 2], centre=("c1", "c2")[number // 6])
        home.back_check(f"K{number}", who=("S1", "S2")[number % 3 == 0], age="27" if number % 4 else "99")
    home.compare()
    found = {
        row[:2]: row[2:]
        for row in home.rows(
            "select kind, code, interviews, compared, errors, ci_low, ci_high, is_few, is_alarming"
            " from marts.back_check_rates where variable is null"
        )
    }
    counts = {key: values[:3] for key, values in found.items()}
    assert counts == {
        ("all", ""): (12, 12, 3),
        ("enumerator", "P1"): (6, 6, 3),
        ("enumerator", "P2"): (6, 6, 0),
        ("checker", "S1"): (8, 8, 2),
        ("checker", "S2"): (4, 4, 1),
        ("centre", "c1"): (6, 6, 2),
        ("centre", "c2"): (6, 6, 1),
    }
    for key, (n, _, errors, low, high, is_few, is_alarming) in found.items():
        assert (low, high) == pytest.approx(wilson(errors / n, n), abs=1e-12), key
        assert is_few == (n < 10)
        assert is_alarming == (wilson(errors / n, n)[0] > 0.1)
    assert [key for key, values in found.items() if values[-1]] == [("enumerator", "P1")]


def test_types_and_variables_are_told_apart(home: House) -> None:
    home.interview("K1")
    home.back_check("K1", age="99", village="Elsewhere")
    home.compare(variables=variables(age={}, weight={"type": 2}, village={"type": 2}))
    rows = home.rows(
        "select type, variable, compared, errors, alarm_rate from marts.back_check_rates"
        " where kind = 'all' order by all"
    )
    assert rows == [
        (1, "age", 1, 1, 0.1),
        (1, None, 1, 1, 0.1),
        (2, "village", 1, 1, None),
        (2, "weight", 1, 0, None),
        (2, None, 2, 1, None),
    ]


def overall(home: House) -> tuple[Any, ...]:
    return home.rows(
        "select compared, errors, ci_low, ci_high from marts.back_check_rates where kind = 'all' and variable is null"
    )[0]


THREE = variables(age={}, weight={}, village={})
WRONG = {"age": "99", "weight": "9", "village": "Elsewhere"}


@pytest.mark.parametrize("is_together", [True, False])
def test_errors_that_come_together_count_as_fewer(home: House, is_together: bool) -> None:
    # 20 interviews of 3 answers, 12 of 60 wrong: all three in four interviews, or one in twelve
    for number in range(20):
        home.interview(f"K{number}")
        wrong = WRONG if number < 4 else {}
        if not is_together:
            wrong = dict([list(WRONG.items())[number % 3]]) if number < 12 else {}
        home.back_check(f"K{number}", **wrong)
    home.compare(variables=THREE)
    query = (
        "select compared, errors, ci_low, ci_high from marts.back_check_rates where kind = 'all' and variable is null"
    )
    (compared, errors, low, high) = home.rows(query)[0]
    assert (compared, errors) == (60, 12)
    # together: the design effect is that of clusters that are all right or all wrong, their size; apart: none
    assert (low, high) == pytest.approx(wilson(0.2, 20 if is_together else 60), abs=1e-12)


def test_with_few_interviews_each_counts_once(home: House) -> None:
    for number in range(9):
        home.interview(f"K{number}")
        home.back_check(f"K{number}", **dict([list(WRONG.items())[number % 3]]))
    home.compare(variables=THREE)
    compared, errors, low, high = overall(home)
    assert (compared, errors) == (27, 9)
    assert (low, high) == pytest.approx(wilson(1 / 3, 9), abs=1e-12)


def test_four_interviews_are_too_few_for_an_alarm(home: House) -> None:
    for number in range(4):
        home.interview(f"K{number}")
        home.back_check(f"K{number}", **WRONG)
    home.compare(variables=THREE)
    query = "select bool_or(is_alarming), min(ci_low) > 0.1 from marts.back_check_rates"
    assert home.rows(query) == [(False, True)]
    home.interview("K4")
    home.back_check("K4", **WRONG)
    home.compare(variables=THREE)
    assert home.rows(query) == [(True, True)]


@pytest.mark.parametrize(("answers", "ends"), [({}, (0, 1 - 20 / (20 + Z * Z))), (WRONG, (20 / (20 + Z * Z), 1))])
def test_where_none_or_all_are_wrong_the_interval_ends_there(
    home: House, answers: dict[str, str], ends: tuple[float, float]
) -> None:
    for number in range(20):
        home.interview(f"K{number}")
        home.back_check(f"K{number}", **answers)
    home.compare(variables=THREE)
    assert overall(home)[2:] == pytest.approx(ends, abs=1e-12)


# --- coverage


def test_coverage_counts_what_is_wanted_of_every_enumerator(home: House) -> None:
    for who, count in (("P1", 30), ("P2", 4), ("P3", 1), ("", 2)):
        for number in range(count):
            home.interview(f"{who}K{number}", who=who)
    for code in ("P1K0", "P1K1", "P1K2", "P1K3", "P1K4", "P1K5", "P1K6", "P2K0"):
        home.back_check(code)
    home.back_check("P1K9", consent="no")
    home.compare(sample={"share": 0.1, "at_least": 2, "seed": 1})
    query = "select code, interviews, attempted, compared, wanted, missing from marts.back_check_coverage"
    assert home.rows(f"{query} where kind = 'enumerator' order by code") == [
        ("", 2, 0, 0, 2, 2),
        ("P1", 30, 1, 7, 3, 0),  # a tenth of 30 is 3, though 0.1 * 30 is more to a computer
        ("P2", 4, 0, 1, 2, 1),
        ("P3", 1, 0, 0, 1, 1),
    ]
    # seven of P1 do not make up for what others lack
    assert home.rows(f"{query} where kind = 'all'") == [("", 37, 1, 8, 8, 4)]


def test_coverage_by_centre_where_the_sample_is_spread_over_centres(home: House) -> None:
    for number in range(10):
        home.interview(f"K{number}", centre=("c1", "c2")[number < 3])
    home.compare(sample={"share": 0.5, "seed": 1, "strata": ["enumerator", "centre"]})
    query = "select kind, code, interviews, wanted from marts.back_check_coverage order by all"
    assert home.rows(query) == [
        ("all", "", 10, 6),
        ("centre", "c1", 7, 4),
        ("centre", "c2", 3, 2),
        ("enumerator", "P1", 10, 6),
    ]


# --- tests


def results(home: House, variable: str) -> dict[tuple[str | None, str], tuple[Any, ...]]:
    query = "select level, test, n, original, back_check, estimate, p_value, reason from marts.back_check_tests"
    return {(row[0], row[1]): row[2:] for row in home.rows(f"{query} where variable = '{variable}'")}


def test_answers_of_types_2_and_3_are_tested(home: House) -> None:
    for number in range(12):
        home.interview(f"K{number}", weight=str(3 + number % 3), crop="rice")
        home.back_check(f"K{number}", weight=str(3 + number % 3 + (number < 6)), crop="maize" if number < 7 else "rice")
    home.interview("K90")
    home.back_check("K90", weight="", crop="unknown")
    home.compare(
        variables=variables(
            age={}, weight={"type": 2}, crop={"type": 3, "not_counted": ["unknown"]}, phone={"type": 3}, crops={
                "type": 3, "not_counted": ["unknown"]
            }
        )
    )  # fmt: skip
    home.test()
    assert {row[0] for row in home.rows("select distinct variable from marts.back_check_tests")} == {"weight", "crop"}
    weight = results(home, "weight")
    assert weight[None, "paired_t"][:4] == pytest.approx((12, 4, 4.5, 0.5))
    assert weight[None, "signed_rank"][4] == pytest.approx(2 / 2**6)
    assert set(weight) == {(None, "paired_t"), (None, "signed_rank"), (None, "reliability")}
    crop = results(home, "crop")
    assert {level for level, _ in crop} == {"rice", "maize", "beans"}
    assert crop["maize", "mcnemar"][:4] == pytest.approx((12, 0, 7 / 12, 7 / 12))
    assert crop["maize", "mcnemar"][4] == pytest.approx(2 / 2**7)
    assert crop["beans", "proportions"][-1] == "all or none chose it both times"


def test_fewer_than_ten_pairs_say_so_and_give_no_mean(home: House) -> None:
    for number in range(9):
        home.interview(f"K{number}")
        home.back_check(f"K{number}", weight="4")
    home.compare(variables=variables(weight={"type": 3}))
    home.test()
    for n, original, again, estimate, p_value, reason in results(home, "weight").values():
        assert (n, reason) == (9, "fewer than 10 pairs")
        assert (original, again, estimate, p_value) == (None,) * 4


def test_no_pairs_at_all_is_no_fault(home: House) -> None:
    home.interview("K1")
    home.compare(variables=variables(weight={"type": 3}, crop={"type": 2, "not_counted": ["unknown"]}))
    home.test()
    assert {row[-1] for row in results(home, "weight").values()} == {"fewer than 10 pairs"}
    assert {row[-1] for row in results(home, "crop").values()} == {"fewer than 10 pairs"}


# --- what leaves the warehouse


def test_no_table_of_the_back_checks_holds_an_answer(home: House) -> None:
    asked = ("name", "phone", "age", "weight", "born", "village")
    told = {"age": "7654321", "weight": "7.1252", "born": "2025-03-14", "village": "Tersembunyi", "phone": "81234567"}
    again = {"age": "7654327", "weight": "7.3754", "born": "2025-03-19", "village": "Rahasia", "phone": "85678901"}
    for number in range(12):
        home.interview(f"K{number}", **told)
        home.back_check(f"K{number}", **again)
    home.compare(variables=variables(**{name: {"type": 3} for name in asked}))
    home.test()
    answers = (SECRET, *told.values(), *again.values())
    for table in (*TABLES, "back_check_tests"):
        # means and shares of twelve are no answers
        columns = "variable, level, test, reason" if table == "back_check_tests" else "*"
        texts = " ".join(map(str, home.rows(f"select {columns} from marts.{table}")))
        assert not [answer for answer in answers if answer in texts], table
    private = {row[0] for row in home.rows("select variable from marts.back_check_variables where is_private")}
    assert private == {"name", "phone"}
    assert not private & {row[0] for row in home.rows("select variable from marts.back_check_tests")}
