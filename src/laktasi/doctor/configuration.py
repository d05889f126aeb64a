"""What a person writes: laktasi.toml, the private file, the key, where messages go, the project's own files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from laktasi.doctor.finding import Finding, of_error, ok, warning, wrong
from laktasi.doctor.patient import Patient
from laktasi.errors import LaktasiError
from laktasi.settings.private_file import private_environment

_SECRET = re.compile(
    r"""^\s*["']?(?P<name>[\w.-]*(?:password|passwd|secret|token|api_?key|passphrase)[\w-]*|key|to)["']?\s*=\s*\S""",
    re.I,
)
_ACCOUNT = re.compile(r"\w+://[^\s/\"'@]*:[^\s/\"'@]+@")
"""A user with a password in an address."""


def look_at_settings(patient: Patient) -> Iterator[Finding]:
    """Say whether the settings can be read, and from where."""
    if patient.settings is None and patient.trouble is not None:
        yield of_error("settings", patient.trouble)
    elif (patient.project / "laktasi.toml").exists():
        yield ok("settings", str(patient.project / "laktasi.toml"))
    else:
        yield warning(
            "settings", f"there is no laktasi.toml in {patient.project}, so all is by default", "laktasi init"
        )


def look_at_secrets(patient: Patient) -> Iterator[Finding]:
    """Look for passwords and keys in laktasi.toml, line by line: it may not be TOML. Nothing of them is shown."""
    path = patient.project / "laktasi.toml"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # said by the settings
        return
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[2] if line.lstrip().startswith("#") else line
        if (found := _SECRET.match(said)) or _ACCOUNT.search(said):
            what = f"{found['name']!r}" if found else "an address with a password"
            yield wrong(
                "secrets",
                f"line {number} of laktasi.toml holds {what}, and that file is copied and shared",
                f"take it out, change it where it is known, and put it into {private_environment(patient.project)}",
            )
            return
    yield ok("secrets", "none stands in laktasi.toml")


def look_at_private_file(patient: Patient) -> Iterator[Finding]:
    """Say where passwords are kept, whether they are private, and whether the project has moved away from them."""
    path = private_environment(patient.project)
    if path.exists():
        if os.name == "posix" and path.parent.stat().st_mode & 0o022:
            yield wrong("private file", f"others may put files into {path.parent}", f"chmod 700 {path.parent}")
        elif patient.settings is not None:
            yield ok("private file", str(path))
        return
    stem = path.stem.rpartition("-")[0]
    if elsewhere := sorted(path.parent.glob(f"{stem}-*.env")):
        yield warning(
            "private file",
            f"there is none for {patient.project}, but one of another folder of that name: was the project moved?",
            f"if so, rename {elsewhere[0]} to {path.name}; else laktasi init",
        )


def look_at_key(patient: Patient) -> Iterator[Finding]:
    """Look at where the key comes from. Whether it is the right one, the warehouse tells."""
    from laktasi.settings.key_file import read_key_file

    settings = patient.settings
    if settings is None:
        return
    if settings.key is None and settings.key_file is None:
        yield ok("key", "none is given: the private data are not encrypted by laktasi")
        return
    if settings.key_file is None:
        yield ok("key", "it comes from LAKTASI_KEY")
        return
    try:
        read_key_file(settings.key_file, patient.folder.root)
    except LaktasiError as error:
        yield of_error("key", error)
    else:
        yield ok("key", str(settings.key_file))


def look_at_messages(patient: Patient) -> Iterator[Finding]:
    """Say whether anybody is told when something needs a person."""
    if patient.settings is None:
        return
    if patient.settings.notify.to is None:
        yield warning(
            "notifications",
            "nobody is told when a run fails or an adverse event comes in",
            "set LAKTASI_NOTIFY__TO in the private file (docs/notifications.md)",
        )
    else:
        count = len(patient.settings.notify.to.get_secret_value().split())
        yield ok("notifications", f"{count} addresses are set; try them: laktasi notify test")


def look_at_phones(patient: Patient) -> Iterator[Finding]:
    """See that the folders copied from phones are there."""
    for folder in patient.settings.phones if patient.settings else ():
        if folder.exists():
            yield ok("phones", str(folder))
        else:
            yield warning(
                "phones",
                f"{folder} is not there",
                "plug in the stick or card that it lies on, or correct phones in laktasi.toml",
            )


def look_at_project(patient: Patient) -> Iterator[Finding]:
    """Read the project's own files as a run does: forms and schemas."""
    if patient.settings is None:
        return
    from laktasi.pipeline import Run, declare, silent

    try:
        versions = versions_of(patient)
        declare(Run("", "cli", patient.settings), silent)
    except LaktasiError as error:
        yield of_error("project", error)
        return
    if not versions:
        yield warning(
            "project",
            f"there is no XLSForm in {patient.project / 'xlsforms'}",
            "put yours there, unless all forms come from Central or from phones",
        )
    else:
        named = ", ".join(f"{form} ({', '.join(sorted(those))})" for form, those in sorted(versions.items()))
        yield ok("project", f"forms: {named}; schemas can be read")


def versions_of(patient: Patient) -> dict[str, set[str]]:
    """Give the versions of each form that the project keeps.

    Raises
    ------
    QuestionnaireError
        One cannot be read.
    """
    from laktasi.questionnaire.xform import parse
    from laktasi.questionnaire.xlsform import convert

    found: dict[str, set[str]] = {}
    folder = patient.project / "xlsforms"
    xforms = [convert(path).xform for path in sorted(folder.glob("[!~.]*.xlsx"))]
    xforms += [path.read_bytes() for path in sorted(Path(folder).glob("fielded/*.xml"))]
    for xform in xforms:
        questionnaire = parse(xform, None)
        found.setdefault(questionnaire.form_id, set()).add(questionnaire.version)
    return found


def look_at_centrals(patient: Patient) -> Iterator[Finding]:
    """Look at each Central; where there is none, say so."""
    from laktasi.doctor.central import look_at_central

    if patient.settings is None:
        return
    if not patient.settings.central:
        yield ok("central", "none is set up: records come from phones' folders alone")
        return
    try:
        known = versions_of(patient)
    except LaktasiError:  # said by the project
        known = {}
    for name, central in patient.settings.central.items():
        yield from look_at_central(name, central, known=known, writes=patient.settings.feedback.send)
