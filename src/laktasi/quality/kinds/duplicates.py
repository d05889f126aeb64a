"""Interviews that are too much alike to be two."""

from __future__ import annotations

import math

from laktasi.errors import CheckError
from laktasi.quality.asked import Asked
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, text, texts, whole
from laktasi.quality.scene import Scene, questions_by
from laktasi.questionnaire.model import Questionnaire, ValueType

MOST_PAIRS = 5_000_000
"""A group with more candidates is not compared: where so many agree in a whole hand, chance alone does it."""


def _near_duplicate(check: DeclaredCheck, scene: Scene) -> str:
    """Find pairs of records of one group, some days apart at most, that give the same answers nearly everywhere.

    Records of one day with all answers the same are one to compare. Not every pair of the others is compared. Of q
    questions a pair may differ in d at most, so if the questions are dealt into d + 1 hands, two such records agree in
    all of at least one hand; only pairs that do are looked at, and none is missed. They pass by one after the other
    and are kept nowhere. In a group with more than `MOST_PAIRS` of them only what is all the same is found; its other
    records do not take part.
    """
    asked = _compared(check, scene)
    group, _ = scene.by(check.parameters["by"])
    differ = math.floor((1 - check.parameters["share"]) * len(asked) + 1e-9)
    values = [f"v{number}" for number in range(len(asked))]
    columns = ", ".join(f"cast({item.sql} as varchar) as {name}" for item, name in zip(asked, values, strict=True))
    hands = ", ".join(
        f"hash({number}, {', '.join(values[number :: differ + 1])})" for number in range(min(differ + 1, len(asked)))
    )
    given = " + ".join(f"({name} is not null)::int" for name in values)
    answered = " + ".join(f"(x.{name} is not null or y.{name} is not null)::int" for name in values)
    equal = " + ".join(f"coalesce(x.{name} = y.{name}, false)::int" for name in values)
    days = check.parameters["days"]
    return f"""
        with kept as (
            select
                r._submission_id, {group} as code, coalesce(i.day, cast(i.landed_at as date)) as day, {columns}
            from {scene.rows()}
            where {scene.where(check)} and {group} is not null
        ),
        sheets as materialized (
            select
                row_number() over () as sheet, code, day, list(_submission_id) as ids, {", ".join(values)},
                count(*) > 1 and {given} >= {check.parameters["at_least"]} as is_twice
            from kept
            group by code, day, {", ".join(values)}
        ),
        -- days near enough lie in the same or in neighbouring spans: most pairs need not even be met
        dealt as materialized (
            select sheet, code, day, (day - date '1970-01-01') // {days + 1} as span, unnest([{hands}]) as hand
            from sheets
        ),
        buckets as materialized (
            select code, hand, span, count(*) as n from dealt group by code, hand, span
        ),
        too_many as materialized (
            select b.code
            from buckets as b
            left join buckets as later on b.code = later.code and b.hand = later.hand and b.span + 1 = later.span
            group by b.code
            having sum(b.n * (b.n - 1) / 2 + b.n * coalesce(later.n, 0)) > {MOST_PAIRS}
        ),
        alike as materialized (
            select distinct unnest([x.sheet, y.sheet]) as sheet
            from (select *, unnest([span - 1, span, span + 1]) as near from dealt anti join too_many using (code)) as a
            inner join dealt as b
                on a.code = b.code
                and a.near = b.span
                and a.hand = b.hand
                and a.sheet < b.sheet
                and abs(a.day - b.day) <= {days}
            inner join sheets as x on a.sheet = x.sheet
            inner join sheets as y on b.sheet = y.sheet
            where {equal} >= {check.parameters["at_least"]}
                and {equal} >= {check.parameters["share"]} * ({answered}) - 1e-9
        )
        select
            unnest(ids) as _submission_id,
            '' as _row,
            not is_twice and sheet not in (select sheet from alike) as is_good
        from sheets
        where is_twice or code not in (select code from too_many)
    """


def _compared(check: DeclaredCheck, scene: Scene) -> list[Asked]:
    """Give the questions that are compared: those named, or all that people answer by hand, outside of repeats."""
    named = check.parameters["questions"]
    asked = scene.questions(named) if named else _asked_by_hand(scene)
    if wrong := [item.field.path for item in asked if item.table != scene.form_table]:
        raise CheckError(
            f"checks.yml: {wrong[0]!r} stands in a repeat, and whole interviews are compared",
            next_step="compare questions outside of repeats",
        )
    if len(asked) < check.parameters["at_least"]:
        raise CheckError(
            f"checks.yml: {len(asked)} questions are compared, and 'at_least' asks for {check.parameters['at_least']}"
            " equal answers",
            why="No two records could ever be that much alike, so the check would seem to pass.",
            next_step="name more questions, or lower 'at_least', in schemas/checks.yml",
        )
    return asked


def _asked_by_hand(scene: Scene) -> list[Asked]:
    newest: Questionnaire = scene.versions[-1]
    return scene.where_they_stayed(
        item.path
        for item in newest.fields_of(scene.form_table)
        if item.is_question
        and not item.readonly
        and item.type not in (ValueType.MEDIA, ValueType.GEOPOINT)
        and item.calculate is None
    )


KINDS = (
    Kind(
        name="near_duplicate",
        level="set",
        parameters=(
            Parameter("questions", texts),
            Parameter("by", text, default="enumerator"),
            Parameter("share", number(low=0.7, high=1), default=0.9),
            Parameter("at_least", whole(low=2), default=10),
            Parameter("days", whole(low=0, high=366), default=14),
        ),
        names=lambda check: (*(check.parameters["questions"] or ()), *questions_by(check.parameters["by"])),
        verdicts=_near_duplicate,
    ),
)
