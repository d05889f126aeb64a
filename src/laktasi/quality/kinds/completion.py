"""What has not come: records to a target, listed IDs, news from a centre or a phone."""

from __future__ import annotations

from laktasi.errors import CheckError
from laktasi.quality.asked import NUMBERS
from laktasi.quality.kinds.groups import BY, group_of
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, csv_file, number, one_of, text, whole
from laktasi.quality.scene import PAST_DAY, RIGHT_CLOCK, Scene, questions_by
from laktasi.store.sql import identifier, literal


def _target(check: DeclaredCheck, scene: Scene) -> str:
    """Give the share of its target that each centre has, once its day has come by the data's own calendar.

    The calendar is that of the newest interview, not today's date: the same data give the same findings. A target
    without a day, or whose day has not come, is not compared.
    """
    if scene.study is None or scene.study.form_id != scene.form_id:
        raise CheckError(
            f"checks.yml: check {check.id!r} is about targets, which are those of the form in study.yml",
            next_step="name that form in the check's 'form', in schemas/checks.yml",
        )
    return f"""
        with counted as (
            select i.centre_code, count(*) as n
            from {scene.rows()}
            where {scene.where(check)} and i.is_included
            group by i.centre_code
        ),

        newest as (
            select max(i.day) as newest_day from {scene.rows()} where {PAST_DAY}
        )

        select
            concat('centre:', targets.centre_code) as _row,
            case when targets.until <= newest.newest_day
                then coalesce(counted.n, 0) / targets.target::double
            end as value,
            coalesce(counted.n, 0) as n
        from marts.targets as targets
        cross join newest
        left join counted on targets.centre_code = counted.centre_code
    """


def _roster(check: DeclaredCheck, scene: Scene) -> str:
    """Count the IDs of a list that no record has, by group of the list. Which ones they are, no finding says."""
    by, column = check.parameters["by"], check.parameters["column"]
    asked = scene.question(check.parameters["question"])
    listed = scene.listed(check.parameters["list"], [column] if by == "all" else [column, by])
    there = f"select {asked.sql} as _id from {scene.rows(asked.table)} where {scene.where(check, asked.table)}"
    wanted = identifier(column)
    if asked.type in NUMBERS:
        wanted = f"try_cast({wanted} as double)"
    code = "''" if by == "all" else identifier(by)
    return f"""
        select
            concat({literal(f"{by}:")}, _code) as _row,
            count(*) filter (there._id is null)::double as value,
            count(*) as n
        from (
            select distinct {code} as _code, {identifier(column)} as _told, {wanted} as _wanted
            from ({listed.sql(list(dict.fromkeys([column] if by == "all" else [column, by])))})
            where {identifier(column)} is not null and {code} is not null
        ) as listed
        left join (select distinct _id from ({there}) where _id is not null) as there on listed._wanted = there._id
        group by all
    """


def _silent(check: DeclaredCheck, scene: Scene) -> str:
    """Give the days between the newest record of each group and the newest of all; NULL where no time is known.

    Held against the data's own calendar, not today's date: the same data give the same findings. A record of a clock
    that cannot be right says nothing of when anybody was seen.
    """
    group, name = group_of(check, scene)
    # The day stands in where a form keeps no times.
    seen = "coalesce(i.finished_at, i.started_at, i.day::timestamp at time zone 'UTC')"
    return f"""
        with seen as (
            select
                {group} as _code,
                case when {RIGHT_CLOCK} and (i.day is null or {PAST_DAY}) then {seen} end as seen_at
            from {scene.rows()}
            where {scene.where(check)}
        ),

        newest as (
            select max(seen_at) as newest_at from seen
        )

        select
            concat({name}, seen._code) as _row,
            -- not greatest(0, …) alone, which passes over what is not known: no time at all is no pass
            case
                when max(seen.seen_at) is not null
                    then greatest(0, epoch(any_value(newest.newest_at)) - epoch(max(seen.seen_at))) / 86400
            end as value,
            count(*) as n
        from seen
        cross join newest
        where seen._code is not null
        group by seen._code
    """


KINDS = (
    Kind(
        name="target",
        level="group",
        parameters=(Parameter("at_least", number(low=0), default=1),),
        names=lambda _check: (),
        measure=_target,
        limits=lambda check: (check.parameters["at_least"], None),
    ),
    Kind(
        name="roster",
        level="group",
        parameters=(
            Parameter("question", text, required=True),
            Parameter("list", csv_file, required=True),
            Parameter("column", text, required=True),
            Parameter("by", one_of("all", "centre", "enumerator"), default="all"),
            Parameter("at_most", whole(low=0), default=0),
        ),
        names=lambda check: (check.parameters["question"],),
        measure=_roster,
        limits=lambda check: (None, check.parameters["at_most"]),
    ),
    Kind(
        name="silent",
        level="group",
        parameters=(BY, Parameter("at_most", number(low=0), required=True)),
        names=lambda check: questions_by(check.parameters["by"]),
        measure=_silent,
        limits=lambda check: (None, check.parameters["at_most"]),
    ),
)
