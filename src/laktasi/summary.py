"""What runs have to tell, in lines for a terminal and in tables for the Prefect page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from laktasi.errors import WarehouseError
from laktasi.store.changes import Changes, read_changes
from laktasi.store.sql import scalar
from laktasi.store.warehouse import open_research
from laktasi.study import read_study
from laktasi.workplace import RUN_FIRST, alone, check_begun, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.settings import Settings
    from laktasi.study import Pair

LANDINGS = ("phones", "central", "reconcile")
"""Steps that take in submissions."""

CLOCK_BACK = timedelta(minutes=1)
"""By how much, before it is said."""


def latest_runs(settings: Settings, columns: Sequence[str], count: int) -> tuple[bool, list[tuple[Any, ...]]]:
    """Tell whether a run is working now, and how the latest runs went.

    The private warehouse knows of those that failed or only landed, too. While a run works in it, only what the
    research copy knows is told.

    Parameters
    ----------
    columns
        Of `meta.runs`.
    count
        How many runs at most; the newest comes first.

    Raises
    ------
    WarehouseError
        No run has ever begun here.
    """
    from filelock import FileLock, Timeout

    folder = settings.data_folder
    check_begun(folder)
    query = f"select {', '.join(columns)} from meta.runs order by run_id desc limit {count:d}"
    try:
        with FileLock(folder.lock, timeout=0), opened(folder) as con:
            if not (found := con.execute(query).fetchall()):
                raise WarehouseError(f"no run has begun in {folder.root}", next_step=RUN_FIRST)
            return False, found
    except Timeout:
        if not folder.research.exists():
            return True, []
        with open_research(folder.research) as con:
            return True, con.execute(query).fetchall()


def summary(settings: Settings) -> list[str]:
    """Tell the latest run: tau_b of the study's first question by centre, then what came in and what is wrong."""
    study = read_study(settings.folders.study)
    with open_research(settings.data_folder.research) as con:
        found = con.execute(
            """
            select manifest, open_errors, open_warnings, finished_at
            from meta.runs semi join meta.latest_run using (run_id)
            """
        ).fetchone()
        assert found is not None, "a research copy is published by a finished run"
        manifest, errors, warnings, finished_at = json.loads(found[0]), *found[1:]
        unverified = [
            check
            for (check,) in con.execute(
                "select distinct field from quality.unverified where kind in ('declared', 'set', 'group') order by 1"
            ).fetchall()
        ]
        lines = list(_kendall(con, study.analyses[0], settings.language)) if study and study.analyses else []
        changes = list(change_lines(read_changes(con), study.analyses[0] if study and study.analyses else None))
    told = manifest["steps"]
    lines += ["", *_clock(finished_at), *landed_lines(told, manifest["unreached"]), *left_sources(settings)]
    if not told["read"]["staged"]:
        lines.append("no submissions have come in yet. Next: laktasi import FOLDER, then laktasi run")
    if waiting := told["read"]["waiting"]:
        lines.append(f"{waiting} submissions wait for a form version that is not known here, or set aside")
    if drafts := told["read"]["drafts"]:
        lines.append(f"{drafts} drafts are kept and not counted")
    if conflicts := told["read"]["conflicting_versions"]:
        lines.append(f"different forms under one version: {', '.join(conflicts)}; the first one stands")
    if changed := told["stand"]["changed_types"]:
        lines.append(f"kept as text, since their type is not the same in all versions: {', '.join(changed)}")
    lines += [f"no record counts of: {which}" for which in told["stand"].get("versions_left_out", ())]
    lines += [
        f"different contents of {which}; the project's own stands, else the first whole one"
        for which in told["read"]["conflicting_media"]
    ]
    lines += [f"form set aside: {which}; its submissions wait" for which in told["read"]["forms_set_aside"]]
    if missing := told["read"]["missing_media"]:
        lines.append(f"media not at hand, or not readable: {', '.join(missing)}")
    lines += _decided(told)
    lines += _forgotten({**(told.get("forget") or {}), **(told.get("clean") or {})})
    lines.append(f"{told['check']['rows_checked']} rows checked by {told['check']['rules']} rules")
    # A suite that looks at nothing finds nothing, and must not seem to have passed.
    if empty := told["check"]["empty"]:
        named = f"{', '.join(empty[:SUITES_SHOWN])}{', …' if len(empty) > SUITES_SHOWN else ''}"
        lines.append(f"{len(empty)} suites or checks had nothing to look at (checks.html tells which and why): {named}")
    not_asked = f"{told['check']['unverified']} rules not verifiable"
    if unverified:
        not_asked += f", of checks.yml: {', '.join(unverified)}"
    lines.append(f"findings open: {errors} errors, {warnings} warnings; {not_asked}")
    if "included" in told["mart"]:
        lines.append(f"in the analysis: {told['mart']['included']}, of which accepted: {told['mart']['accepted']}")
    for variable, count in told["mart"].get("unranked", {}).items():
        lines.append(f"  {count} of these have no level of {variable}: their answer is none that study.yml lists")
    return lines + changes


def _clock(finished_at: datetime) -> Iterator[str]:
    """Tell where a clock was set back: a run never ends before the one before it, so it seems to have ended later."""
    if finished_at - datetime.now(UTC) > CLOCK_BACK:
        ended = f"{finished_at.astimezone():%Y-%m-%d %H:%M}"
        yield (
            f"this machine's clock was set back: by it, an earlier run ended at {ended}."
            " Set it by the network's time; nothing is lost, and until then the times of runs go on from that one"
        )


def change_lines(changes: Changes, pair: Pair | None = None) -> Iterator[str]:
    """Tell what changed since the run before, and what became of one question's result; nothing of a first run."""
    if changes.since_finished_at is None:
        return
    since = f"since the run of {changes.since_finished_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    by_change: Counter[str] = Counter()
    for change, _, n in changes.rows:
        by_change[change] += n
    if not by_change:
        yield f"{since} no row of the analysis has changed"
    else:
        counted = ", ".join(f"{n} {change}" for change, n in by_change.items())
        yield f"{since}: rows of the analysis {counted} (laktasi changes says why)"
    for result in changes.results:
        asked = result["exposure"], result["outcome"], result["population"], result["result"]
        before, now = (_tau(result, ending) for ending in ("_before", ""))
        if pair and asked == (pair.exposure, pair.outcome, "accepted", "stratified") and before != now:
            yield f"  {pair.exposure} × {pair.outcome}, accepted records, within all: {before} → {now}"


def _tau(result: Mapping[str, Any], ending: str) -> str:
    tau, n = result[f"tau_b{ending}"], result[f"n{ending}"]
    return f"tau_b {tau:.3f} (n = {n})" if tau is not None else f"no tau_b (n = {n or 0})"


DECISIONS_SHOWN = 5
SUITES_SHOWN = 5


def _forgotten(told: Mapping[str, Any]) -> Iterator[str]:
    """Tell what came of people who left the study, where it matters."""
    if again := told.get("forgotten_again"):
        yield f"{again} records were given the study code of somebody who left, and were erased"
    if told.get("lost_key"):
        yield "secret.key is not in the data folder: a new visit of somebody who left cannot be known. Put it back from"
        yield "  a backup, or see docs/safety.md"
    if (left := told.get("forgetting")) and left != "finished":
        yield f"what is of people who left is not all gone yet: {left}; next: laktasi forget"


def _decided(told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Tell how people's decisions stand: those that no longer fit what they were about by name."""
    corrected = told.get("correct") or {}
    if by_state := corrected.get("decisions"):
        yield f"decisions of people: {', '.join(f'{count} {state}' for state, count in by_state.items())}"
    for state, what in (("stale", "their record has changed, so they do not hold"), ("waiting", "no such record yet")):
        if ids := corrected.get(f"{state}_decisions"):
            more = f" and {len(ids) - DECISIONS_SHOWN} more" if len(ids) > DECISIONS_SHOWN else ""
            yield f"  {state} ({what}): {', '.join(ids[:DECISIONS_SHOWN])}{more}"
    for left in corrected.get("not_recomputed", ()):
        yield f"  not computed anew in corrected records: {left}"
    if dropped := told["read"].get("dropped"):
        yield f"{dropped} records are left out by decision"


def landed_lines(told: Mapping[str, Mapping[str, Any]], unreached: Mapping[str, str]) -> Iterator[str]:
    """Tell what came in, source by source, and what could not be reached."""
    for name in LANDINGS:
        counts = told.get(name, {})
        # Of entity lists alone there is no count of submissions: their lines say what there is.
        if "new" not in counts:
            continue
        known = f"{counts['known']} known already, " if name == "phones" else ""
        left = counts.get("forgotten")
        away = f", {left} turned away: of people who left the study" if left else ""
        yield f"{name}: {counts['new']} new, {known}{counts['refused']} files refused{away}"
        if counts.get("unknown_status"):
            yield f"  {counts['unknown_status']} came without metadata/instances.db: drafts or not is unknown"
        refusals = counts.get("refusals", ())
        if isinstance(refusals, Mapping):  # of a manifest, which is published: counted by reason, not by file
            refusals = [(count, reason) for reason, count in refusals.items()]
        for what, reason in refusals:
            yield f"  refused {what}: {reason}"
    yield from proof_lines(told.get("reconcile", {}).get("lines", ()))
    for name, why in unreached.items():
        yield f"not reached: {name} ({why})"


def left_sources(settings: Settings) -> list[str]:
    """Tell which sources have live submissions here and are no longer in laktasi.toml: nobody hears of deletions there.

    Nothing is told while a run is at work in the private warehouse.
    """
    folder = settings.data_folder
    if not folder.has_begun:
        return []
    try:
        with alone(folder, patience_seconds=0), opened(folder) as con:
            found = con.execute(
                """
                select source, count(*) from raw.latest_submission_states
                where deleted_at is null and not is_purged and not list_contains($named, source)
                group by source order by source
                """,
                {"named": [central.source for central in settings.central.values()]},
            ).fetchall()
    except WarehouseError:
        return []
    return [
        f"{source} is no longer in laktasi.toml: {count} live submissions are kept as they were last seen;"
        " see docs/central.md"
        for source, count in found
    ]


LAST_SEEN = (
    "kind",
    "code",
    "submissions",
    "last_finished_at",
    "last_received_at",
    "last_landed_at",
    "median_lag_hours",
    "max_lag_hours",
    "clock_errors",
)
"""Columns of marts.last_seen, which says what each means."""


def last_seen(settings: Settings) -> list[tuple[Any, ...]]:
    """Tell when each health centre, enumerator and phone was last heard of; the longest silent come first.

    Rows are those of :data:`LAST_SEEN`. Read from the private warehouse: phones' ids are not for the research copy.

    Raises
    ------
    WarehouseError
        A run is at work, or none has finished here.
    """
    folder = settings.data_folder
    check_begun(folder)
    with alone(folder), opened(folder) as con:
        if not scalar(con, "select count(*) from meta.runs where status = 'finished' and staged is not null"):
            raise WarehouseError(
                f"no run has finished in {folder.root}",
                why="When who was last heard of is worked out in a run, from what has come in.",
                next_step=RUN_FIRST,
            )
        return con.execute(
            f"""
            select {", ".join(LAST_SEEN)} from marts.last_seen
            order by kind, coalesce(last_received_at, last_landed_at) nulls first, code
            """
        ).fetchall()


def proof_lines(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Tell what each Central has and what the warehouse has, form by form."""
    for line in lines:
        counts = ", ".join(f"{name} {line[name]}" for name in ("server", "warehouse", "missing", "extra"))
        refused = f", refused {line['refused']}" if line["refused"] else ""
        left = line.get("forgotten")
        refused += f", of people who left the study {left}: delete them there (docs/safety.md)" if left else ""
        note = f" ({line['note']})" if line["note"] else ""
        yield f"{line['source']} {line['form_id']}: {counts}{refused}{note}"


def tables(settings: Settings) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Give the tables that a data manager reads on the Prefect page: by key, a description and the rows."""
    queries = {
        "arrivals": (
            "What came in, by health centre",
            "select * from marts.arrivals order by centre_code",
        ),
        "findings": (
            "Open findings, by health centre and rule",
            """
            select centre_code, rule_id, severity, count(*) as findings from quality.findings where is_open
            group by all order by centre_code, severity, rule_id
            """,
        ),
        "tau-b": (
            "Kendall's tau_b by health centre, accepted records",
            """
            select centre_code, exposure, outcome, n, round(tau_b, 3) as tau_b, round(ci_low, 3) as ci_low,
                round(ci_high, 3) as ci_high, round(p_value, 4) as p_value, round(p_exact, 4) as p_exact, reason
            from analysis.kendall_latest where population = 'accepted' order by exposure, outcome, centre_code
            """,
        ),
    }
    with open_research(settings.data_folder.research) as con:
        return {key: (description, _rows(con, query)) for key, (description, query) in queries.items()}


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = con.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _kendall(con: duckdb.DuckDBPyConnection, pair: Pair, language: str) -> Iterator[str]:
    rows = con.execute(
        """
        select coalesce(centres.labels[?], map_values(centres.labels)[1], centre_code),
            n, tau_b, ci_low, ci_high, p_value, p_exact, reason
        from analysis.kendall_latest left join marts.centres as centres using (centre_code)
        where exposure = ? and outcome = ? and population = 'accepted' order by 1
        """,
        [language, pair.exposure, pair.outcome],
    ).fetchall()
    pooled = con.execute(
        """
        select centres_used || ' of ' || centres || ' centres', n, tau_b, ci_low, ci_high, p_value, null, reason
        from analysis.pooled_latest
        where exposure = ? and outcome = ? and population = 'accepted' and method = 'stratified'
        """,
        [pair.exposure, pair.outcome],
    ).fetchall()
    yield f"{pair.exposure} × {pair.outcome}, accepted records, Kendall's tau_b by health centre and within all:"
    width = max((len(row[0]) for row in (*rows, *pooled)), default=0)
    for row in (*rows, *pooled):
        yield f"  {row[0]:<{width}}  {_figures(row[1:])}"


def _figures(row: Sequence[Any]) -> str:
    n, tau, low, high, p, exact, reason = row
    if tau is None:
        return f"n = {n:>4}  no tau_b: {reason}"
    interval = "no interval" if low is None or high is None else f"95 % CI {low:.3f} to {high:.3f}"
    parts = (f"n = {n:>4}", f"tau_b = {tau:.3f}", interval, _p("p", p), _p("exact p", exact))
    return "  ".join(part for part in parts if part)


def _p(name: str, value: float | None) -> str:
    words = p_in_words(value)
    return f"{name} {words if words.startswith('<') else f'= {words}'}" if words else ""


def p_in_words(value: float | None) -> str:
    """Give a p as it is printed: never as zero; empty where there is none."""
    if value is None:
        return ""
    return "< .001" if value < 0.001 else f"{value:.3f}"
