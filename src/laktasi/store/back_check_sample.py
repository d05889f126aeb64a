"""Which interviews are repeated: drawn by chance, the same for the same seed, and what is drawn stays drawn.

Each stratum is put in an order of its own, by a hash of seed and submission, and drawn from its top until it has what
schemas/back_checks.yml wants. What was drawn is kept in quality.back_check_draws, since more interviews come in: a
new one may stand above an old one that was drawn, and does not take its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import duckdb

from laktasi.store.back_checks import Comparison
from laktasi.store.sql import literal, transaction


@dataclass(frozen=True, slots=True)
class Drawn:
    """One interview that is to be repeated."""

    study_code: str | None
    centre: str | None
    enumerator: str | None
    day: date | None
    """Of the interview."""
    why: str
    """``chance``, or ``flag``."""
    drawn_at: datetime
    submission_id: str
    contacts: tuple[str | None, ...] = ()
    """Answers to the questions that back_checks.yml names as contacts; empty unless asked for."""


def draw(con: duckdb.DuckDBPyConnection, comparison: Comparison, at: datetime) -> int:
    """Draw as many interviews as are wanted and not drawn yet, and keep them.

    An interview that somebody tried to repeat in vain stays drawn and counts no longer: another one takes its place.

    Parameters
    ----------
    at
        When this is.

    Returns
    -------
    int
        How many were drawn now.
    """
    sample = comparison.declared.sample
    flagged = "interviews.is_flagged" if sample.flags_first else "false"
    form_id = literal(comparison.declared.original.form_id)
    with transaction(con):
        drawn = con.execute(
            f"""
            insert into quality.back_check_draws by name
            with
            originals as ({comparison.originals()}),

            -- an interview that is there twice cannot be matched, so it is not drawn
            named as (
                select match_key from originals where match_key is not null group by match_key having count(*) = 1
            ),

            repeated as (
                select original_id, bool_or(state = 'compared') as is_compared
                from marts.back_checks where original_id is not null and state in ('compared', 'attempted')
                group by original_id
            ),

            flags as (
                select distinct submission_id from quality.findings
                where form_id = {form_id} and is_open and submission_id <> ''
            ),

            interviews as (
                select
                    originals.submission_id,
                    originals.stratum,
                    originals.match_key in (from named) as is_named,
                    draws.submission_id is not null as is_drawn,
                    coalesce(not repeated.is_compared, false) as is_in_vain,
                    flags.submission_id is not null as is_flagged,
                    md5(concat_ws(chr(31), {literal(sample.seed)}, originals.submission_id)) as place
                from originals
                left join repeated on originals.submission_id = repeated.original_id
                left join flags on originals.submission_id = flags.submission_id
                left join quality.back_check_draws as draws
                    on draws.form_id = {form_id} and originals.submission_id = draws.submission_id
            ),

            strata as (
                select
                    stratum,
                    {comparison.wanted()} - count(*) filter (is_drawn and not is_in_vain) as missing
                from interviews
                group by stratum
            ),

            ordered as (
                select
                    interviews.submission_id,
                    interviews.is_flagged,
                    strata.missing,
                    row_number() over (
                        partition by interviews.stratum
                        order by {flagged} desc, interviews.place, interviews.submission_id
                    ) as number
                from interviews
                inner join strata on interviews.stratum = strata.stratum
                where interviews.is_named and not interviews.is_drawn and not interviews.is_in_vain
            )

            select
                {form_id} as form_id,
                submission_id,
                case when {flagged.replace("interviews.", "")} then 'flag' else 'chance' end as reason,
                {literal(sample.seed)} as seed,
                $at as drawn_at
            from ordered
            where number <= missing
            """,
            {"at": at},
        ).fetchone()
    assert drawn is not None
    return int(drawn[0])


def to_repeat(con: duckdb.DuckDBPyConnection, comparison: Comparison, *, with_contacts: bool = False) -> list[Drawn]:
    """List what has been drawn and nobody has tried to repeat yet, by centre, enumerator and day.

    Parameters
    ----------
    with_contacts
        With the answers that help to find the respondent: direct identifiers, for a private file only.
    """
    asked = comparison.contacts if with_contacts else ()
    contacts = [f"{item.text} as contact_{at}" for at, item in enumerate(asked)]
    rows = con.execute(
        f"""
        with
        originals as ({comparison.originals()}),

        contacts as (
            select {", ".join(["_submission_id", *contacts])} from {comparison.original_table} as answers
        )

        select originals.subject_code, originals.centre_code, originals.enumerator_code, originals.day,
            draws.reason, draws.drawn_at, draws.submission_id, contacts.* exclude (_submission_id)
        from quality.back_check_draws as draws
        inner join originals on draws.submission_id = originals.submission_id
        inner join contacts on draws.submission_id = contacts._submission_id
        anti join (select original_id from marts.back_checks where state in ('compared', 'attempted')) as repeated
            on draws.submission_id = repeated.original_id
        where draws.form_id = {literal(comparison.declared.original.form_id)}
        order by originals.centre_code, originals.enumerator_code, originals.day, draws.submission_id
        """
    ).fetchall()
    return [
        Drawn(code, centre, enumerator, day, why, drawn_at, submission_id, tuple(answers))
        for code, centre, enumerator, day, why, drawn_at, submission_id, *answers in rows
    ]


def with_sample(comparison: Comparison, *, share: float | None, seed: str | None) -> Comparison:
    """Give the same with another share or seed of the sample; None keeps what back_checks.yml says."""
    sample = comparison.declared.sample
    sample = replace(sample, share=sample.share if share is None else share, seed=sample.seed if seed is None else seed)
    return replace(comparison, declared=replace(comparison.declared, sample=sample))
