"""What a run read, used and found, as one JSON file: enough to compute it again, and to see whether it is the same.

It holds no respondent's answer and no path. Results of single health centres lie beside it (store.run_results), and it
has their hash: both are the team's.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from laktasi.errors import VerifyError
from laktasi.store.as_of import sources
from laktasi.store.forms import Questionnaires
from laktasi.store.manifest_shape import damaged_parts
from laktasi.store.results import analysed_set
from laktasi.store.run_results import digest_of_rows, moment, plain, results_of
from laktasi.store.sql import identifier, literal

FORMAT = "laktasi manifest"
FORMAT_VERSION = 1
NOTE = "For the team, not for the public, and so is the file beside it with the results of each health centre."
LIBRARIES = ("duckdb", "numpy", "scipy", "great_expectations")
"""What computes results; their versions are kept."""
SETTINGS = ("exact_max_n", "monte_carlo_draws", "seed")
"""Settings that bear on results."""
PRIVATE = ("format", "format_version", "note", "asked", "results", "by_centre")
"""Parts that are not in meta.runs, which is published; results stand in schema analysis there, and all steps with what
they told beside these parts."""

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
    like: Manifest | None = None,
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
    like
        A manifest that this one is to be compared with, see :func:`laktasi.store.run_results.results_of`.

    Returns
    -------
    dict
        Without ``by_centre``, which :func:`laktasi.store.run_results.write_by_centre` gives, and ``asked``: the names
        of the steps by which the run asked its sources.
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
        "started_at": moment(run[0]),
        "as_of": moment(as_of),
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
        "results": results_of(con, run_id, like and like["results"]),
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
    places = {_legible(path.relative_to(schemas).as_posix()): path for path in files}
    return {
        place: hashlib.sha256(path.read_bytes()).hexdigest()
        for place, path in places.items()
        if not place.startswith("corrections/")
    }


def _legible(name: str) -> str:
    """Write a file's name as text, the bytes of another encoding among it too: people's disks have such names."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def place_of(folder: Path, run_id: str) -> Path:
    """Give the place of a run's manifest."""
    return folder / f"{run_id}.json"


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write a manifest whole and durable, readable by its owner alone, and give its place.

    Temporary files are made where ``tempfile`` makes them: in the scratch folder of the run.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = place_of(folder, manifest["run_id"])
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
    except (ValueError, RecursionError) as error:  # or it is nested deeper than anything that laktasi writes
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
    if damaged := next(damaged_parts(manifest), None):
        raise VerifyError(
            f"{path.name} is damaged: {damaged!r} in the file itself is missing or not as laktasi writes it",
            next_step="take another copy of it; manifests/ in the data folder has those of all runs",
        )
    return manifest


def digest_of(manifest: Manifest) -> str:
    """Give the SHA-256 of a manifest's contents, whatever its spaces: it tells whether a file was changed since."""
    parts = {name: value for name, value in manifest.items() if name != "sha256"}
    return _digest(parts)


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
        "until": moment(max((row[3] for row in found), default=None)),
        "last_landing_run": last[1],
        "rows": counts,
    }


def _decisions(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    names = ", ".join(map(identifier, _DECIDED))
    count, digest = digest_of_rows(con, f"select {names} from quality.decisions")
    return {"count": count, "sha256": digest}


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
        found.setdefault(suite, []).append([rule_id, rules.get(rule_id), *map(plain, expected)])
    return {suite: _digest(expectations) for suite, expectations in found.items()}


def _digest(value: Any) -> str:
    canonical = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _as_text(manifest: Manifest) -> str:
    """Write a manifest so that people can read it, and a row of results is one line."""

    def dump(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    def table(name: str, found: Mapping[str, Any]) -> Iterable[str]:
        head = ", ".join(f"{dump(part)}: {dump(value)}" for part, value in found.items() if part != "across")
        rows = ",".join(f"\n   {dump(row)}" for row in found["across"])
        yield f'  {dump(name)}: {{{head}, "across": [{rows}]}}'

    parts = []
    for name, value in manifest.items():
        if name == "results":
            tables = ",\n".join(line for of, found in value.items() for line in table(of, found))
            parts.append(f" {dump(name)}: {{\n{tables}\n }}")
        else:
            parts.append(f" {dump(name)}: " + dump(value, indent=1).replace("\n", "\n "))
    return "{\n" + ",\n".join(parts) + "\n}\n"
