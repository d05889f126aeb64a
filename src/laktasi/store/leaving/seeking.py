"""What is hers beside her records: entities, decisions of people about her, files that were refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePosixPath

import duckdb

from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.store.leaving.erasing import drop_refused
from laktasi.store.leaving.subjects import IsHers, hash_of, known_places
from laktasi.store.leaving.tombstones import forgotten_records
from laktasi.store.leaving.turned_away import entity_codes, hashes, is_about, is_of_one
from laktasi.store.shelf import read_kept, refused_place
from laktasi.store.sql import scalar, transaction


def entities_of(con: duckdb.DuckDBPyConnection, names: Collection[str], is_hers: IsHers) -> Iterator[tuple[str, str]]:
    """Give list and id of the entities whose label, or a property that is called as the question, is her study code."""
    found = con.execute(
        "select distinct list_name, entity_id, label, properties from raw.entities order by list_name, entity_id"
    )
    seen: set[tuple[str, str]] = set()
    while batch := found.fetchmany(10_000):
        for list_name, entity_id, label, properties in batch:
            at = (list_name, entity_id)
            if at not in seen and any(map(is_hers, entity_codes(label, properties, names))):
                seen.add(at)
                yield at


def drop_refused_of_forgotten(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> None:
    """Erase refused files of people who are forgotten: a backup that was put back may have had them."""
    known, key = hashes(con, folder)
    if not known:
        return
    names = {path.rpartition("/")[2] for paths in known_places(con).values() for path in paths}
    ids = {name for _, name in forgotten_records(con)}
    found = refused_of(con, folder, names, ids, lambda text: key is not None and hash_of(key, text) in known)
    if found:
        with transaction(con):
            drop_refused(con, scalar(con, "select arg_max(run_id, landed_at) from raw.forgotten"), found)


def media_naming(con: duckdb.DuckDBPyConnection, is_hers: IsHers) -> list[tuple[str, str]]:
    """Give form and file name of lists that forms carry (CSV) in which somebody has the study code in a cell."""
    rows = con.execute(
        """
        select distinct forms.form_id, media.name, media.content
        from raw.form_media as media inner join raw.forms as forms on media.form_sha256 = forms.sha256
        where lower(media.name) like '%.csv'
        """
    ).fetchall()
    return sorted({(form_id, name) for form_id, name, content in rows if any(map(is_hers, _cells(content)))})


def _cells(content: bytes) -> Iterator[str]:
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    with suppress(csv.Error):
        for line in lines:
            yield from line


def decisions_about(con: duckdb.DuckDBPyConnection, records: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[str]:
    """Give the ids of people's decisions about some records, of what withdraws them, and of recodes of theirs alone."""
    pairs = [(form_id, name) for (form_id, _), ids in records.items() for name in ids]
    found = con.execute(
        """
        with hers as (select unnest($forms) as form_id, unnest($ids) as submission_id),
        about as (
            select decision_id from quality.decisions semi join hers using (form_id, submission_id)
            union
            -- A text that she alone has given: it is an answer of hers.
            select decision_id
            from quality.decision_states as states left join hers using (form_id, submission_id)
            where "action" = 'recode' and states.submission_id is not null
            group by decision_id
            having bool_and(hers.form_id is not null)
        )
        from about
        union
        select decision_id from quality.decisions where withdraws in (from about)
        order by all
        """,
        {"forms": [form_id for form_id, _ in pairs], "ids": [name for _, name in pairs]},
    ).fetchall()
    yield from (name for (name,) in found)


def refused_of(
    con: duckdb.DuckDBPyConnection, folder: DataFolder, names: Collection[str], ids: Collection[str], is_hers: IsHers
) -> list[str]:
    """Give the SHA-256 of refused files that name her records or her study code, and of what came in a folder with one.

    An archive that was refused cannot be looked into.
    """
    found: set[str] = set()
    folders: set[tuple[str, str]] = set()
    rows = con.execute(
        "select distinct sha256, name, source from raw.refused where sha256 is not null order by all"
    ).fetchall()
    for sha256, name, source in rows:
        with suppress(OSError, WarehouseError):  # it is not there any more, or cannot be read: nothing of hers is
            if is_about(read_kept(refused_place(folder, sha256), folder.key), ids, names, is_hers):
                found.add(sha256)
                if is_of_one(name):
                    folders.add((source, str(PurePosixPath(name).parent)))
    beside = {sha256 for sha256, name, source in rows if (source, str(PurePosixPath(name).parent)) in folders}
    return sorted(found | beside)
