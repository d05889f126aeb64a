"""What is asked of Prefect's server, over its HTTP interface on this machine."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from laktasi.service.deciding import ACTIVE, Attempt
from laktasi.service.place import address_of

POOL = "laktasi"
"""The work pool that prefect.yaml names."""
PLANNED = "by timetable"
"""Tag of the runs that the supervisor plans."""
MISSED = "This time was missed, since the machine was off or busy. What is due is made up for by one run."
COLLIDED = "Deployment concurrency limit reached."
"""What Prefect says where it cancels a run because another one of the deployment is at work."""
PAGE = 200
"""As many runs as Prefect gives at once."""
TIMEOUT_SECONDS = 15


class NoAnswerError(Exception):
    """Prefect's server did not answer, or not with what was asked for."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as Prefect has it."""

    deployment_id: str
    is_paused: bool
    """A person switched it, or all its times, off on Prefect's page; or it has no times."""


class Server:
    """Prefect's server at a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._headers = {"Content-Type": "application/json", "Prefect-Csrf-Client": str(uuid4())}

    def is_healthy(self) -> bool:
        """Say whether it answers."""
        try:
            return self._ask("GET", "health", timeout=5) is True
        except NoAnswerError:
            return False

    def deployments(self) -> dict[str, Deployed]:
        """Give the deployments by name."""
        return {
            row["name"]: Deployed(row["id"], row["paused"] or not any(one["active"] for one in row["schedules"]))
            for row in self._ask("POST", "deployments/filter", {"limit": PAGE})
        }

    def make_pool(self) -> None:
        """Make the work pool where there is none; the worker fills in what it needs."""
        if not self._ask("POST", "work_pools/filter", {"work_pools": {"name": {"any_": [POOL]}}}):
            self._ask("POST", "work_pools/", {"name": POOL, "type": "process"})

    def delete(self, deployment_id: str) -> None:
        """Delete a deployment; its runs stay."""
        self._ask("DELETE", f"deployments/{deployment_id}")

    def runs(self, states: Collection[str], deployment_id: str | None = None) -> list[Attempt]:
        """Give the runs that are in one of some types of state, the newest first, a thousand at most."""
        asked: dict[str, Any] = {
            "flow_runs": {"state": {"type": {"any_": list(states)}}},
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": PAGE,
        }
        if deployment_id is not None:
            asked["deployments"] = {"id": {"any_": [deployment_id]}}
        found: list[Attempt] = []
        for page in range(5):
            rows = self._ask("POST", "flow_runs/filter", asked | {"offset": page * PAGE})
            found += map(_attempt, rows)
            if len(rows) < PAGE:
                break
        return found

    def latest_runs(self, deployment_id: str, count: int = 20) -> list[Attempt]:
        """Give the latest runs of a deployment that were to start by now, whatever their state."""
        asked = {
            "deployments": {"id": {"any_": [deployment_id]}},
            "flow_runs": {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}},
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": count,
        }
        return list(map(_attempt, self._ask("POST", "flow_runs/filter", asked)))

    def plan(self, deployment_id: str, due: datetime, *, name: str, tag: str) -> None:
        """Plan a run of a deployment, which starts when it is due; one that is planned already stays the only one."""
        asked = {
            "name": name,
            "tags": [tag],
            "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}},
            "idempotency_key": f"{name} {due.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        }
        self._ask("POST", f"deployments/{deployment_id}/create_flow_run", asked)

    def drop(self, run_id: str) -> None:
        """Take away a run that never began."""
        self._ask("DELETE", f"flow_runs/{run_id}")

    def end(self, run_id: str, state: str, message: str) -> None:
        """Give a run, and what it left unfinished, an end; the slot that it held is free again."""
        asked = {"state": {"type": state, "message": message}, "force": True}
        self._ask("POST", f"flow_runs/{run_id}/set_state", asked)
        tasks = {
            "flow_runs": {"id": {"any_": [run_id]}},
            "task_runs": {"state": {"type": {"any_": list(ACTIVE)}}},
            "limit": PAGE,
        }
        for task in self._ask("POST", "task_runs/filter", tasks):
            self._ask("POST", f"task_runs/{task['id']}/set_state", asked)

    def free_slots(self, deployment_id: str) -> bool:
        """Free the slots of a deployment of which no run is at work; say whether any was held.

        A slot can outlive its run: the machine went off between one being written down and the other.
        """
        name = f"v2/concurrency_limits/deployment:{deployment_id}"
        with suppress(NoAnswerError):  # a deployment without a limit
            if self._ask("GET", name)["active_slots"] > 0 and not self.runs(ACTIVE, deployment_id):
                self._ask("PATCH", name, {"active_slots": 0})
                return True
        return False

    def heard_of_worker_at(self) -> datetime | None:
        """Give when a worker was last heard of."""
        workers = self._ask("POST", f"work_pools/{POOL}/workers/filter", {})
        times = [_moment(worker["last_heartbeat_time"]) for worker in workers if worker["last_heartbeat_time"]]
        return max(times, default=None)

    def _ask(
        self, method: str, path: str, asked: Mapping[str, Any] | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> Any:
        try:
            try:
                return self._open(method, path, asked, timeout)
            except HTTPError as error:
                if error.code != HTTPStatus.FORBIDDEN:
                    raise
                # The proof that no page of another site asks: given to who can read the answer, for an hour.
                proof = self._open("GET", f"csrf-token?client={self._headers['Prefect-Csrf-Client']}", None, timeout)
                self._headers["Prefect-Csrf-Token"] = proof["token"]
                return self._open(method, path, asked, timeout)
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise NoAnswerError(f"{method} {path}: {error}") from None

    def _open(self, method: str, path: str, asked: Mapping[str, Any] | None, timeout: float) -> Any:
        request = Request(  # noqa: S310 - an address of this machine
            f"{address_of(self.port)}/api/{path}",
            method=method,
            data=None if asked is None else json.dumps(asked).encode(),
            headers=self._headers,
        )
        with _OPENER.open(request, timeout=timeout) as answer:
            text = answer.read()
        return json.loads(text) if text else None


_OPENER = build_opener(ProxyHandler({}))
"""The user's proxy is for other machines."""


def _attempt(row: Mapping[str, Any]) -> Attempt:
    state = row["state"] or {}
    due = _moment(row["expected_start_time"] or row["created"])
    return Attempt(
        row["id"],
        row["state_type"] or "PENDING",
        due,
        _moment(state["timestamp"]) if "timestamp" in state else due,
        row["deployment_id"],
        tuple(row["tags"]),
        is_planned=row["auto_scheduled"] or PLANNED in row["tags"],
        is_stopped=row["state_type"] == "CANCELLED" and (state.get("message") or "") not in (MISSED, COLLIDED),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
