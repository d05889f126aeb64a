"""The command kendall: results of the latest run, or of tables that a person gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laktasi.cli.common import (
    given_options,
    is_terminal,
    print_table,
    print_values,
    project_options,
    settings_for,
    visible,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from laktasi.cli.given_tables import Given

Row = dict[str, Any]

MEASURES = {
    "tau_b": "",
    "tau_c": "tau_c_",
    "gamma": "gamma_",
    "somers_d_yx": "somers_d_yx_",
    "somers_d_xy": "somers_d_xy_",
}
"""Each measure, and how the columns of its standard errors begin."""
CENTRE_HEADINGS = ("centre", "n", "tau_b", "95 % interval", "z", "p", "exact p")


@click.command(short_help="Show Kendall's tau_b by health centre and over all, or of a table you give.")
@project_options
@click.option("--centre", metavar="CODE", help="Only this health centre.")
@click.option("--exposure", metavar="NAME", help="Only this exposure (its name in study.yml).")
@click.option("--outcome", metavar="NAME", help="Only this outcome (its name in study.yml).")
@click.option("--population", type=click.Choice(["accepted", "all"]), help="Which records.  [default: accepted]")
@click.option("--table", metavar="CELLS", help="Analyse this table instead: '7,4,0;0,8,6'.")
@click.option("--tables", type=click.Path(path_type=Path), metavar="FILE", help="Analyse the tables of this CSV file.")
@click.option("--draws", type=click.IntRange(1_000, 1_000_000), help="With a table: arrangements to sample for p.")
@click.option("--seed", type=click.IntRange(0), help="With a table: what the sample rests on.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def kendall(
    project: Path | None,
    data: Path | None,
    centre: str | None,
    exposure: str | None,
    outcome: str | None,
    population: str | None,
    table: str | None,
    tables: Path | None,
    draws: int | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Show Kendall's tau_b of the latest run: for each health centre, and over all of them.

    accepted: without the records that have an open error. On a terminal numbers are rounded; into a file or pipe they
    go in full, tab-separated. What each means: docs/statistics.md

    With --table or --tables it analyses what you give, without a project:

    \b
    laktasi kendall --table '7,4,0;0,8,6'
    laktasi kendall --tables cells.csv --json

    --table: cells with commas between them, rows with semicolons. Rows are the exposure from low to high, columns the
    outcome from low to high. --tables: a line for each cell, with the columns stratum, x (exposure), y (outcome) and
    count; a cell without a line holds nobody. A count is written in digits alone: 1000, not 1.000 or 1e3. Levels that
    are numbers are sorted as numbers. Levels that are texts keep the order in which they first come in the file:
    write the lowest first.
    """
    from laktasi.errors import LaktasiError

    wanted = {"centre": centre, "exposure": exposure, "outcome": outcome}
    chance = {name: value for name, value in (("draws", draws), ("seed", seed)) if value is not None}
    if table is None and tables is None:
        if chance:
            raise LaktasiError(
                f"a run has its settings, and none{given_options({name: str(chance[name]) for name in chance})}",
                next_step="set monte_carlo_draws and seed in laktasi.toml, and run again",
            )
        _show_run(project, data, wanted, population or "accepted", as_json)
        return
    if table is not None and tables is not None:
        raise LaktasiError("--table and --tables at once", next_step="give one of them")
    folders = {name: str(folder) if folder else None for name, folder in (("project", project), ("data", data))}
    if said := given_options({**folders, **wanted, "population": population}):
        raise LaktasiError(f"a table is analysed by itself, not{said}", next_step="leave these out, or the table")
    if table is not None:
        _show_table(table, chance, as_json)
    elif tables is not None:
        _show_tables(tables, chance, as_json)


# a table that is given


def _show_table(text: str, chance: Mapping[str, int], as_json: bool) -> None:
    from laktasi.cli.given_tables import read_table

    row = _rows_of(read_table(text), chance)[0]
    if as_json:
        _print_json(row)
    elif not is_terminal():
        print_values(list(row), [list(row.values())])
    else:
        _tell_table(row)


def _show_tables(path: Path, chance: Mapping[str, int], as_json: bool) -> None:
    from laktasi.cli.given_tables import read_tables

    given = read_tables(path)
    rows = [{"stratum": name, **row} for name, row in zip(given.strata, _rows_of(given.counts, chance), strict=True)]
    if as_json:
        _print_json({"levels": {"x": given.x, "y": given.y}, "strata": rows, "pooled": _pooled(given, rows)})
    elif not is_terminal():
        print_values(list(rows[0]), [list(row.values()) for row in rows])
        click.echo("The pooled results: --json, or on a terminal.", err=True)
    else:
        _tell_tables(given, rows)


def _rows_of(counts: NDArray[np.int64], chance: Mapping[str, int]) -> list[Row]:
    from laktasi.analysis.exact import DRAWS
    from laktasi.analysis.tables import analyse_tables
    from laktasi.cli.given_tables import check_sampling

    check_sampling(counts, chance.get("draws", DRAWS))
    return _records(analyse_tables(counts, **chance))


def _records(columns: Mapping[str, Any]) -> list[Row]:
    """Turn columns into rows, what is no number into None."""
    values = [[_plain(value) for value in column.tolist()] for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _pooled(given: Given, rows: Sequence[Row]) -> Row:
    from laktasi.analysis.pooled import naive, stratified
    from laktasi.analysis.random_effects import leave_one_out, random_effects

    mean = _fields(random_effects(given.counts))
    without = leave_one_out(given.counts)
    left_out = _records({name: getattr(without, name) for name in without.__dataclass_fields__})
    return {
        "stratified": _fields(stratified(given.counts)),
        "naive": _fields(naive(given.counts)),
        "random_effects": mean,
        "leave_one_out": [
            {"stratum": row["stratum"], **one, "reason": _why_not(one, row, mean)}
            for row, one in zip(rows, left_out, strict=True)
        ],
    }


def _why_not(without: Row, stratum: Row, mean: Row) -> str | None:
    """Say why there is no estimate without this stratum."""
    from laktasi.analysis.heterogeneity import MIN_N
    from laktasi.analysis.reasons import NO_CENTRE, NO_LARGE_CENTRE, NO_VARIANCE, ONE_CENTRE, REASONS, TOO_FEW

    if without["tau_b"] is not None:
        return None
    if stratum["tau_b"] is None:
        return f"not used: {stratum['reason']}"
    if stratum["n"] < MIN_N:
        return f"not used: {REASONS[TOO_FEW]['en']}"
    left = mean["centres_used"] - 1
    if left == 0:
        return REASONS[NO_LARGE_CENTRE if TOO_FEW in mean["left_out"] else NO_CENTRE]["en"]
    return REASONS[ONE_CENTRE if left == 1 else NO_VARIANCE]["en"]


def _fields(result: Any) -> Row:
    """Give what a result over all tables holds, its reason in words."""
    found = {name: _plain(getattr(result, name)) for name in result.__dataclass_fields__ if name != "reason_code"}
    return {**found, "reason": result.reason}


def _plain(value: Any) -> Any:
    from math import isfinite

    if isinstance(value, Mapping):
        return dict(value)
    return None if isinstance(value, float) and not isfinite(value) else value


def _print_json(what: Any) -> None:
    import json
    import re

    text = json.dumps(what, ensure_ascii=False, allow_nan=False, default=str)
    # json writes out the control characters below space, and leaves these.
    click.echo(re.sub("[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text))


def _tell_table(row: Row) -> None:
    """Tell all of one table, rounded."""
    from laktasi.summary import p_in_words

    headings = ("", "value", "ASE1", "ASE0", "95 % interval")
    lines = [
        (name, _number(row[name]), _number(row[f"{of}ase1"]), _number(row[f"{of}ase0"]),
         _interval(row["ci_low"], row["ci_high"]) if name == "tau_b" else _interval(row[f"{of}low"], row[f"{of}high"]))
        for name, of in MEASURES.items()
    ]  # fmt: skip
    if row["tau_b"] is not None:
        print_table(headings, lines, title=f"n = {row['n']}", right=headings[1:])
        _say(f"These margins allow a tau_b of {_interval(row['tau_b_min'], row['tau_b_max'])}.")
        _say(f"z = {_number(row['z'])}, p {_equals(p_in_words(row['p_value']))}  (S / its standard deviation)")
        if row["approx_t"] is not None:
            said = f"approx. T = {_number(row['approx_t'])}, p {_equals(p_in_words(row['approx_p']))}"
            _say(f"{said}  (tau_b / ASE0)")
        _say(f"given both margins, p {_equals(p_in_words(row['p_exact']))}  ({row['p_exact_method']})")
    if row["reason"]:
        _say(f"n = {row['n']}: {row['reason']}")


def _tell_tables(given: Given, rows: Sequence[Row]) -> None:
    """Tell what there is of each stratum and over all, rounded."""
    from laktasi.summary import p_in_words

    headings = ("stratum", "n", "tau_b", "95 % interval", "z", "p", "exact p", "p (Holm)")
    lines = [
        (row["stratum"], row["n"], _number(row["tau_b"]), _interval(row["ci_low"], row["ci_high"]), _number(row["z"]),
         *(p_in_words(row[name]) for name in ("p_value", "p_exact", "p_holm")))
        for row in rows
    ]  # fmt: skip
    title = visible(f"exposure {_in_order(given.x)}; outcome {_in_order(given.y)}")
    print_table(headings, lines, title=title, right=headings[1:])
    for row in rows:
        if row["reason"]:
            _say(f"{visible(row['stratum'])}: {row['reason']}")
    pooled = _pooled(given, rows)
    over_all = [
        (name.replace("_", " "), one["n"], f"{one['centres_used']} of {one['centres']}", _number(one["tau_b"]),
         _interval(one["ci_low"], one["ci_high"]), p_in_words(one["p_value"]))
        for name, one in pooled.items() if name != "leave_one_out"
    ]  # fmt: skip
    above = ("over all", "n", "strata", "tau_b", "95 % interval", "p")
    print_table(above, over_all, right=above[1:])
    for name in ("stratified", "naive", "random_effects"):
        if pooled[name]["reason"]:
            _say(f"{name.replace('_', ' ')}: {pooled[name]['reason']}")
    mean = pooled["random_effects"]
    if mean["q"] is not None:
        said = f"Q = {mean['q']:.2f} with {mean['q_df']} degrees of freedom, p {_equals(p_in_words(mean['q_p_value']))}"
        _say(f"{said}; I² = {mean['i2']:.0%}; tau² = {_number(mean['tau2'])}")
    if mean["pi_low"] is not None:
        _say(f"One more such stratum may lie anywhere from {_interval(mean['pi_low'], mean['pi_high'])}.")
    _say("Without each stratum in turn, and all other numbers: --json")


def _in_order(levels: Iterable[str]) -> str:
    return " < ".join(levels)


# the results of a run


def _show_run(
    project: Path | None, data: Path | None, wanted: Mapping[str, str | None], population: str, as_json: bool
) -> None:
    from laktasi.errors import LaktasiError
    from laktasi.store.warehouse import open_research, told_by_an_earlier_laktasi

    with open_research(settings_for(project, data).data_folder.research) as con:
        given = {**wanted, "population": population}
        with told_by_an_earlier_laktasi("lacks results that this command shows"):
            columns, rows = _ask(con, LISTED, given)
            asked = _of_run(wanted["centre"]) if as_json else {}
            found = {name: _ask(con, query, given) for name, query in asked.items()}
    if not rows and any(wanted.values()):
        raise LaktasiError(
            f"no result{given_options(wanted)}", next_step="laktasi kendall, without these, lists what there is"
        )
    if as_json:
        _print_json(
            {
                name: [{key: _of_json(key, value) for key, value in zip(names, row, strict=True)} for row in results]
                for name, (names, results) in found.items()
            }
        )
    elif not is_terminal():
        print_values(columns, rows)
    elif rows:
        _tell_run(rows)
    if not rows:
        click.echo("no results: the latest run had no study.yml with analyses", err=True)


WANTED = """population = $population
    and exposure = coalesce($exposure, exposure) and outcome = coalesce($outcome, outcome)"""
OF_CENTRE = "centre_code is not distinct from coalesce($centre, centre_code)"

LISTED = f"""
with results as (
    select exposure, outcome, population, centre_code, null as method,
        n, tau_b, ci_low, ci_high, z, p_value, p_exact, p_holm, reason, 1 as place
    from analysis.kendall_latest
    union all
    select exposure, outcome, population, null, method,
        n, tau_b, ci_low, ci_high, z, p_value, null, null, reason, if(method = 'stratified', 2, 4)
    from analysis.pooled_latest
    union all
    select exposure, outcome, population, null, 'random effects',
        n, tau_b, ci_low, ci_high, null, p_value, null, null, reason, 3
    from analysis.random_effects_latest
)
select * exclude (place)
from results
where {WANTED} and {OF_CENTRE}
order by exposure, outcome, place, centre_code
"""


def _of_run(centre: str | None) -> dict[str, str]:
    """Give what --json prints: all columns of the results of each centre and, unless one is named, over all."""
    kinds = ("kendall",) if centre else ("kendall", "pooled", "random_effects", "leave_one_out")
    return {
        kind: f"from analysis.{kind}_latest where {WANTED}"
        + (f" and {OF_CENTRE}" if kind == "kendall" else " and $centre is null")
        + " order by exposure, outcome"
        + (", centre_code" if kind in ("kendall", "leave_one_out") else "")
        for kind in kinds
    }


def _ask(con: Any, query: str, given: Mapping[str, str | None]) -> tuple[list[str], list[tuple[Any, ...]]]:
    result = con.execute(query, dict(given))
    return [item[0] for item in result.description], result.fetchall()


def _of_json(name: str, value: Any) -> Any:
    import json

    return json.loads(value) if name == "left_out" else _plain(value)


def _tell_run(rows: Sequence[Sequence[Any]]) -> None:
    """Tell one question after the other, rounded."""
    from laktasi.summary import p_in_words

    for (exposure, outcome, population), results in groupby(rows, key=lambda row: tuple(row[:3])):
        lines, without = [], []
        for _, _, _, centre, method, n, tau, low, high, z, p, exact, _, reason in results:
            name = centre or f"all, {method}"
            interval = _interval(low, high)
            lines.append((name, n, _number(tau), interval, _number(z), p_in_words(p), p_in_words(exact)))
            if tau is None:
                without.append(f"{name}: no tau_b, {reason}")
            elif centre is None and reason:
                without.append(f"{name}: {reason}")
        print_table(
            CENTRE_HEADINGS, lines, title=f"{exposure} × {outcome}, {population} records", right=CENTRE_HEADINGS[1:]
        )
        for line in without:
            _say(line)
        click.echo()


def _say(text: str) -> None:
    """Tell a sentence for a person, in lines as wide as the terminal."""
    import shutil
    import textwrap

    click.echo(textwrap.fill(text, shutil.get_terminal_size().columns, subsequent_indent="  ", break_on_hyphens=False))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _equals(words: str) -> str:
    return words if words.startswith("<") else f"= {words}"
