"""Commands that read: report, findings, kendall, sql, status. None of them opens the private warehouse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import print_table, project_options, settings_for

if TYPE_CHECKING:
    from laktasi.settings import Settings


@click.command()
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


@click.command()
@project_options
@click.option("--centre", help="Only this health centre (its code).")
@click.option("--enumerator", help="Only this enumerator (their code).")
@click.option("--rule", help="Only this rule.")
@click.option("--severity", type=click.Choice(["error", "warning"]), help="Only these.")
@click.option("--status", type=click.Choice(["open", "mended", "all"]), default="open", show_default=True)
@click.option("--language", help="Language of the messages.  [default: the project's]")
def findings(
    project: Path | None,
    data: Path | None,
    centre: str | None,
    enumerator: str | None,
    rule: str | None,
    severity: str | None,
    status: str,
    language: str | None,
) -> None:
    """List what the checks found: which record, which field, which rule; never the answer."""
    settings = settings_for(project, data)
    wanted = {"centre_code": centre, "enumerator_code": enumerator, "rule_id": rule, "severity": severity}
    given = {column: value for column, value in wanted.items() if value}
    if status != "all":
        given["status"] = status
    where = " and ".join(["true", *(f"{column} = ?" for column in given)])
    query = f"""
        select finding_id, severity, status, centre_code as centre, enumerator_code as enumerator, submission_id, field,
               rule_id as rule, coalesce(messages[?], messages['en'], rule_id) as message
        from quality.findings where {where}
        order by severity, centre_code, rule_id, submission_id, finding_id
    """
    with _research(settings) as con:
        result = con.execute(query, [language or settings.language, *given.values()])
        columns, rows = [item[0] for item in result.description], result.fetchall()
    print_table(columns, rows)
    click.echo(f"{len(rows)} findings", err=True)


@click.command()
@project_options
@click.option("--centre", help="Only this health centre (its code).")
@click.option("--exposure", help="Only this exposure (its name in study.yml).")
@click.option("--outcome", help="Only this outcome (its name in study.yml).")
@click.option("--population", type=click.Choice(["accepted", "all"]), default="accepted", show_default=True)
def kendall(
    project: Path | None,
    data: Path | None,
    centre: str | None,
    exposure: str | None,
    outcome: str | None,
    population: str,
) -> None:
    """Show Kendall's tau_b of the latest run, for each health centre and across them."""
    settings = settings_for(project, data)
    wanted = {"centre_code": centre, "exposure": exposure, "outcome": outcome, "population": population}
    given = {column: value for column, value in wanted.items() if value}
    columns = [
        "centre_code",
        "exposure",
        "outcome",
        "n",
        "tau_b",
        "ci_low",
        "ci_high",
        "z",
        "p_value",
        "p_exact",
        "reason",
    ]
    query = f"""
        select {", ".join(columns)} from analysis.kendall_latest
        where {" and ".join(f"{column} = ?" for column in given)}
        order by exposure, outcome, centre_code
    """
    with _research(settings) as con:
        rows = con.execute(query, list(given.values())).fetchall()
    print_table(columns, rows)


@click.command()
@project_options
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.argument("query")
def sql(project: Path | None, data: Path | None, form: str, query: str) -> None:
    """Answer QUERY from research.duckdb: read-only and without direct identifiers.

    Example: laktasi sql "from analysis.kendall_latest"
    """
    import duckdb

    from laktasi.errors import LaktasiError

    with _research(settings_for(project, data)) as con:
        try:
            result = con.execute(query)
        except duckdb.Error as error:
            raise LaktasiError(
                str(error).strip(), next_step='laktasi sql "show all tables" lists what there is'
            ) from None
        columns, rows = [item[0] for item in result.description or ()], result.fetchall()
    if form == "table":
        print_table(columns, rows)
    elif form == "csv":
        import csv
        import sys

        csv.writer(sys.stdout).writerows([columns, *rows])
    else:
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str, ensure_ascii=False))


@click.command()
@project_options
def status(project: Path | None, data: Path | None) -> None:
    """Say how the latest runs went and what waits."""
    settings = settings_for(project, data)
    with _research(settings) as con:
        columns = [
            "run_id",
            "started_at",
            "status",
            "door",
            "landed",
            "refused",
            "staged",
            "drafts",
            "waiting",
            "open_errors",
        ]
        names = ", ".join(columns)
        rows = con.execute(f"select {names} from meta.runs order by run_id desc limit 10").fetchall()
    print_table(columns, rows, title="Latest runs")
    click.echo(f"Report: {settings.data_folder.report}")


def _research(settings: Settings) -> Any:
    from laktasi.store.warehouse import open_research

    return open_research(settings.data_folder.research)
