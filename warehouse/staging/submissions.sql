-- Every submission with its current version. One row per submission.
--
-- An edit has its own instanceID and names the one it replaces. Walking up gives the first instanceID, landed or only named: the
-- identity of the submission, whichever version lands first. Its depth, not its time of landing, says which version is newest.

with recursive
sightings as (
    select
        form_id,
        form_version,
        instance_id,
        nullif(nullif(deprecated_id, instance_id), '') as deprecated_id,
        payload_sha256,
        status,
        source,
        changed_at,
        landed_at
    from raw.submissions
),

-- The same payload may be seen through several doors; a sighting that knows its status says more than one that does not.
versions as (
    select
        form_id,
        instance_id,
        payload_sha256,
        min(form_version) as form_version,
        case
            when bool_or(status = 'finalised') then 'finalised'
            when bool_or(status = 'draft') then 'draft'
            else 'unknown'
        end as status,
        arg_min(source, landed_at) as source,
        max(changed_at) as changed_at,
        min(landed_at) as landed_at
    from sightings
    group by form_id, instance_id, payload_sha256
),

edits as (
    select
        form_id,
        instance_id,
        min(deprecated_id) as deprecated_id
    from sightings
    where deprecated_id is not null
    group by form_id, instance_id
),

-- union, not union all: a ring of edits ends when it has come round
ancestry (form_id, instance_id, ancestor_id) as (
    select
        form_id,
        instance_id,
        deprecated_id
    from edits
    union
    select
        ancestry.form_id,
        ancestry.instance_id,
        edits.deprecated_id
    from ancestry
    inner join edits on ancestry.form_id = edits.form_id and ancestry.ancestor_id = edits.instance_id
),

in_rings as (
    select
        form_id,
        instance_id
    from ancestry
    where instance_id = ancestor_id
),

chains as (
    select
        ancestry.form_id,
        ancestry.instance_id,
        coalesce(
            min(ancestry.ancestor_id) filter (edits.instance_id is null),
            min(ancestry.ancestor_id) filter (in_rings.instance_id is not null)
        ) as submission_id,
        count(*) as depth
    from ancestry
    left join edits on ancestry.form_id = edits.form_id and ancestry.ancestor_id = edits.instance_id
    left join in_rings on ancestry.form_id = in_rings.form_id and ancestry.ancestor_id = in_rings.instance_id
    group by ancestry.form_id, ancestry.instance_id
),

placed as (
    select
        versions.*,
        coalesce(chains.submission_id, versions.instance_id) as submission_id,
        coalesce(chains.depth, 0) as depth
    from versions
    left join chains on versions.form_id = chains.form_id and versions.instance_id = chains.instance_id
),

submissions as (
    select
        form_id,
        submission_id,
        count(*) as version_count,
        min(landed_at) as first_landed_at
    from placed
    group by form_id, submission_id
),

-- Within one instanceID a finalised version stands against drafts; among others, later content supersedes. Where the source
-- does not say when it changed, the time of landing must do.
instances as (
    select *
    from placed
    qualify row_number() over (
        partition by form_id, instance_id
        order by
            (status = 'finalised') desc,
            coalesce(changed_at, landed_at) desc,
            landed_at desc,
            payload_sha256
    ) = 1
),

-- A draft of an edit does not displace what was finalised before it.
current_versions as (
    select *
    from instances
    qualify row_number() over (
        partition by form_id, submission_id
        order by
            (status = 'draft'),
            depth desc,
            (status = 'finalised') desc,
            coalesce(changed_at, landed_at) desc,
            instance_id
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
            when current_versions.status = 'draft' then 'draft'
            when known_forms.form_id is null then 'waiting'
            else 'staged'
        end as state,
        submissions.version_count,
        current_versions.source,
        submissions.first_landed_at,
        current_versions.changed_at
    from current_versions
    inner join submissions
        on current_versions.form_id = submissions.form_id
        and current_versions.submission_id = submissions.submission_id
    left join ($known_forms) as known_forms
        on current_versions.form_id = known_forms.form_id
        and current_versions.form_version = known_forms.form_version
)

select * from final
