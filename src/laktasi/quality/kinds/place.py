"""Kinds about places on the map."""

from __future__ import annotations

from collections.abc import Mapping

from laktasi.errors import CheckError
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, csv_file, number, text
from laktasi.quality.scene import Scene
from laktasi.questionnaire.model import ValueType
from laktasi.store.sql import literal

_EARTH = 6_371_008.8  # mean radius in metres (IUGG)


def _nearest(check: DeclaredCheck, scene: Scene) -> str:
    """Hold the recorded position against the positions of all places: the stated one should be the nearest.

    Distances are great circles on a sphere (haversine), good to half a per cent.
    """
    position = scene.question(check.parameters["question"])
    if position.type is not ValueType.GEOPOINT:
        raise CheckError(
            f"checks.yml: {check.parameters['question']!r} is no geopoint",
            next_step="name a geopoint in schemas/checks.yml",
        )
    stated = scene.question(check.parameters["place"], position.table)
    lat, lon = (position.part(ending) for ending in ("__lat", "__lon"))
    places = ", ".join(
        f"({literal(code)}, {at[0]!r}::double, {at[1]!r}::double)" for code, at in _places(check, scene).items()
    )
    metres = (
        f"2 * {_EARTH} * asin(least(1, sqrt(pow(sin(radians(p.lat - x.lat) / 2), 2)"
        " + cos(radians(p.lat)) * cos(radians(x.lat)) * pow(sin(radians(p.lon - x.lon) / 2), 2))))"
    )
    return f"""
        with places as materialized (select * from (values {places}) as listed (code, lat, lon)),
        points as materialized (
            select r._submission_id, r._row, cast({stated.sql} as varchar) as stated, {lat} as lat, {lon} as lon
            from {scene.rows(position.table)}
            where {scene.where(check, position.table)} and {lat} is not null
        )
        select
            x._submission_id,
            x._row,
            min({metres}) filter (p.code = x.stated) <= min({metres}) + {check.parameters["farther_by"]} as is_good
        from points as x cross join places as p
        -- of a place whose position nobody wrote down nothing can be said
        where x.stated in (select code from places)
        group by x._submission_id, x._row
    """


def _places(check: DeclaredCheck, scene: Scene) -> dict[str, tuple[float, float]]:
    """Give latitude and longitude by code, from the CSV file or from the choices of the question."""
    names = [check.parameters[key] for key in ("code", "lat", "lon")]
    if check.parameters["list"] is not None:
        listed = scene.listed(check.parameters["list"], names)
        rows: list[Mapping[str, str]] = [dict(zip(listed.columns, row, strict=True)) for row in listed.rows]
        source = f"schemas/{check.parameters['list']}"
    else:
        rows, source = _choices(check, scene, names), f"the choices of {check.parameters['place']!r}"
    places = {}
    for row in rows:
        if not row.get(names[1]) and not row.get(names[2]):
            continue
        at = _degrees(row.get(names[1]), 90), _degrees(row.get(names[2]), 180)
        if at[0] is None or at[1] is None:
            raise CheckError(
                f"checks.yml: check {check.id!r}: the position of {row[names[0]]!r} in {source} is not in degrees",
                next_step=f"write {names[1]!r} and {names[2]!r} as decimal degrees, such as 0.72 and 124.31",
            )
        places[row[names[0]]] = at[0], at[1]
    if len(places) < 2:
        raise CheckError(
            f"checks.yml: check {check.id!r}: {source} gives the position of fewer than two places",
            why="Then the stated place is always the nearest, and the check would seem to pass.",
            next_step=f"add columns {names[1]!r} and {names[2]!r} with decimal degrees",
        )
    return places


def _choices(check: DeclaredCheck, scene: Scene, names: list[str]) -> list[Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for questionnaire in scene.versions:
        listed = questionnaire.choice_lists.get(questionnaire.find(check.parameters["place"]).list_name or "")
        for choice in listed.choices if listed else ():
            found[choice.value] = {**choice.properties, names[0]: choice.value}
    return list(found.values())


def _degrees(cell: str | None, most: float) -> float | None:
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if abs(value) <= most else None


KINDS = (
    Kind(
        name="nearest",
        level="set",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("place", text, required=True),
            Parameter("list", csv_file),
            Parameter("code", text, default="name"),
            Parameter("lat", text, default="lat"),
            Parameter("lon", text, default="lon"),
            Parameter("farther_by", number(low=0), default=0),
        ),
        names=lambda check: (check.parameters["question"], check.parameters["place"]),
        verdicts=_nearest,
    ),
)
