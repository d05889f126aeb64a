"""Sealing as the store uses it: bytes, the key of the warehouse file, and files on the shelves.

The format is described in :mod:`laktasi.sealing`, which stands below all rooms: sessions on Central are sealed, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.sealing import Sealer, derive, is_sealed, seal, unseal

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["Sealer", "database_key", "is_encrypted", "is_sealed", "seal", "unseal"]

_MAGIC_AT, _FLAGS_AT = 8, 20
"""Where DuckDB's main header, which is never encrypted, has ``DUCK``, and flags whose first bit says encrypted."""


def database_key(key: SecretStr) -> str:
    """Give what DuckDB is given as the key of the warehouse file: 64 hexadecimal digits, derived and never stored."""
    return derive(key, "warehouse").hex()


def is_encrypted(path: Path) -> bool:
    """Say whether a file is an encrypted DuckDB file."""
    with path.open("rb") as file:
        head = file.read(_FLAGS_AT + 1)
    return head[_MAGIC_AT : _MAGIC_AT + 4] == b"DUCK" and len(head) > _FLAGS_AT and bool(head[_FLAGS_AT] & 1)
