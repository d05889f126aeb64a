"""The page of one health centre: its tables to the printed digit, its place among others, and no more than that."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from benchmarks.report import make_research
from laktasi.paths import HOUSE
from laktasi.report import write_report
from laktasi.study import read_study
from tests.integration.test_report import Page, pages
from tests.report_fixture import CENTRES, FORM, STUDY, Centre, build_research

PAPER = {
    1: [("<20 years", 3, 12), ("20–35 years", 20, 80), (">35 years", 2, 8)],
    2: [("Primigravida", 11, 44), ("Multigravida", 14, 56)],
    3: [("Elementary", 2, 8), ("Junior high", 8, 32), ("Senior high", 12, 48), ("College", 3, 12)],
    4: [("Not yet", 11, 44), ("Performed", 14, 56)],
    5: [("Not enough", 7, 28), ("Enough", 12, 48), ("Good", 6, 24)],
}
"""Tables 1 to 5 as printed: level, count, percent (docs/STUDY.md)."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    return pages(tmp_path_factory.mktemp("centres"), results=True)


@pytest.fixture(scope="module")
def mopuya(site: dict[str, Page]) -> Page:
    return site["centres/7102010.html"]


def tables(page: Page, language: str) -> dict[str, list[list[str]]]:
    """Give the rows of each table of a page, by its caption."""
    body = re.search(rf'<main lang="{language}".*?</main>', page.html, re.DOTALL)
    assert body is not None
    found = {}
    for table in re.findall(r"<table.*?</table>", body[0], re.DOTALL):
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", table)]
        caption = re.search("<caption>(.*?)</caption>", table)
        assert caption is not None
        text = re.compile("<[^>]+>")
        found[text.sub("", caption[1])] = [[text.sub("", cell).replace("&lt;", "<") for cell in row] for row in rows]
        found[text.sub("", caption[1])] = [
            [cell.replace("&gt;", ">") for cell in row] for row in found[text.sub("", caption[1])]
        ]
    return found


def test_mopuya_has_tables_1_to_6_of_the_paper_to_the_printed_digit(mopuya: Page) -> None:
    found = tables(mopuya, "en")
    for number, levels in PAPER.items():
        rows = next(rows for caption, rows in found.items() if caption.startswith(f"Table {number}."))
        printed = [(level, int(cell.split()[0]), cell.split()[1]) for level, cell in rows[1:-1]]
        assert printed == [(level, n, f"({percent}.0%)") for level, n, percent in levels]
        assert rows[-1] == ["Total", "25"]
    six = dict(next(rows for caption, rows in found.items() if caption.startswith("Table 6."))[1:])
    # The paper prints .699, .000 and 25; a p is never printed as zero here.
    assert six["tau_b"].removeprefix("0") == ".699"
    assert six["p (asymptotic)"] == "< .001"
    assert six["N"] == "25"
    joint = next(rows for caption, rows in found.items() if caption.startswith("Joint table"))
    assert joint[1:] == [
        ["Not yet", "7 (63.6%)", "4 (36.4%)", "0 (0.0%)", "11"],
        ["Performed", "0 (0.0%)", "8 (57.1%)", "6 (42.9%)", "14"],
        ["Total", "7", "12", "6", "25"],
    ]


def test_mopuya_has_what_the_paper_left_out(mopuya: Page) -> None:
    six = dict(next(rows for caption, rows in tables(mopuya, "id").items() if caption.startswith("Tabel 6."))[1:])
    assert six["Interval 95%"] == "[0,461; 0,699]"
    assert six["p (eksak)"] == "< 0,001"
    assert six["p (Holm)"] == "< 0,001"
    assert six["Batas tau_b"] == "[−0,699; 0,699]"
    assert six["Bagian batas"] == "100,0%"


def test_what_the_numbers_mean_stands_in_plain_words(site: dict[str, Page], mopuya: Page) -> None:
    assert (
        "Di puskesmas ini, Pijat oksitosin dan Produksi ASI cenderung tinggi bersama-sama"
        " (tau_b 0,699, interval 95% 0,461 sampai 0,699, N = 25 )." in mopuya.text("id")
    )
    negative = site["centres/7102020.html"].text("en")
    assert "where Oxytocin massage is high, Milk production tends to be low (tau_b −0.321" in negative
    unclear = site["centres/7102030.html"].text("en")
    assert "own data are too few to tell whether Oxytocin massage is associated with Milk production" in unclear
    none = site["centres/7102040.html"].text("en")
    assert "there is no tau_b at this health centre yet: all records are alike in “Oxytocin massage”." in none
    for page in (mopuya, *(site[f"centres/71020{number}0.html"] for number in range(2, 5))):
        assert "They are no mark for the health centre" in page.text("en")


def test_its_place_among_the_others_is_drawn_and_is_no_ranking(mopuya: Page) -> None:
    # Its bars and its place, in each language.
    assert mopuya.html.count('role="img"') == 4
    assert "This health centre: tau_b 0.699 (95% interval 0.461 to 0.699). All centres pooled: 0.150." in mopuya.text(
        "en"
    )
    assert "Faint lines: 2 others, those with most records on top. The order is no ranking." in mopuya.text("en")
    for other in ("Imandi", "Sama Semua", "Satu Saja"):
        assert other not in mopuya.html


def test_a_small_centre_has_its_counts_and_a_note_and_nothing_is_read_into_them(site: dict[str, Page]) -> None:
    for code, n in (("7102050", 1), ("7102060", 4)):
        page = site[f"centres/{code}.html"]
        assert f"Only {n} records are accepted, fewer than 10. Nothing can be concluded from so few" in page.text("en")
        assert not [svg for svg in page.all("svg") if svg.get("role") == "img"]
        assert "%" not in page.text("en").replace("95%", "")
        assert "tend to" not in page.text("en")
        assert "tau_b" not in tables(page, "en")
        assert "Table 6" not in page.text("en")
    assert "Not yet 1 1 0 2 Performed 0 1 1 2 Total 1 2 1 4" in site["centres/7102060.html"].text("en")


def test_what_to_mend_is_counted_by_rule_and_names_no_record(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb")
    with duckdb.connect(str(research)) as con:
        # Mended, about a group, and of another centre: none of these is this centre's work.
        con.execute("update quality.rules set keeps_out = severity = 'error'")
        con.execute(
            "insert into quality.finding_events by name select 'g' as finding_id, 'r' as run_id, 'opened' as event,"
            " timestamptz '2026-11-21' as \"at\", ? as form_id, '' as submission_id, 'centre:7102020' as \"row\","
            " 'duplicate_mother' as rule_id",
            [FORM],
        )
    write_report(research, tmp_path / "index.html", STUDY)
    page = Page((tmp_path / "centres" / "7102020.html").read_text(encoding="utf-8"))
    rows = tables(page, "en")["What to mend"][1:]
    assert rows == [
        ["The age is out of range.", "set aside", "2"],
        [
            'Seen before <script>alert("x")</script> & "Sons"'.replace("&", "&amp;").replace('"', "&#34;"),
            "set aside",
            "1",
        ],
        ["The comment is empty.", "still counts", "1"],
    ]
    assert "uuid:" not in page.html
    other = Page((tmp_path / "centres" / "7102010.html").read_text(encoding="utf-8"))
    assert "Nothing to mend at the moment." in other.text("en")


def test_before_and_after_stand_there_where_there_are_pairs(site: dict[str, Page], mopuya: Page) -> None:
    assert "hormone (pg_ml) 8 6.75 [4.25, 9.50] < .001" in mopuya.text("en")
    assert "hormone (pg_ml) 3 kurang dari 6 pasang nilai" in site["centres/7102020.html"].text("id")
    assert "hormone" not in site["centres/7102030.html"].html


def test_a_code_that_is_no_file_name_gets_one_and_stays_in_its_folder(tmp_path: Path) -> None:
    codes = ("../../outside", "C1", "c1", "con", "a b", 'q"<&')
    table = CENTRES[0].table
    centres = [Centre(code, f"Centre {number}", table, (0.5, 0.1, 0.8), 0.01) for number, code in enumerate(codes)]
    found = pages(tmp_path, centres=centres)
    names = [name for name in found if name.startswith("centres/")]
    assert len(names) == len({name.casefold() for name in names}) == len(codes)
    assert "centres/C1.html" in names
    assert not [name for name in names if re.fullmatch(r"centres/con(\..*)?", name)]
    listed = {link["href"] for link in found["centres.html"].all("a") if (link["href"] or "").startswith("centres/")}
    assert listed == set(names)
    assert {path.name for path in tmp_path.iterdir()} == {"report", "research.duckdb"}


def test_many_centres_make_small_pages_and_a_list_in_parts(tmp_path: Path) -> None:
    study = read_study(HOUSE / "schemas" / "study.yml")
    assert study is not None
    make_research(tmp_path / "research.duckdb", study, 230)
    with duckdb.connect(str(tmp_path / "research.duckdb")) as con:
        con.execute("delete from marts.centre_positions")  # of very many no table stands below the map
    write_report(tmp_path / "research.duckdb", tmp_path / "index.html", study)
    front, analysis, listed, page = (
        Page((tmp_path / name).read_text(encoding="utf-8"))
        for name in ("index.html", "analysis.html", "centres.html", "centres/p00042.html")
    )
    # What grows with the centres: three megabytes at ten thousand of them, with the four questions of the study.
    assert (len(front.html) - 100_000) / 230 < 290
    assert len(analysis.html) < 150_000
    assert len(listed.html) / 230 < 450
    assert len(page.html) < 60_000
    name = re.search(r"<h1>(.*?)</h1>", page.html)
    assert name is not None
    assert name[1] not in front.html + analysis.html
    assert name[1] in listed.text("id")
    assert "The results of " in analysis.text("en")
    assert len(listed.all("details")) == 2 * 3
    assert re.search(r"Puskesmas Air .* – Puskesmas .* \(100\)", listed.text("id"))
    assert "evenly from the largest to the smallest.)" in page.text("en")
