"""Published numbers and numbers from software that is not ours; tests/golden/README.md says where each comes from."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from laktasi.analysis.exact import exact_p_values
from laktasi.analysis.kendall import KendallResults, kendall

# Rahayu, Ilmiah and Maulina (2025), tables 4 and 5, and the joint table that they and table 6 leave as the only one.
# Rows: no massage, massage. Columns: not enough, enough, good.
MOPUYA = np.array([[[7, 4, 0], [0, 8, 6]]])
MASSAGE, MILK = (11, 14), (7, 12, 6)


def of_records(x: list[float], y: list[float]) -> tuple[KendallResults, float]:
    """Tabulate two lists of measurements and return their results and exact p."""
    table = np.zeros((1, len(set(x)), len(set(y))), dtype=np.int64)
    for a, b in zip(x, y, strict=True):
        table[0, sorted(set(x)).index(a), sorted(set(y)).index(b)] += 1
    return kendall(table), float(exact_p_values(table)[0])


def published_margins() -> NDArray[np.int64]:
    """Return every table with the published margins of massage and milk production."""
    tables = [
        [first, [total - taken for total, taken in zip(MILK, first, strict=True)]]
        for first in itertools.product(*(range(total + 1) for total in MILK))
        if sum(first) == MASSAGE[0]
    ]
    return np.array(tables)


def test_mopuya() -> None:
    result = kendall(MOPUYA)
    assert result.n[0] == 25
    assert result.tau_b[0] == pytest.approx(0.698661601623117, abs=1e-15)
    assert f"{result.tau_b[0]:.3f}" == "0.699"  # table 6 prints .699
    assert result.p_value[0] == pytest.approx(0.00030440426405303, abs=1e-15)
    assert f"{result.z[0]:.4f}" == "3.6115"
    assert exact_p_values(MOPUYA)[0] == pytest.approx(0.00011105128550276, abs=1e-16)


def test_mopuya_is_at_its_ceiling() -> None:
    result = kendall(MOPUYA)
    assert result.tau_b_max[0] == result.tau_b[0]
    assert result.ci_high[0] == result.tau_b_max[0]
    assert result.tau_b_min[0] < 0 < result.ci_low[0]


def test_plain_wald_interval_passes_the_ceiling() -> None:
    result = kendall(MOPUYA)
    low, high = (result.tau_b[0] + sign * 1.959963984540054 * result.ase1[0] for sign in (-1, 1))
    assert (f"{low:.3f}", f"{high:.3f}") == ("0.572", "0.826")
    assert high > result.tau_b_max[0]


def test_of_all_tables_with_the_published_margins_one_has_the_published_tau_b() -> None:
    tables = published_margins()
    assert len(tables) == 53
    printed = [f"{tau:.3f}" for tau in kendall(tables).tau_b]
    assert printed.count("0.699") == 1
    np.testing.assert_array_equal(tables[printed.index("0.699")], MOPUYA[0])


def test_ties_as_r_counts_them() -> None:
    """R: ``cor.test(c(12,2,1,12,2), c(1,4,7,1,0), method="kendall", exact=FALSE)``."""
    result, _ = of_records([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])
    assert result.tau_b[0] == pytest.approx(-0.47140452079103173, abs=1e-14)
    assert result.p_value[0] == pytest.approx(0.28274545993277478, abs=1e-14)


@pytest.mark.parametrize(
    ("x", "y", "tau", "p"),
    [
        # Hollander and Wolfe (1973), p. 187, as in R's help of cor.test
        (
            [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1],
            [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8],
            0.4444444444444445,
            0.1194389329806,
        ),
        ([5, 2, 1, 3, 6, 4, 7], [5, 2, 6, 3, 1, 7, 4], -0.14285714286, 0.77261904762),
        ([1, 2, 3, 4, 5], [1, 5, 4, 2, 3], 0, 1),
        ([1, 2, 3, 4], [1, 2, 4, 3], 0.6666666666666667, 0.3333333333333),
        ([1, 2], [3, 4], 1, 1),
    ],
)
def test_exact_p_without_ties_as_r_computes_it(x: list[float], y: list[float], tau: float, p: float) -> None:
    """R: ``cor.test(x, y, method="kendall", exact=TRUE)``."""
    result, exact = of_records(x, y)
    assert result.tau_b[0] == pytest.approx(tau, abs=1e-10)
    assert exact == pytest.approx(p, abs=1e-10)
    assert math.isfinite(result.p_value[0])
