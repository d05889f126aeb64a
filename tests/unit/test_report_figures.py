"""The drawings of the report: what is drawn stands where its number says."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from laktasi.report import bars, caterpillar, chart_map, intervals, svg, trend
from laktasi.report.caterpillar import LEFT, SCALE, Mark, Summary
from laktasi.report.chart_map import Point

SVG = "{http://www.w3.org/2000/svg}"
MARKS = [Mark(0.5, 0.25, 0.75), Mark(-1.0, -1.0, -0.5), Mark(1.0, None, None), Mark(0.0, -0.1, 0.1)]


def walked(d: str) -> list[tuple[int, int, int]]:
    """Give the level strokes of a path of relative moves: x, y and length."""
    found, x, y = [], 0, 0
    for across, down, length in re.findall(r"m(-?\d+) ?(-?\d+)h(\d+)", d):
        x, y = x + int(across), y + int(down)
        found.append((x, y, int(length)))
        x += int(length)
    assert "".join(re.findall(r"m-?\d+ ?-?\d+h\d+", d)) == d
    return found


def test_a_caterpillar_has_each_centre_in_its_row() -> None:
    drawing = caterpillar.prepare("k", MARKS, [])
    lines, dots = re.findall(r'd="(m[^"]+)"', drawing.definition)
    assert walked(dots) == [(300, 0, 0), (0, 1, 0), (400, 2, 0), (200, 3, 0)]
    assert walked(lines) == [(250, 0, 100), (0, 1, 100), (180, 3, 40)]
    assert LEFT + 400 * SCALE == svg.WIDTH - LEFT


def test_a_caterpillar_of_ten_thousand_is_light_and_no_higher_than_a_screen() -> None:
    many = [Mark(0.3 + 0.4 * ((7 * n) % 11 - 5) / 11, -0.2, 0.8) for n in range(10_000)]
    drawing = caterpillar.prepare("k", many, [Summary("#000000", many[0], (0.1, 0.2))])
    assert len(drawing.definition) < 250_000
    assert drawing.end < 500
    drawn = caterpillar.draw("n", "t", "a", drawing, ["Mean"], str)
    assert len(drawn) < 2000


def test_a_part_of_the_centres_goes_from_the_first_to_the_last() -> None:
    many = [Mark(n / 10_000, None, None) for n in range(10_000)]
    some = caterpillar.sample(many)
    assert len(some) == caterpillar.OTHERS
    assert (some[0], some[-1]) == (many[0], many[-1])
    assert caterpillar.sample(MARKS) == MARKS


def test_bars_share_their_width_as_the_counts_do_and_leave_out_what_nobody_has() -> None:
    drawing = bars.prepare("b", [[1, 0, 3], [0, 0, 0], [2, 2, 0]])
    assert [level for level, _ in drawing.bars] == [0, 2]
    widths = [float(wide) for wide in re.findall(r'd="M[\d.]+ \d+h([\d.]+)v', drawing.definition)]
    assert widths == [90, 270, 180, 180]
    assert re.findall(r">(\d+%)<", drawing.definition) == ["25%", "75%", "50%", "50%"]
    root = ElementTree.fromstring(_alone(bars.draw("n", "t", "a", drawing, ["<one>", "two", "three"], str)))
    assert [item.text for item in root.iter(f"{SVG}text")] == ["<one>", "three", "4", "4"]


@pytest.mark.parametrize("levels", range(1, 8))
def test_ink_can_be_read_on_every_shade(levels: int) -> None:
    shades = svg.shades(levels)
    assert len(set(shades)) == levels
    for shade in shades:
        assert _contrast(shade, svg.INK) >= 4.5


@pytest.mark.parametrize("color", [svg.INK, svg.SOFT, svg.ACCENT, svg.POOLED, svg.MEAN])
def test_words_in_a_drawing_stand_out_from_paper(color: str) -> None:
    assert _contrast(color, "#ffffff") >= 4.5


def test_an_estimate_in_a_table_stays_within_its_axis() -> None:
    cell = intervals.cell(0.69, (0.46, 1.2), attainable=(-1.5, 0.7), pooled=0.3)
    assert 'class="line" d="M46 10H100"' in cell
    assert 'class="range" d="M-100 10H70"' in cell
    assert 'class="pooled" d="M30 0v20"' in cell
    assert 'd="M20 10L30 4L40 10L30 16z"' in intervals.cell(0.3, (0.2, 0.4), diamond=True)
    assert 'class="line"' not in intervals.cell(0.3, None)


def test_a_map_is_true_in_distance_and_says_how_long_its_bar_is() -> None:
    # Two places on the equator, one degree apart: 111.2 km.
    points = [Point("West", 0.0, 123.0, 4, "above"), Point("East", 0.0, 124.0, 1, "none")]
    root = ElementTree.fromstring(
        _alone(chart_map.draw("m", "t", "a", points, lambda value, axis: f"{value:g} {axis}"))
    )
    first, second = (float(circle.attrib["cx"]) for circle in root.iter(f"{SVG}circle"))
    words = [item.text or "" for item in root.iter(f"{SVG}text")]
    length = float(next(text for text in words if text.endswith(" km")).removesuffix(" km"))
    bar = next(item.attrib["d"] for item in root.iter(f"{SVG}path") if "v4H" in item.attrib["d"])
    start = float(re.findall(r"M([\d.]+) ", bar)[0])
    assert (svg.WIDTH - start) / length == pytest.approx((second - first) / 111.195, rel=0.01)
    assert any(text.endswith("lon") for text in words)


def test_a_single_place_and_very_many_places_are_drawn_too() -> None:
    one = chart_map.draw("m", "t", "a", [Point("<i>", -1.0, 120.0, 0, "unclear")], lambda value, _: str(value))
    assert "<title>&lt;i&gt;</title>" in one
    many = [Point(str(n), n % 7, 100 + n % 40, n, ("above", "unclear")[n % 2]) for n in range(2000)]
    drawn = chart_map.draw("m", "t", "a", many, lambda value, _: str(value))
    assert "<circle" not in drawn
    assert f'<use href="#{chart_map.KEY}"/>' in drawn
    shapes = chart_map.definition(many)
    assert shapes.count("h0") == 2000
    assert len(shapes) < 30_000


def test_a_trend_has_a_gap_where_there_is_no_estimate() -> None:
    moments = [trend.Moment(str(n), tau, tau, tau) for n, tau in enumerate((0.0, 0.5, None, -0.5, -1.0))]
    drawn = trend.draw("n", "t", "a", moments, str)
    line = re.findall(r'd="(M[^"]*L[^"]*)"', drawn)[0]
    assert [command[0] for command in re.findall(r"[ML][\d. ]+", line)] == ["M", "L", "M", "L"]
    heights = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', drawn)]
    assert heights == [108, 58, 158, 208]


def test_names_below_a_trend_do_not_run_into_each_other() -> None:
    moments = [trend.Moment(f"{n} Nov 2026", 0.1, 0.0, 0.2) for n in range(10, 31)]
    drawn = trend.draw("n", "t", "a", moments, str)
    middles = sorted(float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*>\d+ Nov', drawn))
    assert "30 Nov 2026" in drawn
    assert len(middles) > 2
    assert min(after - before for before, after in pairwise(middles)) > 11 * 7
    assert middles[-1] + 11 * 3.5 <= svg.WIDTH


def _alone(drawn: str) -> str:
    return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def _contrast(one: str, other: str) -> float:
    # WCAG 2.2, relative luminance.
    def light(color: str) -> float:
        parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
