"""The command that writes what may go out."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import project_options, settings_for, showing_progress


@click.command(short_help="Write a folder that can be archived and given to others.")
@project_options
@click.option("--to", type=click.Path(path_type=Path), help="Folder to write.  [default: release/ in the data folder]")
@click.option("--language", type=click.Choice(["id", "en"]), help="Of labels and texts.  [default: the project's]")
@click.option("--dry-run", is_flag=True, help="Print the disclosure report, and write nothing.")
def release(project: Path | None, data: Path | None, to: Path | None, language: str | None, dry_run: bool) -> None:
    """Write the accepted records and the results, by the rule in schemas/release.yml, so that they can be published.

    CSV, Parquet, DuckDB, SPSS and Stata, with codebook, questionnaire, README and a disclosure report. The files are
    read back before they take their place; what breaks the rule is refused (exit code 11). docs/release.md tells how
    to choose the rule.
    """
    from laktasi.releasing import release as write

    settings = settings_for(project, data)
    with showing_progress() as progress:
        made = write(settings, to=to, language=language, is_trial=dry_run, progress=progress)
    if dry_run:
        click.echo(made.report)
        for question, codes in made.withheld.items():
            click.echo(f"withheld, {question}: {', '.join(codes) or 'none'}", err=True)
        return
    told = made.told
    withheld = sum(column["withheld"] for column in told["quasi"])
    click.echo(f"{told['records']} of {told['accepted']} accepted records, k = {told['rule']['k']}:"
               f" {withheld} answers withheld in {told['records_touched']} of them")  # fmt: skip
    for pair in told["pairs"]:
        click.echo(
            f"{pair['exposure']} × {pair['outcome']}: {pair['shown']} centres shown, {pair['withheld']} withheld"
        )
    click.echo(f"Release: {made.path}")
