"""How the project's XLSForms become published forms on Central, and what is said before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.errors import QuestionnaireError
from laktasi.fieldkit import Tell, source_called
from laktasi.forms import known_forms

if TYPE_CHECKING:
    import duckdb

    from laktasi.odk.connection import Connection
    from laktasi.odk.publish import FormToPublish, Standing
    from laktasi.questionnaire.compare import Change
    from laktasi.questionnaire.model import Questionnaire
    from laktasi.settings import CentralSettings, Settings


@dataclass(frozen=True, slots=True)
class Choices:
    """What a manager has decided beforehand about publishing."""

    accept_changes: bool = False
    """Publish although it changes what has been collected."""
    replace_draft: bool = False
    """Put the form in place of another draft that stands on Central."""
    as_xform: bool = False
    """Send the XForm made here instead of the workbook."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A form version that was in the field, or that records here may already be read by."""

    where: str
    questionnaire: Questionnaire


@dataclass(frozen=True, slots=True)
class _Prepared:
    form: FormToPublish
    questionnaire: Questionnaire
    standing: Standing
    stops: tuple[str, ...]
    """Why it cannot be published."""
    is_done: bool


def publish_forms(
    settings: Settings,
    paths: Sequence[Path] = (),
    *,
    source: str | None = None,
    dry_run: bool = False,
    choices: Choices | None = None,
    tell: Tell = lambda _: None,
) -> list[str]:
    """Publish XLSForms on Central. All are looked at before the first is touched.

    Parameters
    ----------
    paths
        The XLSForms; all of the project's, if none.
    source
        Name of the Central in laktasi.toml, where there are several.
    dry_run
        Say what would be done and do nothing.
    tell
        Called with each line for people.

    Returns
    -------
    list of str
        Ids of the forms that were published; those that Central has already are left out.

    Raises
    ------
    QuestionnaireError
        A form cannot be published as it is. Nothing was published then, unless Central itself refused half way.
    SourceError
        Central cannot be reached or refuses the account.
    """
    from laktasi.odk.connection import connect

    _, central = source_called(settings, source)
    paths = tuple(paths) or tuple(
        path for path in sorted(settings.folders.xlsforms.glob("*.xlsx")) if not path.name.startswith("~$")
    )
    if not paths:
        raise QuestionnaireError("there is no XLSForm in xlsforms/", next_step="put one there, or name a file")
    decided = choices or Choices()
    with connect(central, settings.data_folder.tokens) as connection:
        prepared = _prepare(connection, settings, central, paths, decided, tell)
        stopped = [item for item in prepared if item.stops]
        for item in stopped:
            for why in item.stops:
                tell(f"{item.form.form_id}: refused: {why}")
        if stopped:
            raise QuestionnaireError(
                f"{', '.join(item.form.form_id for item in stopped)}: not published",
                why="Nothing was changed on Central; the lines above say why.",
                next_step="correct what they name, then run the same command again",
            )
        published = []
        for item in prepared:
            label = f"{item.form.form_id}, version {item.form.version}"
            if item.is_done:
                newest = item.standing.versions[0]
                after = "" if newest == item.form.version else f"; phones have version {newest}, which came later"
                tell(f"{label}: already published{after}")
            elif dry_run:
                tell(f"{label}: would be published on {connection.host}")
            else:
                _publish(connection, item, decided, tell)
                tell(f"{label}: published on {connection.host}")
                published.append(item.form.form_id)
    return published


def _prepare(
    connection: Connection,
    settings: Settings,
    central: CentralSettings,
    paths: Sequence[Path],
    decided: Choices,
    tell: Tell,
) -> list[_Prepared]:
    from laktasi.odk import publish
    from laktasi.questionnaire.compare import clashes
    from laktasi.questionnaire.xform import parse
    from laktasi.questionnaire.xlsform import convert

    if publish.encrypts(connection):
        raise QuestionnaireError(
            f"project {central.project} on {connection.host} encrypts its submissions",
            why="Central writes a key into each form there, so what it would publish is not what was checked here.",
            next_step="publish in Central's own pages, or use a project without encryption",
        )
    lists = publish.entity_lists(connection)
    converted = [(path, convert(path)) for path in paths]
    local = [(path, made, parse(made.xform, made.media)) for path, made in converted]
    _refuse_twins([questionnaire for _, _, questionnaire in local])
    ours = {questionnaire.form_id for _, _, questionnaire in local}
    others = _readable(
        (publish.xform_of(connection, form_id), None)
        for form_id in publish.published_forms(connection)
        if form_id not in ours
    )
    known = _known_here(settings, tell)
    others += [item.questionnaire for item in known if item.questionnaire.form_id not in ours]
    prepared = []
    for path, made, questionnaire in local:
        form = publish.FormToPublish(
            name=path.stem,
            workbook=path.read_bytes(),
            form_id=questionnaire.form_id,
            version=questionnaire.version,
            xform=made.xform,
            media=made.media,
        )
        stops = _checked(path, questionnaire, lists | set(publish.lists_made_by(made.xform)), tell)
        if central.forms and form.form_id not in central.forms:
            tell(f"{form.form_id}: warning: the form is not among central.forms in laktasi.toml, so it is not pulled")
        tell(f"{form.form_id}: {editing(form.xform)}")
        standing = publish.standing(connection, form.form_id)
        if standing.deleted:
            tell(f"{form.form_id}: warning: a form with this id lies in Central's trash; this will be another one")
        if form.version and form.version in standing.deleted:
            stops.append(
                f"version {form.version} lies in Central's trash, and Central publishes a version once; restore the "
                "form there, or give this one a new version in the sheet settings"
            )
        if standing.exists and not standing.is_open:
            tell(f"{form.form_id}: warning: the form is closed on Central; phones do not get it until it is opened")
        # Without a version it is refused already, and nothing can be said of what came before or after.
        same_version = bool(form.version) and form.version in standing.versions
        if same_version:
            stops += _differences(connection, form)
        else:
            stops += _otherwise_here(questionnaire, known)
            rivals = [item for _, _, item in local if item is not questionnaire]
            changes = clashes(questionnaire, [*others, *rivals])
            changes += _changes(connection, settings, form, questionnaire, standing, known, tell)
            breaking = [change for change in changes if change.breaks]
            for change in changes:
                tell(f"{form.form_id}: {'BREAKS' if change.breaks else 'changes'}: {change.place}: {change.what}")
            if breaking and not decided.accept_changes:
                stops.append(f"{len(breaking)} change(s) break what has been collected; --accept-changes takes them")
            stops += _draft_in_the_way(connection, form, standing, decided)
        prepared.append(_Prepared(form, questionnaire, standing, tuple(stops), is_done=same_version))
    return prepared


def _publish(connection: Connection, item: _Prepared, decided: Choices, tell: Tell) -> None:
    from laktasi.odk import publish

    form = item.form
    publish.put_draft(connection, form, is_new=not item.standing.exists, as_xform=decided.as_xform)
    tell(f"{form.form_id}: draft is up")
    for name in publish.put_media(connection, form):
        tell(f"{form.form_id}: uploaded {name}")
    publish.publish_draft(connection, form)


def _readable(forms: Iterable[tuple[bytes, dict[str, bytes] | None]]) -> list[Questionnaire]:
    """Read XForms and their media; what cannot be read makes no table either, and is passed over."""
    from laktasi.questionnaire.xform import parse

    found = []
    for xform, media in forms:
        with suppress(QuestionnaireError):
            found.append(parse(xform, media))
    return found


def _known_here(settings: Settings, tell: Tell) -> list[_Known]:
    """Give the form versions that the project keeps, and those that the warehouse has, where it can be asked."""
    from laktasi.errors import WarehouseError
    from laktasi.questionnaire.xlsform import read_media
    from laktasi.workplace import alone, opened

    found = [
        _Known(f"xlsforms/{path.parent.name}/{path.name}", questionnaire)
        for path in sorted(settings.folders.xlsforms.glob("fielded/*.xml"))
        for questionnaire in _readable([(path.read_bytes(), read_media(path))])
    ]
    folder = settings.data_folder
    if folder.has_begun:
        try:
            with alone(folder, patience_seconds=0), opened(folder) as con:
                loaded = known_forms(con)
        except WarehouseError as error:
            tell(f"warning: not compared with the forms of the warehouse: {error.what}")
        else:
            found += [_Known("the warehouse", questionnaire) for questionnaire in loaded.questionnaires.values()]
    return found


def _otherwise_here(questionnaire: Questionnaire, known: Iterable[_Known]) -> list[str]:
    """Say where another form stands under the same id and version: records of that version are read by it."""
    from laktasi.questionnaire.compare import asks_the_same

    return [
        f"version {item.questionnaire.version} stands in {item.where} and is another form than the one here; records "
        "of that version are read by what stands there: give this one a new version in the sheet settings"
        for item in known
        if (item.questionnaire.form_id, item.questionnaire.version) == (questionnaire.form_id, questionnaire.version)
        and not asks_the_same(item.questionnaire, questionnaire)
    ]


def _refuse_twins(questionnaires: Sequence[Questionnaire]) -> None:
    ids = [item.form_id for item in questionnaires]
    if twins := sorted({form_id for form_id in ids if ids.count(form_id) > 1}):
        raise QuestionnaireError(
            f"two XLSForms have the form_id {twins[0]!r}",
            why="Only one of them can be published under it.",
            next_step="give one of them another form_id, or name the one to publish",
        )


def _checked(path: Path, questionnaire: Questionnaire, made_by_central: set[str], tell: Tell) -> list[str]:
    """Check the form as ``laktasi forms check`` does; files that Central makes of an entity list need not be here."""
    from laktasi.questionnaire.check import check_form

    form_id = questionnaire.form_id
    from_lists = [name for name in questionnaire.missing_media if name.removesuffix(".csv") in made_by_central]
    beginnings = tuple(f"media {name!r} is not in the folder" for name in from_lists)
    result = check_form(path)
    if result.warnings:
        tell(f"{form_id}: {len(result.warnings)} warnings; laktasi forms check {path.name} lists them")
    for name in from_lists:
        tell(f"{form_id}: {name} comes from an entity list on Central")
    return [error for error in result.errors if not error.startswith(beginnings or ("\0",))]


def editing(xform: bytes) -> str:
    """Say whether what was sent may be edited on the phone, and how to allow it."""
    from laktasi.odk.publish import is_editable

    if is_editable(xform):
        return "what was sent may be edited on the phone"
    return (
        "what was sent may not be edited on the phone; to allow it, add a column client_editable to the sheet "
        "settings, with yes in it, and give it a new version"
    )


def _differences(connection: Connection, form: FormToPublish) -> list[str]:
    """Say how a version that is published differs from the same version here."""
    from laktasi.odk import publish

    found = []
    if not publish.is_same(form.xform, publish.xform_of(connection, form.form_id, form.version)):
        found.append(
            f"version {form.version} is published and is another form than the one here; a published version never "
            "changes: give this one a new version in the sheet settings"
        )
    if differing := publish.differing_media(connection, form):
        found.append(
            f"version {form.version} is published with other media than here ({', '.join(differing)}); to send "
            "them, give the form a new version in the sheet settings"
        )
    return found


def _changes(
    connection: Connection,
    settings: Settings,
    form: FormToPublish,
    questionnaire: Questionnaire,
    standing: Standing,
    known: Sequence[_Known],
    tell: Tell,
) -> list[Change]:
    from laktasi.odk import publish
    from laktasi.questionnaire.compare import compare
    from laktasi.store.forms import version_key

    here = [
        item.questionnaire
        for item in known
        if item.questionnaire.form_id == form.form_id
        and item.questionnaire.version not in (*standing.versions, form.version)
    ]
    here.sort(key=lambda item: version_key(item.version))
    newest = next(iter(standing.versions), None)
    for version, place in ((newest, "is published"), (here[-1].version if here else None, "was in use before")):
        if form.version and version and version_key(form.version) < version_key(version):
            tell(f"{form.form_id}: warning: version {form.version} sorts before {version}, which {place}")
    # Oldest first; a version's media make its lists.
    fielded = _readable(
        (
            publish.xform_of(connection, form.form_id, version),
            publish.lists_of(connection, form.form_id, version) if version == newest else None,
        )
        for version in reversed(standing.versions)
    )
    # What people fill in now stands last, and that is what Central gives them.
    return _with_uses(settings, compare(questionnaire, [*here, *fielded]))


def _with_uses(settings: Settings, changes: list[Change]) -> list[Change]:
    """Say how often choices that are dropped were given, where the warehouse is at hand and knows."""
    from laktasi.errors import WarehouseError
    from laktasi.workplace import alone, opened

    folder = settings.data_folder
    if not any(change.choices for change in changes) or not folder.has_begun:
        return changes
    try:
        with alone(folder, patience_seconds=0), opened(folder) as con:
            return [_with_use(con, change) for change in changes]
    except WarehouseError:  # a run is at work: then it is not said
        return changes


def _with_use(con: duckdb.DuckDBPyConnection, change: Change) -> Change:
    import duckdb

    from laktasi.store.sql import identifier, scalar

    if change.field is None:
        return change
    column, table = identifier(change.field.column), identifier("answers", change.field.table)
    given = f"select unnest(string_split_regex({column}, '[ \\t\\r\\n]+')) as value from {table}"
    try:
        uses = scalar(con, f"select count(*) from ({given}) where list_contains(?, value)", [list(change.choices)])
    except (duckdb.CatalogException, duckdb.BinderException):  # the question has never come in
        uses = 0
    return replace(change, what=f"{change.what} ({uses} so far)")


def _draft_in_the_way(connection: Connection, form: FormToPublish, standing: Standing, decided: Choices) -> list[str]:
    """Leave alone a draft that is not this form: somebody may be at work on it."""
    from laktasi.odk import publish

    if standing.draft is None or decided.replace_draft:
        return []
    if publish.is_same(form.xform, publish.xform_of(connection, form.form_id, draft=True)):
        return []  # what an earlier run left, or the same file put there by hand
    return [
        f"another draft stands on Central (version {standing.draft}), which somebody may be working on; publish or "
        "delete it there, or put this form in its place: --replace-draft"
    ]
