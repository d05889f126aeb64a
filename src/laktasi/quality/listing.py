"""Findings as people read them: the list, the life of one, and what has changed since some time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.errors import CheckError

if TYPE_CHECKING:
    import duckdb

OPEN = "open"
STATUSES = (OPEN, "reopened", "mended", "accepted")
SEVERITIES = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as a person reads it."""

    finding_id: str
    form_id: str
    submission_id: str
    """Empty for a finding about a group."""
    row: str
    """Row of the repeat; of a finding about a group, kind and code of the group, as in ``centre:c1``."""
    rule_id: str
    kind: str | None
    field: str | None
    """Column that the rule is about, see staging.codebook; None for a rule about several."""
    severity: str
    message: str
    enumerator_code: str | None
    centre_code: str | None
    status: str
    keeps_out: bool
    stops: bool
    first_seen_at: datetime
    last_seen_at: datetime
    changed_at: datetime
    settled_by: str | None
    reviewer: str | None = None
    """Who accepted it. None in the research copy, as is the reason: people write it in words of their own."""
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Say whether somebody must look at it."""
        return self.status in (OPEN, "reopened")

    @property
    def is_about_phone(self) -> bool:
        """Say whether it is about a phone, which it names by its id."""
        return not self.submission_id and self.row.startswith("device:")


@dataclass(frozen=True, slots=True)
class Event:
    """One change in the life of a finding."""

    at: datetime
    event: str
    """opened, mended, reopened or accepted."""
    run_id: str
    settled_by: str | None
    decision_id: str | None
    reviewer: str | None
    reason: str | None
    until: str | None
    """Last day on which the acceptance holds; None: as long as the answer stays."""


@dataclass(frozen=True, slots=True)
class Change:
    """What has become of the findings of one rule in one centre since some time."""

    centre_code: str | None
    rule_id: str
    severity: str
    opened: int
    """First seen since then, whatever became of them."""
    reopened: int
    """Came back since then, and are still there."""
    mended: int
    accepted: int
    open: int
    """Open now, old ones too."""


def list_findings(
    con_or_path: duckdb.DuckDBPyConnection | Path,
    *,
    finding_id: str | None = None,
    centre: str | None = None,
    enumerator: str | None = None,
    rule: str | None = None,
    severity: str | None = None,
    kind: str | None = None,
    status: str | None = OPEN,
    stops: bool = False,
    language: str = "en",
) -> list[Finding]:
    """List findings, errors first, then by centre, enumerator and submission.

    Parameters
    ----------
    con_or_path
        A warehouse or a research copy that is open, or the path of one, which is read and closed again.
    finding_id, centre, enumerator, rule, kind
        What to keep; None keeps all.
    severity
        ``error`` or ``warning``; None keeps both.
    status
        ``open`` (those that came back among them), ``reopened``, ``mended`` or ``accepted``; None keeps all.
    stops
        Only those whose rule stops the publication while they are open.
    language
        Of the message; another one where the rule has none in this.

    Raises
    ------
    CheckError
        `severity` or `status` is none of these.
    """
    for name, value, known in (("severity", severity, SEVERITIES), ("status", status, STATUSES)):
        if value is not None and value not in known:
            raise CheckError(
                f"unknown {name} {value!r} of findings; known are {', '.join(known)}",
                next_step=f"choose one of {', '.join(known)}",
            )
    wanted = {
        "finding_id": finding_id,
        "centre_code": centre,
        "enumerator_code": enumerator,
        "rule_id": rule,
        "severity": severity,
        "kind": kind,
        "status": None if status == OPEN else status,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    conditions = [f"{name} = ?" for name in given]
    conditions += ["is_open"] * (status == OPEN) + ["stops"] * stops
    with _opened(con_or_path) as con:
        columns = {name for (name,) in con.execute("SELECT column_name FROM (DESCRIBE quality.findings)").fetchall()}
        private = ", ".join(name if name in columns else f"NULL AS {name}" for name in ("reviewer", "reason"))
        rows = con.execute(
            f"""
            SELECT
                finding_id, form_id, submission_id, "row", rule_id, kind, field, severity,
                coalesce(messages[?], messages['en'], map_values(messages)[1], rule_id) AS message,
                enumerator_code, centre_code, status, keeps_out, stops,
                first_seen_at, last_seen_at, changed_at, settled_by, {private}
            FROM quality.findings WHERE {" AND ".join(conditions) or "true"}
            ORDER BY
                severity, centre_code NULLS LAST, enumerator_code NULLS LAST,
                submission_id, length("row"), "row", rule_id
            """,
            [language, *given.values()],
        ).fetchall()
    return [Finding(*row) for row in rows]


def refuse_unknown(
    con: duckdb.DuckDBPyConnection,
    *,
    rule: str | None = None,
    centre: str | None = None,
    enumerator: str | None = None,
) -> None:
    """Refuse a rule, health centre or enumerator that there is not: no finding of it would look like a good sign.

    Raises
    ------
    CheckError
        Nothing is or was checked by such a rule, or no record is of such a centre or enumerator.
    """
    rules = f"""
        SELECT rule_id AS name FROM quality.rules UNION ALL SELECT rule_id FROM quality.findings
        UNION ALL SELECT {_UNVERIFIED} FROM quality.unverified
    """
    told = "laktasi sql 'select distinct rule_id from quality.rules'"
    asked = [("rule", rule, rules, f"correct its name: {told}")]
    for what, code, column in (("health centre", centre, "centre_code"), ("enumerator", enumerator, "enumerator_code")):
        tables = ["quality.findings", "marts.submissions", *["marts.centres"] * (what == "health centre")]
        # The research copy has none; in the private warehouse it is newer than the marts that are published.
        tables += ["marts.interviews"] * bool(
            con.execute(
                "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'marts' AND table_name = 'interviews'"
            ).fetchone()
        )
        names = " UNION ALL ".join(f"SELECT {column} AS name FROM {table}" for table in tables)
        asked.append((what, code, names, "laktasi arrivals lists those that records are of"))
    for what, name, names, next_step in asked:
        if name is not None and not con.execute(f"SELECT 1 FROM ({names}) WHERE name = ?", [name]).fetchone():
            raise CheckError(f"there is no {what} {name!r}", next_step=next_step)


def not_asked(con: duckdb.DuckDBPyConnection, rule: str) -> list[str]:
    """Say of which form versions a rule cannot be checked, and why; and whether it had nothing to look at."""
    gaps = con.execute(
        f"""
        SELECT form_id, coalesce(string_agg(form_version, ', ' ORDER BY form_version), ''), reason
        FROM quality.unverified WHERE {_UNVERIFIED} = ? GROUP BY form_id, reason ORDER BY ALL
        """,
        [rule],
    ).fetchall()
    lines = [f"{rule} is not checked of {f'{form} {versions}'.strip()}: {reason}" for form, versions, reason in gaps]
    looked_at = con.execute('SELECT sum("rows") FROM quality.results WHERE rule_id = ?', [rule]).fetchone()
    return [*lines, f"{rule} had nothing to look at"] if looked_at == (0,) else lines


_UNVERIFIED = "if(kind IN ('declared', 'set', 'group'), field, field || '.' || kind)"
"""Rule of a row of quality.unverified."""


def life_of(con: duckdb.DuckDBPyConnection, finding_id: str) -> list[Event]:
    """Give what has become of a finding, the oldest change first; from the private warehouse, which alone has it."""
    rows = con.execute(
        """
        SELECT
            events."at", events.event, events.run_id, events.settled_by, events.decision_id,
            decisions.reporter, decisions.reason, CAST(decisions.until AS VARCHAR)
        FROM quality.finding_events AS events
        LEFT JOIN quality.decisions AS decisions ON events.decision_id = decisions.decision_id
        WHERE events.finding_id = ? ORDER BY events."at"
        """,
        [finding_id],
    ).fetchall()
    return [Event(*row) for row in rows]


def changes_since(
    con: duckdb.DuckDBPyConnection, since: datetime | str, *, centre: str | None = None, rule: str | None = None
) -> list[Change]:
    """Tell what has become of findings since some time, by centre and rule; those with no change are left out.

    Parameters
    ----------
    since
        A moment, or the id of a run: then what later runs have changed. Ids of runs sort by time.
    centre, rule
        What to keep; None keeps all.
    """
    is_since = "changed_run > $since" if isinstance(since, str) else "changed_at >= $since"
    is_new = "first_seen_run > $since" if isinstance(since, str) else "first_seen_at >= $since"
    rows = con.execute(
        f"""
        SELECT
            centre_code, rule_id, severity,
            count(*) FILTER ({is_new}) AS opened,
            count(*) FILTER (status = 'reopened' AND {is_since}) AS reopened,
            count(*) FILTER (status = 'mended' AND {is_since}) AS mended,
            count(*) FILTER (status = 'accepted' AND {is_since}) AS accepted,
            count(*) FILTER (is_open) AS open
        FROM quality.findings
        WHERE centre_code IS NOT DISTINCT FROM coalesce($centre, centre_code) AND rule_id = coalesce($rule, rule_id)
        GROUP BY ALL
        HAVING opened + reopened + mended + accepted > 0
        ORDER BY centre_code NULLS LAST, severity, rule_id
        """,
        {"since": since, "centre": centre, "rule": rule},
    ).fetchall()
    return [Change(*row) for row in rows]


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
