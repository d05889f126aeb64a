-- Every back check, and which interview it repeats. One row per back check.

with
-- interviews that may be repeated
originals as ($originals),

back_checks as ($back_checks),

named as (
    select
        match_key,
        count(*) as times,
        any_value(submission_id) as submission_id
    from originals
    where match_key is not null
    group by match_key
),

matched as (
    select
        back_checks.submission_id,
        back_checks.match_key,
        back_checks.checker_code,
        back_checks.is_done,
        back_checks.day,
        back_checks.started_at,
        coalesce(named.times, 0) as times,
        originals.submission_id as original_id,
        originals.enumerator_code,
        originals.centre_code,
        date_diff('day', originals.day, back_checks.day) as days_after,
        coalesce(back_checks.checker_code = originals.enumerator_code, false) as is_same_person
    from back_checks
    left join named on back_checks.match_key = named.match_key
    left join originals on named.times = 1 and named.submission_id = originals.submission_id
),

numbered as (
    select
        *,
        -- the first completed one counts; what cannot count takes no place
        row_number() over (
            partition by original_id, is_done and not is_same_person
            order by day nulls last, started_at nulls last, submission_id
        ) as number
    from matched
),

final as (
    select
        submission_id,
        original_id,
        case
            when match_key is null then 'unnamed'
            when times = 0 then 'no_original'
            when times > 1 then 'several_originals'
            when not is_done then 'attempted'
            when is_same_person then 'same_person'
            when number > 1 then 'repeated'
            else 'compared'
        end as state,
        checker_code,
        enumerator_code,
        centre_code,
        day,
        days_after
    from numbered
)

select * from final
