"""Decisions as people write them: read as written, refused where they are not understood, written without loss."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from laktasi.errors import CheckError, WarehouseError
from laktasi.paths import HOUSE, DataFolder
from laktasi.quality.decision_checks import check_decisions
from laktasi.quality.decisions import Decision, new_id, read_decisions, write_decision, write_decisions
from laktasi.questionnaire.others import find_others
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import read_media
from laktasi.secret import key_of, keyed, known_key
from tests.garden import garden

ANSWER = "Jalan Mawar"
BASE = "reason: r, reporter: Ani, date: 2026-11-21"
REPLACE = f"id: a, action: replace, form: f, submission: s, question: q, expected: '1', value: '2', {BASE}"


def put(folder: Path, text: str, name: str = "x.yml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def entry(text: str) -> str:
    return f"decisions: [{{{text}}}]"


def test_answers_are_taken_as_they_are_written(tmp_path: Path) -> None:
    written = ["0000000195", "1e3", "no", "2026-10-01", "~", "0x1F", "12:30", "1_000", ".5", "null"]
    text = "\n".join(
        f"  - {{id: d{n}, action: replace, form: 1, submission: s, question: q, expected: {value}, value: '', {BASE}}}"
        for n, value in enumerate(written)
    )
    decisions = read_decisions(put(tmp_path, f"decisions:\n{text}\n"))
    assert [decision.expected for decision in decisions] == written
    assert {(decision.form, decision.value, decision.date) for decision in decisions} == {("1", "", date(2026, 11, 21))}


def test_files_below_the_folder_are_read_in_the_order_of_days_and_ids(tmp_path: Path) -> None:
    assert read_decisions(tmp_path / "none") == ()
    put(tmp_path, entry(REPLACE.replace("id: a", "id: c")), "b.yml")
    put(tmp_path / "more", entry(REPLACE.replace("id: a", "id: b")), "a.yaml")
    put(tmp_path, entry(REPLACE.replace("2026-11-21", "2026-11-20").replace("id: a", "id: z")), "z.yml")
    put(tmp_path, "decisions:\n", "empty.yml")
    put(tmp_path, "no yaml: [", "README.md")
    put(tmp_path, "no yaml: [", ".#x.yml")
    assert [(decision.id, decision.file) for decision in read_decisions(tmp_path)] == [
        ("z", "z.yml"),
        ("b", "more/a.yaml"),
        ("c", "b.yml"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (entry(REPLACE + ", colour: red"), r"x\.yml: decision 'a': unknown key 'colour'; known are id, action"),
        (
            entry(REPLACE.replace("action: replace", "action: erase")),
            "decision 'a': unknown action 'erase'; known are rep",
        ),
        (entry(REPLACE.replace("action: replace, ", "")), "decision 'a': no action"),
        (entry(REPLACE.replace("id: a", "id: 'a b'")), "number 1 needs an id"),
        (entry(REPLACE.replace("question: q, ", "")), "replace needs 'question'"),
        (entry(REPLACE.replace("question: q", "question: ' '")), "'question' is empty"),
        (entry(REPLACE.replace("value: '2'", f'value: "{ANSWER}\\uD800"')), "decision 'a': 'value' has a character"),
        (entry(REPLACE.replace("reason: r", 'reason: "r\\0"')), "decision 'a': 'reason' has a character"),
        ("decisions: " + "[" * 5000, "x.yml: nested too deeply"),
        (entry(REPLACE.replace("value: '2'", "value:")), "decision 'a': 'value' is empty: write ''"),
        (entry(REPLACE.replace("expected: '1'", "expected:")), "decision 'a': 'expected' is empty: write ''"),
        (entry(REPLACE.replace("reason: r", "reason:")), "decision 'a': 'reason' is empty"),
        (entry(REPLACE + ", parent: p"), "'parent' has no meaning for replace"),
        (entry(REPLACE + ", until: 2026-12-01"), "'until' has no meaning for replace"),
        (entry(REPLACE.replace("value: '2'", f"value: [{ANSWER}]")), "'value' must be one text"),
        (entry(REPLACE.replace("value: '2'", "value: '1'")), "it would change nothing"),
        (entry(REPLACE.replace("2026-11-21", "21.11.2026")), "'date' must be a day"),
        (entry(REPLACE.replace("2026-11-21", "2026-02-30")), "'date' must be a day"),
        (entry(REPLACE.replace("reason: r", "reason: ''")), "'reason' is empty"),
        (entry(REPLACE.replace("expected: '1'", "expected: hmac:12")), "is no such hash"),
        (
            entry(f"id: a, action: recode, form: f, question: q, expected: '', parent: p, value: c, {BASE}"),
            "needs a text",
        ),
        (entry(f"id: a, action: drop, form: f, submission: s, expected: '', {BASE}"), "must be the instanceID"),
        (
            entry(f"id: a, action: okay, form: f, rule: r, submission: s, {BASE}"),
            "an okay about a record needs 'expected'",
        ),
        (
            entry(f"id: a, action: okay, form: f, rule: r, submission: s, expected: '', {BASE}"),
            "must be the instanceID",
        ),
        (entry(f"id: a, action: okay, form: f, rule: r, {BASE}"), "needs 'submission', or, about a group"),
        (entry(f"id: a, action: okay, form: f, rule: r, row: 'centre:c1', {BASE}"), "needs 'until'"),
        (
            entry(f"id: a, action: okay, form: f, rule: r, row: 'centre:c1', until: 2026-12-01, expected: x, {BASE}"),
            "has neither 'question' nor 'expected'",
        ),
        (entry(f"id: a, action: withdraw, withdraws: b, {BASE}"), "it withdraws 'b', and there is no such decision"),
        (f"decisions: [{{{REPLACE}}}, {{{REPLACE}}}]", "x.yml has a decision with this id as well"),
        ("decisions: {}\n", "'decisions' must be a list"),
        ("decisions: [text]\n", "number 1 must be a mapping"),
        ("- {}\n", "one key, 'decisions'"),
        (f"decisions:\n  - id: a\n    value: {ANSWER}: {ANSWER}\n", "x.yml: not YAML: see line 3"),
        (f"decisions:\n  - id: a\n    value: {ANSWER}\n    value: {ANSWER}\n", "x.yml: a key stands twice"),
    ],
)
def test_what_is_not_understood_is_refused_without_an_answer(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(CheckError, match=says) as caught:
        read_decisions(put(tmp_path, text))
    assert caught.value.exit_code == 6
    assert ANSWER not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_withdrawal_is_not_withdrawn(tmp_path: Path) -> None:
    withdraw = f"action: withdraw, {BASE}"
    both = f"{{{REPLACE}}}, {{id: w, withdraws: a, {withdraw}}}"
    assert len(read_decisions(put(tmp_path, f"decisions: [{both}]"))) == 2
    with pytest.raises(CheckError, match="it withdraws a withdrawal"):
        read_decisions(put(tmp_path, f"decisions: [{both}, {{id: x, withdraws: w, {withdraw}}}]"))


AWKWARD = [
    "0012",
    "no",
    "a: b",
    "- x",
    "#",
    "'",
    '"',
    "  two  spaces ",
    "line\nline\n",
    "\ttab",
    "é🍵",
    "{[&*!|>%@`",
    "=1+1",
]
SOME = Decision("d", "replace", "why", "Ani", date(2026, 11, 21), form="f", submission="uuid:1", question="g/q")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    decisions = [replace(SOME, id=f"d{number}", expected=text, value="") for number, text in enumerate(AWKWARD)]
    decisions.append(
        Decision(
            new_id(),
            "okay",
            "seen",
            "Ani",
            date(2026, 11, 22),
            form="f",
            rule="r",
            row="centre:c1",
            until=date(2026, 12, 1),
            finding="0123456789abcdef",
        )
    )
    path = write_decisions(tmp_path / "corrections", decisions)
    assert path == tmp_path / "corrections" / "d0.yml"
    assert path.stat().st_mode & 0o077 == 0
    assert set(read_decisions(path.parent)) == set(decisions)
    other = write_decision(path.parent, replace(SOME, id=new_id(), expected="1", value="2"))
    assert other != path
    assert len(read_decisions(path.parent)) == len(decisions) + 1
    assert [item.suffix for item in path.parent.iterdir()] == [".yml", ".yml"]


@pytest.mark.parametrize(
    "broken",
    [
        replace(SOME, expected="1"),
        replace(SOME, expected="1", value="2", until=date(2026, 12, 1)),
        replace(SOME, expected="1", value="2", id="../x"),
        replace(SOME, expected="1", value="2", id="taken"),
        replace(SOME, expected="1", value="2", reason=" r "),
        replace(SOME, expected="1", value="2\udcff"),
        replace(SOME, expected="1\0", value="2"),
    ],
)
def test_what_would_not_be_read_again_is_not_written(tmp_path: Path, broken: Decision) -> None:
    write_decision(tmp_path, replace(SOME, id="taken", expected="1", value="2"))
    with pytest.raises(CheckError):
        write_decision(tmp_path, broken)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.yml"]


def test_new_ids_sort_by_time() -> None:
    assert (first := new_id()) != (second := new_id())
    assert first[:18] <= second[:18]


# The key


def test_a_key_is_made_once_and_stays(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert known_key(folder) is None
    assert not folder.root.exists()
    key = key_of(folder)
    assert (len(key), key_of(folder), known_key(folder)) == (32, key, key)
    assert folder.secret.stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.root.iterdir()] == ["secret.key"]
    assert key != key_of(DataFolder(tmp_path / "other"))


def test_a_key_that_is_none_is_not_replaced(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.secret.write_text("lost")
    with pytest.raises(WarehouseError, match="holds no key"):
        key_of(folder)
    assert folder.secret.read_text() == "lost"


def test_a_keyed_hash_depends_on_all_that_it_is_made_of() -> None:
    made = keyed(bytes(32), "f", "g/q", ANSWER)
    assert re.fullmatch("hmac:[0-9a-f]{64}", made)
    others = [
        keyed(b"1" * 32, "f", "g/q", ANSWER),
        keyed(bytes(32), "f2", "g/q", ANSWER),
        keyed(bytes(32), "f", "g/q2", ANSWER),
        keyed(bytes(32), "f", "g/q", ANSWER + " "),
    ]
    assert made not in others
    # printf 'f\x1fq\x1fa' | openssl dgst -sha256 -hmac kkk…
    assert keyed(b"k" * 32, "f", "q", "a") == "hmac:109c72c23c91f11070e561cf4a35d41f83ccbb78c8a090a33ed6248fcdcb67e6"


# What there is to decide about


def test_texts_that_say_what_other_means_are_found_with_their_select() -> None:
    found = find_others([garden(), garden("2", "elsewise")])
    pairs = {(question, parent): (set(pair.choices), pair.specifies) for (_, question, parent), pair in found.items()}
    # not thanks, which is a note, nor crop_again, whose select stands in another table
    assert pairs == {
        ("crop_other", "crop"): ({"other"}, True),
        ("owner", "grows"): ({"yes"}, False),
        ("tools/tool_other", "tools/tool"): ({"other", "elsewise"}, True),
        ("tools/tool_why", "tools/tool"): ({"other", "elsewise"}, False),
        ("tools/tool_why", "grows"): ({"yes"}, False),
        ("plot/what_other", "plot/what"): ({"other"}, True),
    }


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    con.execute(
        """
        create schema quality;
        create table quality.rules (rule_id varchar, form_id varchar, table_name varchar, field varchar);
        create table quality.finding_events (rule_id varchar);
        """
    )
    yield con
    con.close()


def decision(text: str, tmp_path: Path) -> tuple[Decision, ...]:
    return read_decisions(put(tmp_path, entry(f"id: a, form: garden, {text}, {BASE}")))


RECORD = "submission: s"
HASH = "hmac:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"action: replace, {RECORD}, question: tools/hoe, expected: x, value: hoe", "has no question 'tools/hoe'"),
        (f"action: replace, {RECORD}, question: length, expected: x, value: 1", r"did you mean plot/length\?"),
        (f"action: replace, {RECORD}, question: plot/length, expected: x, value: 1", "'row' is missing"),
        (f"action: replace, {RECORD}, question: beds, row: 1, expected: x, value: 1", "in no repeat, and has no row"),
        (
            f"action: replace, {RECORD}, question: beds, expected: x, value: {ANSWER}",
            "as its type, integer, is: 'beds'",
        ),
        (f"action: replace, {RECORD}, question: crop, expected: x, value: {ANSWER}", "no choice of its list: 'crop'"),
        (f"action: replace, {RECORD}, question: tools/tool, expected: x, value: hoe {ANSWER}", "no choice of its list"),
        (
            f"action: replace, {RECORD}, question: owner, expected: {ANSWER}, value: B",
            "a direct identifier, and 'expected'",
        ),
        (
            f"action: okay, {RECORD}, rule: r, question: owner, expected: {ANSWER}",
            "a direct identifier, and 'expected'",
        ),
        (f"action: okay, {RECORD}, rule: none, expected: i", "nothing is checked by a rule 'none'"),
        (f"action: okay, {RECORD}, rule: beds.constraint, question: plants, expected: 3", "is not about 'plants'"),
        (f"action: okay, {RECORD}, rule: r, question: plants, expected: 3", "not about one question; leave 'question'"),
        (
            f"action: recode, question: crop, expected: {ANSWER}, parent: crop_other, value: rice",
            "about a text question",
        ),
        (f"action: recode, question: crop_other, expected: {ANSWER}, parent: tea, value: rice", "has no parent 'tea'"),
        (
            f"action: recode, question: plot/crop_again, expected: {ANSWER}, parent: crop, value: rice",
            "in the same table",
        ),
        (
            f"action: recode, question: crop_other, expected: {ANSWER}, parent: crop, value: tea",
            "no choice of the list",
        ),
        (
            f"action: recode, question: tools/tool_other, expected: {HASH}, parent: tools/tool, value: hoe knife",
            "no choice",
        ),
        (
            f"action: recode, question: crop_other, expected: {ANSWER}, parent: crop, value: other",
            "for which 'crop_other'",
        ),
    ],
)
def test_a_decision_about_what_is_not_there_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, says: str
) -> None:
    con.execute("insert into quality.rules values ('r', 'garden', null, null)")
    con.execute("insert into quality.rules values ('beds.constraint', 'garden', 'garden', 'beds')")
    decisions = decision(text, tmp_path)
    with pytest.raises(CheckError, match=f"decision 'a': .*{says}") as caught:
        check_decisions(con, {"a"}, decisions, {("garden", "1"): garden()})
    assert ANSWER not in str(caught.value)
    # what earlier runs have taken in is not judged again
    check_decisions(con, set(), decisions, {("garden", "1"): garden()})


@pytest.mark.parametrize(
    "text",
    [
        f"action: replace, {RECORD}, question: tools/tool, expected: x, value: knife elsewise",
        f"action: replace, {RECORD}, question: plot/length, row: 2, expected: x, value: ''",
        f"action: replace, {RECORD}, question: owner, expected: {HASH}, value: B",
        f"action: replace, {RECORD}, question: owner, expected: '', value: B",
        f"action: okay, {RECORD}, rule: anything, row: 2, question: plot/length, expected: x",
        f"action: recode, question: tools/tool_other, expected: {HASH}, parent: tools/tool, value: hoe",
        f"action: drop, {RECORD}, expected: s",
    ],
)
def test_a_decision_about_what_is_there_passes(con: duckdb.DuckDBPyConnection, tmp_path: Path, text: str) -> None:
    forms = {("garden", "1"): garden(), ("garden", "2"): garden("2", "elsewise")}
    check_decisions(con, {"a"}, decision(text, tmp_path), forms)


def test_an_unknown_form_is_refused_and_the_known_ones_are_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    decisions = read_decisions(put(tmp_path, entry(REPLACE)))
    with pytest.raises(CheckError, match=r"x\.yml: decision 'a': no form is called 'f'.*known are garden"):
        check_decisions(con, {"a"}, decisions, {("garden", "1"): garden()})


def test_one_text_has_one_meaning(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    recode = f"action: recode, form: garden, question: crop_other, expected: padi, parent: crop, {BASE}"
    both = f"{{id: a, value: rice, {recode}}}, {{id: b, value: maize, {recode}}}"
    with pytest.raises(CheckError, match="decision 'b': the same text is recoded by a; withdraw"):
        check_decisions(con, {"b"}, read_decisions(put(tmp_path, f"decisions: [{both}]")), {("garden", "1"): garden()})
    settled = f"decisions: [{both}, {{id: w, action: withdraw, withdraws: a, {BASE}}}]"
    check_decisions(con, {"b", "w"}, read_decisions(put(tmp_path, settled)), {("garden", "1"): garden()})


def test_the_decisions_shown_in_the_documentation_are_understood(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    page = (HOUSE / "docs" / "corrections.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", page, flags=re.M | re.S)
    decisions = read_decisions(put(tmp_path, shown))
    assert {decision.action for decision in decisions} == {"replace", "drop", "okay", "recode", "withdraw"}
    (fielded,) = (HOUSE / "xlsforms" / "fielded").glob("postpartum_visit-*.xml")
    form = parse(fielded.read_bytes(), read_media(fielded))
    con.execute("insert into quality.rules values ('mother__age.constraint', null, 'postpartum_visit', 'mother__age')")
    check_decisions(con, {decision.id for decision in decisions}, decisions, {(form.form_id, form.version): form})
