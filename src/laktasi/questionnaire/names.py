"""Names of tables and columns, from the form's own names: stable, quotable, and never twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

SYSTEM_COLUMNS = ("_submission_id", "_row", "_parent_row", "_form_version", "_status")

RESERVED_TABLES = ("submissions", "choices", "codebook", "loaded_submissions", "unknown_nodes")
"""Tables of our own in the schemas where the forms' tables stand."""


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
    """Name the form's table (key ``""``) and those of its repeats (key: place below the root).

    A name that is one of our own tables gets an ending as columns do, made of the form id.
    """
    taken = set(RESERVED_TABLES)

    def free(plain: str, place: str) -> str:
        name = next(name for name in _candidates(plain, place) if name.lower() not in taken)
        taken.add(name.lower())
        return name

    base = free(sanitise(form_id), form_id)
    return {"": base} | {place: free(f"{base}__{plain_column(place)}", place) for place in repeats}
