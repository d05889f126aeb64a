"""The store's half of the mirror of a Central: how far it was read, what must still be read, and what differs.

All sets are compared by the database: the lists that came from the server are registered as Arrow tables, and nothing
walks over what has landed. This module is the one door of that half: whoever drives the mirror finds here what it needs
of the store, whichever module says it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

import duckdb

from laktasi.records import Entity, ListedRow, SubmissionState
from laktasi.store.append import registered
from laktasi.store.leaving.turned_away import forgotten_ids
from laktasi.store.lines import Line, entity_line, gone_line, line, write_lines
from laktasi.store.sql import transaction
from laktasi.store.states import (
    HERE,
    KNOWN,
    LISTED_ENTITIES,
    entities_table,
    has_states,
    ids_table,
    listing_table,
    mirrored_forms,
    mirrored_lists,
    moments,
    states,
)
from laktasi.store.wanted import files_of, incomplete, sweep, wanted

__all__ = [
    "EntityGap",
    "Gap",
    "Line",
    "Position",
    "compare",
    "compare_entities",
    "entity_line",
    "files_of",
    "forgotten_ids",
    "gone_line",
    "has_states",
    "incomplete",
    "known_forms",
    "line",
    "mirrored_forms",
    "mirrored_lists",
    "no_longer_deleted",
    "position",
    "purged_entities",
    "purged_states",
    "save_position",
    "sweep",
    "wanted",
    "write_lines",
]

_ENTITY = tuple(field.name for field in fields(Entity))


@dataclass(frozen=True, slots=True)
class Position:
    """How far something on a Central has been read: a row of ``meta.positions``, whose columns say what each means."""

    source: str
    kind: str
    """``submissions``, ``entities``, or ``attachment events``."""
    name: str
    """The form, or the entity list; empty for the log."""
    seen_until: datetime | None = None
    etag: str | None = None
    swept_until: str | None = None
    sweep_began_at: datetime | None = None
    swept_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Ids of rows that are not here as they are on the server, each in one of the lists, in order."""

    unknown: list[str]
    """Live on the server; here not known, or not live."""
    changed: list[str]
    """Known, but not as the server says, or without the payload of the current version."""
    gone: list[str]
    """Live here, or without a state, not on the server: deleted, or purged since."""
    purged: list[str]
    """Deleted here; not even among the server's deleted ones any more."""


@dataclass(frozen=True, slots=True)
class EntityGap:
    """Ids of entities that are not here as they are on the server, in order."""

    changed: list[str]
    """Live on the server; here not known, not live, or at another version."""
    gone: list[str]
    """Live here, not on the server: deleted, or purged since."""


def position(con: duckdb.DuckDBPyConnection, source: str, kind: str, name: str) -> Position:
    """Give how far something has been read; a position without any time where nothing has."""
    columns = [field.name for field in fields(Position)]
    row = con.execute(
        f"select {', '.join(columns)} from meta.positions where source = ? and kind = ? and name = ?",
        [source, kind, name],
    ).fetchone()
    return Position(*row) if row else Position(source, kind, name)


def save_position(con: duckdb.DuckDBPyConnection, position: Position, run_id: str) -> None:
    """Write down how far something has been read, in place of what was written before. Commits by itself.

    Only after everything up to there has landed.
    """
    row = {field.name: getattr(position, field.name) for field in fields(Position)} | {"run_id": run_id}
    with transaction(con):
        con.execute(
            "delete from meta.positions where source = $source and kind = $kind and name = $name",
            {name: row[name] for name in ("source", "kind", "name")},
        )
        con.execute(
            f"insert into meta.positions ({', '.join(row)}) values ({', '.join(f'${name}' for name in row)})", row
        )


def known_forms(con: duckdb.DuckDBPyConnection, source: str) -> tuple[set[str], dict[tuple[str, str], str]]:
    """Give what is known of a source's forms, so that only what is new is read.

    Returns
    -------
    set of str
        SHA-256 of every XForm that landed from it.
    dict
        XForm's SHA-256 and name of a media file to the MD5 (which is what Central tells) of the content landed last.
    """
    forms = con.execute("select distinct sha256 from raw.forms where source = ?", [source]).fetchall()
    media = con.execute(
        """
        select form_sha256, name, md5(arg_max(content, landed_at))
        from raw.form_media
        where source = ?
        group by form_sha256, name
        """,
        [source],
    ).fetchall()
    return {sha256 for (sha256,) in forms}, {(form_sha256, name): md5 for form_sha256, name, md5 in media}


def compare(
    con: duckdb.DuckDBPyConnection,
    source: str,
    form_id: str,
    listing: Collection[ListedRow],
    deleted: Mapping[str, datetime],
) -> Gap:
    """Compare the server's listing with the latest states.

    Parameters
    ----------
    listing
        All live submissions of the form; those of people who left the study are passed over.
    deleted
        Ids of its deleted ones, and when they were deleted. One that is not known here is passed over: there is nothing
        left to read of it.
    """
    import pyarrow as pa

    away = pa.table({"submission_id": pa.array(deleted, pa.string()), "deleted_at": moments(deleted.values())})
    gone = forgotten_ids(con, "submission", form_id)
    listing = [row for row in listing if row.submission_id not in gone]
    with registered(con, "listed", listing_table(listing)), registered(con, "away", away):
        found = con.execute(
            f"""
            with recursive {KNOWN}
            select
                submission_id,
                case
                    when listed.instance_id is not null then case
                        when not coalesce(known.is_live, false) then 'unknown'
                        when not (known.has_landed or known.is_refused)
                            or known.instance_id is distinct from listed.instance_id
                            or known.submitted_at is distinct from listed.submitted_at
                            or known.updated_at is distinct from listed.updated_at
                            or known.review_state is distinct from listed.review_state
                            then 'changed'
                    end
                    when known.is_live then 'gone'
                    when away.deleted_at is null then case when not known.is_purged then 'purged' end
                    when known.is_purged or known.deleted_at is distinct from away.deleted_at then 'changed'
                end as difference
            from known
            full join listed using (submission_id)
            left join away using (submission_id)
            where difference is not null
            order by submission_id
            """,
            {"source": source, "form_id": form_id},
        ).fetchall()
    ids: dict[str, list[str]] = {field.name: [] for field in fields(Gap)}
    for submission_id, difference in found:
        ids[difference].append(submission_id)
    return Gap(**ids)


def no_longer_deleted(con: duckdb.DuckDBPyConnection, source: str, form_id: str, deleted: Iterable[str]) -> list[str]:
    """Give the ids of submissions that are deleted here, and are not even among the server's deleted ones any more."""
    with registered(con, "away", ids_table(deleted)):
        found = con.execute(
            f"""
            with {HERE}
            select submission_id from here anti join away using (submission_id)
            where not is_live and not is_purged
            order by submission_id
            """,
            {"source": source, "form_id": form_id},
        ).fetchall()
    return [submission_id for (submission_id,) in found]


def purged_states(
    con: duckdb.DuckDBPyConnection, source: str, form_id: str, ids: Iterable[str]
) -> list[SubmissionState]:
    """Give, to be landed, the latest states of submissions that the server no longer has, each now purged.

    Of one that landed and never had a state, one is made of what is known of it.
    """
    with registered(con, "listed", ids_table(ids)):
        gone = "submission_id in (select submission_id from listed) and not is_purged"
        found = states(con, source, form_id, gone, stateless=True)
    return [replace(state, is_purged=True) for state in found]


def compare_entities(con: duckdb.DuckDBPyConnection, source: str, list_name: str, live: Mapping[str, int]) -> EntityGap:
    """Compare a list's live entities on the server, and the version of each, with what is here.

    Those of people who left the study are passed over.
    """
    gone = forgotten_ids(con, "entity", list_name)
    live = {entity_id: version for entity_id, version in live.items() if entity_id not in gone}
    with registered(con, "listed", entities_table(live)):
        found = con.execute(
            f"with {LISTED_ENTITIES} select entity_id, is_listed from entities where not is_same order by entity_id",
            {"source": source, "list_name": list_name},
        ).fetchall()
    return EntityGap(
        [entity_id for entity_id, is_listed in found if is_listed],
        [entity_id for entity_id, is_listed in found if not is_listed],
    )


def purged_entities(con: duckdb.DuckDBPyConnection, source: str, list_name: str, ids: Iterable[str]) -> list[Entity]:
    """Give, to be landed, the latest of entities that the server no longer has, each now purged."""
    with registered(con, "listed", ids_table(ids)):
        found = con.execute(
            f"""
            select {", ".join(_ENTITY)}
            from raw.entities
            where source = $source and list_name = $list_name and entity_id in (select submission_id from listed)
            qualify row_number() over (partition by entity_id order by landed_at desc) = 1 and not is_purged
            order by entity_id
            """,
            {"source": source, "list_name": list_name},
        ).fetchall()
    return [replace(Entity(*row), is_purged=True) for row in found]
