"""Mopuya's page made of the shipped sample: Tables 1 to 6 of the paper, to the printed digit."""

from __future__ import annotations

import zipfile

import pytest

from laktasi import pipeline
from laktasi.paths import HOUSE
from laktasi.settings import read_settings
from tests.engine import sample
from tests.integration.test_report import Page
from tests.integration.test_report_centre import PAPER, tables


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    root = tmp_path_factory.mktemp("mopuya")
    with zipfile.ZipFile(sample.ARCHIVE) as archive, zipfile.ZipFile(root / "mopuya.zip", "w") as chosen:
        for name in archive.namelist():
            if name.endswith(".xml") and "/instances/" in name and b"<centre>mopuya</centre>" in archive.read(name):
                chosen.writestr(name, archive.read(name))
    settings = read_settings(HOUSE, data=root / "data", phones=(root / "mopuya.zip",))
    # The checks take most of a run's time, and have tests of their own.
    pipeline.walk(settings, [step for step in pipeline.WAY if step.name != "check"], door="cli")
    folder = settings.data_folder.report.parent / "centres"
    assert [path.name for path in folder.iterdir()] == ["mopuya.html"]
    return Page((folder / "mopuya.html").read_text(encoding="utf-8"))


def test_tables_1_to_5_are_the_papers(page: Page) -> None:
    found = tables(page, "en")
    for number, levels in PAPER.items():
        rows = next(rows for caption, rows in found.items() if caption.startswith(f"Table {number}."))
        # Levels are called as the form calls them.
        assert [cell for _, cell in rows[1:-1]] == [f"{n} ({percent}.0%)" for _, n, percent in levels]
        assert rows[-1] == ["Total", "25"]


def test_table_6_is_the_papers(page: Page) -> None:
    rows = next(rows for caption, rows in tables(page, "en").items() if caption.startswith("Table 6."))
    six = dict(rows[1:])
    assert (six["tau_b"], six["p (asymptotic)"], six["N"]) == ("0.699", "< .001", "25")
    assert six["Share of limit"] == "100.0%"


def test_the_page_says_that_nobody_in_it_is_real(page: Page) -> None:
    assert page.text("id").startswith("DATA CONTOH.")
    assert "Data sintetis" in page.text("id")
