"""What a run read, used and found, as one JSON file: enough to compute it again, and to see whether it is the same.

It holds no respondent's answer and no path, but every result, those of small health centres too: it is the team's.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from laktasi.errors import VerifyError
from laktasi.store.as_of import sources
from laktasi.store.forms import Questionnaires
from laktasi.store.results import analysed_set
from laktasi.store.sql import identifier, literal

FORMAT = "laktasi manifest"
FORMAT_VERSION = 1
NOTE = "For the team, not for the public: it holds the results of small health centres."
LIBRARIES = ("duckdb", "numpy", "scipy", "great_expectations")
"""What computes results; their versions are kept."""
SETTINGS = ("exact_max_n", "monte_carlo_draws", "seed")
"""Settings that bear on results."""
PRIVATE = ("format", "format_version", "note", "results")
"""Parts that are not in meta.runs, which is published; results stand in schema analysis there."""

Manifest = dict[str, Any]
"""As it stands in the file."""

_DECIDED = (
    *("decision_id", "action", "form_id", "submission_id", "row", "question", "rule_id", "finding_id", "parent"),
    *("withdraws", "decided_on", "until"),
)
"""Columns of quality.decisions without an answer or a name: a hash over these would prove a guess of them."""


def gather(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    questionnaires: Questionnaires,
    *,
    day: date,
    as_of: datetime | None,
    study: str | None,
    schemas: Path,
    settings: Mapping[str, Any],
) -> Manifest:
    """Say what a run read, used and found.

    Parameters
    ----------
    con
        The warehouse, after the run's analysis.
    run_id
        The run: it stands in meta.runs.
    questionnaires
        The form versions that it worked with.
    day
        The day by which people's decisions expire in it.
    as_of
        The moment that it was told to know no more than; None for an ordinary run.
    study
        Name of the study, if there is one.
    schemas
        The project's schemas folder.
    settings
        Those of :data:`SETTINGS`.
    """
    run = con.execute(
        "select started_at, laktasi_version, code_version from meta.runs where run_id = ?", [run_id]
    ).fetchone()
    assert run is not None, "a run is written down when it begins"
    rows, digest = analysed_set(con) if study is not None else (None, None)
    rules = _rules(con)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "note": NOTE,
        "run_id": run_id,
        "started_at": _moment(run[0]),
        "as_of": _moment(as_of),
        "study": study,
        "known": {**_known(con), "day": day.isoformat()},
        "analysed": {"rows": rows, "sha256": digest},
        "decisions": _decisions(con),
        "forms": {f"{form_id} {of}": item.sha256 for (form_id, of), item in questionnaires.items()},
        "media": {f"{form_id} {of}": dict(item.media) for (form_id, of), item in questionnaires.items() if item.media},
        "suites": _suites(con, rules),
        "rules": rules,
        "schemas": schema_files(schemas),
        "settings": dict(settings),
        "code": {"laktasi": run[1], "commit": run[2]},
        "versions": versions(),
        "results": results_of(con, run_id),
    }


def public_part(manifest: Manifest) -> Manifest:
    """Give what of a manifest stands in meta.runs, too."""
    return {name: value for name, value in manifest.items() if name not in (*PRIVATE, "run_id", "started_at")}


def versions() -> dict[str, str]:
    """Give the versions of what computes."""
    found = {name: version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **found, "machine": f"{platform.system()} {platform.machine()}"}


def schema_files(schemas: Path) -> dict[str, str]:
    """Give the SHA-256 of every file in schemas/, by its place there; people's decisions have a part of their own."""
    files = sorted(path for path in schemas.rglob("*") if path.is_file() and not path.name.startswith((".", "~")))
    places = {path.relative_to(schemas).as_posix(): path for path in files}
    return {
        place: hashlib.sha256(path.read_bytes()).hexdigest()
        for place, path in places.items()
        if not place.startswith("corrections/")
    }


def results_of(con: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Any]:
    """Give every result of a run, by table of schema analysis: columns, how many of them name a row, and the rows."""
    found: dict[str, Any] = {}
    for (table,) in con.execute(
        """
        select distinct table_name from duckdb_columns()
        where database_name = current_database() and schema_name = 'analysis' and column_name = 'run_id'
            and table_name in (select table_name from duckdb_tables() where schema_name = 'analysis')
        order by table_name
        """
    ).fetchall():
        place = identifier("analysis", table)
        types = {name: kind for name, kind, *_ in con.execute(f"describe {place}").fetchall() if name != "run_id"}
        rows = con.execute(
            f"select {', '.join(map(identifier, types))} from {place} where run_id = ? order by all", [run_id]
        ).fetchall()
        kinds = list(types.values())
        found[table] = {
            "columns": list(types),
            "key": _key_length(types),
            "rows": [[_plain(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in rows],
        }
    return found


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write a manifest whole and durable, readable by its owner alone, and give its place.

    Temporary files are made where ``tempfile`` makes them: in the scratch folder of the run.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / f"{manifest['run_id']}.json"
    descriptor, name = tempfile.mkstemp()  # mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_as_text(manifest | {"sha256": digest_of(manifest)}))
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(place)
    return place


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises
    ------
    VerifyError
        It cannot be opened, is torn, is no manifest of a run, or is of a newer laktasi.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VerifyError(
            f"{path.name} cannot be opened ({error.strerror})", next_step="name a file of manifests/ in the data folder"
        ) from error
    except ValueError as error:
        raise VerifyError(
            f"{path.name} is torn, or no manifest: it is not JSON",
            next_step="take another copy of it; manifests/ in the data folder has those of all runs",
        ) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise VerifyError(
            f"{path.name} is no manifest of a run", next_step="name a file of manifests/ in the data folder"
        )
    if not isinstance(of := manifest.get("format_version"), int) or of > FORMAT_VERSION:
        raise VerifyError(
            f"{path.name} was written by a newer laktasi",
            why=f"Its format is version {of}; this code knows up to {FORMAT_VERSION}.",
            next_step="update laktasi, then verify again",
        )
    if missing := [name for name in _PARTS if not isinstance(manifest.get(name), _PARTS[name])]:
        raise VerifyError(
            f"{path.name} is damaged: {missing[0]!r} is missing or not as laktasi writes it",
            next_step="take another copy of it; manifests/ in the data folder has those of all runs",
        )
    return manifest


def digest_of(manifest: Manifest) -> str:
    """Give the SHA-256 of a manifest's contents, whatever its spaces: it tells whether a file was changed since."""
    parts = {name: value for name, value in manifest.items() if name != "sha256"}
    return _digest(parts)


_PARTS: Mapping[str, type] = {
    **dict.fromkeys(("run_id", "started_at"), str),
    **dict.fromkeys(("known", "analysed", "decisions", "forms", "media", "suites", "rules"), dict),
    **dict.fromkeys(("schemas", "settings", "code", "versions", "results"), dict),
}


def _known(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Give the watermark, the run that landed last, and how many rows each source has brought."""
    selects = []
    for (schema, table), came in sources(con).items():
        is_raw = schema == "raw"
        source, by = ("source", "run_id") if is_raw else ("'people'", "null")
        selects.append(
            f"select {literal(f'{schema}.{table}')} as place, {source} as source, count(*) as n, max({came}) as until,"
            f" arg_max({by}, {came}) as run_id from {identifier(schema, table)} group by all having count(*) > 0"
        )
    found = con.execute(
        f"select place, source, n, until, run_id from ({' union all '.join(selects)}) order by place, source"
    ).fetchall()
    counts: dict[str, dict[str, int]] = {}
    for place, source, n, _, _ in found:
        counts.setdefault(place, {})[source] = n
    last = max(((until, run_id) for *_, until, run_id in found if run_id is not None), default=(None, None))
    return {
        "until": _moment(max((row[3] for row in found), default=None)),
        "last_landing_run": last[1],
        "rows": counts,
    }


def _decisions(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    names = ", ".join(map(identifier, _DECIDED))
    found = con.execute(f"select {names} from quality.decisions order by decision_id").fetchall()
    return {"count": len(found), "sha256": _digest([[_plain(value) for value in row] for row in found])}


def _rules(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Give a hash of what each rule asks, over all form versions."""
    found: dict[str, list[Any]] = {}
    for rule_id, *asked in con.execute(
        """
        select distinct coalesce(form_id, '') || ': ' || rule_id, kind, field, severity, expression, keeps_out, stops
        from quality.rules order by all
        """
    ).fetchall():
        found.setdefault(rule_id, []).append(asked)
    return {rule_id: _digest(asked)[:16] for rule_id, asked in found.items()}


def _suites(con: duckdb.DuckDBPyConnection, rules: Mapping[str, str]) -> dict[str, str]:
    """Give a hash of each Great Expectations suite: its expectations, their limits, and what each rule asks."""
    found: dict[str, list[Any]] = {}
    for suite, rule_id, *expected in con.execute(
        """
        select suite, form_id || ': ' || rule_id, expectation, low, high from quality.results
        order by all
        """
    ).fetchall():
        found.setdefault(suite, []).append([rule_id, rules.get(rule_id), *map(_plain, expected)])
    return {suite: _digest(expectations) for suite, expectations in found.items()}


def _key_length(types: Mapping[str, str]) -> int:
    """Give how many of the first columns name a row: texts, days and levels; the first of another kind is a result."""
    length = 0
    for name, kind in types.items():
        if kind not in ("VARCHAR", "DATE") and not name.endswith("_rank"):
            break
        length += 1
    return length


def _plain(value: Any, kind: str = "") -> Any:
    """Give a value as JSON can hold it, every digit of a number kept."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case str() if kind == "JSON":
            return json.loads(value)
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return _moment(value)
        case _:
            return str(value)


def _moment(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if value is not None else None


def _digest(value: Any) -> str:
    canonical = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _as_text(manifest: Manifest) -> str:
    """Write a manifest so that people can read it, and a row of results is one line."""

    def dump(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    def table(name: str, found: Mapping[str, Any]) -> Iterable[str]:
        head = ", ".join(f"{dump(part)}: {dump(value)}" for part, value in found.items() if part != "rows")
        rows = ",\n   ".join(map(dump, found["rows"]))
        yield f'  {dump(name)}: {{{head}, "rows": [\n   {rows}\n  ]}}'

    parts = []
    for name, value in manifest.items():
        if name == "results":
            tables = ",\n".join(line for of, found in value.items() for line in table(of, found))
            parts.append(f" {dump(name)}: {{\n{tables}\n }}")
        else:
            parts.append(f" {dump(name)}: " + dump(value, indent=1).replace("\n", "\n "))
    return "{\n" + ",\n".join(parts) + "\n}\n"
