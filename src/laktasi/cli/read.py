"""Commands that read: status, arrivals, report, sql.

All but the first two read the research copy alone. `status` looks into the private warehouse for the list of runs, and
`arrivals` for the phones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import is_terminal, print_table, print_values, project_options, settings_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from laktasi.settings import Settings

RUNS_SHOWN = 10
RUN_COLUMNS = (
    "run_id",
    "started_at",
    "finished_at",
    "door",
    "status",
    "landed",
    "refused",
    "staged",
    "drafts",
    "waiting",
    "open_errors",
    "open_warnings",
)
RUN_HEADINGS = {
    "started_at": "started",
    "door": "door",
    "status": "status",
    "landed": "new",
    "refused": "refused",
    "waiting": "waits",
    "open_errors": "errors",
    "open_warnings": "warnings",
}
"""What a terminal of 80 columns has room for, and what stands above it."""


@click.command(short_help="Say whether a run is working, and how the latest went.")
@project_options
def status(project: Path | None, data: Path | None) -> None:
    """Say whether a run is working now, and how the latest ten went; first how laktasi up is, where it is used.

    Per run: its start, who started it, new submissions, files refused, submissions that wait for their form version,
    open errors and warnings. A run that was killed shows as interrupted; the next one finishes its work.
    Then, for each form on Central, what the server has and what the warehouse has, and how old the last look at
    attachments is. Last, the sources that have something here and are no longer in laktasi.toml.
    """
    from laktasi.service.telling import lines_of
    from laktasi.summary import latest_runs, left_sources, proof_lines

    settings = settings_for(project, data)
    for line in lines_of(settings.data_folder):
        click.echo(line, err=True)
    further = ("manifest->'unreached'", "reconciled")
    is_working, found = latest_runs(settings, (*RUN_COLUMNS, *further), RUNS_SHOWN)
    proofs = next(((run[1], run[-1]) for run in found if run[-1]), None)
    unreached = json.loads(found[0][-2] or "{}") if found else {}
    runs = [dict(zip(RUN_COLUMNS, run[: -len(further)], strict=True)) for run in found]
    if not is_working:  # then what stands as running was killed
        runs = [run | {"status": "interrupted" if run["status"] == "running" else run["status"]} for run in runs]
    if is_terminal():
        shown = [run | {"started_at": f"{run['started_at'].astimezone():%Y-%m-%d %H:%M}"} for run in runs]
        print_table(list(RUN_HEADINGS.values()), [[run[name] for name in RUN_HEADINGS] for run in shown])
    else:
        print_values(RUN_COLUMNS, [list(run.values()) for run in runs])
    if is_working:
        click.echo("A run is working now.", err=True)
    for name, why in unreached.items():
        click.echo(f"The latest run did not reach {name}: {why}", err=True)
    if proofs:
        click.echo(f"Compared with Central by the run of {proofs[0].astimezone():%Y-%m-%d %H:%M}:", err=True)
        for line in proof_lines(proofs[1]):
            click.echo(f"  {line}", err=True)
    elif settings.central and not is_working:
        click.echo(f"None of these runs could be compared with Central ({', '.join(settings.central)}).", err=True)
    for line in [] if is_working else left_sources(settings):
        click.echo(line, err=True)
    report = settings.data_folder.report
    click.echo(f"Report: {report}" if report.exists() else "There is no report yet. Next: laktasi run", err=True)


@click.command(short_help="Say who has gone silent, and whose clock is wrong.")
@project_options
def arrivals(project: Path | None, data: Path | None) -> None:
    """Say when each health centre, enumerator and phone was last heard of: the longest silent first.

    Also how many hours records take from finishing to Central (median, most), and how many have a clock that cannot
    be right. As of the latest run.
    """
    from laktasi.summary import LAST_SEEN, last_seen

    found = last_seen(settings_for(project, data))
    if not is_terminal():
        print_values(LAST_SEEN, found)
        return
    columns = ("code", "records", "finished", "received", "hours", "most", "clock")
    by_kind: dict[str, list[tuple[Any, ...]]] = {}
    for kind, code, records, finished, received, landed, median, most, wrong in found:
        last = received or landed
        by_kind.setdefault(kind, []).append(
            (
                code,
                records,
                f"{finished.astimezone():%Y-%m-%d}" if finished else "",
                f"{last.astimezone():%Y-%m-%d}" if last else "never",
                None if median is None else f"{median:.1f}",
                None if most is None else f"{most:.1f}",
                wrong or None,
            )
        )
    for kind, rows in by_kind.items():
        print_table(columns, rows, title=f"By {kind}", right=("hours", "most"))


@click.command(short_help="Write the report again, and say where it is.")
@project_options
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def report(project: Path | None, data: Path | None, open_it: bool) -> None:
    """Write the report again from research.duckdb, and say where it is."""
    from laktasi import pipeline

    settings = settings_for(project, data)
    path = pipeline.write_report(settings)
    click.echo(path)
    if open_it:
        click.launch(str(path))


@click.command(short_help="Answer a question in SQL from research.duckdb.")
@project_options
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.argument("query")
def sql(project: Path | None, data: Path | None, form: str, query: str) -> None:
    """Answer QUERY from research.duckdb. It can change nothing, and there are no direct identifiers in there.

    \b
    laktasi sql "show all tables"
    laktasi sql "from analysis.kendall_latest"
    laktasi sql --format csv "from marts.arrivals" > arrivals.csv

    One query at a time. In JSON, NaN and infinity are null, and of columns with one name the second is NAME_1.
    """
    import duckdb

    from laktasi.errors import LaktasiError

    with _research(settings_for(project, data)) as con:
        # Else a query could write files, or attach the private warehouse.
        con.execute("set enable_external_access = false")
        try:
            _refuse_several(con.extract_statements(query))
            result = con.execute(query)
            columns, rows = ([item[0] for item in result.description], result.fetchall()) if result else ([], [])
        except duckdb.PermissionException:
            raise LaktasiError(
                "sql reads research.duckdb, and no other file; it writes none",
                next_step='laktasi sql --format csv "select …" > FILE',
            ) from None
        except duckdb.Error as error:
            raise LaktasiError(
                str(error).strip(), next_step='laktasi sql "show all tables" lists what there is'
            ) from None
    if not columns:
        raise LaktasiError("the query is empty", next_step='laktasi sql "show all tables" lists what there is')
    if form == "csv":
        import csv
        import sys

        csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])
    elif form == "json":
        names = _each_once(columns)
        records = [dict(zip(names, map(_for_json, row), strict=True)) for row in rows]
        click.echo(json.dumps(records, default=str, ensure_ascii=False, allow_nan=False))
    elif is_terminal():
        print_table(columns, rows)
    else:
        print_values(columns, rows)


def _refuse_several(statements: Sequence[duckdb.Statement]) -> None:
    """Refuse a second query: only the answer to the last one would show."""
    import duckdb

    from laktasi.errors import LaktasiError

    # A PIVOT comes as two: DuckDB puts the making of a type, for which nothing is written, before it.
    own = [item for item in statements if item.query or item.type != duckdb.StatementType.CREATE]
    if len(own) > 1:
        raise LaktasiError(
            f"these are {len(own)} queries, and only the last one's answer would show",
            next_step='laktasi sql "select …" for each of them',
        )


def _each_once(columns: Sequence[str]) -> list[str]:
    """Give each column a name of its own, as DuckDB does in a table: a, a_1, a_2."""
    names: list[str] = []
    for column in columns:
        name, number = column, 0
        while name in names or (number and name in columns):
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _for_json(value: Any) -> Any:
    """Give a value that JSON knows: null for what is no number, and text as the key of a map."""
    import math

    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): _for_json(item) for key, item in value.items()}
        case list() | tuple():
            return [_for_json(item) for item in value]
    return value


def _research(settings: Settings) -> Any:
    from laktasi.store.warehouse import open_research

    return open_research(settings.data_folder.research)
