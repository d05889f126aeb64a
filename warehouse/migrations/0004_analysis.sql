-- Results: one set of rows per run, never changed afterwards; a view of the latest beside each.

create schema analysis;

create view meta.latest_run as
select run_id
from meta.runs
where status = 'finished' and staged is not null
order by finished_at desc, run_id desc
limit 1;
comment on view meta.latest_run is 'The run that finished last, of those that analysed: a run that only lands does not count. One row, or none yet.';
comment on column meta.latest_run.run_id is 'Run';

create table analysis.kendall (
    run_id varchar not null,
    centre_code varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    n bigint not null,
    s bigint,
    tau_b double,
    z double,
    p_value double,
    p_exact double,
    ci_low double,
    ci_high double,
    ci_method varchar,
    tau_b_min double,
    tau_b_max double,
    reason varchar
);
comment on table analysis.kendall is 'Kendall''s tau_b between exposure and outcome at one health centre. One row per run, centre, exposure, outcome and population.';
comment on column analysis.kendall.run_id is 'Run';
comment on column analysis.kendall.centre_code is 'Health centre, see marts.centres';
comment on column analysis.kendall.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.kendall.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.kendall.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.kendall.n is 'Rows that have both variables';
comment on column analysis.kendall.s is 'Kendall''s S: concordant minus discordant pairs';
comment on column analysis.kendall.tau_b is 'Kendall''s tau_b, from -1 to 1';
comment on column analysis.kendall.z is 'S divided by its standard deviation under independence, corrected for ties';
comment on column analysis.kendall.p_value is 'Two-sided p of z';
comment on column analysis.kendall.p_exact is 'Two-sided exact p given both margins, P(|S| >= |s|); only for small n';
comment on column analysis.kendall.ci_low is 'Lower end of the 95 % interval of tau_b';
comment on column analysis.kendall.ci_high is 'Upper end of the 95 % interval of tau_b';
comment on column analysis.kendall.ci_method is 'How the interval was made';
comment on column analysis.kendall.tau_b_min is 'Smallest tau_b that the margins allow';
comment on column analysis.kendall.tau_b_max is 'Largest tau_b that the margins allow';
comment on column analysis.kendall.reason is 'Why there is no tau_b, where there is none';

create view analysis.kendall_latest as
select kendall.*
from analysis.kendall as kendall
semi join meta.latest_run as latest_run on kendall.run_id = latest_run.run_id;
comment on view analysis.kendall_latest is 'analysis.kendall of the run whose results are the latest. One row per centre, exposure, outcome and population.';
comment on column analysis.kendall_latest.run_id is 'Run';
comment on column analysis.kendall_latest.centre_code is 'Health centre, see marts.centres';
comment on column analysis.kendall_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.kendall_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.kendall_latest.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.kendall_latest.n is 'Rows that have both variables';
comment on column analysis.kendall_latest.s is 'Kendall''s S: concordant minus discordant pairs';
comment on column analysis.kendall_latest.tau_b is 'Kendall''s tau_b, from -1 to 1';
comment on column analysis.kendall_latest.z is 'S divided by its standard deviation under independence, corrected for ties';
comment on column analysis.kendall_latest.p_value is 'Two-sided p of z';
comment on column analysis.kendall_latest.p_exact is 'Two-sided exact p given both margins, P(|S| >= |s|); only for small n';
comment on column analysis.kendall_latest.ci_low is 'Lower end of the 95 % interval of tau_b';
comment on column analysis.kendall_latest.ci_high is 'Upper end of the 95 % interval of tau_b';
comment on column analysis.kendall_latest.ci_method is 'How the interval was made';
comment on column analysis.kendall_latest.tau_b_min is 'Smallest tau_b that the margins allow';
comment on column analysis.kendall_latest.tau_b_max is 'Largest tau_b that the margins allow';
comment on column analysis.kendall_latest.reason is 'Why there is no tau_b, where there is none';

create table analysis.pooled (
    run_id varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    method varchar not null check (method in ('stratified', 'naive')),
    centres bigint,
    centres_used bigint,
    n bigint,
    tau_b double,
    se double,
    z double,
    p_value double,
    ci_low double,
    ci_high double,
    ci_method varchar,
    q double,
    q_df bigint,
    q_p_value double,
    i2 double,
    reason varchar
);
comment on table analysis.pooled is 'The same question across health centres. One row per run, exposure, outcome, population and method.';
comment on column analysis.pooled.run_id is 'Run';
comment on column analysis.pooled.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.pooled.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.pooled.population is 'all included rows, or only the accepted ones';
comment on column analysis.pooled.method is 'stratified: pairs within centres only; naive: all rows as if from one centre';
comment on column analysis.pooled.centres is 'Centres with included rows';
comment on column analysis.pooled.centres_used is 'Centres that inform the estimate';
comment on column analysis.pooled.n is 'Rows that have both variables';
comment on column analysis.pooled.tau_b is 'Estimate; stratified: sum of S over the root of the products of pairs untied on x and on y';
comment on column analysis.pooled.se is 'Standard error of the estimate';
comment on column analysis.pooled.z is 'Test statistic';
comment on column analysis.pooled.p_value is 'Two-sided p of z';
comment on column analysis.pooled.ci_low is 'Lower end of the 95 % interval';
comment on column analysis.pooled.ci_high is 'Upper end of the 95 % interval';
comment on column analysis.pooled.ci_method is 'How the interval was made';
comment on column analysis.pooled.q is 'Heterogeneity between centres: Cochran''s Q';
comment on column analysis.pooled.q_df is 'Its degrees of freedom';
comment on column analysis.pooled.q_p_value is 'Its p';
comment on column analysis.pooled.i2 is 'Share of the variation that is between centres, 0 to 1';
comment on column analysis.pooled.reason is 'Why there is no estimate, where there is none';

create view analysis.pooled_latest as
select pooled.*
from analysis.pooled as pooled
semi join meta.latest_run as latest_run on pooled.run_id = latest_run.run_id;
comment on view analysis.pooled_latest is 'analysis.pooled of the run whose results are the latest. One row per exposure, outcome, population and method.';
comment on column analysis.pooled_latest.run_id is 'Run';
comment on column analysis.pooled_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.pooled_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.pooled_latest.population is 'all included rows, or only the accepted ones';
comment on column analysis.pooled_latest.method is 'stratified: pairs within centres only; naive: all rows as if from one centre';
comment on column analysis.pooled_latest.centres is 'Centres with included rows';
comment on column analysis.pooled_latest.centres_used is 'Centres that inform the estimate';
comment on column analysis.pooled_latest.n is 'Rows that have both variables';
comment on column analysis.pooled_latest.tau_b is 'Estimate; stratified: sum of S over the root of the products of pairs untied on x and on y';
comment on column analysis.pooled_latest.se is 'Standard error of the estimate';
comment on column analysis.pooled_latest.z is 'Test statistic';
comment on column analysis.pooled_latest.p_value is 'Two-sided p of z';
comment on column analysis.pooled_latest.ci_low is 'Lower end of the 95 % interval';
comment on column analysis.pooled_latest.ci_high is 'Upper end of the 95 % interval';
comment on column analysis.pooled_latest.ci_method is 'How the interval was made';
comment on column analysis.pooled_latest.q is 'Heterogeneity between centres: Cochran''s Q';
comment on column analysis.pooled_latest.q_df is 'Its degrees of freedom';
comment on column analysis.pooled_latest.q_p_value is 'Its p';
comment on column analysis.pooled_latest.i2 is 'Share of the variation that is between centres, 0 to 1';
comment on column analysis.pooled_latest.reason is 'Why there is no estimate, where there is none';

create table analysis.contingency (
    run_id varchar not null,
    centre_code varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    exposure_rank integer not null,
    outcome_rank integer not null,
    n bigint not null
);
comment on table analysis.contingency is 'The joint table behind each coefficient; every combination of levels, also those with no rows. One row per run, centre, exposure, outcome, population and combination of levels.';
comment on column analysis.contingency.run_id is 'Run';
comment on column analysis.contingency.centre_code is 'Health centre, see marts.centres';
comment on column analysis.contingency.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.contingency.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.contingency.population is 'all included rows, or only the accepted ones';
comment on column analysis.contingency.exposure_rank is 'Level of the exposure, 1 is the lowest';
comment on column analysis.contingency.outcome_rank is 'Level of the outcome, 1 is the lowest';
comment on column analysis.contingency.n is 'Rows';

create view analysis.contingency_latest as
select contingency.*
from analysis.contingency as contingency
semi join meta.latest_run as latest_run on contingency.run_id = latest_run.run_id;
comment on view analysis.contingency_latest is 'analysis.contingency of the run whose results are the latest. One row per centre, exposure, outcome, population and combination of levels.';
comment on column analysis.contingency_latest.run_id is 'Run';
comment on column analysis.contingency_latest.centre_code is 'Health centre, see marts.centres';
comment on column analysis.contingency_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.contingency_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.contingency_latest.population is 'all included rows, or only the accepted ones';
comment on column analysis.contingency_latest.exposure_rank is 'Level of the exposure, 1 is the lowest';
comment on column analysis.contingency_latest.outcome_rank is 'Level of the outcome, 1 is the lowest';
comment on column analysis.contingency_latest.n is 'Rows';

create table analysis.frequencies (
    run_id varchar not null,
    centre_code varchar,
    population varchar not null check (population in ('all', 'accepted')),
    variable varchar not null,
    level varchar not null,
    level_rank integer not null,
    n bigint not null,
    percent double
);
comment on table analysis.frequencies is 'How often each level of each tabulated variable occurs; every level, also those with no rows. One row per run, centre (or all together), population, variable and level.';
comment on column analysis.frequencies.run_id is 'Run';
comment on column analysis.frequencies.centre_code is 'Health centre, see marts.centres; empty: all centres together';
comment on column analysis.frequencies.population is 'all included rows, or only the accepted ones';
comment on column analysis.frequencies.variable is 'Variable of the study, see marts.variables';
comment on column analysis.frequencies.level is 'Level: the choice as it stands in the data';
comment on column analysis.frequencies.level_rank is 'Its order, 1 is the lowest';
comment on column analysis.frequencies.n is 'Rows';
comment on column analysis.frequencies.percent is 'Share of the rows that have the variable, 0 to 100; empty where none has';

create view analysis.frequencies_latest as
select frequencies.*
from analysis.frequencies as frequencies
semi join meta.latest_run as latest_run on frequencies.run_id = latest_run.run_id;
comment on view analysis.frequencies_latest is 'analysis.frequencies of the run whose results are the latest. One row per centre (or all together), population, variable and level.';
comment on column analysis.frequencies_latest.run_id is 'Run';
comment on column analysis.frequencies_latest.centre_code is 'Health centre, see marts.centres; empty: all centres together';
comment on column analysis.frequencies_latest.population is 'all included rows, or only the accepted ones';
comment on column analysis.frequencies_latest.variable is 'Variable of the study, see marts.variables';
comment on column analysis.frequencies_latest.level is 'Level: the choice as it stands in the data';
comment on column analysis.frequencies_latest.level_rank is 'Its order, 1 is the lowest';
comment on column analysis.frequencies_latest.n is 'Rows';
comment on column analysis.frequencies_latest.percent is 'Share of the rows that have the variable, 0 to 100; empty where none has';
