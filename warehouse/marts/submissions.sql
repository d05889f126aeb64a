-- Every staged submission with its part in the study. One row per submission.

with
submissions as (
    select
        form_id,
        submission_id,
        status
    from staging.submissions
    where state = 'staged'
),

-- who asked whom and where, by the study's roles
roles as ($roles),

-- what the study's population rule counts
counted as ($counted),

days as ($days),

open_findings as (
    select
        form_id,
        submission_id,
        count(*) filter (severity = 'error') as open_errors,
        count(*) filter (severity = 'warning') as open_warnings
    from quality.findings
    where status = 'open'
    group by form_id, submission_id
),

joined as (
    select
        submissions.form_id,
        submissions.submission_id,
        roles.centre_code,
        roles.enumerator_code,
        roles.subject_code,
        days.day,
        submissions.status,
        roles.is_consented,
        case
            -- outside the study the question does not arise
            when roles.submission_id is null then null
            -- a row without a centre has no place in an analysis by centre
            else roles.is_consented and roles.centre_code is not null and counted.submission_id is not null
        end as is_included,
        coalesce(open_findings.open_errors, 0) as open_errors,
        coalesce(open_findings.open_warnings, 0) as open_warnings
    from submissions
    left join roles on submissions.form_id = roles.form_id and submissions.submission_id = roles.submission_id
    left join counted on submissions.form_id = counted.form_id and submissions.submission_id = counted.submission_id
    left join days on submissions.form_id = days.form_id and submissions.submission_id = days.submission_id
    left join open_findings
        on submissions.form_id = open_findings.form_id
        and submissions.submission_id = open_findings.submission_id
),

final as (
    select
        *,
        open_errors = 0 as is_accepted
    from joined
)

select * from final
