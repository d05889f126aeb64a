"""A clock that is set back between two runs: what came later stays later, and it is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import duckdb
import pytest

from laktasi import pipeline
from laktasi.paths import DataFolder
from laktasi.reproducing import verify
from laktasi.settings import Settings, read_settings
from laktasi.store import decisions, raw, runs
from laktasi.store.warehouse import open_research, open_warehouse
from laktasi.summary import latest_runs, summary
from tests import mini
from tests.history import checking_nothing, manifests

pytestmark = pytest.mark.slow

AHEAD = timedelta(days=400)


class Ahead(datetime):
    """A clock that somebody had set wrong."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        moment = datetime.now(tz) + AHEAD
        return cls.combine(moment.date(), moment.timetz())


@contextmanager
def clock_ahead() -> Iterator[None]:
    """Let what is written down bear times of that clock."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (runs, raw, decisions):
            patched.setattr(module, "datetime", Ahead)
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    phone = mini.fill_phone(tmp_path / "phone", 6)
    with checking_nothing():
        yield read_settings(mini.make_project(tmp_path / "project"), data=tmp_path / "data", phones=(phone,))


def run(settings: Settings) -> str:
    return pipeline.walk(settings, pipeline.WAY, door="cli").run_id


def test_results_are_those_of_the_run_that_came_last(settings: Settings, tmp_path: Path) -> None:
    with clock_ahead():
        first = run(settings)
    mini.put(tmp_path / "phone", "edit", mini.xml(mini.person(3, age=44), "uuid:edit", deprecated_id="uuid:tea-0003"))
    mini.put(tmp_path / "phone", "new", mini.xml(mini.person(7), "uuid:new"))
    second = run(settings)
    third = run(settings)
    with open_research(settings.data_folder.research) as con:
        assert con.execute("from meta.latest_run").fetchall() == [(third,)]
        assert con.execute("select age from staging.tea where code = 'K0003'").fetchall() == [(44,)]
        assert con.execute('select run_id, "change", n from meta.changes').fetchall() == [(second, "new", 1)]
    assert [row[0] for row in latest_runs(settings, ["run_id"], 3)[1]] == [third, second, first]
    with duckdb.connect(str(settings.data_folder.warehouse), read_only=True) as con:
        times = con.execute("select started_at, finished_at, published_at from meta.runs order by run_id").fetchall()
        landed = con.execute("select run_id, landed_at from raw.submissions order by landed_at").fetchall()
    flat = [moment for started, finished, _ in times for moment in (started, finished)]
    assert flat == sorted(set(flat))
    assert [published for *_, published in times] == sorted({published for *_, published in times})
    assert [run_id for run_id, _ in landed] == [first] * 6 + [second] * 2
    assert len({moment for _, moment in landed}) == 8
    assert [path.stem for path in manifests(settings)] == [first, second, third]


def test_it_is_said_in_a_line(settings: Settings) -> None:
    with clock_ahead():
        run(settings)
        assert not any("clock" in line for line in summary_of_that_clock(settings))
    run(settings)
    (said,) = [line for line in summary(settings) if "clock" in line]
    assert said.startswith("this machine's clock was set back: by it, an earlier run ended at ")
    assert "nothing is lost" in said


def summary_of_that_clock(settings: Settings) -> list[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("laktasi.summary.datetime", Ahead)
        return summary(settings)


@pytest.mark.slow
def test_what_was_known_before_is_known_still(settings: Settings, tmp_path: Path) -> None:
    with clock_ahead():
        run(settings)
    mini.put(tmp_path / "phone", "new", mini.xml(mini.person(7), "uuid:new"))
    run(settings)
    for manifest in manifests(settings):
        assert verify(settings, manifest).wrong == ()


def test_a_run_that_fails_or_is_killed_is_older_than_the_next_one(tmp_path: Path) -> None:
    with open_warehouse(DataFolder(tmp_path)) as con:
        with clock_ahead():
            killed = runs.begin(con, "cli")
            failed = runs.begin(con, "cli")
            runs.fail(con, failed)
        last = runs.begin(con, "cli")
        runs.finish(con, last, {"staged": 0}, {})
        found = con.execute("select run_id, status from meta.runs order by run_id").fetchall()
    assert found == [(killed, "interrupted"), (failed, "failed"), (last, "finished")]
