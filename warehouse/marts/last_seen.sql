-- Who has not been heard of for long, and whose clock is wrong. One row per centre, enumerator and device.

with
arrivals as (
    select
        *,
        coalesce(is_clock_ahead, false) or coalesce(is_clock_behind, false) as is_clock_wrong
    from marts.interviews
),

seen as (
    select
        'centre' as kind,
        centre_code as code,
        *
    from arrivals
    union all
    select
        'enumerator' as kind,
        enumerator_code as code,
        *
    from arrivals
    union all
    select
        'device' as kind,
        device as code,
        *
    from arrivals
),

final as (
    select
        kind,
        code,
        count(*) as submissions,
        max(received_at) as last_received_at,
        max(finished_at) filter (not is_clock_wrong) as last_finished_at,
        max(landed_at) as last_landed_at,
        median(lag_hours) filter (not is_clock_wrong) as median_lag_hours,
        max(lag_hours) filter (not is_clock_wrong) as max_lag_hours,
        count(*) filter (is_clock_wrong) as clock_errors
    from seen
    where code is not null
    group by kind, code

    union all by name

    -- centres of the list that never sent anything
    select
        'centre' as kind,
        centre_code as code,
        0 as submissions,
        0 as clock_errors
    from marts.centres
    where centre_code not in (select centre_code from arrivals where centre_code is not null)
)

select * from final
