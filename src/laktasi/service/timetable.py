"""prefect.yaml: which deployments there are, when each is due, and as it is given to Prefect for one project."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from laktasi.errors import SettingsError
from laktasi.paths import HOUSE
from laktasi.settings import Settings

CAUGHT_UP = "caught up"
"""Tag in prefect.yaml of what is started once where it was missed."""
DAILY = "daily"
"""The deployment that does everything; where Prefect cannot be brought up, the supervisor does its work."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is run, and when."""

    name: str
    times: tuple[tuple[str, ZoneInfo], ...]
    """Each as ``minute hour day month weekday``, and the time zone in which it is meant."""
    is_caught_up: bool

    def last_due(self, now: datetime) -> datetime | None:
        """Give when it was last to start; None where it is only started by hand."""
        return max((_next(cron, now.astimezone(zone), back=True) for cron, zone in self.times), default=None)

    def next_due(self, now: datetime) -> datetime | None:
        """Give when it is to start next."""
        return min((_next(cron, now.astimezone(zone), back=False) for cron, zone in self.times), default=None)


SHIPPED = HOUSE / "prefect.yaml"


def file_of(settings: Settings) -> Path:
    """Give the project's own prefect.yaml, else the shipped one."""
    own = settings.project / SHIPPED.name
    return own if own.exists() else SHIPPED


def read_timetable(settings: Settings, path: Path | None = None) -> list[Deployment]:
    """Read the deployments, in the order of the file.

    Parameters
    ----------
    path
        In place of the project's prefect.yaml.

    Raises
    ------
    SettingsError
        The file cannot be read, is not of its shape, or a time or time zone in it means nothing.
    """
    path = path or file_of(settings)
    with _of_its_shape(path):
        return [
            Deployment(_name(declared), _times(path, declared, settings), CAUGHT_UP in (declared.get("tags") or ()))
            for declared in _declared(path)["deployments"]
        ]


def _name(declared: dict[str, Any]) -> str:
    if not (name := declared["name"]):
        raise KeyError("name")
    return str(name)


def _times(path: Path, declared: dict[str, Any], settings: Settings) -> tuple[tuple[str, ZoneInfo], ...]:
    """Give the times of a deployment; schedules of Prefect that are no cron are not planned."""
    schedules = [schedule for schedule in declared.get("schedules") or () if schedule.keys() >= {"cron"}]
    try:
        times = tuple(
            (str(schedule["cron"]), ZoneInfo(settings.up.timezone or schedule.get("timezone") or "UTC"))
            for schedule in schedules
        )
        for cron, zone in times:
            _next(cron, datetime.now(zone), back=True)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # Asia by itself is a folder
        raise SettingsError(
            f"{path.name}: the times of {_name(declared)} cannot be read ({error})",
            next_step='write them like cron: "0 5 * * *" and timezone: Asia/Makassar',
        ) from None
    return times


def made_for(settings: Settings, phones: Iterable[Path] | None) -> dict[str, Any]:
    """Give prefect.yaml as it is given to Prefect: for this project and data folder, in the settings' time zone.

    Parameters
    ----------
    phones
        Folders that take the place of those in laktasi.toml; None where that one is to be read at each run.

    Raises
    ------
    SettingsError
        The file cannot be read, is not of its shape, or names a flow that is not there.
    """
    file = file_of(settings)
    declared = _declared(file)
    with _of_its_shape(file):
        for deployment in declared["deployments"]:
            given: dict[str, Any] = {"project": str(settings.project), "data": str(settings.data_folder.root)}
            if phones is not None:
                given["phones"] = [str(folder) for folder in phones]
            taken = _parameters(file, deployment["entrypoint"])
            own = deployment.get("parameters") or {}
            deployment["parameters"] = {name: value for name, value in given.items() if name in taken} | own
            deployment["schedules"] = deployment.get("schedules") or []
            for schedule in deployment["schedules"]:
                if settings.up.timezone:
                    schedule["timezone"] = settings.up.timezone
    return declared


@contextmanager
def _of_its_shape(path: Path) -> Iterator[None]:
    """Tell what is missing, empty or something else than it should be as a slip in the file."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else "something is not of its kind"
        raise SettingsError(
            f"{path.name}: its deployments cannot be read ({what})",
            next_step="compare it with the shipped one: each deployment has a name, an entrypoint and schedules",
        ) from error


def _declared(path: Path) -> dict[str, Any]:
    declared = _read(path)
    if not declared.get("deployments"):
        # Nothing would ever run, and nobody would be told.
        raise SettingsError(
            f"{path.name} names no deployments",
            next_step="start from a copy of the one that laktasi ships, or take the file away: then that one holds",
        )
    return declared


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(
            f"{path.name} cannot be read ({type(error).__name__})", next_step=f"see that {path} is YAML in UTF-8"
        ) from error
    # Anchors make one object of several places.
    return _copied(declared) if isinstance(declared, dict) else {}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _parameters(file: Path, entrypoint: str) -> set[str]:
    """Name the parameters of a flow, without importing it."""
    path, _, flow = entrypoint.partition(":")
    try:
        tree = ast.parse((HOUSE / path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise SettingsError(
            f"{file.name}: the entrypoint {entrypoint} cannot be read ({type(error).__name__})",
            next_step="write it like flows/study_flow.py:study",
        ) from error
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == flow:
            return {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
    return set()


def _next(cron: str, moment: datetime, *, back: bool) -> datetime:
    """Give the time of a cron before or after a moment.

    Raises
    ------
    ValueError
        It means nothing, or no such time comes.
    """
    from cronsim import CronSim, CronSimError

    try:
        return next(CronSim(cron, moment, reverse=back))
    except (CronSimError, StopIteration):
        raise ValueError(f"{cron!r} is no time") from None
