"""All results of single tables in one: each from where it belongs, each gap with its reason, none leaning on others."""

import math

import numpy as np
import pytest

from laktasi.analysis.exact import conditional_p
from laktasi.analysis.kendall import kendall
from laktasi.analysis.multiplicity import benjamini_hochberg, holm
from laktasi.analysis.tables import analyse_tables
from laktasi.paths import WAREHOUSE_SQL

MOPUYA = [[7, 4, 0], [0, 8, 6]]
STACK = np.array(
    [
        MOPUYA,
        [[5, 9, 1], [0, 8, 3]],
        [[0, 0, 0], [0, 6, 6]],
        [[0, 0, 0], [0, 0, 0]],
        [[0, 6, 0], [0, 4, 0]],
        [[1, 0, 0], [0, 0, 0]],
        [[3, 0, 0], [0, 0, 0]],
        [[5, 0, 0], [0, 0, 5]],
    ]
)


def test_each_column_comes_from_where_it_belongs() -> None:
    found, tau, conditional = analyse_tables(STACK), kendall(STACK), conditional_p(STACK)
    for name in ("n", "s", "tau_b", "z", "p_value", "ase1", "ci_low", "ci_high", "tau_b_min", "tau_b_max"):
        np.testing.assert_array_equal(found[name], getattr(tau, name))
    np.testing.assert_array_equal(found["p_exact"], conditional.p)
    np.testing.assert_array_equal(found["p_exact_method"], conditional.method)
    np.testing.assert_array_equal(found["p_holm"], holm(conditional.p))
    np.testing.assert_array_equal(found["p_bh"], benjamini_hochberg(conditional.p))
    assert {len(column) for column in found.values()} == {len(STACK)}


def test_mopuyas_measures_stand_in_their_own_columns() -> None:
    """Values of PSPP's CROSSTABS (tests/golden), and fractions counted by hand from the pairs."""
    found = {name: column[0] for name, column in analyse_tables(STACK).items()}
    expected = {
        "tau_c": 0.7808,
        "gamma": 1.0,
        "somers_d_yx": 61 / 77,
        "somers_d_xy": 61 / 99,
        "ase1": 0.06485302439070051,
        "tau_c_ase1": 0.10170967308963294,
        "gamma_ase1": 0.0,
        "somers_d_yx_ase1": 0.09582405593056326,
        "somers_d_xy_ase1": 0.04698973723079346,
        "approx_t": 7.6767526261923,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_p_is_corrected_for_the_tables_that_have_one() -> None:
    """Three have: the second of them by p = 2/252 (five against five), the third above .02."""
    found = analyse_tables(STACK)
    mopuya, perfect = 0.00011105128550276, 2 / 252
    assert found["p_exact"][1] > 0.02
    assert found["p_holm"][[0, 7]] == pytest.approx([3 * mopuya, 2 * perfect])
    assert found["p_bh"][[0, 7]] == pytest.approx([3 * mopuya, 3 / 2 * perfect])


def test_each_gap_has_its_reason_in_words() -> None:
    found = analyse_tables(STACK)
    assert list(found["reason"]) == [
        None,
        None,
        "all gave the same exposure",
        "no records",
        "all gave the same outcome",
        "only one record",
        "all gave the same exposure and the same outcome",
        "every record agrees with as many others as any other does: ase0 is 0, so there is no approx_t",
    ]
    for index, reason in enumerate(found["reason"]):
        gaps = {
            name
            for name, column in found.items()
            if name != "reason" and (column[index] is None or (column.dtype.kind == "f" and math.isnan(column[index])))
        }
        if reason is None:
            assert gaps == set()
        elif "approx_t" in reason:
            assert gaps == {"approx_t", "approx_p"}
        else:
            assert gaps == set(found) - {"n", "s", "reason"}


def test_more_records_than_can_be_sampled_say_so() -> None:
    large = np.array([[[400_000_000, 1, 0], [0, 400_000_001, 5], [1, 0, 400_000_000]]])
    found = analyse_tables(large)
    assert list(found["reason"]) == [
        "more than 999,999,999 records: arrangements are not sampled, so there is no p_exact"
    ]
    assert math.isnan(found["p_exact"][0])
    assert found["p_holm"][0] == found["p_value"][0]
    said = analyse_tables(np.array([600_000_000 * np.eye(2, dtype=np.int64)]))["reason"][0]
    assert said.startswith("every record agrees")
    assert said.endswith("; more than 999,999,999 records: arrangements are not sampled, so there is no p_exact")


def test_a_tables_row_does_not_depend_on_the_others_but_for_their_number() -> None:
    together = analyse_tables(STACK)
    for index in range(len(STACK)):
        alone = analyse_tables(STACK[index : index + 1])
        for name in alone.keys() - {"p_holm", "p_bh"}:
            np.testing.assert_array_equal(together[name][index], alone[name][0], err_msg=name)


def test_columns_are_those_of_the_warehouse() -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in sorted((WAREHOUSE_SQL / "migrations").glob("*.sql")))
    for name in analyse_tables(STACK):
        assert f"comment on column analysis.kendall.{name} is" in said


def test_no_tables_are_no_rows() -> None:
    assert {len(column) for column in analyse_tables(np.zeros((0, 2, 3), dtype=np.int64)).values()} == {0}


def test_draws_and_seed_reach_the_sample() -> None:
    large = np.full((1, 4, 4), 9) + 9 * np.eye(4, dtype=np.int64)
    first = analyse_tables(large, draws=2000, seed=1)
    assert first["p_exact_method"][0] == "Monte Carlo, 2000 draws"
    assert first["p_exact"][0] != analyse_tables(large, draws=2000, seed=2)["p_exact"][0]
    assert first["p_exact"][0] == analyse_tables(large, draws=2000, seed=1)["p_exact"][0]
    assert first["p_holm"][0] == pytest.approx(first["p_exact"][0])
