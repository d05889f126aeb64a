"""The warehouse: can it be opened, is it up to date, who holds it, and what its latest runs say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.doctor.finding import Finding, of_error, ok, warning, wrong
from laktasi.doctor.patient import Patient
from laktasi.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb

    from laktasi.paths import DataFolder

SILENT_DAYS = 3
"""Days without a run that ended well before it is said."""
AHEAD = timedelta(minutes=5)
LOOKED_AT = 10
"""Latest runs among which killed ones are counted."""
KILLED_OFTEN = 2


def look_at_warehouse(patient: Patient) -> Iterator[Finding]:
    """Open the warehouse as a run would, without bringing it up to date; a run at work is left alone."""
    folder = patient.folder
    if not folder.has_begun:
        yield ok("warehouse", "there is none yet: the first run makes it")
        return
    with _held(folder.lock) as is_idle, _held(folder.turn) as is_ours:
        if not is_idle:
            yield ok("lock", f"a run is working now{_of(holders(folder.lock))}; the warehouse was not looked into")
        elif not is_ours:
            yield ok("lock", f"a backup is being made{_of(holders(folder.turn))}; the warehouse was not looked into")
        else:
            yield from _left_over(folder)
            yield from _opened(patient)


def look_at_research(patient: Patient) -> Iterator[Finding]:
    """Open what people read. That somebody else has it open does not matter: a newer one takes its place."""
    from laktasi.store.warehouse import newest_research, open_research

    path = newest_research(patient.folder.research)
    if not path.exists():
        return
    try:
        with open_research(patient.folder.research) as con:
            con.execute("select count(*) from meta.runs").fetchone()
    except WarehouseError as error:
        yield of_error("research copy", error)
        return
    readers = holders(path)
    yield ok("research copy", f"{path.name} can be read" + (f"; open{_of(readers)}" if readers else ""))


def holders(path: Path) -> dict[int, str]:
    """Give who has a file open on this machine: name of the program by process id. Linux tells; elsewhere nothing."""
    found: dict[int, str] = {}
    if not sys.platform.startswith("linux") or not path.exists():
        return found
    wanted = path.stat()
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            for descriptor in (process / "fd").iterdir():
                held = descriptor.stat()
                if (held.st_dev, held.st_ino) == (wanted.st_dev, wanted.st_ino):
                    found[int(process.name)] = (process / "comm").read_text(encoding="utf-8").strip()
        except OSError:  # another user's, or gone meanwhile
            continue
    return found


def _left_over(folder: DataFolder) -> Iterator[Finding]:
    """Say that a run was killed where its temporary files are still there."""
    if folder.scratch.exists() and any(folder.scratch.iterdir()):
        yield warning(
            "scratch",
            "a run that was killed left temporary files",
            "nothing to do: the next run sweeps them (laktasi run)",
        )


def _opened(patient: Patient) -> Iterator[Finding]:
    from laktasi.store.migrating import lacking
    from laktasi.store.warehouse import WAREHOUSE, attach, session

    folder = patient.folder
    try:
        with session(folder) as con:
            attach(con, folder)
            con.execute(f"use {WAREHOUSE}")
            missing = lacking(con, folder.warehouse.name)
            encrypted = "encrypted, and the key is the right one" if folder.key is not None else "not encrypted"
            if missing:
                yield warning(
                    "warehouse",
                    f"{encrypted}; an earlier laktasi wrote it, and {len(missing)} migrations are to come",
                    "laktasi run brings it up to date; take a backup before: laktasi backup",
                )
                return
            yield ok("warehouse", f"can be opened; {encrypted}; all migrations are known")
            yield from _runs(con, patient.now, is_shared=folder.lake is not None)
            yield from _gate(con)
            yield from _files(con, folder)
    except WarehouseError as error:
        if "in use" in error.what:
            who = holders(folder.warehouse)
            told = f"held{_of(who)}" if who else "on Windows and macOS the system's task manager says by which"
            yield wrong("warehouse", f"{error.what}: {told}", "close it there: nobody but runs may open this file")
        else:
            yield of_error("warehouse", error)


def _runs(con: duckdb.DuckDBPyConnection, now: datetime, *, is_shared: bool) -> Iterator[Finding]:
    """Tell how the latest runs ended.

    Nobody here holds the lock, so one that stands as running was killed; unless other machines share the warehouse.
    """
    found = con.execute(
        """
        select started_at, if(status = 'running' and not ?, 'interrupted', status), json_keys(manifest -> '$.unreached')
        from meta.runs order by run_id desc limit ?
        """,
        [is_shared, LOOKED_AT],
    ).fetchall()
    if not found:
        return
    started_at, status, unreached = found[0]
    when = f"{started_at.astimezone():%Y-%m-%d %H:%M}"
    newest = max(started for started, *_ in found)
    if newest > now + AHEAD:
        yield wrong(
            "clock",
            f"a run began at {newest.astimezone():%Y-%m-%d %H:%M}, which is still to come: the clock was set back",
            "set it by the network's time, then: laktasi run",
        )
    killed = sum(state == "interrupted" for _, state, _ in found)
    if status == "failed":
        yield wrong(
            "runs", f"the latest run ({when}) ended with an error", "run it again and read what it says: laktasi run"
        )
    elif status == "interrupted":
        yield warning("runs", f"the latest run ({when}) was killed", "the next one finishes its work: laktasi run")
    elif newest < now - timedelta(days=SILENT_DAYS):
        days = (now - newest).days
        yield warning(
            "runs", f"the latest run was {days} days ago", "laktasi run; every day by itself: laktasi service install"
        )
    elif unreached:
        yield warning(
            "runs",
            f"the latest run ({when}) did not reach {', '.join(unreached)}",
            "connect to the network; laktasi run",
        )
    else:
        how = "works on another machine" if status == "running" else "ended well"
        yield ok("runs", f"the latest {how} ({when})")
    if killed >= KILLED_OFTEN:
        yield warning(
            "runs",
            f"{killed} of the latest {len(found)} were killed",
            "look for what ends them: sleep or shutdown of this machine, too little memory (4 GiB are wanted)",
        )


def _gate(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Say since when a gate has been closed."""
    row = con.execute(
        """
        select count(*), min(first_seen_at), list_sort(list_distinct(list(rule_id)))
        from quality.findings where is_open and stops
        """
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    count, since, rules = row
    if count:
        yield wrong(
            "gate",
            f"closed since {since.astimezone():%Y-%m-%d}: nothing is published while {count} findings are open"
            f" ({', '.join(rules)})",
            "laktasi findings --stops lists them; mend them, or accept them: laktasi findings accept",
        )
    else:
        yield ok("gate", "open: no finding stops the publication")


def _files(con: duckdb.DuckDBPyConnection, folder: DataFolder) -> Iterator[Finding]:
    """Say where somebody took files away that had landed."""
    from laktasi.store.kept_files import missing_attachments

    if count := missing_attachments(con, folder):
        yield wrong(
            "attachments",
            f"{count} files of submissions are gone from {folder.attachments.name}/",
            "put back a backup of the data folder (laktasi restore); or import the phones' folders again, which brings"
            " back what they still have: laktasi import FOLDER",
        )


@contextmanager
def _held(lock: Path) -> Iterator[bool]:
    """Hold a lock while looking, and say whether it was to be had. Only one that is there: nothing is made here."""
    from filelock import FileLock, Timeout

    with ExitStack() as stack:
        is_free = True
        try:
            if lock.exists():
                stack.enter_context(FileLock(lock, timeout=0))
        except Timeout:
            is_free = False
        yield is_free


def _of(pids: dict[int, str]) -> str:
    return "".join(f" by process {pid} ({program})" for pid, program in sorted(pids.items())[:3])
