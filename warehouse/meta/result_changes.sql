-- The headline results of a run ($run_id) beside those of the run before ($before).
-- One row per exposure, outcome, population and result.

with
headlines as (
    select run_id, exposure, outcome, population, 'stratified' as result, n, tau_b, ci_low, ci_high
    from analysis.pooled
    where method = 'stratified'
    union all
    select run_id, exposure, outcome, population, 'random effects' as result, n, tau_b, ci_low, ci_high
    from analysis.random_effects
),

now as (from headlines where run_id = $run_id),

before as (from headlines where run_id = $before)

select
    $run_id as run_id,
    exposure,
    outcome,
    population,
    result,
    before.n as n_before,
    now.n,
    before.tau_b as tau_b_before,
    now.tau_b,
    before.ci_low as ci_low_before,
    now.ci_low,
    before.ci_high as ci_high_before,
    now.ci_high
from now
full join before using (exposure, outcome, population, result)
order by all
