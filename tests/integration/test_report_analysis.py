"""The pages of the analysis in full and of the centres: every result with its interval, or the reason in words."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from laktasi.report import write_report
from tests.integration.test_report import Page, pages
from tests.report_fixture import HOSTILE, STUDY, build_research
from tests.report_results import add_results


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    return pages(tmp_path_factory.mktemp("analysis"), results=True)


@pytest.fixture(scope="module")
def page(site: dict[str, Page]) -> Page:
    return site["analysis.html"]


def test_the_main_result_is_the_stratified_one_and_the_naive_one_is_only_a_comparison(page: Page) -> None:
    text = page.text("en")
    assert "tau_b within centres (pooled) 0.150 0.150 95% interval [0.021, 0.273]" in text
    assert "Health centres used 4 of 6" in text
    assert "Heterogeneity: Q (df) 21.3 (3) 21.3 (3) p of heterogeneity < .001" in text
    assert "85.9%" in text
    assert "For comparison only: tau_b with all centres thrown together 0.209 [0.050, 0.350]" in text
    assert text.index("tau_b within centres (pooled)") < text.index("For comparison only")


def test_the_mean_over_centres_stands_with_its_intervals(page: Page) -> None:
    text = page.text("en")
    assert "Mean over centres (random effects) 0.131 0.131 95% interval [−0.611, 0.822]" in text
    assert "One more such centre (95%) [−0.933, 0.944]" in text
    assert "Variance between centres τ² 0.256 [0.067, 0.978]" in text
    assert "Small centres: slope on 1/√N 1.23 (p = .032)" in text


def test_a_sampled_p_is_marked(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb")
    with duckdb.connect(str(research)) as con:
        con.execute("update analysis.kendall set p_exact = 0.0341, p_exact_method = 'exact'")
        con.execute(
            "update analysis.kendall set p_exact_method = 'Monte Carlo, 100000 draws' where centre_code = '7102020'"
        )
    write_report(research, tmp_path / "index.html", STUDY)
    text = Page((tmp_path / "analysis.html").read_text(encoding="utf-8")).text("en")
    assert "Imandi 50 −0.321 [−0.550, −0.050] .012 ≈ .034" in text
    assert "Mopuya 25 0.699 [0.461, 0.699] < .001 .034" in text
    centre = Page((tmp_path / "centres" / "7102020.html").read_text(encoding="utf-8"))
    assert "p (eksak) ≈ 0,034" in centre.text("id")


def test_what_is_missing_beside_an_estimate_is_told_with_its_reason(tmp_path: Path) -> None:
    research = add_results(build_research(tmp_path / "research.duckdb"))
    with duckdb.connect(str(research)) as con:
        con.execute("update analysis.pooled set q = null, reason = 'no Q here' where method = 'stratified'")
        con.execute("update analysis.random_effects set tau_b = null, reason = 'no records' where population = 'all'")
    write_report(research, tmp_path / "index.html", STUDY)
    text = Page((tmp_path / "analysis.html").read_text(encoding="utf-8")).text("en")
    assert "Not computed no Q here no Q here Mean over centres (random effects) 0.131 –" in text
    assert "No tau_b no records For comparison only" in text


def test_each_centre_with_a_tau_b_has_a_row_in_the_order_of_n(page: Page) -> None:
    text = page.text("en")
    rows = [
        "Imandi 50 −0.321 [−0.550, −0.050] .012 –",
        f"{HOSTILE} 31 0.012 [−0.310, 0.330] .941 –",
        "Mopuya 25 0.699 [0.461, 0.699] < .001 < .001 < .001",
    ]
    places = [text.index(row) for row in rows]
    assert places == sorted(places)
    # In each row a drawing, beside its numbers: three centres, two estimates over all; then what is left out.
    assert page.html.count('class="mean"') == 2 * 2


def test_a_centre_without_a_coefficient_says_why_in_words(page: Page) -> None:
    assert "Sama Semua (N = 15): all records are alike in “Oxytocin massage”" in page.text("en")
    assert "Sama Semua (N = 15): semua catatan sama pada “Pijat oksitosin”" in page.text("id")
    assert "Satu Saja (N = 1): hanya ada satu catatan" in page.text("id")
    assert "Masa Depan (N = 4): a reason of tomorrow's version" in page.text("id")


def test_the_mean_without_each_centre(page: Page) -> None:
    text = page.text("en")
    assert "Mopuya −0.155 [−0.655, 0.345] 50.0%" in text
    # No result without this one: no row.
    assert "Sama Semua –" not in text
    assert "nan" not in text


def test_a_third_variable_held_equal(page: Page) -> None:
    text = page.text("en")
    assert "nothing held equal 126 0.150 [0.021, 0.273] .023" in text
    assert "Age, stratified 120 0.141 [0.010, 0.263] .031" in text
    assert "Gravida, stratified 120 all records are alike in the variable held equal" in text
    assert "0.616" not in text  # of one centre


def test_before_and_after_with_the_reason_where_there_is_no_result(page: Page) -> None:
    text = page.text("en")
    assert "hormone (pg_ml) 31 12.2 19.5 7.12 [5.50, 8.75] < .001 exact" in text
    assert "Imandi: hormone (pg_ml) 3 fewer than 6 pairs of values" in text


def test_the_trend_is_drawn_and_stands_in_a_table(page: Page) -> None:
    text = page.text("en")
    assert "3 periods, from Sep 2026 to Nov 2026. tau_b between 0.172 and 0.273." in text
    assert "Sep 2026 49 4 0.172 [−0.028, 0.372]" in text
    assert "Oct 2026 50 4 no records" in text
    assert "Okt 2026 50 4 tidak ada catatan" in page.text("id")


def test_what_the_next_round_needs(page: Page) -> None:
    text = page.text("en")
    assert "this run's estimate 0.150 80.0% 317 0.100" in text
    assert "nearer to zero – 80.0% the interval holds 0: no number of records is enough" in text


def test_tables_for_all_centres_together_with_both_populations(page: Page) -> None:
    assert "Not yet 19 (34.5%) 19 (34.5%) 17 (30.9%) 55" in page.text("en")
    assert "Category Accepted, n (%) All, n (%) <20 years 13 (10.3%) 13 (10.3%)" in page.text("en")


def test_what_a_run_has_no_rows_for_has_no_heading(tmp_path: Path) -> None:
    page = pages(tmp_path)["analysis.html"]
    for heading in ("third variable", "Before and after", "Over time", "next round", "without one centre", "p (Holm)"):
        assert heading not in page.text("en").replace("Table", "")
    assert "tau_b within centres (pooled) 0.150" in page.text("en")


def test_the_list_of_centres_has_what_came_in_by_name_and_marks_small_ones(site: dict[str, Page]) -> None:
    text = site["centres.html"].text("en")
    assert "Imandi 55 3 52 2 50" in text
    assert "Satu Saja few records 2 0 2 1 1" in text
    assert "Mopuya few records" not in text
    assert "Total 134 4 130 4 126" in text
    assert "Tidak Mengirim" not in text
    assert text.index(HOSTILE) < text.index("Imandi") < text.index("Mopuya")


def test_the_map_shows_where_centres_lie_and_what_their_interval_says(site: dict[str, Page]) -> None:
    page = site["centres.html"]
    assert "4 health centres, between 0.20° S and 0.90° N, 123.50° E and 124.40° E." in page.text("en")
    assert "Mopuya 0.700° N 124.100° E 25" in page.text("en")
    assert "Mopuya 0,700° LU 124,100° BT 25" in page.text("id")
    assert page.html.count("<circle") == 2 * (4 + 4)  # points and key, in each language
    assert "km" in page.text("en")


def test_without_positions_there_is_no_map(tmp_path: Path) -> None:
    research = add_results(build_research(tmp_path / "research.duckdb"))
    with duckdb.connect(str(research)) as con:
        con.execute("delete from marts.centre_positions")
    write_report(research, tmp_path / "index.html", STUDY)
    assert "Map of health centres" not in (tmp_path / "centres.html").read_text(encoding="utf-8")
