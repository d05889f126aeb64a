"""The command that says back to Central what is wrong with which record."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import is_terminal, print_table, print_values, project_options, settings_for, showing_progress


@click.command(short_help="Say back to Central what is wrong with which record.")
@click.option("--send/--dry-run", default=False, show_default="dry run", help="Write; or only tell what would be.")
@click.option("--source", metavar="NAME", help="Only this Central, as laktasi.toml names it.")
@project_options
def feedback(project: Path | None, data: Path | None, send: bool, source: str | None) -> None:
    """Set hasIssues on Central, with one comment that names the rules, where a record has open findings.

    When all is mended the state goes back to what it was. What a person approved or rejected is left alone, and told.
    Without --send nothing is written: the list says what would be. No answer is ever in a comment.

    The findings are those of the latest run: laktasi run comes first.
    """
    from laktasi.feedback import COLUMNS, give_feedback, summary_of

    settings = settings_for(project, data)
    with showing_progress() as progress:
        told = give_feedback(settings, send=send, source=source, progress=progress)
    rows = [line.row(is_sent=told.is_sent) for line in told.lines]
    if not is_terminal():
        print_values(COLUMNS, rows)
    elif rows:
        print_table(COLUMNS, rows)
    click.echo(summary_of(told), err=True)
    if told.broken_off:
        # All of them are told; the last one gives the exit code.
        *others, last = told.broken_off.values()
        for error in others:
            click.echo(f"Error: {error}", err=True)
        raise last
