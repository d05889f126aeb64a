"""Sessions, people, projects, app users, and who has which role where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.central.problems import FaultOfOursError, Problem, no_login, no_rights, not_found, taken
from tests.central.state import FOREVER, ROLE_IDS, Actor, Audit, Project
from tests.central.web import SUCCESS, Request, Routes, actor_json, stamp

route = Routes()
SENT = "submission.create"


@route("POST", "sessions", is_open=True)
def log_in(request: Request) -> Any:
    given = request.json()
    email, password = given.get("email"), given.get("password")
    if not email or not password:
        said = f"Required parameters missing. Expected (email, password), got (email: '{email}', password: undefined)."
        raise Problem(400.3, said, {"expected": ["email", "password"], "got": {"email": email}})
    for actor in request.state.actors.values():
        if actor.email == email and actor.password == password and not actor.deleted_at:
            session = request.state.begin_session(actor)
            return {
                "token": session.token,
                "csrf": request.state.token(),
                "expiresAt": stamp(session.expires_at),
                "createdAt": stamp(session.created_at),
            }
    raise no_login()


@route("DELETE", "sessions/current")
def log_out(request: Request) -> Any:
    if request.session is None:
        raise not_found()
    del request.state.sessions[request.session.token]
    return SUCCESS


def user_json(actor: Actor) -> dict[str, Any]:
    return {"email": actor.email, "lastLoginAt": stamp(actor.last_login_at)} | actor_json(actor)


@route("GET", "users/current")
def current_user(request: Request) -> Any:
    actor = request.who()
    if actor.type != "user":
        raise not_found()
    extended = {"verbs": [], "preferences": {"site": {}, "projects": {}}} if request.is_extended else {}
    return extended | user_json(actor)


@route("POST", "users")
def make_user(request: Request) -> Any:
    request.require("user.create")
    email = str(request.given("email"))
    if any(actor.email == email and not actor.deleted_at for actor in request.state.actors.values()):
        raise taken("users", ["email", "deleted"], [email, "false"])
    password = request.json().get("password")
    if password is not None and len(password) < 10:
        raise Problem(400.21, "The password or passphrase provided does not meet the required length.")
    return user_json(request.state.add_actor("user", email, email=email, password=password))


@route("DELETE", "users/{actor}")
def delete_user(request: Request) -> Any:
    request.require("user.delete")
    end(request, find_actor(request))
    return SUCCESS


def find_actor(request: Request) -> Actor:
    given = request.args["actor"]
    actor = request.state.actors.get(int(given)) if given.isdecimal() else None
    if actor is None or actor.deleted_at:
        raise not_found()
    return actor


def end(request: Request, actor: Actor) -> None:
    """Delete an actor; sessions and rights end with it."""
    actor.deleted_at = request.state.clock.now()
    actor.roles.clear()
    sessions = request.state.sessions
    for token in [token for token, session in sessions.items() if session.actor is actor]:
        del sessions[token]


# projects


def project_json(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "description": None,
        "archived": None,
        "keyId": None,
        "createdAt": stamp(project.created_at),
        "updatedAt": None,
        "deletedAt": stamp(project.deleted_at),
    }


@route("GET", "projects")
def list_projects(request: Request) -> Any:
    seen = [item for item in request.state.projects.values() if not item.deleted_at]
    return [
        project_json(item) | {"verbs": sorted(request.verbs(item))}
        for item in seen
        if request.may("project.read", item)
    ]


@route("POST", "projects")
def make_project(request: Request) -> Any:
    request.require("project.create")
    state = request.state
    project = Project(state.next_id(), state.uuid(), str(request.given("name")), state.clock.now())
    state.projects[project.id] = project
    return project_json(project) | {"acteeId": project.actee_id}


@route("GET", "projects/{project}")
def read_project(request: Request) -> Any:
    project = request.live_project()
    request.require("project.read", project)
    return project_json(project) | ({"verbs": sorted(request.verbs(project))} if request.is_extended else {})


@route("DELETE", "projects/{project}")
def delete_project(request: Request) -> Any:
    project = request.live_project()
    request.require("project.delete", project)
    project.deleted_at = request.state.clock.now()
    return SUCCESS


# app users


def app_user_json(actor: Actor) -> dict[str, Any]:
    return {"projectId": actor.project_id} | actor_json(actor) | {"token": actor.token}


def app_users(request: Request, project: Project) -> list[Actor]:
    there = (item for item in request.state.actors.values() if item.type == "field_key" and not item.deleted_at)
    return sorted((item for item in there if item.project_id == project.id), key=lambda item: -item.id)


@route("GET", "projects/{project}/app-users")
def list_app_users(request: Request) -> Any:
    project = request.live_project()
    request.require("field_key.list", project)
    listed = []
    for actor in app_users(request, project):
        sent = [item.logged_at for item in request.state.audits if item.actor is actor and item.action == SENT]
        creator = actor.created_by and actor_json(actor.created_by)
        extended = {"createdBy": creator, "lastUsed": stamp(max(sent, default=None)), "properties": None}
        listed.append(app_user_json(actor) | (extended if request.is_extended else {}))
    return listed


@route("POST", "projects/{project}/app-users")
def make_app_user(request: Request) -> Any:
    project = request.live_project()
    request.require("field_key.create", project)
    name = str(request.given("displayName"))
    actor = request.state.add_actor(
        "field_key", name, token=request.state.token(), project_id=project.id, created_by=request.who()
    )
    request.log("field_key.create", None, {})
    return app_user_json(actor) | {"csrf": request.state.token(), "expiresAt": stamp(FOREVER)}


@route("DELETE", "projects/{project}/app-users/{actor}")
def delete_app_user(request: Request) -> Any:
    project = request.live_project()
    request.require("field_key.delete", project)
    actor = find_actor(request)
    if actor not in app_users(request, project):
        raise not_found()
    end(request, actor)
    return SUCCESS


# roles


def scope_of(request: Request) -> tuple[str, str, Project | None, Any]:
    """Give the place of an assignment, what Central calls it, its project and its form."""
    if "project" not in request.args:
        return "*", "*", None, None
    project = request.live_project()
    if "form" not in request.args:
        return f"project {project.id}", project.actee_id, project, None
    form = request.form()
    return f"form {form.id}", form.actee_id, project, form


def role_of(request: Request) -> str:
    given = request.args["role"]
    for name, number in ROLE_IDS.items():
        if given in (name, str(number)):
            return name
    raise not_found()


PLACES = ("", "projects/{project}/", "projects/{project}/forms/{form}/")


def list_assigned(request: Request) -> Any:
    scope, _, project, form = scope_of(request)
    role = role_of(request)
    request.require("assignment.list", project, form)
    return [actor_json(actor) for actor in request.state.actors.values() if role in actor.roles.get(scope, ())]


def list_assignments(request: Request) -> Any:
    scope, _, project, form = scope_of(request)
    request.require("assignment.list", project, form)
    actors = request.state.actors.values()
    return [
        {"actorId": who.id, "roleId": ROLE_IDS[role]} for who in actors for role in sorted(who.roles.get(scope, ()))
    ]


def assign(request: Request) -> Any:
    scope, actee_id, project, form = scope_of(request)
    role, actor = role_of(request), find_actor(request)
    request.require("assignment.create", project, form)
    if role == "admin" and scope != "*":
        raise no_rights()
    if role in actor.roles.get(scope, ()):
        given = [str(actor.id), str(ROLE_IDS[role]), actee_id]
        raise taken("assignments", ["actorId", "roleId", "acteeId"], given)
    actor.roles.setdefault(scope, set()).add(role)
    return SUCCESS


def unassign(request: Request) -> Any:
    scope, _, project, form = scope_of(request)
    role, actor = role_of(request), find_actor(request)
    request.require("assignment.delete", project, form)
    if role not in actor.roles.get(scope, ()):
        raise not_found()
    actor.roles[scope].remove(role)
    return SUCCESS


@route("GET", "projects/{project}/assignments/forms")
def list_form_assignments(request: Request) -> Any:
    return form_assignments(request, *ROLE_IDS)


@route("GET", "projects/{project}/assignments/forms/{role}")
def list_form_assignments_of_role(request: Request) -> Any:
    return form_assignments(request, role_of(request))


def form_assignments(request: Request, *roles: str) -> list[dict[str, Any]]:
    project = request.live_project()
    request.require("assignment.list", project)
    return [
        {"actorId": actor.id, "roleId": ROLE_IDS[role], "xmlFormId": form.form_id}
        for form in project.forms.values()
        for actor in request.state.actors.values()
        for role in roles
        if role in actor.roles.get(f"form {form.id}", ())
    ]


for _place in PLACES:
    route("GET", f"{_place}assignments")(list_assignments)
    route("GET", f"{_place}assignments/{{role}}")(list_assigned)
    route("POST", f"{_place}assignments/{{role}}/{{actor}}")(assign)
    route("DELETE", f"{_place}assignments/{{role}}/{{actor}}")(unassign)


# the log


@route("GET", "audits")
def list_audits(request: Request) -> Any:
    request.require("audit.read")
    chosen = [item for item in request.state.visible(request.state.audits) if is_wanted(request, item)]
    return [audit_json(item, request.is_extended) for item in page(request, latest_first(chosen))]


def latest_first(audits: list[Audit]) -> list[Audit]:
    """Order the log's entries as it is read; of those of the same moment the last one that was written comes first."""
    return sorted(audits, key=lambda item: item.logged_at)[::-1]


def is_wanted(request: Request, audit: Audit) -> bool:
    action = request.query.get("action", "")
    if action and audit.action != action and not ("." not in action and audit.action.startswith(f"{action}.")):
        return False
    start, end = (moment_of(request.query.get(name)) for name in ("start", "end"))
    return not ((start and audit.logged_at < start) or (end and audit.logged_at >= end))


def moment_of(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise FaultOfOursError from None  # the database refuses it, and nobody catches that
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def page(request: Request, rows: list[Any]) -> list[Any]:
    """Cut ``limit`` and ``offset`` out of a list."""
    offset, limit = request.number("offset") or 0, request.number("limit")
    return rows[offset : None if limit is None else offset + limit]


def audit_json(audit: Audit, is_extended: bool) -> dict[str, Any]:
    said = {
        "actorId": audit.actor and audit.actor.id,
        "action": audit.action,
        "acteeId": audit.actee_id,
        "details": audit.details,
        "loggedAt": stamp(audit.logged_at),
        "notes": audit.notes,
    }
    return said | ({"actor": audit.actor and actor_json(audit.actor)} if is_extended else {})
