"""Whether the research copy is of the study and the questionnaires that the project has now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb

from laktasi.errors import ReleaseError
from laktasi.paths import Project
from laktasi.questionnaire.model import Privacy

if TYPE_CHECKING:
    from laktasi.questionnaire.model import Questionnaire

_PRIVACIES = tuple(map(str, Privacy))
"""The most private first."""


def check_fresh(con: duckdb.DuckDBPyConnection, project: Project, form_id: str) -> None:
    """Refuse a research copy that another study, other checks or other questionnaires were used for.

    The results in it would not fit the records as they are released: levels that were turned round since give
    coefficients of the other sign, and a question that was marked private since would go out.

    Parameters
    ----------
    con
        The research copy.
    form_id
        The study's form.

    Raises
    ------
    ReleaseError
        study.yml, checks.yml, gates.yml or a version of the form is not what the latest run used; or no run has ended.
    """
    row = con.execute(
        """
        select json_extract(manifest, ['$.schemas', '$.forms'])
        from meta.runs semi join meta.latest_run using (run_id)
        """
    ).fetchone()
    schemas, forms = (json.loads(part or "{}") for part in row[0]) if row else ({}, {})
    for path in (project.study, project.checks, project.gates):
        now = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
        if schemas.get(path.name) != now:
            raise _stale(f"schemas/{path.name}")
    for name, questionnaire in _questionnaires(project):
        if questionnaire.form_id != form_id:
            continue
        known = forms.get(f"{form_id} {questionnaire.version}")
        if known is None:
            raise _stale(f"version {questionnaire.version} of the form, xlsforms/{name},")
        # The same questionnaire may have other bytes: another version of pyxform wrote it.
        if known != questionnaire.sha256 and _says_else(con, questionnaire):
            raise ReleaseError(
                f"xlsforms/{name} was edited since the latest run, and still calls itself version"
                f" {questionnaire.version}",
                why="The version that landed first stands: what is private, and what is asked, is taken from that one.",
                next_step="give it another version in its settings sheet, then laktasi run, then laktasi release",
            )


def _stale(what: str) -> ReleaseError:
    return ReleaseError(
        f"{what} is not what the latest run used",
        why="The results in the research copy may not fit the records as they would be released.",
        next_step="laktasi run, then laktasi release",
    )


def _questionnaires(project: Project) -> Iterator[tuple[str, Questionnaire]]:
    """Give the project's questionnaires with their files, as a run takes them in."""
    from laktasi.questionnaire.xform import parse
    from laktasi.questionnaire.xlsform import convert, read_media

    for path in sorted(project.xlsforms.glob("[!~.]*.xlsx")):
        converted = convert(path)
        yield path.name, parse(converted.xform, converted.media)
    for path in sorted(project.xlsforms.glob("fielded/*.xml")):
        yield f"fielded/{path.name}", parse(path.read_bytes(), read_media(path))


def _says_else(con: duckdb.DuckDBPyConnection, questionnaire: Questionnaire) -> bool:
    """Say whether a version asks other questions or offers other choices than it did, or marks more as private."""
    found = con.execute(
        "select path, type, privacy from staging.codebook where form_id = ? and list_contains(versions, ?)",
        [questionnaire.form_id, questionnaire.version],
    ).fetchall()
    then = {path: (kind, privacy) for path, kind, privacy in found}
    if {(item.path, str(item.type)) for item in questionnaire.fields} != {(path, of[0]) for path, of in then.items()}:
        return True
    # That of the codebook is the most private of all versions.
    if any(_PRIVACIES.index(item.privacy) < _PRIVACIES.index(then[item.path][1]) for item in questionnaire.fields):
        return True
    offered = con.execute(
        "select list_name, value from staging.choices where form_id = ? and form_version = ?",
        [questionnaire.form_id, questionnaire.version],
    ).fetchall()
    # Lists in files may not be at hand beside an older version; lists of private questions are not published.
    own = {
        name: {choice.value for choice in of.choices} for name, of in questionnaire.choice_lists.items() if not of.media
    }
    published = {name for name, _ in offered}
    now = {(name, value) for name, values in own.items() if name in published for value in values}
    return now != {item for item in offered if item[0] in own}
