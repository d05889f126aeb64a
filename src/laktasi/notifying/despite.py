"""What can be known of the settings where they cannot be read: people must hear of that, too."""

from __future__ import annotations

import os
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from laktasi.errors import LaktasiError
from laktasi.paths import HOUSE, Project
from laktasi.settings import PREFIX, NotifySettings, Settings
from laktasi.settings.private_file import read_private_environment


def settings_despite(project: Path | None, data: Path | None) -> Settings:
    """Give settings that are good for a message, whatever is wrong with the others.

    Parameters
    ----------
    project, data
        As they were given to the command or flow that could not read its settings.
    """
    root = (project or HOUSE).resolve()
    told: dict[str, Any] = {}
    with suppress(OSError, ValueError):  # not there, not UTF-8, not TOML
        told = tomllib.loads(Project(root).settings_file.read_text(encoding="utf-8-sig"))
    private: dict[str, str] = {}
    with suppress(LaktasiError, OSError):
        private = read_private_environment(root)

    def of_environment(name: str) -> str | None:
        return os.environ.get(PREFIX + name) or private.get(PREFIX + name)

    to = of_environment("NOTIFY__TO")
    given = told.get("notify")
    try:
        notify = NotifySettings.model_validate({**(given if isinstance(given, dict) else {}), "to": to})
    except ValidationError:
        notify = NotifySettings(to=SecretStr(to) if to else None)
    language = of_environment("LANGUAGE") or told.get("language")
    folder = data or of_environment("DATA") or told.get("data")
    return Settings.model_construct(
        project=root,
        data=Path(folder if isinstance(folder, str | Path) else "data"),
        notify=notify,
        language=language if language in ("id", "en") else "en",
    )
