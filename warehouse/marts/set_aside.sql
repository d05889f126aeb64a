-- Why rows are set aside: rules with open findings that keep a record out. One row per form and rule.

with
findings as (
    select * from quality.findings where is_open and keeps_out and submission_id <> ''
),

submissions as (
    select * from marts.submissions
),

final as (
    select
        findings.form_id,
        findings.rule_id,
        any_value(findings.kind) as kind,
        any_value(findings.field) as field,
        any_value(findings.severity) as severity,
        -- form versions may word a rule differently; the newest finding's words stand for all
        arg_max(findings.messages, (findings.first_seen_at, findings.finding_id)) as messages,
        count(*) as findings,
        count(distinct findings.submission_id) as submissions,
        count(distinct findings.submission_id) filter (submissions.is_included) as included
    from findings
    left join submissions
        on findings.form_id = submissions.form_id and findings.submission_id = submissions.submission_id
    group by findings.form_id, findings.rule_id
)

select * from final
