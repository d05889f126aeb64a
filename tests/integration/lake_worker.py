"""A worker in a process of its own, for PROJECT DATA PHONE STEPS: says when it is ready, and starts when it is told."""

from __future__ import annotations

import sys
from pathlib import Path

from laktasi import pipeline
from laktasi.settings import read_settings
from laktasi.store import raw, runs
from laktasi.workplace import alone, opened


def wait(_run: pipeline.Run, _progress: pipeline.Progress) -> pipeline.Counts:
    """Wait for the others, beside whom the next step lands."""
    print("landing", flush=True)
    sys.stdin.readline()
    return {}


MEETING = (pipeline.FORMS, pipeline.Step("wait", wait, lands=True), pipeline.PHONES, pipeline.CLOSE)


def main(project: str, data: str, phone: str, steps: str) -> None:
    """Walk a part of the way as a worker does."""
    settings = read_settings(Path(project), data=Path(data), phones=[Path(phone)])
    print("ready", flush=True)
    sys.stdin.readline()
    if steps == "BEGIN":
        with alone(settings.data_folder, 600) as hold, opened(settings.data_folder) as con:
            runs.begin(con, "prefect", hold=hold)
            hold.give()
            print("begun", flush=True)
            sys.stdin.readline()
        return
    raw.BATCH = 5  # many turns, so that workers meet
    run = pipeline.walk(
        settings, MEETING if steps == "MEETING" else getattr(pipeline, steps), door="prefect", patience_seconds=600
    )
    print("done", run.told.get("phones", {}).get("new"), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
