-- The work of each enumerator, and at each health centre that has records or a target. One row per kind and code.

with
records as (
    select
        submissions.submission_id,
        submissions.centre_code,
        submissions.enumerator_code,
        submissions.is_included,
        submissions.is_accepted,
        submissions.open_errors,
        submissions.open_warnings,
        -- a refusal is short, and says nothing of how long an interview takes
        case when submissions.is_consented then interviews.minutes end as minutes,
        case when not $is_clock_wrong then interviews.day end as day
    from marts.submissions as submissions
    inner join marts.interviews as interviews
        on submissions.form_id = interviews.form_id and submissions.submission_id = interviews.submission_id
    where submissions.form_id = $form_id
),

newest as (
    select max(day) as day from records
),

units as (
    select
        'enumerator' as kind,
        enumerator_code as code,
        *
    from records
    where enumerator_code is not null
    union all
    select
        'centre' as kind,
        centre_code as code,
        *
    from records
    where centre_code is not null
),

worked as (
    select
        kind,
        code,
        count(*) as records,
        count(*) filter (is_included) as included,
        count(*) filter (is_included and is_accepted) as accepted,
        count(distinct day) as days_worked,
        count(day) / nullif(count(distinct day), 0) as records_per_day,
        min(day) as first_day,
        max(day) as last_day,
        (select day from newest) - max(day) as days_silent,
        count(*) filter (day is null) as without_day,
        count(minutes) as minutes_known,
        quantile_cont(minutes, 0.25) as minutes_q1,
        quantile_cont(minutes, 0.5) as minutes_median,
        quantile_cont(minutes, 0.75) as minutes_q3,
        sum(open_errors) as open_errors,
        sum(open_warnings) as open_warnings
    from units
    group by kind, code
),

expected as (
    select
        'centre' as kind,
        centre_code as code,
        target,
        until
    from marts.targets
),

-- a group's name may go on with a day: enumerator:P03 2026-10-02
about as (
    select
        kind,
        code,
        count(*) as open_group_findings
    from (
        select
            'enumerator' as kind,
            enumerator_code as code
        from quality.findings
        where is_open and submission_id = '' and starts_with("row", 'enumerator:')
        union all
        select
            'centre' as kind,
            centre_code as code
        from quality.findings
        where is_open and submission_id = '' and starts_with("row", 'centre:')
    ) as groups
    group by kind, code
),

final as (
    select
        coalesce(worked.kind, expected.kind) as kind,
        coalesce(worked.code, expected.code) as code,
        worked.* exclude (kind, code) replace (
            coalesce(worked.records, 0) as records,
            coalesce(worked.included, 0) as included,
            coalesce(worked.accepted, 0) as accepted,
            coalesce(worked.days_worked, 0) as days_worked,
            coalesce(worked.without_day, 0) as without_day,
            coalesce(worked.minutes_known, 0) as minutes_known,
            coalesce(worked.open_errors, 0) as open_errors,
            coalesce(worked.open_warnings, 0) as open_warnings
        ),
        coalesce(about.open_group_findings, 0) as open_group_findings,
        expected.target,
        expected.until
    from worked
    full join expected on worked.kind = expected.kind and worked.code = expected.code
    left join about
        on coalesce(worked.kind, expected.kind) = about.kind and coalesce(worked.code, expected.code) = about.code
)

select * from final
order by kind, code
