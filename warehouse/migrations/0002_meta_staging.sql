-- Runs, and what is known of each submission and of each form. Typed tables of the forms are made from the questionnaires.

COMMENT ON TABLE meta.migrations IS 'Changes made to this file''s structure. One row per migration.';
COMMENT ON COLUMN meta.migrations.number IS 'Order of the migration';
COMMENT ON COLUMN meta.migrations.name IS 'Name of its file under warehouse/migrations/';
COMMENT ON COLUMN meta.migrations.applied_at IS 'When it was applied to this file';

CREATE TABLE meta.runs (
    run_id VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    status VARCHAR NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'interrupted')),
    laktasi_version VARCHAR,
    code_version VARCHAR,
    door VARCHAR,
    landed BIGINT,
    refused BIGINT,
    staged BIGINT,
    drafts BIGINT,
    waiting BIGINT,
    open_errors BIGINT,
    open_warnings BIGINT,
    analysed_rows BIGINT,
    analysed_hash VARCHAR,
    manifest JSON
);
COMMENT ON TABLE meta.runs IS 'What each run did, in counts. One row per run.';
COMMENT ON COLUMN meta.runs.run_id IS 'Time of its start and a random part; sorts by time';
COMMENT ON COLUMN meta.runs.started_at IS 'When the run started (UTC)';
COMMENT ON COLUMN meta.runs.finished_at IS 'When the run ended, well or not (UTC); empty while it runs and when it was killed';
COMMENT ON COLUMN meta.runs.status IS 'running, finished, failed, or interrupted (it was killed; the next run says so)';
COMMENT ON COLUMN meta.runs.laktasi_version IS 'Version of the package';
COMMENT ON COLUMN meta.runs.code_version IS 'Commit of the code, where it is known';
COMMENT ON COLUMN meta.runs.door IS 'Who started it: cli, prefect, or import for a run that only lands';
COMMENT ON COLUMN meta.runs.landed IS 'Versions of submissions that were new in this run';
COMMENT ON COLUMN meta.runs.refused IS 'Files refused in this run';
COMMENT ON COLUMN meta.runs.staged IS 'Submissions in staging at the end of the run';
COMMENT ON COLUMN meta.runs.drafts IS 'Submissions of which only drafts have landed';
COMMENT ON COLUMN meta.runs.waiting IS 'Submissions whose form version is not known yet';
COMMENT ON COLUMN meta.runs.open_errors IS 'Open findings of severity error';
COMMENT ON COLUMN meta.runs.open_warnings IS 'Open findings of severity warning';
COMMENT ON COLUMN meta.runs.analysed_rows IS 'Rows of marts.analysed';
COMMENT ON COLUMN meta.runs.analysed_hash IS 'SHA-256 over the rows of marts.analysed, whatever their order: equal sets, equal hash';
COMMENT ON COLUMN meta.runs.manifest IS 'What the run read and used: sources, form versions, code. No paths and no answers';

CREATE SCHEMA answers;
CREATE TABLE answers.loaded_submissions (
    form_id VARCHAR NOT NULL,
    _submission_id VARCHAR NOT NULL,
    form_version VARCHAR NOT NULL,
    payload_sha256 VARCHAR NOT NULL,
    layout VARCHAR NOT NULL
);
COMMENT ON TABLE answers.loaded_submissions IS 'Which payload the answers of a submission were read from. One row per submission that has answers here.';
COMMENT ON COLUMN answers.loaded_submissions.form_id IS 'Form';
COMMENT ON COLUMN answers.loaded_submissions._submission_id IS 'Submission';
COMMENT ON COLUMN answers.loaded_submissions.form_version IS 'Form version of the payload';
COMMENT ON COLUMN answers.loaded_submissions.payload_sha256 IS 'SHA-256 of the payload';
COMMENT ON COLUMN answers.loaded_submissions.layout IS 'SHA-256 over the paths, columns and tables of that form version: another layout is read anew';

CREATE TABLE answers.unknown_nodes (
    _submission_id VARCHAR NOT NULL,
    form_id VARCHAR NOT NULL,
    form_version VARCHAR NOT NULL,
    path VARCHAR NOT NULL
);
COMMENT ON TABLE answers.unknown_nodes IS 'Places in a payload that its form version does not have; what stood there is in raw.submissions. One row per submission and path.';
COMMENT ON COLUMN answers.unknown_nodes._submission_id IS 'Submission';
COMMENT ON COLUMN answers.unknown_nodes.form_id IS 'Form';
COMMENT ON COLUMN answers.unknown_nodes.form_version IS 'Form version of the payload';
COMMENT ON COLUMN answers.unknown_nodes.path IS 'Place below the root node; a second node where one is allowed ends in [2]';

CREATE SCHEMA staging;
CREATE TABLE staging.submissions (
    form_id VARCHAR NOT NULL,
    submission_id VARCHAR NOT NULL,
    instance_id VARCHAR NOT NULL,
    form_version VARCHAR NOT NULL,
    payload_sha256 VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    state VARCHAR NOT NULL CHECK (state IN ('staged', 'draft', 'waiting')),
    version_count BIGINT NOT NULL,
    source VARCHAR,
    first_landed_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ
);
COMMENT ON TABLE staging.submissions IS 'Every submission with its current version, its chain of edits resolved. One row per submission.';
COMMENT ON COLUMN staging.submissions.form_id IS 'Form';
COMMENT ON COLUMN staging.submissions.submission_id IS 'First instanceID of the chain of edits, landed or only named: it stays while edits come and go';
COMMENT ON COLUMN staging.submissions.instance_id IS 'instanceID of the current version';
COMMENT ON COLUMN staging.submissions.form_version IS 'Form version of the current version';
COMMENT ON COLUMN staging.submissions.payload_sha256 IS 'SHA-256 of the current version''s payload';
COMMENT ON COLUMN staging.submissions.status IS 'finalised, draft, or unknown, of the current version';
COMMENT ON COLUMN staging.submissions.state IS 'staged: its answers stand in staging; draft: only drafts have landed; waiting: its form version is not known yet';
COMMENT ON COLUMN staging.submissions.version_count IS 'Versions of it that have landed, drafts included';
COMMENT ON COLUMN staging.submissions.source IS 'Where the current version came from';
COMMENT ON COLUMN staging.submissions.first_landed_at IS 'When the first version landed (UTC)';
COMMENT ON COLUMN staging.submissions.changed_at IS 'When the source says that the current version was last changed (UTC); empty if it does not say';

CREATE TABLE staging.choices (
    form_id VARCHAR NOT NULL,
    form_version VARCHAR NOT NULL,
    list_name VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    value VARCHAR NOT NULL,
    labels MAP(VARCHAR, VARCHAR),
    properties MAP(VARCHAR, VARCHAR)
);
COMMENT ON TABLE staging.choices IS 'What each list of each form version offers. One row per form version, list and choice.';
COMMENT ON COLUMN staging.choices.form_id IS 'Form';
COMMENT ON COLUMN staging.choices.form_version IS 'Form version';
COMMENT ON COLUMN staging.choices.list_name IS 'List of choices';
COMMENT ON COLUMN staging.choices.position IS 'Place in the list, from 1';
COMMENT ON COLUMN staging.choices.value IS 'What stands in the data';
COMMENT ON COLUMN staging.choices.labels IS 'What people read, by language';
COMMENT ON COLUMN staging.choices.properties IS 'Other columns of the list, which choice filters read';

CREATE TABLE staging.codebook (
    form_id VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL,
    column_name VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    type VARCHAR NOT NULL,
    privacy VARCHAR NOT NULL,
    labels MAP(VARCHAR, VARCHAR),
    hints MAP(VARCHAR, VARCHAR),
    list_name VARCHAR,
    relevant VARCHAR,
    required VARCHAR,
    constraint_expr VARCHAR,
    calculate VARCHAR,
    versions VARCHAR[]
);
COMMENT ON TABLE staging.codebook IS 'What every column of the forms'' tables means, in the words of the newest form version that has it. One row per form, table and column.';
COMMENT ON COLUMN staging.codebook.form_id IS 'Form';
COMMENT ON COLUMN staging.codebook.table_name IS 'Table of the form, or of one of its repeats';
COMMENT ON COLUMN staging.codebook.column_name IS 'Column';
COMMENT ON COLUMN staging.codebook.path IS 'Place in the form, below its root node';
COMMENT ON COLUMN staging.codebook.position IS 'Order in the form';
COMMENT ON COLUMN staging.codebook.type IS 'Type of the value as the form has it';
COMMENT ON COLUMN staging.codebook.privacy IS 'direct: identifies a person, kept out of the research copy; quasi: may do so together with others; none';
COMMENT ON COLUMN staging.codebook.labels IS 'The question, by language';
COMMENT ON COLUMN staging.codebook.hints IS 'Its hint, by language';
COMMENT ON COLUMN staging.codebook.list_name IS 'List of choices, see staging.choices';
COMMENT ON COLUMN staging.codebook.relevant IS 'When it is asked (XPath)';
COMMENT ON COLUMN staging.codebook.required IS 'When it must be answered (XPath)';
COMMENT ON COLUMN staging.codebook.constraint_expr IS 'What an answer must be (XPath)';
COMMENT ON COLUMN staging.codebook.calculate IS 'How it is computed (XPath)';
COMMENT ON COLUMN staging.codebook.versions IS 'Form versions that have it';

-- Internal: every rule of every form version as a boolean; the quality room makes its tables.
CREATE SCHEMA checks;
