-- Numbers that end in 0 or 5, of an enumerator and of all others. Without the test, which SQL has no function for.
-- One row per enumerator and numeric question.

with
-- numbers as they were typed, of two digits or more: of a single digit, 0 and 5 are no sign of rounding
numbers as (
    select
        question,
        enumerator_code,
        right(answer, 1) in ('0', '5') as is_round,
        k
    from ($counts) as answers
    where regexp_full_match(answer, '-?[0-9]+([.][0-9]+)?') and regexp_matches(answer, '[0-9].*[0-9]')
),

own as (
    select
        question,
        enumerator_code,
        cast(coalesce(sum(k) filter (is_round), 0) as bigint) as k,
        cast(sum(k) as bigint) as n
    from numbers
    group by question, enumerator_code
),

compared as (
    select
        *,
        cast(sum(k) over question as bigint) - k as others_k,
        cast(sum(n) over question as bigint) - n as others_n
    from own
    window question as (partition by question)
),

final as (
    select
        compared.enumerator_code,
        $form_id as form_id,
        questions.table_name,
        questions.column_name,
        compared.k,
        n,
        k / n as share,
        $low as low,
        $high as high,
        compared.others_k,
        compared.others_n,
        others_k / others_n as expected
    from compared
    inner join ($questions) as questions on compared.question = questions.question
    where n >= $fewest and others_n >= $fewest
)

select * from final
order by enumerator_code, table_name, column_name
