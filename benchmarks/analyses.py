"""How long each part of the analysis takes for 1,000,000 records in 10,000 health centres, beside a peer of its own.

Run ``python -m benchmarks.analyses``. Counts are made once, from the synthetic records of `benchmarks.kendall`. A peer
that would take too long has a sample of the tables, and its time is scaled to all of them; that is said beside it.
Every peer's results are compared with ours. Times depend on the machine: read the ratios.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from scipy import stats

from benchmarks.kendall import CELLS, CENTRES, ROWS, counts, synthetic
from benchmarks.peers import (
    SEED,
    Tables,
    by_arrangements,
    by_formula,
    by_permutation,
    by_random_tables,
    by_scipy,
    changes_by_scipy,
    in_r,
    partial_by_scipy,
    within_by_loop,
)
from benchmarks.pipeline import peak_memory
from laktasi.analysis.adjusted import partial_tau, stratified_tau
from laktasi.analysis.exact import DRAWS, conditional_p
from laktasi.analysis.kendall import kendall
from laktasi.analysis.measures import measures
from laktasi.analysis.multiplicity import benjamini_hochberg, holm
from laktasi.analysis.paired import before_after, before_after_in_groups
from laktasi.analysis.pairs import count_pairs
from laktasi.analysis.pooled import naive, stratified
from laktasi.analysis.power import next_round
from laktasi.analysis.random_effects import leave_one_out, random_effects
from laktasi.analysis.tables import analyse_tables

RUNS = 5
LONG = 10.0
"""Seconds after which a run is not repeated any more."""
SAMPLE = 200
"""Tables that a slow peer is given."""
LARGE_TABLES = 100
"""4 × 4 tables of some 200 records: too many arrangements to count."""
PER_CENTRE = 20
"""Women of a centre who were measured before and after."""
TOGETHER = 4_000
"""Women whose changes still fit into memory two by two."""
IN_R = 1_000
"""Centres that metafor is given: it works with matrices of centres × centres."""
NEAR = 1e-9


@dataclass(frozen=True)
class Peer:
    """Somebody else's way to the same numbers."""

    what: str
    work: Callable[[], Any]
    times: float = 1.0
    """How many times larger the whole is than what this peer is given."""
    apart: Callable[[Any, Any], float] | None = None
    """The largest difference between our results and the peer's."""


@dataclass(frozen=True)
class Part:
    """One part of the analysis."""

    what: str
    work: Callable[[], Any]
    peers: tuple[Peer, ...] = ()
    tenfold: Callable[[], Any] | None = None
    """The same with ten times the records in as many centres."""


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median time of some runs, of fewer where they are long, and what the last gave."""
    times: list[float] = []
    found = None
    while len(times) < RUNS and sum(times) < LONG:
        start = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - start)
    return statistics.median(times), found


def peak_of(work: Callable[[], Any]) -> float:
    """Return how much memory a run takes beyond what it is given, in MiB."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def apart(ours: Any, theirs: Any) -> float:
    """Return the largest difference; where both have no number they agree."""
    one, two = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if not np.array_equal(np.isnan(one), np.isnan(two)):
        return np.inf
    return float(np.nanmax(np.abs(one - two))) if one.size else 0.0


def parts(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """Yield every part; the tables are counted before."""
    yield counting(connection)
    rng = np.random.default_rng(SEED)
    tables = counts(connection)
    yield from single_tables(tables, tables[rng.choice(len(tables), SAMPLE, replace=False)])
    yield sampled(rng)
    yield from across_centres(tables)
    yield from held_equal(rng.multinomial(tables, (0.12, 0.8, 0.08)).astype(np.int64))
    yield from changes(rng, len(tables))
    mean = stratified(tables)
    yield Part("the next round", lambda: next_round(tables.sum(axis=0), mean.tau_b, mean.ci_low, mean.ci_high))
    yield Part("all of single tables (analyse_tables)", lambda: analyse_tables(tables))


def counting(connection: duckdb.DuckDBPyConnection) -> Part:
    """Count the records of each centre."""
    records = connection.execute("select * from analysed").df()

    def counted_by_pandas() -> Tables:
        sizes = records.groupby(["centre_code", "massage", "milk"]).size().unstack(["massage", "milk"], fill_value=0)
        return np.asarray(sizes[CELLS], dtype=np.int64)

    return Part(
        "counting, from the records",
        lambda: counts(connection),
        (Peer("pandas groupby", counted_by_pandas, 1, lambda ours, found: apart(ours.reshape(found.shape), found)),),
    )


def single_tables(tables: Tables, some: Tables) -> Iterator[Part]:
    """Yield what is computed of each centre by itself; a slow peer is given `some` of the centres."""
    pairs, pairs_of_some, tenfold = count_pairs(tables), count_pairs(some), tables * 10
    scale = len(tables) / SAMPLE
    yield Part(
        "tau_b, z, p, range, interval",
        lambda: kendall(tables),
        (
            Peer(
                f"scipy's kendalltau, {SAMPLE} centres",
                lambda: by_scipy(some),
                scale,
                lambda _, found: apart(np.stack([(own := kendall(some)).tau_b, own.p_value], axis=1), found),
            ),
        ),
        lambda: kendall(tenfold),
    )

    def measures_apart(_: Any, found: list[tuple[float, ...]]) -> float:
        own = measures(pairs_of_some)
        tau, gamma, d = own.tau_b, own.gamma, own.somers_d_yx
        told = (tau.value, tau.ase1, tau.ase0, gamma.value, gamma.ase1, d.value, d.ase1, d.ase0)
        return apart(np.stack(told, axis=1), found)

    yield Part(
        "five measures, ase1, ase0, intervals",
        lambda: measures(pairs),
        (
            Peer(
                f"formulae of three, cell by cell, no interval, {SAMPLE} centres",
                lambda: [by_formula(table) for table in some],
                scale,
                measures_apart,
            ),
        ),
        lambda: measures(count_pairs(tenfold)),
    )
    yield Part(
        "exact p of all centres",
        lambda: conditional_p(tables),
        (
            Peer(
                f"all arrangements listed, scipy's chances, {SAMPLE} centres",
                lambda: [by_arrangements(table) for table in some],
                scale,
                lambda _, found: apart(conditional_p(some).p, found),
            ),
        ),
        lambda: conditional_p(tenfold),
    )
    p = conditional_p(tables).p
    yield Part("Holm", lambda: holm(p))
    yield Part(
        "Benjamini and Hochberg",
        lambda: benjamini_hochberg(p),
        (
            Peer(
                "scipy's false_discovery_control",
                lambda: stats.false_discovery_control(p[~np.isnan(p)]),
                1,
                lambda ours, found: apart(ours[~np.isnan(p)], found),
            ),
        ),
    )


def sampled(rng: np.random.Generator) -> Part:
    """Sample arrangements of tables that have too many of them."""
    latent = rng.standard_normal((LARGE_TABLES, 200))
    answers = np.digitize(latent + rng.standard_normal(latent.shape), (-0.8, 0, 0.8))
    levels = np.digitize(0.1 * latent + rng.standard_normal(latent.shape), (-0.8, 0, 0.8))
    large = np.stack([
        np.histogram2d(x, y, bins=(4, 4), range=((0, 4), (0, 4)))[0].astype(np.int64)
        for x, y in zip(answers, levels, strict=True)
    ])  # fmt: skip

    def within_error(ours: Any, found: list[float]) -> float:
        """Hold the difference against its own error: six of them is nothing to look for."""
        error = np.sqrt(2) * np.maximum(ours.error[: len(found)], 1 / DRAWS)
        return 0.0 if np.all(np.abs(ours.p[: len(found)] - found) < 6 * error) else np.inf

    return Part(
        f"Monte Carlo p of {LARGE_TABLES} tables of 4 × 4",
        lambda: conditional_p(large),
        (
            Peer(
                "scipy's random_table, 5 tables",
                lambda: [by_random_tables(table) for table in large[:5]],
                LARGE_TABLES / 5,
                within_error,
            ),
            Peer(
                "scipy's permutation_test, 1 table, a tenth of the draws",
                lambda: by_permutation(large[0], DRAWS // 10),
                LARGE_TABLES * 10,
            ),
        ),
    )


def across_centres(tables: Tables) -> Iterator[Part]:
    """Yield what is computed of all centres together."""
    tenfold = tables * 10
    yield Part(
        "pooled within centres, interval, Q",
        lambda: stratified(tables),
        (
            Peer(
                "coefficient alone, centre after centre",
                lambda: within_by_loop(iter(tables)),
                1,
                lambda ours, found: apart(ours.tau_b, found),
            ),
        ),
        lambda: stratified(tenfold),
    )
    yield Part("pooled naively", lambda: naive(tables), (), lambda: naive(tenfold))
    yield Part("random effects", lambda: random_effects(tables), (), lambda: random_effects(tenfold))
    used = ~np.isnan(leave_one_out(tables).tau_b)  # without one that is not used, nothing changes
    yield Part(
        "leave-one-out",
        lambda: leave_one_out(tables),
        (
            Peer(
                "random effects anew, 10 of the centres left out",
                lambda: [random_effects(np.delete(tables, at, axis=0)).tau_b for at in range(10)],
                len(tables) / 10,
                lambda ours, found: apart(ours.tau_b[:10][used[:10]], np.array(found)[used[:10]]),
            ),
        ),
        lambda: leave_one_out(tenfold),
    )


def held_equal(deep: Tables) -> Iterator[Part]:
    """Yield what holds a third variable equal."""
    deep_some, deep_tenfold = deep[:SAMPLE], deep * 10
    scale = len(deep) / SAMPLE
    yield Part(
        "held equal: stratified",
        lambda: stratified_tau(deep),
        (
            Peer(
                f"coefficients alone, stratum after stratum, {SAMPLE} centres",
                lambda: [within_by_loop(iter(np.moveaxis(table, 2, 0))) for table in deep_some],
                scale,
                lambda ours, found: apart(ours.by_centre.tau_b[:SAMPLE], found),
            ),
        ),
        lambda: stratified_tau(deep_tenfold),
    )

    def partial_apart(ours: Any, found: list[float]) -> float:
        told = ours.by_centre.tau_b[:SAMPLE]
        both = ~np.isnan(told)  # we say why where scipy divides by what rounding left of 0
        return apart(told[both], np.array(found)[both])

    yield Part(
        "held equal: partial",
        lambda: partial_tau(deep),
        (
            Peer(
                f"coefficients alone, scipy's kendalltau, {SAMPLE} centres",
                lambda: [partial_by_scipy(table) for table in deep_some],
                scale,
                partial_apart,
            ),
        ),
        lambda: partial_tau(deep_tenfold),
    )


def changes(rng: np.random.Generator, centres: int) -> Iterator[Part]:
    """Yield what compares before and after."""
    scale = centres / SAMPLE
    before = rng.gamma(4, 3, (centres, PER_CENTRE))
    after = before + rng.normal(1, 3, before.shape)
    yield Part(
        f"before and after, each centre's {PER_CENTRE}",
        lambda: before_after_in_groups(before, after),
        (
            Peer(
                f"scipy's wilcoxon and all averages, no interval, {SAMPLE} centres",
                lambda: [changes_by_scipy(*both) for both in zip(before[:SAMPLE], after[:SAMPLE], strict=True)],
                scale,
                lambda ours, found: apart([(one.p_value, one.estimate) for one in ours[:SAMPLE]], found),
            ),
        ),
    )
    several = before.ravel()[:TOGETHER], after.ravel()[:TOGETHER]
    yield Part(
        f"before and after, {TOGETHER:,} at once",
        lambda: before_after(*several),
        (
            Peer(
                "scipy's wilcoxon and all averages, no interval",
                lambda: changes_by_scipy(*several),
                1,
                lambda ours, found: apart((ours.p_value, ours.estimate), found),
            ),
        ),
    )
    yield Part(
        f"before and after, {before.size:,} at once",
        lambda: before_after(before.ravel(), after.ravel()),
        (
            Peer(
                "scipy's wilcoxon, no estimate, no interval",
                lambda: stats.wilcoxon((after - before).ravel(), correction=True).pvalue,
                1,
                lambda ours, found: apart(ours.p_value, found),
            ),
        ),
    )


def beside_metafor(tables: Tables) -> float:
    """Compare random effects with R's metafor, on fewer centres; print it and return the largest difference."""
    some = tables[:IN_R]
    ours, own = seconds_of(lambda: random_effects(some))
    each = kendall(some)
    used = ~np.isnan(each.tau_b) & (each.n >= 10)
    assert own.c is not None
    found = in_r(each.tau_b[used], own.c / each.n[used])
    if found is None:
        print("    R's metafor is not on this machine: random effects have no peer here")
        return 0.0
    theirs, *numbers = found
    difference = apart([own.tau_b, own.ci_low, own.ci_high, own.tau2], numbers)
    print(
        f"    R's metafor, {IN_R:,} centres: {theirs * 1e3:,.0f} ms; ours there, from the counts: {ours * 1e3:.1f} ms;"
        f" {theirs / ours:,.0f} times ours; apart {difference:.0e}"
    )
    return difference if difference > 1e-6 else 0.0  # metafor stops its search earlier


def main() -> None:
    """Measure, and print medians, ratios and memory. Exits with 1 if a peer has other results."""
    connection = duckdb.connect()
    synthetic(connection)
    print(f"Parts of the analysis: {ROWS:,} records, {CENTRES:,} centres, tables of 2 × 3; medians of {RUNS} runs,")
    print(f"or of those that began within {LONG:.0f} s. Memory is what a part takes beyond its tables.\n")
    print(f"  {'':<44}{'ms':>10}  {'10 × records':>12}  {'peak MiB':>8}")
    wrong = []
    for part in parts(connection):
        ours, found = seconds_of(part.work)
        tenfold = f"{seconds_of(part.tenfold)[0] / ours:.2f} times" if part.tenfold else ""
        print(f"  {part.what:<44}{ours * 1e3:10,.1f}  {tenfold:>12}  {peak_of(part.work):8,.1f}", flush=True)
        for peer in part.peers:
            theirs, peers = seconds_of(peer.work)
            difference = peer.apart(found, peers) if peer.apart else 0.0
            told = f"; apart {difference:.0e}" if peer.apart else ""
            scaled = f", scaled {peer.times:,.0f} times" if peer.times != 1 else ""
            print(
                f"    {peer.what}: {theirs * peer.times * 1e3:,.0f} ms{scaled};"
                f" {theirs * peer.times / ours:,.3g} times ours{told}",
                flush=True,
            )
            wrong += [f"{part.what}: {peer.what}"] if difference > NEAR else []
        if part.what == "random effects" and beside_metafor(counts(connection)) > 0:
            wrong.append("random effects: metafor")
    print(f"\n  most memory of the whole process, peers among it: {peak_memory() / 2**20:,.0f} MiB")
    if wrong:
        sys.exit("other results: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
