"""What a comment on Central says: questions and rules in the project's language, bounded, and never an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from laktasi.quality.messages import AT_MOST_LETTERS, AT_MOST_LINES, Message, Problem, comment, messages, problems
from tests.warehouse_fixture import FORM, Warehouse, form, submission, warehouse

SOURCE = "central:example.org/1"
AGE = "mother__age.constraint"


def problem(
    rule: str = AGE, question: Mapping[str, str] | None = None, message: Mapping[str, str] | None = None, row: str = ""
) -> Problem:
    return Problem(FORM, "s1", rule, row, question or {}, message or {"id": "Salah.", "en": "Wrong."})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Warehouse]:
    with warehouse(tmp_path) as opened:
        opened.take(form(), submission("s1", "<mother><age>7</age></mother>"), submission("s2"), submission("s3"))
        yield opened


def on_central(store: Warehouse, *ids: str, deleted: bool = False) -> None:
    for submission_id in ids:
        store.con.execute(
            """
            insert into raw.submission_states by name select
                ? as form_id, ? as submission_id, ? as instance_id, 0 as edits, now() as submitted_at,
                case when ? then now() end as deleted_at, false as is_purged, 0 as attachments_present,
                0 as attachments_expected, ? as source, now() as landed_at, 'r' as run_id
            """,
            [FORM, submission_id, submission_id, deleted, SOURCE],
        )


# The text.


def test_it_says_who_speaks_and_names_question_and_rule() -> None:
    told = [problem(AGE, {"id": "Umur", "en": "Age"}), problem("one_once", {}, {"id": "Kode ganda.", "en": "Twice."})]
    assert comment(told, "en").splitlines() == [
        "laktasi: to be looked at in this record: 2.",
        "",
        f"- Age: Wrong. `{AGE}`",
        "- Twice. `one_once`",
    ]
    assert comment(told, "id").splitlines()[2:] == [f"- Umur: Salah. `{AGE}`", "- Kode ganda. `one_once`"]


def test_a_form_in_another_language_is_told_in_it() -> None:
    assert comment([problem(AGE, {"fr": "Âge"}, {"default": "Faux."})], "id").endswith(f"- Âge: Faux. `{AGE}`")


def test_a_repeat_is_told_by_its_place() -> None:
    told = [problem(AGE, {"en": "Size"}, row="2"), problem(AGE, row="3.1")]
    assert comment(told, "en").splitlines()[2:] == [f"- Size (no. 2): Wrong. `{AGE}`", f"- no. 3.1: Wrong. `{AGE}`"]


def test_many_findings_are_bounded() -> None:
    told = comment([problem(f"rule_{number}", {"en": "x" * 1000}) for number in range(300)], "en")
    assert len(told.splitlines()) == AT_MOST_LINES + 3
    assert told.splitlines()[-1].startswith("… and 290 more.")
    assert max(map(len, told.splitlines())) < 2 * AT_MOST_LETTERS
    assert "more" not in comment([problem(f"rule_{number}") for number in range(AT_MOST_LINES)], "en")


# What it is made of.


def test_open_findings_of_live_records_are_told_by_severity(store: Warehouse) -> None:
    on_central(store, "s1", "s2")
    on_central(store, "s3", deleted=True)
    for submission_id in ("s1", "s3"):
        store.error(submission_id)
    store.error("s1", "weight.constraint", "warning")
    store.error("s2", "weight.constraint", "warning")
    store.error("s2")
    store.event("s2", AGE, "mended")
    assert [(item.submission_id, item.rule_ids) for item in messages(store.con, SOURCE, ("error",), "en")] == [
        ("s1", (AGE,))
    ]
    both = messages(store.con, SOURCE, ("error", "warning"), "en")
    assert [(item.submission_id, item.rule_ids) for item in both] == [
        ("s1", (AGE, "weight.constraint")),
        ("s2", ("weight.constraint",)),
    ]
    assert messages(store.con, "central:elsewhere/1", ("error", "warning"), "en") == []


def test_the_question_is_found_by_table_and_column(store: Warehouse) -> None:
    store.error("s1")
    store.con.execute("update quality.rules set field = 'mother__age'")
    (found,) = problems(store.con, ("error",))
    assert found.question == {"id": "Umur", "en": "Age"}


def test_no_answer_is_shown_where_a_label_or_message_would_show_one(store: Warehouse) -> None:
    on_central(store, "s1")
    store.error("s1")
    labels = "map {'en': '**Age** of <span style=\"color:red\">${name}</span>, is < 9 or > 60?'}"
    store.con.execute("update quality.rules set field = 'mother__age', messages = map {'en': 'Not ${ age } years.'}")
    store.con.execute(f"update staging.codebook set labels = {labels} where column_name = 'mother__age'")
    (message,) = messages(store.con, SOURCE, ("error",), "en")
    assert isinstance(message, Message)
    assert f"- Age of …, is < 9 or > 60?: Not … years. `{AGE}`" in message.text


def test_a_sender_cannot_speak_through_the_name_of_a_node(store: Warehouse) -> None:
    rule = f"{FORM}.unknown_node"
    store.error("s1", rule, "warning")
    store.con.execute("update quality.rules set kind = 'unknown_node', field = null")
    store.con.execute("update quality.finding_events set \"row\" = 'call_0812_3456'")
    (found,) = problems(store.con, ("warning",))
    assert (found.rule_id, found.row) == (rule, "")


def test_what_reviewers_said_is_not_said_back(store: Warehouse) -> None:
    on_central(store, "s1")
    store.error("s1", f"{FORM}.rejected")
    store.con.execute("update quality.rules set kind = 'source'")
    assert messages(store.con, SOURCE, ("error", "warning"), "en") == []


def test_a_record_that_is_not_staged_is_not_told(store: Warehouse) -> None:
    on_central(store, "s1")
    store.error("s1")
    assert len(messages(store.con, SOURCE, ("error",), "en")) == 1
    store.con.execute("update staging.submissions set state = 'waiting'")
    assert messages(store.con, SOURCE, ("error",), "en") == []
