"""What the kinds that look at groups share: how a group is named, and how a rate becomes a measure."""

from __future__ import annotations

from laktasi.quality.kinds.model import DeclaredCheck, Parameter, number, text, whole
from laktasi.quality.scene import Scene
from laktasi.store.intervals import wilson
from laktasi.store.sql import literal

BY = Parameter("by", text, default="all")
AT_LEAST_ROWS = Parameter("at_least_rows", whole(low=1), default=20)
"""A group of fewer records is not compared."""
SHARE_AT_MOST = Parameter("at_most", number(low=0, high=1), required=True)


def group_of(check: DeclaredCheck, scene: Scene, table: str | None = None) -> tuple[str, str]:
    """Give what rows are grouped by, as SQL, and SQL of what a group's name begins with (``'centre:'``)."""
    group, kind = scene.by(check.parameters["by"], table, named=True)
    return group, literal(f"{kind}:")


def one_limit(check: DeclaredCheck) -> None:
    """Refuse a check of a share that has both limits or none: one end of the interval is compared."""
    if (check.parameters["at_most"] is None) == (check.parameters["at_least"] is None):
        raise ValueError("needs either 'at_most' or 'at_least'")


def rate(check: DeclaredCheck, grouped: str, *, side: str = "low") -> str:
    """Make a measure of counts: the end of Wilson's interval that chance alone would hardly reach.

    With ``side`` low it is compared with the most that is allowed, with high with the least.

    Parameters
    ----------
    grouped
        A select of ``_row``, ``k`` and ``n``: of `n` records in the group `k` are counted.
    """
    low = check.parameters["at_least_rows"]
    return f"select _row, case when n >= {low} then {wilson('k', 'n', side)} end as value, n from ({grouped})"


def grouped(
    check: DeclaredCheck, scene: Scene, *, counted: str, among: str, table: str | None = None, joined: str = ""
) -> str:
    """Count records by group.

    Parameters
    ----------
    counted, among
        Conditions on a row: it counts as one of `k`; it counts as one of `n`.
    table
        Whose rows these are; the form's own by default.
    joined
        Further relations, as ``inner join … on …``.
    """
    group, name = group_of(check, scene, table)
    # Not `group by _code`: a question of that name would be taken for it.
    return f"""
        select concat({name}, _code) as _row, k, n
        from (
            select {group} as _code, count(*) filter ({counted}) as k, count(*) as n
            from {scene.rows(table)} {joined}
            where {scene.where(check, table)} and {group} is not null and {among}
            group by all
        )
    """
