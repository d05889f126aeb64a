"""What a phone reads from a sheet: settings that Collect knows, in a QR code that can be read back from the page."""

import base64
import json
import re
import stat
import zlib
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from laktasi.errors import LaktasiError
from laktasi.odk.collect_settings import as_qr_text, collect_settings
from laktasi.report.sheet import MISTAKE, STEPS, WORDS, Sheet, render_sheet, write_sheet

KEY = "k$!" + "0123456789abcdefghijABCDEFGHIJ" * 2 + "Z"
# From Collect's client-settings schema: the values that a key may have, or the type of its value.
KNOWN: dict[str, dict[str, Any]] = {
    "general": {
        "server_url": str,
        "form_update_mode": ("manual", "previously_downloaded", "match_exactly"),
        "autosend": ("off", "wifi_only", "cellular_only", "wifi_and_cellular"),
        "delete_send": bool,
        "app_language": str,
        "metadata_username": str,
    },
    "admin": {},
    "project": {"name": str, "icon": str, "color": str},
}
# The languages Collect has; it keeps Java's old code for Indonesian.
TRANSLATED = ("en", "in")


def settings(**changed: Any) -> dict[str, Any]:
    given = {"project_name": "Kunjungan – contoh", "code": "E07", "language": "id"} | changed
    return collect_settings("https://central.example.org/", 7, KEY, **given)


def sheet(**changed: Any) -> Sheet:
    given: dict[str, Any] = {
        "code": "E07",
        "name": "Ani <i>Contoh</i>",
        "language": "id",
        "project": "Kunjungan & contoh",
        "server": "central.example.org",
        "forms": ("Kunjungan",),
        "is_editable": False,
        "qr": as_qr_text(settings()),
    }
    return Sheet(**(given | changed))


def picture_of(page: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw the page's QR code: a path of horizontal lines, one module high, moved relative to where the last ended."""
    [width] = re.findall(r'viewBox="0 0 (\d+) \d+"', page)
    [path] = re.findall(r'<path[^>]* d="([^"]+)"', page)
    modules = np.full((int(width), int(width)), 255, np.uint8)
    x = y = 0.0
    for command, arguments in re.findall(r"([Mmh])([-\d. ,]+)", path):
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", arguments)]
        if command == "h":
            modules[int(y), int(x) : int(x + numbers[0])] = 0
            x += numbers[0]
        else:
            x, y = (numbers[0], numbers[1]) if command == "M" else (x + numbers[0], y + numbers[1])
    return np.kron(modules, np.ones((4, 4), np.uint8))


def read_back(page: str) -> Any:
    import zxingcpp

    [found] = zxingcpp.read_barcodes(picture_of(page))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return json.loads(zlib.decompress(base64.b64decode(found.text)))


@pytest.mark.parametrize("language", ["id", "en"])
def test_collect_knows_every_key_and_value(language: str) -> None:
    made = settings(language=language)
    assert made.keys() == KNOWN.keys()
    for part, values in made.items():
        for key, value in values.items():
            known = KNOWN[part][key]
            assert value in known if isinstance(known, tuple) else type(value) is known
    assert made["general"]["app_language"] in TRANSLATED


def test_the_phone_is_pointed_at_its_key_and_project() -> None:
    general = settings()["general"]
    assert general["server_url"] == f"https://central.example.org/v1/key/{KEY}/projects/7"
    assert (general["form_update_mode"], general["autosend"]) == ("match_exactly", "wifi_and_cellular")


def test_a_sheet_read_by_a_camera_gives_the_settings() -> None:
    page = render_sheet(sheet())
    assert read_back(page) == settings()


def test_the_code_has_white_around_it_as_scanners_want() -> None:
    picture = picture_of(render_sheet(sheet()))
    edge = 4 * 4  # modules, each four pixels wide
    inside = picture[edge:-edge, edge:-edge]
    assert (picture == 0).sum() == (inside == 0).sum()
    assert (inside[0] == 0).any()


def test_the_code_leaves_room_for_a_long_server_and_name() -> None:
    long = collect_settings(
        f"https://{'central.' * 12}example.org", 12345, KEY, project_name="ä" * 120, code="E" * 40, language="en"
    )
    assert read_back(render_sheet(sheet(qr=as_qr_text(long)))) == long


def test_a_sheet_is_whole_by_itself_and_says_everything_twice() -> None:
    page = render_sheet(sheet())
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/\S+", "", page)
    assert "<script" not in page
    assert "Ani &lt;i&gt;Contoh&lt;/i&gt;" in page
    text = unescape(re.sub(r"<[^>]+>", "", page))
    for step in (*STEPS, MISTAKE[False], WORDS["key"], WORDS["private"]):
        for sentence in step.values():
            assert sentence.replace("**", "") in text
    assert MISTAKE[True]["en"].replace("**", "") not in text


def test_the_persons_language_stands_first() -> None:
    for language, other in (("id", "en"), ("en", "id")):
        page = render_sheet(sheet(language=language))
        assert f'<html lang="{language}">' in page
        assert page.index(WORDS["key"][language]) < page.index(WORDS["key"][other])


def test_a_form_that_may_be_edited_says_how() -> None:
    assert "tap the pencil" in render_sheet(sheet(is_editable=True))


def test_a_sheet_is_for_its_owner_only_and_the_same_each_time(tmp_path: Path) -> None:
    target = tmp_path / "sheets" / "E07.html"
    write_sheet(target, sheet())
    first = target.read_bytes()
    write_sheet(target, sheet())
    assert target.read_bytes() == first
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700
    assert [path.name for path in target.parent.iterdir()] == ["E07.html"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "sheets").write_text("")
    with pytest.raises(LaktasiError, match=r"E07\.html cannot be written"):
        write_sheet(tmp_path / "sheets" / "E07.html", sheet())
