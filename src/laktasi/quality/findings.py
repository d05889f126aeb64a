"""The ledger of findings: what failed, since when, and whether it is mended.

`quality.finding_events` only grows, and only where something changed: a run over the same data adds nothing. A finding
holds ids and a rule, never an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import CheckError
from laktasi.quality.plan import Gap, Questionnaires

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

FINDING_ID = 'substr(sha256(concat_ws(chr(31), form_id, submission_id, "row", rule_id)), 1, 16)'
"""The same problem has the same id in every run and in every warehouse."""

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
    """Findings that are new, or came back."""
    mended: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as a person reads it."""

    finding_id: str
    form_id: str
    submission_id: str
    row: str
    rule_id: str
    kind: str | None
    field: str | None
    severity: str
    message: str
    enumerator_code: str | None
    centre_code: str | None
    status: str
    first_seen_at: datetime
    changed_at: datetime


def record_findings(
    con: duckdb.DuckDBPyConnection, run_id: str, failing: Any, rules: Iterable[RuleRow], gaps: Iterable[Gap]
) -> Changes:
    """Write what a run found, in one transaction.

    Parameters
    ----------
    failing
        pyarrow.Table `form_id, submission_id, row, rule_id, …`: everything that fails now. What failed before and
        is not in it is mended.
    rules, gaps
        What was checked, and what could not be; they replace `quality.rules` and `quality.unverified`.
    """
    con.begin()
    try:
        _replace(con, "quality.rules", _RULES, _rules_table(rules))
        _replace(con, "quality.unverified", _GAPS, _gaps_table(gaps))
        with _registered(con, failing) as now:
            # Later than all that stands there, even where the clock of a laptop was set back.
            changes = con.execute(
                f"""
                INSERT INTO quality.finding_events BY NAME
                WITH failing AS (
                    SELECT DISTINCT {FINDING_ID} AS finding_id, form_id, submission_id, "row", rule_id FROM {now}
                ), known AS (
                    SELECT finding_id, form_id, submission_id, "row", rule_id, arg_max(event, "at") AS event
                    FROM quality.finding_events GROUP BY ALL
                ), moment AS (
                    SELECT greatest(now(), max("at") + INTERVAL 1 MICROSECOND) AS "at" FROM quality.finding_events
                ), changed AS (
                    SELECT
                        finding_id,
                        CASE
                            WHEN known.event IS NULL THEN 'opened'
                            WHEN failing.form_id IS NULL THEN 'mended'
                            ELSE 'reopened'
                        END AS event,
                        coalesce(failing.form_id, known.form_id) AS form_id,
                        coalesce(failing.submission_id, known.submission_id) AS submission_id,
                        coalesce(failing."row", known."row") AS "row",
                        coalesce(failing.rule_id, known.rule_id) AS rule_id
                    FROM failing FULL JOIN known USING (finding_id)
                    WHERE (failing.form_id IS NOT NULL) <> coalesce(known.event <> 'mended', false)
                )
                SELECT finding_id, $run_id AS run_id, event, moment."at", form_id, submission_id, "row", rule_id
                FROM changed, moment ORDER BY form_id, submission_id, "row", rule_id
                RETURNING event
                """,
                {"run_id": run_id},
            ).fetchall()
        con.commit()
    except BaseException:
        con.rollback()
        raise
    mended = sum(event == "mended" for (event,) in changes)
    return Changes(opened=len(changes) - mended, mended=mended)


def list_findings(
    con_or_path: duckdb.DuckDBPyConnection | Path,
    *,
    centre: str | None = None,
    enumerator: str | None = None,
    rule: str | None = None,
    severity: str | None = None,
    status: str | None = "open",
    language: str = "en",
) -> list[Finding]:
    """List findings, errors first, then by centre, enumerator and submission.

    Parameters
    ----------
    con_or_path
        A warehouse or a research copy that is open, or the path of one, which is read and closed again.
    centre, enumerator, rule
        Codes to keep; None keeps all.
    severity
        ``error`` or ``warning``; None keeps both.
    status
        ``open`` or ``mended``; None keeps both.
    language
        Of the message; another one where the rule has none in this.

    Raises
    ------
    CheckError
        `severity` or `status` is none of these.
    """
    for name, value, known in (("severity", severity, ("error", "warning")), ("status", status, ("open", "mended"))):
        if value is not None and value not in known:
            raise CheckError(
                f"unknown {name} {value!r} of findings; known are {' and '.join(known)}",
                next_step=f"choose one of {known}",
            )
    wanted = {
        "centre_code": centre,
        "enumerator_code": enumerator,
        "rule_id": rule,
        "severity": severity,
        "status": status,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    conditions = " AND ".join(f"{name} = ?" for name in given) or "true"
    with _opened(con_or_path) as con:
        rows = con.execute(
            f"""
            SELECT
                finding_id, form_id, submission_id, "row", rule_id, kind, field, severity,
                coalesce(messages[?], messages['en'], map_values(messages)[1], rule_id) AS message,
                enumerator_code, centre_code, status, first_seen_at, changed_at
            FROM quality.findings WHERE {conditions}
            ORDER BY severity, centre_code NULLS LAST, enumerator_code NULLS LAST, submission_id, "row", rule_id
            """,
            [language, *given.values()],
        ).fetchall()
    return [Finding(*row) for row in rows]


@contextmanager
def _opened(con_or_path: duckdb.DuckDBPyConnection | Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if not isinstance(con_or_path, Path):
        yield con_or_path
        return
    import duckdb

    con = duckdb.connect(con_or_path, read_only=True)
    try:
        yield con
    finally:
        con.close()


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
