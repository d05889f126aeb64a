-- Health centres: those that the form offers, worded as in its newest version, and any other code in the data.
-- One row per centre.

with
-- the list of each form version that the centre question offers, and which version is newer
lists as ($lists),

offered as (
    select
        choices.value as centre_code,
        choices.labels,
        choices.properties
    from staging.choices as choices
    inner join lists on choices.form_version = lists.form_version and choices.list_name = lists.list_name
    where choices.form_id = $form_id
    qualify row_number() over (partition by choices.value order by lists.age, choices.position) = 1
),

seen as (
    select distinct centre_code
    from marts.submissions
    where form_id = $form_id and centre_code is not null
),

unlisted as (
    select
        seen.centre_code,
        map() as labels,
        map() as properties
    from seen
    anti join offered on seen.centre_code = offered.centre_code
),

final as (
    select * from offered
    union all by name
    select * from unlisted
)

select * from final
