"""The command about back checks: how many there are and how often answers differ, and which interviews to repeat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import is_terminal, print_table, print_values, project_options, settings_for

if TYPE_CHECKING:
    from collections.abc import Sequence

RATES = (
    "kind",
    "code",
    "type",
    "variable",
    "interviews",
    "compared",
    "different",
    "within_ok_range",
    "errors",
    "rate",
    "ci_low",
    "ci_high",
    "is_few",
    "alarm_rate",
    "is_alarming",
)
STATES = {
    "compared": "compared",
    "attempted": "attempted, not completed",
    "unnamed": "without a study code",
    "no_original": "without an interview",
    "several_originals": "of an interview that is there more than once",
    "repeated": "of an interview that was back-checked before",
    "same_person": "by the enumerator of the interview",
}
"""Columns of marts.back_check_rates, and states of marts.back_checks in words."""


@click.group("back-checks", short_help="Tell how interviews compare with back checks.", invoke_without_command=True)
@project_options
@click.option(
    "--by", type=click.Choice(["enumerator", "checker", "centre"]), default="enumerator", show_default=True,
    help="Whose error rates.",
)  # fmt: skip
@click.pass_context
def back_checks(context: click.Context, /, project: Path | None, data: Path | None, by: str) -> None:
    """Tell how many interviews were repeated, and how often the answers differ, with 95 % intervals.

    On a terminal: coverage, then error rates by type (n is interviews). Into a file or pipe go all rates of the groups
    that --by names, one line each, tab-separated. As of the latest run.
    """
    if context.invoked_subcommand is not None:
        given = {name: context.params[name] for name in ("project", "data") if context.params[name] is not None}
        context.default_map = {context.invoked_subcommand: given}
        return
    from laktasi.store.warehouse import open_research

    settings = settings_for(project, data)
    with open_research(settings.data_folder.research) as con:
        states = dict(con.execute("select state, count(*) from marts.back_checks group by state").fetchall())
        coverage = con.execute(
            "select kind, code, interviews, wanted, drawn, attempted, compared, missing from marts.back_check_coverage"
            " where kind in ('all', ?) order by kind <> 'all', code",
            [by],
        ).fetchall()
        rates = con.execute(
            f"select {', '.join(RATES)} from marts.back_check_rates where kind in ('all', ?)"
            " order by kind <> 'all', type, variable nulls first, code",
            [by],
        ).fetchall()
    if not is_terminal():
        print_values(RATES, rates)
    else:
        _tell(by, coverage, rates)
    told = [f"{count} {STATES[state]}" for state in STATES if (count := states.get(state))]
    click.echo(f"back checks: {', '.join(told) or 'none yet'}", err=True)


def _tell(by: str, coverage: Sequence[Sequence[Any]], rates: Sequence[Sequence[Any]]) -> None:
    if coverage:
        headings = (by, "interviews", "wanted", "drawn", "in vain", "compared", "missing")
        print_table(headings, [("all" if row[0] == "all" else row[1] or "-", *row[2:]) for row in coverage])
    by_type: dict[int, list[tuple[Any, ...]]] = {}
    for row in rates:
        item = dict(zip(RATES, row, strict=True))
        if item["variable"] is None or item["kind"] == "all":
            interval = f"{item['ci_low']:.1%} to {item['ci_high']:.1%}"
            mark = "ALARM" if item["is_alarming"] else "few" if item["is_few"] else ""
            name = item["code"] or (item["variable"] or "all")
            counts = (item["interviews"], item["compared"], item["errors"])
            by_type.setdefault(item["type"], []).append((name, *counts, f"{item['rate']:.1%}", interval, mark))
    for kind, lines in by_type.items():
        headings = (by, "n", "answers", "errors", "rate", "95 % interval", "")
        print_table(headings, lines, title=f"Type {kind}", right=("rate", "95 % interval"))


@back_checks.command("sample", short_help="Draw interviews that somebody else is to repeat.")
@click.option("--share", type=click.FloatRange(0, 1), help="Of the interviews.  [default: as in back_checks.yml]")
@click.option("--seed", metavar="TEXT", help="Another one draws others.  [default: as in back_checks.yml]")
@click.option(
    "--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="File to write, .xlsx or .csv; private."
)
@click.option("--with-contacts", is_flag=True, help="With names and phone numbers; needs --to.")
@project_options
def sample(
    share: float | None,
    seed: str | None,
    target: Path | None,
    with_contacts: bool,
    project: Path | None,
    data: Path | None,
) -> None:
    """Draw interviews that somebody else is to repeat, and list those that nobody has tried to repeat yet.

    What was drawn stays drawn: run it as often as you like, and only what has become wanted since is added. The list is
    for checkers and never for enumerators.
    """
    from laktasi.back_checking import sample as draw
    from laktasi.report.drawn import SUFFIXES, write_list

    if share is not None and share != share:  # what is no number is in no range, and not outside of it either
        raise click.UsageError("--share needs a number between 0 and 1")
    if seed is not None and not seed.strip():
        raise click.UsageError("--seed needs a text")
    if with_contacts and target is None:
        raise click.UsageError("--with-contacts needs --to FILE: names are never printed")
    if target is not None and target.suffix not in SUFFIXES:
        raise click.UsageError(f"--to needs a file that ends in {' or '.join(SUFFIXES)}")
    found = draw(settings_for(project, data), share=share, seed=seed, with_contacts=with_contacts)
    if target is not None:
        write_list(target, found.columns, found.rows)
    elif is_terminal():
        print_table(found.columns, found.rows)
    else:
        print_values(found.columns, found.rows)
    place = f", in {target}" if target else ""
    click.echo(f"{len(found.rows)} interviews to repeat, {found.drawn} of them drawn now{place}", err=True)
