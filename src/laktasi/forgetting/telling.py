"""What is told of an erasure: the record for the ethics file, made of the tombstones whenever it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi import __version__
from laktasi.forgetting.finishing import records_folder
from laktasi.secret import KEYED, known_key
from laktasi.settings import Settings
from laktasi.study import read_study

if TYPE_CHECKING:
    import duckdb

    from laktasi.report.erasure import Erasure, Remains

Tombstone = Mapping[str, Any]


def write_record(con: duckdb.DuckDBPyConnection, settings: Settings, subject_hash: str) -> tuple[Erasure, Path]:
    """Write the record of a person's erasure, with all that has been turned away since; give it and its place."""
    from laktasi.report.erasure import write
    from laktasi.store.leaving.tombstones import tombstones

    hers = [one for one in tombstones(con) if one["subject_hash"] == subject_hash]
    erasure = _erasure(con, settings, hers)
    name = f"{erasure.erased_at:%Y%m%dT%H%M%SZ}-{subject_hash.removeprefix(KEYED)[:8]}"
    return erasure, write(records_folder(settings.data_folder), name, erasure)


def _erasure(con: duckdb.DuckDBPyConnection, settings: Settings, hers: Sequence[Tombstone]) -> Erasure:
    from laktasi.report.erasure import Erasure

    first = hers[0]
    study = read_study(settings.folders.study)
    return Erasure(
        project=settings.project.name,
        title=study.title if study else {},
        mark=first["subject_hash"],
        erased_at=datetime.fromisoformat(first["landed_at"]).astimezone(UTC),
        erased_by=first["erased_by"] or "",
        why=first["why"],
        run_id=first["run_id"],
        counts=list(_counts(hers)),
        remains=list(_remains(con, settings, hers)),
        version=__version__,
    )


def _counts(hers: Sequence[Tombstone]) -> Iterator[tuple[str, str, int]]:
    rows: Counter[str] = Counter()
    things: Counter[tuple[str, str]] = Counter()
    turned_away = 0
    for one in hers:
        erased = {part["place"]: 0 for part in one["erased"]}
        for part in one["erased"]:
            erased[part["place"]] += part["n"]
        rows.update(erased)
        things[one["kind"], one["form_id"] or ""] += any(erased.values())
        turned_away += bool(erased) and not any(erased.values())
    for kind in ("submission", "entity"):
        yield from ((kind, of, n) for (its_kind, of), n in sorted(things.items()) if its_kind == kind and n)
    for kind, place in (
        ("version", "raw.submissions"),
        ("attachment", "raw.attachments"),
        ("refused", "raw.refused"),
    ):
        if rows[place]:
            yield kind, "", rows[place]
    if decisions := sum(one["kind"] == "decision" for one in hers):
        yield "decision", "", decisions
    if turned_away:
        yield "turned_away", "", turned_away


def _remains(con: duckdb.DuckDBPyConnection, settings: Settings, hers: Sequence[Tombstone]) -> Iterator[Remains]:
    from laktasi.report.erasure import Remains

    yield Remains("tombstone")
    if lists := tuple(_lists(con, settings, hers[0]["subject_hash"])):
        yield Remains("lists", lists)
    if here := sorted(set(_on_centrals(hers))):
        yield Remains("central", tuple(here))
    yield Remains("phones")
    if settings.phones:
        yield Remains("phones_folders", tuple(map(str, settings.phones)))
    if settings.backup.folder is not None:
        yield Remains("backups", (str(settings.backup.folder),), {"keep": settings.backup.keep})
    yield Remains("backups_elsewhere")
    yield Remains("results")
    if (release := settings.data_folder.release).is_dir():
        yield Remains("release", (str(release),))
    for what in ("copies", "history", "disk"):
        yield Remains(what)


def _lists(con: duckdb.DuckDBPyConnection, settings: Settings, subject_hash: str) -> Iterator[str]:
    from laktasi.store.leaving.seeking import media_naming
    from laktasi.store.leaving.subjects import hash_of

    key = known_key(settings.data_folder)
    found = media_naming(con, lambda text: key is not None and hash_of(key, text) == subject_hash)
    return (f"{form_id}: {name}" for form_id, name in found)


def _on_centrals(hers: Sequence[Tombstone]) -> Iterator[str]:
    for one in hers:
        for source in {part["source"] for part in one["erased"] if part["source"].startswith("central:")}:
            yield f"{source.removeprefix('central:')}: {one['form_id']}: {one['ids'][0]}"
