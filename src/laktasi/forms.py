"""Which forms there are: those of the project's own files, and those that the warehouse keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laktasi.errors import QuestionnaireError
from laktasi.records import FieldedForm

if TYPE_CHECKING:
    import duckdb

    from laktasi.paths import Project
    from laktasi.store.forms import LoadedForms


def project_forms(project: Project) -> list[FieldedForm]:
    """Give the project's XLSForms, and the XForms of older versions that it keeps in xlsforms/fielded/.

    Each is read before any lands: what has landed is never asked again, and here somebody can still mend it.

    Raises
    ------
    QuestionnaireError
        One of them cannot be read, or two would share a table.
    """
    from laktasi.questionnaire.xform import parse
    from laktasi.questionnaire.xlsform import convert, read_media
    from laktasi.store.forms import sharing_tables
    from laktasi.store.media import PROJECT

    folder = project.xlsforms
    files = {}
    for path in sorted(folder.glob("[!~.]*.xlsx")):
        converted = convert(path)
        files[path.name] = FieldedForm(converted.xform, converted.media, PROJECT)
    for path in sorted(folder.glob("fielded/*.xml")):
        files[f"{path.parent.name}/{path.name}"] = FieldedForm(path.read_bytes(), read_media(path), PROJECT)
    questionnaires = []
    for name, form in files.items():
        try:
            questionnaires.append(parse(form.xform, form.media))
        except QuestionnaireError as error:
            raise QuestionnaireError(f"{name}: {error.what}", why=error.why, next_step=error.next_step) from error
    for questionnaire, why in sharing_tables(questionnaires):
        raise QuestionnaireError(
            f"form {questionnaire.form_id!r}: {why}",
            why="Table names are made of the form_id, and do not see upper and lower case or punctuation.",
            next_step="give one of them another form_id in the settings sheet",
        )
    return list(files.values())


def known_forms(con: duckdb.DuckDBPyConnection) -> LoadedForms:
    """Read every form version that the warehouse keeps; which of them are set aside is told with it."""
    from laktasi.questionnaire.lists import condition
    from laktasi.questionnaire.xform import parse
    from laktasi.store.forms import load_questionnaires

    return load_questionnaires(con, parse, condition)
