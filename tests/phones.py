"""Folders as ODK Collect leaves them on a phone, for tests of the door for phones."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

OPENROSA = "http://openrosa.org/xforms"

# As Collect's InstanceDatabaseMigrator makes it, version 10.
INSTANCES_TABLE = """
    create table instances (
        _id integer primary key autoincrement, displayName text not null, submissionUri text, canEditWhenComplete text,
        canDeleteBeforeSend text, instanceFilePath text not null, jrFormId text not null, jrVersion text,
        status text not null, date date not null, finalizationDate date, deletedDate date, geometry text,
        geometryType text, editOf integer, editNumber integer
    )
"""


def payload(
    instance_id: str,
    *,
    form_id: str = "visit",
    version: str = "3",
    deprecated_id: str | None = None,
    body: str = "<age>31</age>",
    encoding: str = "utf-8",
) -> bytes:
    """Make a submission as JavaRosa writes one."""
    edited = f"<orx:deprecatedID>{deprecated_id}</orx:deprecatedID>" if deprecated_id else ""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><data xmlns:orx="{OPENROSA}" id="{form_id}" version="{version}">'
        f"{body}<orx:meta><orx:instanceID>{instance_id}</orx:instanceID>{edited}</orx:meta></data>"
    )
    return text.encode(encoding)


def xform(form_id: str = "visit", version: str = "3", *, title: str = "Visit") -> bytes:
    """Make a form as pyxform writes one, as far as its head goes."""
    return (
        '<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head>'
        f'<h:title>{title}</h:title><model><itext/><instance><data id="{form_id}" version="{version}"><age/></data>'
        '</instance><instance id="centres" src="jr://file-csv/centres.csv"/></model></h:head><h:body/></h:html>'
    ).encode()


def fill(
    project: Path, name: str, content: bytes, *, files: Mapping[str, bytes] | None = None, file: str | None = None
) -> Path:
    """Put an instance where Collect does; give the path of its XML."""
    folder = project / "instances" / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file or f"{name}.xml")
    path.write_bytes(content)
    for other, data in (files or {}).items():
        (folder / other).write_bytes(data)
    return path


def list_instances(project: Path, states: Mapping[str, tuple[str, int]], *, root: str = "") -> Path:
    """Write Collect's list: instance name to its status there and the time (ms) of its last change."""
    database = project / "metadata" / "instances.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    database.unlink(missing_ok=True)
    con = sqlite3.connect(database)
    con.execute(INSTANCES_TABLE)
    con.executemany(
        "insert into instances (displayName, instanceFilePath, jrFormId, status, date) values ('', ?, 'visit', ?, ?)",
        [(f"{root}{name}/{name}.xml", status, date) for name, (status, date) in states.items()],
    )
    con.commit()
    con.close()
    return database
