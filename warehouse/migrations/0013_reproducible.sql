-- What a run is compared with, and what came of it: rows of the analysis by why they changed, and results before and after.

alter table meta.runs add column compared_with varchar;
comment on column meta.runs.compared_with is
    'The finished run that meta.changes and meta.result_changes of this one start from; empty for the first, and for runs that only land';

create table meta.analysed_rows (
    run_id varchar not null,
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    payload_sha256 varchar not null,
    form_version varchar not null,
    state varchar not null,
    is_included boolean not null,
    is_accepted boolean,
    row_hash varchar,
    decisions varchar[] not null,
    kept_out_by varchar[] not null,
    change varchar check (change in ('new', 'gone', 'changed')),
    cause varchar
);
comment on table meta.analysed_rows is
    'What the latest finished run made of each submission of the study''s form, and from what: the next run compares. '
    'Private; made anew at the end of every run. One row per submission of the study''s form.';
comment on column meta.analysed_rows.run_id is 'The run; the same in all rows';
comment on column meta.analysed_rows.form_id is 'Form of the study';
comment on column meta.analysed_rows.submission_id is 'Submission, see staging.submissions';
comment on column meta.analysed_rows.instance_id is 'instanceID of its current version';
comment on column meta.analysed_rows.payload_sha256 is 'SHA-256 of the payload of that version';
comment on column meta.analysed_rows.form_version is 'Form version of that version';
comment on column meta.analysed_rows.state is 'As in staging.submissions';
comment on column meta.analysed_rows.is_included is 'It is a row of marts.analysed';
comment on column meta.analysed_rows.is_accepted is 'No open finding keeps it out; empty where it is not included';
comment on column meta.analysed_rows.row_hash is 'Hash of its centre and levels in marts.analysed; empty where it is not included';
comment on column meta.analysed_rows.decisions is 'Decisions of people that are applied to it, sorted';
comment on column meta.analysed_rows.kept_out_by is 'Rules with open findings that keep it out of the accepted population, sorted';
comment on column meta.analysed_rows.change is
    'What became of its row since the run before: new, gone or changed (another centre or level, or accepted or not); empty where it is the same';
comment on column meta.analysed_rows.cause is 'Why, see meta.changes; empty where nothing changed';

create table meta.changes (
    run_id varchar not null,
    change varchar not null check (change in ('new', 'gone', 'changed')),
    cause varchar not null check (
        cause in (
            'new submission', 'edited submission', 'deletion', 'decision', 'review state', 'finding', 'form version', 'schemas',
            'code', 'unexplained'
        )
    ),
    n bigint not null
);
comment on table meta.changes is
    'How many rows of marts.analysed are new, gone or changed since the run before, and why; each row has one cause. '
    'Nothing for a run that changed nothing. One row per run, change and cause.';
comment on column meta.changes.run_id is 'Run; meta.runs.compared_with names the one before';
comment on column meta.changes.change is 'new, gone, or changed: another centre or level, or accepted or not';
comment on column meta.changes.cause is
    'new submission; edited submission (on the phone or on Central); deletion (or erased); decision (people corrected, dropped or accepted, or took that back); '
    'review state (rejected on Central, or no longer); finding (opened or mended though neither the record nor its decisions changed: '
    'another record did); form version (came, or came otherwise); schemas (a file in schemas/ changed); code; unexplained';
comment on column meta.changes.n is 'Rows';

create table meta.result_changes (
    run_id varchar not null,
    exposure varchar not null,
    outcome varchar not null,
    population varchar not null check (population in ('all', 'accepted')),
    result varchar not null check (result in ('stratified', 'random effects')),
    n_before bigint,
    n bigint,
    tau_b_before double,
    tau_b double,
    ci_low_before double,
    ci_low double,
    ci_high_before double,
    ci_high double
);
comment on table meta.result_changes is
    'The headline results of a run beside those of the run before. One row per run, exposure, outcome, population and result.';
comment on column meta.result_changes.run_id is 'Run; meta.runs.compared_with names the one before';
comment on column meta.result_changes.exposure is 'Variable of the study, see marts.variables';
comment on column meta.result_changes.outcome is 'Variable of the study, see marts.variables';
comment on column meta.result_changes.population is 'all included rows, or only the accepted ones: those without an open error';
comment on column meta.result_changes.result is 'stratified: of analysis.pooled; random effects: of analysis.random_effects';
comment on column meta.result_changes.n_before is 'Rows that had both variables; empty where the run before had no such result';
comment on column meta.result_changes.n is 'Rows that have both variables; empty where this run has no such result';
comment on column meta.result_changes.tau_b_before is 'Estimate of the run before';
comment on column meta.result_changes.tau_b is 'Estimate';
comment on column meta.result_changes.ci_low_before is 'Lower end of its interval, of the run before';
comment on column meta.result_changes.ci_low is 'Lower end of its interval';
comment on column meta.result_changes.ci_high_before is 'Upper end, of the run before';
comment on column meta.result_changes.ci_high is 'Upper end';
