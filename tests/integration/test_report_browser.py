"""The report in a real browser: what a reader sees, and that nothing is asked of any network."""

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from laktasi.report import write_report
from tests.report_fixture import STUDY, build_research

pytestmark = pytest.mark.browser

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report made from the fixture."""
    folder = tmp_path_factory.mktemp("browser")
    target = folder / "index.html"
    write_report(build_research(folder / "research.duckdb"), target, STUDY)
    return target.as_uri()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Debian's Chromium, with an empty profile, its console and its requests logged."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no chromium and chromedriver on this machine; .ci/run installs them and runs this test")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def page(chromium: Any, report: str) -> Any:
    """The report, freshly opened on a desk."""
    _resize(chromium, 1000)
    chromium.get("about:blank")
    for kind in ("browser", "performance"):
        chromium.get_log(kind)
    chromium.get(report)
    return chromium


def _resize(chromium: Any, width: int) -> None:
    # A window cannot be as narrow as a phone; an emulated screen can.
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def _visible(chromium: Any, selector: str) -> list[str]:
    """Give the language of each element that matches and takes up space on the page."""
    script = """
        return [...document.querySelectorAll(arguments[0])]
            .filter((item) => item.getClientRects().length && item.getBoundingClientRect().width > 0)
            .map((item) => item.closest("main").lang);
    """
    found: list[str] = chromium.execute_script(script, selector)
    return found


def _press(chromium: Any, selector: str) -> None:
    chromium.find_element("css selector", selector).click()


def test_the_console_is_silent_and_nothing_is_asked_of_a_network(page: Any, report: str) -> None:
    _press(page, "label[for=show-en]")
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    asked = [item["params"]["request"]["url"] for item in messages if item["method"] == "Network.requestWillBeSent"]
    assert asked == [report]
    assert page.get_log("browser") == []


def test_the_language_switches_title_and_all(page: Any) -> None:
    assert _visible(page, "h1") == ["id"]
    assert (page.title, page.execute_script("return document.documentElement.lang")) == ("Pijat dan ASI", "id")
    _press(page, "label[for=show-en]")
    assert _visible(page, "h1") == ["en"]
    assert set(_visible(page, "main *")) == {"en"}
    assert (page.title, page.execute_script("return document.documentElement.lang")) == ("Massage and milk", "en")


def test_the_language_switches_by_keyboard_and_without_a_script(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.refresh()
        page.find_element("id", "show-id").send_keys("\ue014")  # the right arrow key
        assert page.find_element("css selector", "main#en h1").is_displayed()
        assert not page.find_element("css selector", "main#id h1").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_reader_who_switches_language_stays_where_they_are(page: Any) -> None:
    _press(page, "#id-arrivals tbody tr:nth-child(2) a")
    assert page.execute_script("return document.getElementById('id-centre-2').open")
    _press(page, "label[for=show-en]")
    assert page.execute_script("return document.getElementById('en-centre-2').open")
    top = page.execute_script("return document.getElementById('en-centre-2').getBoundingClientRect().top")
    assert -5 < top < 400


def test_a_link_into_the_other_language_opens_it_there(page: Any, report: str) -> None:
    page.get("about:blank")
    page.get(report + "#en-centre-1")
    assert _visible(page, "h1") == ["en"]
    assert page.execute_script("return document.getElementById('en-centre-1').open")


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("width", [360, 700, 1000])
def test_nothing_sticks_out_sideways_on_phone_tablet_or_desk(page: Any, language: str, width: int) -> None:
    _resize(page, width)
    page.execute_script("document.getElementById('show-' + arguments[0]).click()", language)
    page.execute_script("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    # No text is cut off or hidden inside a part that scrolls by itself either.
    wide = "[...document.querySelectorAll('main *')].filter((item) => item.getBoundingClientRect().right > innerWidth)"
    assert page.execute_script(f"return {wide}.filter((item) => item.getClientRects().length).length") == 0


@pytest.mark.parametrize(("width", "drawing", "other"), [(1000, ".wide", ".narrow"), (360, ".narrow", ".wide")])
def test_the_forest_plot_is_drawn_for_the_screen_it_is_seen_on(page: Any, width: int, drawing: str, other: str) -> None:
    _resize(page, width)
    assert _visible(page, f"figure {drawing} svg") == ["id"]
    assert _visible(page, f"figure {other} svg") == []
    box = page.execute_script(f"return document.querySelector('figure {drawing} svg').getBoundingClientRect().toJSON()")
    assert box["width"] > 0.8 * min(width, 800)
    assert box["height"] > 100
    # Legible: the smallest letters are no smaller than 10 pixels.
    script = f"""return Math.min(...[...document.querySelectorAll('#id figure {drawing} text')]
        .map((item) => item.getBoundingClientRect().height));"""
    assert page.execute_script(script) >= 10


def test_paper_has_every_detail_in_the_chosen_language_only(page: Any) -> None:
    _press(page, "label[for=show-en]")
    pdf = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert pdf.startswith(b"%PDF")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert set(_visible(page, "main *")) == {"en"}
        assert not page.find_element("css selector", "label[for=show-en]").is_displayed()
        assert len(_visible(page, "details.centre .tables table")) > 6 * 4
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_open_all_opens_every_centre(page: Any) -> None:
    _press(page, "#id [data-open=yes]")
    assert page.execute_script("return document.querySelectorAll('#id details.centre:not([open])').length") == 0
    _press(page, "#id [data-open=no]")
    assert page.execute_script("return document.querySelectorAll('#id details.centre[open]').length") == 0


def test_text_stands_out_from_its_ground(page: Any) -> None:
    # WCAG 2.2, success criterion 1.4.3: a contrast of at least 4.5.
    script = """
        const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
        const light = (color) => {
            const [r, g, b] = color.map((part) => part / 255)
                .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = (item) => {
            for (; item; item = item.parentElement) {
                const color = rgb(getComputedStyle(item).backgroundColor);
                if (color.length < 4 || color[3] > 0) return color.slice(0, 3);
            }
            return [255, 255, 255];
        };
        return [...document.querySelectorAll("body *")].filter((item) => item.getClientRects().length)
            .filter((item) => [...item.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
            .filter((item) => {
                const style = getComputedStyle(item);
                const ink = item instanceof SVGElement ? style.fill : style.color;
                const [a, b] = [light(rgb(ink).slice(0, 3)), light(ground(item))].sort((x, y) => y - x);
                return (a + 0.05) / (b + 0.05) < 4.5;
            }).map((item) => item.outerHTML.slice(0, 100));
    """
    page.execute_script("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
    assert page.execute_script(script) == []
