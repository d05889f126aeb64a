"""How many rates are marked where all are alike: the simulation behind docs/decisions/0013-people-and-places.md.

Run ``python benchmarks/marks_by_chance.py``: some seconds, the same numbers every time. Everybody is drawn from one
population, so every mark is chance; warehouse/marts/people_rates.sql and what is added to it judge the draws.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from laktasi.store.intervals import wilson
from laktasi.store.people import FEWEST, TAIL, exact_tail
from laktasi.store.sql import select_from_file

SEED = 20261121
UNITS = 2_000
QUESTIONS = 40
COLUMNS = ("k", "n", "low", "high", "overall", "design_effect")


def judged(counts: np.ndarray, questions: int) -> dict[str, np.ndarray]:
    """Give the columns of the rates of one draw: `counts` is units × records, how often it happened in each record."""
    units, records = counts.shape
    codes = np.repeat(np.arange(units), records).astype(str)
    ids = np.arange(units * records).astype(str)
    con = duckdb.connect()
    con.register("drawn", pa.table({"submission_id": ids, "code": codes, "k": counts.ravel()}))
    con.execute("create schema marts")
    con.execute(
        "create table marts.submissions as select 'f' as form_id, submission_id, code as enumerator_code,"
        " null::varchar as centre_code, true as is_consented, 0 as open_errors from drawn"
    )
    ends = {end: wilson("(k / design_effect)", "(n / design_effect)", end) for end in ("low", "high")}
    answers = f"select submission_id, 'missing' as measure, k, {questions} as n from drawn"
    rates = select_from_file(
        "marts", "people_rates", form_id="'f'", asks_consent="false", answers=answers, fewest=str(FEWEST), **ends
    )
    found = con.execute(f"select {', '.join(COLUMNS)} from ({rates}) where measure = 'missing'").fetchnumpy()
    return {name: np.asarray(found[name], float) for name in COLUMNS}


def shares(rates: dict[str, np.ndarray], effect: np.ndarray) -> tuple[float, float]:
    """Give the share whose interval excludes the overall rate, and that of the marked: those in the tail as well."""
    k, n = rates["k"] / effect, rates["n"] / effect
    ends = duckdb.connect()
    ends.register("counts", pa.table({"k": k, "n": n}))
    found = ends.execute(f"select {wilson('k', 'n', 'low')} as low, {wilson('k', 'n', 'high')} as high from counts")
    interval = found.fetchnumpy()
    outside = (interval["low"] > rates["overall"]) | (interval["high"] < rates["overall"])
    marked = outside & (exact_tail(k, n, rates["overall"]) <= TAIL)
    return float(outside.mean()), float(marked.mean())


def main() -> None:
    """Print shares of marks, for one question per record and for many that go together."""
    draw = np.random.default_rng(SEED)
    print("one event or none in each record: interval alone, marked")
    for rate in (0.004, 0.02, 0.1, 0.3):
        told = []
        for records in (15, 40, 100):
            rates = judged(draw.binomial(1, rate, (UNITS, records)), 1)
            told.append("{:.3f} {:.3f}".format(*shares(rates, np.ones(UNITS))))
        print(f"  rate {rate:<6}", " | ".join(told))
    print(f"{QUESTIONS} questions in each record, rate 0.05: marked as if each stood alone, marked as it is done")
    for together in (0.0, 0.05, 0.2):
        told = []
        for records in (15, 40, 100):
            spread = (1 - together) / together if together else 1e9
            chance = draw.beta(0.05 * spread, 0.95 * spread, (UNITS, records))
            rates = judged(draw.binomial(QUESTIONS, chance), QUESTIONS)
            plain, done = (shares(rates, effect)[1] for effect in (np.ones(UNITS), rates["design_effect"]))
            told.append(f"{plain:.3f} {done:.3f}")
        print(f"  correlation {together:<5}", " | ".join(told))


if __name__ == "__main__":
    main()
