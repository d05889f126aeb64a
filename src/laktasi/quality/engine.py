"""Great Expectations on the DuckDB instance that this process has open already.

A DuckDB file takes one writing process, and one instance in it. GX reaches a database through SQLAlchemy, which would
open the file anew; here its engine is given cursors of our own connection instead, so there is no second open at all.
Two things are mended on the way, both through public means:

- GX hands a result back after it has closed the connection, and DuckDB's rows are gone by then. The event
  ``after_cursor_execute`` fetches them while they are there.
- GX returns twenty ids a check from SQL, whatever is asked; ``partial_unexpected_count`` lifts that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.errors import CheckError
from laktasi.store.sql import literal

if TYPE_CHECKING:
    import duckdb
    from great_expectations import ExpectationSuite

ID_COLUMNS = ("_submission_id", "_row")

_WITH_IDS = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": list(ID_COLUMNS),
    "partial_unexpected_count": 2**62,
    # Ids only, and as columns: no value enters a result, and no dictionary is built per row.
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": False,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What GX says of one rule: whether it holds, and the rows that fail it, as two lists of the same length."""

    holds: bool
    submission_ids: list[str]
    rows: list[str]


class Engine:
    """A GX context over one schema of one DuckDB connection; made by :func:`engine_on`."""

    def __init__(self, con: duckdb.DuckDBPyConnection, schema: str) -> None:
        import great_expectations as gx
        from duckdb_sqlalchemy import ConnectionWrapper
        from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
        from sqlalchemy import event
        from sqlalchemy.pool import StaticPool

        def cursor() -> ConnectionWrapper:
            duplicate = con.cursor()
            duplicate.execute(f"SET schema = {literal(schema)}")
            return ConnectionWrapper(duplicate)

        # Spelled out, because the default makes room for Data Docs on disk.
        config = DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults())
        context = gx.get_context(mode="ephemeral", project_config=config)
        context.variables.progress_bars = {"globally": False}
        self._source = context.data_sources.add_sql(
            "warehouse",
            connection_string="duckdb://",
            kwargs={"creator": cursor, "poolclass": StaticPool},
        )
        # GX keeps two engines of a source: one looks at tables, the other one runs the checks.
        self._engines = (self._source.get_engine(), self._source.get_execution_engine().engine)
        event.listen(self._engines[1], "after_cursor_execute", _fetch_at_once)

    def validate(self, table: str, suite: ExpectationSuite, ids_of: Collection[str]) -> Mapping[str, Verdict]:
        """Run a suite over a table.

        Parameters
        ----------
        table
            Its name in the schema. It has the columns `_submission_id` and `_row`.
        suite
            Each expectation has a `rule_id` of its own in its meta.
        ids_of
            Rules whose failing rows are wanted: all of them, however many. Of the other rules GX is asked only whether
            they hold, which takes it less than half the time.

        Returns
        -------
        mapping
            The verdict on every rule of the suite, by rule id.

        Raises
        ------
        CheckError
            The table or a column is missing, a check broke, or GX answered other checks than it was asked.
        """
        rule_ids = [str((expectation.meta or {}).get("rule_id")) for expectation in suite.expectations]
        both = list(zip(rule_ids, suite.expectations, strict=True))
        parts: list[tuple[Any, list[Any]]] = [
            (_WITH_IDS, [expectation for rule_id, expectation in both if rule_id in ids_of]),
            ("BOOLEAN_ONLY", [expectation for rule_id, expectation in both if rule_id not in ids_of]),
        ]
        try:
            asset = self._source.add_table_asset(suite.name, table_name=table)
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
            results = [
                result
                for result_format, expectations in parts
                if expectations
                for result in batch.validate(
                    type(suite)(suite.name, expectations=expectations), result_format=result_format
                ).results
            ]
        except Exception as error:  # whatever goes wrong inside GX, the suite gave no answer
            raise broken(suite.name, None, str(error)) from error
        answered = sorted(str(result.expectation_config.meta.get("rule_id")) for result in results)
        if sorted(rule_ids) != answered or len(set(answered)) != len(answered):
            raise broken(suite.name, None, f"{len(rule_ids)} checks were asked and {len(answered)} answered")
        return {
            rule_id: _verdict(suite.name, result, rule_id in ids_of)
            for result in results
            if (rule_id := result.expectation_config.meta["rule_id"])
        }

    def close(self) -> None:
        """Close the cursors; the connection they came from stays open."""
        for engine in self._engines:
            engine.dispose()


@contextmanager
def engine_on(con: duckdb.DuckDBPyConnection, schema: str) -> Iterator[Engine]:
    """Give an engine that sees what `con` has committed in a schema.

    It reads only. `con` must not be inside a transaction whose work the checks are to see.
    """
    engine = Engine(con, schema)
    try:
        yield engine
    finally:
        engine.close()


def broken(suite: str, rule_id: str | None, why: str) -> CheckError:
    """Say that a check gave no answer, which must never look like a good one."""
    lines = [line for line in why.splitlines() if line.strip()]
    return CheckError(
        f"check {rule_id!r} of suite {suite!r} could not be run" if rule_id else f"suite {suite!r} could not be run",
        why=lines[0][:300] if lines else "Great Expectations gave no reason.",
        next_step="run `laktasi run` again; if it stays, a rule or its compiler is at fault: report it with this text",
    )


def _verdict(suite: str, result: Any, with_ids: bool) -> Verdict:
    rule_id = result.expectation_config.meta["rule_id"]
    if (why := _exception(result.exception_info)) is not None:
        raise broken(suite, rule_id, why)
    if not with_ids:
        return Verdict(bool(result.success), [], [])
    told = result.result
    columns = (told.get("unexpected_index_list") or [{name: [] for name in ID_COLUMNS}])[0]
    verdict = Verdict(bool(result.success), *(columns[name] for name in ID_COLUMNS))
    if len(verdict.rows) != told.get("unexpected_count"):
        raise broken(suite, rule_id, f"{told.get('unexpected_count')} rows fail, but {len(verdict.rows)} ids came back")
    if verdict.holds == bool(verdict.rows):
        raise broken(suite, rule_id, "the result contradicts its own list of failing rows")
    return verdict


def _exception(info: Any) -> str | None:
    """Give the message of a check that raised; None for one that did not.

    Source: ``ExpectationValidationResult.exception_info``, which is one entry, or one for each metric that broke.
    """
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [entry for entry in entries if entry["raised_exception"]]
    return str(raised[0]["exception_message"]) if raised else None


def _fetch_at_once(_connection: Any, cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    if cursor.description is not None:
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor, initial_buffer=cursor.fetchall())
