-- How often something happens to an enumerator or at a health centre, beside how often it happens to all. Without the
-- exact test, which SQL has no function for.
-- One row per kind, code and measure.

with
records as (
    select
        submission_id,
        centre_code,
        enumerator_code,
        is_consented,
        open_errors
    from marts.submissions
    where form_id = $form_id
),

-- of each record: how often something happened (k), and how often it could have (n)
counted as (
    select
        submission_id,
        'error' as measure,
        cast(open_errors > 0 as bigint) as k,
        1 as n
    from records
    union all
    select
        submission_id,
        'refusal' as measure,
        cast(not is_consented as bigint) as k,
        1 as n
    from records
    where $asks_consent
    union all
    select
        submission_id,
        measure,
        k,
        n
    from ($answers) as answers
    where n > 0
),

overall as (
    select
        counted.measure,
        sum(counted.k) / sum(counted.n) as rate
    from counted
    inner join records on counted.submission_id = records.submission_id
    group by counted.measure
),

units as (
    select
        'enumerator' as kind,
        enumerator_code as code,
        submission_id
    from records
    where enumerator_code is not null
    union all
    select
        'centre' as kind,
        centre_code as code,
        submission_id
    from records
    where centre_code is not null
),

grouped as (
    select
        units.kind,
        units.code,
        counted.measure,
        count(*) as records,
        cast(sum(counted.k) as bigint) as k,
        cast(sum(counted.n) as bigint) as n,
        sum(counted.k * counted.k) as kk,
        sum(counted.k * counted.n) as kn,
        sum(counted.n * counted.n) as nn,
        sum(counted.k) / sum(counted.n) as rate
    from units
    inner join counted on units.submission_id = counted.submission_id
    group by units.kind, units.code, counted.measure
),

-- How much the questions of one record go together: the variance of a rate, taken between the records of each unit, over
-- the variance it would have if each question were a draw of its own (Kish 1965, for a ratio). Summed in order, so that
-- the same data give the same digits.
effects as (
    select
        kind,
        measure,
        sum(kk - 2 * rate * kn + rate * rate * nn order by code) * sum(records) / nullif(sum(records - 1), 0)
        / nullif(sum(rate * (1 - rate) * n order by code), 0) as design_effect
    from grouped
    group by kind, measure
),

weighed as (
    select
        grouped.*,
        overall.rate as overall,
        case
            when grouped.measure in ('error', 'refusal') then 1.0
            else greatest(1.0, coalesce(effects.design_effect, 1.0))
        end as design_effect
    from grouped
    inner join overall on grouped.measure = overall.measure
    inner join effects on grouped.kind = effects.kind and grouped.measure = effects.measure
),

intervals as (
    select
        *,
        case when records >= $fewest then $low end as low,
        case when records >= $fewest then $high end as high
    from weighed
),

final as (
    select
        kind,
        code,
        measure,
        records,
        k,
        n,
        rate,
        overall,
        design_effect,
        low,
        high
    from intervals
)

select * from final
order by kind, code, measure
