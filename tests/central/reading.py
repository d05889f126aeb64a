"""Reading submissions: the plain listing, one submission, its versions and files, its own log."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.central.people import audit_json, latest_first, page
from tests.central.problems import not_found
from tests.central.state import Form, Submission, Version, etag_of
from tests.central.web import Answer, Request, Routes, actor_json, blob_answer, stamp

route = Routes()
ALL = "projects/{project}/forms/{form}/submissions"
ONE = f"{ALL}/{{id}}"


def submission_json(submission: Submission) -> dict[str, Any]:
    return {
        "instanceId": submission.instance_id,
        "submitterId": submission.submitter.id,
        "deviceId": submission.device_id,
        "createdAt": stamp(submission.created_at),
        "updatedAt": stamp(submission.updated_at),
        "reviewState": submission.review_state,
        "userAgent": submission.versions[0].user_agent,
        "deletedAt": stamp(submission.deleted_at),
    }


def version_json(version: Version, *, is_current: bool, is_extended: bool = False) -> dict[str, Any]:
    said = {
        "submitterId": version.submitter.id,
        "createdAt": stamp(version.created_at),
        "instanceName": version.instance_name,
        "instanceId": version.instance_id,
        "current": is_current,
        "deviceId": version.device_id,
        "userAgent": version.user_agent,
    }
    extended = {"submitter": actor_json(version.submitter), "formVersion": version.form_version.schema.version}
    return said | (extended if is_extended else {})


def current_json(submission: Submission, *, is_extended: bool = False) -> dict[str, Any]:
    """Write the current version as it stands inside a submission."""
    current = version_json(submission.current, is_current=True)
    if not is_extended:
        return {"currentVersion": current}
    submitter = actor_json(submission.current.submitter)
    return {"submitter": actor_json(submission.submitter), "currentVersion": current | {"submitter": submitter}}


def newest_first(submissions: list[Submission]) -> list[Submission]:
    return sorted(submissions, key=lambda item: (item.created_at, item.id), reverse=True)


def read_form(request: Request, verb: str = "submission.read") -> Form:
    form = request.form()
    request.require(verb, request.project(), form)
    return form


@route("GET", ALL)
def list_submissions(request: Request) -> Any:
    form = read_form(request, "submission.list")
    wants_deleted = request.query.get("deleted", "").lower() == "true"
    there = request.state.visible(form.submissions.values())
    rows = page(request, newest_first([item for item in there if bool(item.deleted_at) == wants_deleted]))
    etag = f'W/"{etag_of(item.event for item in rows)}"'
    extended = request.is_extended
    return Answer([submission_json(item) | current_json(item, is_extended=extended) for item in rows], etag=etag)


def visible(request: Request, form: Form) -> Submission | None:
    """Give a submission as readers see it, by its first instanceID."""
    row = form.submissions.get(request.args["id"])
    seen = request.state.visible([row] if row else [])
    return seen[0] if seen and not seen[0].deleted_at else None


def by_id(request: Request) -> Submission:
    submission = visible(request, read_form(request))
    if submission is None:
        raise not_found()
    return submission


def by_id_or_moved(request: Request, rest: str) -> Submission | Answer:
    """Give a submission; the id of one of its versions leads to that version's own address."""
    form = read_form(request)
    found = visible(request, form)
    if found:
        return found
    instance_id = request.args["id"]
    for submission in request.state.visible(form.submissions.values()):
        if not submission.deleted_at and any(item.instance_id == instance_id for item in submission.versions):
            start, _, _ = request.target.rpartition("/submissions/")
            place = f"{start}/submissions/{quote(submission.instance_id, safe='')}/versions/{instance_id}{rest}"
            said = f"Moved Permanently. Redirecting to {place}".encode()
            return Answer(said, 301, "text/plain; charset=utf-8", {"Location": place}, etag="")
    raise not_found()


def version_of(request: Request, submission: Submission) -> Version:
    for version in submission.versions:
        if version.instance_id == request.args["version"]:
            return version
    raise not_found()


def xml(content: bytes) -> Answer:
    return Answer(content, content_type="application/xml; charset=utf-8")


def files_json(version: Version) -> list[dict[str, Any]]:
    return [{"name": name, "exists": blob is not None} for name, blob in sorted(version.files.items())]


def file(request: Request, version: Version) -> Answer:
    name = request.args["name"]
    blob = version.files.get(name)
    if blob is None:
        raise not_found()
    return blob_answer(blob, name, is_shown=blob.content_type in ("image/jpeg", "image/png", "image/gif"))


@route("GET", f"{ONE}/audits")
def list_audits(request: Request) -> Any:
    submission = by_id(request)
    there = request.state.visible(request.state.audits)
    own = [item for item in there if item.details.get("submissionId") == submission.id]
    return [audit_json(item, request.is_extended) for item in page(request, latest_first(own))]


@route("GET", f"{ONE}/versions")
def list_versions(request: Request) -> Any:
    submission = by_id(request)
    extended = request.is_extended
    return [
        version_json(item, is_current=item is submission.current, is_extended=extended)
        for item in reversed(submission.versions)
    ]


@route("GET", f"{ONE}/versions/{{version}}.xml")
def version_xml(request: Request) -> Any:
    by_id(request)
    # Whether the version belongs to that submission is not asked: any that is there is given.
    form = request.form()
    for submission in request.state.visible(form.submissions.values()):
        for version in submission.versions if not submission.deleted_at else ():
            if version.instance_id == request.args["version"]:
                return xml(version.xml)
    raise not_found()


@route("GET", f"{ONE}/versions/{{version}}/attachments")
def version_files(request: Request) -> Any:
    return files_json(version_of(request, by_id(request)))


@route("GET", f"{ONE}/versions/{{version}}/attachments/{{name}}")
def version_file(request: Request) -> Any:
    return file(request, version_of(request, by_id(request)))


@route("GET", f"{ONE}/versions/{{version}}")
def one_version(request: Request) -> Any:
    submission = by_id(request)
    version = version_of(request, submission)
    return version_json(version, is_current=version is submission.current, is_extended=request.is_extended)


@route("GET", f"{ONE}/attachments")
def files(request: Request) -> Any:
    found = by_id_or_moved(request, "/attachments")
    return found if isinstance(found, Answer) else files_json(found.current)


@route("GET", f"{ONE}/attachments/{{name}}")
def one_file(request: Request) -> Any:
    found = by_id_or_moved(request, f"/attachments/{quote(request.args['name'], safe='')}")
    return found if isinstance(found, Answer) else file(request, found.current)


@route("GET", f"{ONE}.xml")
def current_xml(request: Request) -> Any:
    found = by_id_or_moved(request, ".xml")
    return found if isinstance(found, Answer) else xml(found.current.xml)


@route("GET", ONE)
def one(request: Request) -> Any:
    found = by_id_or_moved(request, "")
    if isinstance(found, Answer):
        return found
    return submission_json(found) | current_json(found, is_extended=request.is_extended)


def live(request: Request, form: Form) -> Submission:
    """Give a submission as a writer finds it."""
    submission = form.submissions.get(request.args["id"])
    if submission is None or submission.deleted_at:
        raise not_found()
    return submission
