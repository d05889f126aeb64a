"""Commands that make something: demo, run, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import project_options, settings_for, showing_progress

if TYPE_CHECKING:
    from laktasi.settings import Settings

without_prefect = click.option("--no-prefect", is_flag=True, help="Run the same steps without Prefect's server.")


@click.command(short_help="Run everything on the shipped sample.")
@without_prefect
def demo(no_prefect: bool) -> None:
    """Run everything on the shipped sample: from phones' folders to a report, in data/demo.

    The sample is synthetic. It is safe to run again and again.
    """
    from laktasi.paths import HOUSE

    sample = HOUSE / "xlsforms" / "sample"
    phones = (sample / "postpartum_visit.zip", sample / "back_check.zip")
    settings = settings_for(None, HOUSE / "data" / "demo", phones=phones)
    _walk(settings, no_prefect)
    laktasi, folder = _as_typed(), _from_here(settings.data_folder.root)
    click.echo("\nThe sample is synthetic (data contoh, bukan data asli). Look further:")
    for line in ("findings", "back-checks", "kendall", "sql 'from marts.arrivals'"):
        click.echo(f"  {laktasi} {line} --data {folder}")


@click.command(short_help="Run everything on your own study.")
@project_options
@without_prefect
@click.option(
    "--unattended", is_flag=True, help="Nobody is looking: wait for another run, and tell people what matters."
)
def run(project: Path | None, data: Path | None, no_prefect: bool, unattended: bool) -> None:
    """Take the study from its sources to its report.

    Sources are the phones' folders and the Central named in laktasi.toml, and what was imported before. What cannot be
    reached is said and caught up by the next run.
    """
    _walk(settings_for(project, data), no_prefect, is_watched=not unattended)


@click.command("import", short_help="Take in folders copied from phones.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@project_options
def import_(folders: tuple[Path, ...], project: Path | None, data: Path | None) -> None:
    """Take in FOLDERS copied from phones (or a zip of them), each submission once however often it is imported.

    A folder may hold any number of phones, nested and partly copied. What cannot be a submission is said and
    kept aside.
    """
    from laktasi import pipeline
    from laktasi.errors import SourceError
    from laktasi.summary import landed_lines

    settings = settings_for(project, data, phones=tuple(folder.resolve() for folder in folders))
    with showing_progress() as progress:
        done = pipeline.walk(settings, pipeline.IMPORTING, door="import", progress=progress)
    for line in landed_lines(done.told, done.unreached):
        click.echo(line)
    if done.unreached:
        raise SourceError(
            f"{len(done.unreached)} of {len(folders)} could not be taken in",
            next_step="see the lines above, and try again",
        )
    click.echo("Next: laktasi run")


def _as_typed() -> str:
    """Give what a person types to start this program: a path, where it was not found by its name."""
    import shutil
    import sys

    return "laktasi" if shutil.which("laktasi") else _from_here(Path(sys.argv[0]).absolute())


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


UNATTENDED_PATIENCE_SECONDS = 30 * 60


def _walk(settings: Settings, no_prefect: bool, *, is_watched: bool = True) -> None:
    from laktasi.summary import summary

    if no_prefect:
        _without_prefect(settings, is_watched=is_watched)
    else:
        _through_prefect(settings, is_watched=is_watched)
    for line in summary(settings):
        click.echo(line)
    click.echo(f"\nReport: {settings.data_folder.report}")


def _without_prefect(settings: Settings, *, is_watched: bool) -> None:
    from laktasi import pipeline
    from laktasi.notifying import notify_after
    from laktasi.workplace import PATIENCE_SECONDS

    patience = PATIENCE_SECONDS if is_watched else UNATTENDED_PATIENCE_SECONDS
    run_id, failure = None, None
    try:
        with showing_progress() as progress:
            done = pipeline.walk(settings, pipeline.WAY, door="cli", progress=progress, patience_seconds=patience)
        run_id = done.run_id
    except BaseException as error:
        failure = error
        raise
    finally:
        notify_after(settings, run_id, failure, door="cli" if is_watched else "prefect")


def _through_prefect(settings: Settings, *, is_watched: bool) -> None:
    """Start the flow: on the Prefect server that PREFECT_API_URL names, else on one of its own, offline and quiet."""
    import os
    import sys
    from importlib import import_module

    from laktasi.errors import LaktasiError
    from laktasi.paths import FLOWS
    from laktasi.service.place import Place, at_work, quiet
    from laktasi.service.processes import tag_of_this_process

    if address := at_work(Place(settings.data_folder)):
        os.environ.setdefault("PREFECT_API_URL", address)  # laktasi up keeps a server: two would share one database
    for name, value in quiet(settings.data_folder.prefect).items():
        os.environ.setdefault(name, value)
    settings.data_folder.check_own()
    # Its database is opened before Prefect would make the folder.
    settings.data_folder.make()
    settings.data_folder.prefect.mkdir(mode=0o700, exist_ok=True)
    sys.path.insert(0, str(FLOWS))
    if address := os.environ.get("PREFECT_API_URL"):
        _check_server(address)
    else:
        click.echo("… starting Prefect (its own server takes some seconds; --no-prefect does without)", err=True)
    flows: Any = import_module("study_flow")
    flows.is_watched = is_watched
    from prefect import tags

    given = {
        "project": str(settings.project),
        "data": str(settings.data_folder.root),
        "phones": [str(folder) for folder in settings.phones],
    }
    with showing_progress() as flows.progress, tags(tag_of_this_process()):
        state = flows.study(**given, return_state=True)
    if state.is_completed():
        return
    failure = state.result(raise_on_failure=False)
    if isinstance(failure, Exception):
        raise failure
    raise LaktasiError(
        f"the Prefect flow ended as {state.name}",
        next_step="read its log above, or run the same steps with: laktasi run --no-prefect",
    )


def _check_server(address: str) -> None:
    """See that the Prefect server answers: a flow without one fails before its first line.

    What is said of the address is its host alone: it may hold a password.
    """
    from base64 import b64encode
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.parse import unquote, urlsplit
    from urllib.request import Request, urlopen

    from laktasi.errors import LaktasiError

    host = "that PREFECT_API_URL names"
    try:
        parts = urlsplit(address.rstrip("/"))
        host = f"at {parts.hostname}" if parts.hostname else host
        account, _, place = parts.netloc.rpartition("@")
        asked = Request(f"{parts.scheme}://{place}{parts.path}/health")  # noqa: S310 - the address is the user's own
        if account:
            asked.add_header("Authorization", f"Basic {b64encode(unquote(account).encode()).decode()}")
        urlopen(asked, timeout=10).close()  # noqa: S310 - as above
    except (URLError, OSError, HTTPException, ValueError):
        raise LaktasiError(
            f"the Prefect server {host} does not answer",
            why="PREFECT_API_URL names it.",
            next_step="start it (prefect server start), or do without: laktasi run --no-prefect",
        ) from None
