-- Every submission with its current version. One row per submission.

with
versions as ($versions),

submissions as (
    select
        form_id,
        submission_id,
        count(*) as version_count,
        min(landed_at) as first_landed_at
    from versions
    group by form_id, submission_id
),

-- Of one instanceID Central's payload stands: it takes each only once and never changes it, while a phone's folder can be copied
-- half-way, or altered. Of two Centrals, that of the one that still has it: the wrong one is deleted there. Else a finalised version stands against drafts; among others, later content supersedes. Where the source
-- does not say when it changed, the time of landing must do.
instances as (
    select *
    from versions
    qualify row_number() over (
        partition by form_id, instance_id
        order by
            is_held desc,
            is_central desc,
            (status = 'finalised') desc,
            coalesce(changed_at, landed_at) desc,
            landed_at desc,
            payload_sha256
    ) = 1
),

-- A draft of an edit does not displace what was finalised before it. An edit of what Central no longer has as current cannot
-- reach it any more, so Central's own stands; else depth in the chain, not the time of landing, says which version is newest.
current_versions as (
    select *
    from instances
    qualify row_number() over (
        partition by form_id, submission_id
        order by
            (status = 'draft'),
            is_up_to_date desc,
            depth desc,
            (status = 'finalised') desc,
            coalesce(changed_at, landed_at) desc,
            instance_id
    ) = 1
),

-- By what the chain is called here: another Central may call it by an edit of its first version.
names as (
    select distinct
        form_id,
        instance_id,
        submission_id
    from versions
),

states as (
    select
        states.* exclude (submission_id),
        coalesce(firsts.submission_id, lasts.submission_id, states.submission_id) as submission_id,
        states.deleted_at is not null or states.is_purged as is_deleted
    from raw.latest_submission_states as states
    left join names as firsts on states.form_id = firsts.form_id and states.submission_id = firsts.instance_id
    left join names as lasts on states.form_id = lasts.form_id and states.instance_id = lasts.instance_id
),

-- Deleted: on every Central that ever had it. What a phone still has cannot bring it back.
on_central as (
    select
        form_id,
        submission_id,
        bool_and(is_deleted) as is_deleted,
        min(submitted_at) as received_at
    from states
    group by form_id, submission_id
),

-- People have decided to leave this version of it out. An edit brings the submission back, and the decision is stale.
dropped as (
    select distinct
        decisions.form_id,
        called.submission_id,
        decisions.expected as instance_id
    from quality.decisions as decisions
    inner join (
        select form_id, submission_id, instance_id as name from names
        union all
        -- the first of a chain may only be named
        select form_id, submission_id, submission_id from names
    ) as called
        on decisions.form_id = called.form_id and decisions.submission_id = called.name
    where decisions."action" = 'drop'
        and decisions.decision_id not in (select withdraws from quality.decisions where "action" = 'withdraw')
),

-- Where several Centrals have it, the one that changed last speaks, those before that still have it.
newest_states as (
    select *
    from states
    qualify row_number() over (
        partition by form_id, submission_id
        order by
            is_deleted,
            coalesce(updated_at, submitted_at) desc,
            source
    ) = 1
),

final as (
    select
        current_versions.form_id,
        current_versions.submission_id,
        current_versions.instance_id,
        current_versions.form_version,
        current_versions.payload_sha256,
        current_versions.status,
        case
            when on_central.is_deleted then 'deleted'
            when dropped.instance_id is not null then 'dropped'
            when current_versions.status = 'draft' then 'draft'
            when known_forms.form_id is null then 'waiting'
            else 'staged'
        end as state,
        submissions.version_count,
        current_versions.source,
        submissions.first_landed_at,
        current_versions.changed_at,
        on_central.received_at,
        newest_states.device_id,
        newest_states.submitter_name,
        newest_states.review_state
    from current_versions
    inner join submissions
        on current_versions.form_id = submissions.form_id
        and current_versions.submission_id = submissions.submission_id
    left join on_central
        on current_versions.form_id = on_central.form_id
        and current_versions.submission_id = on_central.submission_id
    left join newest_states
        on current_versions.form_id = newest_states.form_id
        and current_versions.submission_id = newest_states.submission_id
    left join dropped
        on current_versions.form_id = dropped.form_id
        and current_versions.submission_id = dropped.submission_id
        and current_versions.instance_id = dropped.instance_id
    left join ($known_forms) as known_forms
        on current_versions.form_id = known_forms.form_id
        and current_versions.form_version = known_forms.form_version
)

select * from final
