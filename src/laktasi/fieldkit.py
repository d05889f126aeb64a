"""Who fills in the forms: enumerators as Central's app users, and a sheet of paper for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.errors import SettingsError

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection
    from laktasi.odk.enumerators import AppUser, Enumerator, Plan, Step
    from laktasi.settings import CentralSettings, Settings

Tell = Callable[[str], None]
"""Called with one line for people, as things are done."""

# Of each step, what was done and what would be.
DONE = {
    "make": "gets access",
    "assign": "gets the form",
    "unassign": "no longer gets the form",
    "revoke": "has no access any more",
}
WOULD = {
    "make": "would get access",
    "assign": "would get the form",
    "unassign": "would no longer get the form",
    "revoke": "would lose access",
}
SHEETS = "sheets"
"""Folder of the sheets below that of all that is printed; each source has one of its own in it."""


def source_called(settings: Settings, name: str | None) -> tuple[str, CentralSettings]:
    """Give the source that a command works on: the only one, or the one that is named.

    Raises
    ------
    SettingsError
        There is none, or none of that name, or several and no name.
    """
    chosen, *others = settings.centrals(name).items()
    if others:
        raise SettingsError(
            f"there are several Centrals: {', '.join(settings.central)}", next_step="name one: --source NAME"
        )
    return chosen


def sync_enumerators(
    settings: Settings,
    path: Path,
    *,
    source: str | None = None,
    dry_run: bool = False,
    revoke_missing: bool = False,
    tell: Tell = lambda _: None,
) -> list[Path]:
    """Make Central's app users agree with a list of enumerators, and write a sheet for each who is active.

    Parameters
    ----------
    path
        The list, see :func:`laktasi.odk.enumerators.read_enumerators`.
    dry_run
        Say what would be done and do nothing.
    revoke_missing
        Take their access from app users that the list does not name.
    tell
        Called with each line for people; lines name codes, never persons of the list.

    Returns
    -------
    list of Path
        The sheets.

    Raises
    ------
    SettingsError
        The list cannot be used; nothing was changed.
    SourceError
        Central cannot be reached or refuses the account. What was done stands, and the next sync does the rest.
    """
    from laktasi.odk import enumerators
    from laktasi.odk.connection import connect

    listed = enumerators.read_enumerators(path)
    name, central = source_called(settings, source)
    with connect(central, settings.data_folder.tokens) as connection:
        planned = enumerators.plan(connection, listed, revoke_missing=revoke_missing)
        if dry_run:
            for line in (*(_told(step, WOULD) for step in planned.steps), *_unlisted(planned)):
                tell(line)
            return []
        users = enumerators.carry_out(connection, planned, lambda step: tell(_told(step, DONE)))
        for line in _unlisted(planned):
            tell(line)
        revoked = [step.code for step in planned.steps if step.action == "revoke" and enumerators.is_code(step.code)]
        for gone in {*(one.code for one in listed if not one.is_active), *revoked} - users.keys():
            _sheet(settings, name, gone).unlink(missing_ok=True)
        return _write_sheets(settings, name, central, connection, listed, users, tell)


def write_sheets(
    settings: Settings, path: Path, *, source: str | None = None, tell: Tell = lambda _: None
) -> list[Path]:
    """Write the sheets of a list again, and change nothing on Central.

    Parameters are those of :func:`sync_enumerators`. Who is active in the list and has no access on Central is told.
    """
    from laktasi.odk import enumerators
    from laktasi.odk.connection import connect

    listed = enumerators.read_enumerators(path)
    name, central = source_called(settings, source)
    with connect(central, settings.data_folder.tokens) as connection:
        users = enumerators.plan(connection, listed).users
        return _write_sheets(settings, name, central, connection, listed, users, tell)


def _told(step: Step, words: Mapping[str, str]) -> str:
    form = f" {step.form_id}" if step.form_id else ""
    cable = "; what its phone has not sent comes by cable" if step.action == "revoke" else ""
    return f"{step.code}: {words[step.action]}{form}{cable}"


def _unlisted(planned: Plan) -> list[str]:
    lines = [
        f"{name}: has access and is not in the list, or stands there twice; --revoke-missing takes it away"
        for name in planned.unlisted
    ]
    return lines if lines or planned.steps else ["Central agrees with the list"]


def _write_sheets(
    settings: Settings,
    name: str,
    central: CentralSettings,
    connection: Connection,
    listed: Sequence[Enumerator],
    users: Mapping[str, AppUser],
    tell: Tell,
) -> list[Path]:
    from laktasi.odk.collect_settings import as_qr_text, collect_settings
    from laktasi.odk.publish import is_editable, published_forms, xform_of
    from laktasi.report.sheet import Sheet, write_sheet

    host = central.host
    if host == "localhost" or host.startswith("127."):
        tell(f"warning: phones cannot reach {host}; set central.url to the address that they use")
    elif not central.url.startswith("https://"):
        tell(f"warning: {host} is called without encryption: keys and answers can be read on the way")
    settings.data_folder.make()
    fieldwork = settings.data_folder.fieldwork
    for folder in (fieldwork, fieldwork / SHEETS):
        folder.mkdir(mode=0o700, exist_ok=True)
    project = str(connection.json(connection.project)["name"])
    titles = published_forms(connection)
    editable = {form_id: is_editable(xform_of(connection, form_id)) for form_id in titles}
    written = []
    for one in listed:
        if not one.is_active:
            continue
        if (user := users.get(one.code)) is None:
            tell(f"{one.code}: has no access, so there is no sheet; laktasi enumerators sync gives it")
            continue
        forms = one.forms or tuple(titles)
        settings_of_phone = collect_settings(
            central.url, central.project, user.token, project_name=project, code=one.code, language=one.language
        )
        sheet = Sheet(
            code=one.code,
            name=one.name,
            language=one.language,
            project=project,
            server=host,
            forms=tuple(titles[form_id] for form_id in forms),
            is_editable=bool(forms) and all(editable[form_id] for form_id in forms),
            qr=as_qr_text(settings_of_phone),
        )
        target = _sheet(settings, name, one.code)
        write_sheet(target, sheet)
        written.append(target)
    if written:
        tell(f"sheets written: {len(written)}, in {written[0].parent}; each holds a key: keep them private")
    return written


def _sheet(settings: Settings, source: str, code: str) -> Path:
    return settings.data_folder.fieldwork / SHEETS / source / f"{code}.html"
