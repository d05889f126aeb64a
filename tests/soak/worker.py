"""A process of its own that pulls, so that a pull can be killed: each is a fork, and this process has one thread.

One line of JSON in, one line of JSON out.
"""

from __future__ import annotations

import json
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from tests.integration.kill_driver import count_points, in_fork


def pull(order: dict[str, Any]) -> int:
    """Walk the outside part of the way; what came of it is written to the file that the order names."""
    from pydantic import SecretStr

    from laktasi import pipeline
    from laktasi.errors import LaktasiError
    from laktasi.odk import connection
    from laktasi.settings import CentralSettings, read_settings

    # Kills are counted in this thread only, where everything is written: so a seed is killed at the same point again.
    threading.setprofile(None)
    if order["impatient"]:
        for name, value in (("TIMEOUT", (1, 0.5)), ("PAUSES", (0, 0))):
            setattr(connection, name, value)
    central = CentralSettings(
        url=order["url"],
        project=order["number"],
        forms=tuple(order["forms"]),
        email=order["email"],
        password=SecretStr(order["password"]),
    )
    folders = {"data": Path(order["data"]), "phones": [Path(phone) for phone in order["phones"]]}
    settings = read_settings(Path(order["project"]), central={"central": central}, **folders)
    steps = [pipeline.PHONES, pipeline.CENTRAL, pipeline.RECONCILE, pipeline.CLOSE]
    if order["stand"]:
        steps[3:3] = [pipeline.READ, pipeline.STAND]
    try:
        done = pipeline.walk(settings, steps, door="import")
        told: dict[str, Any] = {"unreached": done.unreached, "error": None}
    except LaktasiError as error:
        told = {"unreached": {}, "error": str(error)}
    Path(order["told"]).write_text(json.dumps(told), encoding="utf-8")
    return 0


def pull_and_forget(order: dict[str, Any]) -> None:
    """Pull, and give nothing."""
    pull(order)


def main() -> None:
    # Imported before the forks, so that each costs milliseconds.
    import defusedxml.ElementTree  # noqa: F401
    import pyarrow  # noqa: F401
    import pyodk.client  # noqa: F401

    import laktasi.mirror
    import laktasi.store.raw
    import laktasi.store.staging  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        Path(order["told"]).unlink(missing_ok=True)
        work = partial(pull, order)
        if order["kill_at"]:
            work = partial(count_points, partial(pull_and_forget, order), order["kill_at"])
        ended_by, _ = in_fork(work)
        told = Path(order["told"])
        answer = json.loads(told.read_text(encoding="utf-8")) if told.exists() else {"killed": ended_by}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
