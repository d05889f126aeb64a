"""An enumerator's sheet stays one page, however long the code, the name and the titles on it are."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from laktasi.odk.collect_settings import as_qr_text, collect_settings
from laktasi.report.sheet import Sheet, render_sheet, write_sheet

LONG = "Nama Yang Sangat Panjang Sekali Putri Ratu Bolaang Mongondow " * 4


def sheet(code: str = "E07", name: str = "Ani", title: str = "Visit", language: str = "id") -> Sheet:
    made = collect_settings(
        "https://central.example.org", 12, "k" * 64, project_name=title, code=code, language=language
    )
    return Sheet(
        code, name, language, title, "central.example.org", (title,) * 5, is_editable=True, qr=as_qr_text(made)
    )


@pytest.mark.parametrize(
    ("code", "size"), [("E07", "short"), ("E07-MOPUYA", "medium"), ("W" * 20, "long"), ("W" * 40, "long")]
)
def test_the_longer_a_code_the_smaller_its_type(code: str, size: str) -> None:
    assert f'<dd class="{size}">{code}</dd>' in render_sheet(sheet(code))


def test_a_long_name_is_small_and_clipped_and_a_short_one_neither_small() -> None:
    assert f'<dt class="clip small">{LONG}</dt>' in render_sheet(sheet(name=LONG))
    assert '<dt class="clip">Ani</dt>' in render_sheet(sheet())


@pytest.mark.slow
@pytest.mark.browser
def test_the_longest_of_all_is_printed_on_one_page(tmp_path: Path) -> None:
    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver_path is None:
        pytest.skip("no chromium and chromedriver on this machine; .ci/run installs them and runs this test")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    path = tmp_path / "sheet.html"
    pages = {}
    try:
        for what, one in {
            "code": sheet(code="W" * 20),
            "name": sheet(name="W" * 200),
            "all": sheet(code="W" * 20, name=LONG, title=LONG),
            "all, in English": sheet(code="W" * 20, name=LONG, title=LONG, language="en"),
        }.items():
            write_sheet(path, one)
            driver.get(path.as_uri())
            is_wider = driver.execute_script("return document.documentElement.scrollWidth > window.innerWidth")
            printed = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
            pages[what] = (printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page "), is_wider)
    finally:
        driver.quit()
    assert pages == dict.fromkeys(pages, (1, False))
