"""The judge: what the server has, asked plainly, against what the warehouse has, read with SQL of its own.

Nothing of the code under test is used.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb

from tests.central import Acts
from tests.soak.world import FORM, LIST


def on_the_server(acts: Acts) -> dict[str, Any]:
    """Read everything that a mirror must have."""
    place = acts.place("forms", FORM, "submissions")
    rows = {}
    for row in acts.do("GET", place):
        submission_id = row["instanceId"]
        there = acts.place("forms", FORM, "submissions", submission_id)
        versions = acts.do("GET", f"{there}/versions")
        payloads = {
            version["instanceId"]: acts.do(
                "GET",
                f"{acts.place('forms', FORM, 'submissions', submission_id, 'versions', version['instanceId'])}.xml",
            )
            for version in versions
        }
        files = {
            file["name"]: acts.do(
                "GET", acts.place("forms", FORM, "submissions", submission_id, "attachments", file["name"])
            )
            for file in acts.do("GET", f"{there}/attachments")
            if file["exists"]
        }
        rows[submission_id] = (
            row["currentVersion"]["instanceId"],
            row["reviewState"],
            {name: _hash(content) for name, content in payloads.items()},
            {name: _hash(content) for name, content in files.items()},
        )
    deleted = {row["instanceId"] for row in acts.do("GET", place, params={"deleted": "true"})}
    entities = {}
    for item in acts.do("GET", f"{acts.place('datasets', LIST)}.svc/Entities")["value"]:
        entities[item["__id"]] = (item["__system"]["version"], item["label"], item["roof"], item["rooms"])
    return {"live": rows, "deleted": deleted, "entities": entities}


def in_the_warehouse(data: Path) -> dict[str, Any]:
    """Read the same from the warehouse."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        states = con.execute(
            """
            select submission_id, instance_id, review_state, deleted_at is not null, is_purged
            from raw.submission_states
            qualify row_number() over (partition by submission_id order by landed_at desc) = 1
            """
        ).fetchall()
        payloads = con.execute("select instance_id, payload from raw.submissions").fetchall()
        versions = con.execute("select submission_id, instance_id from raw.submission_versions").fetchall()
        files = con.execute(
            """
            select instance_id, name, sha256 from raw.attachments
            qualify row_number() over (partition by instance_id, name order by landed_at desc) = 1
            """
        ).fetchall()
        entities = con.execute(
            """
            select
                entity_id, version, label, properties['roof'], properties['rooms'],
                deleted_at is not null or is_purged
            from raw.entities qualify row_number() over (partition by entity_id order by landed_at desc) = 1
            """
        ).fetchall()
        staged = con.execute("select submission_id from staging.submissions where state = 'staged'").fetchall()
    assert len(payloads) == len({instance_id for instance_id, _ in payloads}), "a version landed twice"
    hashes = {instance_id: _hash(payload) for instance_id, payload in payloads}
    rows = {}
    for submission_id, instance_id, review_state, is_deleted, is_purged in states:
        if is_deleted or is_purged:
            continue
        kept = {name: sha256 for owner, name, sha256 in files if owner == instance_id and sha256}
        for sha256 in kept.values():
            assert _hash((data / "attachments" / sha256[:2] / sha256).read_bytes()) == sha256, "a file is not its hash"
        own = {version: hashes[version] for owner, version in versions if owner == submission_id}
        rows[submission_id] = (instance_id, review_state, own, kept)
    return {
        "live": rows,
        "deleted": {row[0] for row in states if row[3] and not row[4]},
        "entities": {row[0]: row[1:5] for row in entities if not row[5]},
        "staged": {submission_id for (submission_id,) in staged},
    }


def differences(server: dict[str, Any], warehouse: dict[str, Any]) -> list[str]:
    """Say where the two differ; nothing where they are equal."""
    found = []
    for kind in ("live", "entities"):
        for key in sorted(server[kind].keys() | warehouse[kind].keys()):
            here, there = warehouse[kind].get(key), server[kind].get(key)
            if here != there:
                found.append(f"{kind} {key}: server {there}, warehouse {here}")
    # What was deleted before anyone saw it may be unknown here; what is deleted here must be so there.
    if extra := warehouse["deleted"] - server["deleted"]:
        found.append(f"deleted here, purged or live there: {sorted(extra)}")
    if warehouse["staged"] != set(server["live"]):
        found.append(f"staged: {sorted(warehouse['staged'] ^ set(server['live']))}")
    return found


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
