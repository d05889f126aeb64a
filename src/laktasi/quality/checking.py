"""One run of all checks, from the questionnaires to the ledger of findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.quality import incremental
from laktasi.quality.decisions import decision_findings, decision_rules
from laktasi.quality.engine import Engine, engine_on
from laktasi.quality.findings import RuleRow, form_rules, record_findings
from laktasi.quality.gates import Gates
from laktasi.quality.kinds.model import DeclaredCheck
from laktasi.quality.plan import Batch, Questionnaires, make_plan
from laktasi.quality.results import Standing, write_results
from laktasi.quality.sources import source_findings, source_rules
from laktasi.quality.validate import SCHEMA, Progress, Validation, failing_table, room_for_verdicts, validate
from laktasi.store.decisions import accepted
from laktasi.study import Study

if TYPE_CHECKING:
    import duckdb

UNKNOWN_NODE = "unknown_node"
_UNKNOWN_NODE_MESSAGES = {
    "id": "Kiriman ini berisi isian yang tidak ada dalam versi formulirnya. Isian itu tersimpan, tetapi tidak dipakai.",
    "en": "The submission holds a node that its form version does not have. It is kept, and not used.",
}
_LEDGER = ("form_id", "submission_id", "row", "rule_id")


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """What a run of all checks has to tell; counts and names, never an answer."""

    rows_checked: int
    """Rows of the forms' tables and their repeats that stand checked by the rules of their form version."""
    rows_asked: int
    """Of these: rows of submissions that were new or changed, or whose rules did, and so were asked in this run."""
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
    """Suites that had nothing to look at: no row, nothing that takes part, no group that is large enough. Of a check of
    rows whose `where` lets nobody in, in any form version, its id."""


def check(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    questionnaires: Questionnaires,
    checks: Sequence[DeclaredCheck],
    *,
    gates: Gates = Gates(),  # noqa: B008 - it cannot be changed
    study: Study | None = None,
    schemas: Path | None = None,
    progress: Progress | None = None,
) -> CheckSummary:
    """Check every new or changed answer by the rules of its form version, and the whole set by the declared checks.

    Parameters
    ----------
    con
        The warehouse, outside a transaction. `answers`, `staging` and marts.interviews are made.
    run_id
        The run that the events of the ledger name.
    questionnaires
        Every form version that has answers, by form id and version.
    checks
        What schemas/checks.yml declares.
    gates
        What schemas/gates.yml declares.
    study
        Says which questions are the centre, the enumerator and the subject.
    schemas
        The folder of checks.yml, where the lists stand that it names.

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

    plan = make_plan(questionnaires, checks, con=con, study=study, schemas=schemas, only=incremental.ASKED)
    rules = [row for batch in plan.batches for row in _rule_rows(batch)]
    rules += form_rules(questionnaires, UNKNOWN_NODE, UNKNOWN_NODE, "warning", _UNKNOWN_NODE_MESSAGES)
    rules += source_rules(questionnaires) + decision_rules(questionnaires)
    gated = gates.applied(rules)
    with room_for_verdicts(con), engine_on(con, SCHEMA) as engine:
        incremental.choose(con, plan.batches, questionnaires)
        asking = _Asking(con, engine, progress, len(plan.batches))
        standing = asking.ask_rows([batch for batch in plan.batches if not batch.is_set], questionnaires)
        # What measures groups may count what fails row by row, so all of that is written down by now.
        over_the_set = [asking.ask(batch) for batch in plan.batches if batch.is_set]
    standing += [Standing(item, item.compared, item.failed) for found in over_the_set for item in found.results]
    failing = [incremental.standing(con), *(found.failing for found in over_the_set)]
    failing += [*_unknown_nodes(con), *source_findings(con), *decision_findings(con)]
    write_results(con, run_id, standing)
    everything = pa.concat_tables([table.select(_LEDGER) for table in failing])
    changes = record_findings(con, run_id, everything, gated, plan.gaps, accepted=accepted())
    still_open = dict(
        con.execute("SELECT severity, count(*) FROM quality.findings WHERE is_open GROUP BY severity").fetchall()
    )
    return CheckSummary(
        rows_checked=asking.rows_standing,
        rows_asked=asking.rows_asked,
        rules=len({(row.form_id, row.rule_id) for row in rules}),
        opened=changes.opened,
        mended=changes.mended,
        open_errors=still_open.get("error", 0),
        open_warnings=still_open.get("warning", 0),
        unverified=len(plan.gaps),
        empty=_empty(standing),
    )


@dataclass(slots=True)
class _Asking:
    """Suites asked one after the other, and what has been counted on the way."""

    con: duckdb.DuckDBPyConnection
    engine: Engine
    progress: Progress | None
    suites: int
    done: int = 0
    rows_standing: int = 0
    rows_asked: int = 0

    def ask(self, batch: Batch, rows: incremental.Rows | None = None) -> Validation:
        if self.progress is not None:
            self.progress(f"checking {batch.name}", self.done, self.suites)
        self.done += 1
        return validate(self.con, self.engine, batch, rows)

    def ask_rows(self, batches: Sequence[Batch], questionnaires: Questionnaires) -> list[Standing]:
        """Ask the suites of all form versions about what is new or changed, and write down what fails."""
        import pyarrow as pa

        counted = incremental.count_rows(self.con, questionnaires)
        rows = [counted.get((batch.table, str(batch.version)), incremental.Rows(0, 0)) for batch in batches]
        found = [self.ask(batch, its_rows) for batch, its_rows in zip(batches, rows, strict=True)]
        nothing = failing_table("", "", "", [], [])
        incremental.keep(self.con, pa.concat_tables([nothing, *(one.failing for one in found)]))
        self.rows_standing = sum(one.standing for one in rows)
        self.rows_asked = sum(one.asked for one in rows)
        failing = incremental.standing_counts(self.con)
        return [
            Standing(
                result,
                among.get(result.rule_id, its_rows.standing),
                failing.get((batch.form_id, str(batch.version), result.rule_id), 0),
            )
            for batch, its_rows, one in zip(batches, rows, found, strict=True)
            for among in [incremental.count_among(self.con, batch)]
            for result in one.results
        ]


def _empty(standing: Sequence[Standing]) -> tuple[str, ...]:
    suites = {item.suite for item in standing} - {item.suite for item in standing if not item.is_empty}
    rules = {item.rule for item in standing} - {item.rule for item in standing if not item.is_empty}
    named = (
        item.suite if item.suite in suites else item.result.rule_id
        for item in standing
        if item.suite in suites or item.rule in rules
    )
    return tuple(dict.fromkeys(named))


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
