"""What a first pull and a small delta cost against a real Central, beside plain requests of the same.

Needs an account that may make projects, in LAKTASI_TEST_CENTRAL_URL, …_EMAIL and …_PASSWORD. Run ``python -m
benchmarks.central --rows 5000``. Times depend on both machines: read the ratios.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.paths import HOUSE

if TYPE_CHECKING:
    from laktasi.settings import Settings
    from tests.central import Acts

FORM = "postpartum_visit"
CHANGED = 10
REPEATS = 5
AT_A_TIME = 4


def main() -> int:
    """Fill a project, measure, print, and delete the project."""
    from tests.central import Acts
    from tests.central.fixtures import VARIABLES, real_login

    parser = argparse.ArgumentParser(prog="python -m benchmarks.central", description=__doc__)
    parser.add_argument("--rows", type=int, default=5000, help="submissions (%(default)s)")
    rows = parser.parse_args().rows
    login = real_login()
    if login is None:
        print(f"no Central at hand: set {', '.join(VARIABLES)}", file=sys.stderr)
        return 2
    acts = Acts(*login)
    acts.make_project("laktasi benchmark")
    try:
        with tempfile.TemporaryDirectory(prefix="laktasi-bench-") as folder:
            measure(acts, Path(folder), rows)
    finally:
        acts.delete_project()
    return 0


def measure(acts: Acts, folder: Path, rows: int) -> None:
    """Measure one server, and print."""
    from laktasi.odk.central import CentralForm
    from laktasi.odk.connection import connect

    payloads = sample()
    print(f"sending {rows} submissions", flush=True)
    fill(acts, payloads, rows)
    settings = settings_for(acts, folder)
    with connect(settings.central["central"], folder / "tokens") as connection:
        form = CentralForm(connection, FORM)
        form.count()  # the session is begun
        odata = median(lambda: form.changed_since(None))
    place = f"{acts.place('forms', FORM)}.svc/Submissions"
    expanded = median(lambda: acts.do("GET", place, params={"$expand": "*"}))
    print(f"OData part of a first pull: {odata:.2f} s, {odata / expanded:.2f} times one $expand=* ({expanded:.2f} s)")
    first = walk(settings)
    print(f"first pull: {first['central']:.1f} s, {1000 * first['central'] / rows:.1f} ms a submission, XML and state")
    print(f"  and its proof: {first['reconcile']:.2f} s")
    change(acts, payloads)
    delta = walk(settings)
    print(f"{CHANGED} changed rows: {delta['central']:.2f} s, and their proof {delta['reconcile']:.2f} s")
    nothing = walk(settings)
    print(f"nothing changed: {nothing['central']:.2f} s, and its proof {nothing['reconcile']:.2f} s", flush=True)


def median(work: Callable[[], Any]) -> float:
    """Give the median seconds of some repeats."""
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def sample() -> list[str]:
    """Give the shipped sample's payloads of the version that the project has, edits left out."""
    from laktasi.questionnaire.xform import parse
    from laktasi.questionnaire.xlsform import convert

    converted = convert(HOUSE / "xlsforms" / f"{FORM}.xlsx")
    version = f'version="{parse(converted.xform, converted.media).version}"'
    found = []
    with zipfile.ZipFile(HOUSE / "xlsforms" / "sample" / f"{FORM}.zip") as archive:
        for name in archive.namelist():
            if "/instances/" in name and name.endswith(".xml"):
                text = archive.read(name).decode("utf-8", errors="replace")
                if version in text and "deprecatedID" not in text and text.rstrip().endswith(">"):
                    found.append(text)
    return found


def fresh(payload: str) -> str:
    """Give a payload another instanceID."""
    return re.sub(r"uuid:[0-9A-Za-z-]+", f"uuid:{uuid.uuid4()}", payload)


def fill(acts: Acts, payloads: list[str], rows: int) -> None:
    """Publish the form and send the submissions."""
    from laktasi.questionnaire.xlsform import convert

    converted = convert(HOUSE / "xlsforms" / f"{FORM}.xlsx")
    acts.publish(converted.xform, converted.media)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for _ in pool.map(lambda number: acts.submit(fresh(payloads[number % len(payloads)])), range(rows)):
            pass


def change(acts: Acts, payloads: list[str]) -> None:
    """Review half of the rows that change, and send the others anew."""
    listed = acts.do("GET", acts.place("forms", FORM, "submissions"), params={"limit": str(CHANGED // 2)})
    for row in listed:
        acts.review(FORM, row["instanceId"], "hasIssues")
    for number in range(CHANGED - len(listed)):
        acts.submit(fresh(payloads[number]))


def settings_for(acts: Acts, folder: Path) -> Settings:
    """Give the settings of a project that has nothing but this source."""
    from pydantic import SecretStr

    from laktasi.settings import CentralSettings, read_settings

    project = folder / "project"
    for name in ("xlsforms", "schemas"):
        (project / name).mkdir(parents=True)
    shutil.rmtree(folder / "data", ignore_errors=True)
    central = CentralSettings(url=acts.url, project=acts.project, email=acts.email, password=SecretStr(acts.password))
    return read_settings(project, data=folder / "data", central={"central": central})


def walk(settings: Settings) -> dict[str, float]:
    """Pull and prove; give seconds by step."""
    from laktasi import pipeline

    seconds: dict[str, float] = {}

    def timed(step: pipeline.Step, run: pipeline.Run, progress: pipeline.Progress) -> pipeline.Counts:
        began = time.perf_counter()
        told = step.work(run, progress)
        seconds[step.name] = time.perf_counter() - began
        return told

    done = pipeline.walk(settings, pipeline.LANDING, door="import", call=timed)
    assert not done.unreached, done.unreached
    return seconds


if __name__ == "__main__":
    sys.exit(main())
