-- Every version of every submission that has landed, and whose version it is. One row per form, instanceID and payload.
--
-- An edit has its own instanceID and names the one it replaces. Walking up gives the first instanceID, landed or only named: the
-- identity of the submission, whichever version lands first. Where a Central has any of these versions, its __id is that identity:
-- it knows chains whose links never landed here.

with recursive
-- What a server said of a submission that was purged since, and sent again under the same id: it has that no more.
bygone as (
    select
        listed.source,
        listed.form_id,
        listed.instance_id,
        listed.created_at
    from raw.submission_versions as listed
    inner join raw.latest_submission_states as states
        on listed.source = states.source
        and listed.form_id = states.form_id
        and listed.submission_id = states.submission_id
    where listed.created_at < states.submitted_at
),

-- What a Central had of submissions that were deleted there.
deleted as (
    select
        source,
        form_id,
        submission_id,
        instance_id
    from raw.latest_submission_states
    where deleted_at is not null or is_purged
),

given_up as (
    select
        source,
        form_id,
        submission_id as instance_id
    from deleted
    union
    select
        source,
        form_id,
        instance_id
    from deleted
    union
    select
        listed.source,
        listed.form_id,
        listed.instance_id
    from raw.submission_versions as listed
    semi join deleted
        on listed.source = deleted.source
        and listed.form_id = deleted.form_id
        and listed.submission_id = deleted.submission_id
),

sightings as (
    select
        landed.form_id,
        landed.form_version,
        landed.instance_id,
        nullif(nullif(landed.deprecated_id, landed.instance_id), '') as deprecated_id,
        landed.payload_sha256,
        landed.status,
        landed.source,
        starts_with(landed.source, 'central:') as is_central,
        starts_with(landed.source, 'central:') and given_up.instance_id is null as is_held,
        landed.changed_at,
        landed.landed_at
    from raw.submissions as landed
    anti join bygone
        on landed.source = bygone.source
        and landed.form_id = bygone.form_id
        and landed.instance_id = bygone.instance_id
        and landed.changed_at = bygone.created_at
    left join given_up
        on landed.source = given_up.source
        and landed.form_id = given_up.form_id
        and landed.instance_id = given_up.instance_id
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
        bool_or(is_central) as is_central,
        -- by a Central that still has it
        bool_or(is_held) as is_held,
        max(changed_at) as changed_at,
        min(landed_at) as landed_at
    from sightings
    group by form_id, instance_id, payload_sha256
),

edits as (
    select
        form_id,
        instance_id,
        coalesce(min(deprecated_id) filter (is_central), min(deprecated_id)) as deprecated_id
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
        ) as first_id,
        count(*) as depth
    from ancestry
    left join edits on ancestry.form_id = edits.form_id and ancestry.ancestor_id = edits.instance_id
    left join in_rings on ancestry.form_id = in_rings.form_id and ancestry.ancestor_id = in_rings.instance_id
    group by ancestry.form_id, ancestry.instance_id
),

chained as (
    select
        versions.*,
        coalesce(chains.first_id, versions.instance_id) as first_id,
        coalesce(chains.depth, 0) as depth
    from versions
    left join chains on versions.form_id = chains.form_id and versions.instance_id = chains.instance_id
),

states as (
    select
        form_id,
        submission_id,
        instance_id,
        deleted_at is not null or is_purged as is_deleted
    from raw.latest_submission_states
),

on_central as (
    select
        listed.form_id,
        listed.submission_id,
        listed.instance_id
    from raw.submission_versions as listed
    anti join bygone
        on listed.source = bygone.source
        and listed.form_id = bygone.form_id
        and listed.instance_id = bygone.instance_id
        and listed.created_at = bygone.created_at
    union
    select
        form_id,
        submission_id,
        instance_id
    from states
    where instance_id is not null
    union
    select
        form_id,
        submission_id,
        submission_id
    from states
),

-- Two Centrals may call one chain differently: what began on one was sent to the other as it was after an edit. What it is
-- called there is a version of it here; so walk up, too, from one Central's name of it to another's.
callings (form_id, instance_id, submission_id) as (
    select
        form_id,
        instance_id,
        submission_id
    from on_central
    union
    select
        callings.form_id,
        callings.instance_id,
        on_central.submission_id
    from callings
    inner join on_central
        on callings.form_id = on_central.form_id and callings.submission_id = on_central.instance_id
),

called_otherwise as (
    select distinct
        form_id,
        instance_id as submission_id
    from on_central
    where instance_id <> submission_id
),

central_ids as (
    select
        callings.form_id,
        callings.instance_id,
        coalesce(
            min(callings.submission_id) filter (called_otherwise.submission_id is null), min(callings.submission_id)
        ) as submission_id
    from callings
    left join called_otherwise
        on callings.form_id = called_otherwise.form_id and callings.submission_id = called_otherwise.submission_id
    group by callings.form_id, callings.instance_id
),

links as (
    select
        form_id,
        first_id,
        instance_id
    from chained
    union
    select
        form_id,
        first_id,
        first_id
    from chained
),

-- What Central calls a chain of which it has some version: phones' other versions of it belong there too.
central_chains as (
    select
        links.form_id,
        links.first_id,
        coalesce(
            min(central_ids.submission_id) filter (central_ids.submission_id = links.first_id), min(central_ids.submission_id)
        ) as submission_id
    from links
    inner join central_ids on links.form_id = central_ids.form_id and links.instance_id = central_ids.instance_id
    group by links.form_id, links.first_id
),

heads as (
    select distinct
        form_id,
        instance_id
    from states
    where not is_deleted and instance_id is not null
),

followers as (
    select
        form_id,
        instance_id
    from heads
    union
    select
        ancestry.form_id,
        ancestry.instance_id
    from ancestry
    inner join heads on ancestry.form_id = heads.form_id and ancestry.ancestor_id = heads.instance_id
),

final as (
    select
        chained.* exclude (first_id),
        coalesce(central_ids.submission_id, central_chains.submission_id, chained.first_id) as submission_id,
        -- some payload of it came from there, or a Central says that it has this version
        bool_or(chained.is_central) over (partition by chained.form_id, chained.instance_id)
        or central_ids.instance_id is not null as is_on_central,
        -- what a Central has as current now, or an edit of that
        followers.instance_id is not null as is_up_to_date
    from chained
    left join central_ids
        on chained.form_id = central_ids.form_id and chained.instance_id = central_ids.instance_id
    left join central_chains
        on chained.form_id = central_chains.form_id and chained.first_id = central_chains.first_id
    left join followers on chained.form_id = followers.form_id and chained.instance_id = followers.instance_id
)

select * from final
