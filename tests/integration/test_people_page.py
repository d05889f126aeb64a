"""The page about people and places, from a research copy to what a reader sees."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest

from laktasi.report import write_report
from tests.integration.test_report import Page
from tests.integration.test_report_browser import chromium
from tests.report_fixture import FORM, HOSTILE, STUDY, build_research

__all__ = ["chromium"]  # a fixture

FIRST = date(2026, 10, 5)
WORK = """
insert into marts.people by name
select
    'centre' as kind, * exclude (n),
    n as records, n as included, n - n // 5 as accepted, 5 as days_worked, n / 5 as records_per_day,
    date '2026-10-05' as first_day, date '2026-10-09' as last_day, 3 as days_silent, 0 as without_day,
    n as minutes_known, 18.0 as minutes_q1, 21.5 as minutes_median, 30.0 as minutes_q3,
    n // 5 as open_errors, 1 as open_warnings, 0 as open_group_findings
from (select ? as code, ?::bigint as n, ?::integer as target, ?::date as until)
"""
RATE = """
insert into marts.people_rates by name
select 'centre' as kind, ? as code, ? as measure, 40 as records, ? as k, ? as n, k / n as rate, 0.1 as overall,
    1.0 as design_effect, ?::double as low, ?::double as high, 0.5 as tail, ? as differs
"""


def fill(research: Path, *, more_centres: int = 0) -> None:
    """Add what the marts of people hold to a research copy."""
    with duckdb.connect(str(research)) as con:
        con.execute("begin")
        for code, n, target, until in (
            ("7102010", 40, 50, date(2026, 12, 1)),
            ("7102020", 60, 50, date(2026, 10, 6)),
            ("7102030", 5, 20, date(2026, 10, 6)),
            *((f"z{number:05}", 12, None, None) for number in range(more_centres)),
        ):
            con.execute(WORK, [code, n, target, until])
            for measure in ("error", "missing"):
                low, high, differs = (0.12, 0.34, "above") if code == "7102010" else (0.05, 0.2, None)
                ends = [None, None, None] if n < 10 else [low, high, differs if measure == "error" else None]
                con.execute(RATE, [code, measure, n // 5, n, *ends])
        con.execute(
            "insert into marts.people by name select * replace ('enumerator' as kind, code || ? as code,"
            " null as target, null as until) from marts.people where code <= '8'",
            [HOSTILE],
        )
        for number in range(10):
            day = FIRST + timedelta(days=number)
            con.execute("insert into marts.daily values ('all', '', ?, ?)", [day, 1 + number])
            con.execute("insert into marts.daily values ('centre', '7102010', ?, 2)", [day])
        of = [FORM, FORM, "visit__days"]
        for code, k, share, low, high, expected, p in (
            ("P1", 30, 0.75, 0.6, 0.86, 0.21, 0.00001),
            ("P2", 8, 0.2, 0.1, 0.35, 0.3, 0.001),
        ):
            given: list[object] = [code, *of, k, 40, share, low, high, 90, expected, p, 12, 12 * p]
            con.execute(f"insert into marts.digit_preference values ({', '.join('?' * len(given))})", given)
        given = ["P1", FORM, FORM, "massage__performed", "yes", 38, 40, 0.95, 0.83, 0.99, 90, 0.5, 0.00001, 12, 0.00012]
        con.execute(f"insert into marts.frequent_values values ({', '.join('?' * len(given))})", given)
        for decision, state in (("d1", "applied"), ("d2", "applied"), ("d2", "stale")):
            con.execute(
                "insert into quality.decision_states by name"
                " select ? as decision_id, 'replace' as action, 'u' as submission_id, '' as \"row\", ? as state",
                [decision, state],
            )
        con.execute("commit")


@cache
def plain() -> bytes:
    """Make the research copy of the other tests of the report, once."""
    with TemporaryDirectory() as folder:
        return build_research(Path(folder) / "research.duckdb").read_bytes()


def put_plain(folder: Path) -> Path:
    research = folder / "research.duckdb"
    research.write_bytes(plain())
    return research


def make(folder: Path, **options: int) -> Path:
    research = put_plain(folder)
    fill(research, **options)
    target = folder / "report" / "index.html"
    write_report(research, target, STUDY)
    return target


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def page(index: Path) -> Page:
    return Page(index.with_name("people.html").read_text(encoding="utf-8"))


def test_it_lies_beside_the_index_and_each_leads_to_the_other(index: Path, page: Page) -> None:
    front = Page(index.read_text(encoding="utf-8"))
    for here, there, name in ((front, "people.html", "People and places"), (page, "index.html", "Overview")):
        assert there in {link["href"] for link in here.all("a")}
        assert name in here.text("en")
    assert "Petugas dan puskesmas: Pijat dan ASI" in page.text("id")
    assert page.text("id").startswith("DATA CONTOH")


def test_it_is_gone_with_what_it_told(tmp_path: Path) -> None:
    target = make(tmp_path)
    assert target.with_name("people.html").exists()
    write_report(put_plain(tmp_path), target, STUDY)
    assert not target.with_name("people.html").exists()
    assert "people.html" not in target.read_text(encoding="utf-8")


def test_work_targets_and_rates_stand_with_their_intervals(page: Page) -> None:
    text = page.text("en")
    assert "Mopuya 40 of 50 by 1 Dec 2026 40 32 / 40 5 8.0 22 (18–30) 9 Oct 2026 3 days behind 8 / 1" in text
    assert "Imandi 60 of 50 reached" in text
    assert "5 of 20 past its day" in text
    assert "Targets: 105 of 120 records that fit the study (87.5%). Reached at 1 of the 3" in text
    assert "Past their day and not reached: " + HOSTILE in text
    assert "Mopuya 20.0% above 12.0–34.0% · 8/40 20.0% 12.0–34.0% · 8/40" in text
    assert "Mopuya 20,0% di atas 12,0–34,0% · 8/40" in page.text("id")
    assert "too few 1/5" in text


def test_marks_come_with_what_chance_alone_would_do(page: Page) -> None:
    assert (
        "Has an error, above 10.0%: Mopuya. Marked: 1 of 4 rates. If all were alike, chance alone would mark up to 1"
        in (page.text("en"))
    )
    assert "Ditandai: 1 dari 4 angka" in page.text("id")


def test_the_order_is_that_of_the_codes(page: Page) -> None:
    names = [name for name in re.findall(r'<th scope="row">([^<]+)</th>', page.html) if name in ("Mopuya", "Imandi")]
    assert names == ["Mopuya", "Imandi"] * 4


def test_comparisons_beyond_chance_are_listed_with_the_choice_but_no_number(page: Page) -> None:
    assert "P1 visit__days 75.0% (30 of 40) 60.0–86.0% 21.0% < .001" in page.text("en")
    assert "P1 Massage? massage__performed Performed 95.0% (38 of 40) 83.0–99.0% 50.0% < .001" in page.text("en")
    assert "Comparisons: 12. The p is multiplied by their number" in page.text("en")
    # fewer round numbers than others are no sign of rounding
    assert "P2" not in page.text("en")


def test_days_are_drawn_and_told_to_those_who_do_not_see(page: Page) -> None:
    told = [svg["aria-label"] for svg in page.all("svg") if svg.get("role") == "img"]
    assert told == [
        "Catatan per hari dari 5 Okt 2026 sampai 14 Okt 2026; paling banyak 10.",
        "Records per day from 5 Oct 2026 to 14 Oct 2026; 10 at most.",
    ]
    assert all("aria-hidden" in svg or "aria-label" in svg for svg in page.all("svg"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert len(page.all("table")) == page.html.count("<caption>")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    places = {link["href"] or "" for link in page.all("a")}
    assert {place for place in places if place.startswith("#")} <= {f"#{name}" for name in ids}


def test_nothing_is_fetched_and_a_hostile_name_is_text(page: Page) -> None:
    assert HOSTILE in page.text("id")
    assert "<script>alert" not in page.html
    assert not re.search(r"url\(|@import|https?://", page.html)
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "use", "image")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_ten_thousand_centres_are_cut_and_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laktasi.report.people.SHOWN", 100)
    path = make(tmp_path, more_centres=300).with_name("people.html")
    text = Page(path.read_text(encoding="utf-8")).text("en")
    assert "303 are too many for one page. Here are 2: those that differ in something" in text
    assert "z00000" not in text
    assert "Marked: 1 of 604 rates. If all were alike, chance alone would mark up to 31" in text
    assert "Mopuya 40 of 50" in text


def test_the_page_of_data_counts_the_teams_decisions(index: Path, tmp_path: Path) -> None:
    text = Page(index.with_name("data.html").read_text(encoding="utf-8")).text("en")
    assert "Corrections by the team" in text
    assert "Applied: 2 Stale: the source has changed since: 1" in text
    target = tmp_path / "index.html"
    write_report(put_plain(tmp_path), target, STUDY)
    assert "The team has made no decision" in Page((tmp_path / "data.html").read_text(encoding="utf-8")).text("en")


def test_the_same_research_copy_gives_the_same_page(index: Path, tmp_path: Path) -> None:
    again = tmp_path / "index.html"
    write_report(index.parent.parent / "research.duckdb", again, STUDY)
    assert again.with_name("people.html").read_bytes() == index.with_name("people.html").read_bytes()


@pytest.fixture
def phone(chromium: Any, index: Path) -> Any:
    metrics = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get(index.with_name("people.html").as_uri())
    return chromium


@pytest.mark.browser
def test_it_fits_a_phone_and_every_cell_says_its_column(phone: Any) -> None:
    assert phone.get_log("browser") == []
    phone.find_element("css selector", "label[for=show-en]").click()
    assert phone.execute_script("return document.documentElement.scrollWidth") == 360
    script = """
        const cells = [...document.querySelectorAll("#en table td")];
        return [cells.length, cells.filter((cell) => getComputedStyle(cell, "::before").content.length < 4).length,
                cells.filter((cell) => cell.getBoundingClientRect().right > 360).length];
    """
    cells, unnamed, outside = phone.execute_script(script)
    assert cells > 50
    assert (unnamed, outside) == (0, 0)
