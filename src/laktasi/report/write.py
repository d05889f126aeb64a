"""The door of this room: from research.duckdb to a finished report, a front page and those beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from laktasi.durable import sync_all, sync_folder
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

DRAFT = ".draft-"
DRAFTS_LAST = 60 * 60
"""Seconds after which a draft is nobody's any more."""


def write_report(research: Path, target: Path, study: Study | None, *, language: str = "id") -> None:
    """Write the report: HTML pages that need no network, in Indonesian and English.

    Parameters
    ----------
    research
        The research copy, opened read-only. Nothing else is read: the same copy gives the same bytes.
    target
        The front page. The others lie beside it, called as :data:`laktasi.report.html.FILES` says, and a page for each
        health centre in a folder beside them; one that this run has nothing for is removed. All are written before the
        first is replaced, each in one step: a reader has the old page or the new one, whatever breaks off.
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
            _sweep(target.parent)
            _sweep(target.with_name(FOLDER))
            with _Drafts() as drafts:
                drafts.add(target.with_name(STYLE), read_beside(templates(), STYLE))
                # A centre's page goes to its midwives: opened by itself, it shows Indonesian.
                centres = CentrePages(report, replace(site, language="id"))
                for name, text in centres.pages(read_centres(connection, _codes(report))):
                    drafts.add(target.with_name(FOLDER) / name, text)
                # The front page comes last: what it leads to is there by then.
                for name in sorted(made, key=lambda name: name == "index"):
                    drafts.add(target.with_name(files[name]), made[name](site))
                written = drafts.settle()
            _remove_stale(target, written)
        except OSError as error:
            raise LaktasiError(
                f"{error.filename or target} cannot be written: {error.strerror or error}",
                why="The report is as it was before.",
                next_step="free the file or its folder, or some space, then: laktasi report",
            ) from error


def _codes(report: Report) -> list[str]:
    return [place.code for place in report.centres if place.code is not None]


class _Drafts:
    """Files that are all written before the first of them has its name: what breaks off on the way changes nothing."""

    def __init__(self) -> None:
        self._drafts: dict[Path, Path] = {}

    def __enter__(self) -> _Drafts:
        return self

    def __exit__(self, *_: object) -> None:
        for draft in self._drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def add(self, target: Path, text: str) -> None:
        """Write a file beside its place."""
        target.parent.mkdir(exist_ok=True)
        draft = self._drafts[target] = target.with_name(f".{target.name}{DRAFT}{os.getpid()}")
        draft.write_text(text, encoding="utf-8", newline="\n")

    def settle(self) -> set[Path]:
        """Give all of them their places, in the order in which they were added, and say which these are."""
        sync_all(list(self._drafts.values()))
        for target, draft in self._drafts.items():
            draft.replace(target)
        for folder in {target.parent for target in self._drafts}:
            sync_folder(folder)
        return set(self._drafts)


def _sweep(folder: Path) -> None:
    """Remove drafts that a process left which was killed long ago; those of one that writes now are new."""
    for draft in folder.glob(f".*{DRAFT}*"):
        with suppress(FileNotFoundError):  # given its place meanwhile
            if draft.stat().st_mtime < time.time() - DRAFTS_LAST:
                draft.unlink()


def _remove_stale(target: Path, written: AbstractSet[Path]) -> None:
    """Remove pages that this run has nothing for."""
    centres = target.with_name(FOLDER)
    beside = {target.with_name(file) for name, file in FILES.items() if name != "index"}
    for stale in (beside | set(centres.glob("*.html"))) - written:
        stale.unlink(missing_ok=True)
    if centres.is_dir() and not any(kept.parent == centres for kept in written):
        with suppress(OSError):  # somebody keeps a file of their own there
            centres.rmdir()
