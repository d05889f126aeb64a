"""Reading files that others made: plain files only, never through a link, and no name that plays tricks."""

from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path

from laktasi.odk.envelope import MAX_BYTES, RefusedError
from laktasi.scratch import plainly

MAX_NAME = 255
IGNORED = frozenset(("thumbs.db", "desktop.ini", "__macosx", "lost.dir"))
"""What systems leave in folders, in lower case; hidden names (``.cache``, ``.nomedia``) are ignored too."""


def is_ignored(name: str) -> bool:
    """Say whether a file or folder is a system's own and none of ours."""
    is_hidden = name.startswith(".") and not name.startswith("..")  # two dots are a trick, and said
    return is_hidden or name.lower() in IGNORED


def printable(name: str) -> str:
    """Write a name of a file so that it can be shown and stored, whatever bytes it is made of."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(letter if _is_plain(letter) else f"\\u{ord(letter):04x}" for letter in text)


def check_name(name: str) -> None:
    r"""Refuse a file name that would mean another place on some system, or look like another name.

    Raises
    ------
    RefusedError
        It is ``..`` or has a slash, a backslash, a colon, a control or direction character, or undecodable bytes.
    """
    if name in ("", ".", "..") or any(sign in name for sign in "/\\:"):
        raise RefusedError("its name is a path, which may be an attack")
    if not all(_is_plain(letter) for letter in name) or name != name.strip():
        raise RefusedError("its name has characters that cannot be seen, which may be an attack")
    if len(name.encode()) > MAX_NAME:
        raise RefusedError(f"its name is longer than {MAX_NAME} bytes")


def read_plain(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """Read a plain file whole, if it is not larger than `limit` bytes.

    Raises
    ------
    RefusedError
        It is a link, a pipe or a device, is larger, or cannot be read.
    """
    # O_NONBLOCK: a pipe that takes the file's place after the look at it must not stop the import.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        check_plain(path)
        with os.fdopen(os.open(path, flags), "rb") as file:
            content = plainly(file).read(limit + 1)
    except OSError as error:
        raise RefusedError(f"it cannot be read ({error.strerror})") from None
    if len(content) > limit:
        raise RefusedError(f"larger than {limit >> 20} MB")
    return content


def check_plain(path: Path) -> None:
    """Refuse what is not a plain file; OSError where it cannot even be looked at."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise RefusedError("a link to another place, not a file")
    if not stat.S_ISREG(mode):
        raise RefusedError("not a plain file")


def _is_plain(letter: str) -> bool:
    # Control, format (among them the marks that turn the direction of writing), surrogate, private, unassigned;
    # line and paragraph separators.
    return not unicodedata.category(letter).startswith("C") and unicodedata.category(letter) not in ("Zl", "Zp")
