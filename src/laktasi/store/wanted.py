"""What must be read from a Central: rows that are news, and files that must be looked at again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields
from typing import Any

import duckdb

from laktasi.records import ListedRow, ServerRow, Wanted
from laktasi.store.append import registered
from laktasi.store.leaving.turned_away import forgotten_ids
from laktasi.store.states import ARRIVED, HERE, ids_table, listing_table, states

_ROW = tuple(field.name for field in fields(ServerRow))


def wanted(
    con: duckdb.DuckDBPyConnection,
    source: str,
    form_id: str,
    rows: Iterable[ServerRow],
    listing: Collection[ListedRow] = (),
) -> list[Wanted]:
    """Give those rows of the server's table that are news, and what must be read of each before its state may land.

    A row is news where the latest state is another or none, or where it is live and the payload of its current version
    has neither landed from this source nor been refused. Of one that was purged and sent again under its old id (the
    server took it in at another time) nothing is known. Of deleted rows nothing can be read; so once one is restored,
    what changed before it was deleted is read then. One of a person who left the study is not even asked for.

    Parameters
    ----------
    listing
        What the plain listing says of them, where that has been read: it names the current version, which the rows do
        not. One that is not the version known here is read, though the row be the same.

    Returns
    -------
    list of Wanted
        In the order of `rows`.
    """
    return _wanted(con, source, form_id, list(rows), listing, look_again=False)


def files_of(con: duckdb.DuckDBPyConnection, source: str, form_id: str, ids: Iterable[str]) -> list[Wanted]:
    """Give live submissions of the form whose files must be looked at, by id of the submission or of any version of it.

    Ids of other forms are passed over: the server's log is one for all.
    """
    with registered(con, "listed", ids_table(ids)):
        return _look_again(
            con,
            source,
            form_id,
            """
            submission_id in (select submission_id from listed)
            or submission_id in (
                select submission_id from raw.submission_versions
                where source = $source and form_id = $form_id and instance_id in (select submission_id from listed)
            )
            """,
        )


def sweep(con: duckdb.DuckDBPyConnection, source: str, form_id: str, after: str | None, count: int) -> list[Wanted]:
    """Give the next live submissions that have files or should, in the order of their ids.

    Parameters
    ----------
    after
        The last id of the sweep so far; None begins one.
    count
        How many, at most. Fewer than that means that the sweep ends with them.
    """
    return _look_again(
        con,
        source,
        form_id,
        "attachments_expected + attachments_present > 0 and ($after is null or submission_id > $after)",
        limit=count,
        after=after,
    )


def incomplete(con: duckdb.DuckDBPyConnection, source: str, form_id: str) -> list[str]:
    """Give the ids of live submissions whose files have not all arrived on the server, the newest state first."""
    found = con.execute(
        f"""
        with {HERE}
        select submission_id from here
        where is_live and attachments_present < attachments_expected
        order by landed_at desc
        """,
        {"source": source, "form_id": form_id},
    ).fetchall()
    return [submission_id for (submission_id,) in found]


def _look_again(
    con: duckdb.DuckDBPyConnection, source: str, form_id: str, condition: str, *, limit: int | None = None, **given: Any
) -> list[Wanted]:
    found = states(con, source, form_id, f"is_live and ({condition})", limit=limit, **given)
    rows = [ServerRow(*(getattr(state, name) for name in _ROW)) for state in found]
    return _wanted(con, source, form_id, rows, (), look_again=True)


def _wanted(
    con: duckdb.DuckDBPyConnection,
    source: str,
    form_id: str,
    rows: list[ServerRow],
    listing: Collection[ListedRow],
    *,
    look_again: bool,
) -> list[Wanted]:
    """Give what must be read; with `look_again` of every row, its files included."""
    gone = forgotten_ids(con, "submission", form_id)
    rows = [row for row in rows if row.submission_id not in gone]
    if not rows:
        return []
    same = " and ".join(f"listed.{name} is not distinct from known.{name}" for name in _ROW)
    with registered(con, "listed", _rows_table(rows)), registered(con, "named_ones", listing_table(listing)):
        found = con.execute(
            f"""
            with {ARRIVED},
            known as (
                select *, deleted_at is null and not is_purged as is_live
                from raw.submission_states
                where source = $source and form_id = $form_id
                    and submission_id in (select submission_id from listed)
                qualify row_number() over (partition by submission_id order by landed_at desc) = 1
            ),
            -- An edit that landed before a run was killed: its state is not known, but all its versions are.
            edited as (
                select
                    versions.submission_id,
                    count(distinct versions.instance_id) - 1 as edits,
                    arg_max(versions.instance_id, (versions.created_at, versions.landed_at)) as last_id
                from raw.submission_versions as versions
                inner join listed
                    on versions.submission_id = listed.submission_id and versions.created_at >= listed.submitted_at
                where versions.source = $source and versions.form_id = $form_id
                group by versions.submission_id
            ),
            placed as (
                select
                    listed.ordinal,
                    listed.submission_id,
                    listed.attachments_present,
                    listed.deleted_at is null as is_live,
                    coalesce({same} and not known.is_purged, false) as is_same,
                    -- As many edits need not be the same ones: one may be lost with a server that was restored from a
                    -- backup, and another made. The time tells, though a review has one too. Unedited it is the first.
                    coalesce(
                        listed.edits = known.edits
                        and listed.submitted_at = known.submitted_at
                        and (listed.edits = 0 or listed.updated_at is not distinct from known.updated_at)
                        and coalesce(named_ones.instance_id, known.instance_id) = known.instance_id,
                        false
                    ) as is_same_version,
                    coalesce(known.is_live, false) as was_live,
                    known.attachments_present as attachments_known,
                    coalesce(
                        case when is_same_version then known.instance_id end,
                        case when listed.edits = 0 then listed.submission_id end,
                        -- A guess, since the server is asked for that of a live one; a deleted one's would stand.
                        case when listed.deleted_at is null and listed.edits = edited.edits then edited.last_id end
                    ) as current_id
                from listed
                left join known on listed.submission_id = known.submission_id
                left join edited on listed.submission_id = edited.submission_id
                left join named_ones on listed.submission_id = named_ones.submission_id
            ),
            versions as (
                select listed.submission_id, list(distinct arrived.instance_id) as known_ids
                from listed
                inner join arrived
                    on listed.submission_id = arrived.submission_id and listed.submitted_at <= arrived.created_at
                group by listed.submission_id
            ),
            judged as (
                select
                    placed.*,
                    coalesce(versions.known_ids, []) as known_ids,
                    coalesce(is_same_version and list_contains(versions.known_ids, current_id), false) as has_current
                from placed
                left join versions using (submission_id)
            ),
            news as (
                select * from judged where $look_again or not is_same or (is_live and not has_current)
            ),
            named as (
                select submission_id, instance_id
                from raw.submission_versions
                where source = $source and form_id = $form_id
                    and submission_id in (select submission_id from listed)
            ),
            files as (
                select instance_id, name, arg_max({{sha256: sha256, etag: etag}}, landed_at) as content
                from raw.attachments
                where source = $source and form_id = $form_id
                    and instance_id in (select instance_id from named)
                group by instance_id, name
            ),
            etags as (
                select instance_id, map_from_entries(list((name, content.etag))) as etags
                from files
                where content.sha256 is not null
                group by instance_id
            ),
            with_files as (
                select distinct named.submission_id
                from named
                inner join etags on named.instance_id = etags.instance_id
            )
            select
                news.ordinal,
                news.known_ids,
                news.current_id,
                news.is_live and not news.has_current as read_versions,
                news.is_live and case
                    when $look_again then true
                    -- What is known of the files is known of this version, and from while it could be read.
                    when news.has_current and news.was_live then news.attachments_present <> news.attachments_known
                    else news.attachments_present > 0 or with_files.submission_id is not null
                end as read_attachments,
                coalesce(etags.etags, map {{}})
            from news
            left join etags on news.current_id = etags.instance_id and list_contains(news.known_ids, news.current_id)
            left join with_files on news.submission_id = with_files.submission_id
            order by news.ordinal
            """,
            {"source": source, "form_id": form_id, "look_again": look_again},
        ).fetchall()
    return [
        Wanted(rows[ordinal], frozenset(known_ids), current_id, read_versions, read_attachments, etags)
        for ordinal, known_ids, current_id, read_versions, read_attachments, etags in found
    ]


def _rows_table(rows: list[ServerRow]) -> Any:
    import pyarrow as pa

    types = {"edits": pa.int64(), "attachments_present": pa.int64(), "attachments_expected": pa.int64()}
    types |= dict.fromkeys(("submitted_at", "updated_at", "deleted_at"), pa.timestamp("us", tz="UTC"))
    columns = {name: pa.array([getattr(row, name) for row in rows], types.get(name, pa.string())) for name in _ROW}
    return pa.table({"ordinal": pa.array(range(len(rows)), pa.int64()), **columns})
