-- Where each health centre lies: the middle of where its counted interviews were held. One row per centre with a position.

with
positions as (
    select
        _submission_id as submission_id,
        $latitude as latitude,
        $longitude as longitude
    from $answers
),

final as (
    select
        interviews.centre_code,
        median(positions.latitude) as latitude,
        median(positions.longitude) as longitude,
        count(*) as n
    from marts.interviews as interviews
    inner join positions on interviews.submission_id = positions.submission_id
    where interviews.form_id = $form_id and interviews.is_included and positions.latitude is not null
    group by interviews.centre_code
)

select * from final
