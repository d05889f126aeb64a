"""The command that says back to Central what is wrong with which record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import is_terminal, print_table, print_values, project_options, settings_for, showing_progress

if TYPE_CHECKING:
    from laktasi.feedback import Told

COLUMNS = ("source", "form_id", "submission_id", "state", "then", "what", "comment", "rules", "why")
WRITTEN = ("flagged", "said", "mended")


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
    from laktasi.feedback import give_feedback

    settings = settings_for(project, data)
    with showing_progress() as progress:
        told = give_feedback(settings, send=send, source=source, progress=progress)
    _print(told)
    click.echo(_summary(told, send), err=True)
    if told.broken_off:
        # All of them are told; the last one gives the exit code.
        *others, last = told.broken_off.values()
        for error in others:
            click.echo(f"Error: {error}", err=True)
        raise last


def _print(told: Told) -> None:
    rows = [
        (
            line.source,
            line.form_id,
            line.submission_id,
            line.state_before or "received",
            line.state_after or "received",
            line.kind.replace("_", " "),
            "yes" if line.has_comment else "",
            " ".join(line.rule_ids),
            line.reason,
        )
        for line in told.lines
    ]
    if not is_terminal():
        print_values(COLUMNS, rows)
    elif rows:
        print_table(COLUMNS, rows)


def _summary(told: Told, send: bool) -> str:
    counts = {
        "flagged" if send else "to flag": told.count("flagged"),
        "told" if send else "to tell": told.count("said"),
        "taken back" if send else "to take back": told.count("mended"),
        "left to people": told.count("left_alone"),
        "changed on the server since they were checked": told.count("waits"),
        "gone from the server": told.count("gone"),
        "for the next run": told.postponed,
        "with nothing new": told.as_before,
    }
    said = ", ".join(f"{count} {words}" for words, count in counts.items() if count) or "nothing to say"
    if not send and told.count(*WRITTEN):
        said += "\nNothing was written. Next: laktasi feedback --send"
    return said
