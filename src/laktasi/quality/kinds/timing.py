"""When and how long people work, by the phone's clock and by Collect's audit log.

Where a clock cannot be right (marts.interviews.is_clock_behind) nothing is compared: the time is not known.
"""

from __future__ import annotations

from laktasi.errors import CheckError
from laktasi.quality.kinds.groups import BY, group_of
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, texts, whole
from laktasi.quality.scene import RIGHT_CLOCK, Scene, questions_by
from laktasi.questionnaire.model import ValueType
from laktasi.store.sql import identifier, literal, values


def _between(value: str, low: float | None, high: float | None) -> str:
    parts = [f"{value} >= {low}"] if low is not None else []
    parts += [f"{value} <= {high}"] if high is not None else []
    return " and ".join(parts)


def _records(check: DeclaredCheck, scene: Scene, good: str, known: str) -> str:
    return (
        f"select r._submission_id, r._row, {good} as is_good from {scene.rows()} where {scene.where(check)} and {known}"
    )


def _duration(check: DeclaredCheck, scene: Scene) -> str:
    """Hold the minutes between start and finish against limits; those of an edited record are not known."""
    good = _between("i.minutes", check.parameters["at_least"], check.parameters["at_most"])
    return _records(check, scene, good, "i.minutes is not null")


def _late(check: DeclaredCheck, scene: Scene) -> str:
    """Hold the hours between finishing on the phone and arriving on Central; a copied phone tells of none."""
    return _records(check, scene, f"i.lag_hours <= {check.parameters['at_most']}", "i.lag_hours is not null")


def _working_hours(check: DeclaredCheck, scene: Scene) -> str:
    """Hold the hour of the start, in the time zone that the phone was in, against the hours of work."""
    local = f"(({_started(check, scene)}))"
    hour = f"(hour{local} + minute{local} / 60.0)"
    good = _between(hour, check.parameters["from"], check.parameters["to"])
    return _records(check, scene, good, f"{RIGHT_CLOCK} and {local} is not null")


def _started(check: DeclaredCheck, scene: Scene) -> str:
    """Give SQL of when the form was opened first, as the phone's own clock showed it."""
    fields = [
        item
        for version in scene.versions
        for item in version.fields
        if item.preload == "start" and item.table == scene.form_table
    ]
    columns = dict.fromkeys(item.column for item in fields)
    types = {scene.question(column).type for column in columns}
    if types != {ValueType.DATETIME}:
        raise CheckError(
            f"checks.yml: check {check.id!r} needs the time of the start, and the form does not keep it",
            next_step="give the form a question of type start, or take the check out of schemas/checks.yml",
        )
    told = [
        f"(r.{identifier(column)} at time zone 'UTC') + to_minutes(r.{identifier(f'{column}__offset')})"
        for column in columns
    ]
    return f"coalesce({', '.join(told)})"


def _answer_seconds(check: DeclaredCheck, scene: Scene) -> str:
    """Hold the seconds that each question was on the screen, all visits together, against the least.

    Questions on one screen (a field list) are logged as their group, so there the time of the screen counts. In a
    repeat each instance counts for itself. A question that was not shown, and a record without a log, is not compared.
    """
    places: set[tuple[str, str]] = set()
    for name in check.parameters["questions"]:
        for version in scene.versions:
            path = version.find(name).path
            parts = path.split("/")
            places |= {("/".join(parts[:end]), "group questions") for end in range(1, len(parts))}
            places.add((path, "question"))
    wanted = values(("place", "event"), sorted(places))
    return f"""
        select submission_id as _submission_id, '' as _row, min(seconds) >= {check.parameters["at_least"]} as is_good
        from (
            select events.submission_id, events.node, sum(events.seconds) as seconds
            from audit_log.events as events
            inner join ({wanted}) as wanted
                on events.event = wanted.event
                and wanted.place
                = regexp_replace(regexp_replace(events.node, '^/[^/]+/', ''), '\\[[0-9]+\\]', '', 'g')
            where events.form_id = {literal(scene.form_id)} and events.seconds is not null
            group by events.submission_id, events.node
        )
        where submission_id in (select r._submission_id from {scene.rows()} where {scene.where(check)})
        group by submission_id
    """


def _day_hours(check: DeclaredCheck, scene: Scene) -> str:
    """Give the hours between the first start and the last finish of a day; when an edited record ended is not known."""
    return _by_day(
        check,
        scene,
        "(epoch(max(greatest(i.started_at, case when i.minutes is not null then i.finished_at end)))"
        " - epoch(min(i.started_at))) / 3600",
        "i.started_at is not null",
    )


def _day_records(check: DeclaredCheck, scene: Scene) -> str:
    """Count the records of each day."""
    return _by_day(check, scene, "count(*)", "true")


def _by_day(check: DeclaredCheck, scene: Scene, value: str, known: str) -> str:
    group, name = group_of(check, scene)
    return f"""
        select concat({name}, _code, ' ', _day) as _row, value::double as value, n
        from (
            select {group} as _code, i.day as _day, {value} as value, count(*) as n
            from {scene.rows()}
            where {scene.where(check)} and {group} is not null and i.day is not null and {RIGHT_CLOCK} and {known}
            group by all
        )
    """


def _some_limit(check: DeclaredCheck) -> None:
    low, high = check.parameters["at_least"], check.parameters["at_most"]
    if low is None and high is None:
        raise ValueError("needs 'at_least', 'at_most' or both")
    if low is not None and high is not None and low > high:
        raise ValueError("has an 'at_least' above its 'at_most'")


def _from_before_to(check: DeclaredCheck) -> None:
    if check.parameters["from"] >= check.parameters["to"]:
        raise ValueError("has a 'from' that is not before its 'to'")


_HOURS = number(low=0)

KINDS = (
    Kind(
        name="duration",
        level="set",
        parameters=(Parameter("at_least", number(low=0)), Parameter("at_most", number(low=0))),
        names=lambda _check: (),
        verdicts=_duration,
        verify=_some_limit,
    ),
    Kind(
        name="late",
        level="set",
        parameters=(Parameter("at_most", _HOURS, required=True),),
        names=lambda _check: (),
        verdicts=_late,
    ),
    Kind(
        name="working_hours",
        level="set",
        parameters=(
            Parameter("from", number(low=0, high=24), required=True),
            Parameter("to", number(low=0, high=24), required=True),
        ),
        names=lambda _check: (),
        verdicts=_working_hours,
        verify=_from_before_to,
    ),
    Kind(
        name="answer_seconds",
        level="set",
        parameters=(
            Parameter("questions", texts, required=True),
            Parameter("at_least", number(low=0), required=True),
        ),
        names=lambda check: check.parameters["questions"],
        verdicts=_answer_seconds,
    ),
    Kind(
        name="day_hours",
        level="group",
        parameters=(BY, Parameter("at_most", number(low=0, high=24), required=True)),
        names=lambda check: questions_by(check.parameters["by"]),
        measure=_day_hours,
        limits=lambda check: (None, check.parameters["at_most"]),
    ),
    Kind(
        name="day_records",
        level="group",
        parameters=(BY, Parameter("at_most", whole(low=1), required=True)),
        names=lambda check: questions_by(check.parameters["by"]),
        measure=_day_records,
        limits=lambda check: (None, check.parameters["at_most"]),
    ),
)
