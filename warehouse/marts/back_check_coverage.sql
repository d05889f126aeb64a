-- How many interviews were repeated, and how many should be. One row per group.

with
-- interviews that may be repeated, and the stratum of the sample that each is in
originals as ($originals),

repeated as (
    select
        original_id,
        bool_or(state = 'compared') as is_compared,
        bool_or(state = 'attempted') as is_attempted
    from marts.back_checks
    where original_id is not null
    group by original_id
),

interviews as (
    select
        coalesce(originals.centre_code, '') as centre_code,
        coalesce(originals.enumerator_code, '') as enumerator_code,
        originals.stratum,
        draws.submission_id is not null as is_drawn,
        coalesce(repeated.is_compared, false) as is_compared,
        coalesce(repeated.is_attempted and not repeated.is_compared, false) as is_attempted
    from originals
    left join repeated on originals.submission_id = repeated.original_id
    left join quality.back_check_draws as draws
        on draws.form_id = $form_id and originals.submission_id = draws.submission_id
),

strata as (
    select
        stratum,
        count(*) as n,
        $wanted as wanted,
        greatest(0, $wanted - count(*) filter (is_compared)) as missing
    from interviews
    group by stratum
),

-- what a stratum wants is spread over its interviews, so that every grouping can add it up
weighed as (
    select
        interviews.*,
        strata.wanted / strata.n as wanted,
        strata.missing / strata.n as missing
    from interviews
    inner join strata on interviews.stratum = strata.stratum
),

grouped as (
    select
        'all' as kind,
        '' as code,
        *
    from weighed
    union all
    select
        'centre' as kind,
        centre_code as code,
        *
    from weighed
    union all
    select
        'enumerator' as kind,
        enumerator_code as code,
        *
    from weighed
),

summed as (
    select
        kind,
        code,
        count(*) as interviews,
        count(*) filter (is_drawn) as drawn,
        count(*) filter (is_attempted) as attempted,
        count(*) filter (is_compared) as compared,
        count(*) filter (is_compared) / count(*) as share,
        cast(ceil(round(sum(wanted), 6)) as bigint) as wanted,
        cast(round(sum(missing)) as bigint) as missing_in_strata
    from grouped
    group by kind, code
),

final as (
    select
        * exclude (missing_in_strata),
        -- what one enumerator has too many does not make up for another
        case when kind = 'all' then missing_in_strata else greatest(0, wanted - compared) end as missing
    from summed
)

select * from final
