"""``laktasi lake``: from a file to a lake that several workers share, and back."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import project_options, settings_for


@click.group()
def lake() -> None:
    """Move the warehouse to a shared lake, or back."""


@lake.command()
@project_options
def move(project: Path | None, data: Path | None) -> None:
    """Copy the warehouse of the data folder into the lake that laktasi.toml names, and prove that all is there.

    The lake is empty before. What is copied is put aside whole, into the folder before-lake: delete that once the first
    run on the lake and a backup have ended well.
    """
    from laktasi.moving import move_to_lake

    moved = move_to_lake(settings_for(project, data))
    click.echo(f"moved  {moved.rows} rows of {moved.tables} tables; each table was counted and hashed on both sides")
    click.echo(
        "next   laktasi run, then laktasi backup; when both have ended well, delete before-lake/ in the data folder"
    )


@lake.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@project_options
def save(file: Path, project: Path | None, data: Path | None) -> None:
    """Write all rows of the lake into FILE, a DuckDB file: a copy to keep, or the way back.

    It is encrypted if there is a key. As warehouse.duckdb in a data folder of a project without a lake it can be run
    with; attachments and secret.key are copied by hand.
    """
    from laktasi.moving import save_lake

    moved = save_lake(settings_for(project, data), file)
    click.echo(
        f"saved  {moved.rows} rows of {moved.tables} tables in {file}; each was counted and hashed on both sides"
    )
