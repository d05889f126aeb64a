"""The line that ends every run: what a Central has, what is here, what is missing or too much.

Not numbers are compared, but each submission's current version, and each entity's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import duckdb

from laktasi.records import ListedRow
from laktasi.store.append import registered
from laktasi.store.leaving.turned_away import forgotten_ids
from laktasi.store.sql import scalar, transaction
from laktasi.store.states import KNOWN, LISTED_ENTITIES, entities_table, listing_table

GONE = "gone"
"""Kind of the line of what the server no longer has."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a Central and the warehouse have of one form, or of one entity list."""

    source: str
    form_id: str
    """The form, or the entity list."""
    server: int
    """Live ones on the server."""
    warehouse: int
    """Live ones here whose current version has landed from this source."""
    refused: int
    """Live ones here whose current version was refused; ``raw.refused`` says why."""
    missing: int
    """Live on the server, and its current version neither landed nor refused, or not what is current here; an entity at
    another version here."""
    extra: int
    """Live here, and not on the server."""
    note: str | None = None
    kind: str = "submissions"
    """``submissions``, or ``entities``: a form and an entity list may have the same name. Or ``gone``."""
    forgotten: int = 0
    """Live on the server, of people who left the study: turned away here, and to be deleted there."""

    @property
    def is_true(self) -> bool:
        """Nothing is missing and nothing is too much; of what is gone from the server nothing can be."""
        return self.kind == GONE or (not self.missing and not self.extra)


def line(con: duckdb.DuckDBPyConnection, source: str, form_id: str, listing: Collection[ListedRow] | None) -> Line:
    """Say what each side has of a form.

    Parameters
    ----------
    listing
        All its live submissions on the server. None where the server is proven to be as it was when it was equal: then
        both sides are what is live here.
    """
    given = {"source": source, "form_id": form_id}
    forgotten = 0
    if listing is None:
        counts = con.execute(
            f"""
            with recursive {KNOWN}
            select
                count(*),
                count(*) filter (has_landed),
                count(*) filter (is_refused),
                count(*) filter (not has_landed and not is_refused),
                0
            from known
            where is_live
            """,
            given,
        ).fetchone()
    else:
        gone = forgotten_ids(con, "submission", form_id)
        kept = [row for row in listing if row.submission_id not in gone]
        forgotten = len({row.submission_id for row in listing} & gone)
        with registered(con, "listed", listing_table(kept)):
            counts = con.execute(
                f"""
                with recursive {KNOWN},
                read as (
                    select distinct listed.submission_id
                    from listed
                    inner join arrived
                        on listed.submission_id = arrived.submission_id and listed.instance_id = arrived.instance_id
                        and listed.submitted_at <= arrived.created_at
                )
                select
                    count(listed.submission_id),
                    count(*) filter (known.is_live and known.has_landed),
                    count(*) filter (known.is_live and known.is_refused),
                    count(listed.submission_id) filter (
                        read.submission_id is null
                        or not coalesce(known.is_live, false)
                        -- Another one than is listed is current here, and not because it came since.
                        or (known.instance_id is distinct from listed.instance_id
                            and coalesce(known.updated_at, known.submitted_at)
                            <= coalesce(listed.updated_at, listed.submitted_at))
                    ),
                    count(*) filter (known.is_live and listed.submission_id is null)
                from known
                full join listed on known.submission_id = listed.submission_id
                left join read on listed.submission_id = read.submission_id
                """,
                given,
            ).fetchone()
    assert counts is not None
    server, warehouse, refused, missing, extra = counts
    return Line(source, form_id, server + forgotten, warehouse, refused, missing, extra, forgotten=forgotten)


def entity_line(con: duckdb.DuckDBPyConnection, source: str, list_name: str, live: Mapping[str, int]) -> Line:
    """Say what each side has of an entity list; `live` are its live entities on the server, and their versions."""
    gone = forgotten_ids(con, "entity", list_name)
    forgotten = len(gone & live.keys())
    kept = {entity_id: version for entity_id, version in live.items() if entity_id not in gone}
    with registered(con, "listed", entities_table(kept)):
        counts = con.execute(
            f"""
            with {LISTED_ENTITIES}
            select
                count(*) filter (is_listed),
                count(*) filter (is_here),
                count(*) filter (is_listed and not is_same),
                count(*) filter (not is_listed)
            from entities
            """,
            {"source": source, "list_name": list_name},
        ).fetchone()
    assert counts is not None
    server, warehouse, missing, extra = counts
    server += forgotten
    return Line(source, list_name, server, warehouse, 0, missing, extra, kind="entities", forgotten=forgotten)


def gone_line(con: duckdb.DuckDBPyConnection, source: str, name: str, kind: str) -> Line:
    """Say what is here of a form or an entity list that the server no longer has.

    Parameters
    ----------
    kind
        Of what is gone: ``submissions`` or ``entities``. That of the line is ``gone``.
    """
    here = entity_line(con, source, name, {}) if kind == "entities" else line(con, source, name, [])
    return replace(here, kind=GONE, note="no longer on the server; what has landed stays")


def write_lines(con: duckdb.DuckDBPyConnection, run_id: str, lines: Sequence[Line]) -> None:
    """Keep lines with their run, in place of those of the same forms that were kept before. Commits by itself.

    So they stand also where the run then fails because one of them is not true.
    """
    with transaction(con):
        before = scalar(con, "select reconciled from meta.runs where run_id = ?", [run_id]) or []
        told = {(line.source, line.kind, line.form_id) for line in lines}
        kept = [row for row in before if (row["source"], row["kind"], row["form_id"]) not in told]
        con.execute("update meta.runs set reconciled = ? where run_id = ?", [[*kept, *map(asdict, lines)], run_id])
