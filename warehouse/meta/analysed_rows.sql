-- What a run made of each submission of the study's form ($form_id), and from what.
-- One row per submission of the study's form.

with
included as (
    select
        submission_id,
        is_accepted,
        md5(to_json(levels)::varchar) as row_hash
    from marts.analysed
    inner join (select * exclude (is_accepted) from marts.analysed) as levels using (submission_id)
),

decided as (
    select submission_id, list_sort(list(distinct decision_id)) as decisions
    from quality.decision_states
    where form_id = $form_id and state = 'applied' and submission_id is not null
    group by submission_id
),

kept_out as (
    select submission_id, list_sort(list(distinct rule_id)) as kept_out_by
    from quality.findings
    where form_id = $form_id and is_open and keeps_out and submission_id <> ''
    group by submission_id
)

select
    staged.form_id,
    staged.submission_id,
    staged.instance_id,
    staged.payload_sha256,
    staged.form_version,
    staged.state,
    included.submission_id is not null as is_included,
    included.is_accepted,
    included.row_hash,
    coalesce(decided.decisions, []) as decisions,
    coalesce(kept_out.kept_out_by, []) as kept_out_by
from staging.submissions as staged
left join included using (submission_id)
left join decided using (submission_id)
left join kept_out using (submission_id)
where staged.form_id = $form_id
