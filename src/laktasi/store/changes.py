"""What changed since the last finished run, and why: rows of marts.analysed, and the headline results.

Each row has one cause, the nearest: what happened to the record itself before what happened around it, and a change of
schemas/ or of the code only where neither explains it. meta.analysed_rows holds what the last finished run made of each
record and from what, so the comparison costs one join, and nothing of earlier runs has to be computed again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from laktasi.errors import WarehouseError
from laktasi.store.sql import literal, scalar, values

_NOW = "_laktasi_analysed_now"
_REJECTED = "rejected"
"""Name of the rule, in every form, about what reviewers on Central rejected."""


def record_changes(con: duckdb.DuckDBPyConnection, run_id: str, form_id: str, manifest: Mapping[str, Any]) -> None:
    """Compare a run with the one before, keep what changed, and make meta.analysed_rows that of this run.

    To be called in the transaction in which the run is written down as finished: the rows are always those of the
    latest finished run.

    Parameters
    ----------
    con
        The warehouse, in a transaction, after the run's analysis.
    run_id
        The run.
    form_id
        Form of the study.
    manifest
        Of the run, see :mod:`laktasi.store.manifests`.
    """
    since = scalar(con, "select any_value(run_id) from meta.analysed_rows")
    before = _manifest_of(con, since)
    con.execute(f"create or replace temp table {_NOW} as {_now(form_id)}")
    con.execute(f"create or replace temp table {_NOW}_caused as {_caused(form_id, before, manifest)}")
    con.execute("delete from meta.changes where run_id = ?", [run_id])
    con.execute(
        f"""
        insert into meta.changes (run_id, change, cause, n)
        select ?, change, cause, count(*) from {_NOW}_caused where change is not null group by all order by all
        """,
        [run_id],
    )
    con.execute("delete from meta.analysed_rows")
    con.execute(
        f"""
        insert into meta.analysed_rows by name
        select ? as run_id, now.*, caused.change, caused.cause
        from {_NOW} as now left join {_NOW}_caused as caused using (submission_id)
        """,
        [run_id],
    )
    con.execute(f"drop table {_NOW}_caused; drop table {_NOW}")
    con.execute("delete from meta.result_changes where run_id = ?", [run_id])
    con.execute(_RESULTS, {"now": run_id, "before": since})
    con.execute("update meta.runs set compared_with = ? where run_id = ?", [since, run_id])


@dataclass(frozen=True, slots=True)
class Changes:
    """What is kept of the changes of one run."""

    run_id: str
    since: str | None
    """The run that it starts from; None where none before it kept track."""
    since_finished_at: datetime | None
    rows: tuple[tuple[str, str, int], ...]
    """Change, cause and how many rows of marts.analysed."""
    results: tuple[Mapping[str, Any], ...]
    """Rows of meta.result_changes."""


def read_changes(con: duckdb.DuckDBPyConnection, run_id: str | None = None) -> Changes:
    """Read what changed in a run, from the warehouse or the research copy.

    Parameters
    ----------
    run_id
        The latest finished run, if left out.

    Raises
    ------
    WarehouseError
        No such run has finished, or it did so before laktasi kept track.
    """
    try:
        run = con.execute(
            """
            select runs.run_id, runs.compared_with, earlier.finished_at
            from meta.runs as runs left join meta.runs as earlier on runs.compared_with = earlier.run_id
            where runs.status = 'finished' and runs.staged is not null
                and runs.run_id = coalesce($run_id, (from meta.latest_run))
            """,
            {"run_id": run_id},
        ).fetchone()
    except (duckdb.BinderException, duckdb.CatalogException):
        raise WarehouseError(
            "what was published last does not say what changed: an earlier laktasi made it", next_step="laktasi run"
        ) from None
    if run is None:
        raise WarehouseError(
            f"no run {run_id} has finished with an analysis" if run_id else "no run has finished with an analysis",
            next_step="laktasi status lists the latest runs" if run_id else "laktasi run",
        )
    counted = con.execute(
        "select change, cause, n from meta.changes where run_id = ? order by change, n desc, cause", [run[0]]
    ).fetchall()
    found = con.execute(
        """
        select * exclude (run_id) from meta.result_changes where run_id = ?
        order by exposure, outcome, population, result
        """,
        [run[0]],
    )
    names = [column[0] for column in found.description or ()]
    results = tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())
    this, since, since_finished_at = run
    return Changes(this, since, since_finished_at, tuple(counted), results)


def changed_rows(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Give submission, change and cause of every row that the latest finished run found changed.

    Of the warehouse itself; what is no longer in it at all (erased) is only counted in meta.changes.
    """
    return con.execute(
        "select submission_id, change, cause from meta.analysed_rows where change is not null order by 2, 3, 1"
    ).fetchall()


def _manifest_of(con: duckdb.DuckDBPyConnection, run_id: str | None) -> Mapping[str, Any]:
    found = scalar(con, "select manifest from meta.runs where run_id = ?", [run_id]) if run_id else None
    read: Mapping[str, Any] = json.loads(found) if found else {}
    return read


def _now(form_id: str) -> str:
    """Give what this run made of each submission of the study's form, and from what."""
    form = literal(form_id)
    return f"""
        with
        included as (
            select
                submission_id,
                is_accepted,
                md5(to_json(levels)::varchar) as row_hash
            from marts.analysed
            inner join (select * exclude (is_accepted) from marts.analysed) as levels using (submission_id)
        ),

        decided as (
            select submission_id, list_sort(list(distinct decision_id)) as decisions
            from quality.decision_states
            where form_id = {form} and state = 'applied' and submission_id is not null
            group by submission_id
        ),

        kept_out as (
            select submission_id, list_sort(list(distinct rule_id)) as kept_out_by
            from quality.findings
            where form_id = {form} and is_open and keeps_out and submission_id <> ''
            group by submission_id
        )

        select
            staged.form_id,
            staged.submission_id,
            staged.instance_id,
            staged.payload_sha256,
            staged.form_version,
            staged.state,
            included.submission_id is not null as is_included,
            included.is_accepted,
            included.row_hash,
            coalesce(decided.decisions, []) as decisions,
            coalesce(kept_out.kept_out_by, []) as kept_out_by
        from staging.submissions as staged
        left join included using (submission_id)
        left join decided using (submission_id)
        left join kept_out using (submission_id)
        where staged.form_id = {form}
    """


def _caused(form_id: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Give the change and the cause of each submission whose row is not what it was; ``submission_id, change, cause``.

    Of what lies around a record, that counts which differs between the manifests of both runs.
    """

    def differs(name: str) -> bool:
        return bool(before.get(name) != now.get(name))

    def changed(name: str) -> list[str]:
        return [key for key, value in now[name].items() if before.get(name, {}).get(key) != value]

    form = literal(form_id)
    versions = sorted(
        {key.partition(" ")[2] for name in ("forms", "media") for key in changed(name) if _of(form_id, key)}
    )
    same_rules = [
        key.removeprefix(f"{form_id}: ")
        for key, value in before.get("rules", {}).items()
        if now["rules"].get(key) == value and key.startswith(f"{form_id}: ")
    ]
    around = f"""
        when coalesce(here.form_version, past.form_version) in (from changed_versions) then 'form version'
        when {literal(differs("schemas"))} then 'schemas'
        when {literal(differs("code"))} then 'code'
    """
    return f"""
        with
        changed_versions as ({values(("form_version",), ((version,) for version in versions))}),
        same_rules as ({values(("rule_id",), ((rule_id,) for rule_id in same_rules))}),

        rows as (
            select
                coalesce(here.submission_id, past.submission_id) as submission_id,
                here,
                past,
                case
                    when here.is_included and not coalesce(past.is_included, false) then 'new'
                    when past.is_included and not coalesce(here.is_included, false) then 'gone'
                    when here.is_included
                        and (here.row_hash <> past.row_hash or here.is_accepted <> past.is_accepted) then 'changed'
                end as change,
                list_filter(
                    list_concat(here.kept_out_by, past.kept_out_by),
                    lambda rule: not (list_contains(here.kept_out_by, rule) and list_contains(past.kept_out_by, rule))
                ) as moved
            from {_NOW} as here
            full join (from meta.analysed_rows where form_id = {form}) as past
                on here.submission_id = past.submission_id
        ),

        -- A chain of edits is called otherwise once an older link of it has landed: no record came or went.
        landed as (
            select distinct instance_id from raw.submissions where form_id = {form}
        ),
        known as (
            select distinct instance_id from meta.analysed_rows where form_id = {form}
        )

        select
            submission_id,
            change,
            case
                when here.submission_id is null and past.instance_id in (from landed) then 'edited submission'
                when here.submission_id is null then 'deletion'
                when past.submission_id is null and here.instance_id in (from known) then 'edited submission'
                when past.submission_id is null then 'new submission'
                when here.state <> past.state and 'deleted' in (here.state, past.state) then 'deletion'
                when here.state <> past.state and 'dropped' in (here.state, past.state) then 'decision'
                when here.state <> past.state and 'waiting' in (here.state, past.state) then 'form version'
                when past.state = 'draft' and here.state <> 'draft' then 'new submission'
                when here.instance_id <> past.instance_id or here.payload_sha256 <> past.payload_sha256
                    then 'edited submission'
                when here.decisions <> past.decisions then 'decision'
                when change = 'changed' and here.row_hash = past.row_hash then case
                    when list_contains(moved, {literal(f"{form_id}.{_REJECTED}")}) then 'review state'
                    when list_has_any(moved, (select coalesce(list(rule_id), []) from same_rules)) then 'finding'
                    {around}
                    else 'finding'
                end
                {around}
                else 'unexplained'
            end as cause
        from rows
        where change is not null
    """


def _of(form_id: str, key: str) -> bool:
    return key.partition(" ")[0] == form_id


_RESULTS = """
insert into meta.result_changes by name
with
headlines as (
    select run_id, exposure, outcome, population, 'stratified' as result, n, tau_b, ci_low, ci_high
    from analysis.pooled where method = 'stratified'
    union all
    select run_id, exposure, outcome, population, 'random effects' as result, n, tau_b, ci_low, ci_high
    from analysis.random_effects
),
now as (from headlines where run_id = $now),
before as (from headlines where run_id = $before)
select
    $now as run_id,
    exposure,
    outcome,
    population,
    result,
    before.n as n_before,
    now.n,
    before.tau_b as tau_b_before,
    now.tau_b,
    before.ci_low as ci_low_before,
    now.ci_low,
    before.ci_high as ci_high_before,
    now.ci_high
from now
full join before using (exposure, outcome, population, result)
order by all
"""
