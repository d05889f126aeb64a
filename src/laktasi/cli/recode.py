"""The command that gives the texts of "other, which?" questions their meaning."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import is_terminal, print_table, print_values, project_options, settings_for

COLUMNS = ("form", "question", "parent", "texts", "records", "frequencies")


@click.command(short_help="Say what the texts under “other” mean.")
@project_options
@click.option("--to", "target", type=click.Path(path_type=Path), help="Write all open texts into this new workbook.")
@click.option(
    "--from", "source", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Take a workbook back."
)
@click.option("--reporter", metavar="NAME", help="Who decided, where the workbook does not say.")
@click.option("--why", metavar="TEXT", help="Why, where the workbook does not say.")
def recode(
    project: Path | None,
    data: Path | None,
    target: Path | None,
    source: Path | None,
    reporter: str | None,
    why: str | None,
) -> None:
    """Say which choice the texts of “other, which?” questions mean, for all records that have them or will.

    Without an option: how many texts are open for each such question, in how many records, and how often each choice
    of its parent was given. No text is shown.

    The workbook of --to holds the texts. It is private; choose in its column "choice", and take it back with --from:
    each row with a choice becomes a decision in schemas/corrections/, and the next run applies it.
    """
    from laktasi.desk.recoding import hand_out, open_texts, take_back

    if target and source:
        raise click.UsageError("--to and --from are two steps: one command for each")
    settings = settings_for(project, data)
    if source:
        made = take_back(settings, source, reporter=reporter, why=why)
        click.echo(f"{made.written} decisions written, {made.known} known before, {made.empty} texts still open")
        if made.path:
            click.echo(f"{made.path}\nNext: laktasi run")
        return
    found = hand_out(settings, target) if target else open_texts(settings)
    rows = [
        (
            item.form_id,
            item.question,
            item.parent,
            len(item.texts),
            sum(records for _, records in item.texts),
            ", ".join(f"{choice.value} {choice.records}" for choice in (*item.choices, *item.other)),
        )
        for item in found
    ]
    if is_terminal():
        print_table(COLUMNS, rows)
    else:
        print_values(COLUMNS, rows)
    if target:
        click.echo(f"{target} holds answers: keep it as private as the data folder", err=True)
