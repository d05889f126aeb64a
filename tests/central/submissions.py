"""How submissions and their new versions come in: as Collect sends them, and as a manager's browser does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.central.problems import (
    Problem,
    no_login,
    not_found,
    other_xml,
    outdated,
    taken,
    unexpected,
)
from tests.central.reading import current_json, live, submission_json
from tests.central.state import Blob, Form, FormVersion, Submission, Version
from tests.central.web import Answer, Request, Routes
from tests.central.xform import Envelope, expected_files, read_envelope

route = Routes()
FORM = "projects/{project}/forms/{form}"
ONE = f"{FORM}/submissions/{{id}}"
THANKS = "full submission upload was successful!"


@dataclass(frozen=True)
class Part:
    """One part of a multipart body."""

    name: str
    content: bytes
    content_type: str | None


def parts_of(body: bytes, content_type: str) -> list[Part]:
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if not boundary:
        return []
    found = []
    for piece in body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"]*)"', head)
        kind = re.search(rb"(?i)content-type: *([^\r\n]+)", head)
        if name:
            found.append(Part(name[1].decode(), content.removesuffix(b"\r\n"), kind[1].decode() if kind else None))
    return found


# as Collect does


@route("GET", "projects/{project}/submission", style="openrosa")
@route("HEAD", "projects/{project}/submission", style="openrosa")
def greet(request: Request) -> Any:
    request.live_project()
    return Answer(b"", 204)


@route("POST", "projects/{project}/submission", style="openrosa")
def receive(request: Request) -> Any:
    parts = parts_of(request.body, request.headers.get("Content-Type", ""))
    xml = next((part.content for part in parts if part.name == "xml_submission_file"), None)
    if xml is None:
        said = "Required multipart POST field xml_submission_file missing."
        raise Problem(400.7, said, {"field": "xml_submission_file"})
    envelope = read_envelope(xml)
    project = request.project()
    form = project.forms.get(envelope.form_id)
    if form is None:
        raise not_found()
    version = accepting(form, envelope)
    if not request.may("submission.create", project, form):
        raise no_login()  # 401, so that Collect asks for a password
    files = {
        part.name: request.state.blob(part.content, part.content_type)
        for part in parts
        if part.name != "xml_submission_file"
    }
    if envelope.deprecated_id:
        _receive_edit(request, form, version, envelope, xml, files)
    else:
        _receive_first(request, form, version, envelope, xml, files)
    return message(201, "", THANKS)


def message(status: int, nature: str, said: str) -> Answer:
    body = (
        f'\n  <OpenRosaResponse xmlns="http://openrosa.org/http/response" items="0">\n'
        f'    <message nature="{nature}">{said}</message>\n  </OpenRosaResponse>'
    )
    return Answer(body.encode(), status, "text/xml; charset=utf-8")


def accepting(form: Form, envelope: Envelope) -> FormVersion:
    if not form.versions:
        raise not_found()
    version = form.version(envelope.version or "___")
    if version is None:
        said = f"The form version specified in this submission '{envelope.version}' does not exist."
        raise Problem(404.6, said, {"formVersion": envelope.version})
    if form.state not in ("open", "closing"):
        said = (
            "This form is not currently accepting submissions. Please talk to your program staff if this is unexpected."
        )
        raise Problem(409.2, said)
    return version


def _receive_first(
    request: Request, form: Form, version: FormVersion, envelope: Envelope, xml: bytes, files: dict[str, Blob]
) -> None:
    known = find_version(form, envelope.instance_id)
    if known is None:
        if envelope.instance_id in form.submissions:
            raise Problem(409.18, "This submission has been deleted. You may not resubmit it.")
        make(request, form, version, envelope, xml, files)
        return
    submission, extant = known
    if extant is not submission.current:
        raise outdated(None)
    if extant.xml != xml:
        raise other_xml()
    take_files(request, form, submission, extant, files)


def _receive_edit(
    request: Request, form: Form, version: FormVersion, envelope: Envelope, xml: bytes, files: dict[str, Blob]
) -> None:
    known = find_version(form, envelope.deprecated_id)
    if known is None:
        wanted = envelope.deprecated_id
        said = f"You tried to update an existing submission, but we can't find that submission to update ({wanted})"
        raise Problem(404.5, said, {"deprecatedId": wanted})
    submission, deprecated = known
    if deprecated is submission.current:
        replace(request, form, version, envelope, xml, submission, files)
        return
    again = find_version(form, envelope.instance_id)
    if again is None or again[1] is not again[0].current:
        raise outdated(envelope.deprecated_id)
    if again[1].xml != xml:
        raise other_xml()
    take_files(request, form, again[0], again[1], files)


def find_version(form: Form, instance_id: str | None) -> tuple[Submission, Version] | None:
    """Find a version of a submission that is not deleted."""
    submission = form.owners.get(instance_id or "")
    if submission is None or submission.deleted_at:
        return None
    return submission, next(item for item in submission.versions if item.instance_id == instance_id)


def make_version(
    request: Request,
    form: Form,
    version: FormVersion,
    envelope: Envelope,
    xml: bytes,
    files: dict[str, Blob | None],
    instance_id: str,
) -> Version:
    state = request.state
    device, agent = request.query.get("deviceID"), request.headers.get("User-Agent")
    return Version(
        state.next_id(),
        instance_id,
        envelope.instance_name,
        xml,
        version,
        state.clock.now(),
        request.who(),
        device[:255] if device else None,
        agent[:255] if agent else None,
        {name: files.get(name) for name in expected_files(version.schema, xml)},
        envelope.is_encrypted,
    )


def log_files(request: Request, form: Form, instance_id: str, version: Version) -> None:
    for name, blob in version.files.items():
        if blob:
            details = {"name": name, "newBlobId": blob.id, "instanceId": instance_id, "submissionDefId": version.id}
            request.log("submission.attachment.update", form.actee_id, details)


def make(
    request: Request, form: Form, version: FormVersion, envelope: Envelope, xml: bytes, files: dict[str, Blob]
) -> Submission:
    """Take in a new submission. One that says no instanceID is given one, in Central's own style."""
    instance_id = envelope.instance_id or request.state.uuid()
    if len(instance_id) > 255:
        raise Problem(400.13, "Length of value too long for a field")
    if instance_id in form.submissions:
        raise taken("submissions", ["formId", "instanceId", "draft"], [str(form.id), instance_id, "f"])
    first = make_version(request, form, version, envelope, xml, dict(files), instance_id)
    submission = Submission(
        request.state.next_id(), instance_id, first.created_at, first.submitter, first.device_id, [first]
    )
    form.submissions[instance_id] = form.owners[instance_id] = request.state.add(submission)
    request.state.stamp(submission)
    details = {"instanceId": instance_id, "submissionId": submission.id, "submissionDefId": first.id}
    request.log("submission.create", form.actee_id, details)
    log_files(request, form, instance_id, first)
    return submission


def replace(
    request: Request,
    form: Form,
    version: FormVersion,
    envelope: Envelope,
    xml: bytes,
    submission: Submission,
    files: dict[str, Blob],
) -> None:
    """Put a new version in the place of the current one; files of the same name come along."""
    instance_id = envelope.instance_id or request.state.uuid()
    if instance_id in form.owners:
        said = f"A resource already exists with instanceID value(s) of {instance_id}."
        raise Problem(409.3, said, {"fields": "instanceID", "values": instance_id})
    request.state.change(submission)
    submission.updated_at = request.state.clock.now()
    brought = submission.current.files | files
    made = make_version(request, form, version, envelope, xml, brought, instance_id)
    submission.versions.append(made)
    form.owners[instance_id] = submission
    submission.review_state = "edited"
    request.state.stamp(submission)
    details = {"instanceId": instance_id, "submissionId": submission.id, "submissionDefId": made.id}
    request.log("submission.update.version", form.actee_id, details)
    log_files(request, form, instance_id, made)


def take_files(request: Request, form: Form, submission: Submission, version: Version, files: dict[str, Blob]) -> None:
    """Keep late files that are expected; what nobody expects is dropped in silence."""
    for name, blob in files.items():
        before = version.files.get(name)
        if name in version.files and before is not blob:
            request.state.change(submission)
            version.files[name] = blob
            details = {
                "name": name,
                "newBlobId": blob.id,
                "instanceId": version.instance_id,
                "submissionDefId": version.id,
            }
            request.log("submission.attachment.update", form.actee_id, details)


# as a manager's browser does


@route("POST", f"{FORM}/submissions")
def create(request: Request) -> Any:
    envelope = read_envelope(request.body)
    project, form = request.project(), request.form()
    version = accepting(form, envelope)
    request.require("submission.create", project, form)
    same_form(request, envelope)
    made = make(request, form, version, envelope, request.body, {})
    said = submission_json(made)
    for name in ("reviewState", "deletedAt"):
        del said[name]
    return said | current_json(made)


def same_form(request: Request, envelope: Envelope) -> None:
    if envelope.form_id != request.args["form"]:
        raise unexpected("form id", envelope.form_id, "did not match the form ID in the URL")


@route("PUT", ONE)
def edit(request: Request) -> Any:
    envelope = read_envelope(request.body)
    same_form(request, envelope)
    if not envelope.deprecated_id:
        raise Problem(
            400.19,
            "This PUT endpoint expects a deprecatedID metadata tag pointing at the current version instanceID. I "
            "cannot find that tag in your request.",
        )
    project, form = request.project(), request.form()
    request.require("submission.create", project, form)
    submission = live(request, form)
    if submission.current.instance_id != envelope.deprecated_id:
        raise outdated(envelope.deprecated_id)
    replace(request, form, accepting(form, envelope), envelope, request.body, submission, {})
    return submission_json(submission) | current_json(submission)
