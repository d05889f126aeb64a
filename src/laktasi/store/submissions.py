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
        How many submissions are ``staged``, ``drafts`` and ``waiting``.
    """
    query = select_from_file(
        "staging", "submissions", known_forms=values(("form_id", "form_version"), sorted(known_forms))
    )
    with transaction(con):
        con.execute("delete from staging.submissions")
        con.execute(f"insert into staging.submissions by name {query}")
    counted = dict(con.execute("select state, count(*) from staging.submissions group by state").fetchall())
    return {name: counted.get(state, 0) for name, state in COUNTED.items()}


COUNTED = {"staged": "staged", "drafts": "draft", "waiting": "waiting"}
"""Column of meta.runs to state."""
