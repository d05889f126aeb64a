"""The page of checks, from a research copy to what a reader sees."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laktasi.report import write_report
from laktasi.report.texts import LANGUAGES
from laktasi.report.texts_checks import TEXTS
from tests.integration.test_report import Page
from tests.integration.test_report_browser import chromium
from tests.report_fixture import FORM, HOSTILE, RUN, STUDY, build_research

__all__ = ["chromium"]  # a fixture

OLD, NEW = "2026110101", "2026112001"
IN_SET, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"


def put(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        con.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def rule(
    rule_id: str, kind: str, *, version: str | None = NEW, table: str = FORM, expression: str = "", **more: Any
) -> dict[str, Any]:
    messages = {"id": f"Pesan {rule_id}", "en": f"Message {rule_id}"}
    return {
        "form_id": FORM,
        "form_version": version,
        "table_name": table,
        "rule_id": rule_id,
        "kind": kind,
        "severity": "error",
        "messages": messages,
        "expression": expression,
        **more,
    }


RULES = (
    rule("visit__days.constraint", "constraint", version=OLD, expression=". < 99", field="visit__days"),
    rule("visit__days.constraint", "constraint", expression=". < 90", field="visit__days"),
    rule("massage__performed.choice", "choice", expression="yes_no", field="massage__performed"),
    rule("name.required", "required", expression="true()", field="mother__name", severity="warning"),
    rule("weight.type", "type", table=f"{FORM}__infants", expression="decimal"),
    rule("hostile", "declared", expression=f"${{a}} = '{HOSTILE}'", severity="warning"),
    rule("among", "declared", expression="${a} = 1 where ${b} = 2", field="visit__days"),
    rule("once", "set", version=None, expression="unique(questions: code)"),
    rule("late", "set", version=None, expression="late(hours: 5)"),
    rule("refusals", "group", version=None, expression="share(by: centre, at_most: 0.125)"),
    rule("targets", "group", version=None, expression="target(by: centre)"),
    rule(f"{FORM}.rejected", "source"),
)
# asked, rows, failing
STANDING = {
    (OLD, "visit__days.constraint"): (0, 0, 0),
    (NEW, "visit__days.constraint"): (12, 1200, 7),
    (NEW, "massage__performed.choice"): (12, 1200, 0),
    (NEW, "name.required"): (12, 1200, 0),
    (NEW, "weight.type"): (3, 300, 0),
    (NEW, "hostile"): (12, 1200, 30),
    (NEW, "among"): (12, 0, 0),
    (None, "once"): (1200, 1100, 0),
    (None, "late"): (0, 0, 0),
    (None, "refusals"): (9, 6, 2),
    (None, "targets"): (4, 0, 0),
}


def results() -> Iterable[dict[str, Any]]:
    for (version, rule_id), (asked, rows, failing) in STANDING.items():
        infants = "__infants" if rule_id == "weight.type" else ""
        yield {
            "run_id": RUN,
            "suite": f"{FORM}{infants}__{version}" if version else f"set__{rule_id}",
            "form_id": FORM,
            "form_version": version,
            "rule_id": rule_id,
            "expectation": BETWEEN if rule_id in ("refusals", "targets") else IN_SET,
            "asked": asked,
            "failed": 0,
            "rows": rows,
            "failing": failing,
            "low": 1.0 if rule_id == "targets" else None,
            "high": 0.125 if rule_id == "refusals" else None,
            "is_met": bool(rows) and not failing,
        }


def fill(research: Path) -> None:
    """Add what the checks leave in a research copy."""
    with duckdb.connect(str(research)) as con:
        con.execute("BEGIN; DELETE FROM quality.rules; DELETE FROM quality.finding_events")
        put(con, "quality.rules", RULES)
        put(con, "quality.results", results())
        events = [("visit__days.constraint", f"uuid:{number}", "") for number in range(7)]
        events += [("refusals", "", "centre:7102010"), ("refusals", "", f"enumerator:{HOSTILE} 2026-11-02")]
        events += [(f"{FORM}.rejected", "uuid:1", "")]
        for number, (rule_id, submission, row) in enumerate(events):
            event = {"finding_id": f"f{number}", "run_id": RUN, "at": "2026-11-21 12:10:00+00", "event": "opened"}
            of = {"form_id": FORM, "submission_id": submission, "row": row, "rule_id": rule_id}
            put(con, "quality.finding_events", [event | of])
            if number < 2:
                accepted = {"event": "accepted", "at": "2026-11-21 12:11:00+00", "settled_by": "decision"}
                put(con, "quality.finding_events", [event | of | accepted])
        put(
            con,
            "quality.unverified",
            [
                {"form_id": FORM, "form_version": version, "field": "place", "kind": "calculation",
                 "expression": "random()", "reason": "it is another one each time"}
                for version in (OLD, NEW)
            ],
        )  # fmt: skip
        con.execute("COMMIT")


def make(folder: Path) -> Path:
    fill(build_research(folder / "research.duckdb"))
    target = folder / "report" / "index.html"
    write_report(folder / "research.duckdb", target, STUDY)
    return target


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("checks"))


@pytest.fixture(scope="module")
def page(index: Path) -> Page:
    return Page(index.with_name("checks.html").read_text(encoding="utf-8"))


def test_it_lies_beside_the_index_and_each_leads_to_the_other(index: Path, page: Page) -> None:
    front = Page(index.read_text(encoding="utf-8"))
    for here, there, name in ((front, "checks.html", "Checks"), (page, "index.html", "Overview")):
        assert there in {link["href"] for link in here.all("a")}
        assert name in here.text("en")
    assert "Pemeriksaan: Pijat dan ASI" in page.text("id")


def test_a_copy_without_results_has_no_such_page(tmp_path: Path) -> None:
    target = make(tmp_path)
    with duckdb.connect(str(tmp_path / "research.duckdb")) as con:
        con.execute("DELETE FROM quality.results")
    write_report(tmp_path / "research.duckdb", target, STUDY)
    assert not target.with_name("checks.html").exists()
    assert "checks.html" not in target.read_text(encoding="utf-8")


def test_counts_of_rules_and_rows_stand_at_the_top(page: Page) -> None:
    # rows of the form and of its repeat; a rule of two versions is one rule
    assert (
        "1,500 rows checked 4 rules: met 3 rules: not met 3 rules: nothing to look at 2 rules: cannot be verified"
        in (page.text("en"))
    )
    assert "15 of 1,500 rows in this run" in page.text("en")
    assert "15 dari 1.500 baris pada proses ini" in page.text("id")


def test_what_is_not_met_stands_first_in_words_with_what_was_accepted(page: Page) -> None:
    text = page.text("en")
    broken = text[text.index("One by one:") : text.index("Form " + FORM + " Each form version")]
    found = [broken.index(f"Message {name}") for name in ("visit__days.constraint", "refusals", "hostile")]
    assert found == sorted(found)  # errors first, then by number
    assert (
        "visit__ days.constraint · within the question's constraint Message visit__days.constraint . < 90"
        " error constraint 1,200 7 2"
    ) in broken
    assert "Message massage__performed.choice" not in broken


def test_each_form_version_has_all_its_rules_with_outcome(page: Page) -> None:
    text = page.text("en")
    assert f"Version {NEW} 1,500 rows, 15 asked in this run. Rules: 6, not met: 2" in text
    assert f"Version {OLD} Rules: 1. There is no row yet, so nothing was checked" in text
    assert text.index(f"Version {NEW}") < text.index(f"Version {OLD}")
    assert (
        "· the choice is on its list yes_no If not: Message massage__performed.choice"
        " error · choice · massage__ performed.choice 1,200 0 met"
    ) in text
    assert "Message visit__days.constraint error · constraint 0 0 nothing to look at" in text
    assert f"Repeat {FORM}__infants" in text
    assert "Dipijat" not in page.text("id")  # the question, never an answer
    # an expression that says nothing is not said
    assert "true()" not in text
    assert f"In Great Expectations: {IN_SET}" in text


def test_sets_and_groups_stand_with_limits_and_the_groups_that_are_beyond(page: Page) -> None:
    text = page.text("en")
    assert "If not: Message once error · from checks.yml, row against row 1,100 0 met" in text
    assert (
        "If not: Message refusals error · from checks.yml, groups"
        f" Health centre Mopuya Enumerator {HOSTILE} 2026-11-02 at most 0.125 6 3 more have too little data 2 not met"
    ) in text
    assert "at least 1 0 4 more have too little data 0 nothing to look at" in text
    assert "Puskesmas Mopuya Petugas" in page.text("id")
    assert "paling banyak 0,125" in page.text("id")


def test_what_was_not_checked_is_told_with_its_reason(page: Page) -> None:
    text = page.text("en")
    told = text[text.index("What was not checked Nothing") :]
    assert f"Form {FORM}, Version {OLD}: there is no row of this version yet" in told
    assert "among : no row takes part" in told
    assert "late : no row takes part" in told
    assert "targets : no group has enough data" in told
    assert f"Form {FORM}, Versions {OLD}, {NEW}: place (calculation) random() it is another one each time" in told
    assert f"Message {FORM}.rejected 1" in told


def test_every_word_is_there_in_every_language() -> None:
    for key, text in TEXTS.items():
        assert set(text) == set(LANGUAGES), key
        places = {tuple(sorted(re.findall(r"{(\w+)}", words))) for words in text.values()}
        assert len(places) == 1, key


def test_nothing_is_fetched_and_hostile_text_is_text(page: Page) -> None:
    assert HOSTILE in page.text("id")
    assert "<script>alert" not in page.html
    assert not re.search(r"url\(|@import|https?://", page.html)
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "use", "image")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_tables_and_links_can_be_followed_by_those_who_do_not_see(page: Page) -> None:
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert len(page.all("table")) == page.html.count("<caption")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    places = {link["href"] or "" for link in page.all("a")}
    assert {place for place in places if place.startswith("#")} <= {f"#{name}" for name in ids}


def test_the_same_research_copy_gives_the_same_page(index: Path, tmp_path: Path) -> None:
    write_report(index.parent.parent / "research.duckdb", tmp_path / "index.html", STUDY)
    assert (tmp_path / "checks.html").read_bytes() == index.with_name("checks.html").read_bytes()


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 700, 1000])
def test_it_fits_every_screen_in_both_languages_and_asks_no_network(chromium: Any, index: Path, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get(index.with_name("checks.html").as_uri())
    assert chromium.get_log("browser") == []
    wide = """
        document.getElementById("show-" + arguments[0]).click();
        document.querySelectorAll("details").forEach((item) => { item.open = true; });
        return [...document.querySelectorAll("main *")]
            .filter((item) => item.getClientRects().length && item.getBoundingClientRect().right > innerWidth + 1)
            .map((item) => item.outerHTML.slice(0, 80));
    """
    for language in LANGUAGES:
        assert chromium.execute_script(wide, language) == []
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
    named = """
        return [...document.querySelectorAll("#en .checked td")].filter((cell) => cell.getClientRects().length)
            .map((cell) => getComputedStyle(cell, "::before").content);
    """
    if width == 360:  # a card for each row: every cell says its column, an outcome has its sign
        told = chromium.execute_script(named)
        assert len(told) > 20
        assert "none" not in told
