"""People's decisions reach what is analysed, never what came in; and one that no longer fits is told."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi import pipeline
from laktasi.errors import CheckError, WarehouseError
from laktasi.quality import list_findings
from laktasi.questionnaire.recompute import recompute_sql
from laktasi.records import FieldedForm
from laktasi.secret import key_of, keyed
from laktasi.settings import Settings, read_settings
from laktasi.store.decisions import accepted
from laktasi.summary import summary
from tests import mini
from tests.garden import OWNER, TODAY, Desk, answers, fielded, record, xform
from tests.warehouse_fixture import contents, warehouse

pytestmark = pytest.mark.slow


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with warehouse(tmp_path / "data", fielded()) as house:
        yield Desk(house, tmp_path / "corrections")


def raw_of(desk: Desk) -> dict[str, str]:
    return {name: digest for name, digest in contents(desk.house.con).items() if name.startswith("raw.")}


# What a correction changes


def test_a_correction_reaches_staging_and_what_the_form_computes_follows(desk: Desk) -> None:
    desk.take(record("a", answers()), record("b", answers()))
    before = raw_of(desk)
    desk.replace("a", "beds", "2", "7")
    made = desk.run()
    assert (made.records, made.decisions) == (1, {"applied": 1})
    assert desk.house.rows("select beds, total::int, size from staging.garden order by _submission_id") == [
        (7, 21, "large"),
        (2, 6, "small"),
    ]
    assert raw_of(desk) == before
    assert desk.read == 0, "what is not changed is not read again"


def test_what_is_no_longer_asked_is_no_longer_there(desk: Desk) -> None:
    desk.take(record("a", answers(crop="other", crop_other="sorghum")))
    desk.replace("a", "grows", "yes", "no")
    desk.run()
    assert [desk.answer("a", name) for name in ("grows", "crop", "crop_other", "owner")] == ["no", None, None, None]


def test_an_answer_can_be_taken_away_and_given(desk: Desk) -> None:
    desk.take(record("a", answers(plants=None, total="", size="small")))
    desk.replace("a", "beds", "2", "")
    desk.replace("a", "plants", "", "3")
    desk.run()
    assert (desk.answer("a", "beds"), desk.answer("a", "plants")) == (None, "3")
    assert desk.house.rows("select column_name, state from quality.decision_states order by decision_id") == [
        ("beds", "applied"),
        ("plants", "applied"),
    ]


def test_a_row_of_a_repeat_is_corrected_and_no_other(desk: Desk) -> None:
    plots = [{"length": "5"}, {"length": "5"}]
    desk.take(record("a", answers(plot=plots)), record("b", answers(plot=plots)))
    desk.replace("a", "plot/length", "5", "6", row="2")
    desk.run()
    assert desk.house.rows("select _submission_id, _row, length from answers.garden__plot order by all") == [
        ("a", "1", "5"), ("a", "2", "6"), ("b", "1", "5"), ("b", "2", "5"),
    ]  # fmt: skip


def test_decisions_about_one_answer_are_applied_one_after_the_other(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.replace("a", "beds", "4", "5", id="late", date=date(2026, 11, 22))
    desk.replace("a", "beds", "2", "3", id="b")
    desk.replace("a", "beds", "3", "4", id="c")
    assert desk.run().decisions == {"applied": 3}
    assert desk.answer("a", "beds") == "5"


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    desk.take(record("a", answers()), record("b", answers(crop="other", crop_other="padi")))
    desk.replace("a", "beds", "2", "7")
    desk.replace("a", "plants", "9", "7")
    desk.recode("crop_other", "padi", "crop", "rice")
    first = desk.run()
    before = contents(desk.house.con)
    second = desk.run()
    assert (first.records, second.records, desk.read) == (2, 0, 0)
    assert (second.decisions, second.stale_decisions) == (first.decisions, first.stale_decisions)
    assert contents(desk.house.con) == before


# Where the source has changed since


def stale_edit(desk: Desk) -> None:
    desk.take(record("e", answers(beds="3"), edits="a"))
    desk.replace("a", "beds", "2", "7")


def stale_row(desk: Desk) -> None:
    desk.replace("a", "plot/length", "5", "6", row="3")


def stale_irrelevant(desk: Desk) -> None:
    desk.replace("a", "sown", "", "2026-11-01")  # asked of large ones only


def stale_computed(desk: Desk) -> None:
    desk.replace("a", "size", "small", "large")


@pytest.mark.parametrize("decided", [stale_edit, stale_row, stale_irrelevant, stale_computed])
def test_what_no_longer_fits_is_told_and_not_applied(desk: Desk, decided: Callable[[Desk], None]) -> None:
    desk.take(record("a", answers(plot=[{"length": "5"}])), record("b", answers()))
    decided(desk)
    before = contents(desk.house.con)
    made = desk.run()
    assert (made.decisions, made.stale_decisions) == ({"stale": 1}, ("d001",))
    changed = {name for name, digest in contents(desk.house.con).items() if before[name] != digest}
    assert {name for name in changed if name.startswith(("answers.garden", "staging.garden"))} == set()
    ((submission, _, rule),) = desk.findings
    assert (submission, rule) == ("a", "garden.stale_decision")
    desk.run()
    assert desk.states == {"d001": "stale"}


def test_a_question_that_the_version_of_the_record_does_not_have_gets_no_answer(desk: Desk) -> None:
    bind = b'<bind nodeset="/data/beds"'
    asked = xform("2").replace(b"<beds/>", b"<beds/><soil/>")
    asked = asked.replace(bind, b'<bind nodeset="/data/soil" type="string"/>' + bind)
    new = FieldedForm(asked, {}, "project")
    desk.take(new, record("a", answers()), record("b", answers(), version="2"))
    for submission in ("a", "b"):
        desk.replace(submission, "soil", "", "clay")
    desk.run()
    assert desk.states == {"d001": "stale", "d002": "applied"}
    assert (desk.answer("a", "soil"), desk.answer("b", "soil")) == (None, "clay")


def test_an_edit_that_comes_later_makes_a_correction_stale(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.replace("a", "beds", "2", "7")
    desk.run()
    made = desk.take(record("e", answers(beds="3", total="9"), edits="a"))
    assert made.stale_decisions == ("d001",)
    assert desk.answer("a", "beds") == "3"
    assert desk.findings == [("a", "", "garden.stale_decision")]


def test_an_edit_of_something_else_leaves_a_correction_in_force(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.replace("a", "beds", "2", "7")
    desk.run()
    desk.take(record("e", answers(owner="Ani"), edits="a"))
    assert (desk.answer("a", "beds"), desk.answer("a", "owner")) == ("7", "Ani")
    assert desk.findings == []


def test_a_source_that_says_the_same_by_now_settles_it(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.replace("a", "beds", "2", "7")
    desk.run()
    made = desk.take(record("e", answers(beds="7", total="0"), edits="a"))
    assert (made.decisions, made.records) == ({"settled": 1}, 0)
    assert desk.answer("a", "total") == "0", "nothing was corrected, so nothing is computed anew"


def test_the_last_word_about_an_answer_settles_what_was_said_before(desk: Desk) -> None:
    desk.take(record("a", answers(beds="5")))
    desk.replace("a", "beds", "2", "7")
    assert desk.run().decisions == {"stale": 1}
    desk.replace("a", "beds", "5", "8")
    desk.run()
    assert desk.states == {"d001": "settled", "d002": "applied"}
    assert desk.answer("a", "beds") == "8"
    assert desk.findings == []


# Taking back


def test_a_withdrawal_restores_what_came_in(desk: Desk) -> None:
    desk.take(record("a", answers()), record("b", answers()))
    before = contents(desk.house.con)
    decided = desk.replace("a", "beds", "2", "7")
    desk.run()
    desk.decide("withdraw", withdraws=decided)
    desk.run()
    assert desk.read == 1
    assert desk.states == {"d001": "withdrawn", "d002": "applied"}
    after = contents(desk.house.con)
    assert {name for name, digest in after.items() if before[name] != digest} == {
        "quality.decisions",
        "quality.decision_states",
    }


def test_the_first_of_two_can_be_taken_back(desk: Desk) -> None:
    desk.take(record("a", answers()))
    first = desk.replace("a", "beds", "2", "7")
    desk.replace("a", "plants", "3", "4")
    desk.run()
    desk.decide("withdraw", withdraws=first)
    desk.run()
    assert [desk.answer("a", name) for name in ("beds", "plants", "total")] == ["2", "4", "8"]


def test_what_was_decided_is_neither_changed_nor_removed(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.replace("a", "beds", "2", "7")
    desk.run()
    (file,) = desk.folder.iterdir()
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("'7'", "'8'"), encoding="utf-8")
    with pytest.raises(CheckError, match="decision 'd001' is not what it was"):
        desk.run()
    file.unlink()
    with pytest.raises(CheckError, match=r"1 decisions .* are gone .*such as 'd001'"):
        desk.run()
    (desk.folder / "elsewhere.yml").write_text(text, encoding="utf-8")
    assert desk.run().decisions == {"applied": 1}


# Leaving out


def state_of(desk: Desk, submission: str) -> str:
    ((state,),) = desk.house.rows(f"select state from staging.submissions where submission_id = '{submission}'")
    return str(state)


def test_a_record_is_dropped_and_comes_back(desk: Desk) -> None:
    desk.take(record("a", answers()), record("b", answers()))
    before = raw_of(desk)
    dropped = desk.decide("drop", submission="a", expected="a")
    desk.run()
    assert (state_of(desk, "a"), desk.states) == ("dropped", {"d001": "applied"})
    assert desk.house.rows("select _submission_id from staging.garden") == [("b",)]
    assert raw_of(desk) == before
    desk.decide("withdraw", withdraws=dropped)
    desk.run()
    assert state_of(desk, "a") == "staged"
    assert desk.answer("a", "beds") == "2"


def test_an_edit_brings_a_dropped_record_back_with_a_finding(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.decide("drop", submission="a", expected="a")
    desk.run()
    made = desk.take(record("e", answers(beds="3"), edits="a"))
    assert (state_of(desk, "a"), made.stale_decisions) == ("staged", ("d001",))
    assert desk.findings == [("a", "", "garden.stale_decision")]
    desk.decide("drop", submission="a", expected="e")
    desk.run()
    assert (state_of(desk, "a"), desk.states) == ("dropped", {"d001": "settled", "d002": "applied"})


def test_a_record_is_known_by_whatever_its_chain_was_called(desk: Desk) -> None:
    # of a0 only the name is known; c is all that is known of its chain until the older links come
    desk.take(record("b", answers(), edits="a0"), record("c", answers()))
    assert state_of(desk, "a0") == "staged"
    desk.decide("drop", submission="b", expected="b")
    desk.replace("c", "beds", "2", "7")
    desk.run()
    assert state_of(desk, "a0") == "dropped"
    made = desk.take(record("c0", answers()), record("c1", answers(), edits="c0"), record("c", answers(), edits="c1"))
    assert made.waiting_decisions == ()
    assert desk.house.rows("select submission_id, state from quality.decision_states order by 1") == [
        ("a0", "applied"),
        ("c0", "applied"),
    ]


def test_decisions_about_a_record_that_is_left_out_are_settled_and_about_none_they_wait(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.decide("drop", submission="a", expected="a")
    desk.replace("a", "beds", "2", "7")
    desk.decide("okay", submission="a", rule="r", expected="a")
    desk.replace("later", "beds", "2", "7")
    desk.recode("crop_other", "padi", "crop", "rice")
    made = desk.run()
    assert made.decisions == {"applied": 1, "settled": 2, "waiting": 2}
    assert made.waiting_decisions == ("d004", "d005")
    assert desk.findings == []
    desk.take(record("later", answers()))
    assert desk.answer("later", "beds") == "7"
    assert desk.states["d004"] == "applied"


# What "other" means


def test_a_text_becomes_a_choice_in_every_record_also_in_later_ones(desk: Desk) -> None:
    desk.take(
        record("a", answers(crop="other", crop_other="padi")),
        record("b", answers(crop="other", crop_other="Padi")),
        record("c", answers(crop="maize", crop_other="padi")),
    )
    desk.recode("crop_other", "padi", "crop", "rice")
    assert desk.run().records == 1
    desk.take(record("d", answers(crop="other", crop_other="padi")))
    assert desk.read == 1
    assert desk.house.rows("select _submission_id, crop, crop_other from answers.garden order by 1") == [
        ("a", "rice", None),
        ("b", "other", "Padi"),
        ("c", "maize", "padi"),
        ("d", "rice", None),
    ]
    assert desk.house.rows("select submission_id, column_name, state from quality.decision_states order by 1") == [
        ("a", "crop_other", "applied"),
        ("d", "crop_other", "applied"),
    ]


def test_of_several_choices_only_other_is_replaced_and_a_direct_identifier_is_known_by_its_hash(desk: Desk) -> None:
    desk.take(
        record("a", answers(tools={"tool": "knife other hoe", "tool_other": OWNER})),
        record("b", answers(tools={"tool": "other", "tool_other": OWNER})),
        record("c", answers(tools={"tool": "other", "tool_other": "spade"})),
    )
    hashed = keyed(key_of(desk.house.folder), "garden", "tools/tool_other", OWNER)
    desk.recode("tools/tool_other", hashed, "tools/tool", "hoe")
    desk.run()
    assert desk.house.rows("select _submission_id, tools__tool, tools__tool_other from answers.garden order by 1") == [
        ("a", "knife hoe", None),
        ("b", "hoe", None),
        ("c", "other", "spade"),
    ]
    assert OWNER not in next(desk.folder.iterdir()).read_text(encoding="utf-8")


def test_a_text_is_hashed_once_however_many_recodes_there_are(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(desk.house.folder)
    for number in range(20):
        hashed = keyed(key, "garden", "tools/tool_other", f"spade {number}")
        desk.recode("tools/tool_other", hashed, "tools/tool", "knife")
    tools = [{"tool": "hoe other", "tool_other": f"spade {number}"} for number in (0, 0, 1, 2)]
    hashed_texts: list[bytes] = []
    plain = hmac.new

    def new(key: bytes, message: bytes, digest: Any) -> hmac.HMAC:
        hashed_texts.append(message)
        return plain(key, message, digest)

    monkeypatch.setattr(hmac, "new", new)
    desk.take(*(record(f"r{number}", answers(tools=one)) for number, one in enumerate(tools)))
    assert desk.answer("r3", "tools__tool") == "hoe knife"
    assert len(hashed_texts) == len(set(hashed_texts)) <= 4


def test_texts_in_a_repeat_are_recoded_row_by_row(desk: Desk) -> None:
    desk.take(record("a", answers(plot=[{"what": "other", "what_other": "padi"}, {"what": "maize"}])))
    desk.recode("plot/what_other", "padi", "plot/what", "rice")
    desk.run()
    assert desk.house.rows("select _row, what, what_other from answers.garden__plot order by 1") == [
        ("1", "rice", None),
        ("2", "maize", None),
    ]


def test_a_recode_is_taken_back(desk: Desk) -> None:
    desk.take(record("a", answers(crop="other", crop_other="padi")), record("b", answers()))
    before = contents(desk.house.con)
    decided = desk.recode("crop_other", "padi", "crop", "rice")
    desk.run()
    desk.decide("withdraw", withdraws=decided)
    desk.run()
    assert desk.read == 1
    changed = {name for name, digest in contents(desk.house.con).items() if before[name] != digest}
    assert changed == {"quality.decisions", "quality.decision_states"}


def test_recodes_and_replacements_go_on_from_each_other(desk: Desk) -> None:
    desk.take(
        record("a", answers(crop="other", crop_other="padi")),
        record("b", answers(crop="other", crop_other="pady")),
    )
    desk.recode("crop_other", "padi", "crop", "rice", id="d1")
    desk.replace("a", "crop", "rice", "maize", id="d2")  # of this one it is not so
    desk.replace("b", "crop_other", "pady", "padi", id="d3")  # comes after the recode, and does not escape it
    assert desk.run().decisions == {"applied": 3}
    assert desk.house.rows("select crop, crop_other from answers.garden order by _submission_id") == [
        ("maize", None),
        ("rice", None),
    ]
    before = contents(desk.house.con)
    desk.run()
    assert (desk.read, contents(desk.house.con)) == (0, before)


def test_a_recode_reaches_a_record_that_stands_corrected_already(desk: Desk) -> None:
    desk.take(record("a", answers(crop="other", crop_other="padi")), record("b", answers()))
    desk.replace("a", "beds", "2", "7")
    desk.run()
    desk.recode("crop_other", "padi", "crop", "rice")
    desk.run()
    assert desk.read == 1
    assert [desk.answer("a", name) for name in ("beds", "total", "crop")] == ["7", "21", "rice"]


def test_each_form_version_has_its_own_other(desk: Desk) -> None:
    version = {"version": "2"}
    desk.take(
        fielded("2", "elsewise"), record("a", answers(tools={"tool": "elsewise", "tool_other": "spade"}), **version)
    )
    hashed = keyed(key_of(desk.house.folder), "garden", "tools/tool_other", "spade")
    desk.recode("tools/tool_other", hashed, "tools/tool", "hoe")
    desk.run()
    assert desk.answer("a", "tools__tool") == "hoe"


# What people accept


def accepts(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.house.rows(f'select submission_id, "row", rule_id, decision_id from ({accepted()}) order by all')


def test_an_okay_holds_while_the_answer_stays(desk: Desk) -> None:
    desk.take(record("a", answers()), record("b", answers(plot=[{"length": "5"}])))
    desk.decide("okay", submission="a", rule="beds.constraint", question="beds", expected="2")
    desk.decide("okay", submission="a", rule="twice", expected="a")
    desk.decide("okay", submission="b", rule="length.constraint", row="1", question="plot/length", expected="5")
    desk.decide("okay", rule="rate", row="centre:c1", until=TODAY)
    desk.decide("okay", submission="b", rule="beds.constraint", question="beds", expected="2", until=date(2026, 11, 20))
    assert desk.run().decisions == {"applied": 4, "expired": 1}
    assert accepts(desk) == [
        ("", "centre:c1", "rate", "d004"),
        ("a", "", "beds.constraint", "d001"),
        ("a", "", "twice", "d002"),
        ("b", "1", "length.constraint", "d003"),
    ]
    desk.take(record("e", answers(beds="3"), edits="a"), today=date(2026, 12, 1))
    assert accepts(desk) == [("b", "1", "length.constraint", "d003")]
    assert desk.states == {"d001": "stale", "d002": "stale", "d003": "applied", "d004": "expired", "d005": "expired"}
    # what it was about is open again, or mended: that is told there
    assert desk.findings == []


def test_an_okay_is_about_the_answer_after_all_corrections(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.decide("okay", submission="a", rule="size.calculation", question="size", expected="large")
    desk.decide("okay", submission="a", rule="beds.constraint", question="beds", expected="2")
    desk.replace("a", "beds", "2", "7")
    desk.run()
    assert desk.states == {"d001": "applied", "d002": "stale", "d003": "applied"}


def test_an_okay_of_a_direct_identifier_is_known_by_its_hash(desk: Desk) -> None:
    hashed = keyed(key_of(desk.house.folder), "garden", "owner", OWNER)
    desk.decide("okay", submission="a", rule="owner.constraint", question="owner", expected=hashed)
    desk.decide("okay", submission="b", rule="owner.constraint", question="owner", expected=hashed)
    desk.take(record("a", answers()), record("b", answers(owner="Ani")))
    assert desk.states == {"d001": "applied", "d002": "stale"}


# What must not happen


def test_a_lost_key_is_told_and_nothing_is_changed(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.replace("a", "owner", keyed(key_of(desk.house.folder), "garden", "owner", OWNER), "Ani")
    desk.house.folder.secret.unlink()
    desk.begin()
    before = contents(desk.house.con)
    with pytest.raises(WarehouseError, match=r"secret\.key is not in the data folder") as caught:
        desk.finish()
    assert contents(desk.house.con) == before
    assert OWNER not in str(caught.value)
    assert not desk.house.folder.secret.exists()


def test_what_breaks_in_the_middle_leaves_nothing_half_done(desk: Desk) -> None:
    desk.take(record("a", answers()), record("b", answers(crop="other", crop_other="padi")))
    desk.replace("a", "beds", "2", "7")
    desk.recode("crop_other", "padi", "crop", "rice")

    def torn(*given: Any) -> Any:
        if given[1] == "garden__plot":
            raise KeyboardInterrupt
        return recompute_sql(*given)

    desk.begin()
    before = contents(desk.house.con)
    with pytest.raises(KeyboardInterrupt):
        desk.finish(recompute=torn)
    assert contents(desk.house.con) == before
    assert desk.run().records == 2
    assert (desk.answer("a", "total"), desk.answer("b", "crop")) == ("21", "rice")


@pytest.mark.parametrize("killed_after", ["decide", "set back", "read"])
def test_a_run_killed_between_steps_is_finished_by_the_next(desk: Desk, killed_after: str) -> None:
    desk.take(record("a", answers()), record("b", answers(crop="other", crop_other="padi")))
    first = desk.replace("a", "beds", "2", "7")
    desk.run()
    desk.decide("withdraw", withdraws=first)
    desk.replace("a", "plants", "3", "4")
    desk.recode("crop_other", "padi", "crop", "rice")
    if killed_after == "read":
        desk.begin()
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"tests.garden.{'set_back' if killed_after == 'decide' else 'load_answers'}", killed)
            with pytest.raises(KeyboardInterrupt):
                desk.begin()
    desk.run()
    assert [desk.answer("a", name) for name in ("beds", "plants", "total")] == ["2", "4", "8"]
    assert desk.answer("b", "crop") == "rice"
    assert desk.states == {"d001": "withdrawn", "d002": "applied", "d003": "applied", "d004": "applied"}
    before = contents(desk.house.con)
    desk.run()
    assert (desk.read, contents(desk.house.con)) == (0, before)


def killed(*_given: Any, **_named: Any) -> Any:
    raise KeyboardInterrupt


def test_what_follows_is_computed_anew_where_the_form_version_reads_otherwise(desk: Desk) -> None:
    desk.take(record("a", answers()))
    desk.replace("a", "beds", "2", "7")
    desk.run()
    desk.begin()
    assert desk.read == 0
    # the same version, of which other media or another XForm stand by now
    desk.house.con.execute("update raw.forms set xform = ?, sha256 = 'x'", [xform().replace(b"'large'", b"'huge'")])
    desk.run()
    assert (desk.read, desk.answer("a", "size")) == (1, "huge")


# The whole way


def ask(settings: Settings, query: str, *, private: bool = False) -> list[tuple[Any, ...]]:
    folder = settings.data_folder
    with duckdb.connect(str(folder.warehouse if private else folder.research), read_only=not private) as con:
        return con.execute(query).fetchall()


@pytest.mark.slow
def test_a_study_is_analysed_with_its_corrections_and_nothing_of_them_leaves(tmp_path: Path) -> None:
    phone = mini.fill_phone(tmp_path / "phone", 12)
    mini.put(phone, "bad", mini.xml(mini.person(57, age=7), "uuid:bad"))
    mini.put(phone, "odd", mini.xml(mini.person(58, age=8), "uuid:odd"))
    mini.put(phone, "twice", mini.xml(mini.person(5), "uuid:twice"))
    project = mini.make_project(tmp_path / "project")
    settings = read_settings(project, data=tmp_path / "data", phones=(phone,))

    def run() -> pipeline.Run:
        return pipeline.walk(settings, pipeline.WAY, door="cli")

    run()
    assert ask(settings, "select count(*) from quality.findings where is_open") == [(4,)]
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        before = {name: digest for name, digest in contents(con).items() if name.startswith("raw.")}
    other_name = "Ani Rahasia Juga"
    hashed = keyed(key_of(settings.data_folder), "tea", "name", mini.SECRET)
    place = "form: tea, submission: 'uuid:bad', reason: Tertukar, reporter: Bidan Ketua, date: 2026-11-21"
    corrections = settings.folders.corrections
    corrections.mkdir(parents=True)
    (corrections / "november.yml").write_text(
        f"""
decisions:
  - {{id: age, action: replace, question: age, expected: 7, value: 27, {place}}}
  - {{id: cups, action: replace, question: cups, expected: {mini.person(57)["cups"]}, value: few, {place}}}
  - {{id: name, action: replace, question: name, expected: '{hashed}', value: {other_name}, {place}}}
  - {{id: odd, action: okay, question: age, rule: age.constraint, expected: 8, {place.replace("bad", "odd")}}}
  - {{id: twice, action: drop, expected: 'uuid:twice', {place.replace("bad", "twice")}}}
  - {{id: late, action: replace, question: milk, expected: never, value: 'yes', {place.replace("bad", "tea-0001")}}}
""",
        encoding="utf-8",
    )
    told = run().told
    assert told["correct"]["decisions"] == {"applied": 5, "stale": 1}
    assert ask(settings, "select age, cups from staging.tea where _submission_id = 'uuid:bad'") == [(27, "few")]
    levels = "select cups from marts.analysed where submission_id = 'uuid:bad'"
    assert ask(settings, levels) == [(1,)]
    assert ask(settings, "select _submission_id from staging.tea where _submission_id = 'uuid:twice'") == []
    with duckdb.connect(str(settings.data_folder.research), read_only=True) as con:
        left = [(item.submission_id, item.rule_id, item.status) for item in list_findings(con, status=None)]
    assert sorted(left) == [
        ("uuid:bad", "age.constraint", "mended"),
        ("uuid:odd", "age.constraint", "accepted"),
        ("uuid:tea-0001", "tea.stale_decision", "open"),
        ("uuid:tea-0005", "one_code_once", "mended"),
        ("uuid:twice", "one_code_once", "mended"),
    ]
    assert ask(settings, "select count(*) from marts.submissions where is_accepted") == [(13,)]
    with duckdb.connect(str(settings.data_folder.warehouse)) as con:
        assert {name: digest for name, digest in contents(con).items() if name.startswith("raw.")} == before
    lines = summary(settings)
    assert "decisions of people: 5 applied, 1 stale" in lines
    assert any("late" in line for line in lines)
    holds = {
        path.relative_to(settings.data_folder.root).as_posix()
        for secret in (mini.SECRET, other_name, "Tertukar", "Bidan Ketua", hashed)
        for path in settings.data_folder.root.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    }
    assert holds == {"warehouse.duckdb"}


def test_a_slip_is_told_before_the_long_work(tmp_path: Path) -> None:
    project = mini.make_project(tmp_path / "project")
    settings = read_settings(project, data=tmp_path / "data", phones=(mini.fill_phone(tmp_path / "phone", 2),))
    corrections = settings.folders.corrections
    corrections.mkdir()
    file = corrections / "x.yml"
    slip = (
        "decisions: [{id: a, action: drop, form: tee, submission: s, expected: s, reason: r, reporter: A, date: DAY}]"
    )
    slip = slip.replace("DAY", TODAY.isoformat())
    for text, says in ((slip.replace("drop", "dorp"), "unknown action 'dorp'"), (slip, "no form is called 'tee'")):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(CheckError, match=rf"x\.yml: decision 'a': {says}"):
            pipeline.walk(settings, pipeline.WAY, door="cli")
        assert ask(settings, "select count(*) from staging.submissions", private=True) == [(0,)]
        assert ask(settings, "select count(*) from quality.decisions", private=True) == [(0,)]
