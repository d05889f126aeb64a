-- The mirror of ODK Central: what a server says of its rows beside their answers, what is known of its state, and the line that proves it.

create table raw.submission_states (
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar,
    edits bigint not null,
    submitted_at timestamptz not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_purged boolean not null,
    review_state varchar,
    attachments_present bigint not null,
    attachments_expected bigint not null,
    submitter_id varchar,
    submitter_name varchar,
    device_id varchar,
    source varchar not null,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.submission_states is
    'What a Central said of a submission beside its answers, each time it said something else. Private. Append only. One row per change.';
comment on column raw.submission_states.form_id is 'The form.';
comment on column raw.submission_states.submission_id is 'The first instanceID of its chain of edits: Central''s __id.';
comment on column raw.submission_states.instance_id is 'The instanceID of its current version; empty where it was deleted before anyone saw it.';
comment on column raw.submission_states.edits is 'How often it was edited.';
comment on column raw.submission_states.submitted_at is 'When the server took it in; another time where it was purged and sent again.';
comment on column raw.submission_states.updated_at is 'When it was last edited or reviewed; empty before the first time.';
comment on column raw.submission_states.deleted_at is 'When it was deleted on the server; empty while it is not.';
comment on column raw.submission_states.is_purged is 'It was deleted, and the server no longer has it at all.';
comment on column raw.submission_states.review_state is 'hasIssues, edited, approved or rejected; empty for received.';
comment on column raw.submission_states.attachments_present is 'Files that the server has for its current version.';
comment on column raw.submission_states.attachments_expected is 'Files that its current version names.';
comment on column raw.submission_states.submitter_id is 'The account that sent it.';
comment on column raw.submission_states.submitter_name is 'That account''s name on the server.';
comment on column raw.submission_states.device_id is 'What the phone calls itself.';
comment on column raw.submission_states.source is 'The server and project: central:<host>/<project>.';
comment on column raw.submission_states.landed_at is 'When this was first seen.';
comment on column raw.submission_states.run_id is 'The run that saw it.';

create view raw.latest_submission_states as
select *
from raw.submission_states
qualify row_number() over (partition by source, form_id, submission_id order by landed_at desc) = 1;
comment on view raw.latest_submission_states is 'What each Central says of each submission now. Private. One row per source, form and submission.';
comment on column raw.latest_submission_states.form_id is 'The form.';
comment on column raw.latest_submission_states.submission_id is 'The first instanceID of its chain of edits: Central''s __id.';
comment on column raw.latest_submission_states.instance_id is 'The instanceID of its current version; empty where it was deleted before anyone saw it.';
comment on column raw.latest_submission_states.edits is 'How often it was edited.';
comment on column raw.latest_submission_states.submitted_at is 'When the server took it in; another time where it was purged and sent again.';
comment on column raw.latest_submission_states.updated_at is 'When it was last edited or reviewed; empty before the first time.';
comment on column raw.latest_submission_states.deleted_at is 'When it was deleted on the server; empty while it is not.';
comment on column raw.latest_submission_states.is_purged is 'It was deleted, and the server no longer has it at all.';
comment on column raw.latest_submission_states.review_state is 'hasIssues, edited, approved or rejected; empty for received.';
comment on column raw.latest_submission_states.attachments_present is 'Files that the server has for its current version.';
comment on column raw.latest_submission_states.attachments_expected is 'Files that its current version names.';
comment on column raw.latest_submission_states.submitter_id is 'The account that sent it.';
comment on column raw.latest_submission_states.submitter_name is 'That account''s name on the server.';
comment on column raw.latest_submission_states.device_id is 'What the phone calls itself.';
comment on column raw.latest_submission_states.source is 'The server and project: central:<host>/<project>.';
comment on column raw.latest_submission_states.landed_at is 'When this was first seen.';
comment on column raw.latest_submission_states.run_id is 'The run that saw it.';

create table raw.submission_versions (
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    created_at timestamptz not null,
    submitter_id varchar,
    submitter_name varchar,
    device_id varchar,
    user_agent varchar,
    source varchar not null,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.submission_versions is
    'Who made each version of a submission on a Central, and when; its answers stand in raw.submissions, where changed_at is created_at. '
    'One that was purged and sent again under its old id is another version. Private. Append only. One row per source, form, version and time.';
comment on column raw.submission_versions.form_id is 'The form.';
comment on column raw.submission_versions.submission_id is 'The first instanceID of its chain of edits.';
comment on column raw.submission_versions.instance_id is 'The instanceID of this version.';
comment on column raw.submission_versions.created_at is 'When the server took this version in; never before the submission.';
comment on column raw.submission_versions.submitter_id is 'The account that made it.';
comment on column raw.submission_versions.submitter_name is 'That account''s name on the server.';
comment on column raw.submission_versions.device_id is 'What the phone or browser calls itself.';
comment on column raw.submission_versions.user_agent is 'The program it was made with.';
comment on column raw.submission_versions.source is 'The server and project: central:<host>/<project>.';
comment on column raw.submission_versions.landed_at is 'When this was first seen.';
comment on column raw.submission_versions.run_id is 'The run that saw it.';

create table raw.entities (
    list_name varchar not null,
    entity_id varchar not null,
    version bigint not null,
    label varchar,
    properties map(varchar, varchar),
    created_at timestamptz not null,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_purged boolean not null,
    creator_name varchar,
    source varchar not null,
    landed_at timestamptz not null,
    run_id varchar not null
);
comment on table raw.entities is
    'Every version of every entity that was seen on a Central, every property as text. Private. Append only. One row per change.';
comment on column raw.entities.list_name is 'The entity list.';
comment on column raw.entities.entity_id is 'The entity''s UUID.';
comment on column raw.entities.version is 'Its version, 1 is the first.';
comment on column raw.entities.label is 'Its label.';
comment on column raw.entities.properties is 'Its properties.';
comment on column raw.entities.created_at is 'When it was made.';
comment on column raw.entities.updated_at is 'When it was last changed; empty before the first time.';
comment on column raw.entities.deleted_at is 'When it was deleted on the server; empty while it is not.';
comment on column raw.entities.is_purged is 'It was deleted, and the server no longer has it at all.';
comment on column raw.entities.creator_name is 'The account that made it.';
comment on column raw.entities.source is 'The server and project: central:<host>/<project>.';
comment on column raw.entities.landed_at is 'When this was first seen.';
comment on column raw.entities.run_id is 'The run that saw it.';

-- A file that the server no longer has: a row without content.
alter table raw.attachments alter column sha256 drop not null;
alter table raw.attachments alter column size_bytes drop not null;
alter table raw.attachments add column etag varchar;
comment on column raw.attachments.sha256 is 'SHA-256 of its content, in hexadecimal digits; empty: from then on the source no longer had it.';
comment on column raw.attachments.size_bytes is 'Its size in bytes; empty where the source no longer had it.';
comment on column raw.attachments.etag is 'What the server calls this content; empty where it did not say.';

-- Which version of a submission a refused payload is: it is counted with its form, and not fetched again.
alter table raw.refused add column form_id varchar;
alter table raw.refused add column instance_id varchar;
comment on table raw.refused is
    'Files that could not be taken in; their bytes lie in refused/<sha256> of the data folder. Private. '
    'One row per source, content and place in the imported folder.';
comment on column raw.refused.form_id is 'The form of the submission that a server gave this as; empty for files of folders.';
comment on column raw.refused.instance_id is 'The instanceID of the version that a server gave this as the payload of; empty for every other file.';

comment on table raw.attachments is
    'Files that came with submissions; their bytes lie in attachments/<first two digits>/<sha256> of the data folder. '
    'Private. Of a Central''s the last content of a name stands. One row per source, form, instance, file name and content; of a Central''s one per change.';

create table meta.positions (
    source varchar not null,
    kind varchar not null check (kind in ('submissions', 'entities', 'attachment events')),
    name varchar not null,
    seen_until timestamptz,
    etag varchar,
    swept_until varchar,
    sweep_began_at timestamptz,
    swept_at timestamptz,
    run_id varchar not null
);
comment on table meta.positions is
    'How far each source has been read. Written only after everything up to there has landed. One row per source, kind and form or entity list.';
comment on column meta.positions.source is 'The server and project: central:<host>/<project>.';
comment on column meta.positions.kind is 'What is read: submissions of a form, entities of a list, or the server''s log of attachments.';
comment on column meta.positions.name is 'The form or the entity list; empty for the log.';
comment on column meta.positions.seen_until is 'The newest time of the server among what has landed.';
comment on column meta.positions.etag is 'What the server called the state that was last proven equal.';
comment on column meta.positions.swept_until is 'The slow sweep of attachments: the last submission that was looked at.';
comment on column meta.positions.sweep_began_at is 'When the sweep that is under way began.';
comment on column meta.positions.swept_at is 'When the last whole sweep began: replaced files older than that have been found.';
comment on column meta.positions.run_id is 'The run that wrote it.';

alter table meta.runs add column reconciled struct(
    source varchar, kind varchar, form_id varchar, server bigint, warehouse bigint, refused bigint, missing bigint, extra bigint, note varchar
)[];
comment on column meta.runs.reconciled is
    'The line that ends every run, for each form (and entity list: kind says which) on each Central: live ones on the server, live ones here, '
    'those refused with a reason, missing here, extra here.';

create view meta.reconciliations as
select
    runs.run_id,
    runs.started_at,
    line.source,
    line.kind,
    line.form_id,
    line.server,
    line.warehouse,
    line.refused,
    line.missing,
    line.extra,
    line.note
from meta.runs as runs, unnest(runs.reconciled) as lines (line);
comment on view meta.reconciliations is 'meta.runs.reconciled, line by line. One row per run, source and form or entity list.';
comment on column meta.reconciliations.run_id is 'Run';
comment on column meta.reconciliations.started_at is 'When the run started (UTC)';
comment on column meta.reconciliations.source is 'The server and project: central:<host>/<project>';
comment on column meta.reconciliations.kind is 'submissions of a form, entities of a list, or gone: what the server no longer has';
comment on column meta.reconciliations.form_id is 'The form, or the entity list';
comment on column meta.reconciliations.server is 'Live ones on the server';
comment on column meta.reconciliations.warehouse is 'Live ones here whose current version has landed from that source';
comment on column meta.reconciliations.refused is 'Live ones here whose current version was refused; raw.refused says why';
comment on column meta.reconciliations.missing is 'Live on the server, and its current version neither landed nor refused; entities: at another version here';
comment on column meta.reconciliations.extra is 'Live here, and not on the server';
comment on column meta.reconciliations.note is 'What else is to be said: how up to date the files are';

-- Deleted on the server, and what its reviewers say. Made anew from raw in every run, so it may be dropped.
drop table staging.submissions;
create table staging.submissions (
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    form_version varchar not null,
    payload_sha256 varchar not null,
    status varchar not null,
    state varchar not null check (state in ('staged', 'draft', 'waiting', 'deleted')),
    version_count bigint not null,
    source varchar,
    first_landed_at timestamptz not null,
    changed_at timestamptz,
    received_at timestamptz,
    device_id varchar,
    submitter_name varchar,
    review_state varchar
);
comment on table staging.submissions is 'Every submission with its current version, its chain of edits resolved. One row per submission.';
comment on column staging.submissions.form_id is 'Form';
comment on column staging.submissions.submission_id is 'First instanceID of the chain of edits, landed or only named: it stays while edits come and go';
comment on column staging.submissions.instance_id is 'instanceID of the current version';
comment on column staging.submissions.form_version is 'Form version of the current version';
comment on column staging.submissions.payload_sha256 is 'SHA-256 of the current version''s payload';
comment on column staging.submissions.status is 'finalised, draft, or unknown, of the current version';
comment on column staging.submissions.state is
    'staged: its answers stand in staging; draft: only drafts have landed; waiting: its form version is not known yet; deleted: on every Central that had it';
comment on column staging.submissions.version_count is 'Versions of it that have landed, drafts included';
comment on column staging.submissions.source is 'Where the current version came from';
comment on column staging.submissions.first_landed_at is 'When the first version landed (UTC)';
comment on column staging.submissions.changed_at is 'When the source says that the current version was last changed (UTC); empty if it does not say';
comment on column staging.submissions.received_at is 'When Central first took it in (UTC); empty where only phones have brought it';
comment on column staging.submissions.device_id is 'What the phone that sent it calls itself; empty where Central does not say';
comment on column staging.submissions.submitter_name is 'The account that sent it to Central';
comment on column staging.submissions.review_state is 'What a reviewer on Central made of it: hasIssues, edited, approved or rejected; empty for received';
