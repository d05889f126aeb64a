"""The kinds of checks that hold records against each other, against lists, and against the earlier round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality.declared import make_check
from laktasi.quality.duplicates import differences
from laktasi.quality.kinds import duplicates
from laktasi.quality.plan import make_plan
from tests.answers_fixture import Answered
from tests.kinds_fixture import MESSAGES, asked, batches_of, failing, house, ids, opened
from tests.warehouse_fixture import FORM, STUDY, form, warehouse

__all__ = ["house", "opened"]  # fixtures


def put(folder: Path, text: str, name: str = "list.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


# Outliers


def weights(*values: float | str, **more: str) -> list[dict[str, str]]:
    return [{"weight": str(value)} | more for value in values]


def test_an_outlier_lies_beyond_one_and_a_half_times_the_spread_of_the_quartiles(house: Answered) -> None:
    # 1 … 20: Q1 = 5.75, Q3 = 15.25 (R type 7); with one more, 1 … 21: 6, 16, so beyond 31
    house.take(*weights(*range(1, 21), 31), {"weight": ""})
    assert failing(house, kind="outlier", question="weight") == set()
    house.emptied().take(*weights(*range(1, 21), 31.1))
    assert failing(house, kind="outlier", question="weight") == ids(20)
    assert failing(house, kind="outlier", question="weight", factor=3) == set()


def test_quartiles_between_two_numbers_are_interpolated(house: Answered) -> None:
    # 1 … 21 and one more: Q1 = 6.25, Q3 = 16.75, so beyond 32.5; the nearest numbers would say 33.5
    house.take(*weights(*range(1, 22), 33))
    assert failing(house, kind="outlier", question="weight") == ids(21)


def test_an_outlier_lies_beyond_three_standard_deviations(house: Answered) -> None:
    house.take(*weights(*[0, 2] * 20, 9))
    # mean 1.195, sd 1.584: 3 sd reach to 5.95, 5 sd to 9.12
    assert failing(house, kind="outlier", question="weight", method="sd") == ids(40)
    assert failing(house, kind="outlier", question="weight", method="sd", factor=5) == set()


def test_an_outlier_is_one_of_its_group_and_a_small_group_has_none(house: Answered) -> None:
    house.take(*weights(*range(1, 21), centre="c1"), *weights(*range(101, 121), 15, centre="c2"))
    assert failing(house, kind="outlier", question="weight") == set()
    assert failing(house, kind="outlier", question="weight", by="centre") == ids(40)
    assert failing(house, kind="outlier", question="weight", by="centre", at_least=22) == set()
    assert failing(house, kind="outlier", question="weight", where="${weight} > 10 and ${weight} < 120") == set()


def test_what_has_no_spread_is_not_compared(house: Answered) -> None:
    # both quartiles are 3, so every other number would be accused
    house.take(*weights(*[3] * 18, 2.9, 3.1, 30))
    assert asked(house, kind="outlier", question="weight") == {}
    assert failing(house, kind="outlier", question="weight", method="sd") == ids(20)
    # the mean of these is not 0.1 to the last digit
    house.emptied().take(*weights(*[0.1] * 30))
    assert asked(house, kind="outlier", question="weight", method="sd") == {}
    house.emptied().take(*weights(*range(19)))
    assert asked(house, kind="outlier", question="weight") == {}
    assert asked(house, kind="near_others", question="weight", at_most=1, at_least=20) == {}


@pytest.mark.parametrize(("factor", "fewest"), [(None, 11), (2, 6), (5, 27)])
def test_so_few_numbers_that_none_can_be_far_off_are_refused(
    house: Answered, factor: float | None, fewest: int
) -> None:
    sd: dict[str, Any] = {"kind": "outlier", "question": "weight", "method": "sd"}
    sd |= {"factor": factor} if factor else {}
    house.take(*weights(*[1] * (fewest - 1), 1000))
    assert failing(house, **sd, at_least=fewest) == ids(fewest - 1)
    with pytest.raises(ValueError, match=f"'at_least' must be at least {fewest}: of fewer numbers none can lie"):
        batches_of(house, **sd, at_least=fewest - 1)
    # what is not said is 20, or as many as it takes
    assert set(asked(house, **sd)) == (set() if fewest < 20 else ids(*range(fewest)))


def test_only_numbers_have_outliers(house: Answered) -> None:
    with pytest.raises(CheckError, match="check 'x': 'observed' is of type select_one, and a number is needed"):
        batches_of(house, kind="outlier", question="observed")


def test_rows_of_a_repeat_are_held_against_each_other_by_what_the_form_says(house: Answered) -> None:
    house.take(*[{}] * 20, infants=("3", "4"))
    house.take({"centre": "c2"}, infants=("50",))
    assert failing(house, kind="outlier", question="infant_weight") == {"uuid:20 1"}
    assert failing(house, kind="outlier", question="infant_weight", by="centre") == set()
    assert failing(house, kind="outlier", question="infant_weight", by="massage") == {"uuid:20 1"}


def test_a_date_far_from_the_others_of_its_place_is_found(house: Answered) -> None:
    near, far = {"today": "2026-11-02"}, {"today": "2026-08-01"}
    house.take(near, near, near, near, far, {**far, "centre": "c2"})
    assert failing(house, kind="near_others", question="today", at_most=60) == ids(4)
    assert failing(house, kind="near_others", question="today", at_most=93) == set()
    assert failing(house, kind="near_others", question="today", at_most=60, by="all", at_least=7) == set()
    house.emptied().take(*weights(3, 3, 3, 3, 3.6))
    assert failing(house, kind="near_others", question="weight", at_most=0.5) == ids(4)


def test_a_question_whose_type_was_widened_is_still_compared(tmp_path: Path) -> None:
    wider = {"| | decimal | weight": "| | integer | weight", "| | date | moved": "| | dateTime | moved"}
    with warehouse(tmp_path, form("1", more="| | date | moved | A | B | none | |")) as opened:
        opened.take(form("2", more="| | date | moved | A | B | none | |", change=wider))
        house = Answered(opened.con, opened.questionnaires)
        given = {"moved": "2026-11-02"}
        house.take(*[{"weight": f"{2 + number / 8}"} | given for number in range(20)], {"weight": "70.5"})
        later = {"weight": "3", "moved": "2026-11-02T23:30:00.000+08:00"}
        house.take(*[later] * 5, {"weight": "80", "moved": "2026-12-30T00:30:00.000+08:00"}, version="2")
        assert failing(house, kind="outlier", question="weight") == {"uuid:20", "uuid:26"}
        assert failing(house, kind="near_others", question="moved", at_most=57) == {"uuid:26"}
        assert failing(house, kind="near_others", question="moved", at_most=58) == set()
        # a check that only one version fits meets the column as all versions together let it stand
        old = opened.questionnaires[FORM, "1"]
        old = replace(old, fields=tuple(item for item in old.fields if item.column != "massage"))
        older = replace(house, questionnaires={**opened.questionnaires, (FORM, "1"): old})
        late: dict[str, Any] = {"kind": "near_others", "question": "moved", "at_most": 9, "where": "${massage} = 'yes'"}
        assert failing(older, **late) == {"uuid:26"}


def test_the_order_of_ticks_means_nothing(house: Answered) -> None:
    house.take(
        {"mother__nickname": "A", "today": "2026-11-01", "signs": "wet calm"},
        {"mother__nickname": "A", "today": "2026-11-02", "signs": "calm wet"},
        {"mother__nickname": "A", "today": "2026-11-03", "signs": "calm"},
    )
    same: dict[str, Any] = {"kind": "same_as_earlier", "questions": ["signs"], "subject": "nickname"}
    assert failing(house, **same) == ids(2)
    assert failing(house, kind="unique", questions=["signs"]) == ids(0, 1)
    compared = ["signs", "mother/nickname", "centre"]
    assert failing(house, kind="near_duplicate", questions=compared, at_least=3, share=1) == ids(0, 1)


def test_numbers_come_twice_however_they_are_written(house: Answered) -> None:
    house.take(*weights(3000, 3000.5), {"weight": "3000.0"}, {"weight": "heavy"}, {"weight": "heavy"})
    assert failing(house, kind="unique", questions=["weight"]) == ids(0, 2, 3, 4)
    house.emptied().take(*[{"mother__age": age} for age in ("007", "7", "9007199254740993", "9007199254740992")])
    assert failing(house, kind="unique", questions=["mother/age"]) == ids(0, 1)


# Lists


def test_an_answer_stands_on_the_list_as_it_is_written(house: Answered, tmp_path: Path) -> None:
    folder = put(tmp_path, "\ufeffcode,centre\n 01 ,c1\n02,c2\n")
    codes = ("01", "1", "02", "", "03")
    house.take(*[{"mother__nickname": code} for code in codes])
    check: dict[str, Any] = {"kind": "listed", "question": "nickname", "list": "list.csv", "column": "code"}
    assert failing(house, folder, **check) == ids(1, 4)
    assert set(asked(house, folder, **check)) == ids(0, 1, 2, 4)
    assert failing(house, folder, **check, same={"centre": "centre"}) == ids(1, 2, 4)


def test_a_code_lies_in_the_range_handed_out_to_its_enumerator(house: Answered, tmp_path: Path) -> None:
    folder = put(tmp_path, "enumerator,from,to\nP01,0100,0199\nP01,0300,0300\nP02,1,250\n")
    cases = [
        *(("P01", code) for code in ("0100", "0199", "0200", "0300", "150")),
        *(("P02", code) for code in ("1", "250", "251", "0007", "x")),
        ("P03", "0100"),
    ]
    house.take(*[{"enumerator": who, "mother__nickname": code} for who, code in cases])
    assert failing(house, folder, kind="allotted", question="nickname", list="list.csv") == ids(2, 4, 7, 9, 10)
    put(tmp_path, "from,to\n0100,0199\n")
    assert failing(house, folder, kind="allotted", question="nickname", list="list.csv", by="all") == ids(
        2, 3, 4, 5, 6, 7, 8, 9
    )


def test_numbers_are_looked_up_as_numbers(house: Answered, tmp_path: Path) -> None:
    folder = put(tmp_path, "from,to,weight\n3000,3000,3000\n3100,3100,3100.0\n1,150,7\n")
    house.take(*weights("3000", "3000.0", 3100, 3200, 150.4, "007"))
    listed: dict[str, Any] = {"kind": "listed", "question": "weight", "list": "list.csv"}
    assert failing(house, folder, **listed) == ids(3, 4)
    allotted: dict[str, Any] = {"kind": "allotted", "question": "weight", "list": "list.csv", "by": "all"}
    assert failing(house, folder, **allotted) == ids(3, 4)
    house.take({"mother__age": "3000", "weight": ""}, {"mother__age": "7", "weight": ""})
    # a whole number in one question and a decimal in another
    assert failing(house, kind="matches", question="mother/age", in_question="weight") == set()
    house.take({"mother__age": "3001", "weight": ""})
    assert failing(house, kind="matches", question="mother/age", in_question="weight") == ids(8)


@pytest.mark.parametrize("kind", ["listed", "allotted", "matches"])
def test_what_has_several_values_is_no_code(house: Answered, tmp_path: Path, kind: str) -> None:
    folder = put(tmp_path, "from,to,signs\n1,2,wet\n")
    more = {} if kind == "matches" else {"list": "list.csv"}
    more |= {"by": "all"} if kind == "allotted" else {}
    with pytest.raises(CheckError, match="check 'x': 'signs' is of type select_multiple, which has several values"):
        batches_of(house, folder, kind=kind, question="signs", **more)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "a check needs this file, and it is not there"),
        ("enumerator,from,to\n", "it has no rows"),
        ("", "it has no rows"),
        ("enumerator,von,to\nP01,1,2\n", "it has no column 'from'; its columns are enumerator, von, to"),
        ("enumerator,from,to\nP01,1\n", "row 2 has not as many cells as the first row"),
        ("enumerator,from,to\nP01,1,2\nP01,9,1\n", "row 3: 'from' and 'to' must be codes of the same length"),
        ("enumerator,from,to\nP01,A1,A22\n", "row 2: 'from' and 'to' must be codes of the same length"),
    ],
)
def test_a_list_that_cannot_be_used_is_an_error_that_names_it(
    house: Answered, tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        put(tmp_path, text)
    with pytest.raises(CheckError) as raised:
        batches_of(house, tmp_path, kind="allotted", question="nickname", list="list.csv")
    assert "list.csv" in raised.value.what
    assert "check 'x'" in raised.value.what
    assert said in raised.value.what
    assert raised.value.next_step


def test_a_list_that_is_not_text_is_an_error(house: Answered, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("code\nT\xe9\n".encode("latin-1"))
    with pytest.raises(CheckError, match=r"list\.csv: not UTF-8 text"):
        batches_of(house, tmp_path, kind="listed", question="nickname", list="list.csv", column="code")
    with pytest.raises(ValueError, match="'list' must be the name of a CSV file"):
        batches_of(house, tmp_path, kind="listed", question="nickname", list="../list.csv")


# Other records


def test_an_id_is_looked_for_among_the_other_records(house: Answered) -> None:
    first, later = {"massage": "no"}, {"massage": "yes"}
    house.take(
        {**first, "mother__nickname": "A"},
        {**later, "mother__nickname": "A"},
        {**later, "mother__nickname": "B"},
        {**later, "mother__nickname": "B"},
        {**later, "mother__nickname": ""},
    )
    check: dict[str, Any] = {"kind": "matches", "question": "nickname", "in_where": "${massage} = 'no'"}
    assert failing(house, **check, where="${massage} = 'yes'") == ids(2, 3)
    # a record is no match of its own
    assert failing(house, **check) == ids(0, 2, 3)
    assert failing(house, kind="matches", question="nickname") == set()


def test_a_version_that_lacks_what_the_other_records_are_chosen_by_stops_nothing(house: Answered) -> None:
    house.take({"mother__nickname": "A"}, {"mother__nickname": "B"})
    house.take({"mother__nickname": "B", "massage": "no"}, version="2")
    old, new = house.questionnaires[FORM, "1"], house.questionnaires[FORM, "2"]
    without = replace(old, fields=tuple(item for item in old.fields if item.column != "massage"))
    older = replace(house, questionnaires={(FORM, "1"): without, (FORM, "2"): new})
    check: dict[str, Any] = {"kind": "matches", "question": "nickname", "in_where": "${massage} = 'no'"}
    # its own records are not asked, as of any check that names the question; nor do they count as a match
    assert failing(older, **check) == ids(2)
    assert failing(older, **check, in_form=FORM) == ids(0, 2)
    for in_form in ({}, {"in_form": FORM}):
        declared = make_check({"id": "x", "severity": "warning", "message": MESSAGES} | check | in_form)
        gaps = make_plan(older.questionnaires, [declared], con=house.con, study=STUDY).gaps
        told = [(gap.version, gap.reason) for gap in gaps if gap.field == "x"]
        assert told == [("1", "this version does not ask 'massage'")]
    with pytest.raises(CheckError, match=r"check 'x': its expression cannot be used: .*no question is called 'massag'"):
        failing(house, **check | {"in_where": "${massag} = 'no'", "in_form": FORM})


def test_an_id_is_looked_for_in_another_form_that_must_be_known(house: Answered) -> None:
    house.take({"mother__nickname": "E9", "enumerator": "E1"}, {"mother__nickname": "E1", "enumerator": "E2"})
    found = failing(house, kind="matches", question="nickname", in_form="visit", in_question="enumerator")
    assert found == ids(0)
    with pytest.raises(CheckError, match="check 'x' compares with the form 'visits', of which no version is known"):
        batches_of(house, kind="matches", question="nickname", in_form="visits")
    with pytest.raises(CheckError, match="check 'x': no version of the form 'visit' asks 'nick'"):
        batches_of(house, kind="matches", question="nickname", in_question="nick")


def seen(code: str, day: str, weight: str, **more: str) -> dict[str, str]:
    return {"mother__nickname": code, "today": f"2026-11-{day}", "start": "", "weight": weight, **more}


def test_what_cannot_change_is_as_in_the_earlier_round(house: Answered) -> None:
    house.take(
        seen("A", "02", "3.0", massage="no", observed="good"),  # the first of A
        seen("A", "09", "3.0"),  # agrees
        seen("A", "09", "3.1"),  # does not
        seen("A", "09", ""),  # has nothing to compare
        seen("B", "09", "3.3"),  # has no earlier round
        seen("A", "01", "3.2"),  # differs, by a phone that is a day slow
    )
    house.con.execute("update answers.visit set weight = '3.0' where _submission_id = 'uuid:0'")
    house.take(seen("", "09", "9"))
    check: dict[str, Any] = {
        "kind": "same_as_earlier",
        "questions": ["weight"],
        "subject": "nickname",
        "earlier": "${massage} = 'no'",
        "where": "${massage} = 'yes'",
    }
    assert asked(house, **check) == {"uuid:1": True, "uuid:2": False, "uuid:5": False}


def test_of_several_questions_those_count_that_both_rounds_answer(house: Answered) -> None:
    house.take(seen("A", "02", "3.0", observed="good"), seen("A", "09", "3.0"), seen("A", "10", "", observed="poor"))
    check: dict[str, Any] = {"kind": "same_as_earlier", "questions": ["weight", "observed"], "subject": "nickname"}
    # the third and the second answer nothing in common
    assert asked(house, **check) == {"uuid:1": True, "uuid:2": False}


def test_without_a_round_the_earlier_record_counts(house: Answered) -> None:
    house.take(seen("A", "09", "3.1"), seen("A", "02", "3.0"), seen("A", "10", "3.1"), seen("B", "11", "3.5"))
    check: dict[str, Any] = {"kind": "same_as_earlier", "questions": ["weight"], "subject": "nickname"}
    # the last agrees with one of the two before it
    assert asked(house, **check) == {"uuid:0": False, "uuid:2": True}
    with pytest.raises(CheckError, match=r"check 'x': groups by 'subject', and study\.yml has no such role"):
        batches_of(house, kind="same_as_earlier", questions=["weight"])
    with pytest.raises(CheckError, match="'infants/infant_weight' stands in a repeat"):
        batches_of(house, kind="same_as_earlier", questions=["infant_weight"], subject="nickname")


def test_where_is_asked_of_each_row_of_a_repeat(house: Answered) -> None:
    house.take({"mother__nickname": "A"}, infants=("3", "9", "3"))
    house.take({"mother__nickname": "B"}, infants=("9", "3"))
    heavy = "${infant_weight} = 9"
    once: dict[str, Any] = {"kind": "unique", "questions": ["infant_weight"]}
    assert failing(house, **once, where=heavy) == {"uuid:0 2", "uuid:1 1"}
    assert failing(house, **once, where=f"{heavy} and ${{nickname}} = 'A'") == set()
    near: dict[str, Any] = {"kind": "near_others", "question": "infant_weight", "at_most": 1, "at_least": 2}
    assert set(asked(house, **near, where=heavy)) == {"uuid:0 2", "uuid:1 1"}
    assert set(asked(house, **near, where="${nickname} = 'B'")) == {"uuid:1 1", "uuid:1 2"}
    # of a record as a whole only all of them together can be asked
    records: dict[str, Any] = {"kind": "unique", "questions": ["centre"]}
    assert failing(house, **records, where="count(${infant_weight}) >= 2 and sum(${infant_weight}) > 1") == ids(0, 1)
    assert failing(house, **records, where="count(${infant_weight}) > 2") == set()
    for check in (records, {"kind": "near_duplicate", "questions": SIX, "at_least": 3}):
        with pytest.raises(CheckError, match=r"check 'x': .* names 'infant_weight', which stands in a repeat"):
            batches_of(house, **check, where=heavy)


def asking(expression: str) -> list[dict[str, Any]]:
    """Give a check for every place where an expression can stand."""
    matches = {"kind": "matches", "question": "nickname", "in_where": expression}
    return [
        {"kind": "unique", "questions": ["weight"], "where": expression},
        {"kind": "row", "expression": expression},
        {"kind": "share", "of": expression, "at_most": 0.1},
        {"kind": "same_as_earlier", "questions": ["weight"], "subject": "nickname", "earlier": expression},
        matches,
        matches | {"in_form": FORM},
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "${observed} = 'god'",
        "'god' != ${observed}",
        "not(selected(${signs}, 'god'))",
        "${age} > -1 and ${signs} = 'wet god'",
    ],
)
def test_a_choice_that_nobody_can_give_is_a_slip(house: Answered, expression: str) -> None:
    for check in asking(expression):
        with pytest.raises(CheckError, match=r"check 'x' compares '(observed|signs)' with 'god', and no form version"):
            batches_of(house, **check)
    for check in asking(expression.replace("god", "")):
        batches_of(house, **check)
    # one version is enough; of a text anything may be said
    old = house.questionnaires[FORM, "1"]
    milk = old.choice_lists["milk"]
    wider = replace(milk, choices=(*milk.choices, replace(milk.choices[0], value="god")))
    old = replace(old, choice_lists={**old.choice_lists, "milk": wider})
    newer = replace(house, questionnaires={**house.questionnaires, (FORM, "1"): old})
    batches_of(newer, kind="row", expression="${observed} = 'god' and ${nickname} != 'god'")


# Too much alike

SIX = ["mother/nickname", "mother/age", "observed", "signs", "weight", "code"]
SAME = {
    "mother__nickname": "A",
    "mother__age": "30",
    "observed": "good",
    "signs": "wet",
    "weight": "3",
    "code": "k",
}
"""Six answers."""


def alike(house: Answered, **more: Any) -> set[str]:
    check: dict[str, Any] = {"kind": "near_duplicate", "questions": SIX, "at_least": 3, "share": 0.8}
    return failing(house, **check | more)


def test_interviews_that_agree_nearly_everywhere_are_found(house: Answered) -> None:
    house.take(SAME, {**SAME, "weight": "4"}, {"mother__age": "31", "code": "z"})
    assert alike(house) == ids(0, 1)
    assert alike(house, share=0.9) == set()
    assert alike(house, at_least=6) == set()
    assert alike(house, where="${weight} = 3") == set()


def test_each_pair_that_differs_in_as_much_as_allowed_is_found_wherever_it_differs(house: Answered) -> None:
    for column in SAME:
        house.emptied().take(SAME, {**SAME, column: "z" if column not in ("mother__age", "weight") else "9"})
        assert alike(house) == ids(0, 1), column
        house.emptied().take(SAME, {**SAME, column: ""})
        assert alike(house) == ids(0, 1), column


def test_what_neither_answers_makes_nobody_alike(house: Answered) -> None:
    few = {"mother__age": "30", "observed": "good", "weight": ""}
    house.take(few, {**few, "observed": "poor"})
    assert alike(house, at_least=2) == set()
    house.emptied().take(few, few)
    assert alike(house, at_least=2) == ids(0, 1)
    assert alike(house, at_least=3) == set()


def test_only_interviews_of_one_group_within_some_days_are_compared(house: Answered) -> None:
    house.take(SAME, {**SAME, "enumerator": "P02"}, {**SAME, "today": "2026-11-17"})
    assert alike(house) == set()
    assert alike(house, by="all") == ids(0, 1)
    assert alike(house, days=15) == ids(0, 2)


def test_where_too_many_agree_by_chance_only_what_is_all_the_same_is_told(
    house: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [{**SAME, "enumerator": "P02", "weight": weight} for weight in "34"]
    house.take(SAME, SAME, {**SAME, "weight": "4"}, *others)
    check: dict[str, Any] = {"kind": "near_duplicate", "questions": SIX, "at_least": 3, "share": 0.8}
    whole = dict.fromkeys(sorted(ids(0, 1, 2, 3, 4)), False)
    # P01's two sheets of answers agree in one of two hands, as P02's: a pair each
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 1)
    assert asked(house, **check) == whole
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 0)
    assert asked(house, **check) == dict.fromkeys(sorted(ids(0, 1)), False)
    assert asked(house, **check, where="${weight} = 4") == {"uuid:2": True, "uuid:4": True}


def test_pairs_of_neighbouring_spans_are_counted_as_well(house: Answered, monkeypatch: pytest.MonkeyPatch) -> None:
    house.take(SAME, *[{**SAME, "weight": "4", "today": f"2026-11-{day:02d}"} for day in range(3, 16)])
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 12)
    check: dict[str, Any] = {"kind": "near_duplicate", "questions": SIX, "at_least": 3, "share": 0.8, "days": 1}
    assert asked(house, **check) == {}


def test_by_itself_it_compares_what_people_answer_by_hand(house: Answered) -> None:
    (batch,) = batches_of(house, kind="near_duplicate", form="visit", at_least=5)
    assert batch.rules[0].kind == "set"
    for column in ("mother__name", "mother__age", "observed", "signs", "code"):
        assert f'"{column}"' in batch.select
    for column in ("today", "start", "end", "milk", "place__lat"):
        assert f'r."{column}"' not in batch.select
    with pytest.raises(CheckError, match="6 questions are compared, and 'at_least' asks for 7"):
        alike(house, at_least=7)


def test_the_questions_that_differ_are_told_and_no_answer(house: Answered) -> None:
    house.take(SAME, {**SAME, "weight": "4", "observed": ""}, {**SAME, "mother__nickname": "B"}, {**SAME, "code": ""})
    house.take({**SAME, "code": ""}, version="2")
    check = make_check(
        {
            **{"id": "x", "kind": "unique", "severity": "error", "message": MESSAGES},
            "questions": ["mother/nickname", "code"],
        }
    )
    (found,) = differences(house.con, house.questionnaires, check, "uuid:1")
    assert differences(house.con, house.questionnaires, check, "uuid:2") == ()
    assert found.form_id == "visit"
    assert found.submissions == ("uuid:0", "uuid:1")
    assert found.questions == ("observed", "weight")
