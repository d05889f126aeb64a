"""The door of this room: from research.duckdb to a finished report, a front page and those beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from laktasi.errors import LaktasiError, SettingsError
from laktasi.report import back_checks, checks, page, people, people_page
from laktasi.report.html import FILES, Site
from laktasi.report.model import build
from laktasi.report.read import opened, read
from laktasi.report.texts import LANGUAGES
from laktasi.study import Study


def write_report(research: Path, target: Path, study: Study | None, *, language: str = "id") -> None:
    """Write the report: HTML pages that need no network, each whole in one file, in Indonesian and English.

    Parameters
    ----------
    research
        The research copy, opened read-only. Nothing else is read: the same copy gives the same bytes.
    target
        The front page. The others lie beside it, called as :data:`laktasi.report.html.FILES` says; one that this run
        has nothing for is removed. Each is replaced in one step, so a reader has the old page or the new one.
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
    with opened(research) as connection:
        content = read(connection, research.name)
        repeated = back_checks.read(connection)
        work = people.read(connection)
        checked = checks.read(connection)
    # Pages that have something to show, each by what makes it: read(connection) of a page gives its content or None,
    # render(content, site) the page.
    made: dict[str, Callable[[Site], str]] = {"index": partial(page.render, build(content, study))}
    if work is not None:
        made["people"] = partial(people_page.render, work)
    if checked is not None:
        made["checks"] = partial(checks.render, checked)
    if repeated is not None:
        made["back_checks"] = partial(back_checks.render, repeated)
    files = {name: file for name, file in FILES.items() if name in made} | {"index": target.name}
    site = Site(content.run, content.newest_at, study, language, files)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
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


def _replace(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
