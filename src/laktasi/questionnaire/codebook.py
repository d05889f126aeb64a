"""The codebook: what every column means, over all versions of the forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from laktasi.questionnaire.model import Field, Questionnaire, Texts


@dataclass(frozen=True, slots=True)
class CodebookEntry:
    """One column, in the words of the newest version that has it. Fields as in ``staging.codebook``."""

    form_id: str
    table_name: str
    column_name: str
    path: str
    position: int
    """Order in the form: as in the newest version; columns that it no longer has come after its own."""
    type: str
    privacy: str
    labels: Texts
    hints: Texts
    list_name: str | None
    """List in ``staging.choices`` that the choices stand in."""
    relevant: str | None
    required: str | None
    constraint_expr: str | None
    calculate: str | None
    versions: tuple[str, ...]
    """The versions that have the column, oldest first."""


def entries(questionnaires: Sequence[Questionnaire]) -> tuple[CodebookEntry, ...]:
    """Make the codebook of one or several forms.

    Parameters
    ----------
    questionnaires
        All versions of all forms; those of one form oldest first.

    Returns
    -------
    tuple of CodebookEntry
        One for each form, table and column of any version, in the order of `position`.
    """
    found: list[CodebookEntry] = []
    for form_id in dict.fromkeys(item.form_id for item in questionnaires):
        versions = [item for item in questionnaires if item.form_id == form_id]
        newest: dict[tuple[str, str], Field] = {}
        has: dict[tuple[str, str], list[str]] = {}
        for questionnaire in reversed(versions):
            for item in questionnaire.fields:
                newest.setdefault((item.table, item.column), item)
                has.setdefault((item.table, item.column), []).insert(0, questionnaire.version)
        found += [
            _entry(form_id, position, item, tuple(has[item.table, item.column]))
            for position, item in enumerate(newest.values(), 1)
        ]
    return tuple(found)


def _entry(form_id: str, position: int, item: Field, versions: tuple[str, ...]) -> CodebookEntry:
    return CodebookEntry(
        form_id=form_id,
        table_name=item.table,
        column_name=item.column,
        path=item.path,
        position=position,
        type=item.type.value,
        privacy=item.privacy.value,
        labels=item.labels,
        hints=item.hints,
        list_name=item.list_name,
        relevant=item.relevant,
        required=item.required,
        constraint_expr=item.constraint,
        calculate=item.calculate,
        versions=versions,
    )
