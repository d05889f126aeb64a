"""The command line. One module per kind of command; whatever takes time to import is imported inside the command."""

from __future__ import annotations

import click

from laktasi import __version__
from laktasi.cli import (
    back_checks,
    backup,
    check,
    doctor,
    enumerators,
    feedback,
    findings,
    forget,
    forms,
    init,
    kendall,
    key,
    lake,
    notify,
    read,
    recode,
    release,
    reproduce,
    run,
    sample_size,
    service,
    up,
)
from laktasi.errors import LaktasiError


class Laktasi(click.Group):
    """The group of all commands: turns what a user can mend into its lines and its exit code, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LaktasiError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """List the commands in the order in which they are needed."""
        return list(self.commands)


@click.group(cls=Laktasi, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="laktasi")
def main() -> None:
    """Survey data from an ODK questionnaire on a phone to an analysis people can trust.

    A first look: laktasi demo. Your own study: laktasi import FOLDER, then laktasi run.
    """


for command in (
    run.demo,
    init.init,
    doctor.doctor,
    forms.forms,
    check.check,
    enumerators.enumerators,
    run.import_,
    run.run,
    up.up,
    service.service,
    read.status,
    read.arrivals,
    findings.findings,
    recode.recode,
    feedback.feedback,
    notify.notify,
    back_checks.back_checks,
    kendall.kendall,
    sample_size.sample_size,
    reproduce.analyse,
    reproduce.changes,
    reproduce.verify,
    read.report,
    release.release,
    backup.backup,
    backup.restore,
    key.key,
    forget.forget,
    read.sql,
    lake.lake,
):
    main.add_command(command)
