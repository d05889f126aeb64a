"""docs/trouble.md quotes what laktasi really says."""

from __future__ import annotations

import errno
import os
import re

import pytest

from laktasi.paths import HOUSE

PAGE = (HOUSE / "docs" / "trouble.md").read_text(encoding="utf-8")
SEEN = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| ") and "you see" not in line]
QUOTED = sorted({quoted for cell in SEEN for quoted in re.findall(r"`([^`]+)`", cell) if " " in quoted})
OF_THE_SYSTEM = {os.strerror(number) for number in (errno.ENOSPC, errno.EROFS, errno.EIO)}
FILES = ("warehouse.duckdb", "research.duckdb", "index.html")


def source() -> str:
    """Give the code with texts that are written over several lines put together, and placeholders as ``…``."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (HOUSE / "src").rglob("*.py"))
    text = re.sub(r'"\s*\n\s*f?"', "", text)
    return re.sub(r"\{[^{}\n]*\}", "…", text)


def test_the_page_quotes_messages() -> None:
    assert len(QUOTED) > 15


@pytest.mark.parametrize("quoted", [words for words in QUOTED if not words.startswith("laktasi ")])
def test_what_is_quoted_is_said(quoted: str) -> None:
    said = source()
    for name in FILES:
        quoted = quoted.replace(name, "…")
    for words in OF_THE_SYSTEM:
        quoted = quoted.replace(words, "…")
    parts = [part.strip(" :()") for part in quoted.split("…")]
    assert [part for part in parts if part not in said] == []
