"""Kinds about the rounds of a study: what must be the same each time a person is seen."""

from __future__ import annotations

from laktasi.errors import CheckError
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, questions_in, text, texts
from laktasi.quality.scene import Scene, questions_by


def _same_as_earlier(check: DeclaredCheck, scene: Scene) -> str:
    """Hold a record against the earlier ones of the same subject.

    It is good if one of those agrees in every question that both answer. So a record of the one mother does not fail
    because a third record carries her code by mistake.
    """
    table = scene.form_table
    asked = scene.questions(check.parameters["questions"])
    if repeated := [item.field.path for item in asked if item.table != table]:
        raise CheckError(
            f"checks.yml: {repeated[0]!r} stands in a repeat, of which nothing says which rows belong together",
            next_step="compare questions outside of repeats",
        )
    subject, _ = scene.by(check.parameters["subject"])
    columns = ", ".join(f"cast({item.sql} as varchar) as v{number}" for number, item in enumerate(asked))
    names = [f"v{number}" for number in range(len(asked))]
    earlier = check.parameters["earlier"]
    is_earlier = "true" if earlier is None else scene.holds(check, earlier)
    before = (
        "a._submission_id <> b._submission_id"
        if earlier is not None
        else "(a.day, a.moment, a._submission_id) < (b.day, b.moment, b._submission_id)"
    )
    agree = " and ".join(f"coalesce(a.{name} = b.{name}, true)" for name in names)
    both = " or ".join(f"(a.{name} is not null and b.{name} is not null)" for name in names)
    return f"""
        with seen as materialized (
            select
                r._submission_id,
                {subject} as subject,
                coalesce(i.day, date '9999-12-31') as day,
                coalesce(i.started_at, i.landed_at) as moment,
                {scene.where(check)} as is_asked,
                {is_earlier} as is_earlier,
                {columns}
            from {scene.rows()}
            where {subject} is not null
        )
        select b._submission_id, '' as _row, bool_or({agree}) as is_good
        from seen as a
        inner join seen as b on a.subject = b.subject and {before}
        where a.is_earlier and b.is_asked and ({both})
        group by b._submission_id
    """


KINDS = (
    Kind(
        name="same_as_earlier",
        level="set",
        parameters=(
            Parameter("questions", texts, required=True),
            Parameter("subject", text, default="subject"),
            Parameter("earlier", text),
        ),
        names=lambda check: (
            *check.parameters["questions"],
            *questions_by(check.parameters["subject"]),
            *questions_in(check.parameters["earlier"] or ""),
        ),
        verdicts=_same_as_earlier,
    ),
)
