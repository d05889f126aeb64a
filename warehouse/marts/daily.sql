-- Records by day of the interview. One row per kind, code and day with records.

with
records as (
    select
        centre_code,
        enumerator_code,
        day
    from marts.interviews as interviews
    where form_id = $form_id and day is not null and not $is_clock_wrong
),

final as (
    select
        'all' as kind,
        '' as code,
        day,
        count(*) as records
    from records
    group by day

    union all by name

    select
        'enumerator' as kind,
        enumerator_code as code,
        day,
        count(*) as records
    from records
    where enumerator_code is not null
    group by enumerator_code, day

    union all by name

    select
        'centre' as kind,
        centre_code as code,
        day,
        count(*) as records
    from records
    where centre_code is not null
    group by centre_code, day
)

select * from final
order by kind, code, day
