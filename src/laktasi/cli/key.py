"""Commands for the key that the private files are encrypted with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import project_options, settings_for, showing_progress

if TYPE_CHECKING:
    from laktasi.settings import Settings


@click.group(short_help="Encrypt the data folder: make a key, change it, take it off.")
def key() -> None:
    """Encrypt what is private in the data folder. docs/safety.md tells what that protects, and what not."""


@key.command(short_help="Make a key in a file of its own.")
@project_options
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def make(project: Path | None, data: Path | None, file: Path) -> None:
    """Make a new key in FILE, which must not be there yet. Only you can read it.

    \b
    laktasi key make ~/laktasi.key

    It must not lie in the data folder or the project: whoever copies these would have both.
    """
    from laktasi.settings import read_settings_alone
    from laktasi.settings.key_file import make_key_file

    settings = read_settings_alone(project, data=data.resolve() if data else None)
    made = make_key_file(file, settings.data_folder.root, settings.project)
    click.echo(f"Key: {made}\n\nNext:")
    where = "".join(f" --{name} {quote(str(given))}" for name, given in (("project", project), ("data", data)) if given)
    for number, line in enumerate(_to_use(settings, made.resolve(), where), 1):
        click.echo(f"  {number}. {line}")


def _to_use(settings: Settings, made: Path, where: str) -> Iterator[str]:
    """Say what to do with a new key, in this order: what is there is encrypted while the settings have the old one.

    Parameters
    ----------
    where
        Options that name the project and the data folder.
    """
    from laktasi.settings.private_file import private_environment

    yield (
        "Copy it now, onto paper best, and keep the copy apart from the data and the backups: without it nobody can"
        " read them, ever."
    )
    folder = settings.data_folder
    if folder.lake is None and folder.has_begun:
        yield f"laktasi key change --to {quote(str(made))}{where}    encrypts what is there already"
    if settings.key_file is None or settings.key_file.expanduser().resolve() != made:
        write, *more = _in_the_settings(settings, made, is_set=False)
        private = private_environment(settings.project)
        yield f"{write}\n     (or write what the file holds into {private}, mode 600: LAKTASI_KEY=…)"
        yield from more


@key.command(short_help="Encrypt the data folder with another key, or with none.")
@project_options
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="File with the new key.")
@click.option("--off", is_flag=True, help="Take encryption off: names and answers will stand there in plain.")
@click.option(
    "--from", "old", type=click.Path(dir_okay=False, path_type=Path), help="File with the old key.  [default: settings]"
)
def change(project: Path | None, data: Path | None, to: Path | None, off: bool, old: Path | None) -> None:
    """Encrypt all that is private in the data folder with the key in a file; also where it was plain until now.

    \b
    laktasi key change --to ~/laktasi.key
    laktasi key change --off

    All is written anew and read back before anything old is removed, so the disk must have room for both. Whatever
    interrupts it, the same command finishes it.
    """
    from laktasi.settings.key_file import read_key_file
    from laktasi.store.rekeying import change_key
    from laktasi.workplace import alone, apart_from_backups, check_begun, in_turn

    if off == (to is not None):
        raise click.UsageError("say either --to FILE or --off")
    settings = settings_for(project, data)
    folder = settings.data_folder
    folder.check_own()
    _refuse_lake(settings)
    check_begun(folder)
    new = read_key_file(to, folder.root) if to else None
    keys = [given for given in (settings.key, read_key_file(old, folder.root) if old else None) if given is not None]
    with alone(folder), apart_from_backups(folder), in_turn(folder), showing_progress() as progress:
        made = change_key(folder, keys, new, progress)
    how = f"encrypted with the key in {to}" if to else "plain: whoever has the folder can read names and answers"
    if made.tables:
        click.echo(f"{made.tables} tables with {made.rows} rows, compared one by one, and {made.files} files")
    click.echo(f"{folder.root} is {how}")
    if made.left:
        click.echo(f"Left as they are, and perhaps not encrypted: {', '.join(made.left)}")
    for line in _in_the_settings(settings, to, new is not None and _is_set(settings, new)):
        click.echo(line)


def _refuse_lake(settings: Settings) -> None:
    from laktasi.errors import WarehouseError

    if settings.data_folder.lake is not None:
        raise WarehouseError(
            "the key of a lake cannot be changed by this command",
            why="Its rows stand in a catalogue and in files that others share.",
            next_step="docs/ducklake.md tells how a lake is encrypted",
        )


def _is_set(settings: Settings, new: object) -> bool:
    return settings.key is not None and settings.key == new


def _in_the_settings(settings: Settings, to: Path | None, is_set: bool) -> list[str]:
    """Say what must stand in the settings from now on."""
    if is_set:
        return []
    name = settings.folders.settings_file.name
    where = "LAKTASI_KEY in the environment" if settings.key and not settings.key_file else f"key_file in {name}"
    if to is None:
        return [f"Now take out {where}"] if settings.key else []
    written = f'key_file = "{to.expanduser().resolve().as_posix()}"'
    lines = [f"Now write in {name}, above its first line in [brackets]: {written}"]
    if settings.key is not None:
        lines[0] += "" if settings.key_file else ", and unset LAKTASI_KEY"
        lines.append("Keep the old key as long as you keep backups that were made with it.")
    return lines
