"""The line that ends every run: what a Central has, what is here, what is missing or too much. Ids are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import duckdb

from laktasi.store.append import registered
from laktasi.store.sql import scalar, transaction
from laktasi.store.states import HERE, ids_table


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
    """Live on the server, and neither landed nor refused."""
    extra: int
    """Live here, and not on the server."""
    note: str | None = None
    kind: str = "submissions"
    """``submissions``, or ``entities``: a form and an entity list may have the same name."""

    @property
    def is_true(self) -> bool:
        """Nothing is missing and nothing is too much."""
        return not self.missing and not self.extra


def line(
    con: duckdb.DuckDBPyConnection, source: str, form_id: str, live: Iterable[str], note: str | None = None
) -> Line:
    """Say what each side has of a form.

    Parameters
    ----------
    live
        Ids of all its live submissions on the server.
    """
    with registered(con, "listed", ids_table(live)):
        counts = con.execute(
            f"""
            with {HERE}
            select
                count(listed.submission_id),
                count(*) filter (here.is_live and here.has_landed),
                count(*) filter (here.is_live and not here.has_landed and here.is_refused),
                count(listed.submission_id) filter (
                    not coalesce(here.is_live and (here.has_landed or here.is_refused), false)
                ),
                count(*) filter (here.is_live and listed.submission_id is null)
            from here
            full join listed on here.submission_id = listed.submission_id
            """,
            {"source": source, "form_id": form_id},
        ).fetchone()
    assert counts is not None
    server, warehouse, refused, missing, extra = counts
    return Line(source, form_id, server, warehouse, refused, missing, extra, note)


def entity_line(
    con: duckdb.DuckDBPyConnection, source: str, list_name: str, live: Iterable[str], note: str | None = None
) -> Line:
    """Say what each side has of an entity list; `live` are the ids of its live entities on the server."""
    with registered(con, "listed", ids_table(live)):
        counts = con.execute(
            """
            with here as (
                select entity_id
                from raw.entities
                where source = $source and list_name = $list_name
                qualify row_number() over (partition by entity_id order by landed_at desc) = 1
                    and deleted_at is null and not is_purged
            )
            select
                count(listed.submission_id),
                count(here.entity_id),
                count(*) filter (here.entity_id is null),
                count(*) filter (listed.submission_id is null)
            from here
            full join listed on here.entity_id = listed.submission_id
            """,
            {"source": source, "list_name": list_name},
        ).fetchone()
    assert counts is not None
    server, warehouse, missing, extra = counts
    return Line(source, list_name, server, warehouse, 0, missing, extra, note, "entities")


def write_lines(con: duckdb.DuckDBPyConnection, run_id: str, lines: Sequence[Line]) -> None:
    """Keep lines with their run, each in place of an earlier one of the same form. Commits by itself.

    So they stand also where the run then fails because one of them is not true.
    """
    with transaction(con):
        kept = scalar(con, "select reconciled from meta.runs where run_id = ?", [run_id]) or []
        by_form = {(row["source"], row["kind"], row["form_id"]): row for row in (*kept, *map(asdict, lines))}
        con.execute("update meta.runs set reconciled = ? where run_id = ?", [list(by_form.values()), run_id])
