"""Commands that keep what came from phones: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import project_options, settings_for, showing_progress

if TYPE_CHECKING:
    from laktasi.backing_up import BackedUp

NO_KEY = "The key is not in it, and nobody can read it without: keep the key apart, and a copy of it on paper."
NOT_ENCRYPTED = (
    "It is NOT encrypted: whoever holds it can read names and answers. To change that: laktasi key make FILE, then"
    " laktasi key change --to FILE"
)


@click.command(short_help="Copy everything that cannot be made again to another disk.")
@click.option("--to", type=click.Path(path_type=Path), help="Folder for it.  [default: backup.folder in laktasi.toml]")
@project_options
def backup(to: Path | None, project: Path | None, data: Path | None) -> None:
    """Copy all that cannot be made again into a new folder, and read it back.

    \b
    laktasi backup --to /media/ani/STICK

    What came from phones and Central, people's decisions, manifests, secret.key, xlsforms/, schemas/ and laktasi.toml.
    Runs may go on meanwhile. Older backups of the same warehouse make room, but for the newest (backup.keep) and one a
    month for a year. With a key in the settings all of it is encrypted; the key itself is never in it.
    """
    from laktasi.backing_up import back_up

    settings = settings_for(project, data)
    with showing_progress() as progress:
        made = back_up(settings, to=to, progress=progress)
    for line in lines_of(made):
        click.echo(line)


def lines_of(made: BackedUp) -> list[str]:
    """Say what was backed up."""
    from laktasi.backing_up import in_words

    listing = made.listing
    size = sum(one.bytes for one in listing.files.values())
    linked = f", {made.linked} of them as in the backup before" if made.linked else ""
    rows = listing.tables.get("raw.submissions", 0)
    return [
        f"Backup: {made.path}",
        f"  {len(listing.files)} files{linked}, {in_words(size)}, read back; {rows} versions of submissions",
        f"  backups of this warehouse there: {made.kept}" + "".join(f"; removed {name}" for name in made.removed),
        *(f"  {note}" for note in made.notes),
        NO_KEY if listing.is_encrypted else NOT_ENCRYPTED,
    ]
