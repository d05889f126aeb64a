"""A map of the centres by where their interviews were held: a graticule and a scale bar, no tiles, nothing fetched."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from laktasi.report import svg

KILOMETRES = 111.195
"""In one degree of latitude, on a sphere of the Earth's mean radius."""
EDGE = 50.0
TALLEST = 420.0
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
SINGLE = 400
"""More centres than these are drawn without saying whose each point is; both languages of a page share them."""
KEY = "map-points"

FILLS = {"above": svg.ACCENT, "below": svg.POOLED, "unclear": "#fff", "none": svg.FAINT}
"""By what a centre's interval says of zero. Where it includes zero, the point is hollow."""


@dataclass(frozen=True, slots=True)
class Point:
    """One centre."""

    name: str
    latitude: float
    longitude: float
    n: int
    kind: str
    """A key of `FILLS`."""


def draw(
    name: str,
    title: str,
    about: str,
    points: Sequence[Point],
    degrees: Callable[[float, str], str],
    *,
    note: str = "",
) -> str:
    """Draw the map.

    Parameters
    ----------
    degrees
        Writes a latitude or longitude, which the second argument (``lat``, ``lon``) says.
    """
    plane = _Plane.around(points)
    parts = [f'<rect x="{EDGE:g}" y="0" width="{plane.wide:.1f}" height="{plane.tall:.1f}" fill="#f2f7f7"/>']
    parts += _graticule(plane, degrees)
    parts += _points(plane, points)
    parts += _scale_bar(plane)
    return svg.figure(name, title, about, plane.tall + 36, parts, note)


@dataclass(frozen=True, slots=True)
class _Plane:
    """Degrees to units of the drawing, true in distance at the middle latitude."""

    west: float
    north: float
    east: float
    south: float
    unit: float
    """Units of the drawing for one degree of latitude."""
    squeeze: float
    """Cosine of the middle latitude."""

    @classmethod
    def around(cls, points: Sequence[Point]) -> _Plane:
        latitudes = [point.latitude for point in points]
        longitudes = [point.longitude for point in points]
        middle = (min(latitudes) + max(latitudes)) / 2, (min(longitudes) + max(longitudes)) / 2
        squeeze = max(math.cos(math.radians(middle[0])), 0.05)
        # Room around the outermost points, and at least some two kilometres for a single one.
        tall = max(1.16 * (max(latitudes) - min(latitudes)), 0.02)
        wide = max(1.16 * (max(longitudes) - min(longitudes)), 0.02 / squeeze)
        # Not flatter than one to two, so that there is room for the scale.
        tall = max(tall, 0.5 * wide * squeeze)
        unit = min((svg.WIDTH - EDGE) / (wide * squeeze), TALLEST / tall)
        wide = (svg.WIDTH - EDGE) / (unit * squeeze)
        return cls(
            middle[1] - wide / 2, middle[0] + tall / 2, middle[1] + wide / 2, middle[0] - tall / 2, unit, squeeze
        )

    @property
    def wide(self) -> float:
        return svg.WIDTH - EDGE

    @property
    def tall(self) -> float:
        return (self.north - self.south) * self.unit

    def x(self, longitude: float) -> float:
        return EDGE + (longitude - self.west) * self.squeeze * self.unit

    def y(self, latitude: float) -> float:
        return (self.north - latitude) * self.unit


def _graticule(plane: _Plane, degrees: Callable[[float, str], str]) -> list[str]:
    parts = []
    lines: list[str] = []
    across = plane.east - plane.west
    # At most four lines each way: their names must not run into each other.
    step = next((step for step in STEPS if max(across, plane.north - plane.south) / step <= 4), 45.0)
    for index in range(math.ceil(plane.west / step), math.floor(plane.east / step) + 1):
        x = plane.x(index * step)
        lines.append(f"M{svg.number(x)} 0V{svg.number(plane.tall)}")
        if EDGE + 24 < x < svg.WIDTH - 24:
            parts.append(svg.text(x, plane.tall + 13, degrees(index * step, "lon"), anchor="middle", fill=svg.SOFT))
    for index in range(math.ceil(plane.south / step), math.floor(plane.north / step) + 1):
        y = plane.y(index * step)
        lines.append(f"M{EDGE:g} {svg.number(y)}H{svg.WIDTH}")
        if 8 < y < plane.tall - 4:
            parts.append(svg.text(0, y + 4, degrees(index * step, "lat"), fill=svg.SOFT))
    return [svg.path("".join(lines), svg.FAINT, 0.7), *parts]


def definition(points: Sequence[Point]) -> str:
    """Draw very many points, to be defined once on a page; nothing for those that :func:`draw` draws one by one."""
    if len(points) <= SINGLE:
        return ""
    plane = _Plane.around(points)
    paths = [
        svg.path(
            "".join(
                f"M{svg.number(plane.x(point.longitude))} {svg.number(plane.y(point.latitude))}h0"
                for point in points
                if point.kind == kind
            ),
            svg.SOFT if fill == "#fff" else fill,
            1.2 if kind in ("unclear", "none") else 2.5,
            more=' stroke-linecap="round"',
        )
        for kind, fill in FILLS.items()
    ]
    return f'<g id="{KEY}">{"".join(paths)}</g>'


def _points(plane: _Plane, points: Sequence[Point]) -> list[str]:
    if len(points) > SINGLE:
        return [f'<use href="#{KEY}"/>']
    most = max((point.n for point in points), default=1) or 1
    return [
        f'<circle cx="{svg.number(plane.x(point.longitude))}" cy="{svg.number(plane.y(point.latitude))}"'
        f' r="{svg.number(3.5 + 4.5 * math.sqrt(point.n / most))}" fill="{FILLS[point.kind]}" stroke="{svg.INK}"'
        f' stroke-width="1" fill-opacity=".8"><title>{escape(point.name)}</title></circle>'
        # The large ones below, so that they hide none.
        for point in sorted(points, key=lambda point: (-point.n, point.name))
    ]


def _scale_bar(plane: _Plane) -> list[str]:
    fits = plane.wide / 3 / plane.unit * KILOMETRES
    power = 10.0 ** math.floor(math.log10(fits))
    length = next(step * power for step in (5, 2, 1) if step * power <= fits)
    wide = length / KILOMETRES * plane.unit
    y, left = plane.tall + 26, svg.WIDTH - wide
    bar = svg.path(f"M{svg.number(left)} {y - 4:.1f}v4H{svg.WIDTH}v-4", svg.INK, 1.5)
    return [bar, svg.text(left - 6, y + 1, f"{length:g} km", anchor="end")]
