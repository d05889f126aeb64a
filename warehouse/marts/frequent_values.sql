-- The choice that an enumerator enters most often, beside what colleagues at the same health centres enter. Without the
-- probability, which SQL has no function for. One row per enumerator and select_one question.

with
cells as ($counts),

totals as (
    select
        *,
        cast(sum(k) over (partition by question, centre_code) as bigint) as everyone_n,
        cast(sum(k) over (partition by question, centre_code, answer) as bigint) as everyone_k,
        cast(sum(k) over (partition by question, centre_code, enumerator_code) as bigint) as n
    from cells
),

-- where nobody else asks, there is nobody to compare with
shared as (
    select * from totals where everyone_n > n
),

entered as (
    select
        question,
        enumerator_code,
        answer,
        cast(sum(k) as bigint) as k
    from shared
    group by question, enumerator_code, answer
),

own as (
    select
        *,
        count(*) over answers as choices
    from entered
    window answers as (partition by question, enumerator_code)
    qualify row_number() over (answers order by k desc, answer) = 1
),

-- every centre where the enumerator asks, also one where the choice was never entered
places as (
    select distinct
        question,
        enumerator_code,
        centre_code,
        n,
        everyone_n
    from shared
),

strata as (
    select
        own.*,
        places.centre_code,
        places.n as centre_n,
        places.everyone_n as all_n,
        coalesce(here.k, 0) as centre_k,
        coalesce(everyone.everyone_k, 0) as all_k
    from own
    inner join places using (question, enumerator_code)
    left join shared as here
        on own.question = here.question
        and own.enumerator_code = here.enumerator_code
        and own.answer = here.answer
        and places.centre_code = here.centre_code
    left join (
        select distinct
            question,
            centre_code,
            answer,
            everyone_k
        from totals
    ) as everyone
        on own.question = everyone.question
        and own.answer = everyone.answer
        and places.centre_code = everyone.centre_code
),

compared as (
    select
        enumerator_code,
        question,
        answer as "value",
        any_value(k) as k,
        any_value(choices) as choices,
        cast(sum(centre_n) as bigint) as n,
        cast(sum(all_n - centre_n) as bigint) as others_n,
        sum(centre_n * (all_k - centre_k) / (all_n - centre_n) order by centre_code) / sum(centre_n) as expected,
        -- what the health centre's totals let one expect of this enumerator, its variance, and the ends of what can be
        sum(centre_n * all_k / all_n order by centre_code) as expected_k,
        sum(
            cast(centre_n as double) * (all_n - centre_n) / all_n * all_k / all_n * (all_n - all_k) / (all_n - 1)
            order by centre_code
        ) as variance,
        sum(greatest(0, centre_n + all_k - all_n)) as least_k,
        sum(least(centre_n, all_k)) as most_k
    from strata
    group by enumerator_code, question, answer
),

final as (
    select
        compared.enumerator_code,
        $form_id as form_id,
        questions.table_name,
        questions.column_name,
        compared."value",
        compared.k,
        n,
        k / n as share,
        $low as low,
        $high as high,
        compared.others_n,
        compared.expected,
        compared.choices,
        -- the rule of Mantel and Fleiss (1980) for when the normal distribution will do
        case
            when least(expected_k - least_k, most_k - expected_k) >= 5 and variance > 0
                then greatest(0, abs(k - expected_k) - 0.5) / sqrt(variance)
        end as z
    from compared
    inner join ($questions) as questions on compared.question = questions.question
    where n >= $fewest
)

select * from final
order by enumerator_code, table_name, column_name
