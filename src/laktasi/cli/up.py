"""The command that keeps a study running every day: up."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import project_options, settings_for


@click.command(short_help="Keep the study running every day.")
@project_options
@click.option(
    "--phones",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Folder (or zip) of phones, in place of those in laktasi.toml; may be given several times.",
)
@click.option("--port", type=click.IntRange(1024, 65535), help="Of Prefect's page.  [default: 4200]")
def up(project: Path | None, data: Path | None, phones: tuple[Path, ...], port: int | None) -> None:
    """Keep the study running every day, until Ctrl-C: Prefect's server and a worker on this machine.

    The runs are those of prefect.yaml. What was missed while the machine was off is made up for once; what was killed
    is closed, and made up for where it is still due; where Prefect cannot be brought up, the daily run happens without
    it.
    """
    from laktasi.service.watch import watch

    given = tuple(folder.resolve() for folder in phones) or None
    settings = settings_for(project, data, phones=given)
    watch(settings, phones=given, port=port or settings.up.port, show=click.echo)
