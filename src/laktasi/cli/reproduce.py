"""Commands about an analysis again: analyse, verify, changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import is_terminal, print_table, print_values, project_options, settings_for, showing_progress

if TYPE_CHECKING:
    from laktasi.store.changes import Changes


@click.command(short_help="Analyse what has landed, or what was known by a day.")
@click.option(
    "--as-of", metavar="DAY", help="What was known by the end of this day (UTC), or by a time with its offset."
)
@project_options
def analyse(as_of: str | None, project: Path | None, data: Path | None) -> None:
    """Check, analyse and publish what has landed, without asking any source.

    \b
    laktasi analyse --as-of 2026-03-01
    laktasi analyse --as-of 2026-03-01T17:00+07:00

    With --as-of: of the submissions and decisions that had landed by then, with today's code and schemas, in a data
    folder of its own (as-of/DAY in the data folder). What is there and has been published stays as it is.
    """
    from laktasi import pipeline
    from laktasi.store.manifests import place_of
    from laktasi.summary import summary

    settings = settings_for(project, data)
    with showing_progress() as progress:
        if as_of is None:
            run = pipeline.walk(settings, pipeline.ANALYSING, door="cli", progress=progress)
        else:
            from laktasi.reproducing import analyse_as_of, moment_of

            moment = moment_of(as_of)
            run = analyse_as_of(settings, moment, progress=progress)
    if as_of is not None:
        click.echo(f"What had landed by {moment.told}, with today's code and schemas:\n")
    for line in summary(run.settings):
        click.echo(line)
    folder = run.settings.data_folder
    click.echo(f"\nReport: {folder.report}")
    click.echo(f"Research copy: {folder.research}")
    click.echo(f"Manifest: {place_of(folder.manifests, run.run_id)}")


@click.command(short_help="Compute a run's manifest anew and compare.")
@click.argument("manifest", type=click.Path(dir_okay=False, path_type=Path))
@project_options
def verify(manifest: Path, project: Path | None, data: Path | None) -> None:
    """Compute what MANIFEST says anew, from what had landed then and with the code that is installed now.

    \b
    laktasi verify data/manifests/20261120T081500000Z-0a1b2c.json

    Each part is told: the same, or what differs; then what has changed since that may explain it. Exit code 0 where
    rows, forms, decisions and every result are the same, else 10; or 14 where nobody can say, since people whose
    records it counts have left the study, and all the rest is the same. The warehouse and what is published stay as
    they are.
    """
    from laktasi.errors import ForgottenError, VerifyError
    from laktasi.reproducing import verify as verified

    with showing_progress() as progress:
        verdict = verified(settings_for(project, data), manifest, progress=progress)
    for line in verdict.lines:
        click.echo(line)
    if verdict.wrong:
        raise VerifyError(
            f"{manifest.name}, computed anew, is not the same: {', '.join(verdict.wrong)}",
            next_step="see above what differs and what has changed since; docs/reproducing.md says what to do",
        )
    if verdict.without:
        raise ForgottenError(
            f"{manifest.name} counts people who have left the study since: {', '.join(verdict.without)} cannot be"
            " computed as they were. All the rest, computed anew, is the same",
            why="Their records were erased on purpose, and tombstones say how many rows of which table that were.",
            next_step="nothing is to be done; a manifest of a run after that can be verified in full",
        )
    click.echo(f"{manifest.name}, computed anew, is the same")


@click.command(short_help="What changed since the run before, and why.")
@click.option("--run", "run_id", metavar="RUN", help="Of this run.  [default: the latest that finished]")
@click.option("--rows", is_flag=True, help="Every row of the latest run that changed, by its submission.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@project_options
def changes(run_id: str | None, rows: bool, as_json: bool, project: Path | None, data: Path | None) -> None:
    """Tell how many rows of the analysis are new, gone or changed since the run before, by cause, and each result.

    Read from research.duckdb; --rows from the private warehouse, so not while a run is at work.
    """
    from laktasi.store.changes import changed_rows, read_changes
    from laktasi.store.warehouse import open_research
    from laktasi.summary import change_lines
    from laktasi.workplace import alone, check_begun, opened

    settings = settings_for(project, data)
    folder = settings.data_folder
    if rows:
        if run_id is not None:
            raise click.UsageError("--rows is of the latest run alone: of earlier ones only counts are kept")
        check_begun(folder)
        with alone(folder), opened(folder) as con:
            found = changed_rows(con)
        _print(("submission_id", "change", "cause"), found, as_json=as_json)
        return
    with open_research(folder.research) as con:
        told = read_changes(con, run_id)
    if as_json:
        click.echo(json.dumps(_as_record(told), ensure_ascii=False, default=str))
        return
    if not told.has_study:
        click.echo(f"{told.run_id} had no study (schemas/study.yml), so it analysed no row", err=True)
    elif told.since is None:
        click.echo(f"{told.run_id} is the first run that keeps track: the next one says what changed since", err=True)
    else:
        click.echo(next(iter(change_lines(told))), err=True)
    if told.rows:
        _print(("change", "cause", "rows"), told.rows)
    if told.results:
        click.echo()
        _print(tuple(told.results[0]), [tuple(row.values()) for row in told.results])


def _as_record(told: Changes) -> dict[str, Any]:
    return {
        "run_id": told.run_id,
        "compared_with": told.since,
        "rows": [{"change": change, "cause": cause, "n": n} for change, cause, n in told.rows],
        "results": list(told.results),
    }


def _print(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, as_json: bool = False) -> None:
    if as_json:
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False))
    elif is_terminal():
        shown = [[f"{value:.3f}" if isinstance(value, float) else value for value in row] for row in rows]
        print_table(columns, shown, right={name for name in columns if name.startswith(("n", "tau", "ci"))})
    else:
        print_values(columns, rows)
