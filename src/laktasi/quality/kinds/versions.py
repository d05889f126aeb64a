"""Which form versions are in use, by date."""

from __future__ import annotations

from laktasi.quality.kinds.groups import AT_LEAST_ROWS, BY, SHARE_AT_MOST, grouped, rate
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, whole
from laktasi.quality.scene import PAST_DAY, Scene, questions_by
from laktasi.store.sql import values


def _version_share(check: DeclaredCheck, scene: Scene) -> str:
    """Count the records of each group that were filled with an older version while a newer one was in use.

    A newer version is in use from the day of its `at_least`-th record, so that an early trial of it makes nobody old;
    `days` more are given to get it. With `last_days` only the days before the newest interview count, so that the
    finding closes once all have updated. Only records of `where` say any of that, and only those whose day can be true.
    """
    ages = values(("form_version", "age"), [(item.version, age) for age, item in enumerate(scene.versions)])
    used = f"select i.form_version, i.day from {scene.rows()} where {scene.where(check)} and {PAST_DAY}"
    joined = f"""
        inner join (
            select ages.form_version, list_sort(list(newer.day))[{check.parameters["at_least"]}] as newer_since
            from ({ages}) as ages
            left join (
                select listed.age, used.day from ({used}) as used
                inner join ({ages}) as listed on used.form_version = listed.form_version
            ) as newer on ages.age < newer.age
            group by ages.form_version
        ) as v on i.form_version = v.form_version
        cross join (select max(day) as newest_day from ({used}) as used) as newest
    """
    among = PAST_DAY
    if check.parameters["last_days"] is not None:
        among += f" and i.day > newest.newest_day - {check.parameters['last_days']}"
    counted = f"i.day > v.newer_since + {check.parameters['days']}"
    return rate(check, grouped(check, scene, counted=counted, among=among, joined=joined))


KINDS = (
    Kind(
        name="version_share",
        level="group",
        parameters=(
            BY,
            Parameter("days", whole(low=0), default=0),
            Parameter("last_days", whole(low=1)),
            Parameter("at_least", whole(low=1), default=3),
            SHARE_AT_MOST,
            AT_LEAST_ROWS,
        ),
        names=lambda check: questions_by(check.parameters["by"]),
        measure=_version_share,
        limits=lambda check: (None, check.parameters["at_most"]),
    ),
)
