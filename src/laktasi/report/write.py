"""The door of this room: from research.duckdb to a finished report."""

from __future__ import annotations

import os
from pathlib import Path

from laktasi.errors import LaktasiError, SettingsError
from laktasi.report.model import build
from laktasi.report.page import render
from laktasi.report.read import read
from laktasi.report.texts import LANGUAGES
from laktasi.study import Study


def write_report(research: Path, target: Path, study: Study | None, *, language: str = "id") -> None:
    """Write the report: one HTML file that needs no network, in Indonesian and English.

    Parameters
    ----------
    research
        The research copy, opened read-only. Nothing else is read: the same copy gives the same bytes.
    target
        The file to write. It is replaced in one step, so a reader has the old report or the new one.
    study
        Titles, and which tables and pairs stand in the report, in which order. Without one (a form with no study)
        the report holds what came in, what the checks found, and the codebook.
    language
        The language that is shown first, ``id`` or ``en``; the page holds both.

    Raises
    ------
    SettingsError
        The report is not written in that language.
    WarehouseError
        The research copy is missing, cannot be opened, or holds no finished run.
    LaktasiError
        The file cannot be written.
    """
    if language not in LANGUAGES:
        raise SettingsError(
            f"language {language!r}: the report is written in {' and '.join(LANGUAGES)}",
            next_step=f"choose one of {', '.join(LANGUAGES)}",
        )
    page = render(build(read(research), study), study, language)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(page, encoding="utf-8", newline="\n")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise LaktasiError(
            f"{target} cannot be written: {error.strerror or error}",
            next_step="free the file or its folder, then: laktasi report",
        ) from error
