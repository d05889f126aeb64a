"""The commands that give `laktasi up` to the system: service install, remove, status."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import project_options, settings_for

name_option = click.option(
    "--name", default="laktasi", show_default=True, help="Of the service, where you have several."
)


@click.group(short_help="Keep it up over restarts of the machine.")
def service() -> None:
    """Keep laktasi up running over restarts of the machine, as a service of your own account."""


@service.command(short_help="Install and start the service.")
@project_options
@click.option(
    "--phones",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="As for laktasi up: in place of those in laktasi.toml.",
)
@click.option("--port", type=click.IntRange(1024, 65535), help="As for laktasi up.")
@name_option
@click.option("--print", "only_print", is_flag=True, help="Only print what would be written, and where.")
def install(
    project: Path | None, data: Path | None, phones: tuple[Path, ...], port: int | None, name: str, only_print: bool
) -> None:
    """Install laktasi up as a service of your own account, and start it.

    On Linux a systemd user unit, on macOS a launchd agent, on Windows a task of the Task Scheduler. No password is
    written into it: those stand in the private file that every command reads.
    """
    from laktasi.service.installing import install, text_of
    from laktasi.service.units import command

    folders = tuple(folder.resolve() for folder in phones)
    settings = settings_for(project, data, phones=folders or None)
    settings.data_folder.check_own()
    line = command(settings.project, settings.data_folder.root, folders, port)
    if only_print:
        path, text = text_of(name, line, settings.project)
        click.echo(f"# {path}", err=True)
        click.echo(text, nl=False)
        return
    for said in install(settings, name, line):
        click.echo(said)


@service.command(short_help="Stop the service, and take it away.")
@project_options
@name_option
def remove(project: Path | None, data: Path | None, name: str) -> None:
    """Stop the service, and take it away. The data folder stays as it is."""
    from laktasi.service.installing import remove

    for said in remove(settings_for(project, data), name):
        click.echo(said)


@service.command(short_help="Say whether it is installed, and at work.")
@project_options
@name_option
def status(project: Path | None, data: Path | None, name: str) -> None:
    """Say whether the service is installed, whether laktasi up is at work, and which runs come next."""
    from laktasi.service.installing import state
    from laktasi.service.telling import lines_of

    settings = settings_for(project, data)
    for said in (*state(settings, name), *lines_of(settings.data_folder, in_full=True)):
        click.echo(said)
