"""The command that checks a data file by the form it was filled with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import is_terminal, print_by_rule, print_values, showing_progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from laktasi.anyfile.checkup import Checkup, Problem

COLUMNS = ("record", "line", "group", "field", "rule", "kind", "severity", "message")


@click.command(short_help="Check a data file by its form: CSV, Parquet, SPSS or Stata.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--form", required=True, type=click.Path(path_type=Path), help="XLSForm (.xlsx) or XForm (.xml).")
@click.option("--checks", type=click.Path(path_type=Path), help="Declared checks, as in schemas/checks.yml.")
@click.option("--id", "id_column", metavar="COLUMN", help="The column that tells records apart.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--language", metavar="CODE", default="en", show_default=True, help="Of the messages.")
def check(data: Path, form: Path, checks: Path | None, id_column: str | None, as_json: bool, language: str) -> None:
    """Check the records in DATA by what their form says, and by declared checks.

    DATA has one row for each record: .csv, .tsv, .parquet, .sav, .zsav or .dta. It needs no project and leaves nothing
    behind. What is printed names record, field and rule, never an answer.

    On a terminal findings are grouped by rule; into a file or pipe goes one line a finding, tab-separated. The exit
    code is 0 where there is no error (warnings aside), and 1 where there is one. More: docs/check-any-file.md
    """
    from laktasi.anyfile.checkup import check_file

    with _ended_in_order(), showing_progress() as progress:
        found = check_file(data, form, checks=checks, id_column=id_column, language=language, progress=progress)
    if as_json:
        click.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    elif is_terminal():
        print_by_rule((item.severity, item.rule, item.message, _place(item)) for item in found.problems)
    else:
        rows = ([getattr(problem, name) for name in COLUMNS] for problem in found.problems)
        print_values(COLUMNS, rows, for_spreadsheet=True)
    if not as_json:
        for line in _about(found):
            click.echo(line, err=True)
    if found.errors:
        raise SystemExit(1)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let what ends a process remove the records' copy first, as Ctrl-C does."""
    import signal

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_json(found: Checkup) -> dict[str, object]:
    return {
        "file": found.file,
        "form_id": found.form_id,
        "form_version": found.form_version,
        "rows": found.rows,
        "rules": found.rules,
        "errors": found.errors,
        "warnings": len(found.problems) - found.errors,
        "findings": [{name: getattr(problem, name) for name in COLUMNS} for problem in found.problems],
        "not_checked": [{"rule": item.rule, "kind": item.kind, "reason": item.reason} for item in found.not_checked],
        "id_column": found.id_column,
        "columns_not_found": list(found.not_found),
        "columns_unknown": list(found.unknown),
        "columns_not_named": found.unnamed,
        "columns_claiming_one_question": {path: list(columns) for path, columns in found.claimed},
        "columns_of_several_questions": {column: list(paths) for column, paths in found.unsure},
        "computed": list(found.computed),
        "repeats_not_checked": list(found.repeats),
        "remarks": [{"about": about, "remark": remark} for about, remark in found.remarks],
    }


def _place(problem: Problem) -> str:
    place = f"line {problem.line}" if problem.line is not None else problem.group
    return f"{place}  {problem.record}" if problem.record else place


def _about(found: Checkup) -> Iterable[str]:
    """Say what was looked at, and everything that was not."""
    warnings = len(found.problems) - found.errors
    version = f" version {found.form_version}" if found.form_version else ""
    yield (
        f"{found.file}: {found.rows} records by {found.rules} rules of {found.form_id}{version}: "
        f"{found.errors} errors, {warnings} warnings"
    )
    yield f"Records are told apart by {found.id_column}." if found.id_column else "Records are told apart by line."
    for group, names in _by_group(found.not_found).items():
        yield f"Not in the file{f', of {group}' if group else ''}: {', '.join(names)}"
    if found.computed:
        yield f"Not in the file, and computed: {', '.join(found.computed)}"
    if found.repeats:
        yield f"Not checked, since a file has one row for each record: the repeats {', '.join(found.repeats)}"
    if found.unknown:
        yield f"No question of the form: {', '.join(found.unknown)}"
    if found.unnamed:
        also = "Also no" if found.unknown else "No"
        yield f"{also} question of the form: {found.unnamed} columns; not named, since these may be answers"
    for path, columns in found.claimed:
        yield f"Not used, since each could be {path}: {', '.join(columns)}"
    for column, paths in found.unsure:
        yield f"Not used: {column} could be any of {', '.join(paths)}"
    for about, remark in found.remarks:
        yield f"{about}: {remark}"
    reasons: dict[str, list[str]] = {}
    for item in found.not_checked:
        reasons.setdefault(item.reason, []).append(f"{item.rule} ({item.kind})")
    for reason, rules in reasons.items():
        yield f"Not checked, {reason}: {', '.join(rules)}"


def _by_group(paths: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for path in paths:
        group, _, name = path.rpartition("/")
        groups.setdefault(group, []).append(name)
    return groups
