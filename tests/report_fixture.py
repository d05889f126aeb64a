"""A small research copy for the tests of the report: real tables, made by the warehouse's own migrations.

Mopuya's numbers are those of docs/STUDY.md. The other centres are made up to show what a report must cope with: a
negative tau_b, a centre where everyone gave the same answer, one with a single record, and a name that is an attack.
"""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb

from laktasi.paths import WAREHOUSE_SQL
from laktasi.study import Pair, Roles, Study, Variable

HOSTILE = '<script>alert("x")</script> & "Sons"'
RUN = "20261121T120000Z-abcd"
FORM = "postpartum_visit"
METHOD = "smoothed score interval, cut to the attainable range"

LEVELS = {
    "age_group": ("under_20", "from_20_to_35", "over_35"),
    "gravida": ("primigravida", "multigravida"),
    "education": ("elementary", "junior_high", "senior_high", "college"),
    "massage": ("no", "yes"),
    "milk": ("not_enough", "enough", "good"),
}
LABELS = {
    "age_group": ("Umur", "Age"),
    "gravida": ("Gravida", "Gravida"),
    "education": ("Pendidikan", "Education"),
    "massage": ("Pijat oksitosin", "Oxytocin massage"),
    "milk": ("Produksi ASI", "Milk production"),
    "under_20": ("<20 tahun", "<20 years"),
    "from_20_to_35": ("20–35 tahun", "20–35 years"),
    "over_35": (">35 tahun", ">35 years"),
    "primigravida": ("Primigravida", "Primigravida"),
    "multigravida": ("Multigravida", "Multigravida"),
    "elementary": ("SD", "Elementary"),
    "junior_high": ("SMP", "Junior high"),
    "senior_high": ("SMA", "Senior high"),
    "college": ("Perguruan tinggi", "College"),
    "no": ("Belum dipijat", "Not yet"),
    "yes": ("Dipijat", "Performed"),
    "not_enough": ("Kurang", "Not enough"),
    "enough": ("Cukup", "Enough"),
    "good": ("Baik", "Good"),
}

STUDY = Study(
    name="example",
    title={"id": "Pijat dan ASI", "en": "Massage and milk"},
    form_id=FORM,
    roles=Roles(centre="visit/centre"),
    consent_value=None,
    include=None,
    variables={
        name: Variable(name, f"q/{name}", levels, dict(zip(("id", "en"), LABELS[name], strict=True)))
        for name, levels in LEVELS.items()
    },
    analyses=(Pair("massage", "milk"),),
    tables=("age_group", "gravida", "education", "massage", "milk"),
    citation="Rahayu F., Ilmiah W. S., Maulina R. (2025).",
    synthetic={"id": "DATA CONTOH: tidak ada orang nyata.", "en": "SYNTHETIC DATA: no real person."},
)


@dataclass(frozen=True)
class Centre:
    """One centre: what came in, and what the analysis said of its accepted records."""

    code: str
    name: str
    table: tuple[tuple[int, int, int], tuple[int, int, int]]
    """Accepted records by massage (no, yes) and milk (not enough, enough, good)."""
    tau: tuple[float, float, float] | None
    """tau_b and its interval."""
    p: float | None = None
    exact: float | None = None
    attainable: tuple[float, float] | None = None
    reason: str | None = None
    declined: int = 0
    aside: int = 0

    @property
    def n(self) -> int:
        """Accepted records."""
        return sum(map(sum, self.table))


CENTRES = (
    Centre(
        "7102010",
        "Mopuya",
        ((7, 4, 0), (0, 8, 6)),
        (0.698661601623117, 0.4612, 0.698661601623117),
        0.00030440426405303,
        0.00011105128550276,
        (-0.698661601623117, 0.698661601623117),
    ),
    Centre(
        "7102020", "Imandi", ((6, 9, 12), (11, 8, 4)), (-0.3211, -0.55, -0.05), 0.0123, None, (-0.9, 0.88), None, 3, 2
    ),
    Centre("7102030", HOSTILE, ((5, 5, 5), (5, 6, 5)), (0.0121, -0.31, 0.33), 0.9412, None, (-0.91, 0.9), None, 1, 1),
    Centre("7102040", "Sama Semua", ((0, 0, 0), (4, 5, 6)), None, reason="all gave the same exposure"),
    Centre("7102050", "Satu Saja", ((0, 0, 0), (0, 1, 0)), None, reason="only one record", aside=1),
    Centre("7102060", "Masa Depan", ((1, 1, 0), (0, 1, 1)), None, reason="a reason of tomorrow's version"),
)


def build_research(path: Path, *, with_study: bool = True, centres: Sequence[Centre] = CENTRES) -> Path:
    """Make a research copy.

    Parameters
    ----------
    path
        The file to make.
    with_study
        Without, it is a stranger's form: findings and a codebook, no marts or analyses.
    centres
        None at all makes a study that has no records yet.
    """
    # Row by row takes a second: each kind is made once.
    shutil.copyfile(_made(with_study, tuple(centres)), path)
    return path


@cache
def _made(with_study: bool, centres: tuple[Centre, ...]) -> Path:
    path = Path(mkdtemp(prefix="laktasi-report-")) / "research.duckdb"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'UTC'; begin; create schema meta")
        _migrate(connection)
        _insert(
            connection,
            "meta.runs",
            [
                {
                    "run_id": RUN,
                    "started_at": "2026-11-21 12:00:00+00",
                    "finished_at": "2026-11-21 12:14:00+00",
                    "status": "finished",
                    "laktasi_version": "0.1.0",
                    "code_version": "0123456789abcdef",
                    "staged": sum(centre.n + centre.aside + centre.declined for centre in centres),
                    "analysed_rows": sum(centre.n + centre.aside for centre in centres) if with_study else None,
                    "analysed_hash": "f00d" * 16 if with_study else None,
                }
            ],
        )
        _codebook(connection)
        if with_study:
            _study(connection, centres)
            _analysis(connection, centres)
        if centres:
            _submissions(connection, centres)
            _findings(connection)
        connection.execute("commit")
    return path


def _migrate(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create or replace table meta.migrations (number integer, name varchar, applied_at timestamptz)")
    for file in sorted((WAREHOUSE_SQL / "migrations").glob("*.sql")):
        connection.execute(file.read_text(encoding="utf-8"))


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        marks = ", ".join("?" for _ in row)
        names = ", ".join(f'"{name}"' for name in row)
        connection.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))


def _both(name: str) -> dict[str, str]:
    return dict(zip(("id", "en"), LABELS[name], strict=True))


def _codebook(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("alter table staging.codebook add column is_left_out boolean")  # as the research copy has it
    fields: tuple[tuple[str, str, str, dict[str, str], str | None], ...] = (
        ("visit__centre", "select_one", "quasi", {"id": "Puskesmas", "en": "Health centre"}, "centres"),
        ("mother__name", "text", "direct", {"id": "Nama ibu", "en": "Mother's name"}, None),
        ("massage__performed", "select_one", "none", {"id": f"Pijat? {HOSTILE}", "en": "Massage?"}, "yes_no"),
        ("visit__days", "integer", "none", {}, None),
    )
    _insert(
        connection,
        "staging.codebook",
        [
            {
                "form_id": FORM,
                "table_name": FORM,
                "column_name": column,
                "path": column.replace("__", "/"),
                "position": position,
                "type": kind,
                "privacy": privacy,
                "labels": labels,
                "list_name": list_name,
                "is_left_out": privacy == "direct",
                "versions": ["2026110101", "2026112001"],
            }
            for position, (column, kind, privacy, labels, list_name) in enumerate(fields, start=1)
        ],
    )
    choices = [("yes_no", value, _both(value)) for value in ("no", "yes")]
    choices += [("centres", f"71{number:05}", {"default": f"Puskesmas {number}"}) for number in range(40)]
    _insert(
        connection,
        "staging.choices",
        [
            {
                "form_id": FORM,
                "form_version": version,
                "list_name": list_name,
                "position": position,
                "value": value,
                "labels": labels if version == "2026112001" else {"id": "label lama"},
            }
            for version in ("2026110101", "2026112001")
            for position, (list_name, value, labels) in enumerate(choices, start=1)
        ],
    )
    _insert(
        connection,
        "quality.unverified",
        [{"form_id": FORM, "field": "visit/days", "kind": "constraint", "reason": "it depends on the day of filling"}],
    )


def _study(connection: duckdb.DuckDBPyConnection, centres: Sequence[Centre]) -> None:
    _insert(
        connection,
        "marts.variables",
        [
            {
                "variable": name,
                "position": position,
                "level": level,
                "level_rank": rank,
                "labels": _both(name),
                "level_labels": _both(level),
            }
            for position, (name, levels) in enumerate(LEVELS.items(), start=1)
            for rank, level in enumerate(levels, start=1)
        ],
    )
    listed = [*((centre.code, centre.name) for centre in centres), ("9999", "Tidak Mengirim")]
    _insert(connection, "marts.centres", [{"centre_code": code, "labels": {"id": name}} for code, name in listed])
    _insert(
        connection,
        "marts.arrivals",
        [
            {
                "centre_code": centre.code,
                "submissions": centre.n + centre.aside + centre.declined,
                "not_consented": centre.declined,
                "included": centre.n + centre.aside,
                "set_aside": centre.aside,
                "accepted": centre.n,
            }
            for centre in centres
        ],
    )


def _analysis(connection: duckdb.DuckDBPyConnection, centres: Sequence[Centre]) -> None:
    pair = {"run_id": RUN, "exposure": "massage", "outcome": "milk"}
    for population in ("all", "accepted"):
        for centre in centres:
            tau, low, high = centre.tau or (None, None, None)
            smallest, largest = centre.attainable or (None, None)
            at = pair | {"centre_code": centre.code, "population": population}
            result = {"n": centre.n, "tau_b": tau, "p_value": centre.p, "p_exact": centre.exact, "ci_low": low}
            limits = {"ci_high": high, "tau_b_min": smallest, "tau_b_max": largest, "reason": centre.reason}
            method = METHOD if centre.tau else None
            _insert(connection, "analysis.kendall", [at | result | limits | {"ci_method": method}])
            _insert(
                connection,
                "analysis.contingency",
                [
                    at | {"exposure_rank": row, "outcome_rank": column, "n": n}
                    for row, counts in enumerate(centre.table, start=1)
                    for column, n in enumerate(counts, start=1)
                ],
            )
        _frequencies(connection, centres, population)
        if not centres:
            continue
        n = sum(centre.n for centre in centres)
        common = pair | {"population": population, "n": n, "centres": len(centres), "ci_method": METHOD}
        stratified = {"method": "stratified", "centres_used": 4, "tau_b": 0.1502, "ci_low": 0.021, "ci_high": 0.273}
        test = {"p_value": 0.0229, "q": 21.33, "q_df": 3, "q_p_value": 0.00009, "i2": 0.859}
        naive = {"method": "naive", "tau_b": 0.2087, "ci_low": 0.05, "ci_high": 0.35, "p_value": 0.0101}
        _insert(connection, "analysis.pooled", [common | stratified | test, common | naive])


def _frequencies(connection: duckdb.DuckDBPyConnection, centres: Sequence[Centre], population: str) -> None:
    counted: dict[tuple[str | None, str], list[int]] = {}
    for centre in centres:
        eighth = centre.n // 8
        counts = {
            "age_group": [eighth, centre.n - 2 * eighth, eighth],
            "gravida": [eighth, centre.n - eighth],
            "education": [eighth, eighth, centre.n - 2 * eighth, 0],
            "massage": [sum(row) for row in centre.table],
        }
        if centre.name == "Mopuya":
            counts |= {"age_group": [3, 20, 2], "gravida": [11, 14], "education": [2, 8, 12, 3]}  # Tables 1 to 3
        counts["milk"] = [sum(column) for column in zip(*centre.table, strict=True)]
        for code in (centre.code, None):
            for variable, found in counts.items():
                so_far = counted.setdefault((code, variable), [0] * len(found))
                counted[code, variable] = [a + b for a, b in zip(so_far, found, strict=True)]
    _insert(
        connection,
        "analysis.frequencies",
        [
            {
                "run_id": RUN,
                "centre_code": code,
                "population": population,
                "variable": variable,
                "level": LEVELS[variable][rank - 1],
                "level_rank": rank,
                "n": n,
                "percent": 100 * n / sum(found) if sum(found) else None,
            }
            for (code, variable), found in counted.items()
            for rank, n in enumerate(found, start=1)
        ],
    )


def _submissions(connection: duckdb.DuckDBPyConnection, centres: Sequence[Centre]) -> None:
    for centre in centres:
        for number in range(centre.n + centre.aside + centre.declined):
            name = {"form_id": FORM, "submission_id": f"uuid:{centre.code}-{number:03}"}
            fact = {"instance_id": name["submission_id"], "form_version": "2026112001", "payload_sha256": "0" * 64}
            rest = {"state": "staged", "version_count": 1, "first_landed_at": "2026-11-20 08:05:00+00"}
            _insert(connection, "staging.submissions", [name | fact | rest | {"status": "finalised"}])
            mart = {"status": "finalised", "centre_code": centre.code, "is_included": True, "is_accepted": True}
            counts = {"open_errors": 0, "open_warnings": 0}
            _insert(connection, "marts.submissions", [name | mart | counts])


def _findings(connection: duckdb.DuckDBPyConnection) -> None:
    rules = (
        ("mother__age.constraint", "error", {"id": "Umur di luar batas.", "en": "The age is out of range."}),
        ("duplicate_mother", "error", {"id": "Kode ibu sudah ada.", "en": f"Seen before {HOSTILE}"}),
        ("visit__comment.required", "warning", {"id": "Catatan kosong.", "en": "The comment is empty."}),
    )
    events = (("mother__age.constraint", 0), ("mother__age.constraint", 1), ("duplicate_mother", 0))
    for rule_id, severity, messages in rules:
        rule = {"form_id": FORM, "form_version": "2026112001", "rule_id": rule_id, "kind": "declared"}
        _insert(connection, "quality.rules", [rule | {"severity": severity, "messages": messages}])
    for rule_id, number in (*events, ("visit__comment.required", 2), ("visit__comment.required", 3)):
        event = {"finding_id": f"{rule_id}-{number}", "run_id": RUN, "at": "2026-11-21 12:10:00+00", "row": ""}
        of = {"form_id": FORM, "submission_id": f"uuid:7102020-{number:03}", "rule_id": rule_id}
        of["centre_code"] = "7102020"
        _insert(connection, "quality.finding_events", [event | of | {"event": "opened"}])
        if number == 3:
            _insert(
                connection, "quality.finding_events", [event | of | {"event": "mended", "at": "2026-11-21 12:11:00+00"}]
            )
