"""`laktasi up` from its beginning to its end: alone in its data folder, and ended by a signal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from laktasi.errors import LaktasiError, WarehouseError
from laktasi.service import processes
from laktasi.service.log import Log
from laktasi.service.place import Place, check_secrets
from laktasi.service.supervisor import Supervisor
from laktasi.settings import Settings

PATIENCE_SECONDS = 3
"""How long to wait for one who only looks whether a supervisor is there."""


def watch(settings: Settings, *, phones: tuple[Path, ...] | None, port: int, show: Callable[[str], None]) -> None:
    """Supervise until a signal says to stop.

    Parameters
    ----------
    phones
        In place of those of the settings file; None where that one is to be read at each run.
    show
        Called with each line that the person who started it is to see.

    Raises
    ------
    LaktasiError
        Another supervisor works in this data folder, or it cannot be used, or prefect.yaml cannot be read;
        or a secret stands in the environment alone.
    """
    from filelock import FileLock, Timeout

    settings.data_folder.check_own()
    check_secrets(settings)
    place = Place(settings.data_folder)
    try:
        place.make()
        lock = FileLock(place.lock)
        lock.acquire(timeout=PATIENCE_SECONDS)
    except Timeout:
        raise _taken(place) from None
    except OSError as error:
        raise WarehouseError(
            f"the data folder {settings.data_folder.root} cannot be used ({error.strerror})",
            next_step="check that it is yours and that the disk has room; --data FOLDER names another",
        ) from error
    try:
        log = Log(place.log, show)
        log.say(f"laktasi up: {settings.project}, data in {settings.data_folder.root}; the log is {place.log}")
        supervisor = Supervisor(settings, phones=phones, port=port, log=log, notify=_notifier(settings))
        _stop_on_signals(supervisor.stopping)
        supervisor.run()
    finally:
        lock.release()


def _taken(place: Place) -> LaktasiError:
    """Say who is at work; what is written down may be of one that was killed, while the other one is just starting."""
    what = f"laktasi up is at work in {place.data.root} already"
    state = place.read_state()
    if not processes.is_alive(state.get("pid", 0), state.get("born", 0.0)):
        return LaktasiError(what, next_step="laktasi service status says how it is; or stop that one first")
    return LaktasiError(
        f"{what} (process {state['pid']})", next_step=f"look at {state['address']}, or stop that one first"
    )


def _stop_on_signals(stopping: threading.Event) -> None:
    names = ["SIGINT", "SIGTERM", "SIGBREAK" if sys.platform == "win32" else "SIGHUP"]
    for name in names:
        signal.signal(getattr(signal, name), lambda _number, _frame: stopping.set())


def _notifier(settings: Settings) -> Callable[[LaktasiError], None]:
    """Give what tells people of trouble; beside the loop, since a mail server may take its time."""
    from laktasi.notifying import notify_after

    def notify(error: LaktasiError) -> None:
        def tell() -> None:
            notify_after(settings, None, error, door="prefect")

        threading.Thread(target=tell, daemon=True).start()

    return notify
