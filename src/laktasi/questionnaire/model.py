"""The Questionnaire: one fielded version of a form, as everything else in laktasi reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Privacy(StrEnum):
    """What a value can say about a person, from the bind attribute ``laktasi:privacy``; unmarked means direct."""

    DIRECT = "direct"
    QUASI = "quasi"
    NONE = "none"


class ValueType(StrEnum):
    """The type of a value, from the bind."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    GEOPOINT = "geopoint"
    GEOTRACE = "geotrace"
    GEOSHAPE = "geoshape"
    SELECT_ONE = "select_one"
    SELECT_MULTIPLE = "select_multiple"
    RANK = "rank"
    MEDIA = "media"
    """A file name: photo, sound, video, any file, Collect's audit log."""


Texts = Mapping[str, str]
"""The same text by language code, ``{"id": …, "en": …}``; a form without translations uses ``{"default": …}``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that a list offers. `properties` are its other columns, which choice filters read."""

    value: str
    labels: Texts
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """The choices of one list in one form version. `media` names the file of a ``select_one_from_file``."""

    name: str
    choices: tuple[Choice, ...]
    media: str | None = None
    value_column: str = "name"
    """What the list itself calls the column that holds the value; expressions read it by that name."""


@dataclass(frozen=True, slots=True)
class Field:
    """A node of the form that holds a value: a question, a calculate, a piece of metadata.

    Expressions are XPath as in the XForm (absolute or relative paths), not ``${name}``.
    """

    path: str
    """Place below the root node, e.g. ``massage/performed``. Unique in a version."""
    column: str
    """Column in its table, e.g. ``massage__performed``: the path inside the table, joined by ``__``."""
    table: str
    """The table that holds it, see :class:`Table`."""
    type: ValueType
    labels: Texts
    hints: Texts
    privacy: Privacy
    """As declared and after it has flowed: a calculate is as private as what it is made of."""
    list_name: str | None = None
    choice_filter: str | None = None
    """The predicate on the items of the list, as XPath, if there is one."""
    required: str | None = None
    relevant: str | None = None
    """Its own relevance only; that of the groups around it is in :class:`Group`."""
    constraint: str | None = None
    constraint_messages: Texts = field(default_factory=dict)
    required_messages: Texts = field(default_factory=dict)
    calculate: str | None = None
    readonly: bool = False
    is_question: bool = True
    """Shown to a person; False for calculates and metadata (start, deviceid, audit, instanceID …)."""
    trigger: str | None = None
    preload: str | None = None
    """``start``, ``end``, ``today``, ``deviceid``, ``uid`` … for metadata that the phone fills."""
    default: str | None = None
    appearance: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group or repeat around fields; its relevance is that of all it holds."""

    path: str
    labels: Texts
    relevant: str | None = None
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the warehouse: the form itself, or one repeat."""

    name: str
    """``postpartum_visit``, or ``postpartum_visit__infants`` for a repeat."""
    path: str
    """Place of the repeat below the root node; empty for the form."""
    parent: str | None
    """Name of the table that holds the parent rows; None for the form."""


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One version of a form: what is asked, and what a record must be."""

    form_id: str
    version: str
    title: str
    languages: tuple[str, ...]
    """Language codes, the default first."""
    sha256: str
    """Of the XForm, byte for byte."""
    root: str
    """Name of the root node of the primary instance."""
    fields: tuple[Field, ...]
    """In the order of the form."""
    groups: tuple[Group, ...]
    tables: tuple[Table, ...]
    """The form's own table first, parents before children."""
    choice_lists: Mapping[str, ChoiceList]
    media: Mapping[str, str]
    """File name to SHA-256 of the media this version came with."""
    missing_media: tuple[str, ...] = ()
    """Media the form names that were not at hand."""

    def fields_of(self, table: str) -> Iterator[Field]:
        """Give the fields of one table, in the order of the form."""
        return (item for item in self.fields if item.table == table)

    def by_path(self, path: str) -> Field:
        """Give the field at a path; KeyError if there is none."""
        for item in self.fields:
            if item.path == path:
                return item
        raise KeyError(path)

    def find(self, name: str) -> Field:
        """Give the field that people mean by `name`: its path, its column, or its last part where that is unique.

        Raises
        ------
        KeyError
            No field is called so, or several are; the message says which.
        """
        exact = [item for item in self.fields if name in (item.path, item.column)]
        found = exact or [item for item in self.fields if item.path.rsplit("/", 1)[-1] == name]
        if len(found) == 1:
            return found[0]
        if not found:
            raise KeyError(f"no question is called {name!r}")
        raise KeyError(f"{name!r} could be any of {', '.join(item.path for item in found)}")
