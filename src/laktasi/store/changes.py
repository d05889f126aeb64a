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
from laktasi.store import runs
from laktasi.store.sql import literal, scalar, select_from_file, transaction, values
from laktasi.store.warehouse import told_by_an_earlier_laktasi

_NOW = "_laktasi_analysed_now"
_REJECTED = "rejected"
"""Name of the rule, in every form, about what reviewers on Central rejected."""


def record_changes(con: duckdb.DuckDBPyConnection, run_id: str, form_id: str, manifest: Mapping[str, Any]) -> None:
    """Compare a run with the one before, keep what changed, and make meta.analysed_rows that of this run.

    To be called in the transaction in which the run is written down as finished: the rows are always those of the
    latest finished run. Where there is no earlier one, that is all: nothing is known to have changed.

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
    since = _run_before(con, run_id)
    for table in ("changes", "result_changes"):
        con.execute(f"delete from meta.{table} where run_id = ?", [run_id])
    con.execute(
        f"create or replace temp table {_NOW} as {select_from_file('meta', 'analysed_rows', form_id=literal(form_id))}"
    )
    if since is None:
        # Nothing is known of what any earlier run made of these rows: to call them new would name a false cause.
        con.execute(f"insert into meta.analysed_rows by name select {literal(run_id)} as run_id, * from {_NOW}")
    else:
        _compare(con, run_id, since, _changed_rows(con, form_id, since, manifest))
    con.execute(f"drop table {_NOW}")
    con.execute("update meta.runs set compared_with = ? where run_id = ?", [since, run_id])


def published(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Write down that a run was published: the next one is compared with it, and needs nothing of those before."""
    with transaction(con):
        runs.published(con, run_id)
        con.execute(
            """
            delete from meta.analysed_rows where run_id <> $run_id and exists(
                from meta.runs where run_id = $run_id and json_extract_string(manifest, '$.study') is not null
            )
            """,
            {"run_id": run_id},
        )


def _run_before(con: duckdb.DuckDBPyConnection, run_id: str) -> str | None:
    """Give the run that was published last: what changed in one that never was has not been told to anybody.

    Where none is known to be, the run of meta.analysed_rows; where that is empty too, the latest with a study, which
    found no submission.
    """
    found: str | None = scalar(
        con,
        """
        with
        with_study as (
            from meta.runs where run_id <> ? and json_extract_string(manifest, '$.study') is not null
        )
        select coalesce(
            (select arg_max(run_id, published_at) from with_study),
            (select min(run_id) from meta.analysed_rows),
            (select arg_max(run_id, finished_at) from with_study where status = 'finished')
        )
        """,
        [run_id],
    )
    return found


def _compare(con: duckdb.DuckDBPyConnection, run_id: str, since: str, changed_rows: str) -> None:
    con.execute(f"create or replace temp table {_NOW}_changed as {changed_rows}")
    con.execute(
        f"""
        insert into meta.changes (run_id, change, cause, n)
        select ?, change, cause, count(*) from {_NOW}_changed group by all order by all
        """,
        [run_id],
    )
    # Those of the run before stay until this one is published: else they are wanted again.
    con.execute("delete from meta.analysed_rows where run_id <> ?", [since])
    con.execute(
        f"""
        insert into meta.analysed_rows by name
        select ? as run_id, now.*, changed.change, changed.cause
        from {_NOW} as now left join {_NOW}_changed as changed using (submission_id)
        """,
        [run_id],
    )
    con.execute(f"drop table {_NOW}_changed")
    results = select_from_file("meta", "result_changes", run_id=literal(run_id), before=literal(since))
    con.execute(f"insert into meta.result_changes by name {results}")


@dataclass(frozen=True, slots=True)
class Changes:
    """What is kept of the changes of one run."""

    run_id: str
    since: str | None
    """The run that it starts from; None where none before it kept track."""
    since_finished_at: datetime | None
    has_study: bool
    """Whether study.yml was there: without it no row is analysed."""
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
    with told_by_an_earlier_laktasi("does not say what changed"):
        run = con.execute(
            """
            select runs.run_id, runs.compared_with, earlier.finished_at,
                coalesce(json_type(runs.manifest, '$.study') <> 'NULL', true)
            from meta.runs as runs left join meta.runs as earlier on runs.compared_with = earlier.run_id
            where runs.status = 'finished' and runs.staged is not null
                and runs.run_id = coalesce($run_id, (from meta.latest_run))
            """,
            {"run_id": run_id},
        ).fetchone()
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
    this, since, since_finished_at, has_study = run
    return Changes(this, since, since_finished_at, has_study, tuple(counted), results)


def changed_rows(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Give submission, change and cause of every row that the latest finished run found changed.

    Of the warehouse itself; what is no longer in it at all (erased) is only counted in meta.changes.
    """
    return con.execute(
        """
        select submission_id, change, cause
        from meta.analysed_rows semi join meta.latest_run using (run_id)
        where change is not null order by 2, 3, 1
        """
    ).fetchall()


def _manifest_of(con: duckdb.DuckDBPyConnection, run_id: str) -> Mapping[str, Any]:
    found = scalar(con, "select manifest from meta.runs where run_id = ?", [run_id])
    read: Mapping[str, Any] = json.loads(found) if found else {}
    return read


def _changed_rows(con: duckdb.DuckDBPyConnection, form_id: str, since: str, now: Mapping[str, Any]) -> str:
    """Give the select of the change and the cause of each submission whose row is not what it was.

    Of what lies around a record, that counts which differs between the manifests of both runs.
    """
    before = _manifest_of(con, since)
    other_form = scalar(
        con, "select count(*) from meta.analysed_rows where run_id = ? and form_id <> ?", [since, form_id]
    )

    def changed(name: str) -> list[str]:
        return [key for key, value in now[name].items() if before.get(name, {}).get(key) != value]

    versions = sorted(
        {key.partition(" ")[2] for name in ("forms", "media") for key in changed(name) if _of(form_id, key)}
    )
    same_rules = [
        key.removeprefix(f"{form_id}: ")
        for key, value in before.get("rules", {}).items()
        if now["rules"].get(key) == value and key.startswith(f"{form_id}: ")
    ]
    return select_from_file(
        "meta",
        "changed_rows",
        here=_NOW,
        since=literal(since),
        form_differs=literal(other_form > 0),
        form_id=literal(form_id),
        changed_versions=values(("form_version",), ((version,) for version in versions)),
        same_rules=values(("rule_id",), ((rule_id,) for rule_id in same_rules)),
        schemas_differ=literal(bool(before.get("schemas") != now.get("schemas"))),
        code_differs=literal(bool(before.get("code") != now.get("code"))),
        rejected=literal(f"{form_id}.{_REJECTED}"),
    )


def _of(form_id: str, key: str) -> bool:
    return key.partition(" ")[0] == form_id
