"""What runs by itself: `laktasi up`, Prefect's server, and what either left behind when it was killed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import pathname2url

from laktasi.doctor.finding import Finding, ok, warning, wrong
from laktasi.doctor.patient import Patient

if TYPE_CHECKING:
    from laktasi.service.place import Place

SILENT = timedelta(minutes=10)
"""`laktasi up` writes down what it knows every few seconds; after this long it hangs."""
AT_WORK = ("RUNNING", "PENDING", "CANCELLING")
"""States in which a flow run has a process, if it has one."""


def look_at_service(patient: Patient) -> Iterator[Finding]:
    """Say whether anything runs the study every day, and whether it is well."""
    from laktasi.service.place import Place, is_up

    if patient.settings is None:
        return
    place = Place(patient.folder)
    if is_up(place):
        yield from _at_work(place, patient)
    else:
        yield from _at_rest(place, patient)


def look_at_prefect(patient: Patient) -> Iterator[Finding]:
    """Look at Prefect's database, and at the server that the environment names."""
    from laktasi.service.database import is_torn
    from laktasi.service.place import Place, is_up

    home = patient.folder.prefect
    if is_torn(home):
        yield warning(
            "prefect",
            "Prefect's own database is torn; nothing of the study is in it",
            "laktasi up moves it aside and makes a new one",
        )
    elif not is_up(Place(patient.folder)) and not _is_held(patient.folder.lock) and (stale := _stale(home)):
        yield warning(
            "prefect",
            f"{stale} runs stand as running on Prefect's page, and nothing runs: they were killed",
            "laktasi up closes them; it does no harm to leave them",
        )
    if address := os.environ.get("PREFECT_API_URL"):
        yield _server_named(address)


def _at_work(place: Place, patient: Patient) -> Iterator[Finding]:
    state = place.read_state()
    seen = _moment(state.get("written_at"))
    if trouble := state.get("trouble"):
        yield warning(
            "service",
            f"laktasi up is at work without Prefect: {trouble}; the daily run happens all the same",
            f"see the end of {place.log}",
        )
    elif seen is not None and patient.now - seen > SILENT:
        yield wrong(
            "service",
            f"laktasi up (process {state.get('pid', 'unknown')}) has not moved since {_when(seen)}",
            f"end it and start it again; see the end of {place.log}",
        )
    elif not state.get("is_useful"):
        logs = f"see the end of {place.log}, and of {place.prefect_log.name} beside it"
        yield warning("service", "laktasi up is starting, or Prefect does not answer it", logs)
    else:
        yield ok("service", f"laktasi up is at work; its page is {state.get('address')}")


def _at_rest(place: Place, patient: Patient) -> Iterator[Finding]:
    from laktasi.service.installing import text_of
    from laktasi.service.processes import left_servers, served
    from laktasi.service.signs import is_taken

    assert patient.settings is not None
    left = {process.pid for process in (*served(place), *left_servers(patient.folder.prefect))}
    if left:
        yield wrong(
            "service",
            f"processes of a laktasi up that was killed are still there: {', '.join(map(str, sorted(left)))}",
            "laktasi up ends them when it starts; or end them in the task manager",
        )
        return
    seen = _moment(place.read_state().get("written_at"))
    unit, _ = text_of("laktasi", [""], patient.project)
    if unit.exists():
        yield wrong("service", f"it is installed ({unit}), and laktasi up is not at work", "laktasi service status")
    elif seen is not None:
        yield warning(
            "service",
            f"laktasi up has not been at work since {_when(seen)}",
            "laktasi up; or for good, over restarts: laktasi service install",
        )
    else:
        yield ok(
            "service", "nothing runs by itself here; laktasi up, or laktasi service install, would do it every day"
        )
    if is_taken(patient.settings.up.port):
        yield warning(
            "port",
            f"another program has the port {patient.settings.up.port}, which laktasi up wants for Prefect's page",
            "end that program, or choose another port: [up] port in laktasi.toml",
        )


def _is_held(lock: Path) -> bool:
    from laktasi.service.signs import is_held

    return lock.exists() and is_held(lock)


def _stale(home: Path) -> int:
    """Count the runs that stand as running; nothing of them is read."""
    from laktasi.service.database import NAME

    database = home / NAME
    if not database.exists():
        return 0
    marks = ", ".join("?" * len(AT_WORK))
    try:
        with closing(sqlite3.connect(f"file:{pathname2url(str(database))}?mode=ro", uri=True, timeout=2)) as con:
            (count,) = con.execute(f"select count(*) from flow_run where state_type in ({marks})", AT_WORK).fetchone()
            return int(count)
    except sqlite3.Error:  # busy, or of another Prefect
        return 0


def _server_named(address: str) -> Finding:
    """See that the server answers which the environment names; its address may hold a password."""
    from urllib.request import urlopen

    try:
        urlopen(f"{address.rstrip('/')}/health", timeout=10).close()  # noqa: S310 - the address is the user's own
    except (OSError, ValueError):
        return wrong(
            "prefect",
            "the Prefect server that PREFECT_API_URL names does not answer",
            "unset PREFECT_API_URL; or start that server; laktasi run --no-prefect does without",
        )
    return ok("prefect", "the server that PREFECT_API_URL names answers")


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
