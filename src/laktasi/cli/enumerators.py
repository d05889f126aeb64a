"""Commands about the people who fill in the forms."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import project_options, settings_for

list_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
which_source = click.option("--source", metavar="NAME", help="Which Central of laktasi.toml, where there are several.")


@click.group(short_help="Give enumerators access, their sheets, and their to-do lists.")
def enumerators() -> None:
    """Enumerators: access to Central from a list, a sheet to set up each phone, and to-do lists."""


@enumerators.command("sync")
@list_file
@project_options
@which_source
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--revoke-missing", is_flag=True, help="Take access from app users that the list does not name.")
def sync(
    file: Path, project: Path | None, data: Path | None, source: str | None, dry_run: bool, revoke_missing: bool
) -> None:
    """Make Central's app users agree with FILE, and write a sheet for each who is active.

    FILE is CSV: code, name, language (id or en), active (yes or no), and forms (form ids; all that are published, if
    empty).
    On Central an app user is called by the code alone. The sheets hold keys: they lie in fieldwork/sheets of the data
    folder, readable by you only.
    """
    from laktasi.fieldkit import sync_enumerators

    sync_enumerators(
        settings_for(project, data),
        file,
        source=source,
        dry_run=dry_run,
        revoke_missing=revoke_missing,
        tell=click.echo,
    )


@enumerators.command("sheets")
@list_file
@project_options
@which_source
def sheets(file: Path, project: Path | None, data: Path | None, source: str | None) -> None:
    """Write the sheets of FILE again, and change nothing on Central."""
    from laktasi.fieldkit import write_sheets

    write_sheets(settings_for(project, data), file, source=source, tell=click.echo)


@enumerators.command("todo")
@project_options
def todo(project: Path | None, data: Path | None) -> None:
    """Write each enumerator's to-do list: what is to be mended in which record, by study code."""
    from laktasi.feedback import write_todo_lists

    click.echo(f"To-do lists: {write_todo_lists(settings_for(project, data))}")
