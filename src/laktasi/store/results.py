"""From the marts to counts, and from results back into schema ``analysis``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from laktasi.store.rows import append
from laktasi.store.sql import identifier, literal, transaction, values
from laktasi.study import Pair, Study

Population = Literal["all", "accepted"]
POPULATIONS: tuple[Population, ...] = ("all", "accepted")

KENDALL_COLUMNS: Mapping[str, Any] = {
    "centre_code": pa.string(),
    "exposure": pa.string(),
    "outcome": pa.string(),
    "population": pa.string(),
    "n": pa.int64(),
    "s": pa.int64(),
    "tau_b": pa.float64(),
    "z": pa.float64(),
    "p_value": pa.float64(),
    "p_exact": pa.float64(),
    "ci_low": pa.float64(),
    "ci_high": pa.float64(),
    "ci_method": pa.string(),
    "tau_b_min": pa.float64(),
    "tau_b_max": pa.float64(),
    "reason": pa.string(),
}
POOLED_COLUMNS: Mapping[str, Any] = {
    "exposure": pa.string(),
    "outcome": pa.string(),
    "population": pa.string(),
    "method": pa.string(),
    "centres": pa.int64(),
    "centres_used": pa.int64(),
    "n": pa.int64(),
    "tau_b": pa.float64(),
    "se": pa.float64(),
    "z": pa.float64(),
    "p_value": pa.float64(),
    "ci_low": pa.float64(),
    "ci_high": pa.float64(),
    "ci_method": pa.string(),
    "q": pa.float64(),
    "q_df": pa.int64(),
    "q_p_value": pa.float64(),
    "i2": pa.float64(),
    "reason": pa.string(),
}

Block = Mapping[str, Any]
"""Values by column: arrays of one length, and single values that hold for all of it. nan and None become NULL."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The joint tables of one exposure and one outcome, one for each health centre."""

    centre_codes: NDArray[np.object_]
    """In order; every centre with an included row, whatever the population."""
    counts: NDArray[np.int64]
    """Rows, shape (centres, exposure levels, outcome levels), levels lowest first."""


def contingency(con: duckdb.DuckDBPyConnection, study: Study, population: Population) -> dict[Pair, Counts]:
    """Count the rows of each centre by exposure and outcome, for every pair of the study, in one query a pair.

    Rows without one of the two variables are in no cell. What comes back grows with the centres, not with the rows.
    """
    return {pair: _count(con, study, pair, population) for pair in study.analyses}


def _count(con: duckdb.DuckDBPyConnection, study: Study, pair: Pair, population: Population) -> Counts:
    x, y = identifier(pair.exposure), identifier(pair.outcome)
    shape = (len(study.variables[pair.exposure].levels), len(study.variables[pair.outcome].levels))
    accepted = " and is_accepted" if population == "accepted" else ""
    # In DuckDB count_if is twice as fast as filtered counts, or as grouping by the cells too; but it gives NULL where
    # a centre has no answer at all.
    cells = ", ".join(
        f"coalesce(count_if({x} = {row + 1} and {y} = {column + 1}{accepted}), 0)::bigint as cell_{row}_{column}"
        for row, column in np.ndindex(shape)
    )
    found = con.execute(
        f"select centre_code, {cells} from marts.analysed group by centre_code order by centre_code"
    ).fetchnumpy()
    codes = np.asarray(found.pop("centre_code"), dtype=object)
    counts = np.stack([np.asarray(cell, dtype=np.int64) for cell in found.values()], axis=1)
    return Counts(codes, counts.reshape(len(codes), *shape))


def write_results(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    study: Study,
    *,
    kendall: Iterable[Block],
    pooled: Iterable[Block],
) -> None:
    """Write the results of a run, in one transaction; what the same run wrote before is replaced.

    Contingency and frequency tables are counted here, from marts.analysed.

    Parameters
    ----------
    kendall
        Blocks of rows of analysis.kendall: :data:`KENDALL_COLUMNS`, those that are missing stay empty.
    pooled
        Blocks of rows of analysis.pooled: :data:`POOLED_COLUMNS`.

    Raises
    ------
    ValueError
        A block has a column that its table has not.
    """
    tables = {
        "kendall": [_rows(block, KENDALL_COLUMNS, run_id) for block in kendall],
        "pooled": [_rows(block, POOLED_COLUMNS, run_id) for block in pooled],
    }
    with transaction(con):
        for table in ("kendall", "pooled", "contingency", "frequencies"):
            con.execute(f"delete from analysis.{table} where run_id = ?", [run_id])
        for table, blocks in tables.items():
            if blocks:
                append(con, f"analysis.{table}", pa.concat_tables(blocks))
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
