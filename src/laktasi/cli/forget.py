"""The command about a person who leaves the study: forget."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import asking, project_options, settings_for, showing_progress

if TYPE_CHECKING:
    from laktasi.forgetting import Forgotten, Found
    from laktasi.settings import Settings

REASONS = {"withdrew": "withdrew", "no-consent": "no_consent", "ordered": "ordered"}
SHOWN = 20
"""Records that are listed before somebody agrees; more are counted."""


@click.command(short_help="Erase everything of a person who leaves the study.")
@click.argument("study_code", required=False)
@click.option(
    "--why", type=click.Choice(list(REASONS)), default="withdrew", show_default=True, help="For the ethics file."
)
@click.option("--by", metavar="NAME", help="Who erases, for the ethics file.  [default: your account on this computer]")
@click.option("--also-future", is_flag=True, help="Though nothing of hers is here: turn away whatever comes.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_options
def forget(
    study_code: str | None,
    why: str,
    by: str | None,
    also_future: bool,
    yes: bool,
    project: Path | None,
    data: Path | None,
) -> None:
    """Erase everything of the person with STUDY_CODE: records in all forms, all their versions, files, decisions.

    \b
    laktasi forget MPY-0107 --by "Dr. Sari"

    Says first what there is, and asks. What stays is a tombstone without any answer: by it, whatever a phone, a Central
    or a backup brings of her later is turned away. Then everything is checked, analysed and published without her, and
    a record for the ethics file is written (forgotten/ in the data folder).

    Without STUDY_CODE: finish what a forgetting that was broken off has left to be done.
    """
    from laktasi.forgetting import find, finish_all
    from laktasi.forgetting import forget as erase

    settings = settings_for(project, data)
    if study_code is None:
        with showing_progress() as progress:
            finished = finish_all(settings, progress=progress)
        if finished is None:
            click.echo("Nothing is left to be done.")
            return
        for line in _done(settings, finished, None):
            click.echo(line)
        _raise(finished)
        return
    found = find(settings, study_code)
    for line in _found(settings, found):
        click.echo(line)
    if not found.hers and found.forgotten_at is None and not also_future:
        from laktasi.forgetting.erasing import nobody

        raise nobody()
    if not yes:
        with asking("Nothing was erased.", instead="type it in a terminal; or add --yes, which does not ask"):
            click.confirm("\nErase all of this? It cannot be taken back.", abort=True)
    with showing_progress() as progress:
        done = erase(
            settings,
            study_code,
            found,
            why=REASONS[why],
            erased_by=by or getpass.getuser(),
            also_future=also_future,
            progress=progress,
        )
    for line in _done(settings, done, study_code):
        click.echo(line)
    _raise(done)


def _found(settings: Settings, found: Found) -> Iterator[str]:
    """Tell what is hers, without an answer beyond place and day."""
    if found.has_lost_key:
        yield "secret.key was not in the data folder: another one was made. Of those who left before a new visit cannot"
        yield "be known any more; type for each, from her record: laktasi forget CODE --also-future"
    if found.forgotten_at is not None:
        yield f"She was forgotten on {found.forgotten_at:%Y-%m-%d %H:%M} UTC."
        if found.hers:
            yield "Since then, something of hers has come back by a way that could not be seen:"
    if not found.hers:
        if found.is_unfinished or found.forgotten_at is not None:
            yield "Nothing of hers is left in the warehouse. What is left to be done with files will be finished."
        return
    forms = Counter(record.form_id for record in found.records)
    for form_id, count in sorted(forms.items()):
        yield f"{count} records of the form {form_id}:"
        of_form = [record for record in found.records if record.form_id == form_id]
        for record in of_form[:SHOWN]:
            where = f", {record.centre}" if record.centre else ""
            day = f", {record.day}" if record.day else ""
            yield f"  {record.submission_id} ({record.state}, {record.versions} versions{where}{day})"
        if count > SHOWN:
            yield f"  and {count - SHOWN} more"
    for list_name, count in sorted(Counter(list_name for list_name, _ in found.hers.entities).items()):
        yield f"{count} entities of the list {list_name}"
    if found.attachments:
        yield f"{found.attachments} attachments that came with no other record"
    if found.hers.refused:
        yield f"{len(found.hers.refused)} files that had been refused"
    if found.lines:
        yield f"{len(found.lines)} decisions about her in schemas/corrections/, whose lines go:"
        yield from (f"  {at.file}, lines {at.first} to {at.last} ({at.decision_id})" for at in found.lines)
    for name in found.as_of:
        yield f"the analysis of an earlier day, as-of/{name} (it can be made again, without her)"
    for form_id, submission_id in found.others:
        yield f"stays: {submission_id} of {form_id}, which named her once and names somebody else now"
    for form_id, name in found.media:
        yield f"stays: {name}, a list that {form_id} carries, has her study code; take her out, and publish it again"
    for at in found.on_centrals:
        yield f"stays on {at.source}: {at.form_id} {at.submission_id}; delete it there, since laktasi cannot"
    if backups := _backups(settings):
        yield f"stay until they rotate out: {backups} backups in {settings.backup.folder}; put back, they forget her"
    if settings.data_folder.release.is_dir():
        yield f"stays: the release in {settings.data_folder.release}, which may have been given away"


def _backups(settings: Settings) -> int:
    """Count the backups of this project that can be seen."""
    from laktasi.backing_up.shape import is_of

    if settings.backup.folder is None:
        return 0
    place = settings.project / settings.backup.folder.expanduser()
    return sum(is_of(path.name, settings.project.name) for path in place.iterdir()) if place.is_dir() else 0


def _done(settings: Settings, done: Forgotten, code: str | None) -> Iterator[str]:
    from laktasi.report.erasure import lines

    if done.erasure is not None:
        yield ""
        yield from lines(done.erasure, code=code)
    yield from done.notes
    if done.record is not None:
        yield f"\nRecord for the ethics file, to be printed and signed: {done.record}"
        yield "Write the study code onto it by hand: it stands in no file."
    else:
        yield "Everything that was left to be done is done."
    if done.unpublished is None and settings.data_folder.report.exists():
        yield f"Published without her: {settings.data_folder.report}"


def _raise(done: Forgotten) -> None:
    """Fail where what people read could not be made anew: results in it were computed with her."""
    if done.unpublished is not None:
        click.echo(
            "\nShe is erased, and no row of hers is in what is published. The results there were computed with her, and"
            " could not be computed anew:",
            err=True,
        )
        raise done.unpublished
