"""OData: the table of submissions, its repeats, one submission; ``$filter``, paging and ETag as Central has them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.central.answers import Answers, identifier
from tests.central.filters import Filter
from tests.central.problems import FaultOfOursError, Problem, not_found
from tests.central.reading import newest_first
from tests.central.state import Form, Submission, etag_of
from tests.central.web import Answer, Request, Routes, stamp

route = Routes()
SERVICE = "projects/{project}/forms/{form}.svc"
KNOWN = (
    "$format",
    "$count",
    "$skip",
    "$top",
    "$filter",
    "$wkt",
    "$expand",
    "$select",
    "$skiptoken",
    "$orderby",
    "$search",
)
DELETED = "__system/deletedAt"
COLUMNS: dict[str, Callable[[Submission], Any]] = {
    "__id": lambda row: row.instance_id,
    "__system/submissionDate": lambda row: row.created_at,
    "__system/updatedAt": lambda row: row.updated_at,
    "__system/submitterId": lambda row: row.submitter.id,
    "__system/reviewState": lambda row: row.review_state,
    DELETED: lambda row: row.deleted_at,
}
COLUMNS |= {f"$root/Submissions/{name}": column for name, column in COLUMNS.items()}
SUBTABLE_COLUMNS = {name: column for name, column in COLUMNS.items() if name.startswith("$root")}


def check(request: Request) -> None:
    """Refuse what Central's OData does not know."""
    for name in request.query:
        if name not in KNOWN:
            said = f"The requested feature {name} is not supported by this server."
            raise Problem(501.1, said, {"feature": name})
    expand = request.query.get("$expand")
    if expand and expand != "*":
        said = f'The given OData expand expression is not supported by this server: "{expand}". '
        raise Problem(501.6, f'{said}Currently, only "$expand=*" is supported.', {"text": expand})
    if expand and request.query.get("$select"):
        raise Problem(501.11, "This server doesn't support $select query parameter with $expand.")


def token_of(given: str) -> dict[str, Any]:
    try:
        said = json.loads(base64.b64decode(given[2:], validate=True)) if given.startswith("01") else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Problem(400.35, "Invalid $skiptoken")
    return said


def make_token(said: dict[str, Any]) -> str:
    return "01" + base64.b64encode(json.dumps(said, separators=(",", ":")).encode()).decode()


def whole(given: str | None) -> int | None:
    """Read ``$top`` or ``$skip``, as JavaScript does; the database refuses what is left over."""
    if given is None:
        return None
    match = re.match(r"\s*[+-]?\d+", given)
    if not match:
        details = {"value": "NaN", "expected": "type bigint"}
        raise Problem(400.11, 'Invalid input data type: expected "NaN" to be (type bigint)', details)
    number = int(match[0])
    if number < 0:
        raise FaultOfOursError
    return number


class Selection:
    """The submissions that a query asks for."""

    def __init__(self, request: Request, form: Form, *, is_main: bool) -> None:
        query = request.query
        self.token = token_of(query["$skiptoken"]) if query.get("$skiptoken") else None
        if self.token and query.get("$orderby"):
            feature = "using $orderby and $skiptoken together"
            said = f"The requested feature {feature} is not supported by this server."
            raise Problem(501.1, said, {"feature": feature})
        test = Filter(query["$filter"], COLUMNS if is_main else SUBTABLE_COLUMNS) if query.get("$filter") else None
        rows = newest_first(request.state.visible(form.submissions.values()))
        shows_deleted = test is not None and any(name.endswith(DELETED) for name in test.names)
        chosen = [row for row in rows if (shows_deleted or not row.deleted_at) and (test is None or test(row))]
        if query.get("$orderby"):
            chosen = ordered(chosen, query["$orderby"])
        self.count = len(chosen)
        if is_main and self.token:
            cursor = next((row for row in rows if row.instance_id == self.token.get("instanceId")), None)
            # A token that names nobody: nothing comes after it.
            chosen = [row for row in chosen if cursor and is_before(row, cursor)]
        self.remaining = len(chosen)
        self.rows = chosen
        if is_main:
            skip = 0 if self.token else whole(query.get("$skip")) or 0
            top = whole(query.get("$top"))
            self.rows = chosen[skip : None if top is None else skip + top]


def is_before(row: Submission, cursor: Submission) -> bool:
    return (row.created_at, row.id) < (cursor.created_at, cursor.id)


def ordered(rows: list[Submission], given: str) -> list[Submission]:
    first = None
    clauses = []
    for clause in given.split(","):
        name, _, order = clause.strip().partition(" ")
        if name not in COLUMNS or order.lower() not in ("", "asc", "desc"):
            said = f"The given OData filter expression references fields not supported by this server: {name}"
            raise Problem(501.5, said, {"text": name if name not in COLUMNS else order})
        is_down = order.lower() == "desc"
        first = is_down if first is None else first
        clauses.append((COLUMNS[name], is_down))
    rows = sorted(rows, key=lambda row: row.id, reverse=bool(first))
    for column, is_down in reversed(clauses):
        known = sorted((row for row in rows if column(row) is not None), key=column, reverse=is_down)
        unknown = [row for row in rows if column(row) is None]
        rows = known + unknown if is_down else unknown + known
    return rows


def system(row: Submission) -> dict[str, Any]:
    files = row.current.files
    status = None
    if row.current.is_encrypted:
        # The last file that it names holds the answers.
        status = "notDecrypted" if [*files.values()][-1] else "missingEncryptedFormData"
    return {
        "submissionDate": stamp(row.created_at),
        "updatedAt": stamp(row.updated_at),
        "submitterId": str(row.submitter.id),
        "submitterName": row.submitter.display_name,
        "attachmentsPresent": sum(blob is not None for blob in files.values()),
        "attachmentsExpected": len(files),
        "status": status,
        "reviewState": row.review_state,
        "deviceId": row.device_id,
        "edits": len(row.versions) - 1,
        "formVersion": row.versions[0].form_version.schema.version,
        "deletedAt": stamp(row.deleted_at),
    }


class Rows:
    """Writes submissions as rows of a table."""

    def __init__(self, request: Request, form: Form, table: str) -> None:
        self.schema = form.versions[-1].schema
        self.table = table.removeprefix("Submissions").removeprefix(".")
        self.expand = request.query.get("$expand") == "*"
        self.wkt = request.query.get("$wkt", "").lower() == "true"
        select = request.query.get("$select")
        self.select = [name.strip() for name in select.split(",")] if select and select != "*" else None
        repeats = {".".join(map(identifier, item.path[1:].split("/"))): item for item in self.fields("repeat")}
        if self.table and self.table not in repeats:
            raise not_found()
        if self.select:
            self._check()

    def fields(self, kind: str) -> list[Any]:
        return [item for item in self.schema.fields.values() if item.type == kind]

    def _check(self) -> None:
        known = {"/".join(map(identifier, item.path[1:].split("/"))) for item in self.schema.fields.values()}
        prefix = f"{self.table.replace('.', '/')}/" if self.table else ""
        own = {"__id", "__system"} if not self.table else {"__id"}
        for name in self.select or ():
            is_system = not self.table and name.removeprefix("__system/") in SYSTEM and name.startswith("__system/")
            is_parent = bool(self.table) and re.fullmatch(r"__Submissions.*-id", name)
            if name not in own and not is_system and not is_parent and prefix + name not in known:
                raise Problem(400.23, f"Could not find a property named '{name}'", {"property": name})

    def of(self, row: Submission) -> list[dict[str, Any]]:
        if not self.table and self.select and all(name.startswith("__") for name in self.select):
            return [self._metadata(row)]
        if row.current.is_encrypted:
            return [] if self.table else [{"__id": row.instance_id, "__system": system(row)}]
        answers = Answers(self.schema, row.instance_id, row.current.xml, expand=self.expand, wkt=self.wkt)
        if self.table:
            found = answers.tables.get(self.table, [])
            return [self._chosen(item) for item in found]
        links = {key: value for key, value in answers.row.items() if self._is_repeat(key)}
        plain = {key: value for key, value in answers.row.items() if key not in links}
        if self.select:
            return [self._chosen(plain) | self._metadata(row)]
        return [plain | {"__id": row.instance_id, "__system": system(row)} | links]

    def _is_repeat(self, key: str) -> bool:
        return key.endswith("@odata.navigationLink") or key in {
            identifier(item.name) for item in self.fields("repeat") if item.path.count("/") == 1
        }

    def _metadata(self, row: Submission) -> dict[str, Any]:
        assert self.select is not None
        said: dict[str, Any] = {"__id": row.instance_id} if "__id" in self.select else {}
        wanted = [name.removeprefix("__system/") for name in self.select if name.startswith("__system/")]
        values = system(row) if wanted or "__system" in self.select else {}
        if "__system" in self.select:
            said["__system"] = values
        elif wanted:
            said["__system"] = {name: value for name, value in values.items() if name in wanted}
        return said

    def _chosen(self, row: dict[str, Any]) -> dict[str, Any]:
        if self.select is None:
            return row
        chosen: dict[str, Any] = {}
        for name in self.select:
            source: Any = row
            target = chosen
            *groups, last = name.split("/")
            for group in groups:
                source, target = source.get(group, {}), target.setdefault(group, {})
            if last in source:
                target[last] = source[last]
        return chosen


SYSTEM = frozenset(
    (
        *("submissionDate", "updatedAt", "submitterId", "submitterName", "attachmentsPresent", "attachmentsExpected"),
        *("status", "reviewState", "deviceId", "edits", "formVersion", "deletedAt"),
    )
)


def form_of(request: Request) -> Form:
    check(request)
    form = request.form()
    if not form.versions:
        raise not_found()
    request.require("submission.read", request.project(), form)
    return form


def footer(request: Request, table: str, next_token: dict[str, Any] | None, count: int | None) -> dict[str, Any]:
    """Write what follows the rows. Addresses begin with the domain that the server was configured with."""
    parts = urlsplit(request.target)
    service = parts.path[: parts.path.index(".svc") + 4]
    said: dict[str, Any] = {"@odata.context": f"{request.domain}{service}/$metadata#{table}"}
    if next_token is not None:
        query = {name: value for name, value in request.query.items() if name not in ("$skip", "$skiptoken")}
        query["$skiptoken"] = make_token(next_token)
        said["@odata.nextLink"] = f"{request.domain}{parts.path}?{urlencode(query)}"
    return said | ({"@odata.count": count} if count is not None else {})


@route("GET", SERVICE, style="odata")
def service(request: Request) -> Any:
    form = form_of(request)
    tables = [
        "Submissions." + ".".join(map(identifier, item.path[1:].split("/")))
        for item in form.versions[-1].schema.fields.values()
        if item.type == "repeat"
    ]
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in ("Submissions", *tables)]
    return {"@odata.context": f"{request.domain}{urlsplit(request.target).path}/$metadata", "value": sets}


@route("GET", SERVICE + "/{table}", style="odata")
def table(request: Request) -> Any:
    form, name = form_of(request), request.args["table"]
    if single := re.fullmatch(r"(Submissions)\('((?:uuid:)?[A-Za-z0-9-]+)'\)", name):
        return one(request, form, single[1], single[2])
    is_main = name == "Submissions"
    wants_count = request.query.get("$count", "").lower() == "true"
    if whole_or_none(request.query.get("$top")) == 0 and is_main:
        counted = Selection(request, form, is_main=True) if wants_count else None
        return {"value": []} | footer(request, name, None, counted.count if counted else None)
    selection = Selection(request, form, is_main=is_main)
    etag = f'W/"{etag_of(row.event for row in selection.rows)}"'
    rows = Rows(request, form, name)
    value = [item for row in selection.rows for item in rows.of(row)]
    next_token: dict[str, Any] | None = None
    count = selection.count
    if not is_main:
        value, next_token, count = paged(request, selection, value)
    elif selection.remaining > len(value):
        # Also beyond the last row, where it leads to an empty page for ever.
        next_token = {"instanceId": selection.rows[-1].instance_id if selection.rows else None}
    return Answer({"value": value} | footer(request, name, next_token, count if wants_count else None), etag=etag)


def whole_or_none(given: str | None) -> int | None:
    return int(given) if given is not None and given.strip().isdecimal() else None


def paged(
    request: Request, selection: Selection, rows: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None, int]:
    """Cut a page out of a repeat's table: all of it was read."""
    skip, top = whole_or_none(request.query.get("$skip")) or 0, whole_or_none(request.query.get("$top"))
    if selection.token:
        ids = [row.get("__id") for row in rows]
        if selection.token.get("repeatId") not in ids:
            raise Problem(400.34, "Record associated with the provided $skiptoken not found.")
        skip = ids.index(selection.token["repeatId"]) + 1
    page = rows[skip : None if top is None else skip + top]
    has_more = top is not None and skip + top < len(rows)
    return page, {"repeatId": page[-1].get("__id")} if has_more and page else None, len(rows)


@route("GET", SERVICE + "/{table}/{sub}", style="odata")
def subtable_of_one(request: Request) -> Any:
    form = form_of(request)
    single = re.fullmatch(r"Submissions\('((?:uuid:)?[A-Za-z0-9-]+)'\)", request.args["table"])
    if not single:
        raise not_found()
    return one(request, form, f"Submissions.{request.args['sub']}", single[1])


def one(request: Request, form: Form, name: str, instance_id: str) -> Any:
    row = form.submissions.get(instance_id)
    seen = request.state.visible([row] if row else [])
    if not seen or seen[0].deleted_at:
        raise not_found()
    return {"value": Rows(request, form, name).of(seen[0])} | footer(request, name, None, None)
