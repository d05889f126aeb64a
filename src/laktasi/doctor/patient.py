"""Who is looked at: a project and its data folder, as far as they can be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from laktasi.doctor.finding import Finding
from laktasi.errors import LaktasiError
from laktasi.paths import HOUSE, DataFolder

if TYPE_CHECKING:
    from laktasi.settings import Settings

Look = Callable[["Patient"], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Patient:
    """A project, its settings where they can be read, and its data folder."""

    project: Path
    folder: DataFolder
    settings: Settings | None = None
    trouble: LaktasiError | None = None
    """Why the settings cannot be read."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def admit(project: Path | None, data: Path | None) -> Patient:
    """Read the settings as every command does; where they cannot be read, go on with the folders that there are.

    Parameters
    ----------
    data
        The data folder that the command line gives.
    """
    root = (project or HOUSE).resolve()
    try:
        from laktasi.settings import read_settings, read_settings_alone

        given = {"data": data.resolve() if data else None}
        try:
            settings, trouble = read_settings(root, **given), None
        except LaktasiError as error:  # of the key, perhaps
            settings, trouble = read_settings_alone(root, **given), error
        return Patient(root, settings.data_folder, settings, trouble)
    except LaktasiError as error:
        return Patient(root, DataFolder(data.resolve() if data else root / "data"), None, error)
    except Exception as error:  # a package that is broken or of another version: what else is there is looked at
        broken = LaktasiError(
            f"the settings cannot be read ({type(error).__name__})",
            why="A package seems to be missing or broken.",
            next_step="see the lines about packages; if these are ok, tell those who maintain laktasi",
        )
        return Patient(root, DataFolder(data.resolve() if data else root / "data"), None, broken)
