"""What `laktasi init` writes: laktasi.toml, a new project's folders, and what must not travel with it."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laktasi.durable import write_whole
from laktasi.errors import SettingsError
from laktasi.paths import HOUSE, Project
from laktasi.setting_up.template import settings_text
from laktasi.settings import read_settings_alone

STUDY_EXAMPLE = """\
# What the analysis needs to know of the form. Rename this file to study.yml once the form is in xlsforms/, and write
# the form's own names. Without study.yml everything runs but the analysis. See docs/data-managers.md.

study: my_study                          # letters, digits and _
title: { id: Judul, en: Title }
form: household_visit                    # form_id in the sheet settings

roles:                                   # questions, by their path in the form: group/question
  centre: visit/centre                   # select_one: the health centre. The only role that every study needs
  enumerator: visit/enumerator
  subject: person/study_code             # the code that stands for a person
  consent: { question: consent/given, value: "yes" }

variables:                               # select_one questions, their answers lowest first
  exposure: { question: care/exposed, levels: ["no", "yes"] }
  outcome: { question: care/outcome, levels: [low, middle, high] }

analyses:
  - { exposure: exposure, outcome: outcome }
tables: [exposure, outcome]
"""
CHECKS = """\
# What the form cannot say itself. Each kind of check, with an example: docs/checks.md. For instance:
#
# checks:
#   - id: one_code_once
#     kind: unique
#     questions: [person/study_code]
#     severity: error
#     message: { id: Kode ganda., en: The code came twice. }

checks: []
"""
_MODE = 0o644
"""Of a project's files: others may read them."""

IGNORED = ("data/", "*.env")
"""What version control must not take in; the first is where the data folder stands by default."""


def given_before(project: Path) -> dict[str, Any]:
    """Give what an existing laktasi.toml holds, as the file holds it; nothing where there is none.

    Raises
    ------
    SettingsError
        It cannot be read: what it says could not be taken over.
    """
    path = Project(project).settings_file
    if not path.exists():
        return {}
    read_settings_alone(project)
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def check_settings(values: Mapping[str, Any]) -> str:
    """Give the text of a laktasi.toml, once it is sure that it can be read.

    Raises
    ------
    SettingsError
        A value cannot be used.
    """
    text = settings_text(values)
    with tempfile.TemporaryDirectory(prefix="laktasi-") as folder:
        Project(Path(folder)).settings_file.write_text(text, encoding="utf-8")
        read_settings_alone(Path(folder))
    return text


def write_settings(project: Path, text: str) -> Path | None:
    """Write laktasi.toml. One that is there already stays beside it, under another name.

    Returns
    -------
    Path or None
        Where the earlier one is now.

    Raises
    ------
    SettingsError
        It cannot be written; what was there stays.
    """
    path = Project(project).settings_file
    kept = None
    try:
        if path.exists():
            kept = next(name for n in range(1, 1000) if not (name := path.with_name(f"laktasi.old-{n}.toml")).exists())
            kept.write_bytes(path.read_bytes())
        write_whole(path, text, _MODE)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror})",
            next_step="see that the folder is yours and the disk has room",
        ) from error
    return kept


def make_project(project: Path) -> list[Path]:
    """Make a project's folders, with files to begin from. What is there stays as it is; the checkout itself is whole.

    Returns
    -------
    list of Path
        What was made.

    Raises
    ------
    SettingsError
        It cannot be made: no right to, no room, or a file has its name.
    """
    if project.resolve() == HOUSE:
        return []
    folders = Project(project)
    texts = {
        folders.checks: CHECKS,
        folders.study.with_name("study.yml.example"): STUDY_EXAMPLE,
        folders.root / ".gitignore": "".join(f"{line}\n" for line in IGNORED),
    }
    made = []
    try:
        for folder in (folders.root, folders.xlsforms, folders.checks.parent):
            if not folder.exists():
                made.append(folder)
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            if not path.exists() and not (path.suffix == ".example" and folders.study.exists()):
                write_whole(path, text, _MODE)
                made.append(path)
    except OSError as error:
        raise SettingsError(
            f"{project} cannot be made into a project ({error.strerror}: {Path(error.filename or project).name})",
            next_step="name another folder, or see that this one is yours and no file has that name",
        ) from error
    return made
