"""What managers do to submissions: reviewing, commenting, deleting, restoring, and their files."""

from __future__ import annotations

from typing import Any

from tests.central.problems import missing, no_rights, not_found, unexpected
from tests.central.reading import by_id, live, submission_json
from tests.central.state import Comment, Form, Project, Submission, Version
from tests.central.web import SUCCESS, Request, Routes, actor_json, stamp

route = Routes()
STATES = (None, "hasIssues", "edited", "rejected", "approved")
ONE = "projects/{project}/forms/{form}/submissions/{id}"


def managed(request: Request, verb: str) -> tuple[Project, Form]:
    project, form = request.project(), request.form()
    request.require(verb, project, form)
    return project, form


@route("PATCH", ONE)
def review(request: Request) -> Any:
    _, form = managed(request, "submission.update")
    submission = live(request, form)
    given = request.json()
    details = {"submissionId": submission.id, "submissionDefId": submission.current.id}
    if "reviewState" not in given:
        request.log("submission.update", form.actee_id, details)
        return {}
    if given["reviewState"] not in STATES:
        raise unexpected("state", given["reviewState"], "not a recognized state name")
    request.state.change(submission)
    submission.review_state = given["reviewState"]
    submission.updated_at = request.state.clock.now()
    request.state.stamp(submission)
    request.log("submission.update", form.actee_id, {"reviewState": given["reviewState"]} | details)
    said = submission_json(submission)
    del said["userAgent"]
    return said


@route("DELETE", ONE)
def delete(request: Request) -> Any:
    _, form = managed(request, "submission.delete")
    submission = request.state.change(live(request, form))
    submission.deleted_at = request.state.clock.now()
    request.state.stamp(submission)
    details = {"instanceId": submission.instance_id, "submissionId": submission.id}
    request.log("submission.delete", form.actee_id, details)
    return SUCCESS


@route("POST", f"{ONE}/restore")
def restore(request: Request) -> Any:
    _, form = managed(request, "submission.restore")
    submission = form.submissions.get(request.args["id"])
    if submission is None or not submission.deleted_at:
        raise not_found()
    request.state.change(submission).deleted_at = None
    request.state.stamp(submission)
    details = {"instanceId": submission.instance_id, "submissionId": submission.id}
    request.log("submission.restore", form.actee_id, details)
    return SUCCESS


# comments: who may read a submission may comment on it


def comment_json(comment: Comment) -> dict[str, Any]:
    return {"body": comment.body, "actorId": comment.actor.id, "createdAt": stamp(comment.created_at)}


@route("GET", f"{ONE}/comments")
def list_comments(request: Request) -> Any:
    listed = []
    for comment in reversed(by_id(request).comments):
        actor = {"actor": actor_json(comment.actor)} if request.is_extended else {}
        listed.append(comment_json(comment) | actor)
    return listed


@route("POST", f"{ONE}/comments")
def add_comment(request: Request) -> Any:
    _, form = managed(request, "submission.read")
    submission = live(request, form)
    body = request.json().get("body")
    if not body:
        raise missing("body")
    comment = Comment(str(body), request.who(), request.state.clock.now())
    request.state.change(submission).comments.append(comment)
    return comment_json(comment)


# files


@route("POST", f"{ONE}/attachments/{{name}}")
def attach(request: Request) -> Any:
    project, form = request.project(), request.form()
    may_update = request.may("submission.update", project, form)
    if not may_update and not request.may("submission.create", project, form):
        raise no_rights()
    submission, name = live(request, form), request.args["name"]
    version = submission.current
    if name not in version.files:
        raise not_found()
    before = version.files[name]
    is_own = request.actor is version.submitter and before is None and version is submission.versions[0]
    if not may_update and not is_own:
        raise no_rights()
    blob = request.state.blob(request.body, request.headers.get("Content-Type"))
    request.state.change(submission)
    submission.current.files[name] = blob
    details: dict[str, Any] = {"name": name, "newBlobId": blob.id, "oldBlobId": before and before.id}
    details |= {"instanceId": submission.instance_id, "submissionDefId": version.id}
    request.log("submission.attachment.update", form.actee_id, details)
    return SUCCESS


@route("DELETE", f"{ONE}/attachments/{{name}}")
def detach(request: Request) -> Any:
    _, form = managed(request, "submission.update")
    submission = live(request, form)
    return clear(request, form, submission, submission.current, submission.instance_id)


@route("DELETE", f"{ONE}/versions/{{version}}/attachments/{{name}}")
def detach_from_version(request: Request) -> Any:
    _, form = managed(request, "submission.update")
    submission = live(request, form)
    instance_id = request.args["version"]
    version = next((item for item in submission.versions if item.instance_id == instance_id), None)
    if version is None:
        raise not_found()
    return clear(request, form, submission, version, instance_id)


def clear(request: Request, form: Form, submission: Submission, version: Version, instance_id: str) -> Any:
    name = request.args["name"]
    if name not in version.files:
        raise not_found()
    before = version.files[name]
    request.state.change(submission)
    version.files[name] = None
    details = {"name": name, "oldBlobId": before and before.id}
    details |= {"instanceId": instance_id, "submissionDefId": version.id}
    request.log("submission.attachment.update", form.actee_id, details)
    return SUCCESS
