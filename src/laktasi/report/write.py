"""The door of this room: from research.duckdb to a finished report, a front page and those beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from laktasi.errors import LaktasiError, SettingsError
from laktasi.report import (
    analysis_page,
    back_checks,
    centres_page,
    checks,
    data_page,
    methods_page,
    page,
    people,
    people_page,
)
from laktasi.report.centre_files import FOLDER
from laktasi.report.centre_page import CentrePages
from laktasi.report.centre_rows import read_centres
from laktasi.report.html import FILES, STYLE, Site, read_beside, templates
from laktasi.report.model import Report, build
from laktasi.report.read import opened, read
from laktasi.report.texts import LANGUAGES
from laktasi.study import Study


def write_report(research: Path, target: Path, study: Study | None, *, language: str = "id") -> None:
    """Write the report: HTML pages that need no network, in Indonesian and English.

    Parameters
    ----------
    research
        The research copy, opened read-only. Nothing else is read: the same copy gives the same bytes.
    target
        The front page. The others lie beside it, called as :data:`laktasi.report.html.FILES` says, and a page for each
        health centre in a folder beside them; one that this run has nothing for is removed. Each is replaced in one
        step, so a reader has the old page or the new one.
    study
        Titles, and which tables and pairs stand in the report, in which order. Without one (a form with no study)
        the report holds what came in, what the checks found, and the codebook.
    language
        The language that is shown first, ``id`` or ``en``; each page holds both. A centre's own page shows Indonesian
        first, unless a link from a page in English leads there.

    Raises
    ------
    SettingsError
        The report is not written in that language.
    WarehouseError
        The research copy is missing, cannot be opened, or holds no finished run.
    LaktasiError
        A file cannot be written.
    """
    if language not in LANGUAGES:
        raise SettingsError(
            f"language {language!r}: the report is written in {' and '.join(LANGUAGES)}",
            next_step=f"choose one of {', '.join(LANGUAGES)}",
        )
    with opened(research) as connection:
        report = build(read(connection, research.name), study)
        # Pages that have something to show, each by what makes it: read(connection) of a page gives its content or
        # None, render(content, site) the page.
        made: dict[str, Callable[[Site], str]] = {
            "index": partial(page.render, report),
            "data": partial(data_page.render, report),
        }
        if report.pairs:
            made["analysis"] = partial(analysis_page.render, report)
            made["methods"] = partial(methods_page.render, report)
        if report.centres:
            made["centres"] = partial(centres_page.render, report)
        if (work := people.read(connection)) is not None:
            made["people"] = partial(people_page.render, work)
        if (checked := checks.read(connection)) is not None:
            made["checks"] = partial(checks.render, checked)
        if (repeated := back_checks.read(connection)) is not None:
            made["back_checks"] = partial(back_checks.render, repeated)
        files = {name: file for name, file in FILES.items() if name in made} | {"index": target.name}
        site = Site(report.content.run, report.content.newest_at, study, language, files)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target.with_name(STYLE), read_beside(templates(), STYLE))
            # A centre's page goes to its midwives: opened by itself, it shows Indonesian.
            centres = CentrePages(report, replace(site, language="id")).pages(read_centres(connection, _codes(report)))
            _fill(target.with_name(FOLDER), centres)
            # The front page comes last: what it leads to is there by then.
            for name in sorted(made, key=lambda name: name == "index"):
                _replace(target.with_name(files[name]), made[name](site))
            for name, file in FILES.items():
                if name not in made:
                    target.with_name(file).unlink(missing_ok=True)
        except OSError as error:
            raise LaktasiError(
                f"{error.filename or target} cannot be written: {error.strerror or error}",
                next_step="free the file or its folder, then: laktasi report",
            ) from error


def _codes(report: Report) -> list[str]:
    return [place.code for place in report.centres if place.code is not None]


def _fill(folder: Path, pages: Iterable[tuple[str, str]]) -> None:
    """Write the pages of centres, and remove those of centres that are none any more."""
    written: set[str] = set()
    for name, text in pages:
        if not written:
            folder.mkdir(exist_ok=True)
        _replace(folder / name, text)
        written.add(name)
    if folder.is_dir():
        for stale in folder.glob("*.html"):
            if stale.name not in written:
                stale.unlink(missing_ok=True)
        if not written:
            with suppress(OSError):  # somebody keeps a file of their own there
                folder.rmdir()


def _replace(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
