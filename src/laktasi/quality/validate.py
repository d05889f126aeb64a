"""Run the suites: verdicts into tables in memory, the tables through Great Expectations, failing rows out.

GX is the engine of record. Beside it stands one plain scan of the same table, which must count the same failing rows: a
difference is an error, because one of the two is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.quality.engine import ID_COLUMNS, Engine, Verdict, broken
from laktasi.quality.incremental import DATABASE, Rows, look_at
from laktasi.quality.plan import Batch
from laktasi.quality.suites import BROKEN, COMPARED, COMPLETE, form_suite, measure_suite, row_suite, unique_suite
from laktasi.store.sql import identifier, literal

if TYPE_CHECKING:
    import duckdb
    from great_expectations import ExpectationSuite

SCHEMA = f"{DATABASE}.main"

EXPECTATIONS = {
    "rows": "expect_column_values_to_be_in_set",
    "unique": "expect_column_values_to_be_unique",
    "verdicts": "expect_column_values_to_be_in_set",
    "measures": "expect_column_values_to_be_between",
}
"""What a rule is to Great Expectations, by shape of its batch: for suites that had nothing to ask in a run."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how many are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Result:
    """What GX said of one rule in this run."""

    batch: Batch
    rule_id: str
    expectation: str
    asked: int
    """Rows it was asked about."""
    failed: int
    """Of these: rows that failed."""
    compared: int
    """Of these: rows that take part: those that `where` lets in and that have a key, groups that are large enough."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What one suite found."""

    failing: Any
    """pyarrow.Table `form_id, submission_id, row, rule_id, severity`, one row per row and rule that it fails."""
    results: tuple[Result, ...]
    """One for each rule."""


def failing_table(form_id: str, rule_id: str, severity: str, submission_ids: Sequence[str], rows: Sequence[str]) -> Any:
    """Make the pyarrow.Table of :class:`Validation` for the rows that fail one rule."""
    import pyarrow as pa

    ids = pa.array(submission_ids, pa.string())
    constant = {
        name: pa.repeat(pa.scalar(value, pa.string()), len(ids))
        for name, value in (("form_id", form_id), ("rule_id", rule_id), ("severity", severity))
    }
    return pa.table(
        {
            "form_id": constant["form_id"],
            "submission_id": ids,
            "row": pa.array(rows, pa.string()),
            "rule_id": constant["rule_id"],
            "severity": constant["severity"],
        }
    )


@contextmanager
def room_for_verdicts(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Attach the database in memory that verdicts stand in, and let go of it again.

    Its tables count as memory of DuckDB's, which spills them to disk where they are too many.
    """
    con.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {DATABASE}")
    try:
        yield
    finally:
        con.execute(f"DETACH DATABASE IF EXISTS {DATABASE}")


def validate(con: duckdb.DuckDBPyConnection, engine: Engine, batch: Batch, rows: Rows | None = None) -> Validation:
    """Compute the verdicts of one batch, and run its suite over them.

    Parameters
    ----------
    con
        Outside a transaction: GX sees what is committed.
    engine
        On :data:`SCHEMA` of the same connection.
    rows
        Of a row batch: how many rows it must find to ask.

    Raises
    ------
    CheckError
        A check cannot be computed, broke, a column is missing, a verdict is NULL, or GX and plain SQL do not count the
        same failing rows.
    """
    if rows is not None and not rows.asked:
        return _nothing_asked(batch)
    if rows is not None:
        look_at(con, batch.form_id)
    table = identifier(DATABASE, batch.name)
    _materialise(con, table, batch)
    try:
        counted = _count(con, table, batch)
        if rows is not None and counted.asked != rows.asked:
            why = f"{rows.asked} rows are to be checked, and its rules give {counted.asked} verdicts."
            raise broken(batch.name, None, why)
        if not counted.asked:
            return _nothing_asked(batch)
        ask = _ask_rows if batch.shape == "rows" else _ask_set
        verdicts, failing = ask(con, engine, batch, counted)
    finally:
        con.execute(f"DROP TABLE {table}")
    found = _by_rule(failing)
    for rule in batch.rules:
        verdict, failed = verdicts[rule.rule_id], found.get(rule.rule_id, 0)
        if verdict.holds == bool(failed) or failed != counted.failing[rule.rule_id]:
            said = f"says that it {'holds' if verdict.holds else 'fails'}, with {failed} ids"
            why = f"Great Expectations {said}, and SQL counts {counted.failing[rule.rule_id]} failing rows."
            raise broken(batch.name, rule.rule_id, why)
    results = [
        Result(batch, rule.rule_id, verdicts[rule.rule_id].expectation, counted.asked, failed, counted.compared)
        for rule in batch.rules
        for failed in [found.get(rule.rule_id, 0)]
    ]
    return Validation(failing, tuple(results))


def _nothing_asked(batch: Batch) -> Validation:
    results = [Result(batch, rule.rule_id, EXPECTATIONS[batch.shape], 0, 0, 0) for rule in batch.rules]
    return Validation(failing_table(batch.form_id, "", "", [], []), tuple(results))


def _materialise(con: duckdb.DuckDBPyConnection, table: str, batch: Batch) -> None:
    import duckdb

    select = batch.select
    if batch.shape == "rows":
        columns = [identifier(rule.column) for rule in batch.rules]
        listed = ", ".join(f"CASE WHEN NOT {column} THEN {place} END" for place, column in enumerate(columns))
        # Only rows that break something pay for the list.
        select = (
            f"SELECT *, CASE WHEN NOT ({' AND '.join(columns)}) THEN array_to_string([{listed}], ',') END"
            f" AS {identifier(BROKEN)} FROM ({select})"
        )
    try:
        con.execute(f"CREATE OR REPLACE TABLE {table} AS {select}")
    except duckdb.Error as error:
        # Not chained, not quoted: DuckDB's text of a failed cast holds the value.
        raise broken(batch.name, None, f"Its rules cannot be computed ({type(error).__name__}).") from None


@dataclass(frozen=True, slots=True)
class _Counted:
    """A batch as plain SQL counts it."""

    asked: int
    compared: int
    failing: Mapping[str, int]
    """By rule."""


def _count(con: duckdb.DuckDBPyConnection, table: str, batch: Batch) -> _Counted:
    """Count rows, and failing rows by rule, in one scan without GX."""
    columns = [identifier(rule.column) for rule in batch.rules]
    if batch.shape == "unique":
        takes_part = f"{COMPARED} AND {columns[0]} IS NOT NULL"
        twice = f"SELECT count(*) AS n FROM {table} WHERE {takes_part} GROUP BY {columns[0]} HAVING n > 1"
        counts = f"count_if({takes_part}), (SELECT sum(n) FROM ({twice}))"
    elif batch.shape == "measures":
        limits = [
            f"{columns[0]} {sign} {limit!r}"
            for sign, limit in ((">=", batch.low), ("<=", batch.high))
            if limit is not None
        ]
        counts = f"count({columns[0]}), count_if(NOT ({' AND '.join(limits)}))"
    else:
        # Of the ways to write this, the one that DuckDB does some 25 times faster than filtered counts.
        counts = ", ".join(f"count_if(NOT {name}), count({name})" for name in columns)
    row = con.execute(f"SELECT count(*), {counts} FROM {table}").fetchone()
    assert row is not None
    size, *told = (int(count or 0) for count in row)
    if batch.shape in ("unique", "measures"):
        return _Counted(size, told[0], {batch.rules[0].rule_id: told[1]})
    for rule, known in zip(batch.rules, told[1::2], strict=True):
        if known != size:
            raise broken(batch.name, rule.rule_id, f"It is NULL in {size - known} rows: neither good nor bad.")
    return _Counted(size, size, {rule.rule_id: count for rule, count in zip(batch.rules, told[::2], strict=True)})


def _ask_rows(
    con: duckdb.DuckDBPyConnection, engine: Engine, batch: Batch, counted: _Counted
) -> tuple[Mapping[str, Verdict], Any]:
    """Ask GX of every rule whether it holds, and of the rows that break one which they are and what they break.

    Two questions for all rules, where failing rows rule by rule would be two for each; with eighty rules most of GX's
    time is what it does around a question.
    """
    wanted = [BROKEN] if any(counted.failing.values()) else []
    verdicts = engine.validate(batch.name, form_suite(batch.name, batch.rules), wanted, (*ID_COLUMNS, BROKEN))
    _refuse_incomplete(batch, verdicts)
    if not wanted and not verdicts[BROKEN].holds:
        raise broken(batch.name, None, "Great Expectations finds rows that break a rule, and SQL counts none.")
    return verdicts, _pairs(con, batch, verdicts[BROKEN])


def _ask_set(
    _con: duckdb.DuckDBPyConnection, engine: Engine, batch: Batch, counted: _Counted
) -> tuple[Mapping[str, Verdict], Any]:
    """Ask GX of the one rule of a check over the set, with ids where a plain count finds it broken."""
    (rule,) = batch.rules
    verdicts = engine.validate(batch.name, _set_suite(batch), [rule.rule_id] if counted.failing[rule.rule_id] else [])
    _refuse_incomplete(batch, verdicts)
    ids = [verdicts[rule.rule_id].failing.get(name, ()) for name in ID_COLUMNS]
    return verdicts, failing_table(batch.form_id, rule.rule_id, rule.severity, *ids)


def _set_suite(batch: Batch) -> ExpectationSuite:
    (rule,) = batch.rules
    if batch.shape == "unique":
        return unique_suite(batch.name, rule)
    if batch.shape == "measures":
        return measure_suite(batch.name, rule, batch.low, batch.high)
    return row_suite(batch.name, batch.rules)


def _refuse_incomplete(batch: Batch, verdicts: Mapping[str, Verdict]) -> None:
    if not verdicts[COMPLETE].holds:
        raise broken(batch.name, None, "A rule gives no verdict in some row.")


def _pairs(con: duckdb.DuckDBPyConnection, batch: Batch, verdict: Verdict) -> Any:
    """Take apart which rules each failing row breaks; gives the pyarrow.Table of :class:`Validation`."""
    import pyarrow as pa

    if not verdict.count:
        return failing_table(batch.form_id, "", "", [], [])
    found = pa.table({name: pa.array(values, pa.string()) for name, values in verdict.failing.items()})
    rules = pa.table(
        {
            "place": list(range(len(batch.rules))),
            "rule_id": [rule.rule_id for rule in batch.rules],
            "severity": [rule.severity for rule in batch.rules],
        }
    )
    con.register("_laktasi_found", found)
    con.register("_laktasi_rules", rules)
    try:
        return con.execute(
            f"""
            SELECT
                {literal(batch.form_id)} AS form_id,
                _submission_id AS submission_id,
                _row AS "row",
                rule_id,
                severity
            FROM (SELECT *, unnest(string_split({BROKEN}, ','))::BIGINT AS place FROM _laktasi_found)
            INNER JOIN _laktasi_rules USING (place)
            """
        ).to_arrow_table()
    finally:
        con.unregister("_laktasi_found")
        con.unregister("_laktasi_rules")


def _by_rule(failing: Any) -> dict[str, int]:
    counts = failing.column("rule_id").value_counts()
    return {item["values"]: item["counts"] for item in counts.to_pylist()}
