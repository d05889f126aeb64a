"""Making a backup: built under a temporary name, read back and held against the source, and only then called one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi import __version__
from laktasi.backing_up import describing, files, rotating, shape
from laktasi.backing_up.forgotten import Tombstone, last_of, tombstones_of, write_tombstones
from laktasi.backing_up.holding import ask_copy, held_between_steps, is_read_only, log_of, rows_of, undisturbed
from laktasi.backing_up.last import remember
from laktasi.backing_up.shape import Contents, Listing, Piece, Rows, Written
from laktasi.backing_up.sources import Source, sources
from laktasi.backing_up.target import can_link, place_of
from laktasi.durable import sync_folder
from laktasi.errors import BackupError, WarehouseError
from laktasi.paths import DataFolder
from laktasi.pipeline import Progress, silent
from laktasi.settings import Settings
from laktasi.workplace import check_begun, code_version, in_our_words

if TYPE_CHECKING:
    import duckdb

PATIENCE_SECONDS = 60 * 60
"""How long a backup waits for the step that is at work; one that reads from a Central over a slow line takes long."""

_TRIES = 3
_SPARE_BYTES = 16 * 2**20
"""Room for what the file system itself needs."""
_BY_HASH = (f"{shape.DATA}/attachments/", f"{shape.DATA}/refused/")
"""Places whose names say nothing, so that they stand by them in an encrypted backup, too."""


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was made, read back, and found to be what it should be."""

    path: Path
    listing: Listing
    linked: int
    """Files that are the same as in the backup before, and take no room of their own."""
    removed: tuple[str, ...]
    """Names of older backups that made room."""
    kept: int
    """Backups of this warehouse that are there now, this one among them."""
    is_on_same_disk: bool
    """What takes the data folder away may take the backup with it."""
    notes: tuple[str, ...]
    """What a person should know."""


@dataclass(slots=True)
class _Making:
    """One backup while it is being made."""

    settings: Settings
    target: Path
    progress: Progress
    notes: list[str] = field(default_factory=list)
    written: dict[str, Written] = field(default_factory=dict)
    pieces: dict[str, Piece] = field(default_factory=dict)
    taken: set[str] = field(default_factory=lambda: {name.casefold() for name in (shape.LISTING, shape.README)})
    sealed: int = 0
    linked: dict[str, Source] = field(default_factory=dict)
    """Files of the backup that are the same as in the one before, and what they are of."""

    @property
    def folder(self) -> DataFolder:
        return self.settings.data_folder


@dataclass(frozen=True, slots=True)
class _Held:
    """What the warehouse said of itself while it was held."""

    first_run: str | None
    latest_run: str | None
    migration: str | None
    tables: Mapping[str, Rows]
    tombstones: tuple[Tombstone, ...]
    """Of people who left the study."""
    others: tuple[Source, ...]
    """The other files, as they were then."""
    part: Path
    """The folder in which the backup is built, the warehouse in it already."""
    earlier: rotating.Earlier | None


def back_up(
    settings: Settings,
    *,
    to: Path | None = None,
    progress: Progress = silent,
    patience_seconds: float = PATIENCE_SECONDS,
) -> BackedUp:
    """Make a backup, while runs go on: the warehouse is copied between two of their steps.

    Parameters
    ----------
    to
        Folder in which the backup gets a folder of its own; ``backup.folder`` of the settings, if None.
    patience_seconds
        How long to wait for the step that is at work.

    Raises
    ------
    SettingsError
        No folder is named.
    BackupError
        The folder cannot be used, has no room, or what was written is not what was read. Then nothing is left of it.
    WarehouseError
        There is no warehouse, it cannot be read, another backup is being made, or something that takes no turns writes
        to the warehouse each time it is copied.
    """
    folder = settings.data_folder
    folder.check_own()
    target = place_of(settings, to)
    check_begun(folder)
    making = _Making(settings, target, progress)
    with undisturbed(folder), _words(making):
        made_at = datetime.now(UTC).replace(microsecond=0)
        while (target / shape.name_of(settings.project.name, made_at)).exists():
            made_at += timedelta(seconds=1)
        held = _take_warehouse(making, made_at, patience_seconds)
        try:
            _copy_others(making, held)
            _describe(making, held, made_at)
            is_well = _verify(making, held)
            listing = _list(making, held, made_at)
            path = target / shape.name_of(settings.project.name, made_at)
            write_tombstones(target, held.tombstones)
            files.sync_folders(held.part)
            held.part.rename(path)
            sync_folder(target)
        finally:
            shutil.rmtree(held.part, ignore_errors=True)
        remember(folder, path, listing.made_at)
        left = last_of(held.tombstones)
        keep = settings.backup.keep if is_well else None
        removed, kept = rotating.rotate(target, listing, keep, making.notes, forgotten_at=left)
    is_on_same_disk = path.stat().st_dev == folder.root.stat().st_dev
    return BackedUp(path, listing, len(making.linked), removed, kept, is_on_same_disk, tuple(making.notes))


def _words(making: _Making) -> AbstractContextManager[None]:
    return files.told_in_words("the backup cannot be written", making.target, making.folder.root)


# The warehouse, between two steps


def _take_warehouse(making: _Making, made_at: datetime, patience_seconds: float) -> _Held:
    """Copy the warehouse while nobody writes to it, and hear what else there is at that moment."""
    for _ in range(_TRIES):
        if held := _try_warehouse(making, made_at, patience_seconds):
            return held
    raise WarehouseError(
        f"{making.folder.warehouse.name} was changed by another program each time it was copied",
        why="A backup of it would be of no moment that ever was. Nothing is left of it.",
        next_step="close the program that has the file open, then run the command again",
    )


def _try_warehouse(making: _Making, made_at: datetime, patience_seconds: float) -> _Held | None:
    """Do it once; None where somebody wrote to the file while it was copied."""
    folder, target = making.folder, making.target
    with in_our_words(folder), held_between_steps(folder, patience_seconds, making.progress) as source:
        con = source.con
        first, latest, migration = _which(con)
        making.progress("hashing its rows", 0, None)
        tables = rows_of(con)
        tombstones = tombstones_of(con) if tables.get("raw.forgotten") else ()
        left_out: list[str] = []
        others = sources(folder, making.settings.folders, left_out)
        rotating.sweep(target, making.settings.project.name, first)
        earlier = rotating.earlier(target, making.settings.project.name, first, folder.key, making.notes)
        part = target / rotating.part_name(shape.name_of(making.settings.project.name, made_at), first)
        files.folder_of(part / "x")
        try:
            if earlier and not can_link(part):
                earlier = None
            _check_room(making, source.path, others, earlier)
            source.let_go()
            before = source.as_it_is()
            _copy_warehouse(making, source.path, part)
            if source.as_it_is() != before:
                shutil.rmtree(part, ignore_errors=True)
                return None
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        making.notes += [f"not kept: {place}" for place in left_out]
        return _Held(first, latest, migration, tables, tombstones, tuple(others), part, earlier)


def _which(con: duckdb.DuckDBPyConnection) -> tuple[str | None, str | None, str | None]:
    """Give the first and the latest run of a warehouse and its last migration; of none yet where it was just made."""
    from laktasi.store.sql import scalar

    if scalar(con, "select count(*) from duckdb_tables() where schema_name = 'meta' and table_name = 'runs'") == 0:
        return None, None, None
    runs = con.execute("select min(run_id), max(run_id) from meta.runs").fetchone()
    assert runs is not None
    return (*runs, scalar(con, "select max_by(name, number) from meta.migrations"))


def _copy_warehouse(making: _Making, file: Path, part: Path) -> None:
    tell = files.telling(making.progress, "copying the warehouse", file.stat().st_size)
    for path in (file, log_of(file)):
        if path == file or (is_read_only(making.folder) and path.exists()):
            place = f"{shape.DATA}/{path.name}"
            making.taken.add(place.casefold())
            with _words(making):
                written = files.copy(path, part / place, tell)
            making.written[place] = written
            making.pieces[place] = Piece(place, written.sha256, is_sealed=False)


def _check_room(making: _Making, file: Path, others: list[Source], earlier: rotating.Earlier | None) -> None:
    """Ask for the room before anything is written."""
    known = earlier.files if earlier else {}
    needed = file.stat().st_size + sum(one.size for one in others if one.place not in known) + _SPARE_BYTES
    free = files.free_bytes(making.target)
    if free < needed:
        raise BackupError(
            f"{making.target} has room for {files.in_words(free)}, and the backup needs {files.in_words(needed)}",
            next_step="free some room there, name another folder (--to FOLDER), or keep fewer backups (backup.keep)",
        )


# Everything else


def _copy_others(making: _Making, held: _Held) -> None:
    """Copy, seal or link what is not the warehouse."""
    tell = files.telling(making.progress, "copying", sum(one.size for one in held.others))
    for source in held.others:
        try:
            _copy(making, held, source, tell)
        except FileNotFoundError:
            if source.path.exists() or source.place.startswith(_BY_HASH):
                raise
            making.notes.append(f"not kept: {source.place} (it went away meanwhile)")


def _copy(making: _Making, held: _Held, source: Source, tell: files.Tell) -> None:
    from laktasi.sealing import HEADER_BYTES, is_sealed_by

    key, part, place = making.folder.key, held.part, source.place
    is_to_seal = False
    if key is not None:
        with source.path.open("rb") as file:
            is_to_seal = not is_sealed_by(file.read(HEADER_BYTES), key)
    if key is not None and (is_to_seal or not place.startswith(_BY_HASH)):
        making.sealed += 1
        file_name = f"sealed/{making.sealed:06d}"
    else:
        file_name = files.plainly(place, making.taken)
    if known := _same_as_before(held.earlier, source, part / file_name):
        making.linked[file_name] = source
        making.written[file_name], making.pieces[file_name] = known.written, known.piece
        tell(source.size)
        return
    _write(making, source, part, file_name, tell, is_to_seal=is_to_seal)


def _write(
    making: _Making, source: Source, part: Path, file_name: str, tell: files.Tell = files.silent, *, is_to_seal: bool
) -> None:
    if is_to_seal:
        key = making.folder.key
        assert key is not None
        purpose = shape.purpose_of(source.place)
        written, content = files.copy_sealed(source.path, part / file_name, key, purpose, tell)
    else:
        written = files.copy(source.path, part / file_name, tell)
        content = written.sha256
    making.written[file_name] = written
    making.pieces[file_name] = Piece(source.place, content, is_to_seal)


def _same_as_before(earlier: rotating.Earlier | None, source: Source, new: Path) -> rotating.Known | None:
    """Let a new name stand for the file of the backup before, where it was made of the same content."""
    known = earlier.files.get(source.place) if earlier else None
    if earlier is None or known is None or known.piece.content != files.hash_of(source.path):
        return None
    return known if files.link(earlier.path / known.name, new) else None


# What it says of itself


def _describe(making: _Making, held: _Held, made_at: datetime) -> None:
    """Write what it is for a person, and where each file belongs."""
    key, part = making.folder.key, held.part
    text = describing.readme(shape.plain_name(making.settings.project.name), made_at, is_encrypted=key is not None)
    making.written[shape.README] = files.write(part / shape.README, text.encode())
    contents = shape.contents_text(Contents(making.pieces, held.tables)).encode()
    if key is not None:
        from laktasi.sealing import seal

        contents = seal(contents, key, shape.purpose_of(shape.CONTENTS))
    making.written[shape.CONTENTS] = files.write(part / shape.CONTENTS, contents)


def _list(making: _Making, held: _Held, made_at: datetime) -> Listing:
    """Write backup.json last: a folder without it is no backup."""
    import duckdb

    listing = Listing(
        project=shape.plain_name(making.settings.project.name),
        warehouse=held.first_run,
        made_at=made_at.isoformat(),
        versions={
            "laktasi": __version__,
            "code": code_version(),
            "duckdb": duckdb.__version__,
            "migration": held.migration,
        },
        is_encrypted=making.folder.key is not None,
        tables={name: one.rows for name, one in held.tables.items()},
        latest_run=held.latest_run,
        files=dict(making.written),
    )
    written = files.write(held.part / shape.LISTING, shape.listing_text(listing).encode())
    if files.read_back(held.part / shape.LISTING) != written or shape.read_listing(held.part) != listing:
        raise _not_as_written(making, shape.LISTING)
    return listing


# Read back


def _verify(making: _Making, held: _Held) -> bool:
    """Read all of it back; say whether the warehouse itself holds what had landed.

    Raises
    ------
    BackupError
        Something is not as it was written.
    """
    tell = files.telling(making.progress, "reading back", sum(one.bytes for one in making.written.values()))
    for name, written in list(making.written.items()):
        if files.read_back(held.part / name, tell) != written:
            _mend(making, held.part, name)
    making.progress("comparing the rows", 0, None)
    tables, altered = ask_copy(making.folder, held.part / shape.WAREHOUSE, _what_it_holds)
    if tables != held.tables:
        raise _not_as_written(making, shape.WAREHOUSE)
    for place, count in altered.items():
        making.notes.append(
            f"{count} rows of {place} no longer hold what landed: the warehouse itself is damaged, and was copied as it"
            " is. No older backup was removed; restore one of them to have these rows"
        )
    return not altered


def _mend(making: _Making, part: Path, name: str) -> None:
    """Copy a file anew that is damaged in the backup before, and so in this one, which shares it.

    Raises
    ------
    BackupError
        It is not shared, so what was just written is wrong; or it is wrong again.
    """
    source = making.linked.pop(name, None)
    if source is None:
        raise _not_as_written(making, name)
    (part / name).unlink()
    _write(making, source, part, name, is_to_seal=making.pieces[name].is_sealed)
    if files.read_back(part / name) != making.written[name]:
        raise _not_as_written(making, name)
    making.notes.append(f"{source.place} was damaged in the backups before, and was copied anew: that disk is failing")


def _what_it_holds(con: duckdb.DuckDBPyConnection) -> tuple[dict[str, Rows], Mapping[str, int]]:
    from laktasi.store.as_of import HASHED, altered

    tables = rows_of(con)
    return tables, altered(con) if tables.keys() >= {f"raw.{name}" for name in HASHED} else {}


def _not_as_written(making: _Making, name: str) -> BackupError:
    return BackupError(
        f"{name}, read back from {making.target}, is not what was written",
        why="The disk or stick loses what is written to it. The backups that were there before are as they were.",
        next_step="use another disk or stick",
    )
