"""From the XForms that raw keeps to the questionnaires everything else reads: one for each form version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import duckdb

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire.model import Questionnaire
from laktasi.store.media import PROJECT, Condition, form_media

Questionnaires = Mapping[tuple[str, str], Questionnaire]
"""By form id and version."""

Parse = Callable[[bytes, Mapping[str, bytes]], Questionnaire]
"""``questionnaire.xform.parse``: XForm and media to questionnaire. The store does not call another room's door."""


@dataclass(frozen=True, slots=True)
class FormConflict:
    """Two different questionnaires that claim to be the same version of one form. The first one kept stands."""

    form_id: str
    form_version: str
    other_source: str
    """Where the one that does not stand came from."""


class SetAside(NamedTuple):
    """A form version that cannot be used. Its submissions wait."""

    form_id: str
    form_version: str
    why: str


class MediaConflict(NamedTuple):
    """Different contents of one media file of a form version; :mod:`laktasi.store.media` says which one stands."""

    form_id: str
    form_version: str
    name: str


class LoadedForms(NamedTuple):
    """What :func:`load_questionnaires` gives."""

    questionnaires: dict[tuple[str, str], Questionnaire]
    """By form id and version, oldest version first."""
    conflicts: tuple[FormConflict, ...]
    set_aside: tuple[SetAside, ...]
    media_conflicts: tuple[MediaConflict, ...]


def load_questionnaires(con: duckdb.DuckDBPyConnection, parse: Parse, condition: Condition) -> LoadedForms:
    """Read every form version that raw keeps.

    Where one version has several XForms, the one that landed first stands, unless media it names are missing and a
    later one has them. Another whose questionnaire is the same (only its bytes differ) is no conflict.

    Nothing that ever landed keeps the others from being read: raw never forgets, so a broken form of one phone would
    stop every run from then on. What cannot be read, or would share a table with another form, is set aside; of two
    forms the project's own keeps the table, else the one that landed first.

    Parameters
    ----------
    condition
        ``questionnaire.lists.condition``.
    """
    kept: dict[tuple[str, str], tuple[Questionnaire, str]] = {}
    rivals: list[tuple[tuple[str, str], Questionnaire, str]] = []
    aside: list[SetAside] = []
    media = form_media(con, condition)
    for sha256, form_id, version, xform, source in con.execute(
        """
        select sha256, any_value(form_id), any_value(form_version), any_value(xform),
            coalesce(any_value(source) filter (source = ?), arg_min(source, landed_at))
        from raw.forms group by sha256 order by min(landed_at), sha256
        """,
        [PROJECT],
    ).fetchall():
        try:
            questionnaire = parse(xform, media[sha256].contents if sha256 in media else {})
        except QuestionnaireError as error:
            aside.append(SetAside(form_id, version, error.what))
            continue
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
    owners_first = sorted(kept.values(), key=lambda item: item[1] != PROJECT)
    for questionnaire, why in sharing_tables(questionnaire for questionnaire, _ in owners_first):
        key = (questionnaire.form_id, questionnaire.version)
        aside.append(SetAside(*key, why))
        del kept[key]
    questionnaires = {key: kept[key][0] for key in sorted(kept, key=lambda key: (key[0], version_key(key[1])))}
    conflicts = tuple(
        FormConflict(*key, source)
        for key, other, source in rivals
        if key in kept and _content(other) != _content(kept[key][0])
    )
    differing = tuple(
        MediaConflict(*key, name)
        for key, item in questionnaires.items()
        if item.sha256 in media
        for name in media[item.sha256].differing
    )
    return LoadedForms(questionnaires, conflicts, tuple(aside), differing)


def sharing_tables(questionnaires: Iterable[Questionnaire]) -> Iterator[tuple[Questionnaire, str]]:
    """Give those that would write to a table of an earlier one that is another form, and which table of whose."""
    owners: dict[str, str] = {}
    for questionnaire in questionnaires:
        names = [table.name.lower() for table in questionnaire.tables]
        taken = next((name for name in names if owners.get(name, questionnaire.form_id) != questionnaire.form_id), None)
        if taken is None:
            owners |= dict.fromkeys(names, questionnaire.form_id)
        else:
            yield questionnaire, f"it would share the table {taken!r} with the form {owners[taken]!r}"


def versions_of(questionnaires: Questionnaires, form_id: str) -> list[Questionnaire]:
    """Give all versions of one form, oldest first."""
    found = [item for item in questionnaires.values() if item.form_id == form_id]
    return sorted(found, key=lambda item: version_key(item.version))


def version_key(version: str) -> list[tuple[int, int, str]]:
    """Give what versions are ordered by: numbers in them count as numbers, so 9 comes before 10."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", version) if part]


def _content(questionnaire: Questionnaire) -> Questionnaire:
    """Give what makes two questionnaires differ: all but the bytes they came as, and media that nothing reads."""
    return replace(questionnaire, sha256="", media={})
