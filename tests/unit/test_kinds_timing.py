"""The kinds of checks about time, and the one that keeps a broken site from being hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from laktasi.errors import CheckError
from laktasi.quality.declared import make_check
from laktasi.quality.plan import Batch, make_plan
from tests.answers_fixture import Answered
from tests.kinds_fixture import house, opened
from tests.warehouse_fixture import FORM

__all__ = ["house", "opened"]  # fixtures


def check_of(**declared: Any) -> Any:
    return make_check({"id": "x", "form": FORM, "severity": "warning", "message": {"id": "a", "en": "b"}} | declared)


def batch_of(house: Answered, **declared: Any) -> Batch:
    plan = make_plan(house.questionnaires, [check_of(**declared)], con=house.con, study=house.study)
    (batch,) = [item for item in plan.batches if item.rules[0].rule_id == "x"]
    return batch


def verdicts(house: Answered, **declared: Any) -> dict[str, bool]:
    """Give the verdict on each record that takes part."""
    rows = house.rows(batch_of(house, **declared).select)
    assert all(row == "" and complete for _, row, _, complete in rows)
    assert len({submission_id for submission_id, *_ in rows}) == len(rows)
    return {submission_id: is_good for submission_id, _, is_good, _ in rows}


def measured(house: Answered, **declared: Any) -> dict[str, tuple[Any, int]]:
    """Give value and number of records of every group."""
    return {row: (value, n) for _, row, value, n, _ in house.rows(batch_of(house, **declared).select)}


def interview(start: str, end: str = "", **answers: str) -> dict[str, str]:
    return {"today": start[:10], "start": start, "end": end} | answers


def at(clock: str, day: int = 2) -> str:
    """Give a moment as a phone in Central Indonesia writes it."""
    return f"2026-11-{day:02d}T{clock}:00.000+08:00"


def test_an_interview_may_be_too_short_or_too_long(house: Answered) -> None:
    short, fine, long, unknown, wrong = house.take(
        interview(at("08:00"), at("08:05")),
        interview(at("08:00"), at("08:10")),
        interview(at("08:00"), at("10:01")),
        interview(at("08:00")),
        interview("1970-01-01T08:00:00.000+08:00", at("08:10")),
    )
    found = verdicts(house, kind="duration", at_least=10, at_most=120)
    assert found == {short: False, fine: True, long: False}
    assert not {unknown, wrong} & set(found), "what is not known is not compared"
    assert verdicts(house, kind="duration", at_least=5) == {short: True, fine: True, long: True}


def test_only_records_of_where_are_held_to_a_duration(house: Answered) -> None:
    interviewed, _ = house.take(interview(at("08:00"), at("08:05")), interview(at("08:00"), at("08:05"), consent="no"))
    assert verdicts(house, kind="duration", at_least=10, where="${consent} = 'yes'") == {interviewed: False}


def test_what_arrives_long_after_it_was_finished_is_late(house: Answered) -> None:
    early, late, _ = house.take(*[interview(at("08:00"), at("08:10"))] * 3)
    house.con.execute("update marts.interviews set lag_hours = 72 where submission_id = ?", [early])
    house.con.execute("update marts.interviews set lag_hours = 72.1 where submission_id = ?", [late])
    assert verdicts(house, kind="late", at_most=72) == {early: True, late: False}


def test_hours_of_work_are_those_of_the_place_where_the_phone_was(house: Answered) -> None:
    records = house.take(
        interview("2026-11-02T05:59:00.000+08:00"),
        interview("2026-11-02T06:00:00.000+08:00"),
        interview("2026-11-02T20:00:00.000+09:00"),
        interview("2026-11-02T20:01:00.000+07:00"),
        interview("1970-01-01T03:00:00.000+08:00"),
        interview(""),
    )
    found = verdicts(house, kind="working_hours", **{"from": 6, "to": 20})
    assert list(map(found.get, records)) == [False, True, True, False, None, None]


def test_a_form_that_keeps_no_start_has_no_hours_of_work(house: Answered) -> None:
    forms = dict(house.questionnaires)
    for key, item in forms.items():
        fields = tuple(field for field in item.fields if field.preload != "start")
        forms[key] = replace(item, fields=fields)
    with pytest.raises(CheckError, match="check 'x' needs the time of the start, and the form does not keep it"):
        make_plan(forms, [check_of(kind="working_hours", **{"from": 6, "to": 20})], study=house.study)


def test_a_day_lasts_from_the_first_start_to_the_last_finish(house: Answered) -> None:
    house.take(
        interview(at("07:00"), at("07:30")),
        interview(at("18:30"), at("19:30")),
        interview(at("08:00", 3), at("09:00", 3)),
        interview(at("06:00"), at("06:30"), enumerator="P02"),
        interview("1970-01-01T08:00:00.000+08:00", enumerator="P02"),
        interview(at("06:00"), at("06:30"), enumerator=""),
    )
    assert measured(house, kind="day_hours", by="enumerator", at_most=12) == {
        "enumerator:P01 2026-11-02": (12.5, 2),
        "enumerator:P01 2026-11-03": (1, 1),
        "enumerator:P02 2026-11-02": (0.5, 1),
    }


def test_an_edit_on_another_day_does_not_lengthen_the_day(house: Answered) -> None:
    edited, _ = house.take(interview(at("07:00"), at("07:30", 9)), interview(at("09:00"), at("09:30")))
    house.con.execute("update marts.interviews set minutes = null where submission_id = ?", [edited])
    assert measured(house, kind="day_hours", by="enumerator", at_most=12)["enumerator:P01 2026-11-02"] == (2.5, 2)


def test_interviews_of_a_day_are_counted(house: Answered) -> None:
    house.take(*[{"today": "2026-11-02"}] * 3, {"today": "2026-11-03"}, {"today": "2026-11-02", "enumerator": "P02"})
    assert measured(house, kind="day_records", by="enumerator", at_most=2) == {
        "enumerator:P01 2026-11-02": (3, 3),
        "enumerator:P01 2026-11-03": (1, 1),
        "enumerator:P02 2026-11-02": (1, 1),
    }
    assert batch_of(house, kind="day_records", at_most=2).high == 2


def log(house: Answered, submission_id: str, event: str, node: str | None, seconds: float | None) -> None:
    house.con.execute(
        "insert into audit_log.events by name select ? as form_id, ? as submission_id, ? as instance_id, 1 as position,"
        " ? as event, ? as node, now() as started_at, ?::double as seconds",
        [FORM, submission_id, submission_id, event, node, seconds],
    )


def test_seconds_on_a_question_are_those_of_all_visits(house: Answered) -> None:
    twice, short, unseen, unlogged = house.take({}, {}, {}, {})
    log(house, twice, "question", "/data/observed", 3)
    log(house, twice, "question", "/data/observed", 2)
    log(house, short, "question", "/data/observed", 4.9)
    log(house, unseen, "question", "/data/consent", 1)
    log(house, unseen, "form save", None, None)
    found = verdicts(house, kind="answer_seconds", questions=["observed"], at_least=5)
    assert found == {twice: True, short: False}
    assert unlogged not in found


def test_a_question_on_a_screen_of_several_has_the_time_of_the_screen(house: Answered) -> None:
    slow, fast = house.take({}, {})
    log(house, slow, "group questions", "/data/mother", 8)
    log(house, fast, "group questions", "/data/mother", 2)
    # the question next to it is called like the beginning of its group
    log(house, fast, "question", "/data/mother", 100)
    assert verdicts(house, kind="answer_seconds", questions=["mother/age"], at_least=5) == {slow: True, fast: False}


def test_each_of_several_questions_and_each_instance_of_a_repeat_takes_its_time(house: Answered) -> None:
    one, two = house.take({}, {})
    for record, second in ((one, 6), (two, 1)):
        log(house, record, "question", "/data/infants[1]/infant_weight", 60)
        log(house, record, "question", "/data/infants[2]/infant_weight", second)
        log(house, record, "question", "/data/observed", 5)
    questions = ["infant_weight", "observed"]
    assert verdicts(house, kind="answer_seconds", questions=questions, at_least=5) == {one: True, two: False}
    assert verdicts(house, kind="answer_seconds", questions=["observed"], at_least=5, where="${centre} = 'c2'") == {}


def test_one_broken_site_is_not_hidden_by_the_others(house: Answered) -> None:
    broken = house.take(*[{"centre": "c1"}] * 20)
    others = house.take(*[{"centre": "c2"}] * 400)
    fail(house, "massage.choice", *broken[:10], *others[:1])
    declared: dict[str, Any] = {"kind": "error_rate", "by": "centre", "at_most": 0.2}
    found = measured(house, **declared)
    assert found["centre:c1"] == (pytest.approx(0.2993, abs=5e-5), 20)
    assert found["centre:c2"][0] == pytest.approx(0.0004, abs=5e-5)
    assert measured(house, **declared | {"by": "all"})["all:"][0] < 0.05


def test_warnings_and_accepted_findings_are_no_trouble(house: Answered) -> None:
    records = house.take(*[{"centre": "c1"}] * 20)
    warned = check_of(id="warned", kind="row", expression="${code} = ''")
    fail(house, "warned", *records)
    fail(house, "massage.choice", *records[:2])
    fail(house, "massage.choice", *records[:2], row="1")
    plan = make_plan(
        house.questionnaires, [warned, check_of(kind="error_rate", at_most=0.1)], con=house.con, study=house.study
    )
    select = plan.batches[-1].select
    assert [(k, n) for *_, k, n, _ in house.rows(select)] == [(pytest.approx(0.0279, abs=5e-5), 20)]
    accept(house, "massage.choice", records[0])
    assert house.rows(select)[0][2] == pytest.approx(0.0279, abs=5e-5), "the other row of the record still fails"
    accept(house, "massage.choice", records[0], row="1")
    assert house.rows(select)[0][2] == pytest.approx(0.0089, abs=5e-5)


def fail(house: Answered, rule_id: str, *submissions: str, row: str = "") -> None:
    house.con.executemany(
        "insert into quality.failing by name select ? as form_id, ? as submission_id, ? as row, ? as rule_id",
        [[FORM, one, row, rule_id] for one in submissions],
    )


def accept(house: Answered, rule_id: str, submission_id: str, row: str = "") -> None:
    decision = f"{submission_id}{row}"
    house.con.execute(
        """
        insert into quality.decisions by name
        select
            ? as decision_id, 'okay' as action, ? as form_id, ? as submission_id, ? as row, ? as rule_id, '' as reason,
            '' as reporter, date '2026-11-20' as decided_on, '' as run_id, now() as landed_at
        """,
        [decision, FORM, submission_id, row, rule_id],
    )
    house.con.execute(
        "insert into quality.decision_states by name select ? as decision_id, ? as form_id, ? as submission_id,"
        " ? as row, 'applied' as state, 'okay' as action",
        [decision, FORM, submission_id, row],
    )


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"kind": "duration"}, "needs 'at_least', 'at_most' or both"),
        ({"kind": "duration", "at_least": 9, "at_most": 8}, "'at_least' above its 'at_most'"),
        ({"kind": "working_hours", "from": 20, "to": 6}, "'from' that is not before its 'to'"),
        ({"kind": "working_hours", "from": "06:00", "to": 20}, "'from' must be a number between 0 and 24"),
        ({"kind": "day_records", "at_most": 2.5}, "'at_most' must be a whole number"),
        ({"kind": "answer_seconds", "questions": ["observed"]}, "needs 'at_least'"),
        ({"kind": "late", "at_most": 72, "by": "centre"}, "unknown key 'by'"),
    ],
)
def test_a_slip_is_told_in_words(declared: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_of(**declared)
