"""The commands about messages: notify test, notify show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import project_options, settings_for
from laktasi.errors import LaktasiError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from laktasi.notifying.addresses import Unusable

NEXT = "docs/notifications.md says how addresses are written; set LAKTASI_NOTIFY__TO"


@click.group(short_help="Who is told what by e-mail or chat, without asking.")
def notify() -> None:
    """Tell people by e-mail or chat when a scheduled run needs them.

    Addresses stand in LAKTASI_NOTIFY__TO, in the environment or the project's private file.
    """


@notify.command(short_help="Send a test message to every address.")
@project_options
def test(project: Path | None, data: Path | None) -> None:
    """Send a test message to every address, and say of each whether the service took it."""
    from laktasi.notifying import telling

    settings = settings_for(project, data)
    results, unusable = telling.test(settings)
    for address, why in results:
        click.echo(f"{address.shown}: {f'not sent: {why}' if why else 'sent'}")
    _tell_unusable(unusable)
    if not results and not unusable:
        raise SettingsError("there is nobody to tell: no address is set", next_step=NEXT)
    if unusable or any(why for _, why in results):
        raise LaktasiError(
            "not every address got the test message",
            next_step="see the lines above and docs/notifications.md, then: laktasi notify test",
        )


@notify.command(short_help="Print what would be sent now, and what waits.")
@project_options
def show(project: Path | None, data: Path | None) -> None:
    """Print what a run that ended now would tell, and the messages that wait. Nothing is sent."""
    from laktasi.notifying import telling

    settings = settings_for(project, data)
    shown = telling.show(settings)
    click.echo(f"Told of: {', '.join(settings.notify.on)}")
    for address in shown.addresses:
        click.echo(f"To: {address.shown}")
    _tell_unusable(shown.unusable)
    if not shown.addresses:
        click.echo(f"Nobody is told: no address can be used. Next: {NEXT}")
    for message in shown.waiting:
        click.echo(f"\n--- waits for {len(message.to)} of them, since {message.made_at[:16]}Z")
        click.echo(f"{message.subject}\n\n{message.body}")
    if shown.message is None:
        click.echo("\nA run that ended well now would tell nothing new.")
    else:
        click.echo("\n--- would be sent after a run that ended well now")
        click.echo(f"{shown.message.subject}\n\n{shown.message.body}")


def _tell_unusable(unusable: Sequence[Unusable]) -> None:
    for one in unusable:
        click.echo(f"address {one.number}: not used: {one.why}")
