"""Kinds about days and clocks that need more than the record itself: when it came here, what others used by then."""

from __future__ import annotations

from laktasi.errors import CheckError
from laktasi.quality.asked import day_of
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, text, whole
from laktasi.quality.scene import PAST_DAY, Scene
from laktasi.store.forms import version_key
from laktasi.store.sql import literal


def _not_future(check: DeclaredCheck, scene: Scene) -> str:
    """Hold a date against the day on which the record, as it stands, reached us: no phone sets that clock."""
    asked = scene.question(check.parameters["question"])
    return f"""
        with arrived as materialized (
            select s.submission_id, min(w.landed_at) as landed_at
            from staging.submissions as s
            inner join raw.submissions as w
                on s.form_id = w.form_id and s.instance_id = w.instance_id and s.payload_sha256 = w.payload_sha256
            where s.form_id = {literal(scene.form_id)}
            group by s.submission_id
        )
        select
            r._submission_id,
            r._row,
            -- the two clocks may stand on either side of the date line
            {day_of(asked)} <= cast(a.landed_at at time zone 'UTC' as date) + {check.parameters["days"]} as is_good
        from {scene.rows(asked.table)}
        inner join arrived as a on r._submission_id = a.submission_id
        where {scene.where(check, asked.table)} and {asked.sql} is not null
    """


def _clock(check: DeclaredCheck, scene: Scene) -> str:
    preloads = {item.preload for questionnaire in scene.versions for item in questionnaire.fields}
    if not preloads & {"start", "end"}:
        raise CheckError(
            f"checks.yml: check {check.id!r}: the form {scene.form_id!r} keeps neither start nor end",
            why="Nothing is known of its phones' clocks.",
            next_step="add start and end to the form, or take the check out",
        )
    return f"""
        select r._submission_id, r._row, not coalesce(i.is_clock_ahead or i.is_clock_behind, false) as is_good
        from {scene.rows()}
        where {scene.where(check)} and (i.is_clock_ahead is not null or i.is_clock_behind is not null)
    """


def _outdated(check: DeclaredCheck, scene: Scene) -> str:
    """Find records made in an old version when newer ones had long been in use.

    A newer version counts as in use from the day of its `at_least`-th record, so that one phone whose clock is slow
    does not make all others late; records whose clock cannot be right say nothing.
    """
    ranks = ", ".join(
        f"({literal(item.version)}, {rank})"
        for rank, item in enumerate(sorted(scene.versions, key=lambda item: version_key(item.version)))
    )
    return f"""
        with ranks as (select * from (values {ranks}) as listed (version, rank)),
        used as materialized (
            select r._submission_id, r._row, ranks.rank, i.day, {scene.where(check)} as is_asked,
                not ({PAST_DAY}) as is_wrong
            from {scene.rows()}
            inner join ranks on i.form_version = ranks.version
            where i.day is not null
        ),
        newer as materialized (
            select ranks.rank, list_sort(list(used.day))[{check.parameters["at_least"]}] as since
            from ranks inner join used on ranks.rank < used.rank and not used.is_wrong
            group by ranks.rank
        )
        select
            used._submission_id,
            used._row,
            coalesce(used.day <= newer.since + {check.parameters["grace_days"]}, true) as is_good
        from used left join newer on used.rank = newer.rank
        where used.is_asked
    """


KINDS = (
    Kind(
        name="not_future",
        level="set",
        parameters=(Parameter("question", text, required=True), Parameter("days", whole(low=0), default=1)),
        names=lambda check: (check.parameters["question"],),
        verdicts=_not_future,
    ),
    Kind(name="clock", level="set", parameters=(), names=lambda _check: (), verdicts=_clock),
    Kind(
        name="outdated_version",
        level="set",
        parameters=(
            Parameter("grace_days", whole(low=0), default=7),
            Parameter("at_least", whole(low=1), default=3),
        ),
        names=lambda _check: (),
        verdicts=_outdated,
    ),
)
