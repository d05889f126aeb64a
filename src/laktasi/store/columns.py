"""All versions of a form united: which tables and columns its answers need, and what each means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from laktasi.questionnaire.model import Field, Privacy, Questionnaire, Texts
from laktasi.store.forms import Questionnaires, versions_of


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a form's table."""

    name: str
    """As the newest version spells it."""
    fields: Mapping[str, Field]
    """By form version, oldest first."""

    @property
    def newest(self) -> Field:
        """The field in the newest version that has it."""
        return list(self.fields.values())[-1]

    @property
    def privacy(self) -> Privacy:
        """The strictest of all versions: an answer does not become public because a later version says so."""
        return min((field.privacy for field in self.fields.values()), key=list(Privacy).index)


@dataclass(frozen=True, slots=True)
class UnitedTable:
    """One table of a form, with the columns of every version."""

    form_id: str
    name: str
    title: Texts
    parent: str | None
    columns: tuple[Column, ...]
    """In the order of the newest version; columns that only older versions have come last."""
    languages: tuple[str, ...]
    """Of all versions, the default of the newest first."""


def united_tables(questionnaires: Questionnaires) -> list[UnitedTable]:
    """Give the tables of all forms, each form's own first."""
    tables: list[UnitedTable] = []
    for form_id in sorted({form_id for form_id, _ in questionnaires}):
        versions = versions_of(questionnaires, form_id)
        newest_first = versions[::-1]
        languages = tuple(dict.fromkeys(code for item in newest_first for code in item.languages))
        seen: set[str] = set()
        for questionnaire in newest_first:
            for table in questionnaire.tables:
                if table.name.lower() not in seen:
                    seen.add(table.name.lower())
                    title = _title(questionnaire, table.path)
                    columns = _columns(versions, table.name)
                    tables.append(UnitedTable(form_id, table.name, title, table.parent, columns, languages))
    return tables


def _columns(versions: list[Questionnaire], table: str) -> tuple[Column, ...]:
    fields: dict[str, dict[str, Field]] = {}
    for questionnaire in versions:
        for field in questionnaire.fields:
            if field.table.lower() == table.lower():
                # DuckDB does not see upper and lower case: Age and age are one column
                fields.setdefault(field.column.lower(), {})[questionnaire.version] = field
    order = dict.fromkeys(
        field.column.lower()
        for questionnaire in versions[::-1]
        for field in questionnaire.fields
        if field.table.lower() == table.lower()
    )
    return tuple(Column(list(fields[key].values())[-1].column, fields[key]) for key in order)


def _title(questionnaire: Questionnaire, path: str) -> Texts:
    if not path:
        return {"default": questionnaire.title}
    return next((group.labels for group in questionnaire.groups if group.path == path), {})


def text_in(texts: Texts, languages: tuple[str, ...]) -> str:
    """Give a text in the first of these languages that it has; empty where it has none."""
    for code in (*languages, "default", *texts):
        if found := texts.get(code):
            return " ".join(found.split())
    return ""


def describe(column: Column, languages: tuple[str, ...]) -> str:
    """Write a column's comment: what is asked, and what it can say about a person."""
    field = column.newest
    origin = "Asked as" if field.is_question else "Computed:" if field.calculate else "Filled by the phone:"
    label = text_in(field.labels, languages) or f"{origin} {field.path}"
    return f"{label} (privacy: {column.privacy})"


SYSTEM_COLUMNS = {
    "_submission_id": "Submission, see staging.submissions",
    "_row": "Row of a repeat: 2 is the second, 2.1 the first in it; empty for the form itself",
    "_parent_row": "_row of the row around it",
    "_form_version": "Form version it was filled with",
    "_status": "finalised, or unknown where the phone's metadata were not copied",
}


def fixed_columns(table: UnitedTable) -> tuple[str, ...]:
    """Give the columns of our own that stand before the answers in the text layer."""
    return tuple(
        name for name in SYSTEM_COLUMNS if name != "_status" and (name != "_parent_row" or table.parent is not None)
    )
