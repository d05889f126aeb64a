"""The command that plans: how many records the next round needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import given_options, is_terminal, print_table, print_values, project_options, settings_for
from laktasi.cli.given_tables import read_table

if TYPE_CHECKING:
    from laktasi.settings import Settings

COLUMNS = (
    *("exposure", "outcome", "population", "basis", "tau_b", "tau_b_min", "tau_b_max"),
    *("alpha", "power", "centres", "n", "total", "half_width", "method", "reason"),
)
"""What each row of the answer has; n is of each centre, total of all."""
SHOWN = {
    "basis": "assumed",
    "tau_b": "tau_b",
    "power": "power",
    "n": "records per centre",
    "total": "in all",
    "half_width": "interval ±",
}
"""What a terminal has room for, and what stands above it."""

MIN_RECORDS, MAX_RECORDS, MAX_CENTRES = 4, 10_000_000, 10_000
"""As MIN_N, MAX_N and MAX_CENTRES of `laktasi.analysis.power`, which takes numpy to read."""
POWERS = (0.8, 0.9)
POPULATION = "accepted"

Row = dict[str, Any]


@click.command("sample-size", short_help="Say how many records the next round needs.")
@project_options
@click.option("--exposure", metavar="NAME", help="Only this exposure (its name in study.yml).")
@click.option("--outcome", metavar="NAME", help="Only this outcome (its name in study.yml).")
@click.option("--population", type=click.Choice([POPULATION, "all"]), help=f"Whose records.  [default: {POPULATION}]")
@click.option(
    "--table", metavar="COUNTS", help="A table instead of the latest run: rows from low to high, '7,4,0;0,8,6'."
)
@click.option(
    "--tau-b", type=click.FloatRange(-1, 1), help="The association to be found.  [default: what was observed]"
)
@click.option(
    "--power",
    "powers",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="Chance to find it; may be given several times.  [default: 0.8, 0.9]",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Level of the two-sided test.",
)
@click.option(
    "--centres",
    type=click.IntRange(1, MAX_CENTRES),
    default=1,
    show_default=True,
    help="Health centres that take part.",
)
@click.option(
    "--records",
    type=click.IntRange(2, MAX_RECORDS),
    help="Say what so many records in each centre can find, instead of how many.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sample_size(
    project: Path | None,
    data: Path | None,
    exposure: str | None,
    outcome: str | None,
    population: str | None,
    table: str | None,
    tau_b: float | None,
    powers: tuple[float, ...],
    alpha: float,
    centres: int,
    records: int | None,
    as_json: bool,
) -> None:
    """Say how many records the next round needs to find an association, and how wide its interval will be.

    The margins are those of the latest run (all centres together), or of --table. Without --tau-b two associations
    are assumed in turn: the estimate, and the limit of its interval that is nearer to 0, which is the careful choice.
    Only records of the same centre are compared, so the number is for each centre. The power is that of the test which
    the results lead with: the exact one in a single centre, z over several.

    \b
    laktasi sample-size
    laktasi sample-size --exposure NAME --tau-b 0.2 --centres 40
    laktasi sample-size --table "7,4,0;0,8,6" --tau-b 0.3 --power 0.9 --json
    laktasi sample-size --table "7,4,0;0,8,6" --tau-b 0.3 --records 50

    What is assumed and how far it holds: docs/statistics.md
    """
    if tau_b is not None and isnan(tau_b):
        raise click.UsageError("--tau-b is no number")
    if records is not None and powers:
        raise click.UsageError("--records asks for the power: leave out --power")
    powers = powers or POWERS
    if records is None and (wrong := [power for power in powers if not power > alpha]):  # nan too
        raise click.UsageError(f"--power {wrong[0]} is no more than --alpha {alpha}: chance alone finds as much")
    if records is not None and records * centres < MIN_RECORDS:
        raise click.UsageError(f"--records: fewer than {MIN_RECORDS} records in all show nothing")
    if table is not None:
        if any((exposure, outcome, population, project, data)):
            raise click.UsageError(
                "--table stands for itself: leave out the project, the exposure, the outcome and the population"
            )
        basis = "table" if tau_b is None else "given"
        questions: list[Row] = [{"table": read_table(table)[0], "assumed": {basis: (tau_b, None)}}]
    else:
        questions = list(_latest(settings_for(project, data), exposure, outcome, population or POPULATION, tau_b))
    rows = [row for question in questions for row in _rows(question, powers, alpha, centres, records)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, allow_nan=False))
    elif is_terminal():
        _tell(rows)
    else:
        print_values(COLUMNS, [[row[name] for name in COLUMNS] for row in rows])


def _latest(
    settings: Settings, exposure: str | None, outcome: str | None, population: str, tau_b: float | None
) -> Iterator[Row]:
    """Give, for each question of the latest run, the table of everybody and the associations to assume."""
    from laktasi.analysis.power import assumptions
    from laktasi.errors import LaktasiError
    from laktasi.store.warehouse import open_research

    wanted = {"exposure": exposure, "outcome": outcome}
    with open_research(settings.data_folder.research) as con:
        found = con.execute(
            """
            select exposure, outcome, any_value(tau_b), any_value(ci_low), any_value(ci_high), list(cell)
            from (
                select exposure, outcome, population,
                    {'row': exposure_rank, 'column': outcome_rank, 'n': sum(n)::bigint} as cell
                from analysis.contingency_latest
                group by exposure, outcome, population, exposure_rank, outcome_rank
            )
            inner join (from analysis.pooled_latest where method = 'stratified')
                using (exposure, outcome, population)
            where population = $population
                and exposure = coalesce($exposure, exposure) and outcome = coalesce($outcome, outcome)
            group by exposure, outcome order by exposure, outcome
            """,
            {**wanted, "population": population},
        ).fetchall()
    if not found:
        if any(wanted.values()):
            raise LaktasiError(
                f"no result{given_options(wanted)}", next_step="laktasi sample-size, without these, lists what there is"
            )
        raise LaktasiError(
            "the latest run has no analysis to plan from",
            next_step="laktasi sample-size --table '7,4,0;0,8,6' --tau-b 0.3 plans from a table of yours",
        )
    for name, other, estimate, low, high, cells in found:
        counts = [[0] * max(cell["column"] for cell in cells) for _ in range(max(cell["row"] for cell in cells))]
        for cell in cells:
            counts[cell["row"] - 1][cell["column"] - 1] = cell["n"]
        yield {
            "exposure": name,
            "outcome": other,
            "population": population,
            "table": counts,
            "assumed": {"given": (tau_b, None)} if tau_b is not None else assumptions(estimate, low, high),
        }


def _rows(
    question: Row, powers: tuple[float, ...], alpha: float, centres: int, records: int | None
) -> Iterator[dict[str, Any]]:
    """Answer one question: a row for each association assumed, and each power asked for."""
    import numpy as np

    from laktasi.analysis.power import Planned, power_of, sample_size

    table = np.array(question["table"])
    about = {name: question.get(name) for name in ("exposure", "outcome", "population")}
    for basis, (tau_b, why_not) in question["assumed"].items():
        for power in powers if records is None else (None,):
            if why_not is not None:
                plan = Planned(tau_b, alpha, centres, power, reason_code=why_not)
            elif power is None:
                plan = power_of(table, records or 0, tau_b=tau_b, alpha=alpha, centres=centres)
            else:
                plan = sample_size(table, tau_b=tau_b, alpha=alpha, power=power, centres=centres)
            found = {name: getattr(plan, name, None) for name in COLUMNS}
            yield {**found, **about, "basis": basis}


def _tell(rows: list[Row]) -> None:
    """Tell one question after the other, rounded."""
    from itertools import groupby

    from laktasi.analysis.power import SMALL_CENTRE

    digits = {"tau_b": ".3f", "power": ".2f", "half_width": ".3f"}
    for about, found in groupby(rows, key=lambda row: [row[name] for name in ("exposure", "outcome", "population")]):
        exposure, outcome, population = about
        lines, notes = [], []
        for row in found:
            shown = {name: "" if row[name] is None else format(row[name], digits.get(name, "")) for name in SHOWN}
            lines.append(list(shown.values()))
            if row["reason"]:
                notes.append(f"{row['basis']}: {row['reason']}{_range(row)}")
            elif row["centres"] == 1 and row["n"] <= SMALL_CENTRE:
                notes.append(
                    f"{SMALL_CENTRE} records or fewer in one centre: report its exact test, whose power this is."
                )
        title = f"{exposure} × {outcome}, {population} records" if exposure else "The table"
        print_table(list(SHOWN.values()), lines, title=title, right=list(SHOWN.values())[1:])
        click.echo("".join(f"{line}\n" for line in dict.fromkeys(notes)))


def _range(row: Row) -> str:
    if row["tau_b_min"] is None:
        return ""
    return f" ({row['tau_b_min']:.3f} to {row['tau_b_max']:.3f})"
