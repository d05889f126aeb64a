"""The command that sets a project up. On a terminal it asks; elsewhere it takes options, and names those that lack."""

from __future__ import annotations

import os
import sys
from copy import deepcopy
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from laktasi.cli.common import asking
from laktasi.errors import DoctorError, SettingsError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from laktasi.doctor.finding import Finding
    from laktasi.settings import CentralSettings, Settings

PASSWORD = "LAKTASI_CENTRAL__PASSWORD"  # noqa: S105 - the name of a variable
Values = dict[str, Any]
"""Settings as laktasi.toml holds them: a table is a mapping."""


@click.command(short_help="Set up a project: its folders and its settings.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--url", help="Address of your ODK Central; none where phones are copied by cable only.")
@click.option("--project-id", type=click.IntRange(min=1), help="Number of the project on Central.")
@click.option("--email", help="Account on Central. Its password is asked for, or read from a file.")
@click.option("--password-file", type=click.File(encoding="utf-8"), help="File with the password; - is standard input.")
@click.option("--forms", help="Form ids with commas between them.  [default: every published form]")
@click.option("--phones", multiple=True, help="Folder copied from phones, taken in at every run. May be repeated.")
@click.option("--language", type=click.Choice(["id", "en"]), help="Of messages, lists and report.  [default: en]")
@click.option("--backup-folder", help="Folder for backups, best on another disk.")
@click.option("--key-file", help="File with the key that private data are encrypted with, apart from the data.")
@click.option("--yes", is_flag=True, help="Ask nothing: what is not given stays as it was, or is left to its default.")
def init(
    folder: Path | None,
    password_file: IO[str] | None,
    yes: bool,
    **options: Any,
) -> None:
    """Set up the project in FOLDER (this checkout, if none is named): its folders, and its settings in laktasi.toml.

    On a terminal it asks for what is not given, and says why. A laktasi.toml that is there stays beside the new one,
    which takes its settings over. The password goes into a private file outside the project, never into laktasi.toml.
    Where Central can be reached, address, account and forms are tried at once.
    """
    from laktasi.paths import HOUSE
    from laktasi.setting_up.writing import check_settings, make_project, write_settings
    from laktasi.settings import read_settings_alone

    root = (folder or HOUSE).resolve()
    is_asked = not yes and is_somebody_there()
    with asking(
        "Nothing was written.", instead="type it in a terminal; or give options, and --yes, which asks nothing"
    ):
        values = _with(_before(root, is_asked=is_asked, yes=yes), options)
        password = password_file.read().rstrip("\r\n") if password_file else None
        if is_asked:
            password = _ask(root, values, options, password)
        else:
            _refuse_gaps(root, values, password, yes=yes)
    text = check_settings(values)  # before anything is made

    made = make_project(root)
    kept = write_settings(root, text)
    for path in made:
        click.echo(f"made     {path}")
    click.echo(f"written  {root / 'laktasi.toml'}" + (f" (as it was: {kept.name})" if kept else ""))
    _write_password(root, password, has_central=bool(values["central"]))
    settings = read_settings_alone(root)
    found = list(_tried(settings))
    for finding in found:
        click.echo(f"{finding.state:8} {finding.name}: {finding.sentence}")
        if finding.next_step:
            click.echo(f"         Next: {finding.next_step}")
    click.echo("\nNext:")
    for number, line in enumerate(_next_steps(settings, root, is_here=root == HOUSE), 1):
        click.echo(f"  {number}. {line}")
    if any(finding.state == "wrong" and finding.name not in settings.central for finding in found):
        raise DoctorError(
            "the settings are written, and something on Central is not as it should be",
            next_step="see the lines above; laktasi doctor looks again",
        )


def _write_password(root: Path, password: str | None, *, has_central: bool) -> None:
    """Write the password into the private file; one that nothing asks for any more is taken out of it."""
    from laktasi.settings.private_file import read_private_environment, write_private_environment

    if password is not None:
        path = write_private_environment(root, {PASSWORD: password})
        click.echo(f"written  {path} (the password; readable by you alone)")
    elif not has_central and PASSWORD in read_private_environment(root):
        path = write_private_environment(root, {PASSWORD: None})
        click.echo(f"written  {path} (without the password)")


def is_somebody_there() -> bool:
    """Say whether there is a terminal to ask on."""
    return sys.stdin.isatty() and sys.stdout.isatty()


# What is known before anything is asked.


def _before(root: Path, *, is_asked: bool, yes: bool) -> Values:
    """Give the settings that are there, once it is clear that they may be written anew."""
    from laktasi.setting_up.writing import given_before

    path = root / "laktasi.toml"
    if not path.exists():
        if root.exists() and not root.is_dir():
            raise SettingsError(f"{root} is a file", next_step="name a folder: laktasi init FOLDER")
        return {}
    before = given_before(root)
    if is_asked:
        click.echo(f"{path} is there already. It is kept beside the new one, which takes its settings over.")
        click.confirm("Write it anew?", default=False, abort=True)
    elif not yes:
        raise SettingsError(
            f"{path} is there already",
            next_step="add --yes: it is kept beside the new one, which takes its settings over",
        )
    return before


def _with(before: Values, options: Mapping[str, Any]) -> Values:
    """Give the settings with what the options say."""
    values = deepcopy(before)
    central = values.setdefault("central", {})
    if "form" in central:
        central["forms"] = [central.pop("form")]
    of_central = {"url": "url", "project_id": "project", "email": "email", "forms": "forms"}
    told = {key: options[name] for name, key in of_central.items() if options[name] is not None}
    if told and _has_several(values):
        raise SettingsError(
            "laktasi.toml names several Centrals, so it is not clear which one is meant",
            next_step="edit its parts [central.NAME]; laktasi doctor says whether they work",
        )
    central |= told
    if isinstance(central.get("forms"), str):
        central["forms"] = _names(central["forms"])
    if options["language"]:
        values["language"] = options["language"]
    if options["phones"]:
        values["phones"] = [_place(folder) for folder in options["phones"]]
    if options["backup_folder"]:
        values.setdefault("backup", {})["folder"] = _place(options["backup_folder"])
    if options["key_file"]:
        values["key_file"] = _place(options["key_file"])
    return values


def _refuse_gaps(root: Path, values: Values, password: str | None, *, yes: bool) -> None:
    """Name what lacks and cannot be asked for."""
    central = values["central"]
    needed = {"url": "--url", "project": "--project-id", "email": "--email"}
    lacks = []
    if central and not _has_several(values):
        known = {key for key in needed if _known(root, f"LAKTASI_CENTRAL__{key.upper()}")}
        lacks = [option for key, option in needed.items() if key not in central.keys() | known]
        if password is None and not _known(root, PASSWORD):
            lacks.append(f"--password-file (or {PASSWORD} in the environment)")
    elif not central and not values.get("phones") and not yes:
        lacks = ["--url or --phones (or --yes: folders from phones are imported by hand)"]
    if lacks:
        raise SettingsError(
            f"not given: {', '.join(lacks)}",
            why="There is no terminal to ask on." if not yes else "--yes asks nothing.",
            next_step="run laktasi init again with what lacks; nothing has been written",
        )


def _has_several(values: Values) -> bool:
    return any(isinstance(part, dict) for part in values["central"].values())


def _known(root: Path, name: str) -> str | None:
    """Give a setting that is no matter of laktasi.toml, where the environment or the private file has it."""
    from laktasi.settings.private_file import read_private_environment

    return {**read_private_environment(root), **os.environ}.get(name)


def _names(told: str) -> list[str]:
    """Read names with commas between them; a dash is none."""
    return [name for part in told.split(",") if (name := part.strip()) not in ("", "-")]


def _place(folder: str) -> str:
    """Write a folder as it is wherever a command is started."""
    return Path(folder).expanduser().resolve().as_posix()


# Asking.


def _ask(root: Path, values: Values, options: Mapping[str, Any], password: str | None) -> str | None:
    """Ask for what the options do not say; the settings that were there are what Enter takes. Give the password."""
    click.echo(f"Setting up {root}. Enter takes what stands in brackets; Ctrl-C ends, and nothing is written.\n")
    if not options["language"]:
        _why("People read messages, to-do lists and the report in this language: id (Indonesian) or en (English).")
        languages = click.Choice(["id", "en"])
        values["language"] = click.prompt("Language", default=values.get("language", "en"), type=languages)
    if not _has_several(values):
        password = _ask_central(root, values["central"], options, password)
    if not options["phones"]:
        _why("Records can also come by cable or card: the folders copied from phones are taken in at every run.")
        before = ", ".join(values.get("phones", []))
        told = click.prompt("Folders copied from phones, with commas between them; - is none", default=before or "-")
        if told != before:
            values["phones"] = [_place(name) for name in _names(told)]
    if not options["backup_folder"]:
        _why("What was imported from phones may exist nowhere else. Backups belong on another disk than the data.")
        _ask_place("Folder for backups; - is none for now", values.setdefault("backup", {}), "folder")
    if not options["key_file"]:
        _why(
            "Names and answers can be encrypted on this disk. The key is then a file apart from the data, on a stick"
            " perhaps. Without the key nobody can read the data again, neither can you."
        )
        _ask_place("File with the key; - is no encryption", values, "key_file")
    return password


def _ask_place(question: str, values: Values, name: str) -> None:
    before = values.get(name, "-")
    told = click.prompt(question, default=before)
    if told == "-":
        values.pop(name, None)
    elif told != before:
        values[name] = _place(told)


def _ask_central(root: Path, central: Values, options: Mapping[str, Any], password: str | None) -> str | None:
    from laktasi.settings import address_of

    if not options["url"]:
        _why("ODK Central is the server that phones send to. Without one, records come from phones by cable alone.")
        told = click.prompt("Address of Central; - is none", default=central.get("url", "-"), value_proc=_address)
        if not told:
            central.clear()
            return None
        central |= told
    central["url"] = address_of(central["url"])
    while True:
        if not options["email"]:
            _why(
                "Laktasi reads with an account of its own or yours: Project Viewer to read, Project Manager to publish."
            )
            central["email"] = click.prompt("E-mail of the account", default=central.get("email"))
        if password is None:
            password = _ask_password(root)
        try:
            projects = _projects(central, password or _known(root, PASSWORD))
        except SourceError as error:
            click.secho(f"\n{error.what}.", fg="red")
            is_refused = getattr(error, "status", None) == 401
            question = "Type e-mail and password again? (No goes on: laktasi doctor can try them later)"
            if click.confirm(question, default=is_refused):
                password, options = None, {**options, "email": None}
                continue
            projects = {}
        break
    if not options["project_id"]:
        _why("A server holds several projects; these are the ones that this account sees." if projects else _NUMBER)
        for number, name in sorted(projects.items()):
            click.echo(f"  {number}  {name}")
        only = next(iter(projects)) if len(projects) == 1 else None
        central["project"] = click.prompt(
            "Number of the project", type=click.IntRange(min=1), default=central.get("project", only)
        )
    if not options["forms"]:
        _ask_forms(central, password or _known(root, PASSWORD))
    return password


_NUMBER = "The project's number stands in the address of its page on Central: …/projects/NUMBER."


def _ask_forms(central: Values, password: str | None) -> None:
    from laktasi.odk.access import access_to, signed_in

    published: list[str] = []
    try:
        with signed_in(_central(central, password)) as connection:
            published = sorted(access_to(connection).forms)
    except SourceError:
        pass  # it is said again below, once the settings are written
    _why("Only these forms are read. A dash reads every form that is published in the project, later ones too.")
    if published:
        click.echo(f"  published: {', '.join(published)}")
    before = ", ".join(central.get("forms", []))
    told = click.prompt("Form ids, with commas between them; - is all", default=before or "-")
    central["forms"] = _names(told)


def _ask_password(root: Path) -> str | None:
    if _known(root, PASSWORD):
        _why("A password is known already. Enter keeps it.")
        return click.prompt("Password", default="", hide_input=True, show_default=False) or None
    _why("It is kept in a file that you alone may read, outside the project.")
    return str(click.prompt("Password", hide_input=True))


def _projects(central: Values, password: str | None) -> dict[int, str]:
    from laktasi.odk.access import projects_of, signed_in

    with signed_in(_central({"project": 1, **central}, password)) as connection:
        return projects_of(connection)


def _central(central: Values, password: str | None) -> CentralSettings:
    from laktasi.settings import CentralSettings

    return CentralSettings.model_validate({**central, "password": password})


def _address(told: str) -> Values:
    """Read an address as people give it: that of a project's page names the project, too."""
    import re

    from laktasi.settings import address_of

    if told.strip() in ("", "-"):
        return {}
    server, _, page = told.partition("#")
    try:
        found: Values = {"url": address_of(server)}
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if project := re.search(r"/projects/(\d+)", page):
        found["project"] = int(project[1])
    return found


def _why(text: str) -> None:
    click.echo()
    click.secho(text, dim=True)


# After it is written.


def _tried(settings: Settings) -> Iterator[Finding]:
    """Look at what the settings name: folders may be on a stick that is not plugged in, or misspelt."""
    from laktasi.doctor.care import look_at_backup_folder
    from laktasi.doctor.central import look_at_central
    from laktasi.doctor.configuration import look_at_phones
    from laktasi.doctor.patient import Patient

    patient = Patient(settings.project, settings.data_folder, settings)
    yield from look_at_phones(patient)
    yield from look_at_backup_folder(patient)
    for name, central in settings.central.items():
        yield from look_at_central(name, central, writes=settings.feedback.send)


def _next_steps(settings: Settings, root: Path, *, is_here: bool) -> Iterator[str]:
    """Say the two or three next commands."""
    from laktasi.store.sealing import is_encrypted

    def is_plain(warehouse: Path) -> bool:
        return warehouse.exists() and not is_encrypted(warehouse)

    of_project = "" if is_here else f' --project "{root}"' if " " in str(root) else f" --project {root}"
    if settings.key_file is not None:
        if not settings.key_file.exists():
            yield f"laktasi key make {settings.key_file}{of_project}    makes the key; copy it to a safe place at once"
        if is_plain(settings.data_folder.warehouse):
            yield f"laktasi key change --to {settings.key_file}{of_project}    encrypts what is there already"
    if not any(settings.folders.xlsforms.glob("*.xlsx")):
        yield f"put your XLSForm into {settings.folders.xlsforms}, then: laktasi forms check FILE.xlsx"
    if settings.central or settings.phones:
        yield f"laktasi run{of_project}    takes in what there is, and prints where the report is"
    else:
        yield f"laktasi import FOLDER{of_project}, then laktasi run{of_project}"
    yield f"laktasi doctor{of_project}    says whether all is well; whenever something is not"
