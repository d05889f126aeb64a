"""Where the answer to a question stands, and what stands there now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import duckdb

from laktasi.questionnaire.model import Privacy, ValueType
from laktasi.secret import KEYED, keyed, lost_key
from laktasi.store.columns import united_tables
from laktasi.store.forms import Questionnaires
from laktasi.store.sql import identifier


@dataclass(frozen=True, slots=True)
class Place:
    """A question's column in schema ``answers``."""

    table: str
    column: str
    type: ValueType
    privacy: Privacy
    """The strictest of all versions."""
    in_repeat: bool
    versions: frozenset[str]
    """Form versions that have the question."""


Places = Mapping[tuple[str, str], Place]
"""By form id and path."""

Texts = dict[tuple[str, str], dict[str, str | None]]
"""Of one table: by submission and row, text by column."""


def find_places(questionnaires: Questionnaires) -> Places:
    """Give the place of every question of every form version; where it moved, that in the newest version."""
    return {
        (table.form_id, field.path): Place(
            table.name,
            column.name,
            field.type,
            column.privacy,
            table.parent is not None,
            frozenset(column.fields),
        )
        for table in united_tables(questionnaires)
        for column in table.columns
        for field in column.fields.values()
    }


def read_texts(
    con: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str], submissions: Collection[str]
) -> Texts:
    """Read some columns of some submissions, as text."""
    names = list(dict.fromkeys(columns))
    chosen = "".join(f", {identifier(name)}" for name in names)
    found = con.execute(
        f"select _submission_id, _row{chosen} from {identifier('answers', table)}"
        " where _submission_id in (select unnest(?))",
        [list(submissions)],
    ).fetchall()
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in found}


def is_expected(expected: str, text: str | None, form_id: str, path: str, key: bytes | None) -> bool:
    """Say whether an answer is what a decision expects to find.

    Parameters
    ----------
    expected
        The answer, empty for none, or its keyed hash.
    text
        What stands there.
    key
        The project's key, if there is one.

    Raises
    ------
    WarehouseError
        `expected` is a hash, and there is no key.
    """
    if not expected.startswith(KEYED):
        return (text or "") == expected
    if key is None:
        raise lost_key()
    return keyed(key, form_id, path, text or "") == expected
