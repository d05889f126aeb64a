"""The ledger of findings: what failed, since when, and whether it is mended.

`quality.finding_events` only grows, and only where something changed: a run over the same data adds nothing. A finding
holds ids and a rule, never an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.quality.events import FINDING_ID, MOMENT, NOTHING_ACCEPTED, select_events
from laktasi.quality.plan import Gap, Questionnaires
from laktasi.store.sql import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

__all__ = ["FINDING_ID", "Changes", "RuleRow", "form_rules", "record_findings"]

_RULES = (
    "form_id",
    "form_version",
    "table_name",
    "rule_id",
    "kind",
    "field",
    "severity",
    "messages",
    "expression",
    "keeps_out",
    "stops",
)
_RULES_BEFORE = "_laktasi_rules_before"
_EVENTS = "_laktasi_events"
_GAPS = ("form_id", "form_version", "field", "kind", "expression", "reason")


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A row of `quality.rules`."""

    form_id: str
    form_version: str | None
    """None for a rule over all versions."""
    table_name: str
    rule_id: str
    kind: str
    field: str | None
    severity: str
    messages: Mapping[str, str]
    expression: str
    keeps_out: bool = True
    """While open, a finding keeps its record out of the accepted population; quality.gates decides."""
    stops: bool = False
    """While open, a finding stops the publication; quality.gates decides."""


def form_rules(
    questionnaires: Questionnaires, name: str, kind: str, severity: str, messages: Mapping[str, str]
) -> list[RuleRow]:
    """Give a rule that holds of whole submissions of every form, one row per form version."""
    return [
        RuleRow(
            form_id=form_id,
            form_version=version,
            table_name=questionnaire.tables[0].name,
            rule_id=f"{form_id}.{name}",
            kind=kind,
            field=None,
            severity=severity,
            messages=messages,
            expression="",
        )
        for (form_id, version), questionnaire in questionnaires.items()
    ]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one run changed in the ledger."""

    opened: int
    """Findings that are new, or came back; those that a decision accepts at once among them."""
    mended: int
    accepted: int = 0
    """Findings that a decision accepts from now on."""


def record_findings(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    failing: Any,
    rules: Iterable[RuleRow],
    gaps: Iterable[Gap],
    *,
    accepted: str | None = None,
) -> Changes:
    """Write what a run found, in one transaction.

    Parameters
    ----------
    failing
        pyarrow.Table `form_id, submission_id, row, rule_id, …`: everything that fails now. What failed before and
        is not in it is mended.
    rules, gaps
        What was checked, and what could not be; they replace `quality.rules` and `quality.unverified`.
    accepted
        SQL of a select `form_id, submission_id, row, rule_id, decision_id`: what people have decided to let stand,
        while what they expected to find is there. A finding that fails and is in it is accepted, one that no longer is
        in it is reopened.
    """
    con.begin()
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_RULES_BEFORE} AS FROM quality.rules")
        _replace(con, "quality.rules", _RULES, _rules_table(rules))
        _replace(con, "quality.unverified", _GAPS, _gaps_table(gaps))
        with _registered(con, failing) as now:
            moment = scalar(con, MOMENT)
            events = select_events(now, accepted or NOTHING_ACCEPTED, _RULES_BEFORE)
            con.execute(f"CREATE OR REPLACE TEMP TABLE {_EVENTS} AS {events}", {"run_id": run_id, "at": moment})
        counts = dict(con.execute(f"SELECT event, count(*) FROM {_EVENTS} GROUP BY event").fetchall())
        con.execute(
            f'INSERT INTO quality.finding_events BY NAME FROM {_EVENTS} ORDER BY form_id, submission_id, "row", rule_id'
        )
        con.execute("INSERT INTO quality.check_runs VALUES (?, ?)", [run_id, moment])
        con.execute(f"DROP TABLE {_EVENTS}; DROP TABLE {_RULES_BEFORE}")
        con.commit()
    except BaseException:
        con.rollback()
        raise
    opened = counts.get("opened", 0) + counts.get("reopened", 0)
    return Changes(opened, counts.get("mended", 0), counts.get("accepted", 0))


@contextmanager
def _registered(con: duckdb.DuckDBPyConnection, table: Any) -> Iterator[str]:
    name = "_laktasi_quality"
    con.register(name, table)
    try:
        yield name
    finally:
        con.unregister(name)


def _replace(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: Any) -> None:
    """Make a table hold `rows`; rows that stand there already are left alone."""
    names = ", ".join(columns)
    with _registered(con, rows) as new:
        con.execute(f"CREATE OR REPLACE TEMP TABLE _laktasi_new AS SELECT DISTINCT {names} FROM {new}")
    same = " AND ".join(f"old.{name} IS NOT DISTINCT FROM new.{name}" for name in columns)
    con.execute(f"DELETE FROM {table} AS old WHERE NOT EXISTS (SELECT 1 FROM _laktasi_new AS new WHERE {same})")
    con.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM _laktasi_new AS new"
        f" WHERE NOT EXISTS (SELECT 1 FROM {table} AS old WHERE {same}) ORDER BY ALL"
    )
    con.execute("DROP TABLE _laktasi_new")


def _rules_table(rules: Iterable[RuleRow]) -> Any:
    import pyarrow as pa

    rows = [
        {name: list(rule.messages.items()) if name == "messages" else getattr(rule, name) for name in _RULES}
        for rule in rules
    ]
    others = {"messages": pa.map_(pa.string(), pa.string()), "keeps_out": pa.bool_(), "stops": pa.bool_()}
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, others.get(name, pa.string())) for name in _RULES]))


def _gaps_table(gaps: Iterable[Gap]) -> Any:
    import pyarrow as pa

    rows = [
        dict(zip(_GAPS, (g.form_id, g.version, g.field, g.kind, g.expression, g.reason), strict=True)) for g in gaps
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in _GAPS]))
