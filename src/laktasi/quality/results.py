"""quality.results: what Great Expectations said in this run, and how each rule stands over all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from laktasi.quality.validate import Result
from laktasi.store.sql import transaction

if TYPE_CHECKING:
    import duckdb

_COLUMNS = (
    "run_id",
    "suite",
    "form_id",
    "form_version",
    "rule_id",
    "expectation",
    "asked",
    "failed",
    "rows",
    "failing",
    "low",
    "high",
    "is_met",
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one rule of one suite stands, from this run and earlier ones."""

    result: Result
    rows: int
    """Rows that stand checked, and that `where` lets in; over the set: rows, or groups, that could be compared."""
    failing: int

    @property
    def suite(self) -> str:
        """The suite that it is part of."""
        return self.result.batch.name

    @property
    def rule(self) -> tuple[str, str]:
        """The rule, over all versions of its form."""
        return self.result.batch.form_id, self.result.rule_id

    @property
    def is_empty(self) -> bool:
        """There is nothing that it looks at, so it is not met, though nothing fails."""
        return not self.rows


def write_results(con: duckdb.DuckDBPyConnection, run_id: str, standing: Sequence[Standing]) -> None:
    """Replace quality.results by what this run found."""
    import pyarrow as pa

    rows = [
        (
            run_id,
            item.suite,
            item.result.batch.form_id,
            item.result.batch.version,
            item.result.rule_id,
            item.result.expectation,
            item.result.asked,
            item.result.failed,
            item.rows,
            item.failing,
            item.result.batch.low,
            item.result.batch.high,
            not item.failing and not item.is_empty,
        )
        for item in standing
    ]
    with transaction(con):
        con.execute("DELETE FROM quality.results")
        if rows:
            columns = dict(zip(_COLUMNS, (list(column) for column in zip(*rows, strict=True)), strict=True))
            limits = {name: pa.array(columns[name], pa.float64()) for name in ("low", "high")}
            con.register("_laktasi_results", pa.table(columns | limits))
            con.execute("INSERT INTO quality.results BY NAME FROM _laktasi_results")
            con.unregister("_laktasi_results")
