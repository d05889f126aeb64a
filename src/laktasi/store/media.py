"""Which content stands for each media file of a form, where the project, Central and many phones brought their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import duckdb

PROJECT = "project"
"""Source of the forms that stand in xlsforms/."""

Condition = Callable[[str, bytes], int]
"""``questionnaire.lists.condition``: 0 for a file that came whole, 1 for a torn one, 2 for one that cannot be read."""

UNREADABLE = 2


class FormMedia(NamedTuple):
    """The media of one XForm."""

    contents: dict[str, bytes]
    """File name to the content that stands; a file that nobody brought readable is left out."""
    differing: tuple[str, ...]
    """Names of files of which different contents have come."""


class _Brought(NamedTuple):
    source: str
    content: bytes


def form_media(con: duckdb.DuckDBPyConnection, condition: Condition) -> dict[str, FormMedia]:
    """Choose the media of every XForm that raw keeps, by its SHA-256.

    The project's own content stands, then Central's, of each the last that landed; then the first that landed from a
    phone, for with it the first records were filled. A torn content stands only where there is no whole one from the
    same kind of source, and one that cannot be read nowhere. What another content begins with is torn: a copy that
    broke off.
    """
    brought: dict[str, dict[str, list[_Brought]]] = {}
    for form_sha256, name, source, content in con.execute(
        "select form_sha256, name, source, content from raw.form_media order by landed_at, sha256"
    ).fetchall():
        brought.setdefault(form_sha256, {}).setdefault(name, []).append(_Brought(source, content))
    found = {}
    for form_sha256, files in brought.items():
        standing = {name: _standing(name, contents, condition) for name, contents in files.items()}
        found[form_sha256] = FormMedia(
            {name: content for name, content in standing.items() if content is not None},
            tuple(sorted(name for name, contents in files.items() if len({item.content for item in contents}) > 1)),
        )
    return found


def _standing(name: str, brought: list[_Brought], condition: Condition) -> bytes | None:
    contents = {item.content for item in brought}

    def state(content: bytes) -> int:
        is_beginning = any(other != content and other.startswith(content) for other in contents)
        return max(condition(name, content), int(is_beginning))

    ranked = []
    for position, item in enumerate(brought):
        door = 0 if item.source == PROJECT else 1 if item.source.startswith("central:") else 2
        if (how := state(item.content)) < UNREADABLE:
            ranked.append(((door, how, position if door == 2 else -position), item.content))
    return min(ranked)[1] if ranked else None
