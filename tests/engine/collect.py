"""A phone's folder as ODK Collect lays it out: instances with their audit log, forms with their media, the list.

Facts from Collect's source: instances lie in ``instances/<form name>_<start>/`` under the same name; the list
``metadata/instances.db`` has schema version 10; the audit log has the columns ``event,node,start,end``. An edit of
what was finalised is a copy of its folder under the time of editing: the audit log goes on, and of the phone's own
times only ``end`` is new.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from tests.engine.engine import Filled, Form
from tests.engine.mothers import SEED
from tests.engine.preload import Meta
from tests.engine.visits import FORM_ID, OFFSETS, Visit

DRAFT = "incomplete"
FORM_NAME = "Kunjungan ibu nifas"
FIELD_LISTS = ("visit", "mother", "obstetric", "infant", "milk/signs")
"""Groups shown on one screen, which the audit log names as one."""

SCHEMA = (
    "CREATE TABLE android_metadata (locale TEXT)",
    "INSERT INTO android_metadata VALUES ('in_ID')",
    "CREATE TABLE IF NOT EXISTS instances (_id integer primary key autoincrement, displayName text not null, "
    "submissionUri text, canEditWhenComplete text, canDeleteBeforeSend text, instanceFilePath text not null, "
    "jrFormId text not null, jrVersion text, status text not null, date date not null, finalizationDate date, "
    "deletedDate date, geometry text, geometryType text, "
    "editOf integer REFERENCES instances(_id) CHECK (editOf != _id),"
    "editNumber integer CHECK ((editOf IS NULL AND editNumber IS NULL) OR + "
    "(editOf IS NOT NULL AND + editNumber IS NOT NULL)))",
    "PRAGMA user_version = 10",
)


@dataclass(frozen=True, slots=True)
class Instance:
    """One folder below ``instances/``."""

    folder: str
    files: Mapping[str, bytes]
    """By name; the submission is called as its folder."""
    status: str
    changed_at: datetime
    version: str = ""
    form_id: str = FORM_ID
    edit_of: str | None = None
    """Folder of the instance that this one was edited from."""


def folder_name(start: datetime, form_name: str = FORM_NAME) -> str:
    """Name an instance as Collect does."""
    return f"{form_name}_{start:%Y-%m-%d_%H-%M-%S}"


def make(form: Form, visit: Visit, *, clock: datetime | None = None) -> Instance:
    """Fill the form as the visit says, and put it into its folder with the audit log that Collect writes.

    Parameters
    ----------
    form
        The form in the visit's version.
    clock
        What the phone's clock shows at the start, where it is wrong.
    """
    start = clock or visit.start
    end = start + timedelta(minutes=visit.minutes)
    filled = form.fill(visit.answers, meta=_meta(visit, visit.first.start if visit.replaces else start, end))
    if filled.refusals and visit.status != DRAFT:
        raise AssertionError(f"{visit.mother.study_code}: the phone would refuse {filled.refusals}")
    # The engine's machine has one time zone, the phones have three: the clock stays, the offset changes.
    xml = filled.xml.replace(b"+08:00", OFFSETS[visit.phone].encode())
    xml = xml.replace(b"<audit />", b"<audit>audit.csv</audit>")
    if visit.replaces:
        replaced = visit.replaces.instance_id
        xml = xml.replace(b"</meta>", f"<deprecatedID>{replaced}</deprecatedID></meta>".encode())
    name = folder_name(start)
    return Instance(
        folder=name,
        files={f"{name}.xml": xml, "audit.csv": audit_log(visit, filled, start)},
        status=visit.status,
        changed_at=_moment(visit, start + timedelta(minutes=visit.minutes + 1)),
        version=visit.version,
        edit_of=folder_name(visit.first.start) if visit.replaces else None,
    )


def audit_log(visit: Visit, filled: Filled, start: datetime) -> bytes:
    """Write Collect's log of an interview: which screen, from when to when, in milliseconds since 1970."""
    if visit.replaces:
        before = audit_log(visit.replaces, filled, visit.replaces.start)
        changed = [path for path in filled.shown if visit.answers.get(path) != visit.replaces.answers.get(path)]
        # An edit opens with the list of questions: each one is found there, and jumped to.
        jumped = [screen for found in _screens(changed) for screen in (("jump", ""), found)]
        return before + _session(visit, start, "form resume", jumped)
    return b"event,node,start,end\n" + _session(visit, start, "form start", _screens(filled.shown))


def _screens(paths: Sequence[str]) -> list[tuple[str, str]]:
    screens: dict[tuple[str, str], None] = {}
    for path in paths:
        group = next((group for group in FIELD_LISTS if path.startswith(f"{group}/")), None)
        screens["group questions" if group else "question", f"/data/{group or path}"] = None
    return list(screens)


def _session(visit: Visit, start: datetime, opening: str, screens: Sequence[tuple[str, str]]) -> bytes:
    random = Random(f"{SEED}/audit/{visit.instance_id}")
    weights = [random.uniform(0.5, 2) for _ in screens]
    now = int(_moment(visit, start).timestamp() * 1000)
    whole = visit.minutes * 60_000
    lines = [f"{opening},,{now},"]
    for (event, node), weight in zip(screens, weights, strict=True):
        then = now + int(whole * weight / sum(weights))
        lines.append(f"{event},{node},{now},{then}")
        now = then
    lines += [f"end screen,,{now},{now + 900}", f"form save,,{now + 900},", f"form exit,,{now + 950},"]
    if visit.status != DRAFT:
        lines.append(f"form finalize,,{now + 950},")
    return ("\n".join(lines) + "\n").encode()


def instances_db(instances: Sequence[Instance]) -> bytes:
    """Make the list that Collect keeps of its instances."""
    ids = {instance.folder: number for number, instance in enumerate(instances, start=1)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instances.db"
        with closing(sqlite3.connect(path)) as con:
            for statement in SCHEMA:
                con.execute(statement)
            con.executemany(f"INSERT INTO instances VALUES ({', '.join('?' * 16)})", _rows(instances, ids))
            con.commit()
        return path.read_bytes()


def _rows(instances: Sequence[Instance], ids: Mapping[str, int]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    edits: dict[str, int] = {}
    for instance in instances:
        changed = int(instance.changed_at.timestamp() * 1000)
        source = ids.get(instance.edit_of or "")
        if instance.edit_of:
            edits[instance.edit_of] = edits.get(instance.edit_of, 0) + 1
        rows.append(
            (
                ids[instance.folder],
                FORM_NAME,
                None,
                "true",
                "true",
                f"{instance.folder}/{instance.folder}.xml",
                instance.form_id,
                instance.version or None,
                instance.status,
                changed,
                None if instance.status == DRAFT else changed,
                None,
                None,
                None,
                source,
                edits[instance.edit_of] if instance.edit_of and source else None,
            )
        )
    return rows


def _meta(visit: Visit, start: datetime, end: datetime) -> Meta:
    return Meta(
        start=f"{start:%Y-%m-%dT%H:%M:%S}.000+08:00",
        end=f"{end:%Y-%m-%dT%H:%M:%S}.000+08:00",
        today=f"{start:%Y-%m-%d}",
        instance_id=visit.instance_id,
        device_id=f"collect:contoh{visit.phone:010d}",
    )


def _moment(visit: Visit, local: datetime) -> datetime:
    return datetime.fromisoformat(f"{local:%Y-%m-%dT%H:%M:%S}{OFFSETS[visit.phone]}")
