"""The command about what is wrong: list it, tell the life of a finding, decide about it, hand it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import (
    given_options,
    is_terminal,
    print_by_rule,
    print_table,
    print_values,
    project_options,
    settings_for,
)

if TYPE_CHECKING:
    import duckdb

    from laktasi.quality import Finding
    from laktasi.settings import Settings

NOT_MAILED = ("reviewer", "reason")
"""Of a finding, what does not go into a file or pipe: people write reasons in words of their own."""

finding_id = click.argument("finding_id", metavar="ID")
reason = click.option("--reason", required=True, metavar="TEXT", help="Why. It is kept, and stays private.")


def narrowing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which findings are meant."""
    for option in (
        click.option("--stops", is_flag=True, help="Only those that stop the publication while they are open."),
        click.option("--kind", metavar="KIND", help="Only rules of this kind: required, declared, set, group …"),
        click.option("--severity", type=click.Choice(["error", "warning"]), help="Only errors, or only warnings."),
        click.option("--rule", metavar="RULE", help="Only this rule, as the list names it."),
        click.option("--enumerator", metavar="CODE", help="Only this enumerator."),
        click.option("--centre", metavar="CODE", help="Only this health centre."),
    ):
        command = option(command)
    return command


language_option = click.option(
    "--language", type=click.Choice(["id", "en"]), help="Of the messages.  [default: the project's]"
)


@click.group(short_help="List what is wrong, and decide about it.", invoke_without_command=True)
@project_options
@narrowing
@click.option(
    "--status",
    type=click.Choice(["open", "reopened", "mended", "accepted", "all"]),
    default="open",
    show_default=True,
    help="open: what somebody must look at, that which came back included.",
)
@click.option("--phones", is_flag=True, help="Into a file or pipe too: what is about a phone, with the phone's id.")
@language_option
@click.pass_context
def findings(
    context: click.Context,
    /,
    project: Path | None,
    data: Path | None,
    status: str,
    phones: bool,
    language: str | None,
    stops: bool,
    **wanted: str | None,
) -> None:
    """List what the checks found: which record, field and rule; never the answer, so the list can be mailed.

    On a terminal they are grouped by rule. Into a file or pipe goes one line a finding, tab-separated, for a
    spreadsheet: laktasi findings > findings.tsv. Findings about a phone name its id, and go there with --phones only.

    As of the latest checks; while a run is working, as it was last published.
    """
    if context.invoked_subcommand is not None:
        _hand_on(context)
        return
    from laktasi.quality import Finding, list_findings

    settings = settings_for(project, data)
    of_status = None if status == "all" else status
    with _source(settings) as con:
        _check_narrowing(con, wanted["rule"], wanted["centre"], wanted["enumerator"])
        found = list_findings(con, **wanted, stops=stops, status=of_status, language=language or settings.language)
        others = 0 if found else len(list_findings(con, status=of_status))
    if is_terminal():
        _tell(found)
    else:
        kept = [item.name for item in fields(Finding) if item.name not in NOT_MAILED]
        told = [item for item in found if phones or not item.is_about_phone]
        print_values(kept, ([getattr(item, name) for name in kept] for item in told), for_spreadsheet=True)
        if left := len(found) - len(told):
            click.echo(f"Left out: {left} about phones, whose ids they hold. --phones prints them too.", err=True)
    errors = sum(item.severity == "error" for item in found)
    word = "" if status == "all" else f" {status}"
    if found:
        click.echo(f"{len(found)} findings{word}: {errors} errors, {len(found) - errors} warnings", err=True)
    else:
        options = given_options({**wanted, "stops": "" if stops else None})
        click.echo(f"no findings{word}{options}" + (f" ({others} without these)" if others else ""), err=True)


def _hand_on(context: click.Context) -> None:
    """Hand project and data folder on to what follows; the options of the list have no meaning there."""
    handed = ("project", "data")
    commandline = click.core.ParameterSource.COMMANDLINE
    for name in context.params:
        if name not in handed and context.get_parameter_source(name) is commandline:
            raise click.UsageError(
                f"--{name} before {context.invoked_subcommand} belongs to the list; write options after"
                f" {context.invoked_subcommand}"
            )
    given = {name: context.params[name] for name in handed if context.params[name] is not None}
    context.default_map = dict.fromkeys(findings.commands, given)


@findings.command("show", short_help="Tell the life of a finding.")
@finding_id
@project_options
@language_option
def show(finding_id: str, project: Path | None, data: Path | None, language: str | None) -> None:
    """Tell the life of a finding: what became of it when, in which run, what settled it, who accepted it and why.

    Of a check that no two records share a key: which others do, and which questions they answer differently. Few or
    none: probably sent twice. Nearly all: probably two under one key.
    """
    from laktasi.desk.worklist import sharing_a_key
    from laktasi.errors import CheckError
    from laktasi.quality import list_findings
    from laktasi.quality.listing import life_of
    from laktasi.workplace import alone, check_begun, opened

    settings = settings_for(project, data)
    check_begun(settings.data_folder)
    with alone(settings.data_folder), opened(settings.data_folder) as con:
        found = list_findings(con, finding_id=finding_id, status=None, language=language or settings.language)
        events = life_of(con, finding_id)
        shared = [told for one in found for told in sharing_a_key(con, settings, one)]
    if not found:
        raise CheckError(f"there is no finding {finding_id!r}", next_step="laktasi findings lists those that are open")
    finding = found[0]
    about = {
        "finding": finding.finding_id,
        "rule": f"{finding.rule_id} ({finding.severity})",
        "message": finding.message,
        "form": finding.form_id,
        "record": finding.submission_id or f"the group {finding.row}",
        "row": finding.row if finding.submission_id else "",
        "field": finding.field or "",
        "centre": finding.centre_code or "",
        "enumerator": finding.enumerator_code or "",
        "status": finding.status,
        "last seen": f"{finding.last_seen_at.astimezone():%Y-%m-%d %H:%M}",
        "while open": _effects(finding),
    }
    for name, value in about.items():
        if value:
            click.echo(f"{name + ':':<12} {value}")
    for one in shared:
        others = [record for record in one.submissions if record != finding.submission_id]
        click.echo(f"{'same key:':<12} {', '.join(others) or 'another row of the record'}")
        click.echo(f"{'differ in:':<12} {', '.join(one.questions) or 'nothing'}")
    click.echo()
    columns = ("when", "event", "by", "decision", "reviewer", "reason", "until", "run")
    _print(
        columns,
        [
            (
                f"{event.at.astimezone():%Y-%m-%d %H:%M}",
                event.event,
                event.settled_by,
                event.decision_id,
                event.reviewer,
                event.reason,
                event.until,
                event.run_id,
            )
            for event in events
        ],
    )


def _effects(finding: Finding) -> str:
    effects = {"keeps its record out of the accepted ones": finding.keeps_out, "stops the publication": finding.stops}
    return ", ".join(words for words, is_so in effects.items() if is_so)


@findings.command("accept", short_help="Let findings stand as they are.")
@click.argument("finding_ids", metavar="ID...", nargs=-1, required=True)
@reason
@click.option("--reviewer", required=True, metavar="NAME", help="Who looked at it.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Last day on which that holds.")
@project_options
def accept(
    finding_ids: tuple[str, ...],
    reason: str,
    reviewer: str,
    until: datetime | None,
    project: Path | None,
    data: Path | None,
) -> None:
    """Accept findings: the answer is right, or stands as it is. A decision is written, and the next run applies it.

    It holds while the answer stays what it is now (of a rule about several questions: while the record is not edited),
    and is taken back by a decision that withdraws it. A finding about a group is accepted until a day.
    """
    from laktasi.desk.deciding import accept_findings

    settings = settings_for(project, data)
    path = accept_findings(
        settings, finding_ids, reason=reason, reviewer=reviewer, until=until.date() if until else None
    )
    _say_written(settings, path, f"{len(set(finding_ids))} findings accepted")


@findings.command("correct", short_help="Put another answer in the place of a wrong one.")
@finding_id
@click.option("--value", metavar="ANSWER", help="The answer that is to stand, as the phone writes it; '' for none.")
@click.option("--drop", is_flag=True, help="Leave the whole record out instead.")
@click.option("--question", metavar="PATH", help="Which answer.  [default: the one that the rule is about]")
@click.option("--row", metavar="ROW", help="Of the repeat that it stands in.  [default: the finding's]")
@reason
@click.option("--reporter", required=True, metavar="NAME", help="Who decided.")
@project_options
def correct(
    finding_id: str,
    value: str | None,
    drop: bool,
    question: str | None,
    row: str | None,
    reason: str,
    reporter: str,
    project: Path | None,
    data: Path | None,
) -> None:
    """Correct the answer that a finding is about, or drop its record. A decision is written; the next run applies it.

    Raw data are never changed, and what the form computes is computed anew. Where the phone can still be asked, an edit
    there is better: it reaches Central.
    """
    from laktasi.desk.deciding import correct_finding

    if drop == (value is not None):
        raise click.UsageError("give either --value or --drop")
    if drop and (question is not None or row is not None):
        raise click.UsageError("--drop is about the whole record: --question and --row have no meaning there")
    settings = settings_for(project, data)
    path = correct_finding(
        settings, finding_id, reason=reason, reporter=reporter, value=value, question=question, row=row
    )
    _say_written(settings, path, f"finding {finding_id}: {'record dropped' if drop else 'answer corrected'}")


def _say_written(settings: Settings, path: Path, what: str) -> None:
    root = settings.folders.root
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    click.echo(f"{what}, in {shown}")
    click.echo("Nothing has changed yet. Next: laktasi run")


@findings.command("export", short_help="Write a workbook for each health centre.")
@click.option(
    "--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the workbooks."
)
@click.option("--centre", metavar="CODE", help="Only this health centre.")
@language_option
@click.option("--force", is_flag=True, help="Write over workbooks that are there.")
@project_options
def export(
    folder: Path, centre: str | None, language: str | None, force: bool, project: Path | None, data: Path | None
) -> None:
    """Write what is open as a workbook (XLSX) for each health centre, and one for findings without a centre.

    Sorted by enumerator, with empty columns for what was found and done. No answer is in it but the study code, and
    that only where the form does not mark it as a direct identifier.
    """
    from laktasi.desk.worklist import export_findings

    settings = settings_for(project, data)
    written = export_findings(settings, folder, language=language or settings.language, centre=centre, force=force)
    for path, count in written:
        click.echo(f"{path}: {count} open")


@findings.command("changes", short_help="Say what has changed, by health centre and rule.")
@click.option(
    "--since",
    default="yesterday",
    show_default=True,
    metavar="WHEN",
    help="yesterday (its beginning), a day such as 2026-11-21, or the id of a run: after it.",
)
@click.option("--centre", metavar="CODE", help="Only this health centre.")
@click.option("--rule", metavar="RULE", help="Only this rule.")
@project_options
def changes(since: str, centre: str | None, rule: str | None, project: Path | None, data: Path | None) -> None:
    """Say how many findings were opened, came back, were mended and accepted since, by health centre and rule.

    opened: first seen since then, whatever became of them. The others: how they stand now, if that has changed since.
    """
    from laktasi.quality.listing import Change, changes_since

    settings = settings_for(project, data)
    with _source(settings) as con:
        _check_narrowing(con, rule, centre)
        found = changes_since(con, _moment(con, since), centre=centre, rule=rule)
    _print([item.name for item in fields(Change)], [astuple(item) for item in found])
    totals = {name: sum(getattr(item, name) for item in found) for name in ("opened", "reopened", "mended", "accepted")}
    click.echo(
        f"since {since}: " + (", ".join(f"{count} {name}" for name, count in totals.items()) if found else "no change"),
        err=True,
    )


def _check_narrowing(
    con: duckdb.DuckDBPyConnection, rule: str | None, centre: str | None, enumerator: str | None = None
) -> None:
    """Let an empty list not be taken for a good sign where a name is a slip, or nothing was checked."""
    from laktasi.quality.listing import not_asked, refuse_unknown

    refuse_unknown(con, rule=rule, centre=centre, enumerator=enumerator)
    for line in not_asked(con, rule) if rule is not None else ():
        click.echo(line, err=True)


def _moment(con: duckdb.DuckDBPyConnection, since: str) -> datetime | str:
    """Give the beginning of a day here, or the id of a run that there has been."""
    from laktasi.errors import CheckError

    if con.execute("select 1 from meta.runs where run_id = ?", [since]).fetchone():
        return since
    try:
        day = date.today() - timedelta(days=1) if since == "yesterday" else date.fromisoformat(since)
    except ValueError:
        raise CheckError(
            f"--since {since} is neither yesterday, nor a day, nor a run",
            next_step="write a day as in 2026-11-21; laktasi status lists the latest runs",
        ) from None
    return datetime.combine(day, time()).astimezone()


def _print(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as a table on a terminal, else as tab-separated values."""
    if not is_terminal():
        print_values(columns, rows, for_spreadsheet=True)
    elif rows:
        print_table(columns, rows)


@contextmanager
def _source(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open what findings are read from, and say so where it is not the newest."""
    from laktasi.desk.worklist import findings_source

    with findings_source(settings) as source:
        if not source.is_private:
            click.echo(f"As last published: {source.why}.", err=True)
        yield source.con


def _tell(found: Sequence[Finding]) -> None:
    """Tell findings rule by rule, each with its owner, its record, since when and its id."""
    places = {
        name: max((len(getattr(item, name) or "-") for item in found), default=0)
        for name in ("centre_code", "enumerator_code")
    }

    def line(item: Finding) -> str:
        place = "  ".join(f"{getattr(item, name) or '-':<{length}}" for name, length in places.items())
        row = f" ({item.row})" if item.row and item.submission_id else ""
        return f"{place}  {item.submission_id or item.row}{row}  {_since(item)}  {item.finding_id}"

    print_by_rule((item.severity, item.rule_id, item.message, line(item)) for item in found)


def _since(item: Finding) -> str:
    if item.status == "open":
        return f"since {item.first_seen_at.astimezone():%Y-%m-%d}"
    said = f"{item.status} {item.changed_at.astimezone():%Y-%m-%d}"
    if item.status == "accepted" and item.reviewer:
        return f"{said} by {item.reviewer}: {item.reason}"
    return f"{said} by {item.settled_by}" if item.settled_by and item.status == "mended" else said
