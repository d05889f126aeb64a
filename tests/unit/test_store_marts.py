"""Marts and counts: who is included, who is accepted, and what each centre counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from laktasi.errors import StudyError
from laktasi.store.counts import contingency
from laktasi.store.marts import Marts
from laktasi.store.results import analysed_set, write_results
from laktasi.study import Roles, Study, Variable
from tests.warehouse_fixture import STUDY, Warehouse, contents, form, submission, warehouse

PEOPLE = [
    # id, consent, centre, massage, milk
    ("u1", "yes", "c1", "yes", "good"),
    ("u2", "yes", "c1", "no", "poor"),
    ("u3", "yes", "c1", "no", "fair"),
    ("u4", "yes", "c9", "yes", "good"),
    ("u5", "no", "c1", "", ""),
    ("u6", "", "c1", "yes", "good"),
    ("u7", "yes", "", "yes", "good"),
    ("u8", "yes", "c9", "yes", ""),
    ("u9", "yes", "c9", "no", "a secret"),
]

(PAIR,) = STUDY.analyses


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    names = ("consent", "centre", "massage", "milk")
    with warehouse(tmp_path) as opened:
        filled = [submission(name, dict(zip(names, answers, strict=True))) for name, *answers in PEOPLE]
        opened.take(form(), *filled)
        opened.error("u2")
        opened.error("u3", "mother__age.warned", "warning")
        opened.error("u4")
        opened.event("u4", "mother__age.constraint", "mended")
        yield opened


def build(house: Warehouse, study: Study | None = STUDY, include: str | None = None) -> Marts:
    return house.marts(study, include)


def test_consent_centre_and_open_errors_decide(house: Warehouse) -> None:
    assert build(house) == Marts(submissions=9, included=6, accepted=5, unranked={"milk": 1})
    flags = house.rows(
        "select submission_id, is_consented, is_included, is_accepted, open_errors, open_warnings"
        " from marts.submissions order by 1"
    )
    assert flags == [
        ("u1", True, True, True, 0, 0),
        ("u2", True, True, False, 1, 0),
        ("u3", True, True, True, 0, 1),
        ("u4", True, True, True, 0, 0),
        ("u5", False, False, True, 0, 0),
        ("u6", False, False, True, 0, 0),
        ("u7", True, False, True, 0, 0),
        ("u8", True, True, True, 0, 0),
        ("u9", True, True, True, 0, 0),
    ]
    assert house.rows("from marts.analysed order by 1") == [
        ("u1", "c1", True, 2, 3),
        ("u2", "c1", False, 1, 1),
        ("u3", "c1", True, 1, 2),
        ("u4", "c9", True, 2, 3),
        ("u8", "c9", True, 2, None),
        ("u9", "c9", True, 1, None),
    ]
    assert house.rows("from marts.arrivals order by 1 nulls last") == [
        ("c1", 5, 2, 3, 1, 2),
        ("c9", 3, 0, 3, 0, 3),
        (None, 1, 0, 0, 0, 0),
    ]
    assert house.rows("select rule_id, severity, findings, submissions, included from marts.set_aside") == [
        ("mother__age.constraint", "error", 1, 1, 1)
    ]


def test_findings_know_who_and_where(house: Warehouse) -> None:
    build(house)
    found = house.rows("select submission_id, centre_code, severity, status, kind from quality.findings order by 1")
    assert found == [
        ("u2", "c1", "error", "open", "constraint"),
        ("u3", "c1", "warning", "open", "constraint"),
        ("u4", "c9", "error", "mended", "constraint"),
    ]


def test_the_population_rule_is_kept_beside_consent(house: Warehouse) -> None:
    marts = build(house, include="select _submission_id from staging.visit where massage = 'yes'")
    assert marts.included == 3
    assert house.rows("select submission_id from marts.analysed order by 1") == [("u1",), ("u4",), ("u8",)]


def test_variables_and_centres_are_worded(house: Warehouse) -> None:
    build(house)
    assert house.rows("select variable, level, level_rank, labels, level_labels['id'] from marts.variables") == [
        ("massage", "no", 1, {"id": "Pijat?", "en": "Massage?"}, "Tidak"),
        ("massage", "yes", 2, {"id": "Pijat?", "en": "Massage?"}, "Ya"),
        ("milk", "poor", 1, {"en": "Milk production"}, "Kurang"),
        ("milk", "fair", 2, {"en": "Milk production"}, "Cukup"),
        ("milk", "good", 3, {"en": "Milk production"}, "Baik"),
    ]
    assert house.rows("select centre_code, labels['en'] from marts.centres order by 1") == [
        ("c1", "Mopuya"),
        ("c2", "Pusian"),
        ("c9", None),
    ]


def test_the_day_is_the_phones(house: Warehouse) -> None:
    house.take(
        submission("d1", {"today": "2026-11-20", "start": "2026-11-19T23:30:00.000+08:00"}),
        # before midnight in UTC, after midnight on the phone
        submission("d2", {"start": "2026-11-20T00:30:00.000+08:00"}),
    )
    build(house)
    days = house.rows("select day from marts.submissions where submission_id in ('d1', 'd2') order by submission_id")
    assert days == [(date(2026, 11, 20),), (date(2026, 11, 20),)]


def test_without_a_study_only_what_is_known(house: Warehouse) -> None:
    build(house)
    assert build(house, None) == Marts(submissions=9, included=0, accepted=0, unranked={})
    assert house.rows("select distinct centre_code, is_consented, is_included from marts.submissions") == [
        (None, None, None)
    ]
    assert house.rows("select count(*) from marts.submissions where not is_accepted") == [(1,)]
    assert house.rows("from marts.variables") == house.rows("from marts.arrivals") == []
    assert house.rows("from duckdb_tables() where table_name = 'analysed'") == []


def test_a_question_that_moved_is_found_in_every_version(house: Warehouse) -> None:
    moved = {
        "| | select_one yes_no | massage | Pijat? | Massage? | none | |": (
            "| | begin_group | care | | | | |\n| | select_one yes_no | massage | Pijat? | Massage? | none | |\n"
            "| | end_group | | | | | |"
        )
    }
    answers = "<consent>yes</consent><centre>c1</centre><care><massage>yes</massage></care><milk>good</milk>"
    house.take(form("2", change=moved), submission("v2", answers, version="2"))
    build(house)
    assert house.rows("select massage from marts.analysed where submission_id in ('u1', 'u2', 'v2') order by all") == [
        (1,),
        (2,),
        (2,),
    ]


def with_variable(question: str, levels: tuple[str, ...], name: str = "massage") -> Study:
    return dataclasses.replace(STUDY, variables={**STUDY.variables, name: Variable(name, question, levels, {})})


@pytest.mark.parametrize(
    ("study", "match"),
    [
        (dataclasses.replace(STUDY, form_id="other"), "no version of it is known"),
        (dataclasses.replace(STUDY, roles=Roles(centre="nowhere")), "role centre: no question is called 'nowhere'"),
        (dataclasses.replace(STUDY, roles=Roles(centre="mother/name")), "direct identifier"),
        (dataclasses.replace(STUDY, roles=Roles(centre="centre", subject="mother/nickname")), "or not marked at all"),
        (dataclasses.replace(STUDY, roles=Roles(centre="infant_weight")), "stands in a repeat"),
        (with_variable("signs", ("wet", "calm")), "several values at once"),
        (with_variable("massage", ("no", "yess")), "no choice is called 'yess'"),
        (with_variable("mother/age", ("under_20", "over_20")), "variable 'massage': 'mother/age' is of type integer"),
        (with_variable("weight", ("1", "2")), "'weight' is of type decimal"),
        (with_variable("today", ("1", "2")), "'today' is of type date"),
        (dataclasses.replace(STUDY, consent_value="True"), "role consent: no choice is called 'True'"),
        (with_variable("massage", ("no", "yes"), "centre_code"), "cannot be called 'centre_code'"),
    ],
)
def test_a_study_that_does_not_fit_is_refused(house: Warehouse, study: Study, match: str) -> None:
    build(house)
    before = contents(house.con)
    with pytest.raises(StudyError, match=match):
        build(house, study)
    assert contents(house.con) == before


def test_counts_by_centre(house: Warehouse) -> None:
    build(house)
    everyone = contingency(house.con, STUDY, PAIR, "all")
    accepted = contingency(house.con, STUDY, PAIR, "accepted")
    assert everyone.centre_codes.tolist() == accepted.centre_codes.tolist() == ["c1", "c9"]
    assert everyone.counts.tolist() == [[[1, 1, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 1]]]
    assert accepted.counts.tolist() == [[[0, 1, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 1]]]


def test_a_centre_without_any_answer_counts_nobody(house: Warehouse) -> None:
    build(house)
    house.con.execute("update marts.analysed set milk = null where centre_code = 'c9'")
    counts = contingency(house.con, STUDY, PAIR, "all")
    assert counts.counts.tolist() == [[[1, 1, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]


def test_rows_of_a_centre_stand_together(house: Warehouse) -> None:
    build(house)
    centres = [centre for (centre,) in house.rows("select centre_code from marts.analysed order by rowid")]
    assert len(set(centres)) > 1
    assert centres == sorted(centres)


def test_counts_of_nobody(house: Warehouse) -> None:
    build(house, include="select _submission_id from staging.visit where false")
    counts = contingency(house.con, STUDY, PAIR, "all")
    assert counts.counts.shape == (0, 2, 3)
    assert analysed_set(house.con)[0] == 0


def results(house: Warehouse, run_id: str, tau: float) -> None:
    block: dict[str, Any] = {"exposure": "massage", "outcome": "milk", "population": "all"}
    write_results(
        house.con,
        run_id,
        STUDY,
        {
            "kendall": [
                block
                | {
                    "centre_code": np.array(["c1", "c9"], dtype=object),
                    "n": np.array([3, 1]),
                    "tau_b": np.array([tau, np.nan]),
                    "reason": np.array([None, "fewer than two records"], dtype=object),
                }
            ],
            "pooled": [block | {"method": "naive", "n": 4, "tau_b": tau}],
        },
    )


def test_results_are_those_of_one_run(house: Warehouse) -> None:
    build(house)
    results(house, "run1", 0.1)
    results(house, "run1", 0.5)
    results(house, "run2", 0.7)
    assert house.rows("select run_id, centre_code, tau_b, reason from analysis.kendall order by 1, 2") == [
        ("run1", "c1", 0.5, None),
        ("run1", "c9", None, "fewer than two records"),
        ("run2", "c1", 0.7, None),
        ("run2", "c9", None, "fewer than two records"),
    ]
    assert house.rows("select run_id, n, tau_b from analysis.pooled order by 1") == [("run1", 4, 0.5), ("run2", 4, 0.7)]
    with pytest.raises(ValueError, match="no column 'tau'"):
        write_results(house.con, "run3", STUDY, {"kendall": [{"tau": 1}]})
    with pytest.raises(ValueError, match="no table of results 'kendal'"):
        write_results(house.con, "run3", STUDY, {"kendal": []})


def test_tables_hold_every_level_also_empty_ones(house: Warehouse) -> None:
    build(house)
    results(house, "run1", 0.5)
    cells = house.rows(
        "select exposure_rank, outcome_rank, n from analysis.contingency"
        " where centre_code = 'c1' and population = 'accepted' order by 1, 2"
    )
    assert cells == [(1, 1, 0), (1, 2, 1), (1, 3, 0), (2, 1, 0), (2, 2, 0), (2, 3, 1)]
    assert house.rows("select count(*) from analysis.contingency") == [(2 * 2 * 6,)]
    frequencies = house.rows(
        "select centre_code, level, n, round(percent, 1) from analysis.frequencies"
        " where variable = 'milk' and population = 'all' order by centre_code nulls first, level_rank"
    )
    assert frequencies == [
        (None, "poor", 1, 25.0),
        (None, "fair", 1, 25.0),
        (None, "good", 2, 50.0),
        ("c1", "poor", 1, 33.3),
        ("c1", "fair", 1, 33.3),
        ("c1", "good", 1, 33.3),
        ("c9", "poor", 0, 0.0),
        ("c9", "fair", 0, 0.0),
        ("c9", "good", 1, 100.0),
    ]


def test_the_hash_of_the_analysed_set(house: Warehouse) -> None:
    build(house)
    first = analysed_set(house.con)
    assert first[0] == 6
    assert len(first[1]) == 64
    house.con.execute("create or replace table marts.analysed as from marts.analysed order by submission_id desc")
    assert analysed_set(house.con) == first
    house.con.execute("update marts.analysed set milk = null where submission_id = 'u1'")
    changed = analysed_set(house.con)
    assert changed[0] == 6
    assert changed[1] != first[1]


def test_building_again_changes_nothing(house: Warehouse) -> None:
    build(house)
    before = contents(house.con)
    build(house)
    assert contents(house.con) == before


def test_a_list_and_a_type_of_any_version_count(house: Warehouse) -> None:
    later = {
        "| | yes_no | yes | Ya | Yes |": "| | yes_no | y | Ya | Yes |",
        "| | select_one milk | observed": "| | integer | observed",
    }
    house.take(form("2", change=later))
    assert house.rows("select count(*) from staging.choices where form_version = '2' and value = 'y'") == [(1,)]
    assert build(house, with_variable("observed", ("poor", "good"), "observed")).included == 6
