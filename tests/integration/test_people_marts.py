"""People and places: work, rates with intervals, digits and choices; what stands out, and what chance alone does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi.errors import CheckError, StudyError
from laktasi.records import Submission
from laktasi.store.intervals import wilson
from laktasi.store.people import build_people, stand_targets
from laktasi.store.publish import publish_research
from laktasi.store.sql import scalar
from laktasi.study import Study
from laktasi.targets import Target
from tests.warehouse_fixture import STUDY, Warehouse, contents, form, submission, warehouse

pytestmark = pytest.mark.slow

MORE = """| | integer | pulse | Nadi | Pulse | none | |
| | integer | parity | Paritas | Parity | none | |
| | integer | phone_number | Nomor telepon | Phone number | direct | |
| | select_one milk | hidden | Rahasia | Secret | direct | |
| | text | remark | Catatan | Remark | none | |
| | end | end | | | none | |"""
CHANGE = {
    "| | yes_no | yes | Ya | Yes |": "| | yes_no | yes | Ya | Yes |\n| | yes_no | unknown | Tidak tahu | Unknown |",
    "| | sign | calm | Bayi tenang | Calm infant |": "| | sign | other | Lain | Other |\n| | centre | c3 | C3 | C3 |",
}
PEOPLE_STUDY = replace(STUDY, special={"dont_know": ("unknown",), "other": ("other",)})
SECRET = "Siti Rahasia Sekali"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path, form(more=MORE, change=CHANGE)) as opened:
        yield opened


def filled(number: int, **changed: str | None) -> Submission:
    """Make a submission; an answer of None is left empty."""
    answers: dict[str, str | None] = {
        "start": f"2026-10-{1 + number % 5:02d}T08:00:00.000+08:00",
        "today": f"2026-10-{1 + number % 5:02d}",
        "consent": "yes",
        "centre": "c1",
        "enumerator": "E1",
        "massage": "no",
        "observed": ("poor", "fair", "good")[number % 3],
        "signs": "wet",
        "weight": "3.4",
        "pulse": str(61 + number % 9),
        "end": f"2026-10-{1 + number % 5:02d}T08:20:00.000+08:00",
    }
    return submission(f"u{number:04d}", {name: value for name, value in (answers | changed).items() if value})


def build(house: Warehouse, *items: Submission, study: Study | None = PEOPLE_STUDY) -> None:
    house.take(*items)
    house.marts(study)
    build_people(house.con, study, house.questionnaires)


def rate(house: Warehouse, code: str, measure: str, columns: str = "k, n, differs") -> tuple[Any, ...]:
    (found,) = house.rows(f"select {columns} from marts.people_rates where code = '{code}' and measure = '{measure}'")
    return found


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    # Newcombe (1998), Table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(k: int, n: int, low: float, high: float) -> None:
    con = duckdb.connect()
    found = [scalar(con, f"select {wilson(str(k), str(n), end)}") for end in ("low", "high")]
    assert [round(float(value), 4) for value in found] == [low, high]
    mirrored = [float(scalar(con, f"select {wilson(str(n - k), str(n), end)}")) for end in ("low", "high")]
    assert mirrored == pytest.approx([1 - high, 1 - low], abs=1e-4)
    assert scalar(con, f"select {wilson('0', '20', 'low')}") == 0
    assert scalar(con, f"select {wilson('20', '20', 'high')}") == 1


def test_work_is_counted_by_enumerator_and_centre(house: Warehouse) -> None:
    stand_targets(
        house.con,
        [Target("c1", 4, date(2026, 10, 3)), Target("c3", 20)],
        PEOPLE_STUDY,
        house.questionnaires,
    )
    house.take(
        filled(0),
        filled(1, enumerator="E2"),
        filled(2, centre="c2"),
        filled(3, consent="no", end="2026-10-04T08:01:00.000+08:00"),
        filled(4, enumerator=None),
        # a phone that lost its day does not stretch the calendar, and its record still counts
        filled(5, start="1970-01-01T08:00:00.000+08:00", end="1970-01-01T08:20:00.000+08:00", today="1970-01-01"),
        filled(6, end="2026-10-02T09:00:00.000+08:00"),
    )
    house.error("u0000")
    house.error("u0001", "mother__age.warned", "warning")
    house.con.execute(
        """
        insert into quality.finding_events by name
        select
            'f' as finding_id, 'r' as run_id, 'opened' as event, now() as "at", 'visit' as form_id, '' as submission_id,
            'centre:c2' as "row", 'too_long' as rule_id
        """
    )
    build(house)
    assert house.rows(
        "select kind, code, records, included, accepted, days_worked, records_per_day, last_day, days_silent,"
        " without_day, minutes_known, minutes_median, open_errors, open_warnings, open_group_findings, target, until"
        " from marts.people order by kind, code"
    ) == [
        ("centre", "c1", 6, 5, 4, 4, 1.25, date(2026, 10, 5), 0, 1, 4, 20.0, 1, 1, 0, 4, date(2026, 10, 3)),
        ("centre", "c2", 1, 1, 1, 1, 1.0, date(2026, 10, 3), 2, 0, 1, 20.0, 0, 0, 1, None, None),
        ("centre", "c3", 0, 0, 0, 0, None, None, None, 0, 0, None, 0, 0, 0, 20, None),
        ("enumerator", "E1", 5, 4, 3, 4, 1.0, date(2026, 10, 4), 1, 1, 3, 20.0, 1, 0, 0, None, None),
        ("enumerator", "E2", 1, 1, 1, 1, 1.0, date(2026, 10, 2), 3, 0, 1, 20.0, 0, 1, 0, None, None),
    ]
    assert house.rows("select day, records from marts.daily where kind = 'all' order by 1") == [
        (date(2026, 10, 1), 1),
        (date(2026, 10, 2), 2),
        (date(2026, 10, 3), 1),
        (date(2026, 10, 4), 1),
        (date(2026, 10, 5), 1),
    ]
    assert house.rows("select sum(records) from marts.daily where kind = 'enumerator'") == [(5,)]


def test_a_phone_in_the_future_that_was_copied_makes_nobody_silent(house: Warehouse) -> None:
    others = [filled(number, enumerator="E2") for number in (1, 2)]
    ahead = filled(3, end="2099-10-01T08:20:00.000+08:00", today="2099-10-01")
    build(house, ahead, filled(4, start=None, end=None, today="2099-10-02"), filled(0), *others)
    # the newest of all is of 3 October; a record of 2099 has no day
    found = house.rows("select code, last_day, days_silent, without_day from marts.people where kind = 'enumerator'")
    assert sorted(found) == [("E1", date(2026, 10, 1), 2, 2), ("E2", date(2026, 10, 3), 0, 0)]
    assert house.rows("select max(day) from marts.daily") == [(date(2026, 10, 3),)]


def test_a_target_for_a_centre_that_no_form_offers_is_an_error(house: Warehouse) -> None:
    with pytest.raises(CheckError, match=r"targets\.csv: line 3: no form version offers the centre 'c9'"):
        stand_targets(house.con, [Target("c1", 3, None, 2), Target("c9", 3, None, 3)], STUDY, house.questionnaires)
    with pytest.raises(CheckError, match=r"no study\.yml"):
        stand_targets(house.con, [Target("c1", 3)], None, house.questionnaires)
    stand_targets(house.con, [Target("c1", 3)], STUDY, house.questionnaires)
    stand_targets(house.con, [], None, house.questionnaires)
    assert house.rows("from marts.targets") == []


def test_only_what_was_asked_can_be_missing(tmp_path: Path) -> None:
    relevant = {
        **CHANGE,
        "| | type | name | label::Indonesia (id) | label::English (en) | bind::laktasi:privacy | calculation |": (
            "| | type | name | label::Indonesia (id) | label::English (en) | bind::laktasi:privacy | calculation"
            " | relevant |"
        ),
        "| | begin_group | mother | Ibu | Mother | | |": (
            "| | begin_group | mother | Ibu | Mother | | | ${consent} = 'yes' |"
        ),
    }
    with warehouse(tmp_path) as house:
        house.take(form(change=relevant))
        everything = ["consent", "centre", "enumerator", "massage", "observed", "signs", "weight", "place"]
        group = ["name", "nickname", "age"]
        given = {"consent": "yes", "centre": "c1", "enumerator": "E1"}
        mother = "<mother><name>Siti</name></mother>"
        flat = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
        refused = flat.replace("yes", "no").replace("E1", "E2")
        build(house, submission("a", flat + mother), submission("b", refused))
        # a repeat without an instance asked nothing
        assert rate(house, "E1", "missing") == (len(everything) + len(group) - 4, len(everything) + len(group), None)
        assert rate(house, "E2", "missing") == (len(everything) - 3, len(everything), None)
        assert rate(house, "c1", "refusal") == (1, 2, None)


def test_special_choices_are_counted_among_answers_to_questions_that_offer_them(house: Warehouse) -> None:
    answers: list[dict[str, str | None]] = [
        {"massage": "unknown"},
        {"massage": None, "signs": "wet other"},
        {"signs": None},
        {"signs": "otherwise"},
    ]
    build(house, *(filled(number, **changed) for number, changed in enumerate(answers)))
    # consent and massage offer "unknown", signs offers "other"
    assert rate(house, "E1", "dont_know", "k, n, records, rate") == (1, 7, 4, pytest.approx(1 / 7))
    assert rate(house, "E1", "other", "k, n") == (1, 3)
    assert not house.rows("from marts.people_rates where measure = 'refused'")
    with pytest.raises(StudyError, match="'dont_know' of 'special': no list of the form offers 'dunno'"):
        build(house, study=replace(STUDY, special={"dont_know": ("dunno",)}))


def test_fewer_than_ten_records_have_no_interval_and_no_mark(house: Warehouse) -> None:
    few = [filled(number, enumerator="E2", consent="no") for number in range(9)]
    build(house, *few, *(filled(number) for number in range(9, 60)))
    assert rate(house, "E2", "refusal", "k, n, low, high, tail, differs") == (9, 9, None, None, None, None)
    build(house, filled(60, enumerator="E2", consent="no"))
    assert rate(house, "E2", "refusal") == (10, 10, "above")
    low, high = rate(house, "E1", "refusal", "low, high")
    assert (low, rate(house, "E1", "refusal")[2]) == (0, "below")
    assert high < 10 / 61


def test_one_rare_event_is_no_mark_though_the_interval_excludes_the_overall_rate(house: Warehouse) -> None:
    many = [filled(number, enumerator=f"E{number % 10}") for number in range(400)]
    many[5] = filled(5, enumerator="E5", massage="unknown")
    build(house, *many)
    low, overall, tail, differs = rate(house, "E5", "dont_know", "low, overall, tail, differs")
    assert low > overall
    assert tail > 0.05
    assert differs is None


def test_answers_of_one_record_that_go_together_widen_the_interval(house: Warehouse) -> None:
    empty: dict[str, str | None] = dict.fromkeys(("massage", "observed", "signs", "weight", "pulse"))
    build(house, *(filled(number, **(empty if number % 2 else {})) for number in range(40)))
    k, n, effect, low, high = rate(house, "E1", "missing", "k, n, design_effect, low, high")
    plain = [float(scalar(house.con, f"select {wilson(str(k), str(n), end)}")) for end in ("low", "high")]
    # 20 records with 8 of 16 questions empty, 20 with 13: their variance beside that of 16 draws of 10.5 / 16
    assert effect == pytest.approx(40 / 39 * 2.5**2 / (16 * (10.5 / 16) * (5.5 / 16)))
    assert low < plain[0] < k / n < plain[1] < high
    # a record either has an error or not
    assert rate(house, "E1", "error", "design_effect") == (1.0,)


def test_who_rounds_is_found_and_who_does_not_is_not(house: Warehouse) -> None:
    people = []
    for number in range(240):
        enumerator = f"E{number % 4}"
        pulse = str(60 + number // 4 % 10)
        if enumerator == "E3":
            pulse = str(60 + 5 * (number // 4 % 8))
        if number % 60 == 0:
            pulse = "6O"  # no number
        people.append(filled(number, enumerator=enumerator, pulse=pulse, parity=str(number % 2 * 5), phone_number="50"))
    build(house, *people)
    found = house.rows(
        "select enumerator_code, column_name, k, n, round(expected, 3), comparisons from marts.digit_preference"
        " where p_adjusted < 0.05 and share > expected"
    )
    assert found == [("E3", "pulse", 60, 60, 0.182, 8)]
    asked = house.rows("select distinct column_name from marts.digit_preference order by 1")
    # numbers of one digit (parity) say nothing of rounding, and a direct identifier is nobody's business
    assert asked == [("pulse",), ("weight",)]


def test_a_choice_is_too_frequent_only_beside_colleagues_at_the_same_centre(house: Warehouse) -> None:
    people = []
    for number in range(300):
        # at c2 everybody is massaged: that is the place, not the enumerator
        centre = ("c1", "c1", "c2")[number % 3]
        enumerator = f"E{number % 3 + 3 * (number // 3 % 2)}"
        observed = ("poor", "fair", "good")[number // 6 % 3]
        if enumerator == "E0":
            observed = "good"
        changed = {"massage": "yes" if centre == "c2" else ("no", "yes")[number // 6 % 2], "hidden": "poor"}
        people.append(filled(number, centre=centre, enumerator=enumerator, observed=observed, **changed, remark=SECRET))
    # alone at c3, and with a value that no list offers
    people += [filled(number, centre="c3", enumerator="E9", observed="good") for number in range(300, 330)]
    people += [filled(number, enumerator="E1", observed=SECRET) for number in range(330, 360)]
    build(house, *people)
    marked = "from marts.frequent_values where p_adjusted < 0.05 and share > expected"
    assert house.rows(f'select enumerator_code, column_name, "value", k, n {marked}') == [
        ("E0", "observed", "good", 50, 50)
    ]
    assert house.rows("select count(*) from marts.frequent_values where enumerator_code = 'E9'") == [(0,)]
    assert house.rows('select distinct column_name, "value" from marts.frequent_values order by 1, 2') == [
        ("consent", "yes"),
        ("massage", "no"),
        ("massage", "yes"),
        ("observed", "fair"),
        ("observed", "good"),
    ]
    expected, p_adjusted, p_value, comparisons = house.rows(
        f"select expected, p_adjusted, p_value, comparisons {marked}"
    )[0]
    assert expected == pytest.approx(1 / 3, abs=0.02)
    assert p_adjusted == pytest.approx(min(1, p_value * comparisons))


def test_where_all_are_alike_chance_marks_few_and_the_comparisons_none(house: Warehouse) -> None:
    import random

    draw = random.Random(20261121)
    people = [
        filled(
            number,
            enumerator=f"E{number % 20:02d}",
            centre=("c1", "c2")[number // 20 % 2],
            consent="no" if draw.random() < 0.1 else "yes",
            massage=draw.choice(["yes", "no", "no", "unknown"]),
            observed=draw.choice(["poor", "fair", "good"]),
            signs=draw.choice(["wet", "other", "wet other"]) if draw.random() < 0.9 else None,
            pulse=str(draw.randint(55, 99)),
        )
        for number in range(800)
    ]
    build(house, *people)
    compared, marked = house.rows("select count(low), count(differs) from marts.people_rates")[0]
    assert compared > 80
    assert marked <= 0.05 * compared + 2
    for table in ("digit_preference", "frequent_values"):
        made, beyond = house.rows(f"select count(p_value), count(*) filter (p_adjusted < 0.05) from marts.{table}")[0]
        assert made >= 20
        assert beyond == 0


def test_the_same_data_give_the_same_rows_and_no_study_gives_none(house: Warehouse) -> None:
    people = [filled(number, enumerator=f"E{number % 7}", centre=("c1", "c2")[number % 2]) for number in range(150)]
    build(house, *people)
    before = contents(house.con)
    build_people(house.con, PEOPLE_STUDY, house.questionnaires)
    assert contents(house.con) == before
    build(house, study=None)
    for table in ("people", "people_rates", "daily", "digit_preference", "frequent_values"):
        assert house.rows(f"select count(*) from marts.{table}") == [(0,)]


def test_a_study_without_enumerators_and_consent_has_centres_only(house: Warehouse) -> None:
    study = replace(PEOPLE_STUDY, roles=replace(STUDY.roles, enumerator=None, consent=None), consent_value=None)
    build(house, *(filled(number) for number in range(12)), study=study)
    assert house.rows("select kind, code, records from marts.people") == [("centre", "c1", 12)]
    measures = house.rows("select distinct measure from marts.people_rates order by 1")
    assert measures == [("dont_know",), ("error",), ("missing",), ("other",)]
    assert house.rows("select count(*) from marts.frequent_values") == [(0,)]


def test_what_is_published_holds_no_phone_and_no_answer_that_is_a_text_or_a_number(house: Warehouse) -> None:
    people = [
        filled(
            number, remark=SECRET, observed=SECRET if number % 2 else "good", weight="7.654321", phone_number="777111"
        )
        for number in range(40)
    ]
    build(house, *people)
    publish_research(house.con, house.folder, house.questionnaires)
    with duckdb.connect(str(house.folder.research), read_only=True) as copy:
        for table in ("people", "people_rates", "daily", "digit_preference", "frequent_values", "targets"):
            text = str(copy.execute(f"from marts.{table}").fetchall())
            assert not [word for word in (SECRET, "7.654321", "777111") if word in text]
            columns = [name for (name, *_) in copy.execute(f"describe marts.{table}").fetchall()]
            assert not [name for name in columns if "device" in name]
        assert copy.execute("select count(*) from marts.people").fetchone() == (2,)
        assert copy.execute("select count(*) from marts.digit_preference").fetchone() == (0,)
