"""Results into schema ``analysis``, with the counts that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from laktasi.store.counts import POPULATIONS, Population
from laktasi.store.rows import append
from laktasi.store.sql import identifier, literal, transaction, values
from laktasi.study import Pair, Study

TABLES = ("kendall", "pooled", "random_effects", "leave_one_out", "adjusted", "paired", "trend", "next_round")
"""What the analysis computes; contingency and frequencies are counted here."""

Block = Mapping[str, Any]
"""Values by column: arrays of one length, and single values that hold for all of it. nan and None become NULL."""


def columns_of(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    """Give the columns of a table of results and their Arrow types; without the run, which a block does not know."""
    none = con.execute(f"select * exclude (run_id) from {identifier('analysis', table)} limit 0").to_arrow_table()
    return {field.name: field.type for field in none.schema}


def write_results(
    con: duckdb.DuckDBPyConnection, run_id: str, study: Study, found: Mapping[str, Iterable[Block]]
) -> None:
    """Write the results of a run, in one transaction; what the same run wrote before is replaced.

    Contingency and frequency tables are counted here, from marts.analysed.

    Parameters
    ----------
    found
        Blocks of rows by table, of those in :data:`TABLES`; columns that a block has not stay empty.

    Raises
    ------
    ValueError
        A block has a column that its table has not, or there is no such table.
    """
    if unknown := sorted(set(found) - set(TABLES)):
        raise ValueError(f"there is no table of results {unknown[0]!r}")
    tables = {}
    for table, blocks in found.items():
        columns = columns_of(con, table)
        tables[table] = [_rows(block, columns, run_id) for block in blocks]
    with transaction(con):
        for table in (*TABLES, "contingency", "frequencies"):
            con.execute(f"delete from analysis.{table} where run_id = ?", [run_id])
        for table, rows in tables.items():
            if rows:
                append(con, f"analysis.{table}", pa.concat_tables(rows))
        for population in POPULATIONS:
            for pair in study.analyses:
                con.execute(_contingency_rows(run_id, study, pair, population))
            for name in study.tables:
                con.execute(_frequency_rows(run_id, study, name, population))


def _rows(block: Block, columns: Mapping[str, Any], run_id: str) -> pa.Table:
    if unknown := sorted(set(block) - set(columns)):
        raise ValueError(f"results have no column {unknown[0]!r}")
    lengths = {len(value) for value in block.values() if isinstance(value, np.ndarray | list | tuple)}
    if len(lengths) > 1:
        raise ValueError(f"columns of a block differ in length: {sorted(lengths)}")
    size = lengths.pop() if lengths else 1
    arrays = {"run_id": pa.array([run_id] * size, pa.string())}
    for name, kind in columns.items():
        value = block.get(name)
        listed = value if isinstance(value, np.ndarray | list | tuple) else [value] * size
        arrays[name] = pa.array(listed, kind, from_pandas=True)  # from_pandas: nan is NULL
    return pa.table(arrays)


def _contingency_rows(run_id: str, study: Study, pair: Pair, population: Population) -> str:
    """Give the insert of every combination of levels at every centre, those without a row too."""
    x, y = identifier(pair.exposure), identifier(pair.outcome)
    rows, columns = (len(study.variables[name].levels) for name in (pair.exposure, pair.outcome))
    return f"""
        insert into analysis.contingency by name
        with
        centres as (select distinct centre_code from marts.analysed),
        counted as (
            select centre_code, {x} as exposure_rank, {y} as outcome_rank, count(*) as n
            from marts.analysed where {_whom(population)}
            group by centre_code, {x}, {y}
        )
        select {literal(run_id)} as run_id, centre_code, {literal(pair.exposure)} as exposure,
            {literal(pair.outcome)} as outcome, {literal(population)} as population,
            exposure_rank, outcome_rank, coalesce(counted.n, 0) as n
        from centres
        cross join (select unnest(range(1, {rows + 1}))::integer as exposure_rank)
        cross join (select unnest(range(1, {columns + 1}))::integer as outcome_rank)
        left join counted using (centre_code, exposure_rank, outcome_rank)
    """


def _frequency_rows(run_id: str, study: Study, name: str, population: Population) -> str:
    """Give the insert of every level at every centre and of all centres together."""
    variable = identifier(name)
    levels = values(("level", "level_rank"), [(lv, rank) for rank, lv in enumerate(study.variables[name].levels, 1)])
    return f"""
        insert into analysis.frequencies by name
        with
        levels as ({levels}),
        centres as (select distinct centre_code from marts.analysed union all select null),
        counted as (
            select centre_code, {variable} as level_rank, count(*) as n
            from marts.analysed where {_whom(population)} and {variable} is not null
            group by grouping sets ((centre_code, {variable}), ({variable}))
        ),
        filled as (
            select centres.centre_code, levels.level, levels.level_rank, coalesce(counted.n, 0) as n
            from centres
            cross join levels
            left join counted
                on centres.centre_code is not distinct from counted.centre_code
                and levels.level_rank = counted.level_rank
        )
        select {literal(run_id)} as run_id, centre_code, {literal(population)} as population,
            {literal(name)} as variable, level, level_rank, n,
            100.0 * n / nullif(sum(n) over (partition by centre_code), 0) as percent
        from filled
    """


def _whom(population: Population) -> str:
    return "is_accepted" if population == "accepted" else "true"


def analysed_set(con: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """Give the number of rows of marts.analysed and a SHA-256 over them.

    The hash does not depend on the order of rows: equal sets have equal hashes, in any run and any warehouse.
    """
    found = con.execute(
        """
        select count(*), sha256(coalesce(string_agg(to_json(analysed)::varchar, chr(10) order by submission_id), ''))
        from marts.analysed as analysed
        """
    ).fetchone()
    assert found is not None
    rows, digest = found
    return rows, digest
