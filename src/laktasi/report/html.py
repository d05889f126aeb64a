"""What every page of this room is made with: the templates, the hash of what may run in it, and a private file."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def templates() -> Environment:
    """Give the room's templates. They escape what they are given, and stop at a name that they were not given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("laktasi.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def read_beside(environment: Environment, name: str) -> str:
    """Read a file that lies beside the templates, as it is."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def hash_of(text: str) -> str:
    """Give the hash by which a page's content security policy names a style or a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def emphasised(text: Mapping[str, str]) -> dict[str, list[tuple[str, bool]]]:
    """Take ``**word**`` apart in each language: pieces, and whether each is to stand out."""
    return {
        language: [(piece, number % 2 == 1) for number, piece in enumerate(sentence.split("**"))]
        for language, sentence in text.items()
    }


def write_privately(target: Path, page: str) -> None:
    """Write a file, whole or not at all, that only its owner can read, even while it is written.

    Raises
    ------
    OSError
        It cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that was killed and had the same number
    try:
        # Nothing that stands there is written into: others might have it open, or be able to read it.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(page)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
