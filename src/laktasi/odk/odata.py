"""Central's OData tables: times as they are written in a filter, and whole tables that are known to be whole."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from laktasi.errors import SourceError

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection

TRIES = 3
EVERYTHING = "__system/deletedAt eq null or __system/deletedAt ne null"
"""A filter that all rows pass. Without a word on deletedAt, Central leaves the deleted ones out."""


def changed_since(moment: datetime | None, created: str) -> str:
    """Write the filter for rows that were made, changed or deleted after a moment; all rows where it is None.

    Parameters
    ----------
    moment
        Aware.
    created
        What the table calls the time at which a row was made.
    """
    if moment is None:
        return EVERYTHING
    text = time_text(moment)
    return " or ".join(f"__system/{name} gt {text}" for name in (created, "updatedAt", "deletedAt"))


def time_text(moment: datetime) -> str:
    """Write a time as Central does: UTC, with milliseconds, never rounded up."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def read_time(text: str) -> datetime:
    """Read a time that Central wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def read_time_or_none(text: str | None) -> datetime | None:
    """Read a time that Central wrote, where there is one."""
    return None if text is None else read_time(text)


def read_table(connection: Connection, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
    """Read all rows of a table that pass the filter in `params`, each ``__id`` once, as the server orders them.

    No page size is asked for: Central then gives everything in one answer, and pages by ``$skip`` lose rows when others
    are deleted. If the answer has a next page all the same, it is followed at the address that we know: the link names
    the server as the server knows itself. A ``$skiptoken`` of a row that was purged in the meantime answers with no
    rows and no further link, which looks like the end; so the rows are counted, and read anew where they are too few.

    Raises
    ------
    SourceError
        The server says again and again that there are more rows than it gives.
    """
    for _ in range(TRIES):
        rows, count = _read_once(connection, path, params)
        # More are no fault: they came between the count and the rows.
        if len(rows) >= count:
            return list(rows.values())
    raise SourceError(
        f"{connection.host} gives fewer rows than it says there are",
        why="Rows may be deleted for good on it right now, or something on the way cuts its answers.",
        next_step="run again later: laktasi run",
    )


def _read_once(connection: Connection, path: str, params: dict[str, str]) -> tuple[dict[str, dict[str, Any]], int]:
    rows: dict[str, dict[str, Any]] = {}
    count = None
    token: dict[str, str] = {}
    while True:
        answer = connection.json(path, {**params, **token, "$count": "true"})
        with connection.expecting():
            page = {str(row["__id"]): row for row in answer["value"]}
            count = int(answer["@odata.count"]) if count is None else count
            link = answer.get("@odata.nextLink")
            is_new = not page.keys() <= rows.keys()
            rows |= page
            if link is None or not is_new:
                return rows, count
            token = {"$skiptoken": parse_qs(urlsplit(link).query)["$skiptoken"][0]}


def any_of(ids: Iterable[str]) -> str:
    """Write the filter for the rows with these ids, the deleted ones too. The ids are plain."""
    named = " or ".join(f"__id eq '{name}'" for name in ids)
    return f"({named}) and ({EVERYTHING})"
