"""Forms: drafts, publishing, versions; and the form list for Collect."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire.xlsform import convert
from tests.central.problems import Problem, no_rights, not_found, taken, unexpected
from tests.central.state import Form, FormVersion, Media, Project
from tests.central.web import SUCCESS, Answer, Request, Routes, stamp
from tests.central.xform import read_xform, with_version

route = Routes()
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STATES = ("open", "closing", "closed")
PLACES = (
    "projects/{project}/forms/{form}/draft",
    "projects/{project}/forms/{form}/versions/{version}",
    "projects/{project}/forms/{form}",
)
"""Where a version of a form is read."""


def form_json(project: Project, form: Form, version: FormVersion) -> dict[str, Any]:
    sums = {
        name: hashlib.new(name, version.xml, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256")
    }
    return {
        "projectId": project.id,
        "xmlFormId": form.form_id,
        "state": form.state,
        "enketoId": None,
        "enketoOnceId": None,
        "createdAt": stamp(form.created_at),
        "updatedAt": stamp(form.updated_at),
        "webformsEnabled": True,
        "keyId": None,
        "version": version.schema.version,
        "hash": sums["md5"],
        "sha": sums["sha1"],
        "sha256": sums["sha256"],
        "draftToken": version.draft_token,
        "publishedAt": stamp(version.published_at),
        "name": version.schema.name,
    }


def any_version(form: Form) -> FormVersion:
    """Give the published version, or else the draft."""
    version = form.versions[-1] if form.versions else form.draft
    assert version is not None
    return version


def readable(request: Request) -> tuple[Project, Form]:
    project, form = request.project(), request.form()
    may_read = request.may("form.read", project, form)
    is_open = bool(form.versions) and form.state != "closed"
    if form.versions and (may_read or (is_open and request.may("open_form.read", project, form))):
        return project, form
    request.require("form.update", project, form)
    return project, form


def draft_of(request: Request) -> tuple[Project, Form, FormVersion]:
    project, form = request.project(), request.form()
    if form.draft is None:
        raise not_found()
    request.require("form.update", project, form)
    return project, form, form.draft


def version_of(request: Request) -> tuple[Project, Form, FormVersion]:
    """Give the version that an address names: by its name, the draft, or the one that stands."""
    if "/draft" in request.path:
        return draft_of(request)
    project, form = readable(request)
    version = form.version(request.args["version"]) if "version" in request.args else any_version(form)
    if version is None:
        raise not_found()
    return project, form, version


# making


def xform_of(request: Request) -> bytes:
    if request.headers.get("Content-Type", "").partition(";")[0] != XLSX:
        return request.body
    name = unquote(request.headers.get("X-XlsForm-FormId-Fallback", "form"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.xlsx"
        path.write_bytes(request.body)
        try:
            converted = convert(path)
        except QuestionnaireError as error:
            said = "The given XLSForm file was not valid. Please see the error details for more information."
            raise Problem(400.15, said, {"error": error.what, "warnings": []}) from None
    if converted.warnings:
        warn(request, {"xlsFormWarnings": list(converted.warnings)})
    return converted.xform


def warn(request: Request, warnings: dict[str, Any]) -> None:
    """Refuse a form that is valid and has something about it, unless the client wants it all the same."""
    if request.query.get("ignoreWarnings", "").lower() != "true":
        said = (
            "The Form is valid, but with warnings. Please check the warnings and if they are acceptable resubmit with "
            "?ignoreWarnings=true"
        )
        raise Problem(400.16, said, {"warnings": warnings})


def new_version(request: Request, xml: bytes, before: FormVersion | None) -> FormVersion:
    """Make a draft; media of the version before it come along where the names are the same."""
    schema = read_xform(xml)
    kept = before.media if before else {}
    lists = request.project().datasets
    media = {name: kept.get(name) or Media(lists.get(name.removesuffix(".csv"))) for name in schema.media}
    return FormVersion(schema, xml, request.state.token(), None, media)


@route("POST", "projects/{project}/forms")
def make_form(request: Request) -> Any:
    project = request.live_project()
    request.require("form.create", project)
    draft = new_version(request, xform_of(request), None)
    form_id = draft.schema.form_id
    if form_id in project.forms:
        raise taken("forms", ["projectId", "xmlFormId"], [str(project.id), form_id])
    if any(item.form_id == form_id for item in project.trash):
        warn(request, {"workflowWarnings": [{"type": "deletedFormExists", "details": {"xmlFormId": form_id}}]})
    form = Form(request.state.next_id(), request.state.uuid(), form_id, request.state.clock.now(), draft=draft)
    project.forms[form_id] = form
    request.log("form.create", form.actee_id, {})
    if request.query.get("publish", "").lower() == "true":
        publish_draft(request, form, draft)
        form.updated_at = None
    return form_json(project, form, any_version(form))


@route("POST", "projects/{project}/forms/{form}/draft")
def make_draft(request: Request) -> Any:
    project, form = request.live_project(), request.form()
    request.require("form.update", project, form)
    if not request.body and not form.versions:
        raise not_found()
    xml = xform_of(request) if request.body else form.versions[-1].xml
    draft = new_version(request, xml, form.draft or (form.versions[-1] if form.versions else None))
    if draft.schema.form_id != form.form_id:
        raise unexpected("xmlFormId", draft.schema.form_id, "did not match the form ID in the URL")
    before: dict[str, str] = {}
    for version in form.versions:
        before |= {item.path: item.type for item in version.schema.fields.values()}
    for item in draft.schema.fields.values():
        # To text is let pass, and the old values become text; from text, or between others, is refused.
        if before.get(item.path, item.type) != item.type and item.type != "string":
            raise Problem(
                400.17,
                f"The form you have uploaded attempts to change the type of the field at {item.path}. In a previous "
                f'version, it had the type "{before[item.path]}". Please either return that field to its previous '
                "type, or rename the field so it lives at a new path.",
                {"path": item.path, "type": before[item.path]},
            )
    now = draft.schema.fields
    if form.versions and (
        gone := [item.name for item in form.versions[-1].schema.fields.values() if item.path not in now]
    ):
        warn(request, {"workflowWarnings": [{"type": "structureChanged", "details": gone}]})
    form.draft = draft
    return SUCCESS


@route("DELETE", "projects/{project}/forms/{form}/draft")
def delete_draft(request: Request) -> Any:
    _, form, _ = draft_of(request)
    if not form.versions:
        raise Problem(409.7, "Could not delete draft, because the form has not been published.")
    form.draft = None
    return SUCCESS


@route("POST", "projects/{project}/forms/{form}/draft/publish")
def publish(request: Request) -> Any:
    _, form, draft = draft_of(request)
    if request.query.get("version"):
        draft = new_version(request, with_version(draft.xml, request.query["version"]), draft)
    publish_draft(request, form, draft)
    return SUCCESS


def publish_draft(request: Request, form: Form, draft: FormVersion) -> None:
    name = draft.schema.version
    if form.version(name or "___"):
        said = (
            f"You tried to publish the form '{form.form_id}' with version '{name}', but a published form has already "
            "existed in this project with those identifiers."
        )
        raise Problem(409.6, said, {"xmlFormId": form.form_id, "version": name})
    now = request.state.clock.now()
    draft.published_at, draft.draft_token, form.draft, form.updated_at = now, None, None, now
    form.versions.append(draft)
    request.log("form.update.publish", form.actee_id, {})


@route("PATCH", "projects/{project}/forms/{form}")
def change_form(request: Request) -> Any:
    project, form = request.project(), request.form()
    request.require("form.update", project, form)
    state = request.json().get("state", form.state)
    if state not in STATES:
        raise unexpected("state", state, "not a recognized state name")
    form.state, form.updated_at = state, request.state.clock.now()
    return form_json(project, form, any_version(form))


@route("DELETE", "projects/{project}/forms/{form}")
def delete_form(request: Request) -> Any:
    project, form = request.project(), request.form()
    request.require("form.delete", project, form)
    project.trash.append(project.forms.pop(form.form_id))
    form.deleted_at = request.state.clock.now()
    return SUCCESS


@route("POST", "projects/{project}/forms/{number}/restore")
def restore_form(request: Request) -> Any:
    project = request.live_project()
    request.require("form.restore", project)
    form = next((item for item in project.trash if str(item.id) == request.args["number"]), None)
    if form is None:
        raise not_found()
    project.trash.remove(form)
    project.forms[form.form_id], form.deleted_at = form, None
    return SUCCESS


# reading


@route("GET", "projects/{project}/forms")
def list_forms(request: Request) -> Any:
    project = request.live_project()
    if not (request.may("form.list", project) or request.may("open_form.list", project)):
        raise no_rights()
    if request.query.get("deleted", "").lower() == "true":
        return [
            form_json(project, form, any_version(form)) | {"deletedAt": stamp(form.deleted_at), "id": form.id}
            for form in project.trash
        ]
    may_update = request.may("form.update", project)
    forms = sorted(project.forms.values(), key=lambda form: form.form_id)
    return [form_json(project, form, any_version(form)) for form in forms if form.versions or may_update]


@route("GET", "projects/{project}/forms/{form}/versions")
def list_versions(request: Request) -> Any:
    project, form = readable(request)
    return [form_json(project, form, version) for version in reversed(form.versions)]


def read_xml(request: Request) -> Any:
    return Answer(version_of(request)[2].xml, content_type="application/xml; charset=utf-8")


def list_fields(request: Request) -> Any:
    return [
        {
            "path": item.path,
            "name": item.name,
            "type": item.type,
            "binary": item.is_binary or None,
            "selectMultiple": item.is_multiple or None,
        }
        for item in version_of(request)[2].schema.fields.values()
    ]


def read_form(request: Request) -> Any:
    return form_json(*version_of(request))


@route("GET", "projects/{project}/formList", style="openrosa")
def form_list(request: Request) -> Any:
    project = request.live_project()
    base = f"{request.domain}{request.target.partition('?')[0].rpartition('/')[0]}/forms"
    listed = []
    for form in project.forms.values():
        may_read = request.may("open_form.read", project, form) or request.may("form.read", project, form)
        if not form.versions or form.state != "open" or not may_read:
            continue
        version = form.versions[-1]
        said = form_json(project, form, version)
        place = f"{base}/{quote(form.form_id, safe='')}"
        listed.append(
            f"    <xform>\n      <formID>{escape(form.form_id)}</formID>\n"
            f"      <name>{escape(version.schema.name or form.form_id)}</name>\n"
            f"      <version>{escape(version.schema.version)}</version>\n      <hash>md5:{said['hash']}</hash>\n"
            f"      <downloadUrl>{place}.xml</downloadUrl>\n"
            + (f"      <manifestUrl>{place}/manifest</manifestUrl>\n" if version.media else "")
            + "    </xform>\n"
        )
    return openrosa(f'<xforms xmlns="http://openrosa.org/xforms/xformsList">\n{"".join(listed)}  </xforms>')


def openrosa(body: str) -> Answer:
    whole = f'<?xml version="1.0" encoding="UTF-8"?>\n  {body}'
    return Answer(whole.encode(), content_type="text/xml; charset=utf-8")


for _place in PLACES:
    route("GET", f"{_place}.xml")(read_xml)
    route("GET", f"{_place}/fields")(list_fields)
    route("GET", _place)(read_form)
