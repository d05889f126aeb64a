-- Runs, and what is known of each submission and of each form. Typed tables of the forms are made from the questionnaires.

comment on table meta.migrations is 'Changes made to this file''s structure. One row per migration.';
comment on column meta.migrations.number is 'Order of the migration';
comment on column meta.migrations.name is 'Name of its file under warehouse/migrations/';
comment on column meta.migrations.applied_at is 'When it was applied to this file';

create table meta.runs (
    run_id varchar not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    status varchar not null check (status in ('running', 'finished', 'failed', 'interrupted')),
    laktasi_version varchar,
    code_version varchar,
    door varchar,
    landed bigint,
    refused bigint,
    staged bigint,
    drafts bigint,
    waiting bigint,
    open_errors bigint,
    open_warnings bigint,
    analysed_rows bigint,
    analysed_hash varchar,
    manifest json
);
comment on table meta.runs is 'What each run did, in counts. One row per run.';
comment on column meta.runs.run_id is 'Time of its start and a random part; sorts by time';
comment on column meta.runs.started_at is 'When the run started (UTC)';
comment on column meta.runs.finished_at is 'When the run ended, well or not (UTC); empty while it runs and when it was killed';
comment on column meta.runs.status is 'running, finished, failed, or interrupted (it was killed; the next run says so)';
comment on column meta.runs.laktasi_version is 'Version of the package';
comment on column meta.runs.code_version is 'Commit of the code, where it is known';
comment on column meta.runs.door is 'Who started it: cli, prefect, or import for a run that only lands';
comment on column meta.runs.landed is 'Versions of submissions that were new in this run';
comment on column meta.runs.refused is 'Files refused in this run';
comment on column meta.runs.staged is 'Submissions in staging at the end of the run';
comment on column meta.runs.drafts is 'Submissions of which only drafts have landed';
comment on column meta.runs.waiting is 'Submissions whose form version is not known yet';
comment on column meta.runs.open_errors is 'Open findings of severity error';
comment on column meta.runs.open_warnings is 'Open findings of severity warning';
comment on column meta.runs.analysed_rows is 'Rows of marts.analysed';
comment on column meta.runs.analysed_hash is 'SHA-256 over the rows of marts.analysed, whatever their order: equal sets, equal hash';
comment on column meta.runs.manifest is 'What the run read and used: sources, form versions, code. No paths and no answers';

create schema answers;
create table answers.loaded_submissions (
    form_id varchar not null,
    _submission_id varchar not null,
    form_version varchar not null,
    payload_sha256 varchar not null,
    layout varchar not null
);
comment on table answers.loaded_submissions is 'Which payload the answers of a submission were read from. One row per submission that has answers here.';
comment on column answers.loaded_submissions.form_id is 'Form';
comment on column answers.loaded_submissions._submission_id is 'Submission';
comment on column answers.loaded_submissions.form_version is 'Form version of the payload';
comment on column answers.loaded_submissions.payload_sha256 is 'SHA-256 of the payload';
comment on column answers.loaded_submissions.layout is 'SHA-256 over the paths, columns and tables of that form version: another layout is read anew';

create table answers.unknown_nodes (
    _submission_id varchar not null,
    form_id varchar not null,
    form_version varchar not null,
    path varchar not null
);
comment on table answers.unknown_nodes is 'Places in a payload that its form version does not have; what stood there is in raw.submissions. One row per submission and path.';
comment on column answers.unknown_nodes._submission_id is 'Submission';
comment on column answers.unknown_nodes.form_id is 'Form';
comment on column answers.unknown_nodes.form_version is 'Form version of the payload';
comment on column answers.unknown_nodes.path is 'Place below the root node; a second node where one is allowed ends in [2]';

create schema staging;
create table staging.submissions (
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    form_version varchar not null,
    payload_sha256 varchar not null,
    status varchar not null,
    state varchar not null check (state in ('staged', 'draft', 'waiting')),
    version_count bigint not null,
    source varchar,
    first_landed_at timestamptz not null,
    changed_at timestamptz
);
comment on table staging.submissions is 'Every submission with its current version, its chain of edits resolved. One row per submission.';
comment on column staging.submissions.form_id is 'Form';
comment on column staging.submissions.submission_id is 'First instanceID of the chain of edits, landed or only named: it stays while edits come and go';
comment on column staging.submissions.instance_id is 'instanceID of the current version';
comment on column staging.submissions.form_version is 'Form version of the current version';
comment on column staging.submissions.payload_sha256 is 'SHA-256 of the current version''s payload';
comment on column staging.submissions.status is 'finalised, draft, or unknown, of the current version';
comment on column staging.submissions.state is 'staged: its answers stand in staging; draft: only drafts have landed; waiting: its form version is not known yet';
comment on column staging.submissions.version_count is 'Versions of it that have landed, drafts included';
comment on column staging.submissions.source is 'Where the current version came from';
comment on column staging.submissions.first_landed_at is 'When the first version landed (UTC)';
comment on column staging.submissions.changed_at is 'When the source says that the current version was last changed (UTC); empty if it does not say';

create table staging.choices (
    form_id varchar not null,
    form_version varchar not null,
    list_name varchar not null,
    position integer not null,
    value varchar not null,
    labels map(varchar, varchar),
    properties map(varchar, varchar)
);
comment on table staging.choices is 'What each list of each form version offers. One row per form version, list and choice.';
comment on column staging.choices.form_id is 'Form';
comment on column staging.choices.form_version is 'Form version';
comment on column staging.choices.list_name is 'List of choices';
comment on column staging.choices.position is 'Place in the list, from 1';
comment on column staging.choices.value is 'What stands in the data';
comment on column staging.choices.labels is 'What people read, by language';
comment on column staging.choices.properties is 'Other columns of the list, which choice filters read';

create table staging.codebook (
    form_id varchar not null,
    table_name varchar not null,
    column_name varchar not null,
    path varchar not null,
    position integer not null,
    type varchar not null,
    privacy varchar not null,
    labels map(varchar, varchar),
    hints map(varchar, varchar),
    list_name varchar,
    relevant varchar,
    required varchar,
    constraint_expr varchar,
    calculate varchar,
    versions varchar[]
);
comment on table staging.codebook is 'What every column of the forms'' tables means, in the words of the newest form version that has it. One row per form, table and column.';
comment on column staging.codebook.form_id is 'Form';
comment on column staging.codebook.table_name is 'Table of the form, or of one of its repeats';
comment on column staging.codebook.column_name is 'Column';
comment on column staging.codebook.path is 'Place in the form, below its root node';
comment on column staging.codebook.position is 'Order in the form';
comment on column staging.codebook.type is 'Type of the value as the form has it';
comment on column staging.codebook.privacy is 'direct: identifies a person, kept out of the research copy; quasi: may do so together with others; none';
comment on column staging.codebook.labels is 'The question, by language';
comment on column staging.codebook.hints is 'Its hint, by language';
comment on column staging.codebook.list_name is 'List of choices, see staging.choices';
comment on column staging.codebook.relevant is 'When it is asked (XPath)';
comment on column staging.codebook.required is 'When it must be answered (XPath)';
comment on column staging.codebook.constraint_expr is 'What an answer must be (XPath)';
comment on column staging.codebook.calculate is 'How it is computed (XPath)';
comment on column staging.codebook.versions is 'Form versions that have it';

-- Internal: every rule of every form version as a boolean; the quality room makes its tables.
create schema checks;
