"""The command that finds what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from laktasi.cli.common import is_terminal, print_values, project_options
from laktasi.errors import DoctorError

if TYPE_CHECKING:
    from laktasi.doctor.finding import Finding

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "wrong": ("✗", "red")}


@click.command(short_help="Find what is wrong, and say what to do about it.")
@project_options
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def doctor(project: Path | None, data: Path | None, as_json: bool) -> None:
    """Look at everything a run needs: programs, settings, network, Central, clock, disk, warehouse, service, backups.

    Each thing is ok, a warning (it will trouble somebody later) or wrong, with what to do next. Nothing is changed, and
    no answer, key or password is printed. The exit code is 12 where something is wrong; warnings are no failure.
    """
    from laktasi.doctor import examine

    found: list[Finding] = []
    for finding in examine(project, data):
        found.append(finding)
        if is_terminal() and not as_json:
            _show(finding)
    if as_json:
        rows = [
            {"name": one.name, "state": one.state, "sentence": one.sentence, "next_step": one.next_step}
            for one in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif not is_terminal():
        columns = ("state", "name", "sentence", "next_step")
        print_values(columns, [[one.state, one.name, one.sentence, one.next_step] for one in found])
    counts = {state: sum(one.state == state for one in found) for state in MARKS}
    if not as_json:
        click.echo(f"\n{counts['wrong']} wrong, {counts['warning']} warnings, {counts['ok']} ok", err=not is_terminal())
    if counts["wrong"]:
        names = ", ".join(one.name for one in found if one.state == "wrong")
        raise DoctorError(f"something is wrong: {names}", next_step="do what the lines above say, from the first on")


def _show(finding: Finding) -> None:
    """Print a line as soon as it is known: some looks take seconds."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    mark, colour = MARKS[finding.state]
    said = Text(finding.sentence)
    if finding.next_step:
        said.append(f"\nNext: {finding.next_step}", style="bold" if finding.state == "wrong" else "")
    row = Table.grid(padding=(0, 1))
    row.add_column(width=1)
    row.add_column(width=20)
    row.add_column(overflow="fold")
    row.add_row(Text(mark, style=colour), Text(finding.name, style=colour), said)
    Console().print(row)
