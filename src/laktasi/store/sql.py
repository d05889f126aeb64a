"""SQL as text: quoting, and the files under warehouse/.

Names of columns come from questionnaires, so every name that enters a statement goes through :func:`identifier`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

from laktasi.paths import WAREHOUSE_SQL
from laktasi.store.turns import turn


def identifier(*parts: str) -> str:
    """Quote a name, or a qualified one: ``identifier("staging", "x")`` gives ``"staging"."x"``."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(value: str | int | bool | None) -> str:
    """Write a value into a statement, where a parameter cannot stand (comments, views, file names)."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def select_from_file(folder: str, name: str, **placeholders: str) -> str:
    """Read the select of one table, ``warehouse/<folder>/<name>.sql``, and fill its placeholders.

    Parameters
    ----------
    placeholders
        SQL for each ``$name`` in the file: quoted names, conditions, relations.

    Raises
    ------
    KeyError
        The file has a placeholder that was not given.
    """
    text = (WAREHOUSE_SQL / folder / f"{name}.sql").read_text(encoding="utf-8")
    return Template(text).substitute(placeholders)


def values(columns: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> str:
    """Write a small relation of texts and integers as a select, also where it has no rows."""
    names = ", ".join(identifier(column) for column in columns)
    listed = ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows)
    if not listed:
        return "select " + ", ".join(f"null as {identifier(column)}" for column in columns) + " where false"
    return f"select * from (values {listed}) as listed ({names})"


def migrations() -> list[tuple[int, str, Path]]:
    """Give number, name and file of every migration, in order."""
    found = sorted((WAREHOUSE_SQL / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [(int(path.name[:4]), path.stem, path) for path in found]


def scalar(con: Any, query: str, parameters: Iterable[Any] = ()) -> Any:
    """Give the one value that a query answers with; None where it answers with no row."""
    row = con.execute(query, list(parameters)).fetchone()
    return None if row is None else row[0]


@contextmanager
def transaction(con: Any) -> Iterator[None]:
    """Do all of the block or nothing of it, whatever interrupts it; where workers share the warehouse, in its turn."""
    with turn(con):
        con.begin()
        try:
            yield
        except BaseException:
            con.rollback()
            raise
        con.commit()
