"""One run of all checks, from the questionnaires to the ledger of findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.quality.declared import DeclaredCheck
from laktasi.quality.findings import RuleRow, form_rules, record_findings
from laktasi.quality.gates import Gates
from laktasi.quality.plan import Batch, Questionnaires, make_plan
from laktasi.quality.sources import source_findings, source_rules
from laktasi.quality.validate import Progress, failing_table, materialise, validate

if TYPE_CHECKING:
    import duckdb

UNKNOWN_NODE = "unknown_node"
_UNKNOWN_NODE_MESSAGES = {
    "id": "Kiriman ini berisi isian yang tidak ada dalam versi formulirnya. Isian itu tersimpan, tetapi tidak dipakai.",
    "en": "The submission holds a node that its form version does not have. It is kept, and not used.",
}


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """What a run of all checks has to tell; counts and names, never an answer."""

    rows_checked: int
    """Rows of the forms' tables and their repeats."""
    rules: int
    """Different rules asked, over all forms."""
    opened: int
    """Findings that are new, or came back."""
    mended: int
    open_errors: int
    open_warnings: int
    unverified: int
    """Rules of form versions that cannot be checked afterwards; `quality.unverified` names them."""
    empty: tuple[str, ...]
    """Suites that had no row to look at."""


def check(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    questionnaires: Questionnaires,
    checks: Sequence[DeclaredCheck],
    *,
    gates: Gates = Gates(),  # noqa: B008 - it cannot be changed
    progress: Progress | None = None,
) -> CheckSummary:
    """Check every answer by the rules of its form version, and the whole set by the declared checks.

    Parameters
    ----------
    con
        The warehouse, outside a transaction. `answers` and `staging.choices` are filled.
    run_id
        The run that the events of the ledger name.
    questionnaires
        Every form version that has answers, by form id and version.
    checks
        What schemas/checks.yml declares.
    gates
        What schemas/gates.yml declares.

    Returns
    -------
    CheckSummary
        What was looked at and what is open now.

    Raises
    ------
    CheckError
        A check could not be run, or would have looked at nothing. The ledger is as it was before.
    """
    import pyarrow as pa

    plan = make_plan(questionnaires, checks)
    materialise(con, plan.batches, questionnaires)
    validation = validate(con, plan.batches, progress)
    failing = pa.concat_tables([validation.failing, *_unknown_nodes(con), *source_findings(con)])
    rules = [row for batch in plan.batches for row in _rule_rows(batch)]
    rules += form_rules(questionnaires, UNKNOWN_NODE, UNKNOWN_NODE, "warning", _UNKNOWN_NODE_MESSAGES)
    rules += source_rules(questionnaires)
    changes = record_findings(con, run_id, failing, gates.applied(rules), plan.gaps)
    errors = failing.column("severity").to_pylist().count("error")
    return CheckSummary(
        rows_checked=validation.rows,
        rules=len({(row.form_id, row.rule_id) for row in rules}),
        opened=changes.opened,
        mended=changes.mended,
        open_errors=errors,
        open_warnings=failing.num_rows - errors,
        unverified=len(plan.gaps),
        empty=validation.empty,
    )


def _rule_rows(batch: Batch) -> list[RuleRow]:
    return [
        RuleRow(
            form_id=batch.form_id,
            form_version=batch.version,
            table_name=batch.table,
            rule_id=rule.rule_id,
            kind=rule.kind,
            field=rule.field,
            severity=rule.severity,
            messages=rule.messages,
            expression=rule.expression,
        )
        for rule in batch.rules
    ]


def _unknown_nodes(con: duckdb.DuckDBPyConnection) -> list[Any]:
    """Give what the store could not place, by form: the node's path stands where other findings have their row."""
    found = []
    for (form_id,) in con.execute("SELECT DISTINCT form_id FROM answers.unknown_nodes ORDER BY 1").fetchall():
        nodes = con.execute(
            "SELECT DISTINCT _submission_id, path FROM answers.unknown_nodes WHERE form_id = ?", [form_id]
        ).fetchall()
        ids, paths = zip(*nodes, strict=True)
        found.append(failing_table(form_id, f"{form_id}.{UNKNOWN_NODE}", "warning", ids, paths))
    return found
