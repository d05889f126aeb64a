"""Commands that keep what came from phones: backup, restore."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import project_options, settings_for, showing_progress

if TYPE_CHECKING:
    from laktasi.backing_up import BackedUp, Restored
    from laktasi.settings import Settings

NO_KEY = "The key is not in it, and nobody can read it without: keep the key apart, and a copy of it on paper."
SAME_DISK = "It lies on the disk of the data folder: what takes the laptop away takes both. Use another disk, too."
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

    What came from phones and Central, people's decisions, manifests, secret.key, xlsforms/, schemas/, laktasi.toml
    and the project's own prefect.yaml.
    Runs may go on meanwhile. Older backups of the same warehouse make room, but for the newest (backup.keep) and one
    of each of 12 months. With a key in the settings all of it is encrypted; the key itself is never in it.
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
        *([SAME_DISK] if made.is_on_same_disk else []),
        NO_KEY if listing.is_encrypted else NOT_ENCRYPTED,
    ]


@click.command(short_help="Put a backup back.")
@click.argument("backup", type=click.Path(path_type=Path))
@click.option(
    "--to", type=click.Path(path_type=Path), help="Data folder to be made.  [default: the project's; data/ in it]"
)
@click.option("--project", type=click.Path(file_okay=False, path_type=Path), help="Project folder; made if not there.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File with the key it was encrypted with.")
@click.option("--aside", is_flag=True, help="Move a data folder that is there aside.")
@click.option("--replace-project", is_flag=True, help="Take the backup's xlsforms/, schemas/ and settings, too.")
def restore(
    backup: Path, to: Path | None, project: Path | None, key_file: Path | None, aside: bool, replace_project: bool
) -> None:
    """Put BACKUP back: into a data folder that is empty or not there, and the project's files where they are missing.

    \b
    laktasi restore /media/ani/STICK/laktasi-survey-20261120T050000Z --project survey

    Every file is held against its hash, and the rows against those of the day it was made; what is torn is refused with
    the file's name, and then nothing is put back. Whoever left the study since is not brought back.
    """
    from laktasi.backing_up import restore as put_back

    settings = settings_for(project, None, key_file=key_file and key_file.resolve())
    with showing_progress() as progress:
        done = put_back(
            backup.resolve(),
            settings,
            to=to and to.resolve(),
            is_aside=aside,
            replace_project=replace_project,
            progress=progress,
        )
    for line in lines_of_restored(done, settings):
        click.echo(line)


def lines_of_restored(done: Restored, settings: Settings) -> list[str]:
    """Say what was put back, and what to do next."""
    listing = done.listing
    lines = [
        f"Restored: {done.data}, as it was on {listing.made_at[:16].replace('T', ' ')} (UTC)",
        *(f"  rows of {table}: {rows}, the same" for table, rows in listing.tables.items() if rows),
    ]
    if done.aside:
        lines.append(f"  what was there before: {done.aside}")
    if done.forgotten:
        lines.append(f"  not brought back: {done.forgotten} versions of submissions of people who have left since")
    lines += [f"  put back in the project: {name}" for name in done.put_back]
    lines += [
        f"  another one stands in the project, and was left (--replace-project takes the backup's): {name}"
        for name in done.kept
    ]
    if not listing.is_encrypted:
        lines.append("It is NOT encrypted; to encrypt it: laktasi key make FILE, then laktasi key change --to FILE")
    where = f" --project {quote(str(settings.project))}"
    if done.data != settings.project / "data":
        where += f" --data {quote(str(done.data))}"
    if settings.data_folder.lake is not None:
        lines.append(f"Next: laktasi lake move{where}, into a lake that is empty (lake.name in laktasi.toml)")
    if done.manifest:
        lines.append(f"Next: laktasi verify {quote(str(done.manifest))}{where}")
    if done.has_traces:
        lines.append(
            "Traces of people who left the study may still be in files that were put back: the next run erases these,"
            " too. Type it now"
        )
    lines.append(f"Next: laktasi run{where}, which makes the research copy and the report again")
    lines.append("Passwords are in no backup: give them to this computer again")
    return lines
