"""A process of its own: kills a run where it gives files their names, again and again, and looks at what people see.

Points are those of `kill_driver`, but of renames, removals and of waiting for the disk alone. Prints one JSON object.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from laktasi import pipeline
from laktasi.settings import Settings, read_settings
from laktasi.store.warehouse import newest_research
from tests import mini
from tests.history import checking_nothing
from tests.integration import kill_driver
from tests.integration.kill_driver import count_points, in_fork

MANY = 6
"""Points of writing the report that are tried."""


def walk(settings: Settings, steps: Sequence[pipeline.Step], kill_at: int | None = None) -> int:
    """Walk some steps, killed at a point of the last one."""
    killing: list[int] = []

    def call(step: pipeline.Step, run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
        told: list[pipeline.Counts] = []

        def work() -> None:
            told.append(pipeline.directly(step, run, progress))

        if step is steps[-1]:
            killing.append(count_points(work, kill_at))
        else:
            work()
        return told[0]

    pipeline.walk(settings, steps, door="cli", call=call)
    return killing[0]


def looked_at(data: Path) -> dict[str, Any]:
    """Give what a person finds: how many records the research copy has, and whether every page is whole."""
    with duckdb.connect(str(newest_research(data / "research.duckdb")), read_only=True) as con:
        (found,) = con.execute("select count(*) from staging.tea").fetchall()
    pages = sorted((data / "report").rglob("*.html"))
    torn = [page.name for page in pages if not page.read_text(encoding="utf-8").rstrip().endswith("</html>")]
    return {"records": int(found[0]), "pages": len([page for page in pages if page.name[0] != "."]), "torn": torn}


def main(root: Path) -> None:
    """Publish once, let a record come in, and kill what publishes it."""
    kill_driver.TRACES = {"rename", "replace", "unlink", "fsync", "sync"}
    phone = mini.fill_phone(root / "phone", 6)
    project = mini.make_project(root / "project")

    def settings_in(data: Path) -> Settings:
        return read_settings(project, data=data, phones=(phone,))

    published = root / "published"
    with checking_nothing():
        pipeline.walk(settings_in(published), pipeline.WAY, door="cli")
        mini.put(phone, "new", mini.xml(mini.person(7), "uuid:new"))
        pipeline.walk(settings_in(published), pipeline.SOURCES, door="import")
        told: dict[str, Any] = {"before": looked_at(published), "publish": [], "report": []}
        for steps in (pipeline.ANALYSING[:-1], pipeline.ANALYSING):
            name = steps[-1].name
            whole = root / f"{name}-whole"
            shutil.copytree(published, whole)
            _, total = in_fork(partial(walk, settings_in(whole), steps))
            for point in range(1, total + 1, max(1, total // MANY)):
                data = root / f"{name}-{point}"
                shutil.copytree(published, data)
                ended_by, _ = in_fork(partial(walk, settings_in(data), steps, point))
                if ended_by != signal.SIGKILL:
                    raise SystemExit(f"point {point} of {total} of {name} was not reached")
                told[name].append(looked_at(data))
                in_fork(partial(walk, settings_in(data), pipeline.ANALYSING))
                told[name].append(looked_at(data) | {"is_mended": True})
                shutil.rmtree(data)
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
