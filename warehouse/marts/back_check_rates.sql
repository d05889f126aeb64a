-- Error rates of the back checks. One row per group, type and variable; with an empty variable, of all of the type.

with
pairs as (
    select * from $pairs
    where is_compared
),

grouped as (
    select
        'all' as kind,
        '' as code,
        *
    from pairs
    union all
    select
        'centre' as kind,
        centre_code as code,
        *
    from pairs
    union all
    select
        'enumerator' as kind,
        enumerator_code as code,
        *
    from pairs
    union all
    select
        'checker' as kind,
        checker_code as code,
        *
    from pairs
),

by_interview as (
    select
        kind,
        code,
        type,
        variable,
        original_id,
        count(*) as compared,
        count(*) filter (is_different) as different,
        count(*) filter (is_within_ok_range) as within_ok_range,
        count(*) filter (is_error) as errors
    from grouped
    where code is not null
    group by grouping sets ((kind, code, type, variable, original_id), (kind, code, type, original_id))
),

summed as (
    select
        kind,
        code,
        type,
        variable,
        count(*) as interviews,
        cast(sum(compared) as bigint) as compared,
        cast(sum(different) as bigint) as different,
        cast(sum(within_ok_range) as bigint) as within_ok_range,
        cast(sum(errors) as bigint) as errors,
        sum(errors) / sum(compared) as rate,
        -- residual sum of squares of a ratio over its interviews: sum of (errors - rate * compared)²
        sum(errors * errors)
        - 2 * (sum(errors) / sum(compared)) * sum(errors * compared)
        + (sum(errors) / sum(compared)) ** 2 * sum(compared * compared) as squares
    from by_interview
    group by kind, code, type, variable
),

-- What differs in one interview often differs together, so its answers count as fewer than they are: by the design
-- effect, or where that cannot be known (few interviews, none or all wrong) an interview counts once.
weighed as (
    select
        *,
        case
            when interviews < 10 or errors = 0 or errors = compared then interviews
            else greatest(interviews, compared / greatest(1, squares / (errors * (1 - rate))))
        end as n,
        1.959963984540054 as z
    from summed
),

alarms as (
    select distinct
        type,
        alarm_rate
    from marts.back_check_variables
),

intervals as (
    select
        weighed.kind,
        weighed.code,
        weighed.type,
        weighed.variable,
        weighed.interviews,
        weighed.compared,
        weighed.different,
        weighed.within_ok_range,
        weighed.errors,
        weighed.rate,
        -- Wilson's interval; none and all wrong have an end that the root misses by a rounding
        case
            when errors > 0
                then (rate + z * z / (2 * n) - z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))) / (1 + z * z / n)
            else 0
        end as ci_low,
        case
            when errors < compared
                then (rate + z * z / (2 * n) + z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))) / (1 + z * z / n)
            else 1
        end as ci_high,
        weighed.interviews < 10 as is_few,
        alarms.alarm_rate
    from weighed
    left join alarms on weighed.type = alarms.type
),

final as (
    select
        *,
        -- of one or two interviews a single slip would do
        coalesce(interviews >= 5 and ci_low > alarm_rate, false) as is_alarming
    from intervals
)

select * from final
