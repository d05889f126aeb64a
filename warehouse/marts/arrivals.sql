-- What came in from each centre and what became of it. One row per centre, and one for submissions that name none.

with
submissions as (
    select * from marts.submissions where form_id = $form_id
),

final as (
    select
        centre_code,
        count(*) as submissions,
        count(*) filter (not is_consented) as not_consented,
        count(*) filter (is_included) as included,
        count(*) filter (is_included and not is_accepted) as set_aside,
        count(*) filter (is_included and is_accepted) as accepted
    from submissions
    group by centre_code
)

select * from final
