"""The loop of `laktasi up`: Prefect's server and worker kept alive, and the day's work done whatever befalls them."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from laktasi.errors import LaktasiError, SettingsError
from laktasi.paths import HOUSE
from laktasi.service import database, deciding, processes, timetable
from laktasi.service.deciding import Attempt
from laktasi.service.log import Log
from laktasi.service.place import LAKTASI, PREFECT, Place, address_of, environment
from laktasi.service.planning import Plan
from laktasi.service.server import POOL, NoAnswerError, Server
from laktasi.service.signs import is_held, is_taken, last_whole_run
from laktasi.settings import Settings

LOOK_SECONDS = 15
"""How often Prefect is asked for what is to be tidied and caught up."""
START_SECONDS = 240
"""How long Prefect's server may take to answer for the first time: slow laptops need more than a minute."""
STEADY_SECONDS = 60
"""How long a child works before its earlier ends are forgotten."""
SILENT_LOOKS = 8
"""Looks without an answer of the server, or a sign of the worker, after which it is taken for hung."""
PATIENCE_SECONDS = 300
"""How long Prefect may be of no use before the day's work is done without it."""
TRIES = 3
"""Starts without an answer after which Prefect's database is made anew."""
BUSY = (5,)
"""Exit codes after which the run without Prefect is tried again: the warehouse was not to be had."""
OTHER_PORT = "close that program, or choose another port: laktasi up --port 4201, or [up] port in laktasi.toml"

Notify = Callable[[LaktasiError], None]


class Supervisor:
    """Keeps everything running for one data folder, until it is told to stop."""

    def __init__(
        self, settings: Settings, *, phones: tuple[Path, ...] | None, port: int, log: Log, notify: Notify
    ) -> None:
        self.settings = settings
        self.phones = phones
        self.port = port
        self.log = log
        self.notify = notify
        self.place = Place(settings.data_folder)
        self.prefect_log = Log(self.place.prefect_log, log.show)
        self.refused: SettingsError | None = None
        """What is wrong with the project's prefect.yaml: then the times of the shipped one hold, without Prefect."""
        try:
            self.timetable = timetable.read_timetable(settings)
        except SettingsError as error:
            self.refused = error
            self.timetable = timetable.read_timetable(settings, timetable.SHIPPED)
        self.api = Server(port)
        self.plan = Plan(self.api, self.place, self.timetable, log)
        given = environment(self.place, port)
        self.environment = given
        self.server = self._child("Prefect's server", (*PREFECT, "server", "start"), log=self.prefect_log)
        worker = (*PREFECT, "worker", "start", "--pool", POOL, "--type", "process", "--name", "this machine")
        self.worker = self._child("the worker", (*worker, "--install-policy", "never"))
        run = (*LAKTASI, "run", "--no-prefect", "--unattended", "--project", str(settings.project))
        self.substitute = self._child("the run without Prefect", (*run, "--data", str(settings.data_folder.root)))
        self.stopping = threading.Event()
        self.is_healthy = False
        self.is_deployed = False
        """Whether the deployments were given to this database."""
        self.trouble = ""
        """Why Prefect cannot be used; empty while it can, or is just being started."""
        self._useful_at = time.monotonic()
        self._next_look = 0.0
        self._unanswered = 0
        self._unheard = 0
        self._without_answer = 0
        self._was_made_anew = False
        self._substitutes = _substitutes(self.place.read_state())

    # What is called from outside.

    def run(self) -> None:
        """Work until :attr:`stopping` is set, then end every child."""
        self._write_state()  # who looks from outside must not read of an earlier supervisor
        ended = processes.end(processes.served(self.place))
        ended += processes.end(processes.left_servers(self.place.data.prefect))
        if ended:
            self.log.say(f"{ended} processes were left of an earlier start, which was killed: they were ended")
        try:
            while not self.stopping.is_set():
                try:
                    self.tick()
                except LaktasiError as error:  # prefect.yaml was changed since the start, and has a slip now
                    self._set_trouble(error.what, error.next_step)
                except OSError as error:  # a full disk, or one that was taken away
                    self._set_trouble(
                        f"the data folder cannot be written ({error.strerror})", "see that its disk has room"
                    )
                self.stopping.wait(1)
        finally:
            self.stop()

    def tick(self) -> None:
        """Look after everything once."""
        if self.refused:
            self._set_trouble(self.refused.what, f"{self.refused.next_step}; then start laktasi up again")
        else:
            self._keep_server()
            self._keep_worker()
        if self.is_healthy and self.is_deployed and self.worker.is_alive:
            self._be_useful()
        self._keep_substitute()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._look()
            self.log.turn()
            self.prefect_log.turn()
            self._write_state()

    def stop(self) -> None:
        """End all children, the worker first; nothing is left as running."""
        self.log.say("stopping")
        self.worker.end()
        self.substitute.end()
        keep = self.server.process.pid if self.server.process else None
        processes.end(process for process in processes.served(self.place) if process.pid != keep)
        if self.is_healthy and self.server.is_alive:
            try:
                self.plan.tidy(at_start=True)
            except NoAnswerError as error:
                self.log.note(f"not tidied at the end: {error}")
        self.server.end()
        processes.end(processes.served(self.place))
        self._write_state()
        self.log.say("stopped")

    # Prefect's server and its worker.

    def _keep_server(self) -> None:
        if self.server.is_alive:
            if not self.is_healthy:
                self._await_server()
            return
        was_healthy, self.is_healthy = self.is_healthy, False
        if (code := self.server.has_ended()) is not None:
            self.log.say(f"Prefect's server ended ({_told(code)}); it is started again")
            self._without_answer += not was_healthy
        if time.monotonic() < self.server.not_before:
            return
        if is_taken(self.port):
            self._set_trouble(f"port {self.port} of this machine is taken by another program", OTHER_PORT)
            self.server.not_before = time.monotonic() + STEADY_SECONDS
            return
        self._mend_database()
        self.server.start()

    def _mend_database(self) -> None:
        home = self.place.data.prefect
        if database.is_torn(home):
            why = "Prefect's database was torn"
        elif self._without_answer >= TRIES and not self._was_made_anew:
            self._was_made_anew, why = True, f"Prefect's server did not start {TRIES} times"
        else:
            return
        try:
            aside = database.move_aside(home)
        except OSError as error:
            self._set_trouble(f"{why}, and its database cannot be moved ({error.strerror})", "close what has it open")
            return
        self.is_deployed = False
        self.worker.end()
        self.log.say(
            f"{why}: its database was moved to {aside.name}, and a new one is made. The study's data are whole"
        )

    def _await_server(self) -> None:
        if self.api.is_healthy():
            self.is_healthy = True
            self._unanswered = self._without_answer = 0
            self._next_look = 0.0
        elif time.monotonic() - self.server.started > START_SECONDS:
            self.log.say(f"Prefect's server gave no answer for {START_SECONDS} s; it is started again")
            self.server.end()
            self._without_answer += 1

    def _keep_worker(self) -> None:
        if self.worker.is_alive or not (self.is_healthy and self.is_deployed):
            return
        if (code := self.worker.has_ended()) is not None:
            self.log.say(f"the worker ended ({_told(code)}); it is started again")
        if time.monotonic() >= self.worker.not_before:
            self._unheard = 0
            self.worker.start()

    def _be_useful(self) -> None:
        now = time.monotonic()
        self._useful_at = now
        if self.trouble:
            self.trouble = ""
            self.log.say("Prefect is back")
        for child in (self.server, self.worker):
            if now - child.started > STEADY_SECONDS:
                child.failures = 0

    # What Prefect is told and asked.

    def _look(self) -> None:
        if not (self.is_healthy and self.server.is_alive):
            return
        try:
            if not self.is_deployed:
                self.plan.tidy(at_start=True)
                self._deploy()
            elif not self.worker.is_alive:
                return
            else:
                there = self.plan.tidy(at_start=False)
                self._hear_of_worker()
                if not self.substitute.is_alive:
                    self.plan.catch_up(there, self._substitutes)
            self._unanswered = 0
        except NoAnswerError as error:
            self._unanswered += 1
            self.log.note(f"Prefect's server: {error}")
            if self._unanswered >= SILENT_LOOKS:
                self.log.say("Prefect's server answers no more; it is started again")
                self.server.end()
                self._unanswered = 0

    def _deploy(self) -> None:
        import yaml

        declared = timetable.made_for(self.settings, self.phones)
        self.place.deployments.write_text(yaml.safe_dump(declared, allow_unicode=True, sort_keys=False), "utf-8")
        self.api.make_pool()
        command = (*PREFECT, "--no-prompt", "deploy", "--all", "--prefect-file", str(self.place.deployments))
        deploying = self._child("the deployments", command, folder=HOUSE, log=self.prefect_log)
        deploying.start()
        until = time.monotonic() + START_SECONDS
        while deploying.is_alive and time.monotonic() < until and not self.stopping.is_set():
            self.stopping.wait(0.2)
        deploying.end()
        if missing := self.plan.missing():
            what = f"Prefect did not take {', '.join(missing)} of prefect.yaml"
            self._set_trouble(what, f"see {self.prefect_log.path}")
            self._next_look = time.monotonic() + STEADY_SECONDS
            return
        self.is_deployed = True
        self.log.say(f"Prefect's page: {address_of(self.port)} (this machine only)")
        for line in self.plan.coming():
            self.log.say(f"  next: {line}")

    def _hear_of_worker(self) -> None:
        """End a worker that lives and does nothing. After a laptop's sleep it is given time to wake up."""
        heard = self.api.heard_of_worker_at()
        is_silent = heard is None or datetime.now(UTC) - heard > timedelta(minutes=2)
        self._unheard = self._unheard + 1 if is_silent else 0
        if self._unheard >= SILENT_LOOKS:
            self.log.say("the worker gives no sign of life; it is started again")
            self.worker.end()
            self._unheard = 0

    # The day's work without Prefect.

    def _keep_substitute(self) -> None:
        if (code := self.substitute.has_ended()) is not None:
            state = "COMPLETED" if code == 0 else "CRASHED" if code < 0 or code in BUSY else "FAILED"
            now = datetime.now(UTC)
            self._substitutes.append(Attempt("without Prefect", state, now, now))
            self.log.say(f"the daily run without Prefect has ended ({'well' if code == 0 else _told(code)})")
            self._write_state()
        if self.substitute.is_alive or (time.monotonic() - self._useful_at < PATIENCE_SECONDS and not self.trouble):
            return
        if not self.trouble:
            logs = f"see the end of {self.prefect_log.path}, and of {self.log.path.name} beside it"
            self._set_trouble("Prefect could not be brought up", logs)
        now = datetime.now(UTC)
        daily = next((item for item in self.timetable if item.name == timetable.DAILY), None)
        due = daily.last_due(now) if daily else None
        done_at = last_whole_run(self.place.data, due) if due else None
        if deciding.standing(now, due, self._substitutes, done_at) != "due":
            return
        if not processes.worked_on(self.place) and not is_held(self.place.data.lock):
            self.log.say("the daily run starts without Prefect")
            self.substitute.start()

    def _set_trouble(self, what: str, next_step: str) -> None:
        if self.trouble == what:
            return
        self.trouble = what
        error = LaktasiError(
            what, why="Until that is mended the daily run happens without Prefect.", next_step=next_step
        )
        self.log.say(f"Error: {error}")
        self.notify(error)
        self._write_state()

    # Small things.

    def _child(
        self, name: str, command: tuple[str, ...], *, folder: Path | None = None, log: Log | None = None
    ) -> processes.Child:
        given = dict(self.environment)
        if self.phones is not None:
            given["LAKTASI_PHONES"] = json.dumps([str(folder) for folder in self.phones])
        return processes.Child(name, command, given, folder or self.place.root, log or self.log)

    def _write_state(self) -> None:
        with suppress(OSError):  # what matters is said in the log, too
            self.place.write_state(self._state())

    def _state(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "born": processes.born(),
            "address": address_of(self.port),
            "is_useful": bool(self.is_healthy and self.is_deployed and self.worker.is_alive),
            "trouble": self.trouble,
            "next": self.plan.coming(),
            "written_at": datetime.now(UTC).isoformat(),
            "without_prefect": [{"state": run.state, "at": run.since.isoformat()} for run in self._substitutes[-20:]],
        }


def _substitutes(state: Mapping[str, Any]) -> list[Attempt]:
    """Give the runs without Prefect that an earlier supervisor wrote down."""
    found = []
    for run in state.get("without_prefect", ()):
        at = datetime.fromisoformat(run["at"])
        found.append(Attempt("without Prefect", run["state"], at, at))
    return found


def _told(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
