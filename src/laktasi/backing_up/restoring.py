"""Putting a backup back: built beside its place from files that are what their hashes say, compared, and then moved."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.backing_up import files, rotating, shape
from laktasi.backing_up.holding import ask_copy
from laktasi.backing_up.shape import Contents, Listing, Rows
from laktasi.durable import sync_folder
from laktasi.errors import BackupError, WarehouseError
from laktasi.paths import BEFORE_RESTORE, DataFolder, Project
from laktasi.pipeline import Progress, silent
from laktasi.settings import Settings
from laktasi.workplace import alone, opened

if TYPE_CHECKING:
    import duckdb

_SPARE_BYTES = 16 * 2**20
_SETTINGS = f"{shape.PROJECT}/laktasi.toml"


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was put back."""

    listing: Listing
    data: Path
    project: Path
    aside: Path | None
    """Where the data folder is that was there before."""
    put_back: tuple[str, ...]
    """The project's files that were missing, or were to be replaced."""
    kept: tuple[str, ...]
    """The project's files that are others than in the backup, and were left as they are."""
    forgotten: int
    """Versions of submissions of people who have left since, that were not brought back."""
    has_traces: bool
    """Whether files may still hold what is theirs: bytes of erased rows, refused files. The next run sees to these."""
    manifest: Path | None
    """The newest one: what can be verified."""


@dataclass(slots=True)
class _Restoring:
    backup: Path
    listing: Listing
    contents: Contents
    folder: DataFolder
    """The data folder that is to be."""
    project: Project
    progress: Progress
    built: DataFolder = field(init=False)
    """Where it is built, beside its place."""

    def __post_init__(self) -> None:
        self.built = DataFolder(self.folder.being_restored / shape.DATA, key=self.folder.key)


def restore(
    backup: Path,
    settings: Settings,
    *,
    to: Path | None = None,
    is_aside: bool = False,
    replace_project: bool = False,
    progress: Progress = silent,
) -> Restored:
    """Put a backup back into a data folder that is empty or not there, and the project's files where they are missing.

    Parameters
    ----------
    backup
        The backup's folder.
    settings
        Of the project it is put back for; its folder need not exist. Their key is used where the backup is encrypted.
    to
        The data folder; that of the settings (of those in the backup, where the project has none), if None.
    is_aside
        Move a data folder that is there aside, instead of refusing.
    replace_project
        Take the project's files of the backup where others are there.

    Raises
    ------
    BackupError
        It is no backup, a file of it is missing or not what its hash says, the key is missing or another one, the data
        folder is not empty, `laktasi up` is at work in it, or there is no room. Then nothing was put back, and what
        stood there stands there.
    """
    listing = shape.read_listing(backup)
    key = settings.data_folder.key
    with files.told_in_words("the backup cannot be read", settings.project, backup):
        contents = rotating.read_contents(backup, listing, key)
    if missing := sorted(contents.pieces.keys() - listing.files.keys()):
        raise shape.torn(backup, missing[0])
    settings_there = settings.folders.settings_file.exists()
    root = to or (settings.data_folder.root if settings_there else _data_of(backup, contents, settings))
    root = root.resolve()
    folder = DataFolder(root, key=key if listing.is_encrypted else None)
    work = _Restoring(backup, listing, contents, folder, settings.folders, progress)
    with files.told_in_words("the backup cannot be put back", root.parent, backup):
        if left := folder.put_aside:  # by a restore that was killed
            left.rename(root)
            shutil.rmtree(folder.being_restored, ignore_errors=True)
        _check_free(folder, is_aside=is_aside)
        made = [place for place in root.parents if not place.exists()]
        root.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(work.built.root.parent, ignore_errors=True)  # of a restore that was killed
        try:
            _check_room(work)
            _build(work)
            _compare(work)
            forgotten, has_traces = _keep_away(work)
            files.sync_folders(work.built.root)
            aside = _move(work, is_aside=is_aside)
            put_back, kept = _put_project_back(work, is_to_replace=replace_project)
        finally:
            shutil.rmtree(work.built.root.parent, ignore_errors=True)
            with suppress(OSError):  # not empty: all went well
                for place in made:
                    place.rmdir()
    manifests = sorted(path for path in folder.manifests.glob("[0-9]*.json"))
    return Restored(
        listing,
        root,
        settings.project,
        aside,
        put_back,
        kept,
        forgotten,
        has_traces,
        manifests[-1] if manifests else None,
    )


def _data_of(backup: Path, contents: Contents, settings: Settings) -> Path:
    """Give the data folder that the backup's own laktasi.toml names, for a project that has none."""
    import io

    from laktasi.sealing import unseal

    for name, piece in contents.pieces.items():
        if piece.place == _SETTINGS:
            text = (backup / name).read_bytes()
            if piece.is_sealed and settings.data_folder.key is not None:
                text = unseal(text, settings.data_folder.key, shape.purpose_of(_SETTINGS))
            try:
                named = tomllib.load(io.BytesIO(text.removeprefix(b"\xef\xbb\xbf"))).get("data")
            except (tomllib.TOMLDecodeError, UnicodeDecodeError):
                break
            if isinstance(named, str):
                return settings.project / named
    return settings.data_folder.root


def _check_free(folder: DataFolder, *, is_aside: bool) -> None:
    """Refuse a data folder in which `laktasi up` is at work, or that holds something."""
    from laktasi.service.place import Place, is_up

    if is_up(Place(folder)):
        raise BackupError(
            f"laktasi up is at work in {folder.root}",
            why="It would go on in the folder that is moved aside, and what it takes in would be missing here.",
            next_step="end it (Ctrl+C where it was started; laktasi service remove where it starts by itself), then run"
            " the command again",
        )
    if is_aside or not folder.root.exists():
        return
    if not folder.root.is_dir() or any(folder.root.iterdir()):
        raise BackupError(
            f"the data folder {folder.root} is there, and not empty",
            why="What is in it may be newer than the backup. Nothing is written over.",
            next_step="put the backup elsewhere: --to FOLDER; or let what is there be moved aside: --aside",
        )


def _check_room(work: _Restoring) -> None:
    needed = sum(one.bytes for one in work.listing.files.values()) + _SPARE_BYTES
    free = files.free_bytes(work.folder.root.parent)
    if free < needed:
        raise BackupError(
            f"{work.folder.root.parent} has room for {files.in_words(free)}, and {files.in_words(needed)} are needed",
            next_step="free some room there, or name another data folder: --to FOLDER",
        )


def _build(work: _Restoring) -> None:
    """Copy every file beside its place, and see on the way that it is what its hash says."""
    listed, pieces = work.listing.files, work.contents.pieces
    tell = files.telling(work.progress, "reading the backup", sum(listed[name].bytes for name in pieces))
    beside = work.built.root.parent
    for name, piece in pieces.items():
        source, target = work.backup / name, beside / piece.place
        try:
            if piece.is_sealed:
                assert work.folder.key is not None
                content = files.copy_unsealed(source, target, work.folder.key, shape.purpose_of(piece.place), tell)
            else:
                content = files.copy(source, target, tell).sha256
        except FileNotFoundError:
            if source.exists():
                raise
            raise shape.torn(work.backup, name) from None
        except WarehouseError:
            raise shape.torn(work.backup, name) from None
        if content != piece.content:
            raise shape.torn(work.backup, name)
    tell = files.telling(work.progress, "reading back", sum(listed[name].bytes for name in pieces))
    for piece in pieces.values():
        if files.read_back(beside / piece.place, tell).sha256 != piece.content:
            raise BackupError(
                f"{piece.place}, read back from {work.folder.root.parent}, is not what was written",
                why=f"That disk loses what is written to it. {shape.NOTHING_DONE}",
                next_step="put the backup on another disk: --to FOLDER",
            )


def _compare(work: _Restoring) -> None:
    """See that the warehouse opens, and holds the rows that it held when the backup was made."""
    from laktasi.store.row_hashes import hash_rows

    work.progress("comparing the rows", 0, None)
    expected = work.contents.tables

    def rows(con: duckdb.DuckDBPyConnection) -> Mapping[str, Rows]:
        columns = {name: one.columns for name, one in expected.items()}
        return {name: Rows(one.rows, one.columns, one.hash) for name, one in hash_rows(con, columns).items()}

    found = ask_copy(work.built, work.built.warehouse, rows)
    if wrong := sorted(name for name in expected if found.get(name) != expected[name]):
        raise BackupError(
            f"{work.backup.name}: {', '.join(wrong)} in its warehouse are not what they were when the backup was made",
            why=shape.NOTHING_DONE,
            next_step="take another backup: an older one may be whole",
        )


def _keep_away(work: _Restoring) -> tuple[int, bool]:
    """Erase what is of people who left after the backup was made.

    Returns
    -------
    int
        How many versions of submissions that were.
    bool
        Whether something of theirs may be left in files.
    """
    from laktasi.backing_up.forgotten import lacking, read_tombstones

    tombstones = read_tombstones(work.backup.parent)
    if not tombstones:
        return 0, False
    from laktasi.store.leaving.erasing import apply, is_unfinished

    work.progress("erasing what is of people who left", 0, None)
    with opened(work.built) as con:
        forgotten = apply(con, lacking(con, tombstones, work.listing.warehouse))
        return forgotten, is_unfinished(con)


def _move(work: _Restoring, *, is_aside: bool) -> Path | None:
    """Move what was built to its place; give where the folder is that stood there, if one did.

    Killed between the two moves, the next command says where that folder is, see :meth:`DataFolder.check_in_place`.
    """
    root = work.folder.root
    if not is_aside and root.exists():
        root.rmdir()
    aside = _make_way(work.folder) if is_aside else None
    try:
        work.built.root.rename(root)
    except BaseException as error:
        if aside is not None:
            _take_back(aside, root, error)
        raise
    sync_folder(root.parent)
    return aside


def _make_way(folder: DataFolder) -> Path | None:
    """Move a data folder aside in which nobody is at work."""
    if not folder.root.exists():
        return None
    with alone(folder):
        _check_free(folder, is_aside=True)
    aside = folder.root.with_name(f"{folder.root.name}{BEFORE_RESTORE}{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    folder.root.rename(aside)
    return aside


def _take_back(aside: Path, root: Path, error: BaseException) -> None:
    """Let a data folder that was moved aside stand in its place again.

    Raises
    ------
    BackupError
        It cannot be moved either.
    """
    try:
        aside.rename(root)
    except OSError:
        raise BackupError(
            f"the backup could not be moved to {root} ({getattr(error, 'strerror', None) or type(error).__name__}),"
            " and what stood there before could not be moved back",
            why=f"Nothing is lost. What stood there is whole, and is now {aside}",
            next_step=f"rename that folder to {root.name}; check that the disk is well; then run the command again",
        ) from error


def _put_project_back(work: _Restoring, *, is_to_replace: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the project's files where they are missing; give those, and those that stayed though they are others."""
    put_back, kept = [], []
    for piece in work.contents.pieces.values():
        top, _, name = piece.place.partition("/")
        if top != shape.PROJECT:
            continue
        built, target = work.built.root.parent / piece.place, work.project.root / name
        if target.exists():
            if target.is_file() and files.hash_of(target) == piece.content:
                continue
            if not is_to_replace or not target.is_file():
                kept.append(name)
                continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.restoring")
        shutil.copyfile(built, part)
        files.read_back(part)
        part.replace(target)
        put_back.append(name)
    return tuple(sorted(put_back)), tuple(sorted(kept))
