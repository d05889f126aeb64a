-- Every staged submission with its part in the study. One row per submission.

with
interviews as (
    select
        form_id,
        submission_id,
        centre_code,
        enumerator_code,
        subject_code,
        day,
        status,
        is_consented,
        is_included
    from marts.interviews
),

open_findings as (
    select
        form_id,
        submission_id,
        count(*) filter (severity = 'error') as open_errors,
        count(*) filter (severity = 'warning') as open_warnings,
        bool_or(keeps_out) as is_kept_out
    from quality.findings
    where is_open
    group by form_id, submission_id
),

final as (
    select
        interviews.*,
        coalesce(open_findings.open_errors, 0) as open_errors,
        coalesce(open_findings.open_warnings, 0) as open_warnings,
        not coalesce(open_findings.is_kept_out, false) as is_accepted
    from interviews
    left join open_findings
        on interviews.form_id = open_findings.form_id
        and interviews.submission_id = open_findings.submission_id
)

select * from final
