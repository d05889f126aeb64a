"""What stands for an identifier in a release, and by how many days a respondent's dates are moved.

Both come from the project's secret. With another rule, or another run, all pseudonyms are others, so two releases
cannot be joined by them: what each withholds for itself would else be found in the other. Shifts stay the same: the
same date moved by two numbers of days would be known more closely than by one.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode
from collections.abc import Iterable, Sequence

LENGTH = 8
"""Letters of a pseudonym, 5 bits each, before it is made longer to tell all values apart."""
_SEPARATOR = "\x1f"


def digest(key: bytes, *words: str) -> bytes:
    """Give 32 bytes that only the owner of the key could have made of some words."""
    return hmac.new(key, _SEPARATOR.join(("release", *words)).encode(), hashlib.sha256).digest()


def salt_of(run_id: str, rule: object) -> str:
    """Give what makes the pseudonyms of one release its own: the run, and the rule as it reads."""
    return f"{run_id}{_SEPARATOR}{rule!r}"


def pseudonyms(key: bytes, salt: str, kind: str, values: Sequence[str | None]) -> list[str | None]:
    """Give a pseudonym for each value, the same for the same one: ``r-`` and some letters.

    Parameters
    ----------
    salt
        Of this release, see :func:`salt_of`.
    kind
        What is named; its first letter stands before the pseudonym, and the same text as another kind is another one.
    """
    known = {
        value: b32encode(digest(key, salt, kind, value)).decode().lower() for value in set(values) - {None} if value
    }
    length = LENGTH
    while len({text[:length] for text in known.values()}) < len(known):
        length += 2
    return [f"{kind[0]}-{known[value][:length]}" if value else None for value in values]


def shifts(key: bytes, days: int, persons: Iterable[str]) -> list[int]:
    """Give the days by which each person's dates are moved: from -`days` to `days`, never 0."""
    moved = []
    for person in persons:
        drawn = int.from_bytes(digest(key, "shift", str(days), person)[:8], "big") % (2 * days)
        moved.append(drawn - days if drawn < days else drawn - days + 1)
    return moved
