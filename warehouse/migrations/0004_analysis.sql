-- Results: one set of rows per run, never changed afterwards; a view of the latest finished run beside each.

CREATE SCHEMA analysis;

CREATE VIEW meta.latest_run AS
SELECT run_id
FROM meta.runs
WHERE status = 'finished'
ORDER BY finished_at DESC, run_id DESC
LIMIT 1;
COMMENT ON VIEW meta.latest_run IS 'The run that finished last. One row, or none before the first run has finished.';
COMMENT ON COLUMN meta.latest_run.run_id IS 'Run';

CREATE TABLE analysis.kendall (
    run_id VARCHAR NOT NULL,
    centre_code VARCHAR NOT NULL,
    exposure VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    population VARCHAR NOT NULL CHECK (population IN ('all', 'accepted')),
    n BIGINT NOT NULL,
    s BIGINT,
    tau_b DOUBLE,
    z DOUBLE,
    p_value DOUBLE,
    p_exact DOUBLE,
    ci_low DOUBLE,
    ci_high DOUBLE,
    ci_method VARCHAR,
    tau_b_min DOUBLE,
    tau_b_max DOUBLE,
    reason VARCHAR
);
COMMENT ON TABLE analysis.kendall IS 'Kendall''s tau_b between exposure and outcome at one health centre. One row per run, centre, exposure, outcome and population.';
COMMENT ON COLUMN analysis.kendall.run_id IS 'Run';
COMMENT ON COLUMN analysis.kendall.centre_code IS 'Health centre, see marts.centres';
COMMENT ON COLUMN analysis.kendall.exposure IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.kendall.outcome IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.kendall.population IS 'all included rows, or only the accepted ones: those without an open error';
COMMENT ON COLUMN analysis.kendall.n IS 'Rows that have both variables';
COMMENT ON COLUMN analysis.kendall.s IS 'Kendall''s S: concordant minus discordant pairs';
COMMENT ON COLUMN analysis.kendall.tau_b IS 'Kendall''s tau_b, from -1 to 1';
COMMENT ON COLUMN analysis.kendall.z IS 'S divided by its standard deviation under independence, corrected for ties';
COMMENT ON COLUMN analysis.kendall.p_value IS 'Two-sided p of z';
COMMENT ON COLUMN analysis.kendall.p_exact IS 'Two-sided exact p given both margins, P(|S| >= |s|); only for small n';
COMMENT ON COLUMN analysis.kendall.ci_low IS 'Lower end of the 95 % interval of tau_b';
COMMENT ON COLUMN analysis.kendall.ci_high IS 'Upper end of the 95 % interval of tau_b';
COMMENT ON COLUMN analysis.kendall.ci_method IS 'How the interval was made';
COMMENT ON COLUMN analysis.kendall.tau_b_min IS 'Smallest tau_b that the margins allow';
COMMENT ON COLUMN analysis.kendall.tau_b_max IS 'Largest tau_b that the margins allow';
COMMENT ON COLUMN analysis.kendall.reason IS 'Why there is no tau_b, where there is none';

CREATE VIEW analysis.kendall_latest AS
SELECT kendall.*
FROM analysis.kendall AS kendall
SEMI JOIN meta.latest_run AS latest_run ON kendall.run_id = latest_run.run_id;
COMMENT ON VIEW analysis.kendall_latest IS 'analysis.kendall of the run that finished last. One row per centre, exposure, outcome and population.';
COMMENT ON COLUMN analysis.kendall_latest.run_id IS 'Run';
COMMENT ON COLUMN analysis.kendall_latest.centre_code IS 'Health centre, see marts.centres';
COMMENT ON COLUMN analysis.kendall_latest.exposure IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.kendall_latest.outcome IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.kendall_latest.population IS 'all included rows, or only the accepted ones: those without an open error';
COMMENT ON COLUMN analysis.kendall_latest.n IS 'Rows that have both variables';
COMMENT ON COLUMN analysis.kendall_latest.s IS 'Kendall''s S: concordant minus discordant pairs';
COMMENT ON COLUMN analysis.kendall_latest.tau_b IS 'Kendall''s tau_b, from -1 to 1';
COMMENT ON COLUMN analysis.kendall_latest.z IS 'S divided by its standard deviation under independence, corrected for ties';
COMMENT ON COLUMN analysis.kendall_latest.p_value IS 'Two-sided p of z';
COMMENT ON COLUMN analysis.kendall_latest.p_exact IS 'Two-sided exact p given both margins, P(|S| >= |s|); only for small n';
COMMENT ON COLUMN analysis.kendall_latest.ci_low IS 'Lower end of the 95 % interval of tau_b';
COMMENT ON COLUMN analysis.kendall_latest.ci_high IS 'Upper end of the 95 % interval of tau_b';
COMMENT ON COLUMN analysis.kendall_latest.ci_method IS 'How the interval was made';
COMMENT ON COLUMN analysis.kendall_latest.tau_b_min IS 'Smallest tau_b that the margins allow';
COMMENT ON COLUMN analysis.kendall_latest.tau_b_max IS 'Largest tau_b that the margins allow';
COMMENT ON COLUMN analysis.kendall_latest.reason IS 'Why there is no tau_b, where there is none';

CREATE TABLE analysis.pooled (
    run_id VARCHAR NOT NULL,
    exposure VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    population VARCHAR NOT NULL CHECK (population IN ('all', 'accepted')),
    method VARCHAR NOT NULL CHECK (method IN ('stratified', 'naive')),
    centres BIGINT,
    centres_used BIGINT,
    n BIGINT,
    tau_b DOUBLE,
    se DOUBLE,
    z DOUBLE,
    p_value DOUBLE,
    ci_low DOUBLE,
    ci_high DOUBLE,
    ci_method VARCHAR,
    q DOUBLE,
    q_df BIGINT,
    q_p_value DOUBLE,
    i2 DOUBLE,
    reason VARCHAR
);
COMMENT ON TABLE analysis.pooled IS 'The same question across health centres. One row per run, exposure, outcome, population and method.';
COMMENT ON COLUMN analysis.pooled.run_id IS 'Run';
COMMENT ON COLUMN analysis.pooled.exposure IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.pooled.outcome IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.pooled.population IS 'all included rows, or only the accepted ones';
COMMENT ON COLUMN analysis.pooled.method IS 'stratified: pairs within centres only; naive: all rows as if from one centre';
COMMENT ON COLUMN analysis.pooled.centres IS 'Centres with included rows';
COMMENT ON COLUMN analysis.pooled.centres_used IS 'Centres that inform the estimate';
COMMENT ON COLUMN analysis.pooled.n IS 'Rows that have both variables';
COMMENT ON COLUMN analysis.pooled.tau_b IS 'Estimate; stratified: sum of S over the root of the products of pairs untied on x and on y';
COMMENT ON COLUMN analysis.pooled.se IS 'Standard error of the estimate';
COMMENT ON COLUMN analysis.pooled.z IS 'Test statistic';
COMMENT ON COLUMN analysis.pooled.p_value IS 'Two-sided p of z';
COMMENT ON COLUMN analysis.pooled.ci_low IS 'Lower end of the 95 % interval';
COMMENT ON COLUMN analysis.pooled.ci_high IS 'Upper end of the 95 % interval';
COMMENT ON COLUMN analysis.pooled.ci_method IS 'How the interval was made';
COMMENT ON COLUMN analysis.pooled.q IS 'Heterogeneity between centres: Cochran''s Q';
COMMENT ON COLUMN analysis.pooled.q_df IS 'Its degrees of freedom';
COMMENT ON COLUMN analysis.pooled.q_p_value IS 'Its p';
COMMENT ON COLUMN analysis.pooled.i2 IS 'Share of the variation that is between centres, 0 to 1';
COMMENT ON COLUMN analysis.pooled.reason IS 'Why there is no estimate, where there is none';

CREATE VIEW analysis.pooled_latest AS
SELECT pooled.*
FROM analysis.pooled AS pooled
SEMI JOIN meta.latest_run AS latest_run ON pooled.run_id = latest_run.run_id;
COMMENT ON VIEW analysis.pooled_latest IS 'analysis.pooled of the run that finished last. One row per exposure, outcome, population and method.';
COMMENT ON COLUMN analysis.pooled_latest.run_id IS 'Run';
COMMENT ON COLUMN analysis.pooled_latest.exposure IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.pooled_latest.outcome IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.pooled_latest.population IS 'all included rows, or only the accepted ones';
COMMENT ON COLUMN analysis.pooled_latest.method IS 'stratified: pairs within centres only; naive: all rows as if from one centre';
COMMENT ON COLUMN analysis.pooled_latest.centres IS 'Centres with included rows';
COMMENT ON COLUMN analysis.pooled_latest.centres_used IS 'Centres that inform the estimate';
COMMENT ON COLUMN analysis.pooled_latest.n IS 'Rows that have both variables';
COMMENT ON COLUMN analysis.pooled_latest.tau_b IS 'Estimate; stratified: sum of S over the root of the products of pairs untied on x and on y';
COMMENT ON COLUMN analysis.pooled_latest.se IS 'Standard error of the estimate';
COMMENT ON COLUMN analysis.pooled_latest.z IS 'Test statistic';
COMMENT ON COLUMN analysis.pooled_latest.p_value IS 'Two-sided p of z';
COMMENT ON COLUMN analysis.pooled_latest.ci_low IS 'Lower end of the 95 % interval';
COMMENT ON COLUMN analysis.pooled_latest.ci_high IS 'Upper end of the 95 % interval';
COMMENT ON COLUMN analysis.pooled_latest.ci_method IS 'How the interval was made';
COMMENT ON COLUMN analysis.pooled_latest.q IS 'Heterogeneity between centres: Cochran''s Q';
COMMENT ON COLUMN analysis.pooled_latest.q_df IS 'Its degrees of freedom';
COMMENT ON COLUMN analysis.pooled_latest.q_p_value IS 'Its p';
COMMENT ON COLUMN analysis.pooled_latest.i2 IS 'Share of the variation that is between centres, 0 to 1';
COMMENT ON COLUMN analysis.pooled_latest.reason IS 'Why there is no estimate, where there is none';

CREATE TABLE analysis.contingency (
    run_id VARCHAR NOT NULL,
    centre_code VARCHAR NOT NULL,
    exposure VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    population VARCHAR NOT NULL CHECK (population IN ('all', 'accepted')),
    exposure_rank INTEGER NOT NULL,
    outcome_rank INTEGER NOT NULL,
    n BIGINT NOT NULL
);
COMMENT ON TABLE analysis.contingency IS 'The joint table behind each coefficient; every combination of levels, also those with no rows. One row per run, centre, exposure, outcome, population and combination of levels.';
COMMENT ON COLUMN analysis.contingency.run_id IS 'Run';
COMMENT ON COLUMN analysis.contingency.centre_code IS 'Health centre, see marts.centres';
COMMENT ON COLUMN analysis.contingency.exposure IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.contingency.outcome IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.contingency.population IS 'all included rows, or only the accepted ones';
COMMENT ON COLUMN analysis.contingency.exposure_rank IS 'Level of the exposure, 1 is the lowest';
COMMENT ON COLUMN analysis.contingency.outcome_rank IS 'Level of the outcome, 1 is the lowest';
COMMENT ON COLUMN analysis.contingency.n IS 'Rows';

CREATE VIEW analysis.contingency_latest AS
SELECT contingency.*
FROM analysis.contingency AS contingency
SEMI JOIN meta.latest_run AS latest_run ON contingency.run_id = latest_run.run_id;
COMMENT ON VIEW analysis.contingency_latest IS 'analysis.contingency of the run that finished last. One row per centre, exposure, outcome, population and combination of levels.';
COMMENT ON COLUMN analysis.contingency_latest.run_id IS 'Run';
COMMENT ON COLUMN analysis.contingency_latest.centre_code IS 'Health centre, see marts.centres';
COMMENT ON COLUMN analysis.contingency_latest.exposure IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.contingency_latest.outcome IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.contingency_latest.population IS 'all included rows, or only the accepted ones';
COMMENT ON COLUMN analysis.contingency_latest.exposure_rank IS 'Level of the exposure, 1 is the lowest';
COMMENT ON COLUMN analysis.contingency_latest.outcome_rank IS 'Level of the outcome, 1 is the lowest';
COMMENT ON COLUMN analysis.contingency_latest.n IS 'Rows';

CREATE TABLE analysis.frequencies (
    run_id VARCHAR NOT NULL,
    centre_code VARCHAR,
    population VARCHAR NOT NULL CHECK (population IN ('all', 'accepted')),
    variable VARCHAR NOT NULL,
    level VARCHAR NOT NULL,
    level_rank INTEGER NOT NULL,
    n BIGINT NOT NULL,
    percent DOUBLE
);
COMMENT ON TABLE analysis.frequencies IS 'How often each level of each tabulated variable occurs; every level, also those with no rows. One row per run, centre (or all together), population, variable and level.';
COMMENT ON COLUMN analysis.frequencies.run_id IS 'Run';
COMMENT ON COLUMN analysis.frequencies.centre_code IS 'Health centre, see marts.centres; empty: all centres together';
COMMENT ON COLUMN analysis.frequencies.population IS 'all included rows, or only the accepted ones';
COMMENT ON COLUMN analysis.frequencies.variable IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.frequencies.level IS 'Level: the choice as it stands in the data';
COMMENT ON COLUMN analysis.frequencies.level_rank IS 'Its order, 1 is the lowest';
COMMENT ON COLUMN analysis.frequencies.n IS 'Rows';
COMMENT ON COLUMN analysis.frequencies.percent IS 'Share of the rows that have the variable, 0 to 100; empty where none has';

CREATE VIEW analysis.frequencies_latest AS
SELECT frequencies.*
FROM analysis.frequencies AS frequencies
SEMI JOIN meta.latest_run AS latest_run ON frequencies.run_id = latest_run.run_id;
COMMENT ON VIEW analysis.frequencies_latest IS 'analysis.frequencies of the run that finished last. One row per centre (or all together), population, variable and level.';
COMMENT ON COLUMN analysis.frequencies_latest.run_id IS 'Run';
COMMENT ON COLUMN analysis.frequencies_latest.centre_code IS 'Health centre, see marts.centres; empty: all centres together';
COMMENT ON COLUMN analysis.frequencies_latest.population IS 'all included rows, or only the accepted ones';
COMMENT ON COLUMN analysis.frequencies_latest.variable IS 'Variable of the study, see marts.variables';
COMMENT ON COLUMN analysis.frequencies_latest.level IS 'Level: the choice as it stands in the data';
COMMENT ON COLUMN analysis.frequencies_latest.level_rank IS 'Its order, 1 is the lowest';
COMMENT ON COLUMN analysis.frequencies_latest.n IS 'Rows';
COMMENT ON COLUMN analysis.frequencies_latest.percent IS 'Share of the rows that have the variable, 0 to 100; empty where none has';
