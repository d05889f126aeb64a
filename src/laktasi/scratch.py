"""Temporary files with what people answered: hidden (AES-256-CTR) with a key that dies with this process.

Files from a server or a zip wait on disk until they have landed. A process that is killed leaves them there, and what
it leaves must say nothing, whether the data folder has a key or not. They are read by the process that wrote them
alone, and never kept; so the sealing of :mod:`laktasi.sealing`, which also proves that nobody changed a file, is not
needed, and a file can be gone on with where it broke off.
"""

from __future__ import annotations

import io
import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

_MARK_BYTES = 16
_NONCE_BYTES = 16
_HEADER_BYTES = _MARK_BYTES + _NONCE_BYTES
_BLOCK = 16


@cache
def _key() -> tuple[bytes, bytes]:
    """Give the key of this process, and the mark that its files begin with: nobody else can know it."""
    return secrets.token_bytes(32), secrets.token_bytes(_MARK_BYTES)


class Writer:
    """Writes a hidden file.

    Parameters
    ----------
    mode
        As of :func:`open`; ``ab`` goes on with a file that this process began.
    """

    def __init__(self, path: Path, mode: Literal["xb", "wb", "ab"]) -> None:
        begun = size_of(path) if mode == "ab" and path.exists() else None
        self._file = path.open(mode)
        if begun is None:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            self._file.write(_key()[1] + nonce)
        else:
            with path.open("rb") as file:
                nonce = file.read(_HEADER_BYTES)[_MARK_BYTES:]
        self._cipher = _cipher(nonce, begun or 0)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        """Hide and write."""
        self._file.write(self._cipher.update(data))
        return len(data)


def write(path: Path, content: bytes) -> None:
    """Write a hidden file whole."""
    with Writer(path, "xb") as file:
        file.write(content)


def read(path: Path) -> bytes:
    """Read a file whole, hidden or not."""
    with path.open("rb") as file:
        return plainly(file).read()


def size_of(path: Path) -> int:
    """Give the bytes that a hidden file holds."""
    return path.stat().st_size - _HEADER_BYTES


def plainly(file: BinaryIO) -> BinaryIO:
    """Give a file to read as it came, from its beginning: what this process hid in it, or the file itself.

    Parameters
    ----------
    file
        Open for reading; stays open as long as what is given is read.
    """
    head = file.read(_HEADER_BYTES)
    file.seek(0)
    if len(head) < _HEADER_BYTES or not secrets.compare_digest(head[:_MARK_BYTES], _key()[1]):
        return file
    return cast(BinaryIO, io.BufferedReader(_Hidden(file, head[_MARK_BYTES:])))


class _Hidden(io.RawIOBase):
    """What is hidden in a file."""

    def __init__(self, file: BinaryIO, nonce: bytes) -> None:
        self._file = file
        self._nonce = nonce
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._cipher.update(self._file.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("a place is counted from the beginning")
        self._file.seek(_HEADER_BYTES + offset)
        self._cipher = _cipher(self._nonce, offset)
        return offset


def _cipher(nonce: bytes, offset: int) -> CipherContext:
    """Give the cipher as it stands before the byte at `offset`."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    blocks, rest = divmod(offset, _BLOCK)
    counter = (int.from_bytes(nonce, "big") + blocks) % (1 << 8 * _NONCE_BYTES)
    cipher = Cipher(algorithms.AES256(_key()[0]), modes.CTR(counter.to_bytes(_NONCE_BYTES, "big"))).encryptor()
    cipher.update(bytes(rest))
    return cipher
