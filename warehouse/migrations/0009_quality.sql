-- Findings with a life, people's decisions, and what the checks over the set look at.

-- Who was asked by whom, where and when: made before the checks, so that they can compare people and places.
drop table marts.arrival_times;
create table marts.interviews (
    form_id varchar not null,
    submission_id varchar not null,
    form_version varchar not null,
    status varchar not null,
    centre_code varchar,
    enumerator_code varchar,
    subject_code varchar,
    device varchar,
    day date,
    is_consented boolean,
    is_included boolean,
    started_at timestamptz,
    finished_at timestamptz,
    received_at timestamptz,
    landed_at timestamptz not null,
    minutes double,
    lag_hours double,
    is_clock_ahead boolean,
    is_clock_behind boolean
);
comment on table marts.interviews is
    'Every staged submission: who asked whom, where, when by the phone''s clock, and when it arrived by the server''s. Private. One row per submission.';
comment on column marts.interviews.form_id is 'Form';
comment on column marts.interviews.submission_id is 'Submission, see staging.submissions';
comment on column marts.interviews.form_version is 'Form version of the current version';
comment on column marts.interviews.status is 'finalised or unknown';
comment on column marts.interviews.centre_code is 'Health centre; empty where none was given, and for forms outside the study';
comment on column marts.interviews.enumerator_code is 'Who asked';
comment on column marts.interviews.subject_code is 'Study code of the respondent';
comment on column marts.interviews.device is 'What the phone calls itself: to Central, else in the form''s deviceid; empty where neither says';
comment on column marts.interviews.day is 'Day of the interview by the phone''s clock; empty where the form''s day is a direct identifier';
comment on column marts.interviews.is_consented is 'The answer to the consent question means yes; true where the study asks none, empty outside the study';
comment on column marts.interviews.is_included is 'Consented, has a centre, and the study counts it; empty outside the study';
comment on column marts.interviews.started_at is 'When the form was opened first, by the phone''s clock; empty where the form does not keep it';
comment on column marts.interviews.finished_at is 'When its current version was finished, by the phone''s clock; empty where the form does not keep it';
comment on column marts.interviews.received_at is 'When Central first took the submission in; empty where only phones have brought it';
comment on column marts.interviews.landed_at is 'When it first landed here, whichever way';
comment on column marts.interviews.minutes is
    'Minutes between start and finish. Empty for an edited submission, whose first finishing is not known, and where the clock cannot be right';
comment on column marts.interviews.lag_hours is
    'Hours between finishing and arriving on Central; less than 0 where the phone''s clock is ahead. Empty for an edited submission: its first finishing is not known';
comment on column marts.interviews.is_clock_ahead is
    'Its current version was finished more than 10 minutes after Central took it in, or more than a day after it landed here; empty where nothing says so and Central or the time is not known';
comment on column marts.interviews.is_clock_behind is
    'Finished before it was started, or before there was any ODK Collect (2010): the clock was set back, or lost its day. A clock that is '
    'merely slow cannot be told from a long way to the network. Empty where the form keeps no times';

comment on column marts.last_seen.clock_errors is 'Submissions whose times cannot be true: is_clock_ahead or is_clock_behind in marts.interviews';
comment on column marts.submissions.is_accepted is 'Has no open finding that keeps a record out, see schemas/gates.yml';

-- A record that people have dropped. Made anew from raw in every run, so the table may be dropped.
drop table staging.submissions;
create table staging.submissions (
    form_id varchar not null,
    submission_id varchar not null,
    instance_id varchar not null,
    form_version varchar not null,
    payload_sha256 varchar not null,
    status varchar not null,
    state varchar not null check (state in ('staged', 'draft', 'waiting', 'deleted', 'dropped')),
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
    'staged: its answers stand in staging; draft: only drafts have landed; waiting: its form version is not known yet; deleted: on every Central '
    'that had it; dropped: by a decision in schemas/corrections/';
comment on column staging.submissions.version_count is 'Versions of it that have landed, drafts included';
comment on column staging.submissions.source is 'Where the current version came from';
comment on column staging.submissions.first_landed_at is 'When the first version landed (UTC)';
comment on column staging.submissions.changed_at is 'When the source says that the current version was last changed (UTC); empty if it does not say';
comment on column staging.submissions.received_at is 'When Central first took it in (UTC); empty where only phones have brought it';
comment on column staging.submissions.device_id is 'What the phone that sent it calls itself; empty where Central does not say';
comment on column staging.submissions.submitter_name is 'The account that sent it to Central';
comment on column staging.submissions.review_state is 'What a reviewer on Central made of it: hasIssues, edited, approved or rejected; empty for received';

-- People's decisions, append only. Private: they hold answers.
create table quality.decisions (
    decision_id varchar not null,
    action varchar not null check (action in ('replace', 'drop', 'okay', 'recode', 'withdraw')),
    form_id varchar,
    submission_id varchar,
    "row" varchar not null,
    question varchar,
    rule_id varchar,
    finding_id varchar,
    expected varchar,
    "value" varchar,
    parent varchar,
    withdraws varchar,
    reason varchar not null,
    reporter varchar not null,
    decided_on date not null,
    until date,
    run_id varchar not null,
    landed_at timestamptz not null
);
comment on table quality.decisions is
    'What people decided about records, each as schemas/corrections/ says it; nothing here is changed or removed. Private: it holds answers. One row per decision.';
comment on column quality.decisions.decision_id is 'Its id in schemas/corrections/; never used again for another';
comment on column quality.decisions.action is
    'replace: another answer stands; drop: the record is left out; okay: a finding is accepted; recode: a text of "other" means a choice; withdraw: an earlier decision no longer holds';
comment on column quality.decisions.form_id is 'Form; empty for withdraw';
comment on column quality.decisions.submission_id is 'Submission; empty for recode, withdraw, and a finding about a group';
comment on column quality.decisions."row" is 'Row of the repeat; of a finding about a group, the group; else empty';
comment on column quality.decisions.question is 'Path of the question that is replaced, reviewed or recoded';
comment on column quality.decisions.rule_id is 'okay: the rule whose finding is accepted';
comment on column quality.decisions.finding_id is 'The finding that it was decided about, where it came from one';
comment on column quality.decisions.expected is
    'What stood there when it was decided: the answer, a keyed hash of it (hmac:…), or, where there is no question, the instanceID of the version';
comment on column quality.decisions."value" is 'replace: the answer that stands; recode: the choice';
comment on column quality.decisions.parent is 'recode: path of the question that gets the choice';
comment on column quality.decisions.withdraws is 'withdraw: the decision that no longer holds';
comment on column quality.decisions.reason is 'Why';
comment on column quality.decisions.reporter is 'Who decided';
comment on column quality.decisions.decided_on is 'Day of the decision';
comment on column quality.decisions.until is 'Last day on which an okay holds; empty: as long as the answer stays';
comment on column quality.decisions.run_id is 'Run that saw it first';
comment on column quality.decisions.landed_at is 'When that was (UTC)';

create table quality.decision_states (
    decision_id varchar not null,
    "action" varchar not null,
    form_id varchar,
    submission_id varchar,
    "row" varchar not null,
    column_name varchar,
    state varchar not null check (state in ('applied', 'settled', 'stale', 'waiting', 'withdrawn', 'expired'))
);
comment on table quality.decision_states is
    'How each decision stands in the latest run; made anew in every run, and holds no answer. One row per decision and row of a form''s table that it is about.';
comment on column quality.decision_states.decision_id is 'Decision, see quality.decisions';
comment on column quality.decision_states."action" is 'replace, drop, okay, recode or withdraw';
comment on column quality.decision_states.form_id is 'Form';
comment on column quality.decision_states.submission_id is 'Submission; empty where there is none';
comment on column quality.decision_states."row" is 'Row of the repeat, or the group; else empty';
comment on column quality.decision_states.column_name is 'Column of the question, see staging.codebook';
comment on column quality.decision_states.state is
    'applied; settled: the source, or a later decision, says what stands there, or the record is gone; stale: the source has changed since, or the form '
    'does not keep such an answer, so it does not hold; waiting: no such record yet; withdrawn; expired: its last day has passed';

alter table answers.loaded_submissions add column decisions varchar;
comment on column answers.loaded_submissions.decisions is 'Hash of the decisions that have been applied to its answers; empty: none';

-- Verdicts, rule by rule, stand in memory while they are asked about.
drop schema checks cascade;

-- What fails now, row by row: kept from run to run, so that only what is new or changed is checked again.
create table quality.checked (
    form_id varchar not null,
    submission_id varchar not null,
    digest varchar not null
);
comment on table quality.checked is 'Internal: what the row checks have seen. One row per submission.';
comment on column quality.checked.form_id is 'Form';
comment on column quality.checked.submission_id is 'Submission';
comment on column quality.checked.digest is 'Hash of its payload, the decisions applied to it, and the rules it was checked by';

create table quality.failing (
    form_id varchar not null,
    submission_id varchar not null,
    "row" varchar not null,
    rule_id varchar not null
);
comment on table quality.failing is 'Internal: the row checks that fail now. One row per row of a form''s table and rule.';
comment on column quality.failing.form_id is 'Form';
comment on column quality.failing.submission_id is 'Submission';
comment on column quality.failing."row" is 'Row of the repeat; empty for the form''s own table';
comment on column quality.failing.rule_id is 'Rule';

create table quality.results (
    run_id varchar not null,
    suite varchar not null,
    form_id varchar not null,
    form_version varchar,
    rule_id varchar not null,
    expectation varchar not null,
    asked bigint not null,
    failed bigint not null,
    "rows" bigint not null,
    failing bigint not null,
    low double,
    high double,
    is_met boolean not null
);
comment on table quality.results is
    'What Great Expectations said in the latest run, and how each rule stands over all rows. Made anew in every run. One row per suite and rule.';
comment on column quality.results.run_id is 'Run';
comment on column quality.results.suite is 'Suite: a form version''s table, or a check over the set or of its groups';
comment on column quality.results.form_id is 'Form';
comment on column quality.results.form_version is 'Form version; empty for a check over the set or of its groups';
comment on column quality.results.rule_id is 'Rule, see quality.rules';
comment on column quality.results.expectation is 'Type of the expectation, as Great Expectations calls it';
comment on column quality.results.asked is 'Rows it was asked about in this run: new and changed ones, for a check over the set all; of groups: groups';
comment on column quality.results.failed is 'Of these: rows that failed';
comment on column quality.results."rows" is
    'Rows that stand checked by it, from this run and earlier ones; over the set: rows that take part; of groups: groups that are large enough';
comment on column quality.results.failing is 'Of these: rows that fail';
comment on column quality.results.low is 'Of groups: the least that is allowed; empty: no limit';
comment on column quality.results.high is 'Of groups: the most that is allowed; empty: no limit';
comment on column quality.results.is_met is 'No row fails, and there was one to look at';

-- The ledger. DuckDB cannot alter a check, so its table is made anew, with all that it holds.
alter table quality.finding_events rename to finding_events_before;
create table quality.finding_events (
    finding_id varchar not null,
    run_id varchar not null,
    event varchar not null check (event in ('opened', 'mended', 'reopened', 'accepted')),
    "at" timestamptz not null,
    form_id varchar not null,
    submission_id varchar not null,
    "row" varchar not null,
    rule_id varchar not null,
    settled_by varchar check (
        settled_by in ('edit', 'correction', 'drop', 'deletion', 'rule', 'set', 'decision')
    ),
    decision_id varchar,
    centre_code varchar,
    enumerator_code varchar,
    payload_sha256 varchar,
    decisions varchar
);
insert into quality.finding_events by name select * from quality.finding_events_before;
drop table quality.finding_events_before;
comment on table quality.finding_events is 'The life of every finding; nothing here is changed or removed. One row per finding and change.';
comment on column quality.finding_events.finding_id is 'First 16 hex digits of SHA-256 over form, submission, row and rule: the same problem has the same id in every run';
comment on column quality.finding_events.run_id is 'Run that saw it';
comment on column quality.finding_events.event is 'opened, mended, reopened or accepted';
comment on column quality.finding_events."at" is 'When (UTC)';
comment on column quality.finding_events.form_id is 'Form';
comment on column quality.finding_events.submission_id is 'Submission; empty for a finding about a group';
comment on column quality.finding_events."row" is 'Row of the repeat; empty for the form''s own table; of a finding about a group, kind and code of the group, as in centre:c1';
comment on column quality.finding_events.rule_id is 'Rule';
comment on column quality.finding_events.settled_by is
    'Of mended: edit of the record; correction or drop (decisions); deletion on Central; rule: no longer asked, or changed; set: other records changed. Of accepted: decision. '
    'Empty for opened and reopened, and before this was kept';
comment on column quality.finding_events.decision_id is 'Of accepted: the decision, see quality.decisions';
comment on column quality.finding_events.centre_code is 'Health centre of the record when this was seen, or before it was gone; empty for a group, and before this was kept';
comment on column quality.finding_events.enumerator_code is 'Who had asked, likewise';
comment on column quality.finding_events.payload_sha256 is
    'Payload that the record''s answers were read from when this was seen, see answers.loaded_submissions; empty for a group, and before this was kept';
comment on column quality.finding_events.decisions is
    'Hash of the decisions that had been applied to the record when this was seen, see answers.loaded_submissions; empty: none';

create table quality.check_runs (
    run_id varchar not null,
    "at" timestamptz not null
);
comment on table quality.check_runs is 'When everything was checked. Append only. One row per run that checked.';
comment on column quality.check_runs.run_id is 'Run';
comment on column quality.check_runs."at" is 'When (UTC)';

alter table quality.rules rename to rules_before;
create table quality.rules (
    form_id varchar,
    form_version varchar,
    table_name varchar,
    rule_id varchar not null,
    kind varchar not null check (
        kind in (
            'type', 'required', 'relevant', 'constraint', 'choice', 'calculation', 'declared', 'set', 'group',
            'unknown_node', 'source', 'decision'
        )
    ),
    field varchar,
    severity varchar not null check (severity in ('error', 'warning')),
    messages map(varchar, varchar),
    expression varchar,
    keeps_out boolean not null default true,
    stops boolean not null default false
);
insert into quality.rules by name select *, severity = 'error' as keeps_out, false as stops from quality.rules_before;
drop table quality.rules_before;
comment on table quality.rules is 'What is checked. One row per rule and form version; rules over the whole set have no version.';
comment on column quality.rules.form_id is 'Form';
comment on column quality.rules.form_version is 'Form version; empty for a rule over all versions';
comment on column quality.rules.table_name is 'Table whose rows are checked';
comment on column quality.rules.rule_id is 'Rule: column and kind, or the name it has in checks.yml';
comment on column quality.rules.kind is
    'type, required, relevant, constraint, choice, calculation; declared: a check of one row; set: of rows against each other; group: of a whole '
    'centre, enumerator or other group; unknown_node, source, decision';
comment on column quality.rules.field is 'Column that the rule is about, see staging.codebook; empty for a rule about several';
comment on column quality.rules.severity is 'error or warning';
comment on column quality.rules.messages is 'What a person reads, by language';
comment on column quality.rules.expression is 'The form''s own expression (XPath), or that of checks.yml';
comment on column quality.rules.keeps_out is 'While it is open, a finding keeps its record out of the accepted population, see schemas/gates.yml';
comment on column quality.rules.stops is 'While it is open, a finding stops the publication, see schemas/gates.yml';

-- A rule is worded as in the form version of the submission; where that version has no such rule, as in the last that has.
create or replace view quality.findings as
with
latest_events as (
    select
        finding_id,
        min("at") as first_seen_at,
        arg_min(run_id, "at") as first_seen_run,
        unnest(arg_max(
            struct_pack(
                form_id := form_id,
                submission_id := submission_id,
                "row" := "row",
                rule_id := rule_id,
                event := event,
                "at" := "at",
                run_id := run_id,
                settled_by := settled_by,
                decision_id := decision_id,
                owner_centre := centre_code,
                owner_enumerator := enumerator_code
            ),
            "at"
        ))
    from quality.finding_events
    group by finding_id
),

rules as (
    select
        form_id,
        form_version,
        rule_id,
        struct_pack(
            kind := kind,
            field := field,
            severity := severity,
            messages := messages,
            keeps_out := keeps_out,
            stops := stops
        ) as wording
    from quality.rules
    qualify row_number() over (partition by form_id, form_version, rule_id) = 1
),

-- as text, version 10 would come before 9; the codebook lists the versions that have a column oldest first
versions as (
    select
        form_id,
        form_version,
        max(position) as position
    from (
        select
            form_id,
            unnest(versions) as form_version,
            generate_subscripts(versions, 1) as position
        from staging.codebook
    )
    group by form_id, form_version
),

newest_rules as (
    select rules.* from rules
    left join versions on rules.form_id = versions.form_id and rules.form_version = versions.form_version
    qualify
        row_number() over (
            partition by rules.form_id, rules.rule_id
            order by versions.position desc nulls last, rules.form_version desc nulls last
        ) = 1
),

worded as (
    select
        latest_events.*,
        unnest(coalesce(own_rules.wording, newest_rules.wording))
    from latest_events
    left join staging.submissions as submissions
        on latest_events.form_id = submissions.form_id and latest_events.submission_id = submissions.submission_id
    left join rules as own_rules
        on latest_events.form_id = own_rules.form_id
        and latest_events.rule_id = own_rules.rule_id
        and submissions.form_version = own_rules.form_version
    left join newest_rules
        on latest_events.form_id = newest_rules.form_id and latest_events.rule_id = newest_rules.rule_id
),

-- a finding about a group belongs to the group, also where that is of one day: "enumerator:P03 2026-10-02"
groups as (
    select
        finding_id,
        case when kind = 'enumerator' then code end as enumerator_code,
        case when kind = 'centre' then code end as centre_code
    from (
        select
            finding_id,
            split_part("row", ':', 1) as kind,
            regexp_replace(substr("row", strpos("row", ':') + 1), ' [0-9]{4}-[0-9]{2}-[0-9]{2}$', '') as code
        from latest_events
        where submission_id = ''
    )
),

-- a finding that no longer fails was seen last by the check before the one that found it mended
checks as (
    select
        run_id,
        lag("at") over (order by "at") as before_at
    from (select run_id, max("at") as "at" from quality.check_runs group by run_id)
),

latest_check as (
    select max("at") as "at" from quality.check_runs
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
        coalesce(whose.enumerator_code, worded.owner_enumerator, groups.enumerator_code) as enumerator_code,
        coalesce(whose.centre_code, worded.owner_centre, groups.centre_code) as centre_code,
        case worded.event when 'opened' then 'open' else worded.event end as status,
        worded.event in ('opened', 'reopened') as is_open,
        coalesce(worded.keeps_out, true) as keeps_out,
        coalesce(worded.stops, false) as stops,
        worded.first_seen_at,
        worded.first_seen_run,
        greatest(
            case when worded.event = 'mended' then checks.before_at else latest_check."at" end, worded.first_seen_at
        ) as last_seen_at,
        worded."at" as changed_at,
        worded.run_id as changed_run,
        worded.settled_by,
        decisions.reporter as reviewer,
        decisions.reason
    from worded
    cross join latest_check
    left join checks on worded.run_id = checks.run_id
    left join groups on worded.finding_id = groups.finding_id
    left join marts.interviews as whose
        on worded.form_id = whose.form_id and worded.submission_id = whose.submission_id
    left join quality.decisions as decisions on worded.decision_id = decisions.decision_id
)

select * from final;
comment on view quality.findings is 'What the checks found, as it stands now: rule and place, never the answer. One row per finding.';
comment on column quality.findings.finding_id is 'The same problem has the same id in every run';
comment on column quality.findings.form_id is 'Form';
comment on column quality.findings.submission_id is 'Submission; empty for a finding about a group';
comment on column quality.findings."row" is 'Row of the repeat; empty for the form''s own table; of a finding about a group, kind and code of the group, as in centre:c1';
comment on column quality.findings.rule_id is 'Rule, see quality.rules';
comment on column quality.findings.kind is 'Kind of the rule';
comment on column quality.findings.field is 'Column that the rule is about, see staging.codebook; empty for a rule about several';
comment on column quality.findings.severity is 'error or warning';
comment on column quality.findings.messages is 'What a person reads, by language';
comment on column quality.findings.enumerator_code is 'Owner: who asked, or the enumerator that it is about; of a record that is gone the last one';
comment on column quality.findings.centre_code is 'Owner: the health centre; of a record that is gone the last one';
comment on column quality.findings.status is 'open, reopened, mended or accepted';
comment on column quality.findings.is_open is 'open or reopened: somebody must look at it';
comment on column quality.findings.keeps_out is 'While it is open, it keeps its record out of the accepted population';
comment on column quality.findings.stops is 'While it is open, it stops the publication';
comment on column quality.findings.first_seen_at is 'When it was first seen (UTC)';
comment on column quality.findings.first_seen_run is 'Run that saw it first';
comment on column quality.findings.last_seen_at is 'When it was last seen (UTC): the latest check for what still fails, else the last check before it was mended';
comment on column quality.findings.changed_at is 'When its status last changed (UTC)';
comment on column quality.findings.changed_run is 'Run that changed its status last';
comment on column quality.findings.settled_by is 'What mended it: edit, correction, drop, deletion, rule or set; decision for an accepted one';
comment on column quality.findings.reviewer is 'Who accepted it';
comment on column quality.findings.reason is 'Why it was accepted';
