"""The report's front page and the page of its data, from a research copy to what a reader sees."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from laktasi.errors import LaktasiError, SettingsError, WarehouseError
from laktasi.report import write_report
from laktasi.study import Study
from tests.report_fixture import FORM, HOSTILE, RUN, STUDY, build_research
from tests.report_results import add_results

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


def pages(folder: Path, study: Study | None = STUDY, *, results: bool = False, **options: object) -> dict[str, Page]:
    """Write a report, and give its pages by file name; those of centres with their folder's."""
    research = build_research(folder / "research.duckdb", **options)  # type: ignore[arg-type]  # passed on
    if results:
        add_results(research)
    target = folder / "report" / "index.html"
    write_report(research, target, study)
    files = sorted(target.parent.rglob("*.html"))
    return {file.relative_to(target.parent).as_posix(): Page(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    return pages(tmp_path_factory.mktemp("report"), results=True)


@pytest.fixture(scope="module")
def page(site: dict[str, Page]) -> Page:
    return site["index.html"]


@pytest.fixture(scope="module")
def data(site: dict[str, Page]) -> Page:
    return site["data.html"]


def test_the_pages_are_those_that_have_something_to_show(site: dict[str, Page]) -> None:
    centres = [name for name in site if name.startswith("centres/")]
    assert len(centres) == 6
    assert set(site) - set(centres) == {"index.html", "analysis.html", "centres.html", "data.html", "methods.html"}


def test_what_was_asked_of_how_many_and_where(page: Page) -> None:
    assert (
        "Is Oxytocin massage associated with Milk production ? Counted from 126 questionnaires of 6 health centres."
        in page.text("en")
    )
    assert "Apakah Pijat oksitosin berkaitan dengan Produksi ASI ? Dihitung dari 126 kuesioner" in page.text("id")


def test_no_p_value_is_printed_as_zero_on_any_page(site: dict[str, Page]) -> None:
    assert "< .001" in site["analysis.html"].text("en")
    assert "< 0,001" in site["analysis.html"].text("id")
    for page in site.values():
        for language in ("id", "en"):
            assert not re.search(r"(?<!\d)[.,]000|p\s*=?\s*0[.,]000", page.text(language))


def test_the_overview_says_it_in_a_sentence(page: Page) -> None:
    assert "Oxytocin massage is associated with Milk production" in page.text("en")
    assert "Pijat oksitosin berkaitan dengan Produksi ASI" in page.text("id")
    # By hand from the fixture's joint tables: (6 + 4 + 5 + 6 + 0 + 1) / 71 and (0 + 12 + 5 + 0 + 0 + 0) / 55.
    assert "“Good” in 31.0% of the 71 records with Oxytocin massage “Performed” and 30.9% of the 55" in page.text("en")
    assert "wholly above zero in 1, wholly below zero in 1, and includes zero in 1" in page.text("en")
    assert "(pooled tau_b 0.150, 95% interval 0.021 to 0.273, N = 126 )." in page.text("en")


def test_how_centres_differ_is_told_in_words(page: Page) -> None:
    text = page.text("en")
    assert "Mean over health centres: tau_b 0.131 (95% interval −0.611 to 0.822, 3 centres)." in text
    assert "between −0.933 and 0.944: there may be no association there" in text
    assert "90.6% of the differences between centres is more than chance" in text
    assert "Without any one of the centres, the mean lies between −0.155 and 0.346" in text
    assert "Centres with few records give another tau_b than large ones ( p = .032 )" in text
    assert "not used for the mean: 1 (code_of_tomorrow); 1 (only one record); 1 (all records are alike in" in text


def test_quality_what_is_withheld_and_what_changed_have_a_line_each(page: Page) -> None:
    text = page.text("en")
    assert "Of 130 questionnaires that fit the study, 4 (3.1%) are set aside" in text
    assert "1 findings have been mended" in text
    assert "1 columns that could identify a person never leave the private warehouse" in text
    assert "3 health centres have no tau_b, and the reason is given" in text
    assert (
        "Changed since the last run 17 new records (new submissions) 2 records changed (decisions of the team)" in text
    )
    assert "pooled tau_b 0.172 ( N = 107 ) is now 0.150 ( N = 126 )" in text


def test_a_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    research = add_results(build_research(tmp_path / "research.duckdb"))
    with duckdb.connect(str(research)) as con:
        con.execute("update meta.runs set compared_with = null")
    write_report(research, tmp_path / "index.html", STUDY)
    text = Page((tmp_path / "index.html").read_text(encoding="utf-8")).text("en")
    assert "Changed since" not in text
    assert "17 new records" not in text


def test_what_was_known_by_a_day_is_said_on_every_page(tmp_path: Path) -> None:
    path = build_research(tmp_path / "research.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("""update meta.runs set manifest = '{"as_of": "2026-03-01T23:59:59.999999+00:00"}'""")
    write_report(path, tmp_path / "index.html", STUDY, language="en")
    for file in ("index.html", "analysis.html", "data.html"):
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert "What was known by 1 Mar 2026 23:59 UTC" in text, file
        assert "Yang diketahui sampai 1 Mar 2026 23.59 UTC" in text


def test_a_copy_of_an_older_version_gives_a_report_without_what_it_lacks(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb")
    with duckdb.connect(str(research)) as con:
        for name in ("random_effects", "leave_one_out", "adjusted", "paired", "trend", "next_round"):
            con.execute(f"drop view analysis.{name}_latest; drop table analysis.{name}")
        con.execute("drop table meta.changes; drop table meta.result_changes; drop table marts.centre_positions")
        con.execute("drop view analysis.kendall_latest; alter table analysis.kendall drop column p_holm")
        con.execute("create view analysis.kendall_latest as from analysis.kendall")
    write_report(research, tmp_path / "index.html", STUDY)
    text = Page((tmp_path / "index.html").read_text(encoding="utf-8")).text("en")
    assert "(pooled tau_b 0.150, 95% interval 0.021 to 0.273" in text
    assert "Mean over health centres" not in text


def test_what_came_in_and_what_was_set_aside_and_why(data: Page) -> None:
    page = data
    assert "Questionnaires that came in: 134, from 6 health centres. In 4 of them the person declined" in page.text(
        "en"
    )
    assert "The age is out of range. mother__age.constraint 2 2" in page.text("en")
    assert "Umur di luar batas. mother__age.constraint 2 2" in page.text("id")
    # The second warning of the fixture has been mended.
    assert "The comment is empty. visit__comment.required 1 1" in page.text("en")
    assert "Findings that have been mended: 1." in page.text("en")


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
    text = Page((tmp_path / "data.html").read_text(encoding="utf-8")).text("en")
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


def test_the_codebook_words_each_question_in_both_languages_and_names_what_was_left_out(data: Page) -> None:
    text = data.text("en")
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


def test_synthetic_data_are_named_at_the_top_of_every_page(site: dict[str, Page]) -> None:
    assert site["index.html"].text("id").startswith("DATA CONTOH: tidak ada orang nyata. Pijat dan ASI")
    for page in site.values():
        assert page.text("id").startswith("DATA CONTOH: tidak ada orang nyata.")
        assert page.text("en").startswith("SYNTHETIC DATA: no real person.")
        assert "For the study team" not in page.text("en")


def test_real_data_are_the_teams_and_every_page_says_so(tmp_path: Path) -> None:
    for page in pages(tmp_path, replace(STUDY, synthetic=None)).values():
        assert "Untuk tim studi . Berkas ini bukan untuk umum." in page.text("id").replace("studi.", "studi .")
        assert "This file is not for the public." in page.text("en")


def test_a_hostile_label_is_text_and_nothing_else(site: dict[str, Page]) -> None:
    assert HOSTILE in site["centres.html"].text("id")
    for page in site.values():
        assert HOSTILE not in page.html
        assert "<script>alert" not in page.html
        assert len(page.all("script")) == 1


def test_nothing_is_fetched_and_only_our_own_style_and_script_may_run(site: dict[str, Page]) -> None:
    for name, page in site.items():
        for tag, attributes in page.elements:
            assert tag not in ("img", "iframe", "object", "embed", "base", "form", "image")
            assert "style" not in attributes
            assert not [key for key in attributes if key.startswith("on")]
            for key in ("src", "href", "xlink:href"):
                assert re.fullmatch(r"#.*|(\.\./|centres/)?[\w.-]+(\.html(#[\w-]+)?|\.css)", attributes.get(key) or "#")
        assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page.html)
        policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
        assert policy is not None
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            found = re.search(f"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
            assert found is not None
            digest = base64.b64encode(hashlib.sha256(found[1].encode("utf-8")).digest()).decode("ascii")
            beside = "'self' file: " if tag == "style" and name.startswith("centres/") else ""
            assert f"; {tag}-src {beside}'sha256-{digest}';" in policy


def test_it_can_be_read_without_eyes(site: dict[str, Page]) -> None:
    for page in site.values():
        assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
        assert len(page.all("table")) == page.html.count("<caption>")
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        for svg in page.all("svg"):
            # It says what it is and what it shows, or is decoration beside the same in words.
            told = (svg.get("aria-labelledby") or "").split()
            assert svg.get("aria-hidden") == "true" or (
                svg["role"] == "img" and len(told) == 2 and set(told) <= set(ids)
            )


def test_headings_go_down_one_step_at_a_time(site: dict[str, Page]) -> None:
    for page in site.values():
        for body in re.findall(r"<main.*?</main>", page.html, re.DOTALL):
            levels = [int(level) for level in re.findall(r"<h(\d)", body)]
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_link_leads_to_a_page_and_a_place_that_are_there(site: dict[str, Page]) -> None:
    ids = {name: {item["id"] for _, item in page.elements if "id" in item} for name, page in site.items()}
    for name, page in site.items():
        folder = name.rpartition("/")[0]
        for link in page.all("a"):
            file, _, place = (link["href"] or "").partition("#")
            target = name if not file else file.removeprefix("../") if folder else file
            assert target in site, (name, link)
            assert not place or place in ids[target], (name, link)


def test_the_same_research_copy_gives_the_same_bytes(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb")
    add_results(research)
    for name in ("one", "two"):
        write_report(research, tmp_path / name / "index.html", STUDY)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert not [path for path in one if path.name.startswith(".")]


def test_pages_that_a_run_has_nothing_for_are_removed(tmp_path: Path) -> None:
    research = build_research(tmp_path / "research.duckdb")
    target = tmp_path / "report" / "index.html"
    write_report(research, target, STUDY)
    stray = target.with_name("centres") / "gone.html"
    stray.write_text("of a centre that is none any more", encoding="utf-8")
    own = target.with_name("centres") / "notes.txt"
    own.write_text("somebody's own", encoding="utf-8")
    write_report(research, target, STUDY)
    assert not stray.exists()
    assert own.exists()
    own.unlink()
    write_report(research, target, None)
    assert sorted(path.name for path in target.parent.iterdir()) == ["data.html", "index.html", "report.css"]


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
    found = pages(tmp_path, study=None, with_study=False)
    assert set(found) == {"index.html", "data.html"}
    assert f"Survey report: {FORM}" in found["index.html"].text("en")
    assert "Questionnaires that came in: 134" in found["index.html"].text("en")
    assert "The age is out of range. mother__age.constraint 2" in found["data.html"].text("en")
    assert "Health centre Puskesmas" in found["data.html"].text("en")
    for page in found.values():
        assert "tau_b" not in page.text("en")
        assert not page.all("svg")


@pytest.mark.parametrize("with_study", [True, False])
def test_no_record_at_all_is_said_and_not_an_error(tmp_path: Path, with_study: bool) -> None:
    found = pages(tmp_path, study=STUDY if with_study else None, with_study=with_study, centres=())
    assert "No questionnaire has come in yet." in found["index.html"].text("en")
    assert "Belum ada kuesioner yang masuk." in found["index.html"].text("id")
    assert "No finding of the checks is open." in found["data.html"].text("en")
    assert "Health centre Puskesmas" in found["data.html"].text("en")


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
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
