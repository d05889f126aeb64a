"""What Prefect is given to do: the next run of each deployment, what was missed, and an end for what was killed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from laktasi.service import deciding, processes
from laktasi.service.deciding import Attempt
from laktasi.service.log import Log
from laktasi.service.place import Place
from laktasi.service.server import MISSED, PLANNED, Deployed, Server
from laktasi.service.signs import last_whole_run
from laktasi.service.timetable import CAUGHT_UP, DAILY, Deployment

KILLED = (
    "The process that did this run is gone: it was killed, or the machine went off. What had been taken in stays, and"
    " the next run goes on from there."
)


class Plan:
    """The plan of one data folder, kept in Prefect."""

    def __init__(self, api: Server, place: Place, timetable: Sequence[Deployment], log: Log) -> None:
        self.api = api
        self.place = place
        self.timetable = timetable
        self.log = log
        self._settled: dict[str, datetime] = {}
        """Of each deployment, the time by the timetable after which there is nothing to catch up."""

    def missing(self) -> list[str]:
        """Take away the deployments that are no longer declared; name those that Prefect lacks."""
        there = self.api.deployments()
        for name in there.keys() - {item.name for item in self.timetable}:
            self.api.delete(there[name].deployment_id)
            self.log.say(f"{name} is no longer in prefect.yaml: it is taken from Prefect")
        self._settled = {}
        return [item.name for item in self.timetable if item.name not in there]

    def coming(self) -> list[str]:
        """Say when each deployment runs next, the soonest first."""
        now = datetime.now(UTC)
        coming = [(due, item.name) for item in self.timetable if (due := item.next_due(now))]
        return [f"{name} {due:%Y-%m-%d %H:%M} ({due.tzinfo})" for due, name in sorted(coming)]

    def tidy(self, *, at_start: bool) -> dict[str, Deployed]:
        """Close what was killed and plan what comes next; give the deployments.

        Parameters
        ----------
        at_start
            No worker is at work: what was planned earlier is dropped, whether its time went by or not.
        """
        now = datetime.now(UTC)
        there = self.api.deployments()
        names = {item.deployment_id: name for name, item in there.items()}
        runs = self.api.runs(("SCHEDULED", *deciding.ACTIVE))
        living = processes.worked_on(self.place)
        living |= {run.run_id for run in runs if processes.is_worked_on_by_hand(run.tags)}
        killed = deciding.killed(now, runs, living, at_start=at_start)
        for run in killed:
            self.api.end(run.run_id, "CRASHED", KILLED)
            self.log.say(f"a run was killed ({names.get(run.deployment_id or '', 'by hand')}): it is closed")
        if at_start:
            self._drop_planned(now, runs)
        else:
            self._plan(now, there, runs)
        if at_start or killed:
            for name, item in there.items():
                if self.api.free_slots(item.deployment_id):
                    self.log.note(f"freed the slot of {name}")
        return there

    def _drop_planned(self, now: datetime, runs: list[Attempt]) -> None:
        if late := deciding.late(now, runs):
            for run in late:
                self.api.end(run.run_id, "CANCELLED", MISSED)
            self.log.say(f"{len(late)} runs were missed: they are dropped, and what is due is made up for once")
        for run in deciding.out_of_plan(now, None, runs):
            self.api.drop(run.run_id)

    def _plan(self, now: datetime, there: Mapping[str, Deployed], runs: list[Attempt]) -> None:
        """See that exactly the next run of each deployment is planned."""
        for item in self.timetable:
            deployed = there.get(item.name)
            due = item.next_due(now)
            if deployed is None or due is None:
                continue
            own = [run for run in runs if run.deployment_id == deployed.deployment_id]
            for run in deciding.out_of_plan(now, None if deployed.is_paused else due, own):
                self.api.drop(run.run_id)
            if not deployed.is_paused and not any(run.is_planned and run.due_at == due for run in own):
                self.api.plan(deployed.deployment_id, due, name=f"{item.name} {due:%Y-%m-%d %H:%M}", tag=PLANNED)

    def catch_up(self, there: Mapping[str, Deployed], substitutes: Sequence[Attempt]) -> None:
        """Start what was missed: one run, and one after another in the order of the file.

        Parameters
        ----------
        substitutes
            The daily runs that were done without Prefect.
        """
        now = datetime.now(UTC)
        for item in self.timetable:
            due = item.last_due(now)
            if not item.is_caught_up or due is None or self._settled.get(item.name) == due:
                continue
            deployed = there.get(item.name)
            if deployed is None or deployed.is_paused:
                continue
            attempts, done_at = self.api.latest_runs(deployed.deployment_id), None
            if item.name == DAILY:
                attempts += substitutes
                done_at = last_whole_run(self.place.data, due)
            stands = deciding.standing(now, due, attempts, done_at)
            if stands == "settled":
                self._settled[item.name] = due
                continue
            if stands == "due":
                self.api.plan(deployed.deployment_id, now, name=f"{item.name}, caught up", tag=CAUGHT_UP)
                self.log.say(f"{item.name} was due on {due:%Y-%m-%d %H:%M} and is not done: it starts now")
            return
