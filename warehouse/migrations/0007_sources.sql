-- What comparing the sources of one submission shows is a finding too. DuckDB cannot alter a check, so the table is made anew.

alter table quality.rules rename to rules_before;
create table quality.rules (
    form_id varchar,
    form_version varchar,
    table_name varchar,
    rule_id varchar not null,
    kind varchar not null check (
        kind in (
            'type', 'required', 'relevant', 'constraint', 'choice', 'calculation', 'declared', 'set', 'unknown_node',
            'source'
        )
    ),
    field varchar,
    severity varchar not null check (severity in ('error', 'warning')),
    messages map(varchar, varchar),
    expression varchar
);
insert into quality.rules by name select * from quality.rules_before;
drop table quality.rules_before;
comment on table quality.rules is 'What is checked. One row per rule and form version; rules over the whole set have no version.';
comment on column quality.rules.form_id is 'Form';
comment on column quality.rules.form_version is 'Form version; empty for a rule over all versions';
comment on column quality.rules.table_name is 'Table whose rows are checked';
comment on column quality.rules.rule_id is 'Rule: column and kind, or the name it has in checks.yml';
comment on column quality.rules.kind is 'type, required, relevant, constraint, choice, calculation, declared, set, unknown_node or source';
comment on column quality.rules.field is 'Column that the rule is about, see staging.codebook; empty for a rule about several';
comment on column quality.rules.severity is 'error: keeps the row out of the accepted population; warning: does not';
comment on column quality.rules.messages is 'What a person reads, by language';
comment on column quality.rules.expression is 'The form''s own expression (XPath), or that of checks.yml';

-- Collect's audit logs. A schema of their own: the names of tables in staging are the forms'.
create schema audit_log;
create table audit_log.files (
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    sha256 varchar not null,
    problem varchar
);
comment on table audit_log.files is
    'Audit logs that came with the current versions of staged submissions. Private. One row per submission that has one.';
comment on column audit_log.files.form_id is 'Form';
comment on column audit_log.files.submission_id is 'Submission, see staging.submissions';
comment on column audit_log.files.instance_id is 'instanceID of the version that it came with';
comment on column audit_log.files.sha256 is 'SHA-256 of its content';
comment on column audit_log.files.problem is
    'Why it could not be read, and so has no events: torn, foreign (not as Collect writes it), or absent; empty where it was read';

create table audit_log.events (
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    position integer not null,
    event varchar not null,
    node varchar,
    started_at timestamptz not null,
    ended_at timestamptz,
    seconds double,
    latitude double,
    longitude double,
    accuracy double,
    old_value varchar,
    new_value varchar,
    user_name varchar,
    change_reason varchar
);
comment on table audit_log.events is
    'What the enumerator did on the phone, and when by its clock, from Collect''s audit log of the current version. '
    'As private as the answers. One row per submission and event.';
comment on column audit_log.events.form_id is 'Form';
comment on column audit_log.events.submission_id is 'Submission, see staging.submissions';
comment on column audit_log.events.instance_id is 'instanceID of the version that the log came with';
comment on column audit_log.events.position is 'Place in the log, from 1';
comment on column audit_log.events.event is 'question, group questions, jump, form save … as Collect names it';
comment on column audit_log.events.node is 'Place in the form, as an XPath from its root; empty for events of the form';
comment on column audit_log.events.started_at is 'When it began';
comment on column audit_log.events.ended_at is 'When the question or screen was left; empty for what has no duration';
comment on column audit_log.events.seconds is 'Between the two';
comment on column audit_log.events.latitude is 'Where the phone was, in degrees; empty where the form does not ask for it';
comment on column audit_log.events.longitude is 'Where the phone was, in degrees';
comment on column audit_log.events.accuracy is 'Accuracy of that, in metres';
comment on column audit_log.events.old_value is 'Answer before; empty text: none. Empty where it did not change, or the form does not track changes';
comment on column audit_log.events.new_value is 'Answer after; empty text: it was taken away';
comment on column audit_log.events.user_name is 'Who said to be holding the phone, where the form asks';
comment on column audit_log.events.change_reason is 'Why a saved form was changed, where the form asks';

create view marts.question_seconds as
with
visits as (
    select
        form_id,
        submission_id,
        event,
        -- below the root and without places in repeats: as staging.codebook has it
        regexp_replace(regexp_replace(node, '^/[^/]+/', ''), '\[[0-9]+\]', '', 'g') as path,
        seconds
    from audit_log.events
    where event in ('question', 'group questions') and seconds is not null
),

submissions as (
    select
        form_id,
        submission_id,
        event,
        path,
        count(*) as visits,
        sum(seconds) as seconds
    from visits
    group by all
),

final as (
    select
        form_id,
        path,
        event,
        count(*) as submissions,
        cast(sum(visits) as bigint) as visits,
        median(seconds) as median_seconds,
        quantile_cont(seconds, 0.9) as p90_seconds
    from submissions
    group by all
)

select * from final;
comment on view marts.question_seconds is
    'How long each question takes, from the audit logs. Questions shown together on one screen are logged as their group. '
    'Private. One row per form and question or group.';
comment on column marts.question_seconds.form_id is 'Form';
comment on column marts.question_seconds.path is 'Place in the form below its root node, see staging.codebook';
comment on column marts.question_seconds.event is 'question, or group questions for a screen of several';
comment on column marts.question_seconds.submissions is 'Submissions in which it was shown';
comment on column marts.question_seconds.visits is 'How often it was shown in all';
comment on column marts.question_seconds.median_seconds is 'Median over these submissions of the seconds spent there, all visits together';
comment on column marts.question_seconds.p90_seconds is '90th percentile of the same';

create schema entities;

create table marts.arrival_times (
    form_id varchar not null,
    submission_id varchar not null,
    centre_code varchar,
    enumerator_code varchar,
    device varchar,
    started_at timestamptz,
    finished_at timestamptz,
    received_at timestamptz,
    landed_at timestamptz not null,
    lag_hours double,
    is_clock_ahead boolean,
    is_clock_behind boolean
);
comment on table marts.arrival_times is
    'When each staged submission was filled by the phone''s clock and arrived by the server''s. Private. One row per submission.';
comment on column marts.arrival_times.form_id is 'Form';
comment on column marts.arrival_times.submission_id is 'Submission, see staging.submissions';
comment on column marts.arrival_times.centre_code is 'Health centre; empty where none was given, and for forms outside the study';
comment on column marts.arrival_times.enumerator_code is 'Who asked';
comment on column marts.arrival_times.device is 'What the phone calls itself: to Central, else in the form''s deviceid; empty where neither says';
comment on column marts.arrival_times.started_at is 'When the form was opened first, by the phone''s clock; empty where the form does not keep it';
comment on column marts.arrival_times.finished_at is 'When its current version was finished, by the phone''s clock; empty where the form does not keep it';
comment on column marts.arrival_times.received_at is 'When Central first took the submission in; empty where only phones have brought it';
comment on column marts.arrival_times.landed_at is 'When it first landed here, whichever way';
comment on column marts.arrival_times.lag_hours is
    'Hours between the two; less than 0 where the phone''s clock is ahead. Empty for an edited submission: its first finishing is not known';
comment on column marts.arrival_times.is_clock_ahead is
    'Its current version was finished more than 10 minutes after Central took it in; empty where either is not known';
comment on column marts.arrival_times.is_clock_behind is
    'Finished before it was started, or before there was any ODK Collect (2010): the clock was set back, or lost its day. A clock that is '
    'merely slow cannot be told from a long way to the network. Empty where the form keeps no times';

create table marts.last_seen (
    kind varchar not null check (kind in ('centre', 'enumerator', 'device')),
    code varchar not null,
    submissions bigint not null,
    last_received_at timestamptz,
    last_finished_at timestamptz,
    last_landed_at timestamptz,
    median_lag_hours double,
    max_lag_hours double,
    clock_errors bigint not null
);
comment on table marts.last_seen is
    'Who has not been heard of for long, and whose clock is wrong. Centres that never sent anything are here too. Private. '
    'One row per centre, enumerator and device.';
comment on column marts.last_seen.kind is 'centre, enumerator or device';
comment on column marts.last_seen.code is 'Its code in the data, or what the phone calls itself';
comment on column marts.last_seen.submissions is 'Staged submissions from there';
comment on column marts.last_seen.last_received_at is 'When Central took in the latest of them';
comment on column marts.last_seen.last_finished_at is 'When the latest of them was finished, by the phone''s clock; clock errors aside';
comment on column marts.last_seen.last_landed_at is 'When the latest of them landed here, whichever way';
comment on column marts.last_seen.median_lag_hours is 'Median hours between finishing and arriving on Central, clock errors aside; empty where it is known of none';
comment on column marts.last_seen.max_lag_hours is 'The most hours between finishing and arriving on Central, clock errors aside';
comment on column marts.last_seen.clock_errors is 'Submissions whose times cannot be true: is_clock_ahead or is_clock_behind in marts.arrival_times';
