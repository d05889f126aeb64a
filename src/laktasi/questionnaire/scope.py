"""Where an expression stands, and what it may ask of the form around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from laktasi.questionnaire.layers import ROW, Frame, Tables
from laktasi.questionnaire.model import ChoiceList, Field, Questionnaire, Table
from laktasi.questionnaire.values import Value


class FormSql(Protocol):
    """What an expression asks of the form around it."""

    questionnaire: Questionnaire
    tables: Tables

    def reading(self, item: Field, alias: str, frame: Frame) -> Value:
        """Give the value an expression reads from a field, in a row called `alias`."""

    def relevance(self, place: str, alias_of: Callable[[str], str], frame: Frame) -> str:
        """Give the condition under which a node is relevant; raises Unsupported where that cannot be told."""

    def clock(self, name: str, alias_of: Callable[[str], str], frame: Frame) -> str:
        """Give SQL of the phone's ``day``, ``moment`` or ``offset``."""

    def new_alias(self) -> str:
        """Give an alias for the rows of a subquery."""


@dataclass(slots=True)
class Scope:
    """Where an expression stands: a node, the row that holds it, and how the rows around that are called."""

    tables: Tables
    table: Table
    place: str | None
    """The node that relative paths start from; None inside a list, whose items are not in the form."""
    alias: str = ROW
    stem: str = "t"
    outer: Scope | None = None
    """The scope of the query around this subquery; it names the rows of `shared` and of what is around them."""
    shared: Table | None = None
    origin: Scope | None = None
    """The scope that ``current()`` means, where it is another."""
    joins: set[str] = field(default_factory=set)
    limit: int | None = None
    """How many steps of an absolute path can mean this instance, where the engine shares one result among nodes."""
    item: ChoiceList | None = None
    """Inside the predicate of a list: that list, its rows being called `item_alias`."""
    item_alias: str = ""

    def alias_of(self, name: str) -> str:
        """Give the alias of the row of this table or of one around it; joins it if it is not there yet."""
        if name == self.table.name:
            return self.alias
        if self.outer is not None and self.shared is not None:
            around = {self.shared.name, *(table.name for table in self.tables.upwards(self.shared))}
            if name in around:
                return self.outer.alias_of(name)
        self.joins.add(name)
        return self.tables.alias(self.stem, self.tables.by_name[name])


@dataclass(frozen=True, slots=True)
class Nodes:
    """What a path selects: one node of this row or of a row around it, or the nodes of many rows."""

    value: Callable[[], Value]
    relevant: str
    """Condition that the single node is relevant; TRUE for many, whose `rows` hold it."""
    rows: str = ""
    """``FROM … WHERE …`` of many nodes; empty for a single one."""
    order: str = ""

    @property
    def single(self) -> bool:
        """Whether this is one node."""
        return not self.rows

    def aggregate(self, expression: str) -> str:
        """Give a subquery over many nodes."""
        return f"(SELECT {expression} {self.rows})"
