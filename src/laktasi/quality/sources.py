"""What comparing the sources of a submission shows: a phone's folder beside Central, and what Central's reviewers say.

These findings are of kind ``source``. Each is about a whole submission, and is mended when its sources agree again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.quality.findings import RuleRow, form_rules
from laktasi.quality.plan import Questionnaires
from laktasi.quality.validate import failing_table
from laktasi.store.sql import scalar
from laktasi.store.submissions import select_versions

if TYPE_CHECKING:
    import duckdb

KIND = "source"


@dataclass(frozen=True, slots=True)
class _Comparison:
    name: str
    """The rule is called ``<form>.<name>``."""
    severity: str
    messages: Mapping[str, str]
    select: str
    """Gives ``form_id, submission_id`` of those that fail; ``{versions}`` stands for every version that has landed."""


# Live states, by what each submission is called here: another Central may call it by an edit of its first version.
_LIVE = """
    select
        states.source, states.form_id, states.instance_id, states.submitted_at, states.submission_id as called,
        coalesce(firsts.submission_id, lasts.submission_id) as submission_id
    from raw.latest_submission_states as states
    left join (select distinct form_id, instance_id, submission_id from versions) as firsts
        on states.form_id = firsts.form_id and states.submission_id = firsts.instance_id
    left join (select distinct form_id, instance_id, submission_id from versions) as lasts
        on states.form_id = lasts.form_id and states.instance_id = lasts.instance_id
    where states.deleted_at is null and not states.is_purged
"""

# Only the current version counts: once somebody has settled it by an edit, what was said before is history. What a
# source itself took back (a draft, an earlier content) is no difference either, nor what was deleted on a Central. And
# two Centrals differ where each has another version as current, unless one of them has gone on from the other's.
_DIFFER = f"""
with versions as ({{versions}}),
live as ({_LIVE}),
staged as (select form_id, submission_id, instance_id from staging.submissions where state = 'staged'),
sightings as (
    select form_id, instance_id, source, payload_sha256
    from raw.submissions
    where status <> 'draft'
    qualify row_number() over (
        partition by form_id, instance_id, source
        order by (status = 'finalised') desc, coalesce(changed_at, landed_at) desc, landed_at desc
    ) = 1
),
deleted as (
    select source, form_id, submission_id, instance_id
    from raw.latest_submission_states
    where deleted_at is not null or is_purged
),
given_up as (
    select source, form_id, submission_id as instance_id from deleted
    union
    select source, form_id, instance_id from deleted
    union
    select source, form_id, instance_id
    from raw.submission_versions semi join deleted using (source, form_id, submission_id)
),
passed as (
    select distinct live.form_id, live.submission_id, listed.instance_id
    from live
    inner join raw.submission_versions as listed
        on live.source = listed.source and live.form_id = listed.form_id and live.called = listed.submission_id
        and live.submitted_at <= listed.created_at and live.instance_id <> listed.instance_id
),
heads as (
    select distinct live.form_id, live.submission_id, live.instance_id, passed.instance_id is null as is_last
    from live
    left join passed using (form_id, submission_id, instance_id)
)
select form_id, staged.submission_id
from staged inner join (sightings anti join given_up using (source, form_id, instance_id))
    using (form_id, instance_id)
group by all
having count(distinct payload_sha256) > 1
union
select form_id, submission_id
from heads semi join staged using (form_id, submission_id)
group by all
having count(*) > 1 and count(*) filter (is_last) <> 1
"""

# A version that another one replaces need not reach Central any more.
_NOT_ON_CENTRAL = """
with versions as ({versions})
select distinct form_id, submission_id
from versions
semi join (from staging.submissions where state = 'staged') as staged using (form_id, submission_id)
anti join (select form_id, deprecated_id as instance_id from raw.submissions where status <> 'draft') as replaced
    using (form_id, instance_id)
where status = 'finalised' and not is_on_central and form_id in (select form_id from raw.submission_states)
"""

_REJECTED = """
select distinct form_id, submission_id
from raw.latest_submission_states
semi join (from staging.submissions where state = 'staged') as staged using (form_id, submission_id)
where review_state = 'rejected' and deleted_at is null and not is_purged
"""

# Staging stands on the last version that could be read.
_CURRENT_REFUSED = f"""
with versions as ({{versions}}),
live as ({_LIVE})
select distinct live.form_id, live.submission_id
from live
semi join (from staging.submissions where state = 'staged') as staged using (form_id, submission_id)
semi join raw.refused using (source, form_id, instance_id)
anti join raw.submissions as landed
    on live.source = landed.source and live.form_id = landed.form_id and live.instance_id = landed.instance_id
    and live.submitted_at <= landed.changed_at
"""

_COMPARISONS = (
    _Comparison(
        "sources_differ",
        "error",
        {
            "id": "Isi kiriman ini berbeda antara ODK Central dan folder ponsel (yang dipakai isi dari Central), atau"
            " antara dua server. Tentukan mana yang benar, lalu perbaiki kiriman di Central; jika dua server berbeda,"
            " hapus kiriman di server yang salah.",
            "en": "This submission differs between ODK Central and a phone's folder (what Central has is used), or"
            " between two servers. Find out which is right, and edit the submission on Central; where two servers"
            " differ, delete it on the one that is wrong.",
        },
        _DIFFER,
    ),
    _Comparison(
        "not_on_central",
        "warning",
        {
            "id": "Folder ponsel berisi versi final kiriman ini yang belum ada di ODK Central. Kirimkan dari ponsel.",
            "en": "A phone's folder holds a finalised version of this submission that ODK Central does not have."
            " Send it from the phone.",
        },
        _NOT_ON_CENTRAL,
    ),
    _Comparison(
        "rejected",
        "error",
        {
            "id": "Pemeriksa menolak kiriman ini di ODK Central.",
            "en": "A reviewer rejected this submission on ODK Central.",
        },
        _REJECTED,
    ),
    _Comparison(
        "current_refused",
        "error",
        {
            "id": "Versi terbaru kiriman ini di ODK Central tidak dapat dibaca, jadi yang dipakai versi sebelumnya."
            " Periksa kiriman di Central, lalu simpan suntingan baru di sana.",
            "en": "The current version of this submission on ODK Central cannot be read, so the one before it is used."
            " Look at the submission on Central, and save a new edit of it there.",
        },
        _CURRENT_REFUSED,
    ),
)


def source_rules(questionnaires: Questionnaires) -> list[RuleRow]:
    """Give the rules that :func:`source_findings` goes by, one row per form version."""
    return [
        row
        for comparison in _COMPARISONS
        for row in form_rules(questionnaires, comparison.name, KIND, comparison.severity, comparison.messages)
    ]


def source_findings(con: duckdb.DuckDBPyConnection) -> list[Any]:
    """Compare the sources of all staged submissions; what only waits, is a draft or deleted is left alone.

    Returns
    -------
    list
        A pyarrow.Table ``form_id, submission_id, row, rule_id, severity`` for each rule and form that has failing ones.
    """
    found: list[Any] = []
    if not scalar(con, "select count(*) from (from raw.submission_states limit 1)"):
        return found  # without a Central there is one source alone
    for comparison in _COMPARISONS:
        by_form: dict[str, list[str]] = {}
        query = comparison.select.replace("{versions}", select_versions())
        for form_id, submission_id in con.execute(f"{query} order by all").fetchall():
            by_form.setdefault(form_id, []).append(submission_id)
        found += [
            failing_table(form_id, f"{form_id}.{comparison.name}", comparison.severity, ids, [""] * len(ids))
            for form_id, ids in by_form.items()
        ]
    return found
