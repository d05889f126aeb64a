"""What a run has left behind that may be worth telling: counts, rules, ids of records, codes of health centres."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from laktasi.errors import LaktasiError
from laktasi.store.sql import scalar
from laktasi.workplace import alone, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.quality import DeclaredCheck
    from laktasi.settings import Settings

PATIENCE_SECONDS = 10
"""How long to wait for the data folder: a run that has begun meanwhile tells in its turn."""
RUNS_LOOKED_AT = 500
RECORDS_NAMED = 5
PHONES = "phones"
_OPEN = "_laktasi_open"
_LOG = logging.getLogger("laktasi.notifying")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding that is open and has not been told."""

    rule_id: str
    form_id: str
    submission_id: str
    """Empty for a finding about a group."""
    centre: str
    """Code, and the name that the form's list has for it; empty where the record names none."""


@dataclass(frozen=True, slots=True)
class News:
    """The open findings of one matter that have come since the last message."""

    found: tuple[Found, ...]
    """The newest :data:`RECORDS_NAMED` of each rule."""
    counts: Mapping[str, int]
    """By rule: how many there are in all."""
    texts: Mapping[str, str]
    """By rule: its message, which is the same for all its findings."""

    @property
    def count(self) -> int:
        """How many there are, whatever their rule."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Facts:
    """How things stand after a run."""

    is_published: bool
    """The run is known, and published its results."""
    published_at: datetime | None
    """When results were published last."""
    records: int
    new_records: int | None
    """First landed since the last summary; None where there was none."""
    failed_runs: int
    """Since the last summary, those that were killed among them."""
    errors: int
    """Open findings."""
    warnings: int
    gates: Mapping[str, int]
    """Open findings that stop the publication, by rule."""
    adverse: News
    silent: News
    all_adverse: News
    """With those that were told before."""
    all_silent: News
    checked_until: str | None
    """The moment in the ledger of findings up to which the news go (ISO 8601); None before anything was checked."""
    unreached: Mapping[str, datetime]
    """Sources that the runs do not reach: by name, since when. All folders of phones are one, called ``phones``."""


def read_facts(
    settings: Settings, run_id: str | None, told_until: Mapping[str, str], summary_at: str | None
) -> Facts | None:
    """Read them from the private warehouse; None where it cannot be opened, or another run is at work in it.

    Parameters
    ----------
    run_id
        The run that has just ended, if it is known.
    told_until
        By matter, ``adverse`` and ``silent``: the moment in the ledger of findings up to which all has been told.
    summary_at
        When the last summary was made (ISO 8601).
    """
    folder = settings.data_folder
    if not folder.has_begun:
        return None
    adverse, silent = _rules_told(settings)
    try:
        with alone(folder, PATIENCE_SECONDS), opened(folder) as con:
            # The view joins the whole ledger: once is enough.
            con.execute(f"create or replace temp table {_OPEN} as from quality.findings where is_open")
            names = _centre_names(con, settings.language)
            since = [summary_at]
            return Facts(
                is_published=scalar(
                    con,
                    "select count(*) > 0 from meta.runs where run_id = $1 and published_at is not null",
                    [run_id],
                ),
                published_at=scalar(con, "select max(published_at) from meta.runs"),
                records=scalar(con, "select count(*) from staging.submissions where state = 'staged'"),
                new_records=scalar(
                    con,
                    "select if($1 is null, null, count(*)) from staging.submissions"
                    " where state = 'staged' and first_landed_at > $1::timestamptz",
                    since,
                ),
                failed_runs=scalar(
                    con,
                    "select count(*) from meta.runs"
                    " where status in ('failed', 'interrupted') and started_at > $1::timestamptz",
                    since,
                ),
                errors=scalar(con, f"select count(*) from {_OPEN} where severity = 'error'"),
                warnings=scalar(con, f"select count(*) from {_OPEN} where severity = 'warning'"),
                gates=dict(
                    con.execute(
                        f"select rule_id, count(*) from {_OPEN} where stops group by rule_id order by 2 desc, 1"
                    ).fetchall()
                ),
                adverse=_news(con, adverse, told_until.get("adverse"), names),
                silent=_news(con, silent, told_until.get("silent"), names),
                all_adverse=_news(con, adverse, None, names),
                all_silent=_news(con, silent, None, names),
                checked_until=_iso(scalar(con, 'select max("at") from quality.check_runs')),
                unreached=_unreached(con),
            )
    except LaktasiError as error:
        _LOG.warning("how things stand could not be read: %s", error.what)
        return None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _rules_told(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """Give the rules of adverse events, and those of silent centres: by id, their message."""
    from laktasi.quality import read_checks

    try:
        checks = read_checks(settings.folders.checks)
    except LaktasiError:  # what is wrong with it is what the run failed of
        checks = ()

    def texts(of: Iterable[DeclaredCheck]) -> dict[str, str]:
        return {check.id: check.messages[settings.language] for check in of}

    return (
        texts(check for check in checks if check.is_adverse_event),
        texts(check for check in checks if check.kind == "silent" and check.parameters["by"] == "centre"),
    )


def _news(
    con: duckdb.DuckDBPyConnection, rules: Mapping[str, str], since: str | None, names: Mapping[str | None, str]
) -> News:
    """Give the open findings of some rules that were opened, or came back, after a moment; all of them without one."""
    found = con.execute(
        f"""
        select rule_id, form_id, submission_id, centre_code, count(*) over (partition by rule_id)
        from {_OPEN}
        where list_contains($rules, rule_id) and ($since is null or changed_at > $since::timestamptz)
        qualify row_number() over (partition by rule_id order by changed_at desc, submission_id, "row") <= $most
        order by rule_id, changed_at desc, submission_id, "row"
        """,
        {"rules": list(rules), "since": since, "most": RECORDS_NAMED},
    ).fetchall()
    return News(
        tuple(Found(rule, form, record, names.get(code, code or "")) for rule, form, record, code, _ in found),
        {rule: count for rule, _, _, _, count in found},
        rules,
    )


def _centre_names(con: duckdb.DuckDBPyConnection, language: str) -> dict[str | None, str]:
    """Give health centres by their code, with the name that the form's list has for them."""
    has = "select count(*) from duckdb_tables() where schema_name = 'marts' and table_name = 'centres'"
    if not scalar(con, has):
        return {}
    rows = con.execute(
        "select centre_code, coalesce(labels[$language], map_values(labels)[1]) from marts.centres",
        {"language": language},
    ).fetchall()
    return {code: f"{code} ({label})" if label and label != code else code for code, label in rows}


def _unreached(con: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Say which sources the latest runs that asked them did not reach, and since when.

    Folders of phones are not named: people call them what they like, after a person even.
    """
    runs = con.execute(
        f"""
        select started_at, coalesce(manifest->>'unreached', '{{}}'), coalesce(json_keys(manifest, '$.steps'), [])
        from meta.runs where status = 'finished' and manifest is not null
        order by run_id desc limit {RUNS_LOOKED_AT:d}
        """
    ).fetchall()
    since: dict[str, datetime] = {}
    for step in ("central", PHONES):
        missing = None
        for started_at, told, steps in runs:
            if step not in steps:
                continue
            names = {PHONES if name.startswith(f"{PHONES}/") else name for name in json.loads(told)}
            names = {name for name in names if (name == PHONES) == (step == PHONES)}
            missing = names if missing is None else missing & names
            since |= dict.fromkeys(missing, started_at)
            if not missing:
                break
    return since
