"""The kinds of checks that measure groups: rates, answers that look invented, targets, silence, versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality.declared import make_check
from laktasi.quality.plan import Batch, make_plan
from laktasi.questionnaire.xform import parse
from tests.answers_fixture import CHANGE, MORE, Answered
from tests.kinds_fixture import house, opened
from tests.warehouse_fixture import FORM, STUDY, form

__all__ = ["house", "opened"]  # fixtures

Value = tuple[Any, int]


def batch_of(house: Answered, folder: Path | None = None, study: Any = STUDY, **declared: Any) -> Batch:
    entry = {"id": "x", "form": FORM, "severity": "warning", "message": {"id": "a", "en": "b"}} | declared
    plan = make_plan(house.questionnaires, [make_check(entry)], con=house.con, study=study, schemas=folder)
    (batch,) = [item for item in plan.batches if item.rules[0].rule_id == "x"]
    return batch


def measured(house: Answered, folder: Path | None = None, study: Any = STUDY, **declared: Any) -> dict[str, Value]:
    """Give value and number of records of every group."""
    rows = house.rows(batch_of(house, folder, study, **declared).select)
    assert all(row[0] == "" and row[-1] for row in rows), "each group stands there once"
    return {row: (value, n) for _, row, value, n, _ in rows}


def outside(house: Answered, folder: Path | None = None, **declared: Any) -> set[str]:
    """Give the groups that the check would accuse."""
    batch = batch_of(house, folder, **declared)
    low, high = batch.low, batch.high
    return {
        row
        for row, (value, _) in measured(house, folder, **declared).items()
        if value is not None and ((low is not None and value < low) or (high is not None and value > high))
    }


# Missing answers


def test_a_missing_answer_counts_only_where_the_question_was_asked(house: Answered) -> None:
    house.take(*[{"weight": "3"}] * 10, *[{"weight": ""}] * 10, *[{"massage": "no"}] * 30)
    found = measured(house, kind="missing_rate", questions=["weight"], at_most=0.1, by="enumerator")
    value, n = found["enumerator:P01"]
    assert n == 20
    # Wilson's interval of 10 in 20, from Brown, Cai and DasGupta's formula 4 by hand
    assert value == pytest.approx(0.2993, abs=5e-5)


def test_a_small_group_is_not_compared_and_a_large_one_is(house: Answered) -> None:
    house.take(*[{"weight": ""}] * 19, *[{"weight": "", "enumerator": "P02"}] * 20)
    found = measured(house, kind="missing_rate", questions=["weight"], at_most=0.1, by="enumerator")
    assert found["enumerator:P01"] == (None, 19)
    assert outside(house, kind="missing_rate", questions=["weight"], at_most=0.1, by="enumerator") == {"enumerator:P02"}
    few: dict[str, Any] = {
        "kind": "missing_rate",
        "questions": ["weight"],
        "at_most": 0.1,
        "by": "enumerator",
        "at_least_rows": 5,
    }
    assert outside(house, **few) == {"enumerator:P01", "enumerator:P02"}


def test_a_rate_that_chance_explains_is_no_finding(house: Answered) -> None:
    house.take(*[{"weight": ""}] * 3, *[{"weight": "3"}] * 17)
    assert not outside(house, kind="missing_rate", questions=["weight"], at_most=0.1)
    house.take(*[{"weight": ""}] * 30, *[{"weight": "3"}] * 170)
    assert outside(house, kind="missing_rate", questions=["weight"], at_most=0.1) == {"all:"}


def test_none_at_all_may_be_missing_and_none_is(house: Answered) -> None:
    house.take(*[{"weight": "3"}] * 20)
    assert not outside(house, kind="missing_rate", questions=["weight"], at_most=0)
    house.take({"weight": ""})
    assert outside(house, kind="missing_rate", questions=["weight"], at_most=0) == {"all:"}


def test_of_several_questions_one_missing_is_enough(house: Answered) -> None:
    house.take(*[{"weight": "3", "observed": ""}] * 10, *[{"weight": "3", "observed": "good"}] * 20)
    found = measured(house, kind="missing_rate", questions=["weight", "observed"], at_most=0.1)
    alone = measured(house, kind="missing_rate", questions=["observed"], at_most=0.1)
    assert found == alone
    assert found["all:"][1] == 30


def test_each_question_of_the_form_is_told_by_itself(house: Answered) -> None:
    house.take(*[{"weight": "3", "place": "-1 120 0 5"}] * 20)
    found = measured(house, kind="missing_rate", by="question", at_most=0.5)
    assert {row for row, (value, _) in found.items() if value == 0} == {
        f"question:{path}" for path in ("consent", "centre", "enumerator", "massage", "weight", "place")
    }
    # what is computed, what the phone fills, and what only stands there is not asked
    assert not {"question:milk", "question:start", "question:today"} & set(found)
    assert found["question:infants/infant_weight"] == (None, 0)
    assert "question:mother/nickname" in outside(house, kind="missing_rate", by="question", at_most=0.5)


def test_a_question_that_moved_stops_no_check_that_has_not_named_it(house: Answered) -> None:
    house.take(*[{"weight": "3"}] * 20)
    old = house.questionnaires[FORM, "1"]
    table = old.tables[1].name
    fields = tuple(replace(item, table=table) if item.column == "observed" else item for item in old.fields)
    moved = replace(house, questionnaires={**house.questionnaires, (FORM, "1"): replace(old, fields=fields)})
    near: dict[str, Any] = {"kind": "near_duplicate", "at_least": 3}
    for declared in ({"kind": "missing_rate", "by": "question", "at_most": 0.5}, near):
        entry = {"id": "x", "form": FORM, "severity": "warning", "message": {"id": "a", "en": "b"}}
        plan = make_plan(moved.questionnaires, [make_check(entry | declared)], con=house.con, study=STUDY)
        told = [(gap.version, gap.reason) for gap in plan.gaps if gap.field == "x"]
        assert told == [(None, "'observed' stands in different tables in the versions")]
    found = measured(moved, kind="missing_rate", by="question", at_most=0.5)
    assert "question:observed" not in found
    assert "question:centre" in found
    with pytest.raises(CheckError, match="'observed' stands in different tables"):
        measured(moved, kind="missing_rate", questions=["observed"], at_most=0.5)


def test_a_repeat_counts_its_rows(house: Answered) -> None:
    house.take(*[{}] * 10, infants=["3", ""])
    value, n = measured(house, kind="missing_rate", questions=["infant_weight"], at_most=0.1, by="enumerator")[
        "enumerator:P01"
    ]
    assert n == 20
    assert value == pytest.approx(0.2993, abs=5e-5)


def test_questions_of_different_tables_are_not_counted_together(house: Answered) -> None:
    house.take({})
    with pytest.raises(CheckError, match="check 'x' counts questions of different tables: visit, visit__infants"):
        measured(house, kind="missing_rate", questions=["weight", "infant_weight"], at_most=0.1)


def test_whether_a_question_was_asked_must_be_known(house: Answered) -> None:
    house.take(*[{"weight": ""}] * 20)
    chance = {old: new.replace("${massage} = 'yes'", "random() > 0.5") for old, new in CHANGE.items()}
    unknown = parse(form("1", more=MORE, change=chance).xform, {})
    guessing = replace(house, questionnaires={(FORM, "1"): unknown})
    with pytest.raises(CheckError, match="check 'x': whether 'weight' was asked cannot be told afterwards"):
        measured(guessing, kind="missing_rate", questions=["weight"], at_most=0.1)
    found = measured(guessing, kind="missing_rate", by="question", at_most=0.5)
    assert found["question:weight"] == (None, 0)
    assert found["question:observed"][1] == 20


def test_groups_are_not_named_by_direct_identifiers(house: Answered) -> None:
    house.take({})
    with pytest.raises(CheckError, match="direct identifier"):
        measured(house, kind="missing_rate", questions=["weight"], at_most=0.1, by="mother/name")


def test_only_records_of_where_take_part(house: Answered) -> None:
    house.take(*[{"weight": ""}] * 20, *[{"weight": "3", "observed": "good"}] * 20)
    declared: dict[str, Any] = {"kind": "missing_rate", "questions": ["weight"], "at_most": 0.1}
    assert outside(house, **declared) == {"all:"}
    assert not outside(house, **declared, where="${observed} = 'good'")


def test_a_question_may_be_called_like_what_the_sql_uses(house: Answered) -> None:
    house.take(*[{"_code": str(n), "code": str(n), "weight": ""} for n in range(20)])
    assert outside(house, kind="missing_rate", questions=["weight"], at_most=0.1) == {"all:"}
    assert measured(house, kind="too_frequent", question="code", at_most=0.5)["all:"][1] == 20


# Answers


@pytest.mark.parametrize("question", ["observed", "signs"])
def test_a_value_is_counted_among_the_answers(house: Answered, question: str) -> None:
    value, other = ("poor", "good") if question == "observed" else ("wet calm", "calm")
    counted = value.split()[0]
    house.take(*[{question: value}] * 10, *[{question: other}] * 10, *[{question: ""}] * 30)
    found = measured(house, kind="value_rate", question=question, values=[counted], at_most=0.1)
    assert found["all:"] == (pytest.approx(0.2993, abs=5e-5), 20)
    high = measured(house, kind="value_rate", question=question, values=[counted], at_least=0.9)
    assert high["all:"] == (pytest.approx(0.7007, abs=5e-5), 20)
    assert outside(house, kind="value_rate", question=question, values=[counted], at_least=0.9) == {"all:"}


def test_a_number_can_stand_for_dont_know(house: Answered) -> None:
    house.take(*[{"weight": "-99"}] * 10, *[{"weight": "3.5"}] * 10)
    assert measured(house, kind="value_rate", question="weight", values=[-99], at_most=0.1)["all:"][1] == 20
    assert outside(house, kind="value_rate", question="weight", values=[-99, -88], at_most=0.2) == {"all:"}


def test_a_value_that_is_not_offered_would_count_nothing(house: Answered) -> None:
    house.take({})
    with pytest.raises(CheckError, match=r"check 'x' counts the answer 'unknown', and no form version offers it"):
        measured(house, kind="value_rate", question="observed", values=["unknown"], at_most=0.1)
    with pytest.raises(CheckError, match="'values' are not all numbers"):
        measured(house, kind="value_rate", question="weight", values=["heavy"], at_most=0.1)
    for question, kind in (("today", "date"), ("start", "datetime"), ("place", "geopoint")):
        with pytest.raises(CheckError, match=f"check 'x': '{question}' is of type {kind}, of which no word"):
            measured(house, kind="value_rate", question=question, values=["x"], at_most=0.1)


def test_a_question_that_never_varies_or_is_never_answered_is_told(house: Answered) -> None:
    house.take(*[{"weight": "3", "observed": ("good", "poor")[n % 2]} for n in range(20)])
    found = measured(house, kind="distinct", by="question")
    assert found["question:observed"] == (2, 20)
    assert found["question:weight"] == (1, 20)
    assert found["question:signs"] == (0, 20)
    assert {"question:weight", "question:signs"} <= outside(house, kind="distinct", by="question")
    assert "question:observed" not in outside(house, kind="distinct", by="question")
    several = measured(house, kind="distinct", questions=["code"], at_least=3)
    assert several["all:"] == (0, 20)
    both = measured(house, kind="distinct", questions=["observed", "weight"], by="enumerator")
    assert both == {"enumerator:P01": (1, 20)}


def test_round_numbers_are_told_from_honest_ones(house: Answered) -> None:
    honest = [{"weight": f"{2 + n / 10:.1f}"} for n in range(30)]
    rounded = [{"weight": ("3.0", "3.5", "2.5")[n % 3], "enumerator": "P02"} for n in range(30)]
    house.take(*honest, *rounded)
    declared: dict[str, Any] = {
        "kind": "digit_preference",
        "question": "weight",
        "unit": 0.1,
        "at_most": 0.4,
        "by": "enumerator",
    }
    assert outside(house, **declared) == {"enumerator:P02"}
    # 6 of 30 end in 0 or 5: Wilson's low end
    assert measured(house, **declared)["enumerator:P01"] == (pytest.approx(0.0951, abs=5e-5), 30)


@pytest.mark.parametrize(
    ("weight", "unit", "digit"), [("3120", 10, 2), ("3100", 100, 1), ("0.3", 0.1, 3), ("-25", 1, 5)]
)
def test_the_digit_is_that_of_the_unit(house: Answered, weight: str, unit: float, digit: int) -> None:
    house.take(*[{"weight": weight}] * 20)
    declared: dict[str, Any] = {"kind": "digit_preference", "question": "weight", "unit": unit, "at_most": 0.2}
    assert outside(house, **declared, digits=[digit]) == {"all:"}
    assert not outside(house, **declared, digits=[(digit + 1) % 10])


def test_one_answer_over_and_over_is_told_and_the_answer_is_not(house: Answered) -> None:
    same = [{"observed": "good"}] * 20
    varied = [{"observed": ("good", "poor", "fair")[n % 3], "enumerator": "P02"} for n in range(30)]
    house.take(*same, *varied)
    declared: dict[str, Any] = {"kind": "too_frequent", "question": "observed", "at_most": 0.7, "by": "enumerator"}
    assert outside(house, **declared) == {"enumerator:P01"}
    assert measured(house, **declared)["enumerator:P01"] == (pytest.approx(0.8389, abs=5e-5), 20)
    assert measured(house, **declared)["enumerator:P02"][1] == 30


# Targets, lists, silence, versions


def test_a_target_counts_once_its_day_has_come(house: Answered) -> None:
    house.take(*[{"today": "2026-11-02"}] * 4, {"consent": "no"})
    house.con.execute("insert into marts.targets values ('c1', 5, '2026-11-02'), ('c2', 5, '2026-11-01')")
    assert measured(house, kind="target") == {"centre:c1": (0.8, 4), "centre:c2": (0, 0)}
    assert outside(house, kind="target") == {"centre:c1", "centre:c2"}
    assert outside(house, kind="target", at_least=0.8) == {"centre:c2"}
    house.con.execute("update marts.targets set until = '2026-11-03' where centre_code = 'c1'")
    house.con.execute("update marts.targets set until = null where centre_code = 'c2'")
    assert measured(house, kind="target") == {"centre:c1": (None, 4), "centre:c2": (None, 0)}


def test_targets_are_those_of_the_study(house: Answered) -> None:
    house.take({})
    with pytest.raises(CheckError, match="check 'x' is about targets"):
        measured(house, study=None, kind="target")


def test_listed_ids_that_have_not_come_are_counted_and_not_named(house: Answered, tmp_path: Path) -> None:
    (tmp_path / "master.csv").write_text("code,centre\nP01,c1\nP02,c1\nP09,c2\nP09,c2\n,c2\n", encoding="utf-8")
    house.take({"enumerator": "P01"}, {"enumerator": "P03"})
    declared: dict[str, Any] = {"kind": "roster", "question": "enumerator", "list": "master.csv", "column": "code"}
    assert measured(house, tmp_path, **declared) == {"all:": (2, 3)}
    assert measured(house, tmp_path, **declared, by="centre") == {"centre:c1": (1, 2), "centre:c2": (1, 1)}
    assert outside(house, tmp_path, **declared, by="centre") == {"centre:c1", "centre:c2"}
    assert not outside(house, tmp_path, **declared, at_most=2)
    with pytest.raises(CheckError, match="no column 'village'"):
        measured(house, tmp_path, **declared | {"column": "village"})


def test_listed_numbers_are_compared_as_numbers(house: Answered, tmp_path: Path) -> None:
    (tmp_path / "master.csv").write_text("number\n007\n8\nnine\n", encoding="utf-8")
    house.take({"weight": "7"})
    declared: dict[str, Any] = {"kind": "roster", "question": "weight", "list": "master.csv", "column": "number"}
    assert measured(house, tmp_path, **declared) == {"all:": (2, 3)}


def test_silence_is_counted_from_the_newest_record_not_from_today(house: Answered) -> None:
    house.take(
        {"centre": "c1", "today": "2026-10-01"},
        {"centre": "c1", "today": "2026-10-11"},
        {"centre": "c2", "today": "2026-10-25"},
    )
    assert measured(house, kind="silent", by="centre", at_most=7) == {"centre:c1": (14, 2), "centre:c2": (0, 1)}
    assert outside(house, kind="silent", by="centre", at_most=7) == {"centre:c1"}
    assert not outside(house, kind="silent", by="centre", at_most=14)


def test_a_group_of_which_no_time_is_known_is_not_compared(house: Answered) -> None:
    house.take({"centre": "c1", "today": "2026-10-01"}, *[{"centre": "c2", "today": ""}] * 3)
    assert measured(house, kind="silent", by="centre", at_most=7) == {"centre:c1": (0, 1), "centre:c2": (None, 3)}
    house.emptied().take(*[{"today": ""}] * 3)
    assert measured(house, kind="silent", by="centre", at_most=7) == {"centre:c1": (None, 3)}


def test_a_clock_that_is_ahead_makes_nobody_else_silent(house: Answered) -> None:
    house.take({"today": "2026-10-20"}, {"centre": "c2", "today": "2099-01-01"}, {"centre": "", "today": "2026-10-22"})
    # the record of 2099 says neither that the others are silent nor that its own centre is not
    assert measured(house, kind="silent", by="centre", at_most=7) == {"centre:c1": (2, 1), "centre:c2": (None, 1)}


def test_a_clock_that_is_ahead_brings_no_day_nearer(house: Answered) -> None:
    # by cable: Central knows nothing of it, and our own clock alone says that it cannot be
    ahead = [{"end": "2099-01-01T08:00:00.000+08:00", "today": "2026-11-02"}, {"today": "2026-12-03"}]
    house.take({"today": "2026-10-20"}, *ahead)
    house.con.execute("insert into marts.targets values ('c1', 5, '2026-11-01')")
    assert measured(house, kind="target") == {"centre:c1": (None, 3)}
    house.take({"today": "2026-11-01"})
    assert measured(house, kind="target") == {"centre:c1": (0.8, 4)}


def test_a_clock_that_lost_its_day_does_not_count(house: Answered) -> None:
    house.take({"start": "2026-10-20T08:00:00.000+08:00"}, {"centre": "c2", "start": "1970-01-01T08:00:00.000+08:00"})
    assert measured(house, kind="silent", by="centre", at_most=7) == {"centre:c1": (0, 1), "centre:c2": (None, 1)}


def test_old_versions_count_once_a_newer_one_is_in_use(house: Answered) -> None:
    old = [{"today": f"2026-11-{day:02d}", "enumerator": who} for day in range(1, 21) for who in ("P01", "P02")]
    house.take(*old)
    declared: dict[str, Any] = {"kind": "version_share", "by": "enumerator", "at_most": 0.1, "at_least_rows": 5}
    assert not outside(house, **declared)
    house.take(*[{"today": f"2026-11-{day:02d}", "enumerator": "P02"} for day in range(11, 31)], version="2")
    found = measured(house, **declared)
    # in use from the 13th, its third day: of P01's twenty the seven after it are late, of P02's forty as many
    assert found["enumerator:P01"] == (pytest.approx(0.1812, abs=5e-5), 20)
    assert found["enumerator:P02"] == (pytest.approx(0.0875, abs=5e-5), 40)
    assert outside(house, **declared) == {"enumerator:P01"}
    assert not outside(house, **declared, days=7)
    # from its first record on: nine
    first = measured(house, **declared, at_least=1)
    assert first["enumerator:P01"] == (pytest.approx(0.2582, abs=5e-5), 20)
    assert measured(house, **declared, last_days=10) == {"enumerator:P02": (0, 10)}
    assert set(measured(house, **declared | {"by": "week"})) == {
        f"week:2026-W{week}" for week in (44, 45, 46, 47, 48, 49)
    }


def test_an_early_trial_of_a_new_version_makes_nobody_old(house: Answered) -> None:
    house.take(*[{"today": f"2026-11-{day:02d}"} for day in range(1, 21)])
    house.take(*[{"today": "2026-11-01", "enumerator": "TRIAL"}] * 2, version="2")
    declared: dict[str, Any] = {"kind": "version_share", "at_most": 0.1}
    assert measured(house, **declared)["all:"] == (0, 22)
    house.take({"today": "2026-11-01", "enumerator": "TRIAL"}, version="2")
    assert outside(house, **declared) == {"all:"}
    # what `where` leaves out says neither which version is in use nor which day is the newest
    house.take(*[{"today": "2026-11-30", "enumerator": "TRIAL"}] * 3, version="2")
    assert measured(house, **declared, last_days=20, where="${enumerator} = 'P01'") == {"all:": (0, 20)}


# Words


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"kind": "missing_rate", "at_most": 0.1}, "needs 'questions', or by: question"),
        ({"kind": "missing_rate", "questions": ["weight"]}, "needs 'at_most'"),
        (
            {"kind": "missing_rate", "questions": ["weight"], "at_most": 10},
            "'at_most' must be a number between 0 and 1",
        ),
        ({"kind": "silent", "at_most": float("inf")}, "'at_most' must be a number"),
        ({"kind": "value_rate", "question": "consent", "values": [False], "at_most": 0.1}, 'in quotes: "yes"'),
        ({"kind": "value_rate", "question": "consent", "values": ["no"]}, "either 'at_most' or 'at_least'"),
        ({"kind": "digit_preference", "question": "weight", "at_most": 0.1}, "below 0.2, the share of these digits"),
        ({"kind": "digit_preference", "question": "weight", "at_most": 0.3, "digits": [10]}, "a list of digits"),
        ({"kind": "digit_preference", "question": "weight", "at_most": 0.3, "unit": 0}, "a number above 0"),
        ({"kind": "roster", "question": "weight", "list": "../x.csv", "column": "a"}, "a CSV file in schemas/"),
    ],
)
def test_a_slip_is_told_in_words(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make_check({"id": "x", "form": FORM, "severity": "warning", "message": {"id": "a", "en": "b"}} | declared)
