-- Every staged submission: who asked whom, where, when by the phone's clock, and when it arrived by the server's.
-- One row per submission.

with
submissions as (
    select
        form_id,
        submission_id,
        instance_id,
        payload_sha256,
        form_version,
        status,
        device_id,
        received_at,
        first_landed_at as landed_at
    from staging.submissions
    where state = 'staged'
),

-- who asked whom and where, by the study's roles
roles as ($roles),

-- what the study's population rule counts
counted as ($counted),

days as ($days),

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

-- when each content came here, by our own clock: that of a table that never was a submission is not known
landings as (
    select
        form_id,
        instance_id,
        payload_sha256,
        min(landed_at) as landed_at
    from raw.submissions
    group by form_id, instance_id, payload_sha256
),

joined as (
    select
        submissions.form_id,
        submissions.submission_id,
        submissions.form_version,
        submissions.status,
        roles.centre_code,
        roles.enumerator_code,
        roles.subject_code,
        coalesce(submissions.device_id, metadata.device) as device,
        days.day,
        roles.is_consented,
        case
            -- outside the study the question does not arise
            when roles.submission_id is null then null
            -- a row without a centre has no place in an analysis by centre
            else roles.is_consented and roles.centre_code is not null and counted.submission_id is not null
        end as is_included,
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
        end as version_received_at,
        case
            when submissions.instance_id = submissions.submission_id
                then coalesce(landings.landed_at, submissions.landed_at)
            else landings.landed_at
        end as version_landed_at
    from submissions
    left join roles on submissions.form_id = roles.form_id and submissions.submission_id = roles.submission_id
    left join counted on submissions.form_id = counted.form_id and submissions.submission_id = counted.submission_id
    left join days on submissions.form_id = days.form_id and submissions.submission_id = days.submission_id
    left join metadata
        on submissions.form_id = metadata.form_id and submissions.submission_id = metadata.submission_id
    left join versions on submissions.form_id = versions.form_id and submissions.instance_id = versions.instance_id
    left join landings
        on submissions.form_id = landings.form_id
        and submissions.instance_id = landings.instance_id
        and submissions.payload_sha256 = landings.payload_sha256
),

clocks as (
    select
        *,
        -- a phone that was copied by cable tells Central nothing, but nothing comes here before it is finished
        finished_at > version_received_at + interval 10 minutes
        or finished_at > version_landed_at + interval 1 day as is_clock_ahead,
        case
            when started_at is not null or finished_at is not null
                -- least() and coalesce() pass over what is not known
                then least(started_at, finished_at) < timestamptz '2010-01-01 00:00:00+00'
                    or coalesce(finished_at < started_at, false)
        end as is_clock_behind
    from joined
),

final as (
    select
        * exclude (is_edited, version_received_at, version_landed_at),
        case
            when not is_edited and not is_clock_behind then (epoch(finished_at) - epoch(started_at)) / 60
        end as minutes,
        case
            when not is_edited then (epoch(received_at) - epoch(finished_at)) / 3600
        end as lag_hours
    from clocks
)

select * from final
