"""What comparing the sources of a submission shows: a phone's folder beside Central, and what Central's reviewers say.

These findings are of kind ``source``. Each is about a whole submission, and is mended when its sources agree again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laktasi.quality.findings import RuleRow
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


# Only the current version counts: once somebody has settled it by an edit, what was said before is history. What a
# source itself took back (a draft, an earlier content) is no difference either.
_DIFFER = """
with sightings as (
    select form_id, instance_id, source, payload_sha256
    from raw.submissions
    where status <> 'draft'
    qualify row_number() over (
        partition by form_id, instance_id, source
        order by (status = 'finalised') desc, coalesce(changed_at, landed_at) desc, landed_at desc
    ) = 1
)
select form_id, staged.submission_id
from staging.submissions as staged inner join sightings using (form_id, instance_id)
where staged.state = 'staged'
group by all
having count(distinct sightings.payload_sha256) > 1
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

_COMPARISONS = (
    _Comparison(
        "sources_differ",
        "error",
        {
            "id": "Isi kiriman ini berbeda antara ODK Central dan folder ponsel (yang dipakai isi dari Central), atau"
            " antara dua server. Tentukan mana yang benar, lalu perbaiki kiriman di Central.",
            "en": "This submission differs between ODK Central and a phone's folder (what Central has is used), or"
            " between two servers. Find out which is right, and edit the submission on Central.",
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
)


def source_rules(questionnaires: Questionnaires) -> list[RuleRow]:
    """Give the rules that :func:`source_findings` goes by, one row per form version."""
    return [
        RuleRow(
            form_id=form_id,
            form_version=version,
            table_name=questionnaire.tables[0].name,
            rule_id=f"{form_id}.{comparison.name}",
            kind=KIND,
            field=None,
            severity=comparison.severity,
            messages=comparison.messages,
            expression="",
        )
        for (form_id, version), questionnaire in questionnaires.items()
        for comparison in _COMPARISONS
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
