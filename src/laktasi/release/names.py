"""Names of columns and labels that every program can take: one name in all files; labels are cut where they must be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

NAME_LENGTH = 31
"""Stata takes 32, but of a name of labels, which a column's labels have from it, 31; SPSS takes 64."""
STATA_LABEL, STATA_VALUE_LABEL = 80, 32_000
"""Characters of a variable's label, and bytes of a value's."""
SPSS_LABEL, SPSS_VALUE_LABEL = 255, 120
"""Bytes in UTF-8."""

_STATA = """
_all _b _coef _cons _n _pi _pred _rc _skip aggregate array boolean break byte case catch class colvector complex
const continue default delegate delete do double else eltypedef end enum explicit export external float for
friend function global goto if in inline int local long namespace new null numeric numlist operator orgtypedef
pointer polymorphic pragma private protected quad real return rowvector scalar short signed static str strl
string struct super switch template this throw transmorphic try typedef typename union unsigned using varlist
vector virtual void volatile while with
"""
_SPSS = "all and by eq ge gt le lt ne not or to"
RESERVED = frozenset(f"{_STATA} {_SPSS}".split())
"""Words that a program keeps for itself."""


def name_columns(paths: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Give each question a name: the last part of its path where that is the only one, else more of the path.

    Names are of small letters, digits and ``_``, begin with a letter, have at most 31 characters and are no word that
    SPSS or Stata keep for themselves.
    """
    paths = list(paths)
    last = [_legal(path.rsplit("/", 1)[-1]) for path in paths]
    used = {name.lower() for name in taken}
    names: dict[str, str] = {}
    for path, short in zip(paths, last, strict=True):
        name = short if last.count(short) == 1 else _legal(path.replace("/", "_"))
        name, number = name[:NAME_LENGTH], 1
        while name in used or name in RESERVED:
            number += 1
            ending = f"_{number}"
            name = name[: NAME_LENGTH - len(ending)] + ending
        used.add(name)
        names[path] = name
    return names


def _legal(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return name if name and name[0].isalpha() else f"v_{name}".rstrip("_")


def plain_label(text: str) -> str:
    """Give a question's text on one line, without the marks that Collect reads in it."""
    text = re.sub(r"<[^<>]*>", " ", text)
    text = re.sub(r"(\*\*|__|`)", "", text)
    return " ".join(re.sub(r"^#+ ", "", text, flags=re.M).split())


def shortened(text: str, *, characters: int | None = None, size: int | None = None) -> str:
    """Cut a label at a number of characters, or of bytes in UTF-8; ``…`` says that it was cut."""
    cut = text
    while (characters is not None and len(cut) > characters) or (size is not None and len(cut.encode()) > size):
        keep = len(cut) - 1 - (cut != text)
        cut = cut[:keep].rstrip() + "…"
    return cut
