-- What the analysis counts: the level of each variable of the study. One row per included submission.
-- Rows of a centre stand together: what counts by centre is twice as fast then.

with
included as (
    select
        submission_id,
        centre_code,
        is_accepted
    from marts.submissions
    where form_id = $form_id and is_included
),

levels as (
    select
        _submission_id,
        $levels
    from $answers
),

final as (
    select
        included.submission_id,
        included.centre_code,
        included.is_accepted,
        levels.* exclude (_submission_id)
    from included
    inner join levels on included.submission_id = levels._submission_id
)

select * from final
order by centre_code
