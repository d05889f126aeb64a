-- When each staged submission was filled by the phone's clock, and arrived by the server's. One row per submission.

with
submissions as (
    select
        form_id,
        submission_id,
        instance_id,
        device_id,
        received_at,
        first_landed_at as landed_at
    from staging.submissions
    where state = 'staged'
),

whose as (
    select
        form_id,
        submission_id,
        centre_code,
        enumerator_code
    from marts.submissions
),

-- what the phone itself wrote down; a form that keeps none of it gives nulls without a type
metadata as (
    select
        form_id,
        submission_id,
        cast(started_at as timestamptz) as started_at,
        cast(finished_at as timestamptz) as finished_at,
        cast(device as varchar) as device
    from ($metadata) as kept
),

versions as (
    select
        form_id,
        instance_id,
        min(created_at) as received_at
    from raw.submission_versions
    group by form_id, instance_id
),

joined as (
    select
        submissions.form_id,
        submissions.submission_id,
        whose.centre_code,
        whose.enumerator_code,
        coalesce(submissions.device_id, metadata.device) as device,
        metadata.started_at,
        metadata.finished_at,
        submissions.received_at,
        submissions.landed_at,
        submissions.instance_id <> submissions.submission_id as is_edited,
        -- finishing is that of the current version, so it is held against the arrival of that version
        case
            when submissions.instance_id = submissions.submission_id
                then coalesce(versions.received_at, submissions.received_at)
            else versions.received_at
        end as version_received_at
    from submissions
    left join whose on submissions.form_id = whose.form_id and submissions.submission_id = whose.submission_id
    left join metadata
        on submissions.form_id = metadata.form_id and submissions.submission_id = metadata.submission_id
    left join versions on submissions.form_id = versions.form_id and submissions.instance_id = versions.instance_id
),

final as (
    select
        form_id,
        submission_id,
        centre_code,
        enumerator_code,
        device,
        started_at,
        finished_at,
        received_at,
        landed_at,
        case
            when not is_edited then (epoch(received_at) - epoch(finished_at)) / 3600
        end as lag_hours,
        finished_at > version_received_at + interval 10 minutes as is_clock_ahead,
        case
            when started_at is not null or finished_at is not null
                -- least() and coalesce() pass over what is not known
                then least(started_at, finished_at) < timestamptz '2010-01-01 00:00:00+00'
                    or coalesce(finished_at < started_at, false)
        end as is_clock_behind
    from joined
)

select * from final
