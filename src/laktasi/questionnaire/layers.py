"""Layers of SQL: what is computed once per row, each thing after what it needs, for the form and its repeats.

A relevance or a calculation that others read becomes a column of its own. Columns are put into common table
expressions layer by layer, so that the SQL grows with the form and not with the paths through it, and so that a
column of the form can be made of rows of a repeat that are themselves made of other columns of the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from laktasi.questionnaire.model import Questionnaire, Table
from laktasi.questionnaire.values import quote, text_literal

ROW = "\x01"
"""Marks the alias of a row in SQL that is written before the alias is known."""
_SOURCE = re.compile("\x02([^\x02]*)\x02")


def source(table: str) -> str:
    """Mark a table whose layer is known only when all is put together."""
    return f"\x02{table}\x02"


@dataclass(frozen=True, slots=True)
class Column:
    """A computed column of one table."""

    table: str
    name: str
    sql: str
    level: int
    joins: tuple[str, ...]
    """Tables around this one whose row the SQL reads, as ``<alias of table>``."""
    needs: frozenset[Column]
    clock: bool = False
    """Made of today() or now()."""


@dataclass(slots=True)
class Frame:
    """What one expression turns out to need, gathered while it is compiled."""

    columns: set[Column] = field(default_factory=set)
    clock: bool = False

    def add(self, column: Column) -> None:
        """Note that a computed column is read."""
        self.columns.add(column)
        self.clock = self.clock or column.clock

    @property
    def level(self) -> int:
        """The first layer at which everything is there."""
        return 1 + max((column.level for column in self.columns), default=0)


class Tables:
    """The tables of a form, who stands inside whom, and how rows find each other."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire
        self.by_name = {table.name: table for table in questionnaire.tables}
        self._place = {table.path: table for table in questionnaire.tables}
        self._position = {table.name: position for position, table in enumerate(questionnaire.tables)}

    @property
    def form(self) -> Table:
        """The form's own table."""
        return self.questionnaire.tables[0]

    def at(self, place: str) -> Table:
        """Give the table of the innermost repeat around (or at) a place."""
        parts = place.split("/") if place else []
        while parts:
            if (found := self._place.get("/".join(parts))) is not None:
                return found
            parts.pop()
        return self.form

    def repeats_along(self, place: str) -> list[Table]:
        """Give the tables of the repeats on the way to a place, outermost first."""
        parts = place.split("/") if place else []
        steps = ("/".join(parts[: end + 1]) for end in range(len(parts)))
        return [self._place[step] for step in steps if step in self._place]

    def upwards(self, table: Table) -> Iterator[Table]:
        """Give the tables around a table, the nearest first."""
        while table.parent is not None:
            table = self.by_name[table.parent]
            yield table

    def joins(self, table: Table, alias: str, wanted: Iterable[str], name: str) -> str:
        """Write the joins from a row to the rows around it, as far out as is wanted.

        `name` is what the aliases of the joined rows begin with, see :meth:`alias`.
        """
        missing = set(wanted)
        lines = []
        for outer in self.upwards(table):
            if not missing:
                break
            inner_alias, alias = alias, self.alias(name, outer)
            found = f"{alias}._submission_id = {inner_alias}._submission_id"
            if outer.parent is not None:
                found += f" AND {alias}._row = {inner_alias}._parent_row"
            lines.append(f"\n  LEFT JOIN {source(outer.name)} AS {alias} ON {found}")
            missing.discard(outer.name)
        return "".join(lines)

    def alias(self, name: str, table: Table) -> str:
        """Give the alias of a row around a row."""
        return f"{name}_up{self._position[table.name]}"


def put_together(tables: Tables, table: Table, outputs: Iterable[Column], only: str | None = None) -> str:
    """Write the select of one table with all its layers.

    Parameters
    ----------
    outputs
        Columns of `table` to give beside ``_submission_id`` and ``_row``; the last layer.
    only
        SQL name of a relation whose column ``_submission_id`` says which submissions are read, in every table; all of
        them by default.
    """
    final = list(outputs)
    needed: set[Column] = set()
    waiting = [item for column in final for item in column.needs]
    while waiting:
        column = waiting.pop()
        if column not in needed:
            needed.add(column)
            waiting.extend(column.needs)
    layers: dict[str, dict[int, list[Column]]] = {}
    for column in sorted(needed, key=lambda item: (item.level, item.name)):
        layers.setdefault(column.table, {}).setdefault(column.level, []).append(column)
    last = 1 + max([column.level for column in needed] + [0])

    expressions: dict[str, str] = {}

    def latest(name: str, before: int) -> str:
        level = max([item for item in layers.get(name, {}) if item < before], default=0)
        return quote(f"{name}#{level}")

    def resolved(sql: str, before: int) -> str:
        return _SOURCE.sub(lambda match: latest(match.group(1), before), sql)

    for other in tables.questionnaire.tables:
        expressions[quote(f"{other.name}#0")] = _base(tables.questionnaire, other, only)
    for level in range(1, last):
        for other in tables.questionnaire.tables:
            if columns := layers.get(other.name, {}).get(level):
                body = _layer(tables, other, columns, "t.*")
                expressions[quote(f"{other.name}#{level}")] = resolved(body, level)
    select = resolved(_layer(tables, table, final, "t._submission_id, t._row"), last)
    return _with(expressions, select)


def _layer(tables: Tables, table: Table, columns: list[Column], first: str) -> str:
    wanted = {name for column in columns for name in column.joins}
    chosen = "".join(f",\n  {column.sql.replace(ROW, 't')} AS {quote(column.name)}" for column in columns)
    return f"SELECT {first}{chosen}\nFROM {source(table.name)} AS t{tables.joins(table, 't', wanted, 't')}"


def _base(questionnaire: Questionnaire, table: Table, only: str | None) -> str:
    names = ["_submission_id", "_row"] + (["_parent_row"] if table.parent is not None else [])
    names += [item.column for item in questionnaire.fields_of(table.name)]
    # A record's rules read nothing outside of the record, so every table can be limited before anything is computed.
    limit = f" AND _submission_id IN (SELECT _submission_id FROM {only})" if only is not None else ""
    return (
        f"SELECT {', '.join(quote(name) for name in names)}\nFROM answers.{quote(table.name)}\n"
        f"WHERE _form_version = {text_literal(questionnaire.version)}{limit}"
    )


def _with(expressions: dict[str, str], select: str) -> str:
    """Write the select with those of the expressions that it uses, directly or through others."""
    used: dict[str, int] = {}

    def count(body: str) -> None:
        for name in expressions:
            if times := body.count(name):
                used[name] = used.get(name, 0) + times

    count(select)
    for name in reversed(list(expressions)):
        if name in used:
            count(expressions[name])
    parts = []
    for name, body in expressions.items():
        if name in used:
            # Read once, a layer flows into the next; read by several, it is computed once and kept.
            how = "MATERIALIZED" if used[name] > 1 else "NOT MATERIALIZED"
            parts.append(f"{name} AS {how} (\n{body}\n)")
    return (f"WITH {', '.join(parts)}\n" if parts else "") + select
