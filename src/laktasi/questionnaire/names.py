"""Names of tables and columns, from the form's own names: stable, quotable, and never twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

SYSTEM_COLUMNS = ("_submission_id", "_row", "_parent_row", "_form_version", "_status")


def sanitise(text: str) -> str:
    """Replace every character that is not a letter, a digit or ``_`` by ``_``."""
    return re.sub(r"\W", "_", text)


def plain_column(inner: str) -> str:
    """Give the column of a place inside its table, where nothing else claims it."""
    return "__".join(sanitise(part) for part in inner.split("/"))


def column_names(items: Iterable[tuple[str, str, tuple[str, ...]]]) -> dict[str, str]:
    """Name the columns of one table.

    Parameters
    ----------
    items
        In the order of the form: place of the field below the root (its identity), place inside its table, and the
        endings of the further columns that typed staging makes of it (``__lat`` …), which must stay free too.

    Returns
    -------
    dict
        Column by place below the root. The first to claim a name keeps it; a later field whose name is the same
        (SQL does not see upper and lower case), or is one of the system's, gets ``_`` and four hex digits of the
        SHA-256 of its place: the same in every run.
    """
    taken = {name.lower() for name in SYSTEM_COLUMNS}
    names: dict[str, str] = {}
    for place, inner, endings in items:
        for name in _candidates(plain_column(inner), place):
            claimed = {name.lower()} | {(name + ending).lower() for ending in endings}
            if not claimed & taken:
                taken |= claimed
                names[place] = name
                break
    return names


def _candidates(plain: str, place: str) -> Iterator[str]:
    yield plain
    digest = hashlib.sha256(place.encode()).hexdigest()
    for length in range(4, len(digest) + 1):
        yield f"{plain}_{digest[:length]}"


def table_names(form_id: str, repeats: Iterable[str]) -> dict[str, str]:
    """Name the form's table (key ``""``) and those of its repeats (key: place below the root)."""
    base = sanitise(form_id)
    names = {"": base}
    taken = {base.lower()}
    for place in repeats:
        plain = f"{base}__{plain_column(place)}"
        names[place] = next(name for name in _candidates(plain, place) if name.lower() not in taken)
        taken.add(names[place].lower())
    return names
