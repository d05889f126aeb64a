"""Rows of the results beyond single tables, for the tests of the report: plausible numbers, easy to tell apart."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tests.report_fixture import CENTRES, RUN

PAIR = {"run_id": RUN, "exposure": "massage", "outcome": "milk", "population": "accepted"}
BEFORE = "20261114T120000Z-0000"


def add_results(research: Path) -> Path:
    """Fill the tables of results of a research copy that :func:`tests.report_fixture.build_research` made."""
    with duckdb.connect(str(research)) as con:
        mean = {
            "method": "Paule-Mandel, Hartung-Knapp", "centres": 6, "centres_used": 3,
            "left_out": '{"same_exposure": 1, "one_record": 1, "code_of_tomorrow": 1}', "n": 106,
            "tau_b": 0.1312, "se": 0.29, "df": 2, "t": 0.45, "p_value": 0.6911, "ci_low": -0.6111, "ci_high": 0.8222,
            "ci_level": 0.95, "pi_low": -0.9333, "pi_high": 0.9444, "tau2": 0.2555, "tau2_low": 0.0666,
            "tau2_high": 0.9777, "i2": 0.9062, "q": 21.3, "q_df": 2, "q_p_value": 0.00002,
            "small_study_slope": 1.23, "small_study_se": 0.4, "small_study_p": 0.0321,
        }  # fmt: skip
        for population in ("accepted", "all"):
            _put(con, "analysis.random_effects", PAIR | mean | {"population": population})
        for centre, tau in zip(CENTRES[:3], (-0.1555, 0.3456, 0.1888), strict=True):
            row = {"centre_code": centre.code, "tau_b": tau, "ci_low": tau - 0.5, "ci_high": tau + 0.5, "i2": 0.5}
            _put(con, "analysis.leave_one_out", PAIR | row)
        _put(con, "analysis.leave_one_out", PAIR | {"centre_code": CENTRES[3].code, "tau_b": float("nan")})
        held = {"covariate": "age_group", "method": "stratified", "n": 120, "strata": 9, "p_value": 0.0313}
        _put(con, "analysis.adjusted", PAIR | held | {"tau_b": 0.1414, "ci_low": 0.0101, "ci_high": 0.2626})
        _put(
            con,
            "analysis.adjusted",
            PAIR | held | {"covariate": "gravida", "reason": "all are alike in the variable held equal"},
        )
        _put(con, "analysis.adjusted", PAIR | held | {"centre_code": CENTRES[0].code, "tau_b": 0.6161})
        change: dict[str, Any] = {
            "run_id": RUN, "measure": "hormone", "unit": "pg_ml", "population": "accepted", "n": 31, "n_changed": 30,
            "median_before": 12.25, "median_after": 19.5, "estimate": 7.125, "ci_low": 5.5, "ci_high": 8.75,
            "p_value": 0.0002, "p_method": "exact, over all signs of the ranks",
        }  # fmt: skip
        _put(con, "analysis.paired", change)
        here: dict[str, Any] = {
            "centre_code": CENTRES[0].code,
            "n": 8,
            "estimate": 6.75,
            "ci_low": 4.25,
            "ci_high": 9.5,
        }
        _put(con, "analysis.paired", change | here)
        few: dict[str, Any] = {"centre_code": CENTRES[1].code, "n": 3, "reason": "fewer than 6 pairs", "estimate": None}
        _put(con, "analysis.paired", change | few)
        for month, found in ((9, 0.1717), (10, None), (11, 0.2727)):
            period = {"period": date(2026, month, 1), "unit": "month", "n": 40 + month, "centres": 4, "tau_b": found}
            ends = {"ci_low": found - 0.2, "ci_high": found + 0.2} if found else {"reason": "no records"}
            _put(con, "analysis.trend", PAIR | period | ends)
        plan = {"alpha": 0.05, "power": 0.8}
        _put(
            con,
            "analysis.next_round",
            PAIR | plan | {"basis": "estimate", "tau_b": 0.1502, "n": 317, "half_width": 0.1},
        )
        none = "the interval holds 0: no number of records is enough for all that it allows"
        _put(con, "analysis.next_round", PAIR | plan | {"basis": "nearer limit", "reason": none})
        for centre, latitude, longitude in zip(
            CENTRES[:4], (0.7, 0.55, -0.2, 0.9), (124.1, 123.9, 124.4, 123.5), strict=True
        ):
            place = {"centre_code": centre.code, "latitude": latitude, "longitude": longitude, "n": centre.n}
            _put(con, "marts.centre_positions", place)
        con.execute("update analysis.kendall set p_holm = least(1, 3 * p_exact)")
        con.execute("update meta.runs set compared_with = ?", [BEFORE])
        _put(con, "meta.changes", {"run_id": RUN, "change": "new", "cause": "new submission", "n": 17})
        _put(con, "meta.changes", {"run_id": RUN, "change": "changed", "cause": "decision", "n": 2})
        moved = {"result": "stratified", "n_before": 107, "n": 126, "tau_b_before": 0.1717, "tau_b": 0.1502}
        _put(con, "meta.result_changes", PAIR | moved)
    return research


def _put(con: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" for _ in row)
    con.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))
