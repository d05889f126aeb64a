"""Media of forms: files, and entity lists that stand in for them."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from tests.central.forms import PLACES, draft_of, openrosa, version_of
from tests.central.problems import not_found
from tests.central.state import Blob, Dataset, FormVersion, Media
from tests.central.web import SUCCESS, Request, Routes, blob_answer, stamp

route = Routes()


def media_json(version: FormVersion, name: str) -> dict[str, Any]:
    media = version.media[name]
    source = media.source
    said: dict[str, Any] = {
        "name": name,
        "type": version.schema.media[name],
        "hash": source.md5 if isinstance(source, Blob) else None,  # an entity list has none until it is read
        "exists": source is not None,
        "blobExists": isinstance(source, Blob),
        "datasetExists": isinstance(source, Dataset),
    }
    said |= {"updatedAt": stamp(media.updated_at)} if media.updated_at else {}
    return said | ({"size": len(source.content)} if isinstance(source, Blob) else {})


@route("POST", "projects/{project}/forms/{form}/draft/attachments/{name}")
def upload_media(request: Request) -> Any:
    _, _, draft = draft_of(request)
    name = request.args["name"]
    if name not in draft.media:
        raise not_found()
    kind = request.headers.get("Content-Type") or ("text/csv" if name.endswith(".csv") else None)
    draft.media[name] = Media(request.state.blob(request.body, kind), request.state.clock.now())
    return media_json(draft, name)


@route("PATCH", "projects/{project}/forms/{form}/draft/attachments/{name}")
def link_list(request: Request) -> Any:
    """Let an entity list stand in for a file, or no longer."""
    project, _, draft = draft_of(request)
    name = request.args["name"]
    dataset = project.datasets.get(name.removesuffix(".csv"))
    if dataset is None or name not in draft.media:
        raise not_found()
    draft.media[name] = Media(dataset if request.json().get("dataset") else None, request.state.clock.now())
    return {key: value for key, value in media_json(draft, name).items() if key != "hash"}


@route("DELETE", "projects/{project}/forms/{form}/draft/attachments/{name}")
def delete_media(request: Request) -> Any:
    _, _, draft = draft_of(request)
    name = request.args["name"]
    if name not in draft.media or draft.media[name].source is None:
        raise not_found()
    draft.media[name] = Media(None, request.state.clock.now())
    return SUCCESS


def list_media(request: Request) -> Any:
    version = version_of(request)[2]
    return [media_json(version, name) for name in sorted(version.media)]


def download_media(request: Request) -> Any:
    name = request.args["name"]
    media = version_of(request)[2].media.get(name)
    if media is None or media.source is None:
        raise not_found()
    return blob_answer(as_file(request, media.source), name)


def as_file(request: Request, source: Blob | Dataset) -> Blob:
    """Give a file as it is, and an entity list as the table that Central makes of it anew each time."""
    if isinstance(source, Blob):
        return source
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "label", "__version", *source.properties])
    rows = sorted(request.state.visible(source.entities.values()), key=lambda row: (row.created_at, row.id))
    for row in reversed(rows):
        if not row.deleted_at:
            values = [row.current.data.get(name, "") for name in source.properties]
            table.writerow([row.uuid, row.current.label, row.current.version, *values])
    content = text.getvalue().encode()
    return Blob(0, content, "text/csv", hashlib.md5(content, usedforsecurity=False).hexdigest())


def manifest(request: Request) -> Any:
    version = version_of(request)[2]
    base = f"{request.domain}{request.target.rpartition('/')[0]}"
    files = []
    for name, media in sorted(version.media.items()):
        if media.source is None:
            continue
        kind = ' type="entityList"' if isinstance(media.source, Dataset) else ""
        files.append(
            f"    <mediaFile{kind}>\n      <filename>{escape(name)}</filename>\n"
            f"      <hash>md5:{as_file(request, media.source).md5}</hash>\n"
            f"      <downloadUrl>{base}/attachments/{quote(name, safe='')}</downloadUrl>\n    </mediaFile>\n"
        )
    return openrosa(f'<manifest xmlns="http://openrosa.org/xforms/xformsManifest">\n{"".join(files)}  </manifest>')


for _place in PLACES:
    route("GET", f"{_place}/attachments")(list_media)
    route("GET", f"{_place}/attachments/{{name}}")(download_media)
    route("GET", f"{_place}/manifest", style="openrosa")(manifest)
