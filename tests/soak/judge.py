"""The judge: what the server has, asked plainly, against what the warehouse has, read with SQL of its own.

Nothing of the code under test is used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb

from tests.central import Acts
from tests.soak.world import FORMS, LIST

KIND = re.compile(rb"<kind>(.*?)</kind>")
CENTRAL = "starts_with(source, 'central:')"


def on_the_server(acts: Acts) -> dict[str, Any]:
    """Read everything that a mirror must have."""
    seen: dict[str, Any] = {"live": {}, "deleted": set(), "answers": {}}
    for form in FORMS:
        place = acts.place("forms", form, "submissions")
        for row in acts.do("GET", place):
            submission_id, current = row["instanceId"], row["currentVersion"]["instanceId"]
            there = acts.place("forms", form, "submissions", submission_id)
            payloads = {
                version["instanceId"]: acts.do(
                    "GET",
                    f"{acts.place('forms', form, 'submissions', submission_id, 'versions', version['instanceId'])}.xml",
                )
                for version in acts.do("GET", f"{there}/versions")
            }
            files = {
                file["name"]: acts.do(
                    "GET", acts.place("forms", form, "submissions", submission_id, "attachments", file["name"])
                )
                for file in acts.do("GET", f"{there}/attachments")
                if file["exists"]
            }
            seen["live"][form, submission_id] = (
                current,
                row["reviewState"],
                {name: _hash(content) for name, content in payloads.items()},
                {name: _hash(content) for name, content in files.items()},
            )
            kind = KIND.search(payloads[current])
            assert kind is not None
            seen["answers"][form, submission_id] = (current, kind[1].decode())
        seen["deleted"] |= {(form, row["instanceId"]) for row in acts.do("GET", place, params={"deleted": "true"})}
    seen["entities"] = {
        item["__id"]: (item["__system"]["version"], item["label"], item["roof"], item["rooms"])
        for item in acts.do("GET", f"{acts.place('datasets', LIST)}.svc/Entities")["value"]
    }
    return seen


def in_the_warehouse(data: Path, sent_again: Collection[str]) -> dict[str, Any]:
    """Read the same from the warehouse; what was sent again under an old instanceID may have landed twice."""
    with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        states = con.execute(
            f"""
            select
                form_id, submission_id, instance_id, review_state, submitted_at, deleted_at is not null, is_purged
            from raw.submission_states where {CENTRAL}
            qualify row_number() over (partition by form_id, submission_id order by landed_at desc) = 1
            """
        ).fetchall()
        payloads = con.execute(
            f"select instance_id, payload from raw.submissions where {CENTRAL} order by landed_at"
        ).fetchall()
        of_phones = {
            instance_id
            for (instance_id,) in con.execute(
                "select instance_id from raw.submissions group by all having bool_and(source = 'phones')"
            ).fetchall()
        }
        versions = con.execute(
            f"select distinct submission_id, instance_id, created_at from raw.submission_versions where {CENTRAL}"
        ).fetchall()
        files = con.execute(
            f"""
            select instance_id, name, sha256 from raw.attachments where {CENTRAL}
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
        answers: dict[tuple[str, str], tuple[str, str]] = {}
        for form in FORMS:
            found = con.execute(
                f"""
                select submissions.submission_id, submissions.instance_id, answers.kind
                from staging.submissions left join staging.{form} as answers
                    on submissions.submission_id = answers._submission_id
                where submissions.form_id = ? and submissions.state = 'staged'
                """,
                [form],
            ).fetchall()
            answers |= {(form, submission_id): (instance_id, kind) for submission_id, instance_id, kind in found}
    assert len(payloads) == len(set(payloads)), "a payload landed twice"
    names = [instance_id for instance_id, _ in payloads]
    assert {name for name in names if names.count(name) > 1} <= set(sent_again), "a version landed twice"
    # Of two payloads under one instanceID the newest counts: the older one was purged.
    hashes = {instance_id: _hash(payload) for instance_id, payload in payloads}
    rows = {}
    for form, submission_id, instance_id, review_state, submitted_at, is_deleted, is_purged in states:
        if is_deleted or is_purged:
            continue
        kept = {name: sha256 for owner, name, sha256 in files if owner == instance_id and sha256}
        for sha256 in kept.values():
            assert _hash((data / "attachments" / sha256[:2] / sha256).read_bytes()) == sha256, "a file is not its hash"
        own = {
            version: hashes.get(version)
            for owner, version, created_at in versions
            # Versions from before are of a submission that was purged, and sent again under the same id.
            if owner == submission_id and created_at >= submitted_at
        }
        rows[form, submission_id] = (instance_id, review_state, own, kept)
    return {
        "live": rows,
        "deleted": {(row[0], row[1]) for row in states if row[5] and not row[6]},
        "known": {(row[0], row[1]) for row in states},
        "of_phones": of_phones,
        "answers": answers,
        "entities": {row[0]: row[1:5] for row in entities if not row[5]},
    }


def differences(server: dict[str, Any], warehouse: dict[str, Any]) -> list[str]:
    """Say where the two differ; nothing where they are equal."""
    found = []
    # What was purged before a mirror saw it left no trace there; a phone may still have it: all of it, or the edit of
    # one that was sent again since. Nothing says that it was ever sent.
    unsent = warehouse["of_phones"] - {name for row in server["live"].values() for name in row[2]}
    passed_over = {
        key
        for key, (instance_id, _) in warehouse["answers"].items()
        if instance_id in unsent and (key in server["live"] or key not in server["deleted"] | warehouse["known"])
    }
    for kind in ("live", "answers", "entities"):
        for key in sorted(server[kind].keys() | warehouse[kind].keys()):
            here, there = warehouse[kind].get(key), server[kind].get(key)
            if here != there and not (kind == "answers" and key in passed_over):
                found.append(f"{kind} {key}: server {there}, warehouse {here}")
    # What was deleted before anyone saw it may be unknown here; what is deleted here must be so there.
    if extra := warehouse["deleted"] - server["deleted"]:
        found.append(f"deleted here, purged or live there: {sorted(extra)}")
    return found


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
