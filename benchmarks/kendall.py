"""How long Kendall's tau_b takes for 1,000,000 records in 10,000 health centres, beside its peers.

Run ``python benchmarks/kendall.py``. Records are synthetic. Times depend on the machine: read the ratios.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau

from laktasi.analysis.exact import MAX_N, exact_p_values
from laktasi.analysis.kendall import KendallResults, kendall
from laktasi.analysis.pooled import stratified

ROWS, CENTRES = 1_000_000, 10_000
EXPOSURE_LEVELS, OUTCOME_LEVELS = 2, 3
RUNS = 9
SCIPY_RUNS = 3  # some seconds each

CELLS = [(i, j) for i in range(1, EXPOSURE_LEVELS + 1) for j in range(1, OUTCOME_LEVELS + 1)]
# As laktasi.store.results counts, from a table ordered as marts.analysed is.
COUNTING = f"""
select centre_code,
    {", ".join(f"coalesce(count_if(massage = {i} and milk = {j}), 0)::bigint as n_{i}_{j}" for i, j in CELLS)}
from analysed group by centre_code order by centre_code
"""


def synthetic(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``analysed``: centres of some 10 to 190 records, and an association that differs by centre."""
    rng = np.random.default_rng(20260301)
    weight = rng.uniform(0.1, 1.9, CENTRES)
    centre = rng.choice(CENTRES, ROWS, p=weight / weight.sum())  # in no order, as submissions arrive
    latent = rng.standard_normal(ROWS)
    strength = rng.uniform(0, 1, CENTRES)[centre]
    milk = np.digitize(strength * latent + rng.standard_normal(ROWS), (-0.8, 0.8)) + 1
    records = pd.DataFrame({"centre": centre, "massage": (latent > -0.15) + 1, "milk": milk})
    connection.register("records", records)
    connection.execute(
        """create table analysed as
        select 'C' || lpad(centre::varchar, 5, '0') as centre_code, massage::integer as massage, milk::integer as milk
        from records order by centre_code"""
    )


def counts(connection: duckdb.DuckDBPyConnection) -> NDArray[np.int64]:
    """Run the counting query and return one table per centre."""
    columns = connection.execute(COUNTING).fetchnumpy()
    cells = np.stack([columns[f"n_{i}_{j}"] for i, j in CELLS])
    return np.moveaxis(cells.reshape(EXPOSURE_LEVELS, OUTCOME_LEVELS, -1), 2, 0)


def count_and_analyse(connection: duckdb.DuckDBPyConnection) -> KendallResults:
    """Do everything from the records to tau_b, z, p and interval of every centre."""
    return kendall(counts(connection))


def by_scipy(records: pd.DataFrame) -> pd.DataFrame:
    """Compute tau_b and p of every centre with scipy, group by group."""
    results = {
        code: kendalltau(group["massage"], group["milk"], method="asymptotic")
        for code, group in records.groupby("centre_code")
    }
    return pd.DataFrame({code: (r.statistic, r.pvalue) for code, r in results.items()}, index=["tau_b", "p_value"]).T


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Return the median time of several runs, after one that warms up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure, and print medians and ratios."""
    connection = duckdb.connect()
    synthetic(connection)
    records = connection.execute("select * from analysed").df()
    tables = counts(connection)
    small = tables[tables.sum(axis=(1, 2)) <= MAX_N]

    counting = median_seconds(lambda: counts(connection), RUNS)
    statistics_only = median_seconds(lambda: kendall(tables), RUNS)
    whole = median_seconds(lambda: count_and_analyse(connection), RUNS)
    peer = median_seconds(lambda: by_scipy(records), SCIPY_RUNS)
    exact = median_seconds(lambda: exact_p_values(small), RUNS)
    pooled = median_seconds(lambda: stratified(tables), RUNS)

    ours, theirs = kendall(tables), by_scipy(records)  # both in the order of the centres' codes
    apart = max(
        float(np.nanmax(np.abs(ours.tau_b - theirs["tau_b"].to_numpy()))),
        float(np.nanmax(np.abs(ours.p_value - theirs["p_value"].to_numpy()))),
    )

    def line(what: str, seconds: float, remark: str = "") -> None:
        print(f"  {what:<50}{seconds * 1e3:9.1f} ms   {remark}".rstrip())

    print(f"Kendall's tau_b: {len(records):,} records, {len(tables):,} centres; medians of {RUNS} runs")
    line("counting query alone", counting)
    line("tau_b, z, p, range and interval from the counts", statistics_only)
    line("both, from records to results", whole, f"{whole / counting:.2f} times the counting query")
    line(f"pandas groupby of scipy's kendalltau, {SCIPY_RUNS} runs", peer, f"{peer / whole:.0f} times ours")
    line(f"exact p of the {len(small):,} centres with n <= {MAX_N}", exact)
    line("pooled within centres, with heterogeneity", pooled)
    print(f"  largest difference from scipy in tau_b or p: {apart:.0e}")


if __name__ == "__main__":
    main()
