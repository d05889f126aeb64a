-- Change and cause of each submission whose row of the analysis is not what it was in the run before.
-- $here: what this run made of them (analysed_rows.sql); meta.analysed_rows: what the one before ($since) did.
-- $form_differs: whether the study was about another form than $form_id then.
-- $changed_versions: versions of the form that came, or came otherwise; $same_rules: rules that ask what they asked.
-- $schemas_differ, $code_differs: whether these are not those of the run before. $rejected: the rule about reviews.
-- One row per submission that is new, gone or changed.

with
changed_versions as ($changed_versions),
same_rules as ($same_rules),

rows as (
    select
        coalesce(here.submission_id, past.submission_id) as submission_id,
        here,
        past,
        case
            when here.is_included and not coalesce(past.is_included, false) then 'new'
            when past.is_included and not coalesce(here.is_included, false) then 'gone'
            when here.is_included
                and (here.row_hash <> past.row_hash or here.is_accepted <> past.is_accepted) then 'changed'
        end as change,
        list_filter(
            list_concat(here.kept_out_by, past.kept_out_by),
            lambda rule: not (list_contains(here.kept_out_by, rule) and list_contains(past.kept_out_by, rule))
        ) as moved
    from $here as here
    full join (from meta.analysed_rows where run_id = $since) as past
        on here.submission_id = past.submission_id and here.form_id = past.form_id
),

-- A chain of edits is called otherwise once an older link of it has landed: no record came or went.
landed as (
    select distinct instance_id from raw.submissions where form_id = $form_id
),

known as (
    select distinct instance_id from meta.analysed_rows where run_id = $since
),

-- Their people left the study; what the run before made of them was emptied.
forgotten as (
    select distinct unnest(ids) as id from raw.forgotten where kind = 'submission' and form_id = $form_id
),

-- What happened around a record, where that explains its change.
around as (
    select
        submission_id,
        case
            when coalesce(here.form_version, past.form_version) in (from changed_versions) then 'form version'
            when $schemas_differ then 'schemas'
            when $code_differs then 'code'
        end as cause
    from rows
)

select
    submission_id,
    change,
    case
        when $form_differs then 'schemas'
        when here.submission_id is null and past.submission_id in (from forgotten) then 'withdrew'
        when here.submission_id is null and past.instance_id in (from landed) then 'edited submission'
        when here.submission_id is null then 'deletion'
        when past.submission_id is null and here.instance_id in (from known) then 'edited submission'
        when past.submission_id is null then 'new submission'
        when here.state <> past.state and 'deleted' in (here.state, past.state) then 'deletion'
        when here.state <> past.state and 'dropped' in (here.state, past.state) then 'decision'
        when here.state <> past.state and 'waiting' in (here.state, past.state) then 'form version'
        when past.state = 'draft' and here.state <> 'draft' then 'new submission'
        when here.instance_id <> past.instance_id or here.payload_sha256 <> past.payload_sha256
            then 'edited submission'
        when here.decisions <> past.decisions then 'decision'
        when change = 'changed' and here.row_hash = past.row_hash then case
            when list_contains(moved, $rejected) then 'review state'
            when list_has_any(moved, (select coalesce(list(rule_id), []) from same_rules)) then 'finding'
            else coalesce(around.cause, 'finding')
        end
        else coalesce(around.cause, 'unexplained')
    end as cause
from rows
inner join around using (submission_id)
where change is not null
