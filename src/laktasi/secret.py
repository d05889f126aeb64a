"""The project's secret: the key of hashes that stand for answers which must not be written down.

A plain hash of a name would prove a guess of it; a keyed one says only, to who has the key, whether it is still the
same. The key is made once, stays in the private data folder, and is worth a backup: hashes made with another one agree
with nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import tempfile
from pathlib import Path

from laktasi.durable import write_whole
from laktasi.errors import WarehouseError
from laktasi.paths import DataFolder
from laktasi.sealing import is_sealed, seal, unseal

PURPOSE = "project secret"
"""What the file is sealed for, where the data folder has a key."""
KEYED = "hmac:"
"""What the hash of an answer begins with."""
_KEY = re.compile(r"[0-9a-f]{64}")
_SEPARATOR = "\x1f"


def key_of(folder: DataFolder, *, is_used: bool = False) -> bytes:
    """Give the key of a data folder; where there is none yet, it is made, readable by its owner alone.

    Parameters
    ----------
    is_used
        Hashes have been made with it, so it is not made anew where it is missing.

    Raises
    ------
    WarehouseError
        The file cannot be read or made, or holds no key; or it is missing and `is_used`; or the folder is derived from
        another one, whose key is the only one.
    """
    folder.check_own()
    folder.make()
    try:
        if not folder.secret.exists():
            if is_used:
                raise lost_key()
            _make(folder, secrets.token_hex(32) + "\n")
        content = folder.secret.read_bytes()
        text = _opened(folder, content).decode("ascii", "replace").strip()
        if folder.key is not None and not is_sealed(content) and _KEY.fullmatch(text):
            # Put back from where it was plain; it does not stay so.
            write_whole(folder.secret, _content(folder, text + "\n"))
    except OSError as error:
        raise WarehouseError(
            f"{folder.secret.name} in the data folder cannot be read or made ({error.strerror})",
            next_step="check that the data folder is yours and that its disk has room",
        ) from error
    if not _KEY.fullmatch(text):
        raise WarehouseError(
            f"{folder.secret.name} in the data folder holds no key",
            why="It must hold 64 hexadecimal digits. A new key would agree with no hash that was made before.",
            next_step="put it back from a backup of the data folder",
        )
    return bytes.fromhex(text)


def lost_key() -> WarehouseError:
    """Make the error of a key that hashes were made with, and that is no longer there."""
    return WarehouseError(
        "secret.key is not in the data folder, and schemas/corrections/ holds hashes that were made with it",
        why="With another key no such decision would fit what it expects to find.",
        next_step="put secret.key back from a backup of the data folder, or from where the decisions were made",
    )


def known_key(folder: DataFolder) -> bytes | None:
    """Give the key, if there is one: what only compares hashes must not make a key that agrees with none of them.

    Raises
    ------
    WarehouseError
        As :func:`key_of`.
    """
    return key_of(folder) if folder.secret.exists() else None


def keyed(key: bytes, form_id: str, path: str, text: str) -> str:
    """Give what stands for an answer: ``hmac:`` and 64 hexadecimal digits.

    Parameters
    ----------
    path
        Of the question below the root node of the form: the same answer to another question has another hash.
    """
    message = _SEPARATOR.join((form_id, path, text)).encode()
    return KEYED + hmac.new(key, message, hashlib.sha256).hexdigest()


def _opened(folder: DataFolder, content: bytes) -> bytes:
    """Give what the file holds, as far as the folder's key opens it."""
    if not is_sealed(content):
        return content
    if folder.key is None:
        raise WarehouseError(
            f"{folder.secret.name} in the data folder is encrypted, and no key is given",
            next_step="set key_file in laktasi.toml to the file with the key, or LAKTASI_KEY in the environment",
        )
    return unseal(content, folder.key, PURPOSE)


def _content(folder: DataFolder, text: str) -> bytes:
    """Give what the file is to hold: the text, sealed where the folder has a key."""
    return text.encode() if folder.key is None else seal(text.encode(), folder.key, PURPOSE)


def _make(folder: DataFolder, text: str) -> None:
    """Write the file whole and durable before it has its name; of two that make it at once, the first one stands."""
    path = folder.secret
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_content(folder, text))
            file.flush()
            os.fsync(file.fileno())
        _name_it(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)


def _name_it(new: Path, path: Path) -> None:
    try:
        path.hardlink_to(new)  # refuses to replace, unlike a rename
    except FileExistsError:
        return
    except OSError:
        # A disk without hard links, such as a memory stick.
        if not path.exists():
            new.replace(path)
