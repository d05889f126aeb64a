-- What the checks say, and the marts, which warehouse/marts/*.sql fill anew in every run (marts.analysed, whose columns are the
-- study's variables, is made there whole). quality.findings reads from marts.submissions who asked and where.

CREATE SCHEMA marts;

CREATE TABLE marts.submissions (
    form_id VARCHAR NOT NULL,
    submission_id VARCHAR NOT NULL,
    centre_code VARCHAR,
    enumerator_code VARCHAR,
    subject_code VARCHAR,
    day DATE,
    status VARCHAR NOT NULL,
    is_consented BOOLEAN,
    is_included BOOLEAN,
    is_accepted BOOLEAN NOT NULL,
    open_errors BIGINT NOT NULL,
    open_warnings BIGINT NOT NULL
);
COMMENT ON TABLE marts.submissions IS 'Every staged submission with its part in the study. One row per submission.';
COMMENT ON COLUMN marts.submissions.form_id IS 'Form';
COMMENT ON COLUMN marts.submissions.submission_id IS 'Submission, see staging.submissions';
COMMENT ON COLUMN marts.submissions.centre_code IS 'Health centre; empty where none was given, and for forms outside the study';
COMMENT ON COLUMN marts.submissions.enumerator_code IS 'Who asked';
COMMENT ON COLUMN marts.submissions.subject_code IS 'Study code of the respondent';
COMMENT ON COLUMN marts.submissions.day IS 'Day of the interview by the phone''s clock; empty where the form''s day is a direct identifier';
COMMENT ON COLUMN marts.submissions.status IS 'finalised or unknown';
COMMENT ON COLUMN marts.submissions.is_consented IS 'The answer to the consent question means yes; true where the study asks none, empty outside the study';
COMMENT ON COLUMN marts.submissions.is_included IS 'Consented, has a centre, and the study counts it; empty outside the study';
COMMENT ON COLUMN marts.submissions.is_accepted IS 'Has no open finding of severity error';
COMMENT ON COLUMN marts.submissions.open_errors IS 'Open findings of severity error';
COMMENT ON COLUMN marts.submissions.open_warnings IS 'Open findings of severity warning';

CREATE TABLE marts.centres (
    centre_code VARCHAR NOT NULL,
    labels MAP(VARCHAR, VARCHAR),
    properties MAP(VARCHAR, VARCHAR)
);
COMMENT ON TABLE marts.centres IS 'Health centres: those the form offers, and any other code in the data. One row per centre.';
COMMENT ON COLUMN marts.centres.centre_code IS 'Health centre as it stands in the data';
COMMENT ON COLUMN marts.centres.labels IS 'Its name, by language; empty for a code that no list offers';
COMMENT ON COLUMN marts.centres.properties IS 'Other columns of the list';

CREATE TABLE marts.arrivals (
    centre_code VARCHAR,
    submissions BIGINT NOT NULL,
    not_consented BIGINT NOT NULL,
    included BIGINT NOT NULL,
    set_aside BIGINT NOT NULL,
    accepted BIGINT NOT NULL
);
COMMENT ON TABLE marts.arrivals IS 'What came in from each centre and what became of it. One row per centre, and one for submissions that name none.';
COMMENT ON COLUMN marts.arrivals.centre_code IS 'Health centre; empty where none was given';
COMMENT ON COLUMN marts.arrivals.submissions IS 'Staged submissions of the study''s form';
COMMENT ON COLUMN marts.arrivals.not_consented IS 'Of these: consent refused or not given';
COMMENT ON COLUMN marts.arrivals.included IS 'Of these: counted by the study';
COMMENT ON COLUMN marts.arrivals.set_aside IS 'Of the included: with an open error, and so not accepted';
COMMENT ON COLUMN marts.arrivals.accepted IS 'Of the included: without an open error';

CREATE TABLE marts.variables (
    variable VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    level VARCHAR NOT NULL,
    level_rank INTEGER NOT NULL,
    labels MAP(VARCHAR, VARCHAR),
    level_labels MAP(VARCHAR, VARCHAR)
);
COMMENT ON TABLE marts.variables IS 'The ordered variables of the study. One row per variable and level.';
COMMENT ON COLUMN marts.variables.variable IS 'Variable, as study.yml calls it';
COMMENT ON COLUMN marts.variables.position IS 'Its place in study.yml, from 1';
COMMENT ON COLUMN marts.variables.level IS 'Level: the choice as it stands in the data';
COMMENT ON COLUMN marts.variables.level_rank IS 'Its order, 1 is the lowest';
COMMENT ON COLUMN marts.variables.labels IS 'The variable in words, by language';
COMMENT ON COLUMN marts.variables.level_labels IS 'The level in words, by language';

CREATE TABLE marts.set_aside (
    form_id VARCHAR NOT NULL,
    rule_id VARCHAR NOT NULL,
    kind VARCHAR,
    field VARCHAR,
    severity VARCHAR NOT NULL,
    messages MAP(VARCHAR, VARCHAR),
    findings BIGINT NOT NULL,
    submissions BIGINT NOT NULL,
    included BIGINT NOT NULL
);
COMMENT ON TABLE marts.set_aside IS 'Why rows are set aside: rules with open findings of severity error. One row per form and rule.';
COMMENT ON COLUMN marts.set_aside.form_id IS 'Form';
COMMENT ON COLUMN marts.set_aside.rule_id IS 'Rule, see quality.rules';
COMMENT ON COLUMN marts.set_aside.kind IS 'Kind of the rule';
COMMENT ON COLUMN marts.set_aside.field IS 'Place of the question in the form';
COMMENT ON COLUMN marts.set_aside.severity IS 'error';
COMMENT ON COLUMN marts.set_aside.messages IS 'What a person reads, by language';
COMMENT ON COLUMN marts.set_aside.findings IS 'Open findings';
COMMENT ON COLUMN marts.set_aside.submissions IS 'Submissions with one';
COMMENT ON COLUMN marts.set_aside.included IS 'Of these: submissions that the study would count';

CREATE SCHEMA quality;
CREATE TABLE quality.rules (
    form_id VARCHAR,
    form_version VARCHAR,
    table_name VARCHAR,
    rule_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL CHECK (
        kind IN (
            'type', 'required', 'relevant', 'constraint', 'choice', 'calculation', 'declared', 'set', 'unknown_node'
        )
    ),
    field VARCHAR,
    severity VARCHAR NOT NULL CHECK (severity IN ('error', 'warning')),
    messages MAP(VARCHAR, VARCHAR),
    expression VARCHAR
);
COMMENT ON TABLE quality.rules IS 'What is checked. One row per rule and form version; rules over the whole set have no version.';
COMMENT ON COLUMN quality.rules.form_id IS 'Form';
COMMENT ON COLUMN quality.rules.form_version IS 'Form version; empty for a rule over all versions';
COMMENT ON COLUMN quality.rules.table_name IS 'Table whose rows are checked';
COMMENT ON COLUMN quality.rules.rule_id IS 'Rule: column and kind, or the name it has in checks.yml';
COMMENT ON COLUMN quality.rules.kind IS 'type, required, relevant, constraint, choice, calculation, declared, set or unknown_node';
COMMENT ON COLUMN quality.rules.field IS 'Place of the question in the form';
COMMENT ON COLUMN quality.rules.severity IS 'error: keeps the row out of the accepted population; warning: does not';
COMMENT ON COLUMN quality.rules.messages IS 'What a person reads, by language';
COMMENT ON COLUMN quality.rules.expression IS 'The form''s own expression (XPath), or that of checks.yml';

CREATE TABLE quality.unverified (
    form_id VARCHAR,
    form_version VARCHAR,
    field VARCHAR,
    kind VARCHAR,
    expression VARCHAR,
    reason VARCHAR
);
COMMENT ON TABLE quality.unverified IS 'What a form says and cannot be checked afterwards. One row per form version, field and kind of rule.';
COMMENT ON COLUMN quality.unverified.form_id IS 'Form';
COMMENT ON COLUMN quality.unverified.form_version IS 'Form version';
COMMENT ON COLUMN quality.unverified.field IS 'Place of the question in the form';
COMMENT ON COLUMN quality.unverified.kind IS 'Kind of the rule';
COMMENT ON COLUMN quality.unverified.expression IS 'The form''s own expression (XPath)';
COMMENT ON COLUMN quality.unverified.reason IS 'Why it cannot be checked';

CREATE TABLE quality.finding_events (
    finding_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    event VARCHAR NOT NULL CHECK (event IN ('opened', 'mended', 'reopened')),
    "at" TIMESTAMPTZ NOT NULL,
    form_id VARCHAR NOT NULL,
    submission_id VARCHAR NOT NULL,
    "row" VARCHAR NOT NULL,
    rule_id VARCHAR NOT NULL
);
COMMENT ON TABLE quality.finding_events IS 'The life of every finding; nothing here is changed or removed. One row per finding and change.';
COMMENT ON COLUMN quality.finding_events.finding_id IS 'First 16 hex digits of SHA-256 over form, submission, row and rule: the same problem has the same id in every run';
COMMENT ON COLUMN quality.finding_events.run_id IS 'Run that saw it';
COMMENT ON COLUMN quality.finding_events.event IS 'opened, mended or reopened';
COMMENT ON COLUMN quality.finding_events."at" IS 'When (UTC)';
COMMENT ON COLUMN quality.finding_events.form_id IS 'Form';
COMMENT ON COLUMN quality.finding_events.submission_id IS 'Submission';
COMMENT ON COLUMN quality.finding_events."row" IS 'Row of the repeat; empty for the form''s own table';
COMMENT ON COLUMN quality.finding_events.rule_id IS 'Rule';

-- A rule is worded as in the form version of the submission; where that version has no such rule, as in the last that has.
CREATE VIEW quality.findings AS
WITH
events AS (
    SELECT * FROM quality.finding_events
),

latest_events AS (
    SELECT
        finding_id,
        form_id,
        submission_id,
        "row",
        rule_id,
        event,
        "at",
        run_id,
        first_value("at") OVER (PARTITION BY finding_id ORDER BY "at", run_id) AS first_seen_at,
        first_value(run_id) OVER (PARTITION BY finding_id ORDER BY "at", run_id) AS first_seen_run
    FROM events
    QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY "at" DESC, run_id DESC) = 1
),

worded AS (
    SELECT
        latest_events.*,
        rules.kind,
        rules.field,
        rules.severity,
        rules.messages
    FROM latest_events
    LEFT JOIN staging.submissions AS submissions
        ON latest_events.form_id = submissions.form_id AND latest_events.submission_id = submissions.submission_id
    LEFT JOIN quality.rules AS rules
        ON latest_events.rule_id = rules.rule_id
        AND (rules.form_id IS NULL OR latest_events.form_id = rules.form_id)
    QUALIFY row_number() OVER (
        PARTITION BY latest_events.finding_id
        ORDER BY
            (rules.form_version IS NOT DISTINCT FROM submissions.form_version) DESC,
            rules.form_version DESC NULLS LAST
    ) = 1
),

final AS (
    SELECT
        worded.finding_id,
        worded.form_id,
        worded.submission_id,
        worded."row",
        worded.rule_id,
        worded.kind,
        worded.field,
        -- a rule that is no longer known was an error until somebody says otherwise
        coalesce(worded.severity, 'error') AS severity,
        worded.messages,
        whose.enumerator_code,
        whose.centre_code,
        CASE worded.event WHEN 'mended' THEN 'mended' ELSE 'open' END AS status,
        worded.first_seen_at,
        worded.first_seen_run,
        worded."at" AS changed_at,
        worded.run_id AS changed_run
    FROM worded
    LEFT JOIN marts.submissions AS whose
        ON worded.form_id = whose.form_id AND worded.submission_id = whose.submission_id
)

SELECT * FROM final;
COMMENT ON VIEW quality.findings IS 'What the checks found, as it stands now: rule and place, never the answer. One row per finding.';
COMMENT ON COLUMN quality.findings.finding_id IS 'The same problem has the same id in every run';
COMMENT ON COLUMN quality.findings.form_id IS 'Form';
COMMENT ON COLUMN quality.findings.submission_id IS 'Submission';
COMMENT ON COLUMN quality.findings."row" IS 'Row of the repeat; empty for the form''s own table';
COMMENT ON COLUMN quality.findings.rule_id IS 'Rule, see quality.rules';
COMMENT ON COLUMN quality.findings.kind IS 'Kind of the rule';
COMMENT ON COLUMN quality.findings.field IS 'Place of the question in the form';
COMMENT ON COLUMN quality.findings.severity IS 'error: keeps the row out of the accepted population; warning: does not';
COMMENT ON COLUMN quality.findings.messages IS 'What a person reads, by language';
COMMENT ON COLUMN quality.findings.enumerator_code IS 'Who asked';
COMMENT ON COLUMN quality.findings.centre_code IS 'Health centre';
COMMENT ON COLUMN quality.findings.status IS 'open or mended';
COMMENT ON COLUMN quality.findings.first_seen_at IS 'When it was first seen (UTC)';
COMMENT ON COLUMN quality.findings.first_seen_run IS 'Run that saw it first';
COMMENT ON COLUMN quality.findings.changed_at IS 'When its status last changed (UTC)';
COMMENT ON COLUMN quality.findings.changed_run IS 'Run that changed its status last';
