"""Sealing: what a private file holds, encrypted and authenticated (AES-256-GCM) with a key that stands elsewhere.

A sealed file is a header and chunks. The header names the version and the key, and has a salt from which every file has
a key of its own (HKDF-SHA256), so that no nonce is ever used twice. Chunks are numbered and the last one is marked, so
that one that is missing, moved or cut is noticed (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár,
"Online authenticated-encryption and its nonce-reuse misuse-resistance", 2015).
"""

from __future__ import annotations

import io
import secrets
from typing import TYPE_CHECKING, BinaryIO

from laktasi.errors import WarehouseError

if TYPE_CHECKING:
    from pydantic import SecretStr

MAGIC = b"laktasi\x01"
"""What a sealed file begins with; the last byte is the version of all that follows."""
CHUNK = 1 << 20
"""Bytes of content in one chunk."""

_ID_BYTES = 8
_SALT_BYTES = 16
_TAG_BYTES = 16
HEADER_BYTES = len(MAGIC) + _ID_BYTES + _SALT_BYTES


def derive(key: SecretStr, purpose: str, salt: bytes = b"") -> bytes:
    """Derive 32 bytes from a key for one purpose: what one purpose gives away says nothing about another.

    Parameters
    ----------
    purpose
        What the derived key is for, in words of ours.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    material = key.get_secret_value().strip().encode()
    return HKDF(SHA256(), 32, salt, b"laktasi " + purpose.encode()).derive(material)


def key_id(key: SecretStr) -> bytes:
    """Give what a sealed file calls its key: it tells keys apart, and a key cannot be had from it."""
    return derive(key, "key id")[:_ID_BYTES]


def is_sealed(data: bytes) -> bool:
    """Say whether these bytes, or the file that begins with them, are sealed, by whatever key."""
    return data.startswith(MAGIC)


def is_sealed_by(data: bytes, key: SecretStr) -> bool:
    """Say whether the file that begins with these bytes (:data:`HEADER_BYTES` are enough) is sealed by this key."""
    return data.startswith(MAGIC + key_id(key))


def seal(data: bytes, key: SecretStr, purpose: str) -> bytes:
    """Seal bytes.

    Parameters
    ----------
    purpose
        What kind of file it is; one kind never opens as another.
    """
    sealed = io.BytesIO()
    with Sealer(sealed, key, purpose) as sealer:
        sealer.write(data)
    return sealed.getvalue()


def unseal(data: bytes, key: SecretStr, purpose: str) -> bytes:
    """Give back what :func:`seal` was given.

    Raises
    ------
    WarehouseError
        They are not sealed, sealed with another key or for another purpose, or torn or changed.
    """
    plain = io.BytesIO()
    unseal_stream(io.BytesIO(data), plain, key, purpose)
    return plain.getvalue()


class Sealer:
    """Seals what is written to it, chunk by chunk; whole only after :meth:`close`.

    Parameters
    ----------
    target
        Open for writing; stays open.
    """

    def __init__(self, target: BinaryIO, key: SecretStr, purpose: str) -> None:
        salt = secrets.token_bytes(_SALT_BYTES)
        self._header = MAGIC + key_id(key) + salt
        self._chunks = _Chunks(key, purpose, self._header)
        self._target = target
        self._waiting = bytearray()
        target.write(self._header)

    def __enter__(self) -> Sealer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:  # what was broken off must not look whole
            self.close()

    def write(self, data: bytes) -> None:
        """Take bytes to seal."""
        self._waiting += data
        while len(self._waiting) > CHUNK:  # never the last one: that is marked
            self._target.write(self._chunks.seal(bytes(self._waiting[:CHUNK]), is_last=False))
            del self._waiting[:CHUNK]

    def close(self) -> None:
        """Write the last chunk."""
        self._target.write(self._chunks.seal(bytes(self._waiting), is_last=True))


def unseal_stream(source: BinaryIO, target: BinaryIO, key: SecretStr, purpose: str) -> None:
    """Unseal a file into another one; what is in `target` after an error must not be used.

    Raises
    ------
    WarehouseError
        As :func:`unseal`.
    """
    from cryptography.exceptions import InvalidTag

    header = source.read(HEADER_BYTES)
    if not is_sealed(header):
        raise WarehouseError(
            f"a sealed file ({purpose}) was expected, and this one is not sealed, or by a newer laktasi",
            next_step="put the file back from a backup, or update laktasi",
        )
    if len(header) == HEADER_BYTES and not is_sealed_by(header, key):
        raise WarehouseError(
            f"a file of the data folder ({purpose}) was sealed with another key",
            why="Nobody can read it without that one.",
            next_step="give the key it was sealed with (LAKTASI_KEY, or key_file in laktasi.toml)",
        )
    chunks = _Chunks(key, purpose, header)
    try:
        chunk = source.read(CHUNK + _TAG_BYTES)
        while True:
            after = source.read(CHUNK + _TAG_BYTES)
            target.write(chunks.open(chunk, is_last=not after))
            if not after:
                return
            chunk = after
    except InvalidTag:
        raise WarehouseError(
            f"a sealed file of the data folder ({purpose}) is torn, or was changed",
            next_step="put it back from a backup of the data folder",
        ) from None


class _Chunks:
    """The numbered chunks of one file."""

    def __init__(self, key: SecretStr, purpose: str, header: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._header = header
        self._cipher = AESGCM(derive(key, f"sealed {purpose}", header[-_SALT_BYTES:]))
        self._number = 0

    def seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(is_last), chunk, self._header)

    def open(self, chunk: bytes, *, is_last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(is_last), chunk, self._header)

    def _nonce(self, is_last: bool) -> bytes:
        nonce = self._number.to_bytes(11, "big") + bytes([is_last])
        self._number += 1
        return nonce
