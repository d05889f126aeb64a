"""Results of single centres compared: those in the Parquet file beside a manifest, and those of the same data now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from laktasi.store.run_results import CENTRE, TABLE, by_centre_of, tables_of_results
from laktasi.store.sql import identifier, literal

_DIFFERING = "_laktasi_differing"
_NUMBERS = ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT")


@dataclass(frozen=True, slots=True)
class Differing:
    """What differs in one table of results."""

    centres: int
    """How many have a row that differs."""
    named: tuple[str, ...]
    """Codes of the first of them."""
    differences: int
    examples: tuple[str, ...]
    """The first differences, in words."""
    largest: float
    """Largest relative difference of two numbers, those within the tolerance too."""


@dataclass(frozen=True, slots=True)
class CentreResults:
    """Results by centre: of a manifest, in a file beside it, and of a run in a warehouse."""

    con: duckdb.DuckDBPyConnection
    run_id: str
    """The run in the warehouse."""
    file: Path
    state: str
    """``whole``; ``lost``; ``changed``, where it is not what the run wrote; ``none``, where the run had no such row."""

    def differing(self, table: str, then: Mapping[str, Any], tolerance: float, shown: int) -> Differing:
        """Compare one table, row by row, in DuckDB.

        Parameters
        ----------
        then
            The table in the manifest: its columns are compared, its key names the rows.
        tolerance
            Relative difference that two numbers may have.
        shown
            How many centres and differences to name.
        """
        types = tables_of_results(self.con)[table]
        columns = list(then["columns"])
        self.con.execute(
            f"create or replace temp table {_DIFFERING} as "
            + self._differing_rows(table, columns, columns[: then["key"]], types, tolerance)
        )
        try:
            counted = self.con.execute(
                f"""
                select
                    count(distinct {CENTRE}) filter (where len(beyond) > 0),
                    coalesce(sum(len(beyond)), 0)::bigint,
                    coalesce(max(largest), 0)
                from {_DIFFERING}
                """
            ).fetchone()
            assert counted is not None
            beyond = f"(from {_DIFFERING} where len(beyond) > 0)"
            named = self.con.execute(f"select distinct {CENTRE} from {beyond} order by all limit {shown:d}").fetchall()
            examples = self.con.execute(
                f"""
                select called || ': ' || unnest(beyond)
                from (from {beyond} order by called limit {shown:d}) order by called limit {shown:d}
                """
            ).fetchall()
        finally:
            self.con.execute(f"drop table {_DIFFERING}")
        centres, differences, largest = counted
        return Differing(
            centres, tuple(str(code) for (code,) in named), differences, tuple(words for (words,) in examples), largest
        )

    def _differing_rows(
        self, table: str, columns: Sequence[str], key: Sequence[str], types: Mapping[str, str], tolerance: float
    ) -> str:
        """Give the select of the rows that are not equal to the last digit, with the words of what differs."""
        past = ", ".join(f"try_cast({name} as {types[of]}) as {name}" for of in columns for name in [identifier(of)])
        same_key = " and ".join(f"past.{name} is not distinct from here.{name}" for name in map(identifier, key))
        called = ", ".join(f"coalesce(here.{name}, past.{name})::varchar" for name in map(identifier, key))
        compared = [name for name in columns if name not in key]
        beyond = ", ".join(_beyond(name, types[name], tolerance) for name in compared)
        apart = ", ".join(_apart(name) for name in compared if types[name] in _NUMBERS)
        unlike = " or ".join(f"past.{name} is distinct from here.{name}" for name in map(identifier, compared))
        return f"""
            with
            past as (
                select {past} from read_parquet({literal(str(self.file))}) where {identifier(TABLE)} = {literal(table)}
            ),
            here as (
                select {", ".join(map(identifier, columns))} from {identifier("analysis", table)}
                where run_id = {literal(self.run_id)} and {CENTRE} is not null
            )
            select
                coalesce(here.{CENTRE}, past.{CENTRE}) as {CENTRE},
                concat_ws(' ', {called}) as called,
                case
                    when past.{CENTRE} is null then ['not there then, now it is']
                    when here.{CENTRE} is null then ['there then, now it is not']
                    else flatten([{beyond or "[]::varchar[]"}])
                end as beyond,
                greatest({apart or "null"}, null) as largest
            from past
            full join here on {same_key}
            where past.{CENTRE} is null or here.{CENTRE} is null or {unlike or "false"}
        """


def beside(manifest: Path, then: Mapping[str, Any], con: duckdb.DuckDBPyConnection, run_id: str) -> CentreResults:
    """Find the results by centre beside a manifest, to be compared with those of a run in a warehouse."""
    file = by_centre_of(manifest, then["run_id"])
    digest = then["by_centre"].get("sha256")
    if digest is None:
        state = "none"
    elif not file.is_file():
        state = "lost"
    else:
        with file.open("rb") as opened:
            state = "whole" if hashlib.file_digest(opened, "sha256").hexdigest() == digest else "changed"
    return CentreResults(con, run_id, file, state)


def _apart(name: str) -> str:
    """Give the relative difference of two finite numbers; null for others."""
    before, now = (f"{side}.{identifier(name)}::double" for side in ("past", "here"))
    return f"case when isfinite({before}) and isfinite({now}) and {before} <> {now} then " + (
        f"abs({before} - {now}) / greatest(abs({before}), abs({now})) end"
    )


def _beyond(name: str, kind: str, tolerance: float) -> str:
    """Give a list with the words of a difference, empty where there is none beyond the tolerance."""
    before, now = (f"{side}.{identifier(name)}" for side in ("past", "here"))
    within = f"coalesce({_apart(name)} <= {tolerance!r}, false)" if kind in _NUMBERS else "false"
    words = f"{literal(name)} || ' ' || coalesce({before}::varchar, 'none') || ' then, '"
    return (
        f"case when {before} is distinct from {now} and not {within}"
        f" then [{words} || coalesce({now}::varchar, 'none') || ' now'] else []::varchar[] end"
    )
