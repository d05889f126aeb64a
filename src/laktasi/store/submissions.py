"""staging.submissions: which version of each submission is current, its chain of edits resolved."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from laktasi.store.sql import select_from_file, transaction, values


def resolve(con: duckdb.DuckDBPyConnection, known_forms: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Make staging.submissions anew from raw; warehouse/staging/submissions.sql says how.

    Parameters
    ----------
    known_forms
        Form id and version of every questionnaire at hand; a submission of any other waits.

    Returns
    -------
    dict
        How many submissions are ``staged``, ``drafts``, ``waiting``, ``deleted`` and ``dropped``.
    """
    query = select_from_file(
        "staging",
        "submissions",
        versions=select_versions(),
        known_forms=values(("form_id", "form_version"), sorted(known_forms)),
    )
    with transaction(con):
        con.execute("delete from staging.submissions")
        con.execute(f"insert into staging.submissions by name {query}")
    return count_states(con)


def count_states(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Give what :func:`resolve` gives, of what stands there now."""
    counted = dict(con.execute("select state, count(*) from staging.submissions group by state").fetchall())
    return {name: counted.get(state, 0) for name, state in COUNTED.items()}


def select_versions() -> str:
    """Give the select of every version that has landed and the submission it belongs to.

    Columns are ``form_id, submission_id, instance_id, payload_sha256, form_version, status, source, is_central,
    is_held, changed_at, landed_at, depth, is_on_central, is_up_to_date``; see warehouse/staging/versions.sql.
    """
    return select_from_file("staging", "versions")


COUNTED = {"staged": "staged", "drafts": "draft", "waiting": "waiting", "deleted": "deleted", "dropped": "dropped"}
"""What :func:`resolve` counts, by state."""
