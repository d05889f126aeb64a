"""Another key for a data folder: from plain to encrypted, from key to key, and back to plain.

Everything is first written anew beside what is there, under names of its own, and read back. Then the new warehouse
takes the old one's place in one move: from then on the new key holds, and what the old one opens is removed. Whatever
interrupts it, before that move the old key opens all, and after it the new one; a mark in the folder refuses other work
until the same command, run again, has ended.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import duckdb

from laktasi.durable import sync, sync_folder
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.sealing import HEADER_BYTES, Sealer, is_sealed, is_sealed_by, seal, unseal
from laktasi.secret import PURPOSE as SECRET_PURPOSE
from laktasi.store.copied import SHAPE, contents
from laktasi.store.room import ask_for_room
from laktasi.store.sealing import is_encrypted
from laktasi.store.shelf import ATTACHMENT_DIGITS, PART, PURPOSE, copy_kept, place_of
from laktasi.store.warehouse import WAREHOUSE, WrongKeyError, attach_file, session, spill_of

if TYPE_CHECKING:
    from pydantic import SecretStr

Progress = Callable[[str, int, int | None], None]
"""What is being done, how much of it is done, and of how much."""

COPY = "rekeyed"
"""Name under which the new warehouse is attached while it is filled."""
SUFFIX = ".rekeyed.new"
"""Of what is written beside the warehouse and the secret."""

_MARK = (
    "laktasi key change was begun in this data folder, and has not ended.\n"
    "Run it again as it was typed; until then nothing else works here. Nothing is lost.\n"
)


@dataclass(frozen=True, slots=True)
class Changed:
    """What :func:`change_key` did."""

    tables: int
    rows: int
    """Of the warehouse: compared with those before, by a hash over each table; 0 where the key was the new one."""
    files: int
    """Attachments and refused files written anew, and read back."""
    left: tuple[str, ...]
    """Names of files beside the warehouse that are none of ours, such as copies that somebody made: they stay."""


def change_key(folder: DataFolder, keys: Sequence[SecretStr], new: SecretStr | None, progress: Progress) -> Changed:
    """Encrypt a data folder with another key, or with none.

    The folder is held, and nobody has its warehouse open.

    Parameters
    ----------
    folder
        With any key: which one opens it is found out.
    keys
        Those that may open what is there, beside none.
    new
        The one to come; None: all is to be plain.

    Raises
    ------
    WarehouseError
        No key opens it, the disk has no room for both at once, or what was written is not what was there. Then nothing
        has changed.
    """
    keys = [*keys, *([new] if new is not None else [])]
    old = _key_of_warehouse(folder.warehouse, keys)
    mark = folder.key_change
    ask_for_room(
        folder.root,
        folder.warehouse.stat().st_size + sum(path.stat().st_size for *_, path in _foreign(folder, new)),
        "the key cannot be changed",
        why="All is written anew before anything old is removed.",
        then="run the command again",
    )
    made: list[Path] = []
    has_moved = _same(old, new)
    files = tables = rows = 0
    try:
        mark.write_text(_MARK, encoding="utf-8")
        sync(mark)
        sync_folder(mark.parent)
        files = _reseal_all(folder, keys, new, made, progress)
        _write_secret(folder, keys, new)
        if not has_moved:
            tables, rows = _copy_warehouse(folder, old, new, progress)
            _beside(folder.warehouse).replace(folder.warehouse)
            has_moved = True
            sync_folder(folder.root)
        _remove_old(folder, new)
        mark.unlink()
        sync_folder(folder.root)
    except (OSError, duckdb.Error, WarehouseError) as error:
        if not has_moved:
            _undo(folder, made)
        if isinstance(error, WarehouseError | duckdb.ProgrammingError):
            raise  # the latter is a fault of ours in a statement; it speaks of names, not of values
        # `from None`: DuckDB's words can quote answers.
        raise WarehouseError(
            f"the data folder cannot be written ({getattr(error, 'strerror', None) or type(error).__name__})",
            why="Nothing is lost: what was there stays until what is new has been read back.",
            next_step="see that the disk has room and the folder is yours, then run the same command again",
        ) from None
    left = tuple(sorted(path.name for path in folder.root.glob(f"{folder.warehouse.name}?*")))
    return Changed(tables, rows, files, left)


def _undo(folder: DataFolder, made: Sequence[Path]) -> None:
    """Remove what was written beside what is there, and holds still; what cannot be removed waits for the next time."""
    for path in (*made, _beside(folder.secret), _beside(folder.warehouse), _log_of(_beside(folder.warehouse))):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.key_change.unlink(missing_ok=True)


def _same(one: SecretStr | None, other: SecretStr | None) -> bool:
    return _word(one) == _word(other)


def _word(key: SecretStr | None) -> str | None:
    return None if key is None else key.get_secret_value().strip()


def _key_of_warehouse(path: Path, keys: Sequence[SecretStr]) -> SecretStr | None:
    """Give the key that opens the warehouse; None where it is plain."""
    if not is_encrypted(path):
        return None
    for key in keys:
        try:
            with session(DataFolder(path.parent, key=key)) as con:
                attach_file(con, path, key, WAREHOUSE)
                return key
        except WrongKeyError:
            continue
    raise WarehouseError(
        f"{path.name} is encrypted with another key than those that are given",
        next_step="name the file with the key it is encrypted with: --from FILE",
    )


# Attachments and refused files.


def _shelves(folder: DataFolder) -> Iterator[tuple[Path, int]]:
    yield folder.attachments, ATTACHMENT_DIGITS
    yield folder.refused, 0


def _foreign(folder: DataFolder, new: SecretStr | None) -> Iterator[tuple[Path, int, Path]]:
    """Give root, digits and place of every kept file that is not as the new key says."""
    for root, digits in _shelves(folder):
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if path.is_file() and not path.name.startswith(PART) and not _is_of(path, new):
                yield root, digits, path


def _is_of(path: Path, key: SecretStr | None) -> bool:
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    return not is_sealed(head) if key is None else is_sealed_by(head, key)


def _reseal_all(
    folder: DataFolder, keys: Sequence[SecretStr], new: SecretStr | None, made: list[Path], progress: Progress
) -> int:
    """Write every kept file anew beside what is there, on disk when this returns; `made` grows by their places."""
    for root, _ in _shelves(folder):
        for left in root.glob(f"{PART}*"):  # of a run that was killed
            left.unlink()
    foreign = list(_foreign(folder, new))
    written = set()
    for done, (root, digits, path) in enumerate(foreign):
        progress("sealing files", done, len(foreign))
        old = _key_of_file(path, keys)
        sha256 = _hash_of(path, old)
        place = place_of(root, sha256, digits, new)
        made.append(place)  # also what an earlier attempt wrote: where this one fails, none of it stays
        if place.exists() and _holds(place, new, sha256):
            continue
        place.parent.mkdir(mode=0o700, exist_ok=True)
        _write_kept(path, old, root, place, new)
        if not _holds(place, new, sha256):
            raise WarehouseError(
                f"a file in {root.name} was not written as it was read",
                why="What was there is there still.",
                next_step="check the disk, then run the command again",
            )
        written |= {place.parent, root}
    for place in written:
        sync_folder(place)
    return len(foreign)


def _key_of_file(path: Path, keys: Sequence[SecretStr]) -> SecretStr | None:
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    return _key_for(head, keys, f"a file in {path.parent.name}")


def _key_for(head: bytes, keys: Sequence[SecretStr], name: str) -> SecretStr | None:
    if not is_sealed(head):
        return None
    for key in keys:
        if is_sealed_by(head, key):
            return key
    raise WarehouseError(
        f"{name} is sealed with another key than those that are given",
        next_step="name the file with the key it was sealed with: --from FILE",
    )


class _Hashing:
    """A file that only says what was written to it."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return len(data)


def _hash_of(path: Path, key: SecretStr | None) -> str:
    hashing = _Hashing()
    with path.open("rb") as file:
        copy_kept(file, cast(BinaryIO, hashing), key)
    return hashing.sha256.hexdigest()


def _holds(path: Path, key: SecretStr | None, sha256: str) -> bool:
    try:
        return _hash_of(path, key) == sha256
    except WarehouseError:
        return False


def _write_kept(path: Path, old: SecretStr | None, root: Path, place: Path, new: SecretStr | None) -> None:
    descriptor, name = tempfile.mkstemp(prefix=PART, dir=root)  # mode 0600
    with path.open("rb") as file, os.fdopen(descriptor, "wb") as copy:
        if new is None:
            copy_kept(file, copy, old)
        else:
            with Sealer(copy, new, PURPOSE) as sealer:
                copy_kept(file, cast(BinaryIO, sealer), old)
        copy.flush()
        os.fsync(copy.fileno())
    Path(name).replace(place)


# The secret and the warehouse.


def _write_secret(folder: DataFolder, keys: Sequence[SecretStr], new: SecretStr | None) -> None:
    """Write the project's secret anew beside what is there."""
    if not folder.secret.exists() or _is_of(folder.secret, new):
        return
    content = folder.secret.read_bytes()
    key = _key_for(content, keys, folder.secret.name)
    plain = content if key is None else unseal(content, key, SECRET_PURPOSE)
    _write(_beside(folder.secret), plain if new is None else seal(plain, new, SECRET_PURPOSE))


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _copy_warehouse(
    folder: DataFolder, old: SecretStr | None, new: SecretStr | None, progress: Progress
) -> tuple[int, int]:
    """Copy the warehouse beside itself, and compare; give its tables and rows. The copy is on disk."""
    path = folder.warehouse
    copy = _beside(path)
    for left in (copy, _log_of(copy)):
        left.unlink(missing_ok=True)
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT, 0o600))  # private before there is anything in it
    copy.unlink()
    # With either key: DuckDB needs httpfs for both, and what spills is of answers.
    keyed = replace(folder, key=old if old is not None else new)
    progress("copying the warehouse", 0, None)
    with session(keyed) as con:
        attach_file(con, path, old, WAREHOUSE)
        attach_file(con, copy, new, COPY)
        con.execute(f"checkpoint {WAREHOUSE}")
        con.execute(f"copy from database {WAREHOUSE} to {COPY}")
        con.execute(f"checkpoint {COPY}")
        before = contents(con, WAREHOUSE)
    copy.chmod(0o600)
    progress("comparing the copy", 0, None)
    with session(keyed) as con:  # from the disk
        attach_file(con, copy, new, WAREHOUSE)
        after = contents(con, WAREHOUSE)
    if before != after:
        raise WarehouseError(
            f"the copy of {path.name} does not hold what it should",
            why="What was there is there still.",
            next_step="check the disk, then run the command again",
        )
    for log in (_log_of(path), _log_of(copy)):
        if log.exists():
            raise WarehouseError(
                f"{log.name} holds changes that are not in the file yet",
                next_step="check that the disk has room, then run the command again",
            )
    sync(copy)
    counts = [found[0] for name, found in before.items() if name not in SHAPE]
    return len(counts), sum(cast(list[int], counts))


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _remove_old(folder: DataFolder, new: SecretStr | None) -> None:
    """Remove what the old key opens, or what was plain. It has been written anew, or can be made anew."""
    for _, _, path in list(_foreign(folder, new)):
        path.unlink()
    for root, digits in _shelves(folder):
        for place in root.glob("?" * digits) if digits else ():
            if not any(place.iterdir()):
                place.rmdir()
    if _beside(folder.secret).exists():
        if not _is_of(folder.secret, new):
            _beside(folder.secret).replace(folder.secret)
        _beside(folder.secret).unlink(missing_ok=True)
    shutil.rmtree(spill_of(folder), ignore_errors=True)
    # Copies that processes were at work on when they were killed: all of them end so.
    for ending in (".new", ".new.wal"):
        for left in folder.root.glob(f"{folder.warehouse.name}*{ending}"):
            left.unlink()
    # Analyses of earlier days: each is made anew from the warehouse, where it is asked for again.
    for derived in list(folder.as_of.rglob(f"{folder.warehouse.name}*")) if folder.as_of.is_dir() else ():
        if derived.is_file():
            derived.unlink()
