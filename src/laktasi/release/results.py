"""Which results go out: those that say no more than the rows do, and those that the rule for cells lets out.

A centre's coefficients give back its joint table, so publishing one counts as publishing the other. What is computed
across centres is one equation on those that are withheld; it goes out where the known sum over these can be shared
among them in so many ways that all published numbers together cannot single one out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from laktasi.release.cells import Counts, hidden_bits, passes
from laktasi.release.prepare import Prepared
from laktasi.release.rule import BITS, DIGITS, Rule
from laktasi.release.source import Source, joint_tables
from laktasi.store.sql import identifier, literal, scalar
from laktasi.study import Pair

COMMENT = b"comment"
OF_ALL_CENTRES = ("p_holm", "p_bh", "left_out")
"""Columns that depend on the results of centres which are withheld."""


@dataclass(frozen=True, slots=True)
class PairTold:
    """What became of one question of the study."""

    pair: Pair
    shown: int
    """Centres whose results go out."""
    withheld: int
    """Centres with records whose results do not."""
    across: str
    """What goes out across centres: ``all``, ``no_leave_one_out``, ``naive`` or ``none``."""
    why: str
    """Key of ``texts.WHY_NOT``; empty where all goes out."""
    hidden_bits: float | None = None
    told_bits: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """What goes out of schema ``analysis``."""

    tables: Mapping[str, pa.Table]
    """By name; the metadata :data:`COMMENT` of a table and of its fields say what they are."""
    pairs: tuple[PairTold, ...]
    frequencies_withheld: tuple[str, ...] = field(default=())
    """Variables without a table of frequencies."""


def choose_results(source: Source, prepared: Prepared, rule: Rule) -> Results:
    """Choose what goes out of the latest run's results for accepted records."""
    masked = _masked(source, prepared)
    tables = joint_tables(source)
    chosen: dict[str, list[pa.Table]] = {}
    told = []
    for pair in source.study.analyses:
        found, line = _pair(source, prepared, rule, pair, tables[pair], masked)
        told.append(line)
        for name, table in found.items():
            chosen.setdefault(name, []).append(table)
    variables = [name for name in source.study.tables if name not in masked and _is_counted(source, name, rule.k)]
    if variables:
        wanted = ", ".join(literal(name) for name in variables)
        frequencies = _latest(source, "frequencies", f"centre_code is null and variable in ({wanted})")
        chosen["frequencies"] = [frequencies.drop_columns(["centre_code"])]
    return Results(
        tables={
            name: _described(source, name, pa.concat_tables(parts))
            for name, parts in chosen.items()
            if sum(map(len, parts))
        },
        pairs=tuple(told),
        frequencies_withheld=tuple(name for name in source.study.tables if name not in variables),
    )


def _masked(source: Source, prepared: Prepared) -> set[str]:
    """Name the variables of which some answer is withheld: a count of all would give it back."""
    paths = {column.path for at, column in enumerate(prepared.columns) if prepared.withheld[:, at].any()}
    return {name for name in source.study.variables if source.asked(name) & paths}


def _is_counted(source: Source, name: str, k: int) -> bool:
    ranks = source.ranks[name]
    return passes(np.bincount(ranks[ranks > 0].astype(np.int64), minlength=1)[1:], k)


def _pair(
    source: Source, prepared: Prepared, rule: Rule, pair: Pair, tables: Mapping[str, Counts], masked: set[str]
) -> tuple[dict[str, pa.Table], PairTold]:
    """Give what goes out of one question of the study, and say why not all does."""
    shown, withheld = prepared.places.shown[pair], prepared.places.withheld[pair]
    if masked & {pair.exposure, pair.outcome}:
        return {}, PairTold(pair, 0, len(shown) + len(withheld), "none", "masked")
    whose = f"exposure = {literal(pair.exposure)} and outcome = {literal(pair.outcome)}"
    listed = ", ".join(literal(code) for code in sorted(shown)) or "null"
    by_centre = f"{whose} and centre_code in ({listed})"
    found = {
        "kendall": _latest(source, "kendall", by_centre),
        "contingency": _latest(source, "contingency", by_centre),
    }
    across = {
        "pooled": _latest(source, "pooled", whose),
        "random_effects": _latest(source, "random_effects", whose),
        "leave_one_out": _latest(source, "leave_one_out", by_centre),
    }
    if not withheld:
        return {**found, **across}, PairTold(pair, len(shown), 0, "all", "")
    found = {name: _without(table) for name, table in found.items()}
    across = {name: _rounded(_without(table)) for name, table in across.items()}
    bits = sum(hidden_bits(total, centres) for total, centres in _hidden(source, prepared, pair, withheld))
    for level, names in (
        ("all", ("pooled", "random_effects", "leave_one_out")),
        ("no_leave_one_out", ("pooled", "random_effects")),
    ):
        told = BITS * sum(_numbers(across[name]) for name in names)
        if told <= bits:
            found |= {name: across[name] for name in names}
            return found, PairTold(pair, len(shown), len(withheld), level, "" if level == "all" else "bits", bits, told)
    naive = across["pooled"].filter(pa.compute.equal(across["pooled"]["method"], "naive"))
    total = np.sum(np.stack(list(tables.values())), axis=0)
    if not (_in_rows(source, prepared, pair) or passes(total, rule.k, rule.at_least)):
        return found, PairTold(pair, len(shown), len(withheld), "none", "bits", bits, told)
    return {**found, "pooled": naive}, PairTold(pair, len(shown), len(withheld), "naive", "bits", bits, told)


def _in_rows(source: Source, prepared: Prepared, pair: Pair) -> bool:
    """Say whether both answers stand in the rows, so that all records' table can be counted from them."""
    paths = {column.path for column in prepared.columns if column.kind == "category" and not column.treatment}
    return source.asked(pair.exposure) | source.asked(pair.outcome) <= paths


def _hidden(
    source: Source, prepared: Prepared, pair: Pair, withheld: Iterable[str]
) -> list[tuple[NDArray[np.int64], int]]:
    """Give what subtraction finds: for each group of rows the sum over its withheld centres, and how many they are."""
    x, y = source.ranks[pair.exposure], source.ranks[pair.outcome]
    shape = tuple(len(source.study.variables[name].levels) for name in (pair.exposure, pair.outcome))
    is_hidden = np.isin(source.centre_codes.astype(str), list(withheld)) & (x > 0) & (y > 0)
    found = []
    for group in np.unique(prepared.groups[is_hidden]).tolist():
        here = is_hidden & (prepared.groups == group)
        total = np.zeros(shape, dtype=np.int64)
        np.add.at(total, (x[here] - 1, y[here] - 1), 1)
        found.append((total, len(np.unique(source.centre_codes[here].astype(str)))))
    return found


def _latest(source: Source, table: str, where: str) -> pa.Table:
    """Give rows of the latest run's results for accepted records; none where this research copy has no such table."""
    view = f"{table}_latest"
    if not scalar(
        source.con, "select count(*) from duckdb_views() where schema_name = 'analysis' and view_name = ?", [view]
    ):
        return pa.table({"centre_code": pa.array([], pa.string())})
    place = identifier("analysis", view)
    return source.con.execute(
        f"select * exclude (run_id, population) from {place} where population = 'accepted' and {where} order by all"
    ).to_arrow_table()


def _described(source: Source, name: str, table: pa.Table) -> pa.Table:
    """Let a table carry what the warehouse says of it and of its columns."""
    about = scalar(
        source.con, "select comment from duckdb_tables() where schema_name = 'analysis' and table_name = ?", [name]
    )
    comments: dict[str, str | None] = dict(
        source.con.execute(
            "select column_name, comment from duckdb_columns() where schema_name = 'analysis' and table_name = ?",
            [name],
        ).fetchall()
    )
    fields = [field.with_metadata({COMMENT: comments.get(field.name) or ""}) for field in table.schema]
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields, {COMMENT: about or ""}))


def _without(table: pa.Table) -> pa.Table:
    """Empty the columns that depend on centres which are withheld."""
    for name in OF_ALL_CENTRES:
        if name in table.column_names:
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.nulls(len(table), table.schema.field(at).type))
    return table


def _rounded(table: pa.Table) -> pa.Table:
    """Round all numbers to a few significant digits."""
    for at, column in enumerate(table.schema):
        if pa.types.is_floating(column.type):
            numbers = [None if value is None else _round(value) for value in table.column(at).to_pylist()]
            table = table.set_column(at, column, pa.array(numbers, column.type))
    return table


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _numbers(table: pa.Table) -> int:
    """Count the numbers in a table that are no counts."""
    return sum(
        len(table) - table.column(at).null_count
        for at, column in enumerate(table.schema)
        if pa.types.is_floating(column.type)
    )
