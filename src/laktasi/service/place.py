"""Where `laktasi up` keeps its own things, and the environment in which its children work."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.durable import write_whole
from laktasi.errors import SettingsError
from laktasi.paths import HOUSE, DataFolder
from laktasi.settings.private_file import private_environment, read_private_environment

if TYPE_CHECKING:
    from laktasi.settings import Settings

HOST = "127.0.0.1"
"""Prefect's server has no login of its own, so it is never offered to other machines."""
MARK = "SERVED_BY_LAKTASI"
"""Variable that every child of `laktasi up` has, and its children in turn: it holds the data folder."""
NOBODY = "http://nobody.invalid"
"""An origin that no page has: the name is reserved, so that it never means anything."""
NOTHING_KNOWN: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """The private folder of `laktasi up` in a data folder."""

    data: DataFolder

    @property
    def root(self) -> Path:
        """The folder."""
        return self.data.root / "up"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of the data folder."""
        return self.root / "up.lock"

    @property
    def log(self) -> Path:
        """What the supervisor, the worker and the runs say; older parts end in ``.1``, ``.2`` …."""
        return self.root / "laktasi.log"

    @property
    def prefect_log(self) -> Path:
        """What Prefect's server says, at length: apart, so that nobody has to look for a run's failure in it."""
        return self.root / "prefect.log"

    @property
    def state(self) -> Path:
        """What the supervisor knows, for `laktasi status` and for the next one."""
        return self.root / "state.json"

    @property
    def deployments(self) -> Path:
        """prefect.yaml as it was last given to Prefect: for this project, data folder and time zone."""
        return self.root / "prefect.yaml"

    def make(self) -> None:
        """Make the folder, private to its owner, and Prefect's home beside it."""
        self.data.make()
        for folder in (self.root, self.data.prefect):
            folder.mkdir(mode=0o700, exist_ok=True)
            with suppress(OSError):  # a disk without rights, such as a memory stick
                folder.chmod(0o700)

    def read_state(self) -> Mapping[str, Any]:
        """Give what the supervisor wrote down; nothing where it never did, or the file is torn."""
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return NOTHING_KNOWN
        return state if isinstance(state, dict) else NOTHING_KNOWN

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write down what the supervisor knows, whole or not at all, whatever befalls the machine."""
        write_whole(self.state, json.dumps(state, indent=1))


def is_up(place: Place) -> bool:
    """Say whether a supervisor holds the data folder."""
    from filelock import FileLock, Timeout

    if not place.lock.exists():
        return False
    try:
        with FileLock(place.lock, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def at_work(place: Place) -> str | None:
    """Give the address of the interface of Prefect's server that a supervisor keeps; None where none is in use."""
    state = place.read_state()
    return f"{state['address']}/api" if state.get("is_useful") and is_up(place) else None


def address_of(port: int) -> str:
    """Give the address of Prefect's page."""
    return f"http://{HOST}:{port}"


def quiet(home: Path) -> dict[str, str]:
    """Give what makes Prefect work offline, without telling anybody, without asking anything, and for nobody else.

    Parameters
    ----------
    home
        Prefect's home: the data folder's own.
    """
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        # Any page of another site in a browser of this machine could speak to a server otherwise, if only for a while.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": NOBODY,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
    }


SECRET = re.compile(r"LAKTASI_(KEY|NOTIFY__TO|CENTRAL__(\w+__)?PASSWORD)", re.IGNORECASE)
"""Settings that must not lie on a disk where laktasi did not put them."""


def check_secrets(settings: Settings, given: Mapping[str, str] = os.environ) -> None:
    """Refuse secrets that only the environment has.

    Raises
    ------
    SettingsError
        There is one. Prefect writes the environment of each run into a temporary file, and a run that is killed leaves
        it there: the children get no secret, and find them where settings are read from.
    """
    private = read_private_environment(settings.project)
    for name, value in sorted(given.items()):
        is_in_file = name.upper() == "LAKTASI_KEY" and settings.key_file is not None
        if SECRET.fullmatch(name) and not is_in_file and private.get(name.upper()) != value:
            raise SettingsError(
                f"{name} stands in the environment alone",
                why="Prefect writes the environment of a run into a temporary file, where a killed run leaves it.",
                next_step=f"write it into {private_environment(settings.project)} (mode 600)"
                + (", or name a file with key_file in laktasi.toml" if name.upper() == "LAKTASI_KEY" else "")
                + f"; unset {name}; then: laktasi up",
            )


def environment(place: Place, port: int, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give the environment of the supervisor's children.

    What the user's own environment says about Prefect is left out: it may name another server. Secrets are, too: see
    :func:`check_secrets`.
    """
    kept = {
        name: value
        for name, value in given.items()
        if not name.upper().startswith("PREFECT_") and not SECRET.fullmatch(name)
    }
    here = f"{HOST},localhost"
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = f"{kept[name]},{here}" if kept.get(name) else here
    return (
        kept
        | quiet(place.data.prefect)
        | {
            MARK: mark_of(place),
            "LAKTASI_CHECKOUT": str(HOUSE),
            "PREFECT_API_URL": f"{address_of(port)}/api",
            "PREFECT_SERVER_API_HOST": HOST,
            "PREFECT_SERVER_API_PORT": str(port),
            # Its own page.
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"{address_of(port)},http://localhost:{port}",
            # A server that dies must not forget who holds which slot: the run that goes on would be ended.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            # The supervisor plans the runs: Prefect's own scheduler fails with SQLAlchemy 2.1, and would make up for
            # each day that was missed.
            "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_LOGGING_COLORS": "false",
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
        }
    )


def mark_of(place: Place) -> str:
    """Give what the variable :data:`MARK` holds."""
    return str(place.data.root.resolve())


PYTHON = sys.executable
PREFECT = (PYTHON, "-m", "prefect")
LAKTASI = (PYTHON, "-c", "from laktasi.cli import main; main(prog_name='laktasi')")
"""How children are started: never by a name that the search path may find elsewhere."""
