"""Rows of the research copy as dataclasses, also from a copy that an older version published."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import duckdb
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of one kind stand. Their order is total, so that the same file gives the same report."""

    relation: str
    """Schema and name."""
    order: str
    where: str = "true"


class Reader:
    """Reads kinds of rows. A table that the copy has not got has no rows, and a column that it has not got is None."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._columns: dict[str, set[str]] = {}
        found = connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
        for relation, column in found:
            self._columns.setdefault(relation, set()).add(column)

    def has(self, relation: str) -> bool:
        """Say whether the copy has a table or view."""
        return relation in self._columns

    def rows(self, kind: type[Row], source: Source, parameters: tuple[Any, ...] = ()) -> list[Row]:
        """Read the rows of one kind; `parameters` stand for the question marks of the source's condition."""
        if not self.has(source.relation):
            return []
        there = self._columns[source.relation]
        names = ", ".join(item.name if item.name in there else f"null as {item.name}" for item in fields(kind))
        query = f"select {names} from {source.relation} where {source.where} order by {source.order}"
        return [kind(*row) for row in self.connection.execute(query, list(parameters)).fetchall()]
