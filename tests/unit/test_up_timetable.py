"""prefect.yaml as `laktasi up` reads it, and as it gives it to Prefect."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from laktasi.errors import SettingsError
from laktasi.paths import HOUSE
from laktasi.service.log import Log
from laktasi.service.place import Place
from laktasi.service.supervisor import Supervisor
from laktasi.service.timetable import CAUGHT_UP, DAILY, made_for, read_timetable
from laktasi.settings import Settings, UpSettings, read_settings

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)  # a Sunday, 10:30 in Makassar


def project(tmp_path: Path, text: str | None = None, timezone: str | None = None) -> Settings:
    root = tmp_path / "project"
    root.mkdir(exist_ok=True)
    if text is not None:
        (root / "prefect.yaml").write_text(text, encoding="utf-8")
    return read_settings(root, up=UpSettings(timezone=timezone))


def one(times: str) -> str:
    return f"deployments: [{{name: daily, entrypoint: 'flows/study_flow.py:study', schedules: {times}}}]"


def test_the_shipped_one_asks_for_a_daily_run_that_is_caught_up(tmp_path: Path) -> None:
    timetable = {item.name: item for item in read_timetable(project(tmp_path))}
    daily = timetable[DAILY]
    assert daily.is_caught_up
    assert str(daily.last_due(NOW)) == "2026-11-22 05:00:00+08:00"
    assert str(daily.next_due(NOW)) == "2026-11-23 05:00:00+08:00"
    assert not timetable["hourly"].is_caught_up
    assert timetable["publish"].last_due(NOW) is timetable["publish"].next_due(NOW) is None
    assert next(iter(timetable)) == DAILY  # what else is caught up works on what it took in


def test_a_time_zone_in_the_settings_takes_the_place_of_all(tmp_path: Path) -> None:
    settings = project(tmp_path, timezone="Asia/Jakarta")
    daily = read_timetable(settings)[0]
    assert str(daily.next_due(NOW)) == "2026-11-23 05:00:00+07:00"
    given = {schedule["timezone"] for item in made_for(settings, None)["deployments"] for schedule in _times(item)}
    assert given == {"Asia/Jakarta"}


def test_of_several_times_the_nearest_count(tmp_path: Path) -> None:
    times = '[{cron: "0 5 * * *", timezone: Asia/Makassar}, {cron: "0 5 * * *", timezone: Asia/Jayapura}]'
    daily = read_timetable(project(tmp_path, one(times)))[0]
    assert str(daily.last_due(NOW)) == "2026-11-22 05:00:00+08:00"
    assert str(daily.next_due(NOW)) == "2026-11-23 05:00:00+09:00"


def test_a_day_of_summer_time_has_its_run(tmp_path: Path) -> None:
    # At 02:30 on that day there is no clock in Berlin that shows it.
    daily = read_timetable(project(tmp_path, one('[{cron: "30 2 * * *", timezone: Europe/Berlin}]')))[0]
    night = datetime(2027, 3, 28, 0, 0, tzinfo=UTC)
    due = daily.next_due(night)
    assert due is not None
    assert due.astimezone(UTC).date() == night.date()


def test_each_flow_is_given_what_it_takes(tmp_path: Path) -> None:
    settings = project(tmp_path)
    made = {item["name"]: item for item in made_for(settings, [tmp_path / "phone"])["deployments"]}
    both = {"project": str(settings.project), "data": str(settings.data_folder.root)}
    assert made[DAILY]["parameters"] == both | {"phones": [str(tmp_path / "phone")]}
    assert made["feedback"]["parameters"] == both
    assert "phones" not in made_for(settings, None)["deployments"][0]["parameters"]  # read at each run


def test_a_parameter_of_the_file_stays(tmp_path: Path) -> None:
    text = "deployments: [{name: f, entrypoint: 'flows/field_flow.py:feedback', parameters: {send: true}}]"
    assert made_for(project(tmp_path, text), None)["deployments"][0]["parameters"]["send"] is True


@pytest.mark.parametrize(
    "text",
    [
        one('[{cron: "0 25 * * *"}]'),
        one('[{cron: "0 5 30 2 *"}]'),
        one('[{cron: "0 5 * * *", timezone: Asia/Nowhere}]'),
        one('[{cron: "0 5 * * *", timezone: Asia}]'),
        one('[{cron: "0 5 * * *", timezone: 8}]'),
        one("[{cron: }]"),
        one('["0 5 * * *"]'),
        one("5"),
        "deployments: [",
        "deployments:",
        "deployments: daily",
        "deployments: [daily]",
        "deployments: [{entrypoint: 'flows/study_flow.py:study'}]",
        "deployments: [{name: , entrypoint: 'flows/study_flow.py:study'}]",
        "",
    ],
)
def test_what_means_nothing_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"prefect\.yaml"):
        read_timetable(project(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "deployments:",
        "deployments: [{name: daily}]",
        "deployments: [{name: daily, entrypoint: }]",
        "deployments: [{name: daily, entrypoint: 'flows/nowhere.py:study'}]",
        one("5"),
    ],
)
def test_what_prefect_cannot_be_given_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"prefect\.yaml"):
        made_for(project(tmp_path, text), None)


def test_what_is_left_empty_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    text = (
        "deployments: [{name: by hand, entrypoint: 'flows/field_flow.py:publish', schedules: , tags: , parameters: }]"
    )
    settings = project(tmp_path, text)
    (by_hand,) = read_timetable(settings)
    assert by_hand.next_due(NOW) is None
    assert not by_hand.is_caught_up
    assert made_for(settings, None)["deployments"][0]["schedules"] == []
    (daily,) = read_timetable(project(tmp_path, one('[{cron: "0 5 * * *", timezone: }]')))
    assert str(daily.next_due(NOW)) == "2026-11-22 05:00:00+00:00"


def test_the_daily_run_happens_whatever_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    settings = project(tmp_path, "deployments:")
    Place(settings.data_folder).make()
    own = Log(Place(settings.data_folder).log, lambda _: None)

    def supervisor() -> Supervisor:
        return Supervisor(settings, phones=None, port=4321, log=own, notify=lambda error: told.append(error.what))

    refused = supervisor()
    assert refused.refused is not None
    assert DAILY in {item.name for item in refused.timetable}

    # Changed after the start, when it is read once more.
    (settings.project / "prefect.yaml").write_text(one('[{cron: "0 5 * * *"}]'), encoding="utf-8")
    going_on = supervisor()
    assert going_on.refused is None
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 2:
            going_on.stopping.set()
        made_for(project(tmp_path, "deployments: [{name: daily}]"), None)

    monkeypatch.setattr(going_on, "tick", tick)
    monkeypatch.setattr(going_on.stopping, "wait", lambda _seconds: None)
    going_on.run()
    assert ticks == 2
    assert "prefect.yaml" in going_on.trouble
    assert told == [going_on.trouble]


def test_a_time_zone_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKTASI_UP__TIMEZONE", "Makassar")
    with pytest.raises(SettingsError, match=r"up\.timezone"):
        read_settings(tmp_path)


def test_what_is_caught_up_is_said_by_a_tag() -> None:
    declared = yaml.safe_load((HOUSE / "prefect.yaml").read_text(encoding="utf-8"))
    tagged = {item["name"] for item in declared["deployments"] if CAUGHT_UP in item.get("tags", ())}
    assert tagged == {"daily", "weekly", "feedback", "backup"}


def _times(item: dict[str, Any]) -> list[dict[str, Any]]:
    times: list[dict[str, Any]] = item.get("schedules", [])
    return times


def test_what_prefects_server_says_stands_apart_from_what_runs_say(tmp_path: Path) -> None:
    settings = project(tmp_path, one('[{cron: "0 5 * * *"}]'))
    place = Place(settings.data_folder)
    place.make()
    kept_up = Supervisor(settings, phones=None, port=4321, log=Log(place.log, lambda _: None), notify=lambda _: None)
    for child in (kept_up.server, kept_up.worker, kept_up.substitute):
        child.command = (sys.executable, "-c", f"raise RuntimeError({child.name!r} + ': database is locked')")
        child.start()
        assert child.process is not None
        assert child.process.wait() == 1
    said, of_prefect = place.log.read_text(encoding="utf-8"), place.prefect_log.read_text(encoding="utf-8")
    assert "Prefect's server: database is locked" in of_prefect
    assert "Prefect's server" not in said
    assert "the worker: database is locked" in said  # and with it the runs
    assert "the run without Prefect: database is locked" in said
    assert place.prefect_log.stat().st_mode & 0o077 == 0
