"""From the XForms that raw keeps to the questionnaires everything else reads: one for each form version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import duckdb

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire.model import Questionnaire

Questionnaires = Mapping[tuple[str, str], Questionnaire]
"""By form id and version."""

Parse = Callable[[bytes, Mapping[str, bytes]], Questionnaire]
"""``questionnaire.xform.parse``: XForm and media to questionnaire. The store does not call another room's door."""

RESERVED_TABLES = {"submissions", "choices", "codebook", "loaded_submissions", "unknown_nodes"}
"""Tables of our own in the schemas where the forms' tables stand."""


@dataclass(frozen=True, slots=True)
class FormConflict:
    """Two different questionnaires that claim to be the same version of one form. The first one kept stands."""

    form_id: str
    form_version: str
    kept_sha256: str
    other_sha256: str
    kept_source: str
    other_source: str


class LoadedForms(NamedTuple):
    """What :func:`load_questionnaires` gives."""

    questionnaires: dict[tuple[str, str], Questionnaire]
    """By form id and version, oldest version first."""
    conflicts: tuple[FormConflict, ...]


def load_questionnaires(con: duckdb.DuckDBPyConnection, parse: Parse) -> LoadedForms:
    """Read every form version that raw keeps.

    Where one version has several XForms, the one that landed first stands, unless media it names are missing and a
    later one has them. Another whose questionnaire is the same (only its bytes differ) is no conflict.

    Raises
    ------
    QuestionnaireError
        An XForm cannot be read, or two forms would share a table.
    """
    kept: dict[tuple[str, str], tuple[Questionnaire, str]] = {}
    rivals: list[tuple[tuple[str, str], Questionnaire, str]] = []
    media = _media(con)
    for sha256, xform, source in con.execute(
        "select sha256, xform, source from raw.forms order by landed_at, sha256"
    ).fetchall():
        questionnaire = parse(xform, media.get(sha256, {}))
        key = (questionnaire.form_id, questionnaire.version)
        if key not in kept:
            kept[key] = (questionnaire, source)
            continue
        standing, its_source = kept[key]
        if len(questionnaire.missing_media) < len(standing.missing_media):
            kept[key] = (questionnaire, source)
            rivals.append((key, standing, its_source))
        else:
            rivals.append((key, questionnaire, source))
    questionnaires = {key: kept[key][0] for key in sorted(kept, key=lambda key: (key[0], version_key(key[1])))}
    _refuse_shared_tables(questionnaires.values())
    conflicts = tuple(
        FormConflict(*key, kept[key][0].sha256, other.sha256, kept[key][1], source)
        for key, other, source in rivals
        if _content(other) != _content(kept[key][0])
    )
    return LoadedForms(questionnaires, conflicts)


def versions_of(questionnaires: Questionnaires, form_id: str) -> list[Questionnaire]:
    """Give all versions of one form, oldest first."""
    found = [item for item in questionnaires.values() if item.form_id == form_id]
    return sorted(found, key=lambda item: version_key(item.version))


def version_key(version: str) -> list[tuple[int, int, str]]:
    """Give what versions are ordered by: numbers in them count as numbers, so 9 comes before 10."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", version) if part]


def _media(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for form_sha256, name, content in con.execute(
        "select form_sha256, name, arg_max(content, (landed_at, sha256)) from raw.form_media group by form_sha256, name"
    ).fetchall():
        found.setdefault(form_sha256, {})[name] = content
    return found


def _content(questionnaire: Questionnaire) -> Questionnaire:
    """Give what makes two questionnaires differ: all but the bytes they came as, and media that nothing reads."""
    return replace(questionnaire, sha256="", media={})


def _refuse_shared_tables(questionnaires: Iterable[Questionnaire]) -> None:
    owners: dict[str, str] = {}
    for questionnaire in questionnaires:
        for table in questionnaire.tables:
            name = table.name.lower()
            if name in RESERVED_TABLES:
                raise QuestionnaireError(
                    f"form {questionnaire.form_id!r} would have the table {table.name!r}, which the warehouse needs",
                    next_step="give the form another form_id in the settings sheet",
                )
            if (owner := owners.setdefault(name, questionnaire.form_id)) != questionnaire.form_id:
                raise QuestionnaireError(
                    f"forms {owner!r} and {questionnaire.form_id!r} would share the table {table.name!r}",
                    why="Table names are made of the form_id, and do not see upper and lower case or punctuation.",
                    next_step="give one of them another form_id in the settings sheet",
                )
