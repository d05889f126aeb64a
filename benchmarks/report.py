"""How large and how slow the report is at ten thousand health centres: pages, megabytes, seconds per 1,000 centres.

The research copy is made of numbers drawn at random, in SQL: nothing of it is the result of an analysis. It has every
table that the report draws, for as many centres as are asked for, with the questions of the shipped study.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from laktasi.paths import HOUSE, WAREHOUSE_SQL
from laktasi.report import write_report
from laktasi.study import Study, read_study

CENTRES = 10_000
RUN = "20260301T000000Z-bench"

# A number of its own for each centre and purpose, the same in every run.
DRAWS = """
create macro draw(centre, purpose) as (hash(centre, purpose) % 1000000) / 1000000.0;
create macro spread(centre, purpose) as (draw(centre, purpose) + draw(centre, purpose || '+') - 1);
create temp table places as
select
    number,
    'p' || lpad(number::varchar, 5, '0') as code,
    'Puskesmas ' || list_extract(
        ['Air', 'Bukit', 'Danau', 'Gunung', 'Kota', 'Lembah', 'Muara', 'Pantai', 'Rimba', 'Tanjung'],
        1 + (hash(number) % 10)::integer) || ' '
        || list_extract(['Baru', 'Damai', 'Indah', 'Jaya', 'Lama', 'Makmur', 'Permai', 'Raya', 'Sari', 'Utama'],
        1 + (hash(number, 2) % 10)::integer) || ' ' || number as name,
    -- a few small ones, most between 20 and 180
    if(draw(number, 'small') < 0.02, 1 + (hash(number, 3) % 12)::bigint, 20 + (hash(number, 4) % 160)::bigint) as n
from range(1, ? + 1) as numbers (number);
"""

COMMON = """
insert into meta.runs by name
select ? as run_id, now() as started_at, now() as finished_at, 'finished' as status, '0.1.0' as laktasi_version,
    sum(n)::bigint as staged, sum(n)::bigint as analysed_rows, 'f00d' as analysed_hash
from places;
"""

PLACES = """
insert into marts.centres by name select code as centre_code, map {'id': name} as labels from places;
insert into marts.arrivals by name
select code as centre_code, n + 3 as submissions, 1 as not_consented, n + 1 as included, 1 as set_aside, n as accepted
from places;
insert into marts.centre_positions by name
select code as centre_code, -3 + 7 * spread(number, 'lat') as latitude, 118 + 22 * spread(number, 'lon') as longitude, n
from places;
"""

VARIABLE = """
insert into marts.variables by name
select $variable as variable, $position as position, level, level_rank, map {'id': $variable} as labels,
    map {'id': level} as level_labels
from (select unnest($levels::varchar[]) as level, unnest(range(1, len($levels::varchar[]) + 1))::integer as level_rank);
"""

FREQUENCIES = """
insert into analysis.frequencies by name
select $run as run_id, code as centre_code, population, $variable as variable, level, level_rank,
    n // len($levels::varchar[]) as n, 100.0 / len($levels::varchar[]) as percent
from (select code, n from places union all select null, sum(n)::bigint from places)
cross join (select unnest(['all', 'accepted']) as population)
cross join (
    select unnest($levels::varchar[]) as level, unnest(range(1, len($levels::varchar[]) + 1))::integer as level_rank
);
"""

PAIR = """
insert into analysis.contingency by name
select $run as run_id, code as centre_code, $exposure as exposure, $outcome as outcome, population,
    exposure_rank, outcome_rank, n // ($rows * $columns) + (exposure_rank = outcome_rank)::bigint as n
from places
cross join (select unnest(['all', 'accepted']) as population)
cross join (select unnest(range(1, $rows + 1))::integer as exposure_rank)
cross join (select unnest(range(1, $columns + 1))::integer as outcome_rank);
insert into analysis.kendall by name
select $run as run_id, code as centre_code, $exposure as exposure, $outcome as outcome, population, n,
    if(n < 3, null, tau) as tau_b, draw(number, 'p') as p_value, if(n <= 30, draw(number, 'q'), null) as p_exact,
    least(1, 3 * draw(number, 'p')) as p_holm, if(n < 3, null, greatest(tau - 1.9 / sqrt(n), -1)) as ci_low,
    if(n < 3, null, least(tau + 1.9 / sqrt(n), 0.9)) as ci_high, 'smoothed score interval' as ci_method,
    -0.9 as tau_b_min, 0.9 as tau_b_max, if(n < 3, 'only one record', null) as reason
from (select *, 0.3 + 0.25 * spread(number, 'tau') + 0.8 / sqrt(n) * spread(number, 'error') as tau from places)
cross join (select unnest(['all', 'accepted']) as population);
insert into analysis.leave_one_out by name
select $run as run_id, code as centre_code, $exposure as exposure, $outcome as outcome, 'accepted' as population,
    0.3 + 0.001 * spread(number, 'out') as tau_b, 0.29 as ci_low, 0.31 as ci_high, 0.01 as tau2, 0.4 as i2
from places where n >= 10;
insert into analysis.pooled by name
select $run as run_id, $exposure as exposure, $outcome as outcome, population, method, count(*) as centres,
    count(*) as centres_used, sum(n)::bigint as n, 0.3 as tau_b, 0.295 as ci_low, 0.305 as ci_high, 0.0 as p_value,
    'smoothed score interval' as ci_method, 12345.0 as q, 9999 as q_df, 0.0 as q_p_value, 0.4 as i2
from places
cross join (select unnest(['all', 'accepted']) as population)
cross join (select unnest(['stratified', 'naive']) as method)
group by population, method;
insert into analysis.random_effects by name
select $run as run_id, $exposure as exposure, $outcome as outcome, population, 'Paule-Mandel, Hartung-Knapp' as method,
    count(*) as centres, count(*) as centres_used, '{"too_few_records": 90}' as left_out, sum(n)::bigint as n,
    0.31 as tau_b, 0.3 as ci_low, 0.32 as ci_high, 0.05 as pi_low, 0.57 as pi_high, 0.01 as tau2, 0.009 as tau2_low,
    0.011 as tau2_high, 0.4 as i2, 12345.0 as q, 9999 as q_df, 0.0 as q_p_value, 0.0 as p_value
from places cross join (select unnest(['all', 'accepted']) as population) group by population;
"""


def make_research(path: Path, study: Study, centres: int) -> None:
    """Make a research copy of that many centres."""
    with duckdb.connect(str(path)) as con:
        con.execute("set timezone = 'UTC'; create schema meta")
        con.execute("create table meta.migrations (number integer, name varchar, applied_at timestamptz)")
        for file in sorted((WAREHOUSE_SQL / "migrations").glob("*.sql")):
            con.execute(file.read_text(encoding="utf-8"))
        con.execute("alter table staging.codebook add column is_left_out boolean; begin")
        for statement in DRAWS.split(";")[:-1]:
            con.execute(statement, [centres] if "?" in statement else None)
        con.execute(COMMON, [RUN])
        con.execute(PLACES)
        con.execute(
            "insert into staging.submissions by name select 'f' as form_id, code as submission_id, 'staged' as state,"
            " code as instance_id, '1' as form_version, 'finalised' as status, '' as payload_sha256,"
            " 1 as version_count, now() as first_landed_at from places"
        )
        for position, variable in enumerate(study.variables.values(), 1):
            given = {"variable": variable.name, "levels": list(variable.levels)}
            con.execute(VARIABLE, given | {"position": position})
            if variable.name in study.tables:
                con.execute(FREQUENCIES, given | {"run": RUN})
        for pair in study.analyses:
            shape = [len(study.variables[name].levels) for name in (pair.exposure, pair.outcome)]
            given_pair = {"run": RUN, "exposure": pair.exposure, "outcome": pair.outcome}
            for statement in PAIR.split(";")[:-1]:
                used = {"rows": shape[0], "columns": shape[1]} if "$rows" in statement else {}
                con.execute(statement, given_pair | used)
        con.execute("commit")


def main() -> None:
    """Make the research copy and the report, and print what it came to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--centres", type=int, default=CENTRES)
    parser.add_argument("--keep", type=Path, help="folder to leave the report in")
    chosen = parser.parse_args()
    study = read_study(HOUSE / "schemas" / "study.yml")
    assert study is not None
    with TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch) / "report"
        research = Path(scratch) / "research.duckdb"
        make_research(research, study, chosen.centres)
        start = time.perf_counter()
        write_report(research, folder / "index.html", study)
        seconds = time.perf_counter() - start
        sizes = {path.relative_to(folder): path.stat().st_size for path in folder.rglob("*.html")}
        places = [size for path, size in sizes.items() if path.parent.name]
        print(f"report over {chosen.centres:,} health centres, {len(study.analyses)} questions, two languages")
        print(f"  pages                    {len(sizes):>10,}")
        print(f"  megabytes in all         {sum(sizes.values()) / 1e6:>10,.1f}")
        for path, size in sorted(sizes.items()):
            if not path.parent.name:
                print(f"  {path!s:<24} {size / 1e6:>10,.2f} MB")
        print(f"  largest page of a centre {max(places) / 1e3:>10,.1f} kB")
        print(f"  seconds                  {seconds:>10,.1f}")
        print(f"  seconds per 1,000        {1000 * seconds / chosen.centres:>10,.2f}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  peak memory              {peak:>10,.0f} MB (with the making of the research copy)")


if __name__ == "__main__":
    main()
