-- Interview and back check compared, question by question. One row per matched pair and variable.

with
-- the answers of both sides beside each other: o0, b0, o1, b1 …
answers as ($answers),

-- variable by variable
compared as ($compared),

final as (
    select
        original_id,
        back_check_id,
        centre_code,
        enumerator_code,
        checker_code,
        variable,
        type,
        is_compared,
        case when is_compared then is_different end as is_different,
        case when is_compared then is_different and is_within_ok_range end as is_within_ok_range,
        case when is_compared then is_different and not is_within_ok_range end as is_error
    from compared
)

select * from final
