"""Commands about questionnaires."""

from __future__ import annotations

from pathlib import Path

import click

from laktasi.cli.common import project_options, settings_for


@click.group(short_help="Check a questionnaire, and publish it on Central.")
def forms() -> None:
    """Questionnaires: check one before it goes to the field, and publish it on Central."""


@forms.command("check")
@click.argument("xlsform", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(xlsform: Path) -> None:
    """Check XLSFORM: what pyxform and ODK Validate say, and what laktasi needs beyond them.

    With an error the form cannot go to the field, and the exit code is 3. A warning says what would be missed later.
    """
    from laktasi.publishing import editing
    from laktasi.questionnaire.check import check_form
    from laktasi.questionnaire.xlsform import convert

    result = check_form(xlsform)
    for message in result.errors:
        click.echo(f"error    {message}")
    for message in result.warnings:
        click.echo(f"warning  {message}")
    click.echo(result.summary)
    if result.errors:
        raise SystemExit(3)
    click.echo(editing(convert(xlsform).xform))


@forms.command("publish")
@click.argument("xlsforms", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@project_options
@click.option("--source", metavar="NAME", help="Which Central of laktasi.toml, where there are several.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--accept-changes", is_flag=True, help="Publish although it changes what has been collected.")
@click.option("--replace-draft", is_flag=True, help="Take the place of another draft that stands on Central.")
@click.option("--as-xform", is_flag=True, help="Send the XForm made here, where the server's pyxform makes another.")
def publish(
    xlsforms: tuple[Path, ...],
    project: Path | None,
    data: Path | None,
    source: str | None,
    dry_run: bool,
    accept_changes: bool,
    replace_draft: bool,
    as_xform: bool,
) -> None:
    """Publish XLSFORMS on Central with their media; all of the project's, if none is named.

    Each is checked, compared with what is in the field, put up as a draft, and published. What it changes is said
    before. A version that is published already and is the same is left alone; one that differs is refused.
    """
    from laktasi.publishing import Choices, publish_forms

    publish_forms(
        settings_for(project, data),
        [path.resolve() for path in xlsforms],
        source=source,
        dry_run=dry_run,
        choices=Choices(accept_changes, replace_draft, as_xform),
        tell=click.echo,
    )
