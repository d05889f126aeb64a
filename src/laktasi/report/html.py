"""What every page of this room is made with: the templates, the frame, the way between the report's pages."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.report import numbers
from laktasi.report.read import Run
from laktasi.report.texts import LANGUAGES, NAMES
from laktasi.report.words import Words
from laktasi.study import Study

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FILES = {
    "index": "index.html",
    "analysis": "analysis.html",
    "centres": "centres.html",
    "data": "data.html",
    "people": "people.html",
    "checks": "checks.html",
    "back_checks": "back-checks.html",
    "methods": "methods.html",
}
"""Every page that a report can have, in the order of the navigation; ``page_<name>`` in the texts names it."""

STYLE = "report.css"
"""The style of all pages; it also lies beside them, for the many pages of centres."""


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation between the report's pages."""

    text: Markup
    href: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages of one report share."""

    run: Run
    newest_at: datetime | None
    """When the newest submission landed."""
    study: Study | None
    language: str
    """The language that is shown until the reader chooses another."""
    files: Mapping[str, str]
    """File of each page that this report has, of those in :data:`FILES`."""

    def context(self, here: str, words: Words, *, up: str = "") -> Mapping[str, Any]:
        """Give what ``top.html``, which every page begins with, needs to know on the page `here`; beside a title.

        Parameters
        ----------
        up
            ``../`` for a page in a folder beside the others.
        """
        study = self.study

        @functools.cache
        def how(key: str, name: str) -> Markup:
            """Link a number's name to the place that says how it is made."""
            from markupsafe import Markup

            if "methods" not in self.files:
                return Markup("{}").format(name)
            return Markup('<a class="how" href="{}#{}-{}">{}</a>').format(
                up + self.files["methods"], words.language, key, name
            )

        return {
            "lang": words.language,
            "run": self.run,
            "newest_at": self.newest_at,
            "notice": words.label(study.synthetic) if study and study.synthetic else "",
            "pages": [
                Link(words.text(f"page_{name}"), up + self.files[name], name == here)
                for name in FILES
                if name in self.files
            ],
            "files": {name: up + file for name, file in self.files.items()},
            "how": how,
            "t": words.text,
            "label": words.label,
            "whole": words.number(numbers.whole),
            "decimal": words.number(numbers.decimal),
            "percent": words.number(numbers.percent),
            "moment": words.number(numbers.moment),
        }

    def title(self, here: str, words: Words) -> str:
        """Name a page beside the front page: what it shows, and of which study."""
        name = str(words.text(f"page_{here}").unescape())
        return f"{name}: {words.label(self.study.title, self.study.name)}" if self.study else name

    def framed(
        self,
        environment: Environment,
        titles: Mapping[str, str],
        bodies: Mapping[str, str],
        *,
        styles: tuple[str, ...] = (STYLE,),
        shapes: str = "",
        linked: str = "",
        script: str = "report.js",
    ) -> str:
        """Put the bodies of all languages into one page that runs nothing but our own style and script.

        Parameters
        ----------
        titles
            By language.
        bodies
            HTML by language, as a template of ours rendered it.
        styles
            Files beside the templates, one after the other.
        shapes
            Definitions in SVG that the drawings of both languages use.
        linked
            Style sheet that lies beside the page, applied before what is in it; empty for a page that is whole.
        script
            File beside the templates.
        """
        from markupsafe import Markup

        # Both go into the page as they are, and their hashes into its content security policy: nothing else may run.
        style, code = self._style(environment, styles), _read(environment, script)
        return environment.get_template("page.html").render(
            language=self.language,
            languages=NAMES,
            synthetic=bool(self.study and self.study.synthetic),
            titles=titles,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(code),  # noqa: S704 - our own file
            style_hash=hash_of(style),
            script_hash=hash_of(code),
            linked=linked,
            shapes=Markup(shapes),  # noqa: S704 - our own drawing
            bodies={name: Markup(bodies[name]) for name in LANGUAGES},  # noqa: S704 - a template of ours
        )

    def _style(self, environment: Environment, styles: tuple[str, ...]) -> str:
        """Give the styles, and the run in the head of every printed page."""
        run = re.sub(r"[^\w.:+-]", "", self.run.run_id)
        head = f'@page {{ @top-right {{ content: "{run}"; font: 8pt sans-serif; }} }}'
        return "".join(_read(environment, name) for name in styles) + head


@functools.cache
def templates() -> Environment:
    """Give the room's templates, compiled once.

    They escape what they are given, and stop at a name that they were not given.
    """
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


@functools.cache
def _read(environment: Environment, name: str) -> str:
    return read_beside(environment, name)


@functools.cache
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
