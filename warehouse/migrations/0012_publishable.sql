-- The analysis a researcher can publish from: every measure of a table, random effects over centres, adjusted and paired results,
-- the trend over time, and what the next round needs. One set of rows per run, as in 0004; a view of the latest beside each.

alter table analysis.kendall add column ase1 double;
alter table analysis.kendall add column ase0 double;
alter table analysis.kendall add column approx_t double;
alter table analysis.kendall add column approx_p double;
alter table analysis.kendall add column p_exact_method varchar;
alter table analysis.kendall add column p_exact_error double;
alter table analysis.kendall add column p_holm double;
alter table analysis.kendall add column p_bh double;
alter table analysis.kendall add column ci_level double;
alter table analysis.kendall add column tau_c double;
alter table analysis.kendall add column tau_c_ase1 double;
alter table analysis.kendall add column tau_c_ase0 double;
alter table analysis.kendall add column tau_c_low double;
alter table analysis.kendall add column tau_c_high double;
alter table analysis.kendall add column gamma double;
alter table analysis.kendall add column gamma_ase1 double;
alter table analysis.kendall add column gamma_ase0 double;
alter table analysis.kendall add column gamma_low double;
alter table analysis.kendall add column gamma_high double;
alter table analysis.kendall add column somers_d_yx double;
alter table analysis.kendall add column somers_d_yx_ase1 double;
alter table analysis.kendall add column somers_d_yx_ase0 double;
alter table analysis.kendall add column somers_d_yx_low double;
alter table analysis.kendall add column somers_d_yx_high double;
alter table analysis.kendall add column somers_d_xy double;
alter table analysis.kendall add column somers_d_xy_ase1 double;
alter table analysis.kendall add column somers_d_xy_ase0 double;
alter table analysis.kendall add column somers_d_xy_low double;
alter table analysis.kendall add column somers_d_xy_high double;
comment on column analysis.kendall.ase1 is 'Asymptotic standard error of tau_b (Brown and Benedetti 1977); 0 for a perfect table, where it says nothing';
comment on column analysis.kendall.ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall.approx_t is 'tau_b divided by ase0: what SPSS and PSPP CROSSTABS print as Approx. T; not z';
comment on column analysis.kendall.approx_p is 'Two-sided p of approx_t, from the normal distribution';
comment on column analysis.kendall.p_exact_method is 'Where p_exact comes from: every arrangement of the margins, or a sample of them (Monte Carlo) and of how many';
comment on column analysis.kendall.p_exact_error is 'Standard error of p_exact where it is a Monte Carlo estimate; 0 where it is exact';
comment on column analysis.kendall.p_holm is 'p over all centres of this question, so corrected that one false alarm among them all is held to the level (Holm); of p_exact, else of p_value';
comment on column analysis.kendall.p_bh is 'The same, so that the share of false alarms among the alarms is held to the level (Benjamini and Hochberg)';
comment on column analysis.kendall.ci_level is 'Level of all intervals of this row, 0 to 1';
comment on column analysis.kendall.tau_c is 'Stuart''s tau_c; its m counts the levels that somebody has';
comment on column analysis.kendall.tau_c_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall.tau_c_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall.tau_c_low is 'Lower end of its interval';
comment on column analysis.kendall.tau_c_high is 'Upper end of its interval';
comment on column analysis.kendall.gamma is 'Goodman and Kruskal''s gamma';
comment on column analysis.kendall.gamma_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall.gamma_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall.gamma_low is 'Lower end of its interval';
comment on column analysis.kendall.gamma_high is 'Upper end of its interval';
comment on column analysis.kendall.somers_d_yx is 'Somers'' d of the outcome given the exposure';
comment on column analysis.kendall.somers_d_yx_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall.somers_d_yx_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall.somers_d_yx_low is 'Lower end of its interval';
comment on column analysis.kendall.somers_d_yx_high is 'Upper end of its interval';
comment on column analysis.kendall.somers_d_xy is 'Somers'' d of the exposure given the outcome';
comment on column analysis.kendall.somers_d_xy_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall.somers_d_xy_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall.somers_d_xy_low is 'Lower end of its interval';
comment on column analysis.kendall.somers_d_xy_high is 'Upper end of its interval';
comment on column analysis.kendall.reason is 'Why there is no result, or a part of it, where there is none';
comment on column analysis.kendall.p_exact is 'Two-sided p given both margins, P(|S| >= |s|): exact, or by Monte Carlo as p_exact_method says';

create or replace view analysis.kendall_latest as
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
comment on column analysis.kendall_latest.p_exact is 'Two-sided p given both margins, P(|S| >= |s|): exact, or by Monte Carlo as p_exact_method says';
comment on column analysis.kendall_latest.ci_low is 'Lower end of the 95 % interval of tau_b';
comment on column analysis.kendall_latest.ci_high is 'Upper end of the 95 % interval of tau_b';
comment on column analysis.kendall_latest.ci_method is 'How the interval was made';
comment on column analysis.kendall_latest.tau_b_min is 'Smallest tau_b that the margins allow';
comment on column analysis.kendall_latest.tau_b_max is 'Largest tau_b that the margins allow';
comment on column analysis.kendall_latest.reason is 'Why there is no result, or a part of it, where there is none';
comment on column analysis.kendall_latest.ase1 is 'Asymptotic standard error of tau_b (Brown and Benedetti 1977); 0 for a perfect table, where it says nothing';
comment on column analysis.kendall_latest.ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall_latest.approx_t is 'tau_b divided by ase0: what SPSS and PSPP CROSSTABS print as Approx. T; not z';
comment on column analysis.kendall_latest.approx_p is 'Two-sided p of approx_t, from the normal distribution';
comment on column analysis.kendall_latest.p_exact_method is 'Where p_exact comes from: every arrangement of the margins, or a sample of them (Monte Carlo) and of how many';
comment on column analysis.kendall_latest.p_exact_error is 'Standard error of p_exact where it is a Monte Carlo estimate; 0 where it is exact';
comment on column analysis.kendall_latest.p_holm is 'p over all centres of this question, so corrected that one false alarm among them all is held to the level (Holm); of p_exact, else of p_value';
comment on column analysis.kendall_latest.p_bh is 'The same, so that the share of false alarms among the alarms is held to the level (Benjamini and Hochberg)';
comment on column analysis.kendall_latest.ci_level is 'Level of all intervals of this row, 0 to 1';
comment on column analysis.kendall_latest.tau_c is 'Stuart''s tau_c; its m counts the levels that somebody has';
comment on column analysis.kendall_latest.tau_c_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall_latest.tau_c_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall_latest.tau_c_low is 'Lower end of its interval';
comment on column analysis.kendall_latest.tau_c_high is 'Upper end of its interval';
comment on column analysis.kendall_latest.gamma is 'Goodman and Kruskal''s gamma';
comment on column analysis.kendall_latest.gamma_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall_latest.gamma_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall_latest.gamma_low is 'Lower end of its interval';
comment on column analysis.kendall_latest.gamma_high is 'Upper end of its interval';
comment on column analysis.kendall_latest.somers_d_yx is 'Somers'' d of the outcome given the exposure';
comment on column analysis.kendall_latest.somers_d_yx_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall_latest.somers_d_yx_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall_latest.somers_d_yx_low is 'Lower end of its interval';
comment on column analysis.kendall_latest.somers_d_yx_high is 'Upper end of its interval';
comment on column analysis.kendall_latest.somers_d_xy is 'Somers'' d of the exposure given the outcome';
comment on column analysis.kendall_latest.somers_d_xy_ase1 is 'Its asymptotic standard error';
comment on column analysis.kendall_latest.somers_d_xy_ase0 is 'The same under the hypothesis of no association';
comment on column analysis.kendall_latest.somers_d_xy_low is 'Lower end of its interval';
comment on column analysis.kendall_latest.somers_d_xy_high is 'Upper end of its interval';

comment on column analysis.pooled.reason is 'Why there is no result, or a part of it, where there is none; the naive result never has a Q';
comment on column analysis.pooled_latest.reason is 'Why there is no result, or a part of it, where there is none; the naive result never has a Q';

create table analysis.random_effects (
    run_id varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    method varchar not null,
    centres bigint not null,
    centres_used bigint not null,
    left_out json not null,
    n bigint not null,
    tau_b double,
    se double,
    df bigint,
    t double,
    p_value double,
    ci_low double,
    ci_high double,
    ci_level double,
    ci_method varchar,
    pi_low double,
    pi_high double,
    tau2 double,
    tau2_low double,
    tau2_high double,
    i2 double,
    q double,
    q_df bigint,
    q_p_value double,
    c double,
    small_study_slope double,
    small_study_se double,
    small_study_p double,
    reason varchar
);
comment on table analysis.random_effects is 'Centres taken for a sample of centres: the mean of their tau_b, how much they differ, and where the next centre may lie. One row per run, exposure, outcome and population.';
comment on column analysis.random_effects.run_id is 'Run';
comment on column analysis.random_effects.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.random_effects.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.random_effects.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.random_effects.method is 'Estimator of the variance between centres, and of the interval';
comment on column analysis.random_effects.centres is 'Centres with included rows';
comment on column analysis.random_effects.centres_used is 'Centres that inform the estimate';
comment on column analysis.random_effects.left_out is 'How many centres do not, by why';
comment on column analysis.random_effects.n is 'Rows of the centres used that have both variables';
comment on column analysis.random_effects.tau_b is 'Mean tau_b over centres';
comment on column analysis.random_effects.se is 'Its standard error (Hartung and Knapp)';
comment on column analysis.random_effects.df is 'Degrees of freedom of its t';
comment on column analysis.random_effects.t is 'tau_b divided by se';
comment on column analysis.random_effects.p_value is 'Two-sided p of t';
comment on column analysis.random_effects.ci_low is 'Lower end of its interval';
comment on column analysis.random_effects.ci_high is 'Upper end of its interval';
comment on column analysis.random_effects.ci_level is 'Level of the interval, 0 to 1';
comment on column analysis.random_effects.ci_method is 'How the interval was made';
comment on column analysis.random_effects.pi_low is 'Lower end of the interval in which the tau_b of one more such centre would lie';
comment on column analysis.random_effects.pi_high is 'Its upper end';
comment on column analysis.random_effects.tau2 is 'Variance between centres of their true tau_b';
comment on column analysis.random_effects.tau2_low is 'Lower end of its interval (Q profile)';
comment on column analysis.random_effects.tau2_high is 'Upper end';
comment on column analysis.random_effects.i2 is 'Share of the differences between centres that is more than chance, 0 to 1';
comment on column analysis.random_effects.q is 'Cochran''s Q';
comment on column analysis.random_effects.q_df is 'Its degrees of freedom';
comment on column analysis.random_effects.q_p_value is 'Its p';
comment on column analysis.random_effects.c is 'Variance of tau_b for one record, pooled over centres; a centre of n records has c/n';
comment on column analysis.random_effects.small_study_slope is 'Slope of tau_b on 1/sqrt(n): do small centres differ from large ones?';
comment on column analysis.random_effects.small_study_se is 'Its standard error';
comment on column analysis.random_effects.small_study_p is 'Its two-sided p';
comment on column analysis.random_effects.reason is 'Why there is no result, or a part of it, where there is none';

create or replace view analysis.random_effects_latest as
select random_effects.*
from analysis.random_effects as random_effects
semi join meta.latest_run as latest_run on random_effects.run_id = latest_run.run_id;
comment on view analysis.random_effects_latest is 'analysis.random_effects of the run whose results are the latest. One row per exposure, outcome and population.';
comment on column analysis.random_effects_latest.run_id is 'Run';
comment on column analysis.random_effects_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.random_effects_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.random_effects_latest.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.random_effects_latest.method is 'Estimator of the variance between centres, and of the interval';
comment on column analysis.random_effects_latest.centres is 'Centres with included rows';
comment on column analysis.random_effects_latest.centres_used is 'Centres that inform the estimate';
comment on column analysis.random_effects_latest.left_out is 'How many centres do not, by why';
comment on column analysis.random_effects_latest.n is 'Rows of the centres used that have both variables';
comment on column analysis.random_effects_latest.tau_b is 'Mean tau_b over centres';
comment on column analysis.random_effects_latest.se is 'Its standard error (Hartung and Knapp)';
comment on column analysis.random_effects_latest.df is 'Degrees of freedom of its t';
comment on column analysis.random_effects_latest.t is 'tau_b divided by se';
comment on column analysis.random_effects_latest.p_value is 'Two-sided p of t';
comment on column analysis.random_effects_latest.ci_low is 'Lower end of its interval';
comment on column analysis.random_effects_latest.ci_high is 'Upper end of its interval';
comment on column analysis.random_effects_latest.ci_level is 'Level of the interval, 0 to 1';
comment on column analysis.random_effects_latest.ci_method is 'How the interval was made';
comment on column analysis.random_effects_latest.pi_low is 'Lower end of the interval in which the tau_b of one more such centre would lie';
comment on column analysis.random_effects_latest.pi_high is 'Its upper end';
comment on column analysis.random_effects_latest.tau2 is 'Variance between centres of their true tau_b';
comment on column analysis.random_effects_latest.tau2_low is 'Lower end of its interval (Q profile)';
comment on column analysis.random_effects_latest.tau2_high is 'Upper end';
comment on column analysis.random_effects_latest.i2 is 'Share of the differences between centres that is more than chance, 0 to 1';
comment on column analysis.random_effects_latest.q is 'Cochran''s Q';
comment on column analysis.random_effects_latest.q_df is 'Its degrees of freedom';
comment on column analysis.random_effects_latest.q_p_value is 'Its p';
comment on column analysis.random_effects_latest.c is 'Variance of tau_b for one record, pooled over centres; a centre of n records has c/n';
comment on column analysis.random_effects_latest.small_study_slope is 'Slope of tau_b on 1/sqrt(n): do small centres differ from large ones?';
comment on column analysis.random_effects_latest.small_study_se is 'Its standard error';
comment on column analysis.random_effects_latest.small_study_p is 'Its two-sided p';
comment on column analysis.random_effects_latest.reason is 'Why there is no result, or a part of it, where there is none';

create table analysis.leave_one_out (
    run_id varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    centre_code varchar not null,
    tau_b double,
    ci_low double,
    ci_high double,
    tau2 double,
    i2 double
);
comment on table analysis.leave_one_out is 'The random effects estimate without one centre: does one of them carry it? One row per run, exposure, outcome, population and centre that is left out.';
comment on column analysis.leave_one_out.run_id is 'Run';
comment on column analysis.leave_one_out.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.leave_one_out.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.leave_one_out.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.leave_one_out.centre_code is 'The centre that is left out, see marts.centres';
comment on column analysis.leave_one_out.tau_b is 'Mean tau_b over the others';
comment on column analysis.leave_one_out.ci_low is 'Lower end of its interval';
comment on column analysis.leave_one_out.ci_high is 'Upper end';
comment on column analysis.leave_one_out.tau2 is 'Variance between the others';
comment on column analysis.leave_one_out.i2 is 'Share of their differences that is more than chance, 0 to 1';

create or replace view analysis.leave_one_out_latest as
select leave_one_out.*
from analysis.leave_one_out as leave_one_out
semi join meta.latest_run as latest_run on leave_one_out.run_id = latest_run.run_id;
comment on view analysis.leave_one_out_latest is 'analysis.leave_one_out of the run whose results are the latest. One row per exposure, outcome, population and centre that is left out.';
comment on column analysis.leave_one_out_latest.run_id is 'Run';
comment on column analysis.leave_one_out_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.leave_one_out_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.leave_one_out_latest.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.leave_one_out_latest.centre_code is 'The centre that is left out, see marts.centres';
comment on column analysis.leave_one_out_latest.tau_b is 'Mean tau_b over the others';
comment on column analysis.leave_one_out_latest.ci_low is 'Lower end of its interval';
comment on column analysis.leave_one_out_latest.ci_high is 'Upper end';
comment on column analysis.leave_one_out_latest.tau2 is 'Variance between the others';
comment on column analysis.leave_one_out_latest.i2 is 'Share of their differences that is more than chance, 0 to 1';

create table analysis.adjusted (
    run_id varchar not null,
    centre_code varchar,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    covariate varchar not null,
    method varchar not null check (method in ('partial', 'stratified')),
    n bigint not null,
    strata bigint,
    tau_b double,
    se double,
    ci_low double,
    ci_high double,
    ci_level double,
    ci_method varchar,
    p_value double,
    reason varchar
);
comment on table analysis.adjusted is 'The same question among records alike in a third variable. One row per run, centre (or all together), exposure, outcome, population, covariate and method.';
comment on column analysis.adjusted.run_id is 'Run';
comment on column analysis.adjusted.centre_code is 'Health centre, see marts.centres; empty: all centres together';
comment on column analysis.adjusted.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.adjusted.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.adjusted.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.adjusted.covariate is 'Variable of the study that is held equal, see marts.variables';
comment on column analysis.adjusted.method is 'partial: Kendall''s partial tau; stratified: only pairs alike in the covariate (and in the centre)';
comment on column analysis.adjusted.n is 'Rows that have all three variables';
comment on column analysis.adjusted.strata is 'Strata that inform the estimate; empty for partial';
comment on column analysis.adjusted.tau_b is 'Estimate, from -1 to 1';
comment on column analysis.adjusted.se is 'Its standard error';
comment on column analysis.adjusted.ci_low is 'Lower end of its interval';
comment on column analysis.adjusted.ci_high is 'Upper end of its interval';
comment on column analysis.adjusted.ci_level is 'Level of the interval, 0 to 1';
comment on column analysis.adjusted.ci_method is 'How the interval was made';
comment on column analysis.adjusted.p_value is 'Two-sided p of no association';
comment on column analysis.adjusted.reason is 'Why there is no result, where there is none';

create or replace view analysis.adjusted_latest as
select adjusted.*
from analysis.adjusted as adjusted
semi join meta.latest_run as latest_run on adjusted.run_id = latest_run.run_id;
comment on view analysis.adjusted_latest is 'analysis.adjusted of the run whose results are the latest. One row per centre (or all together), exposure, outcome, population, covariate and method.';
comment on column analysis.adjusted_latest.run_id is 'Run';
comment on column analysis.adjusted_latest.centre_code is 'Health centre, see marts.centres; empty: all centres together';
comment on column analysis.adjusted_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.adjusted_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.adjusted_latest.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.adjusted_latest.covariate is 'Variable of the study that is held equal, see marts.variables';
comment on column analysis.adjusted_latest.method is 'partial: Kendall''s partial tau; stratified: only pairs alike in the covariate (and in the centre)';
comment on column analysis.adjusted_latest.n is 'Rows that have all three variables';
comment on column analysis.adjusted_latest.strata is 'Strata that inform the estimate; empty for partial';
comment on column analysis.adjusted_latest.tau_b is 'Estimate, from -1 to 1';
comment on column analysis.adjusted_latest.se is 'Its standard error';
comment on column analysis.adjusted_latest.ci_low is 'Lower end of its interval';
comment on column analysis.adjusted_latest.ci_high is 'Upper end of its interval';
comment on column analysis.adjusted_latest.ci_level is 'Level of the interval, 0 to 1';
comment on column analysis.adjusted_latest.ci_method is 'How the interval was made';
comment on column analysis.adjusted_latest.p_value is 'Two-sided p of no association';
comment on column analysis.adjusted_latest.reason is 'Why there is no result, where there is none';

create table analysis.paired (
    run_id varchar not null,
    centre_code varchar,
    measure varchar not null,
    unit varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    n bigint not null,
    n_changed bigint,
    median_before double,
    median_after double,
    estimate double,
    ci_low double,
    ci_high double,
    ci_level double,
    ci_method varchar,
    statistic double,
    p_value double,
    p_method varchar,
    reason varchar
);
comment on table analysis.paired is 'Before and after in the same respondent. One row per run, centre (or all together), measure, unit and population.';
comment on column analysis.paired.run_id is 'Run';
comment on column analysis.paired.centre_code is 'Health centre, see marts.centres; empty: all centres together';
comment on column analysis.paired.measure is 'Name of the pair of questions in study.yml';
comment on column analysis.paired.unit is 'Unit of both values, as the form has it; empty text: the study names none';
comment on column analysis.paired.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.paired.n is 'Rows with both values';
comment on column analysis.paired.n_changed is 'Of these, with a difference';
comment on column analysis.paired.median_before is 'Median before';
comment on column analysis.paired.median_after is 'Median after';
comment on column analysis.paired.estimate is 'Hodges and Lehmann''s estimate of the change, after minus before, in the unit';
comment on column analysis.paired.ci_low is 'Lower end of its interval';
comment on column analysis.paired.ci_high is 'Upper end of its interval';
comment on column analysis.paired.ci_level is 'Level of the interval, 0 to 1';
comment on column analysis.paired.ci_method is 'How the interval was made';
comment on column analysis.paired.statistic is 'Wilcoxon''s W+: sum of the ranks of the increases';
comment on column analysis.paired.p_value is 'Two-sided p of no change';
comment on column analysis.paired.p_method is 'Exact, or by the normal distribution';
comment on column analysis.paired.reason is 'Why there is no result, where there is none';

create or replace view analysis.paired_latest as
select paired.*
from analysis.paired as paired
semi join meta.latest_run as latest_run on paired.run_id = latest_run.run_id;
comment on view analysis.paired_latest is 'analysis.paired of the run whose results are the latest. One row per centre (or all together), measure, unit and population.';
comment on column analysis.paired_latest.run_id is 'Run';
comment on column analysis.paired_latest.centre_code is 'Health centre, see marts.centres; empty: all centres together';
comment on column analysis.paired_latest.measure is 'Name of the pair of questions in study.yml';
comment on column analysis.paired_latest.unit is 'Unit of both values, as the form has it; empty text: the study names none';
comment on column analysis.paired_latest.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.paired_latest.n is 'Rows with both values';
comment on column analysis.paired_latest.n_changed is 'Of these, with a difference';
comment on column analysis.paired_latest.median_before is 'Median before';
comment on column analysis.paired_latest.median_after is 'Median after';
comment on column analysis.paired_latest.estimate is 'Hodges and Lehmann''s estimate of the change, after minus before, in the unit';
comment on column analysis.paired_latest.ci_low is 'Lower end of its interval';
comment on column analysis.paired_latest.ci_high is 'Upper end of its interval';
comment on column analysis.paired_latest.ci_level is 'Level of the interval, 0 to 1';
comment on column analysis.paired_latest.ci_method is 'How the interval was made';
comment on column analysis.paired_latest.statistic is 'Wilcoxon''s W+: sum of the ranks of the increases';
comment on column analysis.paired_latest.p_value is 'Two-sided p of no change';
comment on column analysis.paired_latest.p_method is 'Exact, or by the normal distribution';
comment on column analysis.paired_latest.reason is 'Why there is no result, where there is none';

create table analysis.trend (
    run_id varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    period date not null,
    unit varchar not null check (unit in ('week', 'month', 'quarter', 'year')),
    n bigint not null,
    centres bigint not null,
    tau_b double,
    ci_low double,
    ci_high double,
    reason varchar
);
comment on table analysis.trend is 'The association within centres, period by period. One row per run, exposure, outcome, population and period.';
comment on column analysis.trend.run_id is 'Run';
comment on column analysis.trend.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.trend.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.trend.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.trend.period is 'First day of the period, by the day of the interview';
comment on column analysis.trend.unit is 'How long a period is';
comment on column analysis.trend.n is 'Rows that have both variables';
comment on column analysis.trend.centres is 'Centres that inform the estimate';
comment on column analysis.trend.tau_b is 'Stratified estimate, as in analysis.pooled';
comment on column analysis.trend.ci_low is 'Lower end of its interval';
comment on column analysis.trend.ci_high is 'Upper end';
comment on column analysis.trend.reason is 'Why there is no result, where there is none';

create or replace view analysis.trend_latest as
select trend.*
from analysis.trend as trend
semi join meta.latest_run as latest_run on trend.run_id = latest_run.run_id;
comment on view analysis.trend_latest is 'analysis.trend of the run whose results are the latest. One row per exposure, outcome, population and period.';
comment on column analysis.trend_latest.run_id is 'Run';
comment on column analysis.trend_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.trend_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.trend_latest.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.trend_latest.period is 'First day of the period, by the day of the interview';
comment on column analysis.trend_latest.unit is 'How long a period is';
comment on column analysis.trend_latest.n is 'Rows that have both variables';
comment on column analysis.trend_latest.centres is 'Centres that inform the estimate';
comment on column analysis.trend_latest.tau_b is 'Stratified estimate, as in analysis.pooled';
comment on column analysis.trend_latest.ci_low is 'Lower end of its interval';
comment on column analysis.trend_latest.ci_high is 'Upper end';
comment on column analysis.trend_latest.reason is 'Why there is no result, where there is none';

create table analysis.next_round (
    run_id varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    basis varchar not null,
    tau_b double,
    alpha double,
    power double,
    n bigint,
    half_width double,
    method varchar,
    reason varchar
);
comment on table analysis.next_round is 'How many records the next round needs. One row per run, exposure, outcome, population, basis and power.';
comment on column analysis.next_round.run_id is 'Run';
comment on column analysis.next_round.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.next_round.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.next_round.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.next_round.basis is 'Which tau_b is assumed: the estimate of this run, or the limit of its interval that is nearer to 0';
comment on column analysis.next_round.tau_b is 'The assumed tau_b, with the margins of this run';
comment on column analysis.next_round.alpha is 'Level of the two-sided test';
comment on column analysis.next_round.power is 'Chance to find it';
comment on column analysis.next_round.n is 'Records of one centre (or of one stratum) that this takes';
comment on column analysis.next_round.half_width is 'Half the width that the interval would have then';
comment on column analysis.next_round.method is 'Which test the power is that of, and how it was found';
comment on column analysis.next_round.reason is 'Why there is no result, where there is none';

create or replace view analysis.next_round_latest as
select next_round.*
from analysis.next_round as next_round
semi join meta.latest_run as latest_run on next_round.run_id = latest_run.run_id;
comment on view analysis.next_round_latest is 'analysis.next_round of the run whose results are the latest. One row per exposure, outcome, population, basis and power.';
comment on column analysis.next_round_latest.run_id is 'Run';
comment on column analysis.next_round_latest.exposure is 'Variable of the study, see marts.variables';
comment on column analysis.next_round_latest.outcome is 'Variable of the study, see marts.variables';
comment on column analysis.next_round_latest.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column analysis.next_round_latest.basis is 'Which tau_b is assumed: the estimate of this run, or the limit of its interval that is nearer to 0';
comment on column analysis.next_round_latest.tau_b is 'The assumed tau_b, with the margins of this run';
comment on column analysis.next_round_latest.alpha is 'Level of the two-sided test';
comment on column analysis.next_round_latest.power is 'Chance to find it';
comment on column analysis.next_round_latest.n is 'Records of one centre (or of one stratum) that this takes';
comment on column analysis.next_round_latest.half_width is 'Half the width that the interval would have then';
comment on column analysis.next_round_latest.method is 'Which test the power is that of, and how it was found';
comment on column analysis.next_round_latest.reason is 'Why there is no result, where there is none';

create table marts.centre_positions (
    centre_code varchar not null,
    latitude double not null,
    longitude double not null,
    n bigint not null
);
comment on table marts.centre_positions is 'Where a health centre lies: the middle of where its interviews were held, where the study has a question for the position. One row per centre with a position.';
comment on column marts.centre_positions.centre_code is 'Health centre, see marts.centres';
comment on column marts.centre_positions.latitude is 'Median latitude, degrees north';
comment on column marts.centre_positions.longitude is 'Median longitude, degrees east';
comment on column marts.centre_positions.n is 'Interviews with a position';
