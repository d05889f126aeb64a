"""A form on its way to ODK Central: what stands there, the draft with its media, and its publication.

Nothing here is undone by a kill: a draft is not seen by phones, and a second walk finds what the first one left.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError, canonicalize

from laktasi import scratch
from laktasi.errors import QuestionnaireError, SourceError
from laktasi.odk.central import NO_VERSION
from laktasi.odk.connection import AnsweredError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from laktasi.odk.connection import Connection

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XML = "application/xml"
LISTS = (".csv", ".geojson", ".xml")


@dataclass(frozen=True, slots=True)
class FormToPublish:
    """A form as it is here."""

    name: str
    """Of the XLSForm's file, without its ending."""
    workbook: bytes
    form_id: str
    version: str
    xform: bytes
    media: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Standing:
    """What Central has of one form."""

    exists: bool
    """It is there, published or as a first draft."""
    versions: tuple[str, ...]
    """Published ones, the newest first."""
    draft: str | None
    """Version of its draft, if it has one."""
    is_open: bool
    """Phones get it."""
    deleted: tuple[str, ...] = ()
    """Latest versions of forms with the same id that were deleted and are not yet purged."""


def form_path(connection: Connection, form_id: str) -> str:
    """Give the path of a form."""
    return f"{connection.project}/forms/{connection.quote(form_id)}"


def standing(connection: Connection, form_id: str) -> Standing:
    """Ask what Central has of a form."""
    listed = _rows(connection, f"{connection.project}/forms", "xmlFormId", "state")
    found = next((row for row in listed if row["xmlFormId"] == form_id), None)
    if found is None:
        given = connection.json(f"{connection.project}/forms", {"deleted": "true"})
        trash = connection.objects(given, "xmlFormId", "version")
        deleted = tuple(str(row["version"]) for row in trash if row["xmlFormId"] == form_id)
        return Standing(exists=False, versions=(), draft=None, is_open=False, deleted=deleted)
    path = form_path(connection, form_id)
    versions = _rows(connection, f"{path}/versions", "version")
    draft = connection.may(f"{path}/draft", {})
    return Standing(
        exists=True,
        versions=tuple(str(row["version"]) for row in versions),
        draft=None if draft is None else str(draft["version"]),
        is_open=found["state"] == "open",
    )


def encrypts(connection: Connection) -> bool:
    """Say whether Central writes a key of its own into every form of the project."""
    return connection.json(connection.project).get("keyId") is not None


def published_forms(connection: Connection) -> dict[str, str]:
    """Give the project's published forms: id to title."""
    return {
        str(row["xmlFormId"]): str(row.get("name") or row["xmlFormId"])
        for row in _rows(connection, f"{connection.project}/forms", "xmlFormId", "publishedAt")
        if row["publishedAt"] is not None
    }


def entity_lists(connection: Connection) -> set[str]:
    """Give the names of the project's entity lists."""
    return {str(row["name"]) for row in _rows(connection, f"{connection.project}/datasets", "name")}


def xform_of(connection: Connection, form_id: str, version: str | None = None, *, draft: bool = False) -> bytes:
    """Read the XForm of a published version, of the current one, or of the draft.

    Raises
    ------
    SourceError
        It is gone since it was listed.
    """
    return _xform(
        connection, f"{form_path(connection, form_id)}/draft" if draft else _version_path(connection, form_id, version)
    )


def lists_of(connection: Connection, form_id: str, version: str) -> dict[str, bytes]:
    """Read the files of a published version that hold choices: name to content. Entity lists are left out."""
    path = _version_path(connection, form_id, version)
    found = {}
    with tempfile.TemporaryDirectory(prefix="laktasi-") as place:
        target = Path(place) / "list"
        for row in _rows(connection, f"{path}/attachments", "name", "exists", "datasetExists"):
            name = str(row["name"])
            if not row["exists"] or row["datasetExists"] or not name.lower().endswith(LISTS):
                continue
            if connection.download(f"{path}/attachments/{connection.quote(name)}", target).status == "new":
                found[name] = scratch.read(target)
    return found


def is_same(here: bytes, there: bytes) -> bool:
    """Say whether two XForms are the same but for how their XML is written."""
    return here == there or _canonical(here) == _canonical(there)


def differing_media(connection: Connection, form: FormToPublish) -> tuple[str, ...]:
    """Give the files that a version which is published already does not have as they are here."""
    return _differing(connection, _version_path(connection, form.form_id, form.version), form.media)


def lists_made_by(xform: bytes) -> Collection[str]:
    """Give the entity lists that a form's own submissions fill: Central attaches them when it is published."""
    return {item.attrib["dataset"] for item in _called(xform, "entity") if "dataset" in item.attrib}


def title_of(xform: bytes) -> str:
    """Give a form's title, as phones show it; empty where it has none."""
    return next((item.text or "" for item in _called(xform, "title")), "").strip()


def is_editable(xform: bytes) -> bool:
    """Say whether Collect lets people edit what they have finalised and sent with this form."""
    return any(
        name.rpartition("}")[2] == "client-editable" and value.lower() == "true"
        for item in _called(xform, "submission")
        for name, value in item.attrib.items()
    )


def put_draft(connection: Connection, form: FormToPublish, *, is_new: bool, as_xform: bool = False) -> None:
    """Make the form the draft on Central, in place of a draft that stands there.

    Parameters
    ----------
    is_new
        Central has no form with this id.
    as_xform
        Send the XForm that was made here. Otherwise the workbook is sent, so that people can download it from Central.

    Raises
    ------
    QuestionnaireError
        Central does not take the form, or makes another form of it. What stands then is said.
    """
    try:
        answer = connection.send(
            "POST",
            f"{connection.project}/forms" if is_new else f"{form_path(connection, form.form_id)}/draft",
            # What pyxform and Central would warn of is told before, in our words.
            params={"ignoreWarnings": "true", **({"publish": "false"} if is_new else {})},
            data=form.xform if as_xform else form.workbook,
            headers={"X-XlsForm-FormId-Fallback": connection.quote(form.name)},
            content_type=XML if as_xform else XLSX,
        )
    except AnsweredError as error:
        raise _refused(form, error, connection) from None
    made = answer.get("xmlFormId", form.form_id) if isinstance(answer, dict) else form.form_id
    there = _xform(connection, f"{form_path(connection, str(made))}/draft")
    if not is_same(form.xform, there):
        raise _other_form(connection, form, removed=_remove_draft(connection, str(made)))


def put_media(connection: Connection, form: FormToPublish) -> tuple[str, ...]:
    """Upload the files that the draft does not have as they are here, and see that they have arrived.

    Returns
    -------
    tuple of str
        The files that were uploaded.

    Raises
    ------
    SourceError
        A file has not arrived as it is here.
    """
    path = f"{form_path(connection, form.form_id)}/draft"
    wanted = _differing(connection, path, form.media)
    for name in wanted:
        connection.send(
            "POST",
            f"{path}/attachments/{connection.quote(name)}",
            data=form.media[name],
            content_type="text/csv" if name.lower().endswith(".csv") else "application/octet-stream",
        )
    if wanted and (still := _differing(connection, path, form.media)):
        raise SourceError(
            f"media of {form.form_id} are not on {connection.host} as they are here: {', '.join(still)}",
            why="The draft stands there and is not published; phones go on with what they have.",
            next_step="run the same command again: it goes on where this one stopped",
        )
    return wanted


def publish_draft(connection: Connection, form: FormToPublish) -> None:
    """Publish the draft, and see that Central now offers it.

    Raises
    ------
    QuestionnaireError
        Central refuses: this version was published meanwhile, or belongs to a form that was deleted.
    SourceError
        The newest version on Central is another one.
    """
    try:
        connection.send("POST", f"{form_path(connection, form.form_id)}/draft/publish")
    except AnsweredError as error:
        raise _refused(form, error, connection) from None
    now = standing(connection, form.form_id)
    newest = next(iter(now.versions), None)
    if newest != form.version:
        raise SourceError(
            f"{form.form_id}: the newest version on {connection.host} is {newest}, not {form.version}",
            why="Somebody published another version at the same time.",
            next_step="look at the form on Central, then run the same command again",
        )


def _called(xform: bytes, name: str) -> list[Element]:
    """Give an XForm's elements of one name, whatever their namespace."""
    from defusedxml.ElementTree import fromstring

    return [item for item in fromstring(xform, forbid_dtd=True).iter() if str(item.tag).rpartition("}")[2] == name]


def _rows(connection: Connection, path: str, *keys: str) -> list[dict[str, Any]]:
    return connection.objects(connection.json(path), *keys)


def _differing(connection: Connection, path: str, media: Mapping[str, bytes]) -> tuple[str, ...]:
    """Give the files that are named there and are not as they are here; Central makes those of entity lists itself."""
    here = {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in media.items()}
    return tuple(
        str(row["name"])
        for row in _rows(connection, f"{path}/attachments", "name", "datasetExists")
        # MD5 is what Central says of a file; it says none where there is no file.
        if not row["datasetExists"] and row["name"] in here and here[row["name"]] != row.get("hash")
    )


def _version_path(connection: Connection, form_id: str, version: str | None) -> str:
    path = form_path(connection, form_id)
    # Central writes a version that is empty so.
    return path if version is None else f"{path}/versions/{connection.quote(version or NO_VERSION)}"


def _remove_draft(connection: Connection, form_id: str) -> bool:
    """Take a draft away; False where it is all there is of the form, and stays."""
    try:
        connection.send("DELETE", f"{form_path(connection, form_id)}/draft")
    except AnsweredError:
        return False
    return True


def _xform(connection: Connection, path: str) -> bytes:
    found = connection.document(f"{path}.xml")
    if found is None:
        raise SourceError(
            f"a form on {connection.host} is gone since it was listed",
            why="Somebody works on the same form.",
            next_step="run the same command again",
        )
    return found


def _canonical(xform: bytes) -> str | None:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        fromstring(xform, forbid_dtd=True)  # canonicalize would expand what this refuses
        return canonicalize(xform, strip_text=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None


_WHY: Mapping[float, tuple[str, str]] = {
    400.15: (
        "the pyxform on the server cannot make a form of it",
        "read what laktasi forms check says; the server's pyxform may be older than the one here",
    ),
    400.17: (
        "a question would change its type on the server",
        "give the question a new name: the server keeps one type for each name for ever",
    ),
    400.25: ("the server cannot use what it says of entities", "correct the sheet entities"),
    409.3: (
        "a form with this id was made there at the same time",
        "run the same command again: it goes on where this one stopped",
    ),
    409.6: (
        "it has published this version before: just now, or of a form that lies in its trash",
        "run the same command again, or give the form a new version in the sheet settings",
    ),
}


def _refused(form: FormToPublish, error: AnsweredError, connection: Connection) -> SourceError | QuestionnaireError:
    if error.status in (401, 403, 404):
        return error
    why, next_step = _WHY.get(error.code or 0, (f"it answers with HTTP status {error.status}", "look at it on Central"))
    return QuestionnaireError(
        f"{form.form_id}: {connection.host} does not take it: {why}",
        why="Nothing was published; phones go on with what they have.",
        next_step=next_step,
    )


def _other_form(connection: Connection, form: FormToPublish, *, removed: bool) -> QuestionnaireError:
    stands = "Its draft was taken away again." if removed else "Its draft stands there, and phones do not see it."
    return QuestionnaireError(
        f"{form.form_id}: {connection.host} makes another form of the workbook than was checked here",
        why=f"Its pyxform is another version than the one here. {stands}",
        next_step="update the server, or send the form that was checked: laktasi forms publish --as-xform"
        + ("" if removed else " --replace-draft"),
    )
