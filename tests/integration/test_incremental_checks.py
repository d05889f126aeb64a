"""Row checks ask only what is new or changed, and what stands after any number of runs is what one run would find."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi import quality
from laktasi.paths import HOUSE, DataFolder
from laktasi.quality import checking, incremental
from laktasi.quality.declared import DeclaredCheck, make_check
from laktasi.quality.engine import Engine
from laktasi.quality.plan import make_plan
from laktasi.questionnaire.codebook import entries
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.store.answers import load_answers
from laktasi.store.staging import stand_lists
from laktasi.store.warehouse import open_warehouse

pytestmark = pytest.mark.slow

FORM = """
| survey |
| | type | name | label | required | relevant | constraint |
| | select_one house | house | House | yes | | |
| | integer | age | Age | yes | | . >= {youngest} |
| | text | tea | Tea | | ${{age}} >= 18 | |
| | begin repeat | pot | Pot | | | |
| | integer | size | Size | | | . > 0 |
| | end repeat | | | | | |
| choices |
| | list_name | name | label |
| | house | h1 | One |
| | house | {second} | Two |
| settings |
| | form_id | version |
| | {form} | {version} |
"""
KNOWN: Mapping[str, Sequence[str | None]] = {
    "house": ("h1", "h2", "h3", None),
    "age": ("17", "18", "30", "old", None),
    "tea": ("green", None),
}
SIZES = ("1", "0", "big", None)

Forms = dict[tuple[str, str], Questionnaire]
Rows = list[tuple[Any, ...]]


def form(version: str, *, youngest: int = 18, second: str = "h2", form_id: str = "tea") -> Questionnaire:
    text = FORM.format(version=version, youngest=youngest, second=second, form=form_id)
    return parse(convert_markdown(text).xform, {})


FIRST, SECOND, OTHER = form("1"), form("2"), form("1", form_id="coffee")


def no_tea_in(house: str) -> list[DeclaredCheck]:
    entry = {"id": "no_tea", "kind": "row", "severity": "warning", "message": {"id": "Teh.", "en": "Tea."}}
    return [make_check(entry | {"expression": f"not(${{house}} = '{house}' and ${{tea}} = 'green')"})]


class Table:
    """A warehouse whose answers are put there one by one, each with the payload that it was read from."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.questionnaires: Forms = {}
        self.runs = 0
        load_answers(con, {(item.form_id, item.version): item for item in (FIRST, OTHER)})  # makes the tables
        self.field(FIRST, SECOND)

    def field(self, *forms: Questionnaire) -> None:
        """Let form versions take the place of all that are known."""
        self.questionnaires = {(item.form_id, item.version): item for item in forms}
        stand_lists(self.con, self.questionnaires, entries(list(forms)))

    def put(self, number: int, draw: random.Random, *, form_id: str = "tea", **given: str | None) -> None:
        """Put a record in the place of the one with this number; what is not given is drawn."""
        self.take_out(number, form_id=form_id)
        answers = {name: given.get(name, draw.choice(known)) for name, known in KNOWN.items()}
        record = {"_submission_id": f"uuid:{number}", "_row": "", "_form_version": given.get("version", "1")}
        self._insert(form_id, record | answers)
        for row in range(draw.randrange(3)):
            pot = {"_row": str(row + 1), "_parent_row": "", "size": draw.choice(SIZES)}
            self._insert(f"{form_id}__pot", record | pot)
        self.con.execute(
            "INSERT INTO answers.loaded_submissions VALUES (?, ?, ?, ?, 'layout', NULL)",
            [form_id, record["_submission_id"], record["_form_version"], f"{draw.getrandbits(64):x}"],
        )

    def _insert(self, table: str, row: Mapping[str, str | None]) -> None:
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        self.con.execute(f"INSERT INTO answers.{table} ({names}) VALUES ({marks})", list(row.values()))

    def take_out(self, number: int, *, form_id: str = "tea") -> None:
        """Take a record out of the answers, as a deletion or a decision does."""
        for table in (form_id, f"{form_id}__pot"):
            self.con.execute(f"DELETE FROM answers.{table} WHERE _submission_id = 'uuid:{number}'")
        self.con.execute(
            f"DELETE FROM answers.loaded_submissions WHERE form_id = ? AND _submission_id = 'uuid:{number}'", [form_id]
        )

    def rows(self, condition: str = "true", form_id: str = "tea") -> int:
        """Count rows of a form and its repeat."""
        count = f"SELECT count(*) FROM answers.{{}} WHERE {condition}"
        return sum(self.con.execute(count.format(name)).fetchall()[0][0] for name in (form_id, f"{form_id}__pot"))

    def check(self, checks: Sequence[DeclaredCheck] = (), **options: Any) -> quality.CheckSummary:
        self.runs += 1
        return quality.check(self.con, f"run-{self.runs}", self.questionnaires, checks, **options)

    def stands(self) -> dict[str, Rows]:
        """Give what is kept between runs, and what is open in the ledger."""
        queries = {
            "failing": "FROM quality.failing ORDER BY ALL",
            "checked": "FROM quality.checked ORDER BY ALL",
            "open": 'SELECT form_id, submission_id, "row", rule_id FROM quality.findings WHERE is_open ORDER BY ALL',
            "results": 'SELECT suite, form_version, rule_id, "rows", failing, is_met FROM quality.results ORDER BY ALL',
        }
        return {name: self.con.execute(query).fetchall() for name, query in queries.items()}

    def failing(self, checks: Sequence[DeclaredCheck] = ()) -> Rows:
        """Give what fails now by the compiled rules alone, whatever was found before."""
        found: Rows = []
        for batch in make_plan(self.questionnaires, checks).batches:
            for rule in batch.rules:
                query = f'SELECT ?, _submission_id, _row, ? FROM ({batch.select}) WHERE NOT "{rule.column}"'
                found += self.con.execute(query, [batch.form_id, rule.rule_id]).fetchall()
        return sorted(found)

    def forget(self) -> None:
        """Let the next run ask everything."""
        self.con.execute("DELETE FROM quality.checked; DELETE FROM quality.failing")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    with open_warehouse(DataFolder(tmp_path / "data")) as con:
        yield Table(con)


@pytest.mark.slow
def test_after_any_changes_the_result_is_that_of_a_check_from_scratch(table: Table) -> None:
    draw = random.Random(20261122)
    seen: set[str] = set()
    for step in range(5):
        changed = {draw.randrange(30) for _ in range(draw.choice((1, 5, 12)) if step else 60)}
        for number in changed:
            table.put(number, draw, version=draw.choice("12"))
        for number in draw.sample(range(30), draw.randrange(3)):
            table.take_out(number)
        ids = ", ".join(f"'uuid:{number}'" for number in changed)
        expected = table.rows(f"_submission_id IN ({ids})")
        if step == 2:  # a rule of one version is another one
            table.field(FIRST, form("2", youngest=21))
            expected = table.rows(f"_submission_id IN ({ids}) OR _form_version = '2'")
        if step == 4:  # a declared check is another one, and so all versions
            expected = table.rows()
        checks = no_tea_in("h1" if step < 4 else "h2")
        summary = table.check(checks)
        assert (summary.rows_asked, summary.rows_checked) == (expected, table.rows())
        stands = table.stands()
        assert stands["failing"] == stands["open"] == table.failing(checks)
        seen |= {row[3] for row in stands["failing"]}
    assert seen > {"house.choice", "age.type", "tea.relevant", "pot__size.constraint", "no_tea"}
    table.forget()
    scratch = table.check(checks)
    assert (scratch.rows_asked, scratch.opened, scratch.mended) == (table.rows(), 0, 0)
    assert table.stands() == stands


def test_nothing_changed_asks_nothing_and_great_expectations_is_not_even_loaded(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(7)
    for number in range(6):
        table.put(number, draw)
    table.check()
    stands = table.stands()
    monkeypatch.setattr(Engine, "_open", lambda _self: pytest.fail("Great Expectations is set up"))
    summary = table.check()
    assert (summary.rows_asked, summary.rows_checked, summary.opened, summary.mended) == (0, table.rows(), 0, 0)
    assert table.stands() == stands
    assert table.con.execute("SELECT DISTINCT asked, failed FROM quality.results").fetchall() == [(0, 0)]


def among_houses(house: str) -> list[DeclaredCheck]:
    """Give a check of the form's rows and one of its repeat's, of one house only."""
    entry = {
        "kind": "row",
        "severity": "warning",
        "message": {"id": "a", "en": "b"},
        "where": f"${{house}} = '{house}'",
    }
    return [
        make_check(entry | {"id": "aged", "expression": "${age} != ''"}),
        make_check(entry | {"id": "potted", "expression": "${size} != ''"}),
    ]


def test_a_where_that_lets_nobody_in_is_no_pass(table: Table) -> None:
    draw = random.Random(7)
    table.field(FIRST, SECOND)
    for number in range(8):
        table.put(number, draw, house="h1", version="12"[number % 2])
    for _ in range(2):  # asked, and standing from before
        summary = table.check(among_houses("h2"))
        assert summary.empty == ("aged", "potted")
        told = table.con.execute(
            """SELECT DISTINCT rule_id, "rows", failing, is_met FROM quality.results
            WHERE rule_id IN ('aged', 'potted') ORDER BY 1"""
        ).fetchall()
        assert told == [("aged", 0, 0, False), ("potted", 0, 0, False)]


def test_the_rows_that_a_where_lets_in_are_counted_in_every_table(table: Table) -> None:
    draw = random.Random(7)
    for number in range(8):
        table.put(number, draw, house=f"h{1 + number % 3}")
    for _ in range(2):
        # of one version nothing is told: the other has such records
        assert {name.partition("__")[0] for name in table.check(among_houses("h1")).empty} == {"tea"}
        told = dict(
            table.con.execute('SELECT rule_id, "rows" FROM quality.results WHERE form_version = ?', ["1"]).fetchall()
        )
        of_h1 = "(FROM answers.tea WHERE house = 'h1')"
        pots = f"SELECT count(*) FROM answers.tea__pot SEMI JOIN {of_h1} USING (_submission_id)"
        assert told["aged"] == 3
        assert told["potted"] == table.con.execute(pots).fetchall()[0][0] > 0
        assert told["house.choice"] == 8


def test_another_answer_decision_layout_list_or_library_asks_again(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(7)
    for number in range(6):
        table.put(number, draw, version="12"[number % 2], house="h2")
    assert table.check().rows_asked == table.rows()
    for column in ("payload_sha256", "decisions", "layout"):
        table.con.execute(f"UPDATE answers.loaded_submissions SET {column} = 'x' WHERE _submission_id = 'uuid:3'")
        assert table.check().rows_asked == table.rows("_submission_id = 'uuid:3'")
        assert table.check().rows_asked == 0
    table.con.execute("UPDATE answers.loaded_submissions SET decisions = NULL WHERE _submission_id = 'uuid:3'")
    assert table.check().rows_asked == table.rows("_submission_id = 'uuid:3'")
    # The list of one version changes, as a medium of it can: house h2 is none of its choices any more.
    table.field(FIRST, form("2", second="h9"))
    summary = table.check()
    assert (summary.rows_asked, summary.opened) == (table.rows("_form_version = '2'"), 3)
    monkeypatch.setattr(incremental, "version", lambda name: f"a newer {name}")
    assert table.check().rows_asked == table.rows()


def test_what_is_gone_leaves_and_what_comes_back_is_asked(table: Table) -> None:
    draw = random.Random(7)
    for number in range(4):
        table.put(number, draw, age="17")
    assert table.check().opened >= 4
    table.take_out(2)
    summary = table.check()
    assert (summary.rows_asked, summary.mended > 0) == (0, True)
    assert not [row for row in table.stands()["checked"] + table.stands()["failing"] if row[1] == "uuid:2"]
    table.put(2, random.Random(1), age="17")
    assert table.check().rows_asked == table.rows("_submission_id = 'uuid:2'")


def test_an_id_that_two_forms_share_is_asked_in_the_form_where_it_changed(table: Table) -> None:
    draw = random.Random(7)
    table.field(FIRST, SECOND, OTHER)
    for number in range(4):
        table.put(number, draw, age="17")
        table.put(number, draw, form_id="coffee", age="old")
    table.check()
    table.put(1, draw, form_id="coffee", age="17")
    summary = table.check()
    assert summary.rows_asked == table.rows("_submission_id = 'uuid:1'", "coffee")
    failing = "SELECT form_id, rule_id FROM quality.failing WHERE submission_id = 'uuid:1' AND rule_id LIKE 'age.%'"
    assert sorted(table.con.execute(failing).fetchall()) == [("coffee", "age.constraint"), ("tea", "age.constraint")]


def killed(*_arguments: Any, **_options: Any) -> None:
    raise KeyboardInterrupt


def half_kept(con: duckdb.DuckDBPyConnection, _failing: Any, keep: Any = incremental.keep) -> None:
    keep(con, "no table")  # fails after what is superseded has left, and before what fails now is there


@pytest.mark.parametrize(
    ("module", "name", "instead"),
    [
        (incremental, "keep", killed),
        (incremental, "keep", half_kept),
        (checking, "write_results", killed),
        (checking, "record_findings", killed),
    ],
)
def test_a_run_that_is_killed_is_finished_by_the_next_with_the_same_ledger(
    table: Table, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, instead: Any
) -> None:
    draw = random.Random(7)
    for number in range(8):
        table.put(number, draw)
    table.check()
    for number in (1, 2, 5):
        table.put(number, draw, age="old")
    table.take_out(6)
    attached = "SELECT database_name FROM duckdb_databases() WHERE NOT internal"
    before = table.con.execute(attached).fetchall()
    with monkeypatch.context() as patched:
        patched.setattr(module, name, instead)
        with pytest.raises((KeyboardInterrupt, duckdb.Error)):
            table.check()
    assert table.con.execute(attached).fetchall() == before  # what verdicts stood in was let go of
    table.check()
    stands = table.stands()
    assert stands["failing"] == stands["open"] == table.failing()
    assert {row[1] for row in stands["checked"]} == {f"uuid:{number}" for number in range(8) if number != 6}


@pytest.mark.slow
def test_the_sql_of_a_form_is_the_same_in_every_process() -> None:
    """Else every run would ask everything: the digest of a suite is that of its SQL."""
    path = HOUSE / "xlsforms" / "fielded" / "postpartum_visit-2026092801.xml"
    script = (
        "import hashlib, sys; from pathlib import Path; from laktasi.questionnaire.compiler import compile_form;"
        "from laktasi.questionnaire.xform import parse;"
        "form = compile_form(parse(Path(sys.argv[1]).read_bytes(), {}), only='verdicts.asked');"
        "print(hashlib.sha256(repr(form).encode()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script, path],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
