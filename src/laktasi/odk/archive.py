"""Unpacking a zip of phones' folders, without believing what it says of itself."""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from laktasi.odk.envelope import RefusedError
from laktasi.odk.files import check_name, is_ignored, printable
from laktasi.records import Refused
from laktasi.scratch import Writer

FREE_BYTES = 1 << 30
"""Unpacks to less than this: no bomb, whatever the ratio."""
MAX_RATIO = 200
"""XML packs 10 to 50 times; a bomb packs 1000 times."""
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError)
"""What zipfile raises for a member that it cannot give: torn, locked, or packed in a way it does not know."""
REFUSED_FOLDER = ".refused"
"""Hidden, so that whoever walks the unpacked folder passes it by."""


def unpack(archive: Path, into: Path) -> Iterator[Refused]:
    """Unpack a zip into a folder, and give what in it is refused; exhaust the iterator to unpack all.

    Refused members are unpacked under neutral names in a hidden folder, so that they can be kept aside.

    Raises
    ------
    RefusedError
        The whole archive: torn, no zip, a bomb, or larger than the free disk.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _check_size(archive, members, into)
            taken: set[Path] = set()
            for number, member in enumerate(members):
                if any(is_ignored(part) for part in member.filename.split("/") if part != "."):
                    continue
                name = printable(member.filename)
                try:
                    target = into / _place(member)
                    if target in taken:
                        raise RefusedError("its name occurs twice in the archive")
                    taken.add(target)
                    _extract(opened, member, target)
                except RefusedError as refusal:
                    yield Refused(_aside(opened, member, into, number), name, refusal.reason)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is torn, or not a zip"
        raise RefusedError(f"the archive cannot be opened: {reason}") from None


def _check_size(archive: Path, members: list[zipfile.ZipInfo], into: Path) -> None:
    # zipfile never gives more of a member than the archive declares, so the declared sizes can be relied on.
    total = sum(member.file_size for member in members)
    if total > FREE_BYTES and total > MAX_RATIO * archive.stat().st_size:
        raise RefusedError(f"the archive unpacks to {total >> 20} MB, far more than data do: it may be an attack")
    if total > shutil.disk_usage(into).free:
        raise RefusedError(f"the archive unpacks to {total >> 20} MB, and the temporary folder has less room")


def _place(member: zipfile.ZipInfo) -> Path:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise RefusedError("a link to another place, not a file")
    if "\x00" in member.orig_filename:
        raise RefusedError("its name has characters that cannot be seen, which may be an attack")
    parts = member.filename.split("/")
    for part in parts:
        check_name(part)
    return Path(*parts)


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = Writer(target, "xb")
    except OSError:
        raise RefusedError("its name clashes with another in the archive, or is too long") from None
    try:
        with file, opened.open(member) as packed:
            shutil.copyfileobj(packed, file)
    except UNREADABLE as error:
        target.unlink()
        is_locked = isinstance(error, RuntimeError) and not isinstance(error, NotImplementedError)
        reason = "locked by a password" if is_locked else "torn, or packed in an unknown way"
        raise RefusedError(f"it cannot be unpacked: {reason}") from None


def _aside(opened: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path, number: int) -> Path:
    target = into / REFUSED_FOLDER / str(number)
    with suppress(RefusedError):  # then only its name and the reason are kept
        _extract(opened, member, target)
    return target
