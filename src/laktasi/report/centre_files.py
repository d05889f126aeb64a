"""Names of the files of centres' pages: a code is an answer of a form, and may hold anything."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

FOLDER = "centres"

_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
"""Names that Windows keeps for itself, whatever their ending."""


def centre_files(codes: Sequence[str]) -> dict[str, str]:
    """Give each code a file name of its own, the code itself where that is one.

    A code that is no plain name, or that differs from another by capitals alone (some systems do not see them), gets a
    part of its hash; no plain name has the dot before it.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for code in sorted(codes):
        safe = re.sub(r"[^A-Za-z0-9_-]+", "-", code)[:60]
        if safe.casefold() in _DEVICES:
            safe = f"centre-{safe}"
        if safe != code or safe.casefold() in taken:
            safe += "." + hashlib.sha256(code.encode()).hexdigest()[:12]
        taken.add(safe.casefold())
        names[code] = f"{safe}.html"
    return names
