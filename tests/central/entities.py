"""Entity lists and entities."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.central.answers import identifier
from tests.central.filters import Filter
from tests.central.odata import check, footer, token_of, whole
from tests.central.people import page
from tests.central.problems import Problem, missing, not_found, taken, unexpected, wrong_type
from tests.central.state import Dataset, Entity, EntityVersion, Project
from tests.central.web import SUCCESS, Answer, Request, Routes, stamp

route = Routes()
LISTS = "projects/{project}/datasets"
LIST = f"{LISTS}/{{dataset}}"
ONE = f"{LIST}/entities/{{entity}}"
UUID = re.compile(r"(?i)(?:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})")
NAME = re.compile(r"(?!__)[A-Za-z_][\w.-]*")
DELETED = "__system/deletedAt"
COLUMNS: dict[str, Callable[[Entity], Any]] = {
    "__id": lambda row: row.uuid,
    "__system/createdAt": lambda row: row.created_at,
    "__system/updatedAt": lambda row: row.updated_at,
    DELETED: lambda row: row.deleted_at,
    "__system/creatorId": lambda row: row.creator.id,
    "__system/conflict": lambda _row: None,
}


def list_json(project: Project, dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "createdAt": stamp(dataset.created_at),
        "projectId": project.id,
        "approvalRequired": False,
        "ownerOnly": False,
        "deletedAt": None,
    }


def whole_list_json(request: Request, project: Project, dataset: Dataset) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [
        {"name": name, "publishedAt": stamp(made), "odataName": identifier(name), "forms": []}
        for name, made in dataset.properties.items()
    ]
    nothing: dict[str, Any] = {"linkedForms": [], "sourceForms": [], "draftLinkedForms": [], "draftSourceForms": []}
    last = {"lastUpdate": stamp(request.state.clock.now())}
    return list_json(project, dataset) | last | nothing | {"properties": properties}


@route("GET", LISTS)
def list_lists(request: Request) -> Any:
    project = request.live_project()
    request.require("dataset.list", project)
    listed = []
    for name in sorted(project.datasets):
        dataset = project.datasets[name]
        live = [item for item in request.state.visible(dataset.entities.values()) if not item.deleted_at]
        last = max((item.created_at for item in live), default=None)
        extended = {"entities": len(live), "lastEntity": stamp(last), "conflicts": 0}
        listed.append(list_json(project, dataset) | (extended if request.is_extended else {}))
    return listed


@route("POST", LISTS)
def make_list(request: Request) -> Any:
    project = request.live_project()
    request.require("dataset.create", project)
    name = request.json().get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise unexpected("name", name, "This is not a valid dataset name.")
    if name in project.datasets:
        raise taken("datasets", ["name", "projectId"], [name, project.id])
    state = request.state
    project.datasets[name] = Dataset(state.next_id(), state.uuid(), name, state.clock.now())
    return whole_list_json(request, project, project.datasets[name])


@route("GET", LIST)
def read_list(request: Request) -> Any:
    project, dataset = allowed(request, "dataset.read")
    return whole_list_json(request, project, dataset)


@route("POST", f"{LIST}/properties")
def make_property(request: Request) -> Any:
    _, dataset = allowed(request, "dataset.update")
    name = request.json().get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in ("name", "label"):
        raise unexpected("name", name, "This is not a valid property name.")
    if name in dataset.properties:
        raise taken("ds_properties", ["name", "datasetId"], [name, dataset.id])
    dataset.properties[name] = request.state.clock.now()
    return SUCCESS


def allowed(request: Request, verb: str) -> tuple[Project, Dataset]:
    project, dataset = request.project(), request.dataset()
    request.require(verb, project)
    return project, dataset


# entities


def entity_json(entity: Entity, dataset: Dataset, *, has_data: bool = True) -> dict[str, Any]:
    return {
        "uuid": entity.uuid,
        "creatorId": entity.creator.id,
        "conflict": None,
        "createdAt": stamp(entity.created_at),
        "updatedAt": stamp(entity.updated_at),
        "deletedAt": stamp(entity.deleted_at),
        "currentVersion": version_json(entity.current, dataset, is_current=True, has_data=has_data),
    }


def version_json(version: EntityVersion, dataset: Dataset, *, is_current: bool, has_data: bool) -> dict[str, Any]:
    data = {name: version.data[name] for name in dataset.properties if name in version.data}
    said = {
        "current": is_current,
        "label": version.label,
        "creatorId": version.creator.id,
        "userAgent": version.user_agent,
        "data": data,
        "version": version.version,
        "baseVersion": version.base_version,
        "dataReceived": version.received,
        "conflictingProperties": None,
        "createdAt": stamp(version.created_at),
        "branchId": None,
        "trunkVersion": None,
        "branchBaseVersion": None,
    }
    return said if has_data else {key: value for key, value in said.items() if key not in ("data", "dataReceived")}


def newest_first(request: Request, dataset: Dataset) -> list[Entity]:
    there = request.state.visible(dataset.entities.values())
    return sorted(there, key=lambda item: (item.created_at, item.id), reverse=True)


def given_data(given: dict[str, Any], dataset: Dataset) -> dict[str, str]:
    if given.get("data") is None and given.get("label") is None:
        raise invalid("No entity data or label provided.")
    data = given.get("data") or {}
    for name, value in data.items():
        if not isinstance(value, str):
            raise wrong_type(name, "string")
        if name not in dataset.properties:
            raise invalid(f"You specified the dataset property [{name}] which does not exist.")
    return dict(data)


def invalid(reason: str) -> Problem:
    return Problem(400.28, f"The entity is invalid. {reason}", {"reason": reason})


def given_label(given: dict[str, Any], before: str | None) -> str:
    label = given.get("label", before)
    if label is None:
        raise missing("label")
    if not isinstance(label, str):
        raise wrong_type("label", "string")
    if not label.strip():
        raise unexpected("label", "(empty string)", "Label cannot be blank.")
    return label


def make(request: Request, dataset: Dataset, given: dict[str, Any]) -> Entity:
    uuid = given.get("uuid") or request.state.uuid()
    match = UUID.fullmatch(uuid)
    if not match:
        raise wrong_type("uuid", "valid version 4 UUID")
    label, data = given_label(given, None), given_data(given, dataset)
    # Of all lists of all projects, deleted or not.
    lists = (item for project in request.state.projects.values() for item in project.datasets.values())
    if any(match[1].lower() in item.entities for item in lists):
        raise taken("entities", ["uuid"], [match[1].lower()])
    now, actor, agent = request.state.clock.now(), request.who(), request.headers.get("User-Agent")
    version = EntityVersion(1, label, data, data | {"label": label}, None, actor, now, agent)
    entity = Entity(request.state.next_id(), match[1].lower(), actor, now, [version])
    dataset.entities[entity.uuid] = request.state.add(entity)
    log(request, "entity.create", dataset, entity)
    return entity


def log(request: Request, action: str, dataset: Dataset, entity: Entity) -> None:
    details = {"entity": {"uuid": entity.uuid, "dataset": dataset.name}, "entityId": entity.id}
    request.log(action, dataset.actee_id, details)


@route("GET", f"{LIST}/entities")
def list_entities(request: Request) -> Any:
    _, dataset = allowed(request, "entity.list")
    wants_deleted = request.query.get("deleted", "").lower() == "true"
    rows = [item for item in newest_first(request, dataset) if bool(item.deleted_at) == wants_deleted]
    return [entity_json(item, dataset, has_data=False) for item in page(request, rows)]


@route("POST", f"{LIST}/entities")
def make_entities(request: Request) -> Any:
    _, dataset = allowed(request, "entity.create")
    given = request.json()
    if "entities" not in given:
        return entity_json(make(request, dataset, given), dataset)
    for item in given["entities"]:
        make(request, dataset, item)
    return SUCCESS


def find(request: Request, dataset: Dataset, *, is_deleted: bool = False) -> Entity:
    entity = dataset.entities.get(request.args["entity"])
    if entity is None or bool(entity.deleted_at) != is_deleted:
        raise not_found()
    return entity


def seen(request: Request, dataset: Dataset) -> Entity:
    """Give an entity as readers see it; a deleted one where the query asks for that."""
    entity = dataset.entities.get(request.args["entity"])
    rows = request.state.visible([entity] if entity else [])
    wants_deleted = request.query.get("deleted", "").lower() == "true"
    if not rows or bool(rows[0].deleted_at) != wants_deleted:
        raise not_found()
    return rows[0]


@route("GET", ONE)
def read_entity(request: Request) -> Any:
    _, dataset = allowed(request, "entity.read")
    return entity_json(seen(request, dataset), dataset)


@route("GET", f"{ONE}/versions")
def list_versions(request: Request) -> Any:
    _, dataset = allowed(request, "entity.read")
    entity = seen(request, dataset)
    listed = []
    before: dict[str, str] | None = None
    for version in entity.versions:
        now = version.data | {"label": version.label}
        changed = [] if before is None else [name for name in version.received if before.get(name) != now.get(name)]
        is_current = version is entity.current
        notes = {"conflict": None, "resolved": False, "baseDiff": changed, "serverDiff": changed}
        said = version_json(version, dataset, is_current=is_current, has_data=True)
        last = {"source": {}, "relevantToConflict": False}
        listed.append(notes | {"lastGoodVersion": is_current} | said | last)
        before = now
    return listed


@route("PATCH", ONE)
def update_entity(request: Request) -> Any:
    _, dataset = allowed(request, "entity.update")
    entity = find(request, dataset)
    current, provided = str(entity.current.version), request.query.get("baseVersion")
    if provided != current and request.query.get("force", "").lower() != "true":
        said = (
            f"Current version of the Entity is '{current}' and you provided '{provided or 'undefined'}'. Please "
            "correct the version number or pass '?force=true' in the URL to forcefully update the Entity."
        )
        raise Problem(409.15, said, {"current": current} | ({"provided": provided} if provided else {}))
    given = request.json()
    label, data = given_label(given, entity.current.label), given_data(given, dataset)
    received = data | ({"label": label} if "label" in given else {})
    request.state.change(entity)
    before = entity.current
    now, agent = request.state.clock.now(), request.headers.get("User-Agent")
    version = EntityVersion(
        before.version + 1, label, before.data | data, received, before.version, request.who(), now, agent
    )
    entity.versions.append(version)
    entity.updated_at = now
    log(request, "entity.update.version", dataset, entity)
    return entity_json(entity, dataset)


@route("DELETE", ONE)
def delete_entity(request: Request) -> Any:
    _, dataset = allowed(request, "entity.delete")
    entity = request.state.change(find(request, dataset))
    entity.deleted_at = request.state.clock.now()
    log(request, "entity.delete", dataset, entity)
    return SUCCESS


@route("POST", f"{ONE}/restore")
def restore_entity(request: Request) -> Any:
    _, dataset = allowed(request, "entity.restore")
    entity = request.state.change(find(request, dataset, is_deleted=True))
    entity.deleted_at, entity.updated_at = None, request.state.clock.now()
    log(request, "entity.restore", dataset, entity)
    return SUCCESS


def bulk(request: Request, verb: str, *, is_deleted: bool) -> Any:
    """Delete or restore several at once. Nothing but `deleted_at` is touched, unlike where one is restored alone."""
    _, dataset = allowed(request, verb)
    wanted = [dataset.entities.get(name) for name in request.given("ids")]
    found = [item for item in wanted if item and bool(item.deleted_at) != is_deleted]
    for entity in found:
        request.state.change(entity).deleted_at = request.state.clock.now() if is_deleted else None
        log(request, verb, dataset, entity)
    return {"count": len(found)}


@route("POST", f"{LIST}/entities/bulk-delete")
def delete_entities(request: Request) -> Any:
    return bulk(request, "entity.delete", is_deleted=True)


@route("POST", f"{LIST}/entities/bulk-restore")
def restore_entities(request: Request) -> Any:
    return bulk(request, "entity.restore", is_deleted=False)


# OData


def row_json(entity: Entity, dataset: Dataset, select: list[str] | None) -> dict[str, Any]:
    system = {
        "createdAt": stamp(entity.created_at),
        "creatorId": str(entity.creator.id),
        "creatorName": entity.creator.display_name,
        "updates": entity.current.version - 1,
        "updatedAt": stamp(entity.updated_at),
        "version": entity.current.version,
        "conflict": None,
    }
    row: dict[str, Any] = {"__id": entity.uuid, "label": entity.current.label, "__system": system}
    # What was never set is an empty text here, and absent in the entity itself.
    row |= {identifier(name): entity.current.data.get(name, "") for name in dataset.properties}
    if select is None:
        return row
    chosen = {name: value for name, value in row.items() if name in select}
    wanted = [name.removeprefix("__system/") for name in select if name.startswith("__system/")]
    return chosen | ({"__system": {name: system.get(name) for name in wanted}} if wanted else {})


@route("GET", "projects/{project}/datasets/{dataset}.svc/Entities", style="odata")
def table(request: Request) -> Any:
    check(request)
    _, dataset = allowed(request, "entity.list")
    query = request.query
    select = query.get("$select")
    names = [name.strip() for name in select.split(",")] if select and select != "*" else None
    for name in names or ():
        if name not in ("__id", "__system", *COLUMNS, *dataset.properties):
            raise Problem(400.23, f"Could not find a property named '{name}'", {"property": name})
    test = Filter(query["$filter"], COLUMNS) if query.get("$filter") else None
    shows_deleted = test is not None and DELETED in test.names
    everyone = newest_first(request, dataset)
    rows = [row for row in everyone if (shows_deleted or not row.deleted_at) and (test is None or test(row))]
    count, remaining = len(rows), len(rows)
    top, skip = whole(query.get("$top")), whole(query.get("$skip")) or 0
    if query.get("$skiptoken"):
        uuid, skip = token_of(query["$skiptoken"]).get("uuid"), 0
        cursor = next((row for row in everyone if row.uuid == uuid), None)
        rows = [row for row in rows if cursor and (row.created_at, row.id) < (cursor.created_at, cursor.id)]
        remaining = len(rows)
    shown = rows[skip : None if top is None else skip + top]
    next_token = {"uuid": shown[-1].uuid} if top is not None and shown and remaining > skip + top else None
    wants_count = query.get("$count", "").lower() == "true"
    value = [row_json(row, dataset, names) for row in shown]
    return Answer({"value": value} | footer(request, "Entities", next_token, count if wants_count else None), etag="")
