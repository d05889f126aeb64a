"""The report in a real browser: what a reader sees, and that nothing is asked of any network."""

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from laktasi.report import write_report
from tests.report_fixture import STUDY, build_research
from tests.report_results import add_results

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
    write_report(add_results(build_research(folder / "research.duckdb")), target, STUDY)
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


PAGES = ("index.html", "analysis.html", "centres.html", "data.html", "methods.html", "centres/7102010.html")


def _go(chromium: Any, report: str, name: str) -> None:
    chromium.get("about:blank")
    chromium.get(report.removesuffix("index.html") + name)


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


def test_a_reader_who_switches_language_stays_where_they_are(page: Any, report: str) -> None:
    _go(page, report, "data.html#id-codebook")
    _press(page, "label[for=show-en]")
    top = page.execute_script("return document.getElementById('en-codebook').getBoundingClientRect().top")
    assert -5 < top < 400


def test_a_page_beside_opens_in_the_language_that_is_read(page: Any) -> None:
    _press(page, "label[for=show-en]")
    page.find_element("link text", "Health centres").click()
    assert _visible(page, "h1") == ["en"]
    page.find_element("link text", "Mopuya").click()
    assert page.current_url.endswith("/centres/7102010.html#en")
    assert _visible(page, "h1") == ["en"]
    assert (page.title, page.execute_script("return document.documentElement.lang")) == ("Mopuya", "en")
    page.find_element("link text", "tau_b").click()
    assert page.current_url.endswith("/methods.html#en-tau_b")
    assert page.execute_script("return document.getElementById('en-tau_b').getBoundingClientRect().top") < 400


def test_a_link_into_the_other_language_opens_it_there(page: Any, report: str) -> None:
    _go(page, report, "analysis.html#en-left-out-6")
    assert _visible(page, "h1") == ["en"]
    assert page.execute_script("return document.getElementById('en-left-out-6').open")


def test_the_list_of_centres_can_be_searched(page: Any, report: str) -> None:
    _go(page, report, "centres.html")
    box = page.find_element("id", "id-search")
    box.send_keys("mopu")
    assert page.execute_script("return [...document.querySelectorAll('#id-list tbody tr:not([hidden])')].length") == 1
    box.send_keys("x")
    assert page.find_element("css selector", "#id-list output").text == "Tidak ada yang cocok."


def test_the_page_of_a_centre_uses_the_style_beside_it_and_can_be_read_without(page: Any, report: str) -> None:
    _go(page, report, "centres/7102010.html")
    size = "return getComputedStyle(document.querySelector('#id .tiles strong')).fontSize"
    assert page.execute_script(size) != "16px"
    page.execute_script("document.querySelector('link[rel=stylesheet]').remove()")
    assert page.execute_script(size) == "16px"
    assert _visible(page, "h1") == ["id"]
    box = page.execute_script("return document.querySelector('#id figure > svg').getBoundingClientRect().toJSON()")
    assert 200 < box["width"] <= 460


@pytest.mark.parametrize("width", [360, 700, 1000])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_sideways_on_phone_tablet_or_desk(page: Any, report: str, name: str, width: int) -> None:
    _resize(page, width)
    _go(page, report, name)
    for language in ("id", "en"):
        page.execute_script("document.getElementById('show-' + arguments[0]).click()", language)
        page.execute_script("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        # No text is cut off or hidden inside a part that scrolls by itself either.
        wide = (
            "[...document.querySelectorAll('main *')].filter((item) => item.getBoundingClientRect().right > innerWidth)"
        )
        assert page.execute_script(f"return {wide}.filter((item) => item.getClientRects().length).length") == 0
        # The smallest letters of a drawing are no smaller than 10 pixels.
        script = """return Math.min(99, ...[...document.querySelectorAll('main svg text')]
            .filter((item) => item.getClientRects().length).map((item) => item.getBoundingClientRect().height));"""
        assert page.execute_script(script) >= 10
    assert page.get_log("browser") == []


@pytest.mark.parametrize("name", ["index.html", "analysis.html", "centres/7102010.html"])
def test_paper_has_every_detail_in_the_chosen_language_only(page: Any, report: str, name: str) -> None:
    _go(page, report, name)
    _press(page, "label[for=show-en]")
    pdf = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert pdf.startswith(b"%PDF")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert set(_visible(page, "main *")) == {"en"}
        assert not page.find_element("css selector", "label[for=show-en]").is_displayed()
        assert page.execute_script(
            "return [...document.querySelectorAll('#en table')].every((t) => t.offsetHeight > 20)"
        )
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("name", PAGES)
def test_text_stands_out_from_its_ground(page: Any, report: str, name: str) -> None:
    _go(page, report, name)
    # WCAG 2.2, success criterion 1.4.3: a contrast of at least 4.5.
    script = """
        const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
        const light = (color) => {
            const [r, g, b] = color.map((part) => part / 255)
                .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = (item) => {
            if (item instanceof SVGElement) item = item.closest("svg").parentElement;
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
