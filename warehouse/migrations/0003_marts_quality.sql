-- What the checks say, and the marts, which warehouse/marts/*.sql fill anew in every run (marts.analysed, whose columns are the
-- study's variables, is made there whole). quality.findings reads from marts.submissions who asked and where.

create schema marts;

create table marts.submissions (
    form_id varchar not null,
    submission_id varchar not null,
    centre_code varchar,
    enumerator_code varchar,
    subject_code varchar,
    day date,
    status varchar not null,
    is_consented boolean,
    is_included boolean,
    is_accepted boolean not null,
    open_errors bigint not null,
    open_warnings bigint not null
);
comment on table marts.submissions is 'Every staged submission with its part in the study. One row per submission.';
comment on column marts.submissions.form_id is 'Form';
comment on column marts.submissions.submission_id is 'Submission, see staging.submissions';
comment on column marts.submissions.centre_code is 'Health centre; empty where none was given, and for forms outside the study';
comment on column marts.submissions.enumerator_code is 'Who asked';
comment on column marts.submissions.subject_code is 'Study code of the respondent';
comment on column marts.submissions.day is 'Day of the interview by the phone''s clock; empty where the form''s day is a direct identifier';
comment on column marts.submissions.status is 'finalised or unknown';
comment on column marts.submissions.is_consented is 'The answer to the consent question means yes; true where the study asks none, empty outside the study';
comment on column marts.submissions.is_included is 'Consented, has a centre, and the study counts it; empty outside the study';
comment on column marts.submissions.is_accepted is 'Has no open finding of severity error';
comment on column marts.submissions.open_errors is 'Open findings of severity error';
comment on column marts.submissions.open_warnings is 'Open findings of severity warning';

create table marts.centres (
    centre_code varchar not null,
    labels map(varchar, varchar),
    properties map(varchar, varchar)
);
comment on table marts.centres is 'Health centres: those the form offers, and any other code in the data. One row per centre.';
comment on column marts.centres.centre_code is 'Health centre as it stands in the data';
comment on column marts.centres.labels is 'Its name, by language; empty for a code that no list offers';
comment on column marts.centres.properties is 'Other columns of the list';

create table marts.arrivals (
    centre_code varchar,
    submissions bigint not null,
    not_consented bigint not null,
    included bigint not null,
    set_aside bigint not null,
    accepted bigint not null
);
comment on table marts.arrivals is 'What came in from each centre and what became of it. One row per centre, and one for submissions that name none.';
comment on column marts.arrivals.centre_code is 'Health centre; empty where none was given';
comment on column marts.arrivals.submissions is 'Staged submissions of the study''s form';
comment on column marts.arrivals.not_consented is 'Of these: consent refused or not given';
comment on column marts.arrivals.included is 'Of these: counted by the study';
comment on column marts.arrivals.set_aside is 'Of the included: with an open error, and so not accepted';
comment on column marts.arrivals.accepted is 'Of the included: without an open error';

create table marts.variables (
    variable varchar not null,
    position integer not null,
    level varchar not null,
    level_rank integer not null,
    labels map(varchar, varchar),
    level_labels map(varchar, varchar)
);
comment on table marts.variables is 'The ordered variables of the study. One row per variable and level.';
comment on column marts.variables.variable is 'Variable, as study.yml calls it';
comment on column marts.variables.position is 'Its place in study.yml, from 1';
comment on column marts.variables.level is 'Level: the choice as it stands in the data';
comment on column marts.variables.level_rank is 'Its order, 1 is the lowest';
comment on column marts.variables.labels is 'The variable in words, by language';
comment on column marts.variables.level_labels is 'The level in words, by language';

create table marts.set_aside (
    form_id varchar not null,
    rule_id varchar not null,
    kind varchar,
    field varchar,
    severity varchar not null,
    messages map(varchar, varchar),
    findings bigint not null,
    submissions bigint not null,
    included bigint not null
);
comment on table marts.set_aside is 'Why rows are set aside: rules with open findings of severity error. One row per form and rule.';
comment on column marts.set_aside.form_id is 'Form';
comment on column marts.set_aside.rule_id is 'Rule, see quality.rules';
comment on column marts.set_aside.kind is 'Kind of the rule';
comment on column marts.set_aside.field is 'Place of the question in the form';
comment on column marts.set_aside.severity is 'error';
comment on column marts.set_aside.messages is 'What a person reads, by language';
comment on column marts.set_aside.findings is 'Open findings';
comment on column marts.set_aside.submissions is 'Submissions with one';
comment on column marts.set_aside.included is 'Of these: submissions that the study would count';

create schema quality;
create table quality.rules (
    form_id varchar,
    form_version varchar,
    table_name varchar,
    rule_id varchar not null,
    kind varchar not null check (
        kind in (
            'type', 'required', 'relevant', 'constraint', 'choice', 'calculation', 'declared', 'set', 'unknown_node'
        )
    ),
    field varchar,
    severity varchar not null check (severity in ('error', 'warning')),
    messages map(varchar, varchar),
    expression varchar
);
comment on table quality.rules is 'What is checked. One row per rule and form version; rules over the whole set have no version.';
comment on column quality.rules.form_id is 'Form';
comment on column quality.rules.form_version is 'Form version; empty for a rule over all versions';
comment on column quality.rules.table_name is 'Table whose rows are checked';
comment on column quality.rules.rule_id is 'Rule: column and kind, or the name it has in checks.yml';
comment on column quality.rules.kind is 'type, required, relevant, constraint, choice, calculation, declared, set or unknown_node';
comment on column quality.rules.field is 'Place of the question in the form';
comment on column quality.rules.severity is 'error: keeps the row out of the accepted population; warning: does not';
comment on column quality.rules.messages is 'What a person reads, by language';
comment on column quality.rules.expression is 'The form''s own expression (XPath), or that of checks.yml';

create table quality.unverified (
    form_id varchar,
    form_version varchar,
    field varchar,
    kind varchar,
    expression varchar,
    reason varchar
);
comment on table quality.unverified is 'What a form says and cannot be checked afterwards. One row per form version, field and kind of rule.';
comment on column quality.unverified.form_id is 'Form';
comment on column quality.unverified.form_version is 'Form version';
comment on column quality.unverified.field is 'Place of the question in the form';
comment on column quality.unverified.kind is 'Kind of the rule';
comment on column quality.unverified.expression is 'The form''s own expression (XPath)';
comment on column quality.unverified.reason is 'Why it cannot be checked';

create table quality.finding_events (
    finding_id varchar not null,
    run_id varchar not null,
    event varchar not null check (event in ('opened', 'mended', 'reopened')),
    "at" timestamptz not null,
    form_id varchar not null,
    submission_id varchar not null,
    "row" varchar not null,
    rule_id varchar not null
);
comment on table quality.finding_events is 'The life of every finding; nothing here is changed or removed. One row per finding and change.';
comment on column quality.finding_events.finding_id is 'First 16 hex digits of SHA-256 over form, submission, row and rule: the same problem has the same id in every run';
comment on column quality.finding_events.run_id is 'Run that saw it';
comment on column quality.finding_events.event is 'opened, mended or reopened';
comment on column quality.finding_events."at" is 'When (UTC)';
comment on column quality.finding_events.form_id is 'Form';
comment on column quality.finding_events.submission_id is 'Submission';
comment on column quality.finding_events."row" is 'Row of the repeat; empty for the form''s own table';
comment on column quality.finding_events.rule_id is 'Rule';

-- A rule is worded as in the form version of the submission; where that version has no such rule, as in the last that has.
create view quality.findings as
with
events as (
    select * from quality.finding_events
),

latest_events as (
    select
        finding_id,
        form_id,
        submission_id,
        "row",
        rule_id,
        event,
        "at",
        run_id,
        first_value("at") over (partition by finding_id order by "at", run_id) as first_seen_at,
        first_value(run_id) over (partition by finding_id order by "at", run_id) as first_seen_run
    from events
    qualify row_number() over (partition by finding_id order by "at" desc, run_id desc) = 1
),

worded as (
    select
        latest_events.*,
        rules.kind,
        rules.field,
        rules.severity,
        rules.messages
    from latest_events
    left join staging.submissions as submissions
        on latest_events.form_id = submissions.form_id and latest_events.submission_id = submissions.submission_id
    left join quality.rules as rules
        on latest_events.rule_id = rules.rule_id
        and (rules.form_id is null or latest_events.form_id = rules.form_id)
    qualify row_number() over (
        partition by latest_events.finding_id
        order by
            (rules.form_version is not distinct from submissions.form_version) desc,
            rules.form_version desc nulls last
    ) = 1
),

final as (
    select
        worded.finding_id,
        worded.form_id,
        worded.submission_id,
        worded."row",
        worded.rule_id,
        worded.kind,
        worded.field,
        -- a rule that is no longer known was an error until somebody says otherwise
        coalesce(worded.severity, 'error') as severity,
        worded.messages,
        whose.enumerator_code,
        whose.centre_code,
        case worded.event when 'mended' then 'mended' else 'open' end as status,
        worded.first_seen_at,
        worded.first_seen_run,
        worded."at" as changed_at,
        worded.run_id as changed_run
    from worded
    left join marts.submissions as whose
        on worded.form_id = whose.form_id and worded.submission_id = whose.submission_id
)

select * from final;
comment on view quality.findings is 'What the checks found, as it stands now: rule and place, never the answer. One row per finding.';
comment on column quality.findings.finding_id is 'The same problem has the same id in every run';
comment on column quality.findings.form_id is 'Form';
comment on column quality.findings.submission_id is 'Submission';
comment on column quality.findings."row" is 'Row of the repeat; empty for the form''s own table';
comment on column quality.findings.rule_id is 'Rule, see quality.rules';
comment on column quality.findings.kind is 'Kind of the rule';
comment on column quality.findings.field is 'Place of the question in the form';
comment on column quality.findings.severity is 'error: keeps the row out of the accepted population; warning: does not';
comment on column quality.findings.messages is 'What a person reads, by language';
comment on column quality.findings.enumerator_code is 'Who asked';
comment on column quality.findings.centre_code is 'Health centre';
comment on column quality.findings.status is 'open or mended';
comment on column quality.findings.first_seen_at is 'When it was first seen (UTC)';
comment on column quality.findings.first_seen_run is 'Run that saw it first';
comment on column quality.findings.changed_at is 'When its status last changed (UTC)';
comment on column quality.findings.changed_run is 'Run that changed its status last';
