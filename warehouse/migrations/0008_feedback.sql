-- What was said back to a Central about its records. The server's own log decides what is done; this is for people, and saves asking twice.

create table quality.feedback (
    run_id varchar not null,
    "at" timestamptz not null,
    source varchar not null,
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    action varchar not null check (
        action in ('flagged', 'said', 'mended', 'left_alone', 'waits', 'nothing', 'gone')
    ),
    state_before varchar,
    state_after varchar,
    rule_ids varchar[] not null,
    comment varchar,
    reason varchar not null,
    is_settled boolean not null,
    updated_at timestamptz
);
comment on table quality.feedback is
    'What was said back to a Central about which record, and what was left alone and why. Append only; dry runs write nothing. One row per record and change.';
comment on column quality.feedback.run_id is 'Run that said it';
comment on column quality.feedback."at" is 'When (UTC)';
comment on column quality.feedback.source is 'The server and project: central:<host>/<project>';
comment on column quality.feedback.form_id is 'Form';
comment on column quality.feedback.submission_id is 'Submission';
comment on column quality.feedback.instance_id is 'instanceID of the version that had been checked';
comment on column quality.feedback.action is
    'flagged: set to hasIssues; said: only a comment; mended: the state went back to what it was; left_alone: a person has decided; waits: '
    'another version is there than was checked; nothing: there was nothing to do; gone: no longer on the server';
comment on column quality.feedback.state_before is 'Review state before; empty for received';
comment on column quality.feedback.state_after is 'Review state afterwards; empty for received';
comment on column quality.feedback.rule_ids is 'Rules with open findings of the chosen severities, sorted; empty: all are mended';
comment on column quality.feedback.comment is 'The comment that was written: rules and questions, never an answer; empty where none was';
comment on column quality.feedback.reason is 'Why, in words';
comment on column quality.feedback.is_settled is 'Seen afterwards on the server: nothing is left to do while neither the record nor its findings change';
comment on column quality.feedback.updated_at is 'What the server then gave as the record''s last change; empty where it never changed';

create view quality.latest_feedback as
select *
from quality.feedback
qualify row_number() over (partition by source, form_id, submission_id order by "at" desc) = 1;
comment on view quality.latest_feedback is 'The last row of quality.feedback for each record. One row per source, form and submission.';
comment on column quality.latest_feedback.run_id is 'Run that said it';
comment on column quality.latest_feedback."at" is 'When (UTC)';
comment on column quality.latest_feedback.source is 'The server and project: central:<host>/<project>';
comment on column quality.latest_feedback.form_id is 'Form';
comment on column quality.latest_feedback.submission_id is 'Submission';
comment on column quality.latest_feedback.instance_id is 'instanceID of the version that had been checked';
comment on column quality.latest_feedback.action is
    'flagged: set to hasIssues; said: only a comment; mended: the state went back to what it was; left_alone: a person has decided; waits: '
    'another version is there than was checked; nothing: there was nothing to do; gone: no longer on the server';
comment on column quality.latest_feedback.state_before is 'Review state before; empty for received';
comment on column quality.latest_feedback.state_after is 'Review state afterwards; empty for received';
comment on column quality.latest_feedback.rule_ids is 'Rules with open findings of the chosen severities, sorted; empty: all are mended';
comment on column quality.latest_feedback.comment is 'The comment that was written: rules and questions, never an answer; empty where none was';
comment on column quality.latest_feedback.reason is 'Why, in words';
comment on column quality.latest_feedback.is_settled is 'Seen afterwards on the server: nothing is left to do while neither the record nor its findings change';
comment on column quality.latest_feedback.updated_at is 'What the server then gave as the record''s last change; empty where it never changed';
