"""Commands about questionnaires."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(short_help="Check a questionnaire before it goes to the field.")
def forms() -> None:
    """Questionnaires: check one before it goes to the field."""


@forms.command("check")
@click.argument("xlsform", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(xlsform: Path) -> None:
    """Check XLSFORM: what pyxform and ODK Validate say, and what laktasi needs beyond them.

    With an error the form cannot go to the field, and the exit code is 3. A warning says what would be missed later.
    """
    from laktasi.questionnaire.check import check_form

    result = check_form(xlsform)
    for message in result.errors:
        click.echo(f"error    {message}")
    for message in result.warnings:
        click.echo(f"warning  {message}")
    click.echo(result.summary)
    if result.errors:
        raise SystemExit(3)
