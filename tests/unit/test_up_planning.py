"""The plan that `laktasi up` keeps in Prefect, against a stand-in for its server; and how the server is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from laktasi.paths import DataFolder
from laktasi.service.deciding import Attempt
from laktasi.service.log import Log
from laktasi.service.place import Place
from laktasi.service.planning import Plan
from laktasi.service.server import COLLIDED, MISSED, PLANNED, Deployed, NoAnswerError, Server
from laktasi.service.timetable import Deployment

UTC_ZONE = ZoneInfo("UTC")
LONG_AGO = datetime.now(UTC) - timedelta(days=9)


class StandIn(Server):
    """What Prefect would hold, in memory."""

    def __init__(self, *names: str) -> None:
        super().__init__(1)
        self.there = {name: Deployed(f"id-{name}", False) for name in names}
        self.held: dict[str, Attempt] = {}
        self.slots: set[str] = set()
        self.ended: dict[str, tuple[str, str]] = {}

    def put(self, name: str, state: str, due_at: datetime, **given: bool) -> str:
        run_id = f"run-{len(self.held)}"
        self.held[run_id] = Attempt(
            run_id,
            state,
            due_at,
            due_at,
            f"id-{name}",
            (),
            given.get("is_planned", False),
            given.get("is_stopped", False),
        )
        return run_id

    def deployments(self) -> dict[str, Deployed]:
        return dict(self.there)

    def runs(self, states: Collection[str], deployment_id: str | None = None) -> list[Attempt]:
        return [run for run in self.held.values() if run.state in states and deployment_id in (None, run.deployment_id)]

    def latest_runs(self, deployment_id: str, count: int = 20) -> list[Attempt]:
        now = datetime.now(UTC)
        return [run for run in self.held.values() if run.deployment_id == deployment_id and run.due_at <= now][:count]

    def plan(self, deployment_id: str, due: datetime, *, name: str, tag: str) -> None:
        self.put(deployment_id.removeprefix("id-"), "SCHEDULED", due, is_planned=tag == PLANNED)

    def drop(self, run_id: str) -> None:
        del self.held[run_id]

    def end(self, run_id: str, state: str, message: str) -> None:
        self.ended[run_id] = (state, message)
        was = self.held[run_id]
        self.held[run_id] = Attempt(run_id, state, was.due_at, datetime.now(UTC), was.deployment_id)

    def free_slots(self, deployment_id: str) -> bool:
        was_held = deployment_id in self.slots
        self.slots.discard(deployment_id)
        return was_held

    def delete(self, deployment_id: str) -> None:
        del self.there[deployment_id.removeprefix("id-")]

    def waiting(self, name: str) -> list[Attempt]:
        return self.runs(("SCHEDULED",), f"id-{name}")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(DataFolder(tmp_path / "data"))
    place.make()
    return place


def plan_of(place: Place, api: Server, *names: str, caught_up: bool = True) -> Plan:
    times = (("0 5 * * *", UTC_ZONE),)
    return Plan(api, place, [Deployment(name, times, caught_up) for name in names], Log(place.log, lambda _: None))


def test_the_next_run_of_each_is_planned_once(place: Place) -> None:
    api = StandIn("daily", "backup")
    plan = plan_of(place, api, "daily", "backup")
    for _ in range(3):
        plan.tidy(at_start=False)
    for item in plan.timetable:
        assert [run.due_at for run in api.waiting(item.name)] == [item.next_due(datetime.now(UTC))]


def test_what_is_switched_off_on_the_page_stays_off(place: Place) -> None:
    api = StandIn("daily")
    plan = plan_of(place, api, "daily")
    plan.tidy(at_start=False)
    api.there["daily"] = Deployed("id-daily", True)
    plan.catch_up(plan.tidy(at_start=False), [])
    assert api.waiting("daily") == []


def test_after_a_week_one_run_starts(place: Place) -> None:
    api = StandIn("daily")
    plan = plan_of(place, api, "daily")
    missed = [api.put("daily", "SCHEDULED", LONG_AGO + timedelta(days=day), is_planned=True) for day in range(7)]
    plan.tidy(at_start=True)
    assert api.ended == dict.fromkeys(missed, ("CANCELLED", MISSED))
    for _ in range(3):
        plan.catch_up(plan.tidy(at_start=False), [])
    now = datetime.now(UTC)
    assert len([run for run in api.waiting("daily") if run.due_at <= now]) == 1


def test_one_is_made_up_for_after_another(place: Place) -> None:
    api = StandIn("daily", "feedback")
    plan = plan_of(place, api, "daily", "feedback")
    there = plan.tidy(at_start=True)
    started = []
    for _ in range(6):
        plan.catch_up(there, [])
        for run in api.runs(("SCHEDULED",)):
            started.append(run.deployment_id)
            api.end(run.run_id, "COMPLETED", "")
    assert started == ["id-daily", "id-feedback"]


def test_a_daily_run_that_was_done_without_prefect_is_not_done_again(place: Place) -> None:
    api = StandIn("daily")
    plan = plan_of(place, api, "daily")
    now = datetime.now(UTC)
    plan.catch_up(api.deployments(), [Attempt("without", "FAILED", now, now)])
    assert api.waiting("daily") == []


def test_what_is_not_tagged_is_not_made_up_for(place: Place) -> None:
    api = StandIn("hourly")
    plan_of(place, api, "hourly", caught_up=False).catch_up(api.deployments(), [])
    assert api.waiting("hourly") == []


def test_a_killed_run_is_closed_and_its_slot_is_free(place: Place) -> None:
    api = StandIn("daily")
    plan = plan_of(place, api, "daily")
    lost = api.put("daily", "RUNNING", LONG_AGO)
    fresh = api.put("daily", "PENDING", datetime.now(UTC))
    api.slots = {"id-daily"}
    plan.tidy(at_start=False)
    assert set(api.ended) == {lost}
    assert api.ended[lost][0] == "CRASHED"
    assert api.slots == set()
    plan.tidy(at_start=True)
    assert set(api.ended) == {lost, fresh}


def test_a_changed_timetable_takes_the_place_of_the_old_one(place: Place) -> None:
    api = StandIn("daily", "gone")
    of_the_old_one = api.put(
        "daily", "SCHEDULED", datetime.now(UTC) + timedelta(minutes=90, seconds=7), is_planned=True
    )
    by_a_person = api.put("daily", "SCHEDULED", datetime.now(UTC) + timedelta(hours=2))
    plan = plan_of(place, api, "daily", "new")
    assert plan.missing() == ["new"]
    assert set(api.there) == {"daily"}
    plan.tidy(at_start=True)
    assert of_the_old_one not in api.held
    assert by_a_person in api.held


class Answering(BaseHTTPRequestHandler):
    """A server that wants its proof, and answers what it was told to."""

    asked: list[tuple[str, str, object]]
    proof = "first"
    answer: object = []

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path = self.path.removeprefix("/api/")
        Answering.asked.append((self.command, path, body))
        if path.startswith("csrf-token"):
            self._send(200, {"token": Answering.proof})
        elif self.command != "GET" and self.headers.get("Prefect-Csrf-Token") != Answering.proof:
            self._send(403, {"detail": "no"})
        else:
            self._send(200, Answering.answer)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names are http.server's

    def _send(self, code: int, content: object) -> None:
        text = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    Answering.asked, Answering.proof, Answering.answer = [], "first", []
    there = HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=there.serve_forever, daemon=True).start()
    yield Server(there.server_port)
    there.shutdown()
    there.server_close()


def row(**given: object) -> dict[str, object]:
    made: dict[str, object] = {
        "id": "r",
        "state_type": "SCHEDULED",
        "expected_start_time": "2026-11-22T05:00:00Z",
        "created": "2026-11-20T00:00:00Z",
        "state": {"timestamp": "2026-11-21T00:00:00Z", "message": None},
        "deployment_id": "d",
        "tags": [],
        "auto_scheduled": False,
    }
    return made | given


def test_a_proof_is_fetched_once_and_again_when_it_is_void(server: Server) -> None:
    server.drop("a")
    server.drop("b")
    assert [path.partition("?")[0] for _, path, _ in Answering.asked].count("csrf-token") == 1
    Answering.proof = "second"
    server.drop("c")
    assert Answering.asked[-1][:2] == ("DELETE", "flow_runs/c")


def test_a_run_is_read_as_it_stands(server: Server) -> None:
    cancelled = {"timestamp": "2026-11-22T06:00:00Z"}
    Answering.answer = [
        row(tags=[PLANNED]),
        row(auto_scheduled=True),
        row(state_type="CANCELLED", state=cancelled | {"message": COLLIDED}),
        row(state_type="CANCELLED", state=cancelled | {"message": MISSED}),
        row(state_type="CANCELLED", state=cancelled | {"message": "not today"}),
    ]
    runs = server.latest_runs("d")
    assert [run.is_planned for run in runs] == [True, True, False, False, False]
    assert [run.is_stopped for run in runs] == [False, False, False, False, True]
    assert runs[0].due_at == datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert runs[0].since == datetime(2026, 11, 21, tzinfo=UTC)


def test_what_is_no_answer_is_told_as_none(server: Server) -> None:
    Answering.answer = b"<html>"
    assert not server.is_healthy()
    with pytest.raises(NoAnswerError):
        server.deployments()
    Answering.answer = True
    assert server.is_healthy()
    assert not Server(9).is_healthy()


def test_a_deployment_without_times_counts_as_switched_off(server: Server) -> None:
    Answering.answer = [
        {"name": "on", "id": "1", "paused": False, "schedules": [{"active": False}, {"active": True}]},
        {"name": "off", "id": "2", "paused": True, "schedules": [{"active": True}]},
        {"name": "times off", "id": "3", "paused": False, "schedules": [{"active": False}]},
        {"name": "by hand", "id": "4", "paused": False, "schedules": []},
    ]
    assert [name for name, item in server.deployments().items() if not item.is_paused] == ["on"]
