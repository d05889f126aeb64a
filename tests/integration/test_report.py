"""The report's content, from a research copy to the finished page."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from laktasi.errors import LaktasiError, SettingsError, WarehouseError
from laktasi.report import write_report
from laktasi.study import Study
from tests.report_fixture import CENTRES, FORM, HOSTILE, RUN, STUDY, build_research

VOID = {"meta", "input", "br", "wbr", "link", "img"}


class Page(HTMLParser):
    """The page as a reader has it: text by language, and every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.parts: dict[str | None, list[str]] = {}
        self.language: str | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "main":
            self.language = dict(attrs)["lang"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"
        if tag == "main":
            self.language = None

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.parts.setdefault(self.language, []).append(data)

    def text(self, language: str) -> str:
        """Give what a reader of one language reads, with single spaces."""
        return " ".join(" ".join(self.parts[language]).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of all elements of one kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def report(folder: Path, study: Study | None = STUDY, **options: object) -> Page:
    research = build_research(folder / "research.duckdb", **options)  # type: ignore[arg-type]  # passed on
    target = folder / "report" / "index.html"
    write_report(research, target, study)
    return Page(target.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return report(tmp_path_factory.mktemp("report"))


def test_mopuya_stands_with_its_interval_its_n_and_both_p(page: Page) -> None:
    # The published table (docs/STUDY.md): tau_b .699, asymptotic p .00030, exact p .00011, at its ceiling.
    assert "Mopuya N = 25, tau_b 0.699 [0.461, 0.699]" in page.text("en")
    assert "Mopuya N = 25, tau_b 0,699 [0,461; 0,699]" in page.text("id")
    assert "Mopuya 25 0.699 [0.461, 0.699] < .001 < .001" in page.text("en")
    assert "Attainable range [−0.699, 0.699]" in page.text("en")
    assert "Share of limit 100.0% 100.0%" in page.text("en")


def test_mopuya_has_the_tables_of_the_paper(page: Page) -> None:
    assert "Table 1. Age Category Accepted, n (%) All, n (%) <20 years 3 (12.0%)" in page.text("en")
    assert "20–35 years 20 (80.0%)" in page.text("en")
    assert "Not enough Enough Good Total Not yet 7 4 0 11 Performed 0 8 6 14 Total 7 12 6 25" in page.text("en")
    assert "Kurang Cukup Baik Jumlah Belum dipijat 7 4 0 11 Dipijat 0 8 6 14 Jumlah 7 12 6 25" in page.text("id")


def test_no_p_value_is_printed_as_zero(page: Page) -> None:
    assert "< .001" in page.text("en")
    assert "< 0,001" in page.text("id")
    for language in ("id", "en"):
        assert not re.search(r"(?<!\d)[.,]000|p\s*=?\s*0[.,]000", page.text(language))


def test_the_main_result_is_the_stratified_one_and_the_naive_one_is_only_a_comparison(page: Page) -> None:
    text = page.text("en")
    assert "tau_b within centres (pooled) 0.150 0.150 95% interval [0.021, 0.273]" in text
    assert "Health centres used 4 of 6" in text
    assert "Heterogeneity: Q (df) 21.3 (3) 21.3 (3) p of heterogeneity < .001" in text
    assert "85.9%" in text
    assert "For comparison only: tau_b with all centres thrown together 0.209 [0.050, 0.350]" in text
    assert text.index("0.150") < text.index("0.209")


def test_the_overview_says_it_in_a_sentence(page: Page) -> None:
    assert "Oxytocin massage is associated with Milk production" in page.text("en")
    assert "Pijat oksitosin berkaitan dengan Produksi ASI" in page.text("id")
    # By hand from the fixture's joint tables: (6 + 4 + 5 + 6 + 0 + 1) / 71 and (0 + 12 + 5 + 0 + 0 + 0) / 55.
    assert "“Good” in 31.0% of the 71 records with Oxytocin massage “Performed” and 30.9% of the 55" in page.text("en")
    assert "wholly above zero in 1, wholly below zero in 1, and includes zero in 1" in page.text("en")


def test_a_centre_without_a_coefficient_says_why_in_words(page: Page) -> None:
    assert "Sama Semua (N = 15): all records are alike in “Oxytocin massage”" in page.text("en")
    assert "Sama Semua (N = 15): semua catatan sama pada “Pijat oksitosin”" in page.text("id")
    assert "Satu Saja (N = 1): hanya ada satu catatan" in page.text("id")
    # A reason this report has no words for is told as the warehouse has it, not dropped.
    assert "Masa Depan (N = 4): a reason of tomorrow's version" in page.text("id")


def test_what_came_in_and_what_was_set_aside_and_why(page: Page) -> None:
    assert "Imandi 55 3 52 2 50" in page.text("en")
    assert "Total 134 4 130 4 126" in page.text("en")
    assert "The age is out of range. mother__age.constraint 2 2" in page.text("en")
    assert "Umur di luar batas. mother__age.constraint 2 2" in page.text("id")
    # The second warning of the fixture has been mended.
    assert "The comment is empty. visit__comment.required 1 1" in page.text("en")
    assert "Findings that have been mended: 1." in page.text("en")
    assert "Tidak Mengirim" not in page.html


def test_findings_stand_under_what_they_do(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb")
    with duckdb.connect(str(research)) as con:
        # As schemas/gates.yml can say: an error that keeps nothing out, and a warning that does.
        con.execute("update quality.rules set keeps_out = rule_id <> 'duplicate_mother'")
        con.execute(
            """
            insert into quality.finding_events by name
            select 'g' || number as finding_id, ? as run_id, 'opened' as event, timestamptz '2026-11-21' as "at",
                ? as form_id, '' as submission_id, 'centre:' || number as "row", 'refusals' as rule_id
            from range(3) as numbers (number)
            """,
            [RUN, FORM],
        )
    write_report(research, tmp_path / "index.html", STUDY)
    text = Page((tmp_path / "index.html").read_text(encoding="utf-8")).text("en")
    places = [
        text.index(words)
        for words in (
            "The record is set aside Rule",
            "mother__age.constraint 2 2",
            "The record still counts Rule",
            "duplicate_mother 1 1",
            "no record is set aside for it Rule Groups",
            "refusals 3",
        )
    ]
    assert places == sorted(places)
    assert text.index("visit__comment.required 1 1") < places[2]


def test_small_centres_are_marked_and_not_hidden(page: Page) -> None:
    assert "Satu Saja few records 2 0 2 1 1" in page.text("en")
    assert "Fewer than 10 accepted records" in page.text("en")
    assert "Mopuya few records" not in page.text("en")


def test_the_codebook_words_each_question_in_both_languages_and_names_what_was_left_out(page: Page) -> None:
    text = page.text("en")
    assert "Health centre Puskesmas" in text
    assert "Mother's name Nama ibu" in text
    assert "never leave the private warehouse: mother__name ." in text
    assert "no Not yet / Belum dipijat" in text
    assert "label lama" not in text
    assert "… and 25 more choices" in text
    assert "visit/days (constraint): it depends on the day of filling" in text


def test_it_says_which_run_and_which_data_it_tells(page: Page) -> None:
    for fact in (RUN, "laktasi 0.1.0 ( 0123456789ab )", "21 Nov 2026 12:14 UTC", "20 Nov 2026 08:05 UTC", "f00d" * 16):
        assert fact in page.text("en")


def test_synthetic_data_and_the_team_notice_stand_at_the_top_in_both_languages(page: Page) -> None:
    assert page.text("id").startswith("DATA CONTOH: tidak ada orang nyata. Pijat dan ASI Untuk tim studi")
    assert page.text("en").startswith("SYNTHETIC DATA: no real person. Massage and milk For the study team")


def test_a_hostile_label_is_text_and_nothing_else(page: Page) -> None:
    assert HOSTILE in page.text("id")
    assert HOSTILE not in page.html
    assert "<script>alert" not in page.html
    assert len(page.all("script")) == 1


def test_nothing_is_fetched_and_only_our_own_style_and_script_may_run(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "use", "image")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page.html)
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        found = re.search(f"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
        assert found is not None
        digest = base64.b64encode(hashlib.sha256(found[1].encode("utf-8")).digest()).decode("ascii")
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_it_can_be_read_without_eyes(page: Page) -> None:
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
    figures = page.all("svg")
    # Two drawings, for pages and for phones, in each language.
    assert len(figures) == 4
    assert all(svg["role"] == "img" and "95%" in (svg["aria-label"] or "") for svg in figures)
    assert len(page.all("table")) == page.html.count("<caption>")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(a["href"] or "")[1:] for a in page.all("a")}
    assert targets <= set(ids)


def test_the_same_research_copy_gives_the_same_bytes(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb")
    for name in ("one.html", "two.html"):
        write_report(research, tmp_path / name, STUDY)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "research.duckdb", "two.html"]


def test_who_reads_the_old_report_keeps_it_while_a_new_one_takes_its_place(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb", centres=())
    target = tmp_path / "index.html"
    target.write_text("the old report", encoding="utf-8")
    with target.open(encoding="utf-8") as reader:
        write_report(research, target, STUDY)
        assert reader.read() == "the old report"
    assert "Belum ada kuesioner" in target.read_text(encoding="utf-8")


def test_the_language_that_is_shown_first_can_be_chosen(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb", centres=())
    for language, title in (("id", "Pijat dan ASI"), ("en", "Massage and milk")):
        write_report(research, tmp_path / "index.html", STUDY, language=language)
        page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
        assert page.all("html")[0]["lang"] == language
        assert [item["value"] for item in page.all("input") if "checked" in item] == [language]
        assert f"<title>{title}</title>" in page.html
    with pytest.raises(SettingsError, match="'fr'"):
        write_report(research, tmp_path / "index.html", STUDY, language="fr")


def test_a_form_without_a_study_has_arrivals_findings_and_a_codebook(tmp_path: Path) -> None:
    page = report(tmp_path, study=None, with_study=False)
    assert f"Survey report: {FORM}" in page.text("en")
    assert "Questionnaires that came in: 134" in page.text("en")
    assert "The age is out of range. mother__age.constraint 2" in page.text("en")
    assert "Health centre Puskesmas" in page.text("en")
    assert "tau_b" not in page.text("en")
    assert not page.all("svg")


@pytest.mark.parametrize("with_study", [True, False])
def test_no_record_at_all_is_said_and_not_an_error(tmp_path: Path, with_study: bool) -> None:
    page = report(tmp_path, study=STUDY if with_study else None, with_study=with_study, centres=())
    assert "No questionnaire has come in yet." in page.text("en")
    assert "Belum ada kuesioner yang masuk." in page.text("id")
    assert "No finding of the checks is open." in page.text("en")
    assert "Health centre Puskesmas" in page.text("en")


def test_more_centres_than_a_page_can_hold_are_counted_and_pointed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laktasi.report.model.CENTRES_SHOWN", len(CENTRES) - 1)
    page = report(tmp_path)
    assert "6 health centres are too many for one page" in page.text("en")
    assert "Total 134 4 130 4 126" in page.text("en")
    assert "tau_b within centres (pooled) 0.150" in page.text("en")
    assert "Mopuya" not in page.text("en")
    assert not page.all("svg")


def test_a_research_copy_that_is_missing_broken_or_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    target = tmp_path / "index.html"
    with pytest.raises(WarehouseError, match=r"research\.duckdb does not exist") as missing:
        write_report(tmp_path / "research.duckdb", target, STUDY)
    assert missing.value.next_step == "laktasi run"
    (tmp_path / "torn.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseError, match="cannot be opened"):
        write_report(tmp_path / "torn.duckdb", target, STUDY)
    duckdb.connect(str(tmp_path / "foreign.duckdb")).close()
    with pytest.raises(WarehouseError, match="no finished run"):
        write_report(tmp_path / "foreign.duckdb", target, STUDY)
    assert not target.exists()


def test_a_report_that_cannot_be_written_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb", centres=())
    target = tmp_path / "index.html"
    target.mkdir()  # a folder in the way: even root cannot put a file in its place
    with pytest.raises(LaktasiError, match="cannot be written"):
        write_report(research, target, STUDY)
    assert target.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "research.duckdb"]
