"""The settings that stand in the environment (``LAKTASI_…``), and in the private file, whose lines are the same."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from laktasi.errors import SettingsError
from laktasi.settings.central import CentralSettings
from laktasi.settings.lake import LakeSettings
from laktasi.settings.models import PREFIX, BackupSettings, FeedbackSettings, NotifySettings, Settings, UpSettings

NOT_SETTINGS = ("LAKTASI_CHECKOUT", "LAKTASI_TEST_")
"""Beginnings of names that others read: prefect.yaml, and the tests."""


def _is_account_alone(central: Mapping[str, Any]) -> bool:
    """Say whether this is an account, or several, for Centrals that nothing describes."""
    return all(
        _is_account_alone(value) if isinstance(value, dict) else name in ("email", "password")
        for name, value in central.items()
    )


class Environment(EnvSettingsSource):
    """Reads settings from the environment, and where they are not there from the project's private file.

    What is not a single value is JSON, and folders may be written plainly.
    """

    def __init__(self, settings_cls: type[BaseSettings], private: Mapping[str, str], *, has_file: bool) -> None:
        self._has_file = has_file
        self._private = {name.lower(): value for name, value in private.items()}
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {**self._private, **super()._load_env_vars()}

    def explode_env_vars(self, field_name: str, field: FieldInfo, env_vars: Any) -> dict[str, Any]:
        """Read LAKTASI_CENTRAL__PART and LAKTASI_CENTRAL__NAME__PART as plain words."""
        if field_name != "central":
            return super().explode_env_vars(field_name, field, env_vars)
        found: dict[str, Any] = {}
        for name, value in env_vars.items():
            beginning, *parts = name.lower().removeprefix(PREFIX.lower()).split("__")
            if beginning == field_name and parts:
                place = found
                for part in parts[:-1]:
                    place = place.setdefault(part, {})
                place[parts[-1]] = value
        if not self._has_file and _is_account_alone(found):
            return {}  # the private file outlived its project: nothing is lost yet, a backup may bring that back
        return found

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Read lists that are written plainly, and all else as JSON."""
        if field_name == "phones" and not value.lstrip().startswith("["):
            return [Path(folder) for folder in value.split(os.pathsep) if folder]
        if field_name in ("on", "severities") and not value.lstrip().startswith("["):
            return [name.strip() for name in value.split(",") if name.strip()]
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            name = f"{PREFIX}{field_name.upper()}"
            plainly = {
                "phones": f"write one folder, or several with {os.pathsep} between them",
                "central": f"write its parts one by one, as {name}__URL and so on",
            }
            raise SettingsError(
                f"{name} in the environment is not JSON", next_step=plainly.get(field_name, f"correct {name}")
            ) from None


def refuse_unknown(names: Iterable[str], file: str = "") -> None:
    """Refuse names in the environment, or in a private file, that are no settings; pydantic passes over them.

    Parameters
    ----------
    file
        Name of the private file, if the names stand there.

    Raises
    ------
    SettingsError
        One of them is no setting. Its value is never shown.
    """
    from difflib import get_close_matches

    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields if name != "project"]
    parts = [name.upper() for name in (*CentralSettings.model_fields, "form")]
    known += [f"{PREFIX}CENTRAL__{part}" for part in parts]
    known += [f"{PREFIX}FEEDBACK__{name.upper()}" for name in FeedbackSettings.model_fields]
    known += [f"{PREFIX}BACKUP__{name.upper()}" for name in BackupSettings.model_fields]
    known += [f"{PREFIX}LAKE__{name.upper()}" for name in LakeSettings.model_fields]
    known += [f"{PREFIX}UP__{name.upper()}" for name in UpSettings.model_fields]
    known += [f"{PREFIX}NOTIFY__{name.upper()}" for name in NotifySettings.model_fields]
    of_one = re.compile(rf"{PREFIX}CENTRAL__[A-Z0-9]\w*?__({'|'.join(parts)})")
    where, without = (file, f"take {{}} out of {file}") if file else ("the environment", "unset {}")
    for name in sorted(names):
        upper = name.upper()  # pydantic reads either
        if of_one.fullmatch(upper):
            continue
        if upper not in known and not upper.startswith(NOT_SETTINGS):
            away = without.format(name)
            if upper == f"{PREFIX}PROJECT":
                next_step = f"{away}, and name the project by --project FOLDER"
            elif near := get_close_matches(upper, known, n=1):
                next_step = f"did you mean {near[0]}? Else {away}"
            else:
                next_step = f"{away}; known are {', '.join(known)}"
            raise SettingsError(f"{name} in {where} is no setting", next_step=next_step)
