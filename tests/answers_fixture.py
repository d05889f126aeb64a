"""Answers put straight into a warehouse, for tests that ask the same form many things: no file is read in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from laktasi.questionnaire.model import Questionnaire
from laktasi.store.marts import build_interviews
from laktasi.store.staging import stand
from laktasi.study import Study
from tests.warehouse_fixture import FORM, STUDY, form, warehouse

CHANGE = {
    "| calculation |": "| calculation | relevant |",
    "| | today | today | | | none | |": "| | today | today | | | none | |\n| | end | end | | | none | |",
    "| Weight | none | |": "| Weight | none | | ${massage} = 'yes' |",
}
"""The form keeps when an interview ended, and asks the weight only of those who were massaged."""
MORE = "| | text | _code | Kode | Code | none | |\n| | text | code | Kode | Code | none | |"
"""Questions called like what a query may call its own columns."""
GOOD = {"today": "2026-11-02", "consent": "yes", "centre": "c1", "enumerator": "P01", "massage": "yes"}


@dataclass
class Answered:
    """A warehouse with two versions of one form."""

    con: duckdb.DuckDBPyConnection
    questionnaires: Mapping[tuple[str, str], Questionnaire]
    study: Study = STUDY

    def emptied(self) -> Answered:
        """Take all answers away."""
        for table in ("answers.visit", "answers.visit__infants", "staging.submissions", "marts.targets"):
            self.con.execute(f"delete from {table}")
        for table in ("quality.failing", "quality.decisions", "quality.decision_states"):
            self.con.execute(f"delete from {table}")
        self.con.execute("delete from audit_log.events")
        return self

    def take(self, *records: Mapping[str, str], version: str = "1", infants: Sequence[str] = ()) -> list[str]:
        """Take records in, each with the answers given and else those of a good one; '' takes an answer away.

        `infants` are weights of infants that each of the records has; '' is one that was not weighed.
        """
        start = len(self.rows("from staging.submissions"))
        ids = [f"uuid:{number}" for number in range(start, start + len(records))]
        own = [{"_submission_id": one, "_form_version": version} for one in ids]
        given = [row | {"_row": ""} | GOOD | dict(record) for row, record in zip(own, records, strict=True)]
        self._insert("visit", given)
        self._insert(
            "visit__infants",
            [
                row | {"_row": str(position), "_parent_row": "", "infant_weight": weight}
                for row in own
                for position, weight in enumerate(infants, 1)
            ],
        )
        self.con.execute(
            """
            insert into staging.submissions by name
            select
                ? as form_id, unnest(?) as submission_id, submission_id as instance_id, ? as form_version,
                '' as payload_sha256, 'finalised' as status, 'staged' as state, 1 as version_count,
                timestamptz '2026-12-01 00:00:00+00' as first_landed_at
            """,
            [FORM, ids, version],
        )
        stand(self.con, self.questionnaires)
        build_interviews(self.con, self.study, None, self.questionnaires)
        return ids

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Answer a query."""
        return self.con.execute(query).fetchall()

    def _insert(self, table: str, rows: Sequence[Mapping[str, str]]) -> None:
        names = list(dict.fromkeys(name for row in rows for name in row))
        if names:
            kept = {"_row", "_parent_row"}
            columns = {
                name: pa.array([row.get(name, "") or ("" if name in kept else None) for row in rows], pa.string())
                for name in names
            }
            self.con.register("given", pa.table(columns))
            self.con.execute(f"insert into answers.{table} by name from given")
            self.con.unregister("given")


@contextmanager
def answered(root: Path, more: str = MORE) -> Iterator[Answered]:
    """Open a warehouse in which two versions of the form stand and nobody has answered; both ask `more` as well."""
    with warehouse(root, form("1", more=more, change=CHANGE)) as house:
        house.take(form("2", more=more, change=CHANGE))
        yield Answered(house.con, house.questionnaires)
