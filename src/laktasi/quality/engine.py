"""Great Expectations on the DuckDB instance that this process has open already.

A DuckDB file takes one writing process, and one instance in it. GX reaches a database through SQLAlchemy, which would
open the file anew; here its engine is given cursors of our own connection instead, so there is no second open at all.
Two things are mended on the way, both through public means:

- GX hands a result back after it has closed the connection, and DuckDB's rows are gone by then. The event
  ``after_cursor_execute`` fetches them while they are there.
- GX returns twenty ids a check from SQL, whatever is asked; ``partial_unexpected_count`` lifts that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
    "partial_unexpected_count": 2**62,
    # Ids only, and as columns: no value enters a result, and no dictionary is built per row.
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": False,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What GX says of one rule."""

    holds: bool
    expectation: str
    """Type of the expectation that was asked, as GX calls it."""
    failing: Mapping[str, Sequence[str]]
    """The columns asked for, of every row that fails: lists of one length. Empty where only the outcome was asked."""

    @property
    def count(self) -> int:
        """Rows that fail, as far as they were asked for."""
        return len(self.failing[ID_COLUMNS[0]]) if self.failing else 0


class Engine:
    """A GX context over one schema of one DuckDB connection; made by :func:`engine_on`."""

    def __init__(self, con: duckdb.DuckDBPyConnection, schema: str) -> None:
        self._con = con
        self._schema = schema
        self._source: Any = None
        self._engines: tuple[Any, ...] = ()

    def _open(self) -> Any:
        """Set GX up when the first suite is asked: a run in which nothing is asked does without its six seconds."""
        if self._source is not None:
            return self._source
        import great_expectations as gx
        from duckdb_sqlalchemy import ConnectionWrapper
        from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
        from sqlalchemy import event
        from sqlalchemy.pool import StaticPool

        def cursor() -> ConnectionWrapper:
            duplicate = self._con.cursor()
            duplicate.execute(f"SET schema = {literal(self._schema)}")
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
        return self._source

    def validate(
        self, table: str, suite: ExpectationSuite, ids_of: Collection[str], columns: Sequence[str] = ID_COLUMNS
    ) -> Mapping[str, Verdict]:
        """Run a suite over a table.

        Parameters
        ----------
        table
            Its name in the schema. It has the columns `_submission_id` and `_row`.
        suite
            Each expectation has a `rule_id` of its own in its meta.
        ids_of
            Rules whose failing rows are wanted: all of them, however many. Of the other rules GX is asked only whether
            they hold: that is one query for all of them, where ids take two for each.
        columns
            What is wanted of failing rows; the ids come first.

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
        with_ids = _WITH_IDS | {"unexpected_index_column_names": list(columns)}
        parts: list[tuple[Any, list[Any]]] = [
            (with_ids, [expectation for rule_id, expectation in both if rule_id in ids_of]),
            ("BOOLEAN_ONLY", [expectation for rule_id, expectation in both if rule_id not in ids_of]),
        ]
        try:
            asset = self._open().add_table_asset(suite.name, table_name=table)
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
            rule_id: _verdict(suite.name, result, columns if rule_id in ids_of else ())
            for result in results
            if (rule_id := result.expectation_config.meta["rule_id"])
        }

    def close(self) -> None:
        """Close the cursors; the connection they came from stays open."""
        for engine in self._engines:
            engine.dispose()


@contextmanager
def engine_on(con: duckdb.DuckDBPyConnection, schema: str) -> Iterator[Engine]:
    """Give an engine that sees what `con` has committed in a schema (``database.schema`` of one that is attached).

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


def _verdict(suite: str, result: Any, columns: Sequence[str]) -> Verdict:
    """Read one result; with `columns`, also those of its failing rows."""
    rule_id, kind = result.expectation_config.meta["rule_id"], str(result.expectation_config.type)
    if (why := _exception(result.exception_info)) is not None:
        raise broken(suite, rule_id, why)
    if not columns:
        return Verdict(bool(result.success), kind, {})
    told = result.result
    found = (told.get("unexpected_index_list") or [{name: [] for name in columns}])[0]
    verdict = Verdict(bool(result.success), kind, {name: found[name] for name in columns})
    if verdict.count != told.get("unexpected_count"):
        raise broken(suite, rule_id, f"{told.get('unexpected_count')} rows fail, but {verdict.count} ids came back")
    if verdict.holds == bool(verdict.count):
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
