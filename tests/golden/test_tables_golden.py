"""Every statistic of single tables against PSPP's CROSSTABS and R's base; README.md says how their files were made."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import somersd

from laktasi.analysis.measures import Measure, measures
from laktasi.analysis.multiplicity import benjamini_hochberg, holm
from laktasi.analysis.pairs import count_pairs
from laktasi.analysis.tables import analyse_tables

HERE = Path(__file__).parent
PSPP_NAMES = {
    "Kendall's tau-b": "tau_b",
    "Kendall's tau-c": "tau_c",
    "Gamma": "gamma",
    "x Dependent": "somers_d_xy",
    "y Dependent": "somers_d_yx",
}
PRINTED = 1e-14  # PSPP printed 15 decimals


def given() -> dict[str, NDArray[np.int64]]:
    with (HERE / "tables.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    tables = {}
    for name in dict.fromkeys(line["stratum"] for line in lines):
        cells = {(int(at["x"]), int(at["y"])): int(at["count"]) for at in lines if at["stratum"] == name}
        shape = max(x for x, _ in cells), max(y for _, y in cells)
        tables[name] = np.array([[cells[i + 1, j + 1] for j in range(shape[1])] for i in range(shape[0])])
    return tables


def printed_by_pspp() -> dict[str, dict[str, list[float]]]:
    """Give value, ASE1 and approximate T of each measure of each table, as far as PSPP printed them."""
    found: dict[str, dict[str, list[float]]] = {}
    stratum = ""
    with (HERE / "tables.pspp.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            if row[:1] == ["stratum"]:
                stratum = row[1]
            place = next((at for at, cell in enumerate(row) if cell in PSPP_NAMES), None)
            if place is not None:
                numbers = [float(cell) for cell in row[place + 1 : place + 4]]
                found.setdefault(stratum, {})[PSPP_NAMES[row[place]]] = numbers
    return found


TABLES, PSPP = given(), printed_by_pspp()
R: dict[str, Any] = json.loads((HERE / "tables.json").read_text(encoding="utf-8"))


def test_both_programs_saw_all_tables() -> None:
    assert set(TABLES) == set(PSPP) == set(R["tables"])
    assert all(set(of_table) == set(PSPP_NAMES.values()) for of_table in PSPP.values())


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("measure", PSPP_NAMES.values())
def test_measures_and_standard_errors_as_pspp_prints_them(name: str, measure: str) -> None:
    value, ase1, approx_t = PSPP[name][measure]
    ours = measures(count_pairs(TABLES[name][None]))
    one: Measure = getattr(ours, measure)
    assert one.value[0] == pytest.approx(value, abs=PRINTED)
    assert one.ase1[0] == pytest.approx(ase1, abs=PRINTED)
    # PSPP divides each measure by its own ASE0: that all give one T is what makes ours right for each.
    assert one.value[0] / one.ase0[0] == pytest.approx(approx_t, abs=1e-12)
    assert ours.approx_t[0] == pytest.approx(approx_t, abs=1e-12)


@pytest.mark.parametrize("name", TABLES)
def test_z_and_p_as_r_computes_them(name: str) -> None:
    ours = analyse_tables(TABLES[name][None])
    for column, value in R["tables"][name].items():
        assert ours[column][0] == pytest.approx(value, rel=1e-11, abs=1e-14), column


def test_corrections_for_many_tests_as_r_makes_them() -> None:
    p = np.array([R["tables"][name]["p_value"] for name in TABLES])
    np.testing.assert_allclose(holm(p), [R["p_holm"][name] for name in TABLES], rtol=1e-13)
    np.testing.assert_allclose(benjamini_hochberg(p), [R["p_bh"][name] for name in TABLES], rtol=1e-13)


def test_mopuya_has_two_tests_under_one_name() -> None:
    """z of SPSS's nonparametric correlations, and the approximate T of its CROSSTABS."""
    ours = analyse_tables(TABLES["mopuya"][None])
    assert f"{ours['z'][0]:.4f}" == "3.6115"
    assert f"{ours['approx_t'][0]:.3f}" == "7.677"
    assert ours["p_value"][0] == pytest.approx(0.00030440426405303, abs=1e-15)
    assert ours["approx_p"][0] < 1e-13


@pytest.mark.parametrize("name", TABLES)
def test_somers_d_as_scipy_computes_it(name: str) -> None:
    """Its p is that of the approximate T, not that of z as in kendalltau."""
    levels = [TABLES[name].any(axis=axis) for axis in (1, 0)]
    table = TABLES[name][np.ix_(*levels)]  # scipy does not take an empty level
    ours, theirs = measures(count_pairs(table[None])), somersd(table)
    assert ours.somers_d_yx.value[0] == pytest.approx(theirs.statistic, abs=1e-14)
    assert ours.approx_p[0] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert ours.somers_d_xy.value[0] == pytest.approx(somersd(table.T).statistic, abs=1e-14)
