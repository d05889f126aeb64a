"""Entity lists on ODK Central: what changed in one, and which entities live."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from laktasi.odk import odata
from laktasi.odk.refusals import AnsweredError
from laktasi.records import Entity

if TYPE_CHECKING:
    from laktasi.odk.connection import Connection


def lists_of(connection: Connection) -> list[str]:
    """Give the names of the project's entity lists; none where the server is older than entities."""
    try:
        listed = connection.json(f"{connection.project}/datasets")
    except AnsweredError as error:
        if error.status == 404:
            return []
        raise
    return [str(one["name"]) for one in connection.objects(listed, "name")]


def changed_entities(connection: Connection, list_name: str, since: datetime | None) -> list[Entity]:
    """Give the current version of each entity that was made, changed or deleted after a moment, the oldest first.

    A restored one is not among them: no time says so. Every property is text, as Central keeps it; one that was never
    set is an empty text, since the feed does not tell the two apart.

    Parameters
    ----------
    since
        Of the server's clock, aware; None for all entities, the deleted ones included.
    """
    place = _place(connection, list_name)
    rows = odata.read_table(
        connection, f"{place}.svc/Entities", {"$filter": odata.changed_since(since, created="createdAt")}
    )
    if not rows:
        return []
    with connection.expecting():
        named = [(str(one["name"]), str(one["odataName"])) for one in connection.json(place)["properties"]]
    # The feed gives deleted entities where the filter speaks of them, and does not say which they are.
    deleted = _deleted(connection, place)
    is_clear = len({odata_name for _, odata_name in named}) == len(named)
    found = []
    for row in reversed(rows):  # Central gives the newest first
        entity_id = str(row["__id"])
        # The feed writes the properties a.b and a_b as one, with the value of one of them.
        single = None if is_clear else _single(connection, place, entity_id, is_deleted=entity_id in deleted)
        if not is_clear and single is None:
            continue  # gone since it was listed: the listing of the living will say so
        with connection.expecting():
            system = row["__system"]
            version, updated_at, label = system["version"], system["updatedAt"], row["label"]
            data = {name: row[odata_name] for name, odata_name in named if odata_name in row}
            if single is not None:
                current = single["currentVersion"]
                version, updated_at, label = current["version"], single["updatedAt"], current["label"]
                data = {name: current["data"].get(name, "") for name, _ in named}
            found.append(
                Entity(
                    source=connection.source,
                    list_name=list_name,
                    entity_id=entity_id,
                    version=int(version),
                    label=label,
                    properties={name: None if value is None else str(value) for name, value in data.items()},
                    created_at=odata.read_time(system["createdAt"]),
                    updated_at=odata.read_time_or_none(updated_at),
                    deleted_at=odata.read_time_or_none(deleted.get(entity_id)),
                    is_purged=False,
                    creator_name=system["creatorName"],
                )
            )
    return found


def live_entities(connection: Connection, list_name: str) -> dict[str, int]:
    """Give the entities of a list that are not deleted, and the current version of each."""
    rows, _ = connection.listing(f"{_place(connection, list_name)}/entities")
    with connection.expecting():
        return {str(row["uuid"]): int(row["currentVersion"]["version"]) for row in rows or []}


def _place(connection: Connection, list_name: str) -> str:
    return f"{connection.project}/datasets/{connection.quote(list_name)}"


def _deleted(connection: Connection, place: str) -> dict[str, str | None]:
    """Give the ids of the list's deleted entities, and when each was deleted."""
    rows, _ = connection.listing(f"{place}/entities", {"deleted": "true"})
    with connection.expecting():
        return {str(row["uuid"]): row["deletedAt"] for row in rows or []}


def _single(connection: Connection, place: str, entity_id: str, *, is_deleted: bool) -> Any | None:
    path = f"{place}/entities/{connection.quote(entity_id)}"
    return connection.may(path, {"deleted": "true"} if is_deleted else None)
